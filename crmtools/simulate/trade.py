"""Orders and their lines: BG/NBD in time, gamma-gamma in value; splits, refunds, cancellations, returns."""

import numpy as np
import pandas as pd

from crmtools.simulate.people import People
from crmtools.simulate.world import World, named, pick, same

STATUSES = ("completed", "cancelled", "returned")
GROUPS = ("devices", "accessories", "supplies", "services")


def dollar_rate(t: np.ndarray) -> np.ndarray:
    """CNY for one US dollar on a day: a slow wave, held for a month at a time (30 days)."""
    month = np.floor(np.asarray(t) / 30)
    return np.round(7.15 + 0.12 * np.sin(month / 5), 4)


def purchase_times(
    random: np.random.Generator, world: World, since: np.ndarray, region: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First and repeat purchases of BG/NBD customers: whose (row numbers) and when, up to the span's end."""
    company = world.company
    rate = random.gamma(company.bgnbd_r, 1 / company.bgnbd_alpha, len(since))
    leaves = random.beta(company.bgnbd_a, company.bgnbd_b, len(since))
    whose, when = [np.arange(len(since))], [since]
    alive, now = whose[0], since
    while len(alive):
        better = world.told(company.better_product_regions, region[alive], company.better_product_from, now)
        pace = rate[alive] * np.where(better, company.better_product_pace_ratio, 1.0)
        now = now + random.exponential(1.0, len(alive)) / np.maximum(pace, 1e-12)
        seen = now < world.days
        alive, now = alive[seen], now[seen]
        whose.append(alive)
        when.append(now)
        stays = random.random(len(alive)) >= leaves[alive]
        alive, now = alive[stays], now[stays]
    return np.concatenate(whose), np.concatenate(when)


def orders_table(world: World, everyone: People) -> pd.DataFrame:
    """The table ``orders`` in order of time; identifiers are row numbers, ``t`` is the time in days."""
    company, random = world.company, world.random("orders")
    buyers = np.flatnonzero(everyone.buys)
    whose, t = purchase_times(random, world, everyone.t[buyers], everyone.region[buyers])
    customer = buyers[whose]

    mean = np.where(everyone.business, company.spend_mean_business, company.spend_mean_consumer)
    mean = np.where(everyone.is_test, 50 * mean, mean)
    scale = mean * (company.spend_q - 1) / company.spend_p
    inverse = random.gamma(company.spend_q, 1.0, len(everyone)) / scale
    value = random.gamma(company.spend_p, 1.0, len(t)) / inverse[customer]
    level = (1 + company.price_growth_per_year) ** world.years_since_2025(t)
    season = 1 + company.season_amplitude * np.cos(2 * np.pi * (world.years_since_2025(t) - 0.88))
    value = value * level * season

    # Orders split in two on one day; then rows that never became a purchase. Neither changes the days of one.
    split = np.flatnonzero(random.random(len(t)) < company.split_share)
    part = random.uniform(0.3, 0.7, len(split))
    second = t[split] + (np.floor(t[split]) + 1 - t[split]) * random.uniform(0, 0.4, len(split))
    failed = [
        np.flatnonzero(random.random(len(t)) < share) for share in (company.cancelled_share, company.returned_share)
    ]
    around = [t[rows] + random.exponential(4.0, len(rows)) for rows in failed]
    rows = np.concatenate([np.arange(len(t)), split, *failed])
    status = np.repeat([0, 0, 1, 2], [len(t), len(split), len(failed[0]), len(failed[1])])
    value = value[rows]
    value[split] *= part
    value[len(t) : len(t) + len(split)] *= 1 - part
    t, customer = np.concatenate([t, second, *around]), customer[rows]

    order = np.argsort(t, kind="stable")
    order = order[t[order] < world.days]
    return _columns(world, random, everyone, customer[order], t[order], value[order], status[order])


def _columns(
    world: World,
    random: np.random.Generator,
    everyone: People,
    customer: np.ndarray,
    t: np.ndarray,
    value: np.ndarray,
    status: np.ndarray,
) -> pd.DataFrame:
    """The columns of the table for orders worth ``value`` in CNY."""
    company, size = world.company, len(t)
    dollars = everyone.dollars[customer]
    net = np.round(np.maximum(value / np.where(dollars, dollar_rate(t), 1.0), 1.0), 2)
    off = np.where(random.random(size) < 0.25, 0.10, 0.0)
    gross = np.round(net / (1 - off), 2)
    share = np.where(random.random(size) < 0.4, 1.0, random.uniform(0.1, 0.6, size))
    refunded = (random.random(size) < company.refund_share) & (status == 0)
    refund = np.where(refunded, np.round(net * share, 2), np.where(status == 2, net, 0.0))
    channel = np.where(everyone.business[customer], 3, pick(random, (0.55, 0.33, 0.12), size))
    return pd.DataFrame(
        {
            "order_id": np.arange(size),
            "customer_id": customer,
            "ordered_at": world.moment_of(t),
            "status": named(status, STATUSES),
            "gross_amount": gross,
            "discount": np.round(gross - net, 2),
            "net_amount": net,
            "refund_amount": refund,
            "cogs": np.round(net * random.uniform(0.50, 0.66, size), 2),
            "currency": named(dollars.astype(int), ["CNY", "USD"]),
            "channel": named(channel, ["web", "app", "store", "sales"]),
            "t": t,
        }
    )


def order_lines_table(world: World, orders: pd.DataFrame) -> pd.DataFrame:
    """The table ``order_lines``: one to three articles per order; the amounts add up to the order's."""
    random = world.random("order_lines")
    number = 1 + pick(random, (0.55, 0.30, 0.15), len(orders))
    row = np.repeat(np.arange(len(orders)), number)
    first = np.repeat(np.cumsum(number) - number, number)
    position = np.arange(len(row)) - first
    net = orders["net_amount"].to_numpy()
    even = np.floor(100 * net / number) / 100
    amount = np.where(position == 0, (net - even * (number - 1))[row], even[row])
    article = random.integers(0, 40, len(row))
    return pd.DataFrame(
        {
            "line_id": np.arange(len(row)),
            "order_id": row,
            "product": named(article, [f"article {n:02d}" for n in range(1, 41)]),
            "product_group": named(article % 4, GROUPS),
            "quantity": random.integers(1, 5, len(row)).astype(float),
            "amount": np.round(amount, 2),
        }
    )


def fx_rates_table(world: World) -> pd.DataFrame:
    """The table ``fx_rates``: the dollar in CNY, from the days on which it changes."""
    t = np.arange(0, world.days, 30)
    return pd.DataFrame(
        {
            "date": world.day_of(t.astype(float)),
            "currency": same("USD", len(t)),
            "rate": dollar_rate(t),
        }
    )
