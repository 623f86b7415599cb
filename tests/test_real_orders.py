"""A year of real orders of a gift wholesaler (Chen, Sain & Guo 2012; UCI 352): nothing gets lost, and pandas says the same."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

import crmtools as crm
from crmtools.lifetime.compare import BASELINES

START, END = pd.Timestamp("2011-07-01"), pd.Timestamp("2011-10-01")
DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def lines(shared_data) -> pd.DataFrame:
    found = pd.read_parquet(shared_data / "online_retail" / "online_retail.parquet")
    return found.assign(amount=found.Quantity * found.UnitPrice)


@pytest.fixture(scope="module")
def invoices(lines) -> pd.DataFrame:
    """One row per invoice. What was taken back has a C before its number and is returned, as are two bookings of bad debt."""
    made = lines.groupby("InvoiceNo", as_index=False).agg(
        customer_id=("CustomerID", "first"), ordered_at=("InvoiceDate", "min"), net_amount=("amount", "sum")
    )
    back = made.InvoiceNo.str.startswith("C") | (made.net_amount < 0)
    return made.rename(columns={"InvoiceNo": "order_id"}).assign(
        status=back.map({True: "returned", False: "completed"})
    )


@pytest.fixture(scope="module")
def orders(invoices) -> pd.DataFrame:
    """The invoices that tell who bought."""
    return invoices.dropna(subset=["customer_id"]).astype({"customer_id": "string"})


@pytest.fixture(scope="module")
def data(orders) -> crm.Data:
    firsts = orders.groupby("customer_id").ordered_at.min().dt.normalize()
    customers = firsts.rename("acquired_at").reset_index()
    return crm.open(orders=orders, customers=customers, as_of=date(2011, 12, 9))


@pytest.mark.slow
def test_every_line_and_invoice_comes_back(lines, invoices) -> None:
    """The published figures: 541,909 lines, 25,900 invoices, 4,372 customers, 9,747,747.934 pounds."""
    whole = invoices.assign(customer_id=invoices.customer_id.astype("string").fillna("nobody"))
    articles = lines.rename(columns={"InvoiceNo": "order_id", "StockCode": "product", "Quantity": "quantity"})
    articles = articles[["order_id", "product", "quantity", "amount"]].astype({"quantity": float})
    opened = crm.open(orders=whole, order_lines=articles, as_of=date(2011, 12, 9))
    placed, sold = opened["orders"], opened["order_lines"]
    known = placed.filter(placed.customer_id != "nobody")
    found = opened.execute(
        placed.aggregate(
            invoices=placed.count(), net=placed.net_amount.sum(), back=placed.order_id.startswith("C").sum()
        )
    ).iloc[0]
    assert found.invoices == 25_900
    assert found.net == pytest.approx(9_747_747.934, abs=5e-4)
    assert found.back == lines.InvoiceNo[lines.InvoiceNo.str.startswith("C")].nunique() == 3_836
    people = opened.execute(known.aggregate(n=known.customer_id.nunique())).n.item()
    assert people == lines.CustomerID.nunique() == 4_372
    counted = opened.execute(sold.aggregate(n=sold.count(), quantity=sold.quantity.sum(), amount=sold.amount.sum()))
    assert counted.n.item() == len(lines) == 541_909
    assert counted.quantity.item() == lines.Quantity.sum()
    assert counted.amount.item() == pytest.approx(9_747_747.934, abs=5e-4)


def test_money_of_a_quarter(data, orders) -> None:
    kept = orders[(orders.status == "completed") & (orders.ordered_at >= START) & (orders.ordered_at < END)]
    total, buyers = kept.net_amount.sum(), kept.customer_id.nunique()
    each = crm.measure("revenue_per_customer", data, period="2011-Q3")
    assert each.value == pytest.approx(total / buyers, rel=1e-12)
    assert (each.n, each.rows) == (buyers, len(kept))
    back = orders[(orders.status == "returned") & (orders.ordered_at >= START) & (orders.ordered_at < END)]
    assert dict(each.excluded) == {"not_completed": len(back)}
    order = crm.measure("aov", data, period="2011-Q3")
    assert order.value == pytest.approx(total / len(kept), rel=1e-12)
    assert order.denominator == len(kept)
    top = kept.groupby("customer_id").net_amount.sum().sort_values(ascending=False).to_numpy()
    whole, rest = divmod(len(top), 10)
    held = top[:whole].sum() + rest / 10 * top[whole]
    share = crm.measure("revenue_concentration", data, period="2011-Q3")
    assert share.value == pytest.approx(held / total, rel=1e-12)
    assert share.low < share.value < share.high


def test_purchases_of_a_quarter(data, orders) -> None:
    bought = orders[orders.status == "completed"]
    days = bought.assign(day=bought.ordered_at.dt.normalize()).drop_duplicates(["customer_id", "day"])
    first = days.groupby("customer_id").day.min()
    new = first[(first >= START - 90 * DAY) & (first < END - 90 * DAY)]
    later = days[days.customer_id.isin(new.index)].assign(since=lambda d: d.day - d.customer_id.map(new))
    again = later[(later.since > 0 * DAY) & (later.since <= 90 * DAY)].customer_id.nunique()
    repeat = crm.measure("repeat_purchase_rate", data, period="2011-Q3")
    assert (repeat.value, repeat.n) == (pytest.approx(again / len(new)), len(new))

    base = days[(days.day >= END - 365 * DAY) & (days.day < END)].customer_id.unique()
    # a customer whose first invoice took something back came before his first order
    seen = orders.groupby("customer_id").ordered_at.min().dt.normalize()[base]
    years = ((END - seen.clip(lower=START)) / DAY / 365.25).sum()
    times = len(days[days.customer_id.isin(base) & (days.day >= START) & (days.day < END)])
    found = crm.measure("purchase_frequency", data, period="2011-Q3")
    assert found.value == pytest.approx(times / years, rel=1e-12)
    assert (found.n, found.numerator) == (len(base), times)


@pytest.mark.slow
def test_a_lifetime_model_foresees_the_autumn_better_than_guesses_do(orders) -> None:
    """Fitted to the first eight months and judged by the rest; where a guess is as good, the page says it."""
    from crmtools import show
    from crmtools.lifetime.study import study
    from crmtools.settings import Lifetime

    opened = crm.open(orders=orders, as_of=date(2011, 12, 9))
    settings = Lifetime(unit="weeks", calibration_until=date(2011, 8, 31))
    found = study(replace(opened, settings=opened.settings.model_copy(update={"lifetime": settings})))
    print(found.comparison.frame.round(4).to_string())  # noqa: T201
    assert found.comparison.winner is not None
    said = show.lifetime_trust(found, language="en").text
    lost = set(BASELINES) - set(found.comparison.beaten)
    assert ("does not earn its keep" in said) == bool(lost)
    assert found.check.actual_total == found.split.holdout["purchases"].sum()
    assert found.value.total.low < found.value.total.value < found.value.total.high
