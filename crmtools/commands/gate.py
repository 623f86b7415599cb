"""Looking a finished book over."""

import sys
from pathlib import Path
from typing import NoReturn

import click

from crmtools.commands.printing import as_json, near, print_json
from crmtools.commands.project import project, settings_of
from crmtools.errors import RunError
from crmtools.report.publish import EDITIONS


@click.command()
@click.argument("book")
@click.option("--report", "name", help="The report that the book is of, where its folder does not tell.")
@as_json
def gate(book: str, name: str | None, wanted_json: bool) -> None:
    """Look over a BOOK (a report's name, its folder, or a run) as it is done before a report is published.

    No request to a host, no broken link, no personal value, secret or path, no markup from the data, no number about too few
    people, every number of the first page the stored one. Exit code 0: nothing was found. 1: what was found, page and line.
    """
    from crmtools.report.inspection import edition_before, inspect, results_of_run
    from crmtools.tables.snapshot import located

    root = project()
    folder, run_id = _found(book, root)
    if leads := _leads_to_books(folder):
        _look_over(folder, leads, root, wanted_json)
    results = results_of_run(root, run_id)
    report = name or (results.report if results else "")
    if not report:
        raise RunError(
            f"{near(folder)} does not tell which report it is of: its run {run_id} is gone. Name it with --report."
        )
    settings = located(settings_of(report))
    before = edition_before(root, root / "published", report, run_id) if results else None
    found = inspect(folder, settings, results=results, before=before)
    compared = {one.language: one.numbers for one in found.numbers}
    if wanted_json:
        problems = [{"place": one.place, "message": one.message} for one in found.problems]
        print_json(
            {"book": str(folder), "run": run_id, "problems": problems, "notes": found.notes, "compared": compared}
        )
    else:
        for problem in found.problems:
            click.echo(str(problem))
        for note in found.notes:
            click.echo(f"Note: {note}")
        numbers = ", ".join(f"{count} numbers of the first page ({language})" for language, count in compared.items())
        count = len(found.problems)
        said = f"{count} problem{'s'[: count != 1]}" if count else "nothing to object to"
        click.echo(f"{near(folder)}: {said}{f'; compared with the results: {numbers}' if numbers else ''}.")
    sys.exit(1 if found.problems else 0)


def _leads_to_books(folder: Path) -> str:
    """The report whose books a page sets side by side (``demo`` of ``demo-by-region``); empty where it is a book itself."""
    place = folder.resolve()
    name = place.parent.name if place.parent.parent.name == EDITIONS else place.name
    report, by, _ = name.rpartition("-by-")
    return (
        report
        if by
        and not (folder / "en" / "provenance.html").is_file()
        and not (folder / "zh" / "provenance.html").is_file()
        else ""
    )


def _look_over(page: Path, report: str, root: Path, wanted_json: bool) -> NoReturn:
    """Look over a page that leads to books; it has no results of its own."""
    from crmtools.asked import for_customers
    from crmtools.report.by_value import problems_of

    problems = problems_of(page, for_customers(settings_of(report), {}), beside=root / "published")
    if wanted_json:
        print_json({"page": str(page), "problems": [{"place": one.place, "message": one.message} for one in problems]})
    else:
        for problem in problems:
            click.echo(str(problem))
        said = f"{len(problems)} problem{'s'[: len(problems) != 1]}" if problems else "nothing to object to"
        click.echo(f"{near(page)}: {said}.")
    sys.exit(1 if problems else 0)


def _found(book: str, root: Path) -> tuple[Path, str]:
    """The folder of a book, and the id of the run that made it."""
    for folder in (Path(book), root / "published" / book, root / "runs" / book):
        if (folder / "html").is_dir() and (folder / "manifest.json").is_file():
            return folder / "html", folder.resolve().name
        if list(folder.glob("*/index.html")):
            place = folder.resolve()
            return folder, place.parent.name if place.name == "html" else place.name
    raise RunError(
        f"There is no book '{book}'. Name a published report, the folder of a book, or a run that was not published."
    )
