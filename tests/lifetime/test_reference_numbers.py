"""Numbers of CDNOW that others published or that were computed a second time, beside those in the tests of each model."""

from dataclasses import replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmtools.lifetime import BetaGeo, GammaGamma, ModifiedBetaGeo, Summary
from crmtools.lifetime.beta_geo_formulas import purchases_if_alive


@pytest.fixture(scope="module")
def rounded():
    """The summaries that lifetimes ships: weeks cut to two digits, mean spend cut to cents."""
    folder = Path(find_spec("lifetimes").submodule_search_locations[0]) / "datasets"
    raw = pd.read_csv(folder / "cdnow_customers_summary_with_transactions.csv").set_index("ID")
    raw.columns = ["frequency", "recency", "T", "monetary_value"]
    other = pd.read_csv(folder / "cdnow_customers_summary.csv").set_index("ID")
    pd.testing.assert_frame_equal(raw[["frequency", "recency", "T"]], other, check_dtype=False)
    return Summary(raw, "weeks", date(1997, 9, 30))


def one(row, *names):
    return [np.array([row[name]], dtype=float) for name in names]


def test_facts_of_the_sample(cdnow, split, reference):
    facts, frame = reference["cdnow"], split.calibration.frame
    assert (len(cdnow), len(frame)) == (facts["rows"], facts["customers"])
    assert int((frame["frequency"] == 0).sum()) == facts["zero_repeaters"]
    assert int((frame["frequency"] > 0).sum()) == facts["customers"] - facts["zero_repeaters"] == 946
    assert int(frame["frequency"].sum()) == facts["repeat_purchases"]
    assert len(split.calibration.patterns().x) == facts["patterns"]
    assert frame["frequency"].clip(upper=7).value_counts().sort_index().tolist() == facts["frequencies"]
    assert int(split.holdout["purchases"].sum()) == facts["holdout_purchases"]
    assert split.holdout["spend"].sum() == pytest.approx(facts["holdout_spend"], abs=0.005)
    spend, money = frame["monetary_value"].dropna(), facts["repeat_spend"]
    assert [spend.mean(), spend.std(), spend.min(), spend.max()] == pytest.approx(
        [money[name] for name in ("mean", "sd", "min", "max")], abs=0.0051
    )
    assert spend.quantile([0.25, 0.5, 0.75]).tolist() == pytest.approx(money["quartiles"], abs=1e-9)


def test_rounded_ages_have_a_maximum_of_their_own(rounded, beta_geo, reference):
    rows = reference["rounded_input"]["beta_geo"]
    model = BetaGeo.fit(rounded)
    assert model.parameters == pytest.approx(rows["parameters"], rel=2e-6)
    assert model.log_likelihood == pytest.approx(rows["log_likelihood"], abs=1e-6)
    assert model.summary()["se"].to_numpy() == pytest.approx(rows["se"], rel=1e-4)
    assert np.abs(model.parameters / beta_geo.parameters - 1).max() > 2e-5
    modified = reference["modified_beta_geo"]["rounded_input"]
    model, customer = ModifiedBetaGeo.fit(rounded), reference["modified_beta_geo"]["customer"]
    assert model.log_likelihood == pytest.approx(modified["log_likelihood"], abs=1e-6)
    found = model.expected(model.parameters, one(customer, "x", "t_x", "T"), customer["horizon"])
    assert found[0] == pytest.approx(modified["customer"], abs=1e-7)


def test_rounded_spend_equals_lifetimes(rounded, reference):
    rows = reference["rounded_input"]["gamma_gamma"]
    model = GammaGamma.fit(rounded)
    assert model.parameters == pytest.approx(rows["parameters"], rel=2e-6)
    assert model.log_likelihood == pytest.approx(rows["log_likelihood"], abs=1e-6)
    assert model.summary()["se"].to_numpy() == pytest.approx(rows["se"], rel=2e-4)
    assert model.correlation == pytest.approx(rows["correlation"], abs=5e-7)
    # lifetimes stops a little before the maximum
    assert model.population_mean == pytest.approx(rows["population_mean"], rel=5e-6)
    spend = model.expected_spend(rounded)["value"]
    assert spend.mean() == pytest.approx(rows["mean_of_all"], abs=5e-6)
    assert spend.head(10).tolist() == pytest.approx(rows["first_customers"], rel=5e-6)


def test_value_over_twelve_months_equals_lifetimes(rounded, reference):
    """With its months of thirty units and its discount at the end of each."""
    rows = reference["rounded_input"]["twelve_months"]
    model, spend = BetaGeo.fit(rounded), GammaGamma.fit(rounded)
    bought = np.stack(
        [model.expected_purchases(rounded, horizon=k * rows["month"])["value"] for k in range(1, rows["months"] + 1)]
    )
    factor = (1 + rows["discount"]) ** -np.arange(1.0, rows["months"] + 1)
    value = factor @ np.diff(bought, axis=0, prepend=0) * spend.expected_spend(rounded)["value"]
    assert value.head(3).tolist() == pytest.approx(rows["value"], rel=2e-5)


def test_published_gamma_gamma_and_its_sums(gamma_gamma, beta_geo, summary, split, reference):
    rows = reference["gamma_gamma"]
    assert gamma_gamma.parameters == pytest.approx(rows["published"]["parameters"], abs=0.0051)
    assert gamma_gamma.log_likelihood == pytest.approx(rows["published"]["log_likelihood"], abs=5e-5)
    assert gamma_gamma.correlation == pytest.approx(rows["correlation"], abs=5e-7)
    spend = gamma_gamma.expected_spend(summary)["value"]
    assert spend.mean() == pytest.approx(rows["mean_of_all"], abs=5e-5)
    assert gamma_gamma.population_mean == pytest.approx(rows["population_mean"], abs=5e-5)
    bought = beta_geo.expected_purchases(summary, horizon=split.duration)["value"]
    assert (spend * bought).sum() == pytest.approx(rows["holdout_spend_forecast"], abs=0.006)


def test_a_new_customer_in_a_year_equals_btyd(beta_geo, reference):
    rows, parameters = reference["beta_geo"]["new_customer_year"], reference["beta_geo"]["btyd_parameters"]
    btyd = replace(beta_geo, **dict(zip(beta_geo.NAMES, parameters)))
    assert btyd.expected_purchases_new_customer(horizon=rows["horizon"]) == pytest.approx(rows["expected"], rel=5e-7)


def test_customers_by_frequency_equal_recomputed(beta_geo, summary, reference):
    """How many of the sample are expected to buy 0, 1, ... 7 and more times in the calibration."""
    expected = np.zeros(8)
    for T, customers in summary.frame["T"].value_counts().items():
        expected += customers * beta_geo.purchase_distribution_new_customer(horizon=T, most=6).to_numpy()
    assert expected.tolist() == pytest.approx(reference["beta_geo"]["expected_by_frequency"], abs=6e-4)


def test_chances_and_histories_equal_mpmath(reference):
    theta, born = np.array([0.243, 4.414, 0.793, 2.426]), np.zeros(1)
    for row in reference["beta_geo"]["chances"]:
        found = BetaGeo.chances_if_alive(theta, born, born, row["horizon"], np.array([row["count"]], float))
        assert found[0] == pytest.approx(row["chance"], rel=1e-9)
    theta = np.array([0.25, 4.0, 0.8, 2.5])
    for row in reference["beta_geo"]["histories"]:
        ages = one(row, "x", "t_x", "T")
        assert BetaGeo.likelihood(*ages, np.ones(1))(theta)[0] == pytest.approx(row["log_likelihood"], rel=1e-11)
        assert BetaGeo.alive(theta, *ages)[0] == pytest.approx(row["alive"], rel=1e-11)


@pytest.mark.parametrize("horizon", [1e-3, 0.5, 30.0, 900.0])
def test_the_closed_form_and_the_integral_meet(horizon, monkeypatch):
    """Two ways to the same expectation: neither an edge of the closed form nor a short horizon shows."""
    random = np.random.default_rng(8)
    for _ in range(40):
        theta = np.exp(random.uniform(-3, 3, 4))
        x, T = random.integers(0, 300, 4).astype(float), random.uniform(1, 300, 4)
        found = purchases_if_alive(theta, x, T, horizon)
        with monkeypatch.context() as patch:
            patch.setattr("crmtools.lifetime.beta_geo_formulas._NEAR", np.inf)
            np.testing.assert_allclose(purchases_if_alive(theta, x, T, horizon), found, rtol=1e-9)
