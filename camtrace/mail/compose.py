"""Facts in the words of a letter: subject, what happened, a link to the recording. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from urllib.parse import urlsplit

from camtrace.i18n import N_, Translations
from camtrace.mail.wire import Letter
from camtrace.model import Alarm, Camera, CameraState, Gap, Status, Trigger

CAUSES = {
    "tcp": N_("message on the control channel"),
    "http": N_("HTTP message"),
    "ftp": N_("picture sent by FTP"),
    "motion": N_("motion seen by CamTrace"),
    "camera_motion": N_("motion seen by the camera"),
    "audio": N_("sound"),
    "tampering": N_("camera covered or turned away"),
    "contact": N_("contact"),
    "input": N_("input of the camera"),
    "program": N_("another program"),
    "rule": N_("exception at the till"),
}
GAPS = {
    "camera": N_("the camera was lost"),
    "restart": N_("CamTrace was restarted"),
    "disk": N_("the disk was full or absent"),
    "clock": N_("the clock was set"),
    "overload": N_("the server was too slow"),
    "codec": N_("the camera changed its kind of picture"),
    "settings": N_("recording was switched off or changed"),
}
MOST_ROWS = 40  # of a list in a mail; what is more is counted
_GIGABYTE = 1e9
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Place:
    """Where mails come from: the shop's name and clock, and the address of its pages, without a slash at the end."""

    name: str
    zone: tzinfo
    base_url: str


@dataclass(frozen=True, slots=True)
class CameraReport:
    """How a camera did since the last sign of life. `recorded`: the part of the time, 0..1; None: none was wanted."""

    camera: Camera
    state: CameraState
    recorded: float | None
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class DiskReport:
    """How a volume does. `state`: "ok", "full" or "absent"."""

    name: str
    state: str
    free_bytes: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a sign of life tells of the time from `start` to `stop`."""

    start: datetime
    stop: datetime
    version: str
    cameras: tuple[CameraReport, ...] = ()
    disks: tuple[DiskReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Author:
    """Writes letters of one shop in one language. `reasons`: what a camera does, by the code of its state."""

    place: Place
    spoken: Translations
    reasons: Mapping[str, str] = field(default_factory=dict)

    # ── one method a kind ──

    def alarm(self, camera: Camera, alarm: Alarm, trigger: Trigger | None = None) -> Letter:
        """An alarm has begun. `trigger` is the one that the mail is about, if it is known."""
        _ = self.spoken.gettext
        origin = trigger.origin if trigger else ""
        message = trigger.message if trigger else ""
        return self._letter(
            _("Alarm: {camera}"),
            _("Alarm on camera {number}, {camera}"),
            camera,
            [
                (_("Time"), self.instant(alarm.started_at)),
                (_("Cause"), self.causes(alarm.causes)),
                (_("Told by"), origin),
                (_("Message"), message),
            ],
            at=alarm.started_at,
        )

    def exception(self, camera: Camera, trigger: Trigger) -> Letter:
        """A rule was met by what a till said."""
        _ = self.spoken.gettext
        return self._letter(
            _("Exception: {what}"),
            _("An exception before camera {number}, {camera}"),
            camera,
            [
                (_("Time"), self.instant(trigger.at)),
                (_("Rule"), trigger.origin),
                (_("What was said"), trigger.message.removeprefix(f"{trigger.origin} · ")),
            ],
            at=trigger.at,
            what=trigger.message or trigger.origin,
        )

    def contact(self, camera: Camera, alarm: Alarm, trigger: Trigger | None = None) -> Letter:
        """A contact box has raised an alarm."""
        _ = self.spoken.gettext
        return self._letter(
            _("Contact: {camera}"),
            _("A contact raised an alarm on camera {number}, {camera}"),
            camera,
            [
                (_("Time"), self.instant(alarm.started_at)),
                (_("Contact box"), trigger.origin if trigger else ""),
                (_("Message"), trigger.message if trigger else ""),
            ],
            at=alarm.started_at,
        )

    def lost(self, camera: Camera, state: CameraState, since: datetime) -> Letter:
        """A camera has sent nothing since `since`."""
        _ = self.spoken.gettext
        return self._letter(
            _("Camera lost: {camera}"),
            _("Camera {number}, {camera}, is lost"),
            camera,
            [
                (_("Since"), self.instant(since)),
                (_("What it does"), self.reason(state)),
                (_("Network address"), camera.address),
            ],
            note=_("Nothing of it is recorded until it is back. You are told when it is."),
        )

    def back(self, camera: Camera, since: datetime, at: datetime) -> Letter:
        """A camera that was lost since `since` sends pictures again."""
        _ = self.spoken.gettext
        return self._letter(
            _("Camera back: {camera}"),
            _("Camera {number}, {camera}, sends pictures again"),
            camera,
            [
                (_("Lost since"), self.instant(since)),
                (_("Back since"), self.instant(at)),
                (_("Not recorded for"), self.duration((at - since).total_seconds())),
            ],
            at=at,
        )

    def purge(self, volume: str, until: datetime | None, files: int, megabytes: int) -> Letter:
        """Recordings were erased to make room."""
        _ = self.spoken.gettext
        return self._letter(
            _("The disk made room"),
            _("Recordings were erased because the disk was full"),
            None,
            [
                (_("Volume"), volume),
                (_("Erased up to"), self.instant(until) if until else ""),
                (_("Files"), self.spoken.figure(files)),
                (_("Size"), f"{self.spoken.figure(megabytes)} MB"),
            ],
            note=_("This mail comes once a day at most for each volume, however often room is made."),
        )

    def digest(self, camera: Camera, alarms: Sequence[Alarm], count: int, first: datetime, last: datetime) -> Letter:
        """`count` alarms from `first` to `last` were not mailed one by one; `alarms` are those that are listed."""
        _ = self.spoken.gettext
        words = self.spoken.ngettext("{count} more alarm", "{count} more alarms", count)
        lines = [f"{self.instant(alarm.started_at)}  {self.causes(alarm.causes)}" for alarm in alarms]
        return self._letter(
            f"{words}: {{camera}}",
            _("Alarms of camera {number}, {camera}, that had no mail of their own"),
            camera,
            [(_("From"), self.instant(first)), (_("to"), self.instant(last))],
            lists=[("", self._at_most(lines, count))],
            at=first,
            note=_("The camera had more alarms within an hour than are mailed one by one."),
            count=self.spoken.figure(count),
        )

    def life(self, number: int, report: Report, may_see: Sequence[int] | None = None) -> Letter:
        """The server is alive: sign number `number`. `may_see`: uids of the cameras told of; None for all."""
        _ = self.spoken.gettext
        cameras = [one for one in report.cameras if may_see is None or one.camera.uid in may_see]
        lost = sum(one.state.status in (Status.INACTIVE, Status.ERROR) for one in cameras)
        absent = sum(disk.state != "ok" for disk in report.disks)
        subject = (
            _("Sign of life {number}: all is well")
            if not lost and not absent
            else self.spoken.ngettext(
                "Sign of life {number}: {count} thing to look at",
                "Sign of life {number}: {count} things to look at",
                lost + absent,
            )
        )
        gaps = [
            f"{one.camera.name}: {self.instant(gap.start)} – {self.time(gap.stop) if gap.stop else '…'},"
            f" {_(GAPS.get(gap.cause, gap.cause))}"
            for one in cameras
            for gap in one.gaps
        ]
        return self._letter(
            subject,
            _("CamTrace is running"),
            None,
            [
                (_("From"), self.instant(report.start)),
                (_("to"), self.instant(report.stop)),
                (_("Version"), report.version),
            ],
            lists=[
                (_("Cameras"), tuple(self._camera_line(one) for one in cameras) or (_("There is no camera."),)),
                (_("Gaps in the recordings"), self._at_most(gaps, len(gaps)) or (_("none"),)),
                (_("Disks"), tuple(self._disk_line(disk) for disk in report.disks)),
            ],
            path="",
            note=_("Each sign of life has the number after the one before: if one is missing, ask why."),
            number=self.spoken.figure(number),
            count=self.spoken.figure(lost + absent),
        )

    def test(self, at: datetime, by: str) -> Letter:
        """Somebody tries whether mails arrive."""
        _ = self.spoken.gettext
        return self._letter(
            _("A test"),
            _("Mails of CamTrace arrive here"),
            None,
            [(_("Time"), self.instant(at)), (_("Asked for by"), by)],
            path="",
        )

    # ── words ──

    def instant(self, at: datetime) -> str:
        """Day and time by the shop's clock."""
        return f"{self.spoken.short_day(at, self.place.zone)} {self.time(at)}"

    def time(self, at: datetime) -> str:
        """Time of day by the shop's clock."""
        return self.spoken.time(at, self.place.zone)

    def causes(self, causes: Sequence[str]) -> str:
        """Causes of an alarm, as in a list."""
        return ", ".join(self.spoken.gettext(CAUSES.get(cause, cause)) for cause in causes)

    def reason(self, state: CameraState) -> str:
        """What a camera does."""
        words = self.spoken.gettext(self.reasons.get(state.reason, state.reason))
        return words.replace("{detail}", state.detail)

    def duration(self, seconds: float) -> str:
        """Hours, minutes and seconds, 1:02:03."""
        whole = max(0, round(seconds))
        return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"

    def replay(self, camera: Camera, at: datetime) -> str:
        """The address of the page that shows what the camera recorded at an instant."""
        key = str(camera.id) if camera.deleted_at is None else f"uid:{camera.uid}"
        return f"{self.place.base_url}/replay/{key}?at={at.timestamp():.3f}"

    def message_id(self, id: str) -> str:
        """A Message-ID, without its angle brackets, of the part that makes it one of its kind."""
        host = urlsplit(self.place.base_url).hostname or "camtrace"
        return f"{id}@{host if _HOST.fullmatch(host) else 'camtrace'}"

    def _camera_line(self, one: CameraReport) -> str:
        _ = self.spoken.gettext
        if one.recorded is None:
            recorded = _("not recorded all the time")
        else:
            share = self.spoken.figure(round(100 * one.recorded, 2))
            recorded = _("{share} % of the time recorded").format(share=share)
        return f"{one.camera.id}, {one.camera.name}: {self.reason(one.state)}; {recorded}"

    def _disk_line(self, disk: DiskReport) -> str:
        _ = self.spoken.gettext
        words = {"ok": _("ok"), "full": _("full"), "absent": _("absent")}.get(disk.state, disk.state)
        free = self.spoken.figure(round(disk.free_bytes / _GIGABYTE, 1))
        line = _("{volume}: {state}, {free} GB free").format(volume=disk.name, state=words, free=free)
        return f"{line} ({disk.why})" if disk.why else line

    def _at_most(self, lines: Sequence[str], count: int) -> tuple[str, ...]:
        shown = tuple(lines[:MOST_ROWS])
        more = count - len(shown)
        if more <= 0:
            return shown
        words = self.spoken.ngettext("and {count} more", "and {count} more", more)
        return (*shown, words.format(count=self.spoken.figure(more)))

    def _letter(
        self,
        subject: str,
        title: str,
        camera: Camera | None,
        facts: Sequence[tuple[str, str]],
        *,
        lists: Sequence[tuple[str, tuple[str, ...]]] = (),
        at: datetime | None = None,
        path: str | None = None,
        note: str = "",
        **values: str,
    ) -> Letter:
        """A letter with its sentences filled. `at`: link to what `camera` recorded then; `path`: link to a page."""
        _ = self.spoken.gettext
        if camera is not None:
            values = {"camera": camera.name, "number": str(camera.id), **values}
        link = None
        if camera is not None and at is not None:
            link = (_("See the recording"), self.replay(camera, at))
        elif path is not None:
            link = (_("Open CamTrace"), f"{self.place.base_url}/{path}")
        return Letter(
            f"[{self.place.name}] {_filled(subject, values)}",
            _filled(title, values),
            tuple((name, value) for name, value in facts if value),
            tuple((heading, lines) for heading, lines in lists if lines),
            link,
            note,
        )


def _filled(sentence: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        sentence = sentence.replace("{" + name + "}", value)
    return sentence
