"""What a span may read: by hand, by simulation, and against scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from crmtools import CRMError
from crmtools.goals.links import Link
from crmtools.goals.spans import (
    CountToCome,
    FlowToCome,
    MeanToCome,
    ShareToCome,
    count_to_come,
    flow_to_come,
    seasonal_index,
)

FIVE = np.array([0.05, 0.25, 0.5, 0.75, 0.95])


def test_beta_binomial_by_hand() -> None:
    """1 of 2 seen, 2 to come: a = b = 3/2, so P(y = 2) = (3/2·5/2)/(3·4) = 5/16, the same for 0, and 6/16 for 1."""
    law = ShareToCome(1, 2, 1, 2, 2)
    assert law.attained(0.75, "higher") == pytest.approx(5 / 16)
    assert law.attained(0.5, "higher") == pytest.approx(11 / 16)
    assert law.attained(0.5, "lower") == pytest.approx(11 / 16)
    assert law.attained(0.25, "lower") == pytest.approx(5 / 16)
    assert law.attained(0.24, "lower") == 0
    assert law.quantiles(np.array([0.1, 0.5, 0.9])) == pytest.approx([0.25, 0.5, 0.75])


def test_beta_binomial_is_what_comes_of_an_unknown_share(rng) -> None:
    """40 of 400 seen, 300 to come; the share drawn from its posterior, then the cases."""
    law = ShareToCome(40, 400, 40, 400, 300)
    cases = rng.binomial(300, rng.beta(40.5, 360.5, 200_000))
    for target in (0.09, 0.1, 0.115):
        assert law.attained(target, "higher") == pytest.approx(((40 + cases) / 700 >= target).mean(), abs=0.005)
    assert law.quantiles(FIVE) == pytest.approx(np.quantile((40 + cases) / 700, FIVE), abs=0.002)


def test_evidence_from_before_the_span_counts_but_is_no_part_of_it() -> None:
    law = ShareToCome(50, 500, 10, 100, 100)
    assert law.attained(0.1, "higher") == pytest.approx(stats.betabinom.sf(9, 100, 50.5, 450.5))


def test_periods_that_differ_widen_a_share() -> None:
    narrow, wide = (ShareToCome(50, 500, 50, 500, 500, dispersion) for dispersion in (1.0, 4.0))
    assert wide.attained(0.115, "higher") > narrow.attained(0.115, "higher")
    assert np.ptp(wide.quantiles(FIVE)) == pytest.approx(2 * np.ptp(narrow.quantiles(FIVE)), rel=0.1)


def test_a_share_that_is_in_is_known() -> None:
    law = ShareToCome(40, 400, 40, 400, 0)
    assert [law.attained(target, side) for target in (0.1, 0.2) for side in ("higher", "lower")] == [1, 1, 0, 1]
    with pytest.raises(CRMError, match="no more cases"):
        _ = ShareToCome(5, 4, 0, 0, 10).law


def test_count_with_a_known_rate_against_scipy() -> None:
    poisson = CountToCome(100, np.ones(1), np.array([30.0]), np.array([math.inf]))
    negative = CountToCome(100, np.ones(1), np.array([30.0]), np.array([5.0]))
    for target in (120, 130, 131.5):
        need = math.ceil(target - 100)
        assert poisson.attained(target, "higher") == pytest.approx(stats.poisson.sf(need - 1, 30))
        assert negative.attained(target, "higher") == pytest.approx(stats.nbinom.sf(need - 1, 5, 5 / 35))
        assert negative.attained(target, "lower") == pytest.approx(
            stats.nbinom.cdf(math.floor(target - 100), 5, 5 / 35)
        )
    assert negative.attained(100, "higher") == 1
    assert negative.attained(99, "lower") == 0
    assert negative.quantiles(FIVE) == pytest.approx(100 + stats.nbinom.ppf(FIVE, 5, 5 / 35))


def test_steady_counts_come_near_gamma_poisson(rng) -> None:
    """With Poisson counts the dispersion is found to be small: near the exact predictive NB(Σy + ½, K/(K + h))."""
    counts = stats.poisson.ppf((np.arange(36) + 0.5) / 36, 20)
    law = count_to_come(counts, np.ones(36), np.ones(6), 0)
    exact = stats.nbinom(counts.sum() + 0.5, 36 / 42)
    assert law.quantiles(FIVE) == pytest.approx(exact.ppf(FIVE), abs=3)
    assert law.attained(125, "higher") == pytest.approx(exact.sf(124), abs=0.03)


@pytest.mark.parametrize("size", [2.0, 20.0])
def test_counts_to_come_come_true(rng, size) -> None:
    """24 negative binomial months, the sum of six more: what is stated is held, k being unknown."""
    held = np.zeros(5)
    for _ in range(200):
        counts = rng.negative_binomial(size, size / (size + 30), 30).astype(float)
        law = count_to_come(counts[:24], np.ones(24), np.ones(6), 0)
        # at most the q-quantile: what is below it has a smaller chance than q
        held += law.below(counts[24:].sum() - 1) < FIVE
    assert held / 200 == pytest.approx(FIVE, abs=0.08)


def test_no_counts_at_all_leave_some_chance() -> None:
    law = count_to_come(np.zeros(12), np.ones(12), np.ones(3), 0)
    assert 0.02 < law.attained(1, "higher") < 0.2
    assert law.attained(0, "lower") == pytest.approx(1 - law.attained(1, "higher"))


def test_mean_by_the_formula() -> None:
    """n = 40 with mean 4.0 and s = 1, 60 to come: t with 39 degrees and scale √(1/40 + 1/60)·60/100 around 4.0."""
    law = MeanToCome(Link("identity"), 4.0, math.sqrt(1 / 40 + 1 / 60), 39, 4.0, 40, 60)
    scale = math.sqrt(1 / 40 + 1 / 60) * 0.6
    assert law.attained(4.1, "higher") == pytest.approx(stats.t.sf(0.1 / scale, 39))
    assert law.attained(4.1, "lower") == pytest.approx(stats.t.cdf(0.1 / scale, 39))
    assert law.quantiles(FIVE) == pytest.approx(4 + scale * stats.t.ppf(FIVE, 39))


def test_a_bounded_mean_cannot_be_asked_beyond_its_bounds() -> None:
    law = MeanToCome(Link("logit", -100, 100), 0.0, 0.2, 50, -50.0, 100, 10)
    assert law.attained(0, "higher") == 0
    assert law.quantiles(FIVE).max() < -100 / 110 * 50 + 1000 / 110


def test_amounts_to_come_against_simulation(rng) -> None:
    law = FlowToCome(
        100.0, *(lambda v: (math.log(6) + 0.08 - v / 2, math.sqrt(v)))(math.log1p(math.expm1(0.16) / 6)), 1e6
    )
    sums = 100 + rng.lognormal(0, 0.4, (100_000, 6)).sum(axis=1)
    assert law.quantiles(FIVE) == pytest.approx(np.quantile(sums, FIVE), abs=0.1)
    assert law.attained(107, "higher") == pytest.approx((sums >= 107).mean(), abs=0.01)
    assert (law.attained(100, "higher"), law.attained(99, "lower")) == (1, 0)


def test_amounts_to_come_come_true(rng) -> None:
    held = np.zeros(5)
    for _ in range(800):
        amounts = rng.lognormal(10, 0.4, 18)
        held += amounts[12:].sum() <= flow_to_come(amounts[:12], np.ones(12), np.ones(6), 0).quantiles(FIVE)
    assert held / 800 == pytest.approx(FIVE, abs=0.05)


def test_season_is_drawn_half_of_the_way() -> None:
    """Quarters 2, 1, 1, 0 times the year's mean, the series begins in the second quarter."""
    pattern = np.array([1.0, 1, 0, 2] * 2) * 10
    index = seasonal_index(np.concatenate([[99.0], pattern]), np.arange(9), 4)
    assert index is not None
    # the whole years begin at place 1, so its entries stand at 1, 2, 3 and 0
    assert index == pytest.approx([1.5, 1, 1, 0.5])
    assert seasonal_index(pattern[:7], np.arange(7), 4) is None
    assert seasonal_index(pattern, np.array([0, 1, 2, 3, 4, 5, 6, 8]), 4) is None
