"""Answers of event services as cameras of several makes write them."""

from __future__ import annotations

AXIS_SUBSCRIPTION = b"""<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa5="http://www.w3.org/2005/08/addressing" xmlns:tev="http://www.onvif.org/ver10/events/wsdl"
 xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2">
<SOAP-ENV:Header><wsa5:Action>http://www.onvif.org/ver10/events/wsdl/EventPortType/CreatePullPointSubscriptionResponse
</wsa5:Action></SOAP-ENV:Header>
<SOAP-ENV:Body><tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>
<wsa5:Address>http://192.168.0.90/onvif/services</wsa5:Address>
<wsa5:ReferenceParameters><dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event">17</dom0:SubscriptionId>
</wsa5:ReferenceParameters></tev:SubscriptionReference>
<wsnt:CurrentTime>2026-11-20T12:00:00Z</wsnt:CurrentTime><wsnt:TerminationTime>2026-11-20T12:02:00Z</wsnt:TerminationTime>
</tev:CreatePullPointSubscriptionResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>"""

PLAIN_SUBSCRIPTION = b"""<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:tev="http://www.onvif.org/ver10/events/wsdl">
<env:Body><tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>
<wsa:Address xmlns:wsa="http://www.w3.org/2005/08/addressing">http://10.1.1.1:8080/onvif/Events/Sub_7?Idx=7</wsa:Address>
</tev:SubscriptionReference></tev:CreatePullPointSubscriptionResponse></env:Body></env:Envelope>"""

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema"
 xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tev="http://www.onvif.org/ver10/events/wsdl"
 xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:tnsaxis="http://www.axis.com/2009/event/topics"
 xmlns:tnshik="http://www.hikvision.com/2011/event/topics"><s:Body>"""
_TAIL = "</s:Body></s:Envelope>"


def notification(topic: str, operation: str = "", source: str = "", data: str = "") -> str:
    """A message; `source` and `data` are items such as "IsMotion=true port=1"."""

    def part(name: str, items: str) -> str:
        pairs = (item.split("=", 1) for item in items.split())
        simple = "".join(f'<tt:SimpleItem Name="{key}" Value="{value}"/>' for key, value in pairs)
        return f"<tt:{name}>{simple}</tt:{name}>"

    property_ = f' PropertyOperation="{operation}"' if operation else ""
    return (
        '<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
        f'{topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-11-20T12:00:00Z"{property_}>'
        f"{part('Source', source)}{part('Data', data)}</tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    )


def body(inner: str) -> bytes:
    """An answer with this in its body."""
    return f"{_HEAD}{inner}{_TAIL}".encode()


def messages(*notifications: str) -> bytes:
    """The answer to PullMessages."""
    return body(
        "<tev:PullMessagesResponse><tev:CurrentTime>2026-11-20T12:00:00Z</tev:CurrentTime>"
        f"<tev:TerminationTime>2026-11-20T12:02:00Z</tev:TerminationTime>{''.join(notifications)}"
        "</tev:PullMessagesResponse>"
    )


def fault(subcode: str, words: str) -> bytes:
    """A SOAP 1.2 fault."""
    return body(
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:"
        f'{subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">{words}</s:Text></s:Reason></s:Fault>'
    )


def clock(year: int, month: int, day: int, hour: int, minute: int, second: int) -> bytes:
    """The answer to GetSystemDateAndTime."""
    return body(
        '<tds:GetSystemDateAndTimeResponse xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><tds:SystemDateAndTime>'
        "<tt:DateTimeType>NTP</tt:DateTimeType><tt:UTCDateTime><tt:Time>"
        f"<tt:Hour>{hour}</tt:Hour><tt:Minute>{minute}</tt:Minute><tt:Second>{second}</tt:Second></tt:Time><tt:Date>"
        f"<tt:Year>{year}</tt:Year><tt:Month>{month}</tt:Month><tt:Day>{day}</tt:Day></tt:Date></tt:UTCDateTime>"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def services(address: str) -> bytes:
    """The answer to GetServices."""
    return body(
        '<tds:GetServicesResponse xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><tds:Service><tds:Namespace>'
        "http://www.onvif.org/ver10/media/wsdl</tds:Namespace><tds:XAddr>http://10.9.9.9/media</tds:XAddr></tds:Service>"
        "<tds:Service><tds:Namespace>http://www.onvif.org/ver10/events/wsdl</tds:Namespace>"
        f"<tds:XAddr>{address}</tds:XAddr></tds:Service></tds:GetServicesResponse>"
    )


def capabilities(address: str) -> bytes:
    """The answer to GetCapabilities."""
    return body(
        '<tds:GetCapabilitiesResponse xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><tds:Capabilities><tt:Events>'
        f"<tt:XAddr>{address}</tt:XAddr><tt:WSPullPointSupport>true</tt:WSPullPointSupport></tt:Events>"
        "</tds:Capabilities></tds:GetCapabilitiesResponse>"
    )
