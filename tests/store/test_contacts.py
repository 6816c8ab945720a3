"""Contact boxes as rows."""

from __future__ import annotations

from dataclasses import replace

from support.database import DatabaseCase

from camtrace.errors import Conflict, NotFound
from camtrace.model import Contact, ContactBox
from camtrace.store.contacts import ContactStore

DOORS = (Contact("Back door", "closed", (7, 8)), Contact(enabled=False))


class ContactStoreTests(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate contact_box")
        self.store = ContactStore(self.database)

    async def test_made_changed_removed(self) -> None:
        yard = await self.store.create(ContactBox(id=0, name="Yard", host="10.0.0.9", contacts=DOORS))
        hall = await self.store.create(
            ContactBox(id=0, name="Hall", host="io", port=1502, unit=0, reads="coils", first=8, interval_ms=50)
        )
        self.assertEqual(await self.store.all(), [hall, yard])
        self.assertEqual((yard.contacts, hall.port, hall.reads), (DOORS, 1502, "coils"))
        changed = replace(yard, name="Gate", enabled=False, contacts=DOORS[:1])
        self.assertEqual(await self.store.update(changed), changed)
        self.assertEqual(await self.store.delete(hall.id), hall)
        self.assertEqual(await self.store.all(), [changed])

    async def test_a_name_is_unique(self) -> None:
        one = await self.store.create(ContactBox(id=0, name="Yard", host="a"))
        other = await self.store.create(ContactBox(id=0, name="Hall", host="b"))
        for work in (
            self.store.create(ContactBox(id=0, name="Yard", host="c")),
            self.store.update(replace(other, name="Yard")),
        ):
            with self.assertRaises(Conflict):
                await work
        await self.store.delete(one.id)
        for work in (self.store.delete(one.id), self.store.update(one)):
            with self.assertRaises(NotFound):
                await work
