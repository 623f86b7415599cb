"""Code in colours: the pages of indicators and goals hold the same cells, and each is coloured once."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def once(colour: Callable[..., str]) -> Callable[..., str]:
    """A function that colours code, asked only once for the same code in the same way."""
    known: dict[str, str] = {}

    def found(source: str, lang: str, *args: Any, location: Any = None, **kwargs: Any) -> str:
        # a warning names the first page that has the code, and stops the build with that
        key = repr((source, lang, args, sorted(kwargs.items())))
        if key not in known:
            known[key] = colour(source, lang, *args, location=location, **kwargs)
        return known[key]

    return found


def colour_once(app: "Sphinx") -> None:
    """Ask the builder's own colours once."""
    highlighter = getattr(app.builder, "highlighter", None)  # builders other than HTML have none
    if highlighter is not None:
        highlighter.highlight_block = once(highlighter.highlight_block)


def setup(app: "Sphinx") -> None:
    """Step in before the first page is written."""
    app.connect("builder-inited", colour_once)
