"""The reading of a whole span of periods, part of it past, the rest to come: predictive distributions in closed form.

They take the process for steady: what was seen in all periods goes on, with the variation between periods that was seen.
For a process that wanders they claim too much: with steps as large as the sampling error of a month, what is stated with 95 %
happens with 64 % (tests/goals/test_slow_calibration.py). The level model is for those; it has no spans yet.
Sources: beta-binomial and gamma-Poisson predictive distributions (Gelman et al. 2013, ch. 2), with Jeffreys' priors; the
normal predictive distribution with unknown variance is Student's t (ibid., ch. 3).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from crmtools.errors import CRMError
from crmtools.goals.links import Floats, Link
from crmtools.goals.outlook import Better

TINY = 1e-9
CV = np.array([0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.28, 0.38, 0.5, 0.7, 1.0, 1.5])
"""Possible standard deviations of the rate between periods, as shares of the rate; 0 is Poisson."""
CV_SCALE, NODES = 0.3, 61


@dataclass(frozen=True, slots=True)
class ShareToCome:
    """A share over past and coming cases: x of n are in, m are to come; y ~ BetaBin(m, a, b).

    ``dispersion`` φ says how much more the share varies between periods than chance does: of φ cases that go together one
    is counted, among those seen and those to come. ``cases`` of ``trials`` are the evidence, Jeffreys' half is added.
    """

    cases: float
    trials: float
    known_cases: float
    known_trials: float
    to_come: float
    dispersion: float = 1.0

    @property
    def law(self) -> tuple[int, float, float]:
        """m, a and b of the beta-binomial distribution."""
        if not 0 <= self.cases <= self.trials or not 0 <= self.known_cases <= self.known_trials:
            raise CRMError("A share has no more cases than it has trials, and no fewer than none.")
        scale = self.dispersion
        return round(self.to_come / scale), self.cases / scale + 0.5, (self.trials - self.cases) / scale + 0.5

    def attained(self, target: float, better: Better) -> float:
        """The chance that the share over everything is at or beyond the target."""
        m, a, b = self.law
        need = (target * (self.known_trials + self.to_come) - self.known_cases) / self.dispersion
        if m == 0:
            return float(need <= TINY if better == "higher" else need >= -TINY)
        if better == "higher":
            return float(stats.betabinom.sf(math.ceil(need - TINY) - 1, m, a, b))
        return float(stats.betabinom.cdf(math.floor(need + TINY), m, a, b))

    def quantiles(self, shares: Floats) -> Floats:
        """The share over everything that is not passed with these chances."""
        m, a, b = self.law
        cases = stats.betabinom.ppf(shares, m, a, b) * self.dispersion if m else np.zeros(len(shares))
        return np.asarray((self.known_cases + np.minimum(cases, self.to_come)) / (self.known_trials + self.to_come))


@dataclass(frozen=True, slots=True)
class CountToCome:
    """A count over past and coming periods: ``known`` is in, the rest a mixture of negative binomial counts.

    ``weights``, ``means`` and ``sizes`` (k, infinite for Poisson) have one entry per rate and dispersion that the past
    leaves possible.
    """

    known: float
    weights: Floats
    means: Floats
    sizes: Floats

    def below(self, count: float) -> float:
        """The chance that at most so many are to come."""
        if count < 0:
            return 0.0
        # what scipy.stats.poisson.cdf and nbinom.cdf are made of, without their checks, which take most of the time
        poisson = np.isinf(self.sizes)
        sizes = np.where(poisson, 1.0, self.sizes)
        chances = np.where(
            poisson, special.pdtr(count, self.means), special.betainc(sizes, count + 1, sizes / (sizes + self.means))
        )
        return float(self.weights @ chances)

    def attained(self, target: float, better: Better) -> float:
        """The chance that the count over everything is at or beyond the target."""
        if better == "higher":
            return 1 - self.below(math.ceil(target - self.known - TINY) - 1)
        return self.below(math.floor(target - self.known + TINY))

    def quantiles(self, shares: Floats) -> Floats:
        """The smallest counts over everything that are not passed with at least these chances."""
        found = []
        for share in shares:
            low, high = -1, 1
            while self.below(high) < share:
                high *= 2
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if self.below(middle) >= share else (middle, high)
            found.append(self.known + high)
        return np.array(found, float)


def count_to_come(counts: Floats, index: Floats, coming: Floats, known: float) -> CountToCome:
    """The counts of coming periods from those of past ones: y ~ NB(mean μ·s, size k), with μ and k unknown.

    ``index`` and ``coming`` are the seasonal indices s of past and coming periods (1 where there is no season). μ has
    Jeffreys' prior for a Poisson rate; 1/√k, which is the coefficient of variation of the rate between periods, a half-Cauchy
    prior of scale 0.3. The sum of coming counts has mean μ·Σs and size k·(Σs)²/Σs², exact where all s are alike.
    """
    periods, total = index.sum(), float(counts.sum())
    rate = (total + 0.5) / periods
    extra = max(float(((counts / index - rate) ** 2).mean()) - rate, 0.0) / rate**2
    reach = 5 * math.sqrt(1 / (total + 0.5) + extra / len(counts))
    rates = rate * np.exp(np.linspace(-reach, reach, NODES))
    mu, cv = (grid.ravel() for grid in np.meshgrid(rates, CV, indexing="ij"))
    edges = np.concatenate([CV[:1], (CV[1:] + CV[:-1]) / 2, CV[-1:]])
    prior = np.tile(np.diff(edges) / (1 + (CV / CV_SCALE) ** 2), NODES)
    with np.errstate(divide="ignore"):
        size = 1 / cv**2
    mean = mu[:, None] * index
    k = np.where(np.isinf(size), 1.0, size)[:, None]
    negative = special.gammaln(counts + k) - special.gammaln(k) + k * np.log(k / (k + mean)) - counts * np.log(k + mean)
    fit = (np.where(np.isinf(size)[:, None], -mean, negative) + counts * np.log(mean)).sum(1)
    # the rates are evenly spaced on the log scale, where Jeffreys' 1/√μ becomes √μ
    weights = prior * np.sqrt(mu) * np.exp(fit - fit.max())
    weights = weights / weights.sum()
    keep = weights > 1e-6
    together = coming.sum() ** 2 / (coming**2).sum()
    return CountToCome(
        known, weights[keep] / weights[keep].sum(), mu[keep] * coming.sum(), size[keep] * together
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MeanToCome:
    """A mean over past and coming units: n with mean ``known_mean`` are in, m are to come.

    The mean of those to come is t with ``df`` around ``centre`` with scale ``scale`` = s·√(1/N + 1/m), on the link scale, N
    being the units of the evidence. Where the evidence is the past of the span itself and the link is the identity, the mean
    over everything is t with scale s·√(1/n + 1/m)·m/(n + m).
    """

    link: Link
    centre: float
    scale: float
    df: float
    known_mean: float
    known_units: float
    to_come: float

    def attained(self, target: float, better: Better) -> float:
        """The chance that the mean over everything is at or beyond the target."""
        n, m = self.known_units, self.to_come
        need = float(self.link.to((target * (n + m) - n * self.known_mean) / m))
        if self.scale == 0:
            return float(need <= self.centre + TINY if better == "higher" else need >= self.centre - TINY)
        t = (need - self.centre) / self.scale
        return float(stats.t.sf(t, self.df) if better == "higher" else stats.t.cdf(t, self.df))

    def quantiles(self, shares: Floats) -> Floats:
        """The mean over everything that is not passed with these chances."""
        n, m = self.known_units, self.to_come
        coming = self.link.back(self.centre + self.scale * stats.t.ppf(shares, self.df))
        return np.asarray((n * self.known_mean + m * coming) / (n + m))


@dataclass(frozen=True, slots=True)
class FlowToCome:
    """An amount over past and coming periods: ``known`` is in; the logarithm of the rest is t around ``centre``."""

    known: float
    centre: float
    scale: float
    df: float

    def attained(self, target: float, better: Better) -> float:
        """The chance that the amount over everything is at or beyond the target."""
        rest = target - self.known
        if rest <= 0:
            return float(better == "higher" or (rest == 0 and self.scale == 0 and self.centre == -math.inf))
        t = (math.log(rest) - self.centre) / self.scale
        return float(stats.t.sf(t, self.df) if better == "higher" else stats.t.cdf(t, self.df))

    def quantiles(self, shares: Floats) -> Floats:
        """The amount over everything that is not passed with these chances."""
        return np.asarray(self.known + np.exp(self.centre + self.scale * stats.t.ppf(shares, self.df)))


def flow_to_come(amounts: Floats, index: Floats, coming: Floats, known: float) -> FlowToCome:
    """The sum of coming amounts from past ones (all positive), each log-normal around a steady median times its season.

    The logarithm of the sum has the moments of Fenton and Wilkinson's approximation: with s² the variance of the logarithms
    and w the shares of the coming periods, v = ln(1 + (e^{s²} − 1)·Σw²) around ln(Σ medians) + s²/2 − v/2, plus s²/K for
    the K amounts that the median comes from.
    """
    logs = np.log(amounts / index)
    size = len(logs)
    variance = float(logs.var(ddof=1))
    shares = coming / coming.sum()
    together = math.log1p(math.expm1(variance) * float((shares**2).sum()))
    centre = float(logs.mean()) + math.log(coming.sum()) + variance / 2 - together / 2
    return FlowToCome(known, centre, math.sqrt(together + variance / size), size - 1)


def seasonal_index(amounts: Floats, places: Floats, season: int) -> Floats | None:
    """An index per part of the year, mean 1, from whole years back from the last amount; None without two of them.

    Each amount divided by the mean of its own year; averaged over the years, then drawn half of the way to 1, so that two
    years do not make a season of chance.
    """
    years = int((places[-1] - places[0] + 1) // season)
    if years < 2 or len(amounts) != places[-1] - places[0] + 1:
        return None
    whole = amounts[len(amounts) - years * season :].reshape(years, season)
    if not (whole.sum(axis=1) > 0).all():
        return None
    ratios = (whole / whole.mean(axis=1, keepdims=True)).mean(axis=0)
    half = 1 + (ratios - 1) / 2
    return np.asarray(np.roll(half, int(places[-1] + 1) % season))
