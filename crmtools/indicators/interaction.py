"""How often company and customers are in touch."""

import ibis.expr.types as ir

from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods, events_per_month, exposure_months
from crmtools.indicators.kinds import Rate
from crmtools.words import Text


@indicator(
    name=Text("客户互动频率", "Interaction frequency"),
    meaning=Text("每客户月的有效互动次数：双向或由客户发起，不含群发与自动消息。", "Interactions per customer-month, two-way or begun by the customer; bulk and automatic messages do not count."),
    kind=Rate(), unit="per_customer_month", better="range", owner="retention", source="reinartz2003",
    formula=r"\frac{\sum I_i}{\sum m_i}", worked="5 / ((8 * 92 + 91 + 22 + 31) / 30.4375)",
    uses={"interactions": ("customer_id", "at", "direction", "type?"), "customers": ("customer_id", "acquired_at")}, excludes=("outside_base",),
    caveat=Text(
        "凡已获得的客户都计入，包括早已不再往来的客户。并非越多越好；各负责人登记习惯不同。",
        "Everybody acquired so far counts, also those who have long gone quiet. More is not always better, and people log with "
        "different discipline.",
    ),
)  # fmt: skip
def interaction_frequency(interactions: ir.Table, customers: ir.Table, periods: Periods) -> ir.Table:
    """Customers carry their months, interactions the events."""
    meant = interactions.direction.isin(["inbound", "two_way"])
    by_hand = interactions.type.isnull() | interactions.type.notin(["bulk", "auto"])
    return events_per_month(
        periods.rows(interactions.filter(meant & by_hand), "at"), exposure_months(customers, periods)
    )
