"""Scores over goals: by hand, against a closed form, and what is no score."""

import math
from datetime import date
from types import SimpleNamespace

import pytest

from crmtools import Estimate, Period
from crmtools.goals.scores import attained, scores
from crmtools.words import Text

NOW = Estimate("nps", Period.parse("2025-Q4"), date(2025, 12, 31), 30.0, n=100)
SERVICE, SALES = Text("客服", "Service"), Text("销售", "Sales")


def reading(progress, se=0.0, *, weight=1.0, status="on_track", department=SERVICE, person="", kept=None):
    goal = SimpleNamespace(weight=weight, department=department, person=person, kind="reach")
    return SimpleNamespace(goal=goal, now=NOW, status=status, progress=progress, progress_se=se, kept=kept)


def test_the_weighted_mean_of_what_is_done() -> None:
    found = scores([reading(0.5, weight=3), reading(1.0), reading(2.0), reading(-0.4)]).whole
    assert found.value == pytest.approx((3 * 0.5 + 1 + 1.2 + 0) / 6)
    assert found.strict == pytest.approx((3 * 0.5 + 1 + 1 + 0) / 6)
    assert found.uncapped == pytest.approx((3 * 0.5 + 1 + 2 + 0) / 6)
    assert found.geometric == 0, "what has gone backwards cannot be made up for"
    assert (found.low, found.high) == (pytest.approx(found.value), pytest.approx(found.value))
    assert (found.goals, found.counted, found.coverage) == (4, 4, 1.0)


def test_geometric_mean_by_hand() -> None:
    found = scores([reading(0.5, weight=3), reading(0.8), reading(1.0)]).whole
    assert found.geometric == pytest.approx((0.5**3 * 0.8 * 1.0) ** (1 / 5))


def test_interval_is_that_of_a_sum_of_errors() -> None:
    found = scores([reading(0.5, 0.06, weight=2), reading(0.6, 0.12)]).whole
    se = math.hypot(2 * 0.06, 0.12) / 3
    assert found.low == pytest.approx(found.value - 1.645 * se, abs=0.1 * se)
    assert found.high == pytest.approx(found.value + 1.645 * se, abs=0.1 * se)
    assert found == scores([reading(0.5, 0.06, weight=2), reading(0.6, 0.12)]).whole


def test_what_has_no_evidence_is_not_a_zero_and_too_much_of_it_is_no_score() -> None:
    some = scores([reading(0.5, weight=7), reading(None, weight=3, status="no_evidence")]).whole
    assert (some.value, some.coverage) == (pytest.approx(0.5), pytest.approx(0.7))
    few = scores([reading(0.5, weight=69), reading(None, weight=31, status="no_evidence")]).whole
    assert few.value is None
    assert "69" in few.why.en
    assert "69" in few.why.zh
    assert scores([]).whole.value is None


def test_bounds_count_the_periods_that_kept_them_and_held_goals_are_reached_or_not() -> None:
    assert attained(reading(None, kept=(3, 4), status="at_risk")) == (0.75, 0.0)
    assert attained(reading(None, kept=(0, 0), status="at_risk")) is None
    assert attained(reading(None, status="reached")) == (1.0, 0.0)
    assert attained(reading(None, status="missed")) == (0.0, 0.0)
    assert attained(reading(None, status="not_started")) is None


def test_departments_are_ranked_within_their_error() -> None:
    sure = [reading(0.9, 0.01, department=SALES) for _ in range(3)] + [reading(0.2, 0.01) for _ in range(3)]
    best, worst = scores(sure).departments
    assert (best.name, best.rank, worst.name, worst.rank) == (SALES, (1, 1), SERVICE, (2, 2))
    vague = [reading(0.55, 0.5, department=SALES) for _ in range(3)] + [reading(0.5, 0.5) for _ in range(3)]
    assert {one.rank for one in scores(vague).departments} == {(1, 2)}


def test_who_has_fewer_than_three_goals_has_no_score() -> None:
    found = scores([reading(0.9, person="Li"), reading(0.8, person="Li"), *[reading(0.5, person="Wu")] * 3])
    assert [(one.name.en, one.value, one.goals) for one in found.people] == [
        ("Wu", pytest.approx(0.5), 3),
        ("Li", None, 2),
    ]
    assert found.people[1].why.en == "fewer than 3 goals"
