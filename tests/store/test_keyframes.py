"""The packed table of key frames."""

from __future__ import annotations

import unittest

from hypothesis import given
from hypothesis import strategies as st

from camtrace.model import key_frames
from camtrace.store.keyframes import pack, unpack

START_US = 1_709_215_200_000_000


class RoundTrip(unittest.TestCase):
    """Packed and unpacked, a table is what it was."""

    @given(st.lists(st.tuples(st.integers(1, 1 << 40), st.integers(-(10**9), 10**9)), max_size=50), st.integers(0, 9))
    def test_any(self, steps: list[tuple[int, int]], first: int) -> None:
        offset, at_us, places = first, START_US, []
        for distance, step in steps:
            places.append((offset, at_us))
            offset, at_us = offset + distance, at_us + step
        table = key_frames(places, at_us, offset)
        self.assertEqual(unpack(pack(table, START_US), START_US, at_us, offset), table)

    def test_size(self) -> None:
        """Regular key frames of a 4 Mbit/s camera take four bytes each."""
        places = [(800 + number * 1_000_321, START_US + number * 2_000_000) for number in range(30)]
        table = key_frames(places, START_US + 60_000_000, 31_000_000)
        self.assertLessEqual(len(pack(table, START_US)), 4 * 30 + 8)

    def test_reach(self) -> None:
        table = key_frames([(100, 0), (300, 2_000_000)], 5_000_000, 1000)
        self.assertEqual([(f.length, f.duration_us) for f in table], [(200, 2_000_000), (700, 3_000_000)])
        self.assertEqual(key_frames([], 5, 5), ())
