"""Gamma-Gamma: what customers spend on a purchase day, shrunk towards the population.

Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value". Spend of one occasion is Gamma(p, nu) with
nu ~ Gamma(q, v) across customers; ``v`` is in money, the other two have no unit. Spend is taken to be
independent of how often a customer buys; ``correlation`` says how far that is from true.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import gammaln, polygamma, psi

from crmtools.errors import DataError
from crmtools.lifetime.fitted import Fitted, answer_with_limits
from crmtools.lifetime.grid import coded
from crmtools.lifetime.newton import Likelihood, maximise_rows
from crmtools.lifetime.summary import SpendPatterns, Summary
from crmtools.words import Text

NAMES = ("p", "q", "v")
# A ridge p -> infinity, v -> 0 exists: beyond these bounds the three are not identified.
_LOW, _HIGH = 1e-4, 1e4
BLOCK = 8192
# pymc-marketing's rule of thumb for "independent enough"
_CORRELATED = 0.3


@dataclass(frozen=True, eq=False, kw_only=True)
class GammaGamma(Fitted):
    """A fitted Gamma-Gamma model of mean spend per repeat occasion; log_likelihood of the customers' means.

    n repeat buyers used; left_out customers without a positive mean spend; correlation, Pearson's of frequency and mean
    spend among those used.
    """

    p: float
    q: float
    v: float
    left_out: int
    correlation: float

    TITLE: ClassVar[str] = "Gamma-Gamma"
    NAMES: ClassVar[tuple[str, ...]] = NAMES

    @classmethod
    def fit(cls, summary: Summary | SpendPatterns) -> "GammaGamma":
        """Maximum likelihood on customers with a repeat purchase and a positive mean spend.

        ``spend_patterns`` know no one-time buyers, so that these are not among the ``left_out``. Raises DataError when fewer
        than two customers are left.
        """
        if isinstance(summary, SpendPatterns):
            paid = np.flatnonzero(summary.m > 0)
            left_out = round(float(summary.weight.sum() - summary.weight[paid].sum()))
            return cls.fit_means(summary.x[paid], summary.m[paid], summary.weight[paid], left_out=left_out)
        frame = _with_money(summary)
        x, m = frame["frequency"].to_numpy(float), frame["monetary_value"].to_numpy(float)
        used = np.flatnonzero((x > 0) & (m > 0))
        return cls.fit_means(x[used], m[used], np.ones(len(used)), left_out=len(frame) - len(used))

    @classmethod
    def fit_means(cls, x: np.ndarray, m: np.ndarray, weight: np.ndarray, *, left_out: int = 0) -> "GammaGamma":
        """As ``fit``, from mean spends ``m`` over ``x`` occasions, both above zero, that ``weight`` customers share."""
        n = round(float(weight.sum()))
        if n < 2:
            raise DataError(f"Gamma-Gamma needs customers with repeat purchases and positive spend; found {n}.")
        scale = float(weight @ m / n)
        low, high = np.full(3, _LOW), np.full(3, _HIGH)
        start = np.array([4.0, 3.0, 0.6])
        end = maximise_rows(likelihood_of, (x, m / scale, weight), start, low=low, high=high)
        p, q, v = (float(value) for value in end.parameters * (1, 1, scale))
        varied = np.ptp(x) > 0 and np.ptp(m) > 0
        return cls(
            p=p,
            q=q,
            v=v,
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
    def population_mean(self) -> float:
        """Mean spend per occasion over all customers, p v / (q - 1); NaN when q <= 1: it is infinite."""
        return float(spend(self.parameters, np.zeros(1), np.zeros(1))[0])

    def expected_spend(self, summary: Summary, *, level: float | None = None) -> pd.DataFrame:
        """What is the customer's true mean spend per occasion? (Fader & Hardie 2013, eq. 5)

        Frame indexed by customer: ``value`` (money; the population's mean for one-time buyers; NaN where the mean is
        infinite), and with ``level`` also ``low`` and ``high`` (uncertainty of the parameters, delta method on the log scale).
        """
        frame = _with_money(summary)
        x = frame["frequency"].to_numpy(float)
        m = frame["monetary_value"].fillna(0).to_numpy(float)
        if level is None:
            return pd.DataFrame({"value": spend(self.parameters, x, m)}, index=frame.index)
        columns = answer_with_limits(
            lambda theta: spend(theta, x, m), self.parameters, self.known_covariance, level, "log"
        )
        return pd.DataFrame(columns, index=frame.index)

    def notes(self) -> tuple[Text, ...]:
        """What a reader has to know before believing the numbers, in both languages."""
        notes = list(super().notes())
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
                    f"购买频率与客单价相关（r = {self.correlation:.2f}），违反模型的独立性假设。",
                    f"Frequency and spend are correlated (r = {self.correlation:.2f}); the model takes "
                    "them to be independent.",
                )
            )
        return tuple(notes)


def spend(parameters: np.ndarray, x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Posterior mean spend, p (v + x m) / (p x + q - 1); NaN where p x + q <= 1."""
    p, q, v = parameters
    out = np.empty(len(x))
    for begin in range(0, len(x), BLOCK):
        block = slice(begin, begin + BLOCK)
        below = p * x[block] + (q - 1)
        below[below <= 0] = np.nan
        np.divide(p * (v + x[block] * m[block]), below, out=out[block])
    return out


def likelihood_of(x: np.ndarray, m: np.ndarray, weight: np.ndarray) -> Likelihood:
    """Log-likelihood of mean spend m over x occasions (Fader & Hardie 2013, eq. 1a), gradient, Hessian::

        l = lnG(px+q) - lnG(px) - lnG(q) + q ln v + (px-1) ln m + px ln x - (px+q) ln(v + x m)

    Gammas once per distinct x; one logarithm is left for a row, in blocks that stay in the cache.
    """
    levels, (code,) = coded(x)
    n_x = np.bincount(code, weights=weight)
    seen = np.flatnonzero(n_x)
    counts, n_x = levels[seen], n_x[seen]
    n, total, log_m, wx = weight.sum(), x * m, np.log(m), weight * x
    x_log, log_sum = float(wx @ log_m + (n_x * counts) @ np.log(counts)), float(weight @ log_m)
    blocks = [slice(begin, begin + BLOCK) for begin in range(0, len(x), BLOCK)]

    def likelihood(parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        p, q, v = parameters
        above, below = p * counts + q, p * counts
        n_xx = n_x * counts
        rise = psi(above)
        value = n_x @ (gammaln(above) - gammaln(below)) - n * gammaln(q) + n * q * np.log(v) + p * x_log - log_sum
        by_p, by_q = n_xx @ (rise - psi(below)) + x_log, n_x @ rise - n * psi(q) + n * np.log(v)
        trigamma = n_x * polygamma(1, above)
        pp = trigamma @ counts**2 - (n_xx * counts) @ polygamma(1, below)
        pq, qq = trigamma @ counts, trigamma.sum() - n * polygamma(1, q)
        # sums over rows: of logarithms, of one over v + x m, of its square, each times the weight and times weight and x
        sums = np.zeros((2, 3))
        terms = np.empty((3, BLOCK))
        for block in blocks:
            own = terms[:, : len(total[block])]
            np.add(total[block], v, out=own[2])
            np.log(own[2], out=own[0])
            np.divide(1.0, own[2], out=own[1])
            np.multiply(own[1], own[1], out=own[2])
            sums[0] += own @ weight[block]
            sums[1] += own @ wx[block]
        logs, inverse, square = q * sums[0] + p * sums[1]
        value -= logs
        gradient = np.array([by_p - sums[1, 0], by_q - sums[0, 0], n * q / v - inverse])
        pv, qv, vv = -sums[1, 1], n / v - sums[0, 1], square - n * q / v**2
        return float(value), gradient, np.array([[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]])

    return likelihood


def _correlation(x: np.ndarray, m: np.ndarray, weight: np.ndarray) -> float:
    """Pearson's, every pair counted ``weight`` times."""
    n = weight.sum()
    x, m = x - weight @ x / n, m - weight @ m / n
    of_x = weight * x
    return float(of_x @ m / np.sqrt((of_x @ x) * ((weight * m) @ m)))


def _with_money(summary: Summary) -> pd.DataFrame:
    if "monetary_value" not in summary.frame.columns:
        raise DataError("The summary has no monetary_value: build it with customer_summary from orders with amounts.")
    return summary.frame
