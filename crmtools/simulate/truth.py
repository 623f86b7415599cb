"""The true value of an indicator for the simulated company: what 95 of 100 intervals should cover.

Customers are independent, so an indicator that divides one sum over customers by another estimates the ratio
of the two expectations. Where these have a closed form, it is used; else they come from one large simulation
of the same process, counted here in plain pandas, apart from the package's own indicators. Its error is about
a tenth of the standard error at 5,000 customers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from crmtools.errors import SettingsError, nearest
from crmtools.period import Period, add_months
from crmtools.simulate import finance, people
from crmtools.simulate.company import DAYS_IN_MONTH, Company
from crmtools.simulate.population import Population
from crmtools.simulate.world import World

LARGE, LARGE_SEED = 400_000, 1_000_003
"""Expected customers of the large simulation, and its seed."""


@dataclass(frozen=True, slots=True)
class Question:
    """An indicator's period in the large simulation: days [start, end), and the days of its months."""

    population: Population
    period: Period
    customers: int

    @property
    def world(self) -> World:
        """The span that is simulated."""
        return self.population.world

    @property
    def start(self) -> int:
        """First day of the period."""
        return self.world.at(self.period.start)

    @property
    def end(self) -> int:
        """The day after the last one of the period."""
        return self.world.at(self.period.end)

    @property
    def months(self) -> tuple[tuple[int, int], ...]:
        """First days of the months the period touches, each with the first day of the month after it."""
        return tuple((self.world.at(x.start), self.world.at(x.end)) for x in self.period.split("month"))


def true_value(
    indicator: str,
    period: Period | str,
    *,
    cache: Path,
    months: int = 36,
    as_of: date = date(2025, 12, 31),
    customers: int = 5000,
    company: Company | None = None,
    where: Mapping[str, str] | None = None,
    **assumptions: float,
) -> float:
    """The true value of ``indicator`` in ``period``, in the units of the catalogue (shares as fractions).

    ``cache`` is a folder that the large simulation is kept in (80 MB; half a minute the first time).
    ``customers`` scales totals (``backlog``) and nothing else. ``where`` narrows to customers with these
    attributes: ``region``, ``customer_type``, ``acquired_channel``. ``assumptions`` are the indicator's own,
    such as ``within_days``, ``window_days``, ``grace_days``, ``lag_months``, ``quantile``, ``top``.

    What comes after ``as_of`` is unknown in the truth as it is in the data: subscriptions that end or start
    again on the days after it make the last month's churn provisional in both.
    """
    if indicator not in INDICATORS:
        raise SettingsError(f"No true value is known for '{indicator}'. {nearest(indicator, INDICATORS)}")
    world = World.of(
        seed=LARGE_SEED,
        customers=LARGE,
        months=months,
        as_of=as_of,
        company=replace(company or Company(), test_account_share=0.0),
    )
    question = Question(Population(world, Path(cache), dict(where or {})), Period.parse(period), customers)
    return float(INDICATORS[indicator](question, **assumptions))


def within(frame: pd.DataFrame, column: str, start: float, end: float) -> pd.DataFrame:
    """The rows whose time lies in [start, end)."""
    return frame[(frame[column] >= start) & (frame[column] < end)]


def _latest(question: Question, item: int) -> pd.Series:
    rows = question.population.rows("answers")
    rows = within(rows[rows["item"] == item], "t", question.start, question.end)
    return rows.sort_values("t").groupby("customer")["value"].last()


def csat_mean(question: Question) -> float:
    """Mean of the last answers, 1 to 5."""
    return _latest(question, 0).mean()


def csat_top2(question: Question, *, top: int = 2) -> float:
    """Share of the last answers among the best."""
    return (_latest(question, 0) > 5 - top).mean()


def nps(question: Question, *, promoter_from: int = 9, detractor_to: int = 6) -> float:
    """Promoters minus detractors among the last answers, -100 to 100."""
    values = _latest(question, 1)
    return 100 * ((values >= promoter_from).mean() - (values <= detractor_to).mean())


def repeat_purchase_rate(question: Question, *, within_days: int = 90) -> float:
    """Of those first ordering a window before the period, the share with an order on a later day in it."""
    orders = question.population.rows("orders")
    first = orders.groupby("customer")["day"].transform("min")
    new = first.between(question.start - within_days, question.end - within_days, inclusive="left")
    gap = (orders["day"] - first)[new]
    return ((gap > 0) & (gap <= within_days)).groupby(orders["customer"][new]).any().mean()


def inactivity_rate(question: Question, *, window_days: int = 90, base_days: int = 365) -> float:
    """Of those who ordered in the base, the share without an order in the window before the period's end."""
    orders, edge = question.population.rows("orders"), question.end - window_days
    base = within(orders, "day", edge - base_days, edge)["customer"].unique()
    lately = within(orders, "day", edge, question.end)["customer"].unique()
    return 1 - np.isin(base, lately).mean()


def revenue_per_customer(question: Question) -> float:
    """Net amount less refunds, over the customers who ordered."""
    orders = within(question.population.rows("orders"), "day", question.start, question.end)
    return orders["value"].sum() / orders["customer"].nunique()


def churn_rate(question: Question, *, grace_days: int = 30) -> float:
    """Customer-months begun with a subscription that end without one, and without one within the grace."""
    held = question.population.rows("subscriptions")
    ends = held["end"].fillna(np.inf)
    lost = months = 0
    for first, following in question.months:
        at_start = held["customer"][(held["start"] <= first) & (ends >= first)].unique()
        stays = held["customer"][(held["start"] <= following + grace_days) & (ends >= following)].unique()
        months += len(at_start)
        lost += len(at_start) - np.isin(at_start, stays).sum()
    return lost / months


def first_response_time(question: Question, *, quantile: float = 0.5) -> float:
    """Kaplan-Meier quantile of the hours to the first response; spam left out."""
    tickets = question.population.rows("tickets")
    tickets = within(tickets[tickets["type"] != "spam"], "created", question.start, question.end)
    answered = tickets["first_response"].notna().to_numpy()
    until = tickets["first_response"].fillna(question.world.days).to_numpy()
    hours = 24 * (until - tickets["created"].to_numpy())
    order = np.lexsort((~answered, hours))
    waiting = len(hours) - np.arange(len(hours))
    left = np.exp(np.cumsum(np.where(answered[order], np.log1p(-1 / np.maximum(waiting, 1.5)), 0.0)))
    return hours[order][np.argmax(left <= 1 - quantile)]


def backlog(question: Question) -> float:
    """Expected number of tickets not resolved at the end of the period; spam left out."""
    tickets = question.population.rows("tickets")
    waits = (tickets["created"] < question.end) & ~(tickets["resolved"] < question.end) & (tickets["type"] != "spam")
    return waits.sum() * question.customers / LARGE


def overdue_ratio(question: Question) -> float:
    """Of the amounts open at the end of the period, the share past due."""
    invoices, payments = question.population.rows("invoices"), question.population.rows("payments")
    paid = payments[payments["paid"] < question.end].groupby("invoice")["amount"].sum()
    issued = invoices[invoices["issued"] < question.end]
    left = issued["amount"] - issued["invoice"].map(paid).fillna(0)
    left -= issued["written_off_amount"].where(issued["written"] < question.end, 0.0)
    return left[issued["due"] < question.end].sum() / left.sum()


def cac(question: Question, *, lag_months: int = 1) -> float:
    """Closed form: spend is fixed, the number of new customers is Poisson with a known mean."""
    if question.population.where:
        raise SettingsError("Spend belongs to no customer: cost per customer has no truth by attribute.")
    expected = people.arrivals(question.world)
    spend = finance.spend_table(question.world, expected)
    since, until = (pd.Timestamp(add_months(day, -lag_months)) for day in (question.period.start, question.period.end))
    paid = spend["period"].between(since, until, inclusive="left") & (spend["category"] == "acquisition")
    return spend["amount"][paid].sum() / expected.customers[question.start : question.end].sum()


def lead_conversion_rate(question: Question, *, within_days: int = 90) -> float:
    """Closed form: the share that ever converts on each day, times the share of delays within the window."""
    if question.population.where:
        raise SettingsError("Leads are not customers yet: their conversion has no truth by attribute.")
    company, expected = question.world.company, people.arrivals(question.world)
    day = np.arange(question.start - within_days, question.end - within_days)
    weight = expected.leads[day + expected.burn_in]
    return np.average(people.conversion(company, day), weights=weight) * people.delay_within(company, within_days)


def _at_risk(question: Question, active_days: int) -> pd.DataFrame:
    """The customers active in the period, by number: ``t`` (when they were won) and ``days`` (at risk).

    Active is who was won or ordered in it or in so many days before its end, or was subscribed on one of its days.
    """
    world = question.population
    since = min(question.start, question.end - active_days)
    arrivals, held = world.rows("arrivals"), world.rows("subscriptions")
    subscribed = (held["start"] < question.end) & ~(held["end"] < question.start)
    active = [
        within(arrivals, "t", since, question.end)["customer"],
        within(world.rows("orders"), "day", since, question.end)["customer"],
        held["customer"][subscribed],
    ]
    there = arrivals[(arrivals["t"] < question.end) & arrivals["customer"].isin(pd.concat(active))].set_index(
        "customer"
    )
    # the first day is counted whole
    return there.assign(days=question.end - np.floor(there["t"]).clip(lower=question.start))


def complaint_rate(question: Question, *, active_days: int = 365) -> float:
    """Complaints of the active over their months; who complains leaves sooner, so that both are counted."""
    there, tickets = _at_risk(question, active_days), question.population.rows("tickets")
    complaints = within(tickets[tickets["type"] == "complaint"], "created", question.start, question.end)
    return 100 * complaints["customer"].isin(there.index).sum() / (there["days"].sum() / DAYS_IN_MONTH)


def interaction_frequency(question: Question, *, active_days: int = 365) -> float:
    """The events expected of the active, over their months: how often somebody is in touch hangs on nothing else.

    A customer is in touch from the time of acquisition on: half of the first day, on average, which is counted whole.
    """
    if "acquired_channel" in question.population.where:
        raise SettingsError("The true frequency of interactions is not known by channel.")
    company, there = question.world.company, _at_risk(question, active_days)
    grown = np.exp(
        company.contacts_growth_per_year
        * question.world.years_since_2025(np.arange(question.start, question.end) + 0.5)
    )
    until = np.concatenate([[0.0], np.cumsum(grown)])
    begin = np.clip(there["t"] - question.start, 0, None)
    events = until[-1] - np.interp(begin, np.arange(len(until)), until)
    return company.contacts_per_month * events.sum() / there["days"].sum()


INDICATORS: dict[str, Callable[..., float]] = {
    function.__name__: function
    for function in (
        csat_mean, csat_top2, nps, repeat_purchase_rate, inactivity_rate, revenue_per_customer, churn_rate,
        first_response_time, backlog, overdue_ratio, cac, lead_conversion_rate, complaint_rate,
        interaction_frequency,
    )
}  # fmt: skip
"""The indicators whose true value is known."""
