"""The scale on which an indicator may wander without leaving what it can be."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy

from crmtools.goals.outlook import Better
from crmtools.goals.series import Series

Floats = npt.NDArray[np.float64]
AROUND = 2
"""Periods on each side over which the variance of one sampled unit and the level it is taken at are averaged."""
COUNTED = {"share", "rate"}
"""Kinds that count cases, of which there may be few."""
WHOLE = 3
"""Cases up to which it matters that they come whole."""
MANY, LEAST = 20, 0.01
"""Expected cases above which the delta method is right to some per cent, and the least variance with few of them."""
CLEAR = 2.0
"""Standard errors that money must lie above zero for its logarithm to be trusted."""


@dataclass(frozen=True, slots=True)
class Link:
    """``logit`` between ``low`` and ``high``, ``log`` above ``low``, or the values themselves (``identity``)."""

    form: Literal["logit", "log", "identity"]
    low: float = 0.0
    high: float = 1.0

    def to(self, x: npt.ArrayLike) -> Floats:
        """Values on the scale; a bound or what lies beyond it is infinite."""
        x = np.asarray(x, float)
        if self.form == "identity":
            return x
        above = np.maximum(x - self.low, 0.0)
        with np.errstate(divide="ignore"):
            if self.form == "log":
                return np.asarray(np.log(above))
            return np.asarray(np.log(above) - np.log(np.maximum(self.high - x, 0.0)))

    def back(self, z: npt.ArrayLike) -> Floats:
        """The values that stand at places of the scale."""
        z = np.asarray(z, float)
        if self.form == "identity":
            return z
        if self.form == "log":
            return np.asarray(self.low + np.exp(np.minimum(z, 700.0)))
        return np.asarray(self.low + (self.high - self.low) * 0.5 * (1 + np.tanh(z / 2)))

    def slope(self, x: npt.ArrayLike) -> Floats:
        """How fast the scale runs at a value: what a small error is multiplied with (delta method)."""
        x = np.asarray(x, float)
        if self.form == "identity":
            return np.ones_like(x)
        if self.form == "log":
            return np.asarray(1 / (x - self.low))
        return np.asarray((self.high - self.low) / ((x - self.low) * (self.high - x)))


@dataclass(frozen=True, slots=True)
class Scaled:
    """A series on its link scale, gaps left out.

    ``times`` are the positions of the periods, ``z`` the values, ``variances`` those of sampling, ``coming`` the one that
    the reading of a later period is expected to have, ``n`` the sampled units expected for it; ``length`` counts the
    periods, gaps included. ``counted`` says that a value is cases among n.
    """

    link: Link
    times: Floats
    z: Floats
    variances: Floats
    coming: float
    n: float
    length: int
    counted: bool = False

    def place(self, x: npt.ArrayLike) -> Floats:
        """Where values lie on the scale, pulled from the ends as far as a later reading of them would be."""
        x = np.asarray(x, float)
        inside = (x >= self.link.low) & (x <= self.link.high) if self.link.form == "logit" else np.zeros(x.shape, bool)
        return self.link.to(np.where(inside, _pulled(x, self.n, self.link), x))

    def edge(self, target: npt.ArrayLike, better: Better) -> Floats:
        """The place that a reading at or beyond a target lies beyond: ``place``, except near the ends.

        A share of 0.3 cases or more is one of a whole case. So with up to three cases (or all but three) the edge lies half
        a case before the first number of cases that attains the target; with more, the number of customers varies too much
        for that to matter. The end itself is always attained from the other side.
        """
        x = np.asarray(target, float)
        if self.link.form == "identity":
            return x
        places = self.place(x)
        if self.link.form == "log":
            return places
        if self.counted:
            share = (x - self.link.low) / (self.link.high - self.link.low)
            for sign, count in ((1.0, share * self.n), (-1.0, (1 - share) * self.n)):
                from_above = (better == "higher") == (sign > 0)
                whole = np.ceil(count - 1e-9) if from_above else np.floor(count + 1e-9) + 1
                with np.errstate(divide="ignore", invalid="ignore"):
                    edge = sign * (np.log(whole) - np.log(self.n + 1 - whole))
                places = np.where((count <= WHOLE) & (whole <= self.n), edge, places)
        if better == "higher":
            return np.where(x <= self.link.low, -math.inf, places)
        return np.where(x >= self.link.high, math.inf, places)

    def value(self, z: npt.ArrayLike) -> Floats:
        """The values at places of the scale: what :meth:`place` undoes."""
        x = self.link.back(z)
        if self.link.form != "logit":
            return x
        middle = (self.link.low + self.link.high) / 2
        return np.asarray(np.clip(x + (x - middle) / self.n, self.link.low, self.link.high))


def link_of(series: Series) -> Link:
    """Logit where both ends are bounded; log where values are above zero; else none.

    Money has no lower bound (margins may be negative): its logarithm is taken where every value is clear of zero.
    """
    if series.low is not None and series.high is not None:
        return Link("logit", series.low, series.high)
    pairs = [(v, e or 0.0) for v, e in zip(series.values, series.errors) if v is not None]
    if series.low == 0 and any(v > 0 for v, _ in pairs):
        return Link("log")
    spread = [v > CLEAR * e and v > 0 for v, e in pairs]
    positive = series.low is None and series.kind in {"ratio", "unit_cost", "total", "model", "rate"} and all(spread)
    return Link("log") if positive and pairs else Link("identity")


def scaled(series: Series) -> Scaled:
    """The series, which has at least one value, on its link scale, each value with its sampling variance there.

    A sample's own error goes up and down with its value (a month without a single case has error 0), so it would be a
    biased weight. What is used is the variance of one sampled unit, averaged over neighbouring periods, divided by each
    period's n, and taken to the link scale at the averaged level (delta method). Bounded values are pulled half a case from
    the ends: (x·n + ½)/(n + 1) for a share. A value whose error is unknown takes that of its neighbours, or none at all,
    in which case the model finds all of its variation by itself.
    """
    link = link_of(series)
    at = [i for i, value in enumerate(series.values) if value is not None]
    x = np.array([series.values[i] for i in at], float)
    n = np.array([max(series.n[i], 1.0) for i in at])
    errors = np.array([series.errors[i] for i in at], float)
    unit = errors**2 * n
    near = [slice(max(i - AROUND, 0), i + AROUND + 1) for i in range(len(x))]
    sizes = np.array([n[some].sum() for some in near])
    level = np.array([np.average(x[some], weights=n[some]) for some in near])
    pooled = np.array([_mean(unit[some], n[some]) for some in near])
    pooled = np.where(np.isnan(pooled), np.nan_to_num(_mean(unit, n)), pooled)
    ends = link.form == "logit" and bool(np.isin(x, (link.low, link.high)).all())
    sampled = bool((errors > 0).any()) or (ends and not np.isnan(errors).all() and bool((n > 1).all()))
    coming = float(np.median(n[-series.season :]))
    if link.form == "logit":
        x, level = _pulled(x, n, link), _pulled(level, sizes, link)
        least = (level - link.low) * (link.high - level)
    elif link.form == "log":
        event = _event(x, unit)
        x, level = np.where(x > 0, x, event / n / 2), np.where(level > 0, level, event / sizes / 2)
        least = event * level
    else:
        least = pooled
    # a run of months without a case is no run without error
    pooled = np.where(sampled & (pooled == 0), least, pooled)
    per_unit = pooled * link.slope(level) ** 2
    variances, later = per_unit / n, np.array([per_unit[-series.season :].mean() / coming])
    if link.form != "identity" and series.kind in COUNTED:
        variances, later = _of_few(variances), _of_few(later)
    return Scaled(
        link, np.array(at, float), link.to(x), variances, float(later[0]), coming, len(series), series.kind == "share"
    )


def _of_few(variances: Floats) -> Floats:
    """The variance of ln(X + ½) for Poisson counts X whose mean is 1 divided by the delta method's variance.

    Where hardly a case is expected that variance grows without end, while the reading is nearly always the same: none.
    """
    few = variances > 1 / MANY
    mean = 1 / variances[few, None]
    cases = np.arange(4 * MANY)
    chances = np.exp(cases * np.log(mean) - mean - scipy.special.gammaln(cases + 1))
    first, second = ((chances * np.log(cases + 0.5) ** power).sum(1) for power in (1, 2))
    made = variances.copy()
    made[few] = np.maximum(second - first**2, LEAST)
    return made


def _mean(unit: Floats, n: Floats) -> float:
    """The variance of one unit, weighted by n; NaN where no period tells it."""
    told = ~np.isnan(unit)
    return float(np.average(unit[told], weights=n[told])) if told.any() else math.nan


def _pulled(x: Floats, n: Floats | float, link: Link) -> Floats:
    return np.asarray((x * n + (link.low + link.high) / 2) / (n + 1))


def _event(x: Floats, unit: Floats) -> float:
    """What one event adds to the sum over the units: its variance divided by the value (Poisson).

    Where nothing was sampled, a zero stands for half of the smallest value there is.
    """
    shown = (x > 0) & (unit > 0)
    return float(np.median(unit[shown] / x[shown])) if shown.any() else float(x[x > 0].min())
