"""Secrets at rest: sealed by a key that lies in DATA/secret.key (mode 0600) and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from camtrace.errors import StartError


class Vault:
    """Seals and opens secrets (Fernet: AES-128-CBC with HMAC-SHA256), and derives signing keys."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)
        self._root = base64.urlsafe_b64decode(key)

    @classmethod
    def open(cls, path: Path) -> Vault:
        """The vault whose key lies at `path`; the key is made there if there is none. Raises StartError."""
        try:
            try:
                key = path.read_bytes().strip()
            except FileNotFoundError:
                key = Fernet.generate_key()
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(key + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
            return cls(key)
        except OSError as error:
            raise StartError(f"the key file {path} cannot be used: {error.strerror}") from error
        except ValueError as error:
            raise StartError(f"the key file {path} holds no key: restore it from a backup") from error

    def seal(self, secret: str) -> bytes:
        """Encrypt `secret` (text) for storage; b"" stays b""."""
        return self._fernet.encrypt(secret.encode()) if secret else b""

    def unseal(self, sealed: bytes) -> str:
        """The secret that `seal` was given; "" for b"". Raises ValueError if it was sealed by another key."""
        if not sealed:
            return ""
        try:
            return self._fernet.decrypt(bytes(sealed)).decode()
        except InvalidToken as error:
            raise ValueError("sealed by another key: DATA/secret.key was changed") from error

    def signing_key(self, purpose: str) -> bytes:
        """A 32-byte key for signing, a different one for each `purpose`."""
        return hmac.new(self._root, purpose.encode(), hashlib.sha256).digest()
