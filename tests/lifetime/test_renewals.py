"""Subscriptions as counts of renewals: against a day-by-day reading in plain Python, and Kaplan-Meier against statsmodels."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from crmtools.errors import DataError
from crmtools.lifetime import Renewals, ShiftedBetaGeo, count_renewals

AS_OF = date(2025, 6, 15)


def table(rows) -> ibis.Table:
    frame = pd.DataFrame(rows, columns=["customer_id", "started_at", "ended_at"])
    frame["started_at"] = pd.to_datetime(frame["started_at"])
    frame["ended_at"] = pd.to_datetime(frame["ended_at"])
    made = ibis.memtable(frame)
    return made.mutate(started_at=made.started_at.date(), ended_at=made.ended_at.date())


def months_later(day: date, months: int) -> date:
    return (pd.Timestamp(day) + pd.DateOffset(months=months)).date()


def by_day(rows, grace: int, step: int) -> dict[tuple[int, bool], int]:
    """Every customer alone: first end that nothing carries on, renewals one by one on their anniversaries."""
    counts: dict[tuple[int, bool], int] = {}
    for customer in {row[0] for row in rows}:
        own = [(start, end or date(9999, 12, 31)) for who, start, end in rows if who == customer]
        born = min(start for start, _ in own)
        ends = sorted(end for _, end in own if end.year < 9999)
        final = [
            end for end in ends
            if not any(start <= end + timedelta(days=grace) and until > end for start, until in own)
        ]  # fmt: skip
        renewals, lost = 0, False
        while True:
            anniversary = months_later(born, step * (renewals + 1))
            if anniversary - timedelta(days=1) + timedelta(days=grace) > AS_OF:
                break
            if final and final[0] < anniversary:
                lost = True
                break
            renewals += 1
        counts[renewals, lost] = counts.get((renewals, lost), 0) + 1
    return counts


@pytest.mark.parametrize(("per", "step"), [("month", 1), ("quarter", 3), ("year", 12)])
@pytest.mark.parametrize("grace", [0, 30])
def test_counts_equal_a_reading_day_by_day(rng, per, step, grace):
    rows = []
    for number in range(250):
        # days of the month up to 28: every month has them, so that anniversaries are no matter of taste
        start = date(2023, 1, 1) + timedelta(days=int(rng.integers(0, 800)))
        start = start.replace(day=min(start.day, 28))
        for _ in range(int(rng.integers(1, 4))):
            months = int(rng.integers(1, 15))
            end = months_later(start, months) - timedelta(days=1 + int(rng.integers(0, 2)))
            rows.append((f"c{number}", start, end if end <= AS_OF and rng.random() < 0.9 else None))
            start = end + timedelta(days=int(rng.integers(-20, 60)))
            if start > AS_OF:
                break
    found = count_renewals(table(rows), as_of=AS_OF, per=per, grace_days=grace)
    counted = {
        (row.renewals, row.lost): row.customers for row in found.counts.itertuples()
    }  # fmt: skip
    assert counted == by_day(rows, grace, step)
    assert found.customers == len({row[0] for row in rows})


def test_an_end_on_the_eve_of_a_renewal_is_lost_at_it():
    rows = [
        ("eve", date(2025, 1, 10), date(2025, 2, 9)),
        ("day", date(2025, 1, 10), date(2025, 2, 10)),
        ("on", date(2025, 1, 10), None),
        ("back", date(2025, 1, 10), date(2025, 2, 9)), ("back", date(2025, 3, 1), None),
        ("young", date(2025, 6, 1), date(2025, 6, 10)),
    ]  # fmt: skip
    found = count_renewals(table(rows), as_of=AS_OF, grace_days=30)
    # four renewals from 10 February are over with their grace on 15 June; "young" has none yet
    assert sorted(found.counts.itertuples(index=False, name=None)) == [
        (0, False, 1),
        (0, True, 1),
        (1, True, 1),
        (4, False, 2),
    ]
    assert (found.customers, found.lost, found.still_there) == (5, 2, {0: 1, 4: 2})


def test_survival_equals_statsmodels():
    rows = [(0, True, 12), (1, False, 5), (1, True, 9), (3, True, 4), (3, False, 6), (6, False, 20)]
    counts = pd.DataFrame(rows, columns=["renewals", "lost", "customers"])
    table = Renewals(counts, "month", AS_OF, 30).survival()
    times, events = [], []
    for renewals, lost, n in rows:
        times += [renewals + lost] * n
        events += [int(lost)] * n
    other = SurvfuncRight(np.array(times), np.array(events))
    theirs = dict(zip(other.surv_times, other.surv_prob))
    errors = dict(zip(other.surv_times, other.surv_prob_se))
    for t in (1, 2, 4):
        assert table["value"].loc[t] == pytest.approx(theirs[t])
        s, se = theirs[t], errors[t]
        half = 1.959963984540054 * se / (s * abs(np.log(s)))
        assert table["low"].loc[t] == pytest.approx(s ** np.exp(half), rel=1e-6)
        assert table["high"].loc[t] == pytest.approx(s ** np.exp(-half), rel=1e-6)
    assert table["at_risk"].tolist() == [56, 56, 39, 30, 24, 20, 20]


def test_the_fit_to_censored_customers_finds_the_parameters_that_made_them(rng):
    alpha, beta, rows = 1.2, 6.0, []
    start = date(2022, 1, 1)
    for number in range(3000):
        begun = start + timedelta(days=int(rng.integers(0, 1200)))
        begun = begun.replace(day=min(begun.day, 28))
        left = int(rng.geometric(rng.beta(alpha, beta)))
        end = months_later(begun, min(left, 600)) - timedelta(days=1)
        rows.append((f"c{number}", begun, end if end <= AS_OF else None))
    found = count_renewals(table(rows), as_of=AS_OF, grace_days=10)
    limits = ShiftedBetaGeo.fit(found.counts).summary(level=0.999)
    assert (limits["low"] < [alpha, beta]).all()
    assert (limits["high"] > [alpha, beta]).all()


def test_nobody_under_contract_is_said():
    with pytest.raises(DataError, match="Nobody"):
        count_renewals(table([("a", date(2026, 1, 1), None)]), as_of=AS_OF)
