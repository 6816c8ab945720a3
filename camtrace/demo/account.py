"""How the demo gets into the server, as anybody would: a user, a token, a player password by the `camtrace` command."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Any

from twisted.internet import utils

from camtrace.errors import StartError

NAME = "demo"


async def password(reactor: Any, config: Path, folder: Path) -> str:
    """The demo user's password: a random one, made with the user at the first start and kept in the folder."""
    kept = folder / "password"
    if kept.exists():
        return kept.read_text().strip()
    fresh = "-".join(secrets.token_hex(2) for _ in range(4))
    trial = folder / "password.new"
    _write_private(trial, fresh + "\n")
    create = ["user", "create", NAME, "--profile", "administrator", "--password-file", str(trial)]
    if (await _console(reactor, config, create))[0]:
        await _succeed(reactor, config, ["user", "password", NAME, "--password-file", str(trial)])
    trial.replace(kept)
    return fresh


async def token(reactor: Any, config: Path, folder: Path, renew: bool = False) -> str:
    """A bearer token of the demo user, made once and kept in the folder."""
    return await _made_once(reactor, config, folder / "token", ["token", "create", NAME], renew)


async def player_password(reactor: Any, config: Path, folder: Path) -> str:
    """The demo user's password in video players, made once and kept in the folder."""
    return await _made_once(reactor, config, folder / "player-password", ["user", "player", NAME])


async def _made_once(reactor: Any, config: Path, kept: Path, words: list[str], renew: bool = False) -> str:
    """What a command prints on its last line, or what it printed before."""
    if kept.exists() and not renew:
        return kept.read_text().strip()
    fresh = (await _succeed(reactor, config, words)).strip().splitlines()[-1]
    _write_private(kept, fresh + "\n")
    return fresh


async def _succeed(reactor: Any, config: Path, words: list[str]) -> str:
    status, said, failed = await _console(reactor, config, words)
    if status:
        raise StartError(f"camtrace {' '.join(words[:2])}: {failed.strip() or said.strip()}")
    return said


async def _console(reactor: Any, config: Path, words: list[str]) -> tuple[int, str, str]:
    """Run the `camtrace` command: its exit status, output and errors."""
    command = ["-m", "camtrace.cli", f"--config={config}", *words]
    out, err, status = await utils.getProcessOutputAndValue(sys.executable, command, dict(os.environ), reactor=reactor)
    return status, out.decode(), err.decode()


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
