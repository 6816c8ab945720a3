"""What waits for a page that reads slowly."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from camtrace.web.outbox import INIT, KEY, Outbox, media_message


class OutboxTests(SynchronousTestCase):
    """Lines are kept, pictures are left out up to the next key frame, and counted."""

    def setUp(self) -> None:
        self.sent: list[str | bytes] = []
        self.told: list[tuple[int, int]] = []
        self.full: list[bool] = []
        self.outbox = Outbox(
            self.sent.append,
            lambda channel, count: self._dropped(channel, count),
            lambda: self.full.append(True),
            media_limit=100,
            text_limit=3,
        )

    def _dropped(self, channel: int, count: int) -> None:
        self.told.append((channel, count))
        self.outbox.text(f"dropped {count}")

    def test_straight_through(self) -> None:
        """A page that reads gets everything at once, in order."""
        self.outbox.text("media")
        self.outbox.init(b"init")
        self.outbox.fragment(1, b"key", True)
        self.outbox.fragment(1, b"delta", False)
        self.assertEqual(self.sent, ["media", b"init", b"key", b"delta"])

    def test_waits_in_order(self) -> None:
        """A short pause costs nothing."""
        self.outbox.pause()
        self.outbox.fragment(1, b"a", True)
        self.outbox.text("line")
        self.outbox.fragment(2, b"b", True)
        self.assertEqual(self.sent, [])
        self.outbox.resume()
        self.assertEqual(self.sent, [b"a", "line", b"b"])
        self.outbox.text("next")
        self.assertEqual(self.sent[-1], "next")

    def test_left_out(self) -> None:
        """The channel that overflows loses what waits and all up to its next key frame; the others lose nothing."""
        self.outbox.pause()
        self.outbox.fragment(2, b"2" * 30, True)
        self.outbox.fragment(1, b"1" * 30, True)
        self.outbox.fragment(1, b"1" * 30, False)
        self.outbox.text("line")
        self.outbox.fragment(1, b"1" * 30, False)
        self.outbox.fragment(1, b"1", False)
        self.outbox.fragment(1, b"KEY", True)
        self.outbox.fragment(1, b"after", False)
        self.outbox.resume()
        self.assertEqual(self.sent, [b"2" * 30, "line", "dropped 4", b"KEY", b"after"])
        self.assertEqual(self.told, [(1, 4)])

    def test_key_frame_that_does_not_fit(self) -> None:
        """A key frame has no more room than there is."""
        self.outbox.pause()
        self.outbox.fragment(2, b"2" * 90, True)
        self.outbox.fragment(1, b"1" * 30, True)
        self.outbox.resume()
        self.outbox.fragment(1, b"delta", False)
        self.outbox.fragment(1, b"KEY", True)
        self.assertEqual(self.sent, [b"2" * 90, "dropped 2", b"KEY"])

    def test_huge_frame(self) -> None:
        """A frame bigger than the limit goes when nothing else waits."""
        self.outbox.pause()
        self.outbox.fragment(1, b"1" * 500, True)
        self.outbox.resume()
        self.assertEqual(self.sent, [b"1" * 500])

    def test_pause_while_resuming(self) -> None:
        """A transport that is full again stops the rest."""
        self.outbox.pause()
        for text in ("a", "b"):
            self.outbox.text(text)
        stop = self.sent.append

        def send(content: str | bytes) -> None:
            stop(content)
            self.outbox.pause()

        self.outbox._send = send
        self.outbox.resume()
        self.assertEqual(self.sent, ["a"])
        self.outbox.resume()
        self.assertEqual(self.sent, ["a", "b"])

    def test_forget(self) -> None:
        """A channel that was left leaves nothing, and begins afresh."""
        self.outbox.pause()
        self.outbox.fragment(1, b"old", True)
        self.outbox.forget(1)
        self.outbox.fragment(1, b"delta", False)
        self.outbox.resume()
        self.assertEqual(self.sent, [b"delta"])

    def test_too_many_texts(self) -> None:
        """Lines are never left out: a page that lets too many wait is given up."""
        self.outbox.pause()
        for number in range(4):
            self.outbox.text(str(number))
        self.assertEqual(self.full, [True])

    def test_message(self) -> None:
        """Twelve bytes of head as docs/protocols/live.md has them."""
        message = media_message(258, KEY, 1_795_176_000_123_456, b"moof")
        self.assertEqual((message[:4].hex(), message[12:]), ("01020100", b"moof"))
        self.assertEqual(int.from_bytes(message[4:12], "big", signed=True), 1_795_176_000_123_456)
        self.assertEqual(media_message(1, INIT, 0, b"")[2], 2)
