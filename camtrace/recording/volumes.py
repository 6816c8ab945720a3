"""Folders of footage: which disk is which, how much room it has, and who writes to it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from camtrace.errors import StartError
from camtrace.folders import is_writable
from camtrace.i18n import N_
from camtrace.recording.ports import VolumeStore
from camtrace.recording.writer import VolumeWriter, sync_folder

IDENTITY = "camtrace-volume"  # the file that says which volume a folder is
UNFINISHED = f"{IDENTITY}.new"
_NOT_OURS = {"lost+found", UNFINISHED}  # what a fresh file system brings, and what a crash left


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


def check(folders: Sequence[Path], *, fresh: bool) -> None:
    """Refuse folders that cannot be used, all of them at once, and make those that are to be. Raises StartError.

    `fresh`: there is no database yet, so none of them is a known volume whose disk is only not mounted. Otherwise only
    what cannot be a volume in any case is refused; `claim` looks at the rest when it can ask what is known.
    """
    refuse([fault for folder in folders if (fault := _misfit(folder) or (_unfit(folder) if fresh else ""))])
    if fresh:
        refuse([fault for folder in folders if (fault := _made(folder))])


async def claim(folders: Sequence[Path], store: VolumeStore, now: Callable[[], datetime]) -> dict[str, str]:
    """The identity of each configured folder. Raises StartError.

    A folder is initialised once: listed in the configuration, empty, and not known to the database. A known one
    keeps its identity, and is absent while its file says another or none. One that brings an identity along is taken
    as it is. One that is none of these cannot be meant.
    """
    known = await store.known()
    strangers = [folder for folder in folders if str(folder) not in known]
    check(strangers, fresh=True)
    for folder in strangers:
        known[str(folder)] = read_identity(folder) or initialise(folder)
        await store.add(str(folder), known[str(folder)], now())
    return {str(folder): known[str(folder)] for folder in folders}


def explain(folder: Path) -> str:
    """Why a known volume is absent, for the journal."""
    if not folder.is_dir():
        return N_("the folder does not exist: is the disk mounted?")
    return N_("the file that identifies the volume is not there: is the disk mounted?")


def read_identity(folder: Path) -> str:
    """What the identity file says; "" without one."""
    try:
        return (folder / IDENTITY).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def initialise(folder: Path) -> str:
    """Make an empty folder a volume. Returns the new identity. Raises StartError."""
    identity = secrets.token_hex(16)
    unfinished = folder / UNFINISHED
    try:
        with unfinished.open("w", encoding="ascii") as file:
            file.write(f"{identity}\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(folder / IDENTITY)
        sync_folder(folder)
    except OSError as error:
        refuse([f"the folder {folder} cannot be written: {error.strerror}"])
    return identity


def refuse(faults: Sequence[str]) -> None:
    """Raise StartError if there is any fault: one line, whatever their number."""
    if faults:
        raise StartError(f"[storage] volumes: {'; '.join(faults)}")


def _misfit(folder: Path) -> str:
    """Why this can be no volume, known or not; ""."""
    if folder.exists() and not folder.is_dir():
        return f"{folder} is a file, not a folder"
    # a disk that was mounted read-only is not refused: the rest of the shop has to be watched
    if read_identity(folder) and not is_writable(folder) and not os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"the folder {folder} cannot be written by this account"
    return ""


def _unfit(folder: Path) -> str:
    """Why this cannot become a volume; ""."""
    if not folder.exists():
        there = folder.parent.is_dir()
        return "" if there else f"the folder {folder} cannot be made: {folder.parent} does not exist"
    if read_identity(folder):
        return ""
    if not is_writable(folder):
        return f"the folder {folder} cannot be written by this account"
    if all(entry.name in _NOT_OURS for entry in folder.iterdir()):
        return ""
    return f"the folder {folder} is not empty and no volume of CamTrace: name an empty one"


def _made(folder: Path) -> str:
    """Make the folder unless it is there; why that cannot be, or ""."""
    try:
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o750)
    except OSError as error:
        return f"the folder {folder} cannot be made: {error.strerror}"
    return ""
