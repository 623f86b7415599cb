"""What README says of every result: ``.frame`` is its table."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import crmtools as crm

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.search(r"```python\nimport crmtools as crm\n(.*?)```", README.read_text("utf-8"), re.DOTALL)[1]
ASKED = [line.split("  #")[0] for line in BLOCK.splitlines() if line.startswith("crm.")]


@pytest.fixture(scope="module")
def data() -> crm.Data:
    return crm.open("tiny")


@pytest.mark.parametrize("asked", ASKED)
def test_what_readme_asks_has_an_answer_and_every_result_its_table(data, asked) -> None:
    found = eval(asked.removesuffix(".plot()").removesuffix(".chance"), {"crm": crm, "data": data})
    if not isinstance(found, str):
        assert isinstance(found.frame, pd.DataFrame)
        assert len(found.frame) >= 1
        assert "<" in found._repr_html_()
        # a terminal shows the words, and not a page of fields
        assert str(found) == found.display().text
        assert 0 < len(str(found)) < 6000


def test_a_single_result_has_one_row(data) -> None:
    goal = crm.goal("nps", data)
    for one in (
        crm.measure("nps", data, where={"region": "south"}),
        goal,
        crm.judge(goal, data),
        crm.compare("nps", data, "2024-Q4"),
    ):
        assert len(one.frame) == 1
    assert crm.measure("nps", data, where={"region": "south"}).frame.iloc[0]["region"] == "south"
    assert crm.scorecard(data)["nps"].frame.equals(goal.frame)
    assert len(crm.cohorts.retention(data.orders, as_of=data.as_of).frame) > 1


def test_what_is_in_the_catalogue_no_more_can_still_be_printed(data) -> None:
    gone = replace(crm.measure("nps", data), indicator="nps_of_last_year")
    assert "nps_of_last_year" in str(gone)
