"""Every text of pages, scripts and program is translated; languages are chosen as people set them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from support import catalogue
from support.catalogue import ROOT, SCRIPTS, TRANSLATED
from support.words import translations

from camtrace import i18n
from camtrace.web.pages_frame import PROFILES

PLACES = re.compile(r"%\(\w+\)s|\{\w+\}")
found = cache(catalogue.found)
stored = cache(catalogue.stored)


@pytest.fixture(scope="module")
def spoken() -> dict[str, i18n.Translations]:
    return translations()


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_message_is_missing_or_fuzzy(language: str) -> None:
    known = stored(language)
    wanted = [message for message in found() if message.id]
    assert len(wanted) > 300
    missing = [message.id for message in wanted if known.get(message.id) is None]
    assert not missing, "run python tests/support/catalogue.py"
    forms = known.num_plurals
    empty = [m.id for m in known if m.id and (m.fuzzy or not all(m.string if isinstance(m.id, tuple) else [m.string]))]
    short = [m.id for m in known if isinstance(m.id, tuple) and len(m.string) != forms]
    assert not empty and not short


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_the_places_that_are_filled(language: str) -> None:
    for message in stored(language):
        if not message.id:
            continue
        source = message.id if isinstance(message.id, str) else message.id[-1]
        for form in [message.string] if isinstance(message.id, str) else message.string:
            assert sorted(set(PLACES.findall(form))) == sorted(set(PLACES.findall(source))), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_stays_in_the_catalogue_that_no_page_says(language: str) -> None:
    used = found()
    assert [message.id for message in stored(language) if message.id and used.get(message.id) is None] == []


ERRORS = {"Invalid", "Conflict", "NotFound", "Forbidden", "Refused", "TooLarge", "Overreach"}
# said to programs only: no page can cause them
TO_PROGRAMS = {
    "the body must be JSON, with Content-Type: application/json",
    "the body is not JSON: {error}",
    "the body must be a JSON object",
    "the cursor is none that this server gave",
    "the last event's id must be a whole number",
    "there is no profile {profile!r}",
}


def raised() -> Iterator[tuple[str, str]]:
    """What is said in errors that pages show: the place and the sentence, `N_(…)` where it can be translated."""
    package = ROOT / "camtrace"
    for path in [*(package / "web").rglob("*.py"), *(package / "store").rglob("*.py"), package / "auth.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS and node.args:
                yield f"{path.name}:{node.lineno}", ast.unparse(node.args[0])


def test_what_is_refused_can_be_said_in_every_language() -> None:
    """Each error that reaches a page has a message id, and only the values change."""
    said = list(raised())
    assert len(said) > 40
    bare = {
        (place, text) for place, text in said if not text.startswith("N_(") and text.strip("f'\"") not in TO_PROGRAMS
    }
    assert bare == set()


def test_messages_behind_regular_expressions_of_scripts_are_found() -> None:
    known = found()
    for script in sorted(SCRIPTS.rglob("*.js")):
        for text in re.findall(r'[^\w.]_\("([^"\\]+)"', script.read_text()):
            assert text in known, f"{script.name}: {text}"
    assert "It begins with rtsp:// or http:// and has no spaces." in known


def test_every_field_of_a_page_has_words_for_what_is_refused() -> None:
    """No name of the API is shown: the scripts know the label of each field that the server may refuse."""
    words = set(re.findall(r'^  "?([\w.]+)"?: \(\) => _\(', (SCRIPTS / "refusals.js").read_text(), re.MULTILINE))
    form = (ROOT / "web" / "templates" / "camera.html").read_text()
    shown = (
        set(re.findall(r"field\('([\w.]+)'", form))
        | set(re.findall(r'data-field="([\w.]+)"', form))
        | set(re.findall(r"calendar\('([\w.]+)'", form))
    )
    assert len(shown) > 12
    asked = {"amount_min", "amount_max", "start", "stop", "source", "ticket", "seller"}
    assert shown | asked <= words


def test_profiles_that_every_server_has_are_translated() -> None:
    first = (ROOT / "camtrace" / "store" / "migrations" / "0001_base.sql").read_text()
    named = re.findall(r"^    \('(\w+)', ", first, re.MULTILINE)
    assert tuple(named) == PROFILES


def test_messages_are_spoken(spoken: dict[str, i18n.Translations]) -> None:
    assert spoken["en"].gettext("Live") == "Live"
    assert spoken["fr"].gettext("Live") == "Direct"
    assert spoken["ru"].gettext("of no catalogue") == "of no catalogue"


@pytest.mark.parametrize(
    ("language", "count", "words"),
    [
        ("en", 1, "{count} line"),
        ("en", 0, "{count} lines"),
        ("fr", 0, "{count} ligne"),
        ("fr", 2, "{count} lignes"),
        ("ru", 1, "{count} строка"),
        ("ru", 3, "{count} строки"),
        ("ru", 11, "{count} строк"),
        ("ru", 22, "{count} строки"),
        ("ru", 25, "{count} строк"),
    ],
)
def test_the_plural_fits_the_count(spoken: dict[str, i18n.Translations], language: str, count: int, words: str) -> None:
    assert spoken[language].ngettext("{count} line", "{count} lines", count) == words


def test_pages_hand_to_scripts_what_scripts_say(spoken: dict[str, i18n.Translations]) -> None:
    handed = spoken["fr"].of_scripts()
    assert handed["Connecting…"] == "Connexion…"
    assert handed["{count} line"] == ["{count} ligne", "{count} lignes"]
    assert "Skip to content" not in handed  # only in templates
    assert spoken["en"].of_scripts() == {}


@pytest.mark.parametrize(
    ("wanted", "header", "language"),
    [
        ("ru", "fr", "ru"),
        ("", "de, fr-CA;q=0.8, en;q=0.5", "fr"),
        ("", "en;q=0.2, ru;q=0.9", "ru"),
        ("", "fr;q=0", "en"),
        ("", "fr;q=nonsense, ru;q=0.1", "ru"),
        ("xx", "", "en"),
    ],
)
def test_the_language_is_the_persons_then_the_browsers(wanted: str, header: str, language: str) -> None:
    assert i18n.choose(wanted, header) == language


def test_dates_are_the_sites(spoken: dict[str, i18n.Translations]) -> None:
    instant, paris = datetime(2026, 11, 20, 23, 30, 5, tzinfo=UTC), ZoneInfo("Europe/Paris")
    assert spoken["en"].time(instant, paris) == "00:30:05"
    assert spoken["en"].day(instant, paris) == "Saturday 21 November 2026"
    assert spoken["fr"].day(instant, paris) == "samedi 21 novembre 2026"
    assert "21 нояб" in spoken["ru"].short_day(instant, paris)
    assert spoken["fr"].figure(1234.5) == "1\u202f234,5"
