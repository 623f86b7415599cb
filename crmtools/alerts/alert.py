"""An alert: one thing that somebody should look at."""

from dataclasses import dataclass
from typing import Any

from crmtools.words import Text


@dataclass(frozen=True, slots=True)
class Alert:
    """What is wrong, in both languages. ``key`` names it from one run to the next: the same key is the same alert.

    ``send`` names the sinks; None means all.
    """

    key: str
    text: Text
    send: tuple[str, ...] | None = None

    def goes_to(self, sink: str) -> bool:
        """Whether a sink is told about it."""
        return self.send is None or sink in self.send

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"key": self.key, "en": self.text.en, "zh": self.text.zh}


@dataclass(frozen=True, slots=True)
class Found:
    """What the rules say about a run: alerts, and what could not be judged yet."""

    alerts: tuple[Alert, ...] = ()
    remarks: tuple[str, ...] = ()
