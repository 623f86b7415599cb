"""Whether every number of the first page is the stored one, in each language.

An element of the page names in ``data-of`` the numbers that it states (:mod:`crmtools.show.stated`). Here each name is looked up in
``results.json``, its number is written anew by :mod:`crmtools.formats`, and must stand in the element, at its place in the order.
Whatever figures are left must be of a kind that needs no store:

- a day, a month or a period of the run (its period and those of its trends, the day of its data, starts and deadlines of goals,
  the day and the name of the run itself);
- words of the report or of its parameters file: names of goals and groups, explanations. A figure is one of these words where it
  stands in them between the same letters.

Any other figure is a fault: nobody could say where it comes from. What stands in the box of a failed page is no number of the
report.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

from crmtools import formats
from crmtools.errors import Problem
from crmtools.estimate import Estimate
from crmtools.indicators.catalogue import CATALOGUE
from crmtools.report.leaks import own_words
from crmtools.report.markup import VOID
from crmtools.report.results import Results
from crmtools.show.headlines import counted
from crmtools.show.stated import (
    Stated,
    named,
    of_change,
    of_counts,
    of_course,
    of_earlier,
    of_estimate,
    of_goal,
    of_moved,
    pattern_of,
    plain,
)
from crmtools.words import Language

FIRST = "index"
FIGURE = re.compile(r"[+\-\u2212]?\d[\d.,]*(?:\s?%)?|[一二三四五六七八九十两]+成")
AROUND: dict[Language, int] = {"en": 8, "zh": 4}
"""Letters on either side that a figure of the report's own words must have in common with them."""
FEWEST = 2
"""Letters there must be."""
CLAUSE = re.compile(r"[·（）()，。；：、,;:–—…!?！？|“”]")
"""Where words end; a dot stands for what was taken out of a text."""
LOUD = ("aria-label", "title", "alt")
"""Attributes that are read out."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The numbers of the first page in one language: how many were compared, and what is wrong."""

    language: Language
    numbers: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of one element (of an element that names numbers all of it) with its line."""

    line: int
    text: str
    says: tuple[str, ...] = ()


def compared(book: Path, language: Language, results: Results, *, declared: str = "") -> Compared:
    """Compare the first page of one edition with what is stored. ``declared`` is the text of the parameters file."""
    file = book / language / f"{FIRST}.html"
    if not file.is_file():
        return Compared(language, 0, ())
    page = pieces(file.read_text(encoding="utf-8"))
    about = {name.rpartition(".")[0] for piece in page for name in piece.says}
    known = {one.name: one.spellings for one in stored(results, language, about)}
    words = _flat(f"{own_words()}\n{declared}\n{_names(results, language)}")
    moments = pattern_of(_moments(results, language))
    place, numbers, problems = f"{language}/{FIRST}.html", 0, []
    for piece in page:
        stated = {spelling for name in piece.says for spelling in known.get(name, ())}

        def blank(match: re.Match[str], stated: set[str] = stated) -> str:
            return match[0] if match[0] in stated else " · "

        rest, wrong = _without_stated(moments.sub(blank, plain(piece.text)), piece.says, known)
        numbers += len(piece.says) - len(wrong)
        wrong += [
            f"shows {match[0].strip()}, which is marked as none of the results, in '{rest[max(0, match.start() - 30) : match.end() + 20].strip()}'"
            for match in FIGURE.finditer(rest)
            if not _is_word(rest, match, words, AROUND[language])
        ]
        problems += [Problem(f"{place}:{piece.line}", said) for said in wrong]
    return Compared(language, numbers, tuple(dict.fromkeys(problems)))


def stored(results: Results, language: Language, about: Collection[str]) -> Iterator[Stated]:
    """Every number that the first page may state, by name; of the many estimates those that it is ``about``."""
    currency, told = results.currency, results.told.get(FIRST, {})
    for goal in results.readings:
        yield from of_goal(goal, language, currency)
    yield from counted(results.readings, language)
    own = {
        (one.indicator, one.period.id): one
        for one in (*results.estimates, *results.pages.get(FIRST, ()))
        if not one.group and one.indicator in CATALOGUE
    }
    for one in own.values():
        if named(one) in about:
            yield from of_estimate(one, language, currency)
        now = own.get((one.indicator, results.period))
        if now is not None and f"{named(now)}-{one.period.id}" in about:
            yield from of_change(now, one, language, currency)
    for indicator, course in told.get("courses", {}).items():
        yield from of_course(indicator, _checked(indicator, course, own), CATALOGUE[indicator].unit, language, currency)
    yield from of_counts("indicators", told.get("indicators", {}), language)
    if since := told.get("since_last"):
        yield from of_counts("since_last", since["counts"], language)
        yield from of_moved(since["moved"], language)
        yield from of_earlier(since["earlier"], language)


def _checked(
    indicator: str, course: Mapping[str, float | None], own: Mapping[tuple[str, str], Estimate]
) -> dict[str, float | None]:
    """A course with the values of the process that ran the report, where it has them."""
    return {
        period: own[indicator, period].value if (indicator, period) in own else value
        for period, value in course.items()
    }


def _without_stated(text: str, names: Iterable[str], known: Mapping[str, Iterable[str]]) -> tuple[str, list[str]]:
    """A text without the numbers that it names, and which of them are not the stored ones."""
    rest, wrong = "", list[str]()
    for name in names:
        spellings = sorted(known.get(name, ()))
        match = pattern_of(spellings).search(text) if spellings else None
        if match is None:
            wrong.append(
                f"shows '{text[:60]}' where {name} of results.json is {' or '.join(spellings[:2])}"
                if spellings
                else f"names {name}, which results.json does not have"
            )
            continue
        rest, text = f"{rest}{text[: match.start()]} · ", text[match.end() :]
    return rest + text, wrong


def _is_word(text: str, figure: re.Match[str], words: str, letters: int) -> bool:
    """Whether a figure stands in the words of the report between the same letters."""
    before, after = CLAUSE.split(text[: figure.start()])[-1], CLAUSE.split(text[figure.end() :])[0]
    around = f"{_flat(before)[-letters:]}{_flat(figure[0])}{_flat(after)[:letters]}"
    return len(re.findall(r"[^\W\d_]", around)) >= FEWEST and around in words


def _flat(text: str) -> str:
    """A text without spaces and marks, as it may be broken into lines and quoted in a source."""
    return re.sub(r"[\s\"'`*\\·]+", "", text)


def _moments(results: Results, language: Language) -> Iterator[str]:
    """Days, months and periods of a run, and the run's own name."""
    yield results.run_id
    run_on = date.fromisoformat(f"{results.run_id[:4]}-{results.run_id[4:6]}-{results.run_id[6:8]}")
    # the day of publication in the report's time zone
    days = [run_on + timedelta(days=shift) for shift in (-1, 0, 1)]
    days += [date.fromisoformat(results.as_of)]
    days += [date.fromisoformat(goal[name]) for goal in results.readings for name in ("start", "deadline")]
    days += [one.data_until for one in results.estimates if one.data_until is not None]
    for one in set(days):
        yield plain(formats.day(one, language))
        yield plain(formats.month(one, language))
    periods = {one.period for one in results.estimates}
    periods |= {Estimate.from_dict(goal[name]).period for goal in results.readings for name in ("baseline", "now")}
    for period in periods:
        yield plain(period.label(language))


def _names(results: Results, language: Language) -> str:
    """Names of goals, departments and groups, and the reasons why something is missing."""
    said = [goal[name][language] for goal in results.readings for name in ("name", "department")]
    said += {value for one in results.estimates for _, value in one.group}
    said += [goal["why"][language] for goal in results.readings if goal.get("why")]
    seen = (*results.estimates, *results.pages.get(FIRST, ()))
    said += {one.why.to(language) for one in seen if one.why is not None}
    return "\n".join(said)


def pieces(html: str) -> list[Piece]:
    """The text of a page's article, outside of the boxes of failed pages: piece by piece, whole where numbers are named."""
    parser = _Pieces()
    parser.feed(html)
    parser.close()
    return [Piece(one.line, " ".join(one.texts), one.says) for one in parser.found if one.texts]


@dataclass(slots=True)
class _Gathered:
    line: int
    says: tuple[str, ...]
    texts: list[str]


class _Pieces(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[_Gathered] = []
        self.open: list[
            tuple[str, _Gathered | None, bool]
        ] = []  # tag, the element around that names numbers, to be read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        _, around, reads = self.open[-1] if self.open else ("", None, False)
        reads = (reads or tag == "article") and "crm-failed" not in given.get("class", "").split()
        reads = reads and tag not in ("script", "style")
        said = [given[name] for name in LOUD if given.get(name)]
        names = tuple(given.get("data-of", "").split())
        line = self.getpos()[0]
        if said and reads:
            self.found.append(_Gathered(line, names, said))
        elif names and reads:
            around = _Gathered(line, names, [])
            self.found.append(around)
        if tag not in VOID:
            self.open.append((tag, around, reads))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self.open) - 1, -1, -1):
            if self.open[depth][0] == tag:
                del self.open[depth:]
                break

    def handle_data(self, data: str) -> None:
        _, around, reads = self.open[-1] if self.open else ("", None, False)
        if reads and data.strip():
            if around is None:
                self.found.append(_Gathered(self.getpos()[0], (), [data]))
            else:
                around.texts.append(data)
