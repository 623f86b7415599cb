"""Money owed, paid and spent: invoices, payments, spend, exchange rates."""

from crmtools.tables import schema as s
from crmtools.tables.schema import Table
from crmtools.words import Text

INVOICES = Table(
    "invoices",
    Text("发票，每行一张", "invoices, one row each"),
    (
        s.key("invoice_id", "invoice", "发票编号", "invoice number"),
        s.customer(),
        s.reference("order_id", "order", "", "所属订单", "the order it bills"),
        s.day("issued_at", "开票日期", "day of issue", required=True),
        s.day("due_at", "到期日", "day it is due", required=True, future=True),
        s.money("amount", "金额", "amount", required=True),
        s.currency(),
        s.category("status", "状态", "status"),
        s.flag("disputed", "存在争议", "disputed by the customer"),
        s.day("written_off_at", "核销日期", "day it was written off", later=True),
        s.money("written_off_amount", "核销金额", "amount written off"),
    ),
    key=("invoice_id",),
    time="issued_at",
    order=(("issued_at", "due_at"), ("issued_at", "written_off_at")),
)

PAYMENTS = Table(
    "payments",
    Text("收款，每行一笔", "payments received, one row each"),
    (
        s.key("payment_id", "payment", "收款编号", "payment number"),
        s.reference("invoice_id", "invoice", "invoices", "对应发票", "the invoice it pays"),
        s.reference("order_id", "order", "", "对应订单", "the order it pays"),
        s.customer(),
        s.day("paid_at", "收款日期", "day of payment", required=True),
        s.money("amount", "金额；负数为退回", "amount; negative when paid back", required=True, signed=True),
        s.currency(),
    ),
    key=("payment_id",),
    time="paid_at",
    generated_key=True,
)

SPEND = Table(
    "spend",
    Text("费用，每行一项", "spend, one row per item"),
    (
        s.day(
            "period",
            "费用所属日期（如当月首日）",
            "day the spend belongs to, for example the first of the month",
            required=True,
        ),
        s.category("category", "用途", "purpose", "acquisition", "retention", "service", "shared", required=True),
        s.category("subcategory", "科目", "kind of cost, for example advertising or salaries"),
        s.category("channel", "渠道", "channel it was spent on"),
        s.category("department", "部门", "department"),
        s.money("amount", "金额；负数为冲回", "amount; negative for a correction", required=True, signed=True),
        s.currency(),
        s.category("allocation_key", "分摊依据", "key by which shared cost is allocated"),
    ),
    key=(),
    time="period",
    monthly=True,
)

FX_RATES = Table(
    "fx_rates",
    Text("汇率，每种货币每日一行", "exchange rates, one row per currency and day"),
    (
        s.day("date", "自该日起有效", "first day it holds", required=True),
        s.category("currency", "币种", "currency", required=True),
        s.number("rate", "一单位该货币折合报告货币", "units of the report's currency for one unit", required=True),
    ),
    key=("date", "currency"),
)
