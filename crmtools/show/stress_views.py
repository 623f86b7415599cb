"""Definition risk: how far defensible assumptions alone move an indicator, beside its sampling error."""

from collections.abc import Mapping
from html import escape

from crmtools import formats
from crmtools.estimate import Estimate, valued
from crmtools.indicators.catalogue import Indicator
from crmtools.show import sentences
from crmtools.show.blocks import note
from crmtools.show.chart import Span, span_of
from crmtools.show.definitions import written
from crmtools.show.display import Display, tag
from crmtools.show.findings import in_sentence
from crmtools.show.groups import STRIP
from crmtools.show.look import chip
from crmtools.show.sentences import known, say
from crmtools.show.sparks import axis_row, strip
from crmtools.show.trends import figure, level_of
from crmtools.stressing import Stress
from crmtools.words import Language, Text, word

MOST = 9
"""Sets that are drawn; of more than that, the one in force and those with the lowest and highest values."""


def stress(stress: Stress, *, language: Language = "en", currency: str = "") -> Display:
    """What the definitions do to the value: a sentence, a dot with whiskers per set, and all sets in a folded table.

    The set in force is drawn first and its value as a dashed line. Carries the values per set as its result.
    """
    currency = sentences.currency_of(stress.estimates, currency)
    first = spoken(stress, language, currency)
    if len(stress) < 2 or not stress.values:
        return note(first)
    drawn = _drawn(stress)
    caption = _caption(stress, len(drawn), language)
    html = figure(_picture(stress, drawn, language, currency), first, caption)
    return Display(html + _table(stress, language, currency), first, _result(stress))


def spoken(stress: Stress, language: Language, currency: str = "") -> str:
    """Between which values the definitions move it, against the width of its sampling interval."""
    if len(stress) < 2:
        return _ONE.to(language)
    if stress.spread is None or stress.low is None or stress.high is None:
        lacking = next((one for one in stress.estimates if one.value is None), stress.estimates[0])
        return say(_NONE, language, why=in_sentence(sentences.why(lacking, language), language))
    unit = stress.indicator.unit
    limits = [formats.quantity(value, unit, language, currency) for value in (stress.low, stress.high)]
    words = {"count": formats.counted(len(stress.values), language), "low": limits[0], "high": limits[1]}
    left = _left(stress, language)
    if stress.spread == 0:
        return say(_SAME, language, **words) + left
    if limits[0] == limits[1]:
        return say(_ALIKE, language, **words) + left
    now, sampling = stress.estimates[0], stress.sampling
    if now.method == "census":
        verdict = _ALONE.to(language)
    elif not sampling or now.method == "scenario":
        verdict = _NO_CHANCE.to(language)
    else:
        times = stress.spread / sampling
        text = _EVEN if round(times, 1) == 1 else _MORE if times > 1 else _LESS
        verdict = say(text, language, times=formats.number(times, language))
    return say(_BETWEEN, language, **words) + verdict + left


def _left(stress: Stress, language: Language) -> str:
    """How many sets are not among those spoken of, and why."""
    hidden = sum(one.suppressed for one in stress.estimates)
    said = [
        say(one if count == 1 else several, language, count=formats.counted(count, language))
        for several, one, count in (
            (_HIDDEN, _ONE_HIDDEN, hidden),
            (_VALUELESS, _ONE_VALUELESS, len(stress) - len(stress.values) - hidden),
        )
        if count
    ]
    return "".join(("" if language == "zh" else " ") + one[:1].upper() + one[1:] for one in said)


def _drawn(stress: Stress) -> list[int]:
    """The places of the sets that are drawn: the one in force, the others by value; the middle ones left out.

    Equal ones stand as they are declared: last digits hang on the order in which the engine adds.
    """
    others = sorted(range(1, len(stress)), key=lambda place: _value(stress.estimates[place]))
    if len(stress) > MOST:
        half = (MOST - 1) // 2
        others = others[:half] + others[-half:]
    return [0, *others]


def _value(estimate: Estimate) -> float:
    value = known(estimate.value)
    return float(f"{value:.10g}") if value is not None else float("inf")


def _picture(stress: Stress, drawn: list[int], language: Language, currency: str) -> str:
    unit, now = stress.indicator.unit, known(stress.estimates[0].value)
    shown = [stress.estimates[place] for place in drawn]
    limits = [limit for e in shown for limit in (known(e.low), known(e.high))]
    span = span_of([known(e.value) for e in shown], limits, low=unit.low, high=unit.high)
    rows = [_row(stress, place, span, now, language, currency) for place in drawn]
    labels = [formats.axis(tick, span.step, unit, language, currency) for tick in span.ticks]
    axis = tag("tr", f"<td></td>{tag('td', axis_row(span, labels), style=STRIP)}<td></td>", aria_hidden="true")
    heads = ((word("assumptions", language), "width:30%"), ("", None), (word("value", language), _RIGHT))
    head = "".join(tag("th", escape(text), scope="col", style=style) for text, style in heads)
    body = tag("tbody", "".join(rows) + axis)
    alt = _alt(stress, drawn, language, currency)
    return tag("table", tag("thead", tag("tr", head)) + body, class_="crm-table", aria_label=alt)


def _row(stress: Stress, place: int, span: Span, now: float | None, language: Language, currency: str) -> str:
    estimate, label = stress.estimates[place], set_words(stress, place, language)
    mark = chip(escape(_IN_FORCE.to(language)), "none") if place == 0 else ""
    name = tag("th", mark + tag("small", escape(label)), scope="row", style="text-align:left;font-weight:400")
    value = known(estimate.value)
    if value is None:
        # a reason is longer than a number, and would push the numbers off a narrow page
        why = escape(sentences.why(estimate, language))
        return tag("tr", name + tag("td", why, colspan=2, style="white-space:normal"))
    text = f"{label}{word('colon', language)}{sentences.value_of(estimate, language, currency)}"
    picture = strip(value, known(estimate.low), known(estimate.high), span, total=now, words=text)
    limits = sentences.interval_of(estimate, language, currency, bare=True)
    number = escape(sentences.value_of(estimate, language, currency, bare=True))
    number += tag("small", escape(limits)) if limits != formats.MISSING else ""
    return tag("tr", name + tag("td", picture, style=STRIP) + tag("td", number, class_="num"))


def set_words(stress: Stress, place: int, language: Language) -> str:
    """The assumptions of a set: all that vary for the one in force, of another those that differ from it."""
    changed = stress.changes[place] or {name: stress.in_force[name] for name in stress.indicator.defensible}
    return word("list", language).join(f"{name} = {written(value, language)}" for name, value in changed.items())


def _alt(stress: Stress, drawn: list[int], language: Language, currency: str) -> str:
    said = [
        set_words(stress, place, language)
        + word("colon", language)
        + sentences.value_of(stress.estimates[place], language, currency)
        for place in drawn
    ]
    name = stress.indicator.name.to(language)
    return say(_ALT, language, name=name, sets=word("semicolon", language).join(said))


def _caption(stress: Stress, drawn: int, language: Language) -> str:
    parts = [_KEY.to(language)]
    if any(e.low is not None for e in valued(stress.estimates)):
        level = level_of(stress.estimates, language)
        parts[:0] = [stress.estimates[0].period.label(language), say(_WHISKER, language, level=level)]
    if drawn < len(stress):
        parts.append(say(_SOME, language, shown=drawn, all=len(stress)))
    text = ("；" if language == "zh" else "; ").join(parts)
    return text + word("stop", language)


def _table(stress: Stress, language: Language, currency: str) -> str:
    """All sets with value, interval and n, folded; the assumptions that vary are its first columns, explained above."""
    names = list(stress.indicator.defensible)
    heads = [*names, word("value", language), word("interval", language), "n"]
    head = "".join(
        tag("th", escape(text), scope="col", class_="num" if n >= len(names) else None) for n, text in enumerate(heads)
    )
    rows = "".join(
        tag("tr", _cells({**stress.in_force, **change}, names, estimate, language, currency))
        for change, estimate in zip(stress.changes, stress.estimates, strict=True)
    )
    table = tag("table", tag("thead", tag("tr", head)) + tag("tbody", rows), class_="crm-table")
    summary = tag("summary", escape(say(_TABLE, language, all=len(stress))))
    return tag("details", summary + _meanings(stress.indicator, language) + tag("div", table, class_="crm-scroll"))


def _cells(
    assumed: Mapping[str, object], names: list[str], estimate: Estimate, language: Language, currency: str
) -> str:
    cells = [tag("td", escape(written(assumed[name], language))) for name in names]
    if known(estimate.value) is None:
        return "".join([*cells, tag("td", escape(sentences.why(estimate, language)), colspan=3)])
    texts = (
        sentences.value_of(estimate, language, currency, bare=True),
        sentences.interval_of(estimate, language, currency, bare=True),
        formats.number(estimate.n, language),
    )
    return "".join([*cells, *(tag("td", escape(text), class_="num") for text in texts)])


def _meanings(item: Indicator, language: Language) -> str:
    said = (f"{name}{word('colon', language)}{item.assumption_words[name].to(language)}" for name in item.defensible)
    return tag("p", "<br>".join(escape(text) for text in said), class_="crm-note")


def _result(stress: Stress) -> dict[str, object]:
    """Values per set; not as estimates, which a reader of the results would take for values under the set in force."""
    sets = [
        {"changes": dict(change), "value": e.value, "low": e.low, "high": e.high, "n": e.n}
        for change, e in zip(stress.changes, stress.estimates, strict=True)
    ]
    return {"kind": "stress", "indicator": stress.indicator.id, "spread": stress.spread, "sets": sets}


_RIGHT = "text-align:right;width:1%"
_ONE = Text(
    "这项指标没有声明其他口径，因此没有口径风险可比较。",
    "No other set of assumptions is declared for this indicator: there is no definition risk to compare.",
)
_NONE = Text("口径风险无法计算：{why}。", "The definition risk could not be computed: {why}.")
_SAME = Text(
    "在{count}组站得住脚的口径下，数值均为 {low}：口径不影响结果。",
    "Under all {count} defensible sets of assumptions it is {low}: the definition makes no difference.",
)
_ALIKE = Text(
    "在{count}组站得住脚的口径下，数值都约为{low}：口径几乎不影响结果。",
    "Under all {count} defensible sets of assumptions it rounds to {low}: the definition makes next to no difference.",
)
_BETWEEN = Text(
    "在{count}组站得住脚的口径下，数值介于{low}与{high}之间",
    "Under {count} defensible sets of assumptions it lies between {low} and {high}",
)
_MORE = Text(
    "；这一幅度是抽样区间宽度的 {times} 倍：口径的影响大于偶然波动。",
    "; that is {times} times the width of the sampling interval: the definition matters more than chance.",
)
_LESS = Text(
    "；这一幅度是抽样区间宽度的 {times} 倍：偶然波动的影响大于口径。",
    "; that is {times} times the width of the sampling interval: chance matters more than the definition.",
)
_EVEN = Text(
    "；这一幅度与抽样区间宽度相当（{times} 倍）：口径的影响与偶然波动相当。",
    "; that is about the width of the sampling interval ({times} times): the definition matters as much as chance.",
)
_HIDDEN = Text(
    "另有{count}组不予公布，也不计入上述范围：每一组与已公布的某一组只差少数几位客户，两相比较会透露这些人的情况。",
    "{count} more not shown are left out of this: each differs from a set that is shown in so few customers that the two would tell about them.",
)
_ONE_HIDDEN = Text(
    "另有一组不予公布，也不计入上述范围：它与已公布的某一组只差少数几位客户，两相比较会透露这些人的情况。",
    "{count} more not shown is left out of this: it differs from a set that is shown in so few customers that the two would tell about them.",
)
_ONE_VALUELESS = Text("另有一组得不出数值。", "{count} more gives no value.")
_VALUELESS = Text("另有{count}组得不出数值。", "{count} more give no value.")
_ALONE = Text(
    "；数值为全量统计，没有抽样误差，差异全部来自口径。",
    "; it is a complete count without sampling error, so the definition alone moves it.",
)
_NO_CHANCE = Text(
    "；没有抽样区间，无法与偶然波动相比。", "; without a sampling interval that cannot be compared with chance."
)
_IN_FORCE = Text("现行口径", "in force")
_ALT = Text("点须图：{name}在各组口径下的数值。{sets}。", "Dots with whiskers: {name} by set of assumptions. {sets}.")
_WHISKER = Text("横线：{level} 区间", "whisker: {level} interval")
_KEY = Text("虚线：现行口径下的数值", "dashed line: the value under the assumptions in force")
_SOME = Text(
    "{all} 组口径中绘出 {shown} 组（现行口径及数值最低、最高的几组）",
    "{shown} of {all} sets are drawn: the one in force, and those with the lowest and the highest values",
)
_TABLE = Text("全部 {all} 组口径", "All {all} sets of assumptions")
