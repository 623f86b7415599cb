"""The command ``crmtools smart``: a grid and what failed for people, every question for programs."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import crmtools as crm
from crmtools.cli import main
from crmtools.goals.smart_checks import LETTERS
from crmtools.words import LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def run(*arguments, code=0):
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("language", LANGUAGES)
def test_people_read_a_grid_and_what_failed(language):
    said = run("smart", "parameters/tiny.yml", "--language", language).stdout
    found = crm.smart_goals(crm.open("tiny"))
    assert all(text.to(language) in said for text in LETTERS.values())
    for one in found:
        assert f"{one.letters} / 5" in said
        assert one.rewritten.to(language) in said
        assert all(check.name.to(language) in said for check in one.checks if check.passed is False)


def test_programs_read_every_question():
    plain = json.loads(run("smart", "tiny", "--json").stdout)
    found = crm.smart_goals(crm.open("tiny"))
    assert plain["report"] == "tiny"
    assert [goal["goal"] for goal in plain["goals"]] == ["nps", "churn_rate"]
    for goal, one in zip(plain["goals"], found, strict=True):
        assert [check["check"] for check in goal["checks"]] == [check.key for check in one.checks]
        assert [check["passed"] for check in goal["checks"]] == [check.passed for check in one.checks]
        assert goal["reach"] == one.reach


def test_a_report_without_goals_and_an_unknown_one(tmp_path):
    text = (
        (ROOT / "parameters" / "tiny.yml").read_text("utf-8").replace("folder: data/tiny", f"folder: {ROOT}/data/tiny")
    )
    file = tmp_path / "none.yml"
    file.write_text(text[: text.index("goals:")] + text[text.index("lifetime:") :], encoding="utf-8")
    assert "names no goals" in run("smart", str(file)).stdout
    assert "There is no parameters file" in run("smart", "nowhere", code=1).stderr
