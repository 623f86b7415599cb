"""Alerts of whole runs: who is told, what the command ends with, and that nothing of it undoes a publication."""

import json
import os
import sys

import pytest
from click.testing import CliRunner
from small_report import write_notebooks, write_report

from crmtools.cli import main
from crmtools.period import Period
from crmtools.report.lock import only_run
from crmtools.report.results import Results
from crmtools.report.seal import verify
from crmtools.schedule.catch_up import last_published

pytestmark = pytest.mark.usefixtures("light_book")

SECRET = "kept-out-of-everything"
RULES = [{"watch": "rows_left_out", "above": "90%"}, {"watch": "data_age", "days": 1}, {"watch": "run"}]
FAILS = 'raise ValueError("not today")'


@pytest.fixture
def project(tmp_path, monkeypatch):
    write_notebooks(tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:9/{SECRET}")  # nobody listens at the discard port
    return tmp_path


def write(project, *rules, sinks=None):
    return write_report(project, languages=("en",), alerts=list(rules), sinks=sinks or {"log": {"file": "told.jsonl"}})


def report(*more):
    return CliRunner().invoke(main, ["report", "small", *more])


def told(project):
    file = project / "told.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.is_file() else []


def folders(project):
    return sorted(path for path in (project / "runs").iterdir() if path.name.startswith("2"))


def test_an_alert_fires_once_and_the_run_is_sealed(project):
    write(project, *RULES)
    first = report()
    assert first.exit_code == 3, first.output
    (message,) = told(project)
    assert [one["key"] for one in message["new"]] == ["data_age:any:1"]
    assert message["new"][0]["en"] in first.output
    (folder,) = folders(project)
    assert json.loads((folder / "alerts.json").read_text("utf-8"))["new"] == ["data_age:any:1"]
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["ended"] == "published"
    assert {"alerts.json", "results.json"} <= manifest["files"].keys()
    assert verify(folder).ok
    asked = CliRunner().invoke(main, ["alerts", "small", "--json"])
    assert asked.exit_code == 3
    assert [(one["key"], one["new"]) for one in json.loads(asked.stdout)["alerts"]] == [("data_age:any:1", False)]

    second = report()
    assert second.exit_code == 0, second.output
    assert len(told(project)) == 1


def test_a_failed_page_counts_for_more_than_an_alert(project):
    write_notebooks(project / "notebooks", summary=FAILS)
    write(project, {"watch": "run"})
    result = report()
    assert result.exit_code == 2, result.output
    assert [one["key"] for one in told(project)[0]["new"]] == ["page:index:en:failed"]


def test_a_sink_that_fails_is_told_of_and_undoes_nothing(project):
    sinks = {"chat": {"webhook_env": "HOOK", "retries": 0}, "log": {"file": "told.jsonl"}}
    write(project, {"watch": "data_age", "days": 1}, sinks=sinks)
    result = report()
    assert result.exit_code == 2
    assert (project / "published" / "small" / "en" / "index.html").is_file()
    assert len(told(project)) == 1
    assert "alerts · chat" in result.output
    assert "cannot be reached" in result.output
    assert SECRET not in result.output
    for home in ("runs", "published", ".crmtools"):
        for file in (project / home).rglob("*"):
            assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file


def test_a_report_that_is_not_published_is_told_of(project):
    file = write(project, {"watch": "run"}, {"watch": "goal"})
    (project / "data" / "tiny" / "orders.csv").write_text("order_id\n")
    result = report()
    assert result.exit_code == 1
    (message,) = told(project)
    assert [one["key"] for one in message["new"]] == ["run:not_published"]
    assert message["resolved"] == []
    assert report().exit_code == 1
    assert len(told(project)) == 1  # the same as before
    with only_run(project, file.stem):
        (project / ".crmtools" / "alerts" / "small.json").unlink()
        assert report().exit_code == 1
    assert len(told(project)) == 1  # somebody else is at it: no alert


def test_missed_periods_are_published_one_after_the_other(project, monkeypatch):
    write(project, {"watch": "run"})
    spans = tuple(map(Period.parse, ["2025-Q3", "2025-Q4"]))
    monkeypatch.setattr("crmtools.schedule.catch_up.missed", lambda _: spans)
    result = report("--catch-up")
    assert result.exit_code == 0, result.output
    found = [Results.read(folder / "results.json") for folder in folders(project)]
    assert sorted((one.period, one.as_of) for one in found) == [("2025-Q3", "2025-09-30"), ("2025-Q4", "2025-12-31")]
    for one in found:
        assert {item.period.id for item in one.pages["nps"]} == {one.period}  # what the notebooks themselves opened
    assert last_published(project, "small", "quarter") == spans[1]
