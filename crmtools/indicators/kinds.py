"""How facts become a value and an interval: one kind per form of indicator.

A kind asks the engine for sums over sampled units (:mod:`crmtools.indicators.moments`) and turns one line of sums into
:class:`Figures <crmtools.indicators.moments.Figures>`. Rows reach Python only where a small sample needs resampling, or as
counts per distinct waiting time.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmtools import intervals
from crmtools.errors import CRMError
from crmtools.indicators.moments import (
    Assumptions,
    Figures,
    FromMoments,
    Key,
    Request,
    Sums,
    bootstrap,
    key_of,
    keyed,
    moments,
    per_unit,
)
from crmtools.words import Text

NO_DATA = Text("该期间没有可用数据", "nothing to count in this period")
TOO_FEW = Text("客户不足 {n} 位，不给出区间", "fewer than {n} customers: an interval would claim too much")
ALIKE = Text("各客户数值相同，无法估计误差", "all customers are alike: the data show no error to measure")
ALL_AT_TOP = Text(
    "全部集中于前列客户，无法估计误差", "the top customers hold everything: the data show no error to measure"
)
SINGLE = Text("只有一位客户，无法估计误差", "a single customer: no error can be estimated")
NOT_REACHED = Text("数据尚不足以达到该分位数", "the data do not reach that quantile yet")
NO_UPPER = Text("区间上限尚未达到", "the upper limit is not reached by the data")
NO_SHARE = Text(
    "分子大于分母，不构成占比，不给出区间", "more above the line than below it: no share, and no interval of one"
)
NO_SPEND = Text("该期间没有费用记录", "no spend is recorded")
NOBODY_WON = Text("有费用而无新客户", "money was spent, and nobody was won")
NOTHING_BELOW = Text("有费用而无对应的客户或工单", "money was spent, and there is nothing to divide it by")
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
class Census(FromMoments):
    """A share of a complete count: every record is there, nothing was sampled."""

    name: ClassVar[str] = "census"
    label: ClassVar[Text] = Text("全量占比", "share of a complete count")

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """The quotient without an interval, and why there is none."""
        return replace(sums.figures, method="census", why=CENSUS)


@dataclass(frozen=True, slots=True)
class Duration:
    """Quantile of a waiting time; waits that still go on are censored, never dropped.

    The quantile is the indicator's assumption ``quantile`` (0.5 is the median).
    """

    name: ClassVar[str] = "duration"
    label: ClassVar[Text] = Text("时长", "waiting time")
    adds: ClassVar[bool] = True

    @property
    def labels(self) -> tuple[str, ...]:
        """The waits."""
        return ("value",)

    def query(self, facts: ir.Table, keys: tuple[str, ...], *, unique: bool = False) -> ir.Table:
        """How many waits of each length ended, and how many still went on, per group."""
        return (
            facts.group_by([*keys, "value"])
            .aggregate(events=facts.event.cast("int64").sum(), rows=facts.count())
            .order_by([*keys, "value"])
        )

    def read(self, request: Request) -> dict[Key, Figures]:
        """Kaplan–Meier quantile with Brookmeyer–Crowley interval, widened for customers with several waits."""
        keys = list(request.keys)
        counts = request.answered(self)
        if counts.empty:
            return {}
        quantile = float(request.assumptions["quantile"])  # type: ignore[arg-type]
        if not 0 < quantile < 1:
            raise CRMError(f"A quantile lies between 0 and 1, found {quantile:g}: 0.5 is the median, 0.9 nine in ten.")
        groups: dict[Key, pd.DataFrame] = {
            key_of(key): group.sort_values("value") for key, group in counts.groupby(keys, dropna=False)
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

    Facts are rows with the columns in ``pattern``; rows that are alike are counted together on the engine, so that
    ``fit(patterns, assumptions, level)`` sees distinct patterns with a column ``weight`` (how many rows) and, where the facts
    have a ``value``, its sum.
    """

    fit: Callable[[pd.DataFrame, Assumptions, float], Figures]
    pattern: tuple[str, ...]
    name: ClassVar[str] = "model"
    label: ClassVar[Text] = Text("模型", "model")
    adds: ClassVar[bool] = True

    @property
    def labels(self) -> tuple[str, ...]:
        """The patterns."""
        return self.pattern

    def query(self, facts: ir.Table, keys: tuple[str, ...], *, unique: bool = False) -> ir.Table:
        """Distinct patterns per group with the number of rows that show them."""
        columns = [*keys, *self.pattern]
        sums = {"value": facts.value.sum()} if "value" in facts.columns else {}
        return facts.group_by(columns).aggregate(weight=facts.count(), rows=facts.count(), **sums).order_by(columns)

    def read(self, request: Request) -> dict[Key, Figures]:
        """One fit per group."""
        patterns = request.answered(self)
        return {
            key_of(key): self.fit(
                group.sort_values(list(self.pattern)).reset_index(drop=True), request.assumptions, request.level
            )
            for key, group in patterns.groupby(list(request.keys), dropna=False)
        }


@dataclass(frozen=True, slots=True)
class Account(Model):
    """A figure of the books, worked out by ``fit`` from sums: everything is there, nothing was sampled."""

    name: ClassVar[str] = "account"
    label: ClassVar[Text] = Text("账面数字", "accounting figure")


@dataclass(frozen=True, slots=True)
class Coefficient(Model):
    """A coefficient that ``fit`` works out from counts of patterns, with an interval by resampling them."""

    name: ClassVar[str] = "coefficient"
    label: ClassVar[Text] = Text("系数", "coefficient")


@dataclass(frozen=True, slots=True)
class Scenario:
    """Money divided by what it was spent on, without sampling; how shared cost is allocated makes a band around it.

    Facts have ``value`` (the money under the key in force), ``least`` and ``most`` (under the keys that give the least and
    the most), and ``weight`` (below the line).
    """

    name: ClassVar[str] = "scenario"
    label: ClassVar[Text] = Text("单位成本（分摊区间）", "unit cost with a band of allocations")
    adds: ClassVar[bool] = True

    @property
    def labels(self) -> tuple[str, ...]:
        """None: one line of sums per group."""
        return ()

    def query(self, facts: ir.Table, keys: tuple[str, ...], *, unique: bool = False) -> ir.Table:
        """The sums per group; ``n`` counts the customers below the line."""
        records = facts.records.sum() if "records" in facts.columns else facts.count()
        return facts.group_by(list(keys)).aggregate(
            rows=records,
            n=facts.customer_id.nunique(where=facts.weight != 0),
            **{name: facts[name].cast("float64").sum() for name in ("value", "least", "most", "weight")},
        )

    def read(self, request: Request) -> dict[Key, Figures]:
        """The quotients. Nothing below the line is said; nothing above it is no cost."""
        return {key: self._figures(line) for key, line in keyed(request.answered(self), request.keys)}

    @staticmethod
    def _figures(line: Mapping[Hashable, object]) -> Figures:
        value, least, most, weight = (float(line[name]) for name in ("value", "least", "most", "weight"))  # type: ignore[arg-type]
        n, rows = int(line["n"]), int(line["rows"])  # type: ignore[call-overload]
        counts = Figures(n=n, rows=rows, numerator=value, denominator=weight)
        if not weight > 0:
            return replace(counts, why=NOTHING_BELOW if value else NO_DATA)
        if not most > 0:
            return replace(counts, why=NO_SPEND)
        low, high = sorted((least / weight, most / weight))
        return replace(counts, value=value / weight, low=low, high=high, method="scenario")


@dataclass(frozen=True, slots=True)
class Concentration:
    """The share of the sum that the largest ``top`` of the customers hold (10 % unless said otherwise).

    The value of the Lorenz curve; a customer on the edge counts in part, so that exactly a tenth is counted.
    """

    top: float = 0.1
    name: ClassVar[str] = "concentration"
    label: ClassVar[Text] = Text("集中度", "concentration")
    adds: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """None: one line of sums per group."""
        return ()

    def query(self, facts: ir.Table, keys: tuple[str, ...], *, unique: bool = False) -> ir.Table:
        """Per group: the number of customers, the edge of the top, and the sums above it."""
        units = per_unit(facts, keys, unique=unique)
        whole = ibis.window(group_by=list(keys))
        order = ibis.window(group_by=list(keys), order_by=[ibis.desc(units.v), units.customer_id])
        ranked = units.mutate(place=ibis.row_number().over(order) + 1, size=units.customer_id.count().over(whole))
        # the customer in whom the tenth is completed holds the edge
        at_edge = ranked.place == (ranked["size"] * self.top).ceil()
        edged = ranked.mutate(edge=ibis.ifelse(at_edge, ranked.v, ibis.null("float64")).max().over(whole))
        above = ibis.ifelse(edged.v > edged.edge, edged.v, 0.0)
        return edged.group_by(list(keys)).aggregate(
            n=edged.customer_id.count(),
            rows=edged.rows.sum(),
            edge=edged.edge.max(),
            sv=edged.v.sum(),
            svv=(edged.v * edged.v).sum(),
            over=(edged.v > edged.edge).cast("int64").sum(),
            sover=above.sum(),
            soverover=(above * above).sum(),
        )

    def read(self, request: Request) -> dict[Key, Figures]:
        """The share with its interval by the influence function; no claim below thirty customers."""
        return {
            key: self._figures(
                {str(name): float(x) for name, x in line.items() if name not in request.keys}, request.level
            )  # type: ignore[arg-type]
            for key, line in keyed(request.answered(self), request.keys)
        }

    def _figures(self, line: Mapping[str, float], level: float) -> Figures:
        n, total, edge = int(line["n"]), line["sv"], line["edge"]
        if not total > 0:
            return Figures(n=n, rows=int(line["rows"]), why=NO_DATA)
        held = line["sover"] + (self.top * n - line["over"]) * edge
        share = held / total
        bare = Figures(share, n=n, rows=int(line["rows"]), numerator=held, denominator=total)
        if n < SMALL_FOR_MEAN:
            return replace(bare, why=Text(TOO_FEW.zh.format(n=SMALL_FOR_MEAN), TOO_FEW.en.format(n=SMALL_FOR_MEAN)))
        # Σ of squares of (y − q)·[y > q] + q·p − T·y, the influence of one customer times the mean
        excess, constant = line["soverover"] - 2 * edge * line["sover"] + line["over"] * edge**2, edge * self.top
        above, times = line["sover"] - edge * line["over"], line["soverover"] - edge * line["sover"]
        squares = excess + n * constant**2 + share**2 * line["svv"]
        squares += 2 * constant * above - 2 * share * times - 2 * constant * share * total
        se = math.sqrt(max(squares, 0.0) * n / (n - 1)) / total
        if share > 1 - 1e-12:
            return replace(bare, why=ALL_AT_TOP)
        if not se > 1e-7:  # what is left of the sums' last digits
            return replace(bare, why=ALIKE)
        # on the log-odds scale, which keeps the limits between 0 and 1
        odds, half = math.log(share / (1 - share)), intervals.z_of(level) * se / (share * (1 - share))
        low, high = (1 / (1 + math.exp(-(odds + side * half))) for side in (-1, 1))
        return replace(bare, low=low, high=high, se=se, method="influence")
