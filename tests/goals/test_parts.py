"""One goal by its name, the name of its page, and what its change is made of, attribute by attribute."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_company import AS_OF, random_company

import crmtools as crm
from crmtools.estimate import OUTDATED
from crmtools.goal_settings import GoalSettings
from crmtools.goals.decomposition import ONE_SEGMENT, decompose
from crmtools.goals.goal import goal_from
from crmtools.goals.moved import NOT_KEPT, ONE_GROUP
from crmtools.goals.named import goal, goal_slug
from crmtools.goals.parts import (
    CORRECTED,
    GIVEN_WHOLE,
    NO_ATTRIBUTES,
    SAME_PERIOD,
    goal_parts,
)
from crmtools.goals.reading import NO_BASELINE, read
from crmtools.report.project import SLUG


@pytest.fixture(scope="module")
def company() -> crm.Data:
    """Four hundred customers, small groups told, cut by two attributes and by something that nobody keeps."""
    data = crm.open(**random_company(3, customers=400, rows=4000), as_of=AS_OF)
    report = data.settings.report.model_copy(update={"segments": ("region", "customer_type", "no_such_thing")})
    more = {"report": report, "publish": data.settings.publish.model_copy(update={"smallest_group": 2})}
    return replace(data, settings=data.settings.model_copy(update=more))


def reading(data: crm.Data, **given: object) -> crm.Reading:
    usual = {"indicator": "csat_top2", "baseline": "2025-10", "by": date(2026, 6, 30), "target": {"points": 5}}
    return read(goal_from(GoalSettings.model_validate(usual | given)), data)


def cut_by(data: crm.Data, *attributes: str) -> crm.Data:
    report = data.settings.report.model_copy(update={"segments": attributes})
    return replace(data, settings=data.settings.model_copy(update={"report": report}))


# ---- by name


def test_a_goal_by_its_name_is_that_of_the_scorecard() -> None:
    data = crm.open("tiny")
    for expected in crm.scorecard(data):
        found = goal(expected.id, data)
        assert (found.goal, found.now, found.target, found.gap) == (
            expected.goal, expected.now, expected.target, expected.gap,
        )  # fmt: skip


def test_a_name_that_is_none_is_refused_with_advice(company) -> None:
    with pytest.raises(crm.CRMError, match=r"no goal 'npss'. Did you mean 'nps'"):
        goal("npss", crm.open("tiny"))
    with pytest.raises(crm.CRMError, match="names no goals"):
        goal("nps", company)


@pytest.mark.parametrize("name", ["nps", "first_response_time", "a2_b"])
def test_a_plain_id_is_its_page(name) -> None:
    assert goal_slug(name) == f"goal_{name}"


@given(st.lists(st.text(min_size=1), min_size=2, max_size=6, unique=True))
def test_every_id_has_a_page_of_its_own(names) -> None:
    pages = [goal_slug(name) for name in names]
    assert len(set(pages)) == len(names)
    assert all(SLUG.fullmatch(page) and len(page) < 80 for page in pages)


def test_ids_that_differ_in_what_no_file_name_holds_have_different_pages() -> None:
    pages = [
        goal_slug(name) for name in ("NPS", "nps", "nps ", "净推荐值", "净推荐率", "a/b", "a-b", "../a", "x" * 300)
    ]
    assert len(set(pages)) == 9
    assert all(SLUG.fullmatch(page) for page in pages)
    assert goal_slug("净推荐值") == goal_slug("净推荐值"), "the page keeps its name"


# ---- what the change is made of


def test_parts_are_the_decompositions_up_to_the_target(company) -> None:
    found = reading(company)
    parts = goal_parts(found, company)
    assert [one.by for one in parts.made] == ["region", "customer_type"]
    assert dict(parts.why) == {"no_such_thing": NOT_KEPT}
    alone = decompose("csat_top2", company, by="region", baseline="2025-10", target=found.target)
    assert parts.made[0] == alone
    assert parts.made[0].remaining.value == pytest.approx(found.target - found.now.value)


def test_a_goal_about_some_customers_is_split_among_these(company) -> None:
    all_told = company.settings.publish.model_copy(update={"smallest_group": 1})
    open_to_all = replace(company, settings=company.settings.model_copy(update={"publish": all_told}))
    one = goal_parts(reading(open_to_all, where={"region": "south"}), open_to_all)
    assert dict(one.why)["region"] == ONE_GROUP
    assert [part.by for part in one.made] == ["customer_type"]
    assert one.made[0].now.n == one.reading.now.n
    few = goal_parts(reading(company, where={"region": "south"}), company)
    assert dict(few.why)["customer_type"] == ONE_SEGMENT, (
        "less all consumers, those of the south tell of one in the east"
    )
    two = goal_parts(reading(company, where={"region": ["south", "north"]}), company)
    assert {line.segment for line in two.made[0].lines} == {"south", "north"}


def test_a_change_of_data_that_end_too_early_is_not_split(company) -> None:
    found = reading(company)
    early = replace(found, now=replace(found.now, data_until=found.now.period.last_day - timedelta(days=46)))
    parts = goal_parts(early, company)
    assert (parts.made, parts.why) == ((), (("", OUTDATED),))


def test_a_bound_to_keep_has_no_gap_to_fill(company) -> None:
    parts = goal_parts(reading(company, kind="stay_above", target={"to": "20%"}), company)
    assert parts.made[0].remaining is None
    assert parts.made[0].steps[-1].name.en == "Now"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"baseline": "40%", "from": "2025-01-01"}, GIVEN_WHOLE),
        ({"kind": "establish_baseline", "baseline": None, "target": None, "from": "2025-01-01"}, NO_BASELINE),
        ({"baseline": AS_OF.strftime("%Y-%m")}, SAME_PERIOD),
    ],
)
def test_why_no_attribute_can_split_it(company, given, why) -> None:
    data = replace(company, settings=company.settings)
    parts = goal_parts(reading(data, **given), data)
    assert parts.made == ()
    assert parts.why == (("", why),)


def test_kinds_that_do_not_add_up_say_which_they_are(company) -> None:
    waiting = goal_parts(reading(company, indicator="resolution_time", target={"to": 1}), company)
    assert waiting.made == ()
    assert waiting.why[0][1].en == "the segments of this kind of indicator (waiting time) do not add up to it"
    assert "等" in waiting.why[0][1].zh or waiting.why[0][1].zh.startswith("该类指标")


def test_a_goal_on_a_factor_of_revenue_is_split_by_factor(company) -> None:
    """Also where no attribute splits it; other goals have no factors."""
    for data in (company, cut_by(company)):
        parts = goal_parts(reading(data, indicator="aov", target={"relative": "+10%"}), data)
        assert parts.factors == crm.revenue_factors(data, baseline="2025-10")
    south = reading(company, indicator="aov", target={"relative": "+10%"}, where={"region": "south"})
    product = goal_parts(south, company).factors
    assert product.factors[2].now == pytest.approx(south.now.value)
    assert sum(factor.shapley for factor in product.factors) == pytest.approx(product.now - product.before)
    assert goal_parts(reading(company), company).factors is None


def test_a_goal_that_is_hidden_is_not_split(company) -> None:
    """A goal about nearly everybody is hidden for the sake of the few others: its parts would tell its value."""
    found = reading(company, indicator="aov", target={"relative": "+10%"})
    hidden = replace(found, now=found.now.hidden())
    parts = goal_parts(hidden, company)
    assert (parts.made, parts.factors) == ((), None)
    assert parts.why[0][1].en == "too few to be shown, or would give few away"


def test_without_attributes_that_is_the_reason(company) -> None:
    data = cut_by(company)
    assert goal_parts(reading(data), data).why == (("", NO_ATTRIBUTES),)


def test_a_reason_that_holds_for_all_is_said_once(company) -> None:
    data = cut_by(company, "region", "customer_type")
    few = goal_parts(reading(data, baseline="1999-10"), data)
    assert few.made == ()
    assert [by for by, _ in few.why] == [""]
    assert few.why[0][1].en.startswith("October 1999: ")


def test_reasons_are_reasons_in_both_languages() -> None:
    for text in (CORRECTED, NO_ATTRIBUTES, NOT_KEPT, ONE_GROUP, SAME_PERIOD, ONE_SEGMENT):
        assert text.zh
        assert text.en
        assert text.zh != text.en
