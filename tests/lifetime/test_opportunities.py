from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime import opportunities

ORDERS = pd.DataFrame(
    [
        # ann: twice in her first month, twice in March, once in June; a cancelled order; one in the month that is not over
        ("ann", "2025-01-01", "completed", 10.0),
        ("ann", "2025-01-31", "completed", 10.0),
        ("ann", "2025-03-01", "completed", 20.0),
        ("ann", "2025-03-31", "completed", 10.0),
        ("ann", "2025-05-05", "cancelled", 99.0),
        ("ann", "2025-06-30", "completed", 40.0),
        ("ann", "2025-07-02", "completed", 99.0),
        # bob: new in the last whole month; cyd: new in the one that is not over; dan: over the turn of the year
        ("bob", "2025-06-02", "completed", 5.0),
        ("cyd", "2025-07-01", "completed", 5.0),
        ("dan", "2024-12-29", "completed", 5.0),
        ("dan", "2024-12-30", "completed", 7.0),
        ("dan", "2025-01-06", "completed", 9.0),
    ],
    columns=["customer_id", "ordered_at", "status", "net_amount"],
).assign(ordered_at=lambda frame: pd.to_datetime(frame["ordered_at"]))


def by_hand(orders, end, every):
    """The same in plain pandas, period by period."""
    code = {"months": "M", "weeks": "W-SUN"}[every]
    good = orders[(orders["status"] == "completed") & (orders["ordered_at"] < pd.Timestamp(end) + pd.Timedelta(days=1))]
    rows = {}
    for customer, own in good.groupby("customer_id"):
        net = own.groupby(own["ordered_at"].dt.to_period(code))["net_amount"].sum()
        coming = pd.period_range(net.index.min() + 1, pd.Period(end, code), freq=code)
        bought = [period in net.index for period in coming]
        rows[customer] = {
            "frequency": sum(bought),
            "recency": float(max((k for k, yes in enumerate(bought, 1) if yes), default=0)),
            "T": float(len(coming)),
            "monetary_value": net[net.index.isin(coming)].mean(),
            "days_since_last": (pd.Timestamp(end) - own["ordered_at"].max()).days,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("customer_id")


@pytest.mark.parametrize("every", ["months", "weeks"])
@pytest.mark.parametrize("as_of", ["2025-06-30", "2025-07-10", "2025-02-28", "2025-01-05"])
def test_opportunities_equal_a_count_by_hand(every, as_of):
    found = opportunities(ORDERS, as_of=as_of, every=every)
    expected = by_hand(ORDERS, found.as_of, every)
    pd.testing.assert_frame_equal(found.frame, expected, check_dtype=False, check_index_type=False)
    assert found.unit == every
    on_engine = opportunities(ibis.memtable(ORDERS), as_of=date.fromisoformat(as_of), every=every)
    pd.testing.assert_frame_equal(on_engine.frame, found.frame)


def test_a_period_cut_short_is_no_opportunity():
    whole = opportunities(ORDERS, as_of="2025-06-30")
    assert whole.as_of == date(2025, 6, 30)
    assert opportunities(ORDERS, as_of="2025-07-30").frame.equals(whole.frame)
    assert opportunities(ORDERS, as_of="2025-07-31").as_of == date(2025, 7, 31)
    assert opportunities(ORDERS, as_of="2025-07-06", every="weeks").as_of == date(2025, 7, 6)  # a Sunday
    assert opportunities(ORDERS, as_of="2025-07-05", every="weeks").as_of == date(2025, 6, 29)
    ann = whole.frame.loc["ann"]
    assert ann[["frequency", "recency", "T", "monetary_value"]].tolist() == [2, 5, 5, 35.0]
    assert whole.frame.loc["bob", "T"] == 0
    assert "cyd" not in whole.frame.index
    assert whole.counts.occasions == 9


@pytest.mark.parametrize("every", ["months", "weeks"])
def test_cdnow_equals_a_count_by_hand(cdnow, every):
    orders = cdnow[cdnow["customer_id"] < "0150"].assign(status="completed")
    found = opportunities(orders, as_of="1998-06-30", every=every)
    expected = by_hand(orders, found.as_of, every)
    pd.testing.assert_frame_equal(found.frame, expected, check_dtype=False, check_index_type=False)
    frame = found.frame
    assert (frame["frequency"] <= frame["recency"]).all()
    assert (frame["T"].to_numpy() == np.rint(frame["T"])).all()


def test_wrong_use_is_refused():
    with pytest.raises(SettingsError, match="every is 'years'"):
        opportunities(ORDERS, as_of="2025-06-30", every="years")
    with pytest.raises(DataError, match="net_amount"):
        opportunities(ORDERS.drop(columns="net_amount"), as_of="2025-06-30")
