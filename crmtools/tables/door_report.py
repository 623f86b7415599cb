"""What happened to the data at the door: kept beside the tables, and shown in the chapter on data quality."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from crmtools.period import Period
from crmtools.tables import TABLES


@dataclass(frozen=True, slots=True)
class TableReport:
    """What happened to one table at the door.

    ``filled`` gives the share of rows with a value per column, ``left_out`` rows per kind of problem. ``unmapped`` names, for columns whose
    words are translated (``values`` in the parameters file), the words that no line translates, with their rows; the most frequent ones.
    """

    table: str
    place: str
    read: int
    kept: int
    left_out: Mapping[str, int]
    filled: Mapping[str, float]
    unused: tuple[str, ...]
    dropped_personal: tuple[str, ...]
    first: str = ""
    last: str = ""
    unmapped: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DoorReport:
    """What was read, table by table, and remarks that did not stop the run.

    ``first`` and ``last`` are the days of the oldest and of the newest row of the source, those of all customers also where a part of
    them is reported; empty where no table has a time.
    """

    tables: tuple[TableReport, ...]
    remarks: tuple[str, ...] = field(default=())
    first: str = ""
    last: str = ""

    @classmethod
    def of(cls, tables: Iterable[TableReport], remarks: Iterable[str]) -> "DoorReport":
        """The report of a source that was read."""
        made = tuple(tables)
        dated = [item for item in made if item.last]
        # customers were won before their orders were kept, and are when the orders did not arrive
        dated = [item for item in dated if item.table != "customers"] or dated
        return cls(
            made,
            tuple(remarks),
            first=min((item.first for item in dated), default=""),
            last=max((_reached(item) for item in dated), default=""),
        )

    def misses(self, period: Period) -> str:
        """Why nothing can be said of a period: not a single row of the source is of its days; empty where one may be."""
        if not self.last:
            return ""
        if self.last < str(period.start):
            return (
                f"the newest row of all tables is of {self.last}, and the period {period.id} begins on {period.start}."
            )
        if self.first > str(period.last_day):
            return f"the oldest row of all tables is of {self.first}, and the period {period.id} ends on {period.last_day}."
        return ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; :meth:`from_dict` reads them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "DoorReport":
        """A report from what :meth:`to_dict` wrote."""
        tables = tuple(
            TableReport(
                **{**item, "unused": tuple(item["unused"]), "dropped_personal": tuple(item["dropped_personal"])}
            )
            for item in plain["tables"]
        )
        return cls(tables, tuple(plain["remarks"]), plain["first"], plain["last"])


def _reached(item: TableReport) -> str:
    """The day up to which the newest row of a table tells: a row of a month to its end."""
    return (
        str(Period.containing(date.fromisoformat(item.last), "month").last_day)
        if TABLES[item.table].monthly
        else item.last
    )
