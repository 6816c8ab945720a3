"""The page for those who set up cameras tells the truth: its examples and limits are read from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from camtrace.config import Ftp
from camtrace.ftp import protocol, service
from camtrace.ftp.guesses import Guesses
from camtrace.ftp.names import which
from camtrace.ftp.protocol import Session
from camtrace.ftp.server import Limits
from camtrace.model import Camera

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "protocols" / "ftp.md").read_text(encoding="utf-8")
PLACES = {
    "encoder": [Camera(uid=n, id=n, name="", channel=n) for n in (1, 2, 3, 4)],
    "router": [Camera(uid=n, id=n, name="", http_port=n) for n in (80, 81, 8080)],
}


def examples() -> list[tuple[str, str, str]]:
    """Place, file name, and what it means, of each line of the blocks."""
    blocks = re.findall(r"^```ftp-names (\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [(place, *line.split()) for place, block in blocks for line in block.splitlines()]  # type: ignore[misc]


@pytest.mark.parametrize(("place", "name", "meaning"), examples())
def test_names(place: str, name: str, meaning: str) -> None:
    """Each line of the page."""
    camera, reason = which(name, PLACES[place])
    assert (str(camera.id) if camera else reason) == meaning


def test_examples_of_suffixes() -> None:
    """The table of suffixes speaks of channel 2."""
    table = PAGE.partition("| suffix |")[2].partition("\n\n")[0]
    names = re.findall(r"`(image2\S*)`", table)
    assert len(names) == 8
    for name in names:
        camera, _ = which(name, PLACES["encoder"])
        assert camera is not None and camera.id == 2, name


def test_limits() -> None:
    """The figures of the page are those of the program."""
    limits, row = Limits(), {}
    for line in PAGE.partition("## Limits")[2].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        row[cells[0]] = cells[1] if len(cells) > 1 else ""
    assert row["connections"] == f"`[ftp] connections` ({Ftp().connections})"
    assert row["connections of one address"] == str(limits.per_peer)
    assert row["until the login"] == f"{limits.login_seconds:g} s, {protocol.MOST_BEFORE_LOGIN} commands"
    assert row["between two commands"] == f"{limits.idle_seconds / 60:g} min"
    assert row["a data connection that does not come, or does not go on"] == f"{limits.data_seconds:g} s"
    wrong = row["wrong logins"]
    assert f"{Session.max_login_attempts} in a session, each answered after {limits.wrong_seconds:g} s" in wrong
    assert f"{limits.wrong_logins} a minute" in wrong and Guesses(lambda: 0)._seconds == 60
    assert row["memory for files"] == f"{limits.memory >> 20} MB"
    assert f"more than {service.CROWD} triggers" in PAGE
    assert (limits.rename_seconds, limits.temporary_seconds) == (0.5, 10) and "half a second" in PAGE
    assert f"`{Ftp().user}` / `{Ftp().password}`" in PAGE


def test_reasons() -> None:
    """Every reason that is counted is explained."""
    table = PAGE.partition("| reason |")[2]
    counted = {*service.REASONS, "stranger", "unnamed", "ambiguous"}
    assert set(re.findall(r"`(\w+)`", re.sub(r"\|[^|]*\|$", "|", table, flags=re.MULTILINE))) == counted


def test_commands() -> None:
    """Those that the page names are understood, and no other, but for SITE and what reads."""
    named = set(re.findall(r"\b[A-Z]{3,4}\b", PAGE.partition("## What is understood\n")[2].partition("\n\n- ")[0]))
    known = {name for name in Session.proto_cmds if not name.startswith("SITE")} - {"RETR"}
    assert named == known
