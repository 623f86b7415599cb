"""How facts become a value and an interval: one kind per form of indicator.

A kind asks the engine for sums over sampled units (:mod:`crmtools.indicators.moments`) and turns one line of sums into
:class:`Figures <crmtools.indicators.moments.Figures>`. Rows reach Python only where a small sample needs resampling, or as
counts per distinct waiting time.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmtools import intervals
from crmtools.errors import CRMError
from crmtools.indicators.moments import Assumptions, Figures, FromMoments, Key, Request, Sums, bootstrap, keyed, moments
from crmtools.words import Text

NO_DATA = Text("该期间没有可用数据", "nothing to count in this period")
TOO_FEW = Text("客户不足 {n} 位，不给出区间", "fewer than {n} customers: an interval would claim too much")
ALIKE = Text("各客户数值相同，无法估计误差", "all customers are alike: the data show no error to measure")
SINGLE = Text("只有一位客户，无法估计误差", "a single customer: no error can be estimated")
NOT_REACHED = Text("数据尚不足以达到该分位数", "the data do not reach that quantile yet")
NO_UPPER = Text("区间上限尚未达到", "the upper limit is not reached by the data")
NO_SPEND = Text("该期间没有费用记录", "no spend is recorded")
NOBODY_WON = Text("有费用而无新客户", "money was spent, and nobody was won")
CENSUS = Text("全量统计，无抽样误差", "a complete count: there is no sampling error")

SMALL_FOR_RATIO = 2000
CLEAR_OF_ZERO = 3.0
"""Standard errors that a ratio with negative parts must lie above zero for its logarithm to be trusted."""
SMALL_FOR_MEAN = 30
BOOTSTRAP_FROM = 8
"""Customers below which there are too few different resamples: of answers from 1 to 5, bootstrap-t would cover 55 % at
n = 3 and 78 % at n = 5 instead of 95 %, Student's t 99 % and 91 %."""


@dataclass(frozen=True, slots=True)
class Share(FromMoments):
    """Share of customers (or customer-months, tickets, …) to which something applies."""

    name: ClassVar[str] = "share"
    label: ClassVar[Text] = Text("占比", "share")

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """Wilson on the effective n: the design effect of weights and of repeated rows is taken out of n."""
        share, of_rows, of_units = sums.ratio, sums.sw**2 / sums.squares, sums.sw**2 / sums.sww
        n = intervals.effective_n(share, sums.variance, of_units, of_rows)
        low, high = intervals.wilson(share, n, request.level)
        se = math.sqrt(share * (1 - share) / n)
        return Figures(share, low, high, se, sums.n, sums.rows, sums.sv, sums.sw, "wilson")


@dataclass(frozen=True, slots=True)
class NetShare(FromMoments):
    """Share of promoters minus share of detractors, from −100 to 100; facts hold +1, 0 or −1."""

    name: ClassVar[str] = "net_share"
    label: ClassVar[Text] = Text("净占比", "net share")

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """Adjusted Wald on the effective n."""
        net, either, n = sums.ratio, sums.sav / sums.sw, sums.sw**2 / sums.sww
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
            return replace(bare, why=Text(TOO_FEW.zh.format(n=30), TOO_FEW.en.format(n=30)))
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
class Duration:
    """Quantile of a waiting time; waits that still go on are censored, never dropped.

    The quantile is the indicator's assumption ``quantile`` (0.5 is the median).
    """

    name: ClassVar[str] = "duration"
    label: ClassVar[Text] = Text("时长", "waiting time")

    def query(self, facts: ir.Table, keys: tuple[str, ...]) -> ir.Table:
        """How many waits of each length ended, and how many still went on, per group."""
        return (
            facts.group_by([*keys, "value"])
            .aggregate(events=facts.event.cast("int64").sum(), rows=facts.count())
            .order_by([*keys, "value"])
        )

    def read(self, request: Request) -> dict[Key, Figures]:
        """Kaplan–Meier quantile with Brookmeyer–Crowley interval, widened for customers with several waits."""
        keys = list(request.keys)
        counts = request.run(self.query(request.facts, request.keys))
        if counts.empty:
            return {}
        quantile = float(request.assumptions["quantile"])  # type: ignore[arg-type]
        if not 0 < quantile < 1:
            raise CRMError(f"A quantile lies between 0 and 1, found {quantile:g}: 0.5 is the median, 0.9 nine in ten.")
        groups: dict[Key, pd.DataFrame] = {
            key if isinstance(key, tuple) else (key,): group for key, group in counts.groupby(keys, dropna=False)
        }
        # each group by its own threshold, so that it has the same interval alone as among others
        thresholds = {key: self._quantile(group, quantile, 1.0, request.level)[0] for key, group in groups.items()}
        effects = self._design_effects(request, thresholds)
        figures = {}
        for key, group in groups.items():
            n, deff = effects[key]
            value, low, high = self._quantile(group, quantile, deff, request.level)
            why = NOT_REACHED if value is None else NO_UPPER if high is None else None
            se = (high - low) / (2 * intervals.z_of(request.level)) if low is not None and high is not None else None
            if value is None:
                low = high = se = None
            figures[key] = Figures(
                value, low, high, se, n, int(group.rows.sum()), float(group.events.sum()), float(group.rows.sum()),
                "brookmeyer_crowley" if value is not None else "none", why,
            )  # fmt: skip
        return figures

    @staticmethod
    def _quantile(
        counts: pd.DataFrame, quantile: float, deff: float, level: float
    ) -> tuple[float | None, float | None, float | None]:
        times, events = counts["value"].to_numpy(float), counts["events"].to_numpy(float)
        censored = counts["rows"].to_numpy(float) - events
        return intervals.survival_quantile(times, events, censored, quantile=quantile, deff=deff, level=level)

    @staticmethod
    def _design_effects(request: Request, thresholds: Mapping[Key, float | None]) -> dict[Key, tuple[int, float]]:
        """Customers per group, and how much their repeated waits inflate the variance of the share above its threshold."""
        facts = request.facts
        reached = [
            (_is_group(facts, request.keys, key), limit) for key, limit in thresholds.items() if limit is not None
        ]
        above = facts.value > (ibis.cases(*reached, else_=0.0) if reached else ibis.literal(0.0))
        # a wait that broke off before the threshold tells neither way
        told = ibis.ifelse(facts.event | above, 1.0, 0.0)
        sums = request.run(moments(facts.mutate(value=ibis.ifelse(above, 1.0, 0.0), weight=told), request.keys))
        effects: dict[Key, tuple[int, float]] = {}
        for key, record in keyed(sums, request.keys):
            line = Sums(**{name: record[name] for name in Sums.__slots__})  # type: ignore[arg-type]
            deff = 1.0
            if line.sw and 0 < line.ratio < 1 and line.variance > 0:
                deff = max(1.0, line.variance / (line.ratio * (1 - line.ratio) / line.sw))
            effects[key] = (line.n, deff)
        return effects


def _is_group(facts: ir.Table, keys: Sequence[str], key: Key) -> ir.BooleanValue:
    """Whether a row belongs to a group; a missing attribute is a group too."""
    belongs: ir.BooleanValue = ibis.literal(True)
    for name, value in zip(keys, key, strict=True):
        missing = value is None or value != value
        belongs &= facts[name].identical_to(ibis.null(facts[name].type()) if missing else value)
    return belongs


@dataclass(frozen=True, slots=True)
class Model:
    """A value that comes from a fitted model; ``fit`` turns one group's patterns into figures.

    Facts are one row per customer with the columns in ``pattern``; customers who are alike are counted together on the
    engine, so that ``fit(patterns, assumptions, level)`` sees distinct patterns with a column ``weight``.
    """

    fit: Callable[[pd.DataFrame, Assumptions, float], Figures]
    pattern: tuple[str, ...]
    name: ClassVar[str] = "model"
    label: ClassVar[Text] = Text("模型", "model")

    def query(self, facts: ir.Table, keys: tuple[str, ...]) -> ir.Table:
        """Distinct patterns per group with the number of customers that show them."""
        columns = [*keys, *self.pattern]
        return facts.group_by(columns).aggregate(weight=facts.count()).order_by(columns)

    def read(self, request: Request) -> dict[Key, Figures]:
        """One fit per group."""
        patterns = request.run(self.query(request.facts, request.keys))
        return {
            (key if isinstance(key, tuple) else (key,)): self.fit(group, request.assumptions, request.level)
            for key, group in patterns.groupby(list(request.keys), dropna=False)
        }
