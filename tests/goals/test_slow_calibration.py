"""Do stated chances come true? Simulated indicators with known processes; the tables are printed.

A case is one target of one series at one horizon; what happened is the share of forty futures of the same series. The level
is a random walk on the link scale with sd τ, each period has a part of its own with sd ω, and a slope (constant up to 23
points, fading from 24 on) of sd β; τ, ω and β are drawn as multiples of the sampling error of one period.
"""

from collections.abc import Callable

import numpy as np
import pytest

from crmtools.goals.forecast import chance_of, reading_ahead
from crmtools.goals.level import FADES, LONG, spread
from crmtools.goals.series import Series

pytestmark = pytest.mark.slow
HORIZONS, FUTURES = [3, 6, 12], 40
TAU, OMEGA, SLOPE = (0.0, 0.3, 1.0, 3.0), (0.0, 0.5, 1.5), (0.0, 0.1)
PLACES = np.array([-3, -2, -1.4, -0.9, -0.5, -0.2, 0.2, 0.5, 0.9, 1.4, 2, 3])
ENOUGH, MOST = 200, 0.4
"""Cases that a decile needs, and the most that anything moves a month: odds or money by about a half."""
Read = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def share(rng, low: float, high: float) -> tuple[float, float, int, Read, dict]:
    """Level and sampling error on the logit scale, customers, how they answer, and what the series is."""
    p, n = np.exp(rng.uniform(np.log(low), np.log(high))), int(np.exp(rng.uniform(np.log(100), np.log(1500))))

    def read(z, sizes):
        x = rng.binomial(sizes, 1 / (1 + np.exp(-z))) / sizes
        return x, np.sqrt(x * (1 - x) / sizes)

    return np.log(p / (1 - p)), 1 / np.sqrt(n * p * (1 - p)), n, read, {"kind": "share", "low": 0.0, "high": 1.0}


def net_share(rng) -> tuple[float, float, int, Read, dict]:
    net, n = rng.uniform(-0.2, 0.6), int(np.exp(rng.uniform(np.log(60), np.log(600))))

    def read(z, sizes):
        truth = np.tanh(z / 2)
        either = np.clip(np.maximum(0.7, np.abs(truth) + 0.05), None, 1)
        up = rng.binomial(sizes, (either + truth) / 2)
        down = rng.binomial(sizes - up, np.clip((either - truth) / (2 - either - truth), 0, 1))
        x = (up - down) / sizes
        return 100 * x, 100 * np.sqrt(np.maximum((up + down) / sizes - x**2, 0) / sizes)

    error = np.sqrt((0.7 - net**2) / n) * 2 / (1 - net**2)
    return np.log((1 + net) / (1 - net)), error, n, read, {"kind": "net_share", "low": -100.0, "high": 100.0}


def money(rng) -> tuple[float, float, int, Read, dict]:
    n, sd = int(np.exp(rng.uniform(np.log(50), np.log(1000)))), rng.uniform(0.6, 1.2)

    def read(z, sizes):
        customer = np.repeat(np.arange(sizes.size), sizes)
        spent = rng.lognormal(0, sd, sizes.sum())
        mean, square = (np.bincount(customer, spent**power) / sizes for power in (1, 2))
        scale = np.exp(z - sd**2 / 2)
        return scale * mean, scale * np.sqrt((square - mean**2) / (sizes - 1))

    return np.log(rng.uniform(50, 2000)), np.sqrt(np.expm1(sd**2) / n), n, read, {"kind": "ratio"}


KINDS = {
    "share 5-60 %": lambda rng: share(rng, 0.05, 0.6),
    "rare 0.3-3 %": lambda rng: share(rng, 0.003, 0.03),
    "net share": net_share,
    "money": money,
}


def simulate(kind: str, points: int, count: int) -> np.ndarray:
    """One row per case: horizon, τ/se, stated chance, share of the futures in which it happened."""
    rng, rows = np.random.default_rng([20260101, points]), []
    for _ in range(count):
        z, error, n, read, what = KINDS[kind](rng)
        ratio = rng.choice(TAU)
        tau, omega, slope = (min(error * part, MOST) for part in (ratio, rng.choice(OMEGA), rng.choice(SLOPE)))
        fades, renewed = (FADES, slope * np.sqrt(1 - FADES**2)) if points >= LONG else (1.0, 0.0)
        # the past is one path, from its end on there are forty
        drift, level, paths = rng.normal(0, slope, 1), np.array([z]), []
        for period in range(points + HORIZONS[-1]):
            if period == points:
                drift, level = np.repeat(drift, FUTURES), np.repeat(level, FUTURES)
            drift = fades * drift + rng.normal(0, renewed, drift.size)
            level = level + drift + rng.normal(0, tau, level.size)
            paths.append(level)
        past = np.concatenate(paths[:points])
        sizes = rng.poisson(n, points) + 2
        values, errors = read(past + rng.normal(0, omega, points), sizes)
        series = Series.plain(list(values), list(errors), n=list(sizes), **what)
        found = reading_ahead(series, HORIZONS)
        if not isinstance(found, tuple):
            continue
        scaled, ahead = found
        size = spread(scaled) * np.sqrt(0.7 + np.array(HORIZONS)[:, None] / 12)
        targets = scaled.value(scaled.z[-1] + PLACES * size)
        chances = chance_of(scaled, ahead, targets, "higher")
        for row, horizon in enumerate(HORIZONS):
            later = paths[points + horizon - 1] + rng.normal(0, omega, FUTURES)
            came, _ = read(later, rng.poisson(n, FUTURES) + 2)
            happened = (came[:, None] >= targets[row] - 1e-12).mean(axis=0)
            rows += [(horizon, ratio, *pair) for pair in zip(chances[row], happened)]
    return np.array(rows)


def deciles(label: str, stated: np.ndarray, happened: np.ndarray) -> float:
    """Print observed minus stated, in points, per decile of what was stated; the largest where there are enough cases."""
    place, worst, cells = np.minimum((stated * 10).astype(int), 9), 0.0, []
    for number in range(10):
        inside = place == number
        enough = inside.sum() >= ENOUGH
        off = 100 * (happened[inside].mean() - stated[inside].mean()) if enough else 0.0
        worst = max(worst, abs(off))
        cells.append(f"{off:+6.1f}" if enough else "     -")
    print(f"{label:34s}{''.join(cells)}   {len(stated)}")  # noqa: T201
    return worst


@pytest.mark.parametrize("points", [12, 24, 36])
@pytest.mark.parametrize("kind", list(KINDS))
def test_stated_chances_come_true(kind, points, capsys) -> None:
    """Within five points in every decile with 200 cases, at each horizon, over all sizes of movement together.

    For one size of movement the past cannot know which it is: twelve points are then up to 12 points off, more 8.
    """
    rows = simulate(kind, points, 900 if points < LONG else 450)
    with capsys.disabled():
        print()  # noqa: T201
        together = [
            deciles(f"{kind}, {points} points, {ahead} ahead", *rows[rows[:, 0] == ahead][:, 2:].T)
            for ahead in HORIZONS
        ]
        alone = [deciles(f"    of these: τ = {ratio} se", *rows[rows[:, 1] == ratio][:, 2:].T) for ratio in TAU]
    assert max(together) <= 5
    assert max(alone) <= (12 if points < LONG else 8)
