"""Requests and contacts of the tiny company."""

import csv
from datetime import date, datetime, timedelta
from pathlib import Path

_TINY = Path(__file__).parents[2] / "data" / "tiny"
_START, _END = datetime(2025, 10, 1), datetime(2026, 1, 1)
_WINDOW = timedelta(days=7)


def _rows(name: str) -> list[dict[str, str]]:
    with (_TINY / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["customer_id"] != "C12"]


def _tickets() -> list[dict[str, str]]:
    return [row for row in _rows("tickets") if row["type"] != "spam"]


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.max


def _in_time(row: dict[str, str]) -> bool:
    return _when(row["resolved_at"] or row["closed_at"]) <= _when(row["due_at"])


def resolution_time() -> float:
    waits = []
    for row in _tickets():
        opened, ended = _when(row["created_at"]), row["resolved_at"] or row["closed_at"]
        if _START <= opened < _END:
            waits.append((min(_when(ended), _END) - opened, bool(ended)))
    left = 1.0
    for wait, _ in sorted(w for w in waits if w[1]):
        left *= 1 - 1 / sum(other >= wait for other, _ in waits)
        if left <= 0.5:
            return wait / timedelta(hours=1)
    raise AssertionError("the median is never reached")


def sla_attainment() -> float:
    due = [row for row in _tickets() if _START <= _when(row["due_at"]) < _END]
    return sum(map(_in_time, due)) / len(due)


def complaint_on_time() -> float:
    due = [row for row in _tickets() if row["type"] == "complaint" and _START <= _when(row["due_at"]) < _END]
    return sum(map(_in_time, due)) / len(due)


def _resolved_a_week_ago() -> list[dict[str, str]]:
    return [row for row in _tickets() if _START - _WINDOW <= _when(row["resolved_at"]) < _END - _WINDOW]


def first_contact_resolution() -> float:
    solved = 0
    for row in _resolved_a_week_ago():
        end = _when(row["resolved_at"])
        again = [
            other
            for other in _tickets()
            if (other["customer_id"], other["category"]) == (row["customer_id"], row["category"])
            and end < _when(other["created_at"]) <= end + _WINDOW
        ]
        solved += row["reopened_count"] == "0" and not again
    return solved / len(_resolved_a_week_ago())


def reopen_rate() -> float:
    resolved = _resolved_a_week_ago()
    return sum(int(row["reopened_count"]) > 0 for row in resolved) / len(resolved)


def overdue_open_share() -> float:
    still = [row for row in _tickets() if row["due_at"] and not row["resolved_at"] and not row["closed_at"]]
    return sum(_when(row["due_at"]) < _END for row in still) / len(still)


def contact_coverage() -> float:
    year_ago, last_day = date(2025, 1, 1), date(2025, 12, 31)
    active = {row["customer_id"] for row in _rows("customers") if date.fromisoformat(row["acquired_at"]) >= year_ago}
    active |= {
        row["customer_id"]
        for row in _rows("orders")
        if row["status"] in ("", "completed") and _when(row["ordered_at"]).date() >= year_ago
    }
    active |= {
        row["customer_id"]
        for row in _rows("subscriptions")
        if not row["ended_at"] or date.fromisoformat(row["ended_at"]) >= last_day
    }
    touched = {
        row["customer_id"]
        for row in _rows("interactions")
        if row["direction"] in ("inbound", "two_way")
        and row["type"] not in ("bulk", "auto")
        and _when(row["at"]) >= _END - timedelta(days=90)
    }
    return len(active & touched) / len(active)
