"""The change of a product by factor as a waterfall: revenue from then over customers, orders and order value to now."""

from collections.abc import Callable
from html import escape
from typing import Literal

from crmtools import formats
from crmtools.goals.factors import Factor, Product
from crmtools.show import sentences
from crmtools.show.blocks import figure_cell, grid, named
from crmtools.show.bridge import Rung, bridge
from crmtools.show.chart import span_of
from crmtools.show.display import Display, tag
from crmtools.show.sentences import say
from crmtools.show.trends import figure
from crmtools.words import Language, Text, word

Way = Literal["shapley", "log_mean"]


def product_waterfall(product: Product, *, language: Language, currency: str = "", way: Way = "shapley") -> Display:
    """What each factor brought, from the product then to the product now.

    ``way`` chooses whose parts are drawn: Shapley's, or those of the logarithmic mean where they exist; both stand in the folded
    table. The parts carry no intervals, and the caption says why.
    """
    currency = currency or product.currency
    result = _result(product)
    if product.before is None or product.now is None or not product.factors:
        said = say(_NONE, language, why=(product.why or sentences.NO_REASON).to(language))
        return Display(tag("p", escape(said), class_="crm-note"), said, result)
    if way == "log_mean" and product.why_no_log_mean is not None:
        said = say(_NONE, language, why=product.why_no_log_mean.to(language))
        return Display(tag("p", escape(said), class_="crm-note"), said, result)

    def amount(value: float, *, signed: bool = False) -> str:
        return formats.money(value, currency, language, signed=signed)

    rungs = [_level(_LEVEL, product.baseline.label(language), product.before, amount, language)]
    at = product.before
    for factor in product.factors:
        part = _part(factor, way)
        name, words = factor.name.to(language), amount(part, signed=True)
        title = f"{name}{word('colon', language)}{words}"
        rungs.append(Rung(name, words, at + part, at, tone="good" if part >= 0 else "risk", title=title))
        at += part
    rungs.append(_level(_LEVEL, product.period.label(language), product.now, amount, language))
    span = span_of([x for rung in rungs for x in (rung.start, rung.end)])
    colon = word("colon", language)
    alt = say(_ALT, language, steps=word("list", language).join(f"{rung.name}{colon}{rung.words}" for rung in rungs))
    picture = bridge(rungs, span, [amount(tick) for tick in span.ticks], alt=alt)
    title = _title(product, way, amount, language)
    caption = _caption(product, way, not span.low <= 0 <= span.high, language)
    html = figure(picture, title, caption) + _table(product, amount, language)
    return Display(html, f"{title}\n{alt}", result)


Amount = Callable[..., str]


def _level(text: Text, period: str, value: float, amount: Amount, language: Language) -> Rung:
    words = amount(value)
    name = say(text, language, period=period)
    return Rung(name, words, value, title=f"{name}{word('colon', language)}{words}")


def _part(factor: Factor, way: Way) -> float:
    """The factor's part; Shapley's where the other does not exist, which the caller has ruled out."""
    return factor.log_mean if way == "log_mean" and factor.log_mean is not None else factor.shapley


def _title(product: Product, way: Way, amount: Amount, language: Language) -> str:
    largest = max(product.factors, key=lambda factor: abs(_part(factor, way)))
    return say(
        _SPLIT, language, change=amount((product.now or 0.0) - (product.before or 0.0), signed=True),
        factor=largest.name.to(language), part=amount(_part(largest, way), signed=True),
    )  # fmt: skip


def _caption(product: Product, way: Way, cut: bool, language: Language) -> str:
    parts = [_WAYS[way].to(language), product.why_no_interval.to(language)]
    parts += [_NOT_ZERO.to(language)] if cut else []
    parts = [part[:1].upper() + part[1:] for part in parts]
    return "".join(f"{part}。" for part in parts) if language == "zh" else " ".join(f"{part}." for part in parts)


def _table(product: Product, amount: Amount, language: Language) -> str:
    rows = [
        [
            named(factor.name.to(language)),
            figure_cell(f"{formats.number(factor.before, language)} → {formats.number(factor.now, language)}"),
            figure_cell(amount(factor.shapley, signed=True)),
            figure_cell(formats.MISSING if factor.log_mean is None else amount(factor.log_mean, signed=True)),
        ]
        for factor in product.factors
    ]
    below = ""
    if product.why_no_log_mean is not None:
        below = tag("p", escape(product.why_no_log_mean.to(language)), class_="crm-note")
    summary = tag("summary", escape(_SUMMARY.to(language)))
    return tag("details", summary + grid([head.to(language) for head in _HEADS], rows) + below)


def _result(product: Product) -> dict[str, object]:
    return {
        "kind": "factors",
        "before": product.before,
        "now": product.now,
        "factors": [
            {"before": f.before, "now": f.now, "shapley": f.shapley, "log_mean": f.log_mean} for f in product.factors
        ],
    }


_NONE = Text("无法按因子拆分：{why}。", "The change cannot be split by factor: {why}.")
_LEVEL = Text("净额（{period}）", "Net revenue ({period})")
_SPLIT = Text(
    "净额变化 {change}，其中{factor}的影响最大（{part}）。",
    "Net revenue changed by {change}; most of it came with {factor} ({part}).",
)
_WAYS: dict[Way, Text] = {
    "shapley": Text(
        "各因子的份额为所有变动次序的平均（Shapley）", "Parts: the mean over all orders of change (Shapley)"
    ),
    "log_mean": Text("各因子的份额按对数平均（LMDI）", "Parts by the logarithmic mean (LMDI)"),
}
_NOT_ZERO = Text("横轴不从 0 开始", "the axis does not begin at 0")
_ALT = Text("瀑布图：{steps}。", "Waterfall: {steps}.")
_SUMMARY = Text("各因子的数字", "The factors in figures")
_HEADS = (
    Text("因子", "Factor"), Text("基线 → 本期", "Then → now"), Text("Shapley", "Shapley"),
    Text("对数平均", "Logarithmic mean"),
)  # fmt: skip
