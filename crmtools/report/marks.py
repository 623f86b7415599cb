"""What the numbers of a run hang on, as short marks: where two runs differ, their marks say in what.

A value can move because time went on, because the data were corrected, because the indicator is defined otherwise, or because
the code computes otherwise. A run's manifest has its marks; ``terms.json`` beside it has the definitions and parameters that were in force.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from crmtools.indicators import CATALOGUE
from crmtools.report.definition_mark import definition_hash
from crmtools.settings import Settings
from crmtools.sums import made_by
from crmtools.tables.reading import content_hash, files_of, locate
from crmtools.tables.source import Data
from crmtools.whole_files import write_whole

FILE = "terms.json"
NUMBERS = {"report", "source", "definitions", "goals", "lifetime", "rfm", "publish"}
"""The parts of a parameters file that pages depend on; how a run is run is none of them."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The reported period and day, and the marks of a run.

    ``data`` changes with the content of the source files, ``reading`` with how they are read (columns, words, currency, time
    zone), ``code`` with the package and the libraries it computes with. ``edition`` is a mark of all that a report is made of:
    a run with the same edition as another one says the same.
    """

    period: str
    as_of: str
    data: str
    reading: str
    code: str
    edition: str


def marks_of(data: Data) -> Marks:
    """The marks of a run over these data."""
    # an analyst's own frames have no files: what they hold is their fingerprint
    return marks(data.settings, data.as_of, data.fingerprint, files=data.snapshot is not None)


def marks(settings: Settings, day: date, fingerprint: str, *, files: bool = True) -> Marks:
    """The marks of a run that is not opened yet: of settings that name the files of their source, as of a day."""
    as_of, code, report = str(day), made_by(), settings.report
    content = _content(settings) if files else fingerprint
    source = settings.source.model_dump(mode="json", exclude={"demo", "folder", "duckdb"})
    reading = _mark([source, report.currency, report.time_zone])
    edition = _mark([as_of, content, fingerprint, reading, code, parameters_of(settings)])
    return Marks(report.period.id, as_of, content, reading, code, edition)


def _content(settings: Settings) -> str:
    """The mark of what the source files hold, lists of ids included."""
    memory = settings.root / ".crmtools" / "hashes.json"
    hashes = {table: one["sha256"] for table, one in source_hashes(settings).items()}
    for how in settings.source.tables.values():
        for listing in how.lists.values():
            hashes[f"list {listing.file}"] = content_hash(locate(listing.file, settings.root), memory)
    return _mark(hashes)


def parameters_of(settings: Settings) -> dict[str, Any]:
    """What a parameters file says about numbers and pages, defaults included, as plain values."""
    plain = settings.model_dump(mode="json", include=NUMBERS)
    # where the files lie says nothing about the numbers, and a simulated company is a folder of files once it is opened
    plain["source"] = {k: v for k, v in plain["source"].items() if k not in ("demo", "folder", "duckdb")}
    return plain


def source_hashes(settings: Settings) -> dict[str, dict[str, str]]:
    """Table → file name and SHA-256 of every source file of settings that name them."""
    memory = settings.root / ".crmtools" / "hashes.json"
    if settings.source.duckdb:
        file = settings.root / settings.source.duckdb
        return {"all": {"file": file.name, "sha256": content_hash(file, memory)}}
    files, _ = files_of(settings.source, settings.root)
    return {table: {"file": file.name, "sha256": content_hash(file, memory)} for table, file in files.items()}


def keep_terms(folder: Path, settings: Settings, in_force: Mapping[str, Mapping[str, object]]) -> None:
    """Write into the folder of a run what its numbers mean: the definitions in force and the parameters."""
    plain = {
        "definitions": definition_marks(in_force),
        "in_force": {name: dict(given) for name, given in in_force.items()},
        "parameters": parameters_of(settings),
    }
    text = json.dumps(plain, ensure_ascii=False, indent=1, default=str)
    write_whole(folder / FILE, (text + "\n").encode(), again=True)


def definition_marks(in_force: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """The mark of every indicator's definition, from the assumptions in force."""
    return {name: definition_hash(CATALOGUE[name], given) for name, given in in_force.items()}


def _mark(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()[:16]
