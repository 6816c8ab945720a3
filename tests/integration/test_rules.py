"""A rule on the running server: from a till's socket to an exception and an alarm, through a kill."""

from __future__ import annotations

import socket
from typing import Any

from support.needs import needs
from support.outside import OneServer, soon

from camtrace.prisma.wire import Event, encode

THREE = {
    "name": "Three",
    "enabled": True,
    "kind": "window",
    "lines": {"deeds": ["void"], "sellers": ["7"]},
    "window": {"seconds": 3600, "per": "seller", "measure": "count", "at_least": 3},
}
VOID = b"1|0|7|0|S|1|148|TARTE|ANNULE\n"


@needs("postgresql")
class RuleTests(OneServer):
    def found(self, count: int) -> list[dict[str, Any]]:
        def enough() -> Any:
            items = self.get("/exceptions")["items"]
            return items if len(items) >= count else None

        items: list[dict[str, Any]] = soon(enough, f"{count} exceptions")
        self.assertEqual(len(items), count)
        return items

    def test_counted_through_a_kill(self) -> None:
        camera = self.add_camera(url="rtsp://127.0.0.1:1/none", overlay_ids=["1", "5"], regular={"calendar": "never"})
        draft = {"rule": {"lines": {"deeds": ["void"]}}}
        self.say(b"1|0|7|0|A|1|148|TARTE|16,00\n" + VOID)
        self.lines(2)
        status, tried = self.server.call("POST", "/api/v1/rules/try", draft)
        self.assertEqual((status, tried["count"], tried["hits"][0]["amount"]), (200, 1, "16.00"))
        self.assertEqual(tried["hits"][0]["cameras"], [camera["id"]])

        status, rule = self.server.call("POST", "/api/v1/rules", THREE)
        self.assertEqual(status, 201, rule)
        soon(lambda: self.server.metric("camtrace_rules") == 1, "the rule at work")
        self.say(VOID * 2 + b"2|0|8|0|S|1|148|TARTE|ANNULE\n")
        self.lines(5)
        self.assertEqual(self.get("/exceptions")["items"], [])  # the one of before the rule does not count
        self.server.kill()
        self.server.start()
        self.say(VOID)
        (exception,) = self.found(1)
        *_, newest, trace = self.lines(6, source="1")
        self.assertEqual((trace["type"], trace["ticket_id"]), ("RULE", newest["ticket_id"]))
        self.assertEqual((exception["line"], exception["at"]), (newest["id"], newest["received_at"]))
        self.assertEqual((exception["rule"], exception["figure"], len(exception["lines"])), ("Three", "3", 3))
        (alarm,) = soon(lambda: self.get("/alarms")["items"], "the alarm")
        self.assertEqual((alarm["camera"], alarm["causes"], alarm["triggers"][0]["from"]), (1, ["rule"], "Three"))
        self.server.kill()
        self.server.start()
        self.say(VOID * 3)
        self.found(2)
        row = self.get("/reports", by="seller")["items"]
        self.assertEqual([(each["key"], each["voids"]["count"]) for each in row], [("7", 7), ("8", 1)])
        status, judged = self.server.call("PATCH", f"/api/v1/exceptions/{exception['id']}", {"verdict": "real"})
        self.assertEqual((status, judged["verdict"], judged["reviewed_by"]), (200, "real", "admin"))
        counts = {"new": 1, "checking": 0, "harmless": 0, "real": 1}
        counted = {**counts, "by": "rule", "items": [{"key": str(rule["id"]), **counts}]}
        self.assertEqual(self.get("/exceptions/counts"), counted)
        self.alarms_begin_with_the_picture()
        self.event_61_stands_in_the_log_and_meets_no_rule()

    def alarms_begin_with_the_picture(self) -> None:
        each = {"name": "Each", "enabled": True, "lines": {"deeds": ["void"], "sources": ["5"]}}
        self.assertEqual(self.server.call("POST", "/api/v1/rules", each)[0], 201)
        soon(lambda: self.server.metric("camtrace_rules") == 2, "the rule at work")
        wanted = []
        for offset_ms in (1200, -3000):
            self.assertEqual(self.server.call("PATCH", "/api/v1/sources/5", {"offset_ms": offset_ms})[0], 200)
            self.say(b"5|0|9|0|S|1|148|TARTE|ANNULE\n")
            (one,) = soon(lambda: self.get("/exceptions", source="5")["items"][: -len(wanted) or None], "an exception")
            wanted.append(one["picture_at"])

            def raised() -> Any:
                triggers = [one for alarm in self.get("/alarms")["items"] for one in alarm["triggers"]]
                return sorted(one["at"] for one in triggers if one["from"] == "Each") == sorted(wanted)

            soon(raised, "the alarm")

    def event_61_stands_in_the_log_and_meets_no_rule(self) -> None:
        everything = {"name": "All", "enabled": True, "lines": {"types": ["18", "61", "X", "RULE"]}}
        self.assertEqual(self.server.call("POST", "/api/v1/rules", everything)[0], 201)
        soon(lambda: self.server.metric("camtrace_rules") == 3, "the rule at work")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as till:
            for code in (4, 18):
                event = Event("KKM", "12", code, receipt="41", cashier="Anna")
                till.sendto(encode(event), ("127.0.0.1", self.server.prisma))
        lines = self.lines(3, source="KKM:12")
        self.assertEqual([line["type"] for line in lines], ["4", "18", "61"])
        self.assertEqual((lines[2]["text"], lines[2]["ticket"], lines[2]["seller"]), ("All", "41", "Anna"))
        self.found(5)
        (ticket,) = self.get("/tickets", source="KKM:12")["items"]
        self.assertEqual((ticket["number"], ticket["state"]), ("41", "open"))
        self.say(b"6|42|9|0|A|1|148|TARTE|9,00\n6|42|9|0|X|hello\n")  # the same at a till that speaks lines
        article, _, trace = self.lines(3, source="6")
        self.assertEqual(
            (trace["type"], trace["text"], trace["ticket"], trace["flags"]), ("RULE", "All", "42", ["hidden"])
        )
        self.say(b"6|42|9|0|E|CB|9,00|9,00\n")
        self.found(6)
        (ticket,) = self.get("/tickets", source="6")["items"]
        self.assertEqual((ticket["id"], ticket["state"], ticket["total"]), (article["ticket_id"], "closed", "9.00"))
        self.assertEqual((ticket["line_count"], trace["ticket_id"]), (3, ticket["id"]))
