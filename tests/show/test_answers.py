"""Answers, cards and groups: what they say, what they carry, and that no text from data becomes HTML."""

import json
from dataclasses import replace

import pytest

from crmtools import show
from crmtools.estimate import Estimate
from crmtools.indicators import CATALOGUE
from crmtools.measuring import Breakdown, breakdown, measure
from crmtools.period import Period
from crmtools.show.card_views import on_a_year_ago
from crmtools.show.display import RESULT, Display, joined, plain, tag
from crmtools.words import LANGUAGES

from .pages import HOSTILE, cells_of

# ibis 12 asks pandas 3 for an option that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_carries_the_estimates_it_speaks_of(tiny, language, read):
    now, then = measure("churn_rate", tiny), measure("churn_rate", tiny, period="2025-Q3")
    shown = show.answer(now, previous=then, language=language)
    bundle = shown._repr_mimebundle_()
    carried = json.loads(json.dumps(bundle[RESULT], allow_nan=False))
    assert [Estimate.from_dict(item) for item in carried["estimates"]] == [now, then]
    assert read(bundle["text/html"]).text.strip() == bundle["text/plain"]
    assert shown._repr_html_() == bundle["text/html"] == shown.to_html()


def test_an_estimate_shows_itself_as_a_card(tiny, read):
    now = measure("nps", tiny)
    text = read(now._repr_html_()).text
    for part in (
        "Net Promoter Score",
        "+22",
        "−27 to +60",
        "n\u00a0=\u00a09",
        "2 left out: an earlier answer",
        "adjusted Wald",
    ):
        assert part in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_card_says_why_there_is_no_value(make, language):
    for estimate in (make(), make(value=3.0).hidden()):
        text = str(show.card(estimate, language=language))
        assert "–" in text
        assert "None" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_row_of_cards_has_the_values_of_now(tiny, language, read):
    names = ["csat_mean", "nps", "cac", "backlog"]
    shown = show.cards(names, tiny, language=language)
    page = read(shown.to_html())
    assert [attributes["class"] for attributes in page.all("section")] == ["crm-card"] * 4
    for name in names:
        assert CATALOGUE[name].name.to(language) in page.text
    assert all(attributes["aria-label"] for attributes in page.all("svg"))
    values = [item["value"] for item in shown.result["estimates"][::2]]
    assert values == [measure(name, tiny).value for name in names]


@pytest.mark.parametrize(
    ("indicator", "value", "before", "english", "chinese", "tone"),
    [
        ("nps", 31.0, 20.0, "▲ 11 points on a year ago: improved", "▲ 较上年同期 +11 分：改善", "good"),
        ("nps", 20.0, 31.0, "▼ 11 points on a year ago: worse", "▼ 较上年同期 −11 分：恶化", "risk"),
        (
            "churn_rate",
            0.03,
            0.2,
            "▼ 17.0 percentage points on a year ago: improved",
            "▼ 较上年同期 −17.0 个百分点：改善",
            "good",
        ),
        (
            "churn_rate",
            0.2,
            0.03,
            "▲ 17.0 percentage points on a year ago: worse",
            "▲ 较上年同期 +17.0 个百分点：恶化",
            "risk",
        ),
    ],
)
def test_the_chip_of_a_change(make, indicator, value, before, english, chinese, tone):
    error = 0.01 if indicator == "churn_rate" else 1.0
    now, then = (
        make(indicator, value=v, low=v - 2 * error, high=v + 2 * error, se=error, n=90, period=Period.parse(period))
        for v, period in ((value, "2025-Q4"), (before, "2024-Q4"))
    )
    for language, expected in (("en", english), ("zh", chinese)):
        said, colour = on_a_year_ago(now, then, language)
        assert (said.replace("\u00a0", " "), colour) == (expected, tone)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_breakdown_shows_every_group_once(tiny, language, read):
    parts, total = breakdown("churn_rate", tiny, by="region"), measure("churn_rate", tiny)
    shown = show.breakdown(parts, total=total, language=language)
    rows = cells_of(shown.html)[:-1]
    assert [row[0] for row in rows] == [dict(e.group)["region"] for e in parts.estimates]
    assert [row[2].split("|")[0].replace("\u00a0", "").rstrip("%") for row in rows] == [
        f"{100 * e.value:.1f}" for e in parts.estimates
    ]
    assert [row[2].rpartition("= ")[2].strip("|") for row in rows] == [str(e.n) for e in parts.estimates]
    page = read(shown.to_html())
    assert next(page.all("table"))["aria-label"]


def test_dots_and_whiskers_lie_where_the_numbers_are(make):
    """Places on the axis are read back from two of its ticks."""
    parts = [
        make(value=value, low=low, high=high, se=1.0, n=9, group=(("region", name),))
        for name, value, low, high in (("a", 10.0, -20.0, 40.0), ("b", 60.0, 50.0, 70.0), ("c", -10.0, None, 0.0))
    ]
    total = make(value=20.0, low=10.0, high=30.0, se=5.0, n=27)
    page = parsed(show.breakdown(Breakdown(CATALOGUE["nps"], "region", tuple(parts)), total=total).html)
    ticks = [(float(x["x"].rstrip("%")), float(text.replace("−", "-"))) for x, text in page["ticks"]]
    (x0, v0), (x1, v1) = ticks[0], ticks[-1]

    def value(x: str) -> float:
        return v0 + (float(x.rstrip("%")) - x0) * (v1 - v0) / (x1 - x0)

    assert x0 < x1
    assert v0 < v1
    assert [value(x) for x in page["dots"]] == pytest.approx([10, 60, -10], abs=0.05)
    assert [value(x) for x in page["totals"]] == pytest.approx([20, 20, 20], abs=0.05)
    assert [(value(a), value(b)) for a, b in page["whiskers"][:2]] == [
        pytest.approx((-20, 40), abs=0.05),
        pytest.approx((50, 70), abs=0.05),
    ]
    assert page["whiskers"][2][0] == "0.00%"  # open below: to the edge


def parsed(html: str) -> dict[str, list]:
    import re

    lines = [dict(re.findall(r'(\w[\w-]*)="([^"]*)"', line)) for line in re.findall(r"<line[^>]*>", html)]
    return {
        "dots": re.findall(r'<circle cx="([^"]+)"', html),
        "totals": [line["x1"] for line in lines if line["x1"] == line["x2"]],
        "whiskers": [(line["x1"], line["x2"]) for line in lines if line["y1"] == "50%"],
        "ticks": [({"x": x}, text) for x, text in re.findall(r'<text x="([^"]+)" y="15"[^>]*>([^<]+)<', html)],
    }


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "Open backlog by region: most in b (6 tickets), of 9 tickets in total"),
        ("zh", "未结工单量：按地区划分，最多的是 b（6 张），合计 9 张"),
    ],
)
def test_parts_that_sum_to_the_total_are_not_compared_with_it(make, language, title):
    parts = [
        make("backlog", value=value, n=2, method="census", group=(("region", name),))
        for name, value in (("a", 3.0), ("b", 6.0))
    ]
    shown = show.breakdown(
        Breakdown(CATALOGUE["backlog"], "region", tuple(parts)),
        total=make("backlog", value=9.0, n=4, method="census"),
        language=language,
    )
    assert str(shown).splitlines()[0].replace("\u00a0", " ") == title
    assert "stroke-dasharray" not in shown.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_hidden_groups_are_named_and_nothing_else(make, language):
    secret = make("churn_rate", value=0.777, low=0.5, high=0.9, n=3, group=(("region", "north"),)).hidden()
    open_one = make("churn_rate", value=0.1, low=0.05, high=0.2, se=0.03, n=90, group=(("region", "south"),))
    total = make("churn_rate", value=0.12, low=0.1, high=0.2, se=0.03, n=93)
    parts = Breakdown(CATALOGUE["churn_rate"], "region", (open_one, secret))
    for shown in (
        show.breakdown(parts, total=total, language=language),
        show.breakdown_table(parts, total=total, language=language),
    ):
        assert "north" in shown.html
        assert "77" not in shown.html + json.dumps(plain(shown.result))
        assert {"en": "Too few", "zh": "样本过少"}[language].lower() in shown.html.lower()


def test_a_group_without_a_name_is_unknown(make):
    part = make("churn_rate", value=0.1, low=0.05, high=0.2, se=0.03, n=90, group=(("region", ""),))
    shown = show.breakdown(Breakdown(CATALOGUE["churn_rate"], "region", (part,)), total=part, language="zh")
    assert "未知" in shown.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_to_split_by_is_said(make, language):
    assert str(show.breakdowns([], total=make(), language=language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_group_names_stay_text(make, language, read):
    part = make(value=3.0, low=1.0, high=5.0, se=1.0, n=9, group=((HOSTILE, HOSTILE),), excluded=((HOSTILE, 2),))
    hidden = replace(part, group=((HOSTILE, HOSTILE + "2"),)).hidden()
    parts = Breakdown(CATALOGUE["nps"], HOSTILE, (part, hidden))
    for shown in (
        show.card(part, language=language),
        show.answer(part, previous=part, language=language),
        show.breakdown(parts, total=part, language=language),
        show.breakdown_table(parts, total=part, language=language),
    ):
        assert "<script" not in shown.to_html()
        page = read(shown.to_html())
        assert "<script>" in page.text or any("<script>" in a.get("aria-label", "") for _, a in page.tags)


def test_attributes_are_escaped_and_left_out_when_none():
    assert (
        tag("p", "a", class_="x", aria_label='"<>&', id=None) == '<p class="x" aria-label="&quot;&lt;&gt;&amp;">a</p>'
    )


def test_displays_join_and_keep_their_numbers():
    both = joined(Display("<p>a</p>", "a", {"kind": "estimates", "estimates": [1]}), Display("<p>b</p>", "b"))
    assert both.html == "<p>a</p>\n<p>b</p>"
    assert both.result == {"kind": "parts", "parts": [{"kind": "estimates", "estimates": [1]}]}


def test_results_are_json_whatever_they_hold():
    import numpy as np

    value = {"a": (np.float64("nan"), np.int64(3), float("inf"), None, True), "b": {"c": "x"}}
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == {"a": [None, 3, None, None, True], "b": {"c": "x"}}
