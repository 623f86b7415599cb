"""Do 95 of 100 intervals cover? Every indicator whose true value is known, over 400 companies (seeds 1 to 400) of about
1,200 customers each, for the quarter 2025-Q4. About four minutes on two cores.

Companies are measured 40 at a time: their rows stand in one set of tables, the ids of each marked with its seed, and the
seed is an attribute to split by. So each estimate goes the way that every estimate of a report goes, and one query serves
forty companies. The true values come from :func:`crmtools.simulate.true_value`, whose error is less than a tenth of the
standard error here. The model's share of silent customers is a forecast: it is held against what its company's customers
do in the ninety days after, and nobody but the simulation knows.
"""

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import crmtools as crm
from crmtools.indicators import CATALOGUE
from crmtools.measuring import breakdown, measure
from crmtools.simulate import Company, simulate_frames, true_value
from crmtools.simulate.truth import INDICATORS
from crmtools.tables import TABLES

pytestmark = pytest.mark.slow

SEEDS, CUSTOMERS, AT_ONCE = range(1, 401), 1200, 40
AS_OF, PERIOD = date(2025, 12, 31), "2025-Q4"
LATER, LATER_MONTHS, SILENT = date(2026, 3, 31), 39, "expected_churn_share"
DRAWN_FROM = {"survey_response_rate": Company().response_share}
CLAIMING = (*(name for name in INDICATORS if name != "backlog"), *DRAWN_FROM)  # a complete count claims no interval
COMPANY = "company"
Frames = dict[str, pd.DataFrame]
SPLITS = {"cac": "acquired_channel", "lead_conversion_rate": "source"}  # what belongs to no customer
NAMED_ALIKE = ("survey_items", "fx_rates")  # the same in every company
NEEDED = tuple(dict.fromkeys([*(t for name in CLAIMING for t in CATALOGUE[name].tables), "customers", "fx_rates"]))


def one_company(seed: int, *, as_of: date = AS_OF, months: int = 36, tables: tuple[str, ...] = NEEDED) -> Frames:
    """The tables of one company, all that tells it from the others marked with its seed."""
    mark = f"{seed:04d}"
    frames = simulate_frames(seed=seed, customers=CUSTOMERS, as_of=as_of, months=months, tables=tables)
    for name, frame in frames.items():
        if name in NAMED_ALIKE:
            continue
        ids = [c.name for c in TABLES[name].columns if c.type == "id" and c.name in frame and c.name != "item_id"]
        columns = {column: f"{mark}-" + frame[column].astype("string") for column in ids}
        marks = {"customers": [COMPANY, "acquired_channel"], "spend": ["channel"], "leads": ["source"]}
        frames[name] = frame.assign(**columns, **dict.fromkeys(marks.get(name, []), mark))
    return frames


def together(companies: list[Frames]) -> Frames:
    """The rows of all companies in one set of tables."""
    first = companies[0]
    return {
        name: first[name] if name in NAMED_ALIKE else pd.concat([c[name] for c in companies], ignore_index=True)
        for name in first
    }


def asked(name: str, data: crm.Data) -> pd.DataFrame:
    """One row per company: seed, indicator, value, low, high, se, n, method."""
    by = SPLITS.get(name, COMPANY)
    found = breakdown(name, data, by=by, period=PERIOD).estimates
    columns = ["value", "low", "high", "se", "n", "method"]
    frame = pd.DataFrame([[getattr(e, column) for column in columns] for e in found], columns=columns)
    return frame.assign(indicator=name, seed=[int(dict(e.group)[by]) for e in found])


def estimates_of(seeds: range) -> pd.DataFrame:
    """All indicators of these companies."""
    data = crm.open(**together([one_company(seed) for seed in seeds]), as_of=AS_OF)
    return pd.concat([asked(name, data) for name in CLAIMING])


def forecasts_of(seeds: range) -> pd.DataFrame:
    """The model's forecast for these companies, and in the column ``true`` the share that did stay silent."""
    tables = ("customers", "orders", "fx_rates")
    frames = together([one_company(seed, as_of=LATER, months=LATER_MONTHS, tables=tables) for seed in seeds])
    orders = frames["orders"].query("status == 'completed' and net_amount > refund_amount.fillna(0)")
    orders = orders[~orders["customer_id"].isin(frames["customers"].query("is_test")["customer_id"])]
    cut, year = pd.Timestamp("2026-01-01"), pd.Timedelta(days=365)
    active = orders[(orders["ordered_at"] >= cut - year) & (orders["ordered_at"] < cut)][
        "customer_id"
    ].drop_duplicates()
    silent = ~active.isin(orders[orders["ordered_at"] >= cut]["customer_id"])
    forecasts = asked(SILENT, crm.open(**frames, as_of=AS_OF))
    return forecasts.assign(true=forecasts["seed"].map(silent.groupby(active.str[:4].astype(int)).mean()))


@pytest.fixture(scope="module")
def estimates(truth) -> pd.DataFrame:
    batches = [SEEDS[start : start + AT_ONCE] for start in range(0, len(SEEDS), AT_ONCE)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        measured, forecast = pool.map(estimates_of, batches), pool.map(forecasts_of, batches)
        known = pd.concat(measured, ignore_index=True)
        return pd.concat([known.assign(true=known["indicator"].map(truth)), *forecast], ignore_index=True)


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> dict[str, float]:
    cache = tmp_path_factory.mktemp("truth")
    counted = [name for name in CLAIMING if name not in DRAWN_FROM]
    return DRAWN_FROM | {name: true_value(name, PERIOD, cache=cache, as_of=AS_OF) for name in counted}


@pytest.fixture(scope="module")
def coverage(estimates) -> pd.DataFrame:
    """Per indicator: how often the interval covers, how often it lies above and below, its width, the bias."""
    true = estimates["true"]
    rows = estimates.assign(
        covered=(estimates["low"] <= true) & (true <= estimates["high"]),
        too_high=estimates["low"] > true,
        too_low=estimates["high"] < true,
        width=estimates["high"] - estimates["low"],
        error=estimates["value"] - true,
    ).groupby("indicator", sort=False)
    spread = rows["error"].std()
    return pd.DataFrame(
        {
            "true": rows["true"].mean(),
            "coverage": rows["covered"].mean(),
            "all above": rows["too_high"].mean(),
            "all below": rows["too_low"].mean(),
            "mean width": rows["width"].mean(),
            "bias in se": rows["error"].mean() / spread,
            "se said / seen": rows["se"].mean() / spread,
            "n": rows["n"].mean(),
            "method": rows["method"].agg(lambda x: "+".join(sorted(set(x)))),
        }
    )


def band(trials: int) -> tuple[float, float]:
    """92 to 98 %, widened by what chance does to so many trials (99 % of the time)."""
    z = stats.norm.ppf(0.995)
    return tuple(edge + side * z * np.sqrt(edge * (1 - edge) / trials) for edge, side in ((0.92, -1), (0.98, 1)))


def test_every_company_is_measured(estimates) -> None:
    counts = estimates.groupby("indicator")["low"].count()
    assert counts.to_dict() == dict.fromkeys((*CLAIMING, SILENT), len(SEEDS))


def test_intervals_cover_the_true_value(coverage, capsys) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{coverage.round(4).to_string()}\npooled {coverage['coverage'].mean():.4f}\n")
    low, high = band(len(SEEDS))
    outside = coverage[~coverage["coverage"].between(low, high)]
    assert outside.empty, outside.to_string()
    assert 0.92 <= coverage["coverage"].mean() <= 0.98


def test_values_are_not_biased(coverage) -> None:
    """Four Monte Carlo errors, and what ratios of sums are biased by at this size."""
    assert coverage["bias in se"].abs().max() < 4 / np.sqrt(len(SEEDS)) + 0.1


def test_forty_at_a_time_is_one_at_a_time(estimates) -> None:
    """A company measured alone has the same numbers: the way it is measured here is the way of a report."""
    data = crm.open(**one_company(SEEDS[0]), as_of=AS_OF)
    for name in CLAIMING:
        alone = measure(name, data, period=PERIOD)
        among = estimates.query("indicator == @name and seed == @SEEDS[0]").iloc[0]
        assert [alone.value, alone.n] == pytest.approx([among["value"], among["n"]], rel=1e-9)
        assert [alone.low, alone.high] == pytest.approx([among["low"], among["high"]], rel=1e-9), name


def test_no_progress_is_drawn_into_the_output() -> None:
    """As :mod:`test_slow_truth`'s own workers are started; a bar would spoil what ``--json`` prints."""
    ask = "crm.open('tiny').backend.raw_sql(\"SELECT current_setting('enable_progress_bar')\").fetchone()[0]"
    done = subprocess.run(
        [sys.executable, "-c", f"import crmtools as crm; print({ask})"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
