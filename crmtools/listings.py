"""What the command line lists about the catalogue: rows for people, records for programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from crmtools.indicators.catalogue import DIMENSIONS, OWNERS, Indicator
from crmtools.readiness import STATES, Readiness, gains
from crmtools.show.readiness_views import advice, fill_words, gain_words, how_many, what_is_missing
from crmtools.words import Language, Text

ReadyIn = Mapping[str, Mapping[str, Readiness]]
"""Name of a report → id of an indicator → its readiness."""
Titled = tuple[str, list[list[str]]]

HEADS = (
    Text("指标", "indicator"), Text("状态", "state"), Text("缺少", "missing"), Text("最空的必需列", "emptiest needed column"),
)  # fmt: skip
CHEAPEST = Text("先补什么最划算（每一步只计新增）", "Cheapest gains first (each on top of those above)")


def ready_tables(found: Mapping[str, Readiness], language: Language) -> list[Titled]:
    """Readiness by dimension, then the cheapest gains: titles with the rows below them."""
    tables: list[Titled] = [(how_many(found, language), [])]
    heads = [text.to(language) for text in HEADS]
    for dimension, name in DIMENSIONS.items():
        rows = [_ready_row(one, language) for one in found.values() if one.indicator.dimension == dimension]
        if rows:
            tables.append((name.to(language), [heads, *rows]))
    rows = [part for step in gains(found) for part in ([gain_words(step, language)], ["  " + step.how.to(language)])]
    return [*tables, (CHEAPEST.to(language), rows)] if rows else tables


def _ready_row(one: Readiness, language: Language) -> list[str]:
    lacks = what_is_missing(one, language)
    emptiest = fill_words(one.emptiest, language) if one.emptiest else ""
    return [one.indicator.name.to(language), STATES[one.state].to(language), lacks, emptiest]


def ready_record(found: Mapping[str, Readiness], language: Language) -> dict[str, Any]:
    """The same as plain values, with every column that an indicator reads."""
    return {
        "computable": sum(one.state == "computable" for one in found.values()),
        "of": len(found),
        "indicators": [_ready_item(one, language) for one in found.values()],
        "gains": [
            {"add": step.pieces, "indicators": [item.id for item in step.indicators], "how": step.how.to(language)}
            for step in gains(found)
        ],
    }


def _ready_item(one: Readiness, language: Language) -> dict[str, Any]:
    item = one.indicator
    named = {"id": item.id, "name": item.name.to(language), "dimension": item.dimension}
    return {
        **named,
        **state_record(one, language),
        "how": advice(one, language),
        "columns": [
            {"table": fill.table, "column": fill.column, "needed": fill.needed, "filled": fill.share}
            for fill in one.fills
        ],
    }


def state_record(one: Readiness, language: Language) -> dict[str, Any]:
    """State, why, and what is missing."""
    return {"state": one.state, "why": one.why.to(language) if one.why else "", "missing": list(one.missing)}


def indicator_record(item: Indicator, ready_in: ReadyIn, language: Language) -> dict[str, Any]:
    """All that is declared of an indicator, and its state in each report."""
    row: dict[str, Any] = {
        "id": item.id,
        "name": item.name.to(language),
        "dimension": item.dimension,
        "tier": item.tier,
        "unit": item.unit.id,
        "better": item.better,
        "kind": item.kind.name,
        "owner": OWNERS[item.owner].to(language),
        "meaning": item.meaning.to(language),
        "formula": item.formula,
        "assumptions": dict(item.assumptions),
        "tables": {name: list(columns) for name, columns in item.uses.items()},
        "caveat": item.caveat.to(language),
        "source": item.source,
    }
    if ready_in:
        row["states"] = {report: state_record(found[item.id], language) for report, found in ready_in.items()}
    return row


def catalogue_tables(items: Sequence[Indicator], ready_in: ReadyIn, language: Language) -> list[Titled]:
    """The catalogue by dimension, with a column of states per report."""
    tables = []
    for dimension, name in DIMENSIONS.items():
        rows = [
            [item.id, item.name.to(language), item.unit.id]
            + [_state(found[item.id], language) for found in ready_in.values()]
            for item in items
            if item.dimension == dimension
        ]
        if rows:
            tables.append((name.to(language), [["", "", "", *ready_in], *rows] if ready_in else rows))
    return tables


def _state(one: Readiness, language: Language) -> str:
    """The state in a narrow column: what is missing where something is."""
    state = STATES[one.state].to(language)
    return f"{state}: {what_is_missing(one, language)}" if one.state == "missing" else state
