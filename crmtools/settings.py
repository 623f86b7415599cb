"""The parameters file as frozen models: what to report, from which source, with which definitions and goals.

:func:`crmtools.parameters.load` reads a file into them.
"""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from crmtools.alert_settings import AlertRule, Sink
from crmtools.cores import cores
from crmtools.cut_points import cut_problem
from crmtools.errors import nearest
from crmtools.goal_settings import GoalSettings
from crmtools.part_names import part_asked, part_name
from crmtools.period import Step
from crmtools.tables import TABLES
from crmtools.words import LANGUAGES, Language
from crmtools.written import Part, Span, Where, Words


class Report(Part):
    """What the report is about and how it is cut."""

    title: Words
    as_of: date
    period: Span
    languages: tuple[Language, ...] = LANGUAGES
    compare: tuple[Literal["previous", "year_ago"], ...] = ("previous", "year_ago")
    segments: tuple[str, ...] = ()
    only: dict[str, str] = {}
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

    @field_validator("only")
    @classmethod
    def _one_part(cls, value: dict[str, str]) -> dict[str, str]:
        if len(value) > 1 or not all(name.strip() and word.strip() for name, word in value.items()):
            raise ValueError("name one attribute of the customers and one value of it, for example {region: north}")
        return value

    @property
    def part(self) -> tuple[str, str] | None:
        """Attribute and value of the customers that the report is about; None where it is about all."""
        return next(iter(self.only.items()), None)

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


class Listing(Part):
    """A file that lists ids; rows whose id is in it get ``yes``, the others ``no``."""

    file: str
    column: Annotated[int, Field(ge=1)] = 1
    encoding: str = "utf-8"


Leniency = Literal["empty", "missing", "unparsed", "values", "duplicates", "orphans", "order", "negative"]


class TableSource(Part):
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


class Source(Part):
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


class Demo(Part):
    """The simulated company: the general one, a telecom company, or an online shop."""

    company: Literal["demo", "telecom", "shop"] = "demo"
    customers: Annotated[int, Field(ge=200, le=2_000_000)] = 5000
    months: Annotated[int, Field(ge=30, le=120)] = 36
    seed: int = 20251231
    as_of: date = date(2025, 12, 31)


class Lifetime(Part):
    """How the lifetime-value chapter fits its model; ``resolution`` is what counts as one purchase, ``unit`` what ages are given in.

    ``horizon_months``, ``annual_discount`` and ``margin`` are the terms of every value to come: of the chapter, and of the indicators
    that take them, where ``definitions`` gives one no other. The defaults are those that the indicators declare.
    """

    unit: Literal["days", "weeks", "months"] = "weeks"
    resolution: Literal["days", "weeks", "months"] = "days"
    calibration_until: date | None = None
    where: Where = {}
    horizon_months: Annotated[int, Field(ge=1, le=120)] = 36
    annual_discount: Annotated[float, Field(ge=0, lt=1)] = 0.10
    margin: Annotated[float, Field(gt=0, le=1)] = 0.4

    @property
    def terms(self) -> dict[str, int | float]:
        """How money to come is counted, by the names that indicators give it."""
        return {"horizon_months": self.horizon_months, "annual_discount": self.annual_discount, "margin": self.margin}


def _cuts(written: object, info: ValidationInfo) -> object:
    if written is not None and (problem := cut_problem(str(info.field_name), written)):
        raise ValueError(problem)
    return written


Cuts = Annotated[tuple[float, float, float, float] | None, BeforeValidator(_cuts)]


class RfmCuts(Part):
    """Four cut points per measure; a measure without is cut at its fifths. A value equal to a cut lies below it."""

    recency_days: Cuts = None
    frequency: Cuts = None
    monetary: Cuts = None


class RfmSettings(Part):
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


class Run(Part):
    """How the notebooks are run, and what they may use: seconds for a cell, a notebook and all notebooks together, megabytes for a
    notebook (by default four fifths of the machine's).

    ``at_once`` is by default one more than there are cores, since kernels wait for each other.
    """

    at_once: Annotated[int, Field(ge=1, le=64)] | None = None
    cell_seconds: Annotated[int, Field(ge=1)] = 300
    notebook_seconds: Annotated[int, Field(ge=1)] = 1_800
    run_seconds: Annotated[int, Field(ge=1)] = 14_400
    memory_mb: Annotated[int, Field(ge=200)] | None = None
    chapters: tuple[str, ...] | None = None

    @property
    def kernels(self) -> int:
        """How many notebooks are run at a time."""
        return self.at_once or min(cores(), 63) + 1


class Publish(Part):
    """What is published, and how much of it."""

    keep: Annotated[int, Field(ge=1)] = 12
    smallest_group: Annotated[int, Field(ge=1)] = 10


class SetAside(Part):
    """A goal that is not about a part of the customers: what it is called, and why it is left out of the part's report."""

    name: Words
    why: Words


class Settings(Part):
    """A whole parameters file.

    ``set_aside`` are its goals that a report of some customers leaves out (:mod:`crmtools.part_of_customers`).
    """

    report: Report
    source: Source
    definitions: dict[str, dict[str, float | int | str | bool]] = {}
    goals: tuple[GoalSettings, ...] = ()
    lifetime: Lifetime = Lifetime()
    rfm: RfmSettings = RfmSettings()
    run: Run = Run()
    publish: Publish = Publish()
    alerts: tuple[AlertRule, ...] = ()
    sinks: dict[str, Sink] = {}
    set_aside: tuple[SetAside, ...] = ()
    path: Annotated[Path, Field(exclude=True)] = Path("parameters/unnamed.yml")
    asked: Annotated[str, Field(exclude=True)] = ""

    @property
    def name(self) -> str:
        """The report's name: the file's name without its ending, and the customers where it is about some only.

        Book, history, runs, lock, alerts and remembered pages go by it: those of a part are apart from those of the whole.
        """
        return part_name(self.path.stem, self.report.part) if self.report.part else self.path.stem

    @property
    def reference(self) -> str:
        """What a notebook opens the same report by: the file, the period where another one was asked for, and the customers."""
        return f"{self.path.resolve()}{'@' * bool(self.asked)}{self.asked}{self.customers}"

    @property
    def customers(self) -> str:
        """What stands behind the name of the file where the report is about some customers only."""
        return f"#{part_asked(*self.report.part)}" if self.report.part else ""

    @property
    def root(self) -> Path:
        """The folder that relative paths start from: the one that holds ``parameters/``, else the file's own."""
        return root_of(self.path)


def root_of(parameters: Path) -> Path:
    """The folder that the relative paths of a parameters file start from."""
    folder = parameters.resolve().parent
    return folder.parent if folder.name == "parameters" else folder
