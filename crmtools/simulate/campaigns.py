"""Campaigns, whom they reached, and who was held out by lot."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmtools.simulate.people import People
from crmtools.simulate.voice import quarters
from crmtools.simulate.world import World, named, same

TYPES = ("email", "event", "advertising", "winback", "loyalty")


@dataclass(frozen=True, slots=True)
class Campaign:
    """Start and end of a campaign (days; NaN: runs on), type, and the shares it takes, holds out, moves."""

    start: float
    end: float
    type: int
    reach: float
    holdout: float
    response: float


def plan(world: World) -> tuple[Campaign, ...]:
    """Two campaigns a quarter, and the loyalty campaign, which changes nothing in what customers buy."""
    found = []
    for number, quarter in enumerate(quarters(world)):
        for half in (0, 1):
            start = float(world.at(quarter.start) + 8 + 40 * half)
            if 0 <= start < world.days:
                found.append(Campaign(start, start + 21, (2 * number + half) % 4, 0.22, 0.2, 0.07))
    start = float(world.at(world.company.loyalty_campaign_from))
    if 0 <= start < world.days:
        found.append(Campaign(start, np.nan, 4, 0.9, 0.5, 0.15))
    return tuple(sorted(found, key=lambda campaign: campaign.start))


def _reached(
    world: World, random: np.random.Generator, everyone: People, number: int, campaign: Campaign
) -> tuple[np.ndarray, ...]:
    """Campaign, customer, held out or not, when contacted, when responded: one element per customer."""
    taken = np.flatnonzero((everyone.t < campaign.start) & (random.random(len(everyone)) < campaign.reach))
    held = random.random(len(taken)) < campaign.holdout
    contacted = np.where(held, np.nan, campaign.start + 5 * random.random(len(taken)))
    replies = random.random(len(taken)) < campaign.response
    responded = np.where(replies, contacted + 0.01 + random.exponential(3.0, len(taken)), np.nan)
    kept = held | (contacted < world.days)  # whose message goes out after the span has not been reached yet
    return np.full(kept.sum(), number), taken[kept], held[kept], contacted[kept], responded[kept]


def campaigns_tables(world: World, everyone: People) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``campaigns`` and ``campaign_responses``; groups drawn by lot among the customers of the first day."""
    random, planned = world.random("campaigns"), plan(world)
    reached = [_reached(world, random, everyone, number, campaign) for number, campaign in enumerate(planned)]
    parts = zip(*reached, strict=True) if reached else [[np.zeros(0)]] * 5
    campaign, customer, held, contacted, responded = (np.concatenate(list(part)) for part in parts)
    campaign, customer, held = campaign.astype(int), customer.astype(int), held.astype(bool)
    responses = pd.DataFrame(
        {
            "campaign_id": campaign,
            "customer_id": customer,
            "group": named(held.astype(int), ["contacted", "holdout"]),
            "contacted_at": world.moment_of(contacted),
            "responded_at": world.moment_of(responded),
        }
    )
    sent = np.bincount(campaign[~held], minlength=len(planned))
    replied = np.bincount(campaign[~np.isnat(responses["responded_at"].to_numpy())], minlength=len(planned))
    kind = np.array([item.type for item in planned], dtype=int)
    cost = np.round(
        np.array([900.0, 4_000.0, 6_000.0, 1_500.0, 9_000.0])[kind] * world.customers / 5_000 + 1.2 * sent, 2
    )
    campaigns = pd.DataFrame(
        {
            "campaign_id": np.arange(len(planned)),
            "type": named(kind, TYPES),
            "started_at": world.day_of(np.array([item.start for item in planned], dtype=float)),
            "ended_at": world.day_of(np.array([item.end for item in planned], dtype=float)),
            "budget": np.ceil(cost / 500) * 500,
            "actual_cost": cost,
            "sent": sent,
            "responses": replied,
            "currency": same("CNY", len(planned)),
        }
    )
    return campaigns, responses
