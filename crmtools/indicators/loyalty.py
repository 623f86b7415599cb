"""Whether customers come back, and recommend."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.buying import gaps
from crmtools.indicators.catalogue import Around, indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import NetShare, Share
from crmtools.indicators.satisfaction import NON_RESPONSE, SURVEYS, scores
from crmtools.words import Text


@indicator(
    name=Text("净推荐值", "Net Promoter Score"),
    meaning=Text("推荐者占比减去贬损者占比，取值 −100 至 100。", "Share of promoters minus share of detractors, from −100 to 100."),
    kind=NetShare(), unit="points", better="higher", owner="customer_success", source="reichheld2003",
    formula=r"100\,\frac{P - D}{n}", worked="100 * (4 - 2) / 9",
    uses=SURVEYS, excludes=("earlier_answer", "off_scale"), caveat=NON_RESPONSE,
    assumption_words={
        "promoter_from": Text("达到该分即为推荐者", "an answer from here on is a promoter's"),
        "detractor_to": Text("不高于该分即为贬损者", "an answer up to here is a detractor's"),
    },
)  # fmt: skip
def nps(
    survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, *, promoter_from: int = 9, detractor_to: int = 6
) -> ir.Table:
    """One row per customer and question: +1, 0 or −1 for the last answer on the scale from 0 to 10, and no other."""
    rows = scores(survey_answers, survey_items.filter(survey_items.scale_min == 0), periods, "nps", 10)
    sign = ibis.cases((rows.value >= promoter_from, 1.0), (rows.value <= detractor_to, -1.0), else_=0.0)
    return rows.mutate(value=sign * rows.weight)


@indicator(
    name=Text("客户重复购买率", "Repeat purchase rate"),
    meaning=Text("首次购买后在规定天数内再次购买的客户占比，只计观察期已满的客户。", "Share of first-time buyers who buy again within the window; only customers whose whole window has been observed."),
    kind=Share(), unit="percent", better="higher", owner="marketing", source="farris2010",
    formula=r"\frac{\#\{i : t_{i2} - t_{i1} \le W\}}{\#\{i\}}", worked="2 / 5",
    uses={"orders": ("customer_id", "ordered_at", "status?")},
    caveat=Text("观察期使该指标滞后：本期数字说的是一个窗口之前的新客户。", "The window makes it late: this period's figure is about customers won one window earlier."),
    assumption_words={"within_days": Text("观察天数", "days after the first order within which the second must come")},
    defensible={"within_days": Around(0.5)}, unique=True,
)  # fmt: skip
def repeat_purchase_rate(orders: ir.Table, periods: Periods, *, within_days: int = 90) -> ir.Table:
    """One row per customer whose first completed order lies one window before the period; same-day orders are one."""
    bought = gaps(orders)
    rows = periods.rows(bought.filter(bought.nth == 0), "day", shift=-within_days)
    again = rows.next_day <= rows.day + ibis.interval(days=within_days)
    return rows.select("period", "customer_id", value=again.fill_null(False).cast("float64"))
