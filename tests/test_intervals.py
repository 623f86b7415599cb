"""Intervals against published numbers, other packages and brute force; and where they have nothing to say."""

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from crmtools import intervals

REFERENCE = yaml.safe_load((Path(__file__).parent / "reference" / "intervals.yaml").read_text(encoding="utf-8"))
LEVELS = (0.80, 0.95, 0.99)


def counts(times, ended) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct times with how many waits ended and how many broke off."""
    table = pd.DataFrame({"time": times, "ended": np.asarray(ended, dtype=float)}).groupby("time").ended
    return (
        table.sum().index.to_numpy(float),
        table.sum().to_numpy(),
        (table.count() - table.sum()).to_numpy(float),
    )


# ---- shares


@pytest.mark.parametrize("case", REFERENCE["wilson"]["cases"], ids=str)
def test_wilson_is_newcombes_table_1(case) -> None:
    low, high = intervals.wilson(case["events"] / case["n"], case["n"])
    assert round(low, 4) == case["low"]
    assert round(high, 4) == case["high"]


@given(n=st.integers(1, 400), share=st.floats(0, 1), level=st.sampled_from(LEVELS))
def test_wilson_is_that_of_statsmodels(n, share, level) -> None:
    events = round(share * n)
    low, high = intervals.wilson(events / n, n, level)
    assert (low, high) == pytest.approx(proportion_confint(events, n, alpha=1 - level, method="wilson"), abs=1e-9)
    assert 0 <= low <= events / n <= high <= 1


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_wilson_at_the_ends_keeps_the_value_inside(share) -> None:
    for n in (1, 2.5, 30, 1e6):
        low, high = intervals.wilson(share, n)
        assert low <= share <= high
        assert high > low


def test_effective_n_of_independent_answers_is_their_number() -> None:
    n, share = 250, 0.3
    variance = share * (1 - share) / n
    assert intervals.effective_n(share, variance, units=n, rows=n) == pytest.approx(n)
    assert intervals.effective_n(share, 4 * variance, units=n, rows=n) == pytest.approx(n / 4)
    assert intervals.effective_n(share, variance / 2, units=n, rows=n) == n, "never more than there are rows"
    for silent in (math.nan, 0.0):
        assert intervals.effective_n(share, silent, units=7, rows=n) == 7
    assert intervals.effective_n(1.0, 0.1, units=7, rows=n) == 7


# ---- the net promoter score


@given(
    promoters=st.integers(0, 60),
    passives=st.integers(0, 60),
    detractors=st.integers(0, 60),
    level=st.sampled_from(LEVELS),
)
def test_net_share_is_the_wald_interval_with_three_more_answers(promoters, passives, detractors, level) -> None:
    n = promoters + passives + detractors
    if not n:
        return
    p, q, d = promoters + 0.75, passives + 1.5, detractors + 0.75
    shares = np.array([p, q, d]) / (n + 3)
    score = np.array([1.0, 0.0, -1.0])
    centre = shares @ score
    half = stats.norm.ppf(0.5 + level / 2) * math.sqrt((shares @ score**2 - centre**2) / (n + 3))
    net = (promoters - detractors) / n
    low, high = intervals.net_share(net, (promoters + detractors) / n, n, level)
    assert low == pytest.approx(min(max(centre - half, -1), net), abs=1e-9)
    assert high == pytest.approx(max(min(centre + half, 1), net), abs=1e-9)
    assert -1 <= low <= net <= high <= 1
    assert low < high


# ---- means and ratios


def test_linearised_variance_is_that_of_a_clustered_regression(rng) -> None:
    sizes = rng.integers(1, 6, 40)
    unit = np.repeat(np.arange(40), sizes)
    weight = rng.uniform(0.2, 3, unit.size)
    answer = rng.normal(3, 1, unit.size) + rng.normal(0, 1, 40)[unit]
    fit = sm.WLS(answer, np.ones(unit.size), weights=weight).fit(cov_type="cluster", cov_kwds={"groups": unit})
    v, w = np.bincount(unit, weight * answer), np.bincount(unit, weight)
    made = intervals.linearised_variance(40, v.sum(), w.sum(), (v * v).sum(), (v * w).sum(), (w * w).sum())
    assert v.sum() / w.sum() == pytest.approx(fit.params[0], rel=1e-12)
    assert made == pytest.approx(fit.bse[0] ** 2, rel=1e-9)


def test_linearised_variance_has_nothing_to_say() -> None:
    assert math.isnan(intervals.linearised_variance(1, 3, 1, 9, 3, 1))
    assert math.isnan(intervals.linearised_variance(5, 0, 0, 0, 0, 0))
    assert intervals.linearised_variance(3, 6, 3, 12, 6, 3) == 0


def test_t_interval_is_that_of_scipy(rng) -> None:
    x = rng.normal(10, 3, 12)
    expected = stats.t.interval(0.9, len(x) - 1, loc=x.mean(), scale=stats.sem(x))
    assert intervals.t_interval(x.mean(), x.var(ddof=1) / len(x), len(x), 0.9) == pytest.approx(expected)


def test_log_delta_is_normal_on_the_log_scale() -> None:
    low, high = intervals.log_delta(50.0, 25.0, 0.95)
    assert low * high == pytest.approx(50.0**2)
    assert math.log(high / low) == pytest.approx(2 * 1.959964 * 5 / 50, rel=1e-6)


def brute_force_bootstrap_t(v, w, *, log, level, rng, draws) -> tuple[float, float]:
    """The textbook: draw customers with replacement one resample at a time, studentise, turn around."""

    def ratio_and_error(v, w):
        r = v.sum() / w.sum()
        return r, math.sqrt(len(v) / (len(v) - 1) * ((v - r * w) ** 2).sum()) / w.sum()

    ratio, error = ratio_and_error(v, w)
    pivots = []
    for _ in range(draws):
        chosen = rng.integers(0, len(v), len(v))
        r, e = ratio_and_error(v[chosen], w[chosen])
        if e > 0 and (r > 0 or not log):
            pivots.append((math.log(r) - math.log(ratio)) * r / e if log else (r - ratio) / e)
    lower, upper = np.quantile(pivots, [(1 - level) / 2, (1 + level) / 2])
    if log:
        return ratio * math.exp(-upper * error / ratio), ratio * math.exp(-lower * error / ratio)
    return ratio - upper * error, ratio - lower * error


@pytest.mark.parametrize("log", [True, False])
def test_bootstrap_t_is_the_textbooks(rng, log) -> None:
    w = rng.poisson(2, 40) + 1.0
    v = rng.lognormal(3, 1, 40) * w
    expected = brute_force_bootstrap_t(v, w, log=log, level=0.9, rng=rng, draws=8000)
    found = np.mean([intervals.bootstrap_t(v, w, log=log, seed=seed, level=0.9) for seed in range(6)], axis=0)
    width = expected[1] - expected[0]
    assert found == pytest.approx(expected, abs=0.05 * width)
    assert found[0] < v.sum() / w.sum() < found[1]


def test_bootstrap_t_knows_neither_order_nor_chance(rng) -> None:
    v, w = rng.lognormal(0, 1, 35), np.ones(35)
    once = intervals.bootstrap_t(v, w, log=True, seed=3)
    turned = rng.permutation(35)
    assert intervals.bootstrap_t(v[turned], w[turned], log=True, seed=3) == pytest.approx(once, rel=1e-12)
    assert intervals.bootstrap_t(v, w, log=True, seed=4) != once
    assert all(type(limit) is float for limit in once)


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([1.0, 2.0], False),
        ([1.0, 1.0, 5.0], False),
        ([0.0] * 39 + [5.0], True),
        ([1.0] * 39 + [-30.0], True),
        ([4.0] * 12, False),
    ],
    ids=["two", "two alike of three", "one pays for all", "one loses for all", "all alike"],
)
def test_bootstrap_t_does_not_claim_what_resampling_cannot_see(values, log) -> None:
    """Each of these used to give an interval of no width, or one that ended at the value."""
    x = np.array(values)
    assert intervals.bootstrap_t(x, np.ones(len(x)), log=log, seed=1) is None


# ---- rates


@pytest.mark.parametrize("case", REFERENCE["garwood"]["cases"], ids=str)
def test_garwood_is_the_published_table(case) -> None:
    low, high = intervals.garwood(case["events"])
    assert low == pytest.approx(case["low"], abs=6e-4)
    assert high == pytest.approx(case["high"], abs=6e-4)


@given(events=st.integers(1, 500), level=st.sampled_from(LEVELS))
def test_garwood_solves_the_two_tails(events, level) -> None:
    low, high = intervals.garwood(events, level)
    tail = (1 - level) / 2
    assert stats.poisson.sf(events - 1, low) == pytest.approx(tail, rel=1e-6)
    assert stats.poisson.cdf(events, high) == pytest.approx(tail, rel=1e-6)
    assert low < events < high


def test_garwood_grows_with_effective_counts() -> None:
    limits = [intervals.garwood(events) for events in np.arange(0, 10, 0.25)]
    assert all(a[0] < b[0] or a[0] == 0 for a, b in itertools.pairwise(limits))
    assert all(a[1] < b[1] for a, b in itertools.pairwise(limits))


# ---- waiting times


def test_kaplan_meier_is_millers_example() -> None:
    case = REFERENCE["kaplan_meier"]
    times, events, censored = counts(case["times"], case["ended"])
    curve, greenwood = intervals.survival(times, events, censored)
    at = {int(time): n for n, time in enumerate(times)}
    for time, value in case["curve"].items():
        assert curve[at[time]] == pytest.approx(value, abs=5e-4)
        assert curve[at[time]] * math.sqrt(greenwood[at[time]]) == pytest.approx(case["errors"][time], abs=6e-5)
    assert intervals.survival_quantile(times, events, censored, quantile=0.5)[0] == case["median"]


@pytest.mark.parametrize("quantile", [0.25, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("seed", range(6))
def test_quantile_interval_is_that_of_statsmodels(seed, quantile) -> None:
    rng = np.random.default_rng(seed)
    waits = np.round(rng.weibull(0.8, 60) * 20, 0 if seed % 2 else 3) + 1
    known = np.round(rng.uniform(5, 60, 60), 0 if seed % 2 else 3)
    ended, times = waits <= known, np.minimum(waits, known)
    peer = sm.SurvfuncRight(times, ended.astype(int))
    value, low, high = intervals.survival_quantile(*counts(times, ended), quantile=quantile)

    def said(limit: float) -> float | None:
        return float(limit) if np.isfinite(limit) else None

    # statsmodels wants the curve below 1 − q, the definition here (and R) at or below
    assert value == said(peer.quantile(quantile - 1e-9))
    if value is not None:
        with np.errstate(divide="ignore", invalid="ignore"):  # statsmodels takes the logarithm of a curve at 0
            lower, upper = (said(limit) for limit in peer.quantile_ci(quantile, method="cloglog"))
        # where the curve falls to 0 it has no error: statsmodels ends the interval there, R and we do not
        assert (low, high) == (lower, None if upper == times[ended].max() == times.max() else upper)


def test_deff_widens_the_quantile_interval(rng) -> None:
    times, events, censored = counts(np.round(rng.exponential(10, 80), 2), np.ones(80))
    alone = intervals.survival_quantile(times, events, censored, quantile=0.5)
    shared = intervals.survival_quantile(times, events, censored, quantile=0.5, deff=4)
    assert shared[0] == alone[0]
    assert shared[1] < alone[1] < alone[0] < alone[2] < shared[2]


@pytest.mark.parametrize(
    ("times", "ended", "expected"),
    [
        ([5], [1], (5.0, 5.0, None)),
        ([5], [0], (None, None, None)),
        ([5, 5, 5], [1, 1, 1], (5.0, 5.0, None)),
        ([1, 2, 3], [0, 0, 0], (None, None, None)),
        ([0, 0, 7], [1, 1, 1], (0.0, 0.0, None)),
    ],
    ids=["one ended", "one goes on", "all alike", "none ended", "at once"],
)
def test_quantile_of_few_waits(times, ended, expected) -> None:
    assert intervals.survival_quantile(*counts(times, ended), quantile=0.5) == expected


def test_z_is_the_normal_quantile() -> None:
    assert intervals.z_of(0.95) == pytest.approx(1.959963985)
    assert intervals.z_of(0.90) == pytest.approx(1.644853627)
