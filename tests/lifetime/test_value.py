from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmtools.errors import SettingsError
from crmtools.lifetime import BetaGeo, GammaGamma, ModifiedBetaGeo, ParetoNbd, Summary, customer_value, simulate_summary
from crmtools.lifetime.fitted import limits_of_total
from crmtools.lifetime.value import Terms, Worth, purchases_ahead

MONTH = 365.25 / 12 / 7


def test_undiscounted_value_over_39_weeks_equals_recomputed_cdnow(beta_geo, gamma_gamma, summary, reference):
    purchases = beta_geo.expected_purchases(summary, horizon=39)["value"]
    spend = gamma_gamma.expected_spend(summary)["value"]
    expected = reference["gamma_gamma"]["holdout_spend_forecast"]
    assert (purchases * spend).sum() == pytest.approx(expected, abs=0.1)


def test_without_discount_value_is_purchases_times_spend_times_margin(beta_geo, gamma_gamma, summary):
    found = customer_value(beta_geo, gamma_gamma, summary, horizon_months=12, annual_discount=0, margin=0.3)
    frame = found.frame
    assert frame["value"].to_numpy() == pytest.approx(
        (frame["expected_purchases"] * frame["expected_spend"] * 0.3).to_numpy(), rel=1e-10
    )
    assert found.total.value == pytest.approx(frame["value"].sum())
    pd.testing.assert_series_equal(
        frame["expected_purchases"],
        beta_geo.expected_purchases(summary, horizon="12 months")["value"],
        check_names=False,
    )


def test_discounted_purchases_equal_the_integral(beta_geo, summary):
    """Discounting at mid-month against the continuous integral of (1+d)^(-t/12) dE[Y(t)], by a fine sum."""
    few = Summary(summary.frame.head(40), "weeks", summary.as_of)
    found = purchases_ahead(BetaGeo, beta_geo.parameters, few.ages(), np.arange(1, 13), MONTH, 0.10).discounted
    times = np.linspace(0, 12, 241)[1:]
    growth = np.stack([beta_geo.expected_purchases(few, horizon=t * MONTH)["value"] for t in times])
    steps = np.diff(growth, axis=0, prepend=0.0)
    middles = times - times[0] / 2
    integral = (steps * 1.10 ** (-middles[:, None] / 12)).sum(axis=0)
    assert found == pytest.approx(integral, rel=5e-5)


def test_mean_of_drawn_futures_is_the_expected_value(beta_geo, gamma_gamma, summary):
    """With fixed parameters the simulated spend of everyone averages to the formula."""
    random = np.random.default_rng(4)
    worth = Worth(beta_geo, gamma_gamma, summary, Terms(12, 0.10, 1.0))
    futures = [worth.play(worth.parameters, random).sum() for _ in range(400)]
    expected = worth.expected(worth.parameters).sum()
    error = np.std(futures) / np.sqrt(len(futures))
    assert np.mean(futures) == pytest.approx(expected, abs=3.5 * error)


def test_a_leaver_keeps_the_earliest_purchases(beta_geo, gamma_gamma, summary):
    """Customers who buy weekly and soon leave spend early, so that a steep discount hardly bites."""
    model = replace(beta_geo, r=20.0, alpha=20.0, a=20.0, b=40.0)
    frame = pd.DataFrame({"frequency": 0, "recency": 0.0, "T": 0.0, "monetary_value": np.nan}, index=range(600))
    new = Summary(frame, "weeks", summary.as_of)
    random = np.random.default_rng(8)
    worth = Worth(model, gamma_gamma, new, Terms(12, 0.9, 1.0))
    futures = [worth.play(worth.parameters, random).sum() for _ in range(100)]
    times = np.linspace(0, 12, 1201)[1:]
    steps = np.diff(model.expected_purchases_new_customer(horizon=times * MONTH), prepend=0.0)
    expected = 600 * gamma_gamma.population_mean * (steps * 1.9 ** (-(times - times[0] / 2) / 12)).sum()
    assert np.mean(futures) == pytest.approx(expected, abs=3.5 * np.std(futures) / 10)


def test_total_has_an_interval_that_repeats_with_its_seed(beta_geo, gamma_gamma, summary):
    one, other = (
        customer_value(beta_geo, gamma_gamma, summary, horizon_months=6, annual_discount=0.1, seed=7) for _ in range(2)
    )
    assert one.total == other.total
    assert one.total.low < one.total.value < one.total.high
    assert one.notes == beta_geo.notes() + gamma_gamma.notes()


def test_limits_of_few_customers_hold_what_happens_at_the_level_whatever_is_drawn(monkeypatch):
    """The ranks of n futures and of what happens are equally likely: fewer draws make no narrower interval."""
    random = np.random.default_rng(6)
    each, theta, known = np.ones(1), np.ones(1), np.full((1, 1), 1e-12)
    for draws in (60, 200):
        monkeypatch.setattr("crmtools.lifetime.fitted._DRAWS", draws)
        held = [
            low <= random.normal() + 10 <= high
            for seed in range(1200)
            for low, high in [
                limits_of_total(each, np.sum, lambda _, r: r.normal(10, 1, 1), theta, known, 0.9, seed),
            ]
        ]
        assert np.mean(held) == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / 1200))


def test_normal_limits_of_a_total_agree_with_drawn_ones(beta_geo, gamma_gamma, summary, monkeypatch):
    """Two ways to the same, of all customers three times over, where parameters make most of the width, and of a third of them,
    where chance makes a good part.
    """
    many = Summary(pd.concat([summary.frame] * 3, ignore_index=True), "weeks", summary.as_of)
    third = pd.Series(np.where(np.arange(len(many)) % 3, None, "third"), index=many.frame.index)
    found = {}
    for way, few in (("drawn", 10**9), ("normal", 0)):
        monkeypatch.setattr("crmtools.lifetime.fitted._FEW", few)
        value = customer_value(beta_geo, gamma_gamma, many, horizon_months=12, annual_discount=0.1)
        bought = [beta_geo.total_purchases(many, horizon="12 months", by=by).iloc[0] for by in (None, third)]
        found[way] = [(total.low, total.high) for total in (value.total, *bought)]
    for drawn, normal in zip(*found.values(), strict=True):
        assert np.log(normal[1] / normal[0]) == pytest.approx(np.log(drawn[1] / drawn[0]), rel=0.1)
        assert normal == pytest.approx(drawn, rel=0.03)


def test_groups_are_of_the_customers_they_name_in_any_order(beta_geo, gamma_gamma, summary):
    """``by`` is matched by customer, not by place; a customer without a group is in none."""
    groups = pd.Series(np.where(summary.frame["frequency"] > 3, "often", "seldom"), index=summary.frame.index)
    groups.iloc[5] = None
    each = beta_geo.expected_purchases(summary, horizon=20)["value"]
    found = beta_geo.total_purchases(summary, horizon=20, by=groups.iloc[::-1])
    assert found["customers"].sum() == len(summary) - 1
    for name, row in found.iterrows():
        assert row["value"] == pytest.approx(each[groups == name].sum())
        assert row["customers"] == (groups == name).sum()
        assert row["low"] < row["value"] < row["high"]
    worth = customer_value(beta_geo, gamma_gamma, summary, horizon_months=6, annual_discount=0.1)
    by_group = worth.by_group(groups.iloc[::-1])
    for name, row in by_group.iterrows():
        assert row["value"] == pytest.approx(worth.frame["value"][groups == name].sum())
        assert row["low"] < row["value"] < row["high"]


def test_a_discount_lowers_what_comes_later(beta_geo, gamma_gamma, summary):
    """Twelve months at 10 % cost no more than what the last of them is discounted by, and more than the first."""
    plain, less = (
        customer_value(beta_geo, gamma_gamma, summary, horizon_months=12, annual_discount=rate, level=None).frame[
            "value"
        ]
        for rate in (0.0, 0.10)
    )
    assert (plain * 1.10**-1 < less).all()
    assert (less < plain * 1.10 ** (-1 / 24)).all()


COMPANIES = ((1_000, 200), (6_000, 220))
"""Customers and companies. Totals of few customers are drawn, those of many are normal: both sides of that border."""


@pytest.mark.slow
@pytest.mark.parametrize("model", [BetaGeo, ModifiedBetaGeo, ParetoNbd], ids=lambda model: model.TITLE)
def test_interval_of_a_total_covers_what_customers_then_do(model, monkeypatch):
    """Simulated companies whose next year is known. A fifth of the draws holds the level as well, see above."""
    monkeypatch.setattr("crmtools.lifetime.fitted._DRAWS", 80)
    rows = []
    for customers, companies in COMPANIES:
        whole = simulate_summary(
            customers=customers * companies, length=78, future=12 * MONTH, seed=customers, model=model.TITLE, daily=True
        )
        for seed in range(companies):
            frame = whole.frame.iloc[seed * customers : (seed + 1) * customers]
            now = Summary(frame, whole.unit, whole.as_of)
            fitted, spend = model.fit(now), GammaGamma.fit(now)
            if not (fitted.identified and spend.identified):
                continue
            worth = customer_value(fitted, spend, now, horizon_months=12, annual_discount=0, seed=seed).total
            bought = fitted.total_purchases(now, horizon="12 months", seed=seed).loc["all"]
            made, spent = frame["future_purchases"], frame["future_spend"].sum()
            held = {
                "value": worth.low <= spent <= worth.high,
                "purchases": bought["low"] <= made.sum() <= bought["high"],
            }
            if customers == COMPANIES[0][0]:
                few = pd.Series(np.where(np.arange(customers) < 200, "few", None), index=frame.index)
                own = fitted.total_purchases(now, horizon="12 months", by=few, seed=seed).loc["few"]
                held["purchases of 200"] = own["low"] <= made.iloc[:200].sum() <= own["high"]
            rows += [{"customers": customers, "what": what, "held": inside} for what, inside in held.items()]
    table = pd.DataFrame(rows).groupby(["customers", "what"])["held"].agg(["mean", "size"])
    over_all = pd.DataFrame(rows).groupby("what")["held"].agg(["mean", "size"])
    print(f"\n{model.TITLE}\n{table.to_string()}\n{over_all.to_string()}")  # noqa: T201
    for found, companies in table.itertuples(index=False):
        assert abs(found - 0.94) < 0.03 + np.sqrt(0.94 * 0.06 / companies), table
    both = over_all.loc[["value", "purchases"], "mean"]
    assert both.between(0.91, 0.97).all(), over_all


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [("horizon_months", 0, "whole number"), ("annual_discount", 10, "0.10"), ("margin", 0, "share of spend")],
)
def test_wrong_arguments_are_refused(beta_geo, gamma_gamma, summary, argument, value, message):
    arguments = {"horizon_months": 12, "annual_discount": 0.1} | {argument: value}
    with pytest.raises(SettingsError, match=message):
        customer_value(beta_geo, gamma_gamma, summary, **arguments)
