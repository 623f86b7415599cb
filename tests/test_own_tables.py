"""Orders alone, in frames, in another currency, with customers who lack an attribute: what a first evening looks like."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import crmtools as crm
from crmtools import formats, show
from crmtools.cohort_projection import CONCENTRATED, expected_retention
from crmtools.estimating import resolve, tables_read
from crmtools.lifetime.study import study
from crmtools.tables.how_far import first_day, last_day

RETENTION = crm.CATALOGUE["retention_rate"]


def frames(seed: int = 3, customers: int = 400) -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(seed)
    orders = pd.DataFrame({"customer_id": random.integers(0, customers, 3000).astype(str)})
    orders["order_id"] = [f"o{n}" for n in range(len(orders))]
    orders["ordered_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 731, len(orders)), unit="D")
    orders["net_amount"], orders["currency"] = random.gamma(2, 40, len(orders)).round(2), "EUR"
    people = pd.DataFrame({"customer_id": [str(n) for n in range(customers)]})
    people["region"] = random.choice(["north", "south", None], customers)
    people["acquired_at"] = pd.Timestamp("2023-12-31")
    return {"orders": orders, "customers": people}


@pytest.fixture(scope="module")
def data() -> crm.Data:
    return crm.open(**frames(), as_of="2025-12-31")


def test_activity_goes_by_the_table_that_is_there(data) -> None:
    assert resolve(RETENTION, data, {})["activity"] == "orders"
    assert resolve(RETENTION, data, {"activity": "subscriptions"})["activity"] == "orders"
    assert resolve(RETENTION, crm.open("tiny"), {})["activity"] == "subscriptions"
    assert resolve(RETENTION, crm.open("tiny"), {"activity": "orders"})["activity"] == "orders"


@pytest.mark.parametrize(
    ("name", "assumptions", "days"),
    [
        ("retention_rate", {}, 92 + 365),
        ("retention_rate", {"active_days": 100}, 92 + 100),
        ("inactivity_rate", {}, 90 + 365),
        ("inactivity_rate", {"base_days": 180, "window_days": 30}, 30 + 180),
        ("winback_rate", {}, 90 + 90 + 365),
    ],
)
def test_who_left_before_the_data_begin_is_not_taken_for_one_who_stayed(name, assumptions, days) -> None:
    """In the first year of its data a shop keeps everybody: nobody has been silent for a year since the first row was written."""
    tables = frames()
    quarter = crm.Period.parse("2025-Q3")
    for missing, known in ((8, False), (7, True)):
        begins = pd.Timestamp(quarter.end) - pd.Timedelta(days=days - missing)
        late = tables["orders"][tables["orders"]["ordered_at"] >= begins].sort_values("ordered_at")
        late.iloc[:5, late.columns.get_loc("ordered_at")] = begins
        data = crm.open(orders=late, customers=tables["customers"], as_of="2025-12-31")
        found = crm.measure(name, data, period=quarter, **assumptions)
        groups = crm.breakdown(name, data, by="region", period=quarter, **assumptions).estimates
        assert [(one.value is not None) for one in (found, *groups)] == [known] * (1 + len(groups))
        if not known:
            told = [formats.day(one.date(), "en") for one in (begins, begins - pd.Timedelta(days=8))]
            assert found.why.en == "the table orders begins on {}, and this period needs it from {} on".format(*told)
            assert {one.why for one in groups} == {found.why}


def test_a_mistyped_year_is_no_beginning() -> None:
    tables = frames()
    tables["orders"].loc[tables["orders"].index[0], "ordered_at"] = pd.Timestamp("2015-05-01")
    data = crm.open(**tables, as_of="2025-12-31")
    assert str(first_day(data, "orders")) == "2024-01-01"
    assert crm.measure("retention_rate", data, period="2024-Q3").value is None


def test_by_contracts_nothing_is_looked_back_at() -> None:
    assert RETENTION.first_needed(RETENTION.with_assumptions({}), crm.Period.parse("2025-Q3")) == {}


def test_retention_by_orders_is_final_with_its_period(data) -> None:
    """Nothing after the period is looked at: a year later the figure is the same, and no less mature."""
    now = crm.measure("retention_rate", data, period="2025-12")
    assert now.maturity in (None, 1.0)
    then = crm.measure("retention_rate", data.at(pd.Timestamp("2025-06-30").date()), period="2025-06")
    later = crm.measure("retention_rate", data, period="2025-06")
    assert (then.value, then.maturity) == (later.value, later.maturity)
    known = crm.open("tiny").at(pd.Timestamp("2025-12-31").date())
    assert crm.measure("retention_rate", known, period="2025-12").maturity < 1


def test_data_reach_as_far_as_the_table_that_a_number_is_made_of() -> None:
    """Contracts that were last signed in June say nothing about the age of retention by orders."""
    known = crm.open("tiny")
    by_orders = crm.measure("retention_rate", known, activity="orders")
    by_contracts = crm.measure("retention_rate", known, activity="subscriptions")
    assert by_orders.data_until == last_day(known, "orders")
    assert by_contracts.data_until == last_day(known, "subscriptions") != by_orders.data_until


def test_a_survey_asked_in_waves_is_compared_and_orders_that_end_early_are_not() -> None:
    """Half a quarter without an answer is how surveys are; half a quarter without an order is an export that did not arrive."""
    random = np.random.default_rng(5)
    waves = [pd.Timestamp(day) for day in ("2025-07-08", "2025-10-08")]
    answers = pd.DataFrame(
        [(f"c{n}", day + pd.Timedelta(days=n % 12), float(random.integers(low, 11)))
         for day, low in zip(waves, (0, 6)) for n in range(500)],
        columns=["customer_id", "answered_at", "value"],
    ).assign(item_id="q")  # fmt: skip
    answers["response_id"] = range(len(answers))
    orders = pd.DataFrame(
        {"customer_id": answers["customer_id"], "ordered_at": answers["answered_at"], "net_amount": 20.0}
    )
    items = pd.DataFrame([{"item_id": "q", "metric": "nps", "scale_min": 0, "scale_max": 10}])
    data = crm.open(
        survey_answers=answers, survey_items=items, orders=orders.assign(order_id=answers["response_id"].astype(str)),
        as_of="2025-12-31",
    )  # fmt: skip
    asked = crm.compare("nps", data, since="2025-Q3", period="2025-Q4")
    assert asked.verdict == "improved"
    assert str(asked.now.data_until) == "2025-12-31"
    bought = crm.compare("revenue_per_customer", data, since="2025-Q3", period="2025-Q4")
    assert bought.verdict == "not_comparable"
    assert str(bought.now.data_until) == "2025-10-19"
    later = crm.measure("nps", data, period="2025-12")
    assert str(later.data_until) == "2025-10-19", "a period in which nobody was asked has no wave"


def test_where_nobody_joins_what_customers_do_is_not_out_of_date() -> None:
    made = frames()
    made["customers"]["acquired_at"] = pd.Timestamp("2025-01-01")
    spend = pd.DataFrame({"period": ["2025-12-01"], "category": ["acquisition"], "amount": [100.0], "channel": ["all"]})
    known = crm.open(**made, spend=spend, as_of="2025-12-31")
    assert last_day(known, "customers").year == 2025
    assert crm.measure("purchase_frequency", known, period="2025-12").data_until == last_day(known, "orders")
    assert crm.measure("cac", known, period="2025-12").data_until == last_day(known, "customers"), (
        "who was won is counted"
    )


def test_a_table_that_only_one_key_reads_is_named_with_that_key() -> None:
    known = crm.open("tiny")
    margin = crm.CATALOGUE["customer_margin"]
    assert set(tables_read(margin, known, {})) == {"orders", "spend"}
    assert set(tables_read(margin, known, {"key": "handling"})) == {"orders", "spend", "tickets"}


def test_contracts_that_end_tell_how_far_they_are_known() -> None:
    contracts = pd.DataFrame(
        {
            "subscription_id": ["a", "b", "c"], "customer_id": ["1", "2", "3"], "started_at": pd.Timestamp("2025-01-01"),
            "ended_at": pd.to_datetime(["2025-06-10", "2026-03-01", None]),
        }
    )  # fmt: skip
    known = crm.open(subscriptions=contracts, as_of="2025-12-31")
    assert str(last_day(known, "subscriptions")) == "2025-06-10", "an end to come tells nothing of what is known"
    assert str(last_day(known.at(pd.Timestamp("2025-04-30").date()), "subscriptions")) == "2025-01-01"


def test_a_table_that_cannot_be_used_says_nothing_of_the_age_of_a_number() -> None:
    """Contracts without their ends are not read by the complaint rate."""
    made = frames()
    made["customers"].loc[0, "acquired_at"] = pd.Timestamp("2025-12-30")
    tickets = made["orders"][["customer_id", "ordered_at"]].rename(columns={"ordered_at": "created_at"})
    tickets = tickets.assign(ticket_id=range(len(tickets)), type="complaint")
    contracts = pd.DataFrame(
        {"subscription_id": ["s"], "customer_id": ["1"], "started_at": [pd.Timestamp("2025-03-02")]}
    )
    plain, beside = (
        crm.open(**made, tickets=tickets, **more, as_of="2025-12-31") for more in ({}, {"subscriptions": contracts})
    )
    one, other = (crm.measure("complaint_rate", each, period="2025-12") for each in (plain, beside))
    assert one.value is not None, one.why
    assert (one.value, one.data_until) == (other.value, other.data_until)
    assert other.data_until > last_day(beside, "subscriptions")


def test_a_set_of_assumptions_that_makes_no_difference_is_no_set(data) -> None:
    by_orders = crm.stress("retention_rate", data)
    assert [dict(changed) for changed in by_orders.changes] == [{}, {"active_days": 182}, {"active_days": 548}]
    demo = crm.stress("retention_rate", crm.open("tiny"))
    assert len({tuple(sorted(changed.items())) for changed in demo.changes}) == len(demo) == 5


@pytest.mark.parametrize("name", ["margin", "annual_discount"])
def test_a_share_of_an_amount_is_a_share(name, data) -> None:
    with pytest.raises(crm.CRMError, match="a share from 0 to 1"):
        crm.measure("clv_expected", data, **{name: 25.0})
    with pytest.raises(crm.CRMError, match="a share from 0 to 1"):
        crm.measure("clv_expected", data, **{name: -0.1})


def test_frames_have_the_currency_that_they_name() -> None:
    assert crm.measure("aov", crm.open(**frames(), as_of="2025-12-31")).currency == "EUR"
    rates = pd.DataFrame({"currency": ["EUR"], "date": [pd.Timestamp("2023-12-31")], "rate": [7.8]})
    assert crm.measure("aov", crm.open(**frames(), fx_rates=rates, as_of="2025-12-31")).currency == "CNY"
    two = frames()
    two["orders"].loc[:10, "currency"] = "USD"
    with pytest.raises(crm.CRMError, match="EUR"):
        crm.open(**two, as_of="2025-12-31")


def test_customers_without_an_attribute_are_none(data) -> None:
    shown = {dict(part.group)["region"]: part for part in crm.breakdown("aov", data, by="region").estimates}
    assert crm.measure("aov", data, where={"region": None}).value == pytest.approx(shown[""].value)
    assert "None" in crm.measure("aov", data, where={"region": "Unknown"}).why.en
    assert crm.contrast("aov", data, {"region": "north"}, {"region": None}).difference is not None


def test_customers_who_are_all_alike_are_projected_too() -> None:
    """A beta distribution that is nearly a point: the share is that of the point, and the two ways to average agree."""
    ages = np.arange(1, 40)
    alike = expected_retention(np.array([0.6, 50.0, 9097.0, 100_000.0]), ages, 30.4)
    assert np.isfinite(alike).all()
    assert (np.diff(alike) < 0).all()
    near, over = (expected_retention(np.array([0.6, 50.0, size / 11, size * 10 / 11]), ages, 30.4) for size in (CONCENTRATED, CONCENTRATED + 1))  # fmt: skip
    assert over == pytest.approx(near, rel=1e-3)
    p = 9097 / 109_097
    into = (np.arange(6) + 0.5) / 6
    since = (ages[:, None] - into) * 30.4
    point = ((1 + p * since / 50) ** -0.6 - (1 + (p * since + 30.4) / 50) ** -0.6).mean(axis=1)
    assert alike == pytest.approx(point, rel=1e-3)


def test_the_chapter_says_where_the_indicator_declines_the_same_customers(data) -> None:
    """400 buyers are too few for the indicator; the chapter gives a value, and says so."""
    made = study(data)
    assert made.value is not None
    english, chinese = (show.lifetime_value(made, data, language=language).text for language in ("en", "zh"))
    assert "gives no value on these data (fewer than 500 buyers" in english
    assert "不给出数值（买家不足 500 位" in chinese


def test_sets_that_are_not_shown_are_not_spoken_of() -> None:
    made = crm.stress("churn_rate", crm.open("demo"))
    hidden = sum(one.suppressed for one in made.estimates)
    assert (len(made), hidden) == (9, 3)
    alone = replace(made, estimates=(made.estimates[0], *(one.hidden() for one in made.estimates[1:])))
    assert show.stress(alone, language="en").text == "The definition risk could not be computed: too few to be shown."
    english, chinese = (show.stress(made, language=language).text for language in ("en", "zh"))
    assert "Under six defensible sets" in english
    assert "Three more not shown are left out of this: each differs from a set that is shown" in english
    assert "在六组" in chinese
    assert "另有三组不予公布" in chinese
