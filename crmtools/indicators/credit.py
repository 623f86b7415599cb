"""Whether customers pay, and in time."""

from typing import Literal

import ibis
import ibis.expr.types as ir

from crmtools.indicators.catalogue import indicator
from crmtools.indicators.countback import MOST_MONTHS, OPEN, PATTERN, days_outstanding
from crmtools.indicators.facts import Periods, day_table, whole_months
from crmtools.indicators.kinds import Account, Ratio, Share
from crmtools.indicators.ledger import NOTHING, balances
from crmtools.period import add_months
from crmtools.words import Text

INVOICES = ("invoice_id", "customer_id", "issued_at", "due_at", "amount", "written_off_at?", "written_off_amount?")
PAYMENTS = ("invoice_id", "paid_at", "amount")
BUCKETS: dict[str, tuple[int, int]] = {"current": (-10_000, 0), "1-30": (1, 30), "31-60": (31, 60), "61-90": (61, 90)}
"""First and last day past due of the buckets that an amount can roll on from."""


@indicator(
    name=Text("应收账款周转天数（倒推法）", "Days sales outstanding (count-back)"),
    meaning=Text("期末未收金额相当于最近多少天的赊销额：从期末起逐月扣减，扣完为止。", "How many days of the latest credit sales the amount open at the end of the period amounts to: the sales of one month after the other are taken off it until nothing is left."),
    kind=Account(days_outstanding, PATTERN), unit="days", better="lower", owner="finance", source="crf",
    formula=r"\sum_{m < M} d_m + d_M\,\frac{O_E - \sum_{m < M} S_m}{S_M}",
    worked="31 + 30 + 31 * (700 + 1420 + 600 + 400 + 200 + 150 - (900 + 400) - 1200) / (1000 + 1420)",
    uses={"invoices": INVOICES, "payments": PAYMENTS},
    caveat=Text(
        "仅含已开发票的赊销；争议金额计入未收金额。各组的天数不能相加或平均为总体。简单法随销售额波动，并不反映付款行为。",
        "Credit sales only, that is what was invoiced; disputed amounts are open too. The days of groups neither add nor average "
        "to the total. The simple form moves with sales, not with how customers pay.",
    ),
    assumption_words={
        "method": Text("算法：count_back 倒推法，simple 未收金额 ÷ 最近三个月赊销额 × 天数，best_possible 仅以未到期金额倒推", "count_back; simple: the open amount over the sales of the last three months, times their days; best_possible: counted back from what is not yet due")
    },
    defensible={"method": ("count_back", "simple")},
)  # fmt: skip
def dso(
    invoices: ir.Table,
    payments: ir.Table,
    periods: Periods,
    *,
    method: Literal["count_back", "simple", "best_possible"] = "count_back",
) -> ir.Table:
    """What is open (months_ago −1, one row per customer) and what was billed in each of the 24 months that end with the period."""
    ends = periods.table()
    owed = balances(invoices, payments)
    standing = periods.standing(owed, after=owed.since, until=owed.until, at="end_day")
    if method == "best_possible":
        standing = standing.filter(standing.due_at >= standing.end_day)
    billed = invoices.inner_join(ends, [invoices.issued_at < ends.end_day])
    day, end = billed.issued_at, billed.end_day
    # the months end on the day of the month on which the period ends, or on a month's last day where it lacks that day
    apart = 12 * (end.year() - day.year()) + end.month() - day.month()
    before = (day.day() < end.day()) & ((day + ibis.interval(days=1)).month() == day.month())
    billed = billed.mutate(months_ago=(apart - ibis.ifelse(before, 0, 1)).cast("int64"))
    billed = billed.filter(billed.months_ago < MOST_MONTHS)
    keys = ["period", "end_day", "customer_id"]
    rows = ibis.union(
        standing.select(*keys, months_ago=ibis.literal(OPEN, "int64"), value=standing.left),
        # who was billed and owes nothing is one of the customers too
        billed.select(*keys, months_ago=ibis.literal(OPEN, "int64"), value=ibis.literal(0.0)),
        billed.select(*keys, "months_ago", value=billed.amount),
    )
    return rows.group_by([*keys, "months_ago"]).aggregate(value=rows.value.sum())


@indicator(
    name=Text("逾期率（金额）", "Overdue share of receivables"),
    meaning=Text("期末未收金额中已超过到期日的占比。", "Of the amount still open at the end of the period, the share past its due day."),
    kind=Ratio(), unit="percent", better="lower", owner="finance", source="ifrs9",
    formula=r"\frac{\sum o_j\,[d_j + g < E]}{\sum o_j}",
    worked="(700 + 1420 + 200 + 150) / (700 + 1420 + 600 + 400 + 200 + 150)",
    uses={"invoices": INVOICES, "payments": PAYMENTS},
    caveat=Text("个别大额欠款可能左右结果。", "A single large debtor can carry the result."),
    assumption_words={"grace_days": Text("宽限天数：到期后多少天内不算逾期", "days past the due day that do not count as overdue yet")},
    defensible={"grace_days": (0, 7, 30)},
)  # fmt: skip
def overdue_ratio(invoices: ir.Table, payments: ir.Table, periods: Periods, *, grace_days: int = 0) -> ir.Table:
    """One row per invoice open at the end of the period: what is open, and what of it is past due."""
    owed = balances(invoices, payments)
    rows = periods.standing(owed, after=owed.since, until=owed.until, at="end_day")
    late = rows.due_at + ibis.interval(days=grace_days) < rows.end_day
    return rows.select("period", "customer_id", value=ibis.ifelse(late, rows.left, 0.0), weight=rows.left)


@indicator(
    name=Text("账龄迁徙率", "Roll rate"),
    meaning=Text("月初处于某一账龄段的未收金额中，到下月初仍未收回并进入更长账龄段的占比；期内各整月合并计算。", "Of the amount in a bucket of days past due at the start of a month, the share still open and in a later bucket at its end; the whole months of the period are pooled."),
    kind=Ratio(), unit="percent_a_month", better="lower", owner="finance", source="ifrs9",
    formula=r"\frac{\sum_m \sum_j \min(o_{j,m}, o_{j,m+1})\,[b_{j,m} = b,\, b_{j,m+1} > b]}{\sum_m \sum_j o_{j,m}\,[b_{j,m} = b]}",
    worked="1420 / 1420",
    uses={"invoices": INVOICES, "payments": PAYMENTS},
    caveat=Text(
        "跟踪的是同一批发票，月内新开的发票不计入；账龄段为 30 天而月份长短不一，因此进入下一段及更长的账龄段都算。账龄段金额小时波动很大。",
        "The same invoices are followed, so that what is billed in the month does not count. Buckets have 30 days and months 28 "
        "to 31: the next bucket and any later one count. In a small bucket a single invoice decides.",
    ),
    assumption_words={"bucket": Text("月初所在的账龄段（逾期天数；current 为未到期）", "the bucket at the start of the month, in days past due; current is not yet due")},
)  # fmt: skip
def roll_rate(
    invoices: ir.Table,
    payments: ir.Table,
    periods: Periods,
    *,
    bucket: Literal["current", "1-30", "31-60", "61-90"] = "1-30",
) -> ir.Table:
    """One row per invoice and month that begins with something open in the bucket: what was open, and what of it rolled on."""
    months = whole_months(periods)
    owed = balances(invoices, payments)
    rows = owed.inner_join(months, [owed.since < months.end_day, owed.until >= months.first_day])
    past_due = rows.first_day.delta(rows.due_at, unit="day")
    first, last = BUCKETS[bucket]
    rows = rows.filter(past_due.between(first, last))  # before anything is summed: most invoices are elsewhere
    then = ibis.ifelse((rows.since < rows.first_day) & (rows.until >= rows.first_day), rows.left, 0.0)
    now = ibis.ifelse((rows.since < rows.end_day) & (rows.until >= rows.end_day), rows.left, 0.0)
    on = rows.end_day.delta(rows.due_at, unit="day") > last
    keys = ["period", "first_day", "customer_id", "invoice_id"]
    rows = rows.mutate(then=then, now=ibis.ifelse(on, now, 0.0))
    held = rows.group_by(keys).aggregate(weight=rows.then.sum(), now=rows.now.sum())
    held = held.filter(held.weight > NOTHING)
    return held.select("period", "customer_id", value=ibis.least(held.weight, held.now), weight=held.weight)


@indicator(
    name=Text("客户违约率（12 个月）", "Customer default rate (12 months)"),
    meaning=Text("期末 12 个月前正常的赊销客户中，此后 12 个月内有发票逾期满 90 天仍未付清或被核销的占比。", "Of the credit customers in good standing twelve months before the end of the period, the share with an invoice still unpaid 90 days after its due day, or written off, within these twelve months."),
    kind=Share(rare=True), unit="percent", better="lower", owner="finance", source="basel2023",
    formula=r"\frac{\#\{i \in P_{E-12} : t_i^{D} \in [E - 12, E)\}}{\#P_{E-12}}", worked="2 / 3",
    uses={"invoices": INVOICES, "payments": PAYMENTS},
    caveat=Text(
        "基准日正常的客户：当日有未收发票或此前 12 个月内开过发票，且当时没有逾期超过 90 天的发票、此前 12 个月内也没有核销。之后付清的客户仍算违约；破产等事件仅在核销后可见。",
        "In good standing are customers with an open invoice that day or one issued in the twelve months before it, unless an "
        "invoice is more than 90 days past due then or was written off in these twelve months. Who pays later has defaulted all "
        "the same; insolvency shows only when it is written off.",
    ),
    assumption_words={
        "past_due_days": Text("到期后第几天结束时仍未付清算违约", "days after the due day at whose close an unpaid invoice is a default"),
        "material": Text("单张发票未收或核销金额超过多少才算", "amount of one invoice, open or written off, that must be exceeded"),
        "months": Text("观察的月数，也是此前须有赊销往来的月数", "months that are watched, and months before in which a customer must have been billed"),
    },
    defensible={"past_due_days": (60, 90, 120)}, unique=True,
)  # fmt: skip
def default_rate(
    invoices: ir.Table,
    payments: ir.Table,
    periods: Periods,
    *,
    past_due_days: int = 90,
    material: float = 0.0,
    months: int = 12,
) -> ir.Table:
    """One row per customer in good standing at the snapshot: 1 if it defaulted before the period's end.

    A customer is one row of flags from four looks at its invoices, which one group-by puts together.
    """
    numbered = list(enumerate(periods.periods))
    edges = [[(number, add_months(p.end, -months * back)) for number, p in numbered] for back in (2, 1, 0)]
    earlier, watched = (
        day_table(periods.backend, [(number, first, end) for (number, first), (_, end) in zip(*pair, strict=True)])
        for pair in (edges[:2], edges[1:])
    )
    much = max(material, NOTHING)
    owed = balances(invoices, payments)
    day = owed.due_at + ibis.interval(days=past_due_days)
    owed = owed.mutate(default_day=day.cast("date"), large=owed.left > much)
    lost = invoices.filter(
        invoices.written_off_at.notnull() & (invoices.written_off_amount.fill_null(invoices.amount) > much)
    )

    def flags(rows: ir.Table, **given: ir.BooleanValue) -> ir.Table:
        no = ibis.literal(False)
        return rows.select("period", "customer_id", **{name: given.get(name, no) for name in ("base", "bad", "fell")})

    yes = ibis.literal(True)
    standing = owed.inner_join(watched, [owed.since < watched.first_day, owed.until >= watched.first_day])
    billed = invoices.inner_join(
        earlier, [invoices.issued_at >= earlier.first_day, invoices.issued_at < earlier.end_day]
    )
    # the span that holds the close of the day on which the invoice has been due for so long
    unpaid = owed.filter(owed.large & (owed.since <= owed.default_day) & (owed.until > owed.default_day))
    unpaid = unpaid.inner_join(watched, [unpaid.default_day >= watched.first_day, unpaid.default_day < watched.end_day])
    lost_now, lost_before = (
        lost.inner_join(table, [lost.written_off_at >= table.first_day, lost.written_off_at < table.end_day])
        for table in (watched, earlier)
    )
    rows = ibis.union(
        flags(standing, base=yes, bad=standing.large & (standing.default_day < standing.first_day)),
        flags(billed, base=yes),
        flags(unpaid, fell=yes),
        flags(lost_now, fell=yes),
        flags(lost_before, bad=yes),
    )
    known = rows.group_by(["period", "customer_id"]).aggregate(
        base=rows.base.any(), bad=rows.bad.any(), fell=rows.fell.any()
    )
    good = known.filter(known.base & ~known.bad)
    return good.select("period", "customer_id", value=good.fell.cast("float64"))


@indicator(
    name=Text("坏账率", "Bad-debt ratio"),
    meaning=Text("12 个月前同一期间所开发票的金额中，到期末已核销且未收回的占比。", "Of the amount invoiced in the period twelve months earlier, the share written off by the end of the period and not recovered since."),
    kind=Ratio(), unit="percent", better="lower", owner="finance", source="ifrs9",
    formula=r"\frac{\sum_j \min(w_j, a_j - p_j)^{+}}{\sum_j a_j}", worked="(600 - 150) / (400 + 900 + 250)",
    uses={"invoices": INVOICES, "payments": PAYMENTS},
    caveat=Text(
        "按开票批次而非核销日期计算：核销何时入账由公司政策决定。核销后收到的款项先抵未核销的余额，其余视为收回。",
        "By the vintage of the invoices, not by the day of the write-off, which a policy decides. What is paid after a write-off "
        "first settles what was not written off; the rest is recovered.",
    ),
    assumption_words={"months": Text("开票批次比本期早的月数", "months by which the vintage lies before the period")},
    defensible={"months": (12, 18, 24)},
)  # fmt: skip
def bad_debt_ratio(invoices: ir.Table, payments: ir.Table, periods: Periods, *, months: int = 12) -> ir.Table:
    """One row per invoice of the vintage: its amount, and what of it is lost at the end of the period."""
    ends = periods.table().select("period", end="end_day")
    rows = periods.rows(invoices, "issued_at", months=-months).inner_join(ends, "period")
    lost = rows.written_off_at < rows.end
    paid = payments.inner_join(rows.filter(lost).select("period", "end", "invoice_id"), "invoice_id")
    paid = paid.filter(paid.paid_at < paid.end).group_by(["period", "invoice_id"]).aggregate(paid=paid.amount.sum())
    rows = rows.mutate(lost=lost.fill_null(False)).left_join(paid, ["period", "invoice_id"])
    missing = ibis.greatest(rows.amount - rows.paid.fill_null(0.0), 0.0)
    loss = ibis.least(rows.written_off_amount.fill_null(rows.amount), rows.amount, missing)
    return rows.select("period", "customer_id", value=ibis.ifelse(rows.lost, loss, 0.0), weight=rows.amount)


@indicator(
    name=Text("按期付款率", "On-time payment rate"),
    meaning=Text("期内到期的发票中，在到期日当天或之前全额付清的占比；争议发票另计。", "Of the invoices due in the period, the share paid in full by the close of their due day; disputed ones are left out and counted apart."),
    kind=Share(), unit="percent", better="higher", owner="finance", source="crf", tier="extension",
    formula=r"\frac{\#\{j : p_j(d_j) \ge a_j\}}{\#\{j\}}", worked="2 / 4",
    uses={"invoices": ("invoice_id", "customer_id", "due_at", "amount", "disputed?"), "payments": PAYMENTS},
    excludes=("disputed",),
    caveat=Text("按发票张数计：一张小额发票与一张大额发票分量相同。未付的发票也在分母中。", "By number: a small invoice weighs as much as a large one. Invoices never paid are below the line too."),
    assumption_words={"grace_days": Text("宽限天数：到期后多少天内付清仍算按期", "days past the due day that still count as on time")},
    defensible={"grace_days": (0, 3, 7)},
)  # fmt: skip
def on_time_payment_rate(invoices: ir.Table, payments: ir.Table, periods: Periods, *, grace_days: int = 0) -> ir.Table:
    """One row per invoice due in the period, moved earlier by the grace: whether all of it had been paid by then."""
    grace = ibis.interval(days=grace_days)
    due = invoices.select("invoice_id", "due_at")
    paid = payments.inner_join(due, "invoice_id")
    paid = paid.filter(paid.paid_at <= paid.due_at + grace)
    paid = paid.group_by("invoice_id").aggregate(paid=paid.amount.sum())
    rows = periods.rows(invoices, "due_at", shift=-grace_days).left_join(paid, "invoice_id")
    return rows.select(
        "period",
        "customer_id",
        value=(rows.amount - rows.paid.fill_null(0.0) <= NOTHING).cast("float64"),
        excluded=ibis.ifelse(rows.disputed.fill_null(False), "disputed", ibis.null("string")),
    )
