"""BG/BB: at every opportunity customers buy or not, by a chance of their own, until they leave for good.

Fader, Hardie & Shang (2010), "Customer-Base Analysis in a Discrete-Time Noncontractual Setting", Marketing Science 29(6). At
the beginning of an opportunity a customer leaves with probability theta ~ Beta(gamma, delta); one who is still there buys with
probability p ~ Beta(alpha, beta). Ages are numbers of opportunities: T there were, x of them with a purchase, t_x the last of
those. None of the parameters has a unit.

A customer is silent after t_x because he is still there and did not buy, or because he left after j = t_x, ..., T-1
opportunities. The likelihood (eq. 5) is the sum of these ways; with (c)_j the rising factorial, the way j is::

    (alpha)_x (beta)_(j-x) / (alpha+beta)_j  *  (delta)_j / (gamma+delta)_j  *  gamma / (gamma+delta+j)

and still being there is j = T without the last factor. Logarithms of rising factorials are sums over their factors: no
gamma or beta function overflows or loses digits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import gammaln, hyp2f1

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime.beta_geo_likelihood import Rising
from crmtools.lifetime.grid import unique_rows
from crmtools.lifetime.model import PurchaseModel
from crmtools.lifetime.newton import Likelihood
from crmtools.lifetime.summary import Summary

_BLOCK = 100_000
"""Ways, or chances, computed at a time."""
# sums beta, alpha+beta, gamma, delta and gamma+delta are made of alpha, beta, gamma, delta
_MADE_OF = np.array([[0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 1]], float)


@dataclass(frozen=True, eq=False, kw_only=True)
class BetaGeoBetaBinomial(PurchaseModel):
    """A fitted BG/BB model; see :class:`~crmtools.lifetime.model.PurchaseModel` for what it can be asked.

    It is fitted to, and asked about, summaries of whole opportunities (``opportunities``). A horizon is a whole number of
    coming opportunities; to be alive is to be there at the next one, n+1, as in the paper.
    """

    alpha: float
    beta: float
    gamma: float
    delta: float

    TITLE: ClassVar[str] = "BG/BB"
    NAMES: ClassVar[tuple[str, ...]] = ("alpha", "beta", "gamma", "delta")
    START: ClassVar[tuple[float, ...]] = (1.0, 1.0, 1.0, 3.0)
    WHOLE: ClassVar[bool] = True

    @classmethod
    def likelihood(cls, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: np.ndarray) -> Likelihood:
        """FHS 2010, eq. 5."""
        return likelihood_of(x, t_x, T, weight)

    @staticmethod
    def alive(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """P(alive at opportunity T+1 | history): FHS 2010, eq. A10 with one opportunity more."""
        _, _, gamma, delta = parameters
        (x, t_x, T), position, _ = unique_rows(x, t_x, T)
        stayed = np.concatenate([np.zeros(0), *(ways.chances(parameters)[ways.here] for _, ways in _ways(x, t_x, T))])
        return (stayed * (delta + T) / (gamma + delta + T))[position]

    @staticmethod
    def purchases_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float | np.ndarray
    ) -> np.ndarray:
        """FHS 2010, eq. 13: the mean chance to buy, times the sum over opportunities of still being there.

        The sum itself, not its closed form, which is 0/0 at gamma = 1.
        """
        alpha, beta, gamma, delta = parameters
        ages, position = np.unique(_whole(T), return_inverse=True)
        lengths = np.array([_opportunities(float(each)) for each in np.atleast_1d(horizon)], dtype=int)
        at = ages[:, None] + 1 + np.arange(lengths.max(initial=1))
        log = Rising.of(delta, at).log - Rising.of(gamma + delta, at).log
        stays = np.exp(log - log[:, :1]).cumsum(axis=1)[position, lengths - 1]
        return (alpha + x) / (alpha + beta + T) * stays

    @staticmethod
    def chances_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, count: np.ndarray
    ) -> np.ndarray:
        """FHS 2010, eq. 7 with updated parameters: a beta-binomial for every number of opportunities that the customer may still be there."""
        alpha, beta, gamma, delta = parameters
        length, out = _opportunities(horizon), np.zeros(len(x))
        possible = np.flatnonzero(count <= length)
        (x, T, count), position, _ = unique_rows(*(_whole(column[possible]) for column in (x, T, count)))
        found = np.zeros(len(x))
        step = _BLOCK // length + 1
        for begin in range(0, len(x), step):
            won, age, n = (column[begin : begin + step, None].astype(np.int64) for column in (x, T, count))
            there = np.arange(1, length + 1)
            lost = there - n
            left = np.where(there < length, np.log(gamma) - np.log(gamma + delta + age + there), 0.0)
            log = (
                gammaln(there + 1) - gammaln(n + 1) - gammaln(np.maximum(lost, 0) + 1)
                + _rise(alpha, won, n) + _rise(beta, age - won, np.maximum(lost, 0)) - _rise(alpha + beta, age, there)
                + _rise(delta, age + 1, there - 1) - _rise(gamma + delta, age + 1, there - 1) + left
            )  # fmt: skip
            found[begin : begin + step] = np.where(lost >= 0, np.exp(log), 0.0).sum(axis=1)
        out[possible] = found[position]
        return out

    @staticmethod
    def future_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Given the history, of one who is there at T+1: p ~ Beta(alpha+x, beta+T-x), theta ~ Beta(gamma, delta+T+1).

        A purchase is taken to be in the middle of its opportunity.
        """
        alpha, beta, gamma, delta = parameters
        buys, leaves = random.beta(alpha + x, beta + T - x), random.beta(gamma, delta + T + 1)
        there = np.minimum(random.geometric(np.clip(leaves, 1e-12, 1)), _opportunities(horizon))
        owner = np.repeat(np.arange(len(x)), there)
        opportunity = np.arange(len(owner)) - np.repeat(np.cumsum(there) - there, there)
        bought = random.random(len(owner)) < buys[owner]
        return owner[bought], opportunity[bought] + 0.5

    def in_unit(self, horizon: float | str) -> float:
        """A horizon as a number of opportunities; raises SettingsError when it is not whole."""
        return float(_opportunities(super().in_unit(horizon)))

    def residual_purchases(self, summary: Summary, *, discount: float, level: float | None = None) -> pd.DataFrame:
        """DERT: purchases expected at all opportunities to come, those at the k-th divided by (1 + discount)^k.

        discount: per opportunity, above zero. Asked like ``expected_purchases``. FHS 2010 at
        its end: the sum is a 2F1.
        """
        if not discount > 0:
            raise SettingsError(
                f"discount is {discount!r}; write 1 % per opportunity as 0.01: without it the sum may be infinite."
            )
        return self._answer(summary, lambda theta, ages: self.residual(theta, *ages, discount), level, "log")

    @classmethod
    def residual(
        cls, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, discount: float
    ) -> np.ndarray:
        """``residual_purchases`` of arrays."""
        alpha, beta, gamma, delta = parameters
        factor = 1 / (1 + discount)
        there = factor * hyp2f1(1.0, delta + T + 1, gamma + delta + T + 1, factor)
        return cls.alive(parameters, x, t_x, T) * (alpha + x) / (alpha + beta + T) * there


class Ways(NamedTuple):
    """All ways to be silent after the last purchase: one row per history and number j of opportunities lived through."""

    owner: np.ndarray
    """Whose way it is; those of a history are neighbours."""
    lost: np.ndarray
    """Opportunities lived through without a purchase."""
    lived: np.ndarray
    """j."""
    gone: np.ndarray
    """Whether the customer left, or is still there after the last opportunity."""
    first: np.ndarray
    here: np.ndarray
    """Where the ways of every history begin, and which of them is still being there: the last."""

    def logs(self, parameters: np.ndarray) -> tuple[np.ndarray, list[Rising]]:
        """The logarithm of every way, without (alpha)_x, and the rising factorials that it is made of."""
        alpha, beta, gamma, delta = parameters
        made_of = [
            Rising.of(beta, self.lost),
            Rising.of(alpha + beta, self.lived),
            Rising.of(delta, self.lived),
            Rising.of(gamma + delta, self.lived),
        ]
        won, of, stayed, out_of = (part.log for part in made_of)
        return won - of + stayed - out_of + self.gone * np.log(gamma / (gamma + delta + self.lived)), made_of

    def sums(self, log: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of every history: the logarithm of the sum of its ways, and the share of every way in it."""
        most = np.maximum.reduceat(log, self.first)
        part = np.exp(log - most[self.owner])
        total = np.add.reduceat(part, self.first)
        return most + np.log(total), part / total[self.owner]

    def chances(self, parameters: np.ndarray) -> np.ndarray:
        """Of every way, given the history."""
        return self.sums(self.logs(parameters)[0])[1]


def likelihood_of(x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: np.ndarray) -> Likelihood:
    """The function of (alpha, beta, gamma, delta) that returns value, gradient (4) and Hessian (4 x 4).

    Of a logarithm of a sum: the gradient is the mean over the ways, the Hessian the mean plus the covariance of gradients.
    """
    n_x = np.bincount(_whole(x), weights=weight)
    counts = np.flatnonzero(n_x)
    n_x = n_x[counts]
    blocks = [(weight[own], ways) for own, ways in _ways(x, t_x, T)]

    def likelihood(parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        alpha, _, gamma, delta = parameters
        value, slopes, bends = 0.0, np.zeros(5), np.zeros((5, 5))
        for own, ways in blocks:
            log, (won, of, stayed, out_of) = ways.logs(parameters)
            total, share = ways.sums(log)
            leave = ways.gone / (gamma + delta + ways.lived)
            slope = np.stack(
                [won.first, -of.first, ways.gone / gamma, stayed.first, -out_of.first - leave]
            )  # of the five in _MADE_OF, which bend by themselves only
            bend = np.stack([won.second, -of.second, -ways.gone / gamma**2, stayed.second, -out_of.second + leave**2])
            mean = np.add.reduceat(slope * share, ways.first, axis=1)
            apart, counted = slope - mean[:, ways.owner], share * own[ways.owner]
            value += own @ total
            slopes += mean @ own
            bends += (apart * counted) @ apart.T + np.diag(bend @ counted)
        buys = Rising.of(alpha, counts)
        gradient, hessian = slopes @ _MADE_OF, _MADE_OF.T @ bends @ _MADE_OF
        gradient[0] += n_x @ buys.first
        hessian[0, 0] += n_x @ buys.second
        return float(value + n_x @ buys.log), gradient, hessian

    return likelihood


def _ways(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> Iterator[tuple[slice, Ways]]:
    """All ways of the histories, some histories at a time; raises DataError for what no opportunities can have made."""
    x, t_x, T = (_whole(column) for column in (x, t_x, T))
    if (x > t_x).any():
        raise DataError("An opportunity has one purchase at most, so that frequency cannot be above recency.")
    number = T - t_x + 1
    block = np.cumsum(number) // _BLOCK
    edges = [0, *np.flatnonzero(np.diff(block)) + 1, len(x)]
    for begin, end in pairwise(edges):
        own = slice(begin, end)
        many = number[own]
        first = np.cumsum(many) - many
        owner = np.repeat(np.arange(len(many)), many)
        lived = t_x[own][owner] + np.arange(len(owner)) - first[owner]
        here = first + many - 1
        gone = np.ones(len(owner))
        gone[here] = 0.0
        yield own, Ways(owner, lived - x[own][owner], lived, gone, first, here)


def _rise(c: float, done: np.ndarray, more: np.ndarray) -> np.ndarray:
    """ln (c + done)_more."""
    return Rising.of(c, done + more).log - Rising.of(c, done).log


def _whole(column: np.ndarray) -> np.ndarray:
    whole = np.rint(column)
    if np.abs(column - whole).max(initial=0.0) > 1e-9:
        raise DataError(
            "BG/BB counts opportunities, so that ages are whole numbers: build the summary with `opportunities`."
        )
    return whole.astype(np.int64)


def _opportunities(horizon: float) -> int:
    if horizon < 0.5 or abs(horizon - round(horizon)) > 1e-9:
        raise SettingsError(f"horizon is {horizon:g} opportunities; BG/BB foresees a whole number of them, at least 1.")
    return round(horizon)
