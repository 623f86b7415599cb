"""What a table and a column are: the one place that loader, checks, data dictionary and simulation read.

The tables themselves are declared by subject: :mod:`customers <crmtools.tables.customers>`,
:mod:`trade <crmtools.tables.trade>`, :mod:`finance <crmtools.tables.finance>`, :mod:`voice <crmtools.tables.voice>`,
:mod:`contact <crmtools.tables.contact>` and :mod:`sales <crmtools.tables.sales>`; ``TABLES`` holds them all.
"""

from dataclasses import dataclass
from typing import Literal

from crmtools.errors import CRMError
from crmtools.words import Text

ColumnType = Literal["id", "category", "text", "day", "time", "number", "money", "count", "flag"]

ENGINE_TYPES: dict[ColumnType, str] = {
    "id": "string",
    "category": "string",
    "text": "string",
    "day": "date",
    "time": "timestamp",
    "number": "float64",
    "money": "float64",
    "count": "int64",
    "flag": "boolean",
}
"""The type of each kind of column on the engine, in Ibis' words."""

TYPE_WORDS: dict[ColumnType, Text] = {
    "id": Text("标识", "identifier"),
    "category": Text("类别", "category"),
    "text": Text("文本", "text"),
    "day": Text("日期", "day"),
    "time": Text("时间", "date and time"),
    "number": Text("数值", "number"),
    "money": Text("金额", "money"),
    "count": Text("整数", "whole number"),
    "flag": Text("是/否", "yes or no"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a neutral table.

    ``names`` is what an ``id`` identifies (``customer``, ``staff``, …): equal names give equal pseudonyms, in every
    table. ``refers`` is the table whose key the id must be found in. ``later`` marks a moment or day that is filled in
    after the row began (a ticket's answer): what happened after ``as_of`` is unknown and becomes empty. ``future``
    marks a day that may lie ahead (a due date). ``signed`` money may be negative.
    """

    name: str
    type: ColumnType
    meaning: Text
    required: bool = False
    values: tuple[str, ...] = ()
    names: str = ""
    refers: str = ""
    personal: bool = False
    later: bool = False
    future: bool = False
    signed: bool = False

    @property
    def engine_type(self) -> str:
        """The Ibis type of the column."""
        return ENGINE_TYPES[self.type]


@dataclass(frozen=True, slots=True)
class Table:
    """One neutral table: its columns, its key, the column that says when a row began to exist.

    ``order`` lists pairs (earlier, later): where both times are there, the first may not come after the second.
    ``key`` is empty where rows have no identity of their own; ``generated_key`` numbers the rows when a source has none.
    ``monthly`` rows are booked for a month, on whatever day of it. ``ends`` is the column in which a row that lasts comes to its end.
    Rows that come in ``waves``, as those of a survey do, leave no gap where there are none between two waves.
    """

    name: str
    meaning: Text
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    time: str = ""
    order: tuple[tuple[str, str], ...] = ()
    generated_key: bool = False
    monthly: bool = False
    ends: str = ""
    waves: bool = False

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        told = {*self.key, *filter(None, (self.time, self.ends)), *(x for pair in self.order for x in pair)}
        unknown = told - {*names}
        if unknown or len(set(names)) < len(names):
            raise CRMError(f"Table '{self.name}' is declared wrongly: {sorted(unknown) or 'a column stands twice'}.")

    def __contains__(self, column: str) -> bool:
        return any(item.name == column for item in self.columns)

    def __getitem__(self, column: str) -> Column:
        return next(item for item in self.columns if item.name == column)

    @property
    def is_reference(self) -> bool:
        """Whether its rows are about nobody and no moment: rates, questions. They hold for every part of the customers."""
        return not self.time and all(column.type != "id" for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns without which the table is of no use."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def engine_schema(self) -> dict[str, str]:
        """Column name → Ibis type, personal columns left out."""
        return {column.name: column.engine_type for column in self.columns if not column.personal}


def key(name: str, names: str, zh: str, en: str) -> Column:
    """The identifier of the rows of a table."""
    return Column(name, "id", Text(zh, en), required=True, names=names)


def customer(required: bool = True) -> Column:
    """The customer a row belongs to."""
    meaning = Text("所属客户", "the customer it belongs to")
    return Column("customer_id", "id", meaning, required=required, names="customer", refers="customers")


def reference(name: str, names: str, refers: str, zh: str, en: str, *, required: bool = False) -> Column:
    """An identifier that points to another table (``refers`` empty: to something no table describes)."""
    return Column(name, "id", Text(zh, en), required=required, names=names, refers=refers)


def category(name: str, zh: str, en: str, *values: str, required: bool = False) -> Column:
    """A short word that rows can be grouped by; ``values`` lists the legal ones where they are closed."""
    return Column(name, "category", Text(zh, en), required=required, values=values)


def moment(name: str, zh: str, en: str, *, required: bool = False, later: bool = False, future: bool = False) -> Column:
    """A date with a time of day, in the report's time zone."""
    return Column(name, "time", Text(zh, en), required=required, later=later, future=future)


def day(name: str, zh: str, en: str, *, required: bool = False, later: bool = False, future: bool = False) -> Column:
    """A calendar day."""
    return Column(name, "day", Text(zh, en), required=required, later=later, future=future)


def money(name: str, zh: str, en: str, *, required: bool = False, signed: bool = False) -> Column:
    """An amount in the row's currency; the door turns it into the report's currency."""
    return Column(name, "money", Text(zh, en), required=required, signed=signed)


def number(name: str, zh: str, en: str, *, required: bool = False, signed: bool = False) -> Column:
    """A number that is not money."""
    return Column(name, "number", Text(zh, en), required=required, signed=signed)


def count(name: str, zh: str, en: str, *, required: bool = False) -> Column:
    """A whole number of things."""
    return Column(name, "count", Text(zh, en), required=required)


def flag(name: str, zh: str, en: str) -> Column:
    """Yes or no."""
    return Column(name, "flag", Text(zh, en))


def personal(name: str, zh: str, en: str) -> Column:
    """Something that tells who a person is: dropped at the door unless the parameters file keeps it, with a reason."""
    return Column(name, "text", Text(zh, en), personal=True)


def currency() -> Column:
    """The currency of the amounts in a row; empty means the report's currency."""
    return Column("currency", "category", Text("币种（ISO 4217 代码）", "currency of the amounts (ISO 4217 code)"))
