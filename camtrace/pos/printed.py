"""What stands in a line of a printed receipt: a quantity in front, an amount at the end, words between. Pure."""

from __future__ import annotations

import re

_MONEY = r"(?:EUR|€|\$|£|₽|USD|GBP|CHF|RUB|РУБ\.?|Р\.)"
_GROUPS = "[.,'’\u00a0\u202f]"
_TIGHT = rf"(?:[0-9]{{1,3}}(?:{_GROUPS}[0-9]{{3}})+|[0-9]+)[.,][0-9]{{2}}"
_WIDE = r"(?:(?<=\s\s)|(?<==))[0-9]{1,3}(?: [0-9]{3})+[.,][0-9]{2}"  # spaces between thousands, in a column of its own
_PRICE = rf"{_TIGHT}|{_WIDE}"
_TAX = r"(?:\s+\*?[A-Z]\*?|\s*\*)?"  # the letter of a tax
_TAX_NUMBER = r"(?:\s+\*?[A-Z0-9]\*?|\s*\*)?"
_BEFORE = r"(?:^|(?<=[\s=:])|(?<=\.\.))"


def _at_end(price: str, tax: str) -> re.Pattern[str]:
    return re.compile(
        rf"{_BEFORE}(?P<sign>[+-]?)\s?(?:{_MONEY}\s*)?(?P<more>[+-]?)(?P<price>{price})(?P<behind>-?)"
        rf"\s*{_MONEY}?{tax}$",
        re.IGNORECASE,
    )


_AMOUNT = _at_end(_PRICE, _TAX_NUMBER)
_WHOLE_AMOUNT = _at_end(rf"{_PRICE}|[0-9]+", _TAX)  # where the decimal sign is left out
_LONGEST_AMOUNT = 60  # characters at the end of a line, so that no line takes long
_UNIT = r"(?:KG|G|L|CL|ML|M|PCS?|PCE|КГ|Г|Л|ШТ)\.?"
_QUANTITY = r"[0-9]{1,6}(?:[.,][0-9]{1,3})?"
_TIMES = re.compile(rf"({_QUANTITY})(?: ?{_UNIT})? ?[xX*×хХ@] ?(\S.*)?", re.IGNORECASE)
_ONE_PRICE = re.compile(rf"(?:{_MONEY}\s?)?({_TIGHT})\s?{_MONEY}?(?:\s?/\s?{_UNIT})?\s?=?", re.IGNORECASE)
_COLUMNS = re.compile(r"\s{2,}")
_THEN_TIMES = re.compile(
    rf"(.*\S)\s+({_QUANTITY})(?: ?{_UNIT})? ?[xX*×хХ@] ?(?:{_MONEY}\s?)?({_TIGHT})\s?{_MONEY}?", re.IGNORECASE
)
_COUNT = re.compile(r"[xX*×хХ]? ?([0-9]{1,3})(?: ?[xX*×хХ])?|([0-9]{1,3}[.,][0-9]{3})")
_LEADERS = re.compile(r"\s*[.·…_-]{2,}$")


def printed(text: str, without_sign: bool) -> dict[str, str]:
    """`text, amount, quantity, price` of a line, as far as they stand in it; `text` is always given.

    `without_sign`: amounts are written without a decimal sign. A line that tells how often and at which price, and no
    more, has no text but its own; with its amount its `text` is empty: the article stands in the line before.
    """
    found = (_WHOLE_AMOUNT if without_sign else _AMOUNT).search(text, max(0, len(text) - _LONGEST_AMOUNT))
    if found is None:
        return {"text": text}
    minus = "-" if "-" in (found["sign"], found["more"], found["behind"]) else ""
    head = _LEADERS.sub("", text[: found.start()].rstrip(" :=")) if found.start() else ""
    amount = minus + found["price"]
    times = _TIMES.fullmatch(head)
    if times:
        quantity, rest = times[1], times[2] or ""
        if not rest:  # how often and for how much each: its amount stands elsewhere
            return {"text": text, "quantity": quantity, "price": amount}
        each = _ONE_PRICE.fullmatch(rest)
        if each:
            return {"text": "", "quantity": quantity, "price": each[1], "amount": amount}
        return {"text": rest, "quantity": quantity, "amount": amount}
    then = _THEN_TIMES.fullmatch(head)
    if then:
        return {"text": then[1], "quantity": then[2], "price": then[3], "amount": amount}
    return {"text": head, "amount": amount} | _in_columns(head)


def _in_columns(head: str) -> dict[str, str]:
    """What the columns before the amount say: quantity, article and price, or the article first."""
    columns = _COLUMNS.split(head)
    if len(columns) == 1:
        return {}
    values: dict[str, str] = {}
    price = _ONE_PRICE.fullmatch(columns[-1])
    if price:
        values["price"] = price[1]
        columns.pop()
    for place in (0, -1):
        if len(columns) > 1 and (count := _COUNT.fullmatch(columns[place])):
            values["quantity"] = count[1] or count[2]
            del columns[place]
            break
    return values | {"text": "  ".join(columns)} if values else {}
