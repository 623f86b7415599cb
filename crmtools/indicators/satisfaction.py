"""How satisfied customers say they are."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.catalogue import indicator
from crmtools.indicators.composites import ROUNDING, Weights, gaps_by_dimension, index_of
from crmtools.indicators.facts import Periods, latest
from crmtools.indicators.kinds import Mean, Share
from crmtools.words import Text

SURVEYS = {
    "survey_answers": ("customer_id", "item_id", "answered_at", "value", "weight?"),
    "survey_items": ("item_id", "metric", "scale_min", "scale_max", "direction?"),
}
INDEX_ITEMS = {
    "survey_answers": ("customer_id", "item_id", "answered_at", "value", "weight?"),
    "survey_items": ("item_id", "metric", "scale_min", "scale_max", "direction?", "weight?"),
}
SERVQUAL = {
    "survey_answers": ("response_id", "customer_id", "item_id", "answered_at", "value", "weight?"),
    "survey_items": ("item_id", "metric", "dimension", "role", "scale_min", "scale_max", "direction?"),
}
SCALE = Text("只计该满分的量表；不同量表不混合计算", "only answers on the scale with this top; scales are never mixed")
NON_RESPONSE = Text(
    "未作答的客户可能有不同看法，请与问卷回收率一并阅读。",
    "Those who did not answer may think otherwise: read it beside the response rate.",
)

LEAST = Text(
    "答出的题目至少占期内所问题目的这一比例，方可计入；缺答按本人已答题目的均值处理",
    "share of the questions asked in the period that must be answered; the rest is taken as the mean of one's own answers",
)
IMPORTANCE = Text(
    "维度权重：equal 为等权，stated 为受访者自行分配的 100 分",
    "weights of the dimensions: equal, or stated: the 100 points that each respondent allots",
)


def scores(
    survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, metric: str, scale_max: float
) -> ir.Table:
    """The last answer of every customer and question in each period; columns ``value``, ``weight``, ``excluded``.

    Questions in which a high answer is a bad one do not count: turned round they would be another question.
    """
    # "99: don't know" is no answer, and must not stand in for the one before it
    asked = _answers(survey_answers, survey_items, periods, metric, scale_max)
    rows = latest(asked, "answered_at", of=("period", "customer_id", "item_id", "off_scale"))
    return rows.mutate(
        weight=rows.weight.fill_null(1.0),
        excluded=ibis.cases((rows.off_scale, "off_scale"), else_=rows.excluded),
    )


def _answers(
    survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, metric: str, scale_max: float
) -> ir.Table:
    """All answers to the questions of one metric and scale, with ``off_scale``."""
    items = survey_items.filter((survey_items.metric == metric) & (survey_items.scale_max == scale_max))
    items = items.filter(items.direction.isnull() | (items.direction != "bad")).select(
        "item_id", "scale_min", "scale_max"
    )
    asked = periods.rows(survey_answers, "answered_at").inner_join(items, "item_id")
    return asked.mutate(off_scale=(asked.value < asked.scale_min) | (asked.value > asked.scale_max))


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
    defensible={"top": (1, 2)},
)  # fmt: skip
def csat_top2(
    survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, *, scale_max: float = 5, top: int = 2
) -> ir.Table:
    """One row per customer and question: whether the last answer is among the best."""
    rows = scores(survey_answers, survey_items, periods, "csat", scale_max)
    return rows.mutate(value=ibis.ifelse(rows.value > scale_max - top, rows.weight, 0.0))


@indicator(
    name=Text("客户满意度指数", "Satisfaction index"),
    meaning=Text(
        "把满意度各组成题换算到 0–100 后按题目权重加权；每位客户取每题期内最后一次作答。",
        "The parts of satisfaction, each turned to 0–100 and weighted by question; a customer's last answers in the period.",
    ),
    kind=Mean(), unit="index", better="higher", owner="customer_success", source="fornell1996",
    formula=r"\frac{1}{\sum w_i}\sum_i w_i\,\frac{\sum_k \omega_k \cdot 100\,(x_{ik}-a_k)/(b_k-a_k)}{\sum_k \omega_k}",
    worked="(25 * (0.3 * 3 + 0.3 * 4 + 0.2 * 2 + 0.1 * 1 + 0.1 * 2) + 25 * (0.3 * 2 + 0.3 * 1 + 0.2 * 3 + 0.1 * 4) / 0.9"
           " + 25 * (0.3 * 4 + 0.3 * 4 + 0.2 * 4 + 0.1 * 3 + 0.1 * 4)) / 3",
    uses=INDEX_ITEMS, excludes=("earlier_answer", "off_scale", "incomplete"),
    caveat=Text(
        "题目权重应在调查前定好；合成前宜检验各题是否测同一事物（α 或 ω 不低于 0.7）。未作答的客户可能有不同看法。",
        "Weights are to be fixed before the wave, and whether the parts measure one thing is to be looked at first (alpha or "
        "omega from 0.7 on). Those who did not answer may think otherwise.",
    ),
    assumption_words={"least_answered": LEAST}, defensible={"least_answered": (0.6, 0.8, 1.0)}, unique=True,
)  # fmt: skip
def csat_index(
    survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, *, least_answered: float = 0.8
) -> ir.Table:
    """One row per customer: the weighted mean of the parts he answered."""
    return index_of(survey_answers, survey_items, periods, "index", least_answered)


@indicator(
    name=Text("客户费力度得分", "Customer effort score"),
    meaning=Text(
        "服务接触后客户对“办事是否容易”的评分均值，分数越高越省力；每份答卷计一次。",
        "Mean answer to how easy it was to get something done, asked after a contact; high is easy, each questionnaire counts once.",
    ),
    kind=Mean(), unit="score", better="higher", owner="service", source="dixon2010",
    formula=r"\frac{\sum w_j x_j}{\sum w_j}", worked="(3 + 6 + 7 + 5 + (2 + 5) / 2) / 5",
    uses=SERVQUAL | {"survey_items": ("item_id", "metric", "scale_min", "scale_max", "direction?")}, excludes=("off_scale",),
    caveat=Text(
        "只问到与客服接触过的客户，不可与关系型满意度比较；问卷未记录工单号，同一工单若答两次则计两次。高分表示费力的旧版题目不计入。",
        "Only those who had contact are asked: never to be compared with satisfaction of all. Answers do not name their ticket, so "
        "that one answered twice counts twice. Questions of the older form, in which a high answer is much effort, do not count.",
    ),
    assumption_words={"scale_max": SCALE},
)  # fmt: skip
def ces_mean(survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, *, scale_max: float = 7) -> ir.Table:
    """One row per questionnaire: its answer, the mean of them where it asks more than one question."""
    rows = _answers(survey_answers, survey_items, periods, "ces", scale_max)
    each = rows.group_by(["period", "customer_id", "response_id", "off_scale"]).aggregate(
        score=rows.value.mean(), weight=rows.weight.fill_null(1.0).mean(), records=rows.count()
    )
    return each.mutate(
        value=each.score * each.weight,
        excluded=ibis.cases((each.off_scale, "off_scale"), else_=ibis.null("string")),
    )


@indicator(
    name=Text("服务质量差距（SERVQUAL）", "Service quality gap (SERVQUAL)"),
    meaning=Text(
        "客户感知减去期望的加权平均，负值表示服务未达期望；可按维度拆分。",
        "What customers found less what they expected, weighted over dimensions: below zero the service falls short. Can be split by dimension.",
    ),
    kind=Mean(), unit="gap", better="higher", owner="service", source="parasuraman1988",
    formula=r"\frac{\sum_i w_i \sum_d \omega_{id}\,(\bar P_{id} - \bar E_{id})}{\sum_i w_i}",
    worked="((0.5 * ((5 + 6) / 2 - (6 + 7) / 2) + 0.5 * (7 - 6)) + (0.5 * ((6 + 6) / 2 - (6 + 6) / 2) + 0.5 * (7 - 5))"
           " + (0.5 * ((4 + 5) / 2 - (7 + 7) / 2) + 0.5 * (6 - 7))) / 3",
    uses=SERVQUAL, splits=("dimension",), excludes=("earlier_answer", "off_scale", "incomplete", "no_weights"),
    caveat=Text(
        "期望接近满分时，差距基本等于感知；差值的信度低于感知与期望本身，请同时看感知均分（SERVPERF）。反向题先翻转。",
        "With expectations near the top the gap is little but what was found, and a difference is less reliable than its two parts: "
        "read what was found (SERVPERF) beside it. Questions in which a high answer is a bad one are turned round.",
    ),
    assumption_words={"weights": IMPORTANCE, "scale_max": SCALE}, defensible={"weights": ("equal", "stated")},
)  # fmt: skip
def servqual_gap(
    survey_answers: ir.Table,
    survey_items: ir.Table,
    periods: Periods,
    *,
    weights: Weights = "equal",
    scale_max: float = 7,
) -> ir.Table:
    """One row per respondent and dimension, of the last questionnaire of those who answered all dimensions in both roles."""
    rows = gaps_by_dimension(survey_answers, survey_items, periods, weights, scale_max)
    weight = rows.own * rows.share
    return rows.mutate(value=weight * rows.gap, weight=weight)


@indicator(
    name=Text("期望达成率", "Expectations met"),
    meaning=Text("感知不低于期望的受访客户占比。", "Share of respondents who found at least what they expected."),
    kind=Share(), unit="percent", better="higher", owner="service", source="parasuraman1994", tier="extension",
    formula=r"\frac{\sum_i w_i\,[\sum_d \omega_{id}\,(\bar P_{id} - \bar E_{id}) \ge 0]}{\sum_i w_i}", worked="2 / 3",
    uses=SERVQUAL, excludes=("earlier_answer", "off_scale", "incomplete", "no_weights"),
    caveat=Text(
        "期望接近满分的客户几乎不可能超出期望。",
        "Who expects the best answer to everything cannot find more than that.",
    ),
    assumption_words={"weights": IMPORTANCE, "scale_max": SCALE}, defensible={"weights": ("equal", "stated")}, unique=True,
)  # fmt: skip
def expectation_met_rate(
    survey_answers: ir.Table,
    survey_items: ir.Table,
    periods: Periods,
    *,
    weights: Weights = "equal",
    scale_max: float = 7,
) -> ir.Table:
    """One row per respondent of the SERVQUAL gap: whether it is zero or more."""
    rows = gaps_by_dimension(survey_answers, survey_items, periods, weights, scale_max)
    each = rows.group_by(["period", "customer_id", "excluded"]).aggregate(
        gap=(rows.share * rows.gap).sum(), weight=rows.own.max(), records=rows.records.sum()
    )
    return each.mutate(value=ibis.ifelse(each.gap >= -ROUNDING, each.weight, 0.0))


@indicator(
    name=Text("服务质量专家评分", "Expert rating of service"),
    meaning=Text(
        "专家按评分表对抽取工单打分（0–100）的平均值；每单先按评分项对评分人取平均，可按评分项拆分。",
        "Mean score (0 to 100) that experts give to sampled tickets: over raters, then over criteria of a ticket. Can be split by criterion.",
    ),
    kind=Mean(), unit="index", better="higher", owner="service", source="shrout1979",
    formula=r"\frac{1}{n}\sum_{j} \frac{1}{K_j}\sum_{k} \bar x_{jk}",
    worked="((80 + 70) / 2 / 2 + 90 / 2 + (60 + 70) / 2 + 95) / 3",
    uses={"ratings": ("case_id", "rater_id", "item_id", "value", "at")},
    splits=("item_id",), by_customer=False, excludes=("off_scale",),
    caveat=Text(
        "被评工单须随机抽取，不能只评投诉。区间只含工单之间的差异：每单仅一人评分时，评分人宽严不在其中，"
        "宜让至少两人评其中两成以上的工单并报告 ICC(2,k)。",
        "The rated tickets must be drawn at random, not from complaints alone. The interval knows differences between tickets only; "
        "how strict a rater is can be told where two or more rate the same tickets (a fifth of them, say): report ICC(2,k) then.",
    ),
)  # fmt: skip
def service_quality_expert(ratings: ir.Table, periods: Periods) -> ir.Table:
    """One row per ticket and criterion: the mean over raters, weighted so that a ticket counts once."""
    rows = periods.rows(ratings, "at")
    off_scale = (rows.value < 0) | (rows.value > 100)
    rows = rows.mutate(excluded=ibis.cases((off_scale, "off_scale"), else_=ibis.null("string")))
    each = rows.group_by(["period", "case_id", "item_id", "excluded"]).aggregate(
        score=rows.value.mean(), records=rows.count()
    )
    criteria = each.count().over(ibis.window(group_by=["period", "case_id", "excluded"]))
    each = each.mutate(weight=1.0 / criteria)
    return each.select(
        "period", "item_id", "excluded", "records", "weight", customer_id="case_id", value=each.score * each.weight
    )


@indicator(
    name=Text("品牌形象认知指数", "Brand perception index"),
    meaning=Text(
        "现有客户对品牌各题的评价，换算到 0–100 后按题目权重加权。",
        "What customers think of the brand: answers turned to 0–100 and weighted by question.",
    ),
    kind=Mean(), unit="index", better="higher", owner="marketing", source="aaker1996",
    formula=r"\frac{1}{\sum w_i}\sum_i w_i\,\frac{\sum_k \omega_k \cdot 100\,(x_{ik}-a_k)/(b_k-a_k)}{\sum_k \omega_k}",
    worked="(100 * ((6 - 1) / 6 + (5 - 1) / 6) / 2 + 100 * ((4 - 1) / 6 + (7 - 1) / 6) / 2) / 2",
    uses=INDEX_ITEMS, excludes=("earlier_answer", "off_scale", "incomplete"),
    caveat=Text(
        "只问到现有客户，不代表市场上的品牌形象；更换题目即中断序列。",
        "Only customers are asked: it says nothing about the image in the market. Other questions begin another series.",
    ),
    assumption_words={"least_answered": LEAST}, defensible={"least_answered": (0.6, 0.8, 1.0)}, unique=True,
)  # fmt: skip
def brand_perception_index(
    survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, *, least_answered: float = 0.8
) -> ir.Table:
    """One row per customer: the weighted mean of the brand questions he answered."""
    return index_of(survey_answers, survey_items, periods, "brand", least_answered)
