"""What a comparison of two waves can see: the smallest detectable change, and how many customers a wanted change needs.

Two waves with sizes n₀ and n₁ differ by chance with the error √(σ²·(1/n₀ + 1/n₁ − 2ρ/√(n₀n₁))), where σ² is the variance of
one unit. A true change of (z_{1−α/2} + z_{power}) such errors is found significant with the wanted power. This is asked
before a goal starts, and said again wherever no change is found.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import scipy

from crmtools.errors import CRMError
from crmtools.estimate import Estimate
from crmtools.goals.form import Form, form_of, is_given, size_of
from crmtools.indicators.catalogue import Better
from crmtools.indicators.moments import Kind
from crmtools.intervals import z_of

Toward = Literal["up", "down", "either"]
POWER = 0.80
MISSED = 0.85
"""Power with which a shortfall shall be seen: a little more than four in five, since the intervals of few answers are wide."""
MOST = 10**9
"""Customers beyond which a change is called out of reach."""


@dataclass(frozen=True, slots=True)
class Waves:
    """Two waves to be compared.

    ``n`` is the size of the later one: independent customers (waits for a duration, exposure for a rate). ``n_baseline``
    is that of the earlier one, by default the same, infinite where the baseline is a given value. ``correlation`` is that of
    the two *estimates*. ``level`` is that of the intervals, so that 0.95 is a two-sided test at 5 %.
    """

    n: float
    n_baseline: float | None = None
    correlation: float = 0.0
    level: float = 0.95
    power: float = POWER

    def __post_init__(self) -> None:
        if not (self.n > 0 and self.before > 0):
            raise CRMError(f"A wave needs a size above 0, found {self.before:g} and {self.n:g}.")
        if not -1 <= self.correlation <= 1:
            raise CRMError(f"A correlation lies between -1 and 1, found {self.correlation:g}.")
        if not (0.5 < self.level < 1 and 0.5 <= self.power < 1):
            raise CRMError(
                f"Level and power are shares above one half and below 1, found {self.level:g} and {self.power:g}."
            )

    @property
    def before(self) -> float:
        """The size of the earlier wave."""
        return self.n if self.n_baseline is None else self.n_baseline

    @property
    def error(self) -> float:
        """The error of the difference where one unit has the variance 1."""
        return self.error_of(1.0, 1.0)

    @property
    def errors_needed(self) -> float:
        """How many errors a true change must be large: 2.80 at 5 % and a power of 80 %."""
        return z_of(self.level) + self.z_of_power

    @property
    def z_of_power(self) -> float:
        """The normal quantile of the power."""
        return float(scipy.special.ndtri(self.power))

    def error_of(self, variance_before: float, variance_now: float) -> float:
        """The error of the difference where one unit has these variances."""
        before, now = variance_before / self.before, variance_now / self.n
        return math.sqrt(max(before + now - 2 * self.correlation * math.sqrt(before * now), 0.0))


def smallest_share(share: float, waves: Waves, *, toward: Toward = "either") -> float | None:
    """The smallest detectable change of a share, as a fraction; None where even 0 or 1 would not stand out.

    ``either`` takes the baseline's variance for both waves, as tables of such numbers do. ``up`` and ``down`` allow for the
    variance of the share that is moved to (Fleiss, Levin & Paik 2003, ch. 4): a share that falls towards 0 is seen sooner.
    """
    if not 0 <= share <= 1:
        raise CRMError(f"A share lies between 0 and 1, found {share:g}.")
    if toward == "either":
        return _or_none(waves.errors_needed * math.sqrt(share * (1 - share)) * waves.error, most=max(share, 1 - share))
    return _solved(share, waves, toward, lambda p: p * (1 - p), room=share if toward == "down" else 1 - share)


def smallest_mean(sd: float, waves: Waves) -> float:
    """The smallest detectable change of a mean whose customers have the standard deviation ``sd``."""
    return waves.errors_needed * _spread("standard deviation", sd) * waves.error


def smallest_rate(rate: float, waves: Waves, *, toward: Toward = "either") -> float | None:
    """The smallest detectable change of a rate; the waves' sizes are exposures in the rate's unit.

    For events that cluster in few customers the exposures are divided by the design effect. None where a rate of 0 would not
    stand out.
    """
    if not (rate >= 0 and math.isfinite(rate)):
        raise CRMError(f"A rate is not negative, found {rate:g}.")
    if toward == "either":
        return waves.errors_needed * math.sqrt(rate) * waves.error or None
    return _solved(rate, waves, toward, lambda r: r, room=rate if toward == "down" else math.inf)


def smallest_ratio(value: float, cv: float, waves: Waves, *, toward: Toward = "either") -> float:
    """The smallest detectable change of a positive ratio of sums, compared on the log scale.

    ``cv`` is the ratio's error times √n, divided by the ratio: for revenue per customer the coefficient of variation of the
    customers' revenue. A fall of so many per cent is smaller in money than the rise by the same factor; ``either`` gives
    the rise. Of a median wait ``cv`` is the error of its logarithm times √n: 1/ln 2 for exponential waits, √(π/2)·σ for
    log-normal ones; waits that are censored before the median count for nothing in the size.
    """
    if not (value > 0 and math.isfinite(value)):
        raise CRMError(f"A ratio on the log scale is above 0, found {value:g}.")
    step = waves.errors_needed * _spread("coefficient of variation", cv) * waves.error
    return -value * math.expm1(-step) if toward == "down" else value * math.expm1(step)


def needed(smallest: Callable[[Waves], float | None], change: float, *, waves: Waves | None = None) -> int | None:
    """The smallest size of the later wave at which a change is detectable; None where no size would do.

    ``smallest`` says what two waves can see: ``lambda w: smallest_share(0.75, w)``. ``waves`` holds all else: where its
    ``n_baseline`` is None both waves grow together, otherwise the baseline stays as it is.
    """
    if not (change > 0 and math.isfinite(change)):
        raise CRMError(f"A change to be detected is above 0, found {change:g}.")
    waves = waves or Waves(1.0)

    def seen(n: int) -> bool:
        found = smallest(replace(waves, n=float(n)))
        return found is not None and found <= change

    most = MOST
    if waves.n_baseline is not None and waves.correlation > 0:
        # a larger wave with the same correlation would ask the same customers more than once
        most = int(min(MOST, max(1.0, waves.n_baseline / waves.correlation**2)))
    if not seen(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


# ---- from what was measured


Smallest = Callable[[float, float], float | None]
"""The smallest detectable change by the customers of the reading, and by how many baselines there are."""


def smallest_by_customers(
    base: Estimate, kind: Kind, *, better: Better = "range", given: float | None = None, power: float = POWER
) -> Smallest | None:
    """What a later reading could show, in the indicator's unit, depending on how many customers it has.

    The base's own error says how much a customer tells, so that repeated rows and heavy tails are in it. The change is that
    from the base, or from ``given``, a value without an error. ``better`` is the direction in which a change is wanted. None
    where the base has no sampling error.
    """
    form = form_of(kind, base)
    size = size_of(base, form, kind)
    start = base.value if given is None else given
    if size is None or base.value is None or start is None or is_given(base) or not base.n:
        return None
    if form == "log" and start <= 0:
        return None
    each, before = size / base.n, size if given is None else math.inf

    def smallest(n: float, baselines: float) -> float | None:
        waves = Waves(n * each, before * baselines, level=base.level, power=power)
        return smallest_between(start, form, waves, better)

    return smallest


def customers_needed(smallest: Smallest, change: float) -> int | None:
    """How many customers a reading needs to show a change; None where none suffice."""
    return needed(lambda waves: smallest(waves.n, 1.0), change, waves=Waves(1.0, math.inf))


def customers_to_miss(
    base: Estimate, kind: Kind, shortfall: float, *, better: Better = "range", power: float = MISSED
) -> int | None:
    """How many customers a reading needs to lie wholly on the wrong side of a target that the truth misses by ``shortfall``.

    The target is fixed: only the reading has an error, which ``base`` tells. None where that is not known.
    """
    away: Better = {"higher": "lower", "lower": "higher", "range": "range"}[better]  # type: ignore[assignment]
    smallest = smallest_by_customers(base, kind, better=away, given=base.value, power=power)
    return None if smallest is None else customers_needed(smallest, shortfall)


def smallest_between(value: float, form: Form, waves: Waves, better: Better) -> float | None:
    """The smallest detectable change from a baseline, the waves' sizes being those of :mod:`crmtools.goals.form`.

    Where either direction may be right it is the larger of the two.
    """
    sides: tuple[Toward, ...] = {"higher": ("up",), "lower": ("down",), "range": ("up", "down")}[better]  # type: ignore[assignment]
    found = [_smallest(value, form, waves, side) for side in sides]
    return max((change for change in found if change is not None), default=None)


def _smallest(value: float, form: Form, waves: Waves, toward: Toward) -> float | None:
    match form:
        case "share":
            return smallest_share(min(max(value, 0.0), 1.0), waves, toward=toward)
        case "rate":
            return smallest_rate(value, waves, toward=toward)
        case "log":
            return smallest_ratio(value, 1.0, waves, toward=toward)
        case "net_share":
            return _or_none(smallest_mean(1.0, waves), most=100 + value if toward == "down" else 100 - value)
        case "count":
            return None
        case _:
            return smallest_mean(1.0, waves)


def _solved(
    value: float, waves: Waves, toward: Toward, variance: Callable[[float], float], *, room: float
) -> float | None:
    """The change d at which d = z_α·(error without a change) + z_power·(error with it).

    Without a change both waves have the pooled value, which the test of equality takes its error from.
    """
    sign = -1.0 if toward == "down" else 1.0
    part = waves.n / (waves.n + waves.before)  # nothing where the baseline is given: it stays what it is
    of_level, of_power = z_of(waves.level), waves.z_of_power

    def lacking(change: float) -> float:
        then = value + sign * change
        pooled = variance(value + part * sign * change)
        without, with_change = waves.error_of(pooled, pooled), waves.error_of(variance(value), variance(then))
        return change - of_level * without - of_power * with_change

    most = room
    if math.isinf(room):
        most = 1.0
        while lacking(most) < 0:
            most *= 2
    if not most > 0 or lacking(most) < 0:
        return None
    # not from 0 on: where the baseline has no variance, a change of nothing would be a solution
    return float(scipy.optimize.brentq(lacking, 1e-9 * most, most, xtol=1e-12 * most))


def _or_none(change: float, *, most: float) -> float | None:
    return change if 0 < change <= most else None


def _spread(what: str, value: float) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise CRMError(f"A {what} is above 0, found {value:g}.")
    return value
