"""The sources of indicators as readable text, from ``book/references.bib``."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pybtex.database import BibliographyDataError, parse_string
from pybtex.plugin import find_plugin
from pybtex.scanner import TokenRequired

from crmtools.errors import RunError


def citations(file: Path) -> Mapping[str, str]:
    """Key → the full reference as plain text; raises RunError when the file is not BibTeX."""
    if not file.is_file():
        return {}
    try:
        return _formatted(file.read_text(encoding="utf-8"))
    except (BibliographyDataError, TokenRequired) as error:
        raise RunError(f"{file.name} is not BibTeX: {error}") from None


@cache
def _formatted(written: str) -> Mapping[str, str]:
    """The editions of a book have the same sources: they are put into words once."""
    entries = parse_string(written, "bibtex")
    style = find_plugin("pybtex.style.formatting", "plain")()
    formatted = style.format_bibliography(entries)
    text = find_plugin("pybtex.backends", "text")()  # looked up once: it looks into every package that is installed
    return {entry.key: entry.text.render(text) for entry in formatted}
