"""Contact boxes: devices whose inputs raise alarms."""

from __future__ import annotations

from klein import Response

from camtrace.errors import NotFound
from camtrace.i18n import N_
from camtrace.model import ContactBox
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import answer, body_of
from camtrace.web.api.contact_fields import read_box
from camtrace.web.api.shapes import Shape, contact_shape, link_shape
from camtrace.web.ports import CameraDirectory, ContactBoxes, ContactStore, Note
from camtrace.web.routing import new_app, requirer


class ContactBoxesApi:
    """`/api/v1/contact-boxes`."""

    app = new_app()

    def __init__(
        self, access: Access, directory: CameraDirectory, store: ContactStore, boxes: ContactBoxes, note: Note
    ) -> None:
        self.access = access
        self._directory = directory
        self._store = store
        self._boxes = boxes
        self._note = note

    @requirer.require(app.route("/api/v1/contact-boxes", methods=["GET"]), visit=May("settings"))
    async def list(self, visit: Visit) -> Response:
        """Every contact box by name, with what its connection is worth and how its inputs are now."""
        return answer({"items": [self._shape(box) for box in self._boxes.all()], "next": None})

    @requirer.require(app.route("/api/v1/contact-boxes", methods=["POST"]), visit=May("settings"))
    async def create(self, visit: Visit) -> Response:
        """Add a box: `name` and `host` suffice for eight inputs from the first on, all normally open."""
        box = await self._store.create(read_box(body_of(visit.request), None, self._uid))
        return await self._done(visit, "contact_box_added", box, 201)

    @requirer.require(app.route("/api/v1/contact-boxes/<box>", methods=["GET"]), visit=May("settings"))
    async def show(self, visit: Visit, box: str) -> Response:
        """One box."""
        return answer(self._shape(self._found(box)))

    @requirer.require(app.route("/api/v1/contact-boxes/<box>", methods=["PATCH"]), visit=May("settings"))
    async def change(self, visit: Visit, box: str) -> Response:
        """Change the fields sent, at once; `contacts` is replaced whole."""
        found = self._found(box)
        changed = read_box(body_of(visit.request), found, self._uid)
        if changed == found:
            return answer(self._shape(found))
        return await self._done(visit, "contact_box_changed", await self._store.update(changed), 200)

    @requirer.require(app.route("/api/v1/contact-boxes/<box>", methods=["DELETE"]), visit=May("settings"))
    async def delete(self, visit: Visit, box: str) -> Response:
        """Remove a box."""
        deleted = await self._store.delete(self._found(box).id)
        await self._boxes.load()
        self._note("audit", "contact_box_deleted", {"box": deleted.name}, user=visit.user.name)
        return Response(204, {"Cache-Control": "no-store"}, b"")

    # ── steps ──

    async def _done(self, visit: Visit, text: str, box: ContactBox, status: int) -> Response:
        await self._boxes.load()
        self._note("audit", text, {"box": box.name}, user=visit.user.name)
        return answer(self._shape(box), status)

    def _found(self, id: str) -> ContactBox:
        box = self._boxes.by_id(int(id)) if id.isascii() and id.isdecimal() and len(id) < 10 else None
        if box is None:
            raise NotFound(N_("there is no such contact box"))
        return box

    def _uid(self, number: int) -> int | None:
        camera = self._directory.by_id(number)
        return camera.uid if camera is not None else None

    def _shape(self, box: ContactBox) -> Shape:
        state = self._boxes.state(box.id)
        inputs = [*state.inputs, *[None] * (len(box.contacts) - len(state.inputs))]
        return {
            "id": str(box.id),
            "name": box.name,
            "host": box.host,
            "port": box.port,
            "unit": box.unit,
            "reads": box.reads,
            "first": box.first,
            "count": len(box.contacts),
            "interval_ms": box.interval_ms,
            "enabled": box.enabled,
            "contacts": [
                contact_shape(contact, self._directory, now) for contact, now in zip(box.contacts, inputs, strict=False)
            ],
            "state": link_shape(state.link, "the contact box"),
        }
