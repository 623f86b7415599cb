"""An indicator under its defensible sets of assumptions: each is a measurement of its own, and none gives people away."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

import crmtools as crm
from crmtools import CATALOGUE, CRMError
from crmtools.estimating import resolve
from crmtools.indicators.catalogue import MOST_SETS, Around
from crmtools.tables.answers import Answers


@pytest.fixture(scope="module")
def tiny() -> crm.Data:
    return crm.open("tiny")


@pytest.mark.parametrize("name", ["inactivity_rate", "churn_rate", "nps", "dso"])
def test_every_set_is_a_measurement_and_the_one_in_force_comes_first(name, tiny) -> None:
    found = crm.stress(name, tiny)
    in_force = resolve(CATALOGUE[name], tiny, {})
    assert found.estimates[0] == crm.measure(name, tiny)
    assert found.changes[0] == {}
    for change, estimate in zip(found.changes, found.estimates, strict=True):
        assert estimate == crm.measure(name, tiny, **{**in_force, **change})
    assert len({tuple(sorted(change.items())) for change in found.changes}) == len(found) <= MOST_SETS
    assert len(found.frame) == len(found)


SEVERAL = sorted(name for name, item in CATALOGUE.items() if len([*item.sets(dict(item.assumptions))]) > 2)
OF_EACH_KIND = ("churn_rate", "dso", "first_response_time", "interaction_decline", "segment_stability", "winback_rate")


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[pytest.mark.slow] * (one not in OF_EACH_KIND)) for one in SEVERAL]
)
def test_sets_that_are_asked_for_together_give_what_each_gives_alone(name, tiny) -> None:
    together = crm.stress(name, replace(tiny, answers=Answers("together")))
    alone = replace(tiny, answers=Answers("alone"))
    for change, estimate in zip(together.changes, together.estimates, strict=True):
        single = crm.measure(name, alone, **{**together.in_force, **change})
        told, expected = estimate.to_dict(), single.to_dict()
        numbers = [key for key, value in expected.items() if isinstance(value, float)]
        # the engine adds up in whatever order: the last digits may differ
        assert {key: told.pop(key) for key in numbers} == pytest.approx({key: expected.pop(key) for key in numbers})
        assert told == expected


def test_sets_share_one_statement(tiny, monkeypatch) -> None:
    asked = []
    answer = crm.Data._answer
    monkeypatch.setattr(crm.Data, "_answer", lambda self, text, of: asked.append(text) or answer(self, text, of))
    found = crm.stress("churn_rate", replace(tiny, answers=Answers("")))
    cells = [text for text in asked if "excluded" in text]
    assert len(cells) == 2 < len(found), "that of the set in force, and that of all others"


def test_an_attribute_that_is_not_there_is_told_before_anything_is_asked(tiny) -> None:
    with pytest.raises(CRMError, match="cannot be split by 'planet'"):
        crm.stress("churn_rate", tiny, where={"planet": "earth"})


def test_spread_stands_beside_the_width_of_the_interval(tiny) -> None:
    found = crm.stress("inactivity_rate", tiny)
    values = [e.value for e in found.estimates if e.value is not None]
    assert (found.low, found.high) == (min(values), max(values))
    assert found.spread == pytest.approx(max(values) - min(values))
    assert found.sampling == pytest.approx(found.estimates[0].high - found.estimates[0].low)
    assert crm.stress("nps", tiny).spread is None, "nothing else is declared defensible"


def test_what_is_given_is_in_force_and_the_others_lie_around_it(tiny) -> None:
    found = crm.stress("repeat_purchase_rate", tiny, within_days=60)
    assert [change.get("within_days", 60) for change in found.changes] == [60, 30, 90]


def test_half_of_a_day_is_a_day() -> None:
    assert Around(0.5).of(90) == (45, 90, 135)
    assert Around(0.5).of(1) == (1, 1, 2)
    assert Around(0.5).of(0.4) == pytest.approx((0.2, 0.4, 0.6))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("contact_coverage", {"within_days": 0}),
        ("contact_coverage", {"within_days": 10**6}),
        ("repeat_purchase_rate", {"within_days": -30}),
        ("usage_rate", {"window_days": 0}),
    ],
)
def test_a_window_that_is_none_is_refused(name, given, tiny) -> None:
    with pytest.raises(CRMError, match="must be a whole number from 1 to"):
        crm.measure(name, tiny, **given)


def test_no_grace_is_an_answer(tiny) -> None:
    assert crm.measure("churn_rate", tiny, grace_days=0).value is not None


def test_sets_that_differ_in_a_few_customers_are_hidden_where_they_are_published(tiny) -> None:
    """Two values with 20 and 17 customers would tell about the three between them."""
    publish = tiny.settings.publish.model_copy(update={"smallest_group": 3})
    strict = replace(tiny, settings=tiny.settings.model_copy(update={"publish": publish}), answers=Answers(""))
    found = crm.stress("inactivity_rate", strict)
    shown = [e.n for e in found.estimates if not e.suppressed]
    assert all(a == b or abs(a - b) >= 3 for a in shown for b in shown)
    assert any(e.suppressed for e in found.estimates)


def test_a_handful_at_the_top_is_not_published() -> None:
    """Of twenty customers the top tenth is two: their revenue is nobody's business, however many the group has."""
    orders = pd.DataFrame({"customer_id": [f"c{n}" for n in range(20)], "ordered_at": "2025-12-03", "net_amount": 10.0})
    orders.loc[0, "net_amount"] = 77_777.0
    customers = pd.DataFrame({"customer_id": orders.customer_id, "region": "north", "acquired_at": "2025-01-01"})
    data = crm.open(orders=orders, customers=customers, as_of=date(2025, 12, 31))
    found = crm.breakdown("revenue_concentration", data, by="region", period="2025-12").estimates[0]
    assert (found.value, found.numerator, found.suppressed) == (None, None, True)


def test_months_that_are_not_over_lose_nobody() -> None:
    """Half a month has no churn: what ends in its other half is not known, or lies after the period."""
    rows = [(f"s{n}", f"c{n}", "2025-01-01", "2025-12-20" if n < 10 else None) for n in range(20)]
    frame = pd.DataFrame(rows, columns=["subscription_id", "customer_id", "started_at", "ended_at"])
    for day in (date(2025, 12, 15), date(2026, 3, 31)):
        data = crm.open(subscriptions=frame, as_of=day)
        assert crm.measure("churn_rate", data, period="2025-12-01..2025-12-15").value is None
