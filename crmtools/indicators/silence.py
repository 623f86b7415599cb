"""Who will stay silent, by a model of purchases: patterns to figures, for the kind ``Model``."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from crmtools.indicators.moments import Assumptions, Figures
from crmtools.indicators.patterns import ages, purchase_model
from crmtools.lifetime.fitted import sigma_points
from crmtools.lifetime.model import PurchaseModel
from crmtools.words import Text

FEWEST = 200
DRAWS = 400
CERTAIN = (1e-12, 1 - 1e-12)
"""Probabilities nearer to 0 or 1 have no log odds to speak of."""

TOO_FEW = Text(f"历史客户不足 {FEWEST} 位，无法拟合模型", f"fewer than {FEWEST} customers: too few to fit the model")
NOT_FITTED = Text("模型未收敛或参数无法识别", "the model did not converge, or the data do not identify its parameters")
NOBODY = Text("期末没有活跃客户", "nobody was active at the end of the period")


@dataclass(frozen=True, slots=True)
class Active:
    """The customers who bought within ``active_days``, as patterns, and the model fitted to all customers seen."""

    model: PurchaseModel
    x: np.ndarray
    t_x: np.ndarray
    age: np.ndarray
    weight: np.ndarray
    n: int
    seen: int

    @classmethod
    def of(cls, patterns: pd.DataFrame, assumptions: Assumptions) -> "Active | Figures":
        """None of them, or no model of them: figures that say why."""
        everyone = ages(patterns)
        recent = everyone.T - everyone.t_x < float(assumptions["active_days"])  # type: ignore[arg-type]
        n, seen = int(everyone.weight[recent].sum()), int(everyone.weight.sum())
        if seen < FEWEST:
            return Figures(n=n, rows=seen, why=TOO_FEW)
        if not n:
            return Figures(rows=seen, why=NOBODY)
        model = purchase_model(everyone, str(assumptions["model"]))
        if model is None:
            return Figures(n=n, rows=seen, why=NOT_FITTED)
        x, t_x, age, weight = (part[recent] for part in (everyone.x, everyone.t_x, everyone.T, everyone.weight))
        return cls(model, x, t_x, age, weight, n, seen)

    def silent(self, horizon: float) -> np.ndarray:
        """The probability of no purchase in the next ``horizon`` days, by pattern."""
        return self.model.silent(self.model.parameters, (self.x, self.t_x, self.age), horizon)

    def silent_if(self, horizon: float, seed: int) -> Iterator[np.ndarray]:
        """The same under ``DRAWS`` sets of parameters from their sampling distribution.

        The log odds are taken as linear in the log parameters, with slopes over one standard error: the model is asked nine
        times instead of ``DRAWS`` times, and the draws are combinations of what it said.
        """
        model, customers = self.model, (self.x, self.t_x, self.age)

        def odds(parameters: np.ndarray) -> np.ndarray:
            return scipy.special.logit(np.clip(model.silent(parameters, customers, horizon), *CERTAIN))

        middle = odds(model.parameters)
        pairs = sigma_points(model.parameters, model.covariance)
        slopes = np.column_stack([(odds(up) - odds(down)) / 2 for up, down in pairs])
        for steps in np.random.default_rng(seed).standard_normal((DRAWS, slopes.shape[1])):
            yield scipy.special.expit(middle + slopes @ steps)

    def figures(self, share: float, shares: np.ndarray, level: float) -> Figures:
        """A share with the interval that its draws span."""
        low, high = np.quantile(shares, [0.5 - level / 2, 0.5 + level / 2])
        return Figures(
            share, min(float(low), share), max(float(high), share), float(np.std(shares)), self.n, self.seen,
            share * self.n, float(self.n), "parameter_draws",
        )  # fmt: skip


def expected_silence(patterns: pd.DataFrame, assumptions: Assumptions, level: float) -> Figures:
    """Mean over the active customers of the probability of no purchase in the next ``horizon_days``.

    The model is fitted to all customers; the interval holds the uncertainty of its parameters (draws from their sampling
    distribution) and of the purchases themselves (the mean of independent yes-or-no outcomes).
    """
    horizon = float(assumptions["horizon_days"])  # type: ignore[arg-type]
    active = Active.of(patterns, assumptions)
    if isinstance(active, Figures):
        return active
    weight, n = active.weight, active.n
    share = float(weight @ active.silent(horizon) / n)
    noise = np.random.default_rng(20050302).standard_normal(DRAWS)
    each = [(weight @ p / n, np.sqrt(weight @ (p * (1 - p))) / n) for p in active.silent_if(horizon, seed=20050301)]
    shares = np.clip([mean + error * step for (mean, error), step in zip(each, noise, strict=True)], 0, 1)
    return active.figures(share, shares, level)


def share_at_risk(patterns: pd.DataFrame, assumptions: Assumptions, level: float) -> Figures:
    """Share of the active customers whose probability of no purchase in the next ``horizon_days`` reaches ``threshold``.

    Given the parameters it is a complete count. Its interval is that of any share of customers, who might have been others:
    for every draw of the parameters the share above the threshold, and around it a draw of Jeffreys' posterior, which is
    close to Wilson's interval and stands at 0 and 1 too.
    """
    horizon, threshold = (float(assumptions[name]) for name in ("horizon_days", "threshold"))  # type: ignore[arg-type]
    active = Active.of(patterns, assumptions)
    if isinstance(active, Figures):
        return active

    def above(silent: np.ndarray) -> float:
        return float(active.weight[silent >= threshold].sum())

    counts = np.array([above(silent) for silent in active.silent_if(horizon, seed=20050303)])
    shares = np.random.default_rng(20050304).beta(counts + 0.5, active.n - counts + 0.5)
    return active.figures(above(active.silent(horizon)) / active.n, shares, level)
