"""The chapter on goals: what is missing to each and the way there; and which indicators have no number at all."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from crmtools import formats
from crmtools.estimate import Estimate, valued
from crmtools.goals.evidence import EVIDENCE
from crmtools.goals.judgement import Judgement
from crmtools.goals.reading import Reading, Scorecard
from crmtools.goals.status import STATUS
from crmtools.indicators.catalogue import CATALOGUE, Indicator
from crmtools.intervals import z_of
from crmtools.measuring import measure
from crmtools.period import MONTHS_IN, Period
from crmtools.questions import missing_columns, uncut
from crmtools.show import findings, sentences
from crmtools.show.blocks import bullets, figure_cell, grid, named, note
from crmtools.show.chart import Level, Series, Tick, line_chart, span_of, width
from crmtools.show.display import Display, tag
from crmtools.show.scorecards import (
    CANNOT_TELL,
    EVIDENCE_HEAD,
    NO_LINKS,
    TWO_STATUSES,
    UNDECIDED,
    about,
    both_statuses,
    judged,
    result,
)
from crmtools.show.sentences import before_comma, currency_of, known, say, undecided
from crmtools.show.stated import of_counts, says
from crmtools.show.trends import figure, period_ticks, point_words
from crmtools.tables import TABLES
from crmtools.tables.source import Data
from crmtools.words import Language, Text, bracketed, word

FARTHEST = 36
"""Periods beyond the last measured one that a path is drawn for, at most."""
NAMED = 5
"""Indicators named per reason; of the others only the number is told."""


def gaps(
    scorecard: Scorecard,
    *,
    language: Language,
    currency: str = "",
    pages: Mapping[str, str] = NO_LINKS,
    judgements: Sequence[Judgement] = (),
) -> Display:
    """Every goal with baseline, value now, target, gap, progress and where the plan expects it; each with its error.

    A gap whose interval holds 0 is marked: the data cannot tell whether the target is reached. ``pages`` leads from goals, by
    their ids, to their own pages. With ``judgements`` (of :func:`crmtools.judgements`) what the data say stands before the plan
    status, as on the first page.
    """
    if not len(scorecard):
        return note(_NO_GOALS.to(language))
    pairs = _pairs(scorecard, judgements)
    rows = [_row(reading, one, language, currency_of([reading.now], currency), pages) for reading, one in pairs]
    level = formats.percent(next(iter(scorecard)).now.level, language, 0)
    heads = [text.to(language) for text in (_HEADS[0], EVIDENCE_HEAD if judgements else _HEADS[1], *_HEADS[2:])]
    key = say(_KEY, language, level=level, rest=(TWO_STATUSES if judgements else UNDECIDED).to(language))
    html = grid(heads, rows, left=2) + tag("p", escape(key), class_="crm-note")
    lines = [_line(reading, one, language, currency_of([reading.now], currency)) for reading, one in pairs]
    return Display(html, "\n".join(lines), result(scorecard, judgements))


def paths(
    scorecard: Scorecard, *, language: Language, currency: str = "", judgements: Sequence[Judgement] = ()
) -> Display:
    """Every goal on its way: measured so far, the target, and the path from baseline to target at the deadline.

    A title names what the data say where there are ``judgements``, else the plan status.
    """
    if not len(scorecard):
        return note(_NO_GOALS.to(language))
    parts = [
        _path(reading, one, language, currency_of([reading.now], currency))
        for reading, one in _pairs(scorecard, judgements)
    ]
    shown = "\n".join(text for _, text in parts)
    return Display(_small_figures([html for html, _ in parts]), shown, result(scorecard, judgements))


def _pairs(scorecard: Scorecard, judgements: Sequence[Judgement]) -> list[tuple[Reading, Judgement | None]]:
    """The readings, each with its judgement where there are any."""
    told: Sequence[Judgement | None] = judgements or [None] * len(scorecard)
    return list(zip(scorecard, told, strict=True))


def not_computable(data: Data, *, language: Language) -> Display:
    """The indicators that have no number in the period that is reported, in a line per reason.

    What the source lacks comes first, grouped by table, then what has no value although nothing is missing.
    """
    chosen = data.settings.report.indicators
    items = [item for item in CATALOGUE.values() if chosen is None or item.id in chosen]
    lacking: dict[str, list[Indicator]] = {}
    unknown: list[Estimate] = []
    empty: dict[str, list[Indicator]] = {}
    for item in items:
        if not uncut(item, data) and (missing := missing_columns(item, data)):
            lacking.setdefault(_lack(missing, language), []).append(item)
        elif known((estimate := measure(item, data)).value) is None:
            empty.setdefault(sentences.why(estimate, language), []).append(item)
            unknown.append(estimate)
    without = sum(map(len, [*lacking.values(), *empty.values()]))
    words = {"count": formats.number(without, language), "all": formats.number(len(items), language)}
    groups = [
        (text, reason, group)
        for text, reasons in ((_LACKING, lacking), (_EMPTY, empty))
        for reason, group in sorted(reasons.items(), key=lambda pair: -len(pair[1]))
    ]
    counts = {"without": without, "all": len(items)}
    counts |= {f"more_{place}": len(group) - NAMED for place, (*_, group) in enumerate(groups) if len(group) > NAMED}
    numbers = tuple(of_counts("indicators", counts, language))
    first = say(_SOME_MISSING if without else _ALL_COMPUTED, language, **words)
    lines = [say(text, language, reason=reason, indicators=_named(group, language)) for text, reason, group in groups]
    text = "\n".join([first, *lines])
    ids = {"lacking": [i.id for g in lacking.values() for i in g], "empty": [i.id for g in empty.values() for i in g]}
    html = tag("p", escape(first), data_of=says(first, numbers))
    if lines:
        html += tag("ul", "".join(tag("li", escape(line), data_of=says(line, numbers)) for line in lines))
    told = {"told": {"indicators": counts}, "estimates": [one.to_dict() for one in unknown]}
    return Display(html, text, {"kind": "not_computable", "of": len(items), **ids, **told})


def notes(texts: Sequence[Text], *, language: Language) -> Display:
    """Notes as a list, each once; a sentence where there are none."""
    if not texts:
        return _paragraph(_NOTHING.to(language))
    said = [text.to(language) for text in dict.fromkeys(texts)]
    return Display(bullets([escape(text) for text in said]), "\n".join(said))


def _row(
    reading: Reading, judgement: Judgement | None, language: Language, currency: str, pages: Mapping[str, str]
) -> list[str]:
    goal, unit = reading.goal, reading.goal.indicator.unit
    expected = formats.quantity(reading.expected, unit, language, currency, bare=True)
    gap, around = gap_words(reading, language, currency)
    return [
        named(goal.name.to(language), about(reading, language), href=pages.get(goal.id, "")),
        _cell(judged(reading, language), "white-space:nowrap")
        if judgement is None
        else _cell(both_statuses(reading, judgement, language), "min-width:7.5rem"),
        figure_cell(*_measured(reading.now, reading, language, currency)),
        figure_cell(
            formats.quantity(reading.target, unit, language, currency, bare=True, trim=True),
            formats.month(goal.deadline, language),
        ),
        figure_cell(gap, around, wrap=True),
        figure_cell(progress_words(reading, language)),
        figure_cell(expected, formats.percent(reading.elapsed, language, 0)),
        figure_cell(*_measured(reading.baseline, reading, language, currency)),
    ]


def gap_words(reading: Reading, language: Language, currency: str) -> tuple[str, str]:
    """What is still missing (negative: the target is passed) and its interval."""
    if reading.gap is None:
        missing = reading.now if known(reading.now.value) is None else reading.baseline
        return formats.MISSING, sentences.why(missing, language)
    unit = reading.goal.indicator.unit
    gap = formats.difference(reading.gap, unit, language, currency, signed=False)
    if reading.gap_low is None or reading.gap_high is None:
        return gap, _NO_INTERVAL.to(language)
    low, high = (
        formats.difference(limit, unit, language, currency, signed=False, named=False)
        for limit in (reading.gap_low, reading.gap_high)
    )
    return gap, say(_BETWEEN, language, low=low, high=high)


def progress_words(reading: Reading, language: Language) -> str:
    """The share of the way that is done, with its error at the level of the intervals."""
    done = formats.percent(reading.progress, language, 0)
    if known(reading.progress_se) is None or reading.progress_se is None:
        return done
    return f"{done} ± {formats.percent(z_of(reading.now.level) * reading.progress_se, language, 0)}"


def _measured(estimate: Estimate, reading: Reading, language: Language, currency: str) -> tuple[str, str]:
    """A value and its interval, or why there is none."""
    value = sentences.value_of(estimate, language, currency, bare=True)
    if known(estimate.value) is None:
        return value, sentences.why(estimate, language)
    limits = sentences.interval_of(estimate, language, currency, bare=True)
    return value, "" if limits == formats.MISSING else limits


def _line(reading: Reading, judgement: Judgement | None, language: Language, currency: str) -> str:
    """One goal for a terminal."""
    gap, around = gap_words(reading, language, currency)
    parts = [
        reading.goal.name.to(language),
        f"{_HEADS[4].to(language)} {gap}{bracketed(around, language)}" if around else gap,
    ]
    parts += [
        f"{word('progress', language)} {progress_words(reading, language)}",
        _status(reading, judgement, language),
    ]
    if judgement is None and undecided(reading):
        parts.append(CANNOT_TELL.to(language))
    return " · ".join(parts)


def _status(reading: Reading, judgement: Judgement | None, language: Language) -> str:
    return (STATUS[reading.status] if judgement is None else EVIDENCE[judgement.evidence]).to(language)


def _path(reading: Reading, judgement: Judgement | None, language: Language, currency: str) -> tuple[str, str]:
    """The small figure of one goal, and its text."""
    goal, unit, estimates = reading.goal, reading.goal.indicator.unit, reading.trend.estimates
    title = say(_PATH_TITLE, language, name=goal.name.to(language), status=_status(reading, judgement, language))
    aimed = sentences.aimed(reading, language, currency) + _judged(reading, language, currency)
    if not valued(estimates):
        return figure("", title, aimed), f"{title}\n{aimed}"
    periods = [*(e.period for e in estimates), *_ahead(estimates[-1].period, reading)]
    rest = [None] * (len(periods) - len(estimates))
    line = Series(
        [*(known(e.value) for e in estimates), *rest],
        [*(known(e.low) for e in estimates), *rest],
        [*(known(e.high) for e in estimates), *rest],
        [*(point_words(e, language, currency) for e in estimates), *("" for _ in rest)],
        last=sentences.value_of(valued(estimates)[-1], language, currency, bare=True),
    )  # fmt: skip
    plan = [reading.planned(period) for period in periods]
    levels = []
    if reading.target is not None:
        shown = formats.quantity(reading.target, unit, language, currency, bare=True, trim=True)
        levels.append(Level(reading.target, f"{word('target', language)} {shown}"))
    span = span_of([*line.values, *plan, reading.target], [*line.lows, *line.highs], low=unit.low, high=unit.high)
    alt = findings.trend_alt(reading.trend, reading, language, currency)
    picture = line_chart(
        [line], _sparse(period_ticks(periods, language)), span, alt=alt, levels=levels, path=plan, height=150,
        written=lambda value: formats.axis(value, span.step, unit, language, currency),
    )  # fmt: skip
    return figure(picture, title, aimed), f"{title}\n{aimed}"


def _judged(reading: Reading, language: Language, currency: str) -> str:
    """That a goal is judged over a longer or shorter time than a point of the line stands for."""
    now, last = reading.now, reading.trend.estimates[-1].period
    if known(now.value) is None or now.period.kind == last.kind:
        return ""
    value = sentences.value_of(now, language, currency)
    said = say(_JUDGED, language, last=last.label(language), period=now.period.label(language), value=value)
    return ("" if language == "zh" else " ") + said


def _ahead(last: Period, reading: Reading) -> list[Period]:
    """The periods after the last measured one, up to the deadline."""
    if last.kind == "days":
        return []
    periods: list[Period] = []
    months = MONTHS_IN[last.kind]
    while len(periods) < FARTHEST:
        following = (periods[-1] if periods else last).shift(months)
        if following.start > reading.goal.deadline:
            break
        periods.append(following)
    return periods


def _sparse(ticks: list[Tick]) -> list[Tick]:
    """Fewer labels: two figures stand side by side, and each has half the width that labels are laid out for."""
    widest = max((width(tick.words) + 10 for tick in ticks), default=0)
    wide, narrow = (max(1, math.ceil(len(ticks) * widest / room)) for room in (620, 290))
    every = wide * math.ceil(narrow / wide)
    return [tick if (len(ticks) - 1 - place) % every == 0 else Tick("", tick.below) for place, tick in enumerate(ticks)]


def _small_figures(parts: Sequence[str]) -> str:
    """Figures side by side where there is room for two."""
    style = "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:0 2rem"
    return tag("div", "".join(parts), style=style)


def _lack(missing: Sequence[str], language: Language) -> str:
    """What is missing, tables by their name, columns by table and column."""
    tables = dict.fromkeys(name.partition(".")[0] for name in missing)
    said = []
    for table in tables:
        columns = [name.partition(".")[2] for name in missing if name.startswith(f"{table}.")]
        name = before_comma(TABLES[table].meaning.to(language)) if table in TABLES else table
        said.append(
            name if not columns else say(_COLUMNS, language, table=name, columns=word("list", language).join(columns))
        )
    return word("list", language).join(said)


def _named(items: Sequence[Indicator], language: Language) -> str:
    """The first few indicators by name, and how many more there are."""
    names = word("list", language).join(item.name.to(language) for item in items[:NAMED])
    if len(items) <= NAMED:
        return names
    return say(_AND_MORE, language, names=names, count=len(items) - NAMED)


def _paragraph(text: str) -> Display:
    return Display(tag("p", escape(text)), text)


def _cell(html: str, style: str) -> str:
    return tag("td", html, style=style)


_NO_GOALS = Text("参数文件中没有设定目标。", "The parameters file names no goals.")
_HEADS = (
    Text("目标", "Goal"), Text("计划状态", "Plan status"), Text("当前值", "Now"), Text("目标值", "Target"),
    Text("差距", "Gap"), Text("进度", "Progress"), Text("按计划应达 / 已过时间", "Expected by now / time over"), Text("基线", "Baseline"),
)  # fmt: skip
_KEY = Text(
    "差距：尚缺部分，负数表示已超过目标值；小字与 ± 为 {level} 区间。{rest}",
    "Gap: what is still missing, negative where the target is passed. Small print and ±: {level} intervals. {rest}",
)
_NO_INTERVAL = Text("无区间", "no interval")
_BETWEEN = Text("{low} 至 {high}", "{low} to {high}")
_PATH_TITLE = Text("{name}：{status}", "{name}: {status}")
_JUDGED = Text(
    "目标按{period}（{value}）判断，线上各点的期间不同，最后一点为{last}。",
    "The goal is judged over {period} ({value}); points of the line stand for other times, the last for {last}.",
)
_ALL_COMPUTED = Text("全部 {all} 项指标均有数值。", "All {all} indicators have a number.")
_SOME_MISSING = Text("{all} 项指标中，{count} 项没有数值：", "Without a number: {count} of {all} indicators.")
_LACKING = Text("缺少{reason}：{indicators}", "Missing {reason}: {indicators}")
_EMPTY = Text("{indicators}——{reason}", "{indicators} – {reason}")
_COLUMNS = Text("{table}的列 {columns}", "{table} ({columns})")
_AND_MORE = Text("{names}等，另有 {count} 项", "{names} and {count} more")
_NOTHING = Text("没有需要说明的事项。", "Nothing to note.")
