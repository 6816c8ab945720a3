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


def _is(means: str, *words: str) -> list[dict[str, str]]:
    """Lines of a receipt that say these words and maybe an amount, and nothing else."""
    return [{"match": "exact", "text": text, "means": means} for text in words]


def _like(*wildcards: str) -> list[dict[str, str]]:
    return [{"match": "wildcard", "text": text} for text in wildcards]


def _receipt(*lines: str, ends: str = "\n") -> str:
    return ends.join((*lines, ""))


_WESTERN_RULES = [
    *_means("N", "*TICKET N° {ticket}*", "*TICKET NO {ticket}*", "*TICKET #{ticket}*", "*RECEIPT #{ticket}*"),
    *_means("N", "VENDEUR: {seller}", "CAISSIER: {seller}", "CASHIER: {seller}", "SERVED BY {seller}"),
    *_means("N", "*SOUS*TOTAL*", "*SUB*TOTAL*", "TOTAL H*T*", "TOTAL *ARTICLES", "*TVA*", "*VAT *", "*TAX *", "TAX"),
    *_means("N", "*RENDU*", "*A RENDRE*", "CHANGE *"),
    *_is("N", "CHANGE", "MONNAIE"),
    *_means("T", "*TOTAL*", "NET A PAYER*", "*BALANCE DUE*", "*AMOUNT DUE*"),
    *_means("D", "*OUVERTURE TIROIR*", "*NO SALE*"),
    *_means("ANNULE", "*ANNUL*", "*VOID*", "*CANCEL*"),
    *_means("RETOUR", "RETOUR *", "REPRISE *", "*REFUND*", "*REMBOURSE*"),
    *_means("OFFERT", "*OFFERT*", "*FREE OF CHARGE*"),
    *_means("N", "*ESPECES*", "*ESPÈCES*", "CARTE BANCAIRE*", "CARTE BLEUE*", "CB *", "CHEQUE *", "CREDIT CARD*"),
    *_is("N", "CARTE", "CB", "CHEQUE", "CHÈQUE", "TICKET RESTAURANT", "CASH", "CARD", "VISA", "MASTERCARD"),
]
_WESTERN_SAMPLE = (
    "      EPICERIE DU PORT",
    "     TEL 04.91.00.00.00",
    "VENDEUR: ANNE",
    "26/11/26 10:42  TICKET N° 1234",
    "--------------------------------",
    "TARTE POELEE               16,00",
    "2 x BAGUETTE                2,60",
    "ANNULATION BAGUETTE        -1,30",
    "CARTE POSTALE               0,90",
    "--------------------------------",
    "SOUS-TOTAL                 18,20",
    "TOTAL                EUR   18,20",
    "ESPECES                    20,00",
    "RENDU                       1,80",
)
_RUSSIAN_RULES = [
    *_means("N", "*ЧЕК № {ticket}*", "*ЧЕК №{ticket}*", "КАССИР: {seller}", "КАССИР {seller}"),
    *_means("N", "*ПОДЫТОГ*", "*ПОДИТОГ*", "*НДС*", "*СДАЧА*"),
    *_means("T", "*ИТОГ*", "*К ОПЛАТЕ*"),
    *_means("ANNULE", "*СТОРНО*", "*ОТМЕНА*", "*АННУЛ*"),
    *_means("RETOUR", "*ВОЗВРАТ*"),
    *_means("D", "*ОТКРЫТИЕ ЯЩИКА*"),
    *_means("N", "*НАЛИЧНЫМИ*", "*КАРТОЙ*", "*БЕЗНАЛИЧНЫМИ*", "*ЭЛЕКТРОННЫМИ*"),
    *_is("N", "НАЛИЧНЫЕ", "КАРТА", "БЕЗНАЛИЧНЫЕ"),
]
_RUSSIAN = {
    "kind": "receipt",
    "rules": _RUSSIAN_RULES,
    "cancel": _like("*ЧЕК АННУЛИРОВАН*", "*ОТМЕНА ЧЕКА*"),
    "end": _like("*СПАСИБО*"),
}
_RUSSIAN_SAMPLE = (
    "МАГАЗИН №5",
    "КАССИР: ПЕТРОВА",
    "ХЛЕБ                      =42.00",
    "2 x МОЛОКО               =170.00",
    "СТОРНО ХЛЕБ              =-42.00",
    "ИТОГ                     =170.00",
    "НАЛИЧНЫМИ                =200.00",
)
_KEYS = {
    "source": "till",
    "ticket": "ticket",
    "seller": "seller",
    "customer": "customer",
    "type": "type",
    "quantity": "quantity",
    "code": "code",
    "barcode": "barcode",
    "text": "text",
    "price": "price",
    "amount": "amount",
    "discount": "discount",
    "special": "special",
    "tender": "tender",
    "total": "total",
    "card": "card",
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

_TABLE = ["source", "ticket", "seller", "type", "code", "text", "quantity", "amount", "tender"]

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
        _receipt(*_WESTERN_SAMPLE, "   MERCI DE VOTRE VISITE").encode("cp1252"),
    ),
    Preset(
        "receipt-en",
        N_("Tills that send the text of the receipt, in English, amounts with a decimal point."),
        {
            "kind": "receipt",
            "decimal_sign": ".",
            "rules": _WESTERN_RULES,
            "cancel": _like("*RECEIPT*VOID*", "*SALE VOID*", "*TRANSACTION*VOID*", "*TRANSACTION*CANCEL*"),
            "end": _like("*THANK YOU*", "*THANKS FOR*"),
        },
        _receipt(
            "         HARBOUR STORES",
            "   12 QUAY ROAD   TEL 555-0142",
            "CASHIER: ANN",
            "26/11/26 10:42  RECEIPT #4711",
            "APPLE PIE                  $4.50",
            "BAGUETTE",
            "  2 @ $1.30                $2.60",
            "TELEVISION             $1,234.00 A",
            "VOID BAGUETTE             -$1.30",
            "SUBTOTAL               $1,239.80",
            "TAX 5%                    $61.70",
            "TOTAL                  $1,301.50",
            "VISA                   $1,301.50",
            "THANK YOU FOR SHOPPING WITH US",
            ends="\r\n",
        ).encode(),
    ),
    Preset(
        "receipt-ru",
        N_("Tills that send the text of the receipt, in Russian (DOS letters)."),
        {**_RUSSIAN, "encoding": "cp866"},
        _receipt(*_RUSSIAN_SAMPLE, "СПАСИБО ЗА ПОКУПКУ", ends="\r\n").encode("cp866"),
    ),
    Preset(
        "receipt-ru-fiscal",
        N_("Fiscal registrars, in Russian (Windows letters): the amount stands below the article."),
        {**_RUSSIAN, "encoding": "cp1251", "decimal_sign": "."},
        _receipt(
            'ООО "РОМАШКА"',
            "КАССОВЫЙ ЧЕК / ПРИХОД",
            "ЧЕК № 152  СМЕНА № 14",
            "КАССИР: ИВАНОВА А.П.",
            "ХЛЕБ РЖАНОЙ",
            "1.000 X 42.00             =42.00",
            "МОЛОКО 3,2% 1Л",
            "2.000 X 85.00            =170.00",
            "ИТОГ                     =212.00",
            "НАЛИЧНЫМИ                =300.00",
            "СДАЧА                     =88.00",
            "СУММА НДС 10%             =19.27",
            "ФД № 1234 ФП 2871456201",
            "СПАСИБО ЗА ПОКУПКУ",
            ends="\r\n",
        ).encode("cp1251"),
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
        "escpos-ru",
        N_("Receipt printers on the network (ESC/POS), in Russian (DOS letters)."),
        {"kind": "receipt", "encoding": "cp866", "control_codes": "escpos", "rules": _RUSSIAN_RULES},
        b"\x1b@\x1bt\x11\x1b!\x00"
        + "\n".join(_RUSSIAN_SAMPLE).encode("cp866")
        + b"\n\x1dk\x04*4711*\x00\x1bp\x00\x19\xfa\x1bd\x03\x1dV\x01",
    ),
    Preset(
        "semicolon",
        N_("Programs that write tables: fields behind semicolons, a word for the type."),
        {"separator": ";", "fields": _TABLE, "types": _WORDS},
        b"2;431;ANNE;SALE;148;TARTE;1;16,00;\r\n2;431;ANNE;SALE;165;OEUF;2;5,00;\r\n"
        b"2;431;ANNE;VOID;165;OEUF;2;-5,00;\r\n2;431;ANNE;END;;;;16,00;CARTE\r\n",
    ),
    Preset(
        "tab",
        N_("Programs that write tables: fields behind tabulators, a word for the type."),
        {"separator": "\t", "fields": _TABLE, "types": _WORDS},
        b"5\t88\tTOM\tSALE\t148\tPIE, LARGE\t1\t16.00\t\r\n5\t88\tTOM\tDRAWER\t\t\t\t\t\r\n"
        b"5\t88\tTOM\tEND\t\t\t\t16.00\tCASH\r\n",
    ),
    Preset(
        "json",
        N_("Programs that send a JSON object a line."),
        {"kind": "json", "keys": _KEYS, "types": _WORDS},
        b'{"till": "3", "ticket": 77, "seller": "Zoe", "type": "sale", "code": "148", "text": "TARTE", "quantity": 1,'
        b' "price": 16.00, "amount": 16.00}\n{"till": "3", "ticket": 77, "type": "void", "code": "148", "text":'
        b' "TARTE"}\n{"till": "3", "ticket": 77, "type": "end", "tender": "CASH", "amount": 20.00, "total": 0.00}\n',
    ),
    Preset(
        "json-nested",
        N_("Programs that send a JSON object a line, with objects in it."),
        {
            "kind": "json",
            "keys": {
                "source": "register.id",
                "ticket": "receipt.number",
                "seller": "cashier.name",
                "customer": "customer.id",
                "type": "event",
                "quantity": "item.quantity",
                "code": "item.sku",
                "barcode": "item.ean",
                "text": "item.name",
                "price": "item.price",
                "amount": "item.amount",
                "discount": "item.discount",
                "tender": "payment.method",
                "total": "payment.amount",
                "card": "payment.card",
            },
            "types": _WORDS,
        },
        '{"event": "sale", "register": {"id": "6"}, "receipt": {"number": 901}, "cashier": {"name": "Léa"}, "item":'
        ' {"sku": "148", "ean": "3017620422003", "name": "PÂTE", "quantity": 2, "price": 4.10, "amount": 8.20}}\n'
        '{"event": "end", "register": {"id": "6"}, "receipt": {"number": 901}, "payment": {"method": "CARD", "amount":'
        ' 8.20, "card": "************1111"}}\n'.encode(),
    ),
    Preset(
        "xml",
        N_("Programs that send an XML element a line."),
        {
            "kind": "xml",
            "keys": {name: f"@{path}" for name, path in _KEYS.items()},
            "types": _WORDS,
            "start": _like("<ticket *>"),
            "end": _like("</ticket>"),
            "ignore": _like("<?xml*?>"),
        },
        b'<?xml version="1.0"?>\n<ticket till="4" ticket="12" seller="LEA">\n'
        b'<line till="4" type="item" code="148" text="TARTE &amp; CO" quantity="1" amount="16.00"/>\n'
        b'<line type="payment" tender="CASH" amount="20.00" total="16.00"/>\n</ticket>\n',
    ),
    Preset(
        "xml-elements",
        N_("Programs that send an XML element a line, the parts in elements of their own."),
        {"kind": "xml", "keys": _KEYS, "types": _WORDS, "ignore": _like("<?xml*?>", "<journal>", "</journal>")},
        b'<?xml version="1.0"?>\n<journal>\n'
        b"<line><till>8</till><ticket>31</ticket><type>item</type><text>TARTE</text><amount>16.00</amount></line>\n"
        b"<line><till>8</till><ticket>31</ticket><type>end</type><tender>CB</tender><total>16.00</total></line>\n"
        b"</journal>\n",
    ),
)
BY_NAME: Mapping[str, Preset] = {preset.name: preset for preset in PRESETS}


def shipped() -> dict[str, Dialect]:
    """The dialects of the presets, without the built-in protocol."""
    return {preset.name: read_dialect(preset.name, preset.definition) for preset in PRESETS if preset.definition}
