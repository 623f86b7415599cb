"""The seal of a finished run: what was changed, lost or added since is found, and old runs can still be removed."""

import hashlib
import json

import pytest
from click.testing import CliRunner

from crmtools.cli import main
from crmtools.errors import RunError
from crmtools.report.retention import sweep
from crmtools.report.seal import seal, unseal, verify

ID = "20260101T000000-abcdef"


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "runs" / ID
    (folder / "logs" / "en").mkdir(parents=True)
    (folder / "logs" / "en" / "nps.log").write_text("well")
    (folder / "results.json").write_text("{}")
    (folder / "结果.txt").write_text("好", encoding="utf-8")
    manifest = {"run_id": ID, "report": "small", "ended": "published", "data": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "parameters").mkdir()
    return folder


def test_every_file_has_its_hash(run):
    assert seal(run) == []
    plain = json.loads((run / "manifest.json").read_text("utf-8"))
    assert list(plain["files"]) == ["results.json", "结果.txt", "logs/en/nps.log"]
    assert plain["files"]["logs/en/nps.log"] == hashlib.sha256(b"well").hexdigest()
    found = verify(run)
    assert found.ok
    assert found.files == 3
    assert found.digest == hashlib.sha256((run / "manifest.json").read_bytes()).hexdigest()


def test_no_file_may_be_written_afterwards(run):
    seal(run)
    assert not [path for path in run.rglob("*") if path.is_file() and path.stat().st_mode & 0o222]
    unseal(run)
    assert all(path.stat().st_mode & 0o200 for path in run.rglob("*") if path.is_file())


def test_what_was_changed_is_found(run, monkeypatch):
    seal(run)
    unseal(run)
    monkeypatch.chdir(run.parents[1])
    said = CliRunner().invoke(main, ["verify", ID])
    assert (said.exit_code, "3 files, as they were" in said.stdout) == (0, True)
    (run / "results.json").write_text("{ }")
    (run / "logs" / "en" / "nps.log").unlink()
    (run / "logs" / "new.log").write_text("")
    found = verify(run)
    assert (found.missing, found.changed, found.added) == (("logs/en/nps.log",), ("results.json",), ("logs/new.log",))
    said = CliRunner().invoke(main, ["verify", str(run)])
    assert said.exit_code == 1
    assert [line.split() for line in said.stdout.splitlines()[:3]] == [
        ["missing", "logs/en/nps.log"], ["changed", "results.json"], ["added", "logs/new.log"]]  # fmt: skip
    told = json.loads(CliRunner().invoke(main, ["verify", ID, "--json"]).stdout)
    assert (told["ok"], told["changed"]) == (False, ["results.json"])


def test_a_link_is_compared_by_where_it_leads(run):
    (run / "last").symlink_to("results.json")
    seal(run)
    assert verify(run).ok
    (run / "last").unlink()
    (run / "last").symlink_to("logs")
    assert verify(run).changed == ("last",)


def test_a_run_without_a_seal(run, tmp_path, monkeypatch):
    with pytest.raises(RunError, match="before runs were sealed"):
        verify(run)
    (run / "manifest.json").write_text('{"ended": "running"}')
    with pytest.raises(RunError, match="has not ended"):
        verify(run)
    with pytest.raises(RunError, match="not the folder of a run"):
        verify(tmp_path)
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(main, ["verify", "20250101T000000-000000"])
    assert said.exit_code == 1
    assert f"The last ones: {ID}" in said.stderr


def test_a_run_that_cannot_be_sealed_says_so(run):
    (run / "manifest.json").unlink()
    (problem,) = seal(run)
    assert "could not be sealed" in problem.message


def test_a_sealed_run_is_removed_in_its_time(run, tmp_path):
    seal(run)
    sweep(tmp_path, report="small", present="20260201T000000-abcdef", keep=1)
    assert not run.exists()
    assert [path.name for path in (tmp_path / "runs").iterdir()] == []
