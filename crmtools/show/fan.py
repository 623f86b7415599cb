"""One goal over time: what was measured, the plan, the target, and what the forecast expects up to the deadline."""

import math
from collections.abc import Sequence

from crmtools import formats
from crmtools.estimate import Estimate, valued
from crmtools.goals.forecast import FURTHEST
from crmtools.goals.judgement import Judgement
from crmtools.goals.reading import Reading
from crmtools.period import MONTHS_IN, Period
from crmtools.show import goal_words, sentences
from crmtools.show.chart import Level, Series, line_chart, span_of
from crmtools.show.display import Display
from crmtools.show.sentences import currency_of, known, say
from crmtools.show.trends import figure, level_of, period_ticks, point_words, rests_on
from crmtools.words import Language, Text, word

FEWEST_WHOLE = 6
"""The last periods whose intervals are drawn whole, at least."""


def goal_fan(reading: Reading, judgement: Judgement, *, language: Language, currency: str = "") -> Display:
    """The goal's past with its interval, target and planned path, and the fan of the forecast up to the deadline.

    The outer band of the fan holds nine of ten cases (5 to 95 %), the inner one every second (25 to 75 %), the dashed line is
    the median. It begins at the last measured point; where nothing can be forecast the caption says why. Carries the measured
    estimates and the path of the forecast as its result.
    """
    past = judgement.past.estimates
    currency = currency_of(past, currency)
    title = _title(reading, judgement, language, currency)
    caption = _caption(reading, judgement, language)
    measured = valued(past)
    alt = _alt(reading, judgement, measured, language, currency)
    picture = _picture(reading, judgement, alt, language, currency) if measured else ""
    result = {
        "kind": "fan",
        "estimates": [estimate.to_dict() for estimate in past],
        "path": judgement.forecast.path if judgement.forecast is not None else (),
    }
    return Display(figure(picture, title, caption), f"{title}\n{alt}\n{caption}", result)


def _picture(reading: Reading, judgement: Judgement, alt: str, language: Language, currency: str) -> str:
    past, unit = judgement.past.estimates, reading.goal.indicator.unit
    periods = [*(e.period for e in past), *periods_ahead(past[-1].period, reading)]
    rest = [None] * (len(periods) - len(past))
    line = Series(
        [*(known(e.value) for e in past), *rest],
        [*(known(e.low) for e in past), *rest],
        [*(known(e.high) for e in past), *rest],
        [*(point_words(e, language, currency) for e in past), *("" for _ in rest)],
        last=sentences.value_of(valued(past)[-1], language, currency, bare=True),
    )
    fan = _fan(judgement, periods, language, currency, reading)
    plan = [reading.planned(period) for period in periods]
    levels = _levels(reading, language, currency)
    shown = [*line.values, *plan, *(level.value for level in levels)]
    # wide intervals of long ago are cut off: they would flatten what the goal is about
    since = max(0, min(len(past) - FEWEST_WHOLE, _began(past, reading)))
    limits = [*line.lows[since:], *line.highs[since:]]
    for one in fan:
        shown += one.values
        limits += [*one.lows, *one.highs]
    span = span_of(shown, limits, low=unit.low, high=unit.high)
    return line_chart(
        [*fan, line], period_ticks(periods, language), span, alt=alt, levels=levels, path=plan,
        mark=len(past) - 1 if rest else None,
        written=lambda value: formats.axis(value, span.step, unit, language, currency),
    )  # fmt: skip


def _fan(
    judgement: Judgement, periods: Sequence[Period], language: Language, currency: str, reading: Reading
) -> list[Series]:
    """The two bands, each over all positions of the axis; empty where there is no forecast."""
    forecast, past = judgement.forecast, judgement.past.estimates
    if forecast is None or forecast.chance is None or not forecast.path or len(past) == len(periods):
        return []
    gaps = [None] * (len(past) - 1)
    last = known(past[-1].value)
    rows = [*zip(*forecast.path, strict=True)]

    def drawn(row: Sequence[float]) -> list[float | None]:
        tail = [None] * (len(periods) - len(past) - len(row))
        return [*gaps, last, *row, *tail]

    lows, quarters, middle, three_quarters, highs = (drawn(row) for row in rows)
    words = [
        ""
        if value is None or place < len(past)
        else _point(periods[place], value, low, high, reading, language, currency)
        for place, (value, low, high) in enumerate(zip(middle, lows, highs, strict=True))
    ]
    return [
        Series(middle, lows, highs, line=False),
        Series(middle, quarters, three_quarters, words, ahead=True),
    ]


def _point(
    period: Period,
    value: float,
    low: float | None,
    high: float | None,
    reading: Reading,
    language: Language,
    currency: str,
) -> str:
    unit = reading.goal.indicator.unit
    return say(
        _AHEAD, language, period=period.label(language), value=formats.quantity(value, unit, language, currency),
        limits=formats.interval(low, high, unit, language, currency),
    )  # fmt: skip


def _began(past: Sequence[Estimate], reading: Reading) -> int:
    """The place of the first period that counts: that of the baseline, else of the goal's beginning."""
    baseline = reading.goal.baseline
    first = baseline.start if isinstance(baseline, Period) else reading.goal.start
    return next((place for place, e in enumerate(past) if e.period.start >= first), len(past))


def periods_ahead(last: Period, reading: Reading) -> list[Period]:
    """The periods after the last measured one, up to that of the deadline, as far as anything may be forecast."""
    if last.kind == "days":
        return []
    periods: list[Period] = []
    while len(periods) < FURTHEST:
        following = (periods[-1] if periods else last).shift(MONTHS_IN[last.kind])
        if following.start > reading.goal.deadline:
            break
        periods.append(following)
    return periods


def _levels(reading: Reading, language: Language, currency: str) -> list[Level]:
    """The target, or the bounds that are to be kept."""
    unit, goal = reading.goal.indicator.unit, reading.goal
    values = [b for b in goal.bounds if math.isfinite(b)] if goal.controls else [reading.target]
    name = _BOUND.to(language) if goal.controls else word("target", language)
    return [
        Level(value, f"{name} {formats.quantity(value, unit, language, currency, bare=True, trim=True)}")
        for value in values
        if value is not None
    ]


def _title(reading: Reading, judgement: Judgement, language: Language, currency: str) -> str:
    """What the forecast expects at the deadline, against the target; without one, where it stands."""
    goal, forecast = reading.goal, judgement.forecast
    unit, by = goal.indicator.unit, formats.day(goal.deadline, language)
    name, target = goal.name.to(language), _aim(reading, language, currency)
    if forecast is None or forecast.chance is None or not forecast.path:
        if known(reading.now.value) is None:
            return say(_NOTHING, language, name=name, why=sentences.why(reading.now, language))
        now = sentences.value_of(reading.now, language, currency)
        return say(_SO_FAR if target else _NO_AIM, language, name=name, now=now, target=target, by=by)
    low, _, middle, _, high = forecast.path[-1]
    return say(
        _EXPECTS, language, name=name, target=target, by=by,
        middle=formats.quantity(middle, unit, language, currency, bare=True),
        limits=formats.interval(low, high, unit, language, currency, bare=True),
    )  # fmt: skip


def _aim(reading: Reading, language: Language, currency: str) -> str:
    if reading.goal.controls:
        return goal_words.bounds_words(reading, language, currency)
    if reading.target is None:
        return ""
    return formats.quantity(reading.target, reading.goal.indicator.unit, language, currency, bare=True, trim=True)


def _caption(reading: Reading, judgement: Judgement, language: Language) -> str:
    past, goal, forecast = judgement.past.estimates, reading.goal, judgement.forecast
    parts = []
    if any(e.low is not None for e in past):
        parts.append(say(_BAND, language, level=level_of(past, language)))
    if goal.controls:
        parts.append(_BOUNDS.to(language))
    elif reading.target is not None:
        parts.append(_LINES.to(language))
    if forecast is not None and forecast.chance is not None and forecast.path:
        parts.append(_FAN.to(language))
    elif goal.controls or goal.kind == "establish_baseline":
        parts.append(_NO_KIND.to(language))
    else:
        parts.append(say(_NO_FAN, language, why=goal_words.no_forecast(judgement).to(language)))
    parts += rests_on(past, judgement.past, language)
    return "".join(f"{part}。" for part in parts) if language == "zh" else " ".join(f"{part}." for part in parts)


def _alt(
    reading: Reading, judgement: Judgement, measured: Sequence[Estimate], language: Language, currency: str
) -> str:
    name = reading.goal.name.to(language)
    if not measured:
        return say(_NOTHING, language, name=name, why=sentences.why(reading.now, language))
    first, last = measured[0], measured[-1]
    return say(
        _ALT, language, name=name, count=formats.number(len(measured), language),
        first=first.period.label(language), before=sentences.value_of(first, language, currency),
        last=last.period.label(language), now=sentences.value_of(last, language, currency),
    )  # fmt: skip


_BOUND = Text("界限", "Bound")
_AHEAD = Text("{period}：预测 {value}（90% 预测区间 {limits}）", "{period}: forecast {value} (nine in ten: {limits})")
_EXPECTS = Text(
    "预测{name}到 {by}为 {middle}，有九成可能在 {limits}之内；目标为 {target}",
    "{name} by {by}: {middle} is expected, nine times in ten {limits}; the target is {target}",
)
_SO_FAR = Text("{name}：目前 {now}，目标为 {by}前达到 {target}", "{name}: {now} so far, {target} by {by} is the goal")
_NO_AIM = Text("{name}：目前 {now}", "{name}: {now} so far")
_NOTHING = Text("{name}没有可绘制的数值：{why}", "{name} has no value to draw: {why}")
_BAND = Text("色带：{level} 区间", "Band: {level} interval")
_LINES = Text("横虚线：目标值；点线：计划路径", "Dashed across: target; dotted: the plan's path")
_BOUNDS = Text("横虚线：应守住的界限", "Dashed across: the bound to be kept")
_FAN = Text(
    "竖虚线之后为预测：虚线为中位数，深色带为 50%、浅色带为 90% 预测区间",
    "Right of the upright line the forecast: median dashed, the dark band holds half of what may come, the light one nine tenths",
)
_NO_FAN = Text("没有预测：{why}", "No forecast: {why}")
_NO_KIND = Text("此类目标不作预测", "A goal of this kind is not forecast")
_ALT = Text(
    "折线图：{name}，{count} 个期间，{first}为 {before}，{last}为 {now}。",
    "Line chart: {name} over {count} periods, {before} in {first}, {now} in {last}.",
)
