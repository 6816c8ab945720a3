"""What the command refuses before it touches anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from camtrace import cli, config
from camtrace.pos.presets import BY_NAME

EXISTING = [
    ["user", "list"],
    ["profile", "list"],
    ["user", "player", "anna"],
    ["user", "unlock", "anna"],
    ["token", "create", "anna"],
]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration in its place, whose data folder was never made."""
    file = tmp_path / "etc" / "camtrace.toml"
    file.parent.mkdir()
    file.write_text(f'[data]\ndirectory = "{tmp_path / "data"}"\n')
    monkeypatch.setattr(config, "INSTALLED", (file,))
    return file


@pytest.mark.parametrize("words", [*EXISTING, ["link"]], ids=" ".join)
def test_no_data(installed: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Nobody served here, and nobody named the place: one line, and nothing is made."""
    assert cli.main(words) == 1
    said = capsys.readouterr()
    data = installed.parent.parent / "data"
    assert said.err.startswith(f"camtrace: there is no database in {data} ({installed}): start the server once")
    assert (said.out, said.err.count("\n"), data.exists()) == ("", 1, False)


@pytest.mark.parametrize("words", EXISTING, ids=" ".join)
def test_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """What needs users finds none in a folder that was only named, or is empty."""
    data = tmp_path / "data"
    assert cli.main(["--data", str(data), *words]) == 1
    data.mkdir()
    assert cli.main(["--data", str(data), *words]) == 1
    said = capsys.readouterr()
    assert said.err.count(f"there is no database in {data}") == 2
    assert list(data.iterdir()) == []


def test_first_user(tmp_path: Path, installed: Path) -> None:
    """The first user may come before the server: in a folder that is there, or that the command names."""
    there, absent = tmp_path, tmp_path / "data"
    for words in (["link"], ["user", "create", "anna", "--profile", "viewer", "--password-file", "-"]):
        for options, data in (([], there), (["--data", str(absent)], absent), (["--config", str(installed)], absent)):
            cli.refuse_strange_folder(cli.parser().parse_args([*options, *words]), config.parse("", None, data))


def test_no_such_right(capsys: pytest.CaptureFixture[str]) -> None:
    """What can be given is listed."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["profile", "allow", "viewer", "fly"])
    assert ended.value.code == 2 and "invalid choice: 'fly'" in capsys.readouterr().err


# ── pos-test ──


def test_check_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Words on each line; the status says whether all were understood."""
    file = tmp_path / "lines.txt"
    file.write_bytes(BY_NAME["camtrace"].sample)
    assert cli.main(["pos-test", "check", str(file)]) == 0
    assert capsys.readouterr().out == "7 lines, 7 understood, 0 not\n"
    file.write_bytes(BY_NAME["camtrace"].sample + b"TOTAL 16,00\n")
    assert cli.main(["pos-test", "check", str(file)]) == 1
    told = capsys.readouterr().out
    assert "line 8: error: 1 fields instead of 5" in told and "8 lines, 7 understood, 1 not" in told
    file.write_bytes(BY_NAME["json"].sample)
    assert cli.main(["pos-test", "check", str(file), "--dialect", "json"]) == 0
    assert cli.main(["pos-test", "check", str(tmp_path / "none")]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_send_to_listen(capfd: pytest.CaptureFixture[str]) -> None:
    """The one side's sales arrive at the other, and nothing is wrong with them but their haste."""
    listening = subprocess.Popen(
        [sys.executable, "-m", "camtrace.cli", "pos-test", "listen", "--port", "0", "--seconds", "30"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert listening.stdout
    port = listening.stdout.readline().split()[3].rstrip(";")
    assert cli.main(["pos-test", "send", f"127.0.0.1:{port}", "--till", "K", "--tickets", "3", "--pace", "0"]) == 0
    sent = capfd.readouterr().out.splitlines()
    assert cli.main(["pos-test", "send", f"127.0.0.1:{port}", "--example", "--pace", "0"]) == 0
    told = []
    while sum("understood" in line for line in told) < 2:
        told.append(listening.stdout.readline().rstrip("\n"))
    listening.terminate()
    listening.communicate()
    assert set(sent) <= set(told) and all(line.startswith("K|") for line in sent)
    assert sum("0 not" in line for line in told) == 2 and not [line for line in told if "error" in line]


def test_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["pos-test", "send", "127.0.0.1:1"]) == 1
    assert capsys.readouterr().err.startswith("camtrace: nothing listens at 127.0.0.1, port 1")
    assert cli.main(["pos-test", "send", "127.0.0.1:x"]) == 1
