"""The till line protocol: bytes to lines, a line to a message. Pure.

`till|ticket|seller|customer|type|...`, terminated by LF. What follows the type depends on it (docs/protocols/pos.md).
Tills are old and many: whatever can be understood is accepted.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from camtrace.cards import masked, masked_cut, masked_over_fields, may_hold_a_card

MAX_LINE = 4096
MAX_NAME = 200  # characters of a till, ticket, seller or customer that are kept apart; the raw line has them all
MAX_TYPE = 8
GIVEN_UP = "ANNULE"
SPECIAL_WORDS = ("ANNULE", "OFFERT", "PERTE", "RETOUR")
ENCODINGS = ("auto", "utf-8", "cp1252", "latin-1", "iso8859-15", "cp850", "cp858", "cp866", "cp1251", "koi8-r")


class WireError(ValueError):
    """The till sent bytes that are no message of this protocol. `code` says in a word why."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class FramingLost(WireError):
    """A line is longer than any till's line: nothing behind it can be trusted. `before`: the lines that were whole."""

    def __init__(self, before: list[bytes], limit: int = MAX_LINE) -> None:
        super().__init__(f"a line is longer than {limit} bytes", "long")
        self.limit = limit
        self.before = before


class Splitter:
    """Cuts a stream of bytes into lines, never holding more than one line of MAX_LINE bytes.

    LF, CR LF and a lone CR end a line; empty lines and the NUL bytes that some tills pad with are left out.
    """

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def holds(self) -> bool:
        """Whether a line has begun that is not whole."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises FramingLost."""
        data = data.replace(b"\r", b"\n")
        end = data.rfind(b"\n")
        if end < 0:
            self._held += data
            whole: list[bytes] = []
        else:
            whole = (bytes(self._held) + data[:end]).split(b"\n")
            self._held[:] = data[end + 1 :]
        for index, line in enumerate(whole):
            if len(line) > MAX_LINE:
                raise FramingLost(_not_empty(whole[:index]))
        if len(self._held) > MAX_LINE:
            self._held.clear()
            raise FramingLost(_not_empty(whole))
        return _not_empty(whole)

    def flush(self) -> list[bytes]:
        """The line that was not terminated, if any: the till closed the connection behind it."""
        held, self._held = bytes(self._held), bytearray()
        return _not_empty([held])


def _not_empty(lines: list[bytes]) -> list[bytes]:
    return [kept for line in lines if (kept := line.strip(b"\0")) and not kept.isspace()]


class Message(NamedTuple):
    """One line as it was meant. Names that were not sent, or sent as 0 where that means none, are empty.

    `type` is upper case; `special` one of SPECIAL_WORDS, or another word where an S line has no amount; of an E line it
    is GIVEN_UP where the ticket was. `amount`: of the article (A, S), in the drawer (D), given by the customer (T, E);
    `total`: what this tender settled (T, E). `text`: the article, or all that followed an unknown type. `raw`: the
    line, card numbers masked. `opens`: the line is known to begin a ticket. The protocol itself has no barcode, price
    of one, discount and card; dialects may.
    """

    source: str
    ticket: str
    seller: str
    customer: str
    type: str
    raw: bytes
    quantity: Decimal | None = None
    code: str = ""
    text: str = ""
    amount: Decimal | None = None
    special: str = ""
    tender: str = ""
    total: Decimal | None = None
    opens: bool = False
    barcode: str = ""
    price: Decimal | None = None
    discount: Decimal | None = None
    card: str = ""


def decode(line: bytes, encoding: str = "auto") -> Message:
    """What one line says. Raises WireError when it names no till or no type of line."""
    raw = mask(line)
    fields = [field.strip() for field in to_text(_unpadded(raw) if b"\0" in raw else raw, encoding).split("|")]
    while len(fields) > 5 and not fields[-1]:
        fields.pop()
    if len(fields) < 5:
        raise WireError(f"{len(fields)} fields instead of 5 or more, separated by |", "fields")
    kind = fields[4].upper()
    if not fields[0]:
        raise WireError("field 0 names no till", "no_name")
    if not 0 < len(kind) <= MAX_TYPE:
        raise WireError("field 4 is no type of line", "no_type")
    head = (fields[0][:MAX_NAME], _number(fields[1]), fields[2][:MAX_NAME], _number(fields[3]), kind, raw)
    match kind:
        case "A" | "S":
            return _article(head, fields[5:])
        case "T" | "E":
            return _tender(head, fields[5:])
        case "D":
            return Message(*head, amount=to_decimal(fields[5]) if len(fields) > 5 else None)
    return Message(*head, text="|".join(fields[5:]))


_WIDE_LETTERS = re.compile(rb"[^\0]\0[^\0]\0[^\0]")


def _unpadded(raw: bytes) -> bytes:
    """The line without the NUL bytes that some tills fill their fields with."""
    kept = b"|".join(field.strip(b"\0 ") for field in raw.split(b"|"))
    refuse_utf16(kept)
    return kept


def refuse_utf16(line: bytes) -> None:
    """Raises WireError for a line that has a NUL beside each letter."""
    if _WIDE_LETTERS.search(line):
        raise WireError("its letters are UTF-16, which cannot be cut into lines: send UTF-8", "utf16")


Head = tuple[str, str, str, str, str, bytes]


def _article(head: Head, fields: list[str]) -> Message:
    """Quantity, code, description, amount or special word. A | inside the description is put back."""
    if len(fields) == 4 and (amount := to_decimal(fields[3])) is not None:  # as nearly all of them
        return Message(*head, to_decimal(fields[0]), fields[1], fields[2], amount)
    fields += [""] * (4 - len(fields))
    last = next((at for at in range(len(fields) - 1, 2, -1) if _is_price(fields[at])), 0)
    first = last - 1 if last > 3 and to_special(fields[last - 1]) != to_special(fields[last]) else last
    if not last:  # nothing that could be an amount
        unknown = _plain_word(fields[3]) if head[4] == "S" else ""
        return Message(*head, to_decimal(fields[0]), fields[1], fields[2], None, unknown)
    if not _is_price(fields[first]):
        first = last
    price = fields[first : last + 1]
    amount = next((value for field in price if (value := to_decimal(field)) is not None), None)
    special = next((word for field in price if (word := to_special(field))), "")
    return Message(*head, to_decimal(fields[0]), fields[1], "|".join(fields[2:first]), amount, special)


def _tender(head: Head, fields: list[str]) -> Message:
    """Means of payment, amount given, share of the total. A | inside the means is put back.

    An E line with ANNULE for its means ends a ticket that was given up.
    """
    fields += [""] * (3 - len(fields))
    special = to_special(fields[0]) if head[4] == "E" else ""
    if special != GIVEN_UP:
        special = ""
    at = next((index for index in range(1, len(fields)) if to_decimal(fields[index]) is not None), 0)
    if not at:
        return Message(*head, tender=fields[0], special=special)
    total = to_decimal(fields[at + 1]) if at + 1 < len(fields) else None
    return Message(*head, tender="|".join(fields[:at]), amount=to_decimal(fields[at]), total=total, special=special)


def _number(field: str) -> str:
    """A number of a ticket or a customer; any zero means there is none."""
    return field[:MAX_NAME] if field.strip("0") else ""


# ── amounts and words ────────────────────────────────────────────────────────────────────────────────────────────

_UNIT = r"(?:EUR|€|\$|£|₽|USD|GBP|CHF|RUB|РУБ\.?|F|E|X|KG|G|L|PCE?S?)"
_DECIMAL = re.compile(rf"{_UNIT}?([+-]?)([0-9][0-9.,']*|[.,][0-9]+)(-?){_UNIT}?", re.IGNORECASE)
_SPACES = re.compile(r"[\s'’]")


@lru_cache(maxsize=8192)
def to_decimal(field: str) -> Decimal | None:
    """`16,00`, `16.00`, `1 234,50`, `1.234,50`, `-5,00`, `5,00-`, `16,00EUR`, `€ 16,00`; None for anything else.

    Of two kinds of separators the last is the decimal one; a single separator is always it.
    """
    match = _DECIMAL.fullmatch(_SPACES.sub("", field))
    if match is None:
        return None
    before, digits, behind = match.groups()
    point = max(digits.rfind(","), digits.rfind("."))
    if point >= 0 and digits.count(digits[point]) > 1:  # 1.234.567: all of them group
        point = len(digits)
    whole, fraction = (digits[:point], digits[point + 1 :]) if point >= 0 else (digits, "")
    whole = whole.replace(",", "").replace(".", "")
    if len(whole) + len(fraction) > 15:
        return None
    sign = "-" if "-" in (before, behind) else ""
    return Decimal(f"{sign}{whole or '0'}.{fraction}" if fraction else f"{sign}{whole or '0'}")


@lru_cache(maxsize=1024)
def to_special(field: str) -> str:
    """The special word `field` is, in capitals without accents; "" when it is none."""
    word = _plain_word(field)
    return word if word in SPECIAL_WORDS else ""


def _plain_word(field: str) -> str:
    decomposed = unicodedata.normalize("NFKD", field.upper())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).strip()[:MAX_NAME]


def _is_price(field: str) -> bool:
    return to_decimal(field) is not None or bool(to_special(field))


# ── encodings ────────────────────────────────────────────────────────────────────────────────────────────────────

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_BOM = "\ufeff"
# letters of CP850 and CP858 where CP1252 has signs that never follow a letter (é â ä å ç ê ë è ï î ô ö û ù), or
# that never stand between two (Ç à), or nothing at all (ü É ì); between capitals, small letters and signs (À Â Î Ô Û)
_DOS_TEXT = re.compile(
    rb"[A-Za-z][\x82-\x84\x86-\x8c\x93\x94\x96\x97]|[A-Za-z][\x80\x85][A-Za-z]|[\x81\x8d\x90]"
    rb"|[A-Z][\xb6\xb7\xd7\xe2\xea\xeb][A-Z]"
)
_HIGH = rb"\xa8\xb8\xc0-\xff"  # all letters of CP1251, and most accented ones of CP1252
_WORD = re.compile(rb"[A-Za-z\x8a\x8c\x8e\x9a\x9c\x9e\x9f%b]+" % _HIGH)
_HIGH_WORD = re.compile(rb"[%b]{3,}" % _HIGH)
_DISTINCT_LETTERS = 3  # of a word: a row of one sign is a rule or a box


def to_text(line: bytes, encoding: str = "auto") -> str:
    """`line` as text. What cannot be decoded, NUL and the other control characters become U+FFFD, tabs spaces."""
    return printable(decoded(line, encoding))


def printable(text: str) -> str:
    """`text` with U+FFFD for control characters, and spaces for tabs."""
    if text.isprintable():  # as nearly all of them
        return text
    text = text.replace("\t", " ")
    return _CONTROL.sub("\ufffd", text) if _CONTROL.search(text) else text


def decoded(line: bytes, encoding: str = "auto") -> str:
    """`line` as text, control characters and all."""
    return _decoded(line, encoding).removeprefix(_BOM)


def _decoded(line: bytes, encoding: str) -> str:
    if encoding != "auto":
        return line.decode(encoding, "replace")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        if _is_cyrillic(line):
            return line.decode("cp1251", "replace")
        return line.decode("cp858" if _DOS_TEXT.search(line) else "cp1252", "replace")


def _is_cyrillic(line: bytes) -> bool:
    """Whether words of CP1251 outweigh those that mix plain and accented letters, as Western words do."""
    weight = 0
    for word in _WORD.findall(line):
        if _HIGH_WORD.fullmatch(word):
            weight += len(word) if len(set(word)) >= _DISTINCT_LETTERS else 0
        elif not word.isascii():
            weight -= len(word)
    return weight > 0


# ── card numbers ─────────────────────────────────────────────────────────────────────────────────────────────────


def mask(line: bytes) -> bytes:
    """`line` with all but the last four digits of card numbers replaced by `*` (`cards.masked`).

    The article's code (field 6 of A and S lines) is a barcode and stays. A card's groups, and the halves of a number,
    are found over the ends of fields too, behind the five that name the till and its ticket.
    """
    if not may_hold_a_card(line):
        return line
    fields = line.split(b"|")
    kind = fields[4].strip().upper() if len(fields) > 5 else b""
    is_article = len(fields) > 6 and kind in (b"A", b"S")
    kept = [
        field if len(field) < _SHORTEST or (is_article and index == 6) else masked(field)
        for index, field in enumerate(fields)
    ]
    first = 7 if is_article else 5
    rest = b"|".join(kept[first:])
    if len(rest) < _SHORTEST or not may_hold_a_card(rest):  # as of an article with a barcode
        return b"|".join(kept)
    if is_article:  # the amount is the last field
        rest = masked_cut(rest, len(kept) - first - 1)
    else:
        rest = masked_cut(masked_over_fields(rest), _TEXTS.get(kind, len(kept)))
    return b"|".join((*kept[:first], rest))


_SHORTEST = 13  # bytes of a card's number
_TEXTS = {b"T": 1, b"E": 1, b"D": 0}  # how many fields behind the type are words; those behind them may be amounts


def mask_all(data: bytes) -> bytes:
    """`data` of any form with its card numbers masked; what is a barcode is not known here."""
    return masked(data)


def mask_stream(data: bytes) -> bytes:
    """The same, over the ends of fields too, for what is only looked at: what is an amount is not known, either."""
    return masked_cut(masked_over_fields(masked(data)), len(data)) if may_hold_a_card(data) else data


_LAST_SHOWN = 4
_LEAST_CARD = 8  # digits: less are the last of a number that was masked already


def mask_whole(number: str) -> str:
    """`number`, which is known to be that of a card, with all digits but the last four replaced by `*`."""
    places = [place for place, letter in enumerate(number) if letter.isdigit()]
    if len(places) < _LEAST_CARD:
        return number
    hidden = set(places[:-_LAST_SHOWN])
    return "".join("*" if place in hidden else letter for place, letter in enumerate(number))
