"""What holds for every model of purchases, without being told its name."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmtools.errors import DataError
from crmtools.lifetime import Patterns, Summary, simulate_summary
from crmtools.lifetime.model import PurchaseModel

MODELS = sorted(PurchaseModel.__subclasses__(), key=lambda model: model.__name__)
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.TITLE)
parameter = st.floats(0.05, 20)


@st.composite
def ages(draw, size=8):
    """Legal histories, the edges among them: no repeat, a purchase on the last day, nobody observed for long."""
    T = np.array(draw(st.lists(st.integers(0, 800), min_size=size, max_size=size)), float)
    x = np.array(draw(st.lists(st.one_of(st.just(0), st.integers(1, 300)), min_size=size, max_size=size)), float)
    share = np.array(draw(st.lists(st.floats(0, 1), min_size=size, max_size=size)))
    t_x = np.where(x > 0, np.maximum(np.rint(share * T), 1), 0.0)
    T = np.where(x > 0, np.maximum(T, t_x), T)
    return x, t_x, T


def theta_of(model, data):
    return np.array([data.draw(parameter, label=name) for name in model.NAMES])


@every_model
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_gradient_and_hessian_equal_differences(model, data):
    histories, theta = data.draw(ages()), theta_of(model, data)
    function = model.likelihood(*histories, np.arange(1.0, 9.0))
    _, gradient, hessian = function(theta)
    for i, step in enumerate(1e-5 * np.diag(theta)):
        up, down = function(theta + step), function(theta - step)
        size = 1e-4 * (1 + np.abs(gradient).max()) + 1e-9 * abs(up[0]) / step[i]
        assert (up[0] - down[0]) / (2 * step[i]) == pytest.approx(gradient[i], rel=1e-4, abs=size)
        rounding = 1e-4 * (1 + np.abs(hessian).max())
        np.testing.assert_allclose((up[1] - down[1]) / (2 * step[i]), hessian[i], rtol=1e-4, atol=rounding)


@every_model
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_probabilities_sum_to_one_and_their_mean_is_the_expectation(model, data):
    (x, t_x, T), theta = data.draw(ages(size=3)), theta_of(model, data)
    horizon = data.draw(st.sampled_from([1.0, 10.0, 60.0]))
    # a mean rate at which a few hundred counts hold all of the probability
    x = np.minimum(x, 5)
    t_x = np.where(x > 0, t_x, 0.0)
    counts = np.arange(3000.0)
    every = (np.tile(part, len(counts)) for part in (x, T))
    table = model.chances_if_alive(theta, *every, horizon, np.repeat(counts, 3)).reshape(-1, 3)
    assert ((table >= 0) & (table <= 1 + 1e-12)).all()
    held = table.sum(axis=0) > 1 - 1e-9
    np.testing.assert_allclose(table.sum(axis=0)[held], 1, atol=1e-9)
    mean = counts @ table
    light = table[-1] * counts[-1] ** 2 < 1e-9
    expected = model.purchases_if_alive(theta, x, T, horizon)
    np.testing.assert_allclose(mean[light & held], expected[light & held], rtol=1e-6, atol=1e-9)


@every_model
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_no_legal_history_gives_nonsense(model, data):
    histories = data.draw(ages())
    theta = np.exp(np.array([data.draw(st.floats(-7, 7), label=name) for name in model.NAMES]))
    x, _, T = histories
    value, gradient, hessian = model.likelihood(*histories, np.ones(8))(theta)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert np.isfinite(hessian).all()
    here = model.alive(theta, *histories)
    assert ((here >= 0) & (here <= 1)).all()
    before = np.zeros(8)
    for horizon in (0.5, 30.0, 900.0):
        expected = model.purchases_if_alive(theta, x, T, horizon)
        assert np.isfinite(expected).all()
        assert (expected >= before * (1 - 1e-9)).all()
        before = expected
        silent = model.silent(theta, histories, horizon)
        assert ((silent >= -1e-12) & (silent <= 1 + 1e-12)).all()


@every_model
def test_weights_are_replication_and_units_move_time_only(model):
    summary = simulate_summary(customers=900, length=60, daily=True, seed=2)
    p, fitted = summary.patterns(), model.fit(summary)
    doubled = model.fit(Patterns(p.x, p.t_x, p.T, 2 * p.weight, p.unit))
    twice = model.fit(Summary(pd.concat([summary.frame] * 2, ignore_index=True), "weeks", summary.as_of))
    np.testing.assert_allclose(doubled.parameters, twice.parameters, rtol=1e-7)
    assert doubled.log_likelihood == pytest.approx(2 * fitted.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(doubled.covariance, fitted.covariance / 2, rtol=1e-4)
    days = Summary(
        summary.frame.assign(recency=summary.frame["recency"] * 7, T=summary.frame["T"] * 7), "days", summary.as_of
    )
    scale = np.array([7.0 if name in model.TIMED else 1.0 for name in model.NAMES])
    other = model.fit(days)
    np.testing.assert_allclose(other.parameters, fitted.parameters * scale, rtol=1e-6)
    here, there = (
        fit.expected_purchases(s, horizon="26 weeks", level=0.9) for fit, s in ((fitted, summary), (other, days))
    )
    pd.testing.assert_frame_equal(here, there, rtol=1e-5)


@every_model
def test_a_fit_comes_back_from_json(model):
    fitted = model.fit(simulate_summary(customers=300, length=60, daily=True, seed=5))
    back = model.from_json(fitted.to_json())
    assert back.to_json() == fitted.to_json()
    np.testing.assert_array_equal(back.covariance, fitted.covariance)
    with pytest.raises(DataError, match="not the JSON of a"):
        model.from_json('{"model": "Another"}')
    with pytest.raises(DataError, match="wrong or missing keys: m, n"):
        model.from_json(fitted.to_json().replace('"n"', '"m"'))


@every_model
def test_futures_follow_the_probabilities(model):
    """What is drawn of active customers has the distribution that the formula gives."""
    theta = model.fit(simulate_summary(customers=2000, length=60, daily=True, seed=7)).parameters
    many, horizon = 40_000, 25.0
    x, T = np.full(many, 2.0), np.full(many, 40.0)
    owner, time = model.future_if_alive(theta, x, T, horizon, np.random.default_rng(1))
    made = np.bincount(owner, minlength=many)
    for n in range(5):
        chance = float(model.chances_if_alive(theta, x[:1], T[:1], horizon, np.full(1, float(n)))[0])
        error = np.sqrt(chance * (1 - chance) / many)
        assert np.mean(made == n) == pytest.approx(chance, abs=4 * error + 1e-9)
    assert ((time >= 0) & (time <= horizon)).all()
    half = np.bincount(owner[time <= horizon / 2], minlength=many).mean()
    expected = float(model.purchases_if_alive(theta, x[:1], T[:1], horizon / 2)[0])
    assert half == pytest.approx(expected, abs=4 * made.std() / np.sqrt(many))


@every_model
def test_totals_hold_more_than_their_parts_and_answers_have_limits(model):
    summary = simulate_summary(customers=6000, length=60, daily=True, seed=9)
    fitted = model.fit(summary)
    region = pd.Series(np.where(np.arange(6000) < 40, "few", "many"), index=summary.frame.index)
    totals = fitted.total_purchases(summary, horizon="26 weeks", by=region)
    assert totals["customers"].to_dict() == {"few": 40, "many": 5960}
    each = fitted.expected_purchases(summary, horizon="26 weeks", level=0.95)
    assert totals["value"].sum() == pytest.approx(each["value"].sum())
    assert (totals["low"] < totals["value"]).all()
    assert (totals["value"] < totals["high"]).all()
    # chance is in it: of few customers anything may come
    assert totals.loc["few", "high"] > 1.2 * totals.loc["few", "value"]
    assert (each["low"] <= each["value"]).all()
    assert (each["value"] <= each["high"]).all()
    chances = fitted.purchase_distribution(summary, horizon=10, most=4)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    bought = fitted.probability_of_purchase(summary, horizon=10)["value"]
    np.testing.assert_allclose(1 - chances[0], bought, atol=1e-12)
    new = fitted.purchase_distribution_new_customer(horizon=10, most=200)
    assert new.iloc[:-1] @ np.arange(201) == pytest.approx(fitted.expected_purchases_new_customer(horizon=10), rel=1e-3)
