"""Records of this package as plain JSON and back, exactly: what one notebook worked out, another one reads.

Not for exchange with others: a text is only read by the very code that wrote it (see :mod:`crmtools.remembered`). Frozen
dataclasses and settings become their fields, numbers keep all their digits, arrays and frames their bytes. Nothing else than
this package's own records can be built from a text, whatever it holds.
"""

import base64
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import BaseModel

from crmtools.errors import CRMError
from crmtools.indicators.catalogue import CATALOGUE, Indicator

TAG = "\x00"
"""The key of what is no JSON of its own; no record of ours has such a field."""
OURS = "crmtools"


def to_text(thing: object) -> str:
    """A record as JSON; raises CRMError naming the type that cannot be written."""
    return json.dumps(_plain(thing), ensure_ascii=False, separators=(",", ":"))


def from_text(text: str) -> Any:
    """What :func:`to_text` was given."""
    return _thing(json.loads(text))


def _plain(thing: Any) -> Any:
    if thing is None or isinstance(thing, bool | int | str):
        return thing
    if isinstance(thing, np.generic):
        return _plain(thing.item())
    if isinstance(thing, float):
        return thing  # NaN and infinity as Python's JSON writes and reads them
    if isinstance(thing, list):
        return [_plain(part) for part in thing]
    if isinstance(thing, dict) and all(isinstance(key, str) and key != TAG for key in thing):
        return {key: _plain(part) for key, part in thing.items()}
    name, content = _tagged(thing)
    return {TAG: name, "is": content}


def _tagged(thing: Any) -> tuple[str, Any]:
    """The name of what a thing is, and what it is made of."""
    if isinstance(thing, Indicator):
        if CATALOGUE.get(thing.id) is not thing:
            raise CRMError(f"'{thing.id}' is not the indicator of that name in the catalogue: it cannot be written.")
        return "indicator", thing.id
    kind = type(thing)
    if kind in _WRITE:
        return kind.__name__, _WRITE[kind](thing)
    if isinstance(thing, Mapping):
        return "dict", [[_plain(key), _plain(part)] for key, part in thing.items()]
    if kind.__module__.split(".")[0] == OURS:
        place = f"{kind.__module__}:{kind.__qualname__}"
        if is_dataclass(thing):
            return place, {one.name: _plain(getattr(thing, one.name)) for one in fields(thing) if one.init}
        if isinstance(thing, BaseModel):
            return place, {name: _plain(getattr(thing, name)) for name in kind.model_fields}
    raise CRMError(f"A {kind.__module__}.{kind.__qualname__} cannot be written as plain JSON.")


def _thing(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_thing(part) for part in plain]
    if not isinstance(plain, dict):
        return plain
    if TAG not in plain:
        return {key: _thing(part) for key, part in plain.items()}
    name, content = plain[TAG], plain["is"]
    if name == "indicator":
        return CATALOGUE[content]
    if name in _READ:
        return _READ[name](content)
    return _record(name, {key: _thing(part) for key, part in content.items()})


def _record(place: str, content: dict[str, Any]) -> Any:
    module, _, name = place.partition(":")
    if module.split(".")[0] != OURS:
        raise CRMError(f"{place} is no record of this package.")
    kind = importlib.import_module(module)
    for part in name.split("."):
        kind = getattr(kind, part)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_construct(**content)
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise CRMError(f"{place} is no record of this package.")
    return kind(**content)


def _bytes(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return base64.b64encode(sink.getvalue()).decode()


def _table(text: str) -> pa.Table:
    return pa.ipc.open_file(pa.py_buffer(base64.b64decode(text))).read_all()


def _frame(frame: pd.DataFrame) -> dict[str, Any]:
    """Bytes of Arrow; labels that Arrow would turn into text are kept beside."""
    whole = frame.reset_index(names=[f"index {n}" for n in range(frame.index.nlevels)])
    labels = [_plain(list(frame.columns)), _plain(list(frame.index.names)), frame.columns.name]
    whole.columns = pd.Index([str(n) for n in range(whole.shape[1])])
    return {"labels": labels, "levels": frame.index.nlevels, "bytes": _bytes(pa.Table.from_pandas(whole))}


def _frame_of(content: dict[str, Any]) -> pd.DataFrame:
    whole, levels = _table(content["bytes"]).to_pandas(), content["levels"]
    columns, names, axis = content["labels"]
    index = whole.iloc[:, :levels]
    found = whole.iloc[:, levels:].copy()
    found.columns = pd.Index(_thing(columns), name=axis) if columns else pd.RangeIndex(0, name=axis)
    named = _thing(names)
    found.index = (
        pd.Index(index.iloc[:, 0]).rename(named[0]) if levels == 1 else pd.MultiIndex.from_frame(index, names=named)
    )
    return found


def _series(series: "pd.Series[Any]") -> list[Any]:
    return [_plain(series.name), _frame(series.to_frame("0"))]


def _series_of(content: list[Any]) -> "pd.Series[Any]":
    return _frame_of(content[1])["0"].rename(_thing(content[0]))


def _array(array: "np.ndarray[Any, Any]") -> list[Any]:
    if array.dtype.hasobject:
        raise CRMError("An array of objects cannot be written as plain JSON.")
    return [array.dtype.str, list(array.shape), base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()]


def _array_of(content: list[Any]) -> "np.ndarray[Any, Any]":
    kind, shape, text = content
    return np.frombuffer(base64.b64decode(text), np.dtype(kind)).reshape(shape).copy()


_WRITE: dict[type, Callable[[Any], Any]] = {
    tuple: lambda thing: [_plain(part) for part in thing],
    set: lambda thing: [_plain(part) for part in sorted(thing, key=repr)],
    frozenset: lambda thing: [_plain(part) for part in sorted(thing, key=repr)],
    MappingProxyType: lambda thing: [[_plain(key), _plain(part)] for key, part in thing.items()],
    date: date.isoformat,
    datetime: datetime.isoformat,
    pd.Timestamp: lambda thing: [thing.isoformat(), thing.unit],
    timedelta: lambda thing: [thing.days, thing.seconds, thing.microseconds],
    np.ndarray: _array,
    pd.DataFrame: _frame,
    pd.Series: _series,
}
_READ: dict[str, Callable[[Any], Any]] = {
    "dict": lambda content: {_thing(key): _thing(part) for key, part in content},
    "mappingproxy": lambda content: MappingProxyType({_thing(key): _thing(part) for key, part in content}),
    "tuple": lambda content: tuple(_thing(part) for part in content),
    "set": lambda content: {_thing(part) for part in content},
    "frozenset": lambda content: frozenset(_thing(part) for part in content),
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "Timestamp": lambda content: pd.Timestamp(content[0]).as_unit(content[1]),
    "timedelta": lambda content: timedelta(*content),
    "ndarray": _array_of,
    "DataFrame": _frame_of,
    "Series": _series_of,
}
