"""Pseudonyms: ids leave the door as keyed hashes, so that pages can be read by anyone and joined by no one.

A pseudonym is HMAC-SHA256 (RFC 2104) of ``names:id`` under a secret key, its first 20 hexadecimal digits. The key comes
from the environment variable ``CRMTOOLS_PSEUDONYM_KEY`` or from ``.crmtools/pseudonym.key`` beside the parameters folder,
which is made on first use, readable by its owner only, and never committed. Without the key nobody can tell whether an id
is in a report; with the same key the same customer keeps the same pseudonym from report to report.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from crmtools.errors import DataError

KEY_VARIABLE = "CRMTOOLS_PSEUDONYM_KEY"
DIGITS = 20
_BLOCK = 64


def pseudonym_key(root: Path) -> bytes:
    """The secret key, from the environment or the key file; made on first use."""
    if written := os.environ.get(KEY_VARIABLE):
        if len(written) < 16:
            raise DataError(
                f"{KEY_VARIABLE} is too short to be a secret: {len(written)} characters, at least 16 are needed."
            )
        return written.encode()
    file = root / ".crmtools" / "pseudonym.key"
    try:
        key = _read_or_make(file)
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise DataError(
            f".crmtools/{file.name} cannot be read or made: {said}. Give it back from a copy, or set {KEY_VARIABLE}; "
            "a new key gives every customer another pseudonym."
        ) from None
    if len(key) < 16:
        raise DataError(f"{file.name} holds no key. Delete it to have a new one made; pseudonyms will then change.")
    return key.encode()


def _read_or_make(file: Path) -> str:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(secrets.token_hex(32))
        try:
            os.link(part, file)  # fails when another process was first: then its key counts
        except FileExistsError:
            pass
        except OSError:
            part.replace(file)
        part.unlink(missing_ok=True)
    return file.read_text(encoding="ascii").strip()


def key_mark(key: bytes) -> str:
    """A few digits that tell keys apart without giving them away."""
    return hmac.new(key, b"key mark", hashlib.sha256).hexdigest()[:12]


def pseudonym(key: bytes, names: str, identifier: str) -> str:
    """The pseudonym of one id; ``names`` says what it identifies (customer, order, …)."""
    return hmac.new(key, f"{names}:{identifier}".encode(), hashlib.sha256).hexdigest()[:DIGITS]


def pseudonym_sql(key: bytes, names: str, column: str) -> str:
    """The same as :func:`pseudonym`, written out in DuckDB's SQL for a whole column (empty stays empty)."""
    padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = "".join(f"\\x{byte ^ 0x36:02X}" for byte in padded)
    outer = "".join(f"\\x{byte ^ 0x5C:02X}" for byte in padded)
    message = f"encode('{names}:' || {column})"
    return f"substr(sha256('{outer}'::BLOB || unhex(sha256('{inner}'::BLOB || {message}))), 1, {DIGITS})"
