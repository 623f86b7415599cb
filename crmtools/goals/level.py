"""Where the level of an indicator may go: a Gaussian model of its past with the sampling error taken out.

On the link scale the reading of a period is level + trend + season + what is particular to the period + sampling error:

- level: a random walk with sd τ a period (local level model, Harvey 1989, ch. 2),
- trend: up to 23 points a constant drift, of which half is believed; from 24 points a slope that fades by a tenth a
  period (damped trend, Gardner & McKenzie 1985), random with sd β,
- season: one number per month or quarter of the year with sd σ, where there are two whole years,
- particular to the period: sd ω, for variation beyond sampling that does not last (complete counts have it too),
- sampling error: its variance is known for each period and is no part of the four.

No sd is known. Each combination on a grid is one Gaussian model; the forecast is their mixture, weighted by how well each
explains the past, so that what a dozen points cannot tell about τ widens the forecast. The model is written as the
covariance of the points instead of as Kalman recursions: the same likelihood, and a gap is a point that is not there.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy

from crmtools.goals.links import Floats, Scaled

FEWEST, LONG, MOST = 8, 24, 60
"""Points below which nothing is forecast, from which a damped slope is fitted, and how many of the last ones are used."""
BELIEVED = 0.5
"""The share of an estimated drift that is carried on: the prior of the drift is as wide as the error of its estimate."""
FADES = 0.9
"""What is left of a slope a period later."""
LEVEL, PARTICULAR = np.array([0, 0.1, 0.2, 0.35, 0.6, 1.0, 1.6, 2.6]), np.array([0, 0.4, 0.8, 1.4])
SLOPE, SLOPE_PRIOR = np.array([0, 0.06, 0.18]), np.array([0.5, 0.25, 0.25])
SEASON, SEASON_PRIOR = np.array([0, 1.0]), np.array([0.7, 0.3])
"""The grid, in units of the spread of the series itself (see :func:`spread`), and the weights before data."""
STILL = 0.2
"""Weight before data, beside the 1 of all others together, of a level that does not move. It and the scales of the priors
are set so that stated chances come true over levels from still to three times as restless as sampling is."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """The reading at later periods on the link scale: normal with ``means`` and ``sds`` (models × periods), weighted.

    ``weights`` (models) add up to 1. ``level_sd`` is the mean of the models' τ.
    """

    weights: Floats
    means: Floats
    sds: Floats
    level_sd: float

    def below(self, z: Floats) -> Floats:
        """The chance that the reading lies below places of the scale: ``z`` is periods, or periods × places."""
        places = z[:, None] if z.ndim == 1 else z
        with np.errstate(invalid="ignore"):
            found = scipy.special.ndtr((places[None] - self.means[:, :, None]) / self.sds[:, :, None])
        chance = np.tensordot(self.weights, found, axes=1)
        return np.asarray(chance[:, 0] if z.ndim == 1 else chance)

    def quantiles(self, shares: Floats) -> Floats:
        """Places of the scale (periods × shares) that the reading lies below with these chances, by halving."""
        low = np.repeat((self.means - 9 * self.sds).min(axis=0)[:, None], len(shares), axis=1)
        high = np.repeat((self.means + 9 * self.sds).max(axis=0)[:, None], len(shares), axis=1)
        for _ in range(50):
            middle = (low + high) / 2
            less = self.below(middle) < shares
            low, high = np.where(less, middle, low), np.where(less, high, middle)
        return np.asarray((low + high) / 2)


def spread(past: Scaled) -> float:
    """The size of what moves in a series: the root of its mean sampling variance plus half its mean squared step."""
    steps = np.diff(past.z) ** 2 / np.diff(past.times)
    return math.sqrt(float(past.variances.mean() + (steps.mean() / 2 if len(steps) else 0.0)))


def project(past: Scaled, ahead: Floats, *, season: int) -> Mixture:
    """The reading ``ahead`` periods after the last one (whole numbers, 0 is the last itself), as a mixture.

    ``past`` needs at least two points and some spread. All sums of squares are those of restricted maximum likelihood: the
    height of the level is unknown beforehand (diffuse).
    """
    used = slice(-MOST, None)
    times, z, variances = past.times[used], past.z[used], past.variances[used]
    origin, size = times[0], len(z)
    where = np.concatenate([times, past.length - 1 + ahead]) - origin
    long = size >= LONG
    years = where[size - 1] + 1 >= 2 * season and size >= 1.75 * season
    scale = spread(past)
    grid = _grid(long, years)
    cells, prior = grid[:, :4] * scale, grid[:, 4]
    bases = np.stack([_walk(where), _slope(where) if long else 0 * _walk(where), _seasons(where, season)])
    whole = np.tensordot(cells[:, [0, 2, 3]] ** 2, bases, axes=1)
    own = cells[:, 1, None] ** 2 + variances + 1e-6 * scale**2
    inside, across, after = whole[:, :size, :size].copy(), whole[:, :size, size:], whole[:, size:, size:]
    inside[:, np.arange(size), np.arange(size)] += own
    root = np.linalg.cholesky(inside)
    steady = np.broadcast_to(np.stack([z, np.ones(size), where[:size]], axis=1), (len(cells), size, 3))
    solved = _solved(root, np.concatenate([steady, across], axis=2))
    y, one, t, k = solved[..., 0], solved[..., 1], solved[..., 2], solved[..., 3:]
    ones = (one * one).sum(1)
    y, t = y - (one * y).sum(1)[:, None] / ones[:, None] * one, t - (one * t).sum(1)[:, None] / ones[:, None] * one
    fit = -0.5 * ((y * y).sum(1) + np.log(ones)) - np.log(root[:, np.arange(size), np.arange(size)]).sum(1)
    # what the height adds where the past does not reach: universal kriging
    lacking = 1 - np.einsum("gi,gih->gh", one, k)
    height = (one * solved[..., 0]).sum(1) / ones
    means = height[:, None] + np.einsum("gi,gih->gh", y, k)
    spreads = np.einsum("ghh->gh", after) - (k * k).sum(1) + lacking**2 / ones[:, None]
    if not long:
        precision = (t * t).sum(1)
        drift = (t * y).sum(1) / precision
        at_height = (one * solved[..., 2]).sum(1) / ones
        farther = where[size:] - at_height[:, None] - np.einsum("gi,gih->gh", t, k)
        means = means + BELIEVED * drift[:, None] * farther
        spreads = spreads + BELIEVED * farther**2 / precision[:, None]
        fit = fit + 0.5 * BELIEVED * drift**2 * precision
    weights = prior * np.exp(fit - fit.max())
    weights = weights / weights.sum()
    keep = weights > 1e-5
    weights = weights[keep] / weights[keep].sum()
    reading = np.maximum(spreads, 0) + cells[:, 1, None] ** 2 + past.coming + 1e-12 * scale**2
    return Mixture(weights, means[keep], np.sqrt(reading[keep]), float(weights @ cells[keep, 0]))


def _solved(root: npt.NDArray[np.floating], right: Floats) -> Floats:
    """What gives ``right`` when multiplied by lower triangles, for all models at once: half the time of a general solver."""
    found = right.copy()
    for row in range(root.shape[1]):
        found[:, row] -= (root[:, row, None, :row] @ found[:, :row])[:, 0]
        found[:, row] /= root[:, row, row, None]
    return found


@lru_cache(maxsize=8)
def _grid(long: bool, years: bool) -> Floats:
    """One row per model: τ, ω, β, σ in units of the spread, and the weight before data."""
    slopes, seasons = (SLOPE if long else SLOPE[:1]), (SEASON if years else SEASON[:1])
    slope_prior, season_prior = (SLOPE_PRIOR if long else np.ones(1)), (SEASON_PRIOR if years else np.ones(1))
    parts = np.meshgrid(LEVEL, PARTICULAR, slopes, seasons, indexing="ij")
    priors = np.meshgrid(
        _flat(LEVEL, 1.0) + STILL * (LEVEL == 0), _flat(PARTICULAR, 0.5), slope_prior, season_prior, indexing="ij"
    )
    return np.stack([*(part.ravel() for part in parts), np.prod([p.ravel() for p in priors], axis=0)], axis=1)


def _flat(grid: Floats, scale: float) -> Floats:
    """The weights of a half-Cauchy prior on the points of a grid: density times the space around the point."""
    edges = np.concatenate([grid[:1], (grid[1:] + grid[:-1]) / 2, grid[-1:]])
    weights = np.diff(edges) / (1 + (grid / scale) ** 2)
    return np.asarray(weights / weights.sum())


def _walk(where: Floats) -> Floats:
    """Covariance of a random walk with steps of variance 1, started at 0."""
    return np.minimum.outer(where, where)


def _slope(where: Floats) -> Floats:
    """Covariance of the sum of slopes of variance 1 that fade (stationary first-order autoregression), started at 0."""
    return _summed_slopes(int(where.max()) + 1)[np.ix_(where.astype(int), where.astype(int))]


@lru_cache(maxsize=64)
def _summed_slopes(size: int) -> Floats:
    places = np.arange(size)
    slopes = FADES ** np.abs(np.subtract.outer(places, places))
    slopes[0], slopes[:, 0] = 0.0, 0.0
    return slopes.cumsum(axis=0).cumsum(axis=1)


def _seasons(where: Floats, season: int) -> Floats:
    """1 where two periods are the same part of the year."""
    return np.asarray(np.equal.outer(where % season, where % season), float)
