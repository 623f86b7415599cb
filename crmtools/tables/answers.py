"""What was asked of a state of the data before: answers are remembered in the process, and beside the snapshot for others.

A name tells all that an answer depends on besides the data; its file is named after both.
"""

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from crmtools.whole_files import write_whole

RECENT, RECENT_ROWS = 32, 100_000
"""How many questions and answers stay at hand, and the rows of all these answers together."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Tables and texts by name, of one ``state`` of the data; ``folder`` is where other processes find them.

    ``recent`` and ``built`` are the last few frames and questions, by what they are the answer to or are built from. ``days`` are other states of the same data: their answers, tables, and how many rows of each began later.
    """

    state: str
    folder: Path | None = None
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    things: dict[str, object] = field(default_factory=dict)
    recent: dict[Hashable, pd.DataFrame] = field(default_factory=dict)
    built: dict[Hashable, ir.Table] = field(default_factory=dict)
    days: dict[str, tuple["Answers", dict[str, ir.Table], dict[str, int]]] = field(default_factory=dict)

    def table(self, name: str) -> pd.DataFrame | None:
        """The table that was remembered by this name, a copy of it."""
        key = self._key(name)
        if key not in self.tables:
            file = self._file(key, "parquet")
            if not (file and file.is_file()):
                return None
            self.tables[key] = _frame(parquet.read_table(file))
        return self.tables[key].copy()

    def keep_table(self, name: str, table: pa.Table) -> pd.DataFrame:
        """Remember a table; the same as a frame."""
        key = self._key(name)
        if file := self._file(key, "parquet"):
            sink = pa.BufferOutputStream()
            parquet.write_table(table, sink)
            _write(file, sink.getvalue().to_pybytes())
        self.tables[key] = _frame(table)
        return self.tables[key].copy()

    def text(self, name: str) -> str | None:
        """The text that was remembered by this name."""
        key = self._key(name)
        if key not in self.texts:
            file = self._file(key, "json")
            if not (file and file.is_file()):
                return None
            self.texts[key] = file.read_text(encoding="utf-8")
        return self.texts[key]

    def keep_text(self, name: str, text: str) -> None:
        """Remember a text."""
        key = self._key(name)
        if file := self._file(key, "json"):
            _write(file, text.encode())
        self.texts[key] = text

    def thing(self, name: str, read: Callable[[str], object]) -> object | None:
        """What was remembered by this name, ``read`` from its text once per process: nobody may change it."""
        key = self._key(name)
        if key not in self.things:
            file = self._file(key, "json")
            if not (file and file.is_file()):
                return None
            self.things[key] = read(file.read_text(encoding="utf-8"))
        return self.things[key]

    def keep_thing(self, name: str, thing: object, write: Callable[[object], str]) -> object:
        """Remember a thing; the same. Its text, which may be long, is not kept in the process."""
        key = self._key(name)
        if file := self._file(key, "json"):
            _write(file, write(thing).encode())
        self.things[key] = thing
        return thing

    def just_now(self, question: Hashable) -> pd.DataFrame | None:
        """What was answered a moment ago in this process, a copy of it."""
        found = self.recent.get(question)
        return None if found is None else found.copy()

    def keep_for_now(self, question: Hashable, frame: pd.DataFrame) -> pd.DataFrame:
        """Keep an answer until others have taken its place; the same. Many rows would keep memory that is needed."""
        if len(frame) <= RECENT_ROWS:
            self.recent.pop(question, None)
            self.recent[question] = frame.copy()
            while len(self.recent) > RECENT or sum(map(len, self.recent.values())) > RECENT_ROWS:
                self.recent.pop(next(iter(self.recent)))
        return frame

    def expression(self, name: Hashable, build: Callable[[], ir.Table]) -> ir.Table:
        """A question that is built again and again, built once as long as few others come in between."""
        found = self.built.pop(name, None)
        if found is None:
            found = build()
        self.built[name] = found
        for old in list(self.built)[:-RECENT]:
            self.built.pop(old, None)
        return found

    def __len__(self) -> int:
        return len(self.tables) + len(self.texts) + len(self.things)

    def _key(self, name: str) -> str:
        return hashlib.sha256(f"{self.state}|{name}".encode()).hexdigest()[:32]

    def _file(self, key: str, ending: str) -> Path | None:
        return self.folder / f"{key}.{ending}" if self.folder else None


def _frame(table: pa.Table) -> pd.DataFrame:
    """Days become timestamps, the first time as every other."""
    return table.to_pandas(date_as_object=False)


def _write(file: Path, content: bytes) -> None:
    """Write an answer beside the snapshot; one that was swept away has nothing to be remembered beside."""
    if file.parent.parent.is_dir():
        write_whole(file, content, again=True, lasting=False)
