"""What a line is to its ticket, whatever the protocol: the letter a till line would have. Pure."""

from __future__ import annotations

from camtrace.model import Line

ARTICLE, SPECIAL, PAYMENT, END, DRAWER, OTHER = "A", "S", "T", "E", "D", ""
_EVENTS = {
    **dict.fromkeys(("6", "65", "66", "67", "68", "69"), ARTICLE),
    **dict.fromkeys(("30", "31", "33", "37", "38", "53"), PAYMENT),
    **dict.fromkeys(("5", "47"), END),
    **dict.fromkeys(("40", "49", "236"), DRAWER),
}


def role_of(line: Line) -> str:
    """One of A (article), S (special: cancelled, returned …), T (payment), E (end), D (drawer), or "" for all else.

    Till lines of other types are their own.
    """
    if line.protocol == "pos":
        return line.type
    return SPECIAL if line.special else _EVENTS.get(line.type, OTHER)
