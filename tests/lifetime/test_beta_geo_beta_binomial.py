from dataclasses import replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.special import betaln, comb

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime import BetaGeoBetaBinomial, Patterns, Summary, customer_value, opportunities
from crmtools.lifetime.beta_geo_beta_binomial import likelihood_of
from crmtools.lifetime.gamma_gamma import GammaGamma


@pytest.fixture(scope="module")
def published():
    return yaml.safe_load((Path(__file__).parents[1] / "reference" / "beta_geo_beta_binomial.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def donations():
    """The 22 histories of the 1995 cohort; the file is found without importing lifetimes, which warns."""
    folder = Path(find_spec("lifetimes").submodule_search_locations[0])
    raw = pd.read_csv(folder / "datasets" / "donations.csv")
    # no calendar is asked for: what an opportunity is called makes no difference
    return Patterns(*(raw[name].to_numpy(float) for name in ("frequency", "recency", "periods", "weights")), "months")


@pytest.fixture(scope="module")
def model(donations):
    return BetaGeoBetaBinomial.fit(donations)


@pytest.fixture(scope="module")
def people(donations):
    """The same people one by one."""
    columns = {"frequency": donations.x.astype(int), "recency": donations.t_x, "T": donations.T}
    frame = pd.DataFrame({name: np.repeat(column, donations.weight.astype(int)) for name, column in columns.items()})
    return Summary(frame, "months", date(2001, 12, 31))


def histories(rows, opportunities_seen=6.0):
    x, t_x = (np.array(rows[name], dtype=float) for name in ("x", "t_x"))
    return x, t_x, np.full(len(x), opportunities_seen)


def plain_likelihood(parameters, x, t_x, n):
    """FHS 2010, eq. 5, written out."""
    alpha, beta, gamma, delta = parameters

    def part(lost, survived, left):
        return np.exp(
            betaln(alpha + x, beta + lost) - betaln(alpha, beta)
            + betaln(gamma + left, delta + survived) - betaln(gamma, delta)
        )  # fmt: skip

    gone = sum(part(t_x - x + i, t_x + i, 1) for i in range(int(n - t_x)))
    return part(n - x, n, 0), part(n - x, n, 0) + gone


def test_fit_equals_published_and_recomputed(model, donations, people, published):
    facts, fit = published["donations"], published["fit"]
    assert (model.n, len(donations.x), model.longest) == (facts["people"], facts["cells"], facts["opportunities"])
    assert model.converged
    assert model.identified
    assert model.parameters == pytest.approx(fit["published"]["parameters"], abs=0.0006)
    assert model.parameters == pytest.approx(fit["btyd"]["parameters"], rel=2e-4)
    assert model.parameters == pytest.approx(fit["exact"]["parameters"], rel=1e-6)
    assert model.log_likelihood == pytest.approx(fit["published"]["log_likelihood"], abs=0.05)
    assert model.log_likelihood == pytest.approx(fit["btyd"]["log_likelihood"], abs=0.005)
    assert model.log_likelihood == pytest.approx(fit["exact"]["log_likelihood"], abs=1e-6)
    assert BetaGeoBetaBinomial.fit(people).parameters == pytest.approx(model.parameters, rel=1e-9)


def test_every_start_leads_to_the_same_fit(donations, model, monkeypatch):
    for start in ((0.1, 0.1, 0.1, 0.1), (10.0, 1.0, 5.0, 0.5), (0.5, 30.0, 1.0, 30.0)):
        monkeypatch.setattr(BetaGeoBetaBinomial, "START", start)
        assert BetaGeoBetaBinomial.fit(donations).parameters == pytest.approx(model.parameters, rel=1e-6)


def test_log_likelihood_equals_the_formula_written_out(model, donations):
    each = [
        np.log(plain_likelihood(model.parameters, *row)[1])
        for row in zip(donations.x, donations.t_x, donations.T, strict=True)
    ]
    assert model.log_likelihood == pytest.approx(donations.weight @ each, rel=1e-13)


def test_the_chances_of_all_histories_sum_to_one(model):
    """Every (x, t_x) of six opportunities, times the ways to place the purchases before the last."""
    x, t_x = np.array([(0, 0)] + [(x, t) for t in range(1, 7) for x in range(1, t + 1)], float).T
    chance = [np.exp(likelihood_of(*np.array([[a], [b], [6.0], [1.0]]))(model.parameters)[0]) for a, b in zip(x, t_x)]
    ways = np.where(x > 0, comb(t_x - 1, x - 1), 1)
    assert ways @ chance == pytest.approx(1, abs=1e-12)


def test_alive_equals_published_and_recomputed(model, published, donations):
    rows = published["alive"]["published"]
    assert model.alive(model.parameters, *histories(rows)).round(2).tolist() == rows["alive"]
    rows = published["alive"]["exact"]
    assert model.alive(model.parameters, *histories(rows)).round(4).tolist() == rows["alive"]
    gamma, delta = model.gamma, model.delta
    here, both = np.transpose(
        [plain_likelihood(model.parameters, *row) for row in zip(donations.x, donations.t_x, donations.T, strict=True)]
    )
    by_hand = here / both * (delta + 6) / (gamma + delta + 6)
    np.testing.assert_allclose(
        model.alive(model.parameters, donations.x, donations.t_x, donations.T), by_hand, rtol=1e-12
    )


def test_people_by_frequency_equal_published(model, published):
    rows = published["expected_people"]
    expected = 11104 * model.purchase_distribution_new_customer(horizon=6, most=6)
    assert expected[rows["x"]].round(1).tolist() == rows["people"]


def test_expected_gifts_equal_published_recomputed_and_btyd(model, people, published):
    rows = published["next_five"]
    each = model.expected_purchases(people, horizon=5)["value"]
    assert each.sum() == pytest.approx(rows["total"]["published"], abs=0.05)
    assert each.sum() == pytest.approx(rows["total"]["exact"], abs=0.0006)
    exact = rows["exact"]
    found = model.expected(model.parameters, histories(exact), 5)
    assert found.round(4).tolist() == exact["expected"]
    assert each.iloc[0] == pytest.approx(exact["never"], abs=6e-8)
    btyd = replace(model, **dict(zip(model.NAMES, published["fit"]["btyd"]["parameters"])))
    frequency = people.frame["frequency"]
    means = btyd.expected_purchases(people, horizon=5)["value"].groupby(frequency).mean()
    assert means.tolist() == pytest.approx(rows["btyd_by_frequency"], rel=1e-6)
    ten = published["next_ten"]
    assert btyd.expected_purchases_new_customer(horizon=10) == pytest.approx(ten["new_customer"], rel=5e-7)
    assert btyd.expected(btyd.parameters, histories(ten), 10) == pytest.approx(ten["expected"], rel=2e-6)


def test_new_donors_equal_published_and_btyd(model, published):
    growth = model.expected_purchases_new_customer(horizon=np.arange(1.0, 12.0))
    assert growth.round(4).tolist() == published["new_customer"]
    btyd = replace(model, **dict(zip(model.NAMES, published["fit"]["btyd"]["parameters"])))
    growth = btyd.expected_purchases_new_customer(horizon=np.arange(1.0, 12.0))
    assert (11104 * np.diff(growth, prepend=0)).tolist() == pytest.approx(published["tracking"], rel=5e-7)


def test_residual_purchases_equal_a_plain_sum(model, people, published):
    rows = published["residual"]
    parameters = np.array(rows["parameters"])
    ages = histories(rows)
    found = model.residual(parameters, *ages, rows["discount"])
    assert found[0] == pytest.approx(rows["expected"][0], abs=1e-10)
    assert found[1:].round(6).tolist() == rows["expected"][1:]
    until = np.arange(1, 400)
    growth = np.stack([model.expected(parameters, ages, k) for k in until])
    plain = (np.diff(growth, axis=0, prepend=0) / 1.1 ** until[:, None]).sum(axis=0)
    assert found == pytest.approx(plain, rel=1e-10)
    answer = replace(model, **dict(zip(model.NAMES, parameters))).residual_purchases(people, discount=0.1, level=0.9)
    assert answer["value"].iloc[-1] == pytest.approx(found[-1])
    assert (answer["low"] < answer["value"]).all()
    assert (answer["value"] < answer["high"]).all()
    with pytest.raises(SettingsError, match="per opportunity"):
        model.residual_purchases(people, discount=0)


@pytest.mark.parametrize("gamma", [1.0, 1 + 1e-9, 1 - 1e-9])
def test_gamma_of_one_is_no_edge(gamma):
    """The published closed form is 0/0 there; here by hand for a new customer."""
    chance, there = 1.2 / 1.95, 1.0
    expected = 0.0
    for k in range(50):
        there *= (2.78 + k) / (gamma + 2.78 + k)
        expected += chance * there
    born = np.zeros(1)
    found = BetaGeoBetaBinomial.expected(np.array([1.2, 0.75, gamma, 2.78]), (born, born, born), 50)
    assert found[0] == pytest.approx(expected, rel=1e-12)


def test_long_histories_keep_their_digits():
    """Ten years of weeks, rare and frequent buyers, against betas in logarithms summed from their largest."""
    parameters = (0.4, 20.0, 0.3, 60.0)
    x, t_x, n = np.array([0.0, 1, 40, 300]), np.array([0.0, 3, 500, 520]), np.full(4, 520.0)
    function = likelihood_of(x, t_x, n, np.ones(4))
    expected = sum(np.log(plain_likelihood(parameters, *row)[1]) for row in zip(x, t_x, n, strict=True))
    assert function(np.array(parameters))[0] == pytest.approx(expected, rel=1e-12)


def test_simulated_parameters_are_recovered():
    truth, random = np.array([1.2, 0.75, 0.66, 2.78]), np.random.default_rng(5)
    born = np.zeros(30_000)
    n = random.integers(3, 12, len(born)).astype(float)
    owner, time = BetaGeoBetaBinomial.future(truth, (born, born, born), 11, random)
    seen = time < n[owner]
    x = np.bincount(owner[seen], minlength=len(born))
    t_x = np.zeros(len(born))
    np.maximum.at(t_x, owner[seen], np.ceil(time[seen]))
    frame = pd.DataFrame({"frequency": x, "recency": t_x, "T": n})
    table = BetaGeoBetaBinomial.fit(Summary(frame, "months", date(2025, 1, 1))).summary(level=0.999)
    assert (table["low"] < truth).all()
    assert (table["high"] > truth).all()


def test_orders_become_value_by_the_month(cdnow):
    summary = opportunities(cdnow, as_of="1998-06-30")
    model, spend = BetaGeoBetaBinomial.fit(summary), GammaGamma.fit(summary)
    assert model.converged
    value = customer_value(model, spend, summary, horizon_months=12, annual_discount=0.1)
    assert value.total.low < value.total.value < value.total.high
    assert (value.frame["expected_purchases"] <= 12).all()


def test_what_is_not_whole_is_refused(model, people):
    with pytest.raises(SettingsError, match="whole number"):
        model.expected_purchases(people, horizon=2.5)
    with pytest.raises(SettingsError, match="whole number"):
        model.expected_purchases(people, horizon="26 weeks")
    with pytest.raises(SettingsError, match="at least 1"):
        model.expected_purchases_new_customer(horizon=np.array([0.0]))
    assert model.in_unit("12 months") == 12
    half = Summary(people.frame.assign(T=6.5), "months", people.as_of)
    with pytest.raises(DataError, match="whole numbers"):
        BetaGeoBetaBinomial.fit(half)
    often = Summary(people.frame.assign(frequency=people.frame["frequency"] * 7), "months", people.as_of)
    with pytest.raises(DataError, match="one purchase at most"):
        model.probability_alive(often)


def test_the_size_of_a_block_makes_no_difference(model, donations, monkeypatch):
    monkeypatch.setattr("crmtools.lifetime.beta_geo_beta_binomial._BLOCK", 10)
    small = BetaGeoBetaBinomial.fit(donations)
    assert small.parameters == pytest.approx(model.parameters, rel=1e-12)
    x, T = donations.x, donations.T
    few = model.chances_if_alive(model.parameters, x, T, 9.0, x)
    monkeypatch.undo()
    np.testing.assert_array_equal(model.chances_if_alive(model.parameters, x, T, 9.0, x), few)
    nobody = np.zeros(0)
    assert len(model.alive(model.parameters, nobody, nobody, nobody)) == 0
    assert len(model.expected(model.parameters, (nobody, nobody, nobody), 3)) == 0
