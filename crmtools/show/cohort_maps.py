"""Cohort by cohort: the share that came back at every age, as a table whose cells are tinted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import pandas as pd

from crmtools import formats
from crmtools.cohorts import CohortBy, Cohorts
from crmtools.indicators.units import UNITS
from crmtools.show.blocks import TOO_FEW, figure_cell, grid, named, note, rests_on, sentence_list
from crmtools.show.cohort_halves import compared_halves
from crmtools.show.cohort_views import AGE, MILESTONES, NOTHING, by_unit, period_name
from crmtools.show.display import Display, tag
from crmtools.show.heat import heat_cell, heat_table
from crmtools.show.sentences import say
from crmtools.show.trends import figure
from crmtools.suppression import small_ones
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word

What = Literal["retention", "revenue", "value"]
Cell = Mapping[str, float]
MOST_AGES, MOST_COHORTS = 24, 36


@dataclass(frozen=True, slots=True)
class Measure:
    """What a cell shows: the column of ``Cohorts.cells``, its limits, how it is written, and what it is called."""

    column: str
    low: str
    high: str
    words: dict[CohortBy, Text]
    name: dict[CohortBy, Text]
    money: bool = True


def cohort_map(cohorts: Cohorts, data: Data, *, language: Language, what: What = "retention") -> Display:
    """Every cohort at every age it has been observed at in full, as a table whose cells are tinted.

    ``what``: retention (share that bought in that period), revenue (net per customer of the cohort in it), or value (net per
    customer from the first purchase on). Cohorts smaller than ``publish.smallest_group`` are hidden, and a second one where the
    first could be worked out; amounts of a cell also where too few bought.
    """
    measure, smallest = MEASURES[what], data.settings.publish.smallest_group
    matrix, hidden = _matrix(cohorts, what, smallest)
    if matrix.empty:
        return note(NOTHING[cohorts.by].to(language))
    cells = _by_cell(cohorts)
    size = cohorts.cells.drop_duplicates("label").set_index("label")["size"]
    shown = matrix.iloc[-MOST_COHORTS:, :MOST_AGES]
    top = max(shown.drop(index=[label for label in hidden if label in shown.index]).max().max(), 0.01)
    heads = [_FIRST_PURCHASE.to(language), word("customers", language), *map(str, shown.columns)]
    body = []
    for label, row in shown.iterrows():
        if label in hidden:
            body.append(_hidden_row(str(label), shown.shape[1], language))
            continue
        values = [cells[str(label), int(age)] for age in row.index]
        few = _few_bought(values, what, smallest)
        body.append(_row(str(label), int(size[label]), values, few, measure, top, data.currency, language))
    title = _map_title(cohorts, language) if what == "retention" else measure.name[cohorts.by].to(language)
    caption = [measure.words[cohorts.by].to(language)]
    if measure.money:
        caption.append(say(_FEW_BUYERS, language, smallest=smallest))
    if hidden & set(shown.index):
        caption.append(_HIDDEN.to(language))
    if len(shown) < len(matrix):
        caption.append(say(_OLDER, language, count=formats.number(len(matrix) - len(shown), language)))
        if cohorts.by == "month":
            caption.append(_BY_QUARTER.to(language))
    if shown.shape[1] < matrix.shape[1]:
        caption.append(say(_AGES[cohorts.by], language, most=MOST_AGES))
    caption += rests_on("orders", cohorts.as_of, language)
    html = figure(heat_table(heads, body, title), title, sentence_list(caption, language))
    return Display(html, title)


def cohort_cells(cohorts: Cohorts, data: Data, *, language: Language, what: What = "retention") -> Display:
    """The same cells with their intervals, at the first, third, sixth and twelfth age."""
    measure, smallest = MEASURES[what], data.settings.publish.smallest_group
    matrix, hidden = _matrix(cohorts, what, smallest)
    ages = [age for age in MILESTONES if age in matrix.columns]
    if matrix.empty or not ages:
        return note(NOTHING[cohorts.by].to(language))
    cells = _by_cell(cohorts)
    size = cohorts.cells.drop_duplicates("label").set_index("label")["size"]
    rows, lines = [], []
    for label in map(str, matrix.index[-MOST_COHORTS:]):
        if label in hidden:
            rows.append([named(period_name(label, language), TOO_FEW.to(language)), *["<td></td>"] * len(ages)])
            continue
        n = f"n = {formats.number(int(size[label]), language)}"
        whole = {int(age): cells[label, int(age)] for age in matrix.columns}
        few = dict(zip(whole, _few_bought(list(whole.values()), what, smallest)))
        found = [_with_limits(whole[age], few[age], measure, data.currency, language) for age in ages]
        rows.append([named(period_name(label, language), n), *(figure_cell(*pair) for pair in found)])
        lines.append(f"{period_name(label, language)}{word('colon', language)}" + " · ".join(map(" ".join, found)))
    heads = [_FIRST_PURCHASE.to(language), *(say(AGE[cohorts.by], language, age=age) for age in ages)]
    level = formats.percent(cohorts.level, language, 0)
    caption = [say(_LIMITS, language, what=measure.name[cohorts.by].to(language), level=level)]
    caption += rests_on("orders", cohorts.as_of, language)
    return Display(grid(heads, rows, caption=sentence_list(caption, language)), "\n".join(lines) or caption[0])


def _matrix(cohorts: Cohorts, what: What, smallest: int) -> tuple[pd.DataFrame, set[object]]:
    """What there is to show, from age 1 on (amounts from 0 on), and the cohorts that must be hidden."""
    matrix = cohorts.matrix(MEASURES[what].column)
    if what == "retention":
        matrix = matrix.drop(columns=0, errors="ignore")
    matrix = matrix.dropna(how="all").dropna(how="all", axis=1)
    size = cohorts.cells.drop_duplicates("label").set_index("label")["size"]
    return matrix, small_ones(size.to_dict(), smallest)


def _by_cell(cohorts: Cohorts) -> dict[tuple[str, int], Cell]:
    """The numbers of every cell; an age that a cohort has not begun has none."""
    numbers = cohorts.cells.drop(columns=["cohort", "label", "mature"]).astype("float64")
    found: dict[tuple[str, int], Cell] = defaultdict(lambda: defaultdict(lambda: float("nan")))
    for label, row in zip(cohorts.cells["label"], numbers.to_dict("records")):
        found[str(label), int(row["age"])] = {str(name): float(value) for name, value in row.items()}
    return found


def _few_bought(cells: Sequence[Cell], what: What, smallest: int) -> list[bool]:
    """Which amounts of a cohort's row tell about few people: those that too few brought.

    Between two cumulative amounts lies what was brought in that time, and what the revenue of single ages does not tell of it
    follows: one is shown again only when enough people brought what is hidden there.
    """
    few, untold = [], 0.0
    for cell in cells:
        small = 0 < cell["active"] < smallest
        untold += cell["active"] if small else 0.0
        secret = {"retention": False, "revenue": small, "value": 0 < untold < smallest}[what]
        few.append(secret)
        untold = untold if secret else 0.0
    return few


def _row(
    label: str,
    size: int,
    cells: Sequence[Cell],
    few: Sequence[bool],
    measure: Measure,
    top: float,
    currency: str,
    language: Language,
) -> str:
    parts = [tag("th", escape(period_name(label, language)), scope="row"), tag("td", formats.number(size, language))]
    for cell, secret in zip(cells, few):
        value = cell[measure.column]
        if pd.isna(value):
            parts.append("<td></td>")
        elif secret:
            parts.append(tag("td", "…"))
        else:
            shown = _short(value, measure, top, language)
            limits = _with_limits(cell, False, measure, currency, language)
            parts.append(heat_cell(shown, value / top, below=" ".join(filter(None, limits))))
    return tag("tr", "".join(parts))


def _short(value: float, measure: Measure, top: float, language: Language) -> str:
    """A number as it stands in a narrow cell."""
    if measure.money:
        return formats.number(value, language, 0 if top >= 10 else 1)
    return formats.number(100 * value, language, 0 if top >= 0.1 else 1)


def _with_limits(cell: Cell, secret: bool, measure: Measure, currency: str, language: Language) -> tuple[str, str]:
    """A cell's value and its interval."""
    if pd.isna(cell[measure.column]):
        return "", ""
    if secret:
        return TOO_FEW.to(language), ""
    unit = UNITS["money" if measure.money else "percent"]
    limits = formats.interval(cell[measure.low], cell[measure.high], unit, language, currency)
    value = formats.quantity(cell[measure.column], unit, language, currency)
    return value, "" if limits == formats.MISSING else limits


def _hidden_row(label: str, ages: int, language: Language) -> str:
    name = tag("th", escape(period_name(label, language)), scope="row")
    return tag("tr", name + tag("td", escape(TOO_FEW.to(language)), colspan=ages + 1, style="text-align:left"))


def _map_title(cohorts: Cohorts, language: Language) -> str:
    halves = compared_halves(cohorts, MILESTONES)
    return _MAP_TITLE[halves.verdict].to(language)


_FIRST_PURCHASE = Text("首购时间", "First purchase")
_MAP = by_unit(
    "每格为该同期群在首购后第几〔期〕再次购买的客户占比（%），颜色越深占比越高；未完整观察的单元格留空",
    "Each cell: share of the cohort that bought in that [unit] after the first purchase, in per cent, the darker the "
    "more; cells not observed in full are empty",
)
_MAP_TITLE = {
    "better": Text(
        "相同客龄下，较新的同期群更常回来", "At equal age, newer cohorts come back more often than older ones"
    ),
    "worse": Text(
        "相同客龄下，较新的同期群更少回来", "At equal age, newer cohorts come back less often than older ones"
    ),
    "mixed": Text(
        "新老同期群的差异随客龄而异", "Whether newer or older cohorts come back more often depends on the age"
    ),
    "alike": Text("相同客龄下，未检出新老同期群的差异", "At equal age, newer and older cohorts cannot be told apart"),
    "one": Text("只有一个同期群，无可比较", "One cohort only: nothing to compare it with"),
}
_HIDDEN = Text("客户过少的同期群不予公布", "Cohorts with too few customers are not shown")
_OLDER = Text("另有 {count} 个更早的同期群未显示", "{count} older cohorts are not drawn")
_BY_QUARTER = Text("将参数 by 设为 quarter 可全部显示", 'With by = "quarter" all of them fit')
_AGES = by_unit("仅显示前 {most} 〔期〕", "Ages above {most} [unit]s are not drawn")
_FEW_BUYERS = Text(
    "…：购买的客户不足 {smallest} 位，不公布金额", "…: fewer than {smallest} bought, so no amount is shown"
)
_LIMITS = Text("{what}；小字：{level} 区间", "{what}; small print: {level} interval")
_REVENUE = by_unit("首购后各〔期〕的人均收入", "Revenue per customer by [unit]s since the first purchase")
_VALUE = by_unit(
    "自首购起累计的人均收入，按首购后第几〔期〕", "Revenue per customer since the first purchase, by [unit]s since then"
)
MEASURES: dict[What, Measure] = {
    "retention": Measure(
        "retention", "low", "high", _MAP, by_unit("首购后各〔期〕再次购买的占比", "Share that bought by [unit]s since the first purchase"), money=False
    ),
    "revenue": Measure(
        "revenue_per_customer", "revenue_per_customer_low", "revenue_per_customer_high",
        by_unit(
            "每格为该同期群当期的净收入除以其全部客户；未完整观察的单元格留空",
            "Each cell: net revenue of that [unit] over all customers of the cohort; cells not observed in full are empty",
        ), _REVENUE,
    ),
    "value": Measure(
        "cumulative_revenue_per_customer", "cumulative_revenue_per_customer_low", "cumulative_revenue_per_customer_high",
        by_unit(
            "每格为该同期群自首购至当期末的净收入除以其全部客户；未完整观察的单元格留空",
            "Each cell: net revenue from the first purchase to the end of that [unit] over all customers of the cohort; cells "
            "not observed in full are empty",
        ), _VALUE,
    ),
}  # fmt: skip
