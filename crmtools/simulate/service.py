"""Tickets, interactions and the rating of tickets by experts."""

import numpy as np
import pandas as pd

from crmtools.simulate.company import DAYS_IN_MONTH, TICKET_CHANNELS, Company
from crmtools.simulate.people import People
from crmtools.simulate.world import World, named, pick, poisson_times, thin

TYPES = ("complaint", "question", "incident", "request", "spam")
TOPICS = ("delivery", "quality", "price", "login", "invoice", "other")
CRITERIA = ("speed", "attitude", "expertise")
KINDS = ("call", "visit", "meeting", "email", "message", "bulk", "auto")
DIRECTIONS = ("inbound", "outbound", "two_way")


def complaint_rate_per_day(company: Company, region: np.ndarray) -> np.ndarray:
    """Complaints per customer and day on 2025-01-01, by region, averaged over moods."""
    return company.complaints_per_month / DAYS_IN_MONTH * np.asarray(company.complaints_by_region)[region]


def _changing(
    random: np.random.Generator, world: World, rate: np.ndarray, since: np.ndarray, growth: float
) -> tuple[np.ndarray, np.ndarray]:
    """Poisson events whose rate changes by exp(growth) a year, level on 2025-01-01."""
    first, last = np.exp(growth * world.years_since_2025(np.array([0.0, world.days])))
    peak = max(first, last)
    whose, t = poisson_times(random, rate * peak, since, world.days)
    return thin(random, whose, t, np.exp(growth * world.years_since_2025(t)) / peak)


def tickets_table(world: World, everyone: People) -> pd.DataFrame:
    """The table ``tickets`` in order of time; what lies after the span is still open."""
    company, random, size = world.company, world.random("tickets"), len(everyone)
    mood = np.exp(company.complaints_by_mood * everyone.mood - company.complaints_by_mood**2 / 2)
    shape = company.complaints_shape
    rate = complaint_rate_per_day(company, everyone.region) * mood * random.gamma(shape, 1 / shape, size)
    complaints = _changing(random, world, rate, everyone.t, company.complaints_growth_per_year)
    if company.better_product_regions:
        whose, when = complaints
        better = world.told(company.better_product_regions, everyone.region[whose], company.better_product_from, when)
        keep = np.where(better, company.better_product_complaint_ratio, 1.0)
        complaints = thin(world.random("better product"), whose, when, keep)
    shape = company.tickets_shape
    rate = company.tickets_per_month / DAYS_IN_MONTH * random.gamma(shape, 1 / shape, size)
    others = poisson_times(random, rate, everyone.t, world.days)
    spam = poisson_times(random, rate * company.spam_share, everyone.t, world.days)
    customer = np.concatenate([complaints[0], others[0], spam[0]])
    t = np.concatenate([complaints[1], others[1], spam[1]])
    kind = np.concatenate([
        np.zeros(len(complaints[0]), dtype=int), 1 + pick(random, (0.5, 0.25, 0.25), len(others[0])),
        np.full(len(spam[0]), 4),
    ])  # fmt: skip
    order = np.argsort(t, kind="stable")
    customer, t, kind = customer[order], t[order], kind[order]
    return _handled(world, random, everyone, customer, t, kind)


def response_hours(world: World, region: np.ndarray, channel: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Median hours to the first response of tickets opened at ``t``."""
    company = world.company
    median = company.response_median_hours * np.asarray(company.response_by_channel)[channel]
    median = median * np.exp(company.response_growth_per_year * world.years_since_2025(t))
    faster = world.told(company.faster_response_regions, region, company.faster_response_from, t)
    return np.where(faster, median * company.faster_response_time_ratio, median)


def _handled(
    world: World,
    random: np.random.Generator,
    everyone: People,
    customer: np.ndarray,
    t: np.ndarray,
    kind: np.ndarray,
) -> pd.DataFrame:
    """What became of tickets opened at ``t``: answers, solutions, closures."""
    company, size = world.company, len(t)
    spam = kind == 4
    channel = pick(random, company.ticket_channels, size)
    patience = company.response_customer_sigma * random.standard_normal(len(everyone))
    hours = response_hours(world, everyone.region[customer], channel, t) * np.exp(
        patience[customer] + company.response_sigma * random.standard_normal(size)
    )
    hours = np.where(random.random(size) < company.never_answered_share, np.nan, hours)
    work = company.resolution_median_hours * np.exp(company.resolution_sigma * random.standard_normal(size))
    work = np.where(random.random(size) < company.never_resolved_share, np.nan, work)
    hours, work = np.where(spam, 1 / 60, hours), np.where(spam, 0.0, work)
    closing = np.where(spam, 0.0, random.exponential(24.0, size))
    created = world.moment_of(t)
    first, resolved = world.after(created, hours), world.after(created, hours + work)
    closed = world.after(created, hours + work + closing)
    priority = np.where(kind == 0, 2, pick(random, (0.3, 0.6, 0.1), size))
    promised = np.array([96, 48, 24])[priority]
    agent = np.where(np.isnat(first), -1, random.integers(20, 44, size))
    handled = np.round(np.exp(np.log(22.0) + 0.7 * random.standard_normal(size)), 1)
    return pd.DataFrame(
        {
            "ticket_id": np.arange(size),
            "customer_id": customer,
            "created_at": created,
            "first_response_at": first,
            "resolved_at": resolved,
            "closed_at": closed,
            "due_at": np.where(spam, np.datetime64("NaT", "s"), created + promised.astype("timedelta64[h]")),
            "status": named(
                np.where(~np.isnat(closed), 2, np.where(np.isnat(resolved), 0, 1)),
                ["open", "resolved", "closed"],
            ),
            "type": named(kind, TYPES),
            "category": named(np.where(spam, -1, pick(random, (0.25, 0.2, 0.12, 0.13, 0.15, 0.15), size)), TOPICS),
            "priority": named(priority, ["low", "normal", "high"]),
            "channel": named(channel, TICKET_CHANNELS),
            "agent_id": agent,
            "reopened_count": np.where(np.isnat(resolved) | spam, 0, random.poisson(0.06, size)),
            "escalated": (random.random(size) < np.where(kind == 0, 0.12, 0.03)) & ~spam,
            "handle_minutes": np.where(np.isnat(first), np.nan, np.where(spam, 0.5, handled)),
        }
    )


def interactions_table(world: World, everyone: People) -> pd.DataFrame:
    """The table ``interactions`` in order of time: contacts that count, and mail that does not."""
    company, random, size = world.company, world.random("interactions"), len(everyone)
    shape = company.contacts_shape
    lively = random.gamma(shape, 1 / shape, size) / DAYS_IN_MONTH
    contacts = _changing(
        random, world, company.contacts_per_month * lively, everyone.t, company.contacts_growth_per_year
    )
    outgoing = poisson_times(random, company.outgoing_per_month * lively, everyone.t, world.days)
    flat = np.full(size, 1 / DAYS_IN_MONTH)
    bulk = poisson_times(random, company.bulk_per_month * flat, everyone.t, world.days)
    automatic = poisson_times(random, company.automatic_per_month * flat, everyone.t, world.days)
    parts = (contacts, outgoing, bulk, automatic)
    counts = [len(part[0]) for part in parts]
    customer, t = (np.concatenate(column) for column in zip(*parts, strict=True))
    kind = np.concatenate([
        pick(random, (0.36, 0.04, 0.08, 0.30, 0.22), counts[0]),
        pick(random, (0.3, 0.05, 0.0, 0.55, 0.1), counts[1]),
        np.full(counts[2], 5), np.full(counts[3], 6),
    ])  # fmt: skip
    direction = np.concatenate([
        np.where(random.random(counts[0]) < 0.6, 0, 2), np.full(counts[1] + counts[2], 1), np.zeros(counts[3])
    ]).astype(int)  # fmt: skip
    order = np.argsort(t, kind="stable")
    customer, t, kind, direction = customer[order], t[order], kind[order], direction[order]
    spoken = kind <= 2
    channel = np.select([kind == 0, kind <= 2, kind == 4], [0, 1, 3], default=2)
    return pd.DataFrame(
        {
            "interaction_id": np.arange(len(t)),
            "customer_id": customer,
            "at": world.moment_of(t),
            "channel": named(channel, ["phone", "onsite", "email", "chat"]),
            "direction": named(direction, DIRECTIONS),
            "type": named(kind, KINDS),
            "duration_s": np.where(spoken, np.ceil(random.exponential(420.0, len(t))), np.nan),
            "owner_id": np.where(kind >= 5, -1, random.integers(0, 12, len(t))),
        }
    )


def ratings_table(world: World, tickets: pd.DataFrame) -> pd.DataFrame:
    """The table ``ratings``: a random sample of resolved tickets, a quarter of them rated by two."""
    random = world.random("ratings")
    resolved = tickets["resolved_at"].to_numpy().astype("datetime64[D]")
    early = resolved < np.datetime64(world.end, "D") - np.timedelta64(10, "D")  # NaT compares false
    cases = np.flatnonzero(early & (random.random(len(tickets)) < 0.03) & (tickets["type"] != "spam").to_numpy())
    quality = random.normal(74.0, 9.0, len(cases))
    rater = random.integers(0, 4, len(cases))
    twice = np.flatnonzero(random.random(len(cases)) < 0.25)
    row = np.concatenate([np.arange(len(cases)), twice])
    rater = np.concatenate([rater, (rater[twice] + 1) % 4])
    row, rater = np.repeat(row, len(CRITERIA)), np.repeat(rater, len(CRITERIA))
    item = np.tile(np.arange(len(CRITERIA)), len(row) // len(CRITERIA))
    strict = np.array([0.0, -3.0, 2.0, 1.0])[rater]
    value = np.clip(np.round(quality[row] + strict + random.normal(0, 5.0, len(row))), 0, 100)
    delay = random.integers(1, 10, len(cases)).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "case_id": tickets["ticket_id"].to_numpy()[cases[row]],
            "rater_id": 60 + rater,
            "item_id": named(item, CRITERIA),
            "value": value,
            "at": (resolved[cases] + delay)[row],
        }
    )
