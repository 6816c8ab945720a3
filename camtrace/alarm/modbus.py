"""Asking a contact box for its inputs by Modbus/TCP (Modbus Messaging on TCP/IP 1.0b, functions 1 and 2).

pymodbus makes the questions and reads the answers. The connection is Twisted's: pymodbus' own clients want asyncio or a
thread, and its synchronous one fails (`select`) in a process with more than a thousand descriptors open.
"""

from __future__ import annotations

import logging
from typing import Any

from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from twisted.internet import defer, protocol
from twisted.internet.endpoints import HostnameEndpoint
from twisted.python.failure import Failure

from camtrace.alarm.links import LinkFailure, refusal
from camtrace.alarm.reach import unreached
from camtrace.model import ContactBox

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 2.0
LONGEST_FRAME = 260  # section 4.1
# what is wrong is told in our words; without a handler Python writes pymodbus' to the console
logging.getLogger("pymodbus").addHandler(logging.NullHandler())


class ModbusLink(protocol.Protocol, ModbusClientMixin[Any]):
    """One connection to a box; one question at a time."""

    transport: Any

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._framer = FramerSocket(DecodePDU(is_server=False))
        self._held = b""
        self._number = 0
        self._answer: defer.Deferred[ModbusPDU] | None = None
        self._ended = False

    async def read(self, box: ContactBox) -> list[bool]:
        """Whether each input of `box` is closed. Raises LinkFailure."""
        ask = self.read_coils if box.reads == "coils" else self.read_discrete_inputs
        response = await ask(box.first, count=len(box.contacts), device_id=box.unit)
        if isinstance(response, ExceptionResponse):
            raise refusal(response.exception_code)
        bits = getattr(response, "bits", [])
        if len(bits) < len(box.contacts):
            raise LinkFailure("broken")
        return [bool(bit) for bit in bits[: len(box.contacts)]]

    def execute(self, no_response_expected: bool, request: ModbusPDU) -> defer.Deferred[ModbusPDU]:
        """Send `request`, as pymodbus' own clients do; fires with the response. Fails with LinkFailure."""
        if self._ended:
            return defer.fail(LinkFailure("ended"))
        self._number = self._number % 0xFFFF + 1
        request.transaction_id = self._number
        self._held = b""
        answer: defer.Deferred[ModbusPDU] = defer.Deferred(lambda _: self.close())
        self._answer = answer
        self.transport.write(self._framer.buildFrame(request))
        return answer.addTimeout(ANSWER_SECONDS, self._reactor, lambda *_: Failure(LinkFailure("timeout")))

    def close(self) -> None:
        """End it now."""
        self._ended = True
        self._answer = None
        if self.transport is not None:
            self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        self._held = (self._held + data)[: 2 * LONGEST_FRAME]
        try:
            if self._held[2:4] not in (b"", b"\0", b"\0\0"):
                raise ModbusException("not Modbus")
            # some gateways answer with a unit of their own: the number of the question tells enough
            used, response = self._framer.handleFrame(self._held, 0, self._number)
        except (ModbusException, ValueError, IndexError):
            self._settle(Failure(LinkFailure("broken")))
            self.transport.abortConnection()
            return
        self._held = self._held[used:]
        if response is not None:
            self._settle(response)
        elif len(self._held) >= LONGEST_FRAME:
            self._settle(Failure(LinkFailure("broken")))
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        self._ended = True
        self._settle(Failure(LinkFailure("ended")))

    def _settle(self, outcome: Any) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.called:
            answer.callback(outcome)


async def connect(reactor: Any, box: ContactBox) -> ModbusLink:
    """A new connection to `box`. Raises LinkFailure."""
    place = HostnameEndpoint(reactor, box.host, box.port, timeout=CONNECT_SECONDS)
    link = ModbusLink(reactor)
    try:
        await place.connect(protocol.Factory.forProtocol(lambda: link))
    except defer.CancelledError:
        raise
    except Exception as reason:
        raise unreached(reason) from reason
    return link
