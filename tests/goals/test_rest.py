"""Groups held against all others, told from the group and the total alone."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

import crmtools as crm
from crmtools.estimate import Estimate
from crmtools.goals.rest import MEANS, apart, without
from crmtools.indicators.kinds import Mean, Rate
from crmtools.intervals import garwood, t_interval, wilson
from crmtools.measuring import Breakdown
from crmtools.period import Period

NOW = Period.parse("2025-Q4")


@pytest.fixture(scope="module")
def demo() -> crm.Data:
    return crm.open("demo")


def share(cases: int, n: int, **values: object) -> Estimate:
    p = cases / n
    low, high = wilson(p, n)
    error = (p * (1 - p) / n) ** 0.5
    return Estimate(
        "churn_rate", NOW, date(2025, 12, 31), p, low, high, error, n=n, rows=n, denominator=float(n), method="wilson", **values
    )  # fmt: skip


def told(parts: list[Estimate], total: Estimate, name: str = "churn_rate", by: str = "region") -> list[str]:
    return apart(Breakdown(crm.CATALOGUE[name], by, tuple(parts)), total)


SHARE = crm.CATALOGUE["churn_rate"].kind


def mean(value: float, error: float, n: int) -> Estimate:
    low, high = t_interval(value, error**2, n)
    return Estimate(
        "csat_mean", NOW, date(2025, 12, 31), value, low, high, error, n=n, denominator=float(n), method="clustered_t"
    )


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("churn_rate", "region"), ("churn_rate", "acquired_channel"), ("nps", "region"), ("csat_mean", "region"), ("aov", "region"),
        ("complaint_rate", "region"), ("purchase_frequency", "customer_type"),
    ],
)  # fmt: skip
def test_the_rest_is_what_measuring_all_others_gives(demo, name, by) -> None:
    kind = crm.CATALOGUE[name].kind
    total, parts = crm.measure(name, demo), crm.breakdown(name, demo, by=by).estimates
    names = [part.group[0][1] for part in parts]
    for part in parts:
        made = without(part, total, kind)
        true = crm.measure(name, demo, where={by: [other for other in names if other != part.group[0][1]]})
        assert made.value == pytest.approx(true.value, rel=1e-9)
        assert made.n == true.n
        width = made.high - made.low
        assert width == pytest.approx(true.high - true.low, rel=0.1)


def test_a_title_names_whom_a_comparison_names(demo) -> None:
    """Of partners 6.7 % a month leave, of all others 3.4 %: p = 0.0015, and there are five channels."""
    seen = 0
    for name in ("churn_rate", "overdue_ratio", "nps", "csat_mean", "purchase_frequency", "complaint_rate"):
        for by in ("acquired_channel", "customer_type", "region"):
            made, total = crm.breakdown(name, demo, by=by), crm.measure(name, demo)
            parts = made.estimates
            many = 1 if len(parts) == 2 else len(parts)
            for part, verdict in zip(parts, apart(made, total), strict=True):
                made = crm.contrast(name, demo, {by: part.group[0][1]})
                expected = (
                    made.verdict if made.verdict in ("higher", "lower") and made.p * many < 0.05 else "undetectable"
                )
                assert verdict == expected, (name, part.group, made.p)
                seen += verdict != "undetectable"
    assert seen >= 4


@given(
    groups=st.lists(st.tuples(st.integers(20, 400), st.floats(0, 1)), min_size=3, max_size=6),
)
def test_shares_are_told_apart_by_the_chi_square_of_the_two_by_two_table(groups) -> None:
    counts = [(round(n * p), n) for n, p in groups]
    cases, customers = (sum(column) for column in zip(*counts, strict=True))
    verdicts = told([share(*each) for each in counts], share(cases, customers))
    for (x, n), verdict in zip(counts, verdicts, strict=True):
        table = np.array([[x, n - x], [cases - x, customers - n - (cases - x)]])
        if (table.sum(axis=0) == 0).any():
            assert verdict == "undetectable"
            continue
        p = scipy.stats.chi2_contingency(table, correction=False).pvalue * len(counts)
        if verdict in ("higher", "lower"):
            assert p < 0.05 * 1.001
            assert (verdict == "higher") == (x / n > (cases - x) / (customers - n))
        elif p < 0.05 * 0.9:
            # only where Newcombe's interval, which must say so too, holds 0
            (a, b), (c, d) = (wilson(*each) for each in ((x / n, n), ((cases - x) / (customers - n), customers - n)))
            difference = x / n - (cases - x) / (customers - n)
            reach = (x / n - a, d - (cases - x) / (customers - n)), (b - x / n, (cases - x) / (customers - n) - c)
            assert difference - np.hypot(*reach[0]) <= 1e-9
            assert difference + np.hypot(*reach[1]) >= -1e-9


@given(
    weight=st.floats(0.05, 0.95), values=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    errors=st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)),
)  # fmt: skip
def test_value_and_error_of_the_rest_of_a_mean(weight, values, errors) -> None:
    """The total is put together here from the group and the rest, which must come out again."""
    total = weight * values[0] + (1 - weight) * values[1]
    error = np.hypot(weight * errors[0], (1 - weight) * errors[1])
    part = replace(mean(values[0], errors[0], 900), denominator=1000 * weight)
    made = without(part, replace(mean(total, error, 1800), denominator=1000.0), Mean())
    assert made.value == pytest.approx(values[1], abs=1e-7)
    assert made.n == 900
    assert (made.low, made.high) == pytest.approx(t_interval(values[1], errors[1] ** 2, 900), abs=1e-3)


def test_two_groups_are_one_comparison_with_one_another() -> None:
    one, other = share(60, 500), share(38, 500)
    p = scipy.stats.chi2_contingency([[60, 440], [38, 462]], correction=False).pvalue
    assert 0.01 < p < 0.025
    assert told([one, other], share(98, 1000)) == ["higher", "lower"]
    assert told([one, share(98, 1000), other], share(196, 2000))[0] == "undetectable"
    # a third group that is hidden, or more in the denominator, and they are not all there is
    assert told([one, other], share(196, 2000))[0] == "undetectable"


def test_what_cannot_be_told_is_not() -> None:
    bare = replace(share(60, 500), low=None, high=None, se=None, method="none")
    assert told([bare, share(1, 500), share(9, 500)], share(70, 1500))[0] == "unknown"
    assert told([replace(bare, value=None)] * 3, share(70, 1500)) == []
    assert without(share(70, 1500), share(70, 1500), SHARE) is None


def test_a_group_without_a_case_is_not_known_exactly() -> None:
    few = [share(0, 12), share(40, 400), share(38, 400)]
    assert told(few, share(78, 812)) == ["undetectable"] * 3
    many = [share(0, 400), share(40, 400), share(38, 400)]
    assert told(many, share(78, 1200))[0] == "lower"


def test_all_cases_in_one_group_leave_none_to_the_rest() -> None:
    """The remainder of 11/812 − (12/812)·(11/12) is 2e-18 in floating numbers: no share, and none that nothing is known of."""
    parts = [share(11, 12), share(0, 400), share(0, 400)]
    assert without(parts[0], share(11, 812), SHARE).value == 0
    assert told(parts, share(11, 812)) == ["higher", "lower", "lower"]


def test_a_rest_without_events_has_the_limits_of_its_exposure() -> None:
    """9 events in 300 customer-months, none in 600 others, per 100: the others' upper limit is 3.69 / 6."""
    kind = Rate(per=100)
    total = Estimate("complaint_rate", NOW, date(2025, 12, 31), 1.0, 0.457, 1.898, 1 / 3, n=300, numerator=9.0, denominator=900.0, method="garwood")  # fmt: skip
    part = replace(total, value=3.0, low=1.372, high=5.695, se=1.0, n=100, denominator=300.0)
    made = without(part, total, kind)
    assert (made.value, made.n, made.denominator) == (0.0, 200, 600.0)
    assert (made.low, made.high) == pytest.approx([limit / 6 for limit in garwood(0)])


def test_customers_of_several_groups_do_not_hide_a_difference(demo) -> None:
    """Every customer rates every dimension of the service: nothing is left without one of them."""
    parts, total = crm.breakdown("servqual_gap", demo, by="dimension"), crm.measure("servqual_gap", demo)
    assert {part.n for part in parts.estimates} == {total.n}
    by = {part.group[0][1]: verdict for part, verdict in zip(parts.estimates, apart(parts, total), strict=True)}
    assert by["responsiveness"] == by["reliability"] == "lower"
    assert by["assurance"] == by["tangibles"] == "higher"


def test_a_median_far_from_all_others_is_named() -> None:
    """12.1 hours by e-mail, about one by chat and phone, 1.8 in all: no rest of a mean could be that."""

    def waits(value: float, n: int) -> Estimate:
        reach = 1 + 1.5 / n**0.5
        return Estimate(
            "first_response_time", NOW, date(2025, 12, 31), value, value / reach, value * reach, value * 0.75 / n**0.5, n=n, rows=n,
            denominator=float(n), method="brookmeyer_crowley",
        )  # fmt: skip

    parts = [waits(12.1, 300), waits(0.9, 400), waits(1.2, 300)]
    assert told(parts, waits(1.8, 1000), "first_response_time") == ["higher", "lower", "lower"]


@pytest.mark.parametrize(("values", "total"), [((0.355, 0.163), 0.83), ((0.915, 0.940), 0.974)])
def test_groups_of_what_is_no_mean_are_held_against_the_total_they_are_said_to_be_held_against(values, total) -> None:
    """Both groups are less concentrated than the whole: neither may be called higher than it."""
    whole = Estimate("revenue_concentration", NOW, date(2025, 12, 31), total, total - 0.02, total + 0.02, 0.01, n=1000, denominator=1000.0, method="odds_bootstrap_t")  # fmt: skip
    parts = [replace(whole, value=v, low=v - 0.02, high=v + 0.02, n=500, denominator=500.0) for v in values]
    assert told(parts, whole, "revenue_concentration") == ["lower", "lower"]
    assert not isinstance(crm.CATALOGUE["revenue_concentration"].kind, MEANS)
    for name in ("cac", "first_response_time", "clv_expected", "segment_stability", "coding_agreement"):
        assert not isinstance(crm.CATALOGUE[name].kind, MEANS)


def test_bands_of_scenarios_are_no_points() -> None:
    whole = Estimate(
        "cost_per_ticket", NOW, date(2025, 12, 31), 118.0, 80.0, 150.0, n=1000, denominator=1000.0, method="scenario"
    )
    parts = [replace(whole, value=value, n=330, denominator=330.0) for value in (120.0, 117.0, 116.0)]
    assert told(parts, whole, "cost_per_ticket") == ["undetectable"] * 3
    counts = [replace(part, method="census", low=None, high=None) for part in parts]
    assert told(counts, replace(whole, method="census", low=None, high=None)) == ["higher", "lower", "lower"]
