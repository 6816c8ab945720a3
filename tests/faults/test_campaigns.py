"""Each campaign once, with fewer cameras: the long ones are `make faults`."""

from __future__ import annotations

import unittest
from collections.abc import Callable

from faults import campaigns
from faults.campaigns import Row
from support.needs import needs


@needs("postgresql", "gst-rtsp-server")
class CampaignTests(unittest.TestCase):
    """One round of each."""

    def judge(self, campaign: Callable[..., Row], seconds: float) -> None:
        """No line is lost or doubled, ever; a picture that a busy machine was late with is given a second chance."""
        for chance in (1, 2):
            row = campaign(1, seconds, cameras=2, tills=2)
            self.assertEqual((row.lines_lost, row.lines_doubled), (0, 0), row)
            if row.good:
                return
            self.assertEqual(chance, 1, row)

    def test_kill_server(self) -> None:
        """kill -9 of the server costs at most half a second of picture and no line."""
        self.judge(campaigns.kill_server, 2)

    def test_kill_database(self) -> None:
        """kill -9 of PostgreSQL costs nothing."""
        self.judge(campaigns.kill_database, 1)

    def test_terminate(self) -> None:
        """SIGTERM costs nothing and is over in ten seconds."""
        self.judge(campaigns.terminate, 2)
