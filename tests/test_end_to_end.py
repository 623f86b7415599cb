"""The tiny report with the real notebooks, from its parameters file to the published pages, read back as a reader would."""

import hashlib
import json
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import Tab, browser
from click.testing import CliRunner
from set_up_browser import axe, chromium
from shared_snapshots import share_snapshots

import crmtools as crm
from crmtools import formats
from crmtools.cli import main
from crmtools.parameters import load
from crmtools.report import pdf
from crmtools.report.chromium import print_page
from crmtools.report.first_page import compared
from crmtools.report.gate import gate
from crmtools.report.pdf import print_book, sheets_of
from crmtools.report.pdf_text import pages_of
from crmtools.report.results import Results
from crmtools.report.run import RunResult, run_report

LANGUAGES = ("en", "zh")
WINDOWS = [(1280, False), (390, True), (1280, True), (390, False)]
"""Widths, and whether dark: the pages take turns."""
KINDS = ("index", "goals", "churn_rate", "churn", "cohorts", "rfm", "lifetime", "provenance", "references", "search")
"""A page of each kind."""
COMPUTED = [item for item in crm.CATALOGUE.values() if item.waits_for is None]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Path:
    """A folder of its own with the tiny data and parameters."""
    folder = tmp_path_factory.mktemp("end_to_end")
    shutil.copytree(project_root / "data" / "tiny", folder / "data" / "tiny")
    (folder / "parameters").mkdir()
    shutil.copy(project_root / "parameters" / "tiny.yml", folder / "parameters")
    share_snapshots(folder)
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


# ---- in a real browser


@pytest.fixture(scope="module")
def tab(run: RunResult) -> Iterator[Tab]:
    """A tab of Chromium, without a network."""
    if chromium() is None:
        pytest.skip("no Chromium on this machine, and none could be fetched")
    with browser() as opened:
        yield opened


def pages(company: Path, language: str) -> list[Path]:
    return sorted((company / "published" / "tiny" / language).resolve().glob("*.html"))


OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def page_faults(tab: Tab, views: Iterable[tuple[Path, int, bool]]) -> dict[tuple[str, int, bool], object]:
    """Errors in the console, requests to other machines and scroll bars below, of pages at a width, dark or not."""
    found = {}
    for file, width, dark in views:
        seen = tab.open(file, width=width, dark=dark)
        over = tab.js(OVERFLOW)
        if seen.errors or seen.remote or over > 0:
            found[file.stem, width, dark] = (seen.errors, seen.remote, over)
    return found


@pytest.mark.parametrize(("language", "windows"), [("en", WINDOWS[:2]), ("zh", WINDOWS[2:])])
def test_a_page_of_each_kind_opens_without_an_error_a_request_or_a_scroll_bar(
    tab: Tab, company: Path, language: str, windows: list[tuple[int, bool]]
) -> None:
    folder = (company / "published" / "tiny" / language).resolve()
    assert page_faults(tab, [(folder / f"{kind}.html", *window) for kind in KINDS for window in windows]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_opens_without_an_error_a_request_or_a_scroll_bar(tab: Tab, company: Path, language: str) -> None:
    assert page_faults(tab, [(file, *window) for file in pages(company, language) for window in WINDOWS]) == {}


FAULTS = """axe.run(document, {resultTypes: ["violations"], preload: false}).then(found => found.violations
  .filter(one => ["serious", "critical"].includes(one.impact))
  .map(one => [one.id, one.nodes.length, one.nodes[0].html.slice(0, 200)]))"""


def axe_faults(tab: Tab, files: list[Path]) -> dict[tuple[str, int, bool], list[object]]:
    script = axe()
    if script is None:
        pytest.skip("axe-core is not here and could not be fetched from npm")
    found = {}
    for number, file in enumerate(files):
        width, dark = WINDOWS[number % len(WINDOWS)]
        tab.open(file, width=width, dark=dark)
        # a button that is still changing its colour when the page has come to rest is not read halfway
        tab.js("document.getAnimations().forEach(one => one.finish())")
        tab.js(f"{script.read_text('utf-8')};0")
        if faults := tab.js(FAULTS):
            found[file.stem, width, dark] = faults
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_of_each_kind_can_be_used_by_everybody(tab: Tab, company: Path, language: str) -> None:
    folder = (company / "published" / "tiny" / language).resolve()
    kinds = KINDS if language == "en" else KINDS[1:] + KINDS[:1]  # in other windows
    assert axe_faults(tab, [folder / f"{kind}.html" for kind in kinds]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_can_be_used_by_everybody(tab: Tab, company: Path, language: str) -> None:
    assert axe_faults(tab, pages(company, language)) == {}


@pytest.mark.parametrize(
    ("language", "words", "slug"),
    [
        ("en", "churn", "churn_rate"),
        ("en", "Kaplan", "methodology"),
        ("zh", "留存率", "retention_rate"),
        ("zh", "目标差距", "glossary"),
        ("zh", "客户关系管理", None),
    ],
)
def test_the_search_finds_words_of_both_languages(
    tab: Tab, company: Path, language: str, words: str, slug: str | None
) -> None:
    folder = (company / "published" / "tiny" / language).resolve()
    tab.open(f"{(folder / 'search.html').as_uri()}?q={words}")
    hits = tab.wait_for(
        "(links => links.length && links.map(a => a.getAttribute('href')))([...document.querySelectorAll('#search-results li a')])"
    )
    found = {hit.split(".html")[0] for hit in hits}
    assert slug is None or slug in found


@pytest.mark.parametrize("slug", ["index", "churn_rate", "cohorts"])
def test_the_switch_of_languages_leads_to_the_same_page(tab: Tab, company: Path, slug: str) -> None:
    tab.open((company / "published" / "tiny" / "en").resolve() / f"{slug}.html", width=390)
    tab.js("document.querySelector('.crm-language a, a.crm-language').click()")
    tab.wait_for("document.documentElement.lang.startsWith('zh') && document.readyState === 'complete'")
    assert tab.js("location.pathname").endswith(f"/zh/{slug}.html")


def test_tables_can_be_sorted_and_narrowed(tab: Tab, company: Path) -> None:
    tab.open((company / "published" / "tiny" / "en").resolve() / "provenance.html")
    table = "[...document.querySelectorAll('table.crm-table')].find(t => t.innerText.includes('Rows read'))"
    column = f"[...{table}.tBodies[0].rows].map(r => Number(r.cells[2].innerText.replaceAll(',', '')))"
    first = tab.js(column)
    button = f"{table}.tHead.rows[0].cells[2].querySelector('button')"
    orders = []
    for _ in range(3):
        tab.js(f"{button}.click()")
        orders.append((tab.js(f"{table}.tHead.rows[0].cells[2].ariaSort"), tab.js(column)))
    assert orders == [("ascending", sorted(first)), ("descending", sorted(first, reverse=True)), ("none", first)]
    box = "[...document.querySelectorAll('.crm-filter')].find(b => b.nextElementSibling.innerText.toLowerCase().includes('churn rate'))"
    tab.js(f"(i => {{i.value = 'CHURN rate'; i.dispatchEvent(new Event('input'))}})({box}.querySelector('input'))")
    rows = f"[...{box}.nextElementSibling.querySelectorAll('tbody tr')].filter(r => !r.hidden).map(r => r.innerText)"
    shown = tab.js(rows)
    assert shown
    assert all("churn rate" in row.lower() for row in shown)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_is_light(tab: Tab, company: Path, language: str) -> None:
    folder = (company / "published" / "tiny" / language).resolve()
    seen = tab.open(folder / "index.html")
    files = {Path(unquote(urlsplit(url).path)) for url in seen.requests if url.startswith("file:")}
    assert {".html", ".css", ".js"} <= {file.suffix for file in files}
    assert sum(file.stat().st_size for file in files) < 400_000
    assert max(file.stat().st_size for file in folder.glob("*.html")) < 1_500_000


@pytest.mark.parametrize("most", [12, pytest.param(None, marks=pytest.mark.slow)])
def test_a_book_on_paper_has_every_page_in_its_contents_and_outline_and_text_that_can_be_copied(
    tab: Tab, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int | None
) -> None:
    """The quick form prints the first pages only, and a long one among them."""
    printed: list[str] = []

    def press(page: Path, out: Path) -> None:
        printed.append(page.read_text("utf-8"))
        print_page(page, out)

    folder = (company / "published" / "tiny" / "zh").resolve()
    sheets = sheets_of(folder)
    assert {sheet.slug for sheet in sheets} == {file.stem for file in pages(company, "zh")} - {"search"}
    sheets = sheets[:most]
    monkeypatch.setattr(pdf, "print_page", press)
    monkeypatch.setattr(pdf, "sheets_of", lambda folder: sheets)
    print_book(folder, tmp_path / "book.pdf")
    made = (tmp_path / "book.pdf").read_bytes()
    outline = {title.decode("utf-16-be") for title in titles_of(made)}
    assert {sheet.title for sheet in sheets} <= outline
    contents = re.findall(r'<a href="#([\w-]+)">[^<]*</a><span>(\d+)</span>', printed[-1].split("</nav>")[0])
    begins = pages_of(made)
    assert contents == [(sheet.slug, str(begins[sheet.slug])) for sheet in sheets]
    assert [int(number) for _, number in contents] == sorted({int(number) for _, number in contents})
    heights = dict(re.findall(rb"/([\w-]+) \[\d+ 0 R /XYZ [\d.]+ ([\d.]+)", made))
    assert len({heights[sheet.slug.encode()] for sheet in sheets}) == 1, "each begins at the top of its page"
    maps = [stream for stream in streams_of(made) if b"begincmap" in stream]
    known = {chr(int(code, 16)) for stream in maps for code in re.findall(rb"<([0-9A-F]{4})>", stream)}
    assert set("客户留存率目标差距") <= known, "what a reader copies is text, not numbers of glyphs"


def titles_of(pdf: bytes) -> list[bytes]:
    """The titles of a PDF's outline, as they are written: UTF-16 after a mark, in hexadecimals or with escapes."""
    found = [bytes.fromhex(text.decode())[2:] for text in re.findall(rb"/Title\s*<(FEFF[0-9A-F]+)>", pdf)]
    for text in re.findall(rb"/Title\s*\(\xfe\xff((?:[^\\)]|\\.)*)\)", pdf, re.DOTALL):
        found.append(re.sub(rb"\\(.)", rb"\1", text, flags=re.DOTALL))
    return found


def streams_of(pdf: bytes) -> Iterator[bytes]:
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            yield zlib.decompress(stream)
        except zlib.error:
            continue
