"""The same tiny company from every kind of source gives the same numbers."""

import gzip

import duckdb
import pandas as pd
import pytest

import crmtools as crm
from crmtools import DataError
from crmtools.tables.text_files import distinct, file_literal

ASKED = ("nps", "churn_rate", "revenue_per_customer", "cac", "first_response_time", "complaint_rate", "overdue_ratio")


@pytest.fixture(scope="module")
def answers() -> dict[str, crm.Estimate]:
    """What is asked of every source: between them, these indicators read most tables and every type of column."""
    tiny = crm.open("tiny")
    return {name: crm.measure(name, tiny) for name in ASKED}


def assert_same_answers(data: crm.Data, answers: dict[str, crm.Estimate]) -> None:
    for name, expected in answers.items():
        found = crm.measure(name, data)
        assert found.value == pytest.approx(expected.value), name
        assert found.low == pytest.approx(expected.low), name
        assert (found.n, found.rows, found.excluded) == (expected.n, expected.rows, expected.excluded), name


def as_csv(p):
    pass


def as_semicolons(p):
    for path in p.data.glob("*.csv"):
        pd.read_csv(path, dtype=str, keep_default_na=False).to_csv(path, sep=";", index=False)


def as_tabs_in_txt(p):
    for path in p.data.glob("*.csv"):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        frame.to_csv(path.with_suffix(".txt"), sep="\t", index=False)
        path.unlink()


def as_gzip(p):
    for path in p.data.glob("*.csv"):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


def as_windows_text(p):
    for path in p.data.glob("*.csv"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))


def as_gb18030(p):
    for path in p.data.glob("*.csv"):
        path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
        p.how(path.stem, encoding="gb18030")


def as_utf16_gzip(p):
    path = p.data / "orders.csv"
    p.write("orders.csv.gz", gzip.compress(path.read_text(encoding="utf-8").encode("utf-16")))
    path.unlink()
    p.how("orders", encoding="utf-16")


def as_parquet_of_text(p):
    for path in p.data.glob("*.csv"):
        pd.read_csv(path, dtype=str, keep_default_na=False).to_parquet(path.with_suffix(".parquet"))
        path.unlink()


def as_parquet_with_types(p):
    dates = {"orders": ["ordered_at"], "customers": ["acquired_at"], "tickets": ["created_at", "first_response_at"]}
    for path in p.data.glob("*.csv"):
        frame = pd.read_csv(path, parse_dates=dates.get(path.stem, []), keep_default_na=False, na_values=[""])
        frame.to_parquet(path.with_suffix(".parquet"))
        path.unlink()


def as_excel(p):
    dates = {"orders": ["ordered_at"], "spend": ["period"], "survey_answers": ["answered_at"]}
    for path in p.data.glob("*.csv"):
        frame = pd.read_csv(path, parse_dates=dates.get(path.stem, []), keep_default_na=False, na_values=[""])
        frame.to_excel(path.with_suffix(".xlsx"), index=False)
        path.unlink()


def as_one_workbook(p):
    with pd.ExcelWriter(p.data / "crm.xlsx") as book:
        for path in sorted(p.data.glob("*.csv")):
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
            frame.to_excel(book, sheet_name=f"Sheet of {path.stem}", index=False)
            p.how(path.stem, file="crm.xlsx", sheet=f"Sheet of {path.stem}")
            path.unlink()


def as_duckdb(p):
    with duckdb.connect(str(p.root / "shop.duckdb")) as con:
        con.execute("CREATE SCHEMA sales")
        for path in p.data.glob("*.csv"):
            place = {"orders": "sales.Orders"}.get(path.stem, path.stem)
            con.execute(f"CREATE TABLE {place} AS SELECT * FROM read_csv('{path}')")
        con.execute("ALTER TABLE tickets RENAME TO cases")
        con.execute("CREATE VIEW anfragen AS SELECT * FROM cases")
    p.settings["source"] = {"duckdb": "shop.duckdb", "tables": {"tickets": {"file": "anfragen"}}}


def as_files_elsewhere(p):
    (p.root / "exports [2025]").mkdir()
    for path in p.data.glob("*.csv"):
        path.rename(p.root / "exports [2025]" / path.name)
    p.settings["source"]["folder"] = "exports [2025]"


SHAPES = (
    as_csv, as_semicolons, as_tabs_in_txt, as_gzip, as_windows_text, as_gb18030, as_utf16_gzip, as_parquet_of_text,
    as_parquet_with_types, as_excel, as_one_workbook, as_duckdb, as_files_elsewhere,
)  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=lambda function: function.__name__)
def test_same_numbers_from_every_kind_of_source(whole, answers, shape) -> None:
    shape(whole)
    assert_same_answers(whole.open(), answers)


def test_same_numbers_from_frames(answers) -> None:
    from pathlib import Path

    folder = Path(__file__).parents[2] / "data" / "tiny"
    frames = {path.stem: pd.read_csv(path, dtype=str, keep_default_na=False) for path in folder.glob("*.csv")}
    data = crm.open(**frames, as_of="2025-12-31")
    for name, expected in answers.items():
        assert crm.measure(name, data, period="2025-Q4").value == pytest.approx(expected.value), name


# ---- cells survive as they are


def cells(project, column: str, *texts: str) -> list[object]:
    rows = project.rows("customers")
    for row, text in zip(rows, texts, strict=False):
        row[column] = text
    project.save("customers", rows)
    project.report(segments=[])
    project.settings["source"]["pseudonyms"] = False
    data = project.open()
    return data.execute(data["customers"].order_by("customer_id"))[column].tolist()[: len(texts)]


def test_words_that_look_like_gaps_or_comments(project) -> None:
    texts = ["NA", "null", "NaN", "#north", "None", "-", "'quoted'", 'say "yes"', "a;b|c\td", "1,5", "0012"]
    assert cells(project, "segment", *texts) == texts


def test_blanks_around_words_are_not_part_of_them(project) -> None:
    found = cells(project, "segment", "  core ", "\u3000", "core")
    assert found[0] == found[2] == "core"


def test_words_in_excel_that_look_like_gaps(project) -> None:
    rows = project.rows("customers")
    rows[0]["region"], rows[1]["region"] = "NA", "null"
    pd.DataFrame(rows).to_excel(project.data / "customers.xlsx", index=False)
    project.remove("customers")
    project.settings["source"]["pseudonyms"] = False
    data = project.open()
    regions = data.execute(data["customers"].order_by("customer_id")).region.tolist()
    assert regions[:3] == ["NA", "null", "east"]


def test_leading_blank_lines_count_as_rows(project) -> None:
    project.write("orders.csv", "\n \n" + project.text("orders").replace("C01,2024-03-05 10:00", "C01,soon"))
    with pytest.raises(DataError, match="row 4 'soon'"):
        project.open()


def test_cells_with_line_breaks_are_one_row(project) -> None:
    project.change("customers", 12, acquired_at="soon")
    with pytest.raises(DataError, match="row 13 'soon'"):
        project.open()


def test_header_with_line_breaks_quotes_and_delimiters(project) -> None:
    header, _, rest = project.text("orders").partition("\n")
    project.write("orders.csv", header.replace("channel", '"the\nsales, ""channel"""') + "\n" + rest)
    project.how("orders", columns={'the\nsales, "channel"': "channel"})
    data = project.open()
    assert set(data.execute(data["orders"]).channel.dropna()) == {"web", "app", "store", "sales"}


def test_trailing_delimiters_make_columns_without_a_name(project) -> None:
    text = "".join(f"{line},,\n" for line in project.text("orders").splitlines())
    project.write("orders.csv", text)
    data = project.open()
    (report,) = (item for item in data.door.tables if item.table == "orders")
    assert report.unused == ("column 12", "column 13")


def test_trailing_blank_lines_are_no_rows(project) -> None:
    project.write("orders.csv", project.text("orders") + "\n\n")
    data = project.open()
    assert data.execute(data["orders"].count().as_table()).iloc[0, 0] == 21


def test_text_without_header_and_with_several_blanks(project) -> None:
    """The shape of the CDNOW log: blanks before and between the cells, days without dashes."""
    project.only("customers", "fx_rates")
    project.remove("customers", "fx_rates")
    project.report(segments=[], as_of="1997-12-31", period="1997-Q2")
    project.write("log.txt", " 00001 19970101  1   11.77\n 00002 19970112  1   12.00\n 00002 19970412  5   77.00\n\n")
    project.how(
        "orders", file="log.txt", delimiter="whitespace", header=["customer_id", "ordered_at", "items", "net_amount"],
        columns={"items": "ignore"}, formats={"ordered_at": "%Y%m%d"},
    )  # fmt: skip
    project.settings["source"]["pseudonyms"] = False
    data = project.open()
    orders = data.execute(data["orders"].order_by("ordered_at"))
    assert orders.customer_id.tolist() == ["00001", "00002", "00002"]
    assert orders.net_amount.tolist() == [11.77, 12.0, 77.0]
    assert orders.ordered_at.dt.strftime("%Y-%m-%d").tolist() == ["1997-01-01", "1997-01-12", "1997-04-12"]
    assert crm.measure("revenue_per_customer", data).value == 77


def test_csv_without_header(project) -> None:
    header, _, rest = project.text("orders").partition("\n")
    project.write("orders.csv", rest.replace("C01,2024-03-05 10:00", "C01,soon", 1))
    project.how("orders", header=header.split(","))
    with pytest.raises(DataError, match="row 1 'soon'"):
        project.open()
    project.write("orders.csv", rest)
    assert crm.measure("revenue_per_customer", project.open()).denominator == 6


# ---- names


def test_headers_are_made_distinct() -> None:
    assert distinct(["a", "b", "a", "A ", "", " "]) == ["a", "b", "a (2)", "A (3)", "column 5", "column 6"]
    assert distinct(["x", 3, None]) == ["x", "3", "None"]


def test_patterns_in_paths_are_no_patterns(tmp_path) -> None:
    name = "it's [2025] *?.csv"
    (tmp_path / name).write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "it's 2 xx.csv").write_text("a\n2\n", encoding="utf-8")
    assert duckdb.sql(f"SELECT a FROM read_csv({file_literal(tmp_path / name)})").fetchall() == [(1,)]


def test_a_header_that_stands_twice_may_be_ignored_by_name(project) -> None:
    project.write("orders.csv", project.text("orders").replace("discount", "net_amount", 1))
    project.how("orders", columns={"net_amount": "ignore"})
    data = project.open()
    assert "discount" not in data["orders"].columns
    assert data.execute(data["orders"].order_by("ordered_at")).net_amount.iloc[-1] == 120


def test_a_file_near_a_table_that_is_there_disturbs_nobody(project) -> None:
    project.write("orders2.csv", "x\n")
    project.write("readme.txt", "x\n")
    project.write("Order.docx", "x\n")
    assert project.open().has("orders")
