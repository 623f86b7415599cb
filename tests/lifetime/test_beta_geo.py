import warnings
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import betaln, gammaln
from scipy.stats import binom, poisson

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime import (
    BetaGeo,
    GammaGamma,
    Patterns,
    Summary,
    customer_value,
    second_opinion,
    simulate_summary,
)
from crmtools.lifetime.beta_geo_formulas import alive, purchases_if_alive
from crmtools.lifetime.beta_geo_likelihood import likelihood_of

ROUNDED = np.array([0.243, 4.414, 0.793, 2.426])


def plain_log_likelihood(parameters, frame):
    """FHL 2005 eq. 6 written out, customer by customer, without the tricks of the module."""
    r, alpha, a, b = parameters
    total = 0.0
    for x, t_x, T in frame[["frequency", "recency", "T"]].to_numpy(float):
        head = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
        here = betaln(a, b + x) - (r + x) * np.log(alpha + T)
        gone = betaln(a + 1, b + x - 1) - (r + x) * np.log(alpha + t_x) if x > 0 else -np.inf
        total += head + np.logaddexp(here, gone)
    return total


def test_parameters_equal_published_cdnow(beta_geo, reference):
    for name, value in reference["beta_geo"]["published"].items():
        if name not in ("source", "log_likelihood"):
            assert getattr(beta_geo, name) == pytest.approx(value, abs=0.0006)
    assert beta_geo.log_likelihood == pytest.approx(-9582.4, abs=0.05)


def test_parameters_errors_and_covariance_equal_recomputed_cdnow(beta_geo, reference):
    exact = reference["beta_geo"]["exact"]
    assert beta_geo.parameters == pytest.approx([exact[name] for name in BetaGeo.NAMES], rel=2e-6)
    assert beta_geo.log_likelihood == pytest.approx(exact["log_likelihood"], abs=1e-6)
    assert beta_geo.summary()["se"].to_numpy() == pytest.approx(exact["se"], rel=1e-4)
    np.testing.assert_allclose(beta_geo.covariance, exact["covariance"], rtol=1e-3)
    assert beta_geo.converged
    assert (beta_geo.n, beta_geo.one_time) == (2357, 1411)


def test_log_likelihood_equals_the_formula_written_out(beta_geo, summary):
    assert beta_geo.log_likelihood == pytest.approx(plain_log_likelihood(beta_geo.parameters, summary.frame), abs=1e-7)


def test_gradient_and_hessian_equal_differences(summary):
    p = summary.patterns()
    function = likelihood_of(p.x, p.t_x, p.T, p.weight)
    at = np.array([0.4, 6.0, 1.3, 3.1])
    _, gradient, hessian = function(at)
    for i, step in enumerate(1e-5 * np.diag(at)):
        up, down = function(at + step), function(at - step)
        assert (up[0] - down[0]) / (2 * step[i]) == pytest.approx(gradient[i], rel=1e-5, abs=1e-4)
        np.testing.assert_allclose((up[1] - down[1]) / (2 * step[i]), hessian[i], rtol=1e-5, atol=1e-5)


def test_lifetimes_agrees_and_leaves_no_trace(summary):
    before = list(warnings.filters)
    table = second_opinion(summary)
    assert warnings.filters == before
    assert table["relative"].abs().max() < 1e-4
    assert abs(table.loc["log_likelihood", "difference"]) < 1e-4
    # nobody finds a higher likelihood than the maximum
    assert table.loc["log_likelihood", "difference"] < 1e-8


def test_time_unit_moves_alpha_only(summary, beta_geo):
    days = Summary(
        summary.frame.assign(recency=summary.frame["recency"] * 7, T=summary.frame["T"] * 7),
        "days",
        summary.as_of,
    )
    fitted = BetaGeo.fit(days)
    assert fitted.parameters / [1, 7, 1, 1] == pytest.approx(beta_geo.parameters, rel=1e-8)
    one = beta_geo.expected_purchases(summary, horizon="26 weeks", level=0.9)
    other = fitted.expected_purchases(days, horizon="182 days", level=0.9)
    pd.testing.assert_frame_equal(one, other, rtol=1e-6)


def test_weights_are_replication(summary, beta_geo):
    p = summary.patterns()
    doubled = BetaGeo.fit(Patterns(p.x, p.t_x, p.T, 2 * p.weight, p.unit))
    twice = BetaGeo.fit(Summary(pd.concat([summary.frame] * 2, ignore_index=True), "weeks", summary.as_of))
    assert doubled.parameters == pytest.approx(twice.parameters, rel=1e-9)
    assert doubled.parameters == pytest.approx(beta_geo.parameters, rel=1e-7)
    assert doubled.log_likelihood == pytest.approx(2 * beta_geo.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(doubled.covariance, beta_geo.covariance / 2, rtol=1e-5)


def test_simulated_parameters_are_recovered():
    truth = np.array([0.6, 5.0, 0.8, 3.0])
    fitted = BetaGeo.fit(simulate_summary(customers=20_000, length=78, parameters=tuple(truth), seed=3))
    z = (np.log(fitted.parameters) - np.log(truth)) / (fitted.summary()["se"].to_numpy() / fitted.parameters)
    assert np.abs(z).max() < 3
    assert (fitted.summary(level=0.999)["low"] < truth).all()
    assert (fitted.summary(level=0.999)["high"] > truth).all()


def test_holdout_sums_equal_recomputed_cdnow(beta_geo, summary, reference):
    expected = reference["beta_geo"]["holdout"]
    assert beta_geo.expected_purchases(summary, horizon=39)["value"].sum() == pytest.approx(
        expected["expected"], abs=0.001
    )
    assert beta_geo.probability_alive(summary)["value"].mean() == pytest.approx(expected["alive"], abs=1e-6)


@pytest.mark.parametrize("key", ["new_customer", "new_customer_rounded"])
def test_new_customer_equals_reference(beta_geo, reference, key):
    rows = reference["beta_geo"][key]
    model = beta_geo if key == "new_customer" else replace(beta_geo, **dict(zip(BetaGeo.NAMES, ROUNDED)))
    digits = 1e-6 if key == "new_customer" else 1e-9
    one_by_one = [model.expected_purchases_new_customer(horizon=t) for t in rows["horizon"]]
    assert one_by_one == pytest.approx(rows["expected"], abs=digits)
    at_once = model.expected_purchases_new_customer(horizon=np.array(rows["horizon"], dtype=float))
    assert at_once.tolist() == one_by_one


def test_one_customer_equals_hardies_sheet(reference):
    row = reference["beta_geo"]["customer"]
    x, t_x, T = (np.array([row[name]], dtype=float) for name in ("x", "t_x", "T"))
    refit = np.array(row["rounded_input_parameters"])
    for parameters, value, digits in ((ROUNDED, row["rounded"], 1e-10), (refit, row["rounded_input"], 1e-7)):
        found = alive(parameters, x, t_x, T) * purchases_if_alive(parameters, x, T, row["horizon"])
        assert found[0] == pytest.approx(value, abs=digits)
    assert alive(refit, x, t_x, T)[0] == pytest.approx(row["alive"], abs=1e-6)


def test_frequent_customers_equal_btyd(reference):
    parameters = np.array(reference["beta_geo"]["btyd_parameters"])
    row = reference["beta_geo"]["frequent_customer"]
    x, t_x, T = (np.array([row[name]], dtype=float) for name in ("x", "t_x", "T"))
    chance = alive(parameters, x, t_x, T)
    assert chance[0] == pytest.approx(row["alive"], abs=1e-6)
    found = chance * purchases_if_alive(parameters, x, T, row["horizon"])
    assert found[0] == pytest.approx(row["expected"], abs=1e-5)
    rows = reference["beta_geo"]["frequencies_at_same_recency"]
    x = np.array(rows["x"], dtype=float)
    t_x, T = np.full(4, 20.0), np.full(4, 39.0)
    found = alive(parameters, x, t_x, T) * purchases_if_alive(parameters, x, T, 52)
    assert found == pytest.approx(rows["expected"], rel=1e-6)


def test_edges_equal_mpmath(reference):
    for row in reference["beta_geo"]["edges"]:
        found = purchases_if_alive(
            np.array(row["parameters"]),
            np.array([row["x"]], float),
            np.array([row["T"]], float),
            row["horizon"],
        )
        assert found[0] == pytest.approx(row["expected"], rel=1e-9), row["what"]


def test_expectation_given_alive_equals_integration():
    """Sum over n of P(n-th purchase before the horizon, not gone before it), integrated over lambda."""
    r, alpha, a, b = ROUNDED
    x, T, horizon = 2.0, 38.86, 39.0
    shape, rate = r + x, alpha + T

    def expected_given_rate(lam):
        # p | x ~ Beta(a, b+x): E[(1-p)^(n-1)] = B(a, b+x+n-1) / B(a, b+x)
        n = np.arange(1, 400)
        reach = np.exp(betaln(a, b + x + n - 1) - betaln(a, b + x))
        return (poisson.sf(n - 1, lam * horizon) * reach).sum()

    def weighted(lam):
        log_density = shape * np.log(rate) - gammaln(shape) + (shape - 1) * np.log(lam) - rate * lam
        return np.exp(log_density) * expected_given_rate(lam)

    integral = quad(weighted, 0, 2, limit=200)[0]
    assert purchases_if_alive(ROUNDED, np.array([x]), np.array([T]), horizon)[0] == pytest.approx(integral, rel=1e-7)


def test_extreme_customers_stay_finite(beta_geo):
    x = np.array([0, 1, 500, 1500, 3, 0], dtype=float)
    t_x = np.array([0, 1e-3, 299.9, 300, 50, 0], dtype=float)
    T = np.array([0, 300, 300, 300, 50, 1e4], dtype=float)
    model = replace(beta_geo, covariance=beta_geo.covariance)
    frame = pd.DataFrame({"frequency": x.astype(int), "recency": t_x, "T": T})
    summary = Summary(frame, "weeks", date(2025, 1, 1))
    for answer in (
        model.probability_alive(summary),
        model.expected_purchases(summary, horizon=500),
        model.probability_of_purchase(summary, horizon=500),
    ):
        assert np.isfinite(answer["value"]).all()
        assert (answer["value"] >= 0).all()
    # t_x = T: one purchase ago the customer was there, so only the coin of that purchase counts
    assert model.probability_alive(summary)["value"][4] == pytest.approx(
        (model.b + 2) / (model.a + model.b + 2), rel=1e-12
    )


def test_purchase_probabilities_are_what_simulated_customers_do():
    """P(buy again) and E[Y] against customers whose future is known, in groups of similar customers."""
    parameters = (0.5, 4.0, 0.8, 2.5)
    now = simulate_summary(customers=40_000, length=39, parameters=parameters, future=20, seed=11)
    later = now.frame["future_purchases"]
    model = replace(BetaGeo.fit(now), **dict(zip(BetaGeo.NAMES, parameters)))
    chance = model.probability_of_purchase(now, horizon=20)["value"]
    expected = model.expected_purchases(now, horizon=20)["value"]
    group = pd.qcut(chance, 10, duplicates="drop")
    for label, own in pd.DataFrame({"chance": chance, "bought": later > 0}).groupby(group, observed=True):
        low, high = binom.ppf([0.0005, 0.9995], len(own), own["chance"].mean()) / len(own)
        assert low <= own["bought"].mean() <= high, label
    assert later.sum() == pytest.approx(expected.sum(), rel=0.03)


def test_intervals_bracket_and_widen(beta_geo, summary):
    small = Summary(summary.frame.head(300), "weeks", summary.as_of)
    narrow = beta_geo.expected_purchases(small, horizon=26, level=0.5)
    wide = beta_geo.expected_purchases(small, horizon=26, level=0.95)
    assert (wide["low"] < wide["value"]).all()
    assert (wide["value"] < wide["high"]).all()
    assert ((wide["high"] - wide["low"]) > (narrow["high"] - narrow["low"])).all()
    again = beta_geo.expected_purchases(small, horizon=26, level=0.95)
    pd.testing.assert_frame_equal(wide, again)


def test_draws_have_the_covariance_of_the_fit(beta_geo):
    drawn = np.log(beta_geo.draws(40_000, seed=5))
    expected = beta_geo.covariance / np.outer(beta_geo.parameters, beta_geo.parameters)
    np.testing.assert_allclose(np.cov(drawn.T), expected, rtol=0.05, atol=5e-5)
    np.testing.assert_allclose(drawn.mean(), np.log(beta_geo.parameters), atol=0.01)


def test_notes_tell_the_reader(beta_geo):
    (note,) = beta_geo.notes()
    assert note.en.startswith("59.9\u00a0% of the customers bought once;")
    assert note.zh.startswith("59.9% 的客户只购买过一次；")
    bad = replace(beta_geo, converged=False, at_bound=("a", "b"), longest=10.0)
    words = " ".join(note.en for note in bad.notes())
    for part in ("did not converge", "identify a, b", "70 days"):
        assert part in words
    assert all(note.zh and note.zh != note.en for note in bad.notes())


def test_unidentified_dropout_is_reported_not_raised():
    """Customers who buy like clockwork: nobody has left, so nothing says how leaving happens."""
    frame = pd.DataFrame({"frequency": np.arange(5, 45), "recency": np.full(40, 39.5), "T": np.full(40, 40.0)})
    model = BetaGeo.fit(Summary(frame, "weeks", date(2025, 1, 1)))
    assert model.at_bound
    assert any("do not identify" in note.en for note in model.notes())
    assert np.isfinite(model.parameters).all()
    assert model.summary()["se"].isna().any()
    assert not model.identified
    with pytest.raises(DataError, match="too short a history"):
        model.draws(10)


def test_few_customers_get_values_but_no_interval():
    """Nine customers: a report must show the page without nonsense, not crash on it."""
    frame = pd.DataFrame(
        {
            "frequency": [1, 2, 1, 1, 0, 1, 0, 1, 0],
            "recency": [90.0, 153.0, 45.0, 260.0, 0.0, 133.0, 0.0, 102.0, 0.0],
            "T": [90.0, 230.0, 117.0, 666.0, 395.0, 164.0, 141.0, 152.0, 21.0],
            "monetary_value": [120.0, 960.0, 450.0, 350.0, np.nan, 300.0, np.nan, 1200.0, np.nan],
        }
    )
    summary = Summary(frame, "days", date(2025, 12, 31))
    model, spend = BetaGeo.fit(summary), GammaGamma.fit(summary)
    assert not (model.identified and spend.identified)
    answer = model.expected_purchases(summary, horizon="12 months", level=0.95)
    assert np.isfinite(answer["value"]).all()
    value = customer_value(model, spend, summary, horizon_months=12, annual_discount=0.1)
    assert np.isfinite(value.total.value)
    assert np.isnan(value.total.low)
    assert np.isnan(value.total.high)
    assert any("no interval" in note.en for note in value.notes)


def test_wrong_use_is_refused(beta_geo, summary):
    with pytest.raises(DataError, match="observed for some time"):
        BetaGeo.fit(Summary(summary.frame.iloc[:0], "weeks", summary.as_of))
    with pytest.raises(SettingsError, match="fitted in weeks"):
        beta_geo.probability_alive(Summary(summary.frame, "days", summary.as_of))
    with pytest.raises(SettingsError, match="26 weeks"):
        beta_geo.expected_purchases(summary, horizon="half a year")
    with pytest.raises(SettingsError, match="above zero"):
        beta_geo.expected_purchases(summary, horizon=0)


def test_a_second_opinion_that_does_not_converge_is_none(monkeypatch) -> None:
    import lifetimes
    from lifetimes.utils import ConvergenceError

    from crmtools.lifetime import second_opinion, simulate_summary

    def fails(*_: object, **__: object) -> None:
        raise ConvergenceError("it did not converge")

    monkeypatch.setattr(lifetimes.BetaGeoFitter, "fit", fails)
    assert second_opinion(simulate_summary(customers=200, length=52)) is None


@pytest.mark.parametrize("off", [1e-15, -1e-14, 2e-14, -9e-14, 1e-12, -1e-9, 1e-7])
@pytest.mark.parametrize("x", [0.0, 3.0])
def test_a_hair_from_a_equal_to_one_the_expectation_is_what_it_is_there(off, x):
    """scipy's hypergeometric function gives 1e23 there, now of this sign and now of that."""
    histories = np.array([x]), np.array([4 * x])
    at_one, near = (
        np.array([purchases_if_alive(np.array([r, 0.5, a, 0.3]), *histories, h)[0] for r in (150.0, 900.0) for h in (30.0, 900.0)])
        for a in (1.0, 1.0 + off)
    )  # fmt: skip
    assert near == pytest.approx(at_one, rel=1e-9 + 10 * abs(off))
