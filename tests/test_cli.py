"""What the command refuses before it touches anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from camtrace import cli, config

EXISTING = [["user", "list"], ["user", "player", "anna"], ["user", "unlock", "anna"], ["token", "create", "anna"]]


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
