"""An indicator over time as a figure: line, interval band, target and plan."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape

from crmtools import formats
from crmtools.estimate import Estimate, valued
from crmtools.goals.reading import Reading
from crmtools.measuring import Breakdown, Trend
from crmtools.period import Period
from crmtools.show import findings, sentences
from crmtools.show.chart import Level, Series, Tick, line_chart, span_of
from crmtools.show.display import Display, tag
from crmtools.show.findings import in_sentence
from crmtools.show.sentences import say
from crmtools.tables import TABLES
from crmtools.words import Language, Text, bracketed, word


def trend(
    trend: Trend,
    *,
    reading: Reading | None = None,
    language: Language = "en",
    currency: str = "",
    title: str | None = None,
) -> Display:
    """A trend as a figure with its finding as title, the goal's target and plan, and a caption that says what it rests on.

    ``reading`` adds the goal; points without a value are gaps, but for those before the first value: the caption says why they are not
    there. ``currency`` is only needed where the estimates carry none.
    """
    result = {"kind": "estimates", "estimates": [estimate.to_dict() for estimate in trend.estimates]}
    currency = sentences.currency_of(trend.estimates, currency)
    trend, before = _begun(trend)
    heading = title if title is not None else findings.trend_title(trend, reading, language, currency)
    alt = findings.trend_alt(trend, reading, language, currency)
    picture = _picture(trend, reading, language, currency, alt) if trend.estimates else ""
    html = figure(picture, heading, caption(trend, reading, language, before=before))
    return Display(html, f"{heading}\n{alt}", result)


def _begun(trend: Trend) -> tuple[Trend, Estimate | None]:
    """The trend from its first value on, and the last of the periods before it; all of it where it has not two values, or none before."""
    first = next((place for place, one in enumerate(trend.estimates) if one.value is not None or one.suppressed), 0)
    if not first or len(valued(trend.estimates)) < 2:
        return trend, None
    return replace(trend, estimates=trend.estimates[first:]), trend.estimates[first - 1]


def figure(picture: str, title: str, caption: str) -> str:
    """A figure element: what it found, the picture, what it rests on. ``picture`` is HTML, the texts are not."""
    heading = tag("p", escape(title), class_="crm-title") if title else ""
    below = tag("figcaption", escape(caption)) if caption else ""
    return tag("figure", f"{heading}{picture}{below}", class_="crm-figure")


def _picture(trend: Trend, reading: Reading | None, language: Language, currency: str, alt: str) -> str:
    unit, estimates = trend.indicator.unit, trend.estimates
    line = Series(
        [sentences.known(e.value) for e in estimates],
        [sentences.known(e.low) for e in estimates],
        [sentences.known(e.high) for e in estimates],
        [point_words(e, language, currency) for e in estimates],
        last=next((sentences.value_of(e, language, currency, bare=True) for e in reversed(valued(estimates))), ""),
    )
    target = reading.target if reading is not None else None
    levels = []
    if reading is not None and target is not None:
        shown = formats.quantity(target, unit, language, currency, bare=True, trim=True)
        levels.append(Level(target, f"{word('target', language)} {shown}"))
    plan = [reading.planned(e.period) for e in estimates] if reading is not None else ()
    span = span_of([*line.values, *plan, target], [*line.lows, *line.highs], low=unit.low, high=unit.high)
    return line_chart(
        [line], period_ticks([e.period for e in estimates], language), span, alt=alt, levels=levels, path=plan,
        written=lambda value: formats.axis(value, span.step, unit, language, currency),
    )  # fmt: skip


def point_words(estimate: Estimate, language: Language, currency: str) -> str:
    """One point in words, for the pointer that rests on it."""
    value = sentences.value_of(estimate, language, currency)
    colon = word("colon", language)
    return f"{estimate.period.label(language)}{colon}{value}{bracketed(sentences.certainty(estimate, language, currency), language)}"


def period_ticks(periods: Sequence[Period], language: Language) -> list[Tick]:
    """Months, quarters or years under the axis, the year below where one begins."""
    ticks = []
    for index, period in enumerate(periods):
        starts_year = index == 0 or periods[index - 1].start.year != period.start.year
        year = str(period.start.year) if starts_year and period.kind != "year" else ""
        ticks.append(Tick(_short(period, language), year + (f"{formats.SPACE}年" if year and language == "zh" else "")))
    if len(ticks) > 1 and ticks[0].below and ticks[1].below:
        ticks[0] = Tick(ticks[0].words)  # two years side by side would overlap
    return ticks


def _short(period: Period, language: Language) -> str:
    match period.kind:
        case "month":
            return (
                f"{period.start.month}{formats.SPACE}月" if language == "zh" else formats.month(period.start, "en")[:3]
            )
        case "quarter":
            quarter = (period.start.month + 2) // 3
            return f"{'一二三四'[quarter - 1]}季度" if language == "zh" else f"Q{quarter}"
        case "year":
            return str(period.start.year)
    return formats.day(period.start, language, short=True)


def caption(trend: Trend, reading: Reading | None, language: Language, *, before: Estimate | None = None) -> str:
    """What the lines mean, how many customers stand behind a point, the tables it comes from and the day of the data.

    ``before`` is the last of the periods that are not drawn for want of a value.
    """
    parts = (
        []
        if trend.indicator.kind.name == "total"
        else [say(_BAND, language, level=level_of(trend.estimates, language))]
    )
    if reading is not None and reading.target is not None:
        parts.append(say(_LINES, language, by=formats.day(reading.goal.deadline, language)))
    if before is not None:
        why = in_sentence(sentences.why(before, language), language)
        parts.append(say(_BEFORE, language, period=before.period.label(language), why=why))
    parts += rests_on(trend.estimates, trend, language)
    return "".join(f"{part}。" for part in parts) if language == "zh" else " ".join(f"{part}." for part in parts)


def rests_on(estimates: Sequence[Estimate], of: Trend | Breakdown, language: Language) -> list[str]:
    """n, source and day of the data, as parts of a caption; some ``estimates`` of a result."""
    counts = [e.n for e in estimates if e.n]
    parts = []
    if counts:
        few, many = (formats.number(n, language) for n in (min(counts), max(counts)))
        parts.append(f"n = {few}" if few == many else say(_N, language, few=few, many=many))
    tables = word("list", language).join(
        sentences.before_comma(TABLES[name].meaning.to(language)) for name in of.tables or of.indicator.tables
    )
    parts.append(f"{word('source', language)}{word('colon', language)}{tables}")
    if estimates:
        parts.append(word("as_of", language, day=formats.day(estimates[0].as_of, language)))
    return parts


def level_of(estimates: Sequence[Estimate], language: Language) -> str:
    """The level of the intervals."""
    return formats.percent(estimates[0].level if estimates else 0.95, language, 0)


_BEFORE = Text("{period}及以前无数值：{why}", "No value until {period}: {why}")
_BAND = Text("色带：{level} 区间", "Band: {level} interval")
_LINES = Text("虚线：目标值（{by}前）；点线：计划路径", "Dashed: target by {by}; dotted: the plan's path")
_N = Text("每点 n = {few} 至 {many}", "n = {few} to {many} per point")
