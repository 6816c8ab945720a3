"""Lines of the external log as a list to print: PDF, A4 upright, with what was asked on top."""

from __future__ import annotations

import io
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from camtrace import assets
from camtrace.i18n import N_
from camtrace.model import Line
from camtrace.tickets.roles import SPECIAL, role_of
from camtrace.web.voices import Voice

_FACE, _BOLD = "DejaVu Sans", "DejaVu Sans Bold"
_WIDTH, _HEIGHT = A4
_MARGIN, _ROW, _SIZE, _SMALLEST = 40.0, 13.0, 8.0, 5.0
_NO_LETTER = "□"  # what stands for a letter that the font has not: an emoji, or one of a far script
_MOST_CHARACTERS = 400  # of what was asked
# head, where the column begins, where it ends, whether it stands at its right edge; figures, till and ticket become
# smaller rather than that they are cut
_COLUMNS = (
    (N_("Time"), 0.0, 48.0, False),
    (N_("Till"), 52.0, 92.0, False),
    (N_("Ticket"), 96.0, 146.0, False),
    (N_("Cashier"), 150.0, 220.0, False),
    (N_("Article"), 224.0, 418.0, False),
    (N_("Quantity"), 422.0, 462.0, True),
    (N_("Amount"), 466.0, _WIDTH - 2 * _MARGIN, True),
)
_WHOLE = (52.0, 96.0)  # till and ticket


def sheet(
    voice: Voice, site: str, asked: str, lines: Sequence[Line], cut: bool, at: datetime, ways: Mapping[int, str]
) -> bytes:
    """The list as a file: `lines` newest first; made at `at`.

    `cut`: whether there are more, which is told. `ways`: by the id of a line, the address of its replay, to which its
    row leads.

    Takes up to half a second: it belongs in a job.
    """
    _know_fonts()
    content = io.BytesIO()
    canvas = Canvas(content, pagesize=A4, pageCompression=1)
    canvas.setTitle(f"{site} · {voice.spoken.gettext(N_('Tickets'))}")
    canvas.setCreator("CamTrace")
    _Sheet(canvas, voice, site, asked, at, ways).draw(lines, cut)
    canvas.save()
    return content.getvalue()


class _Sheet:
    """One list while it is drawn. `y` is where the next row stands."""

    def __init__(self, canvas: Any, voice: Voice, site: str, asked: str, at: datetime, ways: Mapping[int, str]) -> None:
        self._canvas = canvas
        self._voice = voice
        self._site = site
        self._asked = asked
        self._at = at
        self._ways = ways
        self._y = 0.0
        self._number = 0

    def draw(self, lines: Sequence[Line], cut: bool) -> None:
        """Every page."""
        spoken = self._voice.spoken
        self._page()
        self._head(len(lines), cut)
        day = ""
        for line in lines:
            today = spoken.day(line.received_at, self._voice.zone)
            if self._y < _MARGIN + (3 if today != day else 1) * _ROW:
                self._canvas.showPage()
                self._page()
                day = ""
            if today != day:
                day = today
                self._y -= 5
                self._text(0, day, _BOLD)
                self._y -= _ROW
            self._row(line)
        if not lines:
            self._text(0, spoken.gettext(N_("No line matches")))

    def _page(self) -> None:
        """A new page with its foot and the heads of its columns."""
        self._number += 1
        self._y = _MARGIN / 2
        words = f"{self._site} · CamTrace · {self._voice.instant(self._at)[:16]}"
        self._text(0, _cut(words, _FACE, _WIDTH - 2 * _MARGIN - 60))
        self._right(_WIDTH - 2 * _MARGIN, str(self._number))
        self._y = _HEIGHT - _MARGIN
        if self._number > 1:
            self._heads()

    def _head(self, count: int, cut: bool) -> None:
        spoken = self._voice.spoken
        self._text(0, _cut(self._site, _BOLD, _WIDTH - 2 * _MARGIN, 15), _BOLD, 15)
        self._y -= 20
        asked = self._asked or spoken.gettext(N_("All lines"))
        if len(asked) > _MOST_CHARACTERS:
            asked = f"{asked[:_MOST_CHARACTERS]}…"
        for row in _wrapped(asked, _WIDTH - 2 * _MARGIN, 10):
            self._text(0, row, _FACE, 10)
            self._y -= 14
        told = spoken.ngettext("{count} line", "{count} lines", count).format(count=spoken.figure(count))
        if cut:
            sentence = N_("Only the newest {count} rows are here: choose a shorter period for the others.")
            told = spoken.gettext(sentence).format(count=spoken.figure(count))
        self._text(0, told)
        self._y -= _ROW * 1.5
        self._heads()

    def _heads(self) -> None:
        for words, begin, end, right in _COLUMNS:
            self._cell(self._voice.spoken.gettext(words), _BOLD, begin, end, right, True)
        self._canvas.setLineWidth(1)
        self._canvas.line(_MARGIN, self._y - 4, _WIDTH - _MARGIN, self._y - 4)
        self._y -= _ROW + 2

    def _row(self, line: Line) -> None:
        self._canvas.setFillColorRGB(*((0.69, 0.08, 0.13) if role_of(line) == SPECIAL or line.special else (0, 0, 0)))
        text = " ".join(part for part in (line.special, line.text or line.tender) if part) or line.type
        amount = line.amount if line.amount is not None else line.total
        cells = (
            self._voice.spoken.time(line.received_at, self._voice.zone),
            line.source,
            line.ticket,
            line.seller,
            text,
            self._figure(line.quantity),
            self._figure(amount),
        )
        for (_, begin, end, right), words in zip(_COLUMNS, cells, strict=True):
            self._cell(words, _FACE, begin, end, right, right or begin in _WHOLE)
        self._canvas.setFillColorRGB(0, 0, 0)
        if way := self._ways.get(line.id):
            place = (_MARGIN, self._y - 3, _WIDTH - _MARGIN, self._y + _ROW - 4)
            self._canvas.linkURL(way, place, relative=0, thickness=0)
        self._y -= _ROW

    def _figure(self, value: Decimal | None) -> str:
        words = "" if value is None else f"{value:f}"
        return words if self._voice.spoken.language == "en" else words.replace(".", ",")

    def _cell(self, words: str, face: str, begin: float, end: float, right: bool, whole: bool) -> None:
        """A column of this row; `whole`: smaller rather than cut."""
        size = _fitting(words, face, end - begin) if whole else _SIZE
        shown = _cut(words, face, end - begin, size)
        if right:
            self._right(end, shown, face, size)
        else:
            self._text(begin, shown, face, size)

    def _text(self, x: float, words: str, face: str = _FACE, size: float = _SIZE) -> None:
        self._canvas.setFont(face, size)
        self._canvas.drawString(_MARGIN + x, self._y, words)

    def _right(self, x: float, words: str, face: str = _FACE, size: float = _SIZE) -> None:
        self._canvas.setFont(face, size)
        self._canvas.drawRightString(_MARGIN + x, self._y, words)


def _know_fonts() -> None:
    if _FACE not in pdfmetrics.getRegisteredFontNames():
        for face, name in ((_BOLD, "DejaVuSans-Bold.ttf"), (_FACE, "DejaVuSans.ttf")):
            pdfmetrics.registerFont(TTFont(face, str(assets.web() / "fonts" / name)))


def _cut(words: str, face: str, width: float, size: float = _SIZE) -> str:
    """`words` in one row of this width, with an ellipsis where it ends early."""
    words = _drawable(" ".join(words[:200].split()), face)
    if pdfmetrics.stringWidth(words, face, size) <= width:
        return words
    fits = bisect_left(
        range(len(words)), True, key=lambda count: pdfmetrics.stringWidth(f"{words[: count + 1]}…", face, size) > width
    )
    return f"{words[:fits]}…"


def _fitting(words: str, face: str, width: float) -> float:
    """The size at which `words` have room in this width, `_SMALLEST` at least."""
    wide = pdfmetrics.stringWidth(_drawable(words, face), face, _SIZE)
    return _SIZE if wide <= width else max(_SMALLEST, 0.995 * _SIZE * width / wide)


def _drawable(words: str, face: str) -> str:
    """`words` with a sign for each letter that the font has not, and without what is not seen."""
    known = pdfmetrics.getFont(face).face.charToGlyph
    if all(ord(letter) in known for letter in words):
        return words
    seen = (
        letter for letter in words if ord(letter) in known or unicodedata.category(letter) not in ("Cc", "Cf", "Mn")
    )
    return "".join(letter if ord(letter) in known else _NO_LETTER for letter in seen)


def _wrapped(text: str, width: float, size: float) -> Iterator[str]:
    row = ""
    for word in text.split():
        longer = f"{row} {word}".strip()
        if row and pdfmetrics.stringWidth(longer, _FACE, size) > width:
            yield row
            longer = word
        row = _cut(longer, _FACE, width, size)
    yield row
