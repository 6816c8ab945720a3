"""The external log, tickets and journal over the API."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from pypdf import PdfReader
from support.web import NOON, Browser, WebShop, sale
from twisted.trial.unittest import SynchronousTestCase

from camtrace.errors import Invalid
from camtrace.model import Comparison, JournalEntry, LineSearch, Named, Profile, Ticket
from camtrace.web.answers import read_cursor, read_instant, write_cursor

PARIS = ZoneInfo("Europe/Paris")


class InstantTests(SynchronousTestCase):
    """Instants as programs write them."""

    def test_forms(self) -> None:
        """Unix seconds and ISO 8601 in its usual dresses mean the same."""
        for text in (
            "1795176000",
            "1795176000.0",
            "2026-11-20T12:00:00Z",
            "2026-11-20T12:00:00",
            "2026-11-20 12:00",
            "2026-11-20T13:00:00+01:00",
            "2026-11-20T13:00:00 01:00",
            "20261120T120000Z",
        ):
            self.assertEqual(read_instant(text, "at"), NOON, text)

    def test_fractions(self) -> None:
        """Microseconds are kept exactly."""
        self.assertEqual(read_instant("1795176000.000001", "at"), NOON + timedelta(microseconds=1))

    def test_no_instants(self) -> None:
        """Words, figures out of reach, and not-a-number."""
        for text in ("", "now", "nan", "inf", "1e9", "999999999999", "2026-02-30", "25:00", "0x10"):
            self.assertRaises(Invalid, read_instant, text, "at")


class CursorTests(SynchronousTestCase):
    """Places in lists."""

    def test_round_trip(self) -> None:
        """What was written is read."""
        place = (NOON + timedelta(microseconds=7), 2**63 - 1)
        self.assertEqual(read_cursor(write_cursor(place)), place)

    def test_not_ours(self) -> None:
        """Anything else is refused."""
        for text in ("x", "====", "é", "MTIz", "LjEy", "A" * 5000):
            self.assertRaises(Invalid, read_cursor, text)


class LinesApiTests(SynchronousTestCase):
    """The external log."""

    def setUp(self) -> None:
        self.shop = WebShop()
        self.anna = Browser(self.shop, token=self.shop.token())
        self.shop.log.stored = [sale(number).line for number in range(1, 6)]

    def test_shape(self) -> None:
        """A line as the contract has it."""
        line = self.anna.get("/api/v1/lines?limit=1").json["items"][0]
        self.assertEqual(line["id"], str(self.shop.log.stored[-1].id))
        self.assertEqual(line["received_at"], "2026-11-20T12:00:05.000000Z")
        self.assertEqual((line["amount"], line["quantity"], line["price"]), ("16.00", "1", None))
        self.assertEqual((line["type"], line["source"], line["cameras"]), ("A", "1", [1]))
        self.assertEqual(base64.b64decode(line["raw"]), b"1|0|7|0|A|BREAD")
        url = "/api/v1/cameras/1/video.mp4?start=2026-11-20T11%3A59%3A55.000000Z&stop=2026-11-20T12%3A00%3A25.000000Z"
        self.assertEqual(line["video"], [{"camera": 1, "url": url}])

    def test_pages(self) -> None:
        """Following the cursor gives every line once, in both orders."""
        for order, expected in (("desc", [5, 4, 3, 2, 1]), ("asc", [1, 2, 3, 4, 5])):
            seen, cursor = [], ""
            while cursor is not None:
                page = self.anna.get(f"/api/v1/lines?limit=2&order={order}&cursor={cursor}").json
                seen += [int(line["received_at"][17:19]) for line in page["items"]]
                cursor = page["next"]
            self.assertEqual(seen, expected)

    def test_questions(self) -> None:
        """Each parameter reaches the store as what it is."""
        self.anna.get(
            "/api/v1/lines?camera=1&source=1&ticket=12&seller=7&type=S&code=99&text=caf%C3%A9%20%D0%A5&amount_min=1,5"
            "&amount_max=20.00&special=ANNULE&start=1795176000&stop=2026-11-20T13:00:00Z&ticket_id=7"
        )
        expected = LineSearch(
            camera_uids=(101,),
            exactly=(Named("till", ("1",)), Named("cashier", ("7",)), Named("special", ("ANNULE",))),
            names=(Named("ticket", ("12",)), Named("type", ("S",)), Named("code", ("99",))),
            texts=("café Х",),
            comparisons=(Comparison("amount", ">=", Decimal("1.5")), Comparison("amount", "<=", Decimal("20.00"))),
            start=NOON,
            stop=NOON + timedelta(hours=1),
            ticket_id=7,
            zone=PARIS,
        )
        self.assertEqual(self.shop.log.wanted, [expected])

    def test_a_query_and_parameters_together(self) -> None:
        """All that is asked must hold, whichever way it is said."""
        question = "q=pain amount>3 camera:1 caisse:1 date:2026-11-20&quantity_max=2&start=2026-11-20T12:00:02Z"
        self.assertEqual(self.anna.get(f"/api/v1/lines?{question}&text=frais").json["items"], [])
        wanted = self.shop.log.wanted[0]
        self.assertEqual((wanted.texts, wanted.camera_uids), (("pain", "frais"), (101,)))
        self.assertEqual(wanted.comparisons[1], Comparison("quantity", "<=", Decimal(2)))
        self.assertEqual(wanted.start, NOON + timedelta(seconds=2))
        found = self.anna.get("/api/v1/lines?q=bread qty:1 time:12:00-14:00 -milk").json["items"]
        self.assertEqual(len(found), 5)
        self.assertEqual(self.anna.get("/api/v1/lines?q=camera:77").json["items"], [])
        self.anna.get("/api/v1/lines?q=seller==Zoé&tender=CB")
        self.assertEqual(self.shop.log.wanted[-1].exactly, (Named("seller", ("Zoé",)), Named("tender", ("CB",))))

    def test_a_query_reaches_no_other_cameras(self) -> None:
        """Who sees one camera finds what it watched, whatever is asked."""
        self.shop.users.users["boris"] = replace(
            self.shop.users.users["boris"],
            profile=Profile(9, "till", frozenset({"lines"}), frozenset({101})),
        )
        boris = Browser(self.shop, token=self.shop.token("boris"))
        self.shop.log.stored += [sale(9, uids=(102,)).line]
        self.assertEqual(len(boris.get("/api/v1/lines?q=bread").json["items"]), 5)
        self.assertEqual(boris.get("/api/v1/lines?q=camera:2").json["items"], [])
        self.assertIn("no camera 2", boris.get("/api/v1/lines/query?q=camera:2").json["notes"][0])
        self.assertEqual(boris.get("/api/v1/lines.csv").body.count(b"BREAD"), 5)

    def test_how_a_query_is_understood(self) -> None:
        """In the words of who asks, with the way to each query that lacks one condition."""
        answer = self.anna.get("/api/v1/lines/query?q=pain montant>20,5 caisse:7 couleur:rouge").json
        self.assertEqual(answer["q"], 'pain amount>20.5 till:7 "couleur:rouge"')
        self.assertEqual(answer["conditions"][1]["text"], "amount over {value}")
        self.assertEqual(answer["conditions"][1]["without"], 'pain till:7 "couleur:rouge"')
        self.assertEqual(answer["conditions"][1]["turned"], 'pain amount<=20.5 till:7 "couleur:rouge"')
        self.assertEqual(answer["form"], {"amount_min": "20.5", "till": "7"})
        self.assertEqual(answer["words"], ["pain", "couleur:rouge"])
        self.assertEqual(len(answer["notes"]), 1)

    def test_a_form_writes_the_query(self) -> None:
        """What the form says replaces what stood in the box, in the language of the page."""
        form = "fields=till,seller,amount_min,date&till=8&seller=Zo%C3%A9&amount_min=20&date=yesterday"
        asked = f"/api/v1/lines/query?q=pain till:7 amount>20 code:1&{form}"
        answer = self.anna.get(asked, headers={"Cookie": "language=fr"}).json
        self.assertEqual(answer["q"], "pain caisse:8 montant>20 code:1 vendeur:Zoé date:hier")

    def test_hits_over_time(self) -> None:
        """Hours of a short time, days of a longer one; null where it takes too long."""
        answer = self.anna.get("/api/v1/lines/hits?q=bread").json
        self.assertEqual((answer["unit"], answer["lines"], answer["all"]), ("hour", 5, True))
        self.assertEqual(answer["items"], [{"at": "2026-11-20T12:00:00.000000Z", "lines": 5}])
        self.shop.log.stored.append(replace(sale(6).line, received_at=NOON - timedelta(days=40)))
        answer = self.anna.get("/api/v1/lines/hits").json
        self.assertEqual((answer["unit"], len(answer["items"])), ("day", 2))
        self.assertEqual(answer["items"][1]["at"], "2026-11-19T23:00:00.000000Z")  # midnight in Paris
        self.shop.log.counts = False
        self.assertEqual(self.anna.get("/api/v1/lines/hits").json["items"], None)
        self.assertEqual(self.anna.get("/api/v1/lines/hits?q=nowhere").json["items"], None)

    def test_the_file_for_spreadsheets(self) -> None:
        """Every column, decimals as the language writes them, nothing that is taken for a formula."""
        line = replace(sale(6).line, text="=1+1", amount=Decimal("-1.50"), seller="Зоя")
        self.shop.log.stored.append(line)
        answer = self.anna.get("/api/v1/lines.csv?q=1%2B1", headers={"Cookie": "language=fr"})
        self.assertEqual(answer.header("content-type"), "text/csv; charset=utf-8")
        rows = list(csv.reader(answer.body.decode("utf-8-sig").splitlines(), delimiter=";"))
        self.assertEqual(rows[1][:4], ["2026-11-20 13:00:06", "1", "", "Зоя"])
        self.assertEqual((rows[1][9], rows[1][12], rows[1][16]), ("'=1+1", "-1,50", "1"))
        self.assertEqual(len(rows), 2)

    def test_the_list_to_print(self) -> None:
        """A PDF with the site's name and what was asked on top, in any letters, over several pages."""
        self.shop.log.stored = [sale(number, text=f"МОЛОКО № {number}", seller="Zoé").line for number in range(1, 150)]
        answer = self.anna.get("/api/v1/lines.pdf?q=молоко till:1", headers={"Cookie": "language=fr"})
        self.assertEqual(answer.header("content-type"), "application/pdf")
        self.assertIn(".pdf", answer.header("content-disposition"))
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(answer.body)).pages]
        self.assertEqual(len(pages), 3)
        for words in ("Marché Sud", "молоко", "149 lignes", "МОЛОКО № 149", "13:02:29", "16,00", "novembre 2026"):
            self.assertIn(words, pages[0])
        self.assertIn("МОЛОКО № 1", pages[2])
        self.assertIn("Marché Sud", pages[2])
        nothing = self.anna.get("/api/v1/lines.pdf?q=nowhere")
        self.assertIn("No line matches", PdfReader(io.BytesIO(nothing.body)).pages[0].extract_text())

    def test_what_does_not_go_into_a_list_to_print(self) -> None:
        """A letter that the font has not is told by a sign; figures and numbers of tickets become smaller, not cut."""
        self.shop.log.stored = [
            replace(sale(1, text="🥖 שלום baguette x", ticket="123456789012").line, amount=Decimal("12345678.90")),
            sale(2, text="W" * 5000, seller="\u202eabc").line,
        ]
        answer = self.anna.get("/api/v1/lines.pdf", headers={"Cookie": "language=ru"})
        text = PdfReader(io.BytesIO(answer.body)).pages[0].extract_text()
        for words in ("□ □□□□ baguette x", "123456789012", "12345678,90", "Количество", "WWW…"):
            self.assertIn(words, text)

    def test_bad_questions(self) -> None:
        """A parameter that cannot be read is named."""
        for query, field in (
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=ten", "limit"),
            ("cursor=zzz", "cursor"),
            ("amount_min=much", "amount_min"),
            ("amount_max=NaN", "amount_max"),
            ("amount_min=1e999999999", "amount_min"),
            ("amount_min=-1e9999999999999999999999", "amount_min"),
            ("amount_max=1e-999999999", "amount_max"),
            ("amount_max=0e999999999", "amount_max"),
            ("amount_max=1e13", "amount_max"),
            ("order=up", "order"),
            ("ticket_id=x", "ticket_id"),
        ):
            answer = self.anna.get(f"/api/v1/lines?{query}")
            self.assertEqual((answer.code, answer.json["error"]["field"]), (400, field), query)
        self.assertEqual(self.anna.get("/api/v1/lines?camera=77").code, 404)

    def test_of_a_deleted_camera(self) -> None:
        """Lines name only existing cameras by number; the footage of a deleted one is linked under its uid."""
        self.shop.log.stored = [sale(1, uids=(90, 101)).line]
        line = self.anna.get("/api/v1/lines?camera=uid:90").json["items"][0]
        self.assertEqual(self.shop.log.wanted[0].camera_uids, (90,))
        self.assertEqual(line["cameras"], [1])
        self.assertEqual(line["video"][0]["camera"], None)
        self.assertTrue(line["video"][0]["url"].startswith("/api/v1/cameras/uid:90/video.mp4?"))

    def test_some_cameras_only(self) -> None:
        """Who sees some cameras searches only their lines."""
        boris = self.shop.users.users["boris"]
        self.shop.users.users["boris"] = _with_right(boris, "lines")
        browser = Browser(self.shop, token=self.shop.token("boris"))
        self.assertEqual(browser.get("/api/v1/lines").code, 200)
        self.assertEqual(self.shop.log.wanted[0].camera_uids, (101,))
        self.assertEqual(browser.get("/api/v1/lines?camera=2").code, 404)

    def test_tickets(self) -> None:
        """Tickets without lines in the list, with them alone."""
        at = NOON
        self.shop.log.sales = [
            Ticket(id=7, protocol="pos", source="1", number="0", opened_at=at, closed_at=at, total=Decimal("26.00"))
        ]
        listed = self.anna.get("/api/v1/tickets?source=1&state=closed").json["items"][0]
        self.assertEqual((listed["id"], listed["state"], listed["total"]), ("7", "closed", "26.00"))
        self.assertNotIn("lines", listed)
        whole = self.anna.get("/api/v1/tickets/7").json
        self.assertEqual((len(whole["lines"]), whole["tally"]["articles"], whole["total"]), (5, 5, "26.00"))
        for name in ("8", "x", "9" * 40, "٣"):
            self.assertEqual(self.anna.get(f"/api/v1/tickets/{name}").code, 404, name)


class JournalApiTests(SynchronousTestCase):
    """The journals."""

    def test_entries(self) -> None:
        """Newest first, by kind, in pages; a deleted camera has a uid and no number."""
        shop = WebShop()
        shop.journal.stored = [
            JournalEntry(id=3, at=NOON, kind="camera", text="camera_lost", values={"host": "a"}, camera_uid=101),
            JournalEntry(id=2, at=NOON, kind="audit", text="camera_deleted", camera_uid=90, user="anna"),
            JournalEntry(id=1, at=NOON, kind="camera", text="camera_back", camera_uid=101),
        ]
        browser = Browser(shop, token=shop.token())
        first = browser.get("/api/v1/journal?kind=camera&limit=1").json
        self.assertEqual((first["items"][0]["camera"], first["items"][0]["values"]), (1, {"host": "a"}))
        second = browser.get(f"/api/v1/journal?kind=camera&limit=1&cursor={first['next']}").json
        self.assertEqual(([entry["id"] for entry in second["items"]], second["next"]), (["1"], None))
        audit = browser.get("/api/v1/journal?kind=audit").json["items"][0]
        self.assertEqual((audit["camera"], audit["camera_uid"], audit["user"]), (None, "90", "anna"))
        self.assertEqual(browser.get("/api/v1/journal?kind=gossip").code, 400)


def _with_right(user, right):
    return replace(user, profile=replace(user.profile, rights=user.profile.rights | {right}))


class SearchesApiTests(SynchronousTestCase):
    """Searches that people keep."""

    def test_kept_replaced_and_forgotten(self) -> None:
        """Each person has their own."""
        shop = WebShop()
        anna = Browser(shop, token=shop.token())
        for q in ("annule amount>20", "annule amount>30"):
            answer = anna.ask("POST", "/api/v1/searches", json={"name": " Big  cancellations ", "q": q})
            self.assertEqual((answer.code, answer.json["name"], answer.json["q"]), (201, "Big cancellations", q))
        items = anna.get("/api/v1/searches").json["items"]
        self.assertEqual([each["q"] for each in items], ["annule amount>30"])
        for body, field in (
            ({"name": "", "q": "x"}, "name"),
            ({"name": "x"}, "q"),
            ({"name": "x" * 81, "q": "x"}, "name"),
        ):
            answer = anna.ask("POST", "/api/v1/searches", json=body)
            self.assertEqual((answer.code, answer.json["error"]["field"]), (400, field))
        exact = anna.ask("POST", "/api/v1/searches", json={"name": "Exactly", "q": ' seller=="A  b" '}).json
        self.assertEqual(exact["q"], 'seller=="A  b"')
        renamed = anna.ask("PATCH", f"/api/v1/searches/{exact['id']}", json={"name": " Other  name "})
        self.assertEqual((renamed.code, renamed.json["name"], renamed.json["q"]), (200, "Other name", exact["q"]))
        taken = anna.ask("PATCH", f"/api/v1/searches/{exact['id']}", json={"name": items[0]["name"]})
        self.assertEqual((taken.code, taken.json["error"]["field"]), (409, "name"))
        self.assertEqual(anna.ask("PATCH", "/api/v1/searches/9", json={"name": "x"}).code, 404)
        self.assertEqual(anna.ask("PATCH", "/api/v1/searches/9", json={}).code, 400)
        self.assertEqual(anna.ask("DELETE", f"/api/v1/searches/{exact['id']}").code, 204)
        self.assertEqual(anna.ask("DELETE", f"/api/v1/searches/{items[0]['id']}").code, 204)
        self.assertEqual(anna.ask("DELETE", f"/api/v1/searches/{items[0]['id']}").code, 404)
        self.assertEqual(anna.ask("DELETE", "/api/v1/searches/x").code, 404)
        for number in range(100):
            anna.ask("POST", "/api/v1/searches", json={"name": f"{number}", "q": "x"})
        full = anna.ask("POST", "/api/v1/searches", json={"name": "one more", "q": "x"})
        self.assertEqual((full.code, "100" in full.json["error"]["message"]), (400, True))
        boris = Browser(shop, token=shop.token("boris"))
        self.assertEqual(boris.get("/api/v1/searches").code, 403)
