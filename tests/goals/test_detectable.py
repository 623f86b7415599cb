"""The smallest detectable change: the published table, closed formulas, and power counted in simulated waves."""

import math

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower
from two_waves import BEFORE, NOW, customers_needed, estimate, given, median, shares, smallest_change

from crmtools import CRMError
from crmtools.goals.change import change
from crmtools.goals.detectable import (
    Waves,
    needed,
    smallest_between,
    smallest_by_customers,
    smallest_mean,
    smallest_rate,
    smallest_ratio,
    smallest_share,
)
from crmtools.indicators.kinds import Duration, Mean, NetShare, Rate, Ratio, Share, Total

NPS_SD = 100 * math.sqrt(0.45 + 0.25 - 0.20**2)
"""Of one answer, with 45 % promoters and 25 % detractors."""


@pytest.mark.parametrize(
    ("n", "nps", "csat", "top2", "churn"),
    [
        (100, 32.2, 0.40, 17.2, 8.6),
        (200, 22.8, 0.28, 12.1, 6.1),
        (400, 16.1, 0.20, 8.6, 4.3),
        (1000, 10.2, 0.13, 5.4, 2.7),
        (2000, 7.2, 0.09, 3.8, 1.9),
    ],
)
def test_table_of_what_two_waves_can_see(n, nps, csat, top2, churn) -> None:
    """Two-sided 5 %, power 80 %, independent waves of n: NPS with 45 and 25 %, a score with sd 1, 75 %, 5 % a month."""
    waves = Waves(n)
    assert round(smallest_mean(NPS_SD, waves), 1) == nps
    assert round(smallest_mean(1.0, waves), 2) == csat
    assert round(100 * smallest_share(0.75, waves), 1) == top2
    assert round(100 * smallest_share(0.05, waves), 1) == churn


def test_waves_by_hand() -> None:
    assert Waves(100).errors_needed == pytest.approx(2.801585, rel=1e-6)
    assert Waves(100).error == pytest.approx(math.sqrt(0.02))
    assert Waves(100, 400).error == pytest.approx(math.sqrt(0.01 + 0.0025))
    assert Waves(100, math.inf, 0.5).error == pytest.approx(0.1)
    assert Waves(100, 100, 0.5).error == pytest.approx(0.1)
    assert smallest_ratio(200, 1.5, Waves(400)) == pytest.approx(200 * math.expm1(2.801585 * 1.5 * math.sqrt(0.005)))
    assert smallest_ratio(200, 1.5, Waves(400), toward="down") == pytest.approx(
        -200 * math.expm1(-2.801585 * 1.5 * math.sqrt(0.005))
    )


def test_share_allows_for_where_it_goes() -> None:
    """The change is its own errors: solved here by going through all shares."""
    for share, toward, sign in ((0.05, "up", 1), (0.05, "down", -1), (0.75, "up", 1), (0.0, "up", 1)):
        found = smallest_share(share, Waves(900, 600), toward=toward)
        steps = np.linspace(1e-6, share if sign < 0 else 1 - share, 400_000)
        then = share + sign * steps
        pooled = (600 * share + 900 * then) / 1500
        error = np.sqrt(pooled * (1 - pooled) * (1 / 600 + 1 / 900))
        power = np.sqrt(share * (1 - share) / 600 + then * (1 - then) / 900)
        assert found == pytest.approx(steps[np.argmax(steps >= 1.959964 * error + 0.841621 * power)], abs=5e-6)


def test_falling_towards_nothing_may_be_out_of_sight() -> None:
    assert smallest_share(0.05, Waves(50), toward="down") is None
    assert smallest_share(0.05, Waves(200), toward="down") < smallest_share(0.05, Waves(200), toward="up")
    assert smallest_share(0.0, Waves(200), toward="down") is None
    assert smallest_share(0.0, Waves(200)) is None
    assert smallest_share(0.5, Waves(4)) is None
    assert smallest_rate(0.01, Waves(100), toward="down") is None
    assert smallest_rate(0.0, Waves(100)) is None
    # three effective customers could show a rise of 2.3 points only; with −50 there is room for 50 down, with 90 for 10 up
    for value, better in ((-50.0, "lower"), (90.0, "higher")):
        assert smallest_between(value, "net_share", Waves(1 / 30**2), better) is None


def test_customers_needed_for_a_wanted_change() -> None:
    """With one variance both ways it is 2·(2.80·σ/δ)², rounded up; statsmodels solves the same."""
    assert needed(lambda w: smallest_mean(1.0, w), 0.2) == math.ceil(2 * (2.801585 / 0.2) ** 2) == 393
    expected = NormalIndPower().solve_power(effect_size=0.2, alpha=0.05, power=0.8)
    assert needed(lambda w: smallest_mean(1.0, w), 0.2) == pytest.approx(expected, abs=1)
    assert needed(lambda w: smallest_mean(NPS_SD, w), 5) == math.ceil(2 * 0.66 * (2.801585 / 0.05) ** 2)
    n = needed(lambda w: smallest_share(0.75, w, toward="up"), 0.05)
    assert smallest_share(0.75, Waves(n), toward="up") <= 0.05 < smallest_share(0.75, Waves(n - 1), toward="up")
    paired = needed(lambda w: smallest_mean(1.0, w), 0.2, waves=Waves(1, correlation=0.5))
    assert paired == math.ceil((2.801585 / 0.2) ** 2)


def test_a_small_baseline_cannot_be_made_up_for() -> None:
    """A baseline of 200 has an error of its own, which no later wave takes away."""
    alone = 2.801585 / math.sqrt(200)
    assert needed(lambda w: smallest_mean(1.0, w), 0.9 * alone, waves=Waves(1, 200)) is None
    n = needed(lambda w: smallest_mean(1.0, w), 1.1 * alone, waves=Waves(1, 200))
    assert n == math.ceil(1 / ((1.1 * alone / 2.801585) ** 2 - 1 / 200))
    # with half of its error shared a wave may help up to four times the baseline, and no further
    assert needed(lambda w: smallest_mean(1.0, w), 0.87 * alone, waves=Waves(1, 200, 0.5)) is not None
    assert needed(lambda w: smallest_mean(1.0, w), 0.86 * alone, waves=Waves(1, 200, 0.5)) is None


def test_from_a_measured_baseline(rng) -> None:
    half = shares(60, 120, period=BEFORE)
    assert smallest_change(half, Share(), better="higher") == pytest.approx(
        smallest_share(0.5, Waves(120), toward="up")
    )
    assert smallest_change(half, Share(), n=480) == pytest.approx(smallest_share(0.5, Waves(480, 120), toward="up"))
    assert customers_needed(half, Share(), 0.19, better="higher") == needed(
        lambda w: smallest_share(0.5, w, toward="up"), 0.19, waves=Waves(1, 120)
    )
    # four equal rows a customer are one
    four = estimate(Share(), 4 * (rng.random(400) < 0.3), np.full(400, 4.0), period=BEFORE, rows=np.full(400, 4))
    assert smallest_change(four, Share(), better="higher") == pytest.approx(
        smallest_share(four.value, Waves(400), toward="up"), rel=0.01
    )
    scores = rng.normal(4, 1.3, 250)
    mean = estimate(Mean(), scores, period=BEFORE)
    assert smallest_change(mean, Mean(), n=500) == pytest.approx(
        smallest_mean(scores.std(ddof=1), Waves(500, 250)), rel=1e-9
    )
    n = customers_needed(mean, Mean(), 0.3)
    assert smallest_change(mean, Mean(), n=n) <= 0.3 < smallest_change(mean, Mean(), n=n - 1)
    # cv of the customers' money
    money = rng.lognormal(3, 1, 4000)
    found = smallest_change(estimate(Ratio(), money, period=BEFORE), Ratio(), better="lower")
    expected = smallest_ratio(money.mean(), money.std(ddof=1) / money.mean(), Waves(4000), toward="down")
    assert found == pytest.approx(expected, rel=1e-6)
    for estimate_, kind in ((given(0.5), Share()), (estimate(Total(), [3, 4]), Total())):
        assert smallest_by_customers(estimate_, kind) is None


def test_by_customers_is_what_two_measured_waves_show(rng) -> None:
    """Against a measured baseline, one that is three times as long, and a value without an error."""
    base = estimate(Mean(), rng.normal(4, 1.3, 250), period=BEFORE)
    smallest = smallest_by_customers(base, Mean(), better="higher")
    assert smallest(400, 1) == pytest.approx(smallest_change(base, Mean(), n=400))
    assert smallest(400, 3) == pytest.approx(smallest_mean(base.se * math.sqrt(250), Waves(400, 750)))
    fixed = smallest_by_customers(base, Mean(), better="higher", given=3.9)
    assert fixed(400, 1) == pytest.approx(2.801585 * base.se * math.sqrt(250 / 400))
    assert smallest_by_customers(estimate(Ratio(), rng.lognormal(3, 1, 90)), Ratio(), given=0.0) is None


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: Waves(0), "a size above 0"),
        (lambda: Waves(10, -1), "a size above 0"),
        (lambda: Waves(10, correlation=2), "between -1 and 1"),
        (lambda: Waves(10, power=1.0), "Level and power"),
        (lambda: smallest_share(1.2, Waves(10)), "A share lies"),
        (lambda: smallest_mean(0.0, Waves(10)), "standard deviation is above 0"),
        (lambda: smallest_rate(-1.0, Waves(10)), "A rate is not negative"),
        (lambda: smallest_ratio(0.0, 1.0, Waves(10)), "above 0"),
        (lambda: needed(lambda w: smallest_mean(1.0, w), 0.0), "to be detected is above 0"),
    ],
)
def test_refuses(ask, words) -> None:
    with pytest.raises(CRMError, match=words):
        ask()


# ---- power, counted: the whole way from customers over estimates to the verdict


def power(kind, draw, before: float, now: float, *, better: str, repeats: int = 700) -> float:
    """How often a true change from ``before`` to ``now`` is found in the right direction."""
    rng, found = np.random.default_rng(20260101), 0
    for _ in range(repeats):
        waves = [draw(rng, value, period) for value, period in ((before, BEFORE), (now, NOW))]
        found += change(*waves, kind, better=better).verdict == "improved"
    return found / repeats


def test_power_of_a_share_down_and_up() -> None:
    """The customary formula, which takes one variance for both, is not 80 % for a rare thing in either direction."""

    def draw(rng, share, period):
        return shares(int(rng.binomial(400, share)), 400, period=period)

    down = smallest_share(0.10, Waves(400), toward="down")
    up = smallest_share(0.10, Waves(400), toward="up")
    assert down < smallest_share(0.10, Waves(400)) < up
    assert power(Share(), draw, 0.10, 0.10 - down, better="lower") == pytest.approx(0.80, abs=0.045)
    assert power(Share(), draw, 0.10, 0.10 + up, better="higher") == pytest.approx(0.80, abs=0.045)


def test_power_of_a_net_share() -> None:
    d = smallest_mean(NPS_SD, Waves(300)) / 200

    def draw(rng, shift, period):
        chances = [0.45 + shift, 0.30, 0.25 - shift]
        return estimate(NetShare(), rng.choice([1.0, 0.0, -1.0], 300, p=chances), period=period)

    assert power(NetShare(), draw, 0.0, d, better="higher") == pytest.approx(0.80, abs=0.045)


def test_power_of_a_mean() -> None:
    def draw(rng, mean, period):
        return estimate(Mean(), rng.normal(mean, 1.0, 100), period=period)

    assert power(Mean(), draw, 4.0, 4.0 + smallest_mean(1.0, Waves(100)), better="higher") == pytest.approx(
        0.80, abs=0.045
    )


def test_power_of_a_rate() -> None:
    """Two events in a hundred customer-months, 2,400 of them a wave."""

    def draw(rng, rate, period):
        return estimate(Rate(), rng.poisson(3 * rate, 800), np.full(800, 3.0), period=period)

    up = smallest_rate(0.02, Waves(2400), toward="up")
    assert power(Rate(), draw, 0.02, 0.02 + up, better="higher") == pytest.approx(0.80, abs=0.045)


def test_power_of_a_ratio() -> None:
    """Log-normal money, 2,500 customers: cv = √(e^σ² − 1)."""
    cv, n = math.sqrt(math.expm1(0.64)), 2500

    def draw(rng, mean, period):
        return estimate(Ratio(), mean * rng.lognormal(-0.32, 0.8, n), period=period)

    down = smallest_ratio(100, cv, Waves(n), toward="down")
    assert power(Ratio(), draw, 100, 100 - down, better="lower") == pytest.approx(0.80, abs=0.045)


def test_power_of_a_median() -> None:
    """Exponential waits. Brookmeyer and Crowley's interval is a little wide, and the power a little short."""

    def draw(rng, value, period):
        return median(rng.exponential(value / math.log(2), 400), period=period)

    down = smallest_ratio(24, 1 / math.log(2), Waves(400), toward="down")
    assert power(Duration(), draw, 24, 24 - down, better="lower") == pytest.approx(0.78, abs=0.055)
