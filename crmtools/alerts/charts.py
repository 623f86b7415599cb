"""Control charts: is a value what chance makes of the values before it?

Laney's p′ and u′ charts widen (or narrow) the limits of shares and rates by how much the standardised values really move,
σ_z = MR̄(z)/1.128; without it every point of a large company would lie outside (Laney 2002, *Quality Engineering* 14).
Individuals charts use the mean moving range, EWMA charts see slow drift (λ = 0.2).

Limits come from the points before the last, the last one is judged: it cannot hide itself by widening its own limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

D2 = 1.128
"""Expected range of two normal values in standard deviations (Shewhart's d2 for n = 2)."""
SIGMAS, RUN = 3.0, 8
"""Width of the limits, and how many points on one side of the centre are no chance."""
LAMBDA = 0.2
Signal = Literal["above", "below", "run_above", "run_below"]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ControlChart:
    """Points with centre and limits, all of one length, in the unit of the points; ``sigma_z`` is 1 where there is no overdispersion."""

    points: Values
    centre: float
    low: Values
    high: Values
    sigma_z: float = 1.0
    independent: bool = True
    """Whether points tell of one period each; smoothed ones lie on one side for long by chance, so that runs say nothing."""

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What the last point says: beyond a limit, or the last of eight on one side. Empty when it is as chance makes it."""
        last, found = self.points[-1], []
        if last > self.high[-1]:
            found.append("above")
        if last < self.low[-1]:
            found.append("below")
        recent = self.points[-RUN:] if self.independent else self.points[:0]
        if len(recent) == RUN and bool(np.all(recent > self.centre)):
            found.append("run_above")
        if len(recent) == RUN and bool(np.all(recent < self.centre)):
            found.append("run_below")
        return tuple(found)  # type: ignore[arg-type]


def laney_p(numerator: Sequence[float], denominator: Sequence[float], *, baseline: int | None = None) -> ControlChart:
    """Shares: p̄ ± 3 σ_z √(p̄(1−p̄)/n). The first ``baseline`` points make the limits, by default all."""
    return _laney(numerator, denominator, baseline, share=True)


def laney_u(numerator: Sequence[float], denominator: Sequence[float], *, baseline: int | None = None) -> ControlChart:
    """Rates per unit of exposure: ū ± 3 σ_z √(ū/n)."""
    return _laney(numerator, denominator, baseline, share=False)


def individuals(values: Sequence[float], *, baseline: int | None = None) -> ControlChart:
    """Single values (XmR): x̄ ± 3 MR̄/1.128."""
    points = _points(values)
    part = points[:baseline]
    centre, sigma = float(part.mean()), _mean_range(part) / D2
    return ControlChart(points, centre, *_around(centre, np.full(len(points), sigma)))


def ewma(
    values: Sequence[float],
    *,
    baseline: int | None = None,
    weight: float = LAMBDA,
    sigmas: float = SIGMAS,
    centre: float | None = None,
    sigma: float | None = None,
) -> ControlChart:
    """Exponentially weighted means z_i = λ x_i + (1−λ) z_{i−1} from the centre on, with limits
    centre ± L σ √(λ/(2−λ) · (1−(1−λ)^{2i})) (Roberts 1959); ``sigma`` by the mean moving range where it is not known.
    """
    if not 0 < weight <= 1:
        raise ValueError(f"weight = {weight}: it lies above 0 and is 1 at most")
    given = _points(values)
    part = given[:baseline]
    centre = float(part.mean()) if centre is None else centre
    sigma = _mean_range(part) / D2 if sigma is None else sigma
    smoothed, last = np.empty(len(given)), centre
    for number, value in enumerate(given):
        last = weight * value + (1 - weight) * last
        smoothed[number] = last
    steps = np.arange(1, len(given) + 1)
    spread = sigma * np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * steps)))
    return ControlChart(smoothed, centre, *_around(centre, spread, sigmas), independent=False)


def _laney(
    numerator: Sequence[float], denominator: Sequence[float], baseline: int | None, *, share: bool
) -> ControlChart:
    above, below = _points(numerator), _points(denominator)
    if len(above) != len(below) or bool(np.any(below <= 0)):
        raise ValueError("a chart of shares or rates needs a denominator above 0 for every point")
    points = above / below
    centre = float(above[:baseline].sum() / below[:baseline].sum())
    spread = np.sqrt(centre * (1 - centre) / below) if share else np.sqrt(centre / below)
    if not bool(np.all(spread > 0)):  # nothing ever happened, or always
        return ControlChart(points, centre, np.full(len(points), centre), np.full(len(points), centre), 0.0)
    sigma_z = _mean_range(((points - centre) / spread)[:baseline]) / D2
    low, high = _around(centre, sigma_z * spread)
    return ControlChart(points, centre, np.maximum(low, 0), np.minimum(high, 1) if share else high, sigma_z)


def _points(values: Sequence[float]) -> Values:
    points = np.asarray(values, dtype=float)
    if points.ndim != 1 or len(points) < 2 or not bool(np.all(np.isfinite(points))):
        raise ValueError("a chart needs at least two numbers, none of them missing")
    return points


def _mean_range(points: Values) -> float:
    if len(points) < 2:
        raise ValueError("limits need at least two points")
    return float(np.abs(np.diff(points)).mean())


def _around(centre: float, spread: Values, sigmas: float = SIGMAS) -> tuple[Values, Values]:
    return centre - sigmas * spread, centre + sigmas * spread
