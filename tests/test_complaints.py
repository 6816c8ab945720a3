"""What is told of bad tills, and how often."""

from __future__ import annotations

from gettext import NullTranslations
from types import SimpleNamespace
from typing import Any

import pytest

from camtrace import clock
from camtrace.complaints import FORGET_SECONDS, LOG_SECONDS, MOST_NAMED, MOST_REMEMBERED, NOTE_SECONDS, Complaints
from camtrace.model import JOURNAL_KINDS, JournalEntry
from camtrace.notes import TEXTS, words


class Ear:
    """Complaints with a clock of the test's and what they tell."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.notes: list[tuple[str, str, dict[str, Any]]] = []
        self.logged: list[tuple[str, int]] = []
        self.complaints = Complaints("till", lambda *entry: self.notes.append(entry), lambda: self.seconds)

        log = SimpleNamespace(
            warn=lambda text, **said: self.logged.append((f"{said['peer']} {said['reason']}", said["unsaid"]))
        )
        monkeypatch.setattr(Complaints, "log", log)


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    """With nothing told yet."""
    return Ear(monkeypatch)


def test_once_a_period_each(ear: Ear) -> None:
    """Each fault of each address at once, then once a period with how often it was."""
    for _ in range(50):
        ear.complaints.tell("a", "fields", "bad")
    ear.complaints.tell("a", "long", "closed")
    ear.complaints.tell("b", "fields", "bad")
    assert ear.logged == [("a bad", 0), ("a closed", 0), ("b bad", 0)]
    assert len(ear.notes) == 3
    ear.seconds += LOG_SECONDS
    ear.complaints.tell("a", "fields", "bad")
    assert ear.logged[-1] == ("a bad", 49)
    assert len(ear.notes) == 3
    ear.seconds += NOTE_SECONDS
    ear.complaints.tell("a", "fields", "bad", line="x")
    assert ear.notes[-1] == ("system", "till_fields", {"address": "a", "count": 52, "line": "x"})


def test_a_day_of_a_bad_till(ear: Ear) -> None:
    """One that never stops fills no journal."""
    for second in range(86400):
        ear.seconds = second
        ear.complaints.tell("a", "fields", "bad")
    assert len(ear.logged) <= 86400 / LOG_SECONDS
    assert len(ear.notes) <= 86400 / NOTE_SECONDS


def test_addresses_without_end(ear: Ear) -> None:
    """They are bounded in memory, log and journal: beyond those told by name, all others are told together."""
    for number in range(3 * MOST_REMEMBERED):
        ear.complaints.tell(f"peer {number}", "stranger", "refused", line="x")
    assert len(ear.complaints) == MOST_NAMED
    assert len(ear.notes) == len(ear.logged) == MOST_NAMED + 1
    assert ear.notes[-1] == ("system", "till_others", {"address": f"peer {MOST_NAMED}", "count": 1})
    ear.seconds += NOTE_SECONDS  # a sixth of an hour: so many more are told by name
    for number in range(MOST_REMEMBERED):
        ear.complaints.tell(f"another {number}", "stranger", "refused")
    told = 3 * MOST_REMEMBERED - MOST_NAMED + 1
    assert ear.notes[-1] == ("system", "till_others", {"address": f"another {MOST_NAMED // 6}", "count": told})
    assert len(ear.notes) == MOST_NAMED + 1 + MOST_NAMED // 6 + 1
    ear.complaints.tell("peer 5", "stranger", "refused")  # whoever is known stays so
    assert ear.notes[-1][1:] == ("till_stranger", {"address": "peer 5", "count": 2})


def test_a_day_of_forged_addresses(ear: Ear) -> None:
    """Every fault there is, from addresses without end: memory, log and journal stay small."""
    for second in range(0, 86400, 2):
        ear.seconds = second
        for code in ("fields", "no_name", "no_type", "long"):
            ear.complaints.tell(f"peer {second}", code, "bad")
    assert len(ear.complaints) <= MOST_REMEMBERED
    assert len(ear.notes) <= 4 * (MOST_NAMED * 25 + 86400 / NOTE_SECONDS)


def test_old_ones_make_room(ear: Ear) -> None:
    """An hour after the flood a till is told by its address again."""
    for number in range(2 * MOST_REMEMBERED):
        ear.complaints.tell(f"peer {number}", f"code {number % 50}", "bad")
    assert len(ear.complaints) == MOST_REMEMBERED
    ear.seconds += FORGET_SECONDS
    ear.complaints.tell("another", "stranger", "refused")
    assert (len(ear.complaints), ear.notes[-1][1:]) == (1, ("till_stranger", {"address": "another", "count": 1}))


@pytest.mark.parametrize(
    ("code", "values", "sentence"),
    [
        (
            "fields",
            {"line": "TOTAL 16,00"},
            "The till at 192.168.1.40 sends lines that are no till lines (3 so far), such as: TOTAL 16,00",
        ),
        ("long", {"limit": 4}, "The till at 192.168.1.40 sent a line of more than 4 kB and was cut off (3 so far)."),
        (
            "no_type",
            {"line": "1|0|7|0||"},
            "The till at 192.168.1.40 sends lines of an unknown type (3 so far), such as: 1|0|7|0||",
        ),
    ],
)
def test_words(code: str, values: dict[str, Any], sentence: str) -> None:
    """What the owner of the shop reads."""

    entry = JournalEntry(
        id=1,
        at=clock.now(),
        kind="system",
        text=f"till_{code}",
        values={"address": "192.168.1.40", "count": 3, **values},
    )
    assert words(entry, NullTranslations()) == sentence
    assert "system" in JOURNAL_KINDS


def test_every_fault_has_its_sentence() -> None:
    """Every code that is told, wherever in the package."""
    for code in ("fields", "no_name", "no_type", "long", "stranger", "stranger_name", "crowd", "too_many"):
        assert f"till_{code}" in TEXTS
    for who in ("till", "prisma", "control", "ftp"):
        assert f"{who}_others" in TEXTS
