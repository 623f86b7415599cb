"""The planted stories of two simulated companies are found, where they are, and nothing is found where nothing was planted."""

from dataclasses import replace
from datetime import date

import pytest

import crmtools as crm
from crmtools.goal_settings import GoalSettings
from crmtools.goals.drivers import drivers
from crmtools.goals.goal import goal_from
from crmtools.goals.reading import read
from crmtools.period import Period
from crmtools.simulate.company import COMPANIES
from crmtools.simulate.demo import draw
from crmtools.simulate.world import World

TABLES = {
    "telecom": ("customers", "subscriptions", "tickets", "survey_answers", "survey_items"),
    "shop": ("customers", "tickets", "survey_answers", "survey_items"),
}
GOALS = {"telecom": ("churn_rate", "csat_mean", "first_response_time"), "shop": ("nps", "complaint_rate")}


def company(name: str, **changed) -> crm.Data:
    world = World.of(
        seed=7, customers=12000, months=37, as_of=date(2026, 1, 31), company=replace(COMPANIES[name], **changed)
    )
    frames = {table: part.to_pandas(date_as_object=False) for table, part in draw(world, TABLES[name]).items()}
    data = crm.open(**frames, as_of=date(2026, 1, 31))
    report = data.settings.report.model_copy(
        update={"period": Period.parse("2025-Q4"), "segments": ("region", "customer_type")}
    )
    return replace(data, settings=data.settings.model_copy(update={"report": report}))


def found(data: crm.Data, name: str):
    goals = [
        GoalSettings(indicator=i, baseline="2024-Q4", by=date(2026, 6, 30), target={"points": 0.1 if i in ("csat_mean", "nps") else -0.1})
        for i in GOALS[name]
    ]  # fmt: skip
    return drivers([read(goal_from(goal), data) for goal in goals], data)


@pytest.mark.parametrize(
    ("name", "groups", "still"),
    [("telecom", ("east", "south"), ("north", "west")), ("shop", ("north", "south"), ("east", "west"))],
)
def test_what_was_planted_is_found_where_it_was_planted(name, groups, still) -> None:
    told = {one.reading.id: one for one in found(company(name), name)}
    assert set(told) == set(GOALS[name])
    for one in told.values():
        assert (one.by, one.improved, one.groups, one.still) == ("region", True, groups, still)
        assert {other.id for other in one.alike} == set(GOALS[name]) - {one.reading.id}


def test_nothing_is_found_where_nothing_was_planted() -> None:
    quiet = company("telecom", faster_response_regions=())
    assert found(quiet, "telecom") == ()


def test_a_goal_whose_baseline_was_written_down_has_no_groups_to_compare() -> None:
    data = company("shop")
    goal = GoalSettings(
        indicator="nps", baseline=20.0, by=date(2026, 6, 30), target={"to": 30}, **{"from": "2025-01-01"}
    )
    assert drivers([read(goal_from(goal), data)], data) == ()
