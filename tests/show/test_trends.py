"""Trends as figures: what is drawn is what was measured, in any width, the same every time."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmtools as crm
from crmtools import show
from crmtools.indicators import CATALOGUE
from crmtools.measuring import Trend, trend
from crmtools.period import Period
from crmtools.show.chart import Level, Series, Tick, line_chart, round_step, span_of
from crmtools.show.trends import period_ticks
from crmtools.words import LANGUAGES

# ibis 12 asks pandas 3 for an option that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


MONTHS = Period.parse("2025-12").up_to(12, "month")


@pytest.fixture
def churn(make):
    values = [0.050, 0.048, None, 0.052, 0.047, 0.046, 0.049, 0.045, None, 0.044, 0.043, 0.046]
    points = [
        make(
            "churn_rate",
            period=month,
            value=value,
            low=value and value - 0.01,
            high=value and value + 0.01,
            se=0.005,
            n=400 + at,
        )
        for at, (month, value) in enumerate(zip(MONTHS, values, strict=True))
    ]
    return Trend(CATALOGUE["churn_rate"], tuple(points))


def axis(html: str) -> list[tuple[float, float]]:
    """(place in per cent, value) of the ticks of the vertical axis."""
    found = re.findall(r'<text x="-8" y="([\d.]+)%" dy=".35em">([^<]+)</text>', html)
    return [(float(y), float(re.sub(r"[^\d.−]", "", text).replace("−", "-"))) for y, text in found]


def value_at(html: str, y: float) -> float:
    (y0, v0), *_, (y1, v1) = axis(html)
    return v0 + (y - y0) * (v1 - v0) / (y1 - y0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_points_lie_where_the_values_are(churn, language, read):
    """Every dot is read back by the ticks of the axis; a period without value has none."""
    html = show.trend(churn, language=language).to_html()
    read(html)
    drawn = [value_at(html, float(y)) for y in re.findall(r'<circle cx="[\d.]+%" cy="([\d.]+)%"', html)]
    assert drawn == pytest.approx([100 * e.value for e in churn.estimates if e.value is not None], abs=0.02)
    heights, values = zip(*axis(html), strict=True)
    assert sorted(heights) == sorted(heights, key=lambda y: -values[heights.index(y)])  # larger is higher up


def test_gaps_part_the_line_and_the_band(churn):
    html = show.trend(churn).html
    line = re.search(r'<path d="([^"]+)" fill="none"[^>]*stroke-width="2"', html)[1]
    assert (line.count("M"), line.count("L")) == (3, 7)
    assert html.count('fill-opacity=".16"') == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_alternative_text_title_and_caption(churn, language, read):
    shown = show.trend(churn, language=language)
    page = read(shown.to_html())
    alt = next(a["aria-label"] for a in page.all("svg") if a.get("role") == "img")
    expected = {
        "en": ["5.0", "4.6", "lowest 4.3", "highest 5.2", "November 2025", "Periods without a value: 2."],
        "zh": ["5.0", "4.6", "最低 4.3", "最高 5.2", "2025 年 11 月", "2 个期间没有数值。"],
    }[language]
    assert all(part in alt.replace("\u00a0", " ") for part in expected), alt
    assert {"en": "no detectable change", "zh": "未检出变化"}[language] in page.text
    assert ("(" in page.text, "（" in page.text) == {"en": (True, False), "zh": (False, True)}[language]
    assert {"en": "n = 400 to 411 per point", "zh": "每点 n = 400 至 411"}[language] in page.text
    assert {"en": "Data as of 31\u00a0December 2025", "zh": "数据截至 2025\u00a0年\u00a012\u00a0月\u00a031\u00a0日"}[
        language
    ] in page.text


def test_the_goal_is_drawn_with_its_target_and_its_plan(goals):
    reading = goals["nps"]
    html = show.trend(reading.trend, reading=reading).html
    dashed = re.search(r'y1="([\d.]+)%"[^>]*stroke-dasharray="6 4"', html)
    assert value_at(html, float(dashed[1])) == pytest.approx(reading.target, abs=0.2)
    assert "Target +30" in html
    dotted = re.search(r'<path d="([^"]+)"[^>]*stroke-dasharray="1.5 4"', html)[1]
    last = float(re.findall(r"[ML][\d.]+ ([\d.]+)", dotted)[-1])
    assert value_at(html, last) == pytest.approx(reading.expected, abs=0.2)


def test_the_plan_runs_from_the_goals_first_day_to_its_deadline(goals):
    """Linear from 10 on 1 January 2025, the end of 2024, to 30 on 30 June 2026: 365 of 546 days are over at the end of 2025."""
    path = [goals["nps"].planned(Period.parse(w)) for w in ("2024-12", "2025-12", "2026-06", "2026-07", "2024-11")]
    assert path == [10.0, pytest.approx(10 + 20 * 365 / 546), pytest.approx(30.0), None, None]


def test_equal_trends_give_equal_bytes(churn):
    assert show.trend(churn).to_html() == show.trend(replace(churn)).to_html()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_trends(churn, count, language, read):
    shown = show.trend(Trend(churn.indicator, churn.estimates[:count]), language=language)
    assert not re.search("None|nan", read(shown.to_html()).text)


def test_a_trend_without_any_value_says_so(make, read):
    empty = Trend(CATALOGUE["nps"], tuple(make(period=month) for month in MONTHS))
    page = read(show.trend(empty, language="zh").to_html())
    assert "没有数值" in page.text
    assert not list(page.all("circle"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("indicator", sorted(CATALOGUE))
def test_every_indicator_of_the_tiny_company(tiny, indicator, language, read):
    page = read(show.trend(trend(indicator, tiny), language=language, currency="CNY").to_html())
    assert not re.search(r"None|nan\b", page.text)


def test_months_quarters_and_years_under_the_axis():
    months = period_ticks(Period.parse("2026-01").up_to(3, "month"), "zh")
    assert [(t.words, t.below) for t in months] == [
        ("11\u00a0月", "2025\u00a0年"),
        ("12\u00a0月", ""),
        ("1\u00a0月", "2026\u00a0年"),
    ]
    english = period_ticks(MONTHS, "en")
    assert [t.words for t in english] == [
        "Jan",
        "Feb",
        "Mar",
        "Apr",
        "May",
        "Jun",
        "Jul",
        "Aug",
        "Sep",
        "Oct",
        "Nov",
        "Dec",
    ]
    quarters = period_ticks(Period.parse("2025-Q4").up_to(2, "quarter"), "zh")
    assert [t.words for t in quarters] == ["三季度", "四季度"]
    assert [t.words for t in period_ticks(Period.parse("2025").up_to(2, "year"), "en")] == ["2024", "2025"]


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), limits=st.lists(st.floats(-1e9, 1e9), max_size=30)
)
def test_an_axis_holds_every_value_and_has_a_few_round_ticks(values, limits):
    span = span_of(values, limits)
    assert all(-1e-6 <= span.share(value) <= 100 + 1e-6 for value in values)
    assert 2 <= len(span.ticks) <= 9
    assert span.low < span.high
    assert float(f"{span.step:.0e}") in (span.step, pytest.approx(span.step, rel=0.21))


def test_one_wide_interval_does_not_flatten_the_line():
    span = span_of([4.0, 4.2], [3.8, 4.4, 3.7, 4.5, 3.9, 4.3, -100.0, 100.0])
    assert span.high - span.low < 2


def test_ordinary_intervals_are_drawn_whole():
    limits = [0.031, 0.047, 0.025, 0.053]
    span = span_of([0.038, 0.036], limits)
    assert span.low <= min(limits) < max(limits) <= span.high


def test_an_axis_stays_within_what_is_legal():
    span = span_of([0.0, 0.02], [0.0, 0.5], low=0.0, high=1.0)
    assert span.low == 0.0
    assert span_of([0.99], [1.2], low=0.0, high=1.0).high == 1.0


@pytest.mark.parametrize(("rough", "step"), [(0.7, 1), (1.0, 1), (1.1, 2), (2.2, 2.5), (3, 5), (6, 10), (0.03, 0.05)])
def test_round_steps(rough, step):
    assert round_step(rough) == pytest.approx(step)


def test_texts_of_a_chart_are_escaped_and_crowded_labels_give_way(read):
    ticks = [Tick(f"<{at}>&") for at in range(40)]
    html = line_chart(
        [Series([float(at) for at in range(40)], words=["<b>"] * 40, last="<i>", name="x")], ticks, span_of([0.0, 39.0]),
        written=lambda value: f"<{value}>", alt='"<x>', levels=[Level(3.0, "<target>")],
    )  # fmt: skip
    page = read(html)
    assert not {"b", "i", "target"} & {name for name, _ in page.tags}
    shown = [a for a in page.all("text") if a.get("y") == "248"]
    narrow = [a for a in shown if "class" not in a]
    assert len(narrow) < len(shown) < 40
    assert [a["x"] for a in shown][-1] == "98.00%"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "No value until Q1 2025: the table orders begins on"),
        ("zh", "2025 年第一季度及以前无数值：数据表 orders 始于"),
    ],
)
def test_periods_before_the_first_value_are_told_of_and_not_drawn(language, words):
    line = crm.trend("inactivity_rate", crm.open("tiny"))
    assert [one.value is None for one in line.estimates] == [True, True, True, False, False, False]
    shown = show.trend(line, language=language)
    assert words in shown.html.replace("\u00a0", " ")
    assert {"en": "3 periods", "zh": "3 个期间"}[language] in shown.text.replace("\u00a0", " ")
    assert len(shown.result["estimates"]) == 6, "the record of a run has them all"
