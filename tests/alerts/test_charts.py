"""Control charts against published numbers and against loops written out by hand."""

import math

import numpy as np
import pytest

from crmtools.alerts.charts import ewma, individuals, laney_p, laney_u

NIST_FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
"""NIST/SEMATECH e-Handbook, section 6.3.2.2, individuals charts."""
NIST_EWMA = [
    52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1,
]  # fmt: skip
"""NIST/SEMATECH e-Handbook, section 6.3.2.4, EWMA charts: λ = 0.3, EWMA_0 = 50, s = 2.0539."""
NIST_SMOOTHED = [
    50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73,
    51.23, 51.94, 51.99,
]  # fmt: skip


def test_individuals_of_the_nist_handbook():
    chart = individuals(NIST_FLOW)
    assert chart.centre == pytest.approx(50.81)
    assert chart.high[0] == pytest.approx(55.8041, abs=5e-4)
    assert chart.low[0] == pytest.approx(45.8159, abs=5e-4)
    assert chart.signals == ()


def test_ewma_of_the_nist_handbook():
    chart = ewma(NIST_EWMA, weight=0.3, centre=50, sigma=2.0539)
    assert chart.points == pytest.approx(NIST_SMOOTHED, abs=0.0051)
    assert chart.high[-1] == pytest.approx(52.5884, abs=2e-3)  # the handbook's limits are those of the long run
    assert chart.low[-1] == pytest.approx(47.4115, abs=2e-3)
    assert chart.high[0] == pytest.approx(50 + 3 * 0.3 * 2.0539)
    assert chart.signals == ()


def by_hand(above, below, baseline, share):
    centre = sum(above[:baseline]) / sum(below[:baseline])
    spread = [math.sqrt(centre * (1 - centre if share else 1) / n) for n in below]
    z = [(x / n - centre) / s for x, n, s in zip(above, below, spread, strict=True)][:baseline]
    sigma = sum(abs(a - b) for a, b in zip(z[1:], z[:-1], strict=True)) / (len(z) - 1) / 1.128
    return centre, sigma, [centre + 3 * sigma * s for s in spread], [max(centre - 3 * sigma * s, 0) for s in spread]


@pytest.mark.parametrize(("chart", "share"), [(laney_p, True), (laney_u, False)])
def test_laney_by_hand(chart, share, rng):
    below = rng.integers(200, 4000, 24).tolist()
    above = [int(n * p) for n, p in zip(below, rng.normal(0.1, 0.02, 24), strict=True)]
    made = chart(above, below, baseline=23)
    centre, sigma, high, low = by_hand(above, below, 23, share)
    assert made.centre == pytest.approx(centre)
    assert made.sigma_z == pytest.approx(sigma)
    assert made.sigma_z > 1.5  # these shares move more than chance makes them
    assert made.high == pytest.approx(high)
    assert made.low == pytest.approx(low)


def test_laney_in_small_numbers():
    """Four shares of 100: 10, 20, 10, 20 %. p̄ = 0.15, s = 0.0357; z = ∓1.400; MR̄ = 2.801; σ_z = 2.483."""
    chart = laney_p([10, 20, 10, 20], [100] * 4)
    assert chart.centre == pytest.approx(0.15)
    assert chart.sigma_z == pytest.approx(2.4827, abs=1e-4)
    assert chart.high[0] == pytest.approx(0.15 + 0.1 / 1.128 * 3)
    assert chart.low[0] == 0  # a share is not negative


def test_the_last_point_does_not_widen_its_own_limits():
    values = [10, 11] * 10
    assert individuals([*values, 20], baseline=20).signals == ("above",)
    assert individuals([*values, 20], baseline=20).high == pytest.approx(np.full(21, 10.5 + 3 / 1.128))
    assert individuals([*values, 1], baseline=20).signals == ("below",)
    assert individuals([*values, 11], baseline=20).signals == ()


def test_eight_on_one_side():
    quiet = [10.0, 12.0] * 10
    assert individuals([*quiet[:-1], *[11.4] * 8], baseline=20).signals == ("run_above",)
    assert individuals([*quiet[:-1], *[11.4] * 7, 10.0], baseline=20).signals == ()
    assert individuals([*quiet[:-2], *[10.6] * 8], baseline=18).signals == ("run_below",)


def test_slow_drift_is_seen_by_ewma_first():
    quiet = [10.0, 11.0] * 10
    drift = [*quiet, *[11.8] * 6]
    assert ewma(drift, baseline=20).signals == ("above",)
    assert individuals(drift, baseline=20).signals == ()
    assert ewma([*quiet, *[10.7] * 20], baseline=20).signals == ()  # smoothed points lie on one side for long by chance


def test_what_never_happened_and_then_does():
    chart = laney_u([0] * 20 + [3], [100] * 21, baseline=20)
    assert chart.signals == ("above",)
    assert laney_u([0] * 21, [100] * 21, baseline=20).signals == ()


@pytest.mark.parametrize("values", [[1.0], [1.0, math.nan], []])
def test_too_little_is_an_error(values):
    with pytest.raises(ValueError, match="at least two"):
        individuals(values)


def test_a_share_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="denominator"):
        laney_p([1, 2], [10, 0])
