"""A small book of two languages, built once and looked at as a reader's browser does."""

import json
import re
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crmtools.errors import RunError
from crmtools.report.book import Edition, Page, Setting, build_book, build_books
from crmtools.report.gate import gate
from crmtools.report.project import clean_notebook, contents, write_project
from crmtools.report.sphinx_ext.formulas import mathml
from crmtools.report.sphinx_ext.pages import switches
from crmtools.report.sphinx_ext.search import pieces

FIRST = {
    "en": "# Are we reaching our goals?\n\n**One goal of two is met.** The customers' retention fell.\n\n"
    "It cost $412 to $437 a customer.\n",
    "zh": "# 目标达成了吗？\n\n**两个目标中，一个已达成。**\n\n留存率下降，目标差距为 0.7 个百分点。"
    "客户关系管理由客服部负责，NPS 见后页。\n",
}
FORMULA = "# {title}\n\n$$\\frac{{\\text{{{lost}}}}}{{n}} = 1 - r$$\n\n" + "$\\hat p \\pm z\\sqrt{{n}}$\n"
SVG = '<figure class="crm-figure"><svg role="img" aria-label="Churn" viewBox="0 0 9 9"><circle r=\'2\'/></svg></figure>'
WORDS = {
    "en": {"report": "Customer relationships <b>& more", "home": "First page", "part": "Indicators", "churn": "Churn"},
    "zh": {"report": "客户关系评估", "home": "首页", "part": "指标", "churn": "流失率"},
}


def write_notebook(path: Path, title: str, *, run: str = "2026-01-05T06:12") -> Path:
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"# {title}"),
            new_code_cell(
                "churn",
                execution_count=1,
                metadata={"tags": ["hide-input"], "papermill": {"start_time": run}, "execution": {"a": run}},
                outputs=[
                    new_output("stream", name="stderr", text="FutureWarning: soon"),
                    new_output("execute_result", {"text/html": SVG, "text/plain": "Churn"}, execution_count=1),
                ],
            ),
            new_code_cell("import secret", metadata={"tags": ["remove-cell"]}),
        ],
        metadata={"papermill": {"start_time": run}, "language_info": {"name": "python"}},
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # drawn at random otherwise
    nbformat.write(notebook, path)
    return path


def edition(folder: Path, language: str, *, run: str = "2026-01-05T06:12") -> Edition:
    folder.mkdir(exist_ok=True)
    words = WORDS[language]
    (folder / "index.md").write_text(FIRST[language], encoding="utf8")
    formula = FORMULA.format(title=words["churn"], lost={"en": "lost", "zh": "流失"}[language])
    (folder / "formula.md").write_text(formula, encoding="utf8")
    churn = write_notebook(folder / "churn.ipynb", words["churn"], run=run)
    pages = (
        Page("index", words["home"], folder / "index.md"),
        Page("churn", words["churn"], churn, part=words["part"], state="failed"),
        Page("churn-formula", "LaTeX", folder / "formula.md", part=words["part"], parent="churn"),
    )
    return Edition(language, words["report"], pages, meta=("2025 Q4", "Run <1>"))


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    editions = [edition(folder / language, language) for language in ("en", "zh")]
    built = build_books(folder / "staging", editions=editions, out=folder / "out", log=folder / "log")
    assert [one.pages for one in built] == [3, 3]
    return folder / "out"


def read(book: Path, page: str) -> str:
    return (book / page).read_text(encoding="utf8")


def test_the_gate_lets_the_book_pass(book):
    assert gate(book, forbidden=["C-100123"]) == []


def test_nothing_is_left_of_the_build(book):
    names = {path.name for path in book.rglob("*")}
    assert not names & {".buildinfo", "objects.inv", "_sources", ".doctrees", "locales"}
    assert "MathJax" not in read(book, "en/churn-formula.html")


@pytest.mark.parametrize(("language", "tag", "other"), [("en", "en", "zh"), ("zh", "zh-CN", "en")])
def test_every_page_names_its_language_and_leads_to_the_other(book, language, tag, other):
    for slug in ("index", "churn", "churn-formula", "search"):
        page = read(book, f"{language}/{slug}.html")
        assert f'<html lang="{tag}"' in page
        assert re.search(rf'class="crm-language" href="\.\./{other}/{slug}\.html"', page)
        assert (book / other / f"{slug}.html").is_file()


def test_the_switch_leads_to_the_first_page_where_the_other_edition_has_no_such_page():
    found = switches("extra/page", {"zh": ["index"]})
    assert found == [{"href": "../../zh/index.html", "label": "中文", "tag": "zh-CN"}]


def test_the_front_door_offers_both_languages(book):
    door = read(book, "index.html")
    assert 'href="en/index.html"' in door
    assert 'href="zh/index.html"' in door


def test_formulas_are_mathml(book):
    page = read(book, "zh/churn-formula.html")
    assert page.count("<math ") == 2
    assert "<mtext>流失</mtext>" in page
    assert "$412 to $437" in read(book, "en/index.html")


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        (r"\nonsense{x}", r"unknown command \\nonsense"),
        (r"\frac{1}", "mfrac needs 2 arguments and has 1"),
        ("a_{", "MissingSuperScriptOrSubscriptError"),
        ("a & b", "not a formula"),
    ],
)
def test_a_formula_that_cannot_be_drawn_is_an_error(latex, message):
    with pytest.raises(ValueError, match=message):
        mathml(latex)


def test_aligned_lines_become_a_table_of_two_rows():
    assert mathml(r"\begin{aligned}a &= b\\ c &= d\end{aligned}", block=True).count("<mtr>") == 2


def test_the_meta_line_is_escaped_and_above_the_title(book):
    page = read(book, "en/index.html")
    line = '<div class="crm-meta"><b>2025 Q4</b><span>Run &lt;1&gt;</span></div>'
    assert page.index(line) < page.rindex("<h1>")


def test_a_title_from_the_data_is_text_on_every_page(book):
    pages = [*(book / "en").glob("*.html"), book / "index.html"]
    for page in pages:
        text = page.read_text(encoding="utf8")
        assert "relationships <b>" not in text, page.name
        assert "relationships &lt;b&gt;&amp; more" in text, page.name


def test_the_list_on_the_left_says_which_page_failed(book):
    assert "流失率 · 运行失败" in read(book, "zh/index.html")
    assert "Churn · failed" in read(book, "en/index.html")


def test_notebook_output_is_shown_without_warnings_and_hidden_cells(book):
    page = read(book, "en/churn.html")
    assert 'aria-label="Churn"' in page
    assert "FutureWarning" not in page
    assert "secret" not in page
    assert "Show code" in page
    assert "显示代码" in read(book, "zh/churn.html")


def visible_english(page: str) -> set[str]:
    """English words a reader of the Chinese edition would see or hear, outside of code and formulas."""
    page = re.sub(r"(?s)<(script|style|math|pre|code)\b.*?</\1>|<head>.*?</head>", "", page)
    spoken = re.findall(r'(?:title|aria-label|placeholder|alt)="([^"]*)"', page)
    written = re.sub(r"(?s)<!--.*?-->|<[^>]*>", "\n", page).splitlines()
    return {text.strip() for text in (*spoken, *written) if re.search("[A-Za-z]{2}", text)}


def test_nothing_of_the_interface_is_english_in_the_chinese_edition(book):
    allowed = {"English", "Ctrl", "LaTeX", "Run &lt;1&gt;"}  # the switch, a key, and what the pages say
    allowed |= {"客户关系管理由客服部负责，NPS 见后页。", "请启用 JavaScript 以启用搜索功能。", "Churn"}
    for slug in ("index", "churn", "churn-formula", "search"):
        said = visible_english(read(book, f"zh/{slug}.html"))
        assert {text for text in said if not any(word in text for word in allowed)} == set(), slug


def test_terms_of_a_text():
    assert pieces("目标差距 is 12%，率") == ["目标", "标差", "差距", "is", "12", "率"]


HARNESS = """
const fs = require('fs'), vm = require('vm');
const root = process.argv[1];
const document = {getElementById: () => ({childNodes: [], lastChild: null})};
const box = {SPHINX_HIGHLIGHT_ENABLED: false, console, _ready: () => {}, document, window: {}};
vm.createContext(box);
const load = (name) => vm.runInContext(fs.readFileSync(root + '/' + name, 'utf8'), box);
['_static/language_data.js', '_static/searchtools.js', 'searchindex.js'].forEach(load);
box.queries = JSON.parse(process.argv[2]);
const script = `JSON.stringify(queries.map((query) => {
  const [original, terms, excluded, highlight, objects] = Search._parseQuery(query);
  return Search._performSearch(original, terms, excluded, highlight, objects).map((hit) => hit[0]);
}))`;
process.stdout.write(vm.runInContext(script, box));
"""


def search(book: Path, language: str, queries: list[str]) -> dict[str, set[str]]:
    """The pages that the reader's own search finds for each query."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    command = [node, "-e", HARNESS, str(book / language), json.dumps(queries)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf8")
    assert done.returncode == 0, done.stderr
    return {query: set(hits) for query, hits in zip(queries, json.loads(done.stdout))}


def test_chinese_search_finds_terms_of_several_words(book):
    found = search(book, "zh", ["留存率", "目标差距", "客户关系管理", "NPS 客服部", "距目差标", "留存差距"])
    assert found["留存率"] == found["目标差距"] == found["客户关系管理"] == found["NPS 客服部"] == {"index"}
    assert found["距目差标"] == found["留存差距"] == set()


def test_english_search_finds_other_forms_of_a_word(book):
    found = search(book, "en", ["retentions customer", "nonsense"])
    assert found == {"retentions customer": {"index"}, "nonsense": set()}


def test_two_runs_with_the_same_numbers_give_the_same_project(tmp_path):
    for name, run in (("a", "2026-01-05T06:12"), ("b", "2026-02-06T07:13")):
        one = edition(tmp_path / "source", "en", run=run)
        write_project(tmp_path / name, language="en", title=one.title, pages=one.pages, meta=one.meta)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert Path("churn.ipynb") in files
    for path in files:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes(), path


def test_cleaning_keeps_tags_and_source():
    text = json.dumps(
        {
            "metadata": {"papermill": {}, "kernelspec": {"name": "python3"}},
            "cells": [{"metadata": {"tags": ["en"], "papermill": {}}, "source": "x"}],
        }
    )
    assert json.loads(clean_notebook(text)) == {
        "metadata": {"kernelspec": {"name": "python3"}},
        "cells": [{"metadata": {"tags": ["en"]}, "source": "x"}],
    }


def test_contents_nest_pages_below_their_parents_and_parts():
    source = Path("x.md")
    pages = [
        Page("index", "Home", source),
        Page("a", "A", source, part="One"),
        Page("m", "M", source, part="Two", state="timed_out"),
        Page("a1", "A1", source, part="One", parent="a"),
        Page("b", "B", source, part="One"),
    ]
    below = {"file": "a", "title": "A", "sections": [{"file": "a1", "title": "A1"}]}
    assert contents(pages, "en") == {
        "format": "jb-book",
        "root": "index",
        "parts": [
            {"caption": "One", "chapters": [below, {"file": "b", "title": "B"}]},
            {"caption": "Two", "chapters": [{"file": "m", "title": "M · timed out"}]},
        ],
    }


def test_all_wrong_pages_are_named_at_once(tmp_path):
    source = tmp_path / "page.md"
    source.write_text("# Page\n")
    pages = [
        Page("start", "Start", source),
        Page("Churn", "Churn", source),
        Page("nps", "NPS", source),
        Page("nps", "NPS", source, parent="missing"),
        Page("cac", "CAC", tmp_path / "absent.md"),
        Page("search", "Search", source),
        Page("csv", "CSV", tmp_path / "table.csv"),
    ]
    with pytest.raises(RunError) as caught:
        write_project(tmp_path / "staging", language="en", title="T", pages=pages)
    places = [problem.place for problem in caught.value.problems]
    expected = [
        "pages",
        "page 'Churn'",
        "page 'nps'",
        "page 'nps'",
        "page 'cac'",
        "page 'search'",
        "page 'csv'",
    ]
    assert places == expected
    assert not (tmp_path / "staging").exists()


def test_a_warning_of_sphinx_is_an_error_and_keeps_the_old_book(tmp_path):
    (tmp_path / "index.md").write_text("# Page\n\n[nowhere](missing.md) and $\\nonsense$\n")
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.html").write_text("old")
    pages = [Page("index", "Page", tmp_path / "index.md")]
    log = tmp_path / "logs" / "book.log"
    with pytest.raises(RunError, match=r"Full log: .*book\.log") as caught:
        build_book(tmp_path / "staging", language="en", title="T", pages=pages, out=out, log=log)
    found = {problem.place: problem.message for problem in caught.value.problems}
    assert set(found) == {"index.md:3"} or all(place.startswith("index.md") for place in found)
    assert any("missing.md" in problem.message for problem in caught.value.problems)
    assert any("nonsense" in problem.message for problem in caught.value.problems)
    assert (out / "index.html").read_text() == "old"
    assert "missing.md" in log.read_text(encoding="utf8")


HAND_WRITTEN = Path(__file__).parents[2] / "book"


def test_hand_written_pages_are_in_step():
    names = {
        language: sorted(path.name for path in (HAND_WRITTEN / language).glob("*.md")) for language in ("en", "zh")
    }
    assert names["en"] == names["zh"] != []
    for name in names["en"]:
        texts = [(HAND_WRITTEN / language / name).read_text(encoding="utf8") for language in ("en", "zh")]
        outlines = [re.findall(r"(?m)^(#+) ", text) for text in texts]
        assert outlines[0] == outlines[1], name
        cited = [re.findall(r"\{cite:p\}`([^`]+)`", text) for text in texts]
        assert cited[0] == cited[1], name


def test_both_glossaries_explain_the_same_terms():
    english = (HAND_WRITTEN / "en" / "glossary.md").read_text(encoding="utf8")
    chinese = (HAND_WRITTEN / "zh" / "glossary.md").read_text(encoding="utf8")
    terms = re.findall(r"(?m)^[^#\n:].*\((.+)\)\n: ", english)
    assert terms == re.findall(r"(?m)^([^#\n:].*?)（.+）\n: ", chinese)
    assert len(terms) > 20


@pytest.mark.slow
def test_hand_written_pages_make_a_book(tmp_path):
    (tmp_path / "index.md").write_text("# Report\n")
    editions = []
    for language in ("en", "zh"):
        pages = [Page("index", "Report", tmp_path / "index.md")]
        pages += [Page(path.stem, path.stem, path) for path in sorted((HAND_WRITTEN / language).glob("*.md"))]
        pages.append(
            Page("readiness", "Readiness", tmp_path / "index.md")
        )  # that a run writes, and the glossary leads to
        editions.append(Edition(language, "Report", tuple(pages)))
    build_books(tmp_path / "staging", editions=editions, out=tmp_path / "out", log=tmp_path)
    assert gate(tmp_path / "out") == []


def test_the_configuration_reaches_no_host(tmp_path):
    one = edition(tmp_path / "source", "zh")
    write_project(tmp_path / "staging", language="zh", title=one.title, pages=one.pages)
    text = (tmp_path / "staging" / "_config.yml").read_text(encoding="utf8")
    assert "http" not in text.replace("html", "")
    sphinx = yaml.safe_load(text)["sphinx"]["config"]
    assert not {"sphinx_thebe", "sphinx.ext.intersphinx"} & set(sphinx["extensions"])


def test_a_process_that_was_never_told_to_begin_ends_with_the_run(tmp_path):
    with Setting(tmp_path / "staging") as setting:
        process = setting._process
        assert process.poll() is None
    assert process.returncode is not None
    with Setting(tmp_path / "staging") as setting:
        setting._process.stdin.close()  # as when the run is killed
        assert setting._process.wait(60) == 0
        assert setting._process.stdout.read() == "", "it has built nothing, and there was nothing to build"


def test_what_a_build_has_started_does_not_keep_it_waiting(tmp_path, monkeypatch):
    """A process that holds its output open."""
    monkeypatch.setattr(
        "crmtools.report.book.BUILD", "import subprocess, time; subprocess.Popen(['sleep', '20']); time.sleep(20)"
    )
    started = time.monotonic()
    with Setting(tmp_path / "staging") as setting:
        assert setting.run(timeout=2).code == 1
    assert time.monotonic() - started < 15


def test_an_interrupt_ends_the_builds(tmp_path, monkeypatch):
    class Slow:
        def __init__(self, staging):
            self.killed = threading.Event()

        def run(self, *, timeout):
            assert self.killed.wait(30)
            raise RunError("ended")

        def kill(self):
            self.killed.set()

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            pass

    begun = {"en": Slow(tmp_path)}

    class Pool(ThreadPoolExecutor):
        def map(self, *asked):
            super().map(*asked)
            raise KeyboardInterrupt

    monkeypatch.setattr("crmtools.report.book.ThreadPoolExecutor", Pool)
    (tmp_path / "index.md").write_text("# Page\n", "utf-8")
    editions = [Edition("en", "T", (Page("index", "Page", tmp_path / "index.md"),))]
    with pytest.raises(KeyboardInterrupt):
        build_books(tmp_path / "staging", editions=editions, out=tmp_path / "out", log=tmp_path, begun=begun)
    assert begun["en"].killed.is_set()


def test_a_build_that_takes_too_long_is_ended_and_says_so(tmp_path):
    with Setting(tmp_path / "staging") as setting:
        said = setting.run(timeout=0.1)
    assert (said.code, said.text) == (1, "\nERROR: not finished after 0 s\n")
    assert setting._process.returncode is not None
