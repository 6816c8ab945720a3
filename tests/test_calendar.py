"""When a calendar applies: minutes, special days, and the nights in which clocks are set."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from camtrace.calendar import applies, last_change, next_change
from camtrace.model import ALWAYS, NEVER, Calendar, Hours, SpecialDays

PARIS = ZoneInfo("Europe/Paris")
SHOP = Calendar("shop", ((Hours(8 * 60, 12 * 60), Hours(14 * 60, 19 * 60 + 30)),) * 6 + ((),))
NIGHT = Calendar(
    "night", ((Hours(2 * 60, 3 * 60),),) * 7
)  # the hour that is left out in spring and comes twice in autumn


def local(text: str, fold: int = 0) -> datetime:
    """An instant by the clock of Paris."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold)


def test_hours_begin_and_end_to_the_minute() -> None:
    for text, open_ in (
        ("2026-11-25 07:59:59", False),
        ("2026-11-25 08:00:00", True),
        ("2026-11-25 11:59:59.999999", True),
        ("2026-11-25 12:00:00", False),
        ("2026-11-25 19:29:59", True),
        ("2026-11-25 19:30:00", False),
        ("2026-11-29 10:00:00", False),  # a Sunday
    ):
        assert applies(SHOP, local(text), PARIS) == open_, text


def test_always_and_never() -> None:
    now = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert applies(ALWAYS, now, PARIS) and not applies(NEVER, now, PARIS)
    assert next_change(ALWAYS, now, PARIS) is None and next_change(NEVER, now, PARIS) is None


def test_special_days_have_hours_of_their_own() -> None:
    christmas = SpecialDays(date(2026, 12, 24), date(2026, 12, 26), (Hours(540, 600),), "Christmas")
    calendar = Calendar("shop", SHOP.week, (christmas, SpecialDays(date(2026, 12, 26), date(2026, 12, 31))))
    assert applies(calendar, local("2026-12-23 15:00"), PARIS)
    assert not applies(calendar, local("2026-12-24 15:00"), PARIS)
    assert applies(calendar, local("2026-12-26 09:30"), PARIS)  # the first that fits counts
    assert not applies(calendar, local("2026-12-28 09:30"), PARIS)
    assert next_change(calendar, local("2026-12-26 11:00"), PARIS) == local("2027-01-01 08:00")


def test_changes() -> None:
    assert next_change(SHOP, local("2026-11-25 07:00"), PARIS) == local("2026-11-25 08:00")
    assert next_change(SHOP, local("2026-11-25 08:00"), PARIS) == local("2026-11-25 12:00")
    assert next_change(SHOP, local("2026-11-28 20:00"), PARIS) == local("2026-11-30 08:00")  # over the Sunday


def test_the_clock_is_set_forward() -> None:
    before = local("2026-03-29 01:59:59").astimezone(UTC)
    assert not applies(NIGHT, before, PARIS)
    assert not applies(NIGHT, before + timedelta(seconds=1), PARIS)  # it is three at once
    assert next_change(NIGHT, before, PARIS) == local("2026-03-30 02:00")
    early = Calendar("early", ((Hours(3 * 60, 4 * 60),),) * 7)
    assert next_change(early, before, PARIS) == before + timedelta(seconds=1)


def test_the_clock_is_set_back() -> None:
    first, second = local("2026-10-25 02:30"), local("2026-10-25 02:30", fold=1)
    assert second - first == timedelta(0) and second.timestamp() - first.timestamp() == 3600
    assert applies(NIGHT, first.astimezone(UTC), PARIS) and applies(NIGHT, second.astimezone(UTC), PARIS)
    ends = next_change(NIGHT, first.astimezone(UTC), PARIS)
    assert ends == datetime(2026, 10, 25, 2, tzinfo=UTC)  # three by the clock, the second time round


@settings(max_examples=60, deadline=None)
@given(
    week=st.lists(
        st.lists(
            st.tuples(st.integers(0, 1439), st.integers(1, 300)).map(lambda h: Hours(h[0], min(1440, h[0] + h[1]))),
            max_size=3,
        ).map(tuple),
        min_size=7,
        max_size=7,
    ).map(tuple),
    start=st.datetimes(datetime(2026, 3, 26), datetime(2026, 3, 30))
    | st.datetimes(datetime(2026, 10, 22), datetime(2026, 10, 27)),
    zone=st.sampled_from(["Europe/Paris", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
)
def test_nothing_changes_before_the_next_change(week, start, zone) -> None:
    calendar, at, place = Calendar("any", week), start.replace(tzinfo=UTC), ZoneInfo(zone)
    change = next_change(calendar, at, place)
    end = change if change is not None else at + timedelta(days=8)
    minutes = int(min((end - at).total_seconds(), 8 * 86400) // 60)
    now = applies(calendar, at, place)
    for minute in range(0, minutes, 7):
        assert applies(calendar, at + timedelta(minutes=minute), place) == now
    if change is not None:
        assert applies(calendar, change - timedelta(seconds=1), place) == now or change - at < timedelta(seconds=1)
        assert applies(calendar, change, place) != now


def test_clocks_that_are_set_by_half_an_hour() -> None:
    """Lord Howe Island: to the minute on both nights of the year, and nothing in between."""
    island = ZoneInfo("Australia/Lord_Howe")
    at, changes = datetime(2026, 3, 20, tzinfo=UTC), []
    dawn = Calendar("dawn", ((Hours(90, 120), Hours(150, 180)),) * 7)
    while len(changes) < 1000:
        at = next_change(dawn, at, island)
        changes.append(at)
    minutes = (datetime(2026, 3, 20, tzinfo=UTC) + timedelta(minutes=minute) for minute in range(0, 225 * 1440, 15))
    before, expected = False, []
    for minute in minutes:
        if applies(dawn, minute, island) != before:
            before = not before
            expected.append(minute)
    assert changes[: len(expected)] == expected


def test_since_when() -> None:
    """The latest change looking back; over a Sunday, on the minute itself, and where nothing ever changes."""
    assert last_change(SHOP, local("2026-11-25 10:00"), PARIS) == local("2026-11-25 08:00")
    assert last_change(SHOP, local("2026-11-25 08:00"), PARIS) == local("2026-11-25 08:00")
    assert last_change(SHOP, local("2026-11-25 13:00"), PARIS) == local("2026-11-25 12:00")
    assert last_change(SHOP, local("2026-11-30 07:00"), PARIS) == local("2026-11-28 19:30")
    assert last_change(ALWAYS, local("2026-11-25 13:00"), PARIS) is None
