"""What customers are worth."""

import ibis.expr.types as ir

from crmtools.indicators.buying import per_period
from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Model, Ratio
from crmtools.indicators.patterns import WITH_MONEY, histories_with_money
from crmtools.indicators.worth import expected_worth
from crmtools.words import Text

ORDER_COLUMNS = ("customer_id", "ordered_at", "net_amount", "refund_amount?", "status?", "cogs?")


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
    name=Text("预期客户价值（模型）", "Expected customer value"),
    meaning=Text("当前活跃客户在展望期内预计带来的毛利的人均现值：购买次数来自 BG/NBD，客单价来自 Gamma-Gamma，乘以毛利率并折现。", "Present value of the margin that a customer active now is expected to bring over the horizon: purchases by BG/NBD, spend per purchase by Gamma-Gamma, times the margin, discounted."),
    kind=Model(expected_worth, WITH_MONEY), unit="money", better="higher", owner="finance", source="fader2005rfm",
    formula=r"\frac{g}{n} \sum_i \operatorname{E}[M_i] \sum_{t=1}^{H} \frac{\operatorname{E}[Y_i(t)] - \operatorname{E}[Y_i(t-1)]}{(1+d)^{(t-1/2)/12}}",
    uses={"orders": ("customer_id", "ordered_at", "net_amount", "status?", "refund_amount?")},
    caveat=Text(
        "只计展望期内、已有活跃客户的订单，不含更早的价值；模型假定客单价与购买频率无关、毛利率固定，并视仅购买一次者仍为客户。",
        "Only orders of the horizon, of the customers active now. The models take spend to be independent of how often a customer buys, the margin to be the same for all, and who bought once to be a customer still.",
    ),
    assumption_words={
        "horizon_months": Text("展望的月数", "months ahead"),
        "annual_discount": Text("年折现率", "discount rate a year"),
        "margin": Text("毛利率：净额中留下的比例", "share of the net amount that is kept as margin"),
        "active_days": Text("多少天内买过算活跃", "days within which an order makes a customer active"),
    },
    defensible={"horizon_months": (12, 24, 36), "annual_discount": (0.05, 0.10, 0.15)},
)  # fmt: skip
def clv_expected(
    orders: ir.Table,
    periods: Periods,
    *,
    horizon_months: int = 36,
    annual_discount: float = 0.10,
    margin: float = 0.4,
    active_days: int = 365,
) -> ir.Table:
    """Every history by the end of the period, and every mean spend.

    The mean is over the customers active then: over all who ever bought it would fall as a company grows older.
    """
    return histories_with_money(orders, periods)
