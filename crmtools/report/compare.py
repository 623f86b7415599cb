"""Two runs of a report side by side: values, goals, states of pages, parameters, data and code.

A run is read from its folder (``results.json``, ``manifest.json``, ``terms.json``). A folder that retention has removed
still has its numbers and goals in the history: then pages, parameters and files are not compared, and that is said.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from crmtools.errors import CRMError, RunError, nearest
from crmtools.report.differences import Moved, Why, all_causes, moved_between, number, records, reported, same, why_moved
from crmtools.report.history import goal_rows, read_goals, read_history, rows_of
from crmtools.report.marks import FILE, Marks
from crmtools.report.results import Results

GONE = "–"
"""What stands for a parameter, a file or a state that one of the runs does not have."""


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


@dataclass(frozen=True, slots=True)
class GoalMoved:
    """A goal in two runs. ``before`` and ``now`` hold value, target, status, evidence and so on; ``changed`` names what differs."""

    goal: str
    indicator: str
    before: Mapping[str, object]
    now: Mapping[str, object]
    changed: tuple[str, ...]
    why: Why

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        changes = {name: [self.before.get(name), self.now.get(name)] for name in self.changed}
        told = {"causes": list(self.why.causes), "told_apart": self.why.apart}
        return {"goal": self.goal, "indicator": self.indicator, "changed": changes, **told}


Changed = Mapping[str, tuple[str, str]]
"""Name → before and now."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two runs of one report. ``moved`` holds every number of both, those that did not move included.

    ``came`` and ``went`` are indicators that only one of the runs has. ``not_kept`` are runs of which only the history is left.
    """

    before: Ran
    now: Ran
    moved: tuple[Moved, ...]
    came: tuple[str, ...]
    went: tuple[str, ...]
    goals: tuple[GoalMoved, ...]
    states: Changed
    parameters: Changed
    files: Changed
    code: Changed

    @property
    def not_kept(self) -> tuple[str, ...]:
        """The runs whose folder is gone."""
        return tuple(one.run_id for one in (self.before, self.now) if not one.whole)

    @property
    def differences(self) -> tuple[Moved, ...]:
        """The numbers that differ."""
        return tuple(one for one in self.moved if one.why.causes)

    @property
    def is_empty(self) -> bool:
        """Whether the runs say the same and were made of the same."""
        parts = (
            self.differences,
            self.came,
            self.went,
            self.goals,
            self.states,
            self.parameters,
            self.files,
            self.code,
        )
        return not any(parts)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON. How many customers a number rests on is not among them: few may lie between two such counts."""
        runs = {
            name: {"run": one.run_id, "at": one.run_at.isoformat(), "period": one.period, "as_of": one.as_of}
            for name, one in (("before", self.before), ("now", self.now))
        }
        return {
            "report": self.now.report,
            **runs,
            "only_history_of": list(self.not_kept),
            "causes": all_causes(self.moved),
            "values": [one.to_dict() for one in self.differences],
            "same": sum(not one.why.causes and not one.hidden for one in self.moved),
            "hidden": sum(one.hidden for one in self.moved),
            "indicators": {"came": list(self.came), "went": list(self.went)},
            "goals": [one.to_dict() for one in self.goals],
            **{name: _pairs(getattr(self, name)) for name in ("states", "parameters", "files", "code")},
        }


def compare(before: Ran, now: Ran, *, smallest: int = 0) -> Comparison:
    """What differs between two runs of a report; ``smallest`` hides groups beyond the rule the runs had themselves.

    Raises RunError when they are of two reports.
    """
    if before.report != now.report:
        raise RunError(
            f"Run {before.run_id} is of report '{before.report}', run {now.run_id} of '{now.report}': "
            "only runs of one report compare."
        )
    least = max(smallest, before.smallest, now.smallest)
    moved = tuple(moved_between(before.rows, now.rows, smallest=least))
    old, new = ({*one.rows["indicator"]} for one in (before, now))
    both = before.whole and now.whole
    parts = [
        _changed(getattr(before, name), getattr(now, name)) if both else {}
        for name in ("states", "parameters", "files", "code")
    ]
    came, went = tuple(sorted(new - old)), tuple(sorted(old - new))
    return Comparison(before, now, moved, came, went, tuple(_goals(before, now)), *parts)


COMPARED = ("value", "target", "baseline", "deadline", "status", "evidence", "verdict")


def _goals(before: Ran, now: Ran) -> list[GoalMoved]:
    """The goals that say something else, or that only one of the runs has."""
    old, new = ({row["goal"]: row for row in records(one.goals)} for one in (before, now))
    found = []
    for name in dict.fromkeys((*old, *new)):
        then, row = old.get(name), new.get(name)
        if then is None or row is None:
            only = then or row or {}
            first, last = ({"status": str(one["status"])} if one else {} for one in (then, row))
            found.append(GoalMoved(name, only["indicator"], first, last, ("status",), Why(("definition",))))
            continue
        one, other = ({key: _plain(r[key]) for key in COMPARED} for r in (then, row))
        changed = tuple(key for key in COMPARED if not _alike(one[key], other[key]))
        if changed:
            found.append(GoalMoved(name, row["indicator"], one, other, changed, _why_goal(before, now, then, row)))
    return found


def _why_goal(before: Ran, now: Ran, then: Mapping[str, Any], row: Mapping[str, Any]) -> Why:
    """What moved a goal: its own terms, and what moved its value and baseline."""
    old, new = ({**one, "definition": _definition(ran, one["indicator"])} for ran, one in ((before, then), (now, row)))
    causes = list(why_moved(old, new, None).causes)
    if old["period"] == new["period"] and not causes and not _alike(then["baseline"], row["baseline"]):
        causes = list(why_moved({**old, "value": old["baseline"]}, {**new, "value": new["baseline"]}, None).causes)
    named = f"goals.{row['goal']}"
    terms = before.parameters.get(named) != now.parameters.get(named) or then["deadline"] != row["deadline"]
    if (terms or not (causes or _alike(then["target"], row["target"]))) and "definition" not in causes:
        causes.append("definition")
    if not causes:  # the same numbers, judged otherwise
        differ = then["code"] and row["code"] and then["code"] != row["code"]
        causes = ["code"] if differ else ["data"] if then["data"] != row["data"] else ["unknown"]
    return Why(tuple(causes), apart=len(causes) == 1)


def _definition(ran: Ran, indicator: str) -> str:
    marks = ran.rows.loc[ran.rows["indicator"] == indicator, "definition"]
    return str(marks.iloc[0]) if len(marks) else ""


def _plain(value: object) -> object:
    return number(value) if not isinstance(value, str) else value


def _alike(one: object, other: object) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return same(number(one), number(other))


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    names = sorted({*before, *now})
    pairs = {name: (before.get(name, GONE), now.get(name, GONE)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _pairs(changed: Changed) -> dict[str, list[str]]:
    return {name: list(pair) for name, pair in changed.items()}


# ---- reading runs


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
