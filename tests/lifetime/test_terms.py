"""The chapter on lifetime value and the indicators of value to come count money on the same terms."""

from dataclasses import replace

import pytest

import crmtools as crm
from crmtools import show
from crmtools.estimating import MEANING, resolve
from crmtools.lifetime.study import study
from crmtools.settings import Lifetime

ON_TERMS = ("clv_expected", "clv_cac_ratio")


@pytest.fixture(scope="module")
def demo() -> crm.Data:
    return crm.open("demo")


def on(data: crm.Data, definitions: dict[str, dict[str, object]] | None = None, **terms: float) -> crm.Data:
    lifetime = Lifetime(unit="days", **terms)
    changed = {"lifetime": lifetime, "definitions": definitions or {}}
    return replace(data, settings=data.settings.model_copy(update=changed))


def test_no_other_indicator_takes_terms() -> None:
    takes = {name for name, item in crm.CATALOGUE.items() if item.assumptions.keys() & Lifetime().terms.keys()}
    assert takes == set(ON_TERMS)


@pytest.mark.parametrize("name", ON_TERMS)
def test_the_defaults_are_those_declared(name) -> None:
    declared = crm.CATALOGUE[name].assumptions
    assert Lifetime().terms == {key: declared[key] for key in Lifetime().terms}


@pytest.mark.parametrize("name", ON_TERMS)
def test_terms_then_definitions_then_what_is_given(demo, name) -> None:
    item = crm.CATALOGUE[name]
    assert resolve(item, on(demo, horizon_months=12, margin=0.25), {}) == {
        **item.assumptions, "horizon_months": 12, "margin": 0.25,
    }  # fmt: skip
    own = on(demo, {name: {"horizon_months": 24}}, horizon_months=12)
    assert resolve(item, own, {})["horizon_months"] == 24
    assert resolve(item, own, {"horizon_months": 6})["horizon_months"] == 6
    assert resolve(crm.CATALOGUE["churn_rate"], own, {}) == crm.CATALOGUE["churn_rate"].assumptions


def test_one_report_values_its_customers_once(demo) -> None:
    """Who has long been silent adds next to nothing: means times customers come to the same total."""
    data = on(demo, horizon_months=12, margin=0.3)
    chapter = study(data).value
    found = crm.measure("clv_expected", data)
    assert found.value * found.n == pytest.approx(chapter.total.value, rel=0.1)
    half = crm.measure("clv_expected", on(demo, horizon_months=12, margin=0.15))
    assert half.value == pytest.approx(found.value / 2)


def test_the_chapter_says_why_the_indicator_has_another_mean(demo) -> None:
    data = on(demo, horizon_months=12)
    made = study(data)
    mean = f"{made.value.frame['value'].mean():.0f}"
    english, chinese = (show.lifetime_value(made, data, language=language).html for language in ("en", "zh"))
    assert f"the mean is ¥{mean}" in english
    assert "bought in the 365 days before the end of 31 December 2025" in english.replace("\u00a0", " ")
    assert f"人均价值为 ¥{mean}" in chinese
    other = on(demo, {"clv_expected": {"margin": 0.9}}, horizon_months=12)
    assert "of its own" in show.lifetime_value(made, other, language="en").html
    assert "另有展望期" in show.lifetime_value(made, other, language="zh").html
    report = data.settings.report.model_copy(update={"indicators": ("nps",)})
    without = replace(data, settings=data.settings.model_copy(update={"report": report}))
    assert "indicator" not in show.lifetime_value(made, without, language="en").text
    # a value alone, in a notebook, knows no report
    assert "indicator" not in str(made.value)


def test_an_assumed_margin_is_called_assumed(demo) -> None:
    assumed, own = on(demo, horizon_months=12), on(demo, margin=0.4)
    for language, said in (("en", "assumed, and not the company's own"), ("zh", "默认值")):
        assert said in show.lifetime_answer(study(assumed), assumed, language=language).text
        assert said not in show.lifetime_answer(study(own), own, language=language).text


def test_what_is_remembered_is_remembered_on_its_terms(demo) -> None:
    """Sets of assumptions, queries and panels are kept by what measurements mean, and terms are part of that."""
    first, other = (crm.stress("clv_cac_ratio", on(demo, horizon_months=12, margin=margin)) for margin in (0.4, 0.2))
    assert first.estimates[0].value == pytest.approx(2 * other.estimates[0].value)
    assert set(MEANING) >= {"definitions", "lifetime"}
