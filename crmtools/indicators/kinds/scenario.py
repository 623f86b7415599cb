"""Costs of which everything is booked: a band of allocations in the place of an interval."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import ibis.expr.types as ir

from crmtools.indicators.kinds.reasons import NO_DATA, NO_SPEND, NOTHING_BELOW
from crmtools.indicators.moments import Figures, Key, Request, keyed
from crmtools.words import Text


@dataclass(frozen=True, slots=True)
class Scenario:
    """Money divided by what it was spent on, without sampling; how shared cost is allocated makes a band around it.

    Facts have ``value`` (the money under the key in force), ``least`` and ``most`` (under the keys that give the least and
    the most), and ``weight`` (below the line).
    """

    name: ClassVar[str] = "scenario"
    label: ClassVar[Text] = Text("单位成本（分摊区间）", "unit cost with a band of allocations")
    adds: ClassVar[bool] = False

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
        n, rows = int(line["n"]), int(line["rows"])
        counts = Figures(n=n, rows=rows, numerator=value, denominator=weight)
        if not weight > 0:
            return replace(counts, why=NOTHING_BELOW if value else NO_DATA)
        if not most > 0:
            return replace(counts, why=NO_SPEND)
        low, high = sorted((least / weight, most / weight))
        return replace(counts, value=value / weight, low=low, high=high, method="scenario")
