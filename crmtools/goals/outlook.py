"""What a forecast says: a chance and a path, how they were made, or why there are none."""

from dataclasses import dataclass
from typing import Literal

from crmtools.words import Text

Better = Literal["higher", "lower"]
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The chances of the lines of a fan chart."""

METHODS: dict[str, Text] = {
    "known": Text("期末读数已知", "the reading is in"),
    "drift": Text(
        "局部水平模型加折半漂移（已扣除抽样误差，对波动大小取加权平均）",
        "local level with half of the drift (sampling error taken out, averaged over sizes of the noise)",
    ),
    "damped": Text(
        "局部水平加阻尼趋势模型（已扣除抽样误差，对波动大小取加权平均；满两年时含季节项）",
        "local level with damped trend (sampling error taken out, averaged over sizes of the noise; seasonal from two years on)",
    ),
    "none": Text("不预测", "no forecast"),
}
"""How a forecast was made."""

TOO_SHORT = Text(
    "只有 {n} 个期间有数值，至少需要 {least} 个，不预测",
    "{n} periods have a value and a forecast needs {least}: none is given",
)
TOO_FAR = Text(
    "需预测 {ahead} 期，而有数值的期间只有 {n} 个，不预测",
    "it is {ahead} periods ahead and only {n} periods have a value: no forecast is given",
)
NO_MOVEMENT = Text(
    "历史数值完全相同且无抽样误差，看不出波动大小，不预测",
    "all past values are the same and have no error: nothing shows how far it may move, no forecast is given",
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The reading to come and the chance of attaining a target; or why there is none.

    ``chance`` is that of a reading at or beyond ``target`` after ``horizon`` periods. ``path`` has one row per period ahead,
    with the values that the reading lies below with the chances in ``SHARES``. ``points`` counts the past periods with a value.
    ``method`` is a key of ``METHODS``.
    """

    target: float
    better: Better
    horizon: int
    points: int
    method: str = "none"
    chance: float | None = None
    path: tuple[tuple[float, ...], ...] = ()
    why: Text | None = None

    @property
    def label(self) -> Text:
        """How it was made, in words."""
        return METHODS[self.method]


def attains(value: float, target: float, better: Better) -> bool:
    """Whether a reading is at or beyond the target, give or take the last digits of a sum."""
    slack = 1e-9 * max(abs(value), abs(target))
    return value >= target - slack if better == "higher" else value <= target + slack


def said(text: Text, **values: object) -> Text:
    """A reason with its numbers."""
    return Text(text.to("zh", **values), text.to("en", **values))
