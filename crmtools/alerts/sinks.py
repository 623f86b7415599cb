"""Telling somebody: a file, a webhook, mail, a command.

What is told is the same everywhere: a JSON object with ``report``, ``run_id``, ``period``, ``new``, ``still``, ``resolved`` and a
``text`` to be read (which chat programs show). Secrets come from environment variables and are cut out of whatever is said
about a failure.
"""

import json
import os
import smtplib
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from http.client import HTTPException
from pathlib import Path
from typing import Any

from crmtools.alert_settings import Sink
from crmtools.alerts.alert import Alert
from crmtools.errors import RunError
from crmtools.words import Language, Text

PAUSE = 0.5
"""Seconds before the first retry; each further one waits twice as long."""
LASTING = (408, 425, 429, *range(500, 600))
"""Answers of a web server after which it is worth asking again."""
HEADS = {"new": Text("新告警", "New"), "still": Text("持续", "Still"), "resolved": Text("已解除", "Resolved")}
HIDDEN = "•••"


@dataclass(frozen=True, slots=True)
class Message:
    """What a sink is told about a run. ``resolved`` are alerts of earlier runs that no longer hold."""

    report: str
    title: Text
    run_id: str
    period: str
    new: tuple[Alert, ...]
    still: tuple[Alert, ...] = ()
    resolved: tuple[Alert, ...] = ()

    def subject(self, language: Language) -> str:
        """One line."""
        said = Text(
            f"{self.title.zh}（{self.period}）：{len(self.new)} 条新告警，{len(self.resolved)} 条已解除",
            f"{self.title.en}, {self.period}: {len(self.new)} new, {len(self.resolved)} resolved",
        ).to(language)
        return " ".join(said.split())  # a line break would begin another header

    def text(self, language: Language) -> str:
        """All of it, for people."""
        lines = [self.subject(language)]
        for head, name in HEADS.items():
            alerts: tuple[Alert, ...] = getattr(self, head)
            if alerts:
                lines += ["", name.to(language), *(f"- {one.text.to(language)}" for one in alerts)]
        return "\n".join(lines)

    def to_dict(self, language: Language) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "report": self.report,
            "run_id": self.run_id,
            "period": self.period,
            "text": self.text(language),
            **{head: [one.to_dict() for one in getattr(self, head)] for head in HEADS},
        }


def tell(sink: Sink, message: Message, *, root: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Tell one sink; raises RunError that says why it could not be told, without its secrets."""
    if missing := [name for name in sink.variables if not environment.get(name)]:
        raise RunError(f"the environment variable {missing[0]} is not set")
    secrets = [environment[name] for name in sink.variables]
    ways: dict[str, Callable[[], None]] = {
        "file": lambda: _append(root / (sink.file or ""), message, sink),
        "webhook": lambda: _post(sink.webhook or "", message, sink, environment),
        "webhook_env": lambda: _post(environment[sink.webhook_env or ""], message, sink, environment),
        "smtp": lambda: _mail(message, sink, environment),
        "command": lambda: _call(message, sink, root),
    }
    way = next(name for name in ways if getattr(sink, name) is not None)
    try:
        ways[way]()
    except (OSError, HTTPException, ValueError, subprocess.SubprocessError, RunError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise RunError(_without(said, secrets)[:300]) from None


def _without(said: str, secrets: list[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        said = said.replace(secret, HIDDEN)
    return said


def _append(file: Path, message: Message, sink: Sink) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(message.to_dict(sink.language), ensure_ascii=False) + "\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode())  # in one piece: two writers do not mix their lines
    finally:
        os.close(descriptor)


def _post(address: str, message: Message, sink: Sink, environment: Mapping[str, str]) -> None:
    if not address.startswith(("http://", "https://")):
        raise RunError("the address of the webhook does not start with https:// or http://")
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "crmtools"}
    if sink.token_env:
        headers["Authorization"] = f"Bearer {environment[sink.token_env]}"
    body = json.dumps(message.to_dict(sink.language), ensure_ascii=False).encode()
    request = urllib.request.Request(address, data=body, headers=headers, method="POST")
    opener = urllib.request.build_opener(_NoRedirect)
    for pause in _pauses(sink):
        try:
            with opener.open(request, timeout=sink.seconds):
                return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in LASTING or pause is None:
                raise RunError(f"the webhook answered {error.code} {error.reason}") from None
        except (OSError, HTTPException) as error:
            if pause is None:
                reason = getattr(error, "reason", None) or error
                raise RunError(f"the webhook cannot be reached: {reason or type(error).__name__}") from None
        time.sleep(pause)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook that has moved is an error: the token must not follow it to another address."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _mail(message: Message, sink: Sink, environment: Mapping[str, str]) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject(sink.language), sink.sender, ", ".join(sink.to)
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="crmtools.invalid")
    mail.set_content(message.text(sink.language))
    for pause in _pauses(sink):
        try:
            _send(mail, sink, environment)
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPRecipientsRefused, ssl.SSLError) as error:
            raise RunError(f"the mail was refused: {type(error).__name__}") from None
        except (OSError, smtplib.SMTPException) as error:
            if pause is None:
                raise RunError(f"the mail server cannot be used: {error or type(error).__name__}") from None
            time.sleep(pause)
        else:
            return


def _send(mail: EmailMessage, sink: Sink, environment: Mapping[str, str]) -> None:
    host, port = sink.server
    if sink.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=sink.seconds, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(host, port, timeout=sink.seconds)
    with server:
        if sink.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if sink.user_env and sink.password_env:
            server.login(environment[sink.user_env], environment[sink.password_env])
        server.send_message(mail)


def _call(message: Message, sink: Sink, root: Path) -> None:
    text = json.dumps(message.to_dict(sink.language), ensure_ascii=False)
    program = sink.command or ()
    try:
        done = subprocess.run(
            program, input=text, encoding="utf-8", errors="replace", capture_output=True, timeout=sink.seconds, cwd=root
        )
    except subprocess.TimeoutExpired:
        raise RunError(f"{program[0]} did not end within {sink.seconds:g} seconds") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise RunError(f"{program[0]} ended with {done.returncode}{': ' * bool(last)}{last}")


def _pauses(sink: Sink) -> Iterator[float | None]:
    """The pause after each try; None after the last."""
    yield from (PAUSE * 2**number for number in range(sink.retries))
    yield None
