"""Runs of the small report without notebooks and book: what they leave in the history and in their folders."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml

from crmtools.estimating import resolve
from crmtools.indicators import CATALOGUE
from crmtools.parameters import load
from crmtools.report import manifest as manifests
from crmtools.report.collected import readings_of, results_of
from crmtools.report.history import append_history
from crmtools.report.manifest import Manifest
from crmtools.report.marks import keep_terms
from crmtools.report.numbers import Numbers, compute
from crmtools.report.plan import Plan, plan
from crmtools.tables.source import Data, open_settings


@dataclass
class Made:
    """A run that was made, with all that its pages are made from."""

    data: Data
    plan: Plan
    numbers: Numbers
    manifest: Manifest
    in_force: dict
    folder: Path


def make(file, run_id, run_at, *, into_history=True, **report):
    """Run the report of a parameters file, its part ``report`` changed; ``run_at`` is an ISO time with its zone."""
    written = yaml.safe_load(file.read_text("utf-8"))
    written["report"] |= report
    file.write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
    settings = load(file)
    data = open_settings(settings)
    made = plan(settings, data)
    numbers = compute(made, data)
    in_force = {item.id: resolve(item, data, {}) for item in CATALOGUE.values()}
    now = datetime.fromisoformat(run_at)
    manifest = manifests.start(settings, data, run_id=run_id, now=now, stages={})
    folder = settings.root / "runs" / run_id
    folder.mkdir(parents=True)
    manifest.write(folder / "manifest.json")
    results_of(made, numbers, {}, [], run_id).write(folder / "results.json")
    keep_terms(folder, settings, in_force)
    if into_history:
        append_history(
            settings.root, settings.name, run_id=run_id, run_at=now, estimates=numbers.estimates,
            definitions=in_force, readings=readings_of(numbers), marks=manifest.marks,
        )  # fmt: skip
    return Made(data, made, numbers, manifest, in_force, folder)


def change_line(root, table, old, new):
    """Change one place in a table of the source."""
    file = root / "data" / "tiny" / f"{table}.csv"
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{old} stands {text.count(old)} times in {table}"
    file.write_text(text.replace(old, new), encoding="utf-8")
