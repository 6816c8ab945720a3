"""What can go wrong with a request, and how it is told: JSON to programs, a page to people."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Protocol
from urllib.parse import quote

from klein import Response
from twisted.internet import defer
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request
from werkzeug.exceptions import HTTPException
from zope.interface import Interface, implementer

from camtrace.auth import Refused, Throttled
from camtrace.errors import CamTraceError, Conflict, DatabaseUnavailable, Invalid, NotFound, Overreach
from camtrace.i18n import N_

RETRY_SECONDS = 5
Headers = dict[str | bytes, str | bytes | Sequence[str | bytes]]


class Unauthenticated(CamTraceError):
    """Nobody is logged in, or the token or session is not (any more) valid."""


class Forbidden(CamTraceError):
    """The user may not do this, or the request was made by another site's page."""


class TooLarge(CamTraceError):
    """The request's body exceeds what this server accepts."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer that is an error: HTTP `status`, a stable `code` for programs, `message` for people.

    `text` is the message's id, `values` fill its {places}: who shows it to a person says it in that person's language.
    `share`: how far along the server is, in percent, where that is why it cannot answer yet.
    """

    status: int
    code: str
    message: str
    field: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    share: int | None = None
    text: str = ""
    values: Mapping[str, str | int] = dataclass_field(default_factory=dict)

    def as_json(self, translatable: bool = False) -> dict[str, Any]:
        """The body the API answers with; `translatable`: with the message's id and values."""
        told = {"code": self.code, "message": self.message, "field": self.field or None}
        more = {"text": self.text or self.message, "values": dict(self.values)} if translatable else {}
        return {"error": {**told, **more}}


_STATUS: tuple[tuple[type[CamTraceError], int, str], ...] = (
    (Invalid, 400, "invalid"),
    (Refused, 401, "refused"),
    (Unauthenticated, 401, "unauthenticated"),
    (Forbidden, 403, "forbidden"),
    (Overreach, 403, "forbidden"),
    (NotFound, 404, "not_found"),
    (Conflict, 409, "conflict"),
    (TooLarge, 413, "too_large"),
    (Throttled, 429, "throttled"),
    (DatabaseUnavailable, 503, "unavailable"),
    (CamTraceError, 500, "failed"),
)
# headers of an answer that failed before its first byte, which do not fit what is told instead
_OF_THE_CONTENT = ("content-length", "content-range", "content-disposition", "accept-ranges", "etag")
_HTTP_CODES = {400: "invalid", 404: "not_found", 405: "method_not_allowed"}


def problem_of(error: BaseException) -> Problem | None:
    """The answer to `error`; None if it is a fault of this program."""
    for kind, status, code in _STATUS:
        if isinstance(error, kind) and isinstance(error, CamTraceError):
            field, headers = getattr(error, "field", ""), _headers_of(error, status)
            return Problem(status, code, str(error), field, headers, text=error.text, values=error.values)
    if isinstance(error, HTTPException) and error.code is not None and error.code >= 400:
        allowed = getattr(error, "valid_methods", None)
        headers = (("Allow", ", ".join(sorted(allowed))),) if allowed else ()
        return Problem(error.code, _HTTP_CODES.get(error.code, "http"), error.name, headers=headers)
    return None


def _headers_of(error: BaseException, status: int) -> tuple[tuple[str, str], ...]:
    if isinstance(error, Throttled):
        return (("Retry-After", str(max(1, math.ceil(error.seconds)))),)
    if isinstance(error, Unauthenticated):
        return (("WWW-Authenticate", 'Bearer realm="CamTrace"'),)
    return (("Retry-After", str(RETRY_SECONDS)),) if status == 503 else ()


class ErrorPage(Protocol):
    """Draws the page that tells a person of a problem. Provided by the pages."""

    def __call__(self, request: Request, problem: Problem) -> str | Awaitable[str]: ...


class IProblems(Interface):
    """The component of a request that answers its errors."""


@implementer(IProblems)
class Problems:
    """Answers errors. `page` draws the HTML ones; without it, a bare sentence is shown."""

    log = Logger()

    def __init__(self, page: ErrorPage | None = None) -> None:
        self._page = page or plain_page

    async def answer(self, request: Request, error: BaseException) -> Response:
        """The response that tells of `error`; a fault of this program is logged with its trace and told as 500."""
        problem = problem_of(error)
        if problem is None:
            self.log.failure(
                "{method} {path} failed",
                Failure(error),
                method=request.method.decode("ascii", "replace"),
                path=request.path.decode("ascii", "replace"),
            )
            problem = Problem(500, "internal", N_("The server failed to answer this request; its log says why."))
        return await self.tell(request, problem)

    async def tell(self, request: Request, problem: Problem) -> Response:
        """`problem` in the form that suits the address: JSON for programs, else a page (or the way to the login)."""
        headers: Headers = {"Cache-Control": "no-store"}
        headers.update(problem.headers)
        if for_programs(request.path):
            translatable = "text=id" in (request.getHeader("accept") or "")
            body = json.dumps(problem.as_json(translatable), ensure_ascii=False).encode()
            return Response(problem.status, {**headers, "Content-Type": "application/json"}, body)
        if problem.code == "unauthenticated":
            here = quote(request.uri.decode("ascii", "replace"), safe="")
            return Response(303, {"Location": f"/login?next={here}", "Cache-Control": "no-store"}, b"")
        page = self._page(request, problem)
        text = page if isinstance(page, str) else await page
        return Response(problem.status, {**headers, "Content-Type": "text/html; charset=utf-8"}, text.encode())


def for_programs(path: bytes) -> bool:
    """Whether errors at this address are told as JSON."""
    return path.startswith((b"/api/", b"/metrics")) or path in (b"/api", b"/live/socket")


def plain_page(request: Request, problem: Problem) -> str:
    """A page for a server that has no pages of its own."""
    return f"<!doctype html><title>{problem.status}</title><p>{problem.status}: {_escaped(problem.message)}</p>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def answer_failure(instance: Any, request: Any, failure: Failure) -> Any:
    """Klein's error handler: leaves a cancelled request alone, answers all others by the request's `Problems`."""
    if failure.check(defer.CancelledError) or failure.value is None:
        return None
    if isinstance(failure.value, HTTPException) and (failure.value.code or 0) < 400:
        return failure  # a redirection to the address with the right slashes: Klein's own answer will do
    if request.startedWriting:
        Problems.log.failure("{path} broke off", failure, path=request.path.decode("ascii", "replace"))
        _break_off(request)
        return None
    for header in _OF_THE_CONTENT:
        request.responseHeaders.removeHeader(header)
    problems: Problems = request.getComponent(IProblems) or Problems()
    return defer.Deferred.fromCoroutine(problems.answer(request, failure.value))


def _break_off(request: Any) -> None:
    """Let the client see that a body under way is not whole."""
    if request.responseHeaders.hasHeader("content-length"):
        request.channel.persistent = False  # what was written leaves, then the connection ends before its time
    else:
        request.transport.abortConnection()  # a proper end of the last chunk would look like the body's
