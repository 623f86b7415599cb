"""One start tag of a page by itself: what it asks for, leads to, says, and must not be.

The pages of a book hold the same tags over and over, so each one is looked at once.
"""

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

NAME = r"""[^\s"'<>/=]++"""
VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s"'=<>`]++)"""
ATTRIBUTES = rf"(?:\s++{NAME}(?:\s*+=\s*+{VALUE})?)*+"
ATTRIBUTE = re.compile(rf"({NAME})(?:\s*=\s*({VALUE}))?")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
FETCHING_LINKS = {"stylesheet", "icon", "apple-touch-icon", "manifest"}
FETCHING_LINKS |= {"preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch"}
FETCHING = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "iframe": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "input": ("src",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
    "feimage": ("href", "xlink:href"),
}
SPOKEN = {"alt", "title", "aria-label", "aria-description", "content", "placeholder", "value", "summary", "label"}
SPOKEN |= {"id", "name", "for", "src", "datetime"}
"""Attributes that a reader or a curious one may see; ``data-`` attributes and addresses of links besides."""
_ELEMENTS = (
    # pages, their frame and their text
    "html head title meta link style script noscript body header footer main nav aside article section div p h1 h2 h3 h4 h5 h6"
    " a abbr b blockquote br cite code data dd del details dfn dialog dl dt em figcaption figure hr i ins kbd li mark ol pre q s"
    " samp small span strong sub summary sup time u ul var wbr button form input label img"
    # tables
    " table caption colgroup col thead tbody tfoot tr th td"
    # figures
    " svg g path line rect circle ellipse polyline polygon text tspan defs clippath use desc lineargradient stop marker symbol"
    " pattern"
    # formulas
    " math mi mo mn ms mrow mfrac msub msup msubsup mover munder munderover mspace mstyle mtext msqrt mroot mtable mtr mtd"
    " mpadded menclose mphantom mmultiscripts mprescripts none semantics annotation"
)
ELEMENTS = frozenset(_ELEMENTS.split())
"""What the pages of a book are made of. Anything else is markup that came in with the data, or asks hosts for things."""
SCRIPT_FILES = re.compile(r"(?:\.\./)*(?:_static/[\w./-]+\.js|searchindex\.js)(?:\?[\w.=-]*)?")
SCRIPTS = re.compile(
    # colours, search and folding, as the theme begins every page
    r'document\.documentElement\.dataset\.mode = localStorage\.getItem\("mode"\) \|\| "(?:auto)?";\s*'
    r'document\.documentElement\.dataset\.theme = localStorage\.getItem\("theme"\) \|\| "(?:auto)?";'
    r"|DOCUMENTATION_OPTIONS\.(?:pagename = '[\w./-]+'|search_as_you_type = (?:true|false));"
    r"|let toggle(?:HintShow|HintHide|OpenOnPrint) = '[^'\\<>]{0,40}';"
    r"|var togglebuttonSelector = '[\w., -]+';"
    r'|// Activate the search field on page load\s+let searchInput = document\.querySelector\("form\.bd-search input"\);\s+'
    r"if \(searchInput\) \{\s+searchInput\.focus\(\);\s+searchInput\.select\(\);\s+console\.log\([^()]*\);\s+\}"
)
"""The scripts that stand in the pages themselves; all others are files of the theme."""
ACTIVE = re.compile(
    r"\s*(?:javascript|vbscript|livescript|data(?!:image/(?:png|jpeg|gif|webp|svg\+xml)[;,]))\s*:", re.I
)
HIDING = re.compile(r"[\x00-\x20]")
"""Browsers leave these out of the beginning of an address: ``java\\nscript:`` is a script."""
REFRESH_HERE = re.compile(r"0;url=[\w-]+/index\.html")


@dataclass(frozen=True, slots=True)
class Tag:
    """What one start tag says. ``failed``, ``code``, ``quiet`` hold for all that is inside of it.

    ``quiet`` is hidden from those who listen to the page; ``named`` is a picture with a name of its own, ``unnamed`` says what
    has none. ``wrong`` is what no page may hold; ``empty`` has nothing inside. Most tags only begin something: they have nothing that ``tells`` or
    ``changes`` what is inside.
    """

    name: str
    language: str | None = None
    requests: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    failed: bool = False
    code: bool = False
    quiet: bool = False
    named: bool = False
    unnamed: str = ""
    wrong: tuple[str, ...] = ()
    tells: bool = False
    changes: bool = False
    empty: bool = False


def read_tag(name: str, written: str, *, closed: bool = False) -> Tag:
    """A start tag by its name and its attributes as they are written; ``closed`` is one that ends itself."""
    name, attrs = name.lower(), attributes(written)
    requests, links = _addresses(name, attrs)
    alt, quiet = attrs.get("alt"), attrs.get("aria-hidden") == "true"
    # Sphinx writes the name of the file when nobody gave a text
    blind = name == "img" and (alt is None or alt.startswith(("_images/", "../")))
    texts = tuple(
        value
        for key, value in attrs.items()
        if value and (key in SPOKEN or key.startswith("data-") or (key in ("href", "xlink:href") and name != "link"))
    )
    anchors, style, wrong = (attrs.get("id"), attrs.get("name")), attrs.get("style"), tuple(_wrong(name, attrs))
    # browsers read on after <script/>
    empty = name in VOID or (closed and name not in ("script", "style"))
    failed, code = "crm-failed" in attrs.get("class", "").split(), name in ("pre", "code", "script", "style")
    return Tag(
        name,
        language=attrs.get("lang", "") if name == "html" else None,
        requests=requests,
        links=links,
        anchors=tuple(filter(None, anchors)),
        texts=tuple(dict.fromkeys(texts)),
        styles=(style,) if style else (),
        failed=failed,
        code=code,
        quiet=quiet,
        named=name == "svg" and bool(attrs.get("aria-label", "").strip() or attrs.get("aria-labelledby")),
        unnamed="an image" if blind else "",
        wrong=wrong,
        tells=bool(
            requests or links or texts or any(anchors) or style or wrong or name in ("html", "svg", "title", "img")
        ),
        changes=not empty and (failed or code or quiet or name == "svg"),
        empty=empty,
    )


def attributes(written: str) -> dict[str, str]:
    """Attributes by name, as a browser takes them: of two with one name the first."""
    found: dict[str, str] = {}
    for match in ATTRIBUTE.finditer(written):
        key, value = match[1].lower(), match[2] or ""
        found.setdefault(key, unescape(value[1:-1] if value[:1] in ("'", '"') else value))
    return found


def _addresses(name: str, attrs: dict[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What an element fetches by itself, and where it leads."""
    requests: list[str] = []
    for key in FETCHING.get(name, ()):
        if value := attrs.get(key):
            parts = value.split(",") if key == "srcset" and not value.startswith("data:") else [value]
            requests += [part.split()[0] for part in parts if part.strip()]
    href = attrs.get("href") or attrs.get("xlink:href")
    if name == "link" and href:
        if FETCHING_LINKS & set(attrs.get("rel", "").lower().split()):
            return (*requests, href), ()
        return tuple(requests), (href,)
    return tuple(requests), (href,) if name in ("a", "area") and href and href != "#" else ()


def _wrong(name: str, attrs: dict[str, str]) -> list[str]:
    """What makes an element one that the book itself never writes."""
    found = []
    if name not in ELEMENTS:
        found.append(
            f"holds an element <{name}>, which no page of a report needs: text from data that was not escaped?"
        )
    if name == "script" and (src := attrs.get("src")) is not None and not SCRIPT_FILES.fullmatch(src):
        found.append(f"runs the script {src}, which is not one of the book's own")
    for key, value in attrs.items():
        if key.startswith("on"):
            found.append(f"an attribute {key} would run a script: text from data that was not escaped?")
        elif key in ("href", "xlink:href", "src", "action", "formaction", "data", "poster") and ACTIVE.match(
            HIDING.sub("", value)
        ):
            found.append(f"the address '{value[:60]}' would run a script")
    if "formaction" in attrs or (name == "form" and attrs.get("action", "") not in ("search.html", "#", "")):
        address = attrs.get("formaction") or attrs.get("action")
        found.append(f"sends what is typed to {address}; only the search of the book may be a form")
    refreshes = name == "meta" and attrs.get("http-equiv", "").lower() == "refresh"
    if refreshes and not REFRESH_HERE.fullmatch(attrs.get("content", "")):
        found.append("leads a reader away by itself (meta refresh)")
    return found


def is_own_script(text: str) -> bool:
    """Whether a script inside of a page is one that the theme writes."""
    return SCRIPTS.fullmatch(text.strip()) is not None


def is_remote(url: str) -> bool:
    """Whether an address is one of another host."""
    return url.startswith(("//", "\\\\")) or urlsplit(url).scheme in ("http", "https", "ftp", "ws", "wss")
