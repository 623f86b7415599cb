"""The span that is simulated: its days, its random streams, and the times of day people see.

Inside the simulation a time is a float, in days since the first midnight. Every customer's events are drawn
independently of every other's, and every table has a random stream of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from crmtools.period import add_months
from crmtools.simulate.company import DAYS_IN_YEAR, REGIONS, Company

OPENS, CLOSES = 7.0, 23.0
"""Hours between which things happen: a day's events are spread over these, in the same order."""


@dataclass(frozen=True, slots=True)
class World:
    """One company over one span of days [start, end), with a seed and an expected number of customers."""

    company: Company
    seed: int
    customers: int
    start: date
    end: date

    @classmethod
    def of(cls, *, seed: int, customers: int, months: int, as_of: date, company: Company | None = None) -> "World":
        """The span of ``months`` whole months that ends with the day ``as_of``."""
        end = date.fromordinal(as_of.toordinal() + 1)
        return cls(company or Company(), seed, customers, add_months(end, -months), end)

    @property
    def days(self) -> int:
        """Number of days in the span."""
        return (self.end - self.start).days

    def random(self, stream: str) -> np.random.Generator:
        """The random stream of that name: the same for the same seed, whatever else is drawn."""
        return np.random.default_rng([self.seed, *stream.encode()])

    def at(self, day: date) -> int:
        """The day as a number of days since the first."""
        return (day - self.start).days

    def years_since_2025(self, t: np.ndarray) -> np.ndarray:
        """Years since 2025-01-01, the day on which the levels of the true values hold."""
        return (t - self.at(date(2025, 1, 1))) / DAYS_IN_YEAR

    def told(self, regions: Sequence[str], region: np.ndarray, since: date, t: np.ndarray) -> np.ndarray:
        """Which moments ``t``, of customers in ``region`` (codes), a story is about that began in ``regions`` on a day."""
        there = np.isin(region, [REGIONS.index(name) for name in regions])
        return there & (t >= self.at(since))

    def day_of(self, t: np.ndarray) -> np.ndarray:
        """Calendar days (datetime64[D]); NaT where ``t`` is NaN or lies after the span."""
        return self._dates(np.floor(t), "D", 1)

    def day_ahead(self, t: np.ndarray) -> np.ndarray:
        """Calendar days that may lie after the span."""
        return self._dates(np.floor(t), "D", 1, ahead=True)

    def moment_of(self, t: np.ndarray) -> np.ndarray:
        """Times (datetime64[s]) within opening hours; NaT where ``t`` is NaN or lies after the span."""
        whole = np.floor(t)
        opened = whole + (OPENS + (CLOSES - OPENS) * (t - whole)) / 24
        return self._dates(np.where(t < self.days, opened, np.nan), "s", 86_400)

    def after(self, moments: np.ndarray, hours: np.ndarray) -> np.ndarray:
        """Moments so many hours later; NaT where hours are NaN or the moment lies after the span."""
        known = ~np.isnan(hours)
        later: np.ndarray = moments + np.ceil(np.where(known, hours, 0) * 3600).astype("timedelta64[s]")
        later[~known | (later >= np.datetime64(self.end.isoformat(), "s"))] = np.datetime64("NaT")
        return later

    def _dates(self, t: np.ndarray, unit: Literal["D", "s"], per_day: int, ahead: bool = False) -> np.ndarray:
        seen = ~np.isnan(t) & (ahead | (t < self.days))
        steps = np.floor(np.where(seen, t, 0) * per_day).astype(f"timedelta64[{unit}]")
        dates: np.ndarray = np.datetime64(self.start.isoformat(), unit) + steps
        dates[~seen] = np.datetime64("NaT")
        return dates


def pick(random: np.random.Generator, shares: tuple[float, ...], size: int) -> np.ndarray:
    """Codes 0, 1, … drawn with these shares."""
    return np.searchsorted(np.cumsum(shares)[:-1], random.random(size), side="right").astype(np.int32)


def poisson_times(
    random: np.random.Generator, rate: np.ndarray, since: np.ndarray, until: float
) -> tuple[np.ndarray, np.ndarray]:
    """Events at a constant rate per day from ``since`` to ``until``: whose (row numbers) and when."""
    counts = random.poisson(rate * np.maximum(until - since, 0))
    whose = np.repeat(np.arange(len(since)), counts)
    return whose, since[whose] + random.random(len(whose)) * (until - since[whose])


def thin(
    random: np.random.Generator, whose: np.ndarray, t: np.ndarray, keep: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Keep each event with its own chance: turns a constant rate into one that changes in time."""
    kept = random.random(len(t)) < keep
    return whose[kept], t[kept]


def named(codes: np.ndarray, words: Sequence[str]) -> "pd.Categorical[str]":
    """The words that these codes stand for; -1 is empty."""
    return pd.Categorical.from_codes(codes.astype(np.int32), pd.Index(list(words)))


def same(word: str, size: int) -> "pd.Categorical[str]":
    """One word in every row."""
    return named(np.zeros(size, dtype=np.int32), [word])
