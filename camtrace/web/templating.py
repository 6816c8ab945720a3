"""Pages from Jinja2 templates, each in the language of whoever asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from camtrace.i18n import Translations
from camtrace.web.answers import to_json


class Templates:
    """The templates below `folder`. `static(name)` is the address of a static file.

    A name that a template uses and nobody gave is an error, not an empty place.
    """

    def __init__(self, folder: Path, translations: Mapping[str, Translations], static: Callable[[str], str]) -> None:
        self.translations = translations
        self._environments = {
            language: _environment(folder, spoken, static) for language, spoken in translations.items()
        }

    def render(self, template: str, language: str, /, **values: Any) -> str:
        """The page drawn by `template` in `language`."""
        return self._environments[language].get_template(template).render(language=language, **values)


def _environment(folder: Path, spoken: Translations, static: Callable[[str], str]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(spoken.gettext, spoken.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["static"] = static
    environment.filters["facts"] = as_data_block
    return environment


def as_data_block(value: object) -> Markup:
    """JSON that can stand inside a `<script type="application/json">`: nothing in it can end the element."""
    text = to_json(value)
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))
