"""The Prisma packet: 277 bytes of fixed-width text to an event, and back. Pure.

Fields are left aligned and filled with spaces; the last seven are the date and the time, least significant first
(docs/protocols/prisma.md). Tills are old and many: whatever can be understood is accepted.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from camtrace.cards import hidden_bytes, masked, may_hold_a_card

# name and width in bytes of each field, in the order of the packet
FIELDS = (
    ("Prefix", 3),
    ("Number", 6),
    ("Mode", 4),
    ("CassirItem", 20),
    ("Cassir", 30),
    ("CK_Number", 10),
    ("Count", 3),
    ("BarCode", 13),
    ("GoodsItem", 30),
    ("GoodsName", 30),
    ("GoodsPrice", 15),
    ("GoodsQuant", 15),
    ("GoodsSum", 15),
    ("Sum", 15),
    ("CardType", 3),
    ("CardNumber", 20),
    ("DiscStr", 15),
    ("DiscSum", 15),
    ("Day", 2),
    ("Month", 2),
    ("Year", 2),
    ("Sec100", 3),
    ("Sec", 2),
    ("Min", 2),
    ("Hour", 2),
)
SIZE = sum(width for _, width in FIELDS)  # 277
ENCODINGS = ("cp866", "cp1251", "utf-8", "koi8-r", "cp850", "cp1252")
DEFAULT_ENCODING = "cp866"  # "ASCII DOS" in the manual
PIVOT = 80  # years below are of this century
MOST_EVENTS = 32  # in one datagram
LONGEST = 1024  # bytes of a packet that are looked at and kept: in UTF-8 it may have twice its size
_HEAD = 13  # bytes up to the event's number; a shorter packet says nothing

_ends = [sum(width for _, width in FIELDS[: place + 1]) for place in range(len(FIELDS))]
SPANS = {name: (end - width, end) for (name, width), end in zip(FIELDS, _ends, strict=True)}
_PACKET = struct.Struct("".join(f"{width}s" for _, width in FIELDS))
_UTF8_PREFIX = re.compile(rb"(?:\xd0[\x90-\xbf]|\xd1[\x80-\x8f]){3}")  # three Cyrillic letters
_PADDING = b"\0 \t\r\n"


class WireError(ValueError):
    """The bytes are no event of this protocol. `code` says in a word why."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Event(NamedTuple):
    """One packet as it was meant.

    `prefix`: Latin capitals (KKM, TRK). `number`: of the till, without padding. `receipt`: CK_Number without padding,
    "0" if the till says so, "" if it says none. `total`: of the receipt. `discount`: of the line (a percentage with
    event 35), `total_discount`: of the receipt. `card`: masked. `day`, `hour`: the sender's own clock, None where it
    gives none. `raw`: the packet, card numbers masked.
    """

    prefix: str
    number: str
    code: int
    cashier_code: str = ""
    cashier: str = ""
    receipt: str = ""
    position: int | None = None
    barcode: str = ""
    goods_code: str = ""
    goods: str = ""
    price: Decimal | None = None
    quantity: Decimal | None = None
    amount: Decimal | None = None
    total: Decimal | None = None
    card_type: str = ""
    card: str = ""
    discount: Decimal | None = None
    total_discount: Decimal | None = None
    day: date | None = None
    hour: time | None = None
    raw: bytes = b""

    @property
    def source(self) -> str:
        """What overlay ids refer to: KKM:12."""
        return f"{self.prefix}:{self.number}"


def packets_in(datagram: bytes) -> int:
    """How many a datagram has: one, or several where it is an exact multiple of their size."""
    count, rest = divmod(len(datagram), SIZE)
    return count if not rest and 1 < count <= MOST_EVENTS else 1


def clip(datagram: bytes) -> bytes:
    """What is looked at of a datagram: `split` makes the same of it, and more need not be kept."""
    return datagram if packets_in(datagram) > 1 else datagram[:LONGEST]


def split(datagram: bytes) -> list[bytes]:
    """The packets of a datagram."""
    if packets_in(datagram) == 1:
        return [datagram[:LONGEST]]
    return [datagram[place : place + SIZE] for place in range(0, len(datagram), SIZE)]


def decode(packet: bytes, encoding_of: Callable[[str], str | None] = lambda source: None) -> Event:
    """What a packet says. Raises WireError when it names no source or no event.

    `encoding_of`: the encoding set for a source; without one it is what the prefix is written in, else CP866.
    """
    if len(packet) == SIZE and packet[:3] in (b"KKM", b"TRK"):  # as nearly all of them
        values, prefix, hint, text = _PACKET.unpack(packet), packet[:3].decode(), "", ""
    else:
        values, prefix, hint, text = _loosely(packet)
    number, code = _whole(values[1]), _whole(values[2])
    if number is None:
        raise WireError("its Number (bytes 4 to 9) is no number", "number")
    if code is None:
        raise WireError("its Mode (bytes 10 to 13), the event's number, is no number", "mode")
    source = f"{prefix}:{number}"
    encoding = "utf-8" if text else encoding_of(source) or hint or DEFAULT_ENCODING
    cashier_code, cashier, goods, card = mask(values[3]), mask(values[4]), mask(values[9]), _masked_card(values[15])
    is_plain = len(packet) == SIZE and (cashier_code, cashier, goods, card) == (*values[3:5], values[9], values[15])

    def words(field: bytes) -> str:
        stripped = field.strip(_PADDING)
        return _words(stripped, encoding) if stripped else ""

    count = _whole(values[6])
    return Event(
        prefix,
        str(number),
        code,
        words(cashier_code),
        words(cashier),
        _receipt(values[5]),
        count,
        words(values[7]),
        words(values[8]),
        words(goods),
        _number(values[10]),
        _number(values[11]),
        _number(values[12]),
        _number(values[13]),
        words(values[14]),
        words(card),
        _number(values[16]),
        _number(values[17]),
        _day(values[18], values[19], values[20]),
        _hour(values[24], values[23], values[22], values[21]),
        packet if is_plain else _masked(packet, values, text),
    )


def encode(event: Event, encoding: str = DEFAULT_ENCODING) -> bytes:
    """The packet of an event, as a till sends it; what is too long for its field is cut off."""
    day, hour = event.day, event.hour
    values = (
        event.prefix,
        event.number,
        str(event.code),
        event.cashier_code,
        event.cashier,
        event.receipt,
        _text(event.position),
        event.barcode,
        event.goods_code,
        event.goods,
        _text(event.price),
        _text(event.quantity),
        _text(event.amount),
        _text(event.total),
        event.card_type,
        event.card,
        _text(event.discount),
        _text(event.total_discount),
        *((f"{day.day:02}", f"{day.month:02}", f"{day.year % 100:02}") if day else ("", "", "")),
        *(
            (f"{hour.microsecond // 1000:03}", f"{hour.second:02}", f"{hour.minute:02}", f"{hour.hour:02}")
            if hour
            else ("", "", "", "")
        ),
    )
    return b"".join(
        value.encode(encoding, "replace")[:width].ljust(width) for value, (_, width) in zip(values, FIELDS, strict=True)
    )


def _text(value: int | Decimal | None) -> str:
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


# ── packets that are not as they should be ───────────────────────────────────────────────────────────────────────


def _loosely(packet: bytes) -> tuple[tuple[bytes, ...], str, str, str]:
    """The fields of any packet, its prefix in Latin, what encoding that was in ("": Latin), its text if laid out so.

    A packet that is too short was stripped at its end; what follows a whole one is ignored. UTF-8 may have moved all
    that follows the prefix by three bytes, or all fields, where the sender counted letters.
    """
    text = ""
    cyrillic = _UTF8_PREFIX.match(packet) is not None
    if len(packet) > SIZE and not packet.isascii():
        text = _laid_out_in_letters(packet, cyrillic)
    if text:
        fields = tuple(text[start:end].encode() for start, end in SPANS.values())
    else:
        moved = packet[3:] if cyrillic else packet
        padded = moved[:SIZE].ljust(SIZE)
        if len(moved.rstrip(_PADDING)) < 4:
            raise WireError(f"it has {len(packet)} bytes; {_HEAD} at least name the source and the event", "short")
        fields = (packet[:6] if cyrillic else padded[:3], *_PACKET.unpack(padded)[1:])
    prefix, hint = _prefix(fields[0])
    if hint == "utf-8" and not _is_utf8(packet):
        hint = ""  # only the prefix is: it was written into the program by hand
    return fields, prefix, hint, text


def _is_utf8(packet: bytes) -> bool:
    try:
        packet.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _laid_out_in_letters(packet: bytes, cyrillic: bool) -> str:
    """The packet as UTF-8 text of 277 letters, "" if it is not that."""
    try:
        text = packet.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    if cyrillic and len(packet) <= SIZE + 3 and len(text) < SIZE:
        return ""  # only the prefix has grown: fields were filled up to their widths in bytes
    return text.ljust(SIZE) if len(text.rstrip("\0\r\n")) <= SIZE else ""


_LATIN = str.maketrans("АВЕКМНОРСТУХДИЛГЗПБФЮЯЖЦЧШЩЫЭ", "ABEKMHOPCTUXDILGZPBFYJVCHWQIE")
_KNOWN = {"ККМ": "KKM", "ТРК": "TRK"}  # Р sounds R: the letters that look alike would give TPK


def _prefix(field: bytes) -> tuple[str, str]:
    """The prefix in Latin capitals, and the encoding its Cyrillic letters are in. Raises WireError."""
    stripped = field.strip(_PADDING)
    readings = [("", "ascii")] if stripped.isascii() else [(name, name) for name in ("utf-8", "cp866", "cp1251")]
    found = []
    for hint, encoding in readings:
        try:
            word = stripped.decode(encoding).upper()
        except UnicodeDecodeError:
            continue
        latin = _KNOWN.get(word) or word.translate(_LATIN)
        if re.fullmatch(r"[A-Z][A-Z0-9]{0,2}", latin):
            found.append((word in _KNOWN or latin in _KNOWN.values(), latin, hint))
    if not found:
        raise WireError("its Prefix (bytes 1 to 3) is no word such as KKM or TRK", "prefix")
    _, latin, hint = max(found, key=lambda each: each[0])
    return latin, hint


# ── single fields ────────────────────────────────────────────────────────────────────────────────────────────────

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:[.,]([0-9]*))?(-?)")


@lru_cache(maxsize=16384)
def _words(stripped: bytes, encoding: str) -> str:
    text = stripped.decode(encoding, "replace").replace("\t", " ").strip()
    return _CONTROL.sub("\ufffd", text) if _CONTROL.search(text) else text


@lru_cache(maxsize=16384)
def _whole(field: bytes) -> int | None:
    """A whole number, aligned left or right; None for anything else."""
    stripped = field.strip(_PADDING)
    return int(stripped) if stripped.isdigit() else None


def _receipt(field: bytes) -> str:
    """The receipt's number; letters in it are kept, any row of zeros is "0"."""
    stripped = field.strip(_PADDING)
    if not stripped:
        return ""
    if stripped.isdigit():
        return str(int(stripped))
    return _words(stripped, DEFAULT_ENCODING)


@lru_cache(maxsize=16384)
def _number(field: bytes) -> Decimal | None:
    """`345.12`, `.12`, `345,12`, `-5`, `5-`, aligned left or right; None for anything else."""
    stripped = field.strip(_PADDING).replace(b" ", b"")
    match = _DECIMAL.fullmatch(stripped.decode("ascii", "replace"))
    if match is None:
        return None
    before, whole, fraction, behind = match.groups()
    if not whole and not fraction:
        return None
    sign = "-" if "-" in (before, behind) else ""
    return Decimal(f"{sign}{whole or '0'}.{fraction}" if fraction else f"{sign}{whole}")


@lru_cache(maxsize=512)
def _day(day: bytes, month: bytes, year: bytes) -> date | None:
    parts = [_whole(part) for part in (year, month, day)]
    if None in parts:
        return None
    short = parts[0] or 0
    try:
        return date(short + (2000 if short < PIVOT else 1900), parts[1] or 0, parts[2] or 0)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _hour(hour: bytes, minute: bytes, second: bytes, thousandths: bytes) -> time | None:
    """The time of day; one without thousandths or even seconds is one all the same."""
    parts = [_whole(part) for part in (hour, minute)]
    if None in parts:
        return None
    try:
        return time(parts[0] or 0, parts[1] or 0, _whole(second) or 0, (_whole(thousandths) or 0) * 1000)
    except ValueError:
        return None


# ── card numbers ─────────────────────────────────────────────────────────────────────────────────────────────────

_STAR = re.compile(r"[^\s\0]")
_LOOSE = ("CassirItem", "Cassir", "GoodsName")  # fields that may hold a card number by mistake


def mask(data: bytes) -> bytes:
    """Any bytes with all but the last four digits of what passes for a card number (Luhn) replaced by `*`."""
    return masked(data) if may_hold_a_card(data) else data


def total_discount(packet: bytes) -> Decimal | None:
    """`DiscSum` of a packet as it is kept: the discount on the receipt, which may come beside one on the position."""
    try:
        fields = _PACKET.unpack(packet) if len(packet) == SIZE and packet[:3].isascii() else _loosely(packet)[0]
    except WireError:
        return None
    return _number(fields[17])


def without_card(packet: bytes) -> bytes:
    """A packet as it is kept, without even the last letters of its card's number."""
    rest = hidden_bytes(packet)
    try:
        _, _, _, text = _loosely(packet)
    except WireError:
        return rest
    start, end = SPANS["CardNumber"]
    if text:
        shown = rest.decode("utf-8", "replace")
        return (shown[:start] + _STAR.sub("*", shown[start:end]) + shown[end:]).encode()
    if _UTF8_PREFIX.match(packet):
        start, end = start + 3, end + 3
    return rest[:start] + _masked_card(rest[start:end], 0) + rest[end:]


def _masked_card(field: bytes, kept: int = 4) -> bytes:
    """The card's number: all but its last `kept` letters and digits replaced, spaces stay."""
    if not field.strip(_PADDING):
        return field
    places = [place for place, byte in enumerate(field) if byte not in _PADDING]
    masked = bytearray(field)
    for place in places[: len(places) - kept]:
        masked[place] = 42
    return bytes(masked)


def _masked(packet: bytes, values: tuple[bytes, ...], text: str) -> bytes:
    """The packet as it is kept."""
    if text:
        fields = [_masked_field(name, value) for (name, _), value in zip(FIELDS, values, strict=True)]
        return b"".join(fields) + mask(text[SIZE:].encode())
    start, end = SPANS["CardNumber"]
    if _UTF8_PREFIX.match(packet):
        start, end = start + 3, end + 3
    if packet[start:end].strip(_PADDING):
        packet = packet[:start] + _masked_card(packet[start:end]) + packet[end:]
    shift = end - SPANS["CardNumber"][1]
    if len(packet) > SIZE + shift:
        packet = packet[: SIZE + shift] + mask(packet[SIZE + shift :])
    for name in _LOOSE:
        start, end = SPANS[name][0] + shift, SPANS[name][1] + shift
        packet = packet[:start] + mask(packet[start:end]).ljust(end - start) + packet[end:]
    return packet


def _masked_field(name: str, value: bytes) -> bytes:
    if name == "CardNumber":
        return _masked_card(value)
    return mask(value) if name in _LOOSE else value
