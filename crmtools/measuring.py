"""Asking an indicator: its value for a period, over time, by segment, and the query behind it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from crmtools import questions
from crmtools.errors import CRMError
from crmtools.estimate import Estimate
from crmtools.estimating import MEANING, Where, conditions, counting, estimates, not_computable, resolve, tables_read
from crmtools.indicators.catalogue import Indicator, find
from crmtools.period import MONTHS_IN, Period, Step
from crmtools.publishable import hidden_values, published, shown
from crmtools.questions import UNKNOWN, attributes
from crmtools.remembered import remembered
from crmtools.shown import Shown
from crmtools.tables.source import Data, as_opened


@dataclass(frozen=True, slots=True)
class Trend(Shown):
    """An indicator over consecutive periods, earliest first; ``tables`` are those that it was made of."""

    indicator: Indicator
    estimates: tuple[Estimate, ...]
    tables: tuple[str, ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        """Columns period, start, value, low, high, n; one row per period."""
        return _frame(self.estimates, [("period", [e.period.id for e in self.estimates])]).assign(
            start=[pd.Timestamp(e.period.start) for e in self.estimates]
        )

    def plot(self, **options: object) -> object:
        """A line with its interval band; see :func:`crmtools.show.plots.trend`."""
        from crmtools.show.plots import trend as draw

        return draw(self, **options)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.estimates)


@dataclass(frozen=True, slots=True)
class Breakdown(Shown):
    """An indicator by the values of one attribute, largest group first; small groups are hidden. ``tables`` are those that it was
    made of."""

    indicator: Indicator
    by: str
    estimates: tuple[Estimate, ...]
    tables: tuple[str, ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        """One row per group: the attribute, value, low, high, n."""
        return _frame(self.estimates, [(self.by, [dict(e.group).get(self.by, UNKNOWN) for e in self.estimates])])

    def __len__(self) -> int:
        return len(self.estimates)


def _frame(estimates: Sequence[Estimate], first: list[tuple[str, list[str]]]) -> pd.DataFrame:
    columns: dict[str, object] = dict(first)
    for name in ("value", "low", "high"):
        columns[name] = pd.array([getattr(e, name) for e in estimates], dtype="Float64")
    columns["n"] = [e.n for e in estimates]
    return pd.DataFrame(columns)


def measure(
    indicator: str | Indicator,
    data: Data,
    *,
    period: Period | str | None = None,
    where: Where | None = None,
    **assumptions: object,
) -> Estimate:
    """The value of an indicator for one period, with its interval.

    Parameters
    ----------
    indicator
        An id from the catalogue.
    data
        What :func:`crmtools.open` returned.
    period
        By default the period that is reported: ``"2025-Q4"``, ``"2025-12"``, ``"2025"`` or a :class:`Period`.
    where
        Only these customers: ``{"region": "south"}`` or ``{"region": ["south", "east"]}``.
    assumptions
        The indicator's assumptions, where they shall differ from the parameters file and the declaration.

    Returns
    -------
    Estimate
        Where nothing can be computed its value is None and ``why`` says what is missing.
    """
    conditions(where)
    one = Period.parse(period) if period is not None else as_opened(data).period
    return published(indicator, data, (one,), where=where, assumptions=assumptions)[0]


def trend(
    indicator: str | Indicator,
    data: Data,
    *,
    by: Step | None = None,
    periods: int | None = None,
    where: Where | None = None,
    **assumptions: object,
) -> Trend:
    """The indicator over the last months, quarters or years up to the period that is reported; one query for all."""
    conditions(where)
    report = as_opened(data).settings.report
    if by is not None and by not in MONTHS_IN:
        raise CRMError(f"'{by}' is no step of a trend. Allowed: {', '.join(MONTHS_IN)}.")
    if periods is not None and periods < 1:
        raise CRMError(f"A trend needs at least one period, found {periods}.")
    spans = data.period.up_to(periods or report.trend_length, by or report.step)
    # a month with a handful of answers tells about people, and nothing about the indicator
    item = find(indicator)
    found = shown(item, data, spans, where=where, assumptions=assumptions)
    return Trend(item, found, tables_read(item, data, assumptions))


def breakdown(
    indicator: str | Indicator,
    data: Data,
    *,
    by: str,
    period: Period | str | None = None,
    where: Where | None = None,
    **assumptions: object,
) -> Breakdown:
    """The indicator by the values of an attribute of the customers, or of one that its facts carry themselves.

    Groups smaller than ``publish.smallest_group`` are hidden; if that hides a single group, the next smallest is hidden
    too, because the one could be worked out from the total.
    """
    item = find(indicator)
    conditions(where)
    one = Period.parse(period) if period is not None else as_opened(data).period
    found = estimates(item, data, (one,), by=by, where=where, assumptions=assumptions)
    (hidden,) = hidden_values(item, data, (one,), by=by, where=where, assumptions=assumptions)
    told = tuple(e.hidden() if dict(e.group).get(by, UNKNOWN) in hidden else e for e in found)
    return Breakdown(item, by, told, tables_read(item, data, assumptions))


@remembered(*MEANING)
def sql(indicator: str | Indicator, data: Data, *, period: Period | str | None = None, **assumptions: object) -> str:
    """The query that the engine is asked for one period, readable."""
    item = find(indicator)
    if why := not_computable(item, data):
        raise CRMError(f"'{item.id}' is not computable: {why.en}.")
    one = Period.parse(period) if period is not None else data.period
    facts = counting(questions.facts(item, data, (one,), resolve(item, data, assumptions)))
    query = item.kind.query(facts, ("period",), unique=item.unique)
    # what ibis.to_sql says, which would first make a copy of the expression without the backend
    return str(data.backend.compile(query, pretty=True))


def splits(indicator: str | Indicator, data: Data) -> tuple[str, ...]:
    """The attributes that the report cuts an indicator by: its declared segments, and what the facts carry themselves."""
    item = find(indicator)
    possible = attributes(item, data)
    chosen = [name for name in data.segments if name in possible]
    return (*chosen, *(name for name in item.splits if name in possible and name not in chosen))
