"""How quickly and how well requests are dealt with."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods, events_per_month, exposure_months, hours_between
from crmtools.indicators.kinds import Duration, Rate, Total
from crmtools.words import Text


def is_spam(tickets: ir.Table) -> ir.StringValue:
    """The exclusion ``spam``, or nothing."""
    return ibis.cases((tickets.type == "spam", "spam"), else_=ibis.null("string"))


@indicator(
    name=Text("首次响应时长", "First response time"),
    meaning=Text("从工单创建到首次人工响应的中位小时数；尚未响应的工单按删失处理，不剔除。", "Median hours from the opening of a ticket to the first answer by a person; tickets still waiting count as still waiting."),
    kind=Duration(), unit="hours", better="lower", owner="service", source="iso18295",
    formula=r"\inf\{t : \hat S(t) \le 1 - q\}", worked="14 - 8",
    uses={"tickets": ("customer_id", "created_at", "first_response_at", "type?", "channel?", "priority?")},
    splits=("channel", "priority"), excludes=("spam",),
    caveat=Text("按自然时间计算，未扣除非工作时间。", "Elapsed hours: nights and week-ends are not taken out."),
    assumption_words={"quantile": Text("分位数：0.5 为中位数，0.9 为第 90 百分位", "quantile: 0.5 is the median, 0.9 the wait that nine in ten stay under")},
)  # fmt: skip
def first_response_time(tickets: ir.Table, periods: Periods, *, quantile: float = 0.5) -> ir.Table:
    """One row per ticket opened in the period: hours waited, and whether the wait is over."""
    rows = periods.rows(tickets, "created_at")
    answered = rows.first_response_at.notnull()
    until = ibis.ifelse(answered, rows.first_response_at, periods.known_until)
    return rows.select(
        "period", "customer_id", "channel", "priority",
        value=hours_between(rows.created_at, until), event=answered, excluded=is_spam(rows),
    )  # fmt: skip


@indicator(
    name=Text("客户投诉率", "Complaint rate"),
    meaning=Text("每百客户月新建的投诉工单数。", "Complaints opened per 100 customer-months."),
    kind=Rate(per=100), unit="per_100_customer_months", better="lower", owner="service", source="iso10002",
    formula=r"100\,\frac{\sum K_i}{\sum m_i}", worked="100 * 3 / ((8 * 92 + 91 + 22 + 31) / 30.4375)",
    uses={"tickets": ("customer_id", "created_at", "type"), "customers": ("customer_id", "acquired_at")}, excludes=("outside_base",),
    caveat=Text(
        "凡已获得的客户都计入，包括早已不再往来的客户，他们越多该数字越低；投诉渠道变多会推高该数字，投诉少也可能只是沉默。",
        "Everybody acquired so far counts, also those who have long gone quiet: the more of them, the lower the rate. "
        "New channels to complain raise it; few complaints may also be silence.",
    ),
)  # fmt: skip
def complaint_rate(tickets: ir.Table, customers: ir.Table, periods: Periods) -> ir.Table:
    """Customers carry their months at risk, complaints the events."""
    complaints = periods.rows(tickets.filter(tickets.type == "complaint"), "created_at")
    return events_per_month(complaints, exposure_months(customers, periods))


@indicator(
    name=Text("未结工单量", "Open backlog"),
    meaning=Text("期末尚未解决的工单数。", "Tickets not resolved at the end of the period."),
    kind=Total(), unit="tickets", better="lower", owner="service", source="iso18295",
    formula=r"\#\{j : t_j < E \le r_j\}", worked="3 + 1",
    uses={"tickets": ("customer_id", "created_at", "resolved_at", "closed_at?", "type?", "channel?", "priority?")},
    splits=("channel", "priority"), excludes=("spam",),
)  # fmt: skip
def backlog(tickets: ir.Table, periods: Periods) -> ir.Table:
    """One row per ticket open at the end of the period."""
    ends = periods.table()
    opened = tickets.inner_join(ends, [tickets.created_at < ends.end_day])
    done = ibis.coalesce(opened.resolved_at, opened.closed_at)
    rows = opened.filter(done.isnull() | (done >= opened.end_day))
    return rows.select("period", "customer_id", "channel", "priority", value=ibis.literal(1.0), excluded=is_spam(rows))
