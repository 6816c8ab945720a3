"""ONVIF's event service as XML: what is asked, what is answered, what a camera's message means. Pure.

ONVIF Core Specification 23.12, sections 5.9 (security), 8.3.1 (clock) and 9 (events); WS-BaseNotification 1.3; Web
Services Security UsernameToken Profile 1.0. Answers are read by the local names of their elements: name spaces differ
from maker to maker.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit
from xml.etree.ElementTree import Element, ParseError, tostring
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from camtrace.alarm.links import LinkFailure

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
EVENTS = "http://www.onvif.org/ver10/events/wsdl"
NOTIFY = "http://docs.oasis-open.org/wsn/b-2"
MANAGER = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
SOAP = "http://www.w3.org/2003/05/soap-envelope"
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
MOST_MESSAGES, MOST_PARAMETERS, MOST_WORDS = 1000, 4096, 200


class Question(NamedTuple):
    """What is asked: `action` as WS-Addressing names it, and the XML of the body."""

    action: str
    body: str


GET_CLOCK = Question(f"{DEVICE}/GetSystemDateAndTime", f'<GetSystemDateAndTime xmlns="{DEVICE}"/>')
GET_SERVICES = Question(
    f"{DEVICE}/GetServices",
    f'<GetServices xmlns="{DEVICE}"><IncludeCapability>false</IncludeCapability></GetServices>',
)
GET_CAPABILITIES = Question(
    f"{DEVICE}/GetCapabilities", f'<GetCapabilities xmlns="{DEVICE}"><Category>Events</Category></GetCapabilities>'
)
UNSUBSCRIBE = Question(f"{MANAGER}/UnsubscribeRequest", f'<Unsubscribe xmlns="{NOTIFY}"/>')


def create_subscription(seconds: int) -> Question:
    """A subscription of everything, which lasts so long unless renewed."""
    return Question(
        f"{EVENTS}/EventPortType/CreatePullPointSubscriptionRequest",
        f'<CreatePullPointSubscription xmlns="{EVENTS}"><InitialTerminationTime>PT{seconds}S</InitialTerminationTime>'
        "</CreatePullPointSubscription>",
    )


def pull_messages(seconds: int, most: int) -> Question:
    """What happened; the answer may wait so long for the first message."""
    return Question(
        f"{EVENTS}/PullPointSubscription/PullMessagesRequest",
        f'<PullMessages xmlns="{EVENTS}"><Timeout>PT{seconds}S</Timeout><MessageLimit>{most}</MessageLimit>'
        "</PullMessages>",
    )


def renew(seconds: int) -> Question:
    """The subscription shall last so long from now on."""
    return Question(
        f"{MANAGER}/RenewRequest",
        f'<Renew xmlns="{NOTIFY}"><TerminationTime>PT{seconds}S</TerminationTime></Renew>',
    )


class Token(NamedTuple):
    """A login for one question: `created` by the camera's clock, `nonce` used once."""

    login: str
    password: str
    created: datetime
    nonce: bytes


def envelope(question: Question, to: str, token: Token | None = None, parameters: str = "") -> bytes:
    """The SOAP 1.2 message. `parameters`: what the camera wants sent back in the head, as it gave it."""
    security = "" if token is None else _security(token)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}"><s:Header>{security}'
        f'<a:Action s:mustUnderstand="1">{escape(question.action)}</a:Action>'
        f'<a:To s:mustUnderstand="1">{escape(to)}</a:To>{parameters}'
        f"</s:Header><s:Body>{question.body}</s:Body></s:Envelope>"
    ).encode()


def _security(token: Token) -> str:
    created = token.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = password_digest(token.nonce, created, token.password)
    kind, coding = f"{_WSS}username-token-profile-1.0#PasswordDigest", f"{_WSS}soap-message-security-1.0#Base64Binary"
    return (
        f'<w:Security s:mustUnderstand="1" xmlns:w="{_WSS}wssecurity-secext-1.0.xsd"'
        f' xmlns:u="{_WSS}wssecurity-utility-1.0.xsd"><w:UsernameToken><w:Username>{escape(token.login)}</w:Username>'
        f"<w:Password Type={quoteattr(kind)}>{digest}</w:Password>"
        f"<w:Nonce EncodingType={quoteattr(coding)}>{base64.b64encode(token.nonce).decode()}</w:Nonce>"
        f"<u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
    )


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """UsernameToken Profile 1.0, section 3.1: Base64 of SHA-1 over nonce, instant and password."""
    return base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Fault(LinkFailure):
    """The camera answered with a SOAP fault."""


def read(content: bytes) -> Element:
    """The body of an answer. Raises Fault, and LinkFailure for what is no SOAP."""
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise LinkFailure("broken") from error
    body = next((child for child in root if _name(child) == "Body"), None)
    if _name(root) != "Envelope" or body is None:
        raise LinkFailure("broken")
    fault = next((child for child in body if _name(child) == "Fault"), None)
    if fault is not None:
        raise _fault(fault)
    return body


def _fault(fault: Element) -> Fault:
    codes = " ".join(_text(each) for each in fault.iter() if _name(each) in ("Value", "faultcode"))
    words = next((_text(each) for each in fault.iter() if _name(each) in ("Text", "faultstring") and _text(each)), "")
    if re.search(r"NotAuthorized|FailedAuthentication|InvalidSecurity", codes) or re.search(
        r"not authori[sz]ed|unauthori[sz]ed", words, re.IGNORECASE
    ):
        return Fault("unauthorized")
    return Fault("fault", _plain(words or codes) or "SOAP")


def read_clock(body: Element) -> datetime | None:
    """The camera's clock in UTC; None where it tells none that exists."""
    stamp = next((each for each in body.iter() if _name(each) == "UTCDateTime"), None)
    if stamp is None:
        return None
    parts = {_name(each): _text(each) for each in stamp.iter()}
    try:
        year, month, day, hour, minute, second = (
            int(parts[name]) for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")
        )
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def read_event_service(body: Element) -> str:
    """Where the event service is, from the answer to GET_SERVICES or GET_CAPABILITIES; "" where there is none."""
    for each in body.iter():
        if _name(each) == "Service" and _child(each, "Namespace").rstrip("/") == EVENTS:
            return _child(each, "XAddr")
        if _name(each) == "Events" and _child(each, "XAddr"):
            return _child(each, "XAddr")
    return ""


class Subscription(NamedTuple):
    """Where messages are pulled, with what the camera wants sent back to tell its subscriptions apart."""

    address: str
    parameters: str = ""


def read_subscription(body: Element) -> Subscription:
    """The answer to `create_subscription`. Raises LinkFailure."""
    reference = next((each for each in body.iter() if _name(each) == "SubscriptionReference"), None)
    if reference is None or not _child(reference, "Address"):
        raise LinkFailure("broken")
    given = next((each for each in reference if _name(each) == "ReferenceParameters"), None)
    try:
        parameters = "".join(tostring(_marked(each), "unicode") for each in given) if given is not None else ""
    except (RecursionError, TypeError, ValueError) as error:
        raise LinkFailure("broken") from error
    if len(parameters) > MOST_PARAMETERS:
        raise LinkFailure("broken")
    return Subscription(_child(reference, "Address"), parameters)


def _marked(parameter: Element) -> Element:
    """WS-Addressing 1.0 SOAP Binding, section 2: what is sent back is marked as such."""
    parameter.tail = None
    parameter.set(f"{{{ADDRESSING}}}IsReferenceParameter", "true")
    return parameter


def reached(address: str, home: str) -> str:
    """`address` as this camera gave it, at the host where the camera was reached.

    Cameras behind a router or with several addresses name one that leads nowhere from here; and a login is never sent
    to another host. The port is kept where the host is the same.
    """
    try:
        told, own = urlsplit(address), urlsplit(home)
        same = told.hostname == own.hostname and told.scheme == own.scheme
        place = f"{own.netloc.rpartition(':')[0] or own.netloc}:{told.port or 80}" if same else own.netloc
    except ValueError as error:
        raise LinkFailure("broken") from error
    if re.search(r"[\x00-\x20\x7f]", told.path + told.query) or not (told.path + told.query).isascii():
        raise LinkFailure("broken")
    return urlunsplit((own.scheme, place, told.path or "/", told.query, ""))


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Message(NamedTuple):
    """A notification: its topic without prefixes, the operation on a property ("" for what is none), items by name."""

    topic: str
    operation: str = ""
    source: Mapping[str, str] = {}
    data: Mapping[str, str] = {}


class Told(NamedTuple):
    """What a message means. `cause`: one of "camera_motion", "audio", "tampering", "input".

    `key` tells what it is about apart from others; `active` is None for what has no state and merely happened. `token`:
    which input; `rule`: the camera's own word for what it looks at.
    """

    cause: str
    key: str
    active: bool | None
    initial: bool = False
    gone: bool = False
    token: str = ""
    rule: str = ""


def read_messages(body: Element) -> list[Message]:
    """The messages in the answer to `pull_messages`, in order; what is none is left out."""
    found: list[Message] = []
    for each in body.iter():
        if _name(each) == "NotificationMessage" and len(found) < MOST_MESSAGES:
            message = _message(each)
            if message is not None:
                found.append(message)
    return found


def _message(notification: Element) -> Message | None:
    topic = next((_text(each) for each in notification if _name(each) == "Topic"), "")
    inner = next((each for each in notification.iter() if "PropertyOperation" in each.attrib), None)
    if inner is None:
        inner = next((each for each in notification.iter() if _name(each) == "Message" and len(each) > 0), None)
    if not topic or inner is None:
        return None
    path = "/".join(part.rpartition(":")[2].strip() for part in topic.split("/"))
    parts = {_name(part): dict(_items(part)) for part in inner.iter() if _name(part) in ("Source", "Data")}
    return Message(_plain(path), inner.get("PropertyOperation", ""), parts.get("Source", {}), parts.get("Data", {}))


def _items(part: Element) -> Iterator[tuple[str, str]]:
    for item in part.iter():
        if _name(item) == "SimpleItem":
            yield _plain(item.get("Name", "")), _plain(item.get("Value", ""))


# by the topic in lower case; the first that fits counts
_MEANINGS = (
    ("input", re.compile(r"device/trigger/digitalinput|device/io/(port|digitalinput|virtualinput)|.*/digitalinput")),
    ("tampering", re.compile(r".*(tamper|globalscenechange|videocover|imagetoo(dark|bright|blurry))")),
    ("audio", re.compile(r"audio(source|analytics)/|.*(detectedsound|audiodetect|soundalarm)")),
    ("camera_motion", re.compile(r".*(motion|pir$|/vmd|fielddetector|linedetector|peopledetect|/guard|/fence)")),
)
_IGNORED = re.compile(r".*(ptzcontroller|recordingconfig|monitoring/|device/hardwarefailure)")
_TRUE, _FALSE = ("true", "1", "active", "on", "closed", "high"), ("false", "0", "inactive", "off", "open", "low")
# items that hold a state, the surest first; any other item that looks like one does where there is none of these
_STATES = ("state", "logicalstate", "ismotion", "active", "istamper", "issoundlevel", "issounddetected", "triggered")
_NO_STATES = ("objectid", "areaid", "channel", "level", "count", "index", "window")


def meaning(message: Message) -> Told | None:
    """What `message` means; None for what raises no alarm in any case."""
    topic = message.topic.lower()
    cause = next((cause for cause, fits in _MEANINGS if fits.match(topic)), "")
    if not cause or _IGNORED.match(topic):
        return None
    source = {name.lower(): value for name, value in message.source.items()}
    active = _active({name.lower(): value.lower() for name, value in message.data.items()})
    operation = message.operation.lower()
    if cause == "input" and active is None and operation != "deleted":
        return None
    token = next(
        (source[name] for name in ("inputtoken", "port", "relaytoken", "token", "source") if name in source), ""
    )
    key = "|".join([message.topic, *(f"{name}={value}" for name, value in sorted(source.items()))])
    return Told(
        cause,
        key,
        active,
        initial=operation == "initialized",
        gone=operation == "deleted",
        token=(token or next(iter(source.values()), "")) if cause == "input" else "",
        rule=source.get("rule", "") or message.topic.rpartition("/")[2],
    )


def _active(data: Mapping[str, str]) -> bool | None:
    others = [name for name in data if name not in _STATES and name not in _NO_STATES]
    for name in (*_STATES, *others):
        value = data.get(name)
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
    return None


# ── elements ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _child(element: Element, name: str) -> str:
    """The text of the first element of that name inside."""
    return next((_text(each) for each in element.iter() if _name(each) == name), "")


def _plain(words: str) -> str:
    """On one line, without control characters, and not too long."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())[:MOST_WORDS]
