"""Contact boxes in memory instead of a database and a network, and cameras' events that a test sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from camtrace.errors import Conflict
from camtrace.model import ContactBox, ContactsState, InputState, LinkState

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class StoredBoxes:
    """Store and directory of boxes in one. `closed`: which inputs are, by box; one without an entry does not answer."""

    def __init__(self) -> None:
        self.stored: dict[int, ContactBox] = {}
        self.known: dict[int, ContactBox] = {}
        self.closed: dict[int, list[bool]] = {}

    async def create(self, box: ContactBox) -> ContactBox:
        return self._put(replace(box, id=max(self.stored, default=0) + 1))

    async def update(self, box: ContactBox) -> ContactBox:
        return self._put(box)

    async def delete(self, id: int) -> ContactBox:
        return self.stored.pop(id)

    async def load(self) -> None:
        self.known = dict(self.stored)

    def all(self) -> list[ContactBox]:
        return sorted(self.known.values(), key=lambda box: box.name)

    def by_id(self, id: int) -> ContactBox | None:
        return self.known.get(id)

    def state(self, id: int) -> ContactsState:
        box, closed = self.known[id], self.closed.get(id)
        if closed is None:
            link = LinkState("inactive", "refused", NOON) if box.enabled else LinkState("off", "off", NOON)
            return ContactsState(link, tuple(InputState() for _ in box.contacts))
        pairs = zip(box.contacts, [*closed, *[False] * len(box.contacts)], strict=False)
        inputs = [InputState(is_closed, is_closed != (contact.normally == "closed")) for contact, is_closed in pairs]
        return ContactsState(LinkState("active", "answers", NOON), tuple(inputs))

    def _put(self, box: ContactBox) -> ContactBox:
        if any(other.name == box.name and other.id != box.id for other in self.stored.values()):
            raise Conflict("another contact box has this name", "name")
        self.stored[box.id] = box
        return box


class SeenEvents:
    """What each camera's events are worth, by uid."""

    def __init__(self) -> None:
        self.states: dict[int, ContactsState] = {}

    def state(self, uid: int) -> ContactsState:
        return self.states.get(uid, ContactsState(LinkState("off", "off", NOON)))
