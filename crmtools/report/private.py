"""The values of a source that no reader may see: ids before they were replaced, and personal fields."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
from sqlglot.dialects.duckdb import DuckDB

from crmtools.settings import Settings, TableSource
from crmtools.tables import TABLES
from crmtools.tables.reading import Raw, files_of, quote, read_database, read_file
from crmtools.tables.schema import Column
from crmtools.tables.side_by_side import draw_no_bars
from crmtools.tables.typing import plan

PUBLIC_IDS = ("item", "survey", "campaign", "product")
"""What these identify is named on pages: questions, surveys, campaigns, goods."""
SQL_WORDS = frozenset(part.casefold() for words in DuckDB.Tokenizer.KEYWORDS for part in words.split())
"""Pages print the query behind a number; a customer whose name is Null cannot be told from a word of SQL there."""


def private_values(settings: Settings, con: duckdb.DuckDBPyConnection | None = None) -> set[str]:
    """The raw ids of people and deals, and every personal value, as they stand in the source.

    Nothing of a column that the parameters file keeps (``source.keep_personal``), and no ids where pseudonyms
    are off. ``con`` is the connection to read through, which is closed afterwards, for whoever may have to interrupt it.
    """
    con = con or duckdb.connect()
    try:
        draw_no_bars(con)
        found: set[str] = set()
        for raw in _raws(con, settings):
            table = TABLES[raw.table]
            how = settings.source.tables.get(raw.table, TableSource())
            made, _ = plan(table, raw, how, settings.report.segments if raw.table == "customers" else ())
            for column in table.columns:
                if made.has(column.name) and _is_private(column, raw.table, settings):
                    header = quote(made.headers[column.name])
                    rows = con.execute(
                        f"SELECT DISTINCT trim(CAST({header} AS VARCHAR)) FROM {raw.relation}"
                    ).fetchall()
                    found |= {value for (value,) in rows if value}
        return {value for value in found if value.casefold() not in SQL_WORDS}
    finally:
        con.close()


def _raws(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Raw]:
    if settings.source.duckdb:
        path: Path = settings.root / settings.source.duckdb
        yield from read_database(con, path, settings.source.duckdb, settings.source.tables)
        return
    files, _ = files_of(settings.source, settings.root)
    for table, file in files.items():
        yield read_file(con, table, file, settings.source.tables.get(table, TableSource()))


def _is_private(column: Column, table: str, settings: Settings) -> bool:
    if column.personal:
        return f"{table}.{column.name}" not in settings.source.keep_personal
    return settings.source.pseudonyms and column.type == "id" and column.names not in PUBLIC_IDS
