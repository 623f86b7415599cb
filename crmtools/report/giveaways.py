"""What gives away a secret, a person or a machine by its shape alone, whatever the source holds.

The values of the source are looked for one by one (:mod:`crmtools.report.leaks`). What is looked for here nobody listed: keys and
passwords, addresses of people, telephone numbers, numbers of identity cards, paths of a machine, characters that hide what
stands beside them. The shapes are narrow, so that a report's own numbers are none of them: grouped by commas, with units, or of
other lengths.
"""

import re
import sys
import tempfile
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path

from crmtools.report.leaks import Forbidden

SECRETS: dict[str, tuple[str, str]] = {
    "an access key of AWS": ("AKIA ASIA", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": ("PRIVATE", r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"),
    "a token of GitHub": ("gh", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})"),
    "a token of GitLab": ("glpat-", r"\bglpat-[\w-]{20,}"),
    "a token of Slack": ("xox", r"\bxox[abeoprs]-[\w-]{10,}"),
    "a key of Google": ("AIza", r"\bAIza[\w-]{35}"),
    "a key of a payment service": ("_live_", r"\b[sr]k_live_\w{16,}"),
    "a key of a language model's service": ("sk-", r"\bsk-(?:ant-|proj-)?[\w-]{32,}"),
    "a token (JWT)": ("eyJ", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    "credentials in a header": ("Bearer Basic", r"\b(?:Bearer|Basic)\s+[A-Za-z0-9+/_~-]{20,}={0,2}"),
    "an address with a password in it": ("://", r"\b[a-z][a-z0-9+.-]*://[^\s:/@\"'<>]*:[^\s/@\"'<>]+@[\w.-]+"),
    "the address of a webhook": (
        "slack dingtalk weixin feishu larksuite webhook discord",
        (
            r"\bhttps?://(?:hooks\.slack\.com/(?:services|workflows)|oapi\.dingtalk\.com/robot/send|qyapi\.weixin\.qq\.com/cgi-bin/webhook"
            r"|open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot|(?:[\w-]+\.)?webhook\.office\.com|(?:ptb\.|canary\.)?discord(?:app)?\.com"
            r"/api/webhooks)[/?]\S*"
        ),
    ),
    "a password or a key": (
        "",
        (
            r"(?<![A-Za-z])(?:password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?(?:key|token)|auth[_-]?token|client[_-]?secret"
            r"|secret[_-]?(?:access[_-]?)?key|密码|口令)[\"']?\s*[=:：]\s*[\"']?(?![\s*…·.<{$\[(])[^\s\"'<>,;，；。]{4,}"
        ),
    ),
}
"""Shapes of what lets somebody in, each after words without which it cannot be there: most pages have none of them."""
CONTACTS: dict[str, str] = {
    "an e-mail address": r"(?<![\w.+-])[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(?![\w-])",
    "a mobile number": r"(?<![\w+/-])(?<!\d[.,])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![\w-])(?![.,]\d)",
    "a telephone number": r"(?<![\w.+-])(?:\+|00)[1-9]\d{0,2}(?:[ ().-]{1,2}\d{1,8}){1,5}(?!\w)|(?<![\w.+-])\+[1-9]\d{8,14}(?!\w)",
    "a number of an identity card": r"(?<![\w-])(?<!\d[.,])[1-9]\d{5}(?:19|20)\d\d[01]\d[0-3]\d\d{3}[\dXx](?!\w)",
}
"""Shapes of what reaches or names a person."""
HIDING = {
    "a character that turns the direction of writing": r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]",
    "a control character": r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff]",
}
"""Characters that nobody sees and that show a text as another one."""
# folders below which a reader's machine, never a website, keeps its files
FOLDERS = "home|Users|root|tmp|var/folders|private|mnt|srv|workspace|opt"
START, REST = r"(?<![\w.:/-])", r"""[^\s"'<>]*"""
MACHINE = rf"{START}(?:file:/+|/(?:{FOLDERS})/|[A-Za-z]:\\+Users\\+){REST}"
PLACEHOLDER = re.compile(r"\{\{\s*(?:report|indicator|goal)\.\w+\s*\}\}")
WEIGHTS, CHECKS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
LETTERS_SHOWN = 4
BETWEEN = "\n\x0b\n"
"""What stands between the texts that are looked through together; none of the shapes reaches across it."""

Found = tuple[str, str]
"""A text and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Giveaways:
    """What to look for: raw values of the source, paths of this machine, secrets word by word, and shapes.

    ``declared`` is text by the authors of the report. A contact that stands in it was meant to be read.
    """

    leaks: Forbidden
    paths: re.Pattern[str]
    begun: tuple[str, ...]
    secrets: frozenset[str]
    declared: str

    def found_in(self, texts: Collection[str]) -> Iterator[Found]:
        """Texts that give something away, each with what: all of them are looked through at once."""
        texts = list(dict.fromkeys(texts))
        # full-width digits and letters are the same to a reader
        plain = [text if text.isascii() else unicodedata.normalize("NFKC", text) for text in texts]
        whole = BETWEEN.join(plain)
        starts = list(accumulate((len(text) + len(BETWEEN) for text in plain), initial=0))
        if self.leaks.found_in(whole):
            for text in texts:
                for value in self.leaks.found_in(text):
                    yield text, f"the source's own value '{value}'"
        for what, pattern, said in self._shapes(whole):
            for match in pattern.finditer(whole):
                if what(match):
                    yield texts[bisect_right(starts, match.start()) - 1], said(match)
        for secret in self.secrets:
            if secret in whole:
                for text in texts:
                    if secret in text:
                        yield text, f"a secret that the parameters file names ({_masked(secret)})"

    def _shapes(
        self, whole: str
    ) -> Iterator[tuple[Callable[[re.Match[str]], bool], re.Pattern[str], Callable[[re.Match[str]], str]]]:
        if any(begun in whole for begun in self.begun):
            yield _always, self.paths, lambda match: f"the path {match[0]} of a machine"
        for what, (words, pattern) in _SECRETS.items():
            if any(word in whole for word in words):
                yield _always, pattern, lambda match, what=what: f"{what} ({_masked(match[0])})"  # type: ignore[misc]
        for what, pattern in _CONTACTS.items():
            check = CHECKED.get(what, _always)
            yield (
                lambda match, check=check: check(match) and not self._is_declared(match[0]),  # type: ignore[misc]
                pattern,
                lambda match, what=what: (
                    f"{what} ('{match[0]}') that neither the book nor the parameters file declares"
                ),  # type: ignore[misc]
            )
        for what, pattern in _HIDING.items():
            yield _always, pattern, lambda match, what=what: f"{what} (U+{ord(match[0]):04X})"  # type: ignore[misc]

    def _is_declared(self, value: str) -> bool:
        return value in self.declared


def giveaways(
    *,
    forbidden: Iterable[str] = (),
    own: str = "",
    declared: str = "",
    secrets: Iterable[str] = (),
    machine: Collection[str] | None = None,
) -> Giveaways:
    """What to look for.

    ``own`` is what reports are written with (:func:`crmtools.report.leaks.own_words`), ``declared`` more text of the report's
    authors. ``machine`` are folders of this machine in addition to the usual ones; by default the working, home and temporary
    folders and the interpreter's. Secrets of fewer than six characters are not looked for.
    """
    exact = [path for path in (usual_folders() if machine is None else machine) if len(path) > 3]
    paths = re.compile("|".join([MACHINE, *(rf"{START}{re.escape(path)}(?![\w-]){REST}" for path in exact)]))
    begun = ("file:/", ":\\", *(f"/{folder}/" for folder in FOLDERS.split("|")), *exact)
    long = frozenset(secret for secret in secrets if len(secret) > 5)
    return Giveaways(Forbidden(forbidden, own), paths, begun, long, f"{own}\n{declared}")


def usual_folders() -> tuple[str, ...]:
    """The folders of this machine that a path would begin with, beside those that machines have in common."""
    return str(Path.cwd()), str(Path.home()), tempfile.gettempdir(), sys.prefix


def _always(match: re.Match[str]) -> bool:
    return True


def _is_card(match: re.Match[str]) -> bool:
    """Whether digits are a number of a Chinese identity card: a day of birth, and the check digit of GB 11643."""
    number = match[0].upper()
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return CHECKS[sum(weight * int(digit) for weight, digit in zip(WEIGHTS, number)) % 11] == number[17]


def _is_telephone(match: re.Match[str]) -> bool:
    """Whether digits are as many as those of a telephone number, and no day stands among them."""
    return 8 <= len(re.sub(r"\D", "", match[0])) <= 15 and not re.search(r"\d{4}-\d\d-\d\d", match[0])


CHECKED = {"a telephone number": _is_telephone, "a number of an identity card": _is_card}


def _masked(secret: str) -> str:
    """A secret as it may stand in a log."""
    return f"{' '.join(secret.split())[:LETTERS_SHOWN]}…"


_SECRETS = {
    what: (words.split(" "), re.compile(pattern, re.IGNORECASE if "a password or" in what else 0))
    for what, (words, pattern) in SECRETS.items()
}
_CONTACTS = {what: re.compile(pattern, re.ASCII) for what, pattern in CONTACTS.items()}
_HIDING = {what: re.compile(pattern) for what, pattern in HIDING.items()}
