"""Every text of pages, scripts and program is translated; languages are chosen as people set them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from support.catalogue import TRANSLATED, found, stored

from camtrace import assets, i18n

PLACES = re.compile(r"%\(\w+\)s|\{\w+\}")


@pytest.fixture(scope="module")
def spoken() -> dict[str, i18n.Translations]:
    return i18n.load(assets.web() / "locale")


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
