"""What earlier runs found: one Parquet file per run, never changed, under ``runs/history/REPORT/``."""

import hashlib
import inspect
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from crmtools.errors import RunError
from crmtools.estimate import Estimate
from crmtools.indicators import CATALOGUE, Indicator

COLUMNS: dict[str, str] = {
    "run_id": "string",
    "run_at": "datetime64[us, UTC]",
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
    "definition": "string",
}
"""``group`` is empty for all customers, else ``attribute=value`` pairs joined by ``; ``. ``definition`` is a
hash of how the number is made: where it differs, two values do not compare."""


def folder_of(root: Path, report: str) -> Path:
    """Where the history of a report lies."""
    return root / "runs" / "history" / report


def read_history(root: Path, report: str) -> pd.DataFrame:
    """All that earlier runs of a report found, oldest run first; no rows when there were none. See
    ``COLUMNS``.
    """
    files = sorted(folder_of(root, report).glob("[!.]*.parquet"))
    frames = [pd.read_parquet(file).reindex(columns=list(COLUMNS)).astype(COLUMNS) for file in files]
    if not frames:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in COLUMNS.items()})
    return pd.concat(frames).sort_values(["run_at", "run_id"], kind="stable", ignore_index=True)


def append_history(
    root: Path,
    report: str,
    *,
    run_id: str,
    run_at: datetime,
    estimates: Sequence[Estimate],
    definitions: Mapping[str, Mapping[str, object]],
) -> Path:
    """Add the file of a run; it appears whole or not at all. ``definitions`` are the assumptions in force by
    indicator.

    Raises RunError when this run is there already: history is only added to.
    """
    hashes = {name: definition_hash(CATALOGUE[name], in_force) for name, in_force in definitions.items()}
    rows = [
        {
            "run_id": run_id,
            "run_at": run_at,
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
            "definition": hashes[item.indicator],
        }
        for item in estimates
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    frame = frame.drop_duplicates(["indicator", "group", "period", "as_of"])
    file = folder_of(root, report) / f"{run_id}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    frame.to_parquet(part, index=False)
    try:
        if file.exists():
            raise RunError(f"Run {run_id} is in the history of '{report}' already; a run is added once.")
        os.replace(part, file)  # noqa: PTH105 - said out loud: one step of the file system
    finally:
        part.unlink(missing_ok=True)
    return file


def definition_hash(indicator: Indicator, in_force: Mapping[str, object]) -> str:
    """What a number depends on besides the data: the facts' code, kind, unit, columns and assumptions in
    force.
    """
    try:
        code = inspect.getsource(indicator.facts)
    except OSError:
        code = indicator.formula
    parts = [
        indicator.id,
        code,
        repr(indicator.kind),
        indicator.unit.id,
        dict(indicator.uses),
        dict(in_force),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]
