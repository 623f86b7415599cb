"""Whether customers stay, come back and bring others: the answers once more, from the CSV files."""

import csv
from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

_TINY = Path(__file__).parents[2] / "data" / "tiny"
_START, _END = date(2025, 10, 1), date(2026, 1, 1)
_FIRSTS = (date(2025, 10, 1), date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1))
_GRACE = timedelta(days=30)


def _rows(name: str) -> list[dict[str, str]]:
    with (_TINY / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["customer_id"] != "C12"]


def _day(text: str) -> date:
    return date.fromisoformat(text[:10]) if text else date.max


def _contracts() -> dict[str, list[tuple[date, date, float]]]:
    """First day, last day and monthly amount, by customer; overlaps of some days are shortened to none."""
    held = defaultdict(list)
    for row in _rows("subscriptions"):
        held[row["customer_id"]].append((_day(row["started_at"]), _day(row["ended_at"]), float(row["mrr"])))
    for customer, own in held.items():
        shortened = []
        for start, end, mrr in own:
            takers = [s for s, e, _ in own if start < s <= end < e and end - s <= _GRACE]
            shortened.append((start, min([end, *(s - timedelta(days=1) for s in takers)]), mrr))
        held[customer] = shortened
    return held


def _paid(own: list[tuple[date, date, float]], on: date) -> float:
    return sum(mrr for start, end, mrr in own if start <= on <= end)


def _paid_after(own: list[tuple[date, date, float]], on: date) -> float:
    return _paid(own, on) or sum(mrr for start, _, mrr in own if on < start <= on + _GRACE)


def _order_days() -> dict[str, list[date]]:
    days = defaultdict(set)
    for row in _rows("orders"):
        if row["status"] in ("", "completed"):
            days[row["customer_id"]].add(_day(row["ordered_at"]))
    return {customer: sorted(own) for customer, own in days.items()}


def retention_rate() -> float:
    base = [own for own in _contracts().values() if _paid(own, _START)]
    return sum(_paid_after(own, _END) > 0 for own in base) / len(base)


def cohort_retention() -> float:
    members = came = 0
    for month in (10, 11, 12):
        for days in _order_days().values():
            if (days[0].year, days[0].month) == (2025, month - 3):
                members += 1
                came += any((d.year, d.month) == (2025, month) for d in days)
    return came / members


def repurchase_interval() -> float:
    """The Kaplan-Meier median of the waits, one factor (1 - ended / waiting) per distinct time."""
    early, waits = timedelta(days=90), []
    for days in _order_days().values():
        for day, following in pairwise([*days, None]):
            if _START - early <= day < _END - early:
                ended = following is not None and following < _END
                waits.append(((following - day).days, True) if ended else ((date(2025, 12, 31) - day).days, False))
    left = 1.0
    for time in sorted({t for t, ended in waits if ended}):
        left *= 1 - sum(t == time and ended for t, ended in waits) / sum(t >= time for t, _ in waits)
        if left <= 0.5:
            return time
    raise AssertionError("the median is never reached")


def referral_rate() -> float:
    sources = [row["acquired_channel"] for row in _rows("customers") if _START <= _day(row["acquired_at"]) < _END]
    known = [source for source in sources if source]
    return known.count("referral") / len(known)


def loyalty_active_rate() -> float:
    members = {row["customer_id"] for row in _rows("members") if _day(row["enrolled_at"]) <= _START}
    active = {
        row["customer_id"]
        for row in _rows("members")
        if row["event"] in ("earn", "redeem") and _START <= _day(row["at"]) < _END
    }
    return len(members & active) / len(members)


def revenue_churn() -> float:
    lost = paid = 0.0
    for first, following in pairwise(_FIRSTS):
        for own in _contracts().values():
            if before := _paid(own, first):
                paid += before
                lost += max(before - _paid_after(own, following), 0)
    return lost / paid


def nrr() -> float:
    base = [own for own in _contracts().values() if _paid(own, _START)]
    return sum(_paid_after(own, _END) for own in base) / sum(_paid(own, _START) for own in base)
