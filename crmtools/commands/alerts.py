"""Alerts of a run."""

import sys
from pathlib import Path

import click

from crmtools.commands.printing import as_json, in_language, print_json
from crmtools.commands.project import settings_of
from crmtools.words import Language, Text

NONE = Text("无告警。", "No alerts.")
NEW = Text("新", "new")


@click.command()
@click.argument("parameters")
@click.option(
    "--run",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of a run; by default the report's last one.",
)
@click.option("--send", is_flag=True, help="Tell the sinks what is new to them.")
@in_language
@as_json
def alerts(parameters: str, folder: Path | None, send: bool, language: Language, wanted_json: bool) -> None:
    """Say what the alerts of a PARAMETERS file find in the last run, without telling anybody.

    Exit code 0: nothing. 3: something. 2: with --send, when a sink could not be told.
    """
    from crmtools.alerts import evaluate
    from crmtools.alerts.record import last_run

    settings = settings_of(parameters)
    found = evaluate(settings, folder or last_run(settings.root, settings.name), send=send)
    if wanted_json:
        print_json(
            {
                "report": settings.name,
                "alerts": [{**one.to_dict(), "new": one in found.new} for one in found.alerts],
                "resolved": [one.to_dict() for one in found.resolved],
                "remarks": list(found.remarks),
                "told": list(found.told),
                "problems": [str(problem) for problem in found.problems],
            }
        )
    else:
        for one in found.alerts:
            click.echo(f"{one.text.to(language)}{f'  [{NEW.to(language)}]' * (one in found.new)}")
        if not found.alerts:
            click.echo(NONE.to(language))
        for remark in (*found.remarks, *map(str, found.problems)):
            click.echo(remark, err=True)
    sys.exit(2 if found.problems else 3 if found.alerts else 0)
