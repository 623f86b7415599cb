"""What indicators of tickets share: spam, the moment a request is done with, what is open, and hours of work."""

from datetime import datetime

import ibis
import ibis.expr.types as ir

from crmtools.errors import CRMError
from crmtools.indicators.facts import HOUR, Periods, hours_between
from crmtools.words import Text

DAY = 86_400
A_MONDAY = datetime(1900, 1, 1)

WORKING_HOURS = {
    "opens": Text("每天几点开始计时（0 为零点）", "the hour at which a working day begins; 0 is midnight"),
    "closes": Text("每天几点停止计时（24 为午夜）", "the hour at which it ends; 24 is midnight"),
    "work_days": Text("每周工作几天，自周一起算", "working days of a week, counted from Monday"),
}
"""The words for the assumptions of :func:`working_hours`."""


def is_spam(tickets: ir.Table) -> ir.StringValue:
    """The exclusion ``spam``, or nothing."""
    return ibis.cases((tickets.type == "spam", "spam"), else_=ibis.null("string"))


def done_at(tickets: ir.Table) -> ir.TimestampValue:
    """When a ticket was last resolved. One that was closed and never marked as resolved was done with when it was closed."""
    return ibis.coalesce(tickets.resolved_at, tickets.closed_at)


def kept(tickets: ir.Table, *, grace_hours: int = 0) -> ir.FloatingValue:
    """1 where a ticket was done with by the time promised, 0 where later or not yet."""
    in_time = done_at(tickets) <= tickets.due_at + ibis.interval(hours=grace_hours)
    return in_time.fill_null(False).cast("float64")


def open_at_end(tickets: ir.Table, periods: Periods) -> ir.Table:
    """The tickets opened before a period's end and not done with by then, with that period's columns."""
    still_open = ibis.coalesce(done_at(tickets), periods.known_until)
    return periods.standing(tickets, after=tickets.created_at.date(), until=still_open.date(), at="end_day")


def done_a_window_ago(tickets: ir.Table, periods: Periods, *, within_days: int) -> ir.Table:
    """The tickets done with in a period moved back by the window, so that the whole window after each has been seen."""
    return periods.rows(tickets.mutate(done=done_at(tickets)), "done", shift=-within_days)


def working_hours(
    start: ir.TimestampValue, end: ir.TimestampValue, *, opens: float, closes: float, work_days: int
) -> ir.FloatingValue:
    """Hours from ``start`` to ``end``, to the second, in which work is done: from ``opens`` to ``closes``, on the first
    ``work_days`` days of every week. Public holidays are days like others.

    The difference of two clocks that run in these hours only.
    """
    if not (0 <= opens < closes <= 24 and 1 <= work_days <= 7):
        raise CRMError(
            f"A working day opens before it closes, between 0 and 24, on 1 to 7 days of a week; found opens {opens:g}, "
            f"closes {closes:g}, work_days {work_days}."
        )
    if (opens, closes, work_days) == (0, 24, 7):
        return hours_between(start, end)
    hours = {"opens": round(HOUR * opens), "closes": round(HOUR * closes), "work_days": work_days}
    return (_work_clock(end, **hours) - _work_clock(start, **hours)) / HOUR


def _work_clock(moment: ir.TimestampValue, *, opens: int, closes: int, work_days: int) -> ir.IntegerValue:
    """Seconds of work since a Monday long ago: whole weeks, the week's whole days, today's part. Whole numbers, so that equal
    waits stay equal."""
    seconds = moment.delta(ibis.literal(A_MONDAY), unit="second")
    days = seconds // DAY
    weeks = days // 7
    weekday, second = days - 7 * weeks, seconds - DAY * days
    whole_days = weeks * work_days + ibis.least(weekday, work_days)
    today = ibis.greatest(ibis.least(second, closes), opens) - opens
    return whole_days * (closes - opens) + ibis.ifelse(weekday < work_days, today, 0)
