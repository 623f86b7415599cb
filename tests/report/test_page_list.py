"""The list of pages on the left is the theme's own, on every page, however deep the pages lie."""

import re

import pytest

from crmtools.report.book import Page, Setting
from crmtools.report.project import write_project
from crmtools.report.sphinx_ext.colours import once

BOTH = """<div>OURS{{ crm_page_list }}OVER THEIRS{{ generate_toctree_html(startdepth=0, kind="sidebar",
maxdepth=theme_max_navbar_depth|int, collapse=theme_collapse_navbar|tobool, includehidden=True, titles_only=True,
show_nav_level=theme_show_navbar_depth|int) }}OVER</div>"""
BELOW = {"goals": "overview", "deep": "goals", "deeper": "deep", "deepest": "deeper", "beside": "goals"}
PAGES = ("index", "alone", "overview", *BELOW, "other")


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    pages = []
    for slug in PAGES:
        source = folder / f"{slug}.md"
        source.write_text(f"# Heading of {slug}\n\n## One\n\nText.\n", encoding="utf8")
        part = None if slug in ("index", "alone", *BELOW) else "Questions & <answers>"
        pages.append(Page(slug, f"{slug} 'a' \"b\" & <c> *d* @ e", source, part, BELOW.get(slug)))
    staging = folder / "staging"
    write_project(staging, language="en", title="Pages", pages=pages)
    (staging / "_templates" / "sbt-sidebar-nav.html").write_text(BOTH, encoding="utf8")
    with Setting(staging) as setting:
        output = setting.run(timeout=300)
    assert output.code == 0, output.text
    built = staging / "_build" / "html"
    texts = {slug: (built / f"{slug}.html").read_text(encoding="utf8") for slug in (*PAGES, "search")}
    return {slug: re.findall(r"(?:OURS|THEIRS)(.*?)OVER", text, re.DOTALL) for slug, text in texts.items()}


@pytest.mark.parametrize("slug", [*PAGES, "search"])
def test_a_page_has_the_list_that_the_theme_would_write(lists, slug):
    ours, theirs = lists[slug]
    assert ours == theirs
    assert ours.count("<li") >= 3


def test_pages_below_are_listed_where_they_lead_to_the_page(lists):
    assert "deepest.html" not in lists["index"][0]
    assert 'class="current reference internal" href="#">deeper ' in lists["deeper"][0]
    assert "beside.html" in lists["deep"][0]


def test_the_same_code_is_coloured_once():
    asked = []
    colour = once(lambda source, lang, **how: asked.append((source, lang)) or f"<{source} {lang} {how['force']}>")
    said = [colour(source, "python", force=force, location=object()) for source in "aba" for force in (True, False)]
    assert said[:2] == said[4:] == ["<a python True>", "<a python False>"]
    assert len(asked) == 4
