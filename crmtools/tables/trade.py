"""What is bought: orders and their lines."""

from crmtools.tables import schema as s
from crmtools.tables.schema import Table
from crmtools.words import Text

ORDERS = Table(
    "orders",
    Text("订单，每行一份", "orders, one row each"),
    (
        s.key("order_id", "order", "订单编号", "order number"),
        s.customer(),
        s.moment("ordered_at", "下单时间", "when it was placed", required=True),
        s.category(
            "status", "状态；空表示已完成", "status; empty means completed", "completed", "cancelled", "returned"
        ),
        s.money("gross_amount", "折扣前金额", "amount before discount"),
        s.money("discount", "折扣", "discount"),
        s.money("net_amount", "实付金额（不含税）", "amount paid, without tax", required=True),
        s.money("refund_amount", "退款金额", "amount paid back"),
        s.money("cogs", "商品成本", "cost of the goods sold"),
        s.currency(),
        s.category("channel", "销售渠道", "sales channel"),
    ),
    key=("order_id",),
    time="ordered_at",
    generated_key=True,
)

ORDER_LINES = Table(
    "order_lines",
    Text("订单明细，每行一种商品", "lines of an order, one per article"),
    (
        s.key("line_id", "order_line", "明细编号", "line number"),
        s.reference("order_id", "order", "orders", "所属订单", "the order it belongs to", required=True),
        s.category("product", "商品", "article"),
        s.category("product_group", "商品类别", "group of articles"),
        s.number("quantity", "数量", "quantity", signed=True),
        # not money: lines have no day of their own to convert at
        s.number("amount", "金额（以订单币种计）", "amount, in the currency of its order", signed=True),
    ),
    key=("line_id",),
    generated_key=True,
)
