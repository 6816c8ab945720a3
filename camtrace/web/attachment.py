"""Files that a browser is to save."""

from __future__ import annotations

from urllib.parse import quote

from camtrace import clock
from camtrace.web.problems import Headers
from camtrace.web.voices import Voice


def named_file(voice: Voice, name: str, ending: str, mime: str) -> Headers:
    """Headers of a file called after `name`, a message id, and the day by the clock of the place (RFC 6266)."""
    filename = f"{voice.spoken.gettext(name)} {voice.instant(clock.now())[:10]}.{ending}"
    plain = filename.encode("ascii", "replace").decode().replace("?", "_").replace('"', "")
    return {
        "Content-Type": mime,
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}",
    }
