"""Cohort by cohort: the share that came back at every age, as a table whose cells are tinted."""

from html import escape

import pandas as pd

from crmtools import formats
from crmtools.cohorts import Cohorts
from crmtools.show.blocks import TOO_FEW, note, rests_on, sentence_list
from crmtools.show.cohort_halves import compared_halves
from crmtools.show.cohort_views import MILESTONES, NOTHING, by_unit, period_name
from crmtools.show.display import Display, tag
from crmtools.show.heat import heat_cell, heat_table
from crmtools.show.hiding import small_ones
from crmtools.show.sentences import say
from crmtools.show.trends import figure
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word

MOST_AGES, MOST_COHORTS = 24, 36


def cohort_map(cohorts: Cohorts, data: Data, *, language: Language) -> Display:
    """Retention of every cohort at every age it has been observed at in full, as a table whose cells are tinted.

    Cohorts smaller than ``publish.smallest_group`` are hidden, and a second one where the first could be worked out.
    """
    matrix = cohorts.matrix().drop(columns=0, errors="ignore").dropna(how="all").dropna(how="all", axis=1)
    if matrix.empty:
        return note(NOTHING[cohorts.by].to(language))
    size = cohorts.cells.drop_duplicates("label").set_index("label")["size"]
    hidden = small_ones(size.to_dict(), data.settings.publish.smallest_group)
    shown = matrix.iloc[-MOST_COHORTS:, :MOST_AGES]
    top = max(shown.drop(index=[label for label in hidden if label in shown.index]).max().max(), 0.01)
    heads = [_FIRST_PURCHASE.to(language), word("customers", language), *map(str, shown.columns)]
    body = [
        _hidden_row(str(label), shown.shape[1], language)
        if label in hidden
        else _row(str(label), int(size[label]), row, top, language)
        for label, row in shown.iterrows()
    ]
    title = _map_title(cohorts, language)
    caption = [_MAP[cohorts.by].to(language)]
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


def _row(label: str, size: int, row: pd.Series, top: float, language: Language) -> str:
    cells = [tag("th", escape(period_name(label, language)), scope="row"), tag("td", formats.number(size, language))]
    digits = 0 if top >= 0.1 else 1
    for share in row:
        if pd.isna(share):
            cells.append("<td></td>")
            continue
        shown = formats.number(100 * share, language, digits)
        cells.append(heat_cell(shown, share / top))
    return tag("tr", "".join(cells))


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
        "相同年龄下，较新的同期群更常回来", "At equal age, newer cohorts come back more often than older ones"
    ),
    "worse": Text(
        "相同年龄下，较新的同期群更少回来", "At equal age, newer cohorts come back less often than older ones"
    ),
    "mixed": Text(
        "新老同期群的差异随年龄而异", "Whether newer or older cohorts come back more often depends on the age"
    ),
    "alike": Text("相同年龄下，未检出新老同期群的差异", "At equal age, newer and older cohorts cannot be told apart"),
    "one": Text("只有一个同期群，无可比较", "One cohort only: nothing to compare it with"),
}
_HIDDEN = Text("客户过少的同期群不予公布", "Cohorts with too few customers are not shown")
_OLDER = Text("另有 {count} 个更早的同期群未显示", "{count} older cohorts are not drawn")
_BY_QUARTER = Text("将参数 by 设为 quarter 可全部显示", 'With by = "quarter" all of them fit')
_AGES = by_unit("仅显示前 {most} 〔期〕", "Ages above {most} [unit]s are not drawn")
