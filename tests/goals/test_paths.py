"""Where the plan expects a goal to be: every path against a count by hand."""

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmtools.goal_settings import GoalSettings
from crmtools.goals.goal import goal_from
from crmtools.goals.paths import covered, seasonal_index

START, DEADLINE = date(2025, 1, 1), date(2025, 12, 31)
FLAT = dict.fromkeys(range(1, 13), 1.0)


def goal(path, **given):
    usual = {"indicator": "churn_rate", "baseline": "5%", "from": START, "by": DEADLINE, "target": {"to": "4%"}}
    return goal_from(GoalSettings.model_validate(usual | {"path": path} | given))


def part(path, day, season=None):
    return covered(goal(path), day, 0.05, 0.04, season)


def test_linear_is_the_share_of_the_days() -> None:
    assert part("linear", date(2025, 4, 1)) == 90 / 365
    assert part("linear", date(2026, 1, 1)) == 1


def test_working_days_are_mondays_to_fridays() -> None:
    # 2025 begins on a Wednesday: three working days until Sunday 5 January, 261 in the year
    assert part("working_days", date(2025, 1, 6)) == 3 / 261
    assert part("working_days", date(2025, 1, 4)) == part("working_days", date(2025, 1, 6))
    days = [START + timedelta(days=n) for n in range(365)]
    for end in (date(2025, 2, 11), date(2025, 7, 13), date(2025, 11, 30)):
        by_hand = sum(day.weekday() < 5 for day in days if day < end)
        assert part("working_days", end) == pytest.approx(by_hand / 261)


def test_seasonal_days_weigh_as_much_as_their_month() -> None:
    double = FLAT | {12: 2.0}
    assert part("seasonal", date(2025, 12, 1), double) == pytest.approx(334 / (334 + 62))
    assert part("seasonal", date(2025, 12, 16), double) == pytest.approx((334 + 30) / (334 + 62))
    assert part("seasonal", date(2025, 4, 1), FLAT) == pytest.approx(90 / 365)
    assert part("seasonal", date(2025, 4, 1), None) is None


def test_delayed_expects_nothing_before_the_effect() -> None:
    path = {"delayed": date(2025, 7, 1)}
    assert part(path, date(2025, 7, 1)) == 0
    assert part(path, date(2025, 10, 1)) == 92 / 184
    assert part(path, date(2026, 1, 1)) == 1


def test_logistic_is_slow_at_both_ends() -> None:
    early, late = part("logistic", date(2025, 2, 6)), part("logistic", date(2025, 11, 25))
    assert early < 0.02 < 0.98 < late
    assert early + late == pytest.approx(1, abs=0.002)
    share = 90 / 365
    low, high = 1 / (1 + math.exp(5)), 1 / (1 + math.exp(-5))
    by_hand = (1 / (1 + math.exp(-10 * (share - 0.5))) - low) / (high - low)
    assert part("logistic", date(2025, 4, 1)) == pytest.approx(by_hand)


def test_points_are_joined_by_straight_lines() -> None:
    path = {"points": {date(2025, 3, 31): "4.8%", date(2025, 9, 30): "4.9%"}}
    assert part(path, date(2025, 4, 1)) == pytest.approx(0.2)
    assert part(path, date(2025, 10, 1)) == pytest.approx(0.1), "a plan may go back on its way"
    assert part(path, date(2025, 7, 1)) == pytest.approx(0.2 - 0.1 * 91 / 183)
    assert part(path, date(2026, 1, 1)) == pytest.approx(1)


@pytest.mark.parametrize(
    "path",
    ["linear", "working_days", "seasonal", "logistic", {"delayed": date(2025, 3, 1)}, {"points": {date(2025, 3, 31): "4.2%"}}],
)  # fmt: skip
@given(days=st.integers(-400, 800))
def test_every_path_runs_from_0_to_1(path, days) -> None:
    share = part(path, START + timedelta(days=days), FLAT)
    assert 0 <= share <= 1 + 1e-12
    if days <= 0:
        assert share == 0
    if days >= 365:
        assert share == pytest.approx(1)


def test_index_of_the_months_from_two_years() -> None:
    months = {
        date(y, m, 1): (2.0 if m == 12 else 1.0) * scale for y, scale in ((2023, 1), (2024, 10)) for m in range(1, 13)
    }
    index = seasonal_index(months)
    assert index[12] == pytest.approx(2 / (13 / 12)), "a year counts as much as another, however large its values"
    assert index[1] == pytest.approx(12 / 13)
    rolling = {date(2023 + (m + 5) // 12, (m + 5) % 12 + 1, 1): 1.0 for m in range(24)}
    assert seasonal_index(rolling) == pytest.approx(FLAT), "twelve months in a row are a year, whenever they begin"


def test_no_index_without_two_whole_years() -> None:
    months = {date(2023 + m // 12, m % 12 + 1, 1): 1.0 for m in range(24)}
    assert seasonal_index(months) is not None
    assert seasonal_index({k: v for k, v in months.items() if k != date(2023, 5, 1)}) is None
    assert seasonal_index(months | {date(2024, 3, 1): -30.0}) is None
    assert seasonal_index({}) is None
