"""The segments behind a waterfall, folded: customers, weight and value then and now, and both pieces with their intervals."""

from html import escape

from crmtools import formats
from crmtools.goals.terms import HOW, Decomposition, Line, Term
from crmtools.show import sentences
from crmtools.show.blocks import figure_cell, grid, named
from crmtools.show.display import tag
from crmtools.show.sentences import say
from crmtools.words import Language, Text


def segment_table(found: Decomposition, *, language: Language, currency: str) -> str:
    """All segments of a decomposition as a folded table; how the intervals were made stands below it."""
    heads = [sentences.attribute(found.by, language, found.indicator), *(head.to(language) for head in _HEADS)]
    rows = [_row(line, found, language, currency) for line in found.lines]
    rows.append(_total(found, language, currency))
    key = say(_KEY, language, method=HOW[found.method].to(language))
    summary = tag("summary", escape(_SUMMARY.to(language)))
    return tag("details", summary + grid(heads, rows) + tag("p", escape(key), class_="crm-note"))


def _row(line: Line, found: Decomposition, language: Language, currency: str) -> list[str]:
    unit = found.indicator.unit

    def value(rate: float | None) -> str:
        return formats.quantity(rate, unit, language, currency, bare=True)

    below = say(_MERGED, language, count=line.merged) if line.merged else _STATES[line.state].to(language)
    return [
        named(line.name.to(language), below),
        figure_cell(_then_now(formats.number(line.n_before, language), formats.number(line.n_now, language))),
        figure_cell(
            _then_now(formats.percent(line.weight_before, language), formats.percent(line.weight_now, language))
        ),
        figure_cell(_then_now(value(line.rate_before), value(line.rate_now))),
        _term_cell(line.mix, found, language, currency),
        _term_cell(line.rate or line.moved, found, language, currency),
    ]


def _total(found: Decomposition, language: Language, currency: str) -> list[str]:
    unit = found.indicator.unit
    ends = (formats.quantity(e.value, unit, language, currency, bare=True) for e in (found.baseline, found.now))
    counts = (formats.number(e.n, language) for e in (found.baseline, found.now))
    # what entered and left stands in the same column, and its sum with an interval of its own is not worked out
    own = found.rate if found.entered is None and found.left is None else None
    return [
        named(_ALL.to(language)),
        figure_cell(_then_now(*counts)),
        figure_cell(""),
        figure_cell(_then_now(*ends)),
        _term_cell(found.mix, found, language, currency),
        _term_cell(own, found, language, currency),
    ]


def _then_now(then: str, now: str) -> str:
    return f"{then} → {now}"


def _term_cell(term: Term | None, found: Decomposition, language: Language, currency: str) -> str:
    """A piece with its interval, or the reason why it has none."""
    if term is None:
        return figure_cell(formats.MISSING)
    unit = found.indicator.unit

    def written(value: float) -> str:
        return formats.difference(value, unit, language, currency, named=False)

    if term.low is None or term.high is None:
        return figure_cell(written(term.value), term.why.to(language) if term.why else "", wrap=True)
    return figure_cell(written(term.value), say(_BETWEEN, language, low=written(term.low), high=written(term.high)))


_SUMMARY = Text("各客户群的数字与区间", "The segments in figures, with their intervals")
_HEADS = (
    Text("客户数", "Customers"), Text("权重", "Weight"), Text("数值", "Value"), Text("构成变化", "Mix"),
    Text("自身变化", "Own change"),
)  # fmt: skip
_STATES = {
    "both": Text("", ""),
    "entered": Text("新出现", "came in"),
    "left": Text("已消失", "is gone"),
}
_MERGED = Text("{count} 个样本过少的客户群合并", "{count} small groups put together")
_ALL = Text("合计", "All")
_BETWEEN = Text("{low} 至 {high}", "{low} to {high}")
_KEY = Text(
    "基线 → 本期。构成变化：权重变化乘以该客户群与总体均值之差；自身变化：客户群数值的变化乘以其平均权重；全部相加即总变化"
    "（Kitagawa 分解）。区间：{method}。",
    "Then → now. Mix: the change of a segment's weight times how far it lies from the mean of all. Own change: the change of its "
    "value times its mean weight. All of them add up to the change (Kitagawa). Intervals: {method}.",
)
