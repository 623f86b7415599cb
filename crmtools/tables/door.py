"""The door: data are read, checked and pseudonymised once, into a snapshot that every notebook opens.

Nothing personal and no raw id passes it. What was read, left out and dropped is kept beside the tables as a
:class:`crmtools.tables.door_report.DoorReport`, which the data-quality chapter shows.
"""

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from types import MappingProxyType

import duckdb

from crmtools.errors import UNTOUCHED, DataError, Problem
from crmtools.settings import Listing, Settings, TableSource
from crmtools.tables import TABLES
from crmtools.tables.checks import MOST_WORDS, checks_of, currency_problems, find_problems
from crmtools.tables.door_report import DoorReport, TableReport
from crmtools.tables.privacy import pseudonym_sql
from crmtools.tables.reading import Raw, literal, locate, quote
from crmtools.tables.schema import TYPE_WORDS, Table
from crmtools.tables.side_by_side import side_by_side
from crmtools.tables.text_files import no_encoding, opened
from crmtools.tables.typing import Plan, cell_sql, plan, value_sql


def pass_the_door(
    con: duckdb.DuckDBPyConnection,
    raws: list[Raw],
    settings: Settings,
    *,
    key: bytes | None,
    unreadable: Mapping[str, Problem] = MappingProxyType({}),
) -> DoorReport:
    """Turn raw tables into clean ones (relations named after the tables) or raise one error with all problems.

    ``key`` makes the pseudonyms; None keeps ids as they are, for an analyst's own frames. ``unreadable`` names the
    tables that could not even be read: they are reported together with what is wrong with the others.
    """
    problems: list[Problem] = [*unreadable.values()]
    plans: dict[str, Plan] = {}
    sound: dict[str, Plan] = {}
    segments = settings.report.segments
    for raw in raws:
        how = settings.source.tables.get(raw.table, TableSource())
        made, wrong = plan(TABLES[raw.table], raw, how, segments if raw.table == "customers" else ())
        if (
            raw.origin
            and "empty" not in how.leave_out
            and not con.execute(f"SELECT 1 FROM {raw.relation} LIMIT 1").fetchone()
        ):
            wrong.append(Problem(raw.place, _no_rows(raw.table)))
        problems += wrong
        plans[raw.table] = made
        if not wrong:
            sound[raw.table] = made
    side_by_side(con, lambda own, made: _type(own, made, settings), sound.values())
    left_out: dict[str, dict[str, int]] = {name: {} for name in plans}
    # what is sound is looked at even where another table is not, so that everything is said at once
    checked = side_by_side(
        con,
        lambda own, made: [*find_problems(own, made, list(checks_of(made, sound)), left_out[made.table.name])],
        sound.values(),
    )
    problems += [problem for found in checked for problem in found]
    rates = "fx_rates" in plans
    if "fx_rates" in sound or not (rates or "fx_rates" in unreadable):
        for made in sound.values():
            problems += currency_problems(con, made, currency=settings.report.currency, rates=rates)
    problems += _listing_problems(settings, plans)
    if "customers" not in unreadable:
        problems += _segment_problems(settings, plans)
    if problems:
        tables = sorted({problem.place.split(" · ")[0] for problem in problems})
        title = f"{len(problems)} problem{'s'[: len(problems) > 1]} in {', '.join(tables)}"
        raise DataError.of(title, problems, UNTOUCHED)
    _drop_tests(con, plans, left_out)
    if "customers" not in plans and "orders" in plans and _derives(settings):
        plans["customers"] = _derive_customers(con, plans["orders"], left_out)

    def finished(own: duckdb.DuckDBPyConnection, made: Plan) -> TableReport:
        _finish(own, made, settings, key)
        return _report(own, made, left_out[made.table.name], settings)

    read = side_by_side(con, finished, plans.values())
    return DoorReport.of(read, _remarks(plans, read))


def _no_rows(table: str) -> str:
    return (
        "has a header but no rows. Export it again, or take it away: every table is optional. Where nothing is there to be "
        f"exported, say so: source.tables.{table}.leave_out: [empty]."
    )


def _derives(settings: Settings) -> bool:
    how = settings.source.tables.get("customers")
    return how is not None and how.derive == "orders"


def _type(con: duckdb.DuckDBPyConnection, made: Plan, settings: Settings) -> None:
    """The relation ``typed_NAME``: ``_row``, the values, and beside each the cell as it was written."""
    parts = [f"rowid + {made.raw.first_row} AS _row"]
    for name in made.headers:
        parts.append(f"{value_sql(made, made.column(name), settings.report.time_zone)} AS {quote(name)}")
        parts.append(f"{cell_sql(made, name)} AS {quote(f'cell:{name}')}")
    missing_key = made.table.generated_key and not made.has(made.table.key[0])
    if missing_key:
        parts.append(f"CAST(rowid + {made.raw.first_row} AS VARCHAR) AS {quote(made.table.key[0])}")
    con.execute(f"CREATE TABLE typed_{made.table.name} AS SELECT {', '.join(parts)} FROM {made.raw.relation}")
    con.execute(f"DROP TABLE {made.raw.relation}")


def _drop_tests(con: duckdb.DuckDBPyConnection, plans: Mapping[str, Plan], left_out: dict[str, dict[str, int]]) -> None:
    """Take out test, staff and inter-company accounts, and every row that hangs on them."""
    if "customers" not in plans or not plans["customers"].has("is_test"):
        return
    con.execute("CREATE TABLE gone_customers AS SELECT customer_id AS id FROM checked_customers WHERE is_test")
    order = TopologicalSorter(
        {
            name: [c.refers for c in made.table.columns if c.refers in plans and made.has(c.name)]
            for name, made in plans.items()
        }
    )
    for name in order.static_order():
        made = plans[name]
        hangs = [
            f"{quote(column.name)} IN (SELECT id FROM gone_{column.refers})"
            for column in made.table.columns
            if column.refers in plans and made.has(column.name)
        ]
        condition = "is_test" if name == "customers" else " OR ".join(hangs)
        if name != "customers":
            own = quote(made.table.key[0]) if made.table.key else "NULL"
            con.execute(
                f"CREATE TABLE gone_{name} AS SELECT {own} AS id FROM checked_{name} WHERE {condition or 'false'}"
            )
        if condition:
            count = con.execute(
                f"SELECT count(*) FROM checked_{name} WHERE ({condition}) AND left_out IS NULL"
            ).fetchone()
            if count and count[0]:
                left_out[name]["test_account"] = count[0]
                con.execute(
                    f"UPDATE checked_{name} SET left_out = 'test_account' WHERE ({condition}) AND left_out IS NULL"
                )


def _derive_customers(con: duckdb.DuckDBPyConnection, orders: Plan, left_out: dict[str, dict[str, int]]) -> Plan:
    """One customer per id seen in the orders, acquired on the day of the first order that was completed."""
    done = "(status IS NULL OR status = 'completed')" if orders.has("status") else "true"
    con.execute(
        "CREATE TABLE checked_customers AS SELECT row_number() OVER (ORDER BY customer_id) AS _row, customer_id, "
        f"CAST(coalesce(min(ordered_at) FILTER ({done}), min(ordered_at)) AS DATE) AS acquired_at, "
        "NULL::VARCHAR AS left_out FROM checked_orders WHERE left_out IS NULL GROUP BY customer_id"
    )
    left_out["customers"] = {}
    raw = Raw("customers", f"derived from {orders.raw.place}", "", 1, {})
    headers = {"customer_id": "customer_id", "acquired_at": "acquired_at"}
    return Plan(TABLES["customers"], raw, TableSource(), headers, ())


def _finish(con: duckdb.DuckDBPyConnection, made: Plan, settings: Settings, key: bytes | None) -> None:
    """The clean relation: rows that count, money in the report's currency, ids as pseudonyms, nothing personal."""
    table, name = made.table, made.table.name
    currency = literal(settings.report.currency)
    convert = made.has("currency") and bool(table.time) and bool(made.amounts)
    has_rates = _exists(con, "checked_fx_rates")
    rate = f"CASE WHEN o.currency IS NULL OR o.currency = {currency} THEN 1.0 ELSE f.rate END" if has_rates else "1.0"
    kept = settings.source.keep_personal
    columns, joins = [], ""
    for column in [*table.columns, *(made.column(extra) for extra in made.extra)]:
        present = made.has(column.name) or (table.generated_key and (column.name,) == table.key)
        if not present or (column.personal and f"{name}.{column.name}" not in kept):
            continue
        value = f"o.{quote(column.name)}"
        if column.type == "money" and convert:
            value = f"{value} * {rate}"
        elif column.type == "id" and key is not None and not _repeats(con, table, column.name):
            value = pseudonym_sql(key, column.names, value)
        elif column.type == "id" and key is not None:  # each is made once, however many rows name it
            known = quote(f"known {column.name}")
            different = f"SELECT DISTINCT {quote(column.name)} AS id FROM checked_{name} WHERE left_out IS NULL"
            joins += (
                f" LEFT JOIN (SELECT id, {pseudonym_sql(key, column.names, 'id')} AS pseudonym FROM ({different})) {known} "
                f"ON {known}.id = {value}"
            )
            value = f"{known}.pseudonym"
        elif column.name == "currency" and convert:
            value = f"CASE WHEN o.currency IS NOT NULL THEN {currency} END"
        columns.append(f"{value} AS {quote(column.name)}")
    if name == "customers":
        how = settings.source.tables.get("customers", TableSource())
        for number, (label, listing) in enumerate(how.lists.items()):
            ids = sorted(_listed(listing, settings))
            con.execute(f"CREATE TABLE listed_{number} AS SELECT unnest(?::VARCHAR[]) AS id", [ids])
            columns.append(
                f"CASE WHEN o.customer_id IN (SELECT id FROM listed_{number}) THEN 'yes' ELSE 'no' END AS {quote(label)}"
            )
    if convert and has_rates:
        joins += (
            " ASOF LEFT JOIN (SELECT currency, date, rate FROM checked_fx_rates WHERE left_out IS NULL) f "
            f"ON o.currency = f.currency AND CAST(o.{quote(table.time)} AS DATE) >= f.date"
        )
    con.execute(
        f"CREATE TABLE {name} AS SELECT {', '.join(columns)} FROM checked_{name} o{joins} WHERE o.left_out IS NULL ORDER BY o._row"
    )


def _repeats(con: duckdb.DuckDBPyConnection, table: Table, column: str) -> bool:
    """Whether rows name the same ids again and again, so that to find a pseudonym takes less than to make one."""
    if (column,) == table.key:
        return False
    asked = f"SELECT count({quote(column)}) > 2 * approx_count_distinct({quote(column)}) FROM checked_{table.name}"
    return bool((con.execute(asked).fetchone() or (False,))[0])


def _exists(con: duckdb.DuckDBPyConnection, relation: str) -> bool:
    return bool(con.execute(f"SELECT 1 FROM duckdb_tables() WHERE table_name = {literal(relation)}").fetchone())


def _listed(listing: Listing, settings: Settings) -> set[str]:
    """The ids that a file lists; raises DataError when it cannot be read."""
    try:
        with opened(locate(listing.file, settings.root), listing.encoding) as file:
            words = [line.replace(",", " ").split() for line in file.read().splitlines()]
    except LookupError:
        raise DataError(no_encoding(listing.encoding)) from None
    except UnicodeError:
        raise DataError(
            f"'{listing.file}' is not text in the encoding it is read with ({listing.encoding}). Save it as UTF-8, or name "
            "its encoding here, for example encoding: gb18030."
        ) from None
    except (OSError, EOFError) as error:
        raise DataError(
            f"'{listing.file}' cannot be read: {getattr(error, 'strerror', None) or error}. Export it again."
        ) from None
    return {parts[listing.column - 1] for parts in words if len(parts) >= listing.column}


def _listing_problems(settings: Settings, plans: Mapping[str, Plan]) -> list[Problem]:
    problems = []
    for name, how in settings.source.tables.items():
        taken = {column.casefold() for column in plans[name].headers} if name in plans else set()
        for label, listing in how.lists.items():
            place = f"source.tables.{name}.lists.{label}"
            if name != "customers":
                problems.append(Problem(place, "only customers can be listed."))
            elif not locate(listing.file, settings.root).is_file():
                problems.append(Problem(place, f"there is no file '{listing.file}'."))
            elif label.casefold() in taken:  # the engine's names know no case
                problems.append(
                    Problem(place, f"customers have a column '{label}' already. Give the list another name.")
                )
            else:
                taken.add(label.casefold())
                try:
                    _listed(listing, settings)
                except DataError as error:
                    problems.append(Problem(place, str(error)))
    if _derives(settings) and "orders" not in plans:
        problems.append(Problem("source.tables.customers.derive", "there are no orders to derive customers from."))
    return problems


def _segment_problems(settings: Settings, plans: Mapping[str, Plan]) -> list[Problem]:
    """Segments that customers do not have, or that are no category."""
    known = set(settings.source.tables.get("customers", TableSource()).lists)
    if "customers" in plans:
        customers = plans["customers"]
        known |= {name for name in customers.headers if customers.column(name).type == "category"}
    elif not _derives(settings):
        message = "there is no table customers that could have it. Add the table, or take the segment away."
        return [Problem(f"report.segments · {name}", message) for name in settings.report.segments]
    problems = []
    for name in settings.report.segments:
        if name in known:
            continue
        column = next((item for item in TABLES["customers"].columns if item.name == name), None)
        if column is None or column.type == "category":
            message = (
                f"customers have no column '{name}'. They can be split by {', '.join(sorted(known)) or 'nothing'}."
            )
        elif column.personal:
            message = f"'{name}' is personal and does not pass the door. Take it away."
        else:
            message = f"'{name}' is no category ({TYPE_WORDS[column.type].en}). Take it away."
        problems.append(Problem(f"report.segments · {name}", message))
    return problems


def _report(con: duckdb.DuckDBPyConnection, made: Plan, left_out: dict[str, int], settings: Settings) -> TableReport:
    table, name = made.table, made.table.name
    columns = [row[0] for row in con.execute(f"DESCRIBE {name}").fetchall()]
    fills = ", ".join(f"count({quote(column)})" for column in columns)
    counts = con.execute(f"SELECT count(*), {fills} FROM {name}").fetchone() or (0,)
    kept = counts[0]
    first = last = ""
    if table.time and table.time in columns:
        span = con.execute(f"SELECT min({quote(table.time)}), max({quote(table.time)}) FROM {name}").fetchone()
        first, last = (str(day)[:10] if day is not None else "" for day in span or ("", ""))
    personal = tuple(
        c.name
        for c in table.columns
        if c.personal and made.has(c.name) and f"{name}.{c.name}" not in settings.source.keep_personal
    )
    return TableReport(
        name, made.raw.place, kept + sum(left_out.values()), kept, dict(left_out),
        {column: counts[n + 1] / kept if kept else 0.0 for n, column in enumerate(columns)},
        made.unused, personal, first, last, _unmapped(con, made, columns),
    )  # fmt: skip


def _unmapped(con: duckdb.DuckDBPyConnection, made: Plan, columns: Sequence[str]) -> dict[str, dict[str, int]]:
    """The words that were left as they were written, where others of their column were translated: a slip of the pen, most likely."""
    found = {}
    for column, lines in made.how.values.items():
        if not lines or column not in columns:
            continue
        name, known = quote(column), ", ".join(literal(word) for word in lines.values())
        rows = con.execute(
            f"SELECT {name}, count(*) FROM {made.table.name} WHERE {name} NOT IN ({known}) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_WORDS}"
        ).fetchall()
        if rows:
            found[column] = {str(word): int(count) for word, count in rows}
    return found


def _remarks(plans: Mapping[str, Plan], tables: Sequence[TableReport]) -> list[str]:
    return [
        *(f"{made.raw.place}: columns not used: {', '.join(made.unused)}" for made in plans.values() if made.unused),
        *(
            f"{item.place}: {column}: no line of source.tables.{item.table}.values.{column} translates "
            f"{', '.join(f'{word} ({rows:,} rows)' for word, rows in words.items())}; left as written"
            for item in tables
            for column, words in item.unmapped.items()
        ),
    ]
