"""Make a built book light: what its pages do not use is not given to readers.

The theme brings rules for every component it knows, an icon library of two thousand pictures and, on every page, the search
index. Here stylesheets keep the rules whose classes and ids occur in a page or in a script of the theme, the dozen icons
that occur are drawn by a stylesheet of a few kilobytes, and the index is loaded by the page that searches.
"""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import tinycss2
from tinycss2.ast import AtRule, Node, QualifiedRule

from crmtools.errors import RunError

SEARCH_PAGE = "search"
ICON_SCRIPT = re.compile(r'\s*<script[^>]*src="_static/scripts/fontawesome\.js[^"]*"[^>]*></script>')
SEARCH_SCRIPTS = re.compile(
    r'\s*<script src="(?:_static/(?:searchtools|language_data)|searchindex)\.js[^"]*"></script>'
)
TABS = re.compile(r'\s*<script[^>]*src="_static/design-tabs\.js[^"]*"[^>]*></script>')
NAMES = re.compile(r'\b(?:class|id)="([^"]*)"')
WORD = re.compile(r"[A-Za-z_][\w-]*")
IN_SELECTOR = re.compile(r"[.#]((?:\\.|[\w-])+)")
WITHIN = re.compile(r":(?:not|has|where|is)\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]")
"""Parts of a selector whose names are no condition, or not the only way to meet one."""
SIZES = {"fa-solid", "fa-lg"}
MADE_LATER = {
    "collapsing", "fade", "modal-backdrop", "modal-open", "show", "tooltip", "tooltip-arrow", "tooltip-inner", "bs-tooltip-auto",
    "bs-tooltip-bottom", "bs-tooltip-end", "bs-tooltip-start", "bs-tooltip-top",
}  # fmt: skip
"""Classes that the theme's component library gives to elements of ours when they are used; the rest of it is never seen."""
LIBRARY = "bootstrap.js"
GROUPING = ("media", "supports", "layer", "container")

ICONS = {
    "angle-left": '<path d="M10 3 5 8l5 5"/>',
    "angle-right": '<path d="m6 3 5 5-5 5"/>',
    "arrow-up": '<path d="M8 14V2M3 7l5-5 5 5"/>',
    "bars": '<path d="M2 4h12M2 8h12M2 12h12"/>',
    "chevron-down": '<path d="m3 6 5 5 5-5"/>',
    "circle-half-stroke": '<circle cx="8" cy="8" r="6"/><path d="M8 2a6 6 0 0 1 0 12z" fill="#000"/>',
    "list": '<path d="M2 4h1M2 8h1M2 12h1M6 4h8M6 8h8M6 12h8"/>',
    "magnifying-glass": '<circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 4 4"/>',
    "moon": '<path d="M13.5 10A6 6 0 0 1 6 2.5 6 6 0 1 0 13.500 10z"/>',
    "sun": '<circle cx="8" cy="8" r="3"/><path d="M8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1"/>',
    "xmark": '<path d="m3 3 10 10M13 3 3 13"/>',
}
"""Our drawings of the theme's icons, sixteen units square."""


def slim(static: Path, pages: Mapping[str, str]) -> None:
    """Take out of the ``static`` files of a built edition what none of its ``pages`` (their texts by name) uses.

    Pages look and work as before. Raises RunError for an icon that has no drawing here: a new version of the theme, most likely.
    """
    scripts = {path: path.read_text(encoding="utf8") for path in sorted(static.rglob("*.js"))}
    names = _names(
        pages.values(), [text for path, text in scripts.items() if path.name not in (LIBRARY, "fontawesome.js")]
    )
    for sheet in sorted(static.rglob("*.css")):
        if sheet.name != "crmtools.css":
            sheet.write_text(used_rules(sheet.read_text(encoding="utf8"), names), encoding="utf8")
    shown = static / "crmtools.css"
    if shown.is_file():
        text = shown.read_text(encoding="utf8")
        shown.write_text(text + icons(sorted(name for name in names if name.startswith("fa-"))), encoding="utf8")
    shutil.rmtree(static / "vendor" / "fontawesome", ignore_errors=True)
    for left in static.glob("scripts/fontawesome.js*"):
        left.unlink()


def _names(pages: Iterable[str], scripts: Iterable[str]) -> set[str]:
    """Every class and id of the pages, and every word of the scripts, which may be one."""
    found = {name for page in pages for names in NAMES.findall(page) for name in names.split()}
    return found.union(MADE_LATER, *(WORD.findall(script) for script in scripts))


def light(page: str, *, searches: bool) -> str:
    """A page without the scripts that it does not need; ``searches`` says that it needs the index."""
    page = ICON_SCRIPT.sub("", page)
    if 'class="sd-tab' not in page:
        page = TABS.sub("", page)
    return page if searches else SEARCH_SCRIPTS.sub("", page)


def used_rules(css: str, names: set[str]) -> str:
    """A stylesheet without the rules that need a class or an id that is not among ``names``, and without icon fonts."""
    return _kept(_parsed(css), names)


@lru_cache(maxsize=32)
def _parsed(css: str) -> list[Node]:
    """The editions of a book have the same stylesheets: each is read once."""
    return list(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True))


def _kept(rules: Sequence[Node], names: set[str]) -> str:
    parts = []
    for rule in rules:
        if isinstance(rule, QualifiedRule):
            if chosen := _selectors(tinycss2.serialize(rule.prelude), names):
                parts.append(f"{chosen}{{{tinycss2.serialize(rule.content).strip()}}}")
        elif isinstance(rule, AtRule) and rule.lower_at_keyword in GROUPING and rule.content is not None:
            inner = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
            if kept := _kept(inner, names):
                parts.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{kept}}}")
        elif not (isinstance(rule, AtRule) and rule.lower_at_keyword == "font-face" and "Awesome" in rule.serialize()):
            parts.append(rule.serialize().strip())
    return "\n".join(parts)


def _selectors(prelude: str, names: set[str]) -> str:
    """Those selectors of a list that can match something."""
    return ",".join(one.strip() for one in _apart(prelude) if _can_match(one, names))


def _apart(prelude: str) -> list[str]:
    """A list of selectors cut at its commas, but not at those inside of brackets."""
    return re.split(r",(?![^(\[]*[)\]])", prelude)


def _can_match(selector: str, names: set[str]) -> bool:
    needed = {name.replace("\\", "") for name in IN_SELECTOR.findall(WITHIN.sub("", selector))}
    return needed <= names and not any(name.startswith("fa-") or name in ("fa", "fas", "far", "fab") for name in needed)


def icons(names: Sequence[str]) -> str:
    """Rules that draw the theme's icons, given by their classes: a mask in the colour of the text around it."""
    used = [name.removeprefix("fa-") for name in names if name not in SIZES]
    if not used:
        return ""
    if unknown := [name for name in used if name not in ICONS]:
        raise RunError(
            f"The theme shows icons that have no drawing: {', '.join(unknown)}. Draw them in {Path(__file__).name}."
        )
    every = ".fa-solid{display:inline-block;width:1em;height:1em;vertical-align:-.125em;background:currentColor;"
    every += "mask:var(--crm-icon) center/contain no-repeat;-webkit-mask:var(--crm-icon) center/contain no-repeat}"
    lines = [f".fa-{name}{{--crm-icon:url({_address(ICONS[name])})}}" for name in used]
    return "\n".join(["", every, ".fa-lg{font-size:1.25em}", *lines, ""])


def _address(drawing: str) -> str:
    """A drawing as an address that stands in a stylesheet."""
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="#000" '
        f'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">{drawing}</svg>'
    )
    escaped = picture.replace("#", "%23").replace("<", "%3C").replace(">", "%3E").replace('"', "'")
    return f'"data:image/svg+xml,{escaped}"'
