"""Looking back over the history of a report: the report before this one, and numbers that were revised since."""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

import pandas as pd

from crmtools.indicators import CATALOGUE
from crmtools.report.differences import (
    Key,
    Moved,
    Row,
    Why,
    hidden_groups_of,
    moved_between,
    number,
    records,
    same,
    why_revised,
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The report before this one: its run, when it was made, its period and day, and what moved since."""

    run_id: str
    run_at: datetime
    period: str
    as_of: date
    moved: tuple[Moved, ...]

    @property
    def headlines(self) -> tuple[Moved, ...]:
        """What moved for all customers."""
        return tuple(one for one in self.moved if not one.group)


@dataclass(frozen=True, slots=True)
class Step:
    """A run that said otherwise what an earlier one had said, and why."""

    run_id: str
    run_at: datetime
    before: float
    now: float
    why: Why
    matured: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """A number that was published and is another one now: the same indicator, group and period."""

    indicator: str
    group: str
    period: str
    first: float
    first_run: str
    first_at: datetime
    now: float
    steps: tuple[Step, ...]
    currency: str = ""

    @property
    def why(self) -> Why:
        """What all its steps are laid to."""
        causes = tuple(dict.fromkeys(cause for step in self.steps for cause in step.why.causes))
        return Why(causes, all(step.why.apart for step in self.steps))


def since_last(history: pd.DataFrame, present: pd.DataFrame, *, smallest: int) -> Earlier | None:
    """The published report before this one, and what moved since; None where there is none.

    ``present`` are the rows of this run. The report before is the newest one about an earlier day; where there is none, the
    newest about the same day that says something else: who runs a report twice still reads what changed since last month.
    Backfilled runs were never published.
    """
    if present.empty:
        return None
    published = _published(history, present)
    day = present["as_of"].max()
    runs = published.drop_duplicates("run_id")
    for candidates in (runs[runs["as_of"] < day], runs[runs["as_of"] == day]):
        if len(candidates):
            last = candidates.sort_values(["as_of", "run_at", "run_id"], kind="stable").iloc[-1]
            rows = published[published["run_id"] == last["run_id"]]
            moved = tuple(moved_between(rows, present, smallest=smallest))
            period = str(last["report_period"] or last["period"])
            return Earlier(last["run_id"], last["run_at"].to_pydatetime(), period, last["as_of"].date(), moved)
    return None


def revisions(history: pd.DataFrame, present: pd.DataFrame | None = None, *, smallest: int) -> tuple[Revision, ...]:
    """Numbers that were published and are others now, latest period first.

    ``present`` are the rows of a run that is not in the history yet. Runs count in the order in which they were made; a group
    that any of them hides is left out.
    """
    present = history.iloc[:0] if present is None else present
    frames = [frame for frame in (_published(history, present), present) if len(frame)]
    if not frames:
        return ()
    rows = pd.concat(frames, ignore_index=True)
    rows = rows[rows["indicator"].isin(list(CATALOGUE))]
    order = rows.drop_duplicates("run_id")["run_id"].tolist()
    found = []
    for period, of_period in rows.groupby("period", sort=False):
        runs: dict[str, dict[Key, Row]] = {run: {} for run in order}
        for row in records(of_period):
            runs[row["run_id"]][row["indicator"], row["group"]] = row
        hidden = hidden_groups_of(runs.values(), smallest)
        for key in dict.fromkeys(key for run in runs.values() for key in run):
            said = [run[key] for run in runs.values() if key in run]
            if key not in hidden and (revision := _revision(*key, str(period), said)):
                found.append((of_period["period_start"].iloc[0], revision))
    places = list(CATALOGUE)
    found.sort(key=lambda one: (one[1].group, places.index(one[1].indicator)))
    return tuple(one for _, one in sorted(found, key=lambda one: one[0], reverse=True))


def _published(history: pd.DataFrame, present: pd.DataFrame) -> pd.DataFrame:
    """The published runs that say something else than the present one, and this one itself left out."""
    found = history[~history["backfilled"]]
    if len(present):
        found = found[found["run_id"] != present["run_id"].iloc[0]]
        if edition := present["edition"].iloc[0]:
            found = found[found["edition"] != edition]
    return found


def _revision(indicator: str, group: str, period: str, said: list[Row]) -> Revision | None:
    known = [(row, value) for row in said if (value := number(row["value"])) is not None]
    steps = []
    for (before, then), (after, now) in pairwise(known):
        why = why_revised(before, after)
        if why.causes:
            maturity = number(before["maturity"])
            matured = maturity is not None and maturity < 1
            steps.append(Step(after["run_id"], after["run_at"].to_pydatetime(), then, now, why, matured))
    if not steps:
        return None
    (row, first), (latest, last) = known[0], known[-1]
    if same(first, last):
        return None
    made, currency = row["run_at"].to_pydatetime(), latest["currency"]
    return Revision(indicator, group, period, first, row["run_id"], made, last, tuple(steps), currency)
