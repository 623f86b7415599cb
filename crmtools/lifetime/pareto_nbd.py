"""Pareto/NBD: customers buy at a rate of their own until they leave for good, at any time.

Schmittlein, Morrison & Colombo (1987), "Counting Your Customers", Management Science 33(1). While active a customer buys at
rate lambda ~ Gamma(r, alpha); he leaves at rate mu ~ Gamma(s, beta), whether he buys or not. ``alpha`` and ``beta`` are
rates: their unit is the time unit of the data, ``r`` and ``s`` have none. Given the history, of an active customer
lambda ~ Gamma(r+x, alpha+T) and mu ~ Gamma(s, beta+T), independent.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import exprel, gammaln

from crmtools.errors import SettingsError
from crmtools.lifetime.grid import unique_rows
from crmtools.lifetime.model import PurchaseModel, poisson_times
from crmtools.lifetime.newton import Likelihood, Maximum
from crmtools.lifetime.pareto_nbd_likelihood import NAMES, alive, likelihood_of
from crmtools.lifetime.quadrature import integral
from crmtools.lifetime.summary import DAYS_PER, Patterns, Summary

_DAYS_OF_YEAR = 12 * DAYS_PER["months"]
_MANY, _COARSE = 5_000, 50
"""From so many patterns on, ages in so many steps give the start."""
_ROWS = 1024
"""Rows at a time: with their nodes they fit the cache."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ParetoNbd(PurchaseModel):
    """A fitted Pareto/NBD model; see :class:`~crmtools.lifetime.model.PurchaseModel` for what it can be asked."""

    r: float
    alpha: float
    s: float
    beta: float

    TITLE: ClassVar[str] = "Pareto/NBD"
    NAMES: ClassVar[tuple[str, ...]] = NAMES
    START: ClassVar[tuple[float, ...]] = (0.5, 0.2, 0.5, 0.3)
    TIMED: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    alive = staticmethod(alive)
    """Fader & Hardie 2005, eq. 21."""

    @classmethod
    def likelihood(cls, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: np.ndarray) -> Likelihood:
        """Fader & Hardie 2005, eq. 18."""
        return likelihood_of(x, t_x, T, weight)

    @classmethod
    def _maximum(cls, p: Patterns, start: np.ndarray | None = None) -> Maximum:
        """Of many patterns first with coarse ages, which have few integrals, and from there in few steps over all."""
        if start is None and len(p.x) > _MANY:
            step = p.T.max() / _COARSE
            last = np.maximum(np.rint(p.t_x / step), p.x > 0)
            (x, t_x, T), position, _ = unique_rows(p.x, last, np.maximum(np.rint(p.T / step), last))
            weight = np.bincount(position, weights=p.weight)
            coarse = super()._maximum(Patterns(x, t_x * step, T * step, weight, p.unit))
            start = coarse.parameters if coarse.converged and not coarse.at_bound.any() else None
        return super()._maximum(p, start)

    @staticmethod
    def purchases_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float | np.ndarray
    ) -> np.ndarray:
        """Fader & Hardie 2005, eq. 22: mean rate times the mean stay, (beta+T) (1 - q^(s-1)) / (s-1), q = (beta+T) / (beta+T+horizon).

        With x = T = 0 that of a new customer.
        """
        r, alpha, s, beta = parameters
        ages = np.log1p(horizon / (beta + T))
        return (r + x) / (alpha + T) * (beta + T) * ages * exprel((1 - s) * ages)

    @staticmethod
    def chances_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, count: np.ndarray
    ) -> np.ndarray:
        """Fader & Hardie 2006, "Deriving an Expression for P(X(t) = x)": still there at the end, or gone after some u."""
        (x, T, count), position, _ = unique_rows(x, T, count)
        blocks = range(0, len(x), _ROWS)
        parts = [_chances(parameters, horizon, *(part[i : i + _ROWS] for part in (x, T, count))) for i in blocks]
        return np.concatenate(parts)[position] if parts else np.zeros(0)

    @staticmethod
    def future_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Purchases over the stay that is drawn, or the horizon if it is shorter."""
        r, alpha, s, beta = parameters
        rate = random.gamma(r + x) / (alpha + T)
        leaves = np.maximum(random.gamma(s, size=len(x)), 1e-300) / (beta + T)
        stay = np.minimum(random.exponential(size=len(x)) / leaves, horizon)
        _, owner, time = poisson_times(rate, stay, random)
        return owner, time

    # ---- without a horizon

    def residual_purchases(
        self, summary: Summary, *, annual_discount: float, level: float | None = None
    ) -> pd.DataFrame:
        """How many purchase days are still to come, each discounted to the end of observation?

        The discounted expected residual transactions (DERT) of Fader, Hardie & Lee (2005), "RFM and CLV", eq. 2.
        annual_discount: 0.10 for 10 % a year, above zero (without it the sum is infinite where s is at most 1); it acts
        continuously, at ln(1 + annual_discount) a year of 365.25 days. Asked like ``expected_purchases``.
        """
        if not 0 < annual_discount < 1:
            raise SettingsError(
                f"annual_discount is {annual_discount!r}; write 10 % a year as 0.10; it must be above zero."
            )
        rate = np.log1p(annual_discount) * DAYS_PER[self.unit] / _DAYS_OF_YEAR
        return self._answer(
            summary,
            lambda theta, ages: alive(theta, *ages) * discounted_if_alive(theta, ages[0], ages[2], rate),
            level,
            "log",
        )


def discounted_if_alive(parameters: np.ndarray, x: np.ndarray, T: np.ndarray, rate: float) -> np.ndarray:
    """E[purchases yet to come, discounted at ``rate`` | alive at T].

    Mean rate times the mean discounted stay (beta+T) z^(s-1) Psi(s, s, z), z = rate (beta+T), Psi Tricomi's function. Taken as
    the integral of exp(-z (e^w - 1) - (s-1) w) over w > 0, which neither overflows nor loses digits.
    """
    r, alpha, s, beta = parameters
    ages, position = np.unique(T, return_inverse=True)
    z = rate * (beta + ages)

    def log_f(rows: np.ndarray, w: np.ndarray) -> np.ndarray:
        return -z[rows] * np.expm1(w) - (s - 1) * w

    stay = (beta + ages) * integral(log_f, np.full(len(ages), np.inf))
    return (r + x) / (alpha + T) * stay[position]


def _chances(parameters: np.ndarray, horizon: float, x: np.ndarray, T: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Elementwise. The time of leaving is integrated over its logarithm, from the top of the integrand both ways."""
    r, alpha, s, beta = parameters
    a, A, B = r + x, alpha + T, beta + T
    log_choose = gammaln(a + count) - gammaln(a) - gammaln(count + 1)
    log_here = (
        log_choose - a * np.log1p(horizon / A) + count * np.log(horizon / (A + horizon)) - s * np.log1p(horizon / B)
    )
    # where d/dv of the logarithm below vanishes: the positive root of (a+s) u^2 + p u - (count+1) A B
    p, c = (a - 1) * B + (s - count) * A, (count + 1) * A * B
    root = np.sqrt(p**2 + 4 * (a + s) * c)
    top = np.where(p > 0, 2 * c / (root + np.abs(p)), (root + np.abs(p)) / (2 * (a + s)))
    top = np.minimum(top, horizon)

    def log_f(rows: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Purchases until u = top e^v, then gone; u in units of A or B within logarithms keeps their digits."""
        u = top[rows] * np.exp(v)
        return (
            log_choose[rows]
            + (count[rows] + 1) * np.log(u)
            - count[rows] * np.log(A[rows] + u)
            - a[rows] * np.log1p(u / A[rows])
            - (s + 1) * np.log1p(u / B[rows])
            + np.log(s / B[rows])
        )

    left = integral(lambda rows, v: log_f(rows, -v), np.full(len(x), np.inf))
    right = integral(log_f, np.log(horizon / top))
    return np.exp(log_here) + left + right
