"""How often a goal is called at risk or missed: one that is exactly on its way, and one that falls short by twice its tolerance.

A net promoter score is read every month from answers of independent customers; a year of months lies before the goal, and the
goal runs for a year on a straight path. The customers a month are those that are asked for to see a shortfall of twice the
tolerance in four of five cases. The table is printed.
"""

import sys

import numpy as np
import pytest

from crmtools import CATALOGUE, Estimate, Period
from crmtools.goal_settings import GoalSettings
from crmtools.goals.detectable import customers_to_miss
from crmtools.goals.goal import goal_from
from crmtools.goals.judgement import standing
from crmtools.goals.reading import Reading
from crmtools.indicators.kinds import NetShare
from crmtools.indicators.moments import Request, Sums
from crmtools.measuring import Trend

pytestmark = pytest.mark.slow
BEFORE, MONTHS, REPEATS = 12, 12, 300
BASE, TARGET, TOLERANCE = 20.0, 32.0, 4.0
FIRST = Period.parse("2024-01")
REQUEST = Request(None, (), None, {}, 0.95)


def read_nps(rng: np.random.Generator, truth: float, n: int, period: Period) -> Estimate:
    """A month of answers: a quarter of passives, the rest split so that the score is the truth."""
    promoters = (0.75 + truth / 100) / 2
    counts = rng.multinomial(n, [promoters, 0.25, 0.75 - promoters])
    plus, minus = counts[0], counts[2]
    sums = Sums(n, n, float(plus - minus), float(n), float(plus + minus), float(plus - minus), float(n), float(plus + minus), float(n))  # fmt: skip
    found = NetShare().figures(sums, REQUEST, None)
    return Estimate(
        "nps", period, period.last_day, found.value, found.low, found.high, found.se, n=n, rows=n, method=found.method,
        numerator=found.numerator, denominator=found.denominator, maturity=1.0, data_until=period.last_day,
    )  # fmt: skip


def readings(rng: np.random.Generator, shortfall: float, n: int) -> list[str]:
    """The evidence status at the end of every month of one goal."""
    months = [FIRST.shift(m) for m in range(BEFORE + MONTHS)]
    way = TARGET - shortfall - BASE
    truth = [BASE + way * max(m - BEFORE + 1, 0) / MONTHS for m in range(BEFORE + MONTHS)]
    seen = [read_nps(rng, value, n, month) for value, month in zip(truth, months, strict=True)]
    settings = GoalSettings(
        indicator="nps", baseline=months[BEFORE - 1], by=months[-1].last_day, target={"to": TARGET}, matters=TOLERANCE
    )
    goal = goal_from(settings)
    statuses = []
    for month in range(BEFORE, BEFORE + MONTHS):
        past = Trend(CATALOGUE["nps"], tuple(seen[: month + 1]))
        reading = Reading(
            goal, seen[BEFORE - 1], seen[month], past, "on_track", (month - BEFORE + 1) / MONTHS, target=TARGET
        )
        statuses.append(standing(reading, past).evidence)
    return statuses


def test_false_alarms_are_rare_and_real_ones_are_found(capsys) -> None:
    known = read_nps(np.random.default_rng(1), BASE, 400, FIRST)
    n = customers_to_miss(known, CATALOGUE["nps"].kind, 2 * TOLERANCE, better="higher")
    # one sample against a fixed target: an error of 2·tolerance / (1.96 + 1.04), variance of a unit about .75 − .2²
    assert n == pytest.approx((0.75 - 0.04) * 100**2 * ((1.96 + 1.036) / (2 * TOLERANCE)) ** 2, rel=0.05)
    rows = {}
    for name, shortfall in (("exactly on path", 0.0), ("short by twice the tolerance", 2 * TOLERANCE)):
        rng = np.random.default_rng([20260101, round(shortfall)])
        rows[name] = [readings(rng, shortfall, n) for _ in range(REPEATS)]
    bad = ("at_risk", "missed")
    false = np.mean([status in bad for goal in rows["exactly on path"] for status in goal])
    found = np.mean([goal[-1] in bad for goal in rows["short by twice the tolerance"]])
    with capsys.disabled():
        for name, goals in rows.items():
            share = [np.mean([goal[month] in bad for goal in goals]) for month in range(MONTHS)]
            sys.stdout.write(f"\n{name:30s} n = {n} a month; at risk or missed, month by month: " + " ".join(f"{x:.2f}" for x in share))  # fmt: skip
        sys.stdout.write(f"\non path, all readings {false:.3f}; short, at the deadline {found:.3f}\n")
    assert false <= 0.06
    assert found >= 0.80
