"""One camera's session and its data connections, on pyftpdlib; in the FTP thread.

What legacy cameras do, and this bears: text mode for pictures, unknown folders, deleting a file before it is sent,
temporary names, data connections that end early.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import cached_property
from typing import Any

from pyftpdlib.handlers import DTPHandler, FTPHandler

from camtrace import clock
from camtrace.ftp.messages import Arrival
from camtrace.ftp.names import last_part
from camtrace.ftp.nowhere import Nowhere
from camtrace.ftp.uploads import Arrived, Upload, looks_temporary
from camtrace.peers import plain_address

MOST_ANSWERS = 200  # that a client leaves unread before it is closed, beside those of ANSWER_BYTES
ANSWER_BYTES = 1 << 14
MOST_BEFORE_LOGIN = 50  # commands


def _nothing(*_: object) -> None:
    """pyftpdlib's own log says every command: too much."""


class DataConnection(DTPHandler):
    """Takes one file."""

    cmd_channel: Session
    file_obj: Upload | None

    @property
    def timeout(self) -> float:
        return self.cmd_channel.server.limits.data_seconds

    def enable_receiving(self, type: str, cmd: str) -> None:
        """As it comes, in text mode too: what that means for a picture shows when it is whole."""
        super().enable_receiving("i", cmd)

    def handle_error(self) -> None:
        """A file that is too long is refused with a reason."""
        if self.file_obj is not None and self.file_obj.too_long:
            self._resp = ("552 The file is too long; transfer aborted.", _nothing)
            self.close()
        else:
            super().handle_error()


class Passive(FTPHandler.passive_dtp):
    """Waits for the camera's data connection, at the address that it reached."""

    cmd_channel: Session

    @property
    def timeout(self) -> float:
        return self.cmd_channel.server.limits.data_seconds

    def handle_accepted(self, sock: Any, addr: Any) -> None:
        """A stranger's connection is closed without a word: an answer would be taken for the camera's."""
        session = self.cmd_channel
        if session.connected and session.remote_ip != addr[0]:
            sock.close()
            session.server.complain(addr[0], "foreign")
            return
        super().handle_accepted(sock, addr)

    def handle_timeout(self) -> None:
        self.cmd_channel.no_data()
        super().handle_timeout()


class Active(FTPHandler.active_dtp):
    """Connects to the camera."""

    cmd_channel: Session

    @property
    def timeout(self) -> float:
        return self.cmd_channel.server.limits.data_seconds

    def handle_timeout(self) -> None:
        self.cmd_channel.no_data()
        super().handle_timeout()

    def handle_close(self) -> None:
        if not self._closed:
            self.cmd_channel.no_data()
        super().handle_close()


class Session(FTPHandler):
    """A camera's control connection."""

    server: Any
    username: str
    data_channel: DataConnection | None
    _in_dtp_queue: tuple[Upload, str] | None
    banner = "CamTrace"
    abstracted_fs = Nowhere
    dtp_handler = DataConnection
    passive_dtp = Passive
    active_dtp = Active
    use_sendfile = False
    max_login_attempts = 3
    ac_in_buffer_size = 1 << 12  # of commands at once: then it is the next session's turn
    proto_cmds = {name: known for name, known in FTPHandler.proto_cmds.items() if name not in ("MLST", "MLSD")}

    def __init__(self, conn: Any, server: Any, ioloop: Any = None) -> None:
        self.authorizer = server.login
        self.passive_ports = server.passive_ports
        self.masquerade_address = server.masquerade_address or None
        self.timeout = server.limits.idle_seconds
        self.last_at = clock.now()
        self._last_path = ""
        self._last_size = 0
        self._held: Arrived | None = None
        self._letting_go: Any = None
        self._commands = 0
        self._silent = False  # after a wrong password, for a while
        super().__init__(conn, server, ioloop)

    # ── what the server asks and says ──

    @cached_property
    def peer(self) -> str:
        """The camera's address."""
        return str(plain_address(self.remote_ip) or self.remote_ip)

    @property
    def is_busy(self) -> bool:
        """Whether a file is on its way."""
        if self._closed:
            return False
        comes = self.data_channel is not None and self.data_channel.file_obj is not None
        return comes or self._in_dtp_queue is not None

    def handle(self) -> None:
        """Greet, and wait for a login, not for ever."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_BYTES)
        self.call_later(self.server.limits.login_seconds, self._still_a_stranger)
        super().handle()

    def leave(self) -> None:
        """End it from our side."""
        if not self._closed:
            self.respond("421 The server is being stopped.")
        if not self._closed:
            self.close()

    def _still_a_stranger(self) -> None:
        if not self.authenticated:
            self.close()

    # ── files ──

    def new_upload(self, path: str, appends: bool = False) -> Upload:
        """A file begins. What came before it is not renamed any more, unless this goes on with it."""
        before = self._held
        if appends and before is not None and before.path == path:
            self._hold(None)
        else:
            self._let_go()
            before = None
        return Upload(self, path, before)

    def ended(self, arrived: Arrived) -> None:
        """A file has come: it raises its alarm under its last name, so that a renaming is waited for a little."""
        self._let_go()
        self._last_path, self._last_size, self.last_at = arrived.path, arrived.size, arrived.at
        if arrived.too_long:
            self.server.complain(self.peer, "long", last_part(arrived.path))
        self._hold(arrived)
        if self._closed:
            self._let_go()

    def renamed(self, old: str, new: str) -> None:
        """A file has got its last name."""
        if old == self._last_path:
            self._last_path = new
        if self._held is not None and self._held.path == old:
            self._held.path = new
            self._let_go()

    def size_of(self, path: str) -> int | None:
        """Bytes of the last file that came; None for any other."""
        return self._last_size if path == self._last_path else None

    def _hold(self, arrived: Arrived | None) -> None:
        """Wait for what happens to this file."""
        self._held = arrived
        if self._letting_go is not None and not self._letting_go.cancelled:
            self._letting_go.cancel()
        self._letting_go = None
        if arrived is not None:
            limits = self.server.limits
            seconds = limits.temporary_seconds if looks_temporary(last_part(arrived.path)) else limits.rename_seconds
            self._letting_go = self.ioloop.call_later(seconds, self._let_go)

    def _let_go(self) -> None:
        """Nothing more happens to the file that is held."""
        arrived = self._held
        self._hold(None)
        if arrived is not None:
            arrival = Arrival(self.peer, last_part(arrived.path), arrived.at, arrived.size, arrived.jpeg())
            self.server.give_back(len(arrived.kept or b""))
            self.server.arrived(arrival)

    # ── data connections ──

    def no_data(self) -> None:
        """The data connection does not come about. A file that waited for it has come, though nothing of it."""
        self.server.complain(self.peer, "no_data")
        self._end_waiting()

    def _on_dtp_connection(self) -> None:
        # the connector's socket is the data connection's now: closing it later would hit whoever has its number then
        self._dtp_connector = None
        if self.data_channel is not None and self.data_channel._closed:  # reset before it was looked at
            self.data_channel = None
            self._on_dtp_close()
        else:
            super()._on_dtp_connection()

    def _on_dtp_close(self) -> None:
        super()._on_dtp_close()
        if not self._closed and self._in_dtp_queue is not None and not self._is_waiting_for_data():
            self.respond("426 The data connection is gone; transfer aborted.")
            self._end_waiting()

    def _shutdown_connecting_dtp(self) -> None:
        super()._shutdown_connecting_dtp()
        self._end_waiting()

    def _end_waiting(self) -> None:
        if self._in_dtp_queue is not None:
            (upload, _), self._in_dtp_queue = self._in_dtp_queue, None
            upload.close()

    def _make_eport(self, ip: str, port: int) -> None:
        """Only to the camera itself (RFC 2577, 3)."""
        if plain_address(ip) is None or plain_address(ip) != plain_address(self.remote_ip):
            self.server.complain(self.peer, "bounce", last_part(ip))
            self.respond("501 Data connections go to your own address only.")
            return
        mapped = self.remote_ip.startswith("::ffff:")
        super()._make_eport(self.remote_ip[7:] if mapped else self.remote_ip, port)

    def ftp_PASV(self, line: str) -> None:
        if ":" in self.socket.getsockname()[0].removeprefix("::ffff:"):
            self.respond("425 This is IPv6: use EPSV.")
        else:
            super().ftp_PASV(line)

    # ── commands ──

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:
        return super().ftp_STOR(file, mode) if self._can_receive() else None

    def ftp_STOU(self, line: str) -> Any:
        return super().ftp_STOU(line) if self._can_receive() else None

    def _can_receive(self) -> bool:
        if self.is_busy:
            self.respond("450 Another file is on its way.")
        elif self.data_channel is None and not self._is_waiting_for_data():
            self.respond("425 There is no data connection: send PASV or PORT again.")
        elif self.server.is_crowded:
            self.server.complain(self.peer, "busy")
            self.respond("450 Too much is going on: try again.")
        else:
            return True
        return False

    def _is_waiting_for_data(self) -> bool:
        waiting = (self._dtp_acceptor, self._dtp_connector)
        return any(one is not None and not one._closed for one in waiting)

    def ftp_REST(self, line: str) -> None:
        """Only from the beginning: nothing is kept that could be gone on with."""
        if line.strip().isdecimal() and int(line) == 0:
            self.respond("350 Starting at the beginning.")
        else:
            self.respond("504 A file can only be sent from its beginning.")

    def ftp_RNFR(self, path: str) -> None:
        """Any file may be renamed. One that has just come now waits for its new name."""
        self._rnfr = path
        if self._held is not None and self._held.path == path:
            self._letting_go.cancel()
            self._letting_go = self.ioloop.call_later(self.server.limits.temporary_seconds, self._let_go)
        self.respond("350 Ready for destination name.")

    def ftp_CWD(self, path: str) -> str:
        """Every folder is there."""
        self.fs.chdir(path)
        self.respond('250 "{}" is the current directory.'.format(path.replace('"', '""')))
        return path

    def ftp_SIZE(self, path: str) -> None:
        """In text mode too."""
        size = self.size_of(path)
        self.respond("550 No such file." if size is None else f"213 {size}")

    def ftp_MFMT(self, path: str, timeval: str) -> None:
        """Any file may be given any time."""
        self.respond(f"213 Modify={timeval}; {path}")

    def ftp_FEAT(self, line: str) -> None:
        self.push("211-Features supported:\r\n")
        self.push("".join(f" {name}\r\n" for name in ("EPRT", "EPSV", "MDTM", "SIZE", "UTF8")))
        self.respond("211 End FEAT.")

    def flush_account(self) -> None:
        self._let_go()
        super().flush_account()

    # ── login ──

    def ftp_PASS(self, line: str) -> None:
        if not self.authenticated and self.username and self.server.guesses.must_wait(self.peer_network):
            self.server.complain(self.peer, "guessing")
            self.handle_auth_failed("", line)
        else:
            super().ftp_PASS(line)

    @property
    def peer_network(self) -> str:
        """Whose guesses are counted together: an IPv4 address, or the 64 bits an IPv6 host chooses below."""
        address = plain_address(self.remote_ip)
        if address is None or address.version == 4:
            return self.peer
        return ":".join(address.exploded.split(":")[:4])

    def on_login_failed(self, username: str, password: str) -> None:
        self.server.guesses.wrong(self.peer_network)
        self.server.complain(self.peer, "password")

    def handle_auth_failed(self, msg: str, password: str) -> None:
        """Answer after a while, and read nothing until then: guessing is slow."""
        if msg:
            self.on_login_failed(self.username, password)
        self.username = ""
        self.attempted_logins += 1
        self._silent = True
        self.del_channel()
        self.call_later(self.server.limits.wrong_seconds, self._answer_wrong)

    def _answer_wrong(self) -> None:
        self._silent = False
        self.add_channel()
        self.respond("530 Login incorrect.")
        if self.attempted_logins >= self.max_login_attempts:
            self.close_when_done()

    # ── bounds ──

    def found_terminator(self) -> None:
        if self._closed or self._closing or self._silent or self._quit_pending:
            return
        self._commands += 1
        if self._commands > MOST_BEFORE_LOGIN and not self.authenticated:
            self.server.complain(self.peer, "command")
            self.close()
            return
        super().found_terminator()

    def collect_incoming_data(self, data: bytes) -> None:
        if self._closed or self._closing or self._silent:
            return
        if self._in_buffer_len + len(data) > self.server.limits.command_bytes:
            self.server.complain(self.peer, "command")
            self.respond("500 Command too long.")
            self.close_when_done()
            return
        super().collect_incoming_data(data)

    def push(self, data: str) -> None:
        if self._closed:
            return
        super().push(data)
        if not self._closed and len(self.producer_fifo) > MOST_ANSWERS:
            self.close()

    def close(self) -> None:
        if not self._closed:
            super().close()
            self._let_go()
            self.server.left(self)

    # ── pyftpdlib's own log ──

    def log(self, msg: str, logfun: Callable[..., object] = _nothing) -> None: ...
    def log_cmd(self, cmd: str, arg: str, respcode: int, respstr: str) -> None: ...
    def log_transfer(self, **about: object) -> None: ...
