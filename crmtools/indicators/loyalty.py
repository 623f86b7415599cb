"""Whether customers come back, and recommend."""

from typing import Literal

import ibis
import ibis.expr.types as ir

from crmtools.indicators.buying import Edge, gaps, holding
from crmtools.indicators.catalogue import Around, indicator
from crmtools.indicators.contracts import beside
from crmtools.indicators.facts import Periods, whole_months
from crmtools.indicators.kinds import Duration, NetShare, Share
from crmtools.indicators.satisfaction import NON_RESPONSE, SURVEYS, scores
from crmtools.words import Text


@indicator(
    name=Text("净推荐值", "Net Promoter Score"),
    meaning=Text("推荐者占比减去贬损者占比，取值 −100 至 100。", "Share of promoters minus share of detractors, from −100 to 100."),
    kind=NetShare(), unit="points", better="higher", owner="customer_success", source="reichheld2003",
    formula=r"100\,\frac{P - D}{n}", worked="100 * (4 - 2) / 9",
    uses=SURVEYS, excludes=("earlier_answer", "off_scale"), caveat=NON_RESPONSE,
    assumption_words={
        "promoter_from": Text("达到该分即为推荐者", "an answer from here on is a promoter's"),
        "detractor_to": Text("不高于该分即为贬损者", "an answer up to here is a detractor's"),
    },
)  # fmt: skip
def nps(
    survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, *, promoter_from: int = 9, detractor_to: int = 6
) -> ir.Table:
    """One row per customer and question: +1, 0 or −1 for the last answer on the scale from 0 to 10, and no other."""
    rows = scores(survey_answers, survey_items.filter(survey_items.scale_min == 0), periods, "nps", 10)
    sign = ibis.cases((rows.value >= promoter_from, 1.0), (rows.value <= detractor_to, -1.0), else_=0.0)
    return rows.mutate(value=sign * rows.weight)


@indicator(
    name=Text("客户重复购买率", "Repeat purchase rate"),
    meaning=Text("首次购买后在规定天数内再次购买的客户占比，只计观察期已满的客户。", "Share of first-time buyers who buy again within the window; only customers whose whole window has been observed."),
    kind=Share(), unit="percent", better="higher", owner="marketing", source="farris2010",
    formula=r"\frac{\#\{i : t_{i2} - t_{i1} \le W\}}{\#\{i\}}", worked="2 / 5",
    uses={"orders": ("customer_id", "ordered_at", "status?")},
    caveat=Text("因须等观察期满，该指标有滞后：本期数字反映的是一个观察期之前的新客户。", "The window makes it late: this period's figure is about customers won one window earlier."),
    assumption_words={"within_days": Text("观察天数", "days after the first order within which the second must come")},
    defensible={"within_days": Around(0.5)}, unique=True,
)  # fmt: skip
def repeat_purchase_rate(orders: ir.Table, periods: Periods, *, within_days: int = 90) -> ir.Table:
    """One row per customer whose first completed order lies one window before the period; same-day orders are one."""
    bought = gaps(orders)
    rows = periods.rows(bought.filter(bought.day == bought.since), "day", shift=-within_days)
    again = rows.next_day <= rows.day + ibis.interval(days=within_days)
    return rows.select("period", "customer_id", value=again.fill_null(False).cast("float64"))


@indicator(
    name=Text("客户留存率", "Customer retention rate"),
    meaning=Text("期初的活跃客户中，到期末仍然活跃的占比；期内新增的客户不计入。", "Of the customers active on the period's first day, the share still active at its end; customers won in between do not count."),
    kind=Share(), unit="percent", better="higher", owner="retention", source="farris2010",
    formula=r"\frac{\#(A(t_0) \cap A(t_1))}{\#A(t_0)}", worked="4 / 6",
    uses={"subscriptions?": ("customer_id", "started_at", "ended_at"), "orders?": ("customer_id", "ordered_at", "status?")},
    one_of=(("subscriptions", "orders"),), unique=True, follow_up="grace_days",
    caveat=Text(
        "针对整个期间而非每月，不同长度的期间不可直接比较；仅对同一基数、同一个月，它才等于 1 减客户流失率。",
        "It is for the whole period, not a month, so periods of different length do not compare. Only for the same customers and a single month is it 1 less the churn rate.",
    ),
    assumption_words={
        "activity": Text("以订阅还是订单判断活跃；只有其中一类数据时即用该类", "what makes a customer active, subscriptions or orders; where there is only one of them, that one"),
        "active_days": Text("按订单判断时，最近一次订单在多少天内算活跃", "by orders: days within which the last order makes a customer active"),
        "grace_days": Text("按订阅判断时，期末后多少天内恢复订阅仍算留存", "by subscriptions: days after the end within which a new subscription undoes the loss"),
    },
    defensible={"activity": ("subscriptions", "orders"), "active_days": Around(0.5), "grace_days": (0, 30)},
    only_with={"active_days": ("activity", "orders"), "grace_days": ("activity", "subscriptions")},
    looks_back={"orders": ("period", "active_days")},
)  # fmt: skip
def retention_rate(
    subscriptions: ir.Table | None,
    orders: ir.Table | None,
    periods: Periods,
    *,
    activity: Literal["subscriptions", "orders"] = "subscriptions",
    active_days: int = 365,
    grace_days: int = 30,
) -> ir.Table:
    """One row per customer active on the first day: 1 when still active at the end.

    By orders the one gap that holds the first day tells all: who orders in the period stays, and who does not, as long as
    the last order before it lies no further back than ``active_days`` before the end.
    """
    if subscriptions is None or (activity == "orders" and orders is not None):
        asked: list[tuple[Edge, int]] = [("end_day", 0), ("end_day", active_days)]
        rows = holding(orders, periods, at="first_day", within=active_days, asked=asked)
        ordered = (rows.next_day < rows.end_day).fill_null(False)
        stays = ordered | (rows.day >= rows.end_day - ibis.interval(days=active_days))
        return rows.select("period", "customer_id", "copies", value=stays.cast("float64"))
    held = beside(subscriptions, periods.table(), grace_days=grace_days)
    found = held.group_by(["period", "customer_id"]).aggregate(had=held.had.any(), stays=held.stays.any())
    found = found.filter(found.had)
    return found.select("period", "customer_id", value=found.stays.cast("float64"))


@indicator(
    name=Text("同期群留存率", "Cohort retention"),
    meaning=Text("首次下单满规定月数的客户中，在该月再次下单的占比；期内各月所对应的同期群合并计算。", "Of the customers who first ordered so many calendar months ago, the share who order in that month; the cohorts that reach this age in the period are pooled."),
    kind=Share(), unit="percent", better="higher", owner="marketing", source="fader2007",
    formula=r"\frac{\sum_c \#\{i \in c : n_i(c + k) \ge 1\}}{\sum_c \#c}", worked="(0 + 1 + 0) / (1 + 2 + 1)",
    uses={"orders": ("customer_id", "ordered_at", "status?")}, unique=True,
    caveat=Text(
        "只计完整落在期内的月份，即整个同期群都已观察到的月份；某月未下单的客户之后仍可能回来。",
        "Only months that lie wholly in the period count, of which the whole cohort has been observed. Who does not order in that month may still come back later.",
    ),
    assumption_words={"age": Text("距首次下单所在月的月数", "calendar months since the month of the first order")},
    defensible={"age": (1, 3, 6, 12)},
)  # fmt: skip
def cohort_retention(orders: ir.Table, periods: Periods, *, age: int = 3) -> ir.Table:
    """One row per customer whose first completed order lies ``age`` calendar months before a month of the period."""
    bought, months = gaps(orders), whole_months(periods)
    firsts = bought.filter(bought.day == bought.since).mutate(cohort=lambda t: t.day.truncate("M"))
    due = months.mutate(cohort=(months.first_day - ibis.interval(months=age)).cast("date"))
    members = firsts.inner_join(due, "cohort").select("period", "customer_id")
    # an order day knows the customer's first, hence its age: what is not of this age meets nothing
    years, month = bought.day.year() - bought.since.year(), bought.day.month() - bought.since.month()
    aged = bought.filter(12 * years + month == age)
    here = aged.mutate(first_day=aged.day.truncate("M")).inner_join(months, "first_day")
    back = here.select(back_in="period", back_id="customer_id").distinct()
    rows = members.left_join(back, [members.period == back.back_in, members.customer_id == back.back_id])
    return rows.select("period", "customer_id", value=rows.back_id.notnull().cast("float64"))


@indicator(
    name=Text("复购间隔中位数", "Median repurchase interval"),
    meaning=Text("相邻两个有已完成订单的日子之间的中位天数；尚未再次下单的按删失处理，不剔除。", "Median days from a day with a completed order to the customer's next; those who have not ordered again count as still waiting."),
    kind=Duration(), unit="days", better="lower", owner="marketing", source="kaplan1958",
    formula=r"\inf\{t : \hat S(t) \le 1 - q\}", worked="29 + 30 + 31",
    uses={"orders": ("customer_id", "ordered_at", "status?")},
    caveat=Text(
        "起点比本期早一个窗口，使每个间隔都至少观察这么多天，以往各期的数字也不再变动；购买频繁的客户间隔多，故更偏向他们。",
        "The waits begin one window before the period, so that each is watched at least so long and a past figure never changes. Who buys often has many waits: the figure is more theirs.",
    ),
    assumption_words={
        "quantile": Text("分位数：0.5 为中位数，0.75 为第 75 百分位", "quantile: 0.5 is the median, 0.75 the wait that three in four stay under"),
        "watched_days": Text("每个间隔至少观察的天数", "days for which every wait is watched at least"),
    },
    defensible={"watched_days": Around(0.5)},
)  # fmt: skip
def repurchase_interval(
    orders: ir.Table, periods: Periods, *, quantile: float = 0.5, watched_days: int = 90
) -> ir.Table:
    """One row per day with an order one window before the period: days to the next one, or to the period's last day.

    Censored there and not at as_of, so that a past period rests on what was known when it ended. The year that ends with
    the period would be the alternative; an order would then stand in a dozen of the months of a trend.
    """
    bought = gaps(orders)
    rows = periods.rows(bought, "day", shift=-watched_days)
    end = rows.end_day + ibis.interval(days=watched_days)
    again = (rows.next_day < end).fill_null(False)
    until = ibis.ifelse(again, rows.next_day, (end - ibis.interval(days=1)).cast("date"))
    return rows.select("period", "customer_id", value=until.delta(rows.day, unit="day"), event=again)


@indicator(
    name=Text("转介绍新客户占比", "Referral share of new customers"),
    meaning=Text("期内来源已知的新客户中，由老客户转介绍而来的占比。", "Of the new customers of the period whose source is known, the share who came through a referral."),
    kind=Share(), unit="percent", better="higher", owner="marketing", source="kumar2007",
    formula=r"\frac{\#\{i : s_i = r\}}{\#\{i : s_i \ne \varnothing\}}", worked="0 / 3",
    uses={"customers": ("customer_id", "acquired_at", "acquired_channel")}, excludes=("unknown_source",), unique=True,
    caveat=Text("来源登记方式一变，看起来就像客户行为变了；把来源未知的客户全部算作或全部不算转介绍，可得上下限。", "A change in how sources are recorded looks like a change of behaviour. To count all unknown sources as referrals, or none, gives the bounds."),
    assumption_words={
        "channel": Text("代表转介绍的渠道名称", "the channel that stands for a referral"),
        "unknown": Text("来源未知的新客户：剔除、视为转介绍或视为其他", "new customers without a source: left out, taken for referrals, or for others"),
    },
    defensible={"unknown": ("left_out", "as_referral", "as_other")}, word_of={"channel": "customers.acquired_channel"},
)  # fmt: skip
def referral_rate(
    customers: ir.Table,
    periods: Periods,
    *,
    channel: str = "referral",
    unknown: Literal["left_out", "as_referral", "as_other"] = "left_out",
) -> ir.Table:
    """One row per customer won in the period: 1 when the source is the referral channel."""
    rows = periods.rows(customers, "acquired_at")
    nothing = rows.acquired_channel.isnull()
    referred = (rows.acquired_channel == channel).fill_null(unknown == "as_referral")
    reason = ibis.cases((nothing, "unknown_source"), else_=ibis.null("string"))
    return rows.select(
        "period", "customer_id",
        value=referred.cast("float64"), excluded=reason if unknown == "left_out" else ibis.null("string"),
    )  # fmt: skip


@indicator(
    name=Text("忠诚计划活跃率", "Active loyalty-member rate"),
    meaning=Text("期初已入会的会员中，期内至少积分或兑换一次的占比；系统自动赠送的积分不算。", "Of the members enrolled by the period's first day, the share who earn or redeem points in it at least once; points that are given automatically do not count."),
    kind=Share(), unit="percent", better="higher", owner="marketing", source="farris2010",
    formula=r"\frac{\#\{i \in M(t_0) : e_i \ge 1\}}{\#M(t_0)}", worked="2 / 5",
    uses={"members": ("customer_id", "enrolled_at", "event", "at")}, unique=True,
    caveat=Text(
        "会员与非会员之差是自选的结果，不是计划的效果；期间越长，活跃的会员自然越多。",
        "How members differ from others is who chose to join, not what the programme does. In a longer period more members are active.",
    ),
)  # fmt: skip
def loyalty_active_rate(members: ir.Table, periods: Periods) -> ir.Table:
    """One row per member enrolled by the first day and known by the end: 1 with an event of the member's own doing."""
    joined = members.group_by("customer_id").aggregate(enrolled=members.enrolled_at.min(), known=members["at"].min())
    spans = periods.table()
    base = joined.inner_join(spans, [joined.enrolled <= spans.first_day, joined.known < spans.end_day])
    did = periods.rows(members.filter(members.event.isin(["earn", "redeem"])), "at")
    active = did.select(active_in="period", active_id="customer_id").distinct()
    rows = base.left_join(active, [base.period == active.active_in, base.customer_id == active.active_id])
    return rows.select("period", "customer_id", value=rows.active_id.notnull().cast("float64"))
