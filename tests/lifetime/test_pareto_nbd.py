from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.integrate import quad
from scipy.special import gammaln
from scipy.stats import binom, poisson

from crmtools.errors import SettingsError
from crmtools.lifetime import ParetoNbd, Summary, holdout_check, purchase_calendar, simulate_summary, tracking
from crmtools.lifetime.pareto_nbd import discounted_if_alive

TRUTH = (0.553, 10.578, 0.606, 11.669)


@pytest.fixture(scope="module")
def published():
    return yaml.safe_load((Path(__file__).parents[1] / "reference" / "pareto_nbd.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def pareto(summary):
    return ParetoNbd.fit(summary)


@pytest.fixture(scope="module")
def rounded():
    """The same customers with ages cut to two digits of a week, as lifetimes ships them."""
    from lifetimes.datasets import load_cdnow_summary

    return ParetoNbd.fit(Summary(load_cdnow_summary(index_col=[0]), "weeks", date(1997, 9, 30)))


def one(*values):
    return tuple(np.array([value], dtype=float) for value in values)


def at(model, parameters):
    return replace(model, **dict(zip(ParetoNbd.NAMES, parameters)))


def log_likelihood(parameters, *history):
    return ParetoNbd.likelihood(*one(*history), np.ones(1))(np.array(parameters))[0]


def plain_log_likelihood(parameters, x, t_x, T):
    """The mixture written out, customer by customer, by adaptive quadrature over the time of leaving."""
    r, alpha, s, beta = parameters
    head = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    here = (alpha + T) ** -(r + x) * (beta + T) ** -s
    gone = quad(lambda u: (alpha + u) ** -(r + x) * (beta + u) ** -(s + 1), t_x, T, epsabs=0, epsrel=1e-11)[0]
    return head + np.log(here + s * gone)


# ---- CDNOW


def test_parameters_equal_published_cdnow(pareto, rounded, published):
    for model in (pareto, rounded):
        for name in ParetoNbd.NAMES:
            assert getattr(model, name) == pytest.approx(published["published"][name], abs=0.0016)
        assert model.log_likelihood == pytest.approx(published["published"]["log_likelihood"], abs=0.05)
        assert model.log_likelihood == pytest.approx(published["btyd"]["log_likelihood"], abs=0.0025)


@pytest.mark.parametrize("key", ["exact", "rounded"])
def test_parameters_and_errors_equal_recomputed_cdnow(pareto, rounded, published, key):
    model, expected = {"exact": pareto, "rounded": rounded}[key], published[key]
    assert model.parameters == pytest.approx(expected["parameters"], rel=1e-5)
    assert model.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-6)
    assert model.summary()["se"].to_numpy() == pytest.approx(expected["se"], rel=1e-4)
    assert model.converged
    assert model.identified


def test_both_inputs_are_told_apart(pareto, rounded):
    assert rounded.log_likelihood - pareto.log_likelihood == pytest.approx(0.002249, abs=2e-6)


def test_log_likelihood_equals_the_integral_written_out(pareto, summary):
    p = summary.patterns()
    each = [plain_log_likelihood(pareto.parameters, *history) for history in zip(p.x, p.t_x, p.T)]
    assert pareto.log_likelihood == pytest.approx(p.weight @ each, abs=1e-7)


def test_nobody_finds_a_higher_likelihood(pareto, summary):
    from lifetimes import ParetoNBDFitter

    x, t_x, T = summary.ages()
    other = ParetoNBDFitter().fit(x, t_x, T, initial_params=np.ones(4)).params_[list(ParetoNbd.NAMES)].to_numpy(float)
    assert other == pytest.approx(pareto.parameters, rel=1e-3)
    gain = ParetoNbd.likelihood(x, t_x, T, np.ones(len(x)))(other)[0] - pareto.log_likelihood
    assert -1e-3 < gain < 1e-9


def test_new_customer_equals_published(pareto, published):
    for key, digits in (("new_customer", 1e-8), ("new_customer_rounded", 1e-9)):
        rows = published[key]
        model = at(pareto, rows["parameters"])
        one_by_one = [model.expected_purchases_new_customer(horizon=t) for t in rows["horizon"]]
        assert one_by_one == pytest.approx(rows["expected"], abs=digits)
        at_once = model.expected_purchases_new_customer(horizon=np.array(rows["horizon"], dtype=float))
        assert at_once.tolist() == one_by_one
    year = published["new_customer_year"]
    assert pareto.expected_purchases_new_customer(horizon=year["horizon"]) == pytest.approx(year["expected"], rel=1e-6)


def test_customers_equal_published(pareto, rounded, published):
    row = published["customer"]
    found = ParetoNbd.expected(rounded.parameters, one(row["x"], row["t_x"], row["T"]), row["horizon"])
    assert found[0] == pytest.approx(row["expected"], abs=1e-6)
    row = published["frequent_customer"]
    history = one(row["x"], row["t_x"], row["T"])
    assert ParetoNbd.alive(pareto.parameters, *history)[0] == pytest.approx(row["alive"], abs=1e-6)
    assert ParetoNbd.expected(pareto.parameters, history, row["horizon"])[0] == pytest.approx(row["expected"], abs=1e-2)
    rows = published["frequencies_at_same_recency"]
    x = np.array(rows["x"], dtype=float)
    ages = x, np.full(4, float(rows["t_x"])), np.full(4, float(rows["T"]))
    found = ParetoNbd.expected(pareto.parameters, ages, rows["horizon"])
    assert found == pytest.approx(rows["expected"], rel=1e-3)


def test_holdout_equals_recomputed(pareto, split, published):
    expected, check = published["holdout"], holdout_check(pareto, split)
    assert check.expected_total == pytest.approx(expected["expected"], abs=0.001)
    assert check.mae == pytest.approx(expected["mae"], abs=1e-6)
    assert check.rmse == pytest.approx(expected["rmse"], abs=1e-6)
    assert check.correlation == pytest.approx(expected["correlation"], abs=1e-6)
    assert check.by_frequency["expected"].to_numpy() == pytest.approx(expected["by_frequency"], abs=8e-4)
    assert pareto.probability_alive(split.calibration)["value"].mean() == pytest.approx(expected["alive"], abs=1e-6)


def test_tracking_equals_published(pareto, cdnow, split, published):
    rows = published["tracking"]
    calendar = purchase_calendar(cdnow, calibration_until=split.calibration_until, until=split.holdout_until)
    found = tracking(pareto, calendar)
    found = found.iloc[[week - 1 for week in rows["weeks"]]]
    assert found["actual"].tolist() == rows["actual"]
    assert found["actual_cumulative"].tolist() == rows["actual_cumulative"]
    assert found["expected"].to_numpy() == pytest.approx(rows["expected"], rel=2e-4)
    assert found["expected_cumulative"].to_numpy() == pytest.approx(rows["expected_cumulative"], rel=2e-4)


# ---- numbers without data


def test_new_customer_with_s_of_one(published):
    row = published["new_customer_s_is_one"]
    found = ParetoNbd.expected(np.array(row["parameters"]), one(0, 0, 0), row["horizon"])
    assert found[0] == pytest.approx(row["expected"], rel=1e-9)
    for s in (1 - 1e-9, 1 + 1e-9):
        near = np.array(row["parameters"]) * [1, 1, s, 1]
        assert ParetoNbd.expected(near, one(0, 0, 0), row["horizon"])[0] == pytest.approx(found[0], rel=1e-8)


def test_extreme_log_likelihoods_equal_mpmath(published):
    for row in published["log_likelihoods"]:
        found = log_likelihood(row["parameters"], row["x"], row["t_x"], row["T"])
        assert found == pytest.approx(row["value"], rel=1e-9), row


def test_extreme_customers_equal_mpmath(published):
    rows = published["alive"]
    history = (np.array(rows[name], dtype=float) for name in ("x", "t_x", "T"))
    # the ages of this test are known to five digits, and T - t_x to four
    assert ParetoNbd.alive(np.array(rows["parameters"]), *history) == pytest.approx(rows["expected"], rel=1e-6)
    rows = published["bought_on_the_last_day"]
    for x, expected in zip(rows["x"], rows["expected"]):
        found = ParetoNbd.expected(np.array(rows["parameters"]), one(x, rows["T"], rows["T"]), rows["horizon"])
        assert found[0] == pytest.approx(expected, rel=1e-9)


def test_edges_equal_mpmath(published):
    for row in published["edges"]:
        theta, history = np.array(row["parameters"]), one(row["x"], row["t_x"], row["T"])
        # T - t_x of the one who just bought has seven digits
        digits = {"rel": 1e-9, "abs": 1e-300}
        assert log_likelihood(theta, row["x"], row["t_x"], row["T"]) == pytest.approx(
            row["log_likelihood"], rel=1e-9, abs=1e-12
        ), row["what"]
        here = ParetoNbd.alive(theta, *history)[0]
        assert here == pytest.approx(row["alive"], **digits), row["what"]
        assert ParetoNbd.expected(theta, history, 30.0)[0] == pytest.approx(row["expected"], **digits), row["what"]
        residual = here * discounted_if_alive(theta, history[0], history[2], 0.0027)[0]
        assert residual == pytest.approx(row["residual"], **digits), row["what"]
        counts = np.array([0.0, 1.0, 7.0, 60.0])
        x, T = np.repeat(history[0], 4), np.repeat(history[2], 4)
        assert ParetoNbd.chances_if_alive(theta, x, T, 30.0, counts) == pytest.approx(row["chances"], **digits)


def test_gradient_and_hessian_where_the_integral_is_hard():
    """One customer at a time, where the gone and the alive part weigh alike, or one of them is all."""
    for theta in (
        [0.6, 10.0, 0.8, 10.0],
        [10.465, 0.008, 3.05, 2.82],
        [0.05, 300.0, 5.0, 0.02],
        [3.0, 0.02, 0.05, 300.0],
    ):
        for history in ((0, 0, 39), (3, 20, 39), (400, 5, 6), (1500, 300, 301), (7, 0.01, 700)):
            function, at_theta = ParetoNbd.likelihood(*one(*history), np.ones(1)), np.array(theta)
            _, gradient, hessian = function(at_theta)
            for i, step in enumerate(1e-5 * np.diag(theta)):
                up, down = function(at_theta + step), function(at_theta - step)
                rounding = 1e-14 * abs(up[0]) / step[i] + 1e-6
                assert (up[0] - down[0]) / (2 * step[i]) == pytest.approx(gradient[i], rel=1e-6, abs=rounding)
                rounding = 1e-14 * np.abs(up[1]).max() / step[i] + 1e-6
                np.testing.assert_allclose((up[1] - down[1]) / (2 * step[i]), hessian[i], rtol=1e-6, atol=rounding)


# ---- purchases to come


def test_residual_purchases_equal_reference(pareto, published):
    rows = published["residual"]
    frame = pd.DataFrame({"frequency": rows["x"], "recency": np.array(rows["t_x"], float), "T": rows["T"]})
    some, model = Summary(frame, "weeks", date(2025, 1, 1)), at(pareto, rows["parameters"])
    annual = np.expm1(rows["rate"] * 365.25 / 7)
    found = model.residual_purchases(some, annual_discount=annual)["value"]
    assert found.to_numpy() == pytest.approx(rows["expected"], rel=1e-9)
    days = Summary(frame.assign(recency=frame["recency"] * 7, T=frame["T"] * 7), "days", date(2025, 1, 1))
    same = replace(model, alpha=model.alpha * 7, beta=model.beta * 7, unit="days")
    assert same.residual_purchases(days, annual_discount=annual)["value"].to_numpy() == pytest.approx(found, rel=1e-12)


def test_discounted_stays_equal_tricomis_function(published):
    for z, s, expected in published["stays"]:
        found = discounted_if_alive(np.array([1.0, 0.5, s, 1.0]), np.zeros(1), np.zeros(1), z)[0]
        assert found == pytest.approx(2 * expected, rel=1e-11), (z, s)


def test_residual_purchases_are_the_sum_of_the_years(pareto, summary):
    """Purchases of short stretches, each discounted at its middle, far enough ahead."""
    few = Summary(summary.frame.head(40), "weeks", summary.as_of)
    found = pareto.residual_purchases(few, annual_discount=0.3)["value"]
    weeks = np.concatenate([np.arange(0, 60, 0.5), np.geomspace(60, 4000, 800)])
    bought = np.stack([ParetoNbd.expected(pareto.parameters, few.ages(), t) if t else np.zeros(40) for t in weeks])
    middle = (weeks[1:] + weeks[:-1]) / 2
    worth = (np.diff(bought, axis=0) * 1.3 ** (-middle * 7 / 365.25)[:, None]).sum(axis=0)
    assert found.to_numpy() == pytest.approx(worth, rel=1e-4)
    limits = pareto.residual_purchases(few, annual_discount=0.3, level=0.9)
    assert (limits["low"] < limits["value"]).all()
    assert (limits["value"] < limits["high"]).all()
    dearer = pareto.residual_purchases(few, annual_discount=0.5)["value"]
    assert (dearer < found).all()


@pytest.mark.parametrize("discount", [0.0, -0.1, 1.0, 10])
def test_residual_purchases_need_a_discount(pareto, summary, discount):
    with pytest.raises(SettingsError, match=r"10 % a year as 0\.10"):
        pareto.residual_purchases(summary, annual_discount=discount)


# ---- chances


def test_chances_equal_integration_over_both_rates():
    """Poisson counts given the rate and the stay, integrated over both."""
    theta, x, T, horizon = (0.9, 8.0, 0.7, 9.0), 2.0, 30.0, 20.0
    r, alpha, s, beta = theta
    shape, rate = r + x, alpha + T

    def given_rate(lam, n):
        leaving = lambda u: s / (beta + T) * (1 + u / (beta + T)) ** (-s - 1)  # noqa: E731
        gone = quad(lambda u: poisson.pmf(n, lam * u) * leaving(u), 0, horizon)[0]
        return gone + poisson.pmf(n, lam * horizon) * (1 + horizon / (beta + T)) ** -s

    def weighted(lam, n):
        log_density = shape * np.log(rate) - gammaln(shape) + (shape - 1) * np.log(lam) - rate * lam
        return np.exp(log_density) * given_rate(lam, n)

    for n in (0, 1, 4):
        expected = quad(weighted, 0, 2, args=(n,))[0]
        found = ParetoNbd.chances_if_alive(np.array(theta), *one(x, T), horizon, np.array([float(n)]))[0]
        assert found == pytest.approx(expected, rel=1e-7)


def test_probabilities_are_what_simulated_customers_do():
    """P(buy again) and E[Y] against customers whose future is known, in groups of similar customers."""
    now = simulate_summary(customers=40_000, length=52, parameters=TRUTH, model="Pareto/NBD", future=26, seed=11)
    later = now.frame["future_purchases"]
    model = at(ParetoNbd.fit(now), TRUTH)
    chance = model.probability_of_purchase(now, horizon=26)["value"]
    group = pd.qcut(chance, 10, duplicates="drop")
    for label, own in pd.DataFrame({"chance": chance, "bought": later > 0}).groupby(group, observed=True):
        low, high = binom.ppf([0.0005, 0.9995], len(own), own["chance"].mean()) / len(own)
        assert low <= own["bought"].mean() <= high, label
    assert later.sum() == pytest.approx(model.expected_purchases(now, horizon=26)["value"].sum(), rel=0.03)


# ---- recovery


def test_simulated_parameters_are_recovered():
    fitted = ParetoNbd.fit(
        simulate_summary(customers=20_000, length=78, parameters=TRUTH, model="Pareto/NBD", daily=True, seed=3)
    )
    z = np.log(fitted.parameters / TRUTH) / (fitted.summary()["se"].to_numpy() / fitted.parameters)
    assert np.abs(z).max() < 3


@pytest.mark.slow
def test_intervals_cover_the_truth():
    """95 % intervals of the parameters, log scale, whole days; the contract is 92 to 98 % over all parameters."""
    samples, lines, pooled = 400, [], {}
    for customers in (500, 2_000, 10_000):
        held, identified = np.zeros(4), 0
        for seed in range(samples):
            drawn = simulate_summary(
                customers=customers, length=78, parameters=TRUTH, model="Pareto/NBD", daily=True, seed=seed
            )
            fitted = ParetoNbd.fit(drawn)
            if fitted.identified:
                table = fitted.summary()
                held += (table["low"].to_numpy() < TRUTH) & (table["high"].to_numpy() > TRUTH)
                identified += 1
        pooled[customers] = held.sum() / identified / 4
        shares = "  ".join(f"{name} {share:.3f}" for name, share in zip(ParetoNbd.NAMES, held / identified))
        lines.append(
            f"{customers:>6,} customers: {shares}  all {pooled[customers]:.3f}  identified {identified}/{samples}"
        )
    print("\n" + "\n".join(lines))  # noqa: T201 the table is what the test is for
    assert all(0.92 <= share <= 0.98 for share in pooled.values()), "\n".join(lines)
