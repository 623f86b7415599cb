"""What all commands print with, and the options they share."""

import json
from pathlib import Path
from typing import Any, get_args

import click

from crmtools.words import Language

as_json = click.option("--json", "wanted_json", is_flag=True, help="Print JSON for programs.")
in_language = click.option(
    "--language",
    type=click.Choice(get_args(Language)),
    default="en",
    show_default=True,
    help="Language of the texts.",
)


def print_json(plain: Any) -> None:
    """For programs."""
    click.echo(json.dumps(plain, ensure_ascii=False, indent=2, default=str))


def print_table(rows: list[list[str]]) -> None:
    """Columns side by side; Chinese characters are two columns wide."""
    from rich.cells import cell_len

    widths = [max(cell_len(row[n]) for row in rows) for n in range(max(map(len, rows), default=0))]
    for row in rows:
        line = "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False))
        click.echo(f"  {line.rstrip()}")


def said(value: Any) -> str:
    """A value, a list or a mapping in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key} = {said(part)}" for key, part in value.items())
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)


def near(path: Path) -> str:
    """A path as short as it can be written from here."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
