"""Card numbers that a narrow printer wraps: the end of one line's words and the beginning of the next one's. Pure.

Of two lines that are read together neither keeps a digit of the number: the last four would stand in a line that does
not show that they are a card's. A line that was handed on before the next one came keeps what it has, for no line waits
for another; the next one then keeps none of its part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from camtrace.cards import is_card

LEAST_FIRST = 6  # digits: fewer end many lines, and are looked at only where the next line came with them
_LONGEST = 60  # bytes at the end of a line's words that are looked at
_TAIL = re.compile(rb"[0-9]+(?:[^0-9A-Za-z|\r\n]{1,3}[0-9]+){0,4}[ \0]*\Z")
_HEAD = re.compile(rb"[ \0]*([0-9]+(?:[^0-9A-Za-z|\r\n]{1,3}[0-9]+){0,3})")
_GROUP = re.compile(rb"[0-9]+")
_AMOUNT = re.compile(rb"[.,:/-][0-9]")
_LETTER = re.compile(rb"[A-Za-z\x80-\xff]")
_ISSUERS = re.compile(rb"4|5[0-8]|6|2[2-7]|3[0-9]")
_SHAPES = ((4, 4, 4, 4), (4, 6, 5))  # groups as on the card
_BARCODES = (13, 14)  # digits of those that stand in a row
_MAYBE = re.compile(rb"[2-6][0-9]{3}")  # what nearly no line has, but for its article's code
_Groups = Sequence[re.Match[bytes]]


class Wraps:
    """Looks at the lines of one connection. `printed`: they are a receipt's, not of the CamTrace protocol."""

    def __init__(self, printed: bool) -> None:
        self._words = _all if printed else _words
        self._before = b""  # the line handed on last, where a number may go on from it

    def feed(self, lines: Sequence[bytes]) -> list[bytes]:
        """`lines`, with the numbers masked that they cut, or that the line before them has begun."""
        if not self._before and _MAYBE.search(lines[0] if len(lines) == 1 else b"\n".join(lines)) is None:
            return list(lines)
        found = [self._before, *lines] if self._before else list(lines)
        ends = None
        for at, line in enumerate(found):
            start, stop = self._words(line)
            if ends is not None and start < stop and 48 <= line[start] <= 57:
                found[at - 1], found[at] = _both(found[at - 1], ends, line, (start, stop))
            ends = (start, stop) if start < stop and 48 <= line[stop - 1] <= 57 else None
        handed_on = found[len(found) - len(lines) :]
        goes_on = ends is not None and _may_go_on(found[-1][ends[0] : ends[1]])
        self._before = found[-1] if goes_on else b""
        return handed_on


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
    """Whether these words end like the first part of a card's number, long enough to look for its rest later."""
    return any(
        sum(map(_size, groups)) >= LEAST_FIRST and _may_begin(words, groups) for groups in _tails(words, 0, len(words))
    )


def _both(before: bytes, ends: tuple[int, int], behind: bytes, begins: tuple[int, int]) -> tuple[bytes, bytes]:
    """Two lines without the number that the end of the one and the beginning of the other are, if they are one."""
    head = _HEAD.match(behind, *begins)
    if head is None:
        return before, behind
    heads = list(_GROUP.finditer(behind, head.start(1), head.end(1)))
    for tail in _tails(before, *ends):
        if not _may_begin(before[ends[0] : ends[1]], tail):
            continue
        for count in range(1, len(heads) + 1):
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
    if len(digits) > 15 or not _ISSUERS.match(digits):
        return False
    if len(groups) > 1:
        return any(_goes_on(groups, shape) for shape in _SHAPES)
    return len(digits) in (4, 5) or (len(digits) not in _BARCODES and _LETTER.search(words) is not None)


def _goes_on(groups: _Groups, shape: tuple[int, ...]) -> bool:
    sizes = [_size(group) for group in groups]
    return sizes[:-1] == list(shape[: len(sizes) - 1]) and sizes[-1] <= shape[len(sizes) - 1]


def _is_number(tail: _Groups, head: _Groups, behind: bytes) -> bool:
    """Whether both parts together are a card's number. `behind`: the words that follow it."""
    first, last = [_size(group) for group in tail], [_size(group) for group in head]
    digits = b"".join(group[0] for group in (*tail, *head))
    length = 15 if digits[:2] in (b"34", b"37") else 16
    if len(digits) != length or not is_card(digits):
        return False
    joined = (*first[:-1], first[-1] + last[0], *last[1:])
    if (*first, *last) in _SHAPES or (joined in _SHAPES and len(first) + len(last) > 2):
        return True
    if len(first) > 1 or len(last) > 1 or first[0] < LEAST_FIRST:
        return False
    return last[0] >= LEAST_FIRST or not behind.strip()  # in a row; a short rest stands alone, or it counts something


def _starred(line: bytes, groups: _Groups) -> bytes:
    for group in groups:
        line = line[: group.start()] + b"*" * _size(group) + line[group.end() :]
    return line


def _size(group: re.Match[bytes]) -> int:
    return group.end() - group.start()
