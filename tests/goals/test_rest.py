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
from crmtools.goals.rest import apart, without
from crmtools.indicators.kinds import Mean, Share
from crmtools.intervals import t_interval, wilson
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


def mean(value: float, error: float, n: int) -> Estimate:
    low, high = t_interval(value, error**2, n)
    return Estimate(
        "csat_mean", NOW, date(2025, 12, 31), value, low, high, error, n=n, denominator=float(n), method="clustered_t"
    )


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("churn_rate", "region"), ("churn_rate", "acquired_channel"), ("nps", "region"), ("csat_mean", "region"), ("aov", "region"),
        ("complaint_rate", "region"), ("first_response_time", "region"),
    ],
)  # fmt: skip
def test_the_rest_is_what_measuring_all_others_gives(demo, name, by) -> None:
    kind = crm.CATALOGUE[name].kind
    total, parts = crm.measure(name, demo), crm.breakdown(name, demo, by=by).estimates
    names = [part.group[0][1] for part in parts]
    median = name == "first_response_time"
    for part in parts:
        made = without(part, total, kind)
        true = crm.measure(name, demo, where={by: [other for other in names if other != part.group[0][1]]})
        assert made.value == pytest.approx(true.value, rel=0.1 if median else 1e-9)
        assert made.n == true.n
        width = made.high - made.low
        assert width == pytest.approx(true.high - true.low, rel=0.4 if median else 0.1)


def test_a_title_names_whom_a_comparison_names(demo) -> None:
    """Of partners 6.7 % a month leave, of all others 3.4 %: p = 0.0015, and there are five channels."""
    seen = 0
    for name in ("churn_rate", "overdue_ratio", "first_response_time", "purchase_frequency"):
        item = crm.CATALOGUE[name]
        for by in ("acquired_channel", "customer_type", "region"):
            parts, total = crm.breakdown(name, demo, by=by).estimates, crm.measure(name, demo)
            many = 1 if len(parts) == 2 else len(parts)
            for part, verdict in zip(parts, apart(parts, total, item.kind), strict=True):
                made = crm.contrast(name, demo, {by: part.group[0][1]})
                told = made.verdict if made.verdict in ("higher", "lower") and made.p * many < 0.05 else "undetectable"
                assert verdict == told, (name, part.group, made.p)
                seen += verdict != "undetectable"
    assert seen >= 6


@given(
    groups=st.lists(st.tuples(st.integers(20, 400), st.floats(0, 1)), min_size=3, max_size=6),
)
def test_shares_are_told_apart_by_the_chi_square_of_the_two_by_two_table(groups) -> None:
    counts = [(round(n * p), n) for n, p in groups]
    cases, customers = (sum(column) for column in zip(*counts, strict=True))
    verdicts = apart([share(*each) for each in counts], share(cases, customers), Share())
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
    assert apart([one, other], share(98, 1000), Share()) == ["higher", "lower"]
    assert apart([one, share(98, 1000), other], share(196, 2000), Share())[0] == "undetectable"


def test_what_cannot_be_told_is_not(demo) -> None:
    bare = replace(share(60, 500), low=None, high=None, se=None, method="none")
    assert apart([bare, share(1, 500), share(9, 500)], share(70, 1500), Share())[0] == "unknown"
    assert apart([replace(bare, value=None)] * 3, share(70, 1500), Share()) == ["unknown"] * 3
    assert without(share(70, 1500), share(70, 1500), Share()) is None
    # the share of the top tenth is no mean of its groups' shares
    kind = crm.CATALOGUE["revenue_concentration"].kind
    total, parts = (f("revenue_concentration", demo) for f in (crm.measure, lambda *a: crm.breakdown(*a, by="region")))
    assert set(apart(parts.estimates, total, kind)) == {"unknown"}


def test_a_group_without_a_case_is_not_known_exactly() -> None:
    few = [share(0, 12), share(40, 400), share(38, 400)]
    assert apart(few, share(78, 812), Share()) == ["undetectable"] * 3
    many = [share(0, 400), share(40, 400), share(38, 400)]
    assert apart(many, share(78, 1200), Share())[0] == "lower"


def test_all_cases_in_one_group_leave_none_to_the_rest() -> None:
    """The remainder of 20/812 − (12/812)·(20/12) is a rounding error, and no share that nothing is known of."""
    parts = [share(20, 60), share(0, 352), share(0, 400)]
    assert without(parts[0], share(20, 812), Share()).value == 0
    assert apart(parts, share(20, 812), Share()) == ["higher", "lower", "lower"]
