"""The FTP server itself, in a thread of its own: who is let in, what memory files may take, how it ends."""

from __future__ import annotations

import logging
import queue
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer
from twisted.logger import Logger

from camtrace import clock
from camtrace.config import Ftp
from camtrace.ftp.guesses import Guesses
from camtrace.ftp.messages import Arrival, Fault
from camtrace.ftp.nowhere import Login
from camtrace.ftp.protocol import Session
from camtrace.peers import Peers, plain_address

log = Logger()
LAST_SECONDS = 0.7  # for files that are on their way when the server stops
HAND_ON_SECONDS = 0.3  # the same, for those that have come
PAUSE_SECONDS = 1.0  # of accepting, when the system gives no further descriptor
TURN_SECONDS = 0.02  # of the loop while sessions end
AGAIN_SECONDS = 0.1  # until what the reactor had no room for is offered again
_CALLS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, and how big they may be."""

    per_peer: int = 60  # connections of one address: a router may stand before a whole site
    login_seconds: float = 30.0
    idle_seconds: float = 300.0  # between two commands
    data_seconds: float = 30.0  # for a data connection to come about, or to go on
    rename_seconds: float = 0.5  # a file that has come may be renamed so long; its instant is that of its coming
    temporary_seconds: float = 10.0  # the same for a name that looks temporary, and after RNFR
    wrong_seconds: float = 3.0  # until a wrong password is answered
    wrong_logins: int = 30  # of one address in a minute; then none of its logins is looked at for a while
    command_bytes: int = 2048
    memory: int = 64 << 20  # all files together; one for which there is no room raises its alarm without a picture


class Server(FTPServer):
    """Lets cameras in and hands on what they send. `deliver` answers False when there is no room at the moment."""

    ioloop: Any
    socket: Any

    def __init__(
        self,
        listening: socket.socket,
        ioloop: Any,
        settings: Ftp,
        limits: Limits,
        deliver: Callable[[Arrival], bool],
        tell: Callable[[Fault], object],
        is_crowded: Callable[[], bool],
        backlog: int,
    ) -> None:
        self.limits = limits
        self.login = Login(settings)
        self.guesses = Guesses(clock.monotonic, limits.wrong_logins)
        first_last = settings.passive_ports
        self.passive_ports = range(first_last[0], first_last[1] + 1) if first_last else None
        self.masquerade_address = settings.masquerade_address
        self.most_bytes = settings.picture_mb << 20
        self.sessions: dict[Session, None] = {}  # in order of coming
        self._most = settings.connections
        self._peers = Peers(settings.allow)
        self._of_peer: Counter[str] = Counter()
        self._memory = 0
        self._waiting: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._next: Arrival | None = None
        self._deliver = deliver
        self._tell = tell
        self._is_crowded = is_crowded
        super().__init__(listening, Session, ioloop=ioloop, backlog=backlog)

    # ── who is let in ──

    def handle_accept(self) -> None:
        """Let in who waits. Without a descriptor for it, nobody for a while."""
        try:
            super().handle_accept()
        except OSError as error:
            self.complain("", "descriptors", error.strerror or "")
            self.del_channel()
            self.call_later(PAUSE_SECONDS, self.add_channel)

    def handle_accepted(self, sock: socket.socket, addr: Any) -> None:
        """A camera has connected, or somebody else."""
        peer = str(plain_address(addr[0]) or addr[0])
        refusal = self._refusal(peer)
        if refusal:
            self.complain(peer, *refusal)
            sock.setblocking(False)
            try:
                sock.send(b"421 Not now.\r\n")
            except OSError:
                pass
            sock.close()
            return
        session = Session(sock, self, ioloop=self.ioloop)
        if session.connected:
            self.sessions[session] = None
            self._of_peer[peer] += 1
            session.handle()

    def _refusal(self, peer: str) -> tuple[str, str] | None:
        if not self._peers.admits(peer):
            return "refused", ""
        if self._of_peer[peer] >= self.limits.per_peer:
            return "too_many", str(self.limits.per_peer)
        if len(self.sessions) >= self._most and not self._make_room():
            return "crowd", str(self._most)
        return None

    def _make_room(self) -> bool:
        """Whether one went: whoever has not logged in longest gives way to a newcomer, which may be an alarm."""
        stranger = next((session for session in self.sessions if not session.authenticated), None)
        if stranger is not None:
            stranger.close()
        return stranger is not None

    def left(self, session: Session) -> None:
        """A session has ended."""
        if session in self.sessions:
            del self.sessions[session]
            self._of_peer[session.peer] -= 1
            if not self._of_peer[session.peer]:
                del self._of_peer[session.peer]

    def _accept_new_cons(self) -> bool:
        return True  # sessions are bounded, and each has one data connection at most

    def handle_error(self) -> None:
        """A fault of our own never closes the door."""
        log.failure("a connection could not be accepted")

    # ── what they send ──

    @property
    def is_crowded(self) -> bool:
        """Whether the next file must wait."""
        return self.holds_back or self._is_crowded()

    @property
    def holds_back(self) -> bool:
        """Whether files wait to be handed on."""
        return self._next is not None

    def take(self, size: int) -> bool:
        """Room for so many bytes more; False when there is none."""
        if self._memory + size > self.limits.memory:
            return False
        self._memory += size
        return True

    def give_back(self, size: int) -> None:
        """So many bytes are not kept any more."""
        self._memory -= size

    @property
    def memory(self) -> int:
        """Bytes that files take."""
        return self._memory

    def arrived(self, arrival: Arrival) -> None:
        """Hand a file on; it waits when there is no room for it, and so do those after it."""
        self._memory += len(arrival.jpeg)
        self._waiting.put(arrival)
        if self._next is None:
            self.hand_on()

    def hand_on(self) -> None:
        """Hand on what waits."""
        while self._next is not None or not self._waiting.empty():
            self._next = self._next or self._waiting.get()
            if not self._deliver(self._next):
                self.ioloop.call_later(AGAIN_SECONDS, self.hand_on)
                return
            self._memory -= len(self._next.jpeg)
            self._next = None

    def complain(self, peer: str, code: str, detail: str = "") -> None:
        """Something is wrong with `peer`."""
        self._tell(Fault(peer, code, detail))


class Loop:
    """Runs the server in its thread until it is told to leave, and takes calls from the reactor meanwhile."""

    def __init__(self, make: Callable[[Any], Server], answer: Callable[[Callable[[Any], Any], Any], None]) -> None:
        self._make = make
        self._answer = answer
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Callable[[Any], Any]]] = queue.SimpleQueue()
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        self._deadline: float | None = None
        self._ended = False
        self.server: Server | None = None

    def call(self, function: Callable[[], Any], then: Callable[[Any], Any]) -> None:
        """From the reactor: run `function` in the thread, then `then(None)` on the reactor."""
        self._calls.put((function, then))
        try:
            self._ours.send(b"\0")
        except OSError:  # full: it rings already; closed: the thread has ended
            pass
        if self._ended:
            self._take_calls()

    def run(self) -> None:
        """In the thread: serve until all have left."""
        _quiet_logs()
        try:
            with IOLoop() as ioloop:
                _Bell(self._theirs, ioloop, self._take_calls)
                server = self.server = self._make(ioloop)
                soonest = None
                while not self._is_over(server):
                    soonest = ioloop.loop(soonest if self._deadline is None else TURN_SECONDS, blocking=False)
        finally:
            self._ended = True
            self._take_calls()

    def dispose(self) -> None:
        """From the reactor, when the thread has ended."""
        self._ours.close()

    def shut(self) -> None:
        """In the thread: accept nobody more."""
        if self.server is not None:
            self.server.close()

    def leave(self) -> None:
        """In the thread: end all sessions; those that send a file may end it first, for a moment."""
        self._deadline = self._deadline or clock.monotonic() + LAST_SECONDS

    def _is_over(self, server: Server) -> bool:
        """Whether all have left, and all they sent is handed on; nobody is waited for long."""
        if self._deadline is None:
            return False
        late = clock.monotonic() - self._deadline
        for session in list(server.sessions):
            if late > 0 or not session.is_busy:
                session.leave()
        return late > HAND_ON_SECONDS or not (server.sessions or server.holds_back)

    def _take_calls(self) -> None:
        for _ in range(_CALLS_AT_ONCE):
            try:
                function, then = self._calls.get_nowait()
            except queue.Empty:
                return
            try:
                function()
            finally:
                self._answer(then, None)


class _Bell:
    """Wakes the loop: something pyftpdlib takes for a connection."""

    def __init__(self, sock: socket.socket, ioloop: Any, rung: Callable[[], None]) -> None:
        self._socket = sock
        self._fileno = sock.fileno()
        self._rung = rung
        ioloop.register(self._fileno, self, ioloop.READ)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        """Somebody rang."""
        self._socket.recv(4096)
        self._rung()

    def handle_close(self) -> None: ...

    def handle_error(self) -> None:
        log.failure("a call to the FTP thread failed")

    def close(self) -> None:
        self._socket.close()


class _ToOurLog(logging.Handler):
    """pyftpdlib's faults into the server's log."""

    def emit(self, record: logging.LogRecord) -> None:
        log.error("FTP: {text}", text=self.format(record))


def _quiet_logs() -> None:
    """What clients do wrong is told by us; of pyftpdlib's log only its own faults are wanted, and not on stderr."""
    logger = logging.getLogger("pyftpdlib")
    if not any(isinstance(handler, _ToOurLog) for handler in logger.handlers):
        logger.addHandler(_ToOurLog())
    logger.setLevel(logging.ERROR)
    logger.propagate = False
