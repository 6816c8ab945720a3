"""Files on their way and just come, in the memory of the FTP thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from camtrace import clock
from camtrace.ftp.picture import sent_as_text, whole_jpeg

_TEMPORARY = ("tmp", "temp", "part", "partial", "upload", "filepart", "~", "swp")


def looks_temporary(name: str) -> bool:
    """Whether a file of this name is probably renamed at once."""
    lower = name.lower()
    stem = lower.rpartition(".")[0] or lower
    return lower.endswith(_TEMPORARY) or stem.endswith(("tmp", "temp")) or lower.startswith((".", "~"))


class Upload:
    """A file that is being sent, as pyftpdlib wants it. It ends when it is closed, for whatever reason."""

    def __init__(self, session: Any, path: str, before: Arrived | None) -> None:
        self.name = path
        self.closed = False
        self.too_long = False
        self.size = before.size if before else 0
        self._session = session
        self._kept: bytearray | None = before.kept if before else bytearray()

    def write(self, data: bytes) -> None:
        """Keep `data` while there is room. Raises OSError when the file becomes too long."""
        self.size += len(data)
        server = self._session.server
        if self._kept is not None:
            has_room = server.take(len(data))
            if has_room:
                self._kept += data
            else:
                server.complain(self._session.peer, "memory")
            if not has_room or self.size > server.most_bytes:
                server.give_back(len(self._kept))
                self._kept = None
        if self.size > server.most_bytes:
            self.too_long = True
            raise OSError("too long")

    def close(self) -> None:
        """That was all."""
        if not self.closed:
            self.closed = True
            as_text = self._session._current_type == "a"
            self._session.ended(Arrived(self.name, clock.now(), self.size, self._kept, self.too_long, as_text))
            self._kept = None


@dataclass(slots=True)
class Arrived:
    """A file that came, and may still be renamed or appended to. `kept`: None when there was no room for it."""

    path: str
    at: datetime
    size: int
    kept: bytearray | None
    too_long: bool
    as_text: bool

    def jpeg(self) -> bytes:
        """The picture that it is; b"" when it is none, or not whole."""
        data = self.kept or b""
        return whole_jpeg(sent_as_text(data) if self.as_text else data)
