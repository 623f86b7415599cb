"""A real Chromium for tests, driven over its own protocol: pages of a book as a reader's browser shows them."""

import base64
import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import websocket

from crmtools.report.chromium import find as chromium

PATIENCE = 60
QUIET = 0.05
"""Seconds without a message after which a page is taken to have come to rest."""
SWITCHES = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--remote-debugging-port=0",
    "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking",
)  # fmt: skip
LOCAL = ("file:", "data:", "blob:", "about:", "chrome")


@dataclass
class Seen:
    """What a page did while it was open."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def remote(self) -> list[str]:
        """Requests that left the disk."""
        return [url for url in self.requests if not url.startswith(LOCAL)]


class Tab:
    """One tab; its pages are opened one after the other."""

    def __init__(self, address: str) -> None:
        self._line = websocket.create_connection(address, timeout=PATIENCE, suppress_origin=True)
        self._numbers = count(1)
        self.seen = Seen()
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **given: Any) -> dict[str, Any]:
        """Ask the browser for something and wait for its answer."""
        number = next(self._numbers)
        self._line.send(json.dumps({"id": number, "method": method, "params": given}))
        while True:
            message = json.loads(self._line.recv())
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return dict(message["result"])
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                details = told["exceptionDetails"]
                self.seen.errors.append(details.get("exception", {}).get("description") or details["text"])
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "assert"):
                self.seen.errors.append(" ".join(str(one.get("value", one.get("description"))) for one in told["args"]))
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.seen.errors.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
            case "Network.requestWillBeSent":
                self.seen.requests.append(told["request"]["url"])
            case "Page.javascriptDialogOpening":
                self.seen.errors.append(f"a dialog: {told['message']}")

    def open(self, page: Path | str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Seen:
        """Open a page at a width of window and in a mode of colours; what it did until it had come to rest."""
        self.seen = Seen()
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        wanted = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", media="screen", features=wanted)
        self.ask("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        self.wait_for("document.readyState === 'complete'")
        self.rest()
        return self.seen

    def rest(self) -> None:
        """Until the browser has said nothing for a moment."""
        self._line.settimeout(QUIET)
        try:
            while True:
                self._note(json.loads(self._line.recv()))
        except websocket.WebSocketTimeoutException:
            pass
        finally:
            self._line.settimeout(PATIENCE)

    def js(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        told = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        return told["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """Until an expression is true in the page."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                if value := self.js(expression):
                    return value
            except RuntimeError:  # between two documents there is no place to ask
                pass
            if time.monotonic() > until:
                raise TimeoutError(expression)
            time.sleep(0.01)

    def pdf(self) -> bytes:
        """The page as it would be printed."""
        return base64.b64decode(self.ask("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def picture(self, file: Path) -> None:
        """A screenshot of the window."""
        file.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))


@contextmanager
def browser() -> Iterator[Tab]:
    """A browser with one tab; ended, and its folder removed, at the end."""
    command = chromium()
    assert command is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        process = subprocess.Popen(
            [command, *SWITCHES, f"--user-data-dir={place}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            tab = Tab(_tab_of(Path(place) / "DevToolsActivePort"))
            try:
                yield tab
            finally:
                tab.close()
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _tab_of(port_file: Path) -> str:
    """Where the first tab listens; the browser writes its port as soon as it has one."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            port = port_file.read_text().split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=PATIENCE) as answer:
                tabs = [tab for tab in json.load(answer) if tab["type"] == "page"]
            return str(tabs[0]["webSocketDebuggerUrl"])
        except (OSError, IndexError, ValueError):
            time.sleep(0.05)
    raise TimeoutError("Chromium did not start")
