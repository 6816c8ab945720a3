"""Each campaign once, with fewer cameras: the long ones are `make faults`."""

from __future__ import annotations

import unittest

from faults import campaigns
from support.needs import needs


@needs("postgresql", "gst-rtsp-server")
class CampaignTests(unittest.TestCase):
    """One round of each."""

    def test_kill_server(self) -> None:
        """kill -9 of the server costs at most half a second of picture and no line."""
        row = campaigns.kill_server(1, 2, cameras=2, tills=2)
        self.assertTrue(row.good, row)

    def test_kill_database(self) -> None:
        """kill -9 of PostgreSQL costs nothing."""
        row = campaigns.kill_database(1, 1, cameras=2, tills=2)
        self.assertTrue(row.good, row)

    def test_terminate(self) -> None:
        """SIGTERM costs nothing and is over in ten seconds."""
        row = campaigns.terminate(1, 2, cameras=2, tills=2)
        self.assertTrue(row.good, row)
