"""Whether an indicator has changed between two periods by more than chance: the question of a goal, asked without one."""

from crmtools.errors import CRMError
from crmtools.estimating import Where
from crmtools.goals.change import Change, change
from crmtools.goals.panel import correlation
from crmtools.indicators.catalogue import Indicator, find
from crmtools.measuring import measure
from crmtools.period import Period
from crmtools.tables.source import Data, as_opened


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
        The earlier period, ``"2024-Q4"``, as long as the later one. Customers who are in both are taken into account.
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
        Where indicator, attribute, assumption or tolerance is none, or the periods are of different lengths, overlap, or stand
        in the wrong order.
    """
    item = find(indicator)
    spans = Period.parse(since), Period.parse(period) if period is not None else as_opened(data).period
    _check(*spans)
    then, now = (measure(item, data, period=span, where=where, **assumptions) for span in spans)
    together = correlation(item, data, *spans, where, assumptions) if spans[0] != spans[1] else 0.0
    return change(then, now, item.kind, better=item.better, correlation=together, tolerance=tolerance)


def _check(then: Period, now: Period) -> None:
    if then.kind != now.kind or (then.kind == "days" and then.days != now.days):
        raise CRMError(
            f"{then.id} and {now.id} are not equally long: what adds up over time would seem to change. Compare months with "
            "months, quarters with quarters, years with years, or ranges of as many days."
        )
    if then != now and then.end > now.start:
        order = "Name the earlier one first." if then.start >= now.end else "Compare periods that do not overlap."
        raise CRMError(f"{then.id} does not end before {now.id} begins. {order}")
