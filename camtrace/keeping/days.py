"""For how many days what is kept is kept: as the configuration says, until an administrator sets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo

from twisted.internet import defer

from camtrace import clock
from camtrace.config import FEWEST_JOURNAL_DAYS
from camtrace.errors import Conflict, Invalid
from camtrace.i18n import N_
from camtrace.keeping.ports import DayRows, Footage, NoteOfUser
from camtrace.keeping.retention import GRACE, are_fewer, expiry, in_force
from camtrace.model import ALARMS, FOOTAGE, JOURNALS, DaysPlan, DaysSet, Leaving, Removal, User

SETTING = "kept_days"  # the name under which a change is announced
MOST_DAYS = 36500
SUBJECTS = {
    FOOTAGE: N_("Recordings"),
    ALARMS: N_("Recordings of alarms"),
    "lines": N_("Tickets and exceptions"),
    JOURNALS: N_("Journals, alarms, lost cameras"),
}


class KeptDays:
    """How long each kind of `model.ALL_KEPT` is kept. `in_file`: by kind, where nothing is set; 0 is for ever.

    Whoever makes the days fewer has a week to mend a mistake: nothing that was not to go anyway goes before.
    """

    def __init__(
        self,
        rows: DayRows,
        footage: Footage,
        note: NoteOfUser,
        zone: tzinfo,
        in_file: Mapping[str, int],
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._rows = rows
        self._footage = footage
        self._note = note
        self._zone = zone
        self._in_file = dict(in_file)
        self._now = now
        self._removals: Mapping[str, Removal] = {}
        self._changing = defer.DeferredLock()

    async def load(self) -> None:
        """Read what is set. Raises DatabaseUnavailable."""
        self._removals = await self._rows.all()

    async def setting_changed(self, key: str) -> None:
        """Somebody changed a setting, perhaps by another road. "" stands for any."""
        if key in ("", SETTING):
            await self.load()

    def of(self, what: str) -> DaysSet:
        """For how many days this kind is kept at this moment."""
        return self._in_force(self._removals.get(what, Removal(what)))

    def all_wanted(self) -> dict[str, dict[str, int | None]]:
        """For how many `days` each kind is kept, and those `held` until that counts: for pages that follow."""
        found = [self.of(what) for what in self._in_file]
        return {each.what: {"days": each.wanted, "held": each.held} for each in found}

    def for_footage(self) -> tuple[int, int]:
        """The days for which footage stays, and that of alarms; 0 is no limit."""
        footage, alarms = (self._days_now(what) for what in (FOOTAGE, ALARMS))
        return footage, alarms

    def _days_now(self, what: str) -> int:
        return self.of(what).counting

    async def plan(self, what: str, days: int | None) -> DaysPlan:
        """What it would come to if `what` were kept for `days` (None: as in the file). Raises Invalid."""
        self._check(what, days)
        return await self._plan(what, days, await self._removal(what))

    async def change(
        self, what: str, days: int | None, user: User, confirmed: bool = False, before: int | None = None
    ) -> DaysPlan:
        """Keep `what` for `days` (None: as in the file) from now on; what goes by that goes in a week.

        `before`: the days that the user saw. Raises Invalid, and Conflict where they are others by now, or where
        something would go and the user has not `confirmed` it.
        """
        self._check(what, days)
        await self._changing.acquire()
        try:
            return await self._change(what, days, user, confirmed, before)
        finally:
            self._changing.release()

    # ── steps ──

    async def _change(self, what: str, days: int | None, user: User, confirmed: bool, before: int | None) -> DaysPlan:
        removal = await self._removal(what)
        plan = await self._plan(what, days, removal)
        if before not in (None, plan.before):
            raise Conflict(N_("somebody has set other days meanwhile"), "before")
        if plan.leaving and are_fewer(plan.after, plan.before) and not confirmed:
            raise Conflict(N_("what is older would be erased: this must be confirmed"), "confirmed")
        if days == removal.days:
            return plan
        held, told_at = None, None
        if plan.begins_at is not None:
            held, told_at = self._in_force(removal).counting, plan.begins_at - GRACE
        await self._rows.set(what, days, held, plan.border, told_at)
        await self.load()
        values: dict[str, str | int | float] = {"what": SUBJECTS[what], "before": plan.before, "days": plan.after}
        if plan.begins_at is None:
            self._note("audit", "kept_days_set", values, user=user.name)
        else:
            day = plan.begins_at.astimezone(self._zone).date().isoformat()
            self._note("audit", "kept_days_fewer", {**values, "day": day}, user=user.name)
        return plan

    async def _plan(self, what: str, days: int | None, removal: Removal) -> DaysPlan:
        now, present = self._now(), self._in_force(removal)
        after = present.in_file if days is None else days
        border, leaving, begins_at = expiry(now, after, self._zone), Leaving({}), None
        is_told = removal.announced_at is not None and not are_fewer(after, present.wanted)
        if border is not None and (are_fewer(after, present.counting) or (is_told and _is_ahead(border, removal))):
            leaving = await self._leaving(what, after, border)
        if leaving:  # who asks for no fewer days than were told has the week that was told then
            begins_at = (removal.announced_at if is_told and removal.announced_at is not None else now) + GRACE
        return DaysPlan(what, present.wanted, after, border if leaving else None, leaving, begins_at)

    def _in_force(self, removal: Removal) -> DaysSet:
        return in_force(self._now(), self._in_file[removal.what], removal)

    async def _leaving(self, what: str, days: int, border: datetime) -> Leaving:
        if what == FOOTAGE:
            return await self._footage.leaving(days, self._days_now(ALARMS))
        if what == ALARMS:
            return await self._footage.leaving(self._days_now(FOOTAGE), days)
        return await self._rows.leaving(what, border)

    async def _removal(self, what: str) -> Removal:
        return (await self._rows.all()).get(what, Removal(what))

    def _check(self, what: str, days: int | None) -> None:
        if days is None:
            return
        low = FEWEST_JOURNAL_DAYS if what == JOURNALS and days != 0 else 0
        if not low <= days <= MOST_DAYS:
            raise Invalid(
                N_("{field} must be 0 or a whole number from {low} to {high}"), "days", low=max(1, low), high=MOST_DAYS
            )


def _is_ahead(border: datetime, removal: Removal) -> bool:
    """Whether the journal told by itself, of the first time, that rows from before `border` are to go."""
    told_of_rows = removal.announced_at is not None and removal.held is None and removal.what not in (FOOTAGE, ALARMS)
    return told_of_rows and (removal.reached is None or border > removal.reached)
