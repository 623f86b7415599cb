from dataclasses import replace

import numpy as np
import pytest
from scipy.special import betaln, gammaln

from crmtools.lifetime import ModifiedBetaGeo, holdout_check, simulate_summary


@pytest.fixture(scope="module")
def published(reference):
    return reference["modified_beta_geo"]


@pytest.fixture(scope="module")
def model(summary):
    return ModifiedBetaGeo.fit(summary)


def at(model, parameters):
    return replace(model, **dict(zip(model.NAMES, parameters)))


def one(row, *names):
    return [np.array([row[name]], dtype=float) for name in names]


def test_fit_equals_published_and_recomputed(model, published):
    exact = published["exact"]
    assert model.parameters == pytest.approx(published["published"]["parameters"], abs=0.0006)
    assert model.parameters == pytest.approx(exact["parameters"], rel=2e-6)
    assert model.log_likelihood == pytest.approx(exact["log_likelihood"], abs=1e-6)
    assert model.summary()["se"].to_numpy() == pytest.approx(exact["se"], rel=1e-4)
    assert (model.n, model.one_time, model.converged) == (2357, 1411, True)


def test_log_likelihood_equals_the_formula_written_out(model, summary):
    """Batislam et al. 2007, eq. 8, customer by customer."""
    r, alpha, a, b = model.parameters
    total = 0.0
    for x, t_x, T in summary.frame[["frequency", "recency", "T"]].to_numpy(float):
        head = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
        here = betaln(a, b + x + 1) - (r + x) * np.log(alpha + T)
        gone = betaln(a + 1, b + x) - (r + x) * np.log(alpha + t_x)
        total += head + np.logaddexp(here, gone)
    assert model.log_likelihood == pytest.approx(total, abs=1e-7)


def test_new_customers_equal_reference(model, published):
    rows = published["new_customer"]
    found = at(model, published["published"]["parameters"]).expected_purchases_new_customer(
        horizon=np.array(rows["horizon"], dtype=float)
    )
    assert found == pytest.approx(rows["expected"], abs=1e-10)


def test_one_customer_equals_recomputed(model, published):
    row = published["customer"]
    ages = one(row, "x", "t_x", "T")
    found = model.expected(np.array(published["published"]["parameters"]), ages, row["horizon"])
    assert found[0] == pytest.approx(row["published_parameters"], abs=6e-8)


def test_holdout_equals_recomputed(model, split, published):
    rows, check = published["holdout"], holdout_check(model, split)
    assert check.expected_total == pytest.approx(rows["expected"], abs=0.001)
    for name in ("mae", "rmse", "correlation"):
        assert getattr(check, name) == pytest.approx(rows[name], abs=1e-6)
    assert model.probability_alive(split.calibration)["value"].mean() == pytest.approx(rows["alive"], abs=1e-6)
    assert check.by_frequency["expected"].tolist() == pytest.approx(rows["by_frequency"], abs=1e-6)


def test_histories_and_edges_equal_mpmath(model, published):
    theta = np.array([0.25, 4.0, 0.8, 2.5])
    for row in published["histories"]:
        ages = one(row, "x", "t_x", "T")
        assert model.likelihood(*ages, np.ones(1))(theta)[0] == pytest.approx(row["log_likelihood"], rel=1e-11)
        assert model.alive(theta, *ages)[0] == pytest.approx(row["alive"], rel=1e-11)
    for row in published["edges"]:
        found = model.purchases_if_alive(np.array(row["parameters"]), *one(row, "x", "T"), row["horizon"])
        assert found[0] == pytest.approx(row["expected"], rel=1e-9), row["what"]


def test_chances_of_new_customers_equal_mpmath(model, published):
    theta, born = np.array(published["published"]["parameters"]), np.zeros(1)
    here = model.alive(theta, born, born, born)[0]
    for row in published["chances"]:
        found = here * model.chances_if_alive(theta, born, born, row["horizon"], np.array([row["count"]], float))[0]
        assert found + (1 - here) * (row["count"] == 0) == pytest.approx(row["chance"], rel=1e-9)


def test_simulated_parameters_are_recovered():
    truth = np.array([0.525, 6.183, 0.891, 1.614])
    summary = simulate_summary(customers=20_000, length=78, parameters=tuple(truth), model="MBG/NBD", seed=3)
    table = ModifiedBetaGeo.fit(summary).summary(level=0.999)
    assert (table["low"] < truth).all()
    assert (table["high"] > truth).all()
