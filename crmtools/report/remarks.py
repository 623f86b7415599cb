"""What a person should know before a report is believed, and no number shows."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from crmtools.indicators import CATALOGUE
from crmtools.settings import Settings
from crmtools.tables.source import Data

REPLACE, ERSATZ = "REPLACE", "请替换"
"""The word that a text begins with which `crmtools new` writes and somebody has to write anew, a colon behind it."""


def remarks(data: Data, notebooks: Iterable[Path] = ()) -> list[str]:
    """All of them; ``notebooks`` are those that the report runs."""
    return [*behind(data), *unfinished(data.settings, notebooks)]


def behind(data: Data) -> list[str]:
    """That the data end before the period begins: every figure of it would be one of nothing, or of silence."""
    newest, period = max((item.last for item in data.door.tables), default=""), data.period
    if not newest or newest >= str(period.start):
        return []
    said = f"the newest row of all tables is of {newest}, and the period {period.id} begins after it."
    return [f"Beware: {said} Look at report.as_of and report.period."]


def unfinished(settings: Settings, notebooks: Iterable[Path] = ()) -> list[str]:
    """That texts of a beginning were left as `crmtools new` wrote them: readers would see them."""
    places = [*_keys(settings.model_dump(mode="json"))]
    told = {item.id: (item.name, item.meaning, item.caveat) for item in CATALOGUE.values()}
    places += [
        f"the indicator {name}" for name, texts in told.items() if any(_begun(f"{t.en}{t.zh}") for t in texts if t)
    ]
    places += [
        file.name for file in sorted(set(notebooks)) if _begun(file.read_text(encoding="utf-8", errors="replace"))
    ]
    if not places:
        return []
    return [f"Beware: texts begin with {REPLACE} still, and readers will see them: {', '.join(places)}."]


def _keys(value: object, place: str = "") -> Iterator[str]:
    """The keys of a parameters file whose text is one to be replaced."""
    if isinstance(value, str) and _begun(value):
        yield place.rpartition(".")[0] if place.endswith((".en", ".zh")) else place
    elif isinstance(value, Mapping):
        found = (key for name, part in value.items() for key in _keys(part, f"{place}.{name}" if place else str(name)))
        yield from dict.fromkeys(found)
    elif isinstance(value, list):
        yield from (key for number, part in enumerate(value, 1) for key in _keys(part, f"{place}[{number}]"))


def _begun(text: str) -> bool:
    return f"{REPLACE}: " in text or f"{ERSATZ}：" in text
