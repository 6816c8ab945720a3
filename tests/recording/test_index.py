"""The index between memory and database: no file is missed while it leaves the one for the other."""

from __future__ import annotations

from typing import Any

from twisted.internet import defer, task
from twisted.trial import unittest

from camtrace.bus import Bus
from camtrace.intake import Ids
from camtrace.model import Fragment, Segment
from camtrace.recording.index import Index
from camtrace.recording.rows import RowQueue
from camtrace.recording.writer import SegmentName

SECOND = 1_000_000


class Rows:
    """A table of segments whose answers show it as it was when it was asked."""

    def __init__(self) -> None:
        self.closed: list[Segment] = []
        self.waiting: list[tuple[defer.Deferred[Any], Any]] = []

    async def save(self, segment: Segment) -> None:
        if not segment.open:
            self.closed.append(segment)

    def _later(self, answer: Any) -> defer.Deferred[Any]:
        waiter: defer.Deferred[Any] = defer.Deferred()
        self.waiting.append((waiter, answer))
        return waiter

    def answer(self) -> None:
        """Let the oldest question have its answer."""
        waiter, answer = self.waiting.pop(0)
        waiter.callback(answer)

    async def around(self, camera_uid: int, stream: str, at_us: int, limit: int = 64) -> list[Segment]:
        return await self._later(list(self.closed))

    async def before(self, camera_uid: int, stream: str, started_us: int) -> Segment | None:
        earlier = [segment for segment in self.closed if segment.started_us < started_us]
        return await self._later(earlier[-1] if earlier else None)

    async def spans(
        self, camera_uid: int, stream: str, start_us: int, stop_us: int, kind: str = ""
    ) -> list[tuple[int, int, int]]:
        return await self._later([(each.run, each.started_us, each.ended_us) for each in self.closed])


class LeavingTests(unittest.TestCase):
    """A file grows, is closed and goes to its row while a question is with the database."""

    def setUp(self) -> None:
        self.rows = Rows()
        self.index = Index(self.rows, RowQueue(task.Clock()), Bus(), Ids().next)
        self.first, self.second = self.begin(0), None
        self.grow(self.first, 2)

    def begin(self, at: int) -> SegmentName:
        name = SegmentName(3, "main", 7, at * SECOND, 0, f"{at}.mp4")
        self.index.opened("volume", name, 100)
        return name

    def grow(self, name: SegmentName, *seconds: int) -> None:
        for second in seconds:
            fragment = Fragment(100 * second, 100, name.started_us + (second - 1) * SECOND, SECOND, True)
            self.index.grown(name, fragment)

    def leaves(self) -> None:
        """The first file becomes ten seconds long and has its row; the next one has begun."""
        self.grow(self.first, *range(3, 11))
        self.index.closed(self.first)
        self.second = self.begin(10)
        self.grow(self.second, 1)

    def asked(self, question: Any) -> Any:
        """What the index answers, the file leaving meanwhile."""
        asking = defer.ensureDeferred(question)
        self.leaves()
        while self.rows.waiting:
            self.rows.answer()
        return self.successResultOf(asking)

    def test_spans(self) -> None:
        """It is one span."""
        self.assertEqual(self.asked(self.index.spans(3, "main", 0, 60 * SECOND)), [(0, 11 * SECOND)])

    def test_around(self) -> None:
        """Both files are found, the first as long as it became."""
        found = self.asked(self.index.around(3, "main", 0))
        self.assertEqual(
            [(each.started_us, each.ended_us) for each in found], [(0, 10 * SECOND), (10 * SECOND, 11 * SECOND)]
        )

    def test_before(self) -> None:
        """The file before the second one is the first, whole."""
        later = Segment(9, 3, "main", 7, "volume", "x", 10 * SECOND, 11 * SECOND, 0, 0, ())
        found = self.asked(self.index.before(later))
        self.assertEqual((found.started_us, found.ended_us), (0, 10 * SECOND))
