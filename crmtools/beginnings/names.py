"""Names for what is begun: legal, and not taken by anything that the book or the package has already."""

import builtins
import keyword
import re
from collections.abc import Mapping

from crmtools.errors import CRMError
from crmtools.goals.named import goal_slug
from crmtools.indicators import CATALOGUE, DIMENSIONS
from crmtools.report.plan import CHAPTERS, GENERATED, GOAL, INDICATOR, WRITTEN
from crmtools.report.project import TAKEN

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
"""What a parameters file reads as no text."""


def check_name(name: str, taken: Mapping[str, str]) -> None:
    """Raise CRMError for a name that cannot be, or that something has; ``taken`` says what has it."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise CRMError(f"'{name}' is no name: use small letters, digits and underscores, as in late_deliveries.")
    if name in taken:
        raise CRMError(f"The name '{name}' is taken by {taken[name]}. Choose another one; nothing was written.")


def check_page(name: str, taken: Mapping[str, str]) -> None:
    """The same for what has a page of its own and is named in code and in parameters files: those of goals are called after the goals."""
    check_name(name, {**pages(), **taken})
    if name in WORDS or hasattr(builtins, name) or keyword.issoftkeyword(name):
        raise CRMError(
            f"'{name}' means something in Python or in a parameters file. Choose another name; nothing was written."
        )
    if name.startswith(goal_slug("")):
        raise CRMError(
            f"The page '{name}' would be that of a goal. Choose a name that does not begin so; nothing was written."
        )


def pages() -> dict[str, str]:
    """What pages of a book are called already."""
    found = dict.fromkeys(CATALOGUE, "an indicator")
    found |= dict.fromkeys(DIMENSIONS, "a dimension of the catalogue")
    found |= dict.fromkeys((*WRITTEN, *GENERATED, *TAKEN, "index"), "a page of the book")
    found |= dict.fromkeys(CHAPTERS, "a chapter")
    return found | dict.fromkeys((INDICATOR, GOAL), "a notebook that is run many times")
