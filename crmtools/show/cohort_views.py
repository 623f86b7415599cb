"""The chapter on cohorts: how many customers come back, by age and by the time of their first purchase."""

import pandas as pd

from crmtools import formats
from crmtools.cohort_projection import RetentionProjection
from crmtools.cohorts import CohortBy, Cohorts
from crmtools.indicators.units import UNITS
from crmtools.period import Period
from crmtools.show.blocks import lead, note, rests_on, sentence_list
from crmtools.show.chart import Series, Tick, line_chart, span_of
from crmtools.show.cohort_halves import Halves, compared_halves
from crmtools.show.display import Display
from crmtools.show.look import ACCENT, SECOND
from crmtools.show.paired_bars import legend
from crmtools.show.sentences import say
from crmtools.show.trends import figure
from crmtools.tables.source import Data
from crmtools.words import Language, Text, bracketed, word

AHEAD = 12
"""Ages drawn beyond those observed."""
MILESTONES = (1, 3, 6, 12)
"""Ages that the answer names, in periods after the one of the first purchase."""
FEWEST = 5
"""Customers below whom nothing is said about an age."""
_SHARE = UNITS["percent"]


def cohort_answer(cohorts: Cohorts, *, language: Language, smallest_group: int = FEWEST) -> Display:
    """What share came back after 1, 3, 6 and 12 periods, and whether newer cohorts differ from older ones.

    A difference is only claimed when it can be told from chance at some age, all ages taken together. Ages that fewer than
    ``smallest_group`` customers have been observed at are not spoken of.
    """
    pooled = _pooled(cohorts)
    ages = [age for age in MILESTONES if age in pooled.index and pooled["size"].loc[age] >= smallest_group]
    result = _result(cohorts, pooled.loc[ages])
    if not ages:
        few = _OBSERVED_FEW[cohorts.by] if len(pooled) else NOTHING[cohorts.by]
        return lead(few.to(language), language=language, result=result)
    level = formats.percent(cohorts.level, language, 0)
    first, *others = (_said(row, language) for _, row in pooled.loc[ages].iterrows())
    start = say(_FIRST[cohorts.by], language, level=level, **first)
    later = [
        say(_LATER[cohorts.by], language, age=_ordinal(age, language), **words) for age, words in zip(ages[1:], others)
    ]
    then = ""
    if later:
        between = "；" if language == "zh" else ", "
        then = say(_THEN, language, later=between.join(later))
    difference = _difference(cohorts, compared_halves(cohorts, MILESTONES), language)
    return lead(start, then, difference, language=language, result=result)


def cohort_curve(
    cohorts: Cohorts, data: Data, *, language: Language, projection: RetentionProjection | None = None
) -> Display:
    """Retention by age over all cohorts together, with its interval; ages with too few customers are left out.

    ``projection`` adds what BG/NBD expects, at the ages observed and ahead.
    """
    pooled = _pooled(cohorts)
    pooled = pooled[pooled["size"] >= data.settings.publish.smallest_group]
    if pooled.empty:
        return note(NOTHING[cohorts.by].to(language))
    ages = range(1, int(pooled.index.max()) + 1)
    table = pooled.reindex(ages)
    values, lows, highs = (_list(table[name]) for name in ("retention", "low", "high"))
    title = _curve_title(cohorts, pooled, language)
    words = [_point(cohorts, age, row, language) for age, (_, row) in zip(ages, table.iterrows())]
    last = formats.percent(pooled["retention"].iloc[-1], language)
    lines, ticks = [Series(values, lows, highs, words, last=last)], [Tick(str(age)) for age in ages]
    if projection is not None:
        expected = projection.frame
        until = ages[-1] + AHEAD
        expected = expected[expected.index <= until]
        ticks = [Tick(str(age)) for age in expected.index]
        blank: list[float | None] = [None] * (len(ticks) - len(ages))
        lines = [
            Series(_list(expected["value"]), _list(expected["low"]), _list(expected["high"]), second=True, dots=False),
            Series([*values, *blank], [*lows, *blank], [*highs, *blank], [*words, *[""] * len(blank)], last=last),
        ]
    drawn = [value for line in lines for value in line.values]
    limits = [value for line in lines for value in (*line.lows, *line.highs)]
    span = span_of([*drawn, 0.0], limits, low=0.0, high=1.0)
    picture = line_chart(
        lines, ticks, span,
        written=lambda value: formats.axis(value, span.step, _SHARE, language),
        alt=_curve_alt(cohorts, pooled, title, language),
    )  # fmt: skip
    few, many = (formats.number(n, language) for n in (pooled["size"].min(), pooled["size"].max()))
    caption = [
        say(_CURVE[cohorts.by], language, level=formats.percent(cohorts.level, language, 0)),
        say(_N, language, few=few, many=many),
        *rests_on("orders", cohorts.as_of, language),
    ]
    text, result = "\n".join([title, *words]), _result(cohorts, pooled)
    if projection is not None:
        names = (_OBSERVED.to(language), ACCENT, False), (_EXPECTED.to(language), SECOND, True)
        picture = legend(*names) + picture
        further = _further(cohorts, projection, pooled, language)
        text = f"{text}\n{further}"
        caption.insert(1, further)
        frame = projection.frame
        result["expected"] = [
            {"age": int(age), **{name: float(row[name]) for name in frame.columns}} for age, row in frame.iterrows()
        ]
    return Display(figure(picture, title, sentence_list(caption, language)), text, result)


def _further(cohorts: Cohorts, projection: RetentionProjection, pooled: pd.DataFrame, language: Language) -> str:
    """What the model expects at the end of the ages drawn, and how far it lies from what was observed; part of a caption."""
    expected = projection.frame
    age = min(int(pooled.index.max()) + AHEAD, int(expected.index.max()))
    row = {name: float(expected[name].loc[age]) for name in expected.columns}
    words = {"age": _age(cohorts.by, age, language), "share": formats.percent(row["value"], language)}
    apart = (pooled["retention"] - expected["value"].loc[pooled.index]).abs()
    away = formats.difference(
        float((apart * pooled["size"]).sum() / pooled["size"].sum()), _SHARE, language, signed=False
    )
    if pd.isna(row["low"]):
        return say(_AHEAD, language, away=away, **words)
    limits = formats.interval(row["low"], row["high"], _SHARE, language)
    return say(_AHEAD_WITHIN, language, away=away, limits=limits, **words)


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
    gap = "" if language == "zh" else " "
    begun = _LINE.to(language) + word("colon", language) + title + word("stop", language) + gap
    return begun + word("semicolon", language).join(said)


def _point(cohorts: Cohorts, age: int, row: pd.Series, language: Language) -> str:
    if pd.isna(row["retention"]):
        return f"{_age(cohorts.by, age, language)}{word('colon', language)}{formats.MISSING}"
    said = _said(row, language)
    text = f"{_age(cohorts.by, age, language)}{word('colon', language)}{said['share']}"
    return text + bracketed(f"{said['limits']}{word('comma', language)}n = {said['count']}", language)


def period_name(label: str, language: Language) -> str:
    """A cohort as people write its period."""
    period = Period.parse(label)
    return formats.month(period.start, language) if period.kind == "month" else period.label(language)


def _span(labels: tuple[str, ...], language: Language) -> str:
    """The cohorts from first to last."""
    if len(labels) == 1:
        return period_name(labels[0], language)
    return say(_BETWEEN, language, first=period_name(labels[0], language), last=period_name(labels[-1], language))


def _age(by: CohortBy, age: int, language: Language) -> str:
    return say(AGE[by], language, age=age)


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


def by_unit(zh: str, en: str) -> dict[CohortBy, Text]:
    """A text for months, quarters and years."""
    units: dict[CohortBy, tuple[str, str]] = {
        "month": ("个月", "month"),
        "quarter": ("个季度", "quarter"),
        "year": ("年", "year"),
    }
    return {by: Text(zh.replace("〔期〕", unit), en.replace("[unit]", name)) for by, (unit, name) in units.items()}


NOTHING = by_unit(
    "还没有同期群在首购之后被完整观察满 1 〔期〕，暂时无法判断客户是否会回来。",
    "No cohort has been observed for a whole [unit] after the one of its first purchase: "
    "nothing can be said about coming back yet.",
)
_OBSERVED_FEW = by_unit(
    "首购后被完整观察满 1 〔期〕的客户过少，暂不公布。",
    "Too few customers have been observed for a whole [unit] after the one of their first purchase to be shown.",
)
_FIRST = by_unit(
    "首购后已完整观察至少 1 〔期〕的 {count} 位客户中，{share} 在第 1 〔期〕再次购买（{level} 区间 {limits}）。",
    "Of {count} customers observed for at least one whole [unit] after that of their first purchase, {share} bought "
    "again in the first [unit] ({level} interval {limits}).",
)
_LATER = by_unit(
    "第 {age} 〔期〕为 {share}（{limits}，n\u00a0=\u00a0{count}）",
    "{share} in the {age} ({limits}, n\u00a0=\u00a0{count})",
)
_THEN = Text("观察更久的客户中，{later}。", "Of those observed longer it is {later}.")
_ONE = Text(
    "只有一个同期群，无法比较新老客户。",
    "There is one cohort only, so newer customers cannot be compared with older ones.",
)
_ALIKE = Text(
    "在相同客龄下，未检出较新的同期群（{newer}）与较早的同期群（{older}）之间的差异。",
    "At equal age no difference between newer cohorts ({newer}) and older ones ({older}) can be told from chance.",
)
_MIXED = Text(
    "较新的同期群在某些客龄上高于较早的同期群，在另一些客龄上则更低。",
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
AGE = by_unit("第 {age} 〔期〕", "in [unit] {age}")
_TITLE = by_unit(
    "{first} 的客户在第 1 〔期〕再次购买，第 {age} 〔期〕为 {last}",
    "{first} of customers buy again in the first [unit], {last} in the {age}",
)
_TITLE_ONE = by_unit(
    "{first} 的客户在首购后再次购买", "{first} of customers buy again in the [unit] after the first purchase"
)
_BETWEEN = Text("{first}至{last}", "{first} to {last}")
_LINE = Text("折线图", "Line chart")
_CURVE = by_unit(
    "横轴为首购后第几〔期〕；纵轴为当期再次购买的客户占比；色带：{level} 区间",
    "Across: [unit]s since the one of the first purchase; up: share of customers who bought in that [unit]; "
    "band: {level} interval",
)
_OBSERVED, _EXPECTED = Text("实际", "observed"), Text("BG/NBD 预期", "expected by BG/NBD")
_AHEAD = Text(
    "模型预期{age}为 {share}，与实际平均相差 {away}；数据不足以确定其参数（季节也会造成这种情况），因此不给出区间",
    "The model expects {share} {age} and lies {away} from what was observed, on average; the data do not determine its "
    "parameters (seasons can be why), so it has no interval",
)
_AHEAD_WITHIN = Text(
    "模型预期{age}为 {share}（{limits}，只计参数的不确定性），与实际平均相差 {away}",
    "The model expects {share} {age} ({limits}, uncertainty of its parameters only) and lies {away} from what was observed, on average",
)
_N = Text("每点 n = {few} 至 {many}", "n = {few} to {many} per point")
