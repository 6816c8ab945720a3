"""What is left of card numbers, hidden altogether: for who may not even see their last four digits. Pure.

Numbers are masked at the wire, all but their last four digits (`pos.wire`, `prisma.wire`); here those go too.
"""

from __future__ import annotations

import re

# the stars and the last digits of a run of 13 to 19, spaces and hyphens as they were written, perhaps cut off
_RUN = re.compile(r"(?:\*[ -]?){9,15}(?:[0-9][ -]?){0,3}[0-9](?![0-9])")
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
