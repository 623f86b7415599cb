"""The first paragraph of a report: are we reaching our goals?"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from crmtools import formats
from crmtools.goals.change import Verdict
from crmtools.goals.evidence import Evidence
from crmtools.goals.judgement import Judgement
from crmtools.goals.judgement import judgements as judge_all
from crmtools.goals.reading import Reading, Scorecard
from crmtools.goals.status import STATUS, PlanStatus
from crmtools.goals.values import reading_values
from crmtools.show import sentences
from crmtools.show.about_part import about_part
from crmtools.show.display import Display, tag
from crmtools.show.evidence_words import TOLD, chance_of
from crmtools.show.scorecards import result
from crmtools.show.sentences import currency_of, say
from crmtools.show.stated import Stated, of_goal, says, stated
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word

BETTER: tuple[Verdict, ...] = ("improved_matters", "improved", "improved_trivial")
WORSE: tuple[Verdict, ...] = ("worsened",)
MOST_NAMED = 4
"""Goals that a sentence names at most."""
ORDER: tuple[Evidence, ...] = (
    "met", "met_within_error", "on_track", "undecided", "at_risk", "missed", "missed_within_error", "not_started", "no_evidence",
)  # fmt: skip
PLAN_ORDER: tuple[PlanStatus, ...] = ("reached", "on_track", "behind", "at_risk", "missed", "not_started")


def headline(
    scorecard: Scorecard,
    data: Data,
    *,
    language: Language = "en",
    currency: str = "",
    judgements: Sequence[Judgement] | None = None,
) -> Display:
    """What the data say of how many goals, what moved since the baselines, how the open ones stand by plan, the one with most of
    its way to go, and what could not be judged.

    The first sentence goes by evidence (:mod:`crmtools.goals.evidence`), so that it is never firmer than the intervals.
    ``judgements`` are those of :func:`crmtools.judgements`, worked out where they are not given. Every number is that of a
    reading or of its judgement. One to five sentences; before them, where the report is about some customers only, which.
    """
    readings = tuple(scorecard)
    told = tuple(judge_all(scorecard, data) if judgements is None else judgements)
    currency = currency or data.currency
    first = _counts([one.evidence for one in told], language)
    rest = [
        text
        for text in (
            _moved(readings, told, language, currency),
            _by_plan([(r.status, one.evidence) for r, one in zip(readings, told)], language),
            _largest(readings, told, language, currency),
            _unjudged(readings, told, language),
        )
        if text
    ]
    gap = "" if language == "zh" else " "
    said = gap.join([first, *rest])
    goals = [reading_values(*pair) for pair in zip(readings, told)]
    numbers = [*counted(goals, language), *(one for goal in goals for one in of_goal(goal, language, currency))]
    html = gap.join([tag("b", escape(first)), *map(escape, rest)])
    html = tag("p", html, class_="crm-lead", data_of=says(said, numbers))
    if part := about_part(data.settings, language):
        html, said = part.html + html, f"{part.text}\n{said}"
    return Display(html, said, result(scorecard, told))


def counted(goals: Sequence[Mapping[str, Any]], language: Language) -> Iterator[Stated]:
    """The sentences that count goals, from their plain values: their numbers are words, so they are compared as a whole."""
    if any(goal["evidence"] is None for goal in goals):
        return
    yield stated("goals.by_evidence", _counts([goal["evidence"] for goal in goals], language))
    yield stated("goals.by_plan", _by_plan([(goal["status"], goal["evidence"]) for goal in goals], language))
    for verdicts in (BETTER, WORSE):
        more = sum(goal["verdict"] in verdicts for goal in goals) - MOST_NAMED
        yield stated(f"goals.more_{verdicts[0]}", say(_AND_MORE, language, count=more) if more > 0 else "")


def _counts(told: Sequence[Evidence], language: Language) -> str:
    """Of seven goals, one is met, two are likely to be met and for four it is too early to tell."""
    if not told:
        return _NONE.to(language)
    counts = [(status, sum(one == status for one in told)) for status in ORDER]
    parts = [_part(status, count, len(told), language) for status, count in counts if count]
    goals = _goals(len(told), language)
    if len(told) == 1:
        return say(_ONE_GOAL, language, state=parts[0])
    if len(parts) == 1 and told[0] == "undecided":
        return say(_NEITHER_YET if len(told) == 2 else _NONE_YET, language, goals=goals)
    if len(parts) == 1:
        return say(_BOTH if len(told) == 2 else _ALL_ALIKE, language, goals=goals, state=parts[0])
    if language == "zh":
        return f"{goals}中，{'，'.join(parts)}。"
    return f"Of {goals}, {', '.join(parts[:-1])} and {parts[-1]}."


def _part(status: Evidence, count: int, of: int, language: Language) -> str:
    """``two are likely to be met``; just the state where it is that of all goals."""
    words = (_STATE if count == 1 else _STATES)[status].to(language)
    if count == of:
        return words
    return f"{_number(count)}{words}" if language == "zh" else f"{formats.counted(count, language)} {words}"


def _moved(readings: tuple[Reading, ...], told: Sequence[Judgement], language: Language, currency: str) -> str:
    """Which goals moved since their baselines by more than chance explains, for the better and for the worse, and by how much."""
    said = []
    for text, verdicts in ((_IMPROVED, BETTER), (_WORSENED, WORSE)):
        moved = [(r, one) for r, one in zip(readings, told) if one.verdict in verdicts]
        # the first page names the weightiest
        moved.sort(key=lambda pair: -pair[0].goal.weight)
        names = [_moved_by(r, one, language, currency) for r, one in moved[:MOST_NAMED]]
        if names:
            rest = say(_AND_MORE, language, count=len(moved) - MOST_NAMED) if len(moved) > MOST_NAMED else ""
            said.append(say(text, language, goals=word("list", language).join(names) + rest))
    return ("" if language == "zh" else " ").join(said)


def _moved_by(reading: Reading, judgement: Judgement, language: Language, currency: str) -> str:
    """A goal with its change in brackets, in per cent too where its target is relative."""
    name, change, unit = reading.goal.name.to(language), judgement.change, reading.goal.indicator.unit
    if change is None or change.difference is None:
        return name
    words = [formats.difference(change.difference, unit, language, currency_of([reading.now], currency))]
    if reading.goal.relative and reading.baseline.value:
        words.append(formats.percent(change.difference / reading.baseline.value, language, 0, signed=True))
    joined = word("comma", language).join(words)
    return f"{name}（{joined}）" if language == "zh" else f"{name} ({joined})"


def _by_plan(goals: Sequence[tuple[PlanStatus, Evidence]], language: Language) -> str:
    """By the value alone, for those that the evidence leaves something open of: one on track, two behind."""
    open_ones = [status for status, evidence in goals if evidence in TOLD]
    counts = [(status, open_ones.count(status)) for status in PLAN_ORDER]
    parts = [
        f"{_number(count)}{STATUS[status].zh}" if language == "zh"
        else f"{formats.counted(count, language)} {STATUS[status].en.lower()}"
        for status, count in counts if count
    ]  # fmt: skip
    if not parts:
        return ""
    joined = "，".join(parts) if language == "zh" else ", ".join(parts)
    return say(_PLAN, language, parts=joined)


def _number(count: int) -> str:
    """A number of goals in Chinese, with its measure word: 两个, 12 个."""
    return f"{formats.counted(count, 'zh')}{' ' if count > 10 else ''}个"


def _goals(count: int, language: Language) -> str:
    if language == "zh":
        return f"{_number(count)}目标"
    return f"{formats.counted(count, language)} goal{'s'[: count != 1]}"


def _largest(readings: tuple[Reading, ...], told: Sequence[Judgement], language: Language, currency: str) -> str:
    """The goal with the largest part of its way still to go, and how likely it is to be reached.

    One that had nothing to do but stay, and is lost, counts as one of which nothing is done.
    """
    missing = [r for r in readings if r.gap is not None and r.gap > 0 and r.status != "not_started"]
    if not missing:
        return ""
    worst = min(missing, key=lambda r: (r.progress or 0.0, r.id))
    unit, currency = worst.goal.indicator.unit, currency_of([worst.now], currency)
    many = len(missing) > 1
    said = say(
        _LARGEST if many else _ONLY, language,
        name=worst.goal.name.to(language),
        value=sentences.value_of(worst.now, language, currency),
        target=formats.quantity(worst.target, unit, language, currency, trim=True),
        by=formats.month(worst.goal.deadline, language) if language == "zh" else formats.day(worst.goal.deadline, language),
        gap=formats.difference(worst.gap, unit, language, currency, signed=False, beside=worst.target),
        owner=worst.goal.department.to(language),
    )  # fmt: skip
    chance = chance_of(next(one for r, one in zip(readings, told) if r is worst), language)
    return said + (say(_CHANCE, language, chance=chance) if chance else "")


def _unjudged(readings: tuple[Reading, ...], told: Sequence[Judgement], language: Language) -> str:
    """The goals without evidence and why."""
    named = []
    for r, one in zip(readings, told):
        if one.evidence != "no_evidence":
            continue
        missing = r.now if sentences.known(r.now.value) is None or r.goal.controls else r.baseline
        reason = one.why.to(language) if one.why is not None else sentences.why(missing, language)
        name = r.goal.name.to(language)
        named.append(f"{name}（{reason}）" if language == "zh" else f"{name} ({reason})")
    return say(_UNJUDGED, language, goals=word("list", language).join(named)) if named else ""


_NONE = Text("参数文件中没有设定目标。", "The parameters file names no goals.")
_IMPROVED = Text("与基线相比有改善：{goals}。", "Improved since the baseline: {goals}.")
_WORSENED = Text("与基线相比恶化：{goals}。", "Worse than at the baseline: {goals}.")
_AND_MORE = Text("，另有 {count} 个", " and {count} more")
_ONE_GOAL = Text("唯一的目标{state}。", "The only goal {state}.")
_BOTH = Text("{goals}均{state}。", "Both goals {state}.")
_NEITHER_YET = Text("{goals}均尚难判断。", "Neither goal can be told yet.")
_NONE_YET = Text("{goals}均尚难判断。", "None of the {goals} can be told yet.")
_ALL_ALIKE = Text("{goals}均{state}。", "All {goals} {state}.")
_STATE: dict[Evidence, Text] = {
    "met": Text("已确认达成", "is met"),
    "met_within_error": Text("已达成，但在误差范围内", "is met within the error"),
    "on_track": Text("很可能达成", "is likely to be met"),
    "undecided": Text("尚难判断", "cannot be told yet"),
    "at_risk": Text("确有风险", "is at risk"),
    "missed": Text("确认未达成", "is missed"),
    "missed_within_error": Text("未达成，但在误差范围内", "is missed within the error"),
    "not_started": Text("尚未开始", "has not started"),
    "no_evidence": Text("数据不足", "has no evidence"),
}
_STATES: dict[Evidence, Text] = {
    status: Text(
        text.zh, text.en.replace("is ", "are ", 1) if text.en.startswith("is ") else text.en.replace("has ", "have ", 1)
    )
    for status, text in _STATE.items()
}
_PLAN = Text("仍在进行的目标只按数值与计划比较：{parts}。", "Of those still open, by the plan alone: {parts}.")
_CHANCE = Text("达成可能性：{chance}。", " Chance of reaching it: {chance}.")
_LARGEST = Text(
    "差距最大的是{name}：当前 {value}，目标为 {by}前达到 {target}，尚差 {gap}（负责：{owner}）。",
    "The furthest from its target is {name}: {value} against {target} by {by}, {gap} to go (owner: {owner}).",
)
_ONLY = Text(
    "尚有差距的是{name}：当前 {value}，目标为 {by}前达到 {target}，尚差 {gap}（负责：{owner}）。",
    "Still short of its target is {name}: {value} against {target} by {by}, {gap} to go (owner: {owner}).",
)
_UNJUDGED = Text("无法判断：{goals}。", "Could not be judged: {goals}.")
