"""What has to be removed, and when."""

from __future__ import annotations

import unittest
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from camtrace.keeping.retention import GRACE, LEAP, NIGHT, Step, expiry, is_due, step
from camtrace.model import Removal

PARIS = ZoneInfo("Europe/Paris")
ZONES = st.sampled_from([PARIS, ZoneInfo("UTC"), ZoneInfo("America/Santiago"), ZoneInfo("Australia/Lord_Howe")])
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
DAY = timedelta(days=1)


class Expiry(unittest.TestCase):
    def test_whole_days_of_the_place(self) -> None:
        now = datetime(2026, 3, 30, 0, 30, tzinfo=UTC)  # half past two of a Monday: clocks were set on the 29th
        self.assertEqual(expiry(now, 1, PARIS), datetime(2026, 3, 28, 23, tzinfo=UTC))
        self.assertEqual(expiry(now, 30, PARIS), datetime(2026, 2, 27, 23, tzinfo=UTC))
        self.assertIsNone(expiry(now, 0, PARIS))

    @given(INSTANTS, st.integers(1, 36500), ZONES)
    def test_no_day_too_few(self, now: datetime, days: int, zone: ZoneInfo) -> None:
        """All of the last `days` days are kept, and at most one more; later never takes less away."""
        before = expiry(now, days, zone)
        assert before is not None
        self.assertGreaterEqual(now - before, days * DAY - timedelta(hours=2))  # of clocks that are set
        self.assertLessEqual(now - before, (days + 1) * DAY + timedelta(hours=2))
        later = expiry(now + DAY, days, zone)
        assert later is not None
        self.assertGreaterEqual(later, before)


class Night(unittest.TestCase):
    def test_once_a_night(self) -> None:
        three = datetime(2026, 11, 26, 2, tzinfo=UTC)
        self.assertTrue(is_due(three, None, PARIS))
        self.assertTrue(is_due(three, three - timedelta(seconds=1), PARIS))
        self.assertFalse(is_due(three + timedelta(hours=20), three, PARIS))
        self.assertFalse(is_due(three - timedelta(seconds=1), three - timedelta(hours=23), PARIS))
        self.assertTrue(is_due(three, three + timedelta(hours=1), PARIS), "the clock was put back")

    @given(INSTANTS, ZONES)
    def test_every_day_has_one(self, now: datetime, zone: ZoneInfo) -> None:
        """What was done is not due again before the next night, and is two days later."""
        self.assertFalse(is_due(now, now, zone))
        self.assertTrue(is_due(now + 2 * DAY + timedelta(hours=25), now, zone))
        local = now.astimezone(zone)
        if local.time() > NIGHT and (local + timedelta(minutes=1)).date() == local.date():
            self.assertFalse(is_due(now + timedelta(minutes=1), now, zone))


class Steps(unittest.TestCase):
    now = datetime(2026, 11, 26, 3, tzinfo=UTC)
    before = now - 730 * DAY

    def test_every_night_one_more_day(self) -> None:
        self.assertIs(step(self.now, self.before, Removal("lines", reached=self.before - DAY)), Step.REMOVE)
        self.assertIs(step(self.now, self.before - 100 * DAY, Removal("lines", reached=self.before)), Step.REMOVE)

    def test_the_first_time(self) -> None:
        """It is told a week before; what would go then is a week more, which does not matter."""
        self.assertIs(step(self.now, self.before, Removal("lines")), Step.ANNOUNCE)
        told = Removal("lines", announced=self.before, announced_at=self.now)
        self.assertIs(step(self.now + GRACE - DAY, self.before + 6 * DAY, told), Step.WAIT)
        self.assertIs(step(self.now + GRACE, self.before + 7 * DAY, told), Step.REMOVE)

    def test_fewer_days_than_were_told(self) -> None:
        told = Removal("lines", reached=self.before, announced=self.before, announced_at=self.now - GRACE)
        self.assertIs(step(self.now, self.now - 30 * DAY, told), Step.ANNOUNCE)

    @given(INSTANTS, INSTANTS, INSTANTS, INSTANTS)
    def test_nothing_goes_untold(self, now: datetime, before: datetime, reached: datetime, announced: datetime) -> None:
        """Whatever the clock did: more than a month more goes only if just that was told a week before."""
        removal = Removal("lines", reached=reached, announced=announced, announced_at=now - GRACE)
        if step(now, before, removal) is Step.REMOVE:
            self.assertTrue(before - reached <= LEAP or before - announced <= LEAP)
        fresh = Removal("lines", reached=reached, announced=announced, announced_at=now)
        if step(now, before, fresh) is Step.REMOVE:
            self.assertLessEqual(before - reached, LEAP)
