"""One HTML page as the gate sees it: what it requests, links to, says, and leaves unsaid.

A strict reading: what is no whole comment, tag or text by the rules that the book itself is written by is a fault, for nobody
could say what each browser makes of it. So it is read in one pass, without a parser that mends as browsers do.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from html import unescape

from crmtools.report.markup import ATTRIBUTES, Tag, read_tag

TOKEN = re.compile(
    rf"<!--(?!-?>)(?P<comment>(?:(?!--!?>).)*+)-->|<(?P<end>/?)(?P<tag>[a-zA-Z][^\s/><\"'=]*+)(?P<attributes>{ATTRIBUTES})\s*+"
    r"(?P<closed>/?)>|<!doctype\s+html\s*>|(?P<odd><(?=[a-zA-Z/!?]))",
    re.DOTALL | re.IGNORECASE,
)
RAW = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("script", "style")}
MOST_SEEN = 200_000
SEEN: dict[str, tuple[Tag, bool]] = {}
"""Whole tags as they are written, what they say, and whether they end something: pages hold the same ones over and over."""
NOTHING = Tag("")
UNSEEN: tuple[None, bool] = (None, False)


@dataclass(slots=True)
class Reading:
    """What one page holds, each thing with its line.

    ``texts`` is all a reader or a curious one may see (text, comments, spoken and ``data-`` attributes, addresses), each with
    the first line that has it; ``prose`` is the text outside of code and outside of boxes of class ``crm-failed``. ``wrong`` is
    markup that a page may not hold.
    """

    language: str = ""
    requests: list[tuple[int, str]] = field(default_factory=list)
    links: list[tuple[int, str]] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    texts: dict[str, int] = field(default_factory=dict)
    prose: dict[str, int] = field(default_factory=dict)
    styles: list[tuple[int, str]] = field(default_factory=list)
    scripts: list[tuple[int, str]] = field(default_factory=list)
    unnamed: list[tuple[int, str]] = field(default_factory=list)
    wrong: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """An element that changes what is inside of it, and how many of its name are open in it."""

    tag: Tag
    depth: int = 1


def read_page(text: str) -> Reading:
    """Read one page."""
    return _Reader(text).read()


class _Reader:
    """One page from token to token. Of the open elements only those are kept that change what is inside of them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.reading = Reading()
        self.open: list[_Open] = []
        self.lines = [match.start() for match in re.finditer("\n", text)]
        self.failed = self.code = self.quiet = False
        self.drawing = 0  # the line of a picture still without a name

    def read(self) -> Reading:
        """One pass over the page."""
        text, at, look = self.text, 0, 0
        while (start := text.find("<", look)) >= 0:
            end = text.find(">", start) + 1
            token = text[start:end]
            tag, ends = SEEN.get(token, UNSEEN)
            if tag is None:
                match = TOKEN.match(text, start)
                if match is None:  # a sign of the text, as in "a < b"
                    look = start + 1
                    continue
                end, (tag, ends) = match.end(), self._first(match)
            if start > at:
                self._said(at, start)
            at = look = end
            if ends:
                if self.open:
                    self._end(tag.name)
            elif tag.tells or tag.changes or self.open:
                self._start(tag, start)
                if tag.name in RAW and tag.changes:
                    at = look = self._raw(tag.name, end)
        self._said(at, len(text))
        return self.reading

    def _line(self, at: int) -> int:
        return bisect_left(self.lines, at) + 1

    def _first(self, match: re.Match[str]) -> tuple[Tag, bool]:
        """A token that was not seen before."""
        if name := match["tag"]:
            made = (
                NOTHING if match["end"] else read_tag(name, match["attributes"], closed=bool(match["closed"])),
                False,
            )
            if match["end"]:
                made = (Tag(name.lower()), True)
            if match[0].index(">") == len(match[0]) - 1 and len(SEEN) < MOST_SEEN:
                SEEN[match[0]] = made
            return made
        if comment := match["comment"]:
            self.reading.texts.setdefault(unescape(comment), self._line(match.start()))
        elif match["odd"]:
            snippet = " ".join(self.text[match.start() : match.start() + 40].split())
            said = f"holds '{snippet}', which is no whole element: text from data that was not escaped?"
            self.reading.wrong.append((self._line(match.start()), said))
        return NOTHING, False

    def _raw(self, name: str, at: int) -> int:
        """The content of a script or a style, which holds no elements; where it ends."""
        found = RAW[name].search(self.text, at)
        end = found.start() if found else len(self.text)
        if content := self.text[at:end].strip():
            line = self._line(self.text.index(content[0], at))
            (self.reading.scripts if name == "script" else self.reading.styles).append((line, content))
        return end

    def _start(self, tag: Tag, at: int) -> None:
        if tag.tells:
            self._tells(tag, self._line(at))
        if self.open:
            for one in self.open:
                one.depth += one.tag.name == tag.name and not tag.empty
        if tag.changes:
            self.open.append(_Open(tag))
            self._inside()

    def _tells(self, tag: Tag, line: int) -> None:
        """Keep what a start tag says beside that something begins."""
        reading = self.reading
        if tag.language is not None:
            reading.language = tag.language
        reading.anchors.update(tag.anchors)
        for pieces, kept in (
            (tag.requests, reading.requests),
            (tag.links, reading.links),
            (tag.styles, reading.styles),
            (tag.wrong, reading.wrong),
        ):
            if pieces:
                kept += [(line, piece) for piece in pieces]
        for text in tag.texts:
            reading.texts.setdefault(text, line)
        if tag.name == "title":
            self.drawing = 0
        elif self.quiet or tag.quiet:
            return
        elif tag.unnamed:
            reading.unnamed.append((line, tag.unnamed))
        elif tag.name == "svg" and not tag.named and all(one.tag.name != "svg" for one in self.open):
            self.drawing = line

    def _end(self, name: str) -> None:
        over = None
        for place, one in enumerate(self.open):
            if one.tag.name == name:
                one.depth -= 1
                if not one.depth and over is None:
                    over = place
        if over is None:
            return
        if name == "svg" and self.drawing:
            self.reading.unnamed.append((self.drawing, "a figure (svg)"))
            self.drawing = 0
        del self.open[over:]
        self._inside()

    def _inside(self) -> None:
        """What holds for all that follows, until the next of these elements begins or ends."""
        tags = [one.tag for one in self.open]
        self.failed, self.code = any(tag.failed for tag in tags), any(tag.code for tag in tags)
        self.quiet = any(tag.quiet for tag in tags)

    def _said(self, start: int, end: int) -> None:
        """A piece of text between two tags."""
        said = self.text[start:end]
        if not said or said.isspace():
            return
        if "&" in said:
            said = unescape(said)
        reading = self.reading
        if said not in reading.texts:
            reading.texts[said] = self._line(start)
        # a traceback stands in <pre>; other things are allowed in code
        if not self.failed and said not in reading.prose and (not self.code or "Traceback" in said):
            reading.prose[said] = self._line(start)
