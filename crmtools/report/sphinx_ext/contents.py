"""The list of pages on the left, written straight from the table of contents.

It is what the theme writes, to the letter. The theme makes it of a tree of nodes that is copied, printed, read again by a
parser and printed twice, for every page anew: a quarter of the time of a build.
"""

import html
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

TOGGLE = '<summary><span class="toctree-toggle" role="presentation"><i class="fa-solid fa-chevron-down"></i></span></summary>'
CAPTION = '<p aria-level="2" class="caption" role="heading"><span class="caption-text">{}</span></p>\n'


def ancestors(env: "BuildEnvironment", page: str) -> set[str]:
    """A page and all that it stands below; empty where it is in no list."""
    above = {child: parent for parent, children in env.toctree_includes.items() for child in children}
    found: set[str] = set()
    while page in above and page not in found:
        found.add(page)
        page = above[page]
    return found


def page_list(env: "BuildEnvironment", page: str, address: Callable[[str], str], *, deepest: int) -> str:
    """The list as one page has it: its parts, and the pages below those that lead to it, down to the level ``deepest``."""
    here = ancestors(env, page)

    def items(tree: addnodes.toctree, level: int) -> Iterator[str]:
        for title, name in tree["entries"]:
            leads = name in here
            below = "".join(part(one, level + 1) for one in trees(env.tocs[name])) if leads and level < deepest else ""
            if below:
                below = f'<details open="open">{TOGGLE}{below}</details>'
            item = f"toctree-l{level}{' current active' * leads}{' has-children' * bool(below)}"
            link = f"{'current ' * (name == page)}reference internal"
            said = html.escape(title or env.titles[name].astext(), quote=False)
            yield f'<li class="{item}"><a class="{link}" href="{address(name)}">{said}</a>{below}</li>\n'

    def part(tree: addnodes.toctree, level: int) -> str:
        leads = any(name in here for _, name in tree["entries"])
        names = " ".join([*["current"] * leads, *["nav bd-sidenav"] * (level == 1)])
        start = f'<ul class="{names}">' if names else "<ul>"
        return f"{start}\n{''.join(items(tree, level))}</ul>\n"

    return "".join(
        (CAPTION.format(html.escape(tree["caption"], quote=False)) if tree.get("caption") else "") + part(tree, 1)
        for tree in trees(env.tocs[env.config.root_doc])
    )


def trees(toc: nodes.Node) -> list[addnodes.toctree]:
    """The lists of pages that stand on a page."""
    return list(toc.findall(addnodes.toctree))


def add_list(
    app: "Sphinx", pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Offer the list to the template of the left side."""
    deepest = int(context["theme_max_navbar_depth"])
    context["crm_page_list"] = page_list(app.env, pagename, context["pathto"], deepest=deepest)


def setup(app: "Sphinx") -> None:
    """Make the list before the theme fills in the templates."""
    app.connect("html-page-context", add_list, priority=400)
