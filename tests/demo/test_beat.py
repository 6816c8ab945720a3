"""The shop's pulse on a clock that the test turns."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from camtrace.demo import beat as pulse
from camtrace.demo.film import KEY_EVERY

START_US = 1_700_000_000_000_000


class BeatTests(SynchronousTestCase):
    """Beats against wall time."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.step_us = 0
        self.heard: list[int] = []
        self.beat = pulse.Beat(self.clock, self.now_us)
        self.beat.listeners.append(self.heard.append)
        self.addCleanup(self.beat.stop)

    def now_us(self) -> int:
        return START_US + self.step_us + round(self.clock.seconds() * 1_000_000)

    def run_for(self, seconds: float, steps: int = 100) -> None:
        self.clock.pump([seconds / steps] * steps)

    def test_eight_a_second_in_step_with_the_wall(self) -> None:
        """Each beat comes at its own eighth of a second, none twice, none left out."""
        self.beat.start()
        self.heard.clear()
        self.run_for(10.05, 1005)
        first = START_US // pulse.BEAT_US
        self.assertEqual(self.heard, list(range(first + 1, first + 81)))

    def test_starts_at_a_key_picture(self) -> None:
        """What is heard first can be decoded by itself."""
        self.beat.start()
        self.assertEqual(self.heard[0] % KEY_EVERY, 0)

    def test_a_short_stall_is_made_up(self) -> None:
        """A busy second loses no beat."""
        self.beat.start()
        last = self.heard[-1]
        self.clock.advance(1)
        self.assertEqual(self.heard[-8:], list(range(last + 1, last + 9)))

    def test_a_clock_step_goes_on_at_a_key_picture(self) -> None:
        """Forward or back: the next beat is the present one's key picture, and no storm of beats comes before it."""
        self.beat.start()
        for step in (3_600_000_000, -7_200_000_000):
            self.step_us += step
            self.heard.clear()
            self.run_for(0.25)
            self.assertEqual(self.heard[0] % KEY_EVERY, 0)
            self.assertLessEqual(len(self.heard), KEY_EVERY + 2)
            self.assertEqual(self.heard[-1], self.now_us() // pulse.BEAT_US)

    def test_stop(self) -> None:
        """Nothing stays scheduled."""
        self.beat.start()
        self.beat.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_failing_listener_hurts_nobody_else(self) -> None:
        """The others hear every beat, and the next one comes."""
        self.beat.listeners.insert(0, lambda beat: 1 // 0)
        self.beat.start()
        heard = len(self.heard)
        self.run_for(1.05)
        self.assertEqual(len(self.heard), heard + 8)
        self.assertGreaterEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 8)
