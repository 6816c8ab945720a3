"""What is kept, for how long, and that it is told where older things are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from support.web import Browser, Disk, WebShop
from twisted.trial.unittest import SynchronousTestCase

from camtrace import clock, i18n, notes
from camtrace.model import JournalEntry, Removal

SINCE = datetime(2024, 3, 2, 23, tzinfo=UTC)  # midnight in Paris


class StorageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.shop = WebShop()
        self.browser = Browser(self.shop, token=self.shop.token())

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
        self.assertEqual((footage, alarms), ({"what": "footage", "days": 30}, {"what": "alarms", "days": 0}))
        self.assertEqual((lines["days"], lines["removed_before"], lines["begins_at"]), (730, clock.iso(SINCE), None))
        self.assertEqual((journals["days"], journals["begins_at"]), (365, clock.iso(SINCE + timedelta(days=7))))

    def test_for_who_sets_the_server_up(self) -> None:
        self.assertEqual(Browser(self.shop, token=self.shop.token("boris")).get("/api/v1/storage").code, 403)

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
