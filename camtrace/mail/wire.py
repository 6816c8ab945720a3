"""Letters as mails: text, HTML and the picture in MIME (RFC 5322, RFC 2387). Pure."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says. `facts`: names and values; `link`: words and address; `lists`: a heading and its lines."""

    subject: str
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()
    link: tuple[str, str] | None = None
    note: str = ""


def as_text(letter: Letter) -> str:
    """The letter without markup."""
    parts = [letter.title]
    if letter.facts:
        parts.append("\n".join(f"{name}: {value}" for name, value in letter.facts))
    for heading, lines in letter.lists:
        parts.append("\n".join([*([heading] if heading else []), *(f"- {line}" for line in lines)]))
    if letter.link:
        parts.append(f"{letter.link[0]}:\n{letter.link[1]}")
    if letter.note:
        parts.append(letter.note)
    return "\n\n".join(parts) + "\n"


def as_html(letter: Letter, language: str, picture: str = "") -> str:
    """The letter as a page that asks nothing of the network. `picture`: the content id of the picture in the mail."""
    parts = [f'<h1 style="font-size:20px;margin:0 0 12px">{html.escape(letter.title)}</h1>']
    if picture:
        parts.append(f'<p><img src="cid:{picture}" alt="" style="max-width:100%;height:auto"></p>')
    if letter.facts:
        rows = "".join(
            '<tr><th style="text-align:left;font-weight:normal;padding:2px 16px 2px 0;color:#555">'
            f"{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
            for name, value in letter.facts
        )
        parts.append(f"<table>{rows}</table>")
    for heading, lines in letter.lists:
        if heading:
            parts.append(f'<h2 style="font-size:16px;margin:16px 0 4px">{html.escape(heading)}</h2>')
        parts.append(f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>")
    if letter.link:
        words, address = letter.link
        parts.append(f'<p><a href="{html.escape(address)}">{html.escape(words)}</a></p>')
    if letter.note:
        parts.append(f'<p style="color:#555">{html.escape(letter.note)}</p>')
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"></head>'
        f'<body style="font:15px/1.45 sans-serif">\n{body}\n</body></html>\n'
    )


def message(
    letter: Letter, language: str, recipient: str, message_id: str, at: datetime, picture: bytes | None = None
) -> EmailMessage:
    """The letter as a mail without its From. `picture`: a JPEG, shown inside and kept as a file."""
    mail = EmailMessage(policy=SMTP)
    mail["To"] = recipient
    mail["Subject"] = _one_line(letter.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{message_id}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers it
    mail["Content-Language"] = language
    mail.set_content(as_text(letter), cte="base64")
    inside = f"picture.{message_id}" if picture else ""
    mail.add_alternative(as_html(letter, language, inside), subtype="html", cte="base64")
    if picture:
        page = list(mail.iter_parts())[1]
        page.add_related(picture, "image", "jpeg", cid=f"<{inside}>", filename="alarm.jpg", disposition="inline")
    return mail


def raw(mail: EmailMessage) -> bytes:
    """The mail as it is sent, with CRLF at the end of each line."""
    return mail.as_bytes(policy=SMTP)


def signed(data: bytes, sender: str, name: str) -> bytes:
    """A mail of `raw` with its From: the address as it is set when the mail leaves."""
    head = EmailMessage(policy=SMTP)
    head["From"] = Address(_one_line(name), addr_spec=sender)
    return head.as_bytes(policy=SMTP).partition(b"\r\n\r\n")[0] + b"\r\n" + data


def _one_line(text: str) -> str:
    """`text` fit for a header: one line of printable characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
