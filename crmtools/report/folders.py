"""Where a report takes its notebooks and hand-written pages from."""

from pathlib import Path

import crmtools

PROJECT = Path(crmtools.__file__).parent.parent
BOOK = PROJECT / "book"
"""The hand-written pages, style sheets and scripts of the project."""


def notebooks_folder(root: Path) -> Path:
    """Where the notebooks of a report are: in its project, else in that of the package."""
    own = root / "notebooks"
    return own if own.is_dir() else PROJECT / "notebooks"
