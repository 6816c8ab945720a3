"""Answers to HTTP and RTSP authentication challenges: Basic (RFC 7617) and Digest (RFC 7616, RFC 2617). Pure."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_SCHEME = re.compile(r"\s*(basic|digest)\b", re.IGNORECASE)
_NEXT_SCHEME = re.compile(r",\s*(?=(?:basic|digest)\s)", re.IGNORECASE)
_PARAMETER = re.compile(r'([a-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))', re.IGNORECASE)
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a `WWW-Authenticate` header. `scheme` is "basic" or "digest"."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def stale(self) -> bool:
        """Whether only the nonce was too old, so that the same password is worth another try."""
        return self.parameters.get("stale", "").lower() == "true"


def read_challenges(headers: Iterable[str]) -> list[Challenge]:
    """Every challenge this module can answer, from all `WWW-Authenticate` values, Digest before Basic."""
    found = []
    for header in headers:
        for part in _NEXT_SCHEME.split(header):
            scheme = _SCHEME.match(part)
            if scheme:
                parameters = {
                    m[1].lower(): _unquote(m[2]) if m[2] is not None else m[3]
                    for m in _PARAMETER.finditer(part, scheme.end())
                }
                found.append(Challenge(scheme[1].lower(), parameters))
    answerable = [one for one in found if one.scheme == "basic" or _hash_name(one) in _HASHES]
    return sorted(answerable, key=lambda one: one.scheme == "basic")


def answer(challenge: Challenge, method: str, uri: str, login: str, password: str) -> str:
    """The value of the `Authorization` header. `uri` is exactly what the request line says."""
    if challenge.scheme == "basic":
        return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()
    return _digest(challenge, method, uri, login, password)


def digest_response(ha1: str, method: str, uri: str, fields: Mapping[str, str], algorithm: str = "MD5") -> str:
    """The `response` of Digest (RFC 7616 section 3.4.1). `ha1` in hex; `fields`: nonce, and nc, cnonce, qop if used."""
    make = _HASHES["SHA-256" if algorithm.upper().startswith("SHA-256") else "MD5"]
    request = make(f"{method}:{uri}".encode()).hexdigest()
    middle = [fields["nonce"]]
    if fields.get("qop"):
        middle += [fields.get("nc", ""), fields.get("cnonce", ""), fields["qop"]]
    return make(":".join([ha1, *middle, request]).encode()).hexdigest()


def _digest(challenge: Challenge, method: str, uri: str, login: str, password: str) -> str:
    given = challenge.parameters
    realm, nonce = given.get("realm", ""), given.get("nonce", "")
    hash_name = _hash_name(challenge)

    def hashed(text: str) -> str:
        return _HASHES[hash_name](text.encode()).hexdigest()

    count, own_nonce = "00000001", secrets.token_hex(8)
    secret = hashed(f"{login}:{realm}:{password}")
    if given.get("algorithm", "").lower().endswith("-sess"):
        secret = hashed(f"{secret}:{nonce}:{own_nonce}")
    fields = {"username": login, "realm": realm, "nonce": nonce, "uri": uri}
    bare = {}
    if "auth" in (option.strip() for option in given.get("qop", "").lower().split(",")):
        fields["cnonce"] = own_nonce
        bare = {"qop": "auth", "nc": count}
    fields["response"] = digest_response(secret, method, uri, {**fields, **bare}, hash_name)
    if "opaque" in given:
        fields["opaque"] = given["opaque"]
    if "algorithm" in given:
        bare["algorithm"] = given["algorithm"]
    quoted = [f'{name}="{_quote(value)}"' for name, value in fields.items()]
    return "Digest " + ", ".join(quoted + [f"{name}={value}" for name, value in bare.items()])


def _hash_name(challenge: Challenge) -> str:
    return challenge.parameters.get("algorithm", "MD5").upper().removesuffix("-SESS") or "MD5"


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
