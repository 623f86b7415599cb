"""How far a group lies from the total that holds it, and whether that can be told from chance.

The distance must exceed its own error, and the error that the intervals tell by the distances of their facing limits (MOVER: Zou &
Donner 2008). Without the second condition a share of 0 %, whose standard error is 0, would count as known exactly.
"""

import math
from dataclasses import dataclass

from crmtools.estimate import Estimate
from crmtools.intervals import z_of
from crmtools.show.sentences import Moved, known


@dataclass(frozen=True, slots=True)
class Distance:
    """A group minus the total, and the smallest distance that could be told from chance (None: unknown)."""

    difference: float
    threshold: float | None

    @property
    def verdict(self) -> Moved:
        """What may be said about it."""
        if self.threshold is None:
            return "unknown"
        if self.threshold == 0 and self.difference == 0:
            return "same"
        if abs(self.difference) <= self.threshold:
            return "undetectable"
        return "higher" if self.difference > 0 else "lower"


def apart(part: Estimate, total: Estimate, *, comparisons: int = 1) -> Distance | None:
    """How far a group lies from the total that holds it; None where one of them has no value.

    With w the group's weight, part − total = (1 − w)·(part − rest), so its variance is (1 − w)²·se²(part) + se²(total) −
    w²·se²(part). Many ``comparisons`` at once ask for a larger difference each (Bonferroni).
    """
    here, there = known(part.value), known(total.value)
    if here is None or there is None:
        return None
    weight, z = _weight(part, total), z_of(1 - (1 - part.level) / comparisons)
    side, facing = ("low", "high") if here >= there else ("high", "low")
    spreads = (
        (_error(part), _error(part), _error(total), z),
        (_reach(part, side), _reach(part, facing), _reach(total, facing), z / z_of(part.level)),
    )
    thresholds = []
    for near, far, across, scale in spreads:
        if near is not None and across is not None:
            rest = max(across**2 - (weight * (far or 0.0)) ** 2, 0.0)
            thresholds.append(scale * math.hypot((1 - weight) * near, math.sqrt(rest)))
    return Distance(here - there, max(thresholds, default=None))


def _weight(part: Estimate, total: Estimate) -> float:
    """The group's share of what the total is made of: of the denominator, else of the customers."""
    if part.denominator and total.denominator:
        return min(max(part.denominator / total.denominator, 0.0), 1.0)
    return min(part.n / total.n, 1.0) if total.n else 0.0


def _error(estimate: Estimate) -> float | None:
    return 0.0 if estimate.method == "census" else known(estimate.se)


def _reach(estimate: Estimate, side: str) -> float | None:
    """How far the interval reaches from the value to one side: 0 for a complete count, None where it is open."""
    if estimate.method == "census":
        return 0.0
    limit = known(getattr(estimate, side))
    return abs(limit - estimate.value) if limit is not None and estimate.value is not None else None
