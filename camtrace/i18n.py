"""Texts in English, French and Russian; dates and figures as a person of that language writes them.

The message ids are the English sentences. `web/locale/<language>.po` holds the others and is read as it is at the
start, so that there is no build step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from pathlib import Path

from babel import Locale, dates, numbers
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

LANGUAGES = ("en", "fr", "ru")
DEFAULT_LANGUAGE = "en"
LANGUAGE_NAMES = {"en": "English", "fr": "Français", "ru": "Русский"}


def N_(text: str) -> str:
    """Mark `text` for translation where it stands; it is translated later, where a language is known."""
    return text


class Translations:
    """The messages of one language. `gettext` of an unknown message gives the message itself."""

    def __init__(self, language: str, catalogue: Catalog | None = None) -> None:
        self.language = language
        self.locale = Locale.parse(language)
        self._texts: dict[str, tuple[str, ...]] = {}
        self._of_scripts: dict[str, str | list[str]] = {}
        for message in catalogue or ():
            self._learn(message)

    def _learn(self, message: Message) -> None:
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        if not message.id or message.fuzzy or not all(forms):
            return
        key = message.id if isinstance(message.id, str) else message.id[0]
        self._texts[key] = forms
        if not all(place.endswith(".html") for place, _ in message.locations):
            self._of_scripts[key] = forms[0] if len(forms) == 1 else list(forms)

    def gettext(self, text: str) -> str:
        """`text` in this language."""
        return self._texts.get(text, (text,))[0]

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        """The form of the sentence that goes with `count`."""
        forms = self._texts.get(singular)
        if forms is None:
            return singular if count == 1 else plural
        return forms[min(PLURAL_FORM[self.language](count), len(forms) - 1)]

    def of_scripts(self) -> Mapping[str, str | list[str]]:
        """The messages that a page hands to its scripts: all but those that occur in templates only."""
        return self._of_scripts

    # ── dates and figures ──

    def time(self, instant: datetime, zone: tzinfo) -> str:
        """Hours, minutes and seconds of the site's clock, in 24 hours."""
        return instant.astimezone(zone).strftime("%H:%M:%S")

    def day(self, instant: datetime, zone: tzinfo) -> str:
        """The day in words, with its weekday: Friday 20 November 2026."""
        return dates.format_date(instant.astimezone(zone).date(), _LONG_DAY[self.language], self.locale)

    def date(self, instant: datetime, zone: tzinfo) -> str:
        """The day within a sentence: 20 November 2026."""
        return dates.format_date(instant.astimezone(zone).date(), "d MMMM y", self.locale)

    def short_day(self, instant: datetime, zone: tzinfo) -> str:
        """The day in few letters: Fri 20 Nov."""
        return dates.format_date(instant.astimezone(zone).date(), _SHORT_DAY[self.language], self.locale)

    def figure(self, value: float) -> str:
        """A number with this language's separators."""
        return numbers.format_decimal(value, locale=self.locale)


_LONG_DAY = {"en": "EEEE d MMMM y", "fr": "EEEE d MMMM y", "ru": "EEEE, d MMMM y"}
_SHORT_DAY = {"en": "EEE d MMM", "fr": "EEE d MMM", "ru": "EEE, d MMM"}


def _slavic(count: int) -> int:
    if count % 10 == 1 and count % 100 != 11:
        return 0
    return 1 if 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14 else 2


# which form goes with a count, as the header of each catalogue says it
PLURAL_FORM: dict[str, Callable[[int], int]] = {"en": lambda n: int(n != 1), "fr": lambda n: int(n > 1), "ru": _slavic}


def load(folder: Path) -> dict[str, Translations]:
    """Every language's messages, read from `folder`; English needs no file."""
    found = {DEFAULT_LANGUAGE: Translations(DEFAULT_LANGUAGE)}
    for language in LANGUAGES:
        if language != DEFAULT_LANGUAGE:
            with (folder / f"{language}.po").open("rb") as file:
                found[language] = Translations(language, read_po(file, locale=language))
    return found


def choose(wanted: str, accept_language: str) -> str:
    """The language of a page: the person's own choice, else the best one of the browser's `Accept-Language`."""
    if wanted in LANGUAGES:
        return wanted
    ranked = sorted(_accepted(accept_language), key=lambda pair: -pair[1])
    return next((language for language, weight in ranked if language in LANGUAGES and weight > 0), DEFAULT_LANGUAGE)


def _accepted(header: str) -> list[tuple[str, float]]:
    """The languages of an `Accept-Language` header with their weights (RFC 9110 section 12.5.4)."""
    found = []
    for part in header[:1000].split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        found.append((tag.partition("-")[0].lower(), weight))
    return found
