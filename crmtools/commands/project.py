"""The project that is worked in, and its parameters files."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crmtools.settings import Settings


def settings_of(name: str) -> "Settings":
    """The settings of a parameters file, or of a report's name."""
    from crmtools.asked import read_settings

    return read_settings(name)


def project() -> Path:
    """The project that is worked in: the nearest folder upwards with parameters files, else this one."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "parameters").is_dir()), here)
