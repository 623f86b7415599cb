"""Whole reports one after another: the second looks back on the first, and a third that says the same is not made."""

import os
import sys
from datetime import date

import pytest
import yaml
from small_report import write_notebooks, write_report

from crmtools.parameters import load
from crmtools.report.history import read_goals, read_history
from crmtools.report.run import run_report

SUMMARY = """
import crmtools as crm
from crmtools import show
show.since_last(crm.open(report), ["nps"], language=language)
"""
INDICATOR = """
import crmtools as crm
crm.measure(indicator, crm.open(report))
"""


@pytest.mark.slow
def test_a_report_says_what_changed_since_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    write_notebooks(tmp_path / "notebooks", summary=SUMMARY, indicator=INDICATOR)
    file = write_report(tmp_path)

    def run(**report):
        written = yaml.safe_load(file.read_text("utf-8"))
        written["report"] |= report
        file.write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
        return run_report(load(file))

    def page(name):
        return (tmp_path / "published" / "small" / name).read_text("utf-8").replace("\u00a0", " ")

    first = run(as_of=date(2025, 9, 30), period="2025-Q3")
    assert first.exit_code == 0
    assert "The history holds no earlier report" in page("en/changes.html")
    assert "Since the report of" not in page("en/index.html")
    second = run(as_of=date(2025, 12, 31), period="2025-Q4")
    assert second.exit_code == 0
    assert first.run_id in page("en/changes.html")
    assert "−100" in page("zh/changes.html")
    assert "(Q3 2025): no change can be told from chance." in page("en/index.html")
    assert "changes.html" in page("zh/index.html")
    again = run()
    assert again.unchanged, "its own run is no history that it would have to look back on"
    frame, goals = read_history(tmp_path, "small"), read_goals(tmp_path, "small")
    assert frame["run_id"].unique().tolist() == [first.run_id, second.run_id]
    assert set(goals["run_id"]) == {first.run_id, second.run_id}
    assert (frame["data"] != "").all()
