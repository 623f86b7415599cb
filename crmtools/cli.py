"""The command ``crmtools``.

Exit codes: 0 all good, 1 it could not be done (nothing was published), 2 published, but some pages have no
numbers.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast, get_args

import click

import crmtools
from crmtools import commands_compare, faults
from crmtools.errors import CRMError
from crmtools.words import Language

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
as_json = click.option("--json", "wanted_json", is_flag=True, help="Print JSON for programs.")
in_language = click.option(
    "--language",
    type=click.Choice(get_args(Language)),
    default="en",
    show_default=True,
    help="Language of the texts.",
)


class _Commands(click.Group):
    """Says in one place what every command says when it cannot do what was asked."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what a person can mend is a message, not a traceback."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            error.show()
            ctx.exit(1)  # 2 says that a report was published
        except (CRMError, OSError) as error:
            click.echo(str(error), err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - a person gets a line, the log has the traceback
            log = faults.keep(error, _project() / ".crmtools" / "logs")
            click.echo(faults.said(error, Path(_near(log))), err=True)
            ctx.exit(1)


@click.group(cls=_Commands, context_settings=HELP)
@click.version_option(crmtools.__version__, message="%(version)s")
def main() -> None:
    """Customer-relationship analysis: goals, indicators with honest intervals, published reports."""


@main.command()
@click.argument("parameters")
@click.option(
    "--out",
    "published",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where reports are published.",
)
@click.option("--notebooks", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Other notebooks.")
@click.option("--fresh", is_flag=True, help="Run every page, whatever earlier runs left.")
@click.option("--dry-run", "only_plan", is_flag=True, help="Print which pages would be run, and why; run nothing.")
def report(parameters: str, published: Path | None, notebooks: Path | None, fresh: bool, only_plan: bool) -> None:
    """Run the report of a PARAMETERS file (or its name) and publish it.

    Pages that depend on nothing that has changed are taken from earlier runs, also from one that was killed or had pages that
    failed: running the report again goes on where it ended.

    Exit code 0: every page has its numbers. 1: nothing was published, what was there stays. 2: published,
    some pages say why they have no numbers.
    """
    from crmtools.progress import progress
    from crmtools.report.provenance import STAGES
    from crmtools.report.run import run_report

    settings = _settings(parameters)
    if only_plan:
        _print_plan(settings, notebooks, fresh=fresh)
        return
    with _ended_politely(), progress() as shown:
        result = run_report(settings, out=shown, published=published, notebooks=notebooks, fresh=fresh)
    click.echo()
    if result.unchanged:
        click.echo(f"Nothing has changed since run {result.run_id}: the published book stays.")
    for outcome in result.failed:
        failure = outcome.failure
        said = f"{failure.name}: {failure.message.splitlines()[0]}" if failure else ""
        click.echo(f"{outcome.state:10} {outcome.job.slug} ({outcome.job.language})  {said}")
        click.echo(f"{'':10} {_near(outcome.log)}")
    width = max(len(STAGES[name].en) for name in result.stages)
    for name, seconds in result.stages.items():
        click.echo(f"{STAGES[name].en:{width}} {seconds:7.1f} s")
    click.echo(f"{'Total':{width}} {sum(result.stages.values()):7.1f} s")
    click.echo()
    for language in settings.report.languages:
        click.echo(f"Open {_near(result.book / language / 'index.html')}")
    sys.exit(result.exit_code)


def _print_plan(settings: Any, notebooks: Path | None, *, fresh: bool) -> None:
    """Every page with what would become of it."""
    from crmtools.report.cache import PageCache
    from crmtools.report.plan import plan
    from crmtools.tables.source import open_settings

    data = open_settings(settings)
    jobs, known = plan(settings, data, notebooks=notebooks).jobs, PageCache.of(settings, data)
    why = [None if fresh else known.why(job) for job in jobs]
    _print_table(
        [
            [
                job.slug,
                job.language,
                "run" if fresh or reason else "cached",
                reason.en if reason else "asked for" if fresh else "",
            ]
            for job, reason in zip(jobs, why, strict=True)
        ]
    )
    run = len(jobs) if fresh else sum(reason is not None for reason in why)
    click.echo(f"\n{run} of {len(jobs)} notebooks would be run.")


@main.command()
@click.argument("parameters")
@as_json
def check(parameters: str, wanted_json: bool) -> None:
    """Check a PARAMETERS file and its data, and print what a run would do."""
    from crmtools.report.plan import plan
    from crmtools.tables.source import open_settings

    settings = _settings(parameters)
    data = open_settings(settings)
    made = plan(settings, data)
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
        "remarks": list(data.door.remarks),
        "settings": settings.model_dump(mode="json", exclude={"path"}),
    }
    if wanted_json:
        _print_json(plain)
        return
    click.echo(
        f"{settings.path.name} is sound: {settings.report.title.en}, {settings.report.period.id}, "
        f"data as of {data.as_of}"
    )
    click.echo("\nTables")
    _print_table(
        [
            [
                item.table,
                f"{item.read:,} read",
                f"{item.kept:,} kept",
                ", ".join(f"{n:,} {why}" for why, n in item.left_out.items()),
            ]
            for item in data.door.tables
        ]
    )
    for remark in data.door.remarks:
        click.echo(f"  {remark}")
    count = len(made.indicators)
    click.echo(f"\nA run would execute {len(made.jobs)} notebooks ({count} indicators) for {len(made.entries)} pages")
    for name, reason in plain["left_out"].items():
        click.echo(f"  {name}: {reason}")
    if plain["not_computable"]:
        click.echo(f"\nNot computable: {len(plain['not_computable'])} of {len(made.readiness)} indicators")
        _print_table([[name, why] for name, why in plain["not_computable"].items()])
        click.echo(f"  How to get what is missing: crmtools ready {settings.name}")
    click.echo("\nSettings in force (defaults included)")
    for part in ("report", "lifetime", "rfm", "run", "publish"):
        for name, value in plain["settings"][part].items():
            click.echo(f"  {part}.{name}: {json.dumps(value, ensure_ascii=False, default=str)}")


@main.command()
@click.argument("parameters")
@in_language
@as_json
def ready(parameters: str, language: Language, wanted_json: bool) -> None:
    """Say which indicators the data of a PARAMETERS file allow, what the others lack, and what to add first."""
    from crmtools import listings
    from crmtools.readiness import readiness
    from crmtools.tables.source import open_settings

    settings = _settings(parameters)
    found = readiness(open_settings(settings))
    if wanted_json:
        _print_json({"report": settings.name, **listings.ready_record(found, language)})
        return
    for title, rows in listings.ready_tables(found, language):
        click.echo(title)
        _print_table(rows)


@main.command()
@click.argument("indicator", required=False)
@click.option(
    "--report",
    "reports",
    multiple=True,
    help="Say what can be computed from the data of this report; may be given several times. By default every report of "
    "the project, and none where one INDICATOR is asked for.",
)
@in_language
@as_json
def indicators(indicator: str | None, reports: tuple[str, ...], language: Language, wanted_json: bool) -> None:
    """List the catalogue with what can be computed from the data of each report, or everything about one INDICATOR."""
    from crmtools import listings
    from crmtools.indicators import CATALOGUE, find

    chosen = [find(indicator)] if indicator else list(CATALOGUE.values())
    if reports or indicator:
        ready_in = {Path(name).stem: _readiness_of(name) for name in reports}
    else:
        ready_in = _readiness_of_all()
    rows = [listings.indicator_record(item, ready_in, language) for item in chosen]
    if wanted_json:
        _print_json(rows[0] if indicator else rows)
    elif indicator:
        _print_table([[name, _said(value)] for name, value in rows[0].items()])
    else:
        for title, lines in listings.catalogue_tables(chosen, ready_in, language):
            click.echo(title)
            _print_table(lines)


def _readiness_of(report: str) -> Any:
    """What can be computed from the data of a report; opening them may take a while."""
    from crmtools.readiness import readiness
    from crmtools.tables.source import open_settings

    settings = _settings(report)
    click.echo(f"opening {settings.name} …", err=True)
    return readiness(open_settings(settings))


def _readiness_of_all() -> dict[str, Any]:
    """The same for every report of the project; one that does not open is told and left out."""
    found = {}
    own = _project() / "parameters"
    folder = own if own.is_dir() else Path(crmtools.__file__).parent.parent / "parameters"
    for file in sorted(folder.glob("*.yml")):
        try:
            found[file.stem] = _readiness_of(str(file))
        except CRMError as error:
            click.echo(f"{file.stem} cannot be opened. {str(error).splitlines()[0]}", err=True)
    return found


@main.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@as_json
def describe(notebook: Path, wanted_json: bool) -> None:
    """Print the parameters of a NOTEBOOK with types, defaults and help."""
    from crmtools.report.notebooks import parameters_of

    found = parameters_of(notebook)
    if wanted_json:
        _print_json([{"name": p.name, "type": p.type, "default": p.default, "help": p.help} for p in found])
    else:
        _print_table([[p.name, p.type, repr(p.default), p.help] for p in found])


@main.command()
@click.option("--check", "only_check", is_flag=True, help="Exit with 1 when data/README.md is not as the schema says.")
@click.option("--write", is_flag=True, help="Write data/README.md.")
@as_json
def dictionary(only_check: bool, write: bool, wanted_json: bool) -> None:
    """Print the data dictionary: every table and column that a source may have."""
    from crmtools.tables.dictionary import FILE, as_records, as_text

    if wanted_json:
        _print_json(as_records())
        return
    text = as_text()
    if write:
        FILE.write_text(text, encoding="utf-8")
    elif only_check:
        if not FILE.is_file() or FILE.read_text(encoding="utf-8") != text:
            raise CRMError("data/README.md is not as the schema says. Run: crmtools dictionary --write")
    else:
        click.echo(text, nl=False)


@main.command()
@click.argument("parameters")
@in_language
@as_json
def goals(parameters: str, language: Language, wanted_json: bool) -> None:
    """Print where every goal of a PARAMETERS file stands, and what the data say about it."""
    from crmtools.goals.change import VERDICTS
    from crmtools.goals.evidence import EVIDENCE
    from crmtools.goals.judgement import judgements
    from crmtools.goals.reading import scorecard
    from crmtools.goals.status import STATUS
    from crmtools.report.results import reading_values
    from crmtools.show.evidence_words import chance_of
    from crmtools.tables.source import open_settings

    data = open_settings(_settings(parameters))
    readings = scorecard(data)
    told = judgements(readings, data)
    if wanted_json:
        _print_json([reading_values(*pair) for pair in zip(readings, told, strict=True)])
        return
    head = {
        "en": [
            "goal",
            "now",
            "low",
            "high",
            "target",
            "by",
            "progress",
            "evidence",
            "chance",
            "since the baseline",
            "by the plan",
        ],
        "zh": [
            "目标",
            "数值",
            "下限",
            "上限",
            "目标值",
            "截止",
            "进度",
            "证据状态",
            "达成的可能",
            "与基线相比",
            "计划状态",
        ],
    }
    rows = [
        [
            r.goal.name.to(language),
            *(_number(value) for value in (r.now.value, r.now.low, r.now.high, r.target)),
            str(r.goal.deadline),
            "" if r.progress is None else f"{r.progress:.0%}",
            EVIDENCE[one.evidence].to(language),
            chance_of(one, language),
            "" if one.verdict is None else VERDICTS[one.verdict].to(language),
            STATUS[r.status].to(language),
        ]
        for r, one in zip(readings, told, strict=True)
    ]
    _print_table([head[language], *rows])


@main.command()
@click.argument("parameters")
@in_language
@as_json
def smart(parameters: str, language: Language, wanted_json: bool) -> None:
    """Check the goals of a PARAMETERS file before they start: specific, measurable, achievable, relevant, timely."""
    from crmtools.goals.smart import smart_goals
    from crmtools.show.smart_views import record, tables
    from crmtools.tables.source import open_settings

    settings = _settings(parameters)
    found = smart_goals(open_settings(settings))
    if wanted_json:
        _print_json({"report": settings.name, "goals": [record(one, language) for one in found]})
        return
    for title, rows in tables(found, language):
        click.echo(title)
        _print_table(rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _settings(name: str) -> Any:
    from crmtools.parameters import load
    from crmtools.tables.source import find_parameters

    path = Path(name)
    return load(path if path.suffix in (".yml", ".yaml") and path.is_file() else find_parameters(name))


def _project() -> Path:
    """The project that is worked in: the nearest folder upwards with parameters files, else this one."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "parameters").is_dir()), here)


def _near(path: Path) -> str:
    """A path as short as it can be written from here."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@contextmanager
def _ended_politely() -> Iterator[None]:
    """A scheduler's SIGTERM ends a run as Ctrl-C does: kernels are stopped, nothing is left."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, cast(Callable[..., Any], before))


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_said(part)}" for key, part in value.items())
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _print_json(plain: Any) -> None:
    click.echo(json.dumps(plain, ensure_ascii=False, indent=2, default=str))


def _print_table(rows: list[list[str]]) -> None:
    """Columns side by side; Chinese characters are two columns wide."""
    from rich.cells import cell_len

    widths = [max(cell_len(row[n]) for row in rows) for n in range(max(map(len, rows), default=0))]
    for row in rows:
        line = "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False))
        click.echo(f"  {line.rstrip()}")


commands_compare.register(main)

if __name__ == "__main__":
    main()
