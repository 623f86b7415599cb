"""The track record: which pasts it takes, that it is the backtest of these, and that it is kept."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import crmtools as crm
from crmtools.estimating import estimates
from crmtools.goal_settings import GoalSettings
from crmtools.goals.backtest import backtest
from crmtools.goals.goal import goal_from
from crmtools.goals.record import AHEAD, EVERY, FIRST, pasts, track_record
from crmtools.goals.series import Series

pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


def company(months: int, goals, *, last="2025-12", segments=("region",), period="2025-12") -> crm.Data:
    """Two regions of 60 and one of 10 who answer every month; the share of the satisfied wanders."""
    rng = np.random.default_rng(11)
    people = pd.DataFrame({"customer_id": [f"k{n}" for n in range(130)]})
    people["region"] = ["south"] * 60 + ["north"] * 60 + ["east"] * 10
    rows, level = [], 0.0
    for month in pd.period_range(end=last, periods=months, freq="M"):
        level = 0.9 * level + 0.3 * rng.standard_normal()
        good = rng.random(130) < 1 / (1 + np.exp(-level))
        rows += [(f"k{n}", month.start_time + pd.Timedelta(days=5), 5.0 if good[n] else 1.0) for n in range(130)]
    answers = pd.DataFrame(rows, columns=["customer_id", "answered_at", "value"])
    data = crm.open(
        customers=people,
        survey_answers=answers.assign(response_id=range(len(answers)), item_id="q"),
        survey_items=pd.DataFrame([{"item_id": "q", "metric": "csat", "scale_min": 1, "scale_max": 5}]),
        as_of=pd.Period(last, "M").end_time.date(),
    )
    usual = {
        "baseline": "60%",
        "from": "2025-01-01",
        "by": "2026-06-30",
        "target": {"to": "70%"},
        "indicator": "csat_top2",
    }
    made = tuple(GoalSettings.model_validate(usual | one) for one in goals)
    report = data.settings.report.model_copy(update={"segments": segments, "period": crm.Period.parse(period)})
    return replace(data, settings=data.settings.model_copy(update={"goals": made, "report": report}))


@pytest.fixture(scope="module")
def three_years() -> crm.Data:
    return company(36, [{}, {"where": {"region": "south"}, "id": "south"}, {"id": "again", "target": {"to": "80%"}}])


def goals_of(data):
    return [goal_from(settings) for settings in data.settings.goals]


def test_every_goal_and_the_segments_of_its_customers(three_years):
    """All customers, north and south; of the goal about the south just itself; ten in the east are too few."""
    step, found = pasts(goals_of(three_years)[:2], three_years)
    assert step == "month"
    assert len(found) == 4
    spans = three_years.period.up_to(48, "month")
    south = Series.of(estimates("csat_top2", three_years, spans, where={"region": "south"}))
    assert [series.values == south.values for series, _ in found].count(True) == 2
    assert {side for _, side in found} == {"higher"}
    assert all(len(series) == 48 and series.known == 36 for series, _ in found)


def test_the_record_is_the_backtest_of_distinct_pasts(three_years):
    step, found = pasts(goals_of(three_years)[:2], three_years)
    own = backtest(
        [series for series, _ in found], better="higher", horizons=AHEAD[step], first=FIRST[step], every=EVERY[step]
    )
    record = track_record(three_years)
    assert record == own, "a second goal on the same indicator and customers adds nothing"
    assert record.why is None
    assert 0 < record.brier < 0.25


def test_it_is_kept_and_found_again_whole(three_years, monkeypatch):
    first = track_record(three_years)
    monkeypatch.setattr("crmtools.goals.record.pasts", lambda *a: pytest.fail("worked out again"))
    assert track_record(three_years) == first


def test_another_way_to_forecast_is_another_record(three_years, monkeypatch):
    track_record(three_years)
    monkeypatch.setattr("crmtools.remembered.made_by", lambda: "changed")
    monkeypatch.setattr("crmtools.goals.record.pasts", lambda *a: (None, []))
    assert track_record(three_years).origins == 0


def test_too_little_past_says_so():
    new = company(14, [{}])
    record = track_record(new)
    assert record.brier is None
    assert "too little past" in record.why.en
    assert track_record(new) == record
    assert track_record(replace(new, settings=new.settings.model_copy(update={"goals": ()}))).why is not None


def test_quarters_where_there_are_no_two_years_of_months():
    data = company(23, [{}], period="2025-Q4")
    step, found = pasts(goals_of(data), data)
    assert step == "quarter"
    assert all(series.step == "quarter" for series, _ in found)
    assert pasts(goals_of(company(24, [{}], period="2025-Q4")), company(24, [{}], period="2025-Q4"))[0] == "month"


def test_a_goal_that_cannot_be_computed_is_left_out(three_years):
    churn = GoalSettings.model_validate(
        {
            "indicator": "churn_rate",
            "baseline": "5%",
            "from": date(2025, 1, 1),
            "by": date(2026, 6, 30),
            "target": {"to": "4%"},
        }
    )
    alone = replace(three_years, settings=three_years.settings.model_copy(update={"goals": (churn,)}))
    assert track_record(alone).origins == 0
