"""Which receipt an event belongs to: the manual's rules, and every event has its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from camtrace.errors import Invalid
from camtrace.model import Ticket
from camtrace.prisma.catalogue import Catalogue, described
from camtrace.prisma.receipts import AWAITED, MOST_AWAITED, Entry, Placed, Receipts

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
PLAIN = Catalogue()


class Till:
    """Says events to the rules, a second apart."""

    def __init__(self, catalogue: Catalogue = PLAIN) -> None:
        self.receipts = Receipts(count(1).__next__)
        self.catalogue = catalogue
        self.at = NOON

    def say(self, code: int, number: object = "", *, after: float = 1, source: str = "KKM:1", **more: Any) -> Placed:
        self.at += timedelta(seconds=after)
        return self.receipts.place(Entry(source, self.at, self.catalogue.of(code), str(number), **more))

    def tickets(self, *events: tuple[int, object]) -> list[int]:
        """The ticket of each event."""
        return [self.say(code, number).ticket.id for code, number in events]


def test_a_sale() -> None:
    """From 4 to 5, both included, what is not part of a sale too."""
    till = Till()
    assert till.tickets((4, 41), (6, 41), (112, ""), (40, 41), (37, 41), (5, 41), (4, 42)) == [1] * 6 + [2]
    ended = Till()
    ended.say(4, 41)
    ticket = ended.say(5, 41).ticket
    assert (ticket.state, ticket.kind, ticket.number, ticket.line_count) == ("closed", "sale", "41", 2)


def test_what_follows_the_end() -> None:
    """Print, change and drawer come behind 5 with the receipt's number: they belong to it."""
    till = Till()
    assert till.tickets((4, 41), (5, 41), (39, 41), (50, 41), (4, 41)) == [1, 1, 1, 1, 2]
    assert till.say(39, 41).ticket.state == "open"


def test_a_return() -> None:
    till = Till()
    assert till.say(46, 7).ticket.kind == "return"
    till.say(6, 7)
    ticket = till.say(47, 7).ticket
    assert (ticket.id, ticket.kind, ticket.state) == (1, "return", "closed")


def test_another_number() -> None:
    """An event of sales with another number closes one receipt and opens the next; 4 and 5 may be lost."""
    till = Till()
    assert till.tickets((6, 41), (6, 41), (6, 42), (37, 42), (6, 43)) == [1, 1, 2, 2, 3]


def test_only_events_that_count_the_number() -> None:
    """The drawer, or an administrator's report, bears what number it likes."""
    till = Till()
    assert till.tickets((4, 41), (40, 99), (209, 99), (6, 41)) == [1, 1, 1, 1]
    assert Till().say(209, 99).ticket.kind == "event"


def test_number_0_ends_the_receipt() -> None:
    till = Till()
    assert till.tickets((4, 41), (6, 41), (203, 0), (4, 42)) == [1, 1, 2, 3]
    alone = Till().say(203, 0).ticket
    assert (alone.kind, alone.state, alone.number, alone.line_count) == ("event", "closed", "", 1)


def test_what_bears_the_number_of_a_receipt_that_0_has_ended() -> None:
    """The manual on 40: "Номер чека или 0 (в контексте чека)". The sale goes on in its ticket, seen by all."""
    till = Till()
    assert till.tickets((4, 41), (6, 41), (40, 0), (6, 41), (40, 0)) == [1, 1, 2, 1, 3]
    placed = till.say(5, 41)
    assert (placed.ticket.id, placed.late, placed.ticket.closed_at) == (1, False, till.at)
    assert till.tickets((39, 41), (4, 41), (40, 0), (6, 42), (39, 41)) == [1, 4, 5, 6, 4]
    assert till.say(6, 42).ticket.state == "open"


def test_heartbeats_and_the_tills_own_state_end_nothing() -> None:
    till = Till()
    assert till.tickets((4, 41), (60, 0), (61, 0), (130, 0), (106, 0), (60, ""), (6, 41)) == [1] * 7


def test_a_blank_number() -> None:
    """It says nothing: it neither opens nor closes, but with 4."""
    till = Till()
    assert till.tickets((6, ""), (4, 41), (6, ""), (5, "")) == [1, 2, 2, 2]
    assert till.say(4, "").ticket.id == 3


def test_a_till_without_numbers() -> None:
    """Where receipts are opened with 0 it ends none of them; 5 with 0 ends any."""
    till = Till()
    assert till.tickets((4, 0), (6, 0), (6, 0), (5, 0), (4, 0), (6, 0)) == [1, 1, 1, 1, 2, 2]
    other = Till()
    other.say(4, 41)
    assert other.say(5, 0).ticket.state == "closed"


def test_a_void_leaves_it_open() -> None:
    till = Till()
    till.say(4, 41)
    assert till.say(25, 41).ticket.state == "open"
    assert till.say(5, 41).ticket.id == 1


def test_closing_events() -> None:
    """Nobody leaves the till in the middle of a receipt; a shop sets others."""
    till = Till()
    till.say(4, 41)
    assert till.say(63).ticket.state == "closed"
    till = Till(PLAIN.changed(25, {"closing": True}))
    till.say(4, 41)
    assert till.say(25, 41).ticket.state == "closed"


def test_reordered() -> None:
    """The end of one receipt behind the beginning of the next; a beginning behind the first line."""
    till = Till()
    assert till.tickets((4, 41), (6, 41), (4, 42), (5, 41), (6, 42)) == [1, 1, 2, 1, 2]
    late = Till()
    late.say(4, 41)
    late.say(4, 42)
    placed = late.say(6, 41, total=Decimal(9))
    assert placed.late and placed.ticket.state == "closed"
    assert not late.say(6, 42).late
    assert Till().tickets((6, 41), (4, 41), (6, 41)) == [1, 1, 1]
    slow = Till()
    slow.say(4, 41)
    slow.say(4, 42)
    assert slow.say(6, 41, after=60).ticket.id == 3  # numbers come round again


def test_silence() -> None:
    till = Till()
    till.say(4, 41)
    assert till.say(6, 41, after=29 * 60).ticket.id == 1
    assert till.say(6, 41, after=31 * 60).ticket.id == 2


def test_sources_do_not_disturb_each_other() -> None:
    till = Till()
    first, second = till.say(4, 41, source="KKM:1"), till.say(4, 41, source="KKM:2")
    assert first.ticket.id != second.ticket.id
    assert till.say(6, 41, source="KKM:1").ticket.id == first.ticket.id


def test_the_total_is_that_of_the_latest() -> None:
    """Latest by the sender's clock, so that what the network delays changes nothing."""
    till = Till()
    till.say(4, 41, total=Decimal(0), sent_at=NOON)
    till.say(6, 41, total=Decimal(9), sent_at=NOON + timedelta(seconds=5))
    assert till.say(6, 41, total=Decimal(4), sent_at=NOON + timedelta(seconds=3)).ticket.total == 9
    assert till.say(39, 41).ticket.total == 9
    assert till.say(6, 41, total=Decimal(7), sent_at=NOON - timedelta(days=900)).ticket.total == 7  # its clock was set
    assert till.say(5, 41, total=Decimal(8)).ticket.total == 8


def test_sellers() -> None:
    """The first one's name stays; another's line is told apart."""
    till = Till()
    till.say(4, 41)
    assert till.say(6, 41, seller="Anna").ticket.seller == "Anna"
    assert not till.say(6, 41, seller="Anna").other_seller
    placed = till.say(18, 41, seller="Boris")
    assert placed.other_seller and placed.ticket.seller == "Anna"


def test_attempts_and_answers() -> None:
    """Attempt, refusal and deed of one till; an attempt is answered once."""
    follows = Receipts(count(1).__next__).follows
    assert follows("KKM:1", 16, 100, NOON) == 0
    assert follows("KKM:2", 17, 101, NOON) == 0
    assert follows("KKM:1", 17, 102, NOON) == 100
    assert follows("KKM:1", 18, 103, NOON) == 0
    assert follows("KKM:1", 16, 104, NOON) == 0
    assert follows("KKM:1", 18, 105, NOON + timedelta(minutes=6)) == 0


def test_a_link() -> None:
    """The latest receipt of a dispenser, or the one with a number."""
    till = Till()
    till.say(305, 8, source="TRK:3")
    till.say(305, 9, source="TRK:3")
    assert till.receipts.find("TRK:3", "8").number == "8"
    assert till.receipts.find("TRK:3").number == "9"
    assert till.receipts.find("TRK:4") is None
    till.say(4, 41)
    assert till.say(309, 41, linked=2).ticket.linked == 2
    assert till.say(5, 41).ticket.linked == 2


def test_a_link_to_a_receipt_that_comes_later() -> None:
    """The one with the number, or any; for five minutes, and for the last word of a ticket only."""
    till = Till()
    till.say(4, 41)
    ticket = till.say(309, 41).ticket
    till.receipts.wait(ticket, "TRK:4", "9", NOON)
    till.receipts.wait(ticket, "TRK:3", "9", NOON)
    till.say(305, 8, source="TRK:3")
    assert till.receipts.came("TRK:3", NOON) == till.receipts.came("TRK:4", NOON) == []
    said = till.say(37, 41).ticket
    pump = till.say(305, 9, source="TRK:3").ticket
    assert till.receipts.came("TRK:3", NOON) == [replace(said, linked=pump.id)]
    assert till.say(5, 41).ticket.linked == pump.id  # and what comes behind it knows
    assert till.receipts.came("TRK:3", NOON) == []
    till.receipts.wait(replace(ticket, id=99, source="KKM:7"), "TRK:5", "", NOON)
    pump = till.say(305, 1, source="TRK:5").ticket
    assert [each.linked for each in till.receipts.came("TRK:5", NOON + AWAITED)] == [pump.id]
    till.receipts.wait(ticket, "TRK:5", "2", NOON)
    till.say(305, 2, source="TRK:5")
    assert till.receipts.came("TRK:5", NOON + AWAITED + timedelta(seconds=1)) == []
    for id in range(MOST_AWAITED + 1):
        till.receipts.wait(replace(ticket, id=1000 + id), "TRK:6", "", NOON)
    till.say(305, 2, source="TRK:6")
    assert len(till.receipts.came("TRK:6", NOON)) == MOST_AWAITED


def test_resumed() -> None:
    """An open receipt goes on after a restart."""
    till = Till()
    ticket = Ticket(id=90, protocol="prisma", source="KKM:1", number="41", opened_at=NOON, line_count=3)
    till.receipts.resume([(ticket, NOON)])
    assert till.say(6, 41).ticket.line_count == 4
    assert till.say(6, 41).ticket.id == 90


CODES = st.sampled_from([3, 4, 5, 6, 9, 18, 25, 37, 40, 46, 47, 60, 61, 63, 106, 130, 203, 305, 309, 450, 600, 9999])
SAID = st.tuples(CODES, st.sampled_from(["", "0", "41", "42", "43"]), st.sampled_from([0.0, 1.0, 11.0, 1900.0]))


@given(st.lists(st.tuples(st.sampled_from(["KKM:1", "KKM:2"]), SAID), max_size=40))
def test_every_event_has_its_place(said: list[tuple[str, tuple[int, str, float]]]) -> None:
    """Line by line a ticket grows, stays its source's, and is closed for good; one receipt at most is open."""
    till = Till()
    known: dict[int, Ticket] = {}
    for source, (code, number, after) in said:
        placed = till.say(code, number, after=after, source=source)
        before = known.get(placed.ticket.id)
        assert placed.ticket.source == source
        assert placed.ticket.line_count == (before.line_count + 1 if before else 1)
        if before is not None:
            assert before.kind != "event"
            assert before.closed_at is None or placed.ticket.closed_at == before.closed_at
        elif placed.ticket.kind == "event":
            assert placed.ticket.closed_at == placed.ticket.opened_at
        known[placed.ticket.id] = placed.ticket


@given(st.permutations([4, 6, 6, 18, 37]), st.sets(st.integers(0, 4), max_size=4), st.booleans())
def test_lost_and_reordered(order: list[int], lost: set[int], ends: bool) -> None:
    """Whatever arrives of a receipt, in whatever order before its end, is one ticket; the next receipt is another."""
    till = Till()
    arrived = [code for place, code in enumerate(order) if place not in lost]
    ids = {till.say(code, 41, after=0.01).ticket.id for code in arrived}
    if ends:
        ids.add(till.say(5, 41, after=0.01).ticket.id)
    assert len(ids) == 1
    assert till.say(6, 42, after=0.01).ticket.id not in ids


@given(st.lists(SAID, max_size=30), st.lists(SAID, max_size=30))
def test_tills_are_parallel(one: list[tuple[int, str, float]], other: list[tuple[int, str, float]]) -> None:
    """What one till says changes nothing for another."""

    def shape(said: list[tuple[str, tuple[int, str, float]]]) -> list[tuple[int, str, str]]:
        till, at, found = Till(), {"a": NOON, "b": NOON}, []
        for source, (code, number, after) in said:
            at[source] += timedelta(seconds=after)
            placed = till.receipts.place(Entry(source, at[source], PLAIN.of(code), number))
            if source == "a":
                found.append((placed.ticket.line_count, placed.ticket.kind, placed.ticket.state))
        return found

    mixed = [pair for both in zip([("a", e) for e in one], [("b", e) for e in other], strict=False) for pair in both]
    mixed += [("a", event) for event in one[len(other) :]]
    assert shape(mixed) == shape([("a", event) for event in one])


# ── the catalogue ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_catalogue() -> None:
    """Every event of the manual has its three names; any other number is a kind too."""
    kinds = PLAIN.all()
    assert len(kinds) == 148
    assert all(kind.called(language) for kind in kinds for language in ("en", "fr", "ru"))
    assert PLAIN.of(18).called("fr") == "Article supprimé du ticket"
    assert PLAIN.of(18).called("ru") == "Удаление товара из чека"
    assert len(described()) == 23
    unknown = PLAIN.of(125)
    assert (unknown.called("en"), unknown.display, unknown.group) == ("", "show", "service")
    assert [PLAIN.of(code).group for code in (499, 500, 700, 701)] == ["relay", "access", "access", ""]
    assert [PLAIN.of(code).display for code in (60, 61, 130, 101, 6, 450)] == ["store"] * 4 + ["show"] * 2


def test_a_shop_names_its_codes() -> None:
    changed = PLAIN.changed(451, {"name": "Back door", "display": "store"}).changed(6, {"closing": True})
    assert changed.of(451).called("ru") == "Back door"
    assert changed.names("en")["451"] == "Back door"
    assert changed.of(6).closing and changed.of(6).called("en") == "Item added to receipt"
    again = changed.changed(6, {"closing": False})
    assert set(again.changes) == {451}
    wrong: list[dict[str, Any]] = [{"name": 3}, {"display": "x"}, {"closing": 1}, {"code": 7}, {"name": "a\0"}]
    for body in wrong:
        try:
            PLAIN.changed(6, body)
        except Invalid as refused:
            assert refused.field == next(iter(body))
        else:
            raise AssertionError(body)
