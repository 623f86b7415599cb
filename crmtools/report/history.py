"""What earlier runs found: one Parquet file per run, never changed, under ``runs/history/REPORT/``.

The goals of a run stand in ``goals/RUN.parquet`` beside it. They are written first and count only where the run's own file is
there, so that a run is in the history with all it found or not at all.
"""

import contextlib
import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmtools.errors import RunError
from crmtools.estimate import Estimate
from crmtools.report.marks import Marks, definition_marks
from crmtools.whole_files import write_whole

_RUN: dict[str, str] = {
    "run_id": "string",
    "run_at": "datetime64[us, UTC]",
    "backfilled": "bool",
    "edition": "string",
    "report_period": "string",
}
_MARKS: dict[str, str] = {"data": "string", "reading": "string", "code": "string"}
COLUMNS: dict[str, str] = {
    **_RUN,
    "indicator": "string",
    "group": "string",
    "period": "string",
    "period_start": "datetime64[us]",
    "as_of": "datetime64[us]",
    "value": "Float64",
    "low": "Float64",
    "high": "Float64",
    "n": "int64",
    "method": "string",
    "currency": "string",
    "maturity": "Float64",
    "suppressed": "bool",
    "definition": "string",
    **_MARKS,
}
"""``group`` is empty for all customers, else ``attribute=value`` pairs joined by ``; ``. ``definition`` is a hash of how the
number is made: where it differs, two values do not compare. ``data``, ``reading``, ``code`` and ``edition`` are those of
:class:`crmtools.report.marks.Marks`; files of runs from before they were kept have them empty."""

GOAL_NUMBERS = ("value", "low", "high", "baseline", "target", "gap", "progress", "expected", "chance")
GOAL_COLUMNS: dict[str, str] = {
    **_RUN,
    "goal": "string",
    "indicator": "string",
    "period": "string",
    "as_of": "datetime64[us]",
    **dict.fromkeys(GOAL_NUMBERS, "Float64"),
    "suppressed": "bool",
    "deadline": "string",
    "status": "string",
    "evidence": "string",
    "verdict": "string",
    **_MARKS,
}
"""A goal as a run read it: ``value`` with its interval, and what :class:`crmtools.goals.reading.Reading` says of it."""

ONCE = ["indicator", "group", "period", "as_of"]


def folder_of(root: Path, report: str) -> Path:
    """Where the history of a report lies."""
    return root / "runs" / "history" / report


def read_history(root: Path, report: str) -> pd.DataFrame:
    """All that earlier runs of a report found, oldest run first; no rows when there were none. See
    ``COLUMNS``.

    Raises RunError naming a file that cannot be read.
    """
    return _read(_files(folder_of(root, report)), COLUMNS)


def read_goals(root: Path, report: str) -> pd.DataFrame:
    """The goals as earlier runs read them, oldest run first. See ``GOAL_COLUMNS``."""
    folder = folder_of(root, report)
    beside = (folder / "goals" / file.name for file in _files(folder))
    return _read([file for file in beside if file.is_file()], GOAL_COLUMNS)


def history_mark(root: Path, report: str, *, besides: str = "") -> str:
    """A mark of the history that a page was made from: of the names of its files, which never change.

    Runs of the edition ``besides`` (:attr:`Marks.edition` of the run that asks) do not count: a run that says the same as an
    earlier one is no change, and its pages do not speak of it either.
    """
    names = [file.name for file in _files(folder_of(root, report)) if not besides or _edition(file) != besides]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def rows_of(
    estimates: Sequence[Estimate],
    *,
    run_id: str,
    run_at: datetime,
    definitions: Mapping[str, str],
    marks: Marks | None = None,
    backfilled: bool = False,
) -> pd.DataFrame:
    """What a run found, as its rows in the history. ``definitions`` are marks by indicator."""
    common = _common(run_id, run_at, marks, backfilled=backfilled)
    rows = [
        {
            **common,
            "indicator": item.indicator,
            "group": "; ".join(f"{name}={value}" for name, value in item.group),
            "period": item.period.id,
            "period_start": pd.Timestamp(item.period.start),
            "as_of": pd.Timestamp(item.as_of),
            "value": item.value,
            "low": item.low,
            "high": item.high,
            "n": item.n,
            "method": item.method,
            "currency": item.currency,
            "maturity": item.maturity,
            "suppressed": item.suppressed,
            "definition": definitions.get(item.indicator, ""),
        }
        for item in estimates
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS).drop_duplicates(ONCE, ignore_index=True)


def goal_rows(
    readings: Sequence[Mapping[str, Any]],
    *,
    run_id: str,
    run_at: datetime,
    marks: Marks | None = None,
    backfilled: bool = False,
) -> pd.DataFrame:
    """The goals of a run as rows, from what :func:`crmtools.goals.values.reading_values` returns."""
    common = _common(run_id, run_at, marks, backfilled=backfilled)
    rows = []
    for one in readings:
        now, baseline = one["now"], one["baseline"]
        numbers = {name: one.get(name) for name in GOAL_NUMBERS}
        numbers |= {name: now[name] for name in ("value", "low", "high")} | {"baseline": baseline["value"]}
        if now["suppressed"] or baseline["suppressed"]:
            numbers = dict.fromkeys(GOAL_NUMBERS) | {"target": one["target"]}
        rows.append(
            {
                **common,
                **numbers,
                "goal": one["goal"],
                "indicator": one["indicator"],
                "period": now["period"]["id"],
                "as_of": pd.Timestamp(now["as_of"]),
                "suppressed": bool(now["suppressed"]),
                **{name: str(one.get(name) or "") for name in ("deadline", "status", "evidence", "verdict")},
            }
        )
    return pd.DataFrame(rows, columns=list(GOAL_COLUMNS)).astype(GOAL_COLUMNS)


def append_history(
    root: Path,
    report: str,
    *,
    run_id: str,
    run_at: datetime,
    estimates: Sequence[Estimate],
    definitions: Mapping[str, Mapping[str, object]],
    readings: Sequence[Mapping[str, Any]] = (),
    marks: Marks | None = None,
    backfilled: bool = False,
) -> Path:
    """Add the file of a run; it appears whole or not at all. ``definitions`` are the assumptions in force by
    indicator, ``readings`` the goals as :func:`crmtools.goals.values.reading_values` writes them.

    Raises RunError when this run is there already: history is only added to.
    """
    found = rows_of(
        estimates, run_id=run_id, run_at=run_at, definitions=definition_marks(definitions), marks=marks, backfilled=backfilled
    )  # fmt: skip
    goals = goal_rows(readings, run_id=run_id, run_at=run_at, marks=marks, backfilled=backfilled)
    folder = folder_of(root, report)
    file = folder / f"{run_id}.parquet"
    if file.exists():
        raise _there(run_id, report)
    if len(goals):
        # one that is there without the run's own file is what a killed run left
        write_whole(folder / "goals" / file.name, _parquet(goals), again=True)
    try:
        write_whole(file, _parquet(found))
    except FileExistsError:
        raise _there(run_id, report) from None
    return file


def _there(run_id: str, report: str) -> RunError:
    return RunError(f"Run {run_id} is in the history of '{report}' already; a run is added once.")


def _common(run_id: str, run_at: datetime, marks: Marks | None, *, backfilled: bool) -> dict[str, object]:
    return {
        "run_id": run_id,
        "run_at": run_at,
        "backfilled": backfilled,
        "edition": marks.edition if marks else "",
        "report_period": marks.period if marks else "",
        "data": marks.data if marks else "",
        "reading": marks.reading if marks else "",
        "code": marks.code if marks else "",
    }


def _parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue()


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*.parquet"))


def _read(files: Sequence[Path], columns: Mapping[str, str]) -> pd.DataFrame:
    frames = [frame for file in files if len(frame := _read_one(file, columns))]
    if not frames:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    return pd.concat(frames).sort_values(["run_at", "run_id"], kind="stable", ignore_index=True)


def _read_one(file: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(file)
    except (OSError, ValueError, pa.ArrowException) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(
            f"{file.name} of the history cannot be read ({said}). Restore it, or move it out of {file.parent}: "
            "the history then lacks that run."
        ) from None
    frame = frame.reindex(columns=list(columns))
    for name, kind in columns.items():
        if kind == "bool":
            frame[name] = frame[name].eq(True)
        elif kind == "string":
            frame[name] = frame[name].astype(kind).fillna("")
    return frame.astype(dict(columns))


def _edition(file: Path) -> str:
    """The edition of a run's file; empty where it does not say."""
    with contextlib.suppress(OSError, ValueError, KeyError, pa.ArrowException):
        found = pq.read_table(file, columns=["edition"]).column("edition").unique()
        return str(found[0].as_py() or "") if len(found) else ""
    return ""
