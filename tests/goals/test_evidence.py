"""What the data can say about a goal: every rule at its edge."""

from datetime import date
from types import SimpleNamespace

import pytest

from crmtools import CATALOGUE, Estimate, Period
from crmtools.goals import evidence as rules
from crmtools.goals.evidence import Case, behind, evidence, kept, settled, unfit, worst_and_best
from crmtools.goals.guardrails import Guard

Q4 = Period.parse("2025-Q4")


def estimate(value, half=None, **more) -> Estimate:
    limits = {"low": value - half, "high": value + half, "se": half / 1.96} if half is not None else {}
    usual = {"n": 200, "method": "wilson", "maturity": 1.0, "data_until": date(2025, 12, 31)}
    return Estimate("nps", Q4, date(2025, 12, 31), value, **limits | usual | more)


def case(
    now, *, target=40.0, expected=30.0, sign=1.0, chance=0.5, over=False, elapsed=0.5, error=0.0, spread=0.3
) -> Case:
    return Case(now, target, expected, sign, chance, over, elapsed, error, spread)


def test_met_is_an_interval_wholly_beyond_the_target() -> None:
    assert evidence(case(estimate(45, 5))) == "met"
    assert evidence(case(estimate(45, 5.1))) != "met"
    assert evidence(case(estimate(35, 5), target=40, sign=-1)) == "met"
    assert evidence(case(estimate(45, 5), over=True)) == "met"


def test_after_the_deadline_it_is_missed_or_missed_within_error() -> None:
    assert evidence(case(estimate(34, 5), over=True)) == "missed"
    assert evidence(case(estimate(36, 5), over=True)) == "missed_within_error"
    assert evidence(case(estimate(44, 5), over=True)) == "met_within_error"
    assert evidence(case(estimate(46, 5), over=True, sign=-1)) == "missed"


def test_at_risk_asks_for_a_poor_chance_and_for_a_value_behind_the_plan() -> None:
    far, near = estimate(20, 5), estimate(28, 5)
    assert evidence(case(far, chance=0.2)) == "at_risk"
    assert evidence(case(far, chance=None)) == "at_risk", "without a forecast the plan alone speaks"
    assert evidence(case(far, chance=0.3)) == "undecided"
    assert evidence(case(near, chance=0.2)) == "undecided", "the plan's value is within the error"
    assert evidence(case(far, chance=0.2, expected=None)) == "undecided", "without a plan nothing is behind it"


def test_likely_from_seven_in_ten_unless_the_progress_is_too_vague() -> None:
    assert evidence(case(estimate(32, 5), chance=0.70)) == "on_track"
    assert evidence(case(estimate(32, 5), chance=0.69)) == "undecided"
    assert evidence(case(estimate(32, 5), chance=0.9, spread=1.01)) == "undecided"
    assert evidence(case(estimate(32, 5), chance=None)) == "undecided"
    assert evidence(case(estimate(32, 5), chance=0.9, elapsed=0)) == "not_started"


def test_behind_is_tested_one_sided_at_a_twentieth() -> None:
    # 1.645 of the 1.96 standard errors that the interval reaches
    assert behind(case(estimate(30 - 5 * 1.645 / 1.96 - 0.01, 5)))
    assert not behind(case(estimate(30 - 5 * 1.645 / 1.96 + 0.01, 5)))
    assert behind(case(estimate(40, 5), expected=30, sign=-1))
    # errors of 3 and 4 are one of 5
    now = estimate(30 - 5 * 1.645 - 0.01, 3 * 1.96)
    assert behind(case(now, error=4.0))
    assert not behind(case(now, error=4.1))


def test_a_complete_count_has_no_error_and_an_unknown_error_holds_everything() -> None:
    assert worst_and_best(estimate(3.0, method="census"), 1.0) == (3.0, 3.0)
    assert worst_and_best(estimate(3.0), 1.0) == (float("-inf"), float("inf"))
    assert worst_and_best(estimate(3.0, 1.0), -1.0) == (-4.0, -2.0)
    assert evidence(case(estimate(45.0), over=True)) == "met_within_error"


@pytest.mark.parametrize(
    ("values", "over", "status"),
    [
        ([(95, 2), (96, 2)], False, "on_track"),
        ([(95, 2), (96, 2)], True, "met"),
        ([(95, 2), (85, 2)], False, "at_risk"),
        ([(95, 2), (85, 2)], True, "missed"),
        ([(95, 2), (90.5, 2)], False, "undecided"),
        ([(95, 2), (90.5, 2)], True, "met_within_error"),
        ([(95, 2), (89.5, 2)], True, "missed_within_error"),
        ([], True, "no_evidence"),
    ],
)
def test_a_bound_is_kept_in_all_periods_or_not(values, over, status) -> None:
    readings = tuple(estimate(value, half) for value, half in values)
    assert kept(readings, (90.0, float("inf")), over=over, begun=True) == status


def test_a_range_has_two_sides() -> None:
    assert kept((estimate(50, 2),), (40.0, 60.0), over=True, begun=True) == "met"
    assert kept((estimate(65, 2),), (40.0, 60.0), over=True, begun=True) == "missed"
    assert kept((estimate(50, 2),), (40.0, 60.0), over=False, begun=False) == "not_started"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"n": 29}, rules.TOO_FEW),
        ({"n": 29, "method": "census"}, None),
        ({"maturity": 0.79}, rules.UNRIPE),
        ({"data_until": date(2025, 11, 15)}, rules.OUTDATED),
        ({"data_until": date(2025, 11, 16)}, None),
        ({}, None),
    ],
)
def test_what_must_not_be_judged(changed, why) -> None:
    goal = SimpleNamespace(indicator=CATALOGUE["nps"])
    assert unfit(estimate(30, 5, **changed), goal) == why


def test_a_share_needs_five_of_either_kind() -> None:
    goal = SimpleNamespace(indicator=CATALOGUE["churn_rate"])
    few = estimate(0.02, 0.01, numerator=4.0, denominator=200.0)
    assert unfit(few, goal) == rules.TOO_FEW_EVENTS
    assert unfit(estimate(0.98, 0.01, numerator=196.0, denominator=200.0), goal) == rules.TOO_FEW_EVENTS
    assert unfit(estimate(0.03, 0.01, numerator=6.0, denominator=200.0), goal) is None


def test_the_status_does_not_flutter() -> None:
    assert settled("on_track", "undecided", (0.72, 0.68), False) == "on_track"
    assert settled("on_track", "undecided", (0.72, 0.60), False) == "undecided"
    assert settled("on_track", "undecided", (0.72, 0.68), True) == "undecided"
    assert settled("on_track", "missed", (0.72, 0.70), False) == "missed"
    assert settled("no_evidence", "on_track", (None, 0.72), False) == "on_track"


@pytest.mark.parametrize(
    ("value", "half", "side", "state"),
    [
        (70, 4, "above", "kept"), (66, 4, "above", "undecided"), (60, 4, "above", "breached"),
        (60, 4, "below", "kept"), (66, 4, "below", "undecided"), (70, 4, "below", "breached"),
        (65, None, "below", "undecided"),
    ],
)  # fmt: skip
def test_a_guardrail_is_breached_where_the_whole_interval_is_beyond_it(value, half, side, state) -> None:
    assert Guard(estimate(value, half), 65.0, side).state == state


def test_a_guardrail_without_a_value_says_nothing() -> None:
    assert Guard(estimate(None), 65.0, "above").state == "no_evidence"
    assert Guard(estimate(64.9, method="census"), 65.0, "above").state == "breached"
