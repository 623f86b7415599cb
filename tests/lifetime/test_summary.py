from datetime import date
from unittest.mock import Mock, patch

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime import (
    Patterns,
    Summary,
    calibration_holdout,
    customer_patterns,
    customer_summary,
    from_orders,
    in_order,
    spend_patterns,
)
from crmtools.lifetime.grid import count_distinct, unique_rows
from crmtools.lifetime.occasions import COARSE, count_rows

AS_OF = date(2025, 6, 30)

ORDERS = pd.DataFrame(
    [
        # ann: two orders on one day, a second day, one cancelled, one after the end
        ("ann", "2025-01-01 09:00", "completed", 10.0, 0.0),
        ("ann", "2025-01-01 23:59", "completed", 5.0, None),
        ("ann", "2025-03-01 00:00", "completed", 40.0, 10.0),
        ("ann", "2025-04-01 12:00", "cancelled", 99.0, 0.0),
        ("ann", "2025-07-01 00:00", "completed", 99.0, 0.0),
        # bob: an empty status is completed; a free day; a day refunded whole; a day below zero
        ("bob", "2025-02-01 10:00", None, 20.0, 0.0),
        ("bob", "2025-02-11 10:00", "completed", 0.0, 0.0),
        ("bob", "2025-02-21 10:00", "completed", 30.0, 30.0),
        ("bob", "2025-03-03 10:00", "completed", 30.0, 31.0),
        ("bob", "2025-06-30 23:00", "completed", 8.0, 0.0),
        # cyd: only a returned order, never a customer; dan: no amount; nobody: no customer
        ("cyd", "2025-02-01 10:00", "returned", 20.0, 20.0),
        ("dan", "2025-02-01 10:00", "completed", None, 0.0),
        (None, "2025-02-01 10:00", "completed", 1.0, 0.0),
    ],
    columns=["customer_id", "ordered_at", "status", "net_amount", "refund_amount"],
).assign(ordered_at=lambda frame: pd.to_datetime(frame["ordered_at"]))


def period_number(day, resolution):
    """Weeks from Monday and months as pandas counts them."""
    return pd.Period(day, {"weeks": "W-SUN", "months": "M"}[resolution]).ordinal


def by_hand(orders, until, zero_days="count", resolution="days"):
    """The same summary in plain pandas, customer by customer; ages in days, or in whole periods of the resolution."""
    good = orders.dropna(subset=["customer_id", "ordered_at", "net_amount"])
    good = good[good["status"].fillna("completed").eq("completed")]
    good = good[good["ordered_at"].dt.date <= until]
    rows = {}
    for customer, own in good.groupby("customer_id"):
        days = []
        day = own["ordered_at"].dt.date
        for _, of_day in own.groupby(day if resolution == "days" else day.map(lambda d: period_number(d, resolution))):
            refund = of_day["refund_amount"].fillna(0).sum()
            net = of_day["net_amount"].sum() - refund
            if net < -0.005 or (abs(net) < 0.005 and (refund > 0 or zero_days == "drop")):
                continue
            days.append((of_day["ordered_at"].dt.date.max(), net))
        if days:
            repeat = [net for _, net in days[1:]]
            number = date.toordinal if resolution == "days" else lambda d: period_number(d, resolution)
            rows[customer] = {
                "frequency": len(repeat),
                "recency": float(number(days[-1][0]) - number(days[0][0])),
                "T": float(number(until) - number(days[0][0])),
                "monetary_value": np.mean(repeat) if repeat else np.nan,
                "days_since_last": (until - days[-1][0]).days,
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("customer_id")


@pytest.mark.parametrize("zero_days", ["count", "drop"])
def test_summary_equals_plain_pandas(zero_days):
    found = customer_summary(ORDERS, as_of=AS_OF, zero_days=zero_days)
    pd.testing.assert_frame_equal(found.frame, by_hand(ORDERS, AS_OF, zero_days), check_index_type=False)


def test_summary_of_ann_and_bob_as_counted_on_paper():
    frame = customer_summary(ORDERS, as_of=AS_OF).frame
    assert list(frame.index) == ["ann", "bob"]
    assert frame.loc["ann"].tolist() == [1, 59, 180, 30.0, 121]
    assert frame.loc["bob"].tolist() == [2, 149, 149, 4.0, 0]  # (0 + 8) / 2


@pytest.mark.parametrize("zero_days", ["count", "drop"])
def test_every_row_read_has_one_fate(zero_days):
    counts = customer_summary(ORDERS, as_of=AS_OF, zero_days=zero_days).counts
    expected = {"incomplete": 2, "outside": 1, "status": 2, "negative": 1, "refunded": 1}
    expected |= {"zero": 1} if zero_days == "drop" else {}
    assert dict(counts.dropped) == expected
    assert counts.rows == len(ORDERS)
    assert counts.rows == counts.occasions + counts.merged + sum(expected.values())
    assert (counts.merged, counts.customers) == (1, 2)
    assert counts.frame("zh")["rows"].iloc[:-1].sum() == counts.occasions == counts.frame()["rows"].iloc[-1]


def test_an_ibis_table_and_a_frame_give_the_same_and_optional_columns_may_be_missing():
    plain = ORDERS[["customer_id", "ordered_at", "net_amount"]].dropna()
    rows = pa.Table.from_pandas(plain, preserve_index=False)
    table = ibis.duckdb.connect().create_table("orders", rows)
    one, other = customer_summary(plain, as_of=AS_OF), customer_summary(table, as_of=AS_OF)
    pd.testing.assert_frame_equal(one.frame, other.frame)
    filled = plain.assign(status="completed", refund_amount=0.0)
    pd.testing.assert_frame_equal(one.frame, by_hand(filled, AS_OF), check_index_type=False)


def test_summary_does_not_change_its_input_nor_mind_the_order_of_rows():
    before = ORDERS.copy(deep=True)
    straight = customer_summary(ORDERS, as_of=AS_OF)
    shuffled = customer_summary(ORDERS.sample(frac=1, random_state=1), as_of=AS_OF)
    pd.testing.assert_frame_equal(ORDERS, before)
    pd.testing.assert_frame_equal(straight.frame, shuffled.frame)
    assert straight.counts == shuffled.counts


def test_the_unit_divides_days_exactly():
    days = customer_summary(ORDERS, as_of=AS_OF).frame
    for unit, length in (("weeks", 7), ("months", 365.25 / 12)):
        frame = customer_summary(ORDERS, as_of=AS_OF, unit=unit).frame
        pd.testing.assert_series_equal(frame["T"], days["T"] / length)
        pd.testing.assert_series_equal(frame["recency"], days["recency"] / length)
        assert frame["days_since_last"].tolist() == days["days_since_last"].tolist()


def test_no_look_beyond_until():
    until = date(2025, 2, 28)
    seen = ORDERS[ORDERS["ordered_at"] < "2025-03-01"]
    one, other = customer_summary(ORDERS, as_of=AS_OF, until=until), customer_summary(seen, as_of=until)
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert one.as_of == until


def test_holdout_counts_days_and_net_spend_after_the_calibration_only():
    split = calibration_holdout(ORDERS, calibration_until="2025-01-31", holdout_until="2025-07-31", unit="weeks")
    assert split.holdout.to_dict("index") == {"ann": {"purchases": 2, "spend": 129.0}}
    assert split.duration == pytest.approx(181 / 7)
    assert list(split.frame.columns[-2:]) == ["purchases", "spend"]


def test_patterns_from_the_engine_equal_those_of_the_frame(cdnow):
    engine = customer_patterns(cdnow, as_of="1998-06-30", until="1997-09-30", unit="weeks")
    local = customer_summary(cdnow, as_of="1997-09-30", unit="weeks").patterns()
    for name in ("x", "t_x", "T", "weight"):
        np.testing.assert_array_equal(getattr(engine, name), getattr(local, name))


@pytest.mark.parametrize("resolution", ["days", "weeks", "months"])
@pytest.mark.filterwarnings("ignore:Purchases are merged")
def test_an_engine_that_sorts_and_one_that_groups_give_the_same(cdnow, resolution, monkeypatch):
    told = {"as_of": "1998-06-30", "until": "1997-09-30", "resolution": resolution}
    cut = Mock(wraps=in_order._customers)
    monkeypatch.setattr(in_order, "_customers", cut)
    monkeypatch.setattr(in_order, "_BLOCK", 1000)
    sorted_, patterns = customer_summary(cdnow, **told), customer_patterns(cdnow, **told)
    assert cut.call_count > 4, "customers are to lie on both sides of a cut"
    monkeypatch.setattr(from_orders, "at_hand", lambda orders: False)
    grouped, grouped_patterns = customer_summary(cdnow, **told), customer_patterns(cdnow, **told)
    pd.testing.assert_frame_equal(sorted_.frame, grouped.frame)
    for name in ("x", "t_x", "T", "weight"):
        np.testing.assert_array_equal(getattr(patterns, name), getattr(grouped_patterns, name))
    assert sorted_.counts == patterns.counts == grouped.counts == grouped_patterns.counts


@pytest.mark.parametrize("kind", ["int64", "float64", "str", "datetime64[us]"])
@pytest.mark.parametrize("as_table", [False, True])
def test_ids_may_be_of_any_kind(cdnow, kind, as_table, monkeypatch):
    frame = cdnow.assign(customer_id=cdnow.customer_id.astype("int64").astype(kind))
    orders = ibis.duckdb.connect().create_table("orders", frame) if as_table else frame
    told = {"as_of": "1998-06-30", "until": "1997-09-30"}
    made = customer_summary(orders, **told)
    assert len(made) == cdnow[cdnow.ordered_at <= "1997-09-30"].customer_id.nunique()
    monkeypatch.setattr(from_orders, "at_hand", lambda orders: False)
    grouped = customer_summary(orders, **told)
    assert list(made.frame.index) == list(grouped.frame.index)
    pd.testing.assert_frame_equal(made.frame.reset_index(drop=True), grouped.frame.reset_index(drop=True))


def test_customers_whose_hashes_begin_alike_are_told_apart(cdnow, monkeypatch):
    told = {"as_of": "1998-06-30", "until": "1997-09-30"}
    straight = customer_summary(cdnow, **told)
    monkeypatch.setattr(in_order, "_hash", lambda customer: customer.cast("int64").cast("uint64"))
    alike = customer_summary(
        cdnow.sample(frac=1, random_state=1), **told
    )  # so that rows of several lie among each other
    pd.testing.assert_frame_equal(straight.frame, alike.frame)


@pytest.mark.parametrize("as_table", [False, True])
def test_orders_beyond_the_engines_memory_are_taken_some_customers_at_a_time(cdnow, as_table, monkeypatch):
    orders = ibis.duckdb.connect().create_table("orders", pa.Table.from_pandas(cdnow)) if as_table else cdnow
    told = {"as_of": "1998-06-30", "until": "1997-09-30"}
    whole, patterns = customer_summary(orders, **told), customer_patterns(orders, **told)
    fetched = Mock(wraps=in_order._blocks)
    monkeypatch.setattr(in_order, "_blocks", fetched)
    monkeypatch.setattr(in_order, "memory_of", lambda orders: 200_000)
    sliced = customer_patterns(orders, **told)
    assert fetched.call_count == -(-len(cdnow) * 128 // 200_000) == 5
    for name in ("x", "t_x", "T", "weight"):
        np.testing.assert_array_equal(getattr(patterns, name), getattr(sliced, name))
    summary = customer_summary(orders, **told)
    pd.testing.assert_frame_equal(whole.frame, summary.frame)
    assert whole.counts == summary.counts == sliced.counts


def test_customers_are_sliced_by_what_their_rows_need_and_the_engine_allows():
    backend = ibis.duckdb.connect(memory_limit="2GB")
    assert in_order.memory_of(backend.create_table("orders", schema={"a": "int64"})) == pytest.approx(1e9, rel=0.05)
    assert [in_order.slices_of(rows, 2 * 10**9, 100) for rows in (0, 20_000_000, 20_000_001, 10**8)] == [1, 1, 2, 5]


def test_unique_rows_equals_numpys_unique_of_rows():
    random = np.random.default_rng(0)
    columns = [random.integers(0, 4, 500) / 7 for _ in range(3)]
    found, position, counts = unique_rows(*columns)
    rows, where, times = np.unique(np.stack(columns, 1), axis=0, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(np.stack(found, 1), rows)
    np.testing.assert_array_equal(position, where.ravel())
    np.testing.assert_array_equal(counts, times)


@pytest.mark.parametrize(
    ("top", "late"),
    [(4, 0.0), (4, 1 / 7), (4, 0.123), (300_000, 0.0)],
    ids=["one grid", "a finer grid after the first values", "no grid after the first values", "keys above 32 bits"],
)
def test_distinct_rows_are_numpys_whatever_the_grid(top, late):
    random = np.random.default_rng(0)
    columns = [random.integers(0, top, 20_000) + (np.arange(20_000) > 19_000) * late for _ in range(3)]
    rows, times = np.unique(np.stack(columns, 1), axis=0, return_counts=True)
    for values, counts in (count_distinct(*columns), unique_rows(*columns)[::2]):
        np.testing.assert_allclose(np.stack(values, 1), rows, rtol=1e-15)
        np.testing.assert_array_equal(counts, times)


def test_cdnow_facts(cdnow, split, summary, reference):
    facts = reference["cdnow"]
    frequency = summary.frame["frequency"]
    assert summary.counts.rows == facts["rows"]
    assert len(summary) == facts["customers"]
    assert frequency.sum() == facts["repeat_purchases"]
    assert frequency.clip(upper=7).value_counts().sort_index().tolist() == facts["frequencies"]
    assert len(summary.patterns().x) == facts["patterns"]
    assert split.holdout["purchases"].sum() == facts["holdout_purchases"]
    assert split.holdout["spend"].sum() == pytest.approx(facts["holdout_spend"], abs=0.005)
    spend, expected = summary.frame["monetary_value"].dropna(), facts["repeat_spend"]
    assert spend.agg(["mean", "std", "min", "max"]).tolist() == pytest.approx(
        [expected[name] for name in ("mean", "sd", "min", "max")], abs=0.005
    )
    assert spend.quantile([0.25, 0.5, 0.75]).tolist() == pytest.approx(expected["quartiles"], abs=0.005)


def test_an_empty_table_gives_an_empty_summary():
    found = customer_summary(ORDERS.iloc[:0], as_of=AS_OF)
    assert len(found) == 0
    assert found.counts.rows == found.counts.occasions == 0


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"frequency": [-1], "recency": [0.0], "T": [3.0]}, "whole number"),
        ({"frequency": [1.5], "recency": [1.0], "T": [3.0]}, "whole number"),
        ({"frequency": [1], "recency": [4.0], "T": [3.0]}, "between 0 and T"),
        ({"frequency": [0], "recency": [1.0], "T": [3.0]}, "must be 0 when frequency is 0"),
        ({"frequency": [1], "recency": [0.0], "T": [3.0]}, "above 0 when frequency"),
        ({"frequency": [1], "recency": [1.0]}, "needs 'T'"),
    ],
)
def test_impossible_customers_are_refused(frame, message):
    with pytest.raises(DataError, match=message):
        Summary(pd.DataFrame(frame), "weeks", AS_OF)
    if "T" in frame:
        arrays = [np.array(frame[name], dtype=float) for name in ("frequency", "recency", "T")]
        with pytest.raises(DataError, match=message):
            Patterns(*arrays, np.ones(1), "weeks")


def test_wrong_arguments_say_what_is_allowed():
    with pytest.raises(SettingsError, match="Did you mean 'weeks'"):
        customer_summary(ORDERS, as_of=AS_OF, unit="week")
    with pytest.raises(SettingsError, match="after as_of"):
        customer_summary(ORDERS, as_of=AS_OF, until="2026-01-01")
    with pytest.raises(SettingsError, match="zero_days"):
        customer_summary(ORDERS, as_of=AS_OF, zero_days="keep")
    with pytest.raises(DataError, match="net_amount"):
        customer_summary(ORDERS.drop(columns="net_amount"), as_of=AS_OF)
    with pytest.raises(DataError, match=r"ordered_at\n.*not dates.*13 of 13 rows"):
        customer_summary(ORDERS.assign(ordered_at="01/02/2025"), as_of=AS_OF)
    with pytest.raises(SettingsError, match="Did you mean 'weeks'"):
        customer_summary(ORDERS, as_of=AS_OF, resolution="week")
    with pytest.raises(SettingsError, match="above zero"):
        spend_patterns(ORDERS, as_of=AS_OF, step=0)


MOMENTS = st.datetimes(min_value=pd.Timestamp("2024-12-20"), max_value=pd.Timestamp("2025-03-10"))
ROWS = st.tuples(
    st.sampled_from(["a", "b", "c", None]),
    MOMENTS | st.none(),
    st.sampled_from(["completed", "completed", "cancelled", "returned", None]),
    st.sampled_from([0.0, 5.0, 12.34, 99.99, None]),
    st.sampled_from([0.0, 5.0, 12.34, 20.0, None]),
)


@given(
    rows=st.lists(ROWS, min_size=1, max_size=40),
    zero_days=st.sampled_from(["count", "drop"]),
    resolution=st.sampled_from(["days", "weeks", "months"]),
    sorts=st.booleans(),
)
@settings(max_examples=25, deadline=None)
@pytest.mark.filterwarnings("ignore:Purchases are merged")
def test_any_orders_give_what_plain_pandas_gives(rows, zero_days, resolution, sorts):
    orders = pd.DataFrame(rows, columns=ORDERS.columns).astype(ORDERS.dtypes.to_dict())
    until = date(2025, 2, 28)
    told = {"as_of": until, "zero_days": zero_days, "resolution": resolution}
    with patch.object(from_orders, "at_hand", return_value=sorts):
        found = customer_summary(orders, **told, unit=resolution)
        grouped = customer_patterns(orders, **told, unit=resolution)
    expected = by_hand(orders, until, zero_days, resolution)
    counts = found.counts
    assert counts.rows == len(orders) == counts.occasions + counts.merged + sum(rows for _, rows in counts.dropped)
    assert counts.occasions == found.frame["frequency"].sum() + len(found)
    assert counts.customers == len(found) == len(expected)
    if len(found):
        pd.testing.assert_frame_equal(found.frame, expected, check_index_type=False)
    if resolution == "days":
        assert count_rows(orders, until=until, zero_days=zero_days) == counts
    patterns = found.patterns()
    for name in ("x", "t_x", "T", "weight"):
        np.testing.assert_array_equal(getattr(grouped, name), getattr(patterns, name))
    assert grouped.counts == counts
    repeat = found.frame[found.frame["frequency"] > 0]
    spend = spend_patterns(orders, **told)
    assert spend.weight.sum() == len(repeat)
    pairs = np.repeat(np.stack([spend.x, spend.m], 1), spend.weight.astype(int), axis=0)
    np.testing.assert_allclose(pairs, repeat[["frequency", "monetary_value"]].sort_values(list(repeat.columns[[0, 3]])))


def test_cdnows_spend_patterns_hold_what_the_gamma_gamma_model_asks(cdnow, summary):
    repeat = summary.frame[summary.frame["frequency"] > 0]
    for step in (0.01, 1.0):
        found = spend_patterns(cdnow, as_of="1998-06-30", until="1997-09-30", step=step)
        assert found.weight.sum() == len(repeat) == 946
        mean = found.m @ found.weight / 946
        assert mean == pytest.approx(repeat["monetary_value"].mean(), abs=1e-9 if step == 0.01 else 0.02)
    assert len(found.x) < len(spend_patterns(cdnow, as_of="1997-09-30").x) < 946


def test_weeks_are_those_of_lifetimes_and_warned_of(cdnow):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes.utils import summary_data_from_transaction_data

        other = summary_data_from_transaction_data(
            cdnow, "customer_id", "ordered_at", "net_amount", observation_period_end="1997-09-28", freq="W"
        )
    with pytest.warns(UserWarning, match="biases the fit"):
        found = customer_summary(cdnow, as_of="1997-09-28", resolution="weeks", unit="weeks")
    assert found.resolution == "weeks"
    assert found.notes == (COARSE["weeks"],)
    columns = ["frequency", "recency", "T"]
    pd.testing.assert_frame_equal(
        found.frame[columns].astype(float), other[columns].astype(float), check_index_type=False
    )


def test_the_unit_alone_merges_nothing_and_warns_of_nothing(cdnow):
    found = customer_summary(cdnow, as_of="1997-09-30", unit="months")
    assert found.frame["frequency"].sum() == 2457
    assert found.notes == ()


def test_iso_text_is_parsed_before_anything_is_compared():
    text = ORDERS.assign(
        ordered_at=ORDERS["ordered_at"].dt.strftime("%Y-%m-%d %H:%M"), net_amount=ORDERS["net_amount"].astype(str)
    )
    text.loc[ORDERS["net_amount"].isna(), "net_amount"] = None
    one, other = customer_summary(text, as_of="2025-06-30"), customer_summary(ORDERS, as_of=AS_OF)
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert one.counts == other.counts


def test_a_moment_with_a_zone_belongs_to_the_day_of_its_own_clock():
    zoned = ORDERS.assign(ordered_at=ORDERS["ordered_at"].dt.tz_localize("Asia/Shanghai"))
    pd.testing.assert_frame_equal(
        customer_summary(zoned, as_of=AS_OF).frame, customer_summary(ORDERS, as_of=AS_OF).frame
    )
    text = ORDERS.assign(ordered_at=ORDERS["ordered_at"].dt.strftime("%Y-%m-%dT%H:%M:%S+08:00"))
    assert customer_summary(text, as_of=AS_OF).frame.equals(customer_summary(ORDERS, as_of=AS_OF).frame)
    text.loc[0, "ordered_at"] = "2025-01-01T09:00:00+01:00"
    with pytest.raises(DataError, match="mixes time zones"):
        customer_summary(text, as_of=AS_OF)
    table = ibis.memtable(pa.Table.from_pandas(zoned))
    with pytest.raises(DataError, match="local time first"):
        customer_summary(table, as_of=AS_OF)


def test_what_cannot_be_understood_is_said_at_once_with_column_count_and_rows():
    bad = ORDERS.assign(
        order_id=[*"ABCDEFGHIJKL", "A"],
        ordered_at="2025-01-31",
        net_amount=10.0,
        refund_amount=None,
        status="completed",
    ).astype({"net_amount": object, "ordered_at": object})
    bad.loc[[3, 5], "ordered_at"] = ["soon", "31.01.2025"]
    bad.loc[7, "net_amount"] = "12,50"
    bad.loc[8, "net_amount"] = np.inf
    bad.loc[9, "status"] = "Paid"
    with pytest.raises(DataError, match="4 problems in orders") as error:
        customer_summary(bad, as_of=AS_OF)
    said = {problem.place.split(" · ")[1]: problem.message for problem in error.value.problems}
    assert "2 of 13 rows: 'soon (row 3)', '31.01.2025 (row 5)'" in said["ordered_at"]
    assert "2 of 13 rows: '12,50 (row 7)', 'inf (row 8)'" in said["net_amount"]
    assert "1 of 13 rows: 'Paid (row 9)'" in said["status"]
    assert "2 of 13 rows: 'A (row 0)', 'A (row 12)'" in said["order_id"]


def test_blank_ids_are_nobody():
    blank = ORDERS.assign(customer_id=ORDERS["customer_id"].replace("cyd", "  "))
    found = customer_summary(blank, as_of=AS_OF)
    assert list(found.frame.index) == ["ann", "bob"]
    assert dict(found.counts.dropped)["incomplete"] == 3
