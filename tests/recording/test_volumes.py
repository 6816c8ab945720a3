"""Which folders can be volumes, as far as that shows before the database is asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from camtrace.errors import StartError
from camtrace.recording.volumes import check, initialise, read_identity


def refusal(*folders: Path, fresh: bool = True) -> str:
    """The one line about these folders."""
    with pytest.raises(StartError) as caught:
        check(folders, fresh=fresh)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_made(tmp_path: Path) -> None:
    """An empty folder, one with what a file system brings, and one that is not there but may be made."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "disk" / "lost+found").mkdir(parents=True)
    before = os.umask(0o077)
    try:
        check([tmp_path / "empty", tmp_path / "disk", tmp_path / "new"], fresh=True)
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o750
    identity = initialise(tmp_path / "new")
    assert read_identity(tmp_path / "new") == identity
    check([tmp_path / "new"], fresh=True)  # it may come from another server


def test_all_faults_in_one_line(tmp_path: Path) -> None:
    """And nothing is made when one of them cannot be used."""
    (tmp_path / "file").touch()
    (tmp_path / "photos" / "2024").mkdir(parents=True)
    said = refusal(tmp_path / "good", tmp_path / "nope" / "deep", tmp_path / "file", tmp_path / "photos")
    assert said.startswith("[storage] volumes: ")
    assert f"{tmp_path}/nope/deep cannot be made: {tmp_path}/nope does not exist" in said
    assert f"{tmp_path}/file is a file" in said
    assert f"{tmp_path}/photos is not empty" in said
    assert not (tmp_path / "good").exists()


def test_no_place_for_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the system says when a folder cannot be made, as below /proc."""

    def mkdir(folder: Path) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert f"{tmp_path}/foo cannot be made: No such file or directory" in refusal(tmp_path / "foo")


def test_not_fresh(tmp_path: Path) -> None:
    """Where a database may know them, only what is none in any case is refused: a disk may not be mounted."""
    (tmp_path / "photos" / "2024").mkdir(parents=True)
    check([tmp_path / "nope" / "deep", tmp_path / "photos", tmp_path / "new"], fresh=False)
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    assert "is a file" in refusal(tmp_path / "file", fresh=False)


def test_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume that this account may not write, and an empty folder."""
    monkeypatch.setattr("camtrace.recording.volumes.is_writable", lambda folder: False)
    initialise(tmp_path)
    assert "cannot be written by this account" in refusal(tmp_path, fresh=False)
    (tmp_path / "empty").mkdir()
    assert "cannot be written by this account" in refusal(tmp_path / "empty")
    check([tmp_path / "empty"], fresh=False)
