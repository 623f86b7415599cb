"""What is left of a total without one of its groups, and whether the group can be told from it.

A group is held against the rest and not against the total, which it is a part of itself: then a table's title and
:func:`crmtools.goals.contrasted.contrast` come to the same words.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from crmtools.estimate import Estimate
from crmtools.goals.change import between, is_seen
from crmtools.goals.form import Form, form_of, size_of
from crmtools.indicators.kinds import Concentration
from crmtools.indicators.moments import Kind
from crmtools.intervals import garwood, log_delta, t_interval, wilson, z_of

Apart = Literal["higher", "lower", "same", "undetectable", "unknown"]
ROUNDING = 1e-9


def apart(parts: Sequence[Estimate], total: Estimate, kind: Kind) -> list[Apart]:
    """Of each group whether it is higher or lower than all others together, by more than chance.

    Interval and test are those of :func:`crmtools.goals.change.between`. Of several comparisons made at once each p counts as
    many times (Bonferroni); two groups that are all there is are one comparison, with one another. "unknown": the group or the
    total has no value, or no error. Complete counts are held against the total as they are.
    """
    if len(parts) == 2 and sum(part.n for part in parts) == total.n:
        others: list[Estimate | None] = [*reversed(parts)]
        comparisons = 1
    else:
        others, comparisons = [without(part, total, kind) for part in parts], len(parts)
    return [_told(part, rest, total, kind, comparisons) for part, rest in zip(parts, others, strict=True)]


def _told(part: Estimate, rest: Estimate | None, total: Estimate, kind: Kind, comparisons: int) -> Apart:
    if not (_is_number(part.value) and _is_number(total.value)):
        return "unknown"
    if form_of(kind, part, total) == "count":
        return _side(part, total)
    found = between(rest, part, kind, 0.0) if rest is not None and _is_number(rest.value) else None
    if rest is None or found is None:
        return "unknown"
    p = min(1.0, found.p * comparisons)
    return _side(part, rest) if is_seen(found.low, found.high, p, part.level) else "undetectable"


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _side(part: Estimate, other: Estimate) -> Apart:
    one, against = part.value or 0.0, other.value or 0.0
    return "higher" if one > against else "lower" if one < against else "same"


def without(part: Estimate, total: Estimate, kind: Kind) -> Estimate | None:
    """The estimate of all customers but a group's; None where the group is all, an error is not known, or the total is no
    mean of its groups, as a concentration is none.

    With w the group's share of the denominator the rest is (total − w·part)/(1 − w), and its variance (var(total) −
    w²·var(part))/(1 − w)²: exact for shares, rates and means, and taken to be so for medians and models.
    """
    if isinstance(kind, Concentration):
        return None
    weight = _weight(part, total)
    form = form_of(kind, part, total)
    errors = _error(part, form, kind), _error(total, form, kind)
    if not weight < 1 or part.value is None or total.value is None or errors[0] is None or errors[1] is None:
        return None
    value = (total.value - weight * part.value) / (1 - weight)
    # where every case, or every other, is of the group, rounding leaves next to nothing; a median may leave less
    if form in ("share", "rate", "log") and value < ROUNDING * total.value:
        value = 0.0
    if form == "share" and 1 - value < ROUNDING * (1 - total.value):
        value = 1.0
    variance = (errors[1] ** 2 - (weight * errors[0]) ** 2) / (1 - weight) ** 2
    if not variance > 0:
        variance = errors[1] ** 2
    n = max(total.n - part.n, 2)
    limits = _limits(value, variance, n, form, total.level)
    if limits is None:
        return None
    return replace(
        total, value=value, low=limits[0], high=limits[1], se=math.sqrt(variance), group=(), n=n,
        method="wilson" if form == "share" else total.method,
        denominator=total.denominator - part.denominator if total.denominator and part.denominator else None,
    )  # fmt: skip


def _limits(value: float, variance: float, n: int, form: Form, level: float) -> tuple[float, float] | None:
    """The interval of the rest, in the way of its form; None where its form has none.

    Where nobody is a case, or all are, the error says nothing, and customers are counted as they are.
    """
    match form:
        case "share":
            return wilson(value, value * (1 - value) / variance if 0 < value < 1 else n, level)
        case "rate":
            size = value / variance if value > 0 else float(n)
            low, high = garwood(value * size, level)
            return low / size, high / size
        case "mean":
            return t_interval(value, variance, n, level)
        case "log":
            return log_delta(value, variance, level) if value > 0 else None
        case _:
            reach = z_of(level) * math.sqrt(variance)
            return value - reach, value + reach


def _error(estimate: Estimate, form: Form, kind: Kind) -> float | None:
    """The standard error of an estimate: its own, which adds up over groups, else what its interval tells."""
    size = size_of(estimate, form, kind)
    if size is None or estimate.value is None or not size > 0:
        return None
    if estimate.se:
        return estimate.se
    match form:
        case "share" | "rate":
            return 0.0
        case "log":
            return estimate.value / math.sqrt(size)
        case _:
            return 1 / math.sqrt(size)


def _weight(part: Estimate, total: Estimate) -> float:
    """The group's share of what the total is made of: of the denominator, else of the customers."""
    if part.denominator and total.denominator:
        return min(max(part.denominator / total.denominator, 0.0), 1.0)
    return min(part.n / total.n, 1.0) if total.n else 0.0
