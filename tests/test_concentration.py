"""The share of the top tenth: its value, its error by influence against resampling, and how often its interval covers."""

import math

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmtools.indicators.kinds import Concentration
from crmtools.indicators.moments import Figures, Request


def measured(*groups: np.ndarray, top: float = 0.1) -> list[Figures]:
    """What the kind makes of groups of customers, one amount each."""
    parts = [
        pd.DataFrame({"period": number, "customer_id": [f"c{n}" for n in range(len(amounts))], "value": amounts})
        for number, amounts in enumerate(groups)
    ]
    facts = ibis.duckdb.connect().create_table("facts", pd.concat(parts, ignore_index=True))
    found = Concentration(top).read(Request(facts, ("period",), lambda query: query.execute(), {}, 0.95))
    return [found[(number,)] for number in range(len(groups))]


def share_of_top(amounts: np.ndarray, top: float = 0.1) -> float:
    """The Lorenz curve from above, straight between customers."""
    curve = np.concatenate([[0.0], np.cumsum(np.sort(amounts)[::-1])])
    return float(np.interp(top * len(amounts), np.arange(len(amounts) + 1), curve) / amounts.sum())


def influence_error(amounts: np.ndarray, top: float = 0.1) -> float:
    """The error of the share from each customer's influence on it, customer by customer."""
    n, edge = len(amounts), np.sort(amounts)[::-1][math.ceil(top * len(amounts)) - 1]
    share = share_of_top(amounts, top)
    influence = np.maximum(amounts - edge, 0) + top * edge - share * amounts
    assert abs(influence.sum()) < 1e-6 * amounts.sum()
    return math.sqrt((influence**2).sum() * n / (n - 1)) / amounts.sum()


@pytest.mark.parametrize("top", [0.1, 0.2])
def test_value_and_error_customer_by_customer(rng, top) -> None:
    groups = []
    for n in (200, 237, 270, 400):
        groups += [rng.lognormal(4, 1.2, n), np.round(rng.gamma(0.7, 3, n)), rng.integers(1, 4, n) * 1.0]
    for amounts, found in zip(groups, measured(*groups, top=top), strict=True):
        assert found.value == pytest.approx(share_of_top(amounts, top), rel=1e-12)
        assert found.numerator / found.denominator == pytest.approx(found.value, rel=1e-12)
        assert found.se == pytest.approx(influence_error(amounts, top), rel=1e-6)
        assert 0 < found.low < found.value < found.high < 1


def test_influence_is_the_effect_of_a_little_more_of_one_customer(rng) -> None:
    """The derivative of the share when one customer's weight grows, by differences of weighted Lorenz curves."""
    amounts = np.sort(rng.lognormal(3, 1, 200))[::-1]
    edge, share, step = amounts[19], share_of_top(amounts), 1e-6

    def weighted(weights: np.ndarray) -> float:
        weights = weights / weights.sum()
        held, total = np.cumsum(weights * amounts), (weights * amounts).sum()
        return float(np.interp(0.1, np.cumsum(weights), held) / total)

    for one in (0, 5, 18, 60, 199):
        more = np.ones(200)
        more[one] += step * 200
        effect = (weighted(more) - share) / step
        influence = (max(amounts[one] - edge, 0) + 0.1 * edge - share * amounts[one]) / amounts.mean()
        # the curve is straight between customers, so that the edge may be either neighbour's amount
        assert effect == pytest.approx(influence, rel=0.03, abs=0.03)


def test_error_agrees_with_resampling(rng) -> None:
    amounts = rng.lognormal(4, 1, 2500)
    resampled = [share_of_top(rng.choice(amounts, len(amounts))) for _ in range(2000)]
    found = measured(amounts)[0]
    assert found.se == pytest.approx(np.std(resampled), rel=0.08)
    low, high = np.quantile(resampled, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.35 * found.se)
    assert found.high == pytest.approx(high, abs=0.35 * found.se)


def test_customers_all_alike_or_one_with_everything() -> None:
    owned = []
    for n, owners in ((130, 4), (150, 15), (141, 13)):
        owned.append(np.zeros(n))
        owned[-1][:owners] = 0.1 + np.arange(owners) / 3
    alike, *whole = measured(np.full(50, 0.7), *owned)
    assert alike.value == pytest.approx(0.1)
    for found in (alike, *whole):
        assert (found.low, found.high) == (None, None)
        assert found.why is not None
    assert [found.value for found in whole] == [pytest.approx(1.0)] * 3


def test_few_customers_have_no_interval(rng) -> None:
    found = measured(rng.lognormal(4, 1, 99))[0]
    assert found.value is not None
    assert (found.low, found.se) == (None, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sigma", "n", "least"), [(0.8, 200, 0.88), (0.8, 1000, 0.92), (1.2, 200, 0.85), (1.2, 1000, 0.90)]
)
def test_interval_covers_the_share_of_a_log_normal(rng, sigma, n, least) -> None:
    """The true share is Φ(σ − z) with z the edge of the top tenth. Heavy tails cost coverage, which the caveat says."""
    true = stats.norm.cdf(sigma - stats.norm.ppf(0.9))
    kind, covered, runs = Concentration(), 0, 2000
    for _ in range(runs):
        amounts = np.sort(rng.lognormal(3, sigma, n))[::-1]
        edge = amounts[math.ceil(0.1 * n) - 1]
        over = amounts[amounts > edge]
        line = {
            "n": n, "rows": n, "edge": edge, "sv": amounts.sum(), "svv": (amounts**2).sum(),
            "over": len(over), "sover": over.sum(), "soverover": (over**2).sum(),
        }  # fmt: skip
        found = kind.figures(line, 0.95, None)
        covered += found.low <= true <= found.high
    assert covered / runs >= least
