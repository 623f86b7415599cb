"""What a run was made of: ``manifest.json`` beside its results."""

import hashlib
import json
import platform
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import crmtools
from crmtools.report.engine import Outcome
from crmtools.report.made_of import libraries
from crmtools.report.marks import Marks, marks_of, source_hashes
from crmtools.report.plan import Plan
from crmtools.settings import Settings
from crmtools.tables.source import Data
from crmtools.whole_files import write_whole


def new_run_id(now: datetime) -> str:
    """A name for a run that sorts by time and is unique: ``20251231T235959-abc123``."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


@dataclass(slots=True)
class Manifest:
    """The record of a run, filled while it goes on; :meth:`write` may be called at any time.

    ``ended`` is one of running, published, published_with_failures, not_published. A run that says running while
    nobody holds its report's lock was killed. ``inputs`` is a hash of all that the book depends on.
    """

    run_id: str
    report: str
    started: datetime
    parameters: Mapping[str, str]
    data: Mapping[str, Any]
    code: Mapping[str, Any]
    stages: dict[str, float] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    ended: str = "running"
    inputs: str = ""
    problems: list[str] = field(default_factory=list)
    marks: Marks | None = None

    @property
    def is_published(self) -> bool:
        """Whether readers see the book of this run."""
        return self.ended.startswith("published")

    def write(self, file: Path) -> None:
        """Write it as JSON, in one step."""
        plain = {
            "schema": 1,
            "run_id": self.run_id,
            "report": self.report,
            "started": _utc(self.started),
            "written": _utc(datetime.now(UTC)),
            "ended": self.ended,
            "inputs": self.inputs,
            "stage_seconds": {name: round(seconds, 3) for name, seconds in self.stages.items()},
            "jobs": self.jobs,
            "left_out": self.left_out,
            "problems": self.problems,
            "parameters": self.parameters,
            "data": self.data,
            "marks": asdict(self.marks) if self.marks else None,
            **self.code,
        }
        text = json.dumps(plain, ensure_ascii=False, indent=1)
        write_whole(file, (text + "\n").encode(), again=True)

    def add(self, plan: Plan, outcomes: Sequence[Outcome]) -> None:
        """Note what became of the notebooks, and what was left out."""
        self.left_out |= {e.slug: e.skipped.en for e in (*plan.left_out, *plan.entries) if e.skipped}
        for outcome in outcomes:
            record: dict[str, Any] = {
                "page": outcome.job.slug,
                "language": outcome.job.language,
                "notebook": outcome.job.notebook.name,
                "state": outcome.state,
                "seconds": round(outcome.seconds, 3),
            }
            if outcome.failure:
                record |= {
                    "error": outcome.failure.name,
                    "message": outcome.failure.message,
                    "cell": outcome.failure.cell,
                }
            self.jobs.append(record)


def start(settings: Settings, data: Data, *, run_id: str, now: datetime, stages: dict[str, float]) -> Manifest:
    """The manifest of a run that begins: versions, hashes of the parameters file and of the data.

    ``stages`` is filled by the run as it goes on.
    """
    return Manifest(
        run_id,
        settings.name,
        now,
        parameters={
            "file": settings.path.name,
            "sha256": hashlib.sha256(settings.path.read_bytes()).hexdigest(),
        },
        data={
            "fingerprint": data.fingerprint,
            "as_of": str(data.as_of),
            "currency": data.currency,
            "files": source_hashes(data.settings),
            "last": {item.table: item.last for item in data.door.tables if item.last},
            "rows": {item.table: {"read": item.read, "kept": item.kept} for item in data.door.tables},
        },
        code={
            "crmtools": crmtools.__version__,
            "python": platform.python_version(),
            "libraries": libraries(),
            "system": f"{platform.system()} {platform.machine()}",
            "git": git_state(settings.root),
        },
        stages=stages,
        marks=marks_of(data),
    )


def git_state(root: Path) -> dict[str, Any] | None:
    """The commit that was checked out and whether files differ from it; None where there is no git."""

    def ask(*question: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *question],
                cwd=root,
                capture_output=True,
                text=True,
                timeout=20,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    if commit is None:
        return None
    changed = ask("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": bool(changed) if changed is not None else None}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
