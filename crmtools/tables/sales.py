"""How customers are won: leads, opportunities and their stages, campaigns and their responses."""

from crmtools.tables import schema as s
from crmtools.tables.schema import Table
from crmtools.words import Text

LEADS = Table(
    "leads",
    Text("销售线索，每行一条", "leads, one row each"),
    (
        s.key("lead_id", "lead", "线索编号", "lead number"),
        s.personal("name", "姓名", "name"),
        s.personal("email", "电子邮箱", "e-mail address"),
        s.personal("phone", "电话号码", "telephone number"),
        s.moment("created_at", "创建时间", "when it came in", required=True),
        s.category("source", "来源", "where it came from"),
        s.reference("campaign_id", "campaign", "campaigns", "市场活动", "the campaign that brought it"),
        s.category("status", "状态", "status", "open", "converted", "disqualified", "spam", "duplicate"),
        s.moment("converted_at", "成交时间", "when it became a customer", later=True),
        s.customer(required=False),
        s.reference("opportunity_id", "opportunity", "", "商机编号", "the opportunity it became"),
    ),
    key=("lead_id",),
    time="created_at",
    order=(("created_at", "converted_at"),),
)

OPPORTUNITIES = Table(
    "opportunities",
    Text("商机，每行一个", "opportunities, one row each"),
    (
        s.key("opportunity_id", "opportunity", "商机编号", "opportunity number"),
        s.customer(required=False),
        s.moment("created_at", "创建时间", "when it was opened", required=True),
        s.category("stage", "阶段", "stage"),
        s.money("amount", "金额", "amount"),
        s.number("probability", "成交概率（0–1）", "chance of winning, 0 to 1"),
        s.day("close_at", "预计成交日期", "day it is expected to close", future=True),
        s.moment("closed_at", "关闭时间", "when it was won or lost", later=True),
        s.flag("is_closed", "已关闭", "closed"),
        s.flag("is_won", "已赢单", "won"),
        s.category("lost_reason", "输单原因", "why it was lost"),
        s.category("source", "来源", "where it came from"),
        s.reference("campaign_id", "campaign", "campaigns", "市场活动", "the campaign that brought it"),
        s.currency(),
    ),
    key=("opportunity_id",),
    time="created_at",
    order=(("created_at", "closed_at"),),
)

STAGE_HISTORY = Table(
    "stage_history",
    Text("商机阶段历史，每次进入一行", "stages of opportunities, one row per entry"),
    (
        s.reference("opportunity_id", "opportunity", "opportunities", "商机编号", "the opportunity", required=True),
        s.category("stage", "阶段", "stage entered", required=True),
        s.moment("entered_at", "进入时间", "when it entered", required=True),
    ),
    key=("opportunity_id", "stage", "entered_at"),
    time="entered_at",
)

CAMPAIGNS = Table(
    "campaigns",
    Text("市场活动，每行一次", "campaigns, one row each"),
    (
        s.key("campaign_id", "campaign", "活动编号", "campaign number"),
        s.category("type", "类型", "type"),
        s.day("started_at", "开始日期", "first day", required=True),
        s.day("ended_at", "结束日期", "last day", later=True),
        s.money("budget", "预算", "budget"),
        s.money("actual_cost", "实际费用", "what it cost"),
        s.count("sent", "发送数", "messages sent"),
        s.count("responses", "响应数", "responses"),
        s.currency(),
    ),
    key=("campaign_id",),
    time="started_at",
    order=(("started_at", "ended_at"),),
)

CAMPAIGN_RESPONSES = Table(
    "campaign_responses",
    Text("活动触达与响应，每位客户每次活动一行", "campaign contacts and responses, one row per customer and campaign"),
    (
        s.reference("campaign_id", "campaign", "campaigns", "市场活动", "the campaign", required=True),
        s.customer(),
        s.category("group", "分组", "group", "contacted", "holdout", required=True),
        s.moment("contacted_at", "触达时间", "when it was contacted"),
        s.moment("responded_at", "响应时间", "when it responded", later=True),
    ),
    key=("campaign_id", "customer_id"),
    time="contacted_at",
    order=(("contacted_at", "responded_at"),),
)
