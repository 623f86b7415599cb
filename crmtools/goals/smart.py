"""Whether a goal is specific, measurable, achievable, relevant and timely, computed before it starts.

Each letter has its checks; each check says what was found, what is asked for, and what would mend it. The data are those that
were known on the day before the goal starts, or are known now where it has not started. *Measurable* asks for a smallest
detectable change that is no larger than the wanted one; *achievable* asks how likely the target is if nothing new is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crmtools import formats
from crmtools.goals.goal import Goal, goal_from
from crmtools.goals.named import goal as by_name
from crmtools.goals.reading import Reading
from crmtools.goals.smart_checks import LETTERS, Check, Letter, checks, longer_periods
from crmtools.goals.smart_facts import Facts, Reach, as_today, both, facts_of
from crmtools.remembered import remembered
from crmtools.shown import Shown
from crmtools.tables.source import Data
from crmtools.words import LANGUAGES, Language, Text, word

REACH: dict[Reach, Text] = {
    "trivial": Text("不用做什么也会达成", "would be reached without doing anything"),
    "fair": Text("需要努力，但可达成", "needs work, and can be done"),
    "stretch": Text("挑战性目标", "a stretch"),
    "infeasible": Text("超出以往任何表现", "beyond anything seen so far"),
    "unknown": Text("历史数据不足，无法判断", "too little history to say"),
}
HARD = 3
"""The place among a forecast's lines (25 % beyond it for the better) that a goal is moved to where its own is too easy."""

LONG = 12
"""Another target is proposed where even a dozen periods in one would not show the change."""


@dataclass(frozen=True, slots=True)
class Smart(Shown):
    """The checks of one goal. ``chance`` is that of reaching the target if nothing new is done, ``reach`` what that makes it.

    ``needed`` are the customers a period must have for the wanted change to be detectable, ``detectable`` the smallest change
    that can be seen with as many as there are, in the indicator's unit. ``rewritten`` is the goal as it would pass, in one
    sentence; None where it passes. ``revised`` says what became known since of where the goal starts and of its target; None
    where both are still written as they were.
    """

    goal: Goal
    checks: tuple[Check, ...]
    detectable: float | None
    needed: int | None
    chance: float | None
    reach: Reach
    rewritten: Text | None = None
    revised: Text | None = None

    def passes(self, letter: Letter) -> bool | None:
        """Whether no check of a letter failed; None where it has checks and the data can answer none of them."""
        answers = [check.passed for check in self.checks if check.letter == letter]
        return None if answers and all(passed is None for passed in answers) else False not in answers

    @property
    def letters(self) -> int:
        """How many of the five letters the goal passes."""
        return sum(self.passes(letter) is True for letter in LETTERS)

    @property
    def proposal(self) -> tuple[Text, ...]:
        """What to change in the goal, one sentence each; nothing where it passes."""
        said = [check.remedy for check in self.checks if check.passed is False and check.remedy is not None]
        return tuple(dict.fromkeys(said))


def smart(goal: Goal | Reading | str, data: Data, others: Sequence[Goal] = ()) -> Smart:
    """Check one goal, that of a reading or that of an id; ``others`` are the report's other goals, to find those that are the same
    goal under another name."""
    if isinstance(goal, str):
        goal = by_name(goal, data)
    if isinstance(goal, Reading):
        goal = goal.goal
    facts = facts_of(goal, data)
    found = checks(facts, others)
    failed = {check.key for check in found if check.passed is False}
    return Smart(
        goal, found, facts.detectable, facts.needed, facts.chance, facts.reach, _rewritten(facts, failed) if failed else None,
        _revised(facts, as_today(facts, data)),
    )  # fmt: skip


@remembered()
def smart_goals(data: Data) -> tuple[Smart, ...]:
    """Check every goal of the parameters file, each against the others."""
    goals = [goal_from(settings) for settings in data.settings.goals]
    return tuple(smart(goal, data, goals) for goal in goals)


def _rewritten(f: Facts, failed: set[str]) -> Text:
    """The goal in one sentence, with another target where its own cannot be kept, and what has to be added."""
    name, by = f.goal.name, f.goal.deadline
    target = _better_target(f, failed)
    zh, en = f"{name.zh}：", f"{name.en}:"
    if f.goal.kind == "establish_baseline" or f.start_value is None:
        zh, en = (
            f"{name.zh}：在 {formats.day(by, 'zh')}前建立基线",
            f"{name.en}: establish a baseline by {formats.day(by, 'en')}",
        )
    elif f.goal.controls:
        zh, en = (
            f"{name.zh}：守住界限至 {formats.day(by, 'zh')}",
            f"{name.en}: keep the bound until {formats.day(by, 'en')}",
        )
    elif target is not None:
        start, aim = f.said(f.start_value), f.said(target)
        zh = f"{name.zh}：在 {formats.day(by, 'zh')}前由 {start.zh}{formats.before_han(start.zh)}变为 {aim.zh}"
        en = f"{name.en}: from {start.en} to {aim.en} by {formats.day(by, 'en')}"
    sample = bool(failed & {"interval", "detectable"}) and (target is None or target == f.target)
    # so many customers a period say that the group must be larger
    dropped = {"customers"} if sample else set()
    adds = [(part.zh, part.en) for key, part in _ADDED.items() if key in failed - dropped]
    adds += _declarations(failed)
    if sample:
        adds.insert(0, _sample(f))
    joined_zh, joined_en = "、".join(pair[0] for pair in adds), ", ".join(pair[1] for pair in adds)
    return Text(zh + (f"；{joined_zh}" if adds else "") + "。", en + (f"; {joined_en}" if adds else "") + ".")


def _revised(then: Facts, now: Facts) -> Text | None:
    """Start and target as they are known now, where they are written otherwise than they were before the goal began."""
    ends = ((_BASELINE, then.start_value, now.start_value), (_TARGET, then.target, now.target))
    moved = [
        (text, before, after)
        for text, *values in ends
        if None not in values
        for before, after in [map(then.said, values)]
        if before != after
    ]
    if not moved:
        return None

    def said(language: Language) -> str:
        parts = [
            text.to(language, before=before.to(language), after=after.to(language)) for text, before, after in moved
        ]
        days = {"then": formats.day(then.data.as_of, language), "now": formats.day(now.data.as_of, language)}
        return _REVISED.to(language, **days, parts=word("comma", language).join(parts))

    return both(said)


def _better_target(f: Facts, failed: set[str]) -> float | None:
    """A target that is neither too near, nor too far, nor too small to be seen; its own where that cannot be had at once."""
    if f.start_value is None or f.target is None:
        return None
    best = max(f.past_changes, default=0.0)
    if "past_changes" in failed and best > 0:
        return f.start_value + f.sign * best
    if "chance" in failed and f.forecast is not None and f.forecast.path:
        lines = f.forecast.path[-1]
        further = lines[HARD] if f.sign > 0 else lines[-1 - HARD]
        return further if f.sign * (further - f.start_value) > 0 else f.target
    nearest, small = f.modest_target, "detectable" in failed and not f.can_have(f.needed)
    if small and f.longer_than(LONG) and nearest is not None:
        return nearest if f.within_reach(nearest) else f.target
    return f.target


def _sample(f: Facts) -> tuple[str, str]:
    if f.needed is not None and f.can_have(f.needed):
        least = (formats.number(f.needed, language) for language in LANGUAGES)
        en, zh = least
        return f"每期至少 {zh} 位客户", f"read from at least {en} customers a period"
    if (longer := longer_periods(f)) is not None:
        return longer.zh, f"read over {longer.en}"
    return "换一个误差更小的指标", "by an indicator with a smaller error"


def _declarations(failed: set[str]) -> list[tuple[str, str]]:
    """What has to be written down with the goal."""
    missing = [text for key, text in _DECLARED.items() if key in failed]
    if not missing:
        return []
    zh, en = _listed_zh([text.zh for text in missing]), [text.en for text in missing]
    listed = en[0] if len(en) == 1 else f"{', '.join(en[:-1])} and {en[-1]}"
    return [(f"写明{zh}", f"with its {listed} written down")]


def _listed_zh(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{'、'.join(words[:-1])}和{words[-1]}"


_REVISED = Text(
    "以上数字按 {then}所知计算。按 {now}所知（目标页面所示），{parts}。",
    "These figures are what was known on {then}. As known on {now}, which is what the goal's own page shows, {parts}.",
)
_BASELINE = Text("基线为 {after}（此处 {before}）", "the baseline is {after} (here {before})")
_TARGET = Text("目标值为 {after}（此处 {before}）", "the target is {after} (here {before})")
_ADDED: dict[str, Text] = {
    "customers": Text("放宽客户条件", "about more customers"),
    "filled": Text("补全数据", "with the data filled in"),
    "readings": Text("期限前至少两次读数", "with at least two readings before the deadline"),
    "kept": Text("界限先放宽", "with a wider bound to begin with"),
    "part": Text("并入更大的客户群", "for a larger group"),
    "duplicate": Text("与重复的目标合并", "as one goal with its double"),
    "guardrail": Text("加一条护栏", "with a guardrail"),
    "long_enough": Text("给更多时间", "with more time"),
    "season": Text("避开旺季，或用季节路径", "due outside the high season or on a seasonal path"),
}
_DECLARED: dict[str, Text] = {
    "owner": Text("负责人", "owner"),
    "action": Text("行动", "action"),
    "outcome": Text("所服务的成果", "outcome"),
}
"""What a rewritten goal has that the written one lacks, by the check that failed."""
