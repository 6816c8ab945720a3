"""How tills that do not speak the CamTrace protocol are understood: bytes of a line to a message. Pure.

A dialect says where a line ends and what kind of line it is: fields behind separators, a printed receipt, a JSON object
or an XML element. What a line says becomes the same `wire.Message` as in the CamTrace protocol. A dialect comes as a
JSON object, as `read_dialect` reads it (docs/protocols/pos.md, "Dialects"); regular expressions run in linear time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from xml.parsers import expat

from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.pos.escpos import CUT, DRAWER, Stripper
from camtrace.pos.wire import (
    ENCODINGS,
    MAX_LINE,
    MAX_NAME,
    MAX_TYPE,
    SPECIAL_WORDS,
    FramingLost,
    Message,
    Splitter,
    WireError,
    mask_all,
    to_decimal,
    to_special,
    to_text,
)

try:
    import re2
except ImportError:  # where there is no wheel: patterns that are no regular expressions still work
    re2 = None

BUILT_IN = "camtrace"
KINDS = ("fields", "receipt", "json", "xml")
MATCHES = ("exact", "wildcard", "regex")
LETTERS = ("A", "S", "D", "T", "E", "N")  # N: a note, shown as it is
MEANINGS = (*LETTERS, *SPECIAL_WORDS)  # a special word means an S line with that word
NAMES = (
    "source", "ticket", "seller", "customer", "type",
    "quantity", "code", "text", "amount", "special", "tender", "total",
)  # fmt: skip
UNUSED = "-"  # a field that says nothing
MAX_DOCUMENT = 16384  # bytes of a line of JSON or XML
MOST_PATTERNS = 64
MOST_FIELDS = 64
MOST_DEPTH = 32  # elements in elements
LONGEST_TEXT = 300  # characters of a pattern, a path, a name
SIGNS = ("auto", ",", ".")
_REGEX_MEMORY = 1 << 20


# ── patterns ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a line may look like. `exact`: it is this text, spaces around it removed; `wildcard`: `*` stands for any
    text and `?` for one character; `regex`: it is found somewhere in the line.

    `means`: a letter or special word of MEANINGS, for rules.
    """

    match: str
    text: str
    means: str = ""
    find: Callable[[str], Mapping[str, str] | None] = field(repr=False, compare=False, default=lambda text: None)


def _pattern(match: str, text: str, means: str, case_sensitive: bool, name: str) -> Pattern:
    wanted = text if case_sensitive else text.casefold()

    def exact(line: str) -> Mapping[str, str] | None:
        return {} if (line if case_sensitive else line.casefold()) == wanted else None

    def wildcard(line: str) -> Mapping[str, str] | None:
        return {} if fits(wanted, line if case_sensitive else line.casefold()) else None

    if match == "exact":
        return Pattern(match, text, means, exact)
    if match == "wildcard":
        return Pattern(match, text, means, wildcard)
    return Pattern(match, text, means, _expression(text, case_sensitive, name))


def _expression(text: str, case_sensitive: bool, name: str) -> Callable[[str], Mapping[str, str] | None]:
    if re2 is None:
        raise Invalid(N_("{field}: regular expressions need the library google-re2, which is not installed here"), name)
    options = re2.Options()
    options.case_sensitive = case_sensitive
    options.max_mem = _REGEX_MEMORY
    options.log_errors = False
    try:
        expression = re2.compile(text, options)
    except re2.error as error:
        why = (
            error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        )
        raise Invalid(N_("{field} is no regular expression: {why}"), name, why=why) from error
    for group in expression.groupindex:
        if group not in NAMES:
            raise Invalid(N_("{field} names {group}, which is no part of a line"), name, group=group)

    def find(line: str) -> Mapping[str, str] | None:
        found = expression.search(line)
        return None if found is None else {key: value for key, value in found.groupdict().items() if value}

    return find


def fits(pattern: str, text: str) -> bool:
    """Whether `text` is as `pattern` with `*` and `?` says, in time proportional to both lengths at most."""
    first, *pieces = pattern.split("*")
    if not pieces:
        return len(text) == len(first) and _stands(first, text, 0)
    last = pieces.pop()
    stop = len(text) - len(last)
    at = len(first)
    if at > stop or not _stands(first, text, 0) or not _stands(last, text, stop):
        return False
    for piece in pieces:
        at = _found(piece, text, at, stop)
        if at < 0:
            return False
        at += len(piece)
    return at <= stop


def _stands(piece: str, text: str, at: int) -> bool:
    """Whether `text` goes on with `piece` at this place."""
    if "?" not in piece:
        return text.startswith(piece, at)
    return len(text) - at >= len(piece) and all(
        wanted in ("?", there) for wanted, there in zip(piece, text[at : at + len(piece)], strict=True)
    )


def _found(piece: str, text: str, at: int, stop: int) -> int:
    """The first place from `at` on where `piece` stands before `stop`; -1 if there is none."""
    if "?" not in piece:
        return text.find(piece, at, stop)
    return next((place for place in range(at, stop - len(piece) + 1) if _stands(piece, text, place)), -1)


# ── a dialect ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read a till. `definition` is the JSON object it came from, every setting in it.

    `fields` and `layouts`: names of the fields, the latter for lines of a type of ours. `keys`: where in an object or
    element a value stands. `types`: the till's words for types, each with its meaning. `source`: the name of a till
    that tells none; {address} is where it connects from.
    """

    name: str
    kind: str
    encoding: str
    ends: bytes
    strips: bool
    separator: str
    fields: tuple[str, ...]
    layouts: Mapping[str, tuple[str, ...]]
    keys: tuple[tuple[str, str], ...]
    sign: str
    digits: int
    types: Mapping[str, str]
    source: str
    start: tuple[Pattern, ...]
    end: tuple[Pattern, ...]
    cancel: tuple[Pattern, ...]
    ignore: tuple[Pattern, ...]
    rules: tuple[Pattern, ...]
    keeps_outside: bool
    definition: Mapping[str, Any]

    @property
    def framing(self) -> tuple[bytes, bool, int]:
        """What decides how a stream is cut: where it is the same, a connection may go on as it is."""
        return self.ends, self.strips, MAX_DOCUMENT if self.kind in ("json", "xml") else MAX_LINE


class Cutter:
    """Cuts a stream by a dialect's `framing`, never holding more than a line. Any cut gives the same lines."""

    def __init__(self, framing: tuple[bytes, bool, int]) -> None:
        ends, strips, self._limit = framing
        self._ends = re.compile(b"[" + re.escape(ends) + b"]")
        self._stripper = Stripper() if strips else None
        self._held = bytearray()

    @property
    def holds(self) -> bool:
        """Whether a line has begun that is not whole."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises FramingLost."""
        if self._stripper is not None:
            data = self._stripper.feed(data)
        *whole, rest = self._ends.split(data)
        if whole:
            whole[0] = bytes(self._held) + whole[0]
            self._held.clear()
        self._held += rest
        for index, line in enumerate(whole):
            if len(line) > self._limit:
                raise FramingLost(_kept(whole[:index]), self._limit)
        if len(self._held) > self._limit:
            self._held.clear()
            raise FramingLost(_kept(whole), self._limit)
        return _kept(whole)

    def flush(self) -> list[bytes]:
        """The line that was not terminated, if any."""
        held, self._held = bytes(self._held), bytearray()
        return _kept([held])


_AROUND = bytes(range(33))


def _kept(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if line.strip(_AROUND)]


def cutter(dialect: Dialect | None) -> Splitter | Cutter:
    """What cuts a stream of this dialect into lines; None is the CamTrace protocol."""
    return Splitter() if dialect is None else Cutter(dialect.framing)


class Reader:
    """Reads the lines of one sender by a dialect. Till, ticket, seller and customer told once go on for the ticket."""

    def __init__(self, dialect: Dialect, address: str) -> None:
        self.dialect = dialect
        self._address = address
        self._told: dict[str, str] = {}
        self._inside = True  # until an end is seen: the server may have come in the middle of a ticket
        self._lines = 0  # of the present ticket

    def read(self, line: bytes, encoding: str = "auto") -> Message | None:
        """What `line` says; None where it is not kept. Raises WireError when it cannot be understood."""
        dialect = self.dialect
        if dialect.strips and line in (CUT, DRAWER):
            return self._mechanical(line)
        text = to_text(line.strip(_AROUND), encoding).strip()
        if _first(dialect.ignore, text) is not None:
            return None
        for patterns, step in ((dialect.cancel, "cancel"), (dialect.end, "end"), (dialect.start, "start")):
            found = _first(patterns, text)
            if found is not None:
                return self._boundary(step, text, found[1], line)
        if not self._inside and not dialect.keeps_outside:
            return None
        rule = _first(dialect.rules, text)
        values = self._values(text)
        if values is None and rule is None:
            return None  # a receipt's ornament
        values = {**(values or {"text": text}), **(rule[1] if rule else {})}
        return self._message(values, rule[0].means if rule else "", line)

    def _boundary(self, step: str, text: str, found: Mapping[str, str], line: bytes) -> Message | None:
        """The line that begins or ends a ticket. It says more where it is also a line of its kind."""
        values = {"text": text} if self.dialect.kind in ("fields", "receipt") else {}
        whole = f"{text.removesuffix('>')}/>" if step == "start" and self.dialect.kind == "xml" else text
        for read in (text, whole):
            try:
                values |= self._values(read) or {}
                break
            except WireError:
                continue
        values |= found
        if step == "start":
            self._inside = True
            self._told, self._lines = {key: self._told[key] for key in ("source",) if key in self._told}, 0
            return self._message(values, self._meaning(values) or "N", line)._replace(opens=True)
        was_inside, self._inside = self._inside, not self.dialect.start
        if not was_inside and not self.dialect.keeps_outside:
            return None
        message = self._message(values, "E", line)
        return message._replace(special="ANNULE") if step == "cancel" else message

    def _mechanical(self, line: bytes) -> Message | None:
        if line == DRAWER:
            return self._message({}, "D", line)
        if not self._lines:
            return None  # the paper is cut behind an end that was seen already
        self._inside = not self.dialect.start
        return self._message({}, "E", line)

    def _values(self, text: str) -> Mapping[str, str] | None:
        """The parts of a line by name; None for one that says nothing."""
        dialect = self.dialect
        match dialect.kind:
            case "fields":
                return self._fields(text)
            case "json":
                return _picked(dialect.keys, _json(text))
            case "xml":
                return _picked(dialect.keys, _xml(text))
        return _printed(text, dialect) if any(map(str.isalnum, text)) else None

    def _fields(self, text: str) -> Mapping[str, str]:
        dialect = self.dialect
        values = [value.strip() for value in text.split(dialect.separator)]
        names = dialect.fields
        if dialect.layouts and "type" in names and len(values) > (place := names.index("type")):
            names = dialect.layouts.get(self._letter(values[place]), names)
        if len(values) < 2 <= len(names):
            raise WireError(f"no {dialect.separator!r} between fields", "fields")
        if len(values) > len(names) and "text" in names:  # the separator stood inside the description
            first, more = names.index("text"), len(values) - len(names)
            values[first : first + more + 1] = [dialect.separator.join(values[first : first + more + 1])]
        return {name: value for name, value in zip(names, values, strict=False) if name != UNUSED and value}

    def _letter(self, sent: str) -> str:
        means = self.dialect.types.get(sent.casefold(), sent.upper())
        return "S" if means in SPECIAL_WORDS else means

    def _meaning(self, values: Mapping[str, str]) -> str:
        sent = values.get("type", "")
        return self.dialect.types.get(sent.casefold(), sent.upper()) if sent else ""

    def _message(self, values: Mapping[str, str], means: str, line: bytes) -> Message:
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
        for name in ("source", "ticket", "seller", "customer"):
            if values.get(name):
                self._told[name] = _clean(values[name])[:MAX_NAME]
        source = self._told.get("source") or dialect.source.replace("{address}", self._address) or self._address
        total = self._amount(values.get("total", ""))
        text = values.get("text", "")
        words = values.get("tender", "") or (text if means in ("T", "E") else "")
        if means in ("T", "E") and dialect.kind == "receipt" and total is None:
            total, amount = amount, None
        self._lines += 1
        message = Message(
            source[:MAX_NAME],
            self._told.get("ticket", ""),
            self._told.get("seller", ""),
            self._told.get("customer", ""),
            means,
            _masked(line, values.get("code", "")),
            to_decimal(values.get("quantity", "")),
            _plain(values.get("code", ""))[:MAX_NAME],
            "" if means in ("T", "E") else _clean(text),
            amount,
            special if means in ("S", "E") else "",
            _clean(words),
            total,
        )
        if means == "E":
            self._told, self._lines = {key: self._told[key] for key in ("source",) if key in self._told}, 0
        return message

    def _amount(self, sent: str) -> Decimal | None:
        return amount_of(sent, self.dialect.sign, self.dialect.digits)


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


def _meant(types: Mapping[str, str], sent: str) -> str:
    means = types.get(sent.casefold(), "") if sent else ""
    return means if means in SPECIAL_WORDS else ""


def _first(patterns: tuple[Pattern, ...], text: str) -> tuple[Pattern, Mapping[str, str]] | None:
    for pattern in patterns:
        found = pattern.find(text)
        if found is not None:
            return pattern, found
    return None


_BAD = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _clean(text: str) -> str:
    """`text` without what an escape in JSON or XML may bring in: control characters and halves of pairs."""
    return mask_all(_plain(text).encode()).decode()


def _plain(text: str) -> str:
    return _BAD.sub("\ufffd", text.replace("\t", " "))


def _masked(line: bytes, code: str) -> bytes:
    """The line, card numbers masked; the article's code stays."""
    kept = code.encode("ascii", "ignore")
    if len(kept) < 8 or not kept.isdigit() or kept not in line:
        return mask_all(line)
    return kept.join(map(mask_all, line.split(kept)))


# ── kinds of lines ───────────────────────────────────────────────────────────────────────────────────────────────

_COLUMNS = re.compile(r"\s{2,}")
_PRICE = re.compile(r"[+-]?[0-9][0-9.,' ]*[.,][0-9]{2}-?")
_WHOLE = re.compile(r"[+-]?[0-9]+-?")
_TIMES = re.compile(r"([0-9]{1,6}(?:[.,][0-9]{1,3})?) ?[xX*×] ?(\S.*)")
_UNITS = ("EUR", "€", "$", "£", "₽", "USD", "GBP", "CHF", "RUB", "РУБ", "A", "B", "C", "D", "T", "F")


def _printed(text: str, dialect: Dialect) -> dict[str, str]:
    """What stands in a line of a receipt: a quantity in front, an amount at the end, words between."""
    columns = _COLUMNS.split(text)
    if len(columns) == 1:
        columns = text.split(" ")
    words = list(columns)
    if len(words) > 1 and words[-1].upper() in _UNITS:  # a currency, or the letter of a tax
        words.pop()
    values = {"text": text}
    price = words[-1].lstrip("€$£= ")
    if _PRICE.fullmatch(price) or (dialect.digits and _WHOLE.fullmatch(price)):
        words.pop()
        if len(words) > 1 and words[-1].upper() in _UNITS:
            words.pop()
        gap = "  " if "  " in text else " "
        values = {"text": gap.join(words).strip(" :="), "amount": price}
    times = _TIMES.fullmatch(values["text"])
    if times:
        values |= {"quantity": times[1], "text": times[2]}
    return values


def _json(text: str) -> dict[str, str]:
    """The values of an object by path: `till.id`, `items.0.price`. Numbers stay as they are written."""
    try:
        whole = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise WireError("it is no JSON object", "json") from error
    if not isinstance(whole, dict):
        raise WireError("it is no JSON object", "json")
    return dict(_leaves(whole, "", 0))


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in inside if depth < MOST_DEPTH else ():
            yield from _leaves(each, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    elif value is not None:
        yield path, str(value)


def _xml(text: str) -> dict[str, str]:
    """The texts and attributes of an element by path: `@till`, `article.price`, `article.@code`, `.` for its own.

    Declarations of entities and documents are refused, so nothing in it can grow or refer elsewhere.
    """
    values: dict[str, str] = {}
    path: list[str] = []

    def begins(name: str, attributes: dict[str, str]) -> None:
        if len(path) >= MOST_DEPTH:
            raise WireError("its elements are nested too deep", "xml")
        path.append(name.rpartition(":")[2])
        prefix = ".".join(path[1:])
        for key, value in attributes.items():
            values.setdefault(f"{prefix}.@{key}" if prefix else f"@{key}", value)
        values.setdefault("name()", name)

    def ends(name: str) -> None:
        path.pop()

    def says(words: str) -> None:
        place = ".".join(path[1:]) or "."
        values[place] = values.get(place, "") + words

    def refuse(*_: object) -> None:
        raise WireError("it declares a document type, which is not accepted", "xml")

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begins, ends, says
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise WireError("it is no XML element", "xml") from error
    return {key: value.strip() for key, value in values.items()}


def _picked(keys: tuple[tuple[str, str], ...], values: Mapping[str, str]) -> dict[str, str]:
    return {name: values[path] for name, path in keys if values.get(path)}


# ── a dialect from JSON ──────────────────────────────────────────────────────────────────────────────────────────

DEFAULTS: Mapping[str, Any] = {
    "kind": "fields",
    "encoding": "auto",
    "line_end": "\r\n",
    "control_codes": "keep",
    "separator": "|",
    "fields": ["source", "ticket", "seller", "customer", "type", "quantity", "code", "text", "amount"],
    "layouts": {},
    "keys": {},
    "decimal_sign": "auto",
    "implied_decimals": 0,
    "types": {},
    "source": "",
    "case_sensitive": False,
    "start": [],
    "end": [],
    "cancel": [],
    "ignore": [],
    "rules": [],
    "outside": "keep",
}


def read_dialect(name: str, body: Any) -> Dialect:
    """The dialect that `body` describes; what is not given has its default. Raises Invalid with the setting's name."""
    if not isinstance(body, Mapping):
        raise Invalid(N_("{field} must be an object"), "definition")
    for key in body:
        if key not in DEFAULTS:
            raise Invalid(N_("a dialect has no setting {field}"), str(key)[:LONGEST_TEXT])
    given = {**DEFAULTS, **body}
    exact = _flag(given["case_sensitive"], "case_sensitive")
    kind = _one_of(given["kind"], KINDS, "kind")
    fields = _names(given["fields"], "fields")
    keys = _texts(given["keys"], "keys", NAMES)
    if kind in ("json", "xml") and not keys:
        raise Invalid(N_("{field} must say where at least one part of a line stands"), "keys")
    separator = _text(given["separator"], "separator", 8)
    if not separator:
        raise Invalid(N_("{field} must not be empty"), "separator")
    ends = _text(given["line_end"], "line_end", 8).encode("utf-8")
    if not ends or len(ends) > 8:
        raise Invalid(N_("{field} must not be empty"), "line_end")
    layouts = given["layouts"]
    if not isinstance(layouts, Mapping) or len(layouts) > len(LETTERS):
        raise Invalid(N_("{field} must be an object"), "layouts")
    digits = given["implied_decimals"]
    if type(digits) is not int or not 0 <= digits <= 4:
        raise Invalid(N_("{field} must be a whole number from {low} to {high}"), "implied_decimals", low=0, high=4)
    types = _texts(given["types"], "types", None)
    for sent, means in types.items():
        _one_of(means, MEANINGS, f"types.{sent}")
    return Dialect(
        name=name,
        kind=kind,
        encoding=_one_of(given["encoding"], ENCODINGS, "encoding"),
        ends=ends,
        strips=_one_of(given["control_codes"], ("keep", "escpos"), "control_codes") == "escpos",
        separator=separator,
        fields=fields,
        layouts={
            _one_of(letter, LETTERS, "layouts"): _names(each, f"layouts.{letter}") for letter, each in layouts.items()
        },
        keys=tuple(keys.items()),
        sign=_one_of(given["decimal_sign"], SIGNS, "decimal_sign"),
        digits=digits,
        types={sent.casefold(): means for sent, means in types.items()},
        source=_text(given["source"], "source", MAX_NAME).strip(),
        keeps_outside=_one_of(given["outside"], ("keep", "ignore"), "outside") == "keep",
        definition=given,
        **{name: _patterns(given[name], name, exact) for name in ("start", "end", "cancel", "ignore", "rules")},
    )


def _patterns(given: Any, name: str, case_sensitive: bool) -> tuple[Pattern, ...]:
    if not isinstance(given, list | tuple) or len(given) > MOST_PATTERNS:
        raise Invalid(N_("{field} must be a list of at most {most} entries"), name, most=MOST_PATTERNS)
    known = {"match", "text", "means"} if name == "rules" else {"match", "text"}
    found = []
    for place, item in enumerate(given):
        where = f"{name}.{place}"
        if not isinstance(item, Mapping) or set(item) - known:
            raise Invalid(N_("{field} must be an object with match and text"), where)
        text = _text(item.get("text"), where, LONGEST_TEXT)
        if not text.strip("* "):
            raise Invalid(N_("{field} must not be empty"), where)
        match = _one_of(item.get("match", "wildcard"), MATCHES, where)
        means = _one_of(item.get("means"), MEANINGS, where) if name == "rules" else ""
        found.append(_pattern(match, text, means, case_sensitive, where))
    return tuple(found)


def _names(given: Any, name: str) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not 0 < len(given) <= MOST_FIELDS:
        raise Invalid(N_("{field} must be a list of at most {most} entries"), name, most=MOST_FIELDS)
    found = tuple(_one_of(each, (*NAMES, UNUSED), name) for each in given)
    named = [each for each in found if each != UNUSED]
    if len(set(named)) != len(named):
        raise Invalid(N_("{field} names a part of the line twice"), name)
    return found


def _texts(given: Any, name: str, known: tuple[str, ...] | None) -> dict[str, str]:
    if not isinstance(given, Mapping) or len(given) > MOST_FIELDS:
        raise Invalid(N_("{field} must be an object"), name)
    for key, value in given.items():
        if known is not None:
            _one_of(key, known, name)
        _text(key, name, LONGEST_TEXT)
        if not _text(value, f"{name}.{key}", LONGEST_TEXT):
            raise Invalid(N_("{field} must not be empty"), f"{name}.{key}")
    return dict(given)


def _text(value: Any, name: str, most: int) -> str:
    if not isinstance(value, str):
        raise Invalid(N_("{field} must be a text"), name)
    if len(value) > most:
        raise Invalid(N_("{field} has more than {most} characters"), name, most=most)
    return value


def _one_of(value: Any, choices: tuple[str, ...], name: str) -> str:
    if not isinstance(value, str) or value not in choices:
        raise Invalid(N_("{field} must be one of: {choices}"), name, choices=", ".join(choices))
    return value


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(N_("{field} must be true or false"), name)
    return value
