"""One mail to one mail server (RFC 5321), with STARTTLS (RFC 3207), TLS from the start (RFC 8314) and AUTH (RFC 4954).

Faults are told apart as a person would look for them: name, route, TLS, login, what the server refused.
"""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from twisted.internet import defer, error, protocol, ssl
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IHandshakeListener
from twisted.mail import smtp
from twisted.python.failure import Failure
from zope.interface import implementer

from camtrace.errors import CamTraceError

CONNECT_SECONDS = 20.0
ANSWER_SECONDS = 30.0  # for each answer of the server
WHOLE_SECONDS = 300.0  # for a mail
LEAVE_SECONDS = 5.0
_SAID_CHARACTERS = 300
_TLS_ERROR: Any = ssl.SSL.Error  # type: ignore[attr-defined]
_ESMTP_CLIENT: Any = smtp.ESMTPClient
_POLICY = re.compile(r"5\.7\.\d+\b")

# kinds of trouble: with the mail server, and from "busy" on with a single mail
TROUBLES = (
    "name",  # the network does not know the server's name
    "refused",  # nothing listens at its port
    "timeout",  # no answer
    "unreachable",  # no way to it
    "greeting",  # what answers is no mail server, or one that is out of order
    "ended",  # it hung up
    "no_starttls",  # STARTTLS is wanted and not offered
    "tls",  # encryption failed
    "certificate",  # its certificate is not good
    "no_auth",  # a login is set and the server takes none
    "auth",  # it refuses the login
    "sealed",  # the password cannot be opened
    "sender",  # it refuses the sender
    "busy",  # it did not take the mail, and may do so later
    "recipient",  # it refuses the recipient
    "message",  # it refuses the mail
)
_OF_THE_MAIL = ("busy", "recipient", "message")


@dataclass(frozen=True, slots=True)
class Server:
    """Where mails are handed in. `password` is clear text."""

    host: str
    port: int
    security: str = "none"
    verify: bool = True
    login: str = ""
    password: str = field(default="", repr=False)


class MailTrouble(CamTraceError):
    """A mail was not taken. `kind`: one of TROUBLES; `said`: the server's own words; `final`: it never will be."""

    def __init__(self, kind: str, said: str = "", final: bool = False) -> None:
        super().__init__(f"{kind}: {said}" if said else kind)
        self.kind = kind
        self.said = said
        self.final = final

    @property
    def of_the_server(self) -> bool:
        """Whether every other mail would meet the same."""
        return self.kind not in _OF_THE_MAIL


class Post:
    """Hands mails to a mail server. `trust`: who signs their certificates, None for whom the system trusts."""

    def __init__(
        self,
        reactor: Any,
        *,
        trust: Any = None,
        identity: str = "",
        connect_seconds: float = CONNECT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._reactor = reactor
        self._trust = trust
        self._identity = (identity or socket.gethostname()).encode("ascii", "replace") or b"localhost"
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds
        self._open: set[_Client] = set()

    async def deliver(
        self, server: Server, sender: str, recipient: str, data: bytes, entrust: Callable[[], Awaitable[None]]
    ) -> None:
        """Send one mail; `entrust()` is awaited just before its text goes out. Raises MailTrouble.

        What `entrust` raises is raised too, and nothing was sent then.
        """
        if not recipient.isascii() or not sender.isascii():  # SMTPUTF8 is not spoken here
            raise MailTrouble("sender" if recipient.isascii() else "recipient", final=not recipient.isascii())
        client = _Client(self._reactor, self._identity, server, sender, recipient, data, entrust)
        client.timeout = self._answer_seconds
        client.context = self._context(server)
        place = HostnameEndpoint(self._reactor, server.host, server.port, timeout=self._connect_seconds)
        try:
            await place.connect(protocol.Factory.forProtocol(lambda: client))
        except defer.CancelledError:
            raise
        except Exception as reason:
            raise MailTrouble(_route(reason)) from reason
        self._open.add(client)
        client.gone.addBoth(lambda _: self._open.discard(client))
        client.outcome.addTimeout(WHOLE_SECONDS, self._reactor, lambda *_: Failure(MailTrouble("timeout")))
        try:
            await client.outcome
        except BaseException:
            client.drop()
            raise
        client.leave()

    async def stop(self) -> None:
        """Drop every connection that is open."""
        leaving = tuple(self._open)
        for client in leaving:
            client.drop()
        for client in leaving:
            await client.gone

    def _context(self, server: Server) -> Any:
        if server.security == "none":
            return None
        if not server.verify:
            return ssl.CertificateOptions()
        return ssl.optionsForClientTLS(server.host, trustRoot=self._trust)


@implementer(IHandshakeListener)
class _Client(_ESMTP_CLIENT):
    """Sends one mail. `outcome` fires when the server has taken it, `gone` when the connection is over."""

    debug = False  # Twisted's log of the dialogue would hold the password, and go into each of its errors
    timeout: float | None = ANSWER_SECONDS
    requireAuthentication: bool
    requireTransportSecurity: bool

    def __init__(
        self,
        reactor: Any,
        identity: bytes,
        server: Server,
        sender: str,
        recipient: str,
        data: bytes,
        entrust: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(server.password.encode(), None, identity)
        self.callLater = reactor.callLater  # of TimeoutMixin, which would ask the global reactor
        self._reactor = reactor
        self._server = server
        self._sender = sender
        self._recipient = recipient
        self._data = data
        self._entrust = entrust
        self._greeted = False
        self._encrypting = False
        self._handed_in = False
        self._leaving: Any = None
        self.outcome: defer.Deferred[None] = defer.Deferred()
        self.gone: defer.Deferred[None] = defer.Deferred()
        self.requireTransportSecurity = server.security == "starttls"
        if server.login:
            self.requireAuthentication = True
            self.registerAuthenticator(smtp.PLAINAuthenticator(server.login.encode()))
            self.registerAuthenticator(smtp.LOGINAuthenticator(server.login.encode()))

    # ── the connection ──

    def connectionMade(self) -> None:
        if self._server.security == "tls":
            self._encrypting = True
            self.transport.startTLS(self.context)
        super().connectionMade()
        self._tlsMode = self._server.security == "tls"

    def handshakeCompleted(self) -> None:
        self._encrypting = False

    def lineReceived(self, line: bytes) -> object:
        self._greeted = self._greeted or line[:3] == b"220"
        return super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        self._fail(MailTrouble("greeting"))
        self.transport.abortConnection()

    def connectionLost(self, reason: Any = protocol.connectionDone) -> None:
        super().connectionLost(reason)
        if self._leaving is not None and self._leaving.active():
            self._leaving.cancel()
        self._fail(MailTrouble(self._why_lost(reason)))
        if not self.gone.called:
            self.gone.callback(None)

    def timeoutConnection(self) -> None:
        self._fail(MailTrouble("tls" if self._encrypting else "timeout"))
        self.transport.abortConnection()

    def leave(self) -> None:
        """Say goodbye, and wait for the answer for some seconds only."""
        self.setTimeout(None)
        self._leaving = self._reactor.callLater(LEAVE_SECONDS, self.transport.abortConnection)

    def drop(self) -> None:
        """End the connection at once."""
        self.setTimeout(None)
        if self.transport is not None:
            self.transport.abortConnection()

    def _why_lost(self, reason: Any) -> str:
        if self._encrypting:
            if reason.check(_TLS_ERROR):
                return "certificate" if "certificate" in repr(reason.value) else "tls"
            clean = reason.check(error.ConnectionDone, error.ConnectionLost, error.ConnectionAborted)
            return "tls" if clean else "certificate"  # the name in it is another, which is no fault of TLS
        return "ended" if self._greeted else "greeting"

    # ── the mail ──

    def getMailFrom(self) -> bytes | None:
        if self._handed_in:
            return None
        self._handed_in = True
        return self._sender.encode("ascii")

    def getMailTo(self) -> list[bytes]:
        return [self._recipient.encode("ascii")]

    def getMailData(self) -> io.BytesIO:
        """The whole text with a second dot where a line begins with one (RFC 5321 section 4.5.2)."""
        return io.BytesIO(re.sub(rb"(?m)^\.", b"..", self._data))

    def transformChunk(self, chunk: bytes) -> bytes:
        self.resetTimeout()
        return chunk  # it is ready; Twisted would miss a dot between two chunks

    def smtpState_data(self, code: int, resp: bytes) -> None:
        """The server waits for the text: say so to who keeps the queue, then send it."""

        def go_on(_: object) -> None:
            if not self.outcome.called:
                super(_Client, self).smtpState_data(code, resp)

        asked = defer.Deferred.fromCoroutine(_awaited(self._entrust()))
        asked.addCallbacks(go_on, self._fail)

    def sentMail(self, code: int, resp: Any, numOk: int, addresses: list[Any], log: object) -> None:
        if numOk and code in smtp.SUCCESS:
            if not self.outcome.called:
                self.outcome.callback(None)
            return
        if addresses and not numOk:
            _, code, resp = addresses[0]
        kind = "message" if numOk else "recipient" if addresses else "sender"
        said = _said(code, resp)
        final = 500 <= code < 600 and code != 530 and kind != "sender" and not _POLICY.search(said)
        self._fail(MailTrouble(kind if code >= 500 else "busy", said, final))

    def sendError(self, exc: Any) -> None:
        """What Twisted found wrong, in our words; its own hold the dialogue."""
        code, said = getattr(exc, "code", -1), _said(getattr(exc, "code", -1), getattr(exc, "resp", b""))
        if isinstance(exc, smtp.TLSRequiredError):
            trouble = MailTrouble("no_starttls")
        elif isinstance(exc, smtp.TLSError):
            trouble = MailTrouble("tls", said)
        elif isinstance(exc, smtp.AUTHRequiredError | smtp.EHLORequiredError):
            trouble = MailTrouble("no_auth")
        elif isinstance(exc, smtp.AUTHDeclinedError | smtp.AuthenticationError):
            trouble = MailTrouble("auth" if code >= 500 else "busy", said)
        elif isinstance(exc, smtp.SMTPTimeoutError):
            trouble = MailTrouble("timeout")
        else:
            trouble = MailTrouble("greeting", said)
        self._fail(trouble)
        super().sendError(exc)

    def esmtpState_starttls(self, code: int, resp: bytes) -> None:
        """Encrypt. What came behind the answer in clear text is not the server's for sure (RFC 3207 section 6)."""
        if self.clearLineBuffer():
            self._fail(MailTrouble("tls"))
            self.transport.abortConnection()
            return
        self._encrypting = True
        super().esmtpState_starttls(code, resp)

    def _fail(self, reason: Any) -> None:
        if not self.outcome.called:
            self.outcome.errback(reason)


async def _awaited(asked: Awaitable[None]) -> None:
    await asked


def _route(reason: Exception) -> str:
    """Why there is no connection."""
    if isinstance(reason, error.DNSLookupError | ValueError | UnicodeError):
        return "name"
    if isinstance(reason, error.ConnectionRefusedError):
        return "refused"
    if isinstance(reason, error.TimeoutError | error.TCPTimedOutError):
        return "timeout"
    return "unreachable"


def _said(code: int, resp: Any) -> str:
    """The server's words on one line, none of its control characters."""
    text = resp.decode("utf-8", "replace") if isinstance(resp, bytes) else str(resp)
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return f"{code} {text}"[:_SAID_CHARACTERS] if code > 0 else ""
