"""The chapter on cohorts: how many customers come back, by age and by the time of their first purchase."""

from html import escape

import pandas as pd

from crmtools import formats
from crmtools.cohorts import CohortBy, Cohorts
from crmtools.indicators.units import UNITS
from crmtools.period import Period
from crmtools.show.blocks import TOO_FEW, lead, note, rests_on, sentence_list
from crmtools.show.chart import Series, Tick, line_chart, span_of
from crmtools.show.cohort_halves import Halves, compared_halves
from crmtools.show.display import Display, tag
from crmtools.show.hiding import small_ones
from crmtools.show.look import ACCENT, PAPER
from crmtools.show.sentences import say
from crmtools.show.trends import figure
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word

MILESTONES = (1, 3, 6, 12)
"""Ages that the answer names, in periods after the one of the first purchase."""
FEWEST = 5
"""Customers below whom an age after the first is not spoken of."""
MOST_AGES, MOST_COHORTS = 24, 36
_SHARE = UNITS["percent"]
_STRONGEST = 0.42
"""Opacity of the fullest cell: text keeps a contrast of 4.5 on it, in the light and in the dark."""


def cohort_answer(cohorts: Cohorts, *, language: Language) -> Display:
    """What share came back after 1, 3, 6 and 12 periods, and whether newer cohorts differ from older ones.

    A difference is only claimed when it can be told from chance at some age, all ages taken together.
    """
    pooled = _pooled(cohorts)
    ages = [age for age in MILESTONES if age in pooled.index and (age == 1 or pooled["size"].loc[age] >= FEWEST)]
    result = _result(cohorts, pooled)
    if not ages:
        return lead(_NOTHING[cohorts.by].to(language), language=language, result=result)
    level = formats.percent(cohorts.level, language, 0)
    first, *others = (_said(pooled.loc[age], language) for age in ages)
    text = say(_FIRST[cohorts.by], language, n=formats.number(pooled["size"].loc[1], language), level=level, **first)
    if others:
        later = (
            say(_LATER[cohorts.by], language, age=_ordinal(age, language), **words)
            for age, words in zip(ages[1:], others)
        )
        text += say(_THEN, language, later=("；" if language == "zh" else ", ").join(later))
    text += word("stop", language)
    halves = compared_halves(cohorts, MILESTONES)
    return lead(text, _difference(cohorts, halves, language), language=language, result=result)


def cohort_curve(cohorts: Cohorts, data: Data, *, language: Language) -> Display:
    """Retention by age over all cohorts together, with its interval; ages with too few customers are left out."""
    pooled = _pooled(cohorts)
    pooled = pooled[pooled["size"] >= data.settings.publish.smallest_group]
    if pooled.empty:
        return note(_NOTHING[cohorts.by].to(language))
    ages = range(1, int(pooled.index.max()) + 1)
    table = pooled.reindex(ages)
    values, lows, highs = (_list(table[name]) for name in ("retention", "low", "high"))
    title = _curve_title(cohorts, pooled, language)
    words = [_point(cohorts, age, table.loc[age], language) for age in ages]
    last = formats.percent(pooled["retention"].iloc[-1], language)
    span = span_of([*values, 0.0], [*lows, *highs], low=0.0, high=1.0)
    picture = line_chart(
        [Series(values, lows, highs, words, last=last)], [Tick(str(age)) for age in ages], span,
        written=lambda value: formats.axis(value, span.step, _SHARE, language),
        alt=_curve_alt(cohorts, pooled, title, language),
    )  # fmt: skip
    few, many = (formats.number(n, language) for n in (pooled["size"].min(), pooled["size"].max()))
    caption = [
        say(_CURVE[cohorts.by], language, level=formats.percent(cohorts.level, language, 0)),
        say(_N, language, few=few, many=many),
        *rests_on("orders", cohorts.as_of, language),
    ]
    text = "\n".join([title, *words])
    return Display(figure(picture, title, sentence_list(caption, language)), text, _result(cohorts, pooled))


def cohort_map(cohorts: Cohorts, data: Data, *, language: Language) -> Display:
    """Retention of every cohort at every age it has been observed at in full, as a table whose cells are tinted.

    Cohorts smaller than ``publish.smallest_group`` are hidden, and a second one where the first could be worked out.
    """
    matrix = cohorts.matrix().drop(columns=0, errors="ignore").dropna(how="all").dropna(how="all", axis=1)
    if matrix.empty:
        return note(_NOTHING[cohorts.by].to(language))
    size = cohorts.cells.drop_duplicates("label").set_index("label")["size"]
    hidden = small_ones(size.to_dict(), data.settings.publish.smallest_group)
    shown = matrix.iloc[-MOST_COHORTS:, :MOST_AGES]
    top = max(shown.drop(index=[label for label in hidden if label in shown.index]).max().max(), 0.01)
    heads = [word("period", language), word("customers", language), *map(str, shown.columns)]
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
    html = figure(_heat_table(heads, body, title), title, sentence_list(caption, language))
    return Display(html, title)


def _heat_table(heads: list[str], body: list[str], title: str) -> str:
    cells = "".join(tag("th", escape(text), scope="col") for text in heads)
    table = tag(
        "table", tag("thead", tag("tr", cells)) + tag("tbody", "".join(body)), class_="crm-table crm-heat", aria_label=title
    )  # fmt: skip
    return _STYLE + tag("div", table, class_="crm-scroll")


# The tint lies under its number: text keeps the colour of the page, in the light, in the dark and on paper.
_STYLE = (
    "<style>table.crm-table.crm-heat{width:auto;font-size:.8rem}"
    "table.crm-table.crm-heat :is(td,th){padding:.1rem .3rem;text-align:right;border:0}"
    "table.crm-table.crm-heat thead th{padding-bottom:.3rem}"
    "table.crm-table.crm-heat :is(tbody th,thead th:first-child){text-align:left;white-space:nowrap;font-weight:400;"
    f"position:sticky;left:0;z-index:1;background:{PAPER}}}"
    "table.crm-table.crm-heat td.k{position:relative;min-width:2.3em}"
    "table.crm-table.crm-heat td.k b{position:relative;font-weight:400}"
    f"table.crm-table.crm-heat td.k i{{position:absolute;inset:1px;border-radius:3px;background:{ACCENT};"
    "print-color-adjust:exact;-webkit-print-color-adjust:exact}</style>"
)


def _row(label: str, size: int, row: pd.Series, top: float, language: Language) -> str:
    cells = [tag("th", escape(_period(label, language)), scope="row"), tag("td", formats.number(size, language))]
    digits = 0 if top >= 0.1 else 1
    for share in row:
        if pd.isna(share):
            cells.append("<td></td>")
            continue
        shown = formats.number(100 * share, language, digits)
        cells.append(f'<td class="k"><i style="opacity:{_STRONGEST * share / top:.2f}"></i><b>{shown}</b></td>')
    return tag("tr", "".join(cells))


def _hidden_row(label: str, ages: int, language: Language) -> str:
    name = tag("th", escape(_period(label, language)), scope="row")
    return tag("tr", name + tag("td", escape(TOO_FEW.to(language)), colspan=ages + 1, style="text-align:left"))


def _pooled(cohorts: Cohorts) -> pd.DataFrame:
    """Pooled retention from age 1 on."""
    return cohorts.pooled().drop(index=0, errors="ignore")


def _said(row: pd.Series, language: Language) -> dict[str, str]:
    return {
        "share": formats.percent(row["retention"], language),
        "limits": formats.interval(row["low"], row["high"], _SHARE, language),
        "count": formats.number(row["size"], language),
    }


def _difference(cohorts: Cohorts, halves: Halves, language: Language) -> str:
    """Whether newer cohorts differ from older ones at equal age, as a sentence."""
    if halves.verdict == "one":
        return _ONE.to(language)
    if halves.verdict == "alike" or not halves.telling:
        return say(_ALIKE, language, older=_span(halves.older, language), newer=_span(halves.newer, language))
    if halves.verdict == "mixed":
        return _MIXED.to(language)
    at = halves.telling[0]
    return say(
        _NEWER[halves.verdict], language, age=_age(cohorts.by, at.age, language),
        newer=_span(at.newer, language), new=formats.percent(at.new, language),
        older=_span(at.older, language), old=formats.percent(at.old, language),
        limits=_points(at.low, at.high, language),
    )  # fmt: skip


def _points(low: float, high: float, language: Language) -> str:
    """An interval of a difference of shares, in percentage points."""
    first = formats.difference(low, _SHARE, language, named=False)
    return f"{first} {word('to', language)} {formats.difference(high, _SHARE, language)}"


def _curve_title(cohorts: Cohorts, pooled: pd.DataFrame, language: Language) -> str:
    ages = [age for age in MILESTONES if age in pooled.index] or [int(pooled.index[0])]
    words = {"first": formats.percent(pooled["retention"].loc[ages[0]], language)}
    if len(ages) == 1:
        return say(_TITLE_ONE[cohorts.by], language, **words)
    last = ages[-1]
    words |= {"last": formats.percent(pooled["retention"].loc[last], language), "age": _ordinal(last, language)}
    return say(_TITLE[cohorts.by], language, **words)


def _curve_alt(cohorts: Cohorts, pooled: pd.DataFrame, title: str, language: Language) -> str:
    said = [_point(cohorts, int(age), row, language) for age, row in pooled.iterrows() if age in (*MILESTONES, 24, 36)]
    return f"{_LINE.to(language)}{word('colon', language)}{title}. " + "; ".join(said)


def _map_title(cohorts: Cohorts, language: Language) -> str:
    halves = compared_halves(cohorts, MILESTONES)
    return _MAP_TITLE[halves.verdict].to(language)


def _point(cohorts: Cohorts, age: int, row: pd.Series, language: Language) -> str:
    if pd.isna(row["retention"]):
        return f"{_age(cohorts.by, age, language)}{word('colon', language)}{formats.MISSING}"
    said = _said(row, language)
    return f"{_age(cohorts.by, age, language)}{word('colon', language)}{said['share']} ({said['limits']}, n = {said['count']})"


def _period(label: str, language: Language) -> str:
    period = Period.parse(label)
    return formats.month(period.start, language) if period.kind == "month" else period.label(language)


def _span(labels: tuple[str, ...], language: Language) -> str:
    """The cohorts from first to last."""
    if len(labels) == 1:
        return _period(labels[0], language)
    return say(_BETWEEN, language, first=_period(labels[0], language), last=_period(labels[-1], language))


def _age(by: CohortBy, age: int, language: Language) -> str:
    return say(_AGE[by], language, age=age)


def _ordinal(age: int, language: Language) -> str:
    return str(age) if language == "zh" else {1: "first", 3: "third", 6: "sixth", 12: "twelfth"}.get(age, f"{age}th")


def _list(values: pd.Series) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in values]


def _result(cohorts: Cohorts, pooled: pd.DataFrame) -> dict[str, object]:
    points = [
        {"age": int(age), "cohorts": int(row["cohorts"]), "n": int(row["size"]), "active": int(row["active"]),
         "value": float(row["retention"]), "low": float(row["low"]), "high": float(row["high"])}
        for age, row in pooled.iterrows()
    ]  # fmt: skip
    return {"kind": "cohorts", "by": cohorts.by, "as_of": str(cohorts.as_of), "level": cohorts.level, "pooled": points}


def _by(zh: str, en: str) -> dict[CohortBy, Text]:
    """A text for months, quarters and years."""
    units: dict[CohortBy, tuple[str, str]] = {
        "month": ("个月", "month"),
        "quarter": ("个季度", "quarter"),
        "year": ("年", "year"),
    }
    return {by: Text(zh.replace("〔期〕", unit), en.replace("[unit]", name)) for by, (unit, name) in units.items()}


_NOTHING = _by(
    "还没有同期群在首购之后被完整观察满 1 〔期〕，暂时无法判断客户是否会回来。",
    "No cohort has been observed for a whole [unit] after the one of its first purchase: "
    "nothing can be said about coming back yet.",
)
_FIRST = _by(
    "首购后已完整观察至少 1 〔期〕的 {n} 位客户中，{share} 在第 1 〔期〕再次购买（{level} 区间 {limits}）",
    "Of {n} customers observed for at least one whole [unit] after that of their first purchase, {share} bought "
    "again in the first [unit] ({level} interval {limits})",
)
_LATER = _by("第 {age} 〔期〕为 {share}（{limits}，n = {count}）", "{share} in the {age} ({limits}, n = {count})")
_THEN = Text("；{later}", "; of those observed longer, {later}")
_ONE = Text(
    "只有一个同期群，无法比较新老客户。",
    "There is one cohort only, so newer customers cannot be compared with older ones.",
)
_ALIKE = Text(
    "在相同年龄下，未检出较新的同期群（{newer}）与较早的同期群（{older}）之间的差异。",
    "At equal age no difference between newer cohorts ({newer}) and older ones ({older}) can be told from chance.",
)
_MIXED = Text(
    "较新的同期群在某些年龄下高于较早的同期群，在另一些年龄下则更低。",
    "At some ages newer cohorts come back more often than older ones, at others less often.",
)
_NEWER = {
    "better": Text(
        "较新的同期群更常回来：{age}，{newer}的客户为 {new}，{older}的客户为 {old}（差异区间 {limits}）。",
        "Newer cohorts come back more often: {age}, {new} of those of {newer} against {old} of those of {older} "
        "(interval of the difference {limits}).",
    ),
    "worse": Text(
        "较新的同期群更少回来：{age}，{newer}的客户为 {new}，{older}的客户为 {old}（差异区间 {limits}）。",
        "Newer cohorts come back less often: {age}, {new} of those of {newer} against {old} of those of {older} "
        "(interval of the difference {limits}).",
    ),
}
_AGE = _by("第 {age} 〔期〕", "in [unit] {age}")
_TITLE = _by(
    "{first} 的客户在第 1 〔期〕再次购买，第 {age} 〔期〕为 {last}",
    "{first} of customers buy again in the first [unit], {last} in the {age}",
)
_TITLE_ONE = _by(
    "{first} 的客户在首购后再次购买", "{first} of customers buy again in the [unit] after the first purchase"
)
_BETWEEN = Text("{first}至{last}", "{first} to {last}")
_LINE = Text("折线图", "Line chart")
_CURVE = _by(
    "横轴为首购后第几〔期〕；纵轴为当期再次购买的客户占比；色带：{level} 区间",
    "Across: [unit]s since the one of the first purchase; up: share of customers who bought in that [unit]; "
    "band: {level} interval",
)
_N = Text("每点 n = {few} 至 {many}", "n = {few} to {many} per point")
_MAP = _by(
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
_AGES = _by("仅显示前 {most} 〔期〕", "Ages above {most} [unit]s are not drawn")
