"""NBD: customers buy at a rate of their own, and never leave. The baseline that every better model must beat.

Ehrenberg (1959), "The Pattern of Consumer Purchases", Applied Statistics 8(1). lambda ~ Gamma(r, alpha).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import gammaln

from crmtools.lifetime.beta_geo_likelihood import Rising
from crmtools.lifetime.model import PurchaseModel, poisson_times
from crmtools.lifetime.newton import Likelihood


@dataclass(frozen=True, eq=False, kw_only=True)
class Nbd(PurchaseModel):
    """A fitted NBD model; see :class:`~crmtools.lifetime.model.PurchaseModel` for what it can be asked."""

    r: float
    alpha: float

    TITLE: ClassVar[str] = "NBD"
    NAMES: ClassVar[tuple[str, ...]] = ("r", "alpha")
    START: ClassVar[tuple[float, ...]] = (0.5, 0.2)
    TIMED: ClassVar[tuple[str, ...]] = ("alpha",)

    @classmethod
    def likelihood(cls, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: np.ndarray) -> Likelihood:
        """l = lnG(r+x) - lnG(r) + r ln alpha - (r+x) ln(alpha+T); the last purchase says nothing."""
        counts, n_x = np.unique(x.astype(np.int64), return_inverse=True)
        n_x = np.bincount(n_x, weights=weight)
        ages, code = np.unique(T, return_inverse=True)
        n_T, nx_T = np.bincount(code, weights=weight), np.bincount(code, weights=weight * x)
        n = float(weight.sum())

        def likelihood(parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
            r, alpha = parameters
            rates, age = Rising.of(r, counts), alpha + ages
            total = r * n_T + nx_T
            value = n_x @ rates.log + n * r * np.log(alpha) - total @ np.log(age)
            by_r = n_x @ rates.first + n * np.log(alpha) - n_T @ np.log(age)
            by_alpha = n * r / alpha - total @ (1 / age)
            both = n / alpha - n_T @ (1 / age)
            twice = -n * r / alpha**2 + total @ (1 / age**2)
            return float(value), np.array([by_r, by_alpha]), np.array([[n_x @ rates.second, both], [both, twice]])

        return likelihood

    @staticmethod
    def alive(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Everybody is."""
        return np.ones(len(x))

    @staticmethod
    def purchases_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float | np.ndarray
    ) -> np.ndarray:
        """The posterior mean rate times the horizon."""
        r, alpha = parameters
        return (r + x) / (alpha + T) * horizon

    @staticmethod
    def chances_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, count: np.ndarray
    ) -> np.ndarray:
        """Negative binomial."""
        shape, rate = parameters[0] + x, parameters[1] + T
        log_chance = gammaln(shape + count) - gammaln(shape) - gammaln(count + 1)
        return np.exp(log_chance - shape * np.log1p(horizon / rate) + count * np.log(horizon / (rate + horizon)))

    @staticmethod
    def future_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """lambda ~ Gamma(r+x, alpha+T)."""
        rate = random.gamma(parameters[0] + x) / (parameters[1] + T)
        _, owner, time = poisson_times(rate, np.full(len(x), horizon), random)
        return owner, time
