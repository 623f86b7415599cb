"""Working starts: what `crmtools new` writes works as it stands, and nothing is written over or half written."""

import csv
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest
import yaml
from click.testing import CliRunner

import crmtools as crm
from crmtools.beginnings.chapter import begin_chapter
from crmtools.beginnings.contents import look
from crmtools.beginnings.folder import look_into
from crmtools.beginnings.indicator import names_in, with_imports
from crmtools.beginnings.names import check_name, check_page
from crmtools.beginnings.patterns import PATTERNS
from crmtools.beginnings.report import begin_report
from crmtools.cli import main
from crmtools.errors import CRMError, DataError
from crmtools.parameters import load
from crmtools.report.notebooks import check_notebook
from crmtools.report.plan import plan
from crmtools.settings import Settings
from crmtools.tables.reading import Raw
from crmtools.tables.source import open_settings

ROOT = Path(__file__).parents[1]
TINY = ROOT / "data" / "tiny"


def run(*arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    """A command of the copy of the project that lies at a place."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=at, capture_output=True, text=True, encoding="utf-8", check=False,
        env={**os.environ, "PYTHONPATH": str(at), "PYTHONUTF8": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the project with a new indicator of every kind, one of them in a dimension that imports nothing of what it needs."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("crmtools", "parameters", "book", "notebooks"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copytree(TINY, root / "data" / "tiny")
    (root / "tests").mkdir()
    for name in (
        "conftest.py",
        "shared_snapshots.py",
        "test_catalogue.py",
        "test_declarations.py",
        "test_invariance.py",
    ):
        shutil.copy(ROOT / "tests" / name, root / "tests" / name)
    shutil.copy(ROOT / "pyproject.toml", root)
    code = (
        "from crmtools.beginnings.indicator import begin_indicator\n"
        "import crmtools.beginnings.indicator as beginning\n"
        "beginning._value = lambda name, package: ''\n"
        f"for kind in {sorted(PATTERNS)!r}:\n"
        "    begin_indicator(f'begun_{kind}', kind, dimension='credit' if kind == 'share' else None)\n"
    )
    done = run("-c", code, at=root)
    assert done.returncode == 0, done.stderr
    return root


PROPERTIES = ("tests/test_catalogue.py", "tests/test_declarations.py")


def passed(root: Path, *files: str, kinds: str) -> int:
    """How many tests of some files pass for new indicators; all that are run must."""
    done = run("-m", "pytest", "-q", "-x", "-m", "", "-p", "no:cacheprovider", *files, "-k", kinds, at=root)
    assert done.returncode == 0, done.stdout[-3000:]
    return int(done.stdout.split(" passed")[0].split()[-1])


def test_a_new_indicator_passes_the_property_suite_as_written(copy) -> None:
    assert passed(copy, *PROPERTIES, kinds="begun_share") >= 15


@pytest.mark.slow
def test_new_indicators_of_every_kind_pass_every_property(copy) -> None:
    assert passed(copy, *PROPERTIES, "tests/test_invariance.py", kinds="begun_") >= 20 * len(PATTERNS)


def test_every_kind_begins_with_a_worked_example_that_is_right(copy) -> None:
    code = (
        "import crmtools as crm\ndata = crm.open('tiny')\n"
        "for name in [one for one in crm.CATALOGUE if one.startswith('begun_')]:\n"
        "    print(name, crm.measure(name, data).value - eval(crm.CATALOGUE[name].worked))\n"
    )
    done = run("-c", code, at=copy)
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stdout.splitlines()]
    assert {name for name, _ in told} == {f"begun_{kind}" for kind in PATTERNS}
    assert all(abs(float(difference)) < 1e-9 for _, difference in told), told


def test_what_is_written_is_as_the_formatter_and_the_linter_want_it(copy) -> None:
    for command in (("format", "--check"), ("check",)):
        done = run("-m", "ruff", *command, "crmtools/indicators", at=copy)
        assert done.returncode == 0, done.stdout
    text = (copy / "crmtools" / "indicators" / "credit.py").read_text("utf-8")
    assert text.startswith((ROOT / "crmtools" / "indicators" / "credit.py").read_text("utf-8")[:40])
    assert "请替换" in text
    assert "REPLACE" in text


def test_an_indicator_that_does_not_work_is_taken_out_again(copy, monkeypatch) -> None:
    file = copy / "crmtools" / "indicators" / "service.py"
    before = file.read_bytes()
    code = (
        "import dataclasses\nfrom crmtools.beginnings import indicator, patterns\n"
        "one = patterns.PATTERNS['total']\n"
        "patterns.PATTERNS['total'] = dataclasses.replace(one, declared=one.declared.replace('worked=\"6\"', 'worked=\"7\"'))\n"
        "indicator.begin_indicator('wrongly_worked', 'total')\n"
    )
    done = run("-c", code, at=copy)
    assert "does not work and was taken out again" in done.stderr
    assert "6.0 is measured, 7 worked out" in done.stderr
    assert file.read_bytes() == before


def test_names_and_kinds_are_checked_before_anything_is_written(monkeypatch) -> None:
    def written(*_: object, **__: object) -> None:  # the package that is asked is this one
        raise AssertionError("something was written")

    monkeypatch.setattr("crmtools.beginnings.indicator.write_whole", written)
    for arguments, words in (
        (("nps", "--kind", "share"), "taken by an indicator"),
        (("service", "--kind", "share"), "taken by a dimension"),
        (("is_spam", "--kind", "share"), "taken by something in service.py"),
        (("Late Orders", "--kind", "share"), "is no name"),
        (("class", "--kind", "share"), "is no name"),
        (("late", "--kind", "shar"), "Did you mean 'share'?"),
        (("late", "--kind", "model"), "code of its own"),
        (("late", "--kind", "share", "--dimension", "chrn"), "Did you mean 'churn'?"),
    ):
        done = CliRunner().invoke(main, ["new", "indicator", *arguments])
        assert done.exit_code == 1
        assert words in done.output, done.output


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sum", "means something in Python"),  # the module would call the indicator
        ("match", "means something in Python"),
        ("null", "in a parameters file"),
        ("goal_late", "would be that of a goal"),
    ],
)
def test_names_that_mean_something_elsewhere_are_refused(name, words) -> None:
    with pytest.raises(CRMError, match=words):
        check_page(name, {})


def test_imports_are_added_in_their_order() -> None:
    source = '"""Doc."""\n\nimport ibis.expr.types as ir\n\nfrom crmtools.indicators.kinds import Share\nfrom crmtools.words import Text\n'
    made = with_imports(
        source,
        {"ibis": set(), "crmtools.indicators.kinds": {"Mean"}, "crmtools.indicators.facts": {"completed", "Periods"}},
    )
    assert made.splitlines()[2:] == [
        "import ibis", "import ibis.expr.types as ir", "",
        "from crmtools.indicators.facts import Periods, completed", "from crmtools.indicators.kinds import Mean, Share",
        "from crmtools.words import Text",
    ]  # fmt: skip
    assert names_in(made) == {"ibis", "ir", "Periods", "completed", "Mean", "Share", "Text"}
    assert with_imports(made, {"ibis": set(), "crmtools.words": {"Text"}}) == made


# ---- a chapter


@pytest.fixture
def notebooks(tmp_path) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("summary", "indicator"):
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", folder)
    return folder


def test_a_new_chapter_is_in_the_style_of_the_house_and_runs(notebooks, tmp_path) -> None:
    file = begin_chapter("late_deliveries", notebooks)
    assert check_notebook(file, parameters=("report", "language")) == []
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert [cell.metadata.tags for cell in texts] == [["en"], ["zh"]] * (len(texts) // 2)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert "def " not in cell.source
            assert cell.source.count("\n") < 12
    ran = papermill.execute_notebook(str(file), str(tmp_path / "out.ipynb"), progress_bar=False, cwd=str(ROOT))
    shown = [cell.outputs for cell in ran.cells if cell.cell_type == "code" and cell.outputs]
    html = [str(one["data"]["text/html"]) for outputs in shown for one in outputs if "text/html" in one.get("data", {})]
    assert len(html) == 3
    assert "<svg" in html[1]
    assert "<table" in html[2]


def test_a_new_chapter_stands_in_the_book_by_itself(notebooks, tmp_path) -> None:
    settings = load(ROOT / "parameters" / "tiny.yml")
    data = open_settings(settings)
    begin_chapter("late_deliveries", notebooks, about="nps")
    shutil.copy(
        notebooks / "summary.ipynb", notebooks / "scratch.ipynb"
    )  # one that says nothing of itself is no chapter
    made = plan(settings, data, notebooks=notebooks)
    (entry,) = [one for one in made.entries if one.slug == "late_deliveries"]
    assert entry.title.zh.startswith("请替换")
    assert "scratch" not in {one.slug for one in made.entries}
    chosen = settings.model_copy(update={"run": settings.run.model_copy(update={"chapters": ("late_deliveries",)})})
    assert "late_deliveries" in {one.slug for one in plan(chosen, data, notebooks=notebooks).entries}
    without = crm.open(orders=data.orders.execute())
    (left,) = [one for one in plan(settings, without, notebooks=notebooks).left_out if one.slug == "late_deliveries"]
    assert "survey_answers" in left.skipped.en


def test_a_chapter_writes_over_nothing(notebooks) -> None:
    file = begin_chapter("late_deliveries", notebooks)
    before = file.read_bytes()
    for name, words in (
        ("late_deliveries", "taken by the notebook"),
        ("nps", "an indicator"),
        ("rfm", "a chapter"),
        ("goal", "many times"),
    ):
        with pytest.raises(CRMError, match=words):
            begin_chapter(name, notebooks)
    with pytest.raises(CRMError, match="no indicator 'npx'"):
        begin_chapter("another", notebooks, about="npx")
    assert file.read_bytes() == before
    assert len([*notebooks.iterdir()]) == 3


# ---- a report


def test_a_new_report_is_whole_and_loads(tmp_path, monkeypatch) -> None:
    shutil.copytree(TINY, tmp_path / "data" / "tiny")
    made = begin_report("mine", tmp_path)
    settings = load(made.file)
    assert (str(settings.report.as_of), settings.report.period.id) == ("2025-12-31", "2025-Q4")
    assert settings.report.segments == ("region", "customer_type", "acquired_channel")
    assert settings.source.folder == "data/tiny"
    assert settings.goals
    assert plan(settings, open_settings(settings)).indicators
    text = made.file.read_text("utf-8")
    for key in (*Settings.model_fields, *type(settings.report).model_fields):
        assert key in ("path", "asked", "set_aside", "trend", "compare") or f"{key}:" in text, (
            f"{key} is told in the file"
        )
    with pytest.raises(CRMError, match=r"taken by mine.yml"):
        begin_report("mine", tmp_path)
    assert made.file.read_text("utf-8") == text
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["check", "mine"]).exit_code == 0


def exports(folder: Path) -> Path:
    """A shop's exports: other names of files and columns, GB 18030, a column that nobody knows, a file that is no table."""
    folder.mkdir()
    rows = [["客户编号", "所在地区", "客户类型", "获客日期", "星座"], *(
        [f"K{n}", ["north", "south"][n % 2], ["consumer", "business"][n % 3 == 0], f"2024-0{n % 9 + 1}-10", "狮子"] for n in range(40)
    )]  # fmt: skip
    with (folder / "customers.csv").open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows([["Customer ID", "region", "customer_type", "acquired_at", "星座"], *rows[1:]])
    with (folder / "orders_2025.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([
            ["order_id", "custmer_id", "ordered_at", "net_amount", "currency", "warehouse"],
            *([f"O{n}", f"K{n % 40}", f"2025-{n % 5 + 1:02}-1{n % 9}", 100 + n, "EUR", "W1"] for n in range(120)),
        ])  # fmt: skip
    (folder / "weather.csv").write_text("day,rain\n2025-01-01,3\n", "utf-8")
    (folder / "broken.xlsx").write_text("nothing", "utf-8")
    return folder


def test_a_folder_of_exports_is_recognised(tmp_path) -> None:
    made = begin_report("shop_of_mine", tmp_path, source=exports(tmp_path / "exports"))
    settings, text = load(made.file), made.file.read_text("utf-8")
    written = yaml.safe_load(text)["source"]
    assert written["folder"] == "exports"
    assert written["tables"]["orders"]["file"] == "orders_2025.csv"
    assert written["tables"]["orders"]["columns"] == {"custmer_id": "customer_id"}
    assert written["tables"]["customers"]["encoding"] == "gb18030"
    assert settings.report.currency == "EUR"
    assert (str(settings.report.as_of), settings.report.period.id) == ("2025-05-18", "2025-Q1")
    assert settings.report.segments == ("region", "customer_type")
    assert 'could not be mapped: "warehouse"' in text
    assert 'could not be mapped: "星座"' in text
    assert "not used: weather.csv" in text
    assert "not used: broken.xlsx" in text
    assert made.problems == ()
    data = open_settings(settings)
    assert sorted(data) == ["customers", "orders"]
    assert crm.measure("revenue_per_customer", data).value > 0


def foreign(folder: Path, *, encoding: str) -> Path:
    """Exports of a German shop: headers, days and numbers as they are written there."""
    folder.mkdir()
    random = np.random.default_rng(4)
    people = pd.DataFrame({"Kundennummer": [f"K{n:03}" for n in range(200)], "Vorname": "Jürgen", "Region": "Süd"})
    people["Kunde seit"] = [
        f"{day}.{month:02}.2024" for day, month in zip(random.integers(10, 28, 200), random.integers(1, 13, 200))
    ]
    orders = pd.DataFrame({"Bestellnummer": range(1, 901), "Kundennummer": random.choice(people["Kundennummer"], 900)})
    orders["Bestelldatum"] = [
        f"{day:02}.{month:02}.2025 10:30"
        for day, month in zip(random.integers(1, 29, 900), random.integers(1, 10, 900))
    ]
    orders.loc[0, "Bestelldatum"] = "30.09.2025 23:10"
    orders["Währung"] = "EUR"
    orders["Betrag"] = [f"1.{cents:03},{cents % 100:02}" for cents in random.integers(0, 1000, 900)]
    for name, frame in (("customers", people), ("orders", orders)):
        frame.to_csv(folder / f"{name}.csv", sep=";", index=False, encoding=encoding)
    return folder


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_what_cells_look_like_says_what_foreign_headers_may_mean(tmp_path, monkeypatch, encoding) -> None:
    """Nothing is taken for granted; but a person has only to take away the number signs."""
    made = begin_report("laden", tmp_path, source=foreign(tmp_path / "export", encoding=encoding))
    text = made.file.read_text("utf-8")
    assert "as_of: 2025-09-30 " in text
    assert ("encoding: cp1252" in text) is (encoding == "cp1252")
    assert {header: guess.column for one in made.looked.tables for header, guess in one.guesses.items()} == {
        "Kundennummer": "customer_id", "Kunde seit": "acquired_at",
        "Bestellnummer": "order_id", "Bestelldatum": "ordered_at", "Betrag": "net_amount",
        "Währung": "currency",
    }  # fmt: skip
    assert 'could not be mapped: "Vorname"' in text
    assert "currency: EUR\n" in text
    lines = [line for line in text.splitlines() if "to be mended" not in line and "could not be mapped" not in line]
    start, end = lines.index("source:"), lines.index(next(line for line in lines if line.startswith("# definitions")))
    wanted = ('": ', "formats:", "columns:", "orders:", "customers:", "# tables:")
    told = [
        line.replace("# ", "", 1) if line.strip().startswith("#") and any(word in line for word in wanted) else line
        for line in lines[start:end]
    ]
    made.file.write_text("\n".join([*lines[:start], *told, *lines[end:]]), "utf-8")
    data = open_settings(load(made.file))
    assert crm.measure("aov", data).value > 1000
    first = data.ask(data["customers"].order_by("customer_id").limit(1)).iloc[0]
    assert (first["region"], first["acquired_at"].year) == ("Süd", 2024)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parameters" / "laden.yml").unlink()
    said = CliRunner().invoke(main, ["new", "report", "laden", "--from", "export"]).output
    assert (
        "not mapped: Bestellnummer (order_id?), Kundennummer (customer_id?), Bestelldatum (ordered_at?), Währung (currency?), Betrag (net_amount?)"
        in said
    )


def test_where_several_headers_may_be_meant_none_is_taken(tmp_path) -> None:
    """Gross is not net: whoever took away the number sign would report a fifth too much."""
    folder = foreign(tmp_path / "export", encoding="utf-8")
    orders = pd.read_csv(folder / "orders.csv", sep=";", dtype=str)
    orders["Nettobetrag"], orders["Versandt"] = orders["Betrag"], orders["Bestelldatum"]
    orders.to_csv(folder / "orders.csv", sep=";", index=False)
    text = begin_report("laden", tmp_path, source=folder).file.read_text("utf-8")
    for header, column in (
        ("Betrag", "net_amount"),
        ("Nettobetrag", "net_amount"),
        ("Bestelldatum", "ordered_at"),
        ("Versandt", "ordered_at"),
    ):
        assert re.search(f'could not be mapped: "{header}"  holds .*, as others do: which of them is {column}\\?', text)
        assert f"needed and not found: {column}" in text
    assert "formats:" not in text.split("# definitions")[0].partition("orders:")[2]


def test_a_parquet_with_time_zones_and_codes_that_are_no_currency(tmp_path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    days = pd.to_datetime(["2025-03-01 10:00", "2025-04-02 11:00"], utc=True)
    orders = pd.DataFrame(
        {
            "order_id": ["a", "b"],
            "customer_id": ["x", "y"],
            "ordered_at": days,
            "net_amount": [1.5, 2.0],
            "land": ["DEU", "AUT"],
        }
    )
    orders.to_parquet(folder / "orders.parquet")
    made = begin_report("zones", tmp_path, source=folder)
    assert made.looked.currency == ""
    assert "as_of: 2025-04-02" in made.file.read_text("utf-8")


def test_cells_of_all_kinds_are_told_apart() -> None:
    con = duckdb.connect()
    cells = {
        "iso": ["2025-01-02", "2025-03-01", "2025-02-11"], "english": ["13/04/2025", "01/05/2025", "02/05/2025"],
        "american": ["04/13/2025", "05/01/2025", "05/02/2025"], "chinese": ["2025年4月13日", "2025年5月1日", "2025年5月2日"],
        "whole": ["1", "1", "3"], "id": ["1", "2", "3"], "dotted": ["1.5", "1.5", "3"], "comma": ["1.000,5", "2,25", "3"],
        "words": ["a", "a", "b"], "money": ["EUR", "EUR", "USD"], "empty": ["", "", ""], "some_days": ["2025-01-02", "soon", "2025-01-02"],
    }  # fmt: skip
    con.register("frame", pd.DataFrame(cells))
    con.execute("CREATE TABLE raw AS SELECT * FROM frame")
    raw = Raw("orders", "orders.csv", "raw", 2, dict.fromkeys(cells, "VARCHAR"))
    found = {header: look(con, raw, header) for header in cells}
    assert {header: (one.kind, one.written) for header, one in found.items()} == {
        "iso": ("day", ""), "english": ("day", "%d/%m/%Y"), "american": ("day", "%m/%d/%Y"), "chinese": ("day", "%Y年%m月%d日"),
        "whole": ("", ""), "id": ("key", ""), "dotted": ("number", ""), "comma": ("number", "1.234,56"),
        "words": ("", ""), "money": ("currency", ""), "empty": ("", ""), "some_days": ("", ""),
    }  # fmt: skip
    assert {str(found[name].last) for name in ("english", "american", "chinese")} == {"2025-05-02"}
    assert str(found["iso"].last) == "2025-03-01"


def test_what_the_data_need_first_is_told_and_stands_in_the_file(tmp_path) -> None:
    folder = exports(tmp_path / "exports")
    text = (folder / "orders_2025.csv").read_text("utf-8")
    (folder / "orders_2025.csv").write_text(text.replace("2025-01-10", "10th of January"), "utf-8")
    made = begin_report("shop_of_mine", tmp_path, source=folder)
    assert made.problems
    assert "10th of January" in made.file.read_text("utf-8")
    report = load(made.file).report
    assert (str(report.as_of), report.period.id) == ("2025-05-18", "2025-Q1"), "the days of the rows that can be read"


def test_a_folder_without_a_readable_day_is_reported_as_of_today_and_says_so(tmp_path) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "orders.csv").write_text("order_id,customer_id,ordered_at,net_amount\n1,a,in spring,3\n", "utf-8")
    text = begin_report("mine", tmp_path, source=folder).file.read_text("utf-8")
    assert f"as_of: {date.today()}            # nothing later is looked at; today: no day could be read" in text
    assert "smallest_group: 10" in text, "these are people, though their folder is called tiny"
    (folder / "orders.csv").write_text("order_id,customer_id,ordered_at,net_amount\n1,a,2025-04-13,3\n", "utf-8")
    text = begin_report("later", tmp_path, source=folder).file.read_text("utf-8")
    assert "as_of: 2025-04-13            # nothing later is looked at; this is the last day of the data" in text


def test_a_folder_without_tables_makes_no_report(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "weather.csv").write_text("day,rain\n2025-01-01,3\n", "utf-8")
    with pytest.raises(DataError, match=r"no table that is known(.|\n)*weather.csv"):
        begin_report("mine", tmp_path, source=tmp_path / "empty")
    with pytest.raises(DataError, match="no folder"):
        look_into(tmp_path / "nowhere", root=tmp_path)
    assert not (tmp_path / "parameters").exists()
    with pytest.raises(CRMError, match="is no name"):
        check_name("../mine", {})
