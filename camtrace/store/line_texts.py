"""What of a line's texts can be searched, each different text once: see the table `line_words`."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from hashlib import blake2b

_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})  # not decomposed by Unicode


def searchable(text: str) -> str:
    """`text` without case and accents, in any script; at most 4,000 characters."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))[:4000]


def containing(text: str) -> str:
    """A LIKE pattern for texts that hold any part of `text`."""
    return f"%{escaped(searchable(text).strip())}%"


def escaped(text: str) -> str:
    """`text` where LIKE takes no character of it for a sign."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@lru_cache(maxsize=16384)
def words_key(text: str, tender: str, special: str) -> int:
    """The key in `line_words` of what can be searched of a line."""
    return _key(words_of(text, tender, special))


def words_of(text: str, tender: str, special: str) -> str:
    """What can be searched of a line besides its seller, one to a row of its own."""
    return searchable("\n".join((text, tender, special)))


@lru_cache(maxsize=1024)
def watch_key(source: str, cameras: tuple[int, ...]) -> int:
    """What stands for a row of `line_watch` among the known keys."""
    return _key(f"watch\x00{source}\x00{cameras}")


def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big", signed=True)
