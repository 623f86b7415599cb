"""The cells that are gathered for a report say the same as each question asked alone."""

import inspect
from dataclasses import replace
from datetime import date
from functools import wraps

import numpy as np
import pandas as pd
import pytest
from random_company import random_company
from recomputed import all_tables

import crmtools as crm
from crmtools import CATALOGUE, Estimate, Period, questions, sums
from crmtools.estimating import computable, estimates, resolve
from crmtools.questions import attributes
from crmtools.tables.answers import Answers
from crmtools.tables.how_far import last_day

AS_OF = date(2025, 12, 31)
REPORT = {
    "title": "t", "as_of": AS_OF, "period": "2025-Q4", "segments": ["region", "customer_type"], "trend": "month",
    "trend_length": 5,
}  # fmt: skip
GATHERED = [name for name, item in CATALOGUE.items() if sums.gathers(item)]


@pytest.fixture(scope="module")
def pair() -> tuple[crm.Data, crm.Data, int]:
    """The random company with the standard cells of all indicators, without them, and in how many statements they came."""
    opened = crm.open(**all_tables(random_company(3), 3), as_of=AS_OF)
    report = opened.settings.report.model_validate(REPORT)
    data = replace(opened, settings=opened.settings.model_copy(update={"report": report}), answers=Answers(""))
    items = [CATALOGUE[name] for name in GATHERED if computable(name, data)]
    statements = sums.gather(data, {item.id: resolve(item, data, {}) for item in items}, items)
    return data, replace(data, answers=Answers("")), statements


def close(one: Estimate, other: Estimate) -> bool:
    for part in ("value", "low", "high", "se", "numerator", "denominator"):
        a, b = getattr(one, part), getattr(other, part)
        if (a is None) != (b is None) or (a is not None and a != pytest.approx(b, rel=1e-9, abs=1e-12)):
            return False
    told = ("n", "rows", "method", "excluded", "why", "period", "group", "maturity", "data_until")
    return all(getattr(one, name) == getattr(other, name) for name in told)


@pytest.mark.in_turns
@pytest.mark.parametrize("name", GATHERED)
def test_cells_give_what_the_question_itself_gives(pair, name) -> None:
    gathered, alone, _ = pair
    item = CATALOGUE[name]
    periods = sums.standard_periods(item, gathered)
    if not computable(name, gathered):
        pytest.skip("not computable from the random company")
    assert sums.gathered(item, gathered, resolve(item, gathered, {})) is not None
    assert sums.gathered(item, alone, resolve(item, alone, {})) is None
    asked = [{}, *({"by": by} for by in ("region", "customer_type") if by in attributes(item, gathered))]
    if "region" in attributes(item, gathered):
        asked += [{"where": {"region": ["south", ""]}}, {"by": "customer_type", "where": {"region": "south"}}]
    for question in asked:
        one, other = (estimates(item, data, periods, **question) for data in (gathered, alone))
        assert len(one) == len(other)
        key = lambda e: (e.period, e.group)  # noqa: E731 - groups of equal size may stand in either order
        for a, b in zip(sorted(one, key=key), sorted(other, key=key), strict=True):
            assert close(a, b), (question, a, b)


def test_every_indicator_is_asked_once(pair) -> None:
    gathered, _, statements = pair
    assert statements == sum(computable(name, gathered) for name in GATHERED)
    items = [CATALOGUE[name] for name in GATHERED if computable(name, gathered)]
    assert sums.gather(gathered, {item.id: resolve(item, gathered, {}) for item in items}, items) == 0


def test_customers_of_small_groups_are_asked_for_once(pair, monkeypatch) -> None:
    """The trend and every segment resample the customers that one question brought."""
    data, item, questions = replace(pair[0], answers=Answers("")), CATALOGUE["aov"], []
    sums.gather(data, {item.id: resolve(item, data, {})}, [item])
    last_day(data, "orders")  # asked for by every estimate, and remembered
    ask = crm.Data.ask
    monkeypatch.setattr(crm.Data, "ask", lambda *asked, **how: questions.append(asked) or ask(*asked, **how))
    spans = sums.report_periods(data)
    trend = estimates(item, data, spans)
    parts = [e for by in ("region", "customer_type") for e in estimates(item, data, spans, by=by)]
    assert len(questions) == 1
    assert "bootstrap_t" in {e.method for e in trend} & {e.method for e in parts}


def test_only_the_customers_of_small_groups_are_asked_for(monkeypatch) -> None:
    """In every period: those of a region that is small beside a total which is not."""
    random = np.random.default_rng(3)
    region = np.where(np.arange(2_400) < 100, "small", "big")
    ids = np.arange(2_400).astype(str)
    days = [pd.Timestamp(f"2025-{month:02}-10") for month in (1, 2, 3)]
    orders = pd.DataFrame(
        {
            "order_id": np.arange(7_200).astype(str), "customer_id": np.tile(ids, 3), "ordered_at": np.repeat(days, 2_400),
            "net_amount": random.gamma(2.0, 50.0, 7_200).round(2),
        }
    )  # fmt: skip
    customers = pd.DataFrame({"customer_id": ids, "acquired_at": days[0], "region": region})
    opened = crm.open(customers=customers, orders=orders, as_of=date(2025, 3, 31))
    report = opened.settings.report.model_copy(update={"segments": ("region",)})
    other = replace(opened, settings=opened.settings.model_copy(update={"report": report}))
    data = replace(other, answers=Answers(""))
    item, brought = CATALOGUE["aov"], []
    spans = [one for one in sums.report_periods(data) if one.start >= date(2025, 1, 1)]
    assert len(spans) == 3
    expected = estimates(item, other, spans, by="region")
    sums.gather(data, {item.id: resolve(item, data, {})}, [item])
    last_day(data, "orders")  # asked for by every estimate, and remembered
    ask = crm.Data.ask
    monkeypatch.setattr(crm.Data, "ask", lambda *asked, **how: brought.append(ask(*asked, **how)) or brought[-1])
    found = estimates(item, data, spans, by="region")
    assert [len(frame) for frame in brought] == [300]
    assert [e.method for e in found].count("log_bootstrap_t") == 3
    assert all(close(one, two) for one, two in zip(found, expected, strict=True))


def test_a_period_that_was_not_gathered_is_asked_for(pair) -> None:
    one, other = (crm.measure("revenue_per_customer", data, period="2025-08-10..2025-11-02") for data in pair[:2])
    assert close(one, other)
    assert one.period == Period.parse("2025-08-10..2025-11-02")


def test_copies_with_numbers_are_gone_afterwards(pair) -> None:
    names = pair[0].backend.raw_sql("SELECT table_name FROM duckdb_tables()").fetchall()
    assert not [name for (name,) in names if name.startswith("numbered_")]


# ---- one expression for sets that differ only in what is made of it

UNREAD = [
    (name, assumption)
    for name, item in CATALOGUE.items()
    if item.waits_for is None
    for assumption in sorted(set(item.assumptions) - questions._read_by(item.facts))
]


@pytest.mark.parametrize(("name", "assumption"), UNREAD)
def test_an_assumption_that_the_code_does_not_read_changes_no_question(pair, name, assumption) -> None:
    _, data, _ = pair
    item = CATALOGUE[name]
    now = resolve(item, data, {})
    others = {one[assumption] for one in item.sets(now)} - {now[assumption]} or {7}
    asked = [questions._facts(item, data, (data.period,), now | {assumption: value}, (), {}, {}) for value in others]
    assert all(one.op() == questions.facts(item, data, (data.period,), now).op() for one in asked)
    assert questions.facts(item, data, (data.period,), now) is questions.facts(
        item, data, (data.period,), {**now, assumption: 11}
    )


def test_the_sets_of_models_are_asked_with_few_expressions(pair) -> None:
    """Where most of the time goes that a report is computed in: eighteen sets each."""
    _, data, _ = pair
    for name, expressions in {
        "clv_expected": 1,
        "clv_cac_ratio": 3,
        "at_risk_share": 1,
        "segment_stability": 1,
    }.items():
        item = CATALOGUE[name]
        sets = [*item.sets(resolve(item, data, {}))]
        made = [questions.facts(item, data, (data.period,), one) for one in sets]
        assert len({id(one) for one in made}) == expressions < len(sets)


def test_what_inner_functions_and_defaults_read_is_read(monkeypatch) -> None:
    def asked(orders, periods, *, inside=1, default=2, written=3, unread=4):
        def inner(add=default):
            return inside + add

        written = 0
        return inner(), written

    def side_by_side(orders, periods, one=1, other=2):
        return orders, periods, one, other

    def more(orders, **named):
        return named

    everything = frozenset(inspect.signature(asked).parameters)
    assert questions._read_by(asked) == {"inside", "default", "written"}
    assert questions._read_by(side_by_side) == {"orders", "periods", "one", "other"}
    assert questions._read_by(more) == {"orders", "named"}
    assert questions._read_by(wraps(asked)(lambda *all: None)) == everything
    questions._read_by.cache_clear()
    monkeypatch.setattr(questions, "LOOKED_AT", ())
    assert questions._read_by(asked) == everything
    questions._read_by.cache_clear()


def test_facts_of_an_analysts_own_are_built_anew(pair) -> None:
    """What his code reads besides what it is given may have changed since."""
    _, data, _ = pair
    own = replace(CATALOGUE["nps"], facts=lambda *args, **named: CATALOGUE["nps"].facts(*args, **named))
    given = resolve(own, data, {})
    assert questions.facts(own, data, (data.period,), given) is not questions.facts(own, data, (data.period,), given)
    item = CATALOGUE["nps"]
    assert questions.facts(item, data, (data.period,), given) is questions.facts(item, data, (data.period,), given)
    other = data.period.previous()
    assert questions.facts(item, data, (other,), given) is not questions.facts(item, data, (data.period,), given)
    assert questions.facts(item, data, (other,), given, ("region",)) is not questions.facts(item, data, (other,), given)
