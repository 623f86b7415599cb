"""Where a goal's value is expected to be on its way: the part of the way that the plan has covered on a day.

Expected by a day is e = b + (T − b)·φ, with b the baseline, T the target, and φ running from 0 at the start to 1 at the
deadline. The path says how φ runs in between.
"""

import math
from collections.abc import Mapping
from datetime import date, timedelta

from crmtools.goals.goal import Goal, written_value
from crmtools.words import Text

STEEPNESS = 10.0
"""Of the logistic path: in the first and the last tenth of the time less than 2 % of the way is covered."""
WEEK, WORKING = 7, 5
NO_SEASON = Text(
    "季节路径需要目标开始前两个完整年度的月度数据",
    "a seasonal path needs the months of two whole years before the goal starts",
)


def covered(goal: Goal, day: date, baseline: float, target: float, season: Mapping[int, float] | None) -> float | None:
    """The part of the way that the plan has covered by the end of the day before ``day``, from 0 to 1.

    ``season`` holds the index of each calendar month (1 to 12), where the path is seasonal; None then is that there is no
    season to go by.
    """
    start, end = goal.start, goal.deadline + timedelta(days=1)
    day, path = min(max(day, start), end), goal.settings.path
    whole, gone = (end - start).days, (day - start).days
    match path.kind:
        case "working_days":
            return _working(start, day) / _working(start, end) if _working(start, end) else gone / whole
        case "seasonal":
            whole_weight = 0.0 if season is None else _weighed(start, end, season)
            return None if season is None or not whole_weight else _weighed(start, day, season) / whole_weight
        case "delayed":
            effect = path.delayed or start
            return max((day - effect).days, 0) / (end - effect).days
        case "logistic":
            low, high = _logistic(0.0), _logistic(1.0)
            return (_logistic(gone / whole) - low) / (high - low)
        case "points":
            values = {on + timedelta(days=1): written_value(v, goal.indicator) for on, v in path.points.items()}
            return _between({start: baseline, **values, end: target}, day, baseline, target)
    return gone / whole


def seasonal_index(months: Mapping[date, float]) -> dict[int, float] | None:
    """The index of each calendar month from the values of past months (by first day): its mean share of a year's mean.

    A year is twelve months in a row, counted back from the last. None below two of them, or where the mean of one is not
    above 0.
    """
    firsts = sorted(months)
    years = [firsts[len(firsts) - 12 * (n + 1) :][:12] for n in range(len(firsts) // 12)]
    means = [sum(months[first] for first in year) / 12 for year in years]
    if len(years) < 2 or any({first.month for first in year} != set(range(1, 13)) for year in years) or min(means) <= 0:
        return None
    shares = [(first.month, months[first] / mean) for year, mean in zip(years, means, strict=True) for first in year]
    index = {m: sum(share for month, share in shares if month == m) / len(years) for m in range(1, 13)}
    return index if min(index.values()) >= 0 else None


def _working(start: date, end: date) -> int:
    """Mondays to Fridays from ``start`` up to, but not including, ``end``; public holidays are not known."""
    weeks, rest = divmod((end - start).days, WEEK)
    return weeks * WORKING + sum((start.weekday() + n) % WEEK < WORKING for n in range(rest))


def _weighed(start: date, end: date, season: Mapping[int, float]) -> float:
    """Days of a span, each weighed by the index of its month."""
    total, day = 0.0, start
    while day < end:
        following = min((day.replace(day=1) + timedelta(days=32)).replace(day=1), end)
        total += (following - day).days * season[day.month]
        day = following
    return total


def _logistic(share: float) -> float:
    return 1 / (1 + math.exp(-STEEPNESS * (share - 0.5)))


def _between(points: Mapping[date, float], day: date, baseline: float, target: float) -> float:
    """Straight lines between the points, as the part of the way from baseline to target."""
    days = sorted(points)
    after = next((place for place, point in enumerate(days) if point >= day), len(days) - 1)
    if after == 0:
        return 0.0
    left, right = days[after - 1], days[after]
    value = points[left] + (points[right] - points[left]) * (day - left).days / (right - left).days
    return (value - baseline) / (target - baseline)
