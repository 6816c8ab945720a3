"""The messages of the code, templates and scripts, and the catalogues in `web/locale` that translate them.

`python tests/support/catalogue.py` brings the catalogues up to date: new messages are added untranslated, gone ones
are removed.
"""

from __future__ import annotations

import json
import re
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
)
_OPTIONS = {"**.html": {"trimmed": "true"}}
SCRIPTS = ROOT / "web" / "static" / "js"
_TEXT = r'"((?:[^"\\\n]|\\.)*)"'
# Babel's lexer of JavaScript loses its way in regular expressions, and with it the messages behind them
_SAID = re.compile(rf"(?<![\w.])(?:_\(\s*{_TEXT}|ngettext\(\s*{_TEXT}\s*,\s*{_TEXT})")


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
    for script in sorted(SCRIPTS.rglob("*.js")):
        for text, singular, plural in _SAID.findall(script.read_text()):
            message = json.loads(f'"{text}"') if text else tuple(json.loads(f'"{form}"') for form in (singular, plural))
            yield script.relative_to(ROOT).as_posix(), message


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
