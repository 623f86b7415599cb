import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime import ShiftedBetaGeo
from crmtools.lifetime.shifted_beta_geo import likelihood_of, residual_lifetime

REFERENCE = yaml.safe_load((Path(__file__).parents[1] / "reference" / "shifted_beta_geo.yaml").read_text("utf-8"))
SEGMENTS = ("high_end", "regular")

positive = st.floats(1e-4, 1e4)
counts = st.lists(
    st.tuples(st.integers(0, 30), st.booleans(), st.integers(1, 500)), min_size=1, max_size=12
).filter(lambda rows: any(renewals + lost > 0 for renewals, lost, _ in rows))  # fmt: skip


def frame(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["renewals", "lost", "customers"])


def fitted(segment: str, years: int = 7) -> ShiftedBetaGeo:
    # 1,000 customers: per cent times ten
    return ShiftedBetaGeo.fit_survivors(10 * np.array(REFERENCE["survivors"][segment][: years + 1]))


def paper_log_likelihood(alpha, beta, rows) -> float:
    """Fader & Hardie 2007, appendix B, with beta functions, row by row."""
    total = 0.0
    for renewals, lost, weight in rows:
        total += weight * (betaln(alpha + lost, beta + renewals) - betaln(alpha, beta))
    return total


@pytest.mark.parametrize("row", [row for row in REFERENCE["fits"] if "published" in row])
def test_parameters_equal_those_of_fader_and_hardie_2007(row):
    assert fitted(row["segment"], row["years"]).parameters.round(3).tolist() == row["published"]


@pytest.mark.parametrize("row", [row for row in REFERENCE["fits"] if "parameters" in row])
def test_optimum_equals_the_recomputed_one(row):
    model = fitted(row["segment"], row["years"])
    assert model.parameters == pytest.approx(row["parameters"], rel=1e-5)
    if "log_likelihood" in row:
        assert model.log_likelihood == pytest.approx(row["log_likelihood"], abs=1e-6)
    assert model.converged
    assert model.identified
    assert model.notes() == ()
    assert model.n == pytest.approx(1000)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_projected_survivors_equal_the_recomputed_ones(segment):
    left = 100 * fitted(segment).survival(range(8, 13))["value"]
    assert left.round(2).tolist() == REFERENCE["projected"][segment]


@pytest.mark.parametrize("segment", SEGMENTS)
def test_projection_lies_near_what_happened_in_the_published_table(segment):
    """The paper's point: seven years foresee the next five to within two points."""
    happened = np.array(REFERENCE["survivors"][segment])
    model = fitted(segment)
    assert np.abs(100 * model.survival(range(13))["value"].to_numpy() - happened).max() < 2
    ahead = model.projection({7: round(10 * happened[7])}, periods=5, level=0.95)
    assert ahead["value"].to_numpy() == pytest.approx(10 * happened[8:], rel=0.05)
    assert (ahead["low"] < ahead["value"]).all()
    assert (ahead["high"] > ahead["value"]).all()


@pytest.mark.parametrize("row", REFERENCE["residual_lifetime"])
def test_residual_lifetime_equals_fader_and_hardie_2010(row):
    found = residual_lifetime(np.array(row["parameters"]), np.arange(1.0, 6), 0.1)
    assert found.round(4).tolist() == row["recomputed"]
    assert found == pytest.approx(row["published"], abs=0.005 if row["parameters"][0] > 1 else 0.011)


@given(positive, positive, counts)
def test_log_likelihood_is_that_of_the_paper(alpha, beta, rows):
    lost = np.zeros(32)
    survived = np.zeros(32)
    for renewals, left, weight in rows:
        survived[:renewals] += weight
        lost[renewals] += weight * left
    value = likelihood_of(lost, survived)(np.array([alpha, beta]))[0]
    assert value == pytest.approx(paper_log_likelihood(alpha, beta, rows), rel=1e-8, abs=1e-6)


@given(st.floats(0.05, 50), st.floats(0.05, 50), st.lists(st.integers(0, 100), min_size=2, max_size=10))
def test_gradient_and_hessian_equal_differences(alpha, beta, numbers):
    lost, survived = np.array(numbers, dtype=float), np.arange(len(numbers))[::-1] * 7.0
    function, at = likelihood_of(lost, survived), np.array([alpha, beta])
    _, gradient, hessian = function(at)
    # in steps of log-parameters, as the optimiser sees them
    for i, step in enumerate(1e-5 * np.diag(at)):
        up, down = function(at + step), function(at - step)
        size = 1 + (lost + survived).sum()
        assert (up[0] - down[0]) / 2e-5 == pytest.approx(gradient[i] * at[i], rel=1e-5, abs=1e-6 * size)
        np.testing.assert_allclose(
            (up[1] - down[1]) * at / 2e-5, hessian[i] * at * at[i], rtol=1e-5, atol=1e-6 * size
        )  # fmt: skip


@given(counts)
def test_weights_are_replicated_customers(rows):
    weighted, table = ShiftedBetaGeo.fit(frame(rows)), frame(rows)
    one_each = table.loc[table.index.repeat(table["customers"]), ["renewals", "lost"]]
    single = ShiftedBetaGeo.fit(one_each.sample(frac=1, random_state=1))
    assert single.parameters == pytest.approx(weighted.parameters, rel=1e-9)
    assert single.log_likelihood == pytest.approx(weighted.log_likelihood, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(single.covariance, weighted.covariance, rtol=1e-6)


@given(counts)
def test_the_fit_is_the_maximum_and_no_question_is_answered_with_nan(rows):
    model = ShiftedBetaGeo.fit(frame(rows))
    assert model.converged
    assert np.isfinite(model.parameters).all()
    assert np.isfinite([model.log_likelihood, model.aic, model.bic]).all()
    for factor in (0.98, 1.02):
        for alpha, beta in (model.parameters * (factor, 1), model.parameters * (1, factor)):
            assert paper_log_likelihood(alpha, beta, rows) <= model.log_likelihood + 1e-5
    for answer in (
        model.survival([0, 1, 5, 1000]),
        model.retention([1, 2, 1000]),
        model.discounted_residual_lifetime([1, 40], discount=0.01),
        model.projection({0: 5, 31: 2}, periods=3),
    ):
        assert answer["value"].notna().all()
        assert (answer["value"] >= 0).all()
    with_limits = model.survival([1, 5], level=0.95)
    assert with_limits[["low", "high"]].notna().all(axis=None) == model.identified
    assert bool(model.notes()) or model.identified
    again = ShiftedBetaGeo.from_json(model.to_json())
    assert again.to_json() == model.to_json()
    assert np.array_equal(again.covariance, model.covariance, equal_nan=True)


@given(positive, positive)
def test_probabilities_sum_to_one_and_retention_rises(alpha, beta):
    model = made(alpha, beta)
    left = model.survival(range(61))["value"].to_numpy()
    kept = model.retention(range(1, 61))["value"].to_numpy()
    assert left[0] == 1
    assert ((left >= 0) & (left <= 1)).all()
    assert -np.diff(left).sum() + left[-1] == pytest.approx(1)
    assert left[1:] == pytest.approx(np.cumprod(kept), rel=1e-7)
    assert (np.diff(kept) >= 0).all()
    assert kept[0] == pytest.approx(beta / (alpha + beta))


@given(positive, positive, st.integers(1, 300), st.floats(0.02, 2))
def test_residual_lifetime_is_the_discounted_sum_of_survivals(alpha, beta, renewal, discount):
    found = made(alpha, beta).discounted_residual_lifetime(renewal, discount=discount)["value"].iloc[0]
    ahead = np.arange(int(40 / np.log1p(discount)) + 1)
    kept = (beta + renewal - 1 + ahead) / (alpha + beta + renewal - 1 + ahead)
    assert found == pytest.approx((np.cumprod(kept) / (1 + discount) ** ahead).sum(), rel=1e-9)


def made(alpha: float, beta: float) -> ShiftedBetaGeo:
    return ShiftedBetaGeo(
        alpha=alpha,
        beta=beta,
        covariance=np.eye(2),
        log_likelihood=-1.0,
        n=10,
        lost=5.0,
        longest=9,
        converged=True,
        message="",
    )


def test_standard_errors_are_those_of_the_information_and_of_simulation(rng):
    """Inverse of the differentiated gradient; and simulated fits scatter by as much."""
    model = fitted("regular")
    assert model.summary()["se"].to_numpy() == pytest.approx(np.sqrt(np.diag(model.covariance)))
    found = []
    for _ in range(300):
        theta = rng.beta(*model.parameters, 1000)
        lives = rng.geometric(theta)
        left = np.array([(lives > t).sum() for t in range(8)])
        found.append(np.log(ShiftedBetaGeo.fit_survivors(left).parameters))
    scatter = np.std(found, axis=0) * model.parameters
    assert model.summary()["se"].to_numpy() == pytest.approx(scatter, rel=0.15)


def test_projection_interval_holds_what_comes_as_often_as_it_says(rng):
    alpha, beta, inside = 0.9, 3.0, []
    for seed in range(200):
        lives = rng.geometric(rng.beta(alpha, beta, 400))
        left = np.array([(lives > t).sum() for t in range(12)])
        model = ShiftedBetaGeo.fit_survivors(left[:6])
        ahead = model.projection({5: int(left[5])}, periods=6, level=0.9, draws=400, seed=seed)
        inside.append((ahead["low"] <= left[6:]) & (left[6:] <= ahead["high"]))
    assert 0.84 <= np.mean(inside) <= 0.96


def test_projection_adds_up_customers_of_different_age():
    model = fitted("high_end")
    both = model.projection({2: 40, 7: 60}, periods=4)["value"]
    apart = [model.projection({age: n}, periods=4)["value"] for age, n in ((2, 40), (7, 60))]
    assert both.to_numpy() == pytest.approx(sum(apart).to_numpy())
    ratio = model.survival(9)["value"].iloc[0] / model.survival(7)["value"].iloc[0]
    assert apart[1].loc[2] == pytest.approx(60 * ratio)


def test_what_the_data_do_not_tell_is_said():
    cases = {
        (100, 80): "Only 1 renewals",  # one renewal tells a mean only
        (50, 50, 50, 50): "Nobody has left",
        (100, 90, 81, 72.9, 65.61): "same at every age",
        (1000, 500, 100, 10, 0): "do not identify",  # retention falls with age, which the model cannot do
    }
    for survivors, said in cases.items():
        model = ShiftedBetaGeo.fit_survivors(survivors)
        assert not model.identified
        assert any(said in note.en for note in model.notes())
        assert any("no interval is given" in note.en for note in model.notes())
        assert model.survival(3, level=0.9)[["low", "high"]].isna().all(axis=None)
        assert model.projection({1: 5}, periods=2, level=0.9)["low"].isna().all()
        with pytest.raises(DataError, match="Too few"):
            model.draws(10)
    alike = ShiftedBetaGeo.fit_survivors((100, 90, 81, 72.9, 65.61))
    assert alike.survival(8)["value"].iloc[0] == pytest.approx(0.9**8, rel=1e-3)


def test_wrong_input_is_refused_with_what_is_allowed():
    for rows, said in (
        ([(-1, True, 1)], "whole numbers from 0"),
        ([(1.5, True, 1)], "whole numbers from 0"),
        ([(1, True, -2)], "numbers from 0"),
        ([(0, False, 9)], "no renewal"),
        ([(3, True, 0)], "0 customers"),
    ):
        with pytest.raises(DataError, match=said):
            ShiftedBetaGeo.fit(frame(rows))
    with pytest.raises(DataError, match="lost"):
        ShiftedBetaGeo.fit(pd.DataFrame({"renewals": [1]}))
    for survivors in ([5], [5, 6], [5, np.nan], [5, -1]):
        with pytest.raises(DataError, match="never rise"):
            ShiftedBetaGeo.fit_survivors(survivors)
    model = made(1, 2)
    for t in (-1, 0.5, np.nan):
        with pytest.raises(SettingsError, match="whole numbers from 0"):
            model.survival(t)
    with pytest.raises(SettingsError, match="from 1"):
        model.retention(0)
    for discount in (0, -0.1, np.nan):
        with pytest.raises(SettingsError, match="above 0"):
            model.discounted_residual_lifetime(1, discount=discount)
    with pytest.raises(DataError, match="below 0"):
        model.projection({-1: 4}, periods=2)


@pytest.mark.parametrize("written", ["", "[]", "{}", '{"model": "BetaGeo"}', '{"model": "ShiftedBetaGeo", "alpha": 1}'])
def test_json_of_something_else_is_refused(written):
    with pytest.raises(DataError, match="no ShiftedBetaGeo"):
        ShiftedBetaGeo.from_json(written)


def test_json_holds_the_model_in_plain_words():
    model = fitted("regular")
    written = json.loads(model.to_json())
    assert written["model"] == "ShiftedBetaGeo"
    assert [written["alpha"], written["beta"]] == model.parameters.tolist()
    assert np.array(written["covariance"]) == pytest.approx(model.covariance)
