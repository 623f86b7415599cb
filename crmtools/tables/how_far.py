"""How far data reach: what happened earlier or later is not in them.

This is beside the door because answers are remembered as long as its code stays the same.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from crmtools.period import Period
from crmtools.tables import TABLES
from crmtools.tables.source import Data

MISTYPED, GAP = 1000, 60
"""Of so many rows one may bear a wrong day; it lies so many days and more before the others."""


def data_until(data: Data, tables: Sequence[str], period: Period) -> date | None:
    """How far the data behind an indicator reach in a period: the last day of the table that ends first, of those that it is made of.

    A survey that was asked in a period tells of all of it.

    That nobody has joined lately does not make what customers do out of date. Their table says how far the data reach where nothing else
    does, and where those who joined are what is counted: beside what was spent to win them.
    """
    told = tables if "spend" in tables else [table for table in tables if table != "customers"] or tables
    days = {table: day for table in told if (day := last_day(data, table)) is not None}
    end = min(period.last_day, data.as_of)
    return min(
        (max(day, end) if TABLES[table].waves and day >= period.start else day for table, day in days.items()),
        default=None,
    )


def last_day(data: Data, table: str) -> date | None:
    """The last day on which a table tells of something, a row that begins or one that ends; None where it has no row, or no time of its own."""
    time, ends = TABLES[table].time, TABLES[table].ends
    if not (time and data.has(table, time)):
        return None
    name = f"last day of {table}"
    if (told := data.answers.text(name)) is None:
        rows = data[table]
        known = {"begins": rows[time].cast("date").max()}
        if ends and data.has(table, ends):
            ended = rows[ends].cast("date")
            known["ends"] = ended.max(where=ended <= data.as_of)  # an end may be known before it comes
        last = pd.to_datetime(data.ask(rows.aggregate(**known)).iloc[0]).max()
        told = "" if pd.isna(last) else str(last.date())
        data.answers.keep_text(name, told)
    if not told:
        return None
    day = date.fromisoformat(told)
    return min(Period.containing(day, "month").last_day, data.as_of) if TABLES[table].monthly else day


def first_day(data: Data, table: str) -> date | None:
    """The day from which on a table was kept; None where it has no row, or no time of its own.

    That is the day of its first row, but for as many as one in a thousand that lie long before all others: a mistyped year is not the
    beginning of anything.

    A part of the customers has data from when all have: that one of them bought first is no sign that nothing was written down before.
    """
    time, whole = TABLES[table].time, data.whole()
    if not (time and whole.has(table, time)):
        return None
    name = f"first day of {table}"
    if (told := whole.answers.text(name)) is None:
        days = whole[table].select(day=whole[table][time].cast("date"))
        days = days.filter(days.day.notnull())
        rows = int(whole.ask(days.aggregate(rows=days.count()))["rows"].iloc[0])
        earliest = pd.to_datetime(whole.ask(days.order_by("day").limit(rows // MISTYPED + 1))["day"])
        alone = np.flatnonzero(earliest.diff() > pd.Timedelta(days=GAP))
        told = str(earliest.iloc[alone[-1] if len(alone) else 0].date()) if rows else ""
        whole.answers.keep_text(name, told)
    return date.fromisoformat(told) if told else None
