"""What indicators of subscriptions are made of: who holds one on a day, and what it brings a month.

Subscriptions are few: they are joined to the days that matter by inequality, once for all periods.
"""

import ibis
import ibis.expr.types as ir


def beside(subscriptions: ir.Table, spans: ir.Table, *, grace_days: int) -> ir.Table:
    """Subscriptions beside every span (``first_day`` to ``end_day``) up to whose end, and the grace after it, they began.

    Adds ``had`` (runs on the first day), ``there`` (runs on the end) and ``stays`` (that, or begun within the grace).
    A subscription still runs on its last day, so that nothing hangs on ends that lie after as_of and are not known.
    """
    grace = ibis.interval(days=grace_days)
    rows = subscriptions.inner_join(spans, [subscriptions.started_at <= spans.end_day + grace])
    stays = rows.ended_at.isnull() | (rows.ended_at >= rows.end_day)
    begun = rows.started_at <= rows.first_day
    return rows.mutate(
        had=begun & (rows.ended_at.isnull() | (rows.ended_at >= rows.first_day)),
        there=stays & (rows.started_at <= rows.end_day),
        stays=stays,
    )


def without_replaced(subscriptions: ir.Table, *, grace_days: int) -> ir.Table:
    """Subscriptions with a last day on which nothing else has taken their place: a change of plan must not count twice.

    A subscription is replaced by one of the same customer that begins later, at most the grace before the last day of the
    first, and runs longer. Subscriptions that run beside each other for longer are two, and both count.
    """
    later = subscriptions.select(
        later_id="customer_id",
        began="started_at",
        # a subscription that runs on outlives every other
        ran_until=subscriptions.ended_at.fill_null(ibis.date(9999, 12, 31)),
    )
    overlap = subscriptions.inner_join(
        later,
        [
            subscriptions.customer_id == later.later_id,
            later.began > subscriptions.started_at,
            later.began <= subscriptions.ended_at,
            later.began + ibis.interval(days=grace_days) >= subscriptions.ended_at,
            later.ran_until > subscriptions.ended_at,
        ],
    )
    first = overlap.group_by("subscription_id").aggregate(replaced_on=overlap.began.min())
    found = subscriptions.left_join(first, "subscription_id").drop("subscription_id_right")
    last = (found.replaced_on - ibis.interval(days=1)).cast("date")
    return found.mutate(ended_at=ibis.coalesce(last, found.ended_at)).drop("replaced_on")


def recurring(subscriptions: ir.Table, spans: ir.Table, *, grace_days: int, leave_out_top: int) -> ir.Table:
    """What customers with recurring revenue on a span's first day paid a month then (``before``) and at its end (``after``).

    Who is without a subscription at the end and back within the grace pays what the new ones bring, as he is not lost for
    :func:`churn_rate` either. Amounts are at the rate of the day a subscription began: changes of rates move nothing. Of customers
    who pay the same those are left out first who pay most at the end: the number must not hang on their ids, which are pseudonyms
    and decide last, where it is the same whoever is left out.
    """
    rows = beside(without_replaced(subscriptions, grace_days=grace_days), spans, grace_days=grace_days)
    paid = rows.group_by(["period", "first_day", "customer_id"]).aggregate(
        before=rows.mrr.sum(where=rows.had),
        there=rows.there.any(),
        at_end=rows.mrr.sum(where=rows.there),
        back=rows.mrr.sum(where=rows.stays & ~rows.there),
    )
    paid = paid.mutate(after=ibis.ifelse(paid.there, paid.at_end, paid.back).fill_null(0.0))
    paid = paid.filter(paid.before > 0)
    if leave_out_top:
        order = [ibis.desc(paid.before), ibis.desc(paid.after), paid.customer_id]
        largest = ibis.window(group_by=["period", "first_day"], order_by=order)
        paid = paid.mutate(place=ibis.row_number().over(largest))
        paid = paid.filter(paid.place >= leave_out_top)
    return paid.select("period", "customer_id", "before", "after")
