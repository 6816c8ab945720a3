"""Prisma: what its events mean and do, and the sources that speak it."""

from __future__ import annotations

from datetime import datetime

from klein import Response

from camtrace.errors import NotFound
from camtrace.i18n import N_
from camtrace.prisma.catalogue import MOST_CODE, Kind
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import answer, body_of
from camtrace.web.api.shapes import Shape
from camtrace.web.ports import CameraDirectory, EventSources, PrismaRegistry, RegisteredSource, SeenSource, Silences
from camtrace.web.routing import new_app, requirer


class PrismaApi:
    """`/api/v1/prisma/events` and `/api/v1/prisma/sources`."""

    app = new_app()

    def __init__(
        self,
        access: Access,
        directory: CameraDirectory,
        registry: PrismaRegistry,
        sources: EventSources,
        silences: Silences,
    ) -> None:
        self.access = access
        self._directory = directory
        self._registry = registry
        self._sources = sources
        self._silences = silences

    @requirer.require(app.route("/api/v1/prisma/events", methods=["GET"]), visit=May("lines"))
    def events(self, visit: Visit) -> Response:
        """Every event of the catalogue and those the shop has set, by number."""
        return answer({"items": [self._event(kind) for kind in self._registry.catalogue.all()], "next": None})

    @requirer.require(app.route("/api/v1/prisma/events/<code>", methods=["PATCH"]), visit=May("settings"))
    async def change_event(self, visit: Visit, code: str) -> Response:
        """Set an event's own name, what it does to receipts, and where it is shown; what is not sent stays."""
        kind = await self._registry.change_event(_code(code), body_of(visit.request), visit.user)
        return answer(self._event(kind))

    @requirer.require(app.route("/api/v1/prisma/events/<code>", methods=["DELETE"]), visit=May("settings"))
    async def reset_event(self, visit: Visit, code: str) -> Response:
        """Let an event be as the catalogue has it."""
        return answer(self._event(await self._registry.reset_event(_code(code), visit.user)))

    @requirer.require(app.route("/api/v1/prisma/sources", methods=["GET"]), visit=May("settings"))
    def list_sources(self, visit: Visit) -> Response:
        """Who spoke, and who is registered: since when each is silent, and whether what it says is taken."""
        seen = {each.source: each for each in self._sources.seen()}
        names = [*seen, *(name for name in self._registry.sources if name not in seen)]
        return answer({"items": [self._source(name, seen.get(name)) for name in names], "next": None})

    @requirer.require(app.route("/api/v1/prisma/sources/<source>", methods=["PUT"]), visit=May("settings"))
    async def register(self, visit: Visit, source: str) -> Response:
        """Register a source, or change its name and encoding; what is not sent stays."""
        await self._registry.register(source, body_of(visit.request), visit.user)
        seen = {each.source: each for each in self._sources.seen()}
        return answer(self._source(source, seen.get(source)))

    @requirer.require(app.route("/api/v1/prisma/sources/<source>", methods=["DELETE"]), visit=May("settings"))
    async def forget(self, visit: Visit, source: str) -> Response:
        """Let a source be as any other."""
        await self._registry.forget(source, visit.user)
        return Response(204, {"Cache-Control": "no-store"}, b"")

    def _event(self, kind: Kind) -> Shape:
        return event_shape(kind, kind.code in self._registry.catalogue.changes)

    def _source(self, source: str, seen: SeenSource | None) -> Shape:
        watching = [self._directory.by_uid(uid) for uid in self._directory.watching(source)]
        silent = self._silences.since(source)
        return {
            **source_shape(source, self._registry.sources.get(source), seen, silent),
            "cameras": [camera.id for camera in watching if camera is not None],
        }


def event_shape(kind: Kind, is_own: bool) -> Shape:
    """An event: `name` is the shop's own ("": none), `names` are the catalogue's. `changed`: the shop has set it."""
    return {
        "code": kind.code,
        "name": kind.name,
        "names": dict(kind.names),
        "description": kind.description,
        "group": kind.group,
        "grouping": kind.grouping,
        "numbered": kind.numbered,
        "closing": kind.closing,
        "display": kind.display,
        "changed": is_own,
    }


def source_shape(
    source: str, known: RegisteredSource | None, seen: SeenSource | None, silent: datetime | None
) -> Shape:
    """A source. `silent` since when, None while it speaks or need not; `taken`: whether its events are."""
    return {
        "source": source,
        "registered": known is not None,
        "name": known.name if known else "",
        "encoding": known.encoding if known else "",
        "taken": known is not None or seen is None or not seen.refused,
        "address": seen.peer if seen else "",
        "first_at": seen.first_at if seen else None,
        "last_at": seen.last_at if seen else None,
        "heartbeat_at": seen.heartbeat_at if seen else None,
        "silent_since": silent,
        "events": seen.events if seen else 0,
    }


def _code(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_CODE:
        raise NotFound(N_("there is no such event"))
    return int(text)
