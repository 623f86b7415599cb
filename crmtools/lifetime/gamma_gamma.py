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
from crmtools.lifetime.newton import Likelihood, maximise
from crmtools.lifetime.summary import SpendPatterns, Summary
from crmtools.words import Text

NAMES = ("p", "q", "v")
# A ridge p -> infinity, v -> 0 exists: beyond these bounds the three are not identified.
_LOW, _HIGH = 1e-4, 1e4
BLOCK = 8192
# A cell of ``_Cells`` is a thousandth of its numbers wide, and sums over it are a cubic.
_DIGITS, _POWERS = 10, 4
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
        x, m = frame["frequency"].to_numpy(), frame["monetary_value"].to_numpy(float)
        used = np.flatnonzero((x > 0) & (m > 0))
        return cls.fit_means(x[used].astype(float), m[used], np.ones(len(used)), left_out=len(frame) - len(used))

    @classmethod
    def fit_means(cls, x: np.ndarray, m: np.ndarray, weight: np.ndarray, *, left_out: int = 0) -> "GammaGamma":
        """As ``fit``, from mean spends ``m`` over ``x`` occasions, both above zero, that ``weight`` customers share."""
        n = round(float(weight.sum()))
        if n < 2:
            raise DataError(f"Gamma-Gamma needs customers with repeat purchases and positive spend; found {n}.")
        scale = float(weight @ m / n)
        low, high = np.full(3, _LOW), np.full(3, _HIGH)
        start = np.array([4.0, 3.0, 0.6])
        end = maximise(likelihood_of(x, m / scale, weight), start, low=low, high=high)
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

    Gammas once per distinct x, and logarithms once per cell of nearly equal x m: rows are read once, whatever the steps.
    """
    levels, (code,) = coded(x)
    n_x = np.bincount(code, weights=weight)
    seen = np.flatnonzero(n_x)
    counts, n_x = levels[seen], n_x[seen]
    n, cells = weight.sum(), _Cells.of(x * m, weight, weight * x)
    n_xx, x_logs = n_x * counts, n_x @ np.log(counts)
    # ln m is ln(x m) - ln x, and ln(x m) is what the cells sum at v = 0
    (log_sum, x_log), _, _ = cells.sums(0.0)
    log_sum -= x_logs

    def likelihood(parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        p, q, v = parameters
        above, below = p * counts + q, p * counts
        rise = psi(above)
        value = n_x @ (gammaln(above) - gammaln(below)) - n * gammaln(q) + n * q * np.log(v) + p * x_log - log_sum
        by_p, by_q = n_xx @ (rise - psi(below)) + x_log, n_x @ rise - n * psi(q) + n * np.log(v)
        trigamma = n_x * polygamma(1, above)
        pp = trigamma @ counts**2 - (n_xx * counts) @ polygamma(1, below)
        pq, qq = trigamma @ counts, trigamma.sum() - n * polygamma(1, q)
        logs, inverse, square = cells.sums(v)
        value -= q * logs[0] + p * logs[1]
        gradient = np.array([by_p - logs[1], by_q - logs[0], n * q / v - q * inverse[0] - p * inverse[1]])
        pv, qv, vv = -inverse[1], n / v - inverse[0], q * square[0] + p * square[1] - n * q / v**2
        return float(value), gradient, np.array([[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]])

    return likelihood


@dataclass(frozen=True, slots=True)
class _Cells:
    """Positive numbers s in cells of relative width 2**-10, for sums of ln(v + s) and its derivatives at any v.

    With s = c (1 + d), c the middle of its cell, ln(v + s) is ln(v + c) and a series in d c / (v + c), which ends after d**3:
    |d| is at most 2**-11, so that what is left out is below 2e-14 of a logarithm, the rounding error of sums as these.
    middle: one per cell; moments: sums of d**0 to d**3, power x share x cell.
    """

    middle: np.ndarray
    moments: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray, *shares: np.ndarray) -> "_Cells":
        """The cells of numbers above zero, and what rows of these shares (weights) have in them."""
        # an exponent and the first ten digits of a fraction stand in a float's upper bits
        numbers = np.ascontiguousarray(numbers, dtype=float)
        cell = numbers.view(np.int64) >> (52 - _DIGITS)
        lowest = cell.min()
        cell -= lowest
        middle = ((np.arange(cell.max() + 1) + lowest << 1 | 1) << (51 - _DIGITS)).view(float)
        deviation = numbers / middle[cell] - 1
        moments = np.empty((_POWERS, len(shares), len(middle)))
        for place, share in enumerate(shares):
            for power in range(_POWERS):
                moments[power, place] = np.bincount(cell, weights=share, minlength=len(middle))
                share = share * deviation
        used = np.flatnonzero(moments[0, 0])
        return cls(middle[used], moments[:, :, used])

    def sums(self, v: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums of ln(v + s), 1 / (v + s) and 1 / (v + s)**2 over the rows, each one number per share."""
        inverse = 1 / (self.middle + v)
        series = np.empty((_POWERS, len(inverse)))
        series[0] = 1
        np.multiply.accumulate(np.broadcast_to(-self.middle * inverse, (_POWERS - 1, len(inverse))), out=series[1:])
        power, logs = np.arange(1.0, _POWERS), -(self.moments[0] @ np.log(inverse))
        logs -= (self.moments[1:] @ series[1:, :, None])[:, :, 0].T @ (1 / power)
        series *= inverse
        once = (self.moments @ series[:, :, None])[:, :, 0]
        series *= inverse
        twice = (self.moments @ series[:, :, None])[:, :, 0]
        return logs, once.sum(axis=0), twice.T @ np.arange(1.0, _POWERS + 1)


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
