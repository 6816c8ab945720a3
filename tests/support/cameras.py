"""Network cameras for the tests: real peers over real sockets, honest ones and liars.

`RtspCamera` is gst-rtsp-server in a process of its own; `HttpCamera` a small threaded HTTP server that knows the habits
of twenty years of MJPEG cameras. Both listen on a loopback address and tell their port.
"""

from __future__ import annotations

import hashlib
import re
import signal
import socket
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from support import shared

CLIPS = Path(__file__).parent.parent / "media"
_SCRIPT = Path(__file__).with_name("gst_camera.py")
_SYSTEM_PYTHON = "/usr/bin/python3"


def _made(name: str, *options: str | Path) -> Path:
    """A clip that ffmpeg makes once in a run."""

    def make(place: Path) -> None:
        subprocess.run(["ffmpeg", "-v", "error", *options, place], check=True, timeout=120)

    return shared.once(name, make)


@cache
def gstreamer_missing() -> str:
    """Why no RtspCamera can be started here; "" when it can."""
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    try:
        done = subprocess.run([_SYSTEM_PYTHON, "-c", probe], capture_output=True, timeout=20, check=False)
    except OSError as error:
        return f"{_SYSTEM_PYTHON}: {error.strerror}"
    return "" if done.returncode == 0 else "gst-rtsp-server for python3-gi is not installed"


@cache
def looped(clip: Path, times: int = 30) -> Path:
    """The clip `times` times behind itself, not coded anew; made once per test run."""
    name = f"{clip.stem}-{times}{clip.suffix}"
    return _made(name, "-stream_loop", str(times - 1), "-i", clip, "-c", "copy", "-an")


@cache
def shortened(clip: Path, seconds: float = 1) -> Path:
    """The clip's first `seconds`, not coded anew; made once per test run."""
    return _made(f"{clip.stem}-{seconds:g}s{clip.suffix}", "-i", clip, "-t", str(seconds), "-c", "copy", "-an")


@cache
def as_mpeg4(clip: Path) -> Path:
    """The clip as MPEG-4 part 2; made once per test run."""
    options = ["-c:v", "mpeg4", "-q:v", "6", "-g", "10", "-bf", "0", "-an"]
    return _made(f"{clip.stem}-mpeg4.mp4", "-i", clip, *options)


@cache
def as_mjpeg(clip: Path) -> Path:
    """The clip as MJPEG with the standard Huffman tables, which RFC 2435 wants; made once per test run."""
    options = ["-c:v", "mjpeg", "-huffman", "default", "-q:v", "4", "-pix_fmt", "yuvj420p", "-an"]
    return _made(f"{clip.stem}-mjpeg.mkv", "-i", clip, *options)


@cache
def still(clip: Path) -> Path:
    """The clip's first picture for a minute, coded with grain, as a camera shows an empty room at night; made once per
    test run."""
    grain = "loop=loop=600:size=1,trim=end_frame=600,noise=alls=6:allf=t"
    options = ["-r", "10", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-an"]
    return _made(f"{clip.stem}-still.mp4", "-i", clip, "-vf", grain, *options)


class RtspCamera:
    """gst-rtsp-server plays `clip` once to each client ("test": a generated picture without end).

    `clip`: MP4 or Matroska. `codec` is the clip's, or what the generated picture is coded as, `rate` a second. `audio`:
    "", "aac", "pcmu", "pcma" or "opus" (a generated tone). `auth`: "", "basic" or "digest". `transport`: "both", "tcp",
    "udp".
    """

    def __init__(
        self,
        clip: Path | str = "test",
        *,
        codec: str = "h264",
        audio: str = "",
        address: str = "127.0.0.1",
        port: int = 0,
        path: str = "/stream",
        auth: str = "",
        login: str = "viewer",
        password: str = "secret",
        transport: str = "both",
        sets_in_band: bool = False,
        rate: int = 10,
    ) -> None:
        self.address, self.path = address, path
        command = [_SYSTEM_PYTHON, str(_SCRIPT), str(clip), "--codec", codec, "--address", address]
        command += ["--port", str(port), "--path", path, "--audio", audio, "--auth", auth]
        command += ["--user", login, "--password", password, "--transport", transport]
        command += ["--interval", "-1" if sets_in_band else "0", "--rate", str(rate)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        if words[:1] != ["ready"]:
            self.kill()
            raise RuntimeError("the camera did not start")
        self.port = int(words[1])

    @property
    def url(self) -> str:
        """The stream's address, without login."""
        return f"rtsp://{self.address}:{self.port}{self.path}"

    def freeze(self) -> None:
        """Fall silent with every connection open."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Die at once; the kernel closes the connections."""
        self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    stop = kill

    def __enter__(self) -> RtspCamera:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def jpegs(clip: Path = CLIPS / "vtest_320x240.mjpg") -> list[bytes]:
    """The pictures of an MJPEG file, whatever stands between them."""
    data = clip.read_bytes()
    starts = [at for at in range(len(data) - 2) if data[at : at + 3] == b"\xff\xd8\xff"]
    ends = [
        data.rindex(b"\xff\xd9", start, end) + 2 for start, end in zip(starts, [*starts[1:], len(data)], strict=True)
    ]
    return [data[start:end] for start, end in zip(starts, ends, strict=True)]


@dataclass
class Habits:
    """How an HttpCamera behaves. `fault` is one of: "", "html", "single", "black_hole", "cut", "silent", "once".

    "single": answers with one `image/jpeg`. "cut": hangs up in the middle of a picture after `pictures`. "silent":
    sends nothing after `pictures`. "once": one multipart picture, then the end. `status`: answer with this error.
    """

    header: str = "multipart/x-mixed-replace; boundary=myboundary"
    delimiter: str = "--myboundary"
    length_name: str = "Content-Length"
    first_delimiter: bool = True
    version: str = "HTTP/1.0"
    line_end: str = "\r\n"
    chunked: bool = False
    auth: str = ""
    login: str = "viewer"
    password: str = "secret"
    fault: str = ""
    pictures: int = 0
    status: int = 0
    redirect: str = ""
    rate: float = 20.0


class HttpCamera:
    """An MJPEG camera: sends `pictures` over and over to each client, in the way of `habits`."""

    def __init__(
        self,
        pictures: list[bytes] | None = None,
        habits: Habits | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.pictures = pictures if pictures is not None else jpegs()[:20]
        self.habits = habits or Habits()
        self.address = address
        self.requests: list[str] = []
        self.sent = 0
        self._listener = socket.create_server((address, port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._stopped = threading.Event()
        threading.Thread(target=self._accept, name="http camera", daemon=True).start()

    @property
    def url(self) -> str:
        """The stream's address."""
        return f"http://{self.address}:{self.port}/axis-cgi/mjpg/video.cgi"

    def stop(self) -> None:
        """Close every connection and the port."""
        self._stopped.set()
        for connection in (self._listener, *tuple(self._open)):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()

    def __enter__(self) -> HttpCamera:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self._answer(connection)
        except OSError:
            pass
        finally:
            self._open.discard(connection)
            connection.close()

    def _answer(self, connection: socket.socket) -> None:
        habits = self.habits
        request = _read_head(connection)
        if not request:  # somebody looked whether the port is open
            return
        self.requests.append(request)
        if habits.fault == "black_hole":
            self._stopped.wait()
        elif habits.redirect and "/moved" not in request:
            connection.sendall(f"HTTP/1.0 302 Found\r\nLocation: {habits.redirect}\r\n\r\n".encode())
        elif habits.auth and not self._is_authorized(request):
            connection.sendall(f"HTTP/1.0 401 Unauthorized\r\n{self._challenge()}\r\n".encode())
        elif habits.status:
            connection.sendall(f"HTTP/1.0 {habits.status} No\r\n\r\n".encode())
        elif habits.fault == "html":
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Welcome</html>")
        elif habits.fault == "single":
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + self.pictures[0])
        else:
            self._stream(connection)

    def _stream(self, connection: socket.socket) -> None:
        habits = self.habits
        encoding = f"Transfer-Encoding: chunked{habits.line_end}" if habits.chunked else ""
        head = f"{habits.version} 200 OK{habits.line_end}Content-Type: {habits.header}{habits.line_end}{encoding}"
        connection.sendall((head + habits.line_end).encode())

        def send(data: bytes) -> None:
            connection.sendall(b"%x\r\n%s\r\n" % (len(data), data) if habits.chunked else data)

        for number, part in enumerate(self._parts()):
            if habits.pictures and number == habits.pictures:
                if habits.fault == "cut":
                    send(part[: len(part) // 2])
                    return
                if habits.fault == "silent":
                    self._stopped.wait()
                    return
            send(part)
            self.sent += 1
            if habits.fault == "once" or self._stopped.wait(1 / habits.rate):
                return

    def _parts(self) -> Iterator[bytes]:
        habits, end = self.habits, self.habits.line_end
        number = 0
        while True:
            picture = self.pictures[number % len(self.pictures)]
            length = f"{habits.length_name}: {len(picture)}{end}" if habits.length_name else ""
            delimiter = f"{habits.delimiter}{end}" if habits.first_delimiter or number else ""
            head = f"{delimiter}Content-Type: image/jpeg{end}{length}{end}"
            yield head.encode() + picture + end.encode()
            number += 1

    def _challenge(self) -> str:
        if self.habits.auth == "basic":
            return 'WWW-Authenticate: Basic realm="camera"\r\n'
        digest = 'Digest realm="camera", nonce="0123abc", qop="auth,auth-int", algorithm=MD5'
        return f'WWW-Authenticate: {digest}\r\nWWW-Authenticate: Basic realm="camera"\r\n'

    def _is_authorized(self, request: str) -> bool:
        line = next((one for one in request.split("\r\n") if one.lower().startswith("authorization:")), "")
        habits = self.habits
        if habits.auth == "basic":
            wanted = b64encode(f"{habits.login}:{habits.password}".encode()).decode()
            return line.endswith(f"Basic {wanted}")
        if "Digest" not in line:
            return False
        given = {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^ ,]+))', line)}
        secret = _md5(f"{habits.login}:camera:{habits.password}")
        method, uri, _ = request.split(" ", 2)
        proof = f"{secret}:0123abc:{given['nc']}:{given['cnonce']}:auth:{_md5(f'{method}:{uri}')}"
        return given["uri"] == uri and given["response"] == _md5(proof)


class SilentPort:
    """Accepts connections (the kernel does) and never says a word; with `full`, does not even accept."""

    def __init__(self, address: str = "127.0.0.1", full: bool = False) -> None:
        self.address = address
        self._listener = socket.create_server((address, 0), backlog=0 if full else 64)
        self.port: int = self._listener.getsockname()[1]
        self._fillers = []
        for _ in range(4 if full else 0):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((address, self.port))
            self._fillers.append(filler)

    def stop(self) -> None:
        """Close the port."""
        for one in (self._listener, *self._fillers):
            one.close()


class Babbler:
    """Answers every connection with the same bytes, then hangs up: an RTSP camera that lies."""

    def __init__(self, answer: bytes, address: str = "127.0.0.1") -> None:
        self.address = address
        self.requests: list[str] = []
        self._answer = answer
        self._listener = socket.create_server((address, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                request = _read_head(connection)
                self.requests.append(request)
                sequence = next((line for line in request.split("\r\n") if line.lower().startswith("cseq")), "CSeq: 1")
                connection.sendall(self._answer.replace(b"%CSEQ%", sequence.encode()))


def wait_until(true: Callable[[], object], seconds: float = 60.0) -> None:
    """For tests that watch a thread: return as soon as `true()` is, fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        time.sleep(0.005)


def descriptors() -> int:
    """How many file descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def _read_head(connection: socket.socket) -> str:
    connection.settimeout(10)
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(4096)
        if not piece:
            break
        received += piece
    return received.decode("latin-1")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
