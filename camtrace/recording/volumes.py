"""Folders of footage: which disk is which, how much room it has, and who writes to it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from camtrace.i18n import N_
from camtrace.recording.ports import VolumeStore
from camtrace.recording.writer import VolumeWriter, sync_folder

IDENTITY = "camtrace-volume"  # the file that says which volume a folder is
_NOT_OURS = {"lost+found"}  # what a fresh file system brings


class Volume:
    """A folder of footage. `state`: "ok", "full" (nothing is written), or "absent" (not mounted, or another disk)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)
        self.state = "absent"
        self.why = ""
        self.free_bytes = 0
        self.writer: VolumeWriter | None = None

    def is_called(self, name: str) -> bool:
        """Whether a camera set to `name` means it: its folder, or the last part of that."""
        return name in (self.name, self.folder.name)

    def measure(self) -> int:
        """The bytes free for us. Blocks."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def is_itself(self, identity: str) -> bool:
        """Whether the folder still is the disk it was. Blocks."""
        return read_identity(self.folder) == identity


async def claim(folders: Sequence[Path], store: VolumeStore, now: Callable[[], datetime]) -> dict[str, str]:
    """Find each configured folder's identity; "" with a reason in words after it where it has to be left alone.

    A folder is initialised once: listed in the configuration, empty, and not known to the database. A known one
    without its identity file is absent, whatever lies there now. One that brings an identity along is taken as it is.
    """
    known = await store.known()
    claimed: dict[str, str] = {}
    for folder in folders:
        name = str(folder)
        there = read_identity(folder)
        if name in known:
            claimed[name] = known[name] if there == known[name] else ""
        elif there or _is_empty(folder):
            claimed[name] = there or initialise(folder)
            await store.add(name, claimed[name], now())
        else:
            claimed[name] = ""
    return claimed


def explain(folder: Path, known: bool) -> str:
    """Why a folder was not claimed, for the journal."""
    if not folder.is_dir():
        return N_("the folder does not exist")
    if known:
        return N_("the file that identifies the volume is not there: is the disk mounted?")
    return N_("the folder is not empty and no volume of this server")


def read_identity(folder: Path) -> str:
    """What the identity file says; "" without one."""
    try:
        return (folder / IDENTITY).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def initialise(folder: Path) -> str:
    """Make an empty folder a volume; its parent must exist. Returns the new identity."""
    folder.mkdir(0o750, exist_ok=True)
    identity = secrets.token_hex(16)
    path = folder / IDENTITY
    with path.open("x", encoding="ascii") as file:
        file.write(f"{identity}\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    return identity


def _is_empty(folder: Path) -> bool:
    if not folder.exists():
        return folder.parent.is_dir()
    return all(entry.name in _NOT_OURS for entry in folder.iterdir())
