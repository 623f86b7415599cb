"""Small companies and goals for the questions of SMART."""

from functools import cache

import numpy as np
import pandas as pd

import crmtools as crm
from crmtools.goal_settings import GoalSettings
from crmtools.goals.goal import goal_from
from crmtools.goals.smart import Smart

TABLES = ("customers", "survey_answers", "survey_items", "tickets", "orders", "subscriptions", "spend", "fx_rates")


def goal(**settings):
    usual = {"indicator": "csat_top2", "baseline": "2024-12", "from": "2025-01-01", "by": "2025-12-31"}
    if settings.get("kind") in ("establish_baseline", "stay_above", "stay_below", "range"):
        usual["baseline"] = None
    return goal_from(GoalSettings.model_validate(usual | settings))


def answered(months, *, last="2024-12", south=0) -> crm.Data:
    """Customers asked once: (satisfied, asked) of each month up to the last one; csat of 1 to 5. So many live in the south."""
    return _answered(tuple(months), last, south)


@cache
def _answered(months, last, south):
    firsts = pd.period_range(end=last, periods=len(months), freq="M")
    rows = [
        (f"{month}-{n}", month.start_time + pd.Timedelta(days=9), 5.0 if n < good else 1.0, n)
        for month, (good, size) in zip(firsts, months, strict=True)
        for n in range(size)
    ]
    answers = pd.DataFrame(rows, columns=["customer_id", "answered_at", "value", "n"])
    people = answers[["customer_id", "n"]].drop_duplicates("customer_id")
    people["region"] = np.where(people.pop("n") < south, "south", "north")
    return crm.open(
        customers=people,
        survey_answers=answers.drop(columns="n").assign(response_id=range(len(answers)), item_id="q"),
        survey_items=pd.DataFrame([{"item_id": "q", "metric": "csat", "scale_min": 1, "scale_max": 5}]),
        as_of=firsts[-1].end_time.date(),
    )


def waiting(counts, *, last="2024-12") -> crm.Data:
    """Tickets that are open over the end of a month, so many at the end of each."""
    firsts = pd.period_range(end=last, periods=len(counts), freq="M")
    opened = [month.start_time + pd.Timedelta(days=4) for month, count in zip(firsts, counts) for _ in range(count)]
    tickets = pd.DataFrame({"created_at": opened, "ticket_id": range(len(opened)), "type": "question"})
    tickets["resolved_at"] = (tickets.created_at + pd.DateOffset(months=1)).where(
        tickets.created_at < firsts[-1].start_time
    )
    return crm.open(tickets=tickets.assign(customer_id="k1"), as_of=firsts[-1].end_time.date())


def check(found: Smart, key: str):
    return next(one for one in found.checks if one.key == key)


def passed(found: Smart) -> dict[str, bool | None]:
    return {one.key: one.passed for one in found.checks}
