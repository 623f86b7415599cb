"""Each recipe is read by the reader of its kind, and says what it should."""

import ast
import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
import types
from datetime import date

import pytest
import yaml
from click.testing import CliRunner

from crmtools.cli import main
from crmtools.commands.schedule import SCHEDULERS as OFFERED
from crmtools.errors import SettingsError
from crmtools.schedule.moment import moment
from crmtools.schedule.recipes import SCHEDULERS, recipe
from crmtools.settings import Settings


def settings_in(root, period="2025-12", zone="Asia/Shanghai"):
    (root / "parameters").mkdir(parents=True, exist_ok=True)
    return Settings(
        report={"title": {"en": "Small", "zh": "小"}, "as_of": date(2025, 12, 31), "period": period, "time_zone": zone},
        source={"folder": "."},
        path=root / "parameters" / "small.yml",
    )  # fmt: skip


@pytest.fixture(params=["plain", "a folder of 100% $HOME's"])
def settings(tmp_path, request):
    return settings_in(tmp_path / request.param)


def text(scheduler, settings, at=None):
    return recipe(scheduler, settings, moment(settings, at))


FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def check_cron(fields):
    assert len(fields) == 5
    for field, (least, most) in zip(fields, FIELDS, strict=True):
        assert field == "*" or all(least <= int(part) <= most for part in field.split(","))


def run_of(settings):
    return [sys.executable, "-m", "crmtools", "report", str(settings.path.resolve()), "--catch-up"]


def test_cron(settings):
    *_, zone, line = text("cron", settings).splitlines()
    assert zone == "CRON_TZ=Asia/Shanghai"
    *fields, command = line.split(" ", 5)
    check_cron(fields)
    assert fields == ["0", "7", "2", "*", "*"]
    assert not re.search(r"(?<!\\)%", command)  # cron would end the line there
    words = shlex.split(command.replace("\\%", "%"))
    assert words[:3] == ["cd", str(settings.root), "&&"]
    start = words.index(sys.executable)
    assert words[start : start + 6] == run_of(settings)


@pytest.mark.parametrize(("ends", "code"), [(0, 0), (3, 0), (2, 1), (1, 1)])
def test_cron_runs_in_a_shell_and_an_alert_is_no_failure(settings, ends, code):
    """The line is run with a stand-in for the command."""
    command = text("cron", settings).splitlines()[-1].split(" ", 5)[5].replace("\\%", "%")
    stand_in = shlex.join([sys.executable, "-c", f"import sys; print(sys.argv); sys.exit({ends})"])
    command = command.replace(shlex.join(run_of(settings)), f"{stand_in} {shlex.join(run_of(settings)[3:])}")
    assert subprocess.run(["sh", "-c", command], check=False).returncode == code
    log = settings.root / ".crmtools" / "logs" / "schedule-small.log"
    assert str(settings.path.resolve()) in ast.literal_eval(log.read_text("utf-8"))


def units(settings, at=None):
    parts = re.split(r"^# \S+/(crmtools-small\.\w+)\n", text("systemd", settings, at), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_systemd(settings):
    found = {}
    for name, written in units(settings).items():
        found[name] = configparser.ConfigParser(interpolation=None, strict=False)
        found[name].optionxform = str
        found[name].read_string(written)
    service, timer = found["crmtools-small.service"], found["crmtools-small.timer"]
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', service["Service"]["ExecStart"])
    assert [word.replace("%%", "%").replace("$$", "$") for word in words] == run_of(settings)
    assert "$" not in service["Service"]["ExecStart"].replace("$$", "")  # systemd would put a variable there
    assert service["Service"]["WorkingDirectory"].replace("%%", "%") == str(settings.root)
    assert service["Service"]["SuccessExitStatus"] == "3"
    assert timer["Timer"]["OnCalendar"] == "*-*-02 07:00:00 Asia/Shanghai"
    assert timer["Timer"]["Unit"] == "crmtools-small.service"
    assert timer["Timer"]["Persistent"] == "true"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize("at", [None, "06:30 on monday", "23:05 every day"])
def test_systemd_finds_nothing_to_say(settings, tmp_path, at):
    folder = tmp_path / "units"
    folder.mkdir()
    for name, written in units(settings, at).items():
        (folder / name).write_text(written, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(folder.iterdir()))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "crmtools-small" in line]
    assert (said, done.returncode) == ([], 0), done.stderr
    calendar = moment(settings, at).calendar
    assert subprocess.run(["systemd-analyze", "calendar", calendar], capture_output=True, check=False).returncode == 0


def test_github(settings):
    plain = yaml.safe_load(text("github", settings))
    (due,) = plain[True]["schedule"]  # YAML 1.1 reads `on` as true
    check_cron(due["cron"].split())
    assert due["cron"] == "0 23 1 * *"  # 07:00 on the 2nd in Shanghai
    assert plain["permissions"] == {"contents": "read"}
    steps = plain["jobs"]["report"]["steps"]
    (run,) = [step for step in steps if "crmtools report" in step.get("run", "")]
    assert run["run"] == "python -m crmtools report parameters/small.yml --catch-up || [ $? -eq 3 ]"
    kept = next(step for step in steps if "cache" in step.get("uses", ""))["with"]["path"].split()
    assert kept == ["runs", "published", ".crmtools"]
    assert all(("uses" in step) != ("run" in step) for step in steps)


def airflow(source):
    """Run a DAG file with stand-ins for Airflow, and return what it declares."""
    made = {"tasks": [], "order": []}

    class Dag:
        def __init__(self, **given):
            made["dag"] = given

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    class Task:
        def __init__(self, **given):
            self.given = given
            made["tasks"].append(given)

        def __rshift__(self, other):
            made["order"].append((self.given["task_id"], other.given["task_id"]))

    stand_ins = {
        "pendulum": {"datetime": lambda *day, tz: (*day, tz)},
        "airflow": {"DAG": Dag},
        "airflow.providers.papermill.operators.papermill": {"PapermillOperator": Task},
        "airflow.providers.standard.operators.bash": {"BashOperator": Task},
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, content in stand_ins.items():
            parts = name.split(".")
            for count in range(1, len(parts)):
                patch.setitem(sys.modules, ".".join(parts[:count]), types.ModuleType(parts[0]))
            module = types.ModuleType(name)
            vars(module).update(content)
            patch.setitem(sys.modules, name, module)
        patch.setitem(sys.modules, "airflow", sys.modules["airflow"])
        sys.modules["airflow"].DAG = Dag
        exec(compile(source, "dag.py", "exec"), {})
    return made


def test_airflow(settings):
    source = text("airflow", settings)
    ast.parse(source)
    made = airflow(source)
    assert made["dag"]["dag_id"] == "crmtools_small"
    check_cron(made["dag"]["schedule"].split())
    assert made["dag"]["start_date"][-1] == "Asia/Shanghai"
    report, *summaries = made["tasks"]
    assert shlex.split(report["bash_command"])[:6] == run_of(settings)
    assert report["cwd"] == str(settings.root)
    assert [task["parameters"] for task in summaries] == [
        {"report": f"{settings.path.resolve()}@last", "language": language} for language in ("en", "zh")
    ]
    assert summaries[0]["input_nb"] == f"{settings.root}/notebooks/summary.ipynb"
    assert summaries[0]["output_nb"] == f"{settings.root}/runs/airflow/small-en-{{{{ ds }}}}.ipynb"
    assert made["order"] == [("report", "summary_en"), ("report", "summary_zh")]


def test_jupyter_scheduler(settings, project_root):
    plain = json.loads(text("jupyter-scheduler", settings))
    check_cron(plain["schedule"].split())
    assert plain["timezone"] == "Asia/Shanghai"
    assert (project_root / plain["input_uri"]).is_file()
    assert plain["parameters"] == {"report": f"{settings.path.resolve()}@last", "language": "en"}


@pytest.mark.parametrize(
    ("period", "at", "cron", "calendar"),
    [
        ("2025-Q4", None, "0 7 2 1,4,7,10 *", "*-01,04,07,10-02 07:00:00 Asia/Shanghai"),
        ("2025", None, "0 7 2 1 *", "*-01-02 07:00:00 Asia/Shanghai"),
        ("2025-12", "6:05 on day 28", "5 6 28 * *", "*-*-28 06:05:00 Asia/Shanghai"),
        ("2025-12", "06:30 on Monday", "30 6 * * 1", "Mon *-*-* 06:30:00 Asia/Shanghai"),
        ("2025-12", "23:00 every day", "0 23 * * *", "*-*-* 23:00:00 Asia/Shanghai"),
    ],
)
def test_moments(tmp_path, period, at, cron, calendar):
    when = moment(settings_in(tmp_path, period), at)
    assert (when.cron, when.calendar) == (cron, calendar)


@pytest.mark.parametrize("at", ["7 on day 2", "25:00 every day", "07:60 every day", "07:00 on day 29", "07:00 on day 0",
                                "07:00 on someday", "07:00", "07:00 every day; rm"])  # fmt: skip
def test_no_moment(tmp_path, at):
    with pytest.raises(SettingsError):
        moment(settings_in(tmp_path), at)


def test_utc(tmp_path):
    assert moment(settings_in(tmp_path), "07:00 on sunday").in_utc().cron == "0 23 * * 6"
    assert moment(settings_in(tmp_path, zone="America/New_York"), "20:00 on day 5").in_utc().cron == "0 1 6 * *"
    with pytest.raises(SettingsError, match="another month"):
        moment(settings_in(tmp_path), "07:00 on day 1").in_utc()


def test_the_command(project_root, monkeypatch):
    monkeypatch.chdir(project_root)
    assert OFFERED == SCHEDULERS
    for scheduler in SCHEDULERS:
        result = CliRunner().invoke(main, ["schedule", "--print", scheduler, "tiny", "--at", "08:15 on day 3"])
        assert result.exit_code == 0, result.output
        assert "tiny" in result.stdout
    assert CliRunner().invoke(main, ["schedule", "tiny", "--print", "cron", "--at", "noon"]).exit_code == 1
