"""Limits by profile likelihood: where the best fit with one parameter held has lost what a chi-square allows."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

from crmtools.lifetime import BetaGeo, ModifiedBetaGeo, ParetoNbd, Patterns, simulate_summary


@pytest.mark.parametrize("model", [BetaGeo, ModifiedBetaGeo, ParetoNbd], ids=lambda model: model.TITLE)
def test_at_the_limits_the_best_fit_has_lost_what_chi_square_allows(model):
    """The other parameters found anew by a simplex, which knows no gradient."""
    summary = simulate_summary(customers=800, length=78, seed=3, model=model.TITLE, daily=True)
    fit = model.fit(summary)
    found = fit.parameter_limits(summary, level=0.9)
    p = summary.patterns()
    likelihood = model.likelihood(p.x, p.t_x, p.T, p.weight)
    best = likelihood(fit.parameters)[0]
    for place, name in ((0, model.NAMES[0]), (3, model.NAMES[3])):
        free = np.arange(4) != place
        assert found.loc[name, "low"] < fit.parameters[place] < found.loc[name, "high"]
        for side in ("low", "high"):

            def lost(others, place=place, free=free, held=found.loc[name, side]):
                full = np.empty(4)
                full[place], full[free] = held, np.exp(others)
                return best - likelihood(full)[0]

            if np.isfinite(found.loc[name, side]):
                start, how = (
                    np.log(fit.parameters[free]),
                    {"xatol": 1e-5, "fatol": 1e-6, "maxiter": 4000, "maxfev": 4000},
                )
                least = minimize(lost, start, method="Nelder-Mead", options=how).fun
                assert 2 * least == pytest.approx(chi2.ppf(0.9, 1), rel=5e-3)


def test_of_many_customers_they_are_those_of_wald():
    summary = simulate_summary(customers=60_000, length=78, seed=4, daily=True)
    fit = BetaGeo.fit(summary)
    found, wald = fit.parameter_limits(summary), fit.summary()
    assert found[["low", "high"]].to_numpy() == pytest.approx(wald[["low", "high"]].to_numpy(), rel=0.02)
    assert found["estimate"].tolist() == wald["estimate"].tolist()


def test_a_side_that_the_data_leave_open_has_no_limit():
    """Five hundred customers may all be alike in how they leave: a and b have no upper limit."""
    summary = simulate_summary(customers=500, length=78, seed=5, model="MBG/NBD", daily=True)
    found = ModifiedBetaGeo.fit(summary).parameter_limits(summary)
    assert np.isinf(found.loc[["a", "b"], "high"]).all()
    assert (found["low"] > 0).all()


def test_without_identification_there_are_none():
    x, t_x, T = np.zeros(30), np.zeros(30), np.linspace(1, 30, 30)
    patterns = Patterns(x, t_x, T, np.ones(30), "weeks")
    fit = BetaGeo.fit(patterns)
    assert not fit.identified
    assert fit.parameter_limits(patterns)[["low", "high"]].isna().all(axis=None)
