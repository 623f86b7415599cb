"""Requests and contacts, row by row."""

import math

import numpy as np
import pandas as pd

Frames = dict[str, pd.DataFrame]
Answer = tuple[float | None, float, float, int]
DAY = pd.Timedelta(days=1)
NEVER = pd.Timestamp("2200-01-01")
NOW = pd.Timestamp("2026-01-01")


def draw(frames: Frames, rng: np.random.Generator) -> Frames:
    """Due times, topics and reopenings for the tickets; customers who fall silent at some day."""
    tickets = frames["tickets"].copy()
    size = len(tickets)
    due = tickets.created_at + pd.to_timedelta(rng.lognormal(11, 1.5, size).round(), unit="s")
    on_the_dot = rng.random(size) < 0.1
    due = due.where(~on_the_dot, tickets.resolved_at.fillna(due))
    at_an_edge = rng.random(size) < 0.05
    due = due.where(~at_an_edge, pd.Timestamp("2025-10-01")).where(due >= tickets.created_at, tickets.created_at)
    tickets["due_at"] = due.where(rng.random(size) >= 0.15)
    tickets["category"] = pd.Series(rng.choice(np.array(["price", "login", None], dtype=object), size))
    tickets["reopened_count"] = pd.array(rng.choice([0, 0, 0, 1, 2], size), dtype="Int64")
    tickets.loc[rng.random(size) < 0.2, "reopened_count"] = pd.NA
    # one customer asks again on the second that a window closes, and another one a second after it
    firsts = tickets[tickets.resolved_at.between("2025-09-26", "2025-12-20") & (tickets.type != "spam")].head(30)
    follow = firsts.copy()
    follow["ticket_id"] = [f"again{n}" for n in range(len(follow))]
    late = np.arange(len(follow)) % 3
    follow["created_at"] = (
        firsts.resolved_at + pd.to_timedelta(7 * (late > 0), unit="D") + pd.to_timedelta(1 * (late == 2), unit="s")
    )
    for column in ("first_response_at", "resolved_at", "closed_at", "due_at"):
        follow[column] = pd.NaT
    contacts = [frames["interactions"]]
    for n, who in enumerate(rng.choice(frames["customers"].customer_id, 90, replace=False)):
        stops = pd.Timestamp("2025-06-01") + DAY * int(rng.integers(0, 240))
        count = int(rng.choice([4, 5, 6, 21, 25, 40, 60]))
        back = pd.to_timedelta(rng.integers(0, 150 * 86400, count), unit="s")
        contacts.append(pd.DataFrame({
            "interaction_id": [f"steady{n}-{k}" for k in range(count)], "customer_id": who, "at": stops - back,
            "direction": rng.choice(["inbound", "two_way", "outbound"], count, p=[0.5, 0.4, 0.1]),
            "type": rng.choice(np.array(["call", None, "auto"], dtype=object), count, p=[0.6, 0.35, 0.05]),
        }))  # fmt: skip
    return {
        **frames,
        "tickets": pd.concat([tickets, follow], ignore_index=True),
        "interactions": pd.concat(contacts, ignore_index=True),
    }


def share_of(flags: list[tuple[str, bool]]) -> Answer:
    """Of (customer, whether) pairs."""
    yes = sum(whether for _, whether in flags)
    return yes / len(flags) if flags else None, yes, len(flags), len({who for who, _ in flags})


def no_spam(c: Frames) -> list:
    rows = []
    for row in c["tickets"].itertuples():
        if row.type != "spam":
            done = row.resolved_at if pd.notna(row.resolved_at) else row.closed_at
            rows.append((row, done if pd.notna(done) else NEVER))
    return rows


def resolution_time(c, start, end) -> Answer:
    waits = [
        (min(done, NOW) - row.created_at, done < NEVER, row.customer_id)
        for row, done in no_spam(c)
        if start <= row.created_at < end
    ]
    left, median = 1.0, None
    for moment in sorted({wait for wait, ended, _ in waits if ended}):
        left *= 1 - sum(w == moment and e for w, e, _ in waits) / sum(w >= moment for w, _, _ in waits)
        if left <= 0.5 + 1e-12:
            median = moment / pd.Timedelta(hours=1)
            break
    return median, sum(ended for _, ended, _ in waits), len(waits), len({who for *_, who in waits})


def sla_attainment(c, start, end) -> Answer:
    return share_of([(row.customer_id, done <= row.due_at) for row, done in no_spam(c) if start <= row.due_at < end])


def complaint_on_time(c, start, end) -> Answer:
    complaints = [(row, done) for row, done in no_spam(c) if row.type == "complaint" and start <= row.due_at < end]
    return share_of([(row.customer_id, done <= row.due_at) for row, done in complaints])


def overdue_open_share(c, start, end) -> Answer:
    waiting = [row for row, done in no_spam(c) if row.created_at < end <= done and pd.notna(row.due_at)]
    return share_of([(row.customer_id, row.due_at < end) for row in waiting])


def first_contact_resolution(c, start, end) -> Answer:
    flags, opened, tickets = [], {}, no_spam(c)
    for row, _ in tickets:
        opened.setdefault((row.customer_id, row.category or ""), []).append(row.created_at)
    for row, done in tickets:
        if start - 7 * DAY <= done < end - 7 * DAY:
            again = any(done < moment <= done + 7 * DAY for moment in opened[row.customer_id, row.category or ""])
            reopened = pd.notna(row.reopened_count) and row.reopened_count > 0
            flags.append((row.customer_id, not again and not reopened))
    return share_of(flags)


def reopen_rate(c, start, end) -> Answer:
    resolved = [row for row, done in no_spam(c) if start - 7 * DAY <= done < end - 7 * DAY]
    return share_of([(row.customer_id, pd.notna(row.reopened_count) and row.reopened_count > 0) for row in resolved])


def contacts_by_customer(c) -> dict[str, list[pd.Timestamp]]:
    found: dict[str, list[pd.Timestamp]] = {}
    for row in c["interactions"].itertuples():
        if row.direction in ("inbound", "two_way") and row.type not in ("bulk", "auto"):
            found.setdefault(row.customer_id, []).append(row.at)
    return found


def binomial_cdf(x: int, n: int, p: float) -> float:
    return math.fsum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(x + 1))


def interaction_decline(c, start, end) -> Answer:
    p_values = []
    for moments in contacts_by_customer(c).values():
        recent = sum(end - 28 * DAY <= moment < end for moment in moments)
        before = sum(end - 210 * DAY <= moment < end - 28 * DAY for moment in moments)
        if before >= 5:
            p_values.append(binomial_cdf(recent, recent + before, 4 / 30))
    p_values.sort()
    flagged = max((k for k, p in enumerate(p_values, 1) if p <= 0.05 * k / len(p_values)), default=0)
    return flagged / len(p_values), flagged, len(p_values), len(p_values)


def contact_coverage(c, start, end) -> Answer:
    since, contacts, flags = end - 365 * DAY, contacts_by_customer(c), []
    active = set()
    for row in c["orders"].itertuples():
        if since <= row.ordered_at < end and row.status not in ("cancelled", "returned"):
            active.add(row.customer_id)
    for row in c["subscriptions"].itertuples():
        if row.started_at < end and not row.ended_at < end - DAY:
            active.add(row.customer_id)
    for row in c["customers"].itertuples():
        if row.acquired_at < end and (row.acquired_at >= since or row.customer_id in active):
            mine = contacts.get(row.customer_id, [])
            flags.append((row.customer_id, any(end - 90 * DAY <= moment < end for moment in mine)))
    return share_of(flags)


RECOMPUTED = {
    function.__name__: function
    for function in (
        resolution_time, sla_attainment, complaint_on_time, overdue_open_share, first_contact_resolution, reopen_rate,
        interaction_decline, contact_coverage,
    )
}  # fmt: skip
