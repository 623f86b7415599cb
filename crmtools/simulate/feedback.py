"""What customers write, and how two coders file it."""

import numpy as np
import pandas as pd

from crmtools.simulate.company import DAYS_IN_MONTH
from crmtools.simulate.names import plant_hostile, text
from crmtools.simulate.people import People
from crmtools.simulate.world import World, named, pick, poisson_times

TOPICS = ("delivery", "product", "price", "service", "app")
SENTIMENTS = ("positive", "neutral", "negative")
SOURCES = ("email", "review", "social", "interview")
WORDS = {
    "positive": ("很满意，会再来", "Quick and friendly, thank you", "质量很好，客服耐心"),
    "neutral": ("还可以", "As expected, nothing more", "一般，没有特别的感觉"),
    "negative": ("等了三天才有人回复", "Late again,\nand nobody told us", "客服推来推去，问题没解决"),
}


def feedback_table(world: World, everyone: People) -> pd.DataFrame:
    """The table ``feedback`` in order of time; every tenth has no known customer."""
    random = world.random("feedback")
    rate = np.full(len(everyone), 0.022 / DAYS_IN_MONTH)
    customer, t = poisson_times(random, rate, everyone.t, world.days)
    order = np.argsort(t, kind="stable")
    customer, t = customer[order], t[order]
    size = len(t)
    latent = everyone.mood[customer] + 0.25 * world.years_since_2025(t) + random.standard_normal(size)
    sentiment = np.digitize(-latent, [-0.4, 0.5])
    phrase = np.array([WORDS[name] for name in SENTIMENTS], dtype=object)
    words = phrase[sentiment, random.integers(0, 3, size)] if size else text([])
    answered = np.where(random.random(size) < 0.72, 24 * random.exponential(3.0, size), np.nan)
    acted = np.where(random.random(size) < 0.55, answered + 24 * random.exponential(9.0, size), np.nan)
    at = world.moment_of(t)
    known = random.random(size) >= 0.10
    return pd.DataFrame(
        {
            "feedback_id": np.arange(size),
            "customer_id": np.where(known, customer, -1),
            "at": at,
            "source": named(pick(random, (0.4, 0.3, 0.2, 0.1), size), SOURCES),
            "text": plant_hostile(words, every=41),
            "topic": named(pick(random, (0.25, 0.25, 0.15, 0.25, 0.10), size), TOPICS),
            "sentiment": named(sentiment, SENTIMENTS),
            "acknowledged_at": world.after(at, answered),
            "actioned_at": world.after(at, acted),
        }
    )


def feedback_codes_table(world: World, feedback: pd.DataFrame) -> pd.DataFrame:
    """The table ``feedback_codes``: two coders on two in five items, who agree on most."""
    random = world.random("codes")
    items = np.flatnonzero(random.random(len(feedback)) < 0.4)
    true = feedback["topic"].cat.codes.to_numpy()[items]
    given = [
        np.where(random.random(len(items)) < 0.90, true, random.integers(0, len(TOPICS), len(items))) for _ in "12"
    ]
    return pd.DataFrame(
        {
            "feedback_id": np.tile(feedback["feedback_id"].to_numpy()[items], 2),
            "coder_id": np.repeat([70, 71], len(items)),
            "code": named(np.concatenate(given), TOPICS),
        }
    )
