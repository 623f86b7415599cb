"""Money owed and spent: invoices, payments with delays, write-offs, and spend without chance."""

import numpy as np
import pandas as pd

from crmtools.period import Period
from crmtools.simulate.company import DAYS_IN_MONTH
from crmtools.simulate.contract import FEES, Spells
from crmtools.simulate.people import Arrivals, People, arrivals
from crmtools.simulate.trade import dollar_rate
from crmtools.simulate.world import World, named, same


def billed(world: World, everyone: People, orders: pd.DataFrame, held: Spells) -> pd.DataFrame:
    """What is billed: completed orders of businesses and some consumers, contracts of businesses by month.

    Columns: customer, order (-1: a contract's month), t (day of issue), amount in CNY.
    """
    random = world.random("invoices")
    completed = (orders["status"] == "completed").to_numpy()
    customer = orders["customer_id"].to_numpy()
    lot = random.random(len(orders)) < world.company.invoiced_share_consumer
    rows = np.flatnonzero(completed & (everyone.business[customer] | lot))
    t = np.floor(orders["t"].to_numpy())
    owed = (orders["net_amount"] - orders["refund_amount"]).to_numpy()
    owed = np.round(np.where(everyone.dollars[customer], owed * dollar_rate(t), owed), 2)
    rows = rows[owed[rows] > 0]

    business = np.flatnonzero(everyone.business[held.customer])
    until = np.where(np.isnan(held.end[business]), world.days, held.end[business])
    months = np.ceil((until - held.start[business]) / DAYS_IN_MONTH).astype(int)
    spell = np.repeat(business, months)
    nth = np.arange(len(spell)) - np.repeat(np.cumsum(months) - months, months)
    issued = np.floor(held.start[spell] + nth * DAYS_IN_MONTH)
    frame = pd.DataFrame(
        {
            "customer": np.concatenate([customer[rows], held.customer[spell]]),
            "order": np.concatenate([rows, np.full(len(spell), -1)]),
            "t": np.concatenate([t[rows], issued]),
            "amount": np.concatenate([owed[rows], FEES[held.plan[spell]]]),
        }
    )
    return frame[frame["t"] < world.days].sort_values(["t", "customer", "order"], ignore_index=True)


def invoices_tables(
    world: World, everyone: People, orders: pd.DataFrame, held: Spells
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``invoices`` and ``payments``, in CNY: paid, paid in two parts, or written off in the end."""
    company, random = world.company, world.random("payments")
    bills = billed(world, everyone, orders, held)
    customer, issued, amount = (bills[name].to_numpy() for name in ("customer", "t", "amount"))
    size, business = len(bills), everyone.business[customer]
    due = issued + np.where(business, company.terms_days_business, company.terms_days_consumer)
    late_share = np.where(business, company.late_share_business, company.late_share_consumer)
    late_share = late_share * np.asarray(company.late_by_region)[everyone.region[customer]]
    late_share = late_share * np.exp(company.late_growth_per_year * world.years_since_2025(issued))
    late = random.random(size) < late_share
    early = np.floor((due - issued) * random.beta(1.2, 1.6, size))
    paid = np.where(late, due + np.ceil(random.gamma(1.5, company.late_mean_days / 1.5, size)), due - early)
    never = random.random(size) < np.where(business, company.unpaid_share_business, company.unpaid_share_consumer)
    twice = random.random(size) < company.paid_in_two_share
    rest = paid + 10 + np.floor(random.exponential(12.0, size))
    # Cents, so that what was paid and what was written off add up to the amount exactly.
    cents = np.round(100 * amount).astype(np.int64)
    half = np.where(twice, cents // 2, cents)
    half_paid = never & (random.random(size) < 0.3)
    written = np.where(never, due + company.written_off_after_days, np.nan)
    left = np.where(half_paid, cents - cents // 2, cents)
    gone = never & (written < world.days)

    invoice = np.concatenate([np.flatnonzero(~never), np.flatnonzero(~never & twice), np.flatnonzero(half_paid)])
    when = np.concatenate([paid[~never], rest[~never & twice], paid[half_paid]])
    part = np.concatenate([half[~never], (cents - half)[~never & twice], (cents // 2)[half_paid]])
    order = np.lexsort((invoice, when))
    order = order[(when[order] < world.days) & (part[order] > 0)]
    invoice, when, part = invoice[order], when[order], part[order]
    received = np.bincount(invoice, weights=part, minlength=size).astype(np.int64)
    status = np.select([gone, received == cents, received > 0], [3, 2, 1], default=0)
    yuan = same("CNY", size)
    invoices = pd.DataFrame(
        {
            "invoice_id": np.arange(size),
            "customer_id": customer,
            "order_id": bills["order"].to_numpy(),
            "issued_at": world.day_of(issued),
            "due_at": world.day_ahead(due),
            "amount": cents / 100,
            "currency": yuan,
            "status": named(status, ["open", "part paid", "paid", "written off"]),
            "disputed": (random.random(size) < 0.02) & (late | never),
            "written_off_at": world.day_of(np.where(gone, written, np.nan)),
            "written_off_amount": np.where(gone, left / 100, np.nan),
        }
    )
    payments = pd.DataFrame(
        {
            "payment_id": np.arange(len(invoice)),
            "invoice_id": invoice,
            "order_id": bills["order"].to_numpy()[invoice],
            "customer_id": customer[invoice],
            "paid_at": world.day_of(when),
            "amount": part / 100,
            "currency": yuan[invoice],
        }
    )
    return invoices, payments


def spend_table(world: World, expected: Arrivals | None = None) -> pd.DataFrame:
    """The table ``spend``, booked on the 15th of each month, from the customers expected, not those drawn.

    What is spent on acquisition in a month is the cost per customer of that month times the customers
    expected in the month after it; in the last month, those of the same month grown on.
    """
    company, new = world.company, (expected or arrivals(world)).customers
    months = Period(world.start, world.end).split("month")
    first = np.array([world.at(month.start) for month in months])
    days = np.array([month.days for month in months])
    total = np.concatenate([[0.0], np.cumsum(new)])
    won = np.diff(total[np.clip(np.append(first, first[-1] + days[-1]), 0, world.days)])
    following = np.append(won[1:], won[-1] * (1 + company.growth_per_year / 12))
    years = world.years_since_2025(first + 15.0)
    acquisition = company.cac_level * np.exp(company.cac_growth_per_year * years) * following
    base = total[np.clip(first + days // 2, 0, world.days)]
    lines = [
        ("acquisition", "advertising", "search", "marketing", 0.28 * acquisition),
        ("acquisition", "advertising", "social", "marketing", 0.17 * acquisition),
        ("acquisition", "commission", "partner", "sales", 0.10 * acquisition),
        ("acquisition", "salaries", "", "sales", 0.36 * acquisition),
        ("acquisition", "tools", "", "marketing", 0.09 * acquisition),
        ("retention", "rewards", "", "retail", 0.5 * company.retention_spend_per_customer_month * base),
        ("retention", "salaries", "", "accounts", 0.5 * company.retention_spend_per_customer_month * base),
        ("service", "salaries", "", "service", 0.85 * company.service_spend_per_customer_month * base),
        ("service", "tools", "", "service", 0.15 * company.service_spend_per_customer_month * base),
        ("shared", "rent", "", "", company.shared_spend_per_customer_month * base),
    ]
    month = np.tile(np.arange(len(months)), len(lines))
    names = ("category", "subcategory", "channel", "department")
    labels = {name: repeated([str(line[n]) for line in lines], len(months)) for n, name in enumerate(names)}
    frame = pd.DataFrame(
        {
            "period": world.day_of((first + 14.0)[month]),
            **labels,
            "amount": np.round(np.concatenate([line[4] for line in lines]), 2),
            "currency": same("CNY", len(month)),
            "allocation_key": named(np.where(labels["category"] == "shared", 0, -1), ["headcount"]),
        }
    )
    return frame.sort_values("period", kind="stable", ignore_index=True)


def repeated(words: list[str], times: int) -> "pd.Categorical[str]":
    """Each word so many times in turn; the empty word is no word."""
    known = sorted({*words} - {""})
    codes = np.array([known.index(word) if word else -1 for word in words])
    return named(np.repeat(codes, times), known)
