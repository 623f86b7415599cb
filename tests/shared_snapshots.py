"""One folder of snapshots for the small reports of a test session, whichever worker runs them.

What one test has asked of the tiny company is not asked again, as in a report's second run. Answers are kept by the data, the
parameters and the code, so a test that changes any of these asks for itself.
"""

import os
from pathlib import Path

SHARED = "CRMTOOLS_TEST_SNAPSHOTS"
"""The variable that names the folder."""


def share_snapshots(root: Path) -> None:
    """Let a new project take part; pseudonyms are part of the data, so all have the same key."""
    home = root / ".crmtools"
    if (place := os.environ.get(SHARED)) and not home.exists():
        home.mkdir(parents=True)
        (home / "pseudonym.key").write_text("one key for all of these tests", encoding="utf-8")
        (home / "snapshots").symlink_to(place, target_is_directory=True)
