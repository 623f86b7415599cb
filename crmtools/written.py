"""How texts, periods and groups are written in a parameters file, and what all its parts have in common."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from crmtools.errors import CRMError
from crmtools.period import Period
from crmtools.words import Text


def _text(written: object) -> Text:
    if isinstance(written, Text):
        return written
    if isinstance(written, str) and written.strip():
        return Text(zh=written, en=written)
    if isinstance(written, dict) and set(written) == {"en", "zh"} and all(isinstance(v, str) for v in written.values()):
        return Text(zh=written["zh"], en=written["en"])
    raise ValueError("write a text, or both languages: {en: …, zh: …}")


def read_period(written: object) -> Period:
    """A period as it is written; raises ValueError, which pydantic reports with its place."""
    try:
        return Period.parse(written)  # type: ignore[arg-type]
    except CRMError as error:
        raise ValueError(str(error)) from None


class Part(BaseModel):
    """A part of a parameters file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


Words = Annotated[Text, BeforeValidator(_text)]
Span = Annotated[Period, BeforeValidator(read_period)]
Where = dict[str, str | Annotated[list[str], Field(min_length=1)]]
