"""The closed table of units: how a value is written, its legal range, how a change is called."""

from dataclasses import dataclass
from typing import Literal

from crmtools.words import Text

Form = Literal["percent", "points", "score", "money", "hours", "days", "rate", "count", "ratio"]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit.

    ``form`` says how numbers are written, ``scale`` what a stored value is multiplied with to be shown (100 for
    shares), ``decimals`` how many places, ``suffix`` what stands behind the number, ``change`` what a difference is
    called (percentage points for shares). ``low`` and ``high`` bound stored values; None is unbounded.
    """

    id: str
    form: Form
    name: Text
    suffix: Text
    change: Text
    scale: float = 1.0
    decimals: int = 1
    low: float | None = 0.0
    high: float | None = None
    signed: bool = False

    def holds(self, value: float) -> bool:
        """Whether a value is one that the unit can have."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


_POINTS = Text("个百分点", "percentage points")
_NOTHING = Text("", "")


def _unit(
    key: str, form: Form, zh: str, en: str, suffix: Text = _NOTHING, change: Text | None = None, **more: object
) -> Unit:
    return Unit(key, form, Text(zh, en), suffix, change or suffix, **more)  # type: ignore[arg-type]


UNITS: dict[str, Unit] = {
    unit.id: unit
    for unit in (
        _unit("percent", "percent", "百分比", "per cent", change=_POINTS, scale=100, high=1.0),
        _unit("percent_a_month", "percent", "每月百分比", "per cent a month", Text("/月", "a month"), _POINTS, scale=100, high=1.0),
        _unit("growth_percent", "percent", "百分比（可超过 100%）", "per cent, may pass 100", change=_POINTS, scale=100),
        _unit("points", "points", "分（−100 至 100）", "points, −100 to 100", _NOTHING, Text("分", "points"),
              decimals=0, low=-100.0, high=100.0, signed=True),
        _unit("score", "score", "量表分", "points of the scale", _NOTHING, Text("分", "points"), decimals=2, low=None),
        _unit("index", "score", "指数（0–100）", "index, 0 to 100", _NOTHING, Text("分", "points"), high=100.0),
        _unit("gap", "score", "感知减期望（量表分）", "perception minus expectation", _NOTHING, Text("分", "points"),
              decimals=2, low=None, signed=True),
        _unit("money", "money", "金额", "money", decimals=0, low=None),
        _unit("hours", "hours", "小时", "hours", Text("小时", "h"), Text("小时", "h")),
        _unit("days", "days", "天", "days", Text("天", "days"), Text("天", "days")),
        _unit("months", "days", "个月", "months", Text("个月", "months"), Text("个月", "months")),
        _unit("per_100_customer_months", "rate", "每百客户月次数", "per 100 customer-months",
              Text("次/百客户月", "per 100 customer-months"), decimals=2),
        _unit("per_customer_month", "rate", "每客户月次数", "per customer-month",
              Text("次/客户月", "per customer-month"), decimals=2),
        _unit("per_customer_year", "rate", "每客户年次数", "per customer-year",
              Text("次/客户年", "per customer-year"), decimals=2),
        _unit("tickets", "count", "张工单", "tickets", Text("张", "tickets"), Text("张", "tickets"), decimals=0),
        _unit("ratio", "ratio", "倍数", "ratio", decimals=2, low=None),
        _unit("coefficient", "ratio", "系数（−1 至 1）", "coefficient, −1 to 1", decimals=2, low=-1.0, high=1.0),
    )
}  # fmt: skip
