"""One large simulation of the same process, kept on disk: true values without a closed form come from it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from crmtools.errors import SettingsError
from crmtools.simulate import contract, finance, people, service, trade, voice
from crmtools.simulate.company import REGIONS, SOURCES, VERSION
from crmtools.simulate.world import World

TRAITS = {"region": REGIONS, "customer_type": ("consumer", "business"), "acquired_channel": SOURCES}


@dataclass(frozen=True, slots=True)
class Population:
    """The customers of a large simulation that are asked about; ``cache`` keeps what was drawn once."""

    world: World
    cache: Path
    where: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """Where this simulation is kept: another company, span, size or version is kept elsewhere."""
        world = self.world
        what = [VERSION, world.seed, world.customers, world.start, world.end, asdict(world.company)]
        return self.cache / f"truth-{hashlib.sha256(json.dumps(what, default=str).encode()).hexdigest()[:12]}"

    def rows(self, part: str) -> pd.DataFrame:
        """The rows of a part (a key of ``PARTS``); times in days since the first midnight, NaN: not seen."""
        frame = self._read(part)
        return frame[self._asked()[frame["customer"].to_numpy()]] if self.where else frame

    def _read(self, part: str) -> pd.DataFrame:
        path = self.folder / f"{part}.parquet"
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            for name, frame in PARTS[part](self.world).items():
                fresh = self.folder / f"{name}.{id(frame)}.tmp"
                frame.to_parquet(fresh, index=False)
                fresh.replace(self.folder / f"{name}.parquet")
        return pd.read_parquet(path)

    def _asked(self) -> np.ndarray:
        traits = self._read("customers")
        kept = np.ones(len(traits), dtype=bool)
        for name, value in self.where.items():
            if value not in TRAITS.get(name, ()):
                raise SettingsError(f"There is no truth for {name} = '{value}'. There is for {TRAITS}.")
            kept &= (traits[name] == TRAITS[name].index(value)).to_numpy()
        return kept


def days(world: World, moments: pd.Series | np.ndarray) -> np.ndarray:
    """Moments as days since the first midnight, NaN where empty."""
    seconds = (np.asarray(moments, dtype="datetime64[s]") - np.datetime64(world.start, "s")) / np.timedelta64(1, "s")
    return seconds / 86_400


def _customers(world: World) -> dict[str, pd.DataFrame]:
    everyone, _ = people.people(world)
    traits = {
        "region": everyone.region,
        "customer_type": everyone.business.astype(np.int8),
        "acquired_channel": everyone.source,
    }
    return {"customers": pd.DataFrame({"customer": np.arange(len(everyone)), **traits})}


def _orders(world: World) -> dict[str, pd.DataFrame]:
    everyone, _ = people.people(world)
    frame = trade.orders_table(world, everyone)
    frame = frame[frame["status"] == "completed"]
    rate = np.where(frame["currency"] == "USD", trade.dollar_rate(frame["t"].to_numpy()), 1.0)
    value = (frame["net_amount"] - frame["refund_amount"]) * rate
    day = np.floor(frame["t"]).astype(np.int32)
    return {"orders": pd.DataFrame({"customer": frame["customer_id"], "day": day, "value": value})}


def _money(world: World) -> dict[str, pd.DataFrame]:
    everyone, _ = people.people(world)
    held = contract.spells(world, everyone)
    bought = trade.orders_table(world, everyone)
    invoices, payments = finance.invoices_tables(world, everyone, bought, held)
    names = {"customer_id": "customer", "invoice_id": "invoice"}
    invoices = invoices.assign(
        issued=days(world, invoices["issued_at"]),
        due=days(world, invoices["due_at"]),
        written=days(world, invoices["written_off_at"]),
    ).rename(columns=names)
    payments = payments.assign(paid=days(world, payments["paid_at"])).rename(columns=names)
    return {
        "invoices": invoices[["invoice", "customer", "issued", "due", "amount", "written", "written_off_amount"]],
        "payments": payments[["invoice", "customer", "paid", "amount"]],
    }


def _subscriptions(world: World) -> dict[str, pd.DataFrame]:
    everyone, _ = people.people(world)
    frame = contract.subscriptions_table(world, contract.spells(world, everyone))
    start, end = days(world, frame["started_at"]), days(world, frame["ended_at"])
    return {"subscriptions": pd.DataFrame({"customer": frame["customer_id"], "start": start, "end": end})}


def _arrivals(world: World) -> dict[str, pd.DataFrame]:
    everyone, _ = people.people(world)
    return {"arrivals": pd.DataFrame({"customer": np.arange(len(everyone)), "t": everyone.t})}


def _tickets(world: World) -> dict[str, pd.DataFrame]:
    everyone, _ = people.people(world)
    frame = service.tickets_table(world, everyone)
    moments = {name: days(world, frame[f"{name}_at"]) for name in ("created", "first_response", "resolved")}
    return {"tickets": pd.DataFrame({"customer": frame["customer_id"], "type": frame["type"], **moments})}


def _answers(world: World) -> dict[str, pd.DataFrame]:
    everyone, _ = people.people(world)
    _, replies = voice.relationship(world, everyone)
    frame = voice.relationship_answers(world, everyone, replies)
    row = frame["response"].to_numpy()
    return {
        "answers": pd.DataFrame(
            {
                "customer": replies.customer[row],
                "t": replies.t[row],
                "item": frame["item"].to_numpy(),
                "value": frame["value"].to_numpy(),
            }
        )
    }


PARTS: dict[str, Callable[[World], dict[str, pd.DataFrame]]] = {
    "customers": _customers,
    "arrivals": _arrivals,
    "orders": _orders,
    "invoices": _money,
    "payments": _money,
    "subscriptions": _subscriptions,
    "tickets": _tickets,
    "answers": _answers,
}
