"""What is wrong with the lines of a till, in words for who programs it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from camtrace.pos.dialect import Dialect
from camtrace.pos.framing import cutter
from camtrace.pos.reading import Reader
from camtrace.pos.wire import FramingLost, Message, WireError, decode, mask_all, to_text

LINE_SECONDS = 0.1
FEWEST_LINES = 4
LETTERS = "ASDTE"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to tell of line `number` (0: of the whole). `level`: error (the line is lost), warning, note."""

    number: int
    level: str
    words: str

    def __str__(self) -> str:
        return f"{f'line {self.number}: ' if self.number else ''}{self.level}: {self.words}"


class Check:
    """Looks at one connection, or at a file. None is the CamTrace protocol."""

    def __init__(self, dialect: Dialect | None = None, address: str = "192.0.2.1") -> None:
        self.lines = 0
        self.errors = 0
        self._cutter = cutter(dialect)
        self._reader = Reader(dialect, address) if dialect is not None else None
        self._names: dict[str, str] = {}
        self._tickets: dict[str, list[float | None]] = {}  # when the lines of each till's present ticket came
        self._ends = 0
        self._told: set[str] = set()
        self._unfinished = False

    def feed(self, data: bytes, at: float | None = None) -> Iterator[Finding]:
        """What is to be told of `data`, which came at `at` seconds of any clock (None: a file)."""
        try:
            lines = self._cutter.feed(data)
        except FramingLost as lost:
            for line in lost.before:
                yield from self._line(line, at)
            self.errors += 1
            yield Finding(self.lines + 1, "error", f"{lost}: the server closes the connection. Does LF end each line?")
            return
        for line in lines:
            yield from self._line(line, at)
        self._unfinished = not data.endswith((b"\n", b"\r"))

    def end(self) -> Iterator[Finding]:
        """What is to be told at the end."""
        rest = self._cutter.flush()
        for line in rest:
            yield from self._line(line, None)
        if rest and self._unfinished:
            yield Finding(self.lines, "warning", "the last line has no end: it counts only when the connection closes")
        if not self.lines:
            yield Finding(0, "error", "there is no line")
        elif self.errors < self.lines and not self._ends:
            yield Finding(0, "warning", "no ticket ends: send a line of type E when it is paid, even if nothing is due")
        elif any(self._tickets.values()):
            yield Finding(0, "note", "the last ticket is still open")

    def _line(self, raw: bytes, at: float | None) -> Iterator[Finding]:
        self.lines += 1
        number = self.lines
        shown = to_text(mask_all(raw))[:_SHOWN]
        try:
            message = decode(raw) if self._reader is None else self._reader.read(raw, self._reader.dialect.encoding)
        except WireError as error:
            self.errors += 1
            yield Finding(number, "error", f"{error}: {shown!r}")
            return
        if message is None:
            return
        if self._reader is None:
            yield from (Finding(number, level, words) for level, words in self._doubts(raw, message))
        yield from self._group(number, message, at)

    def _doubts(self, raw: bytes, message: Message) -> Iterator[tuple[str, str]]:
        """What can be understood and is not as the protocol has it."""
        kind = message.type
        fields = raw.rstrip(b"\r\n| ").split(b"|")
        if kind not in LETTERS:
            yield "warning", f"type {kind} is none of A, S, D, T, E: the line is stored and shown as it is"
        if kind in "AS" and message.quantity is None:
            yield "warning", "field 5 is no quantity"
        if kind == "A" and message.amount is None:
            yield "warning", "field 8 is no amount: the ticket will have no sum"
        if kind == "A" and not message.text:
            yield "warning", "field 7, the description, is empty"
        if kind == "S" and not message.special and message.amount is None:
            yield "warning", "field 8 is neither ANNULE, OFFERT, PERTE, RETOUR nor an amount"
        if kind in "TE" and message.amount is None and message.total is None and not message.special:
            yield "warning", "fields 6 and 7 are no amounts: the ticket's total will not be known"
        if kind in "AS" and len(fields) > 9:
            yield "note", "more than 9 fields: a | inside the description is put back, but better avoided"
        if message.raw != raw:
            yield "note", "a card number is masked"
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            if "encoding" not in self._told:
                self._told.add("encoding")
                yield "note", "not UTF-8: the letters are guessed. Send UTF-8, or set the till's encoding in the server"
        alike = message.source.casefold().lstrip("0")
        if self._names.setdefault(alike, message.source) != message.source:
            yield (
                "warning",
                f"{message.source!r} is another till than {self._names[alike]!r}: names count letter by letter",
            )

    def _group(self, number: int, message: Message, at: float | None) -> Iterator[Finding]:
        ticket = self._tickets.setdefault(message.source, [])
        if message.opens:
            ticket.clear()
        if message.type == "D" and not ticket:  # stands alone
            if self._ends and "drawer" not in self._told:
                self._told.add("drawer")
                yield Finding(number, "note", "a drawer opened outside of a ticket: of a sale, send D before its E")
            return
        ticket.append(at)
        if message.type != "E":
            return
        self._ends += 1
        times = [each for each in ticket if each is not None]
        if len(times) >= FEWEST_LINES and times[-1] - times[0] < LINE_SECONDS * len(times):
            yield Finding(
                number,
                "warning",
                f"the {len(times)} lines of this ticket came at once: send each when it is entered, or they cannot be"
                " found in the video",
            )
        ticket.clear()
