"""The Sphinx extension of the published book.

It is copied beside the pages of every book (as ``_ext/crmtools_book``), so that a kept run can be built again
with nothing but Jupyter Book: it imports nothing from the rest of crmtools.

Configuration values, all written by :mod:`crmtools.report.project`:

``crm_meta``
    Pieces of the line above each page's title; the first is set bold.
``crm_made``
    HTML that follows them: when the book was made, and by which run.
``crm_editions``
    ``{language: [slugs]}`` of the other languages, for the switch in the header.
``crm_wide``
    Slugs of the pages without a table of contents on the right.
``crm_home``
    What the list on the left calls the first page.
"""

from typing import TYPE_CHECKING, Any

from . import colours, contents, formulas, interface, pages, search

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: "Sphinx") -> dict[str, Any]:
    """Register everything with Sphinx."""
    colours.setup(app)
    contents.setup(app)
    formulas.setup(app)
    interface.setup(app)
    pages.setup(app)
    search.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
