"""From what was drawn to the neutral tables: identifiers become strings, columns get the schema's types."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmtools.tables import Column, Table

PREFIXES = {
    "customer": "C", "order": "O", "order_line": "L", "subscription": "S", "ticket": "T", "interaction": "I",
    "response": "R", "invite": "N", "feedback": "F", "invoice": "V", "payment": "P", "lead": "Q",
    "opportunity": "D", "campaign": "K", "referral": "Z", "member_event": "M", "staff": "U",
}  # fmt: skip
ARROW_TYPES = {
    "category": pa.string(), "text": pa.string(), "day": pa.date32(), "time": pa.timestamp("us"),
    "number": pa.float64(), "money": pa.float64(), "count": pa.int64(), "flag": pa.bool_(),
}  # fmt: skip


def to_arrow(table: Table, frame: pd.DataFrame) -> pa.Table:
    """The frame as the neutral table: its columns in the schema's order, no others."""
    return pa.table({column.name: _column(column, frame[column.name]) for column in table.columns})


def _column(column: Column, values: pd.Series) -> pa.Array:
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = values.cat.codes.to_numpy()
        words = pa.array([str(word) for word in values.cat.categories], pa.string())
        coded = pa.array(codes.astype(np.int32), mask=codes < 0)
        return pa.DictionaryArray.from_arrays(coded, words).cast(pa.string())
    if column.type == "id":
        return _identifiers(PREFIXES[column.names], values.to_numpy())
    return pa.array(values.to_numpy(), from_pandas=True).cast(ARROW_TYPES[column.type])


def _identifiers(prefix: str, numbers: np.ndarray) -> pa.Array:
    """Row numbers as identifiers counted from one; -1 is empty."""
    numbers = numbers.astype(np.int64)
    last = int(numbers.max(initial=-1))
    width = 2 if prefix == "U" else 6
    words = pa.array([f"{prefix}{number:0{width}d}" for number in range(1, last + 2)], pa.string())
    coded = pa.array(numbers, mask=numbers < 0)
    return pa.DictionaryArray.from_arrays(coded.cast(pa.int32()), words).cast(pa.string())


def write(folder: Path, tables: dict[str, pa.Table]) -> None:
    """One Parquet file per table; the same tables give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
