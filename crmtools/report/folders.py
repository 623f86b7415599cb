"""Where a report takes its notebooks and hand-written pages from."""

from pathlib import Path

import crmtools
from crmtools.settings import Settings

PROJECT = Path(crmtools.__file__).parent.parent
BOOK = PROJECT / "book"
"""The hand-written pages, style sheets and scripts of the project."""


def notebooks_folder(settings: Settings) -> Path:
    """Where the notebooks of a report are: beside its parameters folder, else those of the project."""
    own = settings.root / "notebooks"
    return own if own.is_dir() else PROJECT / "notebooks"
