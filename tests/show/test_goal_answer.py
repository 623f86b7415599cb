"""The answer of a goal's page: every kind of goal and every status says what is true of it, in both languages."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

import crmtools as crm
from crmtools import show
from crmtools.estimate import Estimate
from crmtools.goal_settings import GoalSettings
from crmtools.goals import multiplicity
from crmtools.goals.change import change
from crmtools.goals.evidence import EVIDENCE
from crmtools.goals.goal import goal_from
from crmtools.goals.guardrails import Guard
from crmtools.goals.judgement import NOT_AHEAD, Judgement
from crmtools.goals.outlook import TOO_SHORT, Forecast, said
from crmtools.goals.reading import Reading
from crmtools.goals.reading import read as read_goal
from crmtools.indicators import CATALOGUE
from crmtools.measuring import Trend
from crmtools.period import Period
from crmtools.show.evidence_words import EVIDENCE_ICONS, chance_words
from crmtools.show.goal_words import outlook, since_baseline, stands
from crmtools.words import LANGUAGES, Text

from .pages import HOSTILE

NPS = CATALOGUE["nps"]
THEN, NOW = Period.parse("2024-Q4"), Period.parse("2025-Q4")
CHINESE = re.compile(r"[\u3400-\u9fff]")
Maker = Callable[..., Estimate]


def written(**given: object) -> GoalSettings:
    usual = {"indicator": "nps", "baseline": "2024-Q4", "by": date(2026, 6, 30), "target": {"to": 36}}
    return GoalSettings.model_validate(usual | given)


@pytest.fixture
def now(make: Maker) -> Estimate:
    return make(
        "nps",
        value=28.0,
        low=23.0,
        high=33.0,
        se=2.5,
        n=900,
        numerator=252.0,
        denominator=900.0,
        method="adjusted_wald",
    )


@pytest.fixture
def base(make: Maker) -> Estimate:
    return make("nps", period=THEN, value=17.0, low=12.0, high=22.0, se=2.5, n=880, numerator=150.0, denominator=880.0,
                method="adjusted_wald")  # fmt: skip


@pytest.fixture
def plain(now: Estimate, base: Estimate) -> Reading:
    """On the way from +17 to +36: +28 against a plan of +30."""
    goal = goal_from(written())
    return Reading(
        goal, base, now, Trend(NPS, (now,)), "on_track", 0.67, target=36.0, gap=8.0, gap_low=3.0, gap_high=13.0,
        progress=11 / 19, progress_se=0.15, expected=29.7,
    )  # fmt: skip


@pytest.fixture
def judged(plain: Reading) -> Judgement:
    path = ((20.0, 26.0, 29.0, 32.0, 38.0), (18.0, 26.0, 30.0, 34.0, 41.0))
    forecast = Forecast(36.0, "higher", 2, 12, "drift", 0.27, path)
    compared = change(plain.baseline, plain.now, NPS.kind, better="higher")
    return Judgement("undecided", Trend(NPS, (plain.baseline, plain.now)), forecast, compared)


def answered(reading: Reading, judgement: Judgement) -> str:
    return show.goal_answer(reading, judgement, language="en").text.replace("\u00a0", " ")


def test_the_first_sentence_has_value_gap_target_and_plan(plain, judged) -> None:
    assert stands(plain, judged, "en", "").replace("\u00a0", " ") == (
        "Net Promoter Score was +28 in Q4 2025, still 8 points away from the target of +36 by 30 June 2026; the plan expects +30 "
        "by now."
    )
    assert stands(plain, judged, "zh", "").replace("\u00a0", " ") == (
        "2025 年第四季度，净推荐值为 +28，距离 2026 年 6 月 30 日前达到 +36 的目标还差 8 分；按计划此时应为 +30。"
    )


@pytest.mark.parametrize(
    ("chance", "english", "chinese"),
    [
        (0.0, "less than 1 in 20", "不到 5%"), (0.049, "less than 1 in 20", "不到 5%"),
        (0.05, "about 1 in 10", "约一成"), (0.149, "about 1 in 10", "约一成"), (0.15, "about 2 in 10", "约两成"),
        (0.27, "about 3 in 10", "约三成"), (0.5, "about 5 in 10", "约五成"), (0.95, "about 9 in 10", "约九成"),
        (0.951, "more than 19 in 20", "超过 95%"), (1.0, "more than 19 in 20", "超过 95%"),
    ],
)  # fmt: skip
def test_a_chance_is_said_in_tenths(chance, english, chinese) -> None:
    assert (chance_words(chance, "en"), chance_words(chance, "zh")) == (english, chinese)


def test_what_the_chance_alone_would_get_wrong_is_explained(plain, judged) -> None:
    assert "only about 3 in 10, yet the data are not clear enough" in outlook(plain, judged, "en")
    likely = replace(judged, forecast=replace(judged.forecast, chance=0.81))
    assert outlook(plain, likely, "en").endswith("about 8 in 10, but the data are too uncertain to rely on it.")
    even = replace(judged, forecast=replace(judged.forecast, chance=0.5))
    assert (
        outlook(plain, even, "en") == "It is too early to tell whether it will be reached: the chance is about 5 in 10."
    )


def test_without_a_forecast_the_reason_stands_in_its_place(plain, judged) -> None:
    why = said(TOO_SHORT, n=7, least=8)
    without = replace(judged, forecast=Forecast(36.0, "higher", 2, 7, why=why))
    assert "a chance cannot be given (7 periods have a value" in outlook(plain, without, "en")
    page = answered(plain, without)
    assert "Chance: – 7 periods have a value and a forecast needs 8" in page
    assert "in 10" not in page


def test_nothing_seen_is_told_with_what_could_have_been_seen(plain, judged, now) -> None:
    near = replace(now, value=19.0, low=14.0, high=24.0)
    compared = change(plain.baseline, near, NPS.kind, better="higher")
    assert compared.verdict == "no_detectable_change"
    text = since_baseline(replace(plain, now=near), replace(judged, change=compared), "en", "").replace("\u00a0", " ")
    assert text.startswith("Against the baseline (+17 in Q4 2024), no change can be told from chance")
    assert f"less than about {compared.detectable:.0f} points could hardly have been seen" in text
    ruled_out = change(plain.baseline, near, NPS.kind, better="higher", tolerance=40.0)
    assert "one that matters can be ruled out" in since_baseline(plain, replace(judged, change=ruled_out), "en", "")


def test_a_change_that_falls_among_many_is_none_on_the_goals_page_too(plain, judged, read) -> None:
    """The first page does not claim it, so its own page does not, and says why."""
    (one, *_) = multiplicity.judged([replace(judged.change, p=0.04), *[replace(judged.change, p=0.9)] * 40])
    assert judged.change.verdict == "improved"
    fallen = replace(judged, verdict=one.verdict, p_adjusted=0.4, verdict_why=one.why)
    assert since_baseline(plain, fallen, "en", "").endswith(
        "no change can be told from chance: significant by itself, but among 41 comparisons it may well be chance."
    )
    assert since_baseline(plain, fallen, "zh", "").endswith("未检出变化：单独看显著，但在 41 项比较中可能出于偶然。")
    for language, words in (("en", "the adjusted p = 0.400"), ("zh", "校正后 p = 0.400")):
        shown = show.goal_answer(plain, fallen, language=language)
        assert words in read(shown.to_html()).text.replace("\u00a0", " ")
        assert shown.result["change"]["verdict"] == "no_detectable_change"
    assert "has improved" not in show.goal_answer(plain, fallen, language="en").text


def test_a_change_is_told_by_its_verdict(plain, judged) -> None:
    assert since_baseline(plain, judged, "en", "").endswith("it has improved, by more than chance explains.")
    enough = change(plain.baseline, plain.now, NPS.kind, better="higher", tolerance=2.0)
    assert enough.verdict == "improved_matters"
    assert since_baseline(plain, replace(judged, change=enough), "en", "").endswith("enough to matter.")
    worse = change(plain.now, plain.baseline, NPS.kind, better="higher")
    assert since_baseline(plain, replace(judged, change=worse), "en", "").endswith(
        "it has become worse, by more than chance explains."
    )
    hidden = change(plain.baseline.hidden(), plain.now, NPS.kind, better="higher")
    assert since_baseline(plain, replace(judged, change=hidden), "en", "").startswith(
        "It cannot be compared with the baseline: a figure is hidden"
    )


def test_a_breached_guardrail_speaks_before_the_chance(plain, judged, make) -> None:
    guard = Guard(make("churn_rate", value=0.08, low=0.07, high=0.09, n=500), 0.05, "below")
    why = Text("护栏被突破：客户流失率", "a guardrail is breached: Customer churn rate")
    good = replace(judged.forecast, chance=0.9)
    capped = replace(judged, forecast=good, breached=(guard,), why=why)
    text = outlook(plain, capped, "en")
    assert text.startswith(
        "It is not called met or likely, because a guardrail is breached: Customer churn rate; the chance"
    )
    assert text.endswith("target itself is about 9 in 10.")
    risky = replace(capped, evidence="at_risk")
    assert outlook(plain, risky, "en").endswith("Note that a guardrail is breached: Customer churn rate.")
    html = show.goal_answer(replace(plain, guards=(guard,)), capped, language="en").html
    assert 'class="crm-chip risk">▲ breached' in html


def test_a_deadline_that_is_over_is_said_and_nothing_is_expected(plain, judged) -> None:
    goal = replace(plain.goal, deadline=date(2025, 12, 31))
    over = replace(plain, goal=goal, elapsed=1.0, status="missed")
    ended = replace(judged, evidence="missed_within_error", forecast=Forecast(36.0, "higher", 0, 2, why=NOT_AHEAD))
    page = answered(over, ended)
    assert "The deadline is over; the data do not confirm" in page
    assert "the plan expects" not in page
    assert "will be reached" not in page
    assert "Chance: – the deadline is over" in page


def test_a_bound_counts_the_periods_that_kept_it(plain, judged, make) -> None:
    goal = goal_from(written(kind="range", target={"between": [20, 40]}, **{"from": "2025-01-01"}, baseline=None))
    quarters = [
        make("nps", period=Period.parse(q), value=v, low=v - 4, high=v + 4, n=500)
        for q, v in (("2024-Q4", 5.0), ("2025-Q1", 25.0), ("2025-Q2", 18.0), ("2025-Q3", 45.0), ("2025-Q4", 28.0))
    ]
    reading = replace(
        plain,
        goal=goal,
        target=20.0,
        gap=-8.0,
        gap_low=-13.0,
        gap_high=-3.0,
        progress=None,
        progress_se=None,
        expected=20.0,
        kept=(1, 1),
        status="reached",
    )
    judgement = Judgement("undecided", Trend(NPS, tuple(quarters)))
    text = stands(reading, judgement, "en", "").replace("\u00a0", " ")
    assert "keep it between +20 and +40 until 30 June 2026. It is inside, with 8 points to spare." in text
    assert text.endswith("Of 4 periods since the goal began, 2 kept it.")
    page = answered(reading, judgement)
    assert "Chance" not in page
    assert "Progress" not in page
    assert "Room to the bound: 8 points 3 to 13" in page
    outside = stands(replace(reading, gap=3.0), judgement, "en", "").replace("\u00a0", " ")
    assert "It is outside, by 3 points." in outside


@pytest.mark.parametrize(("bound", "side"), [(10, "inside, with 12 points"), (30, "outside, by 8 points")])
def test_a_bound_is_read_on_its_right_side(tiny, bound, side) -> None:
    """NPS of the tiny company is +22.2."""
    goal = goal_from(written(kind="stay_above", target={"to": bound}, **{"from": "2025-07-01"}, baseline=None))
    reading = read_goal(goal, tiny)
    text = stands(reading, crm.judge(reading, tiny), "en", "").replace("\u00a0", " ")
    assert f"It is {side}" in text
    room = "12 points" if bound == 10 else "−8 points"
    assert f"Room to the bound: {room}" in answered(reading, crm.judge(reading, tiny))


def test_a_goal_to_find_a_baseline_needs_no_target(plain) -> None:
    goal = goal_from(written(kind="establish_baseline", baseline=None, target=None, **{"from": "2025-01-01"}))
    bare = replace(
        plain, goal=goal, target=None, gap=None, progress=None, progress_se=None, expected=None, status="reached"
    )
    page = answered(bare, Judgement("met", Trend(NPS, (plain.now,))))
    assert "the goal is to know where it stands by 30 June 2026. That baseline is there now" in page
    assert "Target" not in page
    assert "Chance" not in page


def test_what_was_reached_before_it_began_is_to_be_kept(plain, judged) -> None:
    held = replace(plain, target=15.0, gap=-13.0, progress=None, progress_se=None, expected=15.0)
    text = stands(held, judged, "en", "").replace("\u00a0", " ")
    assert text.endswith("so the goal is to stay there until 30 June 2026. It is 13 points better than that.")
    lost = stands(replace(held, gap=2.0), judged, "en", "").replace("\u00a0", " ")
    assert lost.endswith("It is 2 points away from that now.")


def test_hidden_values_are_not_on_the_page(plain, judged) -> None:
    hidden = replace(
        plain, now=plain.now.hidden(), gap=None, gap_low=None, gap_high=None, progress=None, progress_se=None,
        expected=None, target=None, status="no_evidence", why=plain.now.hidden().why,
    )  # fmt: skip
    past = Trend(NPS, (plain.now.hidden(),))
    shown = show.goal_answer(hidden, Judgement("no_evidence", past, why=hidden.why), language="en")
    assert shown.text.startswith("Net Promoter Score has no value in Q4 2025: Too few to be shown.")
    assert "28" not in re.sub(r"<[^>]+>", " ", shown.html)
    nothing = replace(hidden, now=plain.now, baseline=plain.baseline.hidden(), why=plain.baseline.hidden().why)
    text = stands(nothing, judged, "en", "")
    assert text.endswith("how far that is from the goal: the baseline has no value (Too few to be shown).")


def test_few_customers_are_no_judgement(plain, judged) -> None:
    why = Text("客户不足 30 位", "fewer than 30 customers")
    page = answered(plain, Judgement("no_evidence", judged.past, why=why))
    assert "The data do not allow a judgement: fewer than 30 customers." in page
    assert "in 10" not in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["reach", "held", "range", "establish_baseline"])
@pytest.mark.parametrize("over", [False, True])
def test_every_status_of_every_kind_has_its_words(plain, judged, kind, over, language, read) -> None:
    more = {
        "reach": {}, "held": {}, "establish_baseline": {"kind": kind, "baseline": None, "target": None, "from": "2025-01-01"},
        "range": {"kind": kind, "target": {"between": [20, 40]}, "baseline": None, "from": "2025-01-01"},
    }[kind]  # fmt: skip
    goal = goal_from(written(**more, by=date(2025, 12, 31) if over else date(2026, 6, 30)))
    reading = replace(plain, goal=goal)
    if kind != "reach":
        reading = replace(reading, progress=None, progress_se=None, expected=plain.target)
    possible = {
        "reach": ("missed", "met", "missed_within_error", "met_within_error") if over else ("met", "on_track", "undecided", "at_risk", "not_started"),
        "range": ("missed", "met", "missed_within_error", "met_within_error") if over else ("on_track", "undecided", "at_risk", "not_started"),
        "establish_baseline": ("met", "not_started"),
    }  # fmt: skip
    possible["held"] = possible["reach"]
    forecast = None if kind in ("range", "establish_baseline") else judged.forecast
    for evidence, breached in itertools.product((*possible[kind], "undecided", "no_evidence"), (False, True)):
        if evidence == "undecided" and not breached and "undecided" not in possible[kind]:
            continue
        guard = Guard(plain.now, 50.0, "above")
        why = Text("护栏被突破：净推荐值", "a guardrail is breached") if breached or evidence == "no_evidence" else None
        judgement = replace(
            judged, evidence=evidence, breached=(guard,) if breached else (), why=why,
            forecast=replace(forecast, chance=None, path=(), why=NOT_AHEAD) if over and forecast else forecast,
        )  # fmt: skip
        shown = show.goal_answer(reading, judgement, language=language)
        page = read(shown.to_html())
        assert EVIDENCE[evidence].to(language) in page.text
        assert not re.search(r"\b(None|nan|inf|Text\()|[{}]", page.text), page.text
        assert bool(CHINESE.search(page.text)) is (language == "zh"), page.text
        if over and evidence != "no_evidence" and kind == "reach" and not breached:
            assert ("期限已过" if language == "zh" else "The deadline is over") in shown.text


def test_every_evidence_status_has_an_icon() -> None:
    assert set(EVIDENCE_ICONS) == set(EVIDENCE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_stay_text(plain, judged, language, read) -> None:
    bad = Text(HOSTILE, HOSTILE)
    settings = plain.goal.settings.model_copy(
        update={"history": GoalSettings.model_validate(
            {"indicator": "nps", "baseline": "2024-Q4", "by": date(2026, 6, 30), "target": {"to": 36},
             "history": [{"date": date(2025, 5, 1), "what": {"zh": HOSTILE, "en": HOSTILE}}]}).history}
    )  # fmt: skip
    reading = replace(plain, goal=replace(plain.goal, name=bad, settings=settings))
    shown = show.goal_answer(reading, replace(judged, why=bad, evidence="no_evidence"), language=language)
    assert HOSTILE in read(shown.to_html()).text


def test_both_languages_carry_the_same_numbers(plain, judged) -> None:
    one, other = (show.goal_answer(plain, judged, language=language).result for language in LANGUAGES)
    assert one == other
    assert one["chance"] == 0.27
    assert one["change"]["verdict"] == judged.change.verdict


def test_the_fold_names_forecast_test_path_and_history(plain, judged, read) -> None:
    text = read(show.goal_answer(plain, judged, language="en").to_html()).text.replace("\u00a0", " ")
    assert "local level with half of the drift" in text
    assert "from 12 periods, 2 ahead; the chance is 27 %" in text
    assert "MOVER interval; z test with adjusted variances" in text
    assert "evenly, day by day, from 1 January 2025 to 30 June 2026" in text
    assert "move by 10 percentage points" in text
    assert "Changes of the goal: none since it was set." in text


def test_tiny_goals_are_answered_as_they_are_read(tiny) -> None:
    reading = crm.goal("nps", tiny)
    page = answered(reading, crm.judge(reading, tiny))
    assert page.startswith("Net Promoter Score was +22 in Q4 2025, still 8 points away from the target of +30")
    assert reading.now.period == NOW
