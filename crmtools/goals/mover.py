"""An interval for a difference from the intervals of its two parts (MOVER)."""

import math

from crmtools.errors import CRMError

Limits = tuple[float, float, float]
"""Value, lower limit, upper limit."""


def mover(baseline: Limits, now: Limits, *, correlation: float = 0.0) -> tuple[float, float]:
    """The interval of ``now`` minus ``baseline`` by the method of variance estimates recovery (Zou & Donner 2008).

    The distance from a value to each of its limits stands for its error on that side. The lower limit of the difference is
    where ``now`` is as low and the baseline as high as chance allows:

        L = d − √(a² + b² − 2ρab), a = now − its lower limit, b = the baseline's upper limit − baseline

    and the upper limit likewise, with the other two arms. The skewness of the parts (money, waiting times) is carried over,
    and no variance is asked for. With Wilson's limits of two independent shares this is Newcombe's interval (1998, method 10).
    ``correlation`` is that of the two estimates (Zou 2007): customers who are in both periods make it positive.
    """
    if not -1 <= correlation <= 1:
        raise CRMError(f"A correlation lies between -1 and 1, found {correlation:g}.")
    (before, before_low, before_high), (after, after_low, after_high) = baseline, now
    difference = after - before
    low = difference - _together(after - after_low, before_high - before, correlation)
    high = difference + _together(after_high - after, before - before_low, correlation)
    return low, high


def _together(one: float, other: float, correlation: float) -> float:
    # rounding may leave a little less than nothing where the two cancel
    return math.sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0))
