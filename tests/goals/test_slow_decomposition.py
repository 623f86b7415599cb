"""How often the intervals of a change's terms hold the truth, by resampling and by linearising; prints a table."""

import math
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmtools.goals.kitagawa import TOTALS, States, terms
from crmtools.goals.term_errors import bootstrap, delta

pytestmark = pytest.mark.slow
LEVEL, FEWEST, SIZES, SAMPLES = 0.95, 30, (100, 300, 1000), {100: 1000, 300: 800, 1000: 400}
PARTS = np.array([0.5, 0.3, 0.2])
THERE = np.array([[0.9, 0.5, 0.6], [0.6, 0.8, 0.6]])
"""How likely a customer of a segment is in each period: the mix changes."""
SHARES = np.array([[0.70, 0.30, 0.10], [0.66, 0.34, 0.10]])
MONEY = np.array([[100.0, 300.0, 60.0], [90.0, 330.0, 60.0]])


@dataclass(frozen=True)
class Case:
    name: str
    values: np.ndarray
    sigma: float  # 0 is a share


CASES = (Case("share", SHARES, 0.0), Case("money, light tail", MONEY, 0.5), Case("money, heavy tail", MONEY, 1.2))


def customers(case: Case, rng: np.random.Generator, n: int) -> np.ndarray:
    """One row each, (period, v or w, segment): what a customer does then tells something of what he does now."""
    units = np.zeros((n, 2, 2, 3))
    who, segment = np.arange(n), rng.choice(3, n, p=PARTS)
    lasting = rng.normal(size=n)
    for period in range(2):
        there = rng.random(n) < THERE[period][segment]
        latent = math.sqrt(0.5) * lasting + math.sqrt(0.5) * rng.normal(size=n)
        level = case.values[period][segment]
        if case.sigma:
            w = 1.0 + rng.poisson(1.0, n)
            v = w * level * np.exp(case.sigma * latent - case.sigma**2 / 2)
        else:
            w, v = np.ones(n), (stats.norm.cdf(latent) < level).astype(float)
        units[who, period, 0, segment], units[who, period, 1, segment] = v * there, w * there
    return units.reshape(n, 12)


def truth(case: Case) -> np.ndarray:
    w = PARTS * THERE * (2.0 if case.sigma else 1.0)
    sums = np.array([case.values[0] * w[0], w[0], case.values[1] * w[1], w[1]])
    return terms(sums, States.of(sums))


def coverage(case: Case, n: int) -> list[tuple[str, int, str, str, float, int]]:
    rng, true = np.random.default_rng([20260101, n]), truth(case)
    held = {way: np.zeros((2, 14)) for way in ("bootstrap", "delta")}
    for _ in range(SAMPLES[n]):
        units = customers(case, rng, n)
        sums = units.sum(axis=0).reshape(4, 3)
        counts = (units.reshape(n, 2, 2, 3)[:, :, 1] > 0).sum(axis=0)
        enough = (counts >= FEWEST).all(axis=0)
        told = np.concatenate([enough, enough, np.zeros(3, bool), [True, True, False, False, True]])
        states = States.of(sums)
        for way, found in (
            ("bootstrap", bootstrap(units, states, level=LEVEL)),
            ("delta", delta(sums, units.T @ units, states, n=n, level=LEVEL)),
        ):
            if found is None:
                continue  # where a handful of customers is a segment, nothing is claimed
            held[way] += told, told & (found.low <= true) & (true <= found.high)
    names = [*(f"mix {k}" for k in range(3)), *(f"rate {k}" for k in range(3)), "", "", "", *TOTALS]
    return [
        (case.name, n, way, name, made[1] / made[0], int(made[0]))
        for way, both in held.items()
        for name, made in zip(names, both.T)
        if made[0] >= 100
    ]


def test_intervals_of_terms_cover(capsys) -> None:
    rows = [row for case in CASES for n in SIZES for row in coverage(case, n)]
    table = pd.DataFrame(rows, columns=["case", "customers", "way", "term", "coverage", "samples"])
    wide = table.pivot_table(index=["case", "customers", "way"], columns="term", values="coverage")
    with capsys.disabled():
        sys.stdout.write(f"\n{wide.round(3).to_string(na_rep='')}\n")
