"""Orders in an analyst's own frame: parsed before anything is compared, and refused where a value cannot be understood.

What the door (``tables.door``) does for sources is done here for frames that never saw it. Days that stay text sort as text,
and their largest is not the latest; so every date is parsed first. Only ISO text (2025-01-31, 2025-01-31 09:00) is read,
since 01/02/2025 may be January or February.
"""

import pandas as pd
import pyarrow as pa
from pandas.api import types

from crmtools.errors import DataError, Problem, few

COLUMNS = ("customer_id", "ordered_at", "status", "net_amount", "refund_amount")
STATUSES = ("completed", "cancelled", "returned")


def parsed(orders: pd.DataFrame) -> pa.Table:
    """The columns used of the frame, which is not changed: dates without zone, amounts as numbers, blank ids empty.

    A moment with a time zone becomes the wall clock of its own zone. Missing values stay missing and are counted later.
    Raises one DataError for all values that are no date, no finite number or no known status and for repeated order ids, each
    with its column, how many rows and which.
    """
    problems: list[Problem] = []
    found: dict[str, pd.Series] = {}
    for name in COLUMNS:
        if name in orders.columns:
            read = _READERS[name]
            found[name] = read(orders[name], problems)
    if "order_id" in orders.columns:
        ids = orders["order_id"]
        _refuse(ids, ids.notna() & ids.duplicated(keep=False), "stands in several rows: an order counts once", problems)
    if problems:
        raise DataError.of(f"{len(problems)} problems in orders", problems)
    return pa.Table.from_pandas(pd.DataFrame(found, index=orders.index), preserve_index=False)


def _ids(column: pd.Series, problems: list[Problem]) -> pd.Series:
    if not _is_text(column):
        return column
    blank = column.astype("string").str.strip().eq("").fillna(value=False)
    return column.mask(blank, None) if blank.any() else column


def _moments(column: pd.Series, problems: list[Problem]) -> pd.Series:
    if _is_text(column):
        try:
            moments = pd.to_datetime(column, format="ISO8601", errors="coerce")
        except ValueError:  # offsets that differ from row to row
            _refuse(column, column.notna(), "mixes time zones: turn it into local time first", problems)
            return column
        _refuse(
            column,
            column.notna() & moments.isna(),
            "holds what are not dates as 2025-01-31: convert it first, with its format",
            problems,
        )
        column = moments
    elif types.is_numeric_dtype(column):
        _refuse(column, column.notna(), "holds numbers, not dates: convert it first", problems)
    zone = getattr(column.dtype, "tz", None)
    return column.dt.tz_localize(None) if zone is not None else column


def _amounts(column: pd.Series, problems: list[Problem]) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce") if _is_text(column) else column
    wrong = column.notna() & numbers.isna() | numbers.isin([float("inf"), float("-inf")])
    _refuse(column, wrong, "is no finite number", problems)
    return numbers


def _statuses(column: pd.Series, problems: list[Problem]) -> pd.Series:
    _refuse(column, column.notna() & ~column.isin(STATUSES), f"is none of {few(STATUSES)}", problems)
    return column


def _is_text(column: pd.Series) -> bool:
    return bool(types.is_object_dtype(column) or types.is_string_dtype(column))


def _refuse(column: pd.Series, wrong: pd.Series, why: str, problems: list[Problem]) -> None:
    """One problem for all wrong values of a column: how many, and the first with their rows."""
    count = int(wrong.sum())
    if count:
        shown = few([f"{value} (row {row})" for row, value in column[wrong].head(5).items()])
        more = f" and {count - 5:,} more" if count > 5 else ""
        problems.append(Problem(f"orders · {column.name}", f"{why}; {count:,} of {len(column):,} rows: {shown}{more}"))


_READERS = {
    "customer_id": _ids,
    "ordered_at": _moments,
    "status": _statuses,
    "net_amount": _amounts,
    "refund_amount": _amounts,
}
