"""The difference to a baseline against other libraries' tests and intervals, kind by kind; and the words for it."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest, test_proportions_2indep
from statsmodels.stats.rates import test_poisson_2indep
from two_waves import BEFORE, NOW, around, company, estimate, given, median, shares

from crmtools import CATALOGUE, CRMError, Period
from crmtools.estimating import estimates
from crmtools.goals import change as module
from crmtools.goals.change import METHODS, VERDICTS, change
from crmtools.goals.mover import mover
from crmtools.indicators.kinds import (
    CENSUS,
    NO_UPPER,
    Duration,
    Mean,
    NetShare,
    Rate,
    Ratio,
    Scenario,
    Share,
    Total,
    UnitCost,
)
from crmtools.words import Text

# another library's functions, not tests of ours
proportions_test, poisson_test = test_proportions_2indep, test_poisson_2indep
del test_proportions_2indep, test_poisson_2indep


def of_shares(before: tuple[int, int], now: tuple[int, int], **more) -> module.Change:
    more = {"better": "higher"} | more
    return change(shares(*before, period=BEFORE), shares(*now), Share(), **more)


# ---- intervals


@pytest.mark.parametrize(
    ("before", "now"), [((48, 80), (56, 70)), ((3, 40), (9, 45)), ((0, 30), (4, 50)), ((0, 20), (0, 35)), ((20, 20), (11, 12))]
)  # fmt: skip
def test_interval_of_two_shares_is_newcombes(before, now) -> None:
    found = of_shares(before, now)
    low, high = confint_proportions_2indep(*now, *before, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


def test_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, table II, method 10)."""
    found = of_shares((48, 80), (56, 70))
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


def test_mover_by_hand() -> None:
    """Arms 3 and 4 towards 0 make 5, arms 6 and 8 away from it 10; hanging together fully, only their difference is left."""
    assert mover((10, 2, 14), (20, 17, 26)) == pytest.approx((10 - 5, 10 + 10))
    assert mover((10, 2, 14), (20, 17, 26), correlation=1) == pytest.approx((10 - 1, 10 + 2))
    assert mover((10, 2, 14), (20, 17, 26), correlation=0.5) == pytest.approx((10 - math.sqrt(13), 10 + math.sqrt(52)))
    with pytest.raises(CRMError, match="between -1 and 1"):
        mover((10, 2, 14), (20, 17, 26), correlation=1.1)


# ---- tests


@pytest.mark.parametrize(("before", "now"), [((48, 80), (56, 70)), ((3, 40), (9, 45)), ((0, 30), (4, 50))])
def test_p_of_two_shares_is_the_score_test(before, now) -> None:
    if before[0]:  # statsmodels divides by it
        expected = proportions_test(*now, *before, method="score", correction=False).pvalue
        assert of_shares(before, now).p == pytest.approx(expected, rel=1e-9)
    table = [[now[0], now[1] - now[0]], [before[0], before[1] - before[0]]]
    assert of_shares(before, now).p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-9)


def test_share_against_a_given_baseline() -> None:
    found = change(given(0.5), shares(60, 100), Share(), better="higher")
    assert found.p == pytest.approx(proportions_ztest(60, 100, 0.5, prop_var=0.5)[1], rel=1e-9)
    now = shares(60, 100)
    assert (found.low, found.high) == pytest.approx((now.low - 0.5, now.high - 0.5), abs=1e-12)
    assert change(given(0.0), now, Share(), better="higher").p == 0


def test_rare_shares_are_read_back_from_the_exact_interval() -> None:
    before, now = shares(0, 60, period=BEFORE, rare=True), shares(7, 60, rare=True)
    expected = stats.chi2_contingency([[7, 53], [0, 60]], correction=False).pvalue
    assert change(before, now, Share(rare=True), better="lower").p == pytest.approx(expected, rel=1e-9)


def test_repeated_rows_are_not_taken_for_customers(rng) -> None:
    """Every customer's answer written down four times over tells no more than once."""
    first, later = rng.random(80) < 0.4, rng.random(90) < 0.6
    once = change(estimate(Share(), first, period=BEFORE), estimate(Share(), later), Share(), better="higher")
    four = change(
        estimate(Share(), 4 * first, np.full(80, 4.0), period=BEFORE, rows=np.full(80, 4)),
        estimate(Share(), 4 * later, np.full(90, 4.0), rows=np.full(90, 4)), Share(), better="higher",
    )  # fmt: skip
    # a design effect has n−1 customers below it, a single answer each has n
    assert four.p == pytest.approx(once.p, rel=0.1)
    assert (four.low, four.high) == pytest.approx((once.low, once.high), abs=0.002)
    as_if = proportions_test(4 * later.sum(), 360, 4 * first.sum(), 320, method="score", correction=False).pvalue
    assert four.p > 20 * as_if


def test_share_of_the_same_customers_is_mcnemars() -> None:
    """70 of 200 before, 95 after, 50 in both; the correlation is the coefficient of the four-field table."""
    both, only_before, only_now, neither = 50, 20, 45, 85
    first, later = np.repeat([1, 1, 0, 0], [50, 20, 45, 85]), np.repeat([1, 0, 1, 0], [50, 20, 45, 85])
    rho = np.corrcoef(first, later)[0, 1]
    found = change(
        estimate(Share(), first, period=BEFORE), estimate(Share(), later), Share(), better="higher", correlation=rho
    )
    expected = mcnemar([[both, only_before], [only_now, neither]], exact=False, correction=False)
    assert stats.norm.isf(found.p / 2) == pytest.approx(math.sqrt(expected.statistic), rel=0.02)
    assert found.p < of_shares((70, 200), (95, 200)).p


def test_means_are_compared_by_welch_and_by_the_paired_t(rng) -> None:
    first, later = rng.normal(3.8, 0.9, 60), rng.normal(4.2, 0.7, 85)
    one = estimate(Mean(), first, period=BEFORE)
    found = change(one, estimate(Mean(), later), Mean(), better="higher")
    assert found.p == pytest.approx(stats.ttest_ind(later, first, equal_var=False).pvalue, rel=1e-9)
    again = first + rng.normal(0.1, 0.5, 60)
    paired = change(
        one, estimate(Mean(), again), Mean(), better="higher", correlation=float(np.corrcoef(first, again)[0, 1])
    )
    assert paired.p == pytest.approx(stats.ttest_rel(again, first).pvalue, rel=1e-9)
    assert paired.method == "paired_means"
    limits = stats.ttest_rel(again, first).confidence_interval()
    assert (paired.low, paired.high) == pytest.approx((limits.low, limits.high), rel=1e-9)
    told = change(given(3.6), estimate(Mean(), later), Mean(), better="higher")
    assert told.p == pytest.approx(stats.ttest_1samp(later, 3.6).pvalue, rel=1e-9)


def test_net_share_by_hand() -> None:
    """45, 30 and 25 of 100, then 60, 25 and 15 of 120: ¾, 1½ and ¾ are added to each."""
    answers = [np.repeat([1, 0, -1], counts) for counts in ((45, 30, 25), (72, 30, 18))]
    before, now = estimate(NetShare(), answers[0], period=BEFORE), estimate(NetShare(), answers[1])
    found = change(before, now, NetShare(), better="higher")

    def variance(p: float, d: float, n: float) -> float:
        return ((p + d) / n - ((p - d) / n) ** 2) / n

    error = 100 * math.sqrt(variance(45.75, 25.75, 103) + variance(72.75, 18.75, 123))
    assert found.difference == pytest.approx(45 - 20)
    assert found.p == pytest.approx(2 * stats.norm.sf(25 / error), rel=1e-9)
    wide = change(replace(before, period=BEFORE), now, NetShare(), better="higher", correlation=-0.5)
    assert wide.p > found.p > change(before, now, NetShare(), better="higher", correlation=0.5).p


def test_unanimous_net_share_has_an_error_too() -> None:
    """All hundred are promoters: the interval is cut at 100, and its other arm stands for the error."""
    everyone, most = estimate(NetShare(), np.ones(100), period=BEFORE), estimate(NetShare(), np.repeat([1, 0], [99, 1]))
    found = change(everyone, most, NetShare(), better="higher")
    error = math.hypot(100 - everyone.low, (most.high - most.low) / 2) / 1.959964
    assert found.p == pytest.approx(2 * stats.norm.sf(1 / error), rel=1e-6)
    assert found.verdict == "no_detectable_change"
    assert found.low <= -1 <= found.high


@pytest.mark.parametrize("per", [1.0, 100.0])
def test_rates_of_single_events_are_compared_by_the_score_test(per) -> None:
    """Events of their own, one a customer at most and far between: nothing is over-dispersed."""
    kind = Rate(per=per)
    before = estimate(kind, np.repeat([1, 0], [30, 970]), np.full(1000, 3.0), period=BEFORE)
    now = estimate(kind, np.repeat([1, 0], [48, 852]), np.full(900, 3.0))
    expected = poisson_test(48, 2700, 30, 3000, method="score", compare="diff").pvalue
    assert change(before, now, kind, better="lower").p == pytest.approx(expected, rel=0.05)
    nobody = estimate(kind, np.zeros(1000), np.full(1000, 3.0), period=BEFORE)
    z = 48 / 2700 / math.sqrt(48 / 5700 * (1 / 2700 + 1 / 3000))
    assert stats.norm.isf(change(nobody, now, kind, better="lower").p / 2) == pytest.approx(z, rel=0.01)
    assert change(nobody, replace(nobody, period=NOW), kind, better="lower").p == 1


def test_events_in_few_customers_count_for_less() -> None:
    """Ten events each of three customers, then of five: thirty against fifty only for who does not look."""
    before = estimate(Rate(), np.repeat([10, 0], [3, 997]), np.full(1000, 3.0), period=BEFORE)
    now = estimate(Rate(), np.repeat([10, 0], [5, 995]), np.full(1000, 3.0))
    expected = poisson_test(5, 3000, 3, 3000, method="score", compare="diff").pvalue
    assert change(before, now, Rate(), better="lower").p == pytest.approx(expected, rel=0.02)
    assert poisson_test(50, 3000, 30, 3000, method="score", compare="diff").pvalue < 0.05


def test_ratio_on_the_log_scale(rng) -> None:
    first, later = rng.lognormal(4, 1, 2500), rng.lognormal(4.1, 1, 3000)
    before, now = estimate(Ratio(), first, period=BEFORE), estimate(Ratio(), later)
    found = change(before, now, Ratio(), better="higher")
    error = math.hypot(first.std(ddof=1) / first.mean() / 50, later.std(ddof=1) / later.mean() / math.sqrt(3000))
    assert found.method == "logs"
    assert found.p == pytest.approx(2 * stats.norm.sf(math.log(later.mean() / first.mean()) / error), rel=1e-6)
    # each limit is where one is as low and the other as high as its own interval on the log scale allows
    (a, up_a, down_a), (b, up_b, down_b) = (
        (x.mean(), *(x.mean() * np.expm1(s * 1.959964 * x.std(ddof=1) / x.mean() / math.sqrt(len(x))) for s in (1, -1)))
        for x in (first, later)
    )
    assert found.low == pytest.approx(b - a - math.hypot(down_b, up_a), rel=1e-6)
    assert found.high == pytest.approx(b - a + math.hypot(up_b, down_a), rel=1e-6)


def test_ratio_that_may_be_negative_is_not_on_the_log_scale(rng) -> None:
    first, later = rng.normal(1, 20, 2500), rng.normal(3, 20, 2500)
    before, now = estimate(Ratio(), first, period=BEFORE), estimate(Ratio(), later)
    found = change(before, now, Ratio(), better="higher")
    assert found.method == "plain"
    expected = stats.ttest_ind(later, first).statistic
    assert stats.norm.isf(found.p / 2) == pytest.approx(expected, rel=0.005)
    mixed = change(before, estimate(Ratio(), rng.lognormal(2, 1, 2500)), Ratio(), better="higher")
    assert mixed.method == "plain"


def test_unit_cost_counts_customers(rng) -> None:
    """9,000 for 30 customers, then 9,000 for 60: the p is near that of two Poisson counts with one exposure."""
    before = estimate(UnitCost(), np.full(30, 300.0), period=BEFORE)
    now = estimate(UnitCost(), np.full(60, 150.0))
    found = change(before, now, UnitCost(), better="lower")
    expected = poisson_test(60, 9000, 30, 9000, method="score", compare="diff").pvalue
    assert stats.norm.isf(found.p / 2) == pytest.approx(stats.norm.isf(expected / 2), rel=0.1)
    assert (found.difference, found.verdict, found.method) == (-150, "improved", "logs")


def test_median_wait(rng) -> None:
    first, later = rng.exponential(10, 300), rng.exponential(7, 300)
    before, now = median(first, period=BEFORE), median(later)
    found = change(before, now, Duration(), better="lower")
    resampled = [math.log(np.median(rng.choice(later, 300)) / np.median(rng.choice(first, 300))) for _ in range(2000)]
    z = math.log(now.value / before.value) / np.std(resampled)
    assert stats.norm.isf(found.p / 2) == pytest.approx(-z, rel=0.15)
    assert found.low < found.difference < found.high < 0


# ---- words


@pytest.mark.parametrize(
    ("difference", "tolerance", "better", "verdict"),
    [
        (+0.30, 0.15, "higher", "improved_matters"),
        (+0.30, 0.50, "higher", "improved_trivial"),
        (+0.30, 0.25, "higher", "improved"),
        (+0.30, None, "higher", "improved"),
        (-0.30, 0.15, "lower", "improved_matters"),
        (-0.30, 0.50, "lower", "improved_trivial"),
        (-0.30, 0.35, "lower", "improved"),
        (-0.30, 0.15, "higher", "worsened"),
        (-0.30, 0.50, "higher", "worsened"),
        (+0.30, None, "lower", "worsened"),
        (+0.30, 0.15, "range", "changed"),
        (+0.13, 0.15, "higher", "no_detectable_change"),
        (-0.13, None, "higher", "no_detectable_change"),
    ],
)
def test_verdicts(difference, tolerance, better, verdict) -> None:
    """Two intervals of ± 0.1 make one of ± 0.141."""
    before, now = around(4.0, 0.1, period=BEFORE), around(4.0 + difference, 0.1)
    found = change(before, now, Mean(), better=better, tolerance=tolerance)
    assert found.verdict == verdict
    inside = None if tolerance is None else abs(difference) + 0.1 * math.sqrt(2) < tolerance
    assert found.within_tolerance == inside
    assert found.gain == (
        None if better == "range" else pytest.approx(difference if better == "higher" else -difference)
    )
    assert (found.p < 0.05) == (verdict != "no_detectable_change")
    assert found.detectable == pytest.approx((1.959964 + 0.841621) * 0.1 * math.sqrt(2) / 1.959964, rel=1e-5)


def test_no_change_is_told_apart_from_none_seen() -> None:
    exact = change(around(4, 0.1, period=BEFORE), around(4.02, 0.1), Mean(), better="higher", tolerance=0.25)
    vague = change(around(4, 0.9, period=BEFORE), around(4.02, 0.9), Mean(), better="higher", tolerance=0.25)
    assert exact.verdict == vague.verdict == "no_detectable_change"
    assert (exact.within_tolerance, vague.within_tolerance) == (True, False)
    assert vague.detectable == pytest.approx(9 * exact.detectable)


def test_improvement_without_a_tolerance_says_so() -> None:
    found = change(around(4, 0.1, period=BEFORE), around(4.5, 0.1), Mean(), better="higher")
    assert "plain test" in found.why.en
    found = change(around(4, 0.1, period=BEFORE), around(4.5, 0.1), Mean(), better="higher", tolerance=0.45)
    assert found.verdict == "improved"
    assert "open" in found.why.en


def test_interval_and_p_must_both_say_so() -> None:
    """A p below 5 % beside an interval that reaches 0: nothing is claimed, in whichever order they disagree."""
    found = of_shares((0, 60), (4, 60))
    assert found.p < 0.05
    assert found.low < 0
    assert found.verdict == "no_detectable_change"


def test_improvement_that_could_not_be_seen_at_all() -> None:
    """2 of 50 churned: with fifty more, even none at all would not stand out."""
    found = of_shares((2, 50), (0, 50), better="lower")
    assert (found.verdict, found.detectable) == ("no_detectable_change", None)
    assert "no change for the better" in found.why.en


def test_complete_counts_are_subtracted() -> None:
    before, now = estimate(Total(), [3, 5], period=BEFORE), estimate(Total(), [4, 2])
    found = change(before, now, Total(), better="lower", tolerance=3)
    assert (found.difference, found.low, found.p, found.detectable) == (-2, None, None, None)
    assert (found.verdict, found.method, found.why) == ("improved_trivial", "count", CENSUS)
    assert change(before, now, Total(), better="lower", tolerance=2).verdict == "improved_matters"
    assert change(before, now, Total(), better="higher").verdict == "worsened"
    assert change(before, replace(before, period=NOW), Total(), better="higher").verdict == "no_detectable_change"
    assert change(given(10.0), now, Total(), better="lower").difference == -4
    band = [replace(e, method="scenario", why=None) for e in (before, now)]
    assert "allocate" in change(*band, Scenario(), better="lower").why.en


SHARE = shares(30, 100)
EARLIER = shares(40, 100, period=BEFORE)


@pytest.mark.parametrize(
    ("before", "now", "more", "words"),
    [
        (EARLIER.hidden(), SHARE, {}, "hidden"),
        (EARLIER, SHARE.hidden(), {}, "hidden"),
        (replace(EARLIER, value=None, why=Text("无", "nothing there")), SHARE, {}, "no value for the baseline: nothing there"),
        (EARLIER, replace(SHARE, value=None), {}, "no value for this period: for a reason that is not known"),
        (replace(EARLIER, period=NOW), SHARE, {}, "is the period itself"),
        (replace(EARLIER, period=Period.parse("2025")), SHARE, {}, "overlap"),
        (replace(EARLIER, currency="CNY"), replace(SHARE, currency="USD"), {}, "currencies"),
        (EARLIER, replace(SHARE, maturity=0.79), {}, "follow-up"),
        (EARLIER, replace(SHARE, data_until=SHARE.period.last_day - timedelta(days=46)), {}, "end too long before"),
        (replace(EARLIER, data_until=EARLIER.period.last_day - timedelta(days=46)), SHARE, {}, "end too long before"),
        (EARLIER, replace(SHARE, low=None, high=None), {}, "chance cannot be told"),
        (EARLIER, replace(SHARE, high=None, why=NO_UPPER), {}, "the upper limit is not reached"),
        (EARLIER, SHARE, {"not_comparable": Text("定义已变", "defined anew")}, "defined anew"),
    ],
)  # fmt: skip
def test_not_comparable(before, now, more, words) -> None:
    found = change(before, now, Share(), better="higher", **more)
    assert found.verdict == "not_comparable"
    assert words in found.why.en
    assert found.low is found.high is found.p is found.detectable is None
    assert found.method == "none"


def test_overlapping_periods_with_their_correlation_are_comparable() -> None:
    found = change(replace(EARLIER, period=Period.parse("2025")), SHARE, Share(), better="lower", correlation=0.5)
    assert found.verdict == "improved"
    assert change(given(0.4), replace(SHARE, maturity=0.8), Share(), better="lower", correlation=0.9).correlation == 0


@pytest.mark.parametrize(
    ("before", "now", "more", "words"),
    [
        (replace(EARLIER, indicator="nps"), SHARE, {}, "of one indicator"),
        (replace(EARLIER, group=(("region", "south"),)), SHARE, {}, "of one group"),
        (replace(EARLIER, level=0.9), SHARE, {}, "one level"),
        (EARLIER, given(0.3), {}, "must be measured"),
        (EARLIER, SHARE, {"correlation": 1.2}, "between -1 and 1"),
        (EARLIER, SHARE, {"tolerance": 0.0}, "above 0"),
        (EARLIER, SHARE, {"tolerance": math.inf}, "above 0"),
    ],
)
def test_refuses(before, now, more, words) -> None:
    with pytest.raises(CRMError, match=words):
        change(before, now, Share(), better="higher", **more)


def test_level_of_the_estimates_is_that_of_the_test() -> None:
    """p = 0.03: seen at 95 %, not at 99 %."""
    half = [0.1 * 2.575829 / 1.959964 * f for f in (1, 1)]
    before = replace(around(4.0, half[0], period=BEFORE), level=0.99, se=0.1 / 1.959964)
    now = replace(around(4.158, half[1]), level=0.99, se=0.1 / 1.959964)
    assert change(before, now, Mean(), better="higher").verdict == "no_detectable_change"
    assert change(around(4.0, 0.1, period=BEFORE), around(4.158, 0.1), Mean(), better="higher").verdict == "improved"


def test_every_verdict_and_method_has_words() -> None:
    for text in (*VERDICTS.values(), *METHODS.values()):
        assert text.zh
        assert text.en
    found = change(EARLIER, SHARE, Share(), better="lower")
    assert (VERDICTS[found.verdict].en, found.how) == (
        "Improved" if found.p < 0.05 else "No detectable change",
        METHODS["shares"],
    )


# ---- the catalogue

OF_EVERY_KIND = (
    "csat_top2", "nps", "csat_mean", "revenue_per_customer", "complaint_rate", "backlog", "revenue_concentration"
)  # fmt: skip


def agree(names: tuple[str, ...]) -> set[str]:
    """The methods by which these indicators were compared, after a look at each: p and interval say the same."""
    methods, data = set(), company()[1]
    for name in names:
        item = CATALOGUE[name]
        before, now = estimates(item, data, (BEFORE, NOW))
        found = change(before, now, item.kind, better=item.better, correlation=0.2)
        methods.add(found.method)
        if found.p is not None:
            assert found.low <= found.difference <= found.high, name
            assert 0 <= found.p <= 1
            assert found.detectable is None or found.detectable > 0
            assert (found.p < 0.05) == (found.low > 0 or found.high < 0) or 0.02 < found.p < 0.1, name
        elif found.method != "count":
            assert found.verdict == "not_comparable"
            assert found.why is not None
    return methods


def test_an_indicator_of_every_kind_can_be_asked_what_changed() -> None:
    methods = agree(OF_EVERY_KIND)
    assert {"shares", "net_shares", "paired_means", "rates", "logs", "count", "none"} == methods


@pytest.mark.slow
def test_every_indicator_can_be_asked_what_changed() -> None:
    agree(tuple(CATALOGUE))
