"""From raw cells to typed columns: which header means which column, and how a cell of each type is understood."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from crmtools.errors import Problem, few, nearest
from crmtools.settings import TableSource
from crmtools.tables import remedies
from crmtools.tables.reading import NUMBERS, Raw, literal, plain, quote
from crmtools.tables.remedies import IGNORE
from crmtools.tables.schema import Column, Table

TRUE, FALSE = ("true", "t", "yes", "y", "1", "是"), ("false", "f", "no", "n", "0", "否")
EPOCH_MS = "epoch_ms"


@dataclass(frozen=True, slots=True)
class Plan:
    """How the columns of one raw table are read: neutral column → header, and the headers that are not used."""

    table: Table
    raw: Raw
    how: TableSource
    headers: Mapping[str, str]
    unused: tuple[str, ...]
    extra: tuple[str, ...] = ()

    def has(self, column: str) -> bool:
        """Whether the source has the column."""
        return column in self.headers

    @property
    def amounts(self) -> tuple[str, ...]:
        """The columns of money that the source has."""
        return tuple(column.name for column in self.table.columns if column.type == "money" and self.has(column.name))

    def column(self, name: str) -> Column:
        """The specification of a column, also of the extra ones that only this source has."""
        if name in self.table:
            return self.table[name]
        from crmtools.words import Text

        return Column(name, "category", Text(name, name))


def plan(table: Table, raw: Raw, how: TableSource, extra: tuple[str, ...]) -> tuple[Plan, list[Problem]]:
    """Match the headers of a raw table with the columns of its specification; ``extra`` are declared segment columns."""
    known = [column.name for column in table.columns] + [name for name in extra if name not in table]
    headers: dict[str, str] = {}
    unused: list[str] = []
    problems = [
        Problem(f"{raw.place} · {header}", f"the header to be mapped is not there. {nearest(header, raw.types)}")
        for header in how.columns
        if header not in raw.types
    ]
    by_plain = {plain(name): name for name in known}
    written = {header.casefold() for header in raw.types}
    for header in raw.types:
        # what stands twice was read as 'name' and 'name (2)'
        once = re.sub(r" \(\d+\)$", "", header)
        once = once if once.casefold() in written else header
        mapped = how.columns.get(once, IGNORE)
        target = how.columns.get(header) or (mapped if mapped != IGNORE else by_plain.get(plain(once)))
        if target == IGNORE:
            continue
        if target is None:
            unused.append(header)
        elif target in headers:
            message = (
                f"two headers mean {target}: '{headers[target]}' and '{header}'. If one is something else, "
                f"{remedies.set_aside(raw, header)}."
            )
            problems.append(Problem(f"{raw.place} · {target}", message))
        else:
            headers[target] = header
    for column in table.columns:
        if column.name in headers:
            continue
        close = nearest(column.name, unused)
        guess = close.removeprefix("Did you mean '").removesuffix("'?") if close.startswith("Did you mean") else ""
        if column.required and not (table.generated_key and (column.name,) == table.key):
            remedy = (
                f"Found '{guess}': {remedies.name_it(raw, guess, column.name)}."
                if guess
                else f"Found {few(raw.types, 8)}. {remedies.name_one(raw, column.name)}."
            )
            problems.append(Problem(f"{raw.place} · {column.name}", f"column missing, and it is needed. {remedy}"))
        elif guess and _looks_misspelled(guess, column.name, known):
            message = (
                f"'{guess}' is no column but close to this one. If it is meant, {remedies.name_it(raw, guess, column.name)}; "
                f"if it is something else, {remedies.set_aside(raw, guess)}."
            )
            problems.append(Problem(f"{raw.place} · {column.name}", message))
    made = Plan(table, raw, how, headers, tuple(unused), tuple(n for n in extra if n in headers and n not in table))
    return made, problems + _format_problems(made)


def _format_problems(made: Plan) -> list[Problem]:
    """Formats that nobody understands, or that stand at a column which is neither date nor number."""
    problems = []
    for name, written in made.how.formats.items():
        place = f"source.tables.{made.table.name}.formats.{name}"
        if made.column(name).type in ("number", "money", "count"):
            if written not in NUMBERS:
                examples = ", ".join(f'"{example}"' for example in NUMBERS)
                problems.append(Problem(place, f"'{written}' is no way to write numbers. Allowed: {examples}."))
        elif made.column(name).type not in ("day", "time"):
            problems.append(Problem(place, f"{name} is no date or number: formats are for these only. Take it away."))
        elif made.has(name) and written != EPOCH_MS and (reason := _format_problem(written)):
            advice = "Write it as %d/%m/%Y %H:%M, or epoch_ms for milliseconds since 1970."
            problems.append(Problem(place, f"'{written}' is no date format{reason}. {advice}"))
    return problems


def _format_problem(written: str) -> str:
    if "%" not in written:
        return ": it has no field such as %Y"
    try:
        duckdb.execute(f"SELECT try_strptime('', {literal(written)})")
    except duckdb.Error as error:
        return f" ({str(error).splitlines()[0].rpartition(': ')[2]})"
    return ""


def _looks_misspelled(header: str, column: str, known: list[str]) -> bool:
    """A header so close to one column, and to no other, that silence would lose a column."""
    import difflib

    return difflib.get_close_matches(plain(header), known, n=1, cutoff=0.85) == [column]


def cell_sql(plan: Plan, name: str) -> str:
    """The cell as text, trimmed; empty text is no value."""
    header, kind = quote(plan.headers[name]), plan.raw.types[plan.headers[name]]
    if kind == "VARCHAR":
        return f"nullif(trim({header}), '')"
    if kind in ("DOUBLE", "FLOAT"):
        # pandas writes missing numbers as NaN; an id that went through a float gets its whole number back
        number = f"CASE WHEN isnan({header}) THEN NULL ELSE {header} END"
        whole = (
            f"CASE WHEN {number} = floor({number}) AND abs({number}) < 9e15 THEN CAST({number} AS BIGINT)::VARCHAR END"
        )
        return f"coalesce({whole}, ({number})::VARCHAR)"
    return f"nullif(trim(CAST({header} AS VARCHAR)), '')"


def value_sql(plan: Plan, column: Column, time_zone: str) -> str:
    """The typed value of a cell; NULL where the cell cannot be understood."""
    header, cell = plan.headers[column.name], cell_sql(plan, column.name)
    source, written = plan.raw.types[header], plan.how.formats.get(column.name)
    match column.type:
        case "id" | "text":
            return cell
        case "category":
            mapped = plan.how.values.get(column.name, {})
            if not mapped:
                return cell
            cases = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in mapped.items())
            return f"CASE {cell} {cases} ELSE {cell} END"
        case "flag":
            options = ", ".join(literal(item) for item in TRUE), ", ".join(literal(item) for item in FALSE)
            return f"CASE WHEN lower({cell}) IN ({options[0]}) THEN true WHEN lower({cell}) IN ({options[1]}) THEN false END"
        case "number" | "money":
            number = quote(header) if source in NUMERIC else number_sql(cell, source, written)
            return f"CASE WHEN isfinite(TRY_CAST({number} AS DOUBLE)) THEN TRY_CAST({number} AS DOUBLE) END"
        case "count":
            number = f"TRY_CAST({number_sql(cell, source, written)} AS DOUBLE)"
            return f"CASE WHEN isfinite({number}) AND {number} = floor({number}) THEN TRY_CAST({number} AS BIGINT) END"
    moment = _moment_sql(quote(header), cell, source, written, time_zone)
    moment = f"CASE WHEN year({moment}) BETWEEN 1900 AND 2199 THEN {moment} END"
    return f"CAST({moment} AS DATE)" if column.type == "day" else moment


NUMERIC = ("DOUBLE", "FLOAT", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER", "HUGEINT")


def number_sql(cell: str, source: str, written: str | None) -> str:
    """The text of a number as the engine reads it; NULL where it is not written in the way that was said: 1.5 is not 15."""
    if written is None or source != "VARCHAR":  # what is a number in the source is written in no way
        return cell
    group, point = NUMBERS[written]
    # exports have unbreakable and thin blanks between thousands, and the typographic apostrophe
    alike = {" ": (160, 8201, 8239), "'": (8217,)}.get(group, ())
    plain_cell = cell
    for code in alike:
        plain_cell = f"replace({plain_cell}, chr({code}), {literal(group)})"
    # nobody sets thousands apart in a number that begins with 0: 0.500 is not 500
    thousands = rf"[1-9][0-9]{{0,2}}(\{group}[0-9]{{3}})+"
    shape = rf"[+-]?({thousands}|[0-9]+)(\{point}[0-9]+)?"
    read = f"replace(replace({plain_cell}, {literal(group)}, ''), {literal(point)}, '.')"
    return f"CASE WHEN regexp_full_match({plain_cell}, {literal(shape)}) THEN {read} END"


def _moment_sql(header: str, cell: str, source: str, written: str | None, time_zone: str) -> str:
    if source == "TIMESTAMP WITH TIME ZONE":
        return f"timezone({literal(time_zone)}, {header})"
    if source.startswith("TIMESTAMP") or source == "DATE":
        return f"CAST({header} AS TIMESTAMP)"
    if written == EPOCH_MS:
        # beyond 15 digits the engine's clock overflows
        milliseconds = f"CASE WHEN abs(TRY_CAST({cell} AS DOUBLE)) < 1e15 THEN TRY_CAST({cell} AS BIGINT) END"
        return f"timezone({literal(time_zone)}, make_timestamptz({milliseconds} * 1000))"
    if written:
        read = f"TRY_STRPTIME({cell}, {literal(written)})"
        return f"timezone({literal(time_zone)}, {read})" if re.search(r"%[zZ]", written) else read
    # a stamp with an offset is an instant: it is moved into the report's time zone
    offset = r"\s*(Z|UTC|GMT|[+-]\d\d(:?\d\d)?)$"
    marked = f"regexp_matches({cell}, '\\d:\\d\\d(:[0-9.]+)?{offset}')"
    # the engine wants seconds, and the offset directly behind them
    tidy = f"regexp_replace(regexp_replace({cell}, '\\s*(UTC|GMT)$', 'Z'), '\\s+([+-][0-9:]+|Z)$', '\\1')"
    tidy = f"regexp_replace({tidy}, '([T ]\\d+:\\d\\d)(Z|[+-][0-9:]+)$', '\\1:00\\2')"
    instant = f"timezone({literal(time_zone)}, TRY_CAST({tidy} AS TIMESTAMPTZ))"
    # the engine also takes words such as 'epoch' for a time
    written_out = f"regexp_matches({cell}, '^[0-9]')"
    return f"CASE WHEN {marked} THEN {instant} WHEN {written_out} THEN TRY_CAST({cell} AS TIMESTAMP) END"


def accepted(column: Column, raw: Raw, header: str, written: str | None = None) -> str:
    """What a cell of a column may hold, in words; ``written`` is the format that the parameters file gives it."""
    otherwise = remedies.name_format(raw, header, column)
    if written in NUMBERS and column.type in ("number", "money", "count"):
        return f"Accepted: numbers written as {written}."
    numbers = (
        "Accepted: plain numbers such as 1234.5, without signs of currency. Where thousands are set apart or decimals follow "
        f"a comma, {otherwise}."
    )
    return {
        "day": f"Accepted: ISO days such as 2025-12-31, {otherwise}.",
        "time": f"Accepted: ISO times such as 2025-12-31 14:05, {otherwise}.",
        "number": numbers,
        "money": numbers,
        "count": f"Accepted: whole numbers; where thousands are set apart, {otherwise}.",
        "flag": "Accepted: true or false, yes or no, 1 or 0, 是 or 否.",
    }.get(column.type, "")
