"""How money that was spent on all customers together is shared out among them."""

from typing import Literal

import ibis
import ibis.expr.types as ir

from crmtools.indicators.facts import Periods

Key = Literal["equal", "revenue", "handling"]


def allocated(bought: ir.Table, spend: ir.Table, tickets: ir.Table | None, periods: Periods, key: Key) -> ir.Table:
    """What customers bought in a period, with the column ``cost``: their part of the period's cost to serve and to retain.

    ``equal`` and ``revenue`` put all of it on the customers with a completed order. ``handling`` puts the cost to serve on
    whoever wrote the tickets, so that the part of customers without an order stays with them, and shares retention
    equally. Where a key says nothing (no revenue, no minutes) the parts are equal.
    """
    spent = spend.rename(spent_on="period")
    booked = periods.rows(spent.filter(spent.category.isin(["service", "retention"])), "spent_on")
    of_service = ibis.ifelse(booked.category == "service", booked.amount, 0.0)
    costs = booked.group_by("period").aggregate(service=of_service.sum(), whole=booked.amount.sum())
    active = bought.filter(bought.excluded.isnull())
    base = active.group_by("period").aggregate(buyers=active.count(), revenue=ibis.greatest(active.net, 0.0).sum())
    rows = bought.left_join(costs, "period").drop("period_right").left_join(base, "period").drop("period_right")
    # no cost has been booked in a period without rows
    rows = rows.mutate(service=rows.service.fill_null(0.0), whole=rows.whole.fill_null(0.0), equal=1 / rows.buyers)
    if key == "revenue":
        part = (ibis.greatest(rows.net, 0.0) / rows.revenue.nullif(0)).fill_null(rows.equal)
        return rows.mutate(cost=rows.whole * part)
    if key == "handling" and tickets is not None:
        genuine = tickets.filter(tickets.type.isnull() | (tickets.type != "spam"))
        worked = periods.rows(genuine.filter(genuine.handle_minutes > 0), "created_at")
        own = worked.group_by(["period", "customer_id"]).aggregate(minutes=worked.handle_minutes.sum())
        all_minutes = own.group_by("period").aggregate(all_minutes=own.minutes.sum())
        rows = rows.left_join(own, ["period", "customer_id"]).drop("period_right", "customer_id_right")
        rows = rows.left_join(all_minutes, "period").drop("period_right")
        part = (rows.minutes.fill_null(0.0) / rows.all_minutes).fill_null(rows.equal)
        return rows.mutate(cost=rows.service * part + (rows.whole - rows.service) * rows.equal)
    return rows.mutate(cost=rows.whole * rows.equal)
