"""Headers of every answer: nothing of ours runs in another site's page, nothing of another site in ours."""

from __future__ import annotations

import re

from twisted.web.server import Request

# no inline script or style anywhere; blob: is what Media Source Extensions and drawn pictures need
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; manifest-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PROTECTION = (
    ("Server", "CamTrace"),
    ("Content-Security-Policy", CONTENT_POLICY),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
)
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:\d{1,5})?")


def protect(request: Request) -> None:
    """Put the protective headers on the answer."""
    for name, value in _PROTECTION:
        request.setHeader(name, value)
    if request.isSecure():
        request.setHeader("Strict-Transport-Security", "max-age=31536000")


def sane_host(request: Request) -> bool:
    """Whether the Host header, if there is one, is a host name or address with an optional port."""
    host = request.getHeader(b"host")
    return host is None or _HOST.fullmatch(host) is not None


def own_origin(request: Request) -> bool:
    """Whether the request comes from a page of this site, or from a program, which sends no Origin.

    Host and port are compared and not the scheme, since TLS may end at a proxy in front of this server.
    """
    origin = request.getHeader(b"origin")
    if origin is None:
        return request.getHeader(b"sec-fetch-site") in (None, b"same-origin", b"none")
    scheme, separator, place = origin.partition(b"://")
    default = {b"http": b":80", b"https": b":443"}.get(scheme.lower())
    if not separator or default is None:
        return False
    host = request.getHeader(b"host") or b""
    return place.lower().removesuffix(default) == host.lower().removesuffix(default)
