"""Reports on paper."""

from pathlib import Path

import click

from crmtools.commands.printing import near
from crmtools.commands.project import project
from crmtools.errors import RunError


@click.command()
@click.argument("report")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the files are written; by default beside the report.",
)
@click.option("--first-page", is_flag=True, help="Only the first page.")
def pdf(report: str, out: Path | None, first_page: bool) -> None:
    """Print the published book of a REPORT (its name, or the folder of a book) as PDF, each language as a file.

    Needs Chromium, Chrome or Edge on this machine.
    """
    from crmtools.report.pdf import print_book, print_first_page

    book = Path(report) if Path(report).is_dir() else project() / "published" / report
    editions = [folder for folder in (book / "en", book / "zh") if (folder / "index.html").is_file()]
    if not editions:
        raise RunError(
            f"There is no published book '{report}': {book} holds no edition. Run `crmtools report {report}` first."
        )
    out = out or book.parent
    for edition in editions:
        name = f"{book.name}-{edition.name}{'-first-page' if first_page else ''}.pdf"
        (print_first_page if first_page else print_book)(edition, out / name)
        click.echo(near(out / name))
