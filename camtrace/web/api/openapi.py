"""The description of the API for programs (OpenAPI 3.1), made from the routes and what is said about them here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from klein import Response
from twisted.web.server import Request

from camtrace import __version__
from camtrace.auth import SHORTEST_PASSWORD
from camtrace.i18n import LANGUAGES
from camtrace.mail.settings import RHYTHMS, SECURITIES
from camtrace.model import (
    CAUSES,
    DEEDS,
    JOURNAL_KINDS,
    MEASURES,
    MOST_OFFSET_MS,
    NORMALLY,
    NUMBERINGS,
    PERS,
    READS,
    RIGHTS,
    RULE_KINDS,
    TICKET_KINDS,
    VERDICTS,
    WHENS,
    CameraEvents,
    MotionSettings,
)
from camtrace.pos.dialect import DEFAULTS, KINDS, MEANINGS, MOST_PATTERNS, NAMES, SIGNS, UNUSED
from camtrace.pos.patterns import MATCHES
from camtrace.pos.wire import ENCODINGS
from camtrace.prisma.catalogue import DISPLAYS
from camtrace.prisma.wire import ENCODINGS as PRISMA_ENCODINGS
from camtrace.web.access import Access, Anyone
from camtrace.web.answers import LIMIT, MOST, answer
from camtrace.web.api.alarms import MARKS, MOST_MARKS
from camtrace.web.api.camera_fields import CODECS, FEWEST_CORNERS, MOST_CORNERS, MOST_ZONES, TRANSPORTS
from camtrace.web.api.contact_fields import MOST_CONTACTS
from camtrace.web.api.exceptions import COUNTED_BY
from camtrace.web.api.storage import MOST_DAYS
from camtrace.web.routing import Route, new_app, requirer
from camtrace.web.wording import MAIL_KIND_WORDS, MAIL_STATE_WORDS

PREFIX = "/api/v1"
Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "string", "enum": ["0", "1"]}
_EMAIL: Schema = {"type": "string", "format": "email"}
_INSTANT: Schema = {"type": "string", "description": "Unix seconds or ISO 8601"}
_DECIMAL: Schema = {"type": "string", "examples": ["16.00"]}
_KIND: Schema = {"type": "string", "enum": ["regular", "alarm", "all"], "default": "regular"}
_SPAN: dict[str, Schema] = {"start": _INSTANT, "stop": _INSTANT}
_PAGE: dict[str, Schema] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
    "cursor": {"type": "string", "description": "`next` of the page before"},
}

_LINES: dict[str, Schema] = {
    "q": {"type": "string", "description": "a question as in the search box"},
    **dict.fromkeys(("camera", "source", "ticket", "ticket_id", "seller", "customer", "type", "code", "text"), _TEXT),
    **dict.fromkeys(("barcode", "special", "tender"), _TEXT),
    **dict.fromkeys(("amount_min", "amount_max", "quantity_min", "quantity_max"), _DECIMAL),
    **_SPAN,
}


def _integer(low: int, high: int, default: int | None = None) -> Schema:
    schema: Schema = {"type": "integer", "minimum": low, "maximum": high}
    return schema if default is None else {**schema, "default": default}


_SOUGHT: dict[str, Schema] = {"camera": _TEXT, **_SPAN, "text": _TEXT}
_JOURNAL: dict[str, Schema] = {"kind": {"type": "string", "enum": list(JOURNAL_KINDS)}, **_SOUGHT}
_ALARMS: dict[str, Schema] = {
    "cause": {"type": "string", "description": f"some of {', '.join(CAUSES)}, with commas between"},
    "seen": _FLAG,
    **_SOUGHT,
}
_MAILS: dict[str, Schema] = {
    "kind": {"type": "string", "enum": list(MAIL_KIND_WORDS)},
    "state": {"type": "string", "enum": list(MAIL_STATE_WORDS)},
    **_SOUGHT,
}

_EXCEPTIONS: dict[str, Schema] = {
    **dict.fromkeys(("camera", "rule", "source", "seller"), _TEXT),
    "verdict": {"type": "string", "enum": ["new", *VERDICTS[1:]]},
    **_SPAN,
}
_REPORT: dict[str, Schema] = {
    "by": {"type": "string", "enum": ["seller", "source", "hour", "day"], "default": "seller"},
    **_SPAN,
}
_COURSE: dict[str, Schema] = {
    "by": {"type": "string", "enum": ["seller", "source"], "default": "seller"},
    "key": _TEXT,
    "over": {"type": "string", "enum": ["day", "hour"], "default": "day"},
    **_SPAN,
}
PARAMETERS: dict[tuple[str, str], dict[str, Schema]] = {
    ("GET", "/cameras"): {"deleted": _FLAG},
    ("GET", "/cameras/{camera}/snapshot.jpg"): {"at": _INSTANT},
    ("GET", "/cameras/{camera}/recordings"): {"kind": _KIND, **_SPAN},
    ("GET", "/cameras/{camera}/video.mp4"): {"kind": _KIND, **_SPAN, "download": _FLAG, "absolute": _FLAG},
    ("GET", "/cameras/{camera}/sound.mp4"): {**_SPAN},
    ("GET", "/capture"): {"sender": _TEXT, "source": _TEXT},
    ("GET", "/lines"): {
        **_LINES,
        "order": {"type": "string", "enum": ["asc", "desc"], "default": "desc"},
        **_PAGE,
    },
    ("GET", "/lines.csv"): _LINES,
    ("GET", "/lines.pdf"): _LINES,
    ("GET", "/lines/hits"): _LINES,
    ("GET", "/lines/query"): {"q": _TEXT, "fields": _TEXT},
    ("GET", "/tickets"): {
        "camera": _TEXT,
        "source": _TEXT,
        "number": _TEXT,
        "state": {"type": "string", "enum": ["open", "closed"]},
        "kind": {"type": "string", "enum": list(TICKET_KINDS), "description": "without it: all but `event`"},
        **_SPAN,
        **_PAGE,
    },
    ("GET", "/exceptions"): {**_EXCEPTIONS, **_PAGE},
    ("GET", "/exceptions.csv"): _EXCEPTIONS,
    ("GET", "/exceptions/counts"): {
        **{name: schema for name, schema in _EXCEPTIONS.items() if name != "verdict"},
        "by": {"type": "string", "enum": list(COUNTED_BY), "default": "rule"},
    },
    ("GET", "/storage/{kind}/plan"): {"days": _integer(0, MOST_DAYS)},
    ("GET", "/reports"): _REPORT,
    ("GET", "/reports.csv"): _REPORT,
    ("GET", "/reports/course"): _COURSE,
    ("GET", "/reports/course.csv"): _COURSE,
    ("GET", "/mail/queue"): {**_MAILS, **_PAGE},
    ("GET", "/mail/queue.csv"): _MAILS,
    ("GET", "/journal"): {**_JOURNAL, **_PAGE},
    ("GET", "/journal.csv"): _JOURNAL,
    ("GET", "/alarms"): {**_ALARMS, **_PAGE},
    ("GET", "/alarms.csv"): _ALARMS,
    ("GET", "/alarms/marks"): {"camera": _TEXT, **_SPAN, "most": _integer(1, MOST_MARKS, MARKS)},
    ("GET", "/disconnections"): {**_SOUGHT, **_PAGE},
    ("GET", "/disconnections.csv"): _SOUGHT,
    ("GET", "/events"): {"last_event_id": _TEXT},
    ("GET", "/cameras/{camera}/motion/level"): {
        "settings": {"type": "string", "description": "a camera's `motion` as JSON, to be tried without being saved"}
    },
}
"""Query parameters by method and path."""

OPEN = {("GET", "/health"), ("GET", "/openapi.json")}
"""What needs neither session nor token."""

MEDIA = {
    ".jpg": "image/jpeg",
    "/video.mp4": "video/mp4",
    "/sound.mp4": "audio/mp4",
    "/events": "text/event-stream",
    "/level": "text/event-stream",
    ".csv": "text/csv",
    ".pdf": "application/pdf",
    "/capture": "text/event-stream",
}
"""Answers that are not JSON, by the end of the path."""

_STATUS = {
    "POST /cameras": "201",
    "DELETE /cameras/{camera}": "204",
    "POST /alarms": "201",
    "POST /searches": "201",
    "DELETE /searches/{search}": "204",
    "POST /calendars": "201",
    "DELETE /calendars/{calendar}": "204",
    "POST /rules": "201",
    "DELETE /rules/{rule}": "204",
    "DELETE /prisma/sources/{source}": "204",
    "POST /contact-boxes": "201",
    "DELETE /contact-boxes/{box}": "204",
    "POST /users": "201",
    "DELETE /users/{user}": "204",
    "POST /users/{user}/link": "201",
    "DELETE /users/{user}/tokens": "204",
    "POST /profiles": "201",
    "DELETE /profiles/{profile}": "204",
    "POST /dialects": "201",
    "DELETE /dialects/{dialect}": "204",
}
_BODIES = {
    ("POST", "/cameras"): "Camera",
    ("PATCH", "/cameras/{camera}"): "Camera",
    ("POST", "/cameras/test"): "Camera",
    ("POST", "/cameras/{camera}/test"): "Camera",
    ("POST", "/rules"): "Rule",
    ("PATCH", "/rules/{rule}"): "Rule",
    ("POST", "/rules/try"): "RuleTrial",
    ("PATCH", "/exceptions/{exception}"): "Review",
    ("POST", "/contact-boxes"): "ContactBox",
    ("PATCH", "/contact-boxes/{box}"): "ContactBox",
    ("POST", "/dialects"): "Dialect",
    ("PATCH", "/dialects/{dialect}"): "Dialect",
    ("POST", "/dialects/try"): "DialectTest",
    ("POST", "/dialects/guess"): "DialectSample",
    ("PATCH", "/sources/{source}"): "Source",
    ("POST", "/users"): "NewUser",
    ("PATCH", "/users/{user}"): "User",
    ("POST", "/profiles"): "NewProfile",
    ("PATCH", "/profiles/{profile}"): "Profile",
    ("PATCH", "/storage/{kind}"): "KeptDays",
    ("PATCH", "/mail"): "Mail",
    ("POST", "/mail/test"): "MailTest",
    ("PATCH", "/mail/users/{name}"): "MailAddress",
    ("PATCH", "/mail/profiles/{name}"): "MailRights",
    ("PATCH", "/prisma/events/{code}"): "PrismaEvent",
    ("PUT", "/prisma/sources/{source}"): "PrismaSource",
    ("POST", "/searches"): "Search",
    ("PATCH", "/searches/{search}"): "Search",
}
"""What a call is sent, by the name of its schema."""


def _calendar(**more: Schema) -> Schema:
    return {"type": "object", "properties": {"calendar": {"type": "string", "default": "always"}, **more}}


def _motion() -> Schema:
    default, part = MotionSettings(), {"type": "number", "minimum": 0, "maximum": 1}
    corner: Schema = {"type": "array", "items": part, "minItems": 2, "maxItems": 2}
    polygon: Schema = {"type": "array", "items": corner, "minItems": FEWEST_CORNERS, "maxItems": MOST_CORNERS}
    zone: dict[str, Schema] = {"name": _TEXT, "polygon": polygon, "exclude": {"type": "boolean", "default": False}}
    return {
        "type": "object",
        "properties": {
            "enabled": {"type": "boolean", "default": default.enabled},
            "zones": {"type": "array", "maxItems": MOST_ZONES, "items": {"type": "object", "properties": zone}},
            "sensitivity": _integer(0, 100, default.sensitivity),
            "object_size": {**_integer(0, 1000, default.object_size), "description": "per mille of the picture"},
            "history_seconds": _integer(1, 3600, default.history_seconds),
            "minimum_seconds": {"type": "number", "minimum": 0, "maximum": 60, "default": default.minimum_seconds},
        },
    }


_CONTACT: dict[str, Schema] = {
    "name": _TEXT,
    "normally": {"type": "string", "enum": list(NORMALLY), "default": "open"},
    "cameras": {"type": "array", "items": {"type": "integer"}},
    "enabled": {"type": "boolean", "default": True},
}


def _events() -> Schema:
    default = CameraEvents()
    flags = ("enabled", "motion", "audio", "tampering")
    inputs: Schema = {"type": "object", "properties": {"token": _TEXT, **_CONTACT}, "required": ["token"]}
    return {
        "type": "object",
        "properties": {
            **{name: {"type": "boolean", "default": getattr(default, name)} for name in flags},
            "inputs": {"type": "array", "maxItems": MOST_CONTACTS, "items": inputs},
        },
    }


CONTACT_BOX: Schema = {
    "type": "object",
    "description": "`name` and `host` suffice; `contacts` is replaced whole",
    "properties": {
        "name": _TEXT,
        "host": _TEXT,
        "port": _integer(1, 65535, 502),
        "unit": _integer(0, 255, 1),
        "reads": {"type": "string", "enum": list(READS), "default": "inputs"},
        "first": _integer(0, 65535, 0),
        "count": _integer(1, MOST_CONTACTS, 8),
        "interval_ms": _integer(50, 60_000, 200),
        "enabled": {"type": "boolean", "default": True},
        "contacts": {
            "type": "array",
            "maxItems": MOST_CONTACTS,
            "items": {"type": "object", "properties": _CONTACT},
        },
    },
}
KEPT_DAYS: Schema = {
    "type": "object",
    "description": "`days`: 0 for ever, null as the configuration says; `confirmed` is needed where something goes",
    "properties": {
        "days": {"type": ["integer", "null"], "minimum": 0, "maximum": MOST_DAYS},
        "confirmed": {"type": "boolean", "default": False},
        "before": {"type": "integer", "description": "the days that were seen"},
    },
    "required": ["days"],
}
CAMERA: Schema = {
    "type": "object",
    "description": "`name` and either `url` or `model` and `address` suffice",
    "properties": {
        "id": _integer(1, 99_999),
        "name": _TEXT,
        "model": _TEXT,
        "address": _TEXT,
        "http_port": _integer(1, 65535, 80),
        "channel": _integer(1, 256, 1),
        "url": _TEXT,
        "sub_url": _TEXT,
        "transport": {"type": "string", "enum": list(TRANSPORTS), "default": "tcp"},
        "codec": {"type": "string", "enum": list(CODECS), "default": ""},
        "login": _TEXT,
        "password": {"type": "string", "writeOnly": True},
        "volume": _TEXT,
        "overlay_ids": {"type": "array", "items": _TEXT},
        "regular": _calendar(days={"type": ["integer", "null"], "minimum": 1}),
        "alarm": _calendar(
            pre_seconds=_integer(0, 300, 5),
            post_seconds=_integer(0, 3600, 20),
            days={"type": ["integer", "null"], "minimum": 1},
            popup_calendar={"type": "string", "default": "always"},
            mail_calendar={"type": "string", "default": "never"},
        ),
        "mail": {
            "type": "object",
            "properties": {
                "lost_calendar": {"type": "string", "default": "never"},
                "grace_seconds": _integer(0, 86_400, 60),
                "most_per_hour": _integer(1, 1000, 20),
            },
        },
        "motion": _motion(),
        "events": _events(),
        "stop_streams_automatically": {"type": "boolean", "default": False},
    },
}
MAIL: Schema = {
    "type": "object",
    "description": "no mail is sent while `host` is empty; another `host` without `password` forgets the password",
    "properties": {
        "host": _TEXT,
        "port": _integer(1, 65535, 25),
        "security": {"type": "string", "enum": list(SECURITIES), "default": "none"},
        "verify": {"type": "boolean", "default": True},
        "login": _TEXT,
        "password": {"type": "string", "writeOnly": True},
        "sender": _EMAIL,
        "purge": {"type": "boolean", "default": True},
        "life": {"type": "string", "enum": list(RHYTHMS), "default": "day"},
        "life_hour": _integer(0, 23, 8),
    },
}
_PATTERN: dict[str, Schema] = {"match": {"type": "string", "enum": list(MATCHES)}, "text": _TEXT}
_PATTERNS: Schema = {"type": "array", "maxItems": MOST_PATTERNS, "items": {"type": "object", "properties": _PATTERN}}
_NAMES: Schema = {"type": "array", "items": {"type": "string", "enum": [*NAMES, UNUSED]}}
_MEANING: Schema = {"type": "string", "enum": list(MEANINGS)}
DEFINITION: Schema = {
    "type": "object",
    "description": "how a till's lines are read; see the till protocol",
    "properties": {
        "kind": {"type": "string", "enum": list(KINDS), "default": "fields"},
        "encoding": {"type": "string", "enum": list(ENCODINGS), "default": "auto"},
        "line_end": {**_TEXT, "default": DEFAULTS["line_end"]},
        "control_codes": {"type": "string", "enum": ["keep", "escpos"], "default": "keep"},
        "separator": {**_TEXT, "default": "|"},
        "fields": _NAMES,
        "layouts": {"type": "object", "additionalProperties": _NAMES},
        "keys": {"type": "object", "properties": dict.fromkeys(NAMES, _TEXT)},
        "decimal_sign": {"type": "string", "enum": list(SIGNS), "default": "auto"},
        "implied_decimals": _integer(0, 4, 0),
        "types": {"type": "object", "additionalProperties": _MEANING},
        "source": _TEXT,
        "case_sensitive": {"type": "boolean", "default": False},
        **dict.fromkeys(("start", "end", "cancel", "ignore"), _PATTERNS),
        "rules": {**_PATTERNS, "items": {"type": "object", "properties": {**_PATTERN, "means": _MEANING}}},
        "outside": {"type": "string", "enum": ["keep", "ignore"], "default": "keep"},
    },
}
SOURCE: Schema = {
    "type": "object",
    "properties": {
        "label": _TEXT,
        "dialect": _TEXT,
        "encoding": {"type": "string", "enum": ["", *ENCODINGS], "description": "empty: as the dialect has it"},
        "clear_seconds": _integer(5, 3600, 300),
        "offset_ms": _integer(-MOST_OFFSET_MS, MOST_OFFSET_MS, 0),
        "hours": {**_TEXT, "description": "the calendar by which it should speak; empty: none"},
        "silent_minutes": _integer(0, 1440, 0),
    },
}
_CAMERA_NUMBERS: Schema = {"type": ["array", "null"], "items": {"type": "integer"}, "description": "null: all"}
MAIL_RIGHTS: Schema = {
    "type": "object",
    "properties": {
        "alarms": _CAMERA_NUMBERS,
        "lost": _CAMERA_NUMBERS,
        **{name: {"type": "boolean"} for name in ("contacts", "purge", "life", "rules")},
    },
}
_WORDS: Schema = {"type": "array", "items": _TEXT}
_DEEDS: Schema = {"type": "array", "items": {"type": "string", "enum": list(DEEDS)}}
_NUMBER: Schema = {"type": ["string", "number", "null"], "examples": ["20.00", None]}
_WHOLE: Schema = {"type": ["integer", "null"], "minimum": 0}
RULE: Schema = {
    "type": "object",
    "description": "`kind` says which groups count besides `lines` and `still`; a condition left out is not asked",
    "properties": {
        "name": _TEXT,
        "enabled": {"type": "boolean", "default": False},
        "alarm": {"type": "boolean", "default": True},
        "popup": {"type": "boolean", "default": False},
        "kind": {"type": "string", "enum": list(RULE_KINDS), "default": "line"},
        "lines": {
            "type": "object",
            "properties": {
                "deeds": _DEEDS,
                **dict.fromkeys(("types", "specials", "articles", "sellers", "sources"), _WORDS),
                **{
                    f"{name}_{end}": _NUMBER
                    for name in ("amount", "quantity", "discount", "price")
                    for end in ("min", "max")
                },
                "calendar": {"type": "string", "default": "always"},
                "outside": {"type": "boolean", "default": False},
                "discount_percent": _NUMBER,
                "paying": {"type": "boolean", "default": False},
            },
        },
        "ticket": {
            "type": "object",
            "properties": {
                **dict.fromkeys(("has", "also", "lacks"), _DEEDS),
                **dict.fromkeys(("total_min", "total_max", "change_off"), _NUMBER),
                **dict.fromkeys(("lines_min", "lines_max", "seconds_min", "seconds_max"), _WHOLE),
                **dict.fromkeys(("voids_percent", "pause_min"), _WHOLE),
                "unfinished": {"type": "boolean", "default": False},
                "silence_seconds": _integer(60, 86_400, 1800),
            },
        },
        "window": {
            "type": "object",
            "properties": {
                "seconds": _integer(1, 86_400, 600),
                "per": {"type": "string", "enum": list(PERS), "default": "seller"},
                "measure": {"type": "string", "enum": list(MEASURES), "default": "count"},
                "at_least": _NUMBER,
                "among": _DEEDS,
                "base": _integer(1, 1000, 20),
            },
        },
        "absence": {
            "type": "object",
            "properties": {
                "seconds": _integer(1, 3600, 30),
                "when": {"type": "string", "enum": list(WHENS), "default": "after"},
                "deeds": _DEEDS,
            },
        },
        "number": {
            "type": "object",
            "properties": {
                "looks_for": {"type": "string", "enum": list(NUMBERINGS), "default": "gap"},
                "most": _integer(1, 100_000, 100),
            },
        },
        "still": {
            "type": "object",
            "properties": {"seconds": _integer(0, 600, 0), "zone": _TEXT, "camera": {"type": ["integer", "null"]}},
        },
    },
}
RULE_TRIAL: Schema = {
    "type": "object",
    "properties": {"rule": RULE, "start": _INSTANT, "stop": _INSTANT, "limit": _integer(1, 500, 100)},
    "required": ["rule"],
}
REVIEW: Schema = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": ["new", *VERDICTS[1:]]},
        "comment": _TEXT,
        "before": {"type": "string", "enum": ["new", *VERDICTS[1:]]},
    },
}
PRISMA_EVENT: Schema = {
    "type": "object",
    "description": "what is not sent stays",
    "properties": {
        "name": {**_TEXT, "description": "the shop's own; empty: the catalogue's"},
        **{name: {"type": "boolean"} for name in ("grouping", "numbered", "closing")},
        "display": {"type": "string", "enum": list(DISPLAYS)},
    },
}
PRISMA_SOURCE: Schema = {
    "type": "object",
    "description": "what is not sent stays; an empty object registers the source",
    "properties": {
        "name": _TEXT,
        "encoding": {"type": "string", "enum": ["", *PRISMA_ENCODINGS], "description": "empty: `[prisma] encoding`"},
    },
}
SEARCH: Schema = {"type": "object", "properties": {"name": _TEXT, "q": _TEXT}, "required": ["name", "q"]}
ERROR: Schema = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": _TEXT,
                "message": _TEXT,
                "field": {"type": ["string", "null"]},
                "text": _TEXT,
                "values": {"type": "object"},
            },
        }
    },
}


USER: Schema = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "profile": {"type": "string", "description": "the name of a profile"},
        "email": _EMAIL,
        "language": {"type": "string", "enum": ["", *LANGUAGES]},
        "locked": {"type": "boolean"},
        "password": {"type": "string", "minLength": SHORTEST_PASSWORD, "writeOnly": True},
    },
}
PROFILE: Schema = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "rights": {"type": "array", "items": {"type": "string", "enum": list(RIGHTS)}},
        "cameras": {
            "type": ["array", "null"],
            "items": {"type": "integer"},
            "description": "numbers of cameras; null: all, later ones included",
        },
    },
}


class OpenApi:
    """`/api/v1/openapi.json`. `routes()` gives the site's routes, once they are all known."""

    app = new_app()

    def __init__(self, access: Access, routes: Callable[[], Iterable[Route]]) -> None:
        self.access = access
        self._routes = routes

    @requirer.require(app.route("/api/v1/openapi.json", methods=["GET"]), request=Anyone())
    def description(self, request: Request) -> Response:
        """This description."""
        return answer(describe(self._routes()))


def describe(routes: Iterable[Route]) -> Schema:
    """The OpenAPI document of those routes that lie under the API's address."""
    paths: dict[str, Schema] = {}
    for route in sorted(routes, key=lambda route: (route.rule, route.method)):
        if route.rule.startswith(PREFIX + "/"):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule.removeprefix(PREFIX))
            paths.setdefault(path, {})[route.method.lower()] = _operation(route, path)
    return {
        "openapi": "3.1.0",
        "info": {"title": "CamTrace", "version": __version__},
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "camtrace_PORT"},
            },
            "schemas": {
                "Camera": CAMERA,
                "ContactBox": CONTACT_BOX,
                "Dialect": {"type": "object", "properties": {"name": _TEXT, "definition": DEFINITION}},
                "DialectTest": {
                    "type": "object",
                    "properties": {
                        "name": _TEXT,
                        "definition": DEFINITION,
                        "sample": {"type": "string", "contentEncoding": "base64"},
                        "address": _TEXT,
                    },
                },
                "DialectSample": {
                    "type": "object",
                    "properties": {"sample": {"type": "string", "contentEncoding": "base64"}},
                    "required": ["sample"],
                },
                "Source": SOURCE,
                "User": USER,
                "NewUser": {
                    "type": "object",
                    "properties": USER["properties"],
                    "required": ["name", "profile"],
                },
                "Profile": PROFILE,
                "NewProfile": {
                    "type": "object",
                    "properties": {"copy_of": _TEXT, **PROFILE["properties"]},
                    "required": ["name", "copy_of"],
                },
                "Mail": MAIL,
                "MailTest": {**MAIL, "properties": {"to": _EMAIL, **MAIL["properties"]}},
                "MailAddress": {"type": "object", "properties": {"email": _EMAIL}, "required": ["email"]},
                "MailRights": MAIL_RIGHTS,
                "KeptDays": KEPT_DAYS,
                "Rule": RULE,
                "RuleTrial": RULE_TRIAL,
                "Review": REVIEW,
                "PrismaEvent": PRISMA_EVENT,
                "PrismaSource": PRISMA_SOURCE,
                "Search": SEARCH,
                "Error": ERROR,
            },
        },
    }


def _operation(route: Route, path: str) -> Schema:
    key = (route.method, path)
    inside = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT} for name in re.findall(r"\{(\w+)\}", path)
    ]
    asked = [{"name": name, "in": "query", "schema": schema} for name, schema in PARAMETERS.get(key, {}).items()]
    media = next((mime for end, mime in MEDIA.items() if path.endswith(end)), "application/json")
    status = _STATUS.get(" ".join(key), "200")
    operation: Schema = {
        "summary": route.summary,
        "parameters": inside + asked,
        "responses": {
            status: {"description": "done", **({} if status == "204" else {"content": {media: {}}})},
            "default": {
                "description": "an error",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if key in _BODIES:
        schema = {"$ref": f"#/components/schemas/{_BODIES[key]}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if key in OPEN:
        operation["security"] = []
    return operation
