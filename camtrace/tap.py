"""`twistd camtrace`: read the configuration, build the server."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.python import usage

from camtrace import config, garbage
from camtrace.errors import ConfigError, StartError
from camtrace.folders import as_account


class Options(usage.Options):
    """What stands after `twistd camtrace`."""

    synopsis = "[--config FILE] [--data DIR]"
    optParameters = [
        ["config", "c", None, "the configuration file; without it, the installed one"],
        ["data", "d", None, "the data directory, instead of the file's"],
    ]

    def postOptions(self) -> None:
        """Read the file. A bad one is told whole, one fault a line, and twistd exits with 1."""
        path, data = (Path(value) if value else None for value in (self["config"], self["data"]))
        try:
            self["settings"] = config.load(path or config.installed(), data)
        except ConfigError as error:
            raise usage.UsageError("\n".join(["the configuration cannot be used:", *error.problems])) from error


def makeService(options: Options) -> IService:
    """The whole server as one service."""
    from twisted.internet import reactor

    # Twisted's timers follow time.time: a clock step would stop or hurry every one of them
    reactor.seconds = time.monotonic  # type: ignore[method-assign]
    parent: Any = options.parent or {}
    try:
        with garbage.unsought():
            from camtrace import application  # the whole program: not read for a configuration that cannot be used

            with as_account(parent.get("uid"), parent.get("gid")):
                foreground = bool(parent.get("nodaemon"))
                return application.build(
                    options["settings"], reactor, foreground=foreground, log_file=_log_file(parent)
                )
    except StartError as error:
        print(f"camtrace: {error}", file=sys.stderr)
        raise SystemExit(1) from error


def _log_file(parent: Mapping[str, Any]) -> Path | None:
    """The file that twistd writes its log to, None where it writes none."""
    name = parent.get("logfile") or ("" if parent.get("nodaemon") else "twistd.log")
    elsewhere = name in ("", "-") or parent.get("syslog") or parent.get("logger")
    return None if elsewhere else Path(name).absolute()
