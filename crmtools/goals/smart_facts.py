"""What the SMART checks of one goal look at: its past up to the day before it starts, where it starts from, what is wanted.

Nothing that became known on or after the first day of the goal enters. A baseline that was given as a value has no error of
its own: what can be seen against it depends on the readings to come alone, and those are expected to be like the last one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Literal

import numpy as np

from crmtools import formats
from crmtools.estimate import Estimate
from crmtools.estimating import conditions
from crmtools.goals.detectable import Smallest, customers_needed, customers_to_miss, smallest_by_customers
from crmtools.goals.forecast import FURTHEST, forecast
from crmtools.goals.goal import Goal
from crmtools.goals.outlook import Forecast
from crmtools.goals.reading import measured_in
from crmtools.goals.series import Series
from crmtools.measuring import Trend, measure
from crmtools.period import MONTHS_IN, Period, Step
from crmtools.publishable import published
from crmtools.questions import UNKNOWN
from crmtools.tables.source import Data
from crmtools.words import Language, Text

Reach = Literal["trivial", "fair", "stretch", "infeasible", "unknown"]
TRIVIAL, INFEASIBLE, STRETCH = 0.90, 0.05, 90
"""Chance without doing anything above which a goal is trivial and below which it is a stretch at least; and the percentile of
past changes over the same time beyond which the wanted one is a stretch."""
FARTHEST = 2.0
"""A target further than this many times the best change that was ever seen is out of reach."""
SHORTEST_MONTH = 28
MODEST = 3.0
"""A target that could be told is proposed where it asks for no more than so many times the wanted change."""
FEWEST_CHANGES = 4
"""Past changes over as long a time as the goal has, below which the wanted one is not held against them."""
NOT_KNOWN = Text("未知", "not known")
_LONG: dict[Step, int] = {"month": 36, "quarter": 16, "year": 8}


def facts_of(goal: Goal, data: Data) -> "Facts":
    """The past of a goal as it was known on the day before it starts, or is known now where it has not started."""
    before = goal.start - timedelta(days=1)
    known = data.at(before) if before < data.as_of else data
    step: Step = "month" if data.period.kind == "days" else data.period.kind
    last = Period.containing(goal.start, step).previous()
    if last.last_day > known.as_of:
        last = Period.containing(known.as_of + timedelta(days=1), step).previous()
    past = list(published(goal.indicator, known, last.up_to(_LONG[step], step), where=goal.where))
    while past and past[0].value is None:
        past.pop(0)
    base: Estimate | None
    if isinstance(goal.baseline, Period):
        base = measure(goal.indicator, known, period=goal.baseline, where=goal.where)
    else:
        base = next((estimate for estimate in reversed(past) if estimate.value is not None), None)
    return Facts(goal, known, step, Trend(goal.indicator, tuple(past)), base)


def as_today(facts: "Facts", data: Data) -> "Facts":
    """The same goal from its baseline as it is known with all ``data``, which is what its own page reads."""
    if not isinstance(facts.goal.baseline, Period):
        return facts
    return replace(facts, data=data, base=measured_in(facts.goal, data, facts.goal.baseline))


@dataclass(frozen=True)
class Facts:
    """A goal with its past. ``base`` is the baseline as measured, or the last reading where a value was given or none is needed.

    Values and changes are in the indicator's unit; each property is None where the data cannot tell it.
    """

    goal: Goal
    data: Data
    step: Step
    past: Trend
    base: Estimate | None

    @cached_property
    def start_value(self) -> float | None:
        """What the goal starts from."""
        if isinstance(self.goal.baseline, float):
            return self.goal.baseline
        return None if self.base is None else self.base.value

    @cached_property
    def target(self) -> float | None:
        """The target; of a goal to keep a bound, the bound that is nearest to where it starts."""
        start, goal = self.start_value, self.goal
        if goal.kind == "establish_baseline" or start is None:
            return None
        if goal.controls:
            return min((b for b in goal.bounds if math.isfinite(b)), key=lambda bound: abs(bound - start))
        return None if goal.relative and start == 0 else goal.target(start)

    @cached_property
    def wanted(self) -> float | None:
        """The change that is wanted; a goal to keep a bound wants none."""
        if self.target is None or self.start_value is None or self.goal.controls:
            return None
        return self.target - self.start_value

    @property
    def sign(self) -> float:
        """+1 where the goal asks for more, −1 for less."""
        return self.goal.sign or math.copysign(1.0, self.wanted or 1.0)

    @property
    def better(self) -> Literal["higher", "lower"]:
        """The same in a word."""
        return "higher" if self.sign > 0 else "lower"

    @property
    def reached(self) -> bool:
        """Whether the goal starts at or beyond its target."""
        return self.wanted is not None and self.sign * self.wanted <= 0

    @cached_property
    def horizon(self) -> int:
        """Periods from the last one before the start to the one in which the deadline lies."""
        last = self.past.estimates[-1].period if self.past.estimates else self.data.period
        end, count = Period.containing(self.goal.deadline, self.step), 0
        while last.start < end.start and count <= FURTHEST:
            last, count = last.shift(MONTHS_IN[self.step]), count + 1
        return count

    @cached_property
    def checkpoints(self) -> int:
        """Whole periods between the start and the deadline."""
        one, count = Period.containing(self.goal.start, self.step), 0
        while one.last_day <= self.goal.deadline:
            count, one = count + (one.start >= self.goal.start), one.shift(MONTHS_IN[self.step])
        return count

    @cached_property
    def detectable(self) -> float | None:
        """The smallest change for the better that a reading of as many customers could show."""
        return None if self._smallest is None or self.base is None else self._smallest(float(self.base.n), 1.0)

    @cached_property
    def needed_to_miss(self) -> int | None:
        """Customers of one reading that show, in four of five cases, that the target is missed by twice the tolerance."""
        if self.base is None or self.base.value is None or not self.goal.tolerance:
            return None
        return customers_to_miss(self.base, self.goal.indicator.kind, 2 * self.goal.tolerance, better=self.better)

    @cached_property
    def needed(self) -> int | None:
        """How many customers a reading needs to show the wanted change; None where none suffice."""
        if self._smallest is None or not self.wanted or self.reached:
            return None
        return customers_needed(self._smallest, abs(self.wanted))

    @cached_property
    def longer(self) -> int | None:
        """How many times as long periods would show the wanted change, if each brings its own customers; None beyond a few years."""
        if self._smallest is None or not self.wanted or self.reached or self.base is None:
            return None
        most = FURTHEST // MONTHS_IN[self.step]
        for times in range(2, most + 1):
            if self.goal.indicator.unique and not self.can_have(self.base.n * times):
                return None  # each customer counts once however long the period
            found = self._smallest(float(self.base.n * times), float(times))
            if found is not None and found <= abs(self.wanted):
                return times
        return None

    @cached_property
    def there(self) -> int | None:
        """How many customers there may be for the goal to be about: those there were when it began, and as many new ones as joined in as
        long a time before. None where that cannot be told."""
        where = conditions(self.goal.where)
        if not (self.goal.indicator.by_customer and self.data.has("customers")):
            return None
        rows = self.data["customers"]
        if not {*where} <= {*rows.columns}:
            return None
        for name, values in where.items():
            rows = rows.filter(rows[name].fill_null(UNKNOWN).isin(values))
        counts = {"n": rows.count()}
        if "acquired_at" in rows.columns:
            since = self.goal.start - (self.goal.deadline - self.goal.start)
            counts["new"] = (rows.acquired_at >= since).sum()
        found = self.data.ask(rows.aggregate(**counts)).fillna(0)
        return int(found.sum(axis=1).iloc[0])

    def can_have(self, customers: int | None) -> bool:
        """Whether a reading can have so many customers; None is a number that does not exist."""
        return customers is not None and (self.there is None or customers <= self.there)

    @property
    def leaves_time(self) -> bool:
        """Whether periods as long as the change needs would fit between start and deadline."""
        days = (self.goal.deadline - self.goal.start).days + 1
        return self.longer is None or self.longer * MONTHS_IN[self.step] * SHORTEST_MONTH <= days

    def longer_than(self, times: int) -> bool:
        """Whether periods would have to be more than so many times as long."""
        return self.longer is None or self.longer > times

    @cached_property
    def _smallest(self) -> Smallest | None:
        """The smallest detectable change by the number of customers of the reading, and by how many baselines there are."""
        if self.base is None or self.goal.controls:
            return None
        given = self.goal.baseline if isinstance(self.goal.baseline, float) else None
        return smallest_by_customers(self.base, self.goal.indicator.kind, better=self.better, given=given)

    @cached_property
    def forecast(self) -> Forecast | None:
        """What is to come by the deadline if things go on as they did; None where no single target is asked for."""
        legal = self._legal(self.target)
        if self.target is None or self.goal.controls or not self.past.estimates or not legal:
            return None
        # the forecasting models know months and quarters
        if self.step == "year" or self.horizon > FURTHEST:
            return None
        return forecast(Series.of(self.past), horizon=self.horizon, target=self.target, better=self.better)

    @property
    def chance(self) -> float | None:
        """Of attaining the target with nothing new done."""
        return None if self.forecast is None else self.forecast.chance

    @cached_property
    def past_changes(self) -> list[float]:
        """The changes over as long a time as the goal has, counted so that more is better."""
        values = [estimate.value for estimate in self.past.estimates]
        pairs = zip(values, values[self.horizon :], strict=False)
        return [self.sign * (b - a) for a, b in pairs if a is not None and b is not None] if self.horizon else []

    @cached_property
    def percentile(self) -> float | None:
        """The place of the wanted change among the past ones, in per cent."""
        if len(self.past_changes) < FEWEST_CHANGES or self.wanted is None:
            return None
        return 100 * float(np.mean([change < self.sign * self.wanted for change in self.past_changes]))

    @cached_property
    def kept(self) -> tuple[int, int]:
        """Of a goal to keep a bound: how many of the periods before kept it."""
        low, high = self.goal.bounds
        values = [e.value for e in self.past.estimates if e.value is not None]
        return sum(low <= value <= high for value in values), len(values)

    @cached_property
    def reach(self) -> Reach:
        """How far away the target is, by the past alone."""
        if self.goal.controls:
            kept, of = self.kept
            return "unknown" if not of else "fair" if kept else "infeasible"
        if self.target is None or self.wanted is None:
            return "unknown"
        if not self._legal(self.target):
            return "infeasible"
        chance, place = self.chance, self.percentile
        if self.reached or (chance is not None and chance > TRIVIAL):
            return "trivial"
        if self._never_seen():
            return "infeasible"
        if chance is None and place is None:
            return "unknown"
        unlikely = chance is not None and chance < INFEASIBLE
        return "stretch" if unlikely or (place is not None and place > STRETCH) else "fair"

    def _never_seen(self) -> bool:
        """Whether the change is more than twice the best there was, and leads to a value there never was."""
        best = max(self.past_changes, default=0.0)
        values = [self.sign * e.value for e in self.past.estimates if e.value is not None]
        if best <= 0 or not values or self.wanted is None or self.target is None or self.percentile is None:
            return False
        return self.sign * self.wanted > FARTHEST * best and self.sign * self.target > max(values)

    def _legal(self, value: float | None) -> bool:
        low, high = self.goal.indicator.unit.low, self.goal.indicator.unit.high
        return value is None or not ((low is not None and value < low) or (high is not None and value > high))

    @property
    def detectable_target(self) -> float | None:
        """The nearest target that a reading of as many customers could tell from the start; None where there is none."""
        if self.detectable is None or self.start_value is None:
            return None
        nearest = self.start_value + self.sign * self.detectable
        return nearest if self._legal(nearest) else None

    @property
    def modest_target(self) -> float | None:
        """The same, where it asks for no more than ``MODEST`` times the wanted change."""
        nearest, start = self.detectable_target, self.start_value
        if nearest is None or start is None or self.wanted is None:
            return None
        return nearest if abs(nearest - start) <= MODEST * abs(self.wanted) else None

    def within_reach(self, target: float) -> bool:
        """Whether a target is neither beyond nine of ten past changes nor nearly without a chance."""
        if self.start_value is None or not self._legal(target) or len(self.past_changes) < FEWEST_CHANGES:
            return False
        change = self.sign * (target - self.start_value)
        if 100 * float(np.mean([other < change for other in self.past_changes])) > STRETCH:
            return False
        if self.forecast is None or self.forecast.chance is None:
            return True
        found = forecast(Series.of(self.past), horizon=self.horizon, target=target, better=self.better, fan=False)
        return found.chance is None or found.chance >= INFEASIBLE

    def said(self, value: float | None) -> Text:
        """A value of the indicator in both languages."""
        unit, currency = self.goal.indicator.unit, self.data.currency
        return both(lambda language: formats.quantity(value, unit, language, currency, trim=True))

    def moved(self, change: float | None) -> Text:
        """The size of a change of the indicator in both languages."""
        unit, currency = self.goal.indicator.unit, self.data.currency
        if change is None:
            return NOT_KNOWN
        return both(lambda language: formats.difference(abs(change), unit, language, currency, signed=False))


def both(written: Callable[[Language], str]) -> Text:
    """What is written by rule, in both languages."""
    return Text(written("zh"), written("en"))
