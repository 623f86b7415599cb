"""SMART before a goal starts, achievable, relevant and timely; and that nothing from later enters."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from smart_company import TABLES, answered, check, goal, passed, waiting
from two_waves import smallest_change

import crmtools as crm
from crmtools.goal_settings import GoalSettings
from crmtools.goals.smart import smart, smart_goals
from crmtools.goals.smart_facts import facts_of
from crmtools.simulate import simulate_frames

# ibis 12 asks pandas 3 for an option that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


@pytest.fixture(scope="module")
def frames():
    return simulate_frames(seed=7, customers=400, months=36, as_of=date(2025, 12, 31), tables=TABLES)


@pytest.fixture(scope="module")
def company(frames) -> crm.Data:
    return crm.open(**frames)


@pytest.fixture(scope="module")
def steady() -> crm.Data:
    """Three years in which 100 customers a month were asked and about 60 were satisfied."""
    return answered([(58 + (7 * n) % 5, 100) for n in range(36)])


# Achievable


def test_a_target_that_comes_by_itself_and_one_that_nobody_saw(steady):
    easy = smart(goal(baseline="44%", target={"to": "45%"}), steady)
    assert easy.chance > 0.9
    assert (easy.reach, check(easy, "chance").passed) == ("trivial", False)
    fair = smart(goal(target={"to": "60%"}), steady)
    assert 0.05 < fair.chance < 0.9
    assert (fair.reach, check(fair, "chance").passed) == ("fair", True)
    far = smart(goal(target={"to": "95%"}), steady)
    assert (far.reach, check(far, "past_changes").passed) == ("infeasible", False)
    assert "go in steps" in check(far, "past_changes").remedy.en
    beyond = smart(goal(target={"points": 60}), steady)
    assert beyond.chance is None, "no forecast is asked for what cannot be"
    assert (beyond.reach, check(beyond, "past_changes").passed) == ("infeasible", False)


def test_a_rewritten_easy_goal_is_one_chance_in_four(steady):
    easy = goal(baseline="44%", target={"to": "45%"})
    facts = facts_of(easy, steady)
    aim = facts.forecast.path[-1][3]
    assert smart(easy, steady).rewritten.en.startswith(
        f"Satisfaction rate (top two): from 44\u00a0% to {facts.said(aim).en}"
    )
    assert smart(goal(baseline="44%", target={"to": str(aim)}), steady).chance == pytest.approx(0.25, abs=0.01)


def test_a_target_that_the_baseline_has_reached_is_trivial(steady):
    found = smart(goal(target={"to": "40%"}), steady)
    assert found.reach == "trivial"
    assert check(found, "chance").passed is False
    assert check(found, "chance").found.en == "the baseline is there already"
    assert "detectable" not in passed(found)
    assert found.needed is None


def test_the_place_among_past_changes_by_hand(steady):
    """From December to December: the changes of a year, of 36 months with values 58, 60, 62, 59, 61 in turn."""
    values = [58 + (7 * n) % 5 for n in range(36)]
    changes = [b - a for a, b in zip(values, values[12:])]
    assert len(changes) == 24
    start = values[-1]
    for target in (start + 1.5, start + 2.5):
        below = 100 * sum(change < target - start for change in changes) / len(changes)
        found = check(smart(goal(target={"to": f"{target}%"}), steady), "past_changes")
        assert found.found.en == f"larger than {below:.0f} % of them"
    best = max(changes)
    assert smart(goal(target={"to": f"{start + 2 * best}%"}), steady).reach == "stretch"
    assert smart(goal(target={"to": f"{start + 2 * best + 0.1}%"}), steady).reach == "infeasible"


def test_a_goal_to_keep_a_bound_looks_at_the_periods_that_kept_it(steady):
    values = [58 + (7 * n) % 5 for n in range(36)]
    for bound in (62, 60, 63):
        kept = sum(value >= bound for value in values)
        found = smart(goal(kind="stay_above", target={"to": f"{bound}%"}), steady)
        assert check(found, "kept").found.en == f"{kept} of 36"
        assert check(found, "kept").passed is bool(kept)
        assert found.reach == ("fair" if kept else "infeasible")
        assert (found.chance, found.needed, found.detectable) == (None, None, None)
        assert "chance" not in passed(found)
    inside = smart(goal(kind="range", target={"between": ["59%", "61%"]}), steady)
    assert check(inside, "kept").found.en == f"{sum(59 <= v <= 61 for v in values)} of 36"


# Relevant


@pytest.mark.parametrize(("few", "enough"), [(5, True), (4, False)])
def test_a_twentieth_of_the_customers_is_worth_a_goal(few, enough):
    data = answered([(60, 100)], south=few)
    found = check(smart(goal(target={"to": "70%"}, where={"region": "south"}), data), "part")
    assert (found.passed, found.found.en) == (enough, f"{few}\u00a0%")


def test_goals_that_move_as_one_are_one(steady):
    one = goal(target={"to": "70%"})
    again, alike = goal(target={"to": "72%"}, id="again"), goal(indicator="csat_mean", target={"to": 4.0})
    assert check(smart(one, steady, [one]), "duplicate").passed
    assert check(smart(one, steady, [one, again]), "duplicate").passed is False
    # a mean of fives and ones is a line of the share of fives
    twin = check(smart(one, steady, [one, alike]), "duplicate")
    assert (twin.passed, twin.found) == (False, alike.name)
    assert alike.name.en in twin.remedy.en


def test_a_correlation_of_nine_tenths_makes_two_goals_one():
    """Two regions whose monthly shares have a correlation worked out by numpy."""
    rng = np.random.default_rng(5)
    first = rng.integers(20, 80, 12)
    for noise, alike in ((10, True), (22, False)):
        second = np.clip(first + rng.integers(-noise, noise + 1, 12), 1, 99)
        assert bool(np.corrcoef(first, second)[0, 1] >= 0.9) is alike
        months, rows = pd.period_range(end="2024-12", periods=12, freq="M"), []
        for month, south, north in zip(months, first, second):
            for region, good in (("south", south), ("north", north)):
                rows += [
                    (f"{region}{month}{n}", region, month.start_time, 5.0 if n < good else 1.0) for n in range(100)
                ]
        frame = pd.DataFrame(rows, columns=["customer_id", "region", "answered_at", "value"])
        data = crm.open(
            customers=frame[["customer_id", "region"]],
            survey_answers=frame.drop(columns="region").assign(response_id=range(len(frame)), item_id="q"),
            survey_items=pd.DataFrame([{"item_id": "q", "metric": "csat", "scale_min": 1, "scale_max": 5}]),
            as_of=date(2024, 12, 31),
        )
        south, north = (goal(target={"to": "90%"}, where={"region": r}, id=r) for r in ("south", "north"))
        assert check(smart(south, data, [south, north]), "duplicate").passed is not alike


def test_goals_that_save_money_or_time_need_a_guardrail(company):
    rail = [{"indicator": "csat_mean", "stay_above": 3}]
    for settings in (
        {"indicator": "first_response_time", "target": {"to": 4}},
        {"indicator": "cost_to_serve_ratio", "baseline": "9%", "target": {"to": "8%"}},
    ):
        assert passed(smart(goal(**settings), company))["guardrail"] is False
        assert passed(smart(goal(**settings, guardrails=rail), company))["guardrail"] is True
    assert "guardrail" not in passed(smart(goal(indicator="nps", target={"to": 90}), company))


# Timely


@pytest.mark.parametrize(("by", "enough"), [("2025-03-01", True), ("2025-02-28", False)])
def test_two_cycles_and_the_follow_up_must_fit(steady, by, enough):
    """60 days of two months; csat has no follow-up. 1 January to 1 March are 60 days."""
    found = check(smart(goal(target={"to": "70%"}, by=by), steady), "long_enough")
    assert (found.passed, found.asked.en) == (enough, "≥\u00a060 days")


SEASON = [10] * 11 + [16]
"""December has 16 where the year's mean is 10.5: an index of 1.52."""


def test_a_deadline_in_a_high_season_needs_a_seasonal_path():
    data, usual = waiting(SEASON * 2), {"indicator": "backlog", "target": {"to": 5}}
    found = check(smart(goal(**usual), data), "season")
    assert (found.passed, found.found.en) == (False, "index of that month 1.52 ± 0.00")
    assert passed(smart(goal(**usual, path="seasonal"), data))["season"]
    assert passed(smart(goal(**usual, by="2025-11-30"), data))["season"]
    assert passed(smart(goal(**usual), waiting([*[10] * 11, 12, *[10] * 11, 12])))["season"], "an index of 1.18"
    assert passed(smart(goal(**usual), waiting(SEASON * 2 + SEASON[:6], last="2024-06")))["season"] is False, (
        "what is known now"
    )
    assert passed(smart(goal(**usual), waiting(SEASON)))["season"] is None, "one year shows no season"


def test_a_high_month_that_may_be_chance_is_not_called_a_season():
    """Twice 15 of 20 where others have 10 of 20: the index is 1.44, its error larger than what is above 1."""
    few = answered([(10, 20)] * 11 + [(15, 20)] + [(10, 20)] * 11 + [(15, 20)])
    many = answered([(50, 100)] * 11 + [(75, 100)] + [(50, 100)] * 11 + [(75, 100)])
    assert passed(smart(goal(target={"to": "90%"}), answered([(7, 8), *[(5, 8)] * 11] * 2)))["season"]
    small, large = (check(smart(goal(target={"to": "90%"}), data), "season") for data in (few, many))
    assert small.found.en.startswith("index of that month 1.44 ± 0.2")
    assert large.passed is False
    rare = answered([(2, 20)] * 11 + [(4, 20)] + [(2, 20)] * 11 + [(4, 20)])
    assert check(smart(goal(target={"to": "90%"}), rare), "season").passed is None


# What was known then


def test_nothing_from_after_the_start_enters(frames, company):
    """Later rows dropped, and later rows made absurd: the same checks to the last digit."""
    needed = ("customers", "survey_answers", "survey_items", "tickets")
    kept, absurd = ({name: frames[name].copy() for name in names} for names in (needed, TABLES))
    for name, time in (("survey_answers", "answered_at"), ("tickets", "created_at"), ("customers", "acquired_at")):
        kept[name] = kept[name][kept[name][time] < "2025-01-01"]
    for column in ("first_response_at", "resolved_at", "closed_at"):
        column_then = kept["tickets"][column]
        kept["tickets"][column] = column_then.where(column_then < "2025-01-01")
    later = absurd["survey_answers"].answered_at >= "2025-01-01"
    absurd["survey_answers"].loc[later, "value"] = absurd["survey_items"].scale_max.min()
    absurd["tickets"]["first_response_at"] = absurd["tickets"].first_response_at.where(
        absurd["tickets"].created_at < "2025-01-01"
    )
    goals = [
        goal(indicator="nps", baseline="2024-Q4", target={"to": 40}), goal(indicator="csat_mean", baseline=3.4, target={"to": 3.9}),
        goal(indicator="first_response_time", target={"to": 4}), goal(kind="stay_above", target={"to": "60%"}),
    ]  # fmt: skip
    for data in (crm.open(**kept, as_of=date(2025, 1, 31)), crm.open(**absurd)):
        for one in goals:
            assert smart(one, data, goals) == smart(one, company, goals), one.id


def test_a_baseline_that_is_not_over_when_the_goal_starts_is_none(company):
    found = smart(goal(indicator="csat_mean", baseline="2025-Q1", target={"to": 4.2}), company)
    assert crm.measure("csat_mean", company, period="2025-Q1").value is not None
    assert passed(found)["baseline"] is False


def test_a_goal_that_has_not_started_goes_by_what_is_known_now(company):
    one = goal(indicator="nps", baseline="2025-12", target={"to": 60}, **{"from": "2026-04-01", "by": "2027-03-31"})
    facts = facts_of(one, company)
    assert facts.data is company
    assert facts.past.estimates[-1].period.id == "2025-12"
    assert facts.horizon == 15, "from December to March of the year after next"
    assert len(facts.past.estimates) >= 24
    mid = facts_of(replace(one, start=date(2025, 6, 15)), company)
    assert (mid.past.estimates[-1].period.id, mid.data.as_of) == ("2025-05", date(2025, 6, 14))


def test_reports_by_year_and_goals_far_away_have_no_forecast_but_do_not_break(company):
    settings = company.settings
    year = settings.report.model_copy(update={"period": crm.Period.parse("2025")})
    yearly = replace(company, settings=settings.model_copy(update={"report": year}))
    found = smart(goal(indicator="nps", baseline="2024", target={"to": 40}, by="2027-12-31"), yearly)
    assert found.chance is None
    assert found.detectable == pytest.approx(
        smallest_change(
            crm.measure("nps", company, period="2024"), crm.CATALOGUE["nps"].kind, better="higher"
        )
    )  # fmt: skip
    assert smart(goal(indicator="nps", target={"to": 40}, by="2035-12-31"), company).chance is None


def test_all_goals_of_a_file_each_against_the_others(steady):
    written = [
        {"indicator": "csat_top2", "baseline": "2024-12", "from": "2025-01-01", "by": "2025-12-31", "target": {"to": t}, "id": t}
        for t in ("70%", "75%")
    ]  # fmt: skip
    goals = tuple(GoalSettings.model_validate(one) for one in written)
    data = replace(steady, settings=steady.settings.model_copy(update={"goals": goals}))
    found = smart_goals(data)
    assert [one.goal.id for one in found] == ["70%", "75%"]
    assert [passed(one)["duplicate"] for one in found] == [False, False]


def test_what_fails_has_a_remedy_what_passes_has_none_and_both_languages(company, steady):
    goals = [goal(target={"to": "95%"}), goal(kind="establish_baseline"), goal(kind="stay_above", target={"to": "99%"})]
    for found in [
        *(smart(one, steady, goals) for one in goals),
        smart(goal(indicator="nps", target={"to": 90}), company),
    ]:
        assert [letter for letter, _ in pairwise([c.letter for c in found.checks])] == sorted(
            [c.letter for c in found.checks][:-1], key="SMART".index
        )
        for one in found.checks:
            assert (one.remedy is not None) is (one.passed is False)
            for text in (one.name, one.found, one.asked, one.remedy or one.name):
                assert text.zh
                assert text.en
                assert "None" not in text.en
        assert set(found.proposal) == {c.remedy for c in found.checks if c.remedy}
        assert (found.rewritten is None) is (not found.proposal)
