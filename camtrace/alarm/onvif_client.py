"""Asking one camera for its events by ONVIF: the questions in their order, over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from twisted.internet import defer, protocol
from twisted.python.failure import Failure
from twisted.web.client import Agent, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from camtrace import challenge, clock
from camtrace.alarm import onvif
from camtrace.alarm.links import LinkFailure
from camtrace.alarm.onvif import Message, Question, Subscription, Token
from camtrace.alarm.reach import unreached

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0  # for a whole answer, beyond what a question may wait
PULL_SECONDS = 20
LASTS_SECONDS = 120  # how long a subscription lives unless it is renewed
LEAVE_SECONDS = 0.7
MOST_AT_ONCE = 100
LONGEST_ANSWER = 1 << 20


class Reply(NamedTuple):
    """What came back over HTTP. `challenges`: its `WWW-Authenticate` headers."""

    status: int
    body: bytes
    challenges: Sequence[str] = ()


class Http(Protocol):
    """Sends one POST. Raises LinkFailure."""

    def post(
        self, url: str, body: bytes, content_type: str, authorization: str, seconds: float
    ) -> Awaitable[Reply]: ...


class Camera:
    """One camera's event service at `home`, the address of its device service. All methods raise LinkFailure."""

    def __init__(
        self, http: Http, home: str, login: str, password: str, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._http = http
        self._home = home
        self._login = login
        self._password = password
        self._now = now
        self._skew = timedelta()  # how far its clock is before ours
        self._subscription: Subscription | None = None

    async def subscribe(self) -> None:
        """Find the event service and subscribe to everything it tells."""
        self._skew = await self._clock_skew()
        service = await self._event_service()
        if not service:
            raise LinkFailure("no_events")
        body = await self._ask(onvif.create_subscription(LASTS_SECONDS), onvif.reached(service, self._home))
        given = onvif.read_subscription(body)
        self._subscription = given._replace(address=onvif.reached(given.address, self._home))

    async def pull(self) -> list[Message]:
        """What happened; waits for it up to PULL_SECONDS, and answers nothing then."""
        question = onvif.pull_messages(PULL_SECONDS, MOST_AT_ONCE)
        return onvif.read_messages(await self._ask_subscription(question, PULL_SECONDS + ANSWER_SECONDS))

    async def renew(self) -> None:
        """Let the subscription live on."""
        await self._ask_subscription(onvif.renew(LASTS_SECONDS))

    async def unsubscribe(self) -> None:
        """End the subscription; takes LEAVE_SECONDS at most."""
        if self._subscription is not None:
            await self._ask_subscription(onvif.UNSUBSCRIBE, LEAVE_SECONDS)
            self._subscription = None

    async def _clock_skew(self) -> timedelta:
        """Cameras refuse a login whose instant is not near their own clock's; the clock itself is told to anybody."""
        try:
            theirs = onvif.read_clock(await self._ask(onvif.GET_CLOCK, self._home, anonymous=True))
        except LinkFailure as failure:
            if failure.kind not in ("unauthorized", "fault"):
                raise
            theirs = None
        return timedelta() if theirs is None else theirs - self._now()

    async def _event_service(self) -> str:
        try:
            found = onvif.read_event_service(await self._ask(onvif.GET_SERVICES, self._home))
            if found:
                return found
        except onvif.Fault as fault:  # older cameras do not know the question
            if fault.kind == "unauthorized":
                raise
        return onvif.read_event_service(await self._ask(onvif.GET_CAPABILITIES, self._home))

    async def _ask_subscription(self, question: Question, seconds: float = ANSWER_SECONDS) -> Element:
        if self._subscription is None:
            raise LinkFailure("ended")
        address, parameters = self._subscription
        return await self._ask(question, address, parameters, seconds)

    async def _ask(
        self,
        question: Question,
        address: str,
        parameters: str = "",
        seconds: float = ANSWER_SECONDS,
        anonymous: bool = False,
    ) -> Element:
        """The body of the answer. The login goes with the message, and with HTTP where the camera wants it there."""
        kind = f'application/soap+xml; charset=utf-8; action="{question.action}"'

        async def post(authorization: str) -> Reply:
            token = None
            if self._login and not anonymous:
                token = Token(self._login, self._password, self._now() + self._skew, secrets.token_bytes(16))
            message = onvif.envelope(question, address, token, parameters)
            return await self._http.post(address, message, kind, authorization, seconds)

        reply = await post("")
        if reply.status == 401 and self._login:
            asked = challenge.read_challenges(reply.challenges)
            if asked:
                parts = urlsplit(address)
                uri = parts.path + (f"?{parts.query}" if parts.query else "")
                reply = await post(challenge.answer(asked[0], "POST", uri, self._login, self._password))
        return _body_of(reply)


def _body_of(reply: Reply) -> Element:
    """The SOAP in it, whatever its status; else what the status says. Raises LinkFailure."""
    try:
        body = onvif.read(reply.body)
    except onvif.Fault:
        raise
    except LinkFailure:
        if reply.status in (401, 403):
            raise LinkFailure("unauthorized") from None
        if reply.status in (404, 405, 501) or (reply.status == 200 and b"<html" in reply.body[:2000].lower()):
            raise LinkFailure("no_onvif") from None
        if reply.status >= 300:
            raise LinkFailure("status", str(reply.status)) from None
        raise
    if reply.status >= 300:
        raise LinkFailure("unauthorized" if reply.status in (401, 403) else "status", str(reply.status))
    return body


class HttpPost:
    """`Http` on the reactor; a connection for each question, so that none is kept that the camera has forgotten."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._agent = Agent(reactor, connectTimeout=CONNECT_SECONDS)

    async def post(self, url: str, body: bytes, content_type: str, authorization: str, seconds: float) -> Reply:
        """Send it; the answer must be whole within `seconds`. Raises LinkFailure."""
        headers = {"Content-Type": [content_type], "User-Agent": ["CamTrace"]}
        if authorization:
            headers["Authorization"] = [authorization]
        whole = defer.Deferred.fromCoroutine(self._exchange(url, body, Headers(headers)))
        whole.addTimeout(seconds, self._reactor, lambda *_: Failure(LinkFailure("timeout")))
        return await whole

    async def _exchange(self, url: str, body: bytes, headers: Headers) -> Reply:
        try:
            response: Any = await self._agent.request(b"POST", url.encode("ascii"), headers, _Whole(body))
            taken = _Body(LONGEST_ANSWER)
            response.deliverBody(taken)
            content = await taken.done
        except (defer.CancelledError, LinkFailure):
            raise
        except Exception as reason:
            raise unreached(reason) from reason
        return Reply(response.code, content, response.headers.getRawHeaders("www-authenticate", []))


@implementer(IBodyProducer)
class _Whole:
    """A body that is there, sent at once."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def startProducing(self, consumer: Any) -> defer.Deferred[None]:
        consumer.write(self._content)
        return defer.succeed(None)

    def pauseProducing(self) -> None: ...

    def resumeProducing(self) -> None: ...

    def stopProducing(self) -> None: ...


class _Body(protocol.Protocol):
    """Takes an answer in, up to `most` bytes. `done` fires with it; cancelling it ends the connection."""

    transport: Any

    def __init__(self, most: int) -> None:
        self._most = most
        self._content = bytearray()
        self.done: defer.Deferred[bytes] = defer.Deferred(lambda _: self._drop())

    def dataReceived(self, data: bytes) -> None:
        self._content += data
        if len(self._content) > self._most and not self.done.called:
            self.done.errback(LinkFailure("too_long"))
            self._drop()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(bytes(self._content))
        else:
            self.done.errback(LinkFailure("ended"))

    def _drop(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()
