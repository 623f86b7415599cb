"""The demo's indicators once more, in plain pandas from its Parquet files; nothing of the package computes here.

Every indicator is a function of the tables and a period [start, end). It gives one row per row that counts: ``unit`` (the
customer, or the lead), ``v`` (what the row adds above the line) and ``w`` (below it); a waiting time has ``hours`` and
``answered`` instead. Intervals are made from these rows with other libraries' methods.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import optimize, special, stats
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.proportion import proportion_confint

Day = pd.Timestamp
DAYS_IN_MONTH = 30.4375
KNOWN_UNTIL = Day("2026-01-01")


class Tables(dict):
    """The demo's tables: test customers and all rows that hang on them left out, amounts in CNY."""

    @classmethod
    def read(cls, folder: Path) -> "Tables":
        frames = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
        tests = frames["customers"].loc[frames["customers"]["is_test"], "customer_id"]
        days = (
            "acquired_at",
            "started_at",
            "ended_at",
            "issued_at",
            "due_at",
            "paid_at",
            "written_off_at",
            "period",
            "date",
        )
        for name, frame in frames.items():
            if "customer_id" in frame:
                frames[name] = frame = frame[~frame["customer_id"].isin(tests)].copy()
            for column in frame.columns.intersection(days):
                frame[column] = pd.to_datetime(frame[column]).astype("datetime64[us]")
        orders, rates = frames["orders"], frames["fx_rates"].sort_values("date")
        for row in orders.index[orders["currency"] == "USD"]:
            known = rates[(rates["currency"] == "USD") & (rates["date"] <= orders.loc[row, "ordered_at"].normalize())]
            orders.loc[row, ["net_amount", "refund_amount"]] *= known["rate"].iloc[-1]
        return cls(frames)

    def only(self, column: str, value: str) -> "Tables":
        """The customers with this attribute and their rows."""
        kept = self["customers"].loc[self["customers"][column] == value, "customer_id"]
        return Tables({name: f[f["customer_id"].isin(kept)] if "customer_id" in f else f for name, f in self.items()})


def between(frame: pd.DataFrame, column: str, start: Day, end: Day) -> pd.DataFrame:
    return frame[(frame[column] >= start) & (frame[column] < end)]


def rows(unit: object, v: object, w: object = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"unit": np.asarray(unit), "v": np.asarray(v, dtype=float), "w": w})


def last_answers(t: Tables, item: str, start: Day, end: Day) -> pd.Series:
    """By customer. The last answer counts; of two at the same moment the higher."""
    answers = between(t["survey_answers"].query("item_id == @item"), "answered_at", start, end)
    return answers.sort_values(["answered_at", "value"]).groupby("customer_id")["value"].last()


def csat_mean(t, start, end):
    last = last_answers(t, "overall", start, end)
    return rows(last.index, last)


def csat_top2(t, start, end):
    last = last_answers(t, "overall", start, end)
    return rows(last.index, last >= 4)


def nps(t, start, end):
    last = last_answers(t, "recommend", start, end)
    return rows(last.index, 1.0 * (last >= 9) - (last <= 6))


def order_days(t: Tables) -> pd.DataFrame:
    done = t["orders"].query("status == 'completed'")
    return pd.DataFrame({"who": done["customer_id"], "day": done["ordered_at"].dt.normalize()}).drop_duplicates()


def repeat_purchase_rate(t, start, end, window=pd.Timedelta(days=90)):
    days = order_days(t)
    first = days.groupby("who")["day"].min()
    cohort = first[(first >= start - window) & (first < end - window)]
    gap = days["day"] - days["who"].map(cohort)
    again = days["who"][(gap > pd.Timedelta(0)) & (gap <= window)]
    return rows(cohort.index, cohort.index.isin(again))


def inactivity_rate(t, start, end):
    days, edge = order_days(t), end - pd.Timedelta(days=90)
    base = between(days, "day", edge - pd.Timedelta(days=365), edge)["who"].unique()
    return rows(base, ~np.isin(base, between(days, "day", edge, end)["who"]))


def churn_rate(t, start, end):
    held, parts = t["subscriptions"], []
    ended = held["ended_at"].fillna(Day("2200-01-01"))
    for first in pd.date_range(start, end, freq="MS", inclusive="left"):
        following = first + pd.DateOffset(months=1)
        at_first = held["customer_id"][(held["started_at"] <= first) & (ended >= first)].unique()
        begun = held["started_at"] <= following + pd.Timedelta(days=14)
        stays = held["customer_id"][begun & (ended >= following)]
        parts.append(rows(at_first, ~np.isin(at_first, stays)))
    return pd.concat(parts, ignore_index=True)


def revenue_per_customer(t, start, end):
    done = between(t["orders"].query("status == 'completed'"), "ordered_at", start, end)
    paid = (done["net_amount"] - done["refund_amount"].fillna(0)).groupby(done["customer_id"]).sum()
    return rows(paid.index, paid)


def active(t: Tables, start: Day, end: Day, days: int = 365) -> set[str]:
    """Won or buying within a year before the end or in the period, or subscribed on one of its days."""
    since, held = min(start, end - pd.Timedelta(days=days)), t["subscriptions"]
    subscribed = held[(held["started_at"] < end) & ~(held["ended_at"] < start)]
    buying = between(order_days(t), "day", since, end)
    won = between(t["customers"], "acquired_at", since, end)
    return {*subscribed["customer_id"], *buying["who"], *won["customer_id"]}


def per_month_at_risk(t: Tables, events: pd.DataFrame, start: Day, end: Day) -> pd.DataFrame:
    customers = t["customers"][t["customers"]["acquired_at"] < end]
    customers = customers[customers["customer_id"].isin(active(t, start, end))]
    months = (end - customers["acquired_at"].clip(lower=start)).dt.days / DAYS_IN_MONTH
    events = events[events["customer_id"].isin(customers["customer_id"])]
    return pd.concat([
        rows(customers["customer_id"], np.zeros(len(months)), months.to_numpy()),
        rows(events["customer_id"], np.ones(len(events)), 0.0),
    ])  # fmt: skip


def complaint_rate(t, start, end):
    events = between(t["tickets"].query("type == 'complaint'"), "created_at", start, end)
    return per_month_at_risk(t, events, start, end)


def interaction_frequency(t, start, end):
    meant = t["interactions"].query("direction in ['inbound', 'two_way'] and type not in ['bulk', 'auto']")
    return per_month_at_risk(t, between(meant, "at", start, end), start, end)


def survey_response_rate(t, start, end):
    sent = between(t["survey_invites"].query("delivered"), "sent_at", start, end)
    return rows(sent["customer_id"], sent["responded_at"].notna())


def lead_conversion_rate(t, start, end, window=pd.Timedelta(days=90)):
    leads = t["leads"].query("status not in ['spam', 'duplicate']")
    leads = between(leads, "created_at", start - window, end - window)
    return rows(leads["lead_id"], leads["converted_at"] - leads["created_at"] < window)


def cac(t, start, end):
    """Spend of a month earlier; it belongs to nobody."""
    month = pd.DateOffset(months=1)
    spent = between(t["spend"].query("category == 'acquisition'"), "period", start - month, end - month)
    won = between(t["customers"], "acquired_at", start, end)
    nobody = rows(np.full(len(spent), None), spent["amount"], 0.0)
    return pd.concat([nobody, rows(won["customer_id"], np.zeros(len(won)))])


def overdue_ratio(t, start, end):
    invoices = t["invoices"][t["invoices"]["issued_at"] < end]
    paid = t["payments"][t["payments"]["paid_at"] < end].groupby("invoice_id")["amount"].sum()
    gone = invoices["written_off_amount"].where(invoices["written_off_at"] < end, 0.0)
    left = (invoices["amount"] - invoices["invoice_id"].map(paid).fillna(0) - gone).round(2).clip(lower=0)
    rest = rows(invoices["customer_id"], left * (invoices["due_at"] < end), left.to_numpy())
    return rest[rest["w"] > 0]


def backlog(t, start, end):
    tickets = t["tickets"].query("type != 'spam'")
    waits = (tickets["created_at"] < end) & ~(tickets["resolved_at"].fillna(tickets["closed_at"]) < end)
    return rows(tickets["customer_id"][waits], np.ones(waits.sum()))


def first_response_time(t, start, end):
    tickets = between(t["tickets"].query("type != 'spam'"), "created_at", start, end)
    waited = tickets["first_response_at"].fillna(KNOWN_UNTIL) - tickets["created_at"]
    return pd.DataFrame({
        "unit": tickets["customer_id"].to_numpy(),
        "hours": waited.dt.total_seconds().to_numpy() / 3600,
        "answered": tickets["first_response_at"].notna().to_numpy(),
    })  # fmt: skip


def expected_churn_share(t, start, end, horizon=90.0) -> tuple[float, int]:
    """The BG/NBD model once more: likelihood (Fader, Hardie & Lee 2005, eq. 6) maximised by scipy; the share, the active."""
    done = t["orders"].query("status == 'completed'")
    done = done[done["ordered_at"] < end].assign(day=done["ordered_at"].dt.normalize())
    sums = done.groupby(["customer_id", "day"])[["net_amount", "refund_amount"]].sum()
    net = sums["net_amount"] - sums["refund_amount"]
    bought = sums[(net > 0.005) | (sums["net_amount"] == 0)].reset_index()  # a day that was paid back whole is none
    days = bought.groupby("customer_id")["day"].agg(["min", "max", "count"])
    last_day = end - pd.Timedelta(days=1)
    x, age = days["count"].to_numpy(float) - 1, (last_day - days["min"]).dt.days.to_numpy(float)
    t_x = (days["max"] - days["min"]).dt.days.to_numpy(float)

    def parts(p):
        r, alpha, a, b = np.exp(p)
        common = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
        stays = special.betaln(a, b + x) - special.betaln(a, b) - (r + x) * np.log(alpha + age)
        left = special.betaln(a + 1, b + np.maximum(x, 1) - 1) - special.betaln(a, b) - (r + x) * np.log(alpha + t_x)
        return common, stays, np.where(x > 0, left, -np.inf)

    def minus_log_likelihood(p):
        common, stays, left = parts(p)
        return -(common + np.logaddexp(stays, left)).mean()

    tight = {"xatol": 1e-8, "fatol": 1e-13, "maxiter": 4000, "maxfev": 4000}
    best = optimize.minimize(minus_log_likelihood, np.log([0.6, 50, 0.6, 3]), method="Nelder-Mead", options=tight).x
    _, stays, left = parts(best)
    r, alpha = np.exp(best[:2])
    buys = special.expit(stays - left) * (1 - ((alpha + age) / (alpha + age + horizon)) ** (r + x))
    active = (last_day - days["max"]).dt.days.to_numpy() < 365
    return float(1 - buys[active].mean()), int(active.sum())


def clustered(data: pd.DataFrame) -> tuple[float, float, int]:
    """Σv/Σw, its variance with the unit as cluster, and the number of units, by least squares on the cluster sums."""
    sums = data.groupby("unit")[["v", "w"]].sum()
    ratio = sums["v"].sum() / sums["w"].sum()
    residual = sums["v"] - ratio * sums["w"]
    return ratio, len(sums) * residual.var(ddof=1) / sums["w"].sum() ** 2, len(sums)


def wilson(data: pd.DataFrame) -> tuple[float, float]:
    """The rows are regressed on a constant; its cluster-robust variance says how many independent rows they are worth."""
    fit = sm.OLS(data["v"], np.ones(len(data))).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(data["unit"])[0]}
    )
    share = float(fit.params.iloc[0])
    worth = min(share * (1 - share) / float(fit.cov_params().iloc[0, 0]), len(data))
    return proportion_confint(share * worth, worth, method="wilson")


def adjusted_wald(data: pd.DataFrame) -> tuple[float, float]:
    """Three answers are added: ¾ promoters, 1½ passives, ¾ detractors."""
    n = len(data) + 3
    promoters, detractors = (((data["v"] == side).sum() + 0.75) / n for side in (1, -1))
    half = 1.959964 * np.sqrt((promoters + detractors - (promoters - detractors) ** 2) / n)
    return 100 * (promoters - detractors - half), 100 * (promoters - detractors + half)


def student_t(data: pd.DataFrame) -> tuple[float, float]:
    return tuple(stats.ttest_1samp(data["v"], 0).confidence_interval(0.95))


def garwood(data: pd.DataFrame, per: float) -> tuple[float, float]:
    """Exact Poisson limits of the events, counted as fewer where they come in clusters."""
    events, exposure = data["v"].sum(), data["w"].sum()
    _, variance, _ = clustered(data)
    effect = max(1.0, variance / (events / exposure**2))
    low, high = stats.gamma.ppf(0.025, events / effect), stats.gamma.ppf(0.975, events / effect + 1)
    return per * effect * low / exposure, per * effect * high / exposure


def poisson_inverse(data: pd.DataFrame) -> tuple[float, float]:
    spent, won = data["v"].sum(), data["w"].sum()
    return spent / stats.gamma.ppf(0.975, won + 1), spent / stats.gamma.ppf(0.025, won)


def bootstrap_t(data: pd.DataFrame, *, log: bool = True, draws: int = 4000) -> tuple[float, float]:
    """Bootstrap-t with random numbers of its own: agrees with the package's up to the chance of resampling."""
    sums = data.groupby("unit")[["v", "w"]].sum().to_numpy()
    n, random = len(sums), np.random.default_rng(99)

    def with_error(v, w):
        ratio = v.sum() / w.sum()
        error = np.std(v - ratio * w, ddof=1) * np.sqrt(n) / w.sum()
        return (np.log(ratio), error / ratio) if log else (ratio, error)

    at, error = with_error(*sums.T)
    again = np.array([with_error(*sums[random.integers(0, n, n)].T) for _ in range(draws)])
    lower, upper = np.quantile((again[:, 0] - at) / again[:, 1], [0.025, 0.975])
    limits = at - upper * error, at - lower * error
    return tuple(np.exp(limits)) if log else limits


def kaplan_meier_median(waits: pd.DataFrame) -> float:
    """By the definition: one factor (1 - answered / waiting) per distinct time."""
    by_time = waits.groupby("hours")["answered"].agg(["sum", "count"])
    waiting = len(waits) - by_time["count"].cumsum().shift(fill_value=0)
    return float((1 - by_time["sum"] / waiting).cumprod().pipe(lambda left: left.index[left <= 0.5 + 1e-12][0]))


def design_effect(waits: pd.DataFrame, threshold: float) -> float:
    """How much the repeated waits of a customer inflate the variance of the share that waits longer than a threshold."""
    above = waits["hours"] > threshold
    share, variance, _ = clustered(rows(waits["unit"], above, (above | waits["answered"]).to_numpy(float)))
    return max(1.0, variance / (share * (1 - share) / (above | waits["answered"]).sum()))


def brookmeyer_crowley(waits: pd.DataFrame, effect: float) -> tuple[float, float]:
    """statsmodels' inversion of the test on the log(-log) scale, Greenwood's error widened by the design effect."""
    curve = SurvfuncRight(waits["hours"], waits["answered"].astype(int))
    curve.surv_prob_se = curve.surv_prob_se * np.sqrt(effect)
    inner = (curve.surv_prob > 0) & (curve.surv_prob < 1)
    for name in ("surv_prob", "surv_prob_se", "surv_times"):
        setattr(curve, name, getattr(curve, name)[inner])
    return curve.quantile_ci(0.5)
