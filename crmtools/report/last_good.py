"""What a page without results showed when it last had some: the value, and the day of the report it stood in."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd

from crmtools import formats
from crmtools.errors import RunError
from crmtools.indicators import CATALOGUE
from crmtools.period import Period
from crmtools.report.history import read_goals, read_history
from crmtools.report.plan import Entry
from crmtools.settings import Settings
from crmtools.words import Language, Text

LAST_VALUE = Text(
    "最近一次的有效数值（{period}，{day}的报告）：{value}。",
    "The last good value, of {period}, in the report of {day}: {value}.",
)
LAST_PAGE = Text("本页最近一次有结果是在 {day}的报告中。", "This page last had results in the report of {day}.")


@dataclass(frozen=True, slots=True)
class LastGood:
    """When a page last had results; for an indicator or a goal also the value for the period that was reported then."""

    day: date
    indicator: str = ""
    period: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    currency: str = ""

    def said(self, language: Language) -> str:
        """The sentence for readers."""
        day = formats.day(self.day, language)
        if self.value is None:
            return LAST_PAGE.to(language, day=day)
        unit = CATALOGUE[self.indicator].unit
        value = formats.with_interval(self.value, self.low, self.high, unit, language, self.currency)
        return LAST_VALUE.to(language, period=Period.parse(self.period).label(language), day=day, value=value)


def last_good(settings: Settings, entry: Entry) -> LastGood | None:
    """What the earlier runs of a report have of a page; None where it never had results, or the history cannot be read."""
    try:
        return _of_number(settings, entry) if entry.indicator or entry.goal else _of_page(settings, entry)
    except RunError:  # the run says so itself where it adds to the history
        return None


def _of_number(settings: Settings, entry: Entry) -> LastGood | None:
    if entry.goal:
        rows = read_goals(settings.root, settings.name)
        rows = rows[rows["goal"] == entry.goal]
    else:
        rows = read_history(settings.root, settings.name)
        rows = rows[(rows["indicator"] == entry.indicator) & (rows["group"] == "")]
        rows = rows[rows["period"] == rows["report_period"]]
    rows = rows[rows["value"].notna() & ~rows["suppressed"] & ~rows["backfilled"]]
    if rows.empty:
        return None
    last = rows.iloc[-1]
    low, high = (None if pd.isna(last[end]) else float(last[end]) for end in ("low", "high"))
    currency = _currency(settings, last)
    found, day = str(last["indicator"]), _day(settings, last["run_at"].to_pydatetime())
    return LastGood(day, found, str(last["period"]), float(last["value"]), low, high, currency)


def _currency(settings: Settings, last: pd.Series) -> str:
    """The currency that a run reported in, which may not be that of today; readings of goals are as the run's indicators."""
    rows = read_history(settings.root, settings.name)
    rows = rows[(rows["run_id"] == last["run_id"]) & (rows["currency"] != "")]
    return settings.report.currency if rows.empty else str(rows["currency"].iloc[0])


def _of_page(settings: Settings, entry: Entry) -> LastGood | None:
    for folder in sorted((settings.root / "runs").glob("[0-9]*T*-*"), reverse=True):
        try:
            record = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if record.get("report") != settings.name or not str(record.get("ended")).startswith("published"):
            continue
        states = [job["state"] for job in record.get("jobs", []) if job["page"] == entry.slug]
        if states and set(states) <= {"ok", "cached"}:
            return LastGood(_day(settings, datetime.fromisoformat(record["started"])))
    return None


def _day(settings: Settings, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(settings.report.time_zone)).date()
