"""What customers will be worth, by a model of purchases and Gamma-Gamma: patterns with money to figures, for the kind ``Model``.

Purchases and spend per purchase are taken as independent given the history, so that a customer's expected discounted spend
is the product of the two; the margin is a constant share of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from crmtools import intervals
from crmtools.indicators.kinds import NO_DATA, NO_SPEND, NOBODY_WON
from crmtools.indicators.moments import Assumptions, Figures
from crmtools.indicators.patterns import HISTORY, PAID, WON, ages, purchase_model, spend_model
from crmtools.indicators.silence import NOBODY, NOT_FITTED
from crmtools.lifetime.gamma_gamma import GammaGamma
from crmtools.lifetime.gamma_gamma import spend as spend_of
from crmtools.lifetime.model import PurchaseModel
from crmtools.lifetime.summary import DAYS_PER, Patterns
from crmtools.lifetime.value import discounted, purchases_ahead, purchases_to_come
from crmtools.words import Text

FEWEST_BUYERS, FEWEST_DAYS = 500, 180
MONTH = DAYS_PER["months"]
DRAWS = 400
FUTURES = 20_000
"""Customers whose future is played through once, to see how far one customer strays from his expectation."""
KEPT = 100_000
"""Patterns up to which such a future is kept for sets of assumptions that differ in discount only."""
STRETCHES = 12
"""Stretches of the horizon in which the slopes are taken: of the value they would lose a thousandth, of the error nothing."""
CLEAR_OF_ONE = 1.01
"""What the spend model's q must exceed: at 1 the mean spend is infinite."""
WIDEST = 1.0
"""Standard error of the logarithm beyond which limits, a factor of fifty apart, would say nothing."""

TOO_EARLY = Text(
    f"买家不足 {FEWEST_BUYERS} 位或历史不足 {FEWEST_DAYS} 天",
    f"fewer than {FEWEST_BUYERS} buyers or {FEWEST_DAYS} days of history",
)
NO_MEAN = Text(
    "客单价分布尾部过重，均值不存在", "spend per purchase is spread so widely that the model has no mean of it"
)
NO_LIMITS = Text("客单价均值的误差无法界定", "the mean spend per purchase is too uncertain to give an interval")


@dataclass(frozen=True, slots=True)
class Terms:
    """How money to come is counted."""

    model: str
    months: int
    discount: float
    margin: float

    @classmethod
    def of(cls, assumptions: Assumptions) -> "Terms":
        months, discount, margin = (
            float(assumptions[name])  # type: ignore[arg-type]
            for name in ("horizon_months", "annual_discount", "margin")
        )
        return cls(str(assumptions["model"]), int(months), discount, margin)


def _models(patterns: pd.DataFrame, everyone: Patterns, name: str) -> tuple[PurchaseModel, GammaGamma] | Text:
    """Both models, or why there are none."""
    if everyone.weight.sum() < FEWEST_BUYERS or everyone.T.max() < FEWEST_DAYS:
        return TOO_EARLY
    purchases, spend = purchase_model(everyone, name), spend_model(patterns)
    if purchases is None or spend is None:
        return NOT_FITTED
    return (purchases, spend) if spend.q > CLEAR_OF_ONE else NO_MEAN


# ---- the customers there are


def expected_worth(patterns: pd.DataFrame, assumptions: Assumptions, level: float) -> Figures:
    """Mean over the active customers of the discounted margin expected of them over the horizon.

    The interval, on the log scale, holds the uncertainty of both models' parameters (delta method: draws would have to
    integrate over the horizon four hundred times) and what chance makes of these customers' purchases and amounts (seen in
    one simulated future): it is a forecast interval of what they will bring, if the models are right.
    """
    terms, everyone = Terms.of(assumptions), ages(patterns)
    recent = everyone.T - everyone.t_x < float(assumptions["active_days"])  # type: ignore[arg-type]
    weight = everyone.weight[recent]
    n, seen = int(weight.sum()), int(everyone.weight.sum())
    if not n:
        return Figures(rows=seen, why=NOBODY)
    models = _models(patterns, everyone, terms.model)
    if isinstance(models, Text):
        return Figures(n=n, rows=seen, why=models)
    rates, spends = models[0].parameters, models[1].parameters
    x, t_x, age = everyone.x[recent], everyone.t_x[recent], everyone.T[recent]
    mean = patterns.loc[patterns["role"] == HISTORY, "value"].to_numpy(float)[recent] / weight

    def purchases(parameters: np.ndarray, edges: np.ndarray) -> np.ndarray:
        return purchases_ahead(models[0], parameters, (x, t_x, age), edges, MONTH, terms.discount).discounted

    each = purchases(rates, np.arange(1, terms.months + 1)) * spend_of(spends, x, mean)
    value = float(weight @ each / n)

    wide = np.linspace(0, terms.months, STRETCHES + 1)[1:]
    weighed, bought = weight * spend_of(spends, x, mean), weight * purchases(rates, wide)
    variance = _log_variance(lambda theta: float(weighed @ purchases(theta, wide)), rates, models[0].covariance)
    variance += _log_variance(lambda theta: float(bought @ spend_of(theta, x, mean)), spends, models[1].covariance)
    variance += _chance(models[0], spends, (x, t_x, age, mean), each, weight, terms) / (n * value**2)

    value *= terms.margin
    bare = Figures(value, n=n, rows=seen, numerator=value * n, denominator=float(n))
    if not variance < WIDEST**2:
        return replace(bare, why=NO_LIMITS)
    low, high = intervals.log_delta(value, variance * value**2, level)
    return replace(bare, low=low, high=high, se=value * float(np.sqrt(variance)), method="model_delta")


def _log_variance(
    function: Callable[[np.ndarray], float], parameters: np.ndarray, covariance: np.ndarray, step: float = 1e-3
) -> float:
    """Variance of the logarithm of a function of positive parameters, from its slopes in their logarithms."""
    moved = np.exp(step * np.eye(len(parameters)))
    slopes = [np.log(function(parameters * up) / function(parameters / up)) / (2 * step) for up in moved]
    relative = np.array(slopes) / parameters
    return float(relative @ covariance @ relative)


def _chance(
    model: PurchaseModel,
    spends: np.ndarray,
    histories: tuple[np.ndarray, ...],
    each: np.ndarray,
    weight: np.ndarray,
    terms: Terms,
) -> float:
    """Variance of one customer's discounted spend around what is expected of him."""
    future = _future if len(weight) <= KEPT else _future.__wrapped__
    patterns = np.array([*histories, weight]).tobytes()
    chosen, owner, time, amounts = future(model, tuple(spends.tolist()), terms.months, patterns)
    found = discounted(owner, time, amounts, FUTURES, MONTH, terms.discount)
    return float(np.mean((found - each[chosen]) ** 2))


@lru_cache(maxsize=2)
def _future(
    model: PurchaseModel, spends: tuple[float, ...], months: int, patterns: bytes
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Customers chosen by weight, and their purchases to come: owner, time and amount of each."""
    *histories, weight = np.frombuffer(patterns).reshape(5, -1)
    random = np.random.default_rng(20050415)
    chosen = random.choice(len(weight), FUTURES, p=weight / weight.sum())
    own = tuple(part[chosen] for part in histories)
    return chosen, *purchases_to_come(model, model.parameters, np.array(spends), own, months * MONTH, random)


# ---- those who are won


def worth_to_cost(patterns: pd.DataFrame, assumptions: Assumptions, level: float) -> Figures:
    """Discounted margin expected of a new customer, the first purchase included, divided by what winning one cost.

    The models know buyers only. Of those who were won, the ones who bought are worth that much, the others nothing: what is
    won for the money is the number of buyers. Joint draws make the interval: of both models' parameters, and of that number,
    which is a Poisson count (Jeffreys' posterior). It is one of expectations: what chance makes of these few customers' purchases is not in it.
    """
    terms, everyone = Terms.of(assumptions), ages(patterns)
    cost = float(patterns.loc[patterns["role"] == PAID, "value"].sum())
    new = patterns[patterns["role"] == WON]
    won, buyers = int(new["weight"].sum()), float(new["value"].sum())
    bare = Figures(n=won, rows=int(everyone.weight.sum()) + won)
    if not won:
        return replace(bare, why=NOBODY_WON if cost > 0 else NO_DATA)
    if not cost > 0:
        return replace(bare, why=NO_SPEND)
    models = _models(patterns, everyone, terms.model) if len(everyone.x) else TOO_EARLY
    if isinstance(models, Text):
        return replace(bare, why=models)
    rates, spends = models
    value = worth_of_new(rates, rates.parameters, spends.parameters, terms)
    pairs = zip(
        rates.draws(DRAWS, seed=20030117).to_numpy(), spends.draws(DRAWS, seed=20030118).to_numpy(), strict=True
    )
    worth = np.array([worth_of_new(rates, *pair, terms) for pair in pairs])
    ratios = worth * np.random.default_rng(20030119).gamma(buyers + 0.5, size=DRAWS) / cost
    ratio, value, one = value * buyers / cost, value * buyers / won, cost / won
    known = Figures(ratio, n=won, rows=bare.rows, numerator=value, denominator=one)
    if not np.isfinite(ratios).all():
        return replace(known, why=NO_LIMITS)
    low, high = np.quantile(ratios, [0.5 - level / 2, 0.5 + level / 2])
    return Figures(
        ratio, min(float(low), ratio), max(float(high), ratio), float(ratios.std()), won, bare.rows, value, one,
        "parameter_draws",
    )  # fmt: skip


def worth_of_new(model: PurchaseModel, rates: np.ndarray, spends: np.ndarray, terms: Terms) -> float:
    """Margin expected of a customer on the day of the first purchase, that purchase included."""
    ends, one = np.arange(1.0, terms.months + 1), np.zeros(1)
    monthly = np.diff(_of_new(model, tuple(rates.tolist()), terms.months), prepend=0.0)
    purchases = 1 + monthly @ (1 + terms.discount) ** (-(ends - 0.5) / 12)
    return float(terms.margin * purchases * spend_of(spends, one, one)[0])


@lru_cache(maxsize=4 * DRAWS)
def _of_new(model: PurchaseModel, rates: tuple[float, ...], months: int) -> np.ndarray:
    """Repeat purchases expected of a new customer by the end of each month, kept for sets that differ in cost only."""
    parameters, born, one = np.array(rates), np.zeros(months), np.zeros(1)
    ahead = model.purchases_if_alive(parameters, born, born, np.arange(1.0, months + 1) * MONTH)
    return model.alive(parameters, one, one, one) * ahead
