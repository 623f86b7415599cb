"""One figure for many goals: the company's, its departments' and its people's, each with its interval."""

from collections.abc import Sequence
from html import escape

from crmtools import formats
from crmtools.goals.scores import CAP, COVERAGE, FEWEST_GOALS, Score, Scores
from crmtools.show.blocks import figure_cell, grid, named, note
from crmtools.show.display import Display, tag
from crmtools.show.look import ACCENT, INK, TRACK
from crmtools.show.sentences import say
from crmtools.words import Language, Text, bracketed, word

BAR = (150, 22)
_LEFT, _RIGHT = 3.0, 147.0


def scores(found: Scores, *, language: Language) -> Display:
    """The weighted attainment of all goals, of departments and of people: bar, interval, coverage, places.

    Parameters
    ----------
    found
        What :func:`crmtools.scores` returned.
    """
    groups = [(_WHOLE, (found.whole,)), (_DEPARTMENTS, found.departments), (_PEOPLE, found.people)]
    told = [(title, list(scored)) for title, scored in groups if scored]
    if not found.whole.goals:
        return note(_NO_GOALS.to(language))
    every = [one for _, scored in told for one in scored]
    ranked = any(one.rank is not None for one in every)
    rows = [_row(one, language)[: None if ranked else -1] for one in every]
    lines = [_line(one, language) for one in every]
    noise = [said for title, scored in told[1:] if (said := _noise(title, scored, language))]
    heads = [text.to(language) for text in _HEADS[: None if ranked else -1]]
    key = say(
        _KEY,
        language,
        cap=formats.percent(CAP, language, 0),
        least=formats.percent(COVERAGE, language, 0),
        few=FEWEST_GOALS,
    )
    if ranked:
        key += ("" if language == "zh" else " ") + _PLACES.to(language)
    html = grid(heads, rows, left=2) + "".join(tag("p", escape(said)) for said in noise)
    html += tag("p", escape(key), class_="crm-note") + _variants(
        [one for _, scored in told for one in scored], language
    )
    return Display(html, "\n".join([*lines, *noise]), result(found))


def result(found: Scores) -> dict[str, object]:
    """The scores as plain values."""

    def plain(one: Score) -> dict[str, object]:
        names = ("goals", "counted", "coverage", "value", "low", "high", "strict", "uncapped", "geometric", "rank")
        return {"name": one.name.en} | {name: getattr(one, name) for name in names}

    groups = {"departments": found.departments, "people": found.people}
    return {"kind": "scores", "whole": plain(found.whole)} | {k: [plain(one) for one in v] for k, v in groups.items()}


def _row(one: Score, language: Language) -> list[str]:
    name = named(
        one.name.to(language), say(_GOALS, language, n=one.goals) if one.goals != 1 else _ONE_GOAL.to(language)
    )
    coverage = figure_cell(
        formats.percent(one.coverage, language, 0) if one.value is not None or one.counted else formats.MISSING
    )
    if one.value is None:
        why = escape(one.why.to(language) if one.why else formats.MISSING)
        return [
            name,
            tag("td", tag("small", why, style="white-space:normal")),
            figure_cell(formats.MISSING),
            coverage,
            figure_cell(""),
        ]
    return [
        name,
        tag("td", bar(one, language)),
        figure_cell(*_value(one, language)),
        coverage,
        figure_cell(_rank(one, language)),
    ]


def _value(one: Score, language: Language) -> tuple[str, str]:
    """The score and its interval."""
    low, high = (formats.percent(x, language, 0) for x in (one.low, one.high))
    return formats.percent(one.value, language, 0), say(_BETWEEN, language, low=low, high=high)


def _rank(one: Score, language: Language) -> str:
    if one.rank is None:
        return ""
    best, worst = one.rank
    return str(best) if best == worst else f"{best}–{worst}"


def bar(one: Score, language: Language) -> str:
    """The score as a bar from 0 to what a goal counts at most, a thick line where all targets are reached, the interval as a whisker."""

    def at(share: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * min(max(share / CAP, 0.0), 1.0)

    value, low, high = (x or 0.0 for x in (one.value, one.low, one.high))
    parts = [
        f'<rect x="{_LEFT}" y="8" width="{at(1.0) - _LEFT:.1f}" height="6" rx="3" fill="{TRACK}"/>',
        f'<rect x="{_LEFT}" y="8" width="{at(value) - _LEFT:.1f}" height="6" rx="3" fill="{ACCENT}"/>',
        f'<line x1="{at(1.0):.1f}" x2="{at(1.0):.1f}" y1="4" y2="18" stroke="{INK}" stroke-width="2"/>',
    ]
    if high > low:
        parts.append(
            f'<path d="M{at(low):.1f} 11H{at(high):.1f}M{at(low):.1f} 7V15M{at(high):.1f} 7V15" stroke="{INK}" stroke-width="1.4" fill="none"/>'
        )
    alt = f"{one.name.to(language)}{word('colon', language)}{' '.join(_value(one, language))}"
    across, down = BAR
    return tag(
        "svg",
        "".join(parts),
        role="img",
        aria_label=alt,
        width=across,
        height=down,
        viewBox=f"0 0 {across} {down}",
    )


def overlapping(scored: Sequence[Score]) -> list[Score]:
    """Those whose places overlap with another's: their order is within the error."""
    ranked = [one for one in scored if one.rank is not None]
    return [
        one
        for one in ranked
        if any(other is not one and other.rank[0] <= one.rank[1] and one.rank[0] <= other.rank[1] for other in ranked)  # type: ignore[index]
    ]


def _noise(title: Text, scored: Sequence[Score], language: Language) -> str:
    close = overlapping(scored)
    if len(close) < 2:
        return ""
    return say(
        _NOISE,
        language,
        title=title.to(language),
        names=word("list", language).join(one.name.to(language) for one in close),
    )


def _variants(scored: Sequence[Score], language: Language) -> str:
    """The same by other rules, behind a fold."""
    told = [one for one in scored if one.value is not None]
    if not told:
        return ""
    rows = [
        [
            named(one.name.to(language)),
            *(
                figure_cell(formats.percent(x, language, 0))
                for x in (one.value, one.strict, one.uncapped, one.geometric)
            ),
        ]
        for one in told
    ]
    heads = [text.to(language) for text in _RULES]
    words = tag("p", escape(_ABOUT_RULES.to(language)), class_="crm-note")
    return tag("details", tag("summary", escape(_FOLD.to(language))) + grid(heads, rows) + words)


def _line(one: Score, language: Language) -> str:
    """One score for a terminal."""
    said = f"{one.name.to(language)}{word('colon', language)}"
    if one.value is None:
        return said + (one.why.to(language) if one.why else formats.MISSING)
    value, around = _value(one, language)
    return said + value + bracketed(around, language)


_NO_GOALS = Text("参数文件中没有设定目标。", "The parameters file names no goals.")
_WHOLE, _DEPARTMENTS, _PEOPLE = Text("全部", "all"), Text("部门", "departments"), Text("个人", "people")
_GOALS, _ONE_GOAL = Text("{n} 项目标", "{n} goals"), Text("1 项目标", "1 goal")
_HEADS = (
    Text("范围", "Of"),
    Text("完成度", "Attainment"),
    Text("得分", "Score"),
    Text("有证据的权重", "Weight with evidence"),
    Text("名次", "Place"),
)
_BETWEEN = Text("{low} 至 {high}", "{low} to {high}")
_KEY = Text(
    "得分：各目标从基线到目标值完成部分的加权平均，单项最多计 {cap}；粗线为全部达成。小字与须线为 90% 区间。没有证据的目标不计入，也不当作零；"
    "有证据的权重不足 {least}，或目标不足 {few} 项的部门与个人，不给得分。",
    "Score: weighted mean of the way from baseline to target that is done, no goal counting more than {cap}; thick line: all targets "
    "reached. Small print and whisker: the middle nine tenths of what the error allows. A goal without evidence is left out, not a zero; "
    "there is no score where less than {least} of the weight has evidence, nor for departments and people with fewer than {few} "
    "goals.",
)
_NOISE = Text(
    "{title}之间，{names}的先后在误差之内：排名只是噪声，不宜用于考核。",
    "Among {title}, the order of {names} lies within the error: to rank them is to rank noise. Not for appraisal.",
)
_PLACES = Text("名次为误差所允许的最好与最差。", "Place: the best and the worst that the error allows.")
_FOLD = Text("按其他规则计算", "By other rules")
_RULES = (
    Text("范围", "Of"),
    Text("得分", "Score"),
    Text("单项最多 100%", "Capped at 100 %"),
    Text("不设上限", "Not capped"),
    Text("几何平均", "Geometric mean"),
)
_ABOUT_RULES = Text(
    "几何平均不允许一项目标弥补另一项：任何一项毫无进展，得分即为 0。",
    "In the geometric mean no goal makes up for another: one without any progress makes it 0.",
)
