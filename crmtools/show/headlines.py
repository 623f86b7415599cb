"""The first paragraph of a report: are we reaching our goals?"""

from html import escape

from crmtools import formats
from crmtools.goals.reading import Reading, Scorecard
from crmtools.goals.status import PlanStatus
from crmtools.show import sentences
from crmtools.show.display import Display, tag
from crmtools.show.scorecards import result
from crmtools.show.sentences import currency_of, say
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word

ORDER: tuple[PlanStatus, ...] = ("reached", "on_track", "behind", "at_risk", "missed", "not_started")


def headline(scorecard: Scorecard, data: Data, *, language: Language = "en", currency: str = "") -> Display:
    """How many goals stand where, the goal that is furthest from its target in relation to its way, and what could not be judged.

    Every number is that of a reading. Two to four sentences.
    """
    readings = tuple(scorecard)
    currency = currency or data.currency
    first = _counts(readings, language)
    rest = [
        text
        for text in (
            _largest(readings, language, currency),
            _caution(readings, language),
            _unjudged(readings, language),
        )
        if text
    ]
    gap = "" if language == "zh" else " "
    html = tag("p", gap.join([tag("b", escape(first)), *map(escape, rest)]), class_="crm-lead")
    return Display(html, gap.join([first, *rest]), result(scorecard))


def _counts(readings: tuple[Reading, ...], language: Language) -> str:
    """Of seven goals, one is reached, three are on track and two are at risk."""
    if not readings:
        return _NONE.to(language)
    counts = [(status, sum(r.status == status for r in readings)) for status in ORDER]
    parts = [_part(status, count, len(readings), language) for status, count in counts if count]
    if not parts:
        return say(_ALL_UNJUDGED, language, goals=_goals(len(readings), language))
    if len(readings) == 1:
        return say(_ONE_GOAL, language, state=parts[0])
    if len(parts) == 1 and len(readings) == sum(count for _, count in counts):
        return say(_ALL_ALIKE, language, goals=_goals(len(readings), language), state=parts[0])
    if language == "zh":
        return f"{_goals(len(readings), language)}中，{'，'.join(parts)}。"
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"Of {_goals(len(readings), language)}, {listed}."


def _part(status: PlanStatus, count: int, of: int, language: Language) -> str:
    """``two are on track``; just the state where it is that of all goals."""
    words = (_STATE if count == 1 else _STATES)[status].to(language)
    if count == of:
        return words
    return f"{_number(count)}{words}" if language == "zh" else f"{formats.counted(count, language)} {words}"


def _number(count: int) -> str:
    """A number of goals in Chinese, with its measure word: 两个, 12 个."""
    return f"{formats.counted(count, 'zh')}{' ' if count > 10 else ''}个"


def _goals(count: int, language: Language) -> str:
    if language == "zh":
        return f"{_number(count)}目标"
    return f"{formats.counted(count, language)} goal{'s'[: count != 1]}"


def _largest(readings: tuple[Reading, ...], language: Language, currency: str) -> str:
    """The goal with the largest part of its way still to go.

    One that had nothing to do but stay, and is lost, counts as one of which nothing is done.
    """
    missing = [r for r in readings if r.gap is not None and r.gap > 0 and r.status != "not_started"]
    if not missing:
        return ""
    worst = min(missing, key=lambda r: (r.progress or 0.0, r.id))
    unit, currency = worst.goal.indicator.unit, currency_of([worst.now], currency)
    many = len(missing) > 1
    return say(
        _LARGEST if many else _ONLY, language,
        name=worst.goal.name.to(language),
        value=sentences.value_of(worst.now, language, currency),
        target=formats.quantity(worst.target, unit, language, currency, trim=True),
        by=formats.month(worst.goal.deadline, language) if language == "zh" else formats.day(worst.goal.deadline, language),
        gap=formats.difference(worst.gap, unit, language, currency, signed=False, beside=worst.target),
        owner=worst.goal.department.to(language),
    )  # fmt: skip


def _caution(readings: tuple[Reading, ...], language: Language) -> str:
    """How many statuses the intervals leave open."""
    open_ones = sum(sentences.undecided(r) for r in readings)
    if not open_ones:
        return ""
    if language == "zh":
        return f"其中{_number(open_ones)}目标的区间跨过目标值，是否达到尚不能确定。"
    if open_ones == 1:
        return "For one goal the interval lies across the target: the data cannot settle whether it is reached."
    words = formats.counted(open_ones, language)
    return f"For {words} goals the interval lies across the target: the data cannot settle whether they are reached."


def _unjudged(readings: tuple[Reading, ...], language: Language) -> str:
    """The goals without evidence and why."""
    without = [r for r in readings if r.status == "no_evidence"]
    if not without:
        return ""
    named = []
    for r in without:
        missing = r.now if sentences.known(r.now.value) is None else r.baseline
        reason = sentences.why(missing, language)
        named.append(
            f"{r.goal.name.to(language)}（{reason}）" if language == "zh" else f"{r.goal.name.to(language)} ({reason})"
        )
    return say(_UNJUDGED, language, goals=word("list", language).join(named))


_NONE = Text("参数文件中没有设定目标。", "The parameters file names no goals.")
_ALL_UNJUDGED = Text("{goals}均因数据不足，无法判断。", "Of {goals}, none can be judged.")
_ONE_GOAL = Text("唯一的目标{state}。", "The only goal {state}.")
_ALL_ALIKE = Text("{goals}均{state}。", "All {goals} {state}.")
_STATE: dict[PlanStatus, Text] = {
    "reached": Text("已达到目标值", "is reached"),
    "on_track": Text("进展正常", "is on track"),
    "behind": Text("落后于计划", "is behind plan"),
    "at_risk": Text("存在风险", "is at risk"),
    "missed": Text("未达成", "is missed"),
    "not_started": Text("尚未开始", "has not started"),
}
_STATES: dict[PlanStatus, Text] = {
    status: Text(
        text.zh, text.en.replace("is ", "are ", 1) if text.en.startswith("is ") else text.en.replace("has ", "have ", 1)
    )
    for status, text in _STATE.items()
}
_LARGEST = Text(
    "差距最大的是{name}：当前 {value}，目标为 {by}前达到 {target}，尚差 {gap}（负责：{owner}）。",
    "The furthest from its target is {name}: {value} against {target} by {by}, {gap} to go (owner: {owner}).",
)
_ONLY = Text(
    "尚有差距的是{name}：当前 {value}，目标为 {by}前达到 {target}，尚差 {gap}（负责：{owner}）。",
    "Still short of its target is {name}: {value} against {target} by {by}, {gap} to go (owner: {owner}).",
)
_UNJUDGED = Text("无法判断：{goals}。", "Could not be judged: {goals}.")
