"""What a customer is worth over the next months: purchases x spend x margin, discounted.

Never called "lifetime": the horizon is part of the answer. Purchases come from any purchase model, spend from
Gamma-Gamma, which takes the two as independent (Fader, Hardie & Lee 2005, "RFM and CLV"). The annual rate d
becomes a factor (1+d)^(-t/12) at month t; purchases of a month are discounted at its middle.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from crmtools.errors import SettingsError
from crmtools.lifetime.fitted import limits_of_total, totals_by
from crmtools.lifetime.gamma_gamma import GammaGamma, spend
from crmtools.lifetime.grid import over_pairs
from crmtools.lifetime.model import Ages, PurchaseModel
from crmtools.lifetime.summary import DAYS_PER, Summary
from crmtools.shown import Shown
from crmtools.words import Text

EVERYBODY = slice(None)


@dataclass(frozen=True, slots=True)
class Total(Shown):
    """The value of all customers together; low and high bound what will be spent, not its expectation."""

    value: float
    low: float
    high: float
    level: float | None


@dataclass(frozen=True, slots=True, eq=False)
class CustomerValue(Shown):
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
    worth: "Worth"

    def by_group(self, by: pd.Series, *, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
        """Value of groups of customers: customers, value, low, high; ``by`` is indexed like ``frame``."""
        each = self.frame["value"].to_numpy()
        return totals_by(each, by, self.frame.index, lambda where: self.worth.limits(each[where], level, seed, where))


def customer_value(
    purchases: PurchaseModel,
    gamma_gamma: GammaGamma,
    summary: Summary,
    *,
    horizon_months: int,
    annual_discount: float,
    margin: float = 1.0,
    level: float | None = 0.95,
    seed: int = 0,
) -> CustomerValue:
    """Discounted expected value of every customer over a finite horizon, and of all of them with an interval.

    annual_discount: 0.10 for 10 % a year. margin: share of spend that is kept. The limits of the total are for what customers
    will spend: they hold the uncertainty of both models' parameters and what chance makes of purchases and amounts; leaving
    out either makes them too narrow. They are NaN without a level, and when a model is not ``identified``. Money is in the currency of the orders.
    """
    _check(horizon_months, annual_discount, margin)
    model = Worth(purchases, gamma_gamma, summary, Terms(horizon_months, annual_discount, margin))
    rates, spends = model.split(model.parameters)
    ahead, mean = model.ahead(rates), model.spend_of(spends)
    frame = pd.DataFrame(
        {
            "probability_alive": ahead.alive,
            "expected_purchases": ahead.purchases,
            "expected_spend": mean,
            "value": ahead.discounted * mean * margin,
        },
        index=summary.frame.index,
        copy=False,
    )
    low = high = float("nan")
    if level is not None:
        low, high = model.limits(frame["value"].to_numpy(), level, seed)
    total = Total(float(frame["value"].sum(skipna=False)), low, high, level)
    # both models may say the same of their parameters
    notes = tuple(dict.fromkeys(purchases.notes() + gamma_gamma.notes()))
    return CustomerValue(frame, total, horizon_months, annual_discount, margin, notes, model)


@dataclass(frozen=True, slots=True)
class Terms:
    """How money to come is counted."""

    months: int
    annual_discount: float
    margin: float


@dataclass(eq=False)
class Worth:
    """What customers will be worth as a function of both models' parameters, taken together as one array."""

    purchases: PurchaseModel
    spend: GammaGamma
    summary: Summary
    terms: Terms
    month: float = field(init=False)
    histories: tuple[np.ndarray, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.month = DAYS_PER["months"] / DAYS_PER[self.purchases.unit]
        mean = self.summary.frame["monetary_value"].fillna(0).to_numpy(float)
        self.histories = (*self.summary.ages(), mean)

    @property
    def parameters(self) -> np.ndarray:
        """Of purchases first, then of spend."""
        return np.concatenate([self.purchases.parameters, self.spend.parameters])

    @property
    def covariance(self) -> np.ndarray | None:
        """The models are fitted apart, and taken to err apart; None when one is not ``identified``."""
        if not (self.purchases.identified and self.spend.identified):
            return None
        return scipy.linalg.block_diag(self.purchases.covariance, self.spend.covariance)

    def expected(self, parameters: np.ndarray, where: np.ndarray | slice = EVERYBODY) -> np.ndarray:
        """Expected discounted value of every customer, or of those at ``where``."""
        rates, spends = self.split(parameters)
        return self.ahead(rates, where).discounted * self.spend_of(spends, where) * self.terms.margin

    def ahead(self, rates: np.ndarray, where: np.ndarray | slice = EVERYBODY) -> "Ahead":
        """Purchases to come over the horizon, by the model of purchases with these parameters."""
        x, t_x, T, _ = (part[where] for part in self.histories)
        edges = np.arange(1, self.terms.months + 1)
        return purchases_ahead(self.purchases, rates, (x, t_x, T), edges, self.month, self.terms.annual_discount)

    def spend_of(self, spends: np.ndarray, where: np.ndarray | slice = EVERYBODY) -> np.ndarray:
        """Expected spend per purchase, by the model of spend with these parameters."""
        x, _, _, mean = (part[where] for part in self.histories)
        return spend(spends, x, mean)

    def play(
        self, parameters: np.ndarray, random: np.random.Generator, where: np.ndarray | slice = EVERYBODY
    ) -> np.ndarray:
        """What every customer is worth in one future."""
        histories = tuple(part[where] for part in self.histories)
        rates, spends = self.split(parameters)
        horizon = self.terms.months * self.month
        spent = spending(
            self.purchases, rates, spends, histories, horizon, self.month, self.terms.annual_discount, random
        )
        return spent * self.terms.margin

    def limits(
        self, each: np.ndarray, level: float, seed: int, where: np.ndarray | slice = EVERYBODY
    ) -> tuple[float, float]:
        """Limits for what the customers at ``where`` will be worth together; ``each``, what is expected of them."""
        return limits_of_total(
            each,
            lambda theta: float(self.expected(theta, where).sum()),
            lambda theta, random: self.play(theta, random, where),
            self.parameters, self.covariance, level, seed,
        )  # fmt: skip

    def split(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        k = len(self.purchases.NAMES)
        return parameters[:k], parameters[k:]


class Ahead(NamedTuple):
    """By customer: P(alive), and the purchases expected over a horizon, as they are and discounted."""

    alive: np.ndarray
    purchases: np.ndarray
    discounted: np.ndarray


def purchases_ahead(
    model: PurchaseModel | type[PurchaseModel],
    parameters: np.ndarray,
    ages: Ages,
    edges: np.ndarray,
    month: float,
    annual_discount: float,
) -> Ahead:
    """Expected purchases until the last of ``edges`` (ascending, in months), each stretch discounted at its middle.

    ``month`` is a month in the unit of t_x and T.
    """
    x, t_x, T = ages
    counts, ends, position = over_pairs(x, T)
    # without a discount it does not matter when in the horizon they come
    edges = edges if annual_discount else edges[-1:]
    until, discounted = np.zeros(len(counts)), np.zeros(len(counts))
    purchases = model.purchases_over(parameters, counts, ends)
    for start, end in pairwise([0.0, *edges]):
        before, until = until, purchases(float(end * month))
        discounted += (until - before) * (1 + annual_discount) ** (-(start + end) / 24)
    here = model.alive(parameters, x, t_x, T)
    return Ahead(here, here * until[position], here * discounted[position])


def spending(
    model: PurchaseModel | type[PurchaseModel],
    rates: np.ndarray,
    spends: np.ndarray,
    histories: tuple[np.ndarray, ...],
    horizon: float,
    month: float,
    annual_discount: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Discounted spend of each customer in one future; ``histories`` are x, t_x, T and mean spend (0 without a repeat)."""
    owner, time, amounts = purchases_to_come(model, rates, spends, histories, horizon, random)
    return discounted(owner, time, amounts, len(histories[0]), month, annual_discount)


def purchases_to_come(
    model: PurchaseModel | type[PurchaseModel],
    rates: np.ndarray,
    spends: np.ndarray,
    histories: tuple[np.ndarray, ...],
    horizon: float,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The purchases of one future: whose each is, when, and its amount.

    Purchases as the model has them; the amounts of a customer at his own rate nu ~ Gamma(q+px, v+xm), given the history.
    """
    x, t_x, T, mean = histories
    owner, time = model.future(rates, (x, t_x, T), horizon, random)
    buyers, whose = np.unique(owner, return_inverse=True)
    p, q, v = spends
    nu = random.gamma(q + p * x[buyers]) / (v + x[buyers] * mean[buyers])
    return owner, time, random.gamma(p, size=len(owner)) / nu[whose]


def discounted(
    owner: np.ndarray, time: np.ndarray, amounts: np.ndarray, customers: int, month: float, annual_discount: float
) -> np.ndarray:
    """What each customer's purchases to come are worth today."""
    return np.bincount(owner, weights=amounts * (1 + annual_discount) ** (-time / month / 12), minlength=customers)


def _check(horizon_months: int, annual_discount: float, margin: float) -> None:
    if horizon_months < 1 or horizon_months != int(horizon_months):
        raise SettingsError(f"horizon_months is {horizon_months!r}; it must be a whole number of months, at least 1.")
    if not 0 <= annual_discount < 1:
        raise SettingsError(f"annual_discount is {annual_discount!r}; write 10 % a year as 0.10.")
    if not 0 < margin <= 1:
        raise SettingsError(f"margin is {margin!r}; it is the share of spend that is kept, above 0 and up to 1.")
