"""What a built book does without: rules that match nothing, icons that nobody shows, the index on pages that do not search."""

import pytest

from crmtools.errors import RunError
from crmtools.report.slim import icons, light, slim, used_rules

NAMES = {"card", "open", "main", "sd:row"}


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".card{a:b}", ".card{a:b}"),
        (".gone{a:b}", ""),
        (".card .gone{a:b}", ""),
        (".card,.gone,h1 .open{a:b}", ".card,h1 .open{a:b}"),
        ("#main{a:b} #other{a:b}", "#main{a:b}"),
        ("body h1>p{a:b}", "body h1>p{a:b}"),
        (".card:not(.gone){a:b}", ".card:not(.gone){a:b}"),
        (".card:is(.gone,.open):hover{a:b}", ".card:is(.gone,.open):hover{a:b}"),
        ('a[href="#gone"],a[class*=".gone"]{a:b}', 'a[href="#gone"],a[class*=".gone"]{a:b}'),
        (r".sd\:row{a:b}", r".sd\:row{a:b}"),
        ("@media print{.card{a:b}.gone{a:b}}", "@media print{.card{a:b}}"),
        ("@media print{.gone{a:b}}", ""),
        ("@media print{@supports (a:b){.card{a:b}}}", "@media print{@supports (a:b){.card{a:b}}}"),
        ("@keyframes turn{from{a:b}12.5%{a:c}}", "@keyframes turn{from{a:b}12.5%{a:c}}"),
        ("@font-face{font-family:'Font Awesome 7 Free';src:url(x)}", ""),
        ("@font-face{font-family:Own;src:url(x)}", "@font-face{font-family:Own;src:url(x)}"),
        ("/* said */ .card{a:url(data:x;y)}", ".card{a:url(data:x;y)}"),
        (":root{--bs-a:#fff}", ":root{--bs-a:#fff}"),
    ],
)
def test_rules_that_can_match_stay(css, kept):
    assert used_rules(css, NAMES) == kept


def test_icons_are_drawn_and_one_that_cannot_be_is_named():
    drawn = icons(["fa-bars", "fa-lg", "fa-solid"])
    assert ".fa-bars{--crm-icon:url(" in drawn
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")
    assert icons(["fa-solid"]) == ""
    with pytest.raises(RunError, match="no drawing: rocket"):
        icons(["fa-bars", "fa-rocket"])


def test_a_book_keeps_what_it_uses_and_only_the_search_page_loads_the_index(tmp_path):
    static = tmp_path / "_static"
    for folder in ("scripts", "styles", "vendor/fontawesome"):
        (static / folder).mkdir(parents=True)
    head = (
        '<script defer src="_static/scripts/fontawesome.js?digest=1"></script>\n'
        '<script src="_static/searchtools.js"></script><script src="searchindex.js?v=1"></script>'
        '<script data-sd-tabs-storage-prefix="x" src="_static/design-tabs.js?v=1"></script>'
    )
    pages = dict.fromkeys(("index", "search"), f'<head>{head}</head><i class="fa-solid fa-list"></i>')
    (static / "scripts" / "fontawesome.js").write_text("'fa-rocket'")
    (static / "scripts" / "bootstrap.js").write_text("'carousel'")
    (static / "scripts" / "theme.js").write_text("add('later')")
    (static / "styles" / "theme.css").write_text(".later{a:b}.carousel{a:b}.fa-list{a:b}.show{a:b}")
    (static / "crmtools.css").write_text(".own{a:b}")
    slim(static, pages)
    index, search = light(pages["index"], searches=False), light(pages["search"], searches=True)
    assert "<script" not in index
    assert "searchtools.js" in search
    assert "searchindex.js" in search
    assert "fontawesome" not in search
    assert (static / "styles" / "theme.css").read_text("utf-8") == ".later{a:b}\n.show{a:b}"
    shown = (static / "crmtools.css").read_text("utf-8")
    assert shown.startswith(".own{a:b}")
    assert ".fa-list" in shown
    assert not list(static.rglob("*awesome*"))
