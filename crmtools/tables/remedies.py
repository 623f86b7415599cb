"""What to do about a table that is not read as it is meant: in the parameters file, or in the frame where an analyst opened one."""

from crmtools.tables.reading import Raw
from crmtools.tables.schema import Column

IGNORE = "ignore"


def name_it(raw: Raw, header: str, column: str) -> str:
    """How a header is made to mean a column."""
    if raw.is_frame:
        return f"rename it: {raw.table}=frame.rename(columns={{{header!r}: {column!r}}})"
    return f"map it with columns: {{{header}: {column}}}"


def name_one(raw: Raw, column: str) -> str:
    """How a column is named that nothing comes close to."""
    if raw.is_frame:
        return f"Rename the right one: {raw.table}=frame.rename(columns={{'YOURS': {column!r}}})"
    return f"Map the right one under source.tables.{raw.table}.columns"


def set_aside(raw: Raw, header: str) -> str:
    """How a header is made to mean nothing."""
    if raw.is_frame:
        return f"drop it: {raw.table}=frame.drop(columns={header!r})"
    return f"say so with columns: {{{header}: {IGNORE}}}"


def _made_anew(raw: Raw, header: str, how: str) -> str:
    """The frame with one of its columns made anew, under the name that it has there."""
    return f"{raw.table}=frame.assign(**{{{header!r}: {how}}})"


def name_words(raw: Raw, header: str, column: str, word: str) -> str:
    """How a company's own words are made to mean those that are known."""
    if raw.is_frame:
        replaced = f"frame[{header!r}].replace({{'WRITTEN': {word!r}}})"
        return f"Replace yours: {_made_anew(raw, header, replaced)}."
    return f"Map yours under source.tables.{raw.table}.values: {{{column}: {{WRITTEN: {word}}}}}."


def name_format(raw: Raw, header: str, column: Column) -> str:
    """How dates and numbers are read that are written in a way of their own; empty where no format helps."""
    day = "%d.%m.%Y" if column.type == "day" else "%d/%m/%Y %H:%M"
    match column.type:
        case "day" | "time":
            if raw.is_frame:
                read = f"pd.to_datetime(frame[{header!r}], format={day!r})"
                return f"or convert them: {_made_anew(raw, header, read)}"
            return f"or name the format under formats: {{{column.name}: '{day}'}}"
        case "number" | "money" | "count":
            if raw.is_frame:
                read = f"pd.to_numeric(frame[{header!r}].str.replace('.', '').str.replace(',', '.'))"
                return f"convert them: {_made_anew(raw, header, read)}"
            return f"show how: formats: {{{column.name}: '1.234,56'}}"
        case _:
            return ""


def leave_out(raw: Raw, kind: str) -> str:
    """How rows of which a kind of problem is known are left out."""
    if raw.is_frame:
        return "Or leave such rows out of the frame."
    return f"To leave such rows out and have them counted: source.tables.{raw.table}.leave_out: [{kind}]."
