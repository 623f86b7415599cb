"""Nodes that are shown only to the rules about their kind become the same questions, to the letter."""

from datetime import date

import ibis
import pytest
from ibis.common.graph import Node
from ibis.common.patterns import AllOf, AnyOf, Check, InstanceOf, NoMatch, Pattern, Replace
from random_company import random_company
from recomputed import all_tables

import crmtools as crm
from crmtools import CATALOGUE, questions
from crmtools.estimating import computable, resolve
from crmtools.tables import rewriting
from crmtools.tables.statement import statement

OF_IBIS = Node.replace, Node.map


@pytest.fixture(scope="module")
def data() -> crm.Data:
    return crm.open(**all_tables(random_company(5), 5), as_of=date(2025, 12, 31))


@pytest.fixture
def by_kind(monkeypatch):
    """Rewrite by kind in this test, as long as it does not call what this is for Ibis's own way."""
    monkeypatch.setattr(Node, "replace", OF_IBIS[0])
    monkeypatch.setattr(Node, "map", OF_IBIS[1])
    rewriting.rewrite_by_kind()
    assert Node.replace is rewriting._replace, "this version of Ibis is not the one that the walk was written for"

    def as_ibis() -> None:
        monkeypatch.setattr(Node, "replace", OF_IBIS[0])
        monkeypatch.setattr(Node, "map", OF_IBIS[1])

    return as_ibis


def texts(questions_asked, data: crm.Data) -> dict[str, tuple[str, str]]:
    """Step by step, as we ask the engine, and fused, as pages show it and an analyst's are asked."""
    return {name: (statement(one, data.backend), data.backend.compile(one)) for name, one in questions_asked.items()}


def test_every_question_of_the_catalogue_is_the_same_question(data, by_kind) -> None:
    asked = {}
    for name, item in CATALOGUE.items():
        if computable(name, data):
            facts = questions._facts(
                item, data, (data.period, data.period.previous()), resolve(item, data, {}), (), {}, {}
            )
            asked[name] = item.kind.query(facts, ("period", "excluded"), unique=item.unique)
    ours = texts(asked, data)
    by_kind()
    assert ours == texts(asked, data)
    assert len(ours) > 60


def test_every_rule_finds_its_nodes(data, by_kind) -> None:
    """Each of these is lowered by a rule of Ibis or of its DuckDB compiler; two of them are joined, for common steps."""
    t = ibis.table({"a": "int64", "b": "string", "c": "array<int64>", "d": "timestamp", "n": "float64"}, name="t")
    over = ibis.window(group_by="b", order_by="d")
    asked = {
        "bucket": t.select(x=t.a.bucket([0, 1, 2])),
        "capitalize": t.select(x=t.b.capitalize()),
        "sample": t.sample(0.5, method="row", seed=3),
        "nth": t.select(x=t.n.nth(2).over(over)),
        "rank": t.select(x=ibis.row_number().over(group_by="b"), y=ibis.rank().over(over)),
        "array map": t.select(x=t.c.map(lambda v, i: v + i), y=t.c.filter(lambda v, i: v > i)),
        "array index": t.select(x=t.c[0], y=t.c.index(3)),
        "in nothing": t.filter(t.a.isin([])),
        "alias": t.select(x=(t.a + 1).name("y")),
        "order": t.order_by("a").order_by(t.b.desc()),
        "distinct": t.select("a", "b").distinct(),
        "fill": t.fill_null({"a": 0}),
        "drop null": t.drop_null(["a"]),
        "drop": t.drop("a"),
        "drop many": t.drop("a", "b", "c"),
        "first": t.select(x=t.a.first().over(over), y=t.a.last().over(over)),
        "common": (one := t.filter(t.a > 1)).join(one.group_by("b").aggregate(s=one.n.sum()), "b"),
        "union": ibis.union(one.select("a"), one.mutate(a=one.a + 1).select("a")),
        "case": t.select(x=ibis.cases((t.a > 1, "x"), (t.b.isnull(), "y"), else_=ibis.null())),
    }
    ours = texts(asked, data)
    by_kind()
    assert ours == texts(asked, data)
    assert len({text for pair in ours.values() for text in pair}) > len(asked)


def test_a_rule_whose_kind_cannot_be_told_is_tried_on_every_node(by_kind) -> None:
    t = ibis.table({"a": "int64"}, name="t")
    seen: list[Node] = []

    class Looks(Pattern):
        def match(self, value, context):
            seen.append(value)
            return NoMatch

        def describe(self, plural=False):
            return "anything"

        def __eq__(self, other):
            return self is other

        def __hash__(self):
            return id(self)

    literals = InstanceOf(ibis.expr.operations.Literal)
    either = AnyOf(InstanceOf(ibis.expr.operations.Cast), AllOf(literals, Check(lambda one: one.value == 1)))
    rule = AnyOf(Looks(), AnyOf(Replace(either, lambda _, **__: ibis.literal(5).op()), Check(lambda _: False)))
    asked = (t.a + 1).op()
    ours = asked.replace(rule)
    shown, seen[:] = list(seen), []
    by_kind()
    assert asked.replace(rule) == ours == (t.a + 5).op()
    assert shown == seen
    assert len(shown) == 4


def test_what_was_asked_is_forgotten_when_it_is_written(data, by_kind) -> None:
    """A graph holds the database that it is a question to: of parts and periods that follow each other only one is needed."""
    statement(data["customers"].filter(data["customers"].customer_id.notnull()), data.backend)
    assert rewriting._last is None
    asked, literals = (data["customers"].customer_id == "1").op(), InstanceOf(ibis.expr.operations.Literal)
    for _ in range(2 * rewriting.MOST):
        asked.replace(Replace(literals, lambda _, **__: ibis.literal("2").op()))
    assert len(rewriting._RULES) <= rewriting.MOST


def test_with_a_filter_it_is_ibis_s_own_walk(by_kind) -> None:
    t = ibis.table({"a": "int64"}, name="t")
    asked, swap = (t.a + 1).op(), {ibis.literal(1).op(): ibis.literal(2).op()}
    values = ibis.expr.operations.Value
    ours = asked.replace(swap, filter=values), asked.map(lambda node, _, **__: type(node), filter=values)
    by_kind()
    assert ours == (
        asked.replace(swap, filter=values),
        asked.map(lambda node, _, **__: type(node), filter=values),
    )
    assert ours[0] == (t.a + 2).op()


def test_another_version_is_left_alone(monkeypatch) -> None:
    monkeypatch.setattr(Node, "replace", OF_IBIS[0])
    monkeypatch.setattr(ibis, "__version__", "13.0.0")
    rewriting.rewrite_by_kind()
    assert Node.replace is OF_IBIS[0]
