"""From executed notebooks to the results of a run.

The headline numbers, trends and parts are those of the process that runs the report; the notebooks find the
same sums in the snapshot. What a notebook shows, it also leaves as a record of mime type ``MIME`` in its
outputs: an object with ``estimates`` (a list of :meth:`crmtools.estimate.Estimate.to_dict`), a bare estimate,
or a list of them. These are collected per page, and must be the same in every language.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from crmtools.errors import Problem
from crmtools.estimate import Estimate
from crmtools.goals.values import reading_values
from crmtools.report.engine import Outcome
from crmtools.report.numbers import Numbers
from crmtools.report.plan import Plan
from crmtools.report.results import Results
from crmtools.show.display import RESULT

SAME = 1e-9
"""What two languages' numbers may differ by, relatively: an engine adds in the order in which its threads finish."""
MARK = {"indicator", "period", "as_of", "value", "method"}
"""The keys by which an estimate is known in a record."""


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
    told: Mapping[str, Mapping[str, Any]] | None = None,
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
        told or {},
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
            pages[slug] = tuple(Estimate.from_dict(item) for item in estimates_in(one))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problems.append(Problem(f"page {slug}", f"a record is no estimate: {type(error).__name__}: {error}"))
        for language, other in others:
            if differ := _difference(dict(_numbers_in(one)), dict(_numbers_in(other))):
                problems.append(Problem(f"page {slug}", f"{differ} in the editions {first} and {language}."))
    return pages, problems


def told_by(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """What pages tell beside estimates and readings, by slug; :func:`collect` says where languages differ."""
    found: dict[str, dict[str, Any]] = {}
    for outcome in outcomes:
        if outcome.ok and outcome.job.slug not in found:
            parts = [part for record in _records(outcome.notebook) for part in _parts(record)]
            told = {key: value for part in parts for key, value in part.get("told", {}).items()}
            found[outcome.job.slug] = told
    return {slug: told for slug, told in found.items() if told}


def _parts(record: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(record, Mapping):
        yield record
        for part in record.get("parts", []):
            yield from _parts(part)


def _records(notebook: Path) -> list[object]:
    executed = json.loads(notebook.read_text(encoding="utf-8"))  # as it was written here: it need not be validated
    outputs = (output for cell in executed["cells"] for output in cell.get("outputs", []))
    return [output["data"][RESULT] for output in outputs if RESULT in output.get("data", {})]


def estimates_in(record: object) -> Iterator[Mapping[str, Any]]:
    """The estimates anywhere in a record, in its order."""
    if isinstance(record, Mapping):
        if record.keys() >= MARK:
            yield record
            return
        record = list(record.values())
    if isinstance(record, list):
        for part in record:
            yield from estimates_in(part)


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
