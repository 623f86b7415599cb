"""An estimate as a card, and a row of them."""

from collections.abc import Sequence
from html import escape

from crmtools import formats
from crmtools.estimate import METHODS, Estimate
from crmtools.goals.change import Change
from crmtools.indicators.catalogue import EXCLUSIONS, Indicator, find
from crmtools.measuring import Trend, measure
from crmtools.measuring import trend as trend_of
from crmtools.show import findings, sentences
from crmtools.show.answers import results
from crmtools.show.display import Display, tag
from crmtools.show.look import Tone, chip
from crmtools.show.sentences import known, moved, say, since
from crmtools.show.sparks import sparkline
from crmtools.show.stated import of_change, of_course, of_estimate, says
from crmtools.tables.source import Data
from crmtools.words import Language, Text, bracketed, word


def card(estimate: Estimate, *, language: Language = "en", currency: str = "") -> Display:
    """Name, value, interval, n and method, what was left out, and why something is missing."""
    lines = [
        tag("div", escape(sentences.name_of(estimate, language)), class_="n"),
        tag("div", escape(sentences.value_of(estimate, language, currency)), class_="v"),
        tag("div", escape(_under(estimate, language, currency)), class_="i"),
    ]
    details = [estimate.period.label(language)]
    if estimate.method not in ("none", "census"):
        details.append(METHODS[estimate.method].to(language))
    details += left_out(estimate, language)
    lines.append(tag("div", tag("small", escape(" · ".join(details)))))
    text = f"{sentences.name_of(estimate, language)}{word('colon', language)}{sentences.value_of(estimate, language, currency)}"
    return Display(
        tag("section", "".join(lines), class_="crm-card"),
        text + bracketed(_under(estimate, language, currency), language),
        results(estimate),
    )


def _under(estimate: Estimate, language: Language, currency: str) -> str:
    """What stands under the value: interval and n, or why there is no value."""
    if known(estimate.value) is None:
        return sentences.why(estimate, language)
    return sentences.certainty(estimate, language, currency)


def left_out(estimate: Estimate, language: Language) -> list[str]:
    """What does not count, by reason: ``left out: 14 earlier answers…``."""
    return [
        say(_LEFT_OUT, language, rows=formats.number(rows, language), reason=reason_words(reason, language))
        for reason, rows in estimate.excluded
    ]


def reason_words(reason: str, language: Language) -> str:
    """Why a row does not count."""
    return EXCLUSIONS[reason].to(language) if reason in EXCLUSIONS else reason.replace("_", " ")


def cards(
    indicators: Sequence[str | Indicator], data: Data, *, language: Language = "en", currency: str = ""
) -> Display:
    """A row of indicators: value, interval, course, and whether it changed on a year ago."""
    made, shown, courses = [], [], {}
    for name in indicators:
        item = find(name)
        now, then = measure(item, data), measure(item, data, period=data.period.year_ago())
        trend = trend_of(item, data)
        made.append(indicator_card(item, now, then, trend, language, currency or data.currency))
        shown += [now, then]
        courses[item.id] = {one.period.id: known(one.value) for one in trend.estimates}
    html = tag("div", "".join(part.html for part in made), class_="crm-cards")
    return Display(html, "\n".join(part.text for part in made), {**results(*shown), "told": {"courses": courses}})


def indicator_card(
    item: Indicator,
    now: Estimate,
    then: Estimate,
    trend: Trend,
    language: Language,
    currency: str = "",
    *,
    href: str = "",
    below: Text | None = None,
    chip_before: str = "",
) -> Display:
    """One indicator of a row: value, interval, course, change on a year ago ``then``.

    ``href`` makes its name a link, ``below`` is a line at the bottom, ``chip_before`` HTML before the change.
    """
    value = sentences.value_of(now, language, currency)
    under = _under(now, language, currency)
    verdict, tone = on_a_year_ago(now, then, language, currency) if known(now.value) is not None else ("", "none")
    alt = findings.trend_alt(trend, None, language, currency)
    numbers = [
        *of_estimate(now, language, currency),
        *of_change(now, then, language, currency),
        *of_course(item.id, {one.period.id: one.value for one in trend.estimates}, item.unit, language, currency),
    ]
    chips = chip_before + (chip(escape(verdict), tone) if verdict else "")
    lines = [
        _head(item, language, href),
        tag("div", escape(value), class_="v", data_of=says(value, numbers)),
        tag("div", escape(under), class_="i", data_of=says(under, numbers)),
        sparkline([known(e.value) for e in trend.estimates], alt=alt, says=says(alt, numbers)),
        tag("div", chips, class_="c", data_of=says(verdict, numbers)) if chips else "",
        tag("div", escape(below.to(language)), class_="i") if below else "",
    ]
    text = f"{item.name.to(language)}{word('colon', language)}{value}{bracketed(under, language)}"
    text += word("semicolon", language) + verdict if verdict else ""
    return Display(tag("section", "".join(lines), class_="crm-card"), text)


def plain_card(
    item: Indicator, state: str, why: str, language: Language, *, href: str = "", dimmed: bool = False
) -> str:
    """An indicator without a number among those that have one: its state (HTML), and why."""
    lines = [
        _head(item, language, href),
        tag("div", state, class_="c"),
        tag("div", escape(why), class_="i") if why else "",
        tag("div", escape(item.meaning.to(language)), class_="i"),
    ]
    return tag("section", "".join(lines), class_="crm-card crm-dimmed" if dimmed else "crm-card")


def _head(item: Indicator, language: Language, href: str) -> str:
    name = escape(item.name.to(language))
    return tag("div", tag("a", name, href=href) if href else name, class_="n")


def on_a_year_ago(now: Estimate, then: Estimate, language: Language, currency: str = "") -> tuple[str, Tone]:
    """The change on a year ago in a few words, and the tone of its chip."""
    item, currency = find(now.indicator), sentences.currency_of([now, then], currency)
    made = since(now, then)
    if made is None:
        return _NO_COMPARISON.to(language), "none"
    if made.difference is None:
        return say(_NOT_COMPARED, language, why=(made.why or sentences.NO_REASON).to(language)), "none"
    icon = "▲ " if made.difference > 0 else "▼ " if made.difference < 0 else ""
    said, tone = _said(item, made, made.difference, language, currency)
    return icon + said, tone


def _said(item: Indicator, made: Change, moved_by: float, language: Language, currency: str) -> tuple[str, Tone]:
    # in English the icon stands right before the amount and is its sign
    told, difference = moved(made), moved_by if language == "zh" else abs(moved_by)
    amount = formats.difference(difference, item.unit, language, currency, signed=language == "zh")
    if told in ("higher", "lower"):
        if item.better == "range":
            return say(_CHANGED, language, amount=amount), "none"
        good = item.better == told
        return say(_IMPROVED if good else _WORSENED, language, amount=amount), "good" if good else "risk"
    if told == "undetectable":
        if made.detectable is None:
            return say(_NONE_DETECTED, language, amount=amount), "none"
        least = formats.difference(made.detectable, item.unit, language, currency, signed=False)
        return say(_UNDETECTED, language, amount=amount, least=least), "none"
    return say(_SAME if told == "same" else _UNKNOWN, language, amount=amount), "none"


_LEFT_OUT = Text("剔除 {rows} 条：{reason}", "{rows} left out: {reason}")
_NO_COMPARISON = Text("上年同期没有可比数值", "no value of a year ago to compare with")
_IMPROVED = Text("较上年同期 {amount}：改善", "{amount} on a year ago: improved")
_WORSENED = Text("较上年同期 {amount}：恶化", "{amount} on a year ago: worse")
_CHANGED = Text("较上年同期 {amount}", "{amount} on a year ago")
_UNDETECTED = Text(
    "较上年同期 {amount}：未检出变化（小于约 {least}的变化难以看出）",
    "{amount} on a year ago: no detectable change (less than about {least} hardly shows)",
)
_NONE_DETECTED = Text("较上年同期 {amount}：未检出变化", "{amount} on a year ago: no detectable change")
_NOT_COMPARED = Text("与上年同期不可比：{why}", "not to be compared with a year ago: {why}")
_SAME = Text("与上年同期相同", "the same as a year ago")
_UNKNOWN = Text("较上年同期 {amount}：无法判断是否属于变化", "{amount} on a year ago: cannot be told from chance")
