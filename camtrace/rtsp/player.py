"""Plays one reading to one client at the pace of its recording."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import NamedTuple

from twisted.internet import defer
from twisted.logger import Logger
from twisted.python.failure import Failure

from camtrace import clock
from camtrace.model import Chunk, Sample, Track
from camtrace.rtsp import jpeg, rtp
from camtrace.rtsp.delivery import Outlet
from camtrace.rtsp.pacer import Pacer
from camtrace.rtsp.ports import Reading

AHEAD_US = 1_000_000  # read on when less than this waits to be sent
REPORT_SECONDS = 5.0  # between two sender reports
# after the last datagram of a picture, which the first must not overtake in the client; the others may be lost
LOSSY_BYE_SECONDS = (0.5, 1.0, 2.5)
LATE_US = 2_000_000  # a client further behind is not caught up with: it goes on from where it stood


class Cursor:
    """A reading whose first chunk can be looked at before it is played."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self._held: Chunk | None = None

    async def peek(self) -> Chunk | None:
        """The chunk that `next` will give."""
        if self._held is None:
            self._held = await self.reading.next()
        return self._held

    async def next(self) -> Chunk | None:
        """The next chunk, None at the end."""
        held, self._held = self._held, None
        return held if held is not None else await self.reading.next()

    async def seek(self, at: datetime) -> None:
        """Go to the last key frame at or before `at`."""
        self._held = None
        await self.reading.seek(at)

    def close(self) -> None:
        """Give the reading back."""
        self._held = None
        self.reading.close()


class Feed:
    """One track to one client: its packetiser, its RTP stream, its outlet.

    RTP timestamps count from a random base by the player's play time, in microseconds, so that all tracks agree.
    """

    def __init__(self, track: Track, outlet: Outlet, kind: int, rate: int) -> None:
        self.track = track
        self.outlet = outlet
        self.stream = rtp.Stream(kind, secrets.randbits(32), secrets.randbits(15))
        self.rate = rate
        self._base = secrets.randbelow(1 << 30) + (1 << 20)
        self._cut = rtp.packetiser(track)
        self.refused = 0  # pictures that RTP cannot carry

    def timestamp(self, play_us: int) -> int:
        """The RTP timestamp at `play_us` of play time; never 0, which players take for "unknown"."""
        return (self._base + (play_us * self.rate + 500_000) // 1_000_000) & 0xFFFFFFFF or 1

    def become(self, track: Track) -> None:
        """Go on with another decoder configuration of the same codec."""
        self.track = track
        self._cut = rtp.packetiser(track)

    def send(self, sample: Sample, play_us: int) -> None:
        """Packetise and send one sample; a picture that RTP cannot carry is left out and counted."""
        try:
            pieces = self._cut(sample, self.outlet.largest)
        except jpeg.NotCarried:
            self.refused += 1
            return
        self.outlet.send(self.stream, pieces, self.timestamp(play_us))

    def report(self, at_us: int, play_us: int, bye: bool = False) -> None:
        """Say which wall time belongs to which timestamp; `bye`: and that nothing follows."""
        self.outlet.control(self.stream.report(at_us, self.timestamp(play_us), bye))


class _Due(NamedTuple):
    """A sample in the queue: when to send it and when it is shown, in microseconds of play time."""

    due_us: int
    play_us: int
    sample: Sample

    @property
    def shift_us(self) -> int:
        return self.sample.at_us - self.play_us


class Player:
    """Reads ahead one chunk at a time, sends each sample when it is due, stands still while the client is full.

    Play time runs on over a hole in the recording, unless `keep_gaps`; wall time, in the sender reports, jumps.
    Unpaced (live), whatever comes is sent at once. What fails ends this playback, with BYE, and does not reach whoever
    woke it: he has others to wake.
    """

    log = Logger()

    def __init__(
        self, cursor: Cursor, pacer: Pacer, ended: Callable[[], None], *, paced: bool, keep_gaps: bool = False
    ) -> None:
        """`ended()` is called once the last sample and BYE are sent."""
        self._cursor = cursor
        self._pacer = pacer
        self._ended = ended
        self._paced = paced
        self._keep_gaps = keep_gaps
        self._turn = defer.DeferredLock()  # one call of the reading at a time
        self.feeds: dict[int, Feed] = {}
        self._tracks = cursor.reading.tracks
        self._queue: deque[_Due] = deque()
        self._shift_us: int | None = None  # wall time minus play time
        self._end_us = 0  # play time of the end of what was read
        self._last = (clock.to_us(cursor.reading.start), 0)  # wall and play time of what was sent last
        self._origin = 0.0  # the clock's reading at play time 0
        self._stop_us: int | None = None  # wall time not to go beyond
        self._fresh = True  # nothing was read yet
        self._complete = False  # everything was read
        self._reading_on = False
        self._generation = 0
        self._tick = -1
        self._report_at = 0.0
        self.playing = False
        self.closed = False
        self.sent_at = pacer.seconds()  # when something was last sent, or could have been

    # ── commands ──

    async def cue(self, at: datetime | None, until: datetime | None) -> None:
        """Go to the key frame before `at` (None: stay) and read what comes first. `until`: end there (None: the end).

        Play time is continuous over a jump, so RTP timestamps are too.
        """
        self.playing = False
        if not self._paced:
            return
        if at is not None or until is not None:
            self._stop_us = None if until is None else clock.to_us(until)
        jump = at is not None and not (self._fresh and at <= self._cursor.reading.start)
        if jump:
            self._end_us = max(self.position()[1], self._last[1] + 1)
            self._generation += 1
            self._queue.clear()
            self._complete = False
            self._shift_us = None
        async with self._turn:
            if jump and at is not None and not self.closed:
                await self._cursor.seek(at)
        while not self._queue and not self._complete and not self.closed:
            await self._read()

    def go(self) -> None:
        """Send from where it stands, at once the first sample."""
        self.playing = True
        self._anchor()
        self._report_at = 0.0
        self._later(self._pacer.seconds())

    def pause(self) -> None:
        """Stand still."""
        self.playing = False

    def resume(self) -> None:
        """The client takes again what is sent."""
        if self.playing:
            self._advance()

    def close(self, bye: bool = True) -> None:
        """End for good; `bye` tells the client."""
        if self.closed:
            return
        self.closed = True
        self.playing = False
        self._queue.clear()
        if bye:
            self._say_bye()
        with ExitStack() as closing:  # all of them, even where one fails
            closing.callback(self._cursor.close)
            for feed in self.feeds.values():
                closing.callback(feed.outlet.close)

    def position(self) -> tuple[int, int]:
        """Wall time and play time, in microseconds, of what is sent next."""
        if self._queue:
            due = self._queue[0]
            return due.due_us + due.shift_us, due.due_us
        return self._last[0], self._end_us

    # ── reading ──

    async def _read(self) -> None:
        """Take the next chunk into the queue, or learn that there is none."""
        generation = self._generation
        async with self._turn:
            if generation != self._generation or self.closed:
                return
            self._fresh = False
            try:
                chunk = await self._cursor.next()
            except Exception:
                self.log.failure("reading for a player failed; the playback ends")
                chunk = None
            if generation != self._generation or self.closed:
                return
            if chunk is None:
                self._complete = True
            else:
                self._take(chunk)

    def _take(self, chunk: Chunk) -> None:
        if chunk.tracks != self._tracks:
            self._tracks = chunk.tracks
            for track in chunk.tracks:
                if track.index in self.feeds:
                    self.feeds[track.index].become(track)
        mine = [sample for sample in chunk.samples if sample.track in self.feeds]
        if not mine:
            return
        starved = not self._queue
        shift = self._shift(min(sample.at_us for sample in mine), chunk.discontinuity)
        scales = {track.index: track.timescale for track in chunk.tracks}
        arrived = []
        for sample in mine:
            play_us = sample.at_us - shift
            due_us = play_us - (sample.pts - sample.dts) * 1_000_000 // scales[sample.track]
            if self._stop_us is not None and due_us + shift >= self._stop_us:
                self._complete = True
                break
            arrived.append(_Due(due_us, play_us, sample))
            self._end_us = max(self._end_us, play_us + sample.duration * 1_000_000 // scales[sample.track])
        arrived.sort(key=_due_us)
        self._queue.extend(arrived)
        if starved and self.playing and self._late_us() > 0:
            self._anchor()  # the disk was slow, or the recording only grows: wait a little rather than stutter

    def _shift(self, first_us: int, discontinuity: bool) -> int:
        """Wall time minus play time for a chunk whose earliest sample is shown at `first_us`."""
        shift = self._shift_us
        if shift is None:
            shift = first_us - self._end_us
        elif discontinuity:
            hole_us = first_us - shift - self._end_us
            kept = (self._keep_gaps or not self._paced) and hole_us > 0
            shift = shift if kept else shift + hole_us
        self._shift_us = shift
        return shift

    # ── sending ──

    def _anchor(self) -> None:
        """Let the first sample of the queue be due now."""
        if self._queue:
            self._origin = self._pacer.seconds() - self._queue[0].due_us / 1e6

    def _play_us(self) -> float:
        return (self._pacer.seconds() - self._origin) * 1e6

    def _late_us(self) -> float:
        return self._play_us() - self._queue[0].due_us if self._queue and self._paced else 0.0

    def _later(self, when: float) -> None:
        self._tick = self._pacer.wake(when, self._woken)

    def _woken(self, tick: int) -> None:
        if tick == self._tick and self.playing:
            self._advance()

    def _advance(self) -> None:
        try:
            self._go_on()
        except Exception:
            self._failed(Failure())

    def _go_on(self) -> None:
        """Send what is due, read on if little is left, and sleep until the next sample."""
        if self.blocked:
            return
        if self._late_us() > LATE_US:
            self._anchor()
        self._send_due()
        if self.blocked or not self.playing:  # sending may find that the client is gone
            return
        if self._complete and not self._queue:
            if not self._paced or self._play_us() >= self._end_us:
                self._end()
            else:
                self._later(self._origin + self._end_us / 1e6)
            return
        if not self._reading_on and self._hungry():
            self._reading_on = True
            defer.Deferred.fromCoroutine(self._read_on()).addErrback(self._failed)
        if self._queue and self._paced and self.playing:
            self._later(self._origin + self._queue[0].due_us / 1e6)

    def _hungry(self) -> bool:
        if self._complete or self.closed or not self.playing:
            return False
        return not self._queue or (self._paced and self._queue[-1].due_us - self._play_us() < AHEAD_US)

    async def _read_on(self) -> None:
        try:
            while self._hungry() and not self.blocked:
                starved = not self._queue
                await self._read()
                if starved and self._paced:
                    break
                if not self._paced:
                    self._send_due()
        finally:
            self._reading_on = False
        if self.playing and (self._complete or self._queue or not self._paced):
            self._later(self._pacer.seconds())

    def _failed(self, failure: Failure) -> None:
        self.log.failure("a playback failed and is ended", failure)
        if not self.closed:
            self._end()

    @property
    def blocked(self) -> bool:
        """Whether the client takes nothing at present."""
        for feed in self.feeds.values():  # noqa: SIM110 (asked several times a picture: a generator would show)
            if feed.outlet.blocked:
                return True
        return False

    def _send_due(self) -> None:
        queue = self._queue
        now_us = self._play_us() + 500 if self._paced else float("inf")
        while queue and queue[0].due_us <= now_us:
            due = queue.popleft()
            jumped = due.shift_us != self._last[0] - self._last[1]
            self._last = (due.sample.at_us, due.play_us)
            if jumped or self._pacer.seconds() >= self._report_at:
                self._report()
            self.feeds[due.sample.track].send(due.sample, due.play_us)
        for feed in self.feeds.values():
            feed.outlet.flush()
        self.sent_at = self._pacer.seconds()

    def _report(self) -> None:
        self._report_at = self._pacer.seconds() + REPORT_SECONDS
        for feed in self.feeds.values():
            feed.report(*self._last)
        for feed in self.feeds.values():
            feed.outlet.flush()

    def _say_bye(self) -> None:
        """Say on every track that nothing follows; where even that fails, the others are still told."""
        for feed in self.feeds.values():
            try:
                feed.report(*self._last, bye=True)
                feed.outlet.flush()
            except Exception:
                self.log.failure("a player could not be told of the end")

    def _end(self) -> None:
        """The last sample is sent: say BYE on every track, so that players end by themselves."""
        self.playing = False
        self._queue.clear()
        self._ended()
        if not any(feed.outlet.lossy for feed in self.feeds.values()):
            self._say_bye()
            return
        generation = self._generation
        for seconds in LOSSY_BYE_SECONDS:
            self._pacer.wake(self._pacer.seconds() + seconds, lambda _tick: self._say_lossy_bye(generation))

    def _say_lossy_bye(self, generation: int) -> None:
        """A client that missed the datagram would wait for ever; one that heard it has closed this, or plays on."""
        if generation == self._generation and not self.playing and not self.closed:
            self._say_bye()


def _due_us(due: _Due) -> int:
    return due.due_us
