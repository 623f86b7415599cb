"""Kinds whose value and interval are made of sums over customers."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import pandas as pd

from crmtools import intervals
from crmtools.indicators.kinds.reasons import (
    ALIKE,
    CENSUS,
    NO_SHARE,
    NO_SPEND,
    NOBODY_WON,
    SINGLE,
    SMALL_FOR_MEAN,
    SMALL_FOR_RATIO,
    too_few,
)
from crmtools.indicators.moments import Figures, FromMoments, Request, Sums, bootstrap
from crmtools.words import Text

CLEAR_OF_ZERO = 3.0
"""Standard errors that a ratio with negative parts must lie above zero for its logarithm to be trusted."""
BOOTSTRAP_FROM = 8
"""Customers below which there are too few different resamples: of answers from 1 to 5, bootstrap-t would cover 55 % at
n = 3 and 78 % at n = 5 instead of 95 %, Student's t 99 % and 91 %."""


@dataclass(frozen=True, slots=True)
class Share(FromMoments):
    """Share of customers (or customer-months, tickets, …) to which something applies.

    ``rare`` is for what hardly ever happens (defaults): the exact interval instead of Wilson's.
    """

    rare: bool = False
    name: ClassVar[str] = "share"
    label: ClassVar[Text] = Text("占比", "share")

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """Wilson on the effective n: the design effect of weights and of repeated rows is taken out of n."""
        if not 0 <= sums.ratio <= 1:
            return replace(sums.figures, why=NO_SHARE)
        share, of_rows, of_units = sums.ratio, sums.sw**2 / sums.squares, sums.sw**2 / sums.sww
        n = intervals.effective_n(share, sums.variance, of_units, of_rows)
        limits = intervals.clopper_pearson if self.rare else intervals.wilson
        low, high = limits(share, n, request.level)
        se = math.sqrt(share * (1 - share) / n)
        method = "clopper_pearson" if self.rare else "wilson"
        return Figures(share, low, high, se, sums.n, sums.rows, sums.sv, sums.sw, method)


@dataclass(frozen=True, slots=True)
class NetShare(FromMoments):
    """Share of promoters minus share of detractors, from −100 to 100; facts hold +1, 0 or −1."""

    name: ClassVar[str] = "net_share"
    label: ClassVar[Text] = Text("净占比", "net share")

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """Adjusted Wald on the effective n, which is that of customers where each has one row of weight 1."""
        net, either = sums.ratio, sums.sav / sums.sw
        n = intervals.effective_n_of_net(
            net, either, sums.variance, sums.n, sums.sw**2 / sums.sww, sums.sw**2 / sums.squares
        )
        low, high = intervals.net_share(net, either, n, request.level)
        se = math.sqrt(max(either - net**2, 0) / n)
        return Figures(
            100 * net, 100 * low, 100 * high, 100 * se, sums.n, sums.rows, 100 * sums.sv, sums.sw, "adjusted_wald"
        )


@dataclass(frozen=True, slots=True)
class Mean(FromMoments):
    """Mean of a score over customers."""

    name: ClassVar[str] = "mean"
    label: ClassVar[Text] = Text("均值", "mean")

    def resample(self, sums: Sums) -> bool:
        """Below thirty customers t is not trusted."""
        return BOOTSTRAP_FROM <= sums.n < SMALL_FOR_MEAN and sums.variance > 0

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """Clustered t, or bootstrap-t for eight to twenty-nine customers."""
        bare = sums.figures
        if sums.n < 2:
            return replace(bare, why=SINGLE)
        if not sums.variance > 0:
            return replace(bare, why=ALIKE)
        limits, method = bootstrap(units, request, log=False), "bootstrap_t"
        if limits is None:
            limits, method = intervals.t_interval(sums.ratio, sums.variance, sums.n, request.level), "clustered_t"
        low, high = limits
        return replace(bare, low=low, high=high, se=math.sqrt(sums.variance), method=method)


@dataclass(frozen=True, slots=True)
class Ratio(FromMoments):
    """Sum over customers divided by another sum over the same customers: revenue per customer, overdue share."""

    name: ClassVar[str] = "ratio"
    label: ClassVar[Text] = Text("比率（总和之比）", "ratio of sums")

    def resample(self, sums: Sums) -> bool:
        """Heavy tails make the delta method too narrow below some hundred customers."""
        return SMALL_FOR_MEAN <= sums.n < SMALL_FOR_RATIO and sums.variance > 0

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """Log bootstrap-t below 2,000 customers, delta method on the log scale above, no claim below 30.

        Not on the log scale where customers may be negative and the ratio is not clear of zero.
        """
        bare = sums.figures
        if sums.n < SMALL_FOR_MEAN:
            return replace(bare, why=too_few(SMALL_FOR_MEAN))
        if not sums.variance > 0:
            return replace(bare, why=ALIKE)
        never_negative = sums.sav <= sums.sv * (1 + 1e-9)
        log = sums.sv > 0 and (never_negative or sums.ratio > CLEAR_OF_ZERO * math.sqrt(sums.variance))
        limits, method = bootstrap(units, request, log=log), "log_bootstrap_t" if log else "bootstrap_t"
        if limits is None and log:
            limits, method = intervals.log_delta(sums.ratio, sums.variance, request.level), "log_delta"
        elif limits is None:
            limits, method = intervals.t_interval(sums.ratio, sums.variance, sums.n, request.level), "delta"
        low, high = limits
        return replace(bare, low=low, high=high, se=math.sqrt(sums.variance), method=method)


@dataclass(frozen=True, slots=True)
class Rate(FromMoments):
    """Events per exposure; ``per`` is the exposure that the rate is written for (100 customer-months)."""

    per: float = 1.0
    name: ClassVar[str] = "rate"
    label: ClassVar[Text] = Text("发生率", "rate")

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """Garwood on effective counts: events that cluster in few customers count for less (quasi-Poisson)."""
        rate = sums.ratio
        poisson = sums.sv / sums.sw**2
        deff = max(1.0, sums.variance / poisson) if sums.sv and sums.variance > 0 else 1.0
        low, high = (deff * limit / sums.sw for limit in intervals.garwood(sums.sv / deff, request.level))
        se = math.sqrt(deff * poisson)
        per = self.per
        return Figures(
            per * rate, per * low, per * high, per * se, sums.n, sums.rows, per * sums.sv, sums.sw, "garwood"
        )


@dataclass(frozen=True, slots=True)
class UnitCost(FromMoments):
    """Money spent divided by the number of customers won with it; the money is known, the number is chance."""

    name: ClassVar[str] = "unit_cost"
    label: ClassVar[Text] = Text("单位成本", "unit cost")

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """Exact Poisson interval on the number of customers, inverted. Without spend there is no cost to speak of."""
        if not sums.sv > 0:
            return Figures(n=sums.n, rows=sums.rows, numerator=sums.sv, denominator=sums.sw, why=NO_SPEND)
        fewest, most = intervals.garwood(sums.sw, request.level)
        cost = sums.sv / sums.sw
        return Figures(
            cost, sums.sv / most, sums.sv / fewest, cost / math.sqrt(sums.sw), sums.n, sums.rows, sums.sv, sums.sw,
            "poisson_inverse",
        )  # fmt: skip

    def without_weight(self, sums: Sums) -> Figures | None:
        """Money that won nobody is said, not passed over: it is part of the total."""
        return Figures(n=sums.n, rows=sums.rows, numerator=sums.sv, denominator=0.0, why=NOBODY_WON)


@dataclass(frozen=True, slots=True)
class Total(FromMoments):
    """A count or sum of everything there is."""

    name: ClassVar[str] = "total"
    label: ClassVar[Text] = Text("总量", "total")

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """The sum itself; nothing was sampled, so there is no interval, and it says so."""
        return Figures(
            sums.sv, n=sums.n, rows=sums.rows, numerator=sums.sv, denominator=None, method="census", why=CENSUS
        )


@dataclass(frozen=True, slots=True)
class Census(FromMoments):
    """A share of a complete count: every record is there, nothing was sampled."""

    name: ClassVar[str] = "census"
    label: ClassVar[Text] = Text("全量占比", "share of a complete count")

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """The quotient without an interval, and why there is none."""
        return replace(sums.figures, method="census", why=CENSUS)
