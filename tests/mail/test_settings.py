"""Settings of mails as values; when a sign of life is due."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camtrace.errors import Invalid
from camtrace.mail.life import latest_due, period_start, share
from camtrace.mail.settings import MailSettings, changed, from_json, read_email, to_json
from camtrace.model import Span

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday
PARIS = ZoneInfo("Europe/Paris")
ON = MailSettings("smtp.shop", 587, "starttls", False, "cam", b"sealed", "cam@shop.example", since=NOON)


def test_round_trip() -> None:
    """What is stored is JSON, and is read again; what another version stored beside it is left out."""
    stored = json.loads(json.dumps(to_json(ON)))
    assert from_json(stored) == ON and from_json({**stored, "later": 1}) == ON
    assert from_json(None) == MailSettings()


def test_the_port_follows_the_encryption_unless_it_is_another() -> None:
    usual = changed(MailSettings(), {"security": "tls"}, str.encode, NOON)
    assert usual.port == 465 and changed(usual, {"security": "none"}, str.encode, NOON).port == 25
    assert changed(replace(usual, port=2525), {"security": "none"}, str.encode, NOON).port == 2525
    assert changed(usual, {"security": "none", "port": 26}, str.encode, NOON).port == 26


def test_signs_of_life_count_from_when_they_were_set() -> None:
    later = NOON + timedelta(hours=1)
    assert changed(ON, {"life_hour": 9}, str.encode, later).since == later
    assert changed(ON, {"password": "x"}, str.encode, later).since == NOON


@given(st.text(max_size=80))
def test_no_text_becomes_an_address_that_breaks_a_command(text: str) -> None:
    """Whatever is typed: refused, or plain printable ASCII with one way to read it."""
    try:
        address = read_email(text, "email")
    except Invalid:
        return
    assert address == "" or (address.isascii() and address.isprintable() and not set(address) & set(' <>"(),:;\\[]'))


@pytest.mark.parametrize("text", ["anna@shop.example", "a.b+c@localhost", "x@192-168.example", "директор@x.example"])
def test_addresses(text: str) -> None:
    if text.isascii():
        assert read_email(text, "email") == text
    else:
        with pytest.raises(Invalid):
            read_email(text, "email")


@pytest.mark.parametrize(
    ("life", "hour", "now", "due"),
    [
        ("day", 8, NOON, "2026-11-20T08:00:00+01:00"),
        ("day", 13, NOON, "2026-11-20T13:00:00+01:00"),
        ("day", 14, NOON, "2026-11-19T14:00:00+01:00"),
        ("week", 8, NOON, "2026-11-16T08:00:00+01:00"),
        ("never", 8, NOON, None),
        ("day", 8, datetime(2026, 10, 25, 12, 0, tzinfo=UTC), "2026-10-25T08:00:00+01:00"),  # the night was longer
    ],
)
def test_when_a_sign_of_life_is_due(life: str, hour: int, now: datetime, due: str | None) -> None:
    found = latest_due(replace(ON, life=life, life_hour=hour, since=None), now, PARIS)
    assert (found.isoformat() if found else None) == due


def test_none_is_due_for_the_time_before_it_was_set() -> None:
    assert latest_due(replace(ON, life="day", life_hour=8, since=NOON), NOON, PARIS) is None
    tomorrow = NOON + timedelta(days=1)
    assert latest_due(replace(ON, life="day", life_hour=8, since=NOON), tomorrow, PARIS) is not None


def test_a_day_of_25_hours() -> None:
    due = datetime(2026, 10, 26, 2, 0, tzinfo=PARIS)
    settings = replace(ON, life="day", life_hour=2)
    start = period_start(settings, due, PARIS)
    assert due.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=25)


def test_the_share_that_is_recorded() -> None:
    hour = timedelta(hours=1)
    spans = [
        Span(NOON - hour, NOON + hour),
        Span(NOON + hour / 2, NOON + 2 * hour),
        Span(NOON + 3 * hour, NOON + 9 * hour),
    ]
    assert share(spans, NOON, NOON + 4 * hour) == 0.75
    assert share([], NOON, NOON + hour) == 0 and share(spans, NOON, NOON) == 0
