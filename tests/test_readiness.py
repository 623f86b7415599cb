"""Readiness against the plain question whether an indicator can be computed once pieces are taken away or given back."""

from dataclasses import replace
from itertools import combinations

import ibis
import pytest

import crmtools as crm
from crmtools.estimating import computable, not_computable
from crmtools.indicators import CATALOGUE, DIMENSIONS
from crmtools.readiness import gains, readiness
from crmtools.tables import TABLES
from crmtools.tables.answers import Answers
from crmtools.tables.source import Data
from crmtools.words import Text

# ibis 12 asks pandas 3 for an option that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")

LACKING = [
    (),
    ("tickets",),
    ("survey_answers", "survey_items"),
    ("orders.status", "orders.net_amount", "tickets.type", "leads"),
    tuple(TABLES),
    ("spend", "customers.acquired_at", "invoices", "payments", "interactions.direction", "survey_items.metric"),
]

WITH_ALL = {name for name, item in CATALOGUE.items() if item.waits_for is None}
"""What can be computed where every table is there."""


@pytest.fixture(scope="module")
def tiny() -> Data:
    return crm.open("tiny")


@pytest.fixture(scope="module")
def whole(tiny) -> Data:
    """Every table with every column; nothing of them is computed here."""
    return replace(tiny, tables={name: ibis.table(table.engine_schema, name=name) for name, table in TABLES.items()})


def without(data: Data, pieces) -> Data:
    """The data without some tables (``tickets``) and columns (``tickets.type``)."""
    tables = {name: table for name, table in data.tables.items() if name not in pieces}
    for piece in pieces:
        table, _, column = piece.partition(".")
        if column and table in tables and column in tables[table].columns:
            tables[table] = tables[table].drop(column)
    return replace(data, tables=tables, answers=Answers(""))


@pytest.mark.parametrize("lacking", LACKING, ids=lambda pieces: "+".join(pieces)[:40] or "nothing")
def test_what_would_do_does_and_nothing_less(whole, lacking):
    """Every way is tried: given back, the pieces make the indicator computable, and no part of them does."""
    poor = without(whole, lacking)
    found = readiness(poor)
    assert set(found) == set(CATALOGUE)
    for name, one in found.items():
        assert (one.state == "computable") == computable(name, poor)
        assert one.why == not_computable(name, poor)
        assert bool(one.ways) == (one.state == "missing") == (one.cheapest is not None)
        for way in one.ways:
            # a table comes with all of its columns
            taken = {piece for piece in lacking if piece not in way and piece.partition(".")[0] not in way}
            assert computable(name, without(whole, taken)), (name, way)
            for part in combinations(way, len(way) - 1):
                back = {p for p in lacking if p not in part and p.partition(".")[0] not in part}
                assert not computable(name, without(whole, back)), (name, part)


@pytest.mark.parametrize("lacking", LACKING[1:], ids=lambda pieces: "+".join(pieces)[:40])
def test_each_step_gains_what_it_says(whole, lacking):
    poor = without(whole, lacking)
    found = readiness(poor)
    steps = gains(found)
    can, added = {name for name in CATALOGUE if computable(name, poor)}, set()
    for step in steps:
        added |= set(step.pieces)
        left = {piece for piece in lacking if piece not in added and piece.partition(".")[0] not in added}
        now = {name for name in CATALOGUE if computable(name, without(whole, left))}
        assert {item.id for item in step.indicators} == now - can
        can = now
    assert can == WITH_ALL
    rates = [len(step.indicators) / len(step.pieces) for step in steps]
    assert rates[0] == max(rates), "the cheapest gain comes first"


def test_the_advice_counts_what_the_addition_would_make_computable(whole):
    poor = without(whole, ("tickets",))
    for name, one in readiness(poor).items():
        if one.state == "missing":
            assert one.cheapest.pieces == ("tickets",)
            assert name in {item.id for item in one.cheapest.indicators}
            assert {i.id for i in one.cheapest.indicators} == WITH_ALL - {n for n in CATALOGUE if computable(n, poor)}


def test_a_missing_table_is_exported_with_the_columns_that_are_needed(whole):
    how = readiness(without(whole, ("tickets",)))["backlog"].cheapest.how
    needed = set(TABLES["tickets"].required)
    for item in CATALOGUE.values():
        if item.id in WITH_ALL and "tickets" in item.uses and "tickets" not in item.optional:
            needed |= {column for column, wanted in item.columns("tickets") if wanted}
    listed = [column.name for column in TABLES["tickets"].columns if column.name in needed]
    assert (
        how.en
        == f"export the table tickets (service tickets, one row each) with at least the columns {', '.join(listed)}"
    )
    assert how.zh == f"导出数据表 tickets，内容为“服务工单，每行一张”，至少包含列 {'、'.join(listed)}"


def test_rows_that_the_door_numbers_need_no_number(whole):
    assert TABLES["survey_invites"].generated_key
    how = readiness(without(whole, ("survey_invites",)))["survey_response_rate"].cheapest.how
    assert "invite_id" not in how.en
    assert "sent_at" in how.en


def test_a_missing_column_is_named_with_its_meaning(whole):
    one = readiness(without(whole, ("tickets.type",)))["complaint_rate"]
    assert one.missing == ("tickets.type",)
    meaning = TABLES["tickets"]["type"].meaning
    assert one.either.en == f"add to the table tickets the column type ({meaning.en})"
    assert one.either.zh == f"在数据表 tickets 中补充列 type（{meaning.zh}）"


def test_where_one_of_several_would_do_every_one_is_named(tiny):
    """Invoices lack a column and payments are not there: the one column comes before the table."""
    item = replace(
        CATALOGUE["overdue_ratio"],
        uses={"invoices": ("customer_id", "amount"), "payments": ("amount",), "leads": ("lead_id",)},
        optional=frozenset({"invoices", "payments"}),
        one_of=(("payments", "invoices"),),
    )
    poor = without(tiny, ("invoices.amount", "payments"))
    one = readiness(poor, [item])[item.id]
    assert one.missing == ("payments / invoices",)
    assert set(one.ways) == {frozenset({"payments"}), frozenset({"invoices.amount"})}
    assert one.cheapest.pieces == ("invoices.amount",)
    assert "; or: export the table payments" in one.either.en
    assert one.either.zh.index("invoices") < one.either.zh.index("；或者：导出数据表 payments")
    assert readiness(without(tiny, ("payments",)), [item])[item.id].state == "computable"


def test_what_waits_is_neither_computable_nor_to_be_had(tiny):
    waiting = replace(CATALOGUE["nps"], waits_for=Text("尚无名单", "no list is kept yet"))
    for data in (tiny, without(tiny, ("survey_items",))):
        found = readiness(data, [waiting])
        assert found["nps"].state == "waits"
        assert found["nps"].why.en == "not computable yet: no list is kept yet"
        assert found["nps"].cheapest is None
        assert gains(found) == ()


def test_columns_are_as_full_as_they_are(tiny):
    """Counted again from the rows."""
    for one in readiness(tiny).values():
        for fill in one.fills:
            column = tiny.execute(tiny[fill.table].select(fill.column))[fill.column]
            assert fill.share == pytest.approx(column.notna().mean()), fill
            needed = dict(one.indicator.columns(fill.table))[fill.column]
            either = any(fill.table in group for group in one.indicator.one_of)
            assert fill.needed == (needed and (either or fill.table not in one.indicator.optional))
    read = {
        (table, column) for item in CATALOGUE.values() for table in item.tables for column, _ in item.columns(table)
    }
    there = {(table, column) for table, column in read if tiny.has(table, column)}
    assert {(fill.table, fill.column) for one in readiness(tiny).values() for fill in one.fills} == there


def test_the_emptiest_needed_column_leaves_out_what_is_filled_in_later(tiny):
    """An open subscription has no end: that is no gap, unless no end was ever written down."""

    def filled(**shares: float) -> Data:
        reports = tuple(
            replace(item, filled={**item.filled, **shares}) if item.table == "subscriptions" else item
            for item in tiny.door.tables
        )
        return replace(tiny, door=replace(tiny.door, tables=reports))

    def emptiest(data: Data) -> str:
        return readiness(data)["churn_rate"].emptiest.column

    assert emptiest(filled(ended_at=0.2, started_at=0.9)) == "started_at"
    assert emptiest(filled(ended_at=0.0, started_at=0.9)) == "ended_at"
    assert emptiest(filled(ended_at=0.2, started_at=0.9, customer_id=0.8)) == "customer_id"
    assert [fill.column for fill in readiness(filled(started_at=0.9, customer_id=0.8))["churn_rate"].gaps] == [
        "customer_id",
        "started_at",
    ]
    assert readiness(filled(plan=0.1))["churn_rate"].gaps == (), "a column it can do without is no gap"


def test_the_order_is_that_of_the_dimensions(tiny):
    places = [list(DIMENSIONS).index(one.indicator.dimension) for one in readiness(tiny).values()]
    assert places == sorted(places)
