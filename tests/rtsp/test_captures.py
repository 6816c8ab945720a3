"""The request sequences of real players, as captured, replayed against the server."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from support.clips import START, ClipFootage
from support.rtsp_client import Client, World
from support.rtsp_server import Served

CAPTURES = sorted((Path(__file__).parent / "captures").glob("*.txt"))


def requests(capture: Path) -> list[str]:
    """The client's requests in order; an interleaved frame of it is "$"."""
    found = []
    for block in capture.read_text().split("\n\n"):
        lines = [line[3:] for line in block.splitlines() if line.startswith("C: ")]
        if lines and lines[0].startswith("<"):
            found.append("$")
        elif lines:
            found.append("\r\n".join(lines) + "\r\n\r\n")
    return found


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "byte by byte"])
def test_capture(capture: Path, whole: bool) -> None:
    """Every request is answered with success, whatever the player made of the URL, and the pictures come."""
    world = World()
    served = Served(world, ClipFootage("vtest_h264_baseline.mp4", 3), now=lambda: START + timedelta(days=1))
    client = Client(served, world)
    session = ""
    for text in requests(capture):
        if text == "$":
            client.turn(5)
            client.send(b"$\x01\x00\x08\x80\xc9\x00\x01\x00\x00\x00\x07")
            continue
        if text.startswith("TEARDOWN"):
            client.turn(5)
        data = re.sub(r"Session: .*\r", f"Session: {session}\r", text).encode()
        answers = client.send(data) if whole else [one for byte in data for one in client.send(bytes((byte,)))]
        (answer,) = answers
        assert answer.status == 200, (text, answer)
        session = answer.headers.get("session", session).partition(";")[0]
        _check(text, answer.headers)
    client.turn(5)
    if "tcp" in capture.name:
        pictures = {frame.timestamp for frame in client.rtp()}
        ended = [frame for frame in client.rtcp() if frame.is_bye]
    else:
        pictures = {int.from_bytes(packet[4:8], "big") for packet in world.ports[0].sent}
        ended = [packet for packet in world.ports[1].sent if packet[-8:-4] == b"\x81\xcb\x00\x01"]
        assert world.ports[0].peer == ("192.0.2.7", int(re.search(r"client_port=(\d+)", capture.read_text())[1]))
    assert len(pictures) == 120
    assert len(ended) == 1 or ("udp" in capture.name and len(ended) in (2, 3))  # said again until TEARDOWN


def _check(request: str, headers: dict[str, str]) -> None:
    """What these players insist on."""
    method, _url = request.split(" ")[:2]
    if method == "SETUP":
        assert re.fullmatch(r"[0-9a-f]+;timeout=60", headers["session"])
        asked = re.search(r"(?:interleaved|client_port)=\d+-\d+", request)
        assert asked is not None and asked[0] in headers["transport"]
        assert "," not in headers["transport"]
    if method == "DESCRIBE":
        assert headers["content-base"] == "rtsp://127.0.0.1:8554/player/regul/3/@1709215200.000-1709219400.000/"
    if method == "PLAY":
        assert headers["range"] == "npt=0.000-4.000"
        assert re.fullmatch(r"url=\S+/track1;seq=\d+;rtptime=[1-9]\d*", headers["rtp-info"])
