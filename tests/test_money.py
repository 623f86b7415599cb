"""Receivables and cost: the choices that the worked examples do not make."""

import pandas as pd
import pytest

import crmtools as crm
from crmtools import CRMError
from crmtools.indicators.kinds import CENSUS

NEVER = pd.DataFrame({"invoice_id": ["none"], "paid_at": ["2020-01-01"], "amount": [1.0]}).iloc[:0]


@pytest.fixture(scope="module")
def tiny() -> crm.Data:
    return crm.open("tiny")


def books(*invoices: tuple[str, str, str, float], payments: pd.DataFrame | None = None) -> crm.Data:
    rows = pd.DataFrame(invoices, columns=["customer_id", "issued_at", "due_at", "amount"])
    rows["invoice_id"] = [f"v{n}" for n in range(len(rows))]
    paid = NEVER if payments is None else payments
    paid = paid.astype({"paid_at": "datetime64[ns]"}).assign(customer_id="a")
    return crm.open(invoices=rows, payments=paid, as_of="2025-12-31")


def test_simple_days_outstanding(tiny) -> None:
    """The open amount over the sales of the last three months, times their days."""
    found = crm.measure("dso", tiny, period="2025-Q4", method="simple")
    assert found.value == pytest.approx(3470 / (1300 + 1200 + 2420) * 92)
    assert (found.low, found.high, found.method, found.why) == (None, None, "census", CENSUS)


def test_best_possible_days_outstanding(tiny) -> None:
    """Only what is not yet due, V05 600 and V06 400, of December's 1300."""
    assert crm.measure("dso", tiny, period="2025-Q4", method="best_possible").value == pytest.approx(31 * 1000 / 1300)


def test_months_end_on_the_day_on_which_the_period_ends() -> None:
    """The period ends with 30 October: its months begin on 30 September, 31 August, 31 July; 30 September is in the first."""
    paid = pd.DataFrame({"invoice_id": ["v3"], "paid_at": ["2025-09-15"], "amount": [300.0]})
    paid["paid_at"] = pd.to_datetime(paid.paid_at)
    data = books(
        ("a", "2025-09-30", "2025-10-30", 100.0),
        ("a", "2025-09-29", "2025-10-30", 50.0),
        ("b", "2025-08-31", "2025-09-30", 50.0),
        ("b", "2025-08-30", "2025-09-30", 400.0),
        payments=paid,
    )
    # open 300: September's month 100 (31 days), August's 100 (30 days), 100 of July's 400 (31 days)
    found = crm.measure("dso", data, period="2025-10-01..2025-10-30")
    assert found.value == pytest.approx(31 + 30 + 31 / 4)
    assert found.n == 2


def test_more_open_than_was_ever_sold_cannot_be_counted_back() -> None:
    found = crm.measure("dso", books(("a", "2020-01-01", "2020-02-01", 100.0)), period="2025-12")
    assert (found.value, found.n) == (None, 1)
    assert "counted back" in found.why.en


def test_nothing_open_is_no_day() -> None:
    paid = pd.DataFrame({"invoice_id": ["v0"], "paid_at": pd.to_datetime(["2025-12-31"]), "amount": [100.0]})
    data = books(("a", "2025-12-01", "2025-12-31", 100.0), payments=paid)
    assert crm.measure("dso", data, period="2025-12").value == 0
    assert crm.measure("on_time_payment_rate", data, period="2025-12").value == 1


def test_grace_of_what_is_overdue(tiny) -> None:
    """V02 is 21 days past due on 1 January, the others more than 30."""
    expected = {7: 2470, 21: 1770, 30: 1770}
    for days, late in expected.items():
        found = crm.measure("overdue_ratio", tiny, period="2025-Q4", grace_days=days)
        assert found.numerator == pytest.approx(late)


def test_amounts_roll_on_past_the_next_bucket() -> None:
    """30 days past due on 1 October, 61 on 1 November: two buckets on, and worse all the same."""
    data = books(("a", "2025-08-01", "2025-09-01", 100.0))
    for month, bucket in (("2025-10", "1-30"), ("2025-11", "61-90"), ("2025-12", "61-90")):
        found = crm.measure("roll_rate", data, period=month, bucket=bucket)
        assert found.value == (None if month == "2025-12" else 1.0)
    assert crm.measure("roll_rate", data, period="2025-10-02..2025-10-31").value is None, "it holds no whole month"


def test_default_must_be_material(tiny) -> None:
    """C01 owes 200 on the 90th day, C10 800."""
    for material, share in ((199.0, 2 / 3), (200.0, 1 / 3), (800.0, 0)):
        assert crm.measure("default_rate", tiny, period="2025-Q4", material=material).value == pytest.approx(share)


@pytest.mark.parametrize(("key", "part"), [("none", 0), ("direct", 2000 / 6305), ("equal", 1 / 3), ("all", 1)])
def test_keys_of_shared_cost(tiny, key, part) -> None:
    found = crm.measure("cost_per_ticket", tiny, period="2025-Q4", shared=key)
    assert found.value == pytest.approx((2000 + 3000 * part) / 3)
    assert (found.low, found.high) == (pytest.approx(2000 / 3), pytest.approx(5000 / 3))


def test_active_customers_of_orders_or_contracts_alone(tiny) -> None:
    """Contracts run at the ends of the months: C01, C03, C05, C09, C10; C01, C03, C05, C06, C10; C01, C03-C06, C11."""
    orders = {name: tiny[name].execute() for name in ("spend", "subscriptions")}
    data = crm.open(**orders, as_of="2025-12-31")
    found = crm.measure("retention_cost", data, period="2025-Q4", shared="none")
    assert found.denominator == pytest.approx((5 + 5 + 6) / 3)
    assert found.value == pytest.approx(2500 * 365.25 / 92 / (16 / 3))
    assert found.n == 8


def test_key_of_the_service_cost_moves_groups_and_not_the_total(tiny) -> None:
    totals = [crm.measure("cost_to_serve_ratio", tiny, period="2025-Q4", key=key) for key in ("minutes", "tickets")]
    assert totals[0].value == pytest.approx(totals[1].value)
    north = [
        crm.measure("cost_to_serve_ratio", tiny, period="2025-Q4", where={"region": "north"}, key=key).numerator
        for key in ("minutes", "tickets")
    ]
    assert north == [pytest.approx(2000 * 105 / 145), pytest.approx(2000 * 2 / 3)]


def test_required_fields_are_chosen(tiny) -> None:
    found = crm.measure("crm_data_quality", tiny, period="2025-Q4", fields="region segment tier country")
    assert (found.numerator, found.denominator) == (11 + 10 + 10, 44)
    assert (found.method, found.why) == ("census", CENSUS)
    with pytest.raises(CRMError, match=r"no field 'segmnt'.*segment"):
        crm.measure("crm_data_quality", tiny, fields="segmnt")
    with pytest.raises(CRMError, match="names no field"):
        crm.measure("crm_data_quality", tiny, fields=" ")


def test_words_that_say_nothing_do_not_fill_a_field() -> None:
    people = pd.DataFrame({"customer_id": list("abcd"), "region": ["NA", "未知", " N/A", "north"]})
    assert crm.measure("crm_data_quality", crm.open(customers=people, as_of="2025-12-31"), fields="region").value == 0.5
