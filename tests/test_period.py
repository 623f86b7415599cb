"""Periods: how they are written, what they are called, and how they follow each other."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmtools import Period, SettingsError
from crmtools.period import add_months

DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31))


def span(start: str, last: str) -> Period:
    return Period(date.fromisoformat(start), date.fromisoformat(last) + timedelta(days=1))


@pytest.mark.parametrize(
    ("written", "start", "last", "kind"),
    [
        (2025, "2025-01-01", "2025-12-31", "year"),
        ("2025", "2025-01-01", "2025-12-31", "year"),
        ("2024-Q1", "2024-01-01", "2024-03-31", "quarter"),
        ("2025q4", "2025-10-01", "2025-12-31", "quarter"),
        ("2024-02", "2024-02-01", "2024-02-29", "month"),
        ("2025-2", "2025-02-01", "2025-02-28", "month"),
        (" 2025-12 ", "2025-12-01", "2025-12-31", "month"),
        ({"from": date(2025, 10, 1), "to": date(2025, 12, 31)}, "2025-10-01", "2025-12-31", "quarter"),
        ({"from": "2025-10-05", "to": "2025-10-05"}, "2025-10-05", "2025-10-05", "days"),
        ({"from": datetime(2025, 1, 1, 10), "to": date(2025, 1, 7)}, "2025-01-01", "2025-01-07", "days"),
        ("2025-10-05..2025-11-04", "2025-10-05", "2025-11-04", "days"),
        ({"from": date(2025, 1, 1), "to": date(2025, 6, 30)}, "2025-01-01", "2025-06-30", "days"),
    ],
)
def test_written_periods(written, start, last, kind) -> None:
    period = Period.parse(written)
    assert period == span(start, last)
    assert type(period.start) is date
    assert period.kind == kind
    assert period.last_day == date.fromisoformat(last)
    assert period.days == (period.end - period.start).days


@pytest.mark.parametrize(
    "written",
    ["", "Q4", "2025-Q5", "2025-Q0", "2025-13", "2025-0", "25-12", "0000", "9999", "9999-12", "2025-12-31", None, True,
     [], "2025-10-01..", {"from": "2025-10-01"}, {"from": "2025-10-01", "to": "2025-10-31", "by": 1},
     {"from": None, "to": None}, {"from": "soon", "to": "2025-10-31"}],
    ids=str,
)  # fmt: skip
def test_what_is_no_period(written) -> None:
    with pytest.raises(SettingsError, match=r"Write 2025, 2025-Q4, 2025-12, or \{from: 2025-10-01, to: 2025-12-31\}"):
        Period.parse(written)


def test_a_period_does_not_end_before_it_starts() -> None:
    with pytest.raises(SettingsError, match=r"cannot end \(2025-09-30\) before it starts \(2025-10-01\)"):
        Period.parse({"from": "2025-10-01", "to": "2025-09-30"})
    with pytest.raises(SettingsError, match="cannot end"):
        Period(date(2025, 1, 1), date(2025, 1, 1))


@given(day=DAYS, step=st.sampled_from(["month", "quarter", "year"]))
def test_whole_periods(day, step) -> None:
    period = Period.containing(day, step)
    assert period.start <= day < period.end
    assert period.kind == step
    assert Period.parse(period.id) == period
    assert period.previous().end == period.start
    assert period.previous().kind == step
    assert period.previous().shift({"month": 1, "quarter": 3, "year": 12}[step]) == period
    assert period.year_ago().start == period.start.replace(year=period.start.year - 1)
    for finer in ("month", "quarter", "year"):
        parts = period.split(finer)
        assert parts[0].start <= period.start < parts[0].end
        assert parts[-1].start < period.end <= parts[-1].end
        assert all(a.end == b.start for a, b in pairwise(parts))


@given(start=DAYS, days=st.integers(1, 800))
def test_ranges_of_days(start, days) -> None:
    period = Period(start, start + timedelta(days=days))
    assert Period.parse(period.id) == period
    assert Period.parse({"from": period.start, "to": period.last_day}) == period
    before = period.previous()
    assert before.end == period.start
    if start.day != 1 or period.end.day != 1:
        assert before.days == days


def test_a_half_year_is_preceded_by_a_half_year() -> None:
    half = span("2025-01-01", "2025-06-30")
    assert half.previous() == span("2024-07-01", "2024-12-31")
    assert half.previous().previous() == span("2024-01-01", "2024-06-30")
    assert span("2025-10-05", "2025-10-14").previous() == span("2025-09-25", "2025-10-04")


def test_leap_days() -> None:
    assert span("2024-02-29", "2024-02-29").year_ago() == span("2023-02-28", "2023-02-28")
    assert Period.parse("2024-02").year_ago() == Period.parse("2023-02")
    assert span("2025-01-05", "2025-01-11").year_ago() == span("2024-01-05", "2024-01-11")


def test_up_to_ends_with_the_last_day() -> None:
    quarter = Period.parse("2025-Q4")
    assert [p.id for p in quarter.up_to(4, "month")] == ["2025-09", "2025-10", "2025-11", "2025-12"]
    assert [p.id for p in quarter.up_to(3, "quarter")] == ["2025-Q2", "2025-Q3", "2025-Q4"]
    assert [p.id for p in Period.parse("2025-11").up_to(2, "year")] == ["2024", "2025"]
    assert [p.id for p in quarter.split("month")] == ["2025-10", "2025-11", "2025-12"]
    assert [p.id for p in span("2025-11-15", "2026-02-01").split("quarter")] == ["2025-Q4", "2026-Q1"]


@given(day=DAYS, months=st.integers(-500, 500))
def test_add_months_by_counting(day, months) -> None:
    year, month = day.year, day.month
    for _ in range(abs(months)):
        month += 1 if months > 0 else -1
        year, month = (year + 1, 1) if month == 13 else (year - 1, 12) if month == 0 else (year, month)
    found = add_months(day, months)
    assert (found.year, found.month) == (year, month)
    assert found.day == day.day or (found + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    ("written", "english", "chinese"),
    [
        ("2025", "2025", "2025 年"),
        ("2025-Q4", "Q4 2025", "2025 年第四季度"),
        ("2025-Q1", "Q1 2025", "2025 年第一季度"),
        ("2025-05", "May 2025", "2025 年 5 月"),
        ("2025-10-05..2025-11-04", "5 October 2025 to 4 November 2025", "2025 年 10 月 5 日至 2025 年 11 月 4 日"),
    ],
)
def test_labels(written, english, chinese) -> None:
    assert Period.parse(written).label("en") == english
    assert Period.parse(written).label("zh") == chinese


def test_periods_sort_by_time() -> None:
    assert sorted(map(Period.parse, ("2025-Q4", "2024", "2025-10"))) == [
        Period.parse("2024"), Period.parse("2025-10"), Period.parse("2025-Q4"),
    ]  # fmt: skip
