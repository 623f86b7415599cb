"""Findings in words: every indicator, language and missing case; no change that the data do not support."""

import math
import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmtools import formats, show
from crmtools.estimate import Estimate
from crmtools.goals.change import IMMATURE, change
from crmtools.goals.status import STATUS
from crmtools.indicators import CATALOGUE
from crmtools.indicators.kinds import CENSUS, NO_DATA, NO_UPPER
from crmtools.measuring import Breakdown, Trend
from crmtools.period import Period
from crmtools.show import findings, headlines, sentences
from crmtools.show.card_views import on_a_year_ago
from crmtools.show.sentences import moved, since
from crmtools.words import LANGUAGES, Text

# ibis 12 asks pandas 3 for an option that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


NOW, THEN = Period.parse("2025-Q4"), Period.parse("2025-Q3")
Z = 1.959963984540054
BAD = re.compile(r"None|nan|inf\b|NaT|[{}]|\[|\]|  ")

CASES = {
    "whole": {"value": 0.4, "low": 0.3, "high": 0.5, "se": 0.05, "n": 90, "method": "wilson"},
    "open above": {"value": 0.4, "low": 0.3, "n": 40, "method": "brookmeyer_crowley", "why": NO_UPPER},
    "open below": {"value": 0.4, "high": 0.5, "n": 40, "method": "wilson"},
    "no interval": {"value": 0.4, "n": 7, "why": Text("客户不足 30 位，不给出区间", "fewer than 30 customers")},
    "no interval and no reason": {"value": 0.4, "n": 7},
    "complete count": {"value": 4.0, "n": 4, "method": "census", "why": CENSUS},
    "no value": {"why": NO_DATA},
    "no value and no reason": {},
    "not a number": {"value": math.nan, "low": math.nan, "high": math.inf, "se": math.nan, "n": 3},
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", [*CASES, "hidden"])
@pytest.mark.parametrize("indicator", sorted(CATALOGUE))
def test_every_indicator_has_a_sentence_in_every_case(indicator, case, language, make):
    estimate = make(indicator, **CASES.get(case, CASES["whole"]))
    if case == "hidden":
        estimate = estimate.hidden()
    said = sentences.stated(estimate, language, "CNY")
    assert CATALOGUE[indicator].name.to(language) in said
    assert said.endswith("。" if language == "zh" else ".")
    value = formats.quantity(estimate.value, CATALOGUE[indicator].unit, language, "CNY")
    assert (value in said) == (value != formats.MISSING)
    if estimate.why is not None and not estimate.suppressed:
        assert estimate.why.to(language) in said
    for other in CASES:
        then = make(indicator, **CASES[other], period=THEN)
        chip, _ = on_a_year_ago(estimate, then, language, "CNY")
        for text in (said, sentences.compared(estimate, then, language, "CNY"), chip):
            assert not BAD.search(text), text


@given(
    value=st.floats(-80, 80), before=st.floats(-80, 80), errors=st.tuples(st.floats(0.01, 20), st.floats(0.01, 20)),
    language=st.sampled_from(LANGUAGES),
)  # fmt: skip
def test_higher_and_lower_are_said_only_beyond_the_error(value, before, errors, language):
    """Recomputed from the formula |difference| > 1.96·√(se₁² + se₂²), on symmetric intervals."""
    now, then = (
        Estimate("nps", period, period.last_day, number, number - Z * error, number + Z * error, error, n=50)
        for period, number, error in ((NOW, value, errors[0]), (THEN, before, errors[1]))
    )
    difference, least = value - before, 1.96 * math.sqrt(errors[0] ** 2 + errors[1] ** 2)
    if abs(abs(difference) - least) < 1e-3:
        return
    said = sentences.compared(now, then, language)
    words = {"en": ("higher", "lower", "No detectable change"), "zh": ("）高 ", "）低 ", "未检出变化")}[language]
    expected = words[2] if abs(difference) < least else words[0] if difference > 0 else words[1]
    assert [word in said for word in words] == [word == expected for word in words]
    assert ("improvement" in said or "改善" in said) == (expected == words[0])
    assert ("deterioration" in said or "恶化" in said) == (expected == words[1])


def test_a_share_of_zero_is_not_known_exactly(make):
    """Its standard error is 0; its interval reaches 0.49, so 10 % before is no change."""
    now = make("churn_rate", value=0.0, low=0.0, high=0.49, se=0.0, n=4)
    then = make("churn_rate", value=0.10, low=0.07, high=0.13, se=0.015, n=400, period=THEN)
    assert moved(since(now, then)) == "undetectable"
    assert moved(since(replace(now, high=0.01), then)) == "lower"


def test_without_an_error_nothing_is_claimed(make):
    one, other = make(value=30.0, n=5), make(value=-60.0, n=5, period=THEN)
    assert moved(since(one, other)) == "unknown"
    assert "nobody can tell" in sentences.compared(one, other, "en")
    assert "无法判断" in sentences.compared(one, other, "zh")


def test_an_open_limit_tells_no_error(make):
    waits = make("first_response_time", value=6.0, low=5.0, n=50, method="brookmeyer_crowley", why=NO_UPPER)
    earlier = make("first_response_time", value=3.0, low=2.5, high=3.5, se=0.25, n=50, period=THEN)
    assert {moved(since(waits, earlier)), moved(since(earlier, waits))} == {"unknown"}
    said = sentences.compared(waits, earlier, "en")
    assert "nobody can tell whether that is a change" in said
    assert NO_UPPER.en in said


def test_a_period_that_still_fills_up_is_not_compared(make):
    then = make(value=20.0, low=18.0, high=22.0, se=1.0, n=50, period=THEN)
    now = make(value=3.0, low=1.0, high=5.0, se=1.0, n=50, maturity=0.5)
    for language in LANGUAGES:
        said = sentences.compared(now, then, language)
        why = IMMATURE.to(language).format(period=now.period.label(language))
        assert why in said
        assert why in on_a_year_ago(now, then, language)[0]
        assert "17" not in said


def test_pages_and_goals_know_one_rule_for_a_change(make):
    """The verdict of an indicator's page is that of the goal's comparison, where the customers are different ones."""
    for value in (20.5, 24.0, 12.0):
        then = make(value=20.0, low=18.0, high=22.0, se=1.0, n=500, period=THEN, method="adjusted_wald")
        now = make(value=value, low=value - 2, high=value + 2, se=1.0, n=500, method="adjusted_wald")
        made = change(then, now, CATALOGUE["nps"].kind, better="higher")
        assert since(now, then) == made
        assert moved(made) == {20.5: "undetectable", 24.0: "higher", 12.0: "lower"}[value]


def test_complete_counts_are_compared_exactly(make):
    four, one = (make("backlog", value=value, n=4, method="census", why=CENSUS) for value in (4.0, 1.0))
    assert sentences.compared(four, replace(one, period=THEN), "en") == (
        "That is 3\u00a0tickets higher than Q3 2025 (1\u00a0ticket), a deterioration."
    )
    assert moved(since(four, replace(four, period=THEN))) == "same"


def test_no_direction_is_no_judgement():
    item = replace(CATALOGUE["nps"], better="range")
    assert sentences.judgement(item, "higher", "en") == ""
    assert sentences.judgement(CATALOGUE["churn_rate"], "higher", "zh") == "，属于恶化"


@pytest.mark.parametrize(("north", "named"), [(26.0, False), (24.0, True), (21.0, False)])
def test_an_interval_clear_of_the_total_that_the_title_does_not_name_is_explained(make, north, named):
    """At 26 the title names the group, at 21 its interval holds the total, at 24 it does not and the title says nothing."""
    total = make(value=20.0, low=19.0, high=21.0, se=0.5, n=4000)
    values = {"north": north, **dict.fromkeys("abcdefg", 20.0)}
    groups = tuple(
        make(value=value, low=value - 3.4, high=value + 3.4, se=1.735, n=500, group=(("region", name),))
        for name, value in values.items()
    )
    parts = Breakdown(CATALOGUE["nps"], "region", groups)
    for language, said in (
        ("en", "Intervals that leave the total out: north; among 8 groups"),
        ("zh", "这仍可能出于偶然"),
    ):
        assert (said in show.breakdowns([parts], total=total, language=language).html) == named
        assert ("north" in findings.breakdown_title(parts, total, language)) == (north == 26.0)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("indicator", sorted(CATALOGUE))
def test_titles_and_alternative_texts_of_every_indicator(indicator, language, make):
    item = CATALOGUE[indicator]
    months = Period.parse("2025-12").up_to(12, "month")
    for kinds in (list(CASES.values()), [CASES["whole"]], [CASES["no value"]], []):
        points = tuple(
            make(indicator, **kinds[at % len(kinds)], period=month) for at, month in enumerate(months) if kinds
        )
        trend = Trend(item, points)
        parts = Breakdown(
            item, "region", tuple(replace(e, group=(("region", f"r{at}"),)) for at, e in enumerate(points))
        )
        for total in (make(indicator, **CASES["whole"]), make(indicator)):
            texts = [
                findings.trend_title(trend, None, language, "CNY"), findings.trend_alt(trend, None, language, "CNY"),
                findings.breakdown_title(parts, total, language, "CNY"), findings.breakdown_alt(parts, total, language, "CNY"),
            ]  # fmt: skip
            assert all(item.name.to(language) in text for text in texts)
            assert not any(BAD.search(text) for text in texts), texts


def test_a_trend_is_compared_with_a_year_before(make):
    months = Period.parse("2025-12").up_to(24, "month")
    values = {months[0]: 50.0, months[11]: 0.0, months[23]: 40.0}
    points = tuple(
        make(
            period=m,
            value=values.get(m, 20.0),
            low=values.get(m, 20.0) - 2,
            high=values.get(m, 20.0) + 2,
            se=1.0,
            n=900,
        )
        for m in months
    )
    title = findings.trend_title(Trend(CATALOGUE["nps"], points), None, "en")
    assert title == "Net Promoter Score rose from 0 (December 2024) to +40 (December 2025)"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_title_tells_the_distance_only_of_the_time_that_the_goal_is_judged_over(goals, language):
    """A title that names a month beside the distance of a quarter would have the reader subtract wrongly."""
    reading, words = goals["nps"], {"en": "short of the target", "zh": "距目标尚差"}[language]
    assert reading.gap > 0
    same = replace(reading.trend, estimates=(reading.now,))
    assert words in findings.trend_title(same, reading, language)
    month = replace(reading.now, period=Period.parse("2025-12"))
    for gap in (reading.gap, -1.0):
        title = findings.trend_title(replace(same, estimates=(month,)), replace(reading, gap=gap), language)
        assert title == findings.trend_title(replace(same, estimates=(month,)), None, language)


@pytest.mark.parametrize(
    ("indicator", "by", "english", "chinese"),
    [
        ("first_response_time", "channel", "Channel", "渠道"),
        (None, "channel", "Sales channel", "销售渠道"),
        ("first_response_time", "region", "Region", "地区"),
        (None, "plan", "Plan", "套餐"),
    ],
)
def test_a_split_is_called_what_its_table_calls_it(indicator, by, english, chinese):
    """Orders and tickets both have a channel; only that of orders is one of sales."""
    item = CATALOGUE[indicator] if indicator else None
    assert sentences.attribute(by, "en", item) == english
    assert sentences.attribute(by, "zh", item) == chinese


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", STATUS)
def test_every_status_of_a_goal_has_a_sentence(status, language, goals):
    reading = replace(goals["nps"], status=status)
    if status == "no_evidence":
        blank = replace(reading.now, value=None, low=None, high=None, why=NO_DATA)
        reading = replace(
            reading, now=blank, target=None, gap=None, gap_low=None, gap_high=None, progress=None, expected=None
        )
    if status == "reached":
        reading = replace(reading, gap=-2.0)
    said = sentences.aimed(reading, language)
    assert not BAD.search(said)
    if status not in ("reached", "no_evidence"):
        assert sentences.status_words(reading, language) in said


def test_numbers_meet_chinese_with_a_space():
    text = Text("比{then}高{amount}才", "{then}{amount}")
    assert sentences.say(text, "zh", then="2025 年", amount="¥12") == "比 2025 年高 ¥12 才"
    assert sentences.say(text, "zh", then="北区A", amount="三分") == "比北区A 高三分才"


def test_the_furthest_goal_is_the_one_with_most_of_its_way_to_go(goals, tiny):
    said = str(headlines.headline(goals, tiny, language="en"))
    worst = min(goals, key=lambda r: r.progress)
    assert worst.goal.name.en in said
    assert worst.id == "churn_rate"


@pytest.mark.parametrize(
    ("count", "english", "chinese"),
    [(1, "The only goal cannot be told yet.", "唯一的目标尚难判断。"), (2, "Neither goal can be told yet.", "两个目标均尚难判断。"),
     (3, "None of the three goals can be told yet.", "三个目标均尚难判断。")],
)  # fmt: skip
def test_goals_that_cannot_be_told_yet_are_counted_in_words(count, english, chinese):
    for language, words in (("en", english), ("zh", chinese)):
        goals = [{"evidence": "undecided", "status": "on_track"}] * count
        assert words in next(iter(headlines.counted(goals, language))).spellings


@pytest.mark.parametrize("language", LANGUAGES)
def test_groups_that_share_customers_are_said_to(make, language):
    """100 customers of two plans, 20 of them with both: 70 + 50."""
    item, total = CATALOGUE["churn_rate"], make("churn_rate", **CASES["whole"] | {"n": 100})
    words = {"en": "A customer can be in more than one group.", "zh": "同一客户可属于多个分组。"}[language]
    for sizes, overlap in (((70, 50), True), ((70, 30), False), ((70,), False)):
        groups = tuple(make("churn_rate", **CASES["whole"] | {"n": n}, group=(("plan", f"p{n}"),)) for n in sizes)
        html = show.breakdown(Breakdown(item, "plan", groups), total=total, language=language).html
        assert (words in html) is overlap


@pytest.mark.parametrize(
    ("period", "until", "early"),
    [
        ("2025-Q4", date(2025, 12, 1), False),  # booked by month
        ("2025-Q4", date(2025, 11, 29), True),
        ("2025-12", date(2025, 12, 22), False),
        ("2025-12", date(2025, 12, 19), True),
        ("2025-12-25..2025-12-31", date(2025, 12, 24), False),  # a week
        ("2025-12-25..2025-12-31", date(2025, 12, 23), True),
        ("2025-Q4", None, False),
        ("2025-Q4", date(2026, 1, 3), False),
    ],
)
def test_data_that_end_early_are_told(make, period, until, early):
    now = make(value=3.0, period=Period.parse(period), maturity=1.0, data_until=until)
    said = {language: sentences.ripening(now, language) for language in LANGUAGES}
    assert bool(said["en"]) == bool(said["zh"]) == early
    if early:
        assert said["en"].replace("\u00a0", " ") == f"The data reach only to {until.day} {until:%B} {until.year}."
        assert said["zh"].replace("\u00a0", " ") == f"数据只到 {until.year} 年 {until.month} 月 {until.day} 日。"


def test_a_period_that_is_not_mature_is_told(make):
    def said(share, language="en", **values):
        return sentences.ripening(make(**{"value": 3.0, "maturity": share, **values}), language).replace("\u00a0", " ")

    assert said(0.667) == "Only 67 % of the period is mature: the figure may still change."
    assert said(0.667, "zh") == "本期仅 67% 的时间观察期已满，数字仍可能变动。"
    assert "99 %" in said(0.999)
    assert said(1.0) == said(None) == said(0.5, value=None) == ""
    both = str(show.answer(make(value=3.0, maturity=0.5, data_until=date(2025, 10, 1)), language="en"))
    assert "may still change. The data reach only to" in both
