"""What a volume needs before it is used again: deletions finished, cut files mended, the index made to agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from twisted.logger import Logger

from camtrace import clock
from camtrace.errors import CamTraceError
from camtrace.model import Segment, key_frames
from camtrace.recording.ports import FileLayout, Jobs, Note, SegmentStore, Surveyed
from camtrace.recording.shelf import parse_path
from camtrace.recording.writer import sync_folder

_DAY_US = 86_400_000_000
DAMAGED = ".damaged"
_HARDLY_BEGUN = 16 << 10  # initial boxes without a fragment
Progress = Callable[[int, int], None]


class Found(NamedTuple):
    """A segment's file, found in its folder."""

    path: str
    camera_uid: int
    stream: str
    run: int
    started_us: int
    kind: str


class Repair:
    """Start-up of volumes. Every method may raise DatabaseUnavailable."""

    log = Logger()

    def __init__(
        self, store: SegmentStore, files: FileLayout, jobs: Jobs, note: Note, next_id: Callable[[], int]
    ) -> None:
        self._store = store
        self._files = files
        self._jobs = jobs
        self._note = note
        self._next_id = next_id

    async def run(self, folder: Path, progress: Progress = lambda done, total: None) -> None:
        """Bring one volume in order. `progress(done, total)` counts files.

        Only what may have changed since the last orderly end is looked at: files that were growing, and those of the
        days since the newest row. `camtrace check` compares everything.
        """
        await self.finish_deletions(folder)
        name = str(folder)
        unfinished = await self._store.unfinished(name)
        latest_us = await self._store.latest_start_us(name)
        since_us = min([segment.started_us for segment in unfinished] + ([latest_us] if latest_us else []), default=0)
        found = await self._jobs.job(list_files, folder, since_us - since_us % _DAY_US)
        indexed = await self._store.paths_since(name, since_us - since_us % _DAY_US)
        strays = [file for file in found if file.path not in indexed]
        total = len(unfinished) + len(strays)
        progress(0, total)
        for done, segment in enumerate(unfinished, 1):
            await self._mend(folder, segment)
            progress(done, total)
        for done, file in enumerate(strays, len(unfinished) + 1):
            await self._adopt(folder, file)
            progress(done, total)
        await self._drop_missing(folder, {file.path for file in found}, indexed, {s.path for s in unfinished})

    async def finish_deletions(self, folder: Path) -> int:
        """Unlink what the index has given up; returns how many files went."""
        count = 0
        while paths := await self._store.garbage(str(folder)):
            await self._jobs.job(unlink, folder, paths)
            await self._store.forget(str(folder), paths)
            count += len(paths)
        return count

    async def _mend(self, folder: Path, segment: Segment) -> None:
        surveyed = await self._survey(folder / segment.path, segment.started_us)
        if surveyed is not None:
            await self._store.save(_filled(segment, surveyed))
            return
        if await self._jobs.job(_set_aside, folder / segment.path):
            self.log.warn("{path} holds no picture", path=segment.path)
        else:
            self._missing(segment)
        await self._store.drop(segment)

    async def _adopt(self, folder: Path, file: Found) -> None:
        surveyed = await self._survey(folder / file.path, file.started_us)
        if surveyed is None:
            self.log.warn("{path} holds no picture", path=file.path)
            await self._jobs.job(_set_aside, folder / file.path)
            return
        segment = Segment(
            self._next_id(),
            file.camera_uid,
            file.stream,
            file.run,
            str(folder),
            file.path,
            file.started_us,
            file.started_us,
            0,
            0,
            (),
            kind=file.kind,
        )
        await self._store.save(_filled(segment, surveyed))

    async def _drop_missing(self, folder: Path, found: set[str], indexed: set[str], mended: set[str]) -> None:
        for path in sorted(indexed - found - mended):
            segment = await self._store.at_path(str(folder), path)
            if segment is not None:
                self._missing(segment)
                await self._store.drop(segment)

    def _missing(self, segment: Segment) -> None:
        self._note("system", "footage_missing", {"path": segment.path}, segment.camera_uid)

    async def _survey(self, path: Path, started_us: int) -> Surveyed | None:
        try:
            return await self._jobs.job(_survey_and_mend, self._files, path, started_us)
        except FileNotFoundError:
            return None
        except (OSError, CamTraceError) as error:
            self.log.warn("{path}: {error}", path=str(path), error=str(error))
            return None


def _survey_and_mend(files: FileLayout, path: Path, started_us: int) -> Surveyed | None:
    return files.survey(path, started_us, mend=True)


def list_files(folder: Path, since_us: int) -> list[Found]:
    """Every segment's file of the days from `since_us` on, oldest first."""
    first_day = clock.from_us(max(0, since_us)).strftime("%Y-%m-%d")
    files = [file for file in _walk(folder, first_day) if file.started_us >= since_us]
    return sorted(files, key=lambda file: file.started_us)


def unlink(folder: Path, paths: Sequence[str]) -> None:
    """Remove files, then bring that to the disk; folders that become empty go, too.

    Damaged files that were set aside go with the last recording of their day.
    """
    touched = set()
    for path in paths:
        (folder / path).unlink(missing_ok=True)
        touched.add((folder / path).parent)
    for day in touched:
        if not day.is_dir():
            continue
        left = list(day.iterdir())
        if all(file.suffix == DAMAGED for file in left):
            for file in left:
                file.unlink(missing_ok=True)
        sync_folder(day)
        try:
            day.rmdir()
        except OSError:  # not empty
            continue
        sync_folder(day.parent)


def _walk(folder: Path, first_day: str) -> Iterator[Found]:
    for camera in _folders(folder):
        if not camera.name.isdecimal():
            continue
        for day in _folders(camera):
            if day.name < first_day:
                continue
            for file in day.iterdir():
                path = f"{camera.name}/{day.name}/{file.name}"
                parsed = parse_path(path)
                if parsed is not None:
                    yield Found(path, *parsed)


def _folders(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if entry.is_dir()]


def _set_aside(path: Path) -> bool:
    """A file without a picture: one that hardly began goes; another keeps its bytes, under another name, for whoever
    wants to look. False when there is none."""
    try:
        if path.stat().st_size <= _HARDLY_BEGUN:
            path.unlink()
        else:
            path.rename(path.with_suffix(DAMAGED))
    except FileNotFoundError:
        return False
    sync_folder(path.parent)
    return True


def _filled(segment: Segment, surveyed: Surveyed) -> Segment:
    return replace(
        segment,
        ended_us=surveyed.ended_us,
        start_ticks=surveyed.start_ticks,
        bytes=surveyed.bytes,
        keyframes=key_frames(surveyed.keyframes, surveyed.ended_us, surveyed.bytes),
        open=False,
    )
