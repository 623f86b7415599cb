"""Fetch what the tests in a real browser need into the environment: axe-core from npm, and a Chromium where there is none.

Best effort: without them those tests are skipped and say why. `make test` runs it once.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from crmtools.report.chromium import FETCHED as HERE
from crmtools.report.chromium import find as chromium

AXE = "4.14.1"


def axe() -> Path | None:
    """The script of axe-core, where it was fetched."""
    file = HERE / f"axe-{AXE}.min.js"
    return file if file.is_file() else None


def fetch_axe() -> None:
    """axe-core as npm packs it."""
    with tempfile.TemporaryDirectory() as place:
        ask = ["npm", "pack", f"axe-core@{AXE}", "--silent", "--pack-destination", place]
        subprocess.run(ask, check=True, capture_output=True, timeout=120)
        (packed,) = Path(place).glob("*.tgz")
        with tarfile.open(packed) as archive:
            script = archive.extractfile("package/axe.min.js")
            assert script is not None
            (HERE / f"axe-{AXE}.min.js").write_bytes(script.read())


def fetch_chromium() -> None:
    """The browser without a window that Chrome's makers offer for tests."""
    ask = ["npx", "--yes", "@puppeteer/browsers", "install", "chrome-headless-shell@stable", "--path", str(HERE)]
    subprocess.run(ask, check=True, capture_output=True, timeout=300)


def main() -> None:
    """Fetch what is missing; say what could not be."""
    HERE.mkdir(exist_ok=True)
    for what, there, fetch in (("axe-core", axe, fetch_axe), ("Chromium", chromium, fetch_chromium)):
        if there() is not None:
            continue
        try:
            fetch()
        except (OSError, subprocess.SubprocessError, tarfile.TarError, ValueError) as error:
            sys.stderr.write(f"{what} could not be fetched ({type(error).__name__}): tests that need it are skipped.\n")
    (HERE / "tried").touch()


if __name__ == "__main__":
    main()
