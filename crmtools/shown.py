"""Results that show themselves: what a notebook cell ends with is displayed as the book displays it.

A class that inherits :class:`Shown` has no drawing of its own: :mod:`crmtools.show.returned` says which display is its, and is
imported when something is shown, not before. The language is English until ``crm.show.speak("zh")`` says otherwise. Money
and the smallest group that may be shown are those of the data that were opened; where data were opened that differ, amounts bear no
currency and the larger group holds.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # figures take a second to import, and words are among what shows itself
    from crmtools.show.display import Display
    from crmtools.words import Language

_SPOKEN: "list[Language]" = ["en"]
_OPENED: set[tuple[str, int]] = set()


class Shown:
    """Displays itself in a notebook, in the language of the session."""

    __slots__ = ()

    def display(self, *, language: "Language | None" = None) -> "Display":
        """The display of the book, in a language."""
        from crmtools.show.returned import display_of

        return display_of(self, language or spoken())

    def __str__(self) -> str:
        """The words of the display: what ``print`` gives. ``repr`` gives every field."""
        from crmtools.errors import CRMError

        try:
            return self.display().text
        except CRMError:  # of an indicator that is in the catalogue no more
            return repr(self)

    def _repr_html_(self) -> str:
        return self.display().to_html()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return self.display()._repr_mimebundle_(include, exclude)


def speak(language: "Language") -> None:
    """Choose the language in which results show themselves from now on, in this session."""
    from crmtools.words import LANGUAGES

    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, found {language!r}.")
    _SPOKEN[:] = [language]


def spoken() -> "Language":
    """The language in which results show themselves."""
    return _SPOKEN[0]


def opened(currency: str, smallest_group: int) -> None:
    """Remember under what terms data were opened in this session."""
    _OPENED.add((currency, smallest_group))


def forget() -> None:
    """Forget what was opened so far: a process that others are forked from opens data of its own."""
    _OPENED.clear()


def terms() -> tuple[str, int | None]:
    """The currency of all data that were opened, and the smallest group that may be shown of any; empty and None where none were."""
    currencies = {currency for currency, _ in _OPENED}
    groups = [smallest for _, smallest in _OPENED]
    return (currencies.pop() if len(currencies) == 1 else ""), max(groups, default=None)
