"""Shifted beta-geometric (sBG): how long customers under contract stay, when each renewal is a chance to leave.

Fader & Hardie (2007), "How to Project Customer Retention", Journal of Interactive Marketing 21(1). At every renewal a
customer leaves for good with probability theta ~ Beta(alpha, beta), which differs between customers and not over time. Of
those who are there after t - 1 renewals the share (beta+t-1) / (alpha+beta+t-1) survives the t-th: it rises with age, because
those who leave easily have left. Time is counted in renewals; neither parameter has a unit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import gammaln

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime.fitted import Fitted, Link, answer_with_limits
from crmtools.lifetime.newton import Likelihood, maximise
from crmtools.words import Text

NAMES = ("alpha", "beta")
# Beyond these bounds the likelihood is flat to the last digit. Both at the upper one: all customers are alike.
_LOW, _HIGH = 1e-5, 1e5
_SHORT = 3
"""Renewals below which the curve ahead hangs on the model alone."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ShiftedBetaGeo(Fitted):
    """A fitted sBG model; n customers, of whom lost have left; longest, the largest number of renewals anybody faced."""

    alpha: float
    beta: float
    lost: float
    longest: int

    TITLE: ClassVar[str] = "sBG"
    NAMES: ClassVar[tuple[str, ...]] = NAMES

    @classmethod
    def fit(cls, counts: pd.DataFrame) -> "ShiftedBetaGeo":
        """Maximum likelihood on counts of customers.

        counts: one row per group of customers: ``renewals`` (whole number survived, from 0), ``lost`` (True: left at the
        next one; False: still there, the next one not yet due), and ``customers`` (how many; 1 when absent; weights need
        not be whole). A fit that did not converge or ended at a bound is returned and says so. Raises DataError for wrong
        counts and when nobody has faced a renewal.
        """
        renewals, lost, weight = _checked(counts)
        # d[j] leave at renewal j + 1, k[j] survive it: all that the likelihood needs to know
        size = int((renewals + lost).max())
        d = np.bincount(renewals[lost], weights=weight[lost], minlength=size)[:size]
        faced = np.bincount(renewals + lost, weights=weight, minlength=size + 1)
        at_risk = faced[::-1].cumsum()[::-1][1:]
        end = maximise(
            likelihood_of(d, at_risk - d), np.array([1.0, 2.0]), low=np.full(2, _LOW), high=np.full(2, _HIGH)
        )
        alpha, beta = (float(value) for value in end.parameters)
        return cls(
            alpha=alpha,
            beta=beta,
            covariance=end.covariance,
            log_likelihood=float(end.log_likelihood),
            n=float(weight.sum()),
            lost=float(d.sum()),
            longest=size,
            converged=end.converged,
            message=end.message,
            at_bound=tuple(name for name, stuck in zip(NAMES, end.at_bound, strict=True) if stuck),
        )

    @classmethod
    def fit_survivors(cls, survivors: npt.ArrayLike) -> "ShiftedBetaGeo":
        """As ``fit``, from the customers of one cohort that are left after 0, 1, 2, … renewals (never rising)."""
        left = np.asarray(survivors, dtype=float)
        if left.ndim != 1 or len(left) < 2 or not np.isfinite(left).all() or left[-1] < 0 or (np.diff(left) > 0).any():
            raise DataError(f"survivors must be two or more numbers that never rise nor fall below 0; found {left}.")
        gone, last = -np.diff(left), len(left) - 1
        table = {"renewals": [*range(last), last], "lost": [True] * last + [False], "customers": [*gone, left[-1]]}
        return cls.fit(pd.DataFrame(table))

    def survival(self, t: npt.ArrayLike, *, level: float | None = None) -> pd.DataFrame:
        """Which share of a cohort is left after ``t`` renewals? (Fader & Hardie 2007, eq. 6)

        Frame indexed by t: ``value``, and with ``level`` also ``low`` and ``high`` (uncertainty of the parameters, delta
        method on the log odds; NaN when they are not ``identified``).
        """
        return self._answer(t, 0, survival, level, "logit")

    def retention(self, t: npt.ArrayLike, *, level: float | None = None) -> pd.DataFrame:
        """Which share of those who face their ``t``-th renewal (from 1) survives it? (eq. 8) Asked like ``survival``."""
        return self._answer(t, 1, retention, level, "logit")

    def discounted_residual_lifetime(
        self, renewals: npt.ArrayLike, *, discount: float, level: float | None = None
    ) -> pd.DataFrame:
        """How many renewals, discounted, are expected of a customer whose renewal number ``renewals`` (from 1) is due?

        DERL of Fader & Hardie (2010), "Customer-Base Valuation in a Contractual Setting", Marketing Science 29(1).
        The renewal that is due counts in full, one that comes k periods later by 1 / (1+discount)^k; ``discount`` (above 0)
        is the rate per period. Times the margin per period it is a value. Asked like ``survival``.
        """
        if not (np.isfinite(discount) and discount > 0):
            raise SettingsError(f"discount is {discount}; it must be above 0, the rate per period between renewals.")

        def question(theta: np.ndarray, t: np.ndarray) -> np.ndarray:
            return residual_lifetime(theta, t, discount)

        return self._answer(renewals, 1, question, level, "log")

    def projection(
        self,
        still_there: Mapping[int, int],
        *,
        periods: int,
        level: float | None = None,
        draws: int = 2000,
        seed: int = 0,
    ) -> pd.DataFrame:
        """How many of today's customers are left after 1, 2, … ``periods`` more renewals?

        still_there: number of customers by renewals survived. Frame indexed by ``period``: ``value`` (expected), and with
        ``level`` also ``low`` and ``high`` between which the number itself will lie: uncertainty of the parameters, and
        chance. Customers decide independently, so survivors are binomial at every renewal.
        """
        ages = np.array(sorted(still_there), dtype=float)
        counts = np.array([still_there[int(age)] for age in ages])
        if not len(ages) or ages.min() < 0 or counts.min() < 0:
            raise DataError(f"still_there is {dict(still_there)}: customers by renewals survived, neither below 0.")
        ahead = np.arange(1, periods + 1)
        left = np.exp(_log_survival(self.parameters, ages + ahead[:, None]) - _log_survival(self.parameters, ages))
        columns = {"value": left @ counts}
        if level is not None:
            columns |= self._realised(ages, counts, periods, level, draws, seed)
        return pd.DataFrame(columns, index=pd.Index(ahead, name="period"))

    def notes(self) -> tuple[Text, ...]:
        """What a reader has to know before believing the numbers, in both languages."""
        notes = list(super().notes())
        if not self.lost:
            notes.append(
                Text("尚无客户流失，流失率无从估计。", "Nobody has left yet: a rate of leaving cannot be estimated.")
            )
        elif "beta" in self.at_bound and self.beta >= _HIGH:
            notes.append(
                Text(
                    "看不出客户之间的差异：各期续约率相同，模型退化为固定流失率。",
                    "No difference between customers can be seen: the rate of renewal is the same at every age.",
                )
            )
        if self.longest < _SHORT:
            notes.append(
                Text(
                    f"仅观察到 {self.longest} 次续约，曲线的延伸几乎全凭模型假定。",
                    f"Only {self.longest} renewals were observed: the curve ahead hangs on the model alone.",
                )
            )
        return tuple(notes)

    def _answer(
        self,
        t: npt.ArrayLike,
        least: int,
        question: Callable[[np.ndarray, np.ndarray], np.ndarray],
        level: float | None,
        link: Link,
    ) -> pd.DataFrame:
        asked = np.atleast_1d(np.asarray(t, dtype=float))
        if not (np.isfinite(asked).all() and (asked >= least).all() and (asked == np.floor(asked)).all()):
            raise SettingsError(f"Renewals are counted in whole numbers from {least}; found {t!r}.")
        index = pd.Index(asked.astype("int64"), name="t")
        if level is None:
            return pd.DataFrame({"value": question(self.parameters, asked)}, index=index)
        columns = answer_with_limits(
            lambda theta: question(theta, asked), self.parameters, self.known_covariance, level, link
        )
        return pd.DataFrame(columns, index=index)

    def _realised(
        self, ages: np.ndarray, counts: np.ndarray, periods: int, level: float, draws: int, seed: int
    ) -> dict[str, np.ndarray]:
        """Quantiles of the number that will be left, renewal by renewal, over draws of the parameters."""
        if not self.identified:
            return {name: np.full(periods, np.nan) for name in ("low", "high")}
        alpha, beta = self.draws(draws, seed=seed).to_numpy().T[:, :, None]
        chance = np.random.default_rng(seed)
        left = np.tile(counts, (draws, 1))
        totals = []
        for ahead in range(1, periods + 1):
            left = chance.binomial(left, retention(np.stack([alpha, beta]), ages + ahead))
            totals.append(left.sum(axis=1))
        low, high = np.quantile(totals, [(1 - level) / 2, (1 + level) / 2], axis=1)
        return {"low": low, "high": high}


def likelihood_of(lost: np.ndarray, survived: np.ndarray) -> Likelihood:
    """The function of (alpha, beta) that returns value, gradient and Hessian.

    ``lost[j]`` customers left at renewal j + 1 and ``survived[j]`` survived it. The chance to leave there is
    alpha / (alpha+beta+j), so the product of beta functions in the paper (eq. 5) is one of plain fractions: no gamma
    function, nothing to overflow.
    """
    j = np.arange(len(lost))
    both = lost + survived

    def likelihood(parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        alpha, beta = parameters
        gone, stay, all_ = lost.sum() / alpha, survived / (beta + j), both / (alpha + beta + j)
        value = lost.sum() * np.log(alpha) + survived @ np.log(beta + j) - both @ np.log(alpha + beta + j)
        gradient = np.array([gone - all_.sum(), stay.sum() - all_.sum()])
        mixed = (all_ / (alpha + beta + j)).sum()
        hessian = np.full((2, 2), mixed)
        hessian[0, 0] -= gone / alpha
        hessian[1, 1] -= (stay / (beta + j)).sum()
        return float(value), gradient, hessian

    return likelihood


def _log_survival(parameters: np.ndarray, t: np.ndarray) -> np.ndarray:
    alpha, beta = parameters
    return np.asarray(gammaln(beta + t) - gammaln(beta) + gammaln(alpha + beta) - gammaln(alpha + beta + t))


def survival(parameters: np.ndarray, t: np.ndarray) -> np.ndarray:
    """S(t) = B(alpha, beta+t) / B(alpha, beta)."""
    # the four gammas cancel only to rounding: a share stays a share
    return np.exp(np.minimum(_log_survival(parameters, t), 0.0))


def retention(parameters: np.ndarray, t: np.ndarray) -> np.ndarray:
    """S(t) / S(t-1)."""
    alpha, beta = parameters
    return np.asarray((beta + t - 1) / (alpha + beta + t - 1))


def residual_lifetime(parameters: np.ndarray, renewals: np.ndarray, discount: float) -> np.ndarray:
    """DERL: retention(n) 2F1(1, beta+n; alpha+beta+n; z), z = 1 / (1+d).

    The 2F1 by the continued fraction of Gauss, whose terms are all positive: scipy's series gives NaN at small discounts and
    for large parameters.
    """
    alpha, beta = parameters
    b, c, z = beta + renewals, alpha + beta + renewals, 1 / (1 + discount)
    rest = np.ones_like(c)
    # the error falls by (1 - root) / (1 + root) from term to term
    root = np.sqrt(1 - z)
    for k in reversed(range(50 + int(20 / root))):
        even = (k + 1) * (c - b + k) / ((c + 2 * k) * (c + 2 * k + 1))
        odd = (b + k) * (c - 1 + k) / ((c - 1 + 2 * k) * (c + 2 * k))
        rest = 1 - odd * z / (1 - even * z / rest)
    return np.asarray(retention(parameters, renewals) / rest)


def _checked(counts: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """renewals, lost and weight as arrays, rows without customers left out."""
    missing = [name for name in ("renewals", "lost") if name not in counts.columns]
    if missing:
        raise DataError(f"Counts of renewals need the columns {missing}; found {list(counts.columns)}.")
    renewals = counts["renewals"].to_numpy(float)
    weight = counts["customers"].to_numpy(float) if "customers" in counts.columns else np.ones(len(counts))
    lost = counts["lost"].to_numpy(bool)
    sound = np.isfinite(renewals) & (renewals >= 0) & (renewals == np.floor(renewals))
    if not sound.all():
        raise DataError(f"renewals must be whole numbers from 0; found {renewals[~sound][:5].tolist()}.")
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise DataError("customers must be numbers from 0.")
    there = weight > 0
    renewals, lost, weight = renewals[there].astype("int64"), lost[there], weight[there]
    if not len(renewals) or (renewals + lost).max() == 0:
        raise DataError(
            f"sBG needs customers who have faced a renewal; found {weight.sum():g} customers and no renewal."
        )
    return renewals, lost, weight
