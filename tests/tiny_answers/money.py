"""Receivables and cost of data/tiny, in plain Python."""

import csv
from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

TINY = Path(__file__).parents[2] / "data" / "tiny"
START, END = date(2025, 10, 1), date(2026, 1, 1)


def _read(name: str) -> list[dict[str, str]]:
    with (TINY / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    return [row for row in found if row.get("customer_id") != "C12"]


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _in_quarter(text: str) -> bool:
    return text != "" and START <= _day(text) < END


def _yuan(row: dict[str, str], column: str) -> float:
    return float(row[column] or 0) * (7.1 if row["currency"] == "USD" else 1)


def _paid(invoice: str, *, until: date) -> float:
    """Received up to and including a day."""
    found = [row for row in _read("payments") if row["invoice_id"] == invoice and _day(row["paid_at"]) <= until]
    return sum(float(row["amount"]) for row in found)


def _open(row: dict[str, str], *, until: date) -> float:
    """What is open of an invoice at the close of a day."""
    if _day(row["issued_at"]) > until:
        return 0.0
    gone = row["written_off_at"] and _day(row["written_off_at"]) <= until
    left = (
        float(row["amount"]) - _paid(row["invoice_id"], until=until) - float(row["written_off_amount"] if gone else 0)
    )
    return max(left, 0.0)


def dso() -> float:
    owed = sum(_open(row, until=END - timedelta(days=1)) for row in _read("invoices"))
    days = 0.0
    for month, length in (("2025-12", 31), ("2025-11", 30), ("2025-10", 31)):
        sold = sum(float(row["amount"]) for row in _read("invoices") if row["issued_at"].startswith(month))
        taken = min(owed, sold)
        owed, days = owed - taken, days + length * taken / sold
    assert owed == 0
    return days


def roll_rate() -> float:
    firsts = [date(2025, 10, 1), date(2025, 11, 1), date(2025, 12, 1), END]
    held = rolled = 0.0
    for first, following in pairwise(firsts):
        for row in _read("invoices"):
            if not 1 <= (first - _day(row["due_at"])).days <= 30:
                continue
            then, now = (_open(row, until=day - timedelta(days=1)) for day in (first, following))
            held += then
            rolled += min(then, now) * ((following - _day(row["due_at"])).days > 30)
    return rolled / held


def default_rate() -> float:
    snapshot, base, fallen = date(2025, 1, 1), set(), set()
    for row in _read("invoices"):
        limit = _day(row["due_at"]) + timedelta(days=90)
        if date(2024, 1, 1) <= _day(row["issued_at"]) < snapshot or _open(row, until=date(2024, 12, 31)) > 0:
            base.add(row["customer_id"])
            assert limit >= snapshot, "nobody is in default at the snapshot"
        unpaid = snapshot <= limit < END and _open(row, until=limit) > 0
        if unpaid or (row["written_off_at"] and snapshot <= _day(row["written_off_at"]) < END):
            fallen.add(row["customer_id"])
    return len(base & fallen) / len(base)


def bad_debt_ratio() -> float:
    lost = sold = 0.0
    for row in _read("invoices"):
        if not date(2024, 10, 1) <= _day(row["issued_at"]) < date(2025, 1, 1):
            continue
        sold += float(row["amount"])
        if row["written_off_at"]:
            after = _paid(row["invoice_id"], until=date(2025, 12, 31))
            lost += float(row["written_off_amount"]) - (
                after - _paid(row["invoice_id"], until=_day(row["written_off_at"]))
            )
    return lost / sold


def on_time_payment_rate() -> float:
    due = [row for row in _read("invoices") if _in_quarter(row["due_at"]) and row["disputed"] != "true"]
    kept = [_paid(row["invoice_id"], until=_day(row["due_at"])) >= float(row["amount"]) for row in due]
    return sum(kept) / len(kept)


def _spent(category: str) -> float:
    found = [row for row in _read("spend") if row["category"] == category and _in_quarter(row["period"])]
    return sum(_yuan(row, "amount") for row in found)


def _with_shared(*categories: str) -> float:
    own = sum(map(_spent, categories))
    return own + _spent("shared") * own / sum(map(_spent, ("acquisition", "retention", "service")))


def retention_cost() -> float:
    counts = []
    for last in (date(2025, 10, 31), date(2025, 11, 30), date(2025, 12, 31)):
        active = {
            row["customer_id"]
            for row in _read("subscriptions")
            if _day(row["started_at"]) <= last and (not row["ended_at"] or _day(row["ended_at"]) >= last)
        } | {
            row["customer_id"]
            for row in _read("orders")
            if row["status"] in ("", "completed") and 0 <= (last - _day(row["ordered_at"])).days < 365
        }
        counts.append(len(active))
    return _with_shared("retention", "service") * 365.25 / (END - START).days / (sum(counts) / len(counts))


def _done() -> list[dict[str, str]]:
    found = [row for row in _read("tickets") if _in_quarter(row["resolved_at"] or row["closed_at"])]
    return [row for row in found if row["type"] != "spam"]


def cost_to_serve_ratio() -> float:
    minutes: dict[str, float] = defaultdict(float)
    for row in _done():
        minutes[row["customer_id"]] += float(row["handle_minutes"] or 0)
    rate = _spent("service") / sum(minutes.values())
    orders = [row for row in _read("orders") if row["status"] in ("", "completed") and _in_quarter(row["ordered_at"])]
    revenue = sum(_yuan(row, "net_amount") - _yuan(row, "refund_amount") for row in orders)
    return sum(rate * worked for worked in minutes.values()) / revenue


def cost_per_ticket() -> float:
    return _with_shared("service") / len(_done())


def crm_data_quality() -> float:
    fields = ("acquired_at", "region", "customer_type", "acquired_channel")
    cells = [row[field].strip() for row in _read("customers") if _day(row["acquired_at"]) < END for field in fields]
    return sum(cell != "" for cell in cells) / len(cells)
