"""Card numbers in what devices send: masked, all but their last four digits, and those hidden too. Pure.

Numbers are masked at the wire (`pos.wire`, `prisma.wire`): what is stored, logged and shown has only the last four
digits; who may not even see those gets them hidden.
"""

from __future__ import annotations

import re

_LAST_SHOWN = 4
_BETWEEN = rb"[^0-9A-Za-z|\r\n]{1,3}"  # groups as they are printed: spaces, of whatever encoding, dots, dashes, slashes
_ACROSS = rb"[^0-9A-Za-z\r\n]{1,3}"  # the same over the end of a field
# thirteen digits with at most so much between them: without these there is nothing to look for
_LEAST = 13
_MAYBE = re.compile(rb"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){%d}" % (_LEAST - 1))
# a line with each digit a 0 and nothing else left but letters: no search is as fast
_ZEROS = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))
_SIGNS = bytes(byte for byte in range(256) if not (byte < 128 and chr(byte).isalnum()))
_MANY = b"0" * _LEAST
_DIGITS = re.compile(rb"(?<![0-9])[0-9]{13,19}(?![0-9])")
# digits in any groups, also of UTF-16; a card's number may stand in them with others before and behind it
_GROUPED = re.compile(rb"(?<![0-9])[0-9](?:(?:\0?[ -]\0?|\0)?[0-9]){12,18}(?![0-9])")
# groups as on the card itself: 4-4-4-4-3, 4-4-4-4, 4-6-5 and 4-6-4; every issuer's number begins so
_SHAPES = (
    rb"(?<![0-9])[2-6][0-9]{3}(?:%b[0-9]{4}){3}%b[0-9]{3}(?![0-9])",
    rb"(?<![0-9])[2-6][0-9]{3}(?:%b[0-9]{4}){3}(?![0-9])",
    rb"(?<![0-9])3[0-9]{3}%b[0-9]{6}%b[0-9]{4,5}(?![0-9])",
)
_IN_FIELDS = tuple(re.compile(shape.replace(b"%b", _BETWEEN)) for shape in _SHAPES)
_OVER_FIELDS = tuple(re.compile(shape.replace(b"%b", _ACROSS)) for shape in _SHAPES)


# digits and the signs between them as they are not usually written: full width (UTF-8), by escapes of JSON or XML
_UNUSUAL = (b"\xef\xbc", b"\\", b"&#")
_ESCAPE = rb"\xef\xbc[\x90-\x99]|\\u[0-9A-Fa-f]{4}|\\[bfnrt/]|&#[0-9]{1,7};|&#[xX][0-9A-Fa-f]{1,6};"
_ESCAPED = re.compile(_ESCAPE)
_RUN_WITH_ESCAPES = re.compile(rb"(?>%b|[0-9])(?:[^0-9A-Za-z|\r\n]{0,3}?(?>%b|[0-9]))*" % (_ESCAPE, _ESCAPE))
# the halves of a number on both sides of the end of a field
_CUT = re.compile(
    rb"(?<![0-9])(?<![0-9][.,])([2-6][0-9]{3,11})( {0,3}\| {0,3})([0-9]{4,12})(?![0-9]|[.,][0-9])",
)
_LEAST_BEHIND = 8  # digits where an amount may stand: no amount has as many and no decimal sign


def may_hold_a_card(data: bytes) -> bool:
    """Whether there are digits enough; cheap, for nearly all lines have none."""
    if any(sign in data for sign in _UNUSUAL):
        return True
    return _MANY in data.translate(_ZEROS, _SIGNS) and _MAYBE.search(data) is not None


def masked(data: bytes) -> bytes:
    """`data` with all but the last four digits of card numbers replaced by `*`.

    A card number is a run of 13 to 19 digits that passes Luhn's check: by itself, in groups of any size with single
    spaces, hyphens or NUL bytes between, or in a card's own groups with whatever signs between. None goes over a `|`.
    One that is found only where digits of full width, or escapes of JSON and XML, are read is written without them.
    """
    if not may_hold_a_card(data):
        return data
    data = _masked_as_usual(data)
    if any(sign in data for sign in _UNUSUAL):
        data = _RUN_WITH_ESCAPES.sub(_masked_unusual, data)
    return data


def _masked_as_usual(data: bytes) -> bytes:
    for shape in _IN_FIELDS:
        data = _all_masked(shape, data)
    return _GROUPED.sub(_masked_run, _DIGITS.sub(_masked_run, data))


def written_as_usual(data: bytes) -> bytes:
    """`data` with usual digits for those of full width, or written by escapes."""
    if not any(sign in data for sign in _UNUSUAL):
        return data
    return _RUN_WITH_ESCAPES.sub(lambda run: _ESCAPED.sub(_usual, run[0]), data)


def _masked_unusual(match: re.Match[bytes]) -> bytes:
    usual = _ESCAPED.sub(_usual, match[0])
    done = _masked_as_usual(usual) if usual != match[0] else usual
    return match[0] if done == usual else done


def _usual(match: re.Match[bytes]) -> bytes:
    """A digit as it is usually written, a space for whatever may stand between two; letters and brackets stay."""
    sign = match[0]
    if sign[0] == 0xEF:
        return b"%d" % (sign[2] - 0x90)
    if len(sign) == 2:
        return b" "
    code = int(sign[3:-1], 16) if sign[2:3] in b"xX" else int(sign[2:-1]) if sign[0] == 38 else int(sign[2:], 16)
    letter = chr(min(code, 0x10FFFF))
    if letter.isdecimal():
        return b"%d" % int(letter)
    return sign if letter.isalnum() or letter in "\"'\\|<>&" else b" "


def masked_over_fields(data: bytes) -> bytes:
    """The same for a card's own groups over the ends of fields, as of a till that cuts its text anywhere."""
    for shape in _OVER_FIELDS:
        data = _all_masked(shape, data)
    return data


def masked_cut(data: bytes, texts: int) -> bytes:
    """The same for a number of 16 digits (of some issuers 15) that the end of a field cuts in two, as 8|8.

    The first `texts` fields of `data` are words. What stands in those behind them may be an amount: it is part of a
    number only if it has eight digits and no decimal sign, and the field before does not look like an amount as well.
    """
    place = 0
    while (found := _CUT.search(data, place)) is not None:
        place = found.start() + 1
        before, between, behind = found.groups()
        if not _is_cut(before, behind):
            continue
        field = data.count(b"|", 0, found.start())
        if field + 1 >= texts and (len(behind) < _LEAST_BEHIND or (field >= texts and _begins(data, found.start()))):
            continue
        stars = b"*" * len(before) + between + b"*" * (len(behind) - _LAST_SHOWN) + behind[-_LAST_SHOWN:]
        data = data[: found.start()] + stars + data[found.end() :]
        place = found.end()
    return data


def _is_cut(before: bytes, behind: bytes) -> bool:
    """Whether these are a card's number, cut between two of its groups."""
    of_four = len(before) + len(behind) == 16 and len(before) % 4 == 0
    of_three = len(before) + len(behind) == 15 and len(before) in (4, 10) and before[:2] in (b"34", b"37")
    return (of_four or of_three) and is_card(before + behind)


def _begins(data: bytes, at: int) -> bool:
    """Whether nothing but spaces stands before this place in its field."""
    return not data[data.rfind(b"|", 0, at) + 1 : at].strip()


def is_card(digits: bytes) -> bool:
    """Whether these digits pass the check that every card's number passes (Luhn)."""
    values = [byte - 48 for byte in digits]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in values[-2::-2]]
    return (sum(values[-1::-2]) + sum(doubled)) % 10 == 0


def _all_masked(shape: re.Pattern[bytes], data: bytes) -> bytes:
    """One number may begin within what looked like another."""
    place = 0
    while (found := shape.search(data, place)) is not None:
        run = _masked_run(found)
        place = found.end() if run != found[0] else found.start() + 1
        data = data[: found.start()] + run + data[found.end() :]
    return data


def _masked_run(match: re.Match[bytes]) -> bytes:
    run = match[0]
    if not is_card(bytes(byte for byte in run if 48 <= byte <= 57)):
        return run
    kept = len(run)
    for _ in range(_LAST_SHOWN):
        kept = max(kept - 1, 0)
        while not 48 <= run[kept] <= 57:
            kept -= 1
    return bytes(42 if 48 <= byte <= 57 else byte for byte in run[:kept]) + run[kept:]


# the stars and the last digits of a run of 13 to 19, with what stood between them, perhaps cut off
_RUN = re.compile(r"(?:\*[^0-9A-Za-z*\r\n]{0,3}){9,15}(?:[0-9][^0-9A-Za-z*\r\n]{0,3}){0,3}[0-9](?![0-9])")
_RUN_BYTES = re.compile(_RUN.pattern.encode())
_DIGIT = re.compile("[0-9]")
_LETTER = re.compile(r"[^\s]")


def hidden(text: str) -> str:
    """`text` without the digits that masked card numbers in it have left."""
    return _RUN.sub(lambda found: _DIGIT.sub("*", found[0]), text) if "*" in text else text


def hidden_bytes(data: bytes) -> bytes:
    """The same for bytes as they arrived."""
    if b"*" not in data:
        return data
    return _RUN_BYTES.sub(lambda found: re.sub(rb"[0-9]", b"*", found[0]), data)


def blank(card: str) -> str:
    """A card's number with nothing of it left but its length."""
    return _LETTER.sub("*", card)
