"""Looking at one page while it is written."""

import contextlib
from pathlib import Path
from typing import get_args

import click

from crmtools.commands.project import settings_of
from crmtools.words import Language


@click.command()
@click.argument("parameters")
@click.argument("page")
@click.option("--language", type=click.Choice(get_args(Language)), help="The edition; by default the report's first.")
@click.option("--watch", "watching", is_flag=True, help="Make the page again whenever something it is made of changes.")
@click.option("--notebooks", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Other notebooks.")
def preview(parameters: str, page: str, language: Language | None, watching: bool, notebooks: Path | None) -> None:
    """Run one PAGE of the report of a PARAMETERS file and print where it is, inside of a copy of the published book.

    PAGE is the name of an indicator, a goal or a chapter (nps, goal_nps, rfm). Nothing is published, and no run is recorded. With
    --watch the page is made again whenever its notebook, the parameters file, the package or the styles of the book change, until
    Ctrl-C.
    """
    from crmtools.report.press_client import Press

    if watching:
        from crmtools.report.watching import watch

        with contextlib.suppress(KeyboardInterrupt):  # that is how it ends
            watch(parameters, page, language=language, notebooks=notebooks, say=click.echo)
        return
    with Press() as press:  # it imports while this process does
        from crmtools.report.warm import warm_process

        with warm_process() as warm:
            from crmtools.report.preview import preview as make

            made = make(settings_of(parameters), page, language=language, press=press, warm=warm, notebooks=notebooks)
    click.echo(made.said)
