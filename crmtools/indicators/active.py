"""Who is a customer in the sense that something may still happen: the base of rates and of coverage."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.buying import gaps
from crmtools.indicators.facts import Periods
from crmtools.words import Text

ACTIVITY = {
    "orders?": ("customer_id", "ordered_at", "status?"),
    "subscriptions?": ("customer_id", "started_at", "ended_at"),
}
"""The tables that tell who is active, as ``uses`` names them; either may be missing."""

ACTIVE_DAYS = Text(
    "获客或最近一次已完成订单后多少天内算活跃（有有效订阅者始终算）",
    "days after acquisition or a completed order for which a customer counts as active; a running subscription always does",
)


def active(
    customers: ir.Table,
    orders: ir.Table | None,
    subscriptions: ir.Table | None,
    periods: Periods,
    *,
    days: int,
    at_end: bool = False,
) -> ir.Table | None:
    """The customers active in a period, or with ``at_end`` on its last day: ``period``, ``customer_id``, perhaps repeated.

    Active is who has a subscription running at some time of it, or was acquired or placed a completed order in it or in the
    ``days`` before its end. None, which is everybody, where there is neither a table of orders nor one of subscriptions.
    """
    if orders is None and subscriptions is None:
        return None
    spans = periods.table()
    last_day = spans.end_day - ibis.interval(days=1)
    opening = last_day if at_end else spans.first_day
    spans = spans.mutate(opening=opening, since=ibis.least(opening, spans.end_day - ibis.interval(days=days)))
    recent = customers.inner_join(
        spans, [customers.acquired_at < spans.end_day, customers.acquired_at >= spans.since]
    ).select("period", "customer_id")
    found = [recent]
    if orders is not None:
        # the gap between two order days that holds the period's end says when the customer bought last before it: one row
        # per customer and period, where all orders of a year would be met by each of its twelve months
        bought = gaps(orders)
        reach = bought.day + ibis.interval(days=max(days, *(period.days for period in periods.periods)))
        last = periods.standing(
            bought, after=bought.day, until=ibis.least(reach, bought.next_day.fill_null(reach)), at="end_day"
        )
        since = spans.select(span="period", since="since")
        lately = last.inner_join(since, [last.period == since.span, last.day >= since.since])
        found.append(lately.select("period", "customer_id"))
    if subscriptions is not None:
        running = subscriptions.inner_join(
            spans,
            [
                subscriptions.started_at < spans.end_day,
                subscriptions.ended_at.isnull() | (subscriptions.ended_at >= spans.opening),
            ],
        )
        found.append(running.select("period", "customer_id"))
    return ibis.union(*found)


def active_at_end(
    customers: ir.Table, orders: ir.Table | None, subscriptions: ir.Table | None, periods: Periods, *, days: int
) -> ir.Table:
    """One row per customer acquired before a period's end and active on its last day: ``period``, ``customer_id``."""
    ends = periods.table()
    there = customers.inner_join(ends, [customers.acquired_at < ends.end_day])
    lively = active(customers, orders, subscriptions, periods, days=days, at_end=True)
    if lively is not None:
        there = there.semi_join(lively, ["period", "customer_id"])
    return there.select("period", "customer_id")
