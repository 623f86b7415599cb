"""What indicators of orders are made of: a customer's money per period, and the days between which nothing is bought.

Every indicator of orders starts from one of these tables, so that the engine makes each of them once when many indicators
are asked for together.
"""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.facts import Periods, completed, net_of_refunds


def per_period(orders: ir.Table, periods: Periods) -> ir.Table:
    """A customer's orders in a period, one row for those that count and one for those that do not.

    Columns ``period``, ``customer_id``, ``excluded`` (``not_completed`` or empty), ``net`` (less refunds), ``cogs``,
    ``uncosted`` (the net amount of orders whose cost of goods is not known), ``orders``.
    """
    rows = periods.rows(orders, "ordered_at")
    done = rows.status.isnull() | (rows.status == "completed")
    rows = rows.mutate(
        net=net_of_refunds(rows),
        excluded=ibis.ifelse(done, ibis.null("string"), "not_completed"),
    )
    return rows.group_by(["period", "customer_id", "excluded"]).aggregate(
        net=rows.net.sum(),
        cogs=rows.cogs.sum(),
        uncosted=rows.net.sum(where=rows.cogs.isnull()),
        orders=rows.count(),
    )


def gross_margin(bought: ir.Table, default_margin: float) -> ir.FloatingValue:
    """What :func:`per_period` leaves after the cost of goods; where that is not known, a share of the net amount is left."""
    unknown = bought.uncosted.fill_null(0.0)
    return bought.net - bought.cogs.fill_null(0.0) - unknown * (1 - default_margin)


def order_margin(orders: ir.Table, default_margin: float) -> ir.FloatingValue:
    """What single orders leave after the cost of goods, by the same rule as :func:`gross_margin`."""
    net = net_of_refunds(orders)
    return ibis.ifelse(orders.cogs.isnull(), net * default_margin, net - orders.cogs)


def order_days(orders: ir.Table) -> ir.Table:
    """The days on which a customer placed a completed order, ``customer_id`` and ``day``; split shipments are one."""
    done = completed(orders)
    return done.select("customer_id", day=done.ordered_at.date()).distinct()


def gaps(orders: ir.Table) -> ir.Table:
    """Every day with a completed order and the next one: ``customer_id``, ``day``, ``next_day`` (empty: none yet), ``nth`` (0 is the first).

    Who is quiet at a moment, and since when, is read from the one gap that holds the moment.
    """
    days = order_days(orders)
    own = ibis.window(group_by="customer_id", order_by="day")
    return days.mutate(next_day=days.day.lead().over(own), nth=ibis.row_number().over(own))
