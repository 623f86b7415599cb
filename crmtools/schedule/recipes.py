"""Recipes for schedulers: what :command:`crmtools schedule` prints.

All run ``crmtools report NAME --catch-up``: what was missed while a machine was off is run by the next start. Exit code 3 (an
alert fired, which the sinks know already) is no failure of the schedule.
"""

import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from crmtools.errors import SettingsError
from crmtools.schedule.moment import Moment
from crmtools.settings import Settings

Scheduler = Literal["cron", "systemd", "github", "airflow", "jupyter-scheduler"]
SCHEDULERS: tuple[Scheduler, ...] = get_args(Scheduler)
ENVIRONMENT = {"PYTHONUTF8": "1", "JUPYTER_PLATFORM_DIRS": "1", "JUPYTER_PREFER_ENV_PATH": "1"}
"""What the Makefile runs with as well: schedulers start with an almost empty environment."""
ALERT = 3


def recipe(scheduler: Scheduler, settings: Settings, when: Moment) -> str:
    """The text of a recipe for this project, this environment and this report."""
    if any(not character.isprintable() for character in f"{settings.path.resolve()}{sys.executable}"):
        raise SettingsError(
            f"The path {str(settings.root)!r} has characters that no scheduler takes. Move the project."
        )
    makers: dict[Scheduler, Callable[[Settings, Moment], str]] = {
        "cron": _cron,
        "systemd": _systemd,
        "github": _github,
        "airflow": _airflow,
        "jupyter-scheduler": _jupyter,
    }
    return makers[scheduler](settings, when)


def _command(settings: Settings) -> list[str]:
    return [sys.executable, "-m", "crmtools", "report", f"{settings.path.resolve()}{settings.customers}", "--catch-up"]


def _cron(settings: Settings, when: Moment) -> str:
    log = settings.root / ".crmtools" / "logs" / f"schedule-{settings.name}.log"
    variables = " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())
    root = shlex.quote(str(settings.root))
    line = (
        f"cd {root} && mkdir -p .crmtools/logs && {variables} {shlex.join(_command(settings))} "
        f">>{shlex.quote(str(log))} 2>&1 || [ $? -eq {ALERT} ]"
    )
    return "\n".join(
        [
            "# crontab -e",
            "# CRON_TZ is read by cronie and busybox; Debian's cron goes by the machine's own time zone, TZ of the daemon.",
            f"CRON_TZ={when.time_zone}",
            f"{when.cron} {line.replace('%', chr(92) + '%')}",  # cron reads a bare % as the end of a line
            "",
        ]
    )


def _systemd(settings: Settings, when: Moment) -> str:
    unit = f"crmtools-{_plain(settings.name)}"
    quoted = " ".join(_systemd_word(word) for word in _command(settings))
    variables = [f"Environment={name}={value}" for name, value in ENVIRONMENT.items()]
    service = [
        "[Unit]",
        f"Description=Report {_plain(settings.name)}",
        "",
        "[Service]",
        "Type=oneshot",
        f"WorkingDirectory={str(settings.root).replace('%', '%%')}",
        *variables,
        f"ExecStart={quoted}",
        f"SuccessExitStatus={ALERT}",
        "Nice=10",
    ]
    timer = [
        "[Unit]",
        f"Description=When report {_plain(settings.name)} is run",
        "",
        "[Timer]",
        f"OnCalendar={when.calendar}",
        "Persistent=true",
        f"Unit={unit}.service",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    home = "~/.config/systemd/user"
    return "\n".join(
        [
            f"# {home}/{unit}.service", *service, "", f"# {home}/{unit}.timer", *timer, "",
            f"# systemctl --user daemon-reload && systemctl --user enable --now {unit}.timer && loginctl enable-linger", "",
        ]
    )  # fmt: skip


def _systemd_word(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _github(settings: Settings, when: Moment) -> str:
    utc, name = when.in_utc(), _plain(settings.name)
    parameters = shlex.quote(f"{_inside(settings, settings.path.resolve())}{settings.customers}")
    return f"""\
# .github/workflows/report-{name}.yml
# Times are UTC ({when.hour:02}:{when.minute:02} {when.time_zone} in winter); GitHub may start some minutes late.
name: Report {name}
on:
  schedule:
    - cron: "{utc.cron}"
  workflow_dispatch: {{}}
permissions:
  contents: read
concurrency:
  group: report-{name}
  cancel-in-progress: false
jobs:
  report:
    runs-on: ubuntu-latest
    timeout-minutes: 60
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      # what was published and told before: without it nothing is known to be missed
      - uses: actions/cache@v4
        with:
          path: |
            runs
            published
            .crmtools
          key: report-{name}-${{{{ github.run_id }}}}
          restore-keys: report-{name}-
      - run: python -m pip install --no-deps -r requirements.lock && python -m pip install --no-deps -e .
      - run: python -m crmtools report {parameters} --catch-up || [ $? -eq {ALERT} ]
        env:
          PYTHONUTF8: "1"
          JUPYTER_PLATFORM_DIRS: "1"
          JUPYTER_PREFER_ENV_PATH: "1"
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: report-{name}
          path: published/
          include-hidden-files: true
          if-no-files-found: warn
"""


def _airflow(settings: Settings, when: Moment) -> str:
    name = _plain(settings.name)
    report = f"{shlex.join(_command(settings))} || [ $? -eq {ALERT} ]"
    return f'''\
"""Report {name}: the published book, then the summary as a notebook of its own, in every language.

Needs apache-airflow-providers-standard and apache-airflow-providers-papermill, and the kernel python3 of the project.
"""

import pendulum
from airflow import DAG
from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.providers.standard.operators.bash import BashOperator

ROOT = {str(settings.root)!r}
with DAG(
    dag_id={f"crmtools_{name}"!r},
    schedule={when.cron!r},
    start_date=pendulum.datetime(2025, 1, 1, tz={when.time_zone!r}),
    catchup=False,  # --catch-up runs what was missed
    max_active_runs=1,
) as dag:
    report = BashOperator(
        task_id="report",
        bash_command={_no_template(report)!r},
        cwd=ROOT,
        env={ENVIRONMENT!r},
        append_env=True,
    )
    for language in {list(settings.report.languages)!r}:
        summary = PapermillOperator(
            task_id=f"summary_{{language}}",
            input_nb=f"{{ROOT}}/notebooks/summary.ipynb",
            output_nb=f"{{ROOT}}/runs/airflow/{name}-{{language}}-{{{{{{{{ ds }}}}}}}}.ipynb",
            parameters={{"report": {f"{settings.path.resolve()}@last{settings.customers}"!r}, "language": language}},
            kernel_name="python3",
        )
        report >> summary
'''


def _jupyter(settings: Settings, when: Moment) -> str:
    """The body of ``POST /scheduler/job_definitions``."""
    plain = {
        "name": f"crmtools {settings.name}",
        "input_uri": "notebooks/summary.ipynb",
        "runtime_environment_name": Path(sys.prefix).name,
        "output_formats": ["ipynb", "html"],
        "parameters": {
            "report": f"{settings.path.resolve()}@last{settings.customers}",
            "language": settings.report.languages[0],
        },
        "schedule": when.cron,
        "timezone": when.time_zone,
    }
    return json.dumps(plain, ensure_ascii=False, indent=2) + "\n"


def _no_template(text: str) -> str:
    """A text in which Airflow's Jinja finds nothing to replace."""
    return re.sub(r"\{([{%#])", r"{{ '{\1' }}", text)


def _plain(name: str) -> str:
    """A name of a file or a unit: letters, digits, ``-`` and ``_``."""
    return re.sub(r"[^\w-]", "-", name, flags=re.ASCII) if name.isascii() else re.sub(r"[^\w-]", "-", name)


def _inside(settings: Settings, path: Path) -> Path:
    return path.relative_to(settings.root) if path.is_relative_to(settings.root) else path
