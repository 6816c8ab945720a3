"""What crosses from the FTP thread to the reactor: frozen values only. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that came whole or in part. `size`: bytes that came; `jpeg`: the picture, b"" when it is none or cut."""

    peer: str
    name: str
    at: datetime
    size: int
    jpeg: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something `peer` did wrong, or that went wrong for it. `code`: of `service.REASONS`; `detail` fills its words."""

    peer: str
    code: str
    detail: str = ""
