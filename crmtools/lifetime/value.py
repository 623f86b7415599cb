"""What a customer is worth over the next months: purchases x spend x margin, discounted.

Never called "lifetime": the horizon is part of the answer. Purchases come from BG/NBD, spend from
Gamma-Gamma, which takes the two as independent (Fader, Hardie & Lee 2005, "RFM and CLV"). The annual rate d
becomes a factor (1+d)^(-t/12) at month t; purchases of a month are discounted at its middle.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from crmtools.errors import SettingsError
from crmtools.lifetime.beta_geo import BetaGeo
from crmtools.lifetime.beta_geo_formulas import alive, purchases_if_alive
from crmtools.lifetime.gamma_gamma import GammaGamma
from crmtools.lifetime.summary import DAYS_PER, Summary
from crmtools.words import Text


@dataclass(frozen=True, slots=True)
class Total:
    """The value of all customers together; low and high bound what will be spent, not its expectation."""

    value: float
    low: float
    high: float
    level: float
    draws: int


@dataclass(frozen=True, slots=True, eq=False)
class CustomerValue:
    """Discounted value per customer over ``horizon_months``, and the total.

    ``frame`` is indexed by customer: probability_alive, expected_purchases (undiscounted), expected_spend
    (per occasion, before margin), value (discounted, after margin; NaN where expected spend is infinite).
    """

    frame: pd.DataFrame
    total: Total
    horizon_months: int
    annual_discount: float
    margin: float
    notes: tuple[Text, ...]


def customer_value(
    beta_geo: BetaGeo,
    gamma_gamma: GammaGamma,
    summary: Summary,
    *,
    horizon_months: int,
    annual_discount: float,
    margin: float = 1.0,
    level: float = 0.95,
    draws: int = 300,
    seed: int = 0,
) -> CustomerValue:
    """Discounted expected value of every customer over a finite horizon, and of all of them with an interval.

    annual_discount: 0.10 for 10 % a year. margin: share of spend that is kept. The interval of the total
    comes from ``draws`` futures: a parameter set of each model is drawn, then every customer's state, rates
    and purchases given that set; leaving out either source makes it too narrow. It is NaN when a model is not
    ``identified``. Money is in the currency of the orders.
    """
    _check(horizon_months, annual_discount, margin)
    month = DAYS_PER["months"] / DAYS_PER[beta_geo.unit]
    frame = pd.DataFrame(
        {
            "probability_alive": beta_geo.probability_alive(summary)["value"],
            "expected_purchases": beta_geo.expected_purchases(summary, horizon=horizon_months * month)["value"],
            "expected_spend": gamma_gamma.expected_spend(summary)["value"],
        }
    )
    purchases = _discounted_purchases(beta_geo, summary, horizon_months, month, annual_discount)
    frame["value"] = purchases * frame["expected_spend"] * margin
    low = high = float("nan")
    if beta_geo.identified and gamma_gamma.identified:
        futures = [
            _one_future(rates, spends, summary, horizon_months * month, month, annual_discount, random)
            for rates, spends, random in zip(
                beta_geo.draws(draws, seed=seed).to_numpy(),
                gamma_gamma.draws(draws, seed=seed + 1).to_numpy(),
                np.random.default_rng(seed + 2).spawn(draws),
                strict=True,
            )
        ]
        low, high = np.quantile(np.array(futures) * margin, (0.5 - level / 2, 0.5 + level / 2))
    total = Total(float(frame["value"].sum(skipna=False)), float(low), float(high), level, draws)
    # both models may say the same of their parameters
    notes = tuple(dict.fromkeys(beta_geo.notes() + gamma_gamma.notes()))
    return CustomerValue(frame, total, horizon_months, annual_discount, margin, notes)


def _discounted_purchases(
    model: BetaGeo, summary: Summary, months: int, month: float, annual_discount: float
) -> np.ndarray:
    """Expected purchases per customer, those of month k times (1+d)^(-(k-1/2)/12)."""
    p, position = summary.compressed()
    edges = np.arange(1, months + 1)
    return discounted_purchases(model.parameters, p.x, p.t_x, p.T, edges, month, annual_discount)[position]


def discounted_purchases(
    parameters: np.ndarray,
    x: np.ndarray,
    t_x: np.ndarray,
    T: np.ndarray,
    edges: np.ndarray,
    month: float,
    annual_discount: float,
) -> np.ndarray:
    """Expected purchases until the last of ``edges`` (ascending, in months), each stretch discounted at its middle.

    ``month`` is a month in the unit of t_x and T.
    """
    before, out = np.zeros(len(x)), np.zeros(len(x))
    for start, end in pairwise([0.0, *edges]):
        until = purchases_if_alive(parameters, x, T, end * month)
        out += (until - before) * (1 + annual_discount) ** (-(start + end) / 24)
        before = until
    return out * alive(parameters, x, t_x, T)


def _one_future(
    rates: np.ndarray,
    spends: np.ndarray,
    summary: Summary,
    horizon: float,
    month: float,
    annual_discount: float,
    random: np.random.Generator,
) -> float:
    """Discounted spend of all customers in one draw of everything that is not known.

    Given the data and the parameters: alive with P(alive), lambda ~ Gamma(r+x, alpha+T), p ~ Beta(a, b+x),
    spend rate nu ~ Gamma(q+px, v+xm); then purchases at rate lambda until the horizon or until the customer
    leaves.
    """
    x, t_x, T = (summary.frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    mean = summary.frame["monetary_value"].fillna(0).to_numpy(float)
    return float(spending(rates, spends, (x, t_x, T, mean), horizon, month, annual_discount, random).sum())


def spending(
    rates: np.ndarray,
    spends: np.ndarray,
    histories: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    horizon: float,
    month: float,
    annual_discount: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Discounted spend of each customer in one future; ``histories`` are x, t_x, T and mean spend (0 without a repeat)."""
    x, t_x, T, mean = histories
    r, alpha, a, b = rates
    here = random.random(len(x)) < alive(rates, x, t_x, T)
    rate = random.gamma(r + x[here]) / (alpha + T[here])
    could = random.poisson(rate * horizon)
    buyers = np.flatnonzero(could)
    who = np.flatnonzero(here)[buyers]
    leave = random.geometric(np.clip(random.beta(a, b + x[who]), 1e-12, 1))
    # the times of a Poisson process are uniform given their number; a leaver keeps only the earliest ones
    owner = np.repeat(np.arange(len(who)), could[buyers])
    time = random.uniform(0, horizon, len(owner))
    order = np.lexsort((time, owner))
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(could[buyers]) - could[buyers], could[buyers])
    kept = rank < leave[owner]
    owner, time = owner[kept], time[order][kept]
    p, q, v = spends
    nu = random.gamma(q + p * x[who]) / (v + x[who] * mean[who])
    amounts = random.gamma(p, size=len(owner)) / nu[owner]
    discounted = amounts * (1 + annual_discount) ** (-time / month / 12)
    return np.bincount(who[owner], weights=discounted, minlength=len(x))


def _check(horizon_months: int, annual_discount: float, margin: float) -> None:
    if horizon_months < 1 or horizon_months != int(horizon_months):
        raise SettingsError(f"horizon_months is {horizon_months!r}; it must be a whole number of months, at least 1.")
    if not 0 <= annual_discount < 1:
        raise SettingsError(f"annual_discount is {annual_discount!r}; write 10 % a year as 0.10.")
    if not 0 < margin <= 1:
        raise SettingsError(f"margin is {margin!r}; it is the share of spend that is kept, above 0 and up to 1.")
