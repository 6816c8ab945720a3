"""A live camera as a sequence of samples, for one reader, who may be slow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from twisted.internet import defer

from camtrace.model import Chunk, Sample, Track

_MAX_BYTES = 8 << 20


class LiveReading:
    """A cursor over a camera's live samples. A slow reader loses whole groups of pictures, up to the next key frame.

    `tracks` stay the same for its life: another layout, like a lost camera, ends it. `stop` is None: nobody knows.
    """

    stop: datetime | None = None

    def __init__(
        self,
        tracks: tuple[Track, ...],
        start: datetime,
        closed: Callable[[LiveReading], None],
        dropped: Callable[[int], None],
    ) -> None:
        self.tracks = tracks
        self.start = start
        self._closed = closed
        self._dropped = dropped
        self._samples: list[Sample] = []
        self._bytes = 0
        self._needs_key = True
        self._gap = False
        self._ended = False
        self._waiting: defer.Deferred[None] | None = None

    async def next(self) -> Chunk | None:
        """Everything that came since the last call, at least one sample; None at the end."""
        while not self._samples and not self._ended:
            self._waiting = defer.Deferred()
            await self._waiting
        if not self._samples:
            return None
        samples, self._samples, self._bytes = tuple(self._samples), [], 0
        gap, self._gap = self._gap, False
        return Chunk(samples, self.tracks, gap)

    async def seek(self, at: datetime) -> None:
        """Live pictures cannot be sought: nothing happens."""

    def close(self) -> None:
        """The reader has seen enough."""
        self.end()

    # ── from the channel ──

    def add(self, samples: list[Sample], key: bool) -> None:
        """Samples of one frame; `key`: of a video key frame."""
        if self._ended or (self._needs_key and not key):
            return
        self._needs_key = False
        self._samples += samples
        self._bytes += sum(len(sample.data) for sample in samples)
        if self._bytes > _MAX_BYTES:
            self._drop()
        else:
            self._wake()

    def restart(self, tracks: tuple[Track, ...]) -> None:
        """Fragments begin anew, with this layout."""
        if tracks != self.tracks:
            self.end()
        elif not self._needs_key:
            self._needs_key = self._gap = True

    def end(self) -> None:
        """No more samples come."""
        if not self._ended:
            self._ended = True
            self._closed(self)
            self._wake()

    def _drop(self) -> None:
        self._dropped(len(self._samples))
        self._samples, self._bytes = [], 0
        self._needs_key = self._gap = True

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)
