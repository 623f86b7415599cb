"""How customers are won, and at what cost."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Model, Share, UnitCost
from crmtools.indicators.patterns import PAID, WITH_MONEY, WON, histories, histories_with_money
from crmtools.indicators.worth import worth_to_cost
from crmtools.words import Text


@indicator(
    name=Text("客户获取成本", "Customer acquisition cost"),
    meaning=Text("获客费用（含人员与工具）除以期内新客户数；费用按从接触到成交的时滞前移。", "Acquisition spend, salaries and tools included, divided by the customers won in the period; the spend is taken earlier by the time a lead needs."),
    kind=UnitCost(), unit="money", better="lower", owner="marketing", source="farris2010",
    formula=r"\frac{\sum C_{[t_0 - L,\,t_1 - L)}}{N_{[t_0,\,t_1)}}",
    worked="(1000 + 1100 + 50 * 7.1 + 700 + 500 - 150) / 3",
    uses={"spend": ("period", "category", "amount", "channel?"), "customers": ("customer_id", "acquired_at", "acquired_channel?")},
    splits=("acquired_channel",), by_customer=False,
    caveat=Text("未入账的工资与工具费用会使该数字偏低。", "Salaries and tools that are not booked as acquisition make it look lower."),
    assumption_words={"lag_months": Text("费用前移的整月数", "whole months by which the spend is taken earlier")},
)  # fmt: skip
def cac(spend: ir.Table, customers: ir.Table, periods: Periods, *, lag_months: int = 1) -> ir.Table:
    """Spend rows carry the money and belong to nobody; new customers carry the count.

    The lag is in whole months because spend is booked by month, on whatever day.
    """
    won = periods.rows(customers, "acquired_at")
    spent = spend.filter(spend.category == "acquisition").rename(spent_on="period")
    paid = periods.rows(spent, "spent_on", months=-lag_months)
    return ibis.union(
        paid.select(
            "period",
            customer_id=ibis.null("string"),
            value=paid.amount,
            weight=ibis.literal(0.0),
            acquired_channel=paid.channel,
        ),
        won.select(
            "period",
            "customer_id",
            value=ibis.literal(0.0),
            weight=ibis.literal(1.0),
            acquired_channel=won.acquired_channel,
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
    name=Text("客户价值获客比（模型）", "Customer value to acquisition cost"),
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
        "分子是由全部历史客户拟合出的平均新买家；当期渠道不同，价值也可能不同，期末后才首购的客户会使数字上修。这是平均值之比，不是再多获得一位客户的回报。",
        "Above the line stands the average new buyer of all that the model has seen: those won now, by other channels, may be worth something else. First purchases after the period raise it afterwards. It is a ratio of averages, not what one more customer would return.",
    ),
    assumption_words={
        "horizon_months": Text("展望的月数", "months ahead"),
        "annual_discount": Text("年折现率", "discount rate a year"),
        "margin": Text("毛利率：净额中留下的比例", "share of the net amount that is kept as margin"),
        "lag_months": Text("费用前移的整月数", "whole months by which the spend is taken earlier"),
    },
    defensible={"horizon_months": (12, 24, 36), "annual_discount": (0.05, 0.10, 0.15), "lag_months": (0, 1, 2)},
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
