"""What an indicator asks of data: the tables and columns it needs, what it can be split by, and its facts.

Sums and estimates are made of the facts (:mod:`crmtools.sums`, :mod:`crmtools.estimating`); here nothing is asked of the engine.
"""

import dis
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType

import ibis
import ibis.expr.types as ir

from crmtools.indicators.catalogue import CATALOGUE, Indicator
from crmtools.indicators.facts import Periods
from crmtools.period import Period
from crmtools.tables.source import Data

Where = Mapping[str, Sequence[str]]
UNKNOWN = ""
"""The group of rows whose attribute is empty."""
LOOKED_AT = ((3, 11), (3, 12), (3, 13))
"""The interpreters of whose code it is known which parameters it reads."""


def usable(item: Indicator, data: Data, table: str) -> bool:
    """Whether the source has a table with all columns of it that an indicator needs."""
    return not data.missing(table, item.columns(table))


def missing_columns(item: Indicator, data: Data) -> list[str]:
    """What the source lacks for an indicator: tables, ``table.column``, or ``one / other`` where either would do."""
    lacks = [
        name for table in item.tables if table not in item.optional for name in data.missing(table, item.columns(table))
    ]
    return lacks + [" / ".join(group) for group in item.one_of if not any(usable(item, data, t) for t in group)]


def uncut(item: Indicator, data: Data) -> list[str]:
    """The tables that keep an indicator from being computed for a part of the customers; none where it is asked for all.

    Also one that it could do without: the number of a part would be made otherwise than that of the whole.
    """
    whole = [table for table in item.tables if table in data.cut_to.whole]
    return whole + [table for table in item.tables if table in data.cut_to.partial and not item.by_customer]


def attributes(item: Indicator, data: Data) -> tuple[str, ...]:
    """What an indicator can be split by: what its facts carry, and the attributes of customers."""
    there = [[*data[table].columns, *item.splits] for table in item.tables if data.has(table)]
    own = tuple(name for name in item.splits if any(name in columns for columns in there))
    return own + tuple(name for name in of_customers(item, data) if name not in own)


def of_customers(item: Indicator, data: Data) -> tuple[str, ...]:
    """The attributes of customers that an indicator of customers can be split by."""
    if not (item.by_customer and data.has("customers")):
        return ()
    spec = data["customers"].schema()
    return tuple(name for name, kind in spec.items() if kind.is_string() and not name.endswith("_id"))


def facts(
    item: Indicator,
    data: Data,
    periods: tuple[Period, ...],
    in_force: Mapping[str, object],
    wanted: tuple[str, ...] = (),
    where: Where | None = None,
    *,
    instead: Mapping[str, ir.Table] = MappingProxyType({}),
) -> ir.Table:
    """The facts of an indicator with the attributes that are wanted and ``excluded``, of the customers that are.

    ``instead`` holds other tables to read than those of the data. Sets of assumptions that differ only in what is made of the facts
    have one expression: to build it takes longer than to look at the answer.
    """

    def build() -> ir.Table:
        return _facts(item, data, periods, in_force, wanted, where or {}, instead)

    if instead or not declared_here(item):
        return build()
    read = [(name, value) for name, value in in_force.items() if name in _read_by(item.facts)]
    conditions = tuple((name, *allowed) for name, allowed in (where or {}).items())
    return data.answers.expression((item.facts, periods, repr(read), wanted, conditions), build)


def declared_here(item: Indicator) -> bool:
    """Whether an indicator is one of this package: code of an analyst's own may depend on more than what it is given."""
    return CATALOGUE.get(item.id) is item and getattr(item.facts, "__module__", "").startswith("crmtools.")


@cache
def _read_by(function: Callable[..., object]) -> frozenset[str]:
    """The parameters that the code of a function may read: all of them where it takes more than it names, or the interpreter is one
    whose code was not looked at.

    From 3.13 on one instruction may load two variables, or store one and load another: whatever is named by any instruction but
    those that only store is read.
    """
    taken, code = frozenset(inspect.signature(function).parameters), function.__code__
    more = code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    if more or hasattr(function, "__wrapped__") or sys.version_info[:2] not in LOOKED_AT:
        return taken
    read = {*code.co_cellvars}
    for step in dis.get_instructions(code):
        if step.opname not in ("STORE_FAST", "DELETE_FAST"):
            read.update(step.argval if isinstance(step.argval, tuple) else (step.argval,))
    return taken & read


def _facts(
    item: Indicator,
    data: Data,
    periods: tuple[Period, ...],
    in_force: Mapping[str, object],
    wanted: tuple[str, ...],
    where: Where,
    instead: Mapping[str, ir.Table],
) -> ir.Table:
    tables = {
        table: instead.get(table, data.needed(table, item.columns(table))) if usable(item, data, table) else None
        for table in item.tables
    }
    made = item.facts(**tables, periods=Periods(periods, data.backend, data.as_of), **in_force)
    lacking = [name for name in wanted if name not in made.columns]
    if lacking:
        customers = data["customers"].select("customer_id", *lacking)
        made = made.left_join(customers, "customer_id").drop("customer_id_right")
    if "excluded" not in made.columns:
        made = made.mutate(excluded=ibis.null("string"))
    for name, allowed in where.items():
        known = made[name].isin(allowed)
        made = made.filter(known | made[name].isnull() if UNKNOWN in allowed else known)
    return made
