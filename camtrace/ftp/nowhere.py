"""A file system without files: every folder is there, nothing is in it, and what is written goes into memory."""

from __future__ import annotations

import errno
import hmac
import posixpath
from typing import Any

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.exceptions import AuthenticationFailed
from pyftpdlib.filesystems import AbstractedFS

from camtrace.config import Ftp

_MAY = set("elmadfwMT")  # pyftpdlib's letters for everything but reading


class Nowhere(AbstractedFS):
    """What one session sees. No path of it ever touches the disk."""

    cwd: str
    cmd_channel: Any

    def __init__(self, root: str, cmd_channel: Any) -> None:
        super().__init__("/", cmd_channel)
        self._unique = 0

    def ftpnorm(self, ftppath: str) -> str:
        """An absolute path without `.` and `..`, which cannot climb above the root."""
        joined = posixpath.join("/", self.cwd, ftppath.replace("\\", "/").replace("\0", ""))
        return "/" + posixpath.normpath(joined).strip("/")

    def ftp2fs(self, ftppath: str) -> str:
        return self.ftpnorm(ftppath)

    def fs2ftp(self, fspath: str) -> str:
        return fspath

    def validpath(self, path: str) -> bool:
        return True

    def open(self, filename: str, mode: str) -> Any:
        """A file to write to. Raises OSError for one to be read."""
        if mode[0] not in "wa":
            raise PermissionError(errno.EACCES, "Nothing can be read here")
        return self.cmd_channel.new_upload(filename, appends=mode[0] == "a")

    def mkstemp(self, suffix: str = "", prefix: str = "", dir: str = "/", mode: str = "wb") -> Any:
        """A file of a name that no other has."""
        self._unique += 1
        return self.cmd_channel.new_upload(posixpath.join(dir, f"{prefix}{self._unique:04d}{suffix}"))

    def chdir(self, path: str) -> None:
        self.cwd = path

    def listdir(self, path: str) -> list[str]:
        return []

    def mkdir(self, path: str) -> None: ...
    def rmdir(self, path: str) -> None: ...
    def remove(self, path: str) -> None: ...
    def chmod(self, path: str, mode: str) -> None: ...
    def utime(self, path: str, timeval: float) -> None: ...

    def rename(self, src: str, dst: str) -> None:
        self.cmd_channel.renamed(src, dst)

    def isdir(self, path: str) -> bool:
        return True

    def isfile(self, path: str) -> bool:
        return self.cmd_channel.size_of(path) is not None

    def islink(self, path: str) -> bool:
        return False

    def lexists(self, path: str) -> bool:
        return True

    def realpath(self, path: str) -> str:
        return path

    def getsize(self, path: str) -> int:
        """Bytes of the file that came last. Raises FileNotFoundError for any other."""
        size = self.cmd_channel.size_of(path)
        if size is None:
            raise FileNotFoundError(errno.ENOENT, "No such file")
        return int(size)

    def getmtime(self, path: str) -> float:
        """When the file came that came last. Raises FileNotFoundError for any other."""
        self.getsize(path)
        return float(self.cmd_channel.last_at.timestamp())


class Login(DummyAuthorizer):
    """The one user that all cameras log in as."""

    def __init__(self, settings: Ftp) -> None:
        super().__init__()
        self._user = settings.user.encode()
        self._password = settings.password.encode()

    def validate_authentication(self, username: str, password: str, handler: Any) -> None:
        """Raises AuthenticationFailed, in the same time whatever is wrong."""
        names = hmac.compare_digest(username.encode("utf-8", "replace"), self._user)
        words = hmac.compare_digest(password.encode("utf-8", "replace"), self._password)
        if not (names and words):
            raise AuthenticationFailed("Authentication failed.")

    def get_home_dir(self, username: str) -> str:
        return "/"

    def has_user(self, username: str) -> bool:
        return True

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        return perm in _MAY

    def get_perms(self, username: str) -> str:
        return "".join(sorted(_MAY))

    def get_msg_login(self, username: str) -> str:
        return "Login successful."

    def get_msg_quit(self, username: str) -> str:
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None: ...
    def terminate_impersonation(self, username: str) -> None: ...
