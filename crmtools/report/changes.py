"""What is new in a report: the page "Changes since the last report" and what the summary says of it are made from this.

The same history and the same data give the same changes: a run that only repeats an earlier one is not an earlier report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from crmtools.estimate import Estimate
from crmtools.report.compare import Comparison, compare
from crmtools.report.differences import Moved
from crmtools.report.history import goal_rows, read_goals, read_history, rows_of
from crmtools.report.marks import Marks
from crmtools.report.ran import Ran, run_in
from crmtools.report.revisions import Earlier, Revision, revisions, since_last


@dataclass(frozen=True, slots=True)
class Changes:
    """The report before this one and what moved since; numbers published earlier that are others now.

    ``earlier`` and ``compared`` are None in a first report. ``differs`` names which marks of the two differ: data, reading,
    code; ``redefined`` the indicators whose definition does.
    """

    earlier: Earlier | None
    compared: Comparison | None
    revised: tuple[Revision, ...]
    differs: tuple[str, ...] = ()
    redefined: tuple[str, ...] = ()

    @property
    def headlines(self) -> tuple[Moved, ...]:
        """What the two reports say of all customers."""
        return self.earlier.headlines if self.earlier else ()

    @property
    def groups(self) -> tuple[Moved, ...]:
        """What the two reports say of groups of customers."""
        return tuple(one for one in self.earlier.moved if one.group) if self.earlier else ()


def changes(
    root: Path,
    report: str,
    *,
    run_id: str,
    run_at: datetime,
    estimates: Sequence[Estimate],
    readings: Sequence[Mapping[str, Any]],
    definitions: Mapping[str, str],
    marks: Marks | None,
    smallest: int,
) -> Changes:
    """What is new in a run, given the history of its report; ``definitions`` are marks by indicator.

    Raises RunError when the history cannot be read.
    """
    history, goals = read_history(root, report), read_goals(root, report)
    present = rows_of(estimates, run_id=run_id, run_at=run_at, definitions=definitions, marks=marks)
    earlier = since_last(history, present, smallest=smallest)
    revised = revisions(history, present, smallest=smallest)
    if earlier is None:
        return Changes(None, None, revised)
    before = run_in(history, goals, report, earlier.run_id)
    read = goal_rows(readings, run_id=run_id, run_at=run_at, marks=marks)
    compared = compare(before, Ran(run_id, report, run_at, present, read, whole=False), smallest=smallest)
    return Changes(earlier, compared, revised, _differs(before.rows, present), _redefined(before.rows, present))


def _differs(before: pd.DataFrame, now: pd.DataFrame) -> tuple[str, ...]:
    """The marks of whole runs that are known and differ."""
    pairs = {name: (before[name].iloc[0], now[name].iloc[0]) for name in ("data", "reading", "code")}
    return tuple(name for name, (one, other) in pairs.items() if one and other and one != other)


def _redefined(before: pd.DataFrame, now: pd.DataFrame) -> tuple[str, ...]:
    old, new = (dict(zip(run["indicator"], run["definition"])) for run in (before, now))
    return tuple(sorted(name for name in old if old[name] and new.get(name) and old[name] != new[name]))
