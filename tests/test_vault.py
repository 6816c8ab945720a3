"""Secrets at rest, and the key they hang on."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from camtrace.errors import StartError
from camtrace.vault import Vault


def test_made_once(tmp_path: Path) -> None:
    """The first opening makes a key only its owner can read; the next one reads what was sealed."""
    path = tmp_path / "secret.key"
    sealed = Vault.open(path).seal("péage 123")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "péage".encode() not in sealed
    assert Vault.open(path).unseal(sealed) == "péage 123"


def test_empty_secret(tmp_path: Path) -> None:
    """No secret needs no seal."""
    vault = Vault.open(tmp_path / "key")
    assert vault.seal("") == b""
    assert vault.unseal(b"") == ""


def test_never_the_same(tmp_path: Path) -> None:
    """Two seals of one secret differ: equal passwords do not show."""
    vault = Vault.open(tmp_path / "key")
    assert vault.seal("same") != vault.seal("same")


def test_another_key(tmp_path: Path) -> None:
    """What another key sealed, or somebody altered, is refused in words."""
    sealed = Vault.open(tmp_path / "one").seal("secret")
    with pytest.raises(ValueError, match="another key"):
        Vault.open(tmp_path / "two").unseal(sealed)
    with pytest.raises(ValueError, match="another key"):
        Vault.open(tmp_path / "one").unseal(sealed[:-8] + b"AAAAAAA=")


def test_signing_keys(tmp_path: Path) -> None:
    """One for each purpose, the same each time."""
    vault = Vault.open(tmp_path / "key")
    assert vault.signing_key("forms") == Vault.open(tmp_path / "key").signing_key("forms")
    assert vault.signing_key("forms") != vault.signing_key("links")
    assert len(vault.signing_key("forms")) == 32


@pytest.mark.parametrize("content", [b"", b"not a key\n", b"\xff" * 44])
def test_broken_key(tmp_path: Path, content: bytes) -> None:
    """A key file that holds none is not replaced: the secrets would be lost."""
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(StartError, match="restore it from a backup"):
        Vault.open(path)
    assert path.read_bytes() == content


def test_folder_in_the_way(tmp_path: Path) -> None:
    """What cannot be read is named."""
    with pytest.raises(StartError, match="cannot be used"):
        Vault.open(tmp_path)
