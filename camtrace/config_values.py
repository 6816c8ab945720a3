"""Typed values out of a parsed configuration file: faults are remembered, not raised, so that all are told at once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Set
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from twisted.internet import endpoints

_LIKE_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3,}(/.*)?|[0-9.]+/[0-9]+|[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(/.*)?")
_PRISMA_SOURCE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,2}:[0-9]{1,6}")
_PORTS = re.compile(r"(?:port=)?([0-9]+)")


def _fits(name: str, encoding: str) -> bool:
    try:
        name.encode("utf-8" if encoding == "auto" else encoding)
    except UnicodeEncodeError:
        return False
    return True


class Values:
    """Takes values out of the parsed table one by one and remembers every fault."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.problems: list[str] = []
        self._table = table
        self._known: set[tuple[str, str]] = set()

    def get(self, section: str, key: str, default: Any) -> Any:
        """What stands there, of whatever type."""
        self._known.add((section, key))
        found = self._table.get(section, {})
        return found.get(key, default) if isinstance(found, dict) else default

    def fault(self, section: str, key: str, wanted: str, value: Any) -> None:
        """Remember that `value` is not what is `wanted` there."""
        self.problems.append(f"[{section}] {key}: {wanted}, not {value!r}")

    def text(self, section: str, key: str, default: str) -> str:
        value = self.get(section, key, default)
        if isinstance(value, str):
            return value
        self.fault(section, key, "must be text", value)
        return default

    def word(self, section: str, key: str, default: str) -> str:
        """Text that a device sends on one line: neither empty nor with control characters in it. Never shown."""
        value = self.get(section, key, default)
        if isinstance(value, str) and value and value.isprintable():
            return value
        self.problems.append(f"[{section}] {key}: must be text on one line, and not empty")
        return default

    def port_range(self, section: str, key: str) -> tuple[int, int] | None:
        """The first and the last port; None for any."""
        value = self.text(section, key, "")
        found = re.fullmatch(r"([0-9]{1,5})\s*-\s*([0-9]{1,5})", value.strip())
        if found and 1024 <= int(found[1]) <= int(found[2]) <= 65535:
            return int(found[1]), int(found[2])
        if value:
            self.fault(section, key, 'must be a range such as "50000-50099", from 1024 to 65535', value)
        return None

    def ipv4(self, section: str, key: str) -> str:
        value = self.text(section, key, "")
        try:
            return str(ipaddress.IPv4Address(value)) if value else ""
        except ValueError:
            self.fault(section, key, "must be an address such as 203.0.113.7", value)
            return ""

    def url(self, section: str, key: str) -> str:
        value = self.text(section, key, "")
        if value and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
            self.fault(section, key, "must be an address such as https://cctv.shop", value)
        return value

    def flag(self, section: str, key: str, default: bool) -> bool:
        value = self.get(section, key, default)
        if isinstance(value, bool):
            return value
        self.fault(section, key, "must be true or false", value)
        return default

    def number(self, section: str, key: str, default: float, low: float, high: float) -> float:
        value = self.get(section, key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self.fault(section, key, f"must be a number from {low:g} to {high:g}", value)
        return default

    def integer(self, section: str, key: str, default: int, low: int, high: int) -> int:
        value = self.get(section, key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.fault(section, key, f"must be a whole number from {low} to {high}", value)
        return default

    def choice(self, section: str, key: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.get(section, key, default)
        if value in choices:
            return str(value)
        self.fault(section, key, f"must be one of {', '.join(choices)}", value)
        return default

    def zone(self, section: str, key: str) -> str:
        value = self.text(section, key, "Europe/Paris")
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fault(section, key, "must be a time zone such as Europe/Paris", value)
        return value

    def endpoint(self, section: str, key: str, default: str) -> str:
        value = self.text(section, key, default)
        self.check_endpoint(section, key, value)
        return value

    def check_endpoint(self, section: str, key: str, value: str) -> None:
        if not value:
            return
        try:
            endpoints.serverFromString(None, value)
        except Exception as error:  # each endpoint parser raises as it likes, and files of "ssl:" may be missing
            self.fault(section, key, f"is no endpoint such as tcp:8000 or ssl:8443:privateKey=FILE ({error})", value)
            return
        kind, *parts = re.split(r"(?<!\\):", value)
        if kind in ("tcp", "tcp4", "tcp6", "ssl", "tls"):
            self._check_parts(section, key, value, parts)

    def _check_parts(self, section: str, key: str, value: str, parts: list[str]) -> None:
        port = next((match[1] for part in parts if (match := _PORTS.fullmatch(part))), "")
        if not port or int(port) > 65535:
            self.fault(section, key, "must have a port from 0 to 65535", value)
        for part in parts:
            name, _, interface = part.partition("=")
            if name == "interface":
                self._check_address(section, key, interface.replace("\\", ""))

    def plain_listener(self, section: str, key: str, kind: str, default: str = "") -> str:
        """`udp:PORT`, with `:interface=ADDRESS` or without."""
        value = self.text(section, key, default)
        found, *parts = re.split(r"(?<!\\):", value) if value else [kind, "0"]
        known = all(_PORTS.fullmatch(part) or part.startswith("interface=") for part in parts)
        if found != kind or not known or not parts:
            self.fault(section, key, f"must be {kind}:PORT, or {kind}:PORT:interface=ADDRESS", value)
        else:
            self._check_parts(section, key, value, parts)
        return value

    def paths(self, section: str, key: str, default: tuple[str, ...]) -> tuple[Path, ...]:
        value = self.get(section, key, list(default))
        if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
            self.fault(section, key, "must be a list of folders", value)
            return tuple(map(Path, default))
        if len(set(value)) != len(value):
            self.fault(section, key, "names a folder twice", value)
        return tuple(map(Path, value))

    def sources(self, section: str, key: str, addresses_only: bool = False) -> tuple[str, ...] | None:
        value = self.get(section, key, "any")
        if value == "any":
            return None
        if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
            self.fault(section, key, 'must be "any" or a list of addresses', value)
            return None
        for item in value:
            self._check_address(section, key, item, also_names=not addresses_only)
        return tuple(value)

    def prisma_sources(self, section: str, key: str) -> tuple[str, ...] | None:
        found = self.sources(section, key)
        for item in found or ():
            if not _PRISMA_SOURCE.fullmatch(item.strip()):
                self._check_address(section, key, item, also_names=False)
        return found

    def encodings(self, section: str, key: str, choices: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        value = self.get(section, key, {})
        if not isinstance(value, dict):
            self.fault(section, key, 'must be a table such as {"CAISSE 2" = "cp1251"}', value)
            return ()
        for name, encoding in value.items():
            if encoding not in choices:
                self.fault(section, f"{key} {name!r}", f"must be one of {', '.join(choices)}", encoding)
            elif not _fits(name, encoding):
                self.problems.append(f"[{section}] {key}: {name!r} cannot be written in {encoding}")
            self._check_address(section, key, name)
        return tuple(value.items())

    def _check_address(self, section: str, key: str, value: str, also_names: bool = True) -> None:
        """What looks like an address must be one: else it would be taken for the name of a till.

        `also_names`: whether anything else may stand there.
        """
        if not also_names or _LIKE_ADDRESS.fullmatch(value.strip()):
            try:
                ipaddress.ip_network(value.strip(), strict=False)
            except ValueError:
                self.fault(section, key, "must be an address such as 192.168.1.20 or 192.168.1.0/24", value)

    def refuse_unknown(self, ignored: Set[str]) -> None:
        """Every key nobody asked for is a fault: a typing error must not pass in silence. Sections may be `ignored`."""
        sections = {section for section, _ in self._known}
        for section, found in self._table.items():
            if section in ignored:
                continue
            if not isinstance(found, dict):
                self.problems.append(f"{section}: must be a section, [{section}]")
            elif section not in sections:
                self.problems.append(f"[{section}]: unknown section")
            else:
                self.problems.extend(
                    f"[{section}] {key}: unknown key" for key in found if (section, key) not in self._known
                )
