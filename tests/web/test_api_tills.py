"""Tills over the API: dialects, drafts, what is set for tills, who sends, what is captured."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from support.web import NOON, Browser, WebShop
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from camtrace.pos.presets import BY_NAME, PRESETS
from camtrace.web.api.capture import MOST_READERS
from camtrace.web.event_stream import HEARTBEAT_SECONDS

DIALECTS, SOURCES = "/api/v1/dialects", "/api/v1/sources"
DEFINITION = {"kind": "receipt", "end": [{"match": "wildcard", "text": "*MERCI*"}]}


@pytest.fixture
def shop() -> WebShop:
    return WebShop(Clock())


@pytest.fixture
def anna(shop: WebShop) -> Browser:
    return Browser(shop, token=shop.token())


@pytest.fixture
def boris(shop: WebShop) -> Browser:
    return Browser(shop, token=shop.token("boris"))


def sample(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_presets_come_first(anna: Browser) -> None:
    items = anna.get(DIALECTS).json["items"]
    assert [each["name"] for each in items] == [preset.name for preset in PRESETS]
    assert all(each["built_in"] and each["words"] and base64.b64decode(each["sample"]) for each in items)
    assert anna.get(f"{DIALECTS}/escpos").json["definition"]["control_codes"] == "escpos"


def test_a_life(anna: Browser, shop: WebShop) -> None:
    """Made, shown, changed, used, not removed, freed, removed; each change acts and is in the journal once."""
    made = anna.ask("POST", DIALECTS, json={"name": "bar", "definition": DEFINITION})
    assert made.code == 201 and made.json["definition"]["outside"] == "keep"
    assert anna.get(f"{DIALECTS}/bar").json == made.json
    before = shop.speech.spoken.generation
    changed = anna.ask("PATCH", f"{DIALECTS}/bar", json={"definition": {**DEFINITION, "outside": "ignore"}}).json
    assert changed["definition"]["outside"] == "ignore" and shop.speech.spoken.generation > before
    assert anna.ask("PATCH", f"{DIALECTS}/bar", json=changed).json == changed  # sent back whole: no change
    assert anna.ask("PATCH", f"{SOURCES}/10.0.0.5", json={"dialect": "bar"}).json["dialect"] == "bar"
    assert anna.get(f"{DIALECTS}/bar").json["used_by"] == ["10.0.0.5"]
    assert anna.ask("PATCH", f"{SOURCES}/10.0.0.5", json={"dialect": ""}).code == 200
    assert anna.ask("DELETE", f"{DIALECTS}/bar").code == 204
    assert anna.get(f"{DIALECTS}/bar").code == 404
    assert [note[1] for note in shop.notes] == [
        "dialect_added", "dialect_changed", "source_changed", "source_changed", "dialect_deleted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "", {"name": "a/b"}, 400, "name"),
        ("POST", "", {"name": ""}, 400, "name"),
        ("POST", "", {"name": "escpos"}, 409, "name"),
        ("POST", "", {"name": "try"}, 400, "name"),
        ("POST", "", {"name": "guess"}, 400, "name"),
        ("POST", "/guess", {"sample": "é"}, 400, "sample"),
        ("POST", "/guess", {"name": "x"}, 400, "name"),
        ("POST", "", {"name": "x", "definition": {"end": [{"match": "regex", "text": "("}]}}, 400, "end.0"),
        ("POST", "", {"name": "x", "colour": 1}, 400, "colour"),
        ("PATCH", "/escpos", {"definition": {}}, 400, "name"),
        ("PATCH", "/x", {"definition": {}}, 404, None),
        ("DELETE", "/escpos", None, 400, "name"),
        ("POST", "/try", {"definition": {"kind": "x"}}, 400, "kind"),
        ("POST", "/try", {"definition": {}, "sample": "é"}, 400, "sample"),
        ("POST", "/try", {"definition": {}, "sample": sample(b"x" * 70000)}, 400, "sample"),
        ("POST", "/try", {"name": "x"}, 404, None),
        ("POST", "/try", {"name": 3}, 400, "name"),
        ("POST", "/try", {"definition": {}, "address": 3}, 400, "address"),
    ],
)
def test_what_is_refused(anna: Browser, method: str, path: str, body: Any, status: int, field: str | None) -> None:
    answer = anna.ask(method, DIALECTS + path, json=body)
    assert (answer.code, answer.json["error"]["field"]) == (status, field), answer.body


def test_a_listeners_dialect_stays(anna: Browser, shop: WebShop) -> None:
    """The configuration names it: it would be missed at the next start."""
    shop.spoken.add("bar")
    anna.ask("POST", DIALECTS, json={"name": "bar", "definition": DEFINITION})
    assert anna.ask("DELETE", f"{DIALECTS}/bar").code == 409


def test_a_draft_is_tried(anna: Browser, shop: WebShop) -> None:
    """On a sample, with tickets; nothing is kept, cards are masked."""
    text = b"PAIN 1,30\n-----\nCB 4111111111111111\nMERCI\nPAIN 1,30\n"
    asked = {"definition": DEFINITION, "sample": sample(text), "address": "10.0.0.7"}
    told = anna.ask("POST", f"{DIALECTS}/try", json=asked).json
    assert [line["message"] and line["message"]["type"] for line in told["lines"]] == ["A", None, "N", "E", "A"]
    assert base64.b64decode(told["lines"][2]["raw"]) == b"CB ************1111"
    assert told["lines"][0]["message"]["source"] == "10.0.0.7"
    assert [line["ticket"] for line in told["lines"]] == [1, None, 1, 1, 2]
    assert [(ticket["state"], ticket["line_count"]) for ticket in told["tickets"]] == [("closed", 3), ("open", 1)]
    named = {"name": "camtrace", "sample": sample(BY_NAME["camtrace"].sample + b"nonsense\n")}
    told = anna.ask("POST", f"{DIALECTS}/try", json=named).json
    assert told["tickets"][0]["total"] == "26.00" and told["lines"][-1]["problem"]["code"] == "fields"
    told = anna.ask("POST", f"{DIALECTS}/try", json={"name": "json", "sample": sample(b"{" * 20000)}).json
    assert told["lines"][-1]["problem"]["code"] == "long"
    assert not shop.notes and not shop.speech.facts


def test_a_dialect_is_guessed(anna: Browser) -> None:
    told = anna.ask("POST", f"{DIALECTS}/guess", json={"sample": sample(BY_NAME["escpos"].sample)}).json
    assert told["items"][0] == "escpos" and told["next"] is None
    assert anna.ask("POST", f"{DIALECTS}/guess", json={"sample": sample(b"\x00\x01")}).json["items"] == []


def test_letters_are_those_of_the_till(anna: Browser) -> None:
    asked = {"name": "receipt-ru", "sample": sample(BY_NAME["receipt-ru"].sample)}
    told = anna.ask("POST", f"{DIALECTS}/try", json=asked).json
    assert told["lines"][0]["shown"] == "МАГАЗИН №5"


def test_who_may(boris: Browser) -> None:
    for method, path in (
        ("GET", DIALECTS),
        ("POST", DIALECTS),
        ("POST", f"{DIALECTS}/try"),
        ("POST", f"{DIALECTS}/guess"),
        ("GET", "/api/v1/senders"),
        ("GET", "/api/v1/capture"),
        ("PATCH", f"{SOURCES}/1"),
        ("GET", SOURCES),
    ):
        assert boris.ask(method, path, json={}).code == 403, path


# ── tills ──


def say(shop: WebShop, data: bytes, host: str = "10.0.0.5") -> None:
    shop.speech.connect(shop.speech.listener(), host).dataReceived(data)


def test_tills(anna: Browser, shop: WebShop) -> None:
    """Those that spoke, with their cameras; those of cameras that never did; what is set for them."""
    say(shop, b"1|0|7|0|D|1,00\n9|0|7|0|D|1,00\n9|0|7|0|D|1,00\n")
    one, nine = anna.get(SOURCES).json["items"]
    assert (one["source"], one["cameras"], one["lines_per_day"], one["clear_seconds"]) == ("1", [1], 1, 300)
    assert (nine["source"], nine["cameras"], nine["lines_per_day"]) == ("9", [], 2)
    assert nine["since"] and nine["last_line_at"] and nine["burst_since"] is None
    sent = {"label": "Bar", "clear_seconds": 20, "offset_ms": -1500}
    changed = anna.ask("PATCH", f"{SOURCES}/9", json=sent).json
    assert {name: changed[name] for name in sent} == sent and changed["lines_per_day"] == 2
    assert shop.speech.book.silence("9").total_seconds() == 20
    anna.ask("PATCH", f"{SOURCES}/9", json=sent)
    assert [note[1:3] for note in shop.notes] == [("source_changed", {"source": "9"})]
    assert (
        anna.ask("PATCH", f"{SOURCES}/caisse%20n%C2%B0%202%2FA", json={"label": "x"}).json["source"] == "caisse n° 2/A"
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"label": "x" * 61}, "label"),
        ({"label": "a\nb"}, "label"),
        ({"dialect": "klingon"}, "dialect"),
        ({"encoding": "klingon"}, "encoding"),
        ({"clear_seconds": 1}, "clear_seconds"),
        ({"clear_seconds": True}, "clear_seconds"),
        ({"offset_ms": 120001}, "offset_ms"),
        ({"offset_ms": "1"}, "offset_ms"),
        ({"burst_since": None}, "burst_since"),
    ],
)
def test_settings_that_are_refused(anna: Browser, body: Any, field: str) -> None:
    answer = anna.ask("PATCH", f"{SOURCES}/1", json=body)
    assert (answer.code, answer.json["error"]["field"]) == (400, field)


@pytest.mark.parametrize("dialect", ["", "receipt"])
def test_letters(anna: Browser, shop: WebShop, dialect: str) -> None:
    """What an address sends is read in the letters that are set for it, from the next line on; a sample too."""
    anna.ask("PATCH", f"{SOURCES}/10.0.0.5", json={"dialect": dialect})
    sent = ("СЫР 1,00\n" if dialect else "1|0|7|0|A|1|5|СЫР|1,00\n").encode("cp866")
    till = shop.speech.connect(shop.speech.listener(), "10.0.0.5")
    till.dataReceived(sent)
    assert anna.ask("PATCH", f"{SOURCES}/10.0.0.5", json={"encoding": "cp866"}).json["encoding"] == "cp866"
    till.dataReceived(sent)
    assert [fact.line.text == "СЫР" for fact in shop.speech.facts] == [False, True]
    tried = {"sample": base64.b64encode(sent).decode(), "name": dialect or "camtrace", "address": "10.0.0.5"}
    (line,) = anna.ask("POST", "/api/v1/dialects/try", json=tried).json["lines"]
    assert line["message"]["text"] == "СЫР" and "СЫР" in line["shown"]


def test_senders(anna: Browser, shop: WebShop) -> None:
    say(shop, b"1|0|7|0|D|1,00\nnonsense\n")
    shop.speech.tills.at_wrong_port("10.0.0.9")
    wrong, right = anna.get("/api/v1/senders").json["items"]
    assert (right["address"], right["source"], right["lines"], right["bad"]) == ("10.0.0.5", "1", 1, 1)
    assert (right["fault"], right["wrong_port_at"]) == ("fields", None)
    assert wrong["address"] == "10.0.0.9" and wrong["wrong_port_at"]


# ── what is captured ──


class Reader:
    """A page that looks."""

    def __init__(self, shop: WebShop, query: str = "") -> None:
        self.wire = StringTransport()
        self.channel = shop.website.site().buildProtocol(None)
        self.channel.makeConnection(self.wire)
        head = f"GET /api/v1/capture{query} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {shop.token()}\r\n\r\n"
        self.channel.dataReceived(head.encode())

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        text = self.wire.value().decode()
        self.wire.clear()
        rows = text.splitlines()
        found = []
        for place, row in enumerate(rows):
            if row.startswith("event: "):
                found.append((row.removeprefix("event: "), json.loads(rows[place + 1].removeprefix("data: "))))
        return found

    def leave(self) -> None:
        self.channel.connectionLost(Failure(ConnectionDone()))


def test_what_arrives_is_seen(shop: WebShop) -> None:
    """Bytes and lines as they come, of all or of some."""
    everything, other, one = Reader(shop), Reader(shop, "?sender=10.0.0.9"), Reader(shop, "?source=1")
    everything.events()
    say(shop, b"1|0|7|0|D|1,00\nnonsense\n")
    (read, raw), (line, good), (_, bad) = everything.events()
    assert (read, line) == ("read", "line")
    assert base64.b64decode(raw["raw"]) == b"1|0|7|0|D|1,00\nnonsense\n" and raw["sender"] == "10.0.0.5"
    assert (good["message"]["source"], good["message"]["amount"], good["problem"]) == ("1", "1.00", None)
    assert (bad["message"], bad["problem"]["code"], bad["dialect"]) == (None, "fields", "camtrace")
    assert other.events() == []
    assert [event["message"]["source"] for _, event in one.events()] == ["1"]
    say(shop, b"1|0|7|0|N|CB 4111 1111\n")
    assert [kind for kind, _ in everything.events()] == ["read", "line"]
    say(shop, b"1|0|7|0|N|1111 1111\n")  # the rest of the number: what was told is told again, without
    told = everything.events()
    told = told[[kind for kind, _ in told].index("again") + 1 :]
    assert [kind for kind, _ in told] == ["read", "line", "line", *["read", "line"] * 2]
    assert not any(b"1111" in base64.b64decode(event["raw"]) for _, event in told)
    assert [event["message"]["text"] for kind, event in told[-3:] if kind == "line"] == ["CB **** ****", "**** ****"]
    assert [kind for kind, _ in one.events()] == ["line", "again", "line", "line", "line"]


def test_readers_end(shop: WebShop) -> None:
    reactor = shop.captures._streams._reactor
    reader = Reader(shop)
    reader.leave()
    reactor.advance(HEARTBEAT_SECONDS)
    assert not shop.speech.capture.active
    Reader(shop)
    shop.captures.stop()
    assert not shop.speech.capture.active


def test_not_too_many_readers(shop: WebShop) -> None:
    for _ in range(MOST_READERS):
        Reader(shop)
    assert Browser(shop, token=shop.token()).get("/api/v1/capture").code == 503


def test_who_reads_slowly_sees_the_newest(shop: WebShop) -> None:
    reader = Reader(shop, "?source=1")
    reader.wire.producer.pauseProducing()
    say(shop, b"".join(b"1|0|7|0|D|%d\n" % number for number in range(900)))
    reader.events()
    reader.wire.producer.resumeProducing()
    amounts = [event["message"]["amount"] for _, event in reader.events()]
    assert len(amounts) <= 601 and amounts[-1] == "899"


# ── when a till should speak ──


def test_hours_of_a_till(shop: WebShop) -> None:
    """A calendar and minutes of its own; what holds, and since when it is silent."""
    anna = Browser(shop, token=shop.token())
    till = anna.ask("PATCH", "/api/v1/sources/1", json={"hours": "always", "silent_minutes": 10}).json
    assert (till["hours"], till["silent_minutes"], till["silent_after_minutes"]) == ("always", 10, 30)
    assert (till["heartbeats"], till["silent_since"]) == (False, None)
    shop.silences["1"] = NOON
    (till,) = [one for one in anna.get("/api/v1/sources").json["items"] if one["source"] == "1"]
    assert till["silent_since"] == "2026-11-20T12:00:00.000000Z"
    for field, value in (("hours", "nights"), ("silent_minutes", 1441), ("silent_minutes", "5")):
        refused = anna.ask("PATCH", "/api/v1/sources/1", json={field: value})
        assert (refused.code, refused.json["error"]["field"]) == (400, field)
