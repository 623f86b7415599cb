"""Whether the records themselves, and the ways they are worked with, can be relied on."""

import ibis
import ibis.expr.types as ir

from crmtools.errors import CRMError, nearest
from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Census
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
