"""Waterfalls: bars where the pieces are, what cannot be told from chance, the gap in customers and money, products by factor."""

import re
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

import crmtools as crm
from crmtools import show
from crmtools.goals.decomposition import decompose
from crmtools.goals.factors import revenue_factors
from crmtools.goals.moved import Moves
from crmtools.goals.parts import goal_parts
from crmtools.goals.terms import Decomposition, Term
from crmtools.show.bridge import EDGE, Rung, bridge
from crmtools.show.chart import Span
from crmtools.words import LANGUAGES, Text

from .pages import HOSTILE

AS_OF = date(2025, 12, 31)


@pytest.fixture(scope="module")
def misleading() -> Decomposition:
    """70 % and 21 % in equal parts, then 69.6 % and 20.6 % in parts of 0.6 and 0.4: −0.4 points of rate, +4.9 of mix."""
    people, answers = [], []
    for region, months in {"a": ((350, 500), (522, 750)), "b": ((105, 500), (103, 500))}.items():
        people += [(f"{region}{n}", region) for n in range(max(size for _, size in months))]
        for day, (good, size) in zip(("2025-11-10", "2025-12-10"), months, strict=True):
            answers += [(f"{region}{n}", day, 5.0 if n < good else 1.0) for n in range(size)]
    frame = pd.DataFrame(answers, columns=["customer_id", "answered_at", "value"])
    data = crm.open(
        customers=pd.DataFrame(people, columns=["customer_id", "region"]),
        survey_answers=frame.assign(response_id=range(len(frame)), item_id="q"),
        survey_items=pd.DataFrame([{"item_id": "q", "metric": "csat", "scale_min": 1, "scale_max": 5}]),
        as_of=AS_OF,
    )
    return decompose("csat_top2", data, by="region", baseline="2025-11", period="2025-12", target=0.55)


def moves(**groups: tuple[str, ...]) -> Moves:
    return Moves(
        "csat_top2", "region", **({"improved": (), "worse": (), "changed": (), "still": ()} | groups), among=76
    )


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def bars(html: str) -> list[tuple[float, float]]:
    """Left and width of every piece, in per cent of the width."""
    found = re.findall(r'<rect x="([\d.]+)%" y="[\d.]+" width="([\d.]+)%"', html)
    return [(float(left), float(across)) for left, across in found]


def marks(html: str) -> list[float]:
    return [float(x) for x in re.findall(r'<rect x="([\d.]+)%" y="[\d.]+" width="5"', html)]


def test_bars_are_as_long_as_the_pieces_and_stand_where_the_last_one_ended(misleading) -> None:
    html = show.gap_waterfall(misleading, language="en").html
    base, now, target = marks(html)
    per_unit = (now - base) / (misleading.now.value - misleading.baseline.value)
    assert target == pytest.approx(now + per_unit * misleading.remaining.value, abs=0.02)
    pieces = [misleading.mix, *(line.rate for line in misleading.lines), misleading.remaining]
    at = base
    for (left, across), term in zip(bars(html), pieces, strict=True):
        reach = per_unit * term.value
        assert across == pytest.approx(max(abs(reach), 0.3), abs=0.02), term.piece
        assert left == pytest.approx(min(at, at + reach), abs=0.02), term.piece
        at += reach
    assert at == pytest.approx(target, abs=0.05)


def test_better_and_worse_have_their_colours(misleading) -> None:
    html = show.gap_waterfall(misleading, language="en").html
    fills = re.findall(r'<rect x="[\d.]+%" y="[\d.]+" width="[\d.]+%" height="14" fill="var\(--crm-([a-z-]+)', html)
    assert fills == ["good", "risk", "risk", "none-bg"], "mix up, both regions down, the gap open"


def test_whiskers_hang_at_the_end_of_their_piece(misleading) -> None:
    html = show.gap_waterfall(misleading, language="en").html
    base, now, _ = marks(html)
    per_unit = (now - base) / (misleading.now.value - misleading.baseline.value)
    lines = [
        tuple(map(float, pair))
        for pair in re.findall(
            r'<line x1="([\d.]+)%" x2="([\d.]+)%" y1="[\d.]+" y2="[\d.]+" stroke="[^"]+" stroke-width="1.4"/>', html
        )
    ]
    wide = [pair for pair in lines if pair[0] != pair[1]]
    mix = misleading.mix
    assert wide[1] == pytest.approx((base + per_unit * mix.low, base + per_unit * mix.high), abs=0.05)
    assert len(wide) == 5, "baseline, mix, two regions, now; the gap is as uncertain as now"


def test_what_misleads_stands_above_the_picture(misleading) -> None:
    shown = show.gap_waterfall(misleading, language="en")
    assert shown.html.index("The total misleads") < shown.html.index("<figure")
    assert misleading.warning.en in shown.text
    sound = show.gap_waterfall(replace(misleading, warning=None), language="en")
    assert "misleads" not in sound.html


def test_the_gap_in_customers_and_in_money(misleading) -> None:
    """5 points of 1,250 customers are 62.5."""
    priced = plain(show.gap_waterfall(replace(misleading, currency="CNY"), language="en", value_per_unit=100.0).text)
    assert "What remains to the target is about 63 of 1,250 customers (interval" in priced
    assert "In money that is about ¥6,250." in priced
    bare = show.gap_waterfall(misleading, language="en").text
    assert "money" not in bare
    assert "剩余差距折合约 63 位客户（共 1,250 位），区间" in plain(show.gap_waterfall(misleading, language="zh").text)
    assert "remains" not in show.gap_waterfall(misleading, language="en", at_stake=False).text


def test_what_is_beyond_the_target_is_not_called_missing(misleading) -> None:
    """Two fifths of a point beyond, of 1,250 customers: 5; the bar says the same."""
    remaining = replace(misleading.remaining, value=-0.004, low=-0.02, high=0.012)
    passed = replace(misleading, target=misleading.now.value - 0.004, remaining=remaining)
    text = plain(show.gap_waterfall(passed, language="en").text)
    assert "The target is passed by about 5.0 of 1,250 customers (interval -15 to 25)." in text.replace("−", "-")
    assert "remains" not in text
    assert "超出目标的部分折合约 5.0 位客户（共 1,250 位）" in plain(show.gap_waterfall(passed, language="zh").text)


def test_the_title_names_only_what_chance_does_not_explain(misleading) -> None:
    text = plain(show.gap_waterfall(misleading, language="en", moves=moves()).text)
    assert text.startswith(
        "By region: of a change of +4.5 percentage points, +4.9 is the mix and −0.4 the segments themselves."
    )
    assert "Among all comparisons of this report, no segment's change can be told from chance." in text
    assert "Beyond chance: a (" in plain(show.gap_waterfall(misleading, language="en", moves=moves(worse=("a",))).text)


def test_a_whisker_that_leaves_out_0_makes_no_claim(misleading) -> None:
    """Of many groups some do by chance: the title goes by what was judged among all of them, and the caption says so."""
    first, *rest = misleading.lines
    far = replace(misleading, lines=(replace(first, rate=Term("rate", -0.03, -0.05, -0.01, 0.01)), *rest))
    shown = show.gap_waterfall(far, language="en", moves=moves())
    assert "no segment's change can be told from chance" in plain(shown.text)
    assert "the comparisons of segments in this report (76) taken together (Holm)" in plain(shown.html)
    alone = show.gap_waterfall(far, language="en")
    assert "chance" not in alone.text + alone.html, "who looked at how many groups is not known"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_has_every_segment_then_and_now(misleading, language, read) -> None:
    page = read(show.gap_waterfall(misleading, language=language).to_html())
    text = plain(page.text)
    assert "500 → 750" in text
    assert re.search(r"70\.0 ?% → 69\.6 ?%", text)
    assert re.search(r"50\.0 ?% → 60\.0 ?%", text)
    assert not re.search(r"\b(None|nan)\b|[{}]", text)


def test_what_cannot_be_split_says_why(misleading) -> None:
    why = Text("样本过少，不予公布", "too few to be shown")
    empty = Decomposition(misleading.indicator, "region", misleading.baseline.hidden(), misleading.now, why=why)
    shown = show.gap_waterfall(empty, language="en")
    assert shown.text == "The change cannot be split by region: too few to be shown."
    assert "<svg" not in shown.html


def test_of_what_is_better_lower_a_fall_is_for_the_better(misleading) -> None:
    lower = replace(misleading.indicator, better="lower")
    html = show.gap_waterfall(replace(misleading, indicator=lower), language="en").html
    assert re.findall(r'height="14" fill="var\(--crm-(good|risk)', html) == ["risk", "good", "good"]
    assert "Beyond the target" in html, "with 50 % and a target of 55 % more is passed than asked"


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_segments_stay_text(misleading, language, read) -> None:
    first, *rest = misleading.lines
    bad = replace(misleading, lines=(replace(first, name=Text(HOSTILE, HOSTILE)), *rest))
    assert HOSTILE in read(show.gap_waterfall(bad, language=language).to_html()).text


def test_both_languages_carry_the_same_numbers(misleading) -> None:
    one, other = (show.gap_waterfall(misleading, language=language).result for language in LANGUAGES)
    assert one == other
    assert sum(piece["value"] for piece in one["pieces"]) == pytest.approx(one["totals"]["change"]["value"])


# ---- all attributes of a goal


def test_a_goal_without_pieces_says_so_in_one_sentence(tiny, goals) -> None:
    shown = show.goal_parts(goal_parts(goals["nps"], tiny), language="en")
    assert (
        shown.text
        == "The change cannot be split by segment: the baseline was given as a value: nothing is known of its segments."
    )


def test_factors_of_revenue_follow_the_segments(misleading, goals, tiny, revenue) -> None:
    parts = replace(goal_parts(goals["nps"], tiny), made=(misleading,), why=(), factors=revenue)
    shown = show.goal_parts(parts, language="en")
    assert "Net revenue changed by" in shown.text
    assert [part["kind"] for part in shown.result["parts"]][-1] == "factors"
    alone = show.goal_parts(replace(parts, made=()), language="en")
    assert alone.text.startswith("Net revenue changed by")


def test_the_stake_is_said_once_for_all_pictures(misleading, goals, tiny) -> None:
    parts = replace(
        goal_parts(goals["nps"], tiny), made=(misleading, misleading), why=(("customer_type", Text("无", "none")),)
    )
    text = show.goal_parts(parts, language="en").text
    assert text.count("What remains to the target") == 1
    assert text.endswith("Not split by type of customer: none.")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "By region: improved in a; no change seen in b. A segment is named where"),
        ("zh", "按地区：在“a”有改善；在“b”未检出变化。把全报告的客户群比较（共 76 项）一并检验"),
    ],
)
def test_where_a_goal_moved_is_said_where_no_picture_shows_it(goals, tiny, language, told) -> None:
    found = goal_parts(goals["nps"], tiny)
    moved = replace(found, moves=(moves(improved=("a",), still=("b",)),))
    assert told in plain(show.goal_parts(moved, language=language).text)
    assert "76" not in show.goal_parts(replace(found, moves=(moves(still=("a", "b")),)), language=language).text


# ---- products


@pytest.fixture(scope="module")
def revenue():
    """Two customers with an order of 100 each, then three with two orders of 110 each."""
    rows = [(f"c{n}", "2025-11-05", 100.0) for n in range(20)]
    rows += [(f"c{n}", f"2025-12-{day}", 110.0) for n in range(30) for day in ("05", "06")]
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "net_amount"])
    orders = orders.assign(order_id=[f"o{n}" for n in range(len(orders))], status="completed")
    return revenue_factors(crm.open(orders=orders, as_of=AS_OF), baseline="2025-11", period="2025-12")


def test_factors_go_from_the_revenue_then_to_the_revenue_now(revenue, read) -> None:
    """20 · 1 · 100 = 2,000 and 30 · 2 · 110 = 6,600."""
    assert (revenue.before, revenue.now) == pytest.approx((2000.0, 6600.0))
    for way in ("shapley", "log_mean"):
        shown = show.product_waterfall(revenue, language="en", way=way)
        base, now = marks(shown.html)
        per_unit = (now - base) / 4600
        parts = [getattr(factor, way) for factor in revenue.factors]
        assert [across for _, across in bars(shown.html)] == pytest.approx(
            [per_unit * part for part in parts], abs=0.02
        )
        read(shown.to_html())
    text = show.product_waterfall(revenue, language="en", currency="CNY").text
    assert text.startswith("Net revenue changed by +¥4,600; most of it came with orders per customer")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_product_that_is_hidden_says_why(revenue, language) -> None:
    nothing = replace(revenue, before=None, now=None, factors=(), why=Text("样本过少", "too few"))
    text = show.product_waterfall(nothing, language=language).text
    assert (
        text == {"en": "The change cannot be split by factor: too few.", "zh": "无法按因子拆分：样本过少。"}[language]
    )


# ---- the picture


def test_limits_beyond_the_picture_have_no_cap() -> None:
    span = Span(0.0, 10.0, (0.0, 5.0, 10.0), 5.0)
    html = bridge([Rung("a", "b", 5.0, 2.0, low=-50.0, high=8.0)], span, ["0", "5", "10"], alt="x")
    caps = re.findall(
        r'<line x1="([\d.]+)%" x2="\1%" y1="[\d.]+" y2="[\d.]+" stroke="[^"]+" stroke-width="1.4"/>', html
    )
    assert [float(x) for x in caps] == pytest.approx([EDGE + 0.8 * (100 - 2 * EDGE)])
    assert f'x1="{EDGE:.2f}%"' in html
