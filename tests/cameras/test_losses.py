"""How long cameras were lost, over restarts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from camtrace.cameras.losses import LossKeeper
from camtrace.errors import DatabaseUnavailable

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Rows:
    """What was asked of the database, which may be away."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.away = False

    async def seen(self, at: datetime) -> None:
        if self.away:
            raise DatabaseUnavailable("away")
        self.asked.append(at)

    async def close(self) -> None:
        self.asked.append("closed")


class LossKeeperTests(TestCase):
    async def test_life(self) -> None:
        """At the start what lasted ends; each minute, and at the stop, it is written down what lasts."""
        clock, rows = Clock(), Rows()
        keeper = LossKeeper(rows, clock, lambda: NOON + timedelta(seconds=clock.seconds()))
        await keeper.start()
        self.assertEqual(rows.asked, ["closed"])
        clock.advance(60)
        rows.away = True
        clock.advance(60)
        rows.away = False
        clock.advance(60)
        clock.advance(5)
        await keeper.stop()
        minutes = [NOON + timedelta(seconds=seconds) for seconds in (60, 180, 185)]
        self.assertEqual(rows.asked, ["closed", *minutes])
        self.assertEqual(clock.getDelayedCalls(), [])

    async def test_stopped_before_it_began(self) -> None:
        rows = Rows()
        await LossKeeper(rows, Clock()).stop()
        self.assertEqual(rows.asked, [])
