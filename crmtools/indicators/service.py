"""How quickly and how well requests are dealt with."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.active import ACTIVE_DAYS, ACTIVITY, active
from crmtools.indicators.catalogue import Around, indicator
from crmtools.indicators.facts import Periods, events_per_month, exposure_months
from crmtools.indicators.kinds import Duration, Rate, Share, Total
from crmtools.indicators.requests import (
    WORKING_HOURS,
    done_a_window_ago,
    done_at,
    is_spam,
    kept,
    open_at_end,
    working_hours,
)
from crmtools.words import Text

QUANTILE = Text(
    "分位数：0.5 为中位数，0.9 为第 90 百分位", "quantile: 0.5 is the median, 0.9 the wait that nine in ten stay under"
)


@indicator(
    name=Text("首次响应时长", "First response time"),
    meaning=Text("从工单创建到首次人工响应的中位小时数；尚未响应的工单按删失处理，不剔除。", "Median hours from the opening of a ticket to the first answer by a person; tickets still waiting count as still waiting."),
    kind=Duration(), unit="hours", better="lower", owner="service", source="iso18295",
    formula=r"\inf\{t : \hat S(t) \le 1 - q\}", worked="14 - 8",
    uses={"tickets": ("customer_id", "created_at", "first_response_at", "type?", "channel?", "priority?")},
    splits=("channel", "priority"), excludes=("spam",),
    caveat=Text(
        "未设定工作时间时按自然小时计，夜间与周末也在内；法定节假日一律按普通日计。自动回复须在源数据中剔除。",
        "Elapsed hours, nights and week-ends included, unless working hours are set; public holidays are days like others. Automatic "
        "answers must be left out at the source.",
    ),
    assumption_words={"quantile": QUANTILE, **WORKING_HOURS},
    defensible={"opens": (0.0, 9.0), "closes": (24.0, 18.0), "work_days": (7, 5)},
)  # fmt: skip
def first_response_time(
    tickets: ir.Table,
    periods: Periods,
    *,
    quantile: float = 0.5,
    opens: float = 0.0,
    closes: float = 24.0,
    work_days: int = 7,
) -> ir.Table:
    """One row per ticket opened in the period: hours waited, and whether the wait is over."""
    rows = periods.rows(tickets, "created_at")
    answered = rows.first_response_at.notnull()
    until = ibis.ifelse(answered, rows.first_response_at, periods.known_until)
    waited = working_hours(rows.created_at, until, opens=opens, closes=closes, work_days=work_days)
    return rows.select(
        "period", "customer_id", "channel", "priority", value=waited, event=answered, excluded=is_spam(rows)
    )


@indicator(
    name=Text("问题解决时长", "Resolution time"),
    meaning=Text("从工单创建到最终解决的中位小时数；未解决的工单按删失处理，不剔除。", "Median hours from the opening of a ticket to its final resolution; open tickets count as still open."),
    kind=Duration(), unit="hours", better="lower", owner="service", source="kaplan1958",
    formula=r"\inf\{t : \hat S(t) \le 1 - q\}", worked="4 * 24",
    uses={"tickets": ("customer_id", "created_at", "resolved_at", "closed_at?", "type?", "channel?", "priority?", "category?")},
    splits=("channel", "priority", "category"), excludes=("spam",),
    caveat=Text(
        "重开的工单算到最后一次解决；已关闭而无解决时间的，以关闭时间为准。等待客户回复的时间未扣除，法定节假日按普通日计。"
        "只看已关闭的工单会严重低估。",
        "A reopened ticket ends with its last resolution, one closed without any with its closing. Waiting for the customer is not "
        "taken out, and public holidays are days like others. Closed tickets alone would look far quicker.",
    ),
    assumption_words={"quantile": QUANTILE, **WORKING_HOURS},
)  # fmt: skip
def resolution_time(
    tickets: ir.Table,
    periods: Periods,
    *,
    quantile: float = 0.5,
    opens: float = 0.0,
    closes: float = 24.0,
    work_days: int = 7,
) -> ir.Table:
    """One row per ticket opened in the period: hours until it was done with, or until now."""
    rows = periods.rows(tickets, "created_at")
    done = done_at(rows)
    until = ibis.coalesce(done, periods.known_until)
    waited = working_hours(rows.created_at, until, opens=opens, closes=closes, work_days=work_days)
    return rows.select(
        "period", "customer_id", "channel", "priority", "category",
        value=waited, event=done.notnull(), excluded=is_spam(rows),
    )  # fmt: skip


@indicator(
    name=Text("SLA 达成率", "SLA attainment"),
    meaning=Text("承诺时间落在期内的工单中，在承诺时间前解决的占比；仍未解决的算未达成。", "Of the tickets promised for this period, the share done with by then; those still open have missed it."),
    kind=Share(), unit="percent", better="higher", owner="service", source="iso18295",
    formula=r"\frac{\#\{j : r_j \le d_j\}}{\#\{j\}}", worked="2 / 6",
    uses={"tickets": ("customer_id", "due_at", "resolved_at", "closed_at?", "type?", "channel?", "priority?")},
    splits=("channel", "priority"), excludes=("spam",),
    caveat=Text(
        "未写明承诺时间的工单不计入；等待客户回复的时间未扣除。",
        "Tickets without a promised time do not count; time spent waiting for the customer is not taken out.",
    ),
    assumption_words={"grace_hours": Text("超出承诺时间多少小时仍算达成", "hours past the promise that still count as kept")},
)  # fmt: skip
def sla_attainment(tickets: ir.Table, periods: Periods, *, grace_hours: int = 0) -> ir.Table:
    """One row per ticket due in the period: whether the promise was kept."""
    rows = periods.rows(tickets, "due_at")
    return rows.select(
        "period", "customer_id", "channel", "priority",
        value=kept(rows, grace_hours=grace_hours), excluded=is_spam(rows),
    )  # fmt: skip


@indicator(
    name=Text("首次解决率", "First-contact resolution"),
    meaning=Text("已解决的工单中，未被重开、且同一客户在规定天数内未就同一主题再次提交工单的占比。", "Of the tickets resolved, the share that were not reopened and whose customer opened no other on the same topic within the window."),
    kind=Share(), unit="percent", better="higher", owner="service", source="iso18295",
    formula=r"\frac{\#\{j : o_j = 0,\ \nexists\,k : i_k = i_j,\ c_k = c_j,\ r_j < t_k \le r_j + f\}}{\#\{j\}}", worked="2 / 3",
    uses={"tickets": ("customer_id", "created_at", "resolved_at", "reopened_count", "closed_at?", "category?", "type?", "channel?", "priority?")},
    splits=("channel", "priority", "category"), excludes=("spam",),
    caveat=Text(
        "因须等观察期满，本期数字反映的是一个观察期之前解决的工单。重开次数没有记录时间，观察期之后的重开也算；未填视为未重开。未填主题的工单彼此视为同一主题。",
        "The window makes this period's figure one about tickets resolved a window earlier. Reopenings bear no time: one after the "
        "window counts too; no entry is none. Tickets without a topic count as being on the same one.",
    ),
    assumption_words={"within_days": Text("解决后观察的天数（面向企业常用 30）", "days after the resolution in which nothing may follow; business customers are often given 30")},
    defensible={"within_days": (7, 14, 30)},
)  # fmt: skip
def first_contact_resolution(tickets: ir.Table, periods: Periods, *, within_days: int = 7) -> ir.Table:
    """One row per ticket resolved a window before the period."""
    # openings and resolutions in one order of time: the first opening after a resolution is what the window looks for
    marked = tickets.mutate(excluded=is_spam(tickets), done=done_at(tickets))
    told = ["customer_id", "category", "channel", "priority", "reopened_count", "excluded"]
    both = ibis.union(
        marked.filter(marked.excluded.isnull()).select(
            *told, at=marked.created_at.cast("timestamp"), is_end=ibis.literal(False)
        ),
        marked.filter(marked.done.notnull()).select(*told, at=marked.done.cast("timestamp"), is_end=ibis.literal(True)),
    )
    # at one moment openings come first: a ticket opened and resolved at once does not follow itself
    later = ibis.window(group_by=["customer_id", "category"], order_by=["at", "is_end"], rows=(1, None))
    opened = ibis.ifelse(both.is_end, ibis.null("timestamp"), both["at"])
    followed = both.mutate(next_opened=opened.min().over(later))
    rows = periods.rows(followed.filter(followed.is_end), "at", shift=-within_days)
    again = (rows.next_opened <= rows["at"] + ibis.interval(days=within_days)).fill_null(False)
    once = (rows.reopened_count.fill_null(0) == 0) & ~again
    return rows.select(
        "period", "customer_id", "channel", "priority", "category", "excluded", value=once.cast("float64")
    )


@indicator(
    name=Text("工单重开率", "Reopen rate"),
    meaning=Text("已解决满规定天数的工单中，被重开过的占比。", "Of the tickets whose window since the resolution is over, the share that were reopened."),
    kind=Share(), unit="percent", better="lower", owner="service", source="iso18295",
    formula=r"\frac{\#\{j : o_j > 0\}}{\#\{j\}}", worked="1 / 3", tier="extension",
    uses={"tickets": ("customer_id", "resolved_at", "reopened_count", "closed_at?", "type?", "channel?", "priority?", "category?")},
    splits=("channel", "priority", "category"), excludes=("spam",),
    caveat=Text(
        "数据只有重开次数而无重开时间：等待期之后的重开也算；被重开的工单计入其最后一次解决所在的期间；未填视为未重开。",
        "The data hold how often, not when: a reopening after the window counts too, and a reopened ticket stands in the period of its "
        "last resolution. No entry is none.",
    ),
    assumption_words={"within_days": Text("解决后等待的天数", "days that must have passed since the resolution")},
    defensible={"within_days": (7, 14, 30)},
)  # fmt: skip
def reopen_rate(tickets: ir.Table, periods: Periods, *, within_days: int = 7) -> ir.Table:
    """One row per ticket resolved a window before the period: 1 when it was ever reopened."""
    rows = done_a_window_ago(tickets, periods, within_days=within_days)
    reopened = (rows.reopened_count > 0).fill_null(False)
    return rows.select(
        "period", "customer_id", "channel", "priority", "category",
        value=reopened.cast("float64"), excluded=is_spam(rows),
    )  # fmt: skip


@indicator(
    name=Text("客户投诉率", "Complaint rate"),
    meaning=Text("每百客户月新建的投诉工单数；只计当期活跃的客户。", "Complaints opened per 100 customer-months of those who are active in the period."),
    kind=Rate(per=100), unit="per_100_customer_months", better="lower", owner="service", source="iso10002",
    formula=r"100\,\frac{\sum K_i}{\sum m_i}", worked="100 * 3 / ((8 * 92 + 91 + 22 + 31) / 30.4375)",
    uses={"tickets": ("customer_id", "created_at", "type"), "customers": ("customer_id", "acquired_at"), **ACTIVITY}, excludes=("outside_base",), unique=True,
    caveat=Text(
        "既无订单也无订阅数据时，凡已获得的客户都计入，数字会逐年走低。投诉渠道变多会推高该数字，投诉少也可能只是沉默。",
        "Without a table of orders or subscriptions everybody ever acquired counts, which lets the rate fall over the years. New "
        "channels to complain raise it; few complaints may also be silence.",
    ),
    assumption_words={"active_days": ACTIVE_DAYS}, defensible={"active_days": Around(0.5)},
)  # fmt: skip
def complaint_rate(
    tickets: ir.Table,
    customers: ir.Table,
    orders: ir.Table | None,
    subscriptions: ir.Table | None,
    periods: Periods,
    *,
    active_days: int = 365,
) -> ir.Table:
    """Active customers carry their months at risk, complaints the events."""
    complaints = periods.rows(tickets.filter(tickets.type == "complaint"), "created_at")
    lively = active(customers, orders, subscriptions, periods, days=active_days)
    return events_per_month(complaints, exposure_months(customers, periods, lively))


@indicator(
    name=Text("投诉按时办结率", "Complaints closed on time"),
    meaning=Text("办结期限落在期内的投诉中，按时办结的占比；逾期仍未办结的算未按时。", "Of the complaints due in this period, the share done with by then; those still open have missed it."),
    kind=Share(), unit="percent", better="higher", owner="service", source="iso10002",
    formula=r"\frac{\#\{j : r_j \le d_j\}}{\#\{j\}}", worked="1 / 4",
    uses={"tickets": ("customer_id", "due_at", "resolved_at", "type", "closed_at?", "channel?", "category?")},
    splits=("channel", "category"),
    caveat=Text(
        "未写明期限的投诉不计入。按时关闭不等于客户同意：请与投诉后的满意度一并阅读。",
        "Complaints without a due time do not count. Closed is not settled: read it beside the satisfaction after complaints.",
    ),
)  # fmt: skip
def complaint_on_time(tickets: ir.Table, periods: Periods) -> ir.Table:
    """One row per complaint due in the period."""
    rows = periods.rows(tickets.filter(tickets.type == "complaint"), "due_at")
    return rows.select("period", "customer_id", "channel", "category", value=kept(rows))


@indicator(
    name=Text("未结工单超期占比", "Overdue share of open requests"),
    meaning=Text("期末尚未解决、且写明承诺时间的工单中，已超过承诺时间的占比。", "Of the tickets open at the end of the period that were promised for a time, the share past it."),
    kind=Share(), unit="percent", better="lower", owner="service", source="iso10002",
    formula=r"\frac{\#\{j : t_j < E \le r_j,\ d_j < E\}}{\#\{j : t_j < E \le r_j\}}", worked="3 / 4",
    uses={"tickets": ("customer_id", "created_at", "due_at", "resolved_at", "closed_at?", "type?", "channel?", "priority?")},
    splits=("channel", "priority"), excludes=("spam",),
    caveat=Text(
        "时点数，未写明承诺时间的工单不计入。新工单大量涌入时占比会下降：请与未结工单量一并阅读。",
        "As of the last day; tickets without a promised time do not count. It falls when many new ones come in: read it beside the "
        "backlog.",
    ),
)  # fmt: skip
def overdue_open_share(tickets: ir.Table, periods: Periods) -> ir.Table:
    """One row per open ticket with a promised time: 1 when that lies before the end of the period."""
    rows = open_at_end(tickets.filter(tickets.due_at.notnull()), periods)
    late = (rows.due_at < rows.end_day).cast("float64")
    return rows.select("period", "customer_id", "channel", "priority", value=late, excluded=is_spam(rows))


@indicator(
    name=Text("未结工单量", "Open backlog"),
    meaning=Text("期末尚未解决的工单数。", "Tickets not resolved at the end of the period."),
    kind=Total(), unit="tickets", better="lower", owner="service", source="iso18295",
    formula=r"\#\{j : t_j < E \le r_j\}", worked="3 + 1", tier="extension",
    uses={"tickets": ("customer_id", "created_at", "resolved_at", "closed_at?", "type?", "channel?", "priority?")},
    splits=("channel", "priority", "age_band"), excludes=("spam",),
)  # fmt: skip
def backlog(tickets: ir.Table, periods: Periods) -> ir.Table:
    """One row per ticket open at the end of the period; its age in whole days, in the bands that ageing lists use."""
    rows = open_at_end(tickets, periods)
    age = rows.end_day.delta(rows.created_at.date(), unit="day") - 1
    band = ibis.cases((age <= 7, "0–7"), (age <= 30, "8–30"), (age <= 90, "31–90"), else_=">90")
    return rows.select(
        "period", "customer_id", "channel", "priority",
        age_band=band, value=ibis.literal(1.0), excluded=is_spam(rows),
    )  # fmt: skip
