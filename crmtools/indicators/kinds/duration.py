"""How long something takes, with those who still wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmtools import intervals
from crmtools.errors import CRMError
from crmtools.indicators.kinds.reasons import NO_UPPER, NOT_REACHED
from crmtools.indicators.moments import Figures, Key, Request, Sums, key_of, keyed, moments
from crmtools.words import Text


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
