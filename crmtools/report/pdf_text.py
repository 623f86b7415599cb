"""A PDF that Chromium has printed: where its pages begin, and its text made to be copied as it is read.

Chinese fonts draw 目 and the radical ⽬ (U+2F6C) with one picture, and whoever copies the text is told the first of them,
the radical: what is copied looks right, and no search finds it. The tables from pictures to characters are rewritten here.
"""

import bisect
import re
import unicodedata
import zlib

STREAM = re.compile(
    rb"/Length (?P<length>\d+)(?P<between>[^>]*>>\s*stream\r?\n)(?P<packed>.*?)(?P<end>\r?\nendstream)", re.DOTALL
)
CODE = re.compile(rb"<(2(?:E[89A-F]|F[0-9A-D])[0-9A-F])>")
XREF = re.compile(rb"(?P<offset>\d{10}) (?P<rest>\d{5} n)")
PAGE = re.compile(rb"(\d+) 0 obj\s*<</Type /Page\s")
DESTINATION = re.compile(rb"/(?!Dest )([\w-]+) \[(\d+) 0 R /XYZ ")
START = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*$")
SIMPLIFIED = str.maketrans(
    "⼾⺁⺎⺒⺓⺟⺠⻁⻄⻅⻆⻉⻋⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰⻳",
    "户厂兀巳幺母民虎西见角贝车长门青韦页风飞食马骨鬼鱼鸟卤麦黄黾齐齿龙龟",
)
"""Radicals to which Unicode gives no compatible character (its EquivalentUnifiedIdeograph does), or the traditional one (戶)."""


def pages_of(pdf: bytes) -> dict[str, int]:
    """The page, from 1, of each place that a link of the document leads to; pages stand in the file in their order."""
    numbers = {page: number for number, page in enumerate(PAGE.findall(pdf), 1)}
    return {name.decode(): numbers[page] for name, page in DESTINATION.findall(pdf) if page in numbers}


def with_real_characters(pdf: bytes) -> bytes:
    """A PDF in whose text no radical stands for a character; one that is built otherwise comes back as it was."""
    begin = START.search(pdf)
    if begin is None or not pdf[int(begin[1]) :].startswith(b"xref"):
        return pdf
    parts, ends, shifts, at, shift = list[bytes](), [0], [0], 0, 0
    for match in STREAM.finditer(pdf):
        made = _table(match["packed"])
        if made is None:
            continue
        new = b"/Length %d%b%b%b" % (len(made), match["between"], made, match["end"])
        parts += [pdf[at : match.start()], new]
        at, shift = match.end(), shift + len(new) - len(match[0])
        ends.append(at)
        shifts.append(shift)
    changed = b"".join([*parts, pdf[at:]])

    def moved(offset: int) -> int:
        return offset + shifts[bisect.bisect_right(ends, offset) - 1]

    table = moved(int(begin[1]))
    body, rest = changed[:table], changed[table:]
    rest = XREF.sub(lambda entry: b"%010d %b" % (moved(int(entry["offset"])), entry["rest"]), rest)
    return body + START.sub(b"startxref\n%d\n%%%%EOF\n" % table, rest)


def _table(packed: bytes) -> bytes | None:
    """A table of characters without radicals; None for what is no table, or has none."""
    try:
        table = zlib.decompress(packed)
    except zlib.error:
        return None
    if b"begincmap" not in table:
        return None
    plain = CODE.sub(lambda match: _character(match), table)
    return None if plain == table else zlib.compress(plain)


def _character(match: re.Match[bytes]) -> bytes:
    """A radical's code as the code of the character that it is."""
    plain = unicodedata.normalize("NFKC", chr(int(match[1], 16)).translate(SIMPLIFIED))
    return f"<{ord(plain):04X}>".encode() if len(plain) == 1 and ord(plain) < 0x10000 else match[0]
