"""The indicators that rest on models: computed once more by other means, and their intervals held against the truth."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special

import crmtools as crm
from crmtools.indicators.patterns import HISTORY, PAID, SPEND, WON, ages, purchase_model
from crmtools.indicators.segments import adjusted_rand, stability
from crmtools.indicators.silence import expected_silence, share_at_risk
from crmtools.indicators.worth import Terms, expected_worth, worth_of_new, worth_to_cost
from crmtools.lifetime import simulate_summary

START, END, AS_OF = pd.Timestamp("2025-10-01"), pd.Timestamp("2026-01-01"), "2025-12-31"
MONTH = 365.25 / 12
RATES, SPENDS = (0.6, 45.0, 0.7, 2.8), (6.0, 4.0, 60.0)
DAY = pd.Timedelta(days=1)


# ---- a shop whose customers buy as the models say, and its tables by hand


def shop(seed: int = 7, customers: int = 1000) -> pd.DataFrame:
    """Orders of two years, with a few that never became a purchase and purchase days split in two."""
    rng, rows = np.random.default_rng(seed), []
    (r, alpha, a, b), (p, q, v) = RATES, SPENDS
    for number in range(customers):
        rate, leave, scale = rng.gamma(r, 1 / alpha), rng.beta(a, b), rng.gamma(q, 1 / v)
        at = rng.uniform(0, 700)
        while at < 760:  # a month longer than the data: nothing later may be looked at
            when = pd.Timestamp("2024-01-01") + pd.Timedelta(days=at)
            amount = round(rng.gamma(p, 1 / scale), 2)
            kind = rng.random()
            if kind < 0.1:
                rows += [(number, when, "completed", amount * 0.5, None), (number, when, None, amount * 0.5, 0.0)]
            elif kind < 0.2:
                rows += [(number, when, "completed", amount + 10, 10.0)]
            else:
                rows += [(number, when, "completed", amount, None)]
            if kind > 0.9:
                rows += [(number, when + 3 * DAY, "cancelled", amount, None)]
            if kind > 0.95:
                rows += [(number, when + 5 * DAY, "completed", amount, amount)]
            at += rng.exponential(1 / rate)
            if rng.random() < leave and at:
                break
    columns = ["customer_id", "ordered_at", "status", "net_amount", "refund_amount"]
    frame = pd.DataFrame(rows, columns=columns).assign(currency="CNY")
    frame["customer_id"] = "c" + frame["customer_id"].astype(str)
    return frame.assign(order_id=[f"o{n}" for n in range(len(frame))])


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return shop()


@pytest.fixture(scope="module")
def data(orders) -> crm.Data:
    firsts = orders.groupby("customer_id")["ordered_at"].min().dt.normalize()
    customers = pd.DataFrame({"customer_id": firsts.index, "acquired_at": firsts.to_numpy()})
    idle = pd.DataFrame({"customer_id": [f"idle{n}" for n in range(40)], "acquired_at": pd.Timestamp("2025-11-11")})
    customers = pd.concat([customers, idle], ignore_index=True)
    days = pd.date_range("2025-01-15", "2025-12-15", freq="MS") + 14 * DAY
    spend = pd.DataFrame({"period": days, "category": "acquisition", "amount": 1000.0, "currency": "CNY"})
    return crm.open(orders=orders, customers=customers, spend=spend, as_of=AS_OF)


@pytest.fixture(scope="module")
def histories(orders) -> pd.DataFrame:
    """x, t_x, T and the mean net of the repeat purchase days, from loops over the customers."""
    done = orders[(orders["status"] != "cancelled") & (orders["ordered_at"] < END)].copy()
    done["day"] = done["ordered_at"].dt.normalize()
    rows = []
    for customer, own in done.groupby("customer_id"):
        days = []
        for day, lines in own.groupby("day"):
            back = lines["refund_amount"].fillna(0).sum()
            net = lines["net_amount"].sum() - back
            if net > 0.005 or back == 0:
                days.append((day, net))
        if days:
            money = [net for _, net in days[1:]]
            last, first = days[-1][0], days[0][0]
            rows.append(
                (customer, len(days) - 1, (last - first).days, (END - DAY - first).days, np.mean(money) if money else 0)
            )
    return pd.DataFrame(rows, columns=["customer_id", "x", "t_x", "T", "mean"])


@pytest.fixture(scope="module")
def fitted(histories) -> tuple[np.ndarray, np.ndarray]:
    """Both models' parameters by scipy, from likelihoods as they are printed; every customer a row, spend not binned."""
    x, t_x, age, mean = (histories[name].to_numpy(float) for name in ("x", "t_x", "T", "mean"))
    tight = {"xatol": 1e-8, "fatol": 1e-13, "maxiter": 6000, "maxfev": 6000}

    def purchases(logs: np.ndarray) -> float:
        r, alpha, a, b = np.exp(logs)
        stays = special.betaln(a, b + x) - special.betaln(a, b) - (r + x) * np.log(alpha + age)
        left = special.betaln(a + 1, b + np.maximum(x, 1) - 1) - special.betaln(a, b) - (r + x) * np.log(alpha + t_x)
        common = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
        return -(common + np.where(x > 0, np.logaddexp(stays, left), stays)).mean()

    kept = mean > 0
    n, m = x[kept], mean[kept]

    def spend(logs: np.ndarray) -> float:
        p, q, v = np.exp(logs)
        terms = special.gammaln(p * n + q) - special.gammaln(p * n) - special.gammaln(q) + q * np.log(v)
        return -(terms + (p * n - 1) * np.log(m) + p * n * np.log(n) - (p * n + q) * np.log(v + n * m)).mean()

    def least(function, start) -> np.ndarray:
        return np.exp(optimize.minimize(function, np.log(start), method="Nelder-Mead", options=tight).x)

    return least(purchases, [0.5, 50, 0.6, 3]), least(spend, [5, 3, 50])


def alive(rates: np.ndarray, x: np.ndarray, t_x: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Fader, Hardie & Lee (2008), computing P(alive) with BG/NBD."""
    r, alpha, a, b = rates
    odds = a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x)
    return np.where(x > 0, 1 / (1 + odds), 1.0)


def discounted(rates, x, t_x, age, months: int, rate: float) -> np.ndarray:
    """Purchases by integrating the posterior of the two rates: Gamma for buying, Beta for leaving, on a grid of both."""
    r, alpha, a, b = rates
    q = (np.arange(400) + 0.5) / 400
    total = np.zeros(len(x))
    for i in range(len(x)):
        leave = special.betaincinv(a, b + x[i], q)[:, None]
        ends = np.arange(months + 1) * MONTH
        # E[(1 - exp(-λ p t)) / p] over λ ~ Gamma(r + x, alpha + T), for each p
        bought = ((1 - (1 + leave * ends / (alpha + age[i])) ** -(r + x[i])) / leave).mean(axis=0)
        total[i] = np.diff(bought) @ (1 + rate) ** (-(np.arange(months) + 0.5) / 12)
    return total * alive(rates, x, t_x, age)


def test_shares_by_a_fit_of_their_own(data, histories, fitted) -> None:
    r, alpha, _, _ = rates = fitted[0]
    x, t_x, age = (histories[name].to_numpy(float) for name in ("x", "t_x", "T"))
    silent = 1 - alive(rates, x, t_x, age) * (1 - ((alpha + age) / (alpha + age + 90)) ** (r + x))
    active = age - t_x < 365
    found = crm.measure("expected_churn_share", data, period="2025-Q4")
    assert (found.value, found.n) == (pytest.approx(silent[active].mean(), rel=1e-4), active.sum())
    for threshold in (0.6, 0.8):
        found = crm.measure("at_risk_share", data, period="2025-Q4", threshold=threshold)
        assert found.value == pytest.approx((silent[active] >= threshold).mean(), abs=1.5 / active.sum())
        assert (found.n, found.method) == (active.sum(), "parameter_draws")
        wilson = 1.96 * np.sqrt(found.value * (1 - found.value) / found.n)
        assert found.high - found.low > 1.9 * wilson, "the parameters' error comes on top of the customers'"


def test_expected_value_by_a_fit_and_an_integral_of_its_own(data, histories, fitted) -> None:
    rates, (p, q, v) = fitted
    rows = histories[histories["T"] - histories["t_x"] < 365].drop(columns="customer_id")
    x, t_x, age, mean = (rows[name].to_numpy(float) for name in ("x", "t_x", "T", "mean"))
    spend = p * (v + x * mean) / (p * x + q - 1)
    worth = 0.4 * discounted(rates, x, t_x, age, 36, 0.10) * spend
    found = crm.measure("clv_expected", data, period="2025-Q4")
    assert (found.value, found.n) == (pytest.approx(worth.mean(), rel=2e-3), len(rows))
    assert found.low < worth.mean() < found.high
    assert found.method == "model_delta"
    assert found.denominator * found.value == pytest.approx(found.numerator)
    half = crm.measure("clv_expected", data, period="2025-Q4", margin=0.2)
    assert [half.value, half.low, half.high, half.se] == pytest.approx(
        [x / 2 for x in (found.value, found.low, found.high, found.se)]
    )


def test_value_to_cost_is_the_value_of_a_new_customer_by_the_cost_of_one(data, fitted) -> None:
    rates, (p, q, v) = fitted
    nothing = np.zeros(1)
    worth = 0.4 * (1 + discounted(rates, nothing, nothing, nothing, 36, 0.10)[0]) * p * v / (q - 1)
    cost = crm.measure("cac", data, period="2025-Q4")
    found = crm.measure("clv_cac_ratio", data, period="2025-Q4")
    assert found.value == pytest.approx(worth * (cost.n - 40) / cost.n / cost.value, rel=2e-3), "40 have not bought"
    assert (found.n, found.denominator) == (cost.n, pytest.approx(cost.value))
    assert found.high / found.low > cost.high / cost.low, "the models' error comes on top of the count's"


def test_earlier_period_is_what_was_known_then(orders, data) -> None:
    known = crm.open(orders=orders[orders["ordered_at"] < "2025-07-01"], as_of="2025-06-30")
    for name in ("at_risk_share", "clv_expected", "segment_stability"):
        found, then = (crm.measure(name, source, period="2025-Q2") for source in (data, known))
        assert found.value is not None
        assert (found.value, found.low, found.high, found.n) == pytest.approx((then.value, then.low, then.high, then.n))


# ---- reasons


def histories_of(rows: list[tuple[float, float, float]], weight: int) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["x", "t_x", "T"])
    return frame.assign(role=HISTORY, money=0, value=20.0 * (frame.x > 0) * weight, weight=weight)


SHARES = {"model": "bg_nbd", "horizon_days": 90, "active_days": 365, "threshold": 0.8}
MONEY = {"model": "bg_nbd", "horizon_months": 36, "annual_discount": 0.10, "margin": 0.4, "active_days": 365}


def test_models_that_cannot_be_fitted_say_so() -> None:
    once = histories_of([(0, 0, age) for age in range(100, 300)], 10)
    rarely = histories_of([(0, 0, age) for age in range(100, 300)] + [(1, 9, 290)], 10)
    for fit in (expected_silence, share_at_risk):
        for patterns in (once, rarely):
            found = fit(patterns, SHARES, 0.95)
            assert (found.value, found.n) == (None, patterns.weight.sum())
            assert "identify" in found.why.en
        few = fit(once.head(5), SHARES, 0.95)
        assert few.why.en == "fewer than 200 customers: too few to fit the model"
        assert fit(once, {**SHARES, "active_days": 50}, 0.95).why.en.startswith("nobody was active")
    assert "identify" in expected_worth(once, MONEY, 0.95).why.en
    assert "500 buyers or 180 days" in expected_worth(once.head(5), MONEY, 0.95).why.en
    young = once.assign(T=once["T"] / 3)
    assert "500 buyers or 180 days" in expected_worth(young, MONEY, 0.95).why.en


def test_ratio_without_cost_or_customers_says_why() -> None:
    cost = pd.DataFrame({"x": 0, "t_x": 0, "T": 0, "role": [PAID, WON], "money": 0, "value": [900.0, 3], "weight": 3})
    assert worth_to_cost(cost.head(1), MONEY, 0.95).why.en == "money was spent, and nobody was won"
    assert worth_to_cost(cost.tail(1), MONEY, 0.95).why.en == "no spend is recorded"
    found = worth_to_cost(cost, MONEY, 0.95)
    assert (found.n, found.value) == (3, None)
    assert "500 buyers" in found.why.en


# ---- segments


def test_adjusted_rand_of_known_tables() -> None:
    one, other = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])
    assert adjusted_rand(one, other, np.ones(4)) == pytest.approx(4 / 7)  # 1 pair of (2 and 1), by chance 1/3
    assert adjusted_rand(other, one, np.ones(4)) == pytest.approx(4 / 7)
    assert adjusted_rand(one, 1 - one, np.ones(4)) == 1.0
    assert adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.ones(4)) == pytest.approx(-0.5)


def test_adjusted_rand_by_counting_pairs() -> None:
    rng = np.random.default_rng(3)
    one, other, weight = rng.integers(0, 4, 30), rng.integers(0, 3, 30), rng.integers(1, 4, 30)
    a, b = np.repeat(one, weight), np.repeat(other, weight)
    together = [(a[i] == a[j], b[i] == b[j]) for i, j in itertools.combinations(range(len(a)), 2)]
    both, left, right = (sum(w) for w in ([x and y for x, y in together], *zip(*together, strict=True)))
    chance = left * right / len(together)
    expected = (both - chance) / ((left + right) / 2 - chance)
    assert adjusted_rand(one, other, weight.astype(float)) == pytest.approx(expected)


def customers_in(centres: list[tuple[float, float, float]], spread: float, n: int, seed: int = 1) -> pd.DataFrame:
    """Customers around centres on the scales on which segments are made, as patterns."""
    rng = np.random.default_rng(seed)
    at = np.array(centres)[rng.integers(0, len(centres), n)] + rng.normal(0, spread, (n, 3))
    weeks, days = np.expm1(np.clip(at[:, 0], 0, 4)).round(), np.exp(np.clip(at[:, 1], 0, 5)).round()
    frame = pd.DataFrame({"weeks": weeks, "days": days, "money": (4 * at[:, 2]).round() / 4})
    return (
        frame.value_counts().rename("weight").reset_index().sort_values(["weeks", "days", "money"], ignore_index=True)
    )


def test_segments_far_apart_are_stable_and_a_cloud_has_none() -> None:
    apart = customers_in([(0.5, 0.5, 4), (3.5, 0.5, 4), (0.5, 3.0, 9), (3.5, 3.0, 9)], 0.15, 600)
    found = stability(apart, {"clusters": 4}, 0.95)
    assert found.value > 0.98
    assert (found.n, found.method) == (600, "refits")
    cloud = customers_in([(2.0, 2.0, 8.0)], 0.5, 120)
    found = stability(cloud, {"clusters": 5}, 0.95)
    assert found.value < 0.65
    assert found.low < found.value < found.high
    assert stability(cloud, {"clusters": 5}, 0.95) == found, "the same customers give the same"


def test_segments_of_few_or_equal_customers_are_none() -> None:
    apart = customers_in([(0.5, 0.5, 4), (3.5, 3.0, 9)], 0.2, 49)
    assert stability(apart, {"clusters": 2}, 0.95).why.en == "fewer than 50 active customers"
    alike = pd.DataFrame({"weeks": [0, 3], "days": [1, 2], "money": [5.0, 6.0], "weight": [40, 40]})
    assert "fewer ways" in stability(alike, {"clusters": 3}, 0.95).why.en


# ---- do the intervals hold the truth?


def drawn(seed: int, customers: int, months: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers of the models as patterns with money, and their frame with what they do in the months after."""
    summary = simulate_summary(
        customers=customers, length=730, parameters=RATES, spend=SPENDS, unit="days", future=months * MONTH,
        daily=True, seed=seed,
    )  # fmt: skip
    frame = summary.frame.rename(columns={"frequency": "x", "recency": "t_x", "monetary_value": "mean"})
    frame = frame.assign(mean=frame["mean"].fillna(0.0))
    ages = frame.groupby(["x", "t_x", "T"])["mean"].agg(value="sum", weight="size").reset_index()
    means = frame[frame["mean"] > 0].assign(t_x=0.0, T=0.0, value=frame["mean"], weight=1, role=SPEND)
    together = pd.concat([ages.assign(role=HISTORY), means[["x", "t_x", "T", "value", "weight", "role"]]])
    return together.reset_index(drop=True), frame


@pytest.mark.slow
@pytest.mark.parametrize("customers", [600, 3000])
def test_intervals_of_the_share_at_risk_cover(customers) -> None:
    _, many = drawn(0, 200_000)
    x, t_x, age = (many[name].to_numpy(float) for name in ("x", "t_x", "T"))
    silent = 1 - alive(RATES, x, t_x, age) * (1 - ((RATES[1] + age) / (RATES[1] + age + 90)) ** (RATES[0] + x))
    truth = (silent[age - t_x < 365] >= SHARES["threshold"]).mean()
    found = [share_at_risk(drawn(seed, customers)[0], SHARES, 0.95) for seed in range(1, 201)]
    made = [f for f in found if f.value is not None]
    assert len(made) > 0.8 * len(found)
    assert np.mean([f.low <= truth <= f.high for f in made]) >= 0.91


@pytest.mark.slow
@pytest.mark.parametrize("customers", [800, 3000])
def test_intervals_of_the_expected_value_hold_what_is_spent(customers) -> None:
    terms, held = MONEY | {"annual_discount": 0.0, "margin": 1.0}, []
    for seed in range(1, 201):
        patterns, frame = drawn(seed, customers, months=36)
        found = expected_worth(patterns, terms, 0.95)
        if found.low is not None:
            spent = frame.loc[frame["T"] - frame["t_x"] < 365, "future_spend"].mean()
            held.append(found.low <= spent <= found.high)
    assert len(held) > 160
    assert 0.91 <= np.mean(held) <= 0.99


@pytest.mark.slow
def test_intervals_of_value_to_cost_cover() -> None:
    rng, mean_won, cost, held = np.random.default_rng(5), 60, 6000.0, []
    model = purchase_model(ages(drawn(1, 1500)[0]), "bg_nbd")  # of its parameters none is used
    truth = worth_of_new(model, np.array(RATES), np.array(SPENDS), Terms.of(MONEY)) * mean_won / cost
    for seed in range(1, 201):
        patterns, _ = drawn(seed, 1500)
        count = rng.poisson(mean_won)
        won = pd.DataFrame({"role": [PAID, WON], "value": [cost, count], "weight": [1, count + 9]})
        found = worth_to_cost(pd.concat([patterns, won.assign(x=0, t_x=0, T=0)]), MONEY, 0.95)
        if found.low is not None:
            held.append(found.low <= truth <= found.high)
    assert len(held) > 160
    assert 0.91 <= np.mean(held) <= 0.99
