"""Periods: months, quarters, years and ranges of days, each as [start, end)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from crmtools.errors import SettingsError
from crmtools.shown import Shown
from crmtools.words import Language

Step = Literal["month", "quarter", "year"]
MONTHS_IN: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}
ACCEPTED = "Write 2025, 2025-Q4, 2025-12, or {from: 2025-10-01, to: 2025-12-31}."


@dataclass(frozen=True, slots=True, order=True)
class Period(Shown):
    """The days from ``start`` up to, but not including, ``end``."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            last = self.end - timedelta(days=1)
            raise SettingsError(f"A period cannot end ({last}) before it starts ({self.start}). {ACCEPTED}")

    @classmethod
    def parse(cls, written: "str | int | Mapping[str, date] | Period") -> "Period":
        """Read a period as people write it: ``2025``, ``2025-Q4``, ``2025-12`` or ``{from: …, to: …}``.

        A range may also be written as its :attr:`id`: ``2025-10-01..2025-12-15``.
        """
        if isinstance(written, Period):
            return written
        if isinstance(written, Mapping):
            return cls._from_range(written)
        text = str(written).strip().upper()
        if ".." in text:
            first, _, last = text.partition("..")
            return cls._from_range({"from": first, "to": last})
        if not text.startswith(("0000", "9999")) and (found := cls._whole(text)):
            return found
        raise SettingsError(f"'{written}' is not a period. {ACCEPTED}")

    @classmethod
    def _whole(cls, text: str) -> "Period | None":
        if match := re.fullmatch(r"(\d{4})", text):
            return cls.containing(date(int(match[1]), 1, 1), "year")
        if match := re.fullmatch(r"(\d{4})-?Q([1-4])", text):
            return cls.containing(date(int(match[1]), 3 * int(match[2]) - 2, 1), "quarter")
        if (match := re.fullmatch(r"(\d{4})-(\d{1,2})", text)) and 1 <= int(match[2]) <= 12:
            return cls.containing(date(int(match[1]), int(match[2]), 1), "month")
        return None

    @classmethod
    def _from_range(cls, written: Mapping[str, date | str]) -> "Period":
        if set(written) != {"from", "to"}:
            raise SettingsError(f"A range of days needs exactly 'from' and 'to', found {sorted(written)}. {ACCEPTED}")
        days = {}
        for key, value in written.items():
            try:
                # YAML reads 2025-10-01 10:00 as a time: its day is meant
                days[key] = value if type(value) is date else date.fromisoformat(str(value).strip()[:10])
            except ValueError:
                raise SettingsError(f"'{value}' is not a day (in '{key}'). {ACCEPTED}") from None
        return cls(days["from"], days["to"] + timedelta(days=1))

    @classmethod
    def containing(cls, day: date, step: Step) -> "Period":
        """The month, quarter or year that ``day`` lies in."""
        months = MONTHS_IN[step]
        first = date(day.year, (day.month - 1) // months * months + 1, 1)
        return cls(first, add_months(first, months))

    @classmethod
    def last_over(cls, day: date, step: Step) -> "Period":
        """The last month, quarter or year that is over at the end of ``day``."""
        period = cls.containing(day, step)
        return period if period.last_day <= day else period.previous()

    @property
    def kind(self) -> Literal["month", "quarter", "year", "days"]:
        """What the period is called: a whole month, quarter or year, or just a range of days."""
        if self.start.day == self.end.day == 1:
            months = 12 * (self.end.year - self.start.year) + self.end.month - self.start.month
            for step in ("month", "quarter", "year"):
                if months == MONTHS_IN[step] and (self.start.month - 1) % months == 0:
                    return step
        return "days"

    @property
    def last_day(self) -> date:
        """The last day that belongs to the period."""
        return self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        """How many days the period has."""
        return (self.end - self.start).days

    @property
    def id(self) -> str:
        """A short name without spaces, which :meth:`parse` reads back: ``2025-Q4``."""
        match self.kind:
            case "month":
                return f"{self.start:%Y-%m}"
            case "quarter":
                return f"{self.start.year}-Q{(self.start.month + 2) // 3}"
            case "year":
                return f"{self.start.year}"
            case _:
                return f"{self.start:%Y-%m-%d}..{self.last_day:%Y-%m-%d}"

    def label(self, language: Language) -> str:
        """The period in words: ``Q4 2025``, ``2025 年第四季度``."""
        year, month, quarter = self.start.year, self.start.month, (self.start.month + 2) // 3
        if language == "zh":
            match self.kind:
                case "month":
                    return f"{year} 年 {month} 月"
                case "quarter":
                    return f"{year} 年第{'一二三四'[quarter - 1]}季度"
                case "year":
                    return f"{year} 年"
            first, last = (f"{day.year} 年 {day.month} 月 {day.day} 日" for day in (self.start, self.last_day))
            return f"{first}至 {last}"
        match self.kind:
            case "month":
                return f"{MONTH_NAMES[month - 1]} {year}"
            case "quarter":
                return f"Q{quarter} {year}"
            case "year":
                return f"{year}"
        first, last = (f"{day.day} {MONTH_NAMES[day.month - 1]} {day.year}" for day in (self.start, self.last_day))
        return f"{first} to {last}"

    def shift(self, months: int) -> "Period":
        """The same period so many months later (earlier when negative); whole months stay whole months."""
        if self.kind == "days" and self.start.day != 1:
            start = add_months(self.start, months)
            return Period(start, start + timedelta(days=self.days))
        return Period(add_months(self.start, months), add_months(self.end, months))

    def previous(self) -> "Period":
        """The period of the same length just before this one."""
        if self.kind != "days":
            return self.shift(-MONTHS_IN[self.kind])
        if self.start.day == self.end.day == 1:  # a half-year is preceded by a half-year
            return self.shift(12 * (self.start.year - self.end.year) + self.start.month - self.end.month)
        return Period(self.start - timedelta(days=self.days), self.start)

    def year_ago(self) -> "Period":
        """The same period one year earlier."""
        return self.shift(-12)

    def split(self, step: Step) -> "tuple[Period, ...]":
        """The whole months, quarters or years that touch this period, earliest first."""
        parts, part = [], Period.containing(self.start, step)
        while part.start < self.end:
            parts.append(part)
            part = part.shift(MONTHS_IN[step])
        return tuple(parts)

    def up_to(self, count: int, step: Step) -> "tuple[Period, ...]":
        """The last ``count`` whole months, quarters or years up to this period's last day, earliest first."""
        last = Period.containing(self.last_day, step)
        return tuple(last.shift(-MONTHS_IN[step] * back) for back in reversed(range(count)))


MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later, or the month's last day where that day does not exist."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if day.day <= 28:
        return date(year, month + 1, day.day)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))
