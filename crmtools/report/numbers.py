"""The numbers of a report, asked for once in the process that runs it.

The notebooks ask the same questions and find the answers beside the snapshot, or leave them there for the run and for the
notebooks in the other language.
"""

import math
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields

from crmtools.errors import CRMError
from crmtools.estimate import Estimate
from crmtools.estimating import resolve
from crmtools.goals.judgement import Judgement, judgements
from crmtools.goals.moved import moves
from crmtools.goals.reading import Scorecard, scorecard
from crmtools.indicators import CATALOGUE, Indicator
from crmtools.lifetime.study import Study, study
from crmtools.measuring import breakdown, measure, trend
from crmtools.questions import attributes
from crmtools.report.plan import CHAPTERS, Job, Plan
from crmtools.sums import gather, gathers
from crmtools.tables.source import Data

COMPARED = 3
"""The period that is reported, the one before it and a year ago: they stand first among an indicator's estimates."""

SHARED: dict[str, Callable[[Data], Study]] = {"lifetime": study, "lifetime_check": study}
"""What several chapters show, remembered beside the snapshot by who asks first: asked here, or two would at the same time."""


@dataclass(frozen=True, slots=True)
class Own:
    """The numbers of one indicator for all customers: the period that is reported, those before it, the trend."""

    now: Estimate
    previous: Estimate
    year_ago: Estimate
    trend: tuple[Estimate, ...]


@dataclass(slots=True)
class Numbers:
    """Estimates of the planned indicators, the scorecard with its judgements, and what went wrong with single ones.

    Per indicator: the period that is reported first, then those it is compared with, the trend, and the
    segments.
    """

    estimates: list[Estimate] = field(default_factory=list)
    goals: Scorecard = field(default_factory=lambda: Scorecard(()))
    judged: tuple[Judgement, ...] = ()
    notes: list[str] = field(default_factory=list)

    def headline(self, indicator: str) -> Estimate | None:
        """The value of an indicator for the period that is reported."""
        return next((item for item in self.estimates if item.indicator == indicator), None)

    def of(self, indicator: str) -> Own | None:
        """The numbers of an indicator for all customers; None where they could not be read."""
        own = [item for item in self.estimates if item.indicator == indicator and not item.group]
        if len(own) < COMPARED:
            return None
        now, previous, year_ago, *trend = own
        return Own(now, previous, year_ago, tuple(trend))


def compute(plan: Plan, data: Data) -> Numbers:
    """Ask for every number of the report."""
    numbers = Numbers()
    for _ in ready_jobs(plan, data, numbers):
        pass
    read_all(plan, data, numbers)
    return numbers


def ready_jobs(plan: Plan, data: Data, numbers: Numbers) -> Iterator[Job]:
    """The notebooks of a plan in the order in which they are best run, each as soon as what it shares with others is there.

    One language before the other: whatever the notebooks of the first work out, those of the next find. What shares nothing comes
    first, chapters and indicators that have no sums, and keeps the kernels busy while the sums of the others and the readings of the
    goals are made here. A long chapter begins before short ones, and comes last in the other languages: its answers are there then.
    """
    first, *others = plan.settings.report.languages
    alone, sharing = _apart([job for job in plan.jobs if job.language == first])
    yield from (job for job in alone if job.slug not in SHARED)
    yield from (job for job in sharing if job.indicator and not gathers(CATALOGUE[job.indicator]))
    for ask in {SHARED[job.slug] for job in alone if job.slug in SHARED}:
        try:
            ask(data)
        except Exception as error:  # noqa: BLE001 - the chapters say what is wrong
            numbers.notes.append(f"{ask.__name__}: {_said(error)}")
    yield from (job for job in alone if job.slug in SHARED)
    items = _items(plan)
    try:
        # an indicator of a part is shown only where it gives no other part away
        for one in data.parts() or (data,):
            gather(one, {item.id: resolve(item, data, {}) for item in items}, items)
    except Exception as error:  # noqa: BLE001 - without the common answers every page asks its own questions
        numbers.notes.append(f"sums: {_said(error)}")
    yield from (job for job in sharing if job.indicator and gathers(CATALOGUE[job.indicator]))
    try:
        numbers.goals = scorecard(data)
        numbers.judged = judgements(numbers.goals, data)
        moves(numbers.goals.readings, data)  # for the first page and every goal's, or two would ask at the same time
    except Exception as error:  # noqa: BLE001 - the pages about goals say what is wrong
        numbers.notes.append(f"goals: {_said(error)}")
    yield from sorted((job for job in sharing if not job.indicator), key=lambda job: not _long(job))
    for language in others:
        yield from sorted((job for job in plan.jobs if job.language == language), key=_long)


def _long(job: Job) -> bool:
    """Whether a notebook of the first language takes so long that another would ask the same before it is done."""
    return (chapter := CHAPTERS.get(job.notebook.stem)) is not None and chapter.long


def read_all(plan: Plan, data: Data, numbers: Numbers) -> None:
    """The estimates of the planned indicators, after the notebooks: what these asked for is found, the rest is worked out here.

    An indicator that cannot be read is noted and left out: its page says what is wrong.
    """
    for item in _items(plan):
        try:
            numbers.estimates += [finite(estimate) for estimate in _of(item, data)]
        except Exception as error:  # noqa: BLE001 - one indicator must not keep the others from the reader
            numbers.notes.append(f"{item.id}: {_said(error)}")


def _items(plan: Plan) -> list[Indicator]:
    return [CATALOGUE[name] for name in dict.fromkeys(job.indicator for job in plan.jobs if job.indicator)]


def _apart(jobs: list[Job]) -> tuple[list[Job], list[Job]]:
    """The chapters that need neither sums nor goals, and the other notebooks."""
    alone = [job for job in jobs if (chapter := CHAPTERS.get(job.notebook.stem)) and chapter.alone]
    return alone, [job for job in jobs if job not in alone]


def _of(item: Indicator, data: Data) -> Iterator[Estimate]:
    for period in (data.period, data.period.previous(), data.period.year_ago()):
        yield measure(item, data, period=period)
    yield from trend(item, data).estimates
    for by in data.segments:
        if by in attributes(item, data):
            yield from breakdown(item, data, by=by).estimates


def _said(error: Exception) -> str:
    return "".join(traceback.format_exception_only(error)).strip()


def finite(estimate: Estimate) -> Estimate:
    """The estimate itself; raises CRMError when it holds an infinite number or none (NaN), which no file
    may.
    """
    for one in fields(estimate):
        value = getattr(estimate, one.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise CRMError(f"'{estimate.indicator}' has {one.name} = {value}: it must be a number or missing.")
    return estimate
