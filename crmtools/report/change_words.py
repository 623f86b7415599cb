"""Differences between runs in words and numbers, for the page, the summary and the command."""

from crmtools import formats
from crmtools.goals.evidence import EVIDENCE
from crmtools.goals.status import STATUS
from crmtools.indicators import CATALOGUE
from crmtools.period import Period
from crmtools.report.compare import GoalMoved
from crmtools.report.differences import Moved, Why
from crmtools.show import sentences
from crmtools.words import Language, Text, word

MATURED = Text("观察期当时尚未结束", "its follow-up was not over then")
NOTHING = Text("无差异", "no difference")
GONE_GOAL, NEW_GOAL = Text("已不再设定", "no longer set"), Text("当时尚未设定", "not set then")


def name_of(indicator: str, group: str, language: Language) -> str:
    """The indicator's name, with the group it is about."""
    item = CATALOGUE[indicator]
    if not group:
        return item.name.to(language)
    label = group_of(indicator, group, language)
    name = item.name.to(language)
    return f"{name}（{label}）" if language == "zh" else f"{name} ({label})"


def group_of(indicator: str, group: str, language: Language) -> str:
    """A group of the history in words."""
    pairs = (pair.partition("=") for pair in group.split("; "))
    named = (
        f"{sentences.attribute(a, language, CATALOGUE[indicator])} {sentences.group(v, language)}" for a, _, v in pairs
    )
    return word("list", language).join(named)


def value(indicator: str, amount: float | None, language: Language, currency: str) -> str:
    """A value in its indicator's unit."""
    return formats.quantity(amount, CATALOGUE[indicator].unit, language, currency)


def amount(one: Moved, by: float | None, language: Language) -> str:
    """A difference in the unit of its indicator."""
    return formats.difference(by, CATALOGUE[one.indicator].unit, language, one.currency, beside=one.now)


def period(name: str, language: Language) -> str:
    """A period of the history in words."""
    return Period.parse(name).label(language) if name else formats.MISSING


def due_to(why: Why, language: Language, *, matured: bool = False) -> str:
    """What a difference is laid to; with the remark that a period was not mature where that explains it."""
    said = why.words(language) or NOTHING.to(language)
    if matured and "data" in why.causes:
        said += f"（{MATURED.to(language)}）" if language == "zh" else f" ({MATURED.to(language)})"
    return said


def standing(one: GoalMoved, language: Language, *, before: bool, currency: str = "") -> str:
    """What a run said of a goal: by evidence where it was judged, else by the plan; value and target where they moved."""
    said = one.before if before else one.now
    if not said:
        return (NEW_GOAL if before else GONE_GOAL).to(language)
    evidence, status = str(said.get("evidence") or ""), str(said.get("status") or "")
    labels = [EVIDENCE.get(evidence) or STATUS.get(status)]
    parts = [label.to(language) for label in labels if label]
    unit = CATALOGUE[one.indicator].unit
    for name in ("value", "target", "baseline"):
        if name in one.changed:
            number = said.get(name)
            shown = formats.quantity(number if isinstance(number, float) else None, unit, language, currency)
            parts.append(f"{word(name, language)}{word('colon', language)}{shown}")
    if "deadline" in one.changed:
        parts.append(f"{word('deadline', language)}{word('colon', language)}{said.get('deadline')}")
    return ("；" if language == "zh" else "; ").join(parts)
