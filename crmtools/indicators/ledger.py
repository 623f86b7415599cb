"""What is open of an invoice, and since when: the amount less what was paid and what was written off.

Whatever asks who owes how much on some day starts from this one table. It holds every day on which the open amount changed,
so that one pass over the payments serves all periods, all months of a roll, and days that differ from invoice to invoice.
"""

import ibis
import ibis.expr.types as ir

NOTHING = 0.005
"""Half a cent: sums of decimals are not exact, and less than this is not owed."""


def balances(invoices: ir.Table, payments: ir.Table) -> ir.Table:
    """The spans of days over which something was open of an invoice, with how much.

    Columns ``invoice_id``, ``customer_id``, ``due_at``, ``since``, ``until``, ``left``: the amount was open at the close of
    each day from ``since`` up to, but not including, ``until``. Before the morning of a day E it is the span with
    since < E <= until. A write-off without an amount is one of the whole invoice.
    """
    gone = invoices.filter(invoices.written_off_at.notnull())
    booked = ibis.union(
        invoices.select("invoice_id", day=invoices.issued_at, change=invoices.amount),
        payments.select("invoice_id", day=payments.paid_at, change=-payments.amount),
        gone.select("invoice_id", day=gone.written_off_at, change=-gone.written_off_amount.fill_null(gone.amount)),
    )
    days = booked.group_by(["invoice_id", "day"]).aggregate(change=booked.change.sum())
    own = {"group_by": "invoice_id", "order_by": "day"}
    steps = days.select(
        "invoice_id",
        since=days.day,
        until=days.day.lead().over(ibis.window(**own)).fill_null(ibis.date(9999, 12, 31)),
        left=days.change.sum().over(ibis.cumulative_window(**own)),
    )
    owed = steps.filter(steps.left > NOTHING).inner_join(
        invoices.select("invoice_id", "customer_id", "due_at", "issued_at"), "invoice_id"
    )
    # money paid back before the invoice is issued is not owed on it yet
    owed = owed.mutate(since=ibis.greatest(owed.since, owed.issued_at))
    return owed.filter(owed.since < owed.until).drop("issued_at")
