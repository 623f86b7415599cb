"""The command: what it prints for people, what it prints for programs, and its exit codes."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import crmtools
from crmtools.cli import main
from crmtools.goals import judgement
from crmtools.goals.evidence import EVIDENCE
from crmtools.goals.outlook import Forecast
from crmtools.indicators import CATALOGUE, DIMENSIONS
from crmtools.tables import TABLES
from crmtools.words import LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
# pyarrow asks pandas for an option that pandas 3 has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def run(*arguments, code=0):
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == code, result.output
    return result


def parsed(*arguments):
    return json.loads(run(*arguments, "--json").stdout)


def test_the_catalogue_is_listed_by_dimension():
    said = run("indicators", "--report", "tiny").stdout
    assert all(name in said for name in CATALOGUE)
    assert [line for line in said.splitlines() if not line.startswith(" ")] == [
        name.en for key, name in DIMENSIONS.items() if any(item.dimension == key for item in CATALOGUE.values())
    ]
    assert [item["id"] for item in parsed("indicators", "--report", "tiny")] == list(CATALOGUE)


def test_one_indicator_in_both_languages():
    english, chinese = parsed("indicators", "nps"), parsed("indicators", "nps", "--language", "zh")
    assert english["name"] == CATALOGUE["nps"].name.en
    assert chinese["name"] == CATALOGUE["nps"].name.zh
    assert english["formula"] == chinese["formula"] == CATALOGUE["nps"].formula
    assert CATALOGUE["nps"].meaning.en in run("indicators", "nps").stdout


def test_every_indicator_has_a_state_per_report(monkeypatch, tmp_path):
    """By default for every report of the project; one that does not open is told and left out."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "data" / "tiny", project / "data" / "tiny")
    shutil.copytree(ROOT / "data" / "tiny", project / "data" / "poor")
    (project / "data" / "poor" / "tickets.csv").unlink()
    (project / "parameters").mkdir()
    text = (ROOT / "parameters" / "tiny.yml").read_text("utf-8")
    (project / "parameters" / "tiny.yml").write_text(text, encoding="utf-8")
    (project / "parameters" / "poor.yml").write_text(text.replace("data/tiny", "data/poor"), encoding="utf-8")
    (project / "parameters" / "bad.yml").write_text("source: {}", encoding="utf-8")
    monkeypatch.chdir(project)
    result = run("indicators", "--json")
    rows = {row["id"]: row["states"] for row in json.loads(result.stdout)}
    assert list(rows) == list(CATALOGUE)
    assert "opening tiny" in result.stderr
    assert "bad cannot be opened." in result.stderr
    for name, states in rows.items():
        assert list(states) == ["poor", "tiny"]
        assert {one["state"] for one in states.values()} <= {"computable", "missing", "waits"}
        assert all((one["state"] == "computable") == (not one["why"]) for one in states.values()), name
    assert rows["backlog"]["poor"]["missing"] == ["tickets"]
    assert rows["backlog"]["tiny"]["state"] == "computable"
    chosen = json.loads(run("indicators", "--report", "poor", "--json").stdout)
    assert {tuple(row["states"]) for row in chosen} == {("poor",)}
    line = next(x for x in run("indicators").stdout.splitlines() if x.strip().startswith("backlog "))
    assert re.search(r"data missing: tickets +computable$", line)
    assert "states" not in json.loads(run("indicators", "nps", "--json").stdout)


@pytest.mark.parametrize("language", LANGUAGES)
def test_ready_says_what_is_there_and_what_is_missing(language):
    result = run("ready", "cdnow", "--language", language).stdout
    assert all(item.name.to(language) in result for item in CATALOGUE.values())
    assert {"en": "Cheapest gains first", "zh": "先补什么最划算"}[language] in result
    assert re.search(r"orders\.\w+\s100\.0", result)
    plain = parsed("ready", "cdnow", "--language", language)
    states = {row["id"]: row["state"] for row in plain["indicators"]}
    assert states["nps"] == "missing"
    assert states["inactivity_rate"] == "computable"
    assert plain["computable"] == sum(state == "computable" for state in states.values())
    assert plain["of"] == len(CATALOGUE)
    gained = [name for step in plain["gains"] for name in step["indicators"]]
    assert sorted(gained) == sorted(name for name, state in states.items() if state == "missing")
    row = next(row for row in plain["indicators"] if row["id"] == "inactivity_rate")
    assert {"table": "orders", "column": "customer_id", "needed": True, "filled": 1.0} in row["columns"]


def test_an_unknown_name_is_answered_with_the_nearest_and_no_traceback():
    result = run("indicators", "npss", code=1)
    assert result.stdout == ""
    assert result.stderr == "There is no indicator 'npss'. Did you mean 'nps'?\n"


def test_a_fault_of_ours_is_one_line_and_a_log(monkeypatch, tmp_path):
    def broken(path, **_):
        raise TypeError("first line\nsecond line")

    (tmp_path / "parameters").mkdir()
    (tmp_path / "parameters" / "mine.yml").write_text("x: 1")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    monkeypatch.setattr("crmtools.parameters.load", broken)
    result = run("check", "mine", code=1)
    (log,) = (tmp_path / ".crmtools" / "logs").iterdir()
    assert result.stdout == ""
    assert result.stderr == (
        f"Something unexpected happened, this is a fault of crmtools. TypeError: first line (the log: {log})\n"
    )
    assert "Traceback" in log.read_text("utf-8")
    assert "second line" in log.read_text("utf-8")


def test_exit_code_2_is_kept_for_published_reports():
    assert "Missing argument" in run("report", code=1).stderr
    assert "No such command" in run("reprot", code=1).stderr


def test_check_says_what_would_be_done_and_which_settings_are_in_force():
    said = run("check", "parameters/tiny.yml").stdout
    assert "tiny.yml is sound" in said
    assert "23 read" in said
    assert "run.cell_seconds: 300" in said
    plain = parsed("check", "tiny")
    assert plain["period"] == "2025-Q4"
    assert plain["pages"][0] == "index"
    assert plain["tables"]["orders"]["read"] == 23
    assert plain["settings"]["publish"]["keep"] == 12
    assert plain["notebooks_to_run"] % 2 == 0


def test_check_tells_every_problem_at_once(tmp_path):
    file = tmp_path / "bad.yml"
    file.write_text(
        "report: {title: Bad, as_of: 2025-12-31, period: 2026-Q1}\nsource: {folder: data/none, folderr: x}\n",
        encoding="utf-8",
    )
    said = run("check", str(file), code=1).stderr
    assert "2 problems" in said
    assert "folderr" in said
    assert "after as_of" in said
    assert "Traceback" not in said


def test_goals_as_a_table_and_as_json(monkeypatch):
    readings = parsed("goals", "tiny")
    assert [item["goal"] for item in readings] == ["nps", "churn_rate"]
    assert readings[0]["now"]["value"] == pytest.approx(100 * (4 - 2) / 9)
    data = crmtools.open("tiny")
    told = crmtools.judgements(crmtools.scorecard(data), data)
    assert [(item["evidence"], item["chance"], item["verdict"]) for item in readings] == [
        (one.evidence, one.chance, one.verdict) for one in told
    ]
    likely = Forecast(30.0, "higher", 2, 12, "drift", 0.74)
    one = replace(told[0], evidence="on_track", forecast=likely, verdict="improved_trivial")
    monkeypatch.setattr(judgement, "judgements", lambda *_: (one, told[1]))
    for language, head, words in (
        ("en", "since the baseline", ("Net Promoter Score", "Likely", "about 7 in 10", "Improved, but trivially")),
        ("zh", "与基线相比", ("净推荐值", "很可能达成", "约七成", "有改善，但幅度可忽略")),
    ):
        first, row, bare = run("goals", "tiny", "--language", language).stdout.splitlines()
        assert head in first
        assert all(word in row for word in words)
        assert EVIDENCE["no_evidence"].to(language) in bare
        assert {"en": "17.6\u00a0%\u00a0a month  6.2–41.0\u00a0%", "zh": "17.6%/月  6.2%–41.0%"}[language] in bare


def test_describe_prints_the_parameters_of_a_notebook():
    found = parsed("describe", "notebooks/indicator.ipynb")
    assert [item["name"] for item in found] == ["report", "indicator", "language"]
    assert found[0]["default"] == "tiny"
    assert "an id that `crmtools indicators` lists" in run("describe", "notebooks/indicator.ipynb").stdout
    assert "There is no notebook" in run("describe", "notebooks/none.ipynb", code=1).stderr


def test_the_dictionary_in_the_repository_is_that_of_the_schema():
    """When this fails: crmtools dictionary --write."""
    run("dictionary", "--check")
    assert run("dictionary").stdout == (ROOT / "data" / "README.md").read_text("utf-8")


def test_the_dictionary_has_every_column_in_both_languages():
    text = run("dictionary").stdout
    for table in TABLES.values():
        section = text.split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        for column in table.columns:
            row = next(line for line in section.splitlines() if line.startswith(f"| `{column.name}` |"))
            assert column.meaning.zh in row
            assert column.meaning.en.replace("|", "\\|") in row
            assert ("●" in row) == column.required
            assert ("personal" in row.split("|")[2]) == column.personal
            assert all(f"`{value}`" in row for value in column.values)
    records = parsed("dictionary")
    assert len(records) == sum(len(table.columns) for table in TABLES.values())


def test_an_outdated_dictionary_is_reported(monkeypatch, tmp_path):
    from crmtools.tables import dictionary

    monkeypatch.setattr(dictionary, "FILE", tmp_path / "README.md")
    assert "dictionary --write" in run("dictionary", "--check", code=1).stderr
    run("dictionary", "--write")
    run("dictionary", "--check")


def test_every_listing_command_takes_json():
    for name, command in main.commands.items():
        if name not in ("report", "pdf", "preview", "new"):  # they make files
            assert any("--json" in option.opts for option in command.params), name


@pytest.mark.parametrize("module", ["crmtools", "crmtools.cli"])
def test_python_m_crmtools_is_the_same_command(module):
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == crmtools.__version__
    assert done.returncode == 0


def test_what_an_unchanged_report_does_without_is_not_imported():
    """The three seconds of a rerun are its imports: what makes a book, figures and models would take six more."""
    code = "import sys, crmtools.cli, crmtools.progress, crmtools.report.run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    there = set(done.stdout.split())
    assert not there & {
        "matplotlib", "seaborn", "scipy.stats", "statsmodels", "sphinx", "nbformat", "papermill", "lifetimes", "crmtools.show",
        "crmtools.report.making",
    }  # fmt: skip
    assert {"crmtools.report.unchanged", "crmtools.indicators"} <= there


def test_what_is_imported_when_asked_for_is_what_it_was():
    for name in crmtools.__all__:
        assert getattr(crmtools, name) is not None
    assert callable(crmtools.measure)
    assert callable(crmtools.stress)
    assert callable(crmtools.smart)
    with pytest.raises(AttributeError, match="no attribute 'mesure'"):
        _ = crmtools.mesure


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise there")
def test_a_reader_who_has_read_enough_is_no_error() -> None:
    """As in ``crmtools dictionary | head -1``."""
    run = subprocess.Popen(
        [sys.executable, "-m", "crmtools", "dictionary"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    run.stdout.close()
    _, said = run.communicate(timeout=120)
    assert (run.returncode, said) == (141, "")


def test_a_pipe_of_our_own_that_breaks_is_told(monkeypatch) -> None:
    def broken(*asked, **named):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("crmtools.cli.click.Group.invoke", broken)
    found = CliRunner().invoke(main, ["dictionary"])
    assert found.exit_code == 1
    assert "Broken pipe" in found.output
