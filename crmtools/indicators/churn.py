"""Who leaves, who has gone quiet, who is likely to."""

from typing import Literal

import ibis
import ibis.expr.types as ir

from crmtools.indicators.buying import Edge, holding
from crmtools.indicators.catalogue import Around, indicator
from crmtools.indicators.contracts import beside, recurring
from crmtools.indicators.facts import Periods, whole_months
from crmtools.indicators.kinds import Model, Ratio, Share
from crmtools.indicators.patterns import AGES, MODEL_WORDS, ModelName, histories
from crmtools.indicators.silence import expected_silence, share_at_risk
from crmtools.words import Text

BUYING = ("customer_id", "ordered_at", "net_amount", "status?", "refund_amount?")
MRR = ("subscription_id", "customer_id", "started_at", "ended_at", "mrr")
RECURRING_WORDS = {
    "grace_days": Text(
        "宽限天数：期末后在此期间恢复的订阅视同未中断；新旧订阅重叠不超过此天数视为更换，只计新订阅",
        "days: a new subscription within them after the end counts as if nothing had stopped, and one that overlaps the old by no more replaces it",
    ),
    "leave_out_top": Text("剔除期初月度经常性收入最高的多少位客户", "how many customers with the largest recurring revenue at the start are left out"),
}  # fmt: skip


@indicator(
    name=Text("客户流失率", "Customer churn rate"),
    meaning=Text("月初有有效订阅的客户中，到下月初已无订阅、且在宽限期内未恢复的占比；多个月份合并计算。", "Of the customers subscribed on the first of a month, the share without a subscription on the first of the next and not back within the grace; months are pooled."),
    kind=Share(), unit="percent_a_month", better="lower", owner="retention", source="farris2010",
    formula=r"\frac{\sum_m L_m}{\sum_m A_m}", worked="(1 + 1 + 1) / (6 + 5 + 6)",
    uses={"subscriptions": ("customer_id", "started_at", "ended_at", "plan?", "cancel_reason?")}, splits=("plan",),
    caveat=Text("最近一个月的宽限期尚未结束，数字可能下修。", "The grace of the last month is not over yet: its figure may still fall."),
    assumption_words={
        "grace_days": Text("宽限天数：在此期间恢复订阅不算流失", "days within which a new subscription undoes the loss"),
        "denominator": Text("分母：月初客户、月初与月末客户的平均，或月初客户加当月新增客户（此时当月新增又流失的也计入分子）", "below the line: the customers at the start, the mean of start and end, or those at the start and the new ones (of whom those lost in the same month then count above it)"),
        "reason": Text("计入哪些流失：全部、主动退订或付款失败；原因未登记的只计入“全部”", "which losses count: all, voluntary ones or failed payments; a loss without a recorded reason counts among all only"),
    },
    defensible={"denominator": ("start", "average", "start_and_new"), "grace_days": (0, 30)}, follow_up="grace_days",
)  # fmt: skip
def churn_rate(
    subscriptions: ir.Table,
    periods: Periods,
    *,
    grace_days: int = 30,
    denominator: Literal["start", "average", "start_and_new"] = "start",
    reason: Literal["all", "voluntary", "payment"] = "all",
) -> ir.Table:
    """One row per customer and month begun (or, with the new ones, joined) with a subscription: 1 when it was lost.

    At the end of a month also those count as there whom the grace keeps. Who begins on the first of the next month is new
    in that one.
    """
    held = beside(subscriptions, whole_months(periods), grace_days=grace_days)
    new = (held.started_at > held.first_day) & (held.started_at < held.end_day)
    counts = {"start": held.had, "average": held.had | held.there, "start_and_new": held.had | new}[denominator]
    held = held.mutate(counts=counts)
    last = held.ended_at.max(where=held.counts)
    by_month = held.group_by(["period", "first_day", "customer_id"]).aggregate(
        counts=held.counts.any(), had=held.had.any(), there=held.there.any(), stays=held.stays.any(),
        of_reason=held.ended_at.max(where=held.counts & (held.cancel_reason == reason)) == last,
        plan=held.plan.argmax(held.started_at, where=held.counts),
    )  # fmt: skip
    lost = ~by_month.stays if reason == "all" else ~by_month.stays & by_month.of_reason.fill_null(False)
    at_end = by_month.there | (by_month.had & by_month.stays)
    weight = (by_month.had.cast("float64") + at_end.cast("float64")) / 2
    return by_month.filter(by_month.counts).mutate(
        value=lost.cast("float64"), weight=weight if denominator == "average" else ibis.literal(1.0)
    )


@indicator(
    name=Text("客户静默率", "Inactivity rate"),
    meaning=Text("此前买过、但最近一个窗口内没有任何已完成订单的客户占比。", "Of the customers who bought before, the share without a completed order in the last window."),
    kind=Share(), unit="percent", better="lower", owner="retention", source="schmittlein1987",
    formula=r"\frac{\#\{i \in B : n_i(A - W, A) = 0\}}{\#B}", worked="3 / 8",
    uses={"orders": ("customer_id", "ordered_at", "status?")},
    caveat=Text("静默不等于流失：请与预计静默客户占比一并阅读。", "A quiet customer is not a lost one: read it beside the expected share of silent customers."),
    assumption_words={
        "window_days": Text("无订单多少天算静默", "days without an order that count as quiet"),
        "base_days": Text("此前多少天内买过才计入", "days before the window in which a customer must have bought"),
    },
    defensible={"window_days": Around(0.5), "base_days": (180, 365, 730)}, unique=True,
    looks_back={"orders": ("window_days", "base_days")},
)  # fmt: skip
def inactivity_rate(orders: ir.Table, periods: Periods, *, window_days: int = 90, base_days: int = 365) -> ir.Table:
    """One row per customer whose last order before the window lies in the base: 1 when none lies in the window."""
    rows = holding(orders, periods, at="end_day", days_before=window_days, within=base_days, asked=[("end_day", 0)])
    quiet = rows.next_day.isnull() | (rows.next_day >= rows.end_day)
    return rows.select("period", "customer_id", "copies", value=quiet.cast("float64"))


@indicator(
    name=Text("收入流失率", "Gross revenue churn"),
    meaning=Text("月初有经常性收入的客户中，到下月初因退订或降级而减少的月度经常性收入占其月初收入之比；多个月份合并计算。", "Of the monthly recurring revenue on the first of a month, the share that the same customers no longer bring on the first of the next, by leaving or by paying less; months are pooled."),
    kind=Ratio(), unit="percent_a_month", better="lower", owner="finance", source="gupta2003",
    formula=r"\frac{\sum_m \sum_i \max(R_{im} - R_{i,m+1},\, 0)}{\sum_m \sum_i R_{im}}",
    worked="((40 + 40 + 20) + 250 + 250) / ((100 + 40 + 300 + 300 + 250 + 250) + (60 + 40 + 300 + 250 + 250) + (60 + 40 + 300 + 280 + 250 + 250))",
    uses={"subscriptions": MRR}, follow_up="grace_days",
    caveat=Text(
        "少数大客户即可左右该数字，请对照剔除前三大客户后的结果；增购不抵减流失。金额按合同生效日汇率折算，汇率变动不计入。只计完整落在期内的月份。",
        "A few large accounts can make it: read it also without the largest three. What others buy more is not set against it. Amounts are at the "
        "rate of the day a contract began, so that currencies do not move it. Only months that lie wholly in the period count.",
    ),
    assumption_words=RECURRING_WORDS, defensible={"leave_out_top": (0, 3), "grace_days": (0, 30)},
)  # fmt: skip
def revenue_churn(
    subscriptions: ir.Table, periods: Periods, *, grace_days: int = 30, leave_out_top: int = 0
) -> ir.Table:
    """One row per customer and month begun with recurring revenue: what is gone at its end, and what there was."""
    rows = recurring(subscriptions, whole_months(periods), grace_days=grace_days, leave_out_top=leave_out_top)
    lost = ibis.greatest(rows.before - rows.after, ibis.literal(0.0))
    return rows.select("period", "customer_id", value=lost, weight=rows.before)


@indicator(
    name=Text("净收入留存率", "Net revenue retention"),
    meaning=Text("期初有经常性收入的客户，其期末的月度经常性收入与期初之比；含增购与降级，不含新客户。", "Monthly recurring revenue at the end of the period of the customers who brought some at its start, as a share of what they brought then; more and less bought included, new customers not."),
    kind=Ratio(), unit="growth_percent", better="higher", owner="finance", source="gupta2003",
    formula=r"\frac{\sum_{i \in B} R_i(t_1)}{\sum_{i \in B} R_i(t_0)}",
    worked="(60 + 40 + 300 + 280) / (100 + 40 + 300 + 300 + 250 + 250)",
    uses={"subscriptions": MRR}, follow_up="grace_days", unique=True,
    caveat=Text(
        "增购会掩盖客户流失：请与客户流失率一并阅读。该比率针对整个期间，不同长度的期间不可直接比较。",
        "More sold to some hides that others leave: read it beside the churn rate. It is for the whole period: periods of different length do not compare.",
    ),
    assumption_words=RECURRING_WORDS, defensible={"leave_out_top": (0, 3), "grace_days": (0, 30)},
)  # fmt: skip
def nrr(subscriptions: ir.Table, periods: Periods, *, grace_days: int = 30, leave_out_top: int = 0) -> ir.Table:
    """One row per customer with recurring revenue on the period's first day: what it is at the end, and what it was."""
    rows = recurring(subscriptions, periods.table(), grace_days=grace_days, leave_out_top=leave_out_top)
    return rows.select("period", "customer_id", value=rows.after, weight=rows.before)


@indicator(
    name=Text("流失挽回率", "Win-back rate"),
    meaning=Text("观察窗口开始前一年内流失（无订阅或长期无订单）的客户中，在窗口内重新订阅或下单的占比；窗口止于期末。", "Of the customers lost in the year before a window, by having no subscription or by not ordering, the share who begin one or order again within it; the window ends with the period."),
    kind=Share(), unit="percent", better="higher", owner="retention", source="thomas2004",
    formula=r"\frac{\#\{i \in L(E - W) : b_i \in [E - W,\, E)\}}{\#L(E - W)}",
    uses={"subscriptions?": ("customer_id", "started_at", "ended_at"), "orders?": ("customer_id", "ordered_at", "status?")},
    one_of=(("subscriptions", "orders"),), unique=True,
    caveat=Text(
        "其中包含无需挽回也会自行回来的客户：挽回措施的效果只能与未联系的对照组相比得出。窗口按天数而非期间长度计算。",
        "Those who would have come back by themselves are among them: what an effort to win customers back achieves shows only against a group that is "
        "left alone. The window is so many days, however long the period.",
    ),
    assumption_words={
        "activity": Text("两类数据都有时看订阅还是订单", "what is looked at where there are both, subscriptions or orders"),
        "within_days": Text("窗口天数：在此期间回来才算挽回", "days of the window within which a customer must come back"),
        "lost_days": Text("窗口前多少天内流失的客户计入", "days before the window within which a customer must have been lost"),
        "grace_days": Text("订阅结束多少天后才算流失", "days after the end of a subscription from which a customer counts as lost"),
        "quiet_days": Text("多少天无订单才算流失", "days without an order from which a customer counts as lost"),
    },
    defensible={"within_days": Around(0.5), "activity": ("subscriptions", "orders")},
    looks_back={"orders": ("within_days", "quiet_days", "lost_days")},
)  # fmt: skip
def winback_rate(
    subscriptions: ir.Table | None,
    orders: ir.Table | None,
    periods: Periods,
    *,
    activity: Literal["subscriptions", "orders"] = "subscriptions",
    within_days: int = 90,
    lost_days: int = 365,
    grace_days: int = 30,
    quiet_days: int = 90,
) -> ir.Table:
    """One row per customer lost before the window: 1 when he comes back in it.

    Who is back within the grace was never lost for :func:`churn_rate`, and is not won back here.
    """
    if subscriptions is None or (activity == "orders" and orders is not None):
        quiet_since = within_days + quiet_days
        asked: list[tuple[Edge, int]] = [("end_day", quiet_since), ("end_day", 0)]
        rows = holding(
            orders, periods, at="end_day", days_before=within_days, within=quiet_days + lost_days, asked=asked
        )
        lost = rows.filter(rows.day < rows.end_day - ibis.interval(days=quiet_since))
        back = (lost.next_day < lost.end_day).fill_null(False)
        return lost.select("period", "customer_id", "copies", value=back.cast("float64"))
    spans = periods.table()
    edge = spans.end_day - ibis.interval(days=within_days)
    spans = spans.mutate(edge=edge.cast("date"), lost_by=(edge - ibis.interval(days=grace_days)).cast("date"))
    rows = subscriptions.inner_join(spans, [subscriptions.started_at < spans.end_day])
    before = rows.started_at < rows.edge
    rows = rows.mutate(before=before, runs=before & (rows.ended_at.isnull() | (rows.ended_at >= rows.lost_by)))
    by_customer = rows.group_by(["period", "customer_id", "lost_by"]).aggregate(
        runs=rows.runs.any(), last=rows.ended_at.max(where=rows.before), back=(~rows.before).any()
    )
    lately = by_customer.last + ibis.interval(days=lost_days) >= by_customer.lost_by
    lost = by_customer.filter(~by_customer.runs & lately)
    return lost.select("period", "customer_id", value=lost.back.cast("float64"))


@indicator(
    name=Text("预警准确率", "Early-warning precision"),
    meaning=Text("以往各次预警名单前 k 位客户中，在提前期之后的观察期内确实流失的占比。", "Of the k customers whom past warnings put first, the share who did leave in the days after the lead time."),
    kind=Share(), unit="percent", better="higher", owner="retention", source="neslin2006",
    formula=r"\frac{\#\{i \in F_k(s) : c_i \in (s + g,\, s + g + H]\}}{k}",
    uses={"orders": ("customer_id", "ordered_at", "status?")},
    caveat=Text(
        "只能用以往时点的名单与其后的结果比较；已被挽留的客户未流失不等于预警有误。请与基准流失率对照阅读。",
        "Only lists of past days against what came after them tell it; a customer who was talked into staying does not make the warning wrong. Read it "
        "beside the share who leave anyway.",
    ),
    assumption_words={
        "top": Text("名单长度 k：团队能够联系的客户数", "how many customers the team can call: the length k of the list"),
        "lead_days": Text("提前期天数", "days between the warning and the days that are looked at"),
        "horizon_days": Text("观察期天数", "days in which the customer must leave"),
    },
    waits_for=Text("预警模型尚未建立", "the early-warning model does not exist yet"),
)  # fmt: skip
def warning_precision_at_k(
    orders: ir.Table, periods: Periods, *, top: int = 100, lead_days: int = 14, horizon_days: int = 90
) -> ir.Table:
    """One row per customer on a past list, at least four lists: 1 when the customer left in the horizon."""


@indicator(
    name=Text("预计静默客户占比（模型）", "Expected share of silent customers"),
    meaning=Text("当前活跃客户中，模型预计在未来一段时间内不会购买的占比。", "Of the customers active now, the share that the model expects not to buy in the coming days."),
    kind=Model(expected_silence, AGES), unit="percent", better="lower", owner="retention", source="fader2005",
    formula=r"\frac{1}{n} \sum_i \Pr(Y_i(H) = 0 \mid x_i, t_{x,i}, T_i)",
    uses={"orders": BUYING},
    caveat=Text("依据模型外推；节假日等季节因素未计入。", "An extrapolation by a model that knows no seasons."),
    assumption_words={
        "horizon_days": Text("展望的天数", "days ahead"),
        "active_days": Text("多少天内买过算活跃", "days within which an order makes a customer active"),
        "model": MODEL_WORDS,
    },
    defensible={"horizon_days": Around(0.5), "active_days": (180, 365, 730), "model": ("bg_nbd", "mbg_nbd")}, unique=True,
)  # fmt: skip
def expected_churn_share(
    orders: ir.Table, periods: Periods, *, horizon_days: int = 90, active_days: int = 365, model: ModelName = "bg_nbd"
) -> ir.Table:
    """One row per customer seen by the end of the period: repeat purchase days x, age at the last t_x, age T."""
    return histories(orders, periods)


@indicator(
    name=Text("高风险客户占比（模型）", "Share of customers at risk"),
    meaning=Text("当前活跃客户中，模型给出的未来一段时间内不购买的概率达到预警阈值的占比。", "Of the customers active now, the share whose probability of not buying in the coming days, by the model, reaches the threshold of an alert."),
    kind=Model(share_at_risk, AGES), unit="percent", better="lower", owner="retention", source="fader2005",
    formula=r"\frac{\#\{i : \Pr(Y_i(H) = 0 \mid x_i, t_{x,i}, T_i) \ge \theta\}}{n}",
    uses={"orders": BUYING},
    caveat=Text(
        "阈值应按团队可跟进的客户数在历史数据上确定，之后保持不变；模型每期重新拟合，小幅变动可能来自模型本身。购买频率本来就低的客户也会达到阈值。",
        "Fix the threshold once, on past data, by how many alerts the team can follow up. The model is fitted anew every period: a small change may be the model's. Those who buy seldom anyway reach the threshold too.",
    ),
    assumption_words={
        "horizon_days": Text("展望的天数", "days ahead"),
        "threshold": Text("不购买概率达到多少算高风险", "probability of not buying from which a customer is at risk"),
        "active_days": Text("多少天内买过算活跃", "days within which an order makes a customer active"),
        "model": MODEL_WORDS,
    },
    defensible={"threshold": (0.7, 0.8, 0.9), "active_days": (180, 365, 730), "model": ("bg_nbd", "mbg_nbd")}, unique=True,
)  # fmt: skip
def at_risk_share(
    orders: ir.Table, periods: Periods, *,
    horizon_days: int = 90, threshold: float = 0.8, active_days: int = 365, model: ModelName = "bg_nbd",
) -> ir.Table:  # fmt: skip
    """One row per customer seen by the end of the period, as for the expected share of silent customers."""
    return histories(orders, periods)
