"""True values, worked out another way: by formula what was counted, by counting what has a formula."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, stats

from crmtools.errors import SettingsError
from crmtools.period import Period
from crmtools.simulate import Company, simulate_frames, true_value
from crmtools.simulate.truth import INDICATORS

pytestmark = pytest.mark.slow
IT = Company()
QUARTER = Period.parse("2025-Q4")
START, END = pd.Timestamp(QUARTER.start), pd.Timestamp(QUARTER.end)
DAYS = 30.4375


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("truth")


@pytest.fixture(scope="module")
def large() -> dict[str, pd.DataFrame]:
    frames = simulate_frames(seed=11, customers=60_000)
    tests = set(frames["customers"].query("is_test")["customer_id"])
    return {
        name: frame[~frame["customer_id"].isin(tests)] if "customer_id" in frame else frame
        for name, frame in frames.items()
    }


def at_risk(frames: dict[str, pd.DataFrame]) -> pd.Series:
    """Months in the quarter of those won, buying or subscribed: the window of 365 days is longer than the quarter."""
    customers, since = frames["customers"].set_index("customer_id")["acquired_at"], END - pd.Timedelta(days=365)
    orders, held = frames["orders"].query("status == 'completed'"), frames["subscriptions"]
    active = {
        *customers.index[customers >= since],
        *orders["customer_id"][orders["ordered_at"].between(since, END, inclusive="left")],
        *held["customer_id"][(held["started_at"] < END) & ~(held["ended_at"] < START)],
    }
    customers = customers[(customers < END) & customers.index.isin(active)]
    return (END - customers.clip(lower=START)).dt.days / DAYS


def in_quarter(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame[(frame[column] >= START) & (frame[column] < END)]


def test_complaint_rate_against_counting(large, cache) -> None:
    complaints, months = in_quarter(large["tickets"].query("type == 'complaint'"), "created_at"), at_risk(large)
    counted = 100 * complaints["customer_id"].isin(months.index).sum() / months.sum()
    assert true_value("complaint_rate", QUARTER, cache=cache) == pytest.approx(counted, rel=0.06)


def test_interaction_frequency_formula_against_counting(large, cache) -> None:
    rows = in_quarter(large["interactions"], "at")
    rows = rows[rows["direction"].isin(["inbound", "two_way"]) & ~rows["type"].isin(["bulk", "auto"])]
    months = at_risk(large)
    counted = rows["customer_id"].isin(months.index).sum() / months.sum()
    assert true_value("interaction_frequency", QUARTER, cache=cache) == pytest.approx(counted, rel=0.02)


def test_lead_conversion_formula_against_counting(large, cache) -> None:
    leads, lag = large["leads"], pd.Timedelta(days=90)
    leads = leads[~leads["status"].isin(["spam", "duplicate"])]
    leads = leads[(leads["created_at"] >= START - lag) & (leads["created_at"] < END - lag)]
    won = leads["converted_at"] <= leads["created_at"] + lag
    error = np.sqrt(won.mean() * (1 - won.mean()) / len(won))
    true = true_value("lead_conversion_rate", QUARTER, cache=cache)
    assert true == pytest.approx(won.mean(), abs=4 * error)


def test_cac_formula_against_counting(large, cache) -> None:
    spend, lag = large["spend"].query("category == 'acquisition'"), pd.DateOffset(months=1)
    paid = spend["amount"][(spend["period"] >= START - lag) & (spend["period"] < END - lag)].sum()
    won = len(in_quarter(large["customers"], "acquired_at"))
    assert true_value("cac", QUARTER, cache=cache) == pytest.approx(paid / won, rel=4 / np.sqrt(won))


def test_repeat_purchase_rate_against_the_bgnbd_formula(cache) -> None:
    """E[exp(-rate·s·p) - exp(-rate·(s·p + 90))], s the rest of the first day, p the chance to drop out."""

    def share(s: float, p: float) -> float:
        gone = [(IT.bgnbd_alpha / (IT.bgnbd_alpha + t)) ** IT.bgnbd_r for t in (s * p, s * p + 90)]
        return (gone[0] - gone[1]) * stats.beta.pdf(p, IT.bgnbd_a, IT.bgnbd_b)

    formula = integrate.dblquad(share, 0, 1, 0, 1)[0]
    assert true_value("repeat_purchase_rate", QUARTER, cache=cache) == pytest.approx(formula, abs=0.008)


def test_nps_against_the_normal_formula(cache) -> None:
    years = (pd.Timestamp("2025-11-10") - pd.Timestamp("2025-01-01")).days / 365.25
    mean = IT.nps_level + IT.nps_growth_per_year * years + np.asarray(IT.nps_by_region)
    answer = stats.norm(mean, np.hypot(IT.nps_by_mood, IT.nps_noise))
    formula = 100 * (answer.sf(8.5) - answer.cdf(6.5)) @ np.asarray(IT.regions)
    assert true_value("nps", QUARTER, cache=cache) == pytest.approx(formula, abs=1.0)


def test_csat_against_the_normal_formula(cache) -> None:
    years = (pd.Timestamp("2025-11-10") - pd.Timestamp("2025-01-01")).days / 365.25
    answer = stats.norm(IT.csat_level + IT.csat_growth_per_year * years, np.hypot(IT.csat_by_mood, IT.csat_noise))
    assert true_value("csat_top2", QUARTER, cache=cache) == pytest.approx(answer.sf(3.5), abs=0.006)
    mean = 1 + sum(answer.sf(point - 0.5) for point in range(2, 6))
    assert true_value("csat_mean", QUARTER, cache=cache) == pytest.approx(mean, abs=0.015)


def test_first_response_time_against_the_mixture_of_lognormals(cache) -> None:
    years = (pd.Timestamp("2025-11-15") - pd.Timestamp("2025-01-01")).days / 365.25
    medians = IT.response_median_hours * np.asarray(IT.response_by_channel)
    medians = medians * np.exp(IT.response_growth_per_year * years)
    faster, sigma = IT.regions[1], np.hypot(IT.response_sigma, IT.response_customer_sigma)

    def answered(hours: float) -> float:
        by_channel = (1 - faster) * stats.norm.cdf(np.log(hours / medians) / sigma)
        by_channel += faster * stats.norm.cdf(np.log(hours / medians / IT.faster_response_time_ratio) / sigma)
        return (1 - IT.never_answered_share) * by_channel @ np.asarray(IT.ticket_channels)

    formula = optimize.brentq(lambda hours: answered(hours) - 0.5, 0.1, 50)
    assert true_value("first_response_time", QUARTER, cache=cache) == pytest.approx(formula, rel=0.02)


def test_churn_rate_of_equal_customers_against_the_exponential(cache) -> None:
    plain = replace(
        IT,
        churn_by_region=(1.0,) * 4,
        churn_frailty_variance=1e-6,
        churn_by_mood=0.0,
        faster_response_churn_ratio=1.0,
        restart_soon_share=0.0,
        restart_later_share=0.0,
    )
    leaves = [1 - np.exp(-IT.churn_per_month / DAYS * days) for days in (31, 31, 30)]
    true = true_value("churn_rate", "2025-Q3", cache=cache, company=plain)
    assert true == pytest.approx(np.mean(leaves), rel=0.025)
    # In the last month, who leaves on the day after the data end is not seen to leave.
    last = true_value("churn_rate", "2025-12", cache=cache, company=plain)
    assert last == pytest.approx(1 - np.exp(-IT.churn_per_month / DAYS * 30), rel=0.04)


def test_every_indicator_has_a_value_in_its_range(cache) -> None:
    values = {name: true_value(name, QUARTER, cache=cache) for name in INDICATORS}
    shares = [n for n in values if n.endswith(("_rate", "_ratio", "_top2")) and n != "complaint_rate"]
    assert all(0 < values[name] < 1 for name in shares)
    assert values["backlog"] == 2 * true_value("backlog", QUARTER, cache=cache, customers=2500)


def test_kept_simulation_gives_the_same_value_again(cache) -> None:
    first = true_value("nps", QUARTER, cache=cache)
    assert true_value("nps", "2025-Q4", cache=cache) == first


def test_unknown_indicator_and_group_are_said_so(cache) -> None:
    with pytest.raises(SettingsError, match="Did you mean 'churn_rate'"):
        true_value("churn", QUARTER, cache=cache)
    with pytest.raises(SettingsError, match="no truth for region = 'centre'"):
        true_value("nps", QUARTER, cache=cache, where={"region": "centre"})


# The stories that a report on the demo data should find.


def test_first_response_is_faster_in_the_south_only(cache) -> None:
    def median(region: str, period: str) -> float:
        return true_value("first_response_time", period, cache=cache, where={"region": region})

    ratio = {region: median(region, "2025-Q4") / median(region, "2024-Q4") for region in ("south", "east")}
    yearly = np.exp(IT.response_growth_per_year)
    assert ratio["south"] == pytest.approx(yearly * IT.faster_response_time_ratio, rel=0.05)
    assert ratio["east"] == pytest.approx(yearly, rel=0.05)


def test_churn_falls_in_the_south_and_is_high_in_the_north(cache) -> None:
    def churn(region: str, period: str) -> float:
        return true_value("churn_rate", period, cache=cache, where={"region": region})

    assert churn("south", "2025-Q4") / churn("south", "2024-Q4") == pytest.approx(0.60, abs=0.08)
    assert churn("east", "2025-Q4") / churn("east", "2024-Q4") == pytest.approx(1.0, abs=0.08)
    assert churn("north", "2025-Q4") > 1.3 * churn("east", "2025-Q4")


def test_loyalty_campaign_did_nothing(large, cache) -> None:
    gain = true_value("repeat_purchase_rate", "2025-Q4", cache=cache)
    gain -= true_value("repeat_purchase_rate", "2024-Q4", cache=cache)
    assert abs(gain) < 0.006
    loyalty = large["campaigns"].query("type == 'loyalty'")["campaign_id"].item()
    groups = large["campaign_responses"]
    groups = groups[groups["campaign_id"] == loyalty]
    orders = large["orders"].query("status == 'completed' and ordered_at >= '2025-04-10'")
    bought = groups["customer_id"].isin(orders["customer_id"]).groupby(groups["group"].astype(str))
    share, size = bought.mean(), bought.size()
    error = np.sqrt((share * (1 - share) / size).sum())
    assert abs(share["contacted"] - share["holdout"]) < 4 * error


def test_nps_rises_cac_falls_business_pays_later(cache) -> None:
    quarters = ("2024-Q4", "2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4")
    nps = [true_value("nps", quarter, cache=cache) for quarter in quarters]
    assert nps == sorted(nps)
    assert 4 < nps[-1] - nps[0] < 9
    cac = [true_value("cac", quarter, cache=cache) for quarter in quarters]
    assert cac == sorted(cac, reverse=True)
    late = {
        kind: true_value("overdue_ratio", QUARTER, cache=cache, where={"customer_type": kind})
        for kind in ("business", "consumer")
    }
    assert late["business"] > late["consumer"] + 0.05
