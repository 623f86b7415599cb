"""What else may be assumed about who stays: other bases, other reasons, orders in place of subscriptions."""

import itertools

import pandas as pd
import pytest
from random_company import AS_OF, Frames, random_company
from recomputed import all_tables, staying
from recomputed.staying import DAY, begun, contracts, runs
from test_recomputed import cleaned

import crmtools as crm

SPANS = ("2025-Q4", "2025-10", "2025-09")
DENOMINATORS, REASONS = ("start", "average", "start_and_new"), ("all", "voluntary", "payment")


@pytest.fixture(scope="module")
def company() -> tuple[crm.Data, Frames]:
    frames = all_tables(random_company(3), 3)
    return crm.open(**frames, as_of=AS_OF), cleaned(frames)


def edges(span: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    period = crm.Period.parse(span)
    return pd.Timestamp(period.start), pd.Timestamp(period.end)


def churn(c: Frames, span: str, denominator: str, reason: str, grace_days: int) -> tuple[float, float]:
    lost = base = 0.0
    with_new = denominator == "start_and_new"
    for first, following in itertools.pairwise(pd.date_range(*edges(span), freq="MS")):
        for _, own in contracts(c):
            had, at_end = runs(own, first), runs(own, following)
            stays = bool(at_end or begun(own, following, following + grace_days * DAY))
            theirs = had + (begun(own, first, following - DAY) if with_new else [])
            base += (bool(had) + bool(at_end or (had and stays))) / 2 if denominator == "average" else bool(theirs)
            if theirs and not stays:
                last = max(one.end for one in theirs)
                lost += reason == "all" or any(one.reason == reason for one in theirs if one.end == last)
    return lost, base


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("grace_days", [0, 30])
@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("denominator", DENOMINATORS)
def test_churn_of_every_base_and_reason(company, span, denominator, reason, grace_days) -> None:
    data, clean = company
    found = crm.measure("churn_rate", data, period=span, denominator=denominator, reason=reason, grace_days=grace_days)
    lost, base = churn(clean, span, denominator, reason, grace_days)
    assert base > 0
    assert (found.numerator, found.denominator) == (pytest.approx(lost), pytest.approx(base))


def test_more_lost_than_the_mean_of_start_and_end_is_said_to_be_no_share() -> None:
    """Two customers, both gone after a month: two lost, and on average one."""
    left = pd.DataFrame({"subscription_id": ["a", "b"], "customer_id": ["a", "b"], "started_at": "2025-01-01"})
    left["ended_at"] = "2025-09-15"
    data = crm.open(subscriptions=left, as_of=AS_OF)
    found = crm.measure("churn_rate", data, period="2025-09", denominator="average")
    assert (found.value, found.low, found.high) == (2.0, None, None)
    assert found.why.en.startswith("more above the line than below it")
    assert crm.measure("churn_rate", data, period="2025-09").value == 1.0


def test_month_of_retention_is_one_less_the_churn_of_the_same_customers(company) -> None:
    for span in ("2025-10", "2025-09"):
        kept, lost = (crm.measure(name, company[0], period=span) for name in ("retention_rate", "churn_rate"))
        assert kept.value == pytest.approx(1 - lost.value)
        assert (kept.n, kept.maturity) == (lost.n, lost.maturity)


@pytest.mark.parametrize("span", [*SPANS, "2025-08-10..2025-11-02"])
@pytest.mark.parametrize("name", ["retention_rate", "winback_rate"])
def test_orders_in_place_of_subscriptions(company, name, span) -> None:
    data, clean = company
    by_orders = {"retention_rate": staying.retention_by_orders, "winback_rate": staying.winback_by_orders}[name]
    _, numerator, denominator, _ = by_orders(clean, *edges(span))
    assert numerator
    asked = crm.measure(name, data, period=span, activity="orders")
    assert (asked.numerator, asked.denominator) == (numerator, denominator)
    # who has no subscriptions gets the same without asking for it
    only = {table: clean[table].drop(columns="is_test", errors="ignore") for table in ("customers", "orders")}
    found = crm.measure(name, crm.open(**only, fx_rates=clean["fx_rates"], as_of=AS_OF), period=span)
    assert (found.value, found.n) == (asked.value, asked.n)


@pytest.mark.parametrize("active_days", [20, 90, 400])
def test_retention_by_orders_of_other_days(company, active_days) -> None:
    data, clean = company
    _, numerator, denominator, _ = staying.retention_by_orders(clean, *edges("2025-Q4"), active_days)
    found = crm.measure("retention_rate", data, period="2025-Q4", activity="orders", active_days=active_days)
    assert (found.numerator, found.denominator) == (numerator, denominator)


@pytest.mark.parametrize("age", [0, 1, 12])
def test_cohorts_of_other_ages(company, age) -> None:
    data, clean = company
    _, numerator, denominator, n = staying.cohort_retention(clean, *edges("2025"), age)
    found = crm.measure("cohort_retention", data, period="2025", age=age)
    assert 0 < numerator <= denominator
    assert (found.numerator, found.denominator, found.n) == (numerator, denominator, n)
    assert found.value == 1.0 or age


@pytest.mark.parametrize("top", [1, 3])
def test_largest_accounts_left_out(company, top) -> None:
    data, clean = company
    start, end = edges("2025-Q4")
    kept = sorted(staying.recurring(clean, [(start, end)]), key=lambda row: (-row[1], -row[2]))[top:]
    found = crm.measure("nrr", data, period="2025-Q4", leave_out_top=top)
    assert found.denominator == pytest.approx(sum(before for _, before, _ in kept))
    assert found.numerator == pytest.approx(sum(after for _, _, after in kept))
    lost = paid = 0.0
    for span in staying.months_inside(start, end):
        for _, before, after in sorted(staying.recurring(clean, [span]), key=lambda row: (-row[1], -row[2]))[top:]:
            lost, paid = lost + max(before - after, 0.0), paid + before
    found = crm.measure("revenue_churn", data, period="2025-Q4", leave_out_top=top)
    assert (found.numerator, found.denominator) == (pytest.approx(lost), pytest.approx(paid))


def test_largest_accounts_that_pay_the_same_do_not_hang_on_ids() -> None:
    """Ids are pseudonyms: with another key the same customers stand in another order."""
    days = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-11-10")
    for ids in (["1", "2", "3"], ["3", "2", "1"]):
        customers = pd.DataFrame({"customer_id": ids, "acquired_at": days[0]})
        paid = pd.DataFrame(
            {
                "subscription_id": ["a", "b", "c"], "customer_id": ids, "started_at": days[0],
                "ended_at": [days[1], pd.NaT, pd.NaT], "mrr": [100.0, 100.0, 50.0],
            }
        )  # fmt: skip
        data = crm.open(customers=customers, subscriptions=paid, as_of=AS_OF)
        assert crm.measure("nrr", data, period="2025-Q4", leave_out_top=1).value == pytest.approx(50 / 150)


def test_unknown_sources_are_told_and_bound_the_share(company) -> None:
    data, clean = company
    start, end = edges("2025-Q4")
    new = clean["customers"][clean["customers"].acquired_at.between(start, end - DAY)]
    unknown = int(new.acquired_channel.isna().sum())
    assert dict(crm.measure("referral_rate", data, period="2025-Q4").excluded) == {"unknown_source": unknown}
    low, high = (
        crm.measure("referral_rate", data, period="2025-Q4", unknown=way) for way in ("as_other", "as_referral")
    )
    assert low.denominator == high.denominator == len(new)
    assert high.numerator - low.numerator == unknown > 0
    assert low.excluded == high.excluded == ()


def test_last_days_of_the_grace_and_of_what_counts_as_lately() -> None:
    """The window of the quarter begins on 3 October; who left by 2 September and not before 3 September 2024 is lost."""
    ends = {
        "in_grace": "2025-09-03",
        "just_lost": "2025-09-02",
        "lost_long_ago": "2024-09-03",
        "too_long": "2024-09-02",
    }
    rows = [(name, "2024-01-01", end) for name, end in ends.items()]
    rows += [
        ("just_lost", "2025-10-03", None),
        ("lost_long_ago", "2026-01-01", None),
        ("back_early", "2025-10-02", None),
    ]
    rows += [("back_early", "2024-01-01", "2025-06-30")]
    held = pd.DataFrame(rows, columns=["customer_id", "started_at", "ended_at"])
    held["subscription_id"] = [f"s{n}" for n in range(len(held))]
    found = crm.measure("winback_rate", crm.open(subscriptions=held, as_of=AS_OF), period="2025-Q4")
    assert (found.numerator, found.denominator) == (1, 2)


def test_wait_of_whole_days_is_known_to_the_last_day_and_no_further() -> None:
    """One waits 177 days; two were last seen not to have ordered after 176, and do not tell of the day after."""
    days = {"a": ["2025-07-05", "2025-12-29"], "b": ["2025-07-08"], "c": ["2025-07-08 23:00"]}
    rows = [(who, day) for who, own in days.items() for day in own]
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at"])
    orders["ordered_at"] = pd.to_datetime(orders.ordered_at, format="ISO8601")
    orders = orders.assign(order_id=[f"o{n}" for n in range(len(orders))], net_amount=1.0)
    found = crm.measure("repurchase_interval", crm.open(orders=orders, as_of=AS_OF), period="2025-Q4")
    assert (found.value, found.numerator, found.denominator) == (177, 1, 3)


def test_what_nobody_calls_so_is_not_counted_as_nothing() -> None:
    """No channel is called referral: a share of 0 % would be about words, not about customers."""
    people = pd.DataFrame({"customer_id": [f"c{n}" for n in range(40)], "acquired_at": pd.Timestamp("2025-11-03")})
    people["acquired_channel"] = ["Empfehlung", "Messe"] * 20
    orders = pd.DataFrame(
        {"customer_id": people["customer_id"], "ordered_at": pd.Timestamp("2025-11-05"), "net_amount": 1.0}
    )
    data = crm.open(customers=people, orders=orders, as_of="2025-12-31")
    found = crm.measure("referral_rate", data, period="2025-Q4")
    assert found.value is None
    assert found.why.en.startswith(
        "no row of customers has the acquired_channel 'referral': if it is called otherwise, say so under definitions"
    )
    assert crm.measure("referral_rate", data, period="2025-Q4", channel="Empfehlung").value == 0.5
