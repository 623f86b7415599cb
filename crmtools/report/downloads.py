"""The tables of a built book as files to work with: CSV per table, one Excel workbook per page, and the run's results.

They are read from the finished pages, so that a file holds what its page shows, neither more nor less: what is hidden
there is not in the file. A cell that holds one number is a number in the file (a share as a fraction, 万 and 亿 multiplied out); any other is text,
and text that a spreadsheet would run as a formula is marked as text (CWE-1236).
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

from xlsxwriter import Workbook

from crmtools.report.stamps import CLASS
from crmtools.words import Language, Text

FOLDER = "files"
TABLE = re.compile(r'<table class="crm-(?:table|score)(?P<kind>[^"]*)".*?</table>(?P<end>\s*</div>)?', re.DOTALL)
NOT_OFFERED = "crm-definition"
FORMULA = re.compile(r"\s*(?:[=@\t\r]|[+\-\u2212](?!\s*(?:[\d.,]+\s*%?|inf|nan)?\s*$))")
"""How a cell begins that a spreadsheet takes for a formula; signed numbers are none."""
NUMBER = re.compile(
    r"(?P<sign>[-−+]?)(?P<money>[¥￥$€£]?)\s?(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<rest>\.\d+)?\s?(?P<unit>%|万|亿)?"
)
RESERVED = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f]")
TIMES = {"%": 0.01, "万": 1e4, "亿": 1e8, None: 1.0}
EPOCH = datetime(1980, 1, 1, tzinfo=UTC)
"""The time that is written into archives: the same tables give the same file."""
LINE = Text("下载此表：{csv} · {excel}（本页全部表格）", "This table: {csv} · {excel} (all tables of this page)")
DETAIL = Text("{head}：附注", "{head}: note")
Cell = str | int | float


@dataclass(slots=True)
class Shown:
    """A table as a page shows it: rows of cells, the first is the head; ``shares`` are the places of percentages."""

    title: str
    rows: list[list[Cell]] = field(default_factory=list)
    shares: set[tuple[int, int]] = field(default_factory=set)


def offered(page: str, slug: str, built: Path, language: Language) -> str:
    """A page with a line below each table that leads to its files, which are written below ``built/files``."""
    tables: list[Shown] = []

    def with_line(match: re.Match[str]) -> str:
        if NOT_OFFERED in match["kind"]:
            return match[0]
        shown = read_table(match[0], f"{slug} {len(tables) + 1}", language)
        if len(shown.rows) < 2:
            return match[0]
        tables.append(shown)
        return match[0] + _line(slug, len(tables), language)

    made = TABLE.sub(with_line, page)
    if tables:
        _write(built / FOLDER, slug, tables)
    return made


def _line(slug: str, number: int, language: Language) -> str:
    csv_file = f'<a href="{FOLDER}/{slug}-{number}.csv" download>CSV</a>'
    excel = f'<a href="{FOLDER}/{slug}.xlsx" download>Excel</a>'
    return f'<p class="crm-get">{LINE.to(language, csv=csv_file, excel=excel)}</p>'


def _write(folder: Path, slug: str, tables: Sequence[Shown]) -> None:
    folder.mkdir(exist_ok=True)
    for number, shown in enumerate(tables, 1):
        (folder / f"{slug}-{number}.csv").write_bytes(as_csv(shown.rows))
    (folder / f"{slug}.xlsx").write_bytes(as_workbook(tables))


def as_csv(rows: Sequence[Sequence[Cell]]) -> bytes:
    """Rows as a CSV file; it begins with a mark by which spreadsheets know its encoding."""
    made = io.StringIO()
    csv.writer(made, lineterminator="\r\n").writerows([[safe(cell) for cell in row] for row in rows])
    return made.getvalue().encode("utf-8-sig")


def safe(cell: Cell) -> Cell:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell


def as_workbook(tables: Sequence[Shown]) -> bytes:
    """Tables as an Excel file, a sheet each."""
    made = io.BytesIO()
    with Workbook(made, {"in_memory": True}) as book:
        book.set_properties({"created": EPOCH})
        share = book.add_format({"num_format": "0.0%"})
        for number, shown in enumerate(tables, 1):
            sheet = book.add_worksheet(_sheet_name(shown.title, number))
            sheet.freeze_panes(1, 0)
            for at, row in enumerate(shown.rows):
                for place, value in enumerate(row):
                    if isinstance(value, str):
                        sheet.write_string(at, place, value)  # never a formula, whatever it begins with
                    else:
                        sheet.write_number(at, place, value, share if (at, place) in shown.shares else None)
    return made.getvalue()


def _sheet_name(title: str, number: int) -> str:
    """A name that Excel takes: no more than 31 characters as it counts them, none of those it reserves, no quote at its end, each once."""
    counted = f"{number} {RESERVED.sub(' ', title)}".encode("utf-16-le", "ignore")[: 2 * 31]
    return counted.decode("utf-16-le", "ignore").strip(" '")


def read_table(html: str, name: str, language: Language = "en") -> Shown:
    """A table of a page; ``name`` is its title where it has none of its own.

    What stands small below a value (its interval, its n) has a column of its own.
    """
    reader = _TableReader()
    reader.feed(html)
    shown = Shown(reader.caption.strip() or name)
    width = max(map(len, reader.rows), default=0)
    small = [any(len(row) > at and row[at].small.strip() for row in reader.rows) for at in range(width)]
    for at, read in enumerate(reader.rows):
        row: list[Cell] = []
        for cell, with_small in zip(read, small, strict=False):
            text = _one_line(cell.text)
            value = number(text)
            if value is not None and text.endswith("%"):
                shown.shares.add((at, len(row)))
            row.append(text if value is None else value)
            if with_small:
                below = _one_line(cell.small)
                row.append(below or (DETAIL.to(language, head=text).strip() if cell.is_head else ""))
        shown.rows.append(row)
    return _without_empty(shown)


def _without_empty(shown: Shown) -> Shown:
    """Without rows and columns that hold nothing but pictures."""
    rows = [at for at, row in enumerate(shown.rows) if at == 0 or any(cell != "" for cell in row)]
    width = max((len(shown.rows[at]) for at in rows), default=0)
    columns = [n for n in range(width) if any(len(shown.rows[at]) > n and shown.rows[at][n] != "" for at in rows[1:])]
    made = Shown(shown.title)
    for new, at in enumerate(rows):
        row = shown.rows[at]
        made.rows.append([row[n] if n < len(row) else "" for n in columns])
        made.shares |= {(new, place) for place, n in enumerate(columns) if (at, n) in shown.shares}
    return made


def _one_line(text: str) -> str:
    return " ".join(text.split())


def number(text: str) -> int | float | None:
    """The number that a text is, as the pages of both languages write them; None where it is anything else."""
    found = NUMBER.fullmatch(text.strip())
    if not found:
        return None
    digits = found["digits"].replace(",", "") + (found["rest"] or "")
    if found["digits"].startswith("0") and len(found["digits"]) > 1:
        return None  # a code, not a quantity
    # through text, so that 24.4 % is 0.244 and not 0.24399999999999997
    value = round(float(digits) * TIMES[found["unit"]], 12)
    value = int(value) if value.is_integer() and not (found["rest"] or found["unit"] == "%") else value
    return -value if found["sign"] in ("-", "−") else value


@dataclass(slots=True)
class _Read:
    """A cell: its text, what stands small in it, whether it is a column's head."""

    is_head: bool
    text: str = ""
    small: str = ""


class _TableReader(HTMLParser):
    """The texts of the cells of one table; pictures in them are left out."""

    SILENT = ("svg", "style", "script")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[_Read]] = []
        self.caption = ""
        self._cell: _Read | None = None
        self._span = 1
        self._silent = self._small = 0
        self._spans: list[bool] = []
        self._in_caption = self._in_head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table":
            self.caption = re.split("[:：]", given.get("aria-label") or "")[0]
        elif tag == "thead":
            self._in_head = True
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self._cell, self._span = _Read(self._in_head), int(given.get("colspan") or 1)
        elif tag == "caption":
            self.caption, self._in_caption = "", True
        elif tag in self.SILENT:
            self._silent += 1
        elif tag == "small":
            self._small += 1
        elif tag == "span":  # times and the run differ from run to run, the tables do not
            self._spans.append(CLASS in (given.get("class") or "").split())
            self._silent += self._spans[-1]
        self._say(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None and self.rows:
            self.rows[-1] += [self._cell, *(_Read(self._in_head) for _ in range(self._span - 1))]
            self._cell = None
        elif tag == "thead":
            self._in_head = False
        elif tag == "caption":
            self._in_caption = False
        elif tag in self.SILENT:
            self._silent -= 1
        elif tag == "small":
            self._small -= 1
        elif tag == "span" and self._spans:
            self._silent -= self._spans.pop()

    def handle_data(self, data: str) -> None:
        if self._in_caption:
            self.caption += data
        else:
            self._say(data)

    def _say(self, text: str) -> None:
        if self._cell is None or self._silent:
            return
        if self._small:
            self._cell.small += text
        else:
            self._cell.text += text
