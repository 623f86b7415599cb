"""Why a value or an interval is missing, in words."""

from crmtools.words import Text

NO_DATA = Text("该期间没有可用数据", "nothing to count in this period")
TOO_FEW = Text("客户不足 {n} 位，不给出区间", "fewer than {n} customers: an interval would claim too much")
ALIKE = Text("各客户数值相同，无法估计误差", "all customers are alike: the data show no error to measure")
ALL_AT_TOP = Text(
    "全部集中于前列客户，无法估计误差", "the top customers hold everything: the data show no error to measure"
)
SINGLE = Text("只有一位客户，无法估计误差", "a single customer: no error can be estimated")
NOT_REACHED = Text("数据尚不足以达到该分位数", "the data do not reach that quantile yet")
NO_UPPER = Text("区间上限尚未达到", "the upper limit is not reached by the data")
NO_SHARE = Text(
    "分子大于分母，不构成占比，不给出区间", "more above the line than below it: no share, and no interval of one"
)
NO_SPEND = Text("该期间没有费用记录", "no spend is recorded")
NOBODY_WON = Text("有费用而无新客户", "money was spent, and nobody was won")
NOTHING_BELOW = Text("有费用而无对应的客户或工单", "money was spent, and there is nothing to divide it by")
CENSUS = Text("全量统计，无抽样误差", "a complete count: there is no sampling error")

SMALL_FOR_RATIO = 2000
"""Customers below which the errors of heavy tails are resampled."""
SMALL_FOR_MEAN = 30
"""Customers below which Student's t is not trusted, and a ratio claims no interval."""


def too_few(n: int) -> Text:
    """Fewer customers than an interval needs."""
    return Text(TOO_FEW.zh.format(n=n), TOO_FEW.en.format(n=n))
