"""When what customers bring has paid for winning them: sums of a cohort to figures, for the kind ``Model``."""

import math
from dataclasses import replace

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmtools import intervals
from crmtools.indicators.kinds import NO_SPEND, NO_UPPER, NOBODY_WON
from crmtools.indicators.moments import Assumptions, Figures
from crmtools.words import Text

PATTERN = ("part", "age_month")

GAP_IN_SPEND = Text("获客费用记录不足一整年", "acquisition spend is not recorded for the whole year")
NOT_PAID_BACK = Text("{months} 个月内尚未收回", "not paid back within {months} months")


def _months_since(start: ir.DateValue, day: ir.DateValue) -> ir.IntegerValue:
    """Whole months from one day to another."""
    months = (day.year() - start.year()) * 12 + day.month() - start.month()
    return months - (day.day() < start.day()).cast("int32")


def curves(done: ir.Table, cohort: ir.Table, booked: ir.Table, months: int) -> ir.Table:
    """Rows with ``period``, ``part``, ``age_month``, ``value``.

    ``margin`` is what a customer's orders left in a month of his age; ``square`` is by how much that raised the square of
    all he has brought so far, so that sums over ages give Σ and Σ² of the cumulative margin without a row per customer and
    month; ``customer`` counts the cohort and ``spend`` is what it cost, by month of the year.
    """
    rows = done.inner_join(cohort.select("period", "customer_id", "acquired_at"), "customer_id")
    rows = rows.filter(rows.on >= rows.acquired_at)
    rows = rows.mutate(age_month=_months_since(rows.acquired_at, rows.on).cast("int64"))
    rows = rows.filter(rows.age_month < months)
    own = rows.group_by(["period", "customer_id", "age_month"]).aggregate(margin=rows.margin.sum())
    so_far = own.margin.sum().over(ibis.cumulative_window(group_by=["period", "customer_id"], order_by="age_month"))
    own = own.mutate(square=own.margin * (2 * so_far - own.margin))
    month = _months_since(booked.first_day, booked.spent_on).cast("int64")

    def part(name: str, table: ir.Table, age: ir.IntegerValue, value: ir.NumericValue) -> ir.Table:
        return table.select("period", part=ibis.literal(name), age_month=age, value=value.cast("float64"))

    return ibis.union(
        part("margin", own, own.age_month, own.margin),
        part("square", own, own.age_month, own.square),
        part("customer", cohort, ibis.literal(0, "int64"), ibis.literal(1.0)),
        part("spend", booked, month, booked.amount),
    )


def payback(patterns: pd.DataFrame, assumptions: Assumptions, level: float) -> Figures:
    """The first month of age by which the mean cumulative margin reaches the cost of winning a customer.

    Its limits are the months in which the mean plus and minus its error reach the cost.
    """
    months = int(assumptions["months"])
    of = {name: group.set_index("age_month")["value"] for name, group in patterns.groupby("part")}
    n = int(of["customer"].sum()) if "customer" in of else 0
    rows = int(patterns["rows"].sum())
    cost = float(of["spend"].sum()) if "spend" in of else 0.0
    if not cost > 0:
        return Figures(n=n, rows=rows, why=NO_SPEND)
    bare = Figures(n=n, rows=rows, numerator=cost, denominator=float(n))
    if not n:
        return replace(bare, why=NOBODY_WON)
    # what is booked by the month has a first booking before the first month is over, on whatever day it is booked
    if of["spend"].index.min() > 0:
        return replace(bare, why=GAP_IN_SPEND)
    nothing = pd.Series(dtype=float)
    sums, squares = (
        of.get(name, nothing).reindex(range(months), fill_value=0.0).cumsum().to_numpy(float)
        for name in ("margin", "square")
    )
    mean = sums / n
    error = np.sqrt(np.maximum(squares - n * mean**2, 0.0) / max(n - 1, 1) / n)
    half = intervals.z_of(level) * error
    value, low, high = (_first(curve, cost / n) for curve in (mean, mean + half, mean - half))
    if value is None:
        return replace(bare, why=Text(*(text.format(months=months) for text in (NOT_PAID_BACK.zh, NOT_PAID_BACK.en))))
    se = (high - low) / (2 * intervals.z_of(level)) if low is not None and high is not None else None
    return Figures(value, low, high, se, n, rows, cost, float(n), "crossing", NO_UPPER if high is None else None)


def _first(curve: np.ndarray, cost: float) -> float | None:
    """The number of the first month whose end reaches the cost; the first month is 1."""
    reached = np.flatnonzero(curve >= cost * (1 - 1e-12))
    return float(reached[0] + 1) if reached.size and math.isfinite(cost) else None
