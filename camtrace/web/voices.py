"""The languages of answers that people read: which one a person is answered in, and what is said in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from twisted.web.server import Request

from camtrace import i18n
from camtrace.config import Site
from camtrace.i18n import Translations

MOST_WORDS, LONGEST_WORD = 8, 100
Sought = list[tuple[str, list[str]]]  # words, each with the codes whose sentence holds it


@dataclass(frozen=True, slots=True)
class Voice:
    """One language, and the clock of the place."""

    spoken: Translations
    english: Translations
    zone: tzinfo

    def instant(self, at: datetime) -> str:
        """As spreadsheets read it, by the clock of the place: 2026-11-20 14:32:08."""
        return at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")

    def sought(self, text: str | None, *sentences: Mapping[str, str]) -> Sought:
        """The words of `text`, each with the codes of those sentences that hold it, in this language or in English."""
        return [(word, list(self._codes(plain(word), sentences))) for word in words_of(text)]

    def _codes(self, word: str, sentences: Iterable[Mapping[str, str]]) -> Iterable[str]:
        for each in sentences:
            for code, sentence in each.items():
                if word in plain(sentence) or word in plain(self.spoken.gettext(sentence)):
                    yield code


class Voices:
    """Every language, at the place `site`."""

    def __init__(self, translations: Mapping[str, Translations], site: Site) -> None:
        self._translations = translations
        self._site = site
        self._zone = ZoneInfo(site.timezone)

    def language(self, request: Request, wanted: str = "") -> str:
        """The language of the answer: this browser's choice, else the person's, else the browser's, else the site's."""
        chosen = (request.getCookie(b"language") or b"").decode("ascii", "replace")
        if chosen in i18n.LANGUAGES:
            return chosen
        return i18n.choose(wanted, request.getHeader("accept-language") or self._site.language)

    def voice(self, request: Request, wanted: str = "") -> Voice:
        """What the answer is said in."""
        spoken = self._translations[self.language(request, wanted)]
        return Voice(spoken, self._translations[i18n.DEFAULT_LANGUAGE], self._zone)


def words_of(text: str | None) -> list[str]:
    """What is looked for: the words of `text`, not too many of them."""
    return [word[:LONGEST_WORD] for word in (text or "").split()[:MOST_WORDS]]


def plain(text: str) -> str:
    """`text` without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
