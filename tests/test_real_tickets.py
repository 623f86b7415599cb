"""Indicators of tickets on a real audit log: 24,918 incidents of an IT company (Amaral, Fantinato & Peres 2018, UCI 498)."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from by_hand import rows, wilson
from statsmodels.duration.survfunc import SurvfuncRight

import crmtools as crm

EVERYTHING, AFTER = "2016-01-01..2017-03-31", date(2017, 3, 31)
NO_CALLER = 3
"""Incidents without a caller, the only ones that are left out: no customer, no row."""


@pytest.fixture(scope="module")
def incidents(shared_data) -> pd.DataFrame:
    """The last event of each incident."""
    file = shared_data / "tickets_incident_uci" / "incident_event_log.csv.gz"
    events = pd.read_csv(file, dtype="string", na_values="?", keep_default_na=False)
    last = events.groupby("number").tail(1).reset_index(drop=True)
    for column in ("opened_at", "resolved_at", "closed_at"):
        last[column] = pd.to_datetime(last[column], format="%d/%m/%Y %H:%M")
    return last.assign(reopened=last["reopen_count"].astype(int), made_sla=last["made_sla"] == "true")


@pytest.fixture(scope="module")
def known(incidents) -> pd.DataFrame:
    """The incidents with a caller; ``done`` is when each was resolved, or closed where that is missing."""
    done = incidents["resolved_at"].fillna(incidents["closed_at"])
    return incidents.assign(done=done)[incidents["caller_id"].notna()].reset_index(drop=True)


@pytest.fixture(scope="module")
def data(known) -> crm.Data:
    # the log says whether the promise was kept, not what it was: a due time that gives the flag back tests how tickets are
    # counted and clustered by caller, and says nothing about real due times
    due = known["done"].where(known["made_sla"], known["done"] - pd.Timedelta(minutes=1))
    tickets = pd.DataFrame(
        {
            "ticket_id": known["number"],
            "customer_id": known["caller_id"],
            "created_at": known["opened_at"],
            "resolved_at": known["resolved_at"],
            "closed_at": known["closed_at"],
            "due_at": due,
            "reopened_count": known["reopened"],
            "priority": known["priority"],
            "channel": known["contact_type"],
            "category": known["category"],
        }
    )
    return crm.open(tickets=tickets, as_of=AFTER)


def test_the_log_is_the_published_one(incidents) -> None:
    assert len(incidents) == 24_918
    assert incidents["made_sla"].sum() == 15_803  # 63.4 %
    assert (incidents["reopened"] > 0).sum() == 275  # 1.10 %


def test_what_is_left_out(incidents, known) -> None:
    """No incident ends before it begins; one in sixteen was closed without ever being resolved, and counts as done then."""
    assert len(incidents) - len(known) == NO_CALLER
    assert (incidents["opened_at"] > incidents[["resolved_at", "closed_at"]].min(axis=1)).sum() == 0
    assert incidents["closed_at"].notna().all()
    assert incidents["resolved_at"].isna().sum() == 1_556


@pytest.mark.parametrize("name", ["sla_attainment", "reopen_rate"])
def test_shares_count_what_pandas_counts(data, known, name) -> None:
    flags = known["made_sla"] if name == "sla_attainment" else known["reopened"] > 0
    found = crm.measure(name, data, period=EVERYTHING)
    assert (found.numerator, found.denominator, found.rows) == (flags.sum(), len(known), 24_918 - NO_CALLER)
    assert found.n == known["caller_id"].nunique()
    limits = wilson(rows(known["caller_id"], flags))
    assert (found.low, found.high) == pytest.approx(limits, rel=1e-6)


@pytest.mark.parametrize("quantile", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("day", [date(2016, 3, 31), date(2016, 5, 31)], ids=str)
def test_resolution_time_with_tickets_still_open(data, known, day, quantile) -> None:
    """Opened in the month that ends on the day; what was not done by then waits on."""
    now = pd.Timestamp(day) + pd.Timedelta(days=1)
    month = known[(known["opened_at"] >= now - pd.DateOffset(months=1)) & (known["opened_at"] < now)]
    ended = (month["done"] < now).to_numpy()
    hours = (month["done"].where(ended, now) - month["opened_at"]).dt.total_seconds() / 3600
    found = crm.measure("resolution_time", data.at(day), period=f"{day:%Y-%m}", quantile=quantile)
    assert 100 < (~ended).sum() < len(month) / 2
    assert (found.numerator, found.denominator) == (ended.sum(), len(month))
    assert found.value == SurvfuncRight(hours, ended.astype(int)).quantile(quantile)
    if quantile == 0.5:
        assert np.median(hours[ended]) < 0.85 * found.value, "those that are done with are the quick ones"
