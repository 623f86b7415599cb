"""Who is active in a period: every edge of the definition once."""

from datetime import date

import pandas as pd
import pytest

import crmtools as crm
from crmtools.estimating import estimates

OLD, AS_OF = "2020-01-01", date(2025, 12, 31)
# the period is December 2025; 365 days before its end is 2025-01-01
ORDERS = {"first day": "2025-01-01", "too early": "2024-12-31", "last day": "2025-12-31", "cancelled": "2025-06-01"}
SPELLS = {
    "ends on the first": "2025-12-01",
    "ended before": "2025-11-30",
    "ends on the last": "2025-12-31",
    "runs": None,
}
WON = {"won long ago": OLD, "won a year ago": "2025-01-01", "won a day earlier": "2024-12-31"}


def company(*, orders: bool = True, subscriptions: bool = True) -> crm.Data:
    people = [*ORDERS, *SPELLS, *WON]
    frames = {
        "customers": pd.DataFrame({"customer_id": people, "acquired_at": [WON.get(who, OLD) for who in people]}),
        "interactions": pd.DataFrame(
            {"customer_id": people, "at": "2025-12-05", "direction": "inbound", "interaction_id": people}
        ),
    }
    if orders:
        frames["orders"] = pd.DataFrame({"customer_id": list(ORDERS), "ordered_at": list(ORDERS.values())}).assign(
            order_id=range(len(ORDERS)), net_amount=1.0, status=lambda o: o.customer_id.where(o.customer_id == "cancelled")
        )  # fmt: skip
    if subscriptions:
        frames["subscriptions"] = pd.DataFrame({"customer_id": list(SPELLS), "ended_at": list(SPELLS.values())}).assign(
            subscription_id=range(len(SPELLS)), started_at=OLD
        )
    return crm.open(**frames, as_of=AS_OF)


@pytest.mark.parametrize(
    ("tables", "days", "expected"),
    [
        ({}, 365, 2 + 3 + 1),
        ({}, 366, 3 + 3 + 2),
        ({"subscriptions": False}, 365, 2 + 1),
        ({"orders": False}, 365, 3 + 1),
        ({"orders": False, "subscriptions": False}, 365, 11),
        # a period longer than the window: what lies in it still counts
        ({}, 10, 1 + 3),
    ],
    ids=str,
)
def test_who_is_at_risk(tables, days, expected) -> None:
    found = crm.measure("interaction_frequency", company(**tables), period="2025-12", active_days=days)
    assert found.n == found.numerator == expected
    assert dict(found.excluded).get("outside_base", 0) == 11 - expected
    assert found.denominator == pytest.approx(expected * 31 / 30.4375)


def test_on_the_last_day_of_the_period() -> None:
    found = crm.measure("contact_coverage", company(), period="2025-12")
    assert (found.value, found.n) == (1, 2 + 2 + 1), (
        "a subscription that ends earlier in the period does not run on its last day"
    )


def test_periods_of_different_length_do_not_disturb_each_other() -> None:
    data = company()
    spans = [crm.Period.parse(text) for text in ("2025-12", "2025", "2025-Q4")]
    together = estimates("interaction_frequency", data, spans, assumptions={"active_days": 10})
    alone = [crm.measure("interaction_frequency", data, period=span, active_days=10) for span in spans]
    assert [e.n for e in together] == [e.n for e in alone] == [4, 2 + 4 + 1, 5]
