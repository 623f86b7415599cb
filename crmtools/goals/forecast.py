"""Will a goal be reached: the reading expected at the deadline, and the chance that it is at or beyond the target.

The reading is the indicator measured over the last period before the deadline. The chance includes the sampling error of the
reading itself, since it is the reading that will be held against the target. From a past that ends before a goal starts, it is
the chance of getting there without doing anything new.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crmtools.errors import CRMError
from crmtools.goals.level import FEWEST, LONG, Mixture, project, spread
from crmtools.goals.links import Floats, Scaled, scaled
from crmtools.goals.outlook import (
    NO_MOVEMENT,
    SHARES,
    TOO_FAR,
    TOO_SHORT,
    Better,
    Forecast,
    attains,
    said,
)
from crmtools.goals.series import Series
from crmtools.words import Text

FURTHEST = 60
"""Periods ahead that may be asked for."""


def forecast(
    series: Series,
    *,
    horizon: int,
    target: float,
    better: Better,
    fan: bool = True,
) -> Forecast:
    """The reading after ``horizon`` periods and the chance that it attains the target.

    Parameters
    ----------
    series
        The past; its last period is the one that the horizon counts from.
    horizon
        Periods from the last one to the one that ends at the deadline; 0 if that is the last one. From 24 points on a local level
        with damped trend is projected, from 8 on one with half of the drift, below 8 nothing (:mod:`crmtools.goals.level`).
    target
        In the indicator's unit.
    better
        Which side of the target attains it; the target itself does.
    fan
        Whether the path is worked out, which takes longer than the chance.

    Raises
    ------
    CRMError
        Where the horizon or the target make no sense.
    """
    if isinstance(horizon, bool) or not isinstance(horizon, int) or not 0 <= horizon <= FURTHEST:
        raise CRMError(f"A horizon is a whole number of periods from 0 to {FURTHEST}, found {horizon!r}.")
    if better not in ("higher", "lower"):
        raise CRMError(f"'{better}' is no direction of a forecast. Allowed: higher, lower.")
    if not math.isfinite(target) or not series.legal(target):
        raise CRMError(f"{target:g} is no target: the indicator lies between {series.low} and {series.high}.")
    blank = Forecast(target, better, horizon, series.known)
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


def _known(blank: Forecast, reading: float) -> Forecast:
    chance = float(attains(reading, blank.target, blank.better))
    return _made(blank, "known", chance, np.full((1, len(SHARES)), reading))


def _made(blank: Forecast, method: str, chance: float, rows: Floats) -> Forecast:
    path = tuple(tuple(float(value) for value in row) for row in rows)
    # the sum of a mixture's weights may pass 1 by a last digit
    return replace(blank, method=method, chance=min(max(chance, 0.0), 1.0), path=path)
