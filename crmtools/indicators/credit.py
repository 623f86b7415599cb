"""Whether customers pay, and in time."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Ratio
from crmtools.words import Text


@indicator(
    name=Text("逾期率（金额）", "Overdue share of receivables"),
    meaning=Text("期末未收金额中已超过到期日的占比。", "Of the amount still open at the end of the period, the share past its due day."),
    kind=Ratio(), unit="percent", better="lower", owner="finance", source="ifrs9",
    formula=r"\frac{\sum o_j\,[d_j < E]}{\sum o_j}",
    worked="(700 + 1420 + 200 + 150) / (700 + 1420 + 600 + 400 + 200 + 150)",
    uses={
        "invoices": ("invoice_id", "customer_id", "issued_at", "due_at", "amount", "written_off_at?", "written_off_amount?"),
        "payments": ("invoice_id", "paid_at", "amount"),
    },
    caveat=Text("个别大额欠款可能左右结果。", "A single large debtor can carry the result."),
)  # fmt: skip
def overdue_ratio(invoices: ir.Table, payments: ir.Table, periods: Periods) -> ir.Table:
    """One row per invoice open at the end of the period: what is open, and what of it is past due."""
    ends = periods.table()
    issued = invoices.inner_join(ends, [invoices.issued_at < ends.end_day])
    received = payments.inner_join(ends, [payments.paid_at < ends.end_day])
    received = received.group_by(["period", "invoice_id"]).aggregate(paid=received.amount.sum())
    rows = issued.left_join(received, ["period", "invoice_id"])
    written_off = ibis.ifelse(rows.written_off_at < rows.end_day, rows.written_off_amount.fill_null(rows.amount), 0.0)
    left = ibis.greatest(rows.amount - rows.paid.fill_null(0.0) - written_off.fill_null(0.0), 0.0)
    rows = rows.mutate(left=left).filter(left > 0.005)  # half a cent: sums of decimals are not exact
    return rows.select(
        "period", "customer_id", value=ibis.ifelse(rows.due_at < rows.end_day, rows.left, 0.0), weight=rows.left
    )
