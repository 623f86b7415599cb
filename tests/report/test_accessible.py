"""What is put right on the pages of the theme."""

from crmtools.report.accessible import mended


def test_buttons_are_called_what_they_say_and_folds_have_names():
    button = '<button class="btn search-button-field x" title="Search" aria-label="Search" data-a="b">Search</button>'
    assert mended(button, "en") == button.replace(' aria-label="Search"', "")
    icon = '<button class="btn search-button x" title="Search" aria-label="Search"><i></i></button>'
    assert mended(icon, "en") == icon, "without words of its own it needs the name"
    fold = '<summary aria-label="Toggle hidden content">\n<p>Show code</p></summary>'
    assert mended(fold, "en") == "<summary>\n<p>Show code</p></summary>"
    below = '<summary><span class="toctree-toggle" role="presentation"></span></summary>'
    assert 'aria-label="展开或收起下级页面"' in mended(below, "zh")
    assert mended('<div role="list" class="citation-list">', "en") == '<div class="citation-list">'
