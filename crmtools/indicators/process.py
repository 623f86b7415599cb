"""Whether the records themselves, and the ways they are worked with, can be relied on."""

import ibis
import ibis.expr.types as ir

from crmtools.errors import CRMError, nearest
from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Census, Coefficient
from crmtools.indicators.segments import RFM, stability
from crmtools.lifetime.occasions import purchase_days
from crmtools.words import Text

FIELDS = (
    "acquired_at", "region", "customer_type", "acquired_channel", "segment", "tier", "country", "industry", "size_band",
    "parent_id", "owner_id", "department", "status", "language",
)  # fmt: skip
"""What of a customer may be required: all that is neither personal nor a number of its own."""
PLACEHOLDERS = (
    "unknown", "n/a", "none", "null", "tbd", "undefined", "-", "--", "?", "未知", "不详", "无", "待定", "暂无",
)  # fmt: skip
"""Words that fill a field and say nothing; "na" may be North America or Namibia."""


@indicator(
    name=Text("CRM 数据完整度", "CRM data completeness"),
    meaning=Text("客户档案的必填字段中，已填写且有效的占比。", "Of the required fields of all customers, the share that is filled with something valid."),
    kind=Census(), unit="percent", better="higher", owner="sales", source="iso25012", tier="extension",
    formula=r"\frac{\sum_i \#\{f : x_{if} \ne \emptyset\}}{F\,N}", worked="(11 * 4) / (11 * 4)",
    uses={"customers": ("customer_id", *(f"{name}?" for name in FIELDS))},
    caveat=Text(
        "已填写不等于真实：请抽样核查。档案为当前状态，较早期间只是客户较少。空白与“未知”“n/a”之类的占位词算未填写；数据来源没有的列算全部未填写。重复客户另行核查。",
        "Filled is not true: audit a sample. The records are those of today, an earlier period only has fewer customers. Blanks and "
        "words such as unknown or n/a count as empty, and so does a column that the source lacks. Duplicates are another matter.",
    ),
    assumption_words={"fields": Text("必填字段，以空格分隔", "the required columns of the table customers, separated by blanks")},
    unique=True,
)  # fmt: skip
def crm_data_quality(
    customers: ir.Table, periods: Periods, *, fields: str = "acquired_at region customer_type acquired_channel"
) -> ir.Table:
    """One row per customer acquired before the period's end, or on an unknown day: fields filled, of fields required."""
    wanted = tuple(dict.fromkeys(fields.replace(",", " ").split()))
    for name in wanted:
        if name not in FIELDS:
            raise CRMError(f"'crm_data_quality.fields': customers have no field '{name}'. {nearest(name, FIELDS)}")
    if not wanted:
        raise CRMError(f"'crm_data_quality.fields' names no field. Possible: {', '.join(FIELDS)}.")
    ends = periods.table()
    rows = customers.inner_join(ends, [(customers.acquired_at < ends.end_day) | customers.acquired_at.isnull()])
    filled = sum((_valid(rows[name]).cast("float64") for name in wanted), ibis.literal(0.0))
    return rows.select("period", "customer_id", value=filled, weight=ibis.literal(float(len(wanted))))


def _valid(value: ir.Value) -> ir.BooleanValue:
    """Whether a field says something; a day in the future does not pass the door."""
    if not isinstance(value, ir.StringValue):
        return value.notnull()
    text = value.strip().lower()
    return (value.notnull() & (text != "") & ~text.isin(PLACEHOLDERS)).fill_null(False)


@indicator(
    name=Text("客户细分稳定性", "Stability of customer segments"),
    meaning=Text("按最近购买、购买频率与金额聚类得到的客户细分，在重抽样后重新聚类时能否重现：调整兰德指数的平均值，1 为完全一致，0 为与随机相当。", "Whether segments of customers by recency, frequency and money come out again when resampled customers are clustered anew: the mean adjusted Rand index, 1 for the same segments, 0 for chance."),
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
