"""What indicators of orders are made of: a customer's money per period, and the days between which nothing is bought.

Every indicator of orders starts from one of these tables, so that the engine makes each of them once when many indicators
are asked for together.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

import ibis
import ibis.expr.types as ir

from crmtools.indicators.facts import Periods, day_table, net_of_refunds
from crmtools.indicators.keeping import KEEPER, kept, made_once

Edge = Literal["first_day", "end_day"]
AMOUNTS = ("net_amount", "refund_amount", "cogs")
"""The columns of orders that their money is made of."""


@made_once
def marked(orders: ir.Table) -> ir.Table:
    """Every order with what indicators want of it: ``customer_id``, ``day``, ``done`` (it counts).

    Where the orders have amounts also ``net`` (less refunds) and ``cogs``.
    """
    rows = _with_marks(orders)
    return kept(rows.select("customer_id", "day", "done", *_amounts(rows)))


@made_once
def placed(orders: ir.Table) -> ir.Table:
    """Every order between its neighbours, the customer's orders that count as it does: one sort from which all else is read.

    Columns those of :func:`marked`, ``next_day`` and ``before`` (the days of its neighbours, its own where a shipment was
    split, empty where there is none), ``since`` (the first of these days).
    """
    rows, own = marked(orders), ibis.window(group_by=["customer_id", "done"], order_by="day")
    return kept(
        rows.mutate(
            next_day=rows.day.lead().over(own), before=rows.day.lag().over(own), since=rows.day.first().over(own)
        )
    )


def _with_marks(orders: ir.Table) -> ir.Table:
    rows = orders.mutate(day=orders.ordered_at.date(), done=orders.status.isnull() | (orders.status == "completed"))
    return rows.mutate(net=net_of_refunds(rows)) if set(AMOUNTS) <= set(orders.columns) else rows


def _amounts(rows: ir.Table) -> list[str]:
    return ["net", "cogs"] if "net" in rows.columns else []


@made_once
def ordered_in(orders: ir.Table, periods: Periods) -> ir.Table:
    """What a customer ordered in a period, one row for the orders that count and one for those that do not.

    Columns ``period``, ``customer_id``, ``done``, ``orders``, ``days`` (with an order), ``last_day`` (the last of them),
    ``since`` (the customer's first day, empty where it lies before the period); where the orders have amounts also ``net``,
    ``cogs``, ``uncosted`` (the net amount of orders whose cost of goods is not known).
    """
    rows = periods.rows(placed(orders), "day")
    rows = rows.mutate(since=ibis.ifelse(rows.before.isnull(), rows.day, ibis.null("date")))
    # an order without a neighbour in its period is a sum already: where customers buy less than monthly, few rows are grouped
    alone = (rows.before < rows.first_day).fill_null(True) & (rows.next_day >= rows.end_day).fill_null(True)
    one = ibis.literal(1, type="int64")
    single = rows.filter(alone)
    single = single.select(
        "period", "customer_id", "done", "since", *_amounts(single),
        **_uncosted(single), orders=one, days=one, last_day="day",
    )  # fmt: skip
    others = rows.filter(~alone)
    last_of_day = others.next_day.isnull() | (others.next_day != others.day)
    several = others.group_by(["period", "customer_id", "done"]).aggregate(
        **_sums(others), days=others.count(where=last_of_day), last_day=others.day.max(), since=others.since.min()
    )
    return kept(ibis.union(single, several.select(single.columns)))


def _uncosted(rows: ir.Table) -> dict[str, ir.Value]:
    return {"uncosted": ibis.ifelse(rows.cogs.isnull(), rows.net, 0.0)} if "net" in rows.columns else {}


def _sums(rows: ir.Table) -> dict[str, ir.Value]:
    """The sums of :func:`ordered_in` over rows."""
    summed = {name: rows[name] for name in _amounts(rows)} | _uncosted(rows)
    return {name: value.sum() for name, value in summed.items()} | {"orders": rows.count()}


def per_period(orders: ir.Table, periods: Periods) -> ir.Table:
    """A customer's orders in a period, one row for those that count and one for those that do not.

    Columns ``period``, ``customer_id``, ``excluded`` (``not_completed`` or empty), ``net`` (less refunds), ``cogs``,
    ``uncosted`` (the net amount of orders whose cost of goods is not known), ``orders``.
    """
    if KEEPER.get() is not None:
        sums = ordered_in(orders, periods)
    else:  # for one question the sort costs more than the grouping that it saves
        rows = _with_marks(periods.rows(orders, "ordered_at"))
        sums = rows.group_by(["period", "customer_id", "done"]).aggregate(**_sums(rows))
    excluded = ibis.ifelse(sums.done, ibis.null("string"), "not_completed")
    return sums.select("period", "customer_id", "net", "cogs", "uncosted", "orders", excluded=excluded)


def gross_margin(bought: ir.Table, default_margin: float) -> ir.FloatingValue:
    """What :func:`per_period` leaves after the cost of goods; where that is not known, a share of the net amount is left."""
    unknown = bought.uncosted.fill_null(0.0)
    return bought.net - bought.cogs.fill_null(0.0) - unknown * (1 - default_margin)


def order_margin(orders: ir.Table, default_margin: float) -> ir.FloatingValue:
    """What single orders, or those of :func:`placed`, leave after the cost of goods, by the same rule as :func:`gross_margin`."""
    net = orders.net if "net" in orders.columns else net_of_refunds(orders)
    return ibis.ifelse(orders.cogs.isnull(), net * default_margin, net - orders.cogs)


@made_once
def gaps(orders: ir.Table) -> ir.Table:
    """Every day with a completed order and the next one: ``customer_id``, ``day``, ``next_day`` (empty: none yet), ``since``.

    Split shipments of one day are one. ``since`` is the customer's first day; ``before`` is the day of the order before, the
    same day where a shipment was split, and empty where there was none. Who is quiet at a moment, and since when, is read
    from the one gap that holds the moment.
    """
    rows = placed(orders)
    rows = rows.filter(rows.done, rows.next_day.isnull() | (rows.next_day != rows.day))
    return rows.select("customer_id", "day", "next_day", "before", "since")


def alike(rows: ir.Table, *columns: str) -> ir.Table:
    """Rows of one cell that are the same in ``columns`` as one, ``copies`` of them; where ids are texts, every row by itself.

    Columns: those named, ``customer_id`` (where rows were put together, a number of their cell), ``copies``.
    """
    if not isinstance(rows.customer_id, ir.IntegerColumn):
        return rows.select(*columns, "customer_id", copies=ibis.literal(1, type="int64"))
    counted = rows.group_by(*columns, cell=rows.customer_id >> 32).aggregate(copies=rows.count())
    return counted.select(*columns, "copies", customer_id=counted.cell << 32)


def holding(
    orders: ir.Table,
    periods: Periods,
    *,
    at: Edge,
    days_before: int = 0,
    within: int,
    asked: Iterable[tuple[Edge, int]] = (),
) -> ir.Table:
    """For each period the customers who bought in the ``within`` days before a moment, with the gap that holds the moment.

    The moment is ``days_before`` the period's first or end day. Columns: those of :meth:`Periods.table`, ``customer_id``,
    ``day`` (the last purchase before the moment), ``next_day`` (the one from the moment on; empty: none yet), ``copies``
    (how many customers this row stands for). ``asked`` lists the moments, as days before an edge of the period, that the
    caller compares ``day`` or ``next_day`` with.
    """
    bought = gaps(orders)
    if isinstance(orders.customer_id, ir.IntegerColumn):
        moments = {(at, days_before), (at, days_before + within), *asked}
        bought = _between(bought, periods, {day for edge, days in moments for day in _moved(periods, edge, days)})
    bought = kept(alike(bought, "day", "next_day"))
    far = bought.day + ibis.interval(days=within)
    rows = periods.standing(
        bought, after=bought.day, until=ibis.least(far, bought.next_day.fill_null(far)), at=at, days_before=days_before
    )
    return rows.select("period", "first_day", "end_day", "customer_id", "day", "next_day", "copies")


def _moved(periods: Periods, edge: Edge, days: int) -> list[date]:
    days_of = (p.start if edge == "first_day" else p.end for p in periods.periods)
    return [day - timedelta(days=days) for day in days_of]


def _between(bought: ir.Table, periods: Periods, moments: set[date]) -> ir.Table:
    """The gaps with each day taken for the last moment on or before it: no comparison with these moments tells them apart.

    With a keeper the moments are those of all indicators: ten million gaps become a hundred thousand rows once for all.
    """
    if keeper := KEEPER.get():
        moments = keeper.moments = keeper.moments | moments
    cuts = sorted(moments)
    spans = list(zip([cuts[0] - timedelta(days=1), *cuts], [*cuts, cuts[-1] + timedelta(days=1)], strict=True))
    days = day_table(periods.backend, [(n, a, b) for n, (a, b) in enumerate(spans)], daily=True)
    first, last = ibis.literal(spans[0][0]), ibis.literal(spans[-1][0])

    def taken(rows: ir.Table, name: str) -> ir.Table:
        within = ibis.greatest(ibis.least(rows[name], last), first)
        of = days.select(looked_up="on_day", moment="first_day")
        joined = rows.mutate(looked_up=within).left_join(of, "looked_up")
        return joined.drop(name, "looked_up", "looked_up_right").rename({name: "moment"})

    rows = bought.filter(bought.day < last).select("customer_id", "day", "next_day")
    return taken(taken(rows, "day"), "next_day")
