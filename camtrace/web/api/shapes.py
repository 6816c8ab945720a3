"""The nouns as the API shows them: plain dicts of JSON values."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from camtrace import clock
from camtrace.cameras.status import REASONS
from camtrace.i18n import Translations
from camtrace.model import (
    Alarm,
    Camera,
    CameraState,
    Gap,
    JournalEntry,
    Line,
    MotionSettings,
    Moved,
    Span,
    Ticket,
    Trigger,
    User,
)
from camtrace.notes import words
from camtrace.pos.wire import Message
from camtrace.tickets.tally import Tally
from camtrace.web.ports import CameraDirectory

BEFORE_LINE = timedelta(seconds=10)
AFTER_LINE = timedelta(seconds=20)
Shape = dict[str, Any]
_ENGLISH = Translations("en")


def camera_shape(camera: Camera, user: User, state: CameraState | None = None) -> Shape:
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


def moved_shape(moved: Moved) -> Shape:
    """What one picture holds; a box is a list of x, y, width, height as parts of the picture, and per mille of it."""
    return {
        "at": clock.from_us(moved.at_us),
        "level": round(moved.level, 2),
        "boxes": [[round(part, 4) for part in box] for box in moved.boxes],
        "motion": moved.motion,
        "zones": list(moved.zones),
    }


def state_shape(state: CameraState) -> Shape:
    """What a camera's connection is worth now: `reason` in words, `code` for programs; rates are per second."""
    sentence = REASONS.get(state.reason, state.reason)
    return {
        "status": state.status.value,
        "reason": f"the camera {sentence}".replace("{detail}", state.detail),
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


def line_shape(line: Line, user: User, directory: CameraDirectory) -> Shape:
    """A line of the external log with the cameras of `user` that watched it."""
    seen = [(uid, directory.by_uid(uid)) for uid in line.cameras if user.may_see(uid)]
    return {
        "id": str(line.id),
        "received_at": line.received_at,
        "sent_at": line.sent_at,
        "protocol": line.protocol,
        "source": line.source,
        "ticket": line.ticket,
        "ticket_id": str(line.ticket_id) if line.ticket_id else None,
        "seller": line.seller,
        "customer": line.customer,
        "type": line.type,
        "special": line.special,
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
        "card": line.card,
        "raw": base64.b64encode(line.raw).decode(),
        "cameras": [camera.id for _, camera in seen if camera is not None],
        "video": list(_videos(seen, line.received_at, user)),
    }


def message_shape(message: Message) -> Shape:
    """What a till's line says, before it is received."""
    return {
        "source": message.source,
        "ticket": message.ticket,
        "seller": message.seller,
        "customer": message.customer,
        "type": message.type,
        "special": message.special,
        "code": message.code,
        "text": message.text,
        "quantity": _decimal(message.quantity),
        "amount": _decimal(message.amount),
        "total": _decimal(message.total),
        "tender": message.tender,
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
    """A sale, without its lines."""
    return {
        "id": str(ticket.id),
        "protocol": ticket.protocol,
        "source": ticket.source,
        "number": ticket.number,
        "state": ticket.state,
        "opened_at": ticket.opened_at,
        "closed_at": ticket.closed_at,
        "seller": ticket.seller,
        "total": _decimal(ticket.total),
        "line_count": ticket.line_count,
    }


def tally_shape(tally: Tally) -> Shape:
    """What a ticket's lines come to: `sum` is null where an amount or the beginning (`whole`) is not known.

    `taken_back` has the id of each cancelling line with that of the article it takes off the ticket.
    """
    return {
        "sum": _decimal(tally.sum),
        "whole": tally.is_whole,
        **tally.counts,
        "cancelled_amount": _decimal(tally.cancelled_amount),
        "taken_back": {str(line): str(article) for line, article in tally.taken_back.items()},
    }


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
        "popup": alarm.popup,
        "acknowledged_by": alarm.acknowledged_by or None,
        "acknowledged_at": alarm.acknowledged_at,
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
