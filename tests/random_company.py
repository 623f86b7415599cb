"""A random company with everything that trips: gaps, ties, edges of periods, foreign money, test accounts.

Not the simulated one, whose truth is known: here nothing is plausible, but every boundary is stepped on.
"""

from datetime import date

import numpy as np
import pandas as pd

AS_OF = date(2025, 12, 31)
EDGES = pd.to_datetime(
    [
        "2025-09-30 23:59:59",
        "2025-10-01",
        "2025-10-31 23:59:59",
        "2025-11-01",
        "2025-12-31 23:59:59",
        "2025-10-03",
        "2025-07-03",
    ],
    format="ISO8601",
)
Frames = dict[str, pd.DataFrame]


def moments(rng: np.random.Generator, size: int, first: str = "2024-01-01", days: int = 731) -> pd.Series:
    """Random seconds, one in eight on the edge of a period."""
    drawn = pd.Timestamp(first) + pd.to_timedelta(rng.integers(0, days * 86400, size), unit="s")
    edges = EDGES[rng.integers(0, len(EDGES), size)]
    return pd.Series(np.where(rng.random(size) < 0.125, edges, drawn))


def sometimes(rng: np.random.Generator, values: pd.Series, share: float) -> pd.Series:
    """The values with a share of them missing."""
    return values.where(rng.random(len(values)) >= share)


def random_company(seed: int, *, customers: int = 240, rows: int = 1500) -> Frames:
    """Frames of the tables that today's indicators read, customer numbers shuffled."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"k{n:04d}" for n in rng.permutation(customers)])

    def who(size: int) -> np.ndarray:
        # a few customers have most of the rows
        return ids[np.minimum((rng.pareto(1.2, size) * customers / 12).astype(int), customers - 1)]

    def words(size: int, *choices: str | None) -> pd.Series:
        return pd.Series(rng.choice(np.array(choices, dtype=object), size))

    people = pd.DataFrame(
        {
            "customer_id": ids,
            "region": words(customers, "north", "south", "east", None),
            "customer_type": words(customers, "consumer", "business"),
            "acquired_at": sometimes(rng, moments(rng, customers).dt.normalize(), 0.05),
            "acquired_channel": words(customers, "search", "social", "referral", None),
            "is_test": rng.random(customers) < 0.04,
        }
    )
    orders = pd.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(rows)],
            "customer_id": who(rows),
            "ordered_at": moments(rng, rows),
            "status": words(rows, "completed", "completed", "completed", None, "cancelled", "returned"),
            "net_amount": np.round(rng.lognormal(4, 1.3, rows), 2),
            "currency": words(rows, "CNY", "CNY", None, "USD"),
            "channel": words(rows, "web", "app", None),
        }
    )
    orders["refund_amount"] = sometimes(rng, (orders.net_amount * rng.uniform(0, 1.2, rows)).round(2), 0.85)
    half = rows // 2
    subscriptions = pd.DataFrame(
        {
            "subscription_id": [f"s{n}" for n in range(half)],
            "customer_id": who(half),
            "plan": words(half, "plus", "pro", None),
            "started_at": moments(rng, half, "2024-06-01", 600).dt.normalize(),
        }
    )
    length = rng.choice([1, 15, 29, 30, 31, 60, 92, 200, 500], half)
    ends = subscriptions.started_at + pd.to_timedelta(length, unit="D")
    firsts = rng.random(half) < 0.3
    ends = ends.where(~firsts, ends + pd.offsets.MonthBegin(1))
    subscriptions["ended_at"] = sometimes(rng, ends, 0.3)
    items = pd.DataFrame(
        [
            ("rec", "nps", 0, 10), ("rec2", "nps", 0, 10), ("sat", "csat", 1, 5), ("sat10", "csat", 1, 10), ("ease", "ces", 1, 7),
        ],
        columns=["item_id", "metric", "scale_min", "scale_max"],
    )  # fmt: skip
    answers = pd.DataFrame(
        {
            "response_id": [f"r{n}" for n in range(rows)],
            "customer_id": who(rows),
            "item_id": rng.choice(items.item_id, rows),
            "answered_at": moments(rng, rows, "2025-06-01", 213),
            "value": rng.integers(0, 12, rows).astype(float),
            "weight": sometimes(rng, pd.Series(rng.choice([0.5, 1.0, 2.0, 3.0], rows)), 0.5),
        }
    )
    tickets = pd.DataFrame(
        {
            "ticket_id": [f"t{n}" for n in range(half)],
            "customer_id": who(half),
            "created_at": moments(rng, half, "2025-05-01", 244),
            "type": words(half, "complaint", "question", "spam", None),
            "channel": words(half, "mail", "phone", None),
            "priority": words(half, "high", "low"),
        }
    )
    waited = pd.to_timedelta(rng.lognormal(10, 2, half).round(), unit="s")
    tickets["first_response_at"] = sometimes(rng, tickets.created_at + waited, 0.2)
    tickets["resolved_at"] = sometimes(rng, tickets.created_at + 3 * waited, 0.3)
    tickets["closed_at"] = sometimes(rng, tickets.created_at + 4 * waited, 0.5)
    interactions = pd.DataFrame(
        {
            "interaction_id": [f"i{n}" for n in range(rows)],
            "customer_id": who(rows),
            "at": moments(rng, rows, "2025-05-01", 244),
            "direction": words(rows, "inbound", "outbound", "two_way", None),
            "type": words(rows, "call", "email", "bulk", "auto", None),
        }
    )
    invites = pd.DataFrame(
        {
            "invite_id": [f"n{n}" for n in range(half)],
            "customer_id": who(half),
            "sent_at": moments(rng, half, "2025-05-01", 244),
            "delivered": words(half, "true", "true", "false", None),
        }
    )
    answered = invites.sent_at + pd.to_timedelta(rng.integers(0, 40 * 86400, half), unit="s")
    invites["responded_at"] = sometimes(rng, answered, 0.6)
    leads = pd.DataFrame(
        {
            "lead_id": [f"l{n}" for n in range(half)],
            "created_at": moments(rng, half, "2025-01-01", 365),
            "source": words(half, "search", "social", None),
            "status": words(half, "open", "converted", "spam", "duplicate", None),
        }
    )
    delay = pd.to_timedelta(rng.choice([1, 20, 89, 90, 91, 150], half), unit="D")
    leads["converted_at"] = sometimes(rng, leads.created_at + delay, 0.5)
    spend = pd.DataFrame(
        {
            "period": moments(rng, 120, "2025-05-01", 244).dt.normalize(),
            "category": words(120, "acquisition", "acquisition", "retention", "service"),
            "channel": words(120, "search", "social", "referral", None),
            "amount": np.round(rng.normal(500, 300, 120), 2),
            "currency": words(120, "CNY", None, "USD"),
        }
    )
    rates = pd.DataFrame(
        {
            "date": pd.to_datetime(["2020-01-01", "2024-07-01", "2025-10-01", "2025-11-01"]),
            "currency": "USD",
            "rate": [7.0, 7.25, 7.5, 6.5],
        }
    )
    invoices = pd.DataFrame(
        {
            "invoice_id": [f"v{n}" for n in range(half)],
            "customer_id": who(half),
            "issued_at": moments(rng, half, "2025-01-01", 365).dt.normalize(),
            "amount": np.round(rng.lognormal(5, 1, half), 2),
            "currency": words(half, "CNY", "USD", None),
        }
    )
    invoices["due_at"] = invoices.issued_at + pd.to_timedelta(rng.choice([0, 14, 30, 60], half), unit="D")
    gone = invoices.issued_at + pd.to_timedelta(rng.integers(0, 200, half), unit="D")
    invoices["written_off_at"] = sometimes(rng, gone, 0.9)
    partly = (invoices.amount * rng.uniform(0, 1, half)).round(2)
    invoices["written_off_amount"] = sometimes(rng, partly.where(invoices.written_off_at.notna()), 0.4)
    paying = rng.integers(0, half, rows)
    payments = pd.DataFrame(
        {
            "payment_id": [f"p{n}" for n in range(rows)],
            "invoice_id": invoices.invoice_id.to_numpy()[paying],
            "customer_id": invoices.customer_id.to_numpy()[paying],
            "paid_at": invoices.issued_at.to_numpy()[paying] + pd.to_timedelta(rng.integers(0, 120, rows), unit="D"),
            "amount": np.round(invoices.amount.to_numpy()[paying] * rng.choice([0.3, 0.5, 1.0, -0.1], rows), 2),
        }
    )
    return {
        "customers": people, "orders": orders, "subscriptions": subscriptions, "survey_items": items,
        "survey_answers": answers, "survey_invites": invites, "tickets": tickets, "interactions": interactions,
        "leads": leads, "spend": spend, "fx_rates": rates, "invoices": invoices, "payments": payments,
    }  # fmt: skip
