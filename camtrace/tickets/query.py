"""What people ask of the external log, as one line of text: words and conditions. Pure.

    till:7 amount>20 annule "café crème" seller:MARIE date:yesterday time:18:00-20:30 -pain

A condition is a keyword, a sign and a value; keywords are known in English, French and Russian at once. The same
keyword twice means either value, different ones mean all of them; figures and times are bounds that all hold. What is
no condition is a word, and every word must be found. No text is refused: what looks like a condition and is none is
looked for as it stands, and `Query.notes` say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import NamedTuple

from camtrace.i18n import N_, Translations
from camtrace.model import Comparison, LineSearch, Named

LONGEST = 1000  # characters of a query that are read
LONGEST_VALUE = 200
MOST = 40  # conditions
NAMES = ("till", "ticket", "seller", "customer", "type", "special", "tender", "code", "barcode")
NUMBERS = ("amount", "quantity")
MOMENTS = ("from", "to", "date")
FIELDS = (*NAMES, *NUMBERS, "camera", *MOMENTS, "time", "word")

KEYWORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {  # the first one of a language is the one that is written
    "en": {
        "till": ("till", "source", "register", "pos"),
        "ticket": ("ticket", "receipt"),
        "seller": ("seller", "cashier", "clerk"),
        "customer": ("customer", "client", "table"),
        "type": ("type",),
        "special": ("special",),
        "tender": ("tender", "payment", "paid"),
        "code": ("code", "article"),
        "barcode": ("barcode", "ean"),
        "amount": ("amount", "sum"),
        "quantity": ("qty", "quantity"),
        "camera": ("camera", "cam"),
        "from": ("from", "since"),
        "to": ("to", "until"),
        "date": ("date", "day"),
        "time": ("time",),
    },
    "fr": {
        "till": ("caisse",),
        "ticket": ("ticket",),
        "seller": ("vendeur", "vendeuse", "caissier", "caissiere"),
        "customer": ("client", "cliente", "table"),
        "type": ("type",),
        "special": ("special",),
        "tender": ("paiement", "reglement"),
        "code": ("code", "article"),
        "barcode": ("codebarre", "codebarres", "code-barre", "code-barres", "ean"),
        "amount": ("montant", "somme"),
        "quantity": ("qte", "quantite"),
        "camera": ("camera",),
        "from": ("du", "depuis", "de"),
        "to": ("au", "jusque"),
        "date": ("date", "jour"),
        "time": ("heure", "heures"),
    },
    "ru": {
        "till": ("касса", "ккм"),
        "ticket": ("чек",),
        "seller": ("продавец", "кассир"),
        "customer": ("клиент", "покупатель", "стол"),
        "type": ("тип", "событие"),
        "special": ("отметка",),
        "tender": ("оплата",),
        "code": ("код", "артикул"),
        "barcode": ("штрихкод", "штрих-код"),
        "amount": ("сумма",),
        "quantity": ("кол", "кол-во", "количество"),
        "camera": ("камера",),
        "from": ("с", "от"),
        "to": ("по", "до"),
        "date": ("дата", "день"),
        "time": ("время", "час"),
    },
}
_DAYS: Mapping[str, Mapping[str, str]] = {  # days that move on
    "en": {"today": "today", "yesterday": "yesterday"},
    "fr": {"today": "aujourdhui", "yesterday": "hier"},
    "ru": {"today": "сегодня", "yesterday": "вчера"},
}
_DAY_LETTER = {"en": "d", "fr": "j", "ru": "д"}
_TYPES = {"A", "S", "D", "T", "E"}

_PLAIN = str.maketrans("àâäçéèêëîïôöùûüё", "aaaceeeeiioouuuе")


def _plain(word: str) -> str:
    return word.casefold().translate(_PLAIN).replace("'", "").replace("’", "")


_FIELD_OF = {_plain(word): field for words in KEYWORDS.values() for field, all in words.items() for word in all}
_RELATIVE = {_plain(word): day for words in _DAYS.values() for day, word in words.items()}
_QUOTES = (('"', '"'), ("«", "»"), ("“", "”"))
_CLOSING = dict(_QUOTES)
_SIGNS = {":": "=", "=": "=", "≥": ">=", "≤": "<=", "=>": ">=", "=<": "<="}
# a keyword with its sign; a figure may stand apart from the sign (amount > 20)
_CONDITION = re.compile(r"([^\W\d_][^\W\d_'’-]*(?:-[^\W\d_]+)?)(\s*(?:>=|<=|=>|=<|≥|≤|>|<)\s*|\s+=\s+|[:=]\s*)")
_NUMBER = re.compile(r"[+-]?\d{1,12}(?:[.,]\d{1,6})?")
_BETWEEN = re.compile(r"([+-]?\d{1,12}(?:[.,]\d{1,6})?)(?:\.\.|…|-|–)([+-]?\d{1,12}(?:[.,]\d{1,6})?)")
_DATE = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)")
_LOCAL_DATE = re.compile(r"(\d\d?)[./](\d\d?)[./](\d{4}|\d\d)")
_LAST_DAYS = re.compile(r"(\d{1,4})[djд]")
_CLOCK = re.compile(r"(\d\d?)(?:[:hч](\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Condition:
    """One of `FIELDS`, a sign (=, >, >=, <, <=, or "not" of a word), and the value as it is written in a query.

    Values are in one form: amounts with a point, days as 2024-02-29, today, yesterday or 7d, instants as
    2024-02-29T18:00, hours as 18:00-20:30.
    """

    field: str
    value: str
    sign: str = "="


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

    def of(self, *fields: str) -> list[Condition]:
        """The conditions on these fields."""
        return [each for each in self.conditions if each.field in fields]


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def parse(text: str) -> Query:
    """The query that `text` means; any text means one."""
    conditions: list[Condition] = []
    notes: list[Note] = []
    text = re.sub(r"[\x00-\x1f\x7f]", " ", text)
    if len(text) > LONGEST:
        notes.append(Note(N_("Only the first {count} characters are read."), {"count": str(LONGEST)}))
    for found, note in _read(text[:LONGEST]):
        conditions += [each for each in found if each not in conditions]
        notes += [note] if note is not None else []
    if len(conditions) > MOST:
        notes.append(Note(N_("Only the first {count} conditions are read."), {"count": str(MOST)}))
        conditions = conditions[:MOST]
    return Query(tuple(conditions), tuple(notes))


def _read(text: str) -> Iterator[tuple[list[Condition], Note | None]]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        begin = place
        match = _CONDITION.match(text, place)
        field = _FIELD_OF.get(_plain(match[1])) if match else None
        if match is not None and field is not None:
            value, place = _value(text, match.end())
            sign = match[2].strip()
            found = _conditions(field, _SIGNS.get(sign, sign), value)
            if found:
                yield found, None
                continue
            said = text[begin:place].strip()
            if not value:
                why = Note(N_("“{text}” names no value, so it is looked for as text."), {"text": said})
            else:
                why = Note(N_("“{text}” is not understood, so it is looked for as text."), {"text": said})
            yield _words(said), why
            continue
        negated = text[place] == "-" and place + 1 < len(text) and not text[place + 1].isspace()
        word, place = _value(text, place + negated)
        unknown = match is not None and len(match[1]) > 1 and match[2] == ":" and match.end() < place
        excluded = _CONDITION.match(text, begin + 1) if negated else None
        if unknown or (excluded is not None and _plain(excluded[1]) in _FIELD_OF):
            note = Note(N_("“{text}” is no condition, so it is looked for as text."), {"text": text[begin:place]})
        else:
            note = None
        yield _words(word, "not" if negated else "="), note


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
    word = _tidy(text)
    return [Condition("word", word, sign)] if word else []


def _tidy(text: str) -> str:
    """A value that can be written in quotes of one kind or another."""
    value = " ".join(text.split())[:LONGEST_VALUE].strip()
    if all(closing in value for _, closing in _QUOTES):
        value = " ".join(value.replace('"', " ").split())
    return value


def _conditions(field: str, sign: str, value: str) -> list[Condition]:
    """What a condition means, in one form; empty if it means nothing."""
    value = _tidy(value)
    if field in NUMBERS:
        return _numbers(field, sign, value)
    if field in ("date", "from", "to") and sign == "=":
        read = _day(value) if field == "date" else _moment(value)
        return [Condition(field, read)] if read and not (field == "to" and read.endswith("d")) else []
    if field == "time" and sign == "=":
        read = _hours(value)
        return [Condition(field, read)] if read else []
    if sign != "=" or not value or field in ("date", "from", "to", "time"):
        return []
    if field == "camera":
        numbers = value.split(",")
        fits = all(re.fullmatch(r"[0-9]{1,9}|uid:[0-9]{1,18}", each) for each in numbers)
        return [Condition(field, each) for each in dict.fromkeys(numbers)] if fits else []
    values = [each.strip() for each in value.split(",") if each.strip()]
    if field == "type":
        values = [each.upper() if each.upper() in _TYPES else each for each in values]
    return [Condition(field, each) for each in dict.fromkeys(values)]


def _numbers(field: str, sign: str, value: str) -> list[Condition]:
    if _NUMBER.fullmatch(value):
        return [Condition(field, _figure(value), sign)]
    match = _BETWEEN.fullmatch(value)
    if match and sign == "=":
        low, high = sorted((_figure(match[1]), _figure(match[2])), key=Decimal)
        return [Condition(field, low, ">="), Condition(field, high, "<=")]
    return []


def _figure(text: str) -> str:
    number = Decimal(text.replace(",", "."))
    return f"{number:f}" if number else "0"


def _day(text: str) -> str:
    """A day as it is kept; "" for none."""
    relative = _RELATIVE.get(_plain(text))
    if relative:
        return relative
    if match := _LAST_DAYS.fullmatch(text.casefold()):
        return f"{int(match[1])}d" if 0 < int(match[1]) <= 3660 else ""
    if match := _DATE.fullmatch(text):
        year, month, day = match.groups()
    elif match := _LOCAL_DATE.fullmatch(text):
        day, month, year = match.groups()
        year = year if len(year) == 4 else f"20{year}"
    else:
        return ""
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return ""
    return found.isoformat() if 1970 <= found.year < 3000 else ""


def _moment(text: str) -> str:
    """A day, or a day with a time: 2024-02-29T18:00."""
    day, between, hour = text.partition("T") if "T" in text else text.partition(" ")
    if not between:
        return _day(text)
    read, minutes = _day(day), _clock(hour)
    return f"{read}T{_written(minutes)}" if read and not read.endswith("d") and minutes not in (None, 1440) else ""


def _hours(text: str) -> str:
    begin, between, end = text.replace(" ", "").replace("..", "-").replace("–", "-").partition("-")
    first, last = _clock(begin), _clock(end)
    if not between or first is None or last is None or first == last or first == 1440:
        return ""
    return f"{_written(first)}-{_written(last)}"


def _clock(text: str) -> int | None:
    """Minutes since midnight of 18:00, 18h, 18h30 or 18."""
    match = _CLOCK.fullmatch(text.strip().casefold())
    if match is None:
        return None
    hours, minutes = int(match[1]), int(match[2] or 0)
    return hours * 60 + minutes if minutes < 60 and hours * 60 + minutes <= 1440 else None


def _written(minutes: int | None) -> str:
    return f"{(minutes or 0) // 60:02}:{(minutes or 0) % 60:02}"


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
        value = _DAYS[language].get(value, value)
        value = value[:-1] + _DAY_LETTER[language] if value.endswith("d") and value[0].isdigit() else value
    return f"{keyword}{':' if sign == '=' else sign}{_quoted(value, value[:1] in _CLOSING or ' ' in value)}"


def _needs_quotes(word: str) -> bool:
    return word[0] in (*_CLOSING, *"-:<>=≥≤") or " " in word or _CONDITION.match(word) is not None


def _quoted(value: str, needed: bool) -> str:
    if not needed:
        return value
    opening, closing = next(pair for pair in _QUOTES if pair[1] not in value)
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
        new = _conditions(field, sign, given) if given.strip() else []
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
        if each.field == "word":
            continue
        bound = {">": "_min", ">=": "_min", "<": "_max", "<=": "_max"}.get(each.sign, "")
        name = each.field + bound
        form[name] = f"{form[name]},{each.value}" if name in form and not bound else each.value
    return form


# ── how it was understood ────────────────────────────────────────────────────────────────────────────────────────

_SAID: Mapping[tuple[str, str], str] = {
    ("till", "="): N_("Till {value}"),
    ("ticket", "="): N_("Ticket {value}"),
    ("seller", "="): N_("Cashier {value}"),
    ("customer", "="): N_("Customer {value}"),
    ("type", "="): N_("Kind of line {value}"),
    ("special", "="): N_("Marked {value}"),
    ("tender", "="): N_("Payment {value}"),
    ("code", "="): N_("Article code {value}"),
    ("barcode", "="): N_("Barcode {value}"),
    ("camera", "="): N_("Camera {value}"),
    ("amount", "="): N_("amount of {value}"),
    ("amount", ">"): N_("amount over {value}"),
    ("amount", ">="): N_("amount from {value}"),
    ("amount", "<"): N_("amount under {value}"),
    ("amount", "<="): N_("amount up to {value}"),
    ("quantity", "="): N_("quantity of {value}"),
    ("quantity", ">"): N_("quantity over {value}"),
    ("quantity", ">="): N_("quantity from {value}"),
    ("quantity", "<"): N_("quantity under {value}"),
    ("quantity", "<="): N_("quantity up to {value}"),
    ("from", "="): N_("from {value}"),
    ("to", "="): N_("until {value}"),
    ("date", "="): N_("on {value}"),
    ("time", "="): N_("between {value}"),
    ("word", "="): N_("line contains {value}"),
    ("word", "not"): N_("line does not contain {value}"),
}
_SAID_DAYS = {"today": N_("today"), "yesterday": N_("yesterday")}


def said(condition: Condition, spoken: Translations) -> tuple[str, str]:
    """The condition in words: a sentence with {value} in it, and the value."""
    field, value = condition.field, condition.value
    if field in MOMENTS:
        if value.endswith("d") and value[0].isdigit():
            count = int(value[:-1])
            words = spoken.ngettext("{count} day", "{count} days", count).format(count=count)
            return spoken.gettext(N_("the last {value}")), words
        day, between, hour = value.partition("T")
        if field == "date" and day in _SAID_DAYS:
            return "{value}", spoken.gettext(_SAID_DAYS[day])
        value = spoken.gettext(_SAID_DAYS.get(day, day)) + (f" {hour}" if between else "")
    elif field in NUMBERS:
        value = value if spoken.language == "en" else value.replace(".", ",")
    elif field == "time":
        value = value.replace("-", "–")
    return spoken.gettext(_SAID[field, condition.sign]), value


# ── what the store is asked ──────────────────────────────────────────────────────────────────────────────────────


def search_of(
    query: Query, now: datetime, zone: tzinfo, uids: Callable[[str], int | None]
) -> tuple[LineSearch, list[Note]]:
    """The search that the query means at the instant `now` by the clock of `zone`.

    `uids` gives the camera's uid of a number, None where there is none.
    """
    notes: list[Note] = []
    names = tuple(Named(field, tuple(each.value for each in query.of(field))) for field in NAMES if query.of(field))
    wanted = LineSearch(
        texts=tuple(each.value for each in query.of("word") if each.sign == "="),
        without=tuple(each.value for each in query.of("word") if each.sign == "not"),
        names=names,
        comparisons=tuple(Comparison(each.field, each.sign, Decimal(each.value)) for each in query.of(*NUMBERS)),
    )
    cameras = query.of("camera")
    if cameras:
        found = {each.value: uids(each.value) for each in cameras}
        notes += [
            Note(N_("There is no camera {number}."), {"number": name}) for name, uid in found.items() if uid is None
        ]
        wanted = replace(wanted, camera_uids=tuple(uid for uid in found.values() if uid is not None))
    start, stop = period(query, now, zone)
    if start is not None and stop is not None and start >= stop:
        notes.append(Note(N_("The period ends before it begins."), {}))
    hours = tuple(_minutes(each.value) for each in query.of("time"))
    return replace(wanted, start=start, before=stop, hours=hours, zone=zone), notes


def period(query: Query, now: datetime, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """From when, and up to when (not included)."""
    today = now.astimezone(zone).date()
    starts, stops = [], []
    for each in query.of(*MOMENTS):
        first, last = _bounds(each.value, today, zone)
        if each.field in ("from", "date"):
            starts.append(first)
        if each.field in ("to", "date"):
            stops.append(last)
    return max(starts, default=None), min(stops, default=None)


def _bounds(value: str, today: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """The beginning and the end of what a moment means: a day, several days, or a minute."""
    name, between, hour = value.partition("T")
    if name.endswith("d"):
        return _midnight(today - timedelta(days=int(name[:-1]) - 1), zone), _midnight(today + timedelta(days=1), zone)
    day = {"today": today, "yesterday": today - timedelta(days=1)}.get(name) or date.fromisoformat(name)
    if between:
        at = datetime.combine(day, time.fromisoformat(hour), zone)
        return at, at
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _minutes(value: str) -> tuple[int, int]:
    first, last = (_clock(part) or 0 for part in value.split("-"))
    return first, last
