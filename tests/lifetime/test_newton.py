"""The optimiser: what it reports without a last evaluation is what an evaluation says."""

import numpy as np
import pytest

from crmtools.lifetime import BetaGeo, ModifiedBetaGeo, simulate_summary


@pytest.mark.parametrize("model", [BetaGeo, ModifiedBetaGeo])
@pytest.mark.parametrize("customers", [2_000, 300_000])
def test_a_fit_reports_likelihood_gradient_and_hessian_of_where_it_ends(model, customers):
    p = simulate_summary(customers=customers, length=104, daily=True).patterns()
    found = model.fit(p)
    value, gradient, hessian = model.likelihood(p.x, p.t_x, p.T, p.weight)(found.parameters)
    assert found.converged
    assert found.log_likelihood == pytest.approx(value, rel=1e-13)
    # what is left is below a ten-thousandth of a standard error
    assert gradient @ np.linalg.solve(-hessian, gradient) < 1e-8
    np.testing.assert_allclose(found.covariance, np.linalg.inv(-hessian), rtol=2e-4)


def test_a_start_from_some_rows_ends_where_all_rows_started_from_would(monkeypatch):
    p = simulate_summary(customers=300_000, length=104, daily=True).patterns()
    some = BetaGeo.fit(p)
    monkeypatch.setattr("crmtools.lifetime.newton._MANY", np.inf)
    every = BetaGeo.fit(p)
    np.testing.assert_allclose(some.parameters, every.parameters, rtol=1e-8)
    assert some.log_likelihood == pytest.approx(every.log_likelihood, rel=1e-13)
