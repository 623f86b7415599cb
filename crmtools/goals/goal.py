"""A goal, and reading its target: an absolute value, a change in points, a relative change, or bounds to keep."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from crmtools.errors import nearest
from crmtools.goal_names import goal_name
from crmtools.goal_settings import CONTROLS, GoalKind, GoalSettings, Target
from crmtools.indicators.catalogue import CATALOGUE, Indicator, find
from crmtools.period import Period
from crmtools.words import Text


@dataclass(frozen=True, slots=True)
class Goal:
    """What shall be reached, by when, from where, and who answers for it.

    ``baseline`` is a period to measure or a value in the indicator's unit; goals to keep a bound, and to find a baseline, may
    have none. ``start`` is the first day that counts. ``tolerance`` is the smallest change that matters, in the unit.
    """

    id: str
    indicator: Indicator
    name: Text
    settings: GoalSettings
    baseline: Period | float | None
    start: date
    deadline: date
    department: Text
    person: str
    weight: float
    tolerance: float | None = None

    @property
    def kind(self) -> GoalKind:
        """What sort of goal it is."""
        return self.settings.kind

    @property
    def controls(self) -> bool:
        """Whether it is to keep a bound, not to get somewhere."""
        return self.kind in CONTROLS

    @property
    def bounds(self) -> tuple[float, float]:
        """What a goal to keep a bound allows, in the indicator's unit; infinite where a side is open."""
        return bounds_of(self.settings, self.indicator)

    @property
    def relative(self) -> bool:
        """Whether the target is a share of the baseline."""
        return self.settings.target is not None and self.settings.target.relative is not None

    @property
    def sign(self) -> float:
        """+1 where a higher value is better, −1 where a lower one is, 0 where neither is by itself."""
        return {"higher": 1.0, "lower": -1.0, "range": 0.0}[self.indicator.better]

    @property
    def version(self) -> int:
        """1 for the goal as it was set, one more for each change since."""
        return 1 + len(self.settings.history)

    @property
    def where(self) -> dict[str, str | list[str]]:
        """The customers it is about; empty means all."""
        return self.settings.where

    def target(self, baseline: float) -> float:
        """The target as a value in the indicator's unit, given the measured baseline."""
        return target_value(self.settings, self.indicator, baseline)


NOBODY = Text("未指定", "not named")
"""The owner of a goal that nobody was named for."""


def goal_from(settings: GoalSettings) -> Goal:
    """A goal from what the parameters file says."""
    indicator = find(settings.indicator)
    baseline = settings.baseline
    if isinstance(baseline, str):
        baseline = written_value(baseline, indicator)
    start = settings.from_ or (baseline.end if isinstance(baseline, Period) else settings.by)
    owner = settings.owner
    tolerance = None if settings.matters is None else settings.matters / indicator.unit.scale
    return Goal(
        settings.id or indicator.id, indicator, goal_name(settings), settings, baseline, start, settings.by,
        owner.department if owner else NOBODY, owner.person if owner else "", settings.weight, tolerance,
    )  # fmt: skip


def written_value(written: float | str, indicator: Indicator) -> float:
    """A value as people write it: ``3.9%`` is 0.039, ``36`` is 36; raises ValueError with advice."""
    text = str(written).strip()
    if match := re.fullmatch(r"([+-]?\d+(?:\.\d+)?)\s*%", text):
        if indicator.unit.form != "percent":
            raise ValueError(f"'{text}': {indicator.id} is in {indicator.unit.name.en}, not in per cent")
        return float(match[1]) / 100
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is not a number that can be reached")
    if indicator.unit.form == "percent" and abs(value) > 1:
        raise ValueError(f"'{value:g}' would be {value * 100:g} %: write {value:g}%, or {value / 100:g}")
    return value


def target_value(goal: GoalSettings, indicator: Indicator, baseline: float) -> float:
    """The target in the indicator's unit: given, baseline plus points, or baseline times one plus the relative change."""
    target = goal.target
    if target is None or target.between is not None:
        raise ValueError(f"a goal to {goal.kind.replace('_', ' ')} has no single target")
    if target.to is not None:
        return written_value(target.to, indicator)
    if target.points is not None:
        return baseline + target.points / indicator.unit.scale
    return baseline * (1 + _rate(target) / 100)


def bounds_of(goal: GoalSettings, indicator: Indicator) -> tuple[float, float]:
    """What a goal to keep a bound allows."""
    target = goal.target
    if target is not None and target.between is not None:
        low, high = (written_value(limit, indicator) for limit in target.between)
        return low, high
    bound = target_value(goal, indicator, math.nan)
    return (bound, math.inf) if goal.kind == "stay_above" else (-math.inf, bound)


def goal_problems(goal: GoalSettings, indicator: Indicator) -> Iterator[tuple[str, str]]:
    """What is wrong with a goal before any data are seen: the key, and the problem."""
    if message := baseline_problem(goal, indicator):
        yield "baseline", message
    elif message := target_problem(goal, indicator):
        yield "target", message
    elif message := _path_problem(goal, indicator):
        yield "path", message
    for rail in goal.guardrails:
        if rail.indicator not in CATALOGUE:
            yield "guardrails", f"no indicator '{rail.indicator}'. {nearest(rail.indicator, CATALOGUE)}"
        elif message := _value_problem(rail.bound, CATALOGUE[rail.indicator]):
            yield "guardrails", message
    target = goal.target
    if target is not None and target.points is not None and goal.matters and goal.matters > abs(target.points):
        yield "matters", f"{goal.matters:g} is more than the whole change of {target.points:+g} that the goal asks for."


def baseline_problem(goal: GoalSettings, indicator: Indicator) -> str:
    """What is wrong with a baseline; empty when nothing is."""
    if goal.baseline is None:
        return ""
    if isinstance(goal.baseline, Period):
        # 2000 may also be an amount: where the year would make no sense, it is not taken for one
        far = goal.baseline.kind == "year" and not goal.by.year - 10 <= goal.baseline.start.year <= goal.by.year
        return f"is read as the year {goal.baseline.id}. For the value write {goal.baseline.id}.0." if far else ""
    return _value_problem(goal.baseline, indicator)


def target_problem(goal: GoalSettings, indicator: Indicator) -> str:
    """What is wrong with a target before any data are seen; empty when nothing is."""
    if goal.target is None:
        return ""
    if goal.kind in CONTROLS:
        return _bound_problem(goal, indicator)
    target = goal.target
    try:
        fixed = isinstance(goal.baseline, (float, int, str))
        baseline = written_value(goal.baseline, indicator) if fixed else None  # type: ignore[arg-type]
    except ValueError:
        return ""  # said of the baseline
    change = target.points if target.relative is None else _rate(target)
    if change == 0:
        return "is a change of nothing. Name a change."
    if target.relative is not None and indicator.unit.signed:
        return f"is relative, but {indicator.id} may be negative or 0, where a share of it has no sense: write {{points: …}}."
    if target.relative is not None and baseline == 0:
        return "is relative to a baseline of 0: a share of nothing is nothing. Write {to: …} or {points: …}."
    if change is not None and (message := _wrong_way(change, goal, indicator, f"the target asks for {change:+g}")):
        return message
    if target.relative is not None and change is not None and change < -100 and indicator.unit.low == 0:
        return f"'{target.relative}' would take more away than there is."
    if target.to is None and baseline is None:
        return ""
    try:
        value = target_value(goal, indicator, baseline or 0.0)
    except ValueError as error:
        return f"{error}."
    if message := _outside(value, target.to if target.to is not None else f"{value:g}", indicator):
        return message
    if baseline is None:
        return ""
    if value == baseline:
        return "equals the baseline: there is nothing to reach. Name another target."
    side = "below" if value < baseline else "above"
    return _wrong_way(value - baseline, goal, indicator, f"the target lies {side} the baseline")


def _rate(target: Target) -> float:
    """A relative change in per cent."""
    return float(str(target.relative).strip().rstrip("%"))


def _bound_problem(goal: GoalSettings, indicator: Indicator) -> str:
    try:
        low, high = bounds_of(goal, indicator)
    except ValueError as error:
        return f"{error}."
    for limit in (low, high):
        if math.isfinite(limit) and (message := _outside(limit, f"{limit:g}", indicator)):
            return message
    if low >= high:
        return f"{{between: [{low:g}, {high:g}]}} holds nothing: write the lower bound first."
    kept = {"stay_above": "higher", "stay_below": "lower"}.get(goal.kind)
    if kept and indicator.better not in (kept, "range"):
        return f"points the wrong way: {indicator.id} is better when {indicator.better}, the goal is to {goal.kind.replace('_', ' ')}."
    return ""


def _path_problem(goal: GoalSettings, indicator: Indicator) -> str:
    for day, written in goal.path.points.items():
        if message := _value_problem(written, indicator):
            return f"{day}: {message}"
    return ""


def _value_problem(written: float | str, indicator: Indicator) -> str:
    try:
        value = written_value(written, indicator)
    except ValueError as error:
        return f"{error}."
    return _outside(value, written, indicator)


def _wrong_way(change: float, goal: GoalSettings, indicator: Indicator, asks: str) -> str:
    """The problem of a change that would make things worse, or contradicts the kind of the goal."""
    if not _improves(change, indicator):
        return f"points the wrong way: {indicator.id} is better when {indicator.better}, {asks}."
    if goal.kind in ("increase", "decrease") and (change > 0) != (goal.kind == "increase"):
        return f"points the wrong way: the goal is to {goal.kind}, {asks}."
    return ""


def _improves(change: float, indicator: Indicator) -> bool:
    return indicator.better == "range" or (change > 0) == (indicator.better == "higher")


def _outside(value: float, written: object, indicator: Indicator) -> str:
    low, high = indicator.unit.low, indicator.unit.high
    if (low is not None and value < low) or (high is not None and value > high):
        return f"{written} is outside what {indicator.id} can be ({indicator.unit.name.en})."
    return ""
