"""The month that has paid for winning a customer: every customer's curve drawn out, and what is said where there is none."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

import crmtools as crm

AS_OF, MONTHS = date(2025, 12, 31), 12
FIRST, LAST = pd.Timestamp("2024-01-01"), pd.Timestamp("2025-01-01")
"""The cohort of 2025-Q4: customers won in the year that ends twelve months before."""


@pytest.fixture
def frames(rng) -> dict[str, pd.DataFrame]:
    """A few hundred customers with orders at their monthly days, some before they were customers; spend on the 15th."""
    size, rows = 300, 4000
    days = pd.Timestamp("2023-11-01") + pd.to_timedelta(rng.integers(0, 600, size), unit="D")
    days = days.where(rng.random(size) < 0.9, pd.Timestamp("2024-01-31"))
    customers = pd.DataFrame({"customer_id": [f"c{n}" for n in range(size)], "acquired_at": days})
    who = rng.integers(0, size, rows)
    ages = [pd.DateOffset(months=int(month)) for month in rng.integers(0, 15, rows)]
    shift = pd.to_timedelta(rng.choice([-1, 0, 0, 1, 9], rows), unit="D")
    placed = pd.Series([days[one] + age for one, age in zip(who, ages, strict=True)]) + shift
    orders = pd.DataFrame(
        {
            "customer_id": customers.customer_id.to_numpy()[who],
            "ordered_at": placed + pd.Timedelta(hours=5),
            "net_amount": np.round(rng.lognormal(3, 1, rows), 2),
            "status": rng.choice(["completed", "cancelled"], rows, p=[0.8, 0.2]),
        }
    )
    orders["refund_amount"] = np.where(rng.random(rows) < 0.1, 1.5 * orders.net_amount, 0.0).round(2)
    orders["cogs"] = (orders.net_amount * 0.5).mask(rng.random(rows) < 0.3)
    months = pd.date_range("2023-10-15", periods=26, freq="MS") + pd.Timedelta(days=14)
    spend = pd.DataFrame({"period": months, "category": "acquisition", "amount": 900.0})
    other = spend.assign(category="retention", amount=1e6)
    return {"customers": customers, "orders": orders, "spend": pd.concat([spend, other], ignore_index=True)}


def curves(frames: dict[str, pd.DataFrame]) -> np.ndarray:
    """Cumulative margin, one row per customer of the cohort and one column per month of age."""
    people = frames["customers"].set_index("customer_id").acquired_at
    people = people[(people >= FIRST) & (people < LAST)]
    made = pd.DataFrame(0.0, index=people.index, columns=range(MONTHS))
    for order in frames["orders"].itertuples():
        won, day = people.get(order.customer_id), order.ordered_at.normalize()
        if won is None or order.status != "completed" or day < won:
            continue
        age = (day.year - won.year) * 12 + day.month - won.month - (day.day < won.day)
        net = order.net_amount - order.refund_amount
        if age < MONTHS:
            made.loc[order.customer_id, age] += 0.4 * net if pd.isna(order.cogs) else net - order.cogs
    return made.cumsum(axis=1).to_numpy()


@pytest.mark.parametrize("amount", [300.0, 700.0, 1200.0])
def test_month_and_limits_from_every_customers_curve(frames, amount) -> None:
    frames["spend"].loc[frames["spend"].category == "acquisition", "amount"] = amount
    drawn = curves(frames)
    n, cost = len(drawn), 12 * amount
    mean, error = drawn.mean(axis=0), drawn.std(axis=0, ddof=1) / np.sqrt(n)
    found = crm.measure("cac_payback", crm.open(**frames, as_of=AS_OF), period="2025-Q4")
    assert (found.n, found.numerator, found.denominator) == (n, cost, n)

    def first(curve: np.ndarray) -> float | None:
        reached = np.flatnonzero(curve >= cost / n)
        return float(reached[0] + 1) if len(reached) else None

    expected = first(mean), first(mean + 1.959964 * error), first(mean - 1.959964 * error)
    assert (found.value, found.low, found.high) == expected
    assert expected[0] is not None


def test_what_is_not_paid_back_says_so(frames) -> None:
    frames["spend"]["amount"] = 1e6
    found = crm.measure("cac_payback", crm.open(**frames, as_of=AS_OF), period="2025-Q4")
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.why.en == "not paid back within 12 months"


def test_spend_that_begins_late_is_no_cheap_year(frames) -> None:
    """Three months without a record would make winning look a quarter cheaper."""
    data = crm.open(**{**frames, "spend": frames["spend"].query("period >= '2024-03-01'")}, as_of=AS_OF)
    found = crm.measure("cac_payback", data, period="2025-Q4")
    assert found.value is None
    assert found.why.en == "acquisition spend is not recorded for the whole year"
    none = crm.open(**{**frames, "spend": frames["spend"].query("category == 'retention'")}, as_of=AS_OF)
    assert crm.measure("cac_payback", none, period="2025-Q4").why.en == "no spend is recorded"


def test_a_year_without_new_customers(frames) -> None:
    old = frames["customers"].assign(acquired_at=pd.Timestamp("2022-05-05"))
    found = crm.measure("cac_payback", crm.open(**{**frames, "customers": old}, as_of=AS_OF), period="2025-Q4")
    assert (found.value, found.n) == (None, 0)
    assert found.why.en == "money was spent, and nobody was won"
