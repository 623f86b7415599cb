"""Whether the records themselves, and the ways they are worked with, can be relied on."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Coefficient
from crmtools.indicators.segments import RFM, stability
from crmtools.lifetime.occasions import purchase_days
from crmtools.words import Text


@indicator(
    name=Text("客户细分稳定性", "Stability of customer segments"),
    meaning=Text("按最近购买、购买频次与金额聚类得到的客户细分，在重抽样后重新聚类时能否重现：调整兰德指数的平均值，1 为完全一致，0 为与随机相当。", "Whether segments of customers by recency, frequency and money come out again when resampled customers are clustered anew: the mean adjusted Rand index, 1 for the same segments, 0 for chance."),
    kind=Coefficient(stability, RFM), unit="coefficient", better="higher", owner="product", source="hennig2007",
    formula=r"\frac{1}{B} \sum_{b=1}^{B} \operatorname{ARI}(C, C_b)", tier="extension", unique=True,
    uses={"orders": ("customer_id", "ordered_at", "net_amount", "status?", "refund_amount?")},
    caveat=Text(
        "聚类总会给出细分：稳定不等于有用，细分之间的毛利差异需另行检查。区间是各次重新聚类结果的范围。",
        "Clusters always appear, and stable ones need not be useful: whether their margins differ is another question. The limits are the range over the refits.",
    ),
    assumption_words={
        "clusters": Text("细分的个数", "how many segments"),
        "active_days": Text("统计多少天内的购买", "days of purchases that are looked at"),
    },
    defensible={"clusters": (3, 4, 5, 6)},
)  # fmt: skip
def segment_stability(orders: ir.Table, periods: Periods, *, clusters: int = 4, active_days: int = 365) -> ir.Table:
    """One row per customer who bought in the days before the period's end: weeks since, purchase days, log of the money."""
    days = purchase_days(orders, until=max(period.last_day for period in periods.periods))
    ends = periods.table()
    ends = ends.mutate(since=ends.end_day - ibis.interval(days=active_days))
    rows = days.inner_join(ends, [days.day < ends.end_day, days.day >= ends.since])
    bought = rows.group_by(["period", "customer_id", "end_day"]).aggregate(
        last=rows.day.max(), days=rows.count(), net=rows.net.sum()
    )
    weeks = ((bought.end_day.delta(bought["last"], unit="day") - 1) / 7).floor().cast("int64")
    # quarter steps of a doubling: customers who differ by less are one pattern; 1 keeps free orders on the scale
    money = ((1 + ibis.greatest(bought.net, 0.0)).log2() * 4).round() / 4
    return bought.select("period", "customer_id", "days", weeks=weeks, money=money)
