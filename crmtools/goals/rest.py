"""Which groups of a breakdown can be told from the others, by the figures of the groups and of the total alone.

Where the total is a mean of its groups, a group is held against the rest, which follows from the two: then a table's title and
:func:`crmtools.goals.contrasted.contrast` come to the same words. Of medians, models and the like, and where a customer can be in
several groups, the rest does not follow; a group is then held against the total that it is a part of, by a test that asks for more.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from crmtools.estimate import Estimate, valued
from crmtools.goals.change import between, is_seen
from crmtools.goals.form import Form, form_of, size_of
from crmtools.indicators.kinds import Mean, NetShare, Rate, Ratio, Share
from crmtools.indicators.moments import Kind
from crmtools.intervals import garwood, log_delta, t_interval, wilson, z_of
from crmtools.measuring import Breakdown

Apart = Literal["higher", "lower", "same", "undetectable", "unknown"]
MEANS = (Share, NetShare, Mean, Ratio, Rate)
"""Kinds whose total is the mean of its groups, weighted by their denominators, with errors that add up."""
ROUNDING = 1e-9


def apart(parts: Breakdown, total: Estimate) -> list[Apart]:
    """Of each group that has a value whether it is higher or lower than the others, by more than chance.

    Of several comparisons made at once each p counts as many times (Bonferroni); two groups that are all there is are one
    comparison. "unknown": an error is not known.
    """
    groups, kind = valued(parts.estimates), parts.indicator.kind
    overlapping = parts.by in parts.indicator.splits or sum(part.n for part in groups) > total.n
    exact = isinstance(kind, MEANS) and not overlapping and form_of(kind, total, *groups) != "count"
    if not exact:
        return [_from_total(part, total, len(groups)) for part in groups]
    if len(groups) == 2 and _are_all(groups, total):
        one, other = groups
        return [_from_rest(one, other, kind, 1), _from_rest(other, one, kind, 1)]
    return [_from_rest(part, without(part, total, kind), kind, len(groups)) for part in groups]


def _are_all(groups: Sequence[Estimate], total: Estimate) -> bool:
    of = [part.denominator or 0.0 for part in groups]
    return sum(part.n for part in groups) == total.n and math.isclose(
        sum(of), total.denominator or 0.0, rel_tol=ROUNDING
    )


def _from_rest(part: Estimate, rest: Estimate | None, kind: Kind, comparisons: int) -> Apart:
    """By interval and test of :func:`crmtools.goals.change.between`."""
    found = None if rest is None else between(rest, part, kind, 0.0)
    if rest is None or found is None:
        return "unknown"
    p = min(1.0, found.p * comparisons)
    return _side(part, rest) if is_seen(found.low, found.high, p, part.level) else "undetectable"


def _side(part: Estimate, other: Estimate) -> Apart:
    one, against = part.value or 0.0, other.value or 0.0
    return "higher" if one > against else "lower" if one < against else "same"


# ---- a group and the rest


def without(part: Estimate, total: Estimate, kind: Kind) -> Estimate | None:
    """The estimate of all customers but a group's, of a kind whose total is a mean; None where the group is all, or an error is
    not known.

    With w the group's share of the denominator the rest is (total − w·part)/(1 − w), and its variance (var(total) −
    w²·var(part))/(1 − w)².
    """
    weight = _weight(part, total)
    form = form_of(kind, part, total)
    errors = _error(part, form, kind), _error(total, form, kind)
    if not weight < 1 or part.value is None or total.value is None or errors[0] is None or errors[1] is None:
        return None
    value = (total.value - weight * part.value) / (1 - weight)
    # where every case, or every other, is of the group, rounding leaves next to nothing
    if form in ("share", "rate", "log") and value < ROUNDING * total.value:
        value = 0.0
    if form == "share" and 1 - value < ROUNDING * (1 - total.value):
        value = 1.0
    variance = (errors[1] ** 2 - (weight * errors[0]) ** 2) / (1 - weight) ** 2
    if not variance > 0:
        variance = errors[1] ** 2 / (1 - weight)
    n = max(total.n - part.n, 2)
    denominator = total.denominator - part.denominator if total.denominator and part.denominator else None
    limits = _limits(value, variance, n, form, kind, denominator, total.level)
    if limits is None:
        return None
    return replace(
        total, value=value, low=limits[0], high=limits[1], se=math.sqrt(variance), group=(), n=n, denominator=denominator,
        method="wilson" if form == "share" else total.method,
    )  # fmt: skip


def _limits(
    value: float, variance: float, n: int, form: Form, kind: Kind, denominator: float | None, level: float
) -> tuple[float, float] | None:
    """The interval of the rest, in the way of its form; None where its form has none.

    Where nobody is a case, or all are, the error says nothing, and customers or exposure are counted as they are.
    """
    match form:
        case "share":
            return wilson(value, value * (1 - value) / variance if 0 < value < 1 else n, level)
        case "rate":
            per = kind.per if isinstance(kind, Rate) else 1.0
            size = value / variance if value > 0 else (denominator or 0.0) / per
            if not size > 0:
                return None
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


# ---- a group and the total


def _from_total(part: Estimate, total: Estimate, comparisons: int) -> Apart:
    """By the distance from the total, which must exceed its own error and the one that the intervals tell by their facing limits
    (MOVER: Zou & Donner 2008).

    With w the group's weight the distance is taken for (1 − w)·(part − rest), whose variance is (1 − w)²·se²(part) + se²(total) −
    w²·se²(part). Without the second condition a share of 0 %, whose standard error is 0, would count as known exactly.
    """
    if part.value is None or total.value is None or not math.isfinite(total.value):
        return "unknown"
    weight, z = _weight(part, total), z_of(1 - (1 - part.level) / comparisons)
    side, facing = ("low", "high") if part.value >= total.value else ("high", "low")
    own = _own_error(part), _own_error(total)
    spreads = (
        (own[0], own[0], own[1], z),
        (_reach(part, side), _reach(part, facing), _reach(total, facing), z / z_of(part.level)),
    )
    thresholds = []
    for near, far, across, scale in spreads:
        if near is not None and across is not None:
            rest = max(across**2 - (weight * (far or 0.0)) ** 2, 0.0)
            thresholds.append(scale * math.hypot((1 - weight) * near, math.sqrt(rest)))
    if not thresholds:
        return "unknown"
    distance = abs(part.value - total.value)
    if max(thresholds) == 0 == distance:
        return "same"
    return _side(part, total) if distance > max(thresholds) else "undetectable"


def _own_error(estimate: Estimate) -> float | None:
    if estimate.method == "census":
        return 0.0
    return estimate.se if estimate.se is not None and math.isfinite(estimate.se) else None


def _reach(estimate: Estimate, side: str) -> float | None:
    """How far the interval reaches from the value to one side: 0 for a complete count, None where it is open."""
    if estimate.method == "census":
        return 0.0
    limit = getattr(estimate, side)
    if limit is None or estimate.value is None or not math.isfinite(limit):
        return None
    return abs(limit - estimate.value)
