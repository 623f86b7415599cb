"""What a change is made of, as a waterfall: from the baseline over mix and segments to now, and on to the target."""

from html import escape

from crmtools import formats
from crmtools.estimate import Estimate
from crmtools.goals.moved import Moves
from crmtools.goals.stakes import CASES, CUSTOMERS, EVENTS, Stakes, stakes
from crmtools.goals.terms import NOW, Decomposition, Step, Term
from crmtools.indicators.catalogue import Indicator
from crmtools.show import sentences
from crmtools.show.bridge import Rung, Tone, bridge
from crmtools.show.chart import Span, span_of
from crmtools.show.display import Display, tag
from crmtools.show.look import chip
from crmtools.show.sentences import currency_of, known, say
from crmtools.show.trends import figure
from crmtools.show.waterfall_table import segment_table
from crmtools.words import WORDS, Language, Text, bracketed, word

MOST_NAMED = 3
"""Segments that a title names at most."""


def gap_waterfall(
    decomposition: Decomposition,
    *,
    language: Language,
    currency: str = "",
    value_per_unit: float | None = None,
    at_stake: bool = True,
    moves: Moves | None = None,
) -> Display:
    """The change since the baseline by mix and segment, and what remains to the target.

    Above it a warning where the total misleads (Simpson), below it the gap in customers, cases or events, and in money where
    ``value_per_unit`` says what one is worth, in the report's currency; ``at_stake=False`` leaves that to another picture of the
    same gap. The title names the segments that ``moves`` says have moved. The segments with all intervals are folded.
    """
    found = decomposition
    currency = currency_of([found.baseline, found.now], currency or found.currency)
    steps, named = found.steps, attribute_words(found.by, found.indicator, language)
    if not steps:
        said = say(_NONE, language, by=named, why=(found.why or sentences.NO_REASON).to(language))
        return Display(tag("p", escape(said), class_="crm-note"), said, _result(found))
    title = _title(found, moves, language, currency)
    warning = _warning(found, language)
    limits = [end for step in steps for end in _limits(step, found) if end is not None]
    unit = found.indicator.unit
    span = span_of([end for step in steps for end in _drawn(step)], limits, low=unit.low, high=unit.high)
    rungs = [_rung(step, found, language, currency) for step in steps]
    colon = word("colon", language)
    alt = say(_ALT, language, steps=word("list", language).join(f"{rung.name}{colon}{rung.words}" for rung in rungs))
    labels = [formats.axis(tick, span.step, unit, language, currency) for tick in span.ticks]
    picture = bridge(rungs, span, labels, alt=alt)
    caption = _caption(found, span, moves, language)
    below = _at_stake(stakes(found, value_per_unit=value_per_unit), found, language) if at_stake else []
    html = warning + figure(picture, title, caption)
    if below:
        gap = "" if language == "zh" else " "
        html += tag("p", escape(gap.join(below)))
    html += segment_table(found, language=language, currency=currency)
    text = "\n".join([title, *([found.warning.to(language)] if found.warning else []), alt, *below])
    return Display(html, text, _result(found))


def attribute_words(by: str, item: Indicator, language: Language) -> str:
    """What the change is split by, as it stands in a sentence."""
    name = sentences.attribute(by, language, item)
    # an abbreviation keeps its capitals
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def step_name(step: Step, found: Decomposition, language: Language) -> str:
    """What a row is called: a level with its period, a piece with its segment."""
    if step.term is None:
        name, measured = step.name.to(language), _measured(step, found)
        return name if measured is None else say(_LEVEL, language, name=name, period=measured.period.label(language))
    if step.term.piece == "mix":
        return say(_MIX, language, by=attribute_words(found.by, found.indicator, language))
    if step.term.piece == "remaining":
        return (_MISSING if _wanted(step.term.value, found) > 0 else _PASSED).to(language)
    text = {"rate": _OWN, "entered": _ENTERED, "left": _LEFT}[step.term.piece]
    return say(text, language, segment=step.segment.to(language) if step.segment else "")


def _rung(step: Step, found: Decomposition, language: Language, currency: str) -> Rung:
    unit, name = found.indicator.unit, step_name(step, found, language)
    low, high = _limits(step, found)
    if step.term is None:
        words = formats.quantity(step.end, unit, language, currency, bare=True, trim=_measured(step, found) is None)
        return Rung(name, words, step.end, low=low, high=high, title=f"{name}{word('colon', language)}{words}")
    words = formats.difference(step.term.value, unit, language, currency, named=unit.form == "money")
    around = limits_words(step.term, found, language, currency)
    title = f"{name}{word('colon', language)}{formats.difference(step.term.value, unit, language, currency)}"
    title += bracketed(around, language)
    return Rung(name, words, step.end, step.start, low, high, _tone(step.term, found), title)


def limits_words(term: Term, found: Decomposition, language: Language, currency: str) -> str:
    """The interval of a piece, or why there is none."""
    if term.low is None or term.high is None:
        return (term.why or sentences.NO_REASON).to(language)
    unit = found.indicator.unit
    low, high = (formats.difference(end, unit, language, currency, named=False) for end in (term.low, term.high))
    return say(_BETWEEN, language, low=low, high=high)


def _drawn(step: Step) -> tuple[float, ...]:
    return (step.end,) if step.term is None else (step.start, step.end)


def _limits(step: Step, found: Decomposition) -> tuple[float | None, float | None]:
    """Where the whisker of a row ends; that of a piece hangs at its end."""
    if step.term is not None:
        if step.term.low is None or step.term.high is None or step.term.piece == "remaining":
            return None, None  # the gap is as uncertain as the value now, whose whisker stands above
        return step.start + step.term.low, step.start + step.term.high
    measured = _measured(step, found)
    return (known(measured.low), known(measured.high)) if measured is not None else (None, None)


def _measured(step: Step, found: Decomposition) -> Estimate | None:
    """What a level was measured as; None for the target."""
    return found.baseline if step.name == WORDS["baseline"] else found.now if step.name == NOW else None


def _wanted(value: float, found: Decomposition) -> float:
    """A difference counted so that more is better; the way to the target is what is wanted, whichever way it goes."""
    if found.indicator.better == "range" and found.remaining is not None:
        return value if found.remaining.value > 0 else -value
    return -value if found.indicator.better == "lower" else value


def _tone(term: Term, found: Decomposition) -> Tone:
    if term.piece == "remaining":
        return "open"
    if found.indicator.better == "range":
        return "neutral"
    return "good" if _wanted(term.value, found) >= 0 else "risk"


def among(moves: Moves, language: Language) -> str:
    """The rule by which segments are named, in a sentence."""
    return say(_AMONG, language, count=formats.number(moves.among, language))


def _title(found: Decomposition, moves: Moves | None, language: Language, currency: str) -> str:
    """How much of the change is mix, how much the segments themselves, and which of these can be told from chance."""
    unit = found.indicator.unit

    def amount(value: float, *, named: bool = False) -> str:
        return formats.difference(value, unit, language, currency, named=named)

    if found.change is None or found.mix is None:
        return ""
    first = say(
        _SPLIT, language, by=attribute_words(found.by, found.indicator, language), change=amount(found.change.value, named=unit.form != "rate"),
        mix=amount(found.mix.value), rest=amount(found.change.value - found.mix.value),
    )  # fmt: skip
    if moves is None:
        return first
    named = {*moves.named}
    clear = [
        (line.name.to(language), line.rate) for line in found.lines if line.rate is not None and line.segment in named
    ]
    if not clear:
        return first + ("" if language == "zh" else " ") + _NONE_CLEAR.to(language)
    clear.sort(key=lambda pair: -abs(pair[1].value))
    segments = word("list", language).join(
        say(_NAMED, language, segment=name, amount=amount(term.value)) for name, term in clear[:MOST_NAMED]
    )
    return first + ("" if language == "zh" else " ") + say(_CLEAR, language, segments=segments)


def _warning(found: Decomposition, language: Language) -> str:
    if found.warning is None:
        return ""
    mark = chip(f"▲ {escape(_MISLEADS.to(language))}", "wait")
    return tag("p", f"{mark} {escape(found.warning.to(language))}", style="margin:1rem 0 0")


def _caption(found: Decomposition, span: Span, moves: Moves | None, language: Language) -> str:
    parts = [_PIECES.to(language)]
    if any(term.low is not None for line in found.lines for term in line.terms):
        level = formats.percent(found.now.level, language, 0)
        parts.append(say(_WHISKERS, language, level=level))
    else:
        why = next((term.why for line in found.lines for term in line.terms if term.why is not None), None)
        if why is not None:
            parts.append(say(_NO_WHISKERS, language, why=why.to(language)))
    if not span.low <= 0 <= span.high:
        parts.append(_NOT_ZERO.to(language))
    few, many = (formats.number(n, language) for n in (found.baseline.n, found.now.n))
    parts.append(say(_N, language, before=few, now=many))
    said = [f"{part}。" if language == "zh" else f"{part}." for part in parts]
    if moves is not None:
        said += [among(moves, language), _EACH.to(language)]
    return ("" if language == "zh" else " ").join(said)


def _at_stake(at_stake: Stakes, found: Decomposition, language: Language) -> list[str]:
    """The gap, or what is beyond the target, in customers, cases or events; and in money where one of them has a value."""
    gap = next((stake for stake in at_stake.stakes if stake.piece == "remaining"), None)
    if at_stake.why is not None or gap is None or at_stake.base is None:
        return []
    base = formats.number(at_stake.base, language, 0)
    amount = say(_AMOUNTS[at_stake.counted], language, units=_rounded(abs(gap.units), language), base=base)
    if gap.low is not None and gap.high is not None:
        low, high = sorted((gap.low, gap.high)) if gap.units >= 0 else sorted((-gap.low, -gap.high))
        amount += say(_INTERVAL, language, low=_rounded(low, language), high=_rounded(high, language))
    said = say(_STAKE if _wanted(gap.units, found) > 0 else _PAST_TARGET, language, amount=amount)
    if gap.money is None:
        return [said]
    return [said, say(_MONEY, language, money=formats.money(abs(gap.money), at_stake.currency, language))]


def _rounded(units: float, language: Language) -> str:
    return formats.number(units, language, 0 if abs(units) >= 10 else 1)


def _result(found: Decomposition) -> dict[str, object]:
    pieces = [
        {"segment": line.segment, "piece": term.piece, "value": term.value, "low": term.low, "high": term.high}
        for line in found.lines
        for term in line.terms
    ]
    totals = [
        term for term in (found.mix, found.rate, found.entered, found.left, found.change, found.remaining) if term
    ]
    return {
        "kind": "decomposition",
        "by": found.by,
        "baseline": found.baseline.to_dict(),
        "now": found.now.to_dict(),
        "target": found.target,
        "totals": {term.piece: {"value": term.value, "low": term.low, "high": term.high} for term in totals},
        "pieces": pieces,
    }


_NONE = Text("无法按{by}拆分变化：{why}。", "The change cannot be split by {by}: {why}.")
_LEVEL = Text("{name}（{period}）", "{name} ({period})")
_MIX = Text("构成变化（{by}）", "Change in the mix ({by})")
_OWN, _ENTERED, _LEFT = (
    Text("{segment}：自身变化", "{segment}: own change"),
    Text("{segment}：新出现", "{segment}: came in"),
    Text("{segment}：已消失", "{segment}: is gone"),
)
_MISSING, _PASSED = Text("剩余差距", "Still missing"), Text("已超过目标", "Beyond the target")
_BETWEEN = Text("{low} 至 {high}", "{low} to {high}")
_SPLIT = Text(
    "按{by}拆分：总变化 {change}，其中构成变化 {mix}，各客户群自身变化 {rest}。",
    "By {by}: of a change of {change}, {mix} is the mix and {rest} the segments themselves.",
)
_NONE_CLEAR = Text(
    "在全报告的各项比较中，没有哪个客户群的变化能与偶然波动区分。",
    "Among all comparisons of this report, no segment's change can be told from chance.",
)
_CLEAR = Text("超出偶然波动的：{segments}。", "Beyond chance: {segments}.")
_AMONG = Text(
    "把全报告的客户群比较（共 {count} 项）一并检验（Holm），变化仍超出偶然波动的客户群才点出。",
    "A segment is named where its change is more than chance, the comparisons of segments in this report ({count}) taken together (Holm).",
)
_EACH = Text(
    "横线只就单个部分而言：比较多了，总有几条碰巧不含 0。",
    "A whisker speaks for its piece alone: of so many, some leave out 0 by chance.",
)
_NAMED = Text("{segment}（{amount}）", "{segment} ({amount})")
_MISLEADS = Text("总体数字有误导", "The total misleads")
_PIECES = Text(
    "条形：各部分使数值移动多少，绿色为改善、红色为恶化；竖标：基线、当前与目标",
    "Bars: how far each piece moved the value, green for the better, red for the worse; upright marks: baseline, now, target",
)
_WHISKERS = Text("横线：{level} 区间，挂在该部分的末端", "Whiskers: {level} interval, hung at the end of the piece")
_NO_WHISKERS = Text("各部分没有区间：{why}", "The pieces have no intervals: {why}")
_NOT_ZERO = Text("横轴不从 0 开始", "The axis does not begin at 0")
_N = Text("n = {before}（基线）与 {now}（本期）", "n = {before} then and {now} now")
_ALT = Text("瀑布图：{steps}。", "Waterfall: {steps}.")
_STAKE = Text("剩余差距折合约 {amount}。", "What remains to the target is about {amount}.")
_PAST_TARGET = Text("超出目标的部分折合约 {amount}。", "The target is passed by about {amount}.")
_AMOUNTS: dict[Text, Text] = {
    CUSTOMERS: Text("{units} 位客户（共 {base} 位）", "{units} of {base} customers"),
    CASES: Text("{units} 例（共 {base} 例）", "{units} of {base} cases"),
    EVENTS: Text("{units} 次事件", "{units} events"),
}
_INTERVAL = Text("，区间 {low} 至 {high}", " (interval {low} to {high})")
_MONEY = Text("折合金额约 {money}。", "In money that is about {money}.")
