"""Who may do what: sessions in a cookie, bearer tokens, rights as parameters that a route cannot be called without.

A route says what it needs, and gets it or is not called:

    @requirer.require(app.route("/cameras", methods=["GET"]), visit=May("live"))
    async def cameras(self, visit: Visit) -> str: ...

An unsafe method (POST, PUT, PATCH, DELETE) of a cookie session must come from a page of this site (Origin) and carry
the session's token in the header `X-CSRF` or in the form field `csrf`. A bearer token needs neither: no browser sends
it by itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from klein.interfaces import IDependencyInjector, IRequiredParameter
from twisted.internet import defer
from twisted.logger import Logger
from twisted.python.components import Componentized
from twisted.web.server import Request
from zope.interface import implementer

from camtrace.errors import CamTraceError, DatabaseUnavailable
from camtrace.events import SettingChanged
from camtrace.i18n import N_
from camtrace.model import User
from camtrace.web.headers import own_origin
from camtrace.web.ports import Gate
from camtrace.web.problems import Forbidden, Unauthenticated

SAFE_METHODS = (b"GET", b"HEAD", b"OPTIONS")
SESSION_SECONDS = 30 * 24 * 3600
PATIENCE_SECONDS = 5  # how long a database that stands still is awaited where there is another way


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a known person or program.

    `token` is the session's (empty with a bearer token); `csrf` is what forms and scripts of the page must send.
    """

    request: Request
    user: User
    token: str = ""
    csrf: str = ""

    @property
    def peer(self) -> str:
        """The address the request came from."""
        return peer_of(self.request)


class Access:
    """Finds out who asks, lets people in and out. `gate` knows passwords, sessions and tokens."""

    log = Logger()

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._attended: set[Attendance] = set()

    async def visit(self, request: Request) -> Visit | None:
        """The visit of whoever sent `request`: None if nobody is logged in. Raises Unauthenticated on a bad token."""
        bearer = bearer_token(request)
        if bearer:
            user = await self._gate.user_of_token(bearer)
            if user is None:
                raise Unauthenticated("the token is not valid")
            return Visit(request, user)
        token = session_token(request)
        user = await self._gate.user_of_session(token) if token else None
        return None if user is None else Visit(request, user, token, self._gate.csrf(token))

    async def authorized(self, request: Request, rights: tuple[str, ...], upgrade: bool = False) -> Visit:
        """The visit, if its user holds all `rights`. Raises Unauthenticated or Forbidden.

        `upgrade`: the request opens a WebSocket, so that its Origin counts although it is a GET.
        """
        visit = await self.visit(request)
        if visit is None:
            raise Unauthenticated("log in first")
        if visit.token:
            self._refuse_other_sites(visit, upgrade)
        for right in rights:
            if not visit.user.may(right):
                raise Forbidden(N_("your profile lacks the right {right}"), right=right)
        return visit

    async def authorized_lately(self, request: Request, reactor: Any) -> Visit:
        """As `authorized`; while the database does not answer, a bearer token that was accepted lately suffices."""
        token = bearer_token(request)
        asked = defer.Deferred.fromCoroutine(self.authorized(request, ()))
        if self._gate.user_of_token_lately(token) is None:
            return await asked
        asked.addTimeout(PATIENCE_SECONDS, reactor)
        try:
            return await asked
        except (DatabaseUnavailable, defer.TimeoutError) as error:
            user = self._gate.user_of_token_lately(token)
            if user is None:  # forgotten meanwhile
                raise DatabaseUnavailable(N_("the database does not answer now")) from error
            return Visit(request, user)

    async def again(self, visit: Visit) -> User | None:
        """The visit's user as the session or token gives it now, None when it ended: for connections that last."""
        bearer = bearer_token(visit.request)
        return await (self._gate.user_of_token(bearer) if bearer else self._gate.user_of_session(visit.token))

    def attend(self, visit: Visit, told: Callable[[User | None], object]) -> Attendance:
        """Call `told` with the visit's user as it is now, None when the visit ended, whenever people are changed.

        For answers that last: until `leave()` of what is returned is called. Its `look()` asks in between.
        """
        attendance = Attendance(self, visit, told)
        self._attended.add(attendance)
        return attendance

    def left(self, attendance: Attendance) -> None:
        """The answer is over."""
        self._attended.discard(attendance)

    def setting_changed(self, fact: SettingChanged) -> None:
        """Users, profiles or tokens were changed: who is still there must still be allowed to."""
        if fact.kind in ("user", "profile"):
            for attendance in tuple(self._attended):
                attendance.look()

    async def log_in(self, request: Request, name: str, password: str) -> User:
        """Check the password and give the browser a new session. Raises auth.Refused or auth.Throttled."""
        user = await self._gate.check_password(name, password, peer_of(request))
        await self._open(request, user)
        return user

    async def log_out(self, visit: Visit) -> None:
        """End the session and take its cookie away."""
        if visit.token:
            await self._gate.close_session(visit.token)
        set_cookie(visit.request, "", seconds=0)

    async def setup_wanted(self) -> bool:
        """Whether there is no user yet: the first is made by the one-time link."""
        return await self._gate.setup_wanted()

    async def link_valid(self, code: str) -> bool:
        """Whether `set_up` would take this one-time code now."""
        return await self._gate.link_valid(code)

    async def set_up(self, request: Request, code: str, name: str, password: str) -> User:
        """Make the first user (or a lost administrator) by the one-time `code` and log in.

        Raises auth.Refused (wrong or used code) or errors.Invalid (name or password).
        """
        user = await self._gate.redeem_setup(code, name, password)
        await self._open(request, user)
        return user

    async def link_user(self, code: str) -> User | None:
        """Whose password `set_password` would set by this one-time code; None if the code is not good."""
        return await self._gate.link_user(code)

    async def set_password(self, request: Request, code: str, password: str) -> User:
        """Set the password of the code's user, and log in. Raises auth.Refused or errors.Invalid."""
        user = await self._gate.redeem_password_link(code, password)
        await self._open(request, user)
        return user

    async def change_password(self, visit: Visit, old: str, new: str) -> None:
        """Give the visit's user another login password; this browser stays signed in, all others are signed out.

        Raises auth.Refused (the old password is wrong), auth.Throttled or errors.Invalid (the new one is too short).
        """
        user = await self._gate.check_password(visit.user.name, old, visit.peer)
        await self._gate.change_password(user, new)
        await self._open(visit.request, user)

    async def new_player_password(self, visit: Visit) -> str:
        """A new player password of the visit's user; the one before is worth nothing any more."""
        return await self._gate.new_player_password(visit.user)

    async def _open(self, request: Request, user: User) -> None:
        old = session_token(request)
        if old:  # a new session at every login: one that was planted before is worth nothing
            await self._gate.close_session(old)
        set_cookie(request, await self._gate.open_session(user, peer_of(request)), SESSION_SECONDS)

    def _refuse_other_sites(self, visit: Visit, upgrade: bool) -> None:
        unsafe = visit.request.method not in SAFE_METHODS
        if (unsafe or upgrade) and not own_origin(visit.request):
            raise Forbidden(N_("the request comes from another site"))
        if unsafe and not hmac.compare_digest(sent_csrf(visit.request).encode(), visit.csrf.encode()):
            raise Forbidden(N_("the page is out of date: load it again"))


class Attendance:
    """An answer that lasts, whose user may lose the right to it meanwhile."""

    def __init__(self, access: Access, visit: Visit, told: Callable[[User | None], object]) -> None:
        self._access = access
        self._visit = visit
        self._told = told
        self._gone = False

    def look(self) -> None:
        """Ask who the visit is of now."""
        defer.Deferred.fromCoroutine(self._look()).addErrback(
            lambda failure: Access.log.failure("an answer that lasts could not be looked after", failure)
        )

    async def _look(self) -> None:
        try:
            user = await self._access.again(self._visit)
        except CamTraceError as error:  # the database is away: what was allowed stays so until the next look
            Access.log.debug("a visit could not be looked at: {error}", error=error)
            return
        if not self._gone:
            self._told(user)

    def leave(self) -> None:
        """The answer is over."""
        self._gone = True
        self._access.left(self)


@implementer(IRequiredParameter, IDependencyInjector)
class May:
    """Gives a route its `Visit`, provided that the user holds all these rights. The route's object has `access`."""

    def __init__(self, *rights: str, upgrade: bool = False) -> None:
        self._rights = rights
        self._upgrade = upgrade

    def registerInjector(self, injectionComponents: Componentized, parameterName: str, lifecycle: object) -> May:
        return self

    def injectValue(self, instance: Any, request: Any, routeParams: dict[str, Any]) -> defer.Deferred[Visit]:
        access: Access = instance.access
        return defer.Deferred.fromCoroutine(access.authorized(request, self._rights, self._upgrade))

    def finalize(self) -> None:
        """Nothing to do."""


@implementer(IRequiredParameter, IDependencyInjector)
class MayLately:
    """Gives a route that needs no right its `Visit`, by a token accepted lately too where the database is away.

    For figures that are wanted exactly then, and for nothing else. The route's object has `access` and `reactor`.
    """

    def registerInjector(self, injectionComponents: Componentized, parameterName: str, lifecycle: object) -> MayLately:
        return self

    def injectValue(self, instance: Any, request: Any, routeParams: dict[str, Any]) -> defer.Deferred[Visit]:
        access: Access = instance.access
        return defer.Deferred.fromCoroutine(access.authorized_lately(request, instance.reactor))

    def finalize(self) -> None:
        """Nothing to do."""


@implementer(IRequiredParameter, IDependencyInjector)
class Anyone:
    """Gives a route that is open to all its request. An unsafe method must still come from a page of this site."""

    def registerInjector(self, injectionComponents: Componentized, parameterName: str, lifecycle: object) -> Anyone:
        return self

    def injectValue(self, instance: Any, request: Any, routeParams: dict[str, Any]) -> Request:
        if request.method not in SAFE_METHODS and not own_origin(request):
            raise Forbidden(N_("the request comes from another site"))
        return cast(Request, request)

    def finalize(self) -> None:
        """Nothing to do."""


def peer_of(request: Request) -> str:
    """The address a request came from."""
    return str(getattr(request.getClientAddress(), "host", "") or "")


def bearer_token(request: Request) -> str:
    """The token of `Authorization: Bearer TOKEN`; empty if there is none."""
    scheme, _, token = (request.getHeader("authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def session_token(request: Request) -> str:
    """The value of the session's cookie; empty if there is none."""
    return (request.getCookie(cookie_name(request)) or b"").decode("ascii", "replace")


def cookie_name(request: Request) -> bytes:
    """The cookie's name: cookies do not know of ports, and two servers on one host shall not log each other out."""
    return b"camtrace_%d" % getattr(request.getHost(), "port", 0)


def set_cookie(request: Request, value: str, seconds: int) -> None:
    """Give the browser the session's cookie for `seconds`: out of scripts' reach, not sent by other sites' forms."""
    request.addCookie(
        cookie_name(request),
        value.encode(),
        path=b"/",
        max_age=b"%d" % seconds,
        httpOnly=True,
        secure=request.isSecure(),
        sameSite=b"lax",
    )


def sent_csrf(request: Request) -> str:
    """The token that the page sent with an unsafe request: by header from scripts, in a field from forms."""
    header = request.getHeader("x-csrf")
    if header is not None:
        return header
    return (request.args or {}).get(b"csrf", [b""])[0].decode("ascii", "replace")
