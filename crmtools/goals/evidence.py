"""What the data can say about a goal, beside the plan status that goes by the value alone.

The rules ask twice before they call a goal at risk: the chance of getting there must be poor, *and* the value must lie behind
the plan by more than its error. A goal that is exactly on its way is then called at risk in a twentieth of the readings at
most, whatever the forecast makes of its noise; by the value alone an NPS on its way, with 150 answers a month, is called behind
in nearly half of them.
"""

import math
from dataclasses import dataclass
from typing import Literal

from crmtools.estimate import OUTDATED, Estimate
from crmtools.goals.goal import Goal
from crmtools.indicators.kinds import Rate
from crmtools.indicators.moments import Kind
from crmtools.intervals import z_of
from crmtools.words import Text

Evidence = Literal[
    "met",
    "met_within_error",
    "on_track",
    "undecided",
    "at_risk",
    "missed_within_error",
    "missed",
    "not_started",
    "no_evidence",
]
EVIDENCE: dict[Evidence, Text] = {
    "met": Text("已确认达成", "Met"),
    "met_within_error": Text("已达成，但在误差范围内", "Met, within error"),
    "on_track": Text("很可能达成", "Likely"),
    "undecided": Text("尚难判断", "Too early to tell"),
    "at_risk": Text("确有风险", "At risk"),
    "missed": Text("确认未达成", "Missed"),
    "missed_within_error": Text("未达成，但在误差范围内", "Missed, within error"),
    "not_started": Text("尚未开始", "Not started"),
    "no_evidence": Text("数据不足", "No evidence"),
}
LIKELY, UNLIKELY = 0.70, 0.30
"""Chances of attainment from which a goal is called likely, and below which it is in doubt."""
HYSTERESIS = 0.10
"""How far the chance must move for the status to change at once; a smaller move must last for two readings."""
FEWEST, FEWEST_EVENTS, RIPE = 30, 5, 0.80
"""Customers and events below which nothing is said, and the maturity that a reading needs."""
ONE_SIDED = 0.90
"""The level of the two-sided interval whose one side leaves a twentieth out."""

TOO_FEW = Text(f"客户不足 {FEWEST} 位", f"fewer than {FEWEST} customers")
TOO_FEW_EVENTS = Text(f"事件不足 {FEWEST_EVENTS} 次", f"fewer than {FEWEST_EVENTS} events")
UNRIPE = Text("观察期尚未走完，数字还会变动", "too much of the period can still change")


@dataclass(frozen=True, slots=True)
class Case:
    """What the status is judged by, all values in the indicator's unit; ``sign`` is +1 where higher is better, else −1.

    ``expected_error`` is the standard error of ``expected``, that of the baseline which the plan starts from.
    """

    now: Estimate
    target: float
    expected: float | None
    sign: float
    chance: float | None
    over: bool
    elapsed: float
    expected_error: float = 0.0
    spread: float | None = None
    """How wide the interval of the progress is, in ways from baseline to target."""


def evidence(case: Case) -> Evidence:
    """The evidence status of a goal that is to get somewhere."""
    low, high = worst_and_best(case.now, case.sign)
    target = case.sign * case.target
    if low >= target:
        return "met"
    if case.over:
        if high < target:
            return "missed"
        there = case.now.value is not None and case.sign * case.now.value >= target
        return "met_within_error" if there else "missed_within_error"
    if case.elapsed <= 0:
        return "not_started"
    chance = case.chance
    if behind(case) and (chance is None or chance < UNLIKELY):
        return "at_risk"
    if chance is None or (case.spread is not None and case.spread > 1):
        return "undecided"
    return "on_track" if chance >= LIKELY else "undecided"


def behind(case: Case) -> bool:
    """Whether the value lies behind the plan by more than the errors of both, tested one-sided at 5 %."""
    if case.expected is None or case.now.value is None:
        return False
    value, (_, high) = case.sign * case.now.value, worst_and_best(case.now, case.sign, ONE_SIDED)
    reach = math.hypot(high - value, z_of(ONE_SIDED) * case.expected_error)
    return value + reach < case.sign * case.expected


def worst_and_best(estimate: Estimate, sign: float, level: float | None = None) -> tuple[float, float]:
    """The ends of an interval times ``sign``, worst first; at another level they move in proportion to the normal quantile.

    A complete count has no error; where an error is not known the interval holds everything.
    """
    value = estimate.value
    if value is None or estimate.suppressed:
        return float("-inf"), float("inf")
    if estimate.method == "census":
        return sign * value, sign * value
    if estimate.low is None or estimate.high is None:
        return float("-inf"), float("inf")
    scale = 1.0 if level is None else z_of(level) / z_of(estimate.level)
    low, high = value - scale * (value - estimate.low), value + scale * (estimate.high - value)
    return (low, high) if sign > 0 else (-high, -low)


def kept(readings: tuple[Estimate, ...], bounds: tuple[float, float], *, over: bool, begun: bool) -> Evidence:
    """The evidence status of a goal to keep a bound, from the readings since it began."""
    if not begun:
        return "not_started"
    there = [estimate for estimate in readings if estimate.value is not None]
    if not there:
        return "no_evidence"
    states = [_place(estimate, bounds) for estimate in there]
    if "outside" in states:
        return "missed" if over else "at_risk"
    if all(state == "inside" for state in states):
        return "met" if over else "on_track"
    if not over:
        return "undecided"
    return "met_within_error" if _inside(there, bounds) else "missed_within_error"


def _place(estimate: Estimate, bounds: tuple[float, float]) -> Literal["inside", "outside", "either"]:
    """Where a reading lies with its error; several readings are looked at, each may stray by chance: 99 % intervals."""
    low, high = worst_and_best(estimate, 1.0, 0.99)
    if low >= bounds[0] and high <= bounds[1]:
        return "inside"
    return "outside" if high < bounds[0] or low > bounds[1] else "either"


def _inside(readings: list[Estimate], bounds: tuple[float, float]) -> bool:
    return all(bounds[0] <= (estimate.value or 0.0) <= bounds[1] for estimate in readings)


def unfit(estimate: Estimate, goal: Goal) -> Text | None:
    """Why a reading must not be judged at all; None where it may."""
    if estimate.value is None:
        return estimate.why
    if estimate.n < FEWEST and estimate.method != "census":
        return TOO_FEW
    if events_of(estimate, goal.indicator.kind) < FEWEST_EVENTS:
        return TOO_FEW_EVENTS
    if estimate.maturity is not None and estimate.maturity < RIPE:
        return UNRIPE
    if estimate.out_of_date:
        return OUTDATED
    return None


def events_of(estimate: Estimate, kind: Kind) -> float:
    """What a share or a rate rests on: the rarer of what happened and what did not, or how often it happened.

    Infinite where the value counts no events. The numerator of a rate is written for its own exposure (per 100 customers):
    five complaints stand in it as 500.
    """
    if kind.name not in ("share", "rate") or estimate.numerator is None:
        return math.inf
    if isinstance(kind, Rate):
        return estimate.numerator / kind.per
    rest = math.inf if estimate.denominator is None else estimate.denominator - estimate.numerator
    return min(estimate.numerator, rest)


def settled(before: Evidence, now: Evidence, chances: tuple[float | None, float | None], again: bool) -> Evidence:
    """The status with hysteresis: it changes where the chance has moved far enough, or the new one was there before too.

    ``chances`` are those of the reading before and of this one, ``again`` that the reading before this one already said
    ``now``. What is certain (met, missed, no evidence) is said at once.
    """
    if (
        now == before
        or now not in ("on_track", "undecided", "at_risk")
        or before not in ("on_track", "undecided", "at_risk")
    ):
        return now
    then, this = chances
    far = then is None or this is None or abs(this - then) >= HYSTERESIS
    return now if far or again else before
