"""Generated pages: what a source or an error says is printed, never read as Markdown or HTML."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from small_report import write_notebooks, write_report

from crmtools.indicators import CATALOGUE
from crmtools.parameters import load
from crmtools.readiness import Addition
from crmtools.report import pages
from crmtools.report.citations import citations
from crmtools.report.engine import Failure, Outcome
from crmtools.report.manifest import new_run_id, start
from crmtools.report.numbers import Numbers, compute
from crmtools.report.plan import Entry, Job, plan
from crmtools.report.provenance import provenance_page
from crmtools.tables.source import open_settings
from crmtools.words import Text

# pyarrow asks pandas for an option that pandas 3 has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "`x` {y} <script>alert(1)</script> $z$ [a](b)\n\n# heading\n\n```{include} /etc/passwd\n```"


class _Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text.append(data)


def seen(markdown):
    """Tags and text of a page as CommonMark renders it."""
    parser = _Seen()
    parser.feed(MarkdownIt("commonmark").render(markdown))
    return parser.tags, " ".join(" ".join(parser.text).split())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A plan of the tiny company with its manifest and numbers."""
    from datetime import UTC, datetime

    folder = tmp_path_factory.mktemp("pages")
    write_notebooks(folder / "notebooks")
    settings = load(write_report(folder))
    data = open_settings(settings)
    made = plan(settings, data)
    now = datetime(2026, 1, 5, 6, tzinfo=UTC)
    manifest = start(settings, data, run_id=new_run_id(now), now=now, stages={"data": 0.25})
    return made, manifest, compute(made, data)


def outcome(slug="nps", state="failed", message=HOSTILE, language="en"):
    job = Job(slug, language, Path("indicator.ipynb"), {}, slug)
    return Outcome(job, state, 1.5, Path("x.ipynb"), Path(f"{slug}.{language}.log"), Failure("ValueError", message, 4))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("state", ["failed", "timed_out", "killed"])
def test_a_failure_page_says_what_happened_and_nothing_in_it_is_executed(made, language, state):
    _, manifest, numbers = made
    entry = Entry("nps", Text(HOSTILE, HOSTILE), "notebook", indicator="nps")
    page = pages.failure_page(entry, outcome(state=state, language=language), numbers, manifest, language)
    tags, text = seen(page)
    assert set(tags) == {"h1", "div", "p", "strong", "code", "br", "span"}
    assert tags.count("h1") == 1
    assert "<script>alert(1)</script>" in text
    assert "ValueError: `x` {y}" in text
    assert '<div class="crm-failed">' in page
    assert pages.PLAIN_WORDS[state].to(language) in text
    assert f"logs/nps.{language}.log" in text
    assert manifest.run_id in text
    assert "22" in text, "the number itself could be computed"
    assert "Traceback" not in page


def test_a_long_message_is_cut(made):
    entry = Entry("nps", Text("甲", "A"), "notebook")
    page = pages.failure_page(entry, outcome(message="x" * 9000), Numbers(), made[1], "en")
    assert len(page) < 2500


def test_the_banner_leads_to_every_page_without_results():
    entry = Entry("nps", Text("净<b>", "N<b>"), "notebook")
    banner = pages.banner([(entry, outcome(state="timed_out"))], "en")
    assert '<a href="nps.html">N&lt;b&gt;</a>: timed out' in banner
    assert "\n\n" not in banner, "a blank line would end the block"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_indicator_is_defined_with_formula_and_source(made, language):
    sources = citations(ROOT / "book" / "references.bib")
    in_force = {name: dict(item.assumptions) for name, item in CATALOGUE.items()}
    page = pages.definitions_page(in_force, sources, language)
    for item in CATALOGUE.values():
        assert f"$$\n{item.formula}\n$$" in page
        assert item.source in sources, f"{item.id} cites {item.source}, which references.bib does not have"
        assert pages.flat(sources[item.source]) in page
    _, text = seen(page)
    for item in CATALOGUE.values():
        assert item.name.to(language) in text
        assert all(words.to(language) in text for words in item.assumption_words.values())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_readiness_is_one_block_that_leads_to_the_pages(made, language):
    """A blank line would end the block of HTML; every indicator stands there, with a link where it has a page."""
    page = pages.readiness_page(made[0], language)
    heading, block = page.strip().split("\n\n")
    assert heading == f"# {pages.GENERATED['readiness'].to(language)}"
    _, text = seen(page)
    for name, one in made[0].readiness.items():
        assert one.indicator.name.to(language) in text
        assert (f'<a href="{name}.html">' in block) == (name in made[0].links)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_of_a_goal_without_numbers_says_what_to_do(made, language):
    lacking = replace(made[0].readiness["churn_rate"], state="missing", why=Text(HOSTILE, HOSTILE))
    lacking = replace(
        lacking, either=Text("导出 <x>", "export <x>"), cheapest=Addition(("x",), (CATALOGUE["nps"],), Text("", ""))
    )
    page = pages.unavailable_page(
        Entry("churn_rate", Text("甲", "A"), "generated", indicator="churn_rate"), lacking, language
    )
    tags, text = seen(page)
    assert set(tags) == {"h1", "p", "br"}
    assert "<script>alert(1)</script>" in text
    assert {"en": "Export <x>.", "zh": "导出 <x>。"}[language] in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_provenance_tells_sources_states_and_what_was_left_out(made, language):
    plan_made, manifest, _ = made
    tags, text = seen(provenance_page(plan_made, manifest, [outcome(), outcome("index", "ok")], language))
    assert manifest.run_id in text
    assert f"orders.csv 23 21 {manifest.data['files']['orders']['sha256'][:12]}" in text.replace(",", "")
    assert manifest.data["files"]["orders"]["sha256"] not in text, "hashes are shortened"
    assert pages.STATES["failed"].to(language) in text
    left = {e.skipped.to(language) for e in plan_made.left_out}
    assert left
    assert all(reason in text for reason in left)
    assert "0.2" in text
    assert "1.5" in text
    assert "a" in tags
