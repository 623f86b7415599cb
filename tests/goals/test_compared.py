"""Two periods of an indicator compared without a goal."""

import pytest

import crmtools as crm


@pytest.fixture(scope="module")
def demo() -> crm.Data:
    return crm.open("demo")


@pytest.mark.parametrize("name", ["churn_rate", "nps"])
def test_it_is_the_change_that_a_goal_tells(demo, name) -> None:
    reading = crm.goal(name, demo)
    told = crm.judge(reading, demo).change
    asked = crm.compare(name, demo, reading.baseline.period, where=reading.goal.where)
    assert (asked.difference, asked.low, asked.high, asked.p) == (told.difference, told.low, told.high, told.p)
    assert asked.correlation == told.correlation


def test_customers_of_both_periods_are_taken_into_account(demo) -> None:
    alone = crm.compare("revenue_per_customer", demo, "2025-Q3")
    assert alone.correlation > 0.05
    assert alone.baseline.period.id == "2025-Q3"
    assert alone.now == crm.measure("revenue_per_customer", demo)


def test_some_customers_another_period_and_another_assumption(demo) -> None:
    made = crm.compare("churn_rate", demo, "2024-Q4", period="2025-Q2", where={"region": "south"}, grace_days=7)
    assert made.now == crm.measure("churn_rate", demo, period="2025-Q2", where={"region": "south"}, grace_days=7)
    assert dict(made.baseline.group) == {"region": "south"}


def test_a_tolerance_makes_a_verdict_of_its_size(demo) -> None:
    moved = crm.compare("nps", demo, "2024-Q4")
    assert moved.within_tolerance is None
    wide = 2 * max(abs(moved.low), abs(moved.high))
    assert crm.compare("nps", demo, "2024-Q4", tolerance=wide).within_tolerance is True


def test_a_period_is_not_compared_with_itself(demo) -> None:
    made = crm.compare("nps", demo, demo.period)
    assert made.verdict == "not_comparable"
    assert "itself" in made.why.en


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"indicator": "npss"}, "nps"),
        ({"since": "2024-Q9"}, "2025-Q4"),
        ({"where": {"regionn": "south"}}, "region"),
        ({"tolerance": -1.0}, "above 0"),
        ({"tolerance": "0.1"}, "found '0.1'"),
        ({"since": "2024"}, "not equally long"),
        ({"since": "2024-01-01..2024-03-31", "period": "2024-07-01..2024-07-31"}, "not equally long"),
        ({"since": "2026-Q1"}, "the earlier one first"),
        ({"since": "2024-01-02..2024-03-01", "period": "2024-02-02..2024-04-01"}, "do not overlap"),
        ({"grace": 3}, "grace"),
    ],
)
def test_what_cannot_be_asked_is_told(demo, asked, said) -> None:
    question = {"indicator": "nps", "since": "2024-Q4"} | asked
    with pytest.raises(crm.CRMError, match=said):
        crm.compare(question.pop("indicator"), demo, question.pop("since"), **question)


def test_it_shows_itself_in_both_languages(demo) -> None:
    made = crm.compare("churn_rate", demo, "2024-Q4")
    english, chinese = made.display(language="en").text, made.display(language="zh").text
    assert "Q4 2024 → Q4 2025" in english
    assert "Smallest change to be seen" in english
    assert "变化的判断" in chinese
    assert "nan" not in (english + chinese).lower()
