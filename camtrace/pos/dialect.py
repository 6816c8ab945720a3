"""How tills that do not speak the CamTrace protocol are understood: what is set for them. Pure.

A dialect says where a line ends and what kind of line it is: fields behind separators, a printed receipt, a JSON object
or an XML element. It comes as a JSON object, as `read_dialect` reads it (docs/protocols/pos.md, "Dialects").
`framing` cuts a stream by it; `reading` makes of a line the same `wire.Message` as in the CamTrace protocol, by what
`patterns`, `printed` and `objects` find in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.pos.patterns import MATCHES, Pattern, pattern
from camtrace.pos.wire import ENCODINGS, MAX_LINE, MAX_NAME, SPECIAL_WORDS

BUILT_IN = "camtrace"
KINDS = ("fields", "receipt", "json", "xml")
LETTERS = ("A", "S", "D", "T", "E", "N")  # N: a note, shown as it is
MEANINGS = (*LETTERS, *SPECIAL_WORDS)  # a special word means an S line with that word
NAMES = (
    "source", "ticket", "seller", "customer", "type", "quantity", "code", "barcode", "text",
    "price", "amount", "discount", "special", "tender", "total", "card",
)  # fmt: skip
UNUSED = "-"  # a field that says nothing
MAX_DOCUMENT = 16384  # bytes of a line of JSON or XML
MOST_PATTERNS = 64
MOST_FIELDS = 64
LONGEST_TEXT = 300  # characters of a pattern, a path, a name
SIGNS = ("auto", ",", ".")
Framing = tuple[bytes, bool, int]  # bytes that end a line, whether control sequences are taken out, the longest line


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
    case_sensitive: bool
    definition: Mapping[str, Any]

    @property
    def framing(self) -> Framing:
        """What decides how a stream is cut: where it is the same, a connection may go on as it is."""
        return self.ends, self.strips, MAX_DOCUMENT if self.kind in ("json", "xml") else MAX_LINE


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
        case_sensitive=exact,
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
        found.append(pattern(match, text, means, case_sensitive, where, NAMES))
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
