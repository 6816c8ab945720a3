"""A camera's event service on a port of its own: it checks logins as cameras do, holds PullMessages, and misbehaves."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from support import onvif_answers as answers
from twisted.internet import defer
from twisted.web import resource, server

from camtrace import challenge, clock
from camtrace.alarm.onvif import password_digest

LOGIN, PASSWORD = "camtrace", "s3cret word"
PATH = "/onvif/device_service"
EVENTS_PATH, PULL_PATH = "/onvif/event", "/onvif/pull"
NEAR = timedelta(seconds=5)


class OnvifCamera(resource.Resource):
    """`ahead`: its clock before the real one. What else it is like stands in attributes, to be set by a test.

    `asked` holds the names of the questions in order; `waiting` fires when the next PullMessages is held.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.ahead = timedelta()
        self.password = PASSWORD
        self.http_digest = False  # whether it wants the login by HTTP instead of in the message
        self.old = False  # whether it knows GetCapabilities only
        self.named = "http://10.9.9.9:81"  # how it calls itself
        self.parameters = False  # whether it tells subscriptions apart by a reference parameter
        self.renews = True
        self.instead: dict[str, tuple[int, bytes]] = {}  # status and body in place of the answer, by question
        self.asked: list[str] = []
        self.nonces: set[str] = set()
        self.subscription = 0
        self.lives = False
        self._held: list[Any] = []
        self._waiters: list[defer.Deferred[None]] = []

    # ── as a test wants it ──

    def pulled(self) -> defer.Deferred[None]:
        """Fires when a PullMessages is held."""
        if self._held:
            return defer.succeed(None)
        self._waiters.append(waiter := defer.Deferred())
        return waiter

    def tell(self, *notifications: str) -> None:
        """Answer the PullMessages that is held."""
        self._answer_held(200, answers.messages(*notifications))

    def forget(self) -> None:
        """Lose the subscription, as after a restart."""
        self.lives = False
        self._answer_held(400, answers.fault("ResourceUnknownFault", "no such pull point"))

    def hang_up(self) -> None:
        """Cut the connections."""
        for request in self._held:
            request.transport.abortConnection()
        self._held = []

    @property
    def holds(self) -> int:
        return len(self._held)

    # ── as a camera does it ──

    def render_POST(self, request: Any) -> Any:
        root = fromstring(request.content.read())
        parts = {each.tag.rpartition("}")[2]: each for each in root.iter()}
        body = next(each for each in root if each.tag.endswith("}Body"))
        question = body[0].tag.rpartition("}")[2]
        self.asked.append(question)
        if question in self.instead:
            status, content = self.instead[question]
            request.setResponseCode(status)
            return content
        if question != "GetSystemDateAndTime" and not self._is_let_in(request, parts):
            if self.http_digest:
                request.responseHeaders.setRawHeaders(
                    "WWW-Authenticate", ['Digest realm="cam", nonce="4711", qop="auth", algorithm=MD5']
                )
                request.setResponseCode(401)
                return b""
            return self._fault(request, "NotAuthorized", "Sender not Authorized")
        return getattr(self, f"_{question}")(request, parts)

    def _is_let_in(self, request: Any, parts: dict[str, Element]) -> bool:
        if self.http_digest:
            given = dict(re.findall(r'(\w+)="?([^",]+)"?', request.getHeader("authorization") or ""))
            if "response" not in given:
                return False
            ha1 = hashlib.md5(f"{LOGIN}:cam:{self.password}".encode()).hexdigest()
            return given["response"] == challenge.digest_response(ha1, "POST", request.uri.decode(), given)
        if "UsernameToken" not in parts or parts["Username"].text != LOGIN:
            return False
        nonce, created = parts["Nonce"].text or "", parts["Created"].text or ""
        fresh = abs(datetime.fromisoformat(created) - (clock.now() + self.ahead)) < NEAR and nonce not in self.nonces
        self.nonces.add(nonce)
        expected = password_digest(base64.b64decode(nonce), created, self.password)
        return fresh and parts["Password"].text == expected

    def _GetSystemDateAndTime(self, request: Any, parts: dict[str, Element]) -> bytes:
        now = (clock.now() + self.ahead).astimezone(UTC)
        return answers.clock(now.year, now.month, now.day, now.hour, now.minute, now.second)

    def _GetServices(self, request: Any, parts: dict[str, Element]) -> bytes:
        if self.old:
            return self._fault(request, "ActionNotSupported", "Optional Action Not Implemented")
        return answers.services(self.named + EVENTS_PATH)

    def _GetCapabilities(self, request: Any, parts: dict[str, Element]) -> bytes:
        return answers.capabilities(self.named + EVENTS_PATH)

    def _CreatePullPointSubscription(self, request: Any, parts: dict[str, Element]) -> bytes:
        self.subscription += 1
        self.lives = True
        wanted = b"<wsa5:ReferenceParameters>"
        answer = answers.AXIS_SUBSCRIPTION if self.parameters else answers.PLAIN_SUBSCRIPTION
        answer = answer.replace(b"17</dom0", b"%d</dom0" % self.subscription)
        address = (self.named + PULL_PATH).encode()
        assert (wanted in answer) == self.parameters
        return re.sub(rb"Address([^>]*)>http[^<]*<", rb"Address\1>" + address + b"<", answer)

    def _PullMessages(self, request: Any, parts: dict[str, Element]) -> Any:
        if not self._knows(request, parts):
            return self._fault(request, "ResourceUnknownFault", "no such pull point")
        self._held.append(request)
        request.notifyFinish().addErrback(lambda _: request in self._held and self._held.remove(request))
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(None)
        return server.NOT_DONE_YET

    def _Renew(self, request: Any, parts: dict[str, Element]) -> bytes:
        if not self.renews:
            return self._fault(request, "ActionNotSupported", "Renew")
        return answers.body("<wsnt:RenewResponse/>")

    def _Unsubscribe(self, request: Any, parts: dict[str, Element]) -> bytes:
        self.lives = False
        return answers.body("<wsnt:UnsubscribeResponse/>")

    def _knows(self, request: Any, parts: dict[str, Element]) -> bool:
        own = not self.parameters or parts["SubscriptionId"].text == str(self.subscription)
        return self.lives and own and request.path.decode() == PULL_PATH

    @staticmethod
    def _fault(request: Any, subcode: str, words: str) -> bytes:
        request.setResponseCode(400)
        return answers.fault(subcode, words)

    def _answer_held(self, status: int, content: bytes) -> None:
        held, self._held = self._held, []
        for request in held:
            request.setResponseCode(status)
            request.write(content)
            request.finish()
