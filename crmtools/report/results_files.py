"""The results of a run as an archive for readers: every number that the report may show, as CSV and as JSON."""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from crmtools.report.downloads import EPOCH, FOLDER, Cell, as_csv
from crmtools.report.results import Results

ARCHIVE = f"{FOLDER}/results.zip"
"""Where it lies in a book."""
ESTIMATE = (
    "indicator", "group", "period", "period_start", "period_end", "as_of", "value", "low", "high", "level", "n", "rows", "method",
    "excluded", "suppressed", "maturity", "currency",
)  # fmt: skip
ABOUT = """\
estimates.csv  one row per indicator, group and period. Values are in the indicator's unit; shares are fractions (0.046 is 4.6 %).
               value is empty where nothing could be computed or few people would be shown; excluded: rows left out, by reason.
goals.csv      one row per goal: baseline, target, present value, gap, progress, status, evidence, chance of attainment.
results.json   the same with everything else that the report rests on.

estimates.csv  每个指标、分组和期间一行。数值以指标的单位表示，比率为小数（0.046 即 4.6%）。
               无法计算或涉及人数过少时 value 为空；excluded 为按原因排除的行数。
goals.csv      每个目标一行：基线、目标值、当前值、差距、进度、状态、证据、达成的可能性。
results.json   同样的内容，以及报告所依据的其余数据。
"""


def pack(results: Results, target: Path) -> None:
    """Write the archive ``target``; equal results give equal files."""
    parts = {
        "README.txt": ABOUT.encode(),
        "estimates.csv": as_csv([list(ESTIMATE), *(_row(item.to_dict()) for item in results.estimates)]),
        "goals.csv": as_csv(_goals(results.readings)),
        "results.json": _lasting(results),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(made.getvalue())


OF_THE_RUN = ("run_id", "states")
"""What tells of the run and not of the numbers: the book says it, and equal numbers give equal files without it."""


def _lasting(results: Results) -> bytes:
    kept = {name: value for name, value in results.to_dict().items() if name not in OF_THE_RUN}
    return (json.dumps(kept, ensure_ascii=False, indent=1) + "\n").encode()


def _row(plain: Mapping[str, Any]) -> list[Cell]:
    period = plain["period"]
    flat = {**plain, "period": period["id"], "period_start": period["start"], "period_end": period["end"]}
    flat["group"] = _pairs(plain["group"])
    flat["excluded"] = _pairs(plain["excluded"])
    return [_cell(flat.get(name)) for name in ESTIMATE]


def _pairs(found: Mapping[str, object]) -> str:
    return "; ".join(f"{name}={value}" for name, value in found.items())


def _goals(readings: Iterable[Mapping[str, Any]]) -> list[list[Cell]]:
    """A goal's plain values, of its estimates only the value and its limits."""
    rows: list[list[Cell]] = []
    for reading in readings:
        flat: dict[str, Cell] = {}
        for name, value in reading.items():
            if name in ("baseline", "now"):
                flat |= {f"{name}_{part}": _cell(value.get(part)) for part in ("value", "low", "high", "n")}
            elif isinstance(value, Mapping) and set(value) == {"zh", "en"}:
                flat |= {f"{name}_{language}": str(text) for language, text in value.items()}
            else:
                flat[name] = _cell(value)
        rows += [[*flat], [*flat.values()]] if not rows else [[*flat.values()]]
    return rows


def _cell(value: object) -> Cell:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, int | float | str) else json.dumps(value, ensure_ascii=False)
