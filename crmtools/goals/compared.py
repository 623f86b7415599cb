"""Whether an indicator has changed between two periods by more than chance: the question of a goal, asked without one."""

from crmtools.estimating import Where
from crmtools.goals.change import Change, change
from crmtools.goals.panel import correlation
from crmtools.indicators.catalogue import Indicator, find
from crmtools.measure import measure
from crmtools.period import Period
from crmtools.tables.source import Data


def compare(
    indicator: str | Indicator,
    data: Data,
    since: Period | str,
    *,
    period: Period | str | None = None,
    where: Where | None = None,
    tolerance: float | None = None,
    **assumptions: object,
) -> Change:
    """What changed since an earlier period, with its interval, a test and a verdict (:mod:`crmtools.goals.change`).

    Parameters
    ----------
    indicator
        An id from the catalogue.
    data
        What :func:`crmtools.open` returned.
    since
        The earlier period, ``"2024-Q4"``. Customers who are in both periods are taken into account.
    period
        By default the period that is reported.
    where
        Only these customers: ``{"region": "south"}``.
    tolerance
        The smallest change that matters, above 0, in the indicator's unit: 0.02 for two percentage points.
    assumptions
        As in :func:`crmtools.measure`, for both periods.

    Returns
    -------
    Change
        ``difference`` with ``low``, ``high`` and ``p``, ``verdict`` in closed words, ``detectable``. Its ``p`` is that of one
        comparison: who makes many will find some below 5 % by chance alone.

    Raises
    ------
    CRMError
        Where indicator, period, attribute, assumption or tolerance is none.
    """
    item = find(indicator)
    spans = Period.parse(since), Period.parse(period) if period is not None else data.period
    then, now = (measure(item, data, period=span, where=where, **assumptions) for span in spans)
    together = correlation(item, data, *spans, where, assumptions) if spans[0] != spans[1] else 0.0
    return change(then, now, item.kind, better=item.better, correlation=together, tolerance=tolerance)
