"""What the rules look at: a run as it lies in its folder."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from crmtools.errors import RunError
from crmtools.report.results import Results
from crmtools.settings import Settings


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Settings, manifest and results of a run; ``results`` is None where the run did not come so far."""

    settings: Settings
    manifest: dict[str, Any]
    results: Results | None
    today: date | None = None

    @property
    def day(self) -> date:
        """The day that ages are counted to: by default that on which the run was started, in the report's time zone."""
        if self.today is not None:
            return self.today
        started = datetime.fromisoformat(self.manifest["started"])
        return started.astimezone(ZoneInfo(self.settings.report.time_zone)).date()


def read_run(settings: Settings, folder: Path, *, today: date | None = None) -> RunRecord:
    """A run from its folder; raises RunError where it cannot be read."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{folder} is not the folder of a run: its manifest.json cannot be read ({error}).") from None
    file = folder / "results.json"
    return RunRecord(settings, manifest, Results.read(file) if file.is_file() else None, today)


def last_run(root: Path, report: str) -> Path:
    """The folder of the newest run of a report; raises RunError where there is none."""
    for folder in sorted((root / "runs").glob("[0-9]*T*-*"), reverse=True):
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if manifest.get("report") == report:
            return folder
    raise RunError(f"There is no run of '{report}' under {root / 'runs'}. Run it: crmtools report {report}")
