"""The parameters file as frozen models: what to report, from which source, with which definitions and goals.

:func:`crmtools.parameters.load` reads a file into them.
"""

import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationInfo,
    field_validator,
    model_validator,
)

from crmtools.cut_points import cut_problem
from crmtools.errors import CRMError, nearest
from crmtools.period import Period, Step
from crmtools.tables import TABLES
from crmtools.words import LANGUAGES, Language, Text


def _text(written: object) -> Text:
    if isinstance(written, Text):
        return written
    if isinstance(written, str) and written.strip():
        return Text(zh=written, en=written)
    if isinstance(written, dict) and set(written) == {"en", "zh"} and all(isinstance(v, str) for v in written.values()):
        return Text(zh=written["zh"], en=written["en"])
    raise ValueError("write a text, or both languages: {en: …, zh: …}")


def _period(written: object) -> Period:
    try:
        return Period.parse(written)  # type: ignore[arg-type]
    except CRMError as error:
        raise ValueError(str(error)) from None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


Words = Annotated[Text, BeforeValidator(_text)]
Span = Annotated[Period, BeforeValidator(_period)]
Where = dict[str, str | list[str]]


class Report(_Part):
    """What the report is about and how it is cut."""

    title: Words
    as_of: date
    period: Span
    languages: tuple[Language, ...] = LANGUAGES
    compare: tuple[Literal["previous", "year_ago"], ...] = ("previous", "year_ago")
    segments: tuple[str, ...] = ()
    currency: str = "CNY"
    time_zone: str = "Asia/Shanghai"
    trend: Step | None = None
    trend_length: Annotated[int, Field(ge=2, le=120)] = 12
    indicators: tuple[str, ...] | None = None
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95

    @field_validator("currency")
    @classmethod
    def _three_letters(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Z]{3}", value):
            raise ValueError("write the three letters of ISO 4217, for example CNY")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone; write an IANA name such as Asia/Shanghai or Europe/Berlin") from None
        return value

    @field_validator("languages")
    @classmethod
    def _some_language(cls, value: tuple[Language, ...]) -> tuple[Language, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError("name en, zh or both, each once")
        return value

    @property
    def step(self) -> Step:
        """The step of trends: as written, else the period's own, so that points and targets mean the same."""
        return self.trend or ("month" if self.period.kind == "days" else self.period.kind)

    @model_validator(mode="after")
    def _period_is_over(self) -> "Report":
        if self.period.last_day > self.as_of:
            raise ValueError(
                f"period {self.period.id} ends on {self.period.last_day}, after as_of {self.as_of}: "
                "report a period that is over, or move as_of"
            )
        return self


class Listing(_Part):
    """A file that lists ids; rows whose id is in it get ``yes``, the others ``no``."""

    file: str
    column: Annotated[int, Field(ge=1)] = 1
    encoding: str = "utf-8"


Leniency = Literal["empty", "missing", "unparsed", "values", "duplicates", "orphans", "order", "negative"]


class TableSource(_Part):
    """How one table of the source differs from the neutral schema."""

    file: str | None = None
    sheet: str | None = None
    derive: Literal["orders"] | None = None
    header: bool | list[str] = True
    delimiter: str | None = None
    encoding: str = "utf-8"
    columns: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    formats: dict[str, str] = {}
    lists: dict[str, Listing] = {}
    leave_out: tuple[Leniency, ...] = ()

    @model_validator(mode="after")
    def _one_origin(self) -> "TableSource":
        if self.file and self.derive:
            raise ValueError("a table comes from a file or is derived, not both")
        return self


class Source(_Part):
    """Where the data are: a folder of files, a DuckDB file, or the built-in demo company."""

    folder: str | None = None
    duckdb: str | None = None
    demo: "Demo | None" = None
    tables: dict[str, TableSource] = {}
    keep_personal: dict[str, str] = {}
    pseudonyms: bool = True

    @model_validator(mode="after")
    def _one_kind(self) -> "Source":
        if sum(kind is not None for kind in (self.folder, self.duckdb, self.demo)) != 1:
            raise ValueError("name exactly one of folder, duckdb, demo")
        return self

    @field_validator("tables")
    @classmethod
    def _known_tables(cls, value: dict[str, TableSource]) -> dict[str, TableSource]:
        unknown = [f"'{name}' is no table. {nearest(name, TABLES)}" for name in value if name not in TABLES]
        if unknown:
            raise ValueError("; ".join(unknown))
        return value


class Demo(_Part):
    """The simulated company: the general one, a telecom company, or an online shop."""

    company: Literal["demo", "telecom", "shop"] = "demo"
    customers: Annotated[int, Field(ge=200, le=2_000_000)] = 5000
    months: Annotated[int, Field(ge=30, le=120)] = 36
    seed: int = 20251231
    as_of: date = date(2025, 12, 31)


class Target(_Part):
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


class GoalOwner(_Part):
    """Who answers for a goal."""

    department: Words
    person: str = ""


PathKind = Literal["linear", "working_days", "seasonal", "delayed", "logistic", "points"]


class GoalPath(_Part):
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


class Guardrail(_Part):
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


class Revision(_Part):
    """A change of the goal since it was set: when, what, why."""

    day: Annotated[date, Field(alias="date")]
    what: Words


GoalKind = Literal["reach", "increase", "decrease", "stay_above", "stay_below", "range", "establish_baseline"]
CONTROLS: tuple[GoalKind, ...] = ("stay_above", "stay_below", "range")
"""Goals to keep a bound: they begin nowhere else and have no way to go."""


class GoalSettings(_Part):
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
        return _period(written)

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


class Lifetime(_Part):
    """How the lifetime-value chapter fits its model; ``resolution`` is what counts as one purchase, ``unit`` what ages are given in."""

    unit: Literal["days", "weeks", "months"] = "weeks"
    resolution: Literal["days", "weeks", "months"] = "days"
    calibration_until: date | None = None
    where: Where = {}
    horizon_months: Annotated[int, Field(ge=1, le=120)] = 12
    annual_discount: Annotated[float, Field(ge=0, lt=1)] = 0.10
    margin: Annotated[float, Field(gt=0, le=1)] = 1.0


def _cuts(written: object, info: ValidationInfo) -> object:
    if written is not None and (problem := cut_problem(str(info.field_name), written)):
        raise ValueError(problem)
    return written


Cuts = Annotated[tuple[float, float, float, float] | None, BeforeValidator(_cuts)]


class RfmCuts(_Part):
    """Four cut points per measure; a measure without is cut at its fifths. A value equal to a cut lies below it."""

    recency_days: Cuts = None
    frequency: Cuts = None
    monetary: Cuts = None


class RfmSettings(_Part):
    """How customers are scored: cut points, and how many days back purchases count (all, when not given)."""

    cuts: RfmCuts = RfmCuts()
    window_days: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _inside_the_window(self) -> "RfmSettings":
        days = self.cuts.recency_days
        if days and self.window_days and days[-1] >= self.window_days:
            raise ValueError(
                f"cuts.recency_days ends at {days[-1]:g}, but purchases count {self.window_days} days back: "
                "nobody could lie above it"
            )
        return self


class Run(_Part):
    """How the notebooks are run; ``at_once`` is by default one more than there are cores, since kernels wait for each other."""

    at_once: Annotated[int, Field(ge=1, le=64)] | None = None
    cell_seconds: Annotated[int, Field(ge=1)] = 300
    chapters: tuple[str, ...] | None = None

    @property
    def kernels(self) -> int:
        """How many notebooks are run at a time."""
        return (
            self.at_once
            or min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 63) + 1
        )


class Publish(_Part):
    """What is published, and how much of it."""

    keep: Annotated[int, Field(ge=1)] = 12
    smallest_group: Annotated[int, Field(ge=1)] = 10


class Settings(_Part):
    """A whole parameters file."""

    report: Report
    source: Source
    definitions: dict[str, dict[str, float | int | str | bool]] = {}
    goals: tuple[GoalSettings, ...] = ()
    lifetime: Lifetime = Lifetime()
    rfm: RfmSettings = RfmSettings()
    run: Run = Run()
    publish: Publish = Publish()
    path: Annotated[Path, Field(exclude=True)] = Path("parameters/unnamed.yml")

    @property
    def name(self) -> str:
        """The report's name: the file's name without its ending."""
        return self.path.stem

    @property
    def root(self) -> Path:
        """The folder that relative paths start from: the one that holds ``parameters/``, else the file's own."""
        folder = self.path.resolve().parent
        return folder.parent if folder.name == "parameters" else folder
