"""What the chapter on RFM shows: scores at the end of the period and before it, moves between, and what came next."""

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from crmtools.errors import DataError
from crmtools.period import Period
from crmtools.remembered import remembered
from crmtools.rfm.moves import Moves, moves
from crmtools.rfm.next_period import next_period
from crmtools.rfm.scores import Rfm, rfm
from crmtools.shown import Shown
from crmtools.tables.source import Data


@dataclass(frozen=True, slots=True, eq=False)
class Study(Shown):
    """Scores at the end of the data; ``earlier``, those on the day before the report's ``period``; what the members did in it.

    ``moves`` lead from there to the end of the period. ``earlier``, ``moves`` and ``behaviour`` are None where nobody had bought before the period.
    """

    now: Rfm
    period: Period
    level: float
    earlier: Rfm | None = None
    moves: Moves | None = None
    behaviour: pd.DataFrame | None = None

    @property
    def totals_known(self) -> bool:
        """Whether the segments at the end of the moves are those that ``now`` counts."""
        same = self.earlier is not None and self.earlier.thresholds.equals(self.now.thresholds)
        return same and self.moves is not None and self.moves.later == self.now.as_of


@remembered("report", "rfm", "publish")
def study(data: Data) -> Study:
    """Score with the cut points and the window of the parameters file; needs the table orders.

    The moves are judged by the cut points of the earlier date, so that nobody moves because others bought; the scores at the
    end are cut anew.
    """
    settings, period = data.settings.rfm, data.settings.report.period
    level = data.settings.report.confidence
    cuts = {name: points for name, points in settings.cuts if points is not None}
    orders, last = data["orders"], period.last_day

    def since(day: date) -> date | None:
        return day - timedelta(days=settings.window_days - 1) if settings.window_days else None

    now = rfm(orders, as_of=data.as_of, since=since(data.as_of), cuts=cuts)
    before = period.start - timedelta(days=1)
    try:
        earlier = rfm(orders, as_of=before, since=since(before), cuts=cuts)
    except DataError:
        return Study(now, period, level)
    later = rfm(orders, as_of=last, since=since(last), like=earlier)
    behaviour = next_period(earlier, orders, until=last, level=level)
    return Study(now, period, level, earlier, moves(earlier, later), behaviour)
