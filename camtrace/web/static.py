"""Style sheets, scripts and pictures, from memory. What is not in the folder at the start does not exist."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from klein import Response
from twisted.web.server import Request

from camtrace.web.access import Anyone
from camtrace.web.problems import Headers
from camtrace.web.routing import new_app, requirer

_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Asset:
    mime: str
    etag: str
    content: bytes


class Static:
    """The files below `folder`, as they are when the server starts.

    `url(name)` has a digest of all files in its path, so that a browser may keep them for ever, and relative imports
    between scripts stay inside one version. The same file under `/static/NAME` is always asked for again.
    """

    app = new_app()

    def __init__(self, folder: Path) -> None:
        self._assets = {
            path.relative_to(folder).as_posix(): _read(path) for path in sorted(folder.rglob("*")) if path.is_file()
        }
        everything = "".join(f"{name}:{asset.etag};" for name, asset in self._assets.items())
        self.version = hashlib.sha256(everything.encode()).hexdigest()[:12]

    def url(self, name: str) -> str:
        """The address of the file `name` (such as "js/live.js"). Raises KeyError if there is none."""
        if name not in self._assets:
            raise KeyError(f"there is no static file {name!r}")
        return f"/static/v-{self.version}/{quote(name)}"

    @requirer.require(app.route("/static/<path:name>", methods=["GET"]), request=Anyone())
    def file(self, request: Request, name: str) -> Response:
        version, _, rest = name.partition("/")
        versioned = version == f"v-{self.version}"
        asset = self._assets.get(rest if version.startswith("v-") and rest else name)
        if asset is None:
            return Response(404, {"Content-Type": "text/plain; charset=utf-8"}, b"there is no such file")
        headers: Headers = {
            "Content-Type": asset.mime,
            "ETag": asset.etag,
            "Cache-Control": FOR_EVER if versioned else "no-cache",
        }
        if asset.etag in (request.getHeader("if-none-match") or ""):
            return Response(304, headers, b"")
        return Response(200, headers, asset.content)


def _read(path: Path) -> _Asset:
    content = path.read_bytes()
    mime = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if mime.startswith("text/") or mime == "image/svg+xml":
        mime += "; charset=utf-8"
    return _Asset(mime, f'"{hashlib.sha256(content).hexdigest()[:20]}"', content)
