"""Gamma-Gamma: what customers spend on a purchase day, shrunk towards the population.

Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value". Spend of one occasion is Gamma(p, nu) with
nu ~ Gamma(q, v) across customers; ``v`` is in money, the other two have no unit. Spend is taken to be
independent of how often a customer buys; ``correlation`` says how far that is from true.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import gammaln, polygamma, psi

from crmtools.errors import DataError
from crmtools.lifetime.beta_geo_likelihood import dot
from crmtools.lifetime.fitted import (
    NOT_IDENTIFIED,
    fit_notes,
    identified,
    parameter_table,
    quantiles_over_draws,
)
from crmtools.lifetime.newton import draw_parameters, maximise
from crmtools.lifetime.summary import Summary
from crmtools.words import Text

NAMES = ("p", "q", "v")
# A ridge p -> infinity, v -> 0 exists: beyond these bounds the three are not identified.
_LOW, _HIGH = 1e-4, 1e4
# pymc-marketing's rule of thumb for "independent enough"
_CORRELATED = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class GammaGamma:
    """A fitted Gamma-Gamma model of mean spend per repeat occasion.

    p, q, v; covariance (3 x 3, that order); log_likelihood of the customers' means; n repeat buyers used;
    left_out customers without a positive mean spend; correlation, Pearson's of frequency and mean spend among
    those used.
    """

    p: float
    q: float
    v: float
    covariance: np.ndarray
    log_likelihood: float
    n: int
    left_out: int
    correlation: float
    converged: bool
    message: str
    at_bound: tuple[str, ...] = ()

    NAMES: ClassVar[tuple[str, ...]] = NAMES

    @classmethod
    def fit(cls, summary: Summary) -> "GammaGamma":
        """Maximum likelihood on customers with a repeat purchase and a positive mean spend.

        Raises DataError when fewer than two customers are left.
        """
        frame = _with_money(summary)
        used = frame[(frame["frequency"] > 0) & (frame["monetary_value"] > 0)]
        x, m = used["frequency"].to_numpy(float), used["monetary_value"].to_numpy(float)
        return cls.fit_means(x, m, np.ones(len(used)), left_out=len(frame) - len(used))

    @classmethod
    def fit_means(cls, x: np.ndarray, m: np.ndarray, weight: np.ndarray, *, left_out: int = 0) -> "GammaGamma":
        """As ``fit``, from mean spends ``m`` over ``x`` occasions, both above zero, that ``weight`` customers share."""
        n = round(float(weight.sum()))
        if n < 2:
            raise DataError(f"Gamma-Gamma needs customers with repeat purchases and positive spend; found {n}.")
        scale = float(weight @ m / n)
        low, high = np.full(3, _LOW), np.full(3, _HIGH)
        end = maximise(likelihood_of(x, m / scale, weight), np.array([4.0, 3.0, 0.6]), low=low, high=high)
        p, q, v = (float(value) for value in end.parameters * (1, 1, scale))
        varied = len(np.unique(x)) > 1 and len(np.unique(m)) > 1
        return cls(
            p,
            q,
            v,
            covariance=end.covariance * np.outer((1, 1, scale), (1, 1, scale)),
            log_likelihood=float(end.log_likelihood - n * np.log(scale)),
            n=n,
            left_out=left_out,
            correlation=_correlation(x, m, weight) if varied else float("nan"),
            converged=end.converged,
            message=end.message,
            at_bound=tuple(name for name, stuck in zip(NAMES, end.at_bound, strict=True) if stuck),
        )

    @property
    def parameters(self) -> np.ndarray:
        """p, q, v."""
        return np.array([self.p, self.q, self.v])

    @property
    def population_mean(self) -> float:
        """Mean spend per occasion over all customers, p v / (q - 1); NaN when q <= 1: it is infinite."""
        return float(spend(self.parameters, np.zeros(1), np.zeros(1))[0])

    def summary(self, *, level: float = 0.95) -> pd.DataFrame:
        """One row per parameter: estimate, se, low, high (Wald on the log scale)."""
        return parameter_table(NAMES, self.parameters, self.covariance, level)

    @property
    def identified(self) -> bool:
        """Whether the data say enough about every parameter; if not, there are no draws and no intervals."""
        return self.converged and identified(self.parameters, self.covariance)

    def draws(self, count: int, *, seed: int = 0) -> pd.DataFrame:
        """``count`` parameter sets from the approximate sampling distribution (normal on the log scale).

        Raises DataError when the parameters are not ``identified``.
        """
        if not self.identified:
            raise DataError(f"{type(self).__name__}: {NOT_IDENTIFIED.en}")
        drawn = draw_parameters(self.parameters, self.covariance, count=count, seed=seed)
        return pd.DataFrame(drawn, columns=list(NAMES))

    def expected_spend(
        self, summary: Summary, *, level: float | None = None, draws: int = 200, seed: int = 0
    ) -> pd.DataFrame:
        """What is the customer's true mean spend per occasion? (Fader & Hardie 2013, eq. 5)

        Frame indexed by customer: ``value`` (money; the population's mean for one-time buyers; NaN where the
        mean is infinite), and with ``level`` also ``low`` and ``high`` (uncertainty of the parameters).
        """
        frame = _with_money(summary)
        x = frame["frequency"].to_numpy(float)
        m = frame["monetary_value"].fillna(0).to_numpy(float)
        columns = {"value": spend(self.parameters, x, m)}
        if level is not None:
            drawn = self.draws(draws, seed=seed).to_numpy() if self.identified else None
            columns |= quantiles_over_draws(lambda theta, s: spend(theta, x[s], m[s]), drawn, len(x), level)
        return pd.DataFrame(columns, index=frame.index)

    def notes(self) -> tuple[Text, ...]:
        """What a reader has to know before believing the numbers, in both languages."""
        notes = fit_notes(self.converged, self.at_bound, self.identified)
        if self.q <= 1:
            notes.append(
                Text(
                    f"q = {self.q:.2f} ≤ 1：总体平均消费为无穷大，不能用于一次性客户。",
                    f"q = {self.q:.2f} is not above 1: the population's mean spend is infinite and cannot be "
                    "used for customers who bought once.",
                )
            )
        if abs(self.correlation) > _CORRELATED:
            notes.append(
                Text(
                    f"购买频次与客单价相关（r = {self.correlation:.2f}），违反模型的独立性假设。",
                    f"Frequency and spend are correlated (r = {self.correlation:.2f}); the model takes "
                    "them to be independent.",
                )
            )
        return tuple(notes)


def spend(parameters: np.ndarray, x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Posterior mean spend, p (v + x m) / (p x + q - 1); NaN where p x + q <= 1."""
    p, q, v = parameters
    below = p * x + q - 1
    return np.divide(p * (v + x * m), below, out=np.full(len(x), np.nan), where=below > 0)


def likelihood_of(
    x: np.ndarray, m: np.ndarray, weight: np.ndarray | None = None
) -> Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]:
    """Log-likelihood of mean spend m over x occasions (Fader & Hardie 2013, eq. 1a), gradient, Hessian::

    l = lnG(px+q) - lnG(px) - lnG(q) + q ln v + (px-1) ln m + px ln x - (px+q) ln(v + x m)
    """
    xs, code = np.unique(x, return_inverse=True)
    w = np.ones(len(x)) if weight is None else weight
    n_x = np.bincount(code, weights=w)
    n, total, log_m, wx = w.sum(), x * m, np.log(m), w * x
    x_log = dot(wx, log_m + np.log(x))

    def likelihood(parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        p, q, v = parameters
        shape, log_sum, inverse = w * (p * x + q), np.log(v + total), 1 / (v + total)
        value = n_x @ (gammaln(p * xs + q) - gammaln(p * xs)) - n * gammaln(q) + n * q * np.log(v)
        value += p * x_log - dot(w, log_m) - dot(shape, log_sum)
        gradient = np.array(
            [
                (n_x * xs) @ (psi(p * xs + q) - psi(p * xs)) + x_log - dot(wx, log_sum),
                n_x @ psi(p * xs + q) - n * psi(q) + n * np.log(v) - dot(w, log_sum),
                n * q / v - dot(shape, inverse),
            ]
        )
        trigamma = n_x * polygamma(1, p * xs + q)
        pp = trigamma @ xs**2 - (n_x * xs**2) @ polygamma(1, p * xs)
        pq, pv = trigamma @ xs, -dot(wx, inverse)
        qq, qv = trigamma.sum() - n * polygamma(1, q), n / v - dot(w, inverse)
        vv = -n * q / v**2 + dot(shape, inverse**2)
        return float(value), gradient, np.array([[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]])

    return likelihood


def _correlation(x: np.ndarray, m: np.ndarray, weight: np.ndarray) -> float:
    """Pearson's, every pair counted ``weight`` times."""
    covariance = np.cov(x, m, aweights=weight)
    return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


def _with_money(summary: Summary) -> pd.DataFrame:
    if "monetary_value" not in summary.frame.columns:
        raise DataError("The summary has no monetary_value: build it with customer_summary from orders with amounts.")
    return summary.frame
