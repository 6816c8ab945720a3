"""The data folder: made, checked, and held by one server."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from camtrace import folders
from camtrace.errors import StartError
from camtrace.folders import LOCK, Hold, as_account, ensure_folder, hold_folder, is_held


def test_made_with_its_mode(tmp_path: Path) -> None:
    """Whatever the umask says."""
    before = os.umask(0o077)
    try:
        made = ensure_folder(tmp_path / "data")
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.stat().st_mode) == 0o711
    assert ensure_folder(made) == made


def test_cannot_be_made(tmp_path: Path) -> None:
    """A missing parent and a file in the way are told."""
    with pytest.raises(StartError, match="cannot be made: No such file"):
        ensure_folder(tmp_path / "no" / "data")
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="it is a file"):
        ensure_folder(tmp_path / "file")


def test_old_logs_go(tmp_path: Path) -> None:
    """Those that were begun before the ten latest; nothing else of a similar name."""
    for name in ("t.log", *(f"t.log.{number}" for number in range(1, 15)), "t.log.old", "other.log.99"):
        (tmp_path / name).touch()
    folders.remove_old_logs(tmp_path / "t.log")
    numbers = sorted(int(path.suffix[1:]) for path in tmp_path.glob("t.log.[0-9]*"))
    assert numbers == list(range(1, 11))
    assert (tmp_path / "t.log.old").exists() and (tmp_path / "other.log.99").exists()
    folders.remove_old_logs(tmp_path / "none" / "t.log")


def test_one_server_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused in one line; when the first has gone, it may."""
    monkeypatch.setattr(folders, "_LOOK_SECONDS", 0.02)
    assert not is_held(tmp_path)
    hold = hold_folder(tmp_path)
    assert is_held(tmp_path)
    with pytest.raises(StartError, match="in use by another CamTrace server"):
        hold_folder(tmp_path)
    hold.release()
    assert not is_held(tmp_path)
    hold_folder(tmp_path).release()


def test_looking_holds_nothing(tmp_path: Path) -> None:
    """Who only looks leaves no file and no mark."""
    assert not is_held(tmp_path)
    assert not (tmp_path / LOCK).exists()


def test_shared(tmp_path: Path) -> None:
    """Several may share a folder's mark, and then nobody has it alone; releasing twice is nothing."""
    one, two = Hold(tmp_path), Hold(tmp_path)
    assert one.take()
    assert not two.take(shared=True)
    assert one.take(shared=True)
    assert two.take(shared=True)
    assert not one.take()
    two.release()
    two.release()
    assert one.take()
    one.release()


def test_account_for_a_while(request: pytest.FixtureRequest) -> None:
    """What root makes meanwhile belongs to the account, and root is root again; who is not root stays what they are."""
    before = os.geteuid()
    account = 65534 if before == 0 else before
    folder = Path(tempfile.mkdtemp())  # pytest's own lie in a folder that is root's alone
    request.addfinalizer(lambda: shutil.rmtree(folder))
    folder.chmod(0o777)
    with as_account(account, 65534):
        made = folder / "made"
        made.touch()
    assert made.stat().st_uid == account
    assert os.geteuid() == before
