"""When a report is run: ``07:00 on day 2``, ``07:00 on monday``, ``07:00 every day``."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from crmtools.errors import SettingsError
from crmtools.settings import Settings

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = {"month": "*", "quarter": "1,4,7,10", "year": "1", "days": "*"}
"""Months that follow the end of a period."""
FORMS = "Write '07:00 on day 2' (of the month after the period), '07:00 on monday' or '07:00 every day'."


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of the day in a time zone, on a day of some months, on a weekday, or every day."""

    hour: int
    minute: int
    time_zone: str
    day: int | None = None
    weekday: int | None = None
    months: str = "*"

    @property
    def cron(self) -> str:
        """The five fields of cron: minute, hour, day of the month, month, weekday (0 is Sunday)."""
        day = "*" if self.day is None else self.day
        weekday = "*" if self.weekday is None else self.weekday
        return f"{self.minute} {self.hour} {day} {self.months} {weekday}"

    @property
    def calendar(self) -> str:
        """systemd's ``OnCalendar``."""
        weekday = "" if self.weekday is None else f"{WEEKDAYS[self.weekday][:3].title()} "
        months = "*" if self.months == "*" else ",".join(f"{int(month):02}" for month in self.months.split(","))
        day = "*" if self.day is None else f"{self.day:02}"
        return f"{weekday}*-{months}-{day} {self.hour:02}:{self.minute:02}:00 {self.time_zone}"

    def in_utc(self) -> "Moment":
        """The same in UTC, with the offset that is in force in January; raises SettingsError where it falls on the month's
        last day, which cron cannot name.
        """
        local = datetime(2025, 1, 15, self.hour, self.minute, tzinfo=ZoneInfo(self.time_zone))
        utc = local.astimezone(UTC)
        shift = (utc.date() - local.date()).days
        day = None if self.day is None else self.day + shift
        weekday = None if self.weekday is None else (self.weekday + shift) % 7
        if day is not None and not 1 <= day <= 28:
            earliest = (local.replace(hour=0, minute=0) + timedelta(hours=24)).utcoffset()
            raise SettingsError(
                f"{self.hour:02}:{self.minute:02} on day {self.day} in {self.time_zone} (UTC offset {earliest}) lies in another "
                "month in UTC, which cron cannot say. Choose a day from 2 to 27."
            )
        return Moment(utc.hour, utc.minute, "UTC", day, weekday, self.months)


def moment(settings: Settings, written: str | None = None) -> Moment:
    """When the report is due: as written, else at 07:00 on the second day after its period can be known."""
    kind = settings.report.period.kind
    lag = (settings.report.as_of - settings.report.period.last_day).days
    text = (written or f"07:00 on day {min(2 + max(lag, 0), 27)}").strip().lower()
    match = re.fullmatch(r"(\d{1,2}):(\d{2})\s+(?:on\s+day\s+(\d{1,2})|on\s+([a-z]+)|(every\s+day))", text)
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise SettingsError(f"'{written}' is no time to run a report. {FORMS}")
    hour, minute, zone = int(match[1]), int(match[2]), settings.report.time_zone
    if match[3]:
        if not 1 <= int(match[3]) <= 28:
            raise SettingsError(f"Day {match[3]} is not in every month: choose one from 1 to 28.")
        return Moment(hour, minute, zone, day=int(match[3]), months=MONTHS[kind])
    if match[4]:
        if match[4] not in WEEKDAYS:
            raise SettingsError(f"'{match[4]}' is no weekday. {FORMS}")
        return Moment(hour, minute, zone, weekday=WEEKDAYS.index(match[4]))
    return Moment(hour, minute, zone)
