"""Where customers meet the company: tickets and interactions."""

from crmtools.tables import schema as s
from crmtools.tables.schema import Table
from crmtools.words import Text

TICKETS = Table(
    "tickets",
    Text("服务工单，每行一张", "service tickets, one row each"),
    (
        s.key("ticket_id", "ticket", "工单编号", "ticket number"),
        s.customer(),
        s.moment("created_at", "创建时间", "when it was opened", required=True),
        s.moment("first_response_at", "首次人工响应时间", "when a person first answered", later=True),
        s.moment("resolved_at", "解决时间", "when it was resolved", later=True),
        s.moment("closed_at", "关闭时间", "when it was closed", later=True),
        s.moment("due_at", "承诺完成时间", "when it was promised to be done", future=True),
        s.category("status", "状态", "status"),
        s.category("type", "类型", "type", "complaint", "question", "incident", "request", "spam"),
        s.category("category", "主题", "topic"),
        s.category("priority", "优先级", "priority"),
        s.category("channel", "渠道", "channel"),
        s.reference("agent_id", "staff", "", "客服编号", "number of the agent"),
        s.count("reopened_count", "重开次数", "times it was reopened"),
        s.flag("escalated", "已升级", "escalated"),
        s.number("handle_minutes", "处理分钟数", "minutes of work"),
    ),
    key=("ticket_id",),
    time="created_at",
    order=(("created_at", "first_response_at"), ("created_at", "resolved_at"), ("created_at", "closed_at")),
)

INTERACTIONS = Table(
    "interactions",
    Text("互动记录，每行一次", "interactions, one row each"),
    (
        s.key("interaction_id", "interaction", "互动编号", "interaction number"),
        s.customer(),
        s.moment("at", "时间", "when", required=True),
        s.category("channel", "渠道", "channel"),
        s.category("direction", "方向", "direction", "inbound", "outbound", "two_way"),
        s.category("type", "类型", "type", "call", "visit", "meeting", "email", "message", "bulk", "auto"),
        s.number("duration_s", "时长（秒）", "duration in seconds"),
        s.reference("owner_id", "staff", "", "负责人编号", "number of the person in charge"),
    ),
    key=("interaction_id",),
    time="at",
    generated_key=True,
)
