"""The answer of a goal's page: words first, then the figures, and how they were judged behind a fold."""

from html import escape

from crmtools import formats
from crmtools.goals.evidence import EVIDENCE
from crmtools.goals.judgement import Judgement
from crmtools.goals.reading import Reading, Scorecard
from crmtools.goals.status import STATUS
from crmtools.show import goal_words, sentences
from crmtools.show.blocks import figure_cell, grid, lead, named
from crmtools.show.display import Display, tag
from crmtools.show.evidence_words import chance_words, evidence_chip
from crmtools.show.goal_method import goal_method
from crmtools.show.goal_views import progress_words
from crmtools.show.scorecards import result, status_chip
from crmtools.show.sentences import currency_of, known, say
from crmtools.words import Language, Text, word


def goal_answer(reading: Reading, judgement: Judgement, *, language: Language, currency: str = "") -> Display:
    """Where a goal stands, whether it will be reached, and what changed: in sentences, in figures, with the method folded.

    Parameters
    ----------
    reading, judgement
        What :func:`crmtools.goal` and :func:`crmtools.judge` returned for the same goal.
    currency
        That of amounts, only needed where the estimates carry none.

    Returns
    -------
    Display
        Its result is that of the reading, with evidence, chance and change.
    """
    currency = currency_of([reading.now, reading.baseline], currency)
    said = lead(
        goal_words.stands(reading, judgement, language, currency),
        goal_words.outlook(reading, judgement, language),
        goal_words.since_baseline(reading, judgement, language, currency),
        language=language,
    )
    chips = tag("p", " ".join(_chips(reading, judgement, language)), style="margin:.25rem 0")
    rows = _rows(reading, judgement, language, currency)
    heads = ["", word("value", language), _around(reading, language)]
    table = grid(
        heads,
        [
            [named(name, below), figure_cell(value, wrap=True), figure_cell(around, wrap=True)]
            for name, below, value, around in rows
        ],
    )
    text = "\n".join(
        [said.text, *(f"{name}{word('colon', language)}{value} {around}".rstrip() for name, _, value, around in rows)]
    )
    method = goal_method(reading, judgement, language=language, currency=currency)
    return Display(chips + said.html + table + method, text, goal_result(reading, judgement))


def goal_result(reading: Reading, judgement: Judgement) -> dict[str, object]:
    """A reading and its judgement as plain values."""
    forecast, change = judgement.forecast, judgement.change
    return {
        "kind": "goal",
        "reading": result(Scorecard((reading,))),
        "evidence": judgement.evidence,
        "chance": judgement.chance,
        "forecast": None if forecast is None else {"method": forecast.method, "path": forecast.path},
        "change": None
        if change is None
        else {
            "verdict": goal_words.verdict_of(judgement),
            "difference": change.difference,
            "low": change.low,
            "high": change.high,
            "p": change.p,
            "p_adjusted": judgement.p_adjusted,
            "detectable": change.detectable,
        },
    }


def _chips(reading: Reading, judgement: Judgement, language: Language) -> list[str]:
    """The evidence status; the plan status beside it where the two do not say the same."""
    found = [evidence_chip(judgement.evidence, language)]
    if STATUS[reading.status].to(language) != EVIDENCE[judgement.evidence].to(language):
        by_plan = tag("span", escape(_BY_PLAN.to(language)), class_="crm-note")
        # the words stay with what they introduce
        both = f"{by_plan} {status_chip(reading.status, language)}"
        found.append(tag("span", both, style="display:inline-block;white-space:nowrap"))
    return found


def _around(reading: Reading, language: Language) -> str:
    return say(_HEAD, language, level=formats.percent(reading.now.level, language, 0))


Row = tuple[str, str, str, str]
"""Name, small print below it, value, interval or why there is none."""


def _rows(reading: Reading, judgement: Judgement, language: Language, currency: str) -> list[Row]:
    goal = reading.goal
    now, limits = _measured(reading, language, currency)
    rows = [(_NOW.to(language), reading.now.period.label(language), now, limits)]
    if goal.kind == "establish_baseline":
        return rows
    deadline = formats.day(goal.deadline, language, short=True)
    if goal.controls:
        rows.append((_BOUND.to(language), deadline, goal_words.bounds_words(reading, language, currency), ""))
    else:
        aim = formats.quantity(reading.target, goal.indicator.unit, language, currency, bare=True, trim=True)
        rows.append((word("target", language), deadline, aim, ""))
    if reading.gap is not None:
        rows.append(_gap_row(reading, language, currency))
    if goal.controls:
        return [*rows, *_change_row(reading, judgement, language, currency)]
    if reading.progress is not None:
        done, _, error = progress_words(reading, language).partition(" ± ")
        rows.append((word("progress", language), _WAY.to(language), done, f"± {error}" if error else ""))
    if reading.expected is not None:
        over = say(_ELAPSED, language, share=formats.percent(reading.elapsed, language, 0))
        plan = formats.quantity(reading.expected, goal.indicator.unit, language, currency, bare=True)
        rows.append((_EXPECTED.to(language), over, plan, ""))
    return [*rows, *judged_rows(reading, judgement, language, currency)]


def judged_rows(reading: Reading, judgement: Judgement, language: Language, currency: str = "") -> list[Row]:
    """What is expected, and what has changed since the baseline; of the reading only the goal is asked."""
    rows = _forecast_rows(reading, judgement, language, currency)
    return [*rows, *_change_row(reading, judgement, language, currency)]


def _gap_row(reading: Reading, language: Language, currency: str) -> Row:
    """What is missing to the target; of a goal to keep a bound how much room is left, which is the same with its sign turned."""
    goal, unit = reading.goal, reading.goal.indicator.unit
    turn = -1.0 if goal.controls else 1.0
    gap = formats.difference(
        turn * (reading.gap or 0.0), unit, language, currency, signed=False, named=unit.form != "rate"
    )
    name, below = (_ROOM, _ROOM_SIGN) if goal.controls else (_GAP, _GAP_SIGN)
    if reading.gap_low is None or reading.gap_high is None:
        around = sentences.why(reading.now, language)
    else:
        ends = sorted((turn * reading.gap_low, turn * reading.gap_high))
        low, high = (formats.difference(end, unit, language, currency, signed=False, named=False) for end in ends)
        around = f"{low} {word('to', language)} {high}"
    return name.to(language), below.to(language), gap, around


def _measured(reading: Reading, language: Language, currency: str) -> tuple[str, str]:
    now = reading.now
    if known(now.value) is None:
        return formats.MISSING, sentences.why(now, language)
    limits = sentences.interval_of(now, language, currency, bare=True)
    if limits == formats.MISSING:
        limits = sentences.why(now, language)
    return sentences.value_of(now, language, currency), limits


def _forecast_rows(reading: Reading, judgement: Judgement, language: Language, currency: str) -> list[Row]:
    """The chance, and what is expected at the deadline; or why there is neither."""
    if judgement.chance is None or judgement.forecast is None:
        reason = goal_words.no_forecast(judgement).to(language)
        return [(_CHANCE.to(language), "", formats.MISSING, reason)]
    rows = [(_CHANCE.to(language), "", chance_words(judgement.chance, language), "")]
    if judgement.forecast.path:
        unit = reading.goal.indicator.unit
        low, _, middle, _, high = judgement.forecast.path[-1]
        limits = formats.interval(low, high, unit, language, currency, bare=True)
        at = formats.quantity(middle, unit, language, currency, bare=True)
        around = say(_NINE, language, limits=limits)
        rows.append((_AT_DEADLINE.to(language), _MEDIAN.to(language), at, around))
    return rows


def _change_row(reading: Reading, judgement: Judgement, language: Language, currency: str) -> list[Row]:
    change = judgement.change
    if change is None or change.difference is None:
        return []
    unit = reading.goal.indicator.unit
    base = formats.quantity(change.baseline.value, unit, language, currency, bare=True)
    moved = formats.difference(change.difference, unit, language, currency, named=unit.form != "rate")
    around = (
        sentences.why(change.now, language)
        if change.low is None
        else _between(change.low, change.high, reading, language, currency)
    )
    if change.low is None and change.why is not None:
        around = change.why.to(language)
    return [(_CHANGE.to(language), say(_FROM, language, baseline=base), moved, around)]


def _between(low: float, high: float | None, reading: Reading, language: Language, currency: str) -> str:
    unit = reading.goal.indicator.unit
    ends = [formats.difference(end, unit, language, currency, named=False) for end in (low, high)]
    return f"{ends[0]} {word('to', language)} {ends[1]}"


_BY_PLAN = Text("仅按计划：", "by the plan alone:")
_HEAD = Text("{level}区间", "{level} interval")
_NOW, _BOUND = Text("当前值", "Now"), Text("界限", "Bound")
_GAP, _ROOM = Text("差距", "Gap"), Text("离界限的余地", "Room to the bound")
_GAP_SIGN, _ROOM_SIGN = Text("负数表示已超过", "negative: passed"), Text("负数表示已越界", "negative: outside")
_WAY = Text("基线到目标的路程", "of the way from the baseline")
_EXPECTED, _ELAPSED = Text("按计划应达", "Expected by now"), Text("已过时间{share}", "{share} of the time is over")
_CHANCE, _AT_DEADLINE = Text("达成的可能性", "Chance"), Text("到期预测", "Forecast at the deadline")
_MEDIAN, _NINE = Text("中位数", "median"), Text("90% 预测区间：{limits}", "nine in ten: {limits}")
_CHANGE, _FROM = Text("与基线相比", "Change"), Text("基线{baseline}", "from {baseline}")
