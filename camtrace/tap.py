"""`twistd camtrace`: read the configuration, build the server."""

from __future__ import annotations

import sys
import time
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
                return application.build(options["settings"], reactor, foreground=bool(parent.get("nodaemon")))
    except StartError as error:
        print(f"camtrace: {error}", file=sys.stderr)
        raise SystemExit(1) from error
