"""The dialogue with a camera, against one that follows a script on a real connection."""

from __future__ import annotations

import datetime
import ssl
import struct
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.cameras import wait_until
from support.ports import free_port
from support.scripted_camera import Guard, Reply, Request, Script, ScriptedCamera, interleaved, obliging, reply

from camtrace.errors import StreamFailure
from camtrace.media import rtsp_client
from camtrace.media.camera_socket import Stop
from camtrace.media.rtsp_client import RtspClient, open_session
from camtrace.media.rtsp_transport import Interleaved
from camtrace.media.source import Patience, Source

QUICK = Patience(opening=30, silence=30, turn=0.05)  # to stop; a busy machine is no camera that fails
TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"
HANG_UP = ScriptedCamera.HANG_UP.decode()


def opened(camera: ScriptedCamera, login: str = "", password: str = "", patience: Patience = QUICK) -> RtspClient:
    return open_session(Source.parse(camera.url, login, password), lambda: False, patience)[0]


@contextmanager
def playing(camera: ScriptedCamera, login: str = "", password: str = "") -> Iterator[RtspClient]:
    """A session that was asked to play."""
    client = opened(camera, login, password)
    try:
        client.setup("track1", TCP)
        client.play()
        yield client
    finally:
        client.close()


def until(client: RtspClient, true: Callable[[], object]) -> None:
    """Read, and give signs of life, until it is so."""
    wait_until(lambda: (client.read(), client.keep_alive(), true())[-1])


def failure_of(call: Callable[[], object]) -> StreamFailure:
    with pytest.raises(StreamFailure) as caught:
        call()
    assert "geheim" not in f"{caught.value} {caught.value.detail} {caught.value!r}"
    assert "viewer" not in f"{caught.value} {caught.value.detail} {caught.value!r}"
    return caught.value


def instead(**replies: Reply) -> Script:
    """An obliging camera, but for what it says to these methods."""
    return lambda request: replies[request.method] if request.method in replies else obliging(request)


class Clock:
    """The client's clock, set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    hands = Clock()
    monkeypatch.setattr(rtsp_client, "clock", hands)
    return hands


# ── from the question to the pictures ────────────────────────────────────────────────────────────────────────────


def test_a_whole_session() -> None:
    """Every request names what it is about; the goodbye comes before the connection ends."""
    with ScriptedCamera() as camera:
        with playing(camera) as client:
            until(client, lambda: camera.methods == ["DESCRIBE", "SETUP", "PLAY"])
        wait_until(lambda: camera.methods[-1] == "TEARDOWN")
        describe, setup, play, teardown = camera.requests
    assert [one.number for one in camera.requests] == ["1", "2", "3", "4"]
    assert (describe.url, describe.headers["accept"]) == (camera.url, "application/sdp")
    assert (setup.url, setup.headers["transport"]) == (camera.url + "/track1", TCP)
    assert describe.headers["user-agent"] == "CamTrace"
    assert "session" not in setup.headers
    assert (play.url, play.headers["session"]) == (camera.url, "12345678")
    assert (teardown.url, teardown.headers["session"]) == (camera.url, "12345678")
    assert all("authorization" not in one.headers for one in camera.requests)


@pytest.mark.parametrize(
    ("header", "control", "base"),
    [
        ("Content-Base: {url}/base/", "", "{url}/base/"),
        ("Content-Location: {url}/there", "", "{url}/there"),
        ("Content-Base: {url}/base/", "rtsp://10.0.0.9/own?a=b", "rtsp://10.0.0.9/own?a=b"),
        ("Content-Base: {url}/base/", "*", "{url}/base/"),
        ("Content-Base: 10.0.0.9/stream", "", "{url}"),
        ("X: y", "", "{url}"),
    ],
)
def test_where_the_session_is(header: str, control: str, base: str) -> None:
    """What the description says, then what the answer says, then what was asked."""
    body = f"v=0\r\ns=-\r\na=control:{control}\r\nm=video 0 RTP/AVP 96\r\n"
    with ScriptedCamera() as camera:
        camera.script = instead(DESCRIBE=reply(200, header.format(url=camera.url), body=body))
        with playing(camera) as client:
            until(client, lambda: "PLAY" in camera.methods)
        wanted = base.format(url=camera.url)
        assert camera.requests[1].url == wanted + ("track1" if wanted.endswith("/") else "/track1")
        assert camera.requests[2].url == wanted


def test_an_answer_in_two_steps() -> None:
    """ "100 Continue" is no answer yet."""
    with ScriptedCamera(instead(SETUP=reply(100).encode() + reply(200, "Session: 7").encode())) as camera:
        client = opened(camera)
        client.setup("track1", TCP)
        client.close()
        wait_until(lambda: camera.methods[-1] == "TEARDOWN")
        assert camera.requests[-1].headers["session"] == "7"


# ── logins ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("algorithm", ["", "MD5", "SHA-256"])
def test_login(algorithm: str) -> None:
    """Asked once more with a login; afterwards every request has it at once."""
    with ScriptedCamera(Guard(algorithm=algorithm)) as camera:
        with playing(camera, "viewer", "geheim") as client:
            until(client, lambda: "PLAY" in camera.methods)
        assert camera.methods[:4] == ["DESCRIBE", "DESCRIBE", "SETUP", "PLAY"]


@pytest.mark.parametrize("algorithm", ["", "MD5", "SHA-256"])
@pytest.mark.parametrize("login", ["", "viewer"])
def test_wrong_password(algorithm: str, login: str) -> None:
    """Told after one try, or at once without a login; nobody asks for ever."""
    with ScriptedCamera(Guard(algorithm=algorithm, password="another")) as camera:
        failure = failure_of(lambda: opened(camera, login, "geheim"))
    assert (failure.kind, failure.status, failure.detail) == ("unauthorized", 401, "DESCRIBE was refused")
    assert camera.methods == ["DESCRIBE"] * (2 if login else 1)


def test_a_camera_that_always_says_stale() -> None:
    """Twice is enough."""
    challenge = 'WWW-Authenticate: Digest realm="camera", nonce="x", stale=true'
    with ScriptedCamera(instead(DESCRIBE=reply(401, challenge))) as camera:
        assert failure_of(lambda: opened(camera, "viewer", "geheim")).kind == "unauthorized"
    assert camera.methods == ["DESCRIBE"] * 3


@pytest.mark.parametrize("says_stale", [True, False])
def test_a_nonce_that_is_old_at_the_next_request(says_stale: bool) -> None:
    """Each request is asked again, whether the camera says why or not: PLAY too."""
    guard = Guard()
    guard.one_time, guard.says_stale = True, says_stale
    with ScriptedCamera(guard) as camera:
        with playing(camera, "viewer", "geheim") as client:
            until(client, lambda: client._granted)
        assert camera.methods[:6] == ["DESCRIBE", "DESCRIBE", "SETUP", "SETUP", "PLAY", "PLAY"]


def test_a_camera_that_hangs_up_behind_its_question() -> None:
    """It is answered on another connection; a wrong password is still told as one."""

    def script(request: Request) -> Reply:
        right = request.headers.get("authorization", "").endswith(b64encode(b"me:right").decode())
        return obliging(request) if right else reply(401, 'WWW-Authenticate: Basic realm="old"') + HANG_UP

    with ScriptedCamera(script) as camera:
        client, description = open_session(Source.parse(camera.url, "me", "right"), lambda: False, QUICK)
        client.close()
        assert description.media and camera.connections == 2
        with pytest.raises(StreamFailure) as caught:
            open_session(Source.parse(camera.url, "me", "wrong"), lambda: False, QUICK)
    assert (caught.value.kind, caught.value.status) == ("unauthorized", 401)


def test_login_in_the_address() -> None:
    """It counts, and is not said in the request line."""
    with ScriptedCamera(Guard()) as camera:
        url = camera.url.replace("rtsp://", "rtsp://viewer:geheim@")
        client, _ = open_session(Source.parse(url), lambda: False, QUICK)
        client.close()
        assert {one.url for one in camera.requests} == {camera.url}


@pytest.mark.parametrize("url", ["rtsp://viewer:geheim", "rtsp://viewer:geheim@[x/", "rtsp://viewer:geheim@h:y/"])
def test_an_address_that_cannot_be_read(url: str) -> None:
    """What is told of it quotes nothing."""
    assert failure_of(lambda: Source.parse(url)).kind == "bad_url"


def test_a_challenge_nobody_can_answer() -> None:
    with ScriptedCamera(instead(DESCRIBE=reply(401, "WWW-Authenticate: Negotiate"))) as camera:
        assert failure_of(lambda: opened(camera, "viewer", "geheim")).status == 401
    assert camera.methods == ["DESCRIBE"]


# ── another address ──────────────────────────────────────────────────────────────────────────────────────────────


def test_redirect() -> None:
    """To another camera, or another path of the same; the login goes along to the same host."""
    with ScriptedCamera(Guard()) as there, ScriptedCamera() as here:
        here.script = instead(DESCRIBE=reply(302, f"Location: {there.url}/other"))
        client = opened(here, "viewer", "geheim")
        assert client.source.url == there.url + "/other"
        client.close()
        assert here.methods == ["DESCRIBE"]
        here.script = lambda request: obliging(request) if "moved" in request.url else reply(301, "Location: /moved")
        client = opened(here)
        assert client.source.url == f"rtsp://127.0.0.1:{here.port}/moved"
        client.close()


def test_redirected_in_circles() -> None:
    with ScriptedCamera() as camera:
        camera.script = instead(DESCRIBE=reply(302, f"Location: {camera.url}"))
        failure = failure_of(lambda: opened(camera, "viewer", "geheim"))
        wait_until(lambda: camera.connections == 4)
    assert failure.kind == "status"


def test_redirected_nowhere() -> None:
    """An address without a host, a redirection without an address, and one of a track."""
    with ScriptedCamera(instead(DESCRIBE=reply(302, "Location: rtsp://viewer:geheim@:x/"))) as camera:
        assert failure_of(lambda: opened(camera)).kind == "bad_url"
        camera.script = instead(DESCRIBE=reply(302))
        failure = failure_of(lambda: opened(camera))
        assert (failure.kind, failure.status) == ("status", 302)
        camera.script = instead(SETUP=reply(302, f"Location: {camera.url}"))
        client = opened(camera)
        failure = failure_of(lambda: client.setup("track1", TCP))
        client.close()
        assert (failure.kind, failure.status) == ("status", 302)


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("hang_up", ["", HANG_UP])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "status"),
        (403, "status"),
        (404, "not_found"),
        (453, "status"),
        (454, "status"),
        (461, "status"),
        (503, "status"),
    ],
)
@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP", "PLAY"])
def test_refused(method: str, status: int, kind: str, hang_up: str) -> None:
    """The status is told exactly, whatever was asked, and though the camera hangs up behind it."""
    with ScriptedCamera(instead(**{method: reply(status) + hang_up})) as camera:

        def play() -> None:
            with playing(camera) as client:
                until(client, lambda: False)

        failure = failure_of(play)
    assert (failure.kind, failure.status, failure.detail) == (kind, status, f"{method} was refused")
    assert (failure.host, failure.port) == ("127.0.0.1", camera.port)


def test_play_refused_without_a_number() -> None:
    """The first answer behind PLAY is the one to PLAY."""
    with ScriptedCamera(instead(PLAY=b"RTSP/1.0 455 No\r\n\r\n")) as camera, playing(camera) as client:
        assert failure_of(lambda: until(client, lambda: False)).status == 455


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP"])
def test_silent(method: str) -> None:
    """Given up after the patience, even when other things come."""
    with ScriptedCamera(instead(**{method: interleaved(0, b"x")})) as camera:

        def ask() -> None:
            client = opened(camera, patience=Patience(opening=0.3, turn=0.05))
            try:
                client.setup("track1", TCP)
            finally:
                client.close()

        failure = failure_of(ask)
    assert (failure.kind, failure.detail) == ("timeout", "no answer")


def test_nobody_there() -> None:
    source = Source.parse(f"rtsp://viewer:geheim@127.0.0.1:{free_port()}/")
    assert failure_of(lambda: open_session(source, lambda: False, QUICK)).kind == "refused"


@pytest.mark.parametrize(
    ("said", "kind"),
    [(HANG_UP, "ended"), ("HTTP/1.0 200 OK\r\n\r\n", "broken"), ("<html>", "broken"), ("RTSP/1.0 x\r\n\r\n", "broken")],
)
def test_no_answer(said: str, kind: str) -> None:
    """Hung up on without a word, or answered in another language."""
    with ScriptedCamera(instead(DESCRIBE=said.encode())) as camera:
        assert failure_of(lambda: opened(camera, "viewer", "geheim")).kind == kind


def test_stopped() -> None:
    """Who is asked to stop does not wait for the camera, and hangs up."""
    with ScriptedCamera(instead(DESCRIBE=None)) as camera, pytest.raises(Stop):
        open_session(Source.parse(camera.url), lambda: bool(camera.requests), Patience(opening=60, turn=0.02))


# ── while it plays ───────────────────────────────────────────────────────────────────────────────────────────────


def packet(number: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, number, 0, 7) + bytes((number,))


class Fed(list[int]):
    """A receiver and a report taker that note what comes."""

    takes_runs = False

    def packet(self, data: bytearray, at: int, end: int) -> None:
        self.append(data[end - 1])

    run = None
    report = packet


@pytest.mark.parametrize(
    ("said", "channels"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=12", (4, 5)),
        ("RTP/AVP/TCP;unicast; Interleaved = 6 - 9", (6, 9)),
        ("RTP/AVP/TCP;unicast;interleaved=8", (8, 9)),
        ("RTP/AVP/TCP;unicast;interleaved=x-y", (0, 1)),
        ("RTP/AVP/TCP;unicast", (0, 1)),
        ("", (0, 1)),
    ],
)
def test_channels(said: str, channels: tuple[int, int]) -> None:
    """Packets come where the camera says, else where it was asked; even before its answer to PLAY."""
    early = b"".join(interleaved(channel, packet(channel)) for channel in (*channels, 77))
    answer = f"RTSP/1.0 200 OK\r\nSession: 1\r\nTransport: {said}\r\n\r\n".encode()
    with ScriptedCamera(instead(SETUP=answer, PLAY=early + reply().encode())) as camera:
        client = opened(camera)
        try:
            packets, reports = Fed(), Fed()
            Interleaved(client).setup("track1", packets, reports.report)  # type: ignore[arg-type]
            client.play()
            until(client, lambda: packets and reports)
            camera.send(interleaved(channels[0], packet(99)))
            until(client, lambda: len(packets) > 1)
        finally:
            client.close()
    assert (packets, reports) == ([channels[0], 99], [channels[1]])


def test_two_tracks() -> None:
    """Each has channels of its own, and the session of the first."""
    with ScriptedCamera() as camera:
        client = opened(camera)
        transport = Interleaved(client)
        transport.setup("track1", Fed(), Fed().report)  # type: ignore[arg-type]
        transport.setup("track2", Fed(), Fed().report)  # type: ignore[arg-type]
        client.close()
        assert sorted(client.channels) == [0, 1, 2, 3]
        first, second = camera.requests[1:3]
        assert second.headers["transport"].endswith("interleaved=2-3")
        assert ("session" in first.headers, second.headers["session"]) == (False, "12345678")


@pytest.mark.parametrize(
    ("session", "seconds"),
    [
        ("Session: 1;timeout=60", 30),
        ("Session: 1 ; Timeout = 10", 5),
        ("Session: 1;timeout=1", 1),
        ("Session: 1;timeout=0", 30),
        ("Session: 1;timeout=" + "9" * 5000, 30),
        ("Session: 1", 30),
    ],
)
def test_signs_of_life(session: str, seconds: float, clock: Clock) -> None:
    """At half of the session's time, again and again."""
    with ScriptedCamera(instead(SETUP=reply(200, session))) as camera, playing(camera) as client:
        until(client, lambda: client._granted)
        for turn in (1, 2, 3):
            clock.now += seconds - 0.125
            assert not client.keep_alive()
            clock.now += 0.125
            assert client.keep_alive()
            wait_until(lambda turn=turn: camera.methods.count("GET_PARAMETER") == turn)
        assert camera.requests[-1].headers["session"] == "1"


def test_another_sign_of_life(clock: Clock) -> None:
    """A camera that refuses GET_PARAMETER gets OPTIONS, at once and from then on; refused too, that is all."""
    with ScriptedCamera(instead(GET_PARAMETER=reply(501), OPTIONS=reply(405))) as camera, playing(camera) as client:
        until(client, lambda: client._granted)
        clock.now += 31
        until(client, lambda: "OPTIONS" in camera.methods)
        clock.now += 31
        until(client, lambda: camera.methods.count("OPTIONS") == 2)
        camera.send(REQUEST)  # what came before it has been heard when it is answered
        until(client, lambda: camera.answers)
        assert camera.methods[3:] == ["GET_PARAMETER", "OPTIONS", "OPTIONS"]


@pytest.mark.parametrize("says_stale", [True, False])
def test_a_nonce_that_grows_old(says_stale: bool, clock: Clock) -> None:
    """The sign of life is given again at once, with the new nonce."""
    guard = Guard()
    guard.says_stale = says_stale
    with ScriptedCamera(guard) as camera, playing(camera, "viewer", "geheim") as client:
        until(client, lambda: client._granted)
        for turn in (1, 2):
            guard.expire()
            clock.now += 31
            until(client, lambda turn=turn: camera.methods.count("GET_PARAMETER") == 2 * turn)
            assert guard.nonce in camera.requests[-1].headers["authorization"]


def test_a_password_that_was_changed(clock: Clock) -> None:
    """Pictures go on as long as the camera sends them; the sign of life is not repeated for ever."""
    guard = Guard()
    with ScriptedCamera(guard) as camera, playing(camera, "viewer", "geheim") as client:
        until(client, lambda: client._granted)
        guard.password = "another"
        clock.now += 31
        until(client, lambda: camera.methods.count("GET_PARAMETER") == 2)
        camera.send(REQUEST)
        until(client, lambda: camera.answers)
        assert camera.methods.count("GET_PARAMETER") == 2


REQUEST = b"OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 42\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("OPTIONS", "200 OK"),
        ("GET_PARAMETER", "200 OK"),
        ("SET_PARAMETER", "200 OK"),
        ("ANNOUNCE", "501 Not Implemented"),
    ],
)
def test_the_camera_asks(method: str, status: str) -> None:
    """It is answered, with its own number, in the middle of the dialogue and of the packets."""
    asked = REQUEST.replace(b"OPTIONS", method.encode())
    with ScriptedCamera() as camera:
        camera.script = lambda request: asked + str(obliging(request)).replace("\r\n", "\r\nCSeq: 1\r\n", 1).encode()
        with playing(camera) as client:
            until(client, lambda: len(camera.answers) >= 3)
            camera.send(interleaved(0, b"x") + asked + interleaved(0, b"y"))
            until(client, lambda: len(camera.answers) >= 4)
        assert set(camera.answers) == {f"RTSP/1.0 {status}\r\nCSeq: 42"}


@pytest.mark.parametrize(("said", "kind"), [(HANG_UP.encode(), "ended"), (b"<html>", "broken")])
def test_the_end(said: bytes, kind: str) -> None:
    """The camera hangs up, or loses its tongue, while it plays."""
    with ScriptedCamera(instead(PLAY=reply().encode() + said)) as camera, playing(camera) as client:
        assert failure_of(lambda: until(client, lambda: False)).kind == kind


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """What a camera signed for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "camera")])
    day = datetime.datetime(2020, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(day).not_valid_after(day + datetime.timedelta(1))
    file = tmp_path / "camera.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_tls(certificate: ssl.SSLContext) -> None:
    """A camera that signed for itself; many small records are read in one turn, not one in each."""
    with ScriptedCamera(Guard(), tls=certificate) as camera, playing(camera, "viewer", "geheim") as client:
        got: list[int] = []
        client.channels[0] = lambda data, at, end: got.append(data[at])
        until(client, lambda: client._granted)
        for number in range(50):
            camera.send(interleaved(0, bytes((number,))))
        steps = [0]
        while steps[-1] < 50:
            until(client, lambda: len(got) > steps[-1])
            steps.append(len(got))
        assert got == list(range(50))
        assert len(steps) < 26, "one record a turn"
