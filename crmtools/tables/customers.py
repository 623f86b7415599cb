"""Who the customers are: customers, subscriptions, usage, the loyalty programme, referrals."""

from crmtools.tables import schema as s
from crmtools.tables.schema import Table
from crmtools.words import Text

CUSTOMERS = Table(
    "customers",
    Text("客户（合并后的母公司账户），每行一位", "customers (parent accounts after merging), one row each"),
    (
        s.key("customer_id", "customer", "客户编号", "customer number"),
        s.personal("name", "姓名或公司名称", "name of the person or company"),
        s.personal("email", "电子邮箱", "e-mail address"),
        s.personal("phone", "电话号码", "telephone number"),
        s.personal("address", "地址", "postal address"),
        s.reference("parent_id", "customer", "", "母公司客户编号", "customer number of the parent account"),
        s.category("segment", "客户细分", "segment"),
        s.category("customer_type", "客户类型", "type of customer, for example consumer or business"),
        s.category("tier", "客户等级", "tier or level"),
        s.category("region", "地区", "region"),
        s.category("country", "国家", "country"),
        s.category("industry", "行业", "industry"),
        s.category("size_band", "规模", "size band"),
        s.day("acquired_at", "获客日期：首次订单或首份合同", "day of the first order or contract"),
        s.category("acquired_channel", "获客渠道", "channel the customer came through"),
        s.reference("owner_id", "staff", "", "负责人编号", "number of the person in charge"),
        s.category("department", "负责部门", "department in charge"),
        s.category("status", "状态", "status"),
        s.category("language", "语言", "language"),
        s.currency(),
        s.flag("is_test", "测试、员工或内部账户", "test, staff or inter-company account: left out everywhere"),
    ),
    key=("customer_id",),
    time="acquired_at",
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    Text("订阅或合同，每行一份", "subscriptions or contracts, one row each"),
    (
        s.key("subscription_id", "subscription", "订阅编号", "subscription number"),
        s.customer(),
        s.category("plan", "套餐", "plan"),
        s.day("started_at", "生效日期", "first day", required=True),
        s.day("ended_at", "服务的最后一天；空表示仍在生效", "last day of service; empty while it runs", later=True),
        s.money("mrr", "月度经常性收入", "monthly recurring revenue"),
        s.day("renewal_due_at", "续约日期", "day of the next renewal", future=True),
        s.category("status", "状态", "status"),
        s.category("cancel_reason", "终止原因：主动或欠费", "why it ended", "voluntary", "payment", "other"),
        s.currency(),
    ),
    key=("subscription_id",),
    time="started_at",
    ends="ended_at",
    order=(("started_at", "ended_at"),),
)

USAGE = Table(
    "usage",
    Text("产品使用，每位客户每日一行", "product usage, one row per customer and day"),
    (
        s.customer(),
        s.day("date", "日期", "day", required=True),
        s.count("active_users", "当日活跃用户数", "users active on that day"),
        s.count("entitled", "已购买的席位数", "seats paid for"),
        s.count("events", "使用次数", "events counted"),
    ),
    key=("customer_id", "date"),
    time="date",
)

MEMBERS = Table(
    "members",
    Text("忠诚计划的入会与积分事件", "loyalty programme: enrolment and point events"),
    (
        s.key("event_id", "member_event", "事件编号", "event number"),
        s.customer(),
        s.day("enrolled_at", "入会日期", "day of enrolment", required=True),
        s.category("event", "事件", "what happened", "enrol", "earn", "redeem", "bonus", required=True),
        s.number("points", "积分", "points", signed=True),
        s.moment("at", "时间", "when", required=True),
    ),
    key=("event_id",),
    time="at",
    generated_key=True,
)

REFERRALS = Table(
    "referrals",
    Text("转介绍，每行一次", "referrals, one row each"),
    (
        s.key("referral_id", "referral", "转介绍编号", "referral number"),
        s.customer(),
        s.reference("referred_customer_id", "customer", "", "被转介绍的客户", "the customer who came through it"),
        s.moment("at", "时间", "when", required=True),
        s.category("status", "结果", "result", "sent", "signed_up", "purchased"),
    ),
    key=("referral_id",),
    time="at",
    generated_key=True,
)
