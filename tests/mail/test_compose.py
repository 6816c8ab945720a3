"""What mails say, in three languages, and how they are built."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from zoneinfo import ZoneInfo

import pytest
from support.words import translations

from camtrace import i18n
from camtrace.cameras.status import REASONS
from camtrace.mail import compose, wire
from camtrace.mail.compose import Author, CameraReport, DiskReport, Place, Report
from camtrace.mail.wire import Letter
from camtrace.model import CAUSES, GAP_CAUSES, Alarm, Camera, CameraState, Gap, Status, Trigger

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PLACE = Place("Marché Sud", ZoneInfo("Europe/Paris"), "https://cctv.shop")
TILL = Camera(uid=101, id=3, name="Caisse 3", address="192.168.1.13")
YARD = Camera(uid=102, id=4, name="<Yard> & gate")
ALARM = Alarm(id=7, camera_uid=101, started_at=NOON, last_at=NOON, until=NOON, causes=("motion", "ftp"), mail=True)
TRIGGER = Trigger(at=NOON, cause="motion", origin="192.168.1.13", message="door 2")
JPEG = b"\xff\xd8" + bytes(range(256)) * 40 + b"\xff\xd9"


@pytest.fixture(scope="module")
def spoken() -> dict[str, i18n.Translations]:
    return translations()


@pytest.fixture
def author(spoken: dict[str, i18n.Translations]) -> Author:
    return Author(PLACE, spoken["en"], REASONS)


def lost(camera: Camera, reason: str = "timeout") -> CameraState:
    return CameraState(camera.uid, Status.INACTIVE, reason, NOON)


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        (
            "en",
            "[Marché Sud] Alarm: Caisse 3",
            ["Alarm on camera 3, Caisse 3", "Fri 20 Nov 13:00:00", "motion seen by"],
        ),
        ("fr", "[Marché Sud] Alarme : Caisse 3", ["Alarme sur la caméra 3, Caisse 3", "ven. 20 nov. 13:00:00"]),
        ("ru", "[Marché Sud] Тревога: Caisse 3", ["Тревога на камере 3, Caisse 3", "13:00:00"]),
    ],
)
def test_an_alarm_in_each_language(
    spoken: dict[str, i18n.Translations], language: str, subject: str, words: list[str]
) -> None:
    letter = Author(PLACE, spoken[language], REASONS).alarm(TILL, ALARM, TRIGGER)
    text = wire.as_text(letter)
    assert letter.subject == subject
    for each in [*words, "192.168.1.13", "door 2", f"https://cctv.shop/replay/3?at={NOON.timestamp():.3f}"]:
        assert each in text


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_kind_is_said_whole(spoken: dict[str, i18n.Translations], language: str) -> None:
    """No place of a sentence stays empty, nothing is said in another language."""
    author = Author(PLACE, spoken[language], REASONS)
    later = NOON + timedelta(hours=1, seconds=5)
    report = Report(
        NOON - timedelta(days=1),
        NOON,
        "1.0",
        (CameraReport(TILL, lost(TILL), 0.98765, (Gap(101, NOON, None, "camera"),)),),
        (DiskReport("/footage", "ok", 5 * 10**11),),
    )
    letters = [
        author.alarm(TILL, ALARM),
        author.contact(TILL, ALARM, TRIGGER),
        author.exception(TILL, Trigger(at=NOON, cause="rule", origin="Returned", message="Returned · 1 · PAIN")),
        author.lost(TILL, lost(TILL), NOON),
        author.back(TILL, NOON, later),
        author.purge("/footage", NOON, 12345, 678),
        author.digest(TILL, [ALARM], 45, NOON, later),
        author.life(12, report),
        author.test(NOON, "anna"),
    ]
    english = Author(PLACE, spoken["en"], REASONS)
    for letter, plain in zip(
        letters, [english.alarm(TILL, ALARM), None, None, None, None, None, None, None, None], strict=True
    ):
        assert "{" not in wire.as_text(letter) + letter.subject
        if plain is not None and language != "en":
            assert letter.title != plain.title
    assert "1:00:05" in wire.as_text(letters[4])


def test_a_sign_of_life(author: Author) -> None:
    """Numbered; cameras, coverage, gaps, disks, version; only the cameras that its reader may see."""
    well = CameraState(101, Status.ACTIVE, "", NOON)
    gap = Gap(102, NOON - timedelta(hours=2), NOON - timedelta(hours=1), "camera")
    report = Report(
        NOON - timedelta(days=1),
        NOON,
        "1.2.3",
        (CameraReport(TILL, well, 1.0), CameraReport(YARD, lost(YARD, "refused"), 0.95, (gap,))),
        (DiskReport("/mnt/a", "ok", 123_400_000_000), DiskReport("/mnt/b", "absent", 0, "not mounted")),
    )
    letter = author.life(1234, report)
    text = wire.as_text(letter)
    assert letter.subject == "[Marché Sud] Sign of life 1,234: 2 things to look at"
    for words in (
        "1.2.3",
        "3, Caisse 3: sends pictures; 100 % of the time recorded",
        "4, <Yard> & gate: does not answer: nothing listens at its address and port; 95 % of the time recorded",
        "<Yard> & gate: Fri 20 Nov 11:00:00 – 12:00:00, the camera was lost",
        "/mnt/a: ok, 123.4 GB free",
        "/mnt/b: absent, 0 GB free (not mounted)",
    ):
        assert words in text
    own = author.life(1234, report, may_see=(101,))
    assert "Yard" not in wire.as_text(own) and "1 thing to look at" in own.subject
    healthy = author.life(2, Report(NOON, NOON, "1", (CameraReport(TILL, well, None),), ()))
    assert healthy.subject == "[Marché Sud] Sign of life 2: all is well"


def test_a_long_list_is_cut_and_counted(author: Author) -> None:
    letter = author.digest(TILL, [ALARM] * 200, 1200, NOON, NOON)
    [(_, lines)] = letter.lists
    assert len(lines) == compose.MOST_ROWS + 1 and lines[-1] == "and 1,160 more"


def test_words_from_outside_cannot_write_the_mail(author: Author) -> None:
    """Markup, line ends and our own places in names stay text."""
    evil = Camera(uid=1, id=1, name="x\r\nBcc: all@shop.example <b>{number}</b>")
    letter = author.alarm(evil, ALARM, Trigger(at=NOON, cause="tcp", message="<script>alert(1)</script>"))
    mail = wire.message(letter, "en", "anna@shop.example", "1@cctv.shop", NOON)
    read = message_from_bytes(wire.signed(wire.raw(mail), "cam@shop.example", "Shop\n Bcc: x"), policy=default)
    assert read["Bcc"] is None and read["To"] == "anna@shop.example"
    page = read.get_body(("html",)).get_content()
    assert "<script>" not in page and "<b>" not in page and "&lt;script&gt;" in page


def test_a_mail_with_its_picture(author: Author) -> None:
    """Text and HTML, the picture inside, headers that programs know it by; no line is too long for SMTP."""
    letter = author.alarm(TILL, ALARM, TRIGGER)
    mail = wire.message(letter, "en", "anna@shop.example", "abc@cctv.shop", NOON, JPEG)
    data = wire.signed(wire.raw(mail), "cam@shop.example", "Marché Sud")
    assert max(map(len, data.split(b"\r\n"))) < 998 and b"\n" not in data.replace(b"\r\n", b"") and data.isascii()
    read = message_from_bytes(data, policy=default)
    assert read["From"].addresses[0].addr_spec == "cam@shop.example"
    assert read["From"].addresses[0].display_name == "Marché Sud"
    assert (read["Subject"], read["Message-ID"]) == (letter.subject, "<abc@cctv.shop>")
    assert read["Auto-Submitted"] == "auto-generated" and read["Date"].datetime == NOON
    assert wire.as_text(letter) == read.get_body(("plain",)).get_content().replace("\r\n", "\n")
    [picture] = [part for part in read.walk() if part.get_content_type() == "image/jpeg"]
    assert picture.get_content() == JPEG
    assert f"cid:{picture['Content-ID'].strip('<>')}" in read.get_body(("html",)).get_content()


def test_without_a_picture_nothing_is_attached(author: Author) -> None:
    mail = wire.message(author.alarm(TILL, ALARM), "en", "a@b.example", "1@x", NOON)
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_removed_cameras_are_linked_by_what_stays(author: Author) -> None:
    gone = Camera(uid=101, id=3, name="Caisse 3", deleted_at=NOON)
    assert "/replay/uid:101?at=" in author.replay(gone, NOON)


def test_message_ids_have_a_host(spoken: dict[str, i18n.Translations]) -> None:
    for url, host in (("https://cctv.shop:8443", "cctv.shop"), ("http://[::1]:8000", "camtrace"), ("", "camtrace")):
        assert Author(Place("", ZoneInfo("UTC"), url), spoken["en"]).message_id("1") == f"1@{host}"


def test_all_causes_have_words() -> None:
    assert set(compose.CAUSES) == set(CAUSES) and set(compose.GAPS) == set(GAP_CAUSES)


def test_a_letter_of_nothing_but_a_title() -> None:
    assert wire.as_text(Letter("s", "t")) == "t\n"
    assert "<h1" in wire.as_html(Letter("s", "t"), "en")
