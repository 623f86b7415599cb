"""What a person should know before a report is believed."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from crmtools.parameters import load
from crmtools.period import Period
from crmtools.report.remarks import behind, unfinished
from crmtools.words import Text


def told(last, period="2025-10"):
    tables = [SimpleNamespace(last=one) for one in last]
    return behind(SimpleNamespace(door=SimpleNamespace(tables=tables), period=Period.parse(period)))


def test_data_that_end_before_the_period_begins_are_told_of():
    (said,) = told(["2025-08-01", "", "2025-09-30"])
    assert "2025-09-30" in said
    assert "2025-10 begins after it" in said


@pytest.mark.parametrize("last", [["2025-10-01"], ["2025-08-01", "2025-12-31"], [""], []])
def test_nothing_is_said_where_they_reach_it_or_have_no_time(last):
    assert told(last) == []


def test_texts_that_were_left_as_they_were_begun_are_told_of_by_their_places(tmp_path):
    settings = load("parameters/tiny.yml")
    assert unfinished(settings, Path("notebooks").glob("*.ipynb")) == []
    title = replace(settings.report.title, en="REPLACE: mine")
    goals = (settings.goals[0].model_copy(update={"name": Text("请替换：名称", "name")}), *settings.goals[1:])
    report = settings.report.model_copy(update={"title": title})
    chapter = tmp_path / "late.ipynb"
    chapter.write_text('{"cells": [{"source": "# REPLACE: the question"}]}', encoding="utf-8")
    left = settings.model_copy(update={"report": report, "goals": goals})
    (said,) = unfinished(left, [chapter, chapter])
    assert said.endswith("readers will see them: report.title, goals[1].name, late.ipynb.")
