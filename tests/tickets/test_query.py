"""The search box: what people write, how it is understood, and written again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.words import translations

from camtrace import i18n
from camtrace.model import DEEDS, Comparison, Named
from camtrace.tickets.deeds import SALE, traces_of
from camtrace.tickets.keywords import DEED_WORDS, FIELDS, KEYWORDS
from camtrace.tickets.meaning import period, said, search_of
from camtrace.tickets.query import MOST, Query, filled, form_of, parse, write

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2024, 3, 1, 11, 0, tzinfo=UTC)


def understood(text: str) -> list[str]:
    """Conditions as field, sign and value in one word each."""
    return [f"{each.field}{each.sign}{each.value}" for each in parse(text).conditions]


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        (
            'till:7 amount>20 annule "café crème" seller:MARIE type:S ticket:123 qty>=3 tender:ESPECES',
            "till=7|amount>20|word=annule|word=café crème|seller=MARIE|type=S|ticket=123|quantity>=3|tender=ESPECES",
        ),
        ("customer:12 barcode:3760001 code:148 special:RETOUR", "customer=12|barcode=3760001|code=148|special=RETOUR"),
        ("camera:2 from:2024-02-29 to:1.3.2024 -pain", "camera=2|from=2024-02-29|to=2024-03-01|wordnotpain"),
        ("time:18:00-20:30 date:yesterday", "time=18:00-20:30|date=yesterday"),
        ("heure:18h-20h30 jour:hier date:aujourd'hui", "time=18:00-20:30|date=yesterday|date=today"),
        ("время:9-12 дата:вчера день:7д", "time=09:00-12:00|date=yesterday|date=7d"),
        ("caisse:7 montant>=12,50 vendeur:zoé qté:2", "till=7|amount>=12.50|seller=zoé|quantity=2"),
        ("касса:7 сумма<100 продавец:Анна", "till=7|amount<100|seller=Анна"),
        ("amount > 20 amount:5-10 montant ≤ 3", "amount>20|amount>=5|amount<=10|amount<=3"),
        ("till:7,8 till: 9 till=10", "till=7|till=8|till=9|till=10"),
        ('seller:"Marie Anne" "tarte", «œuf dur» “x y', "seller=Marie Anne|word=tarte|word=,|word=œuf dur|word=x y"),
        ("till:KKM:12 type:s type:118", "till=KKM:12|type=S|type=118"),
        ("from:2024-02-29T18:00 to:'29", "from=2024-02-29T18:00|word=to:'29"),
        ("-till:7,8 -vendeur:zoé -сумма>20 -amount<5", "tillnot7|tillnot8|sellernotzoé|amount<=20|amount>=5"),
        ("-camera:2 -special:RETOUR -seller==ZOÉ", "cameranot2|specialnotRETOUR|sellernot==ZOÉ"),
        ('seller=="A,  b" till== 7 ticket=="" amount==3', "seller==A,  b|till==7|ticket==|word=amount==3"),
        ('what:no-sale quoi:"Tiroir sans vente" что:отмена,скидка', "deed=no_sale|deed=void|deed=discount"),
        ('-deed:"drawer without sale" done:sale', "deednotno_sale|deed=sale"),
        (
            "-date:hier -heure:18h-20h -с:2024-02-29T18:00",
            "datenotyesterday|timenot18:00-20:00|fromnot2024-02-29T18:00",
        ),
        ("-amount:5-10 -qty:2 -сумма=3 -amount:7..7", "amountnot5..10|quantitynot2|amountnot3|amountnot7..7"),
        ("date:2024-02-07..2024-02-01 дата:1.2.2024-3.2.24", "date=2024-02-01..2024-02-07|date=2024-02-01..2024-02-03"),
        ('date:last-week дата:прошлая_неделя jour:"mois dernier"', "date=last-week|date=last-month"),
        ("amount>1\u202f234,50 montant>20€ сумма>=20 руб. pain", "amount>1234.50|amount>20|amount>=20|word=pain"),
        (
            'amount<"1 234.5" amount<$1,234.50 amount=1.234,5 amount>5 € 12',
            "amount<1234.5|amount<1234.50|amount=1234.5|amount>5|word=12",
        ),
        ("amount:5€..10€ amount>20 148 amount:−5..2", "amount>=5|amount<=10|amount>20|word=148|amount>=-5|amount<=2"),
        ("pain - beurre pain", "word=pain|word=-|word=beurre"),
        ("", ""),
    ],
)
def test_what_is_understood(text: str, conditions: str) -> None:
    assert understood(text) == (conditions.split("|") if conditions else [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("amount>abc", "“amount>abc” is not understood, so it is looked for as text."),
        ("date:2023-02-29", "“date:2023-02-29” is not understood, so it is looked for as text."),
        ("time:25:00-26:00", "“time:25:00-26:00” is not understood, so it is looked for as text."),
        ("till>7", "“till>7” is not understood, so it is looked for as text."),
        ("till:", "“till:” names no value, so it is looked for as text."),
        ("colour:red", "“colour:red” is no condition, so it is looked for as text."),
        ("-date:someday", "“-date:someday” is not understood, so it is looked for as text."),
        ("-time:9", "“-time:9” is not understood, so it is looked for as text."),
        ("-amoutn>20", "“-amoutn>20” is no condition, so it is looked for as text. Is amount meant?"),
        ("vendeurr:zoe", "“vendeurr:zoe” is no condition, so it is looked for as text. Is vendeur meant?"),
        ("кассса:7", "“кассса:7” is no condition, so it is looked for as text. Is касса meant?"),
        ("quoi:anulation", "“quoi:anulation” is not understood, so it is looked for as text. Is annulation meant?"),
        ("what:something", "“what:something” is not understood, so it is looked for as text."),
        ("x" * 1001, "Only the first 1000 characters are read."),
        (" ".join(map(str, range(50))), "Only the first 40 conditions are read."),
    ],
)
def test_what_is_not_is_looked_for_and_told(text: str, told: str) -> None:
    query = parse(text)
    assert [note.text.format(**note.values) for note in query.notes] == [told]
    assert query.conditions and {each.field for each in query.conditions} == {"word"}


PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["till:", "amount>", " > ", '"', "«", "»", "”", "-", "date:", "hier", "7d", "18h-20h", "=", "..", ","]
    ),
    st.builds(
        lambda minus, field, language, sign, value: f"{minus}{KEYWORDS[language][field][0]}{sign}{value}",
        st.sampled_from(["", "-"]),
        st.sampled_from([field for field in FIELDS if field != "word"]),
        st.sampled_from(i18n.LANGUAGES),
        st.sampled_from([":", ">", "<=", " >= ", "=="]),
        st.one_of(
            st.sampled_from(["12,5", "3-4", "2024-02-29", "today", "9-12", '"a b"', '""', "uid:5", "no-sale", "vente"]),
            st.text(max_size=6),
        ),
    ),
)


@given(st.lists(PIECES, max_size=10).map(" ".join), st.sampled_from(i18n.LANGUAGES))
@example('amount ">5"', "en")
@example('a"b»c” "d', "fr")
def test_any_text_is_a_query_and_written_it_reads_the_same(text: str, language: str) -> None:
    query = parse(text)
    assert len(query.conditions) <= MOST
    assert parse(write(query, language)[:1000]).conditions == query.conditions or len(write(query, language)) > 1000
    wanted, _ = search_of(query, NOW, PARIS, lambda name: None)
    assert len(wanted.texts) + len(wanted.without) == len(query.of("word"))
    spoken = i18n.Translations(language)
    assert all("{value}" in said(each, spoken)[0] for each in query.conditions)


@given(st.lists(PIECES, max_size=8).map(" ".join))
def test_a_form_filled_from_a_query_changes_nothing(text: str) -> None:
    query = parse(text)
    again = filled(query, form_of(query))
    assert {
        each for each in again.conditions if each.field not in ("amount", "quantity", "date", "from", "to", "time")
    } == {each for each in query.conditions if each.field not in ("amount", "quantity", "date", "from", "to", "time")}


def test_a_form_writes_the_box() -> None:
    query = parse("annule till:7 amount>20 date:yesterday")
    assert form_of(query) == {"till": "7", "amount_min": "20", "date": "yesterday"}
    assert write(filled(query, form_of(query))) == "annule till:7 amount>20 date:yesterday"
    other = filled(query, {"till": "8", "amount_min": "5", "amount_max": "9,5", "date": "", "seller": "Zoé M"})
    assert write(other) == 'annule till:8 amount>=5 amount<=9.5 seller:"Zoé M"'
    wrong = filled(query, {"amount_max": "much"})
    assert write(wrong) == write(query)
    assert [note.values["text"] for note in wrong.notes] == ["much"]
    assert write(query.without(0), "fr") == "caisse:7 montant>20 date:hier"
    assert write(parse("date:7d camera:1"), "ru") == "дата:7д камера:1"


def test_how_it_was_understood_in_words() -> None:
    french = translations()["fr"]
    sentences = [said(each, french) for each in parse("amount>12.5 date:7d date:hier time:9-12 x").conditions]
    assert [text.format(value=value) for text, value in sentences] == [
        "montant supérieur à 12,5",
        "période : 7 jours",
        "hier",
        "entre 09:00–12:00",
        "la ligne contient x",
    ]


def test_what_the_store_is_asked() -> None:
    wanted, notes = search_of(
        parse("till:7,8 camera:1 camera:9 amount>20 qty<=3 pain -beurre time:22-2"), NOW, PARIS, {"1": 101}.get
    )
    assert wanted.names == (Named("till", ("7", "8")),)
    assert wanted.camera_uids == (101,)
    assert [note.values for note in notes] == [{"number": "9"}]
    assert wanted.comparisons == (Comparison("amount", ">", Decimal(20)), Comparison("quantity", "<=", Decimal(3)))
    assert (wanted.texts, wanted.without, wanted.hours) == (("pain",), ("beurre",), ((1320, 120),))


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [
        ("date:yesterday", "2024-02-28T23:00", "2024-02-29T23:00"),
        ("date:7d", "2024-02-23T23:00", "2024-03-01T23:00"),
        ("from:2024-02-29T18:00", "2024-02-29T17:00", None),
        ("to:2024-03-31", None, "2024-03-31T22:00"),  # a day of 23 hours
        ("from:2024-02-01 date:today", "2024-02-29T23:00", "2024-03-01T23:00"),
    ],
)
def test_periods_by_the_sites_clock(text: str, start: str | None, stop: str | None) -> None:
    bounds = period(parse(text), NOW, PARIS)
    assert [at and at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") for at in bounds] == [start, stop]


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [
        ("date:this-week", "2024-02-25T23:00", "2024-03-03T23:00"),
        ("date:last-week", "2024-02-18T23:00", "2024-02-25T23:00"),
        ("date:this-month", "2024-02-29T23:00", "2024-03-31T22:00"),
        ("date:last-month", "2024-01-31T23:00", "2024-02-29T23:00"),
        ("date:2024-03-30..2024-03-31", "2024-03-29T23:00", "2024-03-31T22:00"),
        ("-from:today", None, "2024-02-29T23:00"),
        ("-from:2024-02-29T18:00", None, "2024-02-29T17:00"),
        ("-to:yesterday", "2024-02-29T23:00", None),
        ("-date:today from:2024-02-28", "2024-02-27T23:00", None),
    ],
)
def test_more_periods(text: str, start: str | None, stop: str | None) -> None:
    test_periods_by_the_sites_clock(text, start, stop)


def test_days_and_hours_that_must_not_be() -> None:
    def asked(text: str) -> tuple[object, object]:
        wanted, _ = search_of(parse(text), NOW, PARIS, {}.get)
        return wanted.hours, [tuple(f"{at.astimezone(UTC):%d %H}" for at in each) for each in wanted.apart]

    assert asked("-date:yesterday -date:2024-02-01..2024-02-02") == (None, [("28 23", "29 23"), ("31 23", "02 23")])
    assert asked("-time:9-12") == (((0, 540), (720, 1440)), [])
    assert asked("-time:22-6") == (((360, 1320),), [])
    assert asked("time:20-4 -time:22-2") == (((1200, 1320), (120, 240)), [])
    assert asked("time:9-12 time:14-18 -time:10-15") == (((540, 600), (900, 1080)), [])
    wanted, notes = search_of(parse("time:9-12 -time:8-13"), NOW, PARIS, {}.get)
    assert wanted.hours == () and [note.text for note in notes] == ["No hour of the day is left."]


@given(st.lists(PIECES, max_size=8).map(" ".join), st.sampled_from(i18n.LANGUAGES))
def test_every_condition_can_be_turned_round_and_back(text: str, language: str) -> None:
    query = parse(text)
    for place, each in enumerate(query.conditions):
        turned = query.turned(place)
        assert turned.conditions[place] != each
        assert parse(write(turned, language)[:1000]).conditions == tuple(dict.fromkeys(turned.conditions)) or (
            len(write(turned, language)) > 1000
        )
        (other,) = turned.conditions[place : place + 1]
        assert Query((other,)).turned(0).conditions[0].field == each.field
        if ".." not in each.value or each.field not in ("amount", "quantity"):
            assert Query((other,)).turned(0).conditions == (each,)


@pytest.mark.parametrize(
    ("text", "by_cost"),
    [
        ("till:7 amount>20 annule", True),
        ("what:returned -amount:5-10", True),
        ("type:S amount<5", True),
        ('special=="OFFERT" amount<5', True),
        ("amount>20", False),
        ("annule", False),
        ("-annule amount>20", False),
        ("-what:cancelled amount>20", False),
    ],
)
def test_what_takes_an_article_back_is_worth_what_that_cost(text: str, by_cost: bool) -> None:
    assert search_of(parse(text), NOW, PARIS, {}.get)[0].by_cost is by_cost


def test_a_till_is_found_by_the_name_that_people_gave_it() -> None:
    called = {"fond": ["7", "8"]}
    wanted, _ = search_of(parse("till:fond -till:9"), NOW, PARIS, {}.get, lambda name: called.get(name, []))
    assert wanted.names == (Named("till", ("fond", "7", "8")),) and wanted.excluded == (Named("till", ("9",)),)
    assert search_of(parse("till==fond"), NOW, PARIS, {}.get, called.__getitem__)[0].exactly == (
        Named("till", ("fond",)),
    )


def test_a_period_that_ends_before_it_begins_is_told() -> None:
    _, notes = search_of(parse("from:2024-02-02 to:2024-02-01"), NOW, PARIS, lambda name: None)
    assert [note.text for note in notes] == ["The period ends before it begins."]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("from:2024-03-02", "The period lies in the future."),
        ("from:today", ""),
        ("amount>20 amount<20", "The bounds exclude each other: no figure lies within all of them."),
        ("amount>20 amount:20", "The bounds exclude each other: no figure lies within all of them."),
        ("amount>=20 amount<=20 qty>1 amount:20", ""),
        ("amount:3 amount:4", "The bounds exclude each other: no figure lies within all of them."),
    ],
)
def test_what_cannot_be_found_is_told(text: str, told: str) -> None:
    _, notes = search_of(parse(text), NOW, PARIS, {}.get)
    assert [note.text for note in notes] == ([told] if told else [])


def test_nothing_is_asked_of_nothing() -> None:
    assert parse("   ") == Query()
    assert write(Query()) == ""


def test_every_deed_can_be_asked_for_in_every_language() -> None:
    for language, words in DEED_WORDS.items():
        assert set(words) == {*DEEDS, SALE}
        for deed, all_words in words.items():
            for word in all_words:
                (condition,) = parse(f"{KEYWORDS[language]['deed'][0]}:{word}").conditions
                assert (condition.field, condition.value) == ("deed", deed)


def test_what_must_not_be_is_asked_of_the_store() -> None:
    query = parse('-till:7 -seller=="Zoé" -camera:1 -camera:9 -what:discount seller==""')
    wanted, notes = search_of(query, NOW, PARIS, {"1": 101}.get)
    assert wanted.excluded == (Named("till", ("7",)),)
    assert wanted.excluded_exactly == (Named("seller", ("Zoé",)),)
    assert wanted.exactly == (Named("seller", ("",)),)
    assert (wanted.camera_uids, wanted.unwatched) == (None, (101,))
    assert wanted.excluded_deeds == traces_of(["discount"]) and not wanted.deeds
    assert [note.values for note in notes] == [{"number": "9"}]
    french = translations()["fr"]
    told = [text.format(value=value) for text, value in (said(each, french) for each in query.conditions)]
    assert told[0] == "pas la caisse 7" and told[-2:] == ["pas : remise", "Vendeur –"]
