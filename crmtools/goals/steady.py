"""From a series to the distribution of its reading over a span, the process taken for steady.

Where past periods differ by more than sampling explains, the surplus is counted as error: Pearson's dispersion for shares
and means, the negative binomial's k for counts.
"""

import math
from typing import Protocol

import numpy as np

from crmtools.goals import spans
from crmtools.goals.level import FEWEST
from crmtools.goals.links import Floats, link_of
from crmtools.goals.outlook import GAP, NO_ERROR, NO_MOVEMENT, NO_SUM, TOO_FEW_UNITS, TOO_SHORT, Better, said
from crmtools.goals.series import Series
from crmtools.words import Text

UNITS = 30
"""Sampled units that a share or a mean over a span must rest on."""
SHARE_KINDS, MEAN_KINDS = {"share", "census"}, {"mean", "net_share", "ratio", "rate"}


class Law(Protocol):
    """What the reading of a span may be."""

    def attained(self, target: float, better: Better) -> float:
        """The chance that it is at or beyond the target."""

    def quantiles(self, shares: Floats) -> Floats:
        """The values that are not passed with these chances."""


def known_reading(series: Series, so_far: int) -> float | Text:
    """The reading over the last ``so_far`` periods: their sum, or their mean weighted by what lies below the line."""
    mine = series.last(so_far)
    values = [value for value in mine.values if value is not None]
    if series.kind not in SHARE_KINDS | MEAN_KINDS | {"total"}:
        return NO_SUM
    if len(values) < so_far:
        return GAP
    if series.kind == "total":
        return math.fsum(values)
    weights = _weights(mine)
    return float(np.average(values, weights=weights)) if weights.sum() > 0 else GAP


def law_of(series: Series, so_far: int, ahead: int, to_come: float | None) -> tuple[str, Law] | Text:
    """The method and the distribution of the reading over the last ``so_far`` and ``ahead`` (1 or more) coming periods.

    ``to_come`` is what lies below the line of one coming period, by default the median of the last year.
    """
    known = known_reading(series, so_far) if so_far else 0.0
    if isinstance(known, Text):
        return known
    if series.kind in SHARE_KINDS:
        return _share(series, so_far, ahead, to_come)
    if series.kind == "total":
        return _total(series, known, ahead)
    if series.kind in MEAN_KINDS:
        return _mean(series, so_far, known, ahead, to_come)
    return NO_SUM


def _share(series: Series, so_far: int, ahead: int, to_come: float | None) -> tuple[str, Law] | Text:
    trials = _weights(series)
    cases = np.array([(value or 0.0) for value in series.values]) * trials
    shown = trials > 0
    if trials.sum() < UNITS:
        return said(TOO_FEW_UNITS, least=UNITS)
    share, dispersion = float(cases.sum() / trials.sum()), 1.0
    if shown.sum() > 1 and 0 < share < 1:
        # Pearson's statistic per degree of freedom: 1 where the periods differ by chance alone
        squares = (cases[shown] - share * trials[shown]) ** 2 / (share * (1 - share) * trials[shown])
        dispersion = max(float(squares.sum() / (shown.sum() - 1)), 1.0)
    coming = ahead * _usual(trials[shown], series.season, to_come)
    mine = slice(len(series) - so_far, None)
    # a quotient times what is below it is off by its last digits
    seen = min(float(cases.sum()), float(trials.sum()))
    known = float(trials[mine].sum())
    return "beta_binomial", spans.ShareToCome(
        seen, float(trials.sum()), min(float(cases[mine].sum()), known), known, coming, dispersion
    )


def _total(series: Series, known: float, ahead: int) -> tuple[str, Law] | Text:
    at = np.array([place for place, value in enumerate(series.values) if value is not None])
    amounts = np.array([value for value in series.values if value is not None])
    if len(at) < FEWEST:
        return said(TOO_SHORT, n=len(at), least=FEWEST)
    index = spans.seasonal_index(amounts, at, series.season)
    if index is None:
        index = np.ones(series.season)
    past, coming = index[at % series.season], index[(len(series) + np.arange(ahead)) % series.season]
    if (amounts >= 0).all() and (amounts == np.round(amounts)).all():
        return "negative_binomial", spans.count_to_come(amounts, past, coming, known)
    if not (amounts > 0).all():
        return NO_SUM
    if np.ptp(amounts / past) == 0:
        return NO_MOVEMENT
    return "flow", spans.flow_to_come(amounts, past, coming, known)


def _mean(series: Series, so_far: int, known: float, ahead: int, to_come: float | None) -> tuple[str, Law] | Text:
    weights = _weights(series)
    shown = weights > 0
    x = np.array([math.nan if value is None else value for value in series.values])[shown]
    errors = np.array([math.nan if error is None else error for error in series.errors])[shown]
    w, told = weights[shown], ~np.isnan(errors)
    units = sum(n for n, value in zip(series.n, series.values) if value is not None)
    if units < UNITS:
        return said(TOO_FEW_UNITS, least=UNITS)
    if not told.any():
        return NO_ERROR
    variance = float(np.average((errors**2 * w)[told], weights=w[told]))
    centre, df = float(np.average(x, weights=w)), float(units - 1)
    if len(x) > 1:
        # where the periods differ by more than sampling, they are what the error is judged by
        between = float((w * (x - centre) ** 2).sum() / (len(x) - 1))
        if between > variance:
            variance, df = between, float(len(x) - 1)
    link = link_of(series)
    place = float(link.to(centre))
    if not variance > 0 or not math.isfinite(place):
        return NO_MOVEMENT
    coming = ahead * _usual(w, series.season, to_come)
    scale = math.sqrt(variance * (1 / w.sum() + 1 / coming)) * float(link.slope(centre))
    mine = float(weights[len(series) - so_far :].sum())
    return "predictive_t", spans.MeanToCome(link, place, scale, df, known, mine, coming)


def _weights(series: Series) -> Floats:
    """What lies below the line of each period (n where a period does not say), 0 where there is no value."""
    said_all = all(d is not None for d, value in zip(series.denominators, series.values) if value is not None)
    below = series.denominators if said_all else series.n
    return np.array([0.0 if value is None else float(d or 0.0) for d, value in zip(below, series.values)])


def _usual(weights: Floats, season: int, to_come: float | None) -> float:
    return float(np.median(weights[-season:])) if to_come is None else to_come
