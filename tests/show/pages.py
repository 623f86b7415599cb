"""Reading the HTML of a display as a browser does."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

HOSTILE = """<script>alert("x")</script>&'北区"""
VOID = {"br", "circle", "line", "path", "rect", "use", "image"}


class Page(HTMLParser):
    """What a browser reads: elements that close in the order they were opened, texts, attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)
        self.close()
        self.wrong += [f"{tag} is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"{tag} closes what it did not open")

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All text, spaces as they are."""
        return "".join(self.texts)

    def all(self, tag: str) -> Iterator[dict[str, str]]:
        """The attributes of every element of a kind."""
        return (attributes for name, attributes in self.tags if name == tag)


def cells_of(html: str) -> list[list[str]]:
    """The rows of the first table body, each cell without its tags."""
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body, flags=re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "|", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, flags=re.DOTALL)]
        for row in rows
    ]
