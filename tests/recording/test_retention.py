"""What is to be deleted."""

from __future__ import annotations

import unittest

from camtrace.model import Segment
from camtrace.recording.retention import expiry_us, for_room

DAY = 86_400_000_000


def segment(number: int, size: int) -> Segment:
    return Segment(number, 1, "main", 1, "/v", "", number, number + 1, 0, size, ())


class Rules(unittest.TestCase):
    def test_days(self) -> None:
        self.assertEqual(expiry_us(10 * DAY, 3, 30), 7 * DAY)
        self.assertEqual(expiry_us(40 * DAY, None, 30), 10 * DAY)
        self.assertIsNone(expiry_us(40 * DAY, None, 0))
        self.assertIsNone(expiry_us(40 * DAY, 0, 30))

    def test_room(self) -> None:
        """The oldest, in order, and no more than it takes."""
        oldest = [segment(number, 100) for number in range(5)]
        self.assertEqual(for_room(oldest, 0), [])
        self.assertEqual(for_room(oldest, 1), oldest[:1])
        self.assertEqual(for_room(oldest, 100), oldest[:1])
        self.assertEqual(for_room(oldest, 101), oldest[:2])
        self.assertEqual(for_room(oldest, 10_000), oldest)
