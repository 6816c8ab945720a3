"""Card numbers that a narrow printer wraps: the end of one line's words and the beginning of the next one's. Pure.

Of the two lines neither keeps a digit of the number: the last four would stand in a line that does not show that they
are a card's. No line waits for another. `Wraps` looks at lines that are read together, before anybody sees them; `Cuts`
at what a till's lines say, whatever they were written in and whenever they come: of a line that is known already by the
time it tells what is to be known instead.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from camtrace.cards import is_card, written_as_usual
from camtrace.model import Line
from camtrace.pos.wire import Message

LEAST_FIRST = 6  # digits of a part that is written in a row
AWAITED = timedelta(minutes=1)  # for so long a line's number may go on in the next one
MOST_AWAITED = 5000
_LONGEST = 60  # bytes at the end of a line's words that are looked at
_TAIL = re.compile(rb"[0-9]+(?:[^0-9A-Za-z|\r\n]{1,3}[0-9]+){0,4}[ \0]*\Z")
_HEAD = re.compile(rb"[ \0]*([0-9]+(?:[^0-9A-Za-z|\r\n]{1,3}[0-9]+){0,3})")
_GROUP = re.compile(rb"[0-9]+")
_AMOUNT = re.compile(rb"[.,:/-][0-9]")
_LETTER = re.compile(rb"[A-Za-z\x80-\xff]")
_ISSUERS = re.compile(rb"4|5[0-8]|6|2[2-7]|3[0-9]")
_SHAPES = {  # groups as on the card, and how its number then begins
    (4, 4, 4, 4): b"",
    (4, 6, 5): b"34 37",
    (4, 6, 4): b"30 36 38 39",
    (4, 4, 4, 4, 3): b"",
}
_BARCODES = (13, 14)  # digits of those that stand in a row
_MAYBE = re.compile(rb"[2-6][0-9]{3}")  # what nearly no line has, but for its article's code
_MAYBE_TEXT = re.compile(r"[2-6][0-9]{3}")
_DIGITS = frozenset("0123456789")
_Groups = Sequence[re.Match[bytes]]


class Wraps:
    """Looks at lines that are read together. `printed`: they are a receipt's, not of the CamTrace protocol."""

    def __init__(self, printed: bool) -> None:
        self._words = _all if printed else _words

    def feed(self, lines: Sequence[bytes]) -> list[bytes]:
        """`lines`, with the numbers masked that they cut."""
        found = list(lines)
        if len(lines) < 2 or _MAYBE.search(b"\n".join(lines)) is None:
            return found
        ends = None
        for at, line in enumerate(found):
            start, stop = self._words(line)
            if ends is not None and start < stop and 48 <= line[start] <= 57:
                found[at - 1], found[at] = _both(found[at - 1], ends, line, (start, stop))
            ends = (start, stop) if start < stop and 48 <= line[stop - 1] <= 57 else None
        return found


class Cut(NamedTuple):
    """A number that two lines of a till are: both without it, and its parts as they were written."""

    before: Line
    message: Message
    parts: tuple[bytes, bytes]


class Cuts:
    """Looks at what every till says, line by line."""

    def __init__(self) -> None:
        self.awaits: OrderedDict[str, Line] = OrderedDict()  # the last of a till, where a number may go on from it

    def see(self, message: Message, now: datetime) -> Cut | None:
        """The number that the till's line before has begun and `message` ends, if there is one."""
        before = self.awaits.pop(message.source, None)
        if before is None or now - before.received_at > AWAITED:
            return None
        one, other = _said(before).encode(), _said(message).encode()
        ends, begins = _all(one), _all(other)
        if begins[0] == begins[1] or not 48 <= other[begins[0]] <= 57:
            return None
        new_one, new_other = _both(one, ends, other, begins)
        if new_one == one:
            return None
        parts = (_changed(one, new_one), _changed(other, new_other))
        kept = replace(before, raw=_unwritten(before.raw, parts[0]))
        kept = replace(kept, **{_words_of(kept): new_one.decode()})  # type: ignore[arg-type]
        said = message._replace(raw=_unwritten(message.raw, parts[1]))
        said = said._replace(**{_words_of(said): new_other.decode()})  # type: ignore[arg-type]
        return Cut(kept, said, parts)

    def keep(self, line: Line) -> None:
        """`line` was said: the till's next one may go on with what it ends with."""
        said = (line.tender if line.tender and line.type in ("T", "E") else line.text).rstrip(" ")
        if said[-1:] not in _DIGITS or not _MAYBE_TEXT.search(said):  # as nearly all of them
            return
        if _may_go_on(said.encode()):
            self.awaits[line.source] = line
            if len(self.awaits) > MOST_AWAITED:
                self.awaits.popitem(last=False)


def _words_of(line: Line | Message) -> str:
    """The name of the field that holds the words of a line."""
    return "tender" if line.type in ("T", "E") and line.tender else "text"


def _said(line: Line | Message) -> str:
    words: str = getattr(line, _words_of(line))
    return words


def _changed(before: bytes, after: bytes) -> bytes:
    """What of `before` is another in `after`, from the first digit to the last."""
    places = [place for place, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    return before[places[0] : places[-1] + 1]


def _unwritten(raw: bytes, part: bytes) -> bytes:
    """A line as it came without this part of a number, however it is written there."""
    groups = _GROUP.findall(part)
    written = re.compile(rb"(?<![0-9])" + rb"[^0-9A-Za-z|\r\n]{1,3}".join(groups) + rb"(?![0-9])")
    for data in (raw, written_as_usual(raw)):
        done, count = written.subn(lambda found: re.sub(rb"[0-9]", b"*", found[0]), data)
        if count:
            return done
    return re.sub(rb"[0-9]", b"*", raw)


def _words(line: bytes) -> tuple[int, int]:
    """Where the words of a line of the CamTrace protocol begin and end, spaces left out."""
    fields = line.split(b"|", 5)
    if len(fields) < 6:
        return 0, 0
    start, stop = len(line) - len(fields[5]), len(line)
    kind = fields[4].strip().upper()
    if kind in (b"A", b"S"):
        code = line.find(b"|", start)
        start = line.find(b"|", code + 1) + 1 if code >= 0 else 0
        stop = line.find(b"|", start) if start else 0
        stop = len(line) if stop < 0 else stop
    elif kind in (b"T", b"E"):
        found = line.find(b"|", start)
        stop = found if found >= 0 else stop
    elif kind == b"D":
        return 0, 0
    return _stripped(line, start, stop)


def _all(line: bytes) -> tuple[int, int]:
    return _stripped(line, 0, len(line))


def _stripped(line: bytes, start: int, stop: int) -> tuple[int, int]:
    while start < stop and line[start] in b" \0":
        start += 1
    while start < stop and line[stop - 1] in b" \0":
        stop -= 1
    return start, stop


def _may_go_on(words: bytes) -> bool:
    """Whether these words end like the first part of a card's number."""
    return any(_may_begin(words, groups) for groups in _tails(words, 0, len(words)))


def _both(before: bytes, ends: tuple[int, int], behind: bytes, begins: tuple[int, int]) -> tuple[bytes, bytes]:
    """Two lines without the number that the end of the one and the beginning of the other are, if they are one."""
    head = _HEAD.match(behind, *begins)
    if head is None:
        return before, behind
    heads = list(_GROUP.finditer(behind, head.start(1), head.end(1)))
    for tail in _tails(before, *ends):
        if not _may_begin(before[ends[0] : ends[1]], tail):
            continue
        for count in range(len(heads), 0, -1):
            rest = heads[:count]
            if _AMOUNT.match(behind, rest[-1].end()) and count == len(heads):
                continue
            if _is_number(tail, rest, behind[rest[-1].end() : begins[1]]):
                return _starred(before, tail), _starred(behind, rest)
    return before, behind


def _tails(line: bytes, start: int, stop: int) -> Iterator[_Groups]:
    """The groups of digits that end the words, the most of them first."""
    found = _TAIL.search(line, max(start, stop - _LONGEST), stop)
    groups = list(_GROUP.finditer(line, found.start(), stop)) if found is not None else []
    for first in range(len(groups)):
        yield groups[first:]


def _may_begin(words: bytes, groups: _Groups) -> bool:
    """Whether a card's number may begin with these groups: as on the card, or in a row behind a word."""
    digits = b"".join(group[0] for group in groups)
    if not _ISSUERS.match(digits):
        return False
    if len(groups) > 1:
        return any(_goes_on(groups, shape) for shape in _SHAPES)
    if len(digits) > 15:
        return False
    return len(digits) in (4, 5) or (len(digits) not in _BARCODES and _LETTER.search(words) is not None)


def _goes_on(groups: _Groups, shape: tuple[int, ...]) -> bool:
    sizes = [_size(group) for group in groups]
    if len(sizes) > len(shape):
        return False
    return sizes[:-1] == list(shape[: len(sizes) - 1]) and sizes[-1] <= shape[len(sizes) - 1]


def _is_number(tail: _Groups, head: _Groups, behind: bytes) -> bool:
    """Whether both parts together are a card's number. `behind`: the words that follow it."""
    first, last = [_size(group) for group in tail], [_size(group) for group in head]
    digits = b"".join(group[0] for group in (*tail, *head))
    if not is_card(digits):
        return False
    shapes = [(*first, *last)]
    if len(first) + len(last) > 2:
        shapes.append((*first[:-1], first[-1] + last[0], *last[1:]))
    begins = [_SHAPES[shape].split() for shape in shapes if shape in _SHAPES]
    if any(not those or digits[:2] in those for those in begins):
        return True
    if len(digits) != (15 if digits[:2] in (b"34", b"37") else 16):
        return False
    if len(first) > 1 or len(last) > 1 or first[0] < LEAST_FIRST:
        return False
    return last[0] >= LEAST_FIRST or not behind.strip()  # in a row; a short rest stands alone, or it counts something


def _starred(line: bytes, groups: _Groups) -> bytes:
    for group in groups:
        line = line[: group.start()] + b"*" * _size(group) + line[group.end() :]
    return line


def _size(group: re.Match[bytes]) -> int:
    return group.end() - group.start()
