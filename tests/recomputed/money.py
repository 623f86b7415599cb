"""Receivables, cost of keeping and serving, completeness of the records: invoice by invoice and customer by customer."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

Frames = dict[str, pd.DataFrame]
Answer = tuple[float | None, float, float, int]
DAY = pd.Timedelta(days=1)


def draw(frames: Frames, rng: np.random.Generator) -> Frames:
    """Disputes, minutes of work, shared cost, and invoices of two years before, many of them never paid."""
    invoices, payments = frames["invoices"].copy(), frames["payments"].copy()
    invoices["disputed"] = pd.Series(rng.choice(np.array([True, False, None], dtype=object), len(invoices)))
    invoices["disputed"] = invoices.disputed.astype("boolean")
    old = invoices.sample(300, random_state=int(rng.integers(1000))).reset_index(drop=True)
    old["invoice_id"] = [f"old{n}" for n in range(len(old))]
    for column in ("issued_at", "due_at", "written_off_at"):
        old[column] = old[column] - 365 * DAY
    known = old.invoice_id.to_numpy()
    lot = rng.integers(0, len(known), 400)
    paid = pd.DataFrame(
        {
            "payment_id": [f"q{n}" for n in range(len(lot))],
            "invoice_id": known[lot],
            "customer_id": old.customer_id.to_numpy()[lot],
            # some on the very day it is due or has been due for ninety days, some before the invoice, some long after
            "paid_at": old.due_at.to_numpy()[lot] + pd.to_timedelta(rng.choice([-40, 0, 1, 90, 91, 250], len(lot)), unit="D"),
            "amount": (old.amount.to_numpy()[lot] * rng.choice([0.4, 1.0, 1.0, -0.2], len(lot))).round(2),
        }
    )  # fmt: skip
    tickets = frames["tickets"].copy()
    minutes = pd.Series(rng.integers(0, 90, len(tickets)).astype(float))
    tickets["handle_minutes"] = minutes.where(rng.random(len(tickets)) > 0.2)
    spend = frames["spend"].iloc[:30].copy()
    spend["category"] = rng.choice(["shared", "retention", "service"], len(spend))
    people = frames["customers"].copy()
    said = rng.random(len(people)) > 0.1
    people["customer_type"] = people.customer_type.where(
        said, pd.Series(rng.choice([" Unknown", "n/a", "未知"], len(people)))
    )
    bills = pd.concat([invoices, old], ignore_index=True)
    settled = bills.sample(frac=0.6, random_state=int(rng.integers(1000)))
    late = pd.to_timedelta(rng.choice([-3, 0, 0, 1, 60, 89, 90, 91, 92], len(settled)), unit="D")
    full = pd.DataFrame(
        {
            "payment_id": "all of " + settled.invoice_id,
            "invoice_id": settled.invoice_id,
            "customer_id": settled.customer_id,
            "paid_at": settled.due_at + late,
            # in yuan more than any invoice in dollars
            "amount": settled.amount * np.where(settled.currency == "USD", 8.0, 1.0),
        }
    )
    return {
        "invoices": bills,
        "payments": pd.concat([payments, paid, full], ignore_index=True),
        "tickets": tickets,
        "spend": pd.concat([frames["spend"], spend], ignore_index=True),
        "customers": people,
    }


def _ratio(numerator: float, denominator: float, n: int) -> Answer:
    return (numerator / denominator if denominator else None, numerator, denominator, n)


class _Books:
    """What was open of each invoice, asked day by day."""

    def __init__(self, frames: Frames) -> None:
        self.invoices = list(frames["invoices"].itertuples())
        self.payments: dict[str, list[tuple[pd.Timestamp, float]]] = {}
        for row in frames["payments"].itertuples():
            self.payments.setdefault(row.invoice_id, []).append((row.paid_at, row.amount))

    def paid(self, row, before: pd.Timestamp) -> float:
        return sum(amount for day, amount in self.payments.get(row.invoice_id, []) if day < before)

    def written(self, row) -> float:
        return row.amount if pd.isna(row.written_off_amount) else row.written_off_amount

    def left(self, row, before: pd.Timestamp) -> float:
        """Open in the morning of a day."""
        if row.issued_at >= before:
            return 0.0
        left = row.amount - self.paid(row, before)
        if row.written_off_at < before:
            left -= self.written(row)
        return left if left > 0.005 else 0.0


def dso(c: Frames, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    books = _Books(c)
    owed = sum(books.left(row, end) for row in books.invoices)
    people = {row.customer_id for row in books.invoices if books.left(row, end) > 0}
    recent = c["invoices"][
        (c["invoices"].issued_at >= end - pd.DateOffset(months=24)) & (c["invoices"].issued_at < end)
    ]
    people |= set(recent.customer_id)
    rest, days, back = owed, 0.0, 0
    while rest > 0.005:
        first, last = (end - pd.DateOffset(months=m) for m in (back + 1, back))
        sold = recent.amount[(recent.issued_at >= first) & (recent.issued_at < last)].sum()
        days += (last - first).days * min(1.0, rest / sold if sold else 1.0)
        rest, back = rest - sold, back + 1
        assert back < 24
    return days, owed, np.nan, len(people)


def roll_rate(c: Frames, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    books, held, rolled, people = _Books(c), 0.0, 0.0, set()
    firsts = [day for day in pd.date_range(start, end) if day.day == 1]
    for first, following in pairwise(firsts):
        for row in books.invoices:
            then, late = books.left(row, first), (first - row.due_at).days
            if then and 1 <= late <= 30:
                people.add(row.customer_id)
                held += then
                if (following - row.due_at).days >= 31:
                    rolled += min(then, books.left(row, following))
    return _ratio(rolled, held, len(people))


def default_rate(c: Frames, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    books, people = _Books(c), {}
    for row in books.invoices:
        people.setdefault(row.customer_id, []).append(row)
    snapshot, before = end - pd.DateOffset(months=12), end - pd.DateOffset(months=24)

    def in_default(row, day: pd.Timestamp) -> bool:
        return (day - row.due_at).days > 90 and books.left(row, day) > 0

    good = fallen = 0
    for rows in people.values():
        base = any(before <= row.issued_at < snapshot or books.left(row, snapshot) > 0 for row in rows)
        bad = any(
            in_default(row, snapshot) or (before <= row.written_off_at < snapshot and books.written(row) > 0.005)
            for row in rows
        )
        if not base or bad:
            continue
        good += 1
        fallen += any(
            (snapshot <= row.due_at + 90 * DAY < end and books.left(row, row.due_at + 91 * DAY) > 0)
            or (snapshot <= row.written_off_at < end and books.written(row) > 0.005)
            for row in rows
        )
    return _ratio(fallen, good, good)


def bad_debt_ratio(c: Frames, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    books, lost, sold, people = _Books(c), 0.0, 0.0, set()
    year = pd.DateOffset(months=12)
    for row in books.invoices:
        if not start - year <= row.issued_at < end - year:
            continue
        people.add(row.customer_id)
        sold += row.amount
        if row.written_off_at < end:
            unpaid = row.amount - books.paid(row, end)
            lost += min(max(unpaid, 0.0), row.amount, books.written(row))
    return _ratio(lost, sold, len(people))


def on_time_payment_rate(c: Frames, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    books, people, kept, due = _Books(c), set(), 0, 0
    for row in books.invoices:
        if start <= row.due_at < end and (pd.isna(row.disputed) or not row.disputed):
            people.add(row.customer_id)
            due += 1
            kept += row.amount - books.paid(row, row.due_at + DAY) < 0.006
    return _ratio(kept, due, len(people))


def _cost(c: Frames, start, end, *purposes: str) -> float:
    spend = c["spend"][(c["spend"].period >= start) & (c["spend"].period < end)]
    by = spend.groupby("category").amount.sum()
    own, direct = (
        sum(by.get(name, 0.0) for name in names) for names in (purposes, ("acquisition", "retention", "service"))
    )
    part = min(max(own / direct, 0.0), 1.0) if direct else len(purposes) / 3
    return own + part * by.get("shared", 0.0)


def _month_ends(start: pd.Timestamp, end: pd.Timestamp) -> Iterator[pd.Timestamp]:
    """The last days of months that the period holds, whole days."""
    yield from (day for day in pd.date_range(start, end - DAY) if (day + DAY).day == 1)


def retention_cost(c: Frames, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    orders, subscriptions = c["orders"], c["subscriptions"]
    orders = orders[orders.status.isna() | (orders.status == "completed")]
    counts, everybody = [], set()
    for last in _month_ends(start, end):
        bought = orders[(orders.ordered_at < last + DAY) & (orders.ordered_at >= last + DAY - 365 * DAY)]
        runs = (subscriptions.started_at <= last) & ~(subscriptions.ended_at < last)
        active = set(bought.customer_id) | set(subscriptions.customer_id[runs])
        counts.append(len(active))
        everybody |= active
    cost = _cost(c, start, end, "retention", "service") * 365.25 / (end - start).days
    return _ratio(cost, float(np.mean(counts)), len(everybody))


def _done(c: Frames, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    tickets = c["tickets"]
    done = tickets.resolved_at.where(tickets.resolved_at.notna(), tickets.closed_at)
    return tickets[(done >= start) & (done < end) & (tickets.type != "spam")]


def cost_to_serve_ratio(c: Frames, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    spend = c["spend"][(c["spend"].period >= start) & (c["spend"].period < end) & (c["spend"].category == "service")]
    tickets, orders = _done(c, start, end), c["orders"]
    orders = orders[(orders.ordered_at >= start) & (orders.ordered_at < end)]
    orders = orders[orders.status.isna() | (orders.status == "completed")]
    rate = spend.amount.sum() / tickets.handle_minutes.sum()
    cost = sum(rate * own.handle_minutes.sum() for _, own in tickets.groupby("customer_id"))
    net = (orders.net_amount - orders.refund_amount.fillna(0)).sum()
    return _ratio(cost, net, len({*tickets.customer_id, *orders.customer_id}))


def cost_per_ticket(c: Frames, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    tickets = _done(c, start, end)
    return _ratio(_cost(c, start, end, "service"), len(tickets), tickets.customer_id.nunique())


def crm_data_quality(c: Frames, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    people, filled = c["customers"][~(c["customers"].acquired_at >= end)], 0
    for column in ("acquired_at", "region", "customer_type", "acquired_channel"):
        for value in people[column]:
            filled += not pd.isna(value) and str(value).strip().lower() not in ("unknown", "n/a", "未知")
    return _ratio(filled, 4 * len(people), len(people))


RECOMPUTED = {
    function.__name__: function
    for function in (
        dso, roll_rate, default_rate, bad_debt_ratio, on_time_payment_rate, retention_cost, cost_to_serve_ratio,
        cost_per_ticket, crm_data_quality,
    )
}  # fmt: skip
