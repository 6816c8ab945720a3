"""Which picture goes with an alarm's mail: that of its instant, whenever it was raised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from camtrace.mail.stills import Stills
from camtrace.model import Alarm, Camera

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CAMERA = Camera(uid=101, id=1, name="Till")


class Known:
    """The pictures that came with alarms, and the cameras."""

    def __init__(self, came: bytes | None) -> None:
        self.came = came

    def of(self, alarm_id: int) -> bytes | None:
        return self.came

    def by_uid(self, uid: int) -> Camera | None:
        return CAMERA if uid == 101 else None


class Live:
    async def picture(self, camera_uid: int) -> bytes:
        return b"now"


class Recorded:
    def __init__(self, written: bool) -> None:
        self.written = written

    async def picture(self, camera: Camera, at: datetime) -> bytes | None:
        return at.strftime("%S").encode() if self.written else None


@pytest.mark.parametrize(
    ("age", "came", "is_recorded", "written", "expected"),
    [
        (20, b"its own", True, True, b"its own"),
        (1, None, True, True, b"now"),
        (20, None, True, True, b"40"),
        (3, None, True, False, None),  # it is not on the disk yet: asked for again
        (3, None, False, False, b"now"),
        (20, None, False, False, None),  # what the camera shows now is another matter
    ],
)
def test_the_picture_of_its_instant(
    age: int, came: bytes | None, is_recorded: bool, written: bool, expected: bytes | None
) -> None:
    known = Known(came)
    stills = Stills(known, Live(), Recorded(written), known, lambda camera: is_recorded, lambda: NOON)
    at = NOON - timedelta(seconds=age)
    alarm = Alarm(id=1, camera_uid=101, started_at=at, last_at=at, until=at)
    asked = stills.picture(alarm, at)
    with pytest.raises(StopIteration) as answered:
        asked.send(None)
    assert answered.value.value == expected
