"""What every function of this package returns: a display that JupyterLab, the book and a terminal can show."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

RESULT = "application/vnd.crmtools.result+json"
"""The MIME type under which a display carries the numbers it shows; the runner collects them from executed notebooks."""


@dataclass(frozen=True, slots=True, repr=False)
class Display:
    """HTML to look at, its text for a terminal, and the numbers behind it.

    ``result`` is a mapping of plain values, for example ``{"kind": "estimates", "estimates": [Estimate.to_dict(), …]}``.
    """

    html: str
    text: str = ""
    result: Mapping[str, object] | None = None

    def to_html(self) -> str:
        """The HTML fragment, with the styles it needs where the page has none."""
        from crmtools.show.look import STYLE

        return f"{STYLE}\n{self.html}"

    def _repr_html_(self) -> str:
        return self.to_html()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        bundle: dict[str, object] = {"text/html": self.to_html(), "text/plain": self.text}
        if self.result is not None:
            bundle[RESULT] = plain(self.result)
        return bundle

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__


def joined(*parts: Display) -> Display:
    """Several displays, one below the other; their results side by side under ``parts``."""
    results = [dict(part.result) for part in parts if part.result is not None]
    return Display(
        "\n".join(part.html for part in parts),
        "\n".join(part.text for part in parts),
        {"kind": "parts", "parts": results} if results else None,
    )


def plain(value: object) -> object:
    """Values that JSON can hold: tuples as lists, numpy scalars as Python's, NaN and infinity as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)


def tag(name: str, content: str = "", **attributes: object) -> str:
    """An element. ``content`` is HTML already; attribute values are escaped; None leaves an attribute out.

    ``class_`` is written ``class``, other underscores become hyphens.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>"
