"""Is the lifetime model to be believed? Purchases held back and purchases week by week, made and expected."""

from collections.abc import Callable

import pandas as pd

from crmtools import formats
from crmtools.lifetime.study import Study
from crmtools.period import Period
from crmtools.settings import Publish
from crmtools.show.blocks import TOO_FEW, figure_cell, grid, named, note, rests_on, sentence_list
from crmtools.show.chart import Series, line_chart, span_of
from crmtools.show.display import Display
from crmtools.show.lifetime_fit import PLACES, no_model
from crmtools.show.lifetime_views import foreseen
from crmtools.show.look import ACCENT, SECOND
from crmtools.show.paired_bars import Pair, legend, pair_words, paired_bars
from crmtools.show.sentences import known, say
from crmtools.show.trends import figure, period_ticks
from crmtools.suppression import small_ones
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word


def lifetime_check(study: Study, *, language: Language, smallest_group: int = Publish().smallest_group) -> Display:
    """Held-back purchases against what the model expected: in total, per customer, and by earlier purchases."""
    if study.why is not None:
        return no_model(study, language)
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
    said = pair_words(pairs, language)
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
        return no_model(study, language)
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
        (_weekly_title(frame, held, language), "", sentence_list([_WEEKLY.to(language), *caption], language), 170),
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


def _weekly_title(frame: pd.DataFrame, held: int, language: Language) -> str:
    """What a week of the time held back brought on average; without such a time just what is drawn."""
    if not 0 < held < len(frame):
        return _WEEKLY_PLAIN.to(language)
    means = frame.iloc[held:][["actual", "expected"]].mean()
    made, expected = (formats.number(means[name], language, 1) for name in ("actual", "expected"))
    return say(_WEEKLY_TITLE, language, actual=made, expected=expected)


def _tracking_chart(frame: pd.DataFrame, suffix: str, title: str, held: int, height: int, language: Language) -> str:
    made, expected = ([float(v) for v in frame[f"{name}{suffix}"]] for name in ("actual", "expected"))
    ticks = period_ticks([Period.containing(end.date(), "month") for end in frame.index], language)
    span = span_of([*made, *expected, 0.0], low=0.0)
    chart = line_chart(
        [Series(made, dots=False), Series(expected, second=True, dots=False)], ticks, span,
        written=lambda value: formats.number(value, language, 0),
        alt=say(_TRACK_ALT, language, title=title), mark=held - 1 if 0 < held < len(frame) else None, height=height,
    )  # fmt: skip
    return legend((_ACTUAL.to(language), ACCENT, False), (_EXPECTED.to(language), SECOND, True)) + chart


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


_ACTUAL, _EXPECTED = Text("实际", "Actual"), Text("模型预期", "Expected")
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
_WEEKLY_PLAIN = Text("每周复购次数", "Repeat purchases per week")
_WEEKLY_TITLE = Text(
    "留出期内平均每周复购 {actual} 次，模型预期 {expected} 次",
    "In the time held back {actual} repeat purchases a week were made, {expected} were expected",
)
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
