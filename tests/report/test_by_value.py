"""Reports of parts: apart from that of the whole in all they keep, and a book per value with a page that leads to them."""

import json
import re
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from light_books import none_begun
from small_report import write_notebooks, write_report

import crmtools as crm
from crmtools.asked import read_settings
from crmtools.cli import main
from crmtools.errors import RunError, SettingsError
from crmtools.goals.judgement import judgements
from crmtools.goals.values import reading_values
from crmtools.report.book import Built, Edition
from crmtools.report.by_value import problems_of, run_by_value
from crmtools.report.history import read_history
from crmtools.report.project import BOOK
from crmtools.report.results import Results
from crmtools.report.run import RunResult, run_report
from crmtools.settings import Settings
from crmtools.tables.source import values_by

NUMBERS = ("nps", "churn_rate", "cac")


def book_of(settings: Settings, *, seen: list[str] | None = None) -> RunResult:
    """What a run leaves that the page of all books reads, without notebooks and book."""
    data = crm.open(settings.reference)
    goals = crm.scorecard(data)
    readings = tuple(reading_values(*pair) for pair in zip(goals, judgements(goals, data), strict=True))
    estimates = tuple(crm.measure(name, data) for name in NUMBERS)
    report = settings.report
    results = Results(
        "20260101T000000-abcdef",
        settings.name,
        report.period.id,
        str(report.as_of),
        report.currency,
        estimates,
        readings,
        {},
        {},
    )
    folder = settings.root / "runs" / settings.name
    folder.mkdir(parents=True, exist_ok=True)
    results.write(folder / "results.json")
    for language in report.languages:
        (settings.root / "published" / settings.name / language).mkdir(parents=True, exist_ok=True)
        (settings.root / "published" / settings.name / language / "index.html").write_text("a book")
    (settings.root / "published" / settings.name / "index.html").write_text("a book")
    if seen is not None:
        seen.append(settings.name)
    return RunResult(results.run_id, settings.root / "published" / settings.name, folder, (), {})


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny company with smaller and larger regions than it has: the west too small, the east too small to be told beside it."""
    folder = tmp_path_factory.mktemp("company")
    file = write_report(folder, name="mine", publish={"smallest_group": 2})
    customers = (folder / "data" / "tiny" / "customers.csv").read_text(encoding="utf-8")
    (folder / "data" / "tiny" / "customers.csv").write_text(
        customers.replace(",east,", ",the <east> & co,"), encoding="utf-8"
    )
    crm.open(file)
    return file


def sizes(file: Path) -> dict[str, int]:
    data = crm.open(file)
    return data.ask(data["customers"])["region"].value_counts().to_dict()


def test_the_values_that_may_have_a_book_leave_two_without_or_none(company: Path):
    found, there = values_by(read_settings(company), "region"), sizes(company)
    assert sorted([*found.reported, *found.left_out]) == sorted(there)
    hidden = [there[value] for value in found.left_out]
    assert len(hidden) != 1
    assert not hidden or sum(hidden) >= 2
    assert all(there[value] >= 2 for value in found.reported)


def test_one_value_that_fails_keeps_no_other_from_its_book(company: Path):
    told, seen = [], []
    first = values_by(read_settings(company), "region").reported[0]

    def run(settings: Settings) -> RunResult:
        if settings.report.only["region"] == first:
            raise RunError("the disk is full")
        return book_of(settings, seen=seen)

    done = run_by_value(read_settings(company), "region", run, failed=lambda value, why: told.append((value, why)))
    assert told == [(first, "the disk is full")]
    assert (done.exit_code, len(seen)) == (1, len(done.values.reported) - 1)
    for language, words in (("en", "could not be published this time"), ("zh", "本次未能发布")):
        page = (done.page / language / "index.html").read_text(encoding="utf-8")
        assert words in page
        assert page.count('<th scope="row">') == len(done.values.reported)


def test_the_page_tells_what_the_books_tell(company: Path):
    done = run_by_value(read_settings(company), "region", book_of, failed=pytest.fail)
    assert done.exit_code == 0
    page = (done.page / "en" / "index.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr>(<th scope=.row.>.*?)</tr>", page)
    for value, row in zip(done.values.reported, rows, strict=True):
        part = crm.open(read_settings(company).path.as_posix() + f"#region={value.replace('&', '%26')}")
        nps = crm.measure("nps", part)
        assert f'href="../../{part.settings.name}/en/index.html"' in row
        shown = re.search(r'data-name="Net Promoter Score">([^<]+)', row)
        if nps.value is None:
            assert shown is None or shown[1] == "–"
        else:
            assert shown is not None
            assert float(shown[1].replace("−", "-")) == pytest.approx(nps.value, abs=0.51)
        counted = sum(map(int, re.findall(r"(\d+)</span>", row)))
        assert counted == len(part.settings.goals)
    assert "spend" not in page, "what no book has is not set side by side"
    zh = (done.page / "zh" / "index.html").read_text(encoding="utf-8")
    assert 'lang="zh-CN"' in zh
    assert "按地区" in zh
    assert '../en/index.html"' in zh


def test_no_number_of_customers_stands_on_the_page(company: Path):
    done = run_by_value(read_settings(company), "region", book_of, failed=pytest.fail)
    for language in ("en", "zh"):
        page = (done.page / language / "index.html").read_text(encoding="utf-8")
        assert not re.search(r"\bn\s*=", page)
        for value in done.values.left_out:
            assert value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in page
        assert ("Without a report of their own" in page) is (language == "en" and bool(done.values.left_out))
        assert "<east>" not in page, "what comes from the data is escaped"


def test_the_page_passes_the_gate_and_a_book_that_is_gone_does_not(company: Path):
    settings = read_settings(company)
    done = run_by_value(settings, "region", book_of, failed=pytest.fail)
    assert problems_of(done.page, settings, beside=done.page.parent) == []
    lost = done.page.parent / read_settings(f"{company}#region={done.values.reported[-1]}").name
    shutil.move(lost, lost.with_name("elsewhere"))
    found = problems_of(done.page, settings, beside=done.page.parent)
    shutil.move(lost.with_name("elsewhere"), lost)
    assert {str(one.message).rpartition(" ")[2] for one in found} == {"exist"}


def test_a_page_that_says_the_same_is_not_made_again(company: Path):
    first = run_by_value(read_settings(company), "region", book_of, failed=pytest.fail)
    place = first.page.resolve()
    again = run_by_value(read_settings(company), "region", book_of, failed=pytest.fail)
    assert again.unchanged
    assert again.page.resolve() == place


def test_where_no_value_can_be_reported_nothing_is_published(company: Path):
    text = company.read_text(encoding="utf-8")
    other = company.with_name("strict.yml")
    other.write_text(text.replace("smallest_group: 2", "smallest_group: 50"), encoding="utf-8")
    with pytest.raises(RunError, match="No region can have a report of its own"):
        run_by_value(read_settings(other), "region", book_of, failed=pytest.fail)
    assert not (company.parents[1] / "published" / "strict-by-region").exists()
    other.unlink()


def test_a_file_with_the_name_of_a_part_is_refused(company: Path):
    other = company.with_name("mine-region-north.yml")
    other.write_text(company.read_text(encoding="utf-8"), encoding="utf-8")
    try:
        with pytest.raises(SettingsError, match=r"and so is that of mine-region-north\.yml"):
            run_report(read_settings(f"{company}#region=north"))
    finally:
        other.unlink()


def test_the_command_takes_only_or_by(company: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(company.parents[1])
    write_notebooks(company.parents[1] / "notebooks")
    ask = CliRunner().invoke
    assert "not with --only" in ask(main, ["report", "mine", "--only", "region=north", "--by", "region"]).output
    assert "for example --only region=north" in ask(main, ["report", "mine", "--only", "north"]).output
    wrong = ask(main, ["report", "mine", "--only", "region=nroth"])
    assert wrong.exit_code == 1
    assert "no customer has region 'nroth'" in f"{wrong.output}{wrong.exception}"
    planned = ask(main, ["report", "mine", "--by", "region", "--dry-run"])
    assert planned.exit_code == 0, planned.output
    assert next(line for line in planned.output.splitlines() if line.startswith("mine-")).startswith("mine-region-")


def written_at_once(
    staging: Path,
    *,
    editions: Sequence[Edition],
    out: Path,
    log: Path,
    extra: Path | None = None,
    assets: Path = BOOK,
    benches: object = None,
    begun: object = None,
) -> tuple[Built, ...]:
    """In the place of Jupyter Book, which takes longer than all else: the first page alone, with what stands above its heading."""
    for edition in editions:
        (out / edition.language).mkdir(parents=True)
        said = "".join(f"<p>{escape(text)}</p>" for text in (edition.title, *edition.meta))
        page = (
            f'<!doctype html><html lang="{edition.language}"><head><title>book</title></head><body>{said}</body></html>'
        )
        (out / edition.language / "index.html").write_text(page, encoding="utf-8")
        (out / "index.html").write_text(page, encoding="utf-8")
    return ()


def test_whole_and_part_keep_apart_what_they_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two runs with their notebooks: of a part, then of the whole; and the part again, of which nothing has changed."""
    monkeypatch.setattr("crmtools.report.making.build_books", written_at_once)
    monkeypatch.setattr("crmtools.report.making.settings_begun", none_begun)
    file = write_report(tmp_path, own=True, languages=("en",), run={"chapters": []})
    asks = "import crmtools as crm\ncrm.measure(indicator, crm.open(report))"
    notebooks = write_notebooks(tmp_path / "notebooks", indicator=asks)
    part = run_report(read_settings(f"{file}#region=north"), notebooks=notebooks)
    whole = run_report(read_settings(file), notebooks=notebooks)
    assert (part.book.name, whole.book.name) == ("small-region-north", "small")
    assert all(outcome.state == "ok" for outcome in whole.outcomes), (
        "no page of the part was taken for one of the whole"
    )
    counted = []
    for run, name in ((part, "small-region-north"), (whole, "small")):
        results = Results.read(run.folder / "results.json")
        counted.append(next(one.n for one in results.estimates if one.indicator == "nps"))
        assert results.report == name
        assert read_history(tmp_path, name)["run_id"].unique().tolist() == [run.run_id]
        assert json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))["report"] == name
        assert (tmp_path / ".crmtools" / "pages" / name).is_dir()
        page = (run.book / "en" / "index.html").read_text(encoding="utf-8")
        assert ("The tiny company · Region north" in page) is ("<p>Region north</p>" in page) is (run is part)
    assert 0 < counted[0] < counted[1]
    assert len(list((tmp_path / ".crmtools" / "snapshots").iterdir())) == 1
    assert run_report(read_settings(f"{file}#region=north"), notebooks=notebooks).unchanged
    # the same part, written in the file: nothing has to be run, for nothing that its pages depend on is another
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    settings["report"]["only"] = {"region": "north"}
    file.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    assert read_settings(file).name == "small-region-north"
    assert run_report(read_settings(file), notebooks=notebooks).unchanged
