"""Mails: how they are sent, whether that works, what became of them, who gets which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from klein import Response

from camtrace.errors import Invalid, filled
from camtrace.i18n import N_
from camtrace.mail.settings import MailSettings
from camtrace.model import MailQuery, MailRights, QueuedMail, Recipient
from camtrace.notes import TEXTS
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Position, Query, answer, body_of, page_of
from camtrace.web.api.shapes import Shape
from camtrace.web.csv_file import Cell, send_csv
from camtrace.web.ports import CameraDirectory, MailOffice
from camtrace.web.routing import new_app, requirer
from camtrace.web.voices import Voice, Voices, words_of
from camtrace.web.whose import Graves, camera_named
from camtrace.web.wording import MAIL_KIND_WORDS, MAIL_STATE_WORDS

_LISTS, _FLAGS = ("alarms", "lost"), ("contacts", "purge", "life", "rules")
_HEADS = (
    N_("Time"),
    N_("Kind"),
    N_("To"),
    N_("Subject"),
    N_("Camera"),
    N_("State"),
    N_("Tries"),
    N_("Done"),
    N_("The mail server said"),
)


class MailApi:
    """`/api/v1/mail` and what lies under it."""

    app = new_app()

    def __init__(
        self,
        reactor: Any,
        access: Access,
        directory: CameraDirectory,
        graves: Graves,
        office: MailOffice,
        voices: Voices,
    ) -> None:
        self.access = access
        self._reactor = reactor
        self._directory = directory
        self._graves = graves
        self._office = office
        self._voices = voices

    @requirer.require(app.route("/api/v1/mail", methods=["GET"]), visit=May("settings"))
    async def settings(self, visit: Visit) -> Response:
        """How mails are sent, how many wait, and who has a right to mails and no address."""
        return answer(await self._settings(await self._office.settings()))

    @requirer.require(app.route("/api/v1/mail", methods=["PATCH"]), visit=May("settings"))
    async def change(self, visit: Visit) -> Response:
        """Change how mails are sent."""
        return answer(await self._settings(await self._office.change(body_of(visit.request), visit.user)))

    @requirer.require(app.route("/api/v1/mail/test", methods=["POST"]), visit=May("settings"))
    async def test(self, visit: Visit) -> Response:
        """Send a mail now, with settings that need not be saved, and say what came of it."""
        body = body_of(visit.request)
        trouble = await self._office.test(body, visit.user)
        if trouble is None:
            return answer({"ok": True})
        settings = await self._office.with_changes(body)
        text = TEXTS[f"mail_trouble_{trouble.kind}"]
        values = {"host": settings.host, "port": settings.port, "said": trouble.said}
        told = {"code": trouble.kind, "text": text, "values": values, "message": filled(text, values).strip()}
        return answer({"ok": False, **told})

    @requirer.require(app.route("/api/v1/mail/queue", methods=["GET"]), visit=May("settings"))
    async def queue(self, visit: Visit) -> Response:
        """Mails of the last thirty days with their state, those queued last first."""
        query = Query(visit.request)
        limit = query.limit()
        found = await self._wanted(query, await self._asked(visit), limit + 1, query.cursor())
        return page_of(found, limit, queued_shape, _place)

    @requirer.require(app.route("/api/v1/mail/queue.csv", methods=["GET"]), visit=May("settings"))
    async def queue_as_file(self, visit: Visit) -> Response | None:
        """The same as a file for spreadsheets."""
        query, voice = Query(visit.request), self._voices.voice(visit.request, visit.user.language)
        page = partial(self._wanted, query, await self._asked(visit))
        return await send_csv(visit, self._reactor, voice, N_("Mails"), _HEADS, page, partial(self._row, voice), _place)

    async def _asked(self, visit: Visit) -> Sequence[int] | None:
        camera = Query(visit.request).text("camera")
        if camera is None:
            return None
        return [(await camera_named(camera, visit.user, self._directory, self._graves)).uid]

    async def _wanted(
        self, query: Query, camera_uids: Sequence[int] | None, limit: int, before: Position | None
    ) -> list[QueuedMail]:
        wanted = MailQuery(
            kind=query.choice("kind", MAIL_KIND_WORDS),
            state=query.choice("state", MAIL_STATE_WORDS),
            camera_uids=camera_uids,
            start=query.instant("start"),
            stop=query.instant("stop"),
            words=words_of(query.text("text")),
        )
        return await self._office.queue(wanted, limit, before)

    def _row(self, voice: Voice, mail: QueuedMail) -> Sequence[Cell]:
        speak = voice.spoken.gettext
        camera = self._directory.by_uid(mail.camera_uid) if mail.camera_uid is not None else None
        return (
            voice.instant(mail.queued_at),
            speak(MAIL_KIND_WORDS.get(mail.kind, mail.kind)),
            mail.recipient,
            mail.subject,
            camera.id if camera is not None else None,
            speak(MAIL_STATE_WORDS.get(mail.state, mail.state)),
            mail.attempts,
            None if mail.ended_at is None else voice.instant(mail.ended_at),
            mail.said or mail.problem,
        )

    # ── who gets what ──

    @requirer.require(app.route("/api/v1/mail/users", methods=["GET"]), visit=May("users"))
    async def users(self, visit: Visit) -> Response:
        """Every user's mail address."""
        return answer({"items": [person_shape(one) for one in await self._office.recipients()], "next": None})

    @requirer.require(app.route("/api/v1/mail/users/<name>", methods=["PATCH"]), visit=May("users"))
    async def change_user(self, visit: Visit, name: str) -> Response:
        """Say where a user's mails go; an empty `email`: nowhere."""
        body = body_of(visit.request)
        _refuse_others(body, ("email",))
        if "email" not in body:
            raise Invalid(N_("{field} is missing"), "email")
        await self._office.set_email(name, body["email"], visit.user)
        found = [one for one in await self._office.recipients() if one.name.lower() == name.lower()]
        return answer(person_shape(found[0]))

    @requirer.require(app.route("/api/v1/mail/profiles", methods=["GET"]), visit=May("users"))
    async def profiles(self, visit: Visit) -> Response:
        """What the users of each profile get by mail."""
        rights = await self._office.rights()
        return answer({"items": [self._rights(name, one) for name, one in rights.items()], "next": None})

    @requirer.require(app.route("/api/v1/mail/profiles/<name>", methods=["PATCH"]), visit=May("users"))
    async def change_profile(self, visit: Visit, name: str) -> Response:
        """Say what the users of a profile get by mail: `alarms` and `lost` are numbers of cameras, null for all."""
        body = body_of(visit.request)
        _refuse_others(body, (*_LISTS, *_FLAGS))
        before = (await self._office.rights()).get(name, MailRights())
        values: dict[str, Any] = {each: getattr(before, each) for each in (*_LISTS, *_FLAGS)}
        values |= {each: self._uids(body[each], each) for each in _LISTS if each in body}
        values |= {each: _flag(body[each], each) for each in _FLAGS if each in body}
        rights = MailRights(**values)
        await self._office.set_rights(name, rights, visit.user)
        return answer(self._rights(name, rights))

    async def _settings(self, settings: MailSettings) -> Shape:
        people = await self._office.recipients()
        missing = [one.name for one in people if one.rights.any and not one.email and not one.locked]
        return {**settings_shape(settings), "waiting": await self._office.waiting(), "without_address": missing}

    def _uids(self, value: Any, name: str) -> frozenset[int] | None:
        if value is None:
            return None
        if not isinstance(value, list):
            raise Invalid(N_("{field} must be a list of camera numbers, or null for all"), name)
        found = set()
        for number in value:
            camera = None
            if isinstance(number, int) and not isinstance(number, bool):
                camera = self._directory.by_id(number)
            if camera is None:
                raise Invalid(N_("{field} must be a list of camera numbers, or null for all"), name)
            found.add(camera.uid)
        return frozenset(found)

    def _rights(self, profile: str, rights: MailRights) -> Shape:
        return {
            "profile": profile,
            "alarms": _numbers(rights.alarms, self._directory.by_uid),
            "lost": _numbers(rights.lost, self._directory.by_uid),
            "contacts": rights.contacts,
            "purge": rights.purge,
            "life": rights.life,
            "rules": rights.rules,
        }


def settings_shape(settings: MailSettings) -> Shape:
    """How mails are sent; the password never is."""
    return {
        "on": settings.on,
        "host": settings.host,
        "port": settings.port,
        "security": settings.security,
        "verify": settings.verify,
        "login": settings.login,
        "has_password": bool(settings.password),
        "sender": settings.sender,
        "purge": settings.purge,
        "life": settings.life,
        "life_hour": settings.life_hour,
    }


def queued_shape(mail: QueuedMail) -> Shape:
    """A mail of the queue, without its text."""
    return {
        "id": str(mail.id),
        "kind": mail.kind,
        "recipient": mail.recipient,
        "subject": mail.subject,
        "state": mail.state,
        "attempts": mail.attempts,
        "queued_at": mail.queued_at,
        "next_at": mail.next_at if mail.state == "queued" else None,
        "ended_at": mail.ended_at,
        "problem": mail.problem,
        "said": mail.said,
    }


def _place(mail: QueuedMail) -> Position:
    return mail.queued_at, mail.id


def person_shape(person: Recipient) -> Shape:
    """A user as mails see one. `flagged`: a right to mails, and no address."""
    return {
        "user": person.name,
        "profile": person.profile,
        "email": person.email,
        "locked": person.locked,
        "flagged": person.rights.any and not person.email and not person.locked,
    }


def _numbers(uids: frozenset[int] | None, by_uid: Callable[[int], Any]) -> list[int] | None:
    if uids is None:
        return None
    return sorted(camera.id for camera in map(by_uid, uids) if camera is not None)


def _refuse_others(body: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in body:
        if name not in known:
            raise Invalid(N_("mails have no setting {field}"), name)


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(N_("{field} must be true or false"), name)
    return value
