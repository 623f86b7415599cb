"""Goals that were declared wrongly give one clear error, or an honest "no evidence": never a number."""

from datetime import date

import pandas as pd
import pytest
from pydantic import ValidationError

import crmtools as crm
from crmtools.goal_settings import GoalSettings
from crmtools.goals.evidence import TOO_FEW
from crmtools.goals.goal import goal_from, goal_problems
from crmtools.goals.judgement import judge
from crmtools.goals.reading import NO_SEASON, NOTHING_OF_NOTHING, read
from crmtools.indicators import CATALOGUE

USUAL = {"indicator": "churn_rate", "baseline": "2025-Q3", "from": date(2025, 10, 1), "by": date(2026, 6, 30), "target": {"to": "4%"}}  # fmt: skip


def declared(**changed) -> str:
    """All that is said about a declaration: while it is read, or of what it means."""
    written = {key: value for key, value in (USUAL | changed).items() if value is not ...}
    try:
        goal = GoalSettings.model_validate(written)
    except ValidationError as error:
        return str(error)
    return " ".join(f"{key} {message}" for key, message in goal_problems(goal, CATALOGUE[goal.indicator]))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"by": date(2025, 10, 1)}, "is not before its deadline"),
        ({"target": ...}, "a goal needs a target"),
        ({"baseline": ...}, "write the baseline"),
        ({"target": {"to": "5%"}, "baseline": "5%"}, "equals the baseline"),
        ({"target": {"to": "6%"}, "baseline": "5%"}, "points the wrong way"),
        ({"target": {"points": 0.5}}, "points the wrong way"),
        ({"target": {"relative": "-120%"}}, "take more away than there is"),
        ({"target": {"relative": "-20"}}, "with its per-cent sign"),
        ({"target": {"relative": "-20%"}, "baseline": "0%"}, "a share of nothing is nothing"),
        ({"target": {"relative": "-20%"}, "indicator": "nps"}, "may be negative or 0"),
        ({"target": {"to": "4%", "points": -1}}, "exactly one of to, points, relative"),
        ({"target": {"to": "104%"}}, "outside what churn_rate can be"),
        ({"target": {"to": -3}}, "would be -300 %"),
        ({"target": {"points": 0}}, "change of nothing"),
        ({"kind": "increase", "indicator": "nps", "target": {"to": 20}, "baseline": 10.0, "from": ...}, "needs 'from'"),
        ({"kind": "increase"}, ""),
        ({"kind": "increase", "target": {"points": -1}}, "the goal is to increase"),
        ({"kind": "stay_above", "target": {"to": "4%"}}, "points the wrong way"),
        ({"kind": "stay_below", "target": {"points": -1}}, "names it as {to"),
        ({"kind": "range", "target": {"between": ["6%", "4%"]}}, "holds nothing"),
        ({"kind": "range"}, "belong together"),
        ({"kind": "establish_baseline"}, "neither baseline nor target"),
        ({"kind": "sprint"}, "Input should be"),
        ({"path": "straight"}, "write linear, working_days"),
        ({"path": {"delayed": date(2025, 9, 1)}}, "which is not between"),
        ({"path": {"points": {date(2026, 7, 1): "4.5%"}}}, "which is not between"),
        ({"path": {"points": {date(2026, 1, 31): "450%"}}}, "2026-01-31: "),
        ({"kind": "stay_below", "path": "logistic"}, "has no path"),
        ({"guardrails": [{"indicator": "npss", "stay_above": 3}]}, "Did you mean 'nps'?"),
        ({"guardrails": [{"indicator": "nps"}]}, "exactly one of stay_above, stay_below"),
        ({"guardrails": [{"indicator": "nps", "stay_above": 300}]}, "outside what nps can be"),
        ({"matters": 2, "target": {"points": -1}}, "more than the whole change"),
        ({"matters": 0}, "greater than 0"),
        ({"weight": -1}, "greater than 0"),
    ],
)
def test_a_faulty_declaration_is_named(changed, said) -> None:
    found = declared(**changed)
    assert said in found
    assert bool(found) is bool(said)


# ---- what only the data can tell


@pytest.fixture(scope="module")
def data() -> crm.Data:
    """Sixty customers with a contract since 2024; from July 2025 on one leaves every week."""
    ids = [f"C{n:02}" for n in range(60)]
    ended = [pd.Timestamp(2025, 7, 1) + pd.Timedelta(weeks=n) if n < 26 else pd.NaT for n in range(60)]
    return crm.open(
        customers=pd.DataFrame({
            "customer_id": ids, "acquired_at": pd.Timestamp(2024, 1, 1), "region": ["north", "south"] * 30,
        }),
        subscriptions=pd.DataFrame({
            "subscription_id": ids, "customer_id": ids, "started_at": pd.Timestamp(2024, 1, 1), "ended_at": ended,
        }),
        as_of=date(2025, 12, 31),
    )  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"baseline": "2023-Q4"},  # nobody was there
        {"where": {"region": "nowhere"}},
        {"indicator": "nps", "target": {"to": 30}},  # no table of answers
        {"baseline": "2025-Q1", "target": {"relative": "-20%"}},  # nobody left: a share of nothing
        {"path": "seasonal", "target": {"to": "0.5%"}, "baseline": "10%"},  # no two years of months
    ],
)
def test_what_the_data_cannot_tell_is_no_evidence_and_says_why(data, changed) -> None:
    written = USUAL | changed
    reading = read(goal_from(GoalSettings.model_validate(written)), data)
    judged = judge(reading, data)
    assert reading.status == "no_evidence"
    assert reading.why is not None or reading.now.why is not None
    assert reading.expected is None
    if "path" not in changed:
        assert (reading.gap, reading.progress, judged.chance) == (None, None, None)
        assert judged.evidence == "no_evidence"
        assert judged.why is not None


def test_the_reasons_are_those_that_were_meant(data) -> None:
    relative = USUAL | {"baseline": "2025-Q1", "target": {"relative": "-20%"}}
    assert read(goal_from(GoalSettings.model_validate(relative)), data).why == NOTHING_OF_NOTHING
    assert (
        read(
            goal_from(
                GoalSettings.model_validate(USUAL | {"path": "seasonal", "target": {"to": "0.5%"}, "baseline": "10%"})
            ),
            data,
        ).why
        == NO_SEASON
    )
    few = USUAL | {"where": {"region": "north"}, "target": {"to": "1%"}}
    reading = read(goal_from(GoalSettings.model_validate(few)), data)
    assert judge(reading, data).why == TOO_FEW
