"""The queue is killed again and again while it sends to a real mail server: nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from support.database import DatabaseCase
from support.mail_server import MailServer
from support.needs import needs

from camtrace import clock
from camtrace.model import MailQuery, Outgoing
from camtrace.store.mails import MailStore

ROOT = Path(__file__).resolve().parents[2]
MAILS, KILLS = 60, 5


@needs("postgresql")
class CrashTests(DatabaseCase):
    """kill -9."""

    timeout = 120

    async def test_killed_while_it_sends(self) -> None:
        """Every mail arrives; one that arrives twice, of which each kill makes one at most, has one Message-ID."""
        server = MailServer().start()
        self.addCleanup(server.stop)
        rows = MailStore(self.database)
        queued = [
            Outgoing(
                key=f"k{number}",
                kind="alarm",
                recipient="anna@shop.example",
                subject=f"{number}",
                message=f"Subject: {number}\r\nMessage-ID: <{number}@shop>\r\n\r\nx\r\n".encode(),
            )
            for number in range(MAILS)
        ]
        await rows.take("all", clock.now(), queued)
        for number in range(KILLS):
            arrived = server.arrival()
            process = self._process(server.port)
            await arrived
            for _ in range(number):
                await server.arrival()
            process.kill()
            process.wait()
        process = self._process(server.port)
        while await rows.waiting():
            await server.arrival_within(0.2)
        process.kill()
        process.wait()
        counted = Counter(str(mail["Message-ID"]) for mail in server.mails())
        self.assertEqual(set(counted), {f"<{number}@shop>" for number in range(MAILS)})
        self.assertLessEqual(sum(counted.values()), MAILS + KILLS)
        self.assertLessEqual(max(counted.values()), 2)
        self.assertEqual({mail.state for mail in await rows.page(MailQuery(), 1000)}, {"sent"})

    def _process(self, port: int) -> subprocess.Popen[bytes]:
        path = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
        process = subprocess.Popen(
            [sys.executable, ROOT / "tests" / "support" / "mail_process.py", self.dsn, str(port)],
            env={**os.environ, "PYTHONPATH": path},
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process
