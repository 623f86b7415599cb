"""Goals as they are written in a parameters file."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, field_validator, model_validator

from crmtools.period import Period
from crmtools.written import Part, Span, Where, Words, read_period


class Target(Part):
    """A target with its basis: an absolute value, a change in points, a relative change, or two bounds.

    ``to: 3.9%`` · ``points: -1.2`` · ``relative: -20%`` · ``between: [40%, 60%]``
    """

    to: float | str | None = None
    points: FiniteFloat | None = None
    relative: str | None = None
    between: tuple[float | str, float | str] | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, written: object) -> object:
        if not isinstance(written, dict):
            raise ValueError(
                "say what the target means: {to: 3.9%} for a value, {points: -1.2} for a change in points, "
                "{relative: -20%} for a relative change"
            )
        return written

    @field_validator("relative", mode="before")
    @classmethod
    def _with_sign(cls, value: object) -> object:
        if value is not None and not re.fullmatch(r"[+-]?\d+(\.\d+)?\s*%", str(value).strip()):
            raise ValueError("write a relative change with its per-cent sign, for example -20%")
        return value

    @model_validator(mode="after")
    def _one_basis(self) -> "Target":
        if sum(item is not None for item in (self.to, self.points, self.relative, self.between)) != 1:
            raise ValueError("give exactly one of to, points, relative, between")
        return self


class GoalOwner(Part):
    """Who answers for a goal: ``Service``, ``{department: {en: Service, zh: 客服部}, person: Li Na}``."""

    department: Words
    person: str = ""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, written: object) -> object:
        bare = isinstance(written, str) or (isinstance(written, dict) and set(written) == {"en", "zh"})
        return {"department": written} if bare else written


PathKind = Literal["linear", "working_days", "seasonal", "delayed", "logistic", "points"]


class GoalPath(Part):
    """How the value is expected to move from baseline to target.

    ``linear`` · ``working_days`` · ``seasonal`` · ``logistic`` · ``{delayed: 2025-04-01}`` (nothing is expected before that
    day) · ``{points: {2025-06-30: 4.5%, 2025-12-31: 4.1%}}`` (what shall be reached by the end of these days).
    """

    kind: PathKind = "linear"
    delayed: date | None = None
    points: dict[date, float | str] = {}

    @model_validator(mode="before")
    @classmethod
    def _short(cls, written: object) -> object:
        if isinstance(written, str) and written in ("linear", "working_days", "seasonal", "logistic"):
            return {"kind": written}
        if isinstance(written, dict) and len(written) == 1 and set(written) <= {"delayed", "points"}:
            return {"kind": next(iter(written)), **written}
        if isinstance(written, dict) and (not written or "kind" in written):
            return written
        raise ValueError(
            "write linear, working_days, seasonal or logistic, {delayed: 2025-04-01} or {points: {2025-06-30: 4.5%}}"
        )


class Guardrail(Part):
    """What must not suffer while a goal is pursued: another indicator and the bound it has to keep."""

    indicator: str
    stay_above: float | str | None = None
    stay_below: float | str | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> "Guardrail":
        if (self.stay_above is None) == (self.stay_below is None):
            raise ValueError("give exactly one of stay_above, stay_below")
        return self

    @property
    def bound(self) -> float | str:
        """The bound as it is written."""
        return self.stay_above if self.stay_above is not None else self.stay_below  # type: ignore[return-value]


class Revision(Part):
    """A change of the goal since it was set: when, what, why."""

    day: Annotated[date, Field(alias="date")]
    what: Words


GoalKind = Literal["reach", "increase", "decrease", "stay_above", "stay_below", "range", "establish_baseline"]
CONTROLS: tuple[GoalKind, ...] = ("stay_above", "stay_below", "range")
"""Goals to keep a bound: they begin nowhere else and have no way to go."""


class GoalSettings(Part):
    """A goal as it is written down."""

    indicator: str
    by: date
    kind: GoalKind = "reach"
    target: Target | None = None
    baseline: Span | float | str | None = None
    from_: Annotated[date | None, Field(alias="from")] = None
    where: Where = {}
    id: str = ""
    name: Words | None = None
    owner: GoalOwner | None = None
    weight: Annotated[FiniteFloat, Field(gt=0)] = 1.0
    matters: Annotated[FiniteFloat, Field(gt=0)] | None = None
    path: GoalPath = GoalPath()
    guardrails: tuple[Guardrail, ...] = ()
    outcome: str = ""
    action: Words | None = None
    history: tuple[Revision, ...] = ()

    @field_validator("baseline", mode="before")
    @classmethod
    def _baseline(cls, written: object) -> object:
        if isinstance(written, bool):
            raise ValueError("write a period (2024-Q4) or a value")
        if written is None:
            return None
        if isinstance(written, float) or (isinstance(written, str) and written.strip().endswith("%")):
            return written
        if isinstance(written, int) and not 1900 <= written <= 2200:
            return float(written)
        if isinstance(written, str) and re.fullmatch(r"[+-]?\d{1,3}(\.\d+)?", written.strip()):
            return float(written)
        return read_period(written)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "GoalSettings":
        if self.kind == "establish_baseline":
            if self.target is not None or self.baseline is not None:
                raise ValueError("a goal to establish a baseline has neither baseline nor target yet")
            return self
        if self.target is None:
            raise ValueError("a goal needs a target: {to: 3.9%}, {points: -1.2} or {relative: -20%}")
        if (self.target.between is not None) != (self.kind == "range"):
            raise ValueError("kind range and target {between: [low, high]} belong together")
        if self.kind in ("stay_above", "stay_below") and self.target.to is None:
            raise ValueError(f"a goal to {self.kind.replace('_', ' ')} a bound names it as {{to: …}}")
        if self.kind not in CONTROLS and self.baseline is None:
            raise ValueError("write the baseline: a period (2024-Q4) or a value")
        if self.kind in CONTROLS and self.path.kind != "linear":
            raise ValueError("a goal to keep a bound has no path")
        return self

    @model_validator(mode="after")
    def _start_before_end(self) -> "GoalSettings":
        start = self.from_ or (self.baseline.end if isinstance(self.baseline, Period) else None)
        if start is None:
            raise ValueError("a goal without a period as its baseline needs 'from', the day it starts")
        if start >= self.by:
            raise ValueError(f"the goal starts on {start}, which is not before its deadline {self.by}")
        effect = self.path.delayed
        if effect is not None and not start <= effect < self.by:
            raise ValueError(f"the path is delayed to {effect}, which is not between {start} and {self.by}")
        if late := [day for day in self.path.points if not start <= day < self.by]:
            raise ValueError(f"the path has a point on {late[0]}, which is not between {start} and {self.by}")
        return self
