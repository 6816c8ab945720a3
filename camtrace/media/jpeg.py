"""JPEG seen as bytes (ITU-T T.81 annex B): where a picture ends, how large it is. Pure."""

from __future__ import annotations

SOI = b"\xff\xd8"
EOI = b"\xff\xd9"
_SOS = 0xDA
# markers that stand alone, without a length: TEM, RST0..RST7
_ALONE = {0x01, *range(0xD0, 0xD8)}
# start of frame: baseline, extended, progressive, lossless ... all but DHT, JPG and DAC
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}


class BrokenJpeg(ValueError):
    """Bytes that cannot be a JPEG picture, or a picture that breaks off where another one begins."""


class EndFinder:
    """Finds the end of a picture that arrives in pieces, skipping what application segments contain.

    `find(buffer)` is called again with the same buffer grown at its end; it answers the length of the picture, or None
    while it is not complete, and looks at each byte once. `at` is how far it came. Raises BrokenJpeg.
    """

    def __init__(self) -> None:
        self.at = 0
        self._in_scan = False

    def find(self, buffer: bytes | bytearray) -> int | None:
        """The offset just behind the picture's EOI marker, or None."""
        if self.at == 0:
            if len(buffer) < 2:
                return None
            if buffer[:2] != SOI:
                raise BrokenJpeg("no picture begins here")
            self.at = 2
        while True:
            if self._in_scan and not self._skip_scan(buffer):
                return None
            if len(buffer) < self.at + 2:
                return None
            if buffer[self.at] != 0xFF:
                raise BrokenJpeg("no marker where one must be")
            marker = buffer[self.at + 1]
            if marker == 0xFF:  # fill byte
                self.at += 1
            elif marker == 0xD9:
                return self.at + 2
            elif marker == 0xD8:
                raise BrokenJpeg("the picture breaks off")
            elif marker in _ALONE:
                self.at += 2
            elif not self._skip_segment(buffer, marker):
                return None

    def _skip_segment(self, buffer: bytes | bytearray, marker: int) -> bool:
        if len(buffer) < self.at + 4:
            return False
        end = self.at + 2 + int.from_bytes(buffer[self.at + 2 : self.at + 4], "big")
        if len(buffer) < end:
            return False
        self.at = end
        self._in_scan = marker == _SOS
        return True

    def _skip_scan(self, buffer: bytes | bytearray) -> bool:
        """Go to the next marker in entropy-coded bytes, where FF 00 and restart markers are no markers."""
        while (found := buffer.find(b"\xff", self.at)) >= 0:
            if found + 1 >= len(buffer):
                self.at = found
                return False
            following = buffer[found + 1]
            if following == 0 or following in _ALONE:
                self.at = found + 2
                continue
            self.at = found
            self._in_scan = False
            return True
        self.at = len(buffer)
        return False


def size(picture: bytes) -> tuple[int, int]:
    """Width and height in pixels. Raises BrokenJpeg when no frame header is found."""
    at = 2
    while at + 9 <= len(picture) and picture[at] == 0xFF:
        marker = picture[at + 1]
        if marker in _FRAMES:
            return int.from_bytes(picture[at + 7 : at + 9], "big"), int.from_bytes(picture[at + 5 : at + 7], "big")
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(picture[at + 2 : at + 4], "big")
    raise BrokenJpeg("a picture without a frame header")
