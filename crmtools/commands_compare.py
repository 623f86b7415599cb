"""The commands ``crmtools compare`` and ``crmtools backfill``."""

import json
from pathlib import Path
from typing import Any, get_args

import click

from crmtools.words import Language

STEPS = ("month", "quarter", "year")


def register(group: click.Group) -> None:
    """Add the commands to ``crmtools``."""
    group.add_command(compare)
    group.add_command(backfill)


@click.command()
@click.argument("run_a")
@click.argument("run_b")
@click.option(
    "--language", type=click.Choice(get_args(Language)), default="en", show_default=True, help="Language of the texts."
)
@click.option("--json", "wanted_json", is_flag=True, help="Print JSON for programs.")
def compare(run_a: str, run_b: str, language: Language, wanted_json: bool) -> None:
    """Say what differs from RUN_A to RUN_B of a report, and what each difference is laid to.

    A run is the name of a folder below runs/, a path to one, or a run of which only the history is left.
    """
    from crmtools.report import compare as comparing
    from crmtools.report.compare_text import lines
    from crmtools.report.ran import find_run

    root = _root()
    found = comparing.compare(find_run(root, run_a), find_run(root, run_b))
    if wanted_json:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=2, default=str))
        return
    for line in lines(found, language):
        click.echo(line)


@click.command()
@click.argument("parameters")
@click.option("--from", "start", required=True, help="The first period: 2024-01, 2024-Q1, 2024.")
@click.option("--to", "end", help="The last period; by default the one before the period that is reported.")
@click.option("--step", type=click.Choice(STEPS), help="The length of the periods; by default that of the report.")
@click.option("--json", "wanted_json", is_flag=True, help="Print JSON for programs.")
def backfill(parameters: str, start: str, end: str | None, step: Any, wanted_json: bool) -> None:
    """Put what the report of a PARAMETERS file would have said on earlier days into its history.

    What is there already is not computed again, and a backfill that was stopped goes on where it ended.
    """
    from crmtools.parameters import load
    from crmtools.period import Period
    from crmtools.report.backfill import Filled, first_day
    from crmtools.report.backfill import backfill as fill
    from crmtools.tables.source import find_parameters, open_settings

    data = open_settings(load(find_parameters(parameters)))

    def done(one: Filled) -> None:
        said = {"added": f"{one.numbers} numbers", "there": "there already", "before_data": "before the data begin"}
        if not wanted_json:
            click.echo(f"{one.period.id:10} as of {one.as_of}  {said[one.state]}")
        for note in one.notes:
            click.echo(f"{'':10} {note}", err=True)

    found = fill(data, start=Period.parse(start), end=Period.parse(end) if end else None, step=step, done=done)
    counts = {state: sum(one.state == state for one in found) for state in ("added", "there", "before_data")}
    begin = first_day(data)
    if wanted_json:
        click.echo(json.dumps({"report": data.settings.name, "data_begin": str(begin), **counts}, indent=2))
        return
    click.echo(f"{counts['added']} added, {counts['there']} there already")
    if counts["before_data"]:
        click.echo(f"{counts['before_data']} left out: the data begin on {begin}")


def _root() -> Path:
    """The project that this folder belongs to: the nearest one upwards that has runs."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "runs").is_dir()), here)
