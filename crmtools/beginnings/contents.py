"""What the cells of a column look like where its header says nothing: days, numbers, a key, the ids of another table.

It is only said, in a comment, for a person to decide: a column of days is not taken for the day of an order because there is no other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from crmtools.tables import TABLES
from crmtools.tables.reading import NUMBERS, Raw, quote
from crmtools.tables.schema import Table
from crmtools.tables.typing import NUMERIC, number_sql

DAYS = tuple(
    f"{day}{time}"
    for day in ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")
    for time in ("", " %H:%M", " %H:%M:%S")
)
"""Ways to write a day that the engine does not read by itself; of several that fit the first is meant."""
CURRENCIES = (
    "AED", "ARS", "AUD", "BDT", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "HKD",
    "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "KZT", "MAD", "MOP", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN",
    "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR",
)  # fmt: skip
"""Codes of currencies that exports are in; three capital letters may be a country as well, or a branch."""
SAMPLE = 5_000
"""Cells that are looked at."""
MOST = 0.95
"""The share of them that must be alike; exports have a few cells of another kind."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the cells of a column are: ``kind`` is ``day``, ``number``, ``currency``, ``key`` (all differ) or empty.

    ``written`` is how days and numbers are written, empty where nothing need be said of it; ``last`` the last day.
    """

    kind: str = ""
    written: str = ""
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """The column that a header may mean, why, and the line of ``formats`` that it would need.

    ``column`` is empty where several headers may mean one column: which of them does is nothing that cells tell.
    """

    column: str
    why: str
    written: str = ""


def look(con: duckdb.DuckDBPyConnection, raw: Raw, header: str) -> Look:
    """What the first cells of a column are."""
    kind, cell = raw.types[header], f"nullif(trim(CAST({quote(header)} AS VARCHAR)), '')"
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return Look(
            "day", last=_day(_one(con, f"SELECT max(CAST({quote(header)} AS DATE)) FROM {quote(raw.relation)}")[0])
        )
    cells = f"(SELECT {cell} AS cell FROM {quote(raw.relation)} WHERE {cell} IS NOT NULL LIMIT {SAMPLE})"
    ways = {way: f"TRY_STRPTIME(cell, '{way}')" for way in DAYS}
    if kind not in NUMERIC:
        days = {"": "TRY_CAST(cell AS TIMESTAMP)", **ways}
        count, *found = _one(
            con, f"SELECT count(*), {', '.join(f'count({one})' for one in days.values())} FROM {cells}"
        )
        for (way, read), fitting in zip(days.items(), found, strict=True):
            if count and fitting >= MOST * count:
                asked = f"SELECT max({read}) FROM (SELECT {cell} AS cell FROM {quote(raw.relation)})"
                return Look("day", way, _day(_one(con, asked)[0]))
    numbers = ", ".join(f"count(TRY_CAST({number_sql('cell', kind, way)} AS DOUBLE))" for way in (None, *NUMBERS))
    count, differ, *fits = _one(con, f"SELECT count(*), count(DISTINCT cell), {numbers} FROM {cells}")
    broken = _one(con, f"SELECT count(*) FROM {cells} WHERE regexp_full_match(cell, '.*[.,][0-9]{{1,2}}')")[0]
    if broken:  # a number without a decimal is an id as well as an amount
        for way, fitting in zip(("", *NUMBERS), fits, strict=True):
            if fitting >= MOST * count:
                return Look("number", way)
    known = ", ".join(f"'{code}'" for code in CURRENCIES)
    codes = _one(con, f"SELECT count(*) FROM {cells} WHERE cell IN ({known})")[0]
    if count and codes == count:
        return Look("currency")
    return Look("key") if count > 1 and differ == count else Look()


def guesses(
    con: duckdb.DuckDBPyConnection, raws: Mapping[str, Raw], meant: Mapping[str, Mapping[str, str]]
) -> tuple[dict[str, dict[str, Guess]], date | None]:
    """What headers may mean that nobody knows, by table; and the last day of all of their columns of days.

    ``raws`` are the files by table, ``meant`` what their known headers mean.
    """
    looks = {
        table: {header: look(con, raw, header) for header in raw.types if header not in meant[table]}
        for table, raw in raws.items()
    }
    keys = {table: _key(TABLES[table], looks[table], meant[table]) for table in raws}
    found = {table: _guessed(con, TABLES[table], raws, looks[table], meant[table], keys) for table in raws}
    # a column of days that is known by its name, but written in a way of its own
    known = [
        look(con, raws[table], header)
        for table, headers in meant.items()
        for header, column in headers.items()
        if column == TABLES[table].time
    ]
    told = [
        looks[table][header]
        for table, made in found.items()
        for header, guess in made.items()
        if guess.column == TABLES[table].time
    ]
    return found, max((one.last for one in (*known, *told) if one.last is not None), default=None)


def _key(table: Table, looks: Mapping[str, Look], meant: Mapping[str, str]) -> str:
    """The header of a table's own key: the one that is known, else the first column whose cells all differ."""
    if not table.key or len(table.key) > 1:
        return ""
    known = next((header for header, column in meant.items() if column == table.key[0]), "")
    return known or next((header for header, one in looks.items() if one.kind == "key"), "")


def _guessed(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    raws: Mapping[str, Raw],
    looks: Mapping[str, Look],
    meant: Mapping[str, str],
    keys: Mapping[str, str],
) -> dict[str, Guess]:
    free = [column for column in table.columns if column.name not in meant.values()]
    found: dict[str, Guess] = {}

    def take(header: str, column: str, why: str, written: str = "") -> None:
        found[header] = Guess(column, why, written)
        free[:] = [one for one in free if one.name != column]

    if (key := keys[table.name]) in looks and table.key[0] in [one.name for one in free]:
        take(key, table.key[0], "differs in every row")
    for column in [one for one in free if one.refers in raws and keys.get(one.refers) and one.refers != table.name]:
        own, other = raws[table.name], raws[column.refers]
        for header in [one for one in looks if one not in found and looks[one].kind in ("", "key")]:
            if _is_among(con, own, header, other, keys[column.refers]):
                take(header, column.name, f"holds ids of {other.place}")
                break
    left = {header: one for header, one in looks.items() if header not in found}
    days = [header for header, one in left.items() if one.kind == "day"]
    if table.time in [column.name for column in free]:
        for header in days:
            why = f"holds days up to {left[header].last}" if left[header].last else "holds days"
            if len(days) == 1:
                take(header, table.time, why, left[header].written)
            else:
                found[header] = Guess("", f"{why}, as others do: which of them is {table.time}?")
    amounts = [column.name for column in free if column.required and column.type in ("money", "number")]
    numbers = [header for header, one in left.items() if one.kind == "number"]
    if len(numbers) == 1 and amounts:
        take(numbers[0], amounts[0], "holds numbers with decimals", left[numbers[0]].written)
    elif amounts:
        for header in numbers:
            found[header] = Guess("", f"holds numbers with decimals, as others do: which of them is {amounts[0]}?")
    codes = [header for header, one in left.items() if one.kind == "currency"]
    if len(codes) == 1 and "currency" in [column.name for column in free]:
        take(codes[0], "currency", "holds codes of currencies")
    return found


def _is_among(con: duckdb.DuckDBPyConnection, own: Raw, header: str, other: Raw, key: str) -> bool:
    """Whether nearly all that a column holds are ids of another table."""
    cell, ids = (f"trim(CAST({quote(name)} AS VARCHAR))" for name in (header, key))
    cells = f"(SELECT DISTINCT {cell} AS cell FROM {quote(own.relation)} WHERE {cell} <> '' LIMIT {SAMPLE})"
    asked = f"SELECT count(*), count(*) FILTER (cell IN (SELECT {ids} FROM {quote(other.relation)})) FROM {cells}"
    count, among = _one(con, asked)
    return bool(count) and among >= MOST * count


def _one(con: duckdb.DuckDBPyConnection, question: str) -> Sequence[Any]:
    row = con.execute(question).fetchone()
    assert row is not None
    return row


def _day(value: object) -> date | None:
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None


def columns_of(found: Mapping[str, Guess], headers: Collection[str]) -> list[str]:
    """Headers as a command lists them, each with what it may mean."""
    return [
        f"{header} ({found[header].column}?)" if header in found and found[header].column else header
        for header in headers
    ]
