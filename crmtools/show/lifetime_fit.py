"""The fitted lifetime models: parameters with their errors, and what another package found."""

import numpy as np
import pandas as pd

from crmtools import formats
from crmtools.lifetime.gamma_gamma import GammaGamma
from crmtools.lifetime.model import PurchaseModel
from crmtools.lifetime.study import Study
from crmtools.lifetime.summary import TimeUnit
from crmtools.show.blocks import figure_cell, grid, named, note, sentence_list
from crmtools.show.display import Display, joined
from crmtools.show.sentences import known, say
from crmtools.words import Language, Text

PLACES = 3
"""Decimals of parameters, as papers print them."""


def lifetime_parameters(study: Study, *, language: Language) -> Display:
    """Parameters of both models with error and interval; those of purchases beside the second opinion."""
    if study.model is None or study.spend is None:
        return no_model(study, language)
    return joined(purchase_model(study, study.model, language), spend_model(study.spend, language))


def purchase_model(study: Study, model: PurchaseModel, language: Language) -> Display:
    """The model of purchases: parameters, log-likelihood, and the second opinion."""
    table, opinion = model.summary() if study.limits is None else study.limits, study.opinion
    rows, values = [], []
    for name, row in table.iterrows():
        cells = _parameter_cells(row, language)
        if opinion is not None:
            cells += _opinion_cells(opinion.loc[[name]].iloc[0], PLACES, language)
        rows.append([named(str(name), _meaning(str(name), model.unit, language)), *map(figure_cell, cells)])
        values.append({"parameter": str(name), **{key: known(number) for key, number in row.items()}})
    alone = formats.MISSING, formats.MISSING
    cells = [formats.number(model.log_likelihood, language, 1), *alone]
    if opinion is not None:
        cells += _opinion_cells(opinion.loc[["log_likelihood"]].iloc[0], 1, language)
    rows.append([named(_LOG_LIKELIHOOD.to(language)), *map(figure_cell, cells)])
    heads = [text.to(language) for text in (*_PARAMETER_HEADS, *(_OPINION_HEADS if opinion is not None else ()))]
    span = formats.number(model.longest, language)
    caption = [
        say(
            _PURCHASE_CAPTION,
            language,
            model=model.TITLE,
            n=formats.number(model.n, language),
            span=span,
            unit=_UNITS[model.unit].to(language),
        )
    ]
    if opinion is not None and _sampled(study, model):
        caption.append(_SAMPLED.to(language))
    result = {
        "kind": "lifetime", "part": "purchase_model", "model": model.TITLE, "n": model.n, "unit": model.unit,
        "log_likelihood": model.log_likelihood, "parameters": values,
        "lifetimes": opinion["lifetimes"].to_dict() if opinion is not None else None,
    }  # fmt: skip
    lines = [f"{name} {formats.number(row['estimate'], language, PLACES)}" for name, row in table.iterrows()]
    lines.append(f"{_LOG_LIKELIHOOD.to(language)} {cells[0]}")
    return Display(grid(heads, rows, caption=sentence_list(caption, language)), "\n".join(lines), result)


def spend_model(spend: GammaGamma, language: Language) -> Display:
    """Gamma-Gamma: parameters, log-likelihood, and the mean spend they imply."""
    table = spend.summary()
    rows = [
        [named(str(name), _SPEND_MEANING[str(name)].to(language)), *map(figure_cell, _parameter_cells(row, language))]
        for name, row in table.iterrows()
    ]
    single = [figure_cell(formats.MISSING)] * 2
    rows.append(
        [named(_LOG_LIKELIHOOD.to(language)), figure_cell(formats.number(spend.log_likelihood, language, 1)), *single]
    )
    rows.append(
        [named(_MEAN_SPEND.to(language)), figure_cell(formats.number(spend.population_mean, language, 2)), *single]
    )
    n, left = formats.number(spend.n, language), formats.number(spend.left_out, language)
    caption = sentence_list([say(_SPEND_CAPTION, language, n=n, left=left)], language)
    heads = [text.to(language) for text in _PARAMETER_HEADS]
    result = {
        "kind": "lifetime", "part": "spend_model", "n": spend.n, "left_out": spend.left_out,
        "log_likelihood": spend.log_likelihood, "population_mean": spend.population_mean,
        "correlation": spend.correlation,
        "parameters": [{"parameter": str(name), **row.to_dict()} for name, row in table.iterrows()],
    }  # fmt: skip
    lines = [f"{name} {formats.number(row['estimate'], language, PLACES)}" for name, row in table.iterrows()]
    return Display(grid(heads, rows, caption=caption), "\n".join(lines), result)


def _parameter_cells(row: pd.Series, language: Language) -> list[str]:
    """Estimate, standard error, interval; a dash for what the data do not determine."""
    estimate, error, low, high = (
        formats.number(known(row[name]), language, PLACES) for name in ("estimate", "se", "low", "high")
    )
    if np.isposinf(row["high"]) and row["low"] == 0:
        limits = _ANYTHING.to(language)
    elif np.isposinf(row["high"]):
        limits = f"> {low}"
    elif row["low"] == 0:
        limits = f"< {high}"
    else:
        limits = formats.MISSING if formats.MISSING in (low, high) else f"{low}–{high}"
    return [estimate, error, limits]


def _opinion_cells(row: pd.Series, places: int, language: Language) -> list[str]:
    """What the other package found, and the difference to our fit of the same data."""
    difference = known(row["difference"])
    least = 10.0**-places
    if difference is not None and abs(difference) < least / 2:
        shown = f"< {formats.number(least, language, places)}"
    else:
        shown = formats.number(difference, language, places, signed=True)
    return [formats.number(known(row["lifetimes"]), language, places), shown]


def _sampled(study: Study, model: PurchaseModel) -> bool:
    """Whether the second opinion is on a sample: its own fit of ours then differs from the model."""
    if study.opinion is None:
        return False
    ours = study.opinion["ours"].loc["log_likelihood"]
    return abs(ours - model.log_likelihood) > 1e-6 * abs(model.log_likelihood)


def _meaning(name: str, unit: TimeUnit, language: Language) -> str:
    return say(_PURCHASE_MEANING[name], language, unit=_UNITS[unit].to(language))


def no_model(study: Study, language: Language) -> Display:
    """The sentence in place of a model."""
    return note(say(_NO_MODEL, language, why=study.why.to(language) if study.why else formats.MISSING))


_ANYTHING = Text("无法确定", "not determined")
_NO_MODEL = Text("没有拟合模型：{why}。", "No model was fitted: {why}.")
_PARAMETER_HEADS = (
    Text("参数", "Parameter"), Text("估计值", "Estimate"), Text("标准误", "Standard error"), Text("95% 区间", "95 % interval"),
)  # fmt: skip
_OPINION_HEADS = (Text("lifetimes", "lifetimes"), Text("差异", "Difference"))
_LOG_LIKELIHOOD, _MEAN_SPEND = Text("对数似然", "Log-likelihood"), Text("平均每次消费", "Mean spend per purchase")
_UNITS: dict[TimeUnit, Text] = {
    "days": Text("天", "days"),
    "weeks": Text("周", "weeks"),
    "months": Text("个月", "months"),
}
_PURCHASE_MEANING = {
    "r": Text("购买率分布的形状", "shape of the rates of purchase"),
    "alpha": Text("购买率分布的尺度（{unit}）", "their scale, in {unit}"),
    "a": Text("流失概率分布", "chance of leaving after a purchase"),
    "b": Text("流失概率分布", "chance of leaving after a purchase"),
    "s": Text("流失速率分布的形状", "shape of the rates of leaving"),
    "beta": Text("流失速率分布的尺度（{unit}）", "their scale, in {unit}"),
}
_SPEND_MEANING = {
    "p": Text("单次消费的形状", "shape of the spend of one purchase"),
    "q": Text("客户间差异的形状", "shape of the differences between customers"),
    "v": Text("客户间差异的尺度（货币单位）", "their scale, in the currency of the orders"),
}
_PURCHASE_CAPTION = Text(
    "{model}：n = {n} 位客户，最长观察 {span} {unit}", "{model}: n = {n} customers, observed for up to {span} {unit}"
)
_SPEND_CAPTION = Text(
    "Gamma-Gamma：n = {n} 位复购客户；{left} 位没有复购金额，不参与拟合",
    "Gamma-Gamma: n = {n} customers with a repeat purchase; {left} without one, or without spend, are left out",
)
_SAMPLED = Text(
    "lifetimes 只对等距抽取的部分客户拟合",
    "lifetimes is fitted to every k-th customer only, and compared with our fit to the same ones",
)
