"""The interpreter's collector of cycles, told what the server knows."""

from __future__ import annotations

import gc

# Packets and fragments come by the thousand a second and are gone by themselves; a look at the young objects at every
# 700th, the interpreter's own measure, takes a sixth of the server's time.
_YOUNG = 20_000


def settle() -> None:
    """The program is built: what is there now stays, and need not be looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
