"""Searches of the external log that people keep under a name."""

from __future__ import annotations

import re

from klein import Response

from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.tickets.query import LONGEST
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import answer, body_of
from camtrace.web.api.shapes import search_shape
from camtrace.web.ports import SavedSearches
from camtrace.web.routing import new_app, requirer

MOST = 100  # that one person keeps
LONGEST_NAME = 80


class SearchesApi:
    """`/api/v1/searches`: those of who asks."""

    app = new_app()

    def __init__(self, access: Access, searches: SavedSearches) -> None:
        self.access = access
        self._searches = searches

    @requirer.require(app.route("/api/v1/searches", methods=["GET"]), visit=May("lines"))
    async def kept(self, visit: Visit) -> Response:
        """The searches this person keeps, by name."""
        found = await self._searches.all(visit.user.id)
        return answer({"items": [search_shape(each) for each in found], "next": None})

    @requirer.require(app.route("/api/v1/searches", methods=["POST"]), visit=May("lines"))
    async def keep(self, visit: Visit) -> Response:
        """Keep the search `q` under `name`; one of the same name is replaced."""
        body = body_of(visit.request)
        name = _text(body.get("name"), "name", LONGEST_NAME)
        query = _text(body.get("q"), "q", LONGEST, tidied=False)
        saved = await self._searches.save(visit.user.id, name, query, MOST)
        if saved is None:
            raise Invalid(N_("you keep {most} searches already: remove one first"), "name", most=MOST)
        return answer(search_shape(saved), 201)

    @requirer.require(app.route("/api/v1/searches/<search>", methods=["PATCH"]), visit=May("lines"))
    async def rename(self, visit: Visit, search: str) -> Response:
        """Give a search another `name`, which none of this person's others has."""
        name = _text(body_of(visit.request).get("name"), "name", LONGEST_NAME)
        renamed = await self._searches.rename(visit.user.id, _number(search), name)
        if renamed is None:
            raise NotFound(N_("there is no such search"))
        return answer(search_shape(renamed))

    @requirer.require(app.route("/api/v1/searches/<search>", methods=["DELETE"]), visit=May("lines"))
    async def forget(self, visit: Visit, search: str) -> Response:
        """Forget a search."""
        if not await self._searches.delete(visit.user.id, _number(search)):
            raise NotFound(N_("there is no such search"))
        return Response(204, {"Cache-Control": "no-store"}, b"")


def _number(search: str) -> int:
    """The id of a search; 0, which none has, for what is none."""
    return int(search) if re.fullmatch(r"[0-9]{1,18}", search) else 0


def _text(value: object, field: str, longest: int, tidied: bool = True) -> str:
    """A text that is not empty; unless `tidied`, blanks within it stay: they may stand in quotes. Raises Invalid."""
    text = value.replace("\x00", "").strip() if isinstance(value, str) else ""
    text = " ".join(text.split()) if tidied else text
    if not text:
        raise Invalid(N_("{field} is missing"), field)
    if len(text) > longest:
        raise Invalid(N_("{field} may have {most} characters at most"), field, most=longest)
    return text
