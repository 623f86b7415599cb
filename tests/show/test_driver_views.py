"""Where changes came from, in sentences: goals of one story share one, and a hint is called a hint."""

from types import SimpleNamespace

import pytest

from crmtools.goals.drivers import Driver
from crmtools.show.driver_views import drivers
from crmtools.words import LANGUAGES, Text


def reading(name: str, zh: str, en: str, *, outcome: str = "", action: Text | None = None):
    settings = SimpleNamespace(outcome=outcome, action=action)
    goal = SimpleNamespace(name=Text(zh, en), settings=settings, indicator=SimpleNamespace(id=f"{name}_rate"))
    return SimpleNamespace(id=name, goal=goal)


def story(*readings) -> tuple[Driver, ...]:
    """All of them moved in the east and the south only."""
    return tuple(Driver(one, "region", True, ("east", "south"), ("north", "west")) for one in readings)


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
    assert shown.text == "流失率：在地区“west”恶化，在“east”未检出变化。"


def test_what_a_goal_serves_follows_it_with_the_action_that_was_declared() -> None:
    """Response serves satisfaction, satisfaction serves churn (by its indicator); loyalty has nothing to do with them."""
    faster = Text("增加人手", "More people on the phones")
    found = story(
        reading("churn", "流失率", "Churn", outcome="revenue", action=Text("别的", "Something else")),
        reading("satisfaction", "满意度", "Satisfaction", outcome="churn_rate"),
        reading("response", "首次响应", "Response", outcome="satisfaction", action=faster),
        reading("loyalty", "忠诚", "Loyalty"),
    )
    assert drivers(found, language="en").text.splitlines()[:2] == [
        (
            "Response: improved in east, south (Region), no change seen in north, west. So did what it was to serve, in the same "
            "groups: Satisfaction, Churn. Action that was declared: More people on the phones."
        ),
        "Loyalty: improved in east, south (Region), no change seen in north, west.",
    ]
    assert drivers(found, language="zh").text.splitlines()[0] == (
        "首次响应：在地区“east、south”有改善，在“north、west”未检出变化。其所服务的满意度、流失率也在同样的客户群有改善。"
        "写明的行动：增加人手。"
    )


def test_goals_that_serve_each_other_are_all_told() -> None:
    circle = (reading("a", "甲", "A", outcome="b"), reading("b", "乙", "B", outcome="a"))
    assert drivers(story(*circle), language="en").text.startswith("A, B: improved")
    more = (*circle, reading("c", "丙", "C", outcome="d"), reading("d", "丁", "D"))
    said = drivers(story(*more), language="en").text.splitlines()
    assert [line.split(":")[0] for line in said[:2]] == ["C", "A, B"]
    assert "groups: D." in said[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_found_is_said(language) -> None:
    shown = drivers((), language=language)
    assert shown.text
    assert shown.result == {"kind": "drivers", "drivers": []}
