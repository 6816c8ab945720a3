"""The messages of the code, templates and scripts, and the catalogues in `web/locale` that translate them.

`python tests/support/catalogue.py` brings the catalogues up to date: new messages are added untranslated, gone ones
are removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent.parent
LOCALE = ROOT / "web" / "locale"
TRANSLATED = ("fr", "ru")
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
_PLACES = (
    ("camtrace", [("**.py", "python")]),
    ("web/templates", [("**.html", "jinja2")]),
    ("web/static/js", [("**.js", "javascript")]),
)
_OPTIONS = {"**.html": {"trimmed": "true"}, "**.js": {"parse_template_string": "false"}}


def found() -> Catalog:
    """Every message, with the file it stands in."""
    catalogue = Catalog(project="CamTrace", charset="utf-8")
    for place, message in _messages():
        catalogue.add(message, locations=[(place, 0)])
    return catalogue


def _messages() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for folder, methods in _PLACES:
        for name, _line, message, _comments, _context in extract_from_dir(ROOT / folder, methods, _OPTIONS, KEYWORDS):
            yield f"{folder}/{name}", message


def stored(language: str) -> Catalog:
    """The catalogue of `language` as it is committed."""
    with (LOCALE / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def renew(language: str) -> None:
    """Bring one catalogue up to date."""
    path = LOCALE / f"{language}.po"
    catalogue = stored(language) if path.exists() else Catalog(locale=language, project="CamTrace", charset="utf-8")
    catalogue.update(found(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.fuzzy = False
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, sort_output=True, include_lineno=False, omit_header=False)


if __name__ == "__main__":
    for each in TRANSLATED:
        renew(each)
