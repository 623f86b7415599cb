"""A light book in the place of Sphinx's: pages of a few lines that lead to each other, each with the run in it and a mark of its source."""

import contextlib
import hashlib

from crmtools.report.book import TAGS
from crmtools.report.stamps import without_stamps


def no_binderies(languages, warm):
    """In the place of ``binderies``: a light book needs no process beside this one."""
    return contextlib.nullcontext({})


def none_begun(staging, languages):
    """In the place of ``settings_begun``: nothing of Jupyter Book's is needed."""
    return contextlib.nullcontext({})


def light_books(staging, *, editions, out, log, assets=None, extra=None, benches=None, begun=None):
    """In the place of ``build_books``: every page says its run, a mark of its source, and leads to all others."""
    for edition in editions:
        folder = out / edition.language
        folder.mkdir(parents=True)
        links = "".join(f'<a href="{page.slug}.html">{page.slug}</a>' for page in edition.pages)
        made = "".join(one.code for one in edition.made)
        for page in edition.pages:
            # a hidden cell tells the notebook where its parameters are
            source = without_stamps(page.source.read_text("utf-8")).replace(str(staging.parents[2]), "")
            mark = hashlib.sha256(source.encode()).hexdigest()[:16]
            (folder / f"{page.slug}.html").write_text(
                f'<!doctype html><html lang="{TAGS[edition.language]}"><head><title>{page.slug}</title></head>'
                f"<body>{made}<p>{mark} {page.state in ('ok', 'cached')}</p>{links}</body></html>",
                encoding="utf-8",
            )
    (out / "index.html").write_text('<!doctype html><html lang="en"><body></body></html>', encoding="utf-8")


STANDING_IN = {"build_books": light_books, "binderies": no_binderies, "settings_begun": none_begun}
"""What of ``crmtools.report.making`` stands for which of these."""
