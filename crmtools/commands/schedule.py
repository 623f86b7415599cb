"""Schedules."""

import click

from crmtools.commands.printing import print_json
from crmtools.commands.project import settings_of

SCHEDULERS = ("cron", "systemd", "github", "airflow", "jupyter-scheduler")


@click.command()
@click.argument("parameters")
@click.option("--print", "scheduler", type=click.Choice(SCHEDULERS), required=True, help="For which scheduler.")
@click.option(
    "--at",
    help="'07:00 on day 2', '07:00 on monday' or '07:00 every day', in the report's time zone. By default day 2.",
)
@click.option("--json", "wanted_json", is_flag=True, help="Print JSON for programs.")
def schedule(parameters: str, scheduler: str, at: str | None, wanted_json: bool) -> None:
    """Print a recipe that runs the report of a PARAMETERS file on a schedule."""
    from crmtools.schedule.moment import moment
    from crmtools.schedule.recipes import recipe

    settings = settings_of(parameters)
    when = moment(settings, at)
    text = recipe(scheduler, settings, when)  # type: ignore[arg-type]
    if wanted_json:
        print_json(
            {
                "report": settings.name,
                "scheduler": scheduler,
                "cron": when.cron,
                "time_zone": when.time_zone,
                "recipe": text,
            }
        )
    else:
        click.echo(text, nl=False)
