"""The tables of a page as files: what it shows, as numbers where they are numbers, and nothing that a spreadsheet would run."""

import csv
import io
import json
import zipfile
from datetime import date

import pytest
from openpyxl import load_workbook

from crmtools.estimate import Estimate
from crmtools.period import Period
from crmtools.report.downloads import Shown, as_csv, as_workbook, number, offered, read_table, safe
from crmtools.report.results import Results
from crmtools.report.results_files import ESTIMATE, pack

TABLE = (
    '<div class="crm-scroll"><table class="crm-table"><caption>Churn: by [region]</caption>'
    "<thead><tr><th>Region</th><th></th><th>Value</th><th>n</th></tr></thead><tbody>"
    '<tr><th scope="row">south</th><td><svg><text>4</text></svg></td><td>4.6&nbsp;%<small>3.2–5.0&nbsp;%</small></td><td>1,095</td></tr>'
    "<tr><th>=cmd|' /C calc'!A0</th><td></td><td>fewer than 10</td><td></td></tr>"
    "<tr><td></td><td><svg><text>axis</text></svg></td><td></td><td></td></tr></tbody></table></div>"
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,095", 1095), ("4.6 %", 0.046), ("24.4%", 0.244), ("−0.83", -0.83), ("+36", 36), ("¥1,250.5", 1250.5), ("-¥3", -3),
        ("3.2万", 32000.0), ("1.5 亿", 150_000_000.0), ("0", 0), ("0.0 %", 0.0),
        ("007", None), ("12,34", None), ("2025-12", None), ("3 of 4", None), ("", None), ("–", None), ("8 points", None), ("1e5", None),
    ],
)  # fmt: skip
def test_a_cell_that_is_one_number_is_a_number(text, value):
    assert number(text) == value
    assert type(number(text)) is type(value)


def test_a_table_is_read_as_the_page_shows_it():
    shown = read_table(TABLE, "churn 1")
    assert shown.title == "Churn: by [region]"
    assert shown.rows == [
        ["Region", "Value", "Value: note", "n"],
        ["south", 0.046, "3.2–5.0 %", 1095],
        ["=cmd|' /C calc'!A0", "fewer than 10", "", ""],
    ], "pictures, and the rows and columns that hold nothing else, are left out"
    assert shown.shares == {(1, 1)}
    stamped = TABLE.replace(">1,095<", '><span class="crm-chip crm-stamp">1,095</span><')
    assert [row[-1] for row in read_table(stamped, "churn 1").rows] == ["Value: note", "3.2–5.0 %", ""], (
        "no seconds, no run"
    )
    assert read_table("<table><tr><td>1</td></tr></table>", "churn 1").title == "churn 1"


@pytest.mark.parametrize("text", ["=1+1", "+1 more", "-x", "@SUM(A1)", "\tx", "\rx", "−0.9 to 2"])
def test_no_text_is_a_formula(text):
    assert safe(text) == f"'{text}"
    (cell,) = next(csv.reader(io.StringIO(as_csv([[text]]).decode("utf-8-sig"), newline="")))
    assert cell == f"'{text}"
    shown = read_table(f"<table><tr><td>Head</td></tr><tr><td>{text}</td></tr></table>", "t")
    sheet = load_workbook(io.BytesIO(as_workbook([shown]))).active
    assert sheet["A2"].data_type == "s"


def test_numbers_are_not_marked():
    assert as_csv([[-0.5, 3, "a"]]) == b"\xef\xbb\xbf-0.5,3,a\r\n"


def test_a_workbook_has_a_sheet_per_table_with_numbers_and_percentages():
    book = load_workbook(io.BytesIO(as_workbook([read_table(TABLE, "x"), read_table(TABLE, "x")])))
    assert book.sheetnames == ["1 Churn  by  region", "2 Churn  by  region"]
    sheet = book.worksheets[0]
    assert (sheet["B2"].value, sheet["B2"].number_format, sheet["D2"].value) == (0.046, "0.0%", 1095)
    assert sheet.freeze_panes == "A2"


def test_a_title_that_excel_refuses_gets_another_name():
    titles = ["'" * 40, "History", "a title of more than thirty-one ch'aracters", "[]:*?/\\", "𠮷" * 20, "a\tb\x01"]
    names = load_workbook(io.BytesIO(as_workbook([Shown(title, [["Head"], [1]]) for title in titles]))).sheetnames
    assert names == ["1", "2 History", "3 a title of more than thirty-o", "4", "5 " + "𠮷" * 14, "6 a b"]


def test_every_table_of_a_book_gets_its_line_and_its_files_and_a_second_time_the_same(tmp_path):
    found = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        hidden = TABLE.replace('"crm-table"', '"crm-table crm-definition"')
        (folder / "churn.html").write_text(f"<p>{TABLE}{hidden}{TABLE}</p>", "utf-8")
        page = offered((folder / "churn.html").read_text("utf-8"), "churn", folder, "en")
        assert offered("<p>no table</p>", "plain", folder, "en") == "<p>no table</p>"
        assert page.count('class="crm-get"') == 2
        assert 'href="files/churn-2.csv" download' in page
        found.append({file.name: file.read_bytes() for file in (folder / "files").iterdir()})
    assert sorted(found[0]) == ["churn-1.csv", "churn-2.csv", "churn.xlsx"]
    assert found[0] == found[1]


def test_the_results_of_a_run_come_as_one_archive(tmp_path):
    period = Period(date(2025, 10, 1), date(2026, 1, 1))
    estimate = Estimate(
        "churn_rate",
        period,
        date(2025, 12, 31),
        0.25,
        0.1,
        0.4,
        n=40,
        group=(("region", "=south"),),
        excluded=(("test", 2),),
    )
    reading = {
        "goal": "g",
        "name": {"zh": "流失", "en": "Churn"},
        "now": estimate.to_dict(),
        "baseline": estimate.to_dict(),
        "breached": [],
    }
    results = Results("r1", "demo", "2025-Q4", "2025-12-31", "CNY", (estimate,), (reading,), {}, {})
    for name in ("a", "b"):
        pack(results, tmp_path / name / "results.zip")
    archive = tmp_path / "a" / "results.zip"
    assert archive.read_bytes() == (tmp_path / "b" / "results.zip").read_bytes()
    with zipfile.ZipFile(archive) as opened:
        head, row = csv.reader(io.StringIO(opened.read("estimates.csv").decode("utf-8-sig")))
        goals = list(csv.DictReader(io.StringIO(opened.read("goals.csv").decode("utf-8-sig"))))
        assert json.loads(opened.read("results.json"))["estimates"] == [estimate.to_dict()]
        assert "estimates.csv" in opened.read("README.txt").decode()
    told = dict(zip(head, row, strict=True))
    assert tuple(head) == ESTIMATE
    assert (told["group"], told["period"], told["value"], told["excluded"]) == (
        "region==south",
        "2025-Q4",
        "0.25",
        "test=2",
    )
    assert (goals[0]["name_zh"], goals[0]["now_value"], goals[0]["baseline_n"]) == ("流失", "0.25", "40")
