"""Reading a source as it stands: files, DuckDB tables and frames become raw tables on the engine.

Nothing is interpreted here. Text files arrive as text, so that a cell which cannot be understood can be shown as it was
written, with its row as a spreadsheet counts it (the header is row 1).
"""

import difflib
import hashlib
import importlib.util
import json
import os
import re
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from xml.etree.ElementTree import ParseError

import duckdb
import pandas as pd

from crmtools.errors import DataError, Problem, few, nearest
from crmtools.settings import Source, TableSource
from crmtools.tables import TABLES
from crmtools.tables.text_files import distinct, file_literal, literal, read_text
from crmtools.whole_files import write_whole

ENDINGS = (".csv", ".csv.gz", ".tsv", ".txt", ".parquet", ".xlsx")
NUMBERS = {"1,234.56": (",", "."), "1.234,56": (".", ","), "1 234,56": (" ", ","), "1'234.56": ("'", ".")}
"""How numbers may be written, by an example: the sign between thousands, which may be left out, and that of decimals."""
JUST_NOW = 2_000_000_000
"""Nanoseconds; the coarsest clock of file systems in use ticks every two seconds."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One table as it stands in its source, in the engine's relation ``relation``.

    ``place`` is what an error calls it, ``first_row`` the row number of its first record, ``origin`` the file whose
    content it depends on (None for frames).
    """

    table: str
    place: str
    relation: str
    first_row: int
    types: Mapping[str, str]
    origin: Path | None = None

    @property
    def is_frame(self) -> bool:
        """Whether an analyst opened it as a frame, which no parameters file says anything about."""
        return self.origin is None


def plain(header: str) -> str:
    """A header as it is compared: small letters, underscores for blanks and dashes."""
    return header.strip().lower().replace(" ", "_").replace("-", "_")


def quote(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def locate(written: str, root: Path) -> Path:
    """A path of the parameters file: relative to the root, absolute, or ``package:NAME/FILE`` inside a Python package."""
    if written.startswith("package:"):
        package, _, inside = written.removeprefix("package:").partition("/")
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise DataError(f"'{written}': the Python package '{package}' is not installed.")
        return Path(spec.origin).parent / inside
    return root / written


def files_of(source: Source, root: Path) -> tuple[dict[str, Path], list[Problem]]:
    """The file of every table that a folder source has, and what is wrong with the folder."""
    folder, problems = root / str(source.folder), []
    found: dict[str, Path] = {}
    named = {name: item.file for name, item in source.tables.items() if item.file}
    if not folder.is_dir():
        return {}, [
            Problem(str(source.folder), "there is no such folder. Correct source.folder in the parameters file.")
        ]
    for name, written in named.items():
        path = locate(written, folder)
        if path.is_file():
            found[name] = path
        else:
            files = sorted(item.name for item in folder.iterdir() if item.is_file())
            problems.append(
                Problem(f"{source.folder} · {name}", f"there is no file '{written}'. {nearest(written, files)}")
            )
    listed = {one.name.lower() for one in folder.iterdir()}
    for name in TABLES:
        if name in named or (name in source.tables and source.tables[name].derive):
            continue
        endings = (ending for ending in ENDINGS if f"{name}{ending}" in listed)
        named_so = [path for ending in endings if os.path.lexists(path := folder / f"{name}{ending}")]
        candidates = [path for path in named_so if path.is_file()]
        for path in named_so:
            if path not in candidates:  # silence would lose the table
                what = "is a folder, not a file" if path.is_dir() else "is a link that leads to no file"
                problems.append(
                    Problem(f"{source.folder} · {path.name}", f"{what}. Put the file there, or take it away.")
                )
        if len(candidates) > 1:
            names = few(path.name for path in candidates)
            message = f"several files could be meant: {names}. Name one: source.tables.{name}.file."
            problems.append(Problem(f"{source.folder} · {name}", message))
        elif candidates:
            found[name] = candidates[0]
    settled = {*found, *named, *(name for name, item in source.tables.items() if item.derive)}
    problems += _misnamed(folder, str(source.folder), settled)
    if not found and not problems:
        there = few(sorted(item.name for item in folder.iterdir())) or "nothing"
        problems.append(
            Problem(
                str(source.folder),
                f"no table was found, only {there}. Name files after tables (orders.csv, customers.xlsx, …) "
                "or name them under source.tables.",
            )
        )
    return found, problems


def _misnamed(folder: Path, place: str, settled: set[str]) -> Iterator[Problem]:
    """Files whose name is all but that of a table which is not there: silence would lose the table."""
    for path in sorted(folder.iterdir()):
        ending = next((ending for ending in ENDINGS if path.name.lower().endswith(ending)), "")
        stem = path.name.lower().removesuffix(ending)
        if not ending or path.name.removesuffix(ending) in TABLES or not path.is_file():
            continue
        close = difflib.get_close_matches(stem, TABLES, n=1, cutoff=0.85)
        if close and close[0] not in settled:
            message = (
                f"'{path.name}' is all but the name of this table. Rename it to {close[0]}{ending}, name it with "
                f"source.tables.{close[0]}.file: {path.name}, or take it out of the folder."
            )
            yield Problem(f"{place} · {close[0]}", message)


def read_file(con: duckdb.DuckDBPyConnection, table: str, path: Path, how: TableSource) -> Raw:
    """Load one file as a raw table; raises :class:`DataError` naming the file when it cannot be read at all."""
    relation = f"raw_{table}"
    try:
        if path.name.endswith(".parquet"):
            con.execute(f"CREATE TABLE {relation} AS SELECT * FROM read_parquet({file_literal(path)})")
            first_row = 1
        elif path.name.endswith(".xlsx"):
            _register(con, relation, _excel(path, how))
            first_row = 1 if isinstance(how.header, list) else 2
        else:
            first_row = read_text(con, relation, path, how)
    except DataError as error:
        raise DataError(f"{path.name}: {error}") from None
    except (duckdb.Error, zipfile.BadZipFile, ParseError, ValueError, OSError, EOFError, KeyError, TypeError) as error:
        raise DataError(f"{path.name}: {_read_advice(str(error), table, path)}") from None
    return Raw(table, path.name, relation, first_row, _types(con, relation), path)


def _read_advice(message: str, table: str, path: Path) -> str:
    first = (message.strip().splitlines() or ["nothing more is known"])[0].replace(str(path), path.name)
    lowered = message.lower()
    line = match[0] if (match := re.search(r"(?<=CSV Error on Line: )\d+", message)) else ""
    where = f"line {line}" if line else "it"
    if "unicode" in lowered or "utf-8" in lowered or "codec can't decode" in lowered:
        advice = f"Name its encoding, for example source.tables.{table}.encoding: gb18030."
        return f"{where} is not text in the encoding it is read with. {advice}"
    if match := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message):
        than = "more" if int(match[2]) > int(match[1]) else "fewer"
        return (
            f"{where} has {than} cells than the first line, which must be the header and has {match[1]}. Mend the line, or "
            f"name what stands between cells: source.tables.{table}.delimiter."
        )
    if "quote" in lowered and line:
        return f"{where} begins a cell with a quotation mark that is not closed, or not doubled inside. Mend the line."
    if path.name.endswith(".xlsx"):
        return f"it is not an Excel workbook, or a damaged one ({first}). Save it as .xlsx again."
    return f"it cannot be read, or is cut off: {first}. Export it again."


def _register(con: duckdb.DuckDBPyConnection, relation: str, frame: pd.DataFrame) -> None:
    con.register("incoming", frame)
    con.execute(f"CREATE TABLE {relation} AS SELECT * FROM incoming")
    con.unregister("incoming")


def _excel(path: Path, how: TableSource) -> pd.DataFrame:
    """A worksheet as text cells; real dates become ISO text, whole numbers lose their '.0'."""
    with pd.ExcelFile(path) as book:
        if how.sheet and how.sheet not in book.sheet_names:
            raise DataError(f"there is no sheet '{how.sheet}'. {nearest(how.sheet, map(str, book.sheet_names))}")
        # a cell that reads NA or null is a word, not a gap
        cells = pd.read_excel(
            book, sheet_name=how.sheet or 0, header=None, dtype=object, keep_default_na=False, na_values=[]
        )
    if cells.empty:
        raise DataError("the sheet is empty. Export it again, or take it away: every table is optional.")
    if isinstance(how.header, list):
        if len(how.header) != cells.shape[1]:
            raise DataError(f"its sheet has {cells.shape[1]} columns, but 'header' names {len(how.header)}.")
        names = distinct(how.header)
    else:
        names, cells = distinct([_cell(cell) or "" for cell in cells.iloc[0]]), cells.iloc[1:]
    ways = [how.formats.get(how.columns.get(name, plain(name))) for name in names]
    return pd.DataFrame(
        {
            name: pd.array([_cell(cell, ways[n]) for cell in cells.iloc[:, n]], dtype="string")
            for n, name in enumerate(names)
        }
    )


def _cell(cell: object, written: str | None = None) -> str | None:
    """A cell as text; what is a number or a date in the workbook is written as the texts of its column are said to be."""
    if cell is None or cell is pd.NaT or cell == "" or (isinstance(cell, float) and cell != cell):
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, float) and written in NUMBERS:
        return str(cell).replace(".", NUMBERS[written][1])
    if isinstance(cell, date) and written is not None and "%" in written:
        return cell.strftime(written)
    return str(cell)


def read_database(con: duckdb.DuckDBPyConnection, path: Path, place: str, how: Mapping[str, TableSource]) -> list[Raw]:
    """The neutral tables that a DuckDB file holds, copied so that the file is free again at once."""
    if not path.is_file():
        raise DataError(f"There is no DuckDB file {place}. Correct source.duckdb in the parameters file.")
    try:
        con.execute(f"ATTACH {literal(str(path))} AS shop (READ_ONLY)")
    except duckdb.Error as error:
        raise DataError(
            f"{place} cannot be opened as a DuckDB file: {str(error).splitlines()[0].replace(str(path), path.name)}"
        ) from None
    listed = con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'shop' UNION ALL "
        "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'shop' AND NOT internal"
    ).fetchall()
    # the engine's names know no case
    there = {name.lower(): f"shop.{quote(schema)}.{quote(name)}" for schema, name in listed}
    raws, problems = [], []
    for table in TABLES:
        item = how.get(table, TableSource())
        wanted = item.file or table
        if item.derive or (wanted not in there and not item.file):
            continue
        if wanted.lower() not in there:
            problems.append(Problem(f"{place} · {table}", f"there is no table '{wanted}'. {nearest(wanted, there)}"))
            continue
        relation = f"raw_{table}"
        try:
            con.execute(f"CREATE TABLE {relation} AS SELECT * FROM {there[wanted.lower()]}")
        except duckdb.Error as error:
            problems.append(Problem(f"{place} · {wanted}", f"cannot be read: {str(error).splitlines()[0]}"))
            continue
        raws.append(Raw(table, f"{place} · {wanted}", relation, 1, _types(con, relation), path))
    con.execute("DETACH shop")
    if problems:
        raise DataError.of(f"{place} does not hold what the parameters file names", problems)
    if not raws:
        raise DataError(
            f"{place} holds none of the known tables, only {few(there)}. Name them under source.tables.NAME.file."
        )
    return raws


def read_frame(con: duckdb.DuckDBPyConnection, table: str, frame: pd.DataFrame) -> Raw:
    """An analyst's own frame as a raw table; its rows count from 0, as pandas does."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{table} must be a pandas DataFrame, found {type(frame).__name__}.")
    if frame.columns.empty:
        raise DataError(f"{table} (frame) has no columns.")
    relation = f"raw_{table}"
    try:
        _register(con, relation, frame.set_axis(distinct(list(frame.columns)), axis="columns").reset_index(drop=True))
    except duckdb.Error as error:
        raise DataError(f"{table} (frame) cannot be read: {str(error).splitlines()[0]}") from None
    return Raw(table, f"{table} (frame)", relation, 0, _types(con, relation))


def _types(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {row[0]: row[1] for row in con.execute(f"DESCRIBE {relation}").fetchall()}


def content_hash(path: Path, remembered: Path) -> str:
    """SHA-256 of a file; remembered by size and time of change, so that opening again does not read it again."""
    stat = path.stat()
    # copying tools set the time of change back to the original's, never that of the file's own record
    # the numbers of device and file tell apart what one link leads to, today and tomorrow
    told = (path.absolute(), stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    key = "|".join(map(str, told))
    known = _hashes(remembered)
    if key in known:
        return known[key]
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    # a file written this very moment may be written again with the same size and the same time of change
    if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > JUST_NOW:
        text = json.dumps({**known, key: content}, indent=0)
        write_whole(remembered, text.encode(), again=True, lasting=False)
    return content


def _hashes(file: Path) -> Mapping[str, str]:
    """What a file of hashes holds; read once as long as it stays as it is, for each table asks for its own."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return {}
    return _read_hashes(file, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@lru_cache(maxsize=4)
def _read_hashes(file: Path, *_: int) -> Mapping[str, str]:
    try:
        return MappingProxyType(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}  # cut off by a kill: it is only a memory


def rows_of(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[object, ...]]:
    """The rows of a query."""
    yield from con.execute(query).fetchall()
