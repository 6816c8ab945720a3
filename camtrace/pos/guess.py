"""Which of the dialects that come with CamTrace a till may speak, by what it was heard to say. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from camtrace.pos.dialect import Dialect
from camtrace.pos.framing import cutter
from camtrace.pos.presets import BY_NAME, shipped
from camtrace.pos.reading import Reader
from camtrace.pos.wire import FramingLost, Message, WireError, decode

LONGEST = 8192  # bytes that are looked at
MOST_LINES = 100
_NO_PAPER = re.compile(rb"[{}<>|;\t]")  # seldom printed: fields, objects and elements
# what cannot be decoded, lines of boxes, letters of two alphabets in a word
_NO_WORDS = re.compile("[\ufffd\u2500-\u259f]|[A-Za-z][А-Яа-я]|[А-Яа-я][A-Za-z]")
_ADDRESS = "192.0.2.1"


def likely(sample: bytes, of: Mapping[str, Dialect] | None = None) -> list[str]:
    """Names of the dialects that make sense of `sample`, the one that makes most of it first."""
    known: dict[str, Dialect | None] = dict.fromkeys(BY_NAME)
    known |= shipped() if of is None else of
    points = {name: _points(sample[:LONGEST], dialect) for name, dialect in known.items()}
    return sorted((name for name in points if points[name] > 0), key=lambda name: -points[name])


def _points(sample: bytes, dialect: Dialect | None) -> float:
    """How much sense a dialect makes of `sample`; nothing or less where it makes none."""
    cut = cutter(dialect)
    reader = Reader(dialect, _ADDRESS) if dialect is not None else None
    try:
        lines = (cut.feed(sample) or cut.flush())[:MOST_LINES]  # a line that is not whole says little
    except FramingLost as lost:
        lines = lost.before[:MOST_LINES]
    points = 0.0
    ticket: list[Message] = []
    for line in lines:
        try:
            message = decode(line) if reader is None else reader.read(line, reader.dialect.encoding)
        except WireError:
            points -= 2
            continue
        if message is None:
            continue
        is_paper = dialect is not None and dialect.kind == "receipt"
        points += -1 if is_paper and _NO_PAPER.search(line) else _sense(message)
        ticket.append(message)
        if message.type == "E":
            points += 5 if len(ticket) > 1 else 0
            points += 5 if _adds_up(ticket) else 0
            ticket = []
    return points


def _sense(message: Message) -> float:
    words = message.text or message.tender
    if _NO_WORDS.search(words) or not message.type.isalpha():
        return -2
    told = sum(map(bool, (message.ticket, message.seller, message.code, message.quantity))) / 10
    if message.type in "AS":
        return told + (0.5 if words and (message.amount is not None or message.special) else -0.5)
    if message.type == "N":  # with an amount where it is known to be no article
        return told + (0.1 if message.amount is None else 1)
    return told + (3 if message.type == "T" else 1 if message.type in "ED" else 0)


def _adds_up(ticket: list[Message]) -> bool:
    """Whether the articles come to what was paid."""
    sums = [message.amount for message in ticket if message.type in "AS" and message.amount is not None]
    paid = [message.total for message in ticket if message.type in "TE" and message.total is not None]
    return bool(sums and paid) and sum(sums, Decimal()) == sum(paid, Decimal())
