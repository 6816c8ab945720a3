"""What is kept, for how long, and that it is told where older things are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from support.web import Answer, Browser, Disk, WebShop
from twisted.trial.unittest import SynchronousTestCase

from camtrace import clock, i18n, notes
from camtrace.model import JournalEntry, Leaving, Removal

SINCE = datetime(2024, 3, 2, 23, tzinfo=UTC)  # midnight in Paris


class StorageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.shop = WebShop()
        self.browser = Browser(self.shop, token=self.shop.token())

    def patch(self, path: str, body: Any) -> Answer:
        return self.browser.ask("PATCH", path, json=body)

    def test_what_is_kept(self) -> None:
        self.shop.volumes = [Disk("/mnt/a"), Disk("/mnt/b", "absent")]
        self.shop.old_rows.oldest = SINCE
        self.shop.old_rows.removals = {
            "lines": Removal("lines", reached=SINCE),
            "journals": Removal("journals", announced=SINCE, announced_at=SINCE),
        }
        found = self.browser.get("/api/v1/storage").json
        self.assertEqual(found["database_bytes"], 1_234_000_000)
        first, second = found["volumes"]
        self.assertEqual(
            (first["footage_bytes"], first["free_bytes"], first["oldest"]),
            (5 * 10**9, 5, clock.iso(SINCE)),
        )
        self.assertEqual((second["name"], second["state"], second["footage_bytes"]), ("/mnt/b", "absent", 0))
        footage, alarms, lines, journals = found["kept"]
        shape = {"what": "footage", "days": 30, "in_file": 30, "is_set": False, "held": None, "begins_at": None}
        self.assertEqual((footage, alarms), (shape, shape | {"what": "alarms", "days": 0, "in_file": 0}))
        self.assertEqual((lines["days"], lines["removed_before"], lines["begins_at"]), (730, clock.iso(SINCE), None))
        self.assertEqual((journals["days"], journals["begins_at"]), (365, clock.iso(SINCE + timedelta(days=7))))

    def test_days_that_are_set(self) -> None:
        """What goes is told first, must be confirmed, and goes in a week; the journal knows who set it."""
        self.shop.old_rows.older["lines"] = Leaving({"lines": 12, "tickets": 3, "exceptions": 0}, SINCE)
        plan = self.browser.get("/api/v1/storage/lines/plan?days=400").json
        self.assertEqual((plan["before"], plan["days"], plan["erases"]), (730, 400, True))
        self.assertEqual(
            (plan["count"], plan["oldest"]), ({"lines": 12, "tickets": 3, "exceptions": 0}, clock.iso(SINCE))
        )
        body = {"days": 400, "before": 730}
        refused = self.patch("/api/v1/storage/lines", body)
        self.assertEqual((refused.code, refused.json["error"]["field"]), (409, "confirmed"))
        saved = self.patch("/api/v1/storage/lines", body | {"confirmed": True}).json
        self.assertEqual((saved["kept"]["days"], saved["kept"]["held"], saved["kept"]["is_set"]), (400, 730, True))
        self.assertEqual(saved["begins_at"], saved["kept"]["begins_at"])
        ((kind, text, values, _, user),) = self.shop.notes
        self.assertEqual((kind, text, user), ("audit", "kept_days_fewer", "anna"))
        entry = JournalEntry(id=1, at=SINCE, kind=kind, text=text, values=values, user=user)
        said = notes.words(entry, i18n.Translations("en"))
        self.assertIn("anna set how long it is kept. Tickets and exceptions: 400 days, before: 730 days. What", said)
        stale = self.patch("/api/v1/storage/lines", body | {"confirmed": True})
        self.assertEqual((stale.code, stale.json["error"]["field"]), (409, "before"))
        again = self.patch("/api/v1/storage/lines", {"days": None}).json
        self.assertEqual(
            (again["kept"]["days"], again["kept"]["is_set"], again["kept"]["begins_at"]), (730, False, None)
        )
        self.patch("/api/v1/storage/alarms", {"days": 7})
        entry = JournalEntry(
            id=1, at=SINCE, kind="audit", text="kept_days_set", values=self.shop.notes[-1][2], user="anna"
        )
        self.assertIn(
            "Recordings of alarms: 7 days, before: without limit.", notes.words(entry, i18n.Translations("en"))
        )

    def test_days_that_cannot_be(self) -> None:
        for body, field in (
            ({"days": 30}, "days"), ({"days": "400"}, "days"), ({"days": 36501}, "days"), ({}, "days"),
            ({"days": 400, "confirmed": 1}, "confirmed"), ({"days": 400, "more": 1}, "more"),
        ):  # fmt: skip
            refused = self.patch("/api/v1/storage/journals", body)
            self.assertEqual((refused.code, refused.json["error"]["field"]), (400, field), body)
        self.assertEqual(self.browser.get("/api/v1/storage/journals/plan?days=30").code, 400)
        self.assertEqual(self.browser.get("/api/v1/storage/goods/plan?days=30").code, 404)
        self.assertEqual(self.patch("/api/v1/storage/goods", {"days": 400}).code, 404)

    def test_for_who_sets_the_server_up(self) -> None:
        boris = Browser(self.shop, token=self.shop.token("boris"))
        for answer in (
            boris.get("/api/v1/storage"),
            boris.get("/api/v1/storage/lines/plan?days=400"),
            boris.ask("PATCH", "/api/v1/storage/lines", json={"days": 400, "confirmed": True}),
        ):
            self.assertEqual(answer.code, 403)
        self.assertEqual(self.shop.notes, [])

    def notes(self, q: str) -> list[str]:
        return self.browser.get(f"/api/v1/lines/query?q={quote(q)}").json["notes"]

    def test_a_search_that_reaches_further_back(self) -> None:
        """It is told from when on there are lines; a search that does not say when is about what there is."""
        asked = "date:2024-02-01..2024-04-01"
        self.assertEqual(self.notes(asked), [])
        self.shop.kept_since = SINCE
        self.assertEqual(self.notes(asked), ["Tickets from before 3 March 2024 are no longer kept."])
        self.assertEqual(self.notes("date:2024-03-03..2024-04-01"), [])
        self.assertEqual(self.notes("bread"), [])


class SentenceTests(SynchronousTestCase):
    def test_days_and_counts_in_words(self) -> None:
        """As a person of the language writes them."""
        values = {"day": "2024-03-03", "tickets": 1871, "lines": 37412, "exceptions": 0}
        entry = JournalEntry(id=1, at=SINCE + timedelta(days=730), kind="system", text="lines_gone", values=values)
        said = notes.words(entry, i18n.Translations("en"))
        self.assertIn("3 March 2024", said)
        self.assertIn("37,412 lines", said)
