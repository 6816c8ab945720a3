"""How many files and connections the process may have."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from camtrace.descriptors import Descriptors

RAISE = """
import resource
from camtrace.descriptors import raise_limit
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (100, min(hard, 900)))
print(raise_limit(), resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_scarce_until_one_is_given_back() -> None:
    """The numbers from the limit's end on are for no connection."""
    lowest = os.dup(0)
    os.close(lowest)
    descriptors = Descriptors(lowest + 4 + 3, kept=3)
    held = []
    while not descriptors.are_scarce:
        held.append(os.dup(0))
    assert len(held) == 3  # one is its own
    os.close(held.pop())
    assert not descriptors.are_scarce
    for one in held:
        os.close(one)
    descriptors.close()


def test_a_small_limit_keeps_half() -> None:
    """However small, it lets somebody in."""
    descriptors = Descriptors(256)
    assert descriptors.kept == 128
    descriptors.close()


def test_the_limit_is_raised() -> None:
    """To what the system allows: in a process of its own."""
    done = subprocess.run([sys.executable, "-c", RAISE], capture_output=True, text=True, check=True)
    most = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 900)
    assert done.stdout.split() == [str(most), f"({most},", f"{most})"]
