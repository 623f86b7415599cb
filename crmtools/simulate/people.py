"""Who comes: leads turn into customers after a delay, others come directly; what each customer is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from crmtools.simulate.company import DAYS_IN_YEAR, REGIONS, SOURCES, TIERS, Company
from crmtools.simulate.names import contacts, plant_hostile, text
from crmtools.simulate.world import World, named, pick, same


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The expected numbers that arrivals are drawn from, per day.

    ``leads``: leads created on each day from ``-burn_in`` on; ``through_leads`` and ``direct``: customers
    acquired on each day of the span. A lead's creation is spread evenly over its day: the convolution with
    the delay is exact.
    """

    burn_in: int
    leads: np.ndarray
    through_leads: np.ndarray
    direct: np.ndarray

    @property
    def customers(self) -> np.ndarray:
        """Customers expected on each day of the span, test accounts left out."""
        return self.through_leads + self.direct


@dataclass(frozen=True, slots=True)
class People:
    """The customers of the span in order of arrival; one array element each."""

    t: np.ndarray  # time of acquisition, days
    lead: np.ndarray  # row of the lead they came from, -1 for none
    region: np.ndarray
    source: np.ndarray
    tier: np.ndarray
    business: np.ndarray
    mood: np.ndarray
    buys: np.ndarray
    subscribes: np.ndarray
    dollars: np.ndarray
    is_test: np.ndarray

    def __len__(self) -> int:
        return len(self.t)


@dataclass(frozen=True, slots=True)
class Leads:
    """The leads: when created, from which source, when they became a customer (NaN: never)."""

    t: np.ndarray
    source: np.ndarray
    converted: np.ndarray


def delay_within(company: Company, days: np.ndarray | float) -> np.ndarray:
    """Share of converting leads that do so within so many days: a log-normal cut off at the longest delay."""
    return _delay(company, np.minimum(days, company.lead_delay_longest_days)) / _delay(
        company, np.float64(company.lead_delay_longest_days)
    )


def _delay(company: Company, days: np.ndarray | float) -> np.ndarray:
    positive = np.maximum(days, 1e-12)
    return scipy.special.ndtr(np.log(positive / company.lead_delay_median_days) / company.lead_delay_sigma)


def conversion(company: Company, day: np.ndarray) -> np.ndarray:
    """Share of the leads of a day that ever convert, over all sources."""
    return source_conversion(company, day, np.asarray(company.lead_conversion_by_source)[:, None]).T @ np.asarray(
        company.lead_sources
    )


def source_conversion(company: Company, day: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Share of the leads created on ``day`` that ever convert, from sources with this factor."""
    return company.lead_conversion * factor * (1 + company.lead_conversion_growth_per_year * day / DAYS_IN_YEAR)


def arrivals(world: World) -> Arrivals:
    """The expected arrivals, scaled to the expected number of customers."""
    company, burn_in = world.company, int(world.company.lead_delay_longest_days) + 1
    day = np.arange(-burn_in, world.days)
    shape = 1 + company.growth_per_year * day / DAYS_IN_YEAR
    nodes, weights = np.polynomial.legendre.leggauss(24)
    u, w = (nodes + 1) / 2, weights / 2
    later = np.arange(burn_in + 1)[:, None]
    kernel = (delay_within(company, later + 1 - u) - delay_within(company, np.maximum(later - u, 0))) @ w
    kernel /= kernel.sum()
    through = np.convolve(shape * conversion(company, day), kernel)[burn_in : burn_in + world.days]
    direct = shape[burn_in:]
    lead_scale = (1 - company.direct_share) * world.customers / through.sum()
    direct_scale = company.direct_share * world.customers / direct.sum()
    return Arrivals(burn_in, shape * lead_scale, through * lead_scale, direct * direct_scale)


def people(world: World) -> tuple[People, Leads]:
    """Draw the leads and the customers of the span, in order of arrival."""
    company, expected, random = world.company, arrivals(world), world.random("people")
    counts = random.poisson(expected.leads)
    day = np.repeat(np.arange(-expected.burn_in, world.days), counts)
    created = np.sort(day + random.random(len(day)))
    source = pick(random, company.lead_sources, len(created))
    factor = np.asarray(company.lead_conversion_by_source)[source]
    converts = random.random(len(created)) < source_conversion(company, np.floor(created), factor)
    quantile = random.random(len(created)) * _delay(company, company.lead_delay_longest_days)
    converted = np.where(converts, created + _delay_of(company, quantile), np.nan)

    through = np.flatnonzero((converted >= 0) & (converted < world.days))
    counts = random.poisson(expected.direct)
    direct = np.repeat(np.arange(world.days), counts) + random.random(counts.sum())
    tests = random.random(random.poisson(company.test_account_share * world.customers)) * world.days
    t = np.concatenate([converted[through], direct, tests])
    came_directly = pick(random, company.direct_sources, len(direct))
    origin = np.concatenate([source[through], came_directly, np.full(len(tests), len(SOURCES) - 1)])
    lead = np.concatenate([through, np.full(len(direct) + len(tests), -1)])
    order = np.argsort(t, kind="stable")
    size = len(t)
    kind = random.random(size)
    everyone = People(
        t=t[order],
        lead=lead[order],
        region=pick(random, company.regions, size),
        source=origin[order].astype(np.int32),
        tier=pick(random, company.tiers, size),
        business=random.random(size) < company.business_share,
        mood=random.standard_normal(size),
        buys=kind < company.buys_only + company.buys_and_subscribes,
        subscribes=kind >= company.buys_only,
        dollars=random.random(size) < company.dollar_share,
        is_test=(np.arange(size) >= size - len(tests))[order],
    )
    return everyone, Leads(created, source, converted)


def _delay_of(company: Company, quantile: np.ndarray) -> np.ndarray:
    return company.lead_delay_median_days * np.exp(company.lead_delay_sigma * scipy.special.ndtri(quantile))


def customers_table(world: World, everyone: People) -> pd.DataFrame:
    """The table ``customers``; identifiers are row numbers."""
    random, size = world.random("customers"), len(everyone)
    business = everyone.business
    name, email, phone, address = contacts(random, business)
    test = everyone.is_test
    name = np.where(test, text(["Test account"]), name)
    industries = ("retail", "manufacturing", "logistics", "health", "education", "software")
    size_bands = ("1-9", "10-49", "50-249", "250+")
    bands = pick(random, (0.45, 0.33, 0.16, 0.06), size)
    segment = np.where(everyone.tier == 2, 2, pick(random, (0.7, 0.3), size))
    return pd.DataFrame(
        {
            "customer_id": np.arange(size),
            "name": plant_hostile(name),
            "email": email,
            "phone": phone,
            "address": address,
            "parent_id": np.full(size, -1),
            "segment": named(segment, ["core", "occasional", "key"]),
            "customer_type": named(business.astype(int), ["consumer", "business"]),
            "tier": named(everyone.tier, TIERS),
            "region": named(everyone.region, REGIONS),
            "country": named(everyone.dollars.astype(int), ["CN", "US"]),
            "industry": named(
                np.where(business, pick(random, (0.3, 0.25, 0.15, 0.1, 0.08, 0.12), size), -1), industries
            ),
            "size_band": named(np.where(business, bands, -1), size_bands),
            "acquired_at": world.day_of(everyone.t),
            "acquired_channel": named(everyone.source, SOURCES),
            "owner_id": np.where(business | (everyone.tier == 2), random.integers(0, 12, size), -1),
            "department": named(business.astype(int), ["retail", "accounts"]),
            "status": same("active", size),
            "language": named(everyone.dollars.astype(int), ["zh", "en"]),
            "currency": named(everyone.dollars.astype(int), ["CNY", "USD"]),
            "is_test": test,
        }
    )
