"""What may differ between two books that were made of the same: when they were made, and by which run. Nothing else may.

Each of these stands in an element of the class ``crm-stamp``, with nothing inside but its text. The search index leaves such
elements out (``sphinx_ext/search.py``), and :func:`without_stamps` takes their text away to compare two books byte for byte.
"""

import re
from typing import Literal, get_args

from crmtools.report.blocks import Html, flat

Stamp = Literal["run", "started", "published", "seconds", "taken"]
"""The id of the run; the moment it began; the day of it that readers see; how long a page or a stage took; whether a page was
run or taken from an earlier run, which made the same.
"""

CLASS = "crm-stamp"
STAMPED = re.compile(rf'(<span class="(?:[\w-]+ )*{CLASS}(?: [\w-]+)*">)[^<]*(</span>)')


def stamp(what: Stamp, text: object, *, also: str = "") -> Html:
    """A text that differs from run to run, as HTML; ``also`` are further classes."""
    if what not in get_args(Stamp):
        raise ValueError(f"'{what}' may not differ from run to run.")
    code = f'<span class="{f"{also} {CLASS}".strip()}">{flat(str(text))}</span>'
    return Html(code, number=isinstance(text, int | float))


def without_stamps(page: str) -> str:
    """A page without the texts that may differ."""
    return STAMPED.sub(r"\1\2", page)
