"""How to ask an indicator, what it answers when there is nothing to say, and what it does not tell."""

import copy
import json
import pickle
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from random_company import AS_OF, random_company

import crmtools as crm
from crmtools import CATALOGUE, CRMError, Data, Estimate, Period, estimating
from crmtools.publishable import shown
from crmtools.questions import attributes
from crmtools.tables.answers import Answers

# ---- how to ask


@pytest.fixture(scope="module")
def tiny() -> crm.Data:
    return crm.open("tiny")


@pytest.fixture(scope="module")
def data() -> crm.Data:
    return crm.open(**random_company(3), as_of=AS_OF)


def test_estimate_survives_json(tiny) -> None:
    for name, item in CATALOGUE.items():
        found = [crm.measure(name, tiny)]
        if "region" in attributes(item, tiny):
            found += crm.breakdown(name, tiny, by="region").estimates
        for estimate in found:
            assert Estimate.from_dict(json.loads(json.dumps(estimate.to_dict()))) == estimate
            told = (estimate.value, estimate.low, estimate.high, estimate.se)
            assert {type(number) for number in told} <= {float, type(None)}


def again(one: object) -> object:
    """What a pickle of it holds."""
    return pickle.loads(pickle.dumps(one))  # noqa: S301 - written in the same breath


def test_what_is_returned_can_be_pickled_and_copied(tiny) -> None:
    """An indicator of the catalogue goes by its id, and comes back as the one there is."""
    goals = crm.scorecard(tiny)
    returned = [
        crm.trend("nps", tiny), crm.breakdown("nps", tiny, by="region"), crm.stress("churn_rate", tiny), goals,
        crm.judge(goals[0], tiny), crm.compare("nps", tiny, tiny.period.previous()),
    ]  # fmt: skip
    for found in returned:
        assert again(found) == found
        assert copy.deepcopy(found) == found
    assert all(again(item) is item for item in CATALOGUE.values())
    own = replace(CATALOGUE["nps"], tier="extension")
    assert again(own) == own != CATALOGUE["nps"]


def test_default_period_is_the_reports(tiny) -> None:
    assert crm.measure("nps", tiny) == crm.measure("nps", tiny, period="2025-Q4")
    assert crm.measure("nps", tiny).period == Period.parse("2025-Q4")


def test_assumptions_given_win_over_the_file(tiny) -> None:
    changed = tiny.settings.model_copy(update={"definitions": {"nps": {"promoter_from": 10}}})
    strict = replace(tiny, settings=changed, answers=Answers(""))
    assert crm.measure("nps", strict).value == pytest.approx(100 * (2 - 2) / 9)
    assert crm.measure("nps", strict, promoter_from=9).value == crm.measure("nps", tiny).value
    assert crm.measure("nps", tiny, promoter_from=10) == crm.measure("nps", strict)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda d: crm.measure("npss", d), "There is no indicator 'npss'. Did you mean 'nps'?"),
        (lambda d: crm.measure("nps", d, promotor_from=9), "Did you mean 'promoter_from'?"),
        (lambda d: crm.measure("nps", d, promoter_from="9"), "must be a whole number such as 9, found '9'"),
        (lambda d: crm.measure("nps", d, period="2025-Q5"), "is not a period"),
        (lambda d: crm.measure("nps", d, where={"regoin": "south"}), "Did you mean 'region'?"),
        (lambda d: crm.measure("nps", d, where={"region": 3}), "a text or a list of texts"),
        (lambda d: crm.measure("nps", d, where={"region": []}), "a text or a list of texts"),
        (lambda d: crm.breakdown("nps", d, by="customer_id"), "cannot be split by 'customer_id'"),
        (lambda d: crm.breakdown("nps", d, by="name"), "cannot be split by 'name'"),
        (lambda d: crm.breakdown("cac", d, by="region"), "'cac' cannot be split by 'region'"),
        (lambda d: crm.trend("nps", d, by="week"), "Allowed: month, quarter, year"),
        (lambda d: crm.trend("nps", d, periods=0), "at least one period"),
        (lambda d: crm.measure("first_response_time", d, quantile=1.5), "between 0 and 1"),
        (lambda d: crm.sql("npss", d), "There is no indicator"),
    ],
)
def test_questions_that_make_no_sense(tiny, ask, words) -> None:
    with pytest.raises(CRMError) as caught:
        ask(tiny)
    assert words in str(caught.value)


def test_whole_numbers_may_come_from_numpy_or_yaml(tiny) -> None:
    for days in (30, 30.0, np.int64(30), np.float64(30)):
        assert crm.measure("churn_rate", tiny, grace_days=days).value == pytest.approx(3 / 17)


def test_a_condition_that_nobody_meets_says_so(tiny) -> None:
    found = crm.measure("nps", tiny, where={"region": "norht"})
    assert found.value is None
    assert found.why.en == "no customer has region 'norht'. Did you mean 'north'?"
    assert "norht" in found.why.zh


def test_conditions_combine(tiny) -> None:
    both = crm.measure("complaint_rate", tiny, where={"region": ["south", "north"], "customer_type": "business"})
    assert both.group == (("region", "south + north"), ("customer_type", "business"))
    south, north = (
        crm.measure("complaint_rate", tiny, where={"region": region, "customer_type": "business"})
        for region in ("south", "north")
    )
    assert both.numerator == south.numerator + north.numerator
    assert both.denominator == pytest.approx(south.denominator + north.denominator)
    assert both.n == south.n + north.n == 4


def test_a_period_that_is_not_over_has_no_value(tiny) -> None:
    for name, item in CATALOGUE.items():
        found = crm.measure(name, tiny, period="2026-01")
        assert (found.value, found.low, found.n) == (None, None, 0)
        assert item.waits_for is not None or "not over" in found.why.en
    earlier = tiny.at(date(2025, 11, 15))
    assert [e.value is None for e in crm.trend("nps", earlier, by="month", periods=3).estimates] == [False, True, True]


def test_trend_without_wishes_is_the_reports(tiny) -> None:
    found = crm.trend("nps", tiny)
    assert [e.period.id for e in found.estimates] == ["2024-Q3", "2024-Q4", "2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]
    assert found.frame.columns.tolist()[:5] == ["period", "value", "low", "high", "n"]
    assert len(found) == 6
    assert [e.period.id for e in crm.trend("nps", tiny, by="month", periods=2).estimates] == ["2025-11", "2025-12"]


def test_money_that_won_nobody_stays_in_the_total(tiny) -> None:
    """Social brought C08 for 1,100; 357.5 of tools and 500 of salaries belong to no channel; search won two."""
    groups = {dict(e.group)["acquired_channel"]: e for e in crm.breakdown("cac", tiny, by="acquired_channel").estimates}
    assert groups[""].value is None
    assert groups[""].why.en == "money was spent, and nobody was won"
    assert sum(e.numerator for e in groups.values()) == pytest.approx(crm.measure("cac", tiny).numerator)


def test_events_of_customers_whose_time_is_not_counted_do_not_count() -> None:
    people = pd.DataFrame({"customer_id": ["a", "b"], "acquired_at": [pd.Timestamp("2025-01-01"), pd.NaT]})
    tickets = pd.DataFrame(
        {"ticket_id": [1, 2, 3], "customer_id": ["a", "b", "b"], "created_at": "2025-12-05", "type": "complaint"}
    )
    data = crm.open(customers=people, tickets=tickets, as_of=AS_OF)
    found = crm.measure("complaint_rate", data, period="2025-12")
    assert (found.numerator, found.n) == (100, 1)
    assert found.value == pytest.approx(100 * 30.4375 / 31)


def test_overdue_share_does_not_pass_one_hundred_per_cent() -> None:
    rng = np.random.default_rng(3)
    invoices = pd.DataFrame(
        {
            "invoice_id": range(40),
            "customer_id": range(40),
            "issued_at": "2025-11-01",
            "amount": rng.lognormal(5, 1.5, 40),
        }
    )
    invoices["due_at"] = ["2026-02-01"] * 2 + ["2025-12-01"] * 38
    payments = pd.DataFrame(
        {"payment_id": [1], "customer_id": [0], "invoice_id": [0], "paid_at": ["2025-11-02"], "amount": [0.01]}
    )
    data = crm.open(invoices=invoices, payments=payments, as_of=AS_OF)
    found = crm.measure("overdue_ratio", data, period="2025-12")
    assert 0.8 < found.value < 1
    assert found.low < found.value <= found.high <= 1


# ---- small groups


def grouped(sizes: dict[str, int]) -> crm.Data:
    """Customers answering 10 or 0 by region; the smallest group shown has ten."""
    rows = [(f"{region}{n}", region) for region, size in sizes.items() for n in range(size)]
    people = pd.DataFrame(rows, columns=["customer_id", "region"])
    answers = people[["customer_id"]].assign(
        response_id=range(len(people)), item_id="q", answered_at="2025-12-10",
        value=[10.0 if n % 3 else 0.0 for n in range(len(people))],
    )  # fmt: skip
    items = pd.DataFrame([{"item_id": "q", "metric": "nps", "scale_min": 0, "scale_max": 10}])
    return crm.open(customers=people, survey_answers=answers, survey_items=items, as_of=AS_OF)


@pytest.mark.parametrize(
    ("sizes", "hidden"),
    [
        ({"a": 30, "b": 20, "c": 10}, ""),
        ({"a": 30, "b": 20, "c": 9}, "bc"),
        ({"a": 30, "b": 9, "c": 9}, "bc"),
        ({"a": 30, "b": 20, "c": 4, "d": 3}, "bcd"),  # 7 could be worked out together
        ({"a": 30, "b": 9}, "ab"),
        ({"a": 9}, "a"),
        ({"a": 10}, ""),
    ],
    ids=str,
)
def test_small_groups_are_hidden_and_not_worked_out_from_the_total(sizes, hidden) -> None:
    found = crm.breakdown("nps", grouped(sizes), by="region")
    assert {dict(e.group)["region"] for e in found.estimates if e.suppressed} == set(hidden)
    for e in found.estimates:
        if e.suppressed:
            told = (e.value, e.low, e.high, e.se, e.numerator, e.denominator)
            assert told == (None,) * 6
            assert (e.n, e.rows, e.excluded) == (0, 0, ())
            assert e.why.en == "too few to be shown, or would give few away"
    assert sorted(e.n for e in found.estimates) == sorted(0 if r in hidden else n for r, n in sizes.items())


def test_largest_group_first() -> None:
    found = crm.breakdown("nps", grouped({"a": 12, "b": 40, "c": 25}), by="region")
    assert found.frame.region.tolist() == ["b", "c", "a"]
    assert found.frame.n.tolist() == [40, 25, 12]


# ---- asking twice


def test_the_same_question_is_asked_of_the_engine_once(tiny) -> None:
    data = replace(tiny, snapshot=None, answers=Answers(""))
    first = crm.measure("nps", data)
    kept = len(data.answers)
    assert kept
    assert crm.measure("nps", data) == first
    assert len(data.answers) == kept


def test_what_a_trend_answered_is_known_by_its_periods(tiny, monkeypatch) -> None:
    data = replace(tiny, snapshot=None, answers=Answers(""))
    line = crm.trend("revenue_per_customer", data, by="quarter", periods=3)
    monkeypatch.setattr(estimating, "_worked_out", lambda *_, **__: pytest.fail("it was worked out again"))
    for one in line.estimates:
        assert crm.measure("revenue_per_customer", data, period=one.period) == one
    twice = estimating.estimates("revenue_per_customer", data, [line.estimates[1].period] * 2)
    assert twice == (line.estimates[1],) * 2


def test_only_the_limits_depend_on_resampling(data) -> None:
    alone = [replace(data, answers=Answers("")) for _ in range(2)]
    full, plain = (
        estimating.estimates("revenue_per_customer", one, data.period.up_to(4, "month"), resample=resample)
        for one, resample in zip(alone, (True, False))
    )
    assert {e.method for e in full} != {e.method for e in plain}, "nothing was resampled"
    again = estimating.estimates("revenue_per_customer", alone[1], data.period.up_to(4, "month"))
    for one, other, later in zip(full, plain, again, strict=True):
        # the engine adds in another order each time
        for name in ("value", "se", "numerator", "denominator"):
            assert getattr(one, name) == pytest.approx(getattr(other, name)), name
        for name in ("n", "rows", "excluded", "why", "maturity"):
            assert getattr(one, name) == getattr(other, name), name
        assert (later.low, later.high) == pytest.approx((one.low, one.high)), "it is resampled for the next asker"


def test_a_question_that_was_just_asked_is_not_put_to_the_engine_again(data, monkeypatch) -> None:
    fresh, asked = replace(data, answers=Answers("")), []
    answer = Data._answer
    monkeypatch.setattr(Data, "_answer", lambda self, text, what: asked.append(text) or answer(self, text, what))
    crm.stress("at_risk_share", fresh, period="2025-Q4")
    assert len(asked) == len(set(asked))


def test_an_answer_that_is_changed_by_the_asker_stays_as_it_was(tiny) -> None:
    expression = tiny["orders"].order_by("order_id").select("order_id", "net_amount")
    frame = tiny.execute(expression)
    frame["net_amount"] = -1.0
    assert (tiny.execute(expression).net_amount > 0).all()


def test_fresh_and_kept_answers_have_one_type(tmp_path) -> None:
    data = crm.open(**random_company(3, customers=20, rows=60), as_of=AS_OF)
    folder = tmp_path / "snapshot"
    folder.mkdir()
    for name in data:
        table = data[name].order_by(list(data[name].columns))
        fresh = replace(data, snapshot=folder, answers=Answers("", folder / "answers")).execute(table)
        kept = replace(data, snapshot=folder, answers=Answers("", folder / "answers")).execute(table)
        pd.testing.assert_frame_equal(fresh, kept)
    assert len(list((folder / "answers").glob("*.parquet"))) == len(list(data))
    assert not list((folder / "answers").glob("*.part"))


def test_splitting_is_asked_of_breakdown_not_of_measure(tiny) -> None:
    with pytest.raises(CRMError, match="'nps' has no assumption 'by'"):
        crm.measure("nps", tiny, by="region")


def test_what_is_published_of_a_few_people_is_hidden_also_as_a_total(tiny) -> None:
    publish = tiny.settings.publish.model_copy(update={"smallest_group": 12})
    strict = replace(tiny, settings=tiny.settings.model_copy(update={"publish": publish}))
    found = crm.measure("nps", strict)
    assert (found.value, found.n, found.suppressed) == (None, 0, True)
    assert crm.measure("nps", tiny).n == 9


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"region": "south"}, False),  # a table by region hides it, or the total would tell of 3 in the west
        ({"region": ["south", "west"]}, True),  # which is the total less what the table tells of the north
        ({"region": "north"}, True),
        ({"region": "south", "tier": "gold"}, False),  # taken from the south, it tells of 4 with silver
        ({"region": "south", "tier": "silver"}, False),
        (
            {"region": "north", "tier": "gold"},
            False,
        ),  # less the north's total, and that less all silver ones: 4 in the south
        ({"region": ["north", "south"]}, False),  # taken from all, it tells of 3 in the west
        ({"region": "north", "tier": ["gold", "silver"]}, True),
        ({"region": ["north", "west"]}, False),  # less the north, it tells of 3 in the west
        ({"region": ["south", "west"], "tier": "gold"}, False),
    ],
)
def test_conditions_are_not_told_apart_from_what_is_told_besides(where, told) -> None:
    sizes = {
        ("north", "gold"): 40,
        ("north", "silver"): 30,
        ("south", "gold"): 25,
        ("south", "silver"): 4,
        ("west", "gold"): 3,
    }
    people = [group for group, count in sizes.items() for _ in range(count)]
    ids = [f"c{n}" for n in range(len(people))]
    customers = pd.DataFrame({"customer_id": ids, "acquired_at": pd.Timestamp("2024-01-05")})
    customers[["region", "tier"]] = people
    amounts = np.random.default_rng(5).gamma(3, 30, len(ids)).round(2)
    orders = pd.DataFrame(
        {"order_id": ids, "customer_id": ids, "ordered_at": pd.Timestamp("2025-11-03"), "net_amount": amounts}
    )
    opened = crm.open(orders=orders, customers=customers, as_of=AS_OF)
    publish = opened.settings.publish.model_copy(update={"smallest_group": 10})
    strict = replace(opened, settings=opened.settings.model_copy(update={"publish": publish}))
    (found,) = shown("revenue_per_customer", strict, [Period.parse("2025-Q4")], where=where)
    assert (found.value is not None) == told
    assert found.suppressed != told


def test_frames_that_reach_into_the_future_are_told_so() -> None:
    orders = pd.DataFrame(
        {"customer_id": ["a", "a"], "ordered_at": pd.to_datetime(["2024-01-01", "2190-03-01"]), "net_amount": 1.0}
    )
    with pytest.raises(CRMError, match=r"reach into the future \(orders to 2190-03-01\)"):
        crm.open(orders=orders)
    assert crm.open(orders=orders, as_of=date(2024, 12, 31)).as_of == date(2024, 12, 31)
