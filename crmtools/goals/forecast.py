"""Will a goal be reached: the reading expected at the deadline, and the chance that it is at or beyond the target.

Two readings are asked for in goals. ``last``: the indicator measured over the last period before the deadline. ``span``: the
indicator measured over all periods of the goal at once (customers won this year). The chance includes the sampling error
of the reading itself, since it is the reading that will be held against the target.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from crmtools.errors import CRMError
from crmtools.estimate import Estimate
from crmtools.goals.level import FEWEST, LONG, Mixture, project, spread
from crmtools.goals.links import Floats, Scaled, scaled
from crmtools.goals.outlook import (
    NO_MOVEMENT,
    NO_PAST,
    SHARES,
    TOO_FAR,
    TOO_SHORT,
    Better,
    Forecast,
    ReadingOf,
    attains,
    said,
)
from crmtools.goals.series import Series
from crmtools.goals.steady import Law, known_reading, law_of
from crmtools.measure import Trend
from crmtools.period import MONTHS_IN
from crmtools.words import Text

FURTHEST = 60
"""Periods ahead that may be asked for."""


def forecast(
    series: Series,
    *,
    horizon: int,
    target: float,
    better: Better,
    reading: ReadingOf = "last",
    so_far: int = 0,
    to_come: float | None = None,
    fan: bool = True,
) -> Forecast:
    """The reading after ``horizon`` periods and the chance that it attains the target.

    Parameters
    ----------
    series
        The past; its last period is the one that the horizon counts from.
    horizon
        Periods from the last one to the one that ends at the deadline; 0 if that is the last one.
    target
        In the indicator's unit.
    better
        Which side of the target attains it; the target itself does.
    reading
        ``last``: of the last period alone (:mod:`crmtools.goals.level`). From 24 points on a local level with damped trend,
        from 8 on one with half of the drift, below 8 none. ``span``: of the last ``so_far`` periods and the ``horizon``
        coming ones together (:mod:`crmtools.goals.spans`): beta-binomial for shares, negative binomial for counts, log-t for
        amounts, t for means, ratios and rates.
    so_far
        Of a span: how many of the last periods belong to it.
    to_come
        Of a span: units (trials of a share) of one coming period; by default the median of the last year.
    fan
        Whether the path is worked out, which takes longer than the chance.

    Raises
    ------
    CRMError
        Where the horizon, ``so_far``, ``to_come`` or the target make no sense.
    """
    if isinstance(horizon, bool) or not isinstance(horizon, int) or not 0 <= horizon <= FURTHEST:
        raise CRMError(f"A horizon is a whole number of periods from 0 to {FURTHEST}, found {horizon!r}.")
    if better not in ("higher", "lower"):
        raise CRMError(f"'{better}' is no direction of a forecast. Allowed: higher, lower.")
    if reading not in ("last", "span"):
        raise CRMError(f"'{reading}' is no reading of a goal. Allowed: last, span.")
    if not math.isfinite(target) or not (series.legal(target) or (reading == "span" and series.kind == "total")):
        raise CRMError(f"{target:g} is no target: the indicator lies between {series.low} and {series.high}.")
    if not 0 <= so_far <= len(series) or (to_come is not None and not 0 < to_come < math.inf):
        raise CRMError(f"so_far lies between 0 and the {len(series)} periods there are, and to_come is above 0.")
    blank = Forecast(target, better, horizon, reading, series.known)
    if reading == "last":
        return _last(series, blank, fan)
    return _span(series, blank, so_far, to_come, fan)


def reading_ahead(series: Series, ahead: Sequence[int]) -> tuple[Scaled, Mixture] | Text:
    """The past on its link scale and the readings so many periods ahead, or why nothing can be said.

    The one way from a series to the level model: forecasts and their track record take it.
    """
    if series.known < FEWEST:
        return said(TOO_SHORT, n=series.known, least=FEWEST)
    if max(ahead, default=0) > series.known:
        return said(TOO_FAR, ahead=max(ahead), n=series.known)
    past = scaled(series)
    if not spread(past) > 1e-9 * (1 + float(np.abs(past.z).max())):
        return NO_MOVEMENT
    return past, project(past, np.array(ahead, float), season=series.season)


def chance_of(past: Scaled, ahead: Mixture, target: Floats, better: Better) -> Floats:
    """The chances (periods × targets) that readings are at or beyond targets, given in the indicator's unit."""
    below = ahead.below(past.edge(target, better))
    return 1 - below if better == "higher" else below


def _last(series: Series, blank: Forecast, fan: bool) -> Forecast:
    now = series.values[-1] if len(series) else None
    if blank.horizon == 0 and now is not None:
        return _known(blank, now)
    found = reading_ahead(series, range(1, blank.horizon + 1) if blank.horizon else [0])
    if isinstance(found, Text):
        return replace(blank, why=found)
    past, ahead = found
    chance = float(chance_of(past, ahead, np.full((ahead.means.shape[1], 1), blank.target), blank.better)[-1, 0])
    rows = past.value(ahead.quantiles(np.array(SHARES))) if fan else np.empty((0, 0))
    return _made(blank, "damped" if series.known >= LONG else "drift", chance, rows)


def _span(series: Series, blank: Forecast, so_far: int, to_come: float | None, fan: bool) -> Forecast:
    if so_far + blank.horizon == 0:
        raise CRMError("A span needs at least one period: so_far and horizon are both 0.")
    if not blank.horizon:
        known = known_reading(series, so_far)
        return replace(blank, why=known) if isinstance(known, Text) else _known(blank, known)
    if blank.horizon > series.known:
        return replace(blank, why=said(TOO_FAR, ahead=blank.horizon, n=series.known))
    laws: list[Law] = []
    method = ""
    for ahead in range(1 if fan else blank.horizon, blank.horizon + 1):
        found = law_of(series, so_far, ahead, to_come)
        if isinstance(found, Text):
            return replace(blank, why=found)
        method, law = found
        laws.append(law)
    rows = np.stack([law.quantiles(np.array(SHARES)) for law in laws]) if fan else np.empty((0, 0))
    return _made(blank, method, laws[-1].attained(blank.target, blank.better), rows)


def _known(blank: Forecast, reading: float) -> Forecast:
    chance = float(attains(reading, blank.target, blank.better))
    return _made(blank, "known", chance, np.full((1, len(SHARES)), reading))


def _made(blank: Forecast, method: str, chance: float, rows: Floats) -> Forecast:
    path = tuple(tuple(float(value) for value in row) for row in rows)
    # the sum of a mixture's weights may pass 1 by a last digit
    return replace(blank, method=method, chance=min(max(chance, 0.0), 1.0), path=path)


def attain_by_doing_nothing(
    past: Trend | Sequence[Estimate],
    *,
    start: date,
    deadline: date,
    target: float,
    better: Better,
    reading: ReadingOf = "last",
) -> Forecast:
    """The chance that the target would be attained if things only went on as they did before the goal starts.

    The forecast of the periods that end by ``start``, for the last period that ends by ``deadline`` or, of a span, for those
    from the start to there. What is known from later does not enter. A goal whose chance is high asks for nothing.
    """
    estimates = past.estimates if isinstance(past, Trend) else tuple(past)
    before = [e for e in estimates if e.period.end <= start]
    if deadline < start:
        raise CRMError(f"A goal cannot be due ({deadline}) before it starts ({start}).")
    if not before:
        return Forecast(target, better, 0, reading, 0, why=NO_PAST)
    series = Series.of(Trend(past.indicator, tuple(before)) if isinstance(past, Trend) else before)
    end, months = deadline + timedelta(days=1), MONTHS_IN[series.step]
    ahead = _months(before[-1].period.end, end) // months
    if reading == "span":
        ahead -= -(-_months(before[-1].period.end, start, up=True) // months)
    if ahead < 1:
        raise CRMError(f"No whole {series.step} ends between the goal's start ({start}) and its deadline ({deadline}).")
    return forecast(series, horizon=ahead, target=target, better=better, reading=reading)


def _months(first: date, last: date, *, up: bool = False) -> int:
    """Whole months between the first day of a month and a day; begun ones too with ``up``."""
    return (last.year - first.year) * 12 + last.month - first.month + (up and last.day > 1)
