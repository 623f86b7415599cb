"""What customers say: surveys, feedback and its coding, ratings by experts."""

from crmtools.tables import schema as s
from crmtools.tables.schema import Table
from crmtools.words import Text

SURVEY_ANSWERS = Table(
    "survey_answers",
    Text("问卷答案（长表），每题一行", "survey answers in long form, one row per question answered"),
    (
        s.reference("response_id", "response", "", "答卷编号", "number of the completed questionnaire", required=True),
        s.customer(),
        s.reference("survey_id", "survey", "", "问卷编号", "number of the survey"),
        s.category("wave", "批次", "wave"),
        s.moment("answered_at", "作答时间", "when it was answered", required=True),
        s.category("item_id", "题目编号", "number of the question", required=True),
        s.number("value", "答案", "the answer", required=True),
        s.number("weight", "权重；空为 1", "weight; empty means 1"),
    ),
    key=("response_id", "item_id"),
    time="answered_at",
    waves=True,
)

SURVEY_ITEMS = Table(
    "survey_items",
    Text("问卷题目，每行一题", "survey questions, one row each"),
    (
        s.category("item_id", "题目编号", "number of the question", required=True),
        s.category(
            "metric",
            "所测内容；index 为满意度指数的组成题",
            "what it measures; index: a part of the satisfaction index",
            "csat",
            "index",
            "nps",
            "ces",
            "brand",
            "servqual",
            "open",
            required=True,
        ),
        s.category("dimension", "维度", "dimension, for example reliability"),
        s.category("role", "期望、感知或重要性", "expectation, perception or weight", "E", "P", "W"),
        s.number("scale_min", "量表最低分", "lowest point of the scale", required=True),
        s.number("scale_max", "量表最高分", "highest point of the scale", required=True),
        s.category("direction", "高分的含义", "what a high answer means", "good", "bad"),
        s.number("weight", "题目权重", "weight of the question in an index"),
    ),
    key=("item_id",),
)

SURVEY_INVITES = Table(
    "survey_invites",
    Text("问卷邀请，每行一次", "survey invitations, one row each"),
    (
        s.key("invite_id", "invite", "邀请编号", "invitation number"),
        s.customer(),
        s.reference("survey_id", "survey", "", "问卷编号", "number of the survey"),
        s.moment("sent_at", "发送时间", "when it was sent", required=True),
        s.flag("delivered", "已送达", "delivered"),
        s.moment("responded_at", "回复时间", "when it was answered", later=True),
    ),
    key=("invite_id",),
    time="sent_at",
    waves=True,
    order=(("sent_at", "responded_at"),),
    generated_key=True,
)

FEEDBACK = Table(
    "feedback",
    Text("客户反馈，每行一条", "feedback, one row each"),
    (
        s.key("feedback_id", "feedback", "反馈编号", "feedback number"),
        s.customer(required=False),
        s.moment("at", "时间", "when", required=True),
        s.category("source", "来源", "where it came from"),
        s.personal("text", "原文", "the words themselves"),
        s.category("topic", "主题", "topic"),
        s.category("sentiment", "情感", "sentiment", "positive", "neutral", "negative"),
        s.moment("acknowledged_at", "答复时间", "when it was answered", later=True),
        s.moment("actioned_at", "采取措施时间", "when something was done about it", later=True),
    ),
    key=("feedback_id",),
    time="at",
    order=(("at", "acknowledged_at"), ("at", "actioned_at")),
)

FEEDBACK_CODES = Table(
    "feedback_codes",
    Text("反馈编码，每位编码员每条一行", "coding of feedback, one row per item and coder"),
    (
        s.reference("feedback_id", "feedback", "feedback", "反馈编号", "the feedback that was coded", required=True),
        s.reference("coder_id", "staff", "", "编码员编号", "number of the coder", required=True),
        s.category("code", "编码", "code given", required=True),
    ),
    key=("feedback_id", "coder_id"),
)

RATINGS = Table(
    "ratings",
    Text("专家评分，每项一行", "ratings by experts, one row per criterion"),
    (
        s.reference("case_id", "ticket", "tickets", "被评工单", "the ticket that was rated", required=True),
        s.reference("rater_id", "staff", "", "评分人编号", "number of the rater", required=True),
        s.category("item_id", "评分项", "criterion", required=True),
        s.number("value", "得分（0–100）", "score, 0 to 100", required=True),
        s.day("at", "评分日期", "day of the rating", required=True),
    ),
    key=("case_id", "rater_id", "item_id"),
    time="at",
    waves=True,
)
