"""How customers are won, and at what cost."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Share, UnitCost
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
