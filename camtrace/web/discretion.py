"""Lines as somebody may see and find them: without the right `cards` nothing is left of a card's number. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from camtrace.cards import blank, hidden, hidden_bytes
from camtrace.model import Line, LineSearch, User
from camtrace.prisma.wire import without_card

_TEXTS = ("seller", "seller_code", "customer", "text", "tender", "code", "ticket", "special")


def as_seen_by(user: User, line: Line) -> Line:
    """The line, or what is to be shown of it."""
    return line if user.may("cards") else _without_card(line)


def text_for(user: User, text: str) -> str:
    """A text of a line, or what is to be shown of it."""
    return text if user.may("cards") else hidden(text)


def card_for(user: User, card: str) -> str:
    """A card's number, masked but for its last four digits, or what is to be shown of it."""
    return card if user.may("cards") else blank(card)


def bytes_for(user: User, data: bytes) -> bytes:
    """What a till sent, its card numbers masked, or what is to be shown of that."""
    return data if user.may("cards") else hidden_bytes(data)


def asked_by(user: User, wanted: LineSearch) -> LineSearch:
    """A search that finds by nothing this person may not see: whether lines are found would tell it."""
    return wanted if user.may("cards") else replace(wanted, without_cards=True)


def may_name(user: User, name: str | None) -> bool:
    """Whether this person may look for what is called exactly so; who may not finds nothing."""
    return name is None or text_for(user, name) == name


def _without_card(line: Line) -> Line:
    shown = {name: hidden(getattr(line, name)) for name in _TEXTS}
    texts: dict[str, Any] = {name: text for name, text in shown.items() if text != getattr(line, name)}
    raw = without_card(line.raw) if line.protocol == "prisma" else hidden_bytes(line.raw)
    if not texts and not line.card and raw == line.raw:
        return line
    return replace(line, card=blank(line.card), raw=raw, **texts)
