"""Tills and other sources: heard of since when, what is set for them, and the addresses that speak."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from klein import Response

from camtrace import clock
from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.model import MOST_OFFSET_MS, HeardSource, SourceSettings
from camtrace.pos.presets import BY_NAME
from camtrace.pos.wire import ENCODINGS
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import answer, body_of
from camtrace.web.api.shapes import Shape
from camtrace.web.ports import (
    Calendars,
    CameraDirectory,
    DialectStore,
    Note,
    Reload,
    Sender,
    Senders,
    Silences,
    SourceBook,
    SourceStore,
)
from camtrace.web.routing import new_app, requirer

DAY = timedelta(days=1)
_FIELDS = ("label", "dialect", "clear_seconds", "offset_ms", "hours", "silent_minutes", "encoding")


class SourcesApi:
    """`/api/v1/sources` and `/api/v1/senders`."""

    app = new_app()

    def __init__(
        self,
        access: Access,
        directory: CameraDirectory,
        store: SourceStore,
        book: SourceBook,
        dialects: DialectStore,
        senders: Senders,
        note: Note,
        reload: Reload,
        calendars: Calendars,
        silences: Silences,
    ) -> None:
        self.access = access
        self._directory = directory
        self._store = store
        self._book = book
        self._dialects = dialects
        self._senders = senders
        self._note = note
        self._reload = reload
        self._calendars = calendars
        self._silences = silences

    @requirer.require(app.route("/api/v1/sources", methods=["GET"]), visit=May("lines"))
    async def list(self, visit: Visit) -> Response:
        """Every till and other source that was heard, tied to a camera or set up, by name."""
        heard = {each.source: each for each in await self._store.heard(clock.now() - DAY)}
        tied = {name for camera in self._directory.all() for name in camera.overlay_ids}
        known = sorted({*heard, *tied, *(each.source for each in self._book.all())})
        shapes = [self._shape(visit, self._book.of(name), heard.get(name)) for name in known]
        sees_all = visit.user.profile.cameras is None
        return answer({"items": [shape for shape in shapes if sees_all or shape["cameras"]], "next": None})

    @requirer.require(app.route("/api/v1/sources/<path:source>", methods=["PATCH"]), visit=May("settings"))
    async def change(self, visit: Visit, source: str) -> Response:
        """Set the label, the dialect, the letters, the silence that clears the screen, the offset of a source, or
        when it should speak, at once."""
        if len(source) > 200 or not source.strip() or "\x00" in source:
            raise Invalid(N_("{field} has more than {most} characters"), "source", most=200)
        fields = await self._read(body_of(visit.request))
        before = self._book.of(source)
        if any(getattr(before, name) != value for name, value in fields.items()):
            await self._store.change(source, fields)
            await self._reload()
            self._note("audit", "source_changed", {"source": source}, user=visit.user.name)
        heard = {each.source: each for each in await self._store.heard(clock.now() - DAY)}
        return answer(self._shape(visit, self._book.of(source), heard.get(source)))

    @requirer.require(app.route("/api/v1/senders", methods=["GET"]), visit=May("settings"))
    async def senders(self, visit: Visit) -> Response:
        """Every address from which tills spoke since the server runs, the one that spoke last first."""
        return answer({"items": [sender_shape(sender) for sender in self._senders.senders], "next": None})

    async def _read(self, body: dict[str, Any]) -> dict[str, Any]:
        for name in body:
            if name not in _FIELDS:
                raise Invalid(N_("a till has no setting {field}"), name)
        fields = dict(body)
        if "label" in body:
            label = body["label"]
            if not isinstance(label, str) or len(label) > 60 or not label.isprintable():
                raise Invalid(N_("{field} must be a text of at most {most} printable characters"), "label", most=60)
            fields["label"] = label.strip()
        if "dialect" in body:
            names = ["", *BY_NAME, *(row.name for row in await self._dialects.all())]
            if not isinstance(body["dialect"], str) or body["dialect"] not in names:
                raise Invalid(N_("{field} must be one of: {choices}"), "dialect", choices=", ".join(names[1:]))
        if "encoding" in body and body["encoding"] not in ("", *ENCODINGS):
            raise Invalid(N_("{field} must be one of: {choices}"), "encoding", choices=", ".join(ENCODINGS))
        if "hours" in body and body["hours"] not in ("", *self._calendars.names):
            raise Invalid(N_("there is no calendar of this name"), "hours")
        for name, low, high in (
            ("silent_minutes", 0, 1440),
            ("clear_seconds", 5, 3600),
            ("offset_ms", -MOST_OFFSET_MS, MOST_OFFSET_MS),
        ):
            if name in body and (type(body[name]) is not int or not low <= body[name] <= high):
                raise Invalid(N_("{field} must be a whole number from {low} to {high}"), name, low=low, high=high)
        return fields

    def _shape(self, visit: Visit, settings: SourceSettings, heard: HeardSource | None) -> Shape:
        cameras = [camera for uid in self._directory.watching(settings.source) if (camera := self._camera(uid))]
        return {
            "source": settings.source,
            "label": settings.label,
            "protocol": heard.protocol if heard else None,
            "since": heard.since if heard else None,
            "last_line_at": heard.last_at if heard else None,
            "lines_per_day": heard.lines if heard else 0,
            "dialect": settings.dialect,
            "clear_seconds": settings.clear_seconds,
            "encoding": settings.encoding,
            "offset_ms": settings.offset_ms,
            "burst_since": settings.burst_since,
            "hours": settings.hours,
            "silent_minutes": settings.silent_minutes,
            "silent_after_minutes": self._silences.minutes(settings.source),
            "heartbeats": settings.heartbeats,
            "silent_since": self._silences.since(settings.source),
            "cameras": [camera.id for camera in cameras if visit.user.may_see(camera.uid)],
        }

    def _camera(self, uid: int) -> Any:
        return self._directory.by_uid(uid)


def sender_shape(sender: Sender) -> Shape:
    """An address, with the name its last line bore and what is wrong with it."""
    return {
        "address": sender.address,
        "since": sender.first_at,
        "last_at": sender.last_at,
        "lines": sender.lines,
        "bad": sender.bad,
        "source": sender.source,
        "dialect": sender.dialect,
        "fault": sender.fault,
        "wrong_port_at": sender.wrong_port_at,
    }
