"""Which camera a file name means."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from camtrace.ftp.names import MAX_NAME, last_part, which
from camtrace.model import Camera


def encoder(*channels: int, port: int = 80) -> list[Camera]:
    """The channels of one encoder."""
    return [Camera(uid=channel, id=channel, name="", channel=channel, http_port=port) for channel in channels]


def behind_a_router(*ports: int) -> list[Camera]:
    """Cameras of a remote site, told apart by the port of their pages."""
    return [Camera(uid=port, id=port, name="", http_port=port) for port in ports]


def found(name: str, cameras: list[Camera]) -> int | str:
    """The number of the camera, or the reason why there is none."""
    camera, reason = which(name, cameras)
    assert (camera is None) == bool(reason)
    return reason if camera is None else camera.id


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("image1.jpg", 1),
        ("image2", 2),
        ("image3_2007-06-01.jpg", 3),
        ("image4-00017.jpg", 4),
        ("image107-06-01_12-30-05-11.jpg", 1),
        ("image4070601_123005_01.jpg", 4),
        ("image320070601123005.jpg", 3),
        ("image200001.jpg", 2),
        ("image20000001.jpg", 2),
        ("image201.jpg", 2),
        ("image15.jpg", 1),
        ("IMAGE2.JPG", 2),
        ("2007-06-01/image3.jpg", 3),
        ("C:\\alarms\\image3.jpg", 3),
        ("image1.jpg.tmp", 1),
        ("image1.jpg.0001", 1),
        ("image.jpg", "unnamed"),
        ("image5.jpg", "unnamed"),
        ("image80.jpg", "ambiguous"),
        ("snapshot1.jpg", "unnamed"),
        ("my_image1.jpg", "unnamed"),
        ("image-1.jpg", "unnamed"),
        ("image01.jpg", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_an_encoder_of_four_channels(name: str, id: int | str) -> None:
    """Every suffix that cameras are known to put behind the base name."""
    assert found(name, encoder(1, 2, 3, 4)) == id


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("image80.jpg", 80),
        ("image81.jpg", 81),
        ("image8080.jpg", 8080),
        ("image8000001.jpg", 80),
        ("image80_8080.jpg", 80),
        ("image8080_00001.jpg", 8080),
        ("image8007-06-01_12-30-05-11.jpg", 80),
        ("image1.jpg", "ambiguous"),
        ("image82.jpg", "unnamed"),
    ],
)
def test_cameras_behind_a_router(name: str, id: int | str) -> None:
    """All are channel 1 of themselves: only the port tells them apart."""
    assert found(name, behind_a_router(80, 81, 8080)) == id


def test_one_camera_needs_no_name() -> None:
    """Whatever it calls its pictures."""
    assert found("anything.mp4", encoder(7)) == 7
    assert found("image2.jpg", encoder(7)) == 7
    assert found("image1.jpg", []) == "stranger"


def test_an_encoder_and_a_camera_at_one_address() -> None:
    """A channel is the encoder's where the camera has a port of its own to be named by."""
    there = [*encoder(1, 2), *behind_a_router(8081)]
    assert [found(f"image{number}.jpg", there) for number in (1, 2, 8081)] == [1, 2, 8081]


def test_a_camera_that_is_declared_twice() -> None:
    """Nothing tells them apart."""
    twice = [Camera(uid=1, id=1, name="a"), Camera(uid=2, id=2, name="b")]
    assert found("image1.jpg", twice) == found("image80.jpg", twice) == "ambiguous"


DIGITS = st.text("0123456789", min_size=1)
SEPARATED = st.builds(lambda separator, rest: separator + rest, st.sampled_from("_-. "), st.text(max_size=30))
DATES = st.datetimes().map(lambda at: at.strftime("%y-%m-%d_%H-%M-%S-00")) | st.datetimes().map(
    lambda at: at.strftime("%y%m%d_%H%M%S_01")
)
COUNTERS = st.integers(0, 99999).map("{:05d}".format) | st.integers(0, 9999999).map("{:07d}".format)


@given(st.sets(st.integers(1, 99), min_size=2, max_size=16), st.data())
def test_a_separator_ends_the_number(channels: set[int], data: st.DataObject) -> None:
    """Whatever follows it."""
    suffix = data.draw(SEPARATED)
    assume("/" not in suffix and "\\" not in suffix)
    channel = data.draw(st.sampled_from(sorted(channels)))
    assert found(f"image{channel}{suffix}", encoder(*channels, port=8000)) == channel


@given(st.sets(st.integers(1, 16), min_size=2), st.data())
def test_known_suffixes_without_a_separator(channels: set[int], data: st.DataObject) -> None:
    """A date, or a counter of a fixed length, of an encoder of any size."""
    channel = data.draw(st.sampled_from(sorted(channels)))
    suffix = data.draw(DATES | COUNTERS)
    assert found(f"image{channel}{suffix}.jpg", encoder(*channels, port=65535)) == channel


@given(st.sets(st.integers(1, 9), min_size=2), DIGITS, st.data())
def test_any_counter_without_a_separator(channels: set[int], counter: str, data: st.DataObject) -> None:
    """Where no number begins with another, anything may follow."""
    channel = data.draw(st.sampled_from(sorted(channels)))
    name = f"image{channel}{counter}.jpg"
    assume(not name.startswith("image80"))  # the port that all of them share
    assert found(name, encoder(*channels)) == channel


@given(st.sets(st.integers(20, 65535), min_size=2, max_size=20), st.data())
def test_a_port_alone(ports: set[int], data: st.DataObject) -> None:
    """The whole number is what it says, whichever numbers it begins with."""
    port = data.draw(st.sampled_from(sorted(ports)))
    assert found(f"image{port}.jpg", behind_a_router(*ports)) == port


CAMERAS = st.lists(
    st.builds(
        lambda channel, port: Camera(uid=0, id=1, name="", channel=channel, http_port=port),
        st.integers(1, 100),
        st.integers(1, 65535),
    ),
    max_size=6,
)


@given(st.text() | DIGITS.map("image{}".format), CAMERAS)
def test_anything(name: str, cameras: list[Camera]) -> None:
    """No name is a fault; what is found is one of them."""
    camera, reason = which(name, cameras)
    assert camera in cameras if camera is not None else reason in ("stranger", "unnamed", "ambiguous")


@given(st.text())
def test_the_last_part_is_fit_to_be_shown(path: str) -> None:
    """One line, not too long, without a folder."""
    name = last_part(path)
    assert len(name) <= MAX_NAME and (not name or name.isprintable()) and "/" not in name
