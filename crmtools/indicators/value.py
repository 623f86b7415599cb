"""What customers are worth."""

import ibis.expr.types as ir

from crmtools.indicators.buying import per_period
from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Ratio
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
