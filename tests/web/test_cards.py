"""Who lacks the right `cards` sees no digit of a card's number, whatever road a line takes."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.events import Reader
from support.web import ADMINISTRATOR, NOON, Browser, WebShop, password_hash
from twisted.internet import defer
from twisted.internet.testing import StringTransport

from camtrace.cards import blank, hidden
from camtrace.complaints import Complaints
from camtrace.events import LineReceived
from camtrace.model import DEEDS, Line, RuleException, Ticket, User
from camtrace.pos.wire import decode, mask, mask_all
from camtrace.prisma import wire
from camtrace.prisma.service import Datagram
from camtrace.tickets.keywords import NAMES
from camtrace.web.answers import to_json
from camtrace.web.api import lines as lines_api
from camtrace.web.discretion import as_seen_by
from camtrace.web.live_page import LivePage

NUMBER = "4929 8765 0007 8673"  # passes Luhn
BARE = NUMBER.replace(" ", "")
LAST = "8673"
TILL_LINE = f"1|41|{BARE}|{NUMBER}|T|CB {NUMBER}|20,00|20,00"
MASKED = mask_all(NUMBER.encode()).decode()
CLERK = replace(ADMINISTRATOR, name="clerk", rights=ADMINISTRATOR.rights - {"cards"})
PACKET = wire.encode(
    wire.Event(
        "KKM",
        "12",
        38,
        cashier=BARE,
        receipt="41",
        goods=BARE,
        total=Decimal("150.00"),
        card_type="VIS",
        card=BARE,
        discount=Decimal("10.00"),
    )
)


@pytest.fixture
def shop() -> WebShop:
    shop = WebShop()
    shop.users.users["carl"] = User(3, "carl", CLERK, password_hash())
    return shop


def lines_of(shop: WebShop) -> list[LineReceived]:
    """A till's line and a Prisma event, each with the number wherever it may stand, as they were received."""
    message = decode(mask(TILL_LINE.encode()))
    till = Line(
        id=1 << 40,
        received_at=NOON,
        protocol="pos",
        source="1",
        ticket_id=7,
        seller=message.seller,
        customer=message.customer,
        type="T",
        tender=message.tender,
        raw=message.raw,
        cameras=(101,),
    )
    facts = [LineReceived(till.id, till, Ticket(id=7, protocol="pos", source="1", number=MASKED, opened_at=NOON))]
    shop.prisma.sources._cameras = WatchedBy()
    leave = shop.bus.subscribe(LineReceived, facts.append)
    said = shop.prisma.sources.received([Datagram(PACKET, "10.0.0.5", NOON, 1.0)])
    assert isinstance(said, defer.Deferred)
    leave()
    shop.log.stored = [fact.line for fact in facts]
    shop.log.sales = [fact.ticket for fact in facts]
    return facts


class WatchedBy:
    def watching(self, source: str) -> tuple[int, ...]:
        return (101,)


def captured(shop: WebShop, token: str) -> str:
    """What the page of tills shows of a line, as it came and as it was understood."""
    wire = StringTransport()
    channel = shop.website.site().buildProtocol(None)
    channel.makeConnection(wire)
    channel.dataReceived(
        f"GET /api/v1/capture HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    shop.speech.connect(shop.speech.listener()).dataReceived(f"{TILL_LINE}\n".encode())
    rows = wire.value().decode().splitlines()
    events = [json.loads(row.removeprefix("data: ")) for row in rows if row.startswith("data: ")]
    assert len(events) >= 2 and all(event["raw"] for event in events)
    return shown(events)


def shown(content: Any) -> str:
    """What somebody could read of it: base64 opened."""
    text = content if isinstance(content, str) else json.dumps(content, default=str)
    opened = [base64.b64decode(one["raw"]).decode("latin-1") for one in found(content) if one.get("raw")]
    return "\n".join([text, *opened])


def found(content: Any) -> list[Mapping[str, Any]]:
    if isinstance(content, list):
        return [one for item in content for one in found(item)]
    if isinstance(content, Mapping):
        return [content, *found(list(content.values()))]
    return []


def roads(shop: WebShop, name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a user sees on every road."""
    token = shop.token(name)
    browser, stream = Browser(shop, token=token), Reader(shop, token)
    visit: Any = SimpleNamespace(user=shop.users.users[name], peer="10.0.0.1")
    page, told_live = LivePage(shop.socket, visit, None), []
    monkeypatch.setattr(LivePage, "tell", lambda self, message: told_live.append(message))
    page.textMessageReceived('{"do": "watch", "channel": 1, "camera": 1, "media": false}')
    facts = lines_of(shop)
    for fact in facts:
        shop.bus.publish(fact)
        page.line(fact)
    told = {
        "lines": shown(browser.get("/api/v1/lines").json),
        "csv": browser.get("/api/v1/lines.csv").body.decode(),
        "tickets": shown(browser.get("/api/v1/tickets").json),
        "ticket": "".join(shown(browser.get(f"/api/v1/tickets/{fact.ticket.id}").json) for fact in facts),
        "events": shown([event[2] for event in stream.events()]),
        "live": shown(json.loads(to_json(told_live))),
    }
    drawn: list[Line] = []
    monkeypatch.setattr(lines_api, "_sheet", lambda voice, site, asked, lines, *more: drawn.extend(lines) or b"")
    browser.get("/api/v1/lines.pdf")
    told["pdf"] = str(drawn)
    sample = base64.b64encode(f"{TILL_LINE}\n".encode()).decode()
    tried = browser.ask("POST", "/api/v1/dialects/try", json={"name": "camtrace", "sample": sample}).json
    told["dialect"] = shown(tried)
    told["capture"] = captured(shop, token)
    shop.rules.found = [
        RuleException(
            id=1,
            rule_id=1,
            rule="Cards",
            at=NOON,
            source="1",
            seller=MASKED,
            ticket=MASKED,
            ticket_id=7,
            line_id=1 << 40,
            lines=(),
            deed="payment",
            text=f"CB {MASKED}",
            cameras=(101,),
        )
    ]
    told["exceptions"] = shown(browser.get("/api/v1/exceptions").json)
    told["exception"] = shown(browser.get("/api/v1/exceptions/1").json)
    told["exceptions.csv"] = browser.get("/api/v1/exceptions.csv").body.decode()
    shop.rules.counted = [(MASKED, "voids", 3, Decimal(5))]
    told["reports"] = shown(browser.get("/api/v1/reports").json)
    told["reports.csv"] = browser.get("/api/v1/reports.csv").body.decode()
    return told


def test_every_road(shop: WebShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the right the last four digits stand on all roads of a line; without it on none."""
    for road, text in roads(shop, "carl", monkeypatch).items():
        assert text, road
        assert LAST not in text and BARE not in text and NUMBER not in text, (road, text)
    seen = roads(shop, "anna", monkeypatch)
    hidden_from_all = {"tickets", "reports", "reports.csv"}  # only names of sellers and numbers, which are none
    assert {road for road, text in seen.items() if LAST not in text} == hidden_from_all
    assert not any(BARE in text or NUMBER in text for text in seen.values())


CARDS = st.tuples(st.from_regex("[0-9]{4}", fullmatch=True), st.from_regex("[0-9]{4}", fullmatch=True))
FORMS = st.sampled_from(["{}", "************{}", "**** **** **** {}", "CB {}", "* {}", "card {} x"])
FIELDS = ("seller", "ticket", "customer", "tender", "code", "text", "special")


def with_card(digits: str, shop: WebShop) -> None:
    """What the tills said, by a card with these last digits wherever it may stand."""
    masked = f"************{digits}"
    lines = [
        Line(id=place, received_at=NOON - timedelta(seconds=place), protocol="pos", source="1", ticket_id=place,
             type="A", cameras=(101,), amount=Decimal(place), **{"text": "Bread", field: f"CB {masked}"})
        for place, field in enumerate(FIELDS, 1)
    ] + [
        Line(id=20 + place, received_at=NOON - timedelta(minutes=place), protocol="prisma", source="KKM:1",
             ticket_id=20, type="38", card=masked, cameras=(101,), **{field: masked})
        for place, field in enumerate(FIELDS, 1)
    ]  # fmt: skip
    shop.log.stored = shop.rules.lines = lines
    shop.rules.found = [
        RuleException(id=line.id, rule_id=1, rule="Cards", at=line.received_at, source="1", seller=line.seller,
                      ticket=line.ticket, ticket_id=1, line_id=line.id, lines=(), deed="payment", text=line.text,
                      cameras=(101,))
        for line in lines
    ]  # fmt: skip
    shop.rules.counted = [
        ((seller, "2026-11-02"), kind, 3, Decimal(place))
        for place, seller in enumerate(sorted({line.seller for line in lines}), 1)
        for kind in ("voids", "sale")
    ]


def asked_everywhere(browser: Browser, sought: str) -> list[bytes]:
    """What the questions of somebody who looks for `sought` are answered, whatever road they take."""
    ask = browser.get
    said = quote(sought)
    answers = [
        ask(f"/api/v1/lines{kind}?q={minus}{quote(question)}")
        for minus in ("", "-")
        for question in (f'"{sought}"', *(f'{field}{sign}"{sought}"' for field in NAMES for sign in (":", "==")))
        for kind in ("", "/hits", ".csv")
    ]
    answers += [ask(f"/api/v1/lines?{name}={said}") for name in ("text", "seller", "tender", "ticket", "code")]
    answers += [ask(f"/api/v1/exceptions{kind}?seller={said}") for kind in ("", ".csv")]
    answers += [ask(f"/api/v1/reports/course?by=seller&key={said}&start=2026-11-01&stop=2026-11-03")]
    span = {"start": (NOON - timedelta(hours=1)).isoformat(), "stop": NOON.isoformat()}
    for test in ({"articles": [sought]}, {"sellers": [sought]}, {"specials": [sought]}):
        answers.append(
            browser.ask("POST", "/api/v1/rules/try", json={"rule": {"lines": {"deeds": list(DEEDS), **test}}, **span})
        )
    assert {answer.code for answer in answers} == {200}, [each.body for each in answers if each.code != 200][:1]
    return [answer.body for answer in answers]


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CARDS, FORMS)
@example(("8673", "1234"), "{}")
@example(("8673", "8670"), "************{}")
def test_no_question_tells_cards_apart(shop: WebShop, digits: tuple[str, str], form: str) -> None:
    """Without the right, what is found is the same whatever the digits of all cards are, also for who guesses them."""
    browser = Browser(shop, token=shop.token("carl"))
    answers = []
    for each in digits:
        with_card(each, shop)
        answers.append(asked_everywhere(browser, form.format(digits[0])))
    assert answers[0] == answers[1]


def test_with_the_right_cards_are_found(shop: WebShop) -> None:
    with_card("8673", shop)
    assert len(Browser(shop, token=shop.token()).get("/api/v1/lines?q=8673").json["items"]) > 3
    assert Browser(shop, token=shop.token("carl")).get("/api/v1/lines?q=8673").json["items"] == []


def test_rules_that_count_for_each_card(shop: WebShop) -> None:
    """They tell which lines are of one card: who may not see cards neither makes nor tries them."""
    rule = {"name": "One card", "kind": "window", "lines": {"deeds": ["payment"]}, "window": {"per": "card"}}
    carl, anna = (Browser(shop, token=shop.token(name)) for name in ("carl", "anna"))
    for path, body in (("/api/v1/rules/try", {"rule": rule}), ("/api/v1/rules", rule)):
        assert carl.ask("POST", path, json=body).code == 403
        answer = anna.ask("POST", path, json=body)
        assert answer.code in (200, 201)
    path = f"/api/v1/rules/{answer.json['id']}"
    assert carl.ask("PATCH", path, json={"enabled": True}).code == 200
    assert carl.ask("PATCH", path, json={"window": {"per": "seller"}}).code == 200
    assert carl.ask("PATCH", path, json={"window": {"per": "card"}}).code == 403


def test_what_is_told_to_everybody() -> None:
    """Journal and log: a card in bytes that could not be understood."""
    notes: list[Any] = []
    complaints = Complaints("till", lambda *note: notes.append(note), lambda: 0.0)
    complaints.tell("10.0.0.5", "fields", f"no line: {MASKED}", line=MASKED)
    assert LAST not in str(notes) and "****" in str(notes)


@given(st.text("0123456789 -*", max_size=24), st.text("0123456789", max_size=20))
def test_packets(name: str, card: str) -> None:
    """Whatever stands in a packet, without the right its card is stars, and nothing beside it has moved."""
    event = wire.Event("KKM", "12", 38, receipt="41", goods=name, card=card, total=Decimal("1.50"))
    packet = wire.decode(wire.encode(event)).raw
    safe = wire.without_card(packet)
    start, end = wire.SPANS["CardNumber"]
    assert len(safe) == len(packet)
    assert not any(letter in b"0123456789" for letter in safe[start:end])
    assert safe[end:] == packet[end:]
    assert wire.without_card(safe) == safe


def test_packets_of_other_forms() -> None:
    """A prefix in UTF-8 moves the field, a packet laid out in letters has it elsewhere, a short one has none."""
    event = wire.Event("KKM", "12", 38, cashier="Иванова", card="1234", total=Decimal("7.00"))
    letters = wire.encode(event, "cp866").decode("cp866")
    moved = "ККМ".encode() + wire.encode(event)[3:]
    for packet in (letters.encode(), moved):
        kept = wire.decode(packet)
        assert kept.card == "1234"
        assert b"1234" not in wire.without_card(kept.raw) and b"7.00" in wire.without_card(kept.raw)
    assert wire.without_card(b"KKM12    6") == b"KKM12    6"
    assert wire.without_card(b"?") == b"?"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (f"CB {MASKED} x", "CB **** **** **** **** x"),
        ("***************86", "*****************"),
        ("5 * 7 = 35", "5 * 7 = 35"),
        ("**** 1234", "**** 1234"),
        ("", ""),
    ],
)
def test_hidden(text: str, safe: str) -> None:
    assert hidden(text) == safe


def test_a_line_without_a_card_is_itself() -> None:
    line = Line(id=1, received_at=NOON, protocol="pos", source="1", raw=b"1|0|7", text="5 * 3")
    assert as_seen_by(User(1, "carl", CLERK), line) is line
    assert blank("12 34") == "** **"
