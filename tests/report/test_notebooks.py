"""Notebooks before and after a run: parameters, languages, placeholders, what the book hides."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from small_report import write_notebook

from crmtools.errors import RunError
from crmtools.report.notebooks import (
    FACTS,
    check_notebook,
    escape,
    fill,
    for_the_book,
    parameters_of,
    prepare,
    read_notebook,
)

NAMES = ("report", "language")


def messages(path, *, parameters=NAMES):
    return [str(problem) for problem in check_notebook(path, parameters=parameters)]


def test_parameters_are_read_with_type_default_and_help(tmp_path):
    code = 'report: str = "tiny"  # a # sign in the help\nlevels: list[int] = [1, -2]\nshare = 0.5  # no type written'
    found = parameters_of(write_notebook(tmp_path, "one", "1", parameters=code))
    assert [(p.name, p.type, p.default, p.help) for p in found] == [
        ("report", "str", "tiny", "a # sign in the help"),
        ("levels", "list[int]", [1, -2], ""),
        ("share", "float", 0.5, "no type written"),
    ]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("report = open('x')", "'report' must be a literal"),
        ("import os", "only 'name: type = value' may stand here"),
        ("report = ", "is no valid Python"),
    ],
)
def test_a_parameters_cell_that_is_not_literal_is_an_error(tmp_path, code, said):
    with pytest.raises(RunError, match=said):
        parameters_of(write_notebook(tmp_path, "one", "1", parameters=code))


def test_a_sound_notebook_has_no_problems(tmp_path):
    assert messages(write_notebook(tmp_path, "one", "1")) == []


def test_every_problem_of_a_notebook_is_told_at_once(tmp_path):
    path = write_notebook(tmp_path, "one", "1", parameters='reprot: str = "tiny"\nlanguage: str = "en"')
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].metadata["tags"] = ["raises-exception"]
    notebook.cells.append(new_code_cell("x = 1", metadata={"tags": ["injected-parameters"]}))
    notebook.cells.append(new_markdown_cell("# Second\n\n{{ indicator.nmae }}", metadata={"tags": ["en"]}))
    nbformat.write(notebook, path)
    found = "\n".join(messages(path))
    assert "'report' is not declared. Did you mean 'reprot'?" in found
    assert "cell 4\n    is tagged raises-exception" in found
    assert "cell 5\n    is left from an earlier run" in found
    assert "'{{ indicator.nmae }}' is not known. Did you mean 'indicator.name'?" in found
    assert "one.ipynb · en\n    exactly one first-level heading is needed, found 'One', 'Second'" in found
    assert "· zh" not in found


def test_a_hash_in_a_code_block_is_no_heading(tmp_path):
    path = write_notebook(tmp_path, "one", "1")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(new_markdown_cell("```\n# a comment\n```"))
    nbformat.write(notebook, path)
    assert messages(path) == []


def test_a_file_that_is_no_notebook_is_named(tmp_path):
    path = tmp_path / "one.ipynb"
    path.write_text("{", encoding="utf-8")
    assert "one.ipynb is not a notebook" in messages(path)[0]


def test_only_the_language_that_is_built_stays(tmp_path):
    notebook = read_notebook(write_notebook(tmp_path, "one", "print(1)"))
    notebook.cells.append(new_markdown_cell("for all"))
    for language, kept, dropped in (("en", "In English.", "用中文。"), ("zh", "用中文。", "In English.")):
        text = "\n".join(cell.source for cell in prepare(notebook, language=language, facts={}).cells)
        assert kept in text
        assert dropped not in text
        assert "for all" in text
    assert len(notebook.cells) == 5, "the notebook given is not changed"


def test_code_is_hidden_and_parameters_are_removed_unless_a_tag_says_otherwise(tmp_path):
    notebook = read_notebook(write_notebook(tmp_path, "one", "1"))
    for given in (["remove-input"], ["hide-cell"], ["hide-output"]):
        notebook.cells.append(new_code_cell("1", metadata={"tags": given}))
    code = [cell for cell in prepare(notebook, language="en", facts={}).cells if cell.cell_type == "code"]
    assert [cell.metadata["tags"] for cell in code] == [
        ["parameters", "remove-cell"],
        ["hide-input"],
        ["remove-input"],
        ["hide-cell"],
        ["hide-output", "hide-input"],
    ]


def test_placeholders_are_filled_and_data_text_is_escaped():
    facts = {"indicator.name": "a`b` {x} <script> $1$ [y](z) _u_\n\n# h", "indicator.formula": r"\frac{a}{b}"}
    text = fill("# {{ indicator.name }}\n\n$${{indicator.formula}}$$", facts)
    assert text == (r"# a\`b\` \{x\} \<script\> \$1\$ \[y\]\(z\) \_u\_ \# h" + "\n\n" + r"$$\frac{a}{b}$$")
    with pytest.raises(RunError, match="not known here"):
        fill("{{ report.tittle }}", facts)


def test_every_fact_may_be_named():
    assert fill(" ".join(f"{{{{ {name} }}}}" for name in FACTS), dict.fromkeys(FACTS, "x")) == " ".join(
        "x" * len(FACTS)
    )


def test_escaped_text_is_printed_as_it_is():
    from markdown_it import MarkdownIt

    hostile = r"""`a` *b* _c_ [d](e) <b>f</b> &amp; $g$ {h} # i ! \ | ~ ^ " '"""
    html = MarkdownIt("commonmark").render(escape(hostile))
    assert "<b>" not in html
    assert "<em>" not in html
    assert "<a " not in html
    assert "<code>" not in html
    assert "&amp;amp;" in html


def test_the_book_gets_no_timestamps_warnings_or_records():
    record = "application/vnd.crmtools.result+json"
    cell = new_code_cell("1", metadata={"papermill": {"duration": 1}, "execution": {"x": "now"}, "tags": []})
    cell.outputs = [
        new_output("stream", name="stderr", text="FutureWarning"),
        new_output("stream", name="stdout", text="kept"),
        new_output("display_data", {record: {"a": 1}, "text/plain": "Estimate"}),
        new_output("display_data", {record: {"a": 1}, "text/html": "<p>4</p>", "text/plain": "4"}),
    ]
    marker = new_markdown_cell("An Exception was encountered", metadata={"tags": ["papermill-error-cell-tag"]})
    executed = new_notebook(cells=[marker, cell], metadata={"papermill": {"start_time": "now"}})
    shown = for_the_book(executed, hidden=(record,))
    assert [dict(output.get("data", {})) or output.text for output in shown.cells[0].outputs] == [
        "kept",
        {"text/html": "<p>4</p>", "text/plain": "4"},
    ]
    assert shown.metadata == {}
    assert dict(shown.cells[0].metadata) == {"tags": ["hide-input"]}
    assert shown.cells[0].id == "cell-0"
    assert len(executed.cells[1].outputs) == 4, "the executed notebook is not changed"
