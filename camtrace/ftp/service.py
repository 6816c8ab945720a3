"""What uploaded files mean: an alarm on the camera that sent them, with a picture for its mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from twisted.internet import defer
from twisted.logger import Logger

from camtrace.complaints import Complaints
from camtrace.ftp.messages import Arrival, Fault
from camtrace.ftp.names import which
from camtrace.ftp.ports import KeepPicture, Raise, Senders
from camtrace.metrics import Metrics

CROWD = 500  # triggers that wait to become durable: the next file is refused until there are fewer
PICTURE_BYTES = 32 << 20  # of pictures whose triggers wait; beyond that a trigger goes without
# code of a fault → what the log says; the journal's sentence is ftp_CODE. Without words: counted only
REASONS = {
    "refused": "refused: its address is not among [ftp] allow",
    "crowd": "refused: {detail} connections are open",
    "too_many": "refused: it has {detail} connections open",
    "password": "wrong user or password",
    "guessing": "too many wrong passwords: its logins are not looked at for a while",
    "bounce": "refused: it asked for a data connection to {detail}",
    "no_data": "its data connection does not come about",
    "long": "cut off: {detail} is too long",
    "command": "closed: it does not speak FTP",
    "foreign": "",
    "memory": "",
    "busy": "",
    "descriptors": "no further connection can be opened ({detail})",
}
_ONLY_COUNTED = ("foreign", "memory", "busy")
_UNCLEAR = ("stranger", "unnamed", "ambiguous")


class FtpReceiver:
    """Turns arrivals into triggers, and tells what goes wrong."""

    log = Logger()

    def __init__(
        self,
        senders: Senders,
        raise_alarm: Raise,
        keep_picture: KeepPicture,
        complaints: Complaints,
        metrics: Metrics,
    ) -> None:
        self._senders = senders
        self._raise = raise_alarm
        self._keep_picture = keep_picture
        self._complaints = complaints
        self._metrics = metrics
        self._under_way: set[defer.Deferred[None]] = set()
        self._waiter: defer.Deferred[None] | None = None
        self._bytes_under_way = 0
        for name in ("camtrace_ftp_uploads_total", "camtrace_ftp_pictures_total", "camtrace_ftp_bytes_total"):
            metrics.add(name, 0)  # shown from the start
        for code in (*REASONS, *_UNCLEAR):
            metrics.add("camtrace_ftp_errors_total", 0, reason=code)

    @property
    def is_crowded(self) -> bool:
        """Whether cameras must wait because triggers do not become durable as fast as they come."""
        return len(self._under_way) >= CROWD

    def received(self, arrivals: Sequence[Arrival]) -> None:
        """Raise the alarms of files that came."""
        for arrival in arrivals:
            self._metrics.add("camtrace_ftp_uploads_total")
            self._metrics.add("camtrace_ftp_bytes_total", arrival.size)
            if arrival.jpeg:
                self._metrics.add("camtrace_ftp_pictures_total")
            raising = defer.Deferred.fromCoroutine(self._take(self._within_memory(arrival)))
            self._under_way.add(raising)
            raising.addErrback(lambda failure: self.log.failure("a picture raised no alarm", failure))
            raising.addBoth(partial(self._done, raising))

    def complain(self, faults: Sequence[Fault]) -> None:
        """Count and tell what went wrong."""
        for fault in faults:
            self._metrics.add("camtrace_ftp_errors_total", reason=fault.code)
            if fault.code not in _ONLY_COUNTED:
                reason = REASONS[fault.code].format(detail=fault.detail)
                self._complaints.tell(fault.peer, fault.code, reason, detail=fault.detail)

    async def settled(self) -> None:
        """Until the triggers of all that came are durable."""
        while self._under_way:
            waiter = self._waiter = defer.Deferred()
            await waiter

    def _done(self, raising: defer.Deferred[None], _: object) -> None:
        self._under_way.discard(raising)
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.callback(None)

    def _within_memory(self, arrival: Arrival) -> Arrival:
        """The arrival, without its picture when too many wait."""
        if self._bytes_under_way + len(arrival.jpeg) > PICTURE_BYTES:
            self._metrics.add("camtrace_ftp_errors_total", reason="memory")
            arrival = replace(arrival, jpeg=b"")
        self._bytes_under_way += len(arrival.jpeg)
        return arrival

    async def _take(self, arrival: Arrival) -> None:
        try:
            there = await self._senders.at(arrival.peer)
            camera, reason = which(arrival.name, there)
            if camera is None:
                self._unclear(arrival, reason, ", ".join(str(each.id) for each in there))
                return
            alarms = await self._raise([camera], "ftp", origin=arrival.peer, message=arrival.name, at=arrival.at)
            if arrival.jpeg:
                for alarm in alarms:
                    self._keep_picture(alarm.id, arrival.jpeg)
        finally:
            self._bytes_under_way -= len(arrival.jpeg)

    def _unclear(self, arrival: Arrival, reason: str, numbers: str) -> None:
        self._metrics.add("camtrace_ftp_errors_total", reason=reason)
        if reason == "stranger":
            said = "no camera has this address"
        else:
            said = f"cameras {numbers} share this address, and {arrival.name!r} does not say which of them sent it"
        self._complaints.tell(arrival.peer, reason, said, name=arrival.name, numbers=numbers)
