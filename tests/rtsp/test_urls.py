"""What the URLs of players ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camtrace.errors import CamTraceError, Invalid, NotFound
from camtrace.rtsp.urls import Asked, Period, Target, base, parse

NOW = datetime(2026, 11, 20, 12, 0, 0, 500000, UTC)
START = datetime(2024, 2, 29, 14, tzinfo=UTC)
STOP = datetime(2024, 2, 29, 15, 10, tzinfo=UTC)
SPAN = Target("regular", 3, Period(START, STOP))


@pytest.mark.parametrize(
    ("path", "target"),
    [
        # the RTSP user guide (v1.0), section 2.2
        ("/player/regul/3/?start=1709215200", Target("regular", 3, Period(START, NOW))),
        ("/player/alarm/3/?start=1709215200", Target("alarm", 3, Period(START, NOW))),
        ("/player/alarm/3/?start=1709215200&stop=1709219400", Target("alarm", 3, Period(START, STOP))),
        ("/player/regul/3/?rstart=180", Target("regular", 3, Period(NOW - timedelta(seconds=180), NOW))),
        # its grammar, without the slash
        ("/player/regul/3?start=1709215200&stop=1709219400", SPAN),
        ("/player/regul/3", Target("regular", 3)),
        ("/player/regul/3/", Target("regular", 3)),
        ("/player/regul/3/?", Target("regular", 3)),
        ("/player/regul/3?start=1709215200&stop=1709219400/", SPAN),
        (
            "/player/regul/3?rstart=60&rstop=30",
            Target("regular", 3, Period(NOW - timedelta(seconds=60), NOW - timedelta(seconds=30))),
        ),
        (
            "/player/regul/3?rstop=30",
            Target("regular", 3, Period(NOW - timedelta(seconds=60), NOW - timedelta(seconds=30))),
        ),
        ("/player/regul/3?stop=1709219400", Target("regular", 3, Period(STOP - timedelta(seconds=60), STOP))),
        (
            "/player/regul/3?start=1709215200.250&stop=1709219400",
            Target("regular", 3, Period(START + timedelta(milliseconds=250), STOP)),
        ),
        ("/player/regul/3?start=2024-02-29T14:00:00Z&stop=2024-02-29T15:10:00Z", SPAN),
        ("/player/regul/3?start=2024-02-29T15:00:00%2B01:00&stop=2024-02-29T16:10:00+01:00", SPAN),
        ("/player/regul/3?start=20240229T140000Z&stop=1709219400", SPAN),
        ("/player/regul/3?start=1709215200&follow=1", Target("regular", 3, Period(START, None))),
        ("/player/regul/3?start=1709215200&stop=1709219400&gaps=keep", Target("regular", 3, Period(START, STOP, True))),
        ("/player/regul/3?follow=1", Target("regular", 3, Period(NOW - timedelta(seconds=60), None))),
        # a stop in the future is now
        ("/player/regul/3?start=1709215200&stop=9999999999", Target("regular", 3, Period(START, NOW))),
        # the form this server gives out
        ("/player/regul/3/@1709215200.000-1709219400.000/", SPAN),
        ("/player/regul/3/@1709215200-1709219400", SPAN),
        ("/player/regul/3/@1709215200.000-/", Target("regular", 3, Period(START, None))),
        ("/player/regul/3/@1709215200.000-1709219400.000-keep/", Target("regular", 3, Period(START, STOP, True))),
        ("/live/3", Target("live", 3)),
        ("/live/3/", Target("live", 3)),
        ("/live/3/sub", Target("live", 3, None, "sub")),
    ],
)
@pytest.mark.parametrize(
    ("ending", "track"), [("", None), ("/", None), ("/track1", 1), ("/trackID=2", 2), ("/trackID=0/", 0)]
)
def test_every_form(path: str, target: Target, ending: str, track: int | None) -> None:
    """The track comes last, behind the path or behind the query."""
    asked = parse("rtsp://h:8554" + path.removesuffix("/") + ending, NOW)
    assert (asked.target, asked.track) == (target, track)
    path, question, query = path.partition("?")
    if question:  # the Axis way: the track in the path, the query behind it
        asked = parse(f"rtsp://h:8554{path.rstrip('/')}{ending}?{query}", NOW)
        assert (asked.target, asked.track) == (target, track)


@pytest.mark.parametrize(
    "query",
    [
        "start=1709219400&stop=1709215200",
        "start=1709215200&stop=1709215200",
        "rstart=30&rstop=60",
        "start=yesterday",
        "start=1709215200&rstart=5",
        "start=1e5",
        "rstart=abc",
        "start=99999999999999999999",
        "start=2024-13-01",
    ],
)
def test_unusable_periods(query: str) -> None:
    """Inverted, empty, unreadable."""
    with pytest.raises(Invalid):
        parse(f"rtsp://h/player/regul/3?{query}", NOW)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/player",
        "/player/regul",
        "/player/regular/3",
        "/live",
        "/live/x",
        "/player/regul/-1",
        "/x/track1",
        "/live/3/x",
        "/player/regul/3?start=9999999999",
        "/player/regul/3/4/5",
        "/player/regul/٣",
    ],
)
def test_nothing_there(path: str) -> None:
    """Paths that name nothing, and the future."""
    with pytest.raises(NotFound):
        parse("rtsp://h" + path, NOW)


def test_what_was_lost() -> None:
    """The connection's DESCRIBE fills in what a player lost, and only that."""
    described = Asked(SPAN, None, parse("rtsp://h/player/regul/3?start=1709215200&stop=1709219400", NOW).text)
    lost_query = parse("rtsp://h/player/regul/3/track1", NOW)
    lost_camera = parse("rtsp://h/player/regul/track1", NOW)
    other_camera = parse("rtsp://h/player/regul/4/track1", NOW)
    assert lost_query.within(described) == SPAN
    assert lost_camera.target is None
    assert lost_camera.within(described) == SPAN
    assert lost_camera.within(None) is None
    assert other_camera.within(described) == Target("regular", 4)
    other_period = parse("rtsp://h/player/regul/3?start=1709215201&stop=1709219400/track1", NOW)
    assert other_period.within(described) == other_period.target


def test_relative_period_stays_as_described() -> None:
    """`rstart=60` in the SETUP is the minute that was described, not one that ends a second later."""
    first = parse("rtsp://h/player/regul/3/?rstart=60", NOW)
    later = parse("rtsp://h/player/regul/3/?rstart=60/track1", NOW + timedelta(seconds=1))
    assert later.target != first.target
    assert later.within(first) == first.target


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("stop", [None, STOP])
@pytest.mark.parametrize("kind", ["regular", "alarm"])
def test_fixed_form_round_trip(kind: str, stop: datetime | None, keep: bool) -> None:
    """The form given out as Content-Base is read as the same presentation; the host is the client's."""
    target = Target(kind, 12, Period(START + timedelta(milliseconds=7), stop, keep))
    url = base("rtsp://user@[2001:db8::1]:8554/whatever?x=1", target)
    assert url.startswith("rtsp://[2001:db8::1]:8554/player/")
    assert url.endswith("/")
    assert parse(url + "track1", NOW) == Asked(target, 1, parse(url, NOW).text)


def test_live_round_trip() -> None:
    """Live pictures, main and second stream."""
    for target in (Target("live", 3), Target("live", 3, None, "sub")):
        assert parse(base("rtsp://h/x", target), NOW).target == target


@given(st.text(max_size=80))
def test_any_url(text: str) -> None:
    """Any text parses or raises an error fit for a person."""
    for url in (
        text,
        "rtsp://h/player/regul/" + text,
        "rtsp://h/player/regul/3/@" + text,
        "rtsp://h/live/1?start=" + text,
    ):
        try:
            parse(url, NOW)
        except CamTraceError as error:
            assert str(error)
