"""What the shop has set about Prisma: what events mean and do, and which sources it has registered."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.model import User
from camtrace.prisma.catalogue import MOST_CODE, SETTABLE, Catalogue, Kind
from camtrace.prisma.ports import Note, SettingRows
from camtrace.prisma.wire import ENCODINGS

EVENTS, SOURCES = "prisma_events", "prisma_sources"  # names of the settings
MOST_REGISTERED = 2000
_SOURCE = re.compile(r"[A-Z][A-Z0-9]{0,2}:(0|[1-9][0-9]{0,5})")


@dataclass(frozen=True, slots=True)
class Registered:
    """A source the shop knows. `encoding`: what its letters are in, "" for the receiver's; `name`: what people say."""

    name: str = ""
    encoding: str = ""


class Registry:
    """The settings, from memory; what is changed is stored first."""

    def __init__(self, rows: SettingRows, note: Note) -> None:
        self._rows = rows
        self._note = note
        self.catalogue = Catalogue()
        self.sources: dict[str, Registered] = {}

    async def load(self) -> None:
        """Read what is stored. Raises DatabaseUnavailable."""
        events = await self._rows.get(EVENTS) or {}
        sources = await self._rows.get(SOURCES) or {}
        self.catalogue = Catalogue({int(code): _known(change, SETTABLE) for code, change in events.items()})
        self.sources = {
            source: Registered(**_known(values, Registered.__dataclass_fields__)) for source, values in sources.items()
        }

    async def setting_changed(self, key: str) -> None:
        """Somebody changed a setting, perhaps by another road. "" stands for any."""
        if key in ("", EVENTS, SOURCES):
            await self.load()

    def encoding_of(self, source: str) -> str | None:
        """The encoding set for a source, None for none."""
        known = self.sources.get(source)
        return known.encoding or None if known is not None else None

    # ── what an administrator does ──

    async def change_event(self, code: int, body: Mapping[str, Any], user: User) -> Kind:
        """Set what `body` holds for the event `code`. Raises Invalid with the field's name."""
        if not 1 <= code <= MOST_CODE:
            raise Invalid(N_("{field} must be a whole number from {low} to {high}"), "code", low=1, high=MOST_CODE)
        await self._keep_events(self.catalogue.changed(code, body), code, user)
        return self.catalogue.of(code)

    async def reset_event(self, code: int, user: User) -> Kind:
        """Let the event `code` be as in the manual again."""
        changes = {other: change for other, change in self.catalogue.changes.items() if other != code}
        await self._keep_events(Catalogue(changes), code, user)
        return self.catalogue.of(code)

    async def register(self, source: str, body: Mapping[str, Any], user: User) -> Registered:
        """Make a source known, or change what is known of it. Raises Invalid with the field's name."""
        if not _SOURCE.fullmatch(source):
            raise Invalid(N_("a source is a prefix and a number such as KKM:12"), "source")
        if source not in self.sources and len(self.sources) >= MOST_REGISTERED:
            raise Invalid(N_("no more than {most} sources can be registered"), "source", most=MOST_REGISTERED)
        values = {name: _read(name, value) for name, value in body.items()}
        known = replace(self.sources.get(source, Registered()), **values)
        await self._keep_sources({**self.sources, source: known}, "prisma_source_registered", source, user)
        return known

    async def forget(self, source: str, user: User) -> None:
        """Let a source be as any other. Raises NotFound."""
        if source not in self.sources:
            raise NotFound(N_("this source is not registered"))
        kept = {other: known for other, known in self.sources.items() if other != source}
        await self._keep_sources(kept, "prisma_source_forgotten", source, user)

    async def _keep_events(self, catalogue: Catalogue, code: int, user: User) -> None:
        if catalogue.changes == self.catalogue.changes:
            return
        await self._rows.set(EVENTS, {str(code): change for code, change in catalogue.changes.items()})
        self.catalogue = catalogue
        self._note("audit", "prisma_event_changed", {"code": code}, user=user.name)

    async def _keep_sources(self, sources: dict[str, Registered], text: str, source: str, user: User) -> None:
        if sources == self.sources:
            return
        await self._rows.set(SOURCES, {name: asdict(known) for name, known in sources.items()})
        self.sources = sources
        self._note("audit", text, {"source": source}, user=user.name)


def _known(values: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    """What another version may have stored besides is left out."""
    return {name: value for name, value in values.items() if name in names}


def _read(name: str, value: Any) -> str:
    if name == "name":
        if not isinstance(value, str) or len(value) > 60 or not value.isprintable():
            raise Invalid(N_("{field} must be a text of at most {most} printable characters"), name, most=60)
        return value.strip()
    if name != "encoding":
        raise Invalid(N_("a source has no field {field}"), name)
    if value not in ("", *ENCODINGS):
        raise Invalid(N_("{field} must be one of: {choices}"), name, choices=", ".join(ENCODINGS))
    return str(value)
