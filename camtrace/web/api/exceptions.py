"""What exception rules found, and what people found on looking at it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from klein import Response

from camtrace import clock
from camtrace.cards import hidden
from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.model import VERDICTS, ExceptionQuery, RuleException, User
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Position, Query, answer, body_of, page_of
from camtrace.web.api.readers import one_of, text_of
from camtrace.web.api.shapes import Shape, exception_shape
from camtrace.web.csv_file import Cell, send_csv
from camtrace.web.discretion import may_name, text_for
from camtrace.web.ports import CameraDirectory, Note, Offset, RuleStore, TillName
from camtrace.web.routing import new_app, requirer
from camtrace.web.voices import Voice, Voices
from camtrace.web.whose import Graves, camera_named

BIGGEST_ID = 2**63 - 1
COUNTED_BY = ("rule", "seller", "source")
NEW = "new"  # how the question calls those not judged, whose verdict is empty

_HEADS = (
    N_("Time"),
    N_("Rule"),
    N_("Till"),
    N_("Cashier"),
    N_("Ticket"),
    N_("Line"),
    N_("Amount"),
    N_("Figure"),
    N_("Judged as"),
    N_("Note"),
    N_("By whom"),
    N_("Time in the picture"),
    N_("Name of the till"),
)
_VERDICT_WORDS = {"": N_("New"), "checking": N_("Being checked"), "harmless": N_("Harmless"), "real": N_("Confirmed")}


class ExceptionsApi:
    """`/api/v1/exceptions`. Who may see only some cameras finds only what one of them watched."""

    app = new_app()

    def __init__(
        self,
        reactor: Any,
        access: Access,
        directory: CameraDirectory,
        offset: Offset,
        till_name: TillName,
        graves: Graves,
        store: RuleStore,
        note: Note,
        voices: Voices,
    ) -> None:
        self.access = access
        self._reactor = reactor
        self._voices = voices
        self._directory = directory
        self._offset = offset
        self._till_name = till_name
        self._graves = graves
        self._store = store
        self._note = note

    @requirer.require(app.route("/api/v1/exceptions", methods=["GET"]), visit=May("exceptions"))
    async def recent(self, visit: Visit) -> Response:
        """Exceptions that fit all that is asked, newest first."""
        limit = Query(visit.request).limit()
        found = await self._page(visit, limit + 1, Query(visit.request).cursor())
        return page_of(found, limit, lambda one: self._shape(visit, one), _place)

    @requirer.require(app.route("/api/v1/exceptions.csv", methods=["GET"]), visit=May("exceptions"))
    async def as_file(self, visit: Visit) -> Response | None:
        """The same as a file for spreadsheets."""
        voice = self._voices.voice(visit.request, visit.user.language)
        page, row = partial(self._page, visit), partial(self._row, voice, visit.user)
        return await send_csv(visit, self._reactor, voice, N_("Exceptions"), _HEADS, page, row, _place)

    @requirer.require(app.route("/api/v1/exceptions/counts", methods=["GET"]), visit=May("exceptions"))
    async def counts(self, visit: Visit) -> Response:
        """How many of those that are asked for there are of each verdict, in all and `by` rule, seller or source."""
        query = Query(visit.request)
        by = query.choice("by", COUNTED_BY, "rule") or "rule"
        asked = await self._asked(visit, query)
        found = await self._store.counts(asked, by)
        rows: dict[str, Counter[str]] = {}
        for key, verdict, count in found if may_name(visit.user, asked.seller) else ():
            rows.setdefault(hidden(key) if by == "seller" else key, Counter())[verdict or NEW] += count
        items = [{"key": key, **_counted(row)} for key, row in rows.items()]
        return answer({**_counted(sum(rows.values(), Counter())), "by": by, "items": items})

    @requirer.require(app.route("/api/v1/exceptions/<exception>", methods=["GET"]), visit=May("exceptions"))
    async def show(self, visit: Visit, exception: str) -> Response:
        """One exception."""
        return answer(self._shape(visit, await self._found(visit.user, exception)))

    @requirer.require(app.route("/api/v1/exceptions/<exception>", methods=["PATCH"]), visit=May("exceptions"))
    async def review(self, visit: Visit, exception: str) -> Response:
        """Say what it was found to be: `verdict`, `comment`. Who said so last, and when, is kept.

        `before`: the verdict that was seen; where it is another one by now, somebody else was quicker.
        """
        found = await self._found(visit.user, exception)
        told: dict[str, str] = {}
        for name, value in body_of(visit.request).items():
            if name in ("verdict", "before"):
                read = one_of((NEW, *VERDICTS[1:]))(value, name)
                told[name] = "" if read == NEW else read
            elif name == "comment":
                told[name] = text_of(500)(value, name)
            else:
                raise Invalid(N_("only the verdict and the comment of an exception can be changed"), name)
        if any(told.get(name, getattr(found, name)) != getattr(found, name) for name in ("verdict", "comment")):
            found = await self._store.review(found.id, visit.user.name, clock.now(), **told)
            values = {
                "rule": found.rule,
                "source": self._till_name(found.source) or found.source,
                "verdict": found.verdict or NEW,
            }
            self._note("audit", "exception_reviewed", values, user=visit.user.name)
        return answer(self._shape(visit, found))

    # ── steps ──

    def _shape(self, visit: Visit, one: RuleException) -> Shape:
        return exception_shape(one, visit.user, self._directory, self._offset)

    async def _page(self, visit: Visit, limit: int, before: Position | None) -> list[RuleException]:
        query = Query(visit.request)
        verdict = query.choice("verdict", (NEW, *VERDICTS[1:]))
        asked = replace(await self._asked(visit, query), verdict="" if verdict == NEW else verdict)
        found = await self._store.exceptions(asked, limit, before)
        return found if may_name(visit.user, asked.seller) else []

    async def _asked(self, visit: Visit, query: Query) -> ExceptionQuery:
        """What is asked for, of whatever verdict."""
        return ExceptionQuery(
            query.instant("start"),
            query.instant("stop"),
            await self._cameras(visit, query),
            query.integer("rule", 1, BIGGEST_ID),
            query.text("source"),
            query.text("seller"),
        )

    async def _cameras(self, visit: Visit, query: Query) -> list[int] | None:
        name = query.text("camera")
        if name is not None:
            return [(await camera_named(name, visit.user, self._directory, self._graves)).uid]
        allowed = visit.user.profile.cameras
        return None if allowed is None else sorted(allowed)

    async def _found(self, user: User, number: str) -> RuleException:
        known = re.fullmatch(r"\d{1,19}", number) and int(number) <= BIGGEST_ID
        found = await self._store.exception(int(number)) if known else None
        allowed = user.profile.cameras
        if found is None or (allowed is not None and allowed.isdisjoint(found.cameras)):
            raise NotFound(N_("this exception does not exist"))
        return found

    def _row(self, voice: Voice, user: User, one: RuleException) -> Sequence[Cell]:
        return (
            voice.instant(one.at),
            one.rule,
            one.source,
            hidden(one.seller),
            text_for(user, one.ticket),
            text_for(user, one.text),
            None if one.amount is None else f"{one.amount:f}",
            None if one.figure is None else f"{one.figure:f}",
            voice.spoken.gettext(_VERDICT_WORDS[one.verdict]),
            one.comment,
            one.reviewed_by,
            voice.instant(one.at + self._offset(one.source)),
            self._till_name(one.source),
        )


def _counted(row: Counter[str]) -> dict[str, int]:
    return {verdict or NEW: row[verdict or NEW] for verdict in VERDICTS}


def _place(one: RuleException) -> Position:
    return one.at, one.id
