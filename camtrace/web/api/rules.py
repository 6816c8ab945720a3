"""Exception rules: set, and tried on the past."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from klein import Response

from camtrace import clock
from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.model import Line, Rule, User
from camtrace.tickets.hits import Hit
from camtrace.tickets.presets import GROUPS
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import answer, body_of, read_instant, to_json
from camtrace.web.api.rule_fields import read_rule, rule_shape
from camtrace.web.api.shapes import Shape, hit_shape
from camtrace.web.flow import Flow
from camtrace.web.ports import Calendars, CameraDirectory, Note, Offset, Outcome, RuleStore, Trials, Unseen
from camtrace.web.problems import Forbidden, Headers
from camtrace.web.routing import new_app, requirer

LONGEST = timedelta(days=92)
USUAL = timedelta(days=7)
MOST_HITS, HITS = 500, 100
LINES_JSON = "application/x-ndjson"
_ASKED = ("start", "stop", "limit", "rule")


class RulesApi:
    """`/api/v1/rules`."""

    app = new_app()

    def __init__(
        self,
        reactor: Any,
        access: Access,
        directory: CameraDirectory,
        offset: Offset,
        store: RuleStore,
        trials: Trials,
        unseen: Unseen,
        calendars: Calendars,
        note: Note,
    ) -> None:
        self.access = access
        self._reactor = reactor
        self._directory = directory
        self._offset = offset
        self._store = store
        self._trials = trials
        self._unseen = unseen
        self._calendars = calendars
        self._note = note

    @requirer.require(app.route("/api/v1/rules", methods=["GET"]), visit=May("exceptions"))
    async def list(self, visit: Visit) -> Response:
        """Every rule by name, with the tills at which nobody can tell whether something moves."""
        return answer({"items": [self._shape(rule) for rule in await self._store.all()], "next": None})

    @requirer.require(app.route("/api/v1/rules", methods=["POST"]), visit=May("settings"))
    async def create(self, visit: Visit) -> Response:
        """Add a rule. It is off unless `enabled` says otherwise."""
        rule = replace(self._read(visit, None), changed_at=clock.now())
        return self._done(visit, "rule_added", await self._store.create(rule), 201)

    @requirer.require(app.route("/api/v1/rules/presets", methods=["GET"]), visit=May("exceptions"))
    async def presets(self, visit: Visit) -> Response:
        """Rules to begin with, not stored: their names and the `group` each is found under are message ids.

        One that asks for a time outside of hours has those of the shop's first own calendar, where there is one.
        """
        own = next((name for name in self._calendars.names if name not in ("always", "never")), "never")

        def shape(rule: Rule, group: str) -> Shape:
            lines = replace(rule.lines, calendar=own) if rule.lines.outside else rule.lines
            return {**rule_shape(replace(rule, lines=lines), self._directory), "group": group}

        return answer({"items": [shape(rule, group) for group, rules in GROUPS for rule in rules], "next": None})

    @requirer.require(app.route("/api/v1/rules/try", methods=["POST"]), visit=May("settings", "lines"))
    async def attempt(self, visit: Visit) -> Response | None:
        """What `rule` would have found from `start` to `stop` (the last seven days unless said): the first `limit`.

        Who accepts `application/x-ndjson` gets a line of JSON each time a part of the period is read; the last line is
        the answer. It ends when the client leaves.
        """
        body = body_of(visit.request)
        for name in body:
            if name not in _ASKED:
                raise Invalid(N_("a trial has no field {field}"), name)
        draft = body.get("rule")
        if not isinstance(draft, dict):
            raise Invalid(N_("{field} must be an object"), "rule")
        rule = _allowed(visit, read_rule({"name": "…", **draft}, None, self._calendars.names, self._uid))
        start, stop = _period(body)
        most = body.get("limit", HITS)
        if type(most) is not int or not 1 <= most <= MOST_HITS:
            raise Invalid(N_("{field} must be a whole number from {low} to {high}"), "limit", low=1, high=MOST_HITS)
        if LINES_JSON in (visit.request.getHeader("accept") or ""):
            await self._stream(visit, rule, start, stop, most)
            return None

        async def nobody(outcome: Outcome) -> None:
            """Who waits for the whole is told nothing before."""

        found = await self._trials.run(rule, start, stop, most, _reader(visit.user), nobody)
        return answer(self._outcome(found, visit.user, start, stop))

    @requirer.require(app.route("/api/v1/rules/<rule>", methods=["GET"]), visit=May("exceptions"))
    async def show(self, visit: Visit, rule: str) -> Response:
        """One rule."""
        return answer(self._shape(await self._found(rule)))

    @requirer.require(app.route("/api/v1/rules/<rule>", methods=["PATCH"]), visit=May("settings"))
    async def change(self, visit: Visit, rule: str) -> Response:
        """Change the fields sent, at once; what was said before does not concern the rule as it is then."""
        found = await self._found(rule)
        changed = self._read(visit, found)
        if changed == found:
            return answer(self._shape(found))
        stored = await self._store.update(replace(changed, changed_at=clock.now()))
        return self._done(visit, "rule_changed", stored, 200)

    @requirer.require(app.route("/api/v1/rules/<rule>", methods=["DELETE"]), visit=May("settings"))
    async def delete(self, visit: Visit, rule: str) -> Response:
        """Remove a rule; what it found stays."""
        deleted = await self._store.delete((await self._found(rule)).id)
        self._note("audit", "rule_deleted", {"rule": deleted.name}, user=visit.user.name)
        return Response(204, {"Cache-Control": "no-store"}, b"")

    # ── steps ──

    async def _stream(self, visit: Visit, rule: Rule, start: datetime, stop: datetime, most: int) -> None:
        flow: Flow | None = None

        async def tell(outcome: Outcome) -> None:
            nonlocal flow
            if flow is None:  # not before it is sure that there is no error to answer
                headers: Headers = {"Content-Type": LINES_JSON, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
                Response(200, headers)._applyToRequest(visit.request)
                flow = Flow(visit.request, self._reactor)
            progress = {"share": round(outcome.share, 4), "lines": outcome.lines, "count": outcome.count}
            await flow.write(f"{to_json(progress)}\n".encode())

        try:
            found = await self._trials.run(rule, start, stop, most, _reader(visit.user), tell)
            await tell(found)
            assert flow is not None
            await flow.write(f"{to_json(self._outcome(found, visit.user, start, stop))}\n".encode())
        finally:
            if flow is not None:
                flow.end()

    def _outcome(self, found: Outcome, user: User, start: datetime, stop: datetime) -> Shape:
        def shape(hit: Hit) -> Shape:
            return hit_shape(hit, user, self._directory, self._offset)

        return {
            "start": start,
            "stop": stop,
            "count": found.count,
            "lines": found.lines,
            "tickets": found.tickets,
            "unknown": found.unknown,
            "sources": [{"source": name, "count": count} for name, count in found.by_source.most_common(20)],
            "hours": [{"at": at, "count": count} for at, count in sorted(found.by_hour.items())],
            "hits": [shape(hit) for hit in found.hits],
            "done": True,
        }

    def _read(self, visit: Visit, before: Rule | None) -> Rule:
        rule = read_rule(body_of(visit.request), before, self._calendars.names, self._uid)
        return rule if before is not None and _counts_cards(before) else _allowed(visit, rule)

    def _done(self, visit: Visit, text: str, rule: Rule, status: int) -> Response:
        self._note("audit", text, {"rule": rule.name}, user=visit.user.name)
        return answer(self._shape(rule), status)

    async def _found(self, id: str) -> Rule:
        rule = await self._store.by_id(int(id)) if id.isascii() and id.isdecimal() and len(id) < 19 else None
        if rule is None:
            raise NotFound(N_("there is no such rule"))
        return rule

    def _uid(self, number: int) -> int | None:
        camera = self._directory.by_id(number)
        return camera.uid if camera is not None else None

    def _shape(self, rule: Rule) -> Shape:
        sources: dict[str, tuple[int, ...]] = {}
        for camera in self._directory.all():
            for name in camera.overlay_ids:
                sources[name] = (*sources.get(name, ()), camera.uid)
        return rule_shape(rule, self._directory, self._unseen(rule, sorted(sources.items())))


def _allowed(visit: Visit, rule: Rule) -> Rule:
    """The rule, if this person may have it look. Raises Forbidden."""
    if _counts_cards(rule) and not visit.user.may("cards"):
        raise Forbidden(N_("a rule that counts for each card tells of cards: your profile lacks the right to see them"))
    return rule


def _counts_cards(rule: Rule) -> bool:
    return rule.kind == "window" and rule.window.per == "card"


def _period(body: dict[str, Any]) -> tuple[datetime, datetime]:
    stop = read_instant(str(body["stop"]), "stop") if body.get("stop") is not None else clock.now()
    start = read_instant(str(body["start"]), "start") if body.get("start") is not None else stop - USUAL
    if stop <= start:
        raise Invalid(N_("the end must be later than the beginning"), "stop")
    if stop - start > LONGEST:
        raise Invalid(N_("ask for {days} days at most"), "start", days=LONGEST.days)
    return start, stop


def _reader(user: User) -> Any:
    allowed = user.profile.cameras

    def may_read(line: Line) -> bool:
        return allowed is None or not allowed.isdisjoint(line.cameras)

    return may_read
