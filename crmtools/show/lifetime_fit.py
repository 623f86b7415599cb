"""The fitted lifetime model and its check: parameters, held-back purchases, purchases week by week."""

from collections.abc import Callable

import pandas as pd

from crmtools import formats
from crmtools.lifetime.beta_geo import BetaGeo
from crmtools.lifetime.gamma_gamma import GammaGamma
from crmtools.lifetime.study import Study
from crmtools.lifetime.summary import TimeUnit
from crmtools.settings import Publish
from crmtools.show.blocks import TOO_FEW, figure_cell, grid, named, note, rests_on, sentence_list
from crmtools.show.chart import Series, Tick, line_chart, span_of
from crmtools.show.display import Display, joined
from crmtools.show.hiding import small_ones
from crmtools.show.lifetime_views import foreseen
from crmtools.show.look import ACCENT, SECOND
from crmtools.show.paired_bars import Pair, legend, paired_bars
from crmtools.show.sentences import known, say
from crmtools.show.trends import figure
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word

PLACES = 3
"""Decimals of parameters, as papers print them."""


def lifetime_parameters(study: Study, *, language: Language) -> Display:
    """Parameters of both models with error and interval; those of purchases beside the second opinion."""
    if study.model is None or study.spend is None:
        return _none(study, language)
    return joined(_purchases(study, study.model, language), _spend(study.spend, language))


def lifetime_check(study: Study, *, language: Language, smallest_group: int = Publish().smallest_group) -> Display:
    """Held-back purchases against what the model expected: in total, per customer, and by earlier purchases."""
    if study.why is not None:
        return _none(study, language)
    check = study.check
    if check is None:
        return note(foreseen(study, language))
    table = check.by_frequency
    hidden = small_ones(table["customers"].to_dict(), smallest_group)
    pairs = [
        Pair(
            str(name), row["actual"], row["expected"],
            formats.number(row["actual"], language, 2), formats.number(row["expected"], language, 2),
        )
        for name, row in table.iterrows()
        if row["customers"] and name not in hidden
    ]  # fmt: skip
    title = _check_title(check.error, language)
    said = "; ".join(f"{pair.name}: {pair.first_words}, {pair.second_words}" for pair in pairs)
    alt = say(_CHECK_ALT, language, groups=said)
    caption = sentence_list([say(_CHECK_CAPTION, language, n=formats.number(check.customers, language))], language)
    picture = paired_bars(pairs, (_ACTUAL.to(language), _EXPECTED.to(language)), alt=alt) if pairs else ""
    rows = [
        _frequency_row(str(name), row, name in hidden, language) for name, row in table.iterrows() if row["customers"]
    ]
    measures = {
        "actual_total": check.actual_total, "expected_total": check.expected_total, "error": check.error,
        "mae": check.mae, "rmse": check.rmse, "bias": check.bias, "correlation": check.correlation,
    }  # fmt: skip
    facts = [
        [named(_MEASURES[key].to(language)), figure_cell(_MEASURE_FORMS[key](number, language))]
        for key, number in measures.items()
    ]
    html = (
        grid([_MEASURE.to(language), word("value", language)], facts)
        + figure(picture, title, caption)
        + grid([text.to(language) for text in _CHECK_HEADS], rows)
    )
    groups = [
        {"frequency": str(name), "suppressed": name in hidden,
         **({} if name in hidden else {key: row[key] for key in table.columns})}
        for name, row in table.iterrows()
    ]  # fmt: skip
    result = {"kind": "lifetime", "part": "check", "customers": check.customers, **measures, "by_frequency": groups}
    return Display(html, f"{foreseen(study, language)}\n{said}", result)


def lifetime_tracking(study: Study, data: Data, *, language: Language) -> Display:
    """Repeat purchases since the first day, summed up and week by week, made and expected."""
    if study.why is not None:
        return _none(study, language)
    frame = study.track
    if frame is None or frame.empty:
        return note(foreseen(study, language) if frame is None else _TOO_SHORT.to(language))
    last = frame.iloc[-1]
    words = {
        "day": formats.day(frame.index[-1], language),
        "actual": formats.number(last["actual_cumulative"], language, 0),
        "expected": formats.number(last["expected_cumulative"], language, 0),
    }
    title = say(_TRACK_TITLE, language, **words)
    held = int(frame["calibration"].sum())
    caption = [_MARK.to(language)] if 0 < held < len(frame) else []
    caption += rests_on("orders", data.as_of, language)
    parts = [
        (title, "_cumulative", sentence_list([_SUMMED.to(language), *caption], language), 230),
        (_WEEKLY_TITLE.to(language), "", sentence_list([_WEEKLY.to(language), *caption], language), 170),
    ]
    html = "".join(
        figure(_tracking_chart(frame, suffix, heading, held, height, language), heading, below)
        for heading, suffix, below, height in parts
    )
    result = {
        "kind": "lifetime", "part": "tracking", "until": str(frame.index[-1].date()), "steps": len(frame),
        "actual_cumulative": last["actual_cumulative"], "expected_cumulative": last["expected_cumulative"],
    }  # fmt: skip
    return Display(html, title, result)


def _tracking_chart(frame: pd.DataFrame, suffix: str, title: str, held: int, height: int, language: Language) -> str:
    made, expected = ([float(v) for v in frame[f"{name}{suffix}"]] for name in ("actual", "expected"))
    ticks = [Tick(formats.month(end, language)) for end in frame.index]
    span = span_of([*made, *expected, 0.0], low=0.0)
    chart = line_chart(
        [Series(made, dots=False), Series(expected, second=True, dots=False)], ticks, span,
        written=lambda value: formats.number(value, language, 0),
        alt=say(_TRACK_ALT, language, title=title), mark=held - 1 if 0 < held < len(frame) else None, height=height,
    )  # fmt: skip
    return legend((_ACTUAL.to(language), ACCENT, False), (_EXPECTED.to(language), SECOND, True)) + chart


def _purchases(study: Study, model: BetaGeo, language: Language) -> Display:
    """BG/NBD: parameters, log-likelihood, and the second opinion."""
    table, opinion = model.summary(), study.opinion
    rows, values = [], []
    for name, row in table.iterrows():
        cells = _parameter_cells(row, language)
        if opinion is not None:
            cells += _opinion_cells(opinion.loc[name], PLACES, language)
        rows.append([named(str(name), _meaning(str(name), model.unit, language)), *map(figure_cell, cells)])
        values.append({"parameter": str(name), **row.to_dict()})
    cells = [formats.number(model.log_likelihood, language, 1), formats.MISSING, formats.MISSING]
    if opinion is not None:
        cells += _opinion_cells(opinion.loc["log_likelihood"], 1, language)
    rows.append([named(_LOG_LIKELIHOOD.to(language)), *map(figure_cell, cells)])
    heads = [text.to(language) for text in (*_PARAMETER_HEADS, *(_OPINION_HEADS if opinion is not None else ()))]
    span = formats.number(model.longest, language, 1)
    caption = [
        say(
            _PURCHASE_CAPTION,
            language,
            n=formats.number(model.n, language),
            span=span,
            unit=_UNITS[model.unit].to(language),
        )
    ]
    if opinion is not None and _sampled(study, model):
        caption.append(_SAMPLED.to(language))
    result = {
        "kind": "lifetime", "part": "purchase_model", "n": model.n, "unit": model.unit,
        "log_likelihood": model.log_likelihood, "parameters": values,
        "lifetimes": opinion["lifetimes"].to_dict() if opinion is not None else None,
    }  # fmt: skip
    lines = [f"{name} {formats.number(row['estimate'], language, PLACES)}" for name, row in table.iterrows()]
    lines.append(f"{_LOG_LIKELIHOOD.to(language)} {cells[0]}")
    return Display(grid(heads, rows, caption=sentence_list(caption, language)), "\n".join(lines), result)


def _spend(spend: GammaGamma, language: Language) -> Display:
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


def _sampled(study: Study, model: BetaGeo) -> bool:
    """Whether the second opinion is on a sample: its own fit of ours then differs from the model."""
    if study.opinion is None:
        return False
    ours = study.opinion["ours"].loc["log_likelihood"]
    return abs(ours - model.log_likelihood) > 1e-6 * abs(model.log_likelihood)


def _meaning(name: str, unit: TimeUnit, language: Language) -> str:
    return say(_PURCHASE_MEANING[name], language, unit=_UNITS[unit].to(language))


def _frequency_row(name: str, row: pd.Series, hidden: bool, language: Language) -> list[str]:
    if hidden:
        return [named(name), figure_cell(TOO_FEW.to(language)), *[figure_cell(formats.MISSING)] * 4]
    cells = [
        formats.number(int(row["customers"]), language),
        formats.number(int(row["actual_total"]), language), formats.number(row["expected_total"], language, 0),
        formats.number(row["actual"], language, 2), formats.number(row["expected"], language, 2),
    ]  # fmt: skip
    return [named(name), *map(figure_cell, cells)]


def _check_title(error: float, language: Language) -> str:
    if known(error) is None:
        return _CHECK_NOBODY.to(language)
    return say(_CHECK_BELOW if error < 0 else _CHECK_ABOVE, language, error=formats.percent(abs(error), language))


def _none(study: Study, language: Language) -> Display:
    return note(say(_NO_MODEL, language, why=study.why.to(language) if study.why else formats.MISSING))


_NO_MODEL = Text("没有拟合模型：{why}。", "No model was fitted: {why}.")
_ACTUAL, _EXPECTED = Text("实际", "Actual"), Text("模型预期", "Expected")
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
}
_SPEND_MEANING = {
    "p": Text("单次消费的形状", "shape of the spend of one purchase"),
    "q": Text("客户间差异的形状", "shape of the differences between customers"),
    "v": Text("客户间差异的尺度（货币单位）", "their scale, in the currency of the orders"),
}
_PURCHASE_CAPTION = Text(
    "BG/NBD：n = {n} 位客户，最长观察 {span} {unit}", "BG/NBD: n = {n} customers, observed for up to {span} {unit}"
)
_SPEND_CAPTION = Text(
    "Gamma-Gamma：n = {n} 位复购客户；{left} 位没有复购金额，不参与拟合",
    "Gamma-Gamma: n = {n} customers with a repeat purchase; {left} without one, or without spend, are left out",
)
_SAMPLED = Text(
    "lifetimes 只对等距抽取的部分客户拟合",
    "lifetimes is fitted to every k-th customer only, and compared with our fit to the same ones",
)
_CHECK_BELOW = Text("模型预期的购买总数比实际少 {error}", "The model expected {error} fewer purchases than were made")
_CHECK_ABOVE = Text("模型预期的购买总数比实际多 {error}", "The model expected {error} more purchases than were made")
_CHECK_NOBODY = Text("留出期内没有人购买", "Nobody bought in the time held back")
_CHECK_ALT = Text(
    "条形图：按校准期复购次数分组的留出期人均购买次数，实际与预期。{groups}。",
    "Bars: purchases per customer in the time held back, by earlier repeat purchases, actual and expected: {groups}.",
)
_CHECK_CAPTION = Text(
    "按校准期内的复购次数分组；条形为留出期人均购买次数；n = {n} 位客户",
    "Groups by repeat purchases up to the end of the calibration; bars: purchases per customer in the time held back; "
    "n = {n} customers",
)
_CHECK_HEADS = (
    Text("此前复购次数", "Repeat purchases before"), Text("客户数", "Customers"), Text("实际总数", "Actual, total"),
    Text("预期总数", "Expected, total"), Text("实际人均", "Actual per customer"), Text("预期人均", "Expected per customer"),
)  # fmt: skip
_MEASURE = Text("留出期", "Time held back")
_MEASURES = {
    "actual_total": Text("实际购买次数", "Purchases made"),
    "expected_total": Text("模型预期次数", "Purchases expected"),
    "error": Text("总数偏差", "Difference of the total"),
    "mae": Text("平均绝对误差（每位客户）", "Mean absolute error per customer"),
    "rmse": Text("均方根误差（每位客户）", "Root mean square error per customer"),
    "bias": Text("平均偏差（每位客户，预期减实际）", "Mean error per customer, expected minus actual"),
    "correlation": Text("相关系数", "Correlation of expected and actual"),
}
_MEASURE_FORMS: dict[str, Callable[[float, Language], str]] = {
    "actual_total": lambda value, language: formats.number(value, language, 0),
    "expected_total": lambda value, language: formats.number(value, language, 1),
    "error": lambda value, language: formats.percent(value, language, signed=True),
    "mae": lambda value, language: formats.number(value, language, PLACES),
    "rmse": lambda value, language: formats.number(value, language, PLACES),
    "bias": lambda value, language: formats.number(value, language, PLACES, signed=True),
    "correlation": lambda value, language: formats.number(value, language, PLACES),
}
_TRACK_TITLE = Text(
    "截至 {day}，实际复购 {actual} 次，模型预期 {expected} 次",
    "By {day}, {actual} repeat purchases were made, {expected} were expected",
)
_WEEKLY_TITLE = Text("每周复购次数", "Repeat purchases per week")
_SUMMED = Text("自首位客户首购之日起累计", "Summed up since the first customer's first day")
_WEEKLY = Text("每点为 7 天", "Each point is seven days")
_MARK = Text(
    "竖虚线之前用于拟合，之后为留出检验",
    "Left of the dashed line the model was fitted, right of it the time was held back",
)
_TOO_SHORT = Text(
    "历史不足一周，无法逐周跟踪。", "There is less than a week of history: nothing to follow week by week."
)
_TRACK_ALT = Text("折线图：实际与模型预期。{title}", "Line chart of actual and expected repeat purchases: {title}")
