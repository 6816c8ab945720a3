"""The regular sign of life: when it is due, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo

from camtrace.mail.compose import CameraReport, DiskReport, Report
from camtrace.mail.ports import Cameras, Footage, Volume
from camtrace.mail.settings import MailSettings
from camtrace.model import Camera, Gap, Span

_DAYS = {"day": 1, "week": 7}
SHORTEST_GAP = timedelta(seconds=5)  # what is shorter is not told one by one


class Reporter:
    """Says how the server did: cameras, recordings, disks."""

    def __init__(
        self, cameras: Cameras, footage: Footage, volumes: Callable[[], Sequence[Volume]], version: str
    ) -> None:
        self._cameras = cameras
        self._footage = footage
        self._volumes = volumes
        self._version = version

    async def report(self, start: datetime, stop: datetime) -> Report:
        """What happened from `start` to `stop`, and how things stand now. Raises DatabaseUnavailable."""
        start, stop = start.astimezone(UTC), stop.astimezone(UTC)  # a day of the shop's clock may have 25 hours
        cameras = [await self._camera(camera, start, stop) for camera in self._cameras.all()]
        disks = [DiskReport(one.name, one.state, one.free_bytes, one.why) for one in self._volumes()]
        return Report(start, stop, self._version, tuple(cameras), tuple(disks))

    async def _camera(self, camera: Camera, start: datetime, stop: datetime) -> CameraReport:
        state = self._cameras.state(camera.uid)
        gaps = await self._footage.gaps(camera.uid, start, stop)
        recorded = None
        if camera.regular.calendar == "always":
            recorded = share(await self._footage.spans(camera.uid, "regular", start, stop), start, stop)
        return CameraReport(camera, state, recorded, tuple(gap for gap in gaps if _is_long(gap, stop)))


def share(spans: Sequence[Span], start: datetime, stop: datetime) -> float:
    """The part of the time from `start` to `stop` that the spans cover, 0..1; where they overlap it counts once."""
    covered, reached = timedelta(), start
    for span in sorted(spans, key=lambda span: span.start):
        begin, end = max(span.start, reached), min(span.stop, stop)
        if end > begin:
            covered += end - begin
            reached = end
    return min(1.0, covered / (stop - start)) if stop > start else 0.0


def latest_due(settings: MailSettings, now: datetime, zone: tzinfo) -> datetime | None:
    """The last instant up to `now` at which a sign of life was due; None if none was since it was set."""
    if settings.life not in _DAYS:
        return None
    day = now.astimezone(zone).date()
    for back in range(8):
        date = day - timedelta(days=back)
        due = datetime.combine(date, time(settings.life_hour), zone)
        if due <= now and (settings.life == "day" or date.weekday() == 0):
            return None if settings.since is not None and due < settings.since else due
    return None


def period_start(settings: MailSettings, due: datetime, zone: tzinfo) -> datetime:
    """When the sign of life before the one at `due` was due: by the shop's clock, whatever summer time does."""
    before = due.astimezone(zone).date() - timedelta(days=_DAYS[settings.life])
    return datetime.combine(before, time(settings.life_hour), zone)


def _is_long(gap: Gap, stop: datetime) -> bool:
    return (gap.stop or stop) - gap.start >= SHORTEST_GAP
