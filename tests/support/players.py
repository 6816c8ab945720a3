"""Real players as child processes."""

from __future__ import annotations

import shutil
from pathlib import Path

from twisted.internet import defer, protocol, reactor, utils
from twisted.internet.task import deferLater


async def run(*command: str | Path, seconds: float = 90) -> tuple[str, str, int]:
    """Output, errors and exit code of a program, or the negative number of the signal that ended it.

    It must end by itself within `seconds`.
    """
    words = [str(word) for word in command]
    guarded = ["timeout", "-s", "KILL", str(seconds), *words]
    ended = utils.getProcessOutputAndValue(shutil.which("timeout"), guarded[1:], env=None)
    out, err, code = await ended.addErrback(lambda signalled: (*signalled.value[:2], -signalled.value[2]))
    return out.decode(), err.decode(), code


class Killed(protocol.ProcessProtocol):
    """A player that does not live to the end: `started` fires with its first output, `ended` when it is no more."""

    def __init__(self) -> None:
        self.started: defer.Deferred[None] = defer.Deferred()
        self.ended: defer.Deferred[None] = defer.Deferred()

    def outReceived(self, data: bytes) -> None:
        """It plays."""
        if not self.started.called:
            self.started.callback(None)

    def processEnded(self, reason: object) -> None:
        """It is no more."""
        self.ended.callback(None)


async def play_and_kill(url: str, *options: str, seconds: float) -> None:
    """Let ffmpeg play `url`, and `seconds` after its first packet end it by SIGKILL."""
    ffmpeg = shutil.which("ffmpeg")
    assert ffmpeg is not None
    player = Killed()
    command = ["ffmpeg", "-nostdin", "-v", "quiet", *options, "-i", url, "-c", "copy", "-f", "mpegts", "-flush_packets"]
    process = reactor.spawnProcess(player, ffmpeg, [*command, "1", "-"], env=None)  # type: ignore[attr-defined]
    try:
        await player.started.addTimeout(60, reactor)
        await deferLater(reactor, seconds)
    finally:
        process.signalProcess("KILL")
        await player.ended


async def frames(*source: str | Path, stream: str = "v") -> list[str]:
    """The hash of every decoded picture (or, for sound, of every coded frame) of a source."""
    coded = ["-c", "copy"] if stream == "a" else ["-fps_mode", "passthrough"]
    command = ["ffmpeg", "-nostdin", "-v", "error", *source, "-map", f"0:{stream}", *coded, "-f", "framemd5", "-"]
    out, err, code = await run(*command)
    assert code == 0, err
    return [line.split(",")[5].strip() for line in out.splitlines() if not line.startswith("#")]
