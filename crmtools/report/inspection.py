"""A finished book and the run it came from, looked over before anybody reads it: all that the gate needs, put together."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from crmtools.errors import Problem, RunError
from crmtools.report.bindery import Bindery
from crmtools.report.disclosure import by_difference
from crmtools.report.first_page import Compared, compared
from crmtools.report.gate import gate
from crmtools.report.private import private_values
from crmtools.report.publish import editions
from crmtools.report.results import Results
from crmtools.settings import Settings
from crmtools.words import Language

NO_RESULTS = "The results of the run are not here: no number was compared with them."


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found: ``problems`` keep the book from being published, ``notes`` are for the person who publishes it.

    ``numbers`` are those of the first page that were compared with ``results.json``, per language.
    """

    book: Path
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    numbers: tuple[Compared, ...] = ()


def inspect(
    book: Path,
    settings: Settings,
    *,
    results: Results | None,
    before: Results | None = None,
    private: Collection[str] | None = None,
    benches: Mapping[Language, Bindery] = MappingProxyType({}),
) -> Inspection:
    """Look a book over, with the source that ``settings`` lead to: those of the data that are open.

    ``before`` are the results of the edition before, ``private`` the :func:`private_values` of the source where they were read
    already, ``benches`` the processes that look editions over side by side.
    """
    smallest, languages = settings.publish.smallest_group, settings.report.languages
    declared = settings.path.read_text(encoding="utf-8") if settings.path.is_file() else ""
    if settings.report.part:  # its name comes from the data, and stands on every page
        declared += f"\n{settings.report.title.en}\n{settings.report.title.zh}"
    found = gate(
        book,
        forbidden=private_values(settings) if private is None else private,
        languages=languages,
        secrets=secrets_of(settings),
        declared=declared,
        results=results,
        smallest=smallest,
        benches=benches,
    )
    if results is None:
        return Inspection(book, tuple(found), (NO_RESULTS,))
    numbers = tuple(compared(book, language, results, declared=declared) for language in languages)
    notes = by_difference(results, before, smallest) if before is not None else []
    return Inspection(book, (*found, *(problem for one in numbers for problem in one.problems)), tuple(notes), numbers)


def secrets_of(settings: Settings) -> set[str]:
    """What lets somebody in, as the parameters file names it: addresses of webhooks, and what its variables hold."""
    sinks = settings.sinks.values()
    held = (os.environ.get(name, "") for sink in sinks for name in sink.variables)
    return {secret for secret in (*held, *(sink.webhook or "" for sink in sinks)) if secret}


def results_of_run(root: Path, run_id: str) -> Results | None:
    """The results of a run of a project; None where its folder is gone or of another schema."""
    try:
        return Results.read(root / "runs" / run_id / "results.json")
    except (OSError, ValueError, KeyError, TypeError, RunError):
        return None


def edition_before(root: Path, published: Path, report: str, run_id: str) -> Results | None:
    """The results of the newest other edition of a report that still has them."""
    others = (path.resolve().name for path in editions(published, report=report))
    return next((found for name in others if name != run_id and (found := results_of_run(root, name))), None)
