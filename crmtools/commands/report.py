"""Running a report."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from crmtools.commands.printing import near, print_table
from crmtools.commands.project import settings_of
from crmtools.cores import cores
from crmtools.report.warm import AVAILABLE, warm_process

if TYPE_CHECKING:
    from crmtools.report.run import RunResult
    from crmtools.report.warm import Warm
    from crmtools.settings import Settings


@click.command()
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
@click.option(
    "--engine",
    type=click.Choice(["forked", "kernel"]),
    default="forked",
    help="Fork the kernels of the notebooks (fast, the default where the system can), or start each by itself.",
)
@click.option("--only", metavar="ATTRIBUTE=VALUE", help="Only the customers with this value, for example region=north.")
@click.option("--by", metavar="ATTRIBUTE", help="A book for each value of an attribute, and a page that leads to them.")
@click.option("--catch-up", is_flag=True, help="Run every period that is over since the last published one, in order.")
def report(
    parameters: str,
    published: Path | None,
    notebooks: Path | None,
    fresh: bool,
    only_plan: bool,
    engine: str,
    only: str | None,
    by: str | None,
    catch_up: bool,
) -> None:
    """Run the report of a PARAMETERS file (or its name) and publish it; NAME@2025-10 runs it for that period.

    --only region=north reports these customers alone, in a book of its own (NAME-region-north); NAME#region=north means the same
    to every command. --by region makes such a book of each region, and a page that leads to them (NAME-by-region).

    Pages that depend on nothing that has changed are taken from earlier runs, also from one that was killed or had pages that
    failed: running the report again goes on where it ended.

    Exit code 0: every page has its numbers. 1: nothing was published, what was there stays. 2: published,
    some pages say why they have no numbers. 3: all good, and an alert fired. With --catch-up and --by the gravest of
    all runs; a period that cannot be published ends a --catch-up, so that none is left out, a value that cannot be published
    does not keep the others of --by from it.
    """
    if by and (only or catch_up):
        raise click.UsageError(
            "--by makes all books of one period: not with --only, and with NAME@last instead of --catch-up."
        )
    forked = engine == "forked" and not only_plan
    with _ended_politely(), _warm_soon(wanted=forked) as warm:
        made = _Made(published, notebooks, fresh=fresh, forked=forked, warm=warm)
        settings = settings_of(parameters)
        if only:
            settings = _of_part(settings, only)
        if by:
            code = _by(settings, by.strip(), made, only_plan=only_plan)
        elif catch_up:
            code = _catch_up(settings, made, only_plan=only_plan)
        else:
            code = _one(settings, made, only_plan=only_plan)
    sys.exit(code)


@contextmanager
def _warm_soon(*, wanted: bool) -> "Iterator[Warm | None]":
    """The process that kernels are forked from, begun before anything else: it imports what they need while this one finds out what is to be
    done. In vain where that is nothing, so only where another core has nothing to do; else a run begins it when it knows.
    """
    if not wanted or not AVAILABLE or cores() == 1:
        yield None
        return
    with warm_process() as warm:
        yield warm


@dataclass(frozen=True, slots=True)
class _Made:
    """How reports are to be made: what :func:`crmtools.report.run.run_report` is told besides the settings."""

    published: Path | None
    notebooks: Path | None
    fresh: bool
    forked: bool
    warm: "Warm | None"


def _of_part(settings: "Settings", only: str) -> "Settings":
    """The report of the customers that ``--only`` names."""
    from crmtools.asked import for_customers

    attribute, equals, value = only.partition("=")
    if not (attribute and equals and value):
        raise click.UsageError(
            f"--only {only}: write an attribute of the customers and a value, for example --only region=north."
        )
    return for_customers(settings, {attribute.strip(): value.strip()})


def _one(settings: "Settings", made: _Made, *, only_plan: bool) -> int:
    """Run a report, say what became of it, and return the exit code; or print what would be run."""
    if only_plan:
        _print_plan(settings, made)
        return 0
    return _ran(settings, made).exit_code


def _catch_up(settings: "Settings", made: _Made, *, only_plan: bool) -> int:
    """Every period that is over since the last published one, in order; the gravest exit code."""
    from crmtools.asked import for_period
    from crmtools.report.by_value import GRAVITY
    from crmtools.schedule.catch_up import missed, reason_to_wait
    from crmtools.tables.source import open_settings

    codes = [0]
    for period in missed(settings):
        asked = for_period(settings, period)
        if wait := reason_to_wait(asked, open_settings(asked), period):
            click.echo(wait)
            break
        click.echo(f"{settings.name} {period.id}")
        codes.append(_one(asked, made, only_plan=only_plan))
    else:
        if len(codes) == 1 or not only_plan:
            click.echo(f"{settings.name}: nothing is missed{' any more' * (len(codes) > 1)}.")
    return max(codes, key=GRAVITY.index)


def _by(settings: "Settings", attribute: str, made: _Made, *, only_plan: bool) -> int:
    """The reports of all values of an attribute, and the page that leads to them; the gravest exit code."""
    from crmtools.asked import for_customers
    from crmtools.report.by_value import run_by_value
    from crmtools.tables.source import values_by

    if only_plan:
        for value in values_by(for_customers(settings, {}), attribute).reported:
            part = for_customers(settings, {attribute: value})
            click.echo(part.name)
            _print_plan(part, made)
        return 0

    def run(part: "Settings") -> "RunResult":
        click.echo(part.name)
        result = _ran(part, made)
        click.echo()
        return result

    def failed(value: str, why: str) -> None:
        click.echo(f"{attribute} {value} was not published: {why}\n", err=True)

    done = run_by_value(settings, attribute, run, failed=failed, published=made.published)
    if done.values.left_out:
        click.echo(f"Without a report of their own, to keep small groups hidden: {', '.join(done.values.left_out)}")
    if done.unchanged:
        click.echo("The page of all books says the same as before and stays.")
    for language in settings.report.languages:
        click.echo(f"Open {near(done.page / language / 'index.html')}")
    return done.exit_code


def _ran(settings: "Settings", made: _Made) -> "RunResult":
    """Run a report and say what became of it."""
    from crmtools.progress import progress
    from crmtools.report.run import run_report
    from crmtools.report.stages import STAGES

    with progress() as shown:
        result = run_report(
            settings, out=shown, published=made.published, notebooks=made.notebooks, fresh=made.fresh, forked=made.forked,
            warm=made.warm,
        )  # fmt: skip
    click.echo()
    if result.unchanged:
        click.echo(f"Nothing has changed since run {result.run_id}: the published book stays.")
    for outcome in result.failed:
        failure = outcome.failure
        said = f"{failure.name}: {failure.message.splitlines()[0]}" if failure else ""
        click.echo(f"{outcome.state:10} {outcome.job.slug} ({outcome.job.language})  {said}")
        click.echo(f"{'':10} {near(outcome.log)}")
    width = max(len(STAGES[name].en) for name in result.stages)
    for name, seconds in result.stages.items():
        click.echo(f"{STAGES[name].en:{width}} {seconds:7.1f} s")
    click.echo(f"{'Total':{width}} {sum(result.stages.values()):7.1f} s")
    click.echo()
    for language in settings.report.languages:
        click.echo(f"Open {near(result.book / language / 'index.html')}")
    return result


def _print_plan(settings: "Settings", made: _Made) -> None:
    """Every page with what would become of it."""
    from crmtools.report.cache import PageCache
    from crmtools.report.plan import plan
    from crmtools.tables.source import open_settings

    data = open_settings(settings)
    jobs, known = plan(settings, data, notebooks=made.notebooks).jobs, PageCache.of(settings, data)
    why = [None if made.fresh else known.why(job) for job in jobs]
    print_table(
        [
            [
                job.slug,
                job.language,
                "run" if made.fresh or reason else "cached",
                reason.en if reason else "asked for" if made.fresh else "",
            ]
            for job, reason in zip(jobs, why, strict=True)
        ]
    )
    run = len(jobs) if made.fresh else sum(reason is not None for reason in why)
    click.echo(f"\n{run} of {len(jobs)} notebooks would be run.")


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
