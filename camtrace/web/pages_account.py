"""My account: one's own login password, player password, language and appearance."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlsplit

from klein import Response

from camtrace.auth import SHORTEST_PASSWORD, Refused, Throttled
from camtrace.web.access import Access, May, Visit
from camtrace.web.pages_frame import Frame, field, pause_words
from camtrace.web.ports import Note
from camtrace.web.routing import new_app, requirer


class AccountPages:
    """`/account`, for whoever is signed in. `player_port` gives the port for players, 0 when there is none."""

    app = new_app()

    def __init__(self, frame: Frame, access: Access, note: Note, player_port: Callable[[], int]) -> None:
        self._frame = frame
        self.access = access
        self._note = note
        self._player_port = player_port

    @requirer.require(app.route("/account", methods=["GET"]), visit=May())
    async def account(self, visit: Visit) -> Response:
        return self._page(visit, done=field(visit.request, "done") == "password")

    @requirer.require(app.route("/account/password", methods=["POST"]), visit=May())
    async def change_password(self, visit: Visit) -> Response:
        """On success the page is asked for anew: it belongs to a new session, with another form token."""
        spoken = self._frame.spoken(visit.request, visit.user.language)
        old, new = field(visit.request, "old"), field(visit.request, "password")
        if len(new) < SHORTEST_PASSWORD:
            problem = spoken.gettext("This password is shorter than 12 characters.")
            return self._page(visit, 400, problem=problem, at="password")
        if new != field(visit.request, "again"):
            problem = spoken.gettext("The two passwords are not the same.")
            return self._page(visit, 400, problem=problem, at="again")
        try:
            await self.access.change_password(visit, old, new)
        except Refused:
            return self._page(visit, 400, problem=spoken.gettext("This is not your password until now."), at="old")
        except Throttled as error:
            return self._page(visit, 429, problem=pause_words(spoken, error.seconds), at="old")
        self._note("audit", "password_changed", {}, user=visit.user.name)
        return Response(303, {"Location": "/account?done=password", "Cache-Control": "no-store"}, b"")

    @requirer.require(app.route("/account/player", methods=["POST"]), visit=May("replay"))
    async def new_player_password(self, visit: Visit) -> Response:
        """The answer shows the password, this once."""
        password = await self.access.new_player_password(visit)
        self._note("audit", "player_password_made", {}, user=visit.user.name)
        return self._page(visit, player_password=password, player_url=self._player_url(visit, password))

    def _player_url(self, visit: Visit, password: str) -> str:
        """The last minute of the first camera, for ffplay and VLC; empty if there is no camera or no port."""
        cameras, port = self._frame.visible(visit), self._player_port()
        if not cameras or not port:
            return ""
        host = urlsplit(f"//{visit.request.getHeader('host') or 'localhost'}").hostname or "localhost"
        host = f"[{host}]" if ":" in host else host
        login = f"{quote(visit.user.name, safe='')}:{quote(password, safe='')}"
        return f"rtsp://{login}@{host}:{port}/player/regul/{cameras[0].id}/?rstart=60"

    def _page(
        self,
        visit: Visit,
        status: int = 200,
        *,
        problem: str = "",
        at: str = "",
        done: bool = False,
        player_password: str = "",
        player_url: str = "",
    ) -> Response:
        return self._frame.page(
            visit,
            "account.html",
            "account",
            status=status,
            problem=problem,
            problem_field=at,
            done=done,
            player_password=player_password,
            player_url=player_url,
            back="/account",
        )
