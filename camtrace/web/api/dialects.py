"""Dialects of tills: the presets, those an administrator made, and a draft tried on a sample."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from klein import Response

from camtrace.errors import Conflict, Invalid, NotFound
from camtrace.i18n import N_
from camtrace.model import StoredDialect, Ticket, User
from camtrace.pos.dialect import BUILT_IN, DEFAULTS, Dialect, read_dialect
from camtrace.pos.framing import cutter
from camtrace.pos.guess import likely
from camtrace.pos.presets import BY_NAME
from camtrace.pos.reading import Reader
from camtrace.pos.wire import FramingLost, Message, WireError, decode, mask_all, to_text
from camtrace.tickets.grouping import Entry, Grouping
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import answer, body_of
from camtrace.web.api.shapes import Shape, message_shape, ticket_shape
from camtrace.web.discretion import bytes_for, text_for
from camtrace.web.ports import DialectStore, Note, Reload, SourceBook
from camtrace.web.routing import new_app, requirer

LONGEST_SAMPLE = 65_536
MOST_DIALECTS = 200
_TICK = timedelta(milliseconds=1)
_FIELDS = ("name", "definition", "built_in", "words", "sample", "used_by")


class DialectsApi:
    """`/api/v1/dialects`. `spoken`: names of the dialects that the configuration gives to listeners."""

    app = new_app()

    def __init__(
        self,
        access: Access,
        store: DialectStore,
        sources: SourceBook,
        note: Note,
        reload: Reload,
        spoken: Collection[str] = (),
    ) -> None:
        self.access = access
        self._store = store
        self._sources = sources
        self._note = note
        self._reload = reload
        self._spoken = spoken

    @requirer.require(app.route("/api/v1/dialects", methods=["GET"]), visit=May("settings"))
    async def list(self, visit: Visit) -> Response:
        """Every dialect, the presets first."""
        own = [row for row in await self._store.all() if row.name not in BY_NAME]
        return answer({"items": [*map(self._preset, BY_NAME), *map(self._shape, own)], "next": None})

    @requirer.require(app.route("/api/v1/dialects", methods=["POST"]), visit=May("settings"))
    async def create(self, visit: Visit) -> Response:
        """Add a dialect: `name` and `definition`."""
        body = _body(visit)
        name = body.get("name", "")
        if not isinstance(name, str) or not re.fullmatch(r"[^\x00-\x1f/]{1,60}", name) or name != name.strip():
            raise Invalid(N_("a dialect needs a name of at most 60 characters, without “/”"), "name")
        if name in BY_NAME:
            raise Conflict(N_("another dialect has this name"), "name")
        if name in ("try", "guess") or len(await self._store.all()) >= MOST_DIALECTS:
            raise Invalid(N_("this dialect cannot be added"), "name")
        read = read_dialect(name, body.get("definition", {}))
        await self._store.create(StoredDialect(name, read.definition))
        return await self._done(visit, "dialect_added", name, 201)

    @requirer.require(app.route("/api/v1/dialects/try", methods=["POST"]), visit=May("settings"))
    async def attempt(self, visit: Visit) -> Response:
        """What `sample` (base64) says in the dialect `definition`, or in the one named `name`. Nothing is saved."""
        body = body_of(visit.request)
        for key in body:
            if key not in ("name", "definition", "sample", "address"):
                raise Invalid(N_("a dialect has no setting {field}"), key)
        name = body.get("name", "")
        if "definition" in body:
            dialect: Dialect | None = read_dialect("draft", body["definition"])
        elif name == BUILT_IN:
            dialect = None
        else:
            found = await self._found(name) if isinstance(name, str) else None
            if found is None:
                raise Invalid(N_("{field} must be a text"), "name")
            dialect = read_dialect(found.name, found.definition)
        address = body.get("address", "192.0.2.1")
        if not isinstance(address, str) or len(address) > 200:
            raise Invalid(N_("{field} must be a text"), "address")
        letters = self._sources.of(address).encoding
        return answer(attempt(dialect, _sample(body.get("sample", "")), address, visit.user, letters))

    @requirer.require(app.route("/api/v1/dialects/guess", methods=["POST"]), visit=May("settings"))
    async def guess(self, visit: Visit) -> Response:
        """Names of the dialects that make sense of `sample` (base64), the likeliest first."""
        body = body_of(visit.request)
        for key in body:
            if key != "sample":
                raise Invalid(N_("a dialect has no setting {field}"), key)
        return answer({"items": likely(_sample(body.get("sample", ""))), "next": None})

    @requirer.require(app.route("/api/v1/dialects/<dialect>", methods=["GET"]), visit=May("settings"))
    async def show(self, visit: Visit, dialect: str) -> Response:
        """One dialect."""
        if dialect in BY_NAME:
            return answer(self._preset(dialect))
        return answer(self._shape(await self._found(dialect)))

    @requirer.require(app.route("/api/v1/dialects/<dialect>", methods=["PATCH"]), visit=May("settings"))
    async def change(self, visit: Visit, dialect: str) -> Response:
        """Give a dialect another `definition`; it acts at once."""
        body = _body(visit)
        if body.get("name", dialect) != dialect:
            raise Invalid(N_("the name of a dialect cannot be changed"), "name")
        found = await self._own(dialect)
        read = read_dialect(dialect, body.get("definition", found.definition))
        if dict(read.definition) != {**DEFAULTS, **found.definition}:
            await self._store.update(StoredDialect(dialect, read.definition))
            return await self._done(visit, "dialect_changed", dialect, 200)
        return answer(self._shape(found))

    @requirer.require(app.route("/api/v1/dialects/<dialect>", methods=["DELETE"]), visit=May("settings"))
    async def delete(self, visit: Visit, dialect: str) -> Response:
        """Remove a dialect that neither a till nor a listener uses."""
        found = await self._own(dialect)
        if dialect in self._spoken:
            raise Conflict(N_("[listen] pos of the configuration uses this dialect"), "name")
        await self._store.delete(found.name)
        await self._reload()
        self._note("audit", "dialect_deleted", {"dialect": found.name}, user=visit.user.name)
        return Response(204, {"Cache-Control": "no-store"}, b"")

    async def _done(self, visit: Visit, text: str, name: str, status: int) -> Response:
        await self._reload()
        self._note("audit", text, {"dialect": name}, user=visit.user.name)
        return answer(self._shape(await self._found(name)), status)

    async def _own(self, name: str) -> StoredDialect:
        if name in BY_NAME:
            raise Invalid(N_("this dialect comes with CamTrace: copy it under another name"), "name")
        return await self._found(name)

    async def _found(self, name: str) -> StoredDialect:
        if name in BY_NAME:
            return StoredDialect(name, BY_NAME[name].definition)
        for row in await self._store.all():
            if row.name == name:
                return row
        raise NotFound(N_("there is no such dialect"))

    def _preset(self, name: str) -> Shape:
        preset = BY_NAME[name]
        sample = base64.b64encode(preset.sample).decode()
        shape = self._shape(StoredDialect(name, preset.definition))
        return {**shape, "built_in": True, "words": preset.words, "sample": sample}

    def _shape(self, row: StoredDialect) -> Shape:
        used = [each.source for each in self._sources.all() if each.dialect == row.name]
        return {
            "name": row.name,
            "built_in": False,
            "words": "",
            "sample": "",
            "definition": {**DEFAULTS, **row.definition},
            "used_by": used,
        }


def attempt(dialect: Dialect | None, sample: bytes, address: str, user: User, letters: str = "") -> Shape:
    """The lines of `sample` and the tickets they make, as `user` may see them. `letters`: the encoding, "" for the
    dialect's."""
    encoding = letters or ("auto" if dialect is None else dialect.encoding)
    reader = Reader(dialect, address) if dialect is not None else None
    cut = cutter(dialect)
    problem: Shape | None = None
    try:
        raws = cut.feed(sample) + cut.flush()
    except FramingLost as lost:
        raws, problem = lost.before, {"code": lost.code, "message": str(lost)}
    numbers = count(1)
    grouping = Grouping(lambda: next(numbers))
    tickets: dict[int, Ticket] = {}
    lines: list[Shape] = []
    at = datetime(2000, 1, 1, tzinfo=UTC)
    for raw in raws:
        at += _TICK
        masked = mask_all(raw)
        line: Shape = {
            "raw": _base64(bytes_for(user, masked)),
            "shown": text_for(user, to_text(masked, encoding)),
            "message": None,
            "problem": None,
            "ticket": None,
        }
        try:
            message = decode(raw, encoding) if reader is None else reader.read(raw, encoding)
        except WireError as error:
            line["problem"] = {"code": error.code, "message": str(error)}
        else:
            if message is not None:
                ticket = grouping.place(_entry(message, at))
                tickets[ticket.id] = ticket
                line |= {
                    "raw": _base64(bytes_for(user, message.raw)),
                    "message": message_shape(message, user),
                    "ticket": ticket.id,
                }
        lines.append(line)
    if problem is not None:
        lines.append({"raw": "", "shown": "", "message": None, "problem": problem, "ticket": None})
    return {
        "lines": lines,
        "tickets": [
            {key: value for key, value in ticket_shape(ticket).items() if key not in ("opened_at", "closed_at")}
            for ticket in tickets.values()
        ],
    }


def _entry(message: Message, at: datetime) -> Entry:
    settled = message.amount if message.total is None else message.total
    return Entry(
        "pos",
        message.source,
        at,
        message.ticket,
        message.seller,
        settled if message.type in ("T", "E") else None,
        message.type == "E",
        message.type == "D",
        message.opens,
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _sample(given: Any) -> bytes:
    try:
        sample = base64.b64decode(given, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise Invalid(N_("{field} must be base64"), "sample") from error
    if len(sample) > LONGEST_SAMPLE:
        raise Invalid(N_("{field} has more than {most} bytes"), "sample", most=LONGEST_SAMPLE)
    return sample


def _body(visit: Visit) -> dict[str, Any]:
    body = body_of(visit.request)
    for key in body:
        if key not in _FIELDS:
            raise Invalid(N_("a dialect has no setting {field}"), key)
    return body
