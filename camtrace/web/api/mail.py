"""Mails: how they are sent, whether that works, what became of them, who gets which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from klein import Response

from camtrace.errors import Invalid, filled
from camtrace.i18n import N_
from camtrace.mail.settings import MailSettings
from camtrace.model import MailRights, QueuedMail, Recipient
from camtrace.notes import TEXTS
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, answer, body_of, page_of
from camtrace.web.api.shapes import Shape
from camtrace.web.ports import CameraDirectory, MailOffice
from camtrace.web.routing import new_app, requirer

_LISTS, _FLAGS = ("alarms", "lost"), ("contacts", "purge", "life")


class MailApi:
    """`/api/v1/mail` and what lies under it."""

    app = new_app()

    def __init__(self, access: Access, directory: CameraDirectory, office: MailOffice) -> None:
        self.access = access
        self._directory = directory
        self._office = office

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
        found = await self._office.queue(limit + 1, query.cursor())
        return page_of(found, limit, queued_shape, lambda mail: (mail.queued_at, mail.id))

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
