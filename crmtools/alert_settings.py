"""Alerts as they are written in a parameters file: what is watched, and who is told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from crmtools.errors import nearest
from crmtools.goals.evidence import Evidence
from crmtools.goals.status import PlanStatus
from crmtools.indicators import CATALOGUE
from crmtools.words import Language
from crmtools.written import Part

Watched = Literal["goal", "chance", "limits", "rows_left_out", "data_age", "run"]
Chart = Literal["auto", "p", "u", "individuals", "ewma"]
STATES: tuple[str, ...] = tuple(dict.fromkeys((*get_args(Evidence), *get_args(PlanStatus), "breached")))
"""What a goal may turn: its evidence and plan status, and ``breached`` where a guardrail is broken."""
KEYS: dict[Watched, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "goal": ((), ("goal", "turns")),
    "chance": (("below",), ("goal",)),
    "limits": (("indicator",), ("chart", "points")),
    "rows_left_out": (("above",), ("table",)),
    "data_age": (("days",), ("table",)),
    "run": ((), ()),
}
"""What each kind of alert needs, and what it may have besides."""
ANYWHERE = ("watch", "send")
PORTS = {"starttls": 587, "tls": 465, "none": 25}


def _share(written: object) -> object:
    if isinstance(written, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", written)):
        return float(match[1]) / 100
    return written


class AlertRule(Part):
    """One thing that is watched; ``watch`` says what. ``send`` names sinks, by default all of them.

    ``{watch: goal, goal: nps, turns: [at_risk, missed]}`` · ``{watch: chance, below: 40%}`` ·
    ``{watch: limits, indicator: complaint_rate}`` · ``{watch: rows_left_out, above: 2%}`` · ``{watch: data_age, days: 10}`` ·
    ``{watch: run}``
    """

    watch: Watched
    send: tuple[str, ...] | None = None
    goal: str = "any"
    turns: tuple[str, ...] = ("at_risk", "missed", "breached")
    below: Annotated[float, Field(gt=0, le=1)] | None = None
    indicator: str = ""
    chart: Chart = "auto"
    points: Annotated[int, Field(ge=8)] = 20
    above: Annotated[float, Field(ge=0, lt=1)] | None = None
    table: str = "any"
    days: Annotated[int, Field(ge=0)] | None = None

    @field_validator("below", "above", mode="before")
    @classmethod
    def _per_cent(cls, written: object) -> object:
        return _share(written)

    @field_validator("turns")
    @classmethod
    def _known_states(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [state for state in value if state not in STATES]:
            raise ValueError(f"no goal turns '{unknown[0]}'. {nearest(unknown[0], STATES)}")
        if not value:
            raise ValueError("name at least one state")
        return value

    @model_validator(mode="after")
    def _fits_what_is_watched(self) -> "AlertRule":
        needed, optional = KEYS[self.watch]
        given = self.model_fields_set - set(ANYWHERE)
        wrong = [f"an alert on {self.watch} needs {key}" for key in needed if key not in given]
        extra = sorted(given - {*needed, *optional})
        wrong += [f"an alert on {self.watch} has no {key}" for key in extra]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class Sink(Part):
    """Somebody who is told. Secrets are never written here: ``…_env`` is the name of an environment variable.

    ``{file: runs/alerts.jsonl}`` · ``{webhook: https://…, token_env: NAME}`` or ``{webhook_env: NAME}`` ·
    ``{smtp: mail.example.com, from: …, to: […], user_env: …, password_env: …}`` · ``{command: [notify, --now]}``
    """

    file: str | None = None
    webhook: str | None = None
    webhook_env: str | None = None
    smtp: str | None = None
    command: tuple[str, ...] | None = None
    token_env: str | None = None
    sender: Annotated[str, Field(alias="from")] = ""
    to: tuple[str, ...] = ()
    user_env: str | None = None
    password_env: str | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    language: Language = "en"
    seconds: Annotated[float, Field(gt=0, le=300)] = 10
    retries: Annotated[int, Field(ge=0, le=10)] = 2

    @field_validator("webhook")
    @classmethod
    def _plain_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("write an address that starts with https:// or http://")
        if "@" in parts.netloc or parts.query:
            raise ValueError(
                "keep secrets out of this file: put the address into a variable and name it in webhook_env"
            )
        return value

    @field_validator("webhook_env", "token_env", "user_env", "password_env")
    @classmethod
    def _name_of_a_variable(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", value):
            raise ValueError("write the name of an environment variable in capitals, never the secret itself")
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> "Sink":
        if sum(way is not None for way in (self.file, self.webhook, self.webhook_env, self.smtp, self.command)) != 1:
            raise ValueError("name exactly one of file, webhook, webhook_env, smtp, command")
        if self.command is not None and not self.command:
            raise ValueError("a command has at least its program")
        if self.smtp is not None:
            if not self.sender or not self.to:
                raise ValueError("mail needs from and to")
            host, _, port = self.smtp.partition(":")
            if not host or (port and not port.isdigit()):
                raise ValueError("write smtp as host or host:port")
            if (self.user_env is None) != (self.password_env is None):
                raise ValueError("user_env and password_env belong together")
            if self.user_env and self.security == "none":
                raise ValueError("a password is not sent without encryption: security starttls or tls")
        return self

    @property
    def server(self) -> tuple[str, int]:
        """Host and port of the mail server."""
        host, _, port = (self.smtp or "").partition(":")
        return host, int(port) if port else PORTS[self.security]

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that hold its secrets."""
        return tuple(v for v in (self.webhook_env, self.token_env, self.user_env, self.password_env) if v)


def alert_problems(
    rules: Mapping[int, AlertRule], *, sinks: Sequence[str], goals: Sequence[str], tables: Sequence[str], trend: int
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What alerts name that does not exist: place in the file and message. ``trend`` is ``report.trend_length``."""
    for number, rule in rules.items():
        for name in rule.send or ():
            if name not in sinks:
                yield ("alerts", number, "send"), f"no sink '{name}'. {nearest(name, sinks)}"
        if rule.goal != "any" and rule.goal not in goals:
            yield ("alerts", number, "goal"), f"no goal '{rule.goal}'. {nearest(rule.goal, [*goals, 'any'])}"
        if rule.table != "any" and rule.table not in tables:
            yield ("alerts", number, "table"), f"'{rule.table}' is no table. {nearest(rule.table, [*tables, 'any'])}"
        if rule.watch != "limits":
            continue
        if rule.indicator not in CATALOGUE:
            yield (
                ("alerts", number, "indicator"),
                f"no indicator '{rule.indicator}'. {nearest(rule.indicator, CATALOGUE)}",
            )
        if rule.points >= trend:
            yield (
                ("alerts", number, "points"),
                (
                    f"limits rest on {rule.points} points before the one that is judged, but report.trend_length is {trend}. "
                    f"Write trend_length: {rule.points + 1} or more, or fewer points (8 at least)."
                ),
            )
