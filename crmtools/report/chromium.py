"""The browser that prints a book; a book is built, checked and published without it."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from crmtools.errors import RunError

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome-headless-shell",
    "chrome",
    "msedge",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FETCHED = Path(sys.prefix) / "browser"
"""Where the tests' set-up puts a browser that the machine lacks."""
MISSING = (
    "No Chromium, Chrome or Edge was found on this machine: install one, or print the pages from your own browser."
)


def find() -> str | None:
    """The command of a browser; ``CRMTOOLS_CHROMIUM`` comes first."""
    named = os.environ.get("CRMTOOLS_CHROMIUM")
    found = (shutil.which(name) for name in (*([named] if named else []), *NAMES, *PLACES))
    return next(filter(None, found), None) or next(map(str, sorted(FETCHED.glob("**/chrome-headless-shell"))), None)


def print_page(page: Path, out: Path, *, seconds: int = 600) -> None:
    """Print a page with its outline as PDF; raises RunError where there is no browser, or it does not do it."""
    command = find()
    if command is None:
        raise RunError(MISSING)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        made = Path(place) / "made.pdf"
        switches = [
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            f"--user-data-dir={place}/profile",
            "--disable-dev-shm-usage",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            switches.append("--no-sandbox")  # it refuses to start for root with one
        switches += ["--no-pdf-header-footer", "--generate-pdf-document-outline", f"--print-to-pdf={made}"]
        try:
            done = subprocess.run(
                [command, *switches, page.as_uri()], capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise RunError(f"{Path(command).name} did not print {out.name} within {seconds} s.") from None
        if not made.is_file():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise RunError(f"{Path(command).name} did not print {out.name}: {said[-1] if said else 'it said nothing'}")
        shutil.move(made, out)
