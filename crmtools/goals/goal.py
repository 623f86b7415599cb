"""A goal, and reading its target: an absolute value, a change in points, or a relative change."""

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
    if indicator.unit.form == "percent" and abs(value) > 1:
        raise ValueError(f"'{text}' would be {value * 100:g} %: write {text}%, or {value / 100:g}")
    return value


def target_value(goal: GoalSettings, indicator: Indicator, baseline: float) -> float:
    """The target in the indicator's unit: given, baseline plus points, or baseline times one plus the relative change."""
    target = goal.target
    if target.to is not None:
        return written_value(target.to, indicator)
    if target.points is not None:
        return baseline + target.points / indicator.unit.scale
    return baseline * (1 + float(str(target.relative).strip().rstrip("%")) / 100)


def target_problem(goal: GoalSettings, indicator: Indicator) -> str:
    """What is wrong with a target before any data are seen; empty when nothing is."""
    unit = indicator.unit
    try:
        if isinstance(goal.baseline, str):
            written_value(goal.baseline, indicator)
        if goal.target.to is not None:
            value = written_value(goal.target.to, indicator)
            if (unit.low is not None and value < unit.low) or (unit.high is not None and value > unit.high):
                return f"{goal.target.to} is outside what {indicator.id} can be ({unit.name.en})."
            if isinstance(goal.baseline, (float, str)) and written_value(goal.baseline, indicator) == value:
                return "equals the baseline: there is nothing to reach. Name another target."
    except ValueError as error:
        return f"{error}."
    change = goal.target.points if goal.target.points is not None else None
    if goal.target.relative is not None:
        change = float(goal.target.relative.strip().rstrip("%"))
    if change == 0:
        return "is a change of nothing. Name a change."
    if change is not None and indicator.better in ("higher", "lower") and (change > 0) != (indicator.better == "higher"):
        wanted = "higher" if indicator.better == "higher" else "lower"
        return f"points the wrong way: {indicator.id} is better when {wanted}, the target asks for {change:+g}."
    return ""
