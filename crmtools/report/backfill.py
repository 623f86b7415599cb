"""Earlier days put into the history: what a report would have said, had it been run then.

The data are taken as they were known on the last day of each period; rows that came late are there nevertheless, for a source
does not say when it got them. Each day is a file of its own, marked ``backfilled``: it was never published, so no revision is
counted from it. One that is there for the same data, definitions and code is not computed again.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from crmtools.errors import CRMError, RunError, SettingsError
from crmtools.estimate import Estimate
from crmtools.estimating import computable, resolve
from crmtools.goals.reading import scorecard
from crmtools.goals.values import reading_values
from crmtools.indicators import CATALOGUE, Indicator
from crmtools.measuring import breakdown, measure
from crmtools.period import MONTHS_IN, Period, Step
from crmtools.questions import attributes
from crmtools.report.history import append_history, folder_of
from crmtools.report.marks import Marks, definition_marks, marks_of
from crmtools.report.numbers import finite
from crmtools.report.plan import chosen
from crmtools.sums import gather
from crmtools.tables.source import Data

State = Literal["added", "there", "before_data"]


@dataclass(frozen=True, slots=True)
class Filled:
    """One day of a backfill: what became of it, how many numbers it has, and what could not be computed (``notes``)."""

    period: Period
    as_of: date
    state: State
    file: Path | None = None
    numbers: int = 0
    notes: tuple[str, ...] = ()


def backfill(
    data: Data,
    *,
    start: Period,
    end: Period | None = None,
    step: Step | None = None,
    done: Callable[[Filled], None] = lambda filled: None,
) -> tuple[Filled, ...]:
    """Compute what the report would have said on earlier days, and add it to the history.

    Parameters
    ----------
    data
        The report's data, as :func:`crmtools.tables.source.open_settings` returns them.
    start, end
        The first and the last period. By default the last is the one before the period that is reported.
    step
        The length of the periods; by default that of the period that is reported, a month where it is a range of days.
    done
        Called after each day, earliest first. A backfill that was killed goes on where it ended.

    Raises SettingsError where a period is not over on the day that the data reach.
    """
    report = data.settings.report
    step = step or (report.period.kind if report.period.kind != "days" else "month")
    periods = tuple(_periods(data, start, end, step))
    begin, in_force = data.door.first, {item.id: resolve(item, data, {}) for item in CATALOGUE.values()}
    found = []
    for period in periods:
        one = _fill(data, period, begin, in_force)
        done(one)
        found.append(one)
    return tuple(found)


def _periods(data: Data, start: Period, end: Period | None, step: Step) -> Iterator[Period]:
    reported = data.settings.report.period
    last = Period.containing(end.last_day, step) if end else Period.containing(reported.start, step).previous()
    period = Period.containing(start.start, step)
    if last.last_day > data.as_of:
        raise SettingsError(
            f"The data reach {data.as_of}, and {last.id} is over on {last.last_day} only. Name an earlier --to."
        )
    if last < period:
        raise SettingsError(
            f"There is no {step} from {period.id} to {last.id}. Name an earlier --from, or a later --to."
        )
    while period <= last:
        yield period
        period = period.shift(MONTHS_IN[step])


def _fill(data: Data, period: Period, begin: str, in_force: dict[str, dict[str, object]]) -> Filled:
    day = period.last_day
    if str(day) < begin:
        return Filled(period, day, "before_data")
    settings = data.settings
    report = settings.report.model_copy(update={"as_of": day, "period": period})
    then = replace(data.at(day), settings=settings.model_copy(update={"report": report}))
    marks = marks_of(then)
    run_id = _run_id(period, marks, in_force)
    file = folder_of(settings.root, settings.name) / f"{run_id}.parquet"
    if file.is_file():
        return Filled(period, day, "there", file)
    estimates, readings, notes = _numbers(then)
    try:
        append_history(
            settings.root, settings.name, run_id=run_id, run_at=datetime.now(UTC), estimates=estimates,
            definitions=in_force, readings=readings, marks=marks, backfilled=True,
        )  # fmt: skip
    except RunError:
        if not file.is_file():
            raise
        return Filled(period, day, "there", file)  # another backfill was faster
    return Filled(period, day, "added", file, len(estimates), tuple(notes))


def _run_id(period: Period, marks: Marks, in_force: dict[str, dict[str, object]]) -> str:
    """A name that a backfill of the same day with the same data, definitions and code has too."""
    definitions = "|".join(f"{name} {mark}" for name, mark in sorted(definition_marks(in_force).items()))
    made_of = "|".join([marks.data, marks.reading, marks.code, marks.edition, definitions])
    return f"backfill-{period.last_day:%Y%m%d}-{period.id}-{hashlib.sha256(made_of.encode()).hexdigest()[:10]}"


def _numbers(data: Data) -> tuple[list[Estimate], list[dict[str, object]], list[str]]:
    """The headline of every indicator of the report with its segments, the goals, and what could not be computed."""
    wanted = chosen(data.settings)
    items = [item for item in CATALOGUE.values() if item.id in wanted and computable(item, data)]
    notes: list[str] = []
    try:
        gather(data, {item.id: resolve(item, data, {}) for item in items}, items)
    except CRMError as error:  # without the common answers every indicator asks its own questions
        notes.append(f"sums: {error}")
    estimates: list[Estimate] = []
    for item in items:
        try:
            estimates += [finite(one) for one in _of(item, data)]
        except Exception as error:  # noqa: BLE001 - one indicator must not keep the others from the history
            notes.append(f"{item.id}: {type(error).__name__}: {error}")
    try:
        readings = [reading_values(reading, None) for reading in scorecard(data)]
    except Exception as error:  # noqa: BLE001 - nor the goals
        readings = []
        notes.append(f"goals: {type(error).__name__}: {error}")
    return estimates, readings, notes


def _of(item: Indicator, data: Data) -> Iterator[Estimate]:
    yield measure(item, data)
    for by in data.segments:
        if by in attributes(item, data):
            yield from breakdown(item, data, by=by).estimates
