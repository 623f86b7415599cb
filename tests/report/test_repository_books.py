"""The reports that come with the project, from their parameters to a book that passes the gate."""

import shutil

import pytest
from click.testing import CliRunner

from crmtools.cli import main
from crmtools.parameters import load
from crmtools.report.run import run_report


@pytest.mark.slow
@pytest.mark.parametrize("name", ["demo", "cdnow"])
def test_the_book_is_whole_and_the_gate_has_nothing_to_object_to(name, tmp_path, project_root, monkeypatch) -> None:
    """The tiny book is looked over in every run of the tests (tests/test_end_to_end.py)."""
    (tmp_path / "parameters").mkdir()
    shutil.copy(project_root / "parameters" / f"{name}.yml", tmp_path / "parameters")
    made = run_report(load(tmp_path / "parameters" / f"{name}.yml"), notebooks=project_root / "notebooks")
    assert (made.exit_code, made.failed, made.problems) == (0, (), ())
    monkeypatch.chdir(tmp_path)
    looked = CliRunner().invoke(main, ["gate", name])
    assert looked.exit_code == 0, looked.output
    assert looked.stdout.count("numbers of the first page") == 2
