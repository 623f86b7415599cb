"""The parts that customers fall into by the values of an attribute, and which of them may have a report of their own.

Guaranteed is that no part is reported whose customers are fewer than ``publish.smallest_group``, and that the number of those
who are in no report does not follow from the whole and the parts that are: values are left out until at least two of them, with
``smallest_group`` customers or more among them, are (:func:`crmtools.suppression.hidden_groups`, as for the groups of a
breakdown). Customers without a value are one of the groups, and are asked for by what a report calls them (Unknown, 未知); they have
no book among those of all values. It does not depend on who asks:
whoever collects all books that can be made from the same data as of one day cannot take a small group from them. Books as of
different days can be compared: between them lie those who came or went.

A part that may be reported can still hold few who answered a question. :mod:`crmtools.publishable` therefore shows an indicator of a
part, or of a group in it, only where the same rule holds among all parts. What the chapters on cohorts, RFM and lifetime value
tell is hidden where few customers of the book are meant, and not compared with other books.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from crmtools.errors import CRMError, Problem, SettingsError
from crmtools.part_names import called_unknown
from crmtools.settings import Settings
from crmtools.tables import TABLES
from crmtools.tables.answers import Answers
from crmtools.tables.door_report import DoorReport, TableReport
from crmtools.tables.part import Cut, cut_to
from crmtools.tables.reading import quote

Columns = Mapping[str, Mapping[str, float]]
MERGE = "To report small groups together, give them one name under source.tables.customers.values.{attribute}."

MOST_VALUES = 60
"""Every number of a part is compared with those of all others: it takes as many times as long as there are values."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values of an attribute in their order: those that may be reported, and those that may not.

    How many customers any of them has is not told. ``unknown`` says that there are customers without a value.
    """

    attribute: str
    reported: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The customers with one value of an attribute (None: without one); ``values`` are all that there are."""

    attribute: str
    value: str | None
    values: tuple[str | None, ...] = field(repr=False)
    columns: Columns = field(repr=False, hash=False, compare=False)

    @property
    def cut(self) -> Cut:
        """How the tables are cut."""
        return cut_to(self.attribute, self.value, self.columns)

    @property
    def number(self) -> int:
        """Its place among the values."""
        return self.values.index(self.value)

    def among(self) -> Iterator["Part"]:
        """All parts, this one among them."""
        return (replace(self, value=value) for value in self.values)


def part_of(settings: Settings, backend: Any, door: DoorReport, answers: Answers) -> Part | None:
    """The part that settings ask for, None for all customers; raises SettingsError where there is none that may be reported."""
    if (asked := settings.report.part) is None:
        return None
    attribute, word = asked
    sizes = _sizes(attribute, settings, backend, door, answers)
    reported = _values(attribute, sizes, settings).reported
    value = None if called_unknown(word) and not sizes.get(word) else word
    hidden = value in _hidden(sizes, settings)
    if hidden or not sizes.get(value):
        known = f"Reported can be: {', '.join(reported) or 'none'}."
        smallest = settings.publish.smallest_group
        said = (
            f"{attribute} '{word}' has fewer than {smallest} customers (publish.smallest_group), or is so small that the number "
            f"of those in a smaller group would follow from its book. {known} {MERGE.format(attribute=attribute)}"
            if hidden
            else f"no customer has {attribute} '{word}'. {known}"
            if value is not None
            else f"every customer has a value of {attribute}: what a report calls {word} there belongs to no customer. {known}"
        )
        raise _refused(settings, attribute, said)
    return Part(attribute, value, tuple(sizes), {item.table: item.filled for item in door.tables})


def values_of(attribute: str, settings: Settings, backend: Any, door: DoorReport, answers: Answers) -> Values:
    """The values of an attribute; raises SettingsError where customers have no such attribute, or nobody has a value."""
    return _values(attribute, _sizes(attribute, settings, backend, door, answers), settings)


def _values(attribute: str, sizes: Mapping[str | None, int], settings: Settings) -> Values:
    hidden = _hidden(sizes, settings)
    named = [value for value in sizes if value is not None and sizes[value]]
    alike = [value for value in named if [other.casefold() for other in named].count(value.casefold()) > 1]
    if alike:
        one_name = MERGE.replace("To report small groups together, g", "G").format(attribute=attribute)
        raise _refused(
            settings,
            attribute,
            f"{', '.join(alike)} differ in capitals only, and some systems keep one folder for both. {one_name}",
        )
    return Values(
        attribute,
        tuple(value for value in named if value not in hidden),
        tuple(value for value in named if value in hidden),
        bool(sizes.get(None)),
    )


def _hidden(sizes: Mapping[str | None, int], settings: Settings) -> set[str | None]:
    """The values, or None, whose customers are few, or needed to hide few."""
    from crmtools.suppression import small_ones  # which knows the indicators, and they the tables

    return small_ones(sizes, settings.publish.smallest_group)


def _sizes(
    attribute: str, settings: Settings, backend: Any, door: DoorReport, answers: Answers
) -> dict[str | None, int]:
    """Customers per value on the day of the report, in the order of the values, those without one last."""
    if all(item.table != "customers" for item in door.tables):
        raise _refused(settings, attribute, "there is no table customers that could have an attribute.")
    types = {name: str(kind) for name, kind in backend.get_schema("all_customers").items()}
    allowed = [name for name, kind in types.items() if kind == "string" and not name.endswith("_id")]
    if attribute not in allowed:
        raise _refused(
            settings, attribute, f"customers have no such attribute. Allowed: {', '.join(sorted(allowed)) or 'none'}."
        )
    name = f"customers by {attribute}"
    if (told := answers.text(name)) is None:
        end = f"DATE '{settings.report.as_of + timedelta(days=1)}'"
        time = TABLES["customers"].time
        there = f"count(*) FILTER ({time} IS NULL OR {time} < {end})" if time in types else "count(*)"
        question = f"SELECT {quote(attribute)}, {there} FROM main.all_customers GROUP BY 1 ORDER BY 1 NULLS LAST"
        told = json.dumps(backend.con.execute(question).fetchall(), ensure_ascii=False)
        answers.keep_text(name, told)
    sizes = {value: int(count) for value, count in json.loads(told)}
    if len(sizes) > MOST_VALUES:
        said = f"customers have more than {MOST_VALUES} values of it, and each would be compared with all others."
        raise _refused(settings, attribute, f"{said} {MERGE.format(attribute=attribute)}")
    return sizes


def _refused(settings: Settings, attribute: str, message: str) -> CRMError:
    title = f"{settings.path.name} cannot be reported for a part of the customers"
    return SettingsError.of(title, [Problem(f"report.only · {attribute}", message)], "Nothing was run.")


def door_of(part: Part, backend: Any, door: DoorReport, answers: Answers) -> DoorReport:
    """What was read, of the part alone: nothing in its book is about all customers.

    Rows that were left out belong to nobody any more, so they are told in the report of the whole.
    """
    if (told := answers.text("door")) is None:
        cut = part.cut
        tables = [
            _counted(item, cut.conditions.get(item.table, ""), backend)
            for item in door.tables
            if item.table not in cut.whole
        ]
        told = json.dumps(replace(door, tables=tuple(tables)).to_dict(), ensure_ascii=False)
        answers.keep_text("door", told)
    return DoorReport.from_dict(json.loads(told))


def _counted(item: TableReport, condition: str, backend: Any) -> TableReport:
    """The report of one table for the rows that a condition lets through; what names no customer stays as it is."""
    if not condition:
        return replace(item, read=item.kept, left_out={}, unmapped={})
    columns = list(item.filled)
    asked = ["count(*)", *(f"count({quote(name)})" for name in columns)]
    time = TABLES[item.table].time
    spans = time in columns
    asked += [f"CAST(min({quote(time)}) AS DATE)", f"CAST(max({quote(time)}) AS DATE)"] if spans else []
    found: Sequence[Any] = backend.con.execute(
        f"SELECT {', '.join(asked)} FROM main.all_{item.table} WHERE {condition}"
    ).fetchone()
    kept = found[0]
    first, last = (_day(one) for one in (found[-2:] if spans else (None, None)))
    shares = {name: found[place] / kept if kept else 0.0 for place, name in enumerate(columns, 1)}
    return replace(item, read=kept, kept=kept, left_out={}, filled=shares, first=first, last=last, unmapped={})


def _day(value: date | None) -> str:
    return str(value) if value is not None else ""
