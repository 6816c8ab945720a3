"""A volume's writer: one thread that puts the fragments of all its cameras on the disk.

Each round it takes everything that is queued, writes it, syncs every file it touched once, and only then tells the
reactor what is on the disk. Cameras never wait for it: when more is queued than may be, they are refused.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from twisted.internet import defer
from twisted.logger import Logger

from camtrace.model import Fragment
from camtrace.pools import Inbox, Lane

QUEUE_BYTES = 64 << 20
_GATHER_SECONDS = 0.02  # the cameras' fragments come together: one round for several of them
_ITEM_BYTES = 200  # what an item without data is worth, so that empty ones cannot pile up either


@dataclass(eq=False, slots=True)
class SegmentName:
    """Which file, and all the index has to know of it before it grows. `path` is below the volume.

    `refused` is set by the writer's thread: nothing more of this file is taken.
    """

    camera_uid: int
    stream: str
    run: int
    started_us: int
    start_ticks: int
    path: str
    kind: str = "regular"
    refused: bool = False


class Opened(NamedTuple):
    """The file and its folder are on the disk."""

    name: SegmentName
    bytes: int


class Grown(NamedTuple):
    """A fragment is on the disk."""

    name: SegmentName
    fragment: Fragment


class Closed(NamedTuple):
    """The file is complete; `failed` says why it could not be continued ("" for a regular end)."""

    name: SegmentName
    failed: str


class Missed(NamedTuple):
    """What a camera sends is not recorded, from here on. `cause`: one of GAP_CAUSES."""

    camera_uid: int
    cause: str


class Stuck(NamedTuple):
    """The disk refused: nothing is taken until `resume`. `full`: for want of room. `detail`: the system's message."""

    full: bool
    detail: str


Told = Opened | Grown | Closed | Missed | Stuck


class _Begin(NamedTuple):
    name: SegmentName
    data: bytes


class _Append(NamedTuple):
    name: SegmentName
    data: bytes
    at_us: int
    duration_us: int
    key: bool


class _Finish(NamedTuple):
    name: SegmentName


_Item = _Begin | _Append | _Finish | Missed


class Disk(Protocol):
    """The calls that touch the disk, for tests to fail. The descriptor of a file is an int."""

    def create(self, path: Path) -> int: ...
    def write(self, descriptor: int, data: bytes) -> None: ...
    def sync(self, descriptor: int) -> None: ...
    def truncate(self, descriptor: int, size: int) -> None: ...
    def close(self, descriptor: int) -> None: ...


@dataclass(slots=True)
class _Growing:
    descriptor: int
    size: int = 0
    told: list[Told] = field(default_factory=list)
    failed: str = ""
    finished: bool = False


class VolumeWriter:
    """Writes the files of one volume in a thread of its own.

    `begin`, `append`, `finish` and `missed` are called in the cameras' threads, in order for each file. `tell` gets
    lists of what happened, on the reactor, in the order of the disk.
    """

    log = Logger()

    def __init__(
        self,
        folder: Path,
        lane: Lane,
        inbox: Callable[[Callable[[list[Told]], None]], Inbox[Told]],
        tell: Callable[[list[Told]], None],
        *,
        disk: Disk | None = None,
        limit: int = QUEUE_BYTES,
    ) -> None:
        self._folder = folder
        self._disk = disk or FileSystem()
        self._limit = limit
        self._outbox = inbox(tell)
        self._lock = threading.Condition()
        self._queue: deque[_Item] = deque()
        self._queued = 0
        self._stopping = False
        self._stuck = False
        self._files: dict[SegmentName, _Growing] = {}
        self._telling: list[Told] = []
        self._lane = lane
        self._running = lane.run(self._run)

    @property
    def accepting(self) -> bool:
        """Whether a file may be begun."""
        return not self._stuck and not self._stopping and self._queued < self._limit

    @property
    def stuck(self) -> bool:
        """Whether the disk refused and nobody said `resume` yet."""
        return self._stuck

    @property
    def queued_bytes(self) -> int:
        """What waits to be written."""
        return self._queued

    def begin(self, name: SegmentName, init: bytes) -> bool:
        """Make a file; False when it is not taken."""
        return self.accepting and self._put(_Begin(name, init), len(init))

    def append(self, name: SegmentName, data: bytes, at_us: int, duration_us: int, key: bool) -> bool:
        """Add a fragment; False when it is not taken: then nothing but `finish` may follow for this file."""
        taken = not self._stuck and not name.refused
        return taken and self._put(_Append(name, data, at_us, duration_us, key), len(data))

    def finish(self, name: SegmentName) -> None:
        """The file is complete."""
        self._put(_Finish(name), 0)

    def missed(self, camera_uid: int, cause: str) -> None:
        """What this camera sends after what was taken is not recorded."""
        self._put(Missed(camera_uid, cause), 0)

    def resume(self) -> None:
        """There is room again."""
        self._stuck = False

    def stop(self) -> defer.Deferred[None]:
        """Write what is queued, close every file, end the thread."""
        with self._lock:
            self._stopping = True
            self._lock.notify()
        return self._lane.stop()

    def _put(self, item: _Item, size: int) -> bool:
        with self._lock:
            if size and self._queued + size > self._limit:
                return False
            self._queue.append(item)
            self._queued += size + _ITEM_BYTES
            self._lock.notify()
        return True

    # ── in the thread ────────────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        while items := self._take():
            try:
                self._round(items)
            except Exception:
                self.log.failure("volume {folder}: a round of writing failed", folder=self._folder)
            self._tell_all()
            with self._lock:
                self._queued -= sum(len(getattr(item, "data", b"")) + _ITEM_BYTES for item in items)
        for name in list(self._files):
            self._end(name, "")
        self._tell_all()

    def _take(self) -> list[_Item]:
        with self._lock:
            while not self._queue and not self._stopping:
                self._lock.wait()
            stopping = self._stopping
        if not stopping:
            time.sleep(_GATHER_SECONDS)
        with self._lock:
            items = list(self._queue)
            self._queue.clear()
        return items

    def _round(self, items: list[_Item]) -> None:
        for item in items:
            match item:
                case _Begin():
                    self._create(item)
                case _Append():
                    self._append(item)
                case _Finish(name):
                    if name in self._files:
                        self._files[name].finished = True
                case Missed():  # told between what was written before it and what comes after
                    self._settle_all()
                    self._tell(item)
        self._settle_all()

    def _tell(self, told: Told) -> None:
        """At the end of the round: the reactor is woken once, not for every file."""
        self._telling.append(told)

    def _tell_all(self) -> None:
        told, self._telling = self._telling, []
        self._outbox.put_all(told)

    def _settle_all(self) -> None:
        for name, file in list(self._files.items()):
            self._settle(name, file)

    def _create(self, item: _Begin) -> None:
        try:
            descriptor = self._disk.create(self._folder / item.name.path)
        except OSError as error:
            item.name.refused = True
            self._refused(error)
            return
        file = self._files[item.name] = _Growing(descriptor)
        self._write(file, item.data)
        file.told.append(Opened(item.name, file.size))

    def _append(self, item: _Append) -> None:
        file = self._files.get(item.name)
        if file is None or file.failed:
            return
        offset = file.size
        if self._write(file, item.data):
            fragment = Fragment(offset, len(item.data), item.at_us, item.duration_us, item.key)
            file.told.append(Grown(item.name, fragment))

    def _write(self, file: _Growing, data: bytes) -> bool:
        try:
            self._disk.write(file.descriptor, data)
        except OSError as error:
            file.failed = self._refused(error)
            return False
        file.size += len(data)
        return True

    def _settle(self, name: SegmentName, file: _Growing) -> None:
        """Bring what this round did to a file onto the disk, and tell of it."""
        if file.told:
            try:
                self._disk.sync(file.descriptor)
            except OSError as error:  # what was written since may be lost: nobody hears of it
                file.failed = self._refused(error)
                file.size -= sum(told.fragment.length for told in file.told if isinstance(told, Grown))
                file.told = [told for told in file.told if isinstance(told, Opened)]
            for told in file.told:
                self._tell(told)
            file.told = []
        if file.finished or file.failed:
            self._end(name, file.failed)

    def _end(self, name: SegmentName, failed: str) -> None:
        file = self._files.pop(name)
        name.refused = True
        try:
            if failed:
                self._disk.truncate(file.descriptor, file.size)
            self._disk.close(file.descriptor)
        except OSError as error:
            self.log.warn("volume {folder}: closing {path}: {error}", folder=self._folder, path=name.path, error=error)
        self._tell(Closed(name, failed))

    def _refused(self, error: OSError) -> str:
        """The disk says no: take nothing more until there is room."""
        detail = error.strerror or str(error)
        if error.errno != errno.EEXIST and not self._stuck:
            self._stuck = True
            self._tell(Stuck(error.errno in (errno.ENOSPC, errno.EDQUOT), detail))
        return detail


class FileSystem:
    """The disk as it is."""

    def create(self, path: Path) -> int:
        """A new file, in folders that are made as needed, each known to the one above it on the disk."""
        _make_folder(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        sync_folder(path.parent)
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        """All of `data`, at the end."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    def sync(self, descriptor: int) -> None:
        """Bring the content to the disk."""
        getattr(os, "fdatasync", os.fsync)(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file."""
        os.ftruncate(descriptor, size)

    def close(self, descriptor: int) -> None:
        """Give the descriptor back."""
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(0o750, exist_ok=True)
    sync_folder(folder.parent)
