"""A page is run again exactly when something that it depends on has changed."""

import json
import os
import sys

import pytest
import yaml
from click.testing import CliRunner
from small_report import write_notebook, write_notebooks, write_report

from crmtools.cli import main
from crmtools.errors import RunError
from crmtools.parameters import load
from crmtools.report import cache as module
from crmtools.report import made_of, making, reach
from crmtools.report.cache import FREE, LOST, NEW, PageCache
from crmtools.report.plan import plan
from crmtools.report.run import run_report
from crmtools.report.unchanged import inputs_of
from crmtools.tables.source import open_settings

pytestmark = pytest.mark.usefixtures("light_book")

ONLY_OURS = "import crmtools as crm\ndata = crm.open(report)\n"
INDICATOR = ONLY_OURS + "print(crm.measure(indicator, data).value)"
INDICATORS = ("nps", "revenue_per_customer", "cost_per_ticket", "lead_conversion_rate")


def write(folder, **changes):
    write_notebooks(
        folder / "notebooks", indicator=INDICATOR, summary=ONLY_OURS + "print(*('goal' for _ in data.settings.goals))"
    )
    write_notebook(folder / "notebooks", "rfm", ONLY_OURS)
    return write_report(folder, indicators=INDICATORS, **changes)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path)
    return tmp_path


def opened(folder):
    for function in (module.package_mark, module.libraries_mark):
        getattr(function, "cache_clear", lambda: None)()  # as a new process
    settings = load(folder / "parameters" / "small.yml")
    data = open_settings(settings)
    return PageCache.of(settings, data), {(j.slug, j.language): j for j in plan(settings, data).jobs}


def fill(folder):
    """All pages as if a run had made them."""
    known, jobs = opened(folder)
    for job in jobs.values():
        executed = folder / "executed.ipynb"
        executed.write_text(f"{job.slug} {job.language}", encoding="utf-8")
        known.keep(job, executed, "RUN")


def to_run(folder):
    """The pages that would be run, in one language, with the reason."""
    known, jobs = opened(folder)
    return {slug: why for (slug, language), job in jobs.items() if language == "en" and (why := known.why(job))}


def change_settings(folder, change):
    file = folder / "parameters" / "small.yml"
    plain = yaml.safe_load(file.read_text("utf-8"))
    change(plain)
    file.write_text(yaml.safe_dump(plain, allow_unicode=True), encoding="utf-8")


def change_row(folder, table):
    """Another last row of a source file: the one before, its key a new one."""
    file = folder / "data" / "tiny" / f"{table}.csv"
    key, rest = file.read_text("utf-8").splitlines()[-1].split(",", 1)
    file.write_text(file.read_text("utf-8").rstrip("\n") + f"\n{key}9,{rest}\n", encoding="utf-8")


def test_at_first_everything_is_run_and_then_nothing(folder, tmp_path):
    known, jobs = opened(folder)
    assert {known.why(job) for job in jobs.values()} == {NEW}
    assert known.take(jobs["nps", "en"], tmp_path / "taken.ipynb") == ""
    assert not (tmp_path / "taken.ipynb").exists()
    fill(folder)
    assert to_run(folder) == {}
    known, jobs = opened(folder)
    assert known.take(jobs["nps", "zh"], tmp_path / "deep" / "taken.ipynb") == "RUN"
    assert (tmp_path / "deep" / "taken.ipynb").read_text("utf-8") == "nps zh"


def test_another_goal_runs_its_pages_and_those_about_goals(folder):
    fill(folder)
    change_settings(folder, lambda plain: plain["goals"][0]["target"].update(to=40))
    found = to_run(folder)
    assert set(found) == {"index", "goals", "nps"}
    assert {why.en for why in found.values()} == {"changed: the parameters file"}


@pytest.mark.parametrize(
    ("table", "spared"),
    [
        ("tickets", {"revenue_per_customer", "lead_conversion_rate"}),
        ("orders", {"cost_per_ticket", "lead_conversion_rate"}),
        ("campaigns", {"revenue_per_customer", "cost_per_ticket"}),  # leads refer to them
        ("customers", set()),
    ],
)
def test_other_data_run_what_reads_them(folder, table, spared):
    fill(folder)
    change_row(folder, table)
    found = to_run(folder)
    assert {"index", "goals", "rfm", *INDICATORS} - set(found) == spared
    assert {why.en for why in found.values()} == {"changed: the data"}


def test_another_title_runs_everything(folder):
    fill(folder)
    change_settings(folder, lambda plain: plain["report"]["title"].update(en="Renamed"))
    assert {"index", "nps", "rfm", "cost_per_ticket"} <= set(to_run(folder))


def test_another_day_runs_everything_and_says_so(folder):
    fill(folder)
    change_settings(folder, lambda plain: plain["report"].update(as_of="2026-01-05"))
    assert all("the data" in why.en for why in to_run(folder).values())
    assert "cost_per_ticket" in to_run(folder)


def test_how_a_run_is_run_and_who_is_told_change_no_page(folder):
    fill(folder)
    change_settings(folder, lambda plain: plain.update(run={"at_once": 1, "cell_seconds": 9}))
    change_settings(folder, lambda plain: plain["publish"].update(keep=3))
    assert to_run(folder) == {}


def test_another_notebook_runs_its_own_pages(folder):
    fill(folder)
    write_notebook(folder / "notebooks", "rfm", ONLY_OURS + "print(1)")
    assert {slug: why.zh for slug, why in to_run(folder).items()} == {"rfm": "已改变：笔记本"}


@pytest.mark.parametrize(
    ("name", "part"), [("package_mark", "the code of crmtools"), ("libraries_mark", "the libraries")]
)
def test_other_code_and_other_libraries_run_everything(folder, monkeypatch, name, part):
    fill(folder)
    monkeypatch.setattr(module, name, lambda: "another")
    assert {why.en for why in to_run(folder).values()} == {f"changed: {part}"}


@pytest.mark.parametrize(
    "code",
    [
        "import pandas", "from datetime import date", "def f():\n    import os", "open('other.csv')",
        "__import__('os')", "%matplotlib inline", "!date", "eval('1')",
    ],
)  # fmt: skip
def test_a_notebook_that_reaches_further_is_always_run(folder, code):
    write_notebook(folder / "notebooks", "rfm", ONLY_OURS + code)
    fill(folder)
    assert to_run(folder) == {"rfm": FREE}
    _, jobs = opened(folder)
    assert {job.slug for job in jobs.values() if not reach.only_ours(job.notebook)} == {"rfm"}


def test_damaged_and_torn_pages_are_run_again(folder):
    fill(folder)
    kept = folder / ".crmtools" / "pages" / "small" / "en"
    (kept / "nps.ipynb").write_text("half of", encoding="utf-8")
    (kept / "goals.ipynb").unlink()
    (kept / "rfm.json").write_text('{"run": "RUN", "parts":', encoding="utf-8")
    (kept / "index.json").write_text("[]", encoding="utf-8")
    assert to_run(folder) == {"nps": LOST, "goals": LOST, "rfm": NEW, "index": NEW}


def test_the_mark_of_a_book_moves_with_all_that_is_in_it(folder, tmp_path):
    def mark():
        return inputs_of(
            load(folder / "parameters" / "small.yml"), notebooks=folder / "notebooks", assets=folder / "assets"
        )

    (folder / "assets").mkdir()
    seen = [mark()]
    assert mark() == seen[0] != ""
    for change in (
        lambda: (folder / "assets" / "glossary.md").write_text("new", encoding="utf-8"),
        lambda: change_row(folder, "campaigns"),
        lambda: change_settings(folder, lambda plain: plain["goals"].pop()),
        lambda: change_settings(folder, lambda plain: plain.update(publish={"smallest_group": 2})),
        lambda: write_notebook(folder / "notebooks", "rfm", ONLY_OURS + "1"),
    ):
        change()
        seen.append(mark())
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("name", ["sphinx-book-theme", "myst-nb", "latex2mathml"])
def test_a_book_is_made_again_with_what_sets_it(folder, monkeypatch, name):
    """A page that was run stays, but another theme makes another book of it."""

    def mark():
        made_of.press_mark.cache_clear()
        settings = load(folder / "parameters" / "small.yml")
        return inputs_of(settings, notebooks=folder / "notebooks", assets=folder / "parameters")

    fill(folder)
    before, version = mark(), made_of.version
    monkeypatch.setattr(made_of, "version", lambda one: "99" if one == name else version(one))
    assert mark() != before
    assert to_run(folder) == {}
    monkeypatch.undo()
    assert mark() == before


# ---- whole runs


@pytest.fixture
def alone(folder, monkeypatch):
    write_report(folder, indicators=("nps", "churn_rate"), languages=("en",))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return folder


class Told:
    """Who runs, by state."""

    def __init__(self):
        self.states = {}

    def stage(self, name, jobs=0): ...

    def note(self, message): ...

    def job(self, outcome):
        self.states.setdefault(outcome.state, set()).add(outcome.job.slug)


def test_a_run_that_failed_leaves_its_pages_to_the_next(alone, monkeypatch):
    def full_disk(*_, **__):
        raise RunError("no book today")

    monkeypatch.setattr(making, "build_books", full_disk)
    settings = load(alone / "parameters" / "small.yml")
    first, second, third = Told(), Told(), Told()
    with pytest.raises(RunError, match="no book today"):
        run_report(settings, out=first)
    assert set(first.states) == {"ok"}
    with pytest.raises(RunError, match="no book today"):
        run_report(settings, out=second)
    assert second.states == {"cached": first.states["ok"]}
    with pytest.raises(RunError, match="no book today"):
        run_report(settings, out=third, fresh=True)
    assert third.states == first.states


def test_a_page_made_while_something_changed_is_not_kept(alone, monkeypatch):
    settings = load(alone / "parameters" / "small.yml")
    ask = making.ready_jobs

    def meddled(*args):
        for number, job in enumerate(ask(*args)):
            if number == 0:
                change_row(alone, "tickets")
            yield job

    monkeypatch.setattr(making, "ready_jobs", meddled)
    with pytest.raises(RunError, match="changed while the report was run"):
        run_report(settings)
    assert not list((alone / ".crmtools" / "pages").rglob("*.json"))


def test_a_report_of_which_nothing_changed_is_not_built_again(alone):
    command = ["report", "parameters/small.yml"]
    first = CliRunner().invoke(main, command)
    assert first.exit_code == 0, first.output
    runs_before = sorted(path.name for path in (alone / "runs").glob("2*"))
    link = alone / "published" / "small"
    edition = link.resolve()
    again = CliRunner().invoke(main, command)
    assert again.exit_code == 0
    assert f"Nothing has changed since run {edition.name}" in again.output
    assert sorted(path.name for path in (alone / "runs").glob("2*")) == runs_before
    assert link.resolve() == edition
    planned = CliRunner().invoke(main, [*command, "--dry-run"])
    assert planned.output.rstrip().endswith(f"0 of {planned.output.count('cached')} notebooks would be run.")

    change_settings(alone, lambda plain: plain["goals"][1].update(weight=3))
    changed = CliRunner().invoke(main, command)
    assert changed.exit_code == 0, changed.output
    assert link.resolve() != edition
    manifest = json.loads((alone / "runs" / link.resolve().name / "manifest.json").read_text("utf-8"))
    states = {(job["page"], job["language"]): job["state"] for job in manifest["jobs"]}
    assert {page for (page, _), state in states.items() if state == "ok"} == {"index", "goals", "churn_rate"}
    assert states["nps", "en"] == "cached"
