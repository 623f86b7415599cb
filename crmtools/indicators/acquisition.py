"""How customers are won, and at what cost."""

from typing import Literal

import ibis
import ibis.expr.types as ir

from crmtools.indicators.buying import order_margin
from crmtools.indicators.catalogue import Around, indicator
from crmtools.indicators.facts import Periods, completed, hours_between
from crmtools.indicators.kinds import Duration, Model, Ratio, Share, UnitCost
from crmtools.indicators.patterns import (
    MODEL_WORDS,
    PAID,
    WITH_MONEY,
    WON,
    ModelName,
    histories,
    histories_with_money,
)
from crmtools.indicators.payback import PATTERN, curves, payback
from crmtools.indicators.worth import worth_to_cost
from crmtools.words import Text

DEFAULT_MARGIN = Text("缺商品成本的订单按净额的该比例计毛利", "share of the net amount taken as margin where an order's cost of goods is missing")  # fmt: skip


@indicator(
    name=Text("客户获取成本", "Customer acquisition cost"),
    meaning=Text("获客费用（含人员与工具）除以期内新客户数；费用取自更早的月份，提前量为从接触到成交所需的时间。", "Acquisition spend, salaries and tools included, divided by the customers won in the period; the spend is taken earlier by the time a lead needs."),
    kind=UnitCost(), unit="money", better="lower", owner="marketing", source="farris2010",
    formula=r"\frac{\sum C_{[t_0 - L,\,t_1 - L)}}{N_{[t_0,\,t_1)}}",
    worked="(1000 + 1100 + 50 * 7.1 + 700 + 500 - 150) / 3",
    uses={"spend": ("period", "category", "amount", "channel?"), "customers": ("customer_id", "acquired_at", "acquired_channel?")},
    splits=("acquired_channel",), by_customer=False, excludes=("organic",),
    caveat=Text(
        "未入账的工资与工具费用会使该数字偏低。自然获客摊薄了总体成本：付费口径只计有投放费用的渠道，自然获客另计。",
        "Salaries and tools that are not booked as acquisition make it look lower. Customers who come by themselves dilute it: "
        "the paid version counts only channels with spend of their own, and says how many came otherwise.",
    ),
    assumption_words={
        "lag_months": Text("费用比新客户提前的整月数", "whole months by which the spend is taken earlier"),
        "channels": Text("计入的新客户：all 全部，paid 仅来自有投放费用的渠道", "customers that count: all, or paid for those of channels with spend of their own"),
    },
    defensible={"lag_months": (0, 1, 2, 3), "channels": ("all", "paid")},
)  # fmt: skip
def cac(
    spend: ir.Table, customers: ir.Table, periods: Periods, *,
    lag_months: int = 1, channels: Literal["all", "paid"] = "all",
) -> ir.Table:  # fmt: skip
    """Spend rows carry the money and belong to nobody; new customers carry the count.

    The lag is in whole months because spend is booked by month, on whatever day. All spend stays above the line in both
    versions: salaries and tools have no channel, and are not spent on those who come by themselves.
    """
    won = periods.rows(customers, "acquired_at")
    spent = spend.filter(spend.category == "acquisition").rename(spent_on="period")
    paid = periods.rows(spent, "spent_on", months=-lag_months)
    counts = ibis.null("string")
    if channels == "paid":
        bought = paid.filter(paid.channel.notnull()).select(paid_in="period", paid_channel="channel").distinct()
        won = won.left_join(bought, [won.period == bought.paid_in, won.acquired_channel == bought.paid_channel])
        organic = ibis.cases((won.paid_in.isnull(), "organic"), else_=counts)
    else:
        organic = counts
    return ibis.union(
        paid.select(
            "period",
            customer_id=counts,
            value=paid.amount,
            weight=ibis.literal(0.0),
            acquired_channel=paid.channel,
            excluded=counts,
        ),
        won.select(
            "period",
            "customer_id",
            value=ibis.literal(0.0),
            weight=ibis.literal(1.0),
            acquired_channel=won.acquired_channel,
            excluded=organic,
        ),
    )


@indicator(
    name=Text("线索转化率", "Lead conversion rate"),
    meaning=Text("线索在规定天数内成为客户的占比，只计观察期已满的线索。", "Share of leads that become customers within the window; only leads whose whole window has been observed."),
    kind=Share(), unit="percent", better="higher", owner="sales", source="farris2010",
    formula=r"\frac{\#\{j : c_j - t_j \le W\}}{\#\{j\}}", worked="3 / 6",
    uses={"leads": ("lead_id", "created_at", "converted_at", "status?", "source?")},
    splits=("source",), by_customer=False, excludes=("not_a_lead",),
    assumption_words={"within_days": Text("观察天数", "days within which a lead must convert")},
    defensible={"within_days": Around(0.5)}, unique=True,
)  # fmt: skip
def lead_conversion_rate(leads: ir.Table, periods: Periods, *, within_days: int = 90) -> ir.Table:
    """One row per lead created one window before the period; the lead is the sampled unit."""
    rows = periods.rows(leads, "created_at", shift=-within_days)
    in_time = rows.converted_at <= rows.created_at + ibis.interval(days=within_days)
    junk = rows.status.isin(["spam", "duplicate"])
    return rows.select(
        "period",
        "source",
        customer_id=rows.lead_id,
        value=in_time.fill_null(False).cast("float64"),
        excluded=ibis.cases((junk, "not_a_lead"), else_=ibis.null("string")),
    )


@indicator(
    name=Text("销售漏斗阶段转化率", "Stage conversion rate"),
    meaning=Text("进入某一阶段的商机中，在规定天数内进入新的阶段或赢单的占比；跳过的阶段视为通过。", "Of the opportunities that enter a stage, the share that go on to a new one or are won within the window; who skips a stage has passed it."),
    kind=Share(), unit="percent", better="higher", owner="sales", source="farris2010",
    formula=r"\frac{\#\{j : u_j - e_j \le W\}}{\#\{j\}}", worked="(2 + 1 + 0) / (4 + 1 + 1)",
    uses={"stage_history": ("opportunity_id", "stage", "entered_at"), "opportunities": ("opportunity_id", "closed_at", "is_won")},
    splits=("stage",), by_customer=False,
    caveat=Text(
        "各阶段合并计算，请分阶段阅读。阶段先后未知：首次退回未到过的阶段也算前进，回到到过的阶段不算；关闭当日最后一次进入视为关闭本身，不算阶段。",
        "All stages pooled: read it by stage. The order of stages is not known: a step back to a stage not seen before counts "
        "as progress, a return to one seen before does not. The last entry on a day on or after the closing is the closing itself.",
    ),
    assumption_words={
        "within_days": Text("观察天数", "days within which it must go on"),
        "stage": Text("只看这一阶段；留空为全部阶段", "only this stage; empty for all"),
    },
    defensible={"within_days": Around(0.5)},
)  # fmt: skip
def stage_conversion_rate(
    stage_history: ir.Table, opportunities: ir.Table, periods: Periods, *, within_days: int = 90, stage: str = ""
) -> ir.Table:
    """One row per opportunity and stage first entered one window before the period; the opportunity is the sampled unit.

    Whether a deal was lost is told by its closing, not by the name of a stage: entering "lost" is neither a stage nor progress.
    """
    ends = opportunities.select("opportunity_id", "closed_at", "is_won")
    entries = stage_history.left_join(ends, "opportunity_id").drop("opportunity_id_right")
    own = ibis.window(group_by="opportunity_id", order_by=["entered_at", "stage"])
    entries = entries.mutate(next_entry=entries.entered_at.lead().over(own))
    day, next_entry = entries.entered_at.date(), entries.next_entry
    last_of_day = next_entry.isnull() | (next_entry.date() > day)
    closing = (day >= entries.closed_at.date()) & last_of_day
    entries = entries.filter(~closing.fill_null(False))
    first = entries.group_by(["opportunity_id", "stage"]).aggregate(
        entered_at=entries.entered_at.min(),
        won_at=ibis.ifelse(entries.is_won, entries.closed_at, ibis.null("timestamp")).max(),
    )
    first = first.mutate(next_stage=first.entered_at.lead().over(own))
    rows = periods.rows(first.filter(first.stage == stage) if stage else first, "entered_at", shift=-within_days)
    until = rows.entered_at + ibis.interval(days=within_days)
    passed = (rows.next_stage <= until).fill_null(False) | (rows.won_at <= until).fill_null(False)
    return rows.select("period", "stage", customer_id=rows.opportunity_id, value=passed.cast("float64"))


@indicator(
    name=Text("销售周期中位数", "Sales cycle"),
    meaning=Text("最近一年创建的商机从创建到赢单的中位天数；未关闭的按删失处理，不剔除。", "Median days from the creation of an opportunity to the win, of those created in the last year; open ones count as still open."),
    kind=Duration(), unit="days", better="lower", owner="sales", source="fine1999",
    formula=r"\inf\{t : \hat S(t) \le 1 - q\}", worked="16 + 31 + 30 + 31 + 30 + 1",
    uses={"opportunities": ("opportunity_id", "created_at", "closed_at", "is_won", "source?")},
    splits=("source",), by_customer=False, unique=True,
    caveat=Text(
        "默认将输单视为删失：假如输掉的商机也像其余商机一样继续推进，数字就是其中一半赢单所需的天数。"
        "按竞争事件处理时，输单永远不会变成赢单；若赢单不足一半，中位数便不存在。只算赢单会偏短。",
        "Lost ones are censored: it is the time by which half would be won if those lost had gone on like the others. "
        "As a competing event they are never won, and where fewer than half are, there is no median. The won ones alone would be too quick.",
    ),
    assumption_words={
        "quantile": Text("分位数：0.5 为中位数", "quantile: 0.5 is the median"),
        "window_days": Text("期末前多少天内创建的商机计入", "days before the end within which an opportunity must have been created"),
        "lost": Text("输单的处理：censored 删失，competing 竞争事件", "what losing is: censored, or a competing event"),
    },
    defensible={"window_days": Around(0.5), "lost": ("censored", "competing")},
)  # fmt: skip
def sales_cycle(
    opportunities: ir.Table, periods: Periods, *,
    quantile: float = 0.5, window_days: int = 365, lost: Literal["censored", "competing"] = "censored",
) -> ir.Table:  # fmt: skip
    """One row per opportunity created in the days that end with the period: days to the win, as known at the period's end.

    As a competing event a lost one stays at risk until that end without being won: open ones being censored by the end alone,
    this is the risk set of Fine and Gray, and the curve is one minus the cumulative incidence of wins.
    """
    rows = periods.ending(days=window_days).rows(opportunities, "created_at")
    end = rows.end_day.cast("timestamp")
    closed = (rows.closed_at < end).fill_null(False)
    won = closed & rows.is_won.fill_null(False)
    over = won if lost == "competing" else closed
    until = ibis.ifelse(over, rows.closed_at, end)
    return rows.select(
        "period", "source", customer_id=rows.opportunity_id, value=hours_between(rows.created_at, until) / 24, event=won
    )


@indicator(
    name=Text("市场活动投资回报率", "Campaign return on investment"),
    meaning=Text("归因于活动的毛利减去活动费用，除以活动费用；响应后规定天数内的订单归因于最近一次响应的活动。", "Margin attributed to campaigns less their cost, divided by the cost; orders within the window after a response belong to the campaign last responded to."),
    kind=Ratio(), unit="ratio", better="higher", owner="marketing", source="farris2010",
    formula=r"\frac{\sum_i m_i - C}{C}",
    worked="((300 - 180) + (600 - 150 - 330) - (200 + 20 * 7.1)) / (200 + 20 * 7.1)",
    uses={
        "campaigns": ("campaign_id", "started_at", "actual_cost", "type?"),
        "campaign_responses": ("campaign_id", "customer_id", "group", "contacted_at", "responded_at"),
        "orders": ("customer_id", "ordered_at", "net_amount", "refund_amount?", "status?", "cogs?"),
    },
    splits=("type",), excludes=("no_contacts", "no_cost"),
    caveat=Text(
        "归因不等于增量：响应者中有人本来就会购买，未与对照组比较，数字偏高。只计观察期已满的活动；无费用或无触达名单的活动不计入。",
        "Attributed is not incremental: some who respond would have bought anyway, and nobody is compared with those held "
        "out, so that it looks too good. Only campaigns whose windows are over; those without a cost or a list of contacts are left out.",
    ),
    assumption_words={
        "within_days": Text("开始后多少天内的响应以及响应后多少天内的订单计入", "days after the start for a response, and after the response for an order"),
        "default_margin": DEFAULT_MARGIN,
    },
    defensible={"within_days": Around(0.5), "default_margin": Around(0.5)},
)  # fmt: skip
def campaign_roi(
    campaigns: ir.Table, campaign_responses: ir.Table, orders: ir.Table, periods: Periods, *,
    within_days: int = 30, default_margin: float = 0.4,
) -> ir.Table:  # fmt: skip
    """One row per customer contacted by a campaign begun two windows before the period: margin less an equal part of the cost.

    The two windows are the one for responses and the one for orders: what is counted then lies before the period's end.
    """
    window = ibis.interval(days=within_days)
    contacted = campaign_responses.filter(campaign_responses["group"] == "contacted")
    starts = campaigns.select("campaign_id", "started_at")
    listed = contacted.inner_join(starts, "campaign_id")
    # whoever is reached after the window for responses cannot respond in it
    late = (listed.contacted_at > listed.started_at + window).fill_null(False)
    listed = listed.filter(~late)
    answered = listed.filter(listed.responded_at <= listed.started_at + window)
    own = ibis.window(group_by="customer_id", order_by=["responded_at", "started_at", "campaign_id"])
    answered = answered.select(
        "campaign_id", "customer_id", "responded_at", next_response=answered.responded_at.lead().over(own)
    )
    done = completed(orders).inner_join(answered, "customer_id")
    in_time = (done.ordered_at >= done.responded_at) & (done.ordered_at <= done.responded_at + window)
    done = done.filter(in_time, done.next_response.isnull() | (done.ordered_at < done.next_response))
    brought = done.group_by(["campaign_id", "customer_id"]).aggregate(margin=order_margin(done, default_margin).sum())
    begun = periods.rows(campaigns, "started_at", shift=-2 * within_days)
    begun = begun.select("period", "campaign_id", "type", "actual_cost")
    sizes = listed.group_by("campaign_id").aggregate(size=listed.count())
    rows = begun.left_join(sizes, "campaign_id").drop("campaign_id_right")
    people = listed.select("campaign_id", "customer_id")
    rows = rows.left_join(people, "campaign_id").drop("campaign_id_right")
    rows = rows.left_join(brought, ["campaign_id", "customer_id"]).drop("campaign_id_right", "customer_id_right")
    cost = rows.actual_cost / rows["size"]
    counts = ibis.null("string")
    return rows.select(
        "period", "customer_id", "type", value=rows.margin.fill_null(0.0) - cost, weight=cost,
        excluded=ibis.cases(
            (rows.customer_id.isnull(), "no_contacts"), ((rows.actual_cost > 0).fill_null(False), counts), else_="no_cost"
        ),
    )  # fmt: skip


@indicator(
    name=Text("获客成本回收期", "CAC payback"),
    meaning=Text("一年内新获客户的人均累计毛利首次达到其人均获客成本所需的月数。", "The first month by which the margin per customer of a year's new customers adds up to what winning them cost."),
    kind=Model(payback, PATTERN), unit="months", better="lower", owner="finance", source="farris2010", tier="extension",
    formula=r"\min\{a : \frac{1}{N} \sum_i M_i(a) \ge \frac{C}{N}\}",
    uses={
        "orders": ("customer_id", "ordered_at", "net_amount", "refund_amount?", "status?", "cogs?"),
        "customers": ("customer_id", "acquired_at"), "spend": ("period", "category", "amount"),
    },
    by_customer=False,
    caveat=Text(
        "反映的是观察期之前一年内获得的新客户；观察期内未收回成本的，不给数值。以毛利而非收入计算，未扣除服务成本。区间只反映客户之间的差异，费用视为已知。",
        "It is about the customers won in the year before the months of observation; what is not paid back within these has no "
        "value. Margin, not revenue, and before cost to serve. The interval holds the differences between customers; the spend is known.",
    ),
    assumption_words={
        "months": Text("观察的月数：此后仍未收回即视为未收回", "months that customers are observed for; what is not paid back by then is not reached"),
        "lag_months": Text("费用比新客户提前的整月数", "whole months by which the spend is taken earlier"),
        "default_margin": DEFAULT_MARGIN,
    },
    defensible={"lag_months": (0, 1, 2, 3), "default_margin": Around(0.5)},
)  # fmt: skip
def cac_payback(
    orders: ir.Table, customers: ir.Table, spend: ir.Table, periods: Periods, *,
    months: int = 12, lag_months: int = 1, default_margin: float = 0.4,
) -> ir.Table:  # fmt: skip
    """Sums of margin by the month of a customer's age, the size of the cohort, and what was spent on it.

    The cohort is all customers won in the twelve months that end ``months`` before the period does: each has been seen for
    that long.
    """
    year = periods.ending(months=12)
    cohort = year.rows(customers, "acquired_at", months=-months)
    spent = spend.filter(spend.category == "acquisition").rename(spent_on="period")
    booked = year.rows(spent, "spent_on", months=-months - lag_months)
    done = completed(orders)
    done = done.select("customer_id", on=done.ordered_at.date(), margin=order_margin(done, default_margin))
    return curves(done, cohort, booked, months)


@indicator(
    name=Text("客户生命周期价值与获客成本之比（模型）", "Customer value to acquisition cost"),
    meaning=Text("一位新客户预计带来的毛利现值（含首次购买）除以获得一位新客户的费用；到期末仍未购买者按零计。", "Present value of the margin expected of a new customer, the first purchase included, divided by what it cost to win one; who has not bought by the end of the period counts as worth nothing."),
    kind=Model(worth_to_cost, WITH_MONEY), unit="ratio", better="higher", owner="marketing", source="gupta2003",
    formula=r"\frac{\frac{B}{N}\, g \operatorname{E}[M] \left(1 + \sum_{t=1}^{H} \frac{\operatorname{E}[X(t)] - \operatorname{E}[X(t-1)]}{(1+d)^{(t-1/2)/12}}\right)}{\sum C_{[t_0 - L,\,t_1 - L)} / N_{[t_0,\,t_1)}}",
    uses={
        "orders": ("customer_id", "ordered_at", "net_amount", "status?", "refund_amount?"),
        "spend": ("period", "category", "amount"),
        "customers": ("customer_id", "acquired_at"),
    },
    by_customer=False,
    caveat=Text(
        "分子是模型由全部历史客户拟合出的一位平均新客户的价值；当期渠道不同，价值也可能不同，期末后才首购的客户会使数字上修。这是平均值之比，不是再多获得一位客户的回报。",
        "Above the line stands the average new buyer of all that the model has seen: those won now, by other channels, may be worth something else. First purchases after the period raise it afterwards. It is a ratio of averages, not what one more customer would return.",
    ),
    assumption_words={
        "horizon_months": Text("展望的月数", "months ahead"),
        "annual_discount": Text("年折现率", "discount rate a year"),
        "margin": Text("毛利率：净额中留下的比例", "share of the net amount that is kept as margin"),
        "lag_months": Text("费用比新客户提前的整月数", "whole months by which the spend is taken earlier"),
        "model": MODEL_WORDS,
    },
    defensible={"horizon_months": (12, 24, 36), "lag_months": (0, 1, 2), "model": ("bg_nbd", "mbg_nbd")},
)  # fmt: skip
def clv_cac_ratio(
    orders: ir.Table,
    spend: ir.Table,
    customers: ir.Table,
    periods: Periods,
    *,
    horizon_months: int = 36,
    annual_discount: float = 0.10,
    margin: float = 0.4,
    lag_months: int = 1,
    model: ModelName = "bg_nbd",
) -> ir.Table:
    """The histories and mean spends of all customers, and the rows of the acquisition cost; who was won and has bought is 1."""
    spend, customers = spend.mutate(channel=ibis.null("string")), customers.mutate(acquired_channel=ibis.null("string"))
    cost = cac(spend, customers, periods, lag_months=lag_months)
    none = ibis.literal(0, "int64")
    buyers = histories(orders, periods).select("period", "customer_id", bought=ibis.literal(1.0))
    cost = cost.left_join(buyers, ["period", "customer_id"])
    won = cost.weight > 0
    cost = cost.mutate(
        role=ibis.ifelse(won, WON, PAID),
        value=ibis.ifelse(won, cost.bought.fill_null(0.0), cost.value),
        x=none,
        t_x=none,
        T=none,
        money=none,
    )
    columns = ["period", "customer_id", *WITH_MONEY, "value"]
    return ibis.union(histories_with_money(orders, periods).select(columns), cost.select(columns))
