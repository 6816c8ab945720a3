"""What stands on the screen beside a camera's picture now: the ticket as its lines arrive. Pure.

The rules of the till protocol: quantity, description and amount of each line are shown; S lines stand out; the lines
are cleared at the first line *after* an E line, so that a finished ticket stays to be read. A source that says nothing
for `timeout` is cleared too. `overlay_state` is what the browser is sent; it follows the same rules from there on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from camtrace.model import Line

TIMEOUT = timedelta(minutes=5)
MAX_LINES = 200
ANNULLED = "ANNULE"


@dataclass(slots=True)
class Shown:
    """One line on the screen. `gone`: an S line further down annulled it."""

    line: Line
    gone: bool = False

    @property
    def stands_out(self) -> bool:
        """Whether it is shown in red."""
        return self.line.type == "S"


class Overlay:
    """The screen of one source."""

    def __init__(self, timeout: timedelta = TIMEOUT) -> None:
        self._timeout = timeout
        self._lines: list[Shown] = []

    def add(self, line: Line) -> None:
        """Show `line`, after clearing what it makes obsolete."""
        if self._lines and self._is_new(line):
            self._lines.clear()
        if line.type == "S" and line.special == ANNULLED:
            self._strike(line)
        self._lines.append(Shown(line))
        del self._lines[:-MAX_LINES]

    def lines(self, now: datetime) -> list[Shown]:
        """What stands on the screen at `now`, oldest first."""
        if self._lines and now - self._lines[-1].line.received_at > self._timeout:
            return []
        return list(self._lines)

    def _is_new(self, line: Line) -> bool:
        last = self._lines[-1].line
        another = line.ticket_id != last.ticket_id
        return another or last.type == "E" or line.received_at - last.received_at > self._timeout

    def _strike(self, line: Line) -> None:
        """Mark the latest article that `line` annuls: same code, or same description where no code is given."""
        for shown in reversed(self._lines):
            if shown.line.type == "A" and not shown.gone and _is_same_article(shown.line, line):
                shown.gone = True
                return


def _is_same_article(one: Line, other: Line) -> bool:
    if one.code or other.code:
        return one.code == other.code
    return one.text.casefold() == other.text.casefold()


def overlay_state(source: str, overlay: Overlay, now: datetime) -> dict[str, Any]:
    """The screen as JSON: `{"source", "lines": [...]}`, each line as `line_state` says."""
    return {"source": source, "lines": [line_state(shown) for shown in overlay.lines(now)]}


def line_state(shown: Shown) -> dict[str, Any]:
    """One line as JSON. Ids are strings, `at` is ISO 8601, quantity and amount decimal strings or null.

    `text` is what stands in the middle: the article, or the means of payment. `annuls`: whether it strikes out the
    latest article of the same `code` (or `text`) that is not gone.
    """
    line = shown.line
    return {
        "id": str(line.id),
        "at": line.received_at.isoformat(),
        "ticket": str(line.ticket_id),
        "type": line.type,
        "quantity": _plain(line.quantity),
        "code": line.code,
        "text": line.text or line.tender,
        "amount": _plain(line.amount),
        "total": _plain(line.total),
        "special": line.special,
        "annuls": line.type == "S" and line.special == ANNULLED,
        "gone": shown.gone,
    }


def _plain(value: Any) -> str | None:
    return None if value is None else format(value, "f")
