"""A search that finds Chinese.

Sphinx cuts the Chinese text of its index into words with a dictionary but does not cut what the reader
types, so a term of several words finds nothing. Here both sides cut runs of Chinese characters into
overlapping pairs: 目标差距 is looked up as 目标, 标差 and 差距, all of which must be on the page. Other words
are stemmed as English.

What differs from run to run (the class ``crm-stamp``) is left out: nobody looks for it, and equal books have equal indexes.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.search.en import SearchEnglish

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
PIECES = re.compile(rf"[{HAN}]+|(?:(?![{HAN}])\w)+")
HAN_RUN = re.compile(rf"[{HAN}]+")
STAMPED = re.compile(r'<span class="[^"]*\bcrm-stamp\b[^"]*">[^<]*</span>')

# the same cut in the reader's browser; \w of Python is \p{L}\p{N}_ here
SPLITTER = rf"""
function splitQuery(query) {{
  const pieces = query.match(/[{HAN}]+|(?:(?![{HAN}])[\p{{L}}\p{{N}}_])+/gu) || [];
  return pieces.flatMap((piece) => {{
    const characters = Array.from(piece);
    if (characters.length < 2 || !/^[{HAN}]/u.test(piece)) return [piece];
    return characters.slice(1).map((character, i) => characters[i] + character);
  }});
}}
"""


def pieces(text: str) -> list[str]:
    """The terms of a text: pairs of Chinese characters, and other words as they are."""
    found: list[str] = []
    for piece in PIECES.findall(text):
        if len(piece) > 1 and HAN_RUN.match(piece):
            found += [piece[i : i + 2] for i in range(len(piece) - 1)]
        else:
            found.append(piece)
    return found


class English(SearchEnglish):
    """English words stemmed, Chinese characters in pairs."""

    js_splitter_code = SPLITTER

    def split(self, input: str) -> list[str]:  # noqa: A002  Sphinx names it
        """The terms of one text of the book, each once: the index asks whether a page has them, not how often."""
        return list(dict.fromkeys(pieces(input)))

    @cache  # noqa: B019  there is one such object in a build, and pages share most of their words
    def stem(self, word: str) -> str:
        """The stem of a word, found once."""
        return super().stem(word)


class Chinese(English):
    """The same cut, registered for the Chinese edition."""

    lang = "zh_CN"
    language_name = "Chinese"


def without_stamps(document: nodes.document) -> nodes.document:
    """The page as the index reads it: itself, or a copy without what differs from run to run."""
    if not any(STAMPED.search(raw.astext()) for raw in document.findall(nodes.raw)):
        return document
    bare = document.deepcopy()
    for raw in bare.findall(nodes.raw):
        raw[:] = [nodes.Text(STAMPED.sub("", raw.astext()))]
    return bare


def leave_stamps_out(app: "Sphinx") -> None:
    """Hand every page to the index without its stamps."""
    builder = app.builder
    index = getattr(builder, "index_page", None)  # builders other than HTML have no index
    if index is not None:
        builder.index_page = lambda name, document, title: index(name, without_stamps(document), title)  # type: ignore[attr-defined]


def setup(app: "Sphinx") -> None:
    """Replace Sphinx's own search languages of the two editions."""
    app.add_search_language(English)
    app.add_search_language(Chinese)
    app.connect("builder-inited", leave_stamps_out)
