"""The track record of this company: how often what forecasts stated came true on the past of its own goals' indicators.

All goals' indicators are taken, for the customers that each goal is about and by each of the report's segments. By month where a
goal's indicator has two years of them, since twelve quarters would hold hardly any dates with an outcome; otherwise by the step
of the report. Series of different steps are not mixed: where some have the months, the others are left out.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from statistics import median

import pandas as pd
import pyarrow as pa

from crmtools.estimate import Estimate
from crmtools.goals.backtest import SOME_ORIGINS, TOO_LITTLE, Backtest, Bin, Case, backtest
from crmtools.goals.goal import Goal, goal_from
from crmtools.goals.outlook import Better, said
from crmtools.goals.series import SEASONS, Series
from crmtools.measure import attributes, computable, estimates
from crmtools.period import Period, Step
from crmtools.sums import made_by
from crmtools.tables.source import Data
from crmtools.words import Text

TWO_YEARS = 24
LONGEST: dict[Step, int] = {"month": 48, "quarter": 24}
"""How many periods back the record goes."""
FIRST: dict[Step, int] = {"month": 12, "quarter": 8}
"""Periods with a value that must be known before the first forecast."""
AHEAD: dict[Step, tuple[int, ...]] = {"month": (1, 3, 6, 12), "quarter": (1, 2, 4)}
EVERY: dict[Step, int] = {"month": 3, "quarter": 1}
"""Every third month is a date of forecasts: neighbouring ones share most of what comes."""
FEWEST_PEOPLE = 30
"""Customers that a segment must have in its middle period: with fewer there is nothing but the luck of the draw."""

Sided = tuple[Series, Better]


def track_record(data: Data) -> Backtest:
    """The track record over all goals; with ``why`` and without scores where there is too little past."""
    goals = _distinct([goal_from(settings) for settings in data.settings.goals])
    name = _name(goals, data)
    if (kept := _kept(name, data)) is not None:
        return kept
    step, chosen = pasts(goals, data)
    if not chosen or step is None:
        return Backtest((), 0, why=said(TOO_LITTLE, n=0, least=SOME_ORIGINS))
    lines, sides = [series for series, _ in chosen], [side for _, side in chosen]
    found = backtest(lines, better=sides, horizons=AHEAD[step], first=FIRST[step], every=EVERY[step])
    _keep(name, data, found)
    return found


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
    return data.period.up_to(LONGEST[step], step)


def _values(goal: Goal, data: Data, step: Step) -> int:
    return sum(e.value is not None for e in estimates(goal.indicator, data, _spans(data, step), where=goal.where))


def _of_goal(goal: Goal, data: Data, step: Step) -> Iterator[Sided]:
    spans = _spans(data, step)
    better: Better = "lower" if goal.sign < 0 else "higher"
    yield Series.of(estimates(goal.indicator, data, spans, where=goal.where)), better
    for segment in data.segments:
        if segment in goal.where or segment not in attributes(goal.indicator, data):
            continue
        groups: dict[str, dict[Period, Estimate]] = defaultdict(dict)
        for e in estimates(goal.indicator, data, spans, by=segment, where=goal.where):
            groups[dict(e.group)[segment]][e.period] = e
        for group, found in groups.items():
            if group and median(e.n for e in found.values()) >= FEWEST_PEOPLE:
                yield Series.of([found.get(span) or _gap(goal, span, data) for span in spans]), better


def _gap(goal: Goal, span: Period, data: Data) -> Estimate:
    return Estimate(goal.indicator.id, span, data.as_of)


# ---- kept beside the snapshot: it takes as long as all the rest of the page


def _name(goals: Sequence[Goal], data: Data) -> str:
    asked = [(goal.indicator.id, sorted(goal.where.items()), goal.sign) for goal in goals]
    report = data.settings.report
    definitions = {goal.indicator.id: data.settings.definitions.get(goal.indicator.id, {}) for goal in goals}
    more = [report.period.id, data.segments, report.confidence, report.currency, sorted(definitions.items())]
    return f"track record|{asked!r}|{more!r}|{_source()}|{made_by()}"


@cache
def _source() -> str:
    """The source of the forecasts, which ``made_by`` does not hold."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _keep(name: str, data: Data, found: Backtest) -> None:
    """The cases as a table, the scores as text."""
    columns = {field.name: [getattr(case, field.name) for case in found.cases] for field in fields(Case)}
    data.answers.keep_table(f"{name}|cases", pa.table(columns))
    scores = {
        "origins": found.origins, "brier": found.brier, "of_last_value": found.of_last_value, "of_coin": found.of_coin,
        "reliability": [asdict(one) for one in found.reliability], "why": asdict(found.why) if found.why else None,
    }  # fmt: skip
    data.answers.keep_text(name, json.dumps(scores, ensure_ascii=False))


def _kept(name: str, data: Data) -> Backtest | None:
    told, cases = data.answers.text(name), data.answers.table(f"{name}|cases")
    if told is None or cases is None:
        return None
    plain = json.loads(told)
    why, bins = plain.pop("why"), plain.pop("reliability")
    return Backtest(
        _cases(cases), reliability=tuple(Bin(**one) for one in bins), why=Text(**why) if why else None, **plain
    )


def _cases(frame: pd.DataFrame) -> tuple[Case, ...]:
    return tuple(Case(*row) for row in zip(*(frame[field.name].tolist() for field in fields(Case))))
