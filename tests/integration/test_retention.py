"""A server whose rows are old: what goes, what stays, and what every page says of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import psycopg2
from support.database import cluster
from support.needs import needs
from support.outside import OneServer, soon
from support.server import Server

NAME = "test_retention"
NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=800)
FILL = """
insert into line_words (key, words) values (1, 'vieille tarte'), (2, 'tarte');
insert into ticket (id, protocol, source, number, opened_at, closed_at, last_at, seller, line_count)
    select n, 'pos', '1', n::text, at, at, at, 'ZOE', 2
    from (select n, case when n <= 40 then %(old)s else %(now)s end + n * interval '1 s' as at
          from generate_series(1, 60) n) each;
insert into line (id, received_at, protocol, source, peer, ticket, ticket_id, seller, customer, type, special, code,
        barcode, text, tender, card, raw, cameras, words)
    select 1000 + 2 * id + n, opened_at + n * interval '1 ms', 'pos', '1', '', number, id, 'ZOE', '', 'A', '', '',
        '', case when id <= 40 then 'VIEILLE TARTE' else 'TARTE' end, '', '', 'x', '{}',
        case when id <= 40 then 1 else 2 end
    from ticket cross join generate_series(0, 1) n;
insert into rule_exception (id, rule_id, rule, at, source, seller, ticket, ticket_id, line_id, lines, deed, text,
        cameras, alarm, verdict)
    select id, 1, 'Voids', opened_at, '1', 'ZOE', number, id, 1000 + 2 * id, array[1000 + 2 * id], 'void', 'TARTE',
        '{}', false, case id when 7 then 'real' when 8 then 'harmless' else '' end
    from ticket where id in (7, 8, 9, 50);
insert into journal (id, at, kind, text) select n, %(old)s, 'system', 'stopped' from generate_series(1, 30) n;
update removal set announced = %(now)s - interval '738 days', announced_at = %(now)s - interval '8 days'
    where what = 'lines';
"""
TICKETS_GONE = {"tickets": 39, "lines": 78, "exceptions": 2}


@needs("postgresql")
class RetentionTests(OneServer):
    server: ClassVar[Server]

    @classmethod
    def setUpClass(cls) -> None:
        cluster().make(NAME, "camtrace_template")
        cls.addClassCleanup(cluster().drop, NAME)
        with psycopg2.connect(cluster().dsn(NAME)) as connection, connection.cursor() as cursor:
            cursor.execute(FILL, {"old": OLD, "now": NOW - timedelta(hours=1)})
        connection.close()
        cls.server = Server(dsn=cluster().dsn(NAME))
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        cls.server.administrator()

    def journal(self, text: str) -> list[dict[str, Any]]:
        return [entry for entry in self.get("/journal", kind="system")["items"] if entry["text"] == text]

    def test_old_rows_go(self) -> None:
        self.say(b"1|0|7|0|A|1|148|TARTE|16,00\n")  # tills speak meanwhile
        (gone,) = soon(lambda: self.journal("lines_gone"), "the word of the journal")
        self.assertEqual({key: gone["values"][key] for key in TICKETS_GONE}, TICKETS_GONE)
        self.lines(43)  # forty of now, two of the exception that was found to be real, and the one that was said
        self.assertEqual([line["ticket"] for line in self.lines(2, text="vieille")], ["7", "7"])
        exceptions = self.get("/exceptions")["items"]
        self.assertEqual([(one["ticket"], one["verdict"]) for one in exceptions], [("50", "new"), ("7", "real")])
        self.assertEqual(len(self.get("/tickets/7")["lines"]), 2)
        self.refused(404, "not_found", None, "GET", "/tickets/9")
        status, judged = self.server.call("PATCH", "/api/v1/exceptions/9", {"verdict": "real"})
        self.assertEqual((status, judged["error"]["message"]), (404, "this exception does not exist"))
        start = (OLD - timedelta(days=1)).date()
        told = self.get("/lines/query", q=f"date:{start}..{NOW.date()}")["notes"]
        self.assertEqual(len(told), 1)
        self.assertIn("are no longer kept", told[0])
        long_ago = {"start": OLD.timestamp() - 3600, "stop": OLD.timestamp() + 3600}
        self.assertEqual(self.get("/reports", by="seller", **long_ago)["items"], [])
        draft = {"rule": {"lines": {"deeds": ["article"]}}, **long_ago}
        status, tried = self.server.call("POST", "/api/v1/rules/try", draft)
        self.assertEqual((status, tried["count"]), (200, 2), tried)
        storage = self.get("/storage")
        kept = {one["what"]: one for one in storage["kept"]}
        self.assertGreater(storage["database_bytes"], 1_000_000)
        self.assertIsNotNone(kept["lines"]["removed_before"])
        # journals of which the journal has not told yet stay for a week
        (told,) = soon(lambda: self.journal("journals_will_go"), "the word of the journal")
        self.assertEqual(told["values"], {"day": told["values"]["day"], "days": 365})
        self.assertEqual(len(self.journal("stopped")), 30)
        self.assertIsNotNone(kept["journals"]["begins_at"])
        self.assertIsNone(kept["journals"]["removed_before"])
        # other days, set while it runs
        self.assertFalse(self.get("/storage/lines/plan", days=31)["erases"], "what is left of then stays")
        plan = self.get("/storage/journals/plan", days=40)
        self.assertEqual((plan["before"], plan["count"]), (365, {"entries": 30, "alarms": 0, "losses": 0}))
        body = {"days": 40, "before": 365}
        self.refused(409, "conflict", "confirmed", "PATCH", "/storage/journals", body)
        status, saved = self.server.call("PATCH", "/api/v1/storage/journals", body | {"confirmed": True})
        self.assertEqual((status, saved["kept"]["days"], saved["kept"]["held"]), (200, 40, 365), saved)
        soon(lambda: self.get("/journal", kind="audit", text="how long it is kept")["items"], "the word of who set it")
        self.assertEqual(len(self.journal("stopped")), 30)
        status, saved = self.server.call("PATCH", "/api/v1/storage/footage", {"days": 20})
        self.assertEqual((status, saved["kept"]["is_set"], saved["kept"]["held"]), (200, True, None), "there is none")
