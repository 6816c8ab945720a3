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


def may_hold_a_card(data: bytes) -> bool:
    """Whether there are digits enough; cheap, for nearly all lines have none."""
    return _MANY in data.translate(_ZEROS, _SIGNS) and _MAYBE.search(data) is not None


def masked(data: bytes) -> bytes:
    """`data` with all but the last four digits of card numbers replaced by `*`.

    A card number is a run of 13 to 19 digits that passes Luhn's check: by itself, in groups of any size with single
    spaces, hyphens or NUL bytes between, or in a card's own groups with whatever signs between. None goes over a `|`.
    """
    if not may_hold_a_card(data):
        return data
    for shape in _IN_FIELDS:
        data = _all_masked(shape, data)
    return _GROUPED.sub(_masked_run, _DIGITS.sub(_masked_run, data))


def masked_over_fields(data: bytes) -> bytes:
    """The same for a card's own groups over the ends of fields, as of a till that cuts its text anywhere."""
    for shape in _OVER_FIELDS:
        data = _all_masked(shape, data)
    return data


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
    digits = [byte - 48 for byte in run if 48 <= byte <= 57]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    if (sum(digits[-1::-2]) + sum(doubled)) % 10:
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
