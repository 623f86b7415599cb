"""The checks at the door. Every table is looked at before anything is said, and all problems are said together.

A kind of problem that a company knows about can be named under ``source.tables.NAME.leave_out``: its rows are then left out
and counted instead of stopping the run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb

from crmtools.errors import Problem, few
from crmtools.tables import remedies
from crmtools.tables.reading import literal, quote, rows_of
from crmtools.tables.typing import Plan, accepted

MOST_WORDS = 20
"""Words that are no known ones, of which each is named."""
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that may be wrong with a row: which kind, which column, the SQL condition, and what to say."""

    kind: str
    column: str
    condition: str
    says: str
    shown: str
    remedy: str


def checks_of(plan: Plan, others: Mapping[str, Plan]) -> Iterator[Check]:
    """Every check that applies to one table, over its typed relation (raw cells are columns ``cell:NAME``)."""
    table = plan.table
    for name in plan.headers:
        column = plan.column(name)
        cell, value = quote(f"cell:{name}"), quote(name)
        if column.required:
            yield Check("missing", name, f"{cell} IS NULL", "are empty, and it is needed", "''", "Fill them.")
        if remedy := accepted(column, plan.raw, plan.headers[name], plan.how.formats.get(name)):
            noun = {"day": "days", "time": "dates", "count": "whole numbers", "flag": "yes or no"}.get(
                column.type, "numbers"
            )
            yield Check("unparsed", name, f"{cell} IS NOT NULL AND {value} IS NULL", f"are not {noun}", cell, remedy)
        if column.values:
            legal = ", ".join(literal(item) for item in column.values)
            yield Check(
                "values", name, f"{value} NOT IN ({legal})", "are not among the known words", cell,
                f"Known: {', '.join(column.values)}. {remedies.name_words(plan.raw, plan.headers[name], name, column.values[0])}",
            )  # fmt: skip
        if column.type in ("number", "money", "count") and not column.signed:
            returned = (
                " AND coalesce(status, '') <> 'returned'" if table.name == "orders" and plan.has("status") else ""
            )
            advice = (
                "Write what was paid back as refund_amount, or give the row the status returned."
                if table.name == "orders"
                else "Correct the sign, or leave such rows out."
            )
            # an exchange rate of nothing would turn amounts into nothing
            least, says = ("<=", "are not above 0") if table.name == "fx_rates" else ("<", "are negative")
            yield Check("negative", name, f"{value} {least} 0{returned}", says, cell, advice)
        if column.refers and column.refers in others:
            parent = others[column.refers]
            found = quote(parent.table.key[0])
            yield Check(
                "orphans", name, f"{value} IS NOT NULL AND {value} NOT IN (SELECT {found} FROM typed_{column.refers} WHERE {found} IS NOT NULL)",
                f"belong to nothing in {parent.raw.place}", value, "Add what is missing there.",
            )  # fmt: skip
    if table.key and all(plan.has(name) for name in table.key):
        same = ", ".join(quote(name) for name in table.key)
        key = table.key[0] if len(table.key) == 1 else " + ".join(table.key)
        shown = " || ' · ' || ".join(f"coalesce(CAST({quote(name)} AS VARCHAR), '')" for name in table.key)
        yield Check(
            "duplicates", key, f"count(*) OVER (PARTITION BY {same}) > 1 AND {quote(table.key[0])} IS NOT NULL",
            "stand more than once", shown, "Each must be unique.",
        )  # fmt: skip
    for earlier, later in table.order:
        if plan.has(earlier) and plan.has(later):
            shown = f"CAST({quote(earlier)} AS VARCHAR) || ' > ' || CAST({quote(later)} AS VARCHAR)"
            yield Check(
                "order", later, f"CAST({quote(earlier)} AS TIMESTAMP) > CAST({quote(later)} AS TIMESTAMP)",
                f"lie before {earlier}", shown, "One of the two is wrong.",
            )  # fmt: skip


def find_problems(
    con: duckdb.DuckDBPyConnection, plan: Plan, checks: list[Check], left_out: dict[str, int]
) -> Iterator[Problem]:
    """Run all checks of one table in a single pass; rows of leniently treated kinds are marked to be left out.

    The typed relation gets a column ``left_out`` (the first kind that applies, or NULL); ``left_out`` counts them.
    """
    relation = f"typed_{plan.table.name}"
    lenient = [check for check in checks if check.kind in plan.how.leave_out]
    if not checks:
        con.execute(f"CREATE TABLE checked_{plan.table.name} AS SELECT *, NULL::VARCHAR AS left_out FROM {relation}")
        return
    flags = ", ".join(f"coalesce({check.condition}, false) AS {quote(f'flag:{n}')}" for n, check in enumerate(checks))
    marks = "".join(f"WHEN {_flag(checks.index(check), check, plan)} THEN {literal(check.kind)} " for check in lenient)
    mark = f"CASE {marks} END" if marks else "NULL::VARCHAR"
    con.execute(
        f"CREATE TABLE checked_{plan.table.name} AS SELECT *, {mark} AS left_out FROM (SELECT *, {flags} FROM {relation})"
    )
    flagged = ", ".join(f"count(*) FILTER ({quote(f'flag:{n}')})" for n in range(len(checks)))
    counts = next(rows_of(con, f"SELECT count(*), {flagged} FROM checked_{plan.table.name}"))
    total = int(str(counts[0]))
    for number, check in enumerate(checks):
        wrong = int(str(counts[number + 1]))
        if not wrong or check in lenient:
            continue
        examples = rows_of(
            con,
            f"SELECT _row, {check.shown} FROM checked_{plan.table.name} WHERE {quote(f'flag:{number}')} "
            f"ORDER BY _row LIMIT {EXAMPLES}",
        )
        shown = ", ".join(f"row {row} {_shown(value)}".rstrip() for row, value in examples)
        shown = f", first: {shown}"
        if check.kind == "values":  # each word has to be mapped, however rare it is
            words = rows_of(
                con,
                f"SELECT {check.shown}, count(*), min(_row) FROM checked_{plan.table.name} WHERE {quote(f'flag:{number}')} "
                f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_WORDS}",
            )
            shown = ": " + ", ".join(f"{_shown(word)} ({rows:,}, first in row {row})" for word, rows, row in words)
        message = (
            f"{wrong:,} of {total:,} values {check.says}{shown}.\n{check.remedy}\n"
            f"{remedies.leave_out(plan.raw, check.kind)}"
        )
        yield Problem(f"{plan.raw.place} · {check.column}", message)
    for kind, count in rows_of(
        con,
        f"SELECT left_out, count(*) FROM checked_{plan.table.name} WHERE left_out IS NOT NULL GROUP BY 1 ORDER BY 1",
    ):
        left_out[str(kind)] = int(str(count))
    if total and sum(left_out.values()) == total:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in left_out.items())
        remedy = "See how its columns are read, or take the table away: every table is optional."
        yield Problem(plan.raw.place, f"nothing remains: all {total:,} rows would be left out ({kinds}). {remedy}")


def _flag(number: int, check: Check, plan: Plan) -> str:
    """Whether a row is left out for a check; of rows that stand more than once the first is kept."""
    flag = quote(f"flag:{number}")
    if check.kind != "duplicates":
        return flag
    same = ", ".join(quote(name) for name in plan.table.key)
    return f"({flag} AND row_number() OVER (PARTITION BY {same} ORDER BY _row) > 1)"


def _shown(value: object) -> str:
    text = "" if value is None else str(value)
    text = text if len(text) <= 40 else text[:37] + "…"
    return f"'{text}'"


def currency_problems(con: duckdb.DuckDBPyConnection, plan: Plan, *, currency: str, rates: bool) -> Iterator[Problem]:
    """Amounts in a currency that cannot be turned into the report's."""
    if not (plan.has("currency") and plan.amounts and plan.table.time):
        return
    relation = f"checked_{plan.table.name}"
    foreign = f"currency IS NOT NULL AND currency <> {literal(currency)} AND left_out IS NULL"
    foreign += f" AND {quote(plan.table.time)} IS NOT NULL"  # a date that cannot be read has been reported
    if not rates:
        found = list(
            rows_of(con, f"SELECT currency, count(*) FROM {relation} WHERE {foreign} GROUP BY 1 ORDER BY 2 DESC")
        )
        if found:
            listed = few(f"{name} ({count} rows)" for name, count in found)
            message = (
                f"amounts in {listed}, but the report is in {currency} and there is no table fx_rates to convert them."
            )
            yield Problem(f"{plan.raw.place} · currency", message)
        return
    missing = list(
        rows_of(
            con,
            f"SELECT o.currency, count(*), min(CAST(o.{quote(plan.table.time)} AS DATE)) FROM {relation} o WHERE {foreign} "
            f"AND NOT EXISTS (SELECT 1 FROM checked_fx_rates f WHERE f.left_out IS NULL AND f.currency = o.currency "
            f"AND f.date <= CAST(o.{quote(plan.table.time)} AS DATE)) GROUP BY 1 ORDER BY 1",
        )
    )
    for name, count, first in missing:
        message = f"{count} rows in {name} have no exchange rate; the first is of {first}. Add a rate of that day or earlier to fx_rates."
        yield Problem(f"{plan.raw.place} · currency", message)
