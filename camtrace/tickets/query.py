"""What people ask of the external log, as one line of text: words and conditions. Pure.

    till:7 amount>20 annule "café crème" seller:MARIE date:yesterday time:18:00-20:30 -pain -what:discount

A condition is a keyword, a sign and a value; keywords are known in English, French and Russian at once. The same
keyword twice means either value, different ones mean all of them; figures and times are bounds that all hold. What is
no condition is a word, and every word must be found. With - in front, neither a word nor a condition may be true. No
text is refused: what looks like a condition and is none is looked for as it stands, and `Query.notes` say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from camtrace.i18n import N_
from camtrace.tickets.keywords import (
    DAY_LETTER,
    DAYS,
    DEED_WORDS,
    FIELD_OF,
    KEYWORDS,
    MOMENTS,
    NUMBERS,
    deed_like,
    keyword_like,
    plain,
)
from camtrace.tickets.values import FIGURES, QUOTES, Condition, conditions, negated, tidy, turned

LONGEST = 1000  # characters of a query that are read
MOST = 40  # conditions
_CLOSING = dict(QUOTES)
_SIGNS = {":": "=", "=": "=", "≥": ">=", "≤": "<=", "=>": ">=", "=<": "<="}
# a keyword with its sign; a figure may stand apart from the sign (amount > 20)
_CONDITION = re.compile(r"([^\W\d_][^\W\d_'’-]*(?:-[^\W\d_]+)?)(\s*(?:>=|<=|=>|=<|==|≥|≤|>|<)\s*|\s+=\s+|[:=]\s*)")


class Note(NamedTuple):
    """Something about a query that people should know: a message id and what fills it."""

    text: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Query:
    """What was understood, in the order it was written."""

    conditions: tuple[Condition, ...] = ()
    notes: tuple[Note, ...] = ()

    def without(self, place: int) -> Query:
        """The same without the condition at `place`."""
        return Query(self.conditions[:place] + self.conditions[place + 1 :])

    def turned(self, place: int) -> Query:
        """The same with the condition at `place` turned round: what must be must not be, or the other way about."""
        return Query((*self.conditions[:place], *turned(self.conditions[place]), *self.conditions[place + 1 :]))

    def of(self, *fields: str) -> list[Condition]:
        """The conditions on these fields."""
        return [each for each in self.conditions if each.field in fields]


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def parse(text: str) -> Query:
    """The query that `text` means; any text means one."""
    read: list[Condition] = []
    notes: list[Note] = []
    text = re.sub(r"[\x00-\x1f\x7f]", " ", text)
    if len(text) > LONGEST:
        notes.append(Note(N_("Only the first {count} characters are read."), {"count": str(LONGEST)}))
    for found, note in _read(text[:LONGEST]):
        read += [each for each in found if each not in read]
        notes += [note] if note is not None else []
    if len(read) > MOST:
        notes.append(Note(N_("Only the first {count} conditions are read."), {"count": str(MOST)}))
        read = read[:MOST]
    return Query(tuple(read), tuple(notes))


def _read(text: str) -> Iterator[tuple[list[Condition], Note | None]]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        begin = place
        minus = text[place] == "-" and place + 1 < len(text) and not text[place + 1].isspace()
        match = _CONDITION.match(text, place + minus)
        field = FIELD_OF.get(plain(match[1])) if match else None
        if match is not None and field is not None:
            figures = FIGURES.match(text, match.end()) if field in NUMBERS else None
            value, place = (figures[0], figures.end()) if figures else _value(text, match.end())
            sign = match[2].strip()
            sign = _SIGNS.get(sign, sign)
            is_given = bool(value) or (sign == "==" and text[match.end() : match.end() + 1] in _CLOSING)
            found = conditions(field, sign, value) if is_given else []
            found = negated(found) if minus else found
            if found:
                yield found, None
                continue
            said = text[begin + minus : place].strip()
            values = {"text": text[begin:place].strip()}
            if not is_given:
                why = Note(N_("“{text}” names no value, so it is looked for as text."), values)
            else:
                why = _not_understood(values["text"], deed_like(value) if field == "deed" else "")
            yield _words(said, "not" if minus else "="), why
            continue
        word, place = _value(text, place + minus)
        unknown = match is not None and len(match[1]) > 1 and match.end() < place and _asks(match[2], text[match.end()])
        note = _no_condition(text[begin:place], keyword_like(match[1])) if match is not None and unknown else None
        yield _words(word, "not" if minus else "="), note


def _asks(sign: str, first: str) -> bool:
    """Whether what stands before a value that begins so looks like a condition, though its keyword is not known."""
    return sign == ":" or (sign.strip() in ("<", ">", "<=", ">=") and first.isdigit())


def _no_condition(text: str, meant: str) -> Note:
    if meant:
        why = N_("“{text}” is no condition, so it is looked for as text. Is {meant} meant?")
        return Note(why, {"text": text, "meant": meant})
    return Note(N_("“{text}” is no condition, so it is looked for as text."), {"text": text})


def _not_understood(text: str, meant: str) -> Note:
    if meant:
        why = N_("“{text}” is not understood, so it is looked for as text. Is {meant} meant?")
        return Note(why, {"text": text, "meant": meant})
    return Note(N_("“{text}” is not understood, so it is looked for as text."), {"text": text})


def _value(text: str, place: int) -> tuple[str, int]:
    """The value that begins at `place`, quoted or up to the next space, and where it ends."""
    closing = _CLOSING.get(text[place : place + 1])
    if closing is not None:
        end = text.find(closing, place + 1)
        end = len(text) if end < 0 else end
        return text[place + 1 : end], end + 1
    match = re.compile(r"\S*").match(text, place)
    assert match is not None
    return match[0], match.end()


def _words(text: str, sign: str = "=") -> list[Condition]:
    word = tidy(text)
    return [Condition("word", word, sign)] if word else []


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def write(query: Query, language: str = "en") -> str:
    """The text of a query, with the keywords of that language; it is read as the same query."""
    return " ".join(_text(each, language) for each in query.conditions)


def _text(condition: Condition, language: str) -> str:
    field, value, sign = condition.field, condition.value, condition.sign
    if field == "word":
        return ("-" if sign == "not" else "") + _quoted(value, _needs_quotes(value))
    keyword = KEYWORDS[language][field][0]
    if field in MOMENTS:
        value = DAYS[language].get(value, (value,))[0]
        value = value[:-1] + DAY_LETTER[language] if value.endswith("d") and value[0].isdigit() else value
    elif field == "deed":
        value = DEED_WORDS[language][value][0]
    minus, sign = ("-", sign[3:] or "=") if sign.startswith("not") else ("", sign)
    is_quoted = value[:1] in ("", *_CLOSING) or any(each.isspace() for each in value)
    return f"{minus}{keyword}{':' if sign == '=' else sign}{_quoted(value, is_quoted)}"


def _needs_quotes(word: str) -> bool:
    return word[0] in (*_CLOSING, *"-:<>=≥≤") or " " in word or _CONDITION.match(word) is not None


def _quoted(value: str, needed: bool) -> str:
    if not needed:
        return value
    opening, closing = next(pair for pair in QUOTES if pair[1] not in value)
    return f"{opening}{value}{closing}"


def filled(query: Query, fields: Mapping[str, str]) -> Query:
    """The query with what a form says: each of `fields` replaces what there was of it; an empty one takes it away.

    Fields are those of `FIELDS`, but for words; bounds are `amount_min`, `amount_max`, `quantity_min`, `quantity_max`.
    """
    kept, notes = list(query.conditions), list(query.notes)
    for name, given in fields.items():
        field, _, bound = name.partition("_")
        signs = {"min": (">", ">="), "max": ("<", "<=")}.get(bound, ("=",))
        sign = {"min": ">=", "max": "<="}.get(bound, "=")
        old = [each for each in kept if each.field == field and each.sign in signs]
        old = old or [each for each in kept if each.field == field and each.sign == "==" and not bound]
        new = conditions(field, sign, given) if given.strip() else []
        if given.strip() and not new:
            notes.append(Note(N_("“{text}” is not understood."), {"text": given.strip()}))
        if bound and new and old and new[0].value == old[0].value:
            new = old  # over 20 stays over 20
        if new == old:
            continue
        place = kept.index(old[0]) if old else len(kept)
        kept = kept[:place] + new + [each for each in kept[place:] if each not in old]
    return Query(tuple(dict.fromkeys(kept)), tuple(notes))


def form_of(query: Query) -> dict[str, str]:
    """The fields of a form that say what the query says, as `filled` takes them."""
    form: dict[str, str] = {}
    for each in query.conditions:
        if each.field == "word" or each.sign == "==" or each.sign.startswith("not"):
            continue
        bound = {">": "_min", ">=": "_min", "<": "_max", "<=": "_max"}.get(each.sign, "")
        name = each.field + bound
        form[name] = f"{form[name]},{each.value}" if name in form and not bound else each.value
    return form
