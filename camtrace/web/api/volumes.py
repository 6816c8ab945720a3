"""The disks for footage, and whether they are there and have room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from klein import Response

from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import answer
from camtrace.web.ports import Volume
from camtrace.web.routing import new_app, requirer

_NAMED_FOR = ("settings", "cameras", "journal")


class VolumesApi:
    """`/api/v1/volumes`. `volumes()` gives those of the configuration, as they are now."""

    app = new_app()

    def __init__(self, access: Access, volumes: Callable[[], Sequence[Volume]]) -> None:
        self.access = access
        self._volumes = volumes

    @requirer.require(app.route("/api/v1/volumes", methods=["GET"]), visit=May())
    def volumes(self, visit: Visit) -> Response:
        """The disks for footage with their state and free bytes; folder names only for who manages the server."""
        named = any(visit.user.may(right) for right in _NAMED_FOR)
        items = [
            {
                "name": volume.name if named else str(number),
                "state": volume.state,
                "why": volume.why if named else "",
                "free_bytes": volume.free_bytes,
            }
            for number, volume in enumerate(self._volumes(), 1)
        ]
        return answer({"items": items, "next": None})
