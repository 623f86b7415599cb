"""What a part of the customers is called: in names of folders, and where somebody asks for its report."""

import hashlib
import re
from urllib.parse import quote, unquote

from crmtools.words import WORDS

LONGEST = 60
"""Bytes of an attribute or a value that a name keeps: file systems allow some 250 for the whole."""
SAFE = re.compile(r"\w+")
ASKED = re.compile(r"#(?P<attribute>[^#=/\\]+)=(?P<value>[^#/\\]*)$")


def called_unknown(value: str) -> bool:
    """Whether this is what a report calls customers without a value, in either of its languages."""
    return value in (WORDS["unknown"].zh, WORDS["unknown"].en)


def part_name(report: str, part: tuple[str, str]) -> str:
    """The name of the report of a part: ``demo-region-north``."""
    return "-".join([report, *map(_plain, part)])


def index_name(report: str, attribute: str) -> str:
    """The name of the page that leads to the books of all values: ``demo-by-region``."""
    return f"{report}-by-{_plain(attribute)}"


def part_asked(attribute: str, value: str) -> str:
    """A part as it stands behind ``#`` in the name of a report; what has a meaning there is written as in an address."""
    return f"{quote(attribute, safe='')}={quote(value, safe='')}"


def asked_part(name: str) -> tuple[str, dict[str, str] | None]:
    """The name of a report without its part, and the part; None where it names none."""
    match = ASKED.search(name)
    if match is None:
        return name, None
    return name[: match.start()], {unquote(match["attribute"]): unquote(match["value"])}


def _plain(word: str) -> str:
    """A word in letters that every file system takes, in whatever script.

    One that cannot stand there as it is gets eight digits of its hash, so that two words never share a folder. A hyphen cannot:
    it stands between the words.
    """
    if SAFE.fullmatch(word) and len(word.encode()) <= LONGEST:
        return word
    mark = hashlib.sha256(word.encode()).hexdigest()[:8]
    safe = re.sub(r"[\W_]+", "_", word).strip("_").encode()[:LONGEST].decode(errors="ignore")
    return f"{safe}.{mark}" if safe else mark
