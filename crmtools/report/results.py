"""The numbers of a run as data: ``results.json``.

The headline numbers, trends and parts are those of the process that runs the report; the notebooks find the
same sums in the snapshot. What a notebook shows, it also leaves as a record of mime type ``MIME`` in its
outputs: an object with ``estimates`` (a list of :meth:`crmtools.estimate.Estimate.to_dict`), a bare estimate,
or a list of them. These are collected per page, and must be the same in every language.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import nbformat

import crmtools
from crmtools.errors import CRMError, Problem
from crmtools.estimate import Estimate
from crmtools.goals.judgement import Judgement
from crmtools.goals.reading import Reading
from crmtools.report.engine import Outcome
from crmtools.report.numbers import Numbers
from crmtools.report.plan import Plan
from crmtools.show.display import RESULT

SCHEMA = 1
SAME = 1e-9
"""What two languages' numbers may differ by, relatively: an engine adds in the order in which its threads finish."""
MARK = {"indicator", "period", "as_of", "value", "method"}
"""The keys by which an estimate is known in a record."""


@dataclass(frozen=True, slots=True)
class Results:
    """What ``results.json`` holds: report, period, as_of and currency; estimates; readings of goals; states
    of pages.

    ``estimates`` are the numbers of the run, ``pages`` those that each page shows, ``readings`` plain values
    per goal, ``states`` the state per page and language.
    """

    run_id: str
    report: str
    period: str
    as_of: str
    currency: str
    estimates: tuple[Estimate, ...]
    readings: tuple[Mapping[str, Any], ...]
    pages: Mapping[str, tuple[Estimate, ...]]
    states: Mapping[str, Mapping[str, str]]

    def write(self, file: Path) -> None:
        """Write it as JSON; :meth:`read` gives it back."""
        plain = {
            "schema": SCHEMA,
            "crmtools": crmtools.__version__,
            "run_id": self.run_id,
            "report": self.report,
            "period": self.period,
            "as_of": self.as_of,
            "currency": self.currency,
            "estimates": [item.to_dict() for item in self.estimates],
            "readings": list(self.readings),
            "pages": {page: [item.to_dict() for item in items] for page, items in self.pages.items()},
            "states": self.states,
        }
        text = json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False)
        file.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> "Results":
        """The results of a run; raises CRMError when the file is of another schema."""
        plain = json.loads(file.read_text(encoding="utf-8"))
        if plain.get("schema") != SCHEMA:
            raise CRMError(
                f"{file.name} has schema {plain.get('schema')}, this crmtools reads {SCHEMA}. Run the report again."
            )
        return cls(
            estimates=tuple(Estimate.from_dict(item) for item in plain["estimates"]),
            readings=tuple(plain["readings"]),
            pages={page: tuple(Estimate.from_dict(i) for i in items) for page, items in plain["pages"].items()},
            **{name: plain[name] for name in ("run_id", "report", "period", "as_of", "currency", "states")},
        )


READ = ("target", "gap", "gap_low", "gap_high", "progress", "progress_se", "expected", "elapsed", "status")
JUDGED = ("evidence", "chance", "verdict", "p_adjusted")


def reading_values(reading: Reading, judgement: Judgement | None) -> dict[str, Any]:
    """A reading of a goal as plain values; with what the data say about it, None where it could not be judged."""
    goal = reading.goal
    told = dict.fromkeys(JUDGED) if judgement is None else {name: getattr(judgement, name) for name in JUDGED}
    return {
        "goal": reading.id,
        "indicator": goal.indicator.id,
        "name": {"zh": goal.name.zh, "en": goal.name.en},
        "department": {"zh": goal.department.zh, "en": goal.department.en},
        "start": str(goal.start),
        "deadline": str(goal.deadline),
        "weight": goal.weight,
        "baseline": reading.baseline.to_dict(),
        "now": reading.now.to_dict(),
        **{name: getattr(reading, name) for name in READ},
        **told,
        "breached": [] if judgement is None else [guard.now.indicator for guard in judgement.breached],
    }


def readings_of(numbers: Numbers) -> tuple[dict[str, Any], ...]:
    """Every goal of a run as plain values."""
    return tuple(
        reading_values(reading, judgement) for reading, judgement in zip_longest(numbers.goals, numbers.judged)
    )


def results_of(
    plan: Plan,
    numbers: Numbers,
    shown: Mapping[str, tuple[Estimate, ...]],
    outcomes: Sequence[Outcome],
    run_id: str,
) -> Results:
    """The results of a run, ready to be written."""
    report = plan.settings.report
    states: dict[str, dict[str, str]] = {}
    for outcome in outcomes:
        states.setdefault(outcome.job.slug, {})[outcome.job.language] = outcome.state
    return Results(
        run_id,
        plan.settings.name,
        report.period.id,
        str(report.as_of),
        report.currency,
        tuple(numbers.estimates),
        readings_of(numbers),
        shown,
        states,
    )


def collect(outcomes: Sequence[Outcome]) -> tuple[dict[str, tuple[Estimate, ...]], list[Problem]]:
    """The estimates that pages show, by slug, and what is wrong with them.

    Wrong is a record that cannot be read, and a number that differs between the languages of a page.
    """
    records: dict[str, dict[str, list[object]]] = {}
    for outcome in outcomes:
        if outcome.ok:
            records.setdefault(outcome.job.slug, {})[outcome.job.language] = _records(outcome.notebook)
    pages: dict[str, tuple[Estimate, ...]] = {}
    problems: list[Problem] = []
    for slug, languages in records.items():
        (first, one), *others = languages.items()
        try:
            pages[slug] = tuple(Estimate.from_dict(item) for item in _estimates_in(one))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problems.append(Problem(f"page {slug}", f"a record is no estimate: {type(error).__name__}: {error}"))
        for language, other in others:
            if differ := _difference(dict(_numbers_in(one)), dict(_numbers_in(other))):
                problems.append(Problem(f"page {slug}", f"{differ} in the editions {first} and {language}."))
    return pages, problems


def _records(notebook: Path) -> list[object]:
    executed = nbformat.read(notebook, as_version=4)
    outputs = (output for cell in executed.cells for output in cell.get("outputs", []))
    return [output.data[RESULT] for output in outputs if RESULT in output.get("data", {})]


def _estimates_in(record: object) -> Iterator[Mapping[str, Any]]:
    """The estimates anywhere in a record, in its order."""
    if isinstance(record, Mapping):
        if record.keys() >= MARK:
            yield record
            return
        record = list(record.values())
    if isinstance(record, list):
        for part in record:
            yield from _estimates_in(part)


def _numbers_in(record: object, place: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a record with its place, whatever the record is about."""
    if isinstance(record, Mapping):
        name = str(record.get("indicator", ""))
        for key, part in record.items():
            yield from _numbers_in(part, f"{place}.{name}.{key}" if name else f"{place}.{key}")
    elif isinstance(record, list):
        for number, part in enumerate(record):
            yield from _numbers_in(part, f"{place}[{number}]")
    elif isinstance(record, int | float) and not isinstance(record, bool):
        yield place, float(record)


def _difference(one: Mapping[str, float], other: Mapping[str, float]) -> str:
    """The first numbers that are not the same; empty when all are."""
    if one.keys() != other.keys():
        only = sorted(one.keys() ^ other.keys())
        return f"{len(only)} numbers are shown in one language only, first {only[0].lstrip('.')},"
    for place, value in one.items():
        if not math.isclose(value, other[place], rel_tol=SAME, abs_tol=SAME):
            return f"{place.lstrip('.')} is {value!r} and {other[place]!r}"
    return ""
