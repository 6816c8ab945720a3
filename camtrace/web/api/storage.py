"""What is kept, for how long, and what room it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from klein import Response

from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.keeping.retention import GRACE
from camtrace.model import ALL_KEPT, KEPT_FOR_DAYS, DaysPlan, DaysSet, FootageKept, Kept
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, answer, body_of
from camtrace.web.api.readers import flag, whole
from camtrace.web.ports import KeptDays, KeptRows, Volume
from camtrace.web.routing import new_app, requirer

MOST_DAYS = 36500


class StorageApi:
    """`/api/v1/storage`. `days`: for how many days each kind is kept."""

    app = new_app()

    def __init__(self, access: Access, volumes: Callable[[], Sequence[Volume]], rows: KeptRows, days: KeptDays) -> None:
        self.access = access
        self._volumes = volumes
        self._rows = rows
        self._days = days

    @requirer.require(app.route("/api/v1/storage", methods=["GET"]), visit=May("settings"))
    async def storage(self, visit: Visit) -> Response:
        """How long footage, tickets and journals are kept, since when they are there, and what room they take."""
        footage = {each.folder: each for each in await self._rows.footage()}
        return answer(
            {
                "database_bytes": await self._rows.database_bytes(),
                "volumes": [_volume(volume, footage.get(volume.name)) for volume in self._volumes()],
                "kept": [await self._kept(what) for what in ALL_KEPT],
            }
        )

    @requirer.require(app.route("/api/v1/storage/<kind>/plan", methods=["GET"]), visit=May("settings"))
    async def plan(self, visit: Visit, kind: str) -> Response:
        """What would go if this kind were kept for `days`; without them: as the configuration says. Nothing changes."""
        return answer(_plan(await self._days.plan(_known(kind), Query(visit.request).integer("days", 0, MOST_DAYS))))

    @requirer.require(app.route("/api/v1/storage/<kind>", methods=["PATCH"]), visit=May("settings"))
    async def change(self, visit: Visit, kind: str) -> Response:
        """Keep this kind for other `days`, null: as the configuration says.

        `confirmed`: the user knows what goes by that; needed where something does. `before`: the days that were seen;
        where they are others by now, somebody else was quicker.
        """
        body = body_of(visit.request)
        for name in body:
            if name not in ("days", "confirmed", "before"):
                raise Invalid(N_("what is kept has no setting {field}"), name)
        if "days" not in body:
            raise Invalid(N_("{field} is missing"), "days")
        days, before = (_days(body.get(name), name) for name in ("days", "before"))
        confirmed = flag(body.get("confirmed", False), "confirmed")
        plan = await self._days.change(_known(kind), days, visit.user, confirmed, before)
        return answer({**_plan(plan), "kept": await self._kept(kind)})

    async def _kept(self, what: str) -> dict[str, Any]:
        shape = days_shape(self._days.of(what))
        return {**shape, **_rows(await self._rows.kept(what))} if what in KEPT_FOR_DAYS else shape


def days_shape(found: DaysSet) -> dict[str, Any]:
    """For how many days a kind is kept: `days` that are wanted, `held` ones that count until `begins_at`."""
    return {
        "what": found.what,
        "days": found.wanted,
        "in_file": found.in_file,
        "is_set": found.days is not None,
        "held": found.held,
        "begins_at": found.begins_at,
    }


def _rows(kept: Kept) -> dict[str, Any]:
    removal = kept.removal
    begins_at = None if removal.announced_at is None else removal.announced_at + GRACE
    return {"oldest": kept.oldest, "removed_before": removal.reached, "begins_at": begins_at}


def _plan(plan: DaysPlan) -> dict[str, Any]:
    return {
        "what": plan.what,
        "before": plan.before,
        "days": plan.after,
        "erases": bool(plan.leaving),
        "older_than": plan.border,
        "count": dict(plan.leaving.count),
        "oldest": plan.leaving.oldest,
        "begins_at": plan.begins_at,
    }


def _known(kind: str) -> str:
    if kind not in ALL_KEPT:
        raise NotFound(N_("nothing is kept by this name"))
    return kind


def _days(value: Any, name: str) -> int | None:
    return None if value is None else whole(0, MOST_DAYS)(value, name)


def _volume(volume: Volume, footage: FootageKept | None) -> dict[str, Any]:
    return {
        "name": volume.name,
        "state": volume.state,
        "free_bytes": volume.free_bytes,
        "footage_bytes": 0 if footage is None else footage.bytes,
        "oldest": None if footage is None else footage.oldest,
    }
