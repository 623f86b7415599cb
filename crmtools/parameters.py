"""Reading a parameters file, and saying everything that is wrong with it, each with its key and line."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from crmtools.alert_settings import AlertRule, alert_problems
from crmtools.errors import CRMError, Problem, SettingsError, nearest
from crmtools.goal_settings import GoalSettings
from crmtools.goals.goal import goal_problems
from crmtools.indicators import CATALOGUE
from crmtools.part_of_customers import for_part
from crmtools.settings import Settings, TableSource
from crmtools.tables import TABLES
from crmtools.tables.remedies import IGNORE

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml reads ten times as fast; every notebook reads the parameters file."""
OWN = ("path", "asked", "set_aside")
"""Fields of the settings that stand in no file."""
Place = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


def load(path: str | Path, *, only: Mapping[str, str] | None = None) -> Settings:
    """Read and check a parameters file; raises :class:`SettingsError` with every problem and its line.

    ``only`` names the customers that the report is about instead of ``report.only`` of the file; an empty one means all.
    """
    path = Path(path)
    try:
        written = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        there = sorted(str(item) for item in path.parent.glob("*.yml"))
        known = f"Found here: {', '.join(there)}." if there else "No parameters file is in that folder."
        raise SettingsError(f"There is no parameters file {path}. {known}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as UTF-8 text: {error}.") from None
    settings = _read(path, written, None if only is None else tuple(only.items()))
    return settings.model_copy(deep=True)  # what is in them can be changed, if not the settings themselves


@lru_cache(maxsize=8)
def _read(path: Path, written: str, only: tuple[tuple[str, str], ...] | None) -> Settings:
    """The settings that a file's text means: kept, for a process that serves one notebook after another reads it for each."""
    try:
        loader = LOADER(written)
        tree = loader.get_single_node()
        content = None if tree is None else loader.construct_document(tree)
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold keys such as report, source and goals; found {type(content).__name__}.")
    lines = dict(_lines(tree, ()))
    problems = list(_doubled(tree, (), path))
    settings = None
    try:
        settings = Settings.model_validate({**content, "path": path})
    except ValidationError as error:
        problems += _problems(error, path, lines)
    for key in OWN:
        if key in content:
            problems.append(Problem(_at(path, (key,), lines), f"unknown key. {nearest(key, _allowed(()))}"))
    problems += _catalogue_problems(_sound_parts(content), path, lines)
    if problems or settings is None:
        raise SettingsError.of(
            f"{len(problems)} problem{'s'[: len(problems) > 1]} in {path}", problems, "Nothing was run."
        )
    return for_part(settings, settings.report.only if only is None else dict(only))


def _lines(node: yaml.Node | None, place: Place) -> Iterator[tuple[Place, int]]:
    """Every key's place in the tree with its line."""
    if node is None:
        return
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, key.value), key.start_mark.line + 1
            for found, line in _lines(value, (*place, key.value)):
                yield found, key.start_mark.line + 1 if found == (*place, key.value) else line
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines(value, (*place, number))


def _doubled(node: yaml.Node | None, place: Place, path: Path) -> Iterator[Problem]:
    """Keys that stand twice: YAML would silently keep the last one."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                where = f"{path}:{line} · {_dotted((*place, key.value))}"
                yield Problem(where, f"stands twice, first on line {seen[key.value]}. Keep one.")
            seen.setdefault(key.value, line)
            yield from _doubled(value, (*place, key.value), path)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _doubled(value, (*place, number), path)


def _dotted(place: Place) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


def _at(path: Path, place: Place, lines: dict[Place, int]) -> str:
    """``file:line · key``, with the line of the nearest enclosing key that stands in the file."""
    known = place
    while known and known not in lines:
        known = known[:-1]
    return f"{path}:{lines.get(known, 1)} · {_dotted(place)}"


def _problems(error: ValidationError, path: Path, lines: dict[Place, int]) -> Iterator[Problem]:
    seen = set()
    found = error.errors(include_url=False)
    texts = {item["loc"][:-1] for item in found if item["type"] == "string_type"}
    for item in found:
        if item["type"] == "list_type" and item["loc"][:-1] in texts:
            continue  # a text or a list of texts: it is said of the text
        # pydantic names the branch of a union in the place; those parts are not keys of the file
        place = tuple(part for part in item["loc"] if not re.search(r"[\[(]|^(str|float|int|Period)$", str(part)))
        message = _message(item, place)
        if (place, message) not in seen:
            seen.add((place, message))
            yield Problem(_at(path, place, lines), message)


def _message(item: Any, place: Place) -> str:
    found = item.get("input")
    if item["loc"][-1] == "[key]" and item["type"].startswith("date"):
        return f"is a key where {_WANTED['date'].removeprefix('write ')} stands: '{found}' is none."
    if found is None and item["type"] != "missing":
        return "is empty. Write its value, or take the line away."
    if item["loc"][-1] == "[key]":
        return f"is a key that YAML reads as {type(found).__name__}. Write it in quotes."
    match item["type"]:
        case "string_type":
            return f"found {found!r}: write a text, in quotes where YAML would read a number."
        case "extra_forbidden":
            return f"unknown key. {nearest(str(place[-1]), _allowed(place[:-1]))}"
        case "missing":
            return "is missing, and it is needed."
        case "literal_error":
            return f"found '{found}'. Allowed: {item['ctx']['expected']}."
        case "value_error":
            shown = "" if isinstance(found, (dict, BaseModel)) else f"found '{found}': "
            return _stopped(f"{shown}{item['ctx']['error']}")
        case "model_type" | "dict_type" | "mapping_type":
            keys = _allowed(place)
            return f"found '{found}': write keys with their values, {{{', '.join(f'{key}: …' for key in keys or ['key'])}}}."
        case "tuple_type" | "list_type":
            return f"found '{found}': write a list, [{found if isinstance(found, str | int | float) else '…'}]."
    for kind, wanted in _WANTED.items():
        if re.match(kind, item["type"]):
            return f"found '{found}': {wanted}."
    said = item["msg"].replace("Input should be", "it must be")
    return _stopped(f"found '{found}': {said[0].lower()}{said[1:]}")


_WANTED = {
    "date": "write a day as 2025-12-31",
    "int_": "write a whole number, without quotes",
    "finite_": "write a finite number",
    "float_": "write a number, without quotes",
    "bool_": "write true or false",
}
"""What is to be written where something else was found, by the beginning of pydantic's name of the error."""


def _stopped(sentence: str) -> str:
    """A sentence with its full stop, which messages of ours bring along."""
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."


def _allowed(place: Place) -> list[str]:
    """The keys that may stand at a place of the file."""
    annotation: Any = Settings
    for part in place:
        if get_origin(annotation) in (tuple, list, dict):
            annotation = _model_in(annotation)  # the part is a number, or a name that people choose
        elif model := _model_in(annotation):
            fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
            annotation = fields.get(str(part))
    model = None if get_origin(annotation) in (tuple, list, dict) else _model_in(annotation)
    return [field.alias or name for name, field in model.model_fields.items() if name not in OWN] if model else []


def _model_in(annotation: Any) -> Any:
    """The model inside an annotation such as ``tuple[GoalSettings, ...]`` or ``Demo | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in getattr(annotation, "__args__", ()) if (model := _model_in(part))), None)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What of a file is sound in itself, so that its names can be looked up even where another part is wrong."""

    indicators: Mapping[int, str]
    segments: tuple[str, ...]
    definitions: Mapping[str, Mapping[str, object]]
    goals: Mapping[int, GoalSettings]
    tables: Mapping[str, TableSource]
    alerts: Mapping[int, AlertRule]
    sinks: tuple[str, ...]
    trend: int
    keep_personal: tuple[str, ...]


def _sound_parts(content: Mapping[str, Any]) -> _Parts:
    report, source = _mapping(content.get("report")), _mapping(content.get("source"))
    goals, definitions = content.get("goals"), _mapping(content.get("definitions"))
    alerts, trend = _listed(content.get("alerts")), report.get("trend_length", 12)
    indicators, segments = _listed(report.get("indicators")), _listed(report.get("segments"))
    return _Parts(
        {number: name for number, name in enumerate(indicators) if isinstance(name, str)},
        tuple(name for name in segments if isinstance(name, str)),
        {name: given for name, given in definitions.items() if isinstance(given, dict)},
        {n: goal for n, goal in enumerate(_sound(GoalSettings, written) for written in _listed(goals)) if goal},
        {
            name: table
            for name, written in _mapping(source.get("tables")).items()
            if name in TABLES and (table := _sound(TableSource, written))
        },
        {n: rule for n, rule in enumerate(_sound(AlertRule, written) for written in alerts) if rule},
        tuple(str(name) for name in _mapping(content.get("sinks"))),
        trend if isinstance(trend, int) else 12,
        tuple(name for name in _mapping(source.get("keep_personal")) if isinstance(name, str)),
    )


def _mapping(written: object) -> dict[str, Any]:
    return written if isinstance(written, dict) else {}


def _listed(written: object) -> list[Any]:
    return written if isinstance(written, list) else []


def _sound(model: type[Model], written: object) -> Model | None:
    try:
        return model.model_validate(written)
    except ValidationError:
        return None


def _catalogue_problems(parts: _Parts, path: Path, lines: dict[Place, int]) -> Iterator[Problem]:
    """Names that must be in the catalogue or the schema: indicators, assumptions, columns."""

    def at(*place: str | int) -> str:
        return _at(path, place, lines)

    for number, name in parts.indicators.items():
        if name not in CATALOGUE:
            yield Problem(at("report", "indicators", number), f"no indicator '{name}'. {nearest(name, CATALOGUE)}")
    for name, given in parts.definitions.items():
        if name not in CATALOGUE:
            yield Problem(at("definitions", name), f"no indicator '{name}'. {nearest(name, CATALOGUE)}")
            continue
        for key, value in given.items():
            try:
                CATALOGUE[name].with_assumptions({key: value})
            except CRMError as error:
                yield Problem(at("definitions", name, key), str(error))
    ids: set[str] = set()
    for number, goal in parts.goals.items():
        if goal.indicator not in CATALOGUE:
            known = nearest(goal.indicator, CATALOGUE)
            yield Problem(at("goals", number, "indicator"), f"no indicator '{goal.indicator}'. {known}")
            continue
        for key, message in goal_problems(goal, CATALOGUE[goal.indicator]):
            yield Problem(at("goals", number, key), message)
        if (goal.id or goal.indicator) in ids:
            yield Problem(at("goals", number), f"a second goal '{goal.id or goal.indicator}': give each its own id.")
        ids.add(goal.id or goal.indicator)
    watched = alert_problems(parts.alerts, sinks=parts.sinks, goals=sorted(ids), tables=list(TABLES), trend=parts.trend)
    for place, message in watched:
        yield Problem(at(*place), message)
    for table, how in parts.tables.items():
        known_columns = [column.name for column in TABLES[table].columns]
        extra = [*parts.segments] if table == "customers" else []
        for key in ("columns", "values", "formats"):
            names = how.columns.values() if key == "columns" else getattr(how, key)
            for name in names:
                if name not in [*known_columns, *extra, IGNORE]:
                    advice = nearest(name, [*known_columns, *extra, IGNORE])
                    yield Problem(at("source", "tables", table, key), f"'{name}' is no column of {table}. {advice}")
    personal = {f"{table.name}.{c.name}" for table in TABLES.values() for c in table.columns if c.personal}
    for name in parts.keep_personal:
        if name not in personal:
            yield Problem(at("source", "keep_personal", name), f"no personal column. {nearest(name, personal)}")
