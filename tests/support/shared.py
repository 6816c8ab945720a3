"""What is dear is made once in a run, by the first of its processes that asks for it.

Whoever starts the run opens its folder (conftest.py does, before there are workers), and it goes with him. Without
one, as in a benchmark, the process that asks first has a folder for itself.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

_VARIABLE = "CAMTRACE_TEST_RUN"


def folder() -> Path:
    """The run's folder; the processes that this one starts find it by the environment."""
    if _VARIABLE not in os.environ:
        made = Path(tempfile.mkdtemp(prefix="camtrace-run-"))
        made.chmod(0o711)  # the account of the database goes through it
        (made / "owner").write_text(str(os.getpid()))
        os.environ[_VARIABLE] = str(made)
        atexit.register(_remove, made, os.getpid())
    return Path(os.environ[_VARIABLE])


def once(name: str, make: Callable[[Path], None]) -> Path:
    """The file or folder `name` of this run. `make` makes it at the place it is given, which bears the same ending."""
    place = folder() / name
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever else asks waits; it is free again when the file is closed
        if not place.exists():
            unfinished = folder() / f"unfinished-{name}"
            make(unfinished)
            unfinished.rename(place)
    return place


def number() -> int:
    """A number that tells this run from others on the machine: the process id of who opened the folder."""
    return int((folder() / "owner").read_text())


def _remove(made: Path, owner: int) -> None:
    if os.getpid() == owner:  # not a child of his, which has his memory
        shutil.rmtree(made, ignore_errors=True)
