"""What the time before a goal says beside its value: how full the columns are, which goals move as one, which months are high."""

import math
from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from crmtools.estimate import Estimate
from crmtools.estimating import estimates
from crmtools.goals.goal import Goal
from crmtools.goals.paths import seasonal_index
from crmtools.goals.smart_facts import Facts
from crmtools.period import Period
from crmtools.questions import usable
from crmtools.tables import TABLES

ALIKE = 0.90
"""The correlation from which two goals are one."""
PAIRS = 8
"""Periods that two goals must share before their correlation is looked at."""
SEASONS = 24


def filled_shares(f: Facts) -> dict[str, float]:
    """The filled share of every needed column, of the rows that were known before the goal starts.

    What is filled in later is left out: an open ticket has no end.
    """
    shares: dict[str, float] = {}
    item = f.goal.indicator
    for name in item.tables:
        if name in item.optional or not usable(item, f.data, name):
            continue
        columns = [c for c, needed in item.columns(name) if needed and not TABLES[name][c].later]
        table = f.data[name]
        counts = {column: table[column].count() for column in columns}
        if counts:
            row = f.data.execute(table.aggregate(rows_=table.count(), **counts)).iloc[0]
            shares |= {f"{name}.{c}": float(row[c]) / float(row["rows_"]) for c in counts if row["rows_"]}
    return shares


def same(f: Facts, other: Goal) -> bool:
    """Whether another goal's indicator moved with this one's so closely, before this one starts, that the two are one."""
    if f.goal.indicator.id == other.indicator.id and f.goal.where == other.where:
        return True
    spans = [estimate.period for estimate in f.past.estimates]
    theirs = estimates(other.indicator, f.data, spans, where=other.where, resample=False) if spans else ()
    pairs = [
        (a.value, b.value) for a, b in zip(f.past.estimates, theirs) if a.value is not None and b.value is not None
    ]
    if len(pairs) < PAIRS or any(len({pair[side] for pair in pairs}) < 2 for side in (0, 1)):
        return False
    return abs(float(np.corrcoef(np.array(pairs).T)[0, 1])) >= ALIKE


def season_of(f: Facts) -> tuple[float, float] | None:
    """The seasonal index of the month of the deadline, from the last two years before the start, and its standard error.

    The index is the mean over the years of value ÷ the year's mean; of its error, that of the month's own values is counted.
    None where a month has no value.
    """
    found = [e for e in _months(f) if e.value is not None]
    index = seasonal_index({e.period.start: e.value for e in found if e.value is not None})
    if index is None:
        return None
    mean = sum(e.value or 0.0 for e in found) / len(found)
    own = [e for e in found if e.period.start.month == f.goal.deadline.month]
    errors = [0.0 if e.method == "census" else e.se if e.se is not None else math.inf for e in own]
    return index[f.goal.deadline.month], math.hypot(*errors) / len(own) / mean


def _months(f: Facts) -> Sequence[Estimate]:
    """The last two years by month; they are at hand where the report is monthly."""
    if f.step == "month":
        return f.past.estimates[-SEASONS:]
    last = Period.containing(f.goal.start, "month").previous()
    if last.last_day > f.data.as_of:
        last = Period.containing(f.data.as_of + timedelta(days=1), "month").previous()
    return estimates(f.goal.indicator, f.data, last.up_to(SEASONS, "month"), where=f.goal.where)
