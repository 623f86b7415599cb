"""What is wrong with the declaration of an indicator, each with what is allowed."""

import inspect
import re
from collections.abc import Collection, Iterator
from typing import get_args

from crmtools.errors import CRMError, nearest
from crmtools.indicators.catalogue import (
    DIMENSIONS,
    EXCLUSIONS,
    MOST_SETS,
    OWNERS,
    PERIOD,
    Around,
    Indicator,
    Tier,
)
from crmtools.indicators.kinds import Duration
from crmtools.indicators.units import UNITS
from crmtools.tables import TABLES


def problems_of(
    item: Indicator, tables: list[str], unit: str, signature: inspect.Signature, *, taken: Collection[str]
) -> list[str]:
    """What is wrong with a declaration, each with what is allowed."""
    found = []
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", item.id):
        found.append(f"name '{item.id}': use small letters and underscores")
    if item.id in taken:
        found.append(f"name '{item.id}' is taken by another indicator")
    if item.dimension not in DIMENSIONS:
        found.append(f"file '{item.dimension}' is no dimension. {nearest(item.dimension, DIMENSIONS)}")
    if unit not in UNITS:
        found.append(f"unit '{unit}'. {nearest(unit, UNITS)}")
    if item.tier not in get_args(Tier):
        found.append(f"tier '{item.tier}'. Allowed: {', '.join(get_args(Tier))}.")
    if item.better not in ("higher", "lower", "range"):
        found.append(f"better '{item.better}'. Allowed: higher, lower, range.")
    if item.owner not in OWNERS:
        found.append(f"owner '{item.owner}'. {nearest(item.owner, OWNERS)}")
    if "periods" not in signature.parameters:
        found.append("the argument 'periods' is missing")
    if set(tables) != set(item.uses):
        found.append(f"arguments {tables} and uses {sorted(item.uses)} must name the same tables")
    for table, columns in item.uses.items():
        if table not in TABLES:
            found.append(f"table '{table}'. {nearest(table, TABLES)}")
            continue
        if isinstance(columns, str):
            found.append(f"uses['{table}'] must be a tuple of columns, found {columns!r}: write ({columns!r},)")
            continue
        known = [column.name for column in TABLES[table].columns if not column.personal]
        found += [f"{table}.{c}. {nearest(c, known)}" for c, _ in item.columns(table) if c not in known]
    found += [
        f"exclusion '{reason}'. {nearest(reason, EXCLUSIONS)}" for reason in item.excludes if reason not in EXCLUSIONS
    ]
    found += [
        f"assumption '{key}' has no default"
        for key, value in item.assumptions.items()
        if value is inspect.Parameter.empty
    ]
    missing = set(item.assumptions) ^ set(item.assumption_words)
    if missing:
        found.append(f"assumption_words and keyword arguments must agree; look at {sorted(missing)}")
    if isinstance(item.kind, type) or not hasattr(item.kind, "read"):
        found.append(f"kind must be made, as in Mean(), found {item.kind!r}")
    if isinstance(item.kind, Duration) and "quantile" not in item.assumptions:
        found.append("a waiting time needs the assumption 'quantile': write quantile: float = 0.5")
    found += list(_of_assumptions(item))
    for label, written in (("formula", item.formula), ("source", item.source)):
        if not written.strip():
            found.append(f"{label} is empty")
    for label, text in (("name", item.name), ("meaning", item.meaning)):
        if not text.en.strip() or not re.search(r"[\u4e00-\u9fff]", text.zh):
            found.append(f"{label} needs English and Chinese words")
    return found


def _of_assumptions(item: Indicator) -> Iterator[str]:
    """What is wrong with what may be assumed otherwise, and with what must be there."""
    for group in item.one_of:
        if extra := sorted(set(group) - item.optional):
            yield f"one_of names {extra}: write these tables with '?' under uses"
    if isinstance(item.follow_up, str) and item.follow_up not in item.assumptions:
        yield f"follow_up '{item.follow_up}'. {nearest(item.follow_up, item.assumptions)}"
    for name in item.only_with:
        if name not in item.assumptions and name not in item.optional:
            there = [*item.assumptions, *item.optional]
            yield f"only_with '{name}' is no assumption and no table that may be missing. {nearest(name, there)}"
    for name, _ in item.only_with.values():
        if name not in item.assumptions:
            yield f"only_with '{name}' is no assumption. {nearest(name, item.assumptions)}"
    for name, place in item.word_of.items():
        table, _, column = place.partition(".")
        if name not in item.assumptions:
            yield f"word_of '{name}' is no assumption. {nearest(name, item.assumptions)}"
        if column not in [one for one, _ in item.columns(table)] if table in item.uses else True:
            yield f"word_of '{place}' is no column that it uses: write it as tickets.channel"
    for table, spans in item.looks_back.items():
        if table not in item.uses:
            yield f"looks_back '{table}' is no table that it uses. {nearest(table, item.uses)}"
        if isinstance(spans, str):
            yield f"looks_back['{table}'] must be a tuple of assumptions: write ({spans!r},)"
            continue
        for name in spans:
            if name != PERIOD and name not in item.assumptions:
                yield f"looks_back '{name}' is no assumption. {nearest(name, [PERIOD, *item.assumptions])}"
            elif name != PERIOD and not (name.endswith("_days") and isinstance(item.assumptions[name], int)):
                yield f"looks_back '{name}' must be a whole number of days, and be called so: NAME_days"
    for name, values in item.defensible.items():
        if name not in item.assumptions:
            yield f"defensible '{name}' is no assumption. {nearest(name, item.assumptions)}"
            return
        if not isinstance(values, Around):
            try:
                for value in values:
                    item.with_assumptions({name: value})
            except CRMError as error:
                yield f"defensible: {error}"
                return
    if any(default is inspect.Parameter.empty for default in item.assumptions.values()):
        return
    if (count := sum(1 for _ in item.sets(item.assumptions))) > MOST_SETS:
        yield f"defensible gives {count} sets of assumptions; at most {MOST_SETS}"
