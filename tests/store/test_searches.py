"""Searches that people keep, in a real PostgreSQL."""

from __future__ import annotations

from support.database import DatabaseCase

from camtrace.errors import Conflict
from camtrace.model import SavedSearch
from camtrace.store.searches import SavedSearches


class Kept(DatabaseCase):
    async def test_kept_replaced_forgotten(self) -> None:
        """Each user's own, by name; no more than the limit; gone with the user."""
        for name in ("anna", "boris"):
            await self.database.execute(
                "insert into account (name, profile_id, password_hash, created_at)"
                " select %s, id, '', now() from profile where name = 'viewer'",
                (name,),
            )
        (anna,), (boris,) = await self.rows("select id from account order by name")
        store = SavedSearches(self.database)
        first = await store.save(anna, "voids", "type:S", 2)
        assert first is not None
        self.assertEqual(await store.save(anna, "voids", "annule", 2), SavedSearch(first.id, "voids", "annule"))
        second = await store.save(anna, "Big", "amount>100", 2)
        self.assertIsNone(await store.save(anna, "third", "x", 2))
        self.assertIsNotNone(await store.save(anna, "Big", "amount>200", 2))
        self.assertEqual([each.name for each in await store.all(anna)], ["Big", "voids"])
        self.assertEqual(await store.all(boris), [])
        assert second is not None
        self.assertIsNone(await store.rename(boris, second.id, "Mine"))
        self.assertEqual(await store.rename(anna, second.id, "big"), SavedSearch(second.id, "big", "amount>200"))
        with self.assertRaises(Conflict):
            await store.rename(anna, second.id, "voids")
        self.assertFalse(await store.delete(boris, second.id))
        self.assertTrue(await store.delete(anna, second.id))
        self.assertFalse(await store.delete(anna, second.id))
        await self.database.execute("delete from account where id = %s", (anna,))
        self.assertEqual(await self.rows("select * from saved_search"), [])
