"""The numbers of a run as data: ``results.json``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import crmtools
from crmtools.errors import CRMError
from crmtools.estimate import Estimate

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Results:
    """What ``results.json`` holds: report, period, as_of and currency; estimates; readings of goals; states
    of pages.

    ``estimates`` are the numbers of the run, ``pages`` those that each page shows, ``readings`` plain values
    per goal, ``states`` the state per page and language, ``told`` what a page tells beside estimates and readings: counts, courses,
    what changed since the last report (the ``told`` of its records).
    """

    run_id: str
    report: str
    period: str
    as_of: str
    currency: str
    estimates: tuple[Estimate, ...]
    readings: tuple[Mapping[str, Any], ...]
    pages: Mapping[str, tuple[Estimate, ...]]
    states: Mapping[str, Mapping[str, str]]
    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "schema": SCHEMA,
            "crmtools": crmtools.__version__,
            "run_id": self.run_id,
            "report": self.report,
            "period": self.period,
            "as_of": self.as_of,
            "currency": self.currency,
            "estimates": [item.to_dict() for item in self.estimates],
            "readings": list(self.readings),
            "pages": {page: [item.to_dict() for item in items] for page, items in self.pages.items()},
            "states": self.states,
            "told": self.told,
        }

    def write(self, file: Path) -> None:
        """Write it as JSON; :meth:`read` gives it back."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)
        file.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> "Results":
        """The results of a run; raises CRMError when the file is of another schema."""
        plain = json.loads(file.read_text(encoding="utf-8"))
        if plain.get("schema") != SCHEMA:
            raise CRMError(
                f"{file.name} has schema {plain.get('schema')}, this crmtools reads {SCHEMA}. Run the report again."
            )
        return cls(
            estimates=tuple(Estimate.from_dict(item) for item in plain["estimates"]),
            readings=tuple(plain["readings"]),
            pages={page: tuple(Estimate.from_dict(i) for i in items) for page, items in plain["pages"].items()},
            told=plain.get("told", {}),
            **{name: plain[name] for name in ("run_id", "report", "period", "as_of", "currency", "states")},
        )
