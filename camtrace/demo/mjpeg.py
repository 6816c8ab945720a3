"""Writes the running time into a JPEG picture that was encoded long before.

Each row of blocks is coded on its own (restart markers, ITU-T T.81 section E.1.4), so the caption's rows can be coded
once a second and hung below the picture's. Same quality and standard Huffman tables: one header serves both.
"""

from __future__ import annotations

import io

from PIL import Image

from camtrace.demo import caption

QUALITY = 62
ROW = 16
_START_OF_FRAME = b"\xff\xc0"
_START_OF_SCAN = b"\xff\xda"
_END = b"\xff\xd9"


def encode(image: Image.Image) -> bytes:
    """A JPEG whose rows of blocks stand alone."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, subsampling="4:2:0", restart_marker_rows=1)
    return out.getvalue()


def open_ended(image: Image.Image) -> bytes:
    """The picture as a JPEG that announces the caption's rows, and ends where they have to follow."""
    jpeg = encode(image)
    at = jpeg.index(_START_OF_FRAME) + 5
    return jpeg[:at] + (image.height + caption.HEIGHT).to_bytes(2, "big") + jpeg[at + 2 : -len(_END)]


def caption_rows(words: str, above: int) -> bytes:
    """The caption's rows of blocks and the end of the picture; `above`: lines of the picture over them."""
    jpeg = encode(caption.strip(words))
    scan = jpeg.index(_START_OF_SCAN)
    rows = jpeg[scan + 2 + int.from_bytes(jpeg[scan + 2 : scan + 4], "big") : -len(_END)]
    first = above // ROW
    for number in reversed(range(caption.HEIGHT // ROW - 1)):
        rows = rows.replace(_restart(number), _restart(first + number))
    return _restart(first - 1) + rows + _END


def _restart(number: int) -> bytes:
    return bytes([0xFF, 0xD0 + number % 8])
