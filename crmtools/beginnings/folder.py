"""What a folder of exports holds: which file is which table, what its headers mean, what the dates say.

A header is taken for a column where its name is the column's own, all but that, or what the column is called in the dictionary.
Nothing else is taken for granted: what remains is listed, with what its cells look like (:mod:`crmtools.beginnings.contents`), for a
person to say.
"""

import contextlib
import difflib
import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import get_args

import duckdb

from crmtools.beginnings.contents import Guess, guesses
from crmtools.errors import CRMError, DataError, Problem
from crmtools.period import Period
from crmtools.settings import Leniency, Publish, Report, Settings, Source, TableSource
from crmtools.tables import TABLES
from crmtools.tables.door_report import DoorReport
from crmtools.tables.reading import ENDINGS, Raw, plain, quote, read_file
from crmtools.tables.schema import Table
from crmtools.tables.source import Data, open_settings
from crmtools.words import Text

FAR = date(2199, 12, 30)
ENCODINGS, WESTERN = ("utf-8", "gb18030"), "cp1252"
ALIKE = 0.85
SEGMENTS = ("region", "customer_type", "acquired_channel", "segment", "tier")
"""Attributes of customers that reports are cut by most, in this order."""
MOST_GROUPS = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is a table: how it is to be read, what its headers were taken for, which were not and what they may mean, what it lacks."""

    table: str
    file: Path
    how: TableSource
    taken: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    guesses: Mapping[str, Guess] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Looked:
    """A folder that was looked into: its tables, other files with the reason why they are none, and what the data say.

    ``problems`` is what the door says of the data; the day is then that of the rows that can be read, and today where there is none.
    ``has_days`` tells whether it is one of the data.
    """

    folder: Path
    tables: tuple[Found, ...]
    others: Mapping[str, str]
    as_of: date
    period: Period
    currency: str
    segments: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    data: Data | None = None
    has_days: bool = False


def look_into(folder: Path, *, root: Path) -> Looked:
    """Recognise the tables of a folder and open them; raises DataError where there is none.

    ``root`` is the folder of the project, below which what is read is remembered.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.")
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.lower().endswith(ENDINGS)]
    others: dict[str, str] = {}
    read: dict[Path, tuple[Raw, TableSource]] = {}
    con = duckdb.connect()
    try:
        for number, path in enumerate(files):
            try:
                read[path] = _read(con, path, f"file_{number}")
            except DataError as error:
                others[path.name] = str(error).removeprefix(f"{path.name}: ")
        chosen = _recognised({path: [*raw.types] for path, (raw, _) in read.items()}, others)
        found = tuple(_found(table, path, *read[path]) for table, path in chosen.items())
        if not found:
            raise DataError.of(
                f"{folder} holds no table that is known", [Problem(*one) for one in others.items()],
                "Name a file after its table (orders.csv, customers.csv), and this command lists the headers to be mapped; or write "
                "under source.tables which file is which. `crmtools dictionary` lists the tables and their columns.",
            )  # fmt: skip
        raws = {one.table: read[one.file][0] for one in found}
        guessed, last = guesses(con, raws, {one.table: one.taken for one in found})
        found = tuple(replace(one, guesses=guessed[one.table]) for one in found)
        currency = _currency(con, raws, guessed)
    finally:
        con.close()
    return _opened(folder, root, found, others, currency, last)


def _read(con: duckdb.DuckDBPyConnection, path: Path, name: str) -> tuple[Raw, TableSource]:
    """A file as it stands, in the first encoding that it can be read in."""
    last: DataError | None = None
    for encoding in (ENCODINGS[0], *((WESTERN,) if _is_western(path) else ()), *ENCODINGS[1:]):
        how = TableSource(encoding=encoding)
        try:
            return read_file(con, name, path, how), how
        except DataError as error:
            last = last or error
            con.execute(f"DROP TABLE IF EXISTS {quote(f'raw_{name}')}")
    assert last is not None
    raise last


def _is_western(path: Path) -> bool:
    """Whether letters beyond ASCII stand alone between others, as ü and é do; Chinese ones take two bytes, and stand together."""
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
        try:
            runs = re.findall(rb"[\x80-\xff]+", file.read(1 << 20))
        except (OSError, EOFError):
            return False
    return bool(runs) and sum(len(run) == 1 for run in runs) > len(runs) / 2


def _stem(path: Path) -> str:
    ending = max((one for one in ENDINGS if path.name.lower().endswith(one)), key=len)
    return plain(path.name[: -len(ending)])


def _recognised(headers: Mapping[Path, list[str]], others: dict[str, str]) -> dict[str, Path]:
    """Table → file: those named after a table first, then by name and columns, each table once."""
    chosen = {stem: path for path in headers if (stem := _stem(path)) in TABLES}
    scored = [
        (score, table.name, path)
        for path, names in headers.items()
        if path not in chosen.values()
        for table in TABLES.values()
        if table.name not in chosen and (score := _likeness(table, _stem(path), names)) is not None
    ]
    for _, table, path in sorted(scored, key=lambda one: (-one[0], one[1], one[2].name)):
        if table not in chosen and path not in chosen.values():
            chosen[table] = path
    for path in headers:
        if path not in chosen.values():
            others[path.name] = "no table has this name, or columns like these"
    return {table: chosen[table] for table in TABLES if table in chosen}


def _likeness(table: Table, stem: str, headers: Sequence[str]) -> float | None:
    """How much a file is like a table that it is not named after; None where it cannot be it."""
    taken = {*_meant(table, headers).values()}
    if not set(table.required) <= taken:
        return None
    words = [stem, *stem.split("_")]
    named = max(difflib.SequenceMatcher(None, word, one).ratio() for word in words for one in _names(table))
    # the key alone is in many tables: it is the share of columns, and the name, that tell
    share = len(taken) / len(headers)
    return named + share if named >= ALIKE or share >= 0.6 else None


def _names(table: Table) -> tuple[str, ...]:
    words = table.meaning.zh.replace("，", ",").partition(",")[0]
    return table.name, table.name.removesuffix("s"), words


def _meant(table: Table, headers: Sequence[str]) -> dict[str, str]:
    """Header → column, where it is plain which one is meant."""
    own = {plain(column.name): column.name for column in table.columns}
    called = {word.casefold(): column.name for column in table.columns for word in _called(column.meaning)}
    meant = {header: own[plain(header)] for header in headers if plain(header) in own}
    for tell in (
        lambda header: called.get(header.strip().casefold(), ""),
        lambda header: (
            own[close[0]] if (close := difflib.get_close_matches(plain(header), own, n=1, cutoff=ALIKE)) else ""
        ),
    ):
        for header in headers:
            if header not in meant and (column := tell(header)) and column not in meant.values():
                meant[header] = column
    return meant


def _called(meaning: Text) -> Iterator[str]:
    """What the dictionary calls a column, in both languages, without what is said in brackets."""
    for text in (meaning.zh, meaning.en):
        yield text
        yield text.replace("（", "(").partition("(")[0].strip()


def _found(table: str, path: Path, raw: Raw, how: TableSource) -> Found:
    spec = TABLES[table]
    meant = _meant(spec, [*raw.types])
    # what has the column's own name needs no word
    columns = {header: column for header, column in meant.items() if plain(header) != column}
    written = {"encoding": how.encoding} if how.encoding != ENCODINGS[0] else {}
    file = {} if _stem(path) == table and path.name == path.name.lower() else {"file": path.name}
    unknown = tuple(header for header in raw.types if header not in meant)
    numbered = spec.key if spec.generated_key else ()
    lacks = tuple(column for column in spec.required if column not in (*meant.values(), *numbered))
    return Found(table, path, TableSource(columns=columns, **written, **file), meant, unknown, lacks)  # type: ignore[arg-type]


def _currency(
    con: duckdb.DuckDBPyConnection, raws: Mapping[str, Raw], guessed: Mapping[str, Mapping[str, Guess]]
) -> str:
    """The currency that most rows name, in a column of that name or one that looks like it; empty where none does."""
    counts: dict[str, int] = {}
    for table, raw in raws.items():
        looks = [name for name, guess in guessed[table].items() if guess.column == "currency"]
        header = next((name for name in (*raw.types, *looks) if plain(name) == "currency" or name in looks), None)
        if header is not None and table != "fx_rates":
            asked = f"SELECT upper(trim({quote(header)}::VARCHAR)), count(*) FROM {quote(raw.relation)} GROUP BY 1"
            for code, rows in con.execute(asked).fetchall():
                if code and len(code) == 3 and code.isalpha():
                    counts[code] = counts.get(code, 0) + rows
    return max(counts, key=lambda code: counts[code]) if counts else ""


def _opened(
    folder: Path, root: Path, found: tuple[Found, ...], others: Mapping[str, str], currency: str, last: date | None
) -> Looked:
    """Pass the door, and take day, period and attributes from what is behind it; ``last`` is the last day where nothing passes."""
    source = Source(
        folder=str(folder.resolve()), tables={one.table: one.how for one in found if one.how != TableSource()}
    )
    report = Report(title=Text("数据", "Data"), as_of=FAR, period=Period.parse("2000"), currency=currency or "CNY")
    # nothing of this is published: values decide what may be a goal
    settings = Settings(
        report=report, source=source, publish=Publish(smallest_group=1), path=root / "parameters" / "looked_into.yml"
    )
    try:
        data = open_settings(settings)
    except CRMError as error:
        problems = error.problems or (Problem(str(folder), str(error)),)
        day, period, known = _day_of(_without_wrong_rows(settings, found), last)
        return Looked(folder, found, others, day, period, currency, (), problems, has_days=known)
    day, period, known = _day_of(data.door)
    return Looked(folder, found, others, day, period, currency, _segments(data), data=data, has_days=known)


def _without_wrong_rows(settings: Settings, found: tuple[Found, ...]) -> DoorReport | None:
    """What the door says of the rows that nothing is wrong with; None where that does not help."""
    kinds: tuple[Leniency, ...] = get_args(Leniency)
    tables = {one.table: one.how.model_copy(update={"leave_out": kinds}) for one in found}
    source = settings.source.model_copy(update={"tables": tables})
    with contextlib.suppress(CRMError):
        return open_settings(settings.model_copy(update={"source": source})).door
    return None


def _day_of(door: DoorReport | None, last: date | None = None) -> tuple[date, Period, bool]:
    """The last day of the data, the last period that is over by then, and whether the data told; else those of today."""
    tables = door.tables if door is not None else ()
    days = [date.fromisoformat(item.last) for item in tables if item.last] or ([last] if last is not None else [])
    firsts = [date.fromisoformat(item.first) for item in tables if item.first]
    day = min(max(days, default=date.today()), date.today())
    long = bool(firsts) and (day - min(firsts)).days > 15 * 30
    # a month where there is little to compare a quarter with
    return day, Period.last_over(day, "quarter" if long else "month"), bool(days)


def _segments(data: Data) -> tuple[str, ...]:
    """Attributes of customers that are filled and have few values."""
    if not data.has("customers"):
        return ()
    customers = data["customers"]
    there = [name for name in SEGMENTS if name in customers.columns]
    if not there:
        return ()
    counts = data.ask(customers.aggregate(**{name: customers[name].nunique() for name in there})).iloc[0]
    return tuple(name for name in there if 2 <= counts[name] <= MOST_GROUPS)[:3]
