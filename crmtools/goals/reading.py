"""Reading a goal: where it stands, what is missing, and where the plan expects it to be by now.

Formulas and names follow the usual ones of goal tracking: progress π = (x − b) / (T − b), gap g = s·(T − x) with s = +1 where
higher is better and −1 where lower is, expected by now e(t) = b + (T − b)·φ(t) with φ the elapsed share of the time. A target
that the measured baseline has reached already leaves no way to go: the goal is then to stay there, and has no progress.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import pandas as pd

from crmtools.errors import CRMError, nearest
from crmtools.estimate import Estimate
from crmtools.goals.goal import Goal, goal_from
from crmtools.indicators.kinds import CENSUS
from crmtools.measure import Trend, measure, people, trend
from crmtools.period import Period
from crmtools.tables.source import Data
from crmtools.words import Text

PlanStatus = Literal["reached", "on_track", "behind", "at_risk", "missed", "not_started", "no_evidence"]

STATUS: dict[PlanStatus, Text] = {
    "reached": Text("已达到目标值", "Reached"),
    "on_track": Text("进展正常", "On track"),
    "behind": Text("落后于计划", "Behind plan"),
    "at_risk": Text("存在风险", "At risk"),
    "missed": Text("未达成", "Missed"),
    "not_started": Text("尚未开始", "Not started"),
    "no_evidence": Text("数据不足", "No evidence"),
}
GIVEN = Text("基线为给定值，无抽样误差", "the baseline was given as a value: it has no sampling error")
BEHIND, AT_RISK = 0.165, 0.33
"""Shares of the way by which progress may lag the plan before it is called behind, and at risk.

The thresholds that goal-tracking tools show by default, so that managers recognise them. They judge the point estimate
alone: read the interval beside the colour.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """A goal measured for one period.

    Values are in the indicator's unit. ``gap`` is what is still missing (negative when the target is passed), with its
    interval; ``progress`` is the share of the way from baseline to target, ``progress_se`` its standard error;
    ``expected`` is the value the plan expects by the end of the period, ``elapsed`` the share of the time that is over.
    """

    goal: Goal
    baseline: Estimate
    now: Estimate
    target: float | None
    gap: float | None
    gap_low: float | None
    gap_high: float | None
    progress: float | None
    progress_se: float | None
    expected: float | None
    elapsed: float
    status: PlanStatus
    trend: Trend

    @property
    def id(self) -> str:
        """The goal's id."""
        return self.goal.id


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The readings of all goals, in the order of the parameters file."""

    readings: tuple[Reading, ...]

    def __iter__(self) -> Iterator[Reading]:
        return iter(self.readings)

    def __len__(self) -> int:
        return len(self.readings)

    def __getitem__(self, goal: str | int) -> Reading:
        if isinstance(goal, int):
            return self.readings[goal]
        found = {reading.id: reading for reading in self.readings}
        if goal not in found:
            raise CRMError(f"There is no goal '{goal}'. {nearest(goal, found)}")
        return found[goal]

    @property
    def frame(self) -> pd.DataFrame:
        """One row per goal: goal, indicator, baseline, now, low, high, n, target, gap, progress, expected, status, deadline, weight."""
        return pd.DataFrame(
            [
                {
                    "goal": r.id,
                    "indicator": r.goal.indicator.id,
                    "baseline": r.baseline.value,
                    "now": r.now.value,
                    "low": r.now.low,
                    "high": r.now.high,
                    "n": r.now.n,
                    "target": r.target,
                    "gap": r.gap,
                    "gap_low": r.gap_low,
                    "gap_high": r.gap_high,
                    "progress": r.progress,
                    "progress_se": r.progress_se,
                    "expected": r.expected,
                    "elapsed": r.elapsed,
                    "status": r.status,
                    "deadline": r.goal.deadline,
                    "weight": r.goal.weight,
                }
                for r in self.readings
            ]
        )

    def _repr_html_(self) -> str:
        return str(self.frame.to_html(index=False))


def scorecard(data: Data) -> Scorecard:
    """Read every goal of the parameters file for the period that is reported."""
    return Scorecard(tuple(read(goal_from(settings), data) for settings in data.settings.goals))


def goal_on(indicator: str, data: Data) -> Reading | None:
    """The reading of the goal on an indicator, if the parameters file has one for all customers."""
    chosen = [item for item in data.settings.goals if item.indicator == indicator and not item.where]
    return read(goal_from(chosen[0]), data) if chosen else None


def read(goal: Goal, data: Data) -> Reading:
    """Measure a goal: baseline, value now, gap, progress, expected by now, plan status."""
    now = _of_enough(measure(goal.indicator, data, where=goal.where), goal, data)
    line = trend(goal.indicator, data, where=goal.where)
    if isinstance(goal.baseline, Period):
        baseline = _of_enough(measure(goal.indicator, data, period=goal.baseline, where=goal.where), goal, data)
    else:
        baseline = replace(
            now, value=goal.baseline, low=None, high=None, se=None, n=0, rows=0, numerator=None, denominator=None,
            method="none", excluded=(), why=GIVEN,
        )  # fmt: skip
    elapsed = elapsed_share(goal.start, goal.deadline, data.period)
    if now.value is None or baseline.value is None:
        return Reading(goal, baseline, now, None, None, None, None, None, None, None, elapsed, "no_evidence", line)
    target = goal.target(baseline.value)
    way = target - baseline.value
    sign = {"higher": 1.0, "lower": -1.0}.get(goal.indicator.better, 1.0 if way > 0 else -1.0)
    gap, over = sign * (target - now.value), data.period.end > goal.deadline
    limits = sorted(sign * (target - limit) for limit in (now.low, now.high) if limit is not None)
    low, high = (limits[0], limits[1]) if len(limits) == 2 else (None, None)
    if sign * way <= 0:
        status = held_status(gap, elapsed, over=over)
        return Reading(goal, baseline, now, target, gap, low, high, None, None, target, elapsed, status, line)
    progress = (now.value - baseline.value) / way
    return Reading(
        goal, baseline, now, target, gap, low, high, progress, progress_error(goal, baseline, now, target),
        baseline.value + way * elapsed, elapsed, plan_status(progress, elapsed, over=over), line,
    )  # fmt: skip


def _of_enough(estimate: Estimate, goal: Goal, data: Data) -> Estimate:
    """The estimate, hidden when a goal is about a few people only."""
    few = goal.where and 0 < people(estimate) < data.settings.publish.smallest_group
    return estimate.hidden() if few else estimate


def elapsed_share(start: date, deadline: date, period: Period) -> float:
    """The share of the goal's time that is over at the end of a period, from 0 to 1 (linear path)."""
    return min(max((period.end - start).days / ((deadline - start).days + 1), 0.0), 1.0)


def progress_error(goal: Goal, baseline: Estimate, now: Estimate, target: float) -> float | None:
    """Standard error of the progress, the baseline's own error included (delta method).

    With a target that is fixed, se² = (se_x² + (1−π)²·se_b²)/(T−b)². With one that moves with the baseline (points), the way
    stays the same and se² = (se_x² + se_b²)/(T−b)². With a relative one, T = b(1+r), se² = (se_x/(b·r))² + (x·se_b/(b²·r))².
    """
    if now.value is None or baseline.value is None or not all(map(_error_known, (now, baseline))):
        return None
    x, b, se_x, se_b = now.value, baseline.value, now.se or 0.0, baseline.se or 0.0
    way = target - b
    if goal.settings.target.relative is not None:
        rate = way / b
        return math.hypot(se_x / (b * rate), x * se_b / (b * b * rate))
    if goal.settings.target.points is not None:
        return math.hypot(se_x, se_b) / abs(way)
    return math.hypot(se_x, (1 - (x - b) / way) * se_b) / abs(way)


def _error_known(estimate: Estimate) -> bool:
    """Whether an estimate tells its error; complete counts and given values have none."""
    return estimate.se is not None or estimate.why in (CENSUS, GIVEN)


def held_status(gap: float, elapsed: float, *, over: bool) -> PlanStatus:
    """The status of a goal whose target was reached when it began: to stay there is all it asks."""
    if gap <= 0:
        return "reached"
    return "missed" if over else "not_started" if elapsed <= 0 else "at_risk"


def plan_status(progress: float, elapsed: float, *, over: bool) -> PlanStatus:
    """The classic traffic light: progress against the time that is over."""
    if progress >= 1:
        return "reached"
    if over:
        return "missed"
    if elapsed <= 0:
        return "not_started"
    lag = elapsed - progress
    return "on_track" if lag < BEHIND else "behind" if lag < AT_RISK else "at_risk"
