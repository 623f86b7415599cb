"""Find raw values of the source in a text, among a hundred thousand of them, in one pass over the text.

Both sides are cut into words; a value of several words is looked for by its first word. Chinese is written
without spaces, so runs of Chinese characters are looked up by every length that some value has.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import crmtools

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{HAN}]+|[^\W{HAN}]+(?:[.@+_-]+[^\W{HAN}]+)*")
HAN_RUN = re.compile(rf"[{HAN}]+")
NO_LETTER = re.compile(r"[\W_]+")
PLAIN = re.compile(r"[A-Za-z0-9]++(?:[.@+_-]++[A-Za-z0-9]++)*+")
"""Values of one word that need no normalising, as most ids are."""
SHORTEST_NUMBER = 6
SHORTEST_WORD = 4
SHORTEST_CHINESE = 2


def searchable(value: str) -> bool:
    """Whether a value can be told from ordinary text.

    Not so numbers of fewer than 6 digits (counts and years look the same), other words of fewer than 4
    characters, and single Chinese characters: these are not looked for.
    """
    bare = NO_LETTER.sub("", value)
    if HAN_RUN.search(bare):
        return len(bare) >= SHORTEST_CHINESE
    return len(bare) >= (SHORTEST_NUMBER if bare.isdecimal() else SHORTEST_WORD)


def _words(text: str) -> list[str]:
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


class Forbidden:
    """The values that must not appear, ready to be looked for.

    Two spellings are the same value when they differ in case, width of characters, or space and punctuation
    between words only (``Zhang, Wei`` and ``zhang wei``). A single plain word (``Grace``, ``Null``) must be spelt alike:
    in another case it is more likely a word of the page than a person.

    Two Chinese characters may be a person and part of a longer word as well (何平 in 几何平均). ``own`` is what the report itself
    is written with: a value that stands in it between the same characters is that word, and not the person.
    """

    def __init__(self, values: Iterable[str], own: str = "") -> None:
        self._own = "\n".join(HAN_RUN.findall(own))
        self._single: dict[str, str] = {}
        self._plain: set[str] = set()
        self._several: dict[str, list[tuple[list[str], str]]] = defaultdict(list)
        self._chinese: dict[str, str] = {}
        # whether a plain one can be told from ordinary text is asked when it is found: there may be a million of them
        values = set(values)
        plain = {value for value in values if PLAIN.fullmatch(value)}
        self._plain |= {value for value in plain if value.isalpha()}
        self._single |= {value.casefold(): value for value in plain - self._plain}
        for value in values - plain:
            if not searchable(value):
                continue
            words = _words(value)
            if len(words) > 1:
                self._several[words[0]].append((words, value))
            elif HAN_RUN.fullmatch(words[0]):
                self._chinese[words[0]] = value
            elif value.strip().isalpha():
                self._plain.add(unicodedata.normalize("NFKC", value.strip()))
            else:
                self._single[words[0]] = value
        self._lengths = sorted({len(word) for word in self._chinese})

    def found_in(self, text: str) -> list[str]:
        """The values that a text holds, as they were given, each once, in the order of their appearance."""
        if not (self._single or self._several or self._chinese or self._plain):
            return []
        found: dict[str, None] = {}
        if self._plain:
            spelt = WORD.findall(unicodedata.normalize("NFKC", text))
            found |= dict.fromkeys(word for word in spelt if word in self._plain and searchable(word))
        words = _words(text)
        for position, word in enumerate(words):
            if word in self._single and searchable(word):
                found[self._single[word]] = None
            for rest, value in self._several.get(word, ()):
                if words[position : position + len(rest)] == rest:
                    found[value] = None
            if self._lengths and HAN_RUN.match(word):
                for length in self._lengths:
                    for start in range(len(word) - length + 1):
                        piece = word[start : start + length]
                        if piece in self._chinese and not self._is_own(word, start, length):
                            found[self._chinese[piece]] = None
        return list(found)

    def _is_own(self, word: str, start: int, length: int) -> bool:
        """Whether a piece of a word stands in the report's own words between the same characters."""
        around = word[max(start - 1, 0) : start + length + 1]
        return len(around) > length and around in self._own


@cache
def own_words() -> str:
    """What reports are written with: the package, and the notebooks and the book beside it."""
    package = Path(crmtools.__file__).parent
    beside = [package.parent / "notebooks", package.parent / "book"]
    files = [
        *package.rglob("*.py"),
        *(file for folder in beside for file in folder.rglob("*") if file.suffix in (".ipynb", ".md")),
    ]
    return "\n".join(
        file.read_text(encoding="utf-8") for file in sorted(files) if ".ipynb_checkpoints" not in file.parts
    )
