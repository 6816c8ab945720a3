"""The dialogue with a camera over RTSP (RFC 2326): requests, logins, redirections, and signs of life."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from urllib.parse import urljoin

from camtrace import clock
from camtrace.challenge import Challenge, answer, read_challenges
from camtrace.errors import StreamFailure
from camtrace.media import sdp
from camtrace.media.camera_socket import CameraSocket
from camtrace.media.rtsp_wire import Channel, Message, NotRtsp, Run, Splitter
from camtrace.media.source import Patience, Source, Stopped

_MAX_HOPS = 4
_REDIRECTS = (301, 302, 303, 305, 307, 308)
_GRANTED = ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER")
_MUCH = 16384  # where so much came at once (as much as TLS hands out), there is more
_READS = 64  # before another camera's turn
_TIMEOUT = re.compile(r"timeout\s*=\s*([0-9]{1,9})\b", re.IGNORECASE)
_URL = re.compile(r"rtsps?://", re.IGNORECASE)


class RtspClient:
    """One connection to a camera. Methods raise StreamFailure, and Stop while they wait.

    `channels` and `runs` get the interleaved packets, as `Splitter` says; `arrives` is called before them. `challenge`:
    the camera's question for the login, once it has asked.
    """

    def __init__(self, source: Source, stopped: Stopped, patience: Patience) -> None:
        self.source = source
        self.channels: dict[int, Channel] = {}
        self.runs: dict[int, Run] = {}
        self.arrives: Callable[[], None] = lambda: None
        self._patience = patience
        self._socket = CameraSocket(source, stopped, patience)
        self._splitter = Splitter(self.channels, self.runs, self._heard)
        self._answers: list[Message] = []
        self._number = 0
        self.challenge: Challenge | None = None
        self._session = ""
        self._playing = False  # PLAY was asked
        self._granted = False  # and answered
        self._play_tries = 0
        self._address = source.url  # of the whole session
        self._alive_method = "GET_PARAMETER"
        self._alive_seconds = 30.0
        self._alive_due = 0.0
        self._alive_tries = 0

    @property
    def addresses(self) -> tuple[str, str]:
        """Ours and the camera's IP address."""
        return self._socket.addresses

    # ── the dialogue ──

    def describe(self) -> sdp.Description:
        """What the camera offers; its tracks' addresses are complete."""
        known = self.challenge is not None  # from a connection before this one: then a refusal is one
        reply = self._ask("DESCRIBE", self.source.url, {"Accept": "application/sdp"}, attempts=int(known))
        found = sdp.parse(reply.body)
        bases = (found.control, reply.value("content-base"), reply.value("content-location"))
        self._address = next((base for base in bases if _URL.match(base)), self.source.url)
        return found

    def setup(self, control: str, transport: str) -> dict[str, str]:
        """Ask for a track; the parameters of the transport that the camera chose."""
        reply = self._ask("SETUP", sdp.address(self._address, control), {"Transport": transport})
        session, _, rest = reply.value("session").partition(";")
        self._session = session.strip() or self._session
        seconds = _TIMEOUT.search(rest)
        if seconds and int(seconds[1]):
            self._alive_seconds = max(1.0, int(seconds[1]) / 2)
        pairs = (part.partition("=") for part in reply.value("transport").split(";"))
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def play(self) -> None:
        """Let the packets come. From now on nothing waits; a refusal is raised by `read`."""
        self._send_play()
        self._playing = True
        self._alive_due = clock.monotonic() + self._alive_seconds
        self._socket.wait_no_more()

    def keep_alive(self) -> bool:
        """Give a sign of life if one is due; whether it was."""
        if clock.monotonic() < self._alive_due:
            return False
        self._alive_due = clock.monotonic() + self._alive_seconds
        self._alive_tries = 0
        self._send(self._alive_method, self._address, {})
        return True

    def close(self) -> None:
        """Hang up, with a word of goodbye where a session was begun."""
        try:
            if self._session:
                self._send("TEARDOWN", self._address, {})
        except StreamFailure:  # it has hung up already
            pass
        finally:
            self._socket.close()

    def read(self) -> None:
        """Take what comes: once there is a picture to wait for, only what has come already."""
        for _ in range(_READS):
            room = self._splitter.room()
            count = self._socket.take_into(room)
            if count is None:
                return
            if count == 0:
                raise self.source.failure("ended", detail="the camera closed the connection")
            self.arrives()
            try:
                self._splitter.received(count)
            except NotRtsp as problem:
                raise self.source.failure("broken", detail=str(problem)) from None
            if not self._playing or (count < _MUCH and not self._socket.in_records):
                return

    # ── requests ──

    def _ask(self, method: str, url: str, headers: Mapping[str, str], attempts: int = 0) -> Message:
        """Ask and wait; again with a login where the camera wants one. Raises StreamFailure for a refusal."""
        for attempt in itertools.count(attempts):
            self._answers.clear()
            self._send(method, url, headers)
            reply = self._await_answer()
            if reply.status < 300:
                return reply
            if reply.status == 401 and self._takes_up(reply, attempt):
                continue
            if method == "DESCRIBE" and reply.status in _REDIRECTS and reply.value("location"):
                raise Moved(reply.value("location"))
            raise self._refusal(reply, method)
        raise AssertionError("unreachable")

    def _takes_up(self, refusal: Message, attempt: int) -> bool:
        """Whether it is worth asking again: there is a login, and it was not refused just before."""
        challenges = read_challenges(refusal.headers.get("www-authenticate", []))
        if not self.source.login or not challenges or attempt > (1 if challenges[0].stale else 0):
            return False
        self.challenge = challenges[0]
        return True

    def _send_play(self) -> None:
        self._send("PLAY", self._address, {"Range": "npt=0.000-"})

    def _send(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        self._number += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._number}", "User-Agent: CamTrace"]
        if self.challenge is not None:
            proof = answer(self.challenge, method, url, self.source.login, self.source.password)
            lines.append(f"Authorization: {proof}")
        if self._session:
            lines.append(f"Session: {self._session}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._socket.send(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace"))

    def _await_answer(self) -> Message:
        deadline = clock.monotonic() + self._patience.opening
        while not self._answers:
            self.read()
            if not self._answers and clock.monotonic() >= deadline:
                raise self.source.failure("timeout", detail="no answer")
        return self._answers.pop(0)

    # ── what comes ──

    def _heard(self, message: Message) -> None:
        if message.method:  # a request of the camera's
            words = "200 OK" if message.method in _GRANTED else "501 Not Implemented"
            self._socket.send(f"RTSP/1.0 {words}\r\nCSeq: {message.value('cseq')}\r\n\r\n".encode())
        elif message.status < 200:  # the answer is still to come
            return
        elif not self._playing:
            self._answers.append(message)
        elif not self._granted:
            self._play_answered(message)
        elif message.status >= 400:
            self._alive_refused(message)

    def _play_answered(self, message: Message) -> None:
        if message.status == 401 and self._takes_up(message, self._play_tries):
            self._play_tries += 1
            self._send_play()
        elif message.status >= 300:
            raise self._refusal(message, "PLAY")
        else:
            self._granted = True

    def _alive_refused(self, message: Message) -> None:
        """Once more at once, with another login or method: at the next time the session would be over."""
        if message.status == 401:  # the challenge has grown old
            again = self._takes_up(message, self._alive_tries)
        else:
            again, self._alive_method = self._alive_method != "OPTIONS", "OPTIONS"
        if again:
            self._alive_tries += 1
            self._send(self._alive_method, self._address, {})

    def _refusal(self, reply: Message, method: str) -> StreamFailure:
        kind = {401: "unauthorized", 404: "not_found"}.get(reply.status, "status")
        return self.source.failure(kind, reply.status, f"{method} was refused")


class Moved(Exception):
    """The camera names another address."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


def open_session(source: Source, stopped: Stopped, patience: Patience) -> tuple[RtspClient, sdp.Description]:
    """Connect and ask what there is, following redirections. Raises StreamFailure, Stop."""
    here = source
    challenge: Challenge | None = None
    for _ in range(_MAX_HOPS):
        client = RtspClient(here, stopped, patience)
        client.challenge = challenge
        try:
            return client, client.describe()
        except Moved as moved:
            client.close()
            here, challenge = here.moved(urljoin(here.url, moved.location)), None
        except StreamFailure as failure:
            client.close()
            if failure.kind != "ended" or client.challenge is challenge:
                raise
            challenge = client.challenge  # it hung up behind its question for the login: answer on another connection
        except BaseException:
            client.close()
            raise
    raise source.failure("status", 310, "redirected in circles")
