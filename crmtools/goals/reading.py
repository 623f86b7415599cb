"""Reading a goal: where it stands, what is missing, and where the plan expects it to be by now.

Formulas and names follow the usual ones of goal tracking: progress π = (x − b) / (T − b), gap g = s·(T − x) with s = +1 where
higher is better and −1 where lower is, expected by now e(t) = b + (T − b)·φ(t) with φ the part of the way that the goal's path
(:mod:`crmtools.goals.paths`) has covered. A target that the measured baseline has reached already leaves no way to go: the goal
is then to stay there, and has no progress. A goal to keep a bound has none either; it counts the periods that kept it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import pandas as pd

from crmtools.errors import CRMError, nearest
from crmtools.estimate import Estimate
from crmtools.estimating import estimates, not_computable
from crmtools.goals.goal import Goal, goal_from
from crmtools.goals.guardrails import Guard, guards
from crmtools.goals.paths import NO_SEASON, covered, seasonal_index
from crmtools.goals.status import PlanStatus, held_status, plan_status
from crmtools.indicators.catalogue import Better
from crmtools.indicators.kinds import CENSUS
from crmtools.measuring import Trend, measure, trend
from crmtools.period import Period
from crmtools.publishable import shown
from crmtools.questions import attributes
from crmtools.remembered import remembered
from crmtools.shown import Shown
from crmtools.tables.source import Data
from crmtools.words import Text

GIVEN = Text("基线为给定值，无抽样误差", "the baseline was given as a value: it has no sampling error")
MOST_PERIODS = 60
"""Periods since a goal began that are looked at, of a goal to keep a bound."""
NO_BASELINE = Text("该目标没有基线", "this goal has no baseline")
IMPOSSIBLE = Text(
    "按实测基线换算，目标值超出该指标可能的范围",
    "from the baseline as measured, the target lies outside what the indicator can be",
)
NOTHING_OF_NOTHING = Text("基线为 0，相对变化没有意义", "the baseline is 0: a share of nothing is nothing")


@dataclass(frozen=True, slots=True)
class Reading(Shown):
    """A goal measured for one period.

    Values are in the indicator's unit. ``gap`` is what is still missing (negative when the target is passed), with its
    interval; ``progress`` is the share of the way from baseline to target, ``progress_se`` its standard error;
    ``expected`` is the value the plan expects by the end of the period, ``elapsed`` the share of the time that is over. Of a
    goal to keep a bound ``target`` is the bound that is nearest, and ``kept`` tells how many of the periods since it began
    kept it. ``why`` says why nothing can be read.
    """

    goal: Goal
    baseline: Estimate
    now: Estimate
    trend: Trend
    status: PlanStatus
    elapsed: float
    target: float | None = None
    gap: float | None = None
    gap_low: float | None = None
    gap_high: float | None = None
    progress: float | None = None
    progress_se: float | None = None
    expected: float | None = None
    kept: tuple[int, int] | None = None
    guards: tuple[Guard, ...] = ()
    season: Mapping[int, float] | None = None
    why: Text | None = None

    @property
    def id(self) -> str:
        """The goal's id."""
        return self.goal.id

    @property
    def frame(self) -> pd.DataFrame:
        """Its row of the scorecard."""
        return pd.DataFrame([self._row()])

    def _row(self) -> dict[str, object]:
        return {
            "goal": self.id,
            "indicator": self.goal.indicator.id,
            "baseline": self.baseline.value,
            "now": self.now.value,
            "low": self.now.low,
            "high": self.now.high,
            "n": self.now.n,
            "target": self.target,
            "gap": self.gap,
            "gap_low": self.gap_low,
            "gap_high": self.gap_high,
            "progress": self.progress,
            "progress_se": self.progress_se,
            "expected": self.expected,
            "elapsed": self.elapsed,
            "status": self.status,
            "deadline": self.goal.deadline,
            "weight": self.goal.weight,
        }

    @property
    def better(self) -> Literal["higher", "lower"]:
        """The side of the target that attains it."""
        way = (self.target or 0.0) - (self.baseline.value or 0.0)
        return "higher" if (self.goal.sign or way) > 0 else "lower"

    @property
    def improves(self) -> Better:
        """The direction of change that is an improvement: of a goal to keep a range that of its indicator, which may have none."""
        return self.goal.indicator.better if self.goal.controls or self.target is None else self.better

    @property
    def held(self) -> bool:
        """Whether the target was reached when the goal began, so that it is only to be held."""
        if self.target is None or self.baseline.value is None or self.goal.controls:
            return False
        way = self.target - self.baseline.value
        return (way if self.better == "higher" else -way) <= 0

    def planned_error(self, period: Period) -> float:
        """Standard error of what the plan expects: it starts from a baseline that was measured.

        With a fixed target e = b + (T − b)·φ moves by 1 − φ of what b moves, with one in points by all of it, with a relative
        one by 1 + r·φ.
        """
        base, target, error = self.baseline.value, self.target, self.baseline.se
        if base is None or target is None or not error or self.goal.controls or base == target:
            return 0.0
        if self.held:
            return 0.0
        share = covered(self.goal, period.end, base, target, self.season) or 0.0
        if self.goal.relative:
            return abs(1 + (target / base - 1) * share) * error
        written = self.goal.settings.target
        return error if written is not None and written.points is not None else (1 - share) * error

    def planned(self, period: Period) -> float | None:
        """What the plan expects at the end of a period; None outside of the goal's time, or where it has no way to go."""
        base, target, goal = self.baseline.value, self.target, self.goal
        if base is None or target is None or not (goal.start <= period.end and period.start <= goal.deadline):
            return None
        if goal.controls or self.held:
            return target
        share = covered(goal, period.end, base, target, self.season)
        return None if share is None else base + (target - base) * share


@dataclass(frozen=True, slots=True)
class Scorecard(Shown):
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
        return pd.DataFrame([reading._row() for reading in self.readings])  # noqa: SLF001


@remembered()
def scorecard(data: Data) -> Scorecard:
    """Read every goal of the parameters file for the period that is reported."""
    return Scorecard(tuple(read(goal_from(settings), data) for settings in data.settings.goals))


def goal_on(indicator: str, data: Data) -> Reading | None:
    """The reading of the goal on an indicator, if the parameters file has one for all customers."""
    chosen = [item for item in data.settings.goals if item.indicator == indicator and not item.where]
    return read(goal_from(chosen[0]), data) if chosen else None


def read(goal: Goal, data: Data) -> Reading:
    """Measure a goal: baseline, value now, gap, progress, expected by now, plan status, guardrails."""
    period = _read_in(goal, data)
    blank = Estimate(goal.indicator.id, period, data.as_of)
    if lacking := [name for name in goal.where if name not in attributes(goal.indicator, data)]:
        why = Text(
            f"该指标不能按 {lacking[0]} 划分客户", f"the customers of this indicator cannot be told by {lacking[0]}"
        )
        nothing = replace(blank, why=not_computable(goal.indicator, data) or why)
        return Reading(goal, nothing, nothing, Trend(goal.indicator, ()), "no_evidence", 0.0, why=nothing.why)
    now = measured_in(goal, data, period)
    line = trend(goal.indicator, data, where=goal.where)
    baseline, elapsed = _baseline(goal, now, data), elapsed_share(goal.start, goal.deadline, data.period)
    bare = Reading(goal, baseline, now, line, "no_evidence", elapsed, _fixed(goal), guards=guards(goal, data))
    if now.value is None:
        return replace(bare, why=now.why)
    over = data.period.end > goal.deadline
    if goal.kind == "establish_baseline":
        return replace(bare, status="not_started" if elapsed <= 0 else "reached")
    if goal.controls:
        return _keeping(bare, data, over=over)
    if baseline.value is None:
        return replace(bare, why=baseline.why)
    if goal.relative and baseline.value == 0:
        return replace(bare, why=NOTHING_OF_NOTHING)
    target = goal.target(baseline.value)
    if not goal.indicator.unit.holds(target):
        return replace(bare, why=IMPOSSIBLE)
    way = target - baseline.value
    sign = goal.sign or (1.0 if way > 0 else -1.0)
    gap = sign * (target - now.value)
    low, high = _gap_limits(now, target, sign)
    found = replace(bare, target=target, gap=gap, gap_low=low, gap_high=high)
    if sign * way <= 0:
        return replace(found, expected=target, status=held_status(gap, elapsed, over=over))
    season = _season(goal, data) if goal.settings.path.kind == "seasonal" else None
    share = covered(goal, data.period.end, baseline.value, target, season)
    progress = (now.value - baseline.value) / way
    return replace(
        found,
        progress=progress,
        progress_se=progress_error(goal, baseline, now, target),
        expected=None if share is None else baseline.value + way * share,
        status=plan_status(progress, share, elapsed=elapsed, over=over),
        season=season,
        why=NO_SEASON if share is None else None,
    )


def measured_in(goal: Goal, data: Data, period: Period) -> Estimate:
    """A goal's indicator in a period, of a goal about some customers hidden where they, or the others, are few."""
    if goal.where:
        return shown(goal.indicator, data, (period,), where=goal.where)[0]
    return measure(goal.indicator, data, period=period)


def _fixed(goal: Goal) -> float | None:
    """A target that is known whatever is measured."""
    written = goal.settings.target
    return goal.target(math.nan) if written is not None and written.to is not None and not goal.controls else None


def _read_in(goal: Goal, data: Data) -> Period:
    """The period that is reported, or where that lies after the deadline, one like it that holds the deadline or ends with it."""
    one = data.period
    if one.start <= goal.deadline:
        return one
    if one.kind == "days":
        end = goal.deadline + timedelta(days=1)
        return Period(end - timedelta(days=one.days), end)
    return Period.containing(goal.deadline, one.kind)


def _baseline(goal: Goal, now: Estimate, data: Data) -> Estimate:
    """The baseline measured, or as it was given."""
    if isinstance(goal.baseline, Period):
        return measured_in(goal, data, goal.baseline)
    return replace(
        now, value=goal.baseline, low=None, high=None, se=None, n=0, rows=0, numerator=None, denominator=None,
        method="none", excluded=(), suppressed=False, why=NO_BASELINE if goal.baseline is None else GIVEN,
    )  # fmt: skip


def _keeping(bare: Reading, data: Data, *, over: bool) -> Reading:
    """A goal to keep a bound: the distance to the nearest, and how many periods since it began kept it."""
    now, (low, high) = bare.now, bare.goal.bounds
    value = now.value or 0.0
    upper = math.isinf(low) or (math.isfinite(high) and high - value < value - low)
    target, sign = (high, -1.0) if upper else (low, 1.0)
    gap, limits = sign * (target - value), _gap_limits(now, target, sign)
    spans = [p for p in now.period.up_to(MOST_PERIODS, data.settings.report.step) if p.start >= bare.goal.start]
    found = shown(bare.goal.indicator, data, spans, where=bare.goal.where) if spans else ()
    since = [e for e in found if e.value is not None]
    kept = sum(low <= (e.value or 0.0) <= high for e in since)
    return replace(
        bare,
        target=target,
        gap=gap,
        gap_low=limits[0],
        gap_high=limits[1],
        expected=target,
        kept=(kept, len(since)),
        status=held_status(gap, bare.elapsed, over=over),
    )


def _gap_limits(now: Estimate, target: float, sign: float) -> tuple[float | None, float | None]:
    limits = sorted(sign * (target - limit) for limit in (now.low, now.high) if limit is not None)
    return (limits[0], limits[1]) if len(limits) == 2 else (None, None)


def _season(goal: Goal, data: Data) -> dict[int, float] | None:
    """The seasonal index of the two years before the goal began."""
    last = Period.containing(goal.start, "month").previous()
    months = [last.shift(-back) for back in range(24)]
    found = estimates(goal.indicator, data, months, where=goal.where, resample=False)
    return seasonal_index({e.period.start: e.value for e in found if e.value is not None})


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
    if goal.relative:
        rate = way / b
        return math.hypot(se_x / (b * rate), x * se_b / (b * b * rate))
    if goal.settings.target is not None and goal.settings.target.points is not None:
        return math.hypot(se_x, se_b) / abs(way)
    return math.hypot(se_x, (1 - (x - b) / way) * se_b) / abs(way)


def _error_known(estimate: Estimate) -> bool:
    """Whether an estimate tells its error; complete counts and given values have none."""
    return estimate.se is not None or estimate.why in (CENSUS, GIVEN)
