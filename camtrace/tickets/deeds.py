"""What a line is the trace of, whatever the protocol: an article, a cancellation, a drawer opened … Pure.

`DEEDS_OF` is the whole table: the type and the special word of a till line, the number of a Prisma event. A drawer that
is opened outside a ticket is a deed of its own, `no_sale`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from camtrace.model import DEEDS, Line, Trace

POS, PRISMA = "pos", "prisma"
_SPECIALS = {"ANNULE": "void", "RETOUR": "return", "OFFERT": "gift", "PERTE": "loss"}
_TYPES = {"A": "article", "D": "drawer", "T": "payment", "E": "end", "MOTION": "aside"}
_EVENTS = {
    "begin": (4,),
    "article": (6, 65, 67, 68),
    "manual_entry": (66, 69),
    "void": (9, 18),
    "ticket_void": (25,),
    "return": (46,),
    "end": (5, 47),
    "discount": (22, 52),
    "price_change": (15, 127),
    "quantity_change": (12,),
    "drawer": (40, 49),
    "no_sale": (236,),
    "subtotal": (26, 27),
    "payment": (30, 31, 33, 38, 53),
    "cash": (37,),
    "change": (50,),
    "denied": (2, 8, 11, 14, 17, 20, 24, 29, 36, 43, 45, 54, 202),
    "card_denied": (32, 34),
    "discount_card": (35,),
    "suspended": (55, 56),
    "reprint": (51, 58, 71, 234, 235),
    "prohibited": (70,),
    "outside": (62,),
    "cash_limit": (129,),
    "money": (41, 77, 78, 79, 205, 206, 238, 239),
    "sign_on": (3, 203),
    "long_shift": (110,),
    "report": (209, 210),
    "aside": (60, 130),
}
Key = tuple[str, str, str]  # protocol, type, special word

DEEDS_OF: dict[Key, str] = {
    **{(POS, kind, ""): deed for kind, deed in _TYPES.items()},
    **{(POS, "S", word): deed for word, deed in _SPECIALS.items()},
    **{(PRISMA, str(number), ""): deed for deed, numbers in _EVENTS.items() for number in numbers},
}
RECEIPT_BEGINS = ("4", "46")
RETURN_ENDS = "47"
SHIFT_ENDS = ("210", "237")
FIRED = "61"  # the server's own trace of a rule that was met: what rules never hear
# the same among the lines of a till, and that its camera saw motion; hidden, which no line is that a till sent
RULE_LINE, MOTION_LINE = "RULE", "MOTION"
ADDING = ("article", "manual_entry")  # what puts an article on a ticket
PAYING = frozenset(("subtotal", "payment", "cash"))  # with these the payment of a ticket has begun
# what of a receipt bears its number: a copy bears that of the one it is a copy of, and an alarm none
_NUMBERED = frozenset((*ADDING, "void", "return", "subtotal", "payment", "cash", "end"))


def deed_of(line: Line) -> str:
    """One of `model.DEEDS`."""
    if line.protocol == POS:
        deed = DEEDS_OF.get((POS, line.type, line.special if line.type == "S" else ""), "other")
    else:
        deed = DEEDS_OF.get((line.protocol, line.type, ""), "other")
        if deed in ADDING and line.special == "RETOUR":  # an article of a return receipt
            return "return"
    return "no_sale" if deed == "drawer" and is_alone(line) else deed


def is_alone(line: Line) -> bool:
    """Whether a drawer's line stands outside any ticket."""
    if line.protocol == POS:
        return line.position == 1
    return line.type == "40" and line.ticket in ("", "0")


def is_heard(line: Line) -> bool:
    """Whether rules hear of `line` at all."""
    return not is_own(line) if line.protocol == POS else line.type != FIRED


def is_own(line: Line) -> bool:
    """Whether the server itself wrote it among the lines of a till."""
    return line.protocol == POS and line.is_hidden and line.type in (RULE_LINE, MOTION_LINE)


def number_of(line: Line, deed: str) -> int | None:
    """The number that `line` gives to its own ticket; None where it gives none, or none that can be counted."""
    if line.protocol != POS and line.type not in RECEIPT_BEGINS and deed not in _NUMBERED:
        return None
    text = line.ticket
    return int(text) or None if text.isascii() and text.isdecimal() and len(text) < 19 else None


def settled_by(line: Line, deed: str) -> Decimal | None:
    """What a line adds to its ticket's total: of a till each payment its part, of Prisma the receipt's end all."""
    if line.protocol == POS:
        return (line.amount if line.total is None else line.total) if deed in ("payment", "end") else None
    return line.total if deed == "end" else None


SALE = "sale"  # beside the deeds: the one line that stands for a ticket that was paid


def traces_of(deeds: Iterable[str]) -> tuple[Trace, ...]:
    """Which lines are the trace of one of `deeds`: those of which `deed_of` says so. `SALE` is one of them too."""
    wanted = set(deeds)
    if "other" in wanted:  # what is nothing else, but for what is wanted besides
        others = traces_of(set(DEEDS) - wanted)
        return (*traces_of(wanted & {SALE}), Trace(none_of=others))
    found = [Trace(settled=True)] if SALE in wanted else []
    for (protocol, kind, word), deed in DEEDS_OF.items():
        special = word or None
        if deed == "drawer":
            outside = protocol == POS or kind == "40"
            if "drawer" in wanted:
                found.append(Trace(protocol, kind, special, alone=False if outside else None))
            if "no_sale" in wanted and outside:
                found.append(Trace(protocol, kind, special, alone=True))
        elif protocol == PRISMA and deed in ADDING:
            found += [Trace(protocol, kind, unlike="RETOUR")] if deed in wanted else []
            found += [Trace(protocol, kind, "RETOUR")] if "return" in wanted else []
        elif deed in wanted:
            found.append(Trace(protocol, kind, special))
    return tuple(found)
