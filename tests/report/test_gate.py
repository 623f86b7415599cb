"""The gate: a clean book passes; each defect planted in it alone is named with its page and line."""

import random
import time
import zipfile
from pathlib import Path

import pytest

from crmtools.report.downloads import as_workbook, read_table
from crmtools.report.gate import gate
from crmtools.report.leaks import Forbidden, own_words, searchable
from crmtools.report.reading import read_page

PAGE = """<!doctype html>
<html lang="{lang}">
<head><title>T</title><link rel="stylesheet" href="_static/a.css"><script src="_static/a.js"></script></head>
<body>
<h1 id="top">T</h1><a href="../{other}/index.html">other</a> <a href="#top">top</a>
<a href="https://doi.example/10.1">an outward link is no request</a>
<svg role="img" aria-label="Churn"><circle r="2"/></svg> <i aria-hidden="true"><svg></svg></i>
<div class="crm-failed"><pre>Traceback (most recent call last):</pre></div>
{planted}
</body>
</html>
"""
PLANTED_LINE = 9
FORBIDDEN = ["C-100123", "王小明", "Zhang, Wei", "wei.zhang@example.org", "13800138000", "12", "la"]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    for language, lang, other in (("en", "en", "zh"), ("zh", "zh-CN", "en")):
        (tmp_path / language / "_static").mkdir(parents=True)
        page = PAGE.format(lang=lang, other=other, planted="<p>12 answers, 王小 明, la</p>")
        (tmp_path / language / "index.html").write_text(page, encoding="utf8")
        (tmp_path / language / "_static" / "a.css").write_text("p{background:url(b.png)}")
        (tmp_path / language / "_static" / "a.js").write_text("const home='https://docs.example/';")
    return tmp_path


def plant(book: Path, html: str) -> list[str]:
    page = PAGE.format(lang="en", other="zh", planted=html)
    (book / "en" / "index.html").write_text(page, encoding="utf8")
    return [f"{problem.place} {problem.message}" for problem in gate(book, forbidden=FORBIDDEN)]


def test_a_clean_book_passes(book):
    assert gate(book, forbidden=FORBIDDEN) == []


@pytest.mark.parametrize(
    ("html", "message"),
    [
        ('<script src="https://cdn.example/x.js"></script>', "asks a host for https://cdn.example/x.js"),
        ('<img alt="x" src="//cdn.example/x.png">', "asks a host for //cdn.example/x.png"),
        ('<img alt="" src="data:," srcset="_static/a.js 1x, http://h.example/b 2x">', "asks a host"),
        ('<link rel="preconnect" href="https://fonts.example">', "asks a host for https://fonts.example"),
        (
            '<link rel="shortcut icon" href="http://h.example/i.ico">',
            "asks a host for http://h.example/i.ico",
        ),
        ('<iframe src="http://h.example/"></iframe>', "asks a host for http://h.example/"),
        (
            '<svg aria-label="x"><image href="https://h.example/i"/></svg>',
            "asks a host for https://h.example/i",
        ),
        (
            "<style>@import 'https://h.example/a.css';</style>",
            "a style asks a host for https://h.example/a.css",
        ),
        ('<p style="background:url(//h.example/a)">', "a style asks a host for //h.example/a"),
        ("<script>fetch('https://h.example/a')</script>", "a script asks a host for https://h.example/a"),
        ("<script>s.src = `https://h.example/a`</script>", "a script asks a host for https://h.example/a"),
        ('<a href="absent.html">x</a>', "the link absent.html leads to a file that does not exist"),
        ('<img alt="x" src="absent.png">', "the link absent.png leads to a file that does not exist"),
        ('<a href="#absent">x</a>', "the link #absent leads to a place that does not exist"),
        ('<a href="../zh/index.html#absent">x</a>', "leads to a place that does not exist on that page"),
        ('<a href="../../secret.html">x</a>', "the link ../../secret.html leads out of the book"),
        ('<a href="/index.html">x</a>', "the link /index.html works on one machine only"),
        ("<p>customer c-100123.</p>", "shows the source's own value 'C-100123'"),
        ("<p>投诉人王小明来电</p>", "shows the source's own value '王小明'"),
        ("<p>by zhang wei</p>", "shows the source's own value 'Zhang, Wei'"),
        ('<a href="mailto:Wei.Zhang@example.org">x</a>', "own value 'wei.zhang@example.org'"),
        ('<svg role="img" aria-label="１３８００１３８０００"></svg>', "own value '13800138000'"),
        ("<script>const rows = ['C-100123']</script>", "own value 'C-100123'"),
        ("<!-- C-100123 -->", "own value 'C-100123'"),
        ('<p data-id="C-100123">', "own value 'C-100123'"),
        ("<pre>read /home/me/data/orders.csv</pre>", "shows the path /home/me/data/orders.csv of a machine"),
        (r"<p>C:\Users\me\orders.csv</p>", r"shows the path C:\Users\me\orders.csv of a machine"),
        ('<a href="file:///data/x.csv">x</a>', "shows the path file:///data/x.csv of a machine"),
        ("<pre>Traceback (most recent call last):</pre>", "shows a traceback outside a box"),
        ("<p>**占比。**说明</p>", "shows '**占比。**'"),
        ('<img src="_static/a.css">', "an image has no text"),
        ('<img src="_static/a.css" alt="_images/0a1b.png">', "an image has no text"),
        ('<svg role="img"><circle r="1"/></svg>', "a figure (svg) has no text"),
        ("<svg><g><circle r='1'/></g></svg>", "a figure (svg) has no text"),
    ],
)
def test_a_planted_defect_is_named(book, html, message):
    found = plant(book, html)
    assert any(message in line for line in found), found
    assert all(line.startswith(f"en/index.html:{PLANTED_LINE} ") for line in found), found


@pytest.mark.parametrize(
    "html",
    [
        "<svg><title>Churn by month</title><circle r='1'/></svg>",
        '<img src="_static/a.css" alt="">',
        "<p>a ratio 3/4 and/or home/garden, 2**3</p><code>**kwargs</code>",
        '<link rel="canonical" href="https://h.example/"><a href="tel:123">x</a>',
        '<a href="%69ndex.html?q=1">x</a>',
        "<p>order C-1001234 and C-100 123</p>",
        '<div class="box crm-failed"><p>x</p><pre>Traceback (most recent call last): x</pre></div>',
    ],
)
def test_what_looks_like_a_defect_and_is_none(book, html):
    assert plant(book, html) == []


def test_the_language_of_a_page_and_missing_first_pages(book):
    page = book / "zh" / "index.html"
    page.write_text(page.read_text(encoding="utf8").replace('lang="zh-CN"', 'lang="en"'), encoding="utf8")
    (problem,) = gate(book)
    assert problem.place == "zh/index.html:1"
    assert 'it must be "zh-CN"' in problem.message
    page.unlink()
    assert "zh/index.html" in [problem.place for problem in gate(book)]
    assert gate(book, languages=("en",))[0].message.endswith("leads to a file that does not exist")


def test_files_beside_the_pages_are_looked_at(book):
    (book / "en" / "files").mkdir()
    (book / "en" / "files" / "churn.csv").write_text("customer,value\nC-100123,1\n")
    (book / "en" / "files" / "log.txt").write_text("wrote /home/me/x\n")
    (book / "zh" / "_static" / "a.css").write_text("@font-face{src:url('https://fonts.example/a.woff2')}")
    (book / "zh" / "_static" / "a.js").write_text('x.open("GET", "https://h.example/q")')
    found = [f"{problem.place} {problem.message}" for problem in gate(book, forbidden=FORBIDDEN)]
    assert found == [
        "en/files/churn.csv:2 shows the source's own value 'C-100123'",
        "en/files/log.txt holds the path /home/me/x of a machine",
        "zh/_static/a.css asks a host for https://fonts.example/a.woff2",
        "zh/_static/a.js asks a host for https://h.example/q",
    ]


def test_archives_and_workbooks_are_looked_into(book):
    """What is published is looked at, whatever it is packed in."""
    with zipfile.ZipFile(book / "en" / "results.zip", "w") as archive:
        archive.writestr("goals.csv", "name,value\r\n王小明,1\r\n=1+1,2\r\n")
        archive.writestr("results.json", '{"a": "/home/li/x.csv"}')
    sheet = read_table("<table><tr><td>Name</td></tr><tr><td>O'Neil &amp; 李雷</td></tr></table>", "t")
    (book / "zh" / "nps.xlsx").write_bytes(as_workbook([sheet]))
    found = {(one.place, one.message) for one in gate(book, forbidden=["王小明", "李雷"])}
    assert found == {
        ("en/results.zip · goals.csv:2", "shows the source's own value '王小明'"),
        ("en/results.zip · goals.csv:3", "a spreadsheet takes the cell '=1+1' for a formula; put a ' before it"),
        ("en/results.zip · results.json", "holds the path /home/li/x.csv of a machine"),
        ("zh/nps.xlsx", "holds the source's own value '李雷'"),
    }


def test_the_folders_of_this_machine_are_known(book):
    (book / "en" / "notes.txt").write_text("see /data-disk/project/run.log, not /data-disk/projects\n")
    (problem,) = gate(book, machine=["/data-disk/project"])
    assert problem.message == "holds the path /data-disk/project/run.log, of a machine"


def test_values_too_short_to_tell_from_ordinary_text_are_not_looked_for():
    values = ["王", "12", "99999", "ann", "C-1", "王五", "100000", "anna", "C-10", "2025-01-01"]
    assert [value for value in values if searchable(value)] == ["王五", "100000", "anna", "2025-01-01"]


def test_leaks_agree_with_a_plain_search_for_every_value():
    random.seed(7)
    surnames, given = "王李张刘陈", "伟芳娜敏静丽强磊"
    values = {random.choice(surnames) + random.choice(given) + random.choice(given) for _ in range(60)}
    values |= {f"K{random.randrange(10**6):06d}" for _ in range(60)}
    text = " ".join(random.choice([*values, "客户", "4.6 %", "留存率"]) for _ in range(40))
    text += "".join(random.choice(surnames + given) for _ in range(300))
    assert set(Forbidden(values).found_in(text)) == {value for value in values if value in text}


def test_a_hundred_thousand_values_are_looked_for_in_one_pass():
    forbidden = Forbidden(f"C-{number:06d}" for number in range(100_000))
    text = "The share of customers in the north rose to 4.6 %. 北区客户的流失率上升。" * 5_000
    started = time.perf_counter()
    assert forbidden.found_in(text + " C-054321") == ["C-054321"]
    assert time.perf_counter() - started < 5  # a search value by value takes minutes


def test_a_plain_word_is_a_person_only_when_spelt_alike() -> None:
    leaks = Forbidden(["Null", "Grace", "zoe@example.com"])
    assert leaks.found_in("CAST(NULL AS VARCHAR), 30 days of grace, ZOE@example.com") == ["zoe@example.com"]
    assert leaks.found_in("Mrs Null and Grace wrote") == ["Null", "Grace"]


def test_a_drawing_inside_a_named_one_needs_no_name_of_its_own() -> None:
    assert not read_page('<svg role="img" aria-label="a line"><svg><path d="M0 0"/></svg></svg>').unnamed
    assert read_page("<svg><svg><path d='M0 0'/></svg></svg>").unnamed


def test_a_name_that_is_part_of_the_reports_own_words_is_no_person() -> None:
    leaks = Forbidden(["何平", "均不"], own="几何平均不允许弥补")
    assert leaks.found_in("几何平均不允许") == []
    assert leaks.found_in("客户何平来电") == ["何平"]
    assert leaks.found_in("<td>何平</td>") == ["何平"]
    assert leaks.found_in("几何平来电") == ["何平"], "only between the same characters"
    assert "几何平均" in own_words()
