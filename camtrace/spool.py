"""Facts on the local disk while the database is away: append-only files that survive a kill at any byte.

A file is a row of frames: length and CRC-32 of the payload, four bytes each, little-endian, then the payload, a fact as
JSON. A frame cut short by a crash ends its file; what stands before it counts. Of a file that the disk has spoiled
every frame that is whole counts, wherever it stands, and the file is kept aside. A process never appends to a file it
did not begin, and deletes one when the last fact in it is in the database. Files are named by number, so that their
order is the facts' order.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from twisted.internet import defer
from twisted.logger import Logger

from camtrace import factcode

FILE_BYTES = 4 << 20
_FRAME = struct.Struct("<II")


class Fact(Protocol):
    """Anything durable: a frozen event with an id that orders it."""

    @property
    def id(self) -> int: ...


class Spool:
    """The queue of facts that wait on disk for the database.

    Every call runs in a lane, `run(function, *args) -> Deferred`, one after the other; nothing here touches the disk on
    the reactor. `count` is how many facts wait. One caller drains: `first`, then `drop` once they are committed.
    `damaged` is told the path of a file of which something could not be read, once all else of it is in the database.
    """

    log = Logger()

    def __init__(
        self,
        folder: Path,
        run: Callable[..., defer.Deferred[Any]],
        file_bytes: int = FILE_BYTES,
        damaged: Callable[[str], object] = lambda path: None,
    ) -> None:
        self._run = run
        self._files = SpoolFiles(folder, file_bytes)
        self._damaged = damaged
        self.count = 0

    async def open(self) -> None:
        """Find what an earlier process left."""
        found = await self._run(self._files.open)
        self.count += found
        self._tell()

    async def append(self, facts: Sequence[Fact]) -> None:
        """Put `facts` behind all others; they are on the disk when this returns. Raises OSError when they are not."""
        await self._run(self._files.append, facts)
        self.count += len(facts)

    async def first(self, limit: int) -> list[Fact]:
        """The oldest facts, at most `limit`. They stay until `drop`."""
        facts, given = await self._run(self._files.first, limit)
        self._tell()
        if not given and self.count:
            self.log.error("{count} spooled facts are no longer on the disk", count=self.count)
            self.count = 0
        return facts

    async def drop(self) -> None:
        """Forget what `first` gave last; a file all of whose facts are forgotten is deleted."""
        dropped = await self._run(self._files.drop)  # apart: `-= await` would forget what is appended meanwhile
        self.count -= dropped
        self._tell()

    def _tell(self) -> None:
        while self._files.damaged:
            self._damaged(self._files.damaged.popleft())

    async def close(self) -> None:
        """Close the files; the facts stay for the next process."""
        await self._run(self._files.close)


class SpoolFiles:
    """The files of a spool, used from one thread. Only the newest grows; one is read after it has ceased to grow."""

    log = Logger()

    def __init__(self, folder: Path, file_bytes: int = FILE_BYTES) -> None:
        self._folder = folder
        self._file_bytes = file_bytes
        self._paths: deque[Path] = deque()
        self._number = 0
        self._growing: BinaryIO | None = None
        self._offset = 0  # in the oldest file: what stands before it is in the database
        self._given: tuple[int, int] = (0, 0)  # how many facts `first` gave, the offset behind them
        self._keep = False  # something in the oldest file could not be read
        self.damaged: deque[str] = deque()  # paths of files that were kept aside, to be told

    def open(self) -> int:
        """Take over the files that are there; answers how many facts they hold."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._paths = deque(sorted(self._folder.glob("*.spool")))
        self._number = int(self._paths[-1].stem) if self._paths else 0
        count = sum(sum(1 for _ in _frames(path.read_bytes())) for path in self._paths)
        self._delete_finished()
        return count

    def append(self, facts: Sequence[Fact]) -> None:
        """Write and fsync `facts`, all of them or none."""
        frames = b"".join(_frame(factcode.encode(fact)) for fact in facts)
        if self._growing is not None and self._growing.tell() >= self._file_bytes:
            self._seal()
        file = self._growing or self._begin()
        start = file.tell()
        try:
            rest = memoryview(frames)
            while rest:  # where the disk fills up the system writes what fits, and refuses only the next byte
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            self._take_back(file, start)
            raise

    def first(self, limit: int) -> tuple[list[Fact], int]:
        """The oldest facts, at most `limit`, of one file; and for how many they stand, unreadable ones included."""
        self._delete_finished()
        if not self._paths:
            return [], 0
        if len(self._paths) == 1:
            self._seal()
        facts: list[Fact] = []
        count = 0
        self._given = (0, 0)
        for payload, end in _frames(self._paths[0].read_bytes(), self._offset):
            count += 1
            if end - len(payload) - _FRAME.size != (self._given[1] or self._offset):
                self._keep = True  # something before it is spoilt
            self._given = (count, end)
            self._decode(payload, facts)
            if count == limit:
                break
        return facts, count

    def drop(self) -> int:
        """Forget what `first` gave last, delete a file that is finished; answers how many facts that was."""
        count, offset = self._given
        self._given = (0, 0)
        if count:
            self._offset = offset
            self._delete_finished()
        return count

    def close(self) -> None:
        """Close the growing file."""
        self._seal()

    def _decode(self, payload: bytes, facts: list[Fact]) -> None:
        try:
            facts.append(factcode.decode(payload))
        except (ValueError, KeyError, TypeError) as error:  # written by another version of the program
            self._keep = True
            self.log.error("a fact in {path} cannot be read: {error}", path=str(self._paths[0]), error=repr(error))

    def _begin(self) -> BinaryIO:
        self._number += 1
        path = self._folder / f"{self._number:012d}.spool"
        self._growing = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
        self._paths.append(path)
        _sync_folder(self._folder)
        return self._growing

    def _seal(self) -> None:
        if self._growing is not None:
            self._growing.close()
            self._growing = None

    def _take_back(self, file: BinaryIO, start: int) -> None:
        """After a failed write: nothing of it may count. If even that fails, the file takes nothing more."""
        try:
            file.truncate(start)
            file.seek(start)
        except OSError:
            self._seal()

    def _delete_finished(self) -> None:
        """Delete the oldest files as long as nothing stands in them that is not in the database."""
        while self._paths and not (len(self._paths) == 1 and self._growing):
            path = self._paths[0]
            content = path.read_bytes()
            if next(_frames(content, self._offset), None) is not None:
                return
            if self._keep or _is_damaged(content, self._offset):
                path = path.rename(path.with_suffix(".damaged"))
                self.damaged.append(str(path))
                self.log.error("{path} is damaged; what could not be read is kept", path=str(path))
            else:
                path.unlink()
            _sync_folder(self._folder)
            self._paths.popleft()
            self._offset = 0
            self._keep = False


def _frame(payload: bytes) -> bytes:
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def _frames(content: bytes, offset: int = 0) -> Iterator[tuple[bytes, int]]:
    """The whole frames from `offset` on, over what is spoilt between them: payload and where the frame ends."""
    while True:
        payload = _payload(content, offset)
        if payload is None:
            # no header can be mistaken: as a length, letters of a fact would be hundreds of megabytes
            brace = content.find(b"{", offset + _FRAME.size + 1)
            if brace < 0:
                return
            offset = brace - _FRAME.size
        else:
            offset += _FRAME.size + len(payload)
            yield payload, offset


def _payload(content: bytes, offset: int) -> bytes | None:
    """What the frame at `offset` holds; None where there is no whole one."""
    if offset + _FRAME.size > len(content):
        return None
    length, checksum = _FRAME.unpack_from(content, offset)
    end = offset + _FRAME.size + length
    # a hole left by a power cut reads as zeros, which would be an endless row of empty, valid frames
    if not length or end > len(content):
        return None
    payload = content[offset + _FRAME.size : end]
    return payload if zlib.crc32(payload) == checksum else None


def _is_damaged(content: bytes, offset: int) -> bool:
    """Whether more is wrong behind the last whole frame than a write that a crash cut short.

    Such a write leaves a frame that ends beyond the file, or zeros; anything else is a disk that lost what it held.
    """
    rest = content[offset:]
    if len(rest) < _FRAME.size or not rest.strip(b"\0"):
        return False
    length, _ = _FRAME.unpack_from(rest)
    return _FRAME.size + length < len(rest)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
