"""The tables of a part of the customers: those with one value of an attribute.

Every row that belongs to a customer is kept where the customer is in the part, directly or by what it hangs on: the lines of an
order, the stages of an opportunity. This is the one place where it is decided; it becomes a condition of the views that every
indicator, goal, chapter and model reads (:mod:`crmtools.tables.known`), at whatever day. The snapshot itself is not copied.

- What names no customer cannot be cut: spend, campaigns. Such a table is *whole*: the part does not have it.
- What names nobody and no moment holds for everybody (exchange rates, survey questions) and stays as it is.
- Where a row may be without a customer (a lead that has not become one) and some are, the part has the rows of its customers. A
  question that is not about customers gets no answer from such a *partial* table: of the leads of a region, all would be won.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from crmtools.tables import TABLES
from crmtools.tables.reading import literal, quote


@dataclass(frozen=True, slots=True)
class Cut:
    """How tables are cut to a part: the condition of every table, those that cannot be cut, those cut to rows with a customer."""

    conditions: Mapping[str, str] = field(default_factory=dict)
    whole: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()


WHOLE = Cut()
"""All customers: nothing is cut."""


def cut_to(attribute: str, value: str | None, columns: Mapping[str, Mapping[str, float]]) -> Cut:
    """The cut to the customers with a value (None: without one).

    ``columns`` are the tables of the source with the share of rows that have a value in each column. Conditions are written
    over the tables as they were read, ``main.all_NAME``.
    """
    of = f"{quote(attribute)} IS NULL" if value is None else f"{quote(attribute)} = {literal(value)}"
    conditions = {"customers": of}
    partial: list[str] = []
    names = [name for name in columns if name != "customers"]
    while more := {n: link for n in names if n not in conditions and (link := _belongs(n, columns[n], conditions))}:
        for name, (own, other) in more.items():
            # rows that hang on one without a customer have none either
            if columns[name][own] < 1 or other in partial:
                partial.append(name)
            found = f"SELECT {quote(TABLES[other].key[0])} FROM main.all_{other} WHERE {conditions[other]}"
            conditions[name] = f"{quote(own)} IN ({found})"
    whole = [name for name in names if name not in conditions and not TABLES[name].is_reference]
    return Cut(conditions, tuple(whole), tuple(partial))


def _belongs(name: str, there: Collection[str], cut: Collection[str]) -> tuple[str, str] | None:
    """The column by which rows belong to a table that can be cut, and that table: customers, else what they cannot be without."""
    hangs = [column for column in TABLES[name].columns if column.refers in cut and column.name in there]
    to_customer = next(((column.name, column.refers) for column in hangs if column.refers == "customers"), None)
    return to_customer or next(((column.name, column.refers) for column in hangs if column.required), None)
