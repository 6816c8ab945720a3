"""The shop's second till, which speaks Prisma: what the script has it say, as events in UDP datagrams."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from decimal import Decimal

from camtrace.demo.beat import instant
from camtrace.demo.script import ARTICLES, BEATS_PER_SECOND, SALE, Sale, Step, Till
from camtrace.prisma.wire import Event, encode

ENCODING = "cp1252"  # CP866, which tills of this kind use, has no French accents
HEARTBEAT = 30 * BEATS_PER_SECOND
_CASHIERS = {"7": "MARIE", "12": "LUC"}


def source_of(till: Till) -> str:
    """What its events are found by, and the overlay id of its camera."""
    return f"KKM:{till.name}"


def events(till: Till, beat: int) -> list[Event]:
    """What the till says at a beat."""
    sale, seconds = till.moment(beat)
    number = (beat - till.delay) // SALE
    said = [event for step in sale.steps if step.at == seconds for event in _Receipts(till, sale, number).of(step)]
    if not said and beat % HEARTBEAT == 0:
        said = [Event("KKM", till.name, 60, sale.seller, _CASHIERS.get(sale.seller, sale.seller), "0")]
    local = instant(beat)
    return [event._replace(day=local.date(), hour=local.time()) for event in said]


class PrismaTill:
    """One till on the network. Nobody answers: what it says while the server is away is lost."""

    def __init__(self, till: Till, host: str, port: int) -> None:
        self._till = till
        self._address = (host, port)
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def beat(self, beat: int) -> None:
        """Say what the script has the till say now."""
        for event in events(self._till, beat):
            try:
                self._socket.sendto(encode(event, ENCODING), self._address)
            except OSError:  # the server is not there
                return

    def stop(self) -> None:
        """Hang up."""
        self._socket.close()


class _Receipts:
    """The receipts of one sale of the script: what comes back has one of its own, before the sale's."""

    def __init__(self, till: Till, sale: Sale, number: int) -> None:
        self._till = till
        self._sale = sale
        self._number = number

    def of(self, step: Step) -> Iterator[Event]:
        """The events of a step, each with what its receipt comes to after it."""
        if step.note == "RETOUR":
            yield self._say(step, 46, back=True)
            yield self._goods(step, 6, back=True)
            yield self._say(step, 47, back=True)
            return
        if step == self._first():
            yield self._say(step, 4, total=Decimal(0))
        match step.type:
            case "A":
                yield self._goods(step, 6)
            case "S":  # asked for, then done
                yield self._goods(step, 16)
                yield self._goods(step, 18)
            case "D":
                yield self._say(step, 40)
            case "T":
                yield self._say(step, 38)._replace(amount=_amount(step.cents))
            case "E":
                cash = step.note == "ESPECES"
                yield self._say(step, 37 if cash else 38)._replace(amount=_amount(step.tendered))
                yield self._say(step, 5)
                change = _amount(step.tendered + self._paid_before(step)) - (self._say(step, 5).total or 0)
                if cash and change > 0:
                    yield self._say(step, 50)._replace(amount=change)

    def _paid_before(self, step: Step) -> int:
        return sum(one.cents for one in self._sale.steps if one.type == "T" and one.at < step.at)

    def _first(self) -> Step | None:
        return next((step for step in self._sale.steps if step.note != "RETOUR"), None)

    def _say(self, step: Step, code: int, total: Decimal | None = None, back: bool = False) -> Event:
        sold = [one for one in self._sale.steps if one.at <= step.at and one.note != "RETOUR"]
        worth = sum(_worth(one) for one in sold)
        if back:
            worth = step.quantity * step.cents
        receipt = 2 * (self._number % 100_000) + (0 if back else 1)
        cashier = _CASHIERS.get(self._sale.seller, self._sale.seller)
        return Event(
            "KKM",
            self._till.name,
            code,
            self._sale.seller,
            cashier,
            str(receipt),
            self._position(step),
            total=_amount(worth) if total is None else total,
        )

    def _goods(self, step: Step, code: int, back: bool = False) -> Event:
        pool = ARTICLES[step.cents]
        number, name = pool[(self._number // 2 + step.slot) % len(pool)]
        event = self._say(step, code, back=back)
        if code == 16:  # only asked for: the receipt still comes to what it came to
            event = event._replace(total=(event.total or Decimal(0)) + _amount(step.quantity * step.cents))
        return event._replace(
            barcode=_ean(number),
            goods_code=number,
            goods=name,
            price=_amount(step.cents),
            quantity=Decimal(step.quantity),
            amount=_amount(step.quantity * step.cents),
        )

    def _position(self, step: Step) -> int:
        """The place of its article in the receipt, or the last one."""
        if step.note == "RETOUR":
            return 1
        there: list[Step] = []
        place = 0
        for one in self._sale.steps:
            if one.at > step.at or one.note == "RETOUR":
                continue
            if one.type == "A":
                there.append(one)
                place = len(there)
            elif one.note == "ANNULE":
                same = [at for at, other in enumerate(there) if (other.cents, other.slot) == (one.cents, one.slot)]
                place = (same[-1] if same else len(there) - 1) + 1
                del there[place - 1 : place]
            else:
                place = len(there)
        return max(place, 1)


def _worth(step: Step) -> int:
    if step.type == "A":
        return step.quantity * step.cents
    return -step.quantity * step.cents if step.note == "ANNULE" else 0


def _ean(number: str) -> str:
    """A bar code of the shop's own (EAN-13 beginning with 2) for an article."""
    digits = f"20000000{int(number):04}"
    weighed = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-weighed % 10}"


def _amount(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
