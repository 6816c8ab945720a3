"""The words of the search box, in English, French and Russian at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

NAMES = ("till", "ticket", "seller", "customer", "type", "special", "tender", "code", "barcode")
NUMBERS = ("amount", "quantity")
MOMENTS = ("from", "to", "date")
FIELDS = (*NAMES, "deed", *NUMBERS, "camera", *MOMENTS, "time", "word")

KEYWORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {  # the first one of a language is the one that is written
    "en": {
        "till": ("till", "source", "register", "pos"),
        "ticket": ("ticket", "receipt"),
        "seller": ("seller", "cashier", "clerk"),
        "customer": ("customer", "client", "table"),
        "type": ("type",),
        "deed": ("what", "deed", "done"),
        "special": ("special",),
        "tender": ("tender", "payment", "paid"),
        "code": ("code", "article"),
        "barcode": ("barcode", "ean"),
        "amount": ("amount", "sum"),
        "quantity": ("qty", "quantity"),
        "camera": ("camera", "cam"),
        "from": ("from", "since"),
        "to": ("to", "until"),
        "date": ("date", "day"),
        "time": ("time",),
    },
    "fr": {
        "till": ("caisse",),
        "ticket": ("ticket",),
        "seller": ("vendeur", "vendeuse", "caissier", "caissiere"),
        "customer": ("client", "cliente", "table"),
        "type": ("type",),
        "deed": ("quoi", "acte", "geste"),
        "special": ("special",),
        "tender": ("paiement", "reglement"),
        "code": ("code", "article"),
        "barcode": ("codebarre", "codebarres", "code-barre", "code-barres", "ean"),
        "amount": ("montant", "somme"),
        "quantity": ("qte", "quantite"),
        "camera": ("camera",),
        "from": ("du", "depuis", "de"),
        "to": ("au", "jusque"),
        "date": ("date", "jour"),
        "time": ("heure", "heures"),
    },
    "ru": {
        "till": ("касса", "ккм"),
        "ticket": ("чек",),
        "seller": ("продавец", "кассир"),
        "customer": ("клиент", "покупатель", "стол"),
        "type": ("тип", "событие"),
        "deed": ("что", "действие"),
        "special": ("отметка",),
        "tender": ("оплата",),
        "code": ("код", "артикул"),
        "barcode": ("штрихкод", "штрих-код"),
        "amount": ("сумма",),
        "quantity": ("кол", "кол-во", "количество"),
        "camera": ("камера",),
        "from": ("с", "от"),
        "to": ("по", "до"),
        "date": ("дата", "день"),
        "time": ("время", "час"),
    },
}
DEED_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {  # the first one of a language is the one that is written
    "en": {
        "sale": ("sale",),
        "article": ("article",),
        "void": ("cancelled", "canceled", "void"),
        "ticket_void": ("cancelled-ticket", "canceled-ticket", "ticket-void"),
        "return": ("returned", "return"),
        "discount": ("discount",),
        "gift": ("given-away", "gift"),
        "loss": ("written-off", "loss"),
        "price_change": ("price-changed", "price-change"),
        "quantity_change": ("quantity-changed", "quantity-change"),
        "manual_entry": ("typed-in", "manual-entry"),
        "drawer": ("drawer",),
        "no_sale": ("drawer-without-sale", "drawer-without-a-sale", "no-sale"),
        "payment": ("payment",),
        "end": ("end",),
        "denied": ("refused", "denied"),
        "suspended": ("put-aside", "suspended"),
        "reprint": ("printed-again", "reprint"),
        "prohibited": ("prohibited",),
        "outside": ("scanned-outside", "outside"),
        "cash_limit": ("too-much-cash", "cash-limit"),
        "report": ("report",),
        "begin": ("begin",),
        "subtotal": ("subtotal",),
        "cash": ("cash",),
        "change": ("change",),
        "card_denied": ("card-refused",),
        "discount_card": ("discount-card",),
        "money": ("money",),
        "sign_on": (
            "signed-on",
            "sign-on",
        ),
        "long_shift": ("long-shift",),
        "aside": ("aside",),
        "other": ("other",),
    },
    "fr": {
        "sale": ("vente",),
        "article": ("article",),
        "void": ("annulation", "annule"),
        "ticket_void": ("ticket-annule",),
        "return": ("retour",),
        "discount": ("remise",),
        "gift": ("offert",),
        "loss": ("perte",),
        "price_change": ("prix-change",),
        "quantity_change": ("quantite-changee",),
        "manual_entry": ("saisi",),
        "drawer": ("tiroir",),
        "no_sale": ("tiroir-sans-vente", "sans-vente"),
        "payment": ("paiement",),
        "end": ("fin",),
        "denied": ("refus", "refuse"),
        "suspended": ("mis-de-cote",),
        "reprint": ("reimprime", "reimpression"),
        "prohibited": ("interdit",),
        "outside": ("hors-ticket",),
        "cash_limit": ("trop-de-liquide", "trop-d-especes"),
        "report": ("rapport",),
        "begin": ("debut",),
        "subtotal": ("sous-total",),
        "cash": ("especes",),
        "change": ("monnaie",),
        "card_denied": ("carte-refusee",),
        "discount_card": (
            "carte-fidelite",
            "carte-de-remise",
        ),
        "money": (
            "mouvement-d-argent",
            "argent",
        ),
        "sign_on": ("ouverture-de-session",),
        "long_shift": ("service-trop-long",),
        "aside": ("en-marge",),
        "other": ("autre",),
    },
    "ru": {
        "sale": ("продажа",),
        "article": ("товар",),
        "void": ("отмена",),
        "ticket_void": ("отмена-чека",),
        "return": ("возврат",),
        "discount": ("скидка",),
        "gift": ("подарок",),
        "loss": ("списание",),
        "price_change": ("смена-цены",),
        "quantity_change": ("смена-количества",),
        "manual_entry": ("ввод-вручную",),
        "drawer": ("ящик",),
        "no_sale": ("ящик-без-продажи", "без-продажи"),
        "payment": ("оплата",),
        "end": ("конец",),
        "denied": ("отказ",),
        "suspended": ("отложено",),
        "reprint": ("повторная-печать",),
        "prohibited": ("запрет",),
        "outside": ("вне-чека",),
        "cash_limit": ("много-наличных",),
        "report": ("отчет",),
        "begin": ("начало",),
        "subtotal": ("подытог",),
        "cash": ("наличные",),
        "change": ("сдача",),
        "card_denied": ("карта-отклонена",),
        "discount_card": ("скидочная-карта",),
        "money": ("деньги",),
        "sign_on": ("вход",),
        "long_shift": ("долгая-смена",),
        "aside": ("прочее",),
        "other": ("другое",),
    },
}
DAYS: Mapping[str, Mapping[str, tuple[str, ...]]] = {  # days that move on; the first word is the one that is written
    "en": {
        "today": ("today",),
        "yesterday": ("yesterday",),
        "this-week": ("this-week", "week"),
        "last-week": ("last-week",),
        "this-month": ("this-month", "month"),
        "last-month": ("last-month",),
    },
    "fr": {
        "today": ("aujourdhui",),
        "yesterday": ("hier",),
        "this-week": ("cette-semaine", "semaine"),
        "last-week": ("semaine-derniere", "la-semaine-derniere"),
        "this-month": ("ce-mois", "mois", "ce-mois-ci"),
        "last-month": ("mois-dernier", "le-mois-dernier"),
    },
    "ru": {
        "today": ("сегодня",),
        "yesterday": ("вчера",),
        "this-week": ("эта-неделя", "неделя"),
        "last-week": ("прошлая-неделя",),
        "this-month": ("этот-месяц", "месяц"),
        "last-month": ("прошлый-месяц",),
    },
}
DAY_LETTER = {"en": "d", "fr": "j", "ru": "д"}
TYPES = {"A", "S", "D", "T", "E"}

_ACCENTS = str.maketrans("àâäçéèêëîïôöùûüё", "aaaceeeeiioouuuе")


def plain(word: str) -> str:
    """`word` as it is compared: no matter how it is accented, capitalised, or joined by an apostrophe."""
    return word.casefold().translate(_ACCENTS).replace("'", "").replace("’", "")


FIELD_OF = {plain(word): field for words in KEYWORDS.values() for field, all in words.items() for word in all}
_DAY_OF = {plain(word): day for words in DAYS.values() for day, all in words.items() for word in all}
_DEED_OF = {plain(word): deed for words in DEED_WORDS.values() for deed, all in words.items() for word in all}


def deed_named(words: str) -> str:
    """What `words` call a deed, with blanks or hyphens between them; "" for none."""
    return _DEED_OF.get(_hyphened(words), "")


def day_named(words: str) -> str:
    """What `words` call a day or a period that moves on; "" for none."""
    return _DAY_OF.get(_hyphened(words), "")


def keyword_like(word: str) -> str:
    """The keyword that somebody may have meant who wrote `word`; "" for none."""
    return _nearest(plain(word), FIELD_OF)


def deed_like(words: str) -> str:
    """The deed that may have been meant, as one writes it; "" for none."""
    return _nearest(_hyphened(words), _DEED_OF)


def _nearest(word: str, known: Iterable[str]) -> str:
    return next(iter(get_close_matches(word[:40], known, 1, 0.75)), "")


def _hyphened(words: str) -> str:
    return "-".join(re.split(r"[\s_-]+", plain(words).strip()))
