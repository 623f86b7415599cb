"""The groups that moved: one rule for the first page and the pages of goals, and no claim that one of many makes by chance."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

import crmtools as crm
from crmtools.goal_settings import GoalSettings
from crmtools.goals.change import change
from crmtools.goals.goal import goal_from
from crmtools.goals.moved import FALSE, Moves, _compared, _side, moves, moves_of
from crmtools.goals.reading import read
from crmtools.period import Period

AS_OF, THEN, NOW = date(2025, 12, 31), "2024-Q4", "2025-Q4"
REGIONS = tuple(f"r{n:02}" for n in range(12))
# of 200 customers of a region so many bought again, then and now; most regions stay where they were
BOUGHT = dict.fromkeys(REGIONS, (100, 101)) | {"r03": (100, 124), "r07": (60, 140), "r09": (140, 60)}


@pytest.fixture(scope="module")
def company() -> crm.Data:
    """Answers of 200 customers in each of twelve regions, then and now: satisfied or not; two goals on them."""
    rows = [
        (f"{region}-{when}-{n}", region, day, 5.0 if n < good else 1.0)
        for region, counts in BOUGHT.items()
        for when, day, good in zip("ab", ("2024-11-10", "2025-12-28"), counts, strict=True)
        for n in range(200)
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "region", "answered_at", "value"])
    data = crm.open(
        customers=frame[["customer_id", "region"]],
        survey_answers=frame.drop(columns="region").assign(response_id=range(len(frame)), item_id="q"),
        survey_items=pd.DataFrame([{"item_id": "q", "metric": "csat", "scale_min": 1, "scale_max": 5}]),
        as_of=AS_OF,
    )
    report = data.settings.report.model_copy(update={"period": Period.parse(NOW), "segments": ("region",)})
    usual = {"baseline": THEN, "by": "2026-06-30"}
    goals = tuple(
        GoalSettings.model_validate(usual | one)
        for one in (
            {"indicator": "csat_top2", "target": {"points": 5}},
            {"indicator": "csat_mean", "target": {"points": 0.2}},
        )
    )
    return replace(data, settings=data.settings.model_copy(update={"report": report, "goals": goals}))


def compared(company: crm.Data, indicator: str) -> dict[str, crm.Change]:
    sides = (crm.breakdown(indicator, company, by="region", period=span).estimates for span in (THEN, NOW))
    then, now = ({dict(one.group)["region"]: one for one in side} for side in sides)
    kind = crm.CATALOGUE[indicator].kind
    return {name: change(then[name], now[name], kind, better="higher") for name in then}


def test_all_groups_of_all_goals_are_judged_together(company) -> None:
    """By Holm's procedure, written out here: the k-th smallest p against 5 % / (m − k + 1), until one is larger."""
    changes = {
        (goal, name): one for goal in ("csat_top2", "csat_mean") for name, one in compared(company, goal).items()
    }
    order = sorted(changes, key=lambda key: changes[key].p)
    fails = [changes[key].p > FALSE / (len(order) - place) for place, key in enumerate(order)]
    seen = set(order[: fails.index(True)])
    assert ("csat_top2", "r03") not in seen, "by itself it would be"
    assert changes["csat_top2", "r03"].verdict == "improved"
    found = moves(crm.scorecard(company).readings, company)
    assert {(one.goal, name) for one in found for name in (*one.improved, *one.worse)} == seen
    assert {one.among for one in found} == {24}
    assert not any("r03" in one.still for one in found if one.goal == "csat_top2"), (
        "alone it would be seen: nothing is said of it"
    )
    assert found[0] == Moves(
        "csat_top2", "region", ("r07",), ("r09",), (), tuple(r for r in REGIONS if r not in ("r03", "r07", "r09")), 24
    )


def test_a_goals_page_and_the_first_page_name_the_same_groups(company) -> None:
    readings = crm.scorecard(company).readings
    together = moves(readings, company)
    for reading in readings:
        own = tuple(one for one in together if one.goal == reading.id)
        assert crm.goal_parts(reading, company).moves == moves_of(reading, company) == own


def test_a_goal_that_is_not_of_the_report_is_judged_among_those_that_are(company) -> None:
    other = read(goal_from(company.settings.goals[0].model_copy(update={"id": "more"})), company)
    (own,) = moves_of(other, company)
    assert own.among == 36


def test_a_range_to_keep_has_no_better_side_of_its_own(company) -> None:
    """Whether its nearest bound lies above or below says nothing about a change: neither way is better where the indicator says so."""
    reading = crm.scorecard(company).readings[0]
    item = replace(reading.goal.indicator, better="range")
    settings = reading.goal.settings.model_copy(update={"kind": "range"})
    kept = replace(reading, goal=replace(reading.goal, indicator=item, settings=settings))
    assert (reading.improves, kept.goal.controls, kept.improves) == ("higher", True, "range")
    found = _compared(kept, company, "region")
    assert {one.better for one in found.values()} == {"range"}
    changes = [replace(one, verdict="changed") for one in found.values()]
    assert {_side(one, sure=True) for one in changes} == {"changed"}
    assert {_side(one, sure=False) for one in changes} == {""}


def test_a_reading_that_must_not_be_judged_names_no_group(company) -> None:
    readings = crm.scorecard(company).readings
    old = [replace(one, now=replace(one.now, data_until=date(2025, 6, 30))) for one in readings]
    assert moves(old, company) == ()
