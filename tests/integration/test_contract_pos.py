"""Tills against the running server: the protocol's example, what is tolerated, and what tills do wrong."""

from __future__ import annotations

import base64
import json
import socket
import unittest
from contextlib import ExitStack
from typing import Any

from support.needs import needs
from support.outside import OneServer, cursor, http_call, raw_call, soon, unix

from camtrace.pos import presets

EXAMPLE = (
    b"1|0|7|0|A|1|148|TARTE POELEE|16,00\n"
    b"1|0|7|0|A|1|165|OEUF PARMESAN|10,00\n"
    b"1|0|7|0|A|1|165|OEUF PARMESAN|10,00\n"
    b"1|0|7|0|S|1|165|OEUF PARMESAN|ANNULE\n"
    b"1|0|7|0|T|ESPECES|20,00|10,00\n"
    b"1|0|7|0|D|10,00\n"
    b"1|0|7|0|E|CHEQUES|16,00|16,00\n"
)
FIELDS = [
    "id",
    "received_at",
    "sent_at",
    "protocol",
    "source",
    "ticket",
    "seller",
    "customer",
    "type",
    "special",
    "position",
    "code",
    "barcode",
    "text",
    "quantity",
    "price",
    "amount",
    "total",
    "tender",
    "discount",
    "total_discount",
    "card",
    "raw",
    "cameras",
    "video",
]


@needs("postgresql")
class TillTests(OneServer):
    """One server; each test is a till of another name."""

    extra = '[pos.encodings]\n"КАССА 3" = "cp866"\nkoi = "koi8-r"\n'

    def stored(self, name: str, data: bytes, count: int = 1) -> list[dict[str, Any]]:
        """The lines that a till called `name` gets stored by sending `data` and hanging up."""
        self.say(data)
        return self.lines(count, source=name)

    def told(self, words: str) -> None:
        """Wait until the journal says so."""

        def found() -> bool:
            return any(words in entry["message"] for entry in self.get("/journal", kind="system", limit=1000)["items"])

        soon(found, words)

    def test_example(self) -> None:
        """The protocol's own example: every field, one closed ticket, growing instants, the camera's links."""
        camera = self.add_camera(url="rtsp://127.0.0.1:9/x", overlay_ids=["1"])
        lines = self.stored("1", EXAMPLE, 7)
        for line, sent in zip(lines, EXAMPLE.splitlines(), strict=True):
            self.assertGreaterEqual(set(line), set(FIELDS))
            self.assertEqual(base64.b64decode(line["raw"]), sent)
            self.assertEqual(
                (line["protocol"], line["source"], line["seller"], line["sent_at"]), ("pos", "1", "7", None)
            )
            self.assertEqual(line["cameras"], [camera["id"]])
            (video,) = line["video"]
            self.assertEqual(video["camera"], camera["id"])
            self.assertIn(f"/cameras/{camera['id']}/video.mp4", video["url"])
            self.assertIsInstance(line["id"], str)
        self.assertEqual([line["type"] for line in lines], list("AAASTDE"))
        names = ("quantity", "code", "text", "amount", "special")
        self.assertEqual([lines[0][name] for name in names], ["1", "148", "TARTE POELEE", "16.00", ""])
        self.assertEqual([lines[3][name] for name in names], ["1", "165", "OEUF PARMESAN", None, "ANNULE"])
        self.assertEqual([lines[4][name] for name in ("tender", "amount", "total")], ["ESPECES", "20.00", "10.00"])
        self.assertEqual([lines[6][name] for name in ("tender", "amount", "total")], ["CHEQUES", "16.00", "16.00"])
        self.assertEqual(lines[5]["amount"], "10.00")
        instants = [unix(line["received_at"]) for line in lines]
        self.assertEqual(sorted(set(instants)), instants)

        (ticket,) = self.get("/tickets", source="1")["items"]
        wanted = {"state": "closed", "seller": "7", "total": "26.00", "opened_at": lines[0]["received_at"]}
        self.assertEqual({name: ticket[name] for name in wanted}, wanted)
        self.assertEqual(ticket["closed_at"], lines[6]["received_at"])
        self.assertNotIn("lines", ticket)
        whole = self.get(f"/tickets/{ticket['id']}")
        self.assertEqual([line["id"] for line in whole["lines"]], [line["id"] for line in lines])

    def test_a_printer_whose_dialect_is_set_while_it_is_connected(self) -> None:
        """By the API, for its address; its receipt is a ticket, and the capture shows what it sent."""
        address = "127.0.0.1"
        self.addCleanup(self.server.call, "PATCH", f"/api/v1/sources/{address}", {"dialect": ""})
        with self.till() as printer:
            printer.sendall(b"printer|0|7|0|D|1,00\n")
            self.lines(1, source="printer")
            status, told = self.server.call("PATCH", f"/api/v1/sources/{address}", {"dialect": "escpos"})
            self.assertEqual((status, told["dialect"]), (200, "escpos"))
            printer.sendall(presets.BY_NAME["escpos"].sample)
            lines = self.lines(14, source=address)
        self.assertEqual("".join(line["type"] for line in lines), "NNNNAASANTNNDE")
        (ticket,) = self.get("/tickets", source=address)["items"]
        self.assertEqual((ticket["state"], ticket["total"], ticket["line_count"]), ("closed", "18.20", 14))
        found = {each["source"]: each for each in self.get("/sources")["items"]}
        self.assertEqual((found[address]["lines_per_day"], found[address]["dialect"]), (14, "escpos"))
        (sender,) = self.get("/senders")["items"]
        self.assertEqual((sender["address"], sender["source"]), (address, address))

    def test_a_dialect_of_ones_own(self) -> None:
        """Kept in the database, spoken by one till among others, changed and acting at once."""
        definition = {"fields": ["source", "ticket", "seller", "customer", "type", "text", "amount"]}
        status, _ = self.server.call("POST", "/api/v1/dialects", {"name": "bar", "definition": definition})
        self.assertEqual(status, 201)
        self.assertEqual(self.server.call("PATCH", "/api/v1/sources/bar%201", {"dialect": "bar"})[0], 200)
        with self.till() as till:
            till.sendall(b"bar 1|0|7|0|A|VERRE|1,00\nbar 2|0|7|0|A|1|148|VERRE|2,00\n")
            self.assertEqual(self.lines(1, source="bar 1")[0]["text"], "VERRE")
            self.assertEqual(self.lines(1, source="bar 2")[0]["amount"], "2.00")
            definition["fields"][5:] = ["amount", "text"]
            self.server.call("PATCH", "/api/v1/dialects/bar", {"definition": definition})
            till.sendall(b"bar 1|0|7|0|A|3,00|VERRE\n")
            self.assertEqual(self.lines(2, source="bar 1")[1]["amount"], "3.00")
        self.refused(409, "conflict", "name", "DELETE", "/dialects/bar")
        self.server.call("PATCH", "/api/v1/sources/bar%201", {"dialect": ""})
        self.assertEqual(self.server.call("DELETE", "/api/v1/dialects/bar")[0], 204)

    def test_a_till_that_sends_tickets_at_once(self) -> None:
        """It is told once, and marked; so is one that knocks at the port of the pages."""
        self.say(EXAMPLE.replace(b"1|0|7", b"burst|0|7") * 5)
        self.told("The till burst sends its tickets all at once")
        soon(
            lambda: any(each["source"] == "burst" and each["burst_since"] for each in self.get("/sources")["items"]),
            "marked",
        )
        told = [entry for entry in self.get("/journal", limit=1000)["items"] if entry["text"] == "till_bursts"]
        self.assertEqual(
            [entry["values"] for entry in told if entry["values"]["source"] == "burst"], [{"source": "burst"}]
        )

    def test_example_as_printed(self) -> None:
        """The same with the blank at each line's end that its printed form has."""
        lines = self.stored("01", EXAMPLE.replace(b"\n", b" \n").replace(b"1|0|7", b"01|0|7"), 7)
        self.assertEqual(
            [line["amount"] for line in lines], ["16.00", "10.00", "10.00", None, "20.00", "10.00", "16.00"]
        )
        self.assertEqual(lines[3]["special"], "ANNULE")
        self.assertEqual(self.get("/tickets", source="01")["items"][0]["total"], "26.00")

    def test_amounts(self) -> None:
        """Amounts in every way tills write them."""
        written = {
            "16,00": "16.00",
            "16.00": "16.00",
            "1 234,50": "1234.50",
            "1234": "1234",
            "-5,00": "-5.00",
            "+5,00": "5.00",
            "16,00EUR": "16.00",
            "16,00 €": "16.00",
            "1\u00a0234,50": "1234.50",
        }
        data = "".join(f"am|0|7|0|A|1|1|VERRE|{amount}\n" for amount in written)
        lines = self.stored("am", data.encode(), len(written))
        self.assertEqual([line["amount"] for line in lines], list(written.values()))

    def test_line_ends(self) -> None:
        """LF, CR LF, a lone CR, NUL padding, empty lines, a BOM, and a last line without an end."""
        data = b"\xef\xbb\xbfend|0|7|0|A|1|1|LF|1\nend|0|7|0|A|1|2|CRLF|1\r\nend|0|7|0|A|1|3|CR|1\r\0\0\n\n \n"
        lines = self.stored("end", data + b"end|0|7|0|A|1|4|NUL|1\0\0\nend|0|7|0|A|1|5|LAST|1", 5)
        self.assertEqual([line["text"] for line in lines], ["LF", "CRLF", "CR", "NUL", "LAST"])

    def test_fields(self) -> None:
        """Missing, extra and spaced fields, small letters, a | inside the article, an unknown type."""
        data = (
            b"f|0|7|0|A|1|1|VERRE\n"
            b"f|0|7|0|A|1|1|VERRE|16,00||\n"
            b"f|0|7|0|A|1|1|VERRE|16,00|till 4.2\n"
            b" f | 0 | 7 | 0 | a | 1 | 1 | VERRE | 16,00 \n"
            b"f|0|7|0|A|1|1|VERRE|A PIED|16,00\n"
            b"f|12|7|0|s|1|1|VERRE|offert\n"
            b"f|0|7|0|Z|one|two\n"
            b"f|0|7|0|E\n"
        )
        lines = self.stored("f", data, 8)
        found = [(line["type"], line["text"], line["amount"], line["special"]) for line in lines]
        glass = ("A", "VERRE", "16.00", "")
        self.assertEqual(found[:4], [("A", "VERRE", None, ""), glass, glass, glass])
        self.assertEqual(found[4], ("A", "VERRE|A PIED", "16.00", ""))
        self.assertEqual(found[5], ("S", "VERRE", None, "OFFERT"))
        self.assertEqual(found[6], ("Z", "one|two", None, ""))
        self.assertEqual(found[7][0], "E")
        self.assertEqual(lines[5]["ticket"], "12")

    def test_encodings(self) -> None:
        """UTF-8, Windows and DOS letters are told apart; every one of them is found by a search without accents."""
        for name, encoding in (("u8", "utf-8"), ("w1", "cp1252"), ("d8", "cp850")):
            with self.subTest(encoding):
                (line,) = self.stored(name, f"{name}|0|7|0|A|1|1|Crème brûlée|6,00\n".encode(encoding))
                self.assertEqual(line["text"], "Crème brûlée")
        for text in ("creme", "CRÈME", "brulee", "Brûl"):
            self.assertEqual({line["source"] for line in self.lines(3, text=text)}, {"u8", "w1", "d8"})

    def test_encodings_that_are_set(self) -> None:
        """By the till's name, before anything is decoded, in the name's own letters too."""
        for name, encoding in (("КАССА 3", "cp866"), ("koi", "koi8-r"), ("win", "cp1251")):
            with self.subTest(encoding):
                (line,) = self.stored(name, f"{name}|0|7|0|A|1|1|Хлеб ржаной|6,00\n".encode(encoding))
                self.assertEqual(line["text"], "Хлеб ржаной")

    def test_binary(self) -> None:
        """Bytes that are no line are counted and told, and the next line is read as if nothing had been."""
        errors = self.server.metric("camtrace_pos_errors_total")
        (line,) = self.stored(
            "bin", bytes(range(1, 10)) * 50 + b"\n\xff\xfe|\nbin|0|7|0||X\nbin|0|7|0|A|1|1|AFTER|1,00\n"
        )
        self.assertEqual(line["text"], "AFTER")
        self.assertGreaterEqual(self.server.metric("camtrace_pos_errors_total"), errors + 2)
        self.told("The till at 127.0.0.1 sends lines that are no till lines (")
        self.told("The till at 127.0.0.1 sends lines of an unknown type (")

    def test_no_line_end(self) -> None:
        """A line of 10 MB is cut off early, the journal says so, and the tills that behave go on."""
        till = self.till()
        piece = b"x" * 65536
        with self.assertRaises(OSError):
            for _ in range(160):
                till.sendall(piece)
            if not till.recv(1):
                raise ConnectionResetError
        (line,) = self.stored("ten", b"ten|0|7|0|A|1|1|GOOD|1,00\n")
        self.assertEqual(line["text"], "GOOD")
        self.told("The till at 127.0.0.1 sent a line of more than 4 kB and was cut off (")

    def test_byte_by_byte(self) -> None:
        """A line in single bytes, each in a packet of its own."""
        till = self.till()
        till.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"slow|0|7|0|A|1|1|SLOW|1,00\n":
            till.send(bytes([byte]))
        (line,) = self.lines(1, source="slow")
        self.assertEqual((line["text"], line["amount"]), ("SLOW", "1.00"))

    def test_many_connections(self) -> None:
        """2,000 tills at once: each has its line stored, and the web goes on answering."""
        with ExitStack() as stack:
            tills = [stack.enter_context(self.till()) for _ in range(2000)]
            for number, till in enumerate(tills):
                till.sendall(b"many|%d|7|0|A|1|%d|CROWD|1,00\n" % (number + 1, number + 1))
            self.assertEqual(self.get("/health")["status"], "ok")

            def numbers() -> list[str]:
                page = self.get("/lines", source="many", limit=1000)
                found = [line["ticket"] for line in page["items"]]
                while page["next"]:
                    page = self.server.get(f"/api/v1/lines?source=many&limit=1000{cursor(page['next'])}")
                    found += [line["ticket"] for line in page["items"]]
                return found if len(found) >= 2000 else []

            found = soon(numbers, "2,000 lines")
        self.assertEqual(len(found), 2000)
        self.assertEqual(len(set(found)), 2000)

    def test_paging(self) -> None:
        """Pages join without a seam while lines arrive; the newest stands first; a limit out of bounds is refused."""
        self.stored("page", b"".join(b"page|0|7|0|A|1|%d|P|1,00\n" % number for number in range(25)), 25)
        first = self.get("/lines", source="page", limit=10)
        self.assertEqual([line["code"] for line in first["items"]], [str(24 - number) for number in range(10)])
        self.say(b"page|0|7|0|A|1|99|P|1,00\n")
        self.lines(26, source="page")
        second = self.server.get(f"/api/v1/lines?source=page&limit=10{cursor(first['next'])}")
        third = self.server.get(f"/api/v1/lines?source=page&limit=10{cursor(second['next'])}")
        codes = [line["code"] for page in (second, third) for line in page["items"]]
        self.assertEqual((codes, third["next"]), ([str(14 - number) for number in range(15)], None))
        for limit in ("0", "1001", "-1", "x"):
            self.refused(400, "invalid", "limit", "GET", f"/lines?limit={limit}")
        self.refused(400, "invalid", "cursor", "GET", "/lines?cursor=nonsense")
        self.refused(400, "invalid", "start", "GET", "/lines?start=yesterday")
        self.refused(400, "invalid", "amount_min", "GET", "/lines?amount_min=much")

    def test_filters(self) -> None:
        """Each filter alone and together; Cyrillic in any case; instants in both forms, with fractions."""
        data = (
            "fil|0|Anna|0|A|1|148|Сыр ГОЛЛАНДСКИЙ|16,00\n"
            "fil|0|Anna|0|S|1|148|Сыр ГОЛЛАНДСКИЙ|ANNULE\n"
            "fil|0|Борис|0|A|2|165|100% Jus_d'orange|-3,50\n"
            "fil|77|Борис|0|E|Карта|9,00|9,00\n"
        )
        lines = self.stored("fil", data.encode(), 4)

        def found(**query: Any) -> list[int]:
            items = self.get("/lines", source="fil", **query)["items"]
            ids = [line["id"] for line in lines]
            return sorted(ids.index(item["id"]) for item in items)

        self.assertEqual(found(type="S"), [1])
        self.assertEqual(found(code="148"), [0, 1])
        self.assertEqual(found(special="ANNULE"), [1])
        self.assertEqual(found(seller="Anna"), [0, 1])
        self.assertEqual(found(ticket="77"), [3])
        self.assertEqual(found(text="голланд"), [0, 1])
        self.assertEqual(found(text="СЫР"), [0, 1])
        self.assertEqual(found(text="борис"), [2, 3])
        self.assertEqual(found(text="карт"), [3])
        self.assertEqual(found(text="%"), [2])
        self.assertEqual(found(text="s_d"), [2])
        self.assertEqual(found(text="'; drop table line; --"), [])
        self.assertEqual(found(amount_min="9"), [0, 3])
        self.assertEqual(found(amount_max="0"), [2])
        self.assertEqual(found(amount_min="9", amount_max="10"), [3])
        self.assertEqual(found(start=lines[1]["received_at"]), [1, 2, 3])
        self.assertEqual(found(start=unix(lines[2]["received_at"])), [2, 3])
        self.assertEqual(found(stop=lines[0]["received_at"]), found(stop=unix(lines[0]["received_at"])))
        self.assertEqual(found(start=lines[0]["received_at"].replace("Z", "+00:00"), type="A", code="165"), [2])

    def test_tickets(self) -> None:
        """A ticket goes on over connections; the drawer alone is its own; open and closed are told apart."""
        self.say(b"tk|0|7|0|A|1|1|ONE|1,00\n")
        self.lines(1, source="tk")
        (ticket,) = self.get("/tickets", source="tk", state="open")["items"]
        self.assertEqual((ticket["state"], ticket["closed_at"], ticket["number"]), ("open", None, ""))
        self.say(b"tk|45|7|0|E|CB|1,00|1,00\ntk|0|7|0|D|\ntk|0|8|0|A|1|1|TWO|1,00\n")
        self.lines(4, source="tk")
        tickets = self.get("/tickets", source="tk")["items"]
        self.assertEqual(
            [(one["state"], one["line_count"]) for one in tickets], [("open", 1), ("closed", 1), ("closed", 2)]
        )
        self.assertEqual((tickets[2]["id"], tickets[2]["number"]), (ticket["id"], "45"))
        self.assertEqual(
            [one["id"] for one in self.get("/tickets", source="tk", state="closed")["items"]],
            [one["id"] for one in tickets[1:]],
        )
        self.refused(404, "not_found", None, "GET", "/tickets/123")
        self.refused(404, "not_found", None, "GET", "/tickets/nonsense")
        self.refused(400, "invalid", "state", "GET", "/tickets?state=torn")

    def test_masked_card(self) -> None:
        """A card number is nowhere: not in the answer, not in the folder of the server."""
        (line,) = self.stored("card", b"card|0|7|0|E|CB 4111 1111 1111 1111|16,00|16,00\n")
        self.assertNotIn("4111 1111", json.dumps(line) + base64.b64decode(line["raw"]).decode())

    def test_wrapped_card(self) -> None:
        """One that a printer wraps over two lines, or a till over two fields, is nowhere either."""
        said = [
            "BONJOUR",
            "CB 4111 1111",
            "1111 1111",
            "41111111|11111111",
            "CB ４１１１１１１１１１１１１１１１",
            "TEL 612345678",
        ]
        lines = self.stored("wrap", "".join(f"wrap|0|7|0|N|{text}\n" for text in said).encode(), 6)
        kept = ["BONJOUR", "CB **** ****", "**** ****", "********|****1111", "CB ************1111", "TEL 612345678"]
        self.assertEqual([line["text"] for line in lines], kept)
        self.assertEqual([base64.b64decode(line["raw"]).decode()[len("wrap|0|7|0|N|") :] for line in lines], kept)

    def test_wrapped_card_whose_end_comes_later(self) -> None:
        """What is stored already is stored anew, and not found by its digits any more."""
        self.say(b"late|0|7|0|N|CB 4111 1111\n")
        (first,) = self.lines(1, source="late", text="4111 1111")
        self.say(b"late|0|7|0|N|1111 1111\n")
        soon(lambda: self.get("/lines", source="late", text="CB **** ****")["items"], "the line without digits")
        lines = self.lines(2, source="late")
        self.assertEqual([line["text"] for line in lines], ["CB **** ****", "**** ****"])
        self.assertEqual((lines[0]["id"], lines[0]["ticket_id"]), (first["id"], lines[1]["ticket_id"]))
        self.assertNotIn("1111", "".join(base64.b64decode(line["raw"]).decode() for line in lines))
        self.assertEqual(self.get("/lines", source="late", text="4111")["items"], [])

    def test_cancellation_of_several(self) -> None:
        """Three that were entered one by one, two of them cancelled at once: search, ticket and report agree."""
        said = [*["A|1|165|OEUF PARMESAN|10,00"] * 3, "S|2|165|OEUF PARMESAN|ANNULE", "E|CB|10,00|10,00"]
        lines = self.stored("struck", "".join(f"struck|0|9|0|{text}\n" for text in said).encode(), 5)
        (found,) = self.get("/lines", q="till:struck amount>19 annule")["items"]
        self.assertEqual(found["id"], lines[3]["id"])
        self.assertEqual(self.get("/lines", q="till:struck amount>20 annule")["items"], [])
        ticket = self.get(f"/tickets/{found['ticket_id']}")
        self.assertEqual(ticket["tally"]["taken_back"], {found["id"]: [lines[2]["id"], lines[1]["id"]]})
        self.assertEqual((ticket["tally"]["taken_amounts"], ticket["tally"]["sum"]), ({found["id"]: "20.00"}, "10.00"))
        (row,) = [row for row in self.get("/reports", by="source")["items"] if row["key"] == "struck"]
        self.assertEqual((row["voids"]["count"], row["voids"]["amount"]), (1, "20.00"))

    def test_till_on_web_port(self) -> None:
        """Till lines sent to the web port are answered by an error, and the journal says what to set."""
        for data in (EXAMPLE, b"1|0|7|0|A|1|148|TARTE|16,00\r\n"):
            raw_call(self.server.web, data, b"\r\n\r\n")
        self.told(f"The till at 127.0.0.1 uses the web port: set port {self.server.pos} in the till.")

    def test_events(self) -> None:
        """Server-sent events: a line as it happens, and what was missed behind Last-Event-ID."""
        with Events(self.server.web, self.server.token) as events:
            self.say(b"sse|0|7|0|A|1|1|ONE|1,00\n")
            number, line = events.line("sse")
            self.assertEqual((number, line["text"], line["source"]), (line["id"], "ONE", "sse"))
            self.assertGreaterEqual(set(line), set(FIELDS))
        self.say(b"sse|0|7|0|A|1|2|TWO|1,00\nsse|0|7|0|A|1|3|THREE|1,00\n")
        self.lines(3, source="sse")
        with Events(self.server.web, self.server.token, number) as events:
            self.assertEqual([events.line("sse")[1]["text"] for _ in range(2)], ["TWO", "THREE"])
            self.say(b"sse|0|7|0|A|1|4|FOUR|1,00\n")
            self.assertEqual(events.line("sse")[1]["text"], "FOUR")
        self.assertEqual(http_call(self.server.web, "GET", "/api/v1/events").status, 401)

    def test_figures(self) -> None:
        """Lines are counted as received and as stored."""
        received, stored = map(self.server.metric, ("camtrace_pos_lines_total", "camtrace_lines_stored_total"))
        self.stored("fig", b"fig|0|7|0|A|1|1|ONE|1,00\n" * 5, 5)
        self.assertEqual(self.server.metric("camtrace_pos_lines_total"), received + 5)
        self.assertGreaterEqual(self.server.metric("camtrace_lines_stored_total"), stored + 5)
        self.assertEqual(self.server.metric("camtrace_spool_facts"), 0)


class Events:
    """A reader of server-sent events."""

    def __init__(self, port: int, token: str, last: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        resume = f"Last-Event-ID: {last}\r\n" if last else ""
        head = f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{resume}\r\n"
        self._socket.sendall(head.encode())
        self._file = self._socket.makefile("rb")
        while not self._file.readline().startswith(b"retry:"):  # it listens from here on
            pass

    def line(self, source: str) -> tuple[str, dict[str, Any]]:
        """The id and the line of the source's next event."""
        number, kind = "", ""
        for text in self._file:
            name, _, value = text.decode().strip().partition(": ")
            if name == "id":
                number = value
            elif name == "event":
                kind = value
            elif name == "data" and kind == "line":
                line = json.loads(value)
                if line["source"] == source:
                    return number, line
        raise AssertionError("the stream ended")

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()


if __name__ == "__main__":
    unittest.main()
