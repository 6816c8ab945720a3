"""ONVIF's XML: what is asked, and what answers of several makes mean, whole, cut and broken."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import onvif_answers as answers

from camtrace.alarm import onvif
from camtrace.alarm.links import LinkFailure
from camtrace.alarm.onvif import Message, Token, Told, meaning

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOME = "http://192.168.10.21:80/onvif/device_service"


def test_the_digest_is_that_of_the_onvif_programmers_guide() -> None:
    """The example of ONVIF's Application Programmer's Guide 1.0, section 6.1.1.3."""
    import base64

    nonce = base64.b64decode("LKqI6G/AikKCQrN0zqZFlg==")
    assert onvif.password_digest(nonce, "2010-09-16T07:50:45Z", "userpassword") == "tuOSpGlFlIXsozq4HFNeeGeFLEI="


def test_a_question_is_well_formed_and_carries_the_login() -> None:
    token = Token("a<b&c", "s3cret", NOON, b"\0\1\2")
    asked = onvif.envelope(onvif.pull_messages(20, 100), "http://h/x?a=1&b=2", token, '<p xmlns="urn:x">17</p>')
    root = fromstring(asked)
    words = {each.tag.rpartition("}")[2]: each.text for each in root.iter()}
    assert words["Username"] == "a<b&c" and words["Created"] == "2026-11-20T12:00:00Z" and words["p"] == "17"
    assert words["To"] == "http://h/x?a=1&b=2" and words["Timeout"] == "PT20S" and words["MessageLimit"] == "100"
    assert b"s3cret" not in asked
    assert b"Security" not in onvif.envelope(onvif.GET_CLOCK, HOME)


@pytest.mark.parametrize(
    "question",
    [
        onvif.GET_CLOCK,
        onvif.GET_SERVICES,
        onvif.GET_CAPABILITIES,
        onvif.UNSUBSCRIBE,
        onvif.create_subscription(120),
        onvif.renew(120),
    ],
)
def test_every_question_is_well_formed(question: onvif.Question) -> None:
    fromstring(onvif.envelope(question, HOME))
    assert question.action.startswith("http://")


def test_the_clock() -> None:
    assert onvif.read_clock(onvif.read(answers.clock(2026, 11, 20, 12, 0, 0))) == NOON
    assert onvif.read_clock(onvif.read(answers.clock(2026, 13, 20, 12, 0, 0))) is None
    assert onvif.read_clock(onvif.read(answers.body(""))) is None


def test_the_event_service() -> None:
    for answer in (answers.services("http://10.0.0.1/ev"), answers.capabilities("http://10.0.0.1/ev")):
        assert onvif.read_event_service(onvif.read(answer)) == "http://10.0.0.1/ev"
    assert onvif.read_event_service(onvif.read(answers.body(""))) == ""


def test_subscriptions() -> None:
    axis = onvif.read_subscription(onvif.read(answers.AXIS_SUBSCRIPTION))
    assert axis.address == "http://192.168.0.90/onvif/services"
    sent_back = fromstring(axis.parameters)
    assert sent_back.tag == "{http://www.axis.com/2009/event}SubscriptionId" and sent_back.text == "17"
    assert sent_back.get("{http://www.w3.org/2005/08/addressing}IsReferenceParameter") == "true"
    plain = onvif.read_subscription(onvif.read(answers.PLAIN_SUBSCRIPTION))
    assert plain == ("http://10.1.1.1:8080/onvif/Events/Sub_7?Idx=7", "")
    with pytest.raises(LinkFailure):
        onvif.read_subscription(onvif.read(answers.body("")))


@pytest.mark.parametrize(
    ("told", "reached"),
    [
        ("http://192.168.10.21/onvif/event", "http://192.168.10.21:80/onvif/event"),
        ("http://192.168.10.21:8999/onvif/event", "http://192.168.10.21:8999/onvif/event"),
        ("http://10.0.0.1:8999/onvif/event?a=1", "http://192.168.10.21:80/onvif/event?a=1"),
        ("https://192.168.10.21/onvif/event", "http://192.168.10.21:80/onvif/event"),
        ("http://other@evil.example/onvif/event", "http://192.168.10.21:80/onvif/event"),
        ("/onvif/event", "http://192.168.10.21:80/onvif/event"),
        ("http://192.168.10.21", "http://192.168.10.21:80/"),
    ],
)
def test_an_address_is_taken_to_the_camera(told: str, reached: str) -> None:
    """Whatever the camera names, its login goes nowhere else."""
    assert onvif.reached(told, HOME) == reached


@pytest.mark.parametrize("told", ["http://192.168.10.21:x/", "http://[::1/", "http://h/a b", "http://h/é"])
def test_an_address_that_is_none(told: str) -> None:
    with pytest.raises(LinkFailure):
        onvif.reached(told, HOME)


def test_the_address_of_ipv6() -> None:
    assert onvif.reached("http://[fe80::1]/ev", "http://[fe80::1]:80/onvif/device_service") == "http://[fe80::1]:80/ev"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (answers.fault("NotAuthorized", "Sender not Authorized"), "unauthorized"),
        (
            answers.fault("InvalidArgVal", "Sender not authorized for this"),
            "unauthorized",
        ),
        (answers.fault("ActionNotSupported", "Optional Action Not Implemented"), "fault"),
        (b"<html><body>Not found</body></html>", "broken"),
        (b"", "broken"),
        (b"\xff\xfe", "broken"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "broken"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "broken"),
    ],
)
def test_what_is_no_answer(answer: bytes, kind: str) -> None:
    with pytest.raises(LinkFailure) as raised:
        onvif.read(answer)
    assert raised.value.kind == kind


def heard(topic: str, operation: str = "", source: str = "", data: str = "") -> Told | None:
    (message,) = onvif.read_messages(onvif.read(answers.messages(answers.notification(topic, operation, source, data))))
    return meaning(message)


@pytest.mark.parametrize(
    ("topic", "data", "cause", "active"),
    [
        ("tns1:RuleEngine/CellMotionDetector/Motion", "IsMotion=true", "camera_motion", True),
        ("tns1:VideoSource/MotionAlarm", "State=false", "camera_motion", False),
        ("tns1:VideoAnalytics/tnshik:MotionAlarm", "State=TRUE", "camera_motion", True),
        ("tns1:VideoAnalytics/tnsaxis:MotionDetection", "motion=1", "camera_motion", True),
        ("tns1:RuleEngine/tnsaxis:VMD3/vmd3_video_1", "areaid=0 active=1", "camera_motion", True),
        ("tnsaxis:CameraApplicationPlatform/VMD/Camera1Profile1", "active=0", "camera_motion", False),
        ("tns1:Device/tnsaxis:Sensor/PIR", "state=1", "camera_motion", True),
        ("tns1:RuleEngine/FieldDetector/ObjectsInside", "IsInside=true", "camera_motion", True),
        ("tns1:RuleEngine/LineDetector/Crossed", "ObjectId=1", "camera_motion", None),
        ("tns1:RuleEngine/MyRuleDetector/PeopleDetect", "State=true", "camera_motion", True),
        ("tns1:RuleEngine/TamperDetector/Tamper", "IsTamper=true", "tampering", True),
        ("tns1:VideoSource/tnsaxis:Tampering", "tampering=1", "tampering", True),
        ("tns1:VideoSource/GlobalSceneChange/ImagingService", "State=true", "tampering", True),
        ("tns1:VideoSource/ImageTooDark/AnalyticsService", "State=false", "tampering", False),
        ("tns1:AudioAnalytics/Audio/DetectedSound", "IsSoundDetected=true", "audio", True),
        ("tns1:AudioSource/tnsaxis:TriggerLevel", "triggered=1", "audio", True),
        ("tns1:Device/Trigger/DigitalInput", "LogicalState=true", "input", True),
        ("tns1:Device/tnsaxis:IO/Port", "state=0", "input", False),
    ],
)
def test_topics(topic: str, data: str, cause: str, active: bool | None) -> None:
    told = heard(topic, "Changed", "Source=1", data)
    assert told is not None and (told.cause, told.active, told.initial, told.gone) == (cause, active, False, False)


@pytest.mark.parametrize(
    "topic",
    [
        "tns1:Device/tnsaxis:Status/SystemReady",
        "tns1:PTZController/tnsaxis:Move/Channel_1",
        "tns1:Monitoring/MotionCPU",
    ],
)
def test_other_topics_raise_nothing(topic: str) -> None:
    assert heard(topic, "Changed", "", "State=true") is None


def test_operations_and_tokens() -> None:
    initial = heard("tns1:Device/Trigger/DigitalInput", "Initialized", "InputToken=DI_1", "LogicalState=false")
    assert initial is not None and initial.initial and initial.token == "DI_1"
    gone = heard("tns1:Device/tnsaxis:IO/Port", "Deleted", "port=3")
    assert gone is not None and gone.gone and gone.token == "3"
    assert heard("tns1:Device/Trigger/DigitalInput", "Changed", "InputToken=DI_1") is None
    rule = heard("tns1:RuleEngine/CellMotionDetector/Motion", "Changed", "Rule=Till Source=1", "IsMotion=true")
    assert rule is not None and rule.rule == "Till"


def test_keys_tell_windows_apart() -> None:
    topic = "tns1:VideoAnalytics/tnsaxis:MotionDetection"
    one, other = (heard(topic, "Changed", f"window={place}", "motion=1") for place in (0, 1))
    assert one is not None and other is not None and one.key != other.key


def test_many_messages_stay_in_order_and_within_bounds() -> None:
    many = [
        answers.notification("tns1:VideoSource/MotionAlarm", "Changed", f"Source={n}", "State=1") for n in range(1100)
    ]
    found = onvif.read_messages(onvif.read(answers.messages(*many)))
    assert len(found) == onvif.MOST_MESSAGES and [each.source["Source"] for each in found[:3]] == ["0", "1", "2"]


def test_words_of_a_camera_are_tamed() -> None:
    told = heard("tns1:RuleEngine/CellMotionDetector/Motion", "Changed", f"Rule={'x' * 900}&#10;y", "IsMotion=true")
    assert told is not None and len(told.rule) == onvif.MOST_WORDS and told.rule.isprintable()


WHOLE = [
    answers.AXIS_SUBSCRIPTION,
    answers.PLAIN_SUBSCRIPTION,
    answers.clock(2026, 11, 20, 12, 0, 0),
    answers.services("http://10.0.0.1/ev"),
    answers.fault("NotAuthorized", "no"),
    answers.messages(answers.notification("tns1:Device/tnsaxis:IO/Port", "Changed", "port=1", "state=1")),
]


def read_everything(content: bytes) -> None:
    """Whatever was asked: nothing but LinkFailure comes out of an answer."""
    try:
        body = onvif.read(content)
    except LinkFailure:
        return
    onvif.read_clock(body)
    for message in onvif.read_messages(body):
        meaning(message)
    try:
        onvif.reached(onvif.read_event_service(body), HOME)
        onvif.reached(onvif.read_subscription(body).address, HOME)
    except LinkFailure:
        return


@given(st.sampled_from(WHOLE), st.data())
def test_cut_and_broken_answers(whole: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    read_everything(whole[:start])
    read_everything(whole[:start] + data.draw(st.binary(max_size=8)) + whole[stop:])


@given(st.binary(max_size=200))
@example(b"<a>" * 50)
def test_any_bytes(content: bytes) -> None:
    read_everything(content)


def test_deep_answers() -> None:
    read_everything(answers.body("<a>" * 5_000 + "</a>" * 5_000))
    deep = b"<x>" * 5_000 + b"</x>" * 5_000
    read_everything(answers.AXIS_SUBSCRIPTION.replace(b"17</dom0", deep + b"17</dom0"))


WORDS = st.text("aMotionTrue/:.1é\0", max_size=12)
ITEMS = st.dictionaries(WORDS, WORDS, max_size=4)
OPERATIONS = st.sampled_from(["", "Initialized", "Changed", "Deleted", "x"])


@given(st.builds(Message, WORDS, OPERATIONS, ITEMS, ITEMS))
def test_any_message(message: Message) -> None:
    told = meaning(message)
    assert told is None or told.cause in ("camera_motion", "audio", "tampering", "input")
