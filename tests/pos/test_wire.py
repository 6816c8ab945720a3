"""The till line protocol, bytes to meaning: every cut, every tolerance, hostile bytes."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from camtrace.cards import may_hold_a_card
from camtrace.pos import wire

SALE = b"""\
1|0|7|0|A|1|148|TARTE POELEE|16,00
1|0|7|0|A|1|165|OEUF PARMESAN|10,00
1|0|7|0|A|1|165|OEUF PARMESAN|10,00
1|0|7|0|S|1|165|OEUF PARMESAN|ANNULE
1|0|7|0|T|ESPECES|20,00|10,00
1|0|7|0|D|10,00
1|0|7|0|E|CHEQUES|16,00|16,00
"""
LINES = SALE.splitlines()


def split(*pieces: bytes) -> list[bytes]:
    splitter = wire.Splitter()
    return [line for piece in pieces for line in splitter.feed(piece)] + splitter.flush()


class TestSplitter:
    """Where the network cuts the bytes, and how a till ends its lines, makes no difference."""

    @pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\n\r", b"\r\n\0\0", b"\n\n\n"])
    def test_every_cut(self, end: bytes) -> None:
        stream = SALE.replace(b"\n", end)
        for cut in range(len(stream) + 1):
            assert split(stream[:cut], stream[cut:]) == LINES

    def test_one_byte_at_a_time(self) -> None:
        assert split(*(SALE[at : at + 1] for at in range(len(SALE)))) == LINES

    def test_the_last_line_needs_no_end(self) -> None:
        assert split(SALE[:-1]) == LINES

    def test_nothing_but_padding(self) -> None:
        assert split(b"\0\0\n \n\t\r\n\0") == []

    def test_ten_megabytes_without_an_end(self) -> None:
        """Given up at the limit, not at the end: no more than a line is ever held."""
        splitter = wire.Splitter()
        taken = 0
        with pytest.raises(wire.FramingLost):
            for _ in range(10 * 1024):
                splitter.feed(b"x" * 1024)
                taken += 1024
        assert taken <= wire.MAX_LINE

    @given(st.integers(0, 6000))
    def test_a_line_too_long_is_refused_wherever_it_is_cut(self, cut: int) -> None:
        stream = b"1|2\n" + b"x" * (wire.MAX_LINE + 1) + b"\n3|4\n"
        splitter = wire.Splitter()
        got: list[bytes] = []
        with pytest.raises(wire.FramingLost) as lost:
            got += splitter.feed(stream[:cut])
            got += splitter.feed(stream[cut:])
        assert got + lost.value.before == [b"1|2"]

    def test_the_longest_line(self) -> None:
        assert split(b"x" * wire.MAX_LINE + b"\r\n") == [b"x" * wire.MAX_LINE]

    @given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
    def test_any_bytes_anyhow_cut(self, data: bytes, cuts: list[int]) -> None:
        edges = [0, *sorted(cuts), len(data)]
        assert split(*(data[a:b] for a, b in pairwise(edges))) == split(data)


class TestDecode:
    """What each type of line says, and what tills get wrong."""

    def test_the_sale_of_the_manual(self) -> None:
        said = [wire.decode(line) for line in LINES]
        assert {(m.source, m.ticket, m.seller, m.customer) for m in said} == {("1", "", "7", "")}
        assert [m.type for m in said] == list("AAASTDE")
        assert (said[0].quantity, said[0].code, said[0].text, said[0].amount) == (1, "148", "TARTE POELEE", 16)
        assert (said[3].special, said[3].amount) == ("ANNULE", None)
        assert (said[4].tender, said[4].amount, said[4].total) == ("ESPECES", 20, 10)
        assert said[5].amount == 10
        assert (said[6].tender, said[6].amount, said[6].total) == ("CHEQUES", 16, 16)
        assert [m.raw for m in said] == LINES

    @pytest.mark.parametrize(
        ("line", "text", "amount", "special"),
        [
            ("9|0|7|0|A|1|5|COCA|COLA|1,50", "COCA|COLA", "1.50", ""),  # a | inside the description
            ("9|0|7|0|A|1|5|COCA|1,50|", "COCA", "1.50", ""),
            ("9|0|7|0|A|1|5|COCA|1,50||||", "COCA", "1.50", ""),
            ("9|0|7|0|A|1|5|COCA|1,50|new field", "COCA", "1.50", ""),
            ("9|0|7|0|A|1|5|COCA", "COCA", None, ""),
            ("9|0|7|0|A|1|5", "", None, ""),
            ("9|0|7|0|A", "", None, ""),
            (" 9 | 0 | 7 | 0 | a | 1 | 5 | COCA | 1,50 ", "COCA", "1.50", ""),
            ("\ufeff9|0|7|0|A|1|5|COCA|1,50", "COCA", "1.50", ""),
            ("9|0|7|0|A|1|5|COCA|OFFERT", "COCA", None, "OFFERT"),
            ("9|0|7|0|S|1|5|COCA|annulé", "COCA", None, "ANNULE"),
            ("9|0|7|0|s|1|5|COCA|ANNULE|1,50", "COCA", "1.50", "ANNULE"),
            ("9|0|7|0|S|1|5|COCA|-1,50|RETOUR", "COCA", "-1.50", "RETOUR"),
            ("9|0|7|0|S|1|5|COCA|COLA|PERTE", "COCA|COLA", None, "PERTE"),
            ("9|0|7|0|S|1|5|COCA|REPRISE", "COCA", None, "REPRISE"),
            ("9|0|7|0|S|1|5|COCA|1,50", "COCA", "1.50", ""),
            ("9|0|7|0|A|1|5|COCA|gratuit", "COCA", None, ""),
        ],
    )
    def test_articles(self, line: str, text: str, amount: str | None, special: str) -> None:
        said = wire.decode(line.encode())
        assert (said.source, said.text, said.special) == ("9", text, special)
        assert said.amount == (None if amount is None else Decimal(amount))

    @pytest.mark.parametrize(
        ("line", "tender", "amount", "total"),
        [
            ("1|0|7|0|T|ESPECES|20,00|10,00", "ESPECES", 20, 10),
            ("1|0|7|0|E|ESPECES|20,00", "ESPECES", 20, None),
            ("1|0|7|0|E|ESPECES", "ESPECES", None, None),
            ("1|0|7|0|E", "", None, None),
            ("1|0|7|0|E||16,00|16,00", "", 16, 16),
            ("1|0|7|0|E|CB|VISA|16,00|16,00|x", "CB|VISA", 16, 16),
        ],
    )
    def test_tenders(self, line: str, tender: str, amount: int | None, total: int | None) -> None:
        said = wire.decode(line.encode())
        assert (said.tender, said.amount, said.total) == (tender, amount, total)

    def test_a_ticket_number_on_any_type(self) -> None:
        assert [wire.decode(f"1|{n}|7|12|A|1".encode())[1:4] for n in ("0", "000", "0042")] == [
            ("", "7", "12"),
            ("", "7", "12"),
            ("0042", "7", "12"),
        ]

    def test_an_unknown_type_keeps_all_that_follows(self) -> None:
        said = wire.decode(b"1|0|7|0|x|a||b c|")
        assert (said.type, said.text) == ("X", "a||b c")

    @pytest.mark.parametrize("line", [b"hello", b"1|2|3|4", b"|0|7|0|A|1", b"1|0|7|0||A", b"1|0|7|0|QUITE LONG|1"])
    def test_no_message(self, line: bytes) -> None:
        with pytest.raises(wire.WireError):
            wire.decode(line)

    def test_fields_filled_with_nul(self) -> None:
        message = wire.decode(b"1\0\0\0|0|7\0|0|A\0|1|148|TARTE\0\0\0\0|16,00\0")
        assert (message.source, message.seller, message.type, message.text) == ("1", "7", "A", "TARTE")

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    def test_utf_16(self, encoding: str) -> None:
        """Cannot be cut into lines: it is refused in words, and no digit of a card is told."""
        stream = "1|0|7|0|E|CB 4111111111111111|16,00|16,00\n1|0|7|0|A|1|148|TARTE|16,00\n".encode(encoding)
        lines = wire.Splitter().feed(stream)
        for line in lines:
            with pytest.raises(wire.WireError) as refused:
                wire.decode(line)
            assert refused.value.code == "utf16"
        assert b"4\x001\x001" not in wire.mask(lines[0])

    def test_names_have_an_end(self) -> None:
        """A name of four thousand letters would be refused by an index of the database."""
        said = wire.decode(b"|".join([b"n" * 1000] * 4 + [b"A"]))
        assert {len(name) for name in said[:4]} == {wire.MAX_NAME}

    @given(st.binary(max_size=200), st.sampled_from(wire.ENCODINGS))
    def test_any_bytes(self, line: bytes, encoding: str) -> None:
        """Binary is refused or decoded, never anything else; the text is fit for a database and a terminal."""
        try:
            said = wire.decode(line, encoding)
        except wire.WireError:
            return
        for text in (said.source, said.ticket, said.type, said.code, said.text, said.special, said.tender):
            assert not any(ord(letter) < 32 for letter in text)
            text.encode()

    @given(st.lists(st.text("ab|1,.€ é", max_size=12), max_size=9), st.sampled_from("ASDTEX"))
    def test_any_fields(self, fields: list[str], kind: str) -> None:
        head = ["1", "0", "7", "0", kind]
        said = wire.decode("|".join(head + fields).encode())
        assert (said.source, said.type) == ("1", kind)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("16,00", "16.00"),
        ("16.00", "16.00"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234,50", "1234.50"),
        ("1\u202f234,50", "1234.50"),
        ("1'234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1.234.567", "1234567"),
        ("1234", "1234"),
        ("-5,00", "-5.00"),
        ("5,00-", "-5.00"),
        ("+5,00", "5.00"),
        ("- 5,00", "-5.00"),
        ("16,00EUR", "16.00"),
        ("16,00 €", "16.00"),
        ("€ 16,00", "16.00"),
        ("0,350 kg", "0.350"),
        (",5", "0.5"),
        (".12", "0.12"),
        ("2x", "2"),
        ("", None),
        ("ANNULE", None),
        ("12 EGGS", None),
        ("1e5", None),
        ("NaN", None),
        ("--5", None),
        ("٣", None),
        ("9" * 16, None),
    ],
)
def test_amounts(field: str, value: str | None) -> None:
    assert wire.to_decimal(field) == (None if value is None else Decimal(value))


@given(st.decimals(-(10**9), 10**9, places=2))
def test_amounts_as_a_french_till_prints_them(value: Decimal) -> None:
    assert wire.to_decimal(f"{value:,.2f}".replace(",", " ").replace(".", ",")) == value


class TestEncodings:
    """French tills speak UTF-8, Windows or DOS; nothing says which."""

    WORDS = ("Pâté de forêt", "CRÈME BRÛLÉE", "déjà vu, à 5 €", "garçon", "œuf", "L’ÎLE", "Noël")

    @pytest.mark.parametrize("text", WORDS)
    @pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
    def test_recognised(self, text: str, encoding: str) -> None:
        assert wire.to_text(text.encode(encoding)) == text

    @pytest.mark.parametrize(
        "text",
        ["Pâté de forêt", "crème brûlée", "garçon", "Noël", "FRANÇAIS", "ÉTÉ", "pâte à 5 €", "A TRÈS BIENTÔT", "MAÎS"],
    )
    def test_dos(self, text: str) -> None:
        assert wire.to_text(text.encode("cp858")) == text

    @pytest.mark.parametrize(
        "text", ["ХЛЕБ 16", "1|0|7|0|A|1|148|Сок J7 0,97л", "Молоко №1", "ёлка", "КАССА 2 «Рич»", "Cок яблочный"]
    )
    def test_cyrillic(self, text: str) -> None:
        assert wire.to_text(text.encode("cp1251")) == text

    @pytest.mark.parametrize(
        "text", ["ÀÉ È", "ÉÉÉÉ", "créée ÿÿÿ", "Ægir þáð", "×÷×÷", "5 × ÖÄ", "œuf ÂGÉ", "hääyöaie", "Çà ÉTÉ"]
    )
    def test_not_cyrillic(self, text: str) -> None:
        """Words of Western languages are never of accented letters alone."""
        assert wire.to_text(text.encode("cp1252")) == text

    @given(st.text(st.sampled_from("abcdefgh ABC àâéèêëïîôùûüÿçæœÀÂÉÈÊËÏÎÔÙÛÜÇ"), max_size=40))
    def test_french_is_never_cyrillic(self, text: str) -> None:
        """Whatever the letters, unless a whole word has no plain one."""
        assume(not re.search(r"(?<![^\W\d_])[àâéèêëïîôùûüÿçæÀÂÉÈÊËÏÎÔÙÛÜÇ]{3,}(?![^\W\d_])", text))
        assert not re.search("[а-яёА-ЯЁ]", wire.to_text(text.encode("cp1252")))

    @pytest.mark.parametrize(
        ("encoding", "text"), [("cp866", "Молоко"), ("cp1251", "Молоко"), ("iso8859-15", "œ€"), ("cp850", "À É")]
    )
    def test_set(self, encoding: str, text: str) -> None:
        assert wire.to_text(text.encode(encoding), encoding) == text

    def test_control_characters(self) -> None:
        """NUL, escape sequences of printers, and what would end a line on a screen."""
        assert wire.to_text("a\0b\x1b[1mc\td\x85\u2028".encode()) == "a\ufffdb\ufffd[1mc d\ufffd\ufffd"

    def test_all_are_known(self) -> None:
        for encoding in wire.ENCODINGS:
            wire.to_text(b"\x81\x8d\xff", encoding)


class TestCards:
    """Of a card number only the last four digits remain, in the raw line too."""

    @pytest.mark.parametrize(
        ("line", "masked"),
        [
            ("1|0|7|0|E|CB 4111111111111111|1|1", "1|0|7|0|E|CB ************1111|1|1"),
            ("1|0|7|0|E|CB 4111 1111 1111 1111|1|1", "1|0|7|0|E|CB **** **** **** 1111|1|1"),
            ("1|0|7|0|E|CB 5500-0000-0000-0004|1|1", "1|0|7|0|E|CB ****-****-****-0004|1|1"),
            ("1|0|7|378282246310005|E|CB|1|1", "1|0|7|***********0005|E|CB|1|1"),
            ("1|0|7|0|E|;4111111111111111=2512|1|1", "1|0|7|0|E|;************1111=2512|1|1"),
            ("4111111111111111", "************1111"),
            ("1|0|7|0|A|1|4111111111111111|CARD AS CODE|1", None),
            ("1|0|7|0|s|1|4111111111111111|CARD AS CODE|1", None),
            ("1|0|7|0|T|1|4111111111111111|1", "1|0|7|0|T|1|************1111|1"),
            ("1|0|7|0|E|CB 4111111111111112|1|1", None),  # fails Luhn
            ("1|0|7|0|E|411111111111|1|1", None),  # 12 digits
            ("1|0|7|0|E|41111111111111111111|1|1", None),  # 20 digits
            ("1|0|7|0|E|4111.1111/1111_1111|1|1", "1|0|7|0|E|****.****/****_1111|1|1"),
            ("1|0|7|0|E|4111\u00a01111\u20111111\u20131111|1|1", "1|0|7|0|E|****\u00a0****\u2011****\u20131111|1|1"),
            ("1|0|7|0|E|4111  1111  1111  1111 123 12/27|1", "1|0|7|0|E|****  ****  ****  1111 123 12/27|1"),
            ("1|0|7|0|E|2024 12 4111 1111 1111 1111|1|1", "1|0|7|0|E|2024 12 **** **** **** 1111|1|1"),
            ("1|0|7|0|E|3782 822463 10005 26|1|1", "1|0|7|0|E|**** ****** *0005 26|1|1"),
            ("1|0|7|0|N|4111 1111|1111 1111", "1|0|7|0|N|**** ****|**** 1111"),
            ("4111|1111|1111|1111|A|1|5|X|1", None),  # till, ticket, seller, customer
            ("1|0|7|0|N|41111111|11111111", "1|0|7|0|N|********|****1111"),  # cut by the end of a field
            ("1|0|7|0|N|CB 4111 | 111111111111", "1|0|7|0|N|CB **** | ********1111"),
            ("1|0|7|0|N|378282246310005|3782|82246310005", "1|0|7|0|N|***********0005|****|*******0005"),
            ("1|0|7|0|E|CB 41111111|11111111|16,00", "1|0|7|0|E|CB ********|****1111|16,00"),
            ("1|0|7|0|E|CB 411111111111|1111", None),  # behind the means of payment stands an amount
            ("1|0|7|0|T|CB|41111111|11111111", None),  # two amounts
            ("1|0|7|0|E|CB 41111111|11111111,11", None),
            ("1|0|7|0|A|1|41111111|11111111|16,00", None),  # a code is none of it
            ("1|0|7|0|A|1|5|CARTE 41111111|11111111|0", "1|0|7|0|A|1|5|CARTE ********|****1111|0"),
            ("1|0|7|0|E|CB ４１１１１１１１１１１１１１１１|1|1", "1|0|7|0|E|CB ************1111|1|1"),  # full width
            ("1|0|7|0|E|CB ４１１１　１１１１　1111　１１１１|1", "1|0|7|0|E|CB ****　****　****　1111|1"),
            ("1|0|7|0|E|CB ４１１１１１１１１１１１１１１２|1|1", None),
            ("1|0|7|0|A|1|４１１１１１１１１１１１１１１１|X|1", None),
            ("1|0|7|0|A|1|4006381333931|STYLO 06 12 34 56 78|16,00", None),  # an EAN that passes, a telephone
            ("1|0|7|0|E|CB 26/11/2026 12:34:56 0012|1234,56|1234,56", None),
        ],
    )
    def test_masked(self, line: str, masked: str | None) -> None:
        expected = (masked or line).encode()
        assert wire.mask(line.encode()) == expected
        if line.count("|") > 4:
            assert wire.decode(line.encode()).raw == expected

    @given(st.from_regex(r"[0-9]{12,18}", fullmatch=True))
    def test_any_number_that_passes(self, digits: str) -> None:
        total = sum(sum(divmod(int(d) * (2 if at % 2 == 0 else 1), 10)) for at, d in enumerate(reversed(digits)))
        number = f"{digits}{-total % 10}".encode()
        assert wire.mask(b"x" + number + b"x") == b"x" + b"*" * (len(number) - 4) + number[-4:] + b"x"

    @given(
        st.sampled_from((4, 5, 3, 2, 6)),
        st.text("0123456789", min_size=14, max_size=14),
        st.lists(st.sampled_from((" ", "-", ".", "  ", "/", "\t", "\u00a0", " - ")), min_size=3, max_size=3),
        st.sampled_from(("", "12 ", "2026 ", "CARTE ", "N 0042-")),
        st.sampled_from(("", " 12", " 123", " 26/11/2026", "=2512")),
        st.sampled_from(("utf-8", "cp1252", "cp866")),
    )
    def test_any_card_among_other_digits(
        self, first: int, digits: str, signs: list[str], before: str, behind: str, encoding: str
    ) -> None:
        """As it is printed, whatever stands between its groups and around it: twelve digits of it are gone."""
        digits = f"{first}{digits}"
        digits += str(-sum(sum(divmod(int(d) * (2 - at % 2), 10)) for at, d in enumerate(digits)) % 10)
        groups = [digits[at : at + 4] for at in range(0, 16, 4)]
        card = "".join(group + sign for group, sign in zip(groups, [*signs, ""], strict=True))
        line = f"1|0|7|0|E|{before}{card}{behind}|1,00|1,00".encode(encoding)
        masked = wire.mask(line)
        assert len(masked) == len(line)
        hidden = [place for place, byte in enumerate(masked) if byte == 42]
        assert set(range(line.index(groups[0].encode(), 10), line.index(card.encode(encoding)) + 4)) <= set(hidden)
        assert len(hidden) >= 12

    @given(st.lists(st.sampled_from((*"0123456789" * 3, "a", "Z", " - ", "|", "\r\n", "\xe9", "....")), max_size=40))
    def test_the_quick_look(self, parts: list[str]) -> None:
        """It finds what the pattern finds, nothing less and nothing more."""
        data = "".join(parts).encode("latin-1")
        found = re.search(rb"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){12}", data)
        assert may_hold_a_card(data) == (found is not None)

    @given(
        st.from_regex(r"[0-9]{8}|[0-9]{12,14}", fullmatch=True),
        st.from_regex(r"[0-9]{1,7}|[0-9]{1,10}[.,][0-9]{2}", fullmatch=True),
        st.from_regex(r"[0-9]{1,7}|[0-9]{1,10}[.,][0-9]{2}", fullmatch=True),
        st.sampled_from(("VERRE", "STYLO 12", "LOT 41234567")),
    )
    def test_codes_and_amounts_stay(self, code: str, amount: str, total: str, text: str) -> None:
        """Whether or not they pass for a card's number, alone or with what stands in the next field."""
        for line in (
            f"1|0|7|0|A|{amount}|{code}|{text}|{total}",
            f"1|0|7|0|S|{amount}|{code}|{text}|{total}|ANNULE",
            f"1|0|7|0|T|{text}|{amount}|{total}",
            f"1|0|7|0|E|CB|{amount}|{total}",
            f"1|0|7|0|D|{amount}",
        ):
            assert wire.mask(line.encode()) == line.encode()

    @given(st.binary(max_size=80), st.lists(st.integers(0, 9), max_size=40))
    def test_never_more_than_digits(self, data: bytes, digits: list[int]) -> None:
        """Whatever comes: only digits become stars, and to do it again changes nothing."""
        data += "".join(map(str, digits)).encode()
        masked = wire.mask_all(data)
        assert len(masked) == len(data)
        assert all(new == old or (new == 42 and 48 <= old <= 57) for new, old in zip(masked, data, strict=True))
        assert wire.mask_all(masked) == masked
