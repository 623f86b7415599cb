"""The interface words that Sphinx and its themes leave in English, or write in Traditional Chinese."""

from gettext import NullTranslations
from pathlib import Path
from typing import TYPE_CHECKING

import sphinx.locale

if TYPE_CHECKING:
    from sphinx.application import Sphinx

CHINESE = {
    "Back to top": "返回顶部",
    "Collapse Sidebar": "收起侧栏",
    "Color mode": "颜色模式",
    "Contents": "本页目录",
    "Dark": "深色",
    "Fullscreen mode": "全屏模式",
    "Hide Search Matches": "取消高亮",
    "Light": "浅色",
    "Link to this code": "本段代码的链接",
    "Link to this equation": "本公式的链接",
    "Link to this heading": "本节链接",
    "Link to this image": "本图链接",
    "Link to this table": "本表链接",
    "Link to this term": "本词条链接",
    "Link to this toctree": "本目录链接",
    "Main": "主导航",
    "On this page": "本页目录",
    "Permalink to this heading": "本节链接",
    "Print to PDF": "打印为 PDF",
    "Search": "搜索",
    "Search Results": "搜索结果",
    "Searching": "正在搜索",
    "Site navigation": "全书目录",
    "Skip to main content": "跳到正文",
    "System Settings": "跟随系统",
    "Toggle primary sidebar": "显示或隐藏全书目录",
    "Toggle secondary sidebar": "显示或隐藏本页目录",
    "next": "下一页",
    "next page": "下一页",
    "previous": "上一页",
    "previous page": "上一页",
    "Other language": "其他语言",
}

# written into templates and scripts without any way to translate them
HARD_CODED = {
    'nav aria-label="Page"': 'nav aria-label="本页目录"',
    'aria-label="Toggle hidden content"': 'aria-label="显示或隐藏内容"',
    "'复制成功!'": "'复制成功！'",
}


class Completed(NullTranslations):
    """Our words first, the catalogue of Sphinx or of the theme behind them."""

    def __init__(self, words: dict[str, str], catalogue: NullTranslations) -> None:
        super().__init__()
        self._words = words
        self.add_fallback(catalogue)

    def gettext(self, message: str) -> str:
        """The word in the language of the book."""
        return self._words.get(message) or super().gettext(message)


def complete(app: "Sphinx") -> None:
    """Put the words in front of the catalogues, in Python and in the templates."""
    if not (app.config.language or "").startswith("zh"):
        return
    for key in (("general", "sphinx"), ("general", "booktheme")):
        catalogue = sphinx.locale.translators.get(key, NullTranslations())
        sphinx.locale.translators[key] = Completed(CHINESE, catalogue)
    app.translator = sphinx.locale.translators["general", "sphinx"]
    app.builder.templates.environment.install_gettext_translations(app.translator)


def replace_hard_coded(app: "Sphinx", exception: Exception | None) -> None:
    """Translate what neither catalogue nor template reaches, in the finished files."""
    if exception is not None or not (app.config.language or "").startswith("zh"):
        return
    outdir = Path(app.outdir)
    for path in [*outdir.rglob("*.html"), *outdir.glob("_static/*button.js")]:
        text = path.read_text(encoding="utf8")
        changed = text
        for english, chinese in HARD_CODED.items():
            changed = changed.replace(english, chinese)
        if changed != text:
            path.write_text(changed, encoding="utf8")


def setup(app: "Sphinx") -> None:
    """Complete the catalogues before the first page is read, the files after the last one is written."""
    app.connect("builder-inited", complete)
    app.connect("build-finished", replace_hard_coded)
