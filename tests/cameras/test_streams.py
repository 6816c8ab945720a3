"""Addresses of the makers' streams, and what may be shown of an address."""

from __future__ import annotations

import pytest

from camtrace.cameras.status import REASONS, judge
from camtrace.cameras.streams import stream_url, without_login
from camtrace.errors import FAILURE_KINDS, StreamFailure
from camtrace.model import Camera
from camtrace.notes import TEXTS


def url(**fields: object) -> str:
    return stream_url(Camera(uid=1, id=1, name="x", address="10.0.0.5", **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"model": "Axis 2100"}, "http://10.0.0.5/axis-cgi/mjpg/video.cgi?camera=1"),
        ({"model": "AXIS 2120", "codec": "h264"}, "http://10.0.0.5/axis-cgi/mjpg/video.cgi?camera=1"),
        ({"model": "axis 241Q", "channel": 3, "http_port": 81}, "http://10.0.0.5:81/axis-cgi/mjpg/video.cgi?camera=3"),
        ({"model": "Axis P1344", "codec": "mjpeg"}, "http://10.0.0.5/axis-cgi/mjpg/video.cgi?camera=1"),
        (
            {"model": "Axis P1344", "codec": "h264", "http_port": 81},
            "rtsp://10.0.0.5/axis-media/media.amp?videocodec=h264&camera=1",
        ),
        ({"model": "Axis 211", "codec": "mpeg4"}, "rtsp://10.0.0.5/mpeg4/1/media.amp"),
        ({"model": "Sony SNC-RZ25"}, "http://10.0.0.5/image"),
        ({"model": "SNC-DH110", "codec": "mjpeg"}, "http://10.0.0.5/mjpeg"),
        ({"model": "Sony SNC-CH140", "codec": "h264"}, "rtsp://10.0.0.5/media/video1"),
        ({"model": "Mobotix M12"}, "http://10.0.0.5/control/faststream.jpg?stream=full&fps=0"),
        ({"model": "Toaster"}, ""),
        ({"model": ""}, ""),
        ({"model": "Axis 2100", "url": "rtsp://other/x"}, "rtsp://other/x"),
    ],
)
def test_by_model(fields: dict[str, object], expected: str) -> None:
    assert url(**fields) == expected


def test_ipv6() -> None:
    camera = Camera(uid=1, id=1, name="x", address="fe80::1", model="Axis 207")
    assert stream_url(camera).startswith("http://[fe80::1]/")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("rtsp://u:p@h:1/x?y=1", "rtsp://h:1/x?y=1"),
        ("rtsp://u:p@ss@h/x", "rtsp://h/x"),
        ("http://h/x", "http://h/x"),
        ("http://[::1/x", ""),
    ],
)
def test_without_login(given: str, shown: str) -> None:
    assert without_login(given) == shown


@pytest.mark.parametrize("kind", FAILURE_KINDS)
def test_every_failure_has_words(kind: str) -> None:
    """Each kind of failure has a reason for the page and a sentence for the journal."""
    assert judge(StreamFailure(kind, "h", 1, 401)).reason in REASONS
    assert kind in REASONS
    assert f"camera_lost_{kind}" in TEXTS
