"""What declarations are written with: the periods asked for, and the few verbs that turn tables into facts.

Facts are rows with ``period`` (the number of the period), ``customer_id`` (the sampled unit; empty for rows that belong
to nobody, such as spend), ``value`` (what the row adds to the numerator) and ``weight`` (what it adds to the
denominator; 1 when the column is absent), and may have ``records`` (how many rows of the source it sums up). ``excluded`` names the reason why a row does not count; it is empty for rows
that do. Where the facts hold one row per customer, ``copies`` may say that so many customers are alike. Durations have ``event`` instead: true when the wait ended, false when it still goes on. Any further column is
an attribute that the indicator may be split by.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal

import ibis
import ibis.expr.types as ir

from crmtools.indicators.keeping import kept, made_once
from crmtools.period import Period, Step, add_months

HOUR = 3600.0
DAYS_PER_MONTH = 30.4375
"""365.25 / 12: the mean month of the Julian year, so that twelve months are a year."""


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods a measurement asks for, as a table that facts are joined to: one query serves them all."""

    periods: tuple[Period, ...]
    backend: ibis.BaseBackend
    as_of: date

    @property
    def known_until(self) -> ir.TimestampScalar:
        """The first moment of which nothing is known: waits that still go on are censored here."""
        return ibis.literal(datetime.combine(self.as_of + timedelta(days=1), time()))

    @made_once
    def table(self, *, shift: int = 0, months: int = 0, step: Step | None = None, daily: bool = False) -> ir.Table:
        """Columns ``period``, ``first_day``, ``end_day`` (exclusive); both days moved by so many days and calendar months.

        With ``step`` every period is cut into its calendar months, quarters or years, one row each. With ``daily`` a row
        stands once for each of its days, the column ``on_day``.
        """
        move = timedelta(days=shift)
        rows = [
            (number, add_months(part.start, months) + move, add_months(part.end, months) + move)
            for number, period in enumerate(self.periods)
            for part in (period.split(step) if step else (period,))
        ]
        return day_table(self.backend, rows, daily=daily)

    def ending(self, *, days: int = 0, months: int = 0) -> "Periods":
        """For each period the days or calendar months that end with it; facts of them belong to the period all the same."""
        spans = [Period(add_months(p.end, -months) - timedelta(days=days), p.end) for p in self.periods]
        return replace(self, periods=tuple(spans))

    def rows(self, table: ir.Table, moment: str, *, shift: int = 0, months: int = 0) -> ir.Table:
        """The rows whose ``moment`` lies in a period (moved as in :meth:`table`), with that period's columns.

        A row stands as often as there are periods that contain it.
        """
        when = table[moment]
        if len(self.periods) == 1:
            periods = self.table(shift=shift, months=months)
            return table.inner_join(periods, [when >= periods.first_day, when < periods.end_day])
        # an equality of days is a hash join: at ten million rows a sixteenth of what the two inequalities cost
        days = self.table(shift=shift, months=months, daily=True)
        when = when if isinstance(when, ir.DateValue) else when.date()
        return table.inner_join(days, when == days.on_day).drop("on_day")

    def standing(
        self,
        table: ir.Table,
        *,
        after: ir.DateValue,
        until: ir.DateValue,
        at: Literal["first_day", "end_day"],
        days_before: int = 0,
    ) -> ir.Table:
        """The rows in force on a period's first day or end (``days_before`` earlier): after < that day <= until.

        A row stands as often as there are periods on whose day it is in force.
        """
        periods = self.table()
        edge = periods[at] - ibis.interval(days=days_before) if days_before else periods[at]
        periods = periods.mutate(edge=edge)
        return table.inner_join(periods, [periods.edge > after, periods.edge <= until]).drop("edge")


def day_table(backend: ibis.BaseBackend, rows: Sequence[tuple[int, date, date]], *, daily: bool = False) -> ir.Table:
    """A table of literal periods. Written out as SQL, so that equal questions are equal text."""
    values = ", ".join(f"({number}, DATE '{start}', DATE '{end}')" for number, start, end in rows)
    each = ", CAST(unnest(range(first_day, end_day, INTERVAL 1 DAY)) AS DATE) AS on_day" if daily else ""
    query = f"SELECT *{each} FROM (VALUES {values}) AS days(period, first_day, end_day)"
    schema = {"period": "int32", "first_day": "date", "end_day": "date"} | ({"on_day": "date"} if daily else {})
    return kept(backend.sql(query, schema=schema))


def whole_months(periods: Periods) -> ir.Table:
    """The calendar months that lie wholly in a period, ``period``, ``first_day`` and ``end_day`` of each."""
    months, spans = periods.table(step="month"), periods.table()
    spans = spans.select(whole="period", begin="first_day", end="end_day")
    inside = [months.period == spans.whole, months.first_day >= spans.begin, months.end_day <= spans.end]
    return months.inner_join(spans, inside).select("period", "first_day", "end_day")


def completed(orders: ir.Table) -> ir.Table:
    """The orders that count: status completed, or none given."""
    return orders.filter(orders.status.isnull() | (orders.status == "completed"))


def net_of_refunds(orders: ir.Table) -> ir.FloatingValue:
    """What an order brought: the amount paid less what was paid back."""
    return orders.net_amount - orders.refund_amount.fill_null(0)


def latest(rows: ir.Table, at: str, *, of: Sequence[str] = ("period", "customer_id")) -> ir.Table:
    """Mark all but the last row of each customer and period with ``excluded = 'earlier_answer'``."""
    order = [rows[at], rows.value]
    if "weight" in rows.columns:  # or two answers of one moment alike in value would be told apart by chance
        order.append(rows.weight.fill_null(1.0))
    window = ibis.window(group_by=list(of), order_by=[ibis.desc(column) for column in order])
    place = ibis.row_number().over(window)
    return rows.mutate(excluded=ibis.cases((place > 0, "earlier_answer"), else_=ibis.null("string")))


def hours_between(start: ir.TimestampValue, end: ir.TimestampValue) -> ir.FloatingValue:
    """Elapsed hours, to the second."""
    return end.delta(start, unit="second") / HOUR


def exposure_months(customers: ir.Table, periods: Periods, active: ir.Table | None = None) -> ir.Table:
    """Months each customer was at risk: from the period's start, or the day of acquisition, to the period's end.

    Only of those in ``active`` (``period``, ``customer_id``), where it is given. Columns ``period``, ``customer_id``, ``months``.
    """
    days = periods.table()
    joined = customers.inner_join(days, [customers.acquired_at < days.end_day])
    begin = ibis.greatest(joined.acquired_at, joined.first_day)
    months = joined.select("period", "customer_id", months=joined.end_day.delta(begin, unit="day") / DAYS_PER_MONTH)
    return months if active is None else months.semi_join(active, ["period", "customer_id"])


def events_per_month(events: ir.Table, months: ir.Table) -> ir.Table:
    """Facts of a rate: one row per customer and period, with the events above and the months below the line.

    Events of customers whose time is not counted would be above the line and not below it: they are left out, and said to be.
    """
    # one join, in which the months stand once: whose time counts is most of the work
    happened = events.group_by(event_period="period", event_id="customer_id").aggregate(events=lambda t: t.count())
    joined = months.outer_join(
        happened, [months.period == happened.event_period, months.customer_id == happened.event_id]
    )
    # the columns that are worked out stand in a query of their own: a further join finds only plain ones in a join
    both = joined.select("period", "customer_id", "months", "event_period", "event_id", "events")
    counted, number = both.period.notnull(), both.events.fill_null(0)
    return both.select(
        period=ibis.coalesce(both.period, both.event_period),
        customer_id=ibis.coalesce(both.customer_id, both.event_id),
        value=number.cast("float64"),
        weight=both.months.fill_null(0.0),
        records=number + counted.cast("int64"),
        excluded=ibis.cases((counted, ibis.null("string")), else_="outside_base"),
    )
