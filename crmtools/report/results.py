"""The numbers of a run as data: ``results.json``.

The headline numbers, trends and parts are those of the process that runs the report; the notebooks find the same sums in
the snapshot. What a notebook shows, it also leaves as a record of mime type ``MIME`` in its outputs: an object with
``estimates`` (a list of :meth:`crmtools.estimate.Estimate.to_dict`), a bare estimate, or a list of them. These are
collected per page, and must be the same in every language.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import nbformat

import crmtools
from crmtools.errors import CRMError, Problem
from crmtools.estimate import Estimate
from crmtools.goals.reading import Reading
from crmtools.report.engine import Outcome

MIME = "application/vnd.crmtools.result+json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Results:
    """What ``results.json`` holds: report, period, as_of and currency; estimates; readings of goals; states of pages.

    ``estimates`` are the numbers of the run, ``pages`` those that each page shows, ``readings`` plain values per goal,
    ``states`` the state per page and language.
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
            pages={
                page: tuple(Estimate.from_dict(i) for i in items) for page, items in plain["pages"].items()
            },
            **{name: plain[name] for name in ("run_id", "report", "period", "as_of", "currency", "states")},
        )


def reading_values(reading: Reading) -> dict[str, Any]:
    """A reading of a goal as plain values."""
    goal = reading.goal
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
        **{
            name: getattr(reading, name)
            for name in (
                "target", "gap", "gap_low", "gap_high", "progress", "progress_se", "expected", "elapsed", "status",
            )
        },
    }  # fmt: skip


def collect(outcomes: Sequence[Outcome]) -> tuple[dict[str, tuple[Estimate, ...]], list[Problem]]:
    """The estimates that pages show, by slug, and what is wrong with them.

    Wrong is a record that cannot be read, and a number that differs between the languages of a page.
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    problems: list[Problem] = []
    for outcome in outcomes:
        if not outcome.ok:
            continue
        place = f"{outcome.job.slug} · {outcome.job.language}"
        records: list[dict[str, Any]] = []
        for number, record in enumerate(_records(outcome.notebook), 1):
            try:
                records += [_checked(item) for item in _estimates_in(record)]
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                problems.append(
                    Problem(place, f"result {number} is no estimate: {type(error).__name__} {error}")
                )
        found.setdefault(outcome.job.slug, {})[outcome.job.language] = records
    for slug, languages in found.items():
        (first, one), *others = languages.items()
        for language, other in others:
            if one != other:
                problems.append(Problem(slug, f"{_difference(one, other)} between {first} and {language}."))
    pages = {
        slug: tuple(Estimate.from_dict(item) for item in next(iter(languages.values())))
        for slug, languages in found.items()
        if not any(problem.place.startswith(f"{slug} ·") for problem in problems)
    }
    return pages, problems


def _records(notebook: Path) -> Iterable[Any]:
    executed = nbformat.read(notebook, as_version=4)
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                yield output.data[MIME]


def _estimates_in(record: Any) -> list[Mapping[str, Any]]:
    if isinstance(record, str):
        record = json.loads(record)
    if isinstance(record, list):
        return [item for part in record for item in _estimates_in(part)]
    if "estimates" in record:
        return list(record["estimates"])
    return [record] if "indicator" in record and "period" in record else []


def _checked(item: Mapping[str, Any]) -> dict[str, Any]:
    """An estimate's plain values, read and written once: types are right and nothing is missing."""
    return Estimate.from_dict(item).to_dict()


def _difference(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> str:
    if len(one) != len(other):
        return f"{len(one)} and {len(other)} numbers are shown: the pages differ"
    for left, right in zip(one, other, strict=True):
        names = [name for name in left if left[name] != right.get(name)]
        if names:
            shown = ", ".join(f"{name} {left[name]!r} and {right.get(name)!r}" for name in names)
            return f"{left['indicator']} {left['period']['id']}: {shown} differ"
    return "numbers differ"


def finite(estimate: Estimate) -> Estimate:
    """The estimate itself; raises CRMError for a number that is infinite or no number, which no file may hold."""
    for field in fields(estimate):
        value = getattr(estimate, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise CRMError(
                f"'{estimate.indicator}' has {field.name} = {value}: a value must be a number or missing."
            )
    return estimate
