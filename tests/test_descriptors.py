"""How many files and connections the process may have."""

from __future__ import annotations

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

SCARCE = """
import os
from camtrace.descriptors import Descriptors
held = [os.dup(0) for _ in range(12)]  # a quarter of the limit is then three or more
lowest = held.pop()
os.close(lowest)
descriptors = Descriptors(lowest + 4 + 3, kept=3)
before = len(held)
print(descriptors.are_scarce(promised=3))
while not descriptors.are_scarce():
    held.append(os.dup(0))
print(len(held) - before)  # one of the four is its own
os.close(held.pop())
print(descriptors.are_scarce())
"""


def test_scarce_until_one_is_given_back() -> None:
    """The numbers from the limit's end on are for no connection: in a process without holes among its numbers."""
    done = subprocess.run([sys.executable, "-c", SCARCE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "3", "False"]


def test_a_small_limit() -> None:
    """However small, it lets somebody in, and no kind of connections takes all."""
    descriptors = Descriptors(256)
    assert (descriptors.kept, descriptors.share(10), descriptors.share(3000)) == (64, 10, 128)
    descriptors.close()


def test_the_limit_is_raised() -> None:
    """To what the system allows: in a process of its own."""
    done = subprocess.run([sys.executable, "-c", RAISE], capture_output=True, text=True, check=True)
    most = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 900)
    assert done.stdout.split() == [str(most), f"({most},", f"{most})"]
