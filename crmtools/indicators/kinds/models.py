"""Values that are worked out from counts of patterns: by a fitted model, as an account, as a coefficient."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import ibis.expr.types as ir
import pandas as pd

from crmtools.indicators.moments import Assumptions, Figures, Key, Request, key_of
from crmtools.words import Text


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
