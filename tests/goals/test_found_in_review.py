"""What a second reader found: deadlines that are over, goals about nearly everybody, targets beyond the possible."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

import crmtools as crm
from crmtools.goal_settings import GoalSettings
from crmtools.goals.drivers import drivers
from crmtools.goals.evidence import Case, evidence
from crmtools.goals.goal import goal_from
from crmtools.goals.judgement import NO_WHOLE, judge, standing
from crmtools.goals.reading import IMPOSSIBLE, read
from crmtools.goals.scores import attained
from crmtools.goals.smart_facts import facts_of
from crmtools.measuring import Trend
from crmtools.period import Period
from crmtools.settings import Publish

AS_OF = date(2025, 12, 31)


def goal(**written):
    usual = {"indicator": "nps", "baseline": "2024-Q4", "by": date(2026, 6, 30), "target": {"points": 5}}
    return goal_from(GoalSettings.model_validate(usual | written))


def company(**frames: pd.DataFrame) -> crm.Data:
    data = crm.open(**frames, as_of=AS_OF)
    report = data.settings.report.model_copy(update={"period": Period.parse("2025-Q4"), "segments": ("region",)})
    return replace(data, settings=data.settings.model_copy(update={"report": report}))


@pytest.fixture(scope="module")
def data() -> crm.Data:
    """Forty answers a month for three years: +50 until March 2025, −50 after; ten in a hundred customers live in the west."""
    months = pd.date_range("2023-01-01", "2025-12-01", freq="MS")
    people = pd.DataFrame({"customer_id": [f"C{n:03}" for n in range(400)], "acquired_at": pd.Timestamp("2022-01-01")})
    people["region"] = ["west" if n % 10 == 0 else "east" for n in range(400)]
    rows = [
        (f"C{(40 * m + n) % 400:03}", month + pd.Timedelta(days=5), 9.0 if (n % 4 != 0) == (month < pd.Timestamp("2025-04-01")) else 3.0)
        for m, month in enumerate(months) for n in range(40)
    ]  # fmt: skip
    answers = pd.DataFrame(rows, columns=["customer_id", "answered_at", "value"]).assign(item_id="N")
    answers["response_id"] = [f"R{n}" for n in range(len(answers))]
    items = pd.DataFrame({"item_id": ["N"], "metric": ["nps"], "scale_min": [0.0], "scale_max": [10.0]})
    return company(customers=people, survey_answers=answers, survey_items=items)


def test_a_goal_whose_deadline_is_over_is_judged_at_its_deadline(data) -> None:
    reading = read(goal(by=date(2025, 3, 31), target={"to": 30}, baseline=0.0, **{"from": date(2024, 1, 1)}), data)
    assert reading.now.period == Period.parse("2025-Q1")
    assert reading.now.value == pytest.approx(50)
    assert reading.status == "reached"
    judged = judge(reading, data)
    assert judged.evidence == "met"
    assert judged.past.estimates[-1].period == Period.parse("2025-Q1")


def test_a_goal_on_an_indicator_without_data_moved_nowhere(data) -> None:
    reading = read(goal(indicator="churn_rate", target={"to": "4%"}), data)
    assert reading.status == "no_evidence"
    assert drivers([reading], data) == ()
    assert crm.breakdown("churn_rate", data, by="region").frame["region"].tolist() == [""]


def test_what_few_others_have_is_not_to_be_worked_out(data) -> None:
    """A goal about everybody but the twelve in the west tells about these twelve, beside the goal about all."""
    settings = data.settings.model_copy(update={"publish": Publish(smallest_group=13)})
    strict = replace(data, settings=settings)
    most = crm.trend("nps", strict, by="quarter", periods=2, where={"region": "east"}).estimates
    assert all(e.suppressed for e in most)
    assert not any(e.suppressed for e in crm.trend("nps", strict, by="quarter", periods=2).estimates)
    loose = replace(data, settings=data.settings.model_copy(update={"publish": Publish(smallest_group=12)}))
    assert not any(
        e.suppressed for e in crm.trend("nps", loose, by="quarter", periods=2, where={"region": "east"}).estimates
    )


def test_a_target_beyond_the_possible_is_no_target(data) -> None:
    reading = read(goal(target={"points": 90}, baseline="2024-Q4"), data)
    assert reading.why == IMPOSSIBLE
    assert (reading.target, reading.expected, reading.gap) == (None, None, None)
    assert judge(reading, data).evidence == "no_evidence"


def test_a_bound_needs_a_whole_period(data) -> None:
    bound = goal(kind="stay_above", target={"to": -60}, baseline=None, **{"from": date(2025, 11, 15)})
    judged = judge(read(bound, data), data)
    assert (judged.evidence, judged.why) == ("no_evidence", NO_WHOLE)


def test_the_score_counts_the_periods_that_the_page_counts(data) -> None:
    bound = goal(kind="stay_above", target={"to": 0}, baseline=None, **{"from": date(2023, 1, 1)})
    reading = read(bound, data)
    assert reading.kept == (9, 12), "nine quarters above, three below, however long the trend of the report is"
    assert attained(reading) == (pytest.approx(9 / 12), 0.0)


def test_to_find_a_baseline_attains_nothing(data) -> None:
    reading = read(goal(kind="establish_baseline", target=None, baseline=None, **{"from": date(2025, 1, 1)}), data)
    assert attained(reading) is None


def test_a_goal_that_was_reached_when_it_began_has_no_way_down(data) -> None:
    reading = read(goal(target={"to": 20}, baseline="2024-Q4"), data)
    assert reading.held
    assert [reading.planned(e.period) for e in reading.trend.estimates[-3:]] == [20, 20, 20]
    assert reading.planned_error(data.period) == 0


def test_an_attribute_that_is_not_there_is_no_evidence(data) -> None:
    reading = read(goal(where={"colour": "red"}), data)
    assert reading.status == "no_evidence"
    assert "colour" in reading.why.en
    assert judge(reading, data).evidence == "no_evidence"
    assert standing(reading, Trend(reading.goal.indicator, ())).why == reading.why


def test_groups_keep_their_labels_beside_a_condition(data) -> None:
    parts = crm.breakdown("nps", data, by="region", where={"region": ["east", "west"]})
    assert parts.frame["region"].tolist() == ["east", "west"]
    assert crm.breakdown("nps", data, by="region", where={"region": ["east", "west"]}).frame.equals(parts.frame)


def test_met_within_error_is_capped_like_met(data) -> None:
    reading = read(
        goal(by=date(2025, 12, 31), target={"to": 40}, guardrails=[{"indicator": "nps", "stay_above": 90}]), data
    )
    assert reading.guards[0].state == "breached"
    now = replace(reading.now, value=41.0, low=35.0, high=47.0)
    assert evidence(Case(now, 40.0, 40.0, 1.0, None, True, 1.0)) == "met_within_error"
    judged = judge(
        replace(reading, now=replace(now, period=Period.parse("2026-Q1"), data_until=date(2026, 3, 31)), target=40.0),
        data,
    )
    assert judged.evidence == "undecided"


def test_smart_and_the_history_hide_what_the_page_hides(data, tmp_path) -> None:
    """A published goal about everybody but a few: neither its value, nor its past, nor what SMART looks at may tell."""
    settings = data.settings.model_copy(update={"publish": Publish(smallest_group=13)})
    strict = replace(data, settings=settings, snapshot=tmp_path)
    most = goal(where={"region": "east"})
    assert crm.measure("nps", strict, where={"region": "east"}).suppressed
    assert not crm.measure("nps", strict).suppressed
    reading = read(most, strict)
    assert all(e.suppressed for e in judge(reading, strict).past.estimates)
    assert all(e.value is None for e in facts_of(most, strict).past.estimates)
