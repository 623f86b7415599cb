"""What declarations of indicators refer to by a key: dimensions, owners, reasons for leaving rows out."""

from crmtools.words import Text

DIMENSIONS: dict[str, Text] = {
    "satisfaction": Text("满意度", "Satisfaction"),
    "loyalty": Text("忠诚度", "Loyalty"),
    "churn": Text("流失与风险", "Churn and risk"),
    "value": Text("客户价值", "Value"),
    "acquisition": Text("客户获取", "Acquisition"),
    "cost": Text("维系成本", "Cost"),
    "service": Text("服务", "Service"),
    "interaction": Text("互动", "Interaction"),
    "feedback": Text("反馈", "Feedback"),
    "credit": Text("信用", "Credit"),
    "process": Text("数据与流程", "Data and process"),
}

OWNERS: dict[str, Text] = {
    "customer_success": Text("客户成功部", "Customer success"),
    "retention": Text("客户维系部", "Retention"),
    "marketing": Text("市场部", "Marketing"),
    "sales": Text("销售部", "Sales"),
    "service": Text("客服部", "Service"),
    "finance": Text("财务部", "Finance"),
    "product": Text("产品部", "Product"),
}

EXCLUSIONS: dict[str, Text] = {
    "earlier_answer": Text("同一客户较早的重复作答", "an earlier answer of the same customer"),
    "not_a_lead": Text("垃圾或重复线索", "spam or duplicate leads"),
    "spam": Text("垃圾工单", "spam tickets"),
    "no_contacts": Text("没有触达名单的活动", "campaigns without a list of whom they reached"),
    "no_cost": Text("未登记实际费用的活动的触达", "contacts of campaigns whose cost is not recorded"),
    "not_completed": Text("已取消或退回的订单", "cancelled or returned orders"),
    "unknown_source": Text("来源未知的新客户", "new customers whose source is not known"),
    "organic": Text("无投放费用渠道的新客户（自然获客）", "customers won through channels without spend (organic)"),
    "disputed": Text("存在争议的发票", "disputed invoices"),
    "off_scale": Text("超出量表范围的答案", "answers outside the scale"),
    "incomplete": Text("作答不完整者的答案", "answers of respondents who left out too much"),
    "no_weights": Text("未分配重要性权重者的答案", "answers of respondents who did not say what matters to them"),
    "not_coded": Text("未编码情感的反馈", "feedback whose sentiment was not coded"),
    "coded_once": Text("仅由一人编码的反馈", "feedback coded by one person only"),
    "outside_base": Text(
        "获客日期缺失、晚于该期间或当期不活跃的客户",
        "of customers without a day of acquisition, or with a later one, or not active",
    ),
}
"""Why a row of facts may not count. Indicators name these keys in the column ``excluded``."""

MADE_ATTRIBUTES: dict[str, Text] = {"age_band": Text("已等待天数", "age in days")}
"""What attributes are called that facts make themselves; all others are columns of a table."""
