"""The sources of indicators as readable text, from ``book/references.bib``."""

from collections.abc import Mapping
from pathlib import Path

from pybtex.database import BibliographyDataError, parse_file
from pybtex.plugin import find_plugin
from pybtex.scanner import TokenRequired

from crmtools.errors import RunError


def citations(file: Path) -> Mapping[str, str]:
    """Key → the full reference as plain text; raises RunError when the file is not BibTeX."""
    if not file.is_file():
        return {}
    try:
        entries = parse_file(str(file), bib_format="bibtex")
        style = find_plugin("pybtex.style.formatting", "plain")()
        formatted = style.format_bibliography(entries)
        text = find_plugin("pybtex.backends", "text")()  # looked up once: it looks into every package that is installed
        return {entry.key: entry.text.render(text) for entry in formatted}
    except (BibliographyDataError, TokenRequired) as error:
        raise RunError(f"{file.name} is not BibTeX: {error}") from None
