"""What pages and mails are made of, read once a run: the messages of every language, templates, static files."""

from __future__ import annotations

from functools import cache

from camtrace import assets, i18n
from camtrace.web.static import Static
from camtrace.web.templating import Templates


@cache
def translations() -> dict[str, i18n.Translations]:
    """Every language's messages."""
    return i18n.load(assets.web() / "locale")


@cache
def static() -> Static:
    """The files below /static."""
    return Static(assets.web() / "static")


@cache
def templates() -> Templates:
    """The templates of the pages, which know the addresses of `static()`."""
    return Templates(assets.web() / "templates", translations(), static().url)
