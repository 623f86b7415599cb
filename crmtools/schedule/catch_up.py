"""The periods that a schedule missed: those that are over since the last published one."""

import json
from datetime import date
from pathlib import Path

from crmtools.asked import known_on, last_over
from crmtools.errors import CRMError
from crmtools.period import MONTHS_IN, Period
from crmtools.settings import Settings
from crmtools.tables.source import Data


def missed(settings: Settings, *, today: date | None = None) -> tuple[Period, ...]:
    """The periods to run, earliest first: after the last published one, or from the file's own where none is; none when
    all is done.
    """
    last, step = last_over(settings, today=today), MONTHS_IN[settings.report.period.kind]
    published = last_published(settings.root, settings.name, settings.report.period.kind)
    period = settings.report.period if published is None else published.shift(step)
    found = []
    while period <= last:
        found.append(period)
        period = period.shift(step)
    return tuple(found)


def last_published(root: Path, report: str, kind: str) -> Period | None:
    """The latest period of which a run of the report was published, as far as runs are kept."""
    found = []
    for folder in (root / "runs").glob("[0-9]*T*-*"):
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            if manifest["report"] != report or not manifest["ended"].startswith("published"):
                continue
            period = Period.parse(json.loads((folder / "results.json").read_text(encoding="utf-8"))["period"])
        except (OSError, ValueError, KeyError, TypeError, CRMError):
            continue  # not a run, or not a whole one
        if period.kind == kind:
            found.append(period)
    return max(found, default=None)


def reason_to_wait(settings: Settings, data: Data, period: Period) -> str:
    """Why a period cannot be reported yet: the data end before it does; empty when they do not.

    A day without a single row of any table at the end of a period is possible; a period without one is not.
    """
    last = data.door.last
    if last >= str(period.start):
        return ""
    until = f"end on {last}" if last else "have no dates"
    return f"{period.id} waits: the data {until}, its own begin on {period.start} (known until {known_on(settings, period)})."
