"""Which pages a report has, in which order, and what is left out with its reason."""

from dataclasses import replace

import pytest
from small_report import write_notebook, write_notebooks, write_report

from crmtools.errors import DataError, RunError
from crmtools.indicators import CATALOGUE, DIMENSIONS
from crmtools.parameters import load
from crmtools.period import Period
from crmtools.report.plan import plan
from crmtools.tables.source import open_settings
from crmtools.words import Text


@pytest.fixture
def folder(tmp_path):
    write_notebooks(tmp_path / "notebooks")
    return tmp_path


def planned(folder, **more):
    settings = load(write_report(folder, **more))
    return plan(settings, open_settings(settings))


def slugs(entries):
    return [entry.slug for entry in entries]


def test_pages_stand_in_the_order_of_the_book(folder):
    made = planned(folder, indicators=("cac", "nps"))
    assert slugs(made.entries) == [
        "index", "goals", "core_three", "ten_indicators", "fifteen_risks",
        "loyalty", "nps", "churn", "churn_rate", "acquisition", "cac",
        "methodology", "definitions", "readiness", "glossary", "references", "changes", "provenance",
    ]  # fmt: skip
    assert {e.slug: e.parent for e in made.entries if e.parent} == {
        "nps": "loyalty", "churn_rate": "churn", "cac": "acquisition",
    }  # fmt: skip
    assert list(dict.fromkeys(e.part.en for e in made.entries if e.part)) == ["Overview", "Indicators", "Appendix"]


def test_the_first_page_and_then_every_page_in_every_language_is_a_job(folder):
    made = planned(folder)
    assert [(job.slug, job.language) for job in made.jobs] == [
        (slug, language) for slug in ("index", "goals", "nps", "churn_rate") for language in ("en", "zh")
    ]
    assert made.jobs[4].parameters == {
        "report": str(folder / "parameters" / "small.yml"), "language": "en", "indicator": "nps",
    }  # fmt: skip
    assert set(made.jobs[0].parameters) == {"report", "language"}


def test_without_a_choice_every_computable_indicator_has_a_page(folder):
    settings = load(write_report(folder))
    settings = settings.model_copy(update={"report": settings.report.model_copy(update={"indicators": None})})
    made = plan(settings, open_settings(settings))
    computable = [name for name, one in made.readiness.items() if one.state == "computable"]
    by_dimension = [item.id for d in DIMENSIONS for item in CATALOGUE.values() if item.dimension == d]
    assert [item.id for item in made.indicators] == [name for name in by_dimension if name in computable]
    assert set(made.missing) == set(CATALOGUE)


def test_what_the_data_lack_is_left_out_with_its_reason(folder):
    for name in ("cohorts", "rfm", "lifetime", "lifetime_check"):
        write_notebook(folder / "notebooks", name, "1")
    file = write_report(folder, indicators=("revenue_per_customer", "nps"), goals=[])
    (folder / "data" / "tiny" / "orders.csv").unlink()
    for name in ("invoices", "payments"):
        (folder / "data" / "tiny" / f"{name}.csv").unlink()
    settings = load(file)
    made = plan(settings, open_settings(settings))
    assert {e.slug: e.skipped.en for e in made.left_out} == {
        "goals": "skipped because goals are missing in the parameters file",
        "smart": "skipped because goals are missing in the parameters file",
        "track_record": "skipped because goals are missing in the parameters file",
        "cohorts": "skipped because orders are missing",
        "rfm": "skipped because orders are missing",
        "lifetime": "skipped because orders are missing",
        "lifetime_check": "skipped because orders are missing",
        "data_quality": "skipped because there is no notebook data_quality.ipynb",
    }
    assert made.missing["revenue_per_customer"] == ("orders",)
    assert slugs(made.entries)[4:6] == ["loyalty", "nps"]
    assert "revenue_per_customer" not in slugs(made.entries)


def test_the_indicator_of_a_goal_keeps_a_page_when_it_cannot_be_computed(folder):
    file = write_report(folder)
    (folder / "data" / "tiny" / "subscriptions.csv").unlink()
    settings = load(file)
    made = plan(settings, open_settings(settings))
    page = next(e for e in made.entries if e.slug == "churn_rate")
    assert page.kind == "generated"
    assert page.skipped.en == "skipped: subscriptions missing"
    assert page.skipped.zh == "缺少 subscriptions"
    assert "churn_rate" not in {job.slug for job in made.jobs}


def test_what_waits_for_something_is_not_run_and_a_goal_on_it_says_why(folder, monkeypatch):
    waiting = replace(CATALOGUE["churn_rate"], waits_for=Text("尚无名单", "no list is kept yet"))
    monkeypatch.setattr("crmtools.indicators.catalogue.CATALOGUE", {**CATALOGUE, "churn_rate": waiting})
    monkeypatch.setattr("crmtools.readiness.CATALOGUE", {**CATALOGUE, "churn_rate": waiting})
    made = planned(folder)
    assert made.readiness["churn_rate"].state == "waits"
    assert "churn_rate" not in {item.id for item in made.indicators}
    page = next(e for e in made.entries if e.slug == "churn_rate")
    assert (page.kind, page.skipped.en) == ("generated", "skipped: not computable yet: no list is kept yet")
    assert page.skipped.zh == "暂不可计算：尚无名单"


def test_run_chapters_chooses_and_may_name_a_notebook_of_ones_own(folder):
    write_notebook(folder / "notebooks", "pricing", "1", title="Prices")
    made = planned(folder, run={"chapters": ["pricing"]})
    assert [e.slug for e in made.entries if e.kind == "notebook" and not e.indicator] == ["index", "pricing"]
    own = next(e for e in made.entries if e.slug == "pricing")
    assert (own.title.en, own.title.zh, own.part.en) == ("Prices", "Prices 中文", "Further chapters")


def test_every_problem_of_the_notebooks_is_told_before_anything_is_run(folder):
    write_notebook(folder / "notebooks", "goals", "1", parameters='report: str = "tiny"')
    (folder / "notebooks" / "summary.ipynb").unlink()
    with pytest.raises(RunError) as error:
        planned(folder, run={"chapters": ["goals", "gaols"]})
    said = str(error.value)
    assert "no chapter 'gaols'. Did you mean 'goals'?" in said
    assert "goals.ipynb · parameters" in said
    assert "'language' is not declared" in said
    assert "summary.ipynb\n      there is no such notebook" in said
    assert "Nothing was run" in said
    assert not (folder / "runs").exists()


def test_a_period_without_a_row_is_no_report(folder):
    """An export that did not arrive: a book of nothing must not take the place of the last one."""
    settings = load(write_report(folder))
    data = open_settings(settings)
    later = settings.report.model_copy(update={"period": Period.parse("2026-Q3")})
    with pytest.raises(DataError) as raised:
        plan(settings.model_copy(update={"report": later}), data)
    said = str(raised.value)
    assert said.startswith("There is nothing to report\n  small.yml · report.period\n")
    assert "the period 2026-Q3 begins on 2026-07-01" in said
    assert "crmtools report small@PERIOD" in said
    assert said.endswith("Nothing was run; what was published before is untouched.")


def test_a_goal_about_an_attribute_that_nobody_has_is_named_before_anything_is_run(folder):
    goals = [
        {
            "indicator": "nps",
            "baseline": 10,
            "from": "2025-01-01",
            "by": "2026-06-30",
            "target": {"to": 30},
            "where": {"Region": "north"},
        }
    ]
    with pytest.raises(RunError) as raised:
        planned(folder, goals=goals)
    assert "small.yml · goals · nps · where" in str(raised.value)
    assert "customers of nps cannot be told apart by 'Region'. Did you mean 'region'?" in str(raised.value)
