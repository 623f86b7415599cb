"""Beginning an indicator, a chapter or a report."""

from pathlib import Path

import click

from crmtools.commands.printing import near
from crmtools.commands.project import project


@click.group()
def new() -> None:
    """Write a working start of an indicator, a chapter or a report; texts to be replaced begin with REPLACE and 请替换."""


@new.command("indicator")
@click.argument("name")
@click.option(
    "--kind",
    required=True,
    help="How rows become a value: share, net_share, mean, ratio, rate, unit_cost, total, duration.",
)
@click.option(
    "--dimension", help="The file it goes into, crmtools/indicators/DIMENSION.py; by default one that fits the kind."
)
def new_indicator(name: str, kind: str, dimension: str | None) -> None:
    """Write the declaration of an indicator NAME into the file of its dimension, with a worked example.

    It measures something simple of its kind until you write your own. The command line, the book, goals and the tests over the
    catalogue find it by themselves.
    """
    from crmtools.beginnings.indicator import begin_indicator

    begun = begin_indicator(name, kind, dimension=dimension)
    click.echo(f"{near(begun.file)}:{begun.line}  {name}, for now {begun.measures}: {begun.value} on data/tiny.")
    click.echo("Next:")
    click.echo(
        "  1. Write your own texts, columns (uses=), function and worked example; CONTRIBUTING.md says what each part is."
    )
    click.echo(
        f"  2. pytest -m '' tests/test_catalogue.py tests/test_declarations.py tests/test_invariance.py -k {name}"
    )
    click.echo(f"  3. crmtools preview demo {name} --watch")
    click.echo("  4. Its line in data/tiny/ANSWERS.md, its functions in tests/tiny_answers/ and tests/by_hand.py.")


@new.command("chapter")
@click.argument("name")
@click.option("--about", help="The indicator that it begins with; by default the repeat purchase rate.")
@click.option("--notebooks", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another folder.")
def new_chapter(name: str, about: str | None, notebooks: Path | None) -> None:
    """Write notebooks/NAME.ipynb, a chapter that runs as it is and stands in the book from the next report on."""
    from crmtools.beginnings.chapter import ABOUT, begin_chapter

    file = begin_chapter(name, notebooks or _notebooks(), about=about or ABOUT)
    click.echo(f"{near(file)}")
    click.echo("Next:")
    click.echo(f"  1. jupyter lab {near(file)}, or crmtools preview demo {name} --watch")
    click.echo("  2. Write your question, figure, table and next step, in both languages.")
    click.echo(
        "  3. It is one of the further chapters of every report, but of those that name their chapters: add it to run.chapters there."
    )


@new.command("report")
@click.argument("name")
@click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of exports; by default the tiny company.",
)
def new_report(name: str, folder: Path | None) -> None:
    """Write parameters/NAME.yml, complete and valid as it stands.

    With --from it names the tables that the folder holds, what their headers were taken for, the last day of the data and the last period
    that is over; what it could not tell stands in the file as a comment.
    """
    from crmtools.beginnings.contents import columns_of
    from crmtools.beginnings.report import begin_report

    made = begin_report(name, project(), source=folder)
    looked = made.looked
    click.echo(f"{near(made.file)}: {looked.period.id} as of {looked.as_of}, {len(looked.tables)} tables.")
    for one in looked.tables:
        unknown = f"; not mapped: {', '.join(columns_of(one.guesses, one.unknown))}" if one.unknown else ""
        click.echo(f"  {one.file.name} is {one.table}{unknown}")
    for file, reason in looked.others.items():
        click.echo(f"  {file} is not used: {reason}")
    if made.problems:
        click.echo("Before the report can be run:")
        for problem in made.problems:
            click.echo("  " + str(problem).replace("\n", "\n  "))
        click.echo(
            "  as_of and period in the file go by the rows that nothing is wrong with: see whether they still hold then"
            if looked.has_days
            else "  as_of and period in the file go by today: write the last day of the data, and a period that is over by then"
        )
    click.echo("Next:")
    click.echo(
        f"  1. Write title and goals; `crmtools check {name}` says what is wrong, `crmtools ready {name}` what can be computed."
    )
    click.echo(f"  2. crmtools report {name}")


def _notebooks() -> Path:
    """The folder that reports of this project take their notebooks from."""
    import crmtools

    own = project() / "notebooks"
    return own if own.is_dir() else Path(crmtools.__file__).parent.parent / "notebooks"
