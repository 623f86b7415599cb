"""A page per goal in the book: which there are, what they are called, what they are told, and who links to them."""

import nbformat
import pytest
from small_report import PARAMETERS, ROOT, write_notebook, write_notebooks, write_report

import crmtools as crm
from crmtools import show
from crmtools.errors import RunError
from crmtools.parameters import load
from crmtools.report.notebooks import check_notebook, read_notebook, tags
from crmtools.report.plan import goal_slugs, plan
from crmtools.report.project import check_pages, contents
from crmtools.report.run import run_report
from crmtools.tables.source import open_settings

ODD = [
    {"indicator": "nps", "baseline": 10, "from": "2025-01-01", "target": {"to": 30}, "by": "2026-06-30"},
    {"indicator": "nps", "id": "NPS Süd / 南区", "name": {"en": "NPS in the south", "zh": "南区净推荐值"}, "where": {"region": "south"},
     "baseline": 10, "from": "2025-01-01", "target": {"to": 30}, "by": "2026-06-30"},
]  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    write_notebooks(tmp_path / "notebooks")
    code = "print('about', goal)"
    write_notebook(
        tmp_path / "notebooks",
        "goal",
        code,
        parameters=PARAMETERS + '\ngoal: str = "nps"  # an id',
        title="{{ goal.name }}",
    )
    return tmp_path


def planned(folder, **more):
    settings = load(write_report(folder, **more))
    return plan(settings, open_settings(settings))


def of_goals(made):
    return [entry for entry in made.entries if entry.goal]


def test_every_goal_has_a_page_below_the_chapter_on_goals(folder):
    made = planned(folder, goals=ODD)
    assert [e.slug for e in made.entries][:5] == ["index", "goals", "goal_nps", of_goals(made)[1].slug, "core_three"]
    one, other = of_goals(made)
    assert (one.title.en, other.title.en, other.title.zh) == ("Net Promoter Score", "NPS in the south", "南区净推荐值")
    assert {e.parent for e in of_goals(made)} == {"goals"}
    assert other.slug.startswith("goal_nps-s")
    assert other.slug.isascii()


def test_the_notebook_is_told_the_id_as_it_is_written(folder):
    made = planned(folder, goals=ODD)
    jobs = [job for job in made.jobs if job.goal]
    assert [(job.goal, job.language, job.indicator) for job in jobs] == [
        (name, language, "") for name in ("nps", "NPS Süd / 南区") for language in ("en", "zh")
    ]
    assert jobs[2].parameters["goal"] == "NPS Süd / 南区"
    assert "goal" not in next(job for job in made.jobs if job.slug == "nps").parameters
    assert made.links["nps"] == "nps.html", "the indicator keeps its own page"


def test_no_pages_where_the_chapter_is_not_run(folder):
    assert of_goals(planned(folder, run={"chapters": []})) == []
    assert of_goals(planned(folder, goals=[])) == []
    settings = load(write_report(folder, run={"chapters": []}))
    assert show.goal_pages(open_settings(settings)) == {}


def test_without_its_notebook_the_pages_are_left_out_and_nobody_links_to_them(folder):
    (folder / "notebooks" / "goal.ipynb").unlink()
    made = planned(folder)
    assert of_goals(made) == []
    assert {e.slug: e.skipped.en for e in made.left_out}[
        "goal_pages"
    ] == "skipped because there is no notebook goal.ipynb"
    assert goal_slugs(made.settings) == {}


def test_links_lead_to_the_pages_that_are_planned(folder):
    settings = load(write_report(folder, goals=ODD))
    data = open_settings(settings)
    pages = show.goal_pages(data)
    assert list(pages.values()) == [f"{entry.slug}.html" for entry in of_goals(plan(settings, data))]


def test_goal_is_no_chapter(folder):
    with pytest.raises(RunError, match="no chapter 'goal'"):
        planned(folder, run={"chapters": ["goal"]})


def test_a_notebook_that_does_not_take_the_goal_is_refused(folder):
    write_notebook(folder / "notebooks", "goal", "1")
    with pytest.raises(RunError, match="'goal' is not declared"):
        planned(folder)


def test_pages_stand_below_goals_on_the_left(folder):
    from crmtools.report.project import Page

    made = planned(folder, goals=ODD)
    found = [
        Page(e.slug, e.title.en, folder / "notebooks" / "goal.ipynb", e.part.en if e.part else None, e.parent)
        for e in made.entries
    ]
    check_pages(found)
    overview = contents(found, "en")["parts"][0]["chapters"]
    assert [section["title"] for section in overview[0]["sections"]] == ["Net Promoter Score", "NPS in the south"]


def test_headings_are_filled_with_the_goal_and_not_with_its_indicator(folder):
    made = run_report(
        load(write_report(folder, goals=ODD)), published=folder / "published", notebooks=folder / "notebooks"
    )
    assert made.exit_code == 0
    page = next((folder / "published" / "small" / "zh").glob("goal_nps-s*.html")).read_text("utf-8")
    assert "南区净推荐值 中文" in page
    outcome = next(one for one in made.outcomes if one.job.goal == "NPS Süd / 南区")
    cells = nbformat.read(outcome.notebook, as_version=4).cells
    assert "about NPS Süd / 南区" in cells[-1].outputs[0].text


# ---- the notebook


def test_the_notebook_is_as_a_report_needs_it():
    file = ROOT / "notebooks" / "goal.ipynb"
    assert check_notebook(file, parameters=("report", "goal", "language")) == []
    notebook = read_notebook(file)
    markdown = [tags(cell) for cell in notebook.cells if cell.cell_type == "markdown"]
    assert markdown == [["en"], ["zh"]] * (len(markdown) // 2), "in pairs"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) < 12
            assert "def " not in cell.source
            assert cell.outputs == []


def test_its_code_runs_on_every_goal_of_the_tiny_company():
    notebook = read_notebook(ROOT / "notebooks" / "goal.ipynb")
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for goal in ("nps", "churn_rate"):
        names: dict[str, object] = {}
        for cell in (code[0], f"goal = {goal!r}", *code[1:]):
            exec(cell, names)
        assert names["reading"].id == goal


# ---- links in tables


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_name_leads_to_the_goal_and_what_it_measures_to_the_indicator(language):
    goals = crm.scorecard(crm.open("tiny"))
    shown = show.scorecard(goals, language=language, links={"nps": "nps.html"}, pages={"nps": "goal_nps.html"}).html
    row = next(row for row in shown.split("<tr>") if "goal_nps.html" in row)
    name = goals["nps"].goal.name.to(language)
    assert f'<a href="goal_nps.html"><b>{name}</b></a><small><a href="nps.html">' in row
    assert shown.count("<a ") == 2, "the other goal has no page"
    gaps = show.gaps(goals, language=language, pages={"nps": "goal_nps.html"}).html
    assert f'<a href="goal_nps.html">{name}</a>' in gaps
    assert "<a " not in show.gaps(goals, language=language).html
