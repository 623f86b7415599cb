"""How customers are won: leads, opportunities and the stages they pass."""

import numpy as np
import pandas as pd

from crmtools.simulate.company import SOURCES
from crmtools.simulate.names import invented, plant_hostile, text
from crmtools.simulate.people import Leads, People
from crmtools.simulate.world import World, named, pick, same

STATUSES = ("open", "converted", "disqualified", "spam", "duplicate")
STAGES = ("qualified", "proposal", "negotiation", "won", "lost")
LOST = ("price", "competitor", "no budget", "no answer")


def leads_table(world: World, everyone: People, leads: Leads, campaigns: int) -> pd.DataFrame:
    """The table ``leads``: the leads created within the span, and spam and duplicates beside them.

    A lead that converts after the span is still open.
    """
    random = world.random("leads")
    rows = np.flatnonzero((leads.t >= 0) & (leads.t < world.days))
    customer_of = np.full(len(leads.t), -1)
    through = np.flatnonzero(everyone.lead >= 0)
    customer_of[everyone.lead[through]] = through
    copied = rows[random.random(len(rows)) < 0.04]
    copies = leads.t[copied] + random.exponential(2.0, len(copied))
    spam = random.random(random.poisson(0.07 * len(rows))) * world.days
    t = np.concatenate([leads.t[rows], copies, spam])
    origin = np.concatenate([rows, copied, np.full(len(spam), -1)])
    kind = np.repeat([0, 4, 3], [len(rows), len(copied), len(spam)])
    order = np.argsort(t, kind="stable")
    order = order[t[order] < world.days]
    t, origin, kind = t[order], origin[order], kind[order]
    size = len(t)
    real = kind == 0
    customer = np.where(real, customer_of[origin], -1)
    won = customer >= 0
    hopeless = real & np.isnan(leads.converted[origin]) & (random.random(size) < 0.55) & (t < world.days - 14)
    status = np.select([won, hopeless, ~real], [1, 2, kind], default=0)
    source = np.where(origin >= 0, leads.source[origin], pick(random, (0.5, 0.5), size))
    name = plant_hostile(invented(random, size), every=211)
    number = np.where(origin >= 0, origin, len(leads.t) + np.arange(size)).tolist()
    return pd.DataFrame(
        {
            "lead_id": np.arange(size),
            "name": name,
            "email": text([f"lead{n}@example.com" for n in number]),
            "phone": text([f"+86 100 {(n * 7919) % 10**8:08d}" for n in number]),
            "created_at": world.moment_of(t),
            "source": named(source, SOURCES),
            "campaign_id": np.where(
                (random.random(size) < 0.3) & (campaigns > 0), random.integers(0, max(campaigns, 1), size), -1
            ),
            "status": named(status, STATUSES),
            "converted_at": world.moment_of(np.where(won, leads.converted[origin], np.nan)),
            "customer_id": customer,
            "opportunity_id": np.full(size, -1),
            "t": t,
        }
    )


def opportunities_tables(
    world: World, everyone: People, leads: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """``opportunities``, ``stage_history``, and the leads with the opportunity each became.

    A third of the real leads become one; those that became a customer are won on that day. Business customers
    bring more, without a lead.
    """
    random = world.random("opportunities")
    won = leads["customer_id"].to_numpy() >= 0
    genuine = leads["status"].isin(["open", "converted", "disqualified"]).to_numpy()
    became = np.flatnonzero(genuine & (random.random(len(leads)) < np.where(won, 0.6, 0.25)))
    customer = leads["customer_id"].to_numpy()[became]
    t = leads["t"].to_numpy()[became]
    acquired = np.where(customer >= 0, everyone.t[customer], np.nan)
    begun = t + np.where(customer >= 0, 0.2 * (acquired - t), random.exponential(5.0, len(t)))
    more = np.flatnonzero(everyone.business & (random.random(len(everyone)) < 0.8))
    begun = np.concatenate([begun, everyone.t[more] + random.exponential(200.0, len(more))])
    lead = np.concatenate([became, np.full(len(more), -1)])
    customer = np.concatenate([customer, more])
    settled = np.concatenate([acquired, np.full(len(more), np.nan)])
    order = np.argsort(begun, kind="stable")
    order = order[begun[order] < world.days]
    begun, lead, customer, settled = begun[order], lead[order], customer[order], settled[order]

    size = len(begun)
    wins = np.where(np.isnan(settled), (customer >= 0) & (random.random(size) < 0.45), True)
    length = random.gamma(2.0, 24.0, size)
    ends = np.where(np.isnan(settled), begun + length, settled)
    reached = np.where(wins, 3, 1 + pick(random, (0.45, 0.30, 0.25), size))  # stages entered before the last
    share = np.sort(random.uniform(0.1, 0.9, (size, 2)), axis=1)
    entered = np.column_stack([begun, begun + (ends - begun) * share[:, 0], begun + (ends - begun) * share[:, 1]])
    seen = (np.arange(3) < reached[:, None]) & (entered < world.days)
    closed = ends < world.days
    last = np.where(closed, np.where(wins, 3, 4), seen.sum(axis=1) - 1)
    amount = np.round(np.exp(random.normal(8.3, 0.8, size)), 2)
    lost = closed & ~wins
    source = np.where(lead >= 0, leads["source"].cat.codes.to_numpy()[lead], 4)
    opportunities = pd.DataFrame(
        {
            "opportunity_id": np.arange(size),
            "customer_id": np.where((lead < 0) | (closed & wins), customer, -1),
            "created_at": world.moment_of(begun),
            "stage": named(last, STAGES),
            "amount": amount,
            "probability": np.array([0.2, 0.4, 0.65, 1.0, 0.0])[last],
            "close_at": world.day_ahead(np.where(closed, ends, begun + 60.0)),
            "closed_at": world.moment_of(ends),
            "is_closed": closed,
            "is_won": closed & wins,
            "lost_reason": named(np.where(lost, pick(random, (0.35, 0.3, 0.15, 0.2), size), -1), LOST),
            "source": named(source, SOURCES),
            "campaign_id": np.where(lead >= 0, leads["campaign_id"].to_numpy()[lead], -1),
            "currency": same("CNY", size),
        }
    )
    row, stage = np.nonzero(seen)
    ended = np.flatnonzero(closed)
    t = np.concatenate([entered[row, stage], ends[ended]])
    history = pd.DataFrame(
        {
            "opportunity_id": np.concatenate([row, ended]),
            "stage": named(np.concatenate([stage, last[ended]]), STAGES),
            "entered_at": world.moment_of(t),
        }
    ).iloc[np.argsort(t, kind="stable")]
    opportunity_of = np.full(len(leads), -1)
    opportunity_of[lead[lead >= 0]] = np.flatnonzero(lead >= 0)
    return opportunities, history, leads.assign(opportunity_id=opportunity_of)
