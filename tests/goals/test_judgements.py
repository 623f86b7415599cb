"""All goals of a report judged together: one judgement per reading, the verdicts adjusted for how many there are."""

from dataclasses import replace
from datetime import date

import pytest
from statsmodels.stats.multitest import multipletests

import crmtools as crm
from crmtools.goal_settings import GoalSettings
from crmtools.goals.judgement import judge
from crmtools.goals.scores import scores
from crmtools.simulate import simulate_frames

pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")

TABLES = ("customers", "survey_answers", "survey_items", "tickets")
GOALS = (
    {"indicator": "nps", "target": {"to": 60}},
    {"indicator": "csat_mean", "target": {"to": 4.2}},
    {"indicator": "csat_top2", "kind": "stay_above", "target": {"to": "40%"}, "baseline": None},
    {"indicator": "first_response_time", "target": {"to": 4}, "id": "hours"},
)


@pytest.fixture(scope="module")
def company() -> crm.Data:
    data = crm.open(**simulate_frames(seed=3, customers=400, as_of=date(2025, 12, 31), tables=TABLES))
    usual = {"baseline": "2024-Q4", "from": "2025-01-01", "by": "2026-06-30"}
    goals = tuple(GoalSettings.model_validate(usual | one) for one in GOALS)
    report = data.settings.report.model_copy(update={"period": crm.Period.parse("2025-Q4")})
    return replace(data, settings=data.settings.model_copy(update={"goals": goals, "report": report}))


def test_one_judgement_per_reading_with_the_same_evidence(company):
    readings = crm.scorecard(company)
    found = crm.judgements(readings, company)
    assert len(found) == len(readings)
    for one, reading in zip(found, readings, strict=True):
        assert judge(reading, company) == one, "a goal's page says what the first page says"
        assert (one.verdict is None) is (one.change is None)
    kept = found[2]
    assert (kept.change, kept.verdict, kept.p_adjusted) == (None, None, None), "a bound without a baseline"


def test_the_adjusted_p_is_that_of_benjamini_and_hochberg(company):
    found = [
        one
        for one in crm.judgements(crm.scorecard(company), company)
        if one.change is not None and one.change.p is not None
    ]
    assert len(found) >= 3
    adjusted = multipletests([one.change.p for one in found], method="fdr_bh")[1]
    assert [one.p_adjusted for one in found] == pytest.approx(list(adjusted))


def test_a_claim_that_does_not_survive_is_none(company):
    """With a share of false ones of nearly nothing no claim is left, and the reason is told."""
    now = crm.measure("csat_mean", company)
    far = {"indicator": "csat_mean", "baseline": now.value - 4 * now.se, "target": {"to": 4.9}, "id": "far"}
    goal = GoalSettings.model_validate({"from": "2025-01-01", "by": "2026-06-30"} | far)
    goals = (*company.settings.goals, goal)
    data = replace(company, settings=company.settings.model_copy(update={"goals": goals}))
    readings = crm.scorecard(data)
    free, strict = (crm.judgements(readings, data, q=q) for q in (0.999, 1e-12))
    claims = [n for n, one in enumerate(free) if one.verdict in ("improved", "worsened", "changed")]
    assert 4 in claims, "four errors above the baseline that was given"
    for n in claims:
        assert strict[n].verdict == "no_detectable_change"
        assert "comparisons" in strict[n].verdict_why.en
        assert strict[n].change == free[n].change


def test_what_has_no_evidence_counts_in_no_score(company):
    readings = list(crm.scorecard(company))
    told = list(crm.judgements(readings, company))
    told[0] = replace(told[0], evidence="no_evidence")
    all_, less = scores(readings).whole, scores(readings, judgements=told).whole
    assert less.counted == all_.counted - 1 or readings[0].progress is None
    assert less.coverage == pytest.approx(all_.coverage - 1 / 4)


def test_a_report_by_year_is_judged_without_a_forecast(company):
    report = company.settings.report.model_copy(update={"period": crm.Period.parse("2025")})
    yearly = replace(company, settings=company.settings.model_copy(update={"report": report}))
    found = crm.judgements(crm.scorecard(yearly), yearly)
    assert [one.chance for one in found] == [None] * 4
