"""A run as it was, for comparing it with another.

It is read from its folder (``results.json``, ``manifest.json``, ``terms.json``). A folder that retention has removed still has
its numbers and goals in the history: pages, parameters and files are then not known.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from crmtools.errors import CRMError, RunError, nearest
from crmtools.report.differences import reported
from crmtools.report.history import goal_rows, read_goals, read_history, rows_of
from crmtools.report.marks import FILE, Marks
from crmtools.report.results import Results


@dataclass(frozen=True, slots=True)
class Ran:
    """A run as it was: its rows and goals, and, where its folder is there, states, parameters, files and versions.

    ``states`` by page and language, ``parameters`` and ``code`` by dotted name, ``files`` are hashes by table.
    """

    run_id: str
    report: str
    run_at: datetime
    rows: pd.DataFrame
    goals: pd.DataFrame
    states: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    smallest: int = 0
    whole: bool = True

    @property
    def period(self) -> str:
        """The period that it reports."""
        return reported(self.rows)

    @property
    def as_of(self) -> str:
        """The day that its data reach."""
        return "" if self.rows.empty else str(self.rows["as_of"].max().date())


def find_run(root: Path, run: str | Path) -> Ran:
    """A run by its folder or its id, from ``runs/`` of a project or else from the history.

    Raises RunError when there is none; it names those that are there.
    """
    for folder in (root / "runs" / str(run), Path(run)):
        if (folder / "manifest.json").is_file():
            return read_run(folder)
    name = Path(run).name
    reports = [folder.name for folder in sorted((root / "runs" / "history").glob("*")) if folder.is_dir()]
    for report in reports:
        if (root / "runs" / "history" / report / f"{name}.parquet").is_file():
            history, goals = read_history(root, report), read_goals(root, report)
            return run_in(history, goals, report, name)
    there = {folder.parent.name for folder in (root / "runs").glob("*/manifest.json")}
    there |= {file.stem for file in (root / "runs" / "history").glob("*/*.parquet")}
    raise RunError(f"There is no run '{name}' in {root / 'runs'}. {nearest(name, sorted(there))}")


def run_in(history: pd.DataFrame, goals: pd.DataFrame, report: str, run_id: str) -> Ran:
    """A run as the history has it."""
    rows = history[history["run_id"] == run_id].reset_index(drop=True)
    moment = rows["run_at"].iloc[0].to_pydatetime() if len(rows) else datetime.now(UTC)
    return Ran(run_id, report, moment, rows, goals[goals["run_id"] == run_id].reset_index(drop=True), whole=False)


def read_run(folder: Path) -> Ran:
    """A run from its folder; raises RunError when it ended before it had results."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        results = Results.read(folder / "results.json")
        kept = folder / FILE
        terms = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
        run_at = datetime.fromisoformat(manifest["started"])
        marks = Marks(**manifest["marks"]) if manifest.get("marks") else None
    except FileNotFoundError:
        raise RunError(f"Run {folder.name} ended before it had results: there is nothing to compare.") from None
    except CRMError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"Run {folder.name} cannot be read: {type(error).__name__}: {error}") from None
    run_id = results.run_id
    parameters = terms.get("parameters", {})
    rows = rows_of(
        results.estimates, run_id=run_id, run_at=run_at, definitions=terms.get("definitions", {}), marks=marks
    )  # fmt: skip
    return Ran(
        run_id,
        results.report,
        run_at,
        rows,
        goal_rows(results.readings, run_id=run_id, run_at=run_at, marks=marks),
        states={f"{page} ({lang})": state for page, by in results.states.items() for lang, state in by.items()},
        parameters=flat_parameters(parameters),
        files={table: one["sha256"][:12] for table, one in manifest["data"]["files"].items()},
        code=_versions(manifest, marks),
        smallest=int(parameters.get("publish", {}).get("smallest_group", 0)),
    )


def flat_parameters(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Parameters by dotted name; a goal is one entry, under its id."""
    found: dict[str, str] = {}
    for part, values in parameters.items():
        if part == "goals":
            found |= {f"goals.{goal['id'] or goal['indicator']}": _json(goal) for goal in values}
        elif isinstance(values, Mapping):
            for name, value in values.items():
                deeper = value.items() if part in ("definitions", "source") and isinstance(value, Mapping) else ()
                found |= {f"{part}.{name}.{key}": _json(inner) for key, inner in deeper} or {
                    f"{part}.{name}": _json(value)
                }
        else:
            found[part] = _json(values)
    return found


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _versions(manifest: Mapping[str, Any], marks: Marks | None) -> dict[str, str]:
    git = manifest.get("git") or {}
    found = {"crmtools": str(manifest.get("crmtools", "")), "python": str(manifest.get("python", ""))}
    found |= {name: str(version) for name, version in manifest.get("libraries", {}).items()}
    if git:
        found["git"] = str(git.get("commit", ""))[:12] + ("+" if git.get("dirty") else "")
    if marks:
        found["numbers"] = marks.code
    return found
