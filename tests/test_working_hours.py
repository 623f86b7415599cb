"""Hours of work between two moments, against a clock that looks at every minute."""

from datetime import date, datetime, timedelta

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmtools as crm
from crmtools.indicators.requests import working_hours

MINUTE = timedelta(minutes=1)
moments = st.datetimes(datetime(1895, 1, 1), datetime(2026, 12, 31)).map(lambda t: t.replace(second=0, microsecond=0))
waits = st.tuples(moments, st.integers(0, 16 * 24 * 60))
# quarters of an hour, so that a minute lies wholly inside or outside
days = (
    st.tuples(st.integers(0, 95), st.integers(1, 96)).filter(lambda x: x[0] < x[1]).map(lambda x: (x[0] / 4, x[1] / 4))
)


def by_minute(start: datetime, end: datetime, opens: float, closes: float, work_days: int) -> float:
    minutes, moment = 0, start
    while moment < end:
        minutes += moment.weekday() < work_days and opens <= moment.hour + moment.minute / 60 < closes
        moment += MINUTE
    return minutes / 60


def on_the_engine(spans: list[tuple[datetime, datetime]], opens: float, closes: float, work_days: int) -> list[float]:
    con = ibis.duckdb.connect()
    frame = pd.DataFrame(spans, columns=["start", "end"]).astype("datetime64[us]").assign(place=range(len(spans)))
    table = con.create_table("spans", frame)
    hours = working_hours(table.start, table.end, opens=opens, closes=closes, work_days=work_days)
    return con.execute(table.select("place", hours=hours).order_by("place"))["hours"].tolist()


@settings(max_examples=40)
@given(spans=st.lists(waits, min_size=1, max_size=4), day=days, work_days=st.integers(1, 7))
def test_every_minute_looked_at(spans, day, work_days) -> None:
    pairs = [(start, start + wait * MINUTE) for start, wait in spans]
    expected = [by_minute(*pair, *day, work_days) for pair in pairs]
    assert on_the_engine(pairs, *day, work_days) == pytest.approx(expected, abs=1e-9)


def test_all_hours_of_all_days_are_elapsed_hours() -> None:
    span = (datetime(2025, 10, 3, 17, 0, 1), datetime(2025, 10, 6, 9, 30))
    assert on_the_engine([span], 0, 24, 7) == [(span[1] - span[0]) / timedelta(hours=1)]


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2025-10-03 17:00", "2025-10-06 09:30", 1.5),  # Friday afternoon to Monday morning
        ("2025-10-04 10:00", "2025-10-05 20:00", 0.0),  # over a week-end
        ("2025-10-06 03:00", "2025-10-06 23:00", 9.0),  # a day, from before its opening to after its end
        ("2025-10-06 09:00", "2025-10-13 09:00", 45.0),  # a week
        ("2025-10-06 12:00:20", "2025-10-06 12:00:50", 30 / 3600),
        ("2025-12-31 12:00", "2026-01-02 12:00", 18.0),  # New Year's Day is a day like others
    ],
)
def test_nine_to_six_on_five_days(start, end, hours) -> None:
    span = (datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert on_the_engine([span], 9, 18, 5) == pytest.approx([hours])


def test_indicators_take_the_hours_as_assumptions() -> None:
    tickets = pd.DataFrame({
        "ticket_id": ["a", "b", "c"], "customer_id": ["x", "y", "z"],
        "created_at": pd.to_datetime(["2025-10-03 17:00", "2025-10-04 10:00", "2025-10-06 08:00"]),
        "first_response_at": pd.to_datetime(["2025-10-06 09:30", "2025-10-06 09:15", "2025-10-06 12:00"]),
        "resolved_at": pd.to_datetime(["2025-10-06 11:00", "2025-10-07 09:00", "2025-10-08 18:00"]),
    })  # fmt: skip
    data = crm.open(tickets=tickets, as_of=date(2025, 12, 31))
    office = {"opens": 9.0, "closes": 18.0, "work_days": 5}
    assert crm.measure("first_response_time", data, period="2025-10", **office).value == 1.5
    assert crm.measure("resolution_time", data, period="2025-10", **office).value == 9
    assert crm.measure("first_response_time", data, period="2025-10").value == pytest.approx(47.25)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"opens": 18.0, "closes": 9.0}, "opens before it closes"),
        ({"closes": 25.0}, "opens before it closes"),
        ({"work_days": 0}, "whole number from 1"),
        ({"work_days": 8}, "opens before it closes"),
    ],
)
def test_impossible_hours_are_refused(wrong, message) -> None:
    with pytest.raises(crm.CRMError, match=message):
        crm.measure("resolution_time", crm.open("tiny"), **wrong)
