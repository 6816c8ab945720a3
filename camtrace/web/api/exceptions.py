"""What exception rules found, and what people found on looking at it."""

from __future__ import annotations

import re

from klein import Response

from camtrace import clock
from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.model import VERDICTS, RuleException, User
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, answer, body_of, page_of
from camtrace.web.api.readers import one_of, text_of
from camtrace.web.api.shapes import exception_shape
from camtrace.web.ports import CameraDirectory, Note, RuleStore
from camtrace.web.routing import new_app, requirer
from camtrace.web.whose import Graves, camera_named

BIGGEST_ID = 2**63 - 1
NEW = "new"  # how the question calls those not judged, whose verdict is empty


class ExceptionsApi:
    """`/api/v1/exceptions`. Who may see only some cameras finds only what one of them watched."""

    app = new_app()

    def __init__(
        self, access: Access, directory: CameraDirectory, graves: Graves, store: RuleStore, note: Note
    ) -> None:
        self.access = access
        self._directory = directory
        self._graves = graves
        self._store = store
        self._note = note

    @requirer.require(app.route("/api/v1/exceptions", methods=["GET"]), visit=May("exceptions"))
    async def recent(self, visit: Visit) -> Response:
        """Exceptions that fit all that is asked, newest first."""
        query = Query(visit.request)
        limit = query.limit()
        verdict = query.choice("verdict", (NEW, *VERDICTS[1:]))
        found = await self._store.exceptions(
            start=query.instant("start"),
            stop=query.instant("stop"),
            camera_uids=await self._cameras(visit, query),
            rule_id=query.integer("rule", 1, BIGGEST_ID),
            source=query.text("source"),
            seller=query.text("seller"),
            verdict="" if verdict == NEW else verdict,
            after=query.cursor(),
            limit=limit + 1,
        )
        return page_of(
            found,
            limit,
            lambda one: exception_shape(one, visit.user, self._directory),
            lambda one: (one.at, one.id),
        )

    @requirer.require(app.route("/api/v1/exceptions/counts", methods=["GET"]), visit=May("exceptions"))
    async def counts(self, visit: Visit) -> Response:
        """How many there are of each verdict, from `start` to `stop`."""
        query = Query(visit.request)
        found = await self._store.counts(
            await self._cameras(visit, query), query.instant("start"), query.instant("stop")
        )
        return answer({verdict or NEW: found.get(verdict, 0) for verdict in VERDICTS})

    @requirer.require(app.route("/api/v1/exceptions/<exception>", methods=["GET"]), visit=May("exceptions"))
    async def show(self, visit: Visit, exception: str) -> Response:
        """One exception."""
        return answer(exception_shape(await self._found(visit.user, exception), visit.user, self._directory))

    @requirer.require(app.route("/api/v1/exceptions/<exception>", methods=["PATCH"]), visit=May("exceptions"))
    async def review(self, visit: Visit, exception: str) -> Response:
        """Say what it was found to be: `verdict`, `comment`. Who said so last, and when, is kept."""
        found = await self._found(visit.user, exception)
        verdict, comment = found.verdict or NEW, found.comment
        for name, value in body_of(visit.request).items():
            if name == "verdict":
                verdict = one_of((NEW, *VERDICTS[1:]))(value, name)
            elif name == "comment":
                comment = text_of(500)(value, name)
            else:
                raise Invalid(N_("only the verdict and the comment of an exception can be changed"), name)
        verdict = "" if verdict == NEW else verdict
        if (verdict, comment) != (found.verdict, found.comment):
            found = await self._store.review(found.id, verdict, comment, visit.user.name, clock.now())
            values = {"rule": found.rule, "source": found.source, "verdict": verdict or NEW}
            self._note("audit", "exception_reviewed", values, user=visit.user.name)
        return answer(exception_shape(found, visit.user, self._directory))

    # ── steps ──

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
