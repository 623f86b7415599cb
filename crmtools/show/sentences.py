"""Findings in words, by rule and in both languages.

A change is only called one when the data can tell it from chance, by the one rule of :mod:`crmtools.goals.change`. Everything
returned here is plain text: escape it before it becomes HTML.
"""

import math
import re
from collections.abc import Sequence
from datetime import date
from string import Formatter
from typing import Literal

from crmtools import formats
from crmtools.estimate import Estimate
from crmtools.goals.change import Change, change
from crmtools.goals.reading import Reading
from crmtools.goals.status import STATUS
from crmtools.indicators.catalogue import MADE_ATTRIBUTES, Indicator, find
from crmtools.period import Period
from crmtools.questions import UNKNOWN
from crmtools.tables import TABLES
from crmtools.words import Language, Text, word

Moved = Literal["higher", "lower", "same", "undetectable", "unknown"]

A_WEEK = 7
NO_REASON = Text("没有可用数据", "there are no data")


def since(now: Estimate, then: Estimate) -> Change | None:
    """The change from an earlier period, by the rule that goals are judged by; None where one of them has no value.

    The customers are taken for different ones: for those who are in both it claims too little rather than too much.
    """
    if known(now.value) is None or known(then.value) is None:
        return None
    item = find(now.indicator)
    return change(then, now, item.kind, better=item.better)


def moved(made: Change) -> Moved:
    """What may be said about it where no goal asks for a direction."""
    if made.verdict == "not_comparable" or made.difference is None:
        return "unknown"
    if made.verdict == "no_detectable_change":
        return "same" if made.method == "count" else "undetectable"
    return "higher" if made.difference > 0 else "lower"


def known(value: float | None) -> float | None:
    """The value, or None for NaN and infinity as well."""
    return value if value is not None and math.isfinite(value) else None


def currency_of(estimates: Sequence[Estimate], given: str = "") -> str:
    """The currency that amounts are in: the given one, else the one the estimates carry."""
    return given or next((e.currency for e in estimates if e.currency), "")


def say(text: Text, language: Language, **values: object) -> str:
    """A text with its placeholders filled; in Chinese with a space where a number meets a character."""
    if language == "en":
        return text.en.format(**values)
    said = ""
    for literal, name, _, _ in Formatter().parse(text.zh):
        for piece in (literal, str(values[name]) if name else ""):
            said += " " + piece if said and piece and _touch(said[-1], piece[0]) else piece
    return said


def _touch(before: str, after: str) -> bool:
    return any(
        _is_chinese(one) and ((other.isascii() and other.isalnum()) or other in "¥$€£+−%")
        for one, other in ((before, after), (after, before))
    )


def _is_chinese(letter: str) -> bool:
    return "\u3400" <= letter <= "\u9fff"


def value_of(estimate: Estimate, language: Language, currency: str = "", *, bare: bool = False) -> str:
    """The value in its unit."""
    unit = find(estimate.indicator).unit
    return formats.quantity(estimate.value, unit, language, currency_of([estimate], currency), bare=bare)


def interval_of(estimate: Estimate, language: Language, currency: str = "", *, bare: bool = False) -> str:
    """The interval in its unit, without a name; a dash where there is none."""
    unit = find(estimate.indicator).unit
    return formats.interval(estimate.low, estimate.high, unit, language, currency_of([estimate], currency), bare=bare)


def why(estimate: Estimate, language: Language) -> str:
    """Why there is no value or no interval."""
    if estimate.suppressed:
        return word("too_few", language)
    return (estimate.why or NO_REASON).to(language)


def certainty(estimate: Estimate, language: Language, currency: str = "", *, bare: bool = False) -> str:
    """The interval with its level, or why there is none, and n: what stands in brackets behind a value."""
    level = formats.percent(estimate.level, language, 0)
    parts = []
    if known(estimate.low) is None and known(estimate.high) is None:
        counted = estimate.method == "census"
        parts.append(why(estimate, language) if counted else say(_NO_INTERVAL, language, why=why(estimate, language)))
    else:
        limits = interval_of(estimate, language, currency, bare=bare)
        parts.append(say(_INTERVAL, language, level=level, limits=limits))
        if estimate.why is not None:
            parts.append(estimate.why.to(language))
    if estimate.n:
        parts.append(f"n{formats.SPACE}={formats.SPACE}{formats.number(estimate.n, language)}")
    return ("；" if language == "zh" else "; ").join(parts)


def name_of(estimate: Estimate, language: Language) -> str:
    """The indicator's name, with the group it is about."""
    item = find(estimate.indicator)
    name = item.name.to(language)
    if not estimate.group:
        return name
    groups = word("list", language).join(
        f"{attribute(a, language, item)} {group(v, language)}" for a, v in estimate.group
    )
    return f"{name}（{groups}）" if language == "zh" else f"{name} ({groups})"


def attribute(name: str, language: Language, item: Indicator | None = None) -> str:
    """What an attribute of customers is called, or one that the facts of ``item`` carry: by the table they come from."""
    own = item.tables if item is not None and name in item.splits else ()
    named = (TABLES[table][name].meaning for table in (*own, "customers", *TABLES) if name in TABLES[table])
    if (meaning := next(named, MADE_ATTRIBUTES.get(name))) is None:
        return name.replace("_", " ")
    text = before_comma(meaning.to(language))
    return text[:1].upper() + text[1:] if language == "en" else text


def before_comma(meaning: str) -> str:
    """The name at the head of a meaning such as ``service tickets, one row each``."""
    return re.split(r"[,，;；(（:：]", meaning)[0].strip()


def group(value: str, language: Language) -> str:
    """What a group is called; rows whose attribute is empty are 'unknown'."""
    return word("unknown", language) if value == UNKNOWN else value


def when(period: Period, language: Language) -> str:
    """A period as part of a sentence."""
    if language == "zh":
        return period.label(language)
    return f"{'from' if period.kind == 'days' else 'in'} {period.label(language)}"


def stated(estimate: Estimate, language: Language, currency: str = "") -> str:
    """Where the indicator stands, as a sentence with its interval; or that it does not, and why."""
    words = {"name": name_of(estimate, language), "when": when(estimate.period, language)}
    if estimate.suppressed:
        return say(_HIDDEN, language, **words)
    if known(estimate.value) is None:
        return say(_NO_VALUE, language, why=why(estimate, language), **words)
    value, sure = value_of(estimate, language, currency), certainty(estimate, language, currency)
    return say(_STATED, language, value=value, certainty=sure, **words)


def ripening(estimate: Estimate, language: Language) -> str:
    """That a part of the period may still change, and that the data end before it does; empty where neither is so."""
    if known(estimate.value) is None:
        return ""
    said = []
    if estimate.maturity is not None and estimate.maturity < 1:
        # never "100 % is mature" where a part is not
        share = formats.percent(min(max(estimate.maturity, 0.0), 0.99), language, 0)
        said.append(say(_RIPENING, language, share=share))
    if estimate.data_until is not None and _ends_early(estimate.data_until, estimate.period):
        said.append(say(_REACHES, language, day=formats.day(estimate.data_until, language)))
    return ("" if language == "zh" else " ").join(said)


def _ends_early(until: date, period: Period) -> bool:
    """Whether data end before the last third of a period and more than a week before its end.

    Sooner it would be said of all that is booked by month: its last row is of the first day of the last month.
    """
    return (period.last_day - until).days > max(A_WEEK, period.days / 3)


def compared(now: Estimate, then: Estimate, language: Language, currency: str = "") -> str:
    """How it compares with an earlier period; empty where there is nothing to compare from."""
    if known(now.value) is None:
        return ""
    item, currency = find(now.indicator), currency_of([now, then], currency)
    words = {"then": then.period.label(language)}
    made = since(now, then)
    if made is None:
        return say(_NOTHING_THEN, language, why=why(then, language), **words)
    words["value"] = value_of(then, language, currency)
    told = moved(made)
    if made.difference is None:
        return say(_NOT_COMPARED, language, why=(made.why or NO_REASON).to(language), **words)

    def amount(size: float, *, signed: bool = False) -> str:
        return formats.difference(size, item.unit, language, currency, signed=signed, beside=now.value)

    words |= {"difference": amount(made.difference, signed=True), "amount": amount(abs(made.difference))}
    words |= {"judgement": judgement(item, told, language), "why": (made.why or NO_REASON).to(language)}
    if told == "undetectable" and made.detectable is not None:
        return say(_UNDETECTED, language, least=amount(made.detectable), **words)
    return say(_COMPARED[told], language, **words)


def judgement(item: Indicator, verdict: Moved, language: Language) -> str:
    """Whether a change is an improvement, with the comma before it; empty where no direction is better."""
    if item.better == "range" or verdict not in ("higher", "lower"):
        return ""
    return (_BETTER if item.better == verdict else _WORSE).to(language)


def aimed(reading: Reading, language: Language, currency: str = "") -> str:
    """Where the goal stands: target, deadline, what is missing, plan status."""
    unit, currency = reading.goal.indicator.unit, currency_of([reading.now], currency)
    words = {"by": formats.day(reading.goal.deadline, language), "status": status_words(reading, language)}
    if reading.target is None or reading.gap is None:
        missing = reading.now if known(reading.now.value) is None else reading.baseline
        return say(_NO_READING, language, why=why(missing, language), **words)
    words["target"] = formats.quantity(reading.target, unit, language, currency, trim=True)
    words["gap"] = formats.difference(abs(reading.gap), unit, language, currency, signed=False, beside=reading.target)
    text = say(_REACHED if reading.gap <= 0 else _AIMED, language, **words)
    if undecided(reading):
        text += _UNDECIDED.to(language)
    return text + word("stop", language)


def status_words(reading: Reading, language: Language) -> str:
    """The plan status as part of a sentence."""
    text = STATUS[reading.status].to(language)
    return text if language == "zh" else text[:1].lower() + text[1:]


def undecided(reading: Reading) -> bool:
    """Whether the interval of the gap holds 0: the data cannot tell whether the target is reached."""
    return reading.gap_low is not None and reading.gap_high is not None and reading.gap_low < 0 < reading.gap_high


_INTERVAL = Text("{level} 区间 {limits}", "{level} interval {limits}")
_NO_INTERVAL = Text("无区间：{why}", "no interval: {why}")
_STATED = Text("{when}，{name}为 {value}（{certainty}）。", "{name} stood at {value} {when} ({certainty}).")
_NO_VALUE = Text("{when}，{name}无法计算：{why}。", "{name} could not be computed {when}: {why}.")
_HIDDEN = Text(
    "{when}，{name}不予公布：样本过少，或会泄露样本过少的一组。",
    "{name} is not shown {when}: too few customers, or it would give few away.",
)
_RIPENING = Text(
    "本期仅 {share} 的时间观察期已满，数字仍可能变动。",
    "Only {share} of the period is mature: the figure may still change.",
)
_REACHES = Text("数据只到 {day}。", "The data reach only to {day}.")
_NOTHING_THEN = Text("{then}没有可比数值：{why}。", "There is no value of {then} to compare with: {why}.")
_BETTER, _WORSE = Text("，属于改善", ", an improvement"), Text("，属于恶化", ", a deterioration")
_COMPARED: dict[Moved, Text] = {
    "higher": Text(
        "比{then}（{value}）高 {amount}{judgement}。", "That is {amount} higher than {then} ({value}){judgement}."
    ),
    "lower": Text(
        "比{then}（{value}）低 {amount}{judgement}。", "That is {amount} lower than {then} ({value}){judgement}."
    ),
    "same": Text("与{then}（{value}）相同。", "That is the same as {then} ({value})."),
    "undetectable": Text(
        "与{then}（{value}）相比，未检出变化：差异 {difference}。",
        "No detectable change from {then} ({value}): {difference}.",
    ),
    "unknown": Text(
        "{then}为 {value}，差异 {difference}，无法判断是否属于变化：{why}。",
        "{then} had {value}, a difference of {difference}; nobody can tell whether that is a change: {why}.",
    ),
}
_UNDETECTED = Text(
    "与{then}（{value}）相比，未检出变化：差异 {difference}；小于约 {least}的变化难以看出。",
    "No detectable change from {then} ({value}): {difference}; one of less than about {least} could hardly be seen.",
)
_NOT_COMPARED = Text("{then}为 {value}，不作比较：{why}。", "{then} had {value}, which it is not compared with: {why}.")
_AIMED = Text(
    "目标为 {by}前达到 {target}，尚差 {gap}；计划状态：{status}",
    "The goal is {target} by {by}: {gap} to go; plan status: {status}",
)
_REACHED = Text(
    "目标（{by}前达到 {target}）已达到，超出 {gap}", "The goal of {target} by {by} is reached, {gap} beyond"
)
_UNDECIDED = Text(
    "；区间跨过目标，尚不能确定是否真正达到", "; the interval lies across the target, so the data cannot settle it"
)
_NO_READING = Text("{by}到期的目标无法判断：{why}。", "The goal due by {by} cannot be judged: {why}.")
