"""What every page needs besides its own content: language, theme, who asks, the site's clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from klein import Response
from twisted.web.server import Request

from camtrace import clock, i18n
from camtrace.cameras.status import REASONS
from camtrace.config import Site
from camtrace.i18n import N_
from camtrace.model import KEPT_FOR_DAYS, Camera, SourceSettings
from camtrace.tickets.overlay import TIMEOUT
from camtrace.web.access import Visit
from camtrace.web.api.shapes import state_shape
from camtrace.web.ports import CameraDirectory
from camtrace.web.templating import Templates
from camtrace.web.voices import Voices

THEMES = ("light", "dark")
HTML = "text/html; charset=utf-8"
PROFILES = (N_("administrator"), N_("operator"), N_("viewer"))  # those that every server has from the start
CHOICE_SECONDS = 5 * 365 * 24 * 3600


class Frame:
    """Draws pages of the place `site`. `cameras` are those a person may see, which the scripts of each page know.

    `event_names`: what Prisma's events are called in a language, by number. `sources` gives what is set for tills.
    `ports`: the numbers of the listeners' ports, by key. `kept_since`: rows of that kind from before were erased.
    `default_ftp_password`: cameras send their pictures with a password that everybody knows, which each page tells.
    """

    def __init__(
        self,
        templates: Templates,
        site: Site,
        cameras: CameraDirectory,
        default_ftp_password: bool = False,
        event_names: Callable[[str], Mapping[str, str]] = lambda language: {},
        sources: Callable[[], Iterable[SourceSettings]] = tuple,
        ports: Callable[[], Mapping[str, Sequence[int]]] = dict,
        kept_since: Callable[[str], datetime | None] = lambda what: None,
    ) -> None:
        self._templates = templates
        self._site = site
        self._cameras = cameras
        self._default_ftp_password = default_ftp_password
        self._event_names = event_names
        self._sources = sources
        self._ports = ports
        self._kept_since = kept_since
        self.zone = ZoneInfo(site.timezone)
        self.voices = Voices(templates.translations, site)

    def spoken(self, request: Request, wanted: str = "") -> i18n.Translations:
        """The texts of the language of the answer."""
        return self.voices.voice(request, wanted).spoken

    def visible(self, visit: Visit) -> list[Camera]:
        """The cameras that this person may see, by number."""
        return [camera for camera in self._cameras.all() if visit.user.may_see(camera.uid)]

    def settings(self, language: str) -> dict[str, Any]:
        """What is set for tills, by source, and what Prisma's events are called in `language`, by number: what a page
        knows when it is drawn, and is told anew when it changes."""
        return {
            "events": dict(self._event_names(language)),
            "tills": {each.source: _till(each) for each in self._sources()},
        }

    def open_page(self, request: Request, template: str, status: int = 200, /, **values: Any) -> Response:
        """A page for anybody, signed in or not."""
        language = self.voices.language(request)
        spoken, now = self._templates.translations[language], clock.now()
        page = self._templates.render(
            template,
            language,
            theme=_theme(request),
            site_name=self._site.name,
            moment=f"{spoken.short_day(now, self.zone)} {spoken.time(now, self.zone)[:5]}",
            **values,
        )
        return html(page, status)

    def page(
        self,
        visit: Visit,
        name: str,
        place: str,
        facts: dict[str, Any] | None = None,
        *,
        status: int = 200,
        **values: Any,
    ) -> Response:
        """The page of a person who is signed in. `place` is its name in the bar; `facts` is for its scripts."""
        request = visit.request
        language = self.voices.language(request, visit.user.language)
        spoken, now = self._templates.translations[language], clock.now()
        known = {
            "language": language,
            "zone": self._site.timezone,
            "now": clock.to_us(now) // 1000,
            "csrf": visit.csrf,
            "rights": sorted(visit.user.profile.rights),
            "texts": dict(spoken.of_scripts()),
            "reasons": REASONS,
            "screen_ms": TIMEOUT // timedelta(milliseconds=1),
            **self.settings(language),
            "ports": {key: numbers[0] for key, numbers in self._ports().items() if numbers},
            "kept": {what: _milliseconds(self._kept_since(what)) for what in KEPT_FOR_DAYS},
            "cameras": [self._shape(camera) for camera in self.visible(visit)],
        }
        page = self._templates.render(
            name,
            language,
            theme=_theme(request),
            site_name=self._site.name,
            zone_name=self._site.timezone,
            clock=spoken.time(now, self.zone),
            today=spoken.day(now, self.zone),
            language_names=i18n.LANGUAGE_NAMES,
            user=visit.user,
            csrf=visit.csrf,
            may=visit.user.may,
            place=place,
            default_ftp_password=self._default_ftp_password,
            facts={**known, **(facts or {})},
            **{"whole_window": False, "back": request.uri.decode("ascii", "replace"), **values},
        )
        return html(page, status)

    def _shape(self, camera: Camera) -> dict[str, Any]:
        return {
            "id": camera.id,
            "name": camera.name,
            "overlay_ids": list(camera.overlay_ids),
            "recorded": camera.regular.calendar != "never",
            "state": state_shape(self._cameras.state(camera.uid)),
        }


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else clock.to_us(at) // 1000


def _till(settings: SourceSettings) -> dict[str, Any]:
    return {"label": settings.label, "clear_ms": settings.clear_seconds * 1000, "offset_ms": settings.offset_ms}


def html(page: str, status: int = 200) -> Response:
    """A page that is drawn anew each time."""
    return Response(status, {"Content-Type": HTML, "Cache-Control": "no-store"}, page.encode())


def go(address: str) -> Response:
    """Send the browser on to `address` of this site."""
    return Response(303, {"Location": address, "Cache-Control": "no-store"}, b"")


def own_address(wanted: str) -> str:
    """`wanted` if it is an address inside this site, else its first page: nobody is sent elsewhere by a link."""
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if inside and wanted.isascii() else "/"


def field(request: Request, name: str) -> str:
    """A form's or query's field as text; empty if absent."""
    return (request.args or {}).get(name.encode(), [b""])[-1].decode("utf-8", "replace").replace("\x00", "")


def pause_words(spoken: i18n.Translations, seconds: float) -> str:
    """That somebody tried too often, and when the next try is possible."""
    minutes = max(1, math.ceil(seconds / 60))
    sentence = spoken.ngettext(
        "Too many wrong tries. The next one is possible in {count} minute.",
        "Too many wrong tries. The next one is possible in {count} minutes.",
        minutes,
    )
    return sentence.format(count=minutes)


def keep_choice(request: Request, name: str, value: str) -> None:
    """Let the browser keep a choice of this person (language, theme): no secret, so scripts may read it."""
    age = b"%d" % (CHOICE_SECONDS if value else 0)
    request.addCookie(name.encode(), value.encode(), path=b"/", max_age=age, sameSite=b"lax", secure=request.isSecure())


def _cookie(request: Request, name: str) -> str:
    return (request.getCookie(name.encode()) or b"").decode("ascii", "replace")


def _theme(request: Request) -> str:
    chosen = _cookie(request, "theme")
    return chosen if chosen in THEMES else ""
