"""Whether customers stay, come back and bring others, customer by customer from the definitions."""

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd

DAY = pd.Timedelta(days=1)
GRACE = 30 * DAY
FAR = pd.Timestamp("2200-01-01")
Frames = dict[str, pd.DataFrame]
Answer = tuple[float | None, float, float, int]


def draw(frames: Frames, rng: np.random.Generator) -> Frames:
    """Amounts and reasons of the subscriptions, some replaced by one that overlaps them; members with and without an enrolment row."""
    held = frames["subscriptions"].copy()
    # a third of what ended is taken over by a contract that begins some days before the end, or on its edge
    ended = held[held.ended_at.notna()].iloc[::3]
    follow = ended.assign(
        subscription_id=ended.subscription_id + "b",
        started_at=ended.ended_at - pd.to_timedelta(rng.choice([0, 1, 29, 30, 31, 45], len(ended)), unit="D"),
        ended_at=ended.ended_at + pd.to_timedelta(rng.choice([0, 1, 40, 300], len(ended)), unit="D"),
    )
    follow = follow[follow.started_at >= ended.started_at]
    held = pd.concat([held, follow], ignore_index=True)
    size = len(held)
    held["mrr"] = np.where(rng.random(size) < 0.05, np.nan, np.round(rng.lognormal(4, 1, size), 2))
    held["currency"] = rng.choice(np.array(["CNY", "CNY", None, "USD"], dtype=object), size)
    reasons = rng.choice(np.array(["voluntary", "payment", "other", None], dtype=object), size)
    held["cancel_reason"] = np.where(held.ended_at.isna(), None, reasons)

    people = frames["customers"].customer_id.to_numpy()
    joined = rng.choice(people, len(people) // 2, replace=False)
    edges = pd.to_datetime(["2025-10-01", "2025-10-02", "2025-09-30", "2025-11-01", "2025-09-01"])
    drawn = pd.Timestamp("2024-06-01") + pd.to_timedelta(rng.integers(0, 560, len(joined)), unit="D")
    enrolled = np.where(rng.random(len(joined)) < 0.2, edges[rng.integers(0, 5, len(joined))], drawn)
    parts = []
    for customer, day in zip(joined, pd.to_datetime(enrolled), strict=True):
        count = int(rng.integers(0, 5))
        at = day + pd.to_timedelta(rng.integers(0, 250 * 86400, count), unit="s")
        events = [*zip(at, rng.choice(["earn", "redeem", "bonus"], count), strict=True)]
        if rng.random() < 0.1:
            events.append((pd.Timestamp("2025-10-01"), "earn"))
        if rng.random() < 0.1:
            events.append((pd.Timestamp("2025-12-31 23:59:59"), "redeem"))
        if rng.random() < 0.8:  # the others are known from their first event only
            events.append((day, "enrol"))
        parts += [
            {"customer_id": customer, "enrolled_at": day, "event": event, "at": at} for at, event in events if at >= day
        ]
    members = pd.DataFrame(parts).assign(points=1.0)
    members["event_id"] = [f"m{n}" for n in range(len(members))]
    return {"subscriptions": held, "members": members}


def share(numerator: float, denominator: float, n: int) -> Answer:
    return (numerator / denominator if denominator else None, numerator, denominator, n)


class Contract(NamedTuple):
    """One row of subscriptions; what runs on has an end that lies far away."""

    start: pd.Timestamp
    end: pd.Timestamp
    mrr: float
    reason: object


def contracts(c: Frames) -> list[tuple[str, list[Contract]]]:
    """The contracts by customer."""
    rows = c["subscriptions"]
    own: dict[str, list[Contract]] = {}
    for who, start, end, mrr, reason in zip(
        rows.customer_id, rows.started_at, rows.ended_at.fillna(FAR), rows.mrr, rows.cancel_reason, strict=True
    ):
        own.setdefault(who, []).append(Contract(start, end, mrr, reason))
    return list(own.items())


def runs(own: list[Contract], day: pd.Timestamp) -> list[Contract]:
    return [one for one in own if one.start <= day <= one.end]


def begun(own: list[Contract], after: pd.Timestamp, until: pd.Timestamp) -> list[Contract]:
    return [one for one in own if after < one.start <= until]


def order_days(c: Frames) -> dict[str, list[pd.Timestamp]]:
    orders = c["orders"]
    orders = orders[orders.status.isna() | (orders.status == "completed")]
    return {who: sorted(set(own.ordered_at.dt.normalize())) for who, own in orders.groupby("customer_id")}


def months_inside(start: pd.Timestamp, end: pd.Timestamp) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    firsts = [day for day in pd.date_range(start, end) if day.day == 1]
    return list(itertools.pairwise(firsts))


def retention_rate(c, start, end) -> Answer:
    base = [own for _, own in contracts(c) if runs(own, start)]
    kept = sum(bool(runs(own, end) or begun(own, end, end + GRACE)) for own in base)
    return share(kept, len(base), len(base))


def retention_by_orders(c, start, end, active_days: int = 365) -> Answer:
    base = kept = 0
    for days in order_days(c).values():
        before = [day for day in days if day < start]
        if before and start - before[-1] <= active_days * DAY:
            base += 1
            known = [day for day in days if day < end]
            kept += known[-1] >= start or end - known[-1] <= active_days * DAY
    return share(kept, base, base)


def cohort_retention(c, start, end, age: int = 3) -> Answer:
    members, came = [], 0
    for first, following in months_inside(start, end):
        begin = first - pd.DateOffset(months=age)
        for who, days in order_days(c).items():
            if begin <= days[0] < begin + pd.DateOffset(months=1):
                members.append(who)
                came += any(first <= day < following for day in days)
    return share(came, len(members), len(set(members)))


def repurchase_interval(c, start, end) -> Answer:
    waits, people = [], set()
    for who, days in order_days(c).items():
        for day, following in itertools.pairwise([*days, None]):
            if start - 90 * DAY <= day < end - 90 * DAY:
                people.add(who)
                ended = following is not None and following < end
                waits.append((((following if ended else end - DAY) - day).days, ended))
    left, median = 1.0, None
    for time in sorted({time for time, ended in waits if ended}):
        left *= 1 - sum(t == time and ended for t, ended in waits) / sum(t >= time for t, _ in waits)
        if left <= 0.5 + 1e-12:
            median = time
            break
    return median, sum(ended for _, ended in waits), len(waits), len(people)


def referral_rate(c, start, end) -> Answer:
    people = c["customers"]
    new = people[(people.acquired_at >= start) & (people.acquired_at < end) & people.acquired_channel.notna()]
    return share((new.acquired_channel == "referral").sum(), len(new), len(new))


def loyalty_active_rate(c, start, end) -> Answer:
    base = active = 0
    for _, own in c["members"].groupby("customer_id"):
        if own.enrolled_at.iloc[0] > start or own["at"].min() >= end:
            continue
        base += 1
        inside = own[(own["at"] >= start) & (own["at"] < end)]
        active += inside.event.isin(["earn", "redeem"]).any()
    return share(active, base, base)


def replaced(one: Contract, own: list[Contract], day: pd.Timestamp) -> bool:
    """Whether another contract, begun by that day, has taken the place of this one that was about to end."""
    takers = [other for other in own if one.start < other.start <= min(day, one.end) and other.end > one.end]
    return one.end < FAR and any(one.end - other.start <= GRACE for other in takers)


def amount(rows: list[Contract]) -> float:
    return sum(one.mrr for one in rows if one.mrr == one.mrr)


def in_force(own: list[Contract], day: pd.Timestamp) -> list[Contract]:
    return [one for one in runs(own, day) if not replaced(one, own, day)]


def recurring(c, spans) -> list[tuple[str, float, float]]:
    pairs = []
    for first, following in spans:
        for who, own in contracts(c):
            before = amount(in_force(own, first))
            if before > 0:
                at_end = in_force(own, following) or begun(own, following, following + GRACE)
                pairs.append((who, before, amount(at_end)))
    return pairs


def revenue_churn(c, start, end) -> Answer:
    rows = recurring(c, months_inside(start, end))
    lost = sum(max(before - after, 0.0) for _, before, after in rows)
    return share(lost, sum(before for _, before, _ in rows), len({who for who, _, _ in rows}))


def nrr(c, start, end) -> Answer:
    rows = recurring(c, [(start, end)])
    return share(sum(after for _, _, after in rows), sum(before for _, before, _ in rows), len(rows))


def winback_rate(c, start, end) -> Answer:
    edge, lost, back = end - 90 * DAY, 0, 0
    for _, own in contracts(c):
        earlier = [one for one in own if one.start < edge]
        last = max((one.end for one in earlier), default=FAR)
        if edge - GRACE - 365 * DAY <= last < edge - GRACE:
            lost += 1
            back += any(edge <= one.start < end for one in own)
    return share(back, lost, lost)


def winback_by_orders(c, start, end) -> Answer:
    edge = end - 90 * DAY
    lost = back = 0
    for days in order_days(c).values():
        before = [day for day in days if day < edge]
        if before and edge - 455 * DAY <= before[-1] < edge - 90 * DAY:
            lost += 1
            back += any(edge <= day < end for day in days)
    return share(back, lost, lost)


RECOMPUTED = {
    function.__name__: function
    for function in (
        retention_rate, cohort_retention, repurchase_interval, referral_rate, loyalty_active_rate, revenue_churn, nrr,
        winback_rate,
    )
}  # fmt: skip
