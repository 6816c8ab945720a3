"""Which sale a line belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from camtrace.model import Ticket
from camtrace.tickets.grouping import Entry, Grouping

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


class Till:
    """Says lines a second apart and remembers the tickets."""

    def __init__(self, grouping: Grouping | None = None, source: str = "1") -> None:
        self.grouping = grouping or Grouping(count(1).__next__)
        self.source = source
        self.at = NOON

    def say(self, kind: str, number: str = "", seller: str = "", settled: str | None = None) -> Ticket:
        self.at += timedelta(seconds=1)
        amount = None if settled is None else Decimal(settled)
        entry = Entry("pos", self.source, self.at, number, seller, amount, kind == "E", kind == "D")
        return self.grouping.place(entry)


def test_from_the_first_line_until_e() -> None:
    till = Till()
    tickets = [till.say(kind) for kind in "AASTDEAE"]
    assert [ticket.id for ticket in tickets] == [1] * 6 + [2] * 2
    assert [ticket.line_count for ticket in tickets] == [1, 2, 3, 4, 5, 6, 1, 2]
    assert [ticket.state for ticket in tickets] == ["open"] * 5 + ["closed", "open", "closed"]
    assert (tickets[5].opened_at, tickets[5].closed_at) == (NOON + timedelta(seconds=1), NOON + timedelta(seconds=6))


def test_what_is_added_beside_a_ticket_changes_none() -> None:
    """It belongs to the till's latest one, by its id or while it is open, or stands alone."""
    till = Till()
    source, ticket = ("pos", "1"), till.say("A")
    assert till.grouping.beside(source, till.at) == till.grouping.beside(source, till.at, ticket.id) == ticket
    late = till.at + timedelta(minutes=31)
    alone = till.grouping.beside(source, late)
    assert (alone.kind, alone.closed_at, alone.id != ticket.id) == ("event", late, True)
    ended = till.say("E")
    assert (ended.id, ended.line_count) == (ticket.id, 2)
    assert till.grouping.beside(source, till.at, ticket.id) == ended
    assert till.grouping.beside(source, till.at).kind == "event"
    assert till.say("A").line_count == 1


def test_the_total_is_what_was_settled() -> None:
    till = Till()
    tickets = [till.say("A"), till.say("T", settled="10.00"), till.say("D"), till.say("E", settled="16.00")]
    assert [ticket.total for ticket in tickets] == [None, Decimal("10.00"), Decimal("10.00"), Decimal("26.00")]


def test_number_and_seller_come_when_they_come() -> None:
    till = Till()
    assert [till.say("A"), till.say("A", seller="7"), till.say("E", number="42", seller="8")][-1] == Ticket(
        id=1,
        protocol="pos",
        source="1",
        number="42",
        seller="7",
        opened_at=NOON + timedelta(seconds=1),
        closed_at=NOON + timedelta(seconds=3),
        line_count=3,
    )


def test_a_drawer_alone_is_its_own_entry() -> None:
    """And neither swallows the sale after it nor hangs on to the one before it."""
    till = Till()
    tickets = [till.say(kind) for kind in "AEDDAE"]
    assert [ticket.id for ticket in tickets] == [1, 1, 2, 3, 4, 4]
    assert [ticket.state for ticket in tickets[2:4]] == ["closed", "closed"]


def test_an_e_alone_is_a_ticket() -> None:
    assert Till().say("E").state == "closed"


def test_another_number_means_that_e_was_lost() -> None:
    till = Till()
    tickets = [till.say("A", number=number) for number in ("5", "", "5", "6", "6")]
    assert [ticket.id for ticket in tickets] == [1, 1, 1, 2, 2]


def test_silence_ends_a_ticket() -> None:
    till = Till()
    till.say("A")
    till.at += timedelta(minutes=30) - timedelta(seconds=1)
    assert till.say("A").id == 1
    till.at += timedelta(minutes=30)
    assert till.say("A").id == 2


def test_sources_do_not_mix() -> None:
    grouping = Grouping(count(1).__next__)
    one, two = Till(grouping, "1"), Till(grouping, "2")
    assert [one.say("A").id, two.say("A").id, one.say("E").id, two.say("A").id, one.say("A").id] == [1, 2, 1, 2, 3]


def test_open_tickets_go_on_after_a_restart() -> None:
    before = Till()
    ticket = [before.say("A"), before.say("T", settled="3")][-1]
    after = Till(Grouping(count(100).__next__))
    after.at = before.at
    after.grouping.resume([(ticket, before.at)])
    closed = after.say("E", settled="4")
    assert (closed.id, closed.line_count, closed.total) == (ticket.id, 3, 7)
    assert after.say("A").id == 100


@given(st.lists(st.tuples(st.sampled_from("AAASTDE"), st.sampled_from("123"), st.sampled_from(["", "", "4", "5"]))))
def test_whatever_is_said(said: list[tuple[str, str, str]]) -> None:
    """Lines of a ticket are counted without a hole, follow one another per source, and nothing follows a closing."""
    grouping = Grouping(count(1).__next__)
    tills = {source: Till(grouping, source) for source in "123"}
    current: dict[str, Ticket] = {}
    for kind, source, number in said:
        ticket, before = tills[source].say(kind, number), current.get(source)
        if before is not None and before.id == ticket.id:
            assert before.state == "open"
            assert ticket.line_count == before.line_count + 1
        else:
            assert ticket.line_count == 1
        assert ticket.source == source
        assert (ticket.state == "closed") == (kind == "E" or (kind == "D" and ticket.line_count == 1))
        current[source] = ticket
