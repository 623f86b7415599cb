"""The catalogue of indicators."""

from pathlib import Path
from typing import Any

import click

import crmtools
from crmtools.commands.printing import as_json, in_language, print_json, print_table, said
from crmtools.commands.project import project, settings_of
from crmtools.errors import CRMError
from crmtools.words import Language


@click.command()
@click.argument("indicator", required=False)
@click.option(
    "--report",
    "reports",
    multiple=True,
    help="Say what can be computed from the data of this report; may be given several times. By default every report of "
    "the project, and none where one INDICATOR is asked for.",
)
@in_language
@as_json
def indicators(indicator: str | None, reports: tuple[str, ...], language: Language, wanted_json: bool) -> None:
    """List the catalogue with what can be computed from the data of each report, or everything about one INDICATOR."""
    from crmtools import listings
    from crmtools.indicators import CATALOGUE, find

    chosen = [find(indicator)] if indicator else list(CATALOGUE.values())
    if reports or indicator:
        ready_in = {Path(name).stem: _readiness_of(name) for name in reports}
    else:
        ready_in = _readiness_of_all()
    rows = [listings.indicator_record(item, ready_in, language) for item in chosen]
    if wanted_json:
        print_json(rows[0] if indicator else rows)
    elif indicator:
        print_table([[name, said(value)] for name, value in rows[0].items()])
    else:
        for title, lines in listings.catalogue_tables(chosen, ready_in, language):
            click.echo(title)
            print_table(lines)


def _readiness_of(report: str) -> Any:
    """What can be computed from the data of a report; opening them may take a while."""
    from crmtools.readiness import readiness
    from crmtools.tables.source import open_settings

    settings = settings_of(report)
    click.echo(f"opening {settings.name} …", err=True)
    return readiness(open_settings(settings))


def _readiness_of_all() -> dict[str, Any]:
    """The same for every report of the project; one that does not open is told and left out."""
    found = {}
    own = project() / "parameters"
    folder = own if own.is_dir() else Path(crmtools.__file__).parent.parent / "parameters"
    for file in sorted(folder.glob("*.yml")):
        try:
            found[file.stem] = _readiness_of(str(file))
        except CRMError as error:
            click.echo(f"{file.stem} cannot be opened. {str(error).splitlines()[0]}", err=True)
    return found
