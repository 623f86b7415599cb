"""What each sink has been told: ``.crmtools/alerts/REPORT.json``. It makes an alert that goes on silent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crmtools.alerts.alert import Alert
from crmtools.whole_files import write_whole
from crmtools.words import Text


@dataclass(frozen=True, slots=True)
class State:
    """``active`` are the alerts of the last run by key, ``told`` what each sink knows of."""

    active: Mapping[str, Alert] = field(default_factory=dict)
    told: Mapping[str, Mapping[str, Alert]] = field(default_factory=dict)

    def write(self, root: Path, report: str) -> None:
        """Write it in one step; :func:`read_state` gives it back."""
        plain = {"active": _plain(self.active), "told": {sink: _plain(known) for sink, known in self.told.items()}}
        text = json.dumps(plain, ensure_ascii=False, indent=1)
        write_whole(file_of(root, report), (text + "\n").encode(), again=True)


def file_of(root: Path, report: str) -> Path:
    """Where the state of a report lies."""
    return root / ".crmtools" / "alerts" / f"{report}.json"


def read_state(root: Path, report: str) -> State:
    """The state that the last run left; an empty one where there is none or it is damaged: rather told twice than never."""
    try:
        plain = json.loads(file_of(root, report).read_text(encoding="utf-8"))
        return State(_alerts(plain["active"]), {sink: _alerts(known) for sink, known in plain["told"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State()


def _plain(alerts: Mapping[str, Alert]) -> list[dict[str, str]]:
    return [one.to_dict() for one in alerts.values()]


def _alerts(plain: list[dict[str, str]]) -> dict[str, Alert]:
    return {one["key"]: Alert(one["key"], Text(one["zh"], one["en"])) for one in plain}
