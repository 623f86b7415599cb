"""The tiny report with the real notebooks, from its parameters file to the published pages, read back as a reader would."""

import hashlib
import json
import re
import shutil
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner

import crmtools as crm
from crmtools import formats
from crmtools.cli import main
from crmtools.parameters import load
from crmtools.report.first_page import compared
from crmtools.report.gate import gate
from crmtools.report.results import Results
from crmtools.report.run import RunResult, run_report

LANGUAGES = ("en", "zh")
COMPUTED = [item for item in crm.CATALOGUE.values() if item.waits_for is None]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Path:
    """A folder of its own with the tiny data and parameters."""
    folder = tmp_path_factory.mktemp("end_to_end")
    shutil.copytree(project_root / "data" / "tiny", folder / "data" / "tiny")
    (folder / "parameters").mkdir()
    shutil.copy(project_root / "parameters" / "tiny.yml", folder / "parameters")
    return folder


@pytest.fixture(scope="module")
def run(company: Path, project_root: Path) -> RunResult:
    """One run in both languages."""
    return run_report(load(company / "parameters" / "tiny.yml"), notebooks=project_root / "notebooks")


def page(company: Path, language: str, name: str) -> str:
    """The text of a page, without mark-up, spaces as one."""
    text = (company / "published" / "tiny" / language / f"{name}.html").read_text(encoding="utf-8")
    text = re.sub(r"<(style|script)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file that a reader can open, with its hash."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_page_ran_and_the_book_is_published(run: RunResult, company: Path) -> None:
    assert run.exit_code == 0
    assert not run.failed
    for language in LANGUAGES:
        assert (company / "published" / "tiny" / language / "index.html").is_file()


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_on_the_pages_are_those_that_measure_gives(run: RunResult, company: Path, language: str) -> None:
    data = crm.open(company / "parameters" / "tiny.yml")
    for item in COMPUTED:
        estimate = crm.measure(item, data)
        text = page(company, language, item.id)
        assert item.name.to(language) in text
        if estimate.value is not None:
            shown = formats.quantity(estimate.value, item.unit, language, estimate.currency)
            assert " ".join(shown.split()) in text, item.id
        if estimate.why is not None:
            assert estimate.why.to(language).rstrip("。.") in text, item.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_waits_has_no_page_and_is_named_where_it_would_stand(run: RunResult, company: Path, language: str) -> None:
    waiting = [item for item in crm.CATALOGUE.values() if item not in COMPUTED]
    for item in waiting:
        assert not (company / "published" / "tiny" / language / f"{item.id}.html").exists()
        assert item.waits_for.to(language) in page(company, language, "readiness")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_shows_every_goal_as_the_scorecard_reads_it(
    run: RunResult, company: Path, language: str
) -> None:
    text = page(company, language, "index")
    readings = crm.scorecard(crm.open(company / "parameters" / "tiny.yml"))
    assert len(readings) > 0
    for reading in readings:
        unit = reading.goal.indicator.unit
        assert reading.goal.name.to(language) in text
        for value in (reading.now.value, reading.target):
            shown = formats.quantity(value, unit, language, bare=True, trim=value is reading.target)
            assert " ".join(shown.split()) in text


def test_both_editions_rest_on_one_set_of_results(run: RunResult) -> None:
    results = Results.read(run.folder / "results.json")
    assert set(results.pages) >= {item.id for item in COMPUTED}
    assert results.pages["nps"][0].value == pytest.approx(100 * (4 - 2) / 9)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_of_the_first_page_is_the_stored_one(run: RunResult, company: Path, language: str) -> None:
    results = Results.read(run.folder / "results.json")
    declared = (company / "parameters" / "tiny.yml").read_text(encoding="utf-8")
    first = compared(company / "published" / "tiny", language, results, declared=declared)
    assert first.problems == ()
    assert first.numbers > 60


def test_the_command_looks_the_book_over(run: RunResult, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(company)
    passed = CliRunner().invoke(main, ["gate", "tiny", "--json"])
    assert passed.exit_code == 0, passed.output
    said = json.loads(passed.stdout)
    assert said["problems"] == []
    assert said["run"] == run.run_id
    assert said["compared"].keys() == {"en", "zh"}
    shutil.copytree(company / "published" / "tiny", company / "copy")
    (company / "copy" / "en" / "note.txt").write_text("password=hunter22\n")
    stopped = CliRunner().invoke(main, ["gate", "copy", "--report", "tiny"])
    assert stopped.exit_code == 1
    assert "en/note.txt\n    holds a password or a key (pass…)" in stopped.stdout
    assert "Note: The results of the run are not here" in stopped.stdout


def test_nobody_of_the_source_is_on_a_page(run: RunResult, company: Path) -> None:
    people = ["王小明", "O'Neil", "wang.xiaoming@example.com", "Zoë Müller", "C01", "C07", "O04", "K05"]
    book = (company / "published" / "tiny").resolve()
    assert gate(book, forbidden=people) == []
    assert gate(book, forbidden=["净推荐值"]) != [], "the gate must be able to see what is on the pages"


def test_wrong_data_leave_the_published_book_as_it_was(run: RunResult, company: Path, project_root: Path) -> None:
    before = fingerprint(company / "published")
    orders = company / "data" / "tiny" / "orders.csv"
    good = orders.read_bytes()
    orders.write_bytes(
        good.replace(b"2024-03-05 10:00", b"2024-13-05 10:00", 1).replace(b",400,", b",four hundred,", 1)
    )
    try:
        with pytest.raises(crm.DataError) as caught:
            run_report(load(company / "parameters" / "tiny.yml"), notebooks=project_root / "notebooks")
    finally:
        orders.write_bytes(good)
    assert "orders.csv" in str(caught.value)
    assert "2024-13-05 10:00" in str(caught.value)
    assert "four hundred" in str(caught.value)
    assert fingerprint(company / "published") == before
