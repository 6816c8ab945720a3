"""Which dialect who speaks: that of the till by its name, of its address, of the listener."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from twisted.logger import Logger

from camtrace.errors import Invalid
from camtrace.pos.dialect import BUILT_IN, Dialect, read_dialect
from camtrace.pos.encodings import Encodings
from camtrace.pos.ports import DialectRows, Sources
from camtrace.pos.presets import shipped
from camtrace.pos.reading import Reader

MOST_READERS = 4000  # senders whose place in a ticket is remembered while they are not connected


class Dialects:
    """All dialects by name, from memory. The built-in one is None: `wire` reads it. `encodings` follow what is set.

    `generation` counts the changes, so that a connection need not ask at each read.
    """

    log = Logger()

    def __init__(self, sources: Sources, rows: DialectRows | None = None, encodings: Encodings | None = None) -> None:
        self.generation = 0
        self._encodings = encodings or Encodings()
        self._sources = sources
        self._rows = rows
        self._shipped = shipped()
        self._dialects: Mapping[str, Dialect] = self._shipped
        self._set: dict[str, str] = {}  # dialects of single tills, by name or address
        self._left: dict[tuple[str, str], Reader] = {}

    async def load(self) -> None:
        """Read the dialects from the database. Raises DatabaseUnavailable, and keeps what it knew."""
        found: dict[str, Dialect] = {}
        for row in await self._rows.all() if self._rows is not None else ():
            try:
                found[row.name] = read_dialect(row.name, row.definition)
            except Invalid as error:  # by a later version, or without the library of regular expressions
                self.log.error("the dialect {name} cannot be used: {error}", name=row.name, error=error)
        self._dialects = found | self._shipped
        self._left.clear()
        self.changed()

    def changed(self) -> None:
        """Something was set for a till."""
        self._set = {each.source: each.dialect for each in self._sources.all() if each.dialect}
        self._encodings.set({each.source: each.encoding for each in self._sources.all() if each.encoding})
        self.generation += 1

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that are no dialects."""
        return sorted({name for name in names if name != BUILT_IN and name not in self._dialects})

    def named(self, name: str) -> Dialect | None:
        """The dialect of this name; the built-in one where there is none."""
        return self._dialects.get(name)

    def of(self, peer: str, listener: str) -> Dialect | None:
        """What who connects from `peer` speaks to a listener that is set to the dialect `listener`."""
        return self._dialects.get(self._set.get(peer, listener))

    def own(self, source: str, present: str) -> tuple[bool, Dialect | None]:
        """Whether the till of this name speaks another dialect than `present`, and which."""
        wanted = self._set.get(source, present)
        return wanted != present, self._dialects.get(wanted)

    @property
    def has_own(self) -> bool:
        """Whether any till has a dialect of its own."""
        return bool(self._set)

    def reader(self, peer: str, dialect: Dialect) -> Reader:
        """A reader for a connection from `peer`, which goes on where one that ended had stopped."""
        left = self._left.pop((peer, dialect.name), None)
        return left if left is not None and left.dialect is dialect else Reader(dialect, peer)

    def left(self, peer: str, reader: Reader) -> None:
        """A connection from `peer` ended: the next one may go on in the same ticket."""
        if len(self._left) >= MOST_READERS:
            del self._left[next(iter(self._left))]
        self._left[peer, reader.dialect.name] = reader
