"""What is kept, for how long, and what room it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klein import Response

from camtrace.keeping.retention import GRACE
from camtrace.model import JOURNALS, LINES, FootageKept, Kept
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import answer
from camtrace.web.ports import KeptRows, Volume
from camtrace.web.routing import new_app, requirer

FOOTAGE, ALARMS = "footage", "alarms"  # what is kept in files, beside the rows of `model.KEPT_FOR_DAYS`


class StorageApi:
    """`/api/v1/storage`. `days`: of each kind that is kept for days, 0 for ever."""

    app = new_app()

    def __init__(
        self, access: Access, volumes: Callable[[], Sequence[Volume]], rows: KeptRows, days: Mapping[str, int]
    ) -> None:
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
                "kept": [
                    *({"what": what, "days": self._days[what]} for what in (FOOTAGE, ALARMS)),
                    *[self._kept(await self._rows.kept(what)) for what in (LINES, JOURNALS)],
                ],
            }
        )

    def _kept(self, kept: Kept) -> dict[str, Any]:
        removal = kept.removal
        begins_at = None if removal.announced_at is None else removal.announced_at + GRACE
        return {
            "what": removal.what,
            "days": self._days[removal.what],
            "oldest": kept.oldest,
            "removed_before": removal.reached,
            "begins_at": begins_at,
        }


def _volume(volume: Volume, footage: FootageKept | None) -> dict[str, Any]:
    return {
        "name": volume.name,
        "state": volume.state,
        "free_bytes": volume.free_bytes,
        "footage_bytes": 0 if footage is None else footage.bytes,
        "oldest": None if footage is None else footage.oldest,
    }
