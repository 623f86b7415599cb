"""Reading a source as it stands: files, DuckDB tables and frames become raw tables on the engine.

Nothing is interpreted here. Text files arrive as text, so that a cell which cannot be understood can be shown as it was
written, with its row as a spreadsheet counts it (the header is row 1).
"""

import hashlib
import importlib.util
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from crmtools.errors import DataError, Problem, few, nearest
from crmtools.settings import Source, TableSource
from crmtools.tables import TABLES

ENDINGS = (".csv", ".csv.gz", ".tsv", ".txt", ".parquet", ".xlsx")


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


def quote(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


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
        return {}, [Problem(str(source.folder), "there is no such folder. Correct source.folder in the parameters file.")]
    for name, written in named.items():
        path = locate(written, folder)
        if path.is_file():
            found[name] = path
        else:
            there = sorted(item.name for item in folder.iterdir() if item.is_file())
            problems.append(Problem(f"{source.folder} · {name}", f"there is no file '{written}'. {nearest(written, there)}"))
    for name in TABLES:
        if name in named or (name in source.tables and source.tables[name].derive):
            continue
        candidates = [folder / f"{name}{ending}" for ending in ENDINGS if (folder / f"{name}{ending}").is_file()]
        if len(candidates) > 1:
            names = few(path.name for path in candidates)
            message = f"several files could be meant: {names}. Name one: source.tables.{name}.file."
            problems.append(Problem(f"{source.folder} · {name}", message))
        elif candidates:
            found[name] = candidates[0]
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


def read_file(con: duckdb.DuckDBPyConnection, table: str, path: Path, how: TableSource) -> Raw:
    """Load one file as a raw table; raises :class:`DataError` naming the file when it cannot be read at all."""
    relation = f"raw_{table}"
    try:
        if path.name.endswith(".parquet"):
            con.execute(f"CREATE TABLE {relation} AS SELECT * FROM read_parquet({literal(str(path))})")
            first_row = 1
        elif path.name.endswith(".xlsx"):
            frame = _excel(path, how)
            con.register("incoming", frame)
            con.execute(f"CREATE TABLE {relation} AS SELECT * FROM incoming")
            con.unregister("incoming")
            first_row = 2 if how.header is True else 1
        else:
            _text(con, relation, path, how)
            first_row = 1 if isinstance(how.header, list) else 2
    except DataError:
        raise
    except duckdb.Error as error:
        raise DataError(f"{path.name}: {_read_advice(str(error), table)}") from None
    except (ValueError, OSError, KeyError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path.name}: {_read_advice(str(error), table)}") from None
    return Raw(table, path.name, relation, first_row, _types(con, relation), path)


def _read_advice(message: str, table: str) -> str:
    first = message.strip().splitlines()[0] if message.strip() else "it cannot be read"
    lowered = message.lower()
    if "unicode" in lowered or "utf-8" in lowered or "codec can't decode" in lowered:
        return f"it is not UTF-8 text. Name its encoding, for example source.tables.{table}.encoding: gb18030."
    if "expected number of columns" in lowered or "sniffing" in lowered:
        return (
            "its rows do not all have the same number of cells, or the delimiter is not recognised. "
            f"Name the delimiter (source.tables.{table}.delimiter) or mend the row. The reader says: {first}"
        )
    return f"cannot be read: {first}"


def _text(con: duckdb.DuckDBPyConnection, relation: str, path: Path, how: TableSource) -> None:
    names = how.header if isinstance(how.header, list) else None
    if how.delimiter == "whitespace":
        frame = pd.read_csv(
            path, sep=r"\s+", dtype=str, header=None if names else 0, names=names, encoding=how.encoding, keep_default_na=False
        )
        con.register("incoming", frame.reset_index(drop=True))
        con.execute(f"CREATE TABLE {relation} AS SELECT * FROM incoming")
        con.unregister("incoming")
        return
    options = ["all_varchar=true", "null_padding=false", f"header={'false' if names else 'true'}", "sample_size=20000"]
    if how.delimiter:
        options.append(f"delim={literal(how.delimiter)}")
    if names:
        options.append(f"names=[{', '.join(literal(name) for name in names)}]")
    if how.encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig"):
        con.execute(f"CREATE TABLE {relation} AS SELECT * FROM read_csv({literal(str(path))}, {', '.join(options)})")
        return
    # the engine reads UTF-8 only
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "utf8.csv"
        try:
            with path.open(encoding=how.encoding, newline="") as old, copy.open("w", encoding="utf-8", newline="") as new:
                while block := old.read(1 << 20):
                    new.write(block)
        except LookupError:
            raise DataError(f"{path.name}: there is no encoding '{how.encoding}'. Use utf-8, gb18030, big5, latin-1, …") from None
        con.execute(f"CREATE TABLE {relation} AS SELECT * FROM read_csv({literal(str(copy))}, {', '.join(options)})")


def _excel(path: Path, how: TableSource) -> pd.DataFrame:
    """A worksheet as text cells; real dates become ISO text, whole numbers lose their '.0'."""
    names = how.header if isinstance(how.header, list) else None
    sheet = how.sheet or 0
    frame = pd.read_excel(path, sheet_name=sheet, header=None if names else 0, names=names, dtype=object)

    def text(cell: object) -> str | None:
        if cell is None or cell is pd.NaT or (isinstance(cell, float) and cell != cell):
            return None
        if isinstance(cell, float) and cell.is_integer():
            return str(int(cell))
        return cell.isoformat(sep=" ") if isinstance(cell, pd.Timestamp) else str(cell)

    return pd.DataFrame({str(name): pd.array([text(cell) for cell in frame[name]], dtype="string") for name in frame.columns})


def read_database(con: duckdb.DuckDBPyConnection, path: Path, place: str, how: Mapping[str, TableSource]) -> list[Raw]:
    """The neutral tables that a DuckDB file holds, copied so that the file is free again at once."""
    if not path.is_file():
        raise DataError(f"There is no DuckDB file {place}. Correct source.duckdb in the parameters file.")
    try:
        con.execute(f"ATTACH {literal(str(path))} AS shop (READ_ONLY)")
    except duckdb.Error as error:
        raise DataError(f"{place} cannot be opened as a DuckDB file: {str(error).splitlines()[0]}") from None
    there = [row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name='shop'").fetchall()]
    there += [
        row[0]
        for row in con.execute("SELECT view_name FROM duckdb_views() WHERE database_name='shop' AND NOT internal").fetchall()
    ]
    raws, problems = [], []
    for table in TABLES:
        item = how.get(table, TableSource())
        wanted = item.file or table
        if item.derive or (wanted not in there and not item.file):
            continue
        if wanted not in there:
            problems.append(Problem(f"{place} · {table}", f"there is no table '{wanted}'. {nearest(wanted, there)}"))
            continue
        relation = f"raw_{table}"
        con.execute(f"CREATE TABLE {relation} AS SELECT * FROM shop.{quote(wanted)}")
        raws.append(Raw(table, f"{place} · {wanted}", relation, 1, _types(con, relation), path))
    con.execute("DETACH shop")
    if problems:
        raise DataError.of(f"{place} does not hold what the parameters file names", problems)
    if not raws:
        raise DataError(f"{place} holds none of the known tables, only {few(there)}. Name them under source.tables.NAME.file.")
    return raws


def read_frame(con: duckdb.DuckDBPyConnection, table: str, frame: pd.DataFrame) -> Raw:
    """An analyst's own frame as a raw table; its rows count from 0, as pandas does."""
    relation = f"raw_{table}"
    con.register("incoming", frame.reset_index(drop=True))
    con.execute(f"CREATE TABLE {relation} AS SELECT * FROM incoming")
    con.unregister("incoming")
    return Raw(table, f"{table} (frame)", relation, 0, _types(con, relation))


def _types(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {row[0]: row[1] for row in con.execute(f"DESCRIBE {relation}").fetchall()}


def content_hash(path: Path, remembered: Path) -> str:
    """SHA-256 of a file; remembered by size and time of change, so that opening again does not read it again."""
    stat = path.stat()
    key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
    known: dict[str, str] = {}
    if remembered.is_file():
        try:
            known = json.loads(remembered.read_text(encoding="utf-8"))
        except ValueError:
            known = {}  # cut off by a kill: it is only a memory
    if key not in known:
        with path.open("rb") as file:
            known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        remembered.parent.mkdir(parents=True, exist_ok=True)
        part = remembered.with_name(f"{remembered.name}.{hashlib.sha256(key.encode()).hexdigest()[:8]}.part")
        part.write_text(json.dumps(known, indent=0), encoding="utf-8")
        part.replace(remembered)
    return known[key]


def rows_of(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[object, ...]]:
    """The rows of a query."""
    yield from con.execute(query).fetchall()
