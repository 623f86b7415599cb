"""The lists of the two source articles: what each item asks, and what answers it.

An item names indicators by their id, and pages of the book where a mechanism rather than a number is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from crmtools.words import Text


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an article: its words, what it asks, the indicators and the pages (slugs) that answer it."""

    name: Text
    asks: Text
    indicators: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingList:
    """A list of an article, in its order."""

    title: Text
    intro: Text
    items: tuple[Item, ...]


SATISFACTION = ("csat_mean", "csat_top2", "csat_index")

CORE_THREE = ReadingList(
    Text("三项核心指标", "The three core indicators"),
    Text(
        "第一篇源文章以三项指标概括客户关系：客户是否满意，是否留下，赢得一位客户花费多少。",
        "The first source article sums customer relations up in three: are customers content, do they stay, and what does it "
        "cost to win one?",
    ),
    (
        Item(
            Text("客户满意度", "Satisfaction"),
            Text("客户对产品和服务有多满意？", "How content are customers with products and service?"),
            SATISFACTION,
        ),
        Item(
            Text("客户忠诚度", "Loyalty"),
            Text("客户是否愿意推荐、再次购买并留下？", "Would they recommend us, do they buy again, do they stay?"),
            ("nps", "repeat_purchase_rate", "retention_rate"),
        ),
        Item(
            Text("客户获取成本", "Acquisition cost"),
            Text("赢得一位新客户要花多少钱？", "What does it cost to win a new customer?"),
            ("cac",),
        ),
    ),
)

TEN_INDICATORS = ReadingList(
    Text("十项指标", "The ten indicators"),
    Text(
        "第一篇源文章列出的十项客户关系指标，以及本报告中与之对应的数字。",
        "The ten indicators of customer relations that the first source article lists, and the numbers that stand for them here.",
    ),
    (
        Item(
            Text("客户满意度", "Customer satisfaction"),
            Text("客户的期望得到多大程度的满足？", "How far are expectations met?"),
            SATISFACTION,
        ),
        Item(
            Text("客户忠诚度", "Customer loyalty"),
            Text("客户是否再次购买、留下并向他人推荐？", "Do customers buy again, stay and recommend?"),
            ("repeat_purchase_rate", "retention_rate", "nps", "referral_rate"),
            ("cohorts",),
        ),
        Item(
            Text("客户获取成本", "Customer acquisition cost"),
            Text("为赢得新客户花了多少？值得吗？", "What is spent to win a customer, and does it pay?"),
            ("cac", "clv_cac_ratio"),
        ),
        Item(
            Text("客户维系成本", "Customer retention cost"),
            Text("留住一位客户要花多少？", "What does it cost to keep a customer?"),
            ("retention_cost", "cost_to_serve_ratio"),
        ),
        Item(
            Text("客户转化率", "Customer conversion rate"),
            Text("多少潜在客户成为客户？", "How many leads become customers?"),
            ("lead_conversion_rate", "stage_conversion_rate"),
        ),
        Item(
            Text("客户贡献", "Customer contribution"),
            Text("一位客户扣除成本后带来多少？", "What does a customer bring in after costs?"),
            ("customer_margin", "revenue_per_customer"),
        ),
        Item(
            Text("客户体验", "Customer experience"),
            Text("与我们打交道是否省力、愉快？", "Is dealing with us easy and pleasant?"),
            ("ces_mean", "csat_index"),
        ),
        Item(
            Text("客户服务效率", "Service efficiency"),
            Text("请求多久得到答复和解决？是否信守承诺？", "How soon are requests answered and solved, and are promises kept?"),
            ("first_response_time", "resolution_time", "sla_attainment", "first_contact_resolution"),
        ),
        Item(
            Text("客户反馈", "Customer feedback"),
            Text("客户说了什么？是否得到回应？", "What do customers say, and does something follow from it?"),
            ("feedback_closure_rate", "negative_feedback_share"),
        ),
        Item(
            Text("客户生命周期价值", "Customer lifetime value"),
            Text("一位客户今后还会带来多少？", "What will a customer still bring in?"),
            ("clv_expected",),
            ("lifetime",),
        ),
    ),
)  # fmt: skip

FIFTEEN_RISKS = ReadingList(
    Text("十五项风险指标", "The fifteen risk indicators"),
    Text(
        "第二篇源文章列出的十五项客户关系风险指标。前六项是数字；后九项是管理机制，这里以反映其成效的数字或回答它的页面与之对应。",
        "The fifteen items on risk in customer relations that the second source article lists. The first six are numbers; the "
        "other nine are mechanisms, for which the number that shows whether they work stands here, or the page that answers them.",
    ),
    (
        Item(
            Text("客户流失率", "Customer churn"),
            Text("多少客户、多少收入正在流失？", "How many customers, and how much revenue, are being lost?"),
            ("churn_rate", "inactivity_rate", "revenue_churn"),
        ),
        Item(
            Text("客户满意度", "Customer satisfaction"),
            Text("不满是否在积累？", "Is discontent building up?"),
            SATISFACTION,
        ),
        Item(
            Text("客户投诉率", "Complaint rate"),
            Text("客户多久投诉一次？", "How often do customers complain?"),
            ("complaint_rate",),
        ),
        Item(
            Text("客户信用风险", "Credit risk"),
            Text("客户是否按时付款？有多少收不回来？", "Do customers pay in time, and how much is never paid?"),
            ("dso", "overdue_ratio", "roll_rate", "default_rate", "bad_debt_ratio"),
        ),
        Item(
            Text("客户生命周期价值", "Customer lifetime value"),
            Text("一旦失去客户，损失有多大？", "How much is at stake when a customer is lost?"),
            ("clv_historic", "clv_expected"),
            ("lifetime",),
        ),
        Item(
            Text("客户互动频率", "Interaction frequency"),
            Text("客户是否渐行渐远？", "Are customers drifting away?"),
            ("interaction_frequency", "interaction_decline"),
        ),
        Item(
            Text("客户细分", "Customer segmentation"),
            Text("客户细分是否稳定、可用？", "Are the segments stable enough to be used?"),
            ("segment_stability",),
            ("rfm",),
        ),
        Item(
            Text("客户反馈机制", "Feedback mechanism"),
            Text("反馈是否都得到答复和处理？", "Is feedback answered and acted upon?"),
            ("feedback_closure_rate",),
        ),
        Item(
            Text("客户关系管理系统与数据", "CRM system and data"),
            Text("系统中的数据是否完整可信？", "Are the data in the system complete and to be trusted?"),
            ("crm_data_quality",),
            ("data_quality", "readiness"),
        ),
        Item(
            Text("客户行为分析", "Analysis of behaviour"),
            Text("客户多久购买、使用一次？间隔是否拉长？", "How often do customers buy and use, and are the gaps growing?"),
            ("purchase_frequency", "repurchase_interval", "usage_rate"),
            ("cohorts",),
        ),
        Item(
            Text("客户忠诚计划", "Loyalty programme"),
            Text("会员是否真正参与？", "Do members take part?"),
            ("loyalty_active_rate",),
        ),
        Item(
            Text("定期客户调查", "Regular surveys"),
            Text("调查是否覆盖足够多的客户？", "Do enough customers answer?"),
            ("survey_response_rate",),
        ),
        Item(
            Text("风险预警机制", "Early warning"),
            Text("预警是否准确、及时？", "Are warnings right, and early enough?"),
            ("warning_precision_at_k", "at_risk_share", "expected_churn_share"),
        ),
        Item(
            Text("投诉处理流程", "Handling of complaints"),
            Text("投诉是否按时办结？", "Are complaints closed in time?"),
            ("complaint_on_time",),
        ),
        Item(
            Text("效果评估与持续改进", "Evaluation and improvement"),
            Text("目标是否达成？措施是否见效？", "Are the goals reached, and do measures take effect?"),
            (),
            ("goals",),
        ),
    ),
)  # fmt: skip

READING_LISTS: Mapping[str, ReadingList] = {
    "core_three": CORE_THREE,
    "ten_indicators": TEN_INDICATORS,
    "fifteen_risks": FIFTEEN_RISKS,
}
"""The lists by the slug of their page, in the order of the book."""
