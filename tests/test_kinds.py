"""How each kind turns facts into a value and an interval, against the same sums made with numpy."""

import math

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmtools import CRMError
from crmtools.indicators import kinds
from crmtools.indicators.moments import Request


def figures(kind, facts: pd.DataFrame, level: float = 0.95, **assumptions: object):
    """What a kind makes of one group of facts, read through the engine."""
    table = ibis.memtable(facts.assign(group="all"))
    request = Request(table, ("group",), lambda e: e.to_pyarrow().to_pandas(), assumptions, level)
    return kind.read(request).get(("all",))


def clustered(rng: np.random.Generator, customers: int, *, each: int, correlation: float) -> pd.DataFrame:
    """Yes-or-no facts, several per customer, alike within a customer to some degree, with weights."""
    own = rng.random(customers) < 0.4
    customer = np.repeat(np.arange(customers), each)
    follows = rng.random(customers * each) < correlation
    value = np.where(follows, own[customer], rng.random(customers * each) < 0.4)
    weight = rng.choice([0.5, 1.0, 2.0], customers * each)
    return pd.DataFrame({"customer_id": [f"c{n}" for n in customer], "value": value * weight, "weight": weight})


def cluster_variance(facts: pd.DataFrame) -> tuple[float, float, int]:
    """The weighted mean, its variance over customers, and their number."""
    units = facts.groupby("customer_id")[["value", "weight"]].sum()
    ratio, n = units.value.sum() / units.weight.sum(), len(units)
    rest = units.value - ratio * units.weight
    return ratio, n / (n - 1) * (rest**2).sum() / units.weight.sum() ** 2, n


def wilson(share: float, n: float, z: float = 1.959963984540054) -> tuple[float, float]:
    """The roots of (p − π)² = z²·π(1 − π)/n."""
    return tuple(sorted(np.roots([1 + z * z / n, -(2 * share + z * z / n), share * share]).real))


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.9])
def test_share_is_wilson_on_the_effective_number(rng, correlation) -> None:
    facts = clustered(rng, 60, each=4, correlation=correlation)
    share, variance, n = cluster_variance(facts)
    of_rows = facts.weight.sum() ** 2 / (facts.weight**2).sum()
    found = figures(kinds.Share(), facts)
    assert (found.value, found.n, found.rows) == (pytest.approx(share), n, 240)
    effective = min(share * (1 - share) / variance, of_rows)
    assert (found.low, found.high) == pytest.approx(wilson(share, effective))
    assert found.se == pytest.approx(math.sqrt(share * (1 - share) / effective))


def test_share_never_claims_more_than_its_rows(rng) -> None:
    """Within each customer one yes and one no: the variance between customers is nil, the rows still are only 40."""
    facts = pd.DataFrame({"customer_id": np.repeat(np.arange(20), 2), "value": np.tile([0.0, 1.0], 20), "weight": 1.0})
    facts.loc[0, "value"] = 1.0
    found = figures(kinds.Share(), facts)
    assert (found.low, found.high) == pytest.approx(wilson(21 / 40, 40))
    heavy = facts.assign(weight=np.tile([1.0, 3.0], 20), value=facts.value * np.tile([1.0, 3.0], 20))
    share, _, _ = cluster_variance(heavy)
    found = figures(kinds.Share(), heavy)
    assert (found.low, found.high) == pytest.approx(wilson(share, 80**2 / 200))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_share_of_none_or_all_counts_customers_not_rows(value) -> None:
    facts = pd.DataFrame({"customer_id": np.repeat(np.arange(5), 8), "value": value, "weight": 1.0})
    found = figures(kinds.Share(), facts)
    assert (found.low, found.high) == pytest.approx(wilson(value, 5), abs=1e-12)


def test_share_of_one_customer() -> None:
    found = figures(kinds.Share(), pd.DataFrame({"customer_id": ["a"] * 3, "value": [1.0, 0, 0], "weight": 1.0}))
    assert (found.value, found.n) == (pytest.approx(1 / 3), 1)
    assert (found.low, found.high) == pytest.approx(wilson(1 / 3, 1))


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_rate_widens_with_events_that_cluster(rng, level) -> None:
    months = rng.uniform(1, 3, 80)
    events = rng.poisson(0.3 * months * rng.gamma(0.4, 2.5, 80))
    facts = pd.DataFrame({"customer_id": np.arange(80), "value": events.astype(float), "weight": months})
    rate, variance, _ = cluster_variance(facts)
    deff = max(1.0, variance / (events.sum() / months.sum() ** 2))
    assert deff > 1.3
    tail, effective = (1 - level) / 2, events.sum() / deff
    low = stats.chi2.ppf(tail, 2 * effective) / 2 * deff / months.sum()
    high = stats.chi2.ppf(1 - tail, 2 * effective + 2) / 2 * deff / months.sum()
    found = figures(kinds.Rate(per=100), facts, level)
    assert (found.value, found.low, found.high) == pytest.approx((100 * rate, 100 * low, 100 * high))
    assert found.se == pytest.approx(100 * math.sqrt(deff * events.sum()) / months.sum())


def test_rate_of_evenly_spread_events_is_plain_garwood() -> None:
    facts = pd.DataFrame({"customer_id": np.arange(10), "value": 1.0, "weight": 2.0})
    found = figures(kinds.Rate(), facts)
    assert (found.low, found.high) == pytest.approx((4.795389 / 20, 18.390356 / 20), rel=1e-6)


def test_rate_without_events() -> None:
    found = figures(kinds.Rate(per=100), pd.DataFrame({"customer_id": np.arange(4), "value": 0.0, "weight": 5.0}))
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(100 * 3.688879 / 20)


def test_net_share_counts_effective_customers(rng) -> None:
    facts = pd.DataFrame({"customer_id": np.arange(30), "value": rng.choice([-1.0, 0, 1], 30), "weight": 1.0})
    facts.loc[:4, "weight"] = 4.0
    facts["value"] *= facts.weight
    net, either = facts.value.sum() / facts.weight.sum(), facts.value.abs().sum() / facts.weight.sum()
    _, variance, _ = cluster_variance(facts)
    of_rows = facts.weight.sum() ** 2 / (facts.weight**2).sum()
    n = min((either - net**2) / variance * 30 / 29, of_rows) + 3
    centre, spread = net * (n - 3) / n, (either * (n - 3) + 1.5) / n
    half = 1.959964 * math.sqrt((spread - centre**2) / n)
    found = figures(kinds.NetShare(), facts)
    assert found.value == pytest.approx(100 * net)
    assert (found.low, found.high) == pytest.approx((100 * (centre - half), 100 * (centre + half)), rel=1e-5)


def test_net_share_of_one_answer_each_is_the_published_interval(rng) -> None:
    """Plain adjusted Wald on the number of customers, whose variance says the same."""
    facts = pd.DataFrame({"customer_id": np.arange(40), "value": rng.choice([-1.0, 0, 1], 40), "weight": 1.0})
    promoters, detractors = (((facts.value == side).sum() + 0.75) / 43 for side in (1, -1))
    half = 1.959964 * math.sqrt((promoters + detractors - (promoters - detractors) ** 2) / 43)
    found = figures(kinds.NetShare(), facts)
    assert (found.low, found.high) == pytest.approx(
        (100 * (promoters - detractors - half), 100 * (promoters - detractors + half)), rel=1e-5
    )


@pytest.mark.parametrize(
    ("n", "method", "why"),
    [(1, "none", kinds.SINGLE), (2, "clustered_t", None), (7, "clustered_t", None), (8, "bootstrap_t", None),
     (29, "bootstrap_t", None), (30, "clustered_t", None)],
)  # fmt: skip
def test_method_of_a_mean(rng, n, method, why) -> None:
    facts = pd.DataFrame({"customer_id": np.arange(n), "value": rng.normal(4, 1, n), "weight": 1.0})
    found = figures(kinds.Mean(), facts)
    assert (found.method, found.why) == (method, why)
    if method == "clustered_t":
        expected = stats.t.interval(0.95, n - 1, facts.value.mean(), stats.sem(facts.value))
        assert (found.low, found.high) == pytest.approx(expected)
    if n > 1:
        assert found.low < found.value < found.high
        assert found.se == pytest.approx(stats.sem(facts.value))


def test_mean_of_answers_that_are_all_alike() -> None:
    found = figures(kinds.Mean(), pd.DataFrame({"customer_id": np.arange(12), "value": 4.0, "weight": 1.0}))
    assert (found.value, found.low, found.high, found.why) == (4, None, None, kinds.ALIKE)


def test_mean_that_resampling_cannot_judge_falls_back_to_t() -> None:
    facts = pd.DataFrame({"customer_id": np.arange(10), "value": [4.0] * 9 + [1.0], "weight": 1.0})
    found = figures(kinds.Mean(), facts)
    assert found.method == "clustered_t"
    assert found.low < 3.7 < found.high


@pytest.mark.parametrize(
    ("n", "method"),
    [
        (29, "none"),
        (30, "log_bootstrap_t"),
        (kinds.SMALL_FOR_RATIO - 1, "log_bootstrap_t"),
        (kinds.SMALL_FOR_RATIO, "log_delta"),
    ],
)
def test_method_of_a_ratio(rng, n, method) -> None:
    facts = pd.DataFrame({"customer_id": np.arange(n), "value": rng.lognormal(3, 1, n), "weight": 1.0})
    found = figures(kinds.Ratio(), facts)
    assert found.method == method
    assert found.value == pytest.approx(facts.value.mean())
    if method == "none":
        assert (found.low, found.high, found.se) == (None, None, None)
        assert found.why.en.startswith("fewer than 30 customers")
        return
    assert found.low < found.value < found.high
    assert found.se == pytest.approx(stats.sem(facts.value))
    if method == "log_delta":
        half = 1.959964 * found.se / found.value
        assert math.log(found.high / found.low) == pytest.approx(2 * half, rel=1e-5)


def test_ratio_with_losses(rng) -> None:
    """Clear of zero the logarithm is kept; around zero and below it is not."""
    noise = rng.normal(0, 3, 60)
    for shift, methods in (
        (5.0, ("log_bootstrap_t",)),
        (0.4, ("bootstrap_t", "delta")),
        (-2.0, ("bootstrap_t", "delta")),
    ):
        facts = pd.DataFrame({"customer_id": np.arange(60), "value": noise - noise.mean() + shift, "weight": 1.0})
        found = figures(kinds.Ratio(), facts)
        assert found.method in methods
        assert found.low < shift < found.high


def test_ratio_that_hangs_on_one_customer() -> None:
    """39 customers without a cent and one with five: resampling alone ended the interval at the value."""
    facts = pd.DataFrame({"customer_id": np.arange(40), "value": [0.0] * 39 + [5.0], "weight": 1.0})
    found = figures(kinds.Ratio(), facts)
    assert found.method == "log_delta"
    assert found.low < 0.02
    assert found.high > 0.5


@pytest.mark.parametrize(("spent", "why"), [(0.0, kinds.NO_SPEND), (-50.0, kinds.NO_SPEND)])
def test_unit_cost_without_money(spent, why) -> None:
    facts = pd.DataFrame({"customer_id": [None, "a"], "value": [spent, 0.0], "weight": [0.0, 1.0]})
    found = figures(kinds.UnitCost(), facts)
    assert (found.value, found.low, found.high, found.why) == (None, None, None, why)
    assert (found.numerator, found.denominator, found.n) == (spent, 1, 1)


def test_unit_cost_by_hand() -> None:
    facts = pd.DataFrame(
        {"customer_id": [None, None, *"abcde"], "value": [700.0, 300.0, *[0.0] * 5], "weight": [0.0, 0.0, *[1.0] * 5]}
    )
    found = figures(kinds.UnitCost(), facts)
    assert (found.value, found.n, found.rows) == (200, 5, 7)
    assert (found.low, found.high) == pytest.approx((1000 / 11.668332, 1000 / 1.623486), rel=1e-5)
    nobody = figures(kinds.UnitCost(), facts.iloc[:2])
    assert (nobody.value, nobody.numerator, nobody.denominator, nobody.why) == (None, 1000, 0, kinds.NOBODY_WON)


def test_total_is_a_complete_count() -> None:
    found = figures(kinds.Total(), pd.DataFrame({"customer_id": ["a", "a", None], "value": [1.0, 2.0, 4.0]}))
    assert (found.value, found.n, found.rows, found.low, found.why) == (7, 1, 3, None, kinds.CENSUS)


@pytest.mark.parametrize("quantile", [0.25, 0.5, 0.9])
def test_duration_of_repeated_waits_is_less_sure(rng, quantile) -> None:
    own = rng.normal(0, 1.0, 30)
    customer = np.repeat(np.arange(30), 5)
    hours = np.exp(own[customer] + rng.normal(0, 0.2, 150))
    facts = pd.DataFrame({"customer_id": customer, "value": hours, "event": True})
    together = figures(kinds.Duration(), facts, quantile=quantile)
    apart = figures(kinds.Duration(), facts.assign(customer_id=np.arange(150)), quantile=quantile)
    assert together.value == apart.value == pytest.approx(np.sort(hours)[math.ceil(150 * quantile) - 1])
    assert together.low < apart.low
    assert together.high is None or together.high > apart.high
    assert (together.n, apart.n, together.rows) == (30, 150, 150)


def test_duration_that_is_not_reached() -> None:
    facts = pd.DataFrame({"customer_id": range(4), "value": [1.0, 2, 3, 4], "event": [True, False, False, False]})
    found = figures(kinds.Duration(), facts, quantile=0.5)
    assert (found.value, found.low, found.high, found.why) == (None, None, None, kinds.NOT_REACHED)
    assert (found.numerator, found.denominator) == (1, 4)


@pytest.mark.parametrize("quantile", [0.0, 1.0, 1.5, -1.0])
def test_duration_of_no_quantile(quantile) -> None:
    facts = pd.DataFrame({"customer_id": ["a"], "value": [1.0], "event": [True]})
    with pytest.raises(CRMError, match="between 0 and 1"):
        figures(kinds.Duration(), facts, quantile=quantile)


def test_a_group_without_a_name_is_a_group(rng) -> None:
    """Rows whose attribute is empty are resampled like the others."""
    facts = pd.DataFrame({"customer_id": np.arange(70), "value": rng.lognormal(0, 1, 70), "weight": 1.0})
    facts["group"] = [None] * 35 + ["a"] * 35
    request = Request(ibis.memtable(facts), ("group",), lambda e: e.to_pyarrow().to_pandas(), {}, 0.95)
    found = list(kinds.Ratio().read(request).values())
    assert [one.method for one in found] == ["log_bootstrap_t"] * 2
    waits = facts.assign(event=True).drop(columns="weight")
    request = Request(ibis.memtable(waits), ("group",), lambda e: e.to_pyarrow().to_pandas(), {"quantile": 0.5}, 0.95)
    assert [one.n for one in kinds.Duration().read(request).values()] == [35, 35]
