"""A report for each value of an attribute of the customers, from one call, and a page that leads to them.

::

    ROOT/
      demo-region-north -> …      a whole book per value
      demo-region-south -> …
      demo-by-region -> …         the page that sets them side by side: index.html, en/, zh/

The values share the snapshot of the data, the answers beside it and the process that kernels are forked from. One that cannot be
published does not keep the others from it. The page shows what stands in the books (their ``results.json``), where everything
about too few people is hidden already. It tells no number of customers and nothing about all of them, so that what is left out
is no rest of anything on it; which values have books is settled so that it is none of whole and books either
(:mod:`crmtools.tables.parts`).
"""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from crmtools import faults
from crmtools.asked import for_customers
from crmtools.errors import CRMError, Problem, RunError, SettingsError
from crmtools.part_names import index_name
from crmtools.report.by_value_page import Book, Shelf, write_pages
from crmtools.report.folders import BOOK
from crmtools.report.gate import gate
from crmtools.report.inspection import secrets_of
from crmtools.report.lock import only_run
from crmtools.report.manifest import new_run_id
from crmtools.report.private import private_values
from crmtools.report.publish import publish
from crmtools.report.results import Results
from crmtools.report.run import RunResult
from crmtools.report.stamps import without_stamps
from crmtools.settings import Settings
from crmtools.tables.parts import Values
from crmtools.tables.snapshot import located
from crmtools.tables.source import values_by

GRAVITY = (0, 3, 2, 1)
"""Exit codes of runs, the gravest last."""
Run = Callable[[Settings], RunResult]


@dataclass(frozen=True, slots=True)
class ByValue:
    """What became of the reports of all values: the page that leads to them, the books in their order, the gravest exit code.

    ``unchanged`` says that the page is the one that was published before.
    """

    page: Path
    books: tuple[Book, ...]
    values: Values
    exit_code: int
    unchanged: bool = False


def run_by_value(
    settings: Settings,
    attribute: str,
    run: Run,
    *,
    failed: Callable[[str, str], None],
    published: Path | None = None,
    assets: Path | None = None,
) -> ByValue:
    """Run the report of every value that may have one, then publish the page that leads to their books.

    Parameters
    ----------
    settings
        Those of the report; which customers they are about makes no difference.
    run
        Runs the report of one value.
    failed
        Told of a value whose report could not be published, and why.

    Raises
    ------
    SettingsError
        Where customers have no such attribute.
    RunError
        When no value may have a report, no report could be published, or the page does not pass the gate.
    """
    whole = for_customers(settings, {})
    found = values_by(whole, attribute)
    if not found.reported:
        smallest = whole.publish.smallest_group
        raise RunError(
            f"No {attribute} can have a report of its own: each has fewer than {smallest} customers, or is needed to hide one."
        )
    published = published or whole.root / "published"
    name = index_name(whole.path.stem, attribute)
    if whole.path.with_name(f"{name}{whole.path.suffix}").is_file():
        raise SettingsError(
            f"The page of all books is called {name}, and so is the report of {name}{whole.path.suffix}. Rename that file."
        )
    with only_run(whole.root, name):
        books, codes = [], [0]
        for value in found.reported:
            book, code = _book(for_customers(settings, {attribute: value}), value, run, failed, published)
            books.append(book)
            codes.append(code)
        if all(book.results is None for book in books):
            raise RunError(f"None of the reports by {attribute} could be published: what was published before stays.")
        began = datetime.now(UTC)
        shelf = Shelf(whole, found, tuple(books), began, (published / whole.path.stem / "index.html").is_file())
        unchanged = _publish(shelf, name, published, assets or BOOK)
    return ByValue(published / name, tuple(books), found, max(codes, key=GRAVITY.index), unchanged)


def _book(
    settings: Settings, value: str, run: Run, failed: Callable[[str, str], None], published: Path
) -> tuple[Book, int]:
    """Run the report of one value; whatever happens to it happens to it alone."""
    try:
        result = run(settings)
        results = Results.read(result.folder / "results.json")
    except Exception as error:  # noqa: BLE001 - the other values have their reports all the same
        logs = settings.root / ".crmtools" / "logs"
        failed(value, str(error) if isinstance(error, CRMError) else faults.said(error, faults.keep(error, logs)))
        before = (published / settings.name / "index.html").is_file()
        return Book(value, settings.name, None, before), 1
    return Book(value, settings.name, results, True, whole=result.exit_code != 2), result.exit_code


def _publish(shelf: Shelf, name: str, published: Path, assets: Path) -> bool:
    """Write the page, look it over, put it in place; True where the published one says the same already."""
    settings, run_id = shelf.settings, new_run_id(shelf.made)
    staging = settings.root / ".crmtools" / "by_value" / f"{name}-{run_id}"
    try:
        write_pages(shelf, staging, assets=assets)
        if problems := problems_of(staging, settings, beside=published):
            raise RunError.of("The page of all books did not pass the gate", problems, "The books are published.")
        if _told(staging) == _told(published / name):
            return True
        publish(staging, root=published, report=name, run_id=run_id, keep=settings.publish.keep)
        return False
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def problems_of(page: Path, settings: Settings, *, beside: Path) -> list[Problem]:
    """What the gate says of the page; ``beside`` is the folder of the books that it leads to."""
    declared = settings.path.read_text(encoding="utf-8") if settings.path.is_file() else ""
    return gate(
        page,
        forbidden=private_values(located(settings)),
        languages=settings.report.languages,
        secrets=secrets_of(settings),
        declared=declared,
        smallest=settings.publish.smallest_group,
        beside=beside,
    )


def _told(page: Path) -> str:
    """A mark of what a page says, whenever it was made; empty where there is none."""
    files = sorted(file for file in page.rglob("*") if file.is_file()) if page.is_dir() else []
    texts = [f"{file.relative_to(page)}\n{without_stamps(file.read_text(encoding='utf-8'))}" for file in files]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest() if texts else ""
