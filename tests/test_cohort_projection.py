"""What BG/NBD expects of cohorts: against buying and leaving drawn at random, and against the published data."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import hyp2f1

from crmtools.cohort_projection import expected_retention, project_retention
from crmtools.cohorts import retention

LENGTH = 365.25 / 12


def test_expected_retention_is_that_of_simulated_customers(rng):
    r, alpha, a, b = 0.6, 40.0, 0.8, 2.5
    n, months = 200_000, 13
    rate, leaving = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    born = rng.random(n) * LENGTH
    # the day of leaving: the first purchase at which it is decided so comes at rate lambda p
    gone = born + rng.exponential(1, n) / (rate * leaving)
    found = []
    for age in range(1, months):
        begin = age * LENGTH
        there = gone > begin
        # the next purchase after the beginning, which the customer makes whether or not it is the last
        found.append((there & (rng.exponential(1, n) / rate < LENGTH)).mean())
    expected = expected_retention(np.array([r, alpha, a, b]), np.arange(1, months), LENGTH)
    errors = np.sqrt(expected * (1 - expected) / n)
    assert (np.abs(found - expected) < 4.5 * errors).all()


def test_the_quadrature_equals_the_hypergeometric_function():
    r, alpha, a, b = 0.243, 30.9, 0.793, 2.426
    ages, into = np.array([1, 12, 36]), (np.arange(6) + 0.5) / 6
    since = (ages[:, None] - into) * LENGTH

    def share(rest):
        return (alpha / (alpha + rest)) ** r * hyp2f1(r, a, a + b, -since / (alpha + rest))

    exact = (share(0) - share(LENGTH)).mean(axis=1)
    assert expected_retention(np.array([r, alpha, a, b]), ages, LENGTH) == pytest.approx(exact, rel=1e-8)


def test_extreme_parameters_give_shares():
    for parameters in (
        np.array(np.meshgrid([1e-4, 1, 300], [1e-3, 1, 1e5], [1e-3, 1, 1e3], [1e-3, 1, 1e3])).reshape(4, -1).T
    ):
        found = expected_retention(parameters, np.arange(1, 200, 40), LENGTH)
        assert np.isfinite(found).all()
        assert ((found >= 0) & (found <= 1)).all()


def test_projection_of_orders_follows_what_was_observed(rng):
    import pandas as pd

    rows = []
    for number in range(4000):
        day, rate, leaving = rng.random() * 500, rng.gamma(0.9, 1 / 60), rng.beta(1, 4)
        while day < 730:
            rows.append((f"c{number}", pd.Timestamp("2023-01-01") + pd.Timedelta(days=int(day)), 10.0))
            if len(rows) > 1 and rows[-2][0] == rows[-1][0] and rng.random() < leaving:
                break
            day += rng.exponential(1 / rate)
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "net_amount"])
    cohorts = retention(orders, as_of=pd.Timestamp("2024-12-30").date())
    found = project_retention(orders, cohorts, ahead=6)
    months = expected_retention(found.model.parameters, found.frame.index.to_numpy(), LENGTH)
    assert found.frame["value"].to_numpy() == pytest.approx(months, rel=1e-12)
    pooled = cohorts.pooled().drop(index=0)
    assert found is not None
    assert found.frame.index.max() == pooled.index.max() + 6
    assert (found.frame["low"] <= found.frame["value"]).all()
    z = (pooled["retention"] - found.frame["value"].loc[pooled.index]) / np.sqrt(
        pooled["retention"] * (1 - pooled["retention"]) / pooled["size"]
    )
    assert stats.trim_mean(z**2, 0.1) < 3
    assert project_retention(orders.head(90), retention(orders.head(90), as_of=cohorts.as_of)) is None
