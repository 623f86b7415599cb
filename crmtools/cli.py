"""The command ``crmtools``.

Exit codes: 0 all good, 1 it could not be done (nothing was published), 2 published, but some pages have no
numbers, 3 all good, and an alert fired.
"""

import os
import select
from pathlib import Path
from typing import Any

import click

import crmtools
from crmtools import faults, lean
from crmtools.commands.alerts import alerts
from crmtools.commands.catalogue import indicators
from crmtools.commands.data import check, describe, dictionary, ready
from crmtools.commands.gate import gate
from crmtools.commands.goals import goals, smart
from crmtools.commands.history import backfill, compare
from crmtools.commands.new import new
from crmtools.commands.pdf import pdf
from crmtools.commands.preview import preview
from crmtools.commands.printing import near
from crmtools.commands.project import project
from crmtools.commands.report import report
from crmtools.commands.runs import verify
from crmtools.commands.schedule import schedule
from crmtools.errors import CRMError

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
WHOLE = 400
"""Characters of a command's first sentence; more than any has."""
COMMANDS = (
    report,
    preview,
    new,
    alerts,
    pdf,
    gate,
    verify,
    compare,
    backfill,
    schedule,
    check,
    ready,
    indicators,
    describe,
    dictionary,
    goals,
    smart,
)


class _Commands(click.Group):
    """Says in one place what every command says when it cannot do what was asked."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command with its whole first sentence, however wide the terminal is, in the order of their use."""
        with formatter.section("Commands"):
            formatter.write_dl([(one.name or "", one.get_short_help_str(limit=WHOLE)) for one in COMMANDS])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what a person can mend is a message, not a traceback."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            error.show()
            ctx.exit(1)  # 2 says that a report was published
        except (CRMError, OSError) as error:
            if isinstance(error, BrokenPipeError) and _nobody_reads():
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                ctx.exit(128 + 13)  # as if SIGPIPE had ended it
            click.echo("\n".join([str(error), *getattr(error, "__notes__", ())]), err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - a person gets a line, the log has the traceback
            log = faults.keep(error, project() / ".crmtools" / "logs")
            click.echo(faults.said(error, Path(near(log))), err=True)
            ctx.exit(1)


def _nobody_reads() -> bool:
    """Whether it is the standard output that broke, and no pipe of our own: who read it has read enough, as in ``| head``."""
    if not hasattr(select, "poll"):
        return False
    looked = select.poll()
    looked.register(1, select.POLLOUT)
    return any(event & select.POLLERR for _, event in looked.poll(0))


@click.group(cls=_Commands, context_settings=HELP)
@click.version_option(crmtools.__version__, message="%(version)s")
def main() -> None:
    """Customer-relationship analysis: goals, indicators with honest intervals, published reports."""


lean.without_addresses()
lean.without_many_searches()
lean.without_a_last_search()
for _command in COMMANDS:
    main.add_command(_command)

if __name__ == "__main__":
    main()
