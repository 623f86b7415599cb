"""The fan of a goal: bands where the forecast's quantiles are, the plan, the target, and the reason where there is no fan."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from crmtools import show
from crmtools.estimate import Estimate
from crmtools.goal_settings import GoalSettings
from crmtools.goals.goal import goal_from
from crmtools.goals.judgement import Judgement
from crmtools.goals.outlook import TOO_SHORT, Forecast, said
from crmtools.goals.reading import Reading
from crmtools.indicators import CATALOGUE
from crmtools.measuring import Trend
from crmtools.period import Period
from crmtools.show.chart import Series, Tick, line_chart, span_of
from crmtools.show.fan import periods_ahead
from crmtools.words import LANGUAGES

from .pages import HOSTILE

NPS = CATALOGUE["nps"]
VALUES = (15.0, 18.0, 17.0, 22.0, 20.0, 24.0, 26.0, 28.0)
QUARTERS = [Period.parse("2024-Q1").shift(3 * n) for n in range(8)]
PATH = ((20.0, 26.0, 29.0, 32.0, 38.0), (18.0, 26.0, 30.0, 34.0, 41.0))


@pytest.fixture
def past(make: Callable[..., Estimate]) -> Trend:
    made = [make("nps", period=p, value=v, low=v - 5, high=v + 5, n=400) for p, v in zip(QUARTERS, VALUES, strict=True)]
    return Trend(NPS, tuple(made))


@pytest.fixture
def reading(past: Trend) -> Reading:
    written = {"indicator": "nps", "baseline": "2024-Q4", "by": date(2026, 6, 30), "target": {"to": 36}}
    goal = goal_from(GoalSettings.model_validate(written))
    return Reading(
        goal,
        past.estimates[3],
        past.estimates[7],
        past,
        "on_track",
        0.67,
        target=36.0,
        gap=8.0,
        progress=0.4,
        expected=31.0,
    )


@pytest.fixture
def judgement(past: Trend) -> Judgement:
    return Judgement("undecided", past, Forecast(36.0, "higher", 2, 8, "drift", 0.27, PATH))


def polygons(html: str) -> list[list[tuple[float, float]]]:
    """The corners of every band."""
    found = re.findall(r'<path d="M([^"]+)Z" fill="var', html)
    return [[tuple(map(float, corner.split())) for corner in one.split("L")] for one in found]


def scale(html: str) -> Callable[[float], float]:
    """How far up a value is drawn, from two labels of the axis that the drawing wrote itself."""
    labels = re.findall(r'<text x="-8" y="([\d.]+)%" dy="\.35em">([^<]+)</text>', html)
    read = [(float(text.replace("−", "-").replace("+", "")), float(y)) for y, text in labels]
    (one, y1), (other, y2) = read[0], read[-1]
    return lambda value: y1 + (value - one) * (y2 - y1) / (other - one)


def test_the_bands_end_where_the_quantiles_of_the_deadline_are(reading, judgement) -> None:
    html = show.goal_fan(reading, judgement, language="en").html
    bands, y = polygons(html), scale(html)
    assert len(bands) == 3, "nine tenths, half, and the interval of what was measured"
    for band, low, high in ((bands[0], 0, 4), (bands[1], 1, 3)):
        assert len(band) == 6, "three positions, above and below"
        start, *_ = band
        assert start[1] == pytest.approx(y(28.0), abs=0.01), "it begins at the last measured point"
        assert band[2] == pytest.approx((98.0, y(PATH[1][high])), abs=0.01)
        assert band[3] == pytest.approx((98.0, y(PATH[1][low])), abs=0.01)
        assert band[1][1] == pytest.approx(y(PATH[0][high]), abs=0.01)
    assert len(bands[2]) == 16
    assert 'stroke-dasharray="7 4"' in html


def test_the_plan_runs_to_the_target_at_the_deadline(reading, judgement) -> None:
    html = show.goal_fan(reading, judgement, language="en").html
    dotted = re.search(
        r'<path d="M([^"]+)" fill="none" stroke="[^"]+" stroke-width="1.5" stroke-dasharray="1.5 4"', html
    )[1]
    y, points = scale(html), [tuple(map(float, point.split())) for point in dotted.split("L")]
    assert points[-1] == pytest.approx((98.0, y(36.0)), abs=0.01)
    wanted = [reading.planned(Period.parse(q)) for q in ("2025-Q1", "2025-Q4", "2026-Q1")]
    assert [points[-6][1], points[-3][1], points[-2][1]] == pytest.approx([y(v) for v in wanted], abs=0.01)


def test_periods_ahead_end_with_the_one_of_the_deadline(reading) -> None:
    assert [p.id for p in periods_ahead(QUARTERS[-1], reading)] == ["2026-Q1", "2026-Q2"]
    late = replace(reading, goal=replace(reading.goal, deadline=date(2026, 7, 1)))
    assert [p.id for p in periods_ahead(QUARTERS[-1], late)] == ["2026-Q1", "2026-Q2", "2026-Q3"]
    over = replace(reading, goal=replace(reading.goal, deadline=date(2025, 12, 31)))
    assert periods_ahead(QUARTERS[-1], over) == []
    assert periods_ahead(Period.parse("2025-12-01..2025-12-20"), reading) == []


def test_the_title_says_what_is_expected(reading, judgement) -> None:
    text = show.goal_fan(reading, judgement, language="en").text.replace("\u00a0", " ")
    assert text.startswith(
        "Net Promoter Score by 30 June 2026: +30 is expected, nine times in ten +18 to +41; the target is +36"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_forecast_the_caption_says_why_and_no_fan_is_drawn(reading, judgement, language, read) -> None:
    why = said(TOO_SHORT, n=7, least=8)
    without = replace(judgement, forecast=Forecast(36.0, "higher", 2, 7, why=why))
    shown = show.goal_fan(reading, without, language=language)
    text = read(shown.to_html()).text
    assert why.to(language) in text
    assert len(polygons(shown.html)) == 1
    assert ("Right of the upright line" if language == "en" else "竖虚线之后") not in text
    assert "Q2" in text or "二季度" in text, "the axis runs to the deadline all the same"


def test_bounds_are_both_drawn(reading, judgement, read) -> None:
    written = {
        "indicator": "nps",
        "kind": "range",
        "target": {"between": [10, 30]},
        "from": date(2025, 1, 1),
        "by": date(2026, 6, 30),
    }
    goal = goal_from(GoalSettings.model_validate(written))
    shown = show.goal_fan(
        replace(reading, goal=goal, target=30.0), Judgement("on_track", judgement.past), language="en"
    )
    text = read(shown.to_html()).text
    assert "Bound +10" in text
    assert "Bound +30" in text
    assert "A goal of this kind is not forecast." in text


def test_a_hidden_past_is_not_drawn(reading, judgement, past) -> None:
    hidden = Trend(NPS, tuple(e.hidden() for e in past.estimates))
    silent = replace(reading, now=reading.now.hidden(), target=None, gap=None)
    shown = show.goal_fan(silent, Judgement("no_evidence", hidden, why=reading.now.hidden().why), language="en")
    assert "<svg" not in shown.html
    assert "Net Promoter Score has no value to draw: Too few to be shown" in shown.text


def test_a_wide_interval_of_long_ago_does_not_flatten_the_fan(reading, judgement, past) -> None:
    wide = replace(past.estimates[0], low=-90.0, high=95.0)
    old = Trend(NPS, (wide, *past.estimates[1:]))
    html, same = (show.goal_fan(reading, replace(judgement, past=one), language="en").html for one in (old, past))
    assert scale(html)(36.0) == pytest.approx(scale(same)(36.0))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_numbers_in_both_languages_and_names_stay_text(reading, judgement, language, read) -> None:
    goal = replace(reading.goal, name=type(reading.goal.name)(HOSTILE, HOSTILE))
    shown = show.goal_fan(replace(reading, goal=goal), judgement, language=language)
    assert HOSTILE in read(shown.to_html()).text
    assert shown.result["path"] == PATH
    assert [e["value"] for e in shown.result["estimates"]] == list(VALUES)


def test_a_band_alone_has_neither_line_nor_dots() -> None:
    span = span_of([0.0, 4.0])
    band = Series([1.0, 2.0, 3.0], [0.5, 1.0, 2.0], [2.0, 3.0, 4.0], line=False)
    ahead = replace(band, line=True, ahead=True)
    ticks = [Tick(str(n)) for n in range(3)]
    alone, whole = (line_chart([one], ticks, span, written=str, alt="") for one in (band, ahead))
    assert len(polygons(alone)) == len(polygons(whole)) == 1
    assert "<circle" not in alone
    assert 'fill="none"' not in alone
    assert whole.count("<circle") == 1, "the end of a forecast alone has a dot"
