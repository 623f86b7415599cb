"""From subscriptions to counts of renewals: how many customers faced each one, and how many were lost at it.

Time is counted in whole periods from a customer's first day. A customer is lost when a subscription ends and none runs on, nor
begins within the grace; who comes back later stays lost here. A customer counts up to the last renewal that is over for good,
grace included, so that nobody counts as staying whose silence is too young to tell.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import ibis
import numpy as np
import pandas as pd
from scipy.special import ndtri

from crmtools.errors import DataError
from crmtools.lifetime.occasions import check_choice, fetch
from crmtools.shown import Shown

Per = Literal["month", "quarter", "year"]
MONTHS: dict[Per, int] = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True, eq=False)
class Renewals(Shown):
    """Customers under contract by renewals survived.

    ``counts`` has the rows that ``ShiftedBetaGeo.fit`` takes: renewals (survived), lost, customers. Those who
    have not come to their first renewal yet are in it with 0.
    """

    counts: pd.DataFrame
    per: Per
    as_of: date
    grace_days: int

    @property
    def customers(self) -> int:
        """All of them."""
        return int(self.counts["customers"].sum())

    @property
    def lost(self) -> int:
        """Those lost."""
        return int(self.counts.loc[self.counts["lost"], "customers"].sum())

    @property
    def still_there(self) -> dict[int, int]:
        """Customers by renewals survived, of those not lost."""
        left = self.counts[~self.counts["lost"]]
        return {int(age): int(n) for age, n in zip(left["renewals"], left["customers"])}

    def survival(self, *, level: float = 0.95) -> pd.DataFrame:
        """Share left after t renewals (Kaplan & Meier 1958): indexed by t from 0: at_risk, lost, value, low, high.

        at_risk are those who faced renewal t. Limits by Greenwood's variance on the log(-log) scale; NaN where nobody has
        been lost yet or nobody is left.
        """
        renewals, lost, n = (self.counts[name].to_numpy() for name in ("renewals", "lost", "customers"))
        faced = np.bincount(renewals + lost, weights=n)
        at_risk = faced[::-1].cumsum()[::-1]
        gone = np.bincount(renewals + lost, weights=n * lost, minlength=len(at_risk))
        gone[0] = 0.0
        value = np.cumprod(1 - gone / at_risk)
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = np.cumsum(gone / (at_risk * (at_risk - gone)))
            reach = np.exp(ndtri(0.5 + level / 2) * np.sqrt(variance) / np.abs(np.log(value)))
            low, high = value**reach, value ** (1 / reach)
        table = pd.DataFrame({"at_risk": at_risk, "lost": gone, "value": value, "low": low, "high": high})
        between = (table["value"] > 0) & (table["value"] < 1)
        table[["low", "high"]] = table[["low", "high"]].where(between)
        return table.astype({"at_risk": "int64", "lost": "int64"}).rename_axis("t")


def count_renewals(subscriptions: ibis.Table, *, as_of: date, per: Per = "month", grace_days: int = 30) -> Renewals:
    """Counted on the engine from customer_id, started_at and ended_at (last day of service, empty while it runs).

    Raises DataError when nobody has a subscription.
    """
    check_choice("per", per, Per)
    table = subscriptions.select("customer_id", "started_at", "ended_at")
    table = table.filter(table.customer_id.notnull() & table.started_at.notnull() & (table.started_at <= as_of))
    # an end counts where no other subscription of the customer carries on
    other = table.select(
        other_id="customer_id", begun="started_at", until=table.ended_at.fill_null(ibis.date(9999, 12, 31))
    )
    ends = table.filter(table.ended_at.notnull()).select("customer_id", "ended_at").distinct()
    carried = ends.semi_join(
        other,
        [
            ends.customer_id == other.other_id,
            other.begun <= ends.ended_at + ibis.interval(days=grace_days),
            other.until > ends.ended_at,
        ],
    )
    final = ends.anti_join(carried, ["customer_id", "ended_at"])
    lost = final.group_by("customer_id").agg(end=final.ended_at.min())
    born = table.group_by("customer_id").agg(born=table.started_at.min())
    one = born.left_join(lost, "customer_id").select("born", "end")
    months = MONTHS[per]
    known = _whole_months(one.born, ibis.literal(as_of - timedelta(days=grace_days - 1))) // months
    # whose last day is the eve of an anniversary has not survived the renewal on it
    at = _whole_months(one.born, one.end) // months
    gone = (at < known).fill_null(False)
    one = one.mutate(renewals=ibis.greatest(ibis.ifelse(gone, at, known), ibis.literal(0)).cast("int64"), lost=gone)
    counts = fetch(one.group_by("renewals", "lost").agg(customers=one.count())).sort_values(["renewals", "lost"])
    if counts.empty:
        raise DataError(f"Nobody has a subscription that began up to {as_of}.")
    return Renewals(counts.reset_index(drop=True), per, as_of, grace_days)


def _whole_months(first: ibis.Value, last: ibis.Value) -> ibis.Value:
    """Anniversaries up to ``last``, that day included: on the eve of the first one, none."""
    begun = (last.year() - first.year()) * 12 + last.month() - first.month()
    return begun - (last.day() < first.day()).cast("int64")
