"""The SMTP client against a mail server of another make, and against what is none."""

from __future__ import annotations

from typing import Any

from support.mail_server import PASSWORD, USER, MailServer, certificate, trusting
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from camtrace.mail.smtp import MailTrouble, Post, Server

DATA = b"Subject: test\r\n\r\n.a line with a dot\r\n" + b"x" * 70 + b"\r\n.\r\n" + b"y\r\n.z\r\n" * 9000


class _Silent(Protocol):
    """Says one thing, and then nothing."""

    says = b""

    def connectionMade(self) -> None:
        self.transport.write(self.says)


def _speaking(words: bytes) -> Factory:
    return Factory.forProtocol(type("Said", (_Silent,), {"says": words}))


class SmtpTests(TestCase):
    """One mail at a time."""

    timeout = 120

    def _server(self, *args: Any, **kwargs: Any) -> MailServer:
        server = MailServer(*args, **kwargs).start()
        self.addCleanup(server.stop)
        return server

    def _post(self, **kwargs: Any) -> Post:
        post = Post(reactor, answer_seconds=kwargs.pop("answer_seconds", 20), **kwargs)
        self.addCleanup(lambda: Deferred.fromCoroutine(post.stop()))
        return post

    async def _send(self, post: Post, host: Server, recipient: str = "anna@shop.example") -> list[str]:
        entrusted: list[str] = []

        async def entrust() -> None:
            entrusted.append("now")

        await post.deliver(host, "camtrace@shop.example", recipient, DATA, entrust)
        return entrusted

    async def _trouble(self, post: Post, host: Server) -> MailTrouble:
        try:
            await self._send(post, host)
        except MailTrouble as trouble:
            return trouble
        raise AssertionError("it was sent")

    async def test_plain(self) -> None:
        """Every byte arrives, lines that begin with a dot too, wherever the pieces of the transfer end."""
        server = self._server()
        self.assertEqual(await self._send(self._post(), Server("127.0.0.1", server.port)), ["now"])
        [envelope] = server.received
        self.assertEqual((envelope.mail_from, envelope.rcpt_tos), ("camtrace@shop.example", ["anna@shop.example"]))
        self.assertEqual(envelope.original_content, DATA)

    async def test_tls(self) -> None:
        """STARTTLS and TLS from the start, with a certificate that is trusted and for this name."""
        for security in ("starttls", "tls"):
            server = self._server(security)
            await self._send(self._post(trust=trusting()), Server("localhost", server.port, security))
            self.assertEqual(len(server.received), 1, security)

    async def test_certificates(self) -> None:
        """One that nobody signed, or that is for another name, is refused, unless that is switched off."""
        for security in ("starttls", "tls"):
            server = self._server(security)
            trouble = await self._trouble(self._post(), Server("localhost", server.port, security))
            self.assertEqual((trouble.kind, trouble.of_the_server), ("certificate", True), security)
            other = self._server(security, name="mail.other.example")
            post = self._post(trust=trusting("mail.other.example"))
            trouble = await self._trouble(post, Server("localhost", other.port, security))
            self.assertEqual(trouble.kind, "certificate", security)
            await self._send(self._post(), Server("localhost", other.port, security, verify=False))
            self.assertEqual((len(server.received), len(other.received)), (0, 1))

    async def test_login(self) -> None:
        """PLAIN and LOGIN, right and wrong; the password is in no error."""
        for mechanisms in (("PLAIN",), ("LOGIN",)):
            server = self._server("starttls", login=True, mechanisms=mechanisms)
            good = Server("localhost", server.port, "starttls", True, USER, PASSWORD)
            post = self._post(trust=trusting())
            await self._send(post, good)
            self.assertEqual(len(server.received), 1, mechanisms)
            bad = Server("localhost", server.port, "starttls", True, USER, "guessed secret")
            trouble = await self._trouble(post, bad)
            self.assertEqual((trouble.kind, trouble.final), ("auth", False), mechanisms)
            self.assertNotIn("guessed secret", repr(trouble) + trouble.said + repr(bad))

    async def test_login_that_is_not_taken(self) -> None:
        """A server without AUTH gets no mail from who is set to log in."""
        server = self._server()
        trouble = await self._trouble(self._post(), Server("127.0.0.1", server.port, login=USER, password=PASSWORD))
        self.assertEqual(trouble.kind, "no_auth")

    async def test_no_starttls(self) -> None:
        """Encryption that is wanted and not offered is not done without."""
        server = self._server()
        trouble = await self._trouble(self._post(), Server("localhost", server.port, "starttls"))
        self.assertEqual((trouble.kind, server.received), ("no_starttls", []))

    async def test_tls_where_none_is(self) -> None:
        """TLS from the start with a port that speaks plain text."""
        server = self._server()
        trouble = await self._trouble(self._post(), Server("localhost", server.port, "tls"))
        self.assertEqual(trouble.kind, "tls")

    async def test_refusals(self) -> None:
        """What the server refuses is told apart, in its own words; what may be mended is tried again."""
        server = self._server()
        for command, answer, kind, final in (
            ("MAIL", "550 no such sender", "sender", False),
            ("RCPT", "550 5.1.1 nobody of this name", "recipient", True),
            ("RCPT", "554 5.7.1 relay access denied", "recipient", False),
            ("RCPT", "450 4.2.0 greylisted", "busy", False),
            ("DATA", "552 too big", "message", True),
            ("DATA", "451 later", "busy", False),
        ):
            server.refuse = {command: answer}
            trouble = await self._trouble(self._post(), Server("127.0.0.1", server.port))
            self.assertEqual((trouble.kind, trouble.said, trouble.final), (kind, answer, final))

    async def test_route(self) -> None:
        """A name nobody knows; a port where nobody listens."""
        trouble = await self._trouble(self._post(), Server("no-such-host.invalid", 25))
        self.assertEqual(trouble.kind, "name")
        port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        number = port.getHost().port
        await port.stopListening()
        self.assertEqual((await self._trouble(self._post(), Server("127.0.0.1", number))).kind, "refused")

    async def test_peers_that_are_none(self) -> None:
        """Silence, another protocol, a busy server."""
        for words, security, kind in (
            (b"", "none", "timeout"),
            (b"", "tls", "tls"),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "none", "greeting"),
            (b"x" * 100_000, "none", "greeting"),
            (b"554 go away\r\n", "none", "greeting"),
            (b"220 hello\r\n", "none", "timeout"),
        ):
            port = reactor.listenTCP(0, _speaking(words), interface="127.0.0.1")
            post = self._post(answer_seconds=0.3)
            trouble = await self._trouble(post, Server("localhost", port.getHost().port, security))
            self.assertEqual(trouble.kind, kind, words[:20])
            await post.stop()
            await port.stopListening()

    async def test_text_behind_starttls(self) -> None:
        """Words in clear text behind the answer to STARTTLS are not taken for the server's encrypted ones."""

        class Injecting(Protocol):
            def connectionMade(self) -> None:
                self.transport.write(b"220 hello\r\n")

            def dataReceived(self, data: bytes) -> None:
                if data.startswith(b"EHLO"):
                    self.transport.write(b"250-hello\r\n250 STARTTLS\r\n")
                elif data.startswith(b"STARTTLS"):
                    self.transport.write(b"220 go\r\n250 AUTH PLAIN\r\n")

        port = reactor.listenTCP(0, Factory.forProtocol(Injecting), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        post = self._post(trust=trusting())
        trouble = await self._trouble(post, Server("localhost", port.getHost().port, "starttls"))
        self.assertEqual(trouble.kind, "tls")
        await post.stop()

    async def test_nothing_leaves_that_was_not_entrusted(self) -> None:
        """When the queue cannot write down that the text goes out, it does not go out."""
        server = self._server()

        async def entrust() -> None:
            raise ZeroDivisionError

        post = self._post()
        with self.assertRaises(ZeroDivisionError):
            await post.deliver(Server("127.0.0.1", server.port), "a@b.example", "c@d.example", DATA, entrust)
        self.assertEqual(server.received, [])

    def test_certificate_files(self) -> None:
        """The certificates of these tests are made once."""
        self.assertEqual(certificate(), certificate())
