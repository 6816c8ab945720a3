"""Rules, exceptions and reports over the API."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from support.rules import said
from support.web import Browser, WebShop
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from camtrace import clock
from camtrace.model import DEEDS, RULE_KINDS, RuleException, StillTest
from camtrace.tickets.comparison import TRACES
from camtrace.tickets.deeds import DEEDS_OF
from camtrace.tickets.presets import PRESETS

VOIDS = {"name": "Voids", "lines": {"deeds": ["void"], "amount_min": "12,50"}}


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.shop = WebShop(Clock())
        boris = self.shop.users.users["boris"]
        rights = boris.profile.rights | {"exceptions"}
        self.shop.users.users["boris"] = replace(boris, profile=replace(boris.profile, rights=rights))
        self.anna = Browser(self.shop, self.shop.token())
        self.boris = Browser(self.shop, self.shop.token("boris"))

    def made(self, **body: Any) -> dict[str, Any]:
        answer = self.anna.ask("POST", "/api/v1/rules", json={**VOIDS, **body})
        self.assertEqual(answer.code, 201, answer.body)
        return answer.json

    def refused(self, body: Any, path: str = "/api/v1/rules", method: str = "POST") -> str:
        answer = self.anna.ask(method, path, json=body)
        self.assertEqual(answer.code, 400, answer.body)
        return answer.json["error"]["field"]


class RuleTests(Case):
    def test_made_changed_removed(self) -> None:
        rule = self.made(still={"seconds": 30, "zone": "counter", "camera": 2})
        self.assertEqual((rule["enabled"], rule["kind"], rule["alarm"], rule["unseen"]), (False, "line", True, ["1"]))
        self.assertEqual(rule["lines"]["amount_min"], "12.50")
        self.assertEqual(rule["still"], {"seconds": 30, "zone": "counter", "camera": 2})
        self.assertEqual(self.shop.rules.rules[1].still.camera, 102)
        self.assertEqual(self.anna.get("/api/v1/rules").json["items"], [rule])
        path = f"/api/v1/rules/{rule['id']}"
        changed = self.anna.ask("PATCH", path, json={"enabled": True, "lines": {"amount_min": None}})
        self.assertEqual((changed.json["enabled"], changed.json["lines"]["amount_min"]), (True, None))
        self.assertEqual(changed.json["lines"]["deeds"], ["void"])
        self.assertEqual(self.anna.ask("PATCH", path, json={"enabled": True}).json, changed.json)
        self.assertEqual(self.anna.ask("POST", "/api/v1/rules", json=VOIDS).code, 409)
        self.assertEqual(self.anna.ask("DELETE", path).code, 204)
        self.assertEqual(self.anna.get(path).code, 404)
        self.assertEqual([note[1] for note in self.shop.notes], ["rule_added", "rule_changed", "rule_deleted"])

    def test_a_camera_that_was_removed_is_not_any_camera(self) -> None:
        gone = replace(PRESETS[0], id=5, name="Gone", still=StillTest(seconds=30, camera=999))
        self.shop.rules.rules[5] = gone
        shown = self.anna.get("/api/v1/rules/5").json
        self.assertEqual(shown["still"]["camera"], 0)
        changed = self.anna.ask("PATCH", "/api/v1/rules/5", json={**shown, "popup": True})
        self.assertEqual((changed.code, self.shop.rules.rules[5].still.camera), (200, 999))
        self.assertEqual(self.refused({**VOIDS, "still": {"camera": 0}}), "still.camera")

    def test_each_fault_with_its_field(self) -> None:
        for body, field in [
            ({"lines": {"deeds": ["void"]}}, "name"),
            ({"name": "x"}, "lines.deeds"),
            ({**VOIDS, "lines": {"deeds": ["theft"]}}, "lines.deeds"),
            ({**VOIDS, "lines": {"deeds": "void"}}, "lines.deeds"),
            ({**VOIDS, "lines": []}, "lines"),
            ({**VOIDS, "lines": {"amount_min": "x"}}, "lines.amount_min"),
            ({**VOIDS, "lines": {"amount_min": -1}}, "lines.amount_min"),
            ({**VOIDS, "lines": {"amount_min": "NaN"}}, "lines.amount_min"),
            ({**VOIDS, "lines": {"deeds": ["void"], "amount_min": "5", "amount_max": 4}}, "lines.amount_max"),
            ({**VOIDS, "lines": {"calendar": "nights"}}, "lines.calendar"),
            ({**VOIDS, "lines": {"colour": 1}}, "lines.colour"),
            ({**VOIDS, "colour": 1}, "colour"),
            ({**VOIDS, "kind": "picture"}, "kind"),
            ({**VOIDS, "kind": "ticket"}, "ticket.has"),
            ({**VOIDS, "kind": "ticket", "ticket": {"unfinished": True}, "still": {"seconds": 9}}, "still.seconds"),
            ({**VOIDS, "kind": "window", "window": {"seconds": 0}}, "window.seconds"),
            ({**VOIDS, "kind": "window", "window": {"measure": "ratio", "among": []}}, "window.among"),
            ({**VOIDS, "kind": "ticket", "ticket": {"silence_seconds": 600}}, "ticket.has"),
            ({**VOIDS, "kind": "ticket", "ticket": {"silence_seconds": 59}}, "ticket.silence_seconds"),
            ({**VOIDS, "kind": "ticket", "ticket": {"pause_min": 0}}, "ticket.pause_min"),
            ({**VOIDS, "kind": "number", "number": {"looks_for": "order"}}, "number.looks_for"),
            ({**VOIDS, "kind": "number", "still": {"seconds": 9}}, "still.seconds"),
            ({**VOIDS, "lines": {"deeds": ["article"], "price_min": 2, "price_max": 1}}, "lines.price_max"),
            ({**VOIDS, "still": {"camera": 77}}, "still.camera"),
        ]:
            self.assertEqual(self.refused(body), field, body)

    def test_presets_can_be_saved_as_they_are(self) -> None:
        presets = self.boris.get("/api/v1/rules/presets").json["items"]
        self.assertGreater(len(presets), 35)
        self.assertEqual({preset["kind"] for preset in presets}, set(RULE_KINDS))
        for preset in presets:
            answer = self.anna.ask("POST", "/api/v1/rules", json=preset)
            self.assertEqual(answer.code, 201, answer.body)

    def test_who_may(self) -> None:
        self.assertEqual(self.boris.get("/api/v1/rules").code, 200)
        self.assertEqual(self.boris.ask("POST", "/api/v1/rules", json=VOIDS).code, 403)
        self.assertEqual(self.boris.ask("POST", "/api/v1/rules/try", json={"rule": VOIDS}).code, 403)


class TryTests(Case):
    def setUp(self) -> None:
        super().setUp()
        now = clock.now()
        self.shop.rules.lines = [
            replace(
                said(n, "S", special="ANNULE", amount="16.00", text="TARTE"),
                received_at=now - timedelta(minutes=n),
                cameras=(101,) if n % 2 else (102,),
            )
            for n in range(1, 11)
        ]

    def test_the_first_hits_with_camera_and_instant(self) -> None:
        answer = self.anna.ask("POST", "/api/v1/rules/try", json={"rule": {"lines": {"deeds": ["void"]}}, "limit": 3})
        self.assertEqual(answer.code, 200, answer.body)
        found = answer.json
        self.assertEqual((found["count"], found["lines"], found["tickets"], len(found["hits"])), (10, 10, 1, 3))
        hit = found["hits"][0]
        self.assertEqual((hit["cameras"], hit["source"], hit["amount"], hit["deed"]), ([2], "1", "16.00", "void"))
        self.assertEqual(hit["at"], clock.iso(self.shop.rules.lines[-1].received_at))
        self.assertEqual(found["sources"], [{"source": "1", "count": 10}])
        self.assertEqual(sum(hour["count"] for hour in found["hours"]), 10)

    def test_progress_line_by_line(self) -> None:
        body = {"rule": VOIDS, "start": clock.iso(clock.now() - timedelta(hours=1))}
        answer = self.anna.ask("POST", "/api/v1/rules/try", {"Accept": "application/x-ndjson"}, json=body)
        told = [json.loads(line) for line in answer.body.splitlines()]
        self.assertEqual(answer.header("content-type"), "application/x-ndjson")
        self.assertEqual([one.get("done", False) for one in told], [False, False, True])
        self.assertEqual((told[0]["count"], told[1]["share"], told[2]["count"]), (10, 1.0, 10))

    def test_only_what_one_may_see(self) -> None:
        boris = self.shop.users.users["boris"]
        rights = boris.profile.rights | {"settings", "lines"}
        self.shop.users.users["boris"] = replace(boris, profile=replace(boris.profile, rights=rights))
        found = Browser(self.shop, self.shop.token("boris")).ask("POST", "/api/v1/rules/try", json={"rule": VOIDS})
        self.assertEqual((found.json["count"], found.json["lines"]), (5, 5))

    def test_faults(self) -> None:
        for body, field in [
            ({}, "rule"),
            ({"rule": {"kind": "x"}}, "kind"),
            ({"rule": VOIDS, "start": "2026-01-01", "stop": "2025-01-01"}, "stop"),
            ({"rule": VOIDS, "start": "2020-01-01"}, "start"),
            ({"rule": VOIDS, "limit": 0}, "limit"),
            ({"rule": VOIDS, "days": 7}, "days"),
        ]:
            self.assertEqual(self.refused(body, "/api/v1/rules/try"), field, body)


class ExceptionTests(Case):
    def setUp(self) -> None:
        super().setUp()
        at = clock.now()
        self.shop.rules.found = [
            RuleException(
                id=n, rule_id=1 + n % 2, rule="Voids", at=at + timedelta(seconds=n), source="1", line_id=n, lines=(n,),
                deed="void", amount=Decimal("16.00"), cameras=(101 if n < 4 else 102,),
            )
            for n in range(1, 6)
        ]  # fmt: skip

    def ids(self, query: str = "", browser: Browser | None = None) -> list[str]:
        answer = (browser or self.anna).get(f"/api/v1/exceptions{query}")
        self.assertEqual(answer.code, 200, answer.body)
        return [one["id"] for one in answer.json["items"]]

    def test_read_in_pages_and_by_what_is_asked(self) -> None:
        first = self.anna.get("/api/v1/exceptions?limit=2").json
        self.assertEqual([one["id"] for one in first["items"]], ["5", "4"])
        self.assertEqual(self.ids(f"?limit=9&cursor={first['next']}"), ["3", "2", "1"])
        self.assertEqual(self.ids("?rule=1"), ["4", "2"])
        self.assertEqual(self.ids("?camera=2"), ["5", "4"])
        self.assertEqual(self.ids(browser=self.boris), ["3", "2", "1"])
        one = self.anna.get("/api/v1/exceptions/3").json
        self.assertEqual((one["verdict"], one["cameras"], one["lines"], one["amount"]), ("new", [1], ["3"], "16.00"))
        self.assertEqual(one["video"][0]["camera"], 1)
        self.assertEqual([self.boris.get(f"/api/v1/exceptions/{n}").code for n in (3, 4, 99)], [200, 404, 404])

    def test_judged(self) -> None:
        answer = self.boris.ask("PATCH", "/api/v1/exceptions/3", json={"verdict": "harmless", "comment": " ok "})
        one = answer.json
        self.assertEqual((one["verdict"], one["comment"], one["reviewed_by"]), ("harmless", "ok", "boris"))
        self.assertEqual(self.ids("?verdict=harmless"), ["3"])
        self.assertEqual(self.ids("?verdict=new"), ["5", "4", "2", "1"])
        counts = self.anna.get("/api/v1/exceptions/counts").json
        told = {"new": 4, "checking": 0, "harmless": 1, "real": 0}
        first, second = {"key": "1", **told, "new": 2, "harmless": 0}, {"key": "2", **told, "new": 2}
        self.assertEqual(counts, {**told, "by": "rule", "items": [first, second]})
        counted = self.anna.get("/api/v1/exceptions/counts?by=source&source=1").json
        self.assertEqual([item["key"] for item in counted["items"]], ["1"])
        self.assertEqual(self.boris.get("/api/v1/exceptions/counts").json["new"], 2)
        table = self.anna.get("/api/v1/exceptions.csv?verdict=harmless").body.decode("utf-8-sig").splitlines()
        self.assertEqual(
            table[0],
            "Time,Rule,Till,Cashier,Ticket,Line,Amount,Figure,Judged as,Note,By whom,Time in the picture,"
            "Name of the till",
        )
        self.assertIn(",Voids,1,,,,16.00,,Harmless,ok,boris,", table[1])
        quicker = {"verdict": "real", "before": "new"}
        self.assertEqual(self.anna.ask("PATCH", "/api/v1/exceptions/3", json=quicker).code, 409)
        noted = self.anna.ask("PATCH", "/api/v1/exceptions/3", json={"comment": "ok", "before": "harmless"}).json
        self.assertEqual((noted["verdict"], noted["reviewed_by"]), ("harmless", "boris"))  # nothing is changed
        self.assertEqual(self.anna.get("/api/v1/exceptions/counts?rule=1").json["harmless"], 0)
        self.assertEqual(self.refused({"verdict": "theft"}, "/api/v1/exceptions/3", "PATCH"), "verdict")
        self.assertEqual(self.refused({"rule": "x"}, "/api/v1/exceptions/3", "PATCH"), "rule")
        self.assertEqual(self.boris.ask("PATCH", "/api/v1/exceptions/4", json={"verdict": "real"}).code, 404)
        self.assertEqual(self.shop.notes[-1][1:3], ("exception_reviewed", {
            "rule": "Voids", "source": "1", "verdict": "harmless",
        }))  # fmt: skip


class ReportTests(Case):
    def test_side_by_side(self) -> None:
        self.shop.rules.counted = [
            (("Anna",), "sale", 100, Decimal(900)), (("Anna",), "voids", 3, Decimal(20)),
            (("Boris",), "sale", 50, Decimal(400)), (("Boris",), "voids", 1, None),
            (("=Chloé",), "sale", 10, Decimal(90)), (("=Chloé",), "voids", 4, Decimal(8)), (("",), "no_sales", 3, None),
        ]  # fmt: skip
        start, stop = "2026-11-01T00:00:00%2B01:00", "2026-11-08T00:00:00%2B01:00"
        answer = self.anna.get(f"/api/v1/reports?by=seller&start={start}&stop={stop}").json
        rows = {row["key"]: row for row in answer["items"]}
        self.assertEqual(rows["Anna"]["voids"], {
            "count": 3, "amount": "20", "per_hundred": 3.0, "times_usual": 1.0,
            "q": "seller==Anna from:2026-11-01 to:2026-11-07 what:cancelled what:cancelled-ticket",
        })  # fmt: skip
        self.assertEqual(rows[""]["no_sales"]["q"], 'seller=="" from:2026-11-01 to:2026-11-07 what:drawer-without-sale')
        self.assertEqual((rows["=Chloé"]["voids"]["times_usual"], rows[""]["no_sales"]["per_hundred"]), (13.3, None))
        self.assertEqual(
            answer["usual"], {"voids": 3.0, "returns": 0.0, "discounts": 0.0, "gifts": 0.0, "no_sales": 0.0}
        )
        self.assertEqual(self.shop.rules.asked[0][0], ("seller",))
        self.assertEqual(self.shop.rules.asked[0][3:], ("Europe/Paris", TRACES, None))
        table = self.boris.get("/api/v1/reports.csv?by=seller")
        self.assertEqual(table.header("content-type"), "text/csv; charset=utf-8")
        lines = table.body.decode("utf-8-sig").splitlines()
        self.assertTrue(lines[0].startswith("Cashier,Sales,Total,Cancelled,Amount,to 100 sales"))
        self.assertIn("'=Chloé,10,90,4,8,40.0,13.3", lines[2])
        self.assertEqual(self.shop.rules.asked[1][5], [101])
        self.assertLessEqual(set(DEEDS_OF.values()), set(DEEDS))

    def test_one_over_time_beside_the_others(self) -> None:
        self.shop.rules.counted = [
            (("Anna", "2026-11-02"), "voids", 6, Decimal(20)), (("Anna", "2026-11-02"), "sale", 100, Decimal(900)),
            (("Boris", "2026-11-02"), "sale", 50, Decimal(400)), (("Boris", "2026-11-02"), "voids", 1, None),
            (("Chloé", "2026-11-02"), "sale", 10, Decimal(400)), (("Chloé", "2026-11-03"), "sale", 10, Decimal(400)),
        ]  # fmt: skip
        span = "start=2026-11-01T23:00Z&stop=2026-11-03T23:00Z"
        answer = self.anna.get(f"/api/v1/reports/course?by=seller&key=Anna&over=day&{span}").json
        monday, tuesday = answer["items"]
        self.assertEqual((monday["key"], monday["sales"], tuesday["sales"]), ("2026-11-02", 100, 0))
        self.assertEqual(monday["voids"], {
            "count": 6, "amount": "20", "per_hundred": 6.0, "times_usual": 6.0, "usual": 0.5, "usual_per_hundred": 1.0,
            "q": "seller==Anna date:2026-11-02 what:cancelled what:cancelled-ticket",
        })  # fmt: skip
        self.assertEqual((tuesday["voids"]["count"], tuesday["voids"]["usual"]), (0, None))
        table = self.anna.get(f"/api/v1/reports/course.csv?by=seller&key=Anna&over=day&{span}")
        heads, *lines = table.body.decode("utf-8-sig").splitlines()
        self.assertTrue(heads.startswith("Cashier,Day,Sales,Total,Cancelled,Amount,Usual of the others,to 100 sales,"))
        self.assertTrue(lines[0].startswith("Anna,2026-11-02,100,900,6,20,0.5,6.0,1.0,0,"), lines[0])
        self.assertEqual((len(lines), {line.count(",") for line in (heads, *lines)}), (2, {28}))
        self.shop.rules.counted = [(("7", "09"), "voids", 1, None), (("8", "11"), "voids", 2, None)]
        answer = self.anna.get(f"/api/v1/reports/course?by=source&key=7&over=hour&{span}").json
        self.assertEqual([item["key"] for item in answer["items"]], ["09", "10", "11"])
        self.assertEqual(answer["items"][0]["q"], "till==7 time:09:00-10:00 from:2026-11-02 to:2026-11-03 what:sale")
        self.assertEqual(self.anna.get("/api/v1/reports/course?by=day&key=7").code, 400)

    def test_faults(self) -> None:
        for query, field in (
            ("by=colour", "by"),
            ("start=2020-01-01", "start"),
            ("start=2026-01-02&stop=2026-01-01", "stop"),
        ):
            answer = self.anna.get(f"/api/v1/reports?{query}")
            self.assertEqual((answer.code, answer.json["error"]["field"]), (400, field))


class OffsetTests(Case):
    def test_links_lead_to_the_second_of_the_picture(self) -> None:
        self.assertEqual(
            self.anna.ask("PATCH", "/api/v1/sources/1", json={"offset_ms": 2500, "label": "Bar"}).code, 200
        )
        line = said(3, "S", special="ANNULE", text="TARTE")
        self.shop.log.stored = [line]
        self.shop.rules.found = [
            RuleException(
                id=9,
                rule_id=1,
                rule="Voids",
                at=line.received_at,
                source="1",
                line_id=line.id,
                cameras=(101,),
                popup=True,
            )
        ]
        shown, begins = "2026-11-20T12:00:05.500000Z", "2026-11-20T11%3A59%3A55.500000Z"
        (found,) = self.anna.get("/api/v1/lines").json["items"]
        self.assertEqual((found["received_at"], found["picture_at"]), ("2026-11-20T12:00:03.000000Z", shown))
        self.assertIn(f"start={begins}", found["video"][0]["url"])
        (found,) = self.anna.get("/api/v1/exceptions").json["items"]
        self.assertEqual((found["picture_at"], found["popup"]), (shown, True))
        self.assertIn(f"start={begins}", found["video"][0]["url"])
        replay = "/replay/1?at=1795176005.500"
        rows = self.anna.get("/api/v1/lines.csv").body.decode("utf-8-sig").splitlines()
        self.assertIn("2026-11-20 13:00:05,http://", rows[1])
        self.assertTrue(rows[1].endswith(f"{replay},Bar"), rows[1])
        self.assertTrue(self.anna.get("/api/v1/exceptions.csv").body.decode().splitlines()[1].endswith(",Bar"))
        self.assertEqual(len(self.anna.get("/api/v1/lines?q=till:BAR").json["items"]), 1)
        self.assertEqual(self.anna.get("/api/v1/lines?q=-till:bar").json["items"], [])
        self.assertIn(replay.encode(), self.anna.get("/api/v1/lines.pdf").body)
        self.assertIn("2026-11-20 13:00:05", self.anna.get("/api/v1/exceptions.csv").body.decode().splitlines()[1])
