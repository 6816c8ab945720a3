"""What a line of a dialect says: bytes to the messages of the CamTrace protocol. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from decimal import Decimal
from functools import lru_cache

from camtrace.cards import masked_cut, masked_over_fields, may_hold_a_card, written_as_usual
from camtrace.pos.dialect import UNUSED, Dialect
from camtrace.pos.escpos import CUT, DRAWER
from camtrace.pos.framing import AROUND
from camtrace.pos.objects import of_json, of_xml
from camtrace.pos.patterns import Parts, first, look
from camtrace.pos.printed import printed
from camtrace.pos.wire import (
    MAX_NAME,
    MAX_TYPE,
    SPECIAL_WORDS,
    Message,
    WireError,
    decoded,
    mask_all,
    mask_whole,
    printable,
    refuse_utf16,
    to_decimal,
    to_special,
)

TOLD = ("source", "ticket", "seller", "customer")  # what one line tells and the others of its ticket need not repeat
MOST_SOURCES = 200  # tills of one connection whose ticket is remembered while another one speaks
LEAST_BARCODE = 8  # digits
_LINE_ENDS = b"\0\r\n"
_WORDS = ("text", "tender", "special", "seller", "customer", "card")  # where half of a card's number may stand
_NUMBERS = ("code", "barcode", "card")
_AMOUNTS = ("quantity", "price", "amount", "total", "discount")


class Reader:
    """Reads the lines of one sender by a dialect. Till, ticket, seller and customer told once go on for the ticket."""

    def __init__(self, dialect: Dialect, address: str) -> None:
        self.dialect = dialect
        self._address = address
        self._told: dict[str, str] = {}
        self._others: dict[str, dict[str, str]] = {}  # what the other tills of the connection told
        self._inside = True  # until an end is seen: the server may have come in the middle of a ticket
        self._lines = 0  # of the present ticket
        self._above = ""  # the line before, where it may be the article that this one gives the amount of
        self._splits_controls = dialect.kind == "fields" and not dialect.separator.isprintable()

    def read(self, line: bytes, encoding: str = "auto") -> Message | None:
        """What `line` says; None where it is not kept. Raises WireError when it cannot be understood."""
        dialect = self.dialect
        if dialect.strips and line in (CUT, DRAWER):
            return self._mechanical(line)
        if b"\0" in line:
            refuse_utf16(line)
        if dialect.kind == "fields" and may_hold_a_card(line):
            line = self._masked_over_fields(line, encoding)
        whole = decoded(line.strip(_LINE_ENDS if self._splits_controls else AROUND), encoding)
        text = printable(whole).strip()
        paper = printed(text, dialect.digits > 0) if dialect.kind == "receipt" else None
        seen = look(text, (paper and paper["text"]) or text, dialect.case_sensitive)
        if first(dialect.ignore, seen) is not None:
            return None
        for patterns, step in ((dialect.cancel, "cancel"), (dialect.end, "end"), (dialect.start, "start")):
            found = first(patterns, seen)
            if found is not None:
                return self._boundary(step, whole, text, paper, found[1], line)
        if not self._inside and not dialect.keeps_outside:
            return None
        rule = first(dialect.rules, seen)
        values = self._values(whole, text, paper)
        if values is None and rule is None:
            return None  # a receipt's ornament
        values = {**(values or {"text": text}), **(rule[1] if rule else {})}
        above, self._above = self._above, ""
        if paper is not None and not values.get("text"):
            values["text"] = above or text
        elif paper is not None and rule is None and "amount" not in values:
            self._above = text
        return self._message(values, rule[0].means if rule else "", line)

    def _boundary(
        self, step: str, whole: str, text: str, paper: Parts | None, found: Parts, line: bytes
    ) -> Message | None:
        """The line that begins or ends a ticket. It says more where it is also a line of its kind."""
        values = {"text": text} if self.dialect.kind in ("fields", "receipt") else {}
        closed = f"{text.removesuffix('>')}/>" if step == "start" and self.dialect.kind == "xml" else text
        for read in (text, closed):
            try:
                values |= self._values(whole, read, paper) or {}
                break
            except WireError:
                continue
        values |= found
        self._above = ""
        if step == "start":
            self._inside = True
            self._remember({"source": values.get("source", "")})
            self._begin()
            return self._message(values, self._meaning(values) or "N", line)._replace(opens=True)
        was_inside, self._inside = self._inside, not self.dialect.start
        if not was_inside and not self.dialect.keeps_outside:
            return None
        message = self._message(values, "E", line)
        return message._replace(special="ANNULE") if step == "cancel" else message

    def _mechanical(self, line: bytes) -> Message | None:
        self._above = ""
        if line == DRAWER:
            return self._message({}, "D", line)
        if not self._lines:
            return None  # the paper is cut behind an end that was seen already
        self._inside = not self.dialect.start
        return self._message({}, "E", line)

    def _begin(self) -> None:
        """What the ticket before told counts no more; the till is the same."""
        self._told, self._lines = {key: self._told[key] for key in ("source",) if key in self._told}, 0

    def _values(self, whole: str, text: str, paper: Parts | None) -> Parts | None:
        """The parts of a line by name; None for one that says nothing."""
        dialect = self.dialect
        match dialect.kind:
            case "fields":
                return self._fields(whole if self._splits_controls else text)
            case "json":
                return _picked(dialect.keys, of_json(text))
            case "xml":
                return _picked(dialect.keys, of_xml(text))
        return paper if any(map(str.isalnum, text)) else None

    def _fields(self, text: str) -> Parts:
        dialect = self.dialect
        values = [value.strip() for value in text.split(dialect.separator)]
        if self._splits_controls:
            values = [printable(value) for value in values]
        names = self._layout(values)
        if len(values) < 2 <= len(names):
            raise WireError(f"no {dialect.separator!r} between fields", "fields")
        if len(values) > len(names) and "text" in names:  # the separator stood inside the description
            at, more = names.index("text"), len(values) - len(names)
            values[at : at + more + 1] = [dialect.separator.join(values[at : at + more + 1])]
        return {name: value for name, value in zip(names, values, strict=False) if name != UNUSED and value}

    def _masked_over_fields(self, line: bytes, encoding: str) -> bytes:
        """The line without card numbers that the separator cuts: words next to words, or to amounts behind them."""
        separator = self.dialect.separator.encode()
        pieces = line.split(separator)
        names = self._layout([decoded(piece, encoding).strip() for piece in pieces])
        if len(pieces) > len(names) or b"|" in line.replace(separator, b""):
            return line
        at = 0
        while at < len(pieces):
            words = _length(names, at, _WORDS, len(pieces))
            if words:
                more = _length(names, at + words, _AMOUNTS, len(pieces))
                whole = masked_over_fields(b"|".join(pieces[at : at + words + more]))
                pieces[at : at + words + more] = masked_cut(whole, words).split(b"|")
            at += max(1, words)
        return separator.join(pieces)

    def _layout(self, values: list[str]) -> tuple[str, ...]:
        """The names of a line's fields, which its type may decide."""
        names = self.dialect.fields
        if self.dialect.layouts and "type" in names and len(values) > (place := names.index("type")):
            return self.dialect.layouts.get(self._letter(values[place]), names)
        return names

    def _letter(self, sent: str) -> str:
        means = self.dialect.types.get(sent.casefold(), sent.upper())
        return "S" if means in SPECIAL_WORDS else means

    def _meaning(self, values: Parts) -> str:
        sent = values.get("type", "")
        return self.dialect.types.get(sent.casefold(), sent.upper()) if sent else ""

    def _remember(self, values: Parts) -> None:
        """What the line tells of its till and ticket. Each till of a connection has its own."""
        source = values.get("source")
        if source:
            source = _clean(source)[:MAX_NAME]
            before = self._told.get("source")
            if before is not None and before != source:
                if len(self._others) >= MOST_SOURCES:
                    del self._others[next(iter(self._others))]
                self._others[before] = self._told
                self._told = self._others.pop(source, {})
            self._told["source"] = source
        for name in TOLD[1:]:
            if values.get(name):
                self._told[name] = _clean(values[name])[:MAX_NAME]

    def _message(self, values: Parts, means: str, line: bytes) -> Message:
        dialect = self.dialect
        means = means or self._meaning(values) or ("N" if dialect.kind == "receipt" and "amount" not in values else "A")
        special = to_special(values.get("special", "")) or _meant(dialect.types, values.get("special", ""))
        if means in SPECIAL_WORDS:
            means, special = "S", means
        elif special and means == "A":
            means = "S"
        if len(means) > MAX_TYPE:
            raise WireError("its type is too long", "no_type")
        amount = self._amount(values.get("amount", ""))
        if dialect.kind == "receipt" and means == "A" and amount is not None and amount < 0:
            means = "S"
        self._remember(values)
        told = self._told
        source = told.get("source") or dialect.source.replace("{address}", self._address) or self._address
        total = self._amount(values.get("total", ""))
        text = values.get("text", "")
        words = values.get("tender", "") or (text if means in ("T", "E") else "")
        if means in ("T", "E") and dialect.kind == "receipt" and total is None:
            total, amount = amount, None
        self._lines += 1
        message = Message(
            source[:MAX_NAME],
            told.get("ticket", ""),
            told.get("seller", ""),
            told.get("customer", ""),
            means,
            _masked(line, values, dialect.kind in ("json", "xml")),
            to_decimal(values.get("quantity", "")),
            _plain(values.get("code", ""))[:MAX_NAME],
            "" if means in ("T", "E") else _clean(text),
            amount,
            special if means in ("S", "E") else "",
            _clean(words),
            total,
            barcode=_plain(values.get("barcode", ""))[:MAX_NAME],
            price=self._amount(values.get("price", "")),
            discount=self._amount(values.get("discount", "")),
            card=mask_whole(_plain(values.get("card", "")))[:MAX_NAME],
        )
        if means == "E":
            self._begin()
        return message

    def _amount(self, sent: str) -> Decimal | None:
        return amount_of(sent, self.dialect.sign, self.dialect.digits) if sent else None


def amount_of(sent: str, sign: str, digits: int) -> Decimal | None:
    """The amount that a till means: `sign` is its decimal sign, `digits` how many are behind it where it sends none."""
    if sign == ",":
        sent = sent.replace(".", "").replace(",", ".")
    elif sign == ".":
        sent = sent.replace(",", "")
    amount = to_decimal(sent)
    if amount is None or not digits or "." in sent or "," in sent:
        return amount
    return amount.scaleb(-digits)


def _picked(keys: tuple[tuple[str, str], ...], values: Parts) -> dict[str, str]:
    return {name: values[path] for name, path in keys if values.get(path)}


def _meant(types: Mapping[str, str], sent: str) -> str:
    means = types.get(sent.casefold(), "") if sent else ""
    return means if means in SPECIAL_WORDS else ""


_BAD = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@lru_cache(maxsize=4096)
def _clean(text: str) -> str:
    """`text` without what an escape in JSON or XML may bring in: control characters and halves of pairs."""
    return mask_all(_plain(text).encode()).decode()


def _plain(text: str) -> str:
    return _BAD.sub("\ufffd", text.replace("\t", " ")) if text else ""


def _length(names: tuple[str, ...], start: int, among: Container[str], stop: int) -> int:
    """How many names from `start` on are one of these."""
    return next((at for at in range(start, stop) if names[at] not in among), max(start, stop)) - start


def _masked(line: bytes, values: Parts, structured: bool) -> bytes:
    """The line, card numbers masked; the article's code and barcode stay. Escapes go where one was written by them.

    Where a value of JSON or XML has a number that cannot be found in the line, all its digits go.
    """
    usual = written_as_usual(line)
    done = _masked_usual(usual, values)
    if done != usual:
        return done
    if structured and any(_clean(value) != _plain(value) for name, value in values.items() if name not in _NUMBERS):
        return re.sub(rb"[0-9]", b"*", usual)
    return line


def _masked_usual(line: bytes, values: Parts) -> bytes:
    card = written_as_usual(values.get("card", "").encode())
    if card:
        line = line.replace(card, mask_whole(card.decode()).encode())
    for name in ("code", "barcode"):
        kept = values.get(name, "").encode("ascii", "ignore")
        if len(kept) >= LEAST_BARCODE and kept.isdigit() and kept in line:
            rest = {key: value for key, value in values.items() if key not in (name, "card")}
            return kept.join(_masked_usual(piece, rest) for piece in line.split(kept))
    return mask_all(line)
