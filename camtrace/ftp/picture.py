"""Whether what came is a whole picture: a cut connection looks to FTP like the end of the file. Pure."""

from __future__ import annotations

import re

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length (ITU T.81, table B.1)
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in a scan, 0xFF stands before 0x00, and before restart markers


def sent_as_text(data: bytes | bytearray) -> bytes | bytearray:
    """What `data`, sent in text mode, was before.

    A client that takes the mode seriously put CR before every LF (RFC 959, 3.1.1.1); a camera that forgot to ask for
    binary changed nothing, and some LF of its picture stands alone.
    """
    ends = data.count(b"\n")
    return data.replace(b"\r\n", b"\n") if ends and ends == data.count(b"\r\n") else data


def whole_jpeg(data: bytes | bytearray) -> bytes:
    """The JPEG picture that `data` is, without what a camera added behind it; b"" when it is none, or not whole.

    Its segments are followed up to the end marker (ITU T.81, B.1.1), for a preview inside has one of its own.
    """
    if data[:2] != b"\xff\xd8":
        return b""
    at, scanned = 2, False
    while at + 1 < len(data):
        if data[at] != 0xFF:
            return b""
        marker = data[at + 1]
        if marker == 0xFF:  # filling
            at += 1
        elif marker == _END:
            return bytes(data[: at + 2]) if scanned else b""
        elif marker in _ALONE:
            at += 2
        elif marker in (0x00, _START):
            return b""
        else:
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            if length < 2:
                return b""
            at += 2 + length
            if marker == _SCAN:
                scanned = True
                following = _MARKER.search(data, at)
                if following is None:
                    return b""
                at = following.start()
    return b""
