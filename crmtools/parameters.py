"""Reading a parameters file, and saying everything that is wrong with it, each with its key and line."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from crmtools.errors import CRMError, Problem, SettingsError, nearest
from crmtools.goals.goal import target_problem
from crmtools.indicators import CATALOGUE
from crmtools.settings import Settings
from crmtools.tables import TABLES
from crmtools.tables.typing import IGNORE

Place = tuple[str | int, ...]


def load(path: str | Path) -> Settings:
    """Read and check a parameters file; raises :class:`SettingsError` with every problem and its line."""
    path = Path(path)
    try:
        written = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        there = sorted(str(item) for item in path.parent.glob("*.yml"))
        known = f"Found here: {', '.join(there)}." if there else "No parameters file is in that folder."
        raise SettingsError(f"There is no parameters file {path}. {known}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as UTF-8 text: {error}.") from None
    try:
        tree = yaml.compose(written, Loader=yaml.SafeLoader)
        content = yaml.safe_load(written)
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold keys such as report, source and goals; found {type(content).__name__}.")
    lines = dict(_lines(tree, ()))
    problems = list(_doubled(tree, (), path))
    try:
        settings = Settings.model_validate(content | {"path": path})
    except ValidationError as error:
        problems += _problems(error, path, lines)
    else:
        problems += _catalogue_problems(settings, path, lines)
    if problems:
        raise SettingsError.of(f"{len(problems)} problem{'s'[: len(problems) > 1]} in {path}", problems, "Nothing was run.")
    return settings


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
    for item in error.errors(include_url=False):
        # pydantic names the branch of a union in the place; those parts are not keys of the file
        place = tuple(part for part in item["loc"] if not re.search(r"[\[(]|^(str|float|int|Period)$", str(part)))
        message = _message(item, place)
        if (place, message) not in seen:
            seen.add((place, message))
            yield Problem(_at(path, place, lines), message)


def _message(item: Any, place: Place) -> str:
    found = item.get("input")
    match item["type"]:
        case "extra_forbidden":
            return f"unknown key. {nearest(str(place[-1]), _allowed(place[:-1]))}"
        case "missing":
            return "is missing, and it is needed."
        case "literal_error":
            return f"found '{found}'. Allowed: {item['ctx']['expected']}."
        case "value_error":
            shown = "" if isinstance(found, (dict, BaseModel)) else f"found '{found}': "
            return f"{shown}{item['ctx']['error']}."
    return f"found '{found}': {item['msg'][0].lower()}{item['msg'][1:]}."


def _allowed(place: Place) -> list[str]:
    """The keys that may stand at a place of the file."""
    model: Any = Settings
    for part in place:
        if isinstance(model, type) and issubclass(model, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
            model = _model_in(fields.get(str(part)))
        if model is None:
            return []
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items() if name != "path"]
    return []


def _model_in(annotation: Any) -> Any:
    """The model inside an annotation such as ``tuple[GoalSettings, ...]`` or ``Demo | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in getattr(annotation, "__args__", ()) if (model := _model_in(part))), None)


def _catalogue_problems(settings: Settings, path: Path, lines: dict[Place, int]) -> Iterator[Problem]:
    """Names that must be in the catalogue or the schema: indicators, assumptions, columns."""
    def at(*place: str | int) -> str:
        return _at(path, place, lines)

    for number, name in enumerate(settings.report.indicators or ()):
        if name not in CATALOGUE:
            yield Problem(at("report", "indicators", number), f"no indicator '{name}'. {nearest(name, CATALOGUE)}")
    for name, given in settings.definitions.items():
        if name not in CATALOGUE:
            yield Problem(at("definitions", name), f"no indicator '{name}'. {nearest(name, CATALOGUE)}")
            continue
        for key, value in given.items():
            try:
                CATALOGUE[name].with_assumptions({key: value})
            except CRMError as error:
                yield Problem(at("definitions", name, key), str(error))
    ids: set[str] = set()
    for number, goal in enumerate(settings.goals):
        if goal.indicator not in CATALOGUE:
            yield Problem(
                at("goals", number, "indicator"), f"no indicator '{goal.indicator}'. {nearest(goal.indicator, CATALOGUE)}"
            )
            continue
        if message := target_problem(goal, CATALOGUE[goal.indicator]):
            yield Problem(at("goals", number, "target"), message)
        if (goal.id or goal.indicator) in ids:
            yield Problem(at("goals", number), f"a second goal '{goal.id or goal.indicator}': give each its own id.")
        ids.add(goal.id or goal.indicator)
    for table, given_table in settings.source.tables.items():
        known = [column.name for column in TABLES[table].columns]
        extra = [*settings.report.segments] if table == "customers" else []
        for key in ("columns", "values", "formats"):
            names = given_table.columns.values() if key == "columns" else getattr(given_table, key)
            for name in names:
                if name not in [*known, *extra, IGNORE]:
                    yield Problem(
                        at("source", "tables", table, key),
                        f"'{name}' is no column of {table}. {nearest(name, [*known, *extra])}",
                    )
    personal = {f"{table.name}.{c.name}" for table in TABLES.values() for c in table.columns if c.personal}
    for name in settings.source.keep_personal:
        if name not in personal:
            yield Problem(at("source", "keep_personal", name), f"no personal column. {nearest(name, personal)}")


