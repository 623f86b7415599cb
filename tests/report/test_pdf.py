"""A book as one document: every page once and in order, ids that do not meet, links that stay within it."""

import re
import subprocess
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from crmtools.cli import main
from crmtools.errors import RunError
from crmtools.report import chromium, pdf
from crmtools.report.pdf import document, print_book, print_first_page, sheets_of
from crmtools.report.pdf_text import with_real_characters

PAGE = """<!DOCTYPE html><html lang="{lang}"><head><title>The report</title>{after}<script>x()</script></head><body>
<span class="caption-text">Overview</span><li class="toctree-l1"><a class="reference internal" href="goals.html">Goals</a></li>
<article class="bd-article">
<h1>{title} &amp; more<a class="headerlink" href="#top">#</a></h1><p id="top">{title}</p>
<a href="#top">here</a><a href="goals.html">there</a><a href="goals.html#top">in it</a><a href="https://example.com/">away</a><a href="gone.html">gone</a>
<svg aria-labelledby="t u"><title id="t">t</title><g clip-path="url(#c)"/></svg><details><summary>more</summary></details>
</article></body></html>"""


@pytest.fixture
def edition(tmp_path):
    folder = tmp_path / "book" / "en"
    folder.mkdir(parents=True)
    after = {"index": "goals", "goals": "churn", "churn": None}
    for slug, following in after.items():
        link = f'<link rel="next" title="x" href="{following}.html" />' if following else ""
        (folder / f"{slug}.html").write_text(PAGE.format(lang="en", title=slug.title(), after=link), "utf-8")
    (folder / "search.html").write_text(PAGE.format(lang="en", title="Search", after=""), "utf-8")
    return folder


def test_the_pages_are_those_that_the_book_leads_through(edition):
    assert [(sheet.slug, sheet.title) for sheet in sheets_of(edition)] == [
        ("index", "Index & more"),
        ("goals", "Goals & more"),
        ("churn", "Churn & more"),
    ]


def test_ids_do_not_meet_and_links_stay_within_the_document(edition):
    made = document(edition, sheets_of(edition), with_contents=True)
    ids = re.findall(r'\bid="([^"]+)"', made)
    assert len(ids) == len(set(ids))
    body = made.split('<section class="crm-sheet" id="churn">')[1]
    assert 'href="#churn--top">here' in body
    assert 'href="#goals">there' in body
    assert 'href="#goals--top">in it' in body
    assert 'href="https://example.com/">away' in body
    assert "gone.html" not in body
    assert 'aria-labelledby="churn--t churn--u"' in body
    assert "url(#churn--c)" in body
    assert "<details open>" in body
    assert "<script" not in made
    contents = made.split("<nav")[1].split("</nav>")[0]
    assert re.findall(r'<li[^>]*>(?:<a href="#(\w+)">)?([^<]*)', contents) == [
        ("index", "Index &amp; more"),
        ("", "Overview"),
        ("goals", "Goals &amp; more"),
        ("churn", "Churn &amp; more"),
    ]
    assert '<li class="crm-below"><a href="#churn">' in contents


def test_the_contents_name_the_page_on_which_each_part_begins_once_it_has_been_printed(edition, monkeypatch, tmp_path):
    printed = []

    def press(page, out):
        printed.append(page.read_text("utf-8"))
        out.write_bytes(
            b"%PDF-1.4\n7 0 obj\n<</Type /Page\n>>\n3 0 obj\n<</Type /Page\n>>\n9 0 obj\n<</Type /Pages\n>>\n8 0 obj\n<</Type /Page\n>>\n"
            b"5 0 obj\n<</churn [8 0 R /XYZ 6 7.5 0]\n/churn--top [8 0 R /XYZ 6 7 0]\n/index [3 0 R /XYZ 6 7 0]\n/goals [7 0 R /XYZ 6 7 0]>>\n"
            b"6 0 obj\n<</Title (b)\n/Dest [3 0 R /XYZ 35 73 0]>>\n"
        )

    monkeypatch.setattr(pdf, "print_page", press)
    print_book(edition, tmp_path / "made" / "book.pdf")
    assert (tmp_path / "made" / "book.pdf").is_file()
    before, after = (re.findall(r'<a href="#(\w+)">[^<]*</a><span>(\d*)</span>', page) for page in printed)
    assert before == [("index", ""), ("goals", ""), ("churn", "")]
    assert after == [("index", "2"), ("goals", "1"), ("churn", "3")]
    assert printed[0].split("</nav>")[1] == printed[1].split("</nav>")[1]
    printed.clear()
    print_first_page(edition, tmp_path / "first.pdf")
    assert len(printed) == 1
    assert "<nav" not in printed[0]


def test_what_is_no_book_is_named(edition):
    (edition / "goals.html").unlink()
    with pytest.raises(RunError, match=r"is no edition of a book: goals\.html is missing"):
        print_book(edition, edition / "x.pdf")


def test_without_a_browser_the_command_says_what_to_do(edition, monkeypatch, tmp_path):
    monkeypatch.setattr(chromium, "find", lambda: None)
    result = CliRunner().invoke(main, ["pdf", str(edition.parent)])
    assert result.exit_code == 1
    assert "install one, or print the pages from your own browser" in result.stderr
    result = CliRunner().invoke(main, ["pdf", "nothing"])
    assert result.exit_code == 1
    assert "crmtools report nothing" in result.stderr


def test_a_browser_that_prints_nothing_is_told_with_its_last_words(edition, monkeypatch, tmp_path):
    said = subprocess.CompletedProcess([], 1, b"", b"first\nno fonts here\n")
    monkeypatch.setattr(chromium, "find", lambda: "/bin/chromium")
    monkeypatch.setattr(chromium.subprocess, "run", lambda *_, **__: said)
    with pytest.raises(RunError, match=r"chromium did not print book\.pdf: no fonts here"):
        print_book(edition, tmp_path / "book.pdf")
    assert not (tmp_path / "book.pdf").exists()


def test_the_browser_that_is_named_comes_first(monkeypatch, tmp_path):
    named = tmp_path / "mine"
    named.write_text("#!/bin/sh\n")
    named.chmod(0o755)
    monkeypatch.setenv("CRMTOOLS_CHROMIUM", str(named))
    assert Path(chromium.find()) == named


def test_radicals_in_the_tables_of_a_pdf_become_the_characters_that_they_are():
    """Objects move by what the tables gain or lose, and the index of the file follows them."""
    table = b"begincmap <0001> <2F6C> <0002> <2ED3> <0003> <4E00> <0004> <2E8F> endcmap" + b" <0005> <2FBC>" * 50
    objects, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(
        (zlib.compress(b"pictures"), zlib.compress(table), zlib.compress(b"more"), b"no zlib"), 1
    ):
        offsets.append(len(objects))
        objects += b"%d 0 obj\n<</Filter /FlateDecode /Length %d>> stream\n%b\nendstream\nendobj\n" % (
            number, len(content), content,
        )  # fmt: skip
    index = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in offsets)
    pdf = objects + index + b"trailer <</Size 5>>\nstartxref\n%d\n%%%%EOF\n" % len(objects)
    made = with_real_characters(pdf)
    start = int(re.search(rb"startxref\n(\d+)", made)[1])
    assert made[start : start + 4] == b"xref"
    found = [int(at) for at in re.findall(rb"(\d{10}) 00000 n", made[start:])]
    assert [made[at : at + 7] for at in found] == [b"%d 0 obj" % number for number in range(1, 5)]
    assert found != offsets
    length, packed = re.search(rb"/Length (\d+)>> stream\n(.*?)\nendstream", made[found[1] :], re.DOTALL).groups()
    assert len(packed) == int(length)
    plain = zlib.decompress(packed)
    assert plain.startswith(b"begincmap <0001> <76EE> <0002> <957F> <0003> <4E00> <0004> <2E8F> endcmap <0005> <9AD8>")
    assert with_real_characters(made) == made
    assert with_real_characters(b"no index") == b"no index"
