"""Subscriptions and the use made of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmtools.simulate.company import DAYS_IN_MONTH, REGIONS
from crmtools.simulate.people import People
from crmtools.simulate.world import World, named, pick, same

PLANS = ("plus", "pro", "team", "enterprise")
FEES = np.array([39.0, 79.0, 299.0, 899.0])
REASONS = ("voluntary", "payment", "other")
USAGE_DAYS = 184


@dataclass(frozen=True, slots=True)
class Spells:
    """Unbroken stretches of being subscribed: customer, first day, last day (NaN: still running), plan."""

    customer: np.ndarray
    start: np.ndarray
    end: np.ndarray
    plan: np.ndarray


def hazard(world: World, everyone: People, frailty: np.ndarray) -> np.ndarray:
    """Chance per day that a subscription ends, before the faster responses."""
    company = world.company
    region = np.asarray(company.churn_by_region)[everyone.region]
    mood = np.exp(company.churn_by_mood * everyone.mood - company.churn_by_mood**2 / 2)
    return company.churn_per_month / DAYS_IN_MONTH * region * mood * frailty


def spells(world: World, everyone: People) -> Spells:
    """Draw the stretches: up to four per customer, some taken up again soon, some later."""
    company, random = world.company, world.random("subscriptions")
    size = len(everyone)
    shape = 1 / company.churn_frailty_variance
    daily = hazard(world, everyone, random.gamma(shape, 1 / shape, size))
    answered_faster = np.isin(everyone.region, [REGIONS.index(name) for name in company.faster_response_regions])
    ratio = np.where(answered_faster, company.faster_response_churn_ratio, 1.0)
    changed = float(world.at(company.faster_response_from))
    plan = np.where(everyone.business, 2, 0) + (random.random(size) < 0.3)

    customer = np.flatnonzero(everyone.subscribes)
    wait = np.where(everyone.buys[customer], random.exponential(40.0, len(customer)), 0.0)
    start = np.floor(everyone.t[customer] + wait)
    found = []
    for _ in range(4):
        seen = start < world.days
        customer, start = customer[seen], start[seen]
        effort, rate = random.exponential(1.0, len(customer)), daily[customer]
        before = np.maximum(changed - start, 0.0)
        end = np.where(
            effort < rate * before,
            start + effort / rate,
            np.maximum(start, changed) + (effort - rate * before) / (rate * ratio[customer]),
        )
        end = np.maximum(np.floor(end), start + 1)
        found.append((customer, start, np.where(end < world.days, end, np.nan), plan[customer]))
        fate = random.random(len(customer))
        soon, later = company.restart_soon_share, company.restart_soon_share + company.restart_later_share
        gap = np.where(fate < soon, random.integers(3, 25, len(fate)), random.integers(45, 201, len(fate)))
        again = fate < later
        customer, start = customer[again], (end + gap)[again]
    return Spells(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def subscriptions_table(world: World, held: Spells) -> pd.DataFrame:
    """The table ``subscriptions``: a stretch is one contract, or two that overlap by a day (a new plan)."""
    random, size = world.random("contracts"), len(held.customer)
    length = np.where(np.isnan(held.end), world.days, held.end) - held.start
    changes = np.flatnonzero((length > 120) & (random.random(size) < 0.12))
    switch = np.floor(held.start[changes] + length[changes] * random.uniform(0.3, 0.7, len(changes)))
    customer = np.concatenate([held.customer, held.customer[changes]])
    start = np.concatenate([held.start, switch - 1])
    end = np.concatenate([held.end, held.end[changes]])
    end[changes] = switch
    plan = np.concatenate([held.plan, held.plan[changes] ^ 1])
    replaced = np.isin(np.arange(len(start)), changes)
    order = np.lexsort((customer, start))
    customer, start, end, plan, replaced = (x[order] for x in (customer, start, end, plan, replaced))
    runs = np.isnan(end)
    reason = np.where(runs, -1, np.where(replaced, 2, pick(random, (0.68, 0.24, 0.08), len(start))))
    renewal = start + np.ceil((world.days - start) / DAYS_IN_MONTH) * DAYS_IN_MONTH
    return pd.DataFrame(
        {
            "subscription_id": np.arange(len(start)),
            "customer_id": customer,
            "plan": named(plan, PLANS),
            "started_at": world.day_of(start),
            "ended_at": world.day_of(end),
            "mrr": FEES[plan],
            "renewal_due_at": world.day_ahead(np.where(runs, renewal, np.nan)),
            "status": named(np.where(runs, 0, np.where(replaced, 2, 1)), ["active", "ended", "replaced"]),
            "cancel_reason": named(reason, REASONS),
            "currency": same("CNY", len(start)),
        }
    )


def usage_table(world: World, everyone: People, held: Spells) -> pd.DataFrame:
    """The table ``usage`` for the last half year; use fades in the six weeks before a subscription ends."""
    random, first = world.random("usage"), max(world.days - USAGE_DAYS, 0)
    seats = np.where(everyone.business, random.integers(3, 31, len(everyone)), 1)
    habit = random.beta(2.2, 2.8, len(everyone)) * np.exp(0.1 * np.minimum(everyone.mood, 1))
    last = np.where(np.isnan(held.end), world.days, held.end)
    begin = np.maximum(held.start, first)
    days = np.maximum(last - begin, 0).astype(int)
    row = np.repeat(np.arange(len(days)), days)
    day = begin[row] + np.arange(len(row)) - np.repeat(np.cumsum(days) - days, days)
    customer = held.customer[row]
    fading = np.where(held.end[row] - day < 42, 0.55, 1.0)  # NaN compares false: running subscriptions do not fade
    active = random.binomial(seats[customer], np.minimum(habit[customer] * fading, 0.98))
    order = np.lexsort((customer, day))
    return pd.DataFrame(
        {
            "customer_id": customer[order],
            "date": world.day_of(day[order]),
            "active_users": active[order],
            "entitled": seats[customer][order],
            "events": random.poisson(6.0 * active)[order],
        }
    )
