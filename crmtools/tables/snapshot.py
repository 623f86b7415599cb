"""The snapshot of a source: which files it is made of, what it depends on, and its making.

Files pass the door once per state; the clean tables are Parquet files under ``.crmtools/snapshots/FINGERPRINT``. What is here
needs no tables to be open: whether anything has changed is known from files alone.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import duckdb

from crmtools import simulate
from crmtools.errors import DataError, Problem
from crmtools.settings import Settings, TableSource
from crmtools.tables.door import pass_the_door
from crmtools.tables.privacy import key_mark, pseudonym_key
from crmtools.tables.reading import Raw, content_hash, files_of, literal, locate, quote, read_database, read_file
from crmtools.tables.side_by_side import draw_no_bars, side_by_side


def snapshot_of(settings: Settings) -> tuple[Settings, str, Path]:
    """Settings that name the files of their source, its fingerprint, and the folder of its snapshot, made where it is not there yet."""
    settings, files, key = _found(settings)
    fingerprint = _fingerprint(settings, files, key)
    folder = settings.root / ".crmtools" / "snapshots" / fingerprint
    if not (folder / "door.json").is_file():
        _make_snapshot(folder, settings, files, key)
    return settings, fingerprint, folder


def located(settings: Settings) -> Settings:
    """Settings that name the files of their source; a demo company is made where it is not there."""
    return _found(settings)[0]


def fingerprint_of(settings: Settings) -> str:
    """The fingerprint that the data have now, without opening them."""
    return _fingerprint(*_found(settings))


def _found(settings: Settings) -> tuple[Settings, dict[str, Path], bytes | None]:
    """Settings that name files, those files by table, and the key of pseudonyms; a demo company is made where it is not there."""
    root = settings.root
    if settings.source.demo:
        demo = settings.source.demo
        folder = simulate.ensure_demo(
            root / "data" / settings.path.stem,
            seed=demo.seed,
            customers=demo.customers,
            months=demo.months,
            as_of=demo.as_of,
            company=demo.company,
        )
        source = settings.source.model_copy(update={"demo": None, "folder": str(folder)})
        settings = settings.model_copy(update={"source": source})
    files, problems = _files(settings, root)
    if problems:
        raise DataError.of(f"{settings.path.name} names data that are not there", problems, "Nothing was run.")
    return settings, files, pseudonym_key(root) if settings.source.pseudonyms else None


def _files(settings: Settings, root: Path) -> tuple[dict[str, Path], list[Problem]]:
    if settings.source.duckdb:
        return {"": root / settings.source.duckdb}, []
    return files_of(settings.source, root)


def _fingerprint(settings: Settings, files: Mapping[str, Path], key: bytes | None) -> str:
    """What a snapshot depends on: file contents, how they are read, the schema and the code of the door, the key."""
    memory = settings.root / ".crmtools" / "hashes.json"
    hashes = {name: content_hash(path, memory) for name, path in files.items() if path.is_file()}
    for how in settings.source.tables.values():
        for listing in how.lists.values():
            path = locate(listing.file, settings.root)
            hashes[f"list {listing.file}"] = content_hash(path, memory) if path.is_file() else ""
    parts = {
        "files": hashes,
        # the folder holds the files, and they are told by what is in them: a project gives the same numbers wherever it lies
        "source": settings.source.model_dump(mode="json", exclude={"folder"}),
        "report": [settings.report.currency, settings.report.time_zone, settings.report.segments],
        "code": _code(),
        "key": key_mark(key) if key else "",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:20]


def _code() -> str:
    """The hash of the code of the door; its files are read once as long as they stay as they are."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    stats = [file.stat() for file in files]
    return _hash_of(tuple(files), tuple((one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for one in stats))


@lru_cache(maxsize=1)
def _hash_of(files: tuple[Path, ...], _: tuple[tuple[int, ...], ...]) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _make_snapshot(folder: Path, settings: Settings, files: Mapping[str, Path], key: bytes | None) -> None:
    """Pass the door and write the clean tables; the folder appears whole or not at all."""
    con = duckdb.connect()
    draw_no_bars(con)
    try:
        raws: list[Raw] = []
        unreadable: dict[str, Problem] = {}
        if settings.source.duckdb:
            raws = read_database(con, files[""], settings.source.duckdb, settings.source.tables)
        else:
            for table, path in files.items():  # one after another: workbooks are read by Python
                try:
                    raws.append(read_file(con, table, path, settings.source.tables.get(table, TableSource())))
                except DataError as error:
                    unreadable[table] = Problem(path.name, str(error).removeprefix(f"{path.name}: "))
        door = pass_the_door(con, raws, settings, key=key, unreadable=unreadable)
        part = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.part")
        part.mkdir(parents=True)
        try:
            side_by_side(con, lambda own, item: _write(own, item.table, part), door.tables)
            (part / "door.json").write_text(json.dumps(door.to_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
            try:
                part.rename(folder)
            except OSError:
                if not (folder / "door.json").is_file():
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    finally:
        con.close()


def _write(con: duckdb.DuckDBPyConnection, table: str, folder: Path) -> None:
    target = literal(str(folder / f"{table}.parquet"))
    con.execute(f"COPY {quote(table)} TO {target} (FORMAT parquet, COMPRESSION zstd)")
