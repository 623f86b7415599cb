"""The loyalty programme and referrals."""

import numpy as np
import pandas as pd

from crmtools.simulate.people import People
from crmtools.simulate.world import World, named, pick, poisson_times

EVENTS = ("enrol", "earn", "redeem", "bonus")


def members_table(world: World, everyone: People) -> pd.DataFrame:
    """The table ``members``: one enrolment each, then points earned, redeemed and given."""
    random = world.random("members")
    joins = np.array([0.15, 0.35, 0.70])[everyone.tier]
    members = np.flatnonzero(random.random(len(everyone)) < joins)
    enrolled = everyone.t[members] + random.exponential(60.0, len(members))
    members, enrolled = members[enrolled < world.days], enrolled[enrolled < world.days]
    rate = random.gamma(0.8, 0.02, len(members))
    earns = poisson_times(random, rate, enrolled, world.days)
    redeems = poisson_times(random, rate * 0.2, enrolled, world.days)
    bonus = poisson_times(random, np.full(len(members), 1 / 365.25), enrolled, world.days)
    row = np.concatenate([np.arange(len(members)), earns[0], redeems[0], bonus[0]])
    t = np.concatenate([enrolled, earns[1], redeems[1], bonus[1]])
    event = np.repeat([0, 1, 2, 3], [len(members), len(earns[0]), len(redeems[0]), len(bonus[0])])
    points = np.select(
        [event == 1, event == 2, event == 3],
        [random.integers(10, 400, len(row)), -random.integers(50, 500, len(row)), 50], default=0,
    )  # fmt: skip
    order = np.argsort(t, kind="stable")
    return pd.DataFrame(
        {
            "event_id": np.arange(len(row)),
            "customer_id": members[row][order],
            "enrolled_at": world.day_of(enrolled[row][order]),
            "event": named(event[order], EVENTS),
            "points": points[order].astype(float),
            "at": world.moment_of(t[order]),
        }
    )


def referrals_table(world: World, everyone: People) -> pd.DataFrame:
    """The table ``referrals``: those that brought a customer (as its source says), and those that did not."""
    random = world.random("referrals")
    brought = np.flatnonzero((everyone.source == 2) & (np.arange(len(everyone)) > 0) & ~everyone.is_test)
    by = (random.random(len(brought)) * brought).astype(int)  # an earlier customer: rows stand in order of arrival
    since = everyone.t[by]
    t = np.maximum(everyone.t[brought] - random.exponential(10.0, len(brought)), since)
    sent = poisson_times(random, np.full(len(everyone), 0.012 / 30.4375), everyone.t, world.days)
    status = np.concatenate([
        np.where(everyone.buys[brought], 2, 1), np.where(pick(random, (0.8, 0.2), len(sent[0])) == 1, 1, 0)
    ])  # fmt: skip
    t, by = np.concatenate([t, sent[1]]), np.concatenate([by, sent[0]])
    referred = np.concatenate([brought, np.full(len(sent[0]), -1)])
    order = np.argsort(t, kind="stable")
    return pd.DataFrame(
        {
            "referral_id": np.arange(len(t)),
            "customer_id": by[order],
            "referred_customer_id": referred[order],
            "at": world.moment_of(t[order]),
            "status": named(status[order], ["sent", "signed_up", "purchased"]),
        }
    )
