"""Where changes came from, in sentences: goals of one story share one, and a hint is called a hint."""

from types import SimpleNamespace

import pytest

from crmtools.goals.drivers import Driver
from crmtools.show.driver_views import drivers
from crmtools.words import LANGUAGES, Text


def reading(name: str, zh: str, en: str):
    return SimpleNamespace(id=name, goal=SimpleNamespace(name=Text(zh, en)))


CHURN, FIRST = reading("churn", "流失率", "Churn"), reading("response", "首次响应", "First <response>")
TOGETHER = (
    Driver(CHURN, "region", True, ("east", "south"), ("north", "west"), (FIRST,)),
    Driver(FIRST, "region", True, ("east", "south"), ("north", "west"), (CHURN,)),
)


def test_goals_of_one_story_share_a_sentence() -> None:
    shown = drivers(TOGETHER, language="en")
    assert shown.text.splitlines()[0] == (
        "Churn, First <response>: improved in east, south (Region), no change seen in north, west."
    )
    assert "a hint and no proof" in shown.text
    assert "First &lt;response&gt;" in shown.html
    assert shown.html.count("<li>") == 1
    assert shown.result["drivers"][0]["alike"] == ["response"]


def test_a_goal_alone_needs_no_hint() -> None:
    shown = drivers((Driver(CHURN, "region", False, ("west",), ("east",)),), language="zh")
    assert shown.text == "流失率：在地区“west”变差，在“east”未检出变化。"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_found_is_said(language) -> None:
    shown = drivers((), language=language)
    assert shown.text
    assert shown.result == {"kind": "drivers", "drivers": []}
