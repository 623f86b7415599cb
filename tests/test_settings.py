"""Parameters files: defaults, and everything that can be wrong with one, said at once with key and line."""

import json
from datetime import date
from pathlib import Path

import pytest

from crmtools import CATALOGUE, Period, SettingsError
from crmtools.parameters import load
from crmtools.settings import Settings
from crmtools.words import Text

LEAST = """\
report:
  title: Mine
  as_of: 2025-12-31
  period: 2025-Q4
source:
  folder: data
"""
GOAL = """\
goals:
  - indicator: nps
    baseline: 10
    from: 2025-01-01
    by: 2026-06-30
    target: {to: 30}
"""


@pytest.fixture
def loaded(tmp_path):
    """A function that writes a text to a parameters file and loads it."""

    def write(text: str | bytes, name: str = "mine.yml") -> Settings:
        path = tmp_path / "parameters" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load(path)

    return write


def problems(loaded, text: str) -> dict[str, str]:
    """Place → message of everything wrong with a text, without the file's path."""
    with pytest.raises(SettingsError) as caught:
        loaded(text)
    assert caught.value.problems, caught.value
    return {problem.place.rpartition("mine.yml")[2]: problem.message for problem in caught.value.problems}


def test_defaults(loaded) -> None:
    settings = loaded(LEAST)
    report = settings.report
    assert report.title == Text("Mine", "Mine")
    assert report.period == Period.parse("2025-Q4")
    assert (report.languages, report.compare, report.segments) == (("en", "zh"), ("previous", "year_ago"), ())
    assert (report.currency, report.time_zone, report.trend_length) == ("CNY", "Asia/Shanghai", 12)
    assert (report.trend, report.step) == (None, "quarter"), "the step of the period that is reported"
    assert report.confidence == 0.95
    assert settings.source.pseudonyms is True
    assert settings.publish.smallest_group == 10
    assert settings.goals == ()
    assert settings.name == "mine"
    assert settings.root == settings.path.resolve().parents[1]


def test_root_is_the_files_own_folder_outside_of_parameters(tmp_path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(LEAST, encoding="utf-8")
    assert load(path).root == tmp_path.resolve()


@pytest.mark.parametrize("name", ["tiny", "demo", "cdnow"])
def test_the_files_of_the_project_load(name) -> None:
    path = Path(__file__).parents[1] / "parameters" / f"{name}.yml"
    if not path.is_file():
        pytest.skip(f"{name}.yml is not here")
    assert load(path).name == name


def test_byte_order_mark_and_both_languages(loaded) -> None:
    text = LEAST.replace("title: Mine", "title: {en: Mine, zh: 我的}")
    assert loaded(b"\xef\xbb\xbf" + text.encode()).report.title == Text("我的", "Mine")


def test_goals_as_people_write_them(loaded) -> None:
    text = LEAST + GOAL + (
        "  - {indicator: churn_rate, baseline: 2024-Q4, by: 2026-06-30, target: {relative: -20%}, weight: 3, owner: {zh: 客服部, en: Service}}\n"
        "  - {indicator: csat_top2, baseline: 62%, from: 2025-01-01, by: 2026-06-30, target: {to: 70%}, owner: Service}\n"
        "  - {indicator: complaint_rate, baseline: 2024, by: 2026-06-30, target: {points: -1.5}}\n"
        '  - {indicator: cac, baseline: "450", from: 2025-01-01, by: 2026-06-30, target: {to: 400}}\n'
        "  - {indicator: cac, id: late, baseline: {from: 2024-10-01, to: 2024-10-15}, by: 2026-06-30, target: {to: 400}}\n"
    )  # fmt: skip
    goals = loaded(text).goals
    assert [goal.baseline for goal in goals[:5]] == [10.0, Period.parse("2024-Q4"), "62%", Period.parse("2024"), 450.0]
    assert goals[5].baseline == Period(date(2024, 10, 1), date(2024, 10, 16))
    assert goals[0].from_ == date(2025, 1, 1)
    assert goals[1].weight == 3
    assert [goal.owner.department for goal in goals[1:3]] == [Text("客服部", "Service"), Text("Service", "Service")]


# ---- files that are none


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("report: [", "is not valid YAML"),
        ("- a\n- b\n", "must hold keys such as report, source and goals; found list"),
        ("", "found NoneType"),
        ("report: {title: 我的}".encode("gb18030"), "cannot be read as UTF-8"),
    ],
)
def test_files_that_are_no_parameters(loaded, text, words) -> None:
    with pytest.raises(SettingsError, match=words):
        loaded(text)


def test_a_file_that_is_not_there_names_those_that_are(loaded, tmp_path) -> None:
    loaded(LEAST)
    with pytest.raises(SettingsError, match=r"There is no parameters file .*mien.yml. Found here: .*mine.yml"):
        load(tmp_path / "parameters" / "mien.yml")


# ---- single problems, with their line


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (LEAST.replace("as_of", "segmnts: []\n  as_of"), ":3 · report.segmnts", "unknown key. Did you mean 'segments'?"),
        (LEAST + "publsh: {keep: 3}\n", ":7 · publsh", "unknown key. Did you mean 'publish'?"),
        (LEAST + "path: x\n", ":7 · path", "unknown key"),
        (LEAST + "publish:\n  kepe: 3\n", ":8 · publish.kepe", "Did you mean 'keep'?"),
        (LEAST.replace("  title: Mine\n", ""), ":1 · report.title", "is missing, and it is needed"),
        (LEAST.replace("2025-12-31", "soon"), ":3 · report.as_of", "found 'soon': write a day as 2025-12-31."),
        (LEAST.replace("2025-Q4", "2025-Q5"), ":4 · report.period", "'2025-Q5' is not a period. Write 2025, 2025-Q4"),
        (LEAST.replace("2025-12-31", "2025-12-30"), ":1 · report", "ends on 2025-12-31, after as_of 2025-12-30"),
        (LEAST.replace("folder: data", "folder: data\n  duckdb: x"), ":5 · source", "exactly one of folder, duckdb, demo"),
        (LEAST.replace("  folder: data", "  {}"), ":5 · source", "exactly one of folder, duckdb, demo"),
        (LEAST.replace("as_of", "currency: yuan\n  as_of"), ":3 · report.currency", "three letters of ISO 4217"),
        (LEAST.replace("as_of", "time_zone: Mars\n  as_of"), ":3 · report.time_zone", "no such time zone"),
        (LEAST.replace("as_of", "languages: [en, fr]\n  as_of"), ":3 · report.languages[1]", "Allowed: 'en' or 'zh'"),
        (LEAST.replace("as_of", "languages: [en, en]\n  as_of"), ":3 · report.languages", "each once"),
        (LEAST.replace("as_of", "trend: week\n  as_of"), ":3 · report.trend", "found 'week'. Allowed: 'month', 'quarter'"),
        (LEAST.replace("as_of", "trend_length: 1\n  as_of"), ":3 · report.trend_length", "found '1'"),
        (LEAST.replace("as_of", "confidence: 95\n  as_of"), ":3 · report.confidence", "less than 1"),
        (LEAST.replace("as_of", "indicators: [nps, csat]\n  as_of"), ":3 · report.indicators[1]", "no indicator 'csat'"),
        (LEAST.replace("title: Mine", "title: {en: Mine}"), ":2 · report.title", "both languages"),
        (LEAST + "  tables: {order: {}}\n", ":7 · source.tables", "'order' is no table. Did you mean 'orders'?"),
        (LEAST + "  tables:\n    orders: {fiel: x}\n", ":8 · source.tables.orders.fiel", "Did you mean 'file'?"),
        (LEAST + "  tables:\n    orders: {file: x, derive: orders}\n", ":8 · source.tables.orders", "not both"),
        (LEAST + "  tables:\n    orders: {leave_out: [all]}\n", ":8 · source.tables.orders.leave_out[0]", "'orphans'"),
        (
            LEAST + "  tables:\n    orders: {columns: {Datum: orderd_at}}\n",
            ":8 · source.tables.orders.columns",
            "'orderd_at' is no column of orders. Did you mean 'ordered_at'?",
        ),
        (
            LEAST + "  tables:\n    orders: {values: {status: {0: cancelled}}}\n",
            ":8 · source.tables.orders.values.status[0]",
            "YAML reads as int. Write it in quotes",
        ),
        (
            LEAST + "  keep_personal: {customers.region: why}\n",
            ":7 · source.keep_personal.customers.region",
            "no personal column",
        ),
        (LEAST + "definitions: {npz: {}}\n", ":7 · definitions.npz", "no indicator 'npz'. Did you mean 'nps'?"),
        (
            LEAST + "definitions:\n  nps: {promoters_from: 9}\n",
            ":8 · definitions.nps.promoters_from",
            "Did you mean 'promoter_from'?",
        ),
        (
            LEAST + "definitions:\n  churn_rate: {grace_days: 30.5}\n",
            ":8 · definitions.churn_rate.grace_days",
            "must be a whole number such as 30, found 30.5",
        ),
        (
            LEAST + "definitions:\n  churn_rate: {grace_days: true}\n",
            ":8 · definitions.churn_rate.grace_days",
            "must be a whole number such as 30, found True",
        ),
    ],
)  # fmt: skip
def test_one_problem(loaded, text, place, words) -> None:
    found = problems(loaded, text)
    assert list(found) == [place]
    assert words in found[place]


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("indicator: nps", "indicator: npss", "indicator", "no indicator 'npss'. Did you mean 'nps'?"),
        ("{to: 30}", "30", "target", "{to: 3.9%} for a value, {points: -1.2}"),
        ("{to: 30}", "{to: 30, points: 5}", "target", "exactly one of to, points, relative"),
        ("{to: 30}", "{}", "target", "exactly one of to, points, relative"),
        ("{to: 30}", "{points: -5}", "target", "points the wrong way"),
        ("{to: 30}", "{to: 5}", "target", "the target lies below the baseline"),
        ("{to: 30}", "{to: 10}", "target", "equals the baseline"),
        ("{to: 30}", "{to: 30%}", "target", "not in per cent"),
        ("{to: 30}", "{to: 300}", "target", "outside what nps can be"),
        ("{to: 30}", "{to: .nan}", "target", "not a number that can be reached"),
        ("{to: 30}", "{points: .inf}", "target.points", "finite"),
        ("{to: 30}", "{relative: 20}", "target.relative", "with its per-cent sign, for example -20%"),
        ("{to: 30}", '{relative: "20"}', "target.relative", "per-cent sign"),
        ("{to: 30}", "{relative: +20%}", "target", "may be negative or 0"),
        ("by: 2026-06-30", "by: 2024-12-31", "", "starts on 2025-01-01, which is not before its deadline 2024-12-31"),
        ("    from: 2025-01-01\n", "", "", "a goal without a period as its baseline needs 'from'"),
        ("baseline: 10", "baseline: often", "baseline", "'often' is not a period"),
        ("baseline: 10", "baseline: 10%", "baseline", "not in per cent"),
        ("baseline: 10", "baseline: 1000", "baseline", "outside what nps can be"),
        ("baseline: 10", "baseline: true", "baseline", "a period (2024-Q4) or a value"),
        ("baseline: 10", "baseline: 2200", "baseline", "read as the year 2200"),
        ("    by:", "    weight: 0\n    by:", "weight", "greater than 0"),
        ("    by:", "    wieght: 1\n    by:", "wieght", "Did you mean 'weight'?"),
        ("    by:", "    where: {region: 3}\n    by:", "where.region", "found 3: write a text, in quotes"),
        ("    by:", "    where: {region: []}\n    by:", "where.region", "at least 1 item"),
        ("    by:", "    where: {region: }\n    by:", "where.region", "is empty"),
        ("    by:", "    where: south\n    by:", "where", "write keys with their values, {key: …}"),
        ("    by:", "    owner: 5\n    by:", "owner", "{department: …, person: …}"),
        ("    by:", "    guardrails: nps\n    by:", "guardrails", "write a list, [nps]"),
        ("    by:", "    matters: 2pt\n    by:", "matters", "write a number, without quotes"),
        (
            "    by:",
            "    path: {points: {soon: 20}}\n    by:",
            "path.points.soon",
            "is a key where a day as 2025-12-31 stands: 'soon' is none.",
        ),
        ("by: 2026-06-30", "by: 30.06.2026", "by", "found '30.06.2026': write a day as 2025-12-31."),
    ],
)
def test_one_problem_with_a_goal(loaded, old, new, key, words) -> None:
    assert old in GOAL
    found = problems(loaded, LEAST + GOAL.replace(old, new))
    (place, message), *others = found.items()
    assert place.partition(" · ")[2] == f"goals[0]{'.' if key else ''}{key}"
    assert words in message
    assert not others
    assert "pydantic" not in message


def test_two_goals_of_one_name(loaded) -> None:
    found = problems(loaded, LEAST + GOAL + GOAL.removeprefix("goals:\n"))
    assert found == {":13 · goals[1]": "a second goal 'nps': give each its own id."}
    second = GOAL.removeprefix("goals:\n").replace("indicator: nps", "indicator: nps\n    id: nps_later")
    assert [goal.id for goal in loaded(LEAST + GOAL + second).goals] == ["", "nps_later"]


def test_keys_that_stand_twice(loaded) -> None:
    text = LEAST.replace("  period:", "  as_of: 2025-11-30\n  period:") + "source:\n  folder: other\n"
    found = problems(loaded, text)
    assert found[":4 · report.as_of"] == "stands twice, first on line 3. Keep one."
    assert found[":8 · source"] == "stands twice, first on line 6. Keep one."


def test_everything_is_said_at_once(loaded) -> None:
    text = """\
report:
  title: Mine
  as_of: 2025-12-31
  period: 2025-Q4
  currency: yuan
  indicators: [npss]
source:
  foldr: data
  tables: {orders: {columns: {x: orderd_at}}}
definitions:
  churn_rate: {grace: 3}
goals:
  - {indicator: npss, baseline: 2024-Q4, by: 2026-06-30, target: {points: 3}}
  - {indicator: nps, baseline: 2024-Q4, by: 2026-06-30, target: {points: -3}}
  - {indicator: nps, baseline: 2024-Q4, by: 2026-06-30, target: {points: 3}, wheight: 2}
"""
    found = problems(loaded, text)
    assert set(found) >= {
        ":5 · report.currency", ":6 · report.indicators[0]", ":8 · source.foldr", ":9 · source.tables.orders.columns",
        ":11 · definitions.churn_rate.grace", ":13 · goals[0].indicator", ":14 · goals[1].target", ":15 · goals[2].wheight",
    }  # fmt: skip


def test_message_begins_with_the_count_and_ends_with_the_consequence(loaded) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(LEAST.replace("period:", "perod:").replace("title: Mine", "titel: Mine"))
    first, *_, last = str(caught.value).splitlines()
    assert first.startswith("4 problems in ")
    assert last == "Nothing was run."


def test_settings_cannot_be_changed(loaded) -> None:
    settings = loaded(LEAST)
    with pytest.raises(ValueError, match="frozen"):
        settings.report.currency = "USD"


def test_a_file_is_read_again_when_it_says_something_else(tmp_path, monkeypatch) -> None:
    """Whoever serves one notebook after another opens the same file for each; it may be edited in between."""
    text = LEAST
    places = [tmp_path / one / "parameters" for one in ("one", "other")]
    for place in places:
        place.mkdir(parents=True)
        (place / "mine.yml").write_text(text, encoding="utf-8")
    file = places[0] / "mine.yml"
    first = load(file)
    assert load(file) == first
    load(file).definitions["churn_rate"] = {"grace_days": 5}
    assert load(file) == first, "what somebody does to his settings is his own"
    assert load(file, only={"region": "north"}).report.only == {"region": "north"} != first.report.only
    assert load(file) == first
    file.write_text(text.replace("Q4", "Q3"), encoding="utf-8")
    assert (load(file).report.period.id, first.report.period.id) == ("2025-Q3", "2025-Q4")
    file.write_text(text + "nonsense: 1\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(SettingsError, match="nonsense"):
            load(file)
    file.write_text(text, encoding="utf-8")
    roots = []
    for place in places:  # one name, from two folders
        monkeypatch.chdir(place.parent)
        roots.append(load("parameters/mine.yml").root)
    assert roots[0] != roots[1]


@pytest.mark.parametrize("item", CATALOGUE.values(), ids=lambda item: item.id)
def test_every_assumption_may_be_written_down(loaded, item) -> None:
    given = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in item.assumptions.items())
    text = LEAST + (f"definitions:\n  {item.id}:\n{given}" if given else "")
    assert loaded(text).definitions == ({item.id: dict(item.assumptions)} if given else {})


def test_the_step_of_trends_is_the_periods_own_unless_written(loaded) -> None:
    def step(text: str) -> str:
        return loaded(text).report.step

    assert step(LEAST.replace("2025-Q4", "2025-12")) == "month"
    assert step(LEAST.replace("2025-Q4", "2025")) == "year"
    assert step(LEAST.replace("2025-Q4", "{from: 2025-11-05, to: 2025-12-20}")) == "month"
    assert step(LEAST.replace("as_of", "trend: month\n  as_of")) == "month"


@pytest.mark.parametrize("period", ["2025-Q5", "{from: 2025-10-01}", "{from: 2025-12-31, to: 2025-10-01}", "[1]"])
def test_no_message_ends_with_two_full_stops(loaded, period) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(LEAST.replace("2025-Q4", period))
    for problem in caught.value.problems:
        assert problem.message.endswith(".")
        assert ".." not in problem.message, problem.message
