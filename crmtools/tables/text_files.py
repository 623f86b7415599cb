"""Text files: the header says how a line is cut and what its cells are; every line must have as many.

Nothing is guessed from the rows: a guess that skips a line, or joins its cells into one, loses data silently.
"""

import csv
import gzip
import re
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TextIO

import duckdb
import pandas as pd

from crmtools.errors import DataError
from crmtools.settings import TableSource

DELIMITERS = (",", ";", "\t", "|")
WHITESPACE = "whitespace"
LONGEST_HEADER = 50
"""Lines that a header may take when its cells hold line breaks."""


def read_text(con: duckdb.DuckDBPyConnection, relation: str, path: Path, how: TableSource) -> int:
    """Load a text file as a relation of text cells; returns the row number of its first record."""
    try:
        with opened(path, how.encoding) as file:
            if how.delimiter == WHITESPACE:
                return _whitespace(con, relation, file, how)
            skip, header = _first_record(file)
    except LookupError:
        raise DataError(no_encoding(how.encoding)) from None
    delimiter = how.delimiter or max(DELIMITERS, key=_outside_quotes(header).count)
    cells = header.split(delimiter)
    if len(delimiter) == 1:
        cells = next(csv.reader([header], delimiter=delimiter))
    names = _names(cells, how)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    options = (
        f"auto_detect=false, header={'false' if isinstance(how.header, list) else 'true'}, skip={skip}, "
        f"delim={literal(delimiter)}, quote='\"', escape='\"', null_padding=false, columns={{{columns}}}"
    )
    create = f"CREATE TABLE {relation} AS SELECT * FROM read_csv"
    if _is_utf8(how.encoding) and not path.name.endswith(".gz"):
        con.execute(f"{create}({file_literal(path)}, {options})")
    else:
        # the engine reads UTF-8 only, and takes what is left of a compressed file that was cut off for the whole
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "utf8.csv"
            with opened(path, how.encoding) as old, copy.open("w", encoding="utf-8", newline="") as new:
                while block := old.read(1 << 20):
                    new.write(block)
            con.execute(f"{create}({file_literal(copy)}, {options})")
    return skip + (1 if isinstance(how.header, list) else 2)


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def file_literal(path: Path) -> str:
    """A file's path as SQL writes it; brackets and stars in it are no patterns."""
    return literal(re.sub(r"([\[*?])", r"[\1]", str(path)))


def distinct(names: Sequence[object]) -> list[str]:
    """Headers as names of columns: one that stands twice becomes ``name (2)``, an empty one ``column 3``."""
    seen: dict[str, int] = {}
    made = []
    for number, name in enumerate(names, start=1):
        text = str(name).strip() or f"column {number}"
        seen[text.casefold()] = times = seen.get(text.casefold(), 0) + 1
        made.append(text if times == 1 else f"{text} ({times})")
    return made


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")


def no_encoding(encoding: str) -> str:
    """What is said of an encoding that does not exist."""
    return f"there is no encoding '{encoding}'. Use utf-8, gb18030, big5 or latin-1."


def opened(path: Path, encoding: str) -> TextIO:
    """A text file, compressed or not; raises LookupError for an encoding that does not exist."""
    encoding = "utf-8-sig" if _is_utf8(encoding) else encoding
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def _first_record(file: TextIO) -> tuple[int, str]:
    """How many blank lines a file begins with, and its first record."""
    lines = iter(file)
    for blank, line in enumerate(lines):
        if line.strip():
            record = line
            for more in chain(lines):
                if record.count('"') % 2 == 0 or record.count("\n") >= LONGEST_HEADER:
                    break
                record += more
            return blank, record.rstrip("\r\n")
    raise DataError("the file is empty. Export it again, or take it away: every table is optional.")


def _outside_quotes(record: str) -> str:
    return re.sub(r'"(?:[^"]|"")*"', "", record)


def _names(cells: Sequence[str], how: TableSource) -> list[str]:
    if not isinstance(how.header, list):
        return distinct(cells)
    if len(cells) != len(how.header):
        raise DataError(f"its first line has {len(cells)} cells, but 'header' names {len(how.header)}.")
    return distinct(how.header)


def _whitespace(con: duckdb.DuckDBPyConnection, relation: str, file: TextIO, how: TableSource) -> int:
    """Cells set apart by blanks: any number of them, also at the beginning of a line."""
    first, names = 1, how.header if isinstance(how.header, list) else None

    def cells() -> Iterator[list[str]]:
        nonlocal first, names
        for number, line in enumerate(file, start=1):
            parts = line.split()
            if not parts:
                continue
            if names is None:
                first, names = number + 1, parts
            elif len(parts) != len(names):
                than = f"{len(parts)} cells, the header has {len(names)}"
                raise DataError(f"line {number} has {than}. Mend the line.")
            else:
                yield parts

    rows = list(cells())
    if names is None:
        raise DataError("the file is empty. Export it again, or take it away: every table is optional.")
    frame = pd.DataFrame(rows, columns=distinct(names), dtype="string")
    con.register("incoming", frame)
    con.execute(f"CREATE TABLE {relation} AS SELECT * FROM incoming")
    con.unregister("incoming")
    return first
