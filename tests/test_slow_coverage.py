"""Does a 95 % interval hold the truth 95 times in a hundred? Simulated, kind by kind, with the truth known."""

import math

import numpy as np
import pandas as pd
import pytest

from crmtools import intervals
from crmtools.indicators import kinds
from crmtools.indicators.moments import Request, Sums

pytestmark = pytest.mark.slow
REQUEST = Request(None, (), None, {}, 0.95)


def coverage(kind, draw, truth: float, *, repeats: int) -> float:
    """The share of simulated samples whose interval holds the truth; ``draw`` gives v and w per customer."""
    rng, held, made = np.random.default_rng(20260101), 0, 0
    for _ in range(repeats):
        v, w = draw(rng)
        sums = Sums(
            len(v), len(v), v.sum(), w.sum(), (v * v).sum(), (v * w).sum(), (w * w).sum(), np.abs(v).sum(), w.sum()
        )
        if not sums.sw:
            continue
        units = pd.DataFrame({"v": v, "w": w}) if kind.resample(sums) else None
        figures = kind.figures(sums, REQUEST, units)
        if figures.low is not None:
            made += 1
            held += figures.low - 1e-9 <= truth <= figures.high + 1e-9
            assert figures.low <= figures.value <= figures.high
    assert made > 0.7 * repeats
    return held / made


@pytest.mark.parametrize(
    ("n", "rows_each", "share", "correlation", "least"),
    [
        (10, 1, 0.30, 0.0, 0.91),
        (30, 1, 0.05, 0.0, 0.92),
        (200, 1, 0.05, 0.0, 0.93),
        (20, 3, 0.30, 0.4, 0.92),
        (50, 3, 0.10, 0.4, 0.91),
        (200, 3, 0.05, 0.4, 0.93),
        (20, 12, 0.20, 0.3, 0.90),
        (20, 12, 0.03, 0.0, 0.93),
    ],
)
def test_share_of_customers_with_several_rows(n, rows_each, share, correlation, least) -> None:
    odds = 1 / correlation - 1 if correlation else None

    def draw(rng):
        rows = rng.poisson(rows_each - 1, n) + 1
        chance = rng.beta(share * odds, (1 - share) * odds, n) if odds else np.full(n, share)
        return rng.binomial(rows, chance).astype(float), rows.astype(float)

    assert least <= coverage(kinds.Share(), draw, share, repeats=2000) <= 0.985


def test_share_that_forgets_the_customer_covers_three_quarters() -> None:
    """What the effective n is for: the same samples with every row taken for a customer of its own."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(1000):
        wins = rng.binomial(6, rng.beta(0.45, 1.05, 50))
        low, high = intervals.wilson(wins.sum() / 300, 300)
        held += low <= 0.3 <= high
    assert held / 1000 < 0.80


@pytest.mark.parametrize(
    ("n", "promoters", "detractors"), [(10, 0.4, 0.2), (20, 0.6, 0.1), (50, 0.8, 0.05), (200, 0.45, 0.25)]
)
def test_net_promoter_score(n, promoters, detractors) -> None:
    def draw(rng):
        return rng.choice([1.0, 0.0, -1.0], n, p=[promoters, 1 - promoters - detractors, detractors]), np.ones(n)

    truth = 100 * (promoters - detractors)
    assert 0.925 <= coverage(kinds.NetShare(), draw, truth, repeats=3000) <= 0.98


@pytest.mark.parametrize("n", [3, 5, 7, 8, 12, 29, 30, 100])
def test_mean_of_answers_from_1_to_5(n) -> None:
    """Bootstrap-t from eight customers on; below it would cover 55 % at three and 78 % at five."""
    chances, answers = np.array([0.05, 0.08, 0.17, 0.40, 0.30]), np.arange(1, 6.0)

    def draw(rng):
        return rng.choice(answers, n, p=chances), np.ones(n)

    assert coverage(kinds.Mean(), draw, chances @ answers, repeats=1000) >= 0.91


@pytest.mark.parametrize("n", [8, 29])
def test_mean_of_a_skewed_value(n) -> None:
    def draw(rng):
        return rng.lognormal(0, 1, n), np.ones(n)

    assert coverage(kinds.Mean(), draw, math.exp(0.5), repeats=800) >= 0.88


@pytest.mark.parametrize(
    ("n", "tail", "least"),
    [(30, 1.0, 0.89), (100, 1.0, 0.90), (500, 1.0, 0.90), (2000, 1.0, 0.90), (30, 1.5, 0.86), (100, 1.5, 0.89)],
)
def test_ratio_with_a_heavy_tail(n, tail, least) -> None:
    """Money per order: log bootstrap-t for some hundred customers, log delta for thousands."""

    def draw(rng):
        orders = rng.poisson(2, n) + 1
        money = np.bincount(np.repeat(np.arange(n), orders), rng.lognormal(0, tail, orders.sum()), minlength=n)
        return money, orders.astype(float)

    truth = math.exp(tail**2 / 2)
    assert least <= coverage(kinds.Ratio(), draw, truth, repeats=200 if n > 100 else 500) <= 0.99


def test_ratio_with_losses_around_zero() -> None:
    """Customers who cost more than they bring: the logarithm would have no sense here."""

    def draw(rng):
        return rng.normal(0.3, 1.5, 60) + rng.lognormal(0, 0.5, 60) - 1, np.ones(60)

    truth = 0.3 + math.exp(0.125) - 1
    assert 0.90 <= coverage(kinds.Ratio(), draw, truth, repeats=800) <= 0.99


@pytest.mark.parametrize(("n", "mean", "shape"), [(20, 0.2, None), (100, 0.3, 0.8), (100, 0.03, 0.8), (500, 0.07, 0.5)])
def test_rate_of_events_that_cluster_in_few_customers(n, mean, shape) -> None:
    def draw(rng):
        months = rng.uniform(0.3, 3, n)
        own = rng.gamma(shape, 1 / shape, n) if shape else 1.0
        return rng.poisson(mean * months * own).astype(float), months

    assert 0.92 <= coverage(kinds.Rate(), draw, mean, repeats=2000) <= 0.99


@pytest.mark.parametrize("won", [3, 20, 100])
def test_unit_cost_is_uncertain_in_the_number_won(won) -> None:
    counts = np.random.default_rng(2).poisson(won, 3000)
    held = 0
    for count in counts[counts > 0]:
        sums = Sums(count, count, 1000.0, count, 0, 0, 0, 1000.0, count)
        figures = kinds.UnitCost().figures(sums, REQUEST, None)
        held += figures.low <= 1000 / won <= figures.high
    assert held / (counts > 0).sum() >= 0.94


def test_median_wait_with_several_waits_of_a_customer() -> None:
    """Customers differ in patience of their agents: without the design effect the interval holds too seldom."""
    rng = np.random.default_rng(3)
    held, plain = 0, 0
    for _ in range(400):
        waits = rng.poisson(3, 40) + 1
        customer = np.repeat(np.arange(40), waits)
        hours = np.exp(rng.normal(0, 0.8, 40)[customer] + rng.normal(0, 0.6, waits.sum()))
        until = rng.uniform(2, 12, waits.sum())
        ended, times = hours <= until, np.minimum(hours, until)
        above = (times > 1.0).astype(float)
        told = (ended | (times > 1.0)).astype(float)
        v, w = np.bincount(customer, above), np.bincount(customer, told)
        sums = Sums(40, len(times), v.sum(), w.sum(), v @ v, v @ w, w @ w, v.sum(), w.sum())
        deff = max(1.0, sums.variance / (sums.ratio * (1 - sums.ratio) / sums.sw))
        order = np.argsort(times)
        arrays = times[order], ended[order].astype(float), (~ended[order]).astype(float)
        for effect in (deff, 1.0):
            _, low, high = intervals.survival_quantile(*arrays, quantile=0.5, deff=effect)
            inside = (low is None or low <= 1.0) and (high is None or high >= 1.0)
            held, plain = (held + inside, plain) if effect == deff else (held, plain + inside)
    assert held / 400 >= 0.91
    assert plain / 400 < 0.88
