"""The dialects that come with CamTrace: the list of supported tills. Each has a sample of what such a till sends. Pure.

They cannot be changed, but copied under another name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camtrace.i18n import N_
from camtrace.pos.dialect import BUILT_IN, Dialect, read_dialect


@dataclass(frozen=True, slots=True)
class Preset:
    """`words` say which tills speak so; `definition` is what `read_dialect` reads, empty for the built-in protocol."""

    name: str
    words: str
    definition: Mapping[str, Any]
    sample: bytes


def _means(means: str, *wildcards: str) -> list[dict[str, str]]:
    return [{"match": "wildcard", "text": text, "means": means} for text in wildcards]


def _like(*wildcards: str) -> list[dict[str, str]]:
    return [{"match": "wildcard", "text": text} for text in wildcards]


_WESTERN_RULES = [
    *_means("N", "*SOUS*TOTAL*", "*SUB*TOTAL*", "*TVA*", "*VAT *", "*RENDU*", "*CHANGE *", "*A RENDRE*"),
    *_means("T", "*TOTAL*", "NET A PAYER*", "*BALANCE DUE*"),
    *_means("D", "*OUVERTURE TIROIR*", "*NO SALE*"),
    *_means("ANNULE", "*ANNUL*", "*VOID*", "*CANCEL*"),
    *_means("RETOUR", "*RETOUR*", "*REFUND*", "*REMBOURSE*"),
    *_means("OFFERT", "*OFFERT*", "*FREE OF CHARGE*"),
    *_means("N", "*ESPECES*", "*CARTE*", "CB *", "*CHEQUE*", "*CASH*", "*CARD *"),
]
_WESTERN_SAMPLE = (
    "      EPICERIE DU PORT",
    "--------------------------------",
    "TARTE POELEE               16,00",
    "2 x BAGUETTE                2,60",
    "ANNULATION BAGUETTE        -1,30",
    "--------------------------------",
    "SOUS-TOTAL                 17,30",
    "TOTAL                EUR   17,30",
    "ESPECES                    20,00",
    "RENDU                       2,70",
)
_KEYS = {
    "source": "till",
    "ticket": "ticket",
    "seller": "seller",
    "customer": "customer",
    "type": "type",
    "quantity": "quantity",
    "code": "code",
    "text": "text",
    "amount": "amount",
    "special": "special",
    "tender": "tender",
    "total": "total",
}
_WORDS = {
    "sale": "A",
    "item": "A",
    "article": "A",
    "void": "ANNULE",
    "cancel": "ANNULE",
    "refund": "RETOUR",
    "return": "RETOUR",
    "free": "OFFERT",
    "loss": "PERTE",
    "drawer": "D",
    "payment": "T",
    "end": "E",
    "note": "N",
}

PRESETS = (
    Preset(
        BUILT_IN,
        N_("Tills made for CamTrace: fields behind |, a line at a time."),
        {},
        b"1|0|7|0|A|1|148|TARTE POELEE|16,00\n1|0|7|0|A|1|165|OEUF PARMESAN|10,00\n"
        b"1|0|7|0|A|1|165|OEUF PARMESAN|10,00\n1|0|7|0|S|1|165|OEUF PARMESAN|ANNULE\n"
        b"1|0|7|0|T|ESPECES|20,00|10,00\n1|0|7|0|D|10,00\n1|0|7|0|E|CHEQUES|16,00|16,00\n",
    ),
    Preset(
        "receipt",
        N_("Tills that send the text of the receipt, in French or English."),
        {
            "kind": "receipt",
            "rules": _WESTERN_RULES,
            "cancel": _like("*TICKET*ANNUL*", "*SALE VOID*", "*TRANSACTION*CANCEL*"),
            "end": _like("*MERCI*", "*THANK YOU*"),
        },
        "\n".join((*_WESTERN_SAMPLE, "   MERCI DE VOTRE VISITE", "")).encode("cp1252"),
    ),
    Preset(
        "receipt-ru",
        N_("Tills that send the text of the receipt, in Russian (DOS letters)."),
        {
            "kind": "receipt",
            "encoding": "cp866",
            "rules": [
                *_means("N", "*ПОДЫТОГ*", "*ПОДИТОГ*", "*НДС*", "*СДАЧА*"),
                *_means("T", "*ИТОГ*", "*К ОПЛАТЕ*"),
                *_means("ANNULE", "*СТОРНО*", "*ОТМЕНА*", "*АННУЛ*"),
                *_means("RETOUR", "*ВОЗВРАТ*"),
                *_means("N", "*НАЛИЧНЫМИ*", "*КАРТОЙ*", "*БЕЗНАЛИЧНЫМИ*"),
            ],
            "cancel": _like("*ЧЕК АННУЛИРОВАН*", "*ОТМЕНА ЧЕКА*"),
            "end": _like("*СПАСИБО*"),
        },
        "\r\n".join(
            (
                "МАГАЗИН №5",
                "ХЛЕБ                      =42.00",
                "2 x МОЛОКО               =170.00",
                "СТОРНО ХЛЕБ              =-42.00",
                "ИТОГ                     =170.00",
                "НАЛИЧНЫМИ                =200.00",
                "СПАСИБО ЗА ПОКУПКУ",
                "",
            )
        ).encode("cp866"),
    ),
    Preset(
        "escpos",
        N_("Receipt printers on the network (ESC/POS): the cut of the paper ends the ticket."),
        {"kind": "receipt", "encoding": "cp858", "control_codes": "escpos", "rules": _WESTERN_RULES},
        b"\x1b@\x1bt\x13\x1ba\x01"
        + "\n".join(_WESTERN_SAMPLE).encode("cp858")
        + b"\n\x1bp\x00\x19\xfa\x1d(k\x03\x001C\x06\x1bd\x04\x1dVB\x00",
    ),
    Preset(
        "semicolon",
        N_("Programs that write tables: fields behind semicolons, a word for the type."),
        {
            "separator": ";",
            "fields": ["source", "ticket", "seller", "type", "code", "text", "quantity", "amount", "tender"],
            "types": _WORDS,
        },
        b"2;431;ANNE;SALE;148;TARTE;1;16,00;\r\n2;431;ANNE;SALE;165;OEUF;2;5,00;\r\n"
        b"2;431;ANNE;VOID;165;OEUF;2;-5,00;\r\n2;431;ANNE;END;;;;16,00;CARTE\r\n",
    ),
    Preset(
        "json",
        N_("Programs that send a JSON object a line."),
        {"kind": "json", "keys": _KEYS, "types": _WORDS},
        b'{"till": "3", "ticket": 77, "seller": "Zoe", "type": "sale", "code": "148", "text": "TARTE", "quantity": 1,'
        b' "amount": 16.00}\n{"till": "3", "ticket": 77, "type": "void", "code": "148", "text": "TARTE"}\n'
        b'{"till": "3", "ticket": 77, "type": "end", "tender": "CASH", "amount": 20.00, "total": 0.00}\n',
    ),
    Preset(
        "xml",
        N_("Programs that send an XML element a line."),
        {
            "kind": "xml",
            "keys": {name: f"@{name if name != 'source' else 'till'}" for name in _KEYS},
            "types": _WORDS,
            "start": _like("<ticket *>"),
            "end": _like("</ticket>"),
            "ignore": _like("<?xml*?>"),
        },
        b'<?xml version="1.0"?>\n<ticket till="4" ticket="12" seller="LEA">\n'
        b'<line till="4" type="item" code="148" text="TARTE &amp; CO" quantity="1" amount="16.00"/>\n'
        b'<line type="payment" tender="CASH" amount="20.00" total="16.00"/>\n</ticket>\n',
    ),
)
BY_NAME: Mapping[str, Preset] = {preset.name: preset for preset in PRESETS}


def shipped() -> dict[str, Dialect]:
    """The dialects of the presets, without the built-in protocol."""
    return {preset.name: read_dialect(preset.name, preset.definition) for preset in PRESETS if preset.definition}
