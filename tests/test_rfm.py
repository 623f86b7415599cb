from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pytest

from crmtools.errors import DataError, SettingsError
from crmtools.rfm import GRID, MEASURES, SEGMENTS, rfm

AS_OF = date(2025, 6, 30)


def random_orders(seed=0, customers=300):
    """Orders with same-day repeats, cancellations, refunds (some whole) and ties."""
    random = np.random.default_rng(seed)
    rows = random.integers(1, 6, customers) * random.integers(1, 3, customers)
    owner = np.repeat([f"c{number:03d}" for number in range(customers)], rows)
    net = random.integers(0, 6, len(owner)) * 10.0
    return pd.DataFrame(
        {
            "customer_id": owner,
            # half the days are drawn from a week, so that orders of one day occur
            "ordered_at": pd.Timestamp("2025-01-01")
            + pd.to_timedelta(np.where(random.random(len(owner)) < 0.5, 3, 200) * random.random(len(owner)), unit="D"),
            "status": random.choice(["completed", "completed", "completed", "cancelled", "returned"], len(owner)),
            "net_amount": net,
            "refund_amount": np.where(random.random(len(owner)) < 0.2, net, 0.0),
        }
    )


def plain_days(orders, as_of=AS_OF, since=None):
    """Counted purchase days in plain pandas: customer, day, net."""
    good = orders[orders["status"].eq("completed")].assign(day=orders["ordered_at"].dt.date)
    good = good[(good["day"] <= as_of) & ((good["day"] >= since) if since else True)]
    days = good.groupby(["customer_id", "day"], as_index=False)[["net_amount", "refund_amount"]].sum()
    days["net"] = days["net_amount"] - days["refund_amount"]
    return days[(days["net"] > 0) | ((days["net"] == 0) & (days["refund_amount"] == 0))]


@pytest.fixture(scope="module")
def orders():
    return random_orders()


@pytest.fixture(scope="module")
def scored(orders):
    return rfm(orders, as_of=AS_OF)


@pytest.mark.parametrize("since", [None, date(2025, 1, 4)])
def test_measures_equal_plain_pandas(orders, since):
    days = plain_days(orders, since=since).groupby("customer_id")
    expected = pd.DataFrame(
        {
            "recency_days": days["day"].max().map(lambda day: (AS_OF - day).days),
            "frequency": days.size(),
            "monetary": days["net"].sum(),
        }
    )
    found = rfm(orders, as_of=AS_OF, since=since).frame[list(MEASURES)]
    pd.testing.assert_frame_equal(found, expected, check_index_type=False)


def test_scores_count_the_cut_points_below_a_value(scored):
    cuts = scored.thresholds
    for _, row in scored.frame.iterrows():
        assert row["R"] == 5 - sum(row["recency_days"] > cut for cut in cuts.loc["recency_days"])
        assert row["F"] == 1 + sum(row["frequency"] > cut for cut in cuts.loc["frequency"])
        assert row["M"] == 1 + sum(row["monetary"] > cut for cut in cuts.loc["monetary"])
        assert row["FM"] == int((row["F"] + row["M"]) / 2 + 0.5)


def test_cut_points_are_observed_quintiles(scored):
    """At least k fifths of the customers lie at or below cut k, and fewer below it."""
    for measure, share in product(MEASURES, (1, 2, 3, 4)):
        values, cut = scored.frame[measure], scored.thresholds.loc[measure, f"cut_{share}"]
        assert cut in set(values)
        assert (values <= cut).mean() >= share / 5 - 1e-12
        assert (values < cut).mean() < share / 5


def test_ties_are_never_split(scored):
    for measure, score in zip(MEASURES, "RFM"):
        pairs = scored.frame[[measure, score]].drop_duplicates()
        assert pairs[measure].is_unique


def test_better_values_never_score_lower(scored):
    for measure, score, better in (("recency_days", "R", -1), ("frequency", "F", 1), ("monetary", "M", 1)):
        ordered = scored.frame.sort_values(measure)
        assert (ordered[score].diff().dropna() * better >= 0).all()


def test_every_cell_belongs_to_exactly_one_named_segment():
    assert sorted(GRID) == sorted(product(range(1, 6), repeat=2))
    assert set(GRID.values()) == set(SEGMENTS)
    assert len(SEGMENTS) == 10
    assert len({text.en for text in SEGMENTS.values()}) == len({text.zh for text in SEGMENTS.values()}) == 10
    assert GRID[5, 5] == "champions"
    assert GRID[1, 5] == "cant_lose_them"
    assert GRID[5, 1] == "new_customers"
    assert GRID[1, 1] == "lost"


def test_all_125_cells_of_r_f_and_m_have_one_segment_and_each_segment_has_cells():
    """One customer per cell of the cube: measures equal scores, so that cuts at 1, 2, 3, 4 give every score."""
    cube = list(product(range(1, 6), repeat=3))
    rows = []
    for place, (days, times, money) in enumerate(cube):
        last = pd.Timestamp(AS_OF) - pd.Timedelta(days=days)
        for back in range(times):  # the money on the last day, nothing on those before: they count as purchases
            net = float(money) if back == 0 else 0.0
            rows.append((f"c{place}", last - pd.Timedelta(days=10 * back), net))
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "net_amount"])
    found = rfm(orders, as_of=AS_OF, cuts=dict.fromkeys(MEASURES, (1, 2, 3, 4))).frame
    assert set(zip(found["R"], found["F"], found["M"])) == set(cube)
    assert found["segment"].isin(list(SEGMENTS)).all()
    assert set(found["segment"]) == set(SEGMENTS)
    assert found["segment"].to_dict() == {
        row.Index: GRID[row.R, int((row.F + row.M) / 2 + 0.5)] for row in found.itertuples()
    }


def test_the_names_are_the_standard_ones():
    assert [text.en for text in SEGMENTS.values()] == [
        "Champions", "Loyal Customers", "Potential Loyalist", "New Customers", "Promising",
        "Need Attention", "About To Sleep", "At Risk", "Can't Lose Them", "Lost",
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_segments_add_up_and_have_plain_medians(scored, language):
    table = scored.segments(language=language)
    assert list(table.index) == [text.to(language) for text in SEGMENTS.values()]
    assert table["customers"].sum() == len(scored.frame)
    assert table["share"].sum() == pytest.approx(1)
    assert table["revenue"].sum() == pytest.approx(scored.frame["monetary"].sum())
    assert table["revenue_share"].sum() == pytest.approx(1)
    for _, row in table.iterrows():
        own = scored.frame[scored.frame["segment"] == row["segment"]]
        assert row["customers"] == len(own)
        if len(own):
            assert row[list(MEASURES)].tolist() == own[list(MEASURES)].median().tolist()


def test_empty_segments_are_listed(orders):
    one = rfm(orders[orders["customer_id"] == orders["customer_id"][0]], as_of=AS_OF)
    table = one.segments()
    assert len(table) == 10
    assert table["customers"].sum() == 1
    assert (table["customers"] == 0).sum() == 9


def test_own_cut_points_are_used_and_shown(orders):
    cuts = {"recency_days": (30, 60, 120, 150), "frequency": (1, 2, 3, 4)}
    found = rfm(orders, as_of=AS_OF, cuts=cuts)
    assert found.thresholds.loc["recency_days"].tolist() == [30, 60, 120, 150]
    frame = found.frame
    assert (frame["F"] == frame["frequency"].clip(upper=5)).all()
    assert (frame.loc[frame["recency_days"] <= 30, "R"] == 5).all()
    assert (frame.loc[frame["recency_days"] > 150, "R"] == 1).all()
    pd.testing.assert_series_equal(frame["M"], rfm(orders, as_of=AS_OF).frame["M"])


def test_bands_say_what_each_score_means(scored):
    bands = scored.bands()
    for measure, score in zip(MEASURES, "RFM"):
        assert bands.loc[measure, "customers"].sum() == len(scored.frame)
        for value, band in bands.loc[measure].iterrows():
            own = scored.frame.loc[scored.frame[score] == value, measure]
            assert (band["low"], band["high"], band["customers"]) == (own.min(), own.max(), len(own))


def test_orders_of_rows_do_not_matter_and_input_is_kept(orders, scored):
    before = orders.copy(deep=True)
    again = rfm(orders.sample(frac=1, random_state=2), as_of=AS_OF)
    pd.testing.assert_frame_equal(orders, before)
    pd.testing.assert_frame_equal(again.frame, scored.frame)
    assert again.counts == scored.counts


def test_no_look_into_the_future(orders):
    early = date(2025, 3, 1)
    seen = orders[orders["ordered_at"] < "2025-03-02"]
    pd.testing.assert_frame_equal(rfm(orders, as_of=early).frame, rfm(seen, as_of=early).frame)


def test_wrong_arguments_say_what_is_allowed(orders):
    with pytest.raises(SettingsError, match=r"'recency'.*Allowed: 'recency_days'"):
        rfm(orders, as_of=AS_OF, cuts={"recency": (1, 2, 3, 4)})
    with pytest.raises(SettingsError, match="four increasing numbers"):
        rfm(orders, as_of=AS_OF, cuts={"frequency": (1, 2, 2, 4)})
    for cuts, said in (
        ({"frequency": (0, 1, 2, 3)}, "under 1"),
        ({"recency_days": (-1, 1, 2, 3)}, "under 0"),
        ({"frequency": (1, 2.5, 3, 4)}, "whole numbers"),
        ({"monetary": (1, 2, 3)}, "four increasing numbers"),
        ({"monetary": (1, 2, 3, float("nan"))}, "four increasing numbers"),
    ):
        with pytest.raises(SettingsError, match=said):
            rfm(orders, as_of=AS_OF, cuts=cuts)
    with pytest.raises(SettingsError, match="either cuts or like"):
        rfm(orders, as_of=AS_OF, cuts={"frequency": (1, 2, 3, 4)}, like=rfm(orders, as_of=AS_OF))
    with pytest.raises(DataError, match="Nobody"):
        rfm(orders, as_of=date(2020, 1, 1))


def test_scores_like_those_of_another_date_are_cut_where_they_were(orders, scored):
    earlier = rfm(orders, as_of=date(2025, 3, 31))
    later = rfm(orders, as_of=AS_OF, like=earlier)
    pd.testing.assert_frame_equal(later.thresholds, earlier.thresholds)
    cuts = earlier.thresholds.loc["monetary"]
    assert (later.frame["M"] == [1 + sum(value > cuts) for value in later.frame["monetary"]]).all()
    assert not later.frame["M"].equals(scored.frame["M"])
