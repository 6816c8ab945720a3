"""Pictures out of a `multipart/x-mixed-replace` body (RFC 2046 section 5.1), as cameras really send it. Pure.

Cameras disagree about the boundary: in the header it stands with or without its two dashes, quoted or after a space;
the first delimiter may be missing, and so may Content-Length. Hence nothing here depends on the boundary: a part is
header lines, an empty line and a body, and a body without a length is a JPEG picture that says itself where it ends.
"""

from __future__ import annotations

import re

from camtrace.media.jpeg import EOI, SOI, BrokenJpeg, EndFinder

MAX_PICTURE = 16 << 20
_MAX_LINE = 4096
_MAX_LINES = 64
_BOUNDARY = re.compile(r""";\s*boundary\s*=\s*(?:"([^"]*)"|([^;\s]*))""", re.IGNORECASE)


class MultipartError(ValueError):
    """The body is no sequence of parts, or a part is beyond the bound: the connection has to be given up."""


def boundary_of(content_type: str) -> bytes | None:
    """The boundary of a Content-Type value without leading dashes; None if the type is not multipart."""
    if not content_type.strip().lower().startswith("multipart/"):
        return None
    found = _BOUNDARY.search(content_type)
    return (found[1] or found[2] or "").lstrip("-").encode("latin-1") if found else b""


class Splitter:
    """Cuts the body into its pictures. `skipped` counts parts that were none or broke off."""

    def __init__(self, boundary: bytes = b"", limit: int = MAX_PICTURE) -> None:
        self._boundary = boundary
        self._limit = limit
        self._held = bytearray()
        self._start_part()
        self.skipped = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The pictures that `data` completes, in order. Raises MultipartError."""
        self._held += data
        pictures: list[bytes] = []
        while self._step(pictures):
            pass
        return pictures

    def _start_part(self) -> None:
        self._in_body = False
        self._headers: dict[str, str] = {}
        self._begun = False
        self._lines = 0
        self._end = EndFinder()

    def _step(self, pictures: list[bytes]) -> bool:
        """Go one line or one body further; False when more bytes are needed."""
        if not self._in_body:
            return self._read_line()
        length = self._declared_length()
        return self._read_counted(length, pictures) if length is not None else self._read_scanned(pictures)

    # ── head ──

    def _read_line(self) -> bool:
        if self._held[:2] == SOI:  # a picture without any header
            self._in_body = True
            return True
        end = self._held.find(b"\n", 0, _MAX_LINE)
        if end < 0:
            if len(self._held) >= _MAX_LINE:
                raise MultipartError("a header line without end")
            return False
        line = bytes(self._held[:end]).strip()
        del self._held[: end + 1]
        self._take_line(line)
        return True

    def _take_line(self, line: bytes) -> None:
        self._lines += 1
        if self._lines > _MAX_LINES:
            raise MultipartError("no part begins")
        if not line:
            self._in_body = self._begun
            return
        name, colon, value = line.partition(b":")
        if line.startswith(b"--") or (self._boundary and line.strip(b"-") == self._boundary.strip(b"-")):
            self._headers = {}
            self._begun = True
        elif colon:
            self._headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
            self._begun = True

    def _declared_length(self) -> int | None:
        text = self._headers.get("content-length", "")
        if not (text.isascii() and text.isdigit()):
            return None
        length = int(text[:12])
        if length > self._limit:
            raise MultipartError(f"a part of {length} bytes")
        return length

    # ── body ──

    def _read_counted(self, length: int, pictures: list[bytes]) -> bool:
        if len(self._held) < length:
            return False
        body = bytes(self._held[:length])
        if not body.rstrip(b"\0\r\n").endswith(EOI) and self._wants_picture():
            # perhaps the length is wrong: then what follows is no delimiter
            if len(self._held) == length:
                return False
            if self._held[length] not in b"\r\n-":
                del self._headers["content-length"]
                return True
        del self._held[:length]
        self._finish(body, pictures)
        return True

    def _read_scanned(self, pictures: list[bytes]) -> bool:
        del self._held[: len(self._held) - len(self._held.lstrip(b"\r\n"))]
        if len(self._held) < 2:
            return False
        if self._held[:2] != SOI:  # no picture: its lines are passed over until the next part
            self._start_part()
            self.skipped += 1
            return True
        try:
            end = self._end.find(self._held)
        except BrokenJpeg:
            self._resume_at_next_picture()
            return True
        if end is None:
            if len(self._held) > self._limit:
                raise MultipartError(f"a picture beyond {self._limit} bytes")
            return False
        body = bytes(self._held[:end])
        del self._held[:end]
        self._finish(body, pictures)
        return True

    def _resume_at_next_picture(self) -> None:
        """The picture breaks off: go on with the next one, or with nothing if none has begun yet."""
        following = self._held.find(SOI, max(2, self._end.at))  # not before: a thumbnail is no next picture
        del self._held[: following if following >= 0 else len(self._held) - 1]
        self._start_part()
        self._in_body = self._begun = following >= 0
        self.skipped += 1

    def _finish(self, body: bytes, pictures: list[bytes]) -> None:
        if body.startswith(SOI) and self._wants_picture():
            pictures.append(body)
        elif body:
            self.skipped += 1
        self._start_part()

    def _wants_picture(self) -> bool:
        kind = self._headers.get("content-type", "image/jpeg").lower()
        return kind.startswith(("image/jp", "image/pjpeg", "application/octet-stream"))
