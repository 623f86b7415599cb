"""Opening data: a parameters file, or an analyst's own frames, become :class:`Data`.

A parameters file's source passes the door once per state of its files; the result, a snapshot of Parquet tables under
``.crmtools/snapshots``, opens again in a tenth of a second. The cut at ``as_of`` is made when a snapshot is opened: rows that
began later are not there, and what was filled in later is empty.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

import crmtools
from crmtools.errors import CRMError, DataError, Problem, SettingsError, nearest
from crmtools.period import Period
from crmtools.settings import Report, Settings, Source
from crmtools.shown import Shown, opened
from crmtools.tables import TABLES
from crmtools.tables.answers import Answers
from crmtools.tables.door import pass_the_door
from crmtools.tables.door_report import DoorReport
from crmtools.tables.known import known
from crmtools.tables.part import WHOLE, Cut
from crmtools.tables.parts import Part, Values, door_of, part_of, values_of
from crmtools.tables.reading import (
    literal,
    plain,
    quote,
    read_frame,
)
from crmtools.tables.side_by_side import draw_no_bars
from crmtools.tables.snapshot import snapshot_of
from crmtools.tables.statement import statement
from crmtools.words import Text

PARTS = "parts"
"""Where the data of the other parts are kept in the process."""
DAYS = 8
"""Earlier days whose tables and answers stay at hand in the process: each goal asks for its own again and again."""


@dataclass(frozen=True, slots=True)
class Data(Shown):
    """Checked tables as of a day, with the settings they were opened under.

    ``data["orders"]`` or ``data.orders`` is an Ibis table; ``execute`` runs an expression and remembers the answer beside
    the snapshot. ``door`` tells what was read and left out. With a ``part`` they are the tables of some customers only
    (:mod:`crmtools.tables.part`).
    """

    settings: Settings
    as_of: date
    fingerprint: str
    door: DoorReport
    backend: ibis.BaseBackend
    tables: Mapping[str, ir.Table]
    snapshot: Path | None = None
    cut: Mapping[str, int] = field(default_factory=dict)
    answers: Answers = field(default_factory=lambda: Answers(""), repr=False)
    part: Part | None = None
    cut_to: Cut = field(default=WHOLE, repr=False)

    @property
    def currency(self) -> str:
        """The report's currency, an ISO 4217 code."""
        return self.settings.report.currency

    @property
    def period(self) -> Period:
        """The period that is reported."""
        return self.settings.report.period

    @property
    def segments(self) -> tuple[str, ...]:
        """The attributes of customers that the report is cut by; not the one that all customers of a part have in common."""
        segments = self.settings.report.segments
        return tuple(name for name in segments if name != self.part.attribute) if self.part else segments

    def has(self, table: str, column: str | None = None) -> bool:
        """Whether the source has a table, or one of its columns."""
        return table in self.tables and (column is None or column in self.tables[table].columns)

    def __getitem__(self, table: str) -> ir.Table:
        if table not in self.tables:
            raise CRMError(f"These data have no table '{table}'. {nearest(table, self.tables)}")
        return self.tables[table]

    def __getattr__(self, table: str) -> ir.Table:
        if table in TABLES:
            return self[table]
        raise AttributeError(f"Data has no attribute '{table}'")

    def __dir__(self) -> list[str]:
        return sorted([*object.__dir__(self), *self.tables])

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def needed(self, table: str, columns: tuple[tuple[str, bool], ...]) -> ir.Table:
        """A table with just the columns asked for; (column, needed): those not needed are empty where they lack."""
        found = self[table]
        types = TABLES[table].engine_schema
        return found.select(
            **{name: found[name] if name in found.columns else ibis.null(types[name]) for name, _ in columns}
        )

    def missing(self, table: str, columns: tuple[tuple[str, bool], ...]) -> list[str]:
        """The needed columns that the source lacks, as ``table.column``; the table alone where all of it is missing."""
        if not self.has(table):
            return [table]
        return [f"{table}.{name}" for name, needed in columns if needed and not self.has(table, name)]

    def execute(self, expression: ir.Table) -> pd.DataFrame:
        """The answer to an expression over these tables; the same question is asked of the engine once per state of the data."""
        text = str(self.backend.compile(expression))
        found = self.answers.table(text)
        # the text that was compiled for the name, not the expression: compiling is most of the time of a small question
        return self.answers.keep_table(text, self._answer(text, expression)) if found is None else found

    def ask(self, expression: ir.Table, *, again: bool = False) -> pd.DataFrame:
        """The answer to an expression, not kept; the last few are at hand for one that may be asked ``again`` at once.

        So ask sets of assumptions that differ only in what is made of the answer, not in the question. An order counts only where it
        is the last step (:mod:`crmtools.tables.statement`); ``execute`` knows no such limit.
        """
        if again and (known := self.answers.just_now(expression.op())) is not None:
            return known
        found = self._answer(statement(expression, self.backend), expression).to_pandas(date_as_object=False)
        return self.answers.keep_for_now(expression.op(), found) if again else found

    def ask_together(self, expressions: Iterable[ir.Table]) -> None:
        """Ask for several answers that are alike in their columns in one statement: what they have in common is read once.

        ``ask(…, again=True)`` finds each of them.
        """
        alike: dict[ibis.Schema, dict[ops.Node, ir.Table]] = {}
        for one in expressions:
            if one.op() not in self.answers.recent:
                alike.setdefault(one.schema(), {})[one.op()] = one
        for of in (found for found in alike.values() if len(found) > 1):
            all_of = ibis.union(*(one.mutate(asked_as=number) for number, one in enumerate(of.values())))
            answer = self._answer(statement(all_of, self.backend), all_of)
            for number, question in enumerate(of):
                own = answer.filter(pc.field("asked_as") == number).drop_columns("asked_as")
                self.answers.keep_for_now(question, own.to_pandas(date_as_object=False))

    def _answer(self, text: str, expression: ir.Table) -> pa.Table:
        backend: Any = self.backend
        return backend.raw_sql(text).to_arrow_table().cast(expression.schema().to_pyarrow())

    def at(self, day: date) -> "Data":
        """The same data as they were known at the end of an earlier day."""
        day = _day(day)
        if day > self.as_of:
            raise CRMError(f"These data are known as of {self.as_of}; {day} lies later.")
        return self._known(day, self.part)

    def parts(self) -> tuple["Data", ...]:
        """The data of all values of the attribute that a part is told by, itself among them, and of the customers without one.

        What is said of a part may be taken from what is said of the whole: so these must be looked at together. Empty where the
        data are those of all customers.
        """
        if self.part is None:
            return ()
        made = self.answers.things.get(PARTS)
        if not isinstance(made, tuple):
            made = tuple(self if one == self.part else self._known(self.as_of, one) for one in self.part.among())
            self.answers.things[PARTS] = made
        # answers are those of a day, and may have been asked for under other settings
        return (
            made if made[0].settings == self.settings else tuple(replace(one, settings=self.settings) for one in made)
        )

    def whole(self) -> "Data":
        """The data of all customers, as they are known on the same day."""
        return self if self.part is None else self._known(self.as_of, None)

    def _known(self, day: date, part: Part | None) -> "Data":
        """The tables as known at the end of a day, of all customers or of one of the parts."""
        cut_to = part.cut if part else WHOLE
        schema = f"asof_{day:%Y%m%d}" + (f"_{part.number}" if part else "")
        days = self.answers.days
        if schema not in days:
            answers = Answers(_state(self.fingerprint, day, part), self.answers.folder)
            names = (*self.tables, *self.cut_to.whole)
            days[schema] = answers, *known(self.backend, names, day, answers=answers, schema=schema, cut_to=cut_to)
            for old in list(days)[:-DAYS]:
                del days[old]
        answers, tables, cut = days[schema]
        return replace(self, as_of=day, tables=tables, cut=cut, answers=answers, part=part, cut_to=cut_to)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{item.table} {item.kept:,}" for item in self.door.tables)
        return f"Data as of {self.as_of} ({self.settings.name}): {sizes}"


def _state(fingerprint: str, day: date, part: Part | None) -> str:
    """What answers depend on: the snapshot, the day, and the customers where they are not all."""
    return f"{fingerprint}|{day}" + (f"|{part.attribute}|{part.value!r}" if part else "")


def as_opened(data: object) -> Data:
    """What was opened, if that is what it is: the name of a report, or arguments in another order, are an easy slip."""
    if not isinstance(data, Data):
        shown = repr(data) if isinstance(data, str) else type(data).__name__
        raise CRMError(f"data must be what crm.open returned, data = crm.open('demo'); found {shown}.")
    return data


def open(source: str | Path | None = None, *, as_of: date | None = None, **frames: pd.DataFrame) -> Data:  # noqa: A001
    """Open data for analysis.

    Parameters
    ----------
    source
        A parameters file, or the name of one: ``"demo"`` is ``parameters/demo.yml``, looked for in this folder, then
        upwards, then beside the installed package. ``"demo@2025-Q3"`` is the same for another period,
        ``"demo#region=north"`` for some of the customers.
    as_of
        The day up to which something is known; nothing later is looked at. By default the file's, or the last day that
        the frames hold.
    frames
        Instead of a source: pandas frames named after tables, ``open(orders=my_orders, customers=my_customers)``. They
        pass the same checks; their ids stay as they are. Where they name one currency, amounts are in that.

    Raises
    ------
    SettingsError, DataError
        With every problem of the parameters file or of the data.
    """
    if (source is None) == (not frames):
        both = f"found {source!r} and {', '.join(frames)}. A period is named with the report, open('demo@2025-Q3'), or with each question."
        raise CRMError(
            "Open a parameters file, open('demo'), or frames, open(orders=my_frame): "
            + (both if frames else "found neither.")
        )
    until = None if as_of is None else _day(as_of)
    if source is None:
        data = _open_frames(frames, until)
        opened(data.currency, 1)  # an analyst's own frames are not published
        return data
    from crmtools.asked import read_settings

    settings = read_settings(source)
    data = open_settings(settings)
    opened(data.currency, settings.publish.smallest_group)
    return data.at(until) if until and until != data.as_of else data


def _day(written: object) -> date:
    """A day as analysts write it: a date, a timestamp, or ISO text."""
    if isinstance(written, datetime):
        return written.date()
    if isinstance(written, date):
        return written
    try:
        return date.fromisoformat(str(written))
    except ValueError:
        raise CRMError(f"'{written}' is not a day. Write date(2025, 12, 31), or '2025-12-31'.") from None


def find_parameters(name: str | Path) -> Path:
    """The parameters file that a name means."""
    path = Path(name)
    if path.suffix in (".yml", ".yaml") and path.is_file():
        return path
    package = Path(crmtools.__file__).parent.parent
    for folder in (Path.cwd(), *Path.cwd().parents, package):
        for candidate in (folder / path, folder / "parameters" / f"{path.stem}.yml"):
            if candidate.suffix in (".yml", ".yaml") and candidate.is_file():
                return candidate
    there = sorted({item.stem for folder in (Path.cwd(), package) for item in (folder / "parameters").glob("*.yml")})
    raise SettingsError(f"There is no parameters file for '{name}'. {nearest(path.stem, there)}")


def open_settings(settings: Settings) -> Data:
    """Open the source that settings name, through its snapshot; the door is passed when the snapshot is not there yet."""
    settings, fingerprint, folder = snapshot_of(settings)
    for there in _KEPT or ():
        if there.settings == settings and there.fingerprint == fingerprint:
            return there
    data = _open_snapshot(folder, settings, fingerprint)
    if _KEPT is not None:
        _KEPT[:] = [data]
    return data


THREADS = "CRMTOOLS_THREADS"
"""Says in how many threads the engine shall work, in a process that shares the machine with others; by default on all cores."""

_KEPT: list[Data] | None = None
"""The data that were opened last, in a process that was told to keep them."""


def keep_open() -> None:
    """From now on give the data that were opened last to whoever opens the same, in the same state, again.

    For a process that serves one notebook after another. An analyst who opens twice gets two, which know nothing of each other.
    """
    global _KEPT
    _KEPT = _KEPT or []


def values_by(settings: Settings, attribute: str) -> Values:
    """The values that customers have of an attribute, and which of them may have a report; raises SettingsError where there are none."""
    data = open_settings(settings)
    return values_of(attribute, settings, data.backend, data.door, data.answers)


def _open_snapshot(folder: Path, settings: Settings, fingerprint: str) -> Data:
    door = DoorReport.from_dict(json.loads((folder / "door.json").read_text(encoding="utf-8")))
    backend = ibis.duckdb.connect(**({"threads": int(told)} if (told := os.environ.get(THREADS)) else {}))
    draw_no_bars(backend.con)
    names = tuple(item.table for item in door.tables)
    files = {name: literal(str(folder / f"{name}.parquet")) for name in names}
    views = [f"CREATE VIEW all_{name} AS SELECT * FROM read_parquet({file})" for name, file in files.items()]
    backend.con.execute(";\n".join(views))
    day = settings.report.as_of
    part = part_of(settings, backend, door, Answers(_state(fingerprint, day, None), folder / "answers"))
    answers = Answers(_state(fingerprint, day, part), folder / "answers")
    cut_to = part.cut if part else WHOLE
    tables, cut = known(backend, names, day, answers=answers, cut_to=cut_to)
    if part:
        door = door_of(part, backend, door, answers)
    return Data(settings, day, fingerprint, door, backend, tables, folder, cut, answers, part, cut_to)


def _only_currency(frames: Mapping[str, pd.DataFrame]) -> str:
    """The currency that all amounts of frames are in; empty where none is named, several are, or rates are there to convert it."""
    if "fx_rates" in frames:
        return ""
    named = {
        str(one) for frame in frames.values() if "currency" in frame for one in frame["currency"].dropna().unique()
    }
    (one,) = named if len(named) == 1 else ("",)
    return one if re.fullmatch("[A-Z]{3}", one) else ""


def _open_frames(frames: Mapping[str, pd.DataFrame], as_of: date | None) -> Data:
    unknown = [Problem(name, f"is no table. {nearest(name, TABLES)}") for name in frames if name not in TABLES]
    if unknown:
        raise DataError.of("Frames must be named after tables", unknown)
    con = duckdb.connect()
    draw_no_bars(con)
    raws = [read_frame(con, name, frame) for name, frame in frames.items()]
    # what the analyst's customers have beyond the schema are attributes to split by
    extra = tuple(
        name for raw in raws if raw.table == "customers" for name in raw.types if plain(name) not in TABLES["customers"]
    )
    far = date(2199, 12, 30)
    report = Report(title=Text("分析", "Analysis"), as_of=far, period=Period.parse("2000"), segments=extra)
    if currency := _only_currency(frames):
        report = report.model_copy(update={"currency": currency})
    settings = Settings(report=report, source=Source(folder="."), path=Path("frames.yml"))
    door = pass_the_door(con, raws, settings, key=None)
    last = [item.last for item in door.tables if item.last]
    if as_of is None and not last:
        raise CRMError(
            "These frames hold no dates; name the day up to which something is known: open(..., as_of=date(...))."
        )
    day = as_of or date.fromisoformat(max(last))
    if as_of is None and day > date.today():
        latest = ", ".join(f"{item.table} to {item.last}" for item in door.tables if item.last == max(last))
        raise CRMError(
            f"These frames reach into the future ({latest}). Correct the date, or name the day: open(..., as_of=date(...))."
        )
    report = report.model_copy(update={"as_of": day, "period": Period.last_over(day, "month")})
    backend = ibis.duckdb.connect()
    draw_no_bars(backend.con)
    content: list[object] = [asdict(item) for item in door.tables]
    for item in door.tables:
        content += con.execute(f"SELECT bit_xor(hash(t)), sum(hash(t)) FROM {quote(item.table)} t").fetchall()
        backend.create_table(f"all_{item.table}", con.execute(f"SELECT * FROM {quote(item.table)}").to_arrow_table())
    con.close()
    fingerprint = hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:20]
    settings, answers = settings.model_copy(update={"report": report}), Answers(f"{fingerprint}|{day}")
    tables, cut = known(backend, tuple(item.table for item in door.tables), day, answers=answers)
    return Data(settings, day, fingerprint, door, backend, tables, None, cut, answers)
