from datetime import date

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from crmtools.cohorts import plot_retention_curve, plot_retention_heatmap, retention
from crmtools.errors import DataError, SettingsError

AS_OF = date(2025, 5, 15)
VALUES = [
    "active",
    "retention",
    "low",
    "high",
    "revenue",
    "revenue_per_customer",
    "cumulative_revenue_per_customer",
]


def random_orders(seed=1, customers=200):
    """Orders over sixteen months with same-day repeats, cancellations and refunds; no cohort in 2024-05."""
    random = np.random.default_rng(seed)
    count = random.integers(1, 9, customers)
    owner = np.repeat(np.arange(customers), count)
    start = random.choice(["2024-02-01", "2024-03-01", "2024-04-01", "2024-06-01", "2025-04-20"], customers)
    day = pd.to_datetime(start)[owner] + pd.to_timedelta(random.integers(0, 40, len(owner)) ** 2 / 4, unit="D")
    net = random.integers(0, 9, len(owner)) * 7.5
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in owner],
            "ordered_at": day,
            "status": random.choice(["completed"] * 5 + ["cancelled", "returned"], len(owner)),
            "net_amount": net,
            "refund_amount": np.where(random.random(len(owner)) < 0.25, net, 0.0),
        }
    )


def plain_days(orders, as_of=AS_OF):
    """Counted purchase days in plain pandas."""
    good = orders[orders["status"].eq("completed")].assign(day=orders["ordered_at"].dt.normalize())
    good = good[good["day"] <= pd.Timestamp(as_of)]
    days = good.groupby(["customer_id", "day"], as_index=False)[["net_amount", "refund_amount"]].sum()
    days["net"] = days["net_amount"] - days["refund_amount"]
    return days[(days["net"] > 0) | ((days["net"] == 0) & (days["refund_amount"] == 0))]


def plain_cells(orders, as_of, freq):
    """Cohorts in plain pandas: {(cohort period, age): (active, revenue)} and sizes."""
    days = plain_days(orders, as_of).copy()
    days["period"] = days["day"].dt.to_period(freq)
    days["cohort"] = days.groupby("customer_id")["period"].transform("min")
    days["age"] = [(period - cohort).n for period, cohort in zip(days["period"], days["cohort"])]
    cells = days.groupby(["cohort", "age"]).agg(active=("customer_id", "nunique"), revenue=("net", "sum"))
    return cells, days.groupby("cohort")["customer_id"].nunique()


@pytest.fixture(scope="module")
def orders():
    return random_orders()


@pytest.mark.parametrize(("by", "freq"), [("month", "M"), ("quarter", "Q"), ("year", "Y")])
@pytest.mark.parametrize("as_of", [AS_OF, date(2025, 4, 30), date(2024, 12, 31)])
def test_cells_equal_plain_pandas(orders, by, freq, as_of):
    found = retention(orders, as_of=as_of, by=by).cells
    cells, sizes = plain_cells(orders, as_of, freq)
    last = pd.Period(as_of, freq)
    assert sorted(found["cohort"].unique()) == [cohort.start_time for cohort in sizes.index]
    assert len(found) == sum((last - cohort).n + 1 for cohort in sizes.index)
    running = {}
    for row in found.itertuples():
        cohort = pd.Period(row.cohort, freq)
        active, revenue = cells.loc[(cohort, row.age)] if (cohort, row.age) in cells.index else (0, 0.0)
        assert row.size == sizes[cohort]
        assert row.mature == ((cohort + row.age).end_time.date() <= as_of)
        if row.mature:
            running[cohort] = running.get(cohort, 0) + revenue / row.size
            assert (row.active, row.revenue) == (active, pytest.approx(revenue))
            assert row.retention == pytest.approx(active / row.size)
            assert row.revenue_per_customer == pytest.approx(revenue / row.size)
            assert row.cumulative_revenue_per_customer == pytest.approx(running[cohort])


def test_immature_cells_are_hidden_and_flagged(orders):
    cohorts = retention(orders, as_of=AS_OF)
    hidden = cohorts.cells[~cohorts.cells["mature"]]
    assert hidden[VALUES].isna().all().all()
    assert cohorts.cells.loc[cohorts.cells["mature"], VALUES].notna().all().all()
    # mid-May: May is unfinished for everybody, and one hidden cell per cohort is all there is
    assert len(hidden) == cohorts.cells["cohort"].nunique()
    complete = retention(orders, as_of=date(2025, 5, 31)).cells
    assert complete["mature"].all()


def test_a_month_without_purchases_is_a_zero_not_a_hole():
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b"],
            "ordered_at": pd.to_datetime(["2025-01-05", "2025-03-05", "2025-01-06"]),
            "net_amount": [10.0, 20.0, 5.0],
        }
    )
    cohorts = retention(orders, as_of=date(2025, 4, 30))
    assert cohorts.cells["active"].tolist() == [2, 0, 1, 0]
    assert cohorts.cells["retention"].tolist() == [1, 0, 0.5, 0]
    assert cohorts.cells["cumulative_revenue_per_customer"].tolist() == [7.5, 7.5, 17.5, 17.5]
    assert cohorts.cells["label"].unique().tolist() == ["2025-01"]


def test_interval_is_wilsons(orders):
    cells = retention(orders, as_of=AS_OF, level=0.9).cells
    cells = cells[cells["mature"] & (cells["age"] > 0)]
    z, n, p = 1.6448536269514722, cells["size"], cells["retention"]
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    np.testing.assert_allclose(cells["low"], (centre - half) / (1 + z**2 / n), atol=1e-12)
    np.testing.assert_allclose(cells["high"], (centre + half) / (1 + z**2 / n), atol=1e-12)
    assert ((cells["low"] <= p + 1e-12) & (p <= cells["high"] + 1e-12)).all()


@pytest.mark.parametrize("by", ["month", "quarter"])
def test_limits_of_revenue_are_those_of_the_customers_amounts(orders, by):
    """Per customer in plain pandas, those who bought nothing as 0: mean, standard error, normal on the log scale."""
    found = retention(orders, as_of=AS_OF, by=by, level=0.9)
    freq = {"month": "M", "quarter": "Q"}[by]
    days = plain_days(orders).assign(period=lambda d: d["day"].dt.to_period(freq))
    born = days.groupby("customer_id")["period"].min()
    checked = 0
    for row in found.cells[found.cells["mature"] & (found.cells["size"] >= 30)].itertuples():
        cohort = pd.Period(row.cohort, freq)
        customers = born.index[born == cohort]
        own = days[days["customer_id"].isin(customers)]
        for name, theirs in (
            ("revenue_per_customer", own[own["period"] == cohort + row.age]),
            ("cumulative_revenue_per_customer", own[own["period"] <= cohort + row.age]),
        ):
            amounts = theirs.groupby("customer_id")["net"].sum().reindex(customers, fill_value=0.0).to_numpy()
            low, high = getattr(row, f"{name}_low"), getattr(row, f"{name}_high")
            if not amounts.any():
                assert np.isnan(low)
                continue
            reach = np.exp(1.6448536269514722 * amounts.std(ddof=1) / np.sqrt(len(amounts)) / amounts.mean())
            assert low == pytest.approx(amounts.mean() / reach, rel=1e-9)
            assert high == pytest.approx(amounts.mean() * reach, rel=1e-9)
            checked += 1
    assert checked > 10


def test_small_cohorts_have_no_limits_of_revenue(orders):
    few = orders[orders["customer_id"].isin(orders["customer_id"].unique()[:20])]
    cells = retention(few, as_of=AS_OF).cells
    assert (cells["size"] < 30).all()
    assert cells[["revenue_per_customer_low", "cumulative_revenue_per_customer_high"]].isna().all(axis=None)


def test_pooled_retention_is_sum_over_sum_of_mature_cells(orders):
    cohorts = retention(orders, as_of=AS_OF)
    pooled = cohorts.pooled()
    for age, row in pooled.iterrows():
        own = cohorts.cells[(cohorts.cells["age"] == age) & cohorts.cells["mature"]]
        assert row["cohorts"] == len(own)
        assert row["retention"] == own["active"].sum() / own["size"].sum()
        assert row["low"] <= row["retention"] <= row["high"]
    assert pooled.loc[0, "retention"] == 1
    assert pooled.index.max() == 14  # February 2024 to April 2025, the last whole month


def test_matrix_is_cohorts_by_age(orders):
    cohorts = retention(orders, as_of=AS_OF)
    matrix = cohorts.matrix("active")
    for row in cohorts.cells.itertuples():
        value = matrix.loc[row.label, row.age]
        assert value == row.active or (np.isnan(value) and not row.mature)
    assert matrix.index.is_monotonic_increasing


def test_no_look_into_the_future_and_order_does_not_matter(orders):
    early = date(2024, 9, 30)
    seen = orders[orders["ordered_at"] < "2024-10-01"].sample(frac=1, random_state=3)
    before = orders.copy(deep=True)
    one, other = retention(orders, as_of=early), retention(seen, as_of=early)
    pd.testing.assert_frame_equal(one.cells, other.cells)
    pd.testing.assert_frame_equal(orders, before)


def test_wrong_arguments_are_refused(orders):
    with pytest.raises(SettingsError, match="Did you mean 'month'"):
        retention(orders, as_of=AS_OF, by="months")
    with pytest.raises(DataError, match="Nobody"):
        retention(orders, as_of=date(2020, 1, 1))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_plots_show_mature_cells_in_the_language(orders, language):
    cohorts = retention(orders, as_of=AS_OF)
    left, right = Figure().subplots(1, 2)
    assert plot_retention_heatmap(left, cohorts, language=language) is left
    assert plot_retention_curve(right, cohorts, language=language) is right
    shown = cohorts.cells[cohorts.cells["mature"] & (cohorts.cells["age"] > 0)]
    assert len(left.texts) == len(shown)
    assert sorted(text.get_text() for text in left.texts) == sorted(f"{100 * x:.0f}" for x in shown["retention"])
    np.testing.assert_allclose(right.lines[0].get_ydata(), 100 * cohorts.pooled()["retention"].iloc[1:])
    labels = [left.get_xlabel(), left.get_ylabel(), right.get_xlabel()]
    assert all(label.isascii() == (language == "en") for label in labels)
