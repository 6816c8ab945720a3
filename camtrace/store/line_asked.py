"""What is asked of the external log, as conditions in SQL that an index leads to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from camtrace.cards import hidden
from camtrace.model import LineSearch
from camtrace.store.database import Database
from camtrace.store.line_texts import containing, escaped, searchable
from camtrace.store.matching import COST, is_trace, types_of

_MOST_KEYS = 3000  # texts that are named one by one; of more, some line of the latest is likely to have one
_MOST_NAMES = 1000
_COLUMNS = {
    "till": "source",
    **{name: name for name in ("ticket", "seller", "customer", "type", "special", "tender", "code", "barcode")},
    "seller_code": "seller_code",
}
_SELLER_CODE = "seller_code"
CASHIER = "cashier"  # a name that must be exact as well: of a seller, or the seller's number
_FEW = ("till", "seller", "special", "tender", _SELLER_CODE)  # names that are written the same over and over
_ROWS = {"special": "%\n{}", "tender": "%\n{}\n%"}  # where they stand in what can be searched
_NARROW = ("ticket", "customer", "code", "barcode")
_FIGURES = {"amount": "amount", "quantity": "quantity"}
_SIGNS = {sign: sign for sign in ("=", ">", ">=", "<", "<=")}


class _NothingFits(Exception):
    """Whatever else is asked, no line can be found."""


class Asked:
    """What a search asks for: SQL conditions and their values; one whose value is None is not asked.

    `keys`: those of its texts in `line_words`, None where they say nothing. `is_narrow`: an index leads to few lines.
    """

    def __init__(self) -> None:
        self._sql: list[str] = []
        self.values: list[Any] = []
        self.keys: list[int] | None = None
        self.is_narrow = False

    @property
    def sql(self) -> str:
        return " and ".join(self._sql) or "true"

    def add(self, condition: str, *values: Any) -> None:
        if values[0] is not None:
            self._sql.append(condition)
            self.values.extend(values)

    def add_all(self, condition: str, values: Sequence[Any]) -> None:
        """Only rows that fulfil this, whatever its values."""
        self._sql.append(condition)
        self.values.extend(values)

    def add_any(self, column: str, values: Sequence[Any]) -> None:
        """Only rows with one of these: a single one by equality, along whose index rows are in order."""
        self.add(
            f"{column} = %s" if len(values) == 1 else f"{column} = any(%s)",
            values[0] if len(values) == 1 else list(values),
        )

    def add_hours(self, wanted: LineSearch) -> None:
        """Only lines of the hours wanted, where others are read too."""
        asked, values = [], []
        for begin, stop in wanted.hours or ():
            both = "(received_at at time zone %s)::time"
            asked.append(f"({both} >= %s {'and' if begin < stop else 'or'} {both} < %s)")
            values += [str(wanted.zone), _clock(begin), str(wanted.zone), _clock(stop)]
        if asked:
            self.add(f"({' or '.join(asked)})", *values)

    def add_after(self, column: str, after: tuple[datetime, int] | None, ascending: bool) -> None:
        """Only what comes behind the row with that instant and id."""
        if after is not None:
            self.add(f"({column}, id) {'>' if ascending else '<'} (%s, %s)", *after)


class LineQuestions:
    """Makes conditions of searches; looks up how names are written, and which texts hold what is looked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def understood(self, wanted: LineSearch) -> Asked | None:
        """The conditions of a search but for its hours and keys; None where nothing can fit."""
        asked = Asked()
        try:
            _add_times(asked, wanted)
            await self._add_tills(asked, wanted)
            _add_figures(asked, wanted)
            _add_deeds(asked, wanted)
            rows = await self._add_names(asked, wanted)
            await self._add_texts(asked, wanted, rows)
        except _NothingFits:
            return None
        return asked

    # ── tills and names ──

    async def _add_tills(self, asked: Asked, wanted: LineSearch) -> None:
        """Tills by their name, and by the cameras that watch them."""
        if wanted.sources:
            asked.add_any("source", wanted.sources)
        if wanted.camera_uids is not None:
            watched = await self._watched(wanted.camera_uids)
            if not watched:
                raise _NothingFits
            asked.add_any("source", list(watched))
            if not all(watched.values()):
                asked.add("cameras && %s::bigint[]", list(wanted.camera_uids))
        if wanted.unwatched:
            asked.add("not cameras && %s::bigint[]", list(wanted.unwatched))

    async def _add_names(self, asked: Asked, wanted: LineSearch) -> list[list[str]]:
        """Names as they are written or meant. Returns patterns for texts, one of each list must fit."""
        for field, values in wanted.exactly:
            if field == CASHIER:
                _add_cashier(asked, _some(_tellable(values, wanted)))
                continue
            asked.add_any(_COLUMNS[field], _some(_tellable(values, wanted)))
        for field, values in wanted.excluded_exactly:
            asked.add(f"{_COLUMNS[field]} <> all(%s)", _tellable(values, wanted))
        for field, values in wanted.excluded:
            _add_excluded(asked, field, await self._spelled(field, values, wanted))
            if field == "seller":
                _add_excluded(asked, _SELLER_CODE, await self._spelled(_SELLER_CODE, values, wanted))
        rows = []
        for field, values in wanted.names:
            spelled = await self._spelled(field, values, wanted)
            codes = await self._spelled(_SELLER_CODE, values, wanted) if field == "seller" else []  # none, as a rule
            if codes and spelled:
                asked.add("(seller = any(%s) or seller_code = any(%s))", spelled, codes)
                continue
            if codes:  # along one index, in order
                asked.add_any(_SELLER_CODE, codes)
                continue
            _some(spelled)
            _add_named(asked, field, spelled)
            if field in _ROWS:  # a row of its own in what can be searched
                rows.append([_ROWS[field].format(escaped(searchable(each))) for each in spelled])
        return rows

    async def _watched(self, uids: Sequence[int]) -> dict[str, bool]:
        """The sources that one of these cameras ever watched, and whether one of them always did."""
        rows = await self._database.query(
            "select source, bool_and(cameras && %(uids)s::bigint[]) from line_watch group by source"
            " having bool_or(cameras && %(uids)s::bigint[])",
            {"uids": list(uids)},
        )
        return dict(rows)

    async def _spelled(self, field: str, values: Sequence[str], wanted: LineSearch) -> list[str]:
        """What is written in the lines for these names, where they have few different ones."""
        known = await self._names(_COLUMNS[field]) if field in _FEW else None
        if known is None:
            return _tellable(values, wanted)
        sought = {searchable(value) for value in values}
        return [value for value in known if sought & _spellings(field, _shown(value, wanted))]

    async def _names(self, column: str) -> list[str] | None:
        """The different values of a column, stepping from one to the next; None where they are too many."""
        rows = await self._database.query(
            f"with recursive known (value) as ((select {column} from line where {column} <> '' order by 1 limit 1)"
            f" union all select (select {column} from line where {column} <> '' and {column} > known.value"
            " order by 1 limit 1) from known where value is not null)"
            " select value from known where value is not null limit %s",
            (_MOST_NAMES + 1,),
        )
        return [value for (value,) in rows] if len(rows) <= _MOST_NAMES else None

    # ── texts ──

    async def _add_texts(self, asked: Asked, wanted: LineSearch, rows: Sequence[list[str]]) -> None:
        """Parts of texts, or of a seller's name, that must occur or must not."""
        if not wanted.texts and not wanted.without:
            return
        sellers = await self._sellers(wanted)
        for text in wanted.texts:
            if sellers[text]:
                await self._add_text(asked, wanted, text, sellers[text])
        for text in wanted.without:
            if sellers[text]:
                asked.add("seller <> all(%s)", sellers[text])
        parts = [text for text in wanted.texts if not sellers[text]]
        if parts:
            asked.keys = await self._keys(wanted, parts, wanted.without, rows)
            asked.is_narrow |= asked.keys is not None
            if asked.keys == []:
                raise _NothingFits
        if asked.keys is None and (parts or wanted.without):
            among = _like(wanted, parts, wanted.without)
            asked.add(f"words in (select key from line_words where {among})", *_patterns(parts, wanted.without))

    async def _add_text(self, asked: Asked, wanted: LineSearch, text: str, sellers: list[str]) -> None:
        """A text that is part of these sellers' names, and may be part of others too."""
        keys = await self._keys(wanted, [text], ())
        if keys is None:
            among = f"words in (select key from line_words where {_like(wanted, [text], ())})"
            asked.add(f"({among} or seller = any(%s))", containing(text), sellers)
        elif keys:
            asked.add("(words = any(%s::bigint[]) or seller = any(%s))", keys, sellers)
        else:
            asked.add_any("seller", sellers)

    async def _sellers(self, wanted: LineSearch) -> dict[str, list[str]]:
        """The sellers in whose name each of the texts occurs."""
        known = {name: searchable(_shown(name, wanted)) for name in await self._names("seller") or ()}
        texts = (*wanted.texts, *wanted.without)
        return {text: [name for name, plain in known.items() if searchable(text).strip() in plain] for text in texts}

    async def _keys(
        self, wanted: LineSearch, texts: Sequence[str], without: Sequence[str], rows: Sequence[list[str]] = ()
    ) -> list[int] | None:
        """The keys of what holds all `texts` and none of the others; None if they are too many to be named.

        `rows`: patterns, one of each list must fit too.
        """
        conditions = [_like(wanted, texts, without), *["words like any(%s)"] * len(rows)]
        found = await self._database.query(
            f"select key from line_words where {' and '.join(conditions)} limit %s",
            [*_patterns(texts, without), *rows, _MOST_KEYS + 1],
        )
        return None if len(found) > _MOST_KEYS else [key for (key,) in found]


# ── one kind of condition each ───────────────────────────────────────────────────────────────────────────────────────


def _add_times(asked: Asked, wanted: LineSearch) -> None:
    asked.add("received_at >= %s", wanted.start)
    asked.add("received_at <= %s", wanted.stop)
    asked.add("received_at < %s", wanted.before)
    for first, last in wanted.apart:
        asked.add("not (received_at >= %s and received_at < %s)", first, last)
    if wanted.hours is not None and not wanted.hours:
        raise _NothingFits


def _add_figures(asked: Asked, wanted: LineSearch) -> None:
    figures = {**_FIGURES, "amount": COST} if wanted.by_cost else _FIGURES
    for field, sign, value in wanted.comparisons:
        asked.add(f"{figures[field]} {_SIGNS[sign]} %s", value)
    for field, low, high in wanted.outside:
        asked.add(f"({figures[field]} between %s and %s) is not true", low, high)


def _add_deeds(asked: Asked, wanted: LineSearch) -> None:
    asked.add("ticket_id = %s", wanted.ticket_id)
    asked.is_narrow = bool(wanted.ticket_id)
    if wanted.deeds:
        asked.add("type = any(%s)", types_of(wanted.deeds))
        sql, values = is_trace(wanted.deeds)
        asked.add_all(f"({sql})", values)
    if wanted.excluded_deeds:
        sql, values = is_trace(wanted.excluded_deeds)
        asked.add_all(f"not ({sql})", values)


def _add_named(asked: Asked, field: str, spelled: list[str]) -> None:
    """Only lines that are called one of these names."""
    if field == "code":
        asked.add("(code = any(%s) or barcode = any(%s))", spelled, spelled)
    elif field == "type" and "S" in spelled:  # events have other types, and the mark of an S line
        asked.add("(type = any(%s) or special <> '')", spelled)
    else:
        asked.add_any(_COLUMNS[field], spelled)
    asked.is_narrow |= field in _NARROW


def _add_cashier(asked: Asked, names: list[str]) -> None:
    """Only lines of sellers with one of these names, or with one of these as their number."""
    codes = [name for name in names if name]
    if codes:
        asked.add("(seller = any(%s) or seller_code = any(%s))", names, codes)
    else:
        asked.add_any("seller", names)


def _add_excluded(asked: Asked, field: str, spelled: list[str]) -> None:
    """Only lines that are called none of these names."""
    if not spelled:
        return
    asked.add(f"{_COLUMNS[field]} <> all(%s)", spelled)
    if field == "code":
        asked.add("barcode <> all(%s)", spelled)
    elif field == "type" and "S" in spelled:
        asked.add("special = %s", "")


def _some(names: list[str]) -> list[str]:
    if not names:
        raise _NothingFits
    return names


def _spellings(field: str, value: str) -> set[str]:
    """How people may write a name: a till of a kind also by its bare number, KKM:12 as 12."""
    plain = searchable(value)
    return {plain, plain.partition(":")[2]} if field == "till" and ":" in plain else {plain}


def _like(wanted: LineSearch, texts: Sequence[str], without: Sequence[str]) -> str:
    """A condition on `line_words` whose parameters are `_patterns`."""
    asked = [_holds(wanted, text) for text in texts]
    return " and ".join(asked + [f"not {_holds(wanted, text)}" for text in without])


def _patterns(texts: Sequence[str], without: Sequence[str]) -> list[str]:
    return [containing(text) for text in (*texts, *without)]


# ── cards ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# Who may not see the digits that masked card numbers have left asks of texts and names as they are shown: hidden.


def _tellable(values: Iterable[str], wanted: LineSearch) -> list[str]:
    """Those of `values` that may be found: no name is shown with a card's digits to who may not see them."""
    return [value for value in values if _shown(value, wanted) == value]


def _shown(name: str, wanted: LineSearch) -> str:
    return hidden(name) if wanted.without_cards else name


def _holds(wanted: LineSearch, text: str) -> str:
    """A condition on `line_words`: that they hold `text`, without cards where these could matter."""
    could_tell = wanted.without_cards and not set("0123456789*").isdisjoint(searchable(text))
    return "holds_without_cards(words, %s)" if could_tell else "(words like %s)"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
