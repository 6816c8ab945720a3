"""The test sender and the checker: what it sends is right, and what is wrong is told."""

from __future__ import annotations

import re
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from camtrace.cli import main
from camtrace.prisma.catalogue import Catalogue, described
from camtrace.prisma.check import Run, faults, required, samples, table
from camtrace.prisma.receipts import Entry, Receipts
from camtrace.prisma.wire import SIZE, SPANS, decode, encode

ROOT = Path(__file__).resolve().parent.parent.parent
AT = datetime(2026, 3, 4, 12, 34, 56)


def test_every_described_event_is_sent_and_right() -> None:
    events = samples("KKM", "12", AT, 41)
    assert {event.code for event in events} == set(described())
    for event in events:
        assert faults(encode(event)) == [], event
        assert decode(encode(event))._replace(raw=b"", card="") == event._replace(card="")


def test_they_make_four_receipts() -> None:
    """Two sales, one voided, a return; the drawer and the administrator outside."""
    ids = iter(range(1, 1000))
    receipts, plain = Receipts(lambda: next(ids)), Catalogue()
    tickets = {}
    for event in samples("KKM", "12", AT, 41):
        entry = Entry(event.source, AT.astimezone(), plain.of(event.code), event.receipt, "", event.total)
        ticket = receipts.place(entry).ticket
        tickets[ticket.id] = ticket
    kinds = [ticket.kind for ticket in tickets.values()]
    assert sorted(kinds) == ["event", "event", "event", "return", "sale", "sale", "sale"]
    assert all(ticket.state == "closed" for ticket in tickets.values())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"GoodsSum": b"12,50"}, "GoodsSum (bytes 180 to 194) has a comma"),
        ({"GoodsSum": b"   12.50"}, "is not aligned left"),
        ({"GoodsSum": b"12.3456"}, "more than three digits"),
        ({"GoodsSum": b"abc"}, "is no number such as 345.12"),
        ({"GoodsName": b""}, "GoodsName (bytes 120 to 149) is empty; event 6 needs it"),
        ({"Count": b"x"}, "Count (bytes 74 to 76) is no whole number"),
        ({"Month": b"13"}, "are no date"),
        ({"Hour": b""}, "are no time of day"),
        ({"Cassir": b"A\0"}, "filled with NUL"),
        ({"Prefix": "ККМ".encode("cp866")}, "not in Latin letters; it is taken for KKM"),
        ({"Mode": b""}, "it is refused"),
    ],
)
def test_faults(change: dict[str, bytes], words: str) -> None:
    packet = bytearray(encode(samples("KKM", "12", AT)[2]))
    for name, value in change.items():
        start, end = SPANS[name]
        packet[start:end] = value.ljust(end - start)
    assert any(words in fault for fault in faults(bytes(packet))), faults(bytes(packet))
    assert faults(bytes(packet)[:200])[0] == "it has 200 bytes instead of 277"


def test_what_the_manual_asks_of_every_event() -> None:
    """ "Пары событий №№ 7 и 9, 10 и 12, 16 и 18 должны содержать ту же информацию и в тех же полях, что и
    предшествовавшее им событие 6"; 65 to 69 come instead of 6; "Событие, не привязанное к конкретной строке чека, в
    поле Count содержит № последней строки чека"; "Все события в чеке должны в поле SUM содержать итоговую сумму".
    """
    for code in (6, 7, 9, 10, 12, 15, 16, 18, 65, 66, 67, 68, 69):
        assert {"GoodsName", "BarCode", "Count", "Sum"} <= set(required(code)), code
    for code in (8, 26, 62, 72, 127):  # described by no table
        assert {"Count", "Sum"} <= set(required(code)) and "Count" not in required(code, inside=False)
    assert required(40) == ("CassirItem", "Cassir", "CK_Number", "Sum")
    assert ("Count" in required(51), "Count" in required(51, inside=False)) == (True, False)
    attempt = encode(samples("KKM", "12", AT)[2]._replace(code=7, barcode="", position=None))
    assert [fault for fault in faults(attempt) if "event 7 needs it" in fault] == [
        "Count (bytes 74 to 76) is empty; event 7 needs it",
        "BarCode (bytes 77 to 89) is empty; event 7 needs it",
    ]


def test_what_does_not_fit_to_the_packets_before() -> None:
    """One receipt has one number and one cashier; positions are counted from 1 and move up; a pair tells the same."""
    run = Run()
    assert [run.faults(encode(event)) for event in samples("KKM", "12", AT)] == [[]] * len(samples("KKM", "12", AT))
    start, milk = samples("KKM", "12", AT)[1], samples("KKM", "12", AT)[2]
    said = [
        (milk, "no receipt is open: send 4 or 46 first"),
        (start, ""),
        (milk._replace(position=2), "Count is 2 instead of 1, the next position"),
        (milk._replace(position=None), "Count is blank instead of 2, the next position"),
        (
            milk._replace(code=16, position=2, goods="X"),
            "BarCode, GoodsItem and GoodsName are not those of the event 6",
        ),
        (milk._replace(code=18, position=1), ""),
        (milk._replace(code=39, position=2), "Count is 2; the receipt has 1 positions"),
        (milk._replace(code=39, cashier="Петров"), "Cassir is another than at the beginning of receipt 1"),
        (start._replace(number="13"), ""),  # another till
        (start._replace(code=60, receipt="0"), ""),
        (start._replace(receipt="2"), "receipt 1 before it has no end: send 5 or 47"),
        (start._replace(code=40, receipt="0"), "CK_Number 0 ends receipt 2"),
        (start._replace(code=5, receipt="2"), "no receipt is open"),
    ]
    run = Run()
    for event, words in said:
        found = run.faults(encode(event))
        assert (len(found), found[0].startswith(words)) == (1, True) if words else found == [], (event, found)
    assert run.faults(b"nothing") == []


def test_the_command(tmp_path: Path, capsys: Any) -> None:
    """Sends to a real socket; what was received is checked from a file, whole or in lines."""
    with socket.socket(type=socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        port = receiver.getsockname()[1]
        assert main(["prisma-test", "send", f"127.0.0.1:{port}", "--pause", "0", "--source", "kkm:7"]) == 0
        sent = capsys.readouterr().out.splitlines()
        packets = [receiver.recv(4096) for _ in sent]
    assert all(len(packet) == SIZE for packet in packets)
    assert sent[0] == "KKM:7, event 3 (Cashier mode entered), receipt 1, position 0, total 0"
    file = tmp_path / "packets"
    for content in (b"".join(packets), b"\r\n".join(packets) + b"\n"):
        file.write_bytes(content)
        assert main(["prisma-test", "check", str(file)]) == 0
        assert len(capsys.readouterr().out.splitlines()) == len(packets)
    file.write_bytes(packets[0][:-20])
    assert main(["prisma-test", "check", str(file)]) == 1
    assert "it has 257 bytes instead of 277" in capsys.readouterr().out
    assert main(["prisma-test", "check", str(tmp_path / "nothing")]) == 1
    with pytest.raises(SystemExit):
        main(["prisma-test", "send", "127.0.0.1", "--source", "till"])


def test_the_documentation() -> None:
    """The table of the page is the layout of the program, and its lists of mandatory fields are the checker's."""
    page = (ROOT / "docs" / "protocols" / "prisma.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    assert [(name, int(first), int(last), int(width)) for name, first, last, width in rows] == table()
    for code in described():
        assert re.search(rf"\b{code}\b", page), code
    listed = re.findall(r"^\| (\d+(?:, \d+)*) \| ((?:`\w+`(?:, )?)+) \|", page, re.MULTILINE)
    for codes, names in listed:
        for code in map(int, codes.split(", ")):
            assert set(re.findall(r"`(\w+)`", names)) <= set(required(code)), code
    assert listed
