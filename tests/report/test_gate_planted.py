"""Leaks and faults planted one by one into a small finished book: the gate names each with its page and line."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from finished_book import regions, write_book

import crmtools as crm
from crmtools.errors import Problem
from crmtools.estimate import Estimate
from crmtools.report.disclosure import by_difference, disclosures
from crmtools.report.first_page import compared
from crmtools.report.gate import gate
from crmtools.report.results import Results

SOURCE = ("C-100123", "王小明", "Zhang, Wei", "wei.zhang@corp.example", "13900139000", "<script>alert('name')</script>")
"""Ids, names and addresses of the source."""
WEBHOOK = "https://hooks.example.com/a1b2c3d4"
SECRET = "s3cr3t-of-the-mail-server"
DECLARED = "owner: {person: Li Na, mail: crm@corp.example}"
CARD = "11010519491231002X"  # the example of GB 11643
Finished = tuple[Path, Results]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The book, built once."""
    return write_book(tmp_path_factory.mktemp("planted"), crm.open("tiny"))


@pytest.fixture
def plant(finished: Finished) -> Iterator[Callable[..., int]]:
    """Change a page of the book for one test; returns the line of the change."""
    book, _ = finished
    before: dict[Path, str | None] = {}

    def change(page: str, new: str, *, at: str = "</article>", keep: bool = True) -> int:
        file = book / page
        before[file] = text = file.read_text(encoding="utf8") if file.is_file() else None
        if text is None:
            file.parent.mkdir(exist_ok=True)
            file.write_text(new, encoding="utf8")
            return 1
        assert at in text, f"{page} does not have {at}"
        place = text.index(at)
        file.write_text(text[:place] + new + (at if keep else "") + text[place + len(at) :], encoding="utf8")
        return text.count("\n", 0, place) + 1

    yield change
    for file, text in before.items():
        if text is None:
            file.unlink()
        else:
            file.write_text(text, encoding="utf8")


def found(finished: Finished, **options: object) -> list[Problem]:
    book, _ = finished
    options = {"forbidden": SOURCE, "secrets": (WEBHOOK, SECRET), "declared": DECLARED, "machine": (), **options}
    return gate(book, **options)  # type: ignore[arg-type]


def test_the_clean_book_passes(finished: Finished) -> None:
    book, results = finished
    assert found(finished, results=results) == []
    for language in ("en", "zh"):
        first = compared(book, language, results)
        assert first.problems == ()
        assert first.numbers > 60


TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
PLANTED = {
    # requests
    "a script of a host": ('<script src="https://cdn.example/x.js"></script>', "asks a host for https://cdn.example/x.js"),
    "a picture of a host": ('<img alt="" src="//cdn.example/x.png">', "asks a host for //cdn.example/x.png"),
    "a font of a host": ("<style>@font-face{src:url(https://f.example/a)}</style>", "a style asks a host for"),
    # links
    "a link to no page": ('<a href="gone.html">x</a>', "leads to a file that does not exist"),
    "a link to no place": ('<a href="nps.html#gone">x</a>', "leads to a place that does not exist on that page"),
    "a link to the disk": ('<a href="/published/x.html">x</a>', "works on one machine only"),
    # the source
    "a raw id": ("<td>C-100123</td>", "the source's own value 'C-100123'"),
    "a raw id in an attribute": ('<td data-customer="c-100123">7</td>', "own value 'C-100123'"),
    "a raw id as an anchor": ('<p id="C-100123">7</p>', "own value 'C-100123'"),
    "a Chinese name": ("<p>投诉人王小明来电</p>", "own value '王小明'"),
    "a name in other words": ("<p>called by zhang wei</p>", "own value 'Zhang, Wei'"),
    "an address of the source": ("<p>WEI.ZHANG@corp.example</p>", "own value 'wei.zhang@corp.example'"),
    "a telephone number of the source": ('<svg role="img" aria-label="13900139000"></svg>', "own value '13900139000'"),
    # contacts that nobody listed
    "a mail address": ("<p>ask li@mail.example</p>", "an e-mail address ('li@mail.example')"),
    "a mail address behind Chinese": ("<p>联系li@mail.example</p>", "an e-mail address ('li@mail.example')"),
    "a mobile number": ("<p>电话13812345678。</p>", "a mobile number ('13812345678')"),
    "a mobile number in full width": ("<p>１３８ １２３４ ５６７８</p>", "a mobile number ('138 1234 5678')"),
    "a telephone number abroad": ("<p>+49 30 901820-17</p>", "a telephone number"),
    "the number of an identity card": (f"<p>{CARD}</p>", f"a number of an identity card ('{CARD}')"),
    # secrets
    "a key of AWS": ("<pre>AKIAIOSFODNN7EXAMPLE</pre>", "an access key of AWS (AKIA…)"),
    "a private key": ("<pre>-----BEGIN RSA PRIVATE KEY-----</pre>", "a private key"),
    "a password": ("<pre>password=hunter22</pre>", "a password or a key (pass…)"),
    "a password in Chinese": ("<p>密码：abc12345</p>", "a password or a key"),
    "a token (JWT)": (f"<!-- {TOKEN} -->", "a token (JWT) (eyJh…)"),
    "a token of GitHub": (f"<p>ghp_{'a1B2' * 9}</p>", "a token of GitHub (ghp_…)"),
    "a connection with a password": ("<pre>postgresql://crm:hunter2@db/x</pre>", "an address with a password in it (post…)"),
    "a webhook by its shape": ("<p>https://hooks.slack.com/services/T0/B0/x</p>", "the address of a webhook"),
    "a webhook of the parameters file": (f"<p>{WEBHOOK}</p>", "a secret that the parameters file names (http…)"),
    "what a variable holds": (f"<p>{SECRET}</p>", "a secret that the parameters file names (s3cr…)"),
    # the machine
    "a path": ("<pre>/home/li/data/orders.csv</pre>", "the path /home/li/data/orders.csv of a machine"),
    "a path of Windows": (r"<p>C:\Users\li\orders.csv</p>", r"the path C:\Users\li\orders.csv of a machine"),
    "a traceback": ("<pre>Traceback (most recent call last):\n</pre>", "shows a traceback outside a box"),
    "a line of a traceback": ('<p>File "x.py", line 3, in value_of</p>', "shows a traceback outside a box"),
    # hostile data
    "a script in a name": ("<td><script>alert('name')</script></td>", "runs a script that is not the book's own"),
    "a script that ends itself": ("<td><script/>alert(1)</script></td>", "runs a script that is not the book's own"),
    "a picture with a handler": ("<img src=x alt='' onerror=alert(1)>", "an attribute onerror would run a script"),
    "a figure with a handler": ('<svg role="img" aria-label="x" OnLoad="a()"></svg>', "an attribute onload would run a script"),
    "a link that runs": ('<a href="java\nscript:alert(1)">x</a>', "would run a script"),
    "a link that runs, in entities": ('<a href="&#106;avascript:alert(1)">x</a>', "would run a script"),
    "a link to a page in itself": ('<a href="data:text/html,<b>">x</a>', "would run a script"),
    "a frame": ("<iframe srcdoc='x'></iframe>", "holds an element <iframe>"),
    "a form": ('<form action="https://h.example/"><input name="q"></form>', "only the search of the book may be a form"),
    "a refresh": ('<meta http-equiv="Refresh" content="0;url=https://h.example/">', "leads a reader away by itself"),
    "half a tag": ("<td><img alt='x' src=</td>", "which is no whole element"),
    "writing turned round": ("<td>\u202egnp.exe</td>", "a character that turns the direction of writing (U+202E)"),
    "a control character": ("<td>a\x08b</td>", "a control character (U+0008)"),
    "a placeholder left over": ("<p>{{ indicator.name }}</p>", "which nothing was put in the place of"),
    # figures
    "a figure without words": ("<svg><circle r='1'/></svg>", "a figure (svg) has no text"),
    "a picture without words": ('<img src="_static/plus.png">', "an image has no text"),
}  # fmt: skip


@pytest.mark.parametrize(("html", "message"), PLANTED.values(), ids=PLANTED.keys())
def test_what_is_planted_is_named_with_page_and_line(finished, plant, html, message) -> None:
    page = ("en/nps.html", "zh/index.html")[len(html) % 2]
    line = plant(page, html)
    problems = found(finished)
    assert any(message in problem.message for problem in problems), problems
    assert {problem.place for problem in problems} == {f"{page}:{line}"}
    assert not any(secret in str(problem) for problem in problems for secret in (SECRET, "hunter2", TOKEN, WEBHOOK))


@pytest.mark.parametrize(
    "html",
    [
        "<p>Ask crm@corp.example.</p>",
        "<p>13,812,345,678 orders, 1.3812345678, +27 to +35, 2025-10-01, run 20260115T061200-0a1b2c</p>",
        "<p>110105194912310021 is no card: its last digit is wrong</p>",
        "<p>secret: a purchase nobody knows of; the password is asked for</p><p>token_env: NAME</p>",
        "<p>&lt;script&gt;alert('x')&lt;/script&gt; &amp; {{ 7*7 }} =1+1 a &lt; b</p>",
        "<p>a < b and 3 <4</p>",
        '<a href="https://doi.example/10.1">outward</a><a href="mailto:crm@corp.example">x</a>',
        '<img alt="x" src="data:image/png;base64,AAAA">',
    ],
)
def test_what_looks_like_a_fault_and_is_none(finished, plant, html) -> None:
    plant("en/nps.html", html)
    assert found(finished) == []


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("=cmd|'/C calc'!A0", "a spreadsheet takes the cell '=cmd|'/C calc'!A0' for a formula"),
        ("+1+1", "for a formula"),
        ("-2+3", "for a formula"),
        ("@SUM(A1)", "for a formula"),
        ("C-100123", "own value 'C-100123'"),
        ("13812345678", "a mobile number"),
    ],
)
def test_cells_of_a_table_to_download(finished, plant, cell, message) -> None:
    plant("en/nps.csv", f'region,value\nnorth,-0.25\nsouth,+3\n"{cell}",7\n')
    problems = found(finished)
    assert [problem.place for problem in problems] == ["en/nps.csv:4"]
    assert message in problems[0].message


def test_the_front_door_is_looked_at(finished, plant) -> None:
    plant("index.html", '<script src="https://h.example/a.js"></script>', at="</body>")
    assert {problem.place for problem in found(finished)} == {"index.html:1"}


def test_what_stands_inside_of_a_failed_box_may_be_a_traceback_but_no_id(finished, plant) -> None:
    line = plant("en/churn.html", '<p>File "x.py", line 3, in f</p><p>C-100123</p>', at="<pre>Traceback")
    assert [(p.place, p.message) for p in found(finished)] == [
        (f"en/churn.html:{line}", "shows the source's own value 'C-100123'")
    ]


# The numbers of the first page


CHANGED = {
    "a value in a card": ("en", '<div class="v" data-of="nps/2025-Q4.value">', "+22", "+23", "nps/2025-Q4.value"),
    "a value in Chinese": ("zh", '<div class="v" data-of="nps/2025-Q4.value">', "+22", "+23", "nps/2025-Q4.value"),
    "n in the table": ("en", '<small data-of="goal/nps.now.n">', "n = 9", "n = 8", "goal/nps.now.n"),
    "the target": ("en", 'data-of="goal/nps.target">', "+30", "+31", "goal/nps.target"),
    "what a figure says": ("en", "Net Promoter Score: 61", "61", "16", "goal/nps.progress"),
    "the unit of a value": ("zh", 'data-of="goal/churn_rate.now.value">', "%", "‰", "goal/churn_rate.now.value"),
    "a count in words": ("en", "Both goals have", "Both", "Two", "goals.by_evidence"),
    "a count of indicators": ("en", 'data-of="indicators.without indicators.all">', "66 indicators", "65 indicators", "indicators.all"),
}  # fmt: skip


@pytest.mark.parametrize(("language", "near", "old", "new", "name"), CHANGED.values(), ids=CHANGED.keys())
def test_a_number_that_is_not_the_stored_one_is_named(finished, plant, language, near, old, new, name) -> None:
    book, results = finished
    text = (book / language / "index.html").read_text(encoding="utf8")
    rest = text[text.index(near) :]
    shown = rest[: rest.index(old) + len(old)]
    line = plant(f"{language}/index.html", shown[: -len(old)] + new, at=shown, keep=False)
    problems = compared(book, language, results).problems
    assert {problem.place for problem in problems} == {f"{language}/index.html:{line}"}
    assert any(name in problem.message for problem in problems), problems


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "html", ["<p>7 customers left</p>", "<p>churn 4.6 %</p>", '<svg aria-label="x 12" role="img"></svg>']
)
def test_a_number_that_nobody_marked_is_a_fault(finished, plant, language, html) -> None:
    line = plant(f"{language}/index.html", html)
    (problem,) = compared(*(finished[0], language, finished[1])).problems
    assert problem.place == f"{language}/index.html:{line}"
    assert "marked as none of the results" in problem.message


def test_a_number_that_is_marked_as_one_that_there_is_not(finished, plant) -> None:
    plant("en/index.html", '<p data-of="nps/1999-Q4.value">+22</p>')
    problems = compared(finished[0], "en", finished[1]).problems
    assert any("names nps/1999-Q4.value, which results.json does not have" in one.message for one in problems)


@pytest.mark.parametrize(
    "html",
    [
        "<p>Q4 2025, 31 December 2025, Jun 2026; run 20260115T061200-0a1b2c</p>",
        '<div class="crm-failed"><p>ValueError: row 7, cell 12</p></div>',
        "<p>likely from a chance of 7 in 10 on</p>",
    ],
)
def test_dates_words_and_what_failed_are_no_numbers_of_the_report(finished, plant, html) -> None:
    plant("en/index.html", html)
    assert compared(finished[0], "en", finished[1]).problems == ()


def test_stored_numbers_that_were_changed_afterwards_are_seen_on_the_page(finished) -> None:
    book, results = finished
    goals = [dict(goal) for goal in results.readings]
    goals[0]["target"] += 1
    problems = compared(book, "en", replace(results, readings=tuple(goals))).problems
    assert problems
    assert all(
        "goal/nps.target of results.json is +31" in one.message or "none of the results" in one.message
        for one in problems
    )


# Figures about few people


def told(*estimates: Estimate, pages: tuple[Estimate, ...] = ()) -> Results:
    return Results("20260115T061200-0a1b2c", "x", "2025-Q4", "2025-12-31", "CNY", estimates, (), {"nps": pages}, {})


def test_groups_that_are_large_enough_pass() -> None:
    assert disclosures(told(*regions()), 10) == []
    assert disclosures(told(*regions(south=0, east=0)), 10) == []
    assert disclosures(told(*regions(east=3)), 1) == [], "a made-up company hides nobody"


@pytest.mark.parametrize(
    ("results", "place", "message"),
    [
        (told(*regions(east=9)), "results.json", "region 'east' in 2025-Q4 rests on 9, fewer than 10"),
        (told(*regions(east=0)), "results.json", "only region 'east' is hidden, and it can be worked out as the rest"),
        (told(*regions(north=59, east=0, south=0)), "results.json", "the hidden groups are 8 people together"),
        (told(*regions(north=59)), "results.json", "beside region 'north' there are 8 people"),
        (told(pages=regions(east=9)), "page nps", "region 'east' in 2025-Q4 rests on 9"),
        (told(pages=regions(east=0)[1:]), "page nps", "only region 'east' is hidden"),
        (told(*regions(south=0, east=0), pages=regions()[3:]), "page nps", "shows retention_rate of region 'east' in 2025-Q4, which results.json hides"),
        (told(replace(regions()[1], suppressed=True)), "results.json", "is hidden, and yet its numbers are written down"),
    ],
    ids=["primary", "secondary", "the rest is small", "by the total", "primary on a page", "secondary on a page", "hidden elsewhere", "hidden and told"],
)  # fmt: skip
def test_a_group_that_is_too_small_or_can_be_worked_out(results, place, message) -> None:
    problems = disclosures(results, 10)
    assert any(one.place == place and message in one.message for one in problems), problems


def test_a_page_that_says_how_few_there_are(finished, plant) -> None:
    assert found(finished, smallest=3) == []
    line = plant("zh/nps.html", "<p>4.6%（n = 2）</p>")
    (problem,) = found(finished, smallest=3)
    assert (problem.place, problem.message) == (f"zh/nps.html:{line}", "tells about fewer than 3 people: 'n = 2'")


def test_what_a_few_customers_moved_since_the_edition_before_is_noted() -> None:
    before = told(*regions())
    later = [replace(one, as_of=date(2026, 1, 31), value=0.81) for one in regions(north=35, south=44)]
    (note,) = by_difference(told(*later), before, 10)
    assert "1 figure of periods that run 20260115T061200-0a1b2c told of too rests on fewer than 10 customers" in note
    assert "retention_rate of region 'north' in 2025-Q4: n 31 → 35" in note
    assert by_difference(told(*later), before, 1) == []
    assert by_difference(before, before, 10) == []
