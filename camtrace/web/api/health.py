"""Whether the server is well, for a monitor; its figures, for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klein import Response
from twisted.internet import defer
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from camtrace import __version__
from camtrace.errors import CamTraceError
from camtrace.metrics import Metrics
from camtrace.web.access import Access, Anyone, MayLately, Visit
from camtrace.web.answers import answer
from camtrace.web.ports import Check
from camtrace.web.problems import Headers
from camtrace.web.routing import new_app, requirer

CHECK_SECONDS = 5


class HealthApi:
    """`/api/v1/health`, open to all, and `/metrics`. A check that does not answer in 5 s has failed."""

    app = new_app()
    log = Logger()

    def __init__(self, reactor: Any, access: Access, checks: Mapping[str, Check], metrics: Metrics) -> None:
        self.access = access
        self.reactor = reactor
        self._checks = checks
        self._metrics = metrics

    @requirer.require(app.route("/api/v1/health", methods=["GET"]), request=Anyone())
    async def health(self, request: Request) -> Response:
        """200 `ok` only when every listener is open and the database answers, else 503; details for who is known."""
        known = defer.Deferred.fromCoroutine(self._known(request))
        known.addTimeout(CHECK_SECONDS, self.reactor).addErrback(_no_details)
        found = await defer.gatherResults([self._result(check) for check in self._checks.values()])
        results = dict(zip(self._checks, found, strict=True))
        well = all(ok for ok, _ in results.values())
        body: dict[str, Any] = {"status": "ok" if well else "failing"}
        if await known:
            body["version"] = __version__
            body["checks"] = {name: {"ok": ok, "message": text} for name, (ok, text) in results.items()}
        return answer(body, 200 if well else 503)

    @requirer.require(app.route("/metrics", methods=["GET"]), visit=MayLately())
    def metrics(self, visit: Visit) -> Response:
        """The server's figures in Prometheus' text format, while the database is away too."""
        headers: Headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"}
        return Response(200, headers, self._metrics.text().encode())

    def _result(self, check: Check) -> defer.Deferred[tuple[bool, str]]:
        result = defer.Deferred.fromCoroutine(_called(check))
        result.addTimeout(CHECK_SECONDS, self.reactor)
        return result.addErrback(lambda failure: (False, str(failure.value) or "no answer"))

    async def _known(self, request: Request) -> bool:
        try:
            return await self.access.visit(request) is not None
        except CamTraceError as error:  # a wrong token, or no database to ask: no details then
            self.log.debug("health without details: {error}", error=error)
            return False


def _no_details(failure: Failure) -> bool:
    failure.trap(defer.TimeoutError)  # a database that stands still does not tell whose token it is
    return False


async def _called(check: Check) -> tuple[bool, str]:
    return await check()
