"""Who leaves, who has gone quiet, who is likely to."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.buying import gaps
from crmtools.indicators.catalogue import Around, indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Model, Share
from crmtools.indicators.patterns import AGES, histories
from crmtools.indicators.silence import expected_silence, share_at_risk
from crmtools.words import Text


@indicator(
    name=Text("客户流失率", "Customer churn rate"),
    meaning=Text("月初有有效订阅的客户中，到下月初已无订阅、且在宽限期内未恢复的占比；多个月份合并计算。", "Of the customers subscribed on the first of a month, the share without a subscription on the first of the next and not back within the grace; months are pooled."),
    kind=Share(), unit="percent_a_month", better="lower", owner="retention", source="farris2010",
    formula=r"\frac{\sum_m L_m}{\sum_m A_m}", worked="(1 + 1 + 1) / (6 + 5 + 6)",
    uses={"subscriptions": ("customer_id", "started_at", "ended_at", "plan?")}, splits=("plan",),
    caveat=Text("最近一个月的宽限期尚未结束，数字可能下修。", "The grace of the last month is not over yet: its figure may still fall."),
    assumption_words={"grace_days": Text("宽限天数：在此期间恢复订阅不算流失", "days within which a new subscription undoes the loss")},
)  # fmt: skip
def churn_rate(subscriptions: ir.Table, periods: Periods, *, grace_days: int = 30) -> ir.Table:
    """One row per customer and month begun with a subscription: 1 when it was lost."""
    months = periods.table(step="month")
    grace = ibis.interval(days=grace_days)
    rows = subscriptions.inner_join(months, [subscriptions.started_at <= months.end_day + grace])
    # a subscription still runs on its last day, so that nothing hangs on ends that lie after as_of and are not known
    runs_on = rows.ended_at.isnull() | (rows.ended_at >= rows.end_day)
    had = (rows.started_at <= rows.first_day) & (rows.ended_at.isnull() | (rows.ended_at >= rows.first_day))
    held = rows.mutate(had=had, runs_on=runs_on)
    by_month = held.group_by(["period", "first_day", "customer_id"]).aggregate(
        had=held.had.any(), runs_on=held.runs_on.any(), plan=held.plan.argmax(held.started_at, where=held.had)
    )
    return by_month.filter(by_month.had).mutate(value=(~by_month.runs_on).cast("float64"))


@indicator(
    name=Text("客户静默率", "Inactivity rate"),
    meaning=Text("此前买过、但最近一个窗口内没有任何已完成订单的客户占比。", "Of the customers who bought before, the share without a completed order in the last window."),
    kind=Share(), unit="percent", better="lower", owner="retention", source="schmittlein1987",
    formula=r"\frac{\#\{i \in B : n_i(A - W, A) = 0\}}{\#B}", worked="3 / 8",
    uses={"orders": ("customer_id", "ordered_at", "status?")},
    caveat=Text("静默不等于流失：请与预计静默占比一并阅读。", "A quiet customer is not a lost one: read it beside the expected share of silent customers."),
    assumption_words={
        "window_days": Text("无订单多少天算静默", "days without an order that count as quiet"),
        "base_days": Text("此前多少天内买过才计入", "days before the window in which a customer must have bought"),
    },
    defensible={"window_days": Around(0.5), "base_days": (180, 365, 730)}, unique=True,
)  # fmt: skip
def inactivity_rate(orders: ir.Table, periods: Periods, *, window_days: int = 90, base_days: int = 365) -> ir.Table:
    """One row per customer whose last order before the window lies in the base: 1 when none lies in the window."""
    bought = gaps(orders)
    # the gap that holds the window's first day says when the customer bought last before it, and whether again since
    far = bought.day + ibis.interval(days=base_days)
    rows = periods.standing(
        bought,
        after=bought.day,
        until=ibis.least(far, bought.next_day.fill_null(far)),
        at="end_day",
        days_before=window_days,
    )
    quiet = rows.next_day.isnull() | (rows.next_day >= rows.end_day)
    return rows.select("period", "customer_id", value=quiet.cast("float64"))


BUYING = ("customer_id", "ordered_at", "net_amount", "status?", "refund_amount?")


@indicator(
    name=Text("预计静默占比（模型）", "Expected share of silent customers"),
    meaning=Text("当前活跃客户中，模型预计在未来一段时间内不会购买的占比。", "Of the customers active now, the share that the BG/NBD model expects not to buy in the coming days."),
    kind=Model(expected_silence, AGES), unit="percent", better="lower", owner="retention", source="fader2005",
    formula=r"\frac{1}{n} \sum_i \Pr(Y_i(H) = 0 \mid x_i, t_{x,i}, T_i)",
    uses={"orders": BUYING},
    caveat=Text("依据模型外推；节假日等季节因素未计入。", "An extrapolation by a model that knows no seasons."),
    assumption_words={
        "horizon_days": Text("展望的天数", "days ahead"),
        "active_days": Text("多少天内买过算活跃", "days within which an order makes a customer active"),
    },
    defensible={"horizon_days": Around(0.5), "active_days": (180, 365, 730)}, unique=True,
)  # fmt: skip
def expected_churn_share(
    orders: ir.Table, periods: Periods, *, horizon_days: int = 90, active_days: int = 365
) -> ir.Table:
    """One row per customer seen by the end of the period: repeat purchase days x, age at the last t_x, age T."""
    return histories(orders, periods)


@indicator(
    name=Text("高风险客户占比（模型）", "Share of customers at risk"),
    meaning=Text("当前活跃客户中，模型给出的未来一段时间内不购买的概率达到预警阈值的占比。", "Of the customers active now, the share whose probability of not buying in the coming days, by the BG/NBD model, reaches the threshold of an alert."),
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
    },
    defensible={"threshold": (0.7, 0.8, 0.9), "active_days": (180, 365, 730)}, unique=True,
)  # fmt: skip
def at_risk_share(
    orders: ir.Table, periods: Periods, *, horizon_days: int = 90, threshold: float = 0.8, active_days: int = 365
) -> ir.Table:
    """One row per customer seen by the end of the period, as for the expected share of silent customers."""
    return histories(orders, periods)
