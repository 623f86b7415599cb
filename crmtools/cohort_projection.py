"""What BG/NBD expects of the retention of cohorts by age, in the ages observed and in those ahead.

A customer buys at rate lambda and leaves after a purchase with probability p, so is there s after the first purchase with
probability exp(-lambda p s), and then buys at least once in the next l with probability 1 - exp(-lambda l). Over
lambda ~ Gamma(r, alpha) and p ~ Beta(a, b)::

    P(buys in (s, s+l]) = E_p[ (1 + p s/alpha)^-r - (1 + (p s + l)/alpha)^-r ]

First purchases are taken to be spread evenly over their period.
"""

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from scipy.special import betaincinv, roots_jacobi

from crmtools.cohorts import PER_YEAR, Cohorts
from crmtools.lifetime.beta_geo import BetaGeo
from crmtools.lifetime.fitted import answer_with_limits
from crmtools.lifetime.from_orders import customer_patterns
from crmtools.shown import Shown

FEWEST_CUSTOMERS, FEWEST_REPEAT = 100, 30
_NODES, _BIRTHS, _QUANTILES = 80, 6, 400
CONCENTRATED = 1000
"""a + b from which the Gauss–Jacobi nodes, which overflow soon after, are quantiles instead: the same to four digits and more."""


@dataclass(frozen=True, slots=True, eq=False)
class RetentionProjection(Shown):
    """``frame`` indexed by age from 1: value, low, high (uncertainty of the parameters; NaN when not identified)."""

    frame: pd.DataFrame
    model: BetaGeo


def project_retention(
    orders: ibis.Table | pd.DataFrame, cohorts: Cohorts, *, ahead: int = 12
) -> RetentionProjection | None:
    """Fit BG/NBD to all purchases up to ``cohorts.as_of`` and expect retention up to ``ahead`` ages beyond those observed.

    None where fewer than 100 customers, or 30 who bought again, leave nothing to fit to.
    """
    patterns = customer_patterns(orders, as_of=cohorts.as_of, unit="days")
    if patterns.weight.sum() < FEWEST_CUSTOMERS or patterns.weight[patterns.x > 0].sum() < FEWEST_REPEAT:
        return None
    model = BetaGeo.fit(patterns)
    last = int(cohorts.pooled().index.max()) + ahead
    ages, length = np.arange(1, last + 1), 365.25 / PER_YEAR[cohorts.by]
    columns = answer_with_limits(
        lambda theta: expected_retention(theta, ages, length),
        model.parameters, model.known_covariance, cohorts.level, "logit",
    )  # fmt: skip
    return RetentionProjection(pd.DataFrame(columns, index=pd.Index(ages, name="age")), model)


def expected_retention(parameters: np.ndarray, ages: np.ndarray, length: float) -> np.ndarray:
    """The share of a cohort that buys in the period of each age (from 1), periods being ``length`` long."""
    r, alpha, a, b = parameters
    p, weights = _beta(a, b)
    into = (np.arange(_BIRTHS) + 0.5) / _BIRTHS
    since = (ages[:, None] - into)[..., None] * length
    there, silent = (1 + p * since / alpha) ** -r, (1 + (p * since + length) / alpha) ** -r
    return np.asarray(((there - silent) @ weights).mean(axis=1))


def _beta(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights to average over Beta(a, b)."""
    if a + b > CONCENTRATED:
        return betaincinv(a, b, (np.arange(_QUANTILES) + 0.5) / _QUANTILES), np.full(_QUANTILES, 1 / _QUANTILES)
    # from those of (1-x)^(b-1) (1+x)^(a-1) on (-1, 1)
    nodes, weights = roots_jacobi(_NODES, b - 1, a - 1)
    return (nodes + 1) / 2, weights / weights.sum()
