"""Which lifetime model, and why: the candidates and the guesses that need no model on the time held back."""

import pandas as pd

from crmtools import formats
from crmtools.lifetime.compare import BASELINES, Comparison
from crmtools.lifetime.model import PurchaseModel
from crmtools.lifetime.plots import frequencies
from crmtools.lifetime.study import Study
from crmtools.settings import Publish
from crmtools.show.blocks import TOO_FEW, figure_cell, grid, lead, named, note, sentence_list
from crmtools.show.display import Display
from crmtools.show.lifetime_fit import PLACES, no_model
from crmtools.show.lifetime_views import foreseen
from crmtools.show.paired_bars import Pair, pair_words, paired_bars
from crmtools.show.sentences import known, say
from crmtools.show.trends import figure
from crmtools.suppression import small_ones
from crmtools.words import Language, Text, word


def lifetime_trust(study: Study, *, language: Language) -> Display:
    """Whether to believe the model: how well the rest was foreseen, and whether that took a model at all."""
    if study.why is not None or study.model is None:
        return no_model(study, language)
    comparison = study.comparison
    if comparison is None:
        first = say(_BY_DEFAULT, language, model=study.model.TITLE)
        return lead(first, foreseen(study, language), language=language, result={"kind": "lifetime", "part": "trust"})
    result = {
        "kind": "lifetime", "part": "trust", "model": study.model.TITLE, "clear": comparison.clear,
        "beaten": comparison.beaten, "usable": comparison.winner is not None,
    }  # fmt: skip
    return lead(foreseen(study, language), _chosen(study, comparison, language), _against_guesses(comparison, language), language=language, result=result)  # fmt: skip


def lifetime_choice(study: Study, *, language: Language) -> Display:
    """The candidates, best first, and the guesses, with every measure of the time held back."""
    if study.why is not None:
        return no_model(study, language)
    comparison = study.comparison
    if comparison is None or study.split is None:
        return note(foreseen(study, language))
    frame = comparison.frame
    rows = [_row(str(name), row, language) for name, row in frame.iterrows()]
    caption = [
        say(_CHOICE_CAPTION, language, n=formats.number(len(study.split.calibration), language)),
        *([_UNUSABLE.to(language)] if not frame["usable"].all() else []),
    ]
    html = grid([text.to(language) for text in _HEADS], rows, caption=sentence_list(caption, language))
    models = [
        {"name": str(name), **{key: known(row[key]) for key in _MEASURES}, "usable": bool(row["usable"])}
        for name, row in frame.iterrows()
    ]  # fmt: skip
    text = _chosen(study, comparison, language)
    return Display(html, text, {"kind": "lifetime", "part": "choice", "models": models})


def lifetime_frequencies(
    study: Study, *, language: Language, smallest_group: int = Publish().smallest_group
) -> Display:
    """How many customers bought how often, actual and as the fitted model has it: does it fit what it was fitted to?"""
    if study.why is not None or study.model is None:
        return no_model(study, language)
    basis = study.split.calibration if study.split else study.summary
    table = frequencies(study.model, basis)
    hidden = small_ones(table["actual"].to_dict(), smallest_group)
    pairs = [
        Pair(
            str(name), None if name in hidden else row["actual"], row["expected"],
            TOO_FEW.to(language) if name in hidden else formats.number(int(row["actual"]), language),
            formats.number(row["expected"], language, 0),
        )
        for name, row in table.iterrows()
    ]  # fmt: skip
    off = float((table["actual"] - table["expected"]).abs().sum() / 2 / table["actual"].sum())
    title = say(_FIT_TITLE, language, model=study.model.TITLE, share=formats.percent(off, language))
    said = pair_words(pairs, language)
    picture = paired_bars(
        pairs, (_ACTUAL.to(language), _EXPECTED.to(language)), alt=say(_FIT_ALT, language, groups=said)
    )
    caption = say(_FIT_CAPTION, language, n=formats.number(len(basis), language))
    result = {
        "kind": "lifetime", "part": "frequencies", "misplaced": off,
        "groups": [
            {"frequency": str(name), "actual": None if name in hidden else int(row["actual"]), "expected": row["expected"]}
            for name, row in table.iterrows()
        ],
    }  # fmt: skip
    return Display(figure(picture, title, sentence_list([caption], language)), f"{title}\n{said}", result)


def _chosen(study: Study, comparison: Comparison, language: Language) -> str:
    """Which model was taken, by how much."""
    model: PurchaseModel | None = comparison.winner
    if model is None:
        return say(_NONE_USABLE, language, model=study.model.TITLE if study.model else formats.MISSING)
    others = [str(name) for name in comparison.frame.index[comparison.frame["model"]] if name != model.TITLE]
    words = {"model": model.TITLE, "others": word("list", language).join(others)}
    return say(_CLEAR if comparison.clear else _CLOSE, language, **words)


def _against_guesses(comparison: Comparison, language: Language) -> str:
    """Whether a guess that needs no model does as well."""
    if comparison.winner is None:
        return ""
    lost = [BASELINES[key].to(language) for key in BASELINES if key not in comparison.beaten]
    if not lost:
        return _BEATS_ALL.to(language)
    return say(_BEATEN_BY, language, guesses=word("list", language).join(f"“{text}”" for text in lost))


def _row(name: str, row: pd.Series, language: Language) -> list[str]:
    title = BASELINES[name].to(language) if name in BASELINES else name
    below = "" if row["usable"] else _NOT_USABLE.to(language)
    shown = [
        formats.number(known(row["log_score"]), language, PLACES),
        _behind(row, language),
        formats.number(known(row["mae"]), language, PLACES),
        formats.number(known(row["rmse"]), language, PLACES),
        formats.percent(known(row["bias"]), language, signed=True),
        formats.percent(known(row["calibration"]), language),
        formats.number(known(row["gini"]), language, PLACES),
        formats.percent(known(row["tracking"]), language),
        formats.number(known(row["bic"]), language, 0),
    ]
    return [named(title, below), *map(figure_cell, shown)]


def _behind(row: pd.Series, language: Language) -> str:
    if not row["model"]:
        return formats.MISSING
    if not row["behind_error"]:
        return formats.number(0.0, language, 0)
    behind, error = (formats.number(row[key], language, 4) for key in ("behind", "behind_error"))
    return f"{behind} ± {error}"


_MEASURES = ("log_score", "behind", "behind_error", "mae", "rmse", "bias", "calibration", "gini", "tracking", "bic")
_HEADS = (
    Text("模型或简单猜测", "Model or guess"), Text("对数得分", "Log score"), Text("落后", "Behind"), Text("平均绝对误差", "MAE"),
    Text("均方根误差", "RMSE"), Text("总数偏差", "Total off by"), Text("十组偏差", "Ten groups off by"), Text("基尼系数", "Gini"),
    Text("逐周偏差", "Weeks off by"), Text("BIC", "BIC"),
)  # fmt: skip
_CHOICE_CAPTION = Text(
    "留出期，n = {n} 位客户；对数得分（越高越好）决定选用哪个模型，“落后”附标准误；总数、十组与逐周偏差越接近零越好，基尼系数越高越好",
    "Time held back, n = {n} customers. The log score decides, the higher the better; “behind” with its standard error. "
    "Totals, groups of customers and weeks should be off by little; the higher the Gini, the better the order of customers is foreseen",
)
_UNUSABLE = Text(
    "未收敛或参数停在边界的模型排在最后，不予选用",
    "Models that did not converge, or sit at a bound, come last and are not taken",
)
_NOT_USABLE = Text("不可用", "not usable")
_BY_DEFAULT = Text(
    "没有留出期可供比较，按惯例采用 {model}。",
    "No time was held back to choose a model by; {model} was taken as the usual choice.",
)
_CLEAR = Text(
    "采用 {model}：它给客户后来的实际行为赋予的概率最高，对 {others} 的领先超出了偶然误差。",
    "{model} was taken: it gave the highest probability to what customers then did, ahead of {others} by more than chance.",
)
_CLOSE = Text(
    "采用 {model}：它给客户后来的实际行为赋予的概率最高，但领先幅度可能出于偶然（其余：{others}）。",
    "{model} was taken: it gave the highest probability to what customers then did, though its lead may be chance ({others} "
    "come close).",
)
_NONE_USABLE = Text(
    "没有候选模型可用，以下按惯例采用 {model}，结果须谨慎看待。",
    "No candidate could be used; {model} was taken as the usual choice. Believe its results with care.",
)
_BEATS_ALL = Text(
    "它比不用模型的三种简单猜测都更接近实际（均方根误差）。",
    "It came closer to what happened than three guesses that need no model (root mean square error).",
)
_BEATEN_BY = Text(
    "但下列不用模型的简单猜测与实际同样接近或更接近：{guesses}。模型在此并不胜任。",
    "But a guess that needs no model came as close or closer: {guesses}. Here the model does not earn its keep.",
)
_ACTUAL, _EXPECTED = Text("实际", "Actual"), Text("模型预期", "Expected")
_FIT_TITLE = Text(
    "{model} 将 {share} 的客户归入了不同的购买次数",
    "{model} puts {share} of the customers at another number of purchases",
)
_FIT_ALT = Text(
    "条形图：按复购次数的客户数，实际与模型。{groups}。",
    "Bars: customers by repeat purchases, actual and by the model: {groups}.",
)
_FIT_CAPTION = Text(
    "拟合所用的历史中，按复购次数的客户数；n = {n} 位客户",
    "Customers by repeat purchases in the history that the model was fitted to; n = {n} customers",
)
