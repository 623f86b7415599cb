"""One page, looked at while it is written: what it shows is what a run would publish, and nothing else is touched."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_report import write_notebook, write_notebooks, write_report

from crmtools import parameters
from crmtools.cli import main
from crmtools.errors import RunError
from crmtools.report import watching
from crmtools.report.plan import plan
from crmtools.report.press_client import Press
from crmtools.report.preview import job_of, preview
from crmtools.report.run import run_report
from crmtools.report.stamps import without_stamps
from crmtools.report.warm import warm_process
from crmtools.settings import Settings
from crmtools.tables.source import open_settings

ARTICLE = re.compile(r'<article class="bd-article">.*?</article>', re.DOTALL)


@pytest.fixture(scope="module")
def press() -> Iterator[Press]:
    with Press() as one:
        yield one


@pytest.fixture(scope="module")
def warm():
    with warm_process() as one:
        yield one


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Settings:
    """A report with an indicator and a chapter, run with the notebooks of the project; in one language, which takes half of the time."""
    file = write_report(
        tmp_path_factory.mktemp("own"), indicators=("nps",), goals=[], run={"chapters": ["rfm"]}, languages=("zh",)
    )
    settings = parameters.load(file)
    assert run_report(settings).exit_code == 0
    return settings


@pytest.fixture
def small(tmp_path) -> Settings:
    """A report of a few lines that was never run."""
    write_notebooks(tmp_path / "notebooks")
    return parameters.load(write_report(tmp_path, goals=[], run={"chapters": []}, languages=("en",)))


def article(page: Path) -> str:
    return without_stamps(ARTICLE.search(page.read_text("utf-8"))[0])


def every_file(*folders: Path) -> dict[str, tuple[str, int]]:
    """What lies in folders, and when it was written."""
    return {
        str(file): (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns)
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize(
    ("page", "language", "slug"),
    [("nps", "zh", "nps"), ("rfm", "zh", "rfm"), ("summary", None, "index")],
)
def test_a_preview_shows_what_is_published_and_touches_nothing(published, press, warm, page, language, slug) -> None:
    folders = [
        published.root / name for name in ("published", "runs", "parameters", ".crmtools/pages", ".crmtools/alerts")
    ]
    before = every_file(*folders)
    made = preview(published, page, language=language, press=press, warm=warm)
    theirs = published.root / "published" / published.name / "zh"
    assert made.page.name == f"{slug}.html"
    assert article(made.page) == article(theirs / made.page.name)
    assert len(article(made.page)) > 5000
    assert made.page.read_text("utf-8").count("crm-stamp") == 2, "it says that it is a preview, not of which run it is"
    assert every_file(*folders) == before
    for table in (theirs / "files").glob(f"{slug}*.csv"):
        assert (made.page.parent / "files" / table.name).read_bytes() == table.read_bytes()


def test_the_pages_around_are_the_published_ones_without_a_copy(published, press, warm) -> None:
    made = preview(published, "nps", press=press, warm=warm)
    theirs = published.root / "published" / published.name
    assert made.surrounded
    assert (made.page.parent / "rfm.html").read_bytes() == (
        theirs / "zh" / "rfm.html"
    ).read_bytes() or made.page.name != "rfm.html"
    assert (made.page.parent / "glossary.html").samefile(theirs / "zh" / "glossary.html")
    assert not made.page.samefile(theirs / "zh" / "nps.html")
    text, css = made.page.read_text("utf-8"), (made.page.parent / "_static" / "crmtools.css").read_text("utf-8")
    for address in re.findall(r'(?:href|src)="(_static/[^"?]+)', text):
        assert (made.page.parent / address).is_file(), address
    assert "--crm-icon" in css, "the theme's icons are drawn, as in a book"
    assert "fontawesome.js" not in text


def test_names_that_are_no_page_are_told_with_the_nearest(published, press) -> None:
    with pytest.raises(RunError, match=r"no page 'npss'\. Did you mean 'nps'"):
        preview(published, "npss", press=press)
    with pytest.raises(RunError, match=r"'glossary': the run writes it"):
        preview(published, "glossary", press=press)
    with pytest.raises(RunError, match="no edition in 'en'"):
        preview(published, "nps", language="en", press=press)


def test_a_page_is_asked_for_by_what_it_is_about() -> None:
    settings = parameters.load(Path(__file__).parents[2] / "parameters" / "tiny.yml")
    data = open_settings(settings)
    made = plan(settings, data)
    asked = ("nps", "goal_nps", "goals", "cohorts", "summary", "index")
    assert [job_of(made, page, "zh").slug for page in asked] == [
        "nps",
        "goal_nps",
        "goals",
        "cohorts",
        "index",
        "index",
    ]
    assert job_of(made, "goal_nps", "en").goal == "nps"
    with pytest.raises(RunError, match=r"'service': the run writes it"):
        job_of(made, "service", "en")
    lacking = plan(
        settings, replace(data, tables={name: table for name, table in data.tables.items() if name != "spend"})
    )
    with pytest.raises(RunError, match=r"'cac'\. It cannot be computed: spend is missing"):
        job_of(lacking, "cac", "en")


def test_a_notebook_that_fails_is_told_and_the_page_of_before_stays(small, press, warm) -> None:
    made = preview(small, "summary", press=press, warm=warm)
    assert "all is well" in article(made.page)
    assert not made.surrounded
    assert "Nothing is published yet" in made.said
    before = made.page.read_bytes()
    write_notebook(small.root / "notebooks", "summary", "1 / 0")
    with pytest.raises(RunError, match=r"summary.ipynb, cell 4: ZeroDivisionError: division by zero"):
        preview(small, "summary", press=press, warm=warm)
    write_notebook(small.root / "notebooks", "summary", "2", title="x\n\n{cite:p}`nobody1900`\n\n")
    with pytest.raises(RunError, match=r"would not be published(.|\n)*nobody1900"):
        preview(small, "summary", press=press, warm=warm)
    assert made.page.read_bytes() == before
    assert not (small.root / "published").exists()
    assert not (small.root / "runs").exists()


def test_what_is_watched_may_be_named_in_every_way_that_a_report_is(small, monkeypatch) -> None:
    monkeypatch.chdir(small.path.parent.parent)
    name = small.path.stem
    for asked in (
        name,
        f"{name}@2025-Q3",
        f"{name}#region=north",
        f"{name}@2025-Q3#region=north",
        f"{name}-region-north",
    ):
        assert watching._file_of(asked).resolve() == small.path.resolve()


def test_watching_makes_the_page_again_after_a_change_and_goes_on_after_an_error(small, monkeypatch) -> None:
    page, said, shown, pids = small.root / ".crmtools/preview/small/en/index.html", [], [], []
    asked, look, state = watching._Worker.ask, watching._look, {"package": 0}
    monkeypatch.setattr(watching._Worker, "ask", lambda one: (pids.append(one._process.pid), asked(one))[1])
    monkeypatch.setattr(watching, "_look", lambda *files: look(*files) | state)

    def looks() -> Iterator[None]:
        for code in (None, "print('second')", "print(", "print('third')"):
            if code:
                write_notebook(small.root / "notebooks", "summary", code)
            yield
            yield  # nothing changed since: nothing is made
            shown.append(re.findall("all is well|second|third", article(page)))
        write_notebook(small.root / "notebooks", "another", "1")
        yield  # no page of ours
        small.path.write_text(small.path.read_text("utf-8") + "\nbad: 1\n", "utf-8")
        yield
        broken = small.root / "broken" / "crmtools"
        broken.mkdir(parents=True)
        (broken / "__init__.py").write_text("raise ValueError('half written')")
        monkeypatch.setattr(watching, "_path", lambda: str(broken.parent))
        state["package"] += 1
        yield

    watching.watch(str(small.path), "summary", say=said.append, looks=looks())
    assert [found[0] for found in shown] == ["all is well", "second", "second", "third"]
    told = [line for line in said if "after the change" not in line]
    assert len(told) == 6
    assert page.as_uri() in told[0]
    assert "SyntaxError" in told[2]
    assert "bad" in told[4]
    assert "could not be loaded" in told[5]
    assert "half written" in told[5]
    assert len({*pids}) == 2, "a process stays until the package changes"


def test_the_command_says_where_the_page_is(published, monkeypatch) -> None:
    monkeypatch.chdir(published.root)
    done = CliRunner().invoke(main, ["preview", "small", "nps"])
    assert done.exit_code == 0, done.output
    assert "Open file://" in done.output
    assert (published.root / ".crmtools/preview/small/zh/nps.html").is_file()
    wrong = CliRunner().invoke(main, ["preview", "small", "npz"])
    assert wrong.exit_code == 1
    assert "Did you mean 'nps'" in wrong.output
