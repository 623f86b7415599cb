"""A study remembered beside the snapshot, so that two notebooks and two languages do not each fit it anew.

Records become plain values with the name of their class, frames become tables of their own, fits their JSON. What a study hangs
on besides the data is in its name: the settings, the source of the package and the libraries it computes with.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from crmtools.lifetime.beta_geo import BetaGeo, ModifiedBetaGeo
from crmtools.lifetime.compare import Comparison
from crmtools.lifetime.evaluate import Calendar, HoldoutCheck
from crmtools.lifetime.fitted import Fitted
from crmtools.lifetime.gamma_gamma import GammaGamma
from crmtools.lifetime.nbd import Nbd
from crmtools.lifetime.occasions import Counts
from crmtools.lifetime.pareto_nbd import ParetoNbd
from crmtools.lifetime.summary import CalibrationHoldout, Summary
from crmtools.lifetime.value import CustomerValue, Terms, Total, Worth
from crmtools.settings import Lifetime
from crmtools.sums import made_by
from crmtools.tables.answers import Answers
from crmtools.words import Text

RECORDS: dict[str, type[Any]] = {
    record.__name__: record
    for record in (Calendar, CalibrationHoldout, Comparison, Counts, CustomerValue, HoldoutCheck, Summary, Terms, Text, Total)
}  # fmt: skip
FITS: dict[str, type[Fitted]] = {fit.__name__: fit for fit in (BetaGeo, GammaGamma, ModifiedBetaGeo, Nbd, ParetoNbd)}


def name_of(settings: Lifetime) -> str:
    """What a study depends on besides the data."""
    return f"lifetime study|{settings.model_dump_json()}|{made_by()}|lifetimes {version('lifetimes')}"


def keep(name: str, parts: Mapping[str, object], answers: Answers) -> None:
    """Remember the parts of a study."""
    tables: list[pd.DataFrame] = []
    plain = {key: _plain(part, tables) for key, part in parts.items()}
    for place, table in enumerate(tables):
        answers.keep_table(f"{name}|{place}", pa.Table.from_pandas(table))
    # last, for it says that the tables are there
    answers.keep_text(name, json.dumps(plain, ensure_ascii=False))


def kept(name: str, answers: Answers) -> dict[str, Any] | None:
    """The parts that were remembered; None where they were not, or not all of them are left."""
    if (told := answers.text(name)) is None:
        return None
    plain, tables = json.loads(told), _Tables(name, answers)
    try:
        return {key: _record(part, tables) for key, part in plain.items()}
    except _GoneError:
        return None


class _GoneError(Exception):
    """A table that is not there any more."""


class _Tables:
    def __init__(self, name: str, answers: Answers) -> None:
        self.name, self.answers = name, answers

    def __getitem__(self, place: int) -> pd.DataFrame:
        table = self.answers.table(f"{self.name}|{place}")
        if table is None:
            raise _GoneError
        return table


def _plain(part: object, tables: list[pd.DataFrame]) -> object:
    """Numbers, texts, and {kind: content} for everything else."""
    if part is None or isinstance(part, bool | int | float | str):
        return part
    if isinstance(part, np.generic):
        return part.item()
    if isinstance(part, date):
        return {"date": part.isoformat()}
    if isinstance(part, pd.Series | pd.DataFrame):
        if isinstance(part, pd.Series):
            tables.append(part.to_frame("series"))
            return {"series": len(tables) - 1, "name": part.name}
        # one summary is named twice: by the study, and by what its customers are worth
        place = next((n for n, table in enumerate(tables) if table is part), len(tables))
        tables[place:] = tables[place:] or [part]
        return {"frame": place}
    if isinstance(part, Mapping):
        return {"mapping": {str(key): _plain(value, tables) for key, value in part.items()}}
    if isinstance(part, Sequence):
        return {"tuple": [_plain(value, tables) for value in part]}
    if isinstance(part, Worth):
        return {"worth": [_plain(each, tables) for each in (part.purchases, part.spend, part.summary, part.terms)]}
    if isinstance(part, Fitted):
        return {"fit": type(part).__name__, "json": part.to_json()}
    own = {field.name: _plain(getattr(part, field.name), tables) for field in fields(part)}  # type: ignore[arg-type]
    return {"record": type(part).__name__, "fields": own}


def _record(part: Any, tables: _Tables) -> Any:
    """What ``_plain`` was made of."""
    if not isinstance(part, dict):
        return part
    kind = next(iter(part))
    content = part[kind]
    match kind:
        case "date":
            return date.fromisoformat(content)
        case "frame":
            return tables[content]
        case "series":
            return tables[content]["series"].rename(part["name"])
        case "mapping":
            return {key: _record(value, tables) for key, value in content.items()}
        case "tuple":
            return tuple(_record(value, tables) for value in content)
        case "worth":
            return Worth(*(_record(value, tables) for value in content))
        case "fit":
            return FITS[content].from_json(part["json"])
        case _:
            return RECORDS[content](**{key: _record(value, tables) for key, value in part["fields"].items()})
