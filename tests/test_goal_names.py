"""A goal about some of the customers says so in its name, wherever it stands."""

from crmtools.goal_names import goal_name
from crmtools.goal_settings import GoalSettings
from crmtools.words import Text


def goal(**more):
    return GoalSettings.model_validate(
        {"indicator": "retention_rate", "baseline": 90, "from": "2025-01-01", "by": "2025-12-31", "target": {"to": 95}}
        | more
    )


def test_a_goal_about_some_customers_names_them() -> None:
    assert goal_name(goal()) == Text("客户留存率", "Customer retention rate")
    assert goal_name(goal(where={"region": "south"})) == Text(
        "客户留存率（地区 south）", "Customer retention rate (region south)"
    )
    both = goal_name(goal(where={"region": ["south", ""], "plan": "pro"}))
    assert both.en == "Customer retention rate (region south, Unknown, plan pro)"
    assert "未知" in both.zh


def test_a_name_of_its_own_is_its_name() -> None:
    named = goal(where={"region": "south"}, name={"zh": "南区留存", "en": "Southern retention"})
    assert goal_name(named) == Text("南区留存", "Southern retention")
