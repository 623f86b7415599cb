"""Whether customers answer when asked, and are answered when they speak."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.agreement import BETWEEN, agreement
from crmtools.indicators.catalogue import Around, indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Coefficient, Share
from crmtools.indicators.screening import ScreenedShare
from crmtools.words import Text


def _of_units(feedback: ir.Table) -> ir.Table:
    """The feedback by customer; what nobody known has said stands for itself."""
    itself = ibis.literal("feedback ") + feedback.feedback_id
    return feedback.mutate(customer_id=ibis.coalesce(feedback.customer_id, itself))


@indicator(
    name=Text("问卷回收率", "Survey response rate"),
    meaning=Text("已送达的问卷邀请中得到答复的占比。", "Share of the delivered survey invitations that were answered."),
    kind=Share(), unit="percent", better="higher", owner="customer_success", source="aapor2023",
    formula=r"\frac{\#\{j : r_j\}}{\#\{j\}}",
    uses={"survey_invites": ("customer_id", "sent_at", "responded_at", "delivered?")},
    caveat=Text(
        "近期发出的邀请可能仍会得到答复；回收率低不等于有偏，应比较作答者与客户总体的构成。",
        "Invitations sent lately may still be answered. A low rate is no bias in itself: compare who answered with all customers.",
    ),
    follow_up=21,
)  # fmt: skip
def survey_response_rate(survey_invites: ir.Table, periods: Periods) -> ir.Table:
    """One row per delivered invitation: whether it was answered."""
    rows = periods.rows(survey_invites.filter(survey_invites.delivered.fill_null(True)), "sent_at")
    return rows.select("period", "customer_id", value=rows.responded_at.notnull().cast("float64"))


@indicator(
    name=Text("反馈闭环率", "Feedback closed-loop rate"),
    meaning=Text(
        "收到的反馈中，在规定天数内既答复又采取措施的占比，只计期限已满的反馈。",
        "Share of the feedback that was answered and acted on within the window; only feedback whose whole window has been observed.",
    ),
    kind=Share(), unit="percent", better="higher", owner="customer_success", source="iso10002",
    formula=r"\frac{\#\{j : \max(a_j, m_j) - t_j \le W\}}{\#\{j\}}", worked="2 / 6",
    uses={"feedback": ("feedback_id", "customer_id?", "at", "acknowledged_at", "actioned_at", "source?", "topic?", "sentiment?")},
    splits=("sentiment", "source", "topic"),
    caveat=Text(
        "“采取措施”指有责任人和改进记录，回复本身不算；负面反馈的跟进请看按情感的拆分。因须等期限届满，该指标滞后一个期限的时间。",
        "Action is an owner and a change on record, a reply is not. For how critics are followed up see the split by sentiment. "
        "The window makes it late: it is about feedback received one window earlier.",
    ),
    assumption_words={"within_days": Text("自收到起的天数", "days after receipt within which both must happen")},
    defensible={"within_days": Around(0.5)},
)  # fmt: skip
def feedback_closure_rate(feedback: ir.Table, periods: Periods, *, within_days: int = 30) -> ir.Table:
    """One row per item received one window before the period: whether it was answered and acted on in time."""
    rows = periods.rows(_of_units(feedback), "at", shift=-within_days)
    last_day = rows["at"].date() + ibis.interval(days=within_days)
    closed = (rows.acknowledged_at.date() <= last_day) & (rows.actioned_at.date() <= last_day)
    return rows.select(
        "period", "customer_id", "sentiment", "source", "topic", value=closed.fill_null(False).cast("float64")
    )


@indicator(
    name=Text("负面反馈占比", "Negative feedback share"),
    meaning=Text("已编码情感的反馈中负面的占比。", "Share of the feedback with coded sentiment that is negative."),
    kind=ScreenedShare(), unit="percent", better="lower", owner="customer_success", source="rogan1978",
    formula=r"\frac{\#\{j : s_j = -\}/n - (1 - \beta)}{\alpha + \beta - 1}", worked="4 / 7",
    uses={"feedback": ("feedback_id", "customer_id?", "at", "sentiment", "source?", "topic?")},
    splits=("source", "topic"), excludes=("not_coded",),
    caveat=Text(
        "渠道构成变化（社交媒体与访谈）会改变该数字。模型编码时应以人工复核样本的灵敏度 α 与特异度 β 校正；"
        "校正值限于 0–100%，区间不含二者自身的误差。",
        "A different mix of channels (social media, interviews) moves it. Where a model codes, correct by the sensitivity α and the "
        "specificity β that an audited sample shows; the result is kept between 0 and 100 %, and its interval holds no error of these two.",
    ),
    assumption_words={
        "sensitivity": Text("灵敏度：负面反馈被识别为负面的比例；1 为不校正", "sensitivity: share of negative feedback that is coded so; 1 corrects nothing"),
        "specificity": Text("特异度：非负面反馈未被误判的比例；1 为不校正", "specificity: share of other feedback that is not coded negative; 1 corrects nothing"),
    },
)  # fmt: skip
def negative_feedback_share(
    feedback: ir.Table, periods: Periods, *, sensitivity: float = 1.0, specificity: float = 1.0
) -> ir.Table:
    """One row per item: whether it was coded negative. The kind corrects for what the coding misses and invents."""
    rows = periods.rows(_of_units(feedback), "at")
    return rows.select(
        "period", "customer_id", "source", "topic",
        value=(rows.sentiment == "negative").fill_null(False).cast("float64"),
        excluded=ibis.cases((rows.sentiment.isnull(), "not_coded"), else_=ibis.null("string")),
    )  # fmt: skip


@indicator(
    name=Text("定性编码一致性（Krippendorff α）", "Coding agreement (Krippendorff's alpha)"),
    meaning=Text(
        "多名编码员对同一反馈给出相同编码的程度，已扣除偶然一致：1 为完全一致，0 相当于随机。",
        "How far coders of the same feedback agree beyond chance: 1 is always, 0 is what chance alone would give.",
    ),
    kind=Coefficient(agreement, ("codes",)), unit="coefficient", better="higher", owner="product", source="krippendorff2004",
    formula=r"1 - \frac{D_o}{D_e}", worked="1 - (12 - 1) * (2 / 1 + 4 / 2) / (12**2 - (4**2 + 3**2 + 5**2))",
    uses={"feedback": ("feedback_id", "at", "source?"), "feedback_codes": ("feedback_id", "coder_id", "code")},
    splits=("source",), by_customer=False, excludes=("coded_once",),
    caveat=Text(
        "α 不低于 0.80 可作定论，0.667 至 0.80 只可暂作参考；罕见编码下单看一致率会误导。宜有两人编码至少 100 条或两成反馈。"
        "区间按反馈重抽样，不含更换编码员的差异。",
        "From 0.80 on firm, from 0.667 on tentative. With rare codes the mere share of agreement misleads. Two coders on 100 items "
        "or a fifth of them are little enough. The interval resamples feedback; other coders would be another source of error.",
    ),
)  # fmt: skip
def coding_agreement(feedback: ir.Table, feedback_codes: ir.Table, periods: Periods) -> ir.Table:
    """One row per coded item received in the period: its codes in order, as one text."""
    received = periods.rows(feedback, "at").select("period", "feedback_id", "source")
    codes = received.inner_join(feedback_codes, "feedback_id")
    items = codes.group_by(["period", "feedback_id", "source"]).aggregate(
        codes=codes.code.group_concat(sep=BETWEEN, order_by=codes.code), coders=codes.count()
    )
    return items.select(
        "period", "source", "codes", customer_id="feedback_id",
        excluded=ibis.cases((items.coders < 2, "coded_once"), else_=ibis.null("string")),
    )  # fmt: skip
