"""What every declaration of an indicator says, and what a wrong one is told."""

import re
from dataclasses import replace
from pathlib import Path

import ibis
import pytest

import crmtools as crm
from crmtools import CATALOGUE, CRMError, Period, Text
from crmtools.indicators.catalogue import DIMENSIONS, OWNERS, find, indicator
from crmtools.indicators.kinds import Duration, Mean, Share
from crmtools.measuring import measure

Q4 = Period.parse("2025-Q4")
every_indicator = pytest.mark.parametrize("name", CATALOGUE)


@pytest.fixture(scope="module")
def tiny() -> crm.Data:
    return crm.open("tiny")


# ---- what is declared


@every_indicator
def test_declaration_is_whole(name) -> None:
    item = CATALOGUE[name]
    assert item.id == name == item.facts.__name__
    assert item.better in ("higher", "lower", "range")
    assert item.dimension in DIMENSIONS
    assert item.owner in OWNERS
    texts = [item.name, item.meaning, *item.assumption_words.values(), *([item.caveat] if item.caveat.en else [])]
    for text in texts:
        assert re.search(r"[\u4e00-\u9fff]", text.zh), text
        assert text.en.strip()
        assert not re.search(r"[\u4e00-\u9fff]", text.en), text
    assert item.meaning.en.endswith(".")
    assert item.meaning.zh.endswith("。")
    assert item.formula.strip()
    assert not re.search(r"[\u4e00-\u9fff]|\\text", item.formula), "a formula serves both languages"
    assert item.formula.count("{") == item.formula.count("}")
    assert set(item.assumptions) == set(item.assumption_words)
    assert item.facts.__doc__
    if item.unit.low is not None and item.unit.high is not None:
        assert item.unit.low < item.unit.high
    if isinstance(item.kind, Duration):
        assert 0 < item.assumptions["quantile"] < 1


@every_indicator
def test_source_is_in_the_bibliography(name) -> None:
    path = Path(__file__).parents[1] / "book" / "references.bib"
    if not path.is_file():
        pytest.skip("there is no bibliography yet")
    keys = re.findall(r"^@\w+\{([^,\s]+)\s*,", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert CATALOGUE[name].source in keys


def test_names_are_told_apart() -> None:
    for language in ("en", "zh"):
        names = [item.name.to(language) for item in CATALOGUE.values()]
        assert len(set(names)) == len(names)


def test_catalogue_cannot_be_written_to() -> None:
    with pytest.raises(TypeError):
        CATALOGUE["mine"] = CATALOGUE["nps"]
    with pytest.raises(TypeError):
        CATALOGUE["nps"].assumptions["promoter_from"] = 1
    assert find("nps") is find(CATALOGUE["nps"]) is CATALOGUE["nps"]


# ---- declarations that are wrong


def declare(**changes: object) -> None:
    """Declare an indicator of the service dimension with some things changed."""
    given: dict[str, object] = {
        "name": Text("名称", "Name"), "meaning": Text("含义。", "Meaning."), "kind": Share(), "unit": "percent",
        "better": "higher", "formula": "x", "source": "x", "owner": "service", "uses": {"tickets": ("customer_id", "created_at")},
    }  # fmt: skip
    id_, module = changes.pop("id", "made_up"), changes.pop("module", "crmtools.indicators.service")
    function = changes.pop("function", None)
    if function is None:

        def function(tickets, periods):
            """Rows."""
            return tickets

    function.__name__, function.__module__ = str(id_), str(module)
    indicator(**{**given, **changes})(function)


def with_assumption(tickets, periods, *, days=3):
    return tickets


def without_default(tickets, periods, *, days):
    return tickets


def without_periods(tickets):
    return tickets


def of_two_tables(tickets, orders, periods):
    return tickets


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "Net Score"}, "name 'Net Score': use small letters and underscores"),
        ({"id": "nps"}, "name 'nps' is taken by another indicator"),
        ({"module": "crmtools.indicators.servce"}, "file 'servce' is no dimension. Did you mean 'service'?"),
        ({"unit": "per cent"}, "unit 'per cent'. Did you mean 'percent'?"),
        ({"better": "up"}, "better 'up'. Allowed: higher, lower, range."),
        ({"owner": "servce"}, "owner 'servce'. Did you mean 'service'?"),
        ({"function": without_periods}, "the argument 'periods' is missing"),
        ({"function": of_two_tables}, "arguments ['tickets', 'orders'] and uses ['tickets'] must name the same tables"),
        ({"uses": {"ticket": ("customer_id",)}}, "table 'ticket'. Did you mean 'tickets'?"),
        ({"uses": {"tickets": ("customer", "created_at?")}}, "tickets.customer. Did you mean 'customer_id'?"),
        ({"uses": {"tickets": ("closed",)}}, "tickets.closed. Did you mean"),
        ({"uses": {"tickets": "customer_id"}}, "uses['tickets'] must be a tuple of columns"),
        ({"excludes": ("spamm",)}, "exclusion 'spamm'. Did you mean 'spam'?"),
        ({"function": with_assumption}, "assumption_words and keyword arguments must agree; look at ['days']"),
        ({"assumption_words": {"day": Text("天", "days")}}, "must agree; look at ['day']"),
        (
            {"function": without_default, "assumption_words": {"days": Text("天", "days")}},
            "assumption 'days' has no default",
        ),
        ({"name": Text("", "Name")}, "name needs English and Chinese words"),
        ({"meaning": Text("Meaning", "Meaning")}, "meaning needs English and Chinese words"),
        ({"kind": Mean}, "kind must be made, as in Mean()"),
        ({"kind": Duration(), "unit": "hours"}, "a waiting time needs the assumption 'quantile'"),
        ({"formula": " "}, "formula is empty"),
        ({"source": ""}, "source is empty"),
        ({"word_of": {"channel": "tickets.channel"}}, "word_of 'channel' is no assumption"),
        ({"word_of": {"days": "tickets"}}, "word_of 'tickets' is no column that it uses: write it as tickets.channel"),
        ({"looks_back": {"orders": ("period",)}}, "looks_back 'orders' is no table that it uses. Allowed: tickets."),
        ({"looks_back": {"tickets": ("days",)}}, "looks_back 'days' is no assumption. Allowed: period."),
        (
            {"looks_back": {"tickets": "period"}},
            "looks_back['tickets'] must be a tuple of assumptions: write ('period',)",
        ),
        (
            {
                "function": with_assumption,
                "assumption_words": {"days": Text("天", "days")},
                "looks_back": {"tickets": ("days",)},
            },
            "looks_back 'days' must be a whole number of days, and be called so: NAME_days",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_declarations_say_what_is_allowed(changes, words) -> None:
    before = dict(CATALOGUE)
    with pytest.raises(CRMError) as caught:
        declare(**changes)
    assert words in str(caught.value)
    assert str(caught.value).startswith(
        f"Indicator '{changes.get('id', caught.value.args[0].split(chr(39))[1])}' is declared wrongly"
    )
    assert dict(CATALOGUE) == before, "what is wrong must not stay in the catalogue"


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(CRMError) as caught:
        declare(unit="metres", better="up", owner="nobody")
    assert str(caught.value).count("\n") == 3


def test_personal_columns_cannot_be_used() -> None:
    def of_names(customers, periods):
        return customers

    with pytest.raises(CRMError, match=r"customers\.email"):
        declare(function=of_names, uses={"customers": ("customer_id", "email")})


def reads_too_much(tickets: ibis.Table, periods):
    rows = periods.rows(tickets, "created_at")
    return rows.select("period", "customer_id", value=rows.escalated.cast("float64"))


def test_a_column_that_is_not_declared_is_not_there(tiny) -> None:
    item = replace(
        CATALOGUE["backlog"], id="too_much", facts=reads_too_much, excludes=(),
        uses={"tickets": ("customer_id", "created_at")},
    )  # fmt: skip
    with pytest.raises(AttributeError, match="escalated"):
        measure(item, tiny, period=Q4)
    declared = replace(item, uses={"tickets": ("customer_id", "created_at", "escalated")})
    assert measure(declared, tiny, period=Q4).value >= 0


def leaves_out_silently(tickets, periods):
    rows = periods.rows(tickets, "created_at")
    return rows.select("period", "customer_id", value=ibis.literal(1.0), excluded=ibis.literal("spam"))


def test_an_exclusion_that_is_not_declared_is_an_error(tiny) -> None:
    item = replace(
        CATALOGUE["backlog"], id="silent", facts=leaves_out_silently, excludes=(), splits=(),
        uses={"tickets": ("customer_id", "created_at")},
    )  # fmt: skip
    with pytest.raises(CRMError, match=r"leaves rows out for \['spam'\], which it does not declare"):
        measure(item, tiny, period=Q4)
