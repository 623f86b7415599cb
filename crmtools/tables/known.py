"""The tables as they were known at the end of a day: views over all that was read.

What a table looks like is asked of the engine once per state of the data and remembered with the answers: every notebook
opens the same tables, and asking again for each would take longer than most of its questions.
"""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir

from crmtools.tables import TABLES
from crmtools.tables.answers import Answers
from crmtools.tables.part import WHOLE, Cut
from crmtools.tables.reading import quote

REMEMBERED = "tables as known"


def known(
    backend: Any, names: Sequence[str], day: date, *, answers: Answers, schema: str = "main", cut_to: Cut = WHOLE
) -> tuple[dict[str, ir.Table], dict[str, int]]:
    """Views of ``all_NAME`` as known at the end of a day, cut to a part of the customers, and how many rows of each began later."""
    names = [name for name in names if name not in cut_to.whole]
    if (told := answers.text(REMEMBERED)) is None:
        columns = {name: _columns(backend, f"all_{name}") for name in names}
    else:
        columns = json.loads(told)["columns"]
    began = _began(columns, day, schema)

    def of(name: str) -> str:
        return cut_to.conditions.get(name, "true")

    views = [f"CREATE SCHEMA IF NOT EXISTS {schema}"] if schema != "main" else []
    for name, condition in began.items():
        chosen = ", ".join(_column(name, column, day) for column in columns[name])
        views.append(
            f"CREATE OR REPLACE VIEW {schema}.{name} AS SELECT {chosen} FROM main.all_{name} WHERE ({condition}) AND {of(name)}"
        )
    backend.con.execute(";\n".join(views))
    if told is None:
        counts = [f"(SELECT count(*) FROM main.all_{name} WHERE NOT ({began[name]}) AND {of(name)})" for name in names]
        later = backend.con.execute(f"SELECT {', '.join(counts)}").fetchone() if names else ()
        cut = dict(zip(names, map(int, later), strict=True))
        columns = {name: _columns(backend, name, schema) for name in names}
        answers.keep_text(REMEMBERED, json.dumps({"columns": columns, "cut": cut}))
    else:
        cut = json.loads(told)["cut"]
    return {name: _table(backend, name, columns[name], schema) for name in names}, {name: cut[name] for name in names}


def _columns(backend: Any, name: str, schema: str = "main") -> dict[str, str]:
    """Column → type, as Ibis writes it."""
    place = None if schema == "main" else schema
    return {column: str(kind) for column, kind in backend.get_schema(name, database=place).items()}


def _column(table: str, column: str, day: date) -> str:
    """A column of a view; what happened to a row later than the day is not known yet."""
    spec = TABLES[table]
    if column in spec and spec[column].later:
        return f"CASE WHEN {quote(column)} < {_end(day)} THEN {quote(column)} END AS {quote(column)}"
    return quote(column)


def _began(columns: dict[str, dict[str, str]], day: date, schema: str) -> dict[str, str]:
    """Which rows of a table were there: what has no time of its own began with what it belongs to, whose view comes first."""
    found: dict[str, str] = {}
    for name in sorted(columns, key=lambda name: not TABLES[name].time):
        spec, there = TABLES[name], columns[name]
        time = quote(spec.time) if spec.time in there else ""
        condition = f"{time} < {_end(day)} OR {time} IS NULL" if time else "true"
        for column in spec.columns:
            if not spec.time and column.refers in found and column.name in there:
                parent, own = quote(TABLES[column.refers].key[0]), quote(column.name)
                condition += f" AND ({own} IS NULL OR {own} IN (SELECT {parent} FROM {schema}.{column.refers}))"
        found[name] = condition
    return found


def _end(day: date) -> str:
    return f"DATE '{day + timedelta(days=1)}'"


def _table(backend: Any, name: str, columns: dict[str, str], schema: str) -> ir.Table:
    """What ``backend.table`` gives, its columns known already."""
    types = ibis.schema({column: _type(kind) for column, kind in columns.items()})
    place = ops.Namespace(catalog=None, database=None if schema == "main" else schema)
    return ops.DatabaseTable(name, schema=types, source=backend, namespace=place).to_expr()


@cache
def _type(written: str) -> dt.DataType:
    return dt.dtype(written)
