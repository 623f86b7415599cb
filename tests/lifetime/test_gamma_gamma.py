from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

from crmtools.errors import DataError
from crmtools.lifetime import GammaGamma, SpendPatterns, Summary, simulate_summary, spend_patterns
from crmtools.lifetime.gamma_gamma import likelihood_of


def test_fit_equals_recomputed_cdnow(gamma_gamma, reference):
    exact = reference["gamma_gamma"]["exact"]
    assert gamma_gamma.parameters == pytest.approx([exact[name] for name in "pqv"], rel=1e-6)
    assert gamma_gamma.log_likelihood == pytest.approx(exact["log_likelihood"], abs=1e-6)
    assert gamma_gamma.summary()["se"].to_numpy() == pytest.approx(exact["se"], rel=2e-4)
    assert (gamma_gamma.n, gamma_gamma.left_out) == (exact["n"], 2357 - exact["n"])
    assert gamma_gamma.converged
    assert gamma_gamma.correlation == pytest.approx(reference["gamma_gamma"]["correlation"], abs=1e-5)


def test_log_likelihood_equals_the_formula_written_out(gamma_gamma, summary):
    p, q, v = gamma_gamma.parameters
    used = summary.frame.dropna()
    x, m = used["frequency"].to_numpy(float), used["monetary_value"].to_numpy(float)
    terms = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
    terms += (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(v + x * m)
    assert gamma_gamma.log_likelihood == pytest.approx(terms.sum(), abs=1e-7)


def test_gradient_and_hessian_equal_differences(summary):
    used = summary.frame.dropna()
    function = likelihood_of(
        used["frequency"].to_numpy(float), used["monetary_value"].to_numpy(float), np.ones(len(used))
    )
    at = np.array([3.0, 5.0, 20.0])
    _, gradient, hessian = function(at)
    for i, step in enumerate(1e-5 * np.diag(at)):
        up, down = function(at + step), function(at - step)
        assert (up[0] - down[0]) / (2 * step[i]) == pytest.approx(gradient[i], rel=1e-5)
        np.testing.assert_allclose((up[1] - down[1]) / (2 * step[i]), hessian[i], rtol=1e-5, atol=1e-6)


def test_expected_spend_equals_hardies_sheet(gamma_gamma, summary, reference):
    rows = reference["gamma_gamma"]
    spend = gamma_gamma.expected_spend(summary)["value"]
    first = [f"{number:04d}" for number in range(1, 11)]
    assert spend[first].round(2).tolist() == pytest.approx(rows["first_customers"]["spend"], abs=0.011)
    assert gamma_gamma.population_mean == pytest.approx(rows["population_mean"], abs=0.002)
    assert spend.mean() == pytest.approx(rows["mean_of_all"], abs=0.002)


def test_spend_is_drawn_towards_the_population(gamma_gamma, summary):
    frame = summary.frame.dropna()
    shrunk = gamma_gamma.expected_spend(Summary(frame, "weeks", summary.as_of))["value"]
    middle = gamma_gamma.population_mean
    between = (shrunk - frame["monetary_value"]) * (middle - shrunk)
    assert (between >= -1e-9).all()


def test_the_currency_moves_v_only(gamma_gamma, summary):
    cents = summary.frame.assign(monetary_value=summary.frame["monetary_value"] * 100)
    fitted = GammaGamma.fit(Summary(cents, "weeks", summary.as_of))
    assert fitted.parameters / [1, 1, 100] == pytest.approx(gamma_gamma.parameters, rel=1e-7)


def test_simulated_parameters_are_recovered():
    truth = np.array([4.0, 4.0, 30.0])
    summary = simulate_summary(customers=20_000, length=104, spend=tuple(truth), seed=9)
    fitted = GammaGamma.fit(summary)
    table = fitted.summary(level=0.999)
    assert (table["low"] < truth).all()
    assert (table["high"] > truth).all()


def test_infinite_mean_is_said_not_printed(gamma_gamma, summary):
    model = replace(gamma_gamma, q=0.8)
    spend = model.expected_spend(summary)["value"]
    once = summary.frame["frequency"] == 0
    assert spend[once].isna().all()
    assert spend[~once].notna().all()
    assert np.isnan(model.population_mean)
    assert any("infinite" in note.en for note in model.notes())


def test_customers_without_positive_spend_are_left_out_and_counted(summary):
    frame = summary.frame.head(500).copy()
    paid = frame.index[frame["frequency"] > 0]
    frame.loc[paid[0], "monetary_value"] = 0.0
    model = GammaGamma.fit(Summary(frame, "weeks", summary.as_of))
    assert model.n == len(paid) - 1
    assert model.n + model.left_out == 500


def test_correlated_spend_is_noted_and_too_few_customers_refused(gamma_gamma, summary):
    assert gamma_gamma.notes() == ()
    assert any("independent" in note.en for note in replace(gamma_gamma, correlation=0.5).notes())
    with pytest.raises(DataError, match="found 0"):
        GammaGamma.fit(Summary(summary.frame[summary.frame["frequency"] == 0], "weeks", summary.as_of))
    with pytest.raises(DataError, match="monetary_value"):
        GammaGamma.fit(Summary(pd.DataFrame(summary.frame[["frequency", "recency", "T"]]), "weeks", summary.as_of))


def test_spend_patterns_of_the_engine_give_the_fit_of_the_summary(cdnow, summary):
    frame = GammaGamma.fit(summary)
    engine = GammaGamma.fit(spend_patterns(cdnow, as_of="1998-06-30", until="1997-09-30"))
    np.testing.assert_allclose(engine.parameters, frame.parameters, rtol=1e-8)
    np.testing.assert_allclose(engine.covariance, frame.covariance, rtol=1e-6)
    assert (engine.n, engine.correlation) == (frame.n, pytest.approx(frame.correlation))


def test_spend_patterns_without_spend_are_left_out():
    patterns = SpendPatterns(np.array([1.0, 2, 3, 1]), np.array([0.0, 10, 20, -3]), np.array([2.0, 5, 4, 1]))
    found = GammaGamma.fit(patterns)
    assert (found.n, found.left_out) == (9, 3)
