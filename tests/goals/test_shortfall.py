"""SMART asks for the customers that show a goal to be missed by twice its tolerance."""

from datetime import date

import pytest

import crmtools as crm
from crmtools.goal_settings import GoalSettings
from crmtools.goals.detectable import customers_to_miss
from crmtools.goals.goal import goal_from
from crmtools.goals.smart import smart
from crmtools.period import Period
from crmtools.simulate import simulate_frames

TABLES = ("customers", "survey_answers", "survey_items")


@pytest.fixture(scope="module")
def data() -> crm.Data:
    frames = simulate_frames(seed=3, customers=1500, months=30, as_of=date(2025, 12, 31), tables=TABLES)
    return crm.open(**frames, as_of=date(2025, 12, 31))


def found(data: crm.Data, **more):
    usual = {"indicator": "nps", "baseline": "2024-Q4", "by": date(2025, 12, 31), "target": {"points": 15}}
    checks = smart(goal_from(GoalSettings.model_validate(usual | more)), data).checks
    return [check for check in checks if check.name.en == "Missing it by twice the tolerance would show"]


def test_enough_customers_or_how_many_are_needed(data) -> None:
    base = crm.measure("nps", data, period=Period.parse("2024-Q4"))
    for tolerance in (2.0, 12.0):
        needed = customers_to_miss(base, crm.CATALOGUE["nps"].kind, 2 * tolerance, better="higher")
        # one reading against a fixed target: its error must be 2·tolerance / (1.96 + 1.036)
        assert needed == pytest.approx(base.n * (base.se * 2.996 / (2 * tolerance)) ** 2, rel=0.05)
        (check,) = found(data, matters=tolerance)
        assert check.passed is (base.n >= needed)
        assert f"{needed:,}" in check.asked.en
        assert f"{base.n:,}" in check.found.en


def test_without_a_tolerance_there_is_no_such_question(data) -> None:
    assert found(data) == []
