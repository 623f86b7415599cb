"""What customers are worth and what winning them takes, by loops over a random company."""

import numpy as np
import pandas as pd

Frames = dict[str, pd.DataFrame]
Answer = tuple[float | None, float, float, int]
DAY = pd.Timedelta(days=1)
STAGES = ["qualified", "proposal", "negotiation", "won", "lost"]


# ---- the tables that the random company lacks


def draw(frames: Frames, rng: np.random.Generator) -> Frames:
    """Orders with a cost of goods, some missing; usage, opportunities and their stages, campaigns and responses."""
    ids, start = frames["customers"].customer_id.to_numpy(), pd.Timestamp("2025-01-01")

    def times(size: int, first: str, days: int) -> pd.Series:
        drawn = pd.Timestamp(first) + pd.to_timedelta(rng.integers(0, days * 86400, size), unit="s")
        return pd.Series(np.where(rng.random(size) < 0.4, drawn.normalize(), drawn))

    def gone(values: pd.Series, share: float) -> pd.Series:
        return values.mask(rng.random(len(values)) < share)

    orders = frames["orders"].copy()
    orders["cogs"] = gone((orders.net_amount * rng.uniform(0.2, 1.3, len(orders))).round(2), 0.25)
    tickets = frames["tickets"].copy()
    tickets["handle_minutes"] = gone(pd.Series(rng.choice([0.0, 5.0, 40.0], len(tickets))), 0.2)

    seats = pd.MultiIndex.from_product([ids[:90], range(380)]).to_frame(index=False, name=["customer_id", "n"])
    usage = seats[rng.random(len(seats)) < 0.25].reset_index(drop=True)
    usage["date"] = start + pd.to_timedelta(usage.pop("n"), unit="D")
    usage["active_users"] = gone(pd.Series(rng.integers(0, 7, len(usage))).astype("Int64"), 0.1)
    usage["entitled"] = gone(pd.Series(rng.integers(0, 6, len(usage))).astype("Int64"), 0.1)

    size = 500
    opportunities = pd.DataFrame(
        {
            "opportunity_id": [f"p{n}" for n in range(size)],
            "customer_id": pd.Series(rng.choice(ids, size)).mask(rng.random(size) < 0.3),
            "created_at": times(size, "2024-08-01", 530),
            "source": rng.choice(np.array(["search", "social", None], dtype=object), size),
        }
    )
    length = pd.to_timedelta(rng.choice([0, 1, 30, 90, 120, 200], size), unit="D")
    opportunities["closed_at"] = gone(opportunities.created_at + length, 0.15)
    opportunities["is_won"] = pd.Series(
        rng.choice(np.array([True, False, None], dtype=object), size, p=[0.75, 0.2, 0.05])
    )
    opportunities["is_won"] = opportunities.is_won.astype("boolean")
    entries = []
    for deal in opportunities.itertuples():
        for _ in range(rng.integers(0, 6)):
            lag = pd.to_timedelta(rng.choice([0, 0, 3, 40, 89, 90, 91, 150]), unit="D")
            moment = deal.closed_at if rng.random() < 0.3 and pd.notna(deal.closed_at) else deal.created_at + lag
            # no two at one moment, so that which was first is no question; days are shared
            entries.append((deal.opportunity_id, rng.choice(STAGES), moment + pd.Timedelta(seconds=len(entries) % 59)))
    history = pd.DataFrame(entries, columns=["opportunity_id", "stage", "entered_at"])
    history = history.drop_duplicates(["opportunity_id", "entered_at"])

    campaigns = pd.DataFrame({"campaign_id": [f"m{n}" for n in range(60)], "started_at": times(60, "2025-05-01", 240)})
    campaigns["started_at"] = campaigns.started_at.dt.normalize()
    campaigns["type"] = rng.choice(np.array(["email", "event", None], dtype=object), 60)
    campaigns["actual_cost"] = gone(
        pd.Series(rng.choice([0.0, 900.0, 4000.0, 7000.0], 60, p=[0.1, 0.3, 0.3, 0.3])), 0.2
    )
    campaigns["currency"] = rng.choice(np.array(["CNY", "USD", None], dtype=object), 60)
    pairs = pd.MultiIndex.from_product([campaigns.campaign_id[:54], ids]).to_frame(
        index=False, name=["campaign_id", "customer_id"]
    )
    responses = pairs[rng.random(len(pairs)) < 0.2].merge(campaigns[["campaign_id", "started_at"]], on="campaign_id")
    late = pd.to_timedelta(rng.choice([-2, 0, 5, 29, 30, 31, 61], len(responses)), unit="D")
    responses["group"] = rng.choice(["contacted", "contacted", "holdout"], len(responses))
    contacted = responses.pop("started_at") + late
    responses["contacted_at"] = gone(contacted, 0.2)
    # a second apart from one another, again so that the order is no question
    wait = pd.to_timedelta(rng.integers(0, 30, len(responses)) * 86400 + np.arange(len(responses)) % 86399, unit="s")
    responses["responded_at"] = gone(contacted + wait, 0.4)
    return {
        "orders": orders, "tickets": tickets, "usage": usage, "opportunities": opportunities, "stage_history": history,
        "campaigns": campaigns, "campaign_responses": responses,
    }  # fmt: skip


# ---- the indicators


def _in(times: pd.Series, start: pd.Timestamp, end: pd.Timestamp) -> pd.Series:
    return (times >= start) & (times < end)


def _orders(c: Frames) -> pd.DataFrame:
    """Completed orders with what they brought and left; the goods cost 60 % where nobody knows."""
    orders = c["orders"]
    orders = orders[orders.status.isna() | (orders.status == "completed")].copy()
    orders["net"] = orders.net_amount - orders.refund_amount.fillna(0)
    orders["left"] = orders.net - orders.cogs.where(orders.cogs.notna(), 0.6 * orders.net)
    orders["day"] = orders.ordered_at.dt.normalize()
    return orders


def _answer(numerator: float, denominator: float, n: int) -> Answer:
    return (numerator / denominator if denominator else None, numerator, denominator, n)


def aov(c, start, end) -> Answer:
    orders = _orders(c)
    orders = orders[_in(orders.ordered_at, start, end)]
    return _answer(orders.net.sum(), len(orders), orders.customer_id.nunique())


def purchase_frequency(c, start, end) -> Answer:
    acquired = c["customers"].set_index("customer_id").acquired_at
    times, years, people = 0, 0.0, 0
    for who, own in _orders(c).groupby("customer_id"):
        days = sorted(set(own.day))
        if not any(end - 365 * DAY <= day < end for day in days):
            continue
        since = min(days[0], acquired[who]) if pd.notna(acquired.get(who)) else days[0]
        people += 1
        years += (end - max(since, start)) / DAY / 365.25
        times += sum(start <= day < end for day in days)
    return _answer(times, years, people)


def usage_rate(c, start, end) -> Answer:
    active = seats = 0
    people = set()
    for row in c["usage"].itertuples():
        if end - 28 * DAY <= row.date < end and pd.notna(row.entitled) and row.entitled and pd.notna(row.active_users):
            active += min(row.active_users, row.entitled)
            seats += row.entitled
            people.add(row.customer_id)
    return _answer(float(active), float(seats), len(people))


def customer_margin(c, start, end) -> Answer:
    orders, spend = _orders(c), c["spend"]
    orders = orders[_in(orders.ordered_at, start, end)]
    spent = spend.amount[spend.category.isin(["service", "retention"]) & _in(spend.period, start, end)].sum()
    buyers = orders.customer_id.nunique()
    return _answer(orders.left.sum() - spent, buyers, buyers)


def clv_historic(c, start, end) -> Answer:
    year, total, people = pd.DateOffset(months=12), 0.0, 0
    for _, own in _orders(c).groupby("customer_id"):
        first = own.day.min()
        if start - year <= first < end - year:
            people += 1
            total += own.left[own.day < first + year].sum()
    return _answer(total, people, people)


def revenue_concentration(c, start, end) -> Answer:
    orders = _orders(c)
    orders = orders[_in(orders.ordered_at, start, end)]
    net = np.maximum(orders.groupby("customer_id").net.sum().to_numpy(), 0.0)
    # the Lorenz curve, straight between customers, read at a tenth from the top
    curve = np.concatenate([[0.0], np.cumsum(np.sort(net)[::-1])])
    return _answer(np.interp(len(net) / 10, np.arange(len(net) + 1), curve), net.sum(), len(net))


def stage_conversion_rate(c, start, end) -> Answer:
    deals = c["opportunities"].set_index("opportunity_id")
    window, passed, entered, people = 90 * DAY, 0, 0, set()
    for name, own in c["stage_history"].groupby("opportunity_id"):
        closed, won = deals.closed_at[name], deals.is_won[name]
        won = pd.notna(won) and bool(won)
        firsts: dict[str, pd.Timestamp] = {}
        for row in own.sort_values("entered_at").itertuples():
            same_day = own.entered_at[own.entered_at.dt.date == row.entered_at.date()]
            after = pd.notna(closed) and row.entered_at.date() >= closed.date()
            if not (after and row.entered_at == same_day.max()):
                firsts.setdefault(row.stage, row.entered_at)
        for at in firsts.values():
            if start - window <= at < end - window:
                entered += 1
                people.add(name)
                onward = any(at < other <= at + window for other in firsts.values())
                passed += onward or (won and pd.notna(closed) and closed <= at + window)
    return _answer(passed, entered, len(people))


def sales_cycle(c, start, end) -> Answer:
    deals = c["opportunities"]
    deals = deals[_in(deals.created_at, end - 365 * DAY, end)]
    closed = deals.closed_at.where(deals.closed_at < end)
    won = closed.notna() & deals.is_won.fillna(False).astype(bool)
    days = (closed.fillna(end) - deals.created_at).dt.total_seconds() / 86400
    left, median = 1.0, None
    for day in np.sort(days[won].unique()):
        left *= 1 - ((days == day) & won).sum() / (days >= day).sum()
        if left <= 0.5 + 1e-12:
            median = day
            break
    return median, won.sum(), len(deals), len(deals)


def campaign_roi(c, start, end) -> Answer:
    window = 30 * DAY
    listed = c["campaign_responses"].query("group == 'contacted'").merge(c["campaigns"], on="campaign_id")
    listed = listed[~(listed.contacted_at > listed.started_at + window)]
    answered = listed[listed.responded_at <= listed.started_at + window]
    brought: dict[str, float] = {}
    for order in _orders(c).itertuples():
        before = answered[(answered.customer_id == order.customer_id) & (answered.responded_at <= order.ordered_at)]
        if len(before):
            last = before.loc[before.responded_at.idxmax()]
            if order.ordered_at <= last.responded_at + window:
                brought[last.campaign_id] = brought.get(last.campaign_id, 0.0) + order.left
    cost = margin = 0.0
    people: set[str] = set()
    for row in c["campaigns"].itertuples():
        own = listed[listed.campaign_id == row.campaign_id]
        if start - 2 * window <= row.started_at < end - 2 * window and row.actual_cost > 0 and len(own):
            cost += row.actual_cost
            margin += brought.get(row.campaign_id, 0.0)
            people |= set(own.customer_id)
    return _answer(margin - cost, cost, len(people))


RECOMPUTED = {
    function.__name__: function
    for function in (
        aov, purchase_frequency, usage_rate, customer_margin, clv_historic, revenue_concentration,
        stage_conversion_rate, sales_cycle, campaign_roi,
    )
}  # fmt: skip
