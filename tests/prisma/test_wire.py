"""Packets and events: the manual's layout, everything that tills send instead, and nothing that raises."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camtrace.prisma.wire import (
    ENCODINGS,
    FIELDS,
    LONGEST,
    SIZE,
    SPANS,
    Event,
    WireError,
    clip,
    decode,
    encode,
    packets_in,
    split,
    total_discount,
)

SALE = Event(
    prefix="KKM",
    number="12",
    code=6,
    cashier_code="1042",
    cashier="Иванова И.И.",
    receipt="4711",
    position=3,
    barcode="4600000000017",
    goods_code="17",
    goods="Батон нарезной",
    price=Decimal("32.50"),
    quantity=Decimal("2"),
    amount=Decimal("65.00"),
    total=Decimal("165.00"),
    day=date(2026, 3, 4),
    hour=time(12, 34, 56, 789000),
)


def with_field(name: str, value: bytes, packet: bytes | None = None) -> bytes:
    """A packet whose field has this value, filled with spaces."""
    start, end = SPANS[name]
    packet = packet or encode(SALE)
    return packet[:start] + value[: end - start].ljust(end - start) + packet[end:]


def plain(event: Event) -> Event:
    return event._replace(raw=b"")


def test_the_layout() -> None:
    """Offsets of the manual's table: 277 bytes, the time's parts last, the smallest first."""
    assert SIZE == 277
    assert [SPANS[name][0] for name, _ in FIELDS] == [
        *(0, 3, 9, 13, 33, 63, 73, 76, 89, 119, 149, 164, 179, 194, 209, 212, 232, 247),
        *(262, 264, 266, 268, 271, 273, 275),
    ]
    packet = encode(SALE)
    assert len(packet) == SIZE
    assert packet[262:] == b"040326789563412"
    assert packet[33:63] == "Иванова И.И.".encode("cp866").ljust(30)
    assert plain(decode(packet)) == SALE
    assert decode(packet).raw == packet
    assert SALE.source == "KKM:12"


@pytest.mark.parametrize(
    ("prefix", "source"),
    [
        (b"KKM", "KKM:12"),
        (b"kkm", "KKM:12"),
        ("ККМ".encode("cp866"), "KKM:12"),
        ("ККМ".encode("cp1251"), "KKM:12"),
        ("ккм".encode("cp866"), "KKM:12"),
        ("ккм".encode("cp1251"), "KKM:12"),
        ("ТРК".encode("cp866"), "TRK:12"),
        ("ТРК".encode("cp1251"), "TRK:12"),
        ("трк".encode("cp866"), "TRK:12"),
        ("трк".encode("cp1251"), "TRK:12"),
        (b"SKD", "SKD:12"),
        (b"D1 ", "D1:12"),
    ],
)
def test_prefixes(prefix: bytes, source: str) -> None:
    assert decode(with_field("Prefix", prefix)).source == source


def test_the_prefix_tells_the_encoding() -> None:
    """Cyrillic Windows is believed; what is set for the source is believed more."""
    packet = with_field("Cassir", "Иванова И.И.".encode("cp1251"), with_field("Prefix", "ККМ".encode("cp1251")))
    assert decode(packet).cashier == "Иванова И.И."
    packet = with_field("Cassir", "Иванова И.И.".encode("koi8-r"))
    assert decode(packet, {"KKM:12": "koi8-r"}.get).cashier == "Иванова И.И."
    assert decode(packet, {"KKM:13": "koi8-r"}.get).cashier != "Иванова И.И."


def test_utf8() -> None:
    """The prefix grows by three bytes and moves the rest; or all fields were laid out in letters."""
    moved = "ККМ".encode() + encode(SALE)[3:]
    assert len(moved) == 280
    assert plain(decode(moved)) == SALE
    letters = decode_letters(SALE)
    assert len(letters) > 280
    assert plain(decode(letters)) == SALE
    assert plain(decode(letters.replace(b"KKM", "ККМ".encode(), 1))) == SALE
    bytewise = encode(SALE, "utf-8")
    assert plain(decode(bytewise, lambda source: "utf-8")) == SALE


def decode_letters(event: Event) -> bytes:
    """The packet of a sender that counts letters and writes UTF-8."""
    return encode(event, "cp1251").decode("cp1251").encode()


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (b"345.12", "345.12"),
        (b".12", "0.12"),
        (b"345,12", "345.12"),
        (b"         345.12", "345.12"),
        (b"-345.12", "-345.12"),
        (b"345.12-", "-345.12"),
        (b"12345678901.234", "12345678901.234"),
        (b"12.", "12"),
        (b"1 234.50", "1234.50"),
        (b"\0\0\0", None),
        (b"", None),
        (b".", None),
        (b"-", None),
        (b"1e5", None),
        ("двенадцать".encode("cp866"), None),
    ],
)
def test_numbers(value: bytes, number: str | None) -> None:
    assert decode(with_field("GoodsSum", value)).amount == (None if number is None else Decimal(number))


def test_whole_numbers() -> None:
    """Aligned right or left, with zeros before, NUL as padding."""
    packet = with_field("Number", b"    12", with_field("Mode", b"0006", with_field("CK_Number", b"0000004711")))
    assert plain(decode(packet)) == SALE
    packet = with_field("Number", b"12\0\0\0\0")
    assert decode(packet).source == "KKM:12"
    assert decode(encode(SALE).replace(b" ", b"\0")).goods == "Батон\ufffdнарезной"
    assert decode(with_field("Number", b"000000")).source == "KKM:0"
    assert decode(with_field("CK_Number", b"")).receipt == ""
    assert decode(with_field("CK_Number", b"0000000000")).receipt == "0"
    assert decode(with_field("Count", b"x")).position is None


def test_lengths() -> None:
    """Stripped at the end, with a line's end, with something behind; several at once only when all are whole."""
    packet = encode(SALE._replace(day=None, hour=None))
    assert plain(decode(packet.rstrip())) == SALE._replace(day=None, hour=None)
    for more in (b"\r\n", b"\0", b"more than there should be", b" " * 200):
        assert plain(decode(encode(SALE) + more)) == SALE
    assert decode(encode(SALE)[:13]).code == 6
    assert split(packet * 3) == [packet] * 3
    assert split(packet * 3 + b"\n") == [packet * 3 + b"\n"]
    assert split(b"") == [b""]


@given(st.one_of(st.binary(max_size=3000), st.integers(0, 70).map(lambda count: bytes(count * SIZE))))
def test_what_is_kept_of_a_datagram(data: bytes) -> None:
    assert split(clip(data)) == split(data) and len(clip(data)) <= max(LONGEST, SIZE * packets_in(data))


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (b"", "short"),
        (b"KKM", "short"),
        (b" " * SIZE, "short"),
        (b"?!*" + encode(SALE)[3:], "prefix"),
        (b"123" + encode(SALE)[3:], "prefix"),
        (with_field("Number", b""), "number"),
        (with_field("Number", b"12a"), "number"),
        (with_field("Mode", b""), "mode"),
        (with_field("Mode", b"-6"), "mode"),
        (b"GET / HTTP/1.1\r\n\r\n", "number"),
    ],
)
def test_what_is_refused(packet: bytes, code: str) -> None:
    with pytest.raises(WireError) as refused:
        decode(packet)
    assert refused.value.code == code


def test_both_discounts() -> None:
    """DiscStr and DiscSum are fields of their own: neither is lost where a packet fills both."""
    both = SALE._replace(discount=Decimal("1.5"), total_discount=Decimal("2.50"))
    for packet in (encode(both), encode(both._replace(prefix="ККМ")), encode(both, "utf-8"), encode(both)[:262]):
        assert total_discount(decode(packet).raw) == Decimal("2.50")
    assert total_discount(decode(encode(SALE)).raw) is total_discount(b"") is None


def test_instants() -> None:
    """Date and time are told apart; one that cannot be is none; two digits of a year."""
    assert decode(with_field("Day", b"31", with_field("Month", b"02"))).day is None
    assert decode(with_field("Hour", b"24")).hour is None
    assert decode(with_field("Day", b"")).hour == SALE.hour
    assert decode(with_field("Hour", b"")).day == SALE.day
    assert decode(with_field("Year", b"79")).day == date(2079, 3, 4)
    assert decode(with_field("Year", b"80")).day == date(1980, 3, 4)
    assert decode(with_field("Sec100", b"45")).hour == time(12, 34, 56, 45000)
    assert decode(with_field("Sec100", b"")).hour == time(12, 34, 56)
    assert decode(with_field("Sec", b"", with_field("Sec100", b""))).hour == time(12, 34)


def test_card_numbers() -> None:
    """Only the last four digits are kept, in the raw packet too; barcodes and codes of articles stay."""
    visa = "4111111111111111"
    event = decode(encode(SALE._replace(card=visa, goods=f"CARD {visa}", cashier=visa, barcode="4600000000017")))
    assert event.card == "*" * 12 + "1111"
    assert event.goods == "CARD " + "*" * 12 + "1111"
    assert visa.encode() not in event.raw
    assert len(event.raw) == SIZE
    assert event.barcode == "4600000000017"
    assert decode(encode(SALE._replace(card="AB-778 9911"))).card == "***** *9911".replace("***** *", "****** ")
    assert decode(encode(SALE._replace(goods_code=visa))).goods_code == visa  # an article's code
    moved = decode("ККМ".encode() + encode(SALE._replace(card=visa))[3:] + visa.encode())
    letters = decode(decode_letters(SALE._replace(card=visa, goods=f"Карта {visa}")))
    for event in (moved, letters):
        assert event.card == "*" * 12 + "1111"
        assert visa.encode() not in event.raw


TEXT = st.text(st.sampled_from("ABЖЫж яё019-."), max_size=30).map(str.strip)
NUMBER = st.none() | st.decimals(-999_999, 999_999, places=2)
EVENTS = st.builds(
    Event,
    prefix=st.sampled_from(["KKM", "TRK", "SKD"]),
    number=st.integers(0, 999_999).map(str),
    code=st.integers(0, 9999),
    cashier_code=TEXT.map(lambda text: text[:20].strip()),
    cashier=TEXT,
    receipt=st.just("") | st.integers(0, 9_999_999_999).map(str),
    position=st.none() | st.integers(0, 999),
    barcode=TEXT.map(lambda text: text[:13].strip()),
    goods_code=TEXT,
    goods=TEXT,
    price=NUMBER,
    quantity=NUMBER,
    amount=NUMBER,
    total=NUMBER,
    card_type=TEXT.map(lambda text: text[:3].strip()),
    card=st.sampled_from(["", "1234", "*" * 12 + "5678"]),
    discount=NUMBER,
    total_discount=NUMBER,
    day=st.none() | st.dates(date(1980, 1, 1), date(2079, 12, 31)),
    hour=st.none() | st.times().map(lambda hour: hour.replace(microsecond=hour.microsecond // 1000 * 1000)),
    raw=st.just(b""),
)


@given(EVENTS, st.sampled_from(ENCODINGS[:2]))
def test_round_trip(event: Event, encoding: str) -> None:
    """What is encoded is decoded, but for what looks like a card's number."""
    packet = encode(event, encoding)
    assert len(packet) == SIZE
    again = decode(packet, lambda source: encoding)
    if packet == again.raw:
        assert plain(again) == event
    assert decode(again.raw, lambda source: encoding) == again  # what is kept says the same


@given(st.binary(max_size=600) | st.binary(max_size=300).map(lambda rest: b"KKM12    6   " + rest))
def test_any_bytes(data: bytes) -> None:
    """Nothing but WireError is ever raised."""
    for packet in split(data):
        for encoding in (None, "utf-8"):
            try:
                event = decode(packet, lambda source, encoding=encoding: encoding)
            except WireError as error:
                assert error.code
            else:
                assert "\0" not in "".join(value for value in event if isinstance(value, str))
