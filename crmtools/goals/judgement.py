"""What the data say about a goal: forecast and chance, evidence status, and the change since the baseline.

A status is not turned over by a breath of the forecast: that of the two periods before is worked out too, each from what was
known then, and a new one needs a chance that moved by a tenth, or must have been there before (:func:`settled`). A guardrail that
is breached keeps a goal from being called met or likely.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from crmtools.estimate import Estimate
from crmtools.estimating import tables_read
from crmtools.goals.change import Change, Verdict, change
from crmtools.goals.evidence import Case, Evidence, evidence, kept, settled, unfit
from crmtools.goals.forecast import forecast
from crmtools.goals.goal import Goal, goal_from
from crmtools.goals.guardrails import Guard
from crmtools.goals.multiplicity import FALSE_SHARE, Judged, judged
from crmtools.goals.named import goal
from crmtools.goals.outlook import Better, Forecast
from crmtools.goals.panel import panel
from crmtools.goals.reading import Reading, read, scorecard
from crmtools.goals.series import SEASONS, Series
from crmtools.indicators.catalogue import CATALOGUE
from crmtools.intervals import z_of
from crmtools.measuring import Trend
from crmtools.period import MONTHS_IN, Period, Step
from crmtools.publishable import published
from crmtools.questions import attributes
from crmtools.remembered import remembered
from crmtools.shown import Shown
from crmtools.tables.source import Data
from crmtools.words import Text

LONG: dict[Step, int] = {"month": 36, "quarter": 16, "year": 8}
"""How many periods of the past a forecast rests on at most."""
LOOKED_BACK = 2
"""Periods before this one whose status is worked out too."""
FARTHEST = 60
NOT_AHEAD = Text("期限已过，不再预测", "the deadline is over: nothing is left to forecast")
TOO_LATE = Text(f"期限在 {FARTHEST} 期以后，过远", f"the deadline is more than {FARTHEST} periods away")
NO_WHOLE = Text("目标开始以来还没有完整的期间", "no whole period has passed since the goal began")
BREACHED = Text("护栏被突破：{names}", "a guardrail is breached: {names}")


@dataclass(frozen=True, slots=True)
class Judgement(Shown):
    """The evidence on one goal.

    ``past`` is the indicator over as many periods as a forecast may rest on, ``forecast`` the reading expected at the deadline
    with the chance that it attains the target (None for a goal that has no single target). ``change`` compares now with the
    baseline. ``why`` says what the status rests on where that is not the figures alone. ``verdict`` is the one on the change
    that stands among all goals of the report, with ``verdict_why`` and the adjusted p; None where nothing was compared.
    """

    evidence: Evidence
    past: Trend
    forecast: Forecast | None = None
    change: Change | None = None
    breached: tuple[Guard, ...] = ()
    why: Text | None = None
    verdict: Verdict | None = None
    p_adjusted: float | None = None
    verdict_why: Text | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """One row: evidence, chance, difference from the baseline, verdict, adjusted p."""
        difference = self.change.difference if self.change is not None else None
        said = {"evidence": self.evidence, "chance": self.chance, "difference": difference, "verdict": self.verdict}
        return pd.DataFrame([{**said, "p_adjusted": self.p_adjusted}])

    @property
    def chance(self) -> float | None:
        """The chance of attaining the target at the deadline, if it can be told."""
        return self.forecast.chance if self.forecast is not None else None


def judge(reading: Reading | str, data: Data) -> Judgement:
    """Judge one reading, or the goal of that id, by its past, by the plan, and by its baseline.

    Its change is judged among those of the report's other goals, so that a goal has the same verdict on every page: that of
    :func:`judgements`.
    """
    return _judge(goal(reading, data) if isinstance(reading, str) else reading, data)


@remembered()
def _judge(reading: Reading, data: Data) -> Judgement:
    report = scorecard(data)
    if reading in report.readings:
        return judgements(report, data)[report.readings.index(reading)]
    found = _alone(reading, data)
    if found.change is None:
        return found
    others = (read(goal_from(one), data) for one in data.settings.goals if (one.id or one.indicator) != reading.id)
    changes = [change for other in others if (change := _compared(other, data)) is not None]
    return _among(found, judged([found.change, *changes])[0])


def _alone(reading: Reading, data: Data) -> Judgement:
    return replace(standing(reading, history(reading, data)), change=_compared(reading, data))


def standing(reading: Reading, past: Trend) -> Judgement:
    """The judgement by the past and the plan alone; ``past`` ends with the period that is read."""
    goal, bare = reading.goal, Judgement("no_evidence", past)
    if (why := unfit(reading.now, goal)) is not None:
        return replace(bare, why=why)
    begun, over = reading.elapsed > 0, reading.now.period.end > goal.deadline
    if goal.kind == "establish_baseline":
        return replace(bare, evidence="met" if begun else "not_started")
    if goal.controls:
        since = tuple(e for e in past.estimates if e.period.start >= goal.start and not e.suppressed)
        if begun and not since:
            return replace(bare, why=NO_WHOLE)
        return _guarded(replace(bare, evidence=kept(since, goal.bounds, over=over, begun=begun)), reading)
    if reading.target is None:
        return replace(bare, why=reading.why)
    ahead = _fan(reading, past)
    states = [
        (raw, chance)
        for back in range(LOOKED_BACK, 0, -1)
        if (found := _earlier(reading, past, back)) is not None
        for raw, chance in [found]
    ]
    expected = reading.planned(reading.now.period) if reading.expected is None else reading.expected
    states.append((evidence(_case(reading, reading.now, ahead.chance, expected, over=over)), ahead.chance))
    return _guarded(replace(bare, evidence=_in_turn(states), forecast=ahead), reading)


@remembered()
def judgements(readings: Iterable[Reading], data: Data, *, q: float = FALSE_SHARE) -> tuple[Judgement, ...]:
    """Judge all goals of a report, in their order, their changes together (:mod:`crmtools.goals.multiplicity`)."""
    found = [_alone(reading, data) for reading in readings]
    told = iter(judged([one.change for one in found if one.change is not None], q=q))
    return tuple(one if one.change is None else _among(one, next(told)) for one in found)


def _among(one: Judgement, found: Judged) -> Judgement:
    return replace(one, verdict=found.verdict, p_adjusted=found.p_adjusted, verdict_why=found.why)


def history(reading: Reading, data: Data) -> Trend:
    """The goal's indicator up to the period that is read, as far back as a forecast may rest on."""
    goal, step = reading.goal, _step(data)
    spans = reading.now.period.up_to(LONG[step], step)
    if not set(goal.where) <= set(attributes(goal.indicator, data)):
        return Trend(goal.indicator, ())
    found = list(published(goal.indicator, data, spans, where=goal.where))
    while found and found[0].value is None and not found[0].suppressed:
        found.pop(0)
    return Trend(goal.indicator, tuple(found), tables_read(goal.indicator, data, {}))


def _step(data: Data) -> Step:
    """The step whose periods mean the same as the one that is reported."""
    return "month" if data.period.kind == "days" else data.period.kind


def _horizon(goal: Goal, last: Period) -> int:
    """Periods from the last one to the one in which the deadline lies."""
    if last.kind == "days":
        return 0
    count = 0
    while last.last_day < goal.deadline and count <= FARTHEST:
        last, count = last.shift(MONTHS_IN[last.kind]), count + 1
    return count


def _fan(reading: Reading, past: Trend) -> Forecast:
    """The forecast from now."""
    target, better = reading.target or 0.0, reading.better
    blank = Forecast(target, better, 0, len(past.estimates))
    if reading.now.period.end > reading.goal.deadline:
        return replace(blank, why=NOT_AHEAD)
    return _ahead(reading.goal, past.estimates, target, better, fan=True) or blank


def _ahead(goal: Goal, known: Sequence[Estimate], target: float, better: Better, *, fan: bool) -> Forecast | None:
    # the forecasting models know months and quarters
    if not known or known[-1].period.kind not in SEASONS:
        return None
    horizon, series = _horizon(goal, known[-1].period), Series.of(tuple(known))
    if not series.legal(target):
        return None
    if horizon > FARTHEST:
        return Forecast(target, better, horizon, series.known, why=TOO_LATE)
    return forecast(series, horizon=horizon, target=target, better=better, fan=fan)


def _earlier(reading: Reading, past: Trend, back: int) -> tuple[Evidence, float | None] | None:
    """The status and the chance so many periods ago, from what was known then; None where the goal had not begun."""
    known = past.estimates[: len(past.estimates) - back]
    if not known or known[-1].period.end <= reading.goal.start or known[-1].value is None:
        return None
    now = known[-1]
    found = _ahead(reading.goal, known, reading.target or 0.0, reading.better, fan=False)
    chance = found.chance if found is not None else None
    over = now.period.end > reading.goal.deadline
    return evidence(_case(reading, now, chance, reading.planned(now.period), over=over)), chance


def _case(reading: Reading, now: Estimate, chance: float | None, expected: float | None, *, over: bool) -> Case:
    sign = 1.0 if reading.better == "higher" else -1.0
    spread = None if reading.progress_se is None else 2 * z_of(now.level) * reading.progress_se
    begun = 1.0 if now.period.end > reading.goal.start else 0.0
    error = reading.planned_error(now.period)
    return Case(now, reading.target or 0.0, expected, sign, chance, over, begun, error, spread)


def _in_turn(states: Sequence[tuple[Evidence, float | None]]) -> Evidence:
    """The status after all of them, each held against the one before."""
    status, then = states[0]
    raw = status
    for now, chance in states[1:]:
        status, raw, then = settled(status, now, (then, chance), raw == now), now, chance
    return status


def _compared(reading: Reading, data: Data) -> Change | None:
    """The change since the baseline; None where there is none, or the reading must not be judged."""
    if unfit(reading.now, reading.goal) is not None or not isinstance(reading.goal.baseline, Period | float):
        return None
    goal, item = reading.goal, reading.goal.indicator
    together = 0.0
    if isinstance(goal.baseline, Period):
        together = panel(item, data, goal.baseline, reading.now.period, goal.where).correlation
    return change(
        reading.baseline,
        reading.now,
        item.kind,
        better=reading.improves,
        correlation=together,
        tolerance=goal.tolerance,
    )


def _guarded(found: Judgement, reading: Reading) -> Judgement:
    """A goal with a breached guardrail is undecided at best."""
    breached = tuple(guard for guard in reading.guards if guard.state == "breached")
    if not breached:
        return found
    names = [CATALOGUE[guard.now.indicator].name for guard in breached]
    why = Text(
        BREACHED.zh.format(names="、".join(name.zh for name in names)),
        BREACHED.en.format(names=", ".join(name.en for name in names)),
    )
    capped: Evidence = "undecided" if found.evidence in ("met", "met_within_error", "on_track") else found.evidence
    return replace(found, evidence=capped, breached=breached, why=why)
