"""Who a player acts for: Digest with the player password, Basic with the login password, or nobody."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode

from camtrace.auth import REALM, Refused, Throttled
from camtrace.challenge import digest_response
from camtrace.model import User
from camtrace.rtsp.ports import Gate
from camtrace.rtsp.wire import Request

# the same whoever the user is: who has a player password is nobody's business; players print it
_NOT_BY_DIGEST = "Unauthorized: the password for players is wanted here, not that of the login"
_FIELD = re.compile(r'([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^\s,]*))')


class Refusal(Exception):
    """The request is answered with `status`, the reason in words and further headers."""

    def __init__(self, status: int, reason: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(reason or str(status))
        self.status = status
        self.reason = reason
        self.headers = headers


class Access:
    """Asks players who they are, unless the server is open to all."""

    def __init__(self, gate: Gate, anonymous: bool = False) -> None:
        """`anonymous`: nobody is asked.

        Digest is offered once anybody has a player password. Before, Basic alone is, with the login password: a player
        that can do both never falls back from Digest to Basic.
        """
        self._gate = gate
        self._anonymous = anonymous

    async def user(self, request: Request, peer: str, nonce: str) -> User | None:
        """The user the request acts for; None when the server is open to all. Raises Refusal (401, 403).

        `nonce` belongs to the connection and holds as long as it does: players do not take a new one in mid-session.
        """
        if self._anonymous:
            return None
        scheme, _, rest = request.header("authorization").partition(" ")
        if scheme.lower() == "digest":
            return await self._by_digest(request, rest, nonce)
        if scheme.lower() == "basic":
            return await self._by_basic(rest, peer, nonce)
        raise await self._challenge(nonce)

    async def _challenge(self, nonce: str, stale: bool = False, reason: str = "") -> Refusal:
        digest = f'Digest realm="{REALM}", nonce="{nonce}"' + (", stale=true" if stale else "")
        schemes = ([digest] if await self._gate.digest_wanted() else []) + [f'Basic realm="{REALM}"']
        return Refusal(401, reason, tuple(("WWW-Authenticate", scheme) for scheme in schemes))

    async def _by_digest(self, request: Request, text: str, nonce: str) -> User:
        fields = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(text)}
        if fields.get("nonce") != nonce:  # learnt on another connection
            raise await self._challenge(nonce, stale="nonce" in fields)
        secret = await self._gate.player_secret(fields.get("username", ""))
        if secret is None:
            raise await self._challenge(nonce, reason=_NOT_BY_DIGEST)
        algorithm = fields.get("algorithm", "") or "MD5"
        ha1 = secret.ha1_sha256 if algorithm.upper() == "SHA-256" else secret.ha1_md5
        expected = digest_response(ha1, request.method, fields.get("uri", ""), fields, algorithm)
        if not hmac.compare_digest(expected.encode(), fields.get("response", "").lower().encode()):
            raise await self._challenge(nonce, reason=_NOT_BY_DIGEST)
        return secret.user

    async def _by_basic(self, text: str, peer: str, nonce: str) -> User:
        try:
            name, _, password = b64decode(text, validate=True).decode().partition(":")
        except ValueError as error:
            raise await self._challenge(nonce) from error
        try:
            return await self._gate.check_password(name, password, peer)
        except Throttled as error:
            raise Refusal(403, str(error), (("Retry-After", str(error.seconds)),)) from error
        except Refused as error:
            raise await self._challenge(nonce) from error
