"""For who programs a till: packets that are right, and in words what is wrong with others. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from camtrace.prisma.catalogue import (
    ADDS,
    HEARTBEAT,
    RETURN,
    RETURN_END,
    SALE,
    SALE_END,
    TAKES_OFF,
    Catalogue,
    described,
)
from camtrace.prisma.wire import FIELDS, SIZE, SPANS, Event, WireError, decode

# what the manual's table of each event lists beside the fields that all have
_ALL = ("CassirItem", "Cassir", "CK_Number", "Count", "Sum")
_GOODS = ("BarCode", "GoodsItem", "GoodsName", "GoodsPrice", "GoodsQuant", "GoodsSum")
_MORE = {
    # 7 and 9, 10 and 12, 16 and 18 carry what the event 6 before them carried; 65 to 69 take its place
    **dict.fromkeys((*ADDS, 7, 9, 10, 12, 15, 16, 18), _GOODS),
    35: ("DiscStr",),
    37: ("GoodsSum",),
    50: ("GoodsSum",),
    52: ("DiscSum",),
}
_OF_AN_ARTICLE = (7, 9, 10, 12, 15, 16, 18)  # events that repeat what was said when it was added
_WHOLE = ("Number", "Mode", "CK_Number", "Count")
_AMOUNTS = ("GoodsPrice", "GoodsQuant", "GoodsSum", "Sum", "DiscStr", "DiscSum")
_TIME = ("Day", "Month", "Year", "Hour", "Min", "Sec", "Sec100")
_PADDING = b"\0 "


def required(code: int, inside: bool = True) -> tuple[str, ...]:
    """The fields that the manual wants filled for an event, Prefix, Number and Mode aside.

    `inside`: it bears a receipt's number. Then every event tells its position and what the receipt comes to.
    """
    if code == 203:
        return ("CassirItem", "Cassir", "CK_Number")
    if code == 40:  # its position may be blank
        return ("CassirItem", "Cassir", "CK_Number", "Sum")
    if inside or (code in described() and code != 51):
        return (*_ALL, *_MORE.get(code, ()))
    return ("CassirItem", "Cassir", "CK_Number", *(("Sum",) if code == 51 else ()))


def told(event: Event) -> str:
    """An event in one line."""
    name = Catalogue().of(event.code).called("en") or "an event that the manual does not list"
    parts = [f"{event.source}, event {event.code} ({name})"]
    parts += [f"receipt {event.receipt}"] if event.receipt else []
    parts += [f"position {event.position}"] if event.position is not None else []
    parts += [event.goods] if event.goods else []
    parts += [f"total {event.total}"] if event.total is not None else []
    return ", ".join(parts)


def said(packet: bytes, encoding: str | None = None) -> str:
    """What a packet says, in one line."""
    try:
        return told(decode(packet, lambda source: encoding))
    except WireError:
        return "it says nothing"


def faults(packet: bytes, encoding: str | None = None) -> list[str]:
    """What is wrong with a packet, or only tolerated, sentence by sentence; none for one as in the manual."""
    found = []
    if len(packet) != SIZE:
        found.append(f"it has {len(packet)} bytes instead of {SIZE}")
    try:
        event = decode(packet, lambda source: encoding)
    except WireError as error:
        return [*found, f"it is refused: {error}"]
    if packet[:3] not in (b"KKM", b"TRK") and not packet[:3].isascii():
        found.append(f"Prefix is not in Latin letters; it is taken for {event.prefix}")
    values = {name: packet.ljust(SIZE)[start:end] for name, (start, end) in SPANS.items()}
    needed = required(event.code, event.receipt not in ("", "0"))
    missing = [name for name in needed if not values[name].strip(_PADDING)]
    found.extend(f"{_at(name)} is empty; event {event.code} needs it" for name in missing)
    for name, value in values.items():
        found.extend(f"{_at(name)} {fault}" for fault in _field_faults(name, value))
    if event.day is None:
        found.append("Day, Month and Year are no date; the server's is taken")
    if event.hour is None:
        found.append("Hour, Min, Sec and Sec100 are no time of day; the server's is taken")
    if event.code == 203 and event.receipt not in ("", "0"):
        found.append("CK_Number of event 203 is 0: it is outside of receipts")
    return found


def _field_faults(name: str, value: bytes) -> Iterator[str]:
    filled = value.strip(_PADDING)
    if not filled:
        return
    if value.startswith((b" ", b"\0")):
        yield "is not aligned left"
    if b"\0" in value:
        yield "is filled with NUL instead of spaces"
    if name in _WHOLE and not filled.isdigit() and name not in ("Number", "Mode"):
        yield f"is no whole number: {filled!r}"
    if name in _AMOUNTS:
        yield from _amount_faults(filled)
    if name in _TIME and not filled.isdigit():
        yield f"is no number: {filled!r}"


def _amount_faults(filled: bytes) -> Iterator[str]:
    if b"," in filled:
        yield "has a comma instead of a point"
    try:
        amount = Decimal(filled.replace(b",", b".").decode("ascii"))
    except (ArithmeticError, ValueError):
        yield f"is no number such as 345.12: {filled!r}"
        return
    places = amount.as_tuple().exponent
    if isinstance(places, int) and places < -3:
        yield "has more than three digits behind the point"


def _at(name: str) -> str:
    start, end = SPANS[name]
    return f"{name} (bytes {start + 1} to {end})"


class Run:
    """What is wrong with packets behind one another, of whatever sources: each of them is right by itself."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}

    def faults(self, packet: bytes, encoding: str | None = None) -> list[str]:
        """What does not fit to the packets before, sentence by sentence."""
        try:
            event = decode(packet, lambda source: encoding)
        except WireError:
            return []
        return list(self._faults(event))

    def _faults(self, event: Event) -> Iterator[str]:
        code, receipt = event.code, self._open.get(event.source)
        if code in (SALE, RETURN):
            if receipt is not None:
                yield f"receipt {receipt.number} before it has no end: send {SALE_END} or {RETURN_END}"
            self._open[event.source] = _Open(event.receipt, event.cashier)
            return
        if receipt is None:
            if code in ADDS or code in (SALE_END, RETURN_END):
                yield f"no receipt is open: send {SALE} or {RETURN} first"
            return
        if event.receipt == "0":
            if code != HEARTBEAT:
                yield f"CK_Number 0 ends receipt {receipt.number}"
                del self._open[event.source]
            return
        if event.receipt != receipt.number:
            return
        if event.cashier != receipt.cashier:
            yield f"Cassir is another than at the beginning of receipt {receipt.number}"
        yield from receipt.faults(event)
        if code in (SALE_END, RETURN_END):
            del self._open[event.source]


class _Open:
    """A receipt and the articles on its positions: bar code, code and name of each."""

    def __init__(self, number: str, cashier: str) -> None:
        self.number = number
        self.cashier = cashier
        self._articles: list[tuple[str, str, str]] = []

    def faults(self, event: Event) -> Iterator[str]:
        """What does not fit to the positions, which are counted from 1 and move up when one is taken off."""
        article = (event.barcode, event.goods_code, event.goods)
        count, most = event.position, len(self._articles)
        if event.code in ADDS:
            if count != most + 1:
                yield f"Count is {_text(count)} instead of {most + 1}, the next position"
            self._articles.append(article)
        elif count is not None and count > most:
            yield f"Count is {count}; the receipt has {most} positions"
        elif event.code in _OF_AN_ARTICLE and count:
            if self._articles[count - 1] != article:
                yield f"BarCode, GoodsItem and GoodsName are not those of the event 6 of position {count}"
            if event.code in TAKES_OFF:
                del self._articles[count - 1]


def _text(count: int | None) -> str:
    return "blank" if count is None else str(count)


# ── packets that are right ───────────────────────────────────────────────────────────────────────────────────────


def samples(prefix: str, number: str, at: datetime, receipt: int = 1) -> list[Event]:
    """Every event that the manual describes, in the order of a till's day: two sales, a void and a return."""
    return list(_Day(prefix, number, at, receipt).events())


_GOODS_SOLD = (
    ("4600000000017", "17", "Батон нарезной", "32.50"),
    ("4600000000024", "18", "Молоко 3,2%", "89.90"),
    ("4600000000031", "19", "Сыр Российский", "245.00"),
)


class _Day:
    """Counts what a receipt comes to."""

    def __init__(self, prefix: str, number: str, at: datetime, receipt: int) -> None:
        self._head = Event(prefix, number, 0, "1042", "Иванова И.И.", day=at.date(), hour=at.time())
        self._receipt = receipt
        self._positions = 0
        self._total = Decimal(0)

    def events(self) -> Iterator[Event]:
        yield self._say(3)
        yield from (self._say(4), *(self._goods(6, item) for item in range(3)))
        yield self._goods(12, 0, quantity="2", change="32.50")
        yield self._goods(15, 1, price="79.90", change="-10.00")
        yield self._goods(9, 2, change="-245.00")
        yield self._goods(6, 2)
        yield self._goods(18, 1, price="79.90", change="-79.90")
        yield self._say(36)
        yield self._say(35, discount=Decimal(5), card_type="DIS", card="7788990011")
        yield self._say(52, total_discount=Decimal("15.50"))
        yield self._say(32)
        yield self._say(37, amount=Decimal(500))
        yield self._say(50, amount=Decimal(500) - self._total)
        yield from (self._say(39), self._say(5), self._say(51))
        yield from (self._next(4), self._goods(6, 0), self._say(31), self._say(38), self._say(5))
        yield from (self._next(4), self._goods(6, 1), self._say(25), self._say(5))
        yield from (self._next(46), self._goods(6, 2), self._say(47))
        yield self._head._replace(code=40, receipt="0", total=Decimal(0))
        yield self._head._replace(code=203, receipt="0")

    def _next(self, code: int) -> Event:
        self._receipt, self._positions, self._total = self._receipt + 1, 0, Decimal(0)
        return self._say(code)

    def _say(self, code: int, **more: object) -> Event:
        event = self._head._replace(code=code, receipt=str(self._receipt), position=self._positions, total=self._total)
        return event._replace(**more)  # type: ignore[arg-type]

    def _goods(self, code: int, item: int, quantity: str = "1", price: str = "", change: str = "") -> Event:
        barcode, goods_code, goods, usual = _GOODS_SOLD[item]
        amount = Decimal(price or usual) * Decimal(quantity)
        if code == 6:
            self._positions += 1
        position = self._positions if code == 6 else item + 1
        self._total += Decimal(change) if change else amount
        event = self._say(
            code,
            position=position,
            barcode=barcode,
            goods_code=goods_code,
            goods=goods,
            price=Decimal(price or usual),
            quantity=Decimal(quantity),
            amount=amount,
        )
        if code in (9, 18):
            self._positions -= 1
        return event


def table() -> list[tuple[str, int, int, int]]:
    """Name, first byte, last byte (both counted from 1) and width of each field."""
    return [(name, SPANS[name][0] + 1, SPANS[name][1], width) for name, width in FIELDS]
