"""Mail servers of another make (aiosmtpd) on a port of their own, good ones and bad ones."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cache
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor
from twisted.internet import ssl as twisted_ssl
from twisted.internet.defer import Deferred

USER, PASSWORD = "camtrace@shop.example", "pass wörd"


@cache
def certificate(name: str = "localhost") -> tuple[str, str]:
    """The files of a self-signed certificate for `name` and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if name == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = Path(tempfile.mkdtemp(prefix="camtrace-mail-"))
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "certificate.pem"), str(folder / "key.pem")


def trusting(name: str = "localhost") -> Any:
    """What makes a client trust `certificate(name)`."""
    return twisted_ssl.trustRootFromCertificates(
        [twisted_ssl.Certificate.loadPEM(Path(certificate(name)[0]).read_bytes())]
    )


class MailServer:
    """A mail server in a thread of its own. `security` as in the settings; `login`: it wants USER with PASSWORD.

    `refuse` maps "MAIL", "RCPT" or "DATA" to the answer that it gives instead of 250; change it while it runs.
    """

    def __init__(
        self, security: str = "none", login: bool = False, name: str = "localhost", mechanisms: tuple[str, ...] = ()
    ) -> None:
        self.received: list[Envelope] = []
        self.refuse: dict[str, str] = {}
        self._arrived: list[Deferred[None]] = []
        context = None
        if security != "none":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate(name))
        settings: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0, "ready_timeout": 30}
        if login:
            settings |= {"authenticator": self._check, "auth_required": True, "auth_require_tls": False}
            settings["auth_exclude_mechanism"] = [
                one for one in ("PLAIN", "LOGIN") if mechanisms and one not in mechanisms
            ]
        if security == "tls":
            settings["ssl_context"] = context
        elif security == "starttls":
            settings |= {"tls_context": context, "require_starttls": True}
        self._controller = _Controller(self, **settings)

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def start(self) -> MailServer:
        self._controller.start()
        return self

    def stop(self) -> None:
        self._controller.stop(no_assert=True)

    def mails(self) -> list[EmailMessage]:
        """What arrived, read by Python's own parser."""
        return [message_from_bytes(one.original_content or b"", policy=default) for one in self.received]  # type: ignore[misc]

    def arrival(self) -> Deferred[None]:
        """Fires, on the reactor's thread, when the next mail has arrived."""
        waiting: Deferred[None] = Deferred()
        self._arrived.append(waiting)
        return waiting

    async def arrival_within(self, seconds: float) -> None:
        """Returns when the next mail has arrived, or after `seconds`."""
        waiting = self.arrival()
        waiting.addTimeout(seconds, reactor, lambda *_: None)
        await waiting

    # ── aiosmtpd's hooks ──

    async def handle_MAIL(self, _s: Any, _session: Any, envelope: Envelope, address: str, options: list[str]) -> str:
        if "MAIL" in self.refuse:
            return self.refuse["MAIL"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _s: Any, _session: Any, envelope: Envelope, address: str, options: list[str]) -> str:
        if "RCPT" in self.refuse:
            return self.refuse["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _s: Any, _session: Any, envelope: Envelope) -> str:
        if "DATA" in self.refuse:
            return self.refuse["DATA"]
        self.received.append(envelope)
        reactor.callFromThread(self._tell)
        return "250 taken"

    def _tell(self) -> None:
        waiting, self._arrived = self._arrived, []
        for one in waiting:
            if not one.called:
                one.callback(None)

    @staticmethod
    def _check(_server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)


class _Controller(Controller):
    """Knows its port before it is checked."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
