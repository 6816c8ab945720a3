"""Folders of our own: made with explicit modes, and served by one process at a time."""

from __future__ import annotations

import fcntl
import glob
import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from camtrace import clock
from camtrace.errors import StartError

LOCK = "camtrace.lock"
_LOOK_SECONDS = 0.3
_EFFECTIVE = os.access in os.supports_effective_ids  # `twistd --uid` builds before it drops the real account


def ensure_folder(folder: Path, mode: int = 0o711) -> Path:
    """Make `folder` if its parent exists, with `mode` whatever the umask, and check that it can be written.

    The data folder can be traversed by all (the private database may run as another account); what must be kept
    from others in it has narrower modes of its own. Raises StartError.
    """
    try:
        if not folder.exists():
            folder.mkdir()
            folder.chmod(mode)
        if not folder.is_dir():
            raise StartError(f"the folder {folder} cannot be used: it is a file")
    except OSError as error:
        raise StartError(f"the folder {folder} cannot be made: {error.strerror}") from error
    if not is_writable(folder):
        raise StartError(f"the folder {folder} cannot be written by this account")
    return folder


def is_writable(folder: Path) -> bool:
    """Whether this account may make files in `folder` and list it."""
    return os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=_EFFECTIVE)


class Hold:
    """The mark of those who work with a folder: an advisory lock (flock) on `path`, which is a file or the folder.

    It goes with the process however that ends, and survives twistd's going into the background.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, *, shared: bool = False) -> bool:
        """Take the mark, alone or with others; False when that cannot be now. Raises StartError.

        Who has it may take it again in the other way; another one may come between.
        """
        how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDONLY | (0 if self._path.is_dir() else os.O_CREAT), 0o644)
            fcntl.flock(self._file, how)
        except BlockingIOError:
            return False
        except OSError as error:
            raise StartError(f"{self._path} cannot be used: {error.strerror}") from error
        return True

    def release(self) -> None:
        """Let others have it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def hold_folder(folder: Path) -> Hold:
    """The mark of the server that works with the data folder. Raises StartError when another one does."""
    hold = Hold(folder / LOCK)
    deadline = clock.monotonic() + _LOOK_SECONDS
    while not hold.take():
        if clock.monotonic() > deadline:
            hold.release()
            raise StartError(f"the data folder {folder} is in use by another CamTrace server")
        time.sleep(0.02)  # the console looks whether a server runs, for an instant
    return hold


def is_held(folder: Path) -> bool:
    """Whether a server works with the data folder."""
    if not (folder / LOCK).exists():
        return False
    hold = Hold(folder / LOCK)
    try:
        return not hold.take(shared=True)
    finally:
        hold.release()


@contextmanager
def as_account(uid: int | None, gid: int | None) -> Iterator[None]:
    """Be the account of `twistd --uid --gid` while folders and keys are made; twistd itself changes to it later."""
    before = os.geteuid(), os.getegid()
    if before[0] == 0 and gid is not None:
        os.setegid(gid)
    if before[0] == 0 and uid is not None:
        os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(before[0])
        os.setegid(before[1])


def become_owner(folder: Path) -> None:
    """Root becomes, for good, the account `folder` belongs to: what it makes there must serve that account's server."""
    owner = folder.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        with suppress(KeyError):
            entry = pwd.getpwuid(owner)
            os.initgroups(entry.pw_name, entry.pw_gid)
            os.setgid(entry.pw_gid)
            os.setuid(owner)


def remove_old_logs(path: Path, most: int = 10) -> None:
    """Of the log at `path`, which was begun anew again and again (path.1 is the one before), keep the `most` latest."""
    for old in path.parent.glob(f"{glob.escape(path.name)}.*"):
        number = old.suffix[1:]
        if number.isdecimal() and int(number) > most:
            with suppress(OSError):
                old.unlink()
