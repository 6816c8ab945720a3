"""The queue of mails in a process of its own, to be killed: `python mail_process.py DSN PORT`."""

from __future__ import annotations

import sys
from typing import Any

from cryptography.fernet import Fernet
from twisted.internet import defer, reactor

from camtrace.mail.queue import Queue
from camtrace.mail.settings import MailSettings
from camtrace.mail.smtp import Post
from camtrace.store.database import Database
from camtrace.store.mails import MailStore
from camtrace.vault import Vault


async def main(dsn: str, port: int) -> None:
    """Send what is queued until killed."""
    database = Database(dsn, reactor)
    await database.start()
    settings = MailSettings(host="127.0.0.1", port=port, sender="cam@shop.example")
    vault = Vault(Fernet.generate_key())
    queue = Queue(MailStore(database), Post(reactor), lambda: settings, vault, note, reactor, "Shop")
    await queue.start()


def note(kind: str, text: str, values: Any, camera_uid: int | None = None, user: str = "") -> None:
    """Tell the test what the journal would hold."""
    print(text, flush=True)


if __name__ == "__main__":
    defer.Deferred.fromCoroutine(main(sys.argv[1], int(sys.argv[2])))
    reactor.run()  # type: ignore[attr-defined]
