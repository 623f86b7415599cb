"""The track record of this company: how often what forecasts stated came true on the past of its own goals' indicators.

All goals' indicators are taken, for the customers that each goal is about and by each of the report's segments. By month where a
goal's indicator has two years of them, since twelve quarters would hold hardly any dates with an outcome; otherwise by the step
of the report. Series of different steps are not mixed: where some have the months, the others are left out.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

from crmtools.estimate import Estimate
from crmtools.estimating import computable, estimates
from crmtools.goals.backtest import SOME_ORIGINS, TOO_LITTLE, Backtest, backtest
from crmtools.goals.goal import Goal, goal_from
from crmtools.goals.outlook import Better, said
from crmtools.goals.series import SEASONS, Series
from crmtools.period import Period, Step
from crmtools.questions import attributes
from crmtools.remembered import remembered
from crmtools.sums import LONG_PAST
from crmtools.tables.source import Data

TWO_YEARS = 24
FIRST: dict[Step, int] = {"month": 12, "quarter": 8}
"""Periods with a value that must be known before the first forecast."""
AHEAD: dict[Step, tuple[int, ...]] = {"month": (1, 3, 6, 12), "quarter": (1, 2, 4)}
EVERY: dict[Step, int] = {"month": 3, "quarter": 1}
"""Every third month is a date of forecasts: neighbouring ones share most of what comes."""
FEWEST_PEOPLE = 30
"""Customers that a segment must have in its middle period: with fewer there is nothing but the luck of the draw."""

Sided = tuple[Series, Better]


@remembered()
def track_record(data: Data) -> Backtest:
    """The track record over all goals; with ``why`` and without scores where there is too little past."""
    goals = _distinct([goal_from(settings) for settings in data.settings.goals])
    step, chosen = pasts(goals, data)
    if not chosen or step is None:
        return Backtest((), 0, why=said(TOO_LITTLE, n=0, least=SOME_ORIGINS))
    lines, sides = [series for series, _ in chosen], [side for _, side in chosen]
    return backtest(lines, better=sides, horizons=AHEAD[step], first=FIRST[step], every=EVERY[step])


def pasts(goals: Sequence[Goal], data: Data) -> tuple[Step | None, list[Sided]]:
    """The step and the series with the side that is better: of every goal, and of the segments of its customers."""
    there = [goal for goal in goals if computable(goal.indicator, data)]
    by_month = [goal for goal in there if _values(goal, data, "month") >= TWO_YEARS]
    report: Step = "month" if data.period.kind == "days" else data.period.kind
    step = "month" if by_month else report
    if step not in SEASONS:
        return None, []
    chosen = [one for goal in (by_month or there) for one in _of_goal(goal, data, step)]
    return step, chosen


def _distinct(goals: Sequence[Goal]) -> list[Goal]:
    """Goals on the same indicator and customers have one past."""
    return list({(goal.indicator.id, repr(sorted(goal.where.items()))): goal for goal in goals}.values())


def _spans(data: Data, step: Step) -> tuple[Period, ...]:
    return data.period.up_to(LONG_PAST[step], step)


def _values(goal: Goal, data: Data, step: Step) -> int:
    found = estimates(goal.indicator, data, _spans(data, step), where=goal.where, resample=False)
    return sum(e.value is not None for e in found)


def _of_goal(goal: Goal, data: Data, step: Step) -> Iterator[Sided]:
    spans = _spans(data, step)
    better: Better = "lower" if goal.sign < 0 else "higher"
    yield Series.of(estimates(goal.indicator, data, spans, where=goal.where, resample=False)), better
    for segment in data.segments:
        if segment in goal.where or segment not in attributes(goal.indicator, data):
            continue
        groups: dict[str, dict[Period, Estimate]] = defaultdict(dict)
        for e in estimates(goal.indicator, data, spans, by=segment, where=goal.where, resample=False):
            groups[dict(e.group)[segment]][e.period] = e
        for group, found in groups.items():
            if group and median(e.n for e in found.values()) >= FEWEST_PEOPLE:
                yield Series.of([found.get(span) or _gap(goal, span, data) for span in spans]), better


def _gap(goal: Goal, span: Period, data: Data) -> Estimate:
    return Estimate(goal.indicator.id, span, data.as_of)
