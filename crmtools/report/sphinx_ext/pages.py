"""What every page carries around its text: the line above the title and the switch to the other language."""

import html
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NAMES = {"en": "English", "zh": "中文"}
TAGS = {"en": "en", "zh": "zh-CN"}
WITHOUT_CONTENTS = "html_theme.sidebar_secondary.remove"


def meta_line(pieces: list[str], made: list[str] | None = None) -> str:
    """The line of report, period, dates and run above a title; empty without pieces. ``made`` is HTML already."""
    if not pieces:
        return ""
    first, *rest = (html.escape(piece) for piece in pieces)
    more = [*(f"<span>{piece}</span>" for piece in rest), *(made or [])]
    return f'<div class="crm-meta"><b>{first}</b>{"".join(more)}</div>'


def switches(pagename: str, editions: dict[str, list[str]]) -> list[dict[str, str]]:
    """Where the switch leads: the same page of each other edition, or its first page if it has none."""
    up = "../" * (pagename.count("/") + 1)
    return [
        {
            "href": f"{up}{language}/{pagename if pagename in (*slugs, 'search') else 'index'}.html",
            "label": NAMES[language],
            "tag": TAGS[language],
        }
        for language, slugs in editions.items()
    ]


def add_context(
    app: "Sphinx", pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Fill the templates of one page."""
    context["crm_switches"] = switches(pagename, app.config.crm_editions)
    if doctree is not None:
        context["body"] = meta_line(app.config.crm_meta, app.config.crm_made) + context["body"]
    if pagename == "search":  # the theme writes its title as it is
        context["docstitle"] = html.escape(context["docstitle"])
    if pagename in app.config.crm_wide:
        context["meta"] = {**(context.get("meta") or {}), WITHOUT_CONTENTS: ""}


def name_first_page(
    app: "Sphinx", pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """The first page under its short name in the list on the left."""
    context["root_title"] = app.config.crm_home or context.get("root_title")


def setup(app: "Sphinx") -> None:
    """Register the values and the event."""
    app.add_config_value("crm_meta", [], "html")
    app.add_config_value("crm_made", [], "html")
    app.add_config_value("crm_editions", {}, "html")
    app.add_config_value("crm_wide", [], "html")
    app.add_config_value("crm_home", "", "html")
    # before the theme drops the templates that come out empty
    app.connect("html-page-context", add_context, priority=400)
    # after the theme has filled in the long title
    app.connect("html-page-context", name_first_page, priority=600)
