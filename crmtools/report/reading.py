"""One HTML page as the gate sees it: what it requests, links to, says, and leaves unsaid."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
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
SPOKEN = ("alt", "title", "aria-label", "aria-description", "content", "placeholder", "value", "summary")


@dataclass(slots=True)
class Reading:
    """What one page holds, each thing with its line.

    ``texts`` is all a reader or a curious one may see (text, comments, spoken and ``data-`` attributes,
    addresses);
    ``prose`` is the text outside of code and outside of boxes of class ``crm-failed``.
    """

    language: str = ""
    requests: list[tuple[int, str]] = field(default_factory=list)
    links: list[tuple[int, str]] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    texts: list[tuple[int, str]] = field(default_factory=list)
    prose: list[tuple[int, str]] = field(default_factory=list)
    styles: list[tuple[int, str]] = field(default_factory=list)
    scripts: list[tuple[int, str]] = field(default_factory=list)
    unnamed: list[tuple[int, str]] = field(default_factory=list)


def read_page(text: str) -> Reading:
    """Read one page."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return parser.reading


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.reading = Reading()
        self.open: list[tuple[str, bool, bool, bool]] = []  # tag, failed box, code, hidden from listeners
        self.drawing: tuple[int, int] | None = None  # depth and line of a picture still without a name

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, dict(attrs), closed=False)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, dict(attrs), closed=True)

    def _start(self, tag: str, attrs: dict[str, str | None], *, closed: bool) -> None:
        line, reading = self.getpos()[0], self.reading
        if tag == "html":
            reading.language = attrs.get("lang") or ""
        for name in ("id", "name"):
            if value := attrs.get(name):
                reading.anchors.add(value)
        self._addresses(tag, attrs, line)
        for name, value in attrs.items():
            if not value:
                continue
            if name in SPOKEN or name.startswith("data-"):
                reading.texts.append((line, value))
            elif name == "style":
                reading.styles.append((line, value))
        _, failed, code, hidden = self.open[-1] if self.open else ("", False, False, False)
        failed = failed or "crm-failed" in (attrs.get("class") or "").split()
        code = code or tag in ("pre", "code", "script", "style")
        hidden = hidden or attrs.get("aria-hidden") == "true"
        self._names(tag, attrs, line, hidden)
        if not closed and tag not in VOID:
            self.open.append((tag, failed, code, hidden))

    def _addresses(self, tag: str, attrs: dict[str, str | None], line: int) -> None:
        """Sort the addresses of one element into requests and links."""
        reading = self.reading
        for name in FETCHING.get(tag, ()):
            if value := attrs.get(name):
                parts = value.split(",") if name == "srcset" and not value.startswith("data:") else [value]
                reading.requests += [(line, part.split()[0]) for part in parts if part.strip()]
        href = attrs.get("href")
        if tag == "link" and href:
            fetched = FETCHING_LINKS & set((attrs.get("rel") or "").lower().split())
            (reading.requests if fetched else reading.links).append((line, href))
        elif tag in ("a", "area") and href and href != "#":
            reading.links.append((line, href))
            reading.texts.append((line, href))

    def _names(self, tag: str, attrs: dict[str, str | None], line: int, hidden: bool) -> None:
        """Note pictures that say nothing to somebody who listens to the page."""
        if hidden:
            return
        if tag == "img":
            alt = attrs.get("alt")
            # Sphinx writes the name of the file when nobody gave a text
            if alt is None or alt.startswith(("_images/", "../")):
                self.reading.unnamed.append((line, "an image"))
        elif tag == "svg" and self.drawing is None and all(around[0] != "svg" for around in self.open):
            named = (attrs.get("aria-label") or "").strip() or attrs.get("aria-labelledby")
            if not named:
                self.drawing = (len(self.open), line)
        elif tag == "title" and self.drawing is not None:
            self.drawing = (self.drawing[0], 0)

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self.open) - 1, -1, -1):
            if self.open[depth][0] == tag:
                del self.open[depth:]
                break
        if self.drawing is not None and tag == "svg" and len(self.open) <= self.drawing[0]:
            if self.drawing[1]:
                self.reading.unnamed.append((self.drawing[1], "a figure (svg)"))
            self.drawing = None

    def handle_data(self, data: str) -> None:
        if not data.strip():
            return
        line, inside = self.getpos()[0], self.open[-1] if self.open else ("", False, False, False)
        if inside[0] == "script":
            self.reading.scripts.append((line, data))
        elif inside[0] == "style":
            self.reading.styles.append((line, data))
        else:
            self.reading.texts.append((line, data))
            # a traceback stands in <pre>; other things are allowed in code
            if not inside[1] and (not inside[2] or "Traceback" in data):
                self.reading.prose.append((line, data))

    def handle_comment(self, data: str) -> None:
        self.reading.texts.append((self.getpos()[0], data))
