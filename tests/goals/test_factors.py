"""Products by factor: Shapley against all orders of change, the logarithmic mean against its closed form, revenue by hand."""

import itertools
import math
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmtools as crm
from crmtools import CRMError
from crmtools.estimate import Estimate
from crmtools.goals import factors as module
from crmtools.goals.factors import NOT_ABOVE_ZERO, log_mean, revenue_factors, shapley
from crmtools.publishable import shown

pairs = st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=1, max_size=5)
positive = st.lists(st.tuples(st.floats(0.01, 50), st.floats(0.01, 50)), min_size=1, max_size=5)


def by_all_orders(before: list[float], now: list[float]) -> list[float]:
    """Let the factors change one after the other, in every order, and average what each brought."""
    parts = [0.0] * len(before)
    orders = list(itertools.permutations(range(len(before))))
    for order in orders:
        at = list(before)
        for place in order:
            was = math.prod(at)
            at[place] = now[place]
            parts[place] += (math.prod(at) - was) / len(orders)
    return parts


@given(pairs)
def test_shapley_is_the_mean_over_all_orders_and_adds_up(drawn) -> None:
    before, now = [a for a, _ in drawn], [b for _, b in drawn]
    size = max(1.0, *(abs(x) for x in (*before, *now))) ** len(drawn)
    found = shapley(before, now)
    assert found == pytest.approx(by_all_orders(before, now), abs=1e-12 * size)
    assert sum(found) == pytest.approx(math.prod(now) - math.prod(before), abs=1e-12 * size)


def test_shapley_of_three_factors_in_its_closed_form() -> None:
    (a, b, c), (x, y, z) = (100.0, 2.0, 50.0), (120.0, 1.5, 60.0)
    first = (x - a) * (2 * b * c + b * z + y * c + 2 * y * z) / 6
    assert shapley([a, b, c], [x, y, z])[0] == pytest.approx(first)


@given(positive)
def test_the_logarithmic_mean_adds_up_and_is_its_closed_form(drawn) -> None:
    before, now = [a for a, _ in drawn], [b for _, b in drawn]
    then, after = math.prod(before), math.prod(now)
    found = log_mean(before, now)
    assert sum(found) == pytest.approx(after - then, rel=1e-9, abs=1e-9 * max(then, after))
    if abs(math.log(after / then)) > 1e-3:
        mean = (after - then) / math.log(after / then)
        expected = [mean * math.log(b / a) for a, b in drawn]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9 * max(then, after))


def test_a_product_that_stays_the_same_still_has_parts() -> None:
    """Twice as many at half the price: L(V, V) = V, and ln 2 of it to each side."""
    assert log_mean([10.0, 4.0], [20.0, 2.0]) == pytest.approx((40 * math.log(2), -40 * math.log(2)))
    assert shapley([10.0, 4.0], [20.0, 2.0]) == pytest.approx((30, -30))
    nearly = log_mean([10.0, 4.0], [20.0, 2.0 * (1 + 1e-13)])
    assert nearly == pytest.approx((40 * math.log(2), -40 * math.log(2)), rel=1e-9)


@pytest.mark.parametrize("now", [[0.0, 4.0], [10.0, -4.0]])
def test_nothing_and_less_have_no_logarithm_but_shapleys_parts(now) -> None:
    assert log_mean([10.0, 4.0], now) is NOT_ABOVE_ZERO
    assert sum(shapley([10.0, 4.0], now)) == pytest.approx(math.prod(now) - 40)


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [([], [], "from 1 to 12"), ([1.0], [1.0, 2.0], "as many then as now"), ([1.0], [math.nan], "missing or infinite")],
)
def test_products_that_are_none(before, now, words) -> None:
    for way in (shapley, log_mean):
        with pytest.raises(CRMError, match=words):
            way(before, now)


# ---- revenue


@pytest.fixture(scope="module")
def shop() -> crm.Data:
    """October: 10 customers, one order of 100 each, and a returned one. December: 12 with 2 orders of 75 less 5 refunded."""
    rows = [(f"c{n}", "2025-10-05", 100.0, 0.0, "completed") for n in range(10)]
    rows += [("c0", "2025-10-06", 999.0, 0.0, "returned")]
    rows += [(f"c{n}", f"2025-12-{day:02d}", 75.0, 5.0, "completed") for n in range(12) for day in (3, 20)]
    rows += [("c0", "2025-08-05", 10.0, 10.0, "completed")] + [
        (f"c{n}", "2025-09-05", 1.0, 1.0, None) for n in range(10)
    ]
    columns = ["customer_id", "ordered_at", "net_amount", "refund_amount", "status"]
    orders = pd.DataFrame(rows, columns=columns).assign(order_id=range(len(rows)))
    return crm.open(orders=orders, as_of=date(2025, 12, 31))


def test_revenue_by_hand(shop) -> None:
    """1,000 = 10 × 1 × 100 becomes 1,680 = 12 × 2 × 70."""
    found = revenue_factors(shop, baseline="2025-10", period="2025-12")
    assert (found.before, found.now) == (1000, 1680)
    assert [(f.before, f.now) for f in found.factors] == [(10, 12), (1, 2), (100, 70)]
    assert [f.shapley for f in found.factors] == pytest.approx(by_all_orders([10, 1, 100], [12, 2, 70]))
    mean = 680 / math.log(1.68)
    assert [f.log_mean for f in found.factors] == pytest.approx([mean * math.log(x) for x in (1.2, 2, 0.7)])
    assert found.why is None
    assert found.currency == "CNY"


def test_revenue_of_nothing_has_no_logarithms(shop) -> None:
    """In September everything was refunded."""
    found = revenue_factors(shop, baseline="2025-09", period="2025-12")
    assert found.why_no_log_mean is NOT_ABOVE_ZERO
    assert [f.log_mean for f in found.factors] == [None] * 3
    assert sum(f.shapley for f in found.factors) == pytest.approx(1680)


def test_what_cannot_be_said_of_revenue(shop) -> None:
    empty = revenue_factors(shop, baseline="2025-11", period="2025-12")
    assert empty.factors == ()
    assert empty.why.en == "November 2025: nothing to count in this period"
    few = revenue_factors(shop, baseline="2025-08", period="2025-12")
    assert few.why.en == "August 2025: too few to be shown, or would give few away"
    assert (few.before, few.factors) == (None, ())
    with pytest.raises(CRMError, match="both 2025-12"):
        revenue_factors(shop, baseline="2025-12", period="2025-12")


def test_factors_that_rest_on_different_orders_are_refused(shop, monkeypatch) -> None:
    def other(name: str, *args: object, **more: object) -> tuple[Estimate, ...]:
        found = shown(name, *args, **more)
        return tuple(replace(e, numerator=e.numerator + 1) for e in found) if name == "aov" else found

    monkeypatch.setattr(module, "shown", other)
    with pytest.raises(CRMError, match="rest on different orders in 2025-10"):
        revenue_factors(shop, baseline="2025-10", period="2025-12")
