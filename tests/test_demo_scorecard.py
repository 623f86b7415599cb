"""Every number of the demo's scorecard, of its quarter and of its last twelve months, against tests/by_hand.py."""

import shutil

import by_hand
import numpy as np
import pandas as pd
import pytest
from by_hand import Tables

import crmtools as crm
from crmtools.goals.reading import Reading

START, END = pd.Timestamp("2025-10-01"), pd.Timestamp("2026-01-01")
BASE = pd.Timestamp("2024-10-01"), pd.Timestamp("2025-01-01")
SHARES = (
    "csat_top2", "repeat_purchase_rate", "inactivity_rate", "churn_rate", "lead_conversion_rate", "survey_response_rate",
)  # fmt: skip
RATIOS = ("revenue_per_customer", "overdue_ratio")
RATES = {"complaint_rate": 100, "interaction_frequency": 1}
SUMMED = (*SHARES, *RATIOS, *RATES, "csat_mean", "nps", "cac")
GOALS = {  # goal: region, and the target as a function of the baseline
    "churn_rate": (None, lambda b: 0.8 * b),
    "nps": (None, lambda b: 36),
    "csat_top2": (None, lambda b: 0.72),
    "repeat_purchase_rate": (None, lambda b: 0.52),
    "cac": (None, lambda b: 0.9 * b),
    "first_response_time": ("south", lambda b: 4),
    "complaint_rate": (None, lambda b: 2.2),
    "overdue_ratio": (None, lambda b: 0.8 * b),
}
LOWER_IS_BETTER = ("churn_rate", "cac", "first_response_time", "complaint_rate", "overdue_ratio")


@pytest.fixture(scope="session")
def demo(tmp_path_factory, project_root) -> crm.Data:
    """The demo report in a folder of its own, so that the project's data folder is left as it is."""
    root = tmp_path_factory.mktemp("demo")
    (root / "parameters").mkdir()
    shutil.copy(project_root / "parameters" / "demo.yml", root / "parameters")
    return crm.open(root / "parameters" / "demo.yml")


@pytest.fixture(scope="session")
def tables(demo) -> Tables:
    return Tables.read(demo.settings.root / "data" / "demo")


@pytest.fixture(scope="session")
def scorecard(demo) -> crm.Scorecard:
    return crm.scorecard(demo)


def value_of(name: str, data: pd.DataFrame) -> tuple[float, int]:
    """Value and number of units."""
    if name == "first_response_time":
        return by_hand.kaplan_meier_median(data), data["unit"].nunique()
    scale = {"nps": 100, **RATES}.get(name, 1)
    return scale * data["v"].sum() / (1 if name == "backlog" else data["w"].sum()), data["unit"].nunique()


def interval_of(name: str, data: pd.DataFrame) -> tuple[float, float]:
    if name in SHARES:
        return by_hand.wilson(data)
    if name in RATES:
        return by_hand.garwood(data, RATES[name])
    if name == "first_response_time":
        effect = by_hand.design_effect(data, by_hand.kaplan_meier_median(data))
        return by_hand.brookmeyer_crowley(data, effect)
    by_name = {"nps": by_hand.adjusted_wald, "csat_mean": by_hand.student_t, "cac": by_hand.poisson_inverse}
    return by_name.get(name, by_hand.bootstrap_t)(data)


def agrees(found: crm.Estimate, name: str, data: pd.DataFrame) -> None:
    value, n = value_of(name, data)
    assert (found.value, found.n) == (pytest.approx(value, rel=1e-9), n), found.period.id
    if name in RATIOS:  # resampled: see the test of the quarter
        return
    if name == "csat_mean" and n < 30:
        chance = 0.08 * (found.high - found.low)
        assert (found.low, found.high) == pytest.approx(by_hand.bootstrap_t(data, log=False), abs=chance)
        return
    low, high = interval_of(name, data)
    assert (found.low, found.high) == (pytest.approx(low, rel=1e-6), pytest.approx(high, rel=1e-6)), found.period.id


@pytest.mark.parametrize("name", [*SUMMED, "first_response_time"])
def test_value_and_interval_of_the_quarter(demo, tables, name) -> None:
    agrees(crm.measure(name, demo), name, getattr(by_hand, name)(tables, START, END))


@pytest.mark.parametrize("name", RATIOS)
def test_interval_of_a_ratio_agrees_up_to_resampling(demo, tables, name) -> None:
    data = getattr(by_hand, name)(tables, START, END)
    found = crm.measure(name, demo)
    assert found.method == "log_bootstrap_t"
    chance = 0.06 * (found.high - found.low)
    assert (found.low, found.high) == pytest.approx(by_hand.bootstrap_t(data), abs=chance)
    assert found.se == pytest.approx(by_hand.clustered(data)[1] ** 0.5, rel=1e-9)


def test_backlog_is_a_count_without_an_interval(demo, tables) -> None:
    found = crm.measure("backlog", demo)
    assert (found.value, found.n) == value_of("backlog", by_hand.backlog(tables, START, END))
    assert (found.low, found.high) == (None, None)


def test_expected_share_of_silent_customers_by_a_fit_of_its_own(demo, tables) -> None:
    share, active = by_hand.expected_churn_share(tables, START, END)
    found = crm.measure("expected_churn_share", demo)
    assert (found.value, found.n) == (pytest.approx(share, abs=2e-5), active)
    assert found.low < share < found.high


@pytest.mark.parametrize("name", [*SUMMED, "first_response_time", "backlog"])
def test_trend_of_the_last_twelve_months(demo, tables, name) -> None:
    by_month = {}
    for first in pd.date_range("2025-01-01", "2025-12-01", freq="MS"):
        by_month[f"{first:%Y-%m}"] = getattr(by_hand, name)(tables, first, first + pd.DateOffset(months=1))
    found = crm.trend(name, demo, by="month", periods=12).estimates
    assert [e.period.id for e in found] == list(by_month)
    for estimate in found:
        data = by_month[estimate.period.id]
        if data["unit"].nunique() < 10:  # publish.smallest_group; nothing at all is not hidden, it is said
            assert (estimate.value, estimate.low, estimate.n) == (None, None, 0)
            assert estimate.suppressed == (len(data) > 0)
        elif name == "backlog":
            assert (estimate.value, estimate.n) == value_of(name, data)
        else:
            agrees(estimate, name, data)


@pytest.mark.parametrize("name", ["churn_rate", "nps", "complaint_rate", "first_response_time"])
def test_breakdown_by_region(demo, tables, name) -> None:
    found = crm.breakdown(name, demo, by="region").estimates
    assert {dict(e.group)["region"] for e in found} == {"north", "south", "east", "west"}
    assert [e.n for e in found] == sorted((e.n for e in found), reverse=True)
    for estimate in found:
        own = tables.only("region", dict(estimate.group)["region"])
        agrees(estimate, name, getattr(by_hand, name)(own, START, END))


@pytest.fixture(params=GOALS)
def reading(request, scorecard) -> Reading:
    return next(r for r in scorecard if r.goal.indicator.id == request.param)


def test_goal(reading, tables) -> None:
    """Baseline of a year before, now, target, gap, progress, where the plan expects it, time over, n."""
    name = reading.goal.indicator.id
    region, target_of = GOALS[name]
    own = tables.only("region", region) if region else tables
    before, now = (getattr(by_hand, name)(own, *span) for span in (BASE, (START, END)))
    agrees(reading.baseline, name, before)
    agrees(reading.now, name, now)
    (b, _), (x, n) = value_of(name, before), value_of(name, now)
    target = target_of(b)
    elapsed = 365 / 546  # of 2025-01-01 to 2026-06-30
    sign = -1 if name in LOWER_IS_BETTER else 1
    assert reading.now.n == n
    assert reading.target == pytest.approx(target, rel=1e-9)
    assert reading.gap == pytest.approx(sign * (target - x), rel=1e-9)
    assert reading.progress == pytest.approx((x - b) / (target - b), rel=1e-9)
    assert reading.expected == pytest.approx(b + elapsed * (target - b), rel=1e-9)
    assert reading.elapsed == pytest.approx(elapsed, rel=1e-12)
    limits = sorted(sign * (target - limit) for limit in (reading.now.low, reading.now.high))
    assert (reading.gap_low, reading.gap_high) == pytest.approx(limits)
    lag = elapsed - (x - b) / (target - b)
    status = "reached" if lag <= elapsed - 1 else "on_track" if lag < 0.165 else "behind" if lag < 0.33 else "at_risk"
    assert reading.status == status


def test_progress_error_by_drawing(reading) -> None:
    """Baseline and value now are drawn from their standard errors; the spread of the progress is the one that is said."""
    random = np.random.default_rng(5)
    b, x = (random.normal(e.value, e.se / 20, 200_000) for e in (reading.baseline, reading.now))  # small: it is linear
    _, target_of = GOALS[reading.goal.indicator.id]
    progress = (x - b) / (target_of(b) - b)
    assert reading.progress_se == pytest.approx(20 * progress.std(), rel=0.02)


def test_scorecard_has_the_goals_of_the_parameters_file(scorecard) -> None:
    assert [r.goal.indicator.id for r in scorecard] == list(GOALS)


def test_what_is_left_out_is_counted(demo, tables) -> None:
    answers = by_hand.between(tables["survey_answers"].query("item_id == 'recommend'"), "answered_at", START, END)
    earlier = len(answers) - answers["customer_id"].nunique()
    spam = len(by_hand.between(tables["tickets"].query("type == 'spam'"), "created_at", START, END))
    undone = len(by_hand.between(tables["orders"].query("status != 'completed'"), "ordered_at", START, END))
    assert dict(crm.measure("nps", demo).excluded) == {"earlier_answer": earlier}
    assert dict(crm.measure("first_response_time", demo).excluded) == {"spam": spam}
    assert dict(crm.measure("revenue_per_customer", demo).excluded) == {"not_completed": undone}
