"""BG/NBD and MBG/NBD: customers buy at a rate of their own until, after some purchase, they leave for good.

Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way", Marketing Science 24(2). While active a customer buys at
rate lambda ~ Gamma(r, alpha); after every repeat purchase he leaves with probability p ~ Beta(a, b). In the modified model
(Batislam, Denizel & Filiztekin 2007, Int. J. of Research in Marketing 24(3)) he may leave after the first purchase too, so
that a one-time buyer need not be alive. ``alpha`` is a rate: its unit is the time unit of the data, the other three have none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crmtools.lifetime.beta_geo_formulas import (
    alive,
    chances_if_alive,
    modified_alive,
    purchases_if_alive,
    purchases_over,
)
from crmtools.lifetime.beta_geo_likelihood import NAMES, likelihood_of
from crmtools.lifetime.model import PurchaseModel, poisson_times
from crmtools.lifetime.newton import Likelihood
from crmtools.words import Text


@dataclass(frozen=True, eq=False, kw_only=True)
class BetaGeo(PurchaseModel):
    """A fitted BG/NBD model; see :class:`~crmtools.lifetime.model.PurchaseModel` for what it can be asked.

    Every one-time buyer is alive: in this model customers leave only after a repeat purchase.
    """

    r: float
    alpha: float
    a: float
    b: float

    TITLE: ClassVar[str] = "BG/NBD"
    NAMES: ClassVar[tuple[str, ...]] = NAMES
    START: ClassVar[tuple[float, ...]] = (0.5, 0.2, 1.0, 2.0)
    TIMED: ClassVar[tuple[str, ...]] = ("alpha",)

    alive = staticmethod(alive)
    """FHL 2005; Hardie note 021."""
    purchases_if_alive = staticmethod(purchases_if_alive)
    """FHL 2005, eq. 10."""
    purchases_over = staticmethod(purchases_over)
    chances_if_alive = staticmethod(chances_if_alive)
    """FHL 2005, eq. 8."""

    @classmethod
    def likelihood(cls, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: np.ndarray) -> Likelihood:
        """FHL 2005, eq. 6."""
        return likelihood_of(x, t_x, T, weight)

    @staticmethod
    def future_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Given the history, of an active customer: lambda ~ Gamma(r+x, alpha+T), p ~ Beta(a, b+x), independent."""
        r, alpha, a, b = parameters
        rate = random.gamma(r + x) / (alpha + T)
        count, owner, time = poisson_times(rate, np.full(len(x), horizon), random)
        buyers = np.flatnonzero(count)
        leave = np.ones(len(x), dtype=np.int64)
        leave[buyers] = random.geometric(np.clip(random.beta(a, b + x[buyers]), 1e-12, 1))
        # a leaver keeps the earliest purchases only
        order = np.lexsort((time, owner))
        rank = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        kept = rank < leave[owner]
        return owner[kept], time[order][kept]

    def notes(self) -> tuple[Text, ...]:
        """What a reader has to know before believing the numbers, in both languages."""
        notes = super().notes()
        if not self.n:
            return notes
        share = f"{100 * self.one_time / self.n:.1f}"
        one_time = Text(
            f"{share}% 的客户只购买过一次；BG/NBD 把他们全部视为仍然活跃，因此预期购买次数和价值中，"
            "有一部分落在实际上已经流失的客户身上。",
            f"{share}\u00a0% of the customers bought once; BG/NBD takes every one of them to be still "
            "active, so part of the expected purchases and value is expected of customers who have left.",
        )
        return (*notes, one_time)


@dataclass(frozen=True, eq=False, kw_only=True)
class ModifiedBetaGeo(PurchaseModel):
    """A fitted MBG/NBD model; see :class:`~crmtools.lifetime.model.PurchaseModel` for what it can be asked."""

    r: float
    alpha: float
    a: float
    b: float

    TITLE: ClassVar[str] = "MBG/NBD"
    NAMES: ClassVar[tuple[str, ...]] = NAMES
    START: ClassVar[tuple[float, ...]] = (0.5, 0.2, 1.0, 2.0)
    TIMED: ClassVar[tuple[str, ...]] = ("alpha",)

    alive = staticmethod(modified_alive)
    """Batislam et al. 2007, eq. 9."""

    @classmethod
    def likelihood(cls, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: np.ndarray) -> Likelihood:
        """Batislam et al. 2007, eq. 8."""
        return likelihood_of(x, t_x, T, weight, modified=True)

    # an active customer has tossed one coin more than in BG/NBD, and the rest is the same

    @staticmethod
    def purchases_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float | np.ndarray
    ) -> np.ndarray:
        """As in BG/NBD with b + 1."""
        return purchases_if_alive(_one_coin_more(parameters), x, T, horizon)

    @staticmethod
    def purchases_over(parameters: np.ndarray, x: np.ndarray, T: np.ndarray) -> Callable[[float], np.ndarray]:
        """As in BG/NBD with b + 1."""
        return purchases_over(_one_coin_more(parameters), x, T)

    @staticmethod
    def chances_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, count: np.ndarray
    ) -> np.ndarray:
        """As in BG/NBD with b + 1."""
        return chances_if_alive(_one_coin_more(parameters), x, T, horizon, count)

    @staticmethod
    def future_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """As in BG/NBD with b + 1."""
        return BetaGeo.future_if_alive(_one_coin_more(parameters), x, T, horizon, random)


def _one_coin_more(parameters: np.ndarray) -> np.ndarray:
    return parameters + np.array([0, 0, 0, 1])
