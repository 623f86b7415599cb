"""What the theme's pages lack for people who do not see them or use no mouse, put right after the build.

Each is a finding of axe-core; ``tests/test_end_to_end.py`` runs it on every page.
"""

import re

from crmtools.words import Language, Text

BELOW = Text("展开或收起下级页面", "Show or hide the pages below")

# a name that is not what the button says: people who speak to their machine say what they see
NAMED_OTHERWISE = re.compile(r'(<button class="[^"]*search-button-field[^"]*"[^>]*?)\s+aria-label="[^"]*"')
FOLD_NAMED_OTHERWISE = re.compile(r'<summary aria-label="[^"]*">(?=\s*<p\b)')
FOLD_WITHOUT_NAME = re.compile(r'<summary>(?=<span class="toctree-toggle")')
# a list whose members say that they are something else
LIST_OF_SOURCES = re.compile(r'<div role="list" class="citation-list">')


def mended(page: str, language: Language) -> str:
    """A page with names where there were none or others."""
    page = NAMED_OTHERWISE.sub(r"\1", page)
    page = FOLD_NAMED_OTHERWISE.sub("<summary>", page)
    page = FOLD_WITHOUT_NAME.sub(f'<summary aria-label="{BELOW.to(language)}">', page)
    return LIST_OF_SOURCES.sub('<div class="citation-list">', page)
