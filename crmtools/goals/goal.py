"""A goal, and reading its target: an absolute value, a change in points, or a relative change."""

import math
import re
from dataclasses import dataclass
from datetime import date

from crmtools.indicators.catalogue import OWNERS, Indicator, find
from crmtools.period import Period
from crmtools.settings import GoalSettings
from crmtools.words import Text


@dataclass(frozen=True, slots=True)
class Goal:
    """What shall be reached, by when, from where, and who answers for it.

    ``baseline`` is a period to measure or a value in the indicator's unit. ``start`` is the first day that counts.
    """

    id: str
    indicator: Indicator
    name: Text
    settings: GoalSettings
    baseline: Period | float
    start: date
    deadline: date
    department: Text
    person: str
    weight: float

    @property
    def where(self) -> dict[str, str | list[str]]:
        """The customers it is about; empty means all."""
        return self.settings.where

    def target(self, baseline: float) -> float:
        """The target as a value in the indicator's unit, given the measured baseline."""
        return target_value(self.settings, self.indicator, baseline)


def goal_from(settings: GoalSettings) -> Goal:
    """A goal from what the parameters file says."""
    indicator = find(settings.indicator)
    baseline = settings.baseline
    if isinstance(baseline, str):
        baseline = written_value(baseline, indicator)
    start = settings.from_ or (baseline.end if isinstance(baseline, Period) else settings.by)
    owner = settings.owner
    return Goal(
        settings.id or indicator.id, indicator, settings.name or indicator.name, settings, baseline, start, settings.by,
        owner.department if owner else OWNERS[indicator.owner], owner.person if owner else "", settings.weight,
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
    if target.to is not None:
        return written_value(target.to, indicator)
    if target.points is not None:
        return baseline + target.points / indicator.unit.scale
    return baseline * (1 + float(str(target.relative).strip().rstrip("%")) / 100)


def baseline_problem(goal: GoalSettings, indicator: Indicator) -> str:
    """What is wrong with a baseline that is written as a value; empty when nothing is."""
    if isinstance(goal.baseline, Period):
        # 2000 may also be an amount: where the year would make no sense, it is not taken for one
        far = goal.baseline.kind == "year" and not goal.by.year - 10 <= goal.baseline.start.year <= goal.by.year
        return f"is read as the year {goal.baseline.id}. For the value write {goal.baseline.id}.0." if far else ""
    try:
        value = written_value(goal.baseline, indicator)
    except ValueError as error:
        return f"{error}."
    return _outside(value, goal.baseline, indicator)


def target_problem(goal: GoalSettings, indicator: Indicator) -> str:
    """What is wrong with a target before any data are seen; empty when nothing is."""
    target = goal.target
    try:
        baseline = None if isinstance(goal.baseline, Period) else written_value(goal.baseline, indicator)
    except ValueError:
        return ""  # said of the baseline
    change = target.points if target.relative is None else float(target.relative.strip().rstrip("%"))
    if change == 0:
        return "is a change of nothing. Name a change."
    if target.relative is not None and indicator.unit.signed:
        return f"is relative, but {indicator.id} may be negative or 0, where a share of it has no sense: write {{points: …}}."
    if change is not None and not _improves(change, indicator):
        return (
            f"points the wrong way: {indicator.id} is better when {indicator.better}, the target asks for {change:+g}."
        )
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
    if not _improves(value - baseline, indicator):
        return (
            f"points the wrong way: {indicator.id} is better when {indicator.better}, the target lies "
            f"{'below' if value < baseline else 'above'} the baseline."
        )
    return ""


def _improves(change: float, indicator: Indicator) -> bool:
    return indicator.better == "range" or (change > 0) == (indicator.better == "higher")


def _outside(value: float, written: object, indicator: Indicator) -> str:
    low, high = indicator.unit.low, indicator.unit.high
    if (low is not None and value < low) or (high is not None and value > high):
        return f"{written} is outside what {indicator.id} can be ({indicator.unit.name.en})."
    return ""
