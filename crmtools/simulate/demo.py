"""The demo company on disk: every neutral table as Parquet, and the true values beside them."""

import json
import shutil
import tempfile
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa

from crmtools.errors import SettingsError, few, nearest
from crmtools.simulate import (
    campaigns,
    contract,
    feedback,
    finance,
    loyalty,
    people,
    sales,
    service,
    trade,
    voice,
)
from crmtools.simulate.company import COMPANIES, VERSION, Company
from crmtools.simulate.world import World
from crmtools.simulate.writing import to_arrow, write
from crmtools.tables import TABLES

META = "simulation.json"
TRUTH = "truth.json"


@dataclass(frozen=True, slots=True)
class Truth:
    """What the data were drawn from: the true values (``company``), seed and span, and the rows per table."""

    company: Company
    seed: int
    customers: int
    months: int
    as_of: date
    rows: dict[str, int]

    @property
    def stories(self) -> dict[str, dict[str, object]]:
        """What a report on these data should find, by name: where, since when and how strong it truly is."""
        it = self.company
        return {
            "faster_first_response": {
                "regions": it.faster_response_regions,
                "since": it.faster_response_from,
                "response_time_ratio": it.faster_response_time_ratio,
                "churn_hazard_ratio": it.faster_response_churn_ratio,
            },
            "loyalty_campaign": {"since": it.loyalty_campaign_from, "effect": it.loyalty_campaign_effect},
            "churn_in_the_north": {"region": "north", "churn_hazard_ratio": it.churn_by_region[0]},
            "nps_improves": {"latent_points_per_year": it.nps_growth_per_year},
            "business_pays_late": {
                "late_share_business": it.late_share_business,
                "late_share_consumer": it.late_share_consumer,
            },
            "cac_falls": {"log_change_per_year": it.cac_growth_per_year},
        }

    def to_json(self) -> str:
        """The truth as JSON, dates as ISO days."""
        content = asdict(self) | {"version": VERSION, "stories": self.stories}
        return json.dumps(content, default=str, ensure_ascii=False, indent=2) + "\n"


def draw(world: World, names: Collection[str] = tuple(TABLES)) -> dict[str, pa.Table]:
    """The neutral tables of one simulated company, in the schema's order.

    ``names`` limits what is returned; each table is the same whatever else is asked for.
    """
    if unknown := sorted(set(names) - set(TABLES)):
        raise SettingsError(f"There is no neutral table {few(unknown)}. {nearest(unknown[0], TABLES)}")
    everyone, leads = people.people(world)
    frames = {"customers": people.customers_table(world, everyone)}
    held = contract.spells(world, everyone)
    frames["subscriptions"] = contract.subscriptions_table(world, held)
    frames["usage"] = contract.usage_table(world, everyone, held)
    frames["members"] = loyalty.members_table(world, everyone)
    frames["referrals"] = loyalty.referrals_table(world, everyone)
    frames["orders"] = trade.orders_table(world, everyone)
    frames["order_lines"] = trade.order_lines_table(world, frames["orders"])
    frames["fx_rates"] = trade.fx_rates_table(world)
    frames["invoices"], frames["payments"] = finance.invoices_tables(world, everyone, frames["orders"], held)
    frames["spend"] = finance.spend_table(world)
    frames["tickets"] = service.tickets_table(world, everyone)
    frames["interactions"] = service.interactions_table(world, everyone)
    frames["ratings"] = service.ratings_table(world, frames["tickets"])
    frames["survey_items"] = voice.survey_items_table()
    frames["survey_invites"], replies = voice.relationship(world, everyone)
    frames["survey_answers"] = voice.survey_answers_table(world, everyone, replies, frames["tickets"])
    frames["feedback"] = feedback.feedback_table(world, everyone)
    frames["feedback_codes"] = feedback.feedback_codes_table(world, frames["feedback"])
    frames["campaigns"], frames["campaign_responses"] = campaigns.campaigns_tables(world, everyone)
    raw = sales.leads_table(world, everyone, leads, len(frames["campaigns"]))
    frames["opportunities"], frames["stage_history"], frames["leads"] = sales.opportunities_tables(world, everyone, raw)
    return {name: to_arrow(table, frames[name]) for name, table in TABLES.items() if name in names}


def simulate_frames(
    *,
    seed: int = 20251231,
    customers: int = 5000,
    months: int = 36,
    as_of: date = date(2025, 12, 31),
    tables: Collection[str] = tuple(TABLES),
) -> dict[str, pd.DataFrame]:
    """The same company as :func:`simulate` in memory: pandas frames by table name, missing values empty."""
    world = World.of(seed=seed, customers=customers, months=months, as_of=as_of)
    frames = {name: table.to_pandas(date_as_object=False) for name, table in draw(world, tables).items()}
    # Arrow gives days in milliseconds and times in microseconds, which pandas does not merge with each other.
    days = {name: [c.name for c in TABLES[name].columns if c.type == "day"] for name in frames}
    return {name: frame.astype(dict.fromkeys(days[name], "datetime64[us]")) for name, frame in frames.items()}


def simulate(
    folder: Path,
    *,
    seed: int = 20251231,
    customers: int = 5000,
    months: int = 36,
    as_of: date = date(2025, 12, 31),
    company: str = "demo",
) -> Truth:
    """Write one Parquet file per neutral table, and ``truth.json``, into ``folder``.

    ``company`` is a key of ``COMPANIES``. ``customers`` is the expected number; the number that comes is Poisson. Customers are independent of each
    other. The same arguments give the same bytes.
    """
    if customers < 1 or months < 1:
        raise SettingsError(f"A simulated company needs customers and months, found {customers} and {months}.")
    if company not in COMPANIES:
        raise SettingsError(f"There is no simulated company '{company}'. {nearest(company, COMPANIES)}")
    world = World.of(seed=seed, customers=customers, months=months, as_of=as_of, company=COMPANIES[company])
    tables = draw(world)
    write(folder, tables)
    rows = {name: table.num_rows for name, table in tables.items()}
    truth = Truth(world.company, seed, customers, months, as_of, rows)
    (folder / TRUTH).write_text(truth.to_json(), encoding="utf-8")
    return truth


def ensure_demo(
    folder: Path,
    *,
    seed: int = 20251231,
    customers: int = 5000,
    months: int = 36,
    as_of: date = date(2025, 12, 31),
    company: str = "demo",
) -> Path:
    """The demo company in ``folder``, made unless it is there, of this version and with these arguments.

    It is made beside the folder and moved in when whole: a reader never sees half of it. A folder that holds
    something else than a simulated company is left alone.
    """
    wanted = {"version": VERSION, "seed": seed, "customers": customers, "months": months, "as_of": str(as_of)}
    if company != "demo":
        wanted["company"] = {name: str(value) for name, value in asdict(COMPANIES[company]).items()}
    meta = folder / META
    if meta.exists() and json.loads(meta.read_text(encoding="utf-8")) == wanted:
        return folder
    if folder.exists() and any(folder.iterdir()) and not meta.exists():
        raise SettingsError(f"The folder '{folder}' holds other files. Name an empty or a new one for the demo data.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        simulate(fresh, seed=seed, customers=customers, months=months, as_of=as_of, company=company)
        (fresh / META).write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
        fresh.chmod(0o755)
        _swap(fresh, folder, wanted)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _swap(fresh: Path, folder: Path, wanted: dict[str, object]) -> None:
    """Move the fresh folder into place; where another process was faster with the same data, keep theirs."""
    old = fresh.with_name(f"{fresh.name}-old")
    if folder.exists():
        folder.replace(old)
    try:
        fresh.replace(folder)
    except OSError:
        meta = folder / META
        if not meta.exists() or json.loads(meta.read_text(encoding="utf-8")) != wanted:
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
