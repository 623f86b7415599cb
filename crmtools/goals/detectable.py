"""What a comparison of two waves can see: the smallest detectable change, and how many customers a wanted change needs.

Two waves with sizes n₀ and n₁ differ by chance with the error √(σ²·(1/n₀ + 1/n₁ − 2ρ/√(n₀n₁))), where σ² is the variance of
one unit. A true change of (z_{1−α/2} + z_{power}) such errors is found significant with the wanted power. This is asked
before a goal starts, and said again wherever no change is found.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from scipy import optimize, stats

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
EXPONENTIAL = 1 / math.log(2)
"""Error of the logarithm of a median times √n, for exponential waits; for log-normal ones it is 1.25 times their log-sd."""
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
        return float(stats.norm.ppf(self.power))

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


def smallest_net_share(promoters: float, detractors: float, waves: Waves) -> float | None:
    """The smallest detectable change of a net share in points; both shares are fractions.

    None where it would lead out of the range from −100 to 100, or where everybody gave the same answer.
    """
    if not (promoters >= 0 and detractors >= 0 and promoters + detractors <= 1):
        raise CRMError(f"Promoters and detractors are shares of one whole, found {promoters:g} and {detractors:g}.")
    net = promoters - detractors
    change = waves.errors_needed * math.sqrt(max(promoters + detractors - net**2, 0.0)) * waves.error
    return _or_none(100 * change, most=100 * (1 + abs(net)))


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
    the rise.
    """
    if not (value > 0 and math.isfinite(value)):
        raise CRMError(f"A ratio on the log scale is above 0, found {value:g}.")
    step = waves.errors_needed * _spread("coefficient of variation", cv) * waves.error
    return -value * math.expm1(-step) if toward == "down" else value * math.expm1(step)


def smallest_median(median: float, waves: Waves, *, spread: float = EXPONENTIAL, toward: Toward = "either") -> float:
    """The smallest detectable change of a median wait, in its unit, compared on the log scale.

    ``spread`` is the error of the median's logarithm times √n: 1/ln 2 for exponential waits, √(π/2)·σ for log-normal ones.
    Waits that are censored before the median count for nothing in ``n``.
    """
    return smallest_ratio(median, spread, waves, toward=toward)


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


def smallest_change(
    baseline: Estimate, kind: Kind, *, n: float | None = None, correlation: float = 0.0, better: Better = "range", power: float = POWER
) -> float | None:  # fmt: skip
    """The smallest change in the baseline's unit that a later wave of ``n`` customers (by default as many) could show.

    The baseline's own error says how much a customer tells, so that repeated rows and heavy tails are in it. ``better`` is
    the direction in which a change is wanted. None where the baseline has no sampling error, or where nothing in that
    direction could be seen.
    """
    form = form_of(kind, baseline)
    size = size_of(baseline, form, kind)
    if size is None or baseline.value is None or is_given(baseline) or not baseline.n:
        return None
    now = size * (baseline.n if n is None else n) / baseline.n
    return smallest_between(baseline.value, form, Waves(now, size, correlation, baseline.level, power), better)


def customers_needed(
    baseline: Estimate, kind: Kind, change: float, *, correlation: float = 0.0, better: Better = "range", power: float = POWER
) -> int | None:  # fmt: skip
    """How many customers the later wave needs to show a change, the baseline being what it is; None where none suffice."""
    form = form_of(kind, baseline)
    size = size_of(baseline, form, kind)
    if size is None or baseline.value is None or is_given(baseline) or not baseline.n:
        return None
    value, each = baseline.value, size / baseline.n
    # counted in customers: a wave of n of them has the size n·each
    scaled = Waves(1.0, baseline.n, correlation, baseline.level, power)

    def smallest(waves: Waves) -> float | None:
        return smallest_between(value, form, replace(waves, n=waves.n * each, n_baseline=size), better)

    return needed(smallest, change, waves=scaled)


def customers_to_miss(
    base: Estimate, kind: Kind, shortfall: float, *, better: Better = "range", power: float = MISSED
) -> int | None:
    """How many customers a reading needs to lie wholly on the wrong side of a target that the truth misses by ``shortfall``.

    The target is fixed: only the reading has an error, which ``base`` tells. None where that is not known.
    """
    form = form_of(kind, base)
    size = size_of(base, form, kind)
    if size is None or base.value is None or is_given(base) or not base.n:
        return None
    value, each = base.value, size / base.n
    away: Better = {"higher": "lower", "lower": "higher", "range": "range"}[better]  # type: ignore[assignment]

    def smallest(waves: Waves) -> float | None:
        return smallest_between(value, form, replace(waves, n=waves.n * each), away)

    return needed(smallest, shortfall, waves=Waves(1.0, math.inf, 0.0, base.level, power))


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
    return float(optimize.brentq(lacking, 1e-9 * most, most, xtol=1e-12 * most))


def _or_none(change: float, *, most: float) -> float | None:
    return change if 0 < change <= most else None


def _spread(what: str, value: float) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise CRMError(f"A {what} is above 0, found {value:g}.")
    return value
