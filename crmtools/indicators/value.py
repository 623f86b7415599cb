"""What customers are worth."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.allocation import Key, allocated
from crmtools.indicators.buying import alike, gross_margin, holding, order_margin, ordered_in, per_period, placed
from crmtools.indicators.catalogue import Around, indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Concentration, Mean, Model, Rate, Ratio
from crmtools.indicators.patterns import MODEL_WORDS, WITH_MONEY, ModelName, histories_with_money
from crmtools.indicators.worth import expected_worth
from crmtools.words import Text

ORDER_COLUMNS = ("customer_id", "ordered_at", "net_amount", "refund_amount?", "status?", "cogs?")
COSTED_ORDERS = (*ORDER_COLUMNS[:-1], "cogs")
"""The same columns in the same order, so that the engine still makes the shared tables once."""
DAYS_PER_YEAR = 365.25
DEFAULT_MARGIN = Text(
    "缺商品成本的订单按净额的该比例计毛利",
    "share of the net amount taken as margin where an order's cost of goods is missing",
)


@indicator(
    name=Text("客均交易金额", "Net revenue per active customer"),
    meaning=Text("期内已完成订单的净额（扣除退款）除以期内有已完成订单的客户数。", "Net amount of the completed orders of the period, less refunds, divided by the customers who placed one."),
    kind=Ratio(), unit="money", better="higher", owner="sales", source="farris2010",
    formula=r"\frac{\sum (a_j - f_j)}{\#\{i : n_i \ge 1\}}",
    worked="(300 + (600 - 150) + 1200 + 200 * 7.1 + (80 + 120) + 250) / 6",
    uses={"orders": ORDER_COLUMNS}, excludes=("not_completed",), unique=True,
    caveat=Text("期末之后的退款会使该数字下修。", "Refunds after the end of the period lower it afterwards."),
)  # fmt: skip
def revenue_per_customer(orders: ir.Table, periods: Periods) -> ir.Table:
    """One row per customer with a completed order: the net amount of the period. Refunds count where the order was."""
    bought = per_period(orders, periods)
    return bought.select("period", "customer_id", "excluded", value="net", records="orders")


@indicator(
    name=Text("客单价", "Average order value"),
    meaning=Text("期内已完成订单的净额（扣除退款）除以已完成订单数。", "Net amount of the completed orders of the period, less refunds, divided by the number of these orders."),
    kind=Ratio(), unit="money", better="higher", owner="sales", source="farris2010", tier="extension",
    formula=r"\frac{\sum (a_j - f_j)}{\sum n_i}", worked="(300 + (600 - 150) + 1200 + 200 * 7.1 + 80 + 120 + 250) / 7",
    uses={"orders": ORDER_COLUMNS}, excludes=("not_completed",), unique=True,
    caveat=Text("小额订单减少也会使其上升；拆单会使其下降。", "It also rises when small orders stop coming, and falls when orders are split."),
)  # fmt: skip
def aov(orders: ir.Table, periods: Periods) -> ir.Table:
    """One row per customer with a completed order: net amount over the number of orders."""
    bought = per_period(orders, periods)
    return bought.select("period", "customer_id", "excluded", value="net", weight="orders", records="orders")


@indicator(
    name=Text("交易频率", "Purchase frequency"),
    meaning=Text("近期买过的客户平均每年下单的天数；同日多单计一次，期内新获客户自获客之日起计时。", "Days with an order per customer and year, over those who bought lately; orders of one day are one, and who was won in the period counts from that day."),
    kind=Rate(), unit="per_customer_year", better="higher", owner="marketing", source="ehrenberg1959",
    formula=r"\frac{\sum d_i}{\sum y_i}", worked="(1 + 1 + 1 + 1 + 2 + 1) / ((5 * 92 + 91 + 22) / 365.25)",
    uses={"orders": ("customer_id", "ordered_at", "status?"), "customers": ("customer_id", "acquired_at")},
    caveat=Text(
        "只计期末前活跃窗口内有已完成订单的客户；长期未购买的客户不计入，故该数字不反映流失。",
        "It is about those with a completed order in the active days before the end; who has long stopped buying is not among them, so that it says nothing about losses.",
    ),
    assumption_words={"active_days": Text("期末前多少天内买过才计入", "days before the end within which a customer must have bought")},
    defensible={"active_days": (180, 365, 730)}, unique=True,
)  # fmt: skip
def purchase_frequency(orders: ir.Table, customers: ir.Table, periods: Periods, *, active_days: int = 365) -> ir.Table:
    """One row per customer who bought lately: order days of the period, and the years of it that he was a customer.

    A customer is one from the day of acquisition or of the first completed order, whichever is earlier: whoever orders is
    a customer, whatever the list says.
    """
    # who bought last before the period was a customer through all of it
    quiet = holding(orders, periods, at="end_day", within=active_days, asked=[("first_day", 0)])
    quiet = quiet.filter(quiet.day < quiet.first_day)
    no = ibis.literal(0, type="int64")
    whole = quiet.end_day.delta(quiet.first_day, unit="day")
    waiting = quiet.select("period", "customer_id", "copies", value=no, exposed=whole)
    spans = periods.table()
    buyers = ordered_in(orders, periods)
    buyers = buyers.filter(buyers.done).mutate(value=buyers.days)
    if active_days < max(period.days for period in periods.periods):
        ends = spans.select("period", "end_day")
        buyers = buyers.inner_join(ends, "period")
        buyers = buyers.filter(buyers.last_day >= buyers.end_day - ibis.interval(days=active_days))
    # so was who had ordered before it, most of the buyers; when the others were won is looked up
    known = alike(buyers.filter(buyers.since.isnull()), "period", "value").inner_join(spans, "period")
    known = known.mutate(exposed=known.end_day.delta(known.first_day, unit="day"))
    new = buyers.filter(buyers.since.notnull()).select("period", "customer_id", "value", "since")
    new = new.left_join(customers, "customer_id").drop("customer_id_right").inner_join(spans, "period")
    begin = ibis.greatest(ibis.least(new.since, new.acquired_at.fill_null(new.since)), new.first_day)
    new = alike(new.mutate(exposed=new.end_day.delta(begin, unit="day")), "period", "value", "exposed")
    all_rows = ibis.union(waiting, known.select(waiting.columns), new.select(waiting.columns))
    return all_rows.select(
        "period", "customer_id", "copies", "value", weight=all_rows.exposed / DAYS_PER_YEAR, records=all_rows.value + 1
    )


@indicator(
    name=Text("产品使用率", "Product usage rate"),
    meaning=Text("期末前最后若干天内，活跃用户数之和除以已购席位数之和。", "Over the last days of the period, active users divided by the seats paid for, day by day."),
    kind=Ratio(), unit="percent", better="higher", owner="product", source="farris2010",
    formula=r"\frac{\sum_{i,t} \min(u_{it}, s_{it})}{\sum_{i,t} s_{it}}",
    worked="((2 + 4) + (1 + 1 + 0) + 5 + 0) / ((5 + 5) + (1 + 1 + 1) + 5 + 10)",
    uses={"usage": ("customer_id", "date", "active_users", "entitled")},
    caveat=Text(
        "登录不等于获得价值；随套餐附送、本就无人使用的席位会拉低该数字；没有使用记录的日子不计入。",
        "To log in is not to benefit; bundled seats that nobody was meant to use lower it; days without a record do not count.",
    ),
    assumption_words={"window_days": Text("期末前的观察天数", "days before the end that are looked at")},
    defensible={"window_days": (7, 28, 91)},
)  # fmt: skip
def usage_rate(usage: ir.Table, periods: Periods, *, window_days: int = 28) -> ir.Table:
    """One row per customer and day with seats; more users than seats (shared accounts) are as many as there are seats."""
    rows = periods.ending(days=window_days).rows(usage, "date")
    rows = rows.filter(rows.entitled > 0, rows.active_users.notnull())
    return rows.select(
        "period", "customer_id", value=ibis.least(rows.active_users, rows.entitled), weight=rows.entitled
    )


@indicator(
    name=Text("客户净贡献", "Customer contribution margin"),
    meaning=Text("期内净收入减去商品成本、服务成本与维系费用，除以期内有已完成订单的客户数；亏损客户保留在内。", "Net revenue of the period less cost of goods, cost to serve and cost of retention, divided by the customers with a completed order; those who cost more than they bring stay in."),
    kind=Ratio(), unit="money", better="higher", owner="finance", source="niraj2001",
    formula=r"\frac{\sum_i (a_i - g_i - s_i - k_i)}{\#\{i : n_i \ge 1\}}",
    worked="((300 - 180) + (450 - 330) + (1200 - 800) + (200 - 130) * 7.1 + (80 - 50) + (120 - 70) + (250 - 150) - 2000 - 500) / 6",
    uses={
        "orders": COSTED_ORDERS, "spend?": ("period", "category", "amount"),
        "tickets?": ("customer_id", "created_at", "handle_minutes", "type?"),
    },
    excludes=("not_completed",), unique=True,
    caveat=Text(
        "均摊与按收入分摊只在客户之间移动费用，均值不变，各组不同；按处理时长分摊时，无订单客户的工单费用不计入。"
        "公共费用（如房租）不分摊；没有费用表时即为毛利；退货商品的成本不冲回。",
        "Equal shares and shares of revenue only move cost between customers: the mean stays, groups differ. By handling time "
        "the tickets of customers without an order keep their cost. Shared cost such as rent is not allocated; without a "
        "table of spend it is the gross margin; the cost of goods that came back stays.",
    ),
    assumption_words={
        "key": Text("服务成本的分摊依据：equal 客户均摊，revenue 按净收入，handling 按工单处理时长", "how cost to serve is allocated: equal per customer, by net revenue, or by handling time of tickets"),
        "default_margin": DEFAULT_MARGIN,
    },
    defensible={"key": ("equal", "revenue", "handling"), "default_margin": Around(0.5)},
    only_with={"tickets": ("key", "handling")},
)  # fmt: skip
def customer_margin(
    orders: ir.Table, spend: ir.Table | None, tickets: ir.Table | None, periods: Periods, *,
    key: Key = "equal", default_margin: float = 0.4,
) -> ir.Table:  # fmt: skip
    """One row per customer with a completed order: what is left of the net amount."""
    bought = per_period(orders, periods)
    bought = bought.mutate(margin=gross_margin(bought, default_margin))
    if spend is not None:
        bought = allocated(bought, spend, tickets, periods, key)
        bought = bought.mutate(margin=bought.margin - bought.cost)
    return bought.select("period", "customer_id", "excluded", value="margin", records="orders")


@indicator(
    name=Text("历史客户价值（固定客龄累计毛利）", "Historic customer value at an age"),
    meaning=Text("期内客龄满规定月数的客户，自首次下单起至达到该客龄为止的累计毛利，按客户平均。", "Of the customers who reach the age in the period, the margin from the first order up to that age, per customer."),
    kind=Ratio(), unit="money", better="higher", owner="finance", source="farris2010",
    formula=r"\frac{1}{\#\{i\}} \sum_i \sum_{t_j < t_{i1} + A} (a_j - g_j)", worked="(900 - 600) / 1",
    uses={"orders": COSTED_ORDERS}, unique=True,
    caveat=Text("只可在相同客龄之间比较；反映的是相应月数之前获得的新客户；未扣除服务与维系费用。", "Comparable at equal age only; it is about customers won that age ago; cost to serve and to retain is not taken off."),
    assumption_words={"age_months": Text("首次下单后的月数", "months after the first order"), "default_margin": DEFAULT_MARGIN},
    defensible={"default_margin": Around(0.5)},
)  # fmt: skip
def clv_historic(orders: ir.Table, periods: Periods, *, age_months: int = 12, default_margin: float = 0.4) -> ir.Table:
    """One row per customer whose first completed order lies the age before the period: the margin of the days before that age."""
    begun = periods.table(months=-age_months, daily=True)
    begun = begun.mutate(until=(begun.on_day + ibis.interval(months=age_months)).cast("date"))
    rows = placed(orders)
    rows = rows.filter(rows.done).inner_join(begun, rows.since == begun.on_day)
    young = rows.filter(rows.day < rows.until)
    return young.group_by(["period", "customer_id"]).aggregate(
        value=order_margin(young, default_margin).sum(), records=young.count()
    )


@indicator(
    name=Text("客户关系价值综合指数", "Customer relationship value index"),
    meaning=Text("交易金额、频率、使用率、客户价值、口碑与投诉率（反向）六项的加权综合。", "Six components weighted into one: amount, frequency, usage, lifetime value, word of mouth, and complaints turned round."),
    kind=Mean(), unit="index", better="higher", owner="customer_success", source="oecd2008",
    formula=r"100\,\frac{\sum_k w_k u_k(x_k)}{\sum_k w_k}",
    uses={"orders": ("customer_id", "ordered_at", "net_amount"), "customers": ("customer_id",)},
    caveat=Text("金额与频率已含在客户生命周期价值之中，会重复计算。", "Amount and frequency are part of the lifetime value: they would count twice."),
    waits_for=Text("综合指数的标准化尺度与权重尚未建立", "the scales and weights of the composite are not settled yet"),
)  # fmt: skip
def relationship_value_index(orders: ir.Table, customers: ir.Table, periods: Periods) -> ir.Table:
    """One row per customer: the weighted mean of the components' utilities."""
    raise NotImplementedError


@indicator(
    name=Text("收入集中度", "Revenue share of the top tenth"),
    meaning=Text("期内净收入最高的 10% 客户占全部净收入的比例。", "Share of the period's net revenue that comes from the tenth of the customers who bring most."),
    kind=Concentration(), unit="percent", better="range", owner="finance", source="gastwirth1971", tier="extension",
    formula=r"\frac{\sum_{i \le n/10} y_{(i)}}{\sum_i y_i}",
    worked="0.6 * 200 * 7.1 / (300 + (600 - 150) + 1200 + 200 * 7.1 + (80 + 120) + 250)",
    uses={"orders": ORDER_COLUMNS}, excludes=("not_completed",), unique=True,
    caveat=Text(
        "同一集团的多个法人若未合并，集中度会被低估；退款超过付款的客户按 0 计。客户之间差距悬殊而人数不多时，区间偏窄、数字偏低。",
        "Legal entities of one group that are not merged make it look lower; customers who got back more than they paid count "
        "with 0. With few and very unequal customers the value is too low and the interval too narrow.",
    ),
)  # fmt: skip
def revenue_concentration(orders: ir.Table, periods: Periods) -> ir.Table:
    """One row per customer with a completed order: the net amount of the period, never below 0."""
    bought = per_period(orders, periods)
    return bought.select("period", "customer_id", "excluded", value=ibis.greatest(bought.net, 0.0), records="orders")


@indicator(
    name=Text("预期客户生命周期价值（模型）", "Expected customer value"),
    meaning=Text("当前活跃客户在展望期内预计带来的毛利的人均现值：购买次数来自购买模型，客单价来自 Gamma-Gamma，乘以毛利率并折现。", "Present value of the margin that a customer active now is expected to bring over the horizon: purchases by a model of purchases, spend per purchase by Gamma-Gamma, times the margin, discounted."),
    kind=Model(expected_worth, WITH_MONEY), unit="money", better="higher", owner="finance", source="fader2005rfm",
    formula=r"\frac{g}{n} \sum_i \operatorname{E}[M_i] \sum_{t=1}^{H} \frac{\operatorname{E}[Y_i(t)] - \operatorname{E}[Y_i(t-1)]}{(1+d)^{(t-1/2)/12}}",
    uses={"orders": ("customer_id", "ordered_at", "net_amount", "status?", "refund_amount?")},
    caveat=Text(
        "只计展望期内、已有活跃客户的订单，不含更早的价值；模型假定客单价与购买频率无关、毛利率固定；BG/NBD 并视仅购买一次者仍为客户。",
        "Only orders of the horizon, of the customers active now. The models take spend to be independent of how often a customer buys, and the margin to be the same for all; BG/NBD takes who bought once to be a customer still.",
    ),
    assumption_words={
        "horizon_months": Text("展望的月数", "months ahead"),
        "annual_discount": Text("年折现率", "discount rate a year"),
        "margin": Text("毛利率：净额中留下的比例", "share of the net amount that is kept as margin"),
        "active_days": Text("多少天内买过算活跃", "days within which an order makes a customer active"),
        "model": MODEL_WORDS,
    },
    defensible={"horizon_months": (12, 24, 36), "annual_discount": (0.05, 0.10, 0.15), "model": ("bg_nbd", "mbg_nbd")},
)  # fmt: skip
def clv_expected(
    orders: ir.Table,
    periods: Periods,
    *,
    horizon_months: int = 36,
    annual_discount: float = 0.10,
    margin: float = 0.4,
    active_days: int = 365,
    model: ModelName = "bg_nbd",
) -> ir.Table:
    """Every history by the end of the period, and every mean spend.

    The mean is over the customers active then: over all who ever bought it would fall as a company grows older.
    """
    return histories_with_money(orders, periods)
