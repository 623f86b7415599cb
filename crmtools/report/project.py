"""The Jupyter Book project of one edition: the folder that :mod:`crmtools.report.book` builds.

::

    STAGING/
      _config.yml  _toc.yml      written from the pages
      _static/     crmtools.css  from book/static
      _templates/  _ext/         the Sphinx extension and its templates
      index.md  churn.ipynb ...  the pages, notebooks cleaned of what changes from run to run
"""

import json
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

import yaml

from crmtools.errors import Problem, RunError
from crmtools.report.blocks import Html
from crmtools.report.folders import BOOK
from crmtools.words import Language, Text

State = Literal["ok", "cached", "failed", "timed_out", "killed", "skipped"]

HERE = Path(__file__).parent
ROOT = "index"
WIDE = (ROOT, "goals")
"""Pages whose tables need the room that the list of headings on the right would take."""
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]*")
TAKEN = {"search", "genindex", "searchindex"}
LOCALES: Mapping[Language, str] = {"en": "en", "zh": "zh_CN"}

# what the list of pages on the left says of a page without new numbers
MARKS: Mapping[State, Text] = {
    "failed": Text("运行失败", "failed"),
    "timed_out": Text("超时", "timed out"),
    "killed": Text("被终止", "killed"),
    "skipped": Text("未运行", "not run"),
}
SEARCH_BOX = Text("搜索本书……", "Search this book ...")
CONTENTS = Text("本页目录", "On this page")
SHOW_CODE = Text("显示代码", "Show code")
HIDE_CODE = Text("隐藏代码", "Hide code")
SHOW = Text("点击展开", "Click to show")
HIDE = Text("点击收起", "Click to hide")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a book.

    ``slug`` names the file (``churn`` → ``churn.html``) and is the same in every language; the first page is
    ``index``. ``title`` is shown in the list on the left; the page's own heading is in ``source``, a Markdown
    file or an executed notebook. ``part`` is the heading it stands under on the left, ``parent`` the slug of
    the page it belongs below. ``state`` is what became of it in this run.
    """

    slug: str
    title: str
    source: Path
    part: str | None = None
    parent: str | None = None
    state: State = "ok"


def check_pages(pages: Sequence[Page]) -> None:
    """Raise RunError with everything that would keep these pages from making a book."""
    problems: list[Problem] = []
    slugs = [page.slug for page in pages]
    if not pages or slugs[0] != ROOT:
        problems.append(Problem("pages", f"the first page is {slugs[:1] or 'missing'}; its slug must be '{ROOT}'"))
    for page in pages:
        place = f"page '{page.slug}'"
        if not SLUG.fullmatch(page.slug) or page.slug in TAKEN:
            problems.append(Problem(place, "a slug has lower-case letters, digits, - and _, and no reserved name"))
        if slugs.count(page.slug) > 1 and f"page '{page.slug}'" not in {found.place for found in problems}:
            problems.append(Problem(place, f"{slugs.count(page.slug)} pages have this slug; make it unique"))
        if page.source.suffix not in (".md", ".ipynb"):
            problems.append(Problem(place, f"source '{page.source.name}' is neither .md nor .ipynb"))
        elif not page.source.is_file():
            problems.append(Problem(place, f"source '{page.source}' does not exist"))
        if page.parent is not None and page.parent not in slugs[1:]:
            problems.append(Problem(place, f"parent '{page.parent}' is not a page of this book"))
    if problems:
        raise RunError.of("These pages do not make a book.", problems)


def contents(pages: Sequence[Page], language: Language) -> dict[str, Any]:
    """The table of contents: parts in the order of their first page, pages below their parents."""

    def entry(page: Page) -> dict[str, Any]:
        mark = MARKS.get(page.state)
        item: dict[str, Any] = {
            "file": page.slug,
            "title": f"{page.title} · {mark.to(language)}" if mark else page.title,
        }
        below = [entry(child) for child in pages if child.parent == page.slug]
        return {**item, "sections": below} if below else item

    parts: dict[str | None, list[dict[str, Any]]] = {}
    for page in pages[1:]:
        if page.parent is None:
            parts.setdefault(page.part, []).append(entry(page))
    toc: dict[str, Any] = {"format": "jb-book", "root": pages[0].slug}
    if parts:
        toc["parts"] = [
            {**({"caption": caption} if caption else {}), "chapters": chapters} for caption, chapters in parts.items()
        ]
    return toc


def configuration(
    *,
    language: Language,
    title: str,
    home: str,
    meta: Sequence[str],
    made: Sequence[Html],
    others: Mapping[Language, Collection[str]],
    bibliography: bool,
    extra: bool,
) -> dict[str, Any]:
    """The content of ``_config.yml``. Why each choice: nothing may be fetched when a page is opened from a
    disk.
    """
    extensions = ["sphinx_togglebutton", "sphinx_copybutton", "myst_nb", "jupyter_book", "sphinx_comments"]
    extensions += ["sphinx_external_toc", "sphinx_design", "sphinx_book_theme", "crmtools_book"]
    sphinx: dict[str, Any] = {
        "language": LOCALES[language],
        "extensions": [*extensions, *(["sphinxcontrib.bibtex"] if bibliography else [])],
        "templates_path": ["_templates"],
        "html_math_renderer": "crm_mathml",
        "html_context": {"default_mode": "auto"},  # an empty one is an error in the console of a reader who is new
        "html_show_search_summary": False,  # needs fetch(), which browsers refuse for files
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_show_copyright": False,
        "html_show_sphinx": False,
        "html_use_index": False,
        "html_domain_indices": False,
        "html_permalinks_icon": "#",
        "html_theme_options": {
            "logo": {
                "text": escape(title)
            },  # the theme writes it as it is, and the name of a part is a value of the data
            "search_bar_text": SEARCH_BOX.to(language),
            "toc_title": CONTENTS.to(language),
            "navbar_start": [],  # otherwise a second header with a second search box
            "navbar_center": [],
            "navbar_end": [],
            "navbar_persistent": [],
            "article_header_end": ["language-switch.html", "article-header-buttons.html"],
            "footer_content_items": ["extra-footer.html"],
            "use_download_button": False,
            "use_fullscreen_button": False,
            "collapse_navbar": True,  # the full list on every page is half of the build time
            "show_toc_level": 2,
            "pygments_light_style": "a11y-high-contrast-light",
            "pygments_dark_style": "a11y-high-contrast-dark",
        },
        "nb_ipywidgets_js": {},
        "nb_code_prompt_show": SHOW_CODE.to(language),
        "nb_code_prompt_hide": HIDE_CODE.to(language),
        "togglebutton_hint": SHOW.to(language),
        "togglebutton_hint_hide": HIDE.to(language),
        "suppress_warnings": ["mystnb.unknown_mime_type", "myst.domains"],
        "smartquotes": False,  # what is written is what is printed, in both languages
        "numfig": False,
        "use_jupyterbook_latex": False,
        "myst_heading_anchors": 3,
        "myst_dmath_allow_space": False,  # "$412 to $437" is money, not a formula
        "myst_dmath_allow_digits": False,
        "crm_meta": list(meta),
        "crm_made": [one.code for one in made],
        "crm_editions": {name: sorted(slugs) for name, slugs in others.items()},
        "crm_wide": list(WIDE),
        "crm_home": home,
    }
    if bibliography:
        sphinx |= {"bibtex_bibfiles": ["references.bib"], "bibtex_reference_style": "author_year"}
        sphinx |= {"bibtex_default_style": "plain"}
    if extra:
        sphinx["html_extra_path"] = ["_extra"]
    return {
        "title": title,
        "author": "",
        "copyright": "",
        "only_build_toc_files": True,
        "execute": {"execute_notebooks": "off", "stderr_output": "remove"},
        "repository": {"url": ""},
        "parse": {"myst_enable_extensions": ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]},
        "html": {"use_multitoc_numbering": False},
        "launch_buttons": {"thebe": False},
        "sphinx": {"recursive_update": True, "local_extensions": {"crmtools_book": "_ext"}, "config": sphinx},
    }


def clean_notebook(text: str) -> str:
    """A notebook without what Papermill and Jupyter stamp on every run, so that equal numbers give equal
    books.
    """
    notebook = json.loads(text)
    notebook["metadata"] = {
        key: value for key, value in notebook["metadata"].items() if key in ("kernelspec", "language_info")
    }
    for cell in notebook["cells"]:
        cell["metadata"] = {
            key: value for key, value in cell["metadata"].items() if key not in ("papermill", "execution")
        }
    return json.dumps(notebook, ensure_ascii=False, indent=1)


def write_project(
    staging: Path,
    *,
    language: Language,
    title: str,
    pages: Sequence[Page],
    meta: Sequence[str] = (),
    made: Sequence[Html] = (),
    others: Mapping[Language, Collection[str]] | None = None,
    extra: Path | None = None,
    assets: Path = BOOK,
) -> None:
    """Write the project of one edition into ``staging``, replacing what was there.

    ``others`` are the slugs of the other languages, ``extra`` a folder whose files are copied beside the
    pages (downloads), ``assets`` the folder with ``static/`` and ``references.bib``. Raises RunError with
    every problem.
    """
    check_pages(pages)
    if not (assets / "static").is_dir():
        raise RunError(f"'{assets}' holds no static files; give the book folder of the project as assets=.")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    bibliography = assets / "references.bib"
    config = configuration(
        language=language,
        title=title,
        home=pages[0].title,
        meta=meta,
        made=made,
        others=others or {},
        bibliography=bibliography.is_file(),
        extra=extra is not None,
    )
    for name, content in {"_config.yml": config, "_toc.yml": contents(pages, language)}.items():
        (staging / name).write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf8")
    if bibliography.is_file():
        shutil.copyfile(bibliography, staging / bibliography.name)
    shutil.copytree(assets / "static", staging / "_static")
    code = shutil.ignore_patterns("__pycache__", "templates")
    shutil.copytree(HERE / "sphinx_ext", staging / "_ext" / "crmtools_book", ignore=code)
    shutil.copytree(HERE / "sphinx_ext" / "templates", staging / "_templates")
    if extra is not None:
        shutil.copytree(extra, staging / "_extra")
    for page in pages:
        text = page.source.read_text(encoding="utf8")
        text = clean_notebook(text) if page.source.suffix == ".ipynb" else text
        (staging / f"{page.slug}{page.source.suffix}").write_text(text, encoding="utf8")
