"""Which numbers of the results a text states, so that the gate can compare each with the stored one.

An element of the first page says in ``data-of`` by name which stored numbers its text holds, in their order
(``goal/churn_rate.now.value nps/2025-Q4.n``). A name stands for every way in which :mod:`crmtools.formats` may write its number:
with its unit or without what a heading says, as an amount with its sign or without. The names are found where the text is made,
from the values it is made of; the gate (:mod:`crmtools.report.first_page`) finds them again, from ``results.json``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from crmtools import formats
from crmtools.estimate import Estimate
from crmtools.indicators.catalogue import find
from crmtools.indicators.units import Unit
from crmtools.period import Period
from crmtools.show import sentences
from crmtools.show.evidence_words import chance_words
from crmtools.words import Language

BEFORE, AFTER = r"(?<![\d.,+\u2212-])", r"(?!\d|[.,]\d)"
"""What may not stand beside a number: more of a number, or a sign that is not its own."""
BOTH = (False, True)
MONTHS = "January February March April May June July August September October November December"
_MONTH = "|".join([*MONTHS.split(), *(month[:3] for month in MONTHS.split())])
MOMENT = (
    rf"\bQ[1-4] \d{{4}}\b|\b(?:\d{{1,2}} )?(?:{_MONTH}) \d{{4}}\b|\d{{4}} 年(?:第[一二三四]季度|(?: \d{{1,2}} 月)?(?: \d{{1,2}} 日)?)"
    r"|\d{4}-\d\d-\d\d"
)
"""Days, months and quarters as they are written in a text; their figures are no numbers."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A number of the results by its name, with all its spellings in one language."""

    name: str
    spellings: frozenset[str]


def says(text: str, numbers: Iterable[Stated]) -> str | None:
    """The names of the numbers that a text holds, in their order, for ``data-of``; None where it holds none of them."""
    names: dict[str, str] = {}
    if not re.search(r"\d|[一二两三四五六七八九]", text):
        return None
    for one in numbers:
        for spelling in one.spellings:
            names.setdefault(spelling, one.name)
    if not names:
        return None
    looked_for = re.compile(f"{MOMENT}|{pattern_of(names).pattern}")
    found = [names[match[0]] for match in looked_for.finditer(plain(text)) if match[0] in names]
    return " ".join(found) or None


def pattern_of(spellings: Iterable[str]) -> re.Pattern[str]:
    """Finds any of the spellings, the longest first."""
    either = "|".join(re.escape(spelling) for spelling in sorted(spellings, key=lambda one: (-len(one), one)))
    return re.compile(f"{BEFORE}(?:{either}){AFTER}")


def plain(text: str) -> str:
    """A text with plain single spaces."""
    return " ".join(text.split())


def stated(name: str, *spellings: str) -> Stated:
    """A number with its spellings; what is written where there is none is no spelling."""
    return Stated(name, frozenset(plain(one) for one in spellings if one and one != formats.MISSING))


def named(estimate: Estimate) -> str:
    """What an estimate for all customers is called."""
    return f"{estimate.indicator}/{estimate.period.id}"


def of_estimate(estimate: Estimate, language: Language, currency: str = "", *, name: str = "") -> Iterator[Stated]:
    """Value, interval, level and n of an estimate."""
    name, unit = name or named(estimate), find(estimate.indicator).unit
    currency = sentences.currency_of([estimate], currency)
    yield stated(f"{name}.value", *_values(estimate.value, unit, language, currency))
    limits = (formats.interval(estimate.low, estimate.high, unit, language, currency, bare=bare) for bare in BOTH)
    yield stated(f"{name}.interval", *limits)
    yield stated(f"{name}.level", formats.percent(estimate.level, language, 0))
    yield stated(f"{name}.n", formats.number(estimate.n, language))


def of_change(now: Estimate, then: Estimate, language: Language, currency: str = "") -> Iterator[Stated]:
    """The difference from an earlier period, and the smallest that would have been seen."""
    made, unit = sentences.since(now, then), find(now.indicator).unit
    if made is not None:
        name, currency = f"{named(now)}-{then.period.id}", sentences.currency_of([now, then], currency)
        yield stated(f"{name}.difference", *_amounts(made.difference, unit, language, currency, now.value))
        yield stated(f"{name}.detectable", *_amounts(made.detectable, unit, language, currency, now.value))


def of_course(
    name: str, course: Mapping[str, float | None], unit: Unit, language: Language, currency: str = ""
) -> Iterator[Stated]:
    """The values of a trend by period, the number of its periods, and of those without a value."""
    for period, value in course.items():
        yield stated(f"{name}.course.{period}", *_values(sentences.known(value), unit, language, currency))
    yield stated(f"{name}.periods", formats.number(len(course), language))
    without = sum(sentences.known(value) is None for value in course.values())
    yield stated(f"{name}.periods_without", formats.number(without, language))


def of_goal(goal: Mapping[str, Any], language: Language, currency: str = "") -> Iterator[Stated]:
    """Every number of a goal, from its plain values (:func:`crmtools.goals.values.reading_values`)."""
    name, unit, target = f"goal/{goal['goal']}", find(goal["indicator"]).unit, goal["target"]
    now, baseline = Estimate.from_dict(goal["now"]), Estimate.from_dict(goal["baseline"])
    currency = sentences.currency_of([now], currency)
    yield from of_estimate(now, language, currency, name=f"{name}.now")
    yield from of_estimate(baseline, language, currency, name=f"{name}.baseline")
    for key in ("target", "expected"):
        yield stated(f"{name}.{key}", *_values(goal[key], unit, language, currency))
    yield stated(f"{name}.gap", *_amounts(goal["gap"], unit, language, currency, target))
    yield stated(f"{name}.progress", formats.percent(goal["progress"], language, 0))
    if goal["chance"] is not None:
        yield stated(f"{name}.chance", chance_words(goal["chance"], language))
    if now.value is not None and baseline.value is not None:
        change = now.value - baseline.value
        yield stated(f"{name}.change", *_amounts(change, unit, language, currency))
        if baseline.value:
            yield stated(f"{name}.change_share", formats.percent(change / baseline.value, language, 0, signed=True))
    yield from of_course(name, goal.get("course", {}), unit, language, currency)


def of_moved(moved: Mapping[str, Mapping[str, Any]], language: Language) -> Iterator[Stated]:
    """What numbers were when the last report was made, what they are, and what they changed by; by indicator."""
    for indicator, one in moved.items():
        name, unit, currency = f"since_last.{indicator}", find(indicator).unit, one["currency"]
        for key in ("before", "now"):
            yield stated(f"{name}.{key}", *_values(one[key], unit, language, currency))
        yield stated(f"{name}.change", *_amounts(one["change"], unit, language, currency, one["now"]))
        yield stated(f"{name}.points", formats.number(one["points"], language))


def of_earlier(facts: Mapping[str, str], language: Language) -> Iterator[Stated]:
    """The day and the period of the last report."""
    moment = datetime.fromisoformat(facts["run_at"]).astimezone(ZoneInfo(facts["zone"]))
    yield stated("since_last.day", formats.day(moment.date(), language))
    yield stated("since_last.period", Period.parse(facts["period"]).label(language))


def of_counts(name: str, counts: Mapping[str, int], language: Language) -> Iterator[Stated]:
    """Numbers of things."""
    for key, count in counts.items():
        yield stated(f"{name}.{key}", formats.number(count, language))


def _values(value: float | None, unit: Unit, language: Language, currency: str) -> Iterator[str]:
    for bare, trim in product(BOTH, BOTH):
        yield formats.quantity(value, unit, language, currency, bare=bare, trim=trim)


def _amounts(
    value: float | None, unit: Unit, language: Language, currency: str, *besides: float | None
) -> Iterator[str]:
    if value is None:
        return
    for size, signed, named_, beside in product((value, abs(value)), BOTH, BOTH, (None, *besides)):
        yield formats.difference(size, unit, language, currency, signed=signed, named=named_, beside=beside)
