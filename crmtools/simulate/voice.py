"""Surveys: a relationship wave each quarter, a question after tickets, a long questionnaire each November."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmtools.period import Period
from crmtools.simulate.people import People
from crmtools.simulate.world import World, named

SURVEYS = ("relationship", "after-ticket", "long")
DIMENSIONS = ("tangibles", "reliability", "responsiveness", "assurance", "empathy")
PER_DIMENSION = (4, 5, 4, 4, 5)
SERVQUAL = tuple(
    (f"{letter}{number:02d}", "servqual", dimension, letter)
    for letter in "EP"
    for number, dimension in enumerate(np.repeat(DIMENSIONS, PER_DIMENSION).tolist(), start=1)
)
BRAND = tuple(
    (f"B{n}", "brand", trait, None)
    for n, trait in enumerate(("known", "trusted", "modern", "caring", "value", "leading"), 1)
)
WEIGHTS = tuple((f"W{n}", "servqual", dimension, "W") for n, dimension in enumerate(DIMENSIONS, 1))
INDEX = tuple((f"I{n}", "index", part, None) for n, part in enumerate(("product", "service", "delivery", "price"), 1))
INDEX_WEIGHTS = (0.3, 0.3, 0.2, 0.2)
ITEMS = (
    ("overall", "csat", "overall", None),
    ("recommend", "nps", None, None),
    ("ease", "ces", None, None),
    *SERVQUAL,
    *WEIGHTS,
    *BRAND,
    *INDEX,
)
ITEM_IDS = tuple(item[0] for item in ITEMS)
SCALES = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7), "servqual": (1, 7), "brand": (1, 7), "index": (1, 10)}


@dataclass(frozen=True, slots=True)
class Replies:
    """One element per completed questionnaire: whose, when, which survey, which wave, which invitation."""

    customer: np.ndarray
    t: np.ndarray
    survey: np.ndarray
    wave: np.ndarray
    invite: np.ndarray


def survey_items_table() -> pd.DataFrame:
    """The table ``survey_items``."""
    low, high = zip(*((0, 100) if role == "W" else SCALES[metric] for _, metric, _, role in ITEMS), strict=True)
    weight = np.full(len(ITEMS), np.nan)
    weight[-len(INDEX) :] = INDEX_WEIGHTS
    return pd.DataFrame(
        {
            "item_id": pd.Categorical(ITEM_IDS, ITEM_IDS),
            "metric": pd.Categorical([item[1] for item in ITEMS]),
            "dimension": pd.Categorical([item[2] for item in ITEMS]),
            "role": pd.Categorical([item[3] for item in ITEMS]),
            "scale_min": np.array(low, dtype=float),
            "scale_max": np.array(high, dtype=float),
            "direction": pd.Categorical(["good"] * len(ITEMS)),
            "weight": weight,
        }
    )


def quarters(world: World) -> tuple[Period, ...]:
    """The quarters the span touches, earliest first."""
    return Period(world.start, world.end).split("quarter")


def relationship(world: World, everyone: People) -> tuple[pd.DataFrame, Replies]:
    """The invitations of every wave and the questionnaires that came back; some customers answer twice."""
    company, random = world.company, world.random("invites")
    waves = quarters(world)
    parts = []
    for number, quarter in enumerate(waves):
        opens = world.at(quarter.start) + 30
        asked = np.flatnonzero((everyone.t < opens) & (random.random(len(everyone)) < company.invited_share))
        parts.append((asked, opens + 12 * random.random(len(asked)), np.full(len(asked), number)))
    customer, sent, wave = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(sent, kind="stable")
    order = order[sent[order] < world.days]
    customer, sent, wave = customer[order], sent[order], wave[order]
    size = len(sent)
    delivered = random.random(size) < company.delivered_share
    answers = delivered & (random.random(size) < company.response_share)
    answered = np.where(answers, sent + 0.05 + np.minimum(random.exponential(3.0, size), 18.0), np.nan)
    invites = pd.DataFrame(
        {
            "invite_id": np.arange(size),
            "customer_id": customer,
            "survey_id": named(np.zeros(size, dtype=int), SURVEYS),
            "sent_at": world.moment_of(sent),
            "delivered": delivered,
            "responded_at": world.moment_of(answered),
        }
    )
    first = np.flatnonzero(answers)
    second = first[random.random(len(first)) < company.answers_twice_share]
    t = np.concatenate([answered[first], answered[second] + 1.0 + 8.0 * random.random(len(second))])
    row = np.concatenate([first, second])
    order = np.argsort(t, kind="stable")
    order = order[t[order] < world.days]
    row = row[order]
    invite = np.concatenate([first, np.full(len(second), -1)])[order]
    return invites, Replies(customer[row], t[order], np.zeros(len(row), dtype=int), wave[row], invite)


def relationship_answers(world: World, everyone: People, replies: Replies) -> pd.DataFrame:
    """The two answers of each relationship questionnaire, satisfaction and recommendation; some left out."""
    company, random = world.company, world.random("answers")
    size, mood = len(replies.t), everyone.mood[replies.customer]
    years = world.years_since_2025(replies.t)
    region = np.asarray(company.nps_by_region)[everyone.region[replies.customer]]
    better, faster = (
        world.told(regions, everyone.region[replies.customer], since, replies.t)
        for regions, since in (
            (company.better_product_regions, company.better_product_from),
            (company.faster_response_regions, company.faster_response_from),
        )
    )
    latent = company.nps_level + company.nps_growth_per_year * years + region + company.nps_by_mood * mood
    latent = latent + company.better_product_nps_gain * better
    recommend = np.clip(np.round(latent + company.nps_noise * random.standard_normal(size)), 0, 10)
    latent = company.csat_level + company.csat_growth_per_year * years + company.csat_by_mood * mood
    latent = latent + company.faster_response_csat_gain * faster
    overall = np.clip(np.round(latent + company.csat_noise * random.standard_normal(size)), 1, 5)
    kept = random.random((2, size)) >= company.item_missing_share
    parts = [(np.flatnonzero(kept[n]), n, values) for n, values in enumerate((overall, recommend))]
    return pd.concat([
        pd.DataFrame({"response": rows, "item": np.full(len(rows), item), "value": values[rows]})
        for rows, item, values in parts
    ])  # fmt: skip


def after_tickets(world: World, everyone: People, tickets: pd.DataFrame) -> pd.DataFrame:
    """Effort answers (1-7, high is easy) of three in ten resolved tickets, worse after a long wait."""
    random = world.random("ces")
    waited = (tickets["first_response_at"] - tickets["created_at"]).dt.total_seconds().to_numpy() / 3600
    asked = tickets["resolved_at"].notna() & (tickets["type"] != "spam") & (random.random(len(tickets)) < 0.30)
    rows = np.flatnonzero(asked.to_numpy())
    customer = tickets["customer_id"].to_numpy()[rows]
    latent = 5.3 + 0.5 * everyone.mood[customer] - 0.35 * np.log(np.maximum(waited[rows], 0.05) / 6.0)
    value = np.clip(np.round(latent + 1.1 * random.standard_normal(len(rows))), 1, 7)
    answered = world.after(tickets["resolved_at"].to_numpy()[rows], 0.2 + random.exponential(8.0, len(rows)))
    seen = ~np.isnat(answered)
    return pd.DataFrame({"customer_id": customer[seen], "answered_at": answered[seen], "value": value[seen]})


def long_answers(world: World, everyone: People) -> tuple[Replies, pd.DataFrame]:
    """The long questionnaire: 22 expectations, 22 perceptions, five weights, six brand items; its index is drawn apart."""
    random = world.random("long")
    parts = []
    for year in range(world.start.year, world.end.year + 1):
        opens = world.at(date(year, 11, 5))
        asked = np.flatnonzero((everyone.t < opens) & (random.random(len(everyone)) < 0.07))
        parts.append((asked, opens + 20 * random.random(len(asked)), np.full(len(asked), year)))
    customer, t, years = (np.concatenate(column) for column in zip(*parts, strict=True))
    seen = (t >= 0) & (t < world.days)
    customer, t, years = customer[seen], t[seen], years[seen]
    size, mood = len(t), everyone.mood[customer][:, None]
    easy = random.normal(0, 0.4, (size, 1))  # a person's own way of using the scale
    expected = 6.2 + easy + random.normal(0, 0.6, (size, 22))
    shortfall = np.repeat([0.5, 1.1, 1.4, 0.7, 0.9], PER_DIMENSION)
    company = world.company
    faster = world.told(company.faster_response_regions, everyone.region[customer], company.faster_response_from, t)
    gained = faster[:, None] * np.repeat([0.0, 0.0, 0.7, 0.0, 0.0], PER_DIMENSION)
    perceived = 6.2 - shortfall + gained + easy + 0.45 * mood + random.normal(0, 0.8, (size, 22))
    weights = np.round(100 * random.dirichlet([2.0, 6.0, 5.0, 4.0, 3.0], size))
    weights[:, 4] += 100 - weights.sum(axis=1)
    # Rounding may leave the last weight at -1: the largest gives way.
    weights[:, 1] += np.minimum(weights[:, 4], 0)
    weights[:, 4] = np.maximum(weights[:, 4], 0)
    brand = 4.8 + easy + 0.5 * mood + random.normal(0, 0.9, (size, 6))
    seven = np.clip(np.round(np.hstack([expected, perceived])), 1, 7)
    values = np.hstack([seven, weights, np.clip(np.round(brand), 1, 7)])
    item = 3 + np.arange(values.shape[1])
    answers = pd.DataFrame(
        {
            "response": np.repeat(np.arange(size), len(item)),
            "item": np.tile(item, size),
            "value": values.ravel(),
        }
    )
    return Replies(customer, t, np.full(size, 2), years, np.full(size, -1)), answers


def index_answers(world: World, everyone: People, yearly: Replies) -> pd.DataFrame:
    """What the long questionnaire asks for the satisfaction index: four parts, some of them left out."""
    company, random = world.company, world.random("index")
    size, mood = len(yearly.t), everyone.mood[yearly.customer][:, None]
    habit = random.normal(0, 0.5, (size, 1))
    latent = np.asarray(company.index_level) + company.index_by_mood * mood + habit
    latent = latent + company.index_noise * random.standard_normal(latent.shape)
    row, part = np.nonzero(random.random(latent.shape) >= company.item_missing_share)
    value = np.clip(np.round(latent), 1, 10)[row, part]
    return pd.DataFrame({"response": row, "item": len(ITEMS) - len(INDEX) + part, "value": value})


def survey_answers_table(world: World, everyone: People, replies: Replies, tickets: pd.DataFrame) -> pd.DataFrame:
    """The table ``survey_answers``: relationship waves, then questions after tickets, then the long ones."""
    waves = [quarter.id for quarter in quarters(world)]
    short = relationship_answers(world, everyone, replies).assign(
        customer_id=lambda frame: replies.customer[frame["response"]],
        answered_at=lambda frame: world.moment_of(replies.t[frame["response"]]),
        survey=0,
        wave=lambda frame: replies.wave[frame["response"]],
    )
    effort = after_tickets(world, everyone, tickets).assign(item=2, survey=1, wave=-1)
    effort["response"] = len(replies.t) + np.arange(len(effort))
    yearly, answers = long_answers(world, everyone)
    years = list(range(world.start.year, world.end.year + 1))
    answers = pd.concat([answers, index_answers(world, everyone, yearly)], ignore_index=True)
    detailed = answers.assign(
        customer_id=yearly.customer[answers["response"]],
        answered_at=world.moment_of(yearly.t[answers["response"]]),
        survey=2,
        wave=len(waves) + yearly.wave[answers["response"]] - years[0],
    )
    detailed["response"] += len(replies.t) + len(effort)
    every = pd.concat([short, effort, detailed], ignore_index=True)
    return pd.DataFrame(
        {
            "response_id": every["response"],
            "customer_id": every["customer_id"],
            "survey_id": named(every["survey"].to_numpy(), SURVEYS),
            "wave": named(every["wave"].to_numpy(), [*waves, *(f"{year}-11" for year in years)]),
            "answered_at": every["answered_at"],
            "item_id": named(every["item"].to_numpy(), ITEM_IDS),
            "value": every["value"].astype(float),
            "weight": np.nan,
        }
    )
