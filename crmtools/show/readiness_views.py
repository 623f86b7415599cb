"""Which indicators can be computed, what the others lack, and the cheapest way to get it."""

from collections.abc import Mapping
from html import escape

from crmtools import formats
from crmtools.indicators.catalogue import DIMENSIONS, Indicator
from crmtools.readiness import STATES, Addition, Fill, Readiness, State, gains, readiness
from crmtools.show.display import Display, tag
from crmtools.show.look import Tone, chip
from crmtools.show.quality import share_words
from crmtools.show.sentences import say
from crmtools.show.sparks import bar
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word

MARKS: Mapping[State, tuple[str, Tone]] = {
    "computable": ("✔", "good"),
    "missing": ("–", "none"),
    "waits": ("…", "wait"),
    "whole": ("○", "none"),
}
NOTHING: Mapping[str, str] = {}


def ready(data: Data, *, language: Language = "en") -> Display:
    """Which indicators can be computed from these data, the cheapest gains, and what every other indicator lacks."""
    return ready_of(readiness(data), language=language)


def ready_of(found: Mapping[str, Readiness], *, language: Language, links: Mapping[str, str] = NOTHING) -> Display:
    """The same for a readiness that is known already; ``links`` leads from indicators to their pages."""
    steps = gains(found)
    first = how_many(found, language)
    html = tag("p", escape(first))
    if steps:
        html += tag("p", escape(_CHEAPEST.to(language)), class_="crm-title")
        html += tag("p", escape(_IN_ORDER.to(language)), class_="crm-note") + _gains(steps, language, links)
        html += tag("p", escape(_ALL.to(language)), class_="crm-title")
    html += _table(found, language, links)
    lines = [*(f"{gain_words(step, language)}" for step in steps), *(_line(one, language) for one in found.values())]
    return Display(html, "\n".join([first, *lines]))


def how_many(found: Mapping[str, Readiness], language: Language) -> str:
    """How many indicators can be computed, as a sentence."""
    can = sum(one.state == "computable" for one in found.values())
    return say(_READY, language, can=formats.number(can, language), all=formats.number(len(found), language))


def state_chip(state: State, language: Language) -> str:
    """The state as a sign and a word on a coloured ground."""
    mark, tone = MARKS[state]
    return chip(f"{mark} {escape(STATES[state].to(language))}", tone)


def what_is_missing(one: Readiness, language: Language) -> str:
    """The tables and columns that are missing, what the indicator waits for, or why it is not computed for a part."""
    if one.state in ("waits", "whole"):
        return one.why.to(language) if one.why else ""
    return word("list", language).join(one.missing)


def advice(one: Readiness, language: Language) -> str:
    """How to get what is missing as a sentence, and how many other indicators that would make computable; else nothing."""
    if one.either is None or one.cheapest is None:
        return ""
    said = one.either.to(language)
    others = len(one.cheapest.indicators) - 1
    if others:
        text = _AND_ANOTHER if others == 1 else _AND_OTHERS
        said += say(text, language, count=formats.number(others, language))
    return said[:1].upper() + said[1:] + word("stop", language)


def gain_words(step: Addition, language: Language) -> str:
    """One step of the cheapest gains: the pieces, how many indicators they make computable, and which."""
    names = word("list", language).join(item.name.to(language) for item in step.indicators)
    pieces, count = " + ".join(step.pieces), formats.number(len(step.indicators), language)
    return say(_GAIN, language, pieces=pieces, count=count, names=names)


def fill_words(fill: Fill, language: Language) -> str:
    """A column and the share of rows that have a value in it."""
    return f"{fill.table}.{fill.column}{formats.SPACE}{share_words(fill.share, language)}"


def _gains(steps: tuple[Addition, ...], language: Language, links: Mapping[str, str]) -> str:
    rows = []
    for step in steps:
        pieces = " + ".join(tag("code", escape(piece)) for piece in step.pieces)
        how = step.how.to(language)
        names = word("list", language).join(_name(item, language, links) for item in step.indicators)
        rows.append(
            tag("th", pieces + tag("small", escape(how[:1].upper() + how[1:])), scope="row", style=_WIDE)
            + tag("td", formats.number(len(step.indicators), language), class_="num")
            + tag("td", names, style=_WIDE)
        )
    return _grid((_ADD, _COUNT, _WHICH), rows, language)


def _table(found: Mapping[str, Readiness], language: Language, links: Mapping[str, str]) -> str:
    rows = []
    for one in found.values():
        item = one.indicator
        rows.append(
            tag("th", _name(item, language, links), scope="row", style="font-weight:400;min-width:7em")
            + tag("td", escape(DIMENSIONS[item.dimension].to(language)), style="min-width:5em")
            + tag("td", state_chip(one.state, language))
            + tag("td", _lacks(one, language), style=None if one.state == "computable" else "min-width:11em")
            + tag("td", _fill(one, language))
        )
    return _grid((_INDICATOR, _DIMENSION, _STATE, _LACKS, _EMPTIEST), rows, language)


def _lacks(one: Readiness, language: Language) -> str:
    """What is missing; how to get it is folded, because many indicators miss the same."""
    missing, how = escape(what_is_missing(one, language)), advice(one, language)
    if not how:
        return missing
    return tag("details", tag("summary", tag("code", missing)) + tag("small", escape(how)))


def _fill(one: Readiness, language: Language) -> str:
    """How full the needed columns are: a bar for the emptiest, the others with gaps in small print."""
    if one.emptiest is None:
        return formats.MISSING
    if not one.gaps:
        return tag("small", escape(_FULL.to(language)))
    words = (fill_words(fill, language) for fill in one.gaps)
    return bar(one.emptiest.share) + "".join(tag("small", escape(text)) for text in words)


def _name(item: Indicator, language: Language, links: Mapping[str, str]) -> str:
    name = escape(item.name.to(language))
    return tag("a", name, href=links[item.id]) if item.id in links else name


def _line(one: Readiness, language: Language) -> str:
    """One indicator for a terminal."""
    state = STATES[one.state].to(language)
    parts = [f"{one.indicator.name.to(language)}{word('colon', language)}{state}", what_is_missing(one, language)]
    return " ".join(part for part in parts if part)


def _grid(heads: tuple[Text, ...], rows: list[str], language: Language) -> str:
    head = "".join(tag("th", escape(text.to(language)), scope="col") for text in heads)
    body = "".join(tag("tr", row) for row in rows)
    table = tag("table", tag("thead", tag("tr", head)) + tag("tbody", body), class_="crm-table")
    return tag("div", table, class_="crm-scroll")


_WIDE = "font-weight:400;min-width:11em"
_READY = Text(
    "就现有表和列而言，{all} 项指标中可计算 {can} 项；样本是否足够，计算时才知道。",
    "{can} of {all} indicators can be computed from these tables and columns; whether enough customers stand behind a figure shows when it "
    "is computed.",
)
_CHEAPEST, _ALL = Text("先补什么最划算", "Cheapest gains first"), Text("逐项指标", "Indicator by indicator")
_IN_ORDER = Text(
    "按顺序补充，每一步只计在前几步之外新增的可计算指标；列名不同时，可在参数文件的 columns 中对应。",
    "Each step counts the indicators that come on top of the steps above it. Where a column has another name in your files, "
    "map it under columns in the parameters file.",
)
_ADD, _COUNT, _WHICH = (
    Text("补充内容", "Add"),
    Text("新增指标", "Gained"),
    Text("可计算的指标", "Indicators then computable"),
)
_INDICATOR, _DIMENSION = Text("指标", "Indicator"), Text("维度", "Dimension")
_STATE, _LACKS = Text("状态", "State"), Text("缺少什么、如何取得", "What is missing, how to get it")
_EMPTIEST = Text("必需列的填写率", "Needed columns filled")
_FULL = Text("必需列均已填满", "full")
_AND_ANOTHER = Text("（另有 {count} 项指标也将可以计算）", " (would make {count} more indicator computable)")
_AND_OTHERS = Text("（另有 {count} 项指标也将可以计算）", " (would make {count} more indicators computable)")
_GAIN = Text("补充 {pieces}：新增 {count} 项（{names}）", "Add {pieces}: {count} more ({names})")
