"""Runs that have ended."""

import sys
from pathlib import Path

import click

from crmtools.commands.printing import as_json, near, print_json
from crmtools.commands.project import project
from crmtools.errors import RunError


@click.command()
@click.argument("run")
@as_json
def verify(run: str, wanted_json: bool) -> None:
    """Say whether the folder of a RUN (its path or its id) is as it was when the run ended.

    Exit code 0: every file is. 1: a file is missing, was changed or was added, or the run has no hashes.
    """
    from crmtools.report.seal import verify as compare

    folder = Path(run) if Path(run).is_dir() else project() / "runs" / run
    if not folder.is_dir():
        there = ", ".join(path.name for path in sorted((project() / "runs").glob("[0-9]*T*-*"))[-5:])
        raise RunError(f"There is no run '{run}'. The last ones: {there or 'none'}.")
    found = compare(folder)
    differ = {name: getattr(found, name) for name in ("missing", "changed", "added")}
    if wanted_json:
        print_json(
            {"run": folder.name, "ok": found.ok, "files": found.files, "manifest_sha256": found.digest, **differ}
        )
    else:
        for name, files in differ.items():
            for file in files:
                click.echo(f"{name:8} {file}")
        said = "as they were when the run ended" if found.ok else f"{sum(map(len, differ.values()))} differ"
        click.echo(f"{near(folder)}: {found.files} files, {said}. SHA-256 of its manifest: {found.digest}")
    sys.exit(0 if found.ok else 1)
