"""What a report is made of: its parameters file and data, the data dictionary, the parameters of a notebook."""

import json
from pathlib import Path
from typing import Any

import click

from crmtools.commands.printing import as_json, in_language, print_json, print_table
from crmtools.commands.project import settings_of
from crmtools.errors import CRMError
from crmtools.words import Language


@click.command()
@click.argument("parameters")
@as_json
def check(parameters: str, wanted_json: bool) -> None:
    """Check a PARAMETERS file and its data, and print what a run would do."""
    from crmtools.report.plan import plan
    from crmtools.report.remarks import remarks as remarks_on
    from crmtools.tables.source import open_settings

    settings = settings_of(parameters)
    data = open_settings(settings)
    made = plan(settings, data)
    remarks = [*data.door.remarks, *remarks_on(data, made.jobs)]
    plain: dict[str, Any] = {
        "report": settings.name,
        "period": settings.report.period.id,
        "as_of": str(data.as_of),
        "tables": {
            item.table: {"read": item.read, "kept": item.kept, "left_out": dict(item.left_out)}
            for item in data.door.tables
        },
        "pages": [entry.slug for entry in made.entries],
        "notebooks_to_run": len(made.jobs),
        "left_out": {e.slug: e.skipped.en for e in (*made.left_out, *made.entries) if e.skipped},
        "not_computable": {name: one.why.en for name, one in made.readiness.items() if one.why},
        "remarks": remarks,
        "settings": settings.model_dump(mode="json", exclude={"path"}),
    }
    if wanted_json:
        print_json(plain)
        return
    click.echo(
        f"{settings.path.name} is sound: {settings.report.title.en}, {settings.report.period.id}, "
        f"data as of {data.as_of}"
    )
    click.echo("\nTables")
    print_table(
        [
            [
                item.table,
                f"{item.read:,} read",
                f"{item.kept:,} kept",
                f"to {item.last}" if item.last else "",
                ", ".join(f"{n:,} {why}" for why, n in item.left_out.items()),
            ]
            for item in data.door.tables
        ]
    )
    for remark in remarks:
        click.echo(f"  {remark}")
    count = len(made.indicators)
    click.echo(f"\nA run would execute {len(made.jobs)} notebooks ({count} indicators) for {len(made.entries)} pages")
    for name, reason in plain["left_out"].items():
        click.echo(f"  {name}: {reason}")
    if plain["not_computable"]:
        click.echo(f"\nNot computable: {len(plain['not_computable'])} of {len(made.readiness)} indicators")
        print_table([[name, why] for name, why in plain["not_computable"].items()])
        click.echo(f"  How to get what is missing: crmtools ready {settings.name}")
    click.echo("\nSettings in force (defaults included)")
    for part in ("report", "lifetime", "rfm", "run", "publish"):
        for name, value in plain["settings"][part].items():
            click.echo(f"  {part}.{name}: {json.dumps(value, ensure_ascii=False, default=str)}")


@click.command()
@click.argument("parameters")
@in_language
@as_json
def ready(parameters: str, language: Language, wanted_json: bool) -> None:
    """Say which indicators the data of a PARAMETERS file allow, what the others lack, and what to add first."""
    from crmtools import listings
    from crmtools.readiness import readiness
    from crmtools.tables.source import open_settings

    settings = settings_of(parameters)
    found = readiness(open_settings(settings))
    if wanted_json:
        print_json({"report": settings.name, **listings.ready_record(found, language)})
        return
    for title, rows in listings.ready_tables(found, language):
        click.echo(title)
        print_table(rows)


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@as_json
def describe(notebook: Path, wanted_json: bool) -> None:
    """Print the parameters of a NOTEBOOK with types, defaults and help."""
    from crmtools.report.notebooks import parameters_of

    found = parameters_of(notebook)
    if wanted_json:
        print_json([{"name": p.name, "type": p.type, "default": p.default, "help": p.help} for p in found])
    else:
        print_table([[p.name, p.type, repr(p.default), p.help] for p in found])


@click.command()
@click.option("--check", "only_check", is_flag=True, help="Exit with 1 when data/README.md is not as the schema says.")
@click.option("--write", is_flag=True, help="Write data/README.md.")
@as_json
def dictionary(only_check: bool, write: bool, wanted_json: bool) -> None:
    """Print the data dictionary: every table and column that a source may have."""
    from crmtools.tables.dictionary import FILE, as_records, as_text

    if wanted_json:
        print_json(as_records())
        return
    text = as_text()
    if write:
        FILE.write_text(text, encoding="utf-8")
    elif only_check:
        if not FILE.is_file() or FILE.read_text(encoding="utf-8") != text:
            raise CRMError("data/README.md is not as the schema says. Run: crmtools dictionary --write")
    else:
        click.echo(text, nl=False)
