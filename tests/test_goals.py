"""Goals: reading their targets, their progress with its error, gap, expected value and status."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import crmtools as crm
from crmtools import CRMError, Estimate, Period
from crmtools.goal_settings import GoalSettings
from crmtools.goals.goal import baseline_problem, goal_from, target_problem, target_value, written_value
from crmtools.goals.reading import GIVEN, elapsed_share, progress_error, read
from crmtools.goals.status import held_status, plan_status
from crmtools.indicators import CATALOGUE
from crmtools.indicators.kinds import CENSUS

Q4, AS_OF = Period.parse("2025-Q4"), date(2025, 12, 31)


def settings(**given) -> GoalSettings:
    usual = {"indicator": "nps", "baseline": "2024-Q4", "by": date(2026, 6, 30), "target": {"points": 5}}
    return GoalSettings.model_validate(usual | given)


def estimate(value: float | None, se: float | None = None, **more) -> Estimate:
    limits = {"low": value - 2 * se, "high": value + 2 * se} if value is not None and se is not None else {}
    return Estimate("nps", Q4, AS_OF, value, se=se, n=100, **limits, **more)


# ---- targets


@pytest.mark.parametrize(
    ("written", "indicator", "value"),
    [
        ("3.9%", "churn_rate", 0.039),
        ("3.9 %", "churn_rate", 0.039),
        (0.039, "churn_rate", 0.039),
        ("100%", "csat_top2", 1.0),
        (1, "csat_top2", 1.0),
        (36, "nps", 36.0),
        ("-10", "nps", -10.0),
        (450, "cac", 450.0),
    ],
)
def test_values_as_people_write_them(written, indicator, value) -> None:
    assert written_value(written, CATALOGUE[indicator]) == pytest.approx(value)


@pytest.mark.parametrize(
    ("written", "indicator", "words"),
    [
        (3.9, "churn_rate", "would be 390 %: write 3.9%, or 0.039"),
        ("36%", "nps", "not in per cent"),
        ("soon", "nps", "is not a number"),
        (math.nan, "nps", "can be reached"),
        (math.inf, "cac", "can be reached"),
    ],
)
def test_values_that_are_none(written, indicator, words) -> None:
    with pytest.raises(ValueError, match=words):
        written_value(written, CATALOGUE[indicator])


def test_targets_absolute_in_points_and_relative() -> None:
    churn, nps = CATALOGUE["churn_rate"], CATALOGUE["nps"]
    of_churn = {"indicator": "churn_rate"}
    assert target_value(settings(**of_churn, target={"to": "4%"}), churn, 0.05) == pytest.approx(0.04)
    assert target_value(settings(**of_churn, target={"points": -1}), churn, 0.05) == pytest.approx(0.04)
    assert target_value(settings(**of_churn, target={"relative": "-20%"}), churn, 0.05) == pytest.approx(0.04)
    assert target_value(settings(target={"points": 8}), nps, 20.0) == pytest.approx(28.0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"target": {"points": -5}}, "points the wrong way: nps is better when higher"),
        ({"target": {"points": 0}}, "a change of nothing"),
        ({"indicator": "churn_rate", "target": {"relative": "20%"}}, "the wrong way"),
        ({"indicator": "churn_rate", "target": {"relative": "-120%"}}, "more away than there is"),
        ({"target": {"relative": "+20%"}}, "may be negative or 0"),
        ({"target": {"to": 130}}, "outside what nps can be"),
        ({"target": {"to": "soon"}}, "is not a number"),
        ({"target": {"to": math.nan}}, "can be reached"),
        ({"baseline": 40, "from": "2025-01-01", "target": {"to": 30}}, "the target lies below the baseline"),
        ({"baseline": 40, "from": "2025-01-01", "target": {"to": 40}}, "equals the baseline"),
        ({"baseline": 98, "from": "2025-01-01", "target": {"points": 5}}, "103 is outside"),
        (
            {"indicator": "churn_rate", "baseline": "4%", "from": "2025-01-01", "target": {"to": "5%"}},
            "better when lower, the target lies above the baseline",
        ),
        (
            {"indicator": "churn_rate", "baseline": "4%", "from": "2025-01-01", "target": {"points": -5}},
            "-0.01 is outside",
        ),
    ],
)
def test_targets_that_make_no_sense(given, words) -> None:
    goal = settings(**given)
    assert words in target_problem(goal, CATALOGUE[goal.indicator])


@pytest.mark.parametrize(
    ("indicator", "baseline", "words"),
    [
        ("nps", "20%", "not in per cent"),
        ("nps", 130, "outside what nps can be"),
        ("churn_rate", 5, "would be 500 %"),
        ("revenue_per_customer", 2000, "is read as the year 2000. For the value write 2000.0."),
        ("revenue_per_customer", 2030, "is read as the year 2030"),
    ],
)
def test_baselines_that_make_no_sense(indicator, baseline, words) -> None:
    goal = settings(indicator=indicator, baseline=baseline, **{"from": "2025-01-01"})
    assert words in baseline_problem(goal, CATALOGUE[indicator])


def test_sensible_goals_have_no_problem() -> None:
    for given in (
        {},
        {"baseline": 2024},
        {"baseline": 20, "from": "2025-01-01", "target": {"to": 30}},
        {"indicator": "churn_rate", "target": {"relative": "-100%"}},
        {"indicator": "interaction_frequency", "target": {"relative": "-20%"}},
        {"indicator": "revenue_per_customer", "baseline": 2000.0, "from": "2025-01-01", "target": {"to": 2500}},
    ):
        goal = settings(**given)
        item = CATALOGUE[goal.indicator]
        assert baseline_problem(goal, item) == target_problem(goal, item) == ""


def test_start_is_the_end_of_the_baseline_unless_said() -> None:
    assert goal_from(settings()).start == date(2025, 1, 1)
    assert goal_from(settings(**{"from": "2025-03-01"})).start == date(2025, 3, 1)
    goal = goal_from(settings(indicator="churn_rate", baseline="20%", **{"from": "2025-02-01"}))
    assert goal.baseline == pytest.approx(0.2)
    assert goal.id == "churn_rate"


# ---- progress


@pytest.mark.parametrize(
    "case",
    [
        ({"target": {"to": 40}}, 20.0, 4.0, 28.0, 3.0),
        ({"target": {"points": 15}}, 20.0, 4.0, 28.0, 3.0),
        ({"indicator": "churn_rate", "target": {"to": "4%"}}, 0.06, 0.004, 0.05, 0.003),
        ({"indicator": "churn_rate", "target": {"points": -2}}, 0.06, 0.004, 0.05, 0.003),
        ({"indicator": "churn_rate", "target": {"relative": "-30%"}}, 0.06, 0.001, 0.052, 0.001),
        ({"indicator": "cac", "target": {"relative": "-50%"}}, 500.0, 10.0, 450.0, 12.0),
    ],
    ids=lambda case: str(case[0]),
)
def test_error_of_the_progress_by_simulation(case, rng) -> None:
    """Draw baseline and present value many times; the target moves with the baseline where it is relative or in points."""
    given, b, se_b, x, se_x = case
    goal = goal_from(settings(**given))
    target = goal.target(b)
    draws = []
    for b_draw, x_draw in zip(rng.normal(b, se_b / 20, 4000), rng.normal(x, se_x / 20, 4000), strict=True):
        t_draw = goal.target(b_draw)
        draws.append((x_draw - b_draw) / (t_draw - b_draw))
    found = progress_error(goal, estimate(b, se_b / 20), estimate(x, se_x / 20), target)
    assert found == pytest.approx(np.std(draws), rel=0.05)


def test_error_of_the_progress_by_the_formulas() -> None:
    b, se_b, x, se_x, t = 20.0, 4.0, 28.0, 3.0, 40.0
    absolute = goal_from(settings(target={"to": t}))
    progress = (x - b) / (t - b)
    expected = math.sqrt(se_x**2 + (1 - progress) ** 2 * se_b**2) / abs(t - b)
    assert progress_error(absolute, estimate(b, se_b), estimate(x, se_x), t) == pytest.approx(expected)
    relative = goal_from(settings(indicator="cac", target={"relative": "-20%"}))
    b, se_b, x, se_x, r = 500.0, 20.0, 450.0, 15.0, -0.2
    expected = math.sqrt((se_x / (b * r)) ** 2 + (x * se_b / (b**2 * r)) ** 2)
    assert progress_error(relative, estimate(b, se_b), estimate(x, se_x), b * (1 + r)) == pytest.approx(expected)


def test_an_unknown_error_is_not_taken_for_none() -> None:
    """Fewer than thirty customers give a ratio but no error: neither has the progress one then."""
    goal = goal_from(settings(target={"to": 40}))
    now, known = estimate(28.0, 3.0), estimate(20.0, 4.0)
    assert progress_error(goal, estimate(20.0), now, 40.0) is None
    assert progress_error(goal, known, estimate(28.0), 40.0) is None
    given, counted = replace(estimate(20.0), why=GIVEN), replace(estimate(28.0), why=CENSUS)
    assert progress_error(goal, given, now, 40.0) == pytest.approx(3.0 / 20)
    assert progress_error(goal, known, counted, 40.0) == pytest.approx(0.6 * 4.0 / 20)
    assert progress_error(goal, given, counted, 40.0) == 0


# ---- time and status


def test_elapsed_share_counts_the_deadline_as_a_day() -> None:
    start, deadline = date(2025, 1, 1), date(2025, 12, 31)
    assert elapsed_share(start, deadline, Period.parse("2025")) == 1
    assert elapsed_share(start, deadline, Period.parse("2025-Q1")) == pytest.approx(90 / 365)
    assert elapsed_share(start, deadline, Period.parse("2024-Q4")) == 0
    assert elapsed_share(start, deadline, Period.parse("2027")) == 1


@pytest.mark.parametrize(
    ("progress", "elapsed", "over", "status"),
    [
        (1.0, 0.2, False, "reached"),
        (1.3, 1.0, True, "reached"),
        (0.999, 1.0, True, "missed"),
        (0.0, 0.0, False, "not_started"),
        (-0.5, 0.0, False, "not_started"),
        (0.5, 0.5, False, "on_track"),
        (0.336, 0.5, False, "on_track"),
        (0.0, 0.165, False, "behind"),
        (0.171, 0.5, False, "behind"),
        (0.0, 0.33, False, "at_risk"),
        (-1.0, 0.1, False, "at_risk"),
        (0.9, 0.3, False, "on_track"),
    ],
)
def test_plan_status_at_its_thresholds(progress, elapsed, over, status) -> None:
    assert plan_status(progress, elapsed, elapsed=elapsed, over=over) == status


@pytest.mark.parametrize(
    ("gap", "elapsed", "over", "status"),
    [(0, 0.5, False, "reached"), (-1, 1, True, "reached"), (1, 1, True, "missed"), (1, 0, False, "not_started"),
     (1, 0.5, False, "at_risk")],
)  # fmt: skip
def test_status_of_a_goal_that_asks_to_stay(gap, elapsed, over, status) -> None:
    assert held_status(gap, elapsed, over=over) == status


# ---- whole readings


def answers(months: dict[str, tuple[int, int, int]]) -> crm.Data:
    """Survey answers: promoters, passives, detractors in each month; customers in the north alone are promoters."""
    rows = []
    for month, groups in months.items():
        for score, count in zip((10, 8, 2), groups, strict=True):
            start = len(rows)
            rows += [
                {"response_id": f"r{start + n}", "customer_id": f"c{start + n}", "answered_at": f"{month}-15",
                 "item_id": "q", "value": score}
                for n in range(count)
            ]  # fmt: skip
    frame = pd.DataFrame(rows)
    items = pd.DataFrame([{"item_id": "q", "metric": "nps", "scale_min": 0, "scale_max": 10}])
    people = pd.DataFrame({"customer_id": frame.customer_id, "region": np.where(frame.value == 10, "north", "south")})
    last = Period.parse(max(months)).last_day
    return crm.open(survey_answers=frame, survey_items=items, customers=people, as_of=last)


def reading(data, **given):
    usual = {"baseline": "2025-01", "by": date(2025, 12, 31), "target": {"to": 40}}
    return read(goal_from(settings(**usual | given)), data)


def test_a_reading_by_hand() -> None:
    data = answers({"2025-01": (40, 40, 20), "2025-06": (50, 30, 20)})
    found = reading(data)
    assert (found.baseline.value, found.now.value, found.target) == pytest.approx((20, 30, 40))
    assert (found.gap, found.progress) == pytest.approx((10, 0.5))
    assert found.gap_low == pytest.approx(40 - found.now.high)
    assert found.gap_high == pytest.approx(40 - found.now.low)
    elapsed = (date(2025, 7, 1) - date(2025, 2, 1)).days / (date(2026, 1, 1) - date(2025, 2, 1)).days
    assert found.elapsed == pytest.approx(elapsed)
    assert found.expected == pytest.approx(20 + 20 * elapsed)
    assert found.status == "on_track"
    expected = math.sqrt(found.now.se**2 + 0.25 * found.baseline.se**2) / 20
    assert found.progress_se == pytest.approx(expected)
    assert [e.period.id for e in found.trend.estimates][-1] == "2025-06"


def test_lower_is_better_has_its_gap_the_other_way() -> None:
    leads = pd.DataFrame(
        {"ticket_id": range(6), "customer_id": list("abcdef"), "created_at": "2025-06-05", "type": "complaint"}
    )
    people = pd.DataFrame({"customer_id": list("abcdefghij"), "acquired_at": "2024-01-01"})
    data = crm.open(tickets=leads, customers=people, as_of=date(2025, 6, 30))
    goal = goal_from(
        settings(indicator="complaint_rate", baseline=100.0, **{"from": "2025-01-01"}, target={"to": 50.0})
    )
    found = read(goal, data)
    now = 100 * 6 / (10 * 30 / 30.4375)
    assert found.now.value == pytest.approx(now)
    assert found.gap == pytest.approx(now - 50)
    assert found.gap_low == pytest.approx(found.now.low - 50)
    assert found.gap_high == pytest.approx(found.now.high - 50)
    assert found.progress == pytest.approx((now - 100) / -50)
    assert found.baseline.why is GIVEN
    assert found.progress_se == pytest.approx(found.now.se / 50)


@pytest.mark.parametrize(("now", "gap", "status"), [((70, 20, 10), -20.0, "reached"), ((50, 20, 30), 20.0, "at_risk")])
def test_a_target_behind_the_measured_baseline_asks_to_stay(now, gap, status) -> None:
    """It used to read as progress −100 % when the target was far exceeded, and as reached when it was lost."""
    data = answers({"2025-01": (60, 30, 10), "2025-06": now})
    found = reading(data)
    assert found.baseline.value == pytest.approx(50)
    assert found.gap == pytest.approx(gap)
    assert found.status == status
    assert found.progress is None
    assert found.progress_se is None
    assert found.expected == found.target == 40


def test_a_target_that_equals_the_measured_baseline_does_not_stop_the_report() -> None:
    found = reading(answers({"2025-01": (60, 20, 20), "2025-06": (60, 20, 20)}))
    assert (found.status, found.progress, found.gap) == ("reached", None, 0)


def test_no_evidence_without_baseline_or_value() -> None:
    data = answers({"2025-01": (40, 40, 20), "2025-06": (50, 30, 20)})
    missing = reading(data, baseline="2024-06")
    # a target that was written as a value is known whatever is measured; one that hangs on the baseline is not
    assert (missing.status, missing.target, missing.gap, missing.progress) == ("no_evidence", 40, None, None)
    assert reading(data, baseline="2024-06", target={"points": 5}).target is None
    assert missing.now.value == pytest.approx(30)
    assert reading(answers({"2025-01": (40, 40, 20)}).at(date(2025, 1, 14)), baseline="2024-06").status == "no_evidence"


def test_a_goal_of_some_customers() -> None:
    data = answers({"2025-01": (40, 40, 20), "2025-06": (50, 30, 20)})
    south = reading(data, where={"region": "south"}, target={"to": 0})
    assert (south.baseline.n, south.now.n) == (60, 50)
    assert south.now.value == pytest.approx(-40)
    assert all(e.group == (("region", "south"),) for e in south.trend.estimates)


def test_a_goal_about_a_few_people_shows_nothing_of_them() -> None:
    data = answers({"2025-01": (40, 40, 20), "2025-06": (1, 1, 7)})
    found = reading(data, where={"region": "south"}, target={"to": 0})
    assert 0 < crm.measure("nps", data, where={"region": "south"}).n < 10
    assert (found.now.suppressed, found.now.value, found.status) == (True, None, "no_evidence")


def test_an_owner_whom_nobody_named_is_not_passed_off_as_named() -> None:
    data = answers({"2025-01": (40, 40, 20), "2025-06": (50, 30, 20)})
    nobody = reading(data).goal.department
    assert (nobody.en, nobody.zh) == ("not named", "未指定")
    named = reading(data, owner={"department": {"en": "Service", "zh": "客服部"}}).goal.department
    assert (named.en, named.zh) == ("Service", "客服部")


def test_missed_after_the_deadline() -> None:
    data = answers({"2025-01": (40, 40, 20), "2025-06": (50, 30, 20)})
    assert reading(data, by=date(2025, 6, 30)).status == "missed"
    assert reading(data, by=date(2025, 7, 1)).status == "at_risk"
    assert reading(data, by=date(2025, 6, 30), target={"to": 30}).status == "reached"


def test_scorecard_of_tiny() -> None:
    data = crm.open("tiny")
    card = crm.scorecard(data)
    assert [r.id for r in card] == ["nps", "churn_rate"] == card.frame.goal.tolist()
    assert len(card) == 2
    assert card["nps"] is card[0]
    assert card["nps"].progress == pytest.approx((200 / 9 - 10) / 20)
    assert card["churn_rate"].target == pytest.approx(0.16)
    assert card["churn_rate"].gap == pytest.approx(3 / 17 - 0.16)
    with pytest.raises(CRMError, match=r"There is no goal 'npss'. Did you mean 'nps'"):
        card["npss"]
    assert "nps" in card._repr_html_()
