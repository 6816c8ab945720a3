"""Contacts and contact boxes as a person or program gives them, each fault with its field's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.model import NORMALLY, READS, Contact, ContactBox
from camtrace.web.api.readers import address, flag, one_of, text_of, whole

MOST_CONTACTS, MOST_CAMERAS = 64, 256
Uids = Callable[[int], int | None]
"""The uid of the camera with a number, None where there is none."""

_SHOWN_ONLY = ("id", "state")
_CONTACT_SHOWN_ONLY = ("closed", "away")


def read_contacts(value: Any, name: str, uids: Uids, most: int, *, tokens: bool = False) -> tuple[Contact, ...]:
    """The list of contacts that `value` is, at most so many; with `tokens` each has one. Raises Invalid."""
    if not isinstance(value, list | tuple) or len(value) > most:
        raise Invalid(N_("{field} must be a list of at most {most} contacts"), name, most=most)
    found = [_contact(each, f"{name}.{place}", uids, tokens) for place, each in enumerate(value)]
    if tokens and len({contact.token for contact in found}) < len(found):
        raise Invalid(N_("{field} names an input twice"), name)
    return tuple(found)


def _contact(value: Any, name: str, uids: Uids, tokens: bool) -> Contact:
    if not isinstance(value, dict):
        raise Invalid(N_("{field} must be an object"), name)
    readers: dict[str, Callable[[Any, str], Any]] = {
        "name": text_of(60),
        "normally": one_of(NORMALLY),
        "cameras": lambda given, field: _cameras(given, field, uids),
        "enabled": flag,
    }
    if tokens:
        readers["token"] = text_of(100, needed=True)
        value = {"token": "", **value}
    fields = {}
    for key, each in value.items():
        if key in readers:
            fields[key] = readers[key](each, f"{name}.{key}")
        elif key not in _CONTACT_SHOWN_ONLY:
            raise Invalid(N_("a contact has no setting {field}"), f"{name}.{key}")
    return Contact(**fields)


def _cameras(value: Any, name: str, uids: Uids) -> tuple[int, ...]:
    """The uids of cameras given by their numbers."""
    if not isinstance(value, list | tuple) or len(value) > MOST_CAMERAS:
        raise Invalid(N_("{field} must be the numbers of cameras"), name)
    found: dict[int, None] = {}
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int):
            raise Invalid(N_("{field} must be the numbers of cameras"), name)
        uid = uids(number)
        if uid is None:
            raise Invalid(N_("there is no camera {number}"), name, number=number)
        found[uid] = None
    return tuple(found)


def read_box(body: Mapping[str, Any], before: ContactBox | None, uids: Uids) -> ContactBox:
    """The box that `body` describes, or changes `before` into. Raises Invalid with the field's name.

    `count` says how many inputs there are, where `contacts` does not.
    """
    readers: dict[str, Callable[[Any, str], Any]] = {
        "name": text_of(60),
        "host": address,
        "port": whole(1, 65535),
        "unit": whole(0, 255),
        "reads": one_of(READS),
        "first": whole(0, 65535),
        "count": whole(1, MOST_CONTACTS),
        "interval_ms": whole(50, 60_000),
        "enabled": flag,
        "contacts": lambda given, field: read_contacts(given, field, uids, MOST_CONTACTS),
    }
    fields = {}
    for name, value in body.items():
        if name in readers:
            fields[name] = readers[name](value, name)
        elif name not in _SHOWN_ONLY:
            raise Invalid(N_("a contact box has no setting {field}"), name)
    count = fields.pop("count", None)
    box = replace(before or ContactBox(id=0, name="", host="", contacts=(Contact(),) * 8), **fields)
    if not box.name:
        raise Invalid(N_("a contact box needs a name"), "name")
    if not box.host:
        raise Invalid(N_("a contact box needs a network address"), "host")
    return _with_count(box, count, "contacts" in fields)


def _with_count(box: ContactBox, count: int | None, contacts_given: bool) -> ContactBox:
    contacts = box.contacts
    if count is not None and contacts_given and count != len(contacts):
        raise Invalid(N_("there must be as many contacts as the box has inputs"), "count")
    if count is not None:
        contacts = (*contacts[:count], *[Contact()] * (count - len(contacts)))
    if not contacts:
        raise Invalid(N_("a contact box needs an input"), "contacts")
    if box.first + len(contacts) > 65536:
        raise Invalid(N_("there are no inputs behind number 65535"), "first")
    return replace(box, contacts=contacts)
