"""Real players as child processes."""

from __future__ import annotations

import shutil
from pathlib import Path

from twisted.internet import utils


async def run(*command: str | Path, seconds: float = 40) -> tuple[str, str, int]:
    """Output, errors and exit code of a program; it must end by itself within `seconds`."""
    words = [str(word) for word in command]
    guarded = ["timeout", "-s", "KILL", str(seconds), *words]
    out, err, code = await utils.getProcessOutputAndValue(shutil.which("timeout"), guarded[1:], env=None)
    return out.decode(), err.decode(), code


async def frames(*source: str | Path, stream: str = "v") -> list[str]:
    """The hash of every decoded picture (or, for sound, of every coded frame) of a source."""
    coded = ["-c", "copy"] if stream == "a" else ["-fps_mode", "passthrough"]
    command = ["ffmpeg", "-nostdin", "-v", "error", *source, "-map", f"0:{stream}", *coded, "-f", "framemd5", "-"]
    out, err, code = await run(*command)
    assert code == 0, err
    return [line.split(",")[5].strip() for line in out.splitlines() if not line.startswith("#")]
