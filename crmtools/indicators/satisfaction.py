"""How satisfied customers say they are."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods, latest
from crmtools.indicators.kinds import Mean, Share
from crmtools.words import Text

SURVEYS = {
    "survey_answers": ("customer_id", "item_id", "answered_at", "value", "weight?"),
    "survey_items": ("item_id", "metric", "scale_min", "scale_max", "direction?"),
}
SCALE = Text("只计该满分的量表；不同量表不混合计算", "only answers on the scale with this top; scales are never mixed")
NON_RESPONSE = Text(
    "未作答的客户可能有不同看法，请与回收率一并阅读。",
    "Those who did not answer may think otherwise: read it beside the response rate.",
)


def scores(
    survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, metric: str, scale_max: float
) -> ir.Table:
    """The last answer of every customer and question in each period; columns ``value``, ``weight``, ``excluded``.

    Questions in which a high answer is a bad one do not count: turned round they would be another question.
    """
    items = survey_items.filter((survey_items.metric == metric) & (survey_items.scale_max == scale_max))
    items = items.filter(items.direction.isnull() | (items.direction != "bad")).select(
        "item_id", "scale_min", "scale_max"
    )
    asked = periods.rows(survey_answers, "answered_at").inner_join(items, "item_id")
    # "99: don't know" is no answer, and must not stand in for the one before it
    asked = asked.mutate(off_scale=(asked.value < asked.scale_min) | (asked.value > asked.scale_max))
    rows = latest(asked, "answered_at", of=("period", "customer_id", "item_id", "off_scale"))
    return rows.mutate(
        weight=rows.weight.fill_null(1.0),
        excluded=ibis.cases((rows.off_scale, "off_scale"), else_=rows.excluded),
    )


@indicator(
    name=Text("客户满意度均分", "Mean satisfaction score"),
    meaning=Text("客户对满意度问题打分的平均值，每位客户取期内最后一次作答。", "Mean of the satisfaction answers, the last one of each customer in the period."),
    kind=Mean(), unit="score", better="higher", owner="customer_success", source="iso10004",
    formula=r"\frac{\sum w_i x_i}{\sum w_i}", worked="(4 + 2 + 5 + 4 + 4 + 5 + 3 + 1) / 8",
    uses=SURVEYS, excludes=("earlier_answer", "off_scale"), caveat=NON_RESPONSE, assumption_words={"scale_max": SCALE},
)  # fmt: skip
def csat_mean(survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, *, scale_max: float = 5) -> ir.Table:
    """One row per customer and question: the last answer in the period."""
    rows = scores(survey_answers, survey_items, periods, "csat", scale_max)
    return rows.mutate(value=rows.value * rows.weight)


@indicator(
    name=Text("满意率（前两档）", "Satisfaction rate (top two)"),
    meaning=Text("打出最高两档分数的客户占比。", "Share of customers who gave one of the two best answers."),
    kind=Share(), unit="percent", better="higher", owner="customer_success", source="iso10004",
    formula=r"\frac{\sum w_i\,[x_i > m - k]}{\sum w_i}", worked="5 / 8",
    uses=SURVEYS, excludes=("earlier_answer", "off_scale"), caveat=NON_RESPONSE,
    assumption_words={
        "scale_max": SCALE,
        "top": Text("计为“满意”的最高档数：五分制取 2，十分制取 3", "how many of the best answers count as satisfied: 2 of 5, 3 of 10"),
    },
)  # fmt: skip
def csat_top2(
    survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, *, scale_max: float = 5, top: int = 2
) -> ir.Table:
    """One row per customer and question: whether the last answer is among the best."""
    rows = scores(survey_answers, survey_items, periods, "csat", scale_max)
    return rows.mutate(value=ibis.ifelse(rows.value > scale_max - top, rows.weight, 0.0))
