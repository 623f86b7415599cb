"""How often the interval of a change holds the true change, and how often a change is seen where there is none.

Half of the customers of each wave are in both, and answer alike to a degree. The interval is made once with the correlation
of the two estimates and once as if the waves were of different customers.
"""

import math

import numpy as np
import pytest
from scipy import stats
from two_waves import BEFORE, estimate

from crmtools.goals.change import change
from crmtools.indicators.kinds import NetShare, Share

pytestmark = pytest.mark.slow
REPEATS = 600


def answers(rng: np.random.Generator, n: int, alike: float, cuts: tuple[list[float], list[float]]) -> list[np.ndarray]:
    """Two waves of n answers; the first n/2 customers are in both, with normal leanings that correlate by ``alike``.

    ``cuts`` are the quantiles above which an answer is one step higher, lowest answer −1 where there are two, 0 where one.
    """
    shared = rng.normal(size=n // 2)
    waves = []
    for chances in cuts:
        own = rng.normal(size=n)
        own[: n // 2] = math.sqrt(alike) * shared + math.sqrt(1 - alike) * own[: n // 2]
        waves.append(np.searchsorted(stats.norm.ppf(np.cumsum(chances)), own).astype(float) - (len(chances) - 1))
    return waves


def together(waves: list[np.ndarray]) -> float:
    """The correlation of the two estimates from customer rows, as :mod:`crmtools.goals.panel` defines it."""
    one, other = (wave - wave.mean() for wave in waves)
    half = len(one) // 2
    squares = (one**2).sum() * (other**2).sum()
    return float((one[:half] * other[:half]).sum() / math.sqrt(squares)) if squares else 0.0


def counted(kind, n: int, alike: float, cuts: tuple[list[float], list[float]], truth: float) -> dict[str, float]:
    """Coverage and mean width of the interval and how often a change is seen, with the correlation and without it."""
    rng = np.random.default_rng(20260101)
    found = dict.fromkeys(("covers", "width", "seen", "covers_apart", "width_apart", "seen_apart", "rho"), 0.0)
    for _ in range(REPEATS):
        waves = answers(rng, n, alike, cuts)
        estimates = estimate(kind, waves[0], period=BEFORE), estimate(kind, waves[1])
        rho = together(waves)
        found["rho"] += rho / REPEATS
        for suffix, used in (("", rho), ("_apart", 0.0)):
            one = change(*estimates, kind, better="range", correlation=used)
            found[f"covers{suffix}"] += (one.low <= truth <= one.high) / REPEATS
            found[f"width{suffix}"] += (one.high - one.low) / REPEATS
            found[f"seen{suffix}"] += (one.verdict == "changed") / REPEATS
    return found


def test_coverage_with_half_of_the_customers_in_both_waves(capsys) -> None:
    rows = []
    for n in (60, 400):
        for alike in (0.0, 0.9):
            for before, now in ((0.30, 0.30), (0.30, 0.40), (0.05, 0.05)):
                found = counted(Share(), n, alike, ([1 - before], [1 - now]), now - before)
                rows.append(("share", n, alike, f"{before:.2f} → {now:.2f}", before == now, found))
            for before, now in (((0.45, 0.25), (0.45, 0.25)), ((0.45, 0.25), (0.55, 0.20))):
                cuts = [[d, 1 - p - d] for p, d in (before, now)]
                truth = 100 * (now[0] - now[1] - before[0] + before[1])
                found = counted(NetShare(), n, alike, (cuts[0], cuts[1]), truth)
                name = f"{100 * (before[0] - before[1]):.0f} → {100 * (now[0] - now[1]):.0f}"
                rows.append(("net share", n, alike, name, before == now, found))
    with capsys.disabled():
        print(  # noqa: T201
            "\nhalf in both waves    n  alike  true          rho   covers  seen   width of apart | as if apart: covers  seen"
        )
        for kind, n, alike, name, _, f in rows:
            print(  # noqa: T201
                f"{kind:>12} {n:>13} {alike:>6} {name:<14}{f['rho']:>5.2f}  {f['covers']:>6.3f} {f['seen']:>6.3f}"
                f"  {f['width'] / f['width_apart']:>8.2f}         |          {f['covers_apart']:>10.3f} {f['seen_apart']:>6.3f}"
            )
    for _, _, alike, _, same, found in rows:
        assert 0.925 <= found["covers"] <= 0.995
        if same:
            assert found["seen"] <= 0.075
        if alike == 0.9:
            assert found["width"] < 0.95 * found["width_apart"]
