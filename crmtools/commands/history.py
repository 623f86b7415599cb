"""What earlier runs said, and what they would have said."""

from typing import Any, get_args

import click

from crmtools.commands.printing import as_json, in_language, print_json
from crmtools.commands.project import project, settings_of
from crmtools.period import Step
from crmtools.words import Language


@click.command()
@click.argument("run_a")
@click.argument("run_b")
@in_language
@as_json
def compare(run_a: str, run_b: str, language: Language, wanted_json: bool) -> None:
    """Say what differs from RUN_A to RUN_B of a report, and what each difference is laid to.

    A run is the name of a folder below runs/, a path to one, or a run of which only the history is left.
    """
    from crmtools.report import compare as comparing
    from crmtools.report.compare_text import lines
    from crmtools.report.ran import find_run

    root = project()
    found = comparing.compare(find_run(root, run_a), find_run(root, run_b))
    if wanted_json:
        print_json(found.to_dict())
        return
    for line in lines(found, language):
        click.echo(line)


@click.command()
@click.argument("parameters")
@click.option("--from", "start", required=True, help="The first period: 2024-01, 2024-Q1, 2024.")
@click.option("--to", "end", help="The last period; by default the one before the period that is reported.")
@click.option(
    "--step", type=click.Choice(get_args(Step)), help="The length of the periods; by default that of the report."
)
@as_json
def backfill(parameters: str, start: str, end: str | None, step: Any, wanted_json: bool) -> None:
    """Put what the report of a PARAMETERS file would have said on earlier days into its history.

    What is there already is not computed again, and a backfill that was stopped goes on where it ended.
    """
    from crmtools.period import Period
    from crmtools.report.backfill import Filled
    from crmtools.report.backfill import backfill as fill
    from crmtools.tables.source import open_settings

    data = open_settings(settings_of(parameters))

    def done(one: Filled) -> None:
        said = {"added": f"{one.numbers} numbers", "there": "there already", "before_data": "before the data begin"}
        if not wanted_json:
            click.echo(f"{one.period.id:10} as of {one.as_of}  {said[one.state]}")
        for note in one.notes:
            click.echo(f"{'':10} {note}", err=True)

    found = fill(data, start=Period.parse(start), end=Period.parse(end) if end else None, step=step, done=done)
    counts = {state: sum(one.state == state for one in found) for state in ("added", "there", "before_data")}
    begin = data.door.first
    if wanted_json:
        print_json({"report": data.settings.name, "data_begin": begin, **counts})
        return
    click.echo(f"{counts['added']} added, {counts['there']} there already")
    if counts["before_data"]:
        click.echo(f"{counts['before_data']} left out: the data begin on {begin}")
