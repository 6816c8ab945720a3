"""The nouns as the API shows them: plain dicts of JSON values."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from camtrace import clock
from camtrace.alarm import links
from camtrace.cameras.status import REASONS
from camtrace.cards import hidden
from camtrace.errors import filled
from camtrace.i18n import Translations
from camtrace.model import (
    Alarm,
    AlarmMark,
    AlarmNow,
    Camera,
    CameraEvents,
    CameraState,
    Contact,
    ContactsState,
    Gap,
    HitCount,
    InputState,
    JournalEntry,
    Line,
    LineSearch,
    LinkState,
    MotionSettings,
    Moved,
    RuleException,
    SavedSearch,
    Span,
    Ticket,
    Trigger,
    User,
)
from camtrace.notes import words
from camtrace.pos.wire import Message
from camtrace.prisma.wire import total_discount
from camtrace.tickets.hits import Hit
from camtrace.tickets.roles import role_of
from camtrace.tickets.tally import Tally
from camtrace.web.discretion import as_seen_by, card_for, text_for
from camtrace.web.ports import CameraDirectory, Offset

BEFORE_LINE = timedelta(seconds=10)
AFTER_LINE = timedelta(seconds=20)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Shape = dict[str, Any]
_ENGLISH = Translations("en")


def camera_shape(camera: Camera, user: User, directory: CameraDirectory, state: CameraState | None = None) -> Shape:
    """A camera. How it is reached is shown only to who may change it; a password never is."""
    shape: Shape = {
        "id": camera.id,
        "uid": str(camera.uid),
        "name": camera.name,
        "overlay_ids": list(camera.overlay_ids),
    }
    if state is not None:
        shape["status"] = state.status.value
    if camera.deleted_at is not None:
        shape["deleted_at"] = camera.deleted_at
    if user.may("cameras"):
        shape |= {
            "model": camera.model,
            "address": camera.address,
            "http_port": camera.http_port,
            "channel": camera.channel,
            "url": camera.url,
            "sub_url": camera.sub_url,
            "transport": camera.transport,
            "codec": camera.codec,
            "login": camera.login,
            "has_password": bool(camera.password),
            "volume": camera.volume,
            "regular": {"calendar": camera.regular.calendar, "days": camera.regular.days},
            "alarm": {
                "calendar": camera.alarm.calendar,
                "pre_seconds": camera.alarm.pre_seconds,
                "post_seconds": camera.alarm.post_seconds,
                "days": camera.alarm.days,
                "popup_calendar": camera.alarm.popup_calendar,
                "mail_calendar": camera.alarm.mail_calendar,
            },
            "mail": asdict(camera.mail),
            "motion": motion_shape(camera.motion),
            "events": events_shape(camera.events, directory),
            "stop_streams_automatically": camera.stop_streams_automatically,
        }
    return shape


def motion_shape(motion: MotionSettings) -> Shape:
    """How motion is detected; a polygon is a list of [x, y], parts of the picture."""
    return {
        "enabled": motion.enabled,
        "zones": [
            {"name": zone.name, "polygon": [list(corner) for corner in zone.polygon], "exclude": zone.exclude}
            for zone in motion.zones
        ],
        "sensitivity": motion.sensitivity,
        "object_size": motion.object_size,
        "history_seconds": motion.history_seconds,
        "minimum_seconds": motion.minimum_seconds,
    }


def events_shape(events: CameraEvents, directory: CameraDirectory) -> Shape:
    """What the camera is asked to tell of itself."""
    return {
        "enabled": events.enabled,
        "motion": events.motion,
        "audio": events.audio,
        "tampering": events.tampering,
        "inputs": [{"token": each.token, **contact_shape(each, directory)} for each in events.inputs],
    }


def contact_shape(contact: Contact, directory: CameraDirectory, now: InputState | None = None) -> Shape:
    """A contact with the numbers of its cameras, and as it is `now`: `closed` is null while that is not known."""
    known = map(directory.by_uid, contact.cameras)
    shape: Shape = {
        "name": contact.name,
        "normally": contact.normally,
        "cameras": [camera.id for camera in known if camera is not None],
        "enabled": contact.enabled,
    }
    return shape if now is None else {**shape, "closed": now.closed, "away": now.away}


def link_shape(link: LinkState, subject: str) -> Shape:
    """What a connection is worth: `reason` in words, `code` for programs; `text` is the id of what `subject` does."""
    text, values = links.REASONS[link.code], {"detail": link.detail}
    return {
        "status": link.status,
        "code": link.code,
        "reason": f"{subject} {filled(text, values)}",
        "text": text,
        "values": values,
        "since": link.since,
    }


def told_shape(state: ContactsState) -> Shape:
    """What the connection to a camera's events is worth, and the inputs that the camera told of."""
    return {
        **link_shape(state.link, "the camera"),
        "inputs": [{"token": one.token, "closed": one.closed, "away": one.away} for one in state.inputs],
    }


def moved_shape(moved: Moved) -> Shape:
    """What one picture holds; a box is a list of x, y, width, height as parts of the picture, and per mille of it."""
    return {
        "at": clock.from_us(moved.at_us),
        "level": round(moved.level, 2),
        "boxes": [[round(part, 4) for part in box] for box in moved.boxes],
        "motion": moved.motion,
        "zones": list(moved.zones),
    }


def reason_words(code: str, detail: str) -> str:
    """What a camera does, as a sentence."""
    return f"the camera {REASONS.get(code, code)}".replace("{detail}", detail)


def state_shape(state: CameraState) -> Shape:
    """What a camera's connection is worth now: `reason` in words, `code` for programs; rates are per second."""
    return {
        "status": state.status.value,
        "reason": reason_words(state.reason, state.detail),
        "code": state.reason,
        "detail": state.detail,
        "since": state.since,
        "codec": state.codec,
        "width": state.width,
        "height": state.height,
        "frame_rate": round(state.frames_per_second, 2),
        "bit_rate": round(state.bits_per_second),
    }


def span_shape(span: Span) -> Shape:
    """Time that can be replayed."""
    return {"start": span.start, "stop": span.stop}


def gap_shape(gap: Gap) -> Shape:
    """Time that is missing; `stop` is null while it lasts."""
    return {"start": gap.start, "stop": gap.stop, "cause": gap.cause}


def line_shape(line: Line, user: User, directory: CameraDirectory, offset: Offset) -> Shape:
    """A line of the external log as `user` may see it, with its cameras; `picture_at`: when they show it."""
    line = as_seen_by(user, line)
    picture_at = line.received_at + offset(line.source)
    seen = [(uid, directory.by_uid(uid)) for uid in line.cameras if user.may_see(uid)]
    return {
        "id": str(line.id),
        "received_at": line.received_at,
        "picture_at": picture_at,
        "sent_at": line.sent_at,
        "protocol": line.protocol,
        "source": line.source,
        "ticket": line.ticket,
        "ticket_id": str(line.ticket_id) if line.ticket_id else None,
        "seller": line.seller,
        "seller_code": line.seller_code,
        "customer": line.customer,
        "type": line.type,
        "role": role_of(line),
        "special": line.special,
        "follows": str(line.follows) if line.follows else None,
        "flags": list(line.flags),
        "position": line.position,
        "code": line.code,
        "barcode": line.barcode,
        "text": line.text,
        "quantity": _decimal(line.quantity),
        "price": _decimal(line.price),
        "amount": _decimal(line.amount),
        "total": _decimal(line.total),
        "tender": line.tender,
        "discount": _decimal(line.discount),
        "total_discount": _decimal(total_discount(line.raw)) if line.protocol == "prisma" else None,
        "card": line.card,
        "raw": base64.b64encode(line.raw).decode(),
        "cameras": [camera.id for _, camera in seen if camera is not None],
        "video": list(_videos(seen, picture_at, user)),
    }


def message_shape(message: Message, user: User) -> Shape:
    """What a till's line says, before it is received."""
    return {
        "source": message.source,
        "ticket": text_for(user, message.ticket),
        "seller": text_for(user, message.seller),
        "customer": text_for(user, message.customer),
        "type": message.type,
        "special": message.special,
        "code": text_for(user, message.code),
        "barcode": message.barcode,
        "text": text_for(user, message.text),
        "quantity": _decimal(message.quantity),
        "price": _decimal(message.price),
        "amount": _decimal(message.amount),
        "total": _decimal(message.total),
        "tender": text_for(user, message.tender),
        "discount": _decimal(message.discount),
        "card": card_for(user, message.card),
        "opens": message.opens,
    }


def _videos(seen: list[tuple[int, Camera | None]], at: datetime, user: User) -> Iterable[Shape]:
    """Where the pictures of a line are; those of a deleted camera under its uid, for who may manage cameras."""
    for uid, camera in seen:
        if camera is not None:
            yield {"camera": camera.id, "url": video_url(str(camera.id), at)}
        elif user.may("cameras"):
            yield {"camera": None, "uid": str(uid), "url": video_url(f"uid:{uid}", at)}


def video_url(camera: str, at: datetime) -> str:
    """The address of the footage around `at`."""
    span = {"start": clock.iso(at - BEFORE_LINE), "stop": clock.iso(at + AFTER_LINE)}
    return f"/api/v1/cameras/{camera}/video.mp4?{urlencode(span)}"


def ticket_shape(ticket: Ticket) -> Shape:
    """A sale, without its lines. A card swiped where its number or seller belongs is hidden from everybody."""
    return {
        "id": str(ticket.id),
        "protocol": ticket.protocol,
        "source": ticket.source,
        "number": hidden(ticket.number),
        "state": ticket.state,
        "opened_at": ticket.opened_at,
        "closed_at": ticket.closed_at,
        "seller": hidden(ticket.seller),
        "total": _decimal(ticket.total),
        "line_count": ticket.line_count,
        "kind": ticket.kind,
        "linked": str(ticket.linked) if ticket.linked else None,
    }


def tally_shape(tally: Tally) -> Shape:
    """What a ticket's lines come to: `sum` is null where an amount or the beginning (`whole`) is not known.

    `taken_back` has the id of each cancelling line with those of the articles' lines that it takes off the ticket, the
    latest first, `taken_amounts` with what they come to.
    """
    return {
        "sum": _decimal(tally.sum),
        "whole": tally.is_whole,
        **tally.counts,
        "cancelled_amount": _decimal(tally.cancelled_amount),
        "taken_back": {str(line): [str(id) for id in ids] for line, ids in tally.taken_back.items()},
        "taken_amounts": {str(line): _decimal(amount) for line, amount in tally.taken_amounts.items()},
    }


def hits_shape(found: Sequence[HitCount] | None, wanted: LineSearch, zone: tzinfo, most: int) -> Shape:
    """Lines found over time by hours, days or months, oldest first; `items` is null where they could not be counted.

    `lines` is how many there are; not `all` of them where there are more than were counted. An item without lines is
    left out.
    """
    if not found:
        return {"unit": "day", "lines": 0, "all": found is not None, "items": None if found is None else []}
    lines = sum(each.lines for each in found)
    whole = lines < most
    begin = wanted.start if whole and wanted.start is not None else found[0].at
    ends = [each for each in (wanted.stop, wanted.before) if each is not None]
    end = max(min(ends, default=found[-1].at), found[-1].at + HOUR)
    length = end - begin
    unit = "hour" if length <= 8 * DAY else "day" if length <= 200 * DAY else "month"
    counts: Counter[datetime] = Counter()
    for each in found:
        counts[_begin(each.at, unit, zone)] += each.lines
    items = [{"at": at, "lines": count} for at, count in sorted(counts.items())]
    return {"unit": unit, "start": begin, "stop": end, "lines": lines, "all": whole, "items": items}


def _begin(at: datetime, unit: str, zone: tzinfo) -> datetime:
    """The beginning of the hour, day or month that `at` lies in by the clock of `zone`."""
    local = at.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    if unit != "hour":
        local = local.replace(hour=0, day=local.day if unit == "day" else 1, fold=0)
    return local.astimezone(UTC)


def search_shape(search: SavedSearch) -> Shape:
    """A search that somebody keeps."""
    return {"id": str(search.id), "name": search.name, "q": search.query}


def alarm_shape(alarm: Alarm, triggers: Iterable[Trigger], directory: CameraDirectory) -> Shape:
    """An alarm with what started and prolonged it. `recorded`: the span whose pictures are kept, None for none."""
    camera = directory.by_uid(alarm.camera_uid)
    recorded = alarm.recorded_from
    name = str(camera.id) if camera is not None else f"uid:{alarm.camera_uid}"
    return {
        "id": str(alarm.id),
        "camera": camera.id if camera is not None else None,
        "camera_uid": str(alarm.camera_uid),
        "state": alarm.state,
        "started_at": alarm.started_at,
        "ended_at": alarm.ended_at,
        "until": alarm.until,
        "causes": list(alarm.causes),
        "trigger_count": alarm.triggers,
        "triggers": [
            {"at": trigger.at, "cause": trigger.cause, "from": trigger.origin, "message": trigger.message}
            for trigger in triggers
        ],
        "recorded": None if recorded is None else {"start": recorded, "stop": alarm.until},
        "video": None
        if recorded is None
        else f"/api/v1/cameras/{name}/video.mp4?"
        + urlencode({"kind": "alarm", "start": clock.iso(recorded), "stop": clock.iso(alarm.until)}),
        "picture": f"/api/v1/alarms/{alarm.id}/picture.jpg",
        "popup": alarm.popup,
        "acknowledged_by": alarm.acknowledged_by or None,
        "acknowledged_at": alarm.acknowledged_at,
    }


def hit_shape(hit: Hit, user: User, directory: CameraDirectory, offset: Offset) -> Shape:
    """What a rule that is tried would have found."""
    line = hit.line
    return {
        "at": line.received_at,
        "source": line.source,
        "seller": hidden(line.seller),
        "ticket": text_for(user, line.ticket),
        "ticket_id": str(line.ticket_id) if line.ticket_id else None,
        "line": str(line.id),
        "lines": [str(id) for id in hit.lines],
        "deed": hit.deed,
        "text": text_for(user, line.text or line.tender),
        "amount": _decimal(hit.amount),
        "figure": _decimal(hit.figure),
        **_seen_by(line.cameras, line.received_at + offset(line.source), user, directory),
    }


def exception_shape(exception: RuleException, user: User, directory: CameraDirectory, offset: Offset) -> Shape:
    """What a rule found, and what somebody found on looking at it: `verdict` is "new" while nobody has."""
    return {
        "id": str(exception.id),
        "rule_id": str(exception.rule_id),
        "rule": exception.rule,
        "at": exception.at,
        "source": exception.source,
        "seller": hidden(exception.seller),
        "ticket": text_for(user, exception.ticket),
        "ticket_id": str(exception.ticket_id) if exception.ticket_id else None,
        "line": str(exception.line_id),
        "lines": [str(id) for id in exception.lines],
        "deed": exception.deed,
        "text": text_for(user, exception.text),
        "amount": _decimal(exception.amount),
        "figure": _decimal(exception.figure),
        **_seen_by(exception.cameras, exception.at + offset(exception.source), user, directory),
        "alarm": exception.alarm,
        "popup": exception.popup,
        "verdict": exception.verdict or "new",
        "comment": exception.comment,
        "reviewed_by": exception.reviewed_by or None,
        "reviewed_at": exception.reviewed_at,
    }


def _seen_by(uids: Iterable[int], at: datetime, user: User, directory: CameraDirectory) -> Shape:
    """Who saw it, when and where: `at` is the instant at which the picture shows it."""
    seen = [(uid, directory.by_uid(uid)) for uid in uids if user.may_see(uid)]
    return {
        "picture_at": at,
        "cameras": [camera.id for _, camera in seen if camera is not None],
        "video": list(_videos(seen, at, user)),
    }


def alarm_event_shape(told: AlarmNow, directory: CameraDirectory) -> Shape:
    """An alarm of which something is told: `triggers` holds the newest one at most."""
    return alarm_shape(told.alarm, [] if told.newest is None else [told.newest], directory)


def mark_shape(mark: AlarmMark, directory: CameraDirectory) -> Shape:
    """Where alarms lie: `camera` is how the API calls the one of the first of them."""
    found = [(uid, directory.by_uid(uid)) for uid in mark.camera_uids]
    names = [str(camera.id) if camera is not None else f"uid:{uid}" for uid, camera in found]
    return {
        "start": mark.start,
        "stop": mark.stop,
        "camera": names[0],
        "cameras": [camera.id for _, camera in found if camera is not None],
        "causes": list(mark.causes),
        "count": mark.alarms,
    }


def journal_shape(entry: JournalEntry, directory: CameraDirectory) -> Shape:
    """A journal's entry: `text` is a message id, `values` fill its braces, `message` is the whole in English."""
    camera = directory.by_uid(entry.camera_uid) if entry.camera_uid is not None else None
    return {
        "id": str(entry.id),
        "at": entry.at,
        "kind": entry.kind,
        "text": entry.text,
        "values": entry.values,
        "message": words(entry, _ENGLISH),
        "camera": camera.id if camera is not None else None,
        "camera_uid": str(entry.camera_uid) if entry.camera_uid is not None else None,
        "user": entry.user,
    }


def _decimal(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
