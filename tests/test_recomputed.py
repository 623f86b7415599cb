"""Every indicator recomputed in plain pandas on random companies, sharing no code with the package."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_company import AS_OF, Frames, random_company
from recomputed import RECOMPUTED as FURTHER
from recomputed import all_tables

import crmtools as crm
from crmtools import CATALOGUE, Period
from crmtools.tables import TABLES

END = pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
DAY = pd.Timedelta(days=1)
MONTH = 30.4375
Answer = tuple[float | None, float, float, int]
"""Value, numerator, denominator, number of sampled units."""


# ---- the data as the door should leave them, made again by hand


def cleaned(frames: Frames) -> Frames:
    tests = set(frames["customers"].loc[frames["customers"].is_test, "customer_id"])
    made = {
        name: frame[~frame.customer_id.isin(tests)].copy() if "customer_id" in frame else frame.copy()
        for name, frame in frames.items()
    }
    rates = frames["fx_rates"].sort_values("date")

    def rate(currency: object, day: pd.Timestamp) -> float:
        if currency != "USD":
            return 1.0
        return float(rates.loc[rates.date <= day, "rate"].iloc[-1])

    for name, table in made.items():
        spec = TABLES[name]
        if "currency" in table and spec.time and name != "fx_rates":
            factor = [rate(c, t.normalize()) for c, t in zip(table.currency, table[spec.time], strict=True)]
            for column in spec.columns:
                if column.type == "money" and column.name in table:
                    table[column.name] = table[column.name] * factor
        if spec.time in table and name != "fx_rates":
            made[name] = table = table[~(table[spec.time] >= END)].copy()
        for column in spec.columns:
            if column.later and column.name in table:
                table[column.name] = table[column.name].where(~(table[column.name] >= END))
    for name, table in made.items():  # what hangs on a row that is not there is not there either
        for column in TABLES[name].columns:
            if column.refers in made and column.required and column.name in table and column.name != "customer_id":
                there = made[column.refers][TABLES[column.refers].key[0]]
                made[name] = table = table[table[column.name].isin(there)].copy()
    return made


def within(times: pd.Series, start: pd.Timestamp, end: pd.Timestamp) -> pd.Series:
    return (times >= start) & (times < end)


def share(numerator: float, denominator: float, n: int, scale: float = 1.0) -> Answer:
    return (scale * numerator / denominator if denominator else None, scale * numerator, denominator, n)


def completed(c: Frames) -> pd.DataFrame:
    orders = c["orders"]
    return orders[orders.status.isna() | (orders.status == "completed")]


# ---- the indicators


def last_answers(c: Frames, start, end, metric: str, top: float) -> pd.DataFrame:
    items = c["survey_items"].query("metric == @metric and scale_max == @top")
    if metric == "nps":
        items = items.query("scale_min == 0")
    answers = c["survey_answers"].merge(items[["item_id", "scale_min", "scale_max"]], on="item_id")
    answers = answers[within(answers.answered_at, start, end)].sort_values(["answered_at", "value"])
    answers = answers[(answers.value >= answers.scale_min) & (answers.value <= answers.scale_max)]
    last = answers.drop_duplicates(["customer_id", "item_id"], keep="last")
    return last.assign(weight=last.weight.fillna(1.0))


def csat_mean(c, start, end) -> Answer:
    a = last_answers(c, start, end, "csat", 5)
    return share((a.value * a.weight).sum(), a.weight.sum(), a.customer_id.nunique())


def csat_top2(c, start, end) -> Answer:
    a = last_answers(c, start, end, "csat", 5)
    return share(a.weight[a.value >= 4].sum(), a.weight.sum(), a.customer_id.nunique())


def nps(c, start, end) -> Answer:
    a = last_answers(c, start, end, "nps", 10)
    net = a.weight[a.value >= 9].sum() - a.weight[a.value <= 6].sum()
    return share(net, a.weight.sum(), a.customer_id.nunique(), 100)


def repeat_purchase_rate(c, start, end) -> Answer:
    won = again = 0
    for _, days in completed(c).assign(day=lambda o: o.ordered_at.dt.normalize()).groupby("customer_id").day:
        first = days.min()
        if start - 90 * DAY <= first < end - 90 * DAY:
            won += 1
            again += ((days > first) & (days <= first + 90 * DAY)).any()
    return share(again, won, won)


def churn_rate(c, start, end) -> Answer:
    firsts = pd.date_range(start.replace(day=1), end, freq="MS")
    lost, held, people = 0, 0, set()
    for first, following in itertools.pairwise(firsts):
        for customer, own in c["subscriptions"].groupby("customer_id"):
            runs_after = {day: own.ended_at.isna() | (own.ended_at >= day) for day in (first, following)}
            if not ((own.started_at <= first) & runs_after[first]).any():
                continue
            held += 1
            people.add(customer)
            stays = ((own.started_at <= following) & runs_after[following]).any()
            returns = ((own.started_at > following) & (own.started_at <= following + 30 * DAY)).any()
            lost += not stays and not returns
    return share(lost, held, len(people))


def inactivity_rate(c, start, end) -> Answer:
    edge, orders = end - 90 * DAY, completed(c)
    base = set(orders.customer_id[within(orders.ordered_at, edge - 365 * DAY, edge)])
    active = set(orders.customer_id[within(orders.ordered_at, edge, end)])
    return share(len(base - active), len(base), len(base))


def revenue_per_customer(c, start, end) -> Answer:
    orders = completed(c)
    orders = orders[within(orders.ordered_at, start, end)]
    net = (orders.net_amount - orders.refund_amount.fillna(0)).sum()
    return share(net, orders.customer_id.nunique(), orders.customer_id.nunique())


def cac(c, start, end) -> Answer:
    spend = c["spend"].query("category == 'acquisition'")
    first = start - pd.DateOffset(months=1)
    last = end - pd.DateOffset(months=1) if start.day == end.day == 1 else first + (end - start)
    paid = spend.amount[within(spend.period, first, last)].sum()
    won = within(c["customers"].acquired_at, start, end).sum()
    return share(paid, won, won)


def lead_conversion_rate(c, start, end) -> Answer:
    leads = c["leads"][within(c["leads"].created_at, start - 90 * DAY, end - 90 * DAY)]
    leads = leads[~leads.status.isin(["spam", "duplicate"])]
    won = (leads.converted_at - leads.created_at <= 90 * DAY).sum()
    return share(won, len(leads), len(leads))


def first_response_time(c, start, end) -> Answer:
    tickets = c["tickets"][within(c["tickets"].created_at, start, end)]
    tickets = tickets[tickets.type != "spam"]
    hours = (
        tickets.first_response_at.where(tickets.first_response_at.notna(), END) - tickets.created_at
    ).dt.total_seconds() / 3600
    ended, left, median = tickets.first_response_at.notna(), 1.0, None
    for time in np.sort(hours[ended].unique()):
        left *= 1 - ((hours == time) & ended).sum() / (hours >= time).sum()
        if left <= 0.5 + 1e-12:
            median = time
            break
    return median, ended.sum(), len(tickets), tickets.customer_id.nunique()


def customer_months(c, start, end) -> pd.Series:
    people = c["customers"].dropna(subset=["acquired_at"]).set_index("customer_id").acquired_at
    people = people[people < end]
    # who bought or was won within 365 days before the end or in the period, or was subscribed on one of its days
    since, orders, held = min(start, end - 365 * DAY), completed(c), c["subscriptions"]
    active = set(orders.customer_id[within(orders.ordered_at, since, end)]) | set(people.index[people >= since])
    active |= set(held.customer_id[(held.started_at < end) & ~(held.ended_at < start)])
    people = people[people.index.isin(active)]
    return (end - people.clip(lower=start)).dt.days / MONTH


def events_per_month(rows: pd.DataFrame, months: pd.Series, per: float) -> Answer:
    events = rows.customer_id.isin(months.index).sum()
    return share(events, months.sum(), len(months), per)


def complaint_rate(c, start, end) -> Answer:
    tickets = c["tickets"][within(c["tickets"].created_at, start, end) & (c["tickets"].type == "complaint")]
    return events_per_month(tickets, customer_months(c, start, end), 100)


def interaction_frequency(c, start, end) -> Answer:
    rows = c["interactions"]
    rows = rows[within(rows["at"], start, end) & rows.direction.isin(["inbound", "two_way"])]
    return events_per_month(rows[~rows.type.isin(["bulk", "auto"])], customer_months(c, start, end), 1)


def backlog(c, start, end) -> Answer:
    tickets = c["tickets"]
    done = tickets.resolved_at.fillna(tickets.closed_at)
    still = tickets[(tickets.created_at < end) & ~(done < end) & (tickets.type != "spam")]
    return len(still), len(still), np.nan, still.customer_id.nunique()


def survey_response_rate(c, start, end) -> Answer:
    invites = c["survey_invites"]
    invites = invites[within(invites.sent_at, start, end) & (invites.delivered != "false")]
    return share(invites.responded_at.notna().sum(), len(invites), invites.customer_id.nunique())


def overdue_ratio(c, start, end) -> Answer:
    left = late = 0.0
    people = set()
    received = c["payments"][c["payments"].paid_at < end].groupby("invoice_id").amount.sum()
    for row in c["invoices"][c["invoices"].issued_at < end].itertuples():
        open_amount = row.amount - received.get(row.invoice_id, 0.0)
        if row.written_off_at < end:
            open_amount -= row.amount if pd.isna(row.written_off_amount) else row.written_off_amount
        if open_amount > 0.005:
            people.add(row.customer_id)
            left += open_amount
            late += open_amount * (row.due_at < end)
    return share(late, left, len(people))


RECOMPUTED = {
    function.__name__: function
    for function in (
        csat_mean, csat_top2, nps, repeat_purchase_rate, churn_rate, inactivity_rate, revenue_per_customer, cac,
        lead_conversion_rate, first_response_time, complaint_rate, interaction_frequency, backlog,
        survey_response_rate, overdue_ratio,
    )
} | FURTHER  # fmt: skip
SEEDS = (1, pytest.param(2, marks=pytest.mark.slow))


@pytest.fixture(scope="module", params=SEEDS)
def company(request) -> tuple[crm.Data, Frames]:
    frames = all_tables(random_company(request.param), request.param)
    return crm.open(**frames, as_of=AS_OF), cleaned(frames)


@pytest.mark.in_turns
@pytest.mark.parametrize("period", ["2025-Q4", "2025-10", "2025-09", "2025-08-10..2025-11-02"])
@pytest.mark.parametrize("name", CATALOGUE)
def test_indicator_recomputed_in_pandas(company, name, period) -> None:
    if name not in RECOMPUTED:
        pytest.skip("not recomputed here")
    if name == "churn_rate" and ".." in period:
        pytest.skip("months are cut out of whole months only")
    data, clean = company
    span = Period.parse(period)
    value, numerator, denominator, n = RECOMPUTED[name](clean, pd.Timestamp(span.start), pd.Timestamp(span.end))
    found = crm.measure(name, data, period=span)
    assert found.value == pytest.approx(value, rel=1e-9)
    assert found.numerator == (None if numerator is None else pytest.approx(numerator, rel=1e-9, abs=1e-9))
    if not np.isnan(denominator):
        assert found.denominator == pytest.approx(denominator, rel=1e-9)
    assert found.n == n
    assert found.as_of == AS_OF


def test_no_recomputation_of_what_is_gone() -> None:
    assert set(RECOMPUTED) <= set(CATALOGUE)


# ---- small random tables


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(
    answers=st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 10), st.integers(0, 40)), min_size=0, max_size=12
    )
)
def test_score_of_a_few_answers(answers) -> None:
    """Two answers of one customer at one moment are settled in favour of the higher one."""
    frame = pd.DataFrame(answers, columns=["customer_id", "value", "day"]).assign(item_id="q")
    frame["answered_at"] = pd.Timestamp("2025-11-25") + pd.to_timedelta(frame.day, unit="D")
    frame["response_id"] = [f"r{n}" for n in range(len(frame))]
    items = pd.DataFrame([{"item_id": "q", "metric": "nps", "scale_min": 0, "scale_max": 10}])
    data = crm.open(survey_answers=frame.drop(columns="day"), survey_items=items, as_of=AS_OF)
    counted = {}
    for customer, value, day in sorted(answers, key=lambda a: (a[2], a[1])):
        if 6 <= day <= 36:
            counted[customer] = value
    signs = [(value >= 9) - (value <= 6) for value in counted.values()]
    found = crm.measure("nps", data, period="2025-12")
    assert found.value == (pytest.approx(100 * sum(signs) / len(signs)) if signs else None)
    assert found.n == len(signs)
    within_period = [a for a in answers if 6 <= a[2] <= 36]
    assert dict(found.excluded).get("earlier_answer", 0) == len(within_period) - len(counted)
