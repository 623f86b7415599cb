"""A little company of its own for every test: the tiny one, copied to a folder where it can be broken."""

import csv
import io
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

import crmtools as crm
from crmtools.tables.source import Data

TINY = Path(__file__).parents[2] / "data" / "tiny"
SETTINGS: dict[str, Any] = {
    "report": {
        "title": {"en": "Mine", "zh": "我的"},
        "as_of": "2025-12-31",
        "period": "2025-Q4",
        "segments": ["region"],
    },
    "source": {"folder": "data", "tables": {}},
    "publish": {"smallest_group": 1},
}


class Project:
    """A folder with ``parameters/mine.yml`` and ``data/*.csv``."""

    def __init__(self, root: Path) -> None:
        self.root, self.data = root, root / "data"
        shutil.copytree(TINY, self.data, ignore=shutil.ignore_patterns("*.md"))
        self.parameters = root / "parameters" / "mine.yml"
        self.parameters.parent.mkdir()
        self.settings = deepcopy(SETTINGS)
        self.written: str | None = None

    def text(self, table: str) -> str:
        return (self.data / f"{table}.csv").read_text(encoding="utf-8")

    def write(self, name: str, content: str | bytes) -> None:
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def remove(self, *tables: str) -> None:
        for table in tables:
            (self.data / f"{table}.csv").unlink()

    def only(self, *tables: str) -> None:
        """Keep these tables and no others."""
        self.remove(*({path.stem for path in self.data.glob("*.csv")} - set(tables)))

    def rows(self, table: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.text(table), newline="")))

    def save(self, table: str, rows: list[dict[str, str]], *, name: str = "", encoding: str = "utf-8") -> None:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.write(name or f"{table}.csv", out.getvalue().encode(encoding))

    def change(self, table: str, row: int, **cells: str) -> None:
        """Write into the cells of one record, counted from 1 below the header."""
        rows = self.rows(table)
        rows[row - 1] |= cells
        self.save(table, rows)

    def rename(self, table: str, **headers: str) -> None:
        self.save(table, [{headers.get(name, name): cell for name, cell in row.items()} for row in self.rows(table)])

    def how(self, table: str, **given: Any) -> None:
        """Say in the parameters file how a table is read."""
        self.settings["source"]["tables"].setdefault(table, {}).update(given)

    def report(self, **given: Any) -> None:
        self.settings["report"] |= given

    def goal(self, **given: Any) -> None:
        goal = {"indicator": "nps", "baseline": 10, "from": "2025-01-01", "by": "2026-06-30", "target": {"to": 30}}
        self.settings.setdefault("goals", []).append(goal | given)

    def open(self) -> Data:
        text = self.written
        if text is None:
            text = yaml.safe_dump(self.settings, allow_unicode=True, sort_keys=False)
        self.parameters.write_text(text, encoding="utf-8")
        return crm.open(self.parameters)

    @property
    def snapshots(self) -> set[str]:
        return {path.name for path in (self.root / ".crmtools" / "snapshots").glob("*")}
