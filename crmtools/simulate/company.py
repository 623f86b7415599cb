"""The invented company: every true value its data are drawn from, in one place.

Rates are per day unless the name says otherwise, money is in the report's currency. The dates of the stories
are calendar days, so that a report over another span still finds them where they happened.
"""

from dataclasses import dataclass
from datetime import date

VERSION = 3
"""Raised whenever the same seed gives other data: a demo folder made by an older version is made again."""

DAYS_IN_MONTH = 30.4375
DAYS_IN_YEAR = 365.25

REGIONS = ("north", "south", "east", "west")
SOURCES = ("search", "social", "referral", "partner", "direct")
TIERS = ("basic", "silver", "gold")
TICKET_CHANNELS = ("email", "phone", "chat", "app")


@dataclass(frozen=True, slots=True)
class Company:
    """The true values; tuples follow ``REGIONS``, ``SOURCES``, ``TIERS`` or ``TICKET_CHANNELS``."""

    # Who comes: leads and direct customers are Poisson processes whose intensity grows every year.
    growth_per_year: float = 0.10
    direct_share: float = 0.40
    lead_sources: tuple[float, ...] = (0.34, 0.22, 0.16, 0.13, 0.15)
    direct_sources: tuple[float, ...] = (0.25, 0.15, 0.20, 0.10, 0.30)
    lead_conversion: float = 0.20
    lead_conversion_by_source: tuple[float, ...] = (1.0, 0.7, 1.5, 1.1, 0.82)
    lead_conversion_growth_per_year: float = 0.06
    lead_delay_median_days: float = 20.0
    lead_delay_sigma: float = 0.8
    lead_delay_longest_days: float = 180.0
    test_account_share: float = 0.004

    # What they are. Mood is a standard normal trait of a customer: it moves answers, complaints and churn.
    regions: tuple[float, ...] = (0.30, 0.26, 0.30, 0.14)
    business_share: float = 0.22
    tiers: tuple[float, ...] = (0.60, 0.27, 0.13)
    buys_only: float = 0.62
    buys_and_subscribes: float = 0.26  # the rest holds a contract and never orders
    dollar_share: float = 0.03

    # Orders: BG/NBD (Fader, Hardie & Lee 2005), time in days, the first order on the day of acquisition.
    bgnbd_r: float = 0.60
    bgnbd_alpha: float = 45.0
    bgnbd_a: float = 0.60
    bgnbd_b: float = 3.00
    # Order values: gamma-gamma with one scale per customer type; price level and season act on values only.
    spend_p: float = 6.0
    spend_q: float = 8.0
    spend_mean_consumer: float = 280.0
    spend_mean_business: float = 900.0
    price_growth_per_year: float = 0.03
    season_amplitude: float = 0.08
    split_share: float = 0.03
    refund_share: float = 0.06
    cancelled_share: float = 0.04
    returned_share: float = 0.015

    # Subscriptions: a constant hazard per customer, gamma frailty, higher in the north, lower in the south
    # once the first response became faster there.
    churn_per_month: float = 0.047
    churn_by_region: tuple[float, ...] = (1.40, 1.0, 0.95, 1.0)
    churn_frailty_variance: float = 0.15
    churn_by_mood: float = -0.25  # log hazard per unit of mood
    restart_soon_share: float = 0.07  # 3 to 24 days after the end
    restart_later_share: float = 0.05  # 45 to 200 days after the end

    # Stories: an action that worked, an action that did nothing.
    faster_response_from: date = date(2025, 7, 1)
    faster_response_regions: tuple[str, ...] = ("south",)
    faster_response_time_ratio: float = 0.45
    faster_response_churn_ratio: float = 0.60
    faster_response_csat_gain: float = 0.0  # on the latent answer from 1 to 5
    better_product_from: date = date(2025, 1, 1)
    better_product_regions: tuple[str, ...] = ()
    better_product_pace_ratio: float = 1.0  # of the rate at which a purchase is followed by another
    better_product_complaint_ratio: float = 1.0
    better_product_nps_gain: float = 0.0  # on the latent answer from 0 to 10
    loyalty_campaign_from: date = date(2025, 4, 1)
    loyalty_campaign_effect: float = 0.0

    # Service: tickets per customer-month, gamma-Poisson; response and resolution are log-normal.
    tickets_per_month: float = 0.11
    tickets_shape: float = 1.5
    complaints_per_month: float = 0.024
    complaints_shape: float = 0.8
    complaints_by_region: tuple[float, ...] = (1.1, 0.9, 0.95, 1.15)
    complaints_by_mood: float = -0.20
    complaints_growth_per_year: float = -0.09
    spam_share: float = 0.03
    ticket_channels: tuple[float, ...] = (0.40, 0.30, 0.20, 0.10)
    response_median_hours: float = 6.0
    response_by_channel: tuple[float, ...] = (1.5, 0.7, 0.6, 1.2)
    response_sigma: float = 1.0
    response_customer_sigma: float = 0.2
    response_growth_per_year: float = -0.04
    never_answered_share: float = 0.010
    resolution_median_hours: float = 30.0
    resolution_sigma: float = 1.2
    never_resolved_share: float = 0.012

    # Interactions per customer-month, gamma-Poisson with one factor per customer.
    contacts_per_month: float = 0.42  # inbound or two-way, neither bulk nor automatic
    contacts_growth_per_year: float = -0.03
    contacts_shape: float = 1.2
    outgoing_per_month: float = 0.25
    bulk_per_month: float = 0.45
    automatic_per_month: float = 0.10  # inbound, and does not count

    # Surveys: a wave each quarter; who answers does not depend on the answer.
    invited_share: float = 0.60
    delivered_share: float = 0.97
    response_share: float = 0.38
    answers_twice_share: float = 0.08
    item_missing_share: float = 0.05
    nps_level: float = 8.15  # mean of the latent 0-10 answer on 2025-01-01
    nps_growth_per_year: float = 0.16
    nps_by_mood: float = 1.10
    nps_noise: float = 1.45
    nps_by_region: tuple[float, ...] = (-0.25, 0.05, 0.05, 0.0)
    csat_level: float = 3.88
    csat_growth_per_year: float = 0.05
    csat_by_mood: float = 0.45
    csat_noise: float = 0.75
    # Parts of the satisfaction index, on a scale from 1 to 10: product, service, delivery, price.
    index_level: tuple[float, ...] = (7.9, 7.2, 7.5, 6.6)
    index_by_mood: float = 0.9
    index_noise: float = 1.2

    # Money owed: business customers pay later, the north later still, a little worse every year.
    invoiced_share_consumer: float = 0.30
    terms_days_business: int = 30
    terms_days_consumer: int = 30
    late_share_business: float = 0.22
    late_share_consumer: float = 0.07
    late_by_region: tuple[float, ...] = (1.3, 0.9, 1.0, 0.95)
    late_growth_per_year: float = 0.10
    late_mean_days: float = 26.0
    unpaid_share_business: float = 0.012
    unpaid_share_consumer: float = 0.004
    written_off_after_days: int = 120
    paid_in_two_share: float = 0.12

    # Spend per month: acquisition follows the customers expected a month later, so that CAC falls slowly.
    cac_level: float = 520.0  # on 2025-01-01
    cac_growth_per_year: float = -0.07
    retention_spend_per_customer_month: float = 6.0
    service_spend_per_customer_month: float = 9.0
    shared_spend_per_customer_month: float = 7.0


COMPANIES: dict[str, Company] = {
    "demo": Company(),
    # A telecom company: contracts, hardly an order. From spring 2025 on it answers faster in the south and the east; there
    # fewer customers leave and those who stay are more satisfied. Nothing is done in the north and the west.
    "telecom": Company(
        buys_only=0.08, buys_and_subscribes=0.12, business_share=0.15, churn_per_month=0.040, tickets_per_month=0.20,
        churn_by_region=(1.0, 1.0, 1.0, 1.0), response_median_hours=9.0, response_growth_per_year=0.0,
        complaints_growth_per_year=0.0, nps_growth_per_year=0.0, csat_growth_per_year=0.0,
        faster_response_from=date(2025, 4, 1), faster_response_regions=("south", "east"), faster_response_time_ratio=0.35,
        faster_response_churn_ratio=0.50, faster_response_csat_gain=0.35,
    ),
    # An online shop: orders, hardly a contract. From spring 2025 on the product is better and is looked after better in the south
    # and the north: fewer complaints, more who soon buy again, more who recommend it.
    "shop": Company(
        buys_only=0.97, buys_and_subscribes=0.03, business_share=0.05, bgnbd_r=0.9, bgnbd_alpha=50.0, bgnbd_a=1.6, bgnbd_b=2.4,
        complaints_per_month=0.06, complaints_growth_per_year=0.0, nps_growth_per_year=0.0, csat_growth_per_year=0.0,
        faster_response_regions=(), better_product_from=date(2025, 4, 1), better_product_regions=("north", "south"),
        better_product_pace_ratio=2.4, better_product_complaint_ratio=0.45, better_product_nps_gain=0.9,
    ),
}  # fmt: skip
"""The companies that a parameters file can name: ``source: {demo: {company: telecom}}``."""
