"""An indicator by group: dots with whiskers beside their numbers, or a plain table."""

from collections.abc import Sequence
from html import escape

from crmtools import formats
from crmtools.estimate import Estimate, valued
from crmtools.measuring import Breakdown
from crmtools.show import findings, sentences
from crmtools.show.chart import Span, span_of
from crmtools.show.display import Display, joined, tag
from crmtools.show.sentences import known, say
from crmtools.show.sparks import axis_row, empty_strip, strip
from crmtools.show.trends import figure, level_of, rests_on
from crmtools.words import Language, Text, word

STRIP = "padding-top:0;padding-bottom:0"
"""The style of a cell that holds a strip: nothing keeps it from those above and below it."""


def breakdown(
    breakdown: Breakdown, *, total: Estimate, language: Language = "en", currency: str = "", title: str | None = None
) -> Display:
    """Every group with its interval, the total as a dashed line; groups too small to be shown are named as hidden."""
    currency = sentences.currency_of([total, *breakdown.estimates], currency)
    heading = title if title is not None else findings.breakdown_title(breakdown, total, language, currency)
    alt = findings.breakdown_alt(breakdown, total, language, currency)
    shown = [e for e in breakdown.estimates if not e.suppressed]
    picture = _picture(breakdown, shown, total, language, currency, alt) if valued(shown) else ""
    html = figure(picture, heading, _caption(breakdown, shown, total, language))
    return Display(html, f"{heading}\n{alt}", _results(breakdown))


def breakdowns(
    parts: Sequence[Breakdown], *, total: Estimate, language: Language = "en", currency: str = ""
) -> Display:
    """One figure per attribute; a sentence where there is nothing to split by."""
    if not parts:
        return Display(tag("p", _NO_SPLIT.to(language), class_="crm-note"), _NO_SPLIT.to(language))
    return joined(*(breakdown(part, total=total, language=language, currency=currency) for part in parts))


def breakdown_table(
    breakdown: Breakdown, *, total: Estimate | None = None, language: Language = "en", currency: str = ""
) -> Display:
    """Groups with value, interval and n as a table, the total last."""
    currency = sentences.currency_of([*breakdown.estimates, *([total] if total else [])], currency)
    heads = (
        sentences.attribute(breakdown.by, language, breakdown.indicator),
        *(word(key, language) for key in ("value", "interval")),
        "n",
    )
    lines = [_cells(name_in(e, breakdown.by, language), e, language, currency) for e in breakdown.estimates]
    if total is not None:
        lines.append(_cells(word("all", language), total, language, currency))
    head = "".join(
        tag("th", escape(text), scope="col", class_="num" if place else None) for place, text in enumerate(heads)
    )
    rows = "".join(tag("tr", line) for line in lines)
    name = breakdown.indicator.name.to(language)
    html = tag(
        "table",
        f"{tag('caption', escape(name))}{tag('thead', tag('tr', head))}{tag('tbody', rows)}",
        class_="crm-table",
    )
    text = "\n".join(sentences.stated(e, language, currency) for e in breakdown.estimates)
    return Display(tag("div", html, class_="crm-scroll"), text, _results(breakdown))


def name_in(estimate: Estimate, by: str, language: Language) -> str:
    """The name of a group."""
    return sentences.group(dict(estimate.group).get(by, ""), language)


def _cells(name: str, estimate: Estimate, language: Language, currency: str) -> str:
    cells = [tag("th", escape(name), scope="row")]
    if known(estimate.value) is None:
        return "".join([*cells, tag("td", escape(sentences.why(estimate, language)), colspan=3)])
    texts = (
        sentences.value_of(estimate, language, currency), sentences.interval_of(estimate, language, currency),
        formats.number(estimate.n, language),
    )  # fmt: skip
    return "".join([*cells, *(tag("td", escape(text), class_="num") for text in texts)])


def _picture(
    breakdown: Breakdown, shown: Sequence[Estimate], total: Estimate, language: Language, currency: str, alt: str
) -> str:
    unit = breakdown.indicator.unit
    # parts that sum to the total lie far below it: they are compared with nothing, and start at 0
    middle, start = (None, 0.0) if findings.adds_up(breakdown) else (known(total.value), None)
    span = span_of(
        [*(known(e.value) for e in shown), middle, start], [limit for e in shown for limit in (known(e.low), known(e.high))],
        low=unit.low, high=unit.high,
    )  # fmt: skip
    rows = [_row(e, breakdown.by, span, middle, language, currency) for e in shown]
    labels = [formats.axis(tick, span.step, unit, language, currency) for tick in span.ticks]
    axis = tag("tr", f"<td></td>{tag('td', axis_row(span, labels), style=STRIP)}<td></td>", aria_hidden="true")
    body = tag("tbody", "".join(rows) + axis)
    columns = (sentences.attribute(breakdown.by, language, breakdown.indicator), "", word("value", language))
    styles = ("width:22%", "", "text-align:right;width:1%")
    head = "".join(tag("th", escape(text), scope="col", style=style or None) for text, style in zip(columns, styles))
    return tag("table", tag("thead", tag("tr", head)) + body, class_="crm-table", aria_label=alt)


def _row(estimate: Estimate, by: str, span: Span, total: float | None, language: Language, currency: str) -> str:
    name = tag("th", escape(name_in(estimate, by, language)), scope="row", style="text-align:left;font-weight:400")
    value = known(estimate.value)
    n = f"n = {formats.number(estimate.n, language)}"
    if value is None:
        picture, numbers = empty_strip(span, total), escape(sentences.why(estimate, language))
    else:
        words = f"{name_in(estimate, by, language)}{word('colon', language)}{sentences.value_of(estimate, language, currency)}"
        picture = strip(value, known(estimate.low), known(estimate.high), span, total=total, words=words)
        limits = sentences.interval_of(estimate, language, currency, bare=True)
        lines = [n] if limits == formats.MISSING else [limits, n]
        numbers = escape(sentences.value_of(estimate, language, currency, bare=True))
        numbers += "".join(tag("small", escape(line)) for line in lines)
    return tag("tr", name + tag("td", picture, style=STRIP) + tag("td", numbers, class_="num"))


def _caption(breakdown: Breakdown, shown: Sequence[Estimate], total: Estimate, language: Language) -> str:
    parts = []
    if findings.adds_up(breakdown):
        parts.append(total.period.label(language))
    elif valued(shown):
        level, period = level_of(breakdown.estimates, language), total.period.label(language)
        parts.append(say(_KEY, language, level=level, period=period))
    if alone := findings.clear_of_total(breakdown, total):
        groups = word("list", language).join(name_in(e, breakdown.by, language) for e in alone)
        parts.append(say(_AT_ONCE, language, groups=groups, count=formats.number(len(valued(shown)), language)))
    if sum(e.n for e in shown) > total.n:
        parts.append(_OVERLAP.to(language))
    hidden = [name_in(e, breakdown.by, language) for e in breakdown.estimates if e.suppressed]
    if hidden:
        parts.append(say(_HIDDEN, language, groups=word("list", language).join(hidden)))
    parts += rests_on([e for e in shown if e.n], breakdown, language)[-2:]
    return "".join(f"{part}。" for part in parts) if language == "zh" else " ".join(f"{part}." for part in parts)


def _results(breakdown: Breakdown) -> dict[str, object]:
    return {"kind": "estimates", "estimates": [estimate.to_dict() for estimate in breakdown.estimates]}


_NO_SPLIT = Text("这项指标没有可供分组的属性。", "There is nothing this indicator can be split by.")
_KEY = Text("{period}；横线：{level} 区间；虚线：总体", "{period}; whisker: {level} interval; dashed line: total")
_AT_ONCE = Text(
    "{groups}的区间不含总体值；但同时比较 {count} 组，且各组本身属于总体，这仍可能出于偶然",
    "Intervals that leave the total out: {groups}; among {count} groups, each of them part of the total, that may be chance",
)
_OVERLAP = Text("同一客户可属于多个分组", "A customer can be in more than one group")
_HIDDEN = Text(
    "样本过少、或会泄露样本过少的一组而不予公布：{groups}", "Too few to be shown, or would give few away: {groups}"
)
