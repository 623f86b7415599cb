"""An indicator's past as numbers: values, their sampling errors, and what they rest on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Literal, Self

from crmtools.errors import CRMError
from crmtools.estimate import Estimate
from crmtools.indicators.catalogue import find
from crmtools.measuring import Trend
from crmtools.period import MONTHS_IN

SeriesStep = Literal["month", "quarter"]
SEASONS: dict[SeriesStep, int] = {"month": 12, "quarter": 4}
SETTLED = 0.8
"""The share of a period whose follow-up must be over: what is still filling up would look like a decline."""


@dataclass(frozen=True, slots=True)
class Series:
    """Consecutive periods of one indicator, earliest first; all tuples are equally long.

    ``values`` in the indicator's unit, None where a period has none: a gap, not a zero. ``errors`` are standard errors of
    sampling, 0 for a complete count, None where unknown. ``n`` counts sampled units. ``low`` and ``high`` bound what a value can
    be, None is unbounded. ``kind`` is the name of the indicator's kind, ``season`` the periods of a year.
    """

    values: tuple[float | None, ...]
    errors: tuple[float | None, ...]
    kind: str
    n: tuple[float, ...]
    step: SeriesStep = "month"
    season: int = 12
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if len({len(getattr(self, name)) for name in _COLUMNS}) > 1:
            raise CRMError("A series needs as many errors and n as values.")
        for value in self.values:
            if value is not None and not math.isfinite(value):
                raise CRMError(f"A series has numbers or gaps, found {value}.")
            if value is not None and not self.legal(value):
                raise CRMError(f"{value:g} is outside what the series can be ({self.low} to {self.high}).")
        if any(error is not None and not 0 <= error < math.inf for error in self.errors):
            raise CRMError("A standard error is a finite number of 0 or more, or None where it is unknown.")

    @classmethod
    def of(cls, past: Trend | Sequence[Estimate]) -> Self:
        """The series of a trend's estimates, or of estimates of consecutive months or quarters.

        A period that is hidden, has no value or is not settled (``maturity`` below 0.8) becomes a gap. The ends are kept:
        the last period of the series is the one that horizons count from, with or without a value.
        """
        estimates = past.estimates if isinstance(past, Trend) else tuple(past)
        if not estimates:
            raise CRMError("A series needs at least one period.")
        item = past.indicator if isinstance(past, Trend) else find(estimates[0].indicator)
        kinds = {e.period.kind for e in estimates}
        step: SeriesStep | None = "month" if kinds == {"month"} else "quarter" if kinds == {"quarter"} else None
        if step is None or any(a.period.end != b.period.start for a, b in pairwise(estimates)):
            raise CRMError("A series is made of consecutive months or of consecutive quarters.")
        known = [e.value is not None and (e.maturity is None or e.maturity >= SETTLED) for e in estimates]
        complete = [e.method == "census" for e in estimates]
        return cls(
            tuple(e.value if ok else None for e, ok in zip(estimates, known)),
            tuple(0.0 if whole else e.se for e, whole in zip(estimates, complete)),
            item.kind.name,
            tuple(float(e.n) if ok else 0.0 for e, ok in zip(estimates, known)),
            step, SEASONS[step], item.unit.low, item.unit.high,
        )  # fmt: skip

    @classmethod
    def plain(
        cls,
        values: Sequence[float | None],
        errors: Sequence[float | None] | float | None = None,
        *,
        kind: str = "mean",
        n: Sequence[float] | float = 1.0,
        step: SeriesStep = "month",
        low: float | None = None,
        high: float | None = None,
    ) -> Self:
        """A series from plain numbers; one error or one n stands for all periods."""
        size = len(values)
        if step not in MONTHS_IN or step not in SEASONS:
            raise CRMError(f"'{step}' is no step of a series. Allowed: {', '.join(SEASONS)}.")
        each = (errors,) * size if errors is None or isinstance(errors, (int, float)) else tuple(errors)
        units = (float(n),) * size if isinstance(n, (int, float)) else tuple(map(float, n))
        return cls(tuple(values), each, kind, units, step, SEASONS[step], low, high)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def known(self) -> int:
        """Periods that have a value."""
        return sum(value is not None for value in self.values)

    def legal(self, value: float) -> bool:
        """Whether the indicator can take a value."""
        return (self.low is None or value >= self.low - 1e-9) and (self.high is None or value <= self.high + 1e-9)

    def until(self, count: int) -> Self:
        """The first ``count`` periods: what was known then."""
        if not 0 <= count <= len(self):
            raise CRMError(f"The series has {len(self)} periods, it cannot be cut after {count}.")
        return replace(self, **{name: getattr(self, name)[:count] for name in _COLUMNS})


_COLUMNS = tuple(field.name for field in fields(Series) if str(field.type).startswith("tuple"))
